/* SPDX-License-Identifier: MIT */
/* Isolated children in the simulated world: killed on seeds, with memory failing; every ask comes to something, once. */
#include "actors/isolated_kit.h"
#include "random.h"

#include <weft/testing_isolated.h>

enum { SEEDS = 50, KILLS = 4, ASKERS = 3 };

static weft_sim *first_system, *sim;

/* ---- who asks, as long as the test says */

typedef struct asking {
    const char *name; /* of whom */
    bool stop;
    uint64_t asked, answered, lost, wrong;
    uint64_t failed; /* otherwise than by ELOST */
    char why[WEFT_WHY_BYTES];
} asking;

static asking asks[ASKERS];

typedef struct tick {
    char nothing;
} tick;
static const weft_type tick_type = WEFT_TYPE("test.tick", tick, NULL);

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asking *a = (asking *)(uintptr_t)weft_config(self);
    (void)msg;
    if (got->err == WEFT_OK) {
        uint64_t n = ((const count *)got->body)->n;
        a->answered++;
        a->wrong += n < 2 || n > a->asked + 1;
    } else if (got->err == WEFT_ELOST) {
        a->lost++;
    } else {
        a->failed++;
        (void)snprintf(a->why, sizeof a->why, "%s", got->why);
    }
    return WEFT_OK;
}

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    asking *a = (asking *)(uintptr_t)weft_config(self);
    if (a->stop)
        return WEFT_OK;
    weft_err err = weft_when(
        msg,
        weft_ask_within(self, weft_named(self, a->name), ISOLATED_LIMIT_MS, count, .n = ++a->asked),
        on_answer);
    a->failed += err != WEFT_OK; /* memory was out */
    return err;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    tick nothing = {0};
    (void)msg;
    (void)weft_timer_start(self, 2, 2, &tick_type, &nothing);
    return WEFT_OK;
}

static const weft_handler asker_rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &tick_type, .fn = on_tick}, {0}};
static const weft_behaviour asker = {.name = "asker", .handlers = asker_rows};

static uint64_t done_with(const asking *a)
{
    return a->answered + a->lost + a->failed;
}

/* ---- worlds */

static void begin(uint64_t seed, const char *tree, const weft_sim_faults *faults)
{
    static const char *const names[ASKERS] = {"first", "second", "here"};
    weft_why why = {""};
    first_system = weft_sim_new(&(weft_sim_options){.seed = seed});
    REQUIRE(first_system != NULL);
    sim = weft_sim_new(&(weft_sim_options){.beside = first_system, .faults = *faults});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_isolated_begin(weft_sim_system(sim), isolated_tree(tree), NULL, &why));
    CHECK_STR(why.text, "");
    CHECK(
        !weft_ref_is_nobody(weft_sim_spawn(sim, &weft_supervisor_behaviour, isolated_tree(tree))));
    for (unsigned i = 0; i < ASKERS; i++)
        asks[i] = (asking){.name = names[i]};
}

/* When there are the names to ask by. */
static void begin_asking(void)
{
    (void)weft_sim_run(first_system);
    for (unsigned i = 0; i < ASKERS; i++)
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &asker, &asks[i])));
}

static void end(void)
{
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
    weft_sim_advance(first_system, 100);
    CHECK_U64(weft_sim_logged(first_system, WEFT_ERROR, "has leaked"), 0);
    CHECK_STR(weft_sim_failure(first_system), "");
    CHECK_U64(weft_sim_free(&first_system), 0);
}

static void advance_until(bool (*fn)(void), uint32_t ms)
{
    uint32_t until = weft_sim_now(sim) + ms;
    while (!fn() && weft_sim_now(sim) < until)
        weft_sim_advance(first_system, 20);
    CHECK(fn());
}

static bool all_are_there(void)
{
    return weft_sim_isolated(sim, "first") != NULL && weft_sim_isolated(sim, "second") != NULL;
}

static uint64_t answered_before[ASKERS];

static void note_answers(void)
{
    for (unsigned i = 0; i < ASKERS; i++)
        answered_before[i] = asks[i].answered;
}

static bool all_answer(void)
{
    for (unsigned i = 0; i < ASKERS; i++)
        if (asks[i].answered <= answered_before[i])
            return false;
    return true;
}

static bool all_done(void)
{
    for (unsigned i = 0; i < ASKERS; i++)
        if (done_with(&asks[i]) != asks[i].asked)
            return false;
    return true;
}

/* ---- what is asked for */

static void killed_at_any_moment_it_comes_back_and_every_ask_comes_to_something(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        test_random random = {seed};
        begin(seed, "two", &(weft_sim_faults){.latency_ms_max = (uint32_t)(seed % 8)});
        begin_asking();
        for (unsigned k = 0; k < KILLS; k++) {
            note_answers();
            advance_until(all_answer, 20000);
            for (size_t steps = test_below(&random, 200); steps != 0; steps--)
                (void)weft_sim_step(first_system);
            CHECK(weft_sim_isolated_kill(sim, k % 2 == 0 ? "first" : "second"));
        }
        note_answers();
        advance_until(all_answer, 20000);
        advance_until(all_are_there, 20000);
        for (unsigned i = 0; i < ASKERS; i++)
            asks[i].stop = true;
        advance_until(all_done, 40000);
        for (unsigned i = 0; i < ASKERS; i++) {
            CHECK_STR(asks[i].why, "");
            CHECK_U64(asks[i].wrong, 0);
        }
        CHECK_U64(asks[2].lost, 0); /* it is not isolated */
        end();
        if (CU_get_number_of_failures() != 0)
            return; /* of one seed that is enough */
    }
}

static void a_supervisor_with_children_isolated_again_is_a_system_with_systems(void)
{
    begin(3, "nested", &(weft_sim_faults){.latency_ms_max = 3});
    weft_sim_advance(first_system, 1000);
    weft_sim *shop = weft_sim_isolated(sim, "shop");
    REQUIRE(shop != NULL);
    CHECK(weft_sim_isolated(shop, "shop/y") != NULL);
    CHECK(weft_sim_isolated(sim, "shop/y") == NULL);
    CHECK(weft_sim_isolated_kill(sim, "shop"));
    weft_sim_advance(first_system, 1000);
    CHECK(weft_sim_isolated(sim, "shop") != NULL);
    end();
}

/* Whatever it meets, it begins again or its supervisor says that it could not; nothing is left. */
static void memory_may_be_out_at_any_taking(void)
{
    bool met = true;
    unsigned n;
    for (n = 1; met; n += 1 + n / 5) { /* nearly every one of the start */
        begin(n, "two", &(weft_sim_faults){.latency_ms_max = 1});
        begin_asking();
        weft_sim_fail_allocation(sim, n);
        weft_sim_advance(first_system, 200);
        (void)weft_sim_isolated_kill(sim, "first");
        weft_sim_advance(first_system, 300);
        met = weft_sim_allocation_failed(sim);
        for (unsigned i = 0; i < ASKERS; i++)
            asks[i].stop = true;
        advance_until(all_done, 90000);
        end();
        if (CU_get_number_of_failures() != 0) {
            (void)printf("taking %u\n", n);
            return;
        }
    }
}

static const test_case cases[] = {
    TEST(killed_at_any_moment_it_comes_back_and_every_ask_comes_to_something),
    TEST(a_supervisor_with_children_isolated_again_is_a_system_with_systems),
    TEST(memory_may_be_out_at_any_taking),
    {0},
};
const test_suite isolated_seeds_suite = {.name = "sim/isolated_seeds", .cases = cases};
