/* SPDX-License-Identifier: MIT */
/* Listeners: one on each reactor keeps the connections there; the first of them also accepts.
 *
 *   listener 0 accepts ──┬──▶ its own stream ──▶ protocol actor
 *                        └── accepted{fd} ──▶ listener 1 ──▶ stream ──▶ protocol actor
 *
 * How one begins, hears of connections that are over, and ends. */
#include "listener.h"

typedef struct left {
    char nothing;
} left;
static const weft_type left_type = WEFT_TYPE("weft.connection_left", left, NULL);

bool wf_listener_is_first(const weft_actor *self)
{
    return weft_reactor_of(self) == 0;
}

/* ---- connections end */

static void left_one(listener *l)
{
    l->all--;
    wf_accept_watch(l);
}

static weft_err on_left(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    left_one(weft_state(self));
    return WEFT_OK;
}

weft_err wf_listener_tell_left(weft_actor *self, listener *l)
{
    weft_ref first = l->shared->member[0];
    if (!weft_ref_same(first, weft_self(self)))
        return weft_event(self, first, &left_type, &(left){0});
    left_one(l);
    return WEFT_OK;
}

static void drained(listener *l)
{
    if (l->open != 0 || l->draining == NULL)
        return;
    (void)weft_reply(l->draining, weft_phase_done, .cut = 0);
    weft_drop(&l->draining);
}

static weft_err on_over(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    const conn_over *over = weft_body(msg);
    l->open--;
    l->refusing -= over->refused;
    if (l->shared->url.scheme == WEFT_SCHEME_STDIO)
        weft_system_stop(self, WEFT_OK); /* there is no other one to wait for */
    drained(l);
    return over->refused ? WEFT_OK : wf_listener_tell_left(self, l);
}

/* ---- the end */

/* Of the first alone, also when it never came to accept. */
static void close_listener(weft_actor *self, listener *l, wf_listening *shared)
{
    if (l->closed || !wf_listener_is_first(self))
        return;
    l->closed = true;
    wf_accept_end(l);
    wf_listening_close(shared);
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    const weft_phase_begins *begins = weft_body(msg);
    if (begins->phase == WEFT_PHASE_CLOSE) {
        wf_accept_rest(self, l);
        close_listener(self, l, l->shared);
    }
    if (begins->phase == WEFT_PHASE_DRAIN && l->open != 0 &&
        weft_stop_children(self, WEFT_ESTOPPING)) {
        l->draining = weft_keep(msg);
        return WEFT_OK;
    }
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

static void listener_ended(weft_actor *self, weft_err reason)
{
    /* from the config, since it may end before it began */
    wf_listening *shared = (wf_listening *)(uintptr_t)weft_config(self);
    (void)reason;
    close_listener(self, weft_state(self), shared);
    wf_listening_leave(shared);
}

/* Asked to end: nothing new is accepted while those that are open, its children, finish. */
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_listening *shared = (wf_listening *)(uintptr_t)weft_config(self);
    const weft_stopping *stopping = weft_body(msg);
    wf_accept_rest(self, weft_state(self));
    close_listener(self, weft_state(self), shared);
    for (unsigned i = 1; wf_listener_is_first(self) && i < shared->n; i++)
        (void)weft_stop_ref(self, shared->member[i], stopping->reason);
    return weft_stop(self, stopping->reason);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    const weft_started *started = weft_body(msg);
    l->shared = (wf_listening *)(uintptr_t)started->config;
    if (!weft_ref_is_nobody(l->shared->keeper) &&
        weft_monitor_life(self, l->shared->keeper) != WEFT_OK)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to watch who keeps it");
    if (!wf_listener_is_first(self) || l->closed)
        return WEFT_OK;
    /* the others learn of it with what they are given */
    l->shared->member[0] = weft_self(self);
    wf_accept_begin(self, l);
    return WEFT_OK;
}

/* Who keeps it has ended without waiting for it. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_ESTOPPING);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &wf_accepted_type, .fn = wf_on_accepted},
    {.type = &wf_conn_over_type, .fn = on_over},
    {.type = &left_type, .fn = on_left},
    {.type = &wf_accept_again_type, .fn = wf_on_accept_again},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};

const weft_behaviour wf_listener_behaviour = {.name = "listener",
                                              .handlers = handlers,
                                              .state_bytes = sizeof(listener),
                                              .mailbox_max = 65536,
                                              .ended = listener_ended};
