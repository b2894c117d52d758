/* SPDX-License-Identifier: MIT */
/* The way between reactors. */
#include "post.h"

#include "alloc.h"
#include "ask.h"
#include "block.h"
#include "buffer.h"
#include "mailbox.h"

wf_batch *wf_batch_take(wf_reactor *r)
{
    wf_batch *b = r->free_batch;
    if (b == NULL)
        b = atomic_exchange_explicit(&r->batches, NULL, memory_order_acquire);
    if (b != NULL) {
        r->free_batch = b->next;
    } else {
        b = wf_alloc_aligned(64, sizeof *b);
        if (b == NULL)
            return NULL;
        b->owner = (uint16_t)r->index;
    }
    b->n = 0;
    b->bytes = 0;
    return b;
}

void wf_batch_give_back(wf_reactor *r, wf_batch *b)
{
    if (b->owner == WF_FOREIGN)
        wf_free(b);
    else if (b->owner == r->index) {
        b->next = r->free_batch;
        r->free_batch = b;
    } else
        wf_push_batch(&r->sys->reactor[b->owner]->batches, b);
}

static void free_batches(wf_batch *b)
{
    for (wf_batch *next; b != NULL; b = next) {
        next = b->next;
        wf_free(b);
    }
}

void wf_batches_done(wf_reactor *r)
{
    free_batches(r->free_batch);
    free_batches(atomic_exchange_explicit(&r->batches, NULL, memory_order_acquire));
    r->free_batch = NULL;
}

void wf_wake(wf_reactor *to)
{
    /* Pairs with the flag raised in wf_reactor_sleep: whoever lowers it writes the wake-up, so that a
     * batch costs one at most. */
    if (atomic_load_explicit(&to->sleeping, memory_order_seq_cst) != 0 &&
        atomic_exchange_explicit(&to->sleeping, 0, memory_order_seq_cst) != 0) {
        if (WF_R != NULL)
            WF_STAT_ADD(WF_R->stat.wakes, 1);
        to->drv->wake(to->poller);
    }
}

static void hand_over(wf_reactor *r, unsigned to)
{
    wf_reactor *target = r->sys->reactor[to];
    wf_batch *b = r->out[to];
    r->out[to] = NULL;
    wf_push_batch(&target->inbox, b);
    wf_wake(target);
}

void wf_hand_over_all(wf_reactor *r)
{
    if (WF_LIKELY(!r->out_any))
        return;
    r->out_any = false;
    wf_buffers_send_home(r);
    for (unsigned i = 0; i < wf_threads(r->sys); i++)
        if (r->out[i] != NULL)
            hand_over(r, i);
}

bool wf_has_credit(wf_reactor *r, unsigned to)
{
    for (;;) {
        if (wf_credit_left(r, to))
            return true;
        if (!wf_block_take_home(r))
            return false;
    }
}

weft_err wf_post(wf_reactor *r, unsigned to, uint32_t slot, uint32_t gen, weft_msg *m)
{
    wf_batch *b = r->out[to];
    if (b == NULL && (b = r->out[to] = wf_batch_take(r)) == NULL)
        return WEFT_ENOMEM;
    b->entry[b->n++] = (wf_entry){m, slot, gen};
    r->abroad[to]++;
    r->abroad_bytes[to] += wf_block_size(m);
    r->out_any = true;
    if (b->n == WF_BATCH)
        hand_over(r, to);
    return WEFT_OK;
}

weft_err wf_post_foreign(weft_system *sys, unsigned to, uint32_t slot, uint32_t gen, weft_msg *m)
{
    wf_batch *b = wf_alloc_aligned(64, sizeof *b);
    if (b == NULL) {
        wf_free(wf_block_start(m));
        return WEFT_ENOMEM;
    }
    b->owner = WF_FOREIGN;
    b->n = 1;
    b->bytes = 0;
    b->entry[0] = (wf_entry){m, slot, gen};
    wf_push_batch(&sys->reactor[to]->inbox, b);
    wf_wake(sys->reactor[to]);
    return WEFT_OK;
}

static void arrive(wf_reactor *r, const wf_entry *e)
{
    weft_msg *m = e->msg;
    if (WF_UNLIKELY((m->flags & WF_CONTROL) != 0)) {
        wf_control_run(r, e->slot, e->gen, m);
        return;
    }
    weft_actor *a = wf_actor_at(r, e->slot, e->gen);
    if (WF_UNLIKELY(a == NULL || (a->bits & WF_STOPPING) != 0))
        wf_refuse(r, e->slot, e->gen, m, WEFT_EGONE);
    else if (WF_UNLIKELY((m->flags & WF_UNCOUNTED) == 0 &&
                         wf_mail_count(a) >=
                             (uint64_t)WF_STAT_GET(a->program)->mailbox_max + WF_ABROAD_MAX))
        /* one sender's whole credit has room beyond mailbox_max: what was accepted there is kept here */
        wf_refuse(r, e->slot, e->gen, m, WEFT_EFULL);
    else if (WF_LIKELY(m->type != &weft_room_type) || !wf_room_wait(a, m))
        wf_deliver(r, a, m);
}

bool wf_take_inbox(wf_reactor *r)
{
    if (atomic_load_explicit(&r->inbox, memory_order_relaxed) == NULL)
        return false;
    wf_batch *b = atomic_exchange_explicit(&r->inbox, NULL, memory_order_acquire);
    wf_batch *oldest = NULL, *next;
    for (; b != NULL; b = next) {
        next = b->next;
        b->next = oldest;
        oldest = b;
    }
    for (b = oldest; b != NULL; b = next) {
        next = b->next;
        for (unsigned i = 0; i < b->n && i < 8; i++)
            __builtin_prefetch(b->entry[i].msg, 1);
        for (unsigned i = 0; i < b->n; i++) {
            if (i + 8U < b->n)
                __builtin_prefetch(b->entry[i + 8].msg, 1);
            arrive(r, &b->entry[i]);
        }
        wf_batch_give_back(r, b);
    }
    return true;
}
