/* SPDX-License-Identifier: MIT */
/** For writers of edge actors: descriptors, output at the end of a round, bytes read from the world.
 *
 * An edge actor owns something outside of the process (a descriptor, a wire of the simulator) and turns
 * what happens there into messages. Everything here is used from its handlers and from the callbacks
 * below, which run on its reactor between turns. */
#ifndef WEFT_EDGE_H
#define WEFT_EDGE_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_system;

/* ---- memory */

/** As malloc, calloc(1, n), realloc and free, through the tap that tests close to make one of them fail.
 * thread: any. */
WEFT_MUST_USE void *weft_alloc(size_t bytes);
WEFT_MUST_USE void *weft_alloc_zero(size_t bytes);
WEFT_MUST_USE void *weft_alloc_again(void *block, size_t bytes);
void weft_alloc_free(void *block);

/* ---- descriptors */

enum { WEFT_READABLE = 1, WEFT_WRITABLE = 2 };

/** A watched descriptor, embedded in the state of its actor. */
typedef struct weft_watch {
    uint64_t room[6];
} weft_watch;

typedef void weft_ready_fn(weft_watch *watch, unsigned events);

/** Prepares @watch for @fd; nothing is watched yet. @fd stays the caller's to close, after watching for
 * nothing. */
void weft_watch_init(weft_watch *watch, int fd, weft_ready_fn *ready);
/** Watches for @events (WEFT_READABLE, WEFT_WRITABLE, both, or 0) from the next look on. Level triggered:
 * what is not read is reported again. Cheap when nothing changes. */
void weft_watch_set(weft_watch *watch, unsigned events);
/** The descriptor it was prepared with. */
int weft_watch_fd(const weft_watch *watch);

/* ---- output */

/** Hooks that are run together at most. */
#define WEFT_HOOKS_MANY 64U

/** Something to be done once, before the reactor next looks at its descriptors. All zero at first. */
typedef struct weft_hook {
    struct weft_hook *next;
    void (*run)(struct weft_hook *hook);
    /** Runs @n of them, 2 to WEFT_HOOKS_MANY, that stand one behind the other and have the same @run_many; NULL: each
     * is run by itself. @hooks is lost behind the call. */
    void (*run_many)(struct weft_hook **hooks, unsigned n);
    bool queued;
    /** When a hook queues it, it is run in the same round, as far as the budget of that goes: not for one that puts
     * work off by queueing itself. Else in the next round, behind a look at the descriptors. */
    bool same_round;
} weft_hook;

/** Queues @hook; calm when it is queued. */
void weft_hook_queue(weft_hook *hook);
/** Takes it out again; calm when it is not queued. */
void weft_hook_cancel(weft_hook *hook);

/* ---- bytes from the world */

/** What an account of a source does when bytes come home. */
typedef struct weft_account_ops {
    const char *name;
    /** Bytes charged to @account were let go of. May be NULL. */
    void (*low)(weft_account *account);
    uint32_t state_offset; /**< 1 + where it stands in its actor's state; 0: it is its own */
} weft_account_ops;

/** The account of a source, embedded in the state of its actor (weft_behaviour.account says where). It
 * outlives the actor until the last of its bytes is home. The fields are read freely, never written. */
struct weft_account {
    const weft_account_ops *ops;
#ifdef __cplusplus
    uint32_t held;
#else
    _Atomic uint32_t held;
#endif
    uint32_t max;
};

/** The bytes a read lands in at most. */
#define WEFT_READ_BYTES_MAX (64U << 10)

/** The reactor's scratch block of WEFT_READ_BYTES_MAX bytes, to read into. errors: NULL. */
uint8_t *weft_read_block(void);
/** The first @size bytes of the scratch block as bytes charged to @account: copied into a buffer that
 * fits when they are few, else the block itself. The caller owns one share.
 * errors: ENOMEM; the bytes still stand in the block. */
WEFT_MUST_USE weft_err weft_read_bytes(size_t size, weft_account *account, weft_bytes *out);

/** Fresh bytes as weft_bytes_new gives them, but charged to @account. errors: ENOMEM. */
WEFT_MUST_USE weft_err weft_bytes_charged(size_t size, weft_account *account, uint8_t **to,
                                          weft_bytes *out);
/** Room behind @bytes in their buffer that only they use: 0 when it is shared. What is written there may
 * be added to @bytes.size. */
size_t weft_bytes_spare(weft_bytes bytes);

/** Takes a share of @bytes as they are. */
weft_bytes weft_bytes_share(weft_bytes bytes);
/** The account @bytes are charged to, NULL for fresh or static ones. */
const weft_account *weft_bytes_account(weft_bytes bytes);
/** What the buffer of @bytes is charged with: its allocated size; 0 for static ones. */
size_t weft_bytes_charge(weft_bytes bytes);

/* ---- events */

/** Tells @to a message of @type that is never refused for room. The share of the bytes in @body is given
 * away in success. errors: EGONE, ENOMEM; the share is still the caller's. */
WEFT_MUST_USE weft_err weft_event(weft_actor *self, weft_ref to, const weft_type *type,
                                  const void *body);

/** The actor @ref stands for if it lives on this reactor, else NULL. */
weft_actor *weft_here(weft_ref ref);

/** Whether @ref stands for an actor, alive or not, of this reactor. */
bool weft_is_here(weft_ref ref);

/** Whether @actor has a row for @type: an event that nobody would see need not be made. */
bool weft_handles(const weft_actor *actor, const weft_type *type);

/** As weft_spawn, but with no parent: for work that several actors wait for, and none owns.
 * errors: nobody, with @why. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_spawn_apart(const weft_behaviour *behaviour, const void *config,
                                        weft_why *why);

/** Gives @who, which was spawned before start, the name @name, so that nobody finds it without.
 * errors: as weft_register, EGONE. thread: before start. */
weft_err weft_system_register(struct weft_system *sys, weft_ref who, const char *name);

/** Makes @child, which @self spawned, a child of @self's own parent: it no longer ends with @self. Does
 * nothing for a ward (<weft/ward.h>). */
void weft_release_child(weft_actor *self, weft_ref child);
/** @self has no parent from now on: it ends by itself, or with the system. Does nothing for a ward. */
void weft_leave_parent(weft_actor *self);
/** Stops every child of @self politely; its behaviour's child_ended hears of each. false: there is none. */
bool weft_stop_children(weft_actor *self, weft_err reason);

/** The actor whose state begins at @state. */
weft_actor *weft_actor_of_state(void *state);

/** Runs @run on the reactor of @to, before whatever waits in its mailbox; @target is NULL if it has ended.
 * errors: ENOMEM, EGONE (no such reactor). */
typedef void weft_call_fn(weft_actor *target, const uint64_t word[4]);
weft_err weft_call(weft_ref to, weft_call_fn *run, const uint64_t word[4]);

/** A continuation outside of any message: has @fn(@context) run as @self's, so that it may send. */
void weft_enter(weft_actor *self, void (*fn)(weft_actor *self, void *context), void *context);

/** A log line for what is no actor. thread: any. */
void weft_system_log(struct weft_system *sys, int level, const char *name, const char *text);
/** Something asked for before start could not be had: weft_run ends at once with EX_UNAVAILABLE (69). */
void weft_system_refuse(struct weft_system *sys, weft_err err);

/* ---- statistics */

/** What layers above count in weft_reactor_stats. */
typedef enum weft_counter {
    WEFT_COUNT_CONNS_DENIED,  /**< conns_denied */
    WEFT_COUNT_CONNS_CROWDED, /**< conns_crowded */
    WEFT_COUNTERS_
} weft_counter;
/** One more, of this reactor. */
void weft_count(weft_counter counter);

/* ---- what the layer above keeps */

/** What a part of a layer above keeps for each reactor: one pointer, NULL at first. */
typedef enum weft_kept_id {
    WEFT_KEPT_STREAMS,
    WEFT_KEPT_HTTP,
    WEFT_KEPT_FILES,
    WEFT_KEPT_HTTP_CLIENT,
    WEFT_KEPT_SOCKETS,
    WEFT_KEPT_RESOLVER,
    WEFT_KEPT_CHILDREN,
    WEFT_KEPT_TLS_TURNS,
    WEFT_KEPT_TLS_CLIENTS,
    WEFT_KEPT_DATAGRAMS,
    WEFT_KEPT_NODE,
    WEFT_KEPT_SP,
    WEFT_KEPT_ISOLATED,
    WEFT_KEPT_NNG,
    WEFT_KEPT_REGISTRY,
    WEFT_KEPT_SENDS,
    WEFT_KEPT_COUNT_
} weft_kept_id;
void **weft_kept(weft_kept_id id);
/** @free is called with what is kept when the system is freed. */
void weft_kept_set_free(weft_kept_id id, void (*free)(void *kept));
/** Both for reactor 0, before start. */
void weft_system_keep(struct weft_system *sys, weft_kept_id id, void *kept,
                      void (*free)(void *kept));
/** What reactor 0 of @sys keeps. thread: any, of what was kept before start and stays. */
void *weft_system_kept(const struct weft_system *sys, weft_kept_id id);

/* ---- requests served in place */

/** A request that its server makes for itself: served at once by a handler of its own, answered by a
 * call instead of a message. */
typedef struct weft_local_ops {
    /** It was answered, or failed; once. */
    void (*answer)(weft_actor *self, weft_msg *msg, const weft_outcome *got);
    /** Nobody uses it any more: its memory may go. */
    void (*done)(weft_msg *msg);
} weft_local_ops;

/** The bytes of a message whose body has @body_bytes: for memory that its server provides. */
size_t weft_local_bytes(size_t body_bytes);
/** Makes the message in @room; its body is to be filled in (weft_body). @limit_ms: 0 for none. */
weft_msg *weft_local_init(void *room, const weft_type *type, const weft_local_ops *ops,
                          uint64_t trace, uint32_t limit_ms);
/** Sets its time limit anew, from now on. */
void weft_local_limit(weft_msg *msg, uint32_t limit_ms);
/** Serves it by @fn now, within a handler of @self. */
void weft_local_serve(weft_actor *self, weft_msg *msg, weft_handler_fn *fn);
/** Whether @msg is one of these. */
bool weft_is_local(const weft_msg *msg);
/** The asker is gone: what it waits for is cancelled; it is done when its handlers let go. */
void weft_local_cancel(weft_actor *self, weft_msg *msg);

/* ---- the simulated world */

struct weft_sim;
struct weft_sim_faults;

/** The simulation @sys is part of (<weft/testing.h>), or NULL: it is real, and what follows must not be
 * used. */
struct weft_sim *weft_sim_of(const struct weft_system *sys);

/** Something on its way from the simulated world to a reactor; embedded. All zero: nothing is. */
typedef struct weft_arrival {
    uint64_t room[8];
} weft_arrival;
/** It is there: called on its reactor between turns, no longer under way. */
typedef void weft_arrival_fn(weft_arrival *arrival);
/** Lets @fn(@arrival) happen at @place (weft_sim_place) in @delay_ms, as a step of its own: what is due at the
 * same time comes in an order of the seed's choice. Again from now if it was under way. At a place that is no
 * more it happens on the world's first reactor. thread: the simulation's, on any reactor. */
void weft_arrive(weft_arrival *arrival, unsigned place, uint32_t delay_ms, weft_arrival_fn *fn);
/** The place of reactor @reactor of the system of the caller's reactor, among all systems of its world; 0: the
 * world's first reactor. Above 8 bits: the number of the system, 0 for the first. */
unsigned weft_sim_place(unsigned reactor);
/** What all systems of the world of @sim share is kept with this one. */
struct weft_sim *weft_sim_world(struct weft_sim *sim);
/** The number of its system: 0 of the first, and no other one's again. */
unsigned weft_sim_member(const struct weft_sim *sim);
/** It does not come; calm when nothing was under way. */
void weft_arrive_cancel(weft_arrival *arrival);
/** Ms until it comes; UINT32_MAX: it is not under way. */
uint32_t weft_arrive_wait_ms(const weft_arrival *arrival);

/** A seeded draw: from 0 up to and without @n, which is not 0. */
uint32_t weft_sim_below(struct weft_sim *sim, uint32_t n);
/** Whether a chance of @parts in a million came true. */
bool weft_sim_chance(struct weft_sim *sim, uint32_t parts);
/** The faults the simulation was made with. */
const struct weft_sim_faults *weft_sim_faults_of(const struct weft_sim *sim);
/** A line in its event log. */
void weft_sim_note(struct weft_sim *sim, const char *text);
/** Where the one wire of the simulation is kept: NULL at first; @free is called with it at the end. */
void **weft_sim_wire(struct weft_sim *sim, void (*free)(void *wire));

/* ---- time */

/** Nanoseconds of a clock that never goes back, read now: for what a millisecond is too long for. */
uint64_t weft_clock_ns(void);

/* ---- alarms */

/** A timer for what must cost nothing when idle: embedded, no message. All zero: off. */
typedef struct weft_alarm {
    uint64_t room[4];
} weft_alarm;
typedef void weft_alarm_fn(weft_alarm *alarm);
/** Calls @fn in @ms (again from now if it was on). */
void weft_alarm_set(weft_alarm *alarm, uint32_t ms, weft_alarm_fn *fn);
void weft_alarm_clear(weft_alarm *alarm);

#ifdef __cplusplus
}
#endif
#endif
