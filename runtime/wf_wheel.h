/* SPDX-License-Identifier: MIT */
/* The timer wheel of a reactor: four levels of 256 lists, ticks of 1 ms, no clock.
 *
 *     level 0   timers due within 255 ticks      a list for each tick
 *     level 1   within 65,535 (a minute)         a list for each 256 ticks
 *     level 2   within 16,777,215 (4 hours)      a list for each 65,536
 *     level 3   within 2^31 - 1 (24 days)        a list for each 16,777,216
 *
 * When the time of an upper list begins, its timers fall to the levels below. Arming and cancelling
 * are a few stores and read no clock; cancelling frees the timer at once. A wheel of all zeros is
 * empty; its `now` may be set while nothing is armed, and read at any time. Ticks are 32 bits and
 * wrap.
 *
 * The wheel's time is that of the last run: an armed timer is @ms after that, and what has passed since
 * is not counted. A *started* one waits in a list of its own until wf_wheel_settle is told how late it is:
 * it is never early, no clock is read for it, and most never come to stand in a slot, since they are
 * cancelled before.
 *
 * thread: the reactor's. */
#ifndef WF_WHEEL_H
#define WF_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The farthest a timer may be ahead. */
#define WF_TIMER_MS_MAX INT32_MAX
/* What wf_wheel_next says when nothing is armed. */
#define WF_WHEEL_NEVER UINT32_MAX

typedef struct wf_timer wf_timer;
typedef void wf_fire_fn(wf_timer *timer);

/* A node in the wheel, embedded in what it is for; stays where it is while it is armed. All zero:
 * not armed. */
struct wf_timer {
    wf_timer *next, *back; /* @back is NULL when it is not armed */
    uint32_t when;         /* the tick it is due at */
    uint32_t spare;        /* the user's */
    wf_fire_fn *fire;
};

typedef struct wf_wheel {
    wf_timer slot[4][256]; /* heads of rings: only next and back are used; both NULL: never used */
    uint64_t bits[4][4];   /* a set bit: the slot may hold something; cancelling leaves it set */
    wf_timer fresh;        /* the ring of those that were started: @when is how many ms ahead */
    uint32_t now;          /* all that was due up to this tick, and at it, has been fired */
    uint32_t armed;        /* how many stand in it, the fresh ones among them */
    bool exact; /* its time stands still between two runs: what is started is armed at once */
} wf_wheel;

static inline void wf_ring_append(wf_timer *head, wf_timer *timer)
{
    wf_timer *last = head->back != NULL ? head->back : head;
    timer->next = head;
    timer->back = last;
    last->next = timer;
    head->back = timer;
}

/* Puts @timer, which must not be armed, @ms after the wheel's now; 0 counts as 1, what is more than
 * WF_TIMER_MS_MAX as that. @fire is called by wf_wheel_run with @timer no longer armed: it may arm
 * and cancel any timer, also the next one due, and free its own. */
static inline void wf_timer_arm(wf_wheel *wheel, wf_timer *timer, uint32_t ms, wf_fire_fn *fire)
{
    uint32_t ahead = ms == 0 ? 1 : ms > WF_TIMER_MS_MAX ? WF_TIMER_MS_MAX : ms;
    uint32_t when = wheel->now + ahead;
    uint32_t level = ahead < 256 ? 0 : (31U - (uint32_t)__builtin_clz(ahead)) >> 3;
    uint32_t i = (when >> (8 * level)) & 255;
    timer->when = when;
    timer->fire = fire;
    wf_ring_append(&wheel->slot[level][i], timer);
    wheel->bits[level][i >> 6] |= (uint64_t)1 << (i & 63);
    wheel->armed++;
}

/* As wf_timer_arm, but @ms after the moment of the call, and seen by wf_wheel_run and wf_wheel_next only
 * after wf_wheel_settle. */
static inline void wf_timer_start(wf_wheel *wheel, wf_timer *timer, uint32_t ms, wf_fire_fn *fire)
{
    if (wheel->exact) {
        wf_timer_arm(wheel, timer, ms, fire);
        return;
    }
    timer->when = ms;
    timer->fire = fire;
    wf_ring_append(&wheel->fresh, timer);
    wheel->armed++;
}

/* Arms what was started since the last call, in that order, each @late ticks later than from now on. */
void wf_wheel_settle(wf_wheel *wheel, uint32_t late);

static inline bool wf_timer_armed(const wf_timer *timer)
{
    return timer->back != NULL;
}

/* Takes @timer out; calm when it is not armed. */
static inline void wf_timer_cancel(wf_wheel *wheel, wf_timer *timer)
{
    if (timer->back == NULL)
        return;
    timer->back->next = timer->next;
    timer->next->back = timer->back;
    timer->back = NULL;
    wheel->armed--;
}

/* Fires what is due up to and including tick @to, in the order of ticks and, within a tick, in the
 * order of arming. While a timer fires, `now` is its tick, also when the run is late. @to is at
 * most 2^31 - 1 ticks ahead, or the wheel empty; a @to that is past does nothing. Not from within a
 * fire function. */
void wf_wheel_run(wf_wheel *wheel, uint32_t to);

/* Ms from the wheel's now until wf_wheel_run has something to do, WF_WHEEL_NEVER if nothing is
 * armed. It is when the nearest timer is due, or earlier: when many timers are near each other and
 * far ahead, the time at which they fall; and never more than 2^30, so that a run is never too far
 * ahead. */
uint32_t wf_wheel_next(wf_wheel *wheel);

#endif
