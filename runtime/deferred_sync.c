/* SPDX-License-Identifier: MIT */
/* Locks and semaphores: promises in line, linked through their cells. */
#define WEFT_MAKES_DEFERREDS
#include "deferreds.h"
#include "mailbox.h"

/* ---- lines */

static void line_join(wf_reactor *r, weft_waiters *line, wf_cell *cell)
{
    uint32_t i = wf_cell_index(r, cell);
    cell->after = 0;
    cell->before = line->last;
    if (line->last != 0)
        r->cells[line->last].after = i;
    else
        line->first = i;
    line->last = i;
    line->waiting++;
}

void wf_line_leave(wf_reactor *r, weft_waiters *line, wf_cell *cell)
{
    if (cell->after != 0)
        r->cells[cell->after].before = cell->before;
    else
        line->last = cell->before;
    if (cell->before != 0)
        r->cells[cell->before].after = cell->after;
    else
        line->first = cell->after;
    cell->after = cell->before = 0;
    line->waiting--;
}

weft_deferred wf_line_wait(wf_reactor *r, weft_actor *self, weft_waiters *line, uint32_t max,
                           weft_unwanted_fn *unwanted, void *context)
{
    if (max == 0)
        max = WF_WAITING_MAX;
    if (line->waiting >= max)
        return weft_failed(self, WEFT_EFULL, "%u wait already: waiting_max is reached", max);
    wf_cell *cell = wf_plain_new(r, self);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    *wf_more_of(r, cell) = (wf_more){.cancel = unwanted, .context = context};
    line_join(r, line, cell);
    return wf_deferred_of(r, cell);
}

wf_cell *wf_line_next(wf_reactor *r, weft_actor *self, weft_waiters *line)
{
    while (line->first != 0) {
        wf_cell *cell = &r->cells[line->first];
        unsigned consumer = cell->state & WF_CONSUMER;
        wf_line_leave(r, line, cell);
        if ((cell->state & WF_CUT) != 0)
            wf_more_of(r, cell)->cancel = NULL; /* its end is under way, and no longer in line */
        else if (consumer == WF_DETACHED || consumer == WF_IGNORED)
            wf_deferred_over(r, self, cell);
        else
            return cell;
    }
    return NULL;
}

/* ---- semaphores */

void wf_semaphore_unwanted(weft_actor *self, weft_promise *promise, void *context)
{
    wf_reactor *r = WF_R;
    weft_semaphore *semaphore = context;
    (void)self;
    wf_line_leave(r, &semaphore->line, &r->cells[promise->slot]);
}

void wf_semaphore_returned(weft_actor *self, void *semaphore)
{
    (void)weft_semaphore_give(self, semaphore);
}

/* Fires @cell, whose place is taken; errors: ENOMEM, it fails with that. */
static weft_err grant(wf_reactor *r, weft_actor *self, wf_cell *cell)
{
    weft_msg *m = wf_nothing_new(r);
    if (m != NULL) {
        wf_plain_fire(r, self, cell, m);
        return WEFT_OK;
    }
    wf_more_of(r, cell)->cancel = NULL;
    wf_fail_cell(r, cell, WEFT_ENOMEM, NULL);
    return WEFT_ENOMEM;
}

weft_deferred weft_semaphore_take(weft_actor *self, weft_semaphore *semaphore)
{
    wf_reactor *r = WF_R;
    if (semaphore->held >= (semaphore->max != 0 ? semaphore->max : 1))
        return wf_line_wait(r, self, &semaphore->line, semaphore->waiting_max,
                            wf_semaphore_unwanted, semaphore);
    wf_cell *cell = wf_plain_new(r, self);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    *wf_more_of(r, cell) = (wf_more){.cancel = wf_semaphore_unwanted, .context = semaphore};
    if (grant(r, self, cell) == WEFT_OK)
        semaphore->held++;
    return wf_deferred_of(r, cell);
}

weft_err weft_semaphore_give(weft_actor *self, weft_semaphore *semaphore)
{
    wf_reactor *r = WF_R;
    wf_cell *cell;
    if (semaphore->held == 0)
        return WEFT_EINVAL;
    while ((cell = wf_line_next(r, self, &semaphore->line)) != NULL)
        if (grant(r, self, cell) == WEFT_OK)
            return WEFT_OK; /* it stays held, by another one */
    semaphore->held--;
    return WEFT_OK;
}

weft_deferred weft_lock_take(weft_actor *self, weft_lock *lock)
{
    return weft_semaphore_take(self, &lock->one);
}

weft_err weft_lock_give(weft_actor *self, weft_lock *lock)
{
    return weft_semaphore_give(self, &lock->one);
}
