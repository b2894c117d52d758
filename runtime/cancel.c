/* SPDX-License-Identifier: MIT */
/* Cancelling: the outcome here at once, the request wherever it is now. */
#include "ask.h"
#include "deferreds.h"
#include "family.h"
#include "fiber.h"
#include "mailbox.h"
#include "remote.h"
#include "timer.h"

const weft_type weft_cancelled_type = WEFT_TYPE("weft.cancelled", weft_cancelled, NULL);

/* What an actor of another node asked, its link did. */
static bool is_of(const weft_msg *m, weft_ref asker)
{
    return weft_ref_same(m->from, asker) ||
           (wf_is_remote(m->from.home) && weft_ref_same(wf_remote_link(WF_R->sys, m->from), asker));
}

static bool is_it(const weft_msg *m, weft_ref asker, uint64_t request)
{
    return wf_request_of(m->request) == request &&
           (m->flags & (WF_REPLY | WF_TIMER | WF_ANSWERED)) == 0 && is_of(m, asker);
}

/* Takes the request out of a chain; @tail is set when it was the last. NULL: not there. */
static weft_msg *unqueue(weft_msg **chain, weft_msg ***tail, weft_ref asker, uint64_t request)
{
    for (weft_msg **at = chain; *at != NULL; at = &(*at)->next) {
        weft_msg *m = *at;
        if (!is_it(m, asker, request))
            continue;
        *at = m->next;
        if (m->next == NULL && tail != NULL)
            *tail = at;
        return m;
    }
    return NULL;
}

static weft_msg *unqueue_anywhere(wf_reactor *r, weft_actor *a, weft_ref asker, uint64_t request)
{
    weft_msg *m = unqueue(&a->head, &a->tail, asker, request);
    if (m == NULL && a->rare != NULL)
        m = unqueue(&a->rare->held, &a->rare->held_tail, asker, request);
    if (m == NULL && r->rest_actor == a)
        m = unqueue(&r->rest, NULL, asker, request);
    return m;
}

/* Where cancels do not look for it: else the many requests of one asker would be passed for each other one. */
static void set_aside(wf_rare *rare, wf_hold *hold)
{
    *hold->back = hold->next;
    if (hold->next != NULL)
        hold->next->back = hold->back;
    hold->next = rare->told;
    hold->back = &rare->told;
    if (hold->next != NULL)
        hold->next->back = &hold->next;
    rare->told = hold;
}

/* Its continuations, its fiber, or whoever keeps it. What it asks from now on needs limits of its own: no
 * cancel comes a second time. */
void wf_tell_holder(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    bool waits =
        (m->flags & WF_WAITS) != 0 || ((m->flags & WF_HELD) != 0 && m->hold->fiber != NULL);
    for (uint32_t i = waits ? a->cells : 0, next; i != 0; i = next) {
        wf_cell *cell = &r->cells[i];
        next = cell->next;
        if (wf_waits_for(cell, m))
            (void)wf_cancel_under(r, cell, "the asker no longer wants it");
    }
    m->flags &= (uint16_t)~WF_GUARDED;
    if ((m->flags & WF_HELD) != 0 && m->hold->fiber != NULL)
        m->hold->fiber->cancelled = true;
    if ((m->flags & (WF_KEPT | WF_CANCELLED)) == WF_KEPT &&
        WF_STAT_GET(a->program)->wants_cancelled) {
        weft_cancelled body = {m};
        m->flags |= WF_CANCELLED; /* once, also when a limit and a lost asker come together */
        (void)wf_put(NULL, wf_ref_of(r, a), &weft_cancelled_type, &body, 0, WF_UNCOUNTED);
    }
}

/* Among the @most newest that it keeps. false: it is not there. */
static bool cancel_held(wf_reactor *r, weft_actor *a, weft_ref asker, uint64_t request,
                        uint32_t most)
{
    for (wf_hold *hold = a->rare != NULL ? a->rare->holds : NULL; hold != NULL && most-- > 0;
         hold = hold->next)
        if (is_it(hold->msg, asker, request)) {
            set_aside(a->rare, hold);
            wf_tell_holder(r, a, hold->msg);
            return true;
        }
    return false;
}

/* An asker that ends, or a link that is lost, cancels its newest request first: the newest that is kept is it, as a
 * rule, and the mailbox, where what was told of the others may stand by now, need not be looked through. */
static void cancel_request(wf_reactor *r, weft_actor *a, weft_ref asker, uint64_t request)
{
    enum { NEWEST = 4 };
    if (a == NULL || cancel_held(r, a, asker, request, NEWEST))
        return;
    weft_msg *m = unqueue_anywhere(r, a, asker, request);
    if (m != NULL) {
        WF_STAT_SUB(a->mail, wf_mail_of(m));
        wf_msg_free(r, m);
        if ((a->bits & WF_ROOMERS) != 0)
            wf_room_look(r, a);
        return;
    }
    m = a->rare != NULL ? unqueue(&a->rare->roomers, NULL, asker, request) : NULL;
    if (m != NULL) {
        wf_msg_free(r, m);
        return;
    }
    (void)cancel_held(r, a, asker, request, UINT32_MAX);
}

static void cancel_here(wf_reactor *r, weft_actor *a, weft_msg *control)
{
    const wf_control *c = (const wf_control *)(const void *)control->body;
    weft_ref asker;
    memcpy(&asker, &c->word[0], sizeof asker);
    cancel_request(r, a, asker, c->word[2]);
}

void wf_cancel_at(wf_reactor *r, weft_ref target, weft_ref asker, uint64_t request)
{
    wf_control control = {.run = cancel_here, .word = {[2] = request}};
    if (target.home == r->home) {
        cancel_request(r, wf_actor_at(r, target.slot, target.gen), asker, request);
        return;
    }
    memcpy(&control.word[0], &asker, sizeof asker);
    (void)wf_control_send(r, target, &control);
}

/* A request that was forwarded meanwhile is cancelled where it went when that is told: the cell, if it is
 * still there, knows no target any more (see forward.c). */
static void cancel_one(wf_reactor *r, wf_cell *cell)
{
    weft_ref target = wf_cell_target(cell);
    if (target.slot == 0)
        return;
    cell->target_slot = 0;
    wf_cancel_at(r, target, wf_ref_of(r, r->slots[cell->timer.spare].actor), wf_cell_id(r, cell));
}

/* What a cancelled request has asked is cancelled after it, not within it: a chain of asks may be long. */
void wf_cancel_at_target(wf_reactor *r, wf_cell *cell)
{
    uint32_t i = wf_cell_index(r, cell);
    cell->next_free = 0;
    if (r->cancel_last != 0) {
        r->cells[r->cancel_last].next_free = i;
        r->cancel_last = i;
        return;
    }
    r->cancel_last = i;
    for (; i != 0; i = r->cells[i].next_free)
        cancel_one(r, &r->cells[i]);
    r->cancel_last = 0;
}

/* One that waits for nothing of this actor's. false: it has fired. */
static bool cancel_leaf(wf_reactor *r, wf_cell *leaf, const char *why)
{
    if ((leaf->state & WF_FIRED) != 0)
        return false;
    if (leaf->kind == WF_CELL_ASK) {
        wf_cancel_at_target(r, leaf);
        wf_timer_cancel(&r->wheel, &leaf->timer);
    } else if (leaf->kind == WF_CELL_PLAIN) {
        leaf->state |=
            WF_CUT; /* its maker is told when this comes from the mailbox: as a handler */
    } else {
        return false; /* a step that runs now: what it will wait for is not there yet */
    }
    wf_fail_cell(r, leaf, WEFT_ECANCELLED, why);
    return true;
}

bool wf_cancel_under(wf_reactor *r, wf_cell *cell, const char *why)
{
    bool any = false;
    for (wf_cell *leaf = wf_first_leaf(r, cell); leaf != NULL; leaf = wf_next_leaf(r, cell, leaf))
        any |= cancel_leaf(r, leaf, why);
    return any;
}

weft_err weft_cancel(weft_actor *self, weft_deferred deferred)
{
    wf_reactor *r = WF_R;
    wf_cell *cell = wf_cell_at(r, (uint64_t)deferred.gen << 32 | deferred.slot);
    if (cell == NULL || cell->kind < WF_CELL_ASK || cell->timer.spare != WF_STAT_GET(self->slot) ||
        (cell->state & WF_CONSUMER) == WF_IGNORED)
        return WEFT_EUSED;
    return wf_cancel_under(r, cell, NULL) ? WEFT_OK : WEFT_EUSED;
}

void wf_cells_end(wf_reactor *r, weft_actor *a)
{
    while (a->cells != 0) {
        wf_cell *cell = &r->cells[a->cells];
        if (cell->kind >= WF_CELL_ASK && (cell->state & WF_CONSUMER) == WF_CAME)
            wf_later_drop(r, cell);
        switch (cell->kind) {
        case WF_CELL_ASK:
            if ((cell->state & WF_FIRED) == 0)
                wf_cancel_at_target(r, cell);
            WF_STAT_SUB(r->stat.asks, 1);
            wf_cell_free(r, cell);
            break;
        case WF_CELL_TIMER:
            wf_timer_end(r, cell);
            break;
        case WF_CELL_MONITOR:
            wf_monitor_end(r, cell);
            break;
        default:
            wf_derived_end(r, cell);
            break;
        }
    }
}
