/* SPDX-License-Identifier: MIT */
/* The three functions that wait, and the way of a next message to who waits for it. */
#include <weft/fiber.h>

#include "ask.h"
#include "fiber.h"
#include "mailbox.h"
#include "operate.h"
#include "sys.h"
#include "timer.h"

/* Why one may not wait. */
static const weft_outcome outside = {
    .err = WEFT_EINVAL,
    .why = "only a handler whose row has .fiber may wait, and what it calls itself"};
static const weft_outcome on_the_pool = {
    .err = WEFT_EUNSUPPORTED, .why = "an actor of the blocking pool cannot wait in a fiber"};
static const weft_outcome stopping = {.err = WEFT_ESTOPPING, .why = "its actor is stopping"};
static const weft_outcome cancelled = {.err = WEFT_ECANCELLED,
                                       .why = "the asker no longer wants it"};
/* Why a Deferred cannot be waited for. */
static const weft_outcome unusable[] = {
    {.err = WEFT_EUSED, .why = "the Deferred was consumed before"},
    {.err = WEFT_EGONE, .why = "not a Deferred of this actor, or one that is over"},
    {.err = WEFT_ELIMIT, .why = "too many asks, timers and monitors are outstanding"},
    {.err = WEFT_ENOMEM, .why = "no memory to wait"},
};

/* A fiber that does not take its actor's stop for an answer. */
static WF_COLD void refuse_again(wf_fiber *f)
{
    if (++f->refusals <= WF_FIBER_REFUSALS_MAX)
        return;
    f->err = WEFT_EINTERNAL;
    f->over = f->abandoned = true;
    wf_switch_abandon(&f->at);
}

/* The fiber that is about to wait. NULL: it may not, for @why. */
static wf_fiber *about_to_wait(wf_reactor *r, weft_actor *self, const weft_outcome **why)
{
    wf_fiber *f = r->fiber;
    /* a handler within the fiber's, as those of requests served in place, is not the fiber's */
    if (WF_UNLIKELY(f == NULL || f->actor != self || f->msg != r->current)) {
        *why = r->blocking ? &on_the_pool : &outside;
        return NULL;
    }
    wf_fiber_let_go(r, f);
    if (WF_UNLIKELY((self->bits & WF_STOPPING) != 0)) {
        refuse_again(f);
        *why = &stopping;
        return NULL;
    }
    if (WF_UNLIKELY(f->cancelled)) {
        f->cancelled = false;
        *why = &cancelled;
        return NULL;
    }
    return f;
}

/* What every wait goes on with. */
static weft_err on_fired(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_reactor *r = WF_R;
    wf_fiber *f = msg->hold->fiber;
    (void)self;
    f->got = got;
    return wf_fiber_resume(r, f);
}

static const weft_outcome *unusable_for(weft_err err)
{
    for (size_t i = 0; i + 1 < sizeof unusable / sizeof unusable[0]; i++)
        if (unusable[i].err == err)
            return &unusable[i];
    return &unusable[sizeof unusable / sizeof unusable[0] - 1];
}

const weft_outcome *weft_await(weft_actor *self, weft_deferred deferred)
{
    wf_reactor *r = WF_R;
    const weft_outcome *why = NULL;
    wf_fiber *f = about_to_wait(r, self, &why);
    if (WF_UNLIKELY(f == NULL)) {
        if (why == &stopping || why == &cancelled) {
            (void)weft_cancel(self, deferred);
            (void)weft_ignore(self, deferred);
        }
        return why;
    }
    weft_err err = weft_when(f->msg, deferred, on_fired);
    if (WF_UNLIKELY(err != WEFT_OK))
        return unusable_for(err);
    f->cell = deferred.slot;
    return wf_fiber_wait(r, f);
}

/* Opens a wait for nothing but its end. errors: ENOMEM, ELIMIT. */
static weft_err open_wait(wf_reactor *r, wf_fiber *f, uint32_t limit_ms)
{
    weft_actor *a = f->actor;
    wf_hold *hold = wf_hold_of(r, a, f->msg);
    if (hold == NULL)
        return WEFT_ENOMEM;
    if (a->asks >= WF_STAT_GET(a->program)->asks_max)
        return WEFT_ELIMIT;
    uint64_t id;
    wf_cell *cell = wf_cell_new(r, a, WF_CELL_ASK, &id);
    if (cell == NULL)
        return WEFT_ELIMIT;
    cell->state = WF_CONSUMED;
    cell->then = on_fired;
    cell->msg = f->msg;
    cell->target_home = 0;
    cell->target_slot = cell->target_gen = 0;
    cell->limit_ms = limit_ms;
    a->asks++;
    WF_STAT_ADD(r->stat.asks, 1);
    hold->waits++;
    f->msg->flags |= WF_WAITS;
    f->cell = (uint32_t)id;
    return WEFT_OK;
}

weft_err weft_sleep(weft_actor *self, uint32_t ms)
{
    wf_reactor *r = WF_R;
    const weft_outcome *got = NULL;
    wf_fiber *f = about_to_wait(r, self, &got);
    if (f == NULL)
        return got->err;
    if (ms > WEFT_TIMER_MS_MAX)
        ms = WEFT_TIMER_MS_MAX;
    weft_err err = open_wait(r, f, ms != 0 ? ms : 1);
    if (err != WEFT_OK)
        return err;
    if (ms == 0)
        wf_fail_cell(r, &r->cells[f->cell], WEFT_ETIMEDOUT, NULL);
    else
        wf_ask_arm(r, &r->cells[f->cell]);
    got = wf_fiber_wait(r, f);
    return got->err == WEFT_ETIMEDOUT ? WEFT_OK : got->err;
}

/* ---- weft_next */

/* Whether it still counts: a timer's may have been cancelled, the time of a request be over. If not, it
 * is taken care of. */
static bool counts(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    if ((m->flags & WF_TIMER) != 0)
        return wf_tick_begins(r, m);
    if (m->request == 0 || m->deadline == 0 || (int32_t)(r->wheel.now - m->deadline) < 0)
        return true;
    (void)weft_fail(m, WEFT_ETIMEDOUT, "its time was over before its turn came");
    wf_msg_done(r, a, m);
    return false;
}

static void hand_to(wf_fiber *f, weft_msg *m)
{
    m->flags |= WF_RUNS; /* dropped by the fiber itself it stays until the next wait */
    f->taken = m;
}

void wf_fiber_let_go(wf_reactor *r, wf_fiber *f)
{
    weft_msg *m = f->taken;
    if (m == NULL)
        return;
    f->taken = NULL;
    m->flags &= (uint16_t)~WF_RUNS;
    wf_msg_done(r, f->actor, m);
}

/* Takes the first message of @type out of those that wait for a serial one to be over. */
static weft_msg *unhold(wf_reactor *r, weft_actor *a, const weft_type *type)
{
    wf_rare *rare = a->rare;
    if (rare == NULL)
        return NULL;
    for (weft_msg **at = &rare->held, *m; (m = *at) != NULL;) {
        if (m->type != type) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        if (m->next == NULL)
            rare->held_tail = at;
        m->next = NULL;
        WF_STAT_SUB(a->mail, wf_mail_of(m));
        if (counts(r, a, m))
            return m;
    }
    return NULL;
}

static void expect(wf_fiber *f, const weft_type *type)
{
    weft_actor *a = f->actor;
    wf_rare *rare = a->rare;
    if (rare->expecting == NULL)
        rare->expecting_tail = &rare->expecting;
    f->expects = type;
    f->next_expecting = NULL;
    f->back_expecting = rare->expecting_tail;
    *rare->expecting_tail = f;
    rare->expecting_tail = &f->next_expecting;
    a->bits |= WF_EXPECTS;
}

void wf_fiber_unexpect(wf_fiber *f)
{
    wf_rare *rare = f->actor->rare;
    if (f->expects == NULL)
        return;
    f->expects = NULL;
    *f->back_expecting = f->next_expecting;
    if (f->next_expecting != NULL)
        f->next_expecting->back_expecting = f->back_expecting;
    else
        rare->expecting_tail = f->back_expecting;
    if (rare->expecting == NULL)
        f->actor->bits &= (uint16_t)~WF_EXPECTS;
}

/* Who has waited longest for a message of @type. */
static wf_fiber *who_expects(const weft_actor *a, const weft_type *type)
{
    wf_fiber *f = a->rare->expecting;
    while (f != NULL && f->expects != type)
        f = f->next_expecting;
    return f;
}

static const weft_outcome it_came = {.err = WEFT_OK, .why = ""};

bool wf_fiber_takes(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    wf_fiber *f = (m->flags & WF_REPLY) == 0 ? who_expects(a, m->type) : NULL;
    if (f == NULL)
        return false;
    if ((a->bits & WF_TAPPED) != 0)
        wf_tap_look(r, a, m);
    r->current = m;
    WF_STAT_SUB(a->mail, wf_mail_of(m));
    WF_STAT_ADD(r->served, 1);
    if (!counts(r, a, m))
        return true;
    weft_msg *served = f->msg;
    wf_fiber_unexpect(f);
    wf_fiber_wait_over(r, f);
    m->next = NULL;
    hand_to(f, m);
    f->got = &it_came;
    r->current = served;
    weft_err err = wf_fiber_resume(r, f);
    if (err != WEFT_OK)
        wf_handler_failed(a, served, err);
    wf_msg_done(r, a, served);
    if (r->unconsumed != 0)
        wf_detach_unconsumed(r, a);
    return true;
}

weft_err weft_next_of(weft_actor *self, const weft_type *type, uint32_t limit_ms, weft_msg **out)
{
    wf_reactor *r = WF_R;
    const weft_outcome *got = NULL;
    wf_fiber *f = about_to_wait(r, self, &got);
    if (f == NULL)
        return got->err;
    weft_msg *m = unhold(r, self, type);
    if (m != NULL) {
        hand_to(f, m);
        *out = m;
        return WEFT_OK;
    }
    weft_err err = open_wait(r, f, wf_ask_limit_ms(r, limit_ms));
    if (err != WEFT_OK)
        return err;
    wf_ask_arm(r, &r->cells[f->cell]);
    expect(f, type);
    got = wf_fiber_wait(r, f);
    wf_fiber_unexpect(f);
    if (got->err == WEFT_OK)
        *out = f->taken;
    return got->err;
}
