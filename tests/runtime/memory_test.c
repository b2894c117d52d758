/* SPDX-License-Identifier: MIT */
/* The n-th taking of memory fails, for every n: nothing crashes, leaks or hangs, and what fails says so. */
#include "kit.h"

#include <stdlib.h>

#include <weft/edge.h>

#include "alloc.h"
#include "sys.h"

/* What the scenario under way has seen. Each of its asks that could be waited for fires exactly once. */
static struct {
    unsigned waits, fired, monitors, downs, errors, served;
    weft_ref a, b;
} world;
static record spare; /* a config */

/* What only memory may fail with: an error of the call, of an outcome, of a handler. */
static void may_fail(weft_err err)
{
    switch (err) {
    case WEFT_OK:
        return;
    case WEFT_ENOMEM:
    case WEFT_ELIMIT:     /* there was no cell, no hold */
    case WEFT_EGONE:      /* who was to be spoken to could not be made, or is over */
    case WEFT_ENOANSWER:  /* the answer could not be made */
    case WEFT_ETIMEDOUT:  /* nor the failure */
    case WEFT_ECANCELLED: /* asked for */
    case WEFT_EDENIED:    /* asked for */
    case WEFT_EEXISTS:    /* the name is taken */
    case WEFT_EUSED:      /* it could not be consumed twice */
    case WEFT_EINVAL:
        world.errors++;
        return;
    default:
        CHECK_OK(err);
    }
}

static weft_err on_fired(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    world.fired++;
    may_fail(got->err);
    CHECK(got->why != NULL);
    return WEFT_OK;
}

static void wait_for(weft_msg *msg, weft_deferred d)
{
    weft_err err = weft_when(msg, d, on_fired);
    may_fail(err);
    world.waits += err == WEFT_OK;
}

/* ---- what is done, in either case */

typedef struct letter {
    weft_bytes bytes;
    char text[600]; /* larger than any class of blocks */
} letter;
static const weft_type letter_type = WEFT_TYPE_BYTES("test.letter", letter, bytes, NULL);
typedef struct page {
    weft_bytes bytes;
} page;
static const weft_type page_type = WEFT_TYPE_BYTES("test.page", page, bytes, NULL);

static weft_err say(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    world.served++;
    return weft_reply(msg, num, .n = 1);
}
static weft_err say_no(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_fail(msg, WEFT_EDENIED, "no");
}
static weft_err say_page(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, page, .bytes = weft_bytes_printf(msg, "page %d", 1));
}
static weft_err say_nothing(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    return WEFT_OK;
}
static weft_err keep(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    weft_drop(&s->kept);
    s->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err pass_on(weft_actor *self, weft_msg *msg, void *with)
{
    if (weft_ref_same(weft_self(self), world.a))
        return say(self, msg, with);
    weft_err err = weft_forward(msg, world.a);
    may_fail(err);
    return err;
}
static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "enough");
}

static void in_a_call(weft_actor *target, const uint64_t word[4])
{
    (void)word;
    if (target != NULL)
        may_fail(weft_tell(target, weft_self(target), num, .n = 3));
}

/* One of everything that takes memory. */
static weft_err do_all(weft_actor *self, weft_msg *msg, void *with)
{
    static const uint64_t word[4] = {0};
    puppet_state *s = weft_state(self);
    weft_ref to = world.b;
    (void)with;
    may_fail(weft_tell(self, to, num, .n = 1));
    letter l = {.bytes = weft_bytes_copy(msg, "bytes beside", 12)};
    may_fail(weft_tell_body(self, to, &letter_type, &l));
    weft_bytes_drop(&s->bytes);
    s->bytes = weft_bytes_keep(self, l.bytes);
    wait_for(msg, weft_ask(self, to, act, .fn = say));
    wait_for(msg, weft_ask(self, to, act, .fn = say_no));
    wait_for(msg, weft_ask(self, to, act, .fn = say_page));
    wait_for(msg, weft_ask(self, to, act, .fn = say_nothing));
    wait_for(msg, weft_ask(self, to, act, .fn = pass_on));
    wait_for(msg, weft_ask_within(self, to, 50, act, .fn = keep));
    wait_for(msg, weft_room(self, to));
    weft_deferred d = weft_ask(self, to, act, .fn = keep);
    may_fail(weft_cancel(self, d));
    wait_for(msg, d);
    d = weft_ask(self, to, act, .fn = say);
    may_fail(weft_ignore(self, d));
    weft_deferred forgotten = weft_ask(self, to, act, .fn = say_no);
    (void)forgotten;
    weft_ref idle = weft_spawn(self, &puppet, &spare);
    weft_ref child = weft_spawn(self, &puppet, NULL);
    (void)idle;
    may_fail(weft_tell(self, child, act, .fn = keep));
    may_fail(weft_monitor(self, child));
    may_fail(weft_link(self, child));
    may_fail(weft_monitor(self, to));
    may_fail(weft_link(self, to));
    weft_demonitor(self, to);
    may_fail(weft_register(self, "somebody"));
    may_fail(weft_tell(self, weft_named(self, "somebody"), num, .n = 2));
    wait_for(msg, weft_spawn_on(self, 0, &puppet, NULL));
    weft_timer t = weft_after(self, 20, num, .n = 4);
    if (t.slot != 0)
        may_fail(weft_timer_reset(self, t, 30));
    weft_timer every = weft_every(self, 10, act, .fn = say_nothing);
    (void)every;
    (void)weft_scratch(msg, 100);
    may_fail(weft_become(self, &puppet));
    may_fail(weft_call(to, in_a_call, word));
    weft_report_undelivered(self, true);
    weft_log(self, WEFT_INFO, "all done");
    return WEFT_OK;
}

static weft_err count_down(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    world.downs++;
    return WEFT_OK;
}
static weft_err do_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static weft_err monitor_b(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_err err = weft_monitor(self, world.b);
    may_fail(err);
    world.monitors += err == WEFT_OK;
    return WEFT_OK;
}
static const weft_handler watch_handlers[] = {
    {.type = &act_type, .fn = do_act}, {.type = &weft_down_type, .fn = count_down}, {0}};
static const weft_behaviour watching = {.name = "watching", .handlers = watch_handlers};

/* Whoever could be made does all of it, then ends. */
static void live_through(unsigned reactors, unsigned other)
{
    memset(&world, 0, sizeof world);
    sim = weft_sim_new(&(weft_sim_options){.system.reactors = reactors});
    if (sim == NULL)
        return;
    weft_system *sys = weft_sim_system(sim);
    world.a = weft_system_spawn(sys, 0, &puppet, NULL);
    world.b = weft_system_spawn(sys, other, &puppet, NULL);
    weft_ref watcher = weft_system_spawn(sys, 0, &watching, NULL);
    may_fail(weft_on_phase(sys, WEFT_PHASE_DRAIN, world.b));
    may_fail(weft_sim_tell(sim, watcher, act, .fn = monitor_b));
    may_fail(weft_sim_tell(sim, world.a, act, .fn = do_all));
    weft_sim_advance(sim, 100);
    may_fail(weft_sim_ask(sim, world.b, act, .fn = say)->err);
    weft_sim_advance(sim, 40000);
    weft_actor_stats s;
    if (weft_stats_actor(sys, world.a,
                         &s)) /* a link that could not be made ends it, and its asks */
        CHECK_U64(world.fired, world.waits);
    may_fail(weft_sim_tell(sim, world.b, act, .fn = stop_it));
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void alone(void)
{
    live_through(1, 0);
}
static void across(void)
{
    live_through(2, 1);
}

static void check_scenario(void (*scenario)(void))
{
    scenario();
    CHECK_U64(world.served >= 3, 1); /* with memory all of it happens */
    CHECK_U64(world.monitors, 1);
    CHECK_U64(world.downs, 1);
    each_allocation_fails(scenario);
}

static void a_life_on_one_reactor_survives(void)
{
    check_scenario(alone);
}
static void a_life_across_reactors_survives(void)
{
    check_scenario(across);
}

/* ---- making systems */

static void ignore_line(void *context, const weft_log_line *line)
{
    CHECK(line->text != NULL && line->text[0] != '\0');
    ++*(unsigned *)context;
}

static void make_and_free(void)
{
    unsigned lines = 0;
    long failed = wf_alloc_failed();
    weft_system *sys = weft_system_new(
        &(weft_system_options){.reactors = 3, .log_hook = ignore_line, .log_context = &lines});
    if (sys == NULL) {
        CHECK(wf_alloc_failed() != failed);
        CHECK_U64(lines, 1); /* says why */
        return;
    }
    weft_ref group = weft_system_spawn_each(sys, &puppet, NULL);
    weft_ref one = weft_system_spawn(sys, 1, &watching, NULL);
    weft_ref two = weft_system_spawn_blocking(sys, &puppet, &spare);
    for (int p = 0; p < WEFT_PHASE_COUNT_; p++)
        may_fail(weft_on_phase(sys, (weft_phase)p, one));
    may_fail(weft_system_tell(sys, group, &num_type, &(num){1}));
    may_fail(weft_system_tell(sys, two, &act_type, &(act){say, NULL}));
    weft_system_shutdown(sys, WEFT_OK);
    weft_system_free(&sys);
    CHECK(sys == NULL);
}

static void a_system_is_made_or_not(void)
{
    each_allocation_fails(make_and_free);
}

/* ---- a real one, whose main thread finds no memory */

static weft_err work_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(do_all(self, msg, with));
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static void run_it(void)
{
    unsigned lines = 0;
    memset(&world, 0, sizeof world);
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = 2, .log_hook = ignore_line, .log_context = &lines, .stop_grace_ms = 1000});
    if (sys == NULL)
        return;
    world.a = weft_system_spawn(sys, 0, &puppet, NULL);
    world.b = weft_system_spawn(sys, 1, &puppet, NULL);
    if (weft_system_tell(sys, world.a, &act_type, &(act){work_and_stop, NULL}) != WEFT_OK)
        weft_system_shutdown(sys, WEFT_OK);
    int code = weft_run(&sys);
    CHECK(code == 0 || code == 70 || code == 71);
}

static void a_system_that_runs_out_of_memory_ends(void)
{
    each_allocation_fails(run_it);
}

static const test_case cases[] = {
    TEST(a_system_is_made_or_not),
    TEST(a_life_on_one_reactor_survives),
    TEST(a_life_across_reactors_survives),
    TEST(a_system_that_runs_out_of_memory_ends),
    {0},
};

const test_suite memory_suite = {.name = "runtime/memory", .after = sim_done, .cases = cases};
