/* SPDX-License-Identifier: MIT */
/* What an operator does to actors. All hangs on branches that turns have for rare actors: WF_SUSPENDED and WF_TAPPED
 * stand in the masks of run.c beside WF_STOPPING and its like.
 *
 *                weft_suspend              its turn comes
 *      serves ────────────────▶ SUSPENDED ────────────────▶ SUSPENDED, READY, PARKED: set aside
 *        ▲                          │                                  │
 *        └──────── weft_resume, or whoever stops it ◀──────────────────┘
 *
 * WF_PARKED says "ready, in no queue" also of one that waits for its new children: whichever of the two ends
 * first queues it, and the other is looked at in its turn. */
#include "operate.h"

#include "family.h"
#include "mailbox.h"
#include "phases.h"

/* ---- suspended */

void wf_set_aside(wf_reactor *r, weft_actor *a, weft_msg *rest)
{
    weft_msg *last = rest;
    (void)r;
    while (last->next != NULL)
        last = last->next;
    last->next = a->head;
    if (a->head == NULL)
        a->tail = &last->next;
    a->head = rest;
    a->bits |= WF_PARKED;
}

void wf_resume(wf_reactor *r, weft_actor *a)
{
    if ((a->bits & WF_SUSPENDED) == 0)
        return;
    uint32_t since = WF_STAT_GET(a->ready_at);
    unsigned bits = a->bits;
    a->bits = (uint16_t)(bits & ~(unsigned)(WF_SUSPENDED | WF_PARKED));
    WF_STAT_SET(a->handled, WF_STAT_GET(a->handled) & ~WF_HANDLED_SUSPENDED);
    if ((bits & WF_PARKED) == 0)
        return;
    wf_make_ready(r, a);
    WF_STAT_SET(a->ready_at, since); /* the oldest of its messages has waited for all that time */
}

static void suspend_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    (void)r, (void)m;
    if (target == NULL || (target->bits & (WF_STOPPING | WF_ASKED | WF_DOWN | WF_SUSPENDED)) != 0)
        return;
    target->bits |= WF_SUSPENDED;
    WF_STAT_SET(target->handled, WF_STAT_GET(target->handled) | WF_HANDLED_SUSPENDED);
}

static void resume_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    (void)m;
    if (target != NULL)
        wf_resume(r, target);
}

static void kill_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    if (target != NULL)
        wf_actor_stop(r, target, (weft_err)c->word[0], NULL, true);
}

/* Sends @control to whoever @who stands for. */
static weft_err control_of(weft_ref who, const wf_control *control)
{
    wf_reactor *r = WF_R;
    who = wf_resolve(r, who);
    if (wf_is_remote(who.home))
        return WEFT_EUNSUPPORTED;
    if (wf_phases_is_coordinator(r->sys, who))
        return WEFT_EDENIED;
    if (who.slot == 0 || (who.home == r->home && wf_actor_at(r, who.slot, who.gen) == NULL))
        return WEFT_EGONE;
    return wf_control_send(r, who, control);
}

weft_err weft_suspend(weft_actor *self, weft_ref who)
{
    if (weft_ref_same(wf_resolve(WF_R, who), weft_self(self)))
        return WEFT_EINVAL;
    return control_of(who, &(wf_control){.run = suspend_here});
}

weft_err weft_resume(weft_actor *self, weft_ref who)
{
    (void)self;
    return control_of(who, &(wf_control){.run = resume_here});
}

weft_err weft_kill(weft_actor *self, weft_ref who, weft_err reason)
{
    (void)self;
    return control_of(who, &(wf_control){.run = kill_here, .word = {(uint64_t)reason}});
}
