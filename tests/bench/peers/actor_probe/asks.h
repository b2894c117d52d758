/* SPDX-License-Identifier: MIT */
/* The probe's timer wheel (four levels of 256 lists; arm and cancel are a few stores and read no
 * clock), and the asks whose limits stand in it. */
#ifndef PROBE_ASKS_H
#define PROBE_ASKS_H

#include "send.h"

static inline void timer_arm(timer *t, uint32_t ms, void (*fire)(timer *))
{
    reactor *r = R;
    t->when = r->now + (ms ? ms : 1);
    t->fire = fire;
    uint32_t d = t->when - r->now;
    uint32_t level = d < 256 ? 0 : (31 - (uint32_t)__builtin_clz(d)) >> 3;
    uint32_t i = (t->when >> (8 * level)) & 255;
    timer **at = &r->wheel[level][i];
    if ((t->next = *at))
        t->next->back = &t->next;
    t->back = at;
    *at = t;
    r->wheel_bits[level][i >> 6] |= 1ull << (i & 63);
    r->armed++;
}

static inline void timer_cancel(timer *t)
{
    if (!t->back)
        return;
    if ((*t->back = t->next))
        t->next->back = t->back;
    t->back = NULL;
    R->armed--;
}

static void wheel_fall(reactor *r, uint32_t level, uint32_t now)
{
    uint32_t i = (now >> (8 * level)) & 255;
    timer *t = r->wheel[level][i], *n;
    r->wheel[level][i] = NULL;
    r->wheel_bits[level][i >> 6] &= ~(1ull << (i & 63));
    for (; t; t = n) {
        n = t->next;
        t->back = NULL;
        r->armed--;
        if (t->when == now)
            t->fire(t);
        else
            timer_arm(t, t->when - now, t->fire);
    }
}

static void wheel_run(reactor *r, uint32_t to)
{
    if (!r->armed) {
        r->now = to;
        return;
    }
    while ((int32_t)(to - r->now) > 0) {
        uint32_t now = ++r->now;
        for (uint32_t level = 4; level-- > 0;)
            if (!level || !(now & ((1u << (8 * level)) - 1)))
                wheel_fall(r, level, now);
    }
}

/* ms to the next expiry, or to the next fall from an upper level. */
static uint32_t wheel_next(const reactor *r)
{
    for (uint32_t k = 1; k < 256; k++) {
        uint32_t i = (r->now + k) & 255;
        if ((r->wheel_bits[0][i >> 6] >> (i & 63) & 1) && r->wheel[0][i])
            return k;
        if (!i)
            return k;
    }
    return 256;
}

static const type T_FAILED = {"failed", 8, NULL, NULL};

static inline uint64_t request_of(const reactor *r, const deferred *d)
{
    return (uint64_t)d->gen << 32 | (uint32_t)(d - r->deferreds);
}

/* The outcome comes through the mailbox, so that order holds. */
static void deferred_late(timer *t)
{
    deferred *d = (deferred *)t;
    int64_t why = E_LATE;
    put(NULL, (ref){.home = R->home, .slot = d->slot, .gen = d->slot_gen}, &T_FAILED, &why,
        request_of(R, d), F_REPLY | F_UNCOUNTED | F_FAILED);
}

static deferred *deferred_new(reactor *r, const actor *self, then_fn *then, void *arg)
{
    uint32_t i = r->free_deferred;
    deferred *d;
    if (i) {
        d = &r->deferreds[i];
        r->free_deferred = d->next_free;
    } else {
        d = &r->deferreds[++r->ndeferreds];
        d->gen = 1;
    }
    d->then = then;
    d->arg = arg;
    d->slot = self->slot;
    d->slot_gen = self->gen;
    d->limit.back = NULL;
    return d;
}

static inline void deferred_free(reactor *r, deferred *d)
{
    d->gen++;
    d->next_free = r->free_deferred;
    r->free_deferred = (uint32_t)(d - r->deferreds);
}

static int ask(actor *self, ref to, const type *t, const void *body, uint32_t limit_ms,
               then_fn *then, void *arg)
{
    reactor *r = R;
    deferred *d = deferred_new(r, self, then, arg);
    int e = put(self, to, t, body, request_of(r, d), 0);
    if (unlikely(e)) {
        deferred_free(r, d);
        return e;
    }
    if (limit_ms)
        timer_arm(&d->limit, limit_ms, deferred_late);
    return E_OK;
}

static inline int reply(actor *self, msg *q, const type *t, const void *body)
{
    if (!q->request || (q->flags & F_ANSWERED))
        return E_GONE;
    q->flags |= F_ANSWERED;
    return put(self, q->from, t, body, q->request, F_REPLY | F_UNCOUNTED);
}

/* The deferred is named by {slot, generation}, so a late reply dies here in O(1). */
static inline void settle(reactor *r, actor *a, msg *m)
{
    deferred *d = &r->deferreds[(uint32_t)m->request & (DEFERREDS - 1)];
    if (unlikely(d->gen != m->request >> 32)) {
        r->dead_letters++;
        return;
    }
    timer_cancel(&d->limit);
    then_fn *then = d->then;
    void *arg = d->arg;
    deferred_free(r, d);
    then(a, m, arg);
}

#endif
