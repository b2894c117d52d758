/* SPDX-License-Identifier: MIT */
/** Timers: messages that come later. Resolution 1 ms; never early. */
#ifndef WEFT_TIMER_H
#define WEFT_TIMER_H

#include <weft/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A timer of the actor that armed it; a value, {0} is none. */
typedef struct weft_timer {
    uint32_t slot, gen;
} weft_timer;

/** The longest a timer may run: 24 days. */
#define WEFT_TIMER_MS_MAX (UINT32_MAX / 2)

/** Tells @self a message of @type in @delay_ms, and then every @period_ms if that is not 0. The message
 * is reserved now, so it is never refused. A repeating timer has one message under way at most: ticks
 * that find it unserved are left out and counted (weft_skipped).
 * errors: {0} when memory is out. thread: in a handler. */
weft_timer weft_timer_start(weft_actor *self, uint32_t delay_ms, uint32_t period_ms,
                            const weft_type *type, const void *body);

/** Once: weft_after(self, 1000, greet, .name = "you"). */
#define weft_after(self, delay_ms, T, ...) \
    weft_timer_start((self), (delay_ms), 0, &T##_type, &(const T){__VA_ARGS__})

/** Again and again, the first time after one period. */
#define weft_every(self, period_ms, T, ...) \
    weft_timer_start((self), (period_ms), (period_ms), &T##_type, &(const T){__VA_ARGS__})

/** Ends *@timer and sets it to {0}: its message does not come any more, not even one that was queued.
 * Takes {0} and one that is over calmly. thread: in a handler of its actor. */
void weft_timer_cancel(weft_actor *self, weft_timer *timer);

/** Starts @timer's delay anew with @delay_ms (a period stays as it is). errors: EGONE if it is over.
 * thread: in a handler of its actor. */
weft_err weft_timer_reset(weft_actor *self, weft_timer timer, uint32_t delay_ms);

/** Milliseconds since the system began, as the reactor saw it last: costs no system call. */
uint32_t weft_now_ms(const weft_actor *self);

/** Nanoseconds since 1970, as the reactor saw it last (at most one turn of the loop ago). */
uint64_t weft_wall_ns(const weft_actor *self);

/** Random bytes from the driver: the kernel's, or the seed's in a simulation. thread: in a handler. */
void weft_random(weft_actor *self, void *to, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
