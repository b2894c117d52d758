/* SPDX-License-Identifier: MIT */
/* Driving a session: bytes in, at most so many steps in a turn, bytes out; and whether the peer is there. */
#include "ssh_conn.h"

#include <string.h>

enum {
    OUTPUT_MAX = WF_SSH_WRITTEN_MAX + (16 << 10), /* with heads, and what else is said */
    STEPS_MAX = 16,                               /* of 4 KiB each, as libssh reads: of one turn */
};

typedef struct wf_ssh_go_on {
    char nothing;
} wf_ssh_go_on;
typedef struct wf_ssh_alive {
    char nothing;
} wf_ssh_alive;
const weft_type wf_ssh_go_on_type = WEFT_TYPE("weft.ssh_go_on", wf_ssh_go_on, NULL);
const weft_type wf_ssh_alive_type = WEFT_TYPE("weft.ssh_alive", wf_ssh_alive, NULL);

/* ---- output */

void wf_ssh_take_output(weft_actor *self)
{
    wf_ssh_conn *c = weft_state(self);
    size_t n;
    if (c->away)
        return;
    c->blocked = weft_write_full(self, c->stream);
    while (!c->blocked && (n = wf_ssh_output(c->ssh)) > 0) {
        weft_bytes bytes;
        uint8_t *to;
        weft_err err = weft_bytes_new(n < OUTPUT_MAX ? n : OUTPUT_MAX, &to, &bytes);
        if (err == WEFT_OK) {
            bytes.size = wf_ssh_take(c->ssh, to, bytes.size);
            c->written = 0;
            err = weft_write(self, c->stream, bytes);
            weft_bytes_drop(&bytes);
        }
        if (err != WEFT_OK && err != WEFT_EGONE) {
            /* bytes are lost, so that nothing that follows would make sense */
            (void)weft_abort(self, c->stream, err);
            c->blocked = true;
            return;
        }
        c->blocked = err == WEFT_EGONE || weft_write_full(self, c->stream);
    }
    if (!c->blocked)
        c->written = 0;
}

static void hook_entered(weft_actor *self, void *context)
{
    wf_ssh_conn *c = context;
    if (c->ssh == NULL || c->over)
        return;
    wf_ssh_take_output(self);
    wf_ssh_look(self);
    wf_ssh_pump(self);
}

static void on_hook(weft_hook *hook)
{
    wf_ssh_conn *c = (wf_ssh_conn *)(void *)((char *)hook - offsetof(wf_ssh_conn, hook));
    weft_enter(weft_actor_of_state(c), hook_entered, c);
}

/* ---- the machine */

static void feed(wf_ssh_conn *c)
{
    if (c->data == NULL)
        return;
    weft_bytes bytes = ((const weft_data *)weft_body(c->data))->bytes;
    c->fed += wf_ssh_feed(c->ssh, bytes.at + c->fed, bytes.size - c->fed);
    if (c->fed >= bytes.size)
        weft_drop(&c->data);
}

/* false: there is nothing to be done now. */
static bool step(weft_actor *self, wf_ssh_conn *c)
{
    wf_ssh_event event;
    weft_why why;
    if (c->away)
        return false;
    feed(c);
    wf_ssh_take_output(self);
    if (c->blocked || c->asking || !wf_ssh_is_busy(c->ssh))
        return false;
    weft_err err = wf_ssh_next(c->ssh, &event, &why);
    if (err != WEFT_OK) {
        c->side->over(self, err, why.text);
        return false;
    }
    c->side->event(self, &event);
    explicit_bzero(event.key, event.key_bytes);
    if (c->side->stepped != NULL && !c->over && !c->away)
        c->side->stepped(self);
    if (!c->over)
        wf_ssh_look(self);
    return true;
}

void wf_ssh_pump(weft_actor *self)
{
    wf_ssh_conn *c = weft_state(self);
    for (int steps = 0; steps < STEPS_MAX; steps++)
        if (c->ssh == NULL || c->over || !step(self, c))
            return;
    if (!c->going_on && !c->over)
        c->going_on = weft_tell(self, weft_self(self), wf_ssh_go_on, .nothing = 0) == WEFT_OK;
    /* a mailbox that is full goes on with what is in it */
    if (!c->going_on && !c->over)
        weft_hook_queue(&c->hook);
}

/* ---- messages */

void wf_ssh_conn_begin(wf_ssh_conn *c, const wf_ssh_side *side, const weft_opened *opened)
{
    c->side = side;
    c->stream = opened->stream;
    c->local = opened->local;
    c->peer = opened->peer;
    c->hook.run = on_hook;
}

void wf_ssh_conn_done(wf_ssh_conn *c)
{
    weft_hook_cancel(&c->hook);
    weft_drop(&c->data);
}

weft_err wf_ssh_on_data(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    if (c->ssh == NULL || c->over)
        return WEFT_OK;
    wf_ssh_heard(self, c);
    c->data = weft_keep(msg);
    c->fed = 0;
    wf_ssh_pump(self);
    return WEFT_OK;
}

weft_err wf_ssh_on_go_on(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    c->going_on = false;
    wf_ssh_pump(self);
    return WEFT_OK;
}

weft_err wf_ssh_on_drained(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    if (c->ssh == NULL || c->over)
        return WEFT_OK;
    wf_ssh_take_output(self);
    wf_ssh_look(self);
    wf_ssh_pump(self);
    return WEFT_OK;
}

/* ---- whether the peer is there */

weft_err wf_ssh_watch(weft_actor *self, uint32_t ms, uint32_t max)
{
    wf_ssh_conn *c = weft_state(self);
    c->keepalive_ms = ms;
    c->keepalive_max = max;
    if (ms == WEFT_NO_LIMIT)
        return WEFT_OK;
    return weft_after(self, ms, wf_ssh_alive, .nothing = 0).slot != 0 ? WEFT_OK : WEFT_ENOMEM;
}

weft_err wf_ssh_on_alive(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    uint32_t ms = c->keepalive_ms, still_ms = weft_now_ms(self) - c->came_ms;
    (void)msg;
    if (c->over || c->ssh == NULL)
        return WEFT_OK;
    if (still_ms >= ms && c->silent++ >= c->keepalive_max) {
        weft_ref stream = c->stream;
        c->side->over(self, WEFT_ETIMEDOUT, "the peer does not answer any more");
        (void)weft_abort(self, stream, WEFT_ETIMEDOUT);
        return WEFT_OK;
    }
    if (still_ms >= ms) {
        wf_ssh_keep_alive(c->ssh);
        weft_hook_queue(&c->hook);
    }
    uint32_t next_ms = still_ms < ms ? ms - still_ms : ms;
    if (weft_after(self, next_ms, wf_ssh_alive, .nothing = 0).slot == 0)
        c->side->over(self, WEFT_ENOMEM, "no memory for a timer");
    return WEFT_OK;
}
