/* SPDX-License-Identifier: MIT */
/** Supervisors: actors that start other actors in order, restart those that fail, and stop them in the
 * reverse order.
 *
 * A restart keeps the reference, the name and those who monitor the child (weft_restarted). What it had
 * in its mailbox fails; what comes while it is down waits for it. A supervisor that has restarted too
 * often ends with WEFT_ELIMIT, and its own supervisor decides. */
#ifndef WEFT_SUPERVISOR_H
#define WEFT_SUPERVISOR_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** When a child is begun again. */
typedef enum weft_restart {
    WEFT_RESTART_ALWAYS,
    WEFT_RESTART_ON_ERROR, /**< not when it stopped with WEFT_OK: then it has ended */
    WEFT_RESTART_NEVER,    /**< whatever it stopped for, it has ended */
} weft_restart;

/** Who is restarted beside the child that failed. */
typedef enum weft_strategy {
    WEFT_ONE_FOR_ONE,  /**< nobody */
    WEFT_ONE_FOR_ALL,  /**< all others */
    WEFT_REST_FOR_ONE, /**< those that were started after it */
} weft_strategy;

/** Reactor @i, from 0 up to weft_system_reactors. */
#define WEFT_ON_REACTOR(i) (1U + (i))

/** A row of a supervisor's table. What it points to is borrowed for the child's life. */
typedef struct weft_child {
    /** Letters, digits and "._-": with the supervisor's own name and a "/" before it, if it has one, the
     * name the child is registered with. NULL: it has none. */
    const char *name;
    const weft_behaviour *behaviour;
    const void *config;
    weft_restart restart;
    /** A URL as weft_listen takes it: the child is a listener that gives each connection an actor of
     * @behaviour with @config. It is up when it listens; stopping it accepts nothing more and waits for
     * the connections that are open. NULL: @behaviour is the child. */
    const char *listen;
    /** WEFT_ON_REACTOR(i): where it lives; 0: where its supervisor does. One on another reactor has its
     * reference and its name from its first start on. */
    unsigned reactor;
    /** How long its `started` may take, with what it waits for, until it is up; 0: 30,000. */
    uint32_t start_ms;
    /** How long it and its children may take to stop; then they are ended by force. 0: 5,000; for a
     * supervisor what its own children may take in all. */
    uint32_t stop_ms;
    /** It has a process of its own, in which it runs with what is below it, and needs a @name: see
     * <weft/isolated.h>. EUNSUPPORTED: it is in no table that weft_isolated_begin, or weft_main, was given. */
    bool isolated;
} weft_child;

/** What a supervisor is spawned with, beside weft_supervisor_behaviour. Zero means the default. */
typedef struct weft_supervisor {
    weft_strategy strategy;
    uint32_t restarts_max; /**< 0: 3; at most 65,536 */
    uint32_t
        restarts_window_ms; /**< so many in this time are allowed, one more is too often; 0: 5,000 */
    /** How long a child that failed waits before it begins again: this, twice this, ... up to
     * backoff_ms_max (0: 30,000), each time a random part between a half and all of it. One that was up
     * for restarts_window_ms begins with the first. 0: it does not wait. */
    uint32_t backoff_ms, backoff_ms_max;
    uint32_t children_max;      /**< with those added later; 0: 1,024 */
    const weft_child *children; /**< started in this order; ends in { 0 }; NULL: none */
} weft_supervisor;

/** A child with this behaviour and a `weft_supervisor` as its config is a supervisor within the tree. It is
 * up when its children are. One without a parent, on reactor 0, stops its children when the system drains;
 * on another reactor, register it with weft_on_phase(sys, WEFT_PHASE_DRAIN, supervisor). */
extern const weft_behaviour weft_supervisor_behaviour;

/** Adds a child behind those there are; answered when it is up. errors: EINVAL, EEXISTS (its name),
 * ELIMIT (children_max), EUNSUPPORTED, ESTOPPING; what its start came to: then it is not kept. */
typedef struct weft_supervisor_add {
    weft_child child;           /**< its `name` is not used */
    char name[WEFT_NAME_BYTES]; /**< "": none */
} weft_supervisor_add;
typedef struct weft_supervisor_added {
    weft_ref ref;
} weft_supervisor_added;

/** Stops a child and ends it for good; answered when that is done. errors: ENOTFOUND, ESTOPPING. */
typedef struct weft_supervisor_remove {
    weft_ref ref; /**< who; nobody: the one with the name @name */
    char name[WEFT_NAME_BYTES];
} weft_supervisor_remove;
typedef struct weft_supervisor_removed {
    weft_err reason; /**< what it stopped for */
} weft_supervisor_removed;

/** What a child does. */
typedef enum weft_child_state {
    WEFT_CHILD_DOWN,     /**< waits for its turn to start, or backs off */
    WEFT_CHILD_STARTING, /**< its `started` has not been done with */
    WEFT_CHILD_UP,
    WEFT_CHILD_STOPPING,
    WEFT_CHILD_ENDED, /**< not to be restarted */
} weft_child_state;

/** Children in a listing. */
#define WEFT_SUPERVISOR_LISTED_MAX 16U

/** Lists children in their order, from number @first on. */
typedef struct weft_supervisor_list {
    uint32_t first;
} weft_supervisor_list;
typedef struct weft_supervisor_listing {
    uint32_t all; /**< children there are */
    uint32_t n;   /**< listed here */
    struct {
        char name[WEFT_NAME_BYTES];
        weft_ref ref;
        weft_child_state state;
        weft_err reason; /**< what it last stopped for */
        uint32_t restarts;
    } child[WEFT_SUPERVISOR_LISTED_MAX];
} weft_supervisor_listing;

extern const weft_type weft_supervisor_add_type, weft_supervisor_added_type,
    weft_supervisor_remove_type, weft_supervisor_removed_type, weft_supervisor_list_type,
    weft_supervisor_listing_type;

#ifdef __cplusplus
}
#endif
#endif
