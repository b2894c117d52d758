/* SPDX-License-Identifier: MIT */
/* Memory of the probe: blocks in classes of 64 bytes, carved from runs, sent home in batches. */
#ifndef PROBE_MEMORY_H
#define PROBE_MEMORY_H

#include "probe.h"

#define CLASS_OF(size) ((uint32_t)(sizeof(msg) + (size)-1) >> 6)

/* Address space only: pages come when touched, and a table never moves. */
static void *reserve(size_t n)
{
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

static void *carve(size_t n)
{
    reactor *r = R;
    if (r->arena_left < n) {
        r->arena_left = 1 << 18;
        r->arena =
            mmap(NULL, r->arena_left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    char *p = r->arena;
    r->arena += n;
    r->arena_left -= n;
    return p;
}

static void push_batch(_Atomic(batch *) *to, batch *b)
{
    b->next = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &b->next, b, memory_order_seq_cst,
                                                  memory_order_relaxed)) {
    }
}

static batch *batch_new(reactor *r)
{
    batch *b = r->free_batch;
    if (!b)
        b = atomic_exchange_explicit(&r->batches, NULL, memory_order_acquire);
    if (b) {
        r->free_batch = b->next;
    } else {
        b = aligned_alloc(64, sizeof *b);
        b->owner = (uint32_t)r->home;
    }
    b->n = 0;
    return b;
}

/* One batch of our own blocks: an array, so prefetched here and used at once. */
static int take_home(reactor *r)
{
    if (!r->come_home) {
        r->come_home = atomic_exchange_explicit(&r->returned, NULL, memory_order_acquire);
        if (!r->come_home)
            return 0;
    }
    batch *b = r->come_home;
    r->come_home = b->next;
    r->abroad -= b->n;
    for (uint32_t i = 0; i < b->n; i++) {
        if (i + 12 < b->n)
            __builtin_prefetch(b->e[i + 12].m, 1);
        msg *m = b->e[i].m;
        uint32_t c = b->e[i].slot;
        m->next = r->free[c];
        r->free[c] = m;
    }
    push_batch(&reactors[b->owner]->batches, b);
    return 1;
}

static __attribute__((noinline)) msg *refill(uint32_t c)
{
    reactor *r = R;
    while (!r->free[c] && take_home(r)) {
    }
    if (!r->free[c]) {
        for (int i = 0; i < 64; i++) {
            msg *m = carve(64 + 64 * c);
            m->block = (uint8_t)(r->home << 4 | c);
            m->next = r->free[c];
            r->free[c] = m;
        }
    }
    msg *m = r->free[c];
    r->free[c] = m->next;
    return m;
}

static inline msg *block_take(reactor *r, uint32_t size)
{
    uint32_t c = CLASS_OF(size);
    msg *m = r->free[c];
    if (unlikely(!m))
        return refill(c);
    r->free[c] = m->next;
    return m;
}

static __attribute__((noinline)) void send_home(reactor *r, uint32_t owner)
{
    push_batch(&reactors[owner]->returned, r->homeward[owner]);
    r->homeward[owner] = NULL;
}

static void send_all_home(reactor *r)
{
    for (uint32_t o = 0; o < MAX_REACTORS; o++)
        if (r->homeward[o])
            send_home(r, o);
}

static inline void block_free(reactor *r, msg *m)
{
    uint32_t c = m->block & 15, owner = m->block >> 4;
    if (likely(owner == (uint8_t)r->home)) {
        m->next = r->free[c];
        r->free[c] = m;
        return;
    }
    batch *h = r->homeward[owner];
    if (!h)
        h = r->homeward[owner] = batch_new(r);
    h->e[h->n].m = m;
    h->e[h->n].slot = c;
    if (++h->n == BATCH_MAX)
        send_home(r, owner);
}

static inline void msg_free(reactor *r, msg *m)
{
    if (m->type->release)
        m->type->release(m->body);
    block_free(r, m);
}

#endif
