/* SPDX-License-Identifier: MIT */
/* Which seeds of clusters are run: as a test says, or the environment. */
#ifndef WEFT_TESTS_SEEDS_H
#define WEFT_TESTS_SEEDS_H

#include <stdint.h>
#include <stdlib.h>

/* What the environment's @name says. */
static inline uint64_t seeds_from(const char *name, uint64_t by_default)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : by_default;
}

/* WEFT_TEST_SEEDS of them, from WEFT_TEST_SEED on, with 2 to WEFT_TEST_NODES nodes each, in turn. */
typedef struct seeds {
    uint64_t first, n;
    unsigned nodes_max;
} seeds;

static inline seeds seeds_of(uint64_t n, unsigned nodes_max)
{
    return (seeds){.first = seeds_from("WEFT_TEST_SEED", 1),
                   .n = seeds_from("WEFT_TEST_SEEDS", n),
                   .nodes_max = (unsigned)seeds_from("WEFT_TEST_NODES", nodes_max)};
}

static inline unsigned seed_nodes(const seeds *s, uint64_t seed)
{
    return 2 + (unsigned)(seed % (s->nodes_max - 1));
}

#endif
