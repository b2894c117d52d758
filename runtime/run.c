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
#include "fiber.h"
#include "mailbox.h"
#include "operate.h"
#include "program.h"
#include "timer.h"

void wf_make_ready_family(wf_reactor *r, weft_actor *a)
{
    if ((a->bits & WF_UNRUN) == 0) {
        a->bits |= WF_PARKED;
        return;
    }
    a->next_ready = r->unrun;
    r->unrun = a;
    uint32_t parent = WF_STAT_GET(a->parent);
    if (parent != 0 && r->slots[parent].actor->unrun < UINT16_MAX)
        r->slots[parent].actor->unrun++;
}

/* A new child has its first turn; its parent, if it waits for the last of them, is ready again. */
static inline weft_actor *pop_unrun(wf_reactor *r)
{
    weft_actor *a = r->unrun;
    r->unrun = a->next_ready;
    a->bits &= (uint16_t)~WF_UNRUN;
    uint32_t slot = WF_STAT_GET(a->parent);
    if (slot != 0) {
        weft_actor *parent = r->slots[slot].actor;
        if (parent->unrun != 0 && --parent->unrun == 0 && (parent->bits & WF_PARKED) != 0) {
            parent->bits &= (uint16_t)~WF_PARKED;
            wf_make_ready(r, parent);
        }
    }
    return a;
}

static inline WF_FAST weft_actor *next_ready(wf_reactor *r)
{
    weft_actor *a = r->ready;
    if (WF_UNLIKELY(r->unrun != NULL) && (r->unrun_row++ < WF_UNRUN_FIRST_MAX || a == NULL))
        return pop_unrun(r);
    r->unrun_row = 0;
    if (a != NULL && (r->ready = a->next_ready) == NULL)
        r->ready_tail = &r->ready;
    return a;
}

weft_actor *wf_next_ready(wf_reactor *r)
{
    return next_ready(r);
}

static WF_COLD void unhandled(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    WF_STAT_ADD(r->stat.unhandled, 1);
    weft_log(a, WEFT_DEBUG, "has no row for %s", m->type->name);
    if (m->request != 0 && (m->flags & WF_TIMER) == 0)
        (void)weft_fail(m, WEFT_EUNHANDLED, "%s has no row for %s",
                        WF_STAT_GET(a->program)->behaviour->name, m->type->name);
}

void wf_handler_failed(weft_actor *a, weft_msg *m, weft_err err)
{
    if (m->request != 0 && (m->flags & (WF_TIMER | WF_ANSWERED)) == 0)
        (void)weft_fail(m, err, NULL);
    else
        weft_log(a, WEFT_INFO, "failed to serve %s: %s", m->type->name, weft_err_text(err));
}

static WF_COLD void serial_wait(weft_actor *a, weft_msg *m)
{
    wf_rare *rare = a->rare; /* made when the serial message began */
    a->bits |= WF_HOLDS;
    m->next = NULL;
    *rare->held_tail = m;
    rare->held_tail = &m->next;
}

/* The serial message of @a is done: what waited for it goes first. Its turn may be under way, with the
 * rest of the snapshot in the hands of run_messages: there the held ones are taken up at the next step. */
static WF_COLD void serial_end(wf_reactor *r, weft_actor *a)
{
    if (--a->rare->serials != 0)
        return;
    a->bits &= (uint16_t)~WF_BUSY;
    if (a->rare->held != NULL && (a->bits & WF_READY) == 0)
        wf_make_ready(r, a);
}

weft_err wf_serve_serial(weft_actor *a, weft_msg *m)
{
    wf_rare *rare = wf_rare_of(a);
    if (rare == NULL)
        return WEFT_ENOMEM;
    /* a timer or an event may have such a row too, and come while another one is being served */
    rare->serials++;
    a->bits |= WF_BUSY;
    m->flags |= WF_SERIAL;
    const wf_row *row = wf_program_row(WF_STAT_GET(a->program), m->type);
    return row->fiber != 0 ? wf_fiber_serve(a, m) : row->real(a, m);
}

/* Who asks for room waits too: there is none before what is held has been served. */
static inline bool must_wait(const weft_actor *a, const weft_msg *m)
{
    return (a->bits & WF_BUSY) != 0 &&
           ((m->flags & (WF_UNCOUNTED | WF_REPLY)) == 0 || m->type == &weft_room_type);
}

/* Who serves a type without a row: the behaviour's own taker of the rest, else what the type says. */
static weft_handler_fn *otherwise_of(const weft_actor *a, const weft_msg *m)
{
    weft_handler_fn *otherwise = WF_STAT_GET(a->program)->behaviour->otherwise;
    return otherwise != NULL && m->type != &weft_room_type ? otherwise : m->type->otherwise;
}

static inline WF_FAST void serve(wf_reactor *r, weft_actor *a, weft_msg *m, const wf_row *row)
{
    weft_err err;
    if (m->request != 0 &&
        WF_UNLIKELY(m->deadline != 0 && (int32_t)(r->wheel.now - m->deadline) >= 0) &&
        (m->flags & WF_TIMER) == 0) {
        (void)weft_fail(m, WEFT_ETIMEDOUT, "its time was over before its turn came");
        return;
    }
    if (WF_LIKELY(row->type == m->type)) {
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
        wf_handler_failed(a, m, err);
}

void wf_msg_done(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    unsigned flags = m->flags;
    bool owed = false;
    if (WF_UNLIKELY((flags & (WF_KEPT | WF_WAITS)) != 0))
        return;
    if (WF_UNLIKELY(m->request != 0 && (flags & (WF_REPLY | WF_ANSWERED | WF_TIMER)) == 0))
        owed = wf_fail_request(r, a, m, (flags & WF_OWED) != 0 ? WEFT_ENOMEM : WEFT_ENOANSWER,
                               NULL) != WEFT_OK;
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
            wf_local_done(m);
            return;
        }
    }
    if (WF_UNLIKELY(owed))
        wf_owe_failure(r, m);
    else
        wf_msg_free(r, m);
}

/* A serial message is over: what waited for it comes before @rest. */
static WF_COLD weft_msg *take_held(weft_actor *a, weft_msg *rest)
{
    wf_rare *rare = a->rare;
    weft_msg *held = rare->held;
    a->bits &= (uint16_t)~WF_HOLDS;
    if (held == NULL)
        return rest;
    *rare->held_tail = rest;
    rare->held = NULL;
    rare->held_tail = &rare->held;
    return held;
}

static inline WF_FAST void run_one(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    if (WF_UNLIKELY((m->flags & (WF_REPLY | WF_TIMER)) != 0)) {
        if ((m->flags & WF_REPLY) != 0) {
            wf_settle(r, a, m);
        } else if (wf_tick_begins(r, m)) {
            serve(r, a, m, wf_program_row(WF_STAT_GET(a->program), m->type));
            wf_msg_done(r, a, m);
        }
        return;
    }
    serve(r, a, m, wf_program_row(WF_STAT_GET(a->program), m->type));
    /* most: a plain tell, or a plain request that was answered, of which nothing is kept */
    unsigned flags = m->flags;
    if (WF_LIKELY((flags & (WF_PLAIN | WF_KEPT | WF_WAITS | WF_HELD | WF_SERIAL | WF_LOCAL)) ==
                      WF_PLAIN &&
                  (m->request == 0 || (flags & WF_ANSWERED) != 0)))
        wf_block_free(r, m);
    else
        wf_msg_done(r, a, m);
}

static inline WF_FAST void run_checked(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    run_one(r, a, m);
    if (WF_UNLIKELY(r->unconsumed != 0))
        wf_detach_unconsumed(r, a);
}

/* Serves @m and what follows it, at most @left; returns how many, and the first that was not served. */
static inline WF_FAST uint32_t run_messages(wf_reactor *r, weft_actor *a, weft_msg **first,
                                            uint32_t left)
{
    weft_msg *m = *first, *next;
    uint32_t k = 0;
    while (m != NULL && k < left) {
        if (WF_UNLIKELY((a->bits & (WF_STOPPING | WF_BUSY | WF_HOLDS | WF_EXPECTS | WF_SUSPENDED |
                                    WF_TAPPED)) != 0)) {
            if ((a->bits & (WF_STOPPING | WF_SUSPENDED)) != 0)
                break;
            if ((a->bits & (WF_BUSY | WF_HOLDS)) == WF_HOLDS)
                m = take_held(a, m);
            next = m->next;
            if ((a->bits & WF_EXPECTS) != 0 && wf_fiber_takes(r, a, m)) {
                k++;
                m = next;
                continue;
            }
            if (must_wait(a, m)) {
                serial_wait(a, m);
                m = next;
                continue;
            }
            if ((a->bits & WF_TAPPED) != 0)
                wf_tap_look(r, a, m);
        }
        next = m->next;
        __builtin_prefetch(next);
        k++;
        r->current = m;
        WF_STAT_SUB(a->mail, wf_mail_of(m));
        WF_STAT_ADD(r->served, 1);
        run_checked(r, a, m);
        m = next;
    }
    r->current = r->nothing;
    WF_STAT_ADD(a->handled, k);
    *first = m;
    return k;
}

static WF_NOINLINE void turn_over_slowly(wf_reactor *r, weft_actor *a)
{
    if ((a->bits & WF_STOPPING) != 0)
        wf_actor_end(r, a);
    else if (a->head != NULL || (a->bits & WF_BUSY) == 0)
        wf_make_ready(r, a);
}

/* After the snapshot: ends the actor, or puts it where it belongs. */
static inline WF_FAST void turn_over(wf_reactor *r, weft_actor *a)
{
    unsigned bits = a->bits & ~(unsigned)WF_READY;
    WF_STAT_SET(r->running, NULL);
    a->bits = (uint16_t)bits;
    if (WF_LIKELY((bits & (WF_STOPPING | WF_HOLDS)) == 0)) {
        if (a->head != NULL)
            wf_make_ready(r, a);
    } else
        turn_over_slowly(r, a);
}

static inline WF_FAST uint32_t run_snapshot(wf_reactor *r, weft_actor *a, weft_msg *m,
                                            uint32_t left)
{
    WF_STAT_PUBLISH(r->running, a);
    uint32_t k = run_messages(r, a, &m, left);
    if (WF_UNLIKELY((a->bits & WF_ROOMERS) != 0))
        wf_room_look(r, a);
    if (WF_UNLIKELY(m != NULL)) {
        if ((a->bits & WF_SUSPENDED) != 0) {
            WF_STAT_SET(r->running, NULL);
            wf_set_aside(r, a, m);
            return k;
        }
        r->rest_actor = a;
        r->rest = m;
        if ((a->bits & WF_STOPPING) == 0) {
            WF_STAT_SET(r->running, NULL);
            return k;
        }
    }
    turn_over(r, a);
    return k;
}

/* Most turns serve the one message that has come: nothing else is in the mailbox. */
static inline WF_FAST uint32_t turn_of_one(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    a->head = NULL;
    a->tail = &a->head;
    WF_STAT_SET(a->mail, 0);
    WF_STAT_PUBLISH(r->running, a); /* the watcher reads the actor and its program */
    r->current = m;
    WF_STAT_ADD(r->served, 1);
    run_checked(r, a, m);
    r->current = r->nothing;
    WF_STAT_ADD(a->handled, 1);
    turn_over(r, a);
    return 1;
}

static WF_NOINLINE uint32_t turn_of_many(wf_reactor *r, weft_actor *a, weft_msg *m, uint32_t left)
{
    a->head = NULL;
    a->tail = &a->head;
    if (WF_UNLIKELY(m == NULL) && (a->bits & (WF_HOLDS | WF_BUSY)) == WF_HOLDS) {
        /* ready without mail: a serial message has ended outside of its turn */
        m = take_held(a, NULL);
    }
    return run_snapshot(r, a, m, left);
}

static inline WF_FAST uint32_t turn(wf_reactor *r, weft_actor *a, uint32_t left)
{
    weft_msg *m = a->head;
    if (WF_LIKELY(m != NULL && m->next == NULL &&
                  (a->bits & (WF_STOPPING | WF_BUSY | WF_HOLDS | WF_ROOMERS | WF_EXPECTS |
                              WF_SUSPENDED | WF_TAPPED)) == 0))
        return turn_of_one(r, a, m);
    return turn_of_many(r, a, m, left);
}

uint32_t wf_turn(wf_reactor *r, weft_actor *a, uint32_t left)
{
    return turn(r, a, left);
}

WF_NOINLINE uint32_t wf_turn_rest(wf_reactor *r, uint32_t left)
{
    weft_actor *a = r->rest_actor;
    weft_msg *m = r->rest;
    r->rest_actor = NULL;
    r->rest = NULL;
    return run_snapshot(r, a, m, left);
}

uint32_t wf_turns(wf_reactor *r, uint32_t budget)
{
    uint32_t done = 0, turns = 0;
    weft_actor *a;
    if (WF_UNLIKELY(r->rest_actor != NULL))
        done = wf_turn_rest(r, budget);
    /* a turn counts for one more than its messages: one that serves none must not go on for ever */
    while (done < budget && (a = next_ready(r)) != NULL) {
        done += turn(r, a, budget - done) + 1;
        turns++;
    }
    WF_STAT_ADD(r->stat.turns, turns);
    return done;
}
