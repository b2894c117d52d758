/* SPDX-License-Identifier: MIT */
/* Numbers for property tests: the same seed gives the same ones on every machine. */
#ifndef WEFT_TESTS_RANDOM_H
#define WEFT_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct test_random {
    uint64_t state; /* the seed */
} test_random;

/* splitmix64, by Sebastiano Vigna */
static inline uint64_t test_next(test_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 up to and without @n, which is not 0. */
static inline size_t test_below(test_random *r, size_t n)
{
    return (size_t)(test_next(r) % n);
}

#endif
