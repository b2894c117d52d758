/* SPDX-License-Identifier: MIT */
/** The system: reactors, start-up, shut-down, and what may be done from outside of handlers. */
#ifndef WEFT_SYSTEM_H
#define WEFT_SYSTEM_H

#include <weft/actor.h>
#include <weft/log.h>
#include <weft/pool.h>
#include <weft/stats.h>
#include <weft/timer.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop;
typedef struct weft_system weft_system;

/** Of weft_system_options.spin_us, in microseconds: the longest, and none at all. */
#define WEFT_SPIN_US_MAX 100000U
#define WEFT_NO_SPIN UINT32_MAX

/** What a system is made with; zero means the default. */
typedef struct weft_system_options {
    unsigned reactors;      /**< threads that serve actors; 0: 1; at most WEFT_REACTORS_MAX */
    unsigned pool;          /**< threads for what blocks (<weft/pool.h>) at most; 0: 2; up to 64 */
    struct ev_loop *loop;   /**< reactor 0 runs on this loop, which the program runs; NULL: own */
    uint32_t actors_max;    /**< for each reactor; 0: 4,194,304 */
    uint32_t ask_limit_ms;  /**< the time limit of asks that inherit none; 0: 30,000 */
    uint32_t stop_grace_ms; /**< how long shut-down waits for accepted work; 0: 10,000 */
    uint32_t hog_ms;        /**< a handler that holds its reactor longer is reported; 0: 250 */
    uint32_t fibers_max;    /**< stacks of fibers, of all reactors together; 0: 16,384 */
    uint32_t spin_us;       /**< a look-out for messages of other reactors before sleeping; 0: 20 */
    bool no_signals;        /**< SIGINT and SIGTERM stay the program's */
    weft_level log_level; /**< threshold; WEFT_DEBUG is 0, so the default is set by log_level_set */
    bool log_level_set;   /**< false: WEFT_NOTICE */
    weft_log_format log_format;
    weft_log_hook *log_hook; /**< instead of standard error */
    void *log_context;
} weft_system_options;

#define WEFT_REACTORS_MAX 64U

/** Makes a system; NULL options are the defaults. errors: NULL when memory, threads or descriptors are
 * out (the sentence is logged to the hook, if any). thread: any; it belongs to the caller until run. */
WEFT_MUST_USE weft_system *weft_system_new(const weft_system_options *options);

/** Runs it until SIGINT, SIGTERM, weft_system_stop or weft_system_shutdown, then shuts down and frees it
 * (*@sys becomes NULL). Gives a sysexits code: 0, or 70 (EX_SOFTWARE) when it stopped with an error, 71
 * (EX_OSERR) when it could not start. thread: the one that made it, which becomes reactor 0. */
int weft_run(weft_system **sys);

/** For programs that run their own loop (options.loop): starts the other reactors and takes part in the
 * loop; weft_finish ends what weft_start began. errors: as weft_run logs. thread: the loop's. */
WEFT_MUST_USE weft_err weft_start(weft_system *sys, weft_why *why);
int weft_finish(weft_system **sys);

/** Frees a system that never ran. */
void weft_system_free(weft_system **sys);

/** Begins shut-down from a handler: phases, then the end with @reason. */
void weft_system_stop(weft_actor *self, weft_err reason);

/** Begins shut-down from any thread, or a signal handler of the program. */
void weft_system_shutdown(weft_system *sys, weft_err reason);

/** Spawns on reactor @reactor. errors: nobody. thread: before start, or with the loop stopped. */
WEFT_MUST_USE weft_ref weft_system_spawn(weft_system *sys, unsigned reactor,
                                         const weft_behaviour *behaviour, const void *config);

/** Spawns one on each reactor; the reference stands for the group: the sender's own member answers.
 * errors: nobody. thread: before start. */
WEFT_MUST_USE weft_ref weft_system_spawn_each(weft_system *sys, const weft_behaviour *behaviour,
                                              const void *config);

/** Spawns on a thread of the blocking pool: its handlers may block. errors: nobody.
 * thread: before start; weft_spawn_blocking in a handler. */
WEFT_MUST_USE weft_ref weft_system_spawn_blocking(weft_system *sys, const weft_behaviour *behaviour,
                                                  const void *config);

/** Tells an actor from outside of any handler. errors: as weft_tell_body, but what the far reactor
 * refuses is a counted dead letter. thread: any, while the system lives. */
weft_err weft_system_tell(weft_system *sys, weft_ref to, const weft_type *type, const void *body);

/** How many reactors serve actors. thread: any. */
unsigned weft_system_reactors(const weft_system *sys);

/** The system an actor lives in. */
weft_system *weft_system_of(const weft_actor *self);

/** The threshold of its logs, now and from now on. thread: any. */
weft_level weft_system_log_level(const weft_system *sys);
void weft_system_set_log_level(weft_system *sys, weft_level level);

/** The reactor an actor lives on: 0 to weft_system_reactors() - 1. */
unsigned weft_reactor_of(const weft_actor *self);

/* ---- phases */

/** When, between start-up and the end, an actor wants to be asked. */
typedef enum weft_phase {
    WEFT_PHASE_BIND,  /**< start-up: open what needs privileges */
    WEFT_PHASE_START, /**< start-up: become ready to serve */
    WEFT_PHASE_CLOSE, /**< shut-down: accept nothing new */
    WEFT_PHASE_DRAIN, /**< shut-down: finish what was accepted */
    WEFT_PHASE_END,   /**< shut-down: flush, say goodbye */
    WEFT_PHASE_COUNT_
} weft_phase;

/** The request of a phase: answer weft_phase_done when ready; the next phase waits for it. A failure in
 * start-up stops the system with it; in shut-down it is logged. */
typedef struct weft_phase_begins {
    weft_phase phase;
    uint32_t grace_ms; /**< what is left of the time for shut-down */
} weft_phase_begins;
typedef struct weft_phase_done {
    uint32_t cut; /**< pieces of accepted work that were cut off, for the log */
} weft_phase_done;
extern const weft_type weft_phase_begins_type, weft_phase_done_type;

/** Has @who asked in @phase. errors: ELIMIT (4,096 for each phase), ENOMEM.
 * thread: in a handler of reactor 0, or before start. */
weft_err weft_on_phase(weft_system *sys, weft_phase phase, weft_ref who);

#ifdef __cplusplus
}
#endif
#endif
