/* SPDX-License-Identifier: MIT */
/* The fast path of every tell, ask and reply: a plain body of one word for an actor of this reactor. */
#ifndef WF_PUT_H
#define WF_PUT_H

#include "core.h"
#include "mailbox.h"

/* Sends as wf_put does, with @deadline instead of the context's. false: nothing was done, and wf_put sees
 * to it (other reactors, names, other bodies, an empty pool) or refuses it. Slot and generation are moved as
 * one word: by halves they would go through memory. */
static inline WF_FAST bool wf_put_fast(wf_reactor *r, weft_actor *from, weft_ref to,
                                       const weft_type *type, const void *body, uint64_t request,
                                       unsigned flags, uint32_t deadline)
{
    uint64_t id, word;
    memcpy(&id, &to.slot, sizeof id);
    if (WF_UNLIKELY(to.home != r->home))
        return false;
    weft_actor *a = wf_actor_at(r, (uint32_t)id, (uint32_t)(id >> 32));
    weft_msg *m = r->free_block[0];
    if (WF_UNLIKELY(a == NULL || type->size != sizeof word || m == NULL ||
                    ((uintptr_t)type->share | (uintptr_t)type->release) != 0))
        return false;
    unsigned bits = a->bits;
    uint64_t mail = WF_STAT_GET(a->mail);
    if (WF_UNLIKELY((bits & WF_STOPPING) != 0))
        return false;
    if ((flags & WF_UNCOUNTED) == 0 &&
        WF_UNLIKELY((uint32_t)mail >= WF_STAT_GET(a->program)->mailbox_max))
        return false;
    weft_msg *next_free = m->next;
    uint64_t from_id = wf_id_of(from), trace = r->current->trace;
    memcpy(&word, body, sizeof word);
    r->free_block[0] = next_free;
    __builtin_prefetch(next_free, 1);
    WF_STAT_SET(a->mail, mail + (64ULL << 32) + ((flags & WF_UNCOUNTED) == 0));
    m->next = NULL;
    m->type = type;
    m->from.home = r->home;
    memcpy(&m->from.slot, &from_id, sizeof from_id);
    m->request = request;
    m->trace = trace;
    m->deadline = deadline;
    m->flags = (uint16_t)(flags | WF_PLAIN);
    memcpy(m->body, &word, sizeof word);
    *a->tail = m;
    a->tail = &m->next;
    if ((bits & WF_READY) == 0)
        wf_make_ready(r, a);
    return true;
}

/* As wf_msg_new without a sender, for a plain body of one word. NULL: wf_msg_new sees to it. */
static inline weft_msg *wf_msg_of_word(wf_reactor *r, const weft_type *type, const void *body,
                                       unsigned flags)
{
    weft_msg *m = r->free_block[0];
    if (WF_UNLIKELY(type->size != sizeof(uint64_t) || m == NULL ||
                    ((uintptr_t)type->share | (uintptr_t)type->release) != 0))
        return NULL;
    r->free_block[0] = m->next;
    wf_fill(r, m, NULL, type, 0, flags | WF_PLAIN);
    memcpy(m->body, body, sizeof(uint64_t));
    return m;
}

#endif
