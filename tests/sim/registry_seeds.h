/* SPDX-License-Identifier: MIT */
/* One seed of a cluster whose members and names are in etcd, under faults: nodes are cut off for longer than
 * their lease, crash and come back, and so does etcd; answers of transactions get lost, watches are cut,
 * revisions compacted. Nobody may believe to have a name that another has; no claim and no ask hangs; monitors
 * are told once. */
#ifndef WEFT_TESTS_REGISTRY_SEEDS_H
#define WEFT_TESTS_REGISTRY_SEEDS_H

#include <stdint.h>

/* What happened, so that a test can see that something did. */
typedef struct registry_sums {
    uint64_t claims, granted, refused, lost, given, ended, asks, answered, downs, crashes, islands,
        etcd_crashes, cut_answers, compactions;
} registry_sums;

/* Runs @seed on @nodes nodes and adds to @sums. What does not hold is a failed check that names the seed. */
void registry_seed(uint64_t seed, unsigned nodes, registry_sums *sums);

#endif
