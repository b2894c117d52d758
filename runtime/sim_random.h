/* SPDX-License-Identifier: MIT */
/* The seeded generator of simulations: xoshiro256**, by David Blackman and Sebastiano Vigna. */
#ifndef WF_SIM_RANDOM_H
#define WF_SIM_RANDOM_H

#include <stdint.h>

typedef struct wf_random {
    uint64_t s[4];
} wf_random;

/* Seeds as the authors advise, by splitmix64: near seeds give unrelated sequences. */
static inline void wf_random_seed(wf_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ (z >> 31);
    }
}

static inline uint64_t wf_random_turn(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t wf_random_next(wf_random *r)
{
    uint64_t result = wf_random_turn(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = wf_random_turn(r->s[3], 45);
    return result;
}

/* From 0 up to and without @n, which is not 0. */
static inline uint32_t wf_random_below(wf_random *r, uint32_t n)
{
    return (uint32_t)(((wf_random_next(r) >> 32) * n) >> 32);
}

#endif
