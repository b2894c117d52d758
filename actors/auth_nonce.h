/* SPDX-License-Identifier: MIT */
/* Nonces of challenges: made without remembering them, and remembered once they were used. */
#ifndef WF_AUTH_NONCE_H
#define WF_AUTH_NONCE_H

#include <weft/auth.h>

/* The bytes of a nonce's text, the final zero included. */
enum { WF_NONCE_BYTES = 65 };

typedef struct wf_nonces {
    struct wf_nonce_set *set;
    uint32_t sets;
    uint64_t life_ms;
    uint8_t secret[32];
} wf_nonces;

/* errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_nonces_init(wf_nonces *n, uint32_t entries, uint32_t life_ms,
                                      const uint8_t secret[32]);
void wf_nonces_done(wf_nonces *n);

/* A fresh one. @wall_ms: since 1970. false: the library refuses. */
WEFT_MUST_USE bool wf_nonce_new(const wf_nonces *n, uint64_t wall_ms, const uint8_t random[8],
                                char out[WF_NONCE_BYTES]);

/* Takes the use number @count of @text, once: whether it is one of ours, young enough, and was not used
 * with this number before. Numbers may come out of order by up to 64. To be called when all else is
 * right, so that nobody can fill the table who has no password. */
WEFT_MUST_USE bool wf_nonce_use_of(wf_nonces *n, const char *text, uint32_t count,
                                   uint64_t wall_ms);

#endif
