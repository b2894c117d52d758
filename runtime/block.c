/* SPDX-License-Identifier: MIT */
/* Blocks: contiguous runs cut into free lists; blocks of other reactors go home as arrays.
 *
 * In dev builds each block is a malloc of its own, so that the address sanitizer sees every use after a
 * message has ended. */
#include "block.h"

#include "alloc.h"
#include "post.h"

enum { RUN_BYTES = 256 << 10, REFILL = 64 };

struct wf_run {
    struct wf_run *next;
    _Alignas(64) char room[];
};

void *wf_carve(wf_reactor *r, size_t bytes)
{
    if (WF_UNLIKELY((size_t)(r->run_end - r->run) < bytes)) {
        struct wf_run *run = wf_alloc_aligned(64, sizeof *run + RUN_BYTES);
        if (run == NULL)
            return NULL;
        run->next = r->runs;
        r->runs = run;
        r->run = run->room;
        r->run_end = run->room + RUN_BYTES;
        WF_STAT_ADD(r->stat.block_bytes, RUN_BYTES);
    }
    void *at = r->run;
    r->run += bytes;
    return at;
}

/* How many of a reactor's blocks are alive: simulations look for leaks. Always on the owner's thread. */
static inline void count(const weft_msg *m, int n)
{
#ifdef WEFT_DEV
    if (m->owner != WF_FOREIGN)
        WF_STAT_ADD(WF_R->sys->reactor[m->owner]->stat.blocks, (uint32_t)n);
#else
    (void)m, (void)n;
#endif
}

weft_msg *wf_block_refill(wf_reactor *r, uint32_t class)
{
    weft_msg *m;
#ifdef WEFT_DEV
    m = wf_alloc(64 * (class + 1));
    if (m != NULL) {
        m->class = (uint8_t) class;
        m->owner = (uint8_t)r->index;
        count(m, 1);
    }
    return m;
#else
    while (r->free_block[class] == NULL && wf_block_take_home(r)) {
    }
    if (r->free_block[class] == NULL) {
        /* carved from high to low, so that the list is handed out in ascending order */
        size_t size = 64 * (size_t)(class + 1);
        char *at = wf_carve(r, REFILL * size);
        if (at == NULL)
            return NULL;
        for (size_t i = REFILL; i-- > 0;) {
            m = (weft_msg *)(void *)(at + i * size);
            m->class = (uint8_t) class;
            m->owner = (uint8_t)r->index;
            m->next = r->free_block[class];
            r->free_block[class] = m;
        }
    }
    m = r->free_block[class];
    r->free_block[class] = m->next;
    return m;
#endif
}

weft_msg *wf_block_big(size_t body_bytes, unsigned owner)
{
    size_t size = WF_BIG_FRONT + sizeof(weft_msg) + body_bytes;
    uint32_t bytes = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    char *at = wf_alloc(size);
    if (at == NULL)
        return NULL;
    memcpy(at, &bytes, sizeof bytes);
    weft_msg *m = (weft_msg *)(void *)(at + WF_BIG_FRONT);
    m->class = WF_CLASS_BIG;
    m->owner = (uint8_t)owner;
    count(m, 1);
    return m;
}

/* Ends a block on the reactor it belongs to. */
static void block_end(wf_reactor *r, weft_msg *m)
{
#ifndef WEFT_DEV
    if (m->class < WF_CLASSES) {
        m->next = r->free_block[m->class];
        r->free_block[m->class] = m;
        return;
    }
#endif
    (void)r;
    count(m, -1);
    wf_free(wf_block_start(m));
}

static void send_home(wf_reactor *r, unsigned owner)
{
    wf_batch *b = r->homeward[owner];
    r->homeward[owner] = NULL;
    wf_push_batch(&r->sys->reactor[owner]->returned, b);
}

void wf_block_free_slow(wf_reactor *r, weft_msg *m)
{
    unsigned owner = m->owner;
    if (owner == r->index || owner == WF_FOREIGN) {
        block_end(r, m);
        return;
    }
    wf_batch *b = r->homeward[owner];
    if (b == NULL && (b = r->homeward[owner] = wf_batch_take(r)) == NULL) {
        /* no memory even for the way home: the owner's credit is lost, the block is not */
#ifndef WEFT_DEV
        if (m->class == WF_CLASS_BIG)
#endif
            block_end(r, m);
        return;
    }
    b->bytes += wf_block_size(m);
    b->entry[b->n].msg = m;
    if (++b->n == WF_BATCH)
        send_home(r, owner);
}

bool wf_block_take_home(wf_reactor *r)
{
    if (r->come_home == NULL)
        r->come_home = atomic_exchange_explicit(&r->returned, NULL, memory_order_acquire);
    wf_batch *b = r->come_home;
    if (b == NULL)
        return false;
    r->come_home = b->next;
    r->abroad[b->owner] -= b->n;
    r->abroad_bytes[b->owner] -= b->bytes;
    for (unsigned i = 0; i < b->n; i++) {
        if (i + 12U < b->n)
            __builtin_prefetch(b->entry[i + 12].msg, 1);
        block_end(r, b->entry[i].msg);
    }
    wf_batch_give_back(r, b);
    return true;
}

void wf_block_send_home(wf_reactor *r)
{
    for (unsigned i = 0; i < wf_threads(r->sys); i++)
        if (r->homeward[i] != NULL)
            send_home(r, i);
}

void wf_blocks_done(wf_reactor *r)
{
    while (wf_block_take_home(r)) {
    }
    for (struct wf_run *run = r->runs, *next; run != NULL; run = next) {
        next = run->next;
        wf_free(run);
    }
    r->runs = NULL;
}
