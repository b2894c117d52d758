/* SPDX-License-Identifier: MIT */
/* Clusters with etcd under faults, many seeds: names are never owned twice, terms grow, nothing hangs, and
 * nothing is left behind. */
#include "registry_seeds.h"

#include <stdlib.h>

#include "check.h"

enum { SEEDS = 15, LARGE_SEEDS = 1 };

/* As many seeds as the environment's WEFT_TEST_SEEDS says, from WEFT_TEST_SEED on. */
static uint64_t from_environment(const char *name, uint64_t by_default)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : by_default;
}

static void small_clusters_never_give_a_name_to_two(void)
{
    registry_sums sums = {0};
    uint64_t first = from_environment("WEFT_TEST_SEED", 1);
    uint64_t seeds = from_environment("WEFT_TEST_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + seeds; seed++)
        registry_seed(seed, 2 + (unsigned)(seed % 4), &sums);
    /* the seeds did what they are for */
    if (seeds < SEEDS)
        return;
    CHECK(sums.claims > 10 * seeds && sums.granted > seeds && sums.refused > seeds);
    CHECK(sums.lost > seeds / 10 && sums.given > seeds && sums.ended > seeds / 10);
    CHECK(sums.asks > seeds && sums.answered > sums.asks / 4 && sums.downs > 0);
    CHECK(sums.crashes > seeds / 10 && sums.islands > seeds && sums.etcd_crashes > seeds / 10);
    CHECK(sums.cut_answers > 0 && sums.compactions > 0);
}

static void nor_do_large_ones(void)
{
    registry_sums sums = {0};
    for (uint64_t seed = 1; seed <= LARGE_SEEDS; seed++)
        registry_seed(seed, 4 + 4 * (unsigned)seed, &sums);
    CHECK(sums.granted > 0 && sums.answered > 0);
}

static const test_case cases[] = {
    TEST(small_clusters_never_give_a_name_to_two),
    TEST(nor_do_large_ones),
    {0},
};
const test_suite registry_seeds_suite = {.name = "sim/registry_seeds", .cases = cases};
