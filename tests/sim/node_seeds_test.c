/* SPDX-License-Identifier: MIT */
/* Clusters under faults, many seeds: order, at most once, no ask hangs, monitors told once, and what is said of
 * a lost request is true. */
#include "node_seeds.h"

#include "check.h"
#include "seeds.h"

enum { SEEDS = 200, NODES_MAX = 4, LARGE_SEEDS = 4 };

static void small_clusters_keep_their_promises_under_faults(void)
{
    seed_sums sums = {0};
    const seeds of = seeds_of(SEEDS, NODES_MAX);
    for (uint64_t seed = of.first; seed < of.first + of.n; seed++)
        node_seed(seed, seed_nodes(&of, seed), &sums);
    /* the seeds did what they are for */
    if (of.n < SEEDS)
        return;
    CHECK(sums.tells > of.n && sums.refused > 0 && sums.asks > of.n);
    CHECK(sums.answered > sums.asks / 4 && sums.lost > 0 && sums.timed_out > 0);
    CHECK(sums.not_delivered > 0 && sums.downs > of.n / 2);
    CHECK(sums.crashes > of.n / 2 && sums.islands > 0 && sums.drops > 0);
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
