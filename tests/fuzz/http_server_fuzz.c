/* SPDX-License-Identifier: MIT */
/* Any bytes to the whole server, in a simulation: every answer can be read, nothing leaks, and it ends.
 * The first 8 bytes choose the order of things, the cuts, and how the client leaves. */
#include <stdlib.h>
#include <string.h>

#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing.h>

#include "http1_codec.h"

enum { CHOICE_BYTES = 8, CAME_BYTES_MAX = 1 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the server */

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    const char *name = weft_http_param(msg, "name"), *a = weft_http_query(msg, "a");
    (void)self;
    return weft_http_text(msg, 200, "hello %s %s\n", name, a != NULL ? a : "");
}

static weft_err echo(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    (void)self;
    return weft_http_bytes(msg, 200, "text/plain", r->body);
}

static weft_err stream_request(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_respond(msg, &(weft_http_answer){.status = 200, .stream = true});
}

static weft_err stream_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}

static const weft_handler stream_rows[] = {
    {.type = &weft_http_request_type, .fn = stream_request},
    {.type = &weft_data_type, .fn = stream_data},
    {0},
};
static const weft_behaviour stream = {.name = "stream", .handlers = stream_rows};

static weft_err lines_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    weft_err err = stream_request(self, msg);
    for (int i = 0; i < 10 && err == WEFT_OK; i++)
        err = weft_write_text(self, r->stream, "line %d\n", i);
    return err == WEFT_OK ? weft_close(self, r->stream) : err;
}

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler lines_rows[] = {
    {.type = &weft_http_request_type, .fn = lines_request},
    {.type = &weft_data_type, .fn = ignore},
    {0},
};
static const weft_behaviour lines = {.name = "lines", .handlers = lines_rows};

static const weft_http_route routes[] = {
    {.route = "GET /", .handler = hello},
    {.route = "GET /a/:name", .handler = hello},
    {.route = "POST /e", .handler = echo},
    {.route = "POST /s", .use = &stream, .stream = true},
    {.route = "GET /l", .use = &lines, .stream = true},
    {.route = "/any/*", .handler = hello},
    {.route = "GET /n", .to = "nobody"},
    {0},
};

static const weft_http_site_config site = {
    .routes = routes,
    .limits = {.head_bytes_max = 500, .body_bytes_max = 300, .responses_pending_max = 4},
};

/* ---- the client: an end of a stream that sends pieces, and gathers */

typedef struct client {
    const uint8_t *data;
    size_t n;
    uint8_t steps[4], leaves;
    uint8_t *came;
    size_t came_n;
    bool closed;
} client;

typedef struct client_state {
    client *c;
    weft_ref stream;
    unsigned step;
} client_state;
typedef struct client_tick {
    char nothing;
} client_tick;
static const weft_type client_tick_type = WEFT_TYPE("client_tick", client_tick, NULL);

static weft_err client_started(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    (void)msg;
    s->c = (client *)(uintptr_t)weft_config(self);
    s->stream = weft_connect(self, "sim://web", weft_self(self));
    return weft_tell(self, weft_self(self), client_tick, .nothing = 0);
}

static weft_err client_ticked(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    client *c = s->c;
    size_t n = (size_t)c->steps[s->step++ % 4] * 3 + 1;
    (void)msg;
    if (c->closed)
        return WEFT_OK;
    n = n < c->n ? n : c->n;
    if (n == 0)
        return c->leaves % 3 == 0   ? weft_end(self, s->stream)
               : c->leaves % 3 == 1 ? weft_close(self, s->stream)
                                    : weft_abort(self, s->stream, WEFT_OK);
    (void)weft_write_copy(self, s->stream, c->data, n);
    c->data += n;
    c->n -= n;
    return weft_tell(self, weft_self(self), client_tick, .nothing = 0);
}

static weft_err client_data(weft_actor *self, weft_msg *msg)
{
    const client_state *s = weft_state(self);
    const weft_data *data = weft_body(msg);
    size_t n = data->bytes.size;
    must(s->c->came_n + n <= CAME_BYTES_MAX);
    memcpy(s->c->came + s->c->came_n, data->bytes.at, n);
    s->c->came_n += n;
    return WEFT_OK;
}

static weft_err client_closed(weft_actor *self, weft_msg *msg)
{
    const client_state *s = weft_state(self);
    (void)msg;
    s->c->closed = true;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler client_rows[] = {
    {.type = &weft_started_type, .fn = client_started},
    {.type = &client_tick_type, .fn = client_ticked},
    {.type = &weft_data_type, .fn = client_data},
    {.type = &weft_closed_type, .fn = client_closed},
    {0},
};
static const weft_behaviour client_behaviour = {
    .name = "client", .handlers = client_rows, .state_bytes = sizeof(client_state)};

/* ---- what came */

/* Every byte belongs to a response; the last may have been cut. */
static void read_responses(const uint8_t *at, size_t n)
{
    wf_http1_limits limits = wf_http1_limits_filled(NULL);
    weft_http_field fields[16];
    while (n != 0) {
        wf_http1 p;
        wf_http1_head head;
        wf_http1_piece piece = {.trailers = NULL};
        weft_why why;
        size_t scanned = 0, bytes = wf_http1_head_end(at, n, &scanned);
        if (bytes == 0)
            return;
        wf_http1_init(&p, &limits);
        must(wf_http1_parse_response(&p, at, bytes, WEFT_HTTP_GET, &head, fields, 16, &why) ==
             WEFT_OK);
        at += bytes;
        n -= bytes;
        do {
            must(wf_http1_body(&p, at, n, &piece, &why) == WEFT_OK);
            at += piece.consumed;
            n -= piece.consumed;
        } while (!piece.complete && piece.consumed != 0);
        if (!piece.complete)
            return;
    }
}

/* Answers to HEAD have a length and no body, which a reader that does not know what was asked cannot
 * tell. */
static bool asks_for_heads(const uint8_t *data, size_t n)
{
    return n >= 4 && memmem(data, n, "HEAD", 4) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_listening at;
    weft_why why;
    if (size < CHOICE_BYTES || size > 20000)
        return 0;
    client c = {.data = data + CHOICE_BYTES,
                .n = size - CHOICE_BYTES,
                .leaves = data[1],
                .came = malloc(CAME_BYTES_MAX)};
    memcpy(c.steps, data + 4, sizeof c.steps);
    must(c.came != NULL);
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = data[0]});
    must(sim != NULL);
    must(weft_listen_at(weft_sim_system(sim), "sim://web", &weft_http_server, &site, &at, &why) ==
         WEFT_OK);
    must(!weft_ref_is_nobody(weft_sim_spawn(sim, &client_behaviour, &c)));
    weft_sim_advance(sim, 200000);
    must(c.closed || c.leaves % 3 == 0);
    must(weft_sim_free(&sim) == 0);
    if (!asks_for_heads(data, size))
        read_responses(c.came, c.came_n);
    free(c.came);
    return 0;
}
