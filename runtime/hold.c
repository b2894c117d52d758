/* SPDX-License-Identifier: MIT */
/* What a message holds while it is served, and beyond: scratch memory, continuations, keepers. */
#include <stdarg.h>
#include <stdio.h>

#include "alloc.h"
#include "ask.h"
#include "mailbox.h"

wf_rare *wf_rare_of(weft_actor *a)
{
    if (a->rare == NULL) {
        wf_rare *rare = wf_alloc_zero(sizeof *rare);
        if (rare == NULL)
            return NULL;
        rare->held_tail = &rare->held;
        rare->actor = WF_STAT_GET(a->slot);
        a->rare = rare;
    }
    return a->rare;
}

/* Kept when there was no memory for a hold: in a list of the reactor's, with its actor where its trace
 * stood. Only a cancel cannot find it. */
static bool is_bare(const weft_msg *m)
{
    return (m->flags & (WF_KEPT | WF_HELD)) == WF_KEPT;
}

static WF_COLD void keep_bare(wf_reactor *r, const weft_actor *a, weft_msg *m)
{
    m->trace = (uint64_t)WF_STAT_GET(a->gen) << 32 | WF_STAT_GET(a->slot);
    m->next = r->bare;
    r->bare = m;
}

static WF_COLD void unlink_bare(wf_reactor *r, weft_msg *m)
{
    weft_msg **at = &r->bare;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    m->next = NULL;
    m->trace = 0;
}

weft_msg *wf_bare_of(wf_reactor *r, const weft_actor *a)
{
    uint64_t owner = (uint64_t)WF_STAT_GET(a->gen) << 32 | WF_STAT_GET(a->slot);
    for (weft_msg *m = r->bare; m != NULL; m = m->next)
        if (m->trace == owner) {
            unlink_bare(r, m);
            return m;
        }
    return NULL;
}

/* A hold stands where the header of a block would, in front of what says whose block it is: with a header
 * before it, it would take two of them. */
_Static_assert(sizeof(wf_hold) <= offsetof(weft_msg, place),
               "a hold fits a block without a header");

wf_hold *wf_hold_of(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    if ((m->flags & WF_HELD) != 0)
        return m->hold;
    wf_rare *rare = wf_rare_of(a);
    weft_msg *block = rare != NULL ? wf_block_take(r, 1) : NULL;
    if (block == NULL)
        return NULL;
    if (WF_UNLIKELY(is_bare(m)))
        unlink_bare(r, m);
    wf_hold *hold = (wf_hold *)(void *)block;
    *hold = (wf_hold){.msg = m, .next = rare->holds, .back = &rare->holds};
    if (hold->next != NULL)
        hold->next->back = &hold->next;
    rare->holds = hold;
    m->hold = hold;
    m->flags |= WF_HELD;
    return hold;
}

void wf_hold_free(wf_reactor *r, weft_msg *m)
{
    wf_hold *hold = m->hold;
    for (wf_scratch *s = hold->scratch, *next; s != NULL; s = next) {
        next = s->next;
        if (s->release != NULL)
            s->release(s);
        wf_free(s);
    }
    *hold->back = hold->next;
    if (hold->next != NULL)
        hold->next->back = hold->back;
    wf_block_free(r, (weft_msg *)(void *)hold);
    m->flags &= (uint16_t)~WF_HELD;
    m->next = NULL;
}

/* The message being served belongs to the actor that runs. */
static weft_actor *running(const wf_reactor *r)
{
    return WF_STAT_GET(r->running);
}

static wf_scratch *scratch_new(weft_msg *msg, size_t size)
{
    wf_reactor *r = WF_R;
    wf_hold *hold = size <= WF_SCRATCH_MAX ? wf_hold_of(r, running(r), msg) : NULL;
    if (hold == NULL || hold->scratch_bytes + size > WF_SCRATCH_MAX)
        return NULL;
    wf_scratch *s = wf_alloc_zero(sizeof *s + size);
    if (s == NULL)
        return NULL;
    s->next = hold->scratch;
    hold->scratch = s;
    hold->scratch_bytes += (uint32_t)size;
    return s;
}

void *weft_scratch(weft_msg *msg, size_t size)
{
    wf_scratch *s = scratch_new(msg, size);
    return s != NULL ? s->room : NULL;
}

void *weft_scratch_last(const weft_msg *msg)
{
    wf_scratch *s = (msg->flags & WF_HELD) != 0 ? msg->hold->scratch : NULL;
    while (s != NULL && s->release != NULL)
        s = s->next; /* bytes that were made for the message */
    return s != NULL ? s->room : NULL;
}

static void release_bytes(wf_scratch *s)
{
    weft_bytes *bytes = (weft_bytes *)(void *)s->room;
    weft_bytes_drop(bytes);
}

/* Fresh bytes that the message drops when it has been served. */
static uint8_t *bytes_for(weft_msg *msg, size_t size, weft_bytes *out)
{
    wf_scratch *s = scratch_new(msg, sizeof(weft_bytes));
    uint8_t *to;
    if (s == NULL || weft_bytes_new(size, &to, out) != WEFT_OK)
        return NULL;
    memcpy(s->room, out, sizeof *out);
    s->release = release_bytes;
    return to;
}

weft_bytes weft_bytes_copy(weft_msg *msg, const void *from, size_t size)
{
    weft_bytes bytes = WEFT_NO_BYTES;
    if (size == 0)
        return bytes;
    uint8_t *to = bytes_for(msg, size, &bytes);
    if (to == NULL)
        return WEFT_NO_BYTES;
    memcpy(to, from, size);
    return bytes;
}

weft_bytes weft_bytes_printf(weft_msg *msg, const char *format, ...)
{
    weft_bytes bytes = WEFT_NO_BYTES;
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *to = size > 0 ? bytes_for(msg, (size_t)size + 1, &bytes) : NULL;
    if (to == NULL)
        return WEFT_NO_BYTES;
    va_start(args, format);
    (void)vsnprintf((char *)to, (size_t)size + 1, format, args);
    va_end(args);
    bytes.size = (size_t)size;
    return bytes;
}

weft_msg *weft_keep(weft_msg *msg)
{
    wf_reactor *r = WF_R;
    if (WF_UNLIKELY(wf_hold_of(r, running(r), msg) == NULL) && !is_bare(msg))
        keep_bare(r, running(r), msg);
    msg->flags |= WF_KEPT;
    return msg;
}

void weft_drop(weft_msg **msg)
{
    weft_msg *m = *msg;
    if (m == NULL)
        return;
    *msg = NULL;
    if (WF_UNLIKELY(is_bare(m)))
        unlink_bare(WF_R, m);
    m->flags &= (uint16_t)~WF_KEPT;
    /* one that is being served is ended by its own turn */
    if (m != WF_R->current && (m->flags & WF_RUNS) == 0)
        wf_msg_done(WF_R, running(WF_R), m);
}
