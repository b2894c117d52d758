/* SPDX-License-Identifier: MIT */
/* The top of an application: start-up that waits for the tree, shut-down that lets it finish, trees that
 * cannot start or give up. */
#include "runtime/kit.h"

#include <weft/operate.h>

#include <sysexits.h>

#include "actors/app.h"

static unsigned starts, stops;
static bool late, fails, slow;

typedef struct tick {
    char nothing;
} tick;
static const weft_type tick_type = WEFT_TYPE("test.tick", tick, NULL);
typedef struct worker_state {
    weft_msg *started;
    bool stopping;
} worker_state;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    starts++;
    if (fails)
        return weft_fail(msg, WEFT_EEXISTS, "somebody was faster");
    if (late) {
        s->started = weft_keep(msg);
        (void)weft_after(self, 1000, tick, .nothing = 0);
    }
    return WEFT_OK;
}
static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    (void)msg;
    weft_drop(&s->started);
    return s->stopping ? weft_stop(self, WEFT_OK) : WEFT_OK;
}
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    (void)msg;
    s->stopping = true;
    if (!slow)
        return weft_stop(self, WEFT_OK);
    (void)weft_after(self, 2000, tick, .nothing = 0); /* work that was accepted */
    return WEFT_OK;
}
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static void worker_ended(weft_actor *self, weft_err reason)
{
    (void)self;
    CHECK(reason != WEFT_ETIMEDOUT);
    stops++;
}
static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &tick_type, .fn = on_tick},
    {.type = &act_type, .fn = on_act},
    {0},
};
static const weft_behaviour worker = {
    .name = "worker", .handlers = rows, .state_bytes = sizeof(worker_state), .ended = worker_ended};
static const weft_child children[] = {
    {.name = "one", .behaviour = &worker}, {.name = "two", .behaviour = &worker}, {0}};
static const weft_supervisor tree = {.restarts_max = 1, .children = children};

static wf_app_run app;

static void before(void)
{
    starts = stops = 0;
    late = fails = slow = false;
    app = (wf_app_run){.tree = &tree};
    sim_one();
    CHECK_OK(wf_app_spawn(weft_sim_system(sim), &app));
}

/* Nobody is left but what the system ends last. */
static bool is_over(void)
{
    return sim_stats(0).actors == 0;
}

static void a_tree_starts_with_the_system_and_ends_with_it(void)
{
    CHECK(weft_sim_run(sim));
    CHECK_U64(starts, 2);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    CHECK(weft_sim_run(sim));
    CHECK_U64(stops, 2);
    CHECK(is_over());
    CHECK_U64(app.code, 0);
}

static void shut_down_waits_for_work_that_was_accepted(void)
{
    slow = true;
    CHECK(weft_sim_run(sim));
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 1990);
    CHECK_U64(stops, 0);
    weft_sim_advance(sim, 20); /* the last first */
    CHECK_U64(stops, 1);
    weft_sim_advance(sim, 2000);
    CHECK_U64(stops, 2);
    CHECK(is_over());
}

static void a_shut_down_overtakes_a_start_that_waits(void)
{
    late = true;
    CHECK(weft_sim_run(sim));
    CHECK_U64(starts, 1);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    CHECK(weft_sim_run(sim));
    CHECK_U64(starts, 1);
    CHECK_U64(stops, 1);
    CHECK(is_over());
}

static void a_tree_that_cannot_start_stops_the_system(void)
{
    fails = true;
    CHECK(weft_sim_run(sim));
    CHECK_U64(app.code, EX_UNAVAILABLE);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR,
                              "unable to start: child one could not start: somebody was faster"),
              1);
    CHECK(is_over());
}

static weft_err crash(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_EIO);
}
static char two[] = "two";
static weft_err crash_named(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_tell(self, weft_named(self, with), act, .fn = crash, .with = NULL);
}

static void a_tree_that_gives_up_stops_the_system(void)
{
    CHECK(weft_sim_run(sim));
    sim_do(sim_puppet(NULL), crash_named, two);
    CHECK_U64(app.code, 0);
    sim_do(sim_puppet(NULL), crash_named, two);
    CHECK(weft_sim_run(sim));
    CHECK_U64(app.code, EX_SOFTWARE);
    CHECK(is_over());
}

typedef struct wish {
    weft_ref who;
    bool kill;
} wish;

static weft_err end_it(weft_actor *self, weft_msg *msg, void *with)
{
    const wish *w = with;
    (void)msg;
    CHECK_OK(w->kill ? weft_kill(self, w->who, WEFT_ECANCELLED)
                     : weft_stop_ref(self, w->who, WEFT_OK));
    return WEFT_OK;
}

static void end_app(bool kill)
{
    weft_actor_stats stats = {.behaviour = ""};
    wish w = {.who = sim_puppet(NULL), .kill = kill};
    CHECK(weft_sim_run(sim));
    w.who.gen = 1;
    for (w.who.slot = 1; w.who.slot < 16 && strcmp(stats.behaviour, "app") != 0; w.who.slot++)
        (void)weft_stats_actor(weft_sim_system(sim), w.who, &stats);
    w.who.slot--;
    CHECK_STR(stats.behaviour, "app");
    sim_do(sim_puppet(NULL), end_it, &w);
    CHECK(weft_sim_run(sim));
    CHECK_U64(stops, 2);
    CHECK(is_over());
}

static void an_application_that_is_stopped_stops_the_system(void)
{
    end_app(false);
    CHECK_U64(app.code, 0);
}

static void one_that_is_killed_does_so_with_a_code(void)
{
    end_app(true);
    CHECK_U64(app.code, EX_SOFTWARE);
}

static const test_case cases[] = {
    TEST(a_tree_starts_with_the_system_and_ends_with_it),
    TEST(shut_down_waits_for_work_that_was_accepted),
    TEST(a_shut_down_overtakes_a_start_that_waits),
    TEST(a_tree_that_cannot_start_stops_the_system),
    TEST(a_tree_that_gives_up_stops_the_system),
    TEST(an_application_that_is_stopped_stops_the_system),
    TEST(one_that_is_killed_does_so_with_a_code),
    {0},
};

const test_suite app_suite = {"actors/app", before, sim_done, cases, false};
