/* SPDX-License-Identifier: MIT */
/* Streams between nodes on real threads and sockets, of NNG; their owners live on any reactor. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/net.h>
#include <weft/node.h>
#include <weft/stream.h>

enum { TOTAL = 4 << 20, PIECE = 16 << 10 };

typedef struct half {
    weft_system *sys;
    weft_node node;
    char listens[128];
    pthread_t thread;
    int code;
    /* of who sends */
    weft_ref stream;
    uint64_t sent, got, wrong;
    unsigned tries;
    bool ended, given; /* the stream is one of this node, and is handed over */
    weft_err reason;
    char why[96];
} half;

static half *half_of(const weft_actor *self)
{
    return (half *)(uintptr_t)weft_config(self);
}

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 7 + (at >> 16));
}

/* ---- who sends back what comes */

static weft_err echo_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "echo");
}

static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler echo_rows[] = {{.type = &weft_started_type, .fn = echo_started},
                                         {.type = &weft_data_type, .fn = echo_data},
                                         {.type = &weft_closed_type, .fn = ignore},
                                         {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows};

/* ---- who sends: whenever there is room, also where the stream is of another reactor */

static weft_err open_it(weft_actor *self, weft_msg *msg)
{
    half *h = half_of(self);
    weft_ref there = weft_named(self, "echo@b"), end[2];
    if (!h->given)
        return weft_ignore(self, weft_node_stream(self, there));
    CHECK_OK(weft_pair(self, weft_self(self), weft_self(self), end));
    h->stream = end[0];
    (void)msg;
    return weft_hand_over(self, end[1], there, WEFT_NO_BYTES);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    half *h = half_of(self);
    const weft_opened *opened = weft_body(msg);
    if (h->given && !weft_ref_same(opened->stream, h->stream))
        return WEFT_OK;
    h->stream = opened->stream;
    return weft_produce(self, h->stream);
}

static weft_err on_pull(weft_actor *self, weft_msg *msg)
{
    half *h = half_of(self);
    uint8_t bytes[PIECE];
    (void)msg;
    if (h->sent == TOTAL) {
        if (!h->ended)
            (void)weft_end(self, h->stream);
        h->ended = true;
        return WEFT_OK;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_at(h->sent + i);
    h->sent += sizeof bytes;
    return weft_write_copy(self, h->stream, bytes, sizeof bytes);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    half *h = half_of(self);
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    (void)self;
    for (size_t i = 0; i < bytes.size; i++)
        h->wrong += bytes.at[i] != byte_at(h->got + i);
    h->got += bytes.size;
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    half *h = half_of(self);
    const weft_closed *closed = weft_body(msg);
    /* the other one may have no such name yet: its reactors begin by themselves */
    if (h->got == 0 && h->tries++ < 1000 && weft_ref_same(closed->stream, h->stream)) {
        h->sent = 0;
        h->ended = false;
        h->stream = WEFT_NOBODY;
        return open_it(self, msg);
    }
    if (!weft_ref_is_nobody(h->stream) && !weft_ref_same(closed->stream, h->stream))
        return WEFT_OK;
    if (h->got == 0 && h->tries++ < 1000)
        return open_it(self, msg);
    h->reason = closed->reason;
    (void)snprintf(h->why, sizeof h->why, "%s", closed->why);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler sender_rows[] = {
    {.type = &weft_started_type, .fn = open_it},  {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_pull_type, .fn = on_pull},     {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed}, {0}};
static const weft_behaviour sender = {.name = "sender", .handlers = sender_rows};

/* ---- two systems */

static void note_where(void *context, const weft_log_line *line)
{
    half *h = context;
    const char *at = strstr(line->text, " listens at ");
    if (at != NULL)
        (void)snprintf(h->listens, sizeof h->listens, "%s", at + sizeof " listens at " - 1);
}

static void half_new(half *h, unsigned reactors, const weft_behaviour *behaviour)
{
    static const weft_node_allow allow[] = {{"*", "echo", &weft_opened_type}, {0}};
    weft_why why = {""};
    h->sys = weft_system_new(&(weft_system_options){.reactors = reactors,
                                                    .no_signals = true,
                                                    .log_hook = note_where,
                                                    .log_context = h,
                                                    .stop_grace_ms = 2000});
    REQUIRE(h->sys != NULL);
    h->node.allow = allow;
    CHECK_OK(weft_node_begin(h->sys, &h->node, &why));
    CHECK_STR(why.text, "");
    CHECK(!weft_ref_is_nobody(weft_system_spawn(h->sys, reactors - 1, behaviour, h)));
}

static void *run_half(void *at)
{
    half *h = at;
    h->code = weft_run(&h->sys);
    return NULL;
}

static void run_over(const char *url, unsigned reactors, bool given)
{
    static const weft_node_member of_b[] = {{"a", NULL}, {0}};
    half b = {.node = {.name = "b", .join = of_b, .listen = url}};
    half a = {.node = {.name = "a"}, .given = given};
    half_new(&b, reactors, &echo);
    const weft_node_member of_a[] = {{"b", b.listens}, {0}};
    a.node.join = of_a;
    half_new(&a, reactors, &sender);
    weft_system *second = b.sys;
    REQUIRE(pthread_create(&b.thread, NULL, run_half, &b) == 0);
    (void)run_half(&a);
    weft_system_shutdown(second, WEFT_OK);
    REQUIRE(pthread_join(b.thread, NULL) == 0);
    CHECK_U64(a.code, 0);
    CHECK_U64(b.code, 0);
    CHECK_U64(a.got, TOTAL);
    CHECK_U64(a.wrong, 0);
    CHECK_STR(a.why, weft_err_text(WEFT_EDONE));
}

static void a_stream_goes_over_nng_and_tcp_and_back(void)
{
    run_over("nng+tcp://127.0.0.1:0", 1, false);
}

static void so_it_does_between_owners_on_other_reactors(void)
{
    run_over("nng+tcp://127.0.0.1:0", 2, false);
    run_over("nng+tcp://127.0.0.1:0", 3, false);
}

static void one_that_is_handed_over_does_too(void)
{
    run_over("nng+tcp://127.0.0.1:0", 1, true);
    run_over("nng+tcp://127.0.0.1:0", 2, true);
}

static const test_case cases[] = {
    TEST(a_stream_goes_over_nng_and_tcp_and_back),
    TEST(so_it_does_between_owners_on_other_reactors),
    TEST(one_that_is_handed_over_does_too),
    {0},
};
const test_suite node_stream_threads_suite = {
    .name = "actors/node_stream_threads", .cases = cases, .threads = true};
