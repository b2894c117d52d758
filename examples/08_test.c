/* SPDX-License-Identifier: MIT */
/* A test of the counter: virtual time, no sleep, no port. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

static void run(void (*test)(void))
{
    sim = weft_sim_new(NULL);
    counter = weft_sim_spawn(sim, &counter_behaviour, NULL);
    test();
    CHECK_U64(weft_sim_free(&sim), 0); /* nothing leaked */
}
/* [/test] */

int main(void)
{
    run(what_is_added_is_the_total);
    run(an_overflowing_add_is_refused_and_changes_nothing);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
