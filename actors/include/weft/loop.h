/* SPDX-License-Identifier: MIT */
/** Looping calls: what weft_every does not do. A loop asks, waits for the answer, and only then for the next
 * time; it may begin at once, or at a time of the clock; it is stopped with a Deferred.
 *
 *     static const weft_loop_config hourly = {.period_ms = 3600000, .now = true};
 *     weft_ref loop = weft_spawn(self, &weft_loop, &hourly);
 *     weft_tell(self, loop, clean_up, .days = 30);    asks self clean_up, now and every hour
 *     ...
 *     weft_when(msg, weft_ask(self, loop, weft_loop_stop, .nothing = 0), on_stopped);
 */
#ifndef WEFT_LOOP_H
#define WEFT_LOOP_H

#include <weft/actor.h>
#include <weft/timer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The config of weft_loop; it must live as long as the loop. */
typedef struct weft_loop_config {
    uint32_t period_ms; /**< from the beginning of a round to that of the next; at least 1 */
    weft_ref to;        /**< who is asked; nobody: who told the loop what to ask */
    bool now;           /**< the first round begins at once, not after a period */
    uint64_t
        at_wall_ns; /**< or at this time (nanoseconds since 1970), or at once if that has passed */
    uint32_t round_ms; /**< the time limit of a round; 0: 30,000 */
    bool go_on;        /**< a round that fails is logged, and does not end the loop */
} weft_loop_config;

/** Spawn it with a weft_loop_config, then tell it, once, what to ask: a message of any type but
 * weft_loop_stop. Rounds stay on the beat: a round that takes longer than the period leaves out those it
 * overran. An answer is not looked at, but for a failure, which ends the loop with its code and sentence
 * (weft_monitor hears of it).
 * It ends with EINVAL (no period, told twice), ENOMEM. */
extern const weft_behaviour weft_loop;

/** Ends the loop. The reply is weft_loop_stopped, when the round under way is over. */
typedef struct weft_loop_stop {
    char nothing;
} weft_loop_stop;
typedef struct weft_loop_stopped {
    uint64_t rounds;  /**< that were begun */
    uint64_t skipped; /**< beats that were left out */
} weft_loop_stopped;
extern const weft_type weft_loop_stop_type, weft_loop_stopped_type;

/** As weft_timer_start, once, at a time of the clock: @wall_ns nanoseconds since 1970, at once if that has
 * passed. A clock that is set meanwhile is not followed. errors: {0} when memory is out, or the time is
 * more than WEFT_TIMER_MS_MAX away. thread: in a handler. */
weft_timer weft_timer_at(weft_actor *self, uint64_t wall_ns, const weft_type *type,
                         const void *body);

/** Once: weft_at(self, noon_ns, ring, .times = 12). */
#define weft_at(self, wall_ns, T, ...) \
    weft_timer_at((self), (wall_ns), &T##_type, &(const T){__VA_ARGS__})

#ifdef __cplusplus
}
#endif
#endif
