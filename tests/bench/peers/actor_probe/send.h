/* SPDX-License-Identifier: MIT */
/* How a message travels in the probe: to a mailbox here, or in a batch to another reactor. */
#ifndef PROBE_SEND_H
#define PROBE_SEND_H

#include "memory.h"

/* The run queue: new children first, within a cap that grows with their number; then in order. */
static inline void make_ready(reactor *r, actor *a)
{
    a->ready = 1;
    if (a->fresh) {
        a->fresh = 0;
        a->next_ready = r->fresh;
        r->fresh = a;
        r->fresh_len++;
        return;
    }
    a->next_ready = NULL;
    *r->ready_tail = a;
    r->ready_tail = &a->next_ready;
}

static inline actor *next_ready(reactor *r)
{
    actor *a = r->fresh;
    if (a && (r->fresh_run++ < FRESH_CAP + (r->fresh_len >> 3) || !r->ready)) {
        r->fresh = a->next_ready;
        r->fresh_len--;
        return a;
    }
    r->fresh_run = 0;
    if ((a = r->ready) && !(r->ready = a->next_ready))
        r->ready_tail = &r->ready;
    return a;
}

static inline void deliver(reactor *r, actor *a, msg *m)
{
    m->next = NULL;
    *a->tail = m;
    a->tail = &m->next;
    a->queued += !(m->flags & F_UNCOUNTED);
    a->queued_bytes += m->size;
    if (!a->ready)
        make_ready(r, a);
}

static inline void fill(reactor *r, msg *m, const actor *from, const type *t, const void *body,
                        uint64_t request, uint8_t flags)
{
    m->type = t;
    m->request = request;
    m->size = (uint16_t)t->size;
    m->flags = flags;
    m->from = from ? (ref){.home = r->home, .slot = from->slot, .gen = from->gen} : (ref){0};
    m->trace = r->current->trace; /* a message is the context of what it causes */
    m->deadline = r->current->deadline;
    if (likely(t->size == 8))
        memcpy(m->body, body, 8);
    else if (t->size)
        memcpy(m->body, body, t->size);
    if (t->share)
        t->share(m->body);
}

static void hand_over(reactor *r, uint32_t to)
{
    reactor *o = reactors[to];
    push_batch(&o->inbox, r->out[to]);
    r->out[to] = NULL;
    if (atomic_load_explicit(&o->sleeping, memory_order_seq_cst) &&
        atomic_exchange(&o->sleeping, 0)) {
        uint64_t wake = 1;
        r->wakes++;
        if (write(o->eventfd, &wake, 8) < 0)
            abort();
    }
}

static inline void flush_out(reactor *r)
{
    if (!r->out_any)
        return;
    r->out_any = 0;
    for (uint32_t i = 0; i < MAX_REACTORS; i++)
        if (r->out[i])
            hand_over(r, i);
}

static __attribute__((noinline)) int post(const actor *from, ref to, const type *t,
                                          const void *body, uint64_t request, uint8_t flags)
{
    reactor *r = R;
    if (r->abroad >= ABROAD_MAX && !(flags & F_UNCOUNTED)) {
        take_home(r);
        if (r->abroad >= ABROAD_MAX) {
            r->refused++;
            return E_FULL;
        }
    }
    msg *m = block_take(r, t->size);
    fill(r, m, from, t, body, request, flags);
    batch *b = r->out[to.home];
    if (!b)
        b = r->out[to.home] = batch_new(r);
    b->e[b->n].m = m;
    b->e[b->n].slot = to.slot;
    b->e[b->n].gen = to.gen;
    r->abroad++;
    r->out_any = 1;
    if (++b->n == BATCH_MAX)
        hand_over(r, (uint32_t)to.home);
    return E_OK;
}

static __attribute__((noinline)) int put_any(reactor *r, actor *a, const actor *from, const type *t,
                                             const void *body, uint64_t request, uint8_t flags)
{
    msg *m = block_take(r, t->size);
    fill(r, m, from, t, body, request, flags);
    deliver(r, a, m);
    return E_OK;
}

static __attribute__((noinline)) int gone(reactor *r)
{
    r->dead_letters++;
    return E_GONE;
}

static __attribute__((noinline)) int full(reactor *r)
{
    r->refused++;
    return E_FULL;
}

/* The fast path is a body of one word; what needs a call is left by a tail call, so that no
 * register is saved here. */
static __attribute__((noinline)) int put(const actor *from, ref to, const type *t, const void *body,
                                         uint64_t request, uint8_t flags)
{
    reactor *r = R;
    if (unlikely(to.home != r->home))
        return post(from, to, t, body, request, flags);
    slot *s = &r->slots[to.slot & (SLOTS - 1)];
    if (unlikely(s->gen != to.gen))
        return gone(r);
    actor *a = s->a;
    if (unlikely(a->queued >= a->limit) && !(flags & F_UNCOUNTED))
        return full(r);
    msg *m = r->free[CLASS_OF(8)];
    if (unlikely(t->size != 8 || !m || t->share || !from))
        return put_any(r, a, from, t, body, request, flags);
    msg *next_free = m->next;
    r->free[CLASS_OF(8)] = next_free;
    __builtin_prefetch(next_free, 1);
    m->next = NULL;
    m->type = t;
    m->from = (ref){.home = r->home, .slot = from->slot, .gen = from->gen};
    m->request = request;
    const msg *c = r->current;
    uint64_t trace = c->trace;
    uint32_t deadline = c->deadline;
    m->trace = trace;
    m->deadline = deadline;
    m->size = 8;
    m->flags = flags;
    memcpy(m->body, body, 8);
    *a->tail = m;
    a->tail = &m->next;
    a->queued += !(flags & F_UNCOUNTED);
    a->queued_bytes += 8;
    if (!a->ready)
        make_ready(r, a);
    return E_OK;
}

static inline int tell(const actor *from, ref to, const type *t, const void *body)
{
    return put(from, to, t, body, 0, 0);
}

static int take_inbox(reactor *r)
{
    if (!atomic_load_explicit(&r->inbox, memory_order_relaxed))
        return 0;
    batch *b = atomic_exchange_explicit(&r->inbox, NULL, memory_order_acquire), *n, *oldest = NULL;
    for (; b; b = n) {
        n = b->next;
        b->next = oldest;
        oldest = b;
    }
    for (b = oldest; b; b = n) {
        n = b->next;
        for (uint32_t i = 0; i < b->n && i < 8; i++)
            __builtin_prefetch(b->e[i].m, 1);
        for (uint32_t i = 0; i < b->n; i++) {
            if (i + 8 < b->n)
                __builtin_prefetch(b->e[i + 8].m, 1);
            slot *s = &r->slots[b->e[i].slot & (SLOTS - 1)];
            if (likely(s->gen == b->e[i].gen)) {
                deliver(r, s->a, b->e[i].m);
            } else {
                r->dead_letters++;
                msg_free(r, b->e[i].m);
            }
        }
        push_batch(&reactors[b->owner]->batches, b);
    }
    return 1;
}

#endif
