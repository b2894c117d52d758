/* SPDX-License-Identifier: MIT */
/* Settling: how an outcome rises through the Deferreds that wait for it, and who has it in the end. */
#include "deferreds.h"

#include <stdio.h>

#include "fiber.h"
#include "mailbox.h"

/* ---- the tree */

/* What @cell waits for next, from its member @from on; 0: nothing. */
static uint32_t source_of(const wf_reactor *r, const wf_cell *cell, uint32_t from)
{
    switch (cell->kind) {
    case WF_CELL_STEP:
    case WF_CELL_LIMIT:
        return from == 0 ? cell->source : 0;
    case WF_CELL_JOIN:
        return wf_join_member(wf_more_of(r, cell)->join, from);
    default:
        return 0;
    }
}

wf_cell *wf_first_leaf(const wf_reactor *r, wf_cell *top)
{
    for (uint32_t i; (i = source_of(r, top, 0)) != 0;)
        top = &r->cells[i];
    return top;
}

wf_cell *wf_next_leaf(const wf_reactor *r, const wf_cell *top, wf_cell *leaf)
{
    while (leaf != top) {
        wf_cell *up = &r->cells[leaf->up];
        uint32_t i = source_of(r, up, leaf->at + 1);
        if (i != 0)
            return wf_first_leaf(r, &r->cells[i]);
        leaf = up;
    }
    return NULL;
}

void wf_leave(wf_reactor *r, wf_cell *cell, weft_rest rest)
{
    bool cancel = rest == WEFT_CANCEL_REST;
    if (cancel)
        (void)wf_cancel_under(r, cell, NULL);
    unsigned consumer = cancel ? WF_IGNORED : WF_DETACHED;
    cell->state = (uint8_t)((cell->state & ~(unsigned)WF_CONSUMER) | consumer);
    if (!cancel)
        wf_arm_late(r, cell);
}

void wf_deferred_over(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    if (cell->kind <= WF_CELL_PLAIN) {
        a->asks--;
        WF_STAT_SUB(r->stat.asks, 1);
    }
    wf_cell_free(r, cell);
}

/* ---- outcomes */

const weft_type wf_nothing_type = {.name = "weft.nothing", .size = 1};

weft_outcome wf_outcome_of(const weft_msg *m)
{
    if ((m->flags & WF_FAILED) != 0)
        return wf_failure_of(m);
    if (m->type == &wf_nothing_type)
        return (weft_outcome){.why = "", .from = m->from};
    return (weft_outcome){.why = "", .type = m->type, .body = m->body, .from = m->from};
}

/* Every block has room for a failure without a sentence, so that no memory is needed to fail. */
_Static_assert(offsetof(wf_failure, why) < 64 - sizeof(weft_msg), "a failure fits the least block");

static void empty(weft_msg *m)
{
    if ((m->flags & (WF_PLAIN | WF_FAILED)) == 0)
        wf_body_release(m->type, m->body);
    m->from = WEFT_NOBODY;
}

void wf_become_failure(weft_msg *m, weft_err err)
{
    empty(m);
    m->type = &wf_control_type;
    m->flags |= WF_FAILED;
    wf_failure *failure = (wf_failure *)(void *)m->body;
    failure->err = err;
    failure->delivery = WEFT_DELIVERY_UNKNOWN;
    failure->why[0] = '\0';
}

void wf_become_nothing(weft_msg *m)
{
    empty(m);
    m->type = &wf_nothing_type;
    m->flags = (uint16_t)((m->flags & ~WF_FAILED) | WF_PLAIN);
}

/* ---- the end of the way */

void wf_log_unread(const wf_reactor *r, weft_actor *a, const wf_cell *cell, const weft_outcome *got)
{
    char who[WEFT_REF_TEXT_BYTES], asked[WEFT_REF_TEXT_BYTES + 16] = "", made[160] = "";
    if (got->err == WEFT_OK || got->err == WEFT_ECANCELLED)
        return;
    if (cell->kind == WF_CELL_ASK && cell->target_slot != 0)
        (void)snprintf(asked, sizeof asked, "; asked of %s",
                       weft_ref_print(wf_cell_target(cell), who));
#ifdef WEFT_DEV
    const wf_made *at = &r->made[wf_cell_index(r, cell)];
    if (at->file != NULL)
        (void)snprintf(made, sizeof made, "; made at %s:%d", at->file, at->line);
#else
    (void)r;
#endif
    weft_log(a, WEFT_WARNING, "nobody read a failed answer: %s (%s)%s%s", got->why,
             weft_err_name(got->err), asked, made);
}

/* What was handed out and reached nobody goes back to where it was taken from. */
static void give_back(weft_actor *a, wf_rising *up)
{
    if ((up->m->flags & WF_FAILED) != 0)
        return;
    if (up->giver == wf_semaphore_unwanted) {
        wf_semaphore_returned(a, up->given_by);
    } else if (up->giver == wf_queue_unwanted) {
        wf_queue_returned(a, up->given_by, up->m);
        up->m = NULL;
    }
}

static void nobody_waits(wf_reactor *r, weft_actor *a, wf_cell *cell, wf_rising *up)
{
    weft_outcome got = wf_outcome_of(up->m);
    if ((cell->state & WF_CONSUMER) == WF_DETACHED)
        wf_log_unread(r, a, cell, &got);
    wf_deferred_over(r, a, cell);
    give_back(a, up);
}

static void message_waits(wf_reactor *r, weft_actor *a, wf_cell *cell, const wf_rising *up)
{
    weft_continue_fn *then = cell->then;
    weft_msg *waiting = cell->msg;
    weft_outcome got = wf_outcome_of(up->m);
    got.index = up->index;
    wf_deferred_over(r, a, cell);
    wf_go_on(r, a, waiting, then, &got);
}

/* ---- the way */

void wf_rising_done(wf_reactor *r, wf_rising *up)
{
    r->current = up->m;
    wf_msg_free(r, up->m);
    up->m = NULL;
    r->current = r->nothing;
}

/* A promise is cancelled: its maker is told now, as a handler, and may still fire it. true: it did. */
static bool fired_when_cut(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    wf_more *more = wf_more_of(r, cell);
    weft_unwanted_fn *unwanted = more->cancel;
    weft_promise promise = {wf_cell_index(r, cell), cell->gen};
    cell->state &= (uint8_t) ~(WF_CUT | WF_FIRED);
    more->cancel = NULL;
    if (unwanted != NULL)
        unwanted(a, &promise, more->context);
    return (cell->state & WF_FIRED) != 0;
}

/* Whether all that @cell waits for stands in the mailbox. */
static bool is_coming(const wf_reactor *r, wf_cell *cell)
{
    for (wf_cell *leaf = wf_first_leaf(r, cell); leaf != NULL; leaf = wf_next_leaf(r, cell, leaf))
        if ((leaf->state & WF_FIRED) == 0 || wf_timer_armed(&leaf->timer))
            return false;
    return true;
}

/* A limit has passed, and what it limits was cancelled but has not come yet: if that has something to say
 * to it, it is heard first. true: @m stands in the mailbox again. */
static bool comes_later(wf_reactor *r, weft_actor *a, wf_cell *cell, weft_msg *m)
{
    wf_cell *source = &r->cells[cell->source];
    if (is_coming(r, source)) {
        wf_deliver(r, a, m);
        return true;
    }
    wf_leave(r, source, WEFT_CANCEL_REST);
    cell->source = 0;
    return false;
}

static wf_cell *arrive(wf_reactor *r, weft_actor *a, wf_cell *cell, uint32_t at, wf_rising *up)
{
    switch (cell->kind) {
    case WF_CELL_STEP:
        return wf_step_arrive(r, a, cell, up);
    case WF_CELL_LIMIT:
        return wf_limit_arrive(r, cell, up);
    default:
        return wf_join_arrive(r, cell, at, up);
    }
}

/* @cell has settled with @up->m. Gives the next one that has; NULL: the way is over. */
static wf_cell *rise(wf_reactor *r, weft_actor *a, wf_cell *cell, wf_rising *up)
{
    switch (cell->state & WF_CONSUMER) {
    case WF_CONSUMED:
        message_waits(r, a, cell, up);
        return NULL;
    case WF_CHAINED: {
        wf_cell *next = &r->cells[cell->up];
        uint32_t at = cell->at;
        wf_deferred_over(r, a, cell);
        return arrive(r, a, next, at, up);
    }
    case WF_LATER:
        wf_later_came(r, a, cell, up);
        return NULL;
    case WF_CAME: /* it has, and this is too late */
        WF_STAT_ADD(r->stat.late_replies, 1);
        return NULL;
    default:
        nobody_waits(r, a, cell, up);
        return NULL;
    }
}

void wf_settle_slow(wf_reactor *r, weft_actor *a, wf_cell *cell, weft_msg *m)
{
    wf_rising up = {.m = m};
    if ((cell->state & WF_CUT) != 0 && fired_when_cut(r, a, cell)) {
        wf_msg_free(r, m);
        return;
    }
    if (cell->kind == WF_CELL_PLAIN) {
        up.index = cell->index;
        up.giver = wf_more_of(r, cell)->cancel;
        up.given_by = wf_more_of(r, cell)->context;
    }
    if (cell->kind == WF_CELL_LIMIT && cell->source != 0 && comes_later(r, a, cell, m))
        return;
    while (cell != NULL) {
        r->current = up.m; /* what it holds may send when it ends */
        cell = rise(r, a, cell, &up);
    }
    if (up.m != NULL)
        wf_rising_done(r, &up);
}

/* ---- the end of an actor */

void wf_promises_end(wf_reactor *r, weft_actor *a)
{
    weft_msg *outer = r->current;
    weft_actor *running = WF_STAT_GET(r->running);
    r->current = r->nothing;
    WF_STAT_PUBLISH(r->running, a);
    /* what is called may make cells, before these in the list, but frees none while its actor ends */
    for (uint32_t i = a->cells; i != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (cell->kind == WF_CELL_PLAIN && (cell->state & (WF_FIRED | WF_CUT)) != WF_FIRED)
            (void)fired_when_cut(r, a, cell);
    }
    r->unconsumed = 0;
    WF_STAT_PUBLISH(r->running, running);
    r->current = outer;
}

void wf_derived_end(wf_reactor *r, wf_cell *cell)
{
    const wf_more *more = wf_more_of(r, cell);
    if (cell->kind == WF_CELL_PLAIN)
        WF_STAT_SUB(r->stat.asks, 1);
    else if (cell->kind == WF_CELL_JOIN && more->join != NULL)
        wf_join_free(r, more->join);
    else if (cell->kind == WF_CELL_STORE)
        wf_store_free(r, more->store);
    wf_cell_free(r, cell);
}
