/* SPDX-License-Identifier: MIT */
/* Clusters under faults, many seeds: order, at most once, no ask hangs, monitors told once, and what is said of
 * a lost request is true. */
#include "node_seeds.h"

#include <stdlib.h>

#include "check.h"

enum { SEEDS = 200, LARGE_SEEDS = 4 };

/* As many seeds as the environment's WEFT_TEST_SEEDS says, from WEFT_TEST_SEED on. */
static uint64_t from_environment(const char *name, uint64_t by_default)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : by_default;
}

static void small_clusters_keep_their_promises_under_faults(void)
{
    seed_sums sums = {0};
    uint64_t first = from_environment("WEFT_TEST_SEED", 1);
    uint64_t seeds = from_environment("WEFT_TEST_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + seeds; seed++)
        node_seed(seed, 2 + (unsigned)(seed % 3), &sums);
    /* the seeds did what they are for */
    if (seeds < SEEDS)
        return;
    CHECK(sums.tells > seeds && sums.refused > 0 && sums.asks > seeds);
    CHECK(sums.answered > sums.asks / 4 && sums.lost > 0 && sums.timed_out > 0);
    CHECK(sums.not_delivered > 0 && sums.downs > seeds / 2);
    CHECK(sums.crashes > seeds / 2 && sums.islands > 0 && sums.drops > 0);
}

static void so_do_large_ones(void)
{
    seed_sums sums = {0};
    for (uint64_t seed = 1; seed <= LARGE_SEEDS; seed++)
        node_seed(seed, 4 + 2 * (unsigned)seed, &sums);
    CHECK(sums.answered > 0 && sums.crashes > 0);
}

static const test_case cases[] = {
    TEST(small_clusters_keep_their_promises_under_faults),
    TEST(so_do_large_ones),
    {0},
};
const test_suite node_seeds_suite = {.name = "sim/node_seeds", .cases = cases};
