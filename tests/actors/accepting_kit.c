/* SPDX-License-Identifier: MIT */
/* The greeter, and the simulation around it. */
#include "actors/accepting_kit.h"

#include <stdio.h>
#include <string.h>

greeted seen;
weft_sim *sim;

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *o = weft_body(msg);
    char peer[WEFT_ADDRESS_TEXT_BYTES], local[WEFT_ADDRESS_TEXT_BYTES];
    seen.opens++;
    seen.stream = o->stream;
    return weft_write_text(self, o->stream, "%s at %s\n", weft_address_print(&o->peer, peer),
                           weft_address_print(&o->local, local));
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    weft_err err = weft_stream_addresses(self, data->stream, &seen.local, &seen.peer);
    if (err == WEFT_OK && data->bytes.size == 1 && data->bytes.at[0] == 'q')
        return weft_close(self, data->stream);
    return err == WEFT_OK ? weft_write(self, data->stream, data->bytes) : err;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    seen.closes++;
    seen.reason = closed->reason;
    memcpy(seen.why, closed->why, sizeof seen.why);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler rows[] = {{.type = &weft_opened_type, .fn = on_opened},
                                    {.type = &weft_data_type, .fn = on_data},
                                    {.type = &weft_closed_type, .fn = on_closed},
                                    {0}};
const weft_behaviour greeter = {.name = "test.greeter", .handlers = rows, .busy = "busy\r\n"};

void accepting_begin_on(unsigned reactors, const char *options)
{
    char url[WEFT_URL_BYTES_MAX];
    memset(&seen, 0, sizeof seen);
    sim = weft_sim_new(&(weft_sim_options){.seed = 5, .system = {.reactors = reactors}});
    REQUIRE(sim != NULL);
    (void)snprintf(url, sizeof url, "sim://g%s", options);
    CHECK_OK(weft_listen(weft_sim_system(sim), url, &greeter, NULL));
    CHECK(weft_sim_run(sim));
}

void accepting_begin(const char *options)
{
    accepting_begin_on(1, options);
}

void accepting_end(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

weft_sim_peer *accepting_client(const char *options)
{
    char url[WEFT_URL_BYTES_MAX];
    (void)snprintf(url, sizeof url, "sim://g%s", options);
    return weft_sim_connect(sim, url);
}

weft_reactor_stats counted(void)
{
    weft_reactor_stats all = {.messages = 0}, one;
    for (unsigned i = 0; i < weft_system_reactors(weft_sim_system(sim)); i++) {
        REQUIRE(weft_stats_reactor(weft_sim_system(sim), i, &one));
        all.conns_denied += one.conns_denied;
        all.conns_crowded += one.conns_crowded;
    }
    return all;
}
