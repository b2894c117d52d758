/* SPDX-License-Identifier: MIT */
/* Hashes: OpenSSL's, and the one comparison that secrets are compared with. */
#include "hashes.h"

#include <openssl/evp.h>
#include <string.h>

#include <weft/hash.h>

#include "auth_text.h"

enum { BLOCK_BYTES = 64 }; /* of MD5 and of SHA-256 */

size_t wf_hash_bytes(wf_hash kind)
{
    return kind == WF_MD5 ? 16 : 32;
}

/* The hash of two pieces, so that an HMAC needs no copy of its message. */
static bool hash_two(wf_hash kind, const void *a, size_t a_n, const void *b, size_t b_n,
                     uint8_t out[WF_HASH_BYTES_MAX])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL &&
              EVP_DigestInit_ex(context, kind == WF_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, a, a_n) == 1 && EVP_DigestUpdate(context, b, b_n) == 1 &&
              EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

bool wf_hash_of(wf_hash kind, const void *at, size_t n, uint8_t out[WF_HASH_BYTES_MAX])
{
    return hash_two(kind, at, n, "", 0, out);
}

bool wf_hmac_of(wf_hash kind, const void *key, size_t key_n, const void *at, size_t n,
                uint8_t out[WF_HASH_BYTES_MAX])
{
    uint8_t inner[BLOCK_BYTES] = {0}, outer[BLOCK_BYTES], hash[WF_HASH_BYTES_MAX];
    bool ok = true;
    if (key_n > BLOCK_BYTES)
        ok = wf_hash_of(kind, key, key_n, inner);
    else if (key_n > 0)
        memcpy(inner, key, key_n);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    ok = ok && hash_two(kind, inner, BLOCK_BYTES, at, n, hash) &&
         hash_two(kind, outer, BLOCK_BYTES, hash, wf_hash_bytes(kind), out);
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
    explicit_bzero(hash, sizeof hash);
    return ok;
}

bool weft_sha1(const void *at, size_t n, uint8_t out[WEFT_SHA1_BYTES])
{
    return EVP_Digest(at, n, out, NULL, EVP_sha1(), NULL) == 1;
}

size_t weft_base64(const void *at, size_t n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = at;
    char *to = out;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t three = (uint32_t)from[i] << 16;
        three |= left > 1 ? (uint32_t)from[i + 1] << 8 : 0;
        three |= left > 2 ? from[i + 2] : 0;
        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[three & 63] : '=';
    }
    *to = '\0';
    return (size_t)(to - out);
}

void wf_hex(const uint8_t *at, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[at[i] >> 4];
        *out++ = digits[at[i] & 15];
    }
    *out = '\0';
}

bool wf_same(const void *a, const void *b, size_t n)
{
    /* volatile: the compiler must not find a way to stop early */
    const volatile uint8_t *x = a, *y = b;
    uint8_t differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= (uint8_t)(x[i] ^ y[i]);
    return differs == 0;
}

weft_err weft_unbase64(const char *text, size_t n, void *out, size_t max, size_t *size)
{
    return wf_base64_decode((wf_piece){text, n}, out, max, size);
}

bool weft_hmac_md5(const void *key, size_t key_n, const void *at, size_t n,
                   char out[WEFT_HMAC_MD5_HEX_BYTES])
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    if (!wf_hmac_of(WF_MD5, key, key_n, at, n, hash))
        return false;
    wf_hex(hash, wf_hash_bytes(WF_MD5), out);
    return true;
}
