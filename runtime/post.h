/* SPDX-License-Identifier: MIT */
/* The way between reactors: batches handed over by one exchange, credit, the sleeper woken once. */
#ifndef WF_POST_H
#define WF_POST_H

#include "core.h"
#include "sys.h"

/* Puts @m, which is complete, on the way to actor @slot, @gen of reactor @to; @slot 0: the reactor
 * itself (WF_CONTROL). Ordinary messages need credit.
 * errors: EFULL, ENOMEM; @m stays the caller's. thread: the reactor's. */
weft_err wf_post(wf_reactor *r, unsigned to, uint32_t slot, uint32_t gen, weft_msg *m);

/* Whether one more ordinary message may go to reactor @to; takes home what has come back first. */
bool wf_has_credit(wf_reactor *r, unsigned to);

/* The same without a look at what has come back. */
static inline bool wf_credit_left(const wf_reactor *r, unsigned to)
{
    return r->abroad[to] < WF_ABROAD_MAX && r->abroad_bytes[to] < WF_ABROAD_BYTES_MAX;
}

/* Hands over every batch that is being filled: at the end of a round of turns. */
void wf_hand_over_all(wf_reactor *r);

/* Delivers what other reactors sent. false: nothing was there. */
bool wf_take_inbox(wf_reactor *r);

/* As wf_post from a thread that is no reactor; @m is taken in success and in failure. */
weft_err wf_post_foreign(weft_system *sys, unsigned to, uint32_t slot, uint32_t gen, weft_msg *m);

/* Puts a batch on a list that another thread empties. */
static inline void wf_push_batch(_Atomic(wf_batch *) *to, wf_batch *b)
{
    b->next = atomic_load_explicit(to, memory_order_relaxed);
    /* seq_cst: the store must come before the load of `sleeping` that follows (see wf_reactor_sleep);
     * release would let the processor swap them, and a wake-up would be lost */
    while (!atomic_compare_exchange_weak_explicit(to, &b->next, b, memory_order_seq_cst,
                                                  memory_order_relaxed)) {
    }
}

/* An empty batch of this reactor. errors: NULL. */
wf_batch *wf_batch_take(wf_reactor *r);
/* Gives an emptied batch to the reactor it belongs to. */
void wf_batch_give_back(wf_reactor *r, wf_batch *b);
/* Frees every batch this reactor has. */
void wf_batches_done(wf_reactor *r);

/* Wakes @to if it sleeps. thread: any. */
void wf_wake(wf_reactor *to);

#endif
