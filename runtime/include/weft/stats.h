/* SPDX-License-Identifier: MIT */
/** Accounting: what each actor and each reactor did and holds; always on, readable by any thread. */
#ifndef WEFT_STATS_H
#define WEFT_STATS_H

#include <weft/ref.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_handler;
struct weft_system;

/** One actor. Counts are exact at some moment of the call; time is sampled. */
typedef struct weft_actor_stats {
    weft_ref ref, parent;
    const char *behaviour;
    const struct weft_handler *handlers; /**< its rows: the types that it serves; or NULL */
    uint64_t handled;                    /**< messages served */
    uint32_t queued;                     /**< ordinary messages that wait */
    uint32_t queued_bytes; /**< of all that wait, in steps of 64; one beyond 512 counts as 1,024 */
    uint32_t age_ms;       /**< how long the oldest has waited, at most */
    uint32_t held_bytes;   /**< bytes given out by it as a source and still alive */
    uint64_t busy_us;      /**< time in its handlers, sampled every 10 ms */
    bool suspended;        /**< it serves nothing (<weft/operate.h>) */
} weft_actor_stats;

/** One reactor. */
typedef struct weft_reactor_stats {
    uint64_t messages, turns, polls, sleeps, wakes; /**< wakes: how often it woke another reactor */
    uint64_t refused;                               /**< sends refused: full mailbox, no credit */
    uint64_t dead_letters;                          /**< messages for actors that had ended */
    uint64_t late_replies;                          /**< answers nobody waited for any more */
    uint64_t unhandled;                             /**< tells without a row */
    uint64_t hogs;          /**< times a handler held the reactor too long */
    uint64_t restarts;      /**< supervised actors that began again */
    uint64_t conns_denied;  /**< connections that lists of a listener kept out */
    uint64_t conns_crowded; /**< connections beyond a limit of a listener: closed or refused */
    uint32_t actors;        /**< alive */
    uint32_t timers, asks;  /**< armed, outstanding */
    uint32_t fibers;        /**< that run or wait */
    uint64_t block_bytes;   /**< memory of messages and actors taken from the system */
    uint64_t buffer_bytes;  /**< buffers alive */
} weft_reactor_stats;

/** One reactor's counters. false: no such reactor. thread: any. */
bool weft_stats_reactor(const struct weft_system *sys, unsigned reactor, weft_reactor_stats *out);

/** One actor's. false: it has ended. thread: any. */
bool weft_stats_actor(const struct weft_system *sys, weft_ref who, weft_actor_stats *out);

/** Every actor of a reactor, one after the other: @cursor starts at 0; false: no more. thread: any. */
bool weft_stats_next(const struct weft_system *sys, unsigned reactor, uint32_t *cursor,
                     weft_actor_stats *out);

/** The names there are, one after the other: @cursor starts at 0, @name has room for WEFT_NAME_BYTES; false:
 * no more. One that is given or taken meanwhile may be left out. thread: any. */
bool weft_names_next(struct weft_system *sys, uint32_t *cursor, char *name, weft_ref *who);

#ifdef __cplusplus
}
#endif
#endif
