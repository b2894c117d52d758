/* SPDX-License-Identifier: MIT */
/* The driver: the one door for clock, timers' sleep, readiness, wake-ups, threads and randomness.
 *
 * driver_ev.c opens it to the real world through libev; driver_sim.c to a simulated one. No other file
 * calls a clock, a random source or libev. */
#ifndef WF_DRIVER_H
#define WF_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/edge.h>

struct ev_loop;
typedef struct wf_driver wf_driver;
typedef struct wf_poller wf_poller; /* what one reactor sleeps on */
typedef struct wf_thread wf_thread;

/* One row a function; every one must be there. */
typedef struct wf_driver_ops {
    const char *name;
    bool stands_still; /* its clock moves between polls only: no part of a tick has passed unseen */

    /* Nanoseconds of a clock that never goes back. thread: any. */
    uint64_t (*now_ns)(wf_driver *driver);
    /* Nanoseconds since 1970. thread: any. */
    uint64_t (*wall_ns)(wf_driver *driver);
    /* Fills @to with @bytes random bytes. thread: any. */
    void (*random)(wf_driver *driver, void *to, size_t bytes);

    /* Makes what reactor @index sleeps on; @loop: the program's own, or NULL. errors: NULL and @why. */
    wf_poller *(*poller_new)(wf_driver *driver, unsigned index, struct ev_loop *loop,
                             weft_why *why);
    void (*poller_free)(wf_poller *poller);
    /* Looks at the descriptors, waiting up to @timeout_ms (0: not at all; negative: until something
     * happens), and calls what is ready. Returns how many were. thread: the poller's. */
    unsigned (*poll)(wf_poller *poller, int64_t timeout_ms);
    /* Ends a wait of poll, or makes the next one return at once. thread: any. */
    void (*wake)(wf_poller *poller);

    /* Prepares @watch for @fd; nothing is watched yet. */
    void (*watch_init)(wf_poller *poller, weft_watch *watch, int fd, weft_ready_fn *ready);
    /* Watches for @events from the next poll on; 0: for nothing. Cheap when nothing changes. */
    void (*watch_set)(wf_poller *poller, weft_watch *watch, unsigned events);
    /* The descriptor prepared with. */
    int (*watch_fd)(const weft_watch *watch);

    /* Lets @turn(@context) run within the program's own loop (poller_new had one) before it sleeps, and
     * after each wake; @turn returns how long the loop may sleep in ms (0: there is work; negative: until
     * something happens). NULL takes it out again. thread: the loop's. */
    void (*embed)(wf_poller *poller, int64_t (*turn)(void *context), void *context);

    /* Runs @fn(@context) on a thread of its own. errors: NULL. */
    wf_thread *(*thread_start)(wf_driver *driver, const char *name, void (*fn)(void *context),
                               void *context);
    /* Waits for its end and frees it. */
    void (*thread_join)(wf_thread *thread);
    /* Sleeps @ns, or until *@word is no longer @expected and wake_word was called; @ns 0: no limit.
     * For threads that are not reactors. */
    void (*wait_word)(wf_driver *driver, _Atomic uint32_t *word, uint32_t expected, uint64_t ns);
    void (*wake_word)(wf_driver *driver, _Atomic uint32_t *word);

    void (*free)(wf_driver *driver);
} wf_driver_ops;

struct wf_driver {
    const wf_driver_ops *ops;
};

/* The driver of the real world. errors: NULL when memory is out. */
wf_driver *wf_driver_ev_new(void);

#endif
