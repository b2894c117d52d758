/* SPDX-License-Identifier: MIT */
/* Deferreds that a fiber has made and not consumed when it waits: it may consume them afterwards, and
 * meanwhile their replies may come.
 *
 *     fresh ── the fiber waits ──▶ later ── the reply comes ──▶ came
 *                                    │                            │ weft_await, weft_when, weft_then, ...:
 *                                    │ the same                   │ the reply comes once more
 *                                    └────────▶ consumed ◀────────┘
 *     the end of the fiber detaches what is still later or came */
#include "ask.h"
#include "deferreds.h"
#include "fiber.h"
#include "mailbox.h"

static bool is_later_of(const wf_cell *cell, const weft_msg *m)
{
    unsigned consumer = cell->state & WF_CONSUMER;
    return (consumer == WF_LATER || consumer == WF_CAME) && cell->msg == m;
}

void wf_later_keep(wf_reactor *r, wf_fiber *f)
{
    /* answered meanwhile: nothing upstream guards what it has asked any more */
    bool unguarded = (f->msg->flags & WF_ANSWERED) != 0;
    uint32_t left = r->unconsumed + (unguarded ? f->later : 0);
    for (uint32_t i = f->actor->cells; i != 0 && left != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (cell->kind < WF_CELL_ASK)
            continue;
        if ((cell->state & WF_CONSUMER) == WF_FRESH && r->unconsumed != 0) {
            r->unconsumed--;
            f->later++;
            cell->state |= WF_LATER;
            cell->msg = f->msg;
        } else if (!unguarded || !is_later_of(cell, f->msg)) {
            continue;
        }
        left--;
        if (unguarded && (cell->state & WF_CONSUMER) == WF_LATER)
            wf_arm_late(r, cell);
    }
    r->unconsumed = 0;
}

/* Whatever it was, it is from now on a plain one that has fired, with what belongs to its outcome. */
void wf_later_came(wf_reactor *r, weft_actor *a, wf_cell *cell, wf_rising *up)
{
    wf_timer_cancel(&r->wheel, &cell->timer);
    if (cell->kind != WF_CELL_ASK) {
        if (cell->kind != WF_CELL_PLAIN) {
            a->asks++;
            WF_STAT_ADD(r->stat.asks, 1);
        }
        cell->kind = WF_CELL_PLAIN;
        cell->index = (uint32_t)up->index;
        *wf_more_of(r, cell) = (wf_more){.cancel = up->giver, .context = up->given_by};
    }
    cell->state = (uint8_t)((cell->state & WF_DERIVED) | WF_FIRED | WF_CAME);
    cell->reply = up->m;
    cell->reply->request = wf_cell_id(r, cell);
    up->m = NULL;
}

/* Nobody's, and fresh as to who may consume it. */
static void let_go(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    weft_msg *reply = (cell->state & WF_CONSUMER) == WF_CAME ? cell->reply : NULL;
    cell->state &= (uint8_t)~WF_CONSUMER;
    cell->msg = NULL;
    cell->reply = NULL;
    if (reply != NULL)
        wf_deliver(r, a, reply);
}

void wf_later_consume(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    cell->msg->hold->fiber->later--;
    let_go(r, a, cell);
}

void wf_later_drop(wf_reactor *r, wf_cell *cell)
{
    wf_msg_free(r, cell->reply);
}

void wf_later_detach(wf_reactor *r, wf_fiber *f)
{
    for (uint32_t i = f->actor->cells; i != 0 && f->later != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (cell->kind < WF_CELL_ASK || !is_later_of(cell, f->msg))
            continue;
        f->later--;
        let_go(r, f->actor, cell); /* to be looked at as any that comes after its handler */
        cell->state |= WF_DETACHED;
        wf_arm_late(r, cell);
    }
}
