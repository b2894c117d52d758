/* SPDX-License-Identifier: MIT */
/* SP sockets on real reactors: pipes of one socket stand on several, and what goes through all of them is whole. */
#include "check.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/weft.h>

enum { CLIENTS = 6, ASKS = 60, TEXT_BYTES = 3000 };

static char path[64], listened[128];
static const char *listen_at[2], *dial_to[2];
static weft_sp_config server, client;
static _Atomic unsigned done, wrong;

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    const weft_sp_message *m = weft_body(msg);
    (void)self;
    return weft_reply(msg, weft_sp_message, .bytes = m->bytes);
}

static weft_err serve(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_link(self, weft_spawn(self, &weft_sp, &server));
}

static const weft_handler server_rows[] = {{.type = &weft_started_type, .fn = serve},
                                           {.type = &weft_sp_message_type, .fn = on_request},
                                           {0}};
static const weft_behaviour serves = {.name = "serves", .handlers = server_rows};

/* ---- clients, each on a reactor, with several requests under way */

static weft_err on_answer(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    unsigned *left = weft_state(self);
    const weft_sp_message *m = got->body;
    (void)next;
    if (got->err != WEFT_OK || m->bytes.size != TEXT_BYTES ||
        m->bytes.at[TEXT_BYTES - 1] != m->bytes.at[0])
        atomic_fetch_add(&wrong, 1);
    if (--*left == 0 && atomic_fetch_add(&done, 1) + 1 == CLIENTS)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, weft_msg *msg)
{
    unsigned *left = weft_state(self);
    uint8_t text[TEXT_BYTES];
    weft_ref socket = weft_spawn(self, &weft_sp, &client);
    for (unsigned i = 0; i < ASKS; i++) {
        memset(text, (int)('a' + i % 26), sizeof text);
        weft_bytes bytes = weft_bytes_copy(msg, text, sizeof text);
        weft_deferred asked = weft_ask_within(self, socket, 60000, weft_sp_message, .bytes = bytes);
        ++*left;
        (void)weft_ignore(self, weft_finally(self, asked, on_answer));
    }
    return WEFT_OK;
}

static const weft_handler client_rows[] = {{.type = &weft_started_type, .fn = ask}, {0}};
static const weft_behaviour asks = {
    .name = "asks", .handlers = client_rows, .state_bytes = sizeof(unsigned)};

static void requests_go_through_pipes_on_all_reactors(void)
{
    (void)snprintf(path, sizeof path, "/tmp/weft_sp_%ld.sp", (long)getpid());
    (void)snprintf(listened, sizeof listened, "nng+rep+ipc://%s", path);
    char dialled[128];
    (void)snprintf(dialled, sizeof dialled, "nng+req+ipc://%s", path);
    listen_at[0] = listened;
    dial_to[0] = dialled;
    server = (weft_sp_config){.listen = listen_at};
    client = (weft_sp_config){.dial = dial_to,
                              .delay_ms = 1,
                              .requests_max = ASKS,
                              .queue_max = ASKS,
                              .queue_bytes_max = 1 << 20};
    weft_system *sys = weft_system_new(
        &(weft_system_options){.reactors = 3, .log_level = WEFT_ERROR, .log_level_set = true});
    REQUIRE(sys != NULL);
    atomic_store(&done, 0);
    atomic_store(&wrong, 0);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 1, &serves, NULL)));
    for (unsigned i = 0; i < CLIENTS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i % 3, &asks, NULL)));
    CHECK_U64((unsigned)weft_run(&sys), 0);
    CHECK_U64(atomic_load(&done), CLIENTS);
    CHECK_U64(atomic_load(&wrong), 0);
    (void)unlink(path);
}

static const test_case cases[] = {TEST(requests_go_through_pipes_on_all_reactors), {0}};
const test_suite sp_threads_suite = {
    .name = "protocols/sp_threads", .cases = cases, .threads = true};
