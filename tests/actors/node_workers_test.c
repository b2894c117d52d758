/* SPDX-License-Identifier: MIT */
/* Pools whose workers are on several nodes; stopping an actor of another node. */
#include "node_kit.h"

#include <weft/workers.h>

#include "alloc.h"
#include "node_spawn.h"

enum { SEEDS = 40 };

/* ---- a worker: it answers with the number of its node and where it is in its life; 0 is kept for ever */

typedef struct worker_log {
    unsigned born, ended, asked;
    weft_err reason;
} worker_log;
static worker_log log_of[KIT_NODES_MAX];

static weft_err worker_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    *(bool *)weft_state(self) = true;
    ((worker_log *)(uintptr_t)weft_config(self))->born++;
    return WEFT_OK;
}

static weft_err worker_count(weft_actor *self, weft_msg *msg)
{
    worker_log *log = (worker_log *)(uintptr_t)weft_config(self);
    const count *c = weft_body(msg);
    log->asked++;
    if (c->n == 0) {
        (void)weft_keep(msg);
        return WEFT_OK;
    }
    return weft_reply(msg, count, .n = c->n, .from = (uint64_t)(log - log_of));
}

static void worker_ended(weft_actor *self, weft_err reason)
{
    worker_log *log = (worker_log *)(uintptr_t)weft_config(self);
    if (!*(bool *)weft_state(self)) /* stopped before it began */
        return;
    log->ended++;
    log->reason = reason;
}

static const weft_handler worker_rows[] = {
    {.type = &weft_started_type, .fn = worker_started},
    {.type = &count_type, .fn = worker_count},
    {0},
};
static const weft_behaviour worker = {
    .name = "worker", .handlers = worker_rows, .state_bytes = sizeof(bool), .ended = worker_ended};

static weft_node_offer offers[KIT_NODES_MAX][2];
static const char *const nodes[] = {"n1", "n2", "n3", NULL};
static weft_workers_config config;
static weft_ref pool;

/* The kit makes all nodes alike: the offer's config says which one it is. */
static void add_pool(unsigned i)
{
    if (i == 0)
        pool = weft_sim_spawn(node_at[0].sim, &weft_workers, &config);
    if (i + 1 < KIT_NODES_MAX)
        kit_defaults.offers = offers[i + 1];
}

static void pool_of(unsigned n, uint64_t seed, const weft_sim_faults *faults)
{
    for (unsigned i = 0; i < KIT_NODES_MAX; i++)
        offers[i][0] = (weft_node_offer){"worker", &worker, &log_of[i]};
    memset(log_of, 0, sizeof log_of);
    kit_defaults.offers = offers[0];
    kit_more = add_pool;
    world_of(n, seed, faults);
}

static void begin(void)
{
    config = (weft_workers_config){.offer = "worker", .nodes = nodes, .replace_after_ms = 200};
}

static weft_workers_counts counts(void)
{
    weft_workers_look look = {0};
    const weft_outcome *got =
        weft_sim_ask_body(node_at[0].sim, pool, &weft_workers_look_type, &look, 20000);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_workers_counts *)got->body : (weft_workers_counts){0};
}

static bool workers_are(uint32_t n)
{
    for (unsigned i = 0; i < 500; i++) {
        if (counts().workers == n)
            return true;
        weft_sim_advance(world, 50);
    }
    return false;
}

static const weft_outcome *ask_pool(uint64_t n, uint32_t limit_ms)
{
    const count body = {.n = n};
    return weft_sim_ask_body(node_at[0].sim, pool, &count_type, &body, limit_ms);
}

static void each_node_has_its_workers_and_its_turns(void)
{
    config.workers = 6;
    pool_of(4, 7, NULL);
    CHECK(workers_are(6));
    for (uint64_t i = 1; i <= 12; i++)
        CHECK_U64(count_of(ask_pool(i, 1000)), i);
    for (unsigned i = 1; i <= 3; i++) {
        CHECK_U64(log_of[i].born, 2);
        CHECK_U64(log_of[i].asked, 4);
    }
}

static void a_lost_node_is_left_out_and_comes_back(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        pool_of(4, seed, &(weft_sim_faults){.latency_ms_max = (uint32_t)seed % 4});
        CHECK(workers_are(3));
        CHECK_OK(weft_sim_isolate(node_at[2].sim, 7000));
        weft_sim_advance(world, 5000);
        CHECK_U64(counts().workers, 2);
        /* nobody is left behind there */
        CHECK_U64(log_of[2].born - log_of[2].ended, 0);
        for (uint64_t i = 1; i <= 6; i++)
            CHECK_U64(count_of(ask_pool(i, 1000)), i);
        weft_sim_advance(world, 4000);
        CHECK(workers_are(3));
        CHECK_U64(log_of[2].born - log_of[2].ended, 1);
        world_done();
    }
}

/* One request is under way at n1 when that dies. */
static const weft_outcome *lose_a_request(weft_workers_lost lost)
{
    config.lost = lost;
    pool_of(4, 7, NULL);
    CHECK(workers_are(3));
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 60000));
    return ask_pool(5, 30000);
}

static void work_that_was_lost_fails_or_is_done_again_as_the_pool_says(void)
{
    const weft_outcome *got = lose_a_request(WEFT_WORKERS_FAIL);
    CHECK_ERR(got->err, WEFT_ELOST);
    world_done();
    got = lose_a_request(WEFT_WORKERS_RETRY_UNSENT);
    CHECK_ERR(got->err, WEFT_ELOST); /* it may have arrived */
    world_done();
    got = lose_a_request(WEFT_WORKERS_RETRY);
    CHECK_U64(count_of(got), 5);
}

static void a_node_that_crashes_has_its_work_done_by_others(void)
{
    config.lost = WEFT_WORKERS_RETRY;
    pool_of(4, 7, &(weft_sim_faults){.latency_ms_max = 4});
    CHECK(workers_are(3));
    for (uint64_t i = 1; i <= 9; i++) {
        if (i == 4)
            node_crash(2);
        CHECK_U64(count_of(ask_pool(i, 30000)), i);
    }
}

static void the_workers_end_with_their_pool(void)
{
    static const weft_err reasons[] = {WEFT_OK, WEFT_EIO};
    for (unsigned k = 0; k < 2; k++) {
        pool_of(3, 7, NULL);
        weft_sim_advance(world, 3000); /* n3 is no node here */
        CHECK(workers_are(2));
        CHECK_OK(weft_sim_kill(node_at[0].sim, pool, reasons[k]));
        weft_sim_advance(world, 100);
        for (unsigned i = 1; i < 3; i++) {
            CHECK_U64(log_of[i].ended, 1);
            CHECK(k == 0 ? log_of[i].reason == WEFT_OK : log_of[i].reason != WEFT_OK);
        }
        world_done();
    }
}

/* A pool without memory to go on may end; one that lives has its workers again. */
static void memory_may_run_out_wherever_it_is_taken(void)
{
    unsigned lived = 0, rounds = 0;
    long failed = 1;
    for (long n = 0; failed != 0; n += 1 + n / 64, rounds++) {
        pool_of(4, 7, NULL);
        CHECK(workers_are(3));
        CHECK_OK(weft_sim_isolate(node_at[2].sim, 5000));
        weft_sim_advance(world, 4500);
        failed = wf_alloc_failed();
        wf_alloc_fail_after(n);
        weft_sim_advance(world, 5000);
        wf_alloc_fail_after(-1);
        failed = wf_alloc_failed() - failed;
        weft_sim_advance(world, 20000);
        weft_workers_look look = {0};
        if (weft_sim_ask_body(node_at[0].sim, pool, &weft_workers_look_type, &look, 1000)->err !=
            WEFT_EGONE) {
            CHECK(workers_are(3));
            for (unsigned i = 1; i <= 3; i++)
                CHECK_U64(log_of[i].born - log_of[i].ended, 1);
            lived++;
        }
        world_done();
    }
    CHECK(rounds > 20 && lived > rounds / 2);
}

static void a_config_that_makes_no_sense_is_refused(void)
{
    pool_of(2, 7, NULL);
    static const weft_workers_config odd[] = {
        {.offer = "worker"},
        {.nodes = nodes, .worker = &worker},
        {.offer = "worker", .nodes = nodes, .worker = &worker},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        weft_ref made = weft_sim_spawn(node_at[0].sim, &weft_workers, &odd[i]);
        weft_workers_look look = {0};
        CHECK_ERR(weft_sim_ask_body(node_at[0].sim, made, &weft_workers_look_type, &look, 100)->err,
                  WEFT_EGONE);
    }
}

/* ---- stopping by reference */

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, *(const weft_ref *)with, WEFT_EIO);
}

static weft_err on_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    static weft_ref made;
    CHECK_OK(got->err);
    if (got->err != WEFT_OK)
        return got->err;
    made = ((const weft_spawned *)got->body)->ref;
    return stop_it(self, msg, &made);
}

static weft_err spawn_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_node_spawn(self, "n1", "worker"), on_spawned);
}

static void an_actor_of_another_node_is_stopped_by_its_reference_but_not_by_a_name(void)
{
    pool_of(2, 7, NULL);
    CHECK(all_linked());
    unsigned born = log_of[1].born, ended = log_of[1].ended;
    node_do(0, spawn_and_stop, NULL);
    weft_sim_advance(world, 100);
    CHECK_U64(log_of[1].born, born + 1);
    CHECK_U64(log_of[1].ended, ended + 1);
    CHECK_ERR(log_of[1].reason, WEFT_EIO);
    weft_ref named = named_at(0, "counter", 1);
    CHECK_ERR(node_ask_do(0, stop_it, &named)->err, WEFT_EUNSUPPORTED);
    node_crash(1);
    weft_sim_advance(world, 100);
    CHECK_U64(node_at[1].counter.ends, 1);
}

/* ---- spawning within a limit */

static unsigned heard_of;
static bool owned;

static weft_err on_heard(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return got->err;
    heard_of++;
    return weft_reply(msg, count, .n = 1);
}

static weft_err spawn_in_time(weft_actor *self, weft_msg *msg)
{
    weft_deferred made = owned ? wf_node_spawn_owned(self, "n1", "worker", WEFT_INHERIT)
                               : weft_node_spawn(self, "n1", "worker");
    weft_err err = weft_when(msg, made, on_heard);
    if (err != WEFT_OK)
        (void)weft_cancel(self, made);
    return err;
}

static const weft_handler spawner_rows[] = {{.type = &count_type, .fn = spawn_in_time}, {0}};
static const weft_behaviour spawner = {.name = "spawner", .handlers = spawner_rows};

static void of_what_was_spawned_too_late_nothing_is_left(void)
{
    unsigned late = 0, in_time = 0;
    owned = false;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        config.workers = 1;
        heard_of = 0;
        pool_of(2, seed, &(weft_sim_faults){.latency_ms_max = 8});
        CHECK(workers_are(1));
        weft_ref who = weft_sim_spawn(node_at[0].sim, &spawner, NULL);
        for (uint32_t limit_ms = 1; limit_ms <= 16; limit_ms++) {
            const count body = {.n = 1};
            (void)weft_sim_ask_body(node_at[0].sim, who, &count_type, &body, limit_ms);
        }
        weft_sim_advance(world, 200);
        CHECK_U64(log_of[1].born - log_of[1].ended, 1 + heard_of);
        late += log_of[1].ended;
        in_time += heard_of;
        world_done();
    }
    CHECK(late > 0 && in_time > 0);
}

/* Also if the link breaks for want of memory: it is linked to its owner. */
static void of_what_was_spawned_without_memory_to_say_so_nothing_is_left(void)
{
    unsigned heard = 0, rounds = 0;
    long failed = 1;
    owned = true;
    for (long n = 0; failed != 0; n++, rounds++) {
        config.workers = 1;
        heard_of = 0;
        pool_of(2, 7, NULL);
        CHECK(workers_are(1));
        weft_ref who = weft_sim_spawn(node_at[0].sim, &spawner, NULL);
        failed = wf_alloc_failed();
        wf_alloc_fail_after(n);
        (void)!weft_sim_tell(node_at[0].sim, who, count, .n = 1);
        weft_sim_advance(world, 50);
        wf_alloc_fail_after(-1);
        failed = wf_alloc_failed() - failed;
        weft_sim_advance(world, 10000);
        CHECK(workers_are(1));
        CHECK(log_of[1].born - log_of[1].ended <= 1 + heard_of); /* its owner may be lost to it */
        heard += heard_of;
        world_done();
    }
    CHECK(rounds > 10 && heard > 0 && heard < rounds);
}

static const test_case cases[] = {
    TEST(each_node_has_its_workers_and_its_turns),
    TEST(a_lost_node_is_left_out_and_comes_back),
    TEST(work_that_was_lost_fails_or_is_done_again_as_the_pool_says),
    TEST(a_node_that_crashes_has_its_work_done_by_others),
    TEST(the_workers_end_with_their_pool),
    TEST(memory_may_run_out_wherever_it_is_taken),
    TEST(a_config_that_makes_no_sense_is_refused),
    TEST(an_actor_of_another_node_is_stopped_by_its_reference_but_not_by_a_name),
    TEST(of_what_was_spawned_too_late_nothing_is_left),
    TEST(of_what_was_spawned_without_memory_to_say_so_nothing_is_left),
    {0},
};
const test_suite node_workers_suite = {
    .name = "actors/node_workers", .cases = cases, .before = begin, .after = world_done};
