/* SPDX-License-Identifier: MIT */
/** Testing: a simulated system, in one thread, on one seed, in virtual time.
 *
 * Nothing happens unless a test says so: weft_sim_run gives turns until nobody has anything to do,
 * weft_sim_advance moves the clock. All reactors and the blocking pool run in the calling thread;
 * which of the ready actors is next is chosen by the seed, and so is every random byte. The same
 * seed gives the same event log. The simulated wire (`sim://NAME[:PORT]`) is a transport like any
 * other, and the only one: descriptors are never ready in a simulation.
 *
 * Everything here is called by the thread that made the simulation, never from a handler. Between
 * calls that thread counts as reactor 0, so that a test may make bytes for a message. */
#ifndef WEFT_TESTING_H
#define WEFT_TESTING_H

#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_sim weft_sim;

/** Faults, each in parts of a million of the chances it has; 0: never. */
typedef struct weft_sim_faults {
    uint32_t lost;             /**< a connection is lost at an arrival of bytes */
    uint32_t short_read;       /**< a read gives less than there is */
    uint32_t short_write;      /**< a write takes less than it could */
    uint32_t refused;          /**< a connect is refused */
    uint32_t latency_ms_max;   /**< no chance but a time: each arrival waits up to this, in its own
                                order within a connection; so arrivals of different connections
                                change places */
    uint32_t cold;             /**< a file's path or bytes are not in memory: what must not wait for
                                the disk is given to the blocking pool */
    uint32_t datagram_lost;    /**< a datagram does not arrive */
    uint32_t datagram_doubled; /**< it arrives twice; latency_ms_max has them change places */
    uint32_t allocation;       /**< a step finds memory out: one of its takings fails */
} weft_sim_faults;

typedef struct weft_sim_options {
    uint64_t seed;
    /** Reactors, limits, ... Every log line goes to the event log, and to log_hook if there is one;
     * unless log_level_set, the threshold is WEFT_DEBUG. A loop is not used. */
    weft_system_options system;
    weft_sim_faults faults;
    /** Another system in the world of that one, NULL: in a world of its own. One clock, one wire and one seed
     * (of the first) are shared; steps of any of them do steps of all. Each is freed by itself, the first last.
     * So several nodes are several of these. */
    weft_sim *beside;
    /** The step after which nothing happens any more (0: none): the test runs as before, up to where a
     * failure said it was. */
    uint64_t stop_at;
} weft_sim_options;

/** Makes a simulated system; it starts (its phases too) with the first step, so that until then all
 * that is for before start may be called. NULL options: seed 1, one reactor, no faults.
 * errors: NULL. */
WEFT_MUST_USE weft_sim *weft_sim_new(const weft_sim_options *options);

/** What a simulation left behind, by kind. */
typedef struct weft_sim_leaks {
    unsigned actors, asks, timers, buffers;
    unsigned messages; /**< in dev builds only */
    unsigned broken;   /**< 1: an invariant did not hold; no leak, but nothing to be overlooked */
} weft_sim_leaks;

/** Shuts the system down (its phases too, in virtual time) and frees it; *@sim becomes NULL. Gives
 * the number of things that leaked, invariants that did not hold included; a log hook is told how many
 * of which. NULL is calm. */
unsigned weft_sim_free(weft_sim **sim);

/** The same, telling by kind too. */
unsigned weft_sim_free_leaks(weft_sim **sim, weft_sim_leaks *leaks);

/** Ends a system as it stands, as a crash would: none of its actors is asked, nothing is flushed. What it has
 * on the wire is not lost by this: see weft_sim_crash (<weft/testing_stream.h>). Gives what leaked. */
unsigned weft_sim_cut_off(weft_sim **sim);

/** The system, for weft_listen, weft_system_spawn, statistics. */
weft_system *weft_sim_system(weft_sim *sim);

/** Does the smallest thing that may come between two others: gives one of the ready actors a turn,
 * lets one arrival through, has one reactor take what others sent. false: nobody has anything to do
 * at this time, or it has stopped (an invariant does not hold; stop_at). */
bool weft_sim_step(weft_sim *sim);

/** Steps until nobody has anything to do, the clock standing still. false: there is still work
 * after 1,000,000 steps, or it has stopped. */
bool weft_sim_run(weft_sim *sim);

/** Runs, then moves the clock on by @ms, stopping at each moment something is due, and runs. */
void weft_sim_advance(weft_sim *sim, uint32_t ms);

/** Advances until nobody has anything to do and nothing is on its way on the wire, at most by
 * @ms_max. Timers that are due meanwhile fire; those beyond are left. false: something is still on
 * its way. */
bool weft_sim_settle(weft_sim *sim, uint32_t ms_max);

/** Milliseconds since the system began. */
uint32_t weft_sim_now(const weft_sim *sim);

/** How many steps were done. The same calls on the same seed come to the same steps. */
uint64_t weft_sim_steps(const weft_sim *sim);

/** Steps until @step steps were done in all, moving the clock on whenever nobody has anything to do.
 * false: it ended before. */
bool weft_sim_run_to(weft_sim *sim, uint64_t step);

/** Spawns on reactor 0 without a parent; also after start. errors: nobody. */
WEFT_MUST_USE weft_ref weft_sim_spawn(weft_sim *sim, const weft_behaviour *behaviour,
                                      const void *config);

/** Tells from outside, as an actor of its own would, and runs. errors: as weft_tell_body; EGONE
 * once the system has ended. */
weft_err weft_sim_tell_body(weft_sim *sim, weft_ref to, const weft_type *type, const void *body);
#define weft_sim_tell(sim, to, T, ...) \
    weft_sim_tell_body((sim), (to), &T##_type, &(const T){__VA_ARGS__})

/** Asks from outside and runs, advancing the clock until the answer (or the failure) is there.
 * @limit_ms: as weft_ask_body; an ask without a limit is given up (ETIMEDOUT) when nothing is left
 * that could answer it, or after a day. The outcome lives until the next weft_sim_ask. Never
 * NULL. */
const weft_outcome *weft_sim_ask_body(weft_sim *sim, weft_ref to, const weft_type *type,
                                      const void *body, uint32_t limit_ms);
#define weft_sim_ask(sim, to, T, ...) \
    weft_sim_ask_body((sim), (to), &T##_type, &(const T){__VA_ARGS__}, WEFT_INHERIT)

/** The state of an actor of any reactor, to be looked at; NULL: it has ended. Valid until the next
 * step. */
const void *weft_sim_state(weft_sim *sim, weft_ref who);

/* ---- faults, when a test says so */

/** Ends an actor by force, whatever it is in the middle of: what it keeps and what waits for it fails,
 * its children end, who monitors it is told @reason. Its end is one of the next steps; none is done here.
 * errors: EGONE. */
WEFT_MUST_USE weft_err weft_sim_kill(weft_sim *sim, weft_ref who, weft_err reason);

/** Lets the @n-th taking of memory from now on fail, once, counting what steps take (not what a test does
 * between them). 0: none does. */
void weft_sim_fail_allocation(weft_sim *sim, uint64_t n);
/** Whether the one that was to fail has been met. */
bool weft_sim_allocation_failed(const weft_sim *sim);

typedef void weft_sim_plan_fn(weft_sim *sim, void *context);
/** Calls @fn in @ms of virtual time, before the first step of that moment. It may ask for faults, those of
 * wires too, and plan more; planned for the first system of a world it may make others and end them
 * (weft_sim_cut_off). It may not step, tell or ask. errors: ENOMEM. */
WEFT_MUST_USE weft_err weft_sim_at(weft_sim *sim, uint32_t ms, weft_sim_plan_fn *fn, void *context);

/* ---- what must always hold */

/** Whether something holds. It looks, and changes nothing: at weft_sim_state, at statistics, at what the
 * test knows. errors: any, with a sentence (weft_because) that says what does not. */
typedef weft_err weft_sim_invariant_fn(weft_sim *sim, void *context, weft_why *why);

/** Checks @fn after every step. The first failure stops the simulation: until weft_sim_free no step is
 * done. @name must live as long as @sim. errors: ENOMEM.
 *
 * Without being asked for, each simulation checks of the reactor that had the step: an actor that has mail
 * stands in the run queue; what its mailbox counts is what stands in it; actors and asks are as many as are
 * counted. When it comes to rest: sources have given out no more bytes than are alive. A reactor of more
 * than 256 actors and asks is looked at every 1024 steps and at rest. */
WEFT_MUST_USE weft_err weft_sim_always(weft_sim *sim, const char *name, weft_sim_invariant_fn *fn,
                                       void *context);

/** What does not hold: which invariant, after which step of which seed, how to see it again, and the last
 * lines of the event log. "": everything holds. Valid until weft_sim_free. */
const char *weft_sim_failure(const weft_sim *sim);

/** What has happened: a line for each message served, arrival, log line and fault, and for each of
 * the reactors' own doings. Two runs of one seed have the same text. @bytes may be NULL. Valid
 * until the next step. */
const char *weft_sim_event_log(const weft_sim *sim, size_t *bytes);
/** A hash of the whole log, also of what was dropped from its front (it keeps the last MiB). */
uint64_t weft_sim_event_hash(const weft_sim *sim);

/** How many log lines of at least @level contained @text, the name of what speaks included: among
 * the last MiB of log lines, however many turns lie between them. */
unsigned weft_sim_logged(const weft_sim *sim, weft_level level, const char *text);

#ifdef __cplusplus
}
#endif
#endif
