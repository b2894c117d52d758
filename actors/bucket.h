/* SPDX-License-Identifier: MIT */
/* A token bucket that one or many draw from, on any reactor, in turn.
 *
 * It is kept as one moment: when all that was drawn so far is earned. Whoever wants to move bytes draws a
 * share, and may move it when that moment has come; those who draw meanwhile come behind. Nobody holds more
 * than one share that is not earned, so that all who want more get the same, and nobody has to be woken. */
#ifndef WF_BUCKET_H
#define WF_BUCKET_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct wf_bucket {
    _Atomic uint64_t earned_ns; /* by the clock of weft_clock_ns */
    uint64_t rate;              /* bytes a second; 0: there is no limit */
    uint64_t burst_ns;          /* how long what nobody drew is kept */
    uint32_t share;             /* bytes drawn at a time */
} wf_bucket;

/* Fills @bucket, for so many bytes a second, of which @burst may go at once. */
void wf_bucket_init(wf_bucket *bucket, uint64_t rate, uint64_t burst);
/* Draws @bytes; returns when they are earned: now or earlier if there is enough. thread: any. */
uint64_t wf_bucket_draw(wf_bucket *bucket, uint64_t bytes, uint64_t now_ns);

#endif
