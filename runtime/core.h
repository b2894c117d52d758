/* SPDX-License-Identifier: MIT */
/* The runtime's own structures: messages, actors, cells, reactors, the system.
 *
 * Everything a reactor owns is touched by its thread alone, but for what is marked `shared`; what other
 * threads only read for statistics is stored with relaxed atomics through the WF_STAT macros. */
#ifndef WF_CORE_H
#define WF_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/system.h>

#include "driver.h"
#include "wf_wheel.h"

#define WF_LIKELY(x) __builtin_expect(!!(x), 1)
#define WF_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WF_COLD __attribute__((noinline, cold))
#define WF_NOINLINE __attribute__((noinline))
#define WF_FAST __attribute__((always_inline))

/* Single writer, any reader: plain moves, but no race by the letter. */
#define WF_STAT_GET(x) atomic_load_explicit(&(x), memory_order_relaxed)
#define WF_STAT_SET(x, v) atomic_store_explicit(&(x), (v), memory_order_relaxed)
/* For pointers that a reader follows: what they point to was written before (release and acquire). */
#define WF_STAT_PUBLISH(x, v) atomic_store_explicit(&(x), (v), memory_order_release)
#define WF_STAT_FOLLOW(x) atomic_load_explicit(&(x), memory_order_acquire)
#define WF_STAT_ADD(x, n) WF_STAT_SET(x, WF_STAT_GET(x) + (n))
#define WF_STAT_SUB(x, n) WF_STAT_SET(x, WF_STAT_GET(x) - (n))

enum {
    WF_THREADS_MAX = 128,    /* reactors and pool threads: WEFT_REACTORS_MAX + 64 */
    WF_SLOTS_MAX = 1 << 22,  /* actors_max by default */
    WF_CELLS_MAX = 1 << 22,  /* Deferreds, timers and monitors of one reactor */
    WF_MAILBOX_MAX = 4096,   /* mailbox_max by default */
    WF_ASKS_MAX = 65536,     /* asks_max by default */
    WF_MONITORS_MAX = 65536, /* monitors_max by default */
    WF_NAMES_MAX = 65536,    /* names_max */
    WF_GROUPS_MAX = 4096,    /* groups_max */
    WF_ABROAD_MAX = 16384, /* messages sent to one other reactor whose blocks have not come home */
    WF_ABROAD_BYTES_MAX = 8 << 20, /* and the bytes of those blocks */
    WF_BUDGET = 256,               /* messages between two looks at the descriptors */
    WF_BUDGET_EVENT = 4,      /* and this many more for each descriptor the last look reported */
    WF_FAN_MIN = 32,          /* as many hooks, of output, may wait for the next round */
    WF_FAN_EVENT = 4,         /* if it was cut off, or each event caused so many */
    WF_FAN_WAITS = 4,         /* for as many rounds at most */
    WF_FAN_WAIT_TICKS = 1,    /* and until more milliseconds have passed */
    WF_SPIN_VAIN = 8,         /* look-outs in vain, in a row, after which */
    WF_SPIN_REST = 7,         /* as many are left out */
    WF_UNRUN_FIRST_MAX = 8,   /* new children in a row, then one actor of the run queue */
    WF_SCRATCH_MAX = 1 << 20, /* scratch_bytes_max of one message */
    WF_STOP_GRACE_MS = 5000,  /* stop_grace_ms of one actor */
};

/* ---- messages */

enum {
    WF_UNCOUNTED = 1 << 0, /* outside of mailbox_max: replies, timers, events, down, control */
    WF_REPLY = 1 << 1,     /* answers a request; @request names the asker's cell */
    WF_ANSWERED = 1 << 2,  /* a request that was answered, failed or forwarded */
    WF_KEPT = 1 << 3,      /* a handler keeps it */
    WF_WAITS = 1 << 4,     /* continuations of it are outstanding */
    WF_FAILED = 1 << 5,    /* a reply whose body is a wf_failure */
    WF_GUARDED =
        1 << 6, /* an armed ask upstream cancels it: asks made while serving it arm nothing */
    WF_TIMER = 1 << 7,      /* of a timer: @request names its cell, not an asker */
    WF_SERIAL = 1 << 8,     /* other ordinary messages of the actor wait until it is done */
    WF_CONTROL = 1 << 9,    /* runs on the target's reactor as soon as it arrives */
    WF_NOTED = 1 << 10,     /* a tell: its sender wants weft_undelivered */
    WF_OWED = WF_NOTED,     /* a request: memory was out when it was to be answered */
    WF_HELD = 1 << 11,      /* being served: @next is its wf_hold */
    WF_LOCAL = 1 << 12,     /* not from a mailbox: its owner made it and frees it */
    WF_PLAIN = 1 << 13,     /* its body holds nothing that would have to be given back */
    WF_RUNS = 1 << 14,      /* its handler runs, and within it another one: not to be ended here */
    WF_CANCELLED = 1 << 15, /* its holder was told that nobody waits for it any more */
};

/* 56 bytes, so that a message with one word of body fills one cache line. Where it goes is kept in the
 * batch entry, not here. */
struct weft_msg {
    union {
        weft_msg *next;
        struct wf_hold *hold; /* while it is served, if WF_HELD */
    };
    const weft_type *type;
    weft_ref from;
    uint64_t request; /* generation and slot of the asker's cell; 0: a tell */
    uint64_t trace;
    uint32_t deadline; /* in ticks; 0: none */
    uint16_t flags;
    union {
        struct {
            uint8_t class; /* of the block: 64 * (class + 1) bytes; WF_CLASS_BIG: from the system */
            uint8_t owner; /* the reactor the block belongs to */
        };
        uint16_t place; /* both, to be compared at once */
    };
    _Alignas(8) unsigned char body[];
};
_Static_assert(sizeof(weft_msg) == 56, "a message header and one word fill a cache line");

enum { WF_CLASSES = 8, WF_CLASS_BIG = 15 }; /* BIG counts as 1 KiB in accounts */

/* The body of a failed reply. */
typedef struct wf_failure {
    weft_err err;
    uint8_t delivery; /* a weft_delivery */
    char why[];       /* "": the code's own sentence */
} wf_failure;

/* What a served message holds beyond its handler: its scratch memory and its continuations. */
typedef struct wf_hold {
    struct wf_hold *next, **back; /* the actor's list of messages that are kept or wait */
    weft_msg *msg;
    struct wf_scratch *scratch;
    uint32_t scratch_bytes;
    uint32_t waits;         /* continuations outstanding */
    struct wf_fiber *fiber; /* which serves it, once that has waited */
} wf_hold;

typedef struct wf_scratch {
    struct wf_scratch *next;
    void (*release)(struct wf_scratch *scratch); /* before it is freed; NULL: nothing */
    uint64_t spare;
    _Alignas(16) unsigned char room[];
} wf_scratch;

/* ---- programs: behaviours made ready to dispatch */

typedef struct wf_row {
    const weft_type *type;
    weft_handler_fn *fn;   /* what a turn calls: the handler, or what goes before it */
    weft_handler_fn *real; /* the handler */
    uint64_t fiber;        /* it runs in one. 32 bytes: a row is found by a shift */
} wf_row;

typedef struct wf_program {
    const weft_behaviour *behaviour;
    uint64_t multiplier; /* chosen so that no two types of the table share a row */
    uint32_t shift;
    uint32_t mailbox_max, asks_max, monitors_max;
    uint32_t actor_bytes; /* header and state */
    bool wants_started, wants_stopping, wants_cancelled;
    struct wf_program *next;
    wf_row rows[];
} wf_program;

static inline size_t wf_program_index(const wf_program *program, const weft_type *type)
{
    return ((uint64_t)(uintptr_t)type * program->multiplier) >> program->shift;
}

static inline const wf_row *wf_program_row(const wf_program *program, const weft_type *type)
{
    return &program->rows[wf_program_index(program, type)];
}

/* ---- actors */

enum {
    WF_READY = 1 << 0,    /* stands in the run queue, or runs */
    WF_UNRUN = 1 << 1,    /* a child that has not had a turn */
    WF_STOPPING = 1 << 2, /* weft_stop was called, or someone else stopped it: no more turns */
    WF_BUSY = 1 << 3,     /* a serial message is being served */
    WF_CONFIG = 1 << 4,   /* a config pointer stands behind the state */
    WF_PARKED = 1 << 5,   /* ready, but waits until its unrun children have had a turn */
    WF_ASKED = 1 << 6,    /* was told weft_stopping and may still work */
    WF_ZOMBIE = 1 << 7,   /* ended; its memory waits for bytes it gave out */
    WF_HOLDS = 1 << 8,    /* messages wait for a serial one that is being served, or is over */
    WF_ROOMERS = 1 << 9,  /* some of other reactors wait for room */
    WF_EXPECTS = 1 << 10, /* fibers of it wait for next messages */
    WF_DOWN = 1 << 11,    /* it does not live, `ended` is over; a ward counts as ready then */
    WF_FORCED = 1 << 12,  /* its time to stop is over: its children get none */
    WF_SUSPENDED =
        1 << 13,         /* serves nothing; who stops it resumes it, so that none ends suspended */
    WF_TAPPED = 1 << 14, /* some look at its messages */
};

struct weft_actor {
    const wf_program *_Atomic program;
    weft_msg *head, **tail;
    weft_actor *next_ready;
    _Atomic uint32_t slot, gen;
    _Atomic uint64_t mail; /* ordinary messages that wait, and above 32 bits the bytes of all */
    uint16_t bits;
    uint16_t unrun;            /* children on the unrun stack; saturates */
    _Atomic uint32_t ready_at; /* tick at which its oldest message came, at the latest */
    _Atomic uint64_t handled;
    _Atomic uint32_t parent;
    uint32_t child, sibling, sibling_back;
    uint32_t cells, asks;
    struct wf_rare *rare;
    _Alignas(8) unsigned char state[];
};
_Static_assert(offsetof(weft_actor, gen) == offsetof(weft_actor, slot) + 4 &&
                   offsetof(weft_ref, gen) == offsetof(weft_ref, slot) + 4,
               "slot and generation are moved as one word");
_Static_assert(sizeof(weft_actor) == 96,
               "an idle actor with 32 bytes of state is 144 with its slot");

/* What most actors never need. */
typedef struct wf_rare {
    wf_hold *holds;
    wf_hold
        *told; /* of those whose holders know that nobody waits: no cancel looks for them again */
    weft_msg *held, **held_tail; /* ordinary messages that wait for a serial one */
    uint32_t serials;            /* serial ones that are being served */
    weft_err reason;
    weft_msg *roomers;           /* requests of other reactors that wait for room */
    struct wf_watcher *watchers; /* who monitors this actor */
    uint32_t monitors;           /* set by it */
    uint32_t names;              /* its names, an index chain; 0: none */
    char *why;
    wf_timer grace; /* ends a stop that takes too long */
    uint32_t actor; /* slot, for the timer */
    bool note_undelivered;
    bool ward_over; /* it ends for good */
    const weft_behaviour *spawned_as;
    /* its fibers that have waited, and those of them that wait for a next message, in order */
    struct wf_fiber *fibers, *expecting, **expecting_tail;
    struct weft_ward *ward; /* what its parent keeps of it: it stays when it stops; or NULL */
    struct weft_tap *taps;  /* who looks at its messages */
} wf_rare;

typedef struct wf_slot {
    weft_actor *actor;
    uint32_t gen, next_free;
} wf_slot;

/* ---- cells: what is outstanding between a reactor and its actors (Deferreds, timers, monitors) */

enum {
    WF_CELL_FREE,
    WF_CELL_TIMER,
    WF_CELL_MONITOR,
    WF_CELL_STORE, /* what stands in a weft_queue */
    /* Deferreds, from here on */
    WF_CELL_ASK,   /* a request */
    WF_CELL_PLAIN, /* a promise, or one that was made fired */
    WF_CELL_STEP,  /* of a chain: waits for its source */
    WF_CELL_LIMIT, /* a limit of a Deferred's own: waits for its source */
    WF_CELL_JOIN,  /* all, settled, any, race: waits for its members */
};
/* The state of a Deferred: who consumes it, and flags. One that is WF_CONSUMED and nothing else is an ask
 * that a message waits for: all that the fast way of settling knows. */
enum {
    WF_FRESH,
    WF_CONSUMED, /* by a message, which waits */
    WF_DETACHED,
    WF_IGNORED,
    WF_CHAINED,          /* by another Deferred, which waits */
    WF_LATER,            /* by nobody yet: its fiber has waited, and may still do so (later.c) */
    WF_CAME,             /* the same, and what it has come to is kept */
    WF_CONSUMER = 0x0F,  /* the mask of these */
    WF_DERIVED = 1 << 4, /* not an ask */
    WF_FIRED = 1 << 5,   /* its outcome is in the mailbox, and this reactor knows */
    WF_CUT = 1 << 6,     /* a promise that is cancelled: what is in the mailbox says so */
};

typedef struct wf_cell {
    wf_timer timer; /* its spare: the owner's slot */
    uint32_t gen;
    uint8_t kind, state;
    uint16_t target_home;
    uint32_t next, prev; /* in the owner's list */
    union {
        struct {
            union {
                weft_continue_fn *then;
                weft_msg *reply; /* of one that is WF_CAME */
            };
            weft_msg *msg; /* the one that waits for it */
        };
        struct {
            uint32_t up, at; /* WF_CHAINED: the cell that waits for it, and its place there */
        };
        struct {
            weft_msg *tick; /* a timer's message; NULL while it is under way */
            uint32_t period;
            uint32_t skipped;
        };
        struct {
            struct wf_watcher *watcher;
            uint32_t link;
        };
    };
    union {
        struct {
            /* who was asked (slot 0: cancelled there), or is monitored */
            uint32_t target_slot, target_gen;
        };
        struct {
            uint32_t source, mode; /* of a step: the cell it waits for, and when it runs */
        };
        struct {
            uint32_t after, before; /* of a promise in line: its neighbours, or 0 */
        };
        struct {
            uint32_t index, unused; /* of a plain one that has come: as of its outcome */
        };
    };
    uint32_t next_free;
    uint32_t limit_ms; /* for the sentence */
} wf_cell;

/* What only some cells need, in a table beside theirs, whose pages come with their first use. */
typedef struct wf_more {
    union {
        weft_step_fn *step;       /* of a step */
        weft_unwanted_fn *cancel; /* of a promise; NULL once it was told, or has fired */
        struct wf_join *join;
        weft_msg *store; /* the first of a queue */
    };
    void *context;
} wf_more;

#ifdef WEFT_DEV
/* Where a cell was made. */
typedef struct wf_made {
    const char *file;
    int line;
} wf_made;
#endif

/* ---- between reactors */

typedef struct wf_entry {
    weft_msg *msg;
    uint32_t slot, gen; /* the target; for blocks going home unused */
} wf_entry;

enum { WF_BATCH = 63 };

/* An array, so that the taker can prefetch. */
typedef struct wf_batch {
    struct wf_batch *next;
    uint16_t n, owner;
    uint32_t bytes;
    wf_entry entry[WF_BATCH];
} wf_batch;

enum { WF_PROGRAMS_CACHED = 64 };

enum { WF_FOREIGN = 255 }; /* owner of what a thread that is no reactor sent */

typedef struct wf_reactor wf_reactor;
struct wf_reactor {
    uint64_t home;     /* what references to its actors carry */
    weft_msg *current; /* the one being served; @nothing between turns */
    wf_slot *slots;
    _Atomic uint64_t
        *busy; /* by slot: generation and samples in which that actor ran; the watcher's */
    weft_msg *free_block[WF_CLASSES];
    uint16_t place; /* of a block of class 0 of this reactor */
    weft_actor *unrun, *ready, **ready_tail;
    uint32_t unrun_row; /* unrun children served in a row */
    uint32_t slots_used, free_slot;
    uint32_t unconsumed; /* Deferreds made by this handler and not consumed */
    weft_actor *_Atomic running;
    _Atomic uint64_t served;

    weft_actor *rest_actor; /* cut off by the budget: finishes its snapshot first */
    weft_msg *rest;

    wf_cell *cells;
    wf_more *more; /* by the same index */
#ifdef WEFT_DEV
    wf_made *made;    /* by the same index */
    wf_made made_now; /* what the next cell gets */
#endif
    uint32_t cells_used, free_cell;
    uint32_t
        cancel_last; /* of the asks that are being cancelled, a chain through next_free; 0: none is */
    wf_wheel wheel;
    uint32_t events; /* descriptors the last poll reported */
    weft_system *sys;
    const wf_driver_ops *drv;
    wf_driver *driver;
    wf_poller *poller;
    weft_hook *hooks, **hooks_tail; /* run before the next poll: output to be flushed */
    weft_hook *later, **later_tail; /* those that hooks queued: run in the next round */
    uint32_t hooks_n, later_n;      /* how many */
    bool in_hooks;                  /* they are being run */
    uint32_t waits, waits_since; /* rounds in a row that did not run them; the tick of the first */
    weft_msg *bare;     /* messages that are kept, though there was no memory for their holds */
    weft_msg *nothing;  /* the context of what no message caused */
    bool crossed;       /* something came from another reactor since the last sleep */
    uint8_t in_vain;    /* how often in a row nothing came while it looked out for that */
    bool ending;        /* every actor was told to stop; the loop ends when none is left */
    wf_timer end_timer; /* ends those that do not */
    struct wf_watcher
        *unsent; /* what watchers of other reactors are to be told, when memory was out */
    weft_msg *control_taken;   /* what is being served as control is kept by whoever serves it */
    struct wf_watcher *untold; /* whose watchers do not know of a restart, when memory was out */
    wf_timer unsent_timer;     /* of both */
    weft_msg *owed;            /* requests that are to be failed, when memory was out */
    wf_timer owed_timer;
    unsigned index;
    bool blocking; /* a thread of the pool: its handlers may block */
    _Atomic bool stop;
    _Atomic bool nudged; /* something without a message is to be seen to: shut-down, its end */
    _Atomic uint32_t end_grace_ms; /* its end was asked for; 0: not */

    weft_actor *free_actor[96];
    char *run, *run_end; /* the rest of the run that blocks and actors are carved from */
    struct wf_run *runs;
    wf_batch *out[WF_THREADS_MAX], *homeward[WF_THREADS_MAX], *free_batch, *come_home;
    uint32_t abroad[WF_THREADS_MAX], abroad_bytes[WF_THREADS_MAX];
    bool out_any;
    uint64_t wall_ns;
    uint32_t wall_tick;
    const wf_program *programs[WF_PROGRAMS_CACHED]; /* behaviours spawned here, by their address */

    struct {
        _Atomic uint64_t messages, turns, polls, sleeps, wakes, refused, dead_letters, late_replies,
            unhandled, hogs, restarts, block_bytes, buffer_bytes;
        _Atomic uint64_t above[WEFT_COUNTERS_]; /* what layers above count */
        _Atomic uint32_t actors, timers, asks, fibers;
        _Atomic uint32_t blocks, buffers; /* alive; blocks are counted in dev builds only */
    } stat;
    struct wf_fiber *fiber;       /* which runs, or NULL */
    struct wf_fibers *fibers;     /* their stacks; NULL before the first */
    void *kept[WEFT_KEPT_COUNT_]; /* what layers above keep for each reactor */
    void (*kept_free[WEFT_KEPT_COUNT_])(void *kept);
    struct wf_buffer *read_block; /* what the next read lands in */
    struct wf_buffers *buffers;

    /* shared */
    _Alignas(64) _Atomic(wf_batch *) inbox;    /* newest first; pairs with wf_push_batch */
    _Alignas(64) _Atomic(wf_batch *) batches;  /* batches of ours, empty */
    _Alignas(64) _Atomic(wf_batch *) returned; /* batches of blocks of ours */
    _Alignas(64) _Atomic uint32_t sleeping;

    /* of a thread of the pool, shared */
    _Alignas(64) weft_ref pool_runner; /* serves functions; set before the thread begins */
    _Atomic uint32_t pool_jobs;        /* of those, waiting or under way */
    _Atomic uint32_t pool_coming;      /* actors on their way to be spawned there */
};

/* The reactor this thread is. */
extern __thread wf_reactor *wf_this_reactor __attribute__((tls_model("initial-exec")));
#define WF_R wf_this_reactor

static inline weft_ref wf_ref_of(const wf_reactor *r, const weft_actor *a)
{
    return (weft_ref){.home = r->home, .slot = WF_STAT_GET(a->slot), .gen = WF_STAT_GET(a->gen)};
}

/* Slot and generation of an actor of this reactor, as they stand in a reference: a plain move, since
 * nobody else writes them. */
static inline uint64_t wf_id_of(const weft_actor *a)
{
    uint64_t id;
    memcpy(&id, (const char *)a + offsetof(weft_actor, slot), sizeof id);
    return id;
}

/* The actor a reference of this reactor stands for; NULL if it has ended. */
static inline weft_actor *wf_actor_at(const wf_reactor *r, uint32_t slot, uint32_t gen)
{
    const wf_slot *s = &r->slots[slot & (WF_SLOTS_MAX - 1)];
    return WF_LIKELY(s->gen == gen) ? s->actor : NULL;
}

/* home: 1 + reactor for an actor; these for the other kinds. The upper half is the node. */
#define WF_HOME_NAME 0xFFFEU
#define WF_HOME_GROUP 0xFFFDU
/* The lower half for actors of other nodes: of an actor by its token, which stands in slot and gen, and of a
 * name. No reactor has these, so that whoever does not know them finds nobody there. */
#define WF_HOME_REMOTE 0xFCU
#define WF_HOME_REMOTE_NAME 0xFDU
_Static_assert(WF_HOME_REMOTE > WF_THREADS_MAX + 1, "no reactor is a remote home");
static inline bool wf_is_remote(uint64_t home)
{
    return ((uint32_t)home | 1U) == WF_HOME_REMOTE_NAME;
}
static inline uint64_t wf_home(unsigned index)
{
    return index + 1U;
}
static inline unsigned wf_home_index(uint64_t home)
{
    return (unsigned)(home - 1U);
}

#endif
