/* SPDX-License-Identifier: MIT */
/** Pools of workers: many actors of one behaviour behind one reference. (The blocking pool is another thing:
 * <weft/pool.h>.)
 *
 *     static const weft_workers_config resizers = {
 *         .worker = &resizer, .workers = 8, .policy = WEFT_WORKERS_LEAST_LOADED, .spread = true };
 *     weft_ref pool = weft_spawn(self, &weft_workers, &resizers);
 *
 * Whatever the pool is told or asked goes to one of its workers as it is; only the types of this header
 * and those by which actors live (started, stopping, down) are its own. Tells keep their sender, deadline
 * and trace, and so do requests that are not counted.
 *
 * Requests are counted when the policy is WEFT_WORKERS_LEAST_LOADED or requests_max is set: the pool then
 * asks the worker on the asker's behalf (the worker sees the pool as sender), so that it knows when each
 * was answered. Otherwise they are forwarded, which costs a third as much. Tells are never counted: nobody
 * learns when one is done.
 *
 * A worker that ends is replaced; the requests it held fail with EGONE. */
#ifndef WEFT_WORKERS_H
#define WEFT_WORKERS_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who is next. A worker that is full or being replaced is left out, but for WEFT_WORKERS_BY_KEY. */
typedef enum weft_workers_policy {
    WEFT_WORKERS_ROUND_ROBIN,  /**< one after the other */
    WEFT_WORKERS_LEAST_LOADED, /**< who has the fewest requests outstanding; among equals by turns */
    WEFT_WORKERS_BY_KEY, /**< always the same for the same key, so that its messages keep their order */
} weft_workers_policy;

/** What becomes of a counted request whose worker ended, or whose node was lost, before it was answered. Those that
 * are given to another worker are counted. */
typedef enum weft_workers_lost {
    WEFT_WORKERS_FAIL,         /**< it fails: EGONE, ELOST, EUNREACHABLE */
    WEFT_WORKERS_RETRY_UNSENT, /**< another worker gets it if it surely did not arrive; else it fails */
    WEFT_WORKERS_RETRY,        /**< another worker gets it: it may be done twice */
} weft_workers_lost;

/** What decides in WEFT_WORKERS_BY_KEY. thread: the pool's, between messages; must not send. */
typedef uint64_t weft_workers_key_fn(const weft_type *type, const void *body);

/** The config of weft_workers; it must live as long as the pool. Zero means the default. */
typedef struct weft_workers_config {
    const weft_behaviour *worker; /**< what the workers are; NULL: @members, or @offer */
    const void *config;           /**< the config of each worker */
    /** Instead of @worker: @workers actors that are there already. They are not the pool's: none is stopped, and none that ended is replaced. */
    const weft_ref *members;
    /** Or workers on other nodes (<weft/node.h>): each of these, in turn, spawns what it offers by this name. They
     * are stopped with the pool, or when its node cannot be reached from theirs. While a node is not there its
     * places are empty. */
    const char *offer;
    const char *const *nodes; /**< ends in NULL */
    weft_workers_lost lost;
    uint32_t
        workers; /**< 0: 4; with @spread one for each reactor, with @offer one for each node. At most WEFT_WORKERS_MAX */
    weft_workers_policy policy;
    weft_workers_key_fn *key; /**< with WEFT_WORKERS_BY_KEY */
    bool spread;              /**< over all reactors, instead of where the pool lives */
    bool blocking; /**< or on the threads of the blocking pool: their handlers may block */
    /** Requests outstanding at one worker, beyond which it is full; 0: 1,024 if they are counted. */
    uint32_t requests_max;
    /** A worker that lived for less than this is replaced only when it has passed, so that one that
     * cannot live does not keep the pool busy; 0: 1,000. */
    uint32_t replace_after_ms;
} weft_workers_config;

#define WEFT_WORKERS_MAX 1024U

/** Spawn it with a weft_workers_config. Messages wait until all workers are there.
 * errors of requests: EFULL when every worker that may serve it is full or being replaced, and whatever
 * the worker fails with. A tell that finds no worker is logged and counted.
 * It ends with EINVAL (a config that makes no sense, in the sentence), ENOMEM, ELIMIT. */
extern const weft_behaviour weft_workers;

/** How is it? The reply is weft_workers_counts. */
typedef struct weft_workers_look {
    char nothing;
} weft_workers_look;
typedef struct weft_workers_counts {
    uint32_t workers;     /**< that are up */
    uint32_t outstanding; /**< counted requests that were not answered yet */
    uint32_t most;        /**< of these, at one worker */
    uint64_t refused;     /**< messages for which there was no worker */
    uint64_t ended;       /**< workers that ended, and were replaced but for members */
} weft_workers_counts;
extern const weft_type weft_workers_look_type, weft_workers_counts_type;

#ifdef __cplusplus
}
#endif
#endif
