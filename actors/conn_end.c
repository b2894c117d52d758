/* SPDX-License-Identifier: MIT */
/* How a stream ends: closed in order, lost, broken by a stage, left by its owner, or by force. */
#include "conn.h"

#include <stdio.h>

#include "peers.h"

static void retry_closed(weft_hook *hook)
{
    conn *c = (conn *)(void *)((char *)hook - offsetof(conn, watch));
    c->flags &= ~(uint32_t)CONN_RETRY;
    wf_conn_deliver(c);
}

static weft_err event_closed(conn *c)
{
    const conn_rare *rare = c->rare;
    weft_closed body = {.stream = weft_self(conn_actor(c)), .reason = WEFT_EDONE};
    if (rare != NULL && rare->reason != WEFT_OK)
        body.reason = rare->reason;
    else if ((c->flags & CONN_LOST) != 0)
        body.reason = WEFT_ENOMEM; /* which is why there is no better reason */
    const char *why = rare != NULL && rare->why[0] != '\0' ? rare->why : weft_err_text(body.reason);
    (void)snprintf(body.why, sizeof body.why, "%s", why);
    return weft_event(conn_actor(c), c->owner, &weft_closed_type, &body);
}

/* `closed` is on its way: the owner lives on without the stream. */
static void told(conn *c)
{
    c->flags |= CONN_TOLD;
    if ((c->flags & CONN_CHILD) != 0)
        weft_release_child(conn_actor(c), c->owner);
    c->flags &= ~(uint32_t)CONN_CHILD;
}

/* The last event, once. What memory has no room for now is tried again in the next round; the watch, which
 * the leaf no longer needs, serves as the hook. false: it is not told yet. */
static bool tell_closed(conn *c)
{
    if ((c->flags & CONN_TOLD) != 0)
        return true;
    if ((c->flags & CONN_RETRY) != 0)
        return false;
    if (event_closed(c) == WEFT_ENOMEM) {
        weft_hook *hook = (weft_hook *)(void *)&c->watch;
        *hook = (weft_hook){.run = retry_closed};
        weft_hook_queue(hook);
        c->flags |= CONN_RETRY;
        return false;
    }
    told(c);
    return true;
}

void wf_conn_finish(conn *c)
{
    if (tell_closed(c))
        (void)weft_stop(conn_actor(c), WEFT_OK);
}

void wf_conn_close_leaf(conn *c, bool abort)
{
    if ((c->flags & CONN_CLOSED) != 0)
        return;
    c->flags |= CONN_CLOSED;
    if (c->rare != NULL) {
        weft_alarm_clear(&c->rare->alarm);
        weft_hook_cancel(&c->rare->hook);
        wf_connecting_drop(c);
        wf_peers_leave(&c->rare->peer);
    }
    wf_conn_stages_close(c);
    wf_conn_out_drop(c);
    c->leaf->close(c, abort);
}

static void set_reason(conn *c, weft_err reason, const char *why)
{
    conn_rare *rare = wf_conn_rare_of(c);
    c->flags = (c->flags | CONN_LOST) & ~(uint32_t)(CONN_OPENING | CONN_HELD);
    if (rare != NULL && rare->reason == WEFT_OK) {
        rare->reason = reason;
        (void)snprintf(rare->why, sizeof rare->why, "%s", why != NULL ? why : "");
    }
}

void wf_conn_lost(conn *c, weft_err reason, const char *why)
{
    if ((c->flags & CONN_CLOSED) != 0)
        return;
    set_reason(c, reason, why);
    wf_conn_close_leaf(c, true);
    wf_conn_deliver(c);
}

void wf_conn_broken(conn *c, weft_err reason, const char *why)
{
    if ((c->flags & CONN_CLOSED) != 0)
        return;
    set_reason(c, reason, why);
    wf_conn_flush(c);
    wf_conn_close_leaf(c, conn_has_output(c));
    wf_conn_deliver(c);
}

bool wf_conn_over(const conn *c)
{
    const uint32_t both = CONN_END_SENT | CONN_ENDED_TOLD;
    return !conn_has_output(c) &&
           (((c->flags & CONN_CLOSING) != 0 && conn_down_done(c)) || (c->flags & both) == both);
}

static void on_stalled(weft_alarm *alarm)
{
    conn_rare *rare = (conn_rare *)(void *)((char *)alarm - offsetof(conn_rare, alarm));
    if (rare->moved) {
        rare->moved = false;
        weft_alarm_set(alarm, WEFT_CLOSE_STALL_MS, on_stalled);
    } else
        wf_conn_lost(rare->owner, WEFT_ETIMEDOUT, "the peer did not take what was left to send");
}

void wf_conn_goodbye(conn *c)
{
    if ((c->flags & CONN_ENDED_IN) != 0 && wf_conn_left(c) == 0)
        c->flags |= CONN_GOODBYE;
}

void wf_conn_lingered(conn *c)
{
    wf_conn_close_leaf(c, false);
    wf_conn_finish(c);
}

static void on_lingered(weft_alarm *alarm)
{
    wf_conn_lingered(((conn_rare *)(void *)((char *)alarm - offsetof(conn_rare, alarm)))->owner);
}

/* Closing while bytes stand unread, or are under way, resets the connection, and the peer may lose what it
 * has not read yet: a stream that has sent everything says so, and waits a moment for the peer's end. Its
 * owner need not wait with it. false: it may be closed. */
bool wf_conn_linger(conn *c)
{
    if ((c->flags & CONN_LINGERING) != 0)
        return true;
    if ((c->flags & (CONN_CLOSING | CONN_ENDED_IN | CONN_LOST)) != CONN_CLOSING ||
        c->leaf->unread == NULL || !(wf_conn_transforms(c) || c->leaf->unread(c)) ||
        wf_conn_rare_of(c) == NULL || event_closed(c) == WEFT_ENOMEM)
        return false;
    told(c);
    c->flags |= CONN_LINGERING;
    wf_conn_stages_close(c);
    c->leaf->end(c);
    weft_alarm_set(&c->rare->alarm, WEFT_LINGER_MS, on_lingered);
    return true;
}

void wf_conn_limit_close(conn *c)
{
    if ((c->flags & (CONN_CLOSING | CONN_CLOSED)) != CONN_CLOSING || wf_conn_over(c) ||
        wf_conn_rare_of(c) == NULL)
        return;
    c->rare->moved = false;
    weft_alarm_set(&c->rare->alarm, WEFT_CLOSE_STALL_MS, on_stalled);
}

void wf_conn_close(conn *c)
{
    if ((c->flags & (CONN_CLOSING | CONN_CLOSED)) != 0)
        return;
    c->flags |= CONN_CLOSING;
    wf_conn_goodbye(c);
    if ((c->flags & CONN_END_OUT) == 0)
        wf_conn_down_end(c);
    if ((c->flags & CONN_OPENING) != 0)
        return; /* wf_conn_begin goes on, or wf_conn_lost ends it */
    wf_conn_flush(c);
    wf_conn_limit_close(c);
    if ((c->flags & CONN_CLOSED) == 0)
        wf_conn_deliver(c); /* a handshake may have to be read to its end first */
}

void wf_conn_owner_gone(conn *c)
{
    c->flags &= ~(uint32_t)(CONN_CHILD | CONN_DATA_OUT);
    c->owner = WEFT_NOBODY;
    if ((c->flags & CONN_CLOSED) != 0)
        wf_conn_deliver(c);
    else if ((c->flags & (CONN_OPENING | CONN_HELD)) != 0)
        wf_conn_lost(c, WEFT_EABORTED, "its owner has ended");
    else
        wf_conn_close(c);
}

void wf_conn_end_now(conn *c)
{
    if ((c->flags & CONN_CLOSED) == 0) {
        set_reason(c, WEFT_EABORTED, "ended by force");
        wf_conn_close_leaf(c, true);
    }
    if ((c->flags & CONN_RETRY) != 0)
        weft_hook_cancel((weft_hook *)(void *)&c->watch);
    if ((c->flags & CONN_TOLD) == 0 && event_closed(c) == WEFT_ENOMEM)
        weft_log(conn_actor(c), WEFT_ERROR,
                 "no memory to tell the owner of a stream that it is over");
}
