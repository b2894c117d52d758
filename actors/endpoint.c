/* SPDX-License-Identifier: MIT */
/* The life of an endpoint, and what its owner is told.
 *
 * What holds throughout:
 * - Nothing is read while the bytes that were given out and are still alive exceed the window, however many
 *   messages they are in: an empty datagram has a buffer too.
 * - Of `failed` there are at most WEFT_ENDPOINT_FAILURES_MAX out; of `drained` one follows a refusal.
 * - After ENDPOINT_CLOSED the leaf and the queue are gone; the actor lives until `closed` has been told, its
 *   memory until the last byte it gave out is home. */
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

static bool may_read(const wf_endpoint *e)
{
    return (e->flags & (ENDPOINT_OPEN | ENDPOINT_CLOSING | ENDPOINT_CLOSED | ENDPOINT_DEAF)) ==
               ENDPOINT_OPEN &&
           e->window.held <= e->window.max;
}

void wf_endpoint_watch(wf_endpoint *e)
{
    unsigned want = 0;
    if ((e->flags & (ENDPOINT_OPEN | ENDPOINT_CLOSED)) != ENDPOINT_OPEN)
        return;
    if (may_read(e)) {
        want = WEFT_READABLE;
        e->flags &= ~(uint32_t)ENDPOINT_PAUSED;
    } else
        e->flags |= ENDPOINT_PAUSED;
    if ((e->flags & ENDPOINT_BLOCKED) != 0)
        want |= WEFT_WRITABLE;
    e->leaf->want(e, want);
}

void wf_endpoint_drained(weft_actor *self, void *context)
{
    wf_endpoint *e = context;
    (void)self;
    (void)weft_reply(e->draining, weft_phase_done, .cut = 0);
    weft_drop(&e->draining);
}

/* What could not be done where it was found out: a phase that has drained, `closed` or `drained` that there was
 * no memory for. */
static void run_again(weft_hook *hook)
{
    wf_endpoint *e = (wf_endpoint *)(void *)((char *)hook - offsetof(wf_endpoint, again));
    if (e->draining != NULL && e->window.held == 0)
        weft_enter(endpoint_actor(e), wf_endpoint_drained, e);
    if ((e->flags & (ENDPOINT_CLOSED | ENDPOINT_TOLD)) == ENDPOINT_CLOSED)
        wf_endpoint_sent_all(e);
    else if ((e->flags & ENDPOINT_CLOSED) == 0)
        (void)wf_endpoint_tell_drained(e);
}

static void window_low(weft_account *window)
{
    wf_endpoint *e = (wf_endpoint *)(void *)((char *)window - offsetof(wf_endpoint, window));
    if ((e->flags & (ENDPOINT_PAUSED | ENDPOINT_CLOSED)) == ENDPOINT_PAUSED &&
        window->held <= window->max / 2)
        wf_endpoint_watch(e);
    if (e->draining != NULL && window->held == 0)
        weft_hook_queue(&e->again);
}

static const weft_account_ops window_ops = {.name = "endpoint.window",
                                            .low = window_low,
                                            .state_offset = 1 + offsetof(wf_endpoint, window)};

static void run_flush(weft_hook *hook)
{
    wf_endpoint_flush((wf_endpoint *)(void *)((char *)hook - offsetof(wf_endpoint, flush)));
}

void wf_endpoint_init(wf_endpoint *e, weft_ref owner)
{
    e->leaf = &wf_endpoint_leaf_none;
    e->owner = owner;
    e->window.ops = &window_ops;
    e->window.max = WEFT_WINDOW_BYTES;
    e->out.max = WEFT_WRITE_QUEUE_BYTES_MAX;
    e->flags = ENDPOINT_PAUSED;
    e->flush.run = run_flush;
    e->again.run = run_again;
    e->size = UINT16_MAX;
}

wf_endpoint *wf_endpoint_new(weft_actor *parent, weft_ref owner, weft_ref *ref)
{
    *ref = weft_spawn(parent, &wf_endpoint_behaviour, NULL);
    weft_actor *a = weft_here(*ref);
    if (a == NULL)
        return NULL;
    wf_endpoint *e = weft_state(a);
    wf_endpoint_init(e, owner);
    if (weft_monitor_life(a, owner) != WEFT_OK)
        wf_endpoint_lost(e, WEFT_ENOMEM, "no memory to watch its owner");
    return e;
}

wf_endpoint *wf_endpoint_here(weft_ref ref)
{
    weft_actor *a = weft_here(ref);
    if (a == NULL || weft_behaviour_of(a) != &wf_endpoint_behaviour)
        return NULL;
    wf_endpoint *e = weft_state(a);
    return e->leaf != NULL && (e->flags & ENDPOINT_CLOSED) == 0 ? e : NULL;
}

void wf_endpoint_set_up(wf_endpoint *e, const weft_url *url)
{
    const weft_url_options *o = &url->options;
    e->window.max = (uint32_t)o->window_bytes;
    e->out.max = (uint32_t)o->write_queue_bytes_max;
    e->out.policy = (weft_send_policy)o->when_full;
    e->size = (uint32_t)o->size_bytes;
}

void wf_endpoint_owner_gone(wf_endpoint *e)
{
    e->flags &= ~(uint32_t)ENDPOINT_CHILD;
    e->owner = WEFT_NOBODY;
    if ((e->flags & ENDPOINT_CLOSED) != 0)
        wf_endpoint_sent_all(e);
    else if ((e->flags & ENDPOINT_OPEN) == 0)
        wf_endpoint_lost(e, WEFT_EABORTED, "its owner has ended");
    else
        wf_endpoint_close(e);
}

void wf_endpoint_begin(wf_endpoint *e)
{
    weft_endpoint_opened body = {.endpoint = weft_self(endpoint_actor(e))};
    e->flags |= ENDPOINT_OPEN;
    e->leaf->addresses(e, &body.local, &body.peer);
    weft_err err = weft_event(endpoint_actor(e), e->owner, &weft_endpoint_opened_type, &body);
    if (err == WEFT_ENOMEM) {
        wf_endpoint_lost(e, err, "no memory to tell its owner that it is open");
        return;
    }
    if (err != WEFT_OK) {
        wf_endpoint_owner_gone(e);
        return;
    }
    wf_endpoint_watch(e);
}

/* ---- what the owner gets */

void wf_endpoint_came(wf_endpoint *e, const endpoint_came *came)
{
    weft_actor *self = endpoint_actor(e);
    weft_datagram body = {.endpoint = weft_self(self),
                          .lost = came->lost,
                          .whole = came->whole,
                          .interface = came->interface,
                          .truncated = came->truncated,
                          .from = came->from,
                          .to = came->to};
    uint8_t *to;
    size_t size = (size_t)came->size[0] + came->size[1];
    e->stats.received++;
    e->stats.received_bytes += size;
    e->stats.truncated += came->truncated;
    weft_err err = weft_bytes_charged(size, &e->window, &to, &body.bytes);
    if (err == WEFT_OK) {
        uint32_t charge = (uint32_t)weft_bytes_charge(body.bytes);
        e->largest = e->largest > charge ? e->largest : charge;
        memcpy(to, came->at[0], came->size[0]);
        if (came->size[1] != 0)
            memcpy(to + came->size[0], came->at[1], came->size[1]);
        err = weft_event(self, e->owner, &weft_datagram_type, &body);
        if (err != WEFT_OK)
            weft_bytes_drop(&body.bytes);
    }
    if (err == WEFT_ENOMEM)
        e->stats.no_memory++;
    else if (err != WEFT_OK)
        wf_endpoint_owner_gone(e);
}

void wf_endpoint_failed(wf_endpoint *e, const weft_datagram_failed *failed)
{
    weft_actor *self = endpoint_actor(e), *owner = weft_here(e->owner);
    weft_datagram_failed body = *failed;
    body.endpoint = weft_self(self);
    if (body.why[0] == '\0')
        (void)snprintf(body.why, sizeof body.why, "%s", weft_err_text(body.reason));
    e->stats.failed++;
    if ((e->flags & ENDPOINT_OPEN) == 0 ||
        (owner != NULL && !weft_handles(owner, &weft_datagram_failed_type)))
        return;
    if (e->failures_out >= WEFT_ENDPOINT_FAILURES_MAX ||
        weft_event(self, e->owner, &weft_datagram_failed_type, &body) != WEFT_OK)
        e->stats.failed_quiet++;
    else
        e->failures_out++;
}

weft_err wf_endpoint_tell_drained(wf_endpoint *e)
{
    weft_endpoint_drained body = {weft_self(endpoint_actor(e))};
    if ((e->flags & ENDPOINT_DRAIN) == 0 || e->out.fresh > e->out.max / 2)
        return WEFT_OK;
    weft_err err = weft_event(endpoint_actor(e), e->owner, &weft_endpoint_drained_type, &body);
    if (err == WEFT_ENOMEM)
        weft_hook_queue(&e->again); /* whoever waits for it would wait for ever */
    else
        e->flags &= ~(uint32_t)ENDPOINT_DRAIN;
    return err;
}

void wf_endpoint_ready(wf_endpoint *e, unsigned events)
{
    if ((events & WEFT_WRITABLE) != 0) {
        e->flags &= ~(uint32_t)ENDPOINT_BLOCKED;
        wf_endpoint_flush(e);
    }
    if ((events & WEFT_READABLE) != 0 && may_read(e)) {
        uint32_t each = e->largest != 0 ? e->largest : e->size;
        uint32_t room = (e->window.max - e->window.held) / each + 1;
        e->leaf->receive(e, room < WEFT_ENDPOINT_BATCH ? room : WEFT_ENDPOINT_BATCH);
    }
    wf_endpoint_watch(e);
}

/* ---- the end */

/* false: it is not told yet. */
static bool tell_closed(wf_endpoint *e)
{
    weft_endpoint_closed body = {.endpoint = weft_self(endpoint_actor(e)), .reason = e->reason};
    if ((e->flags & ENDPOINT_TOLD) != 0)
        return true;
    (void)snprintf(body.why, sizeof body.why, "%s",
                   e->why[0] != '\0' ? e->why : weft_err_text(e->reason));
    if (weft_event(endpoint_actor(e), e->owner, &weft_endpoint_closed_type, &body) == WEFT_ENOMEM)
        return false;
    e->flags |= ENDPOINT_TOLD;
    if ((e->flags & ENDPOINT_CHILD) != 0)
        weft_release_child(endpoint_actor(e), e->owner);
    e->flags &= ~(uint32_t)ENDPOINT_CHILD;
    return true;
}

static void close_leaf(wf_endpoint *e, weft_err reason, const char *why)
{
    if ((e->flags & ENDPOINT_CLOSED) != 0)
        return;
    e->flags |= ENDPOINT_CLOSED;
    e->reason = reason;
    (void)snprintf(e->why, sizeof e->why, "%s", why != NULL ? why : "");
    weft_alarm_clear(&e->alarm);
    weft_hook_cancel(&e->flush);
    wf_endpoint_drop_queue(e);
    e->stats.lost = e->leaf->lost(e);
    e->leaf->close(e);
}

void wf_endpoint_sent_all(wf_endpoint *e)
{
    if ((e->flags & (ENDPOINT_CLOSING | ENDPOINT_CLOSED)) == ENDPOINT_CLOSING)
        close_leaf(e, WEFT_EDONE, NULL);
    if ((e->flags & ENDPOINT_CLOSED) == 0)
        return;
    if (tell_closed(e))
        (void)weft_stop(endpoint_actor(e), WEFT_OK);
    else
        weft_hook_queue(&e->again);
}

void wf_endpoint_lost(wf_endpoint *e, weft_err reason, const char *why)
{
    close_leaf(e, reason, why);
    wf_endpoint_sent_all(e);
}

static void on_late(weft_alarm *alarm)
{
    wf_endpoint *e = (wf_endpoint *)(void *)((char *)alarm - offsetof(wf_endpoint, alarm));
    wf_endpoint_lost(e, WEFT_ETIMEDOUT, "what was left to send did not leave");
}

void wf_endpoint_close(wf_endpoint *e)
{
    if ((e->flags & (ENDPOINT_CLOSING | ENDPOINT_CLOSED)) != 0)
        return;
    e->flags |= ENDPOINT_CLOSING;
    wf_endpoint_flush(e);
    if ((e->flags & ENDPOINT_CLOSED) != 0)
        return;
    weft_alarm_set(&e->alarm, WEFT_ENDPOINT_CLOSE_MS, on_late);
    wf_endpoint_watch(e);
}

void wf_endpoint_end_now(wf_endpoint *e)
{
    close_leaf(e, WEFT_EABORTED, "ended by force");
    weft_hook_cancel(&e->again);
    if (e->draining != NULL)
        wf_endpoint_drained(endpoint_actor(e), e);
    if (!tell_closed(e))
        weft_log(endpoint_actor(e), WEFT_ERROR,
                 "no memory to tell the owner of an endpoint that it is over");
}
