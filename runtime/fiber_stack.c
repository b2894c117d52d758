/* SPDX-License-Identifier: MIT */
/* The stacks of fibers: mapped above a guard, kept for the next one, given back when they are idle.
 *
 *     guard, 64 KiB: no access | stack, 64 KiB ..., growing down ◀── | wf_fiber
 *
 * What was the most a reactor needed at once stays mapped for a moment: stacks that nobody took for
 * WF_FIBERS_TRIM_MS go, but for WF_FIBERS_IDLE_MAX, which only give back their pages. */
#include <sys/mman.h>

#include "alloc.h"
#include "fiber.h"
#include "sys.h"

static void trim(wf_timer *timer);

static wf_fibers *fibers_of(wf_reactor *r)
{
    if (WF_LIKELY(r->fibers != NULL))
        return r->fibers;
    wf_fibers *p = wf_alloc_zero(sizeof *p);
    if (p == NULL)
        return NULL;
    p->reactor = r;
    if (!wf_fault_begin(&p->alternate)) {
        wf_free(p);
        return NULL;
    }
    r->fibers = p;
    return p;
}

static bool may_map(weft_system *sys)
{
    if (atomic_fetch_add_explicit(&sys->fiber_stacks, 1, memory_order_relaxed) <
        sys->options.fibers_max)
        return true;
    atomic_fetch_sub_explicit(&sys->fiber_stacks, 1, memory_order_relaxed);
    return false;
}

static wf_fiber *map_stack(wf_reactor *r, wf_fibers *p, weft_err *err)
{
    *err = WEFT_ELIMIT;
    if (!may_map(r->sys))
        return NULL;
    *err = WEFT_ENOMEM;
    char *low = wf_reserve_guarded(WF_FIBER_GUARD_BYTES, WF_FIBER_STACK_BYTES);
    if (low == NULL) {
        atomic_fetch_sub_explicit(&r->sys->fiber_stacks, 1, memory_order_relaxed);
        return NULL;
    }
    p->stacks++;
    size_t at = (WF_FIBER_STACK_BYTES - sizeof(wf_fiber)) & ~(size_t)63;
    return (wf_fiber *)(void *)(low + WF_FIBER_GUARD_BYTES + at);
}

static void unmap_stack(wf_fibers *p, wf_fiber *f)
{
    char *low = wf_fiber_bottom(f) - WF_FIBER_GUARD_BYTES;
    wf_switch_done(&f->at);
    wf_unreserve(low, WF_FIBER_GUARD_BYTES + WF_FIBER_STACK_BYTES);
    p->stacks--;
    atomic_fetch_sub_explicit(&p->reactor->sys->fiber_stacks, 1, memory_order_relaxed);
}

wf_fiber *wf_fiber_new(wf_reactor *r, weft_err *err)
{
    wf_fibers *p = fibers_of(r);
    *err = WEFT_ENOMEM;
    if (p == NULL)
        return NULL;
    wf_fiber *f = p->idle;
    if (f == NULL) {
        f = map_stack(r, p, err);
        if (f == NULL)
            return NULL;
        /* fresh pages are zero: so is the switch */
    } else {
        p->idle = f->next;
        if (--p->idle_n < p->idle_least)
            p->idle_least = p->idle_n;
        if (!f->clean)
            p->dirty--;
    }
    memset((char *)f + sizeof f->at, 0, sizeof *f - sizeof f->at);
    WF_STAT_ADD(r->stat.fibers, 1);
    return f;
}

void wf_fiber_free(wf_reactor *r, wf_fiber *f)
{
    wf_fibers *p = r->fibers;
    WF_STAT_SUB(r->stat.fibers, 1);
    if (WF_UNLIKELY(f->abandoned)) {
        unmap_stack(p, f);
        return;
    }
    f->clean = false;
    f->next = p->idle;
    p->idle = f;
    p->idle_n++;
    p->dirty++;
    if (!wf_timer_armed(&p->trim)) {
        p->idle_least = p->idle_n - 1;
        wf_timer_arm(&r->wheel, &p->trim, WF_FIBERS_TRIM_MS, trim);
    }
}

/* The last @n of the idle ones, which were used longest ago, are unmapped. */
static void unmap_last(wf_fibers *p, uint32_t n)
{
    wf_fiber **at = &p->idle;
    for (uint32_t keep = p->idle_n - n; keep != 0; keep--)
        at = &(*at)->next;
    wf_fiber *f = *at, *next;
    *at = NULL;
    p->idle_n -= n;
    for (; f != NULL; f = next) {
        next = f->next;
        if (!f->clean)
            p->dirty--;
        unmap_stack(p, f);
    }
}

/* The pages of the last @n go, but for the one with the fiber itself. */
static void clean_last(wf_fibers *p, uint32_t n)
{
    wf_fiber *f = p->idle;
    for (uint32_t skip = p->idle_n - n; skip != 0; skip--)
        f = f->next;
    for (; f != NULL; f = f->next) {
        if (f->clean)
            continue;
        (void)madvise(wf_fiber_bottom(f), WF_FIBER_STACK_BYTES - 4096, MADV_DONTNEED);
        f->clean = true;
        p->dirty--;
    }
}

static void trim(wf_timer *timer)
{
    wf_fibers *p = (wf_fibers *)(void *)((char *)timer - offsetof(wf_fibers, trim));
    uint32_t unused = p->idle_least;
    uint32_t beyond = p->idle_n > WF_FIBERS_IDLE_MAX ? p->idle_n - WF_FIBERS_IDLE_MAX : 0;
    uint32_t gone = unused < beyond ? unused : beyond;
    unmap_last(p, gone);
    clean_last(p, unused - gone);
    p->idle_least = p->idle_n;
    /* a reactor whose stacks are all given back sleeps undisturbed */
    if (p->dirty != 0 || p->idle_n > WF_FIBERS_IDLE_MAX)
        wf_timer_arm(&p->reactor->wheel, timer, WF_FIBERS_TRIM_MS, trim);
}

void wf_fibers_rest(wf_reactor *r)
{
    wf_fibers *p = r->fibers;
    if (p == NULL)
        return;
    wf_timer_cancel(&r->wheel, &p->trim);
    unmap_last(p, p->idle_n);
    p->idle_least = 0;
}

void wf_fibers_done(wf_reactor *r)
{
    wf_fibers *p = r->fibers;
    if (p == NULL)
        return;
    wf_fibers_rest(r);
    r->fibers = NULL;
    wf_fault_end(&p->alternate);
    wf_free(p);
}
