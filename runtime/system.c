/* SPDX-License-Identifier: MIT */
/* The system: made, run, shut down, freed; and what may be done from outside of handlers. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "ask.h"
#include "block.h"
#include "buffer.h"
#include "family.h"
#include "fiber.h"
#include "log.h"
#include "mailbox.h"
#include "name.h"
#include "phases.h"
#include "pool.h"
#include "post.h"
#include "program.h"
#include "reactor.h"
#include "remote.h"
#include "signals.h"
#include "sys.h"
#include "watcher.h"

enum {
    EXIT_UNAVAILABLE = 69,
    EXIT_SOFTWARE = 70,
    EXIT_OS = 71,
    POOL_THREADS = 2,
    POOL_MAX = 64,
    FORCE_MS = 5000
};

enum { FREE, HELD, AWAITED };

void wf_lock_take(weft_system *sys, wf_lock *lock)
{
    uint32_t was = FREE;
    /* acquire: what the last holder wrote is seen; pairs with the release in wf_lock_give */
    if (atomic_compare_exchange_strong_explicit(&lock->word, &was, HELD, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    /* whoever waited cannot know that nobody else does, and so says again that somebody may */
    while (atomic_exchange_explicit(&lock->word, AWAITED, memory_order_acquire) != FREE)
        sys->drv->wait_word(sys->driver, &lock->word, AWAITED, 1000000);
}

void wf_lock_give(weft_system *sys, wf_lock *lock)
{
    if (atomic_exchange_explicit(&lock->word, FREE, memory_order_release) == AWAITED)
        sys->drv->wake_word(sys->driver, &lock->word);
}

static void set_defaults(weft_system_options *o)
{
    if (o->reactors == 0)
        o->reactors = 1;
    if (o->reactors > WEFT_REACTORS_MAX)
        o->reactors = WEFT_REACTORS_MAX;
    if (o->pool == 0)
        o->pool = POOL_THREADS;
    if (o->pool > POOL_MAX)
        o->pool = POOL_MAX;
    if (o->actors_max == 0 || o->actors_max > WF_SLOTS_MAX)
        o->actors_max = WF_SLOTS_MAX;
    if (o->ask_limit_ms == 0)
        o->ask_limit_ms = 30000;
    if (o->stop_grace_ms == 0)
        o->stop_grace_ms = 10000;
    if (o->hog_ms == 0)
        o->hog_ms = 250;
    if (o->spin_us == 0)
        o->spin_us = 20;
    else if (o->spin_us == WEFT_NO_SPIN)
        o->spin_us = 0;
    else if (o->spin_us > WEFT_SPIN_US_MAX)
        o->spin_us = WEFT_SPIN_US_MAX;
    if (o->fibers_max == 0)
        o->fibers_max = WF_FIBERS_MAX;
}

weft_system *wf_system_new(const weft_system_options *options, wf_driver *driver, weft_why *why)
{
    weft_system *sys = wf_alloc_zero(sizeof *sys);
    if (sys == NULL || driver == NULL) {
        (void)weft_because(why, WEFT_ENOMEM, "no memory for a system");
        if (driver != NULL)
            driver->ops->free(driver);
        wf_free(sys);
        return NULL;
    }
    sys->driver = driver;
    sys->drv = driver->ops;
    if (options != NULL)
        sys->options = *options;
    set_defaults(&sys->options);
    sys->reactors = sys->options.reactors;
    sys->start_ns = sys->drv->now_ns(driver);
    bool ok = wf_log_init(sys);
    for (unsigned i = 0; ok && i < sys->reactors; i++) {
        sys->reactor[i] = wf_reactor_new(sys, i, i == 0 ? sys->options.loop : NULL, why);
        ok = sys->reactor[i] != NULL;
        if (ok)
            atomic_store_explicit(&sys->threads, i + 1, memory_order_relaxed);
    }
    if (!ok || wf_phases_init(sys, why) != WEFT_OK) {
        weft_system_free(&sys);
        return NULL;
    }
    return sys;
}

weft_system *weft_system_new(const weft_system_options *options)
{
    weft_why why = {"no memory for a system"};
    weft_system *sys = wf_system_new(options, wf_driver_ev_new(), &why);
    if (sys == NULL && options != NULL && options->log_hook != NULL) {
        weft_log_line line = {.level = WEFT_ERROR, .name = "weft", .who = "", .text = why.text};
        options->log_hook(options->log_context, &line);
    }
    return sys;
}

/* What is still under way between reactors ends. */
static void drain(weft_system *sys)
{
    bool more = true;
    for (int rounds = 0; more && rounds < 1000; rounds++) {
        more = false;
        for (unsigned i = 0; i < wf_threads(sys); i++) {
            wf_reactor *r = sys->reactor[i];
            WF_R = r;
            more |= wf_take_inbox(r);
            if (!wf_stop_all(r, WEFT_ESTOPPING, true))
                more = true;
            (void)wf_reactor_round(r);
            wf_block_send_home(r);
        }
    }
}

static void kept_done(wf_reactor *r)
{
    for (unsigned k = WEFT_KEPT_COUNT_; k-- > 0;) {
        void *kept = r->kept[k];
        r->kept[k] = NULL;
        if (kept != NULL)
            r->kept_free[k](kept);
    }
    wf_read_block_done(r);
}

void wf_system_drain(weft_system *sys)
{
    wf_pool_close(sys);
    drain(sys);
    for (unsigned i = 0; i < wf_threads(sys); i++) {
        WF_R = sys->reactor[i];
        wf_monitors_done(WF_R);
        wf_owed_done(WF_R);
        kept_done(WF_R);
    }
    drain(sys); /* what they let go of goes home too */
    for (unsigned i = 0; i < wf_threads(sys); i++) {
        WF_R = sys->reactor[i];
        while (wf_block_take_home(WF_R)) {
        }
        wf_fibers_rest(WF_R);
    }
    WF_R = NULL;
}

void weft_system_free(weft_system **sys_at)
{
    weft_system *sys = *sys_at;
    *sys_at = NULL;
    if (sys == NULL)
        return;
    wf_system_drain(sys);
    for (unsigned i = 0; i < wf_threads(sys); i++)
        wf_reactor_free(sys->reactor[i]);
    wf_phases_free(sys);
    wf_programs_free(sys);
    wf_names_free(sys);
    wf_remotes_free(sys);
    wf_free(sys->log);
    sys->drv->free(sys->driver);
    wf_free(sys);
}

/* ---- running */

static void thread_main(void *context)
{
    wf_reactor_run(context);
}

bool wf_thread_start(weft_system *sys, wf_reactor *r)
{
    char name[16];
    (void)snprintf(name, sizeof name, r->blocking ? "weft-pool-%u" : "weft-%u", r->index);
    sys->thread[r->index] = sys->drv->thread_start(sys->driver, name, thread_main, r);
    return sys->thread[r->index] != NULL;
}

static weft_err start_threads(weft_system *sys, weft_why *why)
{
    /* those that are there now: once the first runs it may need another one of the pool, and starts it */
    unsigned n = wf_threads(sys);
    for (unsigned i = 1; i < n; i++)
        if (!wf_thread_start(sys, sys->reactor[i]))
            return weft_because(why, WEFT_ELIMIT, "unable to start thread %u of %u", i, n);
    return WEFT_OK;
}

static void join_threads(weft_system *sys)
{
    wf_pool_close(sys);
    for (unsigned i = 1; i < wf_threads(sys); i++) {
        if (sys->thread[i] == NULL)
            continue;
        sys->drv->thread_join(sys->thread[i]);
        sys->thread[i] = NULL;
    }
}

void wf_system_cut(weft_system *sys)
{
    wf_pool_close(sys);
    for (unsigned i = 0; i < wf_threads(sys); i++) {
        WF_STAT_SET(sys->reactor[i]->stop, true);
        sys->drv->wake(sys->reactor[i]->poller);
    }
}

static weft_err start(weft_system *sys, weft_why *why)
{
    WF_STAT_SET(sys->running, true);
    if (wf_phases_begin(sys) != WEFT_OK)
        return weft_because(why, WEFT_ENOMEM, "no memory to begin the phases of the system");
    if (!sys->options.no_signals)
        wf_signals_begin(sys);
    weft_err err = start_threads(sys, why);
    if (err == WEFT_OK)
        err = wf_watcher_begin(sys, why);
    if (err != WEFT_OK) {
        wf_system_cut(sys);
        join_threads(sys);
        wf_signals_end(sys);
    }
    return err;
}

static int exit_code(const weft_system *sys)
{
    return sys->reason == WEFT_OK ? EXIT_SUCCESS : EXIT_SOFTWARE;
}

static int finish(weft_system **sys)
{
    join_threads(*sys);
    wf_watcher_end(*sys);
    wf_signals_end(*sys);
    int code = exit_code(*sys);
    weft_system_free(sys);
    return code;
}

int weft_run(weft_system **sys_at)
{
    weft_system *sys = *sys_at;
    weft_why why;
    if (sys->failed != WEFT_OK) {
        weft_system_free(sys_at);
        return EXIT_UNAVAILABLE;
    }
    if (start(sys, &why) != WEFT_OK) {
        wf_log(sys, WEFT_ERROR, "weft", "unable to start: %s", why.text);
        weft_system_free(sys_at);
        return EXIT_OS;
    }
    wf_reactor_run(sys->reactor[0]);
    return finish(sys_at);
}

/* ---- within a program's own loop */

static int64_t embedded_turn(void *context)
{
    wf_reactor *r = context;
    WF_R = r;
    atomic_store_explicit(&r->sleeping, 0, memory_order_seq_cst);
    if (WF_UNLIKELY(atomic_load_explicit(&r->sys->watcher_sleeps, memory_order_seq_cst) != 0))
        wf_watcher_wake(r->sys);
    wf_reactor_clock(r);
    bool more = wf_reactor_round(r);
    if (wf_reactor_over(r))
        return -1; /* the program calls weft_finish */
    if (!more && !wf_reactor_ready(r)) {
        wf_block_send_home(r);
        atomic_store_explicit(&r->sleeping, 1, memory_order_seq_cst);
        more = atomic_load_explicit(&r->inbox, memory_order_seq_cst) != NULL;
    }
    return more || wf_reactor_ready(r) ? 0 : wf_reactor_timeout(r);
}

weft_err weft_start(weft_system *sys, weft_why *why)
{
    if (sys->options.loop == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "weft_start needs a loop in the options; weft_run makes its own");
    if (sys->failed != WEFT_OK)
        return weft_because(why, sys->failed,
                            "what was asked for before start could not be had: %s",
                            weft_err_text(sys->failed));
    weft_err err = start(sys, why);
    if (err != WEFT_OK)
        return err;
    WF_R = sys->reactor[0];
    sys->drv->embed(sys->reactor[0]->poller, embedded_turn, sys->reactor[0]);
    return WEFT_OK;
}

int weft_finish(weft_system **sys_at)
{
    weft_system *sys = *sys_at;
    sys->drv->embed(sys->reactor[0]->poller, NULL, NULL);
    weft_system_shutdown(sys, WEFT_OK);
    wf_reactor_run(sys->reactor[0]);
    return finish(sys_at);
}

/* ---- from outside */

weft_ref weft_system_spawn(weft_system *sys, unsigned reactor, const weft_behaviour *behaviour,
                           const void *config)
{
    weft_why why;
    if (reactor >= wf_threads(sys))
        return WEFT_NOBODY;
    wf_reactor *outer = WF_R;
    WF_R = sys->reactor[reactor];
    const weft_actor *a = wf_spawn(WF_R, NULL, behaviour, config, &why);
    weft_ref ref = a != NULL ? wf_ref_of(WF_R, a) : WEFT_NOBODY;
    WF_R = outer;
    if (a == NULL)
        wf_log(sys, WEFT_ERROR, "weft", "unable to spawn: %s", why.text);
    return ref;
}

weft_ref weft_system_spawn_each(weft_system *sys, const weft_behaviour *behaviour,
                                const void *config)
{
    weft_ref member[WEFT_REACTORS_MAX];
    for (unsigned i = 0; i < sys->reactors; i++) {
        member[i] = weft_system_spawn(sys, i, behaviour, config);
        if (weft_ref_is_nobody(member[i]))
            return WEFT_NOBODY;
    }
    return wf_group_new(sys, member, sys->reactors);
}

weft_ref weft_system_spawn_blocking(weft_system *sys, const weft_behaviour *behaviour,
                                    const void *config)
{
    weft_why why = {""};
    weft_err err;
    if (WF_STAT_GET(sys->running))
        return WEFT_NOBODY;
    wf_reactor *r = wf_pool_choose(sys, WF_POOL_ACTOR, &err, &why);
    if (r == NULL) {
        wf_log(sys, WEFT_ERROR, "weft", "no thread for the pool: %s", why.text);
        return WEFT_NOBODY;
    }
    weft_ref ref = weft_system_spawn(sys, r->index, behaviour, config);
    wf_pool_done(r, WF_POOL_ACTOR);
    return ref;
}

weft_err weft_system_tell(weft_system *sys, weft_ref to, const weft_type *type, const void *body)
{
    if (to.home == WF_HOME_NAME)
        to = wf_name_resolve(sys, to);
    else if (to.home == WF_HOME_GROUP)
        to = wf_group_resolve(sys->reactor[0], to);
    if (to.slot == 0 || wf_home_index(to.home) >= wf_threads(sys))
        return WEFT_EGONE;
    if (type->size == 0)
        return WEFT_EINVAL;
    if (type->descriptor != NULL || type->bytes != 0 || type->share != NULL)
        return WEFT_ETYPE; /* plain bodies only: what is shared belongs to a reactor */
    weft_msg *m = wf_block_big(type->size, WF_FOREIGN);
    if (m == NULL)
        return WEFT_ENOMEM;
    *m = (weft_msg){.type = type, .class = WF_CLASS_BIG, .owner = WF_FOREIGN};
    memcpy(m->body, body, type->size);
    return wf_post_foreign(sys, wf_home_index(to.home), to.slot, to.gen, m);
}

unsigned weft_system_reactors(const weft_system *sys)
{
    return sys->reactors;
}

weft_system *weft_system_of(const weft_actor *self)
{
    (void)self;
    return WF_R->sys;
}

unsigned weft_reactor_of(const weft_actor *self)
{
    (void)self;
    return WF_R->index;
}
