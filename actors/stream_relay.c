/* SPDX-License-Identifier: MIT */
/* A stream that was handed over to an actor of another node: its owner here is a relay, which passes on what it
 * says to a stream between the nodes, whose other end that actor owns; and back.
 *
 *    stream ◀── owned by ── relay ── owns ──▶ stream of the link ┄┄┄▶ stream ◀── owned by ── the new owner
 *
 * Bytes are passed as they were given out, so that a slow reader over there slows the source here. */
#include "stream_relay.h"

#include "node/link_stream.h"

typedef struct relay {
    weft_ref there, near, far;
    bool near_over, far_over;
    weft_err reason;  /* of what was over first */
    weft_msg *opened; /* of @near: what comes waits until there is where to */
} relay;

const weft_type wf_relay_begin_type = WEFT_TYPE("weft.relay_begin", wf_relay_begin, NULL);

static relay *relay_of(weft_actor *self)
{
    return weft_state(self);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    const wf_relay_begin *begin = weft_body(msg);
    relay_of(self)->there = begin->there;
    return weft_monitor(self, begin->stream) == WEFT_OK ? WEFT_OK : weft_stop(self, WEFT_ENOMEM);
}

/* The stream ended before it was handed over: its old owner was told so. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_ref_is_nobody(relay_of(self)->near) ? weft_stop(self, WEFT_OK) : WEFT_OK;
}

/* Ends @stream as the other one did. */
static weft_err end_as(weft_actor *self, weft_ref stream, weft_err reason)
{
    if (reason == WEFT_EDONE)
        (void)weft_close(self, stream);
    else
        (void)weft_abort(self, stream, reason);
    return WEFT_OK;
}

static weft_err on_made(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    relay *r = relay_of(self);
    if (got->err != WEFT_OK) {
        weft_log(self, WEFT_INFO, "a stream does not go to another node: %s", got->why);
        r->far_over = true;
        return r->near_over ? weft_stop(self, WEFT_OK) : end_as(self, r->near, got->err);
    }
    r->far = ((const weft_node_streamed *)got->body)->mine;
    if (r->near_over)
        return end_as(self, r->far, r->reason);
    r->opened = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    relay *r = relay_of(self);
    const weft_opened *opened = weft_body(msg);
    if (!weft_ref_is_nobody(r->near)) {
        weft_drop(&r->opened);
        return WEFT_OK;
    }
    r->near = opened->stream;
    return weft_when(msg,
                     wf_stream_between(self, &(wf_stream_open){.there = r->there,
                                                               .owner = weft_self(self),
                                                               .local = opened->local,
                                                               .peer = opened->peer}),
                     on_made);
}

static weft_ref other_of(const relay *r, weft_ref stream)
{
    return weft_ref_same(stream, r->near) ? r->far : r->near;
}

static weft_err on_data(weft_actor *self, weft_msg *msg);

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    return got->err == WEFT_OK ? on_data(self, msg) : WEFT_OK; /* it is over, and says so */
}

/* Bytes that a stream gave out are refused only for lack of credit towards another reactor. */
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    weft_ref other = other_of(relay_of(self), data->stream);
    weft_err err = weft_write(self, other, data->bytes);
    if (err == WEFT_EFULL)
        return weft_when(msg, weft_room(self, other), on_room);
    if (err != WEFT_OK && err != WEFT_EGONE)
        (void)weft_abort(self, data->stream, err);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    (void)weft_end(self, other_of(relay_of(self), ((const weft_ended *)weft_body(msg))->stream));
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    relay *r = relay_of(self);
    const weft_closed *closed = weft_body(msg);
    bool near = weft_ref_is_nobody(r->near) || weft_ref_same(closed->stream, r->near);
    if (!r->near_over && !r->far_over)
        r->reason = closed->reason;
    *(near ? &r->near_over : &r->far_over) = true;
    weft_drop(&r->opened);
    if (near && weft_ref_is_nobody(r->near))
        return weft_stop(self, WEFT_OK); /* before it was open */
    if (r->near_over && r->far_over)
        return weft_stop(self, WEFT_OK);
    weft_ref other = near ? r->far : r->near;
    return weft_ref_is_nobody(other) ? WEFT_OK : end_as(self, other, closed->reason);
}

static void on_end(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop(&relay_of(self)->opened);
}

static const weft_handler handlers[] = {
    {.type = &wf_relay_begin_type, .fn = on_begin},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

const weft_behaviour wf_relay_behaviour = {
    .name = "weft.relay", .handlers = handlers, .state_bytes = sizeof(relay), .ended = on_end};

weft_ref wf_relay_to(weft_actor *self, weft_ref stream, weft_ref there)
{
    weft_why why;
    weft_ref made = weft_spawn_apart(&wf_relay_behaviour, NULL, &why);
    wf_relay_begin begin = {stream, there};
    if (!weft_ref_is_nobody(made) &&
        weft_event(self, made, &wf_relay_begin_type, &begin) != WEFT_OK) {
        (void)weft_stop_ref(self, made, WEFT_ENOMEM);
        return WEFT_NOBODY;
    }
    return made;
}
