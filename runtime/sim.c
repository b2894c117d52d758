/* SPDX-License-Identifier: MIT */
/* A simulation: made, its clock moved, shut down and counted. */
#include "sim.h"

#include "alloc.h"
#include "buffer.h"
#include "driver_sim.h"
#include "family.h"
#include "log.h"
#include "mailbox.h"
#include "phases.h"

enum { MS_NS = 1000000, AFTER_GRACE_MS = 60000 };

static weft_sim *failed(weft_sim *sim)
{
    if (sim == NULL)
        return NULL;
    wf_sim_leave(sim);
    weft_system_free(&sim->sys);
    wf_sim_log_done(sim);
    wf_free(sim);
    return NULL;
}

weft_sim *weft_sim_new(const weft_sim_options *options)
{
    weft_sim_options o = {.seed = 1};
    weft_why why;
    weft_sim *sim = wf_alloc_zero(sizeof *sim);
    if (options != NULL)
        o = *options;
    if (sim == NULL)
        return NULL;
    wf_sim_join(sim, o.beside);
    sim->seed = o.seed;
    sim->stop_at = o.stop_at;
    sim->faults = o.faults;
    sim->outcome.got.why = "";
    sim->log_hook = o.system.log_hook;
    sim->log_context = o.system.log_context;
    wf_random_seed(&sim->choice, o.seed ^ 1);
    wf_random_seed(&sim->faulted, o.seed ^ 2);
    /* what a program would not log may still be looked for by a test */
    if (!o.system.log_level_set)
        o.system.log_level = WEFT_DEBUG;
    o.system.log_level_set = true;
    o.system.log_hook = wf_sim_log_hook;
    o.system.log_context = sim;
    o.system.loop = NULL;
    if (!wf_sim_log_init(sim))
        return failed(sim);
    wf_driver *driver = wf_driver_sim_new(o.seed);
    if (driver != NULL && sim->root != sim) /* one clock for all */
        wf_driver_sim_advance(driver, sim->root->sys->drv->now_ns(sim->root->sys->driver) -
                                          driver->ops->now_ns(driver));
    sim->sys = driver != NULL ? wf_system_new(&o.system, driver, &why) : NULL;
    if (sim->sys == NULL)
        return failed(sim);
    sim->sys->sim = sim;
    wf_sim_world_init(sim);
    wf_sim_faults_init(sim);
    wf_sim_check_init(sim);
    if (!wf_sim_outside_init(sim))
        return failed(sim);
    wf_sim_joined(sim);
    WF_R = sim->sys->reactor[0];
    return sim;
}

weft_system *weft_sim_system(weft_sim *sim)
{
    return sim->sys;
}

weft_ref weft_sim_spawn(weft_sim *sim, const weft_behaviour *behaviour, const void *config)
{
    return weft_system_spawn(sim->sys, 0, behaviour, config);
}

void wf_sim_start(weft_sim *sim)
{
    WF_R = sim->sys->reactor[0];
    if (sim->started)
        return;
    sim->started = true;
    WF_STAT_SET(sim->sys->running, true);
    (void)wf_phases_begin(sim->sys);
}

/* ---- time */

static uint32_t until_next_of(const weft_sim *sim, uint32_t best)
{
    uint32_t tick = wf_tick(sim->sys);
    for (unsigned i = 0; i < wf_threads(sim->sys); i++) {
        wf_reactor *r = sim->sys->reactor[i];
        uint32_t next = WF_STAT_GET(r->stop) ? WF_WHEEL_NEVER : wf_wheel_next(&r->wheel);
        if (next == WF_WHEEL_NEVER)
            continue;
        uint32_t late = tick - r->wheel.now;
        next = next > late ? next - late : 1;
        best = next < best ? next : best;
    }
    return best;
}

/* Ms until something is due; WF_WHEEL_NEVER: nothing will be. */
static uint32_t until_next(weft_sim *root)
{
    uint32_t best = wf_wheel_next(&root->under_way);
    for (const weft_sim *sim = root; sim != NULL; sim = sim->next)
        best = until_next_of(sim, best);
    return best;
}

static void move_clock(weft_sim *sim, uint32_t ms)
{
    for (const weft_sim *one = sim->root; one != NULL; one = one->next)
        wf_driver_sim_advance(one->sys->driver, (uint64_t)ms * MS_NS);
    wf_sim_world_tick(sim->root);
    WF_R = sim->sys->reactor[0];
}

bool wf_sim_move(weft_sim *sim, uint32_t ms_max)
{
    uint32_t next = until_next(sim->root);
    if (next == WF_WHEEL_NEVER || next > ms_max)
        return false;
    move_clock(sim, next);
    return true;
}

void weft_sim_advance(weft_sim *sim, uint32_t ms)
{
    uint32_t until = wf_sim_ms(sim) + ms;
    while (weft_sim_run(sim)) {
        uint32_t left = until - wf_sim_ms(sim);
        if (left == 0)
            return;
        if (!wf_sim_move(sim, left))
            move_clock(sim, left);
    }
}

bool weft_sim_settle(weft_sim *sim, uint32_t ms_max)
{
    uint32_t until = wf_sim_ms(sim) + ms_max;
    while (weft_sim_run(sim)) {
        if (sim->root->arrivals == 0)
            return true;
        if (!wf_sim_move(sim, until - wf_sim_ms(sim)))
            break;
    }
    return false;
}

uint32_t weft_sim_now(const weft_sim *sim)
{
    return wf_sim_ms(sim);
}

/* ---- the end */

static bool over(const weft_sim *sim)
{
    for (unsigned i = 0; i < wf_threads(sim->sys); i++)
        if (!WF_STAT_GET(sim->sys->reactor[i]->stop))
            return false;
    return true;
}

/* By force at the end: the coordinator's own limit and that of the reactors are within the time
 * given. */
static void shut_down(weft_sim *sim)
{
    uint32_t until = wf_sim_ms(sim) + sim->sys->options.stop_grace_ms + AFTER_GRACE_MS;
    if (over(sim))
        return;
    weft_system_shutdown(sim->sys, WEFT_OK);
    while (weft_sim_run(sim) && !over(sim) && wf_sim_move(sim, until - wf_sim_ms(sim))) {
    }
}

static unsigned actors_left(const weft_system *sys)
{
    unsigned n = 0;
    for (unsigned i = 0; i < wf_threads(sys); i++)
        n += WF_STAT_GET(sys->reactor[i]->stat.actors);
    return n;
}

/* Everybody has ended, and everything that was under way has been taken. */
static void count_things(const weft_system *sys, weft_sim_leaks *l)
{
    for (unsigned i = 0; i < wf_threads(sys); i++) {
        const wf_reactor *r = sys->reactor[i];
        l->asks += WF_STAT_GET(r->stat.asks);
        l->timers += r->wheel.armed;
        l->buffers += wf_buffers_alive(r);
        l->messages += WF_STAT_GET(r->stat.blocks);
    }
}

static void log_leaks(weft_system *sys, const weft_sim_leaks *l)
{
    wf_log(sys, WEFT_ERROR, "weft",
           "leaked: %u actors, %u asks, %u timers, %u buffers, %u messages%s", l->actors, l->asks,
           l->timers, l->buffers, l->messages,
           l->broken != 0 ? "; and an invariant did not hold" : "");
}

static void go_on(weft_sim *sim)
{
    sim->ending = true;
    sim->halted = false;
    sim->fail_in = 0;
}

/* What has stopped goes on: to its end. */
static void end(weft_sim *sim)
{
    go_on(sim->root);
    go_on(sim);
    wf_sim_start(sim);
    wf_sim_outside_done(sim);
    (void)weft_sim_run(sim);
    shut_down(sim);
}

/* Ends every actor as it stands, in steps of @sim alone: nothing else happens meanwhile. */
static void cut_off(weft_sim *sim)
{
    go_on(sim);
    wf_sim_start(sim);
    wf_sim_outside_done(sim);
    wf_sim_alone(sim);
}

/* Its actors have ended, or never will. */
static unsigned free_it(weft_sim *sim, weft_sim_leaks *leaks)
{
    weft_sim *root = sim->root;
    leaks->actors = actors_left(sim->sys);
    leaks->broken = sim->failure[0] != '\0';
    WF_R = sim->sys->reactor[0];
    wf_system_drain(sim->sys);
    wf_sim_faults_done(sim);
    wf_sim_leave(sim);
    count_things(sim->sys, leaks);
    unsigned n = leaks->actors + leaks->asks + leaks->timers + leaks->buffers + leaks->messages +
                 leaks->broken;
    if (n != 0)
        log_leaks(sim->sys, leaks);
    weft_system_free(&sim->sys);
    wf_sim_check_done(sim);
    wf_sim_log_done(sim);
    wf_free(sim);
    if (root != sim) {
        root->ending = false;
        WF_R = root->sys->reactor[0];
    }
    return n;
}

unsigned weft_sim_free_leaks(weft_sim **sim_at, weft_sim_leaks *leaks)
{
    weft_sim *sim = *sim_at;
    *sim_at = NULL;
    *leaks = (weft_sim_leaks){.actors = 0};
    if (sim == NULL)
        return 0;
    end(sim);
    return free_it(sim, leaks);
}

unsigned weft_sim_cut_off(weft_sim **sim_at)
{
    weft_sim *sim = *sim_at;
    weft_sim_leaks leaks = {.actors = 0};
    *sim_at = NULL;
    if (sim == NULL)
        return 0;
    cut_off(sim);
    return free_it(sim, &leaks);
}

unsigned weft_sim_free(weft_sim **sim)
{
    weft_sim_leaks leaks;
    return weft_sim_free_leaks(sim, &leaks);
}
