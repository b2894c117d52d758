/* SPDX-License-Identifier: MIT */
/* Deferreds that a fiber has made and not consumed when it waits: it may consume them afterwards, and
 * meanwhile their replies may come.
 *
 *     fresh ── the fiber waits ──▶ later ── the reply comes ──▶ fired
 *                                    │                            │ weft_await, weft_when, weft_ignore:
 *                                    │ the same                   │ the reply comes once more
 *                                    └────────▶ consumed ◀────────┘
 *     the end of the fiber detaches what is still later or fired */
#include "ask.h"
#include "fiber.h"
#include "mailbox.h"

static bool is_later_of(const wf_cell *cell, const weft_msg *m)
{
    return (cell->state == WF_LATER || cell->state == WF_FIRED) && cell->msg == m;
}

void wf_later_keep(wf_reactor *r, wf_fiber *f)
{
    /* answered meanwhile: nothing upstream guards what it has asked any more */
    bool unguarded = (f->msg->flags & WF_ANSWERED) != 0;
    uint32_t left = r->unconsumed + (unguarded ? f->later : 0);
    for (uint32_t i = f->actor->cells; i != 0 && left != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (cell->kind != WF_CELL_ASK)
            continue;
        if (cell->state == WF_FRESH && r->unconsumed != 0) {
            r->unconsumed--;
            f->later++;
            cell->state = WF_LATER;
            cell->msg = f->msg;
        } else if (!unguarded || !is_later_of(cell, f->msg)) {
            continue;
        }
        left--;
        if (unguarded && cell->state == WF_LATER && cell->limit_ms == 0)
            wf_arm_late(r, cell);
    }
    r->unconsumed = 0;
}

void wf_later_fired(wf_reactor *r, wf_cell *cell, weft_msg *m)
{
    wf_timer_cancel(&r->wheel, &cell->timer);
    cell->state = WF_FIRED;
    cell->reply = m;
    cell->target_slot = 0;        /* there is nobody to be told of a cancel any more, */
    cell->target_home = m->flags; /* and room for this */
    m->flags = (uint16_t)((m->flags & ~(WF_PLAIN | WF_FAILED)) | WF_KEPT);
}

static weft_msg *take_reply(wf_cell *cell)
{
    weft_msg *m = cell->reply;
    m->flags = cell->target_home;
    cell->target_home = 0;
    cell->reply = NULL;
    return m;
}

void wf_later_consume(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    cell->msg->hold->fiber->later--;
    cell->msg = NULL;
    if (cell->state == WF_FIRED)
        wf_deliver(r, a, take_reply(cell));
}

void wf_later_drop(wf_reactor *r, wf_cell *cell)
{
    wf_msg_free(r, take_reply(cell));
}

static void detach(wf_reactor *r, weft_actor *a, wf_cell *cell)
{
    bool fired = cell->state == WF_FIRED;
    cell->state = WF_DETACHED;
    cell->msg = NULL;
    if (fired)
        wf_deliver(r, a,
                   take_reply(cell)); /* to be looked at as any that comes after its handler */
    else if (cell->limit_ms == 0)
        wf_arm_late(r, cell);
}

void wf_later_detach(wf_reactor *r, wf_fiber *f)
{
    for (uint32_t i = f->actor->cells; i != 0 && f->later != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (cell->kind != WF_CELL_ASK || !is_later_of(cell, f->msg))
            continue;
        f->later--;
        detach(r, f->actor, cell);
    }
}
