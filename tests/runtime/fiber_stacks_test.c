/* SPDX-License-Identifier: MIT */
/* The stacks of fibers: limits, reuse, what is given back, and memory that is out. */
#include "fiber_kit.h"

#include "alloc.h"
#include "fiber.h"
#include "sys.h"

enum { MANY = 10000 };

static wf_fibers *stacks(void)
{
    return weft_sim_system(sim)->reactor[0]->fibers;
}

static weft_err sleep_a_while(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    weft_err err = weft_sleep(self, 10);
    return err != WEFT_OK ? err : weft_reply(msg, num, .n = 1);
}

static void sleep_at_once(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        CHECK_OK(weft_sim_tell(sim, it, act, .fn = sleep_a_while));
    CHECK_U64(sim_stats(0).fibers, n);
}

static void ten_thousand_fibers_wait_at_once(void)
{
    sleep_at_once(MANY);
    weft_sim_advance(sim, 10);
    CHECK_U64(sim_stats(0).fibers, 0);
    CHECK_U64(stacks()->stacks, MANY);
}

static void a_stack_that_is_free_is_used_again(void)
{
    for (int i = 0; i < 100; i++) {
        sleep_at_once(3);
        weft_sim_advance(sim, 10);
    }
    CHECK_U64(stacks()->stacks, 3);
    CHECK_U64(stacks()->idle_n, 3);
}

static void stacks_that_nobody_needs_are_given_back(void)
{
    sleep_at_once(200);
    weft_sim_advance(sim, 10);
    CHECK_U64(stacks()->idle_n, 200);
    /* in each time between two trims 150 are needed: they stay */
    for (int i = 0; i < 20; i++) {
        sleep_at_once(150);
        weft_sim_advance(sim, 500);
    }
    CHECK_U64(stacks()->stacks, 150);
    CHECK(stacks()->dirty != 0);
    weft_sim_advance(sim, 5 * WF_FIBERS_TRIM_MS);
    CHECK_U64(stacks()->stacks, WF_FIBERS_IDLE_MAX);
    CHECK_U64(stacks()->dirty, 0);
    CHECK_U64(weft_sim_system(sim)->reactor[0]->wheel.armed, 0); /* it sleeps undisturbed */
    sleep_at_once(70); /* those without pages work as new ones do */
    weft_sim_advance(sim, 10);
    CHECK_U64(stacks()->stacks, 70);
}

static void few_idle_stacks_give_their_pages_back(void)
{
    sleep_at_once(1);
    weft_sim_advance(sim, 10);
    char *low = wf_fiber_bottom(stacks()->idle);
    *low = 'x';
    weft_sim_advance(sim, 3 * WF_FIBERS_TRIM_MS);
    CHECK_I64(*low, 0);
    CHECK_U64(stacks()->stacks, 1);
}

static void more_than_fibers_max_are_refused_by_name(void)
{
    sim_with(&(weft_sim_options){.system.fibers_max = 2});
    seen = NULL;
    it = weft_sim_spawn(sim, &waiter, NULL);
    sleep_at_once(2);
    const weft_outcome *got = sim_ask(it, sleep_a_while, NULL);
    CHECK_ERR(got->err, WEFT_ELIMIT);
    CHECK_STR(got->why, "no fiber for kit.act: fibers_max is 2");
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = sleep_a_while));
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "no fiber for kit.act: fibers_max is 2"), 1);
    weft_sim_advance(sim, 10);
    CHECK_OK(sim_ask(it, sleep_a_while, NULL)->err);
    CHECK_U64(stacks()->stacks, 2);
}

static void fibers_max_counts_those_of_all_reactors(void)
{
    sim_with(&(weft_sim_options){.system = {.reactors = 2, .fibers_max = 2}});
    seen = NULL;
    it = weft_system_spawn(weft_sim_system(sim), 1, &waiter, NULL);
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = sleep_a_while));
    it = weft_sim_spawn(sim, &waiter, NULL);
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = sleep_a_while));
    CHECK_ERR(sim_ask(it, sleep_a_while, NULL)->err, WEFT_ELIMIT);
}

/* ---- asks_max */

static const weft_handler few_handlers[] = {
    {.type = &act_type, .fn = NULL, .fiber = true},
    {0},
};

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static void a_wait_beyond_asks_max_is_refused(void)
{
    static weft_handler rows[2];
    memcpy(rows, few_handlers, sizeof rows);
    rows[0].fn = on_act;
    const weft_behaviour few = {.name = "few", .handlers = rows, .asks_max = 1};
    it = weft_sim_spawn(sim, &few, NULL);
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = sleep_a_while));
    CHECK_ERR(sim_ask(it, sleep_a_while, NULL)->err, WEFT_ELIMIT);
    weft_sim_advance(sim, 10);
    CHECK_OK(sim_ask(it, sleep_a_while, NULL)->err);
    CHECK_U64(weft_sim_free(&sim), 0); /* before the behaviour goes */
}

/* ---- memory */

static unsigned began, ended;

static void may_fail(weft_err err)
{
    CHECK(err == WEFT_OK || err == WEFT_ENOMEM || err == WEFT_EGONE || err == WEFT_ECANCELLED ||
          err == WEFT_ETIMEDOUT || err == WEFT_ENOANSWER || err == WEFT_ESTOPPING);
}

static weft_err live(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    weft_deferred later = ask_other(self, answer_7), left = ask_other(self, fail_it);
    (void)with, (void)left;
    began++;
    may_fail(weft_await(self, ask_other(self, answer_7))->err);
    may_fail(weft_sleep(self, 5));
    may_fail(weft_await(self, later)->err);
    may_fail(weft_next(self, num, 50, &next));
    if (next != NULL)
        may_fail(weft_reply(next, num, .n = 2));
    may_fail(weft_sleep(self, 5));
    ended++;
    return weft_is_request(msg) ? weft_reply(msg, num, .n = 1) : WEFT_OK;
}

static void a_life(void)
{
    began = ended = 0;
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    it = weft_sim_spawn(sim, &waiter, NULL);
    other = weft_sim_spawn(sim, &puppet, NULL);
    may_fail(weft_sim_tell(sim, it, act, .fn = live));
    may_fail(weft_sim_tell(sim, it, serial_act, .fn = live));
    weft_sim_advance(sim, 10);
    may_fail(weft_sim_ask(sim, it, num, .n = 1)->err);
    may_fail(weft_sim_ask(sim, it, num, .n = 1)->err);
    may_fail(sim_ask(it, live, NULL)->err);
    weft_sim_advance(sim, 40000);
    CHECK_U64(ended, began);
    (void)weft_sim_tell(sim, it, act, .fn = live); /* one that waits at the end */
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK_U64(ended, began);
}

static void a_life_of_fibers_survives_any_lack_of_memory(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    seen = record_new();
    a_life();
    CHECK_U64(began, 4); /* with memory all of it happens */
    each_allocation_fails(a_life);
}

/* ---- seeds */

/* One life of a system of two reactors, whose memory fails now and then; gives the hash of its log. */
static uint64_t life_of(uint64_t seed, uint32_t failing)
{
    began = ended = 0;
    sim = weft_sim_new(
        &(weft_sim_options){.seed = seed, .system.reactors = 2, .faults.allocation = failing});
    REQUIRE(sim != NULL);
    weft_ref near = weft_sim_spawn(sim, &waiter, NULL);
    it = weft_system_spawn(weft_sim_system(sim), 1, &waiter, NULL);
    other = weft_sim_spawn(sim, &puppet, NULL);
    for (int i = 0; i < 5; i++) {
        may_fail(weft_sim_tell(sim, it, act, .fn = live));
        may_fail(weft_sim_tell(sim, near, serial_act, .fn = live));
        may_fail(weft_sim_tell(sim, it, num, .n = 1));
        may_fail(weft_sim_tell(sim, near, num, .n = 1));
    }
    weft_sim_advance(sim, 7);
    (void)weft_sim_tell(sim, it, plain_act, .fn = stop_it);
    weft_sim_advance(sim, 60000);
    CHECK_U64(ended, began);
    uint64_t hash = weft_sim_event_hash(sim);
    CHECK_U64(weft_sim_free(&sim), 0);
    return hash;
}

static void any_seed_leaves_nothing_behind_and_repeats(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    seen = record_new();
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint32_t failing = seed % 2 != 0 ? 50000 : 0;
        uint64_t hash = life_of(seed, failing);
        CHECK(failing != 0 || began == 10);
        CHECK_U64(life_of(seed, failing), hash);
    }
}

static weft_err sleep_long(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_sleep(self, 1000);
}

static void a_request_without_memory_for_its_fiber_fails(void)
{
    unsigned refused = 0;
    for (long n = 0; n < 20; n++) {
        wf_alloc_fail_after(n);
        const weft_outcome *got =
            weft_sim_ask_body(sim, it, &act_type, &(act){sleep_long, NULL}, 100);
        wf_alloc_fail_after(-1);
        refused +=
            got->err == WEFT_ENOMEM && strcmp(got->why, "no memory for the fiber of kit.act") == 0;
        CHECK_U64(weft_sim_free(&sim), 0); /* the next one finds no stack made before */
        fibers_before();
    }
    /* the pool of its reactor, its stack, and a stack for signals if the thread has none */
    CHECK(refused == 2 || refused == 3);
}

static const test_case cases[] = {
    TEST(ten_thousand_fibers_wait_at_once),
    TEST(a_stack_that_is_free_is_used_again),
    TEST(stacks_that_nobody_needs_are_given_back),
    TEST(few_idle_stacks_give_their_pages_back),
    TEST(more_than_fibers_max_are_refused_by_name),
    TEST(fibers_max_counts_those_of_all_reactors),
    TEST(a_wait_beyond_asks_max_is_refused),
    TEST(a_request_without_memory_for_its_fiber_fails),
    TEST(a_life_of_fibers_survives_any_lack_of_memory),
    TEST(any_seed_leaves_nothing_behind_and_repeats),
    {0},
};

const test_suite fiber_stacks_suite = {
    .name = "runtime/fiber stacks", .before = fibers_before, .after = sim_done, .cases = cases};
