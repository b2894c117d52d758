/* SPDX-License-Identifier: MIT */
/* Buffers and accounts: classes of powers of two; the last holder, wherever it is, sends a buffer home. */
#include "buffer.h"

#include "alloc.h"
#include "family.h"
#include "mailbox.h"
#include "sys.h"

enum { CLASS_MIN_LOG2 = 7, CACHE_BYTES = 1 << 20, NO_CLASS = 255, COPY_RATIO = 4 };

struct wf_buffers {
    wf_buffer *free[WF_BUFFER_CLASSES];
    uint32_t cached[WF_BUFFER_CLASSES]; /* bytes */
    wf_buffer *unsent;                  /* ended here, but there was no memory to send them home */
};

/* An account of its own: freed when it is closed and holds nothing. */
typedef struct own_account {
    weft_account account;
    bool closed;
    weft_account_ops ops;
} own_account;

bool wf_buffers_init(wf_reactor *r)
{
    r->buffers = wf_alloc_zero(sizeof *r->buffers);
    return r->buffers != NULL;
}

static unsigned class_of(size_t total)
{
    if (total <= (1U << CLASS_MIN_LOG2))
        return 0;
    unsigned class = 64U - CLASS_MIN_LOG2 - (unsigned)__builtin_clzll(total - 1);
    return class < WF_BUFFER_CLASSES ? class : NO_CLASS;
}

wf_buffer *wf_buffer_new(wf_reactor *r, size_t bytes)
{
    /* the block a read lands in is asked for in bytes of data: its header must not double it */
    size_t total = sizeof(wf_buffer) + bytes;
    unsigned class = bytes == WF_READ_BYTES ? NO_CLASS : class_of(total);
    wf_buffer *b = NULL;
    if (bytes > UINT32_MAX - sizeof(wf_buffer))
        return NULL;
    if (bytes == WF_READ_BYTES)
        class = WF_BUFFER_CLASSES - 1;
    else if (class != NO_CLASS)
        total = (size_t)1 << (class + CLASS_MIN_LOG2);
    if (class == WF_BUFFER_CLASSES - 1 && bytes != WF_READ_BYTES)
        class = NO_CLASS;
    if (class != NO_CLASS && (b = r->buffers->free[class]) != NULL) {
        r->buffers->free[class] = b->next;
        r->buffers->cached[class] -= b->charge;
    } else {
        b = wf_alloc(total);
        if (b == NULL)
            return NULL;
        b->charge = (uint32_t)total;
        b->capacity = (uint32_t)(total - sizeof *b);
        b->class = (uint8_t) class;
        b->home = (uint16_t)r->index;
        WF_STAT_ADD(r->stat.buffer_bytes, b->charge);
        WF_STAT_ADD(r->stat.buffers, 1);
    }
    atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
    b->account = NULL;
    WF_STAT_SET(b->holder_slot, 0);
    return b;
}

/* The last bytes of a source are home: if its actor has ended, its memory may go. */
static void bury(weft_account *account)
{
    weft_actor *a = weft_actor_of_state((char *)account - (account->ops->state_offset - 1));
    if (WF_UNLIKELY((a->bits & WF_ZOMBIE) != 0))
        wf_actor_free(WF_R, a, WF_STAT_GET(a->program)->behaviour);
}

static void uncharge(wf_buffer *b)
{
    weft_account *account = b->account;
    if (account == NULL)
        return;
    b->account = NULL;
    WF_STAT_SUB(account->held, b->charge);
    /* an account of its own may be gone after this */
    bool in_state = account->ops->state_offset != 0;
    if (account->ops->low != NULL)
        account->ops->low(account);
    if (in_state && WF_STAT_GET(account->held) == 0)
        bury(account);
}

static void end_here(wf_reactor *r, wf_buffer *b)
{
    uncharge(b);
#ifndef WEFT_DEV
    if (b->class != NO_CLASS && r->buffers->cached[b->class] < CACHE_BYTES) {
        b->next = r->buffers->free[b->class];
        r->buffers->free[b->class] = b;
        r->buffers->cached[b->class] += b->charge;
        return;
    }
#endif
    WF_STAT_SUB(r->stat.buffer_bytes, b->charge);
    WF_STAT_SUB(r->stat.buffers, 1);
    wf_free(b);
}

static void end_control(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    (void)target;
    end_here(r, (wf_buffer *)(uintptr_t)c->word[0]);
}

void wf_buffer_end(wf_buffer *buffer)
{
    wf_reactor *r = WF_R;
    if (WF_LIKELY(buffer->home == r->index)) {
        end_here(r, buffer);
        return;
    }
    wf_control control = {.run = end_control, .word = {(uint64_t)(uintptr_t)buffer}};
    if (wf_control_send(r, (weft_ref){.home = wf_home(buffer->home)}, &control) == WEFT_OK)
        return;
    buffer->next = r->buffers->unsent;
    r->buffers->unsent = buffer;
    r->out_any = true;
}

void wf_buffers_send_home(wf_reactor *r)
{
    wf_buffer *next, *b = r->buffers->unsent;
    r->buffers->unsent = NULL;
    for (; b != NULL; b = next) {
        next = b->next;
        wf_buffer_end(b);
    }
}

uint32_t wf_buffers_alive(const wf_reactor *r)
{
    uint32_t n = WF_STAT_GET(r->stat.buffers);
    for (unsigned c = 0; c < WF_BUFFER_CLASSES; c++)
        for (const wf_buffer *b = r->buffers->free[c]; b != NULL; b = b->next)
            n--;
    return n;
}

uint64_t wf_buffers_alive_bytes(const wf_reactor *r)
{
    uint64_t bytes = WF_STAT_GET(r->stat.buffer_bytes);
    for (unsigned c = 0; c < WF_BUFFER_CLASSES; c++)
        bytes -= r->buffers->cached[c];
    return bytes;
}

void wf_buffers_done(wf_reactor *r)
{
    if (r->buffers == NULL)
        return;
    for (unsigned c = 0; c < WF_BUFFER_CLASSES; c++)
        for (wf_buffer *b = r->buffers->free[c], *next; b != NULL; b = next) {
            next = b->next;
            wf_free(b);
        }
    wf_free(r->buffers);
}

/* ---- what programs do with bytes */

weft_err weft_bytes_new(size_t size, uint8_t **to, weft_bytes *out)
{
    wf_buffer *b = wf_buffer_new(WF_R, size);
    if (b == NULL)
        return WEFT_ENOMEM;
    *to = b->data;
    *out = (weft_bytes){b->data, size, b};
    return WEFT_OK;
}

void weft_bytes_drop(weft_bytes *bytes)
{
    wf_bytes_done(bytes);
}

static weft_err copy_out(weft_bytes from, weft_bytes *out)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(from.size, &to, out);
    if (err == WEFT_OK)
        memcpy(to, from.at, from.size);
    return err;
}

weft_bytes weft_bytes_keep(weft_actor *self, weft_bytes bytes)
{
    weft_bytes kept = WEFT_NO_BYTES;
    if (bytes.buffer == NULL)
        return bytes;
    if (bytes.size * COPY_RATIO < bytes.buffer->capacity && bytes.buffer->capacity > 1024) {
        (void)copy_out(bytes, &kept);
        return kept;
    }
    wf_buffer_share(bytes.buffer);
    WF_STAT_SET(bytes.buffer->holder_slot, WF_STAT_GET(self->slot));
    WF_STAT_SET(bytes.buffer->holder_gen, WF_STAT_GET(self->gen));
    return bytes;
}

/* ---- accounts of their own */

static void own_low(weft_account *account)
{
    own_account *own = (own_account *)account;
    if (own->closed && account->held == 0)
        wf_free(own);
}

weft_account *weft_account_new(const char *name, size_t bytes_max)
{
    own_account *own = wf_alloc_zero(sizeof *own);
    if (own == NULL)
        return NULL;
    own->ops = (weft_account_ops){.name = name, .low = own_low};
    own->account.ops = &own->ops;
    own->account.max = bytes_max < UINT32_MAX ? (uint32_t)bytes_max : UINT32_MAX;
    return &own->account;
}

void weft_account_close(weft_account **account)
{
    own_account *own = (own_account *)*account;
    *account = NULL;
    if (own == NULL)
        return;
    own->closed = true;
    if (own->account.held == 0)
        wf_free(own);
}

size_t weft_account_held(const weft_account *account)
{
    return account->held;
}

static weft_err charge(wf_buffer *b, weft_account *account)
{
    if (b->charge > account->max || account->held > account->max - b->charge)
        return WEFT_ELIMIT;
    wf_buffer_charge(b, account);
    return WEFT_OK;
}

weft_err weft_bytes_move(weft_bytes *bytes, weft_account *account)
{
    wf_buffer *b = bytes->buffer;
    weft_bytes copy;
    if (b == NULL || b->account == account)
        return WEFT_OK; /* static ones are charged to nobody */
    if (b->home == WF_R->index && bytes->size * 2 >= b->capacity &&
        atomic_load_explicit(&b->refs, memory_order_acquire) == 1) {
        if (b->charge > account->max || account->held > account->max - b->charge)
            return WEFT_ELIMIT;
        uncharge(b);
        return charge(b, account);
    }
    weft_err err = copy_out(*bytes, &copy);
    if (err != WEFT_OK)
        return err;
    err = charge(copy.buffer, account);
    if (err != WEFT_OK) {
        wf_bytes_done(&copy);
        return err;
    }
    wf_bytes_done(bytes);
    *bytes = copy;
    return WEFT_OK;
}
