/* SPDX-License-Identifier: MIT */
/* Wards: children that keep slot, generation, names and monitors when they stop.
 *
 * One that is down counts as ready (WF_READY) though no queue has it: so mail is linked to it and wakes
 * nobody, and the way of a message needs no look at WF_DOWN. */
#include "ward.h"

#include <weft/edge.h>

#include "alloc.h"
#include "ask.h"
#include "block.h"
#include "family.h"
#include "mailbox.h"
#include "program.h"

/* `started` stands in the ward: beginning takes no memory, and so cannot fail. */
_Static_assert(sizeof(weft_msg) + sizeof(weft_started) <= sizeof(((weft_ward *)0)->room),
               "a ward has room for it");

static weft_actor *actor_of(const wf_reactor *r, const weft_ward *ward)
{
    return ward->ref.home == r->home ? wf_actor_at(r, ward->ref.slot, ward->ref.gen) : NULL;
}

static weft_ward *ward_of(const weft_msg *m)
{
    return (weft_ward *)(uintptr_t)((const char *)m - offsetof(weft_ward, room));
}

/* ---- what the parent hears */

typedef struct news {
    weft_ward *ward;
    weft_err err;
    const char *why;
} news;

static void tell_up(weft_actor *self, void *context)
{
    const news *n = context;
    n->ward->ops->up(self, n->ward, n->err, n->why);
}

static void tell_down(weft_actor *self, void *context)
{
    const news *n = context;
    n->ward->ops->down(self, n->ward, n->err, n->why);
}

static weft_actor *parent_of(const wf_reactor *r, const weft_actor *a)
{
    uint32_t slot = WF_STAT_GET(a->parent);
    return slot != 0 ? r->slots[slot].actor : NULL;
}

/* One that says nothing to `started` is up all the same. */
static void started_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_reactor *r = WF_R;
    weft_ward *ward = ward_of(msg);
    const weft_actor *a = actor_of(r, ward);
    bool well = got->err == WEFT_OK || got->err == WEFT_ENOANSWER;
    (void)self;
    if (a == NULL || (a->bits & WF_STOPPING) != 0)
        return; /* `down` says so */
    weft_actor *parent = parent_of(r, a);
    news n = {ward, well ? WEFT_OK : got->err, well ? "" : got->why};
    if (parent != NULL && (parent->bits & WF_STOPPING) == 0)
        weft_enter(parent, tell_up, &n);
}

static void started_done(weft_msg *msg)
{
    (void)msg;
}

static const weft_local_ops started_ops = {.answer = started_answer, .done = started_done};

/* ---- made, begun */

weft_err weft_ward_new(weft_actor *self, weft_ward *ward, const weft_behaviour *behaviour,
                       const void *config, const weft_ward_ops *ops, weft_why *why)
{
    wf_reactor *r = WF_R;
    *ward = (weft_ward){.ref = WEFT_NOBODY, .ops = ops};
    if (behaviour->account != 0)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "behaviour %s gives bytes out: it cannot be restarted in place",
                            behaviour->name);
    weft_err err;
    weft_actor *a = wf_spawn_quietly(r, self, behaviour, config, &err, why);
    if (a == NULL)
        return err;
    wf_rare *rare = wf_rare_of(a);
    if (rare == NULL) {
        wf_actor_stop(r, a, WEFT_ENOMEM, NULL, true);
        a->bits |= WF_DOWN; /* it never lived */
        return weft_because(why, WEFT_ENOMEM, "no memory for an actor of behaviour %s",
                            behaviour->name);
    }
    rare->ward = ward;
    a->bits |= WF_READY | WF_DOWN;
    ward->ref = wf_ref_of(r, a);
    return WEFT_OK;
}

/* Before what waits. */
static void start_first(wf_reactor *r, weft_actor *a, weft_ward *ward)
{
    weft_msg *m = weft_local_init(ward->room, &weft_started_type, &started_ops, 0, 0);
    const void *config = weft_config(a);
    m->place = r->place;
    memcpy(m->body, &config, sizeof config);
    WF_STAT_ADD(a->mail, wf_mail_of(m));
    m->next = a->head;
    a->head = m;
    if (m->next == NULL)
        a->tail = &m->next;
}

bool weft_ward_begin(weft_actor *self, weft_ward *ward)
{
    wf_reactor *r = WF_R;
    weft_actor *a = actor_of(r, ward);
    (void)self;
    if (a == NULL || (a->bits & WF_DOWN) == 0 || (a->bits & WF_STOPPING) != 0)
        return false;
    a->bits &= (uint16_t) ~(WF_DOWN | WF_READY);
    if (ward->begun++ != 0) {
        WF_STAT_ADD(r->stat.restarts, 1);
        wf_monitors_restarted(r, a, ward->begun - 1);
    }
    a->rare->reason = WEFT_OK;
    wf_free(a->rare->why);
    a->rare->why = NULL;
    bool wants = WF_STAT_GET(a->program)->wants_started;
    if (wants)
        start_first(r, a, ward);
    if (a->head != NULL)
        wf_make_ready(r, a);
    return !wants;
}

/* ---- stopped, ended */

static void end_for_good(wf_reactor *r, weft_actor *a)
{
    a->rare->ward = NULL;
    a->bits = (uint16_t)((a->bits & ~WF_READY) | WF_STOPPING);
    wf_make_ready(r, a);
}

void wf_ward_stop_down(wf_reactor *r, weft_actor *a)
{
    const weft_actor *parent = parent_of(r, a);
    if (parent == NULL || (parent->bits & WF_STOPPING) != 0)
        end_for_good(r, a);
}

void weft_ward_stop(weft_actor *self, weft_ward *ward, weft_err reason)
{
    wf_reactor *r = WF_R;
    weft_actor *a = actor_of(r, ward);
    (void)self;
    if (a == NULL || (a->bits & WF_DOWN) != 0)
        return;
    wf_stop_grace(r, a); /* also for one whose children are slow to end */
    wf_actor_stop(r, a, reason, NULL, false);
}

void weft_ward_kill(weft_actor *self, weft_ward *ward, weft_err reason, const char *why)
{
    wf_reactor *r = WF_R;
    weft_actor *a = actor_of(r, ward);
    (void)self;
    if (a == NULL || (a->bits & WF_DOWN) != 0)
        return;
    wf_stop_grace(r, a);
    wf_actor_stop(r, a, reason, why, true);
}

void weft_ward_end(weft_actor *self, weft_ward *ward, weft_err reason)
{
    wf_reactor *r = WF_R;
    weft_actor *a = actor_of(r, ward);
    if (a == NULL)
        return;
    a->rare->ward_over = true;
    if ((a->bits & WF_DOWN) == 0)
        weft_ward_kill(self, ward, reason, NULL);
    else if ((a->bits & WF_STOPPING) == 0)
        end_for_good(r, a);
}

bool weft_ward_is_down(const weft_ward *ward)
{
    const weft_actor *a = actor_of(WF_R, ward);
    return a == NULL || (a->bits & WF_DOWN) != 0;
}

/* As it was made, but for what stays: family, names, those who monitor it, and why it stopped. */
static void reset(wf_reactor *r, weft_actor *a)
{
    wf_rare *rare = a->rare;
    const weft_behaviour *b = wf_spawned_as(a);
    weft_err err;
    if (rare->spawned_as != NULL) {
        WF_STAT_PUBLISH(a->program, wf_program_of(r, b, &err, NULL)); /* compiled at its spawn */
        rare->spawned_as = NULL;
    }
    wf_timer_cancel(&r->wheel, &rare->grace);
    rare->serials = 0;
    rare->monitors = 0;
    rare->note_undelivered = false;
    memset(a->state, 0, b->state_bytes);
    a->asks = 0;
    a->bits = (uint16_t)((a->bits & (WF_CONFIG | WF_TAPPED)) | WF_READY | WF_DOWN);
}

bool wf_ward_stays(wf_reactor *r, weft_actor *a)
{
    wf_rare *rare = a->rare;
    weft_actor *parent = parent_of(r, a);
    if (rare->ward_over || parent == NULL || (parent->bits & WF_STOPPING) != 0)
        return false;
    wf_monitors_life_over(r, a);
    if ((parent->bits & WF_STOPPING) != 0) /* it was linked to this one */
        return false;
    reset(r, a);
    news n = {rare->ward, rare->reason,
              rare->why != NULL ? rare->why : weft_err_text(rare->reason)};
    weft_enter(parent, tell_down, &n);
    return true;
}
