/* SPDX-License-Identifier: MIT */
/* The system's own structure. */
#ifndef WF_SYS_H
#define WF_SYS_H

#include "core.h"

typedef struct wf_lock {
    _Atomic uint32_t word;
} wf_lock;

struct weft_system {
    weft_system_options options;
    wf_driver *driver;
    const wf_driver_ops *drv;
    wf_reactor *reactor[WF_THREADS_MAX];
    unsigned reactors;
    _Atomic unsigned threads; /* those of the pool too, which are added while it runs: wf_threads */
    wf_thread *thread[WF_THREADS_MAX];
    uint64_t start_ns;           /* tick 0 */
    _Atomic int stopping;        /* 1 + reason, once shut-down was asked for from outside */
    _Atomic uint32_t stop_until; /* the tick its grace ends at, once shut-down has begun; else 0 */
    _Atomic bool running;
    weft_err reason;

    wf_lock pool_lock; /* held to add a thread to the pool */
    bool pool_closed;  /* none is added any more */
    wf_lock lock;      /* programs and names: cold paths */
    wf_program *programs;
    struct wf_names *names;
    struct wf_groups *groups;
    struct wf_remotes *remotes; /* other nodes; NULL: this is none */
    struct wf_phases *phases;
    struct wf_log *log;
    struct wf_watch_thread *watcher;
    _Atomic uint32_t watcher_sleeps; /* the watcher waits for whoever leaves its sleep */
    struct wf_signals *signals;
    weft_err failed;      /* what a call before start came to: weft_run says so */
    struct weft_sim *sim; /* the simulated world this system lives in, or NULL */

    _Atomic uint32_t fiber_stacks; /* mapped, by all reactors */
};

void wf_lock_take(weft_system *sys, wf_lock *lock);
void wf_lock_give(weft_system *sys, wf_lock *lock);

/* Makes a system on @driver, which it then owns. errors: NULL and @why. */
weft_system *wf_system_new(const weft_system_options *options, wf_driver *driver, weft_why *why);

/* Every reactor leaves its loop at once, with whatever it has. thread: any reactor's. */
void wf_system_cut(weft_system *sys);

/* The reactors have left their loops: ends what is still under way between them, and what layers above
 * keep. May be called again. */
void wf_system_drain(weft_system *sys);

/* How many reactors there are, those of the pool included.
 * acquire: each of them is seen complete; pairs with the release in pool.c */
static inline unsigned wf_threads(const weft_system *sys)
{
    return atomic_load_explicit(&sys->threads, memory_order_acquire);
}

/* Starts the thread of @r. false: the system has none. */
bool wf_thread_start(weft_system *sys, wf_reactor *r);

/* The tick now: milliseconds since the system began, never 0. */
static inline uint32_t wf_tick(const weft_system *sys)
{
    return 1U + (uint32_t)((sys->drv->now_ns(sys->driver) - sys->start_ns) / 1000000U);
}

#endif
