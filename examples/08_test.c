/* SPDX-License-Identifier: MIT */
/* A test of the counter: virtual time, no sleep, no port. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/stats.h>
#include <weft/testing.h>

#include "03_counter.h"

/* Any test library will do: a check says what it saw, and is counted. */
static unsigned failures;

static void check(bool ok, const char *what, int line)
{
    if (!ok) {
        failures++;
        (void)fprintf(stderr, "line %d: %s\n", line, what);
    }
}

#define CHECK_OK(x) check((x) == WEFT_OK, #x " fails", __LINE__)
#define CHECK_ERR(x, want) check((x) == (want), #x " is not " #want, __LINE__)
#define CHECK_U64(x, want) check((x) == (want), #x " is not " #want, __LINE__)

/* [test] */
static weft_sim *sim;
static weft_ref counter;

static uint64_t total(void)
{
    const weft_outcome *got = weft_sim_ask(sim, counter, counter_add, .amount = 0);
    return got->err == WEFT_OK ? ((const counter_total *)got->body)->value : 0;
}

static void what_is_added_is_the_total(void)
{
    CHECK_OK(weft_sim_tell(sim, counter, counter_add, .amount = 2));
    CHECK_OK(weft_sim_ask(sim, counter, counter_add, .amount = 3)->err);
    CHECK_U64(total(), 5);
}

static void an_overflowing_add_is_refused_and_changes_nothing(void)
{
    CHECK_OK(weft_sim_tell(sim, counter, counter_add, .amount = UINT64_MAX));
    CHECK_ERR(weft_sim_ask(sim, counter, counter_add, .amount = 1)->err, WEFT_EINVAL);
    CHECK_U64(total(), UINT64_MAX);
}

static void run(void (*test)(void), uint64_t seed)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    counter = weft_sim_spawn(sim, &counter_behaviour, NULL);
    test();
    check(weft_sim_failure(sim)[0] == '\0', weft_sim_failure(sim), __LINE__);
    CHECK_U64(weft_sim_free(&sim), 0); /* nothing leaked */
}
/* [/test] */

/* [fault] */
/* An add whose answer finds no memory fails, and may have been counted. */
static void without_memory_an_add_fails_or_is_counted(void)
{
    uint64_t asked = 0, counted = 0;
    for (bool failed = true; failed; asked++) {
        weft_sim_fail_allocation(sim, asked + 1); /* that one from now on */
        weft_err err = weft_sim_ask(sim, counter, counter_add, .amount = 1)->err;
        failed = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        check(err == WEFT_OK || failed, "it fails for nothing", __LINE__);
        counted += err == WEFT_OK;
    }
    check(total() >= counted && total() <= asked, "an add is lost", __LINE__);
}

static void kill_it(weft_sim *s, void *context)
{
    (void)context;
    CHECK_OK(weft_sim_kill(s, counter, WEFT_EINTERNAL));
}

static void a_counter_that_has_died_says_so(void)
{
    CHECK_OK(weft_sim_at(sim, 500, kill_it, NULL));
    weft_sim_advance(sim, 499);
    CHECK_U64(total(), 0);
    weft_sim_advance(sim, 1);
    CHECK_ERR(weft_sim_ask(sim, counter, counter_add, .amount = 1)->err, WEFT_EGONE);
}
/* [/fault] */

/* [always] */
static weft_err few_wait(weft_sim *s, void *context, weft_why *why)
{
    weft_actor_stats stats;
    const uint32_t *most = context;
    if (weft_stats_actor(weft_sim_system(s), counter, &stats) && stats.queued > *most)
        return weft_because(why, WEFT_ELIMIT, "%u messages wait for the counter", stats.queued);
    return WEFT_OK;
}

static void at_no_step_do_more_than_ten_wait(void)
{
    static uint32_t most = 10;
    CHECK_OK(weft_sim_always(sim, "few wait", few_wait, &most));
    for (int i = 0; i < 10; i++)
        CHECK_OK(weft_system_tell(weft_sim_system(sim), counter, &counter_add_type,
                                  &(counter_add){.amount = 1}));
    (void)weft_sim_run(sim);
    CHECK_U64(total(), 10);
}
/* [/always] */

int main(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run(what_is_added_is_the_total, seed);
        run(an_overflowing_add_is_refused_and_changes_nothing, seed);
        run(without_memory_an_add_fails_or_is_counted, seed);
        run(a_counter_that_has_died_says_so, seed);
        run(at_no_step_do_more_than_ten_wait, seed);
    }
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
