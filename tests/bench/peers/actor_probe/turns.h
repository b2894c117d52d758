/* SPDX-License-Identifier: MIT */
/* Actors of the probe: how they begin and end, and a turn over the mailbox as it stood. */
#ifndef PROBE_TURNS_H
#define PROBE_TURNS_H

#include "asks.h"

#define STATE(T, a) ((T *)(void *)(a)->state)

static inline size_t actor_size(const behaviour *b)
{
    return (sizeof(actor) + b->state_size + 15) & ~15ul;
}

static actor *spawn(const behaviour *b, actor *parent)
{
    reactor *r = R;
    size_t n = actor_size(b);
    uint32_t c = (uint32_t)(n >> 4) & 15;
    actor *a;
    if (n < 256 && (a = r->free_actor[c]))
        r->free_actor[c] = a->next_ready;
    else
        a = carve(n);
    memset(a, 0, n);
    uint32_t i = r->free_slot;
    if (i) {
        r->free_slot = r->slots[i].next_free;
    } else {
        i = ++r->nslots;
        r->slots[i].gen = 1;
    }
    r->slots[i].a = a;
    a->b = b;
    a->tail = &a->head;
    a->slot = i;
    a->gen = r->slots[i].gen;
    a->limit = LIMIT;
    a->fresh = 1;
    if (parent) {
        a->parent = parent->slot;
        a->sibling = parent->child;
        if (a->sibling)
            r->slots[a->sibling].a->sibling_back = i;
        parent->child = i;
    }
    return a;
}

static inline void stop_actor(actor *a)
{
    a->stopping = 1;
    if (!a->ready)
        make_ready(R, a);
}

static void orphan(reactor *r, actor *a)
{
    for (uint32_t i = a->child, n; i; i = n) {
        actor *c = r->slots[i].a;
        n = c->sibling;
        c->parent = c->sibling = c->sibling_back = 0;
        stop_actor(c);
    }
}

/* A request nobody answered fails its asker at once. */
static void request_done(reactor *r, actor *a, msg *m)
{
    if (unlikely(m->request && !(m->flags & (F_REPLY | F_ANSWERED | F_KEPT)))) {
        int64_t why = E_NO_ANSWER;
        put(a, m->from, &T_FAILED, &why, m->request, F_REPLY | F_UNCOUNTED | F_FAILED);
    }
    msg_free(r, m);
}

static void leave_family(reactor *r, actor *a)
{
    if (a->sibling)
        r->slots[a->sibling].a->sibling_back = a->sibling_back;
    if (a->sibling_back)
        r->slots[a->sibling_back].a->sibling = a->sibling;
    else
        r->slots[a->parent].a->child = a->sibling;
}

static void actor_end(reactor *r, actor *a)
{
    if (a->b->ended)
        a->b->ended(a);
    for (msg *m = a->head, *n; m; m = n) {
        n = m->next;
        request_done(r, a, m);
    }
    if (a->child)
        orphan(r, a);
    if (a->parent)
        leave_family(r, a);
    slot *s = &r->slots[a->slot];
    s->gen++;
    s->next_free = r->free_slot;
    r->free_slot = a->slot;
    size_t n = actor_size(a->b);
    if (n < 256) {
        a->next_ready = r->free_actor[n >> 4];
        r->free_actor[n >> 4] = a;
    }
}

/* 1: the message is done with. */
static inline int dispatch(reactor *r, actor *a, msg *m)
{
    if (m->flags & F_REPLY) {
        settle(r, a, m);
        return 1;
    }
    for (const handler *h = a->b->handlers; h->type; h++) {
        if (h->type != m->type)
            continue;
        if (unlikely(h->fiber))
            return 0; /* where a fiber would start: no workload has one, all pay the look */
        h->fn(a, m);
        return 1;
    }
    return 1;
}

static inline uint32_t turn(reactor *r, actor *a)
{
    msg *m = a->head, **end = a->tail, *n;
    uint32_t k = 0;
    a->head = NULL;
    a->tail = &a->head;
    while (m && k < QUOTA && !a->stopping) {
        n = m->next;
        k++;
        __builtin_prefetch(n);
        r->current = m;
        uint32_t size = m->size;
        a->queued -= !(m->flags & F_UNCOUNTED);
        a->queued_bytes -= size;
        a->handled_bytes += size;
        if (likely(dispatch(r, a, m)))
            request_done(r, a, m);
        m = n;
    }
    r->current = &no_message;
    a->handled += k;
    if (unlikely(m)) { /* over the quota: the rest goes first next time */
        *end = a->head;
        if (!a->head)
            a->tail = end;
        a->head = m;
    }
    if (a->b->after_turn)
        a->b->after_turn(a);
    a->ready = 0;
    if (unlikely(a->stopping))
        actor_end(r, a);
    else if (a->head)
        make_ready(r, a);
    return k;
}

#endif
