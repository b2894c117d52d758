/* SPDX-License-Identifier: MIT */
/** Locks, semaphores and queues of one actor: whose turn it is among the messages it serves at once.
 *
 * They are values in the actor's state, all zero at first, and never move while somebody waits. Waiting is a
 * Deferred like any other: it can be continued, chained, limited (weft_within) and cancelled; who waits
 * longest is first. What is given to a Deferred that nobody waits for any more goes back. */
#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H

#include <weft/deferred.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Those who wait. The fields are weft's. */
typedef struct weft_waiters {
    uint32_t first, last;
    uint32_t waiting; /**< how many; may be read */
} weft_waiters;

/** At most @max may hold it at once. */
typedef struct weft_semaphore {
    uint32_t max;         /**< yours to set; 0: 1 */
    uint32_t waiting_max; /**< yours to set: how many may wait; 0: 65,536 */
    uint32_t held;        /**< how many hold it now; may be read */
    weft_waiters line;
} weft_semaphore;

/** Fires, without a value, when it is held for whoever consumes this; who does must give it back, whatever
 * else fails (weft_finally). errors of the Deferred: EFULL (waiting_max), ENOMEM, ELIMIT.
 * thread: in a handler of the actor whose state it is in. */
WEFT_MUST_USE weft_deferred weft_semaphore_take(weft_actor *self, weft_semaphore *semaphore);

/** Gives it back: to the next one that waits, if any. errors: EINVAL (nobody holds it).
 * thread: as weft_semaphore_take. */
weft_err weft_semaphore_give(weft_actor *self, weft_semaphore *semaphore);

/** A semaphore of one. */
typedef struct weft_lock {
    weft_semaphore one;
} weft_lock;

/** As weft_semaphore_take. */
WEFT_MUST_USE weft_deferred weft_lock_take(weft_actor *self, weft_lock *lock);

/** As weft_semaphore_give. */
weft_err weft_lock_give(weft_actor *self, weft_lock *lock);

/** What was put in comes out in the same order. What is left in it ends with its actor. */
typedef struct weft_queue {
    uint32_t items_max;   /**< yours to set: how many it holds; 0: 4,096 */
    uint32_t waiting_max; /**< yours to set: how many may wait; 0: 65,536 */
    uint32_t items;       /**< how many it holds now; may be read */
    weft_waiters line;
    weft_promise store;
    void *last;
} weft_queue;

/** Puts a copy of @body in, or gives it to whoever waits longest. errors: EFULL (items_max), EINVAL, ENOMEM.
 * thread: as weft_semaphore_take. */
weft_err weft_queue_put_body(weft_actor *self, weft_queue *queue, const weft_type *type,
                             const void *body);
#define weft_queue_put(self, queue, T, ...) \
    weft_queue_put_body((self), (queue), &T##_type, &(const T){__VA_ARGS__})

/** Fires with what is next in it; waits for it if there is nothing.
 * errors of the Deferred: EFULL (waiting_max), ELIMIT. thread: as weft_semaphore_take. */
WEFT_MUST_USE weft_deferred weft_queue_take(weft_actor *self, weft_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
