/* SPDX-License-Identifier: MIT */
/* Pools: who is next, what is skipped, what is replaced, what an asker hears; on one reactor and several. */
#include "runtime/kit.h"

#include <weft/workers.h>

/* ---- workers: each answers with its number; some keep what they are asked */

typedef struct job {
    uint64_t key;
    enum { JOB_ANSWER, JOB_KEEP, JOB_END, JOB_FULL, JOB_LEAVE } what;
} job;
typedef struct job_done {
    uint64_t worker; /* a number in order of birth */
    uint32_t left_ms;
    uint32_t reactor;
    uint64_t trace;
    uint32_t held; /* by that worker */
    bool from_pool;
} job_done;
static const weft_type job_done_type = WEFT_TYPE("test.job_done", job_done, NULL);
static const weft_type job_type = WEFT_TYPE("test.job", job, &job_done_type);

enum { KEPT = 8 };
typedef struct worker {
    uint64_t number;
    weft_msg *kept[KEPT];
    unsigned n;
} worker;

static struct {
    uint64_t born, cancelled, told, ends;
    weft_ref pool, last_sender;
    bool die_young;
} seen;

static weft_err worker_started(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    (void)msg;
    w->number = seen.born++;
    return seen.die_young ? weft_stop(self, WEFT_EIO) : WEFT_OK;
}

static weft_err answer(weft_actor *self, weft_msg *msg)
{
    const worker *w = weft_state(self);
    return weft_reply(msg, job_done, .worker = w->number, .left_ms = weft_time_left_ms(msg),
                      .reactor = weft_reactor_of(self), .trace = weft_trace(msg), .held = w->n,
                      .from_pool = weft_ref_same(weft_sender(msg), seen.pool));
}

static weft_err worker_job(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const job *j = weft_body(msg);
    switch (j->what) {
    case JOB_ANSWER:
        return answer(self, msg);
    case JOB_KEEP:
        REQUIRE(w->n < KEPT);
        w->kept[w->n++] = weft_keep(msg);
        return WEFT_OK;
    case JOB_END:
        return weft_stop(self, WEFT_EIO);
    case JOB_FULL:
        return weft_fail(msg, WEFT_EFULL, "the disk");
    case JOB_LEAVE:
        break;
    }
    return WEFT_OK;
}

static weft_err worker_num(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    seen.told++;
    seen.last_sender = weft_sender(msg);
    for (unsigned i = 0; i < w->n; i++) {
        CHECK_OK(answer(self, w->kept[i]));
        weft_drop(&w->kept[i]);
    }
    w->n = 0;
    return WEFT_OK;
}

static weft_err worker_cancelled(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const weft_cancelled *c = weft_body(msg);
    for (unsigned i = 0; i < w->n; i++)
        if (w->kept[i] == c->msg) {
            weft_drop(&w->kept[i]);
            w->kept[i] = w->kept[--w->n];
            seen.cancelled++;
            break;
        }
    return WEFT_OK;
}

static void worker_ended(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    seen.ends++;
}

static const weft_handler worker_rows[] = {
    {.type = &weft_started_type, .fn = worker_started},
    {.type = &job_type, .fn = worker_job},
    {.type = &num_type, .fn = worker_num},
    {.type = &weft_cancelled_type, .fn = worker_cancelled},
    {0},
};
static const weft_behaviour worker_behaviour = {.name = "worker",
                                                .handlers = worker_rows,
                                                .state_bytes = sizeof(worker),
                                                .mailbox_max = 16,
                                                .ended = worker_ended};

/* ---- what tests do */

static uint64_t key_of(const weft_type *type, const void *body)
{
    return type == &job_type ? ((const job *)body)->key : 0;
}

static void begin(const weft_workers_config *config, unsigned reactors)
{
    static weft_workers_config kept; /* it must live as long as the pool */
    sim_of(reactors);
    memset(&seen, 0, sizeof seen);
    kept = *config;
    seen.pool = weft_sim_spawn(sim, &weft_workers, &kept);
    REQUIRE(!weft_ref_is_nobody(seen.pool));
    CHECK(weft_sim_run(sim));
}

static job_done do_job(job j)
{
    const weft_outcome *got = weft_sim_ask_body(sim, seen.pool, &job_type, &j, WEFT_INHERIT);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const job_done *)got->body : (job_done){.worker = UINT64_MAX};
}

static weft_workers_counts look(void)
{
    const weft_outcome *got = weft_sim_ask(sim, seen.pool, weft_workers_look, .nothing = 0);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_workers_counts *)got->body : (weft_workers_counts){0};
}

/* An asker whose asks stay outstanding; outcomes are counted. */
typedef struct asking {
    job job;
    unsigned times;
    weft_deferred last;
    unsigned ok, failed;
    weft_err err;
    char why[RECORD_WHY];
    uint64_t worker[64];
} asking;
static asking *asker;

static weft_err on_outcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    if (got->err != WEFT_OK) {
        asker->failed++;
        asker->err = got->err;
        (void)snprintf(asker->why, sizeof asker->why, "%s", got->why);
        return WEFT_OK;
    }
    if (asker->ok < 64)
        asker->worker[asker->ok] = ((const job_done *)got->body)->worker;
    asker->ok++;
    return WEFT_OK;
}

static weft_err ask_times(weft_actor *self, weft_msg *msg, void *with)
{
    asker = with;
    for (unsigned i = 0; i < asker->times; i++) {
        asker->last = weft_ask_body(self, seen.pool, &job_type, &asker->job, WEFT_INHERIT);
        CHECK_OK(weft_when(msg, asker->last, on_outcome));
    }
    return WEFT_OK;
}

static weft_err cancel_last(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_cancel(self, ((asking *)with)->last);
}

static weft_err tell_num(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    for (uint64_t i = *(const uint64_t *)with; i > 0; i--)
        (void)weft_tell(self, seen.pool, num, .n = i);
    return WEFT_OK;
}

/* ---- tests */

static void workers_are_asked_by_turns(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .workers = 3}, 1);
    uint64_t who[9];
    for (unsigned i = 0; i < 9; i++)
        who[i] = do_job((job){0}).worker;
    CHECK(who[0] != who[1] && who[1] != who[2] && who[2] != who[0]);
    for (unsigned i = 3; i < 9; i++)
        CHECK_U64(who[i], who[i - 3]);
    CHECK_U64(look().workers, 3);
    CHECK_U64(look().outstanding, 0);
}

static weft_err ask_traced(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    weft_set_trace(msg, 77);
    asker = a;
    return weft_when(msg, weft_ask_within(self, seen.pool, 500, job, .what = JOB_ANSWER),
                     on_outcome);
}

static void what_is_forwarded_keeps_sender_deadline_and_trace(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour}, 1);
    CHECK_U64(look().workers, 4);
    const weft_outcome *got =
        weft_sim_ask_body(sim, seen.pool, &job_type, &(job){.what = JOB_ANSWER}, 500);
    CHECK_OK(got->err);
    const job_done *done = got->body;
    CHECK(done->left_ms > 400 && done->left_ms <= 500);
    CHECK(!done->from_pool);
    weft_ref a = sim_puppet(NULL);
    uint64_t once = 1;
    sim_do(a, tell_num, &once);
    CHECK(weft_ref_same(seen.last_sender, a));
    asking traced = {0};
    sim_do(a, ask_traced, &traced);
    CHECK_U64(traced.ok, 1);
}

static void what_is_counted_keeps_the_deadline_and_comes_from_the_pool(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .policy = WEFT_WORKERS_LEAST_LOADED},
          1);
    const weft_outcome *got =
        weft_sim_ask_body(sim, seen.pool, &job_type, &(job){.what = JOB_ANSWER}, 500);
    CHECK_OK(got->err);
    const job_done *done = got->body;
    CHECK(done->left_ms > 400 && done->left_ms <= 500);
    CHECK(done->from_pool);
    got = weft_sim_ask_body(sim, seen.pool, &job_type, &(job){.what = JOB_ANSWER}, WEFT_NO_LIMIT);
    CHECK_OK(got->err);
    CHECK_U64(((const job_done *)got->body)->left_ms, WEFT_NO_LIMIT);
}

static void the_least_loaded_is_who_waits_for_nothing(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour,
                                 .workers = 3,
                                 .policy = WEFT_WORKERS_LEAST_LOADED},
          1);
    asking keep = {.job.what = JOB_KEEP, .times = 2};
    sim_do(sim_puppet(NULL), ask_times, &keep); /* two workers have one each */
    CHECK_U64(look().outstanding, 2);
    for (unsigned i = 0; i < 4; i++)
        CHECK_U64(do_job((job){0}).held, 0);
    CHECK_U64(look().most, 1);
    CHECK_U64(keep.ok, 0);
}

static void a_full_worker_is_left_out_and_when_all_are_the_asker_hears_so(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .workers = 2, .requests_max = 2}, 1);
    asking keep = {.job.what = JOB_KEEP, .times = 5};
    sim_do(sim_puppet(NULL), ask_times, &keep);
    CHECK_U64(keep.failed, 1);
    CHECK_ERR(keep.err, WEFT_EFULL);
    CHECK_STR(keep.why, "none of the pool's workers that may serve it is free");
    CHECK_U64(look().outstanding, 4);
    CHECK_U64(look().most, 2);
    CHECK_U64(look().refused, 1);
    uint64_t once = 1;
    sim_do(sim_puppet(NULL), tell_num, &once); /* one worker answers what it keeps */
    CHECK_U64(keep.ok, 2);
    CHECK_U64(look().outstanding, 2);
    job_done a = do_job((job){0}), b = do_job((job){0});
    CHECK_U64(a.worker, b.worker);
}

static void a_full_mailbox_is_left_out_too(void)
{
    /* eight tells a turn for each of two, of whom each takes 16 */
    begin(&(weft_workers_config){.worker = &worker_behaviour, .workers = 2}, 1);
    weft_ref a = sim_puppet(NULL);
    uint64_t many = 40;
    sim_do(a, tell_num, &many);
    CHECK_U64(seen.told + look().refused, 40);
    CHECK(seen.told >= 32);
}

static void an_answer_that_is_efull_is_the_workers_and_not_tried_elsewhere(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .policy = WEFT_WORKERS_LEAST_LOADED},
          1);
    const weft_outcome *got = weft_sim_ask(sim, seen.pool, job, .what = JOB_FULL);
    CHECK_ERR(got->err, WEFT_EFULL);
    CHECK_STR(got->why, "the disk");
    CHECK_U64(look().refused, 0);
}

static void the_same_key_has_the_same_worker(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour,
                                 .workers = 5,
                                 .policy = WEFT_WORKERS_BY_KEY,
                                 .key = key_of},
          1);
    unsigned used[5] = {0};
    for (uint64_t key = 0; key < 200; key++) {
        uint64_t first = do_job((job){.key = key}).worker;
        REQUIRE(first < 5);
        used[first]++;
        CHECK_U64(do_job((job){.key = key}).worker, first);
    }
    for (unsigned i = 0; i < 5; i++)
        CHECK(used[i] > 20);
}

static void a_key_waits_for_its_own_worker(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour,
                                 .workers = 2,
                                 .policy = WEFT_WORKERS_BY_KEY,
                                 .key = key_of,
                                 .requests_max = 1},
          1);
    asking keep = {.job.what = JOB_KEEP, .times = 2};
    sim_do(sim_puppet(NULL), ask_times, &keep);
    CHECK_U64(keep.failed, 1);
    CHECK_ERR(keep.err, WEFT_EFULL);
}

static void a_worker_that_ends_is_replaced_and_what_it_held_fails(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour,
                                 .workers = 2,
                                 .policy = WEFT_WORKERS_LEAST_LOADED},
          1);
    weft_sim_advance(sim, 5000);
    asking keep = {.job.what = JOB_KEEP, .times = 1};
    sim_do(sim_puppet(NULL), ask_times, &keep);
    asking end = {.job.what = JOB_END, .times = 2};
    sim_do(sim_puppet(NULL), ask_times, &end); /* both end, one of them with what it held */
    CHECK_U64(end.failed, 3);
    CHECK_U64(seen.born, 4);
    CHECK_U64(look().workers, 2);
    CHECK_U64(look().ended, 2);
    CHECK_U64(look().outstanding, 0);
}

static void one_that_cannot_live_is_tried_once_a_second(void)
{
    sim_of(1);
    memset(&seen, 0, sizeof seen);
    seen.die_young = true;
    static const weft_workers_config config = {.worker = &worker_behaviour, .workers = 1};
    seen.pool = weft_sim_spawn(sim, &weft_workers, &config);
    CHECK(weft_sim_run(sim));
    CHECK_U64(seen.born, 1);
    CHECK_ERR(weft_sim_ask(sim, seen.pool, job, .key = 1)->err, WEFT_EFULL);
    weft_sim_advance(sim, 10500);
    CHECK(seen.born >= 10 && seen.born <= 12);
    seen.die_young = false;
    weft_sim_advance(sim, 1100);
    (void)do_job((job){0});
}

static void workers_may_be_spread_over_reactors(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .spread = true}, 3);
    unsigned used[3] = {0};
    CHECK_U64(look().workers, 3);
    for (unsigned i = 0; i < 6; i++)
        used[do_job((job){0}).reactor]++;
    for (unsigned i = 0; i < 3; i++)
        CHECK_U64(used[i], 2);
    weft_sim_advance(sim, 2000);
    for (unsigned i = 0; i < 3; i++)
        (void)weft_sim_ask(sim, seen.pool, job, .what = JOB_END);
    CHECK(weft_sim_run(sim));
    CHECK_U64(look().workers, 3);
    CHECK_U64(look().ended, 3);
}

static weft_err stop_pool(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_ref(self, seen.pool, WEFT_OK);
}

static void a_pool_that_ends_takes_its_workers_along(void)
{
    static const weft_workers_config config = {
        .worker = &worker_behaviour, .workers = 6, .spread = true};
    begin(&config, 3);
    asking keep = {.job.what = JOB_KEEP, .times = 6};
    sim_do(sim_puppet(NULL), ask_times, &keep);
    sim_do(sim_puppet(NULL), stop_pool, NULL);
    CHECK_U64(seen.ends, 6);
    CHECK_U64(keep.failed, 6);
    CHECK_ERR(keep.err, WEFT_EGONE);
}

static void a_pool_stopped_while_it_spawns_leaves_nobody_behind(void)
{
    static const weft_workers_config config = {
        .worker = &worker_behaviour, .workers = 12, .spread = true};
    for (unsigned steps = 0; steps < 60; steps++) {
        sim_of(3);
        memset(&seen, 0, sizeof seen);
        seen.pool = weft_sim_spawn(sim, &weft_workers, &config);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        sim_do(sim_puppet(NULL), stop_pool, NULL);
        weft_sim_advance(sim, 100);
        CHECK_U64(seen.ends, seen.born);
        weft_actor_stats gone;
        CHECK(!weft_stats_actor(weft_sim_system(sim), seen.pool, &gone));
    }
}

static void a_cancel_reaches_a_worker_that_is_asked(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .requests_max = 8}, 1);
    asking keep = {.job.what = JOB_KEEP, .times = 1};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, ask_times, &keep);
    sim_do(a, cancel_last, &keep);
    CHECK_U64(seen.cancelled, 1);
    CHECK_U64(keep.failed, 1);
    CHECK_ERR(keep.err, WEFT_ECANCELLED);
    CHECK_U64(look().outstanding, 0);
}

static void an_ask_whose_time_is_over_is_no_longer_counted(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .requests_max = 8}, 1);
    const weft_outcome *got =
        weft_sim_ask_body(sim, seen.pool, &job_type, &(job){.what = JOB_KEEP}, 50);
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_U64(look().outstanding, 0);
}

static void one_that_is_not_answered_fails_as_it_would_at_the_worker(void)
{
    begin(&(weft_workers_config){.worker = &worker_behaviour, .requests_max = 8}, 1);
    CHECK_ERR(weft_sim_ask(sim, seen.pool, job, .what = JOB_LEAVE)->err, WEFT_ENOANSWER);
    CHECK_ERR(weft_sim_ask(sim, seen.pool, act, .fn = NULL)->err, WEFT_EUNHANDLED);
}

static void workers_may_live_where_they_may_block(void)
{
    static const weft_workers_config blocking = {
        .worker = &worker_behaviour, .workers = 3, .blocking = true};
    begin(&blocking, 2);
    CHECK_U64(look().workers, 3);
    for (unsigned i = 0; i < 6; i++)
        CHECK(do_job((job){0}).reactor >= 2);
    sim_do(sim_puppet(NULL), stop_pool, NULL);
    CHECK_U64(seen.ends, 3);
}

static void members_are_used_and_left_alone(void)
{
    static weft_ref members[3];
    static weft_workers_config config;
    sim_of(2);
    memset(&seen, 0, sizeof seen);
    weft_system *sys = weft_sim_system(sim);
    for (unsigned i = 0; i < 2; i++)
        members[i] = weft_system_spawn_blocking(sys, &worker_behaviour, NULL);
    members[2] = weft_system_spawn(sys, 1, &worker_behaviour, NULL);
    config = (weft_workers_config){.members = members, .workers = 3};
    seen.pool = weft_sim_spawn(sim, &weft_workers, &config);
    CHECK(weft_sim_run(sim));
    for (unsigned i = 0; i < 3; i++)
        (void)do_job((job){0});
    CHECK_ERR(weft_sim_ask(sim, seen.pool, job, .what = JOB_END)->err, WEFT_ENOANSWER);
    weft_sim_advance(sim, 3000);
    CHECK_U64(look().workers, 2);
    CHECK_U64(seen.born, 3);
    sim_do(sim_puppet(NULL), stop_pool, NULL);
    CHECK_U64(seen.ends, 1);
}

static void a_config_that_makes_no_sense_ends_it_with_a_reason(void)
{
    static const weft_ref nobody[1];
    static const weft_workers_config bad[] = {
        {0},
        {.worker = &worker_behaviour, .members = nobody, .workers = 1},
        {.members = nobody},
        {.worker = &worker_behaviour, .workers = WEFT_WORKERS_MAX + 1},
        {.worker = &worker_behaviour, .policy = WEFT_WORKERS_BY_KEY},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        weft_actor_stats gone;
        memset(&seen, 0, sizeof seen);
        sim_of(1);
        weft_ref pool = weft_sim_spawn(sim, &weft_workers, &bad[i]);
        CHECK(weft_sim_run(sim));
        CHECK(!weft_stats_actor(weft_sim_system(sim), pool, &gone));
    }
}

/* ---- memory */

static void use_a_pool(void)
{
    static const weft_workers_config config = {
        .worker = &worker_behaviour, .workers = 4, .spread = true, .requests_max = 4};
    memset(&seen, 0, sizeof seen);
    sim = weft_sim_new(&(weft_sim_options){.system.reactors = 2});
    if (sim == NULL)
        return;
    seen.pool = weft_sim_spawn(sim, &weft_workers, &config);
    weft_sim_advance(sim, 1500);
    for (unsigned i = 0; i < 4; i++)
        (void)weft_sim_ask(sim, seen.pool, job, .what = i == 2 ? JOB_END : JOB_ANSWER);
    weft_sim_advance(sim, 3000);
    weft_actor_stats alive;
    if (weft_stats_actor(weft_sim_system(sim), seen.pool, &alive)) {
        const weft_outcome *got = weft_sim_ask(sim, seen.pool, weft_workers_look, .nothing = 0);
        if (got->err == WEFT_OK) { /* whole again, whatever failed */
            CHECK_U64(((const weft_workers_counts *)got->body)->workers, 4);
            CHECK_U64(((const weft_workers_counts *)got->body)->outstanding, 0);
        }
    }
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK(seen.ends == seen.born || seen.ends == seen.born + 1); /* one may not have begun */
}

static void memory_that_is_out_ends_it_or_is_made_up_for(void)
{
    use_a_pool();
    CHECK_U64(seen.born, 5);
    each_allocation_fails(use_a_pool);
}

static const test_case cases[] = {
    TEST(workers_are_asked_by_turns),
    TEST(what_is_forwarded_keeps_sender_deadline_and_trace),
    TEST(what_is_counted_keeps_the_deadline_and_comes_from_the_pool),
    TEST(the_least_loaded_is_who_waits_for_nothing),
    TEST(a_full_worker_is_left_out_and_when_all_are_the_asker_hears_so),
    TEST(a_full_mailbox_is_left_out_too),
    TEST(an_answer_that_is_efull_is_the_workers_and_not_tried_elsewhere),
    TEST(the_same_key_has_the_same_worker),
    TEST(a_key_waits_for_its_own_worker),
    TEST(a_worker_that_ends_is_replaced_and_what_it_held_fails),
    TEST(one_that_cannot_live_is_tried_once_a_second),
    TEST(workers_may_be_spread_over_reactors),
    TEST(a_pool_that_ends_takes_its_workers_along),
    TEST(a_pool_stopped_while_it_spawns_leaves_nobody_behind),
    TEST(a_cancel_reaches_a_worker_that_is_asked),
    TEST(an_ask_whose_time_is_over_is_no_longer_counted),
    TEST(one_that_is_not_answered_fails_as_it_would_at_the_worker),
    TEST(workers_may_live_where_they_may_block),
    TEST(members_are_used_and_left_alone),
    TEST(a_config_that_makes_no_sense_ends_it_with_a_reason),
    TEST(memory_that_is_out_ends_it_or_is_made_up_for),
    {0},
};

const test_suite workers_suite = {.name = "actors/workers", .after = sim_done, .cases = cases};
