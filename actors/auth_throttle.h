/* SPDX-License-Identifier: MIT */
/* Failures of principals and of peers, within a window of time, in a table of fixed size. */
#ifndef WF_AUTH_THROTTLE_H
#define WF_AUTH_THROTTLE_H

#include <weft/auth.h>

typedef struct wf_strike wf_strike;

typedef struct wf_throttle {
    wf_strike *entry;
    uint32_t sets, window_ms;
    uint8_t seed[16]; /* so that nobody can choose who shares an entry */
} wf_throttle;

/* Of at least @entries. @seed is random. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_throttle_init(wf_throttle *t, uint32_t entries, uint32_t window_ms,
                                        const uint8_t seed[16]);
void wf_throttle_done(wf_throttle *t);

/* What failures are counted by; 0: nothing (peers without an address, and UNIX sockets). */
uint64_t wf_throttle_user(const wf_throttle *t, const char *user);
uint64_t wf_throttle_peer(const wf_throttle *t, const weft_address *peer);

/* Milliseconds until @key may try again; 0: now. */
uint32_t wf_throttle_wait_ms(const wf_throttle *t, uint64_t key, uint32_t max, uint32_t now_ms);
/* One attempt: a failure until it is forgiven. */
void wf_throttle_charge(wf_throttle *t, uint64_t key, uint32_t now_ms);
void wf_throttle_forgive(wf_throttle *t, uint64_t key);

#endif
