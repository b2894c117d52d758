/* SPDX-License-Identifier: MIT */
/* Fibers: a handler with a stack of its own, which it leaves to wait and comes back to.
 *
 *     idle ── a message of a fiber row ──▶ runs ── it returns ──▶ idle, or unmapped
 *                                          ▲ │
 *              outcome, next message, stop │ │ weft_await, weft_sleep, weft_next
 *                                          │ ▼
 *                                         waits
 *
 * A wait is a cell like that of any ask, whose continuation goes back to the fiber. It goes on within
 * whatever ended the wait (wf_settle, or the serving of the next message), so an outcome lives until the
 * fiber leaves again. Between two waits the reactor's `fiber` is the one that runs; `current` is its
 * message. */
#ifndef WF_FIBER_H
#define WF_FIBER_H

#include "core.h"
#include "wf_switch.h"

enum {
#if defined(WF_SWITCH_ADDRESS) || defined(WF_SWITCH_THREAD)
    WF_FIBER_STACK_BYTES = 256 << 10, /* the sanitizers' frames are larger */
#else
    WF_FIBER_STACK_BYTES = 64 << 10,
#endif
    WF_FIBER_GUARD_BYTES = 64 << 10, /* so wide that a large frame does not step over it */
    WF_FIBERS_MAX = 16384,           /* fibers_max by default; each takes two maps of 65,530 */
    WF_FIBERS_IDLE_MAX = 64,         /* stacks that a reactor keeps for good */
    WF_FIBERS_TRIM_MS = 1000,        /* others go when they were not needed for so long */
    WF_FIBER_REFUSALS_MAX = 1000,    /* waits of one fiber after its actor's stop */
};

/* Stands at the top of its stack. */
typedef struct wf_fiber wf_fiber;
struct wf_fiber {
    wf_switch at;
    weft_actor *actor;
    weft_msg *msg; /* which it serves */
    weft_handler_fn *fn;
    const weft_outcome *got;  /* what its wait came to */
    weft_msg *taken;          /* by weft_next, until its next wait */
    const weft_type *expects; /* what weft_next waits for, or NULL */
    wf_fiber *next, **back;   /* the actor's fibers that have waited; the idle stacks */
    wf_fiber *next_expecting, **back_expecting;
    uint32_t cell;     /* of the wait */
    uint32_t later;    /* Deferreds it has not consumed yet, WF_LATER or WF_CAME */
    uint32_t refusals; /* waits refused since the stop */
    weft_err err;      /* what @fn returned */
    bool over;         /* @fn has returned, or will not */
    bool abandoned;    /* it will not: too many refusals */
    bool cancelled;    /* the asker is gone, which no wait has said yet */
    bool clean;        /* idle, with its pages given back */
};

/* The fibers of one reactor, made with the first. */
typedef struct wf_fibers {
    wf_fiber *idle; /* stacks, the last used first */
    uint32_t idle_n;
    uint32_t idle_least; /* since the last trim */
    uint32_t dirty;      /* idle ones that are not clean */
    uint32_t stacks;     /* mapped */
    wf_timer trim;
    wf_reactor *reactor;
    void *alternate; /* the stack for signals, or NULL: the thread had one */
} wf_fibers;

/* ---- stacks */

/* A fiber of @r, all fields zero but those of its stack. errors: NULL and @err: ELIMIT (fibers_max),
 * ENOMEM. */
wf_fiber *wf_fiber_new(wf_reactor *r, weft_err *err);
/* Its stack goes back to the idle ones, or, if it was abandoned, to the system. */
void wf_fiber_free(wf_reactor *r, wf_fiber *f);
/* Unmaps the idle stacks; nothing of this reactor's fibers is armed any more. */
void wf_fibers_rest(wf_reactor *r);
/* The same, and the rest of what fibers need. thread: the reactor's, or after it has ended. */
void wf_fibers_done(wf_reactor *r);

static inline char *wf_fiber_bottom(const wf_fiber *f)
{
    uintptr_t end = ((uintptr_t)f | 4095) + 1;
    return (char *)(end - WF_FIBER_STACK_BYTES);
}

/* ---- the report of an overflow */

/* Has it written for the fibers of this thread. @alternate is the stack for signals made for it, if the
 * thread has none. errors: false, when memory is out. thread: the one that will run the fibers. */
bool wf_fault_begin(void **alternate);
void wf_fault_end(void **alternate);

/* ---- lives */

/* What a row with .fiber runs: its handler, in a fiber. */
weft_err wf_fiber_serve(weft_actor *self, weft_msg *msg);
/* Goes on with @f; gives what its handler came to, or WEFT_OK when it waits again. @f may be gone then. */
weft_err wf_fiber_resume(wf_reactor *r, wf_fiber *f);
/* Leaves the running @f until it is resumed; gives what its wait came to. */
const weft_outcome *wf_fiber_wait(wf_reactor *r, wf_fiber *f);
/* Ends the cell of the wait of @f, whatever it is. */
void wf_fiber_wait_over(wf_reactor *r, wf_fiber *f);
/* @a is stopping: each of its fibers goes on with an error, and cannot wait any more. */
void wf_fibers_end(wf_reactor *r, weft_actor *a) WF_COLD;

/* ---- weft_next */

/* Gives @m to the fiber of @a that waits for it, if one does; else false. */
bool wf_fiber_takes(wf_reactor *r, weft_actor *a, weft_msg *m) WF_NOINLINE;
/* Lets go of what weft_next gave to @f. */
void wf_fiber_let_go(wf_reactor *r, wf_fiber *f);
/* @f does not wait for a message any more; calm when it does not. */
void wf_fiber_unexpect(wf_fiber *f);

/* ---- Deferreds that a fiber has made and will perhaps consume after a wait */

/* @f is about to wait: what it has not consumed stays its own. */
void wf_later_keep(wf_reactor *r, wf_fiber *f);
/* @f is over: what it has not consumed is detached. */
void wf_later_detach(wf_reactor *r, wf_fiber *f);
struct wf_rising;
/* What @up carries has come to a cell of state WF_LATER: it is kept. Takes it. */
void wf_later_came(wf_reactor *r, weft_actor *a, wf_cell *cell, struct wf_rising *up);
/* The cell of state WF_LATER or WF_CAME is consumed: a reply that is there comes again. */
void wf_later_consume(wf_reactor *r, weft_actor *a, wf_cell *cell);
/* Frees the reply of a cell of state WF_CAME. */
void wf_later_drop(wf_reactor *r, wf_cell *cell);

#endif
