/* SPDX-License-Identifier: MIT */
/* Chains: steps behind a Deferred, and limits of a Deferred's own. */
#define WEFT_MAKES_DEFERREDS
#include <stdio.h>

#include "deferreds.h"
#include "mailbox.h"
#include "sys.h"

/* What a step has not set: the slot is that of no Deferred, the generation that of no failed attempt. */
static const weft_deferred left_alone = {0, UINT32_MAX};

/* Has @cell wait for @deferred. */
static void wait_for(wf_reactor *r, weft_actor *self, wf_cell *cell, weft_deferred deferred)
{
    const wf_cell *source = wf_take(r, self, deferred, cell, 0);
    if (source != NULL)
        cell->source = wf_cell_index(r, source);
    else
        wf_fail_cell(r, cell, WEFT_ELIMIT, NULL);
}

static weft_deferred chain(weft_actor *self, weft_deferred deferred, unsigned mode,
                           weft_step_fn *step, void *context)
{
    wf_reactor *r = WF_R;
    wf_cell *cell = wf_derived_new(r, self, WF_CELL_STEP);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    cell->mode = mode;
    *wf_more_of(r, cell) = (wf_more){.step = step, .context = context};
    wait_for(r, self, cell, deferred);
    return wf_deferred_of(r, cell);
}

weft_deferred weft_then(weft_actor *self, weft_deferred deferred, weft_step_fn *step)
{
    return chain(self, deferred, WF_ON_SUCCESS, step, NULL);
}
weft_deferred weft_catch(weft_actor *self, weft_deferred deferred, weft_step_fn *step)
{
    return chain(self, deferred, WF_ON_FAILURE, step, NULL);
}
weft_deferred weft_finally(weft_actor *self, weft_deferred deferred, weft_step_fn *step)
{
    return chain(self, deferred, WF_ON_BOTH, step, NULL);
}
weft_deferred weft_then_with(weft_actor *self, weft_deferred deferred, weft_step_fn *step,
                             void *context)
{
    return chain(self, deferred, WF_ON_SUCCESS, step, context);
}
weft_deferred weft_catch_with(weft_actor *self, weft_deferred deferred, weft_step_fn *step,
                              void *context)
{
    return chain(self, deferred, WF_ON_FAILURE, step, context);
}
weft_deferred weft_finally_with(weft_actor *self, weft_deferred deferred, weft_step_fn *step,
                                void *context)
{
    return chain(self, deferred, WF_ON_BOTH, step, context);
}

/* ---- running a step */

/* The context of a step is the message that waits for the chain: what it asks inherits its time, is guarded
 * by its asker, and is cancelled with it. */
static weft_msg *context_of(const wf_reactor *r, const wf_cell *cell, wf_rising *up)
{
    for (unsigned i = 0; up->context == NULL && i < WF_CONTEXT_DEPTH_MAX; i++) {
        unsigned consumer = cell->state & WF_CONSUMER;
        if (consumer == WF_CONSUMED)
            up->context = cell->msg;
        if (consumer != WF_CHAINED)
            break;
        cell = &r->cells[cell->up];
    }
    return up->context != NULL ? up->context : up->m;
}

/* @cell has run and waits for what its step gave. Those above it that wait in the same way wait for that
 * instead, so that a loop of steps that give steps takes no more memory the longer it runs. */
static wf_cell *shortened(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    cell->mode = WF_HAS_RUN;
    while ((cell->state & WF_CONSUMER) == WF_CHAINED) {
        wf_cell *above = &r->cells[cell->up];
        if (above->kind != WF_CELL_STEP || above->mode != WF_HAS_RUN)
            break;
        above->source = 0;
        wf_deferred_over(r, a, cell);
        cell = above;
    }
    return cell;
}

/* Gives @cell if it has settled after all: what its step gave cannot be waited for. */
static wf_cell *go_on_with(wf_reactor *r, weft_actor *a, wf_cell *cell, weft_deferred next,
                           wf_rising *up)
{
    weft_err err;
    wf_cell *source = wf_consume(a, next, WF_CHAINED, &err);
    if (source == NULL) {
        wf_become_failure(up->m, err);
        return cell;
    }
    cell = shortened(r, a, cell);
    source->up = wf_cell_index(r, cell);
    source->at = 0;
    cell->source = wf_cell_index(r, source);
    wf_rising_done(r, up);
    return NULL;
}

wf_cell *wf_step_arrive(wf_reactor *r, weft_actor *a, wf_cell *cell, wf_rising *up)
{
    bool failed = (up->m->flags & WF_FAILED) != 0;
    unsigned mode = cell->mode;
    cell->source = 0;
    if (mode == WF_HAS_RUN || (mode == WF_ON_SUCCESS && failed) ||
        (mode == WF_ON_FAILURE && !failed))
        return cell;
    const wf_more *more = wf_more_of(r, cell);
    weft_deferred next = left_alone;
    weft_outcome got = wf_outcome_of(up->m);
    got.context = more->context;
    got.index = up->index;
    r->current = context_of(r, cell, up);
    weft_err err = more->step(a, &next, &got);
    r->current = up->m;
    up->giver = NULL;
    if (err == WEFT_OK && (next.slot != left_alone.slot || next.gen != left_alone.gen)) {
        up->index = 0;
        return go_on_with(r, a, cell, next, up);
    }
    if (err == WEFT_OK && mode == WF_ON_FAILURE)
        wf_become_nothing(up->m);
    else if (err != WEFT_OK && err != got.err)
        wf_become_failure(up->m, err);
    return cell;
}

/* ---- limits */

static void limit_late(wf_timer *timer)
{
    wf_reactor *r = WF_R;
    wf_cell *cell = (wf_cell *)timer;
    const wf_cell *leaf = wf_first_leaf(r, cell);
    char why[96], who[WEFT_REF_TEXT_BYTES];
    weft_ref target = leaf->kind == WF_CELL_ASK ? wf_cell_target(leaf)
                                                : wf_ref_of(r, r->slots[timer->spare].actor);
    (void)snprintf(why, sizeof why,
                   leaf->kind == WF_CELL_ASK ? "%s did not answer within %u ms"
                                             : "nothing came in %s within %u ms",
                   weft_ref_print(target, who), cell->limit_ms);
    /* the cancel first: a chain that makes a value of it is heard, one that only passes it on is not */
    (void)wf_cancel_under(r, cell, NULL);
    wf_fail_cell(r, cell, WEFT_ETIMEDOUT, why);
}

/* What is left of the time of the message being served, or the system's default. */
static uint32_t inherited_ms(const wf_reactor *r)
{
    if (r->current->deadline == 0)
        return r->sys->options.ask_limit_ms;
    int32_t left = (int32_t)(r->current->deadline - r->wheel.now);
    return left > 0 ? (uint32_t)left : 1;
}

weft_deferred weft_within(weft_actor *self, weft_deferred deferred, uint32_t limit_ms)
{
    wf_reactor *r = WF_R;
    if (limit_ms == WEFT_INHERIT)
        limit_ms = inherited_ms(r);
    if (limit_ms == WEFT_NO_LIMIT)
        return deferred;
    if (limit_ms > WF_TIMER_MS_MAX)
        limit_ms = WF_TIMER_MS_MAX;
    wf_cell *cell = wf_derived_new(r, self, WF_CELL_LIMIT);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    cell->limit_ms = limit_ms;
    wait_for(r, self, cell, deferred);
    if ((cell->state & WF_FIRED) == 0)
        wf_timer_start(&r->wheel, &cell->timer, limit_ms, limit_late);
    return wf_deferred_of(r, cell);
}

wf_cell *wf_limit_arrive(wf_reactor *r, wf_cell *cell, wf_rising *up)
{
    cell->source = 0;
    if ((cell->state & WF_FIRED) == 0 || wf_outcome_of(up->m).err != WEFT_ECANCELLED)
        return cell;
    wf_rising_done(r, up); /* its own failure, with the reason, comes right behind */
    return NULL;
}
