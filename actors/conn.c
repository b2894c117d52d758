/* SPDX-License-Identifier: MIT */
/* The life of a connection actor, and what its owner is told. */
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool may_read(const conn *c)
{
    return (c->flags & (CONN_DATA_OUT | CONN_ENDED_IN | CONN_CLOSING | CONN_CLOSED |
                        CONN_OPENING)) == 0 &&
           c->window.held <= c->window.max;
}

static void window_low(weft_account *window)
{
    conn *c = (conn *)(void *)((char *)window - offsetof(conn, window));
    if ((c->flags & (CONN_PAUSED | CONN_CLOSED)) == CONN_PAUSED && window->held <= window->max / 2)
        conn_deliver(c);
}

static const weft_account_ops window_ops = {.name = "stream.window", .low = window_low};

conn_rare *conn_rare_of(conn *c)
{
    if (c->rare == NULL) {
        c->rare = calloc(1, sizeof *c->rare);
        if (c->rare != NULL)
            c->rare->write_queue_max = WEFT_WRITE_QUEUE_BYTES_MAX;
    }
    return c->rare;
}

conn *conn_here(weft_ref stream)
{
    weft_actor *a = weft_here(stream);
    if (a == NULL || weft_behaviour_of(a) != &conn_behaviour)
        return NULL;
    return weft_state(a);
}

conn *conn_new(weft_actor *parent, const conn_leaf *leaf, weft_ref owner, weft_ref *ref)
{
    *ref = weft_spawn(parent, &conn_behaviour, NULL);
    weft_actor *a = weft_here(*ref);
    if (a == NULL)
        return NULL;
    conn *c = weft_state(a);
    c->leaf = leaf;
    c->owner = owner;
    c->window.ops = &window_ops;
    c->window.max = WEFT_WINDOW_BYTES;
    c->flags = CONN_OPENING | CONN_PAUSED;
    return c;
}

static weft_err tell_opened(conn *c)
{
    weft_actor *self = conn_actor(c), *owner = weft_here(c->owner);
    /* an owner known not to look at it saves asking the kernel for both addresses */
    if (owner != NULL && !weft_handles(owner, &weft_opened_type))
        return WEFT_OK;
    weft_opened body = {.stream = weft_self(self)};
    if ((c->flags & CONN_CLOSED) == 0)
        c->leaf->addresses(c, &body.local, &body.peer);
    weft_err err = weft_event(self, c->owner, &weft_opened_type, &body);
    /* data waits until the owner has served it: what it sets up there, a stage say, is there for the
     * first byte, however busy the reactor is */
    if (err == WEFT_OK)
        c->flags |= CONN_DATA_OUT;
    return err;
}

void conn_begin(conn *c)
{
    c->flags &= ~(uint32_t)CONN_OPENING;
    weft_err err = tell_opened(c);
    if (err != WEFT_OK) {
        conn_lost(c, err, "its owner cannot be told that it is open");
        return;
    }
    conn_deliver(c);
    conn_flush(c);
}

/* ---- the end */

static void retry_closed(weft_hook *hook)
{
    conn *c = (conn *)(void *)((char *)hook - offsetof(conn, watch));
    conn_deliver(c);
}

/* The last event. What memory has no room for now is tried again in the next round; the watch, which the
 * leaf no longer needs, serves as the hook. */
static void tell_closed(conn *c)
{
    weft_actor *self = conn_actor(c);
    conn_rare *rare = c->rare;
    weft_err reason = rare != NULL && rare->reason != WEFT_OK ? rare->reason : WEFT_EDONE;
    weft_closed body = {.stream = weft_self(self), .reason = reason};
    const char *why =
        rare != NULL && rare->why[0] != '\0' ? rare->why : weft_err_text(reason);
    (void)snprintf(body.why, sizeof body.why, "%s", why);
    if (weft_event(self, c->owner, &weft_closed_type, &body) == WEFT_ENOMEM) {
        weft_hook *hook = (weft_hook *)(void *)&c->watch;
        *hook = (weft_hook){.run = retry_closed};
        weft_hook_queue(hook);
        return;
    }
    if ((c->flags & CONN_CHILD) != 0)
        weft_release_child(self, c->owner);
    c->flags &= ~(uint32_t)CONN_CHILD;
    (void)weft_stop(self, WEFT_OK);
}

static void close_leaf(conn *c, bool abort)
{
    if ((c->flags & CONN_CLOSED) != 0)
        return;
    c->flags |= CONN_CLOSED;
    conn_stages_close(c);
    conn_out_drop(c);
    c->leaf->close(c, abort);
}

void conn_lost(conn *c, weft_err reason, const char *why)
{
    if ((c->flags & CONN_CLOSED) != 0)
        return;
    conn_rare *rare = conn_rare_of(c);
    if (rare != NULL && rare->reason == WEFT_OK) {
        rare->reason = reason;
        (void)snprintf(rare->why, sizeof rare->why, "%s", why != NULL ? why : "");
    }
    c->flags &= ~(uint32_t)CONN_OPENING;
    close_leaf(c, true);
    conn_deliver(c);
}

/* Nothing is left to be sent on a stream that is closing, or that has ended on both sides. */
static bool over(const conn *c)
{
    const uint32_t both = CONN_END_SENT | CONN_ENDED_TOLD;
    return (c->flags & CONN_CLOSING) != 0 || (c->flags & both) == both;
}

void conn_close(conn *c)
{
    if ((c->flags & (CONN_CLOSING | CONN_CLOSED)) != 0)
        return;
    (void)conn_stages_end(c);
    c->flags |= CONN_CLOSING;
    if ((c->flags & CONN_OPENING) != 0)
        return; /* conn_begin goes on, or conn_lost ends it */
    conn_flush(c);
}

/* The owner has gone: what it wrote still leaves. */
static void owner_gone(conn *c)
{
    c->flags &= ~(uint32_t)(CONN_CHILD | CONN_DATA_OUT);
    c->owner = WEFT_NOBODY;
    if ((c->flags & CONN_CLOSED) != 0)
        conn_deliver(c);
    else if ((c->flags & CONN_OPENING) != 0)
        conn_lost(c, WEFT_EABORTED, "its owner has ended");
    else
        conn_close(c);
}

/* ---- what the owner gets */

static bool tell_piece(conn *c, const weft_piece *piece)
{
    weft_actor *self = conn_actor(c);
    weft_data body = {.bytes = piece->bytes, .stream = weft_self(self)};
    weft_err err =
        weft_event(self, c->owner, piece->type != NULL ? piece->type : &weft_data_type, &body);
    if (err == WEFT_OK) {
        c->flags |= CONN_DATA_OUT;
        return true;
    }
    weft_bytes_drop(&body.bytes);
    if (err == WEFT_ENOMEM)
        conn_lost(c, err, "no memory to tell its owner of bytes");
    else
        owner_gone(c);
    return false;
}

static void take_hand_over(conn *c)
{
    weft_actor *self = conn_actor(c);
    if ((c->flags & CONN_CHILD) != 0) {
        c->flags &= ~(uint32_t)CONN_CHILD;
        weft_release_child(self, c->owner);
    } else
        weft_demonitor(self, c->owner);
    c->owner = c->rare->next_owner;
    c->rare->next_owner = WEFT_NOBODY;
    if (weft_monitor(self, c->owner) != WEFT_OK)
        conn_lost(c, WEFT_ENOMEM, "no memory to watch its new owner");
    else if (tell_opened(c) != WEFT_OK)
        owner_gone(c);
}

/* What the stages, or a hand-over, have for the owner. true: something was told, or it is over. */
static bool deliver_staged(conn *c)
{
    weft_piece piece = {.kind = WEFT_PIECE_NONE};
    weft_why why = {""};
    weft_err err = WEFT_OK;
    if ((c->flags & (CONN_CLOSED | CONN_CLOSING)) != 0)
        return false;
    switch (conn_stages_pull(c, &piece, &err, &why)) {
    case CONN_BROKEN:
        conn_lost(c, err, why.text);
        return true;
    case CONN_PIECE:
        if (piece.kind != WEFT_PIECE_END) {
            (void)tell_piece(c, &piece);
            return true;
        }
        c->flags |= CONN_ENDED_IN;
        return false;
    default:
        if (c->window.held > c->window.max && conn_stages_unread(c) != 0) {
            conn_lost(c, WEFT_ETOOBIG, "a frame does not fit the stream's window");
            return true;
        }
        return false;
    }
}

static void tell_ended(conn *c)
{
    weft_ended body = {weft_self(conn_actor(c))};
    weft_err err = weft_event(conn_actor(c), c->owner, &weft_ended_type, &body);
    if (err == WEFT_OK)
        c->flags |= CONN_ENDED_TOLD | CONN_DATA_OUT;
    else if (err == WEFT_ENOMEM)
        conn_lost(c, err, "no memory to tell its owner of the end");
    else
        owner_gone(c);
}

void conn_deliver(conn *c)
{
    if ((c->flags & (CONN_DATA_OUT | CONN_OPENING)) != 0)
        return;
    if (c->rare != NULL && !weft_ref_is_nobody(c->rare->next_owner)) {
        take_hand_over(c);
        if ((c->flags & CONN_DATA_OUT) != 0)
            return;
    }
    if (conn_staged(c) && deliver_staged(c))
        return;
    if ((c->flags & CONN_CLOSED) != 0)
        tell_closed(c);
    else if ((c->flags & (CONN_ENDED_IN | CONN_ENDED_TOLD | CONN_CLOSING)) == CONN_ENDED_IN)
        tell_ended(c);
    else if (over(c) && !conn_has_output(c)) {
        close_leaf(c, false);
        tell_closed(c);
    } else
        conn_watch(c);
}

void conn_watch(conn *c)
{
    unsigned want = 0;
    if ((c->flags & (CONN_CLOSED | CONN_OPENING)) != 0)
        return;
    if (may_read(c)) {
        want = WEFT_READABLE;
        c->flags &= ~(uint32_t)CONN_PAUSED;
    } else
        c->flags |= CONN_PAUSED;
    if ((c->flags & CONN_BLOCKED) != 0)
        want |= WEFT_WRITABLE;
    c->leaf->want(c, want);
}

static void read_some(conn *c)
{
    weft_piece piece = {.kind = WEFT_PIECE_BYTES};
    weft_why why = {""};
    if (!may_read(c)) {
        /* level triggered: it would be reported again and again */
        conn_watch(c);
        return;
    }
    weft_err err = c->leaf->read(c, &piece.bytes, &why);
    switch (err) {
    case WEFT_OK:
        if (!conn_staged(c))
            (void)tell_piece(c, &piece);
        else if (conn_stages_give(c, piece.bytes) == WEFT_OK)
            conn_deliver(c);
        else
            conn_lost(c, WEFT_ENOMEM, "no memory for what came");
        break;
    case WEFT_EFULL:
    case WEFT_ENOMEM: /* what came waits in the kernel */
        break;
    case WEFT_EDONE:
        c->flags |= CONN_ENDED_IN;
        conn_deliver(c);
        break;
    default:
        conn_lost(c, err, why.text);
    }
}

void conn_ready(conn *c, unsigned events)
{
    if ((c->flags & CONN_OPENING) != 0) {
        if (c->rare != NULL && c->rare->on_ready != NULL)
            c->rare->on_ready(c);
        return;
    }
    if ((events & WEFT_WRITABLE) != 0) {
        c->flags &= ~(uint32_t)CONN_BLOCKED;
        conn_flush(c);
        if ((c->flags & CONN_CLOSED) == 0)
            conn_watch(c);
    }
    if ((events & WEFT_READABLE) != 0 && (c->flags & CONN_CLOSED) == 0)
        read_some(c);
}

/* ---- a message of the stream was let go of, wherever its owner lives */

static void let_go_here(weft_actor *target, const uint64_t word[4])
{
    (void)word;
    if (target == NULL || weft_behaviour_of(target) != &conn_behaviour)
        return;
    conn *c = weft_state(target);
    c->flags &= ~(uint32_t)CONN_DATA_OUT;
    conn_deliver(c);
}

static void let_go(weft_ref stream)
{
    const uint64_t nothing[4] = {0};
    conn *c = conn_here(stream);
    if (c != NULL) {
        c->flags &= ~(uint32_t)CONN_DATA_OUT;
        conn_deliver(c);
    } else if (!weft_is_here(stream))
        (void)weft_call(stream, let_go_here, nothing);
}

void weft_data_release(void *body)
{
    let_go(((const weft_data *)body)->stream);
}

static void opened_release(void *body)
{
    let_go(((const weft_opened *)body)->stream);
}

static void ended_release(void *body)
{
    let_go(((const weft_ended *)body)->stream);
}

static void pull_done_here(weft_actor *target, const uint64_t word[4])
{
    (void)word;
    conn *c = target != NULL && weft_behaviour_of(target) == &conn_behaviour ? weft_state(target)
                                                                              : NULL;
    if (c != NULL && c->rare != NULL) {
        c->rare->pull_out = false;
        conn_pull(c);
    }
}

static void pull_release(void *body)
{
    const weft_ref stream = ((const weft_pull *)body)->stream;
    const uint64_t nothing[4] = {0};
    (void)weft_call(stream, pull_done_here, nothing);
}

/* ---- what happens without a row */

static weft_err close_unhandled(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, weft_sender(msg));
}

static weft_err stop_unhandled(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

static weft_err ignore_unhandled(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_opened_type = {.name = "weft.opened",
                                    .size = sizeof(weft_opened),
                                    .release = opened_release,
                                    .otherwise = ignore_unhandled};
const weft_type weft_data_type = WEFT_DATA_TYPE("weft.data");
const weft_type weft_ended_type = {.name = "weft.ended",
                                   .size = sizeof(weft_ended),
                                   .release = ended_release,
                                   .otherwise = close_unhandled};
const weft_type weft_closed_type = {
    .name = "weft.closed", .size = sizeof(weft_closed), .otherwise = stop_unhandled};
const weft_type weft_drained_type = {
    .name = "weft.drained", .size = sizeof(weft_drained), .otherwise = ignore_unhandled};
const weft_type weft_pull_type = {.name = "weft.pull",
                                  .size = sizeof(weft_pull),
                                  .release = pull_release,
                                  .otherwise = ignore_unhandled};

/* ---- the behaviour */

const weft_type conn_over_type = WEFT_TYPE("weft.connection_over", conn_over, NULL);

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    conn *c = weft_state(self);
    (void)msg;
    if ((c->flags & CONN_CHILD) == 0 || !weft_stop_children(self, WEFT_ESTOPPING))
        conn_close(c);
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    conn *c = weft_state(self);
    const weft_down *down = weft_body(msg);
    if (weft_ref_same(down->who, c->owner))
        owner_gone(c);
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    conn *c = weft_state(self);
    (void)reason;
    if (weft_ref_same(child, c->owner))
        owner_gone(c);
}

static void conn_ended(weft_actor *self, weft_err reason)
{
    conn *c = weft_state(self);
    (void)reason;
    close_leaf(c, true);
    if ((c->flags & CONN_COUNTED) != 0 &&
        weft_event(self, weft_parent(self), &conn_over_type, &(conn_over){0}) == WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell the listener that a connection is over");
    if (c->rare != NULL) {
        weft_bytes_drop(&c->rare->unread);
        free(c->rare);
        c->rare = NULL;
    }
}

static const weft_handler conn_handlers[] = {
    {.type = &conn_op_type, .fn = conn_on_op},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

const weft_behaviour conn_behaviour = {
    .name = "stream",
    .handlers = conn_handlers,
    .state_bytes = sizeof(conn),
    .ended = conn_ended,
    .child_ended = child_ended,
    .account = 1 + offsetof(conn, window),
};
