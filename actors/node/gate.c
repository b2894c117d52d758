/* SPDX-License-Identifier: MIT */
/* Gates: who waits at a connection that was accepted until it has said who it is. Nothing but a hello is read
 * there, of a few KiB, within a few seconds; then the connection goes to its link, or is told why not. A visitor
 * stays here, where no link knows of it. */
#include <string.h>

#include "link.h"
#include "link_visit.h"
#include "node_url.h"

const weft_type wf_link_handed_type = WEFT_TYPE("weft.link_handed", link_handed, NULL);

const weft_type wf_link_welcome_type = WEFT_TYPE("weft.link_welcome", link_welcome, NULL);
const weft_type wf_link_knock_type =
    WEFT_TYPE("weft.link_knock", link_knock, &wf_link_welcome_type);

const weft_type wf_link_visit_told_type = WEFT_TYPE("weft.link_visit_told", link_visit_told, NULL);
const weft_type wf_link_visit_ask_type =
    WEFT_TYPE("weft.link_visit_ask", link_visit_ask, &wf_link_visit_told_type);

enum { FULL_AGAIN_MS = 10000 }; /* between warnings that there is no room */

typedef struct late {
    char nothing;
} late;
static const weft_type late_type = WEFT_TYPE("weft.gate_late", late, NULL);

typedef struct gate {
    link_visit visit; /* what has come of anybody, until it goes elsewhere */
    weft_timer late;
    bool counted, visited; /* among the node's gates, its visits */
} gate;

/* What a message of bytes is kept with until the node has answered. */
typedef struct knocking {
    link_hello hello;
    size_t rest; /* bytes behind the hello */
} knocking;

/* Its config; the node lives as long as the system, and but for the counter only its reference is read here. */
static node *node_of(const weft_actor *self)
{
    return (node *)(uintptr_t)weft_config(self);
}

/* Its hello has come, or it has ended. */
static void uncount(weft_actor *self)
{
    gate *g = weft_state(self);
    if (g->counted)
        atomic_fetch_sub_explicit(&node_of(self)->gates, 1, memory_order_relaxed);
    g->counted = false;
}

/* Said now and then: who comes is turned away as often as he wants. */
static void say_full(weft_actor *self)
{
    uint64_t now = weft_now_ms(self);
    uint64_t again = atomic_load_explicit(&node_of(self)->full_again_ms, memory_order_relaxed);
    if (now < again ||
        !atomic_compare_exchange_strong(&node_of(self)->full_again_ms, &again, now + FULL_AGAIN_MS))
        return;
    weft_log(self, WEFT_WARNING,
             "refuses connections: %d have not said who they are (peer_conns_max in the URL "
             "limits those of one address)",
             NODE_GATES_MAX);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    late nothing = {0};
    (void)msg;
    g->counted = true;
    if (atomic_fetch_add_explicit(&node_of(self)->gates, 1, memory_order_relaxed) >=
        NODE_GATES_MAX) {
        say_full(self);
        return weft_stop(self, WEFT_EFULL);
    }
    g->late = weft_timer_start(self, LINK_HELLO_MS, 0, &late_type, &nothing);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    const gate *g = weft_state(self);
    (void)msg;
    if (g->visited)
        weft_log(self, WEFT_INFO, "a visitor said nothing for %d ms", LINK_VISIT_SILENT_MS);
    else
        weft_log(self, WEFT_INFO, "a connection did not say who it is within %d ms", LINK_HELLO_MS);
    return weft_stop(self, WEFT_ETIMEDOUT);
}

/* Says why in a goodbye, which needs no hello before it, and closes. */
static weft_err refuse(weft_actor *self, weft_ref stream, link_bye bye, const char *why)
{
    gate *g = weft_state(self);
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    weft_log(self, bye == LINK_BYE_TWIN ? WEFT_DEBUG : WEFT_NOTICE, "refuses a connection: %s",
             why);
    (void)weft_write_copy(self, stream, frame, wf_visit_bye(&g->visit, frame, bye, why));
    return weft_close(self, stream);
}

static link_bye bye_of(weft_err err)
{
    return err == WEFT_EEXISTS ? LINK_BYE_TWIN
           : err == WEFT_EGONE ? LINK_BYE_OLD
                               : LINK_BYE_REFUSED;
}

static weft_err on_welcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_data *data = weft_body(msg);
    const knocking *k = weft_scratch_last(msg);
    if (got->err != WEFT_OK)
        return refuse(self, data->stream, bye_of(got->err), got->why);
    weft_ref to = ((const link_welcome *)got->body)->link;
    link_handed handed = {.stream = data->stream, .hello = k->hello};
    weft_err err = weft_event(self, to, &wf_link_handed_type, &handed);
    if (err == WEFT_OK)
        err = weft_hand_over(self, data->stream, to,
                             weft_bytes_slice(data->bytes, data->bytes.size - k->rest, k->rest));
    if (err != WEFT_OK)
        (void)weft_abort(self, data->stream, err);
    return weft_stop(self, WEFT_OK);
}

/* ---- visitors */

/* Answers what came, and reads on. What is not read by who asks too much closes it. */
static weft_err serve_visit(weft_actor *self, weft_ref stream, const uint8_t *at, size_t n)
{
    gate *g = weft_state(self);
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    weft_why why = {""};
    weft_err err;
    (void)weft_timer_reset(self, g->late, LINK_VISIT_SILENT_MS);
    for (;;) {
        link_frame asked;
        link_pair ping;
        err = wf_visit_read(&g->visit, &at, &n, &asked, &why);
        if (err == WEFT_EFULL)
            return WEFT_OK;
        if (err == WEFT_OK && asked.kind == LINK_BYE)
            return weft_close(self, stream);
        if (err == WEFT_OK && asked.kind != LINK_PING)
            err = weft_because(&why, WEFT_EPROTO, "a visitor only asks: expected pings");
        if (err == WEFT_OK)
            err = wf_link_read_pair(&asked, &ping, &why);
        if (err != WEFT_OK)
            return refuse(self, stream, LINK_BYE_PROTOCOL, why.text);
        err = weft_write_copy(self, stream, frame,
                              wf_visit_pair(&g->visit, frame, LINK_PONG, ping.value));
        if (err != WEFT_OK)
            return weft_abort(self, stream, err);
    }
}

static weft_err on_visit_told(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    gate *g = weft_state(self);
    const weft_data *data = weft_body(msg);
    const knocking *k = weft_scratch_last(msg);
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    if (got->err != WEFT_OK)
        return refuse(self, data->stream,
                      got->err == WEFT_ESTOPPING ? LINK_BYE_DONE : LINK_BYE_REFUSED, got->why);
    const link_visit_told *told = got->body;
    weft_err err =
        weft_write_copy(self, data->stream, frame, wf_visit_hello(&g->visit, frame, &told->hello));
    if (err != WEFT_OK)
        return weft_abort(self, data->stream, err);
    return serve_visit(self, data->stream, data->bytes.at + data->bytes.size - k->rest, k->rest);
}

/* It is no longer among those who have not said who they are, nor takes their places. */
static weft_err begin_visit(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_data *data = weft_body(msg);
    weft_why why = {""};
    weft_err err = wf_node_is_there(self, data->stream, NULL, "", &why);
    if (err == WEFT_OK && atomic_fetch_add_explicit(&node_of(self)->visits, 1,
                                                    memory_order_relaxed) >= NODE_VISITS_MAX) {
        atomic_fetch_sub_explicit(&node_of(self)->visits, 1, memory_order_relaxed);
        err = weft_because(&why, WEFT_EFULL, "there are %d visitors already", NODE_VISITS_MAX);
    }
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_REFUSED, why.text);
    g->visited = true;
    uncount(self);
    weft_log(self, WEFT_INFO, "is visited");
    const link_visit_ask ask = {0};
    return weft_when(
        msg, weft_ask_body(self, node_of(self)->ref, &wf_link_visit_ask_type, &ask, LINK_HELLO_MS),
        on_visit_told);
}

/* ---- hellos */

static weft_err greeted(weft_actor *self, weft_msg *msg, const link_frame *frame, size_t rest)
{
    const weft_data *data = weft_body(msg);
    weft_why why = {""};
    knocking *k = weft_scratch(msg, sizeof *k);
    weft_err err = k != NULL ? wf_link_read_hello(frame, &k->hello, &why)
                             : weft_because(&why, WEFT_ENOMEM, "memory is out");
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_PROTOCOL, why.text);
    k->rest = rest;
    if (wf_is_visit(&k->hello))
        return begin_visit(self, msg);
    err = wf_node_is_there(self, data->stream, node_of(self)->config, k->hello.node, &why);
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_REFUSED, why.text);
    link_knock knock = {k->hello};
    return weft_when(
        msg, weft_ask_body(self, node_of(self)->ref, &wf_link_knock_type, &knock, LINK_HELLO_MS),
        on_welcome);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_data *data = weft_body(msg);
    const uint8_t *at = data->bytes.at;
    size_t n = data->bytes.size;
    weft_why why = {""};
    link_frame frame;
    if (g->visited)
        return serve_visit(self, data->stream, at, n);
    weft_err err = wf_visit_read(&g->visit, &at, &n, &frame, &why);
    if (err == WEFT_EFULL)
        return WEFT_OK;
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_PROTOCOL, why.text);
    return greeted(self, msg, &frame, n);
}

/* Who is refused for a certificate is worth a line; others come and go. */
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    const gate *g = weft_state(self);
    if (g->counted && closed->reason != WEFT_EDONE)
        weft_log(self, closed->reason == WEFT_EDENIED ? WEFT_NOTICE : WEFT_INFO,
                 "a connection ended before it said who it is: %s", closed->why);
    return weft_stop(self, WEFT_OK);
}

static void ended(weft_actor *self, weft_err reason)
{
    gate *g = weft_state(self);
    (void)reason;
    uncount(self);
    if (g->visited)
        atomic_fetch_sub_explicit(&node_of(self)->visits, 1, memory_order_relaxed);
    wf_visit_done(&g->visit);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &late_type, .fn = on_late},
    {0},
};

const weft_behaviour wf_gate_behaviour = {
    .name = "weft.gate", .handlers = handlers, .state_bytes = sizeof(gate), .ended = ended};
