/* SPDX-License-Identifier: MIT */
/* The watcher looks at every reactor each 10 ms while any of them works, and sleeps without a limit once
 * all have slept for a moment: an idle process makes no wake-ups of its own. Whoever leaves its sleep
 * then wakes it, once. */
#include "watcher.h"

#include "alloc.h"
#include "log.h"
#include "sys.h"

enum { SAMPLE_MS = 10, QUIET_SAMPLES = 10 };

struct wf_watch_thread {
    weft_system *sys;
    wf_thread *thread;
    _Atomic uint32_t stop;
    struct {
        uint64_t served, turns;
        weft_actor *running;
        uint32_t same; /* samples in which nothing moved */
        bool told;
    } seen[WF_THREADS_MAX];
};

/* One sample of time for @a. The entry is the watcher's alone, so an actor that ends meanwhile is no
 * matter: the next one in its slot has another generation. */
static void count_busy(wf_reactor *r, weft_actor *a)
{
    _Atomic uint64_t *busy = &r->busy[WF_STAT_GET(a->slot) & (WF_SLOTS_MAX - 1)];
    uint64_t gen = WF_STAT_GET(a->gen), was = WF_STAT_GET(*busy);
    WF_STAT_SET(*busy, was >> 32 == gen ? was + 1 : (gen << 32 | 1));
}

static void look(struct wf_watch_thread *w, unsigned i, bool *worked)
{
    wf_reactor *r = w->sys->reactor[i];
    weft_actor *a = WF_STAT_FOLLOW(r->running);
    uint64_t served = WF_STAT_GET(r->served);
    if (served != w->seen[i].served || a != NULL)
        *worked = true;
    if (a != NULL)
        count_busy(r, a);
    if (a == NULL || a != w->seen[i].running || served != w->seen[i].served) {
        w->seen[i].running = a;
        w->seen[i].served = served;
        w->seen[i].same = 0;
        w->seen[i].told = false;
        return;
    }
    w->seen[i].same++;
    /* actors of the pool are there to block */
    if (w->seen[i].told || r->blocking || w->seen[i].same * SAMPLE_MS < w->sys->options.hog_ms)
        return;
    w->seen[i].told = true;
    const wf_program *program = WF_STAT_FOLLOW(a->program);
    WF_STAT_ADD(r->stat.hogs, 1);
    wf_log(w->sys, WEFT_WARNING, "weft",
           "%s on reactor %u has held it for %u ms: a handler must not block or compute for long",
           program != NULL ? program->behaviour->name : "an actor", i, w->seen[i].same * SAMPLE_MS);
}

static void watch(void *context)
{
    struct wf_watch_thread *w = context;
    weft_system *sys = w->sys;
    unsigned quiet = 0;
    while (atomic_load_explicit(&w->stop, memory_order_acquire) == 0) {
        bool worked = false;
        for (unsigned i = 0; i < wf_threads(sys); i++)
            look(w, i, &worked);
        quiet = worked ? 0 : quiet + 1;
        if (quiet < QUIET_SAMPLES) {
            sys->drv->wait_word(sys->driver, &w->stop, 0, (uint64_t)SAMPLE_MS * 1000000U);
            continue;
        }
        /* raised, then looked at again, as a reactor does before it sleeps */
        atomic_store_explicit(&sys->watcher_sleeps, 1, memory_order_seq_cst);
        bool asleep = atomic_load_explicit(&w->stop, memory_order_seq_cst) == 0;
        for (unsigned i = 0; i < wf_threads(sys); i++)
            if (atomic_load_explicit(&sys->reactor[i]->sleeping, memory_order_seq_cst) == 0)
                asleep = false;
        if (asleep)
            sys->drv->wait_word(sys->driver, &sys->watcher_sleeps, 1, 0);
        atomic_store_explicit(&sys->watcher_sleeps, 0, memory_order_relaxed);
        quiet = 0;
    }
}

void wf_watcher_wake(weft_system *sys)
{
    if (atomic_exchange_explicit(&sys->watcher_sleeps, 0, memory_order_seq_cst) != 0)
        sys->drv->wake_word(sys->driver, &sys->watcher_sleeps);
}

weft_err wf_watcher_begin(weft_system *sys, weft_why *why)
{
    struct wf_watch_thread *w = wf_alloc_zero(sizeof *w);
    if (w == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the watcher");
    w->sys = sys;
    sys->watcher = w;
    w->thread = sys->drv->thread_start(sys->driver, "weft-watch", watch, w);
    if (w->thread == NULL) {
        sys->watcher = NULL;
        wf_free(w);
        return weft_because(why, WEFT_ELIMIT, "unable to start the watcher's thread");
    }
    return WEFT_OK;
}

void wf_watcher_end(weft_system *sys)
{
    struct wf_watch_thread *w = sys->watcher;
    if (w == NULL)
        return;
    sys->watcher = NULL;
    /* seq_cst: before the look at watcher_sleeps, which it raises before it looks at this */
    atomic_store_explicit(&w->stop, 1, memory_order_seq_cst);
    sys->drv->wake_word(sys->driver, &w->stop);
    wf_watcher_wake(sys);
    sys->drv->thread_join(w->thread);
    wf_free(w);
}
