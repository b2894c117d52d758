/* SPDX-License-Identifier: MIT */
/* The probe's loop: take what came, run what is ready, hand over, poll the descriptors, sleep. */
#ifndef PROBE_REACTOR_H
#define PROBE_REACTOR_H

#include "turns.h"

static uint32_t clock_ms(const reactor *r)
{
    return (uint32_t)(uint64_t)(ev_now(r->loop) * 1e3);
}

static void on_wake(struct ev_loop *l, ev_io *w, int e)
{
    (void)l;
    (void)e;
    uint64_t v;
    while (read(w->fd, &v, 8) == 8) {
    }
}

static void on_timer(struct ev_loop *l, ev_timer *w, int e)
{
    (void)e;
    ev_timer_stop(l, w);
}

static reactor *reactor_new(uint32_t id)
{
    reactor *r = aligned_alloc(64, (sizeof *r + 63) & ~63ul);
    memset(r, 0, sizeof *r);
    r->home = id;
    r->current = &no_message;
    r->ready_tail = &r->ready;
    r->slots = reserve(SLOTS * sizeof(slot));
    r->deferreds = reserve(DEFERREDS * sizeof(deferred));
    r->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    r->now = clock_ms(r);
    r->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ev_io_init(&r->wake, on_wake, r->eventfd, EV_READ);
    ev_io_start(r->loop, &r->wake);
    ev_timer_init(&r->next_timer, on_timer, 0, 0);
    reactors[id] = r;
    return r;
}

/* What one look brought in is worked off before the next look: with a fixed budget, level-triggered
 * descriptors not yet read are reported again and again (1,000 connections: 20 times slower). */
static void run_ready(reactor *r)
{
    uint32_t done = 0, budget = BUDGET + EVENT_BUDGET * r->events;
    actor *a;
    r->events = 0;
    while (done < budget && !r->stop && (a = next_ready(r))) {
        done += turn(r, a);
        r->turns++;
    }
    r->messages += done;
}

/* Raise the flag, look again, sleep: a sender that saw no flag left its batch where we look. */
static void sleep_once(reactor *r)
{
    send_all_home(r);
    atomic_store_explicit(&r->sleeping, 1, memory_order_seq_cst);
    if (!atomic_load_explicit(&r->inbox, memory_order_seq_cst)) {
        if (r->armed) {
            ev_timer_set(&r->next_timer, wheel_next(r) * 1e-3, 0);
            ev_timer_start(r->loop, &r->next_timer);
        }
        r->sleeps++;
        ev_run(r->loop, EVRUN_ONCE);
        if (ev_is_active(&r->next_timer))
            ev_timer_stop(r->loop, &r->next_timer);
        wheel_run(r, clock_ms(r));
    }
    atomic_store_explicit(&r->sleeping, 0, memory_order_relaxed);
}

static void reactor_run(reactor *r)
{
    R = r;
    while (!r->stop) {
        take_inbox(r);
        run_ready(r);
        flush_out(r);
        if (r->stop)
            break;
        if (r->ready || r->fresh) {
            ev_run(r->loop, EVRUN_NOWAIT);
            wheel_run(r, clock_ms(r));
            continue;
        }
        for (uint32_t i = 0; i < r->spin; i++) {
            if (atomic_load_explicit(&r->inbox, memory_order_relaxed))
                break;
            __builtin_ia32_pause();
        }
        if (!atomic_load_explicit(&r->inbox, memory_order_relaxed))
            sleep_once(r);
    }
}

#endif
