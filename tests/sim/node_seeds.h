/* SPDX-License-Identifier: MIT */
/* One seed of a cluster under faults: nodes that tell, ask and monitor each other while connections are lost,
 * delayed and cut, and nodes crash and come back. What must hold is checked on the way and at the end. */
#ifndef WEFT_TESTS_NODE_SEEDS_H
#define WEFT_TESTS_NODE_SEEDS_H

#include <stdint.h>

/* What happened, so that a test can see that something did. */
typedef struct seed_sums {
    uint64_t tells, refused, asks, answered, failed, lost, timed_out, downs, crashes, islands,
        drops, not_delivered;
} seed_sums;

/* Runs @seed on @nodes nodes and adds to @sums. What does not hold is a failed check that names the seed. */
void node_seed(uint64_t seed, unsigned nodes, seed_sums *sums);

#endif
