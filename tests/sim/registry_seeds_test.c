/* SPDX-License-Identifier: MIT */
/* Clusters with etcd under faults, many seeds: names are never owned twice, terms grow, nothing hangs, and
 * nothing is left behind. */
#include "registry_seeds.h"

#include "check.h"
#include "seeds.h"

enum { SEEDS = 15, NODES_MAX = 5, LARGE_SEEDS = 1 };

static void small_clusters_never_give_a_name_to_two(void)
{
    registry_sums sums = {0};
    const seeds of = seeds_of(SEEDS, NODES_MAX);
    for (uint64_t seed = of.first; seed < of.first + of.n; seed++)
        registry_seed(seed, seed_nodes(&of, seed), &sums);
    /* the seeds did what they are for */
    if (of.n < SEEDS)
        return;
    CHECK(sums.claims > 10 * of.n && sums.granted > of.n && sums.refused > of.n);
    CHECK(sums.lost > of.n / 10 && sums.given > of.n && sums.ended > of.n / 10);
    CHECK(sums.asks > of.n && sums.answered > sums.asks / 4 && sums.downs > 0);
    CHECK(sums.crashes > of.n / 10 && sums.islands > of.n && sums.etcd_crashes > of.n / 10);
    CHECK(sums.cut_answers > 0 && sums.compactions > 0);
}

static void nor_do_large_ones(void)
{
    registry_sums sums = {0};
    for (uint64_t seed = 1; seed <= LARGE_SEEDS; seed++)
        registry_seed(seed, 4 + 4 * (unsigned)seed, &sums);
    CHECK(sums.granted > 0 && sums.answered > 0);
}

/* Asked for twice, since an answer was late, and given back between: what a run of 10,000 found. */
static void a_taking_that_comes_late_leaves_no_name_behind(void)
{
    registry_sums sums = {0};
    registry_seed(1480, 2, &sums);
    registry_seed(5932, 2, &sums);
    registry_seed(7044, 2, &sums);
    registry_seed(7306, 4, &sums);
    CHECK(sums.granted > 0 && sums.given > 0);
}

static const test_case cases[] = {
    TEST(small_clusters_never_give_a_name_to_two),
    TEST(nor_do_large_ones),
    TEST(a_taking_that_comes_late_leaves_no_name_behind),
    {0},
};
const test_suite registry_seeds_suite = {.name = "sim/registry_seeds", .cases = cases};
