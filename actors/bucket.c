/* SPDX-License-Identifier: MIT */
/* Token buckets. */
#include "bucket.h"

enum {
    SHARES_A_SECOND = 50,       /* of a slow rate */
    SHARE_BYTES_MAX = 64 << 10, /* of a fast one: as many as one read takes */
    BURST_PARTS = 100, /* a burst lasts at least a hundredth of a second: alarms are not quicker */
};

#define NS_OF_SECOND UINT64_C(1000000000)

static uint64_t within(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

static uint64_t cost_ns(const wf_bucket *b, uint64_t bytes)
{
    return bytes * NS_OF_SECOND / b->rate;
}

void wf_bucket_init(wf_bucket *b, uint64_t rate, uint64_t burst)
{
    b->rate = rate;
    if (rate == 0)
        return;
    burst = within(burst, rate / BURST_PARTS, UINT64_C(1) << 30);
    b->burst_ns = cost_ns(b, burst);
    b->share = (uint32_t)within(within(rate / SHARES_A_SECOND, 1, SHARE_BYTES_MAX), 1, burst);
    atomic_store_explicit(&b->earned_ns, 0, memory_order_relaxed);
}

uint64_t wf_bucket_draw(wf_bucket *b, uint64_t bytes, uint64_t now_ns)
{
    uint64_t floor = now_ns > b->burst_ns ? now_ns - b->burst_ns : 0;
    uint64_t earned = atomic_load_explicit(&b->earned_ns, memory_order_relaxed), next;
    /* relaxed: the moment is all there is to it */
    do
        next = (earned > floor ? earned : floor) + cost_ns(b, bytes);
    while (!atomic_compare_exchange_weak_explicit(&b->earned_ns, &earned, next,
                                                  memory_order_relaxed, memory_order_relaxed));
    return next;
}
