/* SPDX-License-Identifier: MIT */
/* Asks: a cell waits for the reply; its limit stands in the wheel unless an ask upstream guards it. */
#define WEFT_MAKES_DEFERREDS
#include "ask.h"

#include <stdio.h>

#include "deferreds.h"
#include "fiber.h"
#include "mailbox.h"
#include "post.h"
#include "put.h"
#include "remote.h"

enum { FAIL_AGAIN_MS = 10 };

static void ask_late(wf_timer *timer);
static void fail_cell(wf_reactor *r, wf_cell *cell, weft_err err, weft_delivery delivery,
                      const char *why);

/* What time the ask has: its deadline, and what it arms: 0 when an ask upstream guards it. */
typedef struct limit {
    uint32_t deadline, arm_ms;
    unsigned flags;
} limit;

static inline limit limit_of(const wf_reactor *r, uint32_t limit_ms)
{
    const weft_msg *c = r->current;
    if (limit_ms == WEFT_INHERIT) {
        if (WF_LIKELY(c->deadline != 0 && (c->flags & (WF_GUARDED | WF_ANSWERED)) == WF_GUARDED))
            return (limit){c->deadline, 0, WF_GUARDED};
        if (c->deadline != 0) {
            int32_t left = (int32_t)(c->deadline - r->wheel.now);
            return (limit){c->deadline, left > 0 ? (uint32_t)left : 1, WF_GUARDED};
        }
        limit_ms = r->sys->options.ask_limit_ms;
    }
    if (limit_ms == WEFT_NO_LIMIT)
        return (limit){0, WEFT_NO_LIMIT, 0};
    if (limit_ms > WEFT_TIMER_MS_MAX)
        limit_ms = WEFT_TIMER_MS_MAX;
    uint32_t deadline = r->wheel.now + limit_ms;
    return (limit){deadline != 0 ? deadline : 1, limit_ms, WF_GUARDED};
}

uint32_t wf_ask_limit_ms(const wf_reactor *r, uint32_t limit_ms)
{
    return limit_of(r, limit_ms).arm_ms;
}

static weft_deferred deferred_at(uint64_t id)
{
    return (weft_deferred){(uint32_t)id, (uint32_t)(id >> 32)};
}

static WF_COLD void failed_at_once(wf_reactor *r, wf_cell *cell, weft_ref to, const weft_type *type,
                                   const void *body, weft_err err)
{
    weft_why why = {""};
    if (wf_is_remote(to.home) && err != WEFT_EINVAL) {
        wf_remote_explain(r, to, type, err, &why);
        fail_cell(r, cell, err, WEFT_NOT_DELIVERED, why.text);
        return;
    }
    if (err == WEFT_EINVAL) {
        /* the sentence names the type or the field: ask for it again, this is the slow path */
        weft_msg *m;
        if (wf_msg_new(r, NULL, type, body, 0, 0, &m, &why) == WEFT_OK)
            wf_msg_free(r, m);
    }
    wf_fail_cell(r, cell, err, why.text);
}

/* Opens the ask of @self to @to. errors: NULL when there is no cell; then the Deferred is {0}. */
static inline wf_cell *ask_open(wf_reactor *r, weft_actor *self, weft_ref to, uint32_t limit_ms,
                                uint64_t *id)
{
    wf_cell *cell = wf_cell_new(r, self, WF_CELL_ASK, id);
    if (WF_UNLIKELY(cell == NULL))
        return NULL;
    cell->state = WF_FRESH;
    cell->msg = NULL;
    cell->limit_ms = limit_ms;
    cell->target_home = (uint16_t)to.home;
    cell->target_slot = to.slot;
    cell->target_gen = to.gen;
    r->unconsumed++;
    self->asks++;
    WF_STAT_ADD(r->stat.asks, 1);
    return cell;
}

static inline void ask_arm(wf_reactor *r, wf_cell *cell, uint32_t limit_ms)
{
    if (limit_ms != 0 && limit_ms != WEFT_NO_LIMIT)
        wf_timer_start(&r->wheel, &cell->timer, limit_ms, ask_late);
}

/* The request carries the limit: lent to the context, so that the one way of sending serves asks. */
static WF_NOINLINE weft_err put_with(wf_reactor *r, weft_actor *self, weft_ref to,
                                     const weft_type *type, const void *body, uint64_t request,
                                     limit l)
{
    weft_msg *c = r->current;
    uint32_t deadline = c->deadline;
    c->deadline = l.deadline;
    weft_err err = wf_put(self, to, type, body, request, l.flags);
    c->deadline = deadline;
    return err;
}

void wf_ask_arm(wf_reactor *r, wf_cell *cell)
{
    ask_arm(r, cell, cell->limit_ms);
}

weft_deferred weft_ask_body(weft_actor *self, weft_ref to, const weft_type *type, const void *body,
                            uint32_t limit_ms)
{
    wf_reactor *r = WF_R;
    if (WF_UNLIKELY(to.home != r->home))
        to = wf_resolve(r, to);
    limit l = limit_of(r, limit_ms);
    uint64_t id;
    wf_cell *cell = ask_open(r, self, to, l.arm_ms, &id);
    if (WF_UNLIKELY(cell == NULL))
        return (weft_deferred){0, 0};
    if (WF_UNLIKELY(self->asks > WF_STAT_GET(self->program)->asks_max)) {
        wf_fail_cell(r, cell, WEFT_ELIMIT, "asks_max is reached");
        return deferred_at(id);
    }
    if (!wf_put_fast(r, self, to, type, body, id, l.flags, l.deadline)) {
        weft_err err = put_with(r, self, to, type, body, id, l);
        if (WF_UNLIKELY(err != WEFT_OK)) {
            failed_at_once(r, cell, to, type, body, err);
            return deferred_at(id);
        }
    }
    ask_arm(r, cell, l.arm_ms);
    return deferred_at(id);
}

weft_deferred wf_ask_by(weft_actor *self, weft_ref to, uint32_t limit_ms, wf_ask_send *send,
                        void *context, weft_why *why)
{
    wf_reactor *r = WF_R;
    uint64_t id;
    limit l = limit_of(r, limit_ms);
    wf_cell *cell = ask_open(r, self, to, l.arm_ms, &id);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    weft_msg *c = r->current;
    uint32_t deadline = c->deadline;
    c->deadline = l.deadline;
    weft_err err = self->asks > WF_STAT_GET(self->program)->asks_max
                       ? weft_because(why, WEFT_ELIMIT, "asks_max is reached")
                       : send(self, to, id, l.flags, context, why);
    c->deadline = deadline;
    if (err != WEFT_OK)
        wf_fail_cell(r, cell, err, why->text);
    else
        ask_arm(r, cell, l.arm_ms);
    return deferred_at(id);
}

weft_deferred wf_ask_control(weft_actor *self, weft_ref to, wf_control *control, bool *sent)
{
    wf_reactor *r = WF_R;
    uint64_t id;
    *sent = false;
    wf_cell *cell = ask_open(r, self, to, r->sys->options.ask_limit_ms, &id);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    weft_ref from = wf_ref_of(r, self);
    memcpy(&control->word[0], &from, sizeof from);
    control->word[2] = id;
    weft_err err =
        wf_home_index(to.home) < wf_threads(r->sys) ? wf_control_send(r, to, control) : WEFT_EINVAL;
    *sent = err == WEFT_OK;
    if (err != WEFT_OK)
        wf_fail_cell(r, cell, err, err == WEFT_EINVAL ? "there is no such reactor" : NULL);
    else
        ask_arm(r, cell, cell->limit_ms);
    return deferred_at(id);
}

/* ---- failures */

/* A failed reply as a message. errors: NULL. */
static weft_msg *failure_new(wf_reactor *r, const weft_actor *from, uint64_t request, weft_err err,
                             weft_delivery delivery, const char *why)
{
    size_t text = why != NULL ? strnlen(why, WEFT_WHY_BYTES - 1) : 0;
    weft_msg *m = wf_block_take(r, sizeof(wf_failure) + text + 1);
    if (m == NULL)
        return NULL;
    wf_fill(r, m, from, &wf_control_type, request, WF_REPLY | WF_UNCOUNTED | WF_FAILED);
    wf_failure *failure = (wf_failure *)(void *)m->body;
    failure->err = err;
    failure->delivery = (uint8_t)delivery;
    if (text != 0)
        memcpy(failure->why, why, text);
    failure->why[text] = '\0';
    return m;
}

weft_err wf_fail_request(wf_reactor *r, weft_actor *from, weft_msg *m, weft_err err,
                         const char *why)
{
    return wf_fail_delivery(r, from, m, err, WEFT_DELIVERY_UNKNOWN, why);
}

weft_err wf_fail_delivery(wf_reactor *r, weft_actor *from, weft_msg *m, weft_err err,
                          weft_delivery delivery, const char *why)
{
    if ((m->flags & WF_LOCAL) != 0) {
        weft_outcome got = {.err = err,
                            .why = why != NULL && why[0] != '\0' ? why : weft_err_text(err)};
        m->flags |= WF_ANSWERED;
        ((const weft_local_ops *)(uintptr_t)m->request)->answer(from, m, &got);
        return WEFT_OK;
    }
    weft_msg *reply = failure_new(r, from, m->request, err, delivery, why);
    weft_err put = reply != NULL ? wf_put_msg(r, m->from, reply) : WEFT_ENOMEM;
    if (put != WEFT_OK && reply != NULL)
        wf_msg_free(r, reply);
    if (put == WEFT_ENOMEM) {
        m->flags |= WF_OWED; /* said again, at the latest when it is let go of */
        return WEFT_ENOMEM;
    }
    m->flags |= WF_ANSWERED;
    return WEFT_OK;
}

static void fail_again(wf_timer *timer)
{
    wf_cell *cell = (wf_cell *)timer;
    wf_fail_cell(WF_R, cell, (weft_err)cell->limit_ms, NULL);
}

void wf_fail_cell(wf_reactor *r, wf_cell *cell, weft_err err, const char *why)
{
    fail_cell(r, cell, err, WEFT_DELIVERY_UNKNOWN, why);
}

static void fail_cell(wf_reactor *r, wf_cell *cell, weft_err err, weft_delivery delivery,
                      const char *why)
{
    weft_msg *m = failure_new(r, NULL, wf_cell_id(r, cell), err, delivery, why);
    cell->state |= WF_FIRED;
    if (WF_LIKELY(m != NULL)) {
        wf_deliver(r, r->slots[cell->timer.spare].actor, m);
        return;
    }
    /* no memory even to say so: said later, since no ask may hang */
    cell->limit_ms = err;
    wf_timer_cancel(&r->wheel, &cell->timer);
    wf_timer_arm(&r->wheel, &cell->timer, FAIL_AGAIN_MS, fail_again);
}

static void ask_late(wf_timer *timer)
{
    wf_reactor *r = WF_R;
    wf_cell *cell = (wf_cell *)timer;
    char why[96], who[WEFT_REF_TEXT_BYTES];
    weft_ref target = wf_cell_target(cell);
    if (target.slot == 0) /* a fiber waits for a message */
        (void)snprintf(why, sizeof why, "nothing came within %u ms", cell->limit_ms);
    else
        (void)snprintf(why, sizeof why, "%s did not answer within %u ms",
                       weft_ref_print(target, who), cell->limit_ms);
    /* the outcome comes through the mailbox, so that the order is kept: until it is served a reply that
     * is already queued wins */
    wf_fail_cell(r, cell, WEFT_ETIMEDOUT, why);
    wf_cancel_at_target(r, cell);
}

/* ---- outcomes */

void wf_settle(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    wf_cell *cell = wf_cell_at(r, m->request);
    if (WF_UNLIKELY(cell == NULL)) {
        WF_STAT_ADD(r->stat.late_replies, 1);
        if (m->type == &weft_spawned_type)
            wf_spawned_late(a, m);
        wf_msg_free(r, m);
        return;
    }
    if (WF_UNLIKELY(cell->state != WF_CONSUMED)) {
        wf_settle_slow(r, a, cell, m);
        return;
    }
    weft_outcome got;
    if (WF_LIKELY((m->flags & WF_FAILED) == 0))
        got = (weft_outcome){.why = "", .type = m->type, .body = m->body, .from = m->from};
    else
        got = wf_failure_of(m);
    weft_continue_fn *then = cell->then;
    weft_msg *waiting = cell->msg;
    wf_cell_free_at(r, wf_index_of(m->request));
    a->asks--;
    WF_STAT_SUB(r->stat.asks, 1);
    wf_go_on(r, a, waiting, then, &got);
    if (WF_LIKELY((m->flags & WF_PLAIN) != 0))
        wf_block_free(r, m);
    else
        wf_msg_free(r, m);
}

void wf_arm_late(wf_reactor *r, wf_cell *cell)
{
    for (wf_cell *leaf = wf_first_leaf(r, cell); leaf != NULL; leaf = wf_next_leaf(r, cell, leaf)) {
        if (leaf->kind != WF_CELL_ASK || leaf->limit_ms != 0)
            continue;
        leaf->limit_ms = r->sys->options.ask_limit_ms;
        if ((leaf->state & WF_FIRED) == 0)
            ask_arm(r, leaf, leaf->limit_ms);
    }
}

/* The cells made by this handler stand at the head of the actor's list. */
void wf_detach_unconsumed(wf_reactor *r, weft_actor *a)
{
    for (uint32_t i = a->cells; i != 0 && r->unconsumed != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (cell->kind < WF_CELL_ASK || (cell->state & WF_CONSUMER) != WF_FRESH)
            continue;
        cell->state |= WF_DETACHED;
        r->unconsumed--;
        wf_arm_late(r, cell);
    }
    r->unconsumed = 0;
}

/* ---- consuming */

static inline WF_FAST wf_cell *consume(wf_reactor *r, weft_actor *self, weft_deferred deferred,
                                       unsigned state, weft_err *err)
{
    wf_cell *cell = wf_cell_at(r, (uint64_t)deferred.gen << 32 | deferred.slot);
    if (cell == NULL || cell->kind < WF_CELL_ASK || cell->timer.spare != WF_STAT_GET(self->slot)) {
        *err = deferred.slot == 0 ? WEFT_ELIMIT : WEFT_EGONE;
        return NULL;
    }
    unsigned consumer = cell->state & WF_CONSUMER;
    if (WF_LIKELY(consumer == WF_FRESH)) {
        r->unconsumed--;
    } else if (consumer == WF_LATER || consumer == WF_CAME) {
        wf_later_consume(r, self, cell);
    } else {
        *err = WEFT_EUSED;
        return NULL;
    }
    cell->state |= (uint8_t)state;
    return cell;
}

wf_cell *wf_consume(weft_actor *self, weft_deferred deferred, unsigned state, weft_err *err)
{
    return consume(WF_R, self, deferred, state, err);
}

weft_err weft_when(weft_msg *msg, weft_deferred deferred, weft_continue_fn *fn)
{
    wf_reactor *r = WF_R;
    weft_actor *self = WF_STAT_GET(r->running);
    weft_err err;
    if (WF_UNLIKELY((msg->flags & WF_HELD) == 0) && wf_hold_of(r, self, msg) == NULL)
        return WEFT_ENOMEM;
    wf_cell *cell = consume(r, self, deferred, WF_CONSUMED, &err);
    if (WF_UNLIKELY(cell == NULL))
        return err;
    cell->then = fn;
    cell->msg = msg;
    msg->hold->waits++;
    msg->flags |= WF_WAITS;
    if (WF_UNLIKELY((msg->flags & WF_ANSWERED) != 0))
        wf_arm_late(r, cell); /* answered since it was asked: nothing guards it any more */
    return WEFT_OK;
}

weft_err weft_ignore(weft_actor *self, weft_deferred deferred)
{
    weft_err err;
    wf_cell *cell = consume(WF_R, self, deferred, WF_IGNORED, &err);
    if (cell == NULL)
        return err;
    wf_arm_late(WF_R, cell);
    return WEFT_OK;
}

/* ---- room */

weft_deferred weft_room(weft_actor *self, weft_ref to)
{
    wf_reactor *r = WF_R;
    unsigned char ask = 1;
    to = wf_resolve(r, to);
    uint64_t id;
    wf_cell *cell = ask_open(r, self, to, r->sys->options.ask_limit_ms, &id);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    /* the request itself must not be refused for room: it is sent as an event would be */
    weft_err err = wf_put(self, to, &weft_room_type, &ask, id, WF_UNCOUNTED);
    if (err != WEFT_OK)
        wf_fail_cell(r, cell, err, NULL);
    else
        ask_arm(r, cell, cell->limit_ms);
    return deferred_at(id);
}

void wf_arm_waiting(wf_reactor *r, const weft_actor *a, const weft_msg *m)
{
    for (uint32_t i = a->cells; i != 0; i = r->cells[i].next) {
        wf_cell *cell = &r->cells[i];
        if (wf_waits_for(cell, m))
            wf_arm_late(r, cell);
    }
}
