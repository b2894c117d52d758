/* SPDX-License-Identifier: MIT */
/* Turns: an actor serves its mailbox as it stood when the turn began.
 *
 *                 a message comes            the run queue gets to it
 *      idle ────────────────────────▶ ready ─────────────────────────▶ running
 *       ▲                               ▲ │ it has new children           │
 *       │                               │ └──────▶ parked ── they ran ──┐ │
 *       │                               └───────────────────────────────┘ │
 *       │    nothing came meanwhile     │ something came meanwhile        │
 *       └───────────────────────────────┴─────────────────────────────────┘
 *
 * The budget belongs to the reactor: an actor that it cuts off finishes its snapshot before anyone else
 * runs, so that a producer's next turn waits for what its last one made. */
#include "ask.h"
#include "family.h"
#include "mailbox.h"
#include "program.h"
#include "timer.h"

weft_actor *wf_next_ready(wf_reactor *r)
{
    weft_actor *a = r->unrun;
    if (WF_UNLIKELY(a != NULL) && (r->unrun_row++ < WF_UNRUN_FIRST_MAX || r->ready == NULL)) {
        r->unrun = a->next_ready;
        a->bits &= (uint8_t)~WF_UNRUN;
        uint32_t slot = WF_STAT_GET(a->parent);
        if (slot != 0) {
            weft_actor *parent = r->slots[slot].actor;
            if (parent->unrun != 0 && --parent->unrun == 0 && (parent->bits & WF_PARKED) != 0) {
                parent->bits &= (uint8_t)~WF_PARKED;
                wf_make_ready(r, parent);
            }
        }
        return a;
    }
    r->unrun_row = 0;
    a = r->ready;
    if (a != NULL && (r->ready = a->next_ready) == NULL)
        r->ready_tail = &r->ready;
    return a;
}

static WF_COLD void unhandled(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    WF_STAT_ADD(r->stat.unhandled, 1);
    weft_log(a, WEFT_DEBUG, "has no row for %s", m->type->name);
    if (m->request != 0 && (m->flags & WF_TIMER) == 0)
        (void)weft_fail(m, WEFT_EUNHANDLED, "%s has no row for %s",
                        WF_STAT_GET(a->program)->behaviour->name, m->type->name);
}

static WF_COLD void handler_failed(weft_actor *a, weft_msg *m, weft_err err)
{
    if (m->request != 0 && (m->flags & (WF_TIMER | WF_ANSWERED)) == 0)
        (void)weft_fail(m, err, NULL);
    else
        weft_log(a, WEFT_INFO, "failed to serve %s: %s", m->type->name, weft_err_text(err));
}

static WF_COLD void serial_wait(weft_actor *a, weft_msg *m)
{
    wf_rare *rare = a->rare; /* made when the serial message began */
    m->next = NULL;
    *rare->held_tail = m;
    rare->held_tail = &m->next;
}

/* The serial message of @a is done: what waited for it goes first. Its turn may be under way, with the
 * rest of the snapshot in the hands of run_messages: there the held ones are taken up at the next step. */
static WF_COLD void serial_end(wf_reactor *r, weft_actor *a)
{
    a->bits &= (uint8_t)~WF_BUSY;
    if (a->rare->held != NULL && (a->bits & WF_READY) == 0)
        wf_make_ready(r, a);
}

static WF_COLD bool serial_begin(weft_actor *a, weft_msg *m)
{
    wf_rare *rare = wf_rare_of(a);
    if (rare == NULL) {
        (void)weft_fail(m, WEFT_ENOMEM, NULL);
        return false;
    }
    a->bits |= WF_BUSY;
    m->flags |= WF_SERIAL;
    return true;
}

static inline bool must_wait(const weft_actor *a, const weft_msg *m)
{
    return (a->bits & WF_BUSY) != 0 && (m->flags & (WF_UNCOUNTED | WF_REPLY)) == 0;
}

/* Who serves a type without a row: the behaviour's own taker of the rest, else what the type says. */
static weft_handler_fn *otherwise_of(const weft_actor *a, const weft_msg *m)
{
    weft_handler_fn *otherwise = WF_STAT_GET(a->program)->behaviour->otherwise;
    return otherwise != NULL && m->type != &wf_room_type ? otherwise : m->type->otherwise;
}

static inline void serve(wf_reactor *r, weft_actor *a, weft_msg *m, const wf_row *row)
{
    weft_err err;
    if (WF_UNLIKELY(m->request != 0 && (m->flags & WF_TIMER) == 0 && m->deadline != 0 &&
                    (int32_t)(r->wheel.now - m->deadline) >= 0)) {
        (void)weft_fail(m, WEFT_ETIMEDOUT, "its time was over before its turn came");
        return;
    }
    if (WF_LIKELY(row->type == m->type)) {
        if (WF_UNLIKELY(row->serial != 0) && !serial_begin(a, m))
            return;
        err = row->fn(a, m);
    } else {
        weft_handler_fn *otherwise = otherwise_of(a, m);
        if (otherwise == NULL) {
            unhandled(r, a, m);
            return;
        }
        err = otherwise(a, m);
    }
    if (WF_UNLIKELY(err != WEFT_OK))
        handler_failed(a, m, err);
}

void wf_msg_done(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    unsigned flags = m->flags;
    if (WF_UNLIKELY((flags & (WF_KEPT | WF_WAITS)) != 0))
        return;
    if (WF_UNLIKELY(m->request != 0 &&
                    (flags & (WF_REPLY | WF_ANSWERED | WF_TIMER)) == 0))
        (void)wf_fail_request(r, a, m, WEFT_ENOANSWER, NULL);
    if (WF_UNLIKELY((flags & (WF_HELD | WF_SERIAL | WF_TIMER | WF_LOCAL)) != 0)) {
        if ((flags & WF_HELD) != 0)
            wf_hold_free(r, m);
        if ((flags & WF_SERIAL) != 0)
            serial_end(r, a);
        if ((flags & WF_TIMER) != 0) {
            wf_tick_done(r, m);
            return;
        }
        if ((flags & WF_LOCAL) != 0) {
            ((const weft_local_ops *)(uintptr_t)m->request)->done(m);
            return;
        }
    }
    wf_msg_free(r, m);
}

static inline void run_one(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    if (WF_UNLIKELY((m->flags & WF_REPLY) != 0)) {
        wf_settle(r, a, m);
        wf_msg_free(r, m);
    } else if (WF_UNLIKELY((m->flags & WF_TIMER) != 0) && !wf_tick_begins(r, m)) {
        wf_msg_free(r, m);
    } else {
        serve(r, a, m, wf_program_row(WF_STAT_GET(a->program), m->type));
        wf_msg_done(r, a, m);
    }
    if (WF_UNLIKELY(r->unconsumed != 0))
        wf_detach_unconsumed(r, a);
}

/* Serves @m and what follows it, at most @left; returns how many, and the first that was not served. */
static inline uint32_t run_messages(wf_reactor *r, weft_actor *a, weft_msg **first, uint32_t left)
{
    weft_msg *outer = r->current;
    weft_msg *m = *first, *next;
    uint32_t k = 0;
    while (m != NULL && k < left) {
        next = m->next;
        __builtin_prefetch(next);
        if (WF_UNLIKELY((a->bits & (WF_STOPPING | WF_BUSY)) != 0)) {
            if ((a->bits & WF_STOPPING) != 0)
                break;
            if (must_wait(a, m)) {
                serial_wait(a, m);
                m = next;
                continue;
            }
        }
        k++;
        r->current = m;
        WF_STAT_SUB(a->queued, (m->flags & WF_UNCOUNTED) == 0 ? 1U : 0U);
        WF_STAT_SUB(a->queued_bytes, wf_block_bytes(m));
        WF_STAT_ADD(r->served, 1);
        run_one(r, a, m);
        m = next;
        if (WF_UNLIKELY(a->rare != NULL) && a->rare->held != NULL && (a->bits & WF_BUSY) == 0) {
            /* a serial message is over: what waited for it comes before the rest */
            *a->rare->held_tail = m;
            m = a->rare->held;
            a->rare->held = NULL;
            a->rare->held_tail = &a->rare->held;
        }
    }
    r->current = outer;
    WF_STAT_ADD(a->handled, k);
    *first = m;
    return k;
}

/* After the snapshot: ends the actor, or puts it where it belongs. */
static inline void turn_over(wf_reactor *r, weft_actor *a)
{
    WF_STAT_SET(r->running, NULL);
    a->bits &= (uint8_t)~WF_READY;
    if (WF_UNLIKELY((a->bits & WF_STOPPING) != 0))
        wf_actor_end(r, a);
    else if (a->head != NULL)
        wf_make_ready(r, a);
}

static uint32_t run_snapshot(wf_reactor *r, weft_actor *a, weft_msg *m, weft_msg *last, uint32_t left)
{
    WF_STAT_SET(r->running, a);
    uint32_t k = run_messages(r, a, &m, left);
    if (WF_UNLIKELY(m != NULL)) {
        r->rest_actor = a;
        r->rest = m;
        r->rest_last = last;
        if ((a->bits & WF_STOPPING) == 0) {
            WF_STAT_SET(r->running, NULL);
            return k;
        }
    }
    turn_over(r, a);
    return k;
}

uint32_t wf_turn(wf_reactor *r, weft_actor *a, uint32_t left)
{
    weft_msg *m = a->head;
    weft_msg *last = (weft_msg *)(void *)((char *)a->tail - offsetof(weft_msg, next));
    a->head = NULL;
    a->tail = &a->head;
    if (WF_UNLIKELY(m == NULL)) {
        /* ready without mail: it is to end, or a serial message has ended outside of its turn */
        if (a->rare != NULL && a->rare->held != NULL && (a->bits & WF_BUSY) == 0) {
            m = a->rare->held;
            last = (weft_msg *)(void *)((char *)a->rare->held_tail - offsetof(weft_msg, next));
            a->rare->held = NULL;
            a->rare->held_tail = &a->rare->held;
        }
    }
    return run_snapshot(r, a, m, last, left);
}

uint32_t wf_turn_rest(wf_reactor *r, uint32_t left)
{
    weft_actor *a = r->rest_actor;
    weft_msg *m = r->rest;
    r->rest_actor = NULL;
    r->rest = NULL;
    return run_snapshot(r, a, m, r->rest_last, left);
}
