/* SPDX-License-Identifier: MIT */
/* Hashes and comparing without telling by time. */
#ifndef WF_HASHES_H
#define WF_HASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

enum { WF_HASH_BYTES_MAX = 32, WF_HASH_HEX_BYTES = 2 * WF_HASH_BYTES_MAX + 1 };

typedef enum wf_hash { WF_MD5, WF_SHA256 } wf_hash;

/* Its bytes: 16 or 32. */
size_t wf_hash_bytes(wf_hash kind);

/* false: the library refuses, for want of memory or by its policy (MD5). */
WEFT_MUST_USE bool wf_hash_of(wf_hash kind, const void *at, size_t n,
                              uint8_t out[WF_HASH_BYTES_MAX]);
/* RFC 2104. */
WEFT_MUST_USE bool wf_hmac_of(wf_hash kind, const void *key, size_t key_n, const void *at, size_t n,
                              uint8_t out[WF_HASH_BYTES_MAX]);

/* Writes 2 * @n lower-case hex digits and a zero. */
void wf_hex(const uint8_t *at, size_t n, char *out);

/* Whether the @n bytes are the same; takes as long for any two. */
bool wf_same(const void *a, const void *b, size_t n);

#endif
