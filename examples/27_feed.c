/* SPDX-License-Identifier: MIT */
/* A feed of prices as server-sent events, and who follows it.
 *
 *     27_feed http://127.0.0.1:8880
 *     27_feed follow http://127.0.0.1:8880/prices       (or a browser's EventSource, or curl -N)
 *     curl -X POST http://127.0.0.1:8880/price/250
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

typedef struct price {
    uint64_t id, cents;
} price;
static const weft_type price_type = WEFT_TYPE("price", price, NULL);
typedef struct over {
    char nothing;
} over;
static const weft_type over_type = WEFT_TYPE("over", over, NULL);

/* ---- the desk numbers prices, and tells them to the topic */

static weft_err on_desk_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "desk");
}

static weft_err on_set(weft_actor *self, weft_msg *msg)
{
    uint64_t *id = weft_state(self), cents = strtoull(weft_http_param(msg, "cents"), NULL, 10);
    weft_err err = weft_tell(self, weft_named(self, "prices"), price, .id = ++*id, .cents = cents);
    return err != WEFT_OK ? err : weft_http_text(msg, 200, "%" PRIu64 "\n", *id);
}

/* [drain] */
/* Shut-down waits for responses, and those of clients that listen have no end of their own. */
static weft_err on_drain(weft_actor *self, weft_msg *msg)
{
    weft_err err = weft_tell(self, weft_named(self, "prices"), over, .nothing = 0);
    return err != WEFT_OK ? err : weft_reply(msg, weft_phase_done, .cut = 0);
}
/* [/drain] */

static const weft_handler desk_rows[] = {
    {.type = &weft_started_type, .fn = on_desk_started},
    {.type = &weft_http_request_type, .fn = on_set},
    {.type = &weft_phase_begins_type, .fn = on_drain},
    {0},
};
static const weft_behaviour desk = {
    .name = "desk", .handlers = desk_rows, .state_bytes = sizeof(uint64_t)};

/* ---- an actor for each client */

/* [events] */
typedef struct client {
    weft_ref stream;
    uint64_t had;      /* the last price it has heard of */
    weft_msg *waiting; /* a price for which there is no room yet */
} client;

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    c->stream = ((const weft_http_request *)weft_body(msg))->stream;
    c->had = strtoull(weft_sse_last_id(msg), NULL, 10);
    weft_err err = weft_sse_begin(msg);
    return err != WEFT_OK ? err
                          : weft_tell(self, weft_named(self, "prices"), weft_topic_subscribe,
                                      .slow = WEFT_SLOW_DROP_OLDEST);
}

static weft_err send_price(weft_actor *self, const client *c, const price *p)
{
    char id[24], text[24];
    (void)snprintf(id, sizeof id, "%" PRIu64, p->id);
    (void)snprintf(text, sizeof text, "%" PRIu64, p->cents);
    return weft_sse_send(self, c->stream, &(weft_sse){.event = "price", .id = id, .text = text});
}

static weft_err on_price(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    const price *p = weft_body(msg);
    if (p->id <= c->had)
        return WEFT_OK; /* what the topic has retained, and it has had already */
    weft_err err = send_price(self, c, p);
    if (err != WEFT_EFULL)
        return err;
    c->waiting =
        weft_keep(msg); /* until it reads: newer prices wait at the topic, and older make place */
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    weft_err err = c->waiting != NULL ? send_price(self, c, weft_body(c->waiting)) : WEFT_OK;
    (void)msg;
    weft_drop(&c->waiting);
    return err;
}

static weft_err on_over(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_end(self, ((client *)weft_state(self))->stream);
}
/* [/events] */

static void on_gone(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop(&((client *)weft_state(self))->waiting);
}

static const weft_handler client_rows[] = {
    {.type = &weft_http_request_type, .fn = on_request},
    {.type = &price_type, .fn = on_price},
    {.type = &over_type, .fn = on_over},
    {.type = &weft_drained_type, .fn = on_drained},
    {0},
};
static const weft_behaviour client_behaviour = {
    .name = "client", .handlers = client_rows, .state_bytes = sizeof(client), .ended = on_gone};

static const weft_http_route routes[] = {
    {.route = "POST /price/:cents", .to = "desk"},
    {.route = "GET /prices", .use = &client_behaviour, .stream = true},
    {0},
};

static int serve(const char *url)
{
    static const weft_topic_config prices = {.name = "prices", .retain = true};
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_topic, &prices)) ||
        weft_on_phase(sys, WEFT_PHASE_DRAIN, weft_system_spawn(sys, 0, &desk, NULL)) != WEFT_OK)
        return 71; /* EX_OSERR */
    (void)weft_listen(sys, url, &weft_http_site, routes);
    return weft_run(&sys);
}

/* ---- who follows */

/* [follow] */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_ref_is_nobody(weft_spawn(self, &weft_sse_source, weft_config(self))) ? WEFT_ENOMEM
                                                                                     : WEFT_OK;
}

static weft_err on_event(weft_actor *self, weft_msg *msg)
{
    const weft_sse_event *event = weft_body(msg);
    (void)self;
    (void)printf("%s %s: %.*s\n", event->event, event->id, (int)event->data.size,
                 (const char *)event->data.at);
    (void)fflush(stdout);
    return WEFT_OK;
}

static weft_err on_state(weft_actor *self, weft_msg *msg)
{
    const weft_sse_state *state = weft_body(msg);
    if (state->change == WEFT_SSE_BROKEN)
        weft_log(self, WEFT_NOTICE, "again in %" PRIu32 " ms: %s", state->retry_ms, state->why);
    if (state->change == WEFT_SSE_OVER)
        weft_system_stop(self, state->reason);
    return WEFT_OK;
}
/* [/follow] */

static const weft_handler follower_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_sse_event_type, .fn = on_event},
    {.type = &weft_sse_state_type, .fn = on_state},
    {0},
};
static const weft_behaviour follower = {.name = "follower", .handlers = follower_rows};

static int follow(const char *url)
{
    const weft_sse_source_config source = {.url = url};
    weft_system *sys = weft_system_new(NULL);
    return sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &follower, &source))
               ? 71 /* EX_OSERR */
               : weft_run(&sys);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "follow") == 0)
        return follow(argv[2]);
    return serve(argc > 1 ? argv[1] : "http://127.0.0.1:8880");
}
