/* SPDX-License-Identifier: MIT */
/* Buffers: shared memory of bytes, charged to an account. */
#ifndef WF_BUFFER_H
#define WF_BUFFER_H

#include <weft/edge.h>

#include "core.h"

struct wf_buffer {
    _Atomic uint32_t refs;
    uint32_t charge;       /* what its account holds for it: the allocated size */
    weft_account *account; /* NULL: fresh bytes, charged to nobody */
    uint16_t home;         /* the reactor it belongs to */
    uint8_t class;
    uint8_t spare;
    uint32_t capacity;
    _Atomic uint32_t holder_slot, holder_gen; /* who kept it last, on any reactor, for reports */
    wf_buffer *next;                          /* in a free list */
    _Alignas(16) uint8_t data[];
};

enum {
    WF_BUFFER_CLASSES = 11,     /* 128 bytes to 128 KiB, headers included */
    WF_READ_BYTES = (64 << 10), /* the scratch block a read lands in */
};

/* A buffer with room for @bytes, one reference, charged to nobody. errors: NULL. thread: the reactor's. */
wf_buffer *wf_buffer_new(wf_reactor *r, size_t bytes);

static inline void wf_buffer_share(wf_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
}

void wf_buffer_end(wf_buffer *buffer) WF_NOINLINE;
/* Tries again with those that there was no memory to send home. */
void wf_buffers_send_home(wf_reactor *r);

static inline void wf_buffer_drop(wf_buffer *buffer)
{
    /* acquire and release: what other holders did to the bytes comes before their reuse; the only holder
     * needs no read-modify-write */
    if (atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) == 1)
        wf_buffer_end(buffer);
}

/* Charges @buffer, which is charged to nobody, to @account. */
static inline void wf_buffer_charge(wf_buffer *buffer, weft_account *account)
{
    buffer->account = account;
    WF_STAT_ADD(account->held, buffer->charge);
}

/* Drops the buffer of @bytes and makes them none. */
static inline void wf_bytes_done(weft_bytes *bytes)
{
    if (bytes->buffer != NULL)
        wf_buffer_drop(bytes->buffer);
    *bytes = WEFT_NO_BYTES;
}

/* How many buffers of a reactor somebody holds. */
uint32_t wf_buffers_alive(const wf_reactor *r);
/* And the bytes that are charged for them. */
uint64_t wf_buffers_alive_bytes(const wf_reactor *r);
/* Frees the free lists of a reactor. */
void wf_buffers_done(wf_reactor *r);
bool wf_buffers_init(wf_reactor *r);
/* Drops the block that the next read would have landed in. */
void wf_read_block_done(wf_reactor *r);

#endif
