/* SPDX-License-Identifier: MIT */
/* Blocks: the memory of messages, in classes of 64 bytes, from the reactor's own pool. */
#ifndef WF_BLOCK_H
#define WF_BLOCK_H

#include "core.h"

/* The bytes of a block of class 0. */
#define WF_BLOCK_UNIT 64U
#define WF_CLASS_OF(body_bytes) ((uint32_t)(sizeof(weft_msg) + (body_bytes)-1) >> 6)

/* A block with room for @body_bytes behind the header; class and owner are set, nothing else is.
 * errors: NULL. thread: the reactor's. */
weft_msg *wf_block_refill(wf_reactor *r, uint32_t class) WF_NOINLINE;
weft_msg *wf_block_big(size_t body_bytes, unsigned owner) WF_COLD;

static inline weft_msg *wf_block_take(wf_reactor *r, size_t body_bytes)
{
    size_t class = WF_CLASS_OF(body_bytes);
    if (WF_UNLIKELY(class >= WF_CLASSES))
        return wf_block_big(body_bytes, r->index);
    weft_msg *m = r->free_block[class];
    if (WF_UNLIKELY(m == NULL))
        return wf_block_refill(r, (uint32_t) class);
    r->free_block[class] = m->next;
    return m;
}

/* Gives a block of this or of another reactor back; blocks of others go home in batches. */
void wf_block_free_slow(wf_reactor *r, weft_msg *m) WF_NOINLINE;

static inline void wf_block_free(wf_reactor *r, weft_msg *m)
{
#ifndef WEFT_DEV
    unsigned class = (uint16_t)(m->place - r->place);
    if (WF_LIKELY(class < WF_CLASSES)) {
        m->next = r->free_block[class];
        r->free_block[class] = m;
        return;
    }
#endif
    wf_block_free_slow(r, m);
}

/* The bytes a block takes, for accounts; those of WF_CLASS_BIG all count the same. */
static inline uint32_t wf_block_bytes(const weft_msg *m)
{
    return 64U * (m->class + 1U);
}

/* A big one says how many bytes it takes in front of its header, in so many bytes. */
enum { WF_BIG_FRONT = 16 };

/* The bytes a block really takes: for the credit between reactors. */
static inline uint32_t wf_block_size(const weft_msg *m)
{
    uint32_t bytes;
    if (WF_LIKELY(m->class < WF_CLASSES))
        return 64U * (m->class + 1U);
    memcpy(&bytes, (const char *)m - WF_BIG_FRONT, sizeof bytes);
    return bytes;
}

static inline void *wf_block_start(weft_msg *m)
{
    return m->class < WF_CLASSES ? (char *)m : (char *)m - WF_BIG_FRONT;
}

/* Takes one batch of blocks that came home; false: there was none. */
bool wf_block_take_home(wf_reactor *r);
/* Sends every block of others home: before sleeping. */
void wf_block_send_home(wf_reactor *r);

/* @bytes (a multiple of 16) from the reactor's run; never given back one by one. errors: NULL. */
void *wf_carve(wf_reactor *r, size_t bytes);

/* Frees every run and every free block. */
void wf_blocks_done(wf_reactor *r);

#endif
