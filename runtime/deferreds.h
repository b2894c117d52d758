/* SPDX-License-Identifier: MIT */
/* Deferreds under Deferreds: what waits for an outcome that is not a message.
 *
 * A cell that another Deferred waits for is WF_CHAINED and knows that one (`up`); a step and a limit know
 * what they wait for (`source`), a join its members. So the Deferreds that end in one are a tree, whose
 * leaves are asks, plain ones, and those that have fired. An outcome is a message addressed to a cell. It
 * rises from there as far as nobody has to wait: the message itself goes on, nothing is copied, and no
 * function calls another for it, so that the stack does not grow with the chain. */
#ifndef WF_DEFERREDS_H
#define WF_DEFERREDS_H

#include <weft/sync.h>

#include "ask.h"
#include "core.h"

/* When a step runs (its `mode`). */
enum {
    WF_ON_SUCCESS,
    WF_ON_FAILURE,
    WF_ON_BOTH,
    WF_HAS_RUN, /* it waits for what its function gave: only passes on */
};

enum {
    WF_CONTEXT_DEPTH_MAX = 1024, /* how far above a step is looked for the message that waits */
    WF_WAITING_MAX = 65536,      /* waiting_max of a lock, a semaphore, a queue by default */
    WF_QUEUE_ITEMS_MAX = 4096,   /* items_max of a queue by default */
};

/* An outcome on its way up. */
typedef struct wf_rising {
    weft_msg *m;       /* NULL: somebody took it */
    weft_msg *context; /* of steps; NULL: not looked for yet */
    size_t index;      /* which member of a join it was */
    /* The function of the promise it is from, and what that belongs to: what was taken from a lock or a
     * queue goes back if nobody gets to see it. */
    weft_unwanted_fn *giver;
    void *given_by;
} wf_rising;

static inline wf_more *wf_more_of(const wf_reactor *r, const wf_cell *cell)
{
    return &r->more[wf_cell_index(r, cell)];
}

static inline weft_deferred wf_deferred_of(const wf_reactor *r, const wf_cell *cell)
{
    return (weft_deferred){wf_cell_index(r, cell), cell->gen};
}

/* Whether a continuation of @m, or its fiber, is what @cell is for. */
static inline bool wf_waits_for(const wf_cell *cell, const weft_msg *m)
{
    unsigned consumer = cell->state & WF_CONSUMER;
    return cell->kind >= WF_CELL_ASK && (consumer == WF_CONSUMED || consumer == WF_LATER) &&
           cell->msg == m;
}

/* ---- the tree (deferred_settle.c) */

/* The leaves under @top, which is its own if it waits for no other. Needs no memory; what is called between
 * the two may fail cells, but not free them. */
wf_cell *wf_first_leaf(const wf_reactor *r, wf_cell *top);
wf_cell *wf_next_leaf(const wf_reactor *r, const wf_cell *top, wf_cell *leaf);

/* Cancels what @cell waits for. false: all of it has fired. */
bool wf_cancel_under(wf_reactor *r, wf_cell *cell, const char *why);

/* What nobody waits for any more is left to itself: cancelled, or detached. */
void wf_leave(wf_reactor *r, wf_cell *cell, weft_rest rest);

/* @cell has come to @m, which it takes, and it is not simply an ask that a message waits for. */
void wf_settle_slow(wf_reactor *r, weft_actor *a, wf_cell *cell, weft_msg *m) WF_NOINLINE;

/* Nobody needs @up->m any more. */
void wf_rising_done(wf_reactor *r, wf_rising *up);

/* Frees a Deferred with what belongs to it. */
void wf_deferred_over(wf_reactor *r, weft_actor *a, wf_cell *cell);

/* Logs a failure that nobody reads, with where @cell was made. */
void wf_log_unread(const wf_reactor *r, weft_actor *a, const wf_cell *cell,
                   const weft_outcome *got);

/* The outcome that is @m. */
weft_outcome wf_outcome_of(const weft_msg *m);
/* Success without a value. */
extern const weft_type wf_nothing_type;
/* @m becomes a failure with the sentence of @err, or success without a value. */
void wf_become_failure(weft_msg *m, weft_err err);
void wf_become_nothing(weft_msg *m);

/* The end of @a: cells that are no asks; promises, which are told first. */
void wf_derived_end(wf_reactor *r, wf_cell *cell);
void wf_promises_end(wf_reactor *r, weft_actor *a);

/* ---- making (deferred_plain.c) */

/* A cell of @kind, fresh. errors: NULL. */
wf_cell *wf_derived_new(wf_reactor *r, weft_actor *self, unsigned kind);
/* Consumes @deferred for @up, as member @at; one that cannot be is replaced by a failure that says why.
 * errors: NULL, there is no room even for that. */
wf_cell *wf_take(wf_reactor *r, weft_actor *self, weft_deferred deferred, const wf_cell *up,
                 uint32_t at);
/* A promise without its promise. errors: NULL. */
wf_cell *wf_plain_new(wf_reactor *r, weft_actor *self);
/* The cell that *@promise, which it clears, may fire now. errors: NULL, and EUSED, EGONE. */
wf_cell *wf_promise_begin(weft_actor *self, weft_promise *promise, const weft_outcome *got,
                          weft_err *err);
/* Fires @cell with the message @m, which it takes. */
void wf_plain_fire(wf_reactor *r, weft_actor *self, wf_cell *cell, weft_msg *m);
/* A message for success without a value. errors: NULL. */
weft_msg *wf_nothing_new(wf_reactor *r);

/* ---- what waits (deferred_chain.c, deferred_join.c): where an outcome arrives */

/* @up->m has come to @cell from its member @at. Gives the cell that has settled with @up->m; NULL: it, or
 * another one, waits. */
wf_cell *wf_step_arrive(wf_reactor *r, weft_actor *a, wf_cell *cell, wf_rising *up);
wf_cell *wf_limit_arrive(wf_reactor *r, wf_cell *cell, wf_rising *up);
wf_cell *wf_join_arrive(wf_reactor *r, wf_cell *cell, uint32_t at, wf_rising *up);

/* The first member of a join, from @from on, that is outstanding. errors: 0, none is. */
uint32_t wf_join_member(const struct wf_join *join, uint32_t from);
/* Frees @join with what its members have come to so far. */
void wf_join_free(wf_reactor *r, struct wf_join *join);

/* ---- locks, semaphores, queues (deferred_sync.c, deferred_queue.c) */

/* A Deferred that waits in @line. errors: {0, 0}, and a failure when @max wait already. */
weft_deferred wf_line_wait(wf_reactor *r, weft_actor *self, weft_waiters *line, uint32_t max,
                           weft_unwanted_fn *unwanted, void *context);
/* Takes the first in @line that is still wanted. errors: NULL, there is none. */
wf_cell *wf_line_next(wf_reactor *r, weft_actor *self, weft_waiters *line);
/* Takes @cell out of @line. */
void wf_line_leave(wf_reactor *r, weft_waiters *line, wf_cell *cell);

/* Who waits for one no longer wants it; @context is the semaphore or the queue. */
void wf_semaphore_unwanted(weft_actor *self, weft_promise *promise, void *context);
void wf_queue_unwanted(weft_actor *self, weft_promise *promise, void *context);
/* What was given reached nobody. The second takes @m. */
void wf_semaphore_returned(weft_actor *self, void *semaphore);
void wf_queue_returned(weft_actor *self, void *queue, weft_msg *m);
/* Frees what stood in a queue. */
void wf_store_free(wf_reactor *r, weft_msg *first);

#endif
