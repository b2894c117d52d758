/* SPDX-License-Identifier: MIT */
/* The life of a connection actor, and what its owner is told.
 *
 * What holds throughout:
 * - At most one message of the stream is out at a time (CONN_DATA_OUT): opened, data or a frame, or
 *   ended; the next is made when it has been let go of. Only `closed` does not wait for one that is out
 *   when the stream flushed and closed, or was aborted, and then nothing follows it (CONN_TOLD).
 * - Nothing is read while a message is out, so what is unread stands in the kernel or in the stages.
 * - What may end the stream, tell something or touch the stages runs when nothing else of this stream is
 *   under way (CONN_BUSY): letting go of bytes, which happens anywhere, may ask for it at any time.
 * - While stages hold `opened` back (CONN_HELD) the wire is read for their sake alone; what they make of it
 *   beyond their own purpose waits, and is the first thing told behind `opened`.
 * - After CONN_CLOSED the leaf, the stages and the queue are gone; the actor lives until `closed` has
 *   been told, its memory until the last byte it gave out is home. */
#include "conn.h"

static bool may_read(const conn *c)
{
    if ((c->flags & (CONN_DATA_OUT | CONN_ENDED_IN | CONN_CLOSED | CONN_OPENING)) != 0)
        return false;
    if ((c->flags & CONN_CLOSING) != 0)
        return (c->flags & CONN_LINGERING) != 0 || wf_conn_down_waits(c);
    return c->window.held <= c->window.max || (conn_staged(c) && wf_conn_stages_hungry(c));
}

/* With stages what is held may be theirs, so that half of the window may never be reached. */
static void window_low(weft_account *window)
{
    conn *c = (conn *)(void *)((char *)window - offsetof(conn, window));
    if ((c->flags & (CONN_PAUSED | CONN_CLOSED)) == CONN_PAUSED &&
        (window->held <= window->max / 2 || conn_staged(c)))
        wf_conn_deliver(c);
}

static const weft_account_ops window_ops = {
    .name = "stream.window", .low = window_low, .state_offset = 1 + offsetof(conn, window)};

conn_rare *wf_conn_rare_of(conn *c)
{
    if (c->rare == NULL) {
        c->rare = weft_alloc_zero(sizeof *c->rare);
        if (c->rare != NULL) {
            c->rare->owner = c;
            c->rare->write_queue_max = WEFT_WRITE_QUEUE_BYTES_MAX;
            c->rare->handshake_ms = WEFT_HANDSHAKE_MS;
        }
    }
    return c->rare;
}

conn *wf_conn_here(weft_ref stream)
{
    weft_actor *a = weft_here(stream);
    if (a == NULL || weft_behaviour_of(a) != &wf_conn_behaviour)
        return NULL;
    return weft_state(a);
}

conn *wf_conn_new(weft_actor *parent, const conn_leaf *leaf, weft_ref owner, weft_ref *ref)
{
    *ref = weft_spawn(parent, &wf_conn_behaviour, NULL);
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

/* Asks the kernel for what is not known; stages, and other leaves, may know better than both. */
static void look_up(conn *c, conn_known known, weft_opened *body)
{
    if (c->leaf != &wf_conn_leaf_fd || (c->rare != NULL && c->rare->bottom != NULL)) {
        wf_conn_addresses(c, &body->local, &body->peer);
        return;
    }
    if (known.local != NULL)
        body->local = *known.local;
    if (known.peer != NULL)
        body->peer = *known.peer;
    wf_fd_addresses(c, known.local == NULL ? &body->local : NULL,
                    known.peer == NULL ? &body->peer : NULL);
}

static weft_err tell_opened(conn *c, conn_known known)
{
    weft_actor *self = conn_actor(c), *owner = weft_here(c->owner);
    /* an owner known not to look at it saves asking the kernel for both addresses */
    if (owner != NULL && !weft_handles(owner, &weft_opened_type))
        return WEFT_OK;
    weft_opened body = {.stream = weft_self(self)};
    if ((c->flags & CONN_CLOSED) == 0)
        look_up(c, known, &body);
    weft_err err = weft_event(self, c->owner, &weft_opened_type, &body);
    /* data waits until the owner has served it: what it sets up there, a stage say, is there for the
     * first byte, however busy the reactor is */
    if (err == WEFT_OK)
        c->flags |= CONN_DATA_OUT;
    return err;
}

void wf_conn_addresses(const conn *c, weft_address *local, weft_address *peer)
{
    c->leaf->addresses((conn *)(uintptr_t)c, local, peer);
    for (const weft_stage *s = c->rare != NULL ? c->rare->bottom : NULL; s != NULL; s = s->above)
        if (s->ops->about != NULL)
            s->ops->about(s, local, peer);
}

/* false: it is lost. */
static bool open_now(conn *c, conn_known known)
{
    c->flags &= ~(uint32_t)(CONN_OPENING | CONN_HELD);
    if (c->rare != NULL && c->rare->timer.slot != 0)
        weft_timer_cancel(conn_actor(c), &c->rare->timer);
    wf_conn_stages_go_on(c);
    weft_err err = tell_opened(c, known);
    if (err != WEFT_OK)
        wf_conn_lost(c, err, "its owner cannot be told that it is open");
    return err == WEFT_OK;
}

static void on_handshake_late(weft_alarm *alarm)
{
    conn_rare *rare = (conn_rare *)(void *)((char *)alarm - offsetof(conn_rare, alarm));
    wf_conn_lost(rare->owner, WEFT_ETIMEDOUT, "the peer did not finish the handshake in time");
}

static void hold(conn *c)
{
    c->flags = (c->flags & ~(uint32_t)CONN_OPENING) | CONN_HELD;
    if (c->rare->handshake_ms != 0 && (c->flags & CONN_CLOSING) == 0)
        weft_alarm_set(&c->rare->alarm, c->rare->handshake_ms, on_handshake_late);
}

void wf_conn_begin(conn *c, conn_known known)
{
    if (c->rare != NULL && c->rare->holding != 0)
        hold(c);
    else if (!open_now(c, known))
        return;
    wf_conn_deliver(c);
    wf_conn_flush(c);
    wf_conn_limit_close(c);
}

/* ---- what the owner gets */

static void tell_piece(conn *c, const weft_piece *piece)
{
    weft_actor *self = conn_actor(c);
    weft_data body = {.bytes = piece->bytes, .stream = weft_self(self)};
    if (piece->type != NULL && c->rare->relayed) {
        weft_bytes_drop(&body.bytes);
        wf_conn_lost(c, WEFT_EUNSUPPORTED, "frames of a stage do not go to another node");
        return;
    }
    weft_err err =
        weft_event(self, c->owner, piece->type != NULL ? piece->type : &weft_data_type, &body);
    if (err == WEFT_OK) {
        c->flags |= CONN_DATA_OUT;
        return;
    }
    weft_bytes_drop(&body.bytes);
    if (err == WEFT_ENOMEM)
        wf_conn_lost(c, err, "no memory to tell its owner of bytes");
    else
        wf_conn_owner_gone(c);
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
    c->flags &= ~(uint32_t)CONN_HAND_OVER;
    if (weft_monitor_life(self, c->owner) != WEFT_OK)
        wf_conn_lost(c, WEFT_ENOMEM, "no memory to watch its new owner");
    else if ((c->flags & CONN_HELD) == 0 && tell_opened(c, CONN_UNKNOWN) != WEFT_OK)
        wf_conn_owner_gone(c);
}

/* The stages want more, and cannot be given more: they hold the window themselves. */
static bool starved(const conn *c)
{
    return c->window.held > c->window.max && !wf_conn_stages_hungry(c) &&
           c->window.held - wf_conn_stages_charge(c) <= c->window.max / 2;
}

/* A stream that is closing still reads for its stages' sake; what they make of it nobody wants. */
static void discard(conn *c)
{
    weft_piece piece = {.kind = WEFT_PIECE_NONE};
    weft_why why = {""};
    weft_err err = WEFT_OK;
    conn_pulled got;
    while ((got = wf_conn_stages_pull(c, &piece, &err, &why)) == CONN_PIECE &&
           piece.kind != WEFT_PIECE_END)
        weft_bytes_drop(&piece.bytes);
    wf_conn_down_pump(c);
    if (got == CONN_BROKEN)
        wf_conn_broken(c, err, why.text);
    else if ((c->flags & CONN_ENDED_IN) != 0 && wf_conn_down_waits(c))
        wf_conn_lost(c, WEFT_ELOST, "the peer ended before what was written could be sent");
}

/* What was given out, and is still alive, is more than the window: what stages hold back of what came waits
 * as what the kernel holds does. */
static bool window_full(const conn *c)
{
    size_t kept = wf_conn_stages_charge(c) + weft_bytes_charge(c->rare->unread);
    return c->window.held > kept && c->window.held - kept > c->window.max;
}

/* What the stages, or a hand-over, have for the owner. */
static void deliver_staged(conn *c)
{
    weft_piece piece = {.kind = WEFT_PIECE_NONE};
    weft_why why = {""};
    weft_err err = WEFT_OK;
    if ((c->flags & (CONN_CLOSED | CONN_CLOSING)) != 0) {
        if ((c->flags & CONN_CLOSED) == 0 && wf_conn_down_waits(c))
            discard(c);
        return;
    }
    if (window_full(c))
        return;
    conn_pulled got = wf_conn_stages_pull(c, &piece, &err, &why);
    /* what a handshake held back may go now */
    wf_conn_down_pump(c);
    if (got == CONN_BROKEN)
        wf_conn_broken(c, err, why.text);
    else if (got == CONN_PIECE && piece.kind == WEFT_PIECE_END)
        c->flags |= CONN_ENDED_IN;
    else if (got == CONN_PIECE)
        tell_piece(c, &piece);
    else if (starved(c))
        wf_conn_broken(c, WEFT_ETOOBIG, "a frame does not fit the stream's window");
}

/* The stages work until none holds `opened` back. What one of them made behind that waits its turn. */
static void deliver_held(conn *c)
{
    weft_piece piece = {.kind = WEFT_PIECE_NONE};
    weft_why why = {""};
    weft_err err = WEFT_OK;
    if ((c->flags & CONN_CLOSING) != 0) {
        deliver_staged(c);
        return;
    }
    conn_pulled got = wf_conn_stages_pull(c, &piece, &err, &why);
    wf_conn_down_pump(c);
    if ((c->flags & CONN_CLOSED) != 0) {
        weft_bytes_drop(&piece.bytes);
        return;
    }
    if (got == CONN_PIECE && piece.kind == WEFT_PIECE_BYTES) {
        if (wf_conn_stages_give_back(c, piece.bytes) != WEFT_OK)
            wf_conn_lost(c, WEFT_ENOMEM, "no memory for what came behind a handshake");
        weft_bytes_drop(&piece.bytes);
    } else if (got == CONN_PIECE && piece.kind == WEFT_PIECE_END)
        c->flags |= CONN_ENDED_IN;
    else if (got == CONN_PIECE) {
        weft_bytes_drop(&piece.bytes);
        wf_conn_lost(c, WEFT_EINTERNAL, "a stage told a message before the stream was open");
    }
    if (got == CONN_BROKEN)
        wf_conn_broken(c, err, why.text);
    else if ((c->flags & CONN_CLOSED) == 0 && c->rare->holding == 0) {
        weft_alarm_clear(&c->rare->alarm);
        (void)open_now(c, CONN_UNKNOWN);
    } else if ((c->flags & CONN_ENDED_IN) != 0)
        wf_conn_lost(c, WEFT_ELOST, "the peer ended before the stream was open");
}

static void tell_ended(conn *c)
{
    weft_ended body = {weft_self(conn_actor(c))};
    weft_err err = weft_event(conn_actor(c), c->owner, &weft_ended_type, &body);
    if (err == WEFT_OK)
        c->flags |= CONN_ENDED_TOLD | CONN_DATA_OUT;
    else if (err == WEFT_ENOMEM)
        wf_conn_lost(c, err, "no memory to tell its owner of the end");
    else
        wf_conn_owner_gone(c);
}

static void read_some(conn *c);

/* Many answers are short, and the end is there as soon as they are: a look costs a call for each connection that
 * was made, and finding it saves a round, and a segment to whoever is told both at once. */
static void look_next(conn *c)
{
    if (c->rare == NULL || !c->rare->fresh)
        return;
    c->rare->fresh = false;
    c->flags |= CONN_LOOK;
}

static void look_again(conn *c)
{
    c->flags &= ~(uint32_t)CONN_LOOK;
    wf_conn_watch(c);
    read_some(c);
}

/* One look at what is next. What it does may ask for another look (CONN_AGAIN). */
static void deliver_next(conn *c)
{
    if ((c->flags & (CONN_DATA_OUT | CONN_OPENING)) != 0)
        return;
    if ((c->flags & CONN_HAND_OVER) != 0)
        take_hand_over(c);
    if ((c->flags & CONN_HELD) != 0)
        deliver_held(c);
    else if ((c->flags & CONN_DATA_OUT) == 0 && conn_staged(c))
        deliver_staged(c);
    if ((c->flags & CONN_DATA_OUT) != 0)
        return;
    if ((c->flags & (CONN_ENDED_IN | CONN_ENDED_TOLD | CONN_CLOSING | CONN_CLOSED | CONN_HELD)) ==
        CONN_ENDED_IN)
        tell_ended(c);
    else if ((c->flags & CONN_CLOSED) == 0 && wf_conn_over(c) && !wf_conn_linger(c))
        wf_conn_close_leaf(c, false);
    if ((c->flags & CONN_CLOSED) != 0)
        wf_conn_finish(c);
    else if ((c->flags & CONN_LOOK) != 0)
        look_again(c);
    else
        wf_conn_watch(c);
}

void wf_conn_deliver(conn *c)
{
    if ((c->flags & CONN_BUSY) != 0) {
        c->flags |= CONN_AGAIN;
        return;
    }
    do {
        c->flags = (c->flags & ~(uint32_t)CONN_AGAIN) | CONN_BUSY;
        deliver_next(c);
        c->flags &= ~(uint32_t)CONN_BUSY;
    } while ((c->flags & CONN_AGAIN) != 0);
}

void wf_conn_idle(conn *c, bool outermost)
{
    if (!outermost)
        return;
    c->flags &= ~(uint32_t)CONN_BUSY;
    if ((c->flags & CONN_AGAIN) != 0)
        wf_conn_deliver(c);
}

/* ---- reading and writing */

void wf_conn_watch(conn *c)
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

/* Reads what nobody wants. */
static void throw_away(conn *c)
{
    weft_bytes bytes = WEFT_NO_BYTES;
    weft_why why = {""};
    weft_err err = c->leaf->read(c, &bytes, &why);
    weft_bytes_drop(&bytes);
    if (err == WEFT_OK || err == WEFT_EFULL || err == WEFT_ENOMEM)
        return;
    wf_conn_lingered(c);
}

static void read_some(conn *c)
{
    weft_piece piece = {.kind = WEFT_PIECE_BYTES};
    weft_why why = {""};
    if (!may_read(c)) {
        /* level triggered: it would be reported again and again */
        wf_conn_watch(c);
        return;
    }
    if ((c->flags & CONN_LINGERING) != 0) {
        throw_away(c);
        return;
    }
    weft_err err = c->leaf->read(c, &piece.bytes, &why);
    switch (err) {
    case WEFT_OK:
        if (!conn_staged(c)) {
            look_next(c);
            tell_piece(c, &piece);
        } else if (wf_conn_stages_give(c, piece.bytes) == WEFT_OK)
            wf_conn_deliver(c);
        else
            wf_conn_lost(c, WEFT_ENOMEM, "no memory for what came");
        break;
    case WEFT_EFULL:
    case WEFT_ENOMEM: /* what came waits in the kernel */
        break;
    case WEFT_EDONE:
        c->flags |= CONN_ENDED_IN;
        wf_conn_deliver(c);
        break;
    default:
        wf_conn_lost(c, err, why.text);
    }
}

void wf_conn_ready(conn *c, unsigned events)
{
    if ((c->flags & CONN_OPENING) != 0) {
        if (c->rare != NULL && c->rare->on_ready != NULL)
            c->rare->on_ready(c);
        return;
    }
    if ((events & WEFT_WRITABLE) != 0) {
        c->flags &= ~(uint32_t)CONN_BLOCKED;
        wf_conn_flush(c);
        if ((c->flags & CONN_CLOSED) == 0)
            wf_conn_watch(c);
    }
    if ((events & WEFT_READABLE) != 0 && (c->flags & CONN_CLOSED) == 0)
        read_some(c);
}

/* ---- the behaviour */

const weft_type wf_conn_over_type = WEFT_TYPE("weft.connection_over", conn_over, NULL);

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    conn *c = weft_state(self);
    (void)msg;
    if ((c->flags & CONN_CHILD) != 0 && weft_stop_children(self, WEFT_ESTOPPING))
        return WEFT_OK; /* closes when its owner has ended */
    if ((c->flags & (CONN_OPENING | CONN_HELD)) != 0)
        wf_conn_lost(c, WEFT_EABORTED, "stopped before it was open");
    else if ((c->flags & CONN_LINGERING) != 0)
        wf_conn_lingered(c);
    else
        wf_conn_close(c);
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    conn *c = weft_state(self);
    const weft_down *down = weft_body(msg);
    if (weft_ref_same(down->who, c->owner))
        wf_conn_owner_gone(c);
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    conn *c = weft_state(self);
    (void)reason;
    if (weft_ref_same(child, c->owner))
        wf_conn_owner_gone(c);
}

/* Also when it is ended by force, in the middle of anything. */
static void conn_ended(weft_actor *self, weft_err reason)
{
    conn *c = weft_state(self);
    (void)reason;
    wf_conn_end_now(c);
    if ((c->flags & CONN_COUNTED) != 0 &&
        weft_event(self, weft_parent(self), &wf_conn_over_type,
                   &(conn_over){.refused = (c->flags & CONN_REFUSED) != 0}) == WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell the listener that a connection is over");
    if (c->rare != NULL) {
        weft_bytes_drop(&c->rare->unread);
        weft_alloc_free(c->rare->behalf);
    }
    weft_alloc_free(c->rare);
    c->rare = NULL;
}

static const weft_handler conn_handlers[] = {
    {.type = &wf_conn_op_type, .fn = wf_conn_on_op},
    {.type = &wf_conn_let_go_type, .fn = wf_conn_on_let_go},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

const weft_behaviour wf_conn_behaviour = {
    .name = "stream",
    .handlers = conn_handlers,
    .state_bytes = sizeof(conn),
    .ended = conn_ended,
    .child_ended = child_ended,
    .account = 1 + offsetof(conn, window),
};
