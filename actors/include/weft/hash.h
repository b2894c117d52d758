/* SPDX-License-Identifier: MIT */
/** The few hashes and codings that protocols name in their standards. thread: any. */
#ifndef WEFT_HASH_H
#define WEFT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_SHA1_BYTES 20

/** SHA-1 (RFC 3174): for protocols that have it in their handshake, never as a proof of anything.
 * errors: false, when the library refuses for want of memory or by its policy. */
WEFT_MUST_USE bool weft_sha1(const void *at, size_t n, uint8_t out[WEFT_SHA1_BYTES]);

/** The bytes that weft_base64 writes for @n, without the final zero. */
#define WEFT_BASE64_BYTES(n) (((n) + 2) / 3 * 4)

/** Writes @n bytes in base64 (RFC 4648 section 4) with padding and a final zero; gives the length. */
size_t weft_base64(const void *at, size_t n, char *out);

/** Reads @n characters of it, padded and without anything between. *@size: what they came to.
 * errors: EPROTO, ETOOBIG (beyond @max). */
WEFT_MUST_USE weft_err weft_unbase64(const char *text, size_t n, void *out, size_t max,
                                     size_t *size);

#define WEFT_HMAC_MD5_HEX_BYTES 33

/** HMAC-MD5 (RFC 2104) in lower-case hex digits, with a final zero, for CRAM-MD5 (RFC 2195).
 * errors: false, as weft_sha1. */
WEFT_MUST_USE bool weft_hmac_md5(const void *key, size_t key_n, const void *at, size_t n,
                                 char out[WEFT_HMAC_MD5_HEX_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
