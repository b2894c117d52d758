/* SPDX-License-Identifier: MIT */
/* Reactors: inbox, turns within a budget, hand-over, output, a look at the descriptors; then sleep. */
#include "reactor.h"

#include "alloc.h"
#include "ask.h"
#include "block.h"
#include "buffer.h"
#include "family.h"
#include "fiber.h"
#include "mailbox.h"
#include "phases.h"
#include "post.h"
#include "sys.h"
#include "watcher.h"

__thread wf_reactor *wf_this_reactor;

static bool tables_new(wf_reactor *r)
{
    r->slots = wf_reserve(WF_SLOTS_MAX * sizeof *r->slots);
    r->busy = wf_reserve(WF_SLOTS_MAX * sizeof *r->busy);
    r->cells = wf_reserve(WF_CELLS_MAX * sizeof *r->cells);
    r->more = wf_reserve(WF_CELLS_MAX * sizeof *r->more);
#ifdef WEFT_DEV
    r->made = wf_reserve(WF_CELLS_MAX * sizeof *r->made);
    if (r->made == NULL)
        return false;
#endif
    r->nothing = wf_alloc_zero(sizeof(weft_msg) + 8);
    return r->slots != NULL && r->busy != NULL && r->cells != NULL && r->more != NULL &&
           r->nothing != NULL && wf_buffers_init(r);
}

wf_reactor *wf_reactor_new(weft_system *sys, unsigned index, struct ev_loop *loop, weft_why *why)
{
    wf_reactor *r = wf_alloc_aligned(64, sizeof *r);
    if (r == NULL) {
        (void)weft_because(why, WEFT_ENOMEM, "no memory for reactor %u", index);
        return NULL;
    }
    memset((void *)r, 0, sizeof *r);
    r->sys = sys;
    r->index = index;
    r->home = wf_home(index);
    r->place = ((weft_msg){.class = 0, .owner = (uint8_t)index}).place;
    r->driver = sys->driver;
    r->drv = sys->drv;
    r->ready_tail = &r->ready;
    r->hooks_tail = &r->hooks;
    r->later_tail = &r->later;
    r->wheel.now = 1;
    r->wheel.exact = r->drv->stands_still;
    r->blocking = index >= sys->reactors;
    if (!tables_new(r))
        (void)weft_because(why, WEFT_ENOMEM, "no memory for reactor %u", index);
    else
        r->poller = r->drv->poller_new(r->driver, index, loop, why);
    if (r->poller == NULL) {
        wf_reactor_free(r);
        return NULL;
    }
    r->current = r->nothing;
    return r;
}

void wf_reactor_free(wf_reactor *r)
{
    if (r == NULL)
        return;
    if (r->poller != NULL)
        r->drv->poller_free(r->poller);
    wf_fibers_done(r);
    wf_blocks_done(r);
    wf_batches_done(r);
    wf_buffers_done(r);
    wf_unreserve(r->slots, WF_SLOTS_MAX * sizeof *r->slots);
    wf_unreserve((void *)(uintptr_t)r->busy, WF_SLOTS_MAX * sizeof *r->busy);
    wf_unreserve(r->cells, WF_CELLS_MAX * sizeof *r->cells);
    wf_unreserve(r->more, WF_CELLS_MAX * sizeof *r->more);
#ifdef WEFT_DEV
    wf_unreserve(r->made, WF_CELLS_MAX * sizeof *r->made);
#endif
    wf_free(r->nothing);
    wf_free(r);
}

static weft_hook *take_hook(wf_reactor *r)
{
    weft_hook *hook = r->hooks;
    if ((r->hooks = hook->next) == NULL)
        r->hooks_tail = &r->hooks;
    hook->queued = false;
    r->hooks_n--;
    return hook;
}

void wf_reactor_hook(wf_reactor *r)
{
    weft_hook *hook = take_hook(r);
    hook->run(hook);
}

bool wf_reactor_ready(const wf_reactor *r)
{
    return r->rest_actor != NULL || r->unrun != NULL || r->ready != NULL;
}

static bool go_together(const weft_hook *a, const weft_hook *b)
{
    return a->run_many != NULL && a->run_many == b->run_many;
}

/* As many as stand there now. One that hooks queue has its run in the next round, or behind the turns that follow. */
static void run_hooks(wf_reactor *r)
{
    weft_hook *many[WEFT_HOOKS_MANY];
    uint32_t left = r->hooks_n;
    r->in_hooks = true;
    while (left != 0 && r->hooks != NULL) {
        unsigned n = 0;
        do
            many[n++] = take_hook(r);
        while (n < WEFT_HOOKS_MANY && n < left && r->hooks != NULL &&
               go_together(many[0], r->hooks));
        left -= n;
        if (n == 1)
            many[0]->run(many[0]);
        else
            many[0]->run_many(many, n);
    }
    r->in_hooks = false;
}

static void next_round_hooks(wf_reactor *r)
{
    if (r->later == NULL)
        return;
    *r->hooks_tail = r->later;
    r->hooks_tail = r->later_tail;
    r->hooks_n += r->later_n;
    r->later = NULL;
    r->later_tail = &r->later;
    r->later_n = 0;
}

/* Where much output has gathered it waits for a moment more, since a write costs a hundred times what waiting does:
 * until a round cut off by its budget is done, so that what one read brought in is answered by one write; or, where
 * little came in and goes out to many, until a look at the descriptors brings nothing more to go with it. That each
 * event causes a write of its own is no reason. */
static bool output_waits(wf_reactor *r, uint32_t events, bool crossed)
{
    uint32_t now = r->wheel.now;
    if (r->waits == 0)
        r->waits_since = now;
    bool more = wf_reactor_ready(r) ||
                (r->hooks_n / WF_FAN_EVENT >= events && (r->waits == 0 || events != 0 || crossed));
    bool may = r->waits < WF_FAN_WAITS && now - r->waits_since <= WF_FAN_WAIT_TICKS;
    if (more && may) {
        r->waits++;
        return true;
    }
    r->waits = 0;
    return false;
}

/* What one look brought in is worked off before the next look: with a fixed budget, level-triggered
 * descriptors that were not read yet are reported again and again. What hooks make ready (what a flush wrote to a pair is
 * there to be read) is served in the same round, as far as the budget goes: a look costs more. */
bool wf_reactor_round(wf_reactor *r)
{
    bool crossed = wf_take_inbox(r);
    uint32_t events = r->events, used = 0, budget = WF_BUDGET + WF_BUDGET_EVENT * events;
    if (crossed)
        r->crossed = true;
    r->events = 0;
    do {
        used += wf_turns(r, budget - used) + 1;
        if (r->hooks == NULL || (r->hooks_n >= WF_FAN_MIN && output_waits(r, events, crossed)))
            break;
        run_hooks(r);
    } while (used < budget && (wf_reactor_ready(r) || r->hooks != NULL));
    next_round_hooks(r);
    wf_hand_over_all(r);
    return wf_reactor_ready(r) || r->hooks != NULL;
}

void wf_reactor_clock(wf_reactor *r)
{
    uint32_t now = wf_tick(r->sys);
    if (now != r->wheel.now)
        wf_wheel_run(&r->wheel, now);
    /* what was started is due so many ms after the end of this tick, of which a part has passed */
    wf_wheel_settle(&r->wheel, 1);
}

void wf_reactor_poll(wf_reactor *r, int64_t timeout_ms)
{
    WF_STAT_ADD(r->stat.polls, 1);
    r->events += r->drv->poll(r->poller, timeout_ms);
    wf_reactor_clock(r);
}

int64_t wf_reactor_timeout(wf_reactor *r)
{
    uint32_t now = wf_tick(r->sys);
    wf_wheel_settle(&r->wheel, now - r->wheel.now + 1);
    uint32_t next = wf_wheel_next(&r->wheel);
    if (next == WF_WHEEL_NEVER)
        return -1;
    int32_t left = (int32_t)(r->wheel.now + next - now);
    return left > 0 ? left : 0;
}

/* Looks out for messages of other reactors for a moment: waking a thread costs a thousand times more. A thread of the
 * pool that found none so often that none is to be expected tries it now and then only. Reactors go on trying: where
 * they share their cores with others, two that talk to each other would begin to miss each other. */
static bool spin(wf_reactor *r)
{
    if (wf_threads(r->sys) < 2 || !r->crossed)
        return false;
    r->crossed = false;
    if (r->blocking && r->in_vain >= WF_SPIN_VAIN && r->in_vain++ < WF_SPIN_VAIN + WF_SPIN_REST)
        return false;
    for (uint32_t i = r->sys->options.spin_us * 25; i != 0; i--) {
        if (atomic_load_explicit(&r->inbox, memory_order_relaxed) != NULL) {
            r->in_vain = 0;
            return true;
        }
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    r->in_vain = r->in_vain < WF_SPIN_VAIN ? (uint8_t)(r->in_vain + 1) : WF_SPIN_VAIN;
    return false;
}

/* Raises the flag, looks again, sleeps. A sender pushes its batch, then looks at the flag: both in
 * sequentially consistent order, so one of the two sees the other (see wf_push_batch). */
static void sleep_until_something(wf_reactor *r)
{
    if (spin(r))
        return;
    wf_block_send_home(r);
    atomic_store_explicit(&r->sleeping, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&r->inbox, memory_order_seq_cst) == NULL) {
        WF_STAT_ADD(r->stat.sleeps, 1);
        wf_reactor_poll(r, wf_reactor_timeout(r));
    }
    atomic_store_explicit(&r->sleeping, 0, memory_order_seq_cst);
    if (WF_UNLIKELY(atomic_load_explicit(&r->sys->watcher_sleeps, memory_order_seq_cst) != 0))
        wf_watcher_wake(r->sys);
}

void wf_reactor_nudge(wf_reactor *r)
{
    /* a wake-up that finds nobody asleep makes the next poll return: unlike a batch it is never lost */
    atomic_store_explicit(&r->nudged, true, memory_order_release);
    r->drv->wake(r->poller);
}

static WF_COLD void see_to_nudge(wf_reactor *r)
{
    /* acquire: pairs with wf_reactor_nudge, whose caller wrote the flags before */
    (void)atomic_exchange_explicit(&r->nudged, false, memory_order_acquire);
    uint32_t grace = WF_STAT_GET(r->end_grace_ms);
    if (grace != 0)
        wf_reactor_end(r, grace);
    if (r->index == 0)
        wf_phases_look(r->sys);
}

bool wf_reactor_over(wf_reactor *r)
{
    if (WF_UNLIKELY(WF_STAT_GET(r->nudged)))
        see_to_nudge(r);
    if (WF_UNLIKELY(r->ending) && WF_STAT_GET(r->stat.actors) == 0 && r->hooks == NULL)
        WF_STAT_SET(r->stop, true);
    return WF_STAT_GET(r->stop);
}

void wf_reactor_leave(wf_reactor *r)
{
    wf_timer_cancel(&r->wheel, &r->end_timer);
    wf_hand_over_all(r);
    wf_block_send_home(r);
}

void wf_reactor_run(wf_reactor *r)
{
    wf_this_reactor = r;
    while (!WF_STAT_GET(r->stop)) {
        bool more = wf_reactor_round(r);
        if (WF_UNLIKELY(wf_reactor_over(r)))
            break;
        /* a nudge may have told actors to stop: they are ready since then */
        if (more || WF_UNLIKELY(wf_reactor_ready(r)))
            wf_reactor_poll(r, 0);
        else
            sleep_until_something(r);
    }
    wf_reactor_leave(r);
    wf_this_reactor = NULL;
}

static void end_by_force(wf_timer *timer)
{
    wf_reactor *r = (wf_reactor *)(void *)((char *)timer - offsetof(wf_reactor, end_timer));
    (void)wf_stop_all(r, WEFT_ETIMEDOUT, true);
}

void wf_reactor_end(wf_reactor *r, uint32_t grace_ms)
{
    if (r->ending)
        return;
    r->ending = true;
    wf_timer_cancel(&r->wheel, &r->end_timer);
    wf_timer_arm(&r->wheel, &r->end_timer, grace_ms, end_by_force);
    (void)wf_stop_all(r, WEFT_ESTOPPING, false);
}
