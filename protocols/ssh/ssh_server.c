/* SPDX-License-Identifier: MIT */
/* A server's connection: it drives the session, at most so many steps in a turn, and ends it.
 *
 *   opened ──▶ unknown ── granted ──▶ known ──▶ over (goodbye, flush) ──▶ closed: ends
 *                 └── auth_ms, tries_max, a mistake of the peer ──▲
 *
 * What came is fed as far as libssh takes it, and the rest is kept with its message, so that a peer that sends
 * more than is worked off is not read. Nothing is fed while the stream has enough to send, so that one that
 * does not read is not answered without end. */
#include "ssh_server.h"

#include <inttypes.h>
#include <string.h>

enum {
    STEPS_MAX = 16, /* of 4 KiB each, as libssh reads: of one turn */
    AUTH_MS = 30000,
    UNKNOWN_MAX = 100,
    CHANNELS_MAX = 10,
    KEEPALIVE_MS = 60000,
    KEEPALIVE_MAX = 3,
};

typedef struct ssh_go_on {
    char nothing;
} ssh_go_on;
typedef struct ssh_auth_over {
    char nothing;
} ssh_auth_over;
typedef struct ssh_alive {
    char nothing;
} ssh_alive;
static const weft_type ssh_go_on_type = WEFT_TYPE("weft.ssh_go_on", ssh_go_on, NULL);
static const weft_type ssh_auth_over_type = WEFT_TYPE("weft.ssh_auth_over", ssh_auth_over, NULL);
static const weft_type ssh_alive_type = WEFT_TYPE("weft.ssh_alive", ssh_alive, NULL);

/* ---- output */

static void take_output(weft_actor *self, wf_ssh_conn *c)
{
    uint8_t *block = weft_read_block();
    size_t n;
    c->blocked = weft_write_full(self, c->stream);
    while (!c->blocked && (n = wf_ssh_take(c->ssh, block, WEFT_READ_BYTES_MAX)) > 0) {
        c->written = 0;
        weft_err err = weft_write_copy(self, c->stream, block, n);
        if (err != WEFT_OK && err != WEFT_EGONE) {
            /* bytes are lost, so that nothing that follows would make sense */
            (void)weft_abort(self, c->stream, err);
            c->blocked = true;
            return;
        }
        c->blocked = weft_write_full(self, c->stream);
    }
    if (!c->blocked)
        c->written = 0;
}

static void hook_entered(weft_actor *self, void *context)
{
    wf_ssh_conn *c = context;
    if (c->ssh == NULL || c->over)
        return;
    take_output(self, c);
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

static void on_event(weft_actor *self, const wf_ssh_event *event)
{
    switch (event->want) {
    case WF_SSH_AUTH:
        wf_ssh_on_auth(self, event);
        break;
    case WF_SSH_OPEN:
        wf_ssh_on_open(self, event);
        break;
    case WF_SSH_REQUEST:
        wf_ssh_on_request(self, event);
        break;
    default:
        break;
    }
}

void wf_ssh_pump(weft_actor *self)
{
    wf_ssh_conn *c = weft_state(self);
    wf_ssh_event event;
    weft_why why;
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        if (c->ssh == NULL || c->over)
            return;
        feed(c);
        take_output(self, c);
        if (c->blocked || c->asking || !wf_ssh_is_busy(c->ssh))
            return;
        weft_err err = wf_ssh_next(c->ssh, &event, &why);
        if (err != WEFT_OK) {
            wf_ssh_over(self, err, why.text);
            return;
        }
        on_event(self, &event);
        explicit_bzero(event.key, event.key_bytes);
        if (!c->over)
            wf_ssh_look(self);
    }
    if (!c->going_on && !c->over)
        c->going_on = weft_tell(self, weft_self(self), ssh_go_on, .nothing = 0) == WEFT_OK;
    /* a mailbox that is full goes on with what is in it */
    if (!c->going_on && !c->over)
        weft_hook_queue(&c->hook);
}

static void leave_unknown(wf_ssh_conn *c, const weft_ssh_config *config)
{
    if (c->counted)
        wf_ssh_keys_leave(config->keys);
    c->counted = false;
}

void wf_ssh_granted(weft_actor *self)
{
    const weft_ssh_config *config = weft_config(self);
    wf_ssh_conn *c = weft_state(self);
    uint32_t ms = or_default(config->keepalive_ms, KEEPALIVE_MS);
    c->granted = true;
    leave_unknown(c, config);
    if (ms != WEFT_NO_LIMIT && weft_after(self, ms, ssh_alive, .nothing = 0).slot == 0)
        wf_ssh_over(self, WEFT_ENOMEM, "no memory for a timer");
}

void wf_ssh_over(weft_actor *self, weft_err err, const char *why)
{
    wf_ssh_conn *c = weft_state(self);
    char text[WEFT_ADDRESS_TEXT_BYTES];
    if (c->over || c->ssh == NULL)
        return;
    weft_log(self, err == WEFT_OK || err == WEFT_EDONE ? WEFT_INFO : WEFT_NOTICE, "%s %s: %s",
             weft_address_print(&c->peer, text), c->granted ? c->user : "(unknown)", why);
    c->over = true;
    weft_hook_cancel(&c->hook);
    wf_ssh_lose(c, why);
    wf_ssh_goodbye(c->ssh);
    take_output(self, c);
    weft_drop(&c->data);
    (void)weft_close(self, c->stream);
}

/* ---- messages */

static weft_err begin(weft_actor *self, wf_ssh_conn *c, const weft_ssh_config *config,
                      weft_why *why)
{
    unsigned methods = (config->password ? (unsigned)WF_SSH_PASSWORD : 0) |
                       (config->public_key ? (unsigned)WF_SSH_KEY : 0) |
                       (config->anonymous ? (unsigned)WF_SSH_NONE : 0);
    uint32_t channels = or_default(config->channels_max, CHANNELS_MAX);
    if (!wf_ssh_keys_enter(config->keys, or_default(config->unknown_max, UNKNOWN_MAX)))
        return weft_because(why, WEFT_ELIMIT,
                            "too many connections of whom is not known who they are");
    c->counted = true;
    if (channels > WEFT_SSH_CHANNELS_MAX)
        channels = WEFT_SSH_CHANNELS_MAX;
    weft_err err = wf_ssh_new(config->keys, methods, channels, &c->ssh, why);
    if (err == WEFT_OK &&
        weft_after(self, or_default(config->auth_ms, AUTH_MS), ssh_auth_over, .nothing = 0).slot ==
            0)
        err = weft_because(why, WEFT_ENOMEM, "no memory for a timer");
    return err;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    wf_ssh_conn *c = weft_state(self);
    char text[WEFT_ADDRESS_TEXT_BYTES];
    weft_why why;
    c->stream = opened->stream;
    c->local = opened->local;
    c->peer = opened->peer;
    c->hook.run = on_hook;
    weft_err err = begin(self, c, weft_config(self), &why);
    if (err != WEFT_OK) {
        weft_log(self, WEFT_WARNING, "%s: %s", weft_address_print(&c->peer, text), why.text);
        (void)weft_abort(self, c->stream, err);
        return WEFT_OK;
    }
    wf_ssh_pump(self);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    if (c->ssh == NULL || c->over)
        return WEFT_OK;
    c->came_ms = weft_now_ms(self);
    c->silent = 0;
    c->data = weft_keep(msg);
    c->fed = 0;
    wf_ssh_pump(self);
    return WEFT_OK;
}

static weft_err on_go_on(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    c->going_on = false;
    wf_ssh_pump(self);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    if (c->ssh == NULL || c->over)
        return WEFT_OK;
    take_output(self, c);
    wf_ssh_look(self);
    wf_ssh_pump(self);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_ssh_over(self, WEFT_EDONE, "the peer has ended its side");
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    wf_ssh_conn *c = weft_state(self);
    if (c->ssh != NULL && !c->over)
        wf_ssh_over(self, closed->reason, closed->why);
    return weft_stop(self, WEFT_OK);
}

static weft_err on_auth_over(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    if (!c->granted)
        wf_ssh_over(self, WEFT_ETIMEDOUT, "it took too long to say who it is");
    return WEFT_OK;
}

static weft_err on_alive(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_config *config = weft_config(self);
    wf_ssh_conn *c = weft_state(self);
    uint32_t ms = or_default(config->keepalive_ms, KEEPALIVE_MS);
    uint32_t still_ms = weft_now_ms(self) - c->came_ms;
    (void)msg;
    if (c->over || c->ssh == NULL)
        return WEFT_OK;
    if (still_ms >= ms && c->silent++ >= or_default(config->keepalive_max, KEEPALIVE_MAX)) {
        wf_ssh_over(self, WEFT_ETIMEDOUT, "the peer does not answer any more");
        (void)weft_abort(self, c->stream, WEFT_ETIMEDOUT);
        return WEFT_OK;
    }
    if (still_ms >= ms) {
        wf_ssh_keep_alive(c->ssh);
        weft_hook_queue(&c->hook);
    }
    uint32_t next_ms = still_ms < ms ? ms - still_ms : ms;
    if (weft_after(self, next_ms, ssh_alive, .nothing = 0).slot == 0)
        wf_ssh_over(self, WEFT_ENOMEM, "no memory for a timer");
    return WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    if (c->ssh == NULL)
        return weft_stop(self, WEFT_OK);
    wf_ssh_over(self, WEFT_OK, "this server stops");
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    wf_ssh_conn *c = weft_state(self);
    (void)reason;
    for (wf_ssh_slot *slot = c->slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        if (!slot->served || !weft_ref_same(slot->service, child))
            continue;
        slot->served = false;
        wf_ssh_slot_done(slot);
    }
}

static void server_ended(weft_actor *self, weft_err reason)
{
    wf_ssh_conn *c = weft_state(self);
    (void)reason;
    weft_hook_cancel(&c->hook);
    leave_unknown(c, weft_config(self));
    weft_drop(&c->data);
    wf_ssh_lose(c, "the connection has ended");
    wf_ssh_slots_free(c);
    wf_ssh_free(&c->ssh);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &ssh_go_on_type, .fn = on_go_on},
    {.type = &ssh_auth_over_type, .fn = on_auth_over},
    {.type = &ssh_alive_type, .fn = on_alive},
    {0},
};

const weft_behaviour weft_ssh_server = {
    .name = "ssh",
    .handlers = handlers,
    .state_bytes = sizeof(wf_ssh_conn),
    .ended = server_ended,
    .child_ended = child_ended,
};
