/* SPDX-License-Identifier: MIT */
/* Ending: mail fails, children end first, then what was outstanding, then those who watch are told.
 *
 *   alive ── weft_stop ──▶ stopping ── turn over ──▶ fibers ended, mail failed ── children gone ──▶ ended
 *     └── stopped by others, has a row ──▶ asked ── weft_stop, or stop_grace_ms ──▲
 */
#include <stdarg.h>

#include "alloc.h"
#include "ask.h"
#include "buffer.h"
#include "deferreds.h"
#include "family.h"
#include "fiber.h"
#include "mailbox.h"
#include "name.h"
#include "operate.h"
#include "phases.h"
#include "program.h"
#include "remote.h"
#include "sys.h"
#include "ward.h"

static void set_reason(weft_actor *a, weft_err reason, const char *why)
{
    if (reason == WEFT_OK && (why == NULL || why[0] == '\0'))
        return;
    wf_rare *rare = wf_rare_of(a);
    if (rare == NULL)
        return;
    rare->reason = reason;
    if (why != NULL && why[0] != '\0' && rare->why == NULL) {
        size_t n = strnlen(why, WEFT_WHY_BYTES - 1);
        rare->why = wf_alloc_zero(n + 1);
        if (rare->why != NULL)
            memcpy(rare->why, why, n);
    }
}

weft_err weft_stop_because(weft_actor *self, weft_err reason, const char *format, ...)
{
    weft_why why = {""};
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        weft_because_v(&why, reason, format, args);
        va_end(args);
    }
    if ((self->bits & WF_STOPPING) == 0)
        wf_actor_stop(WF_R, self, reason, why.text, true);
    return WEFT_OK;
}

weft_err weft_stop(weft_actor *self, weft_err reason)
{
    if ((self->bits & WF_STOPPING) == 0)
        wf_actor_stop(WF_R, self, reason, NULL, true);
    return WEFT_OK;
}

/* Ends @a at once. A ward's children, too: who keeps it waits for them. */
static void stop_by_force(wf_reactor *r, weft_actor *a, weft_err reason, const char *why)
{
    a->bits |= WF_FORCED;
    if ((a->bits & WF_STOPPING) == 0)
        wf_actor_stop(r, a, reason, why, true);
    else if ((a->bits & WF_READY) == 0)
        wf_make_ready(r, a); /* it waits for its children */
}

static void grace_over(wf_timer *timer)
{
    wf_reactor *r = WF_R;
    const wf_rare *rare =
        (const wf_rare *)(const void *)((const char *)timer - offsetof(wf_rare, grace));
    weft_actor *a = r->slots[rare->actor].actor;
    weft_log(a, WEFT_WARNING, "did not stop in time: stopped by force");
    if (rare->ward != NULL)
        stop_by_force(r, a, WEFT_ETIMEDOUT, "did not stop in time");
    else
        wf_actor_stop(r, a, WEFT_ETIMEDOUT, "did not stop in time", true);
}

/* A ward's is its own, in shut-down everybody's is what is left. */
static uint32_t grace_of(const wf_reactor *r, const wf_rare *rare)
{
    if (rare->ward != NULL && rare->ward->stop_ms != 0)
        return rare->ward->stop_ms;
    uint32_t until = atomic_load_explicit(&r->sys->stop_until, memory_order_relaxed);
    int32_t left = (int32_t)(until - r->wheel.now);
    return until != 0 && left > WF_STOP_GRACE_MS ? (uint32_t)left : WF_STOP_GRACE_MS;
}

void wf_stop_grace(wf_reactor *r, weft_actor *a)
{
    wf_rare *rare = wf_rare_of(a);
    if (rare != NULL && !wf_timer_armed(&rare->grace))
        wf_timer_start(&r->wheel, &rare->grace, grace_of(r, rare), grace_over);
}

/* Tells it before everything that waits. false: memory is out. */
static bool ask_to_stop(wf_reactor *r, weft_actor *a, weft_err reason)
{
    weft_stopping body = {reason};
    weft_msg *m;
    wf_rare *rare = wf_rare_of(a);
    if (rare == NULL ||
        wf_msg_new(r, NULL, &weft_stopping_type, &body, 0, WF_UNCOUNTED, &m, NULL) != WEFT_OK)
        return false;
    a->bits |= WF_ASKED;
    m->deadline = 0;
    WF_STAT_ADD(a->mail, wf_mail_of(m));
    m->next = a->head;
    a->head = m;
    if (m->next == NULL)
        a->tail = &m->next;
    if ((a->bits & WF_READY) == 0)
        wf_make_ready(r, a);
    wf_stop_grace(r, a);
    return true;
}

void wf_actor_stop(wf_reactor *r, weft_actor *a, weft_err reason, const char *why, bool at_once)
{
    if ((a->bits & WF_STOPPING) != 0)
        return;
    if (WF_UNLIKELY((a->bits & WF_DOWN) != 0)) {
        wf_ward_stop_down(r, a);
        return;
    }
    if (WF_UNLIKELY((a->bits & WF_SUSPENDED) != 0))
        wf_resume(r, a);
    if (!at_once && WF_STAT_GET(a->program)->wants_stopping) {
        if ((a->bits & WF_ASKED) != 0 || ask_to_stop(r, a, reason))
            return;
    }
    set_reason(a, reason, why);
    a->bits |= WF_STOPPING;
    if ((a->bits & WF_READY) == 0)
        wf_make_ready(r, a);
}

static void stop_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    if (target != NULL)
        wf_actor_stop(r, target, (weft_err)c->word[0], NULL, c->word[1] != 0);
}

weft_err weft_stop_ref(weft_actor *self, weft_ref who, weft_err reason)
{
    wf_reactor *r = WF_R;
    (void)self;
    who = wf_resolve(r, who);
    if (wf_is_remote(who.home))
        return wf_remote_stop(r, who, reason);
    if (who.slot == 0)
        return WEFT_EGONE;
    if (wf_phases_is_coordinator(r->sys, who))
        return WEFT_EDENIED;
    if (who.home == r->home) { /* without a message: it takes no memory */
        weft_actor *target = wf_actor_at(r, who.slot, who.gen);
        if (target == NULL)
            return WEFT_EGONE;
        wf_actor_stop(r, target, reason, NULL, false);
        return WEFT_OK;
    }
    wf_control control = {.run = stop_here, .word = {(uint64_t)reason}};
    return wf_control_send(r, who, &control);
}

/* Fails and frees a chain of messages that will not be served. */
static void fail_mail(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    for (weft_msg *next; m != NULL; m = next) {
        next = m->next;
        WF_STAT_SUB(a->mail, wf_mail_of(m));
        wf_refuse(r, WF_STAT_GET(a->slot), WF_STAT_GET(a->gen), m, WEFT_EGONE);
    }
}

static void fail_all_mail(wf_reactor *r, weft_actor *a)
{
    while (a->rare != NULL && a->rare->roomers != NULL) {
        weft_msg *m = a->rare->roomers;
        a->rare->roomers = m->next;
        wf_refuse(r, WF_STAT_GET(a->slot), WF_STAT_GET(a->gen), m, WEFT_EGONE);
    }
    if (r->rest_actor == a) {
        weft_msg *rest = r->rest;
        r->rest_actor = NULL;
        r->rest = NULL;
        fail_mail(r, a, rest);
    }
    if (a->rare != NULL && a->rare->held != NULL) {
        weft_msg *held = a->rare->held;
        a->rare->held = NULL;
        a->rare->held_tail = &a->rare->held;
        fail_mail(r, a, held);
    }
    weft_msg *m = a->head;
    a->head = NULL;
    a->tail = &a->head;
    fail_mail(r, a, m);
}

/* Messages that are kept or wait end here; whoever asked is told. */
static void fail_one_held(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    m->flags &= (uint16_t) ~(WF_KEPT | WF_WAITS | WF_SERIAL);
    if (m->request != 0 && (m->flags & (WF_ANSWERED | WF_TIMER | WF_REPLY)) == 0)
        (void)wf_fail_request(r, a, m, WEFT_EGONE, NULL);
    wf_msg_done(r, a, m);
}

static void fail_held(wf_reactor *r, weft_actor *a)
{
    while (a->rare != NULL && a->rare->holds != NULL)
        fail_one_held(r, a, a->rare->holds->msg);
    while (a->rare != NULL && a->rare->told != NULL)
        fail_one_held(r, a, a->rare->told->msg);
}

static WF_COLD void fail_bare(wf_reactor *r, weft_actor *a)
{
    for (weft_msg *m; (m = wf_bare_of(r, a)) != NULL;)
        fail_one_held(r, a, m);
}

static WF_NOINLINE void call_child_ended(wf_reactor *r, weft_actor *parent, weft_actor *a,
                                         const weft_behaviour *b)
{
    weft_msg *outer = r->current;
    weft_actor *running = WF_STAT_GET(r->running);
    r->current = r->nothing;
    WF_STAT_PUBLISH(r->running, parent);
    b->child_ended(parent, wf_ref_of(r, a), a->rare != NULL ? a->rare->reason : WEFT_OK);
    if (r->unconsumed != 0)
        wf_detach_unconsumed(r, parent);
    WF_STAT_PUBLISH(r->running, running);
    r->current = outer;
}

static void unlink_sibling(wf_reactor *r, const weft_actor *a, weft_actor *parent)
{
    if (a->sibling != 0)
        r->slots[a->sibling].actor->sibling_back = a->sibling_back;
    if (a->sibling_back != 0)
        r->slots[a->sibling_back].actor->sibling = a->sibling;
    else
        parent->child = a->sibling;
}

/* One whose spawn failed half-way is down and no ward: nobody was given its reference. */
static bool has_lived(const weft_actor *a)
{
    return (a->bits & WF_DOWN) == 0 || (a->rare != NULL && a->rare->ward != NULL);
}

static void leave_family(wf_reactor *r, weft_actor *a)
{
    uint32_t parent_slot = WF_STAT_GET(a->parent);
    if (parent_slot == 0)
        return;
    weft_actor *parent = r->slots[parent_slot].actor;
    unlink_sibling(r, a, parent);
    if (WF_UNLIKELY((parent->bits & (WF_STOPPING | WF_READY)) == WF_STOPPING) && parent->child == 0)
        wf_make_ready(r, parent);
    const weft_behaviour *b = WF_STAT_GET(parent->program)->behaviour;
    if (WF_UNLIKELY(b->child_ended != NULL) && (parent->bits & WF_STOPPING) == 0 && has_lived(a))
        call_child_ended(r, parent, a, b);
}

void wf_family_move(wf_reactor *r, weft_actor *a, uint32_t parent)
{
    uint32_t slot = WF_STAT_GET(a->slot), before = WF_STAT_GET(a->parent);
    if (before != 0)
        unlink_sibling(r, a, r->slots[before].actor);
    /* one that has not run yet was counted at its parent */
    if ((a->bits & (WF_UNRUN | WF_READY)) == (WF_UNRUN | WF_READY)) {
        weft_actor *old = before != 0 ? r->slots[before].actor : NULL;
        if (old != NULL && old->unrun != 0 && --old->unrun == 0 && (old->bits & WF_PARKED) != 0) {
            old->bits &= (uint16_t)~WF_PARKED;
            wf_make_ready(r, old);
        }
        if (parent != 0 && r->slots[parent].actor->unrun < UINT16_MAX)
            r->slots[parent].actor->unrun++;
    }
    a->sibling = a->sibling_back = 0;
    WF_STAT_SET(a->parent, 0);
    if (parent != 0)
        wf_family_join(r, r->slots[parent].actor, a, slot);
}

/* What an actor may still do with its state: not ask, not spawn. */
static void run_ended_hook(wf_reactor *r, weft_actor *a)
{
    const weft_behaviour *b = WF_STAT_GET(a->program)->behaviour;
    if (b->ended == NULL)
        return;
    weft_msg *outer = r->current;
    weft_actor *running = WF_STAT_GET(r->running);
    r->current = r->nothing;
    WF_STAT_PUBLISH(r->running, a);
    b->ended(a, a->rare != NULL ? a->rare->reason : WEFT_OK);
    r->unconsumed = 0;
    WF_STAT_PUBLISH(r->running, running);
    r->current = outer;
}

static void rare_free(wf_reactor *r, weft_actor *a)
{
    wf_rare *rare = a->rare;
    wf_timer_cancel(&r->wheel, &rare->grace);
    wf_taps_done(rare);
    wf_free(rare->why);
    wf_free(rare);
    a->rare = NULL;
}

void wf_actor_end(wf_reactor *r, weft_actor *a)
{
    if (WF_UNLIKELY(a->rare != NULL) && a->rare->fibers != NULL)
        wf_fibers_end(r, a);
    fail_all_mail(r, a);
    if (WF_UNLIKELY(a->child != 0)) {
        weft_err reason = a->rare != NULL ? a->rare->reason : WEFT_OK;
        bool force = (a->bits & WF_FORCED) != 0;
        for (uint32_t i = a->child; i != 0; i = r->slots[i].actor->sibling)
            if (WF_UNLIKELY(force))
                stop_by_force(r, r->slots[i].actor, reason, NULL);
            else
                wf_actor_stop(r, r->slots[i].actor, reason, NULL, false);
        return;
    }
    a->bits |=
        WF_READY; /* what its end says to itself, cancelled asks for one, puts it into no queue */
    if (a->cells != 0)
        wf_promises_end(r, a);
    if (WF_LIKELY((a->bits & WF_DOWN) == 0)) /* else that was when it stopped */
        run_ended_hook(r, a);
    if (a->rare != NULL)
        fail_held(r, a);
    if (WF_UNLIKELY(r->bare != NULL))
        fail_bare(r, a);
    if (a->cells != 0)
        wf_cells_end(r, a);
    if (WF_UNLIKELY(a->head != NULL))
        fail_all_mail(r, a); /* what these last things had to say to the actor itself */
    if (WF_UNLIKELY(a->rare != NULL && a->rare->ward != NULL) && wf_ward_stays(r, a))
        return;
    if (a->rare != NULL) {
        wf_monitors_fire(r, a);
        if (a->rare->names != 0)
            wf_names_release(r->sys, a->rare->names);
    }
    /* gone before its parent hears of it, which may then monitor it, or tell it something */
    wf_slot *s = &r->slots[WF_STAT_GET(a->slot)];
    __atomic_store_n(&s->gen, s->gen + 1, __ATOMIC_RELAXED);
    leave_family(r, a);
    s->next_free = r->free_slot;
    r->free_slot = WF_STAT_GET(a->slot);
    WF_STAT_SUB(r->stat.actors, 1);
    const weft_behaviour *spawned_as = wf_spawned_as(a);
    const weft_account *account = wf_account_of(a);
    weft_err err;
    if (a->rare != NULL && a->rare->spawned_as != NULL)
        /* compiled at its spawn; what is left of it is known by its first behaviour */
        WF_STAT_SET(a->program, wf_program_of(r, spawned_as, &err, NULL));
    if (a->rare != NULL)
        rare_free(r, a);
    /* bytes it gave out are still alive: the last of them frees the memory its account stands in */
    if (WF_UNLIKELY(account != NULL) && WF_STAT_GET(account->held) != 0)
        a->bits |= WF_ZOMBIE;
    else
        wf_actor_free(r, a, spawned_as);
}

bool wf_stop_all(wf_reactor *r, weft_err reason, bool at_once)
{
    bool none = true;
    for (uint32_t i = 1; i <= r->slots_used; i++) {
        weft_actor *a = r->slots[i].actor;
        if (a == NULL || WF_STAT_GET(a->slot) != i || WF_STAT_GET(a->gen) != r->slots[i].gen)
            continue;
        none = false;
        if (WF_STAT_GET(a->parent) == 0 || at_once)
            wf_actor_stop(r, a, reason, NULL, at_once);
    }
    return none;
}
