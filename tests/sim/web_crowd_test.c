/* SPDX-License-Identifier: MIT */
/* A crowd on the live web, over a wire with faults: hundreds of WebSockets that are answered, and hundreds who
 * listen to events, at one site.
 *
 * - what a socket sends comes back whole, in its order, once; or the socket is told that it is lost
 * - a listener hears every event, in order, once, however often its connection breaks
 * - the server's actors are as many as it was told of sockets, and none is left */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <weft/net.h>
#include <weft/sse.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>
#include <weft/websocket.h>

#include "random.h"

#define URL "sim://server"

enum { SOCKETS = 240, LISTENERS = 120, MESSAGES = 12, MESSAGE_BYTES_MAX = 6000 };
enum { EVENTS = 10, EVENTS_A_REQUEST = 4, LONG_MS = 3600000 };

/* ---- the site */

static unsigned served, gone;

static weft_err echo_opened(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    served++;
    return WEFT_OK;
}

static weft_err echo_text(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *text = weft_body(msg);
    (void)weft_ws_send(self, text->stream, WEFT_WS_TEXT,
                       text->bytes); /* lost: it is told as closed */
    return WEFT_OK;
}

static weft_err echo_ended(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
}

static weft_err echo_closed(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    gone++;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler echo_rows[] = {
    {.type = &weft_opened_type, .fn = echo_opened},
    {.type = &weft_ws_text_type, .fn = echo_text},
    {.type = &weft_ended_type, .fn = echo_ended},
    {.type = &weft_closed_type, .fn = echo_closed},
    {0},
};
static const weft_behaviour echo = {.name = "ws echo", .handlers = echo_rows};

/* A few events behind what the listener has had; then it has to come again. */
static weft_err events_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    unsigned had = (unsigned)strtoul(weft_sse_last_id(msg), NULL, 10);
    weft_ref stream = r->stream;
    weft_err err = weft_sse_begin(msg);
    for (unsigned i = had + 1; err == WEFT_OK && i <= EVENTS && i <= had + EVENTS_A_REQUEST; i++) {
        char id[16], text[32];
        (void)snprintf(id, sizeof id, "%u", i);
        (void)snprintf(text, sizeof text, "event\n%u", i);
        err = weft_sse_send(self, stream, &(weft_sse){.id = id, .text = text, .retry_ms = 500});
    }
    return err == WEFT_OK ? weft_end(self, stream) : weft_stop(self, err);
}

static const weft_handler events_rows[] = {{.type = &weft_http_request_type, .fn = events_request},
                                           {0}};
static const weft_behaviour events = {.name = "events", .handlers = events_rows};

static const weft_websocket_config echo_config = {.behaviour = &echo};
static const weft_http_route routes[] = {
    {.route = "GET /echo", .use = &weft_websocket, .config = &echo_config},
    {.route = "GET /events", .use = &events, .stream = true},
    {0},
};

/* ---- a socket of the crowd: three messages are under way at any time */

typedef struct socket_seen {
    uint32_t number; /* of this socket */
    unsigned sent, came;
    bool over;
    weft_err reason;
} socket_seen;

static socket_seen sockets[SOCKETS];

/* What the @k-th message of a socket is. */
static size_t compose(const socket_seen *s, unsigned k, char *to)
{
    test_random r = {.state = (uint64_t)s->number << 32 | k};
    size_t n = (size_t)snprintf(to, 64, "%u of %u ", k, s->number);
    size_t size = n + test_below(&r, test_below(&r, 8) == 0 ? MESSAGE_BYTES_MAX : 200);
    while (n < size)
        to[n++] = (char)('a' + test_below(&r, 26));
    return n;
}

static void send_one(weft_actor *self, weft_ref stream, socket_seen *s)
{
    char text[MESSAGE_BYTES_MAX + 64];
    size_t n = compose(s, s->sent, text);
    if (weft_ws_send_text(self, stream, "%.*s", (int)n, text) == WEFT_OK)
        s->sent++;
}

static weft_err socket_started(weft_actor *self, weft_msg *msg)
{
    static const weft_ws_call call = {.to = URL};
    (void)msg;
    weft_ref stream = weft_ws_connect(self, "ws://server/echo", &call, weft_self(self));
    return weft_ref_is_nobody(stream) ? WEFT_ENOMEM : WEFT_OK;
}

static weft_err socket_opened(weft_actor *self, weft_msg *msg)
{
    socket_seen *s = (socket_seen *)(uintptr_t)weft_config(self);
    for (unsigned i = 0; i < 3; i++)
        send_one(self, weft_sender(msg), s);
    return WEFT_OK;
}

static weft_err socket_text(weft_actor *self, weft_msg *msg)
{
    socket_seen *s = (socket_seen *)(uintptr_t)weft_config(self);
    const weft_ws_text *text = weft_body(msg);
    char expected[MESSAGE_BYTES_MAX + 64];
    size_t n = compose(s, s->came, expected);
    CHECK(text->bytes.size == n && memcmp(text->bytes.at, expected, n) == 0);
    s->came++;
    if (s->sent < MESSAGES)
        send_one(self, text->stream, s);
    else if (s->came == MESSAGES)
        return weft_ws_close(self, text->stream, 1000, "done");
    return WEFT_OK;
}

static weft_err socket_ended(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
}

static weft_err socket_closed(weft_actor *self, weft_msg *msg)
{
    socket_seen *s = (socket_seen *)(uintptr_t)weft_config(self);
    CHECK(!s->over);
    s->over = true;
    s->reason = ((const weft_closed *)weft_body(msg))->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler socket_rows[] = {
    {.type = &weft_started_type, .fn = socket_started},
    {.type = &weft_opened_type, .fn = socket_opened},
    {.type = &weft_ws_text_type, .fn = socket_text},
    {.type = &weft_ended_type, .fn = socket_ended},
    {.type = &weft_closed_type, .fn = socket_closed},
    {0},
};
static const weft_behaviour socket_behaviour = {.name = "ws client", .handlers = socket_rows};

/* ---- a listener of the crowd */

typedef struct listener_seen {
    unsigned had, broken;
} listener_seen;

static listener_seen listeners[LISTENERS];

static weft_err listener_started(weft_actor *self, weft_msg *msg)
{
    static const weft_sse_source_config config = {
        .url = "http://server/events", .to = URL, .retry_ms = 500, .retry_ms_max = 5000};
    (void)msg;
    return weft_ref_is_nobody(weft_spawn(self, &weft_sse_source, &config)) ? WEFT_ENOMEM : WEFT_OK;
}

static weft_err listener_event(weft_actor *self, weft_msg *msg)
{
    listener_seen *l = (listener_seen *)(uintptr_t)weft_config(self);
    const weft_sse_event *e = weft_body(msg);
    char id[16], text[32];
    l->had++;
    (void)snprintf(id, sizeof id, "%u", l->had);
    int n = snprintf(text, sizeof text, "event\n%u", l->had);
    CHECK_STR(e->id, id);
    CHECK(e->data.size == (size_t)n && memcmp(e->data.at, text, (size_t)n) == 0);
    return l->had == EVENTS ? weft_stop(self, WEFT_OK) : WEFT_OK;
}

static weft_err listener_state(weft_actor *self, weft_msg *msg)
{
    listener_seen *l = (listener_seen *)(uintptr_t)weft_config(self);
    const weft_sse_state *state = weft_body(msg);
    l->broken += state->change == WEFT_SSE_BROKEN;
    CHECK(state->change != WEFT_SSE_OVER);
    return WEFT_OK;
}

static const weft_handler listener_rows[] = {
    {.type = &weft_started_type, .fn = listener_started},
    {.type = &weft_sse_event_type, .fn = listener_event},
    {.type = &weft_sse_state_type, .fn = listener_state},
    {0},
};
static const weft_behaviour listener = {.name = "listener", .handlers = listener_rows};

/* ---- what must be true */

/* Gives how many sockets did all they wanted. */
static unsigned check_sockets(void)
{
    unsigned done = 0;
    for (unsigned i = 0; i < SOCKETS; i++) {
        CHECK(sockets[i].over);
        CHECK(sockets[i].came <= sockets[i].sent);
        /* nothing is missing unless it is said */
        CHECK(sockets[i].reason != WEFT_EDONE || sockets[i].came == MESSAGES);
        done += sockets[i].came == MESSAGES;
    }
    return done;
}

static unsigned crowd(uint64_t seed, weft_sim_faults faults)
{
    memset(sockets, 0, sizeof sockets);
    memset(listeners, 0, sizeof listeners);
    served = gone = 0;
    weft_sim *sim =
        weft_sim_new(&(weft_sim_options){.seed = seed, .system.reactors = 3, .faults = faults});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_http_site, routes));
    for (unsigned i = 0; i < SOCKETS; i++) {
        sockets[i].number = i;
        CHECK(!weft_ref_is_nobody(
            weft_system_spawn(weft_sim_system(sim), i % 3, &socket_behaviour, &sockets[i])));
        if (i < LISTENERS)
            CHECK(!weft_ref_is_nobody(
                weft_system_spawn(weft_sim_system(sim), i % 3, &listener, &listeners[i])));
    }
    weft_sim_advance(sim, LONG_MS);
    unsigned done = check_sockets();
    for (unsigned i = 0; i < LISTENERS; i++)
        CHECK_U64(listeners[i].had, EVENTS);
    CHECK_U64(served, gone);
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
    return done;
}

static void a_crowd_on_a_good_wire(void)
{
    CHECK_U64(crowd(1, (weft_sim_faults){.latency_ms_max = 20}), SOCKETS);
}

static void a_crowd_on_a_wire_that_cuts_what_is_sent(void)
{
    CHECK_U64(
        crowd(2,
              (weft_sim_faults){.latency_ms_max = 50, .short_read = 200000, .short_write = 200000}),
        SOCKETS);
}

static void a_crowd_whose_connections_are_lost(void)
{
    for (uint64_t seed = 3; seed <= 5; seed++) {
        unsigned done = crowd(
            seed, (weft_sim_faults){
                      .latency_ms_max = 30, .lost = 10000, .refused = 20000, .short_read = 100000});
        CHECK(done > SOCKETS / 2 && done < SOCKETS);
        unsigned broken = 0;
        for (unsigned i = 0; i < LISTENERS; i++)
            broken += listeners[i].broken;
        /* each of them has to come again twice, and once to hear that there is no more */
        CHECK(broken > LISTENERS * (EVENTS / EVENTS_A_REQUEST));
    }
}

static const test_case cases[] = {
    TEST(a_crowd_on_a_good_wire),
    TEST(a_crowd_on_a_wire_that_cuts_what_is_sent),
    TEST(a_crowd_whose_connections_are_lost),
    {0},
};
const test_suite web_crowd_suite = {.name = "sim/web_crowd", .cases = cases};
