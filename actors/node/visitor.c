/* SPDX-License-Identifier: MIT */
/* The visitor: connects to a node, hears who is there, and pings.
 *
 *    CONNECTING ── opened: says hello ──▶ GREETED ── the node's hello ──▶ VISITING
 *         └──────────────────────────────────┴──────────────────────────────┴──▶ OVER   (for ever, with a reason) */
#include <weft/visit.h>

#include <stdio.h>
#include <string.h>

#include <weft/net.h>

#include "link_visit.h"
#include "node_url.h"

const weft_type weft_visited_type = WEFT_TYPE("weft.visited", weft_visited, NULL);
const weft_type weft_visit_who_type =
    WEFT_TYPE("weft.visit_who", weft_visit_who, &weft_visited_type);
const weft_type weft_visit_ping_type =
    WEFT_TYPE("weft.visit_ping", weft_visit_ping, &weft_node_pinged_type);

typedef struct late {
    char nothing;
} late;
static const weft_type late_type = WEFT_TYPE("weft.visit_late", late, NULL);

typedef enum phase { CONNECTING, GREETED, VISITING, OVER } phase;

/* A request that waits. */
typedef struct asked {
    weft_msg *msg;   /* NULL: none */
    uint64_t number; /* of its ping, from 1; 0: it has not been sent, or asks who is there */
    uint64_t at_ns;
} asked;

typedef struct visitor {
    phase phase;
    weft_ref stream;
    char *url;
    link_visit visit;
    weft_timer late;
    uint64_t began_ns, pings;
    weft_visited told;
    asked asked[WEFT_VISIT_ASKS_MAX];
    weft_err err; /* with OVER */
    weft_why why;
} visitor;

static uint32_t limit_of(const weft_visit *c)
{
    return c->limit_ms != 0 ? c->limit_ms : LINK_HELLO_MS;
}

/* ---- the end */

/* All that waits fails, and whatever is asked from now on. */
static void over(weft_actor *self, weft_err err, const char *why)
{
    visitor *v = weft_state(self);
    if (v->phase == OVER)
        return;
    v->phase = OVER;
    v->err = err;
    weft_explain(&v->why, "%s", why);
    weft_timer_cancel(self, &v->late);
    for (unsigned i = 0; i < WEFT_VISIT_ASKS_MAX; i++)
        if (v->asked[i].msg != NULL) {
            (void)weft_fail(v->asked[i].msg, err, "%s", why);
            weft_drop(&v->asked[i].msg);
        }
    if (!weft_ref_is_nobody(v->stream))
        (void)weft_abort(self, v->stream, WEFT_OK);
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    const visitor *v = weft_state(self);
    weft_why why;
    (void)msg;
    weft_explain(
        &why, v->phase == CONNECTING ? "no connection within %u ms" : "no hello came within %u ms",
        limit_of(weft_config(self)));
    over(self, WEFT_ETIMEDOUT, why.text);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    v->stream = WEFT_NOBODY;
    if (closed->reason != WEFT_EDONE)
        over(self, closed->reason, closed->why);
    else if (v->phase == VISITING)
        over(self, WEFT_ELOST, "the node has closed the connection");
    else
        over(self, WEFT_EPROTO, "it closes without saying who it is: no node answers there");
    return WEFT_OK;
}

/* ---- asking */

static void send_ping(weft_actor *self, asked *a)
{
    visitor *v = weft_state(self);
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    a->number = ++v->pings;
    a->at_ns = weft_clock_ns();
    weft_err err = weft_write_copy(self, v->stream, frame,
                                   wf_visit_pair(&v->visit, frame, LINK_PING, a->number));
    if (err != WEFT_OK)
        over(self, err == WEFT_EGONE ? WEFT_ELOST : err, "a ping cannot be sent");
}

/* Keeps the request that is served. NULL: there is no room. */
static asked *keep(visitor *v, weft_msg *msg)
{
    for (unsigned i = 0; i < WEFT_VISIT_ASKS_MAX; i++)
        if (v->asked[i].msg == NULL) {
            v->asked[i] = (asked){.msg = weft_keep(msg)};
            return &v->asked[i];
        }
    return NULL;
}

static weft_err on_who(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    if (v->phase == OVER)
        return weft_fail(msg, v->err, "%s", v->why.text);
    if (v->phase == VISITING)
        return weft_reply_body(msg, &weft_visited_type, &v->told);
    return keep(v, msg) != NULL ? WEFT_OK : WEFT_EFULL;
}

static weft_err on_ping(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    if (v->phase == OVER)
        return weft_fail(msg, v->err, "%s", v->why.text);
    asked *a = keep(v, msg);
    if (a == NULL)
        return WEFT_EFULL;
    if (v->phase == VISITING)
        send_ping(self, a);
    return WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    (void)msg;
    for (unsigned i = 0; i < WEFT_VISIT_ASKS_MAX; i++)
        if (v->asked[i].msg != NULL && weft_remote_is_cancelled(v->asked[i].msg))
            weft_drop(&v->asked[i].msg);
    return WEFT_OK;
}

/* ---- what the node says */

static void list_features(uint64_t features, char *to, size_t room)
{
    static const char *const names[] = {"stop", "streams", "undelivered"};
    size_t n = 0;
    to[0] = '\0';
    for (unsigned bit = 0; bit < 64 && n + 16 < room; bit++) {
        const char *comma = n != 0 ? ", " : "";
        if ((features >> bit & 1) == 0)
            continue;
        if (bit < sizeof names / sizeof *names)
            n += (size_t)snprintf(to + n, room - n, "%s%s", comma, names[bit]);
        else
            n += (size_t)snprintf(to + n, room - n, "%s#%u", comma, bit);
    }
}

/* Everybody who waited for it. */
static void tell_who(weft_actor *self)
{
    visitor *v = weft_state(self);
    for (unsigned i = 0; i < WEFT_VISIT_ASKS_MAX && v->phase == VISITING; i++) {
        asked *a = &v->asked[i];
        if (a->msg == NULL)
            continue;
        if (weft_type_of(a->msg) == &weft_visit_ping_type) {
            send_ping(self, a);
            continue;
        }
        (void)weft_reply_body(a->msg, &weft_visited_type, &v->told);
        weft_drop(&a->msg);
    }
}

static weft_err on_hello(weft_actor *self, const link_frame *frame, weft_why *why)
{
    visitor *v = weft_state(self);
    const weft_visit *c = weft_config(self);
    link_hello hello;
    weft_err err = wf_link_read_hello(frame, &hello, why);
    if (err == WEFT_OK && wf_is_visit(&hello))
        err = weft_because(why, WEFT_EPROTO, "it says back what it is told");
    if (err == WEFT_OK)
        err = wf_node_is_there(self, v->stream, NULL, hello.node, why);
    if (err == WEFT_OK && c->name != NULL && strcmp(c->name, hello.node) != 0)
        err = weft_because(why, WEFT_EDENIED, "%s answers there; expected %.64s", hello.node,
                           c->name);
    if (err != WEFT_OK)
        return err;
    v->told = (weft_visited){
        .life = hello.life, .version = LINK_VERSION, .ns = weft_clock_ns() - v->began_ns};
    memcpy(v->told.node, hello.node, sizeof v->told.node);
    memcpy(v->told.cluster, hello.cluster, sizeof v->told.cluster);
    list_features(hello.features, v->told.features, sizeof v->told.features);
    weft_timer_cancel(self, &v->late);
    v->phase = VISITING;
    tell_who(self);
    return WEFT_OK;
}

/* The answer to a ping that nobody waits for any more is late, and no fault. */
static weft_err on_pong(weft_actor *self, const link_frame *frame, weft_why *why)
{
    visitor *v = weft_state(self);
    link_pair pair;
    weft_err err = wf_link_read_pair(frame, &pair, why);
    if (err != WEFT_OK)
        return err;
    if (pair.value == 0 || pair.value > v->pings)
        return weft_because(why, WEFT_EPROTO, "it answers a ping that was not sent");
    for (unsigned i = 0; i < WEFT_VISIT_ASKS_MAX; i++)
        if (v->asked[i].msg != NULL && v->asked[i].number == pair.value) {
            (void)weft_reply(v->asked[i].msg, weft_node_pinged,
                             .ns = weft_clock_ns() - v->asked[i].at_ns);
            weft_drop(&v->asked[i].msg);
        }
    return WEFT_OK;
}

/* A hello that is not understood is one of an older node, which refuses it as broken. */
static weft_err on_bye(const visitor *v, const link_frame *frame, weft_why *why)
{
    link_goodbye g;
    weft_err err = wf_link_read_goodbye(frame, &g, why);
    if (err != WEFT_OK)
        return err;
    if (g.reason == LINK_BYE_PROTOCOL && v->phase == GREETED)
        return weft_because(why, WEFT_EUNSUPPORTED, "a node that knows no visitors (%s)", g.why);
    return weft_because(why,
                        g.reason == LINK_BYE_DONE       ? WEFT_ESTOPPING
                        : g.reason == LINK_BYE_PROTOCOL ? WEFT_EPROTO
                                                        : WEFT_EDENIED,
                        "%s", g.why);
}

static weft_err on_frame(weft_actor *self, const link_frame *frame, weft_why *why)
{
    const visitor *v = weft_state(self);
    if (frame->kind == LINK_BYE)
        return on_bye(v, frame, why);
    if (v->phase == GREETED)
        return on_hello(self, frame, why);
    if (frame->kind == LINK_PONG)
        return on_pong(self, frame, why);
    return weft_because(why, WEFT_EPROTO, "it answers something else than pings");
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    const weft_data *data = weft_body(msg);
    const uint8_t *at = data->bytes.at;
    size_t n = data->bytes.size;
    while (v->phase != OVER) {
        link_frame frame;
        weft_why why = {""}, whole;
        weft_err err = wf_visit_read(&v->visit, &at, &n, &frame, &why);
        if (err == WEFT_EFULL)
            break;
        if (err == WEFT_OK)
            err = on_frame(self, &frame, &why);
        if (err == WEFT_OK)
            continue;
        if (err == WEFT_ETOOBIG)
            err = WEFT_EPROTO;
        weft_explain(&whole,
                     err == WEFT_EPROTO && v->phase == GREETED ? "no node answers there: %s" : "%s",
                     why.text);
        over(self, err, whole.text);
    }
    return WEFT_OK;
}

/* ---- connecting */

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    const link_hello hello = {.life = 0};
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    (void)msg;
    if (v->phase != CONNECTING)
        return WEFT_OK;
    v->phase = GREETED;
    weft_err err =
        weft_write_copy(self, v->stream, frame, wf_visit_hello(&v->visit, frame, &hello));
    if (err != WEFT_OK)
        over(self, err, "a hello cannot be sent");
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    visitor *v = weft_state(self);
    const weft_visit *c = weft_config(self);
    /* who only asks gives nothing away: TCP without TLS is the node's affair */
    const weft_node as = {.cert = c->cert, .key = c->key, .ca = c->ca, .plaintext = true};
    weft_why why = {""};
    (void)msg;
    v->began_ns = weft_clock_ns();
    weft_err err = wf_node_url(&as, c->url, WEFT_URL_CONNECT, c->name, &v->url, &why);
    if (err != WEFT_OK) {
        over(self, err, why.text);
        return WEFT_OK;
    }
    v->late = weft_after(self, limit_of(c), late, 0);
    v->stream = weft_connect(self, v->url, weft_self(self));
    if (weft_ref_is_nobody(v->stream) || (v->late.slot == 0 && v->late.gen == 0))
        over(self, WEFT_ENOMEM, "memory is out");
    return WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    visitor *v = weft_state(self);
    (void)reason;
    wf_visit_done(&v->visit);
    weft_alloc_free(v->url);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_visit_who_type, .fn = on_who},
    {.type = &weft_visit_ping_type, .fn = on_ping},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &late_type, .fn = on_late},
    {0},
};

const weft_behaviour weft_visitor = {
    .name = "weft.visitor", .handlers = handlers, .state_bytes = sizeof(visitor), .ended = ended};
