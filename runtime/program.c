/* SPDX-License-Identifier: MIT */
/* Compiling a behaviour: a multiplicative hash is searched for that keeps its types apart. */
#include "program.h"

#include "alloc.h"
#include "fiber.h"
#include "sys.h"

enum { TRIES = 256, SIZE_MAX_LOG2 = 16 };

static weft_err check_rows(const weft_behaviour *b, unsigned *count, weft_why *why)
{
    unsigned n = 0;
    for (const weft_handler *h = b->handlers; h != NULL && h->type != NULL; h++, n++) {
        if (h->fn == NULL)
            return weft_because(why, WEFT_EINVAL, "behaviour %s: the row of %s has no function",
                                b->name, h->type->name);
        for (const weft_handler *other = b->handlers; other != h; other++)
            if (other->type == h->type)
                return weft_because(why, WEFT_EINVAL, "behaviour %s has two rows of type %s",
                                    b->name, h->type->name);
    }
    *count = n;
    return WEFT_OK;
}

/* Puts the rows where @p's hash says; false: two of them meet. */
static bool place(wf_program *p, unsigned size)
{
    memset(p->rows, 0, size * sizeof *p->rows);
    for (const weft_handler *h = p->behaviour->handlers; h != NULL && h->type != NULL; h++) {
        wf_row *row = &p->rows[wf_program_index(p, h->type)];
        if (row->type != NULL)
            return false;
        weft_handler_fn *fn = h->fiber ? wf_fiber_serve : h->fn;
        *row = (wf_row){.type = h->type,
                        .fn = h->serial ? wf_serve_serial : fn,
                        .real = h->fn,
                        .fiber = h->fiber};
    }
    return true;
}

static wf_program *compile(const weft_behaviour *b, weft_err *err, weft_why *why)
{
    unsigned count = 0;
    if ((*err = check_rows(b, &count, why)) != WEFT_OK)
        return NULL;
    unsigned log2 = 1;
    while ((1U << log2) < 2 * count)
        log2++;
    for (; log2 <= SIZE_MAX_LOG2; log2++) {
        unsigned size = 1U << log2;
        wf_program *p = wf_alloc_zero(sizeof *p + size * sizeof(wf_row));
        if (p == NULL)
            break;
        p->behaviour = b;
        p->shift = 64 - log2;
        /* odd multiples of the golden ratio's: any fixed sequence will do, this one mixes well */
        p->multiplier = 0x9E3779B97F4A7C15U;
        for (int i = 0; i < TRIES; i++, p->multiplier += 0x9E3779B97F4A7C16U)
            if (place(p, size))
                return p;
        wf_free(p);
    }
    *err = weft_because(why, WEFT_ENOMEM, "no memory to compile behaviour %s", b->name);
    return NULL;
}

static bool wants(const wf_program *p, const weft_type *type)
{
    return wf_program_row(p, type)->type == type;
}

static const wf_program *find_or_compile(weft_system *sys, const weft_behaviour *b, weft_err *err,
                                         weft_why *why)
{
    wf_program *p;
    for (p = sys->programs; p != NULL; p = p->next)
        if (p->behaviour == b)
            return p;
    p = compile(b, err, why);
    if (p == NULL)
        return NULL;
    p->mailbox_max = b->mailbox_max != 0 ? b->mailbox_max : WF_MAILBOX_MAX;
    p->asks_max = b->asks_max != 0 ? b->asks_max : WF_ASKS_MAX;
    p->monitors_max = b->monitors_max != 0 ? b->monitors_max : WF_MONITORS_MAX;
    p->actor_bytes = (uint32_t)sizeof(weft_actor) + b->state_bytes;
    p->wants_started = wants(p, &weft_started_type);
    p->wants_stopping = wants(p, &weft_stopping_type);
    p->wants_cancelled = wants(p, &weft_cancelled_type);
    p->next = sys->programs;
    sys->programs = p;
    return p;
}

const wf_program *wf_program_of(wf_reactor *r, const weft_behaviour *behaviour, weft_err *err,
                                weft_why *why)
{
    const uintptr_t at = (uintptr_t)behaviour >> 4;
    const wf_program **cached = &r->programs[(at ^ at >> 6) % WF_PROGRAMS_CACHED];
    if (WF_LIKELY(*cached != NULL && (*cached)->behaviour == behaviour))
        return *cached;
    /* two that are spawned in turn may share an entry; its neighbour keeps the other one */
    const wf_program **other = &r->programs[(at ^ at >> 6 ^ 1) % WF_PROGRAMS_CACHED];
    const wf_program *p = *other;
    if (p == NULL || p->behaviour != behaviour) {
        wf_lock_take(r->sys, &r->sys->lock);
        p = find_or_compile(r->sys, behaviour, err, why);
        wf_lock_give(r->sys, &r->sys->lock);
        if (p == NULL)
            return NULL;
    }
    *other = *cached;
    *cached = p;
    return p;
}

void wf_programs_free(weft_system *sys)
{
    for (wf_program *p = sys->programs, *next; p != NULL; p = next) {
        next = p->next;
        wf_free(p);
    }
    sys->programs = NULL;
}
