/* SPDX-License-Identifier: MIT */
/* The actor of an endpoint: what it is told, by the system and by those who ask it. */
#include "endpoint.h"

/* Bound before start: its owner is its child. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_endpoint *e = weft_state(self);
    endpoint_plan *plan =
        (endpoint_plan *)(uintptr_t)((const weft_started *)weft_body(msg))->config;
    if (plan == NULL)
        return WEFT_OK;
    wf_endpoint_init(e, WEFT_NOBODY);
    e->owner = weft_spawn(self, plan->behaviour, plan->config);
    if (weft_ref_is_nobody(e->owner)) {
        wf_endpoint_lost(e, WEFT_ENOMEM, "no memory for its owner");
        return WEFT_OK;
    }
    e->flags |= ENDPOINT_CHILD;
    if (wf_endpoint_take(e, plan) != WEFT_OK)
        wf_endpoint_lost(e, WEFT_ENOMEM, "no memory for an endpoint");
    else
        wf_endpoint_begin(e);
    return WEFT_OK;
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    wf_endpoint *e = weft_state(self);
    const weft_phase_begins *begins = weft_body(msg);
    if (begins->phase == WEFT_PHASE_CLOSE) {
        e->flags |= ENDPOINT_DEAF;
        wf_endpoint_watch(e);
    } else if (e->window.held != 0) {
        e->draining = weft_keep(msg);
        return WEFT_OK;
    }
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_endpoint *e = weft_state(self);
    (void)msg;
    if ((e->flags & ENDPOINT_CHILD) != 0 && weft_stop_children(self, WEFT_ESTOPPING))
        return WEFT_OK; /* closes when its owner has ended */
    if ((e->flags & ENDPOINT_OPEN) == 0)
        wf_endpoint_lost(e, WEFT_EABORTED, "stopped before it was open");
    else
        wf_endpoint_close(e);
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    wf_endpoint *e = weft_state(self);
    if (weft_ref_same(((const weft_down *)weft_body(msg))->who, e->owner))
        wf_endpoint_owner_gone(e);
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    wf_endpoint *e = weft_state(self);
    (void)reason;
    if (weft_ref_same(child, e->owner))
        wf_endpoint_owner_gone(e);
}

/* Also when it is ended by force, in the middle of anything, or before it began. */
static void endpoint_ended(weft_actor *self, weft_err reason)
{
    wf_endpoint *e = weft_state(self);
    endpoint_plan *plan = (endpoint_plan *)(uintptr_t)weft_config(self);
    (void)reason;
    if (e->leaf != NULL)
        wf_endpoint_end_now(e);
    if (plan != NULL)
        wf_endpoint_plan_done(plan);
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    wf_endpoint *e = weft_state(self);
    weft_endpoint_stats body = e->stats;
    if ((e->flags & ENDPOINT_CLOSED) == 0)
        body.lost = e->leaf->lost(e);
    body.queued = e->out.n;
    body.held_bytes = e->window.held;
    return weft_reply_body(msg, &weft_endpoint_stats_type, &body);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &wf_endpoint_op_type, .fn = wf_endpoint_on_op},
    {.type = &wf_endpoint_let_go_type, .fn = wf_endpoint_on_let_go},
    {.type = &weft_endpoint_count_type, .fn = on_count},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

const weft_behaviour wf_endpoint_behaviour = {
    .name = "endpoint",
    .handlers = handlers,
    .state_bytes = sizeof(wf_endpoint),
    .ended = endpoint_ended,
    .child_ended = child_ended,
    .account = 1 + offsetof(wf_endpoint, window),
};
