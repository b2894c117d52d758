/* SPDX-License-Identifier: MIT */
/* Records of TLS 1.3 as a peer with the right keys may make them, good or bad: of any type, length and padding. It
 * derives what it needs by OpenSSL's own KDF, so that it shares no line with what it tests. */
#ifndef WEFT_TESTS_TLS_SEALER_H
#define WEFT_TESTS_TLS_SEALER_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TLS_SEALER_OVERHEAD = 5 + 1 + 16 };

typedef struct tls_sealer {
    const char *cipher;  /* "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305" */
    size_t secret_bytes; /* 32, with SHA-256, or 48, with SHA-384 */
    unsigned char secret[48], key[32], iv[12];
    uint64_t number;
} tls_sealer;

static inline void tls_sealer_must(int holds)
{
    if (!holds)
        abort();
}

/* Section 7.1: HKDF-Expand-Label, without a context. */
static inline void tls_sealer_expand(const tls_sealer *s, const char *label, unsigned char *out,
                                     size_t size)
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(
            OSSL_KDF_PARAM_DIGEST, s->secret_bytes == 32 ? (char[]){"SHA256"} : (char[]){"SHA384"},
            0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)s->secret,
                                          s->secret_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (char[]){"tls13 "}, 6),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)(uintptr_t)label,
                                          strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    static EVP_KDF *kdf;
    if (kdf == NULL)
        kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    tls_sealer_must(ctx != NULL && EVP_KDF_derive(ctx, out, size, params) == 1);
    EVP_KDF_CTX_free(ctx);
}

/* From @s->secret on. */
static inline void tls_sealer_begin(tls_sealer *s)
{
    tls_sealer_expand(s, "key", s->key, strcmp(s->cipher, "AES-128-GCM") == 0 ? 16 : 32);
    tls_sealer_expand(s, "iv", s->iv, sizeof s->iv);
    s->number = 0;
}

/* What a KeyUpdate brings (section 7.2). */
static inline void tls_sealer_update(tls_sealer *s)
{
    unsigned char next[48];
    tls_sealer_expand(s, "traffic upd", next, s->secret_bytes);
    memcpy(s->secret, next, s->secret_bytes);
    tls_sealer_begin(s);
}

/* A record of @n bytes at @from, its @type (0: there is none) and @padding zeros; what it takes of @to. */
static inline size_t tls_sealer_seal(tls_sealer *s, uint8_t type, const uint8_t *from, size_t n,
                                     size_t padding, uint8_t *to)
{
    unsigned char nonce[12];
    size_t inner = n + (type != 0) + padding, sealed = inner + 16;
    int got = 0;
    memcpy(nonce, s->iv, sizeof nonce);
    for (int i = 0; i < 8; i++)
        nonce[11 - i] ^= (unsigned char)(s->number >> (8 * i));
    s->number++;
    memcpy(to, (uint8_t[]){23, 3, 3, (uint8_t)(sealed >> 8), (uint8_t)sealed}, 5);
    if (n != 0)
        memcpy(to + 5, from, n);
    memset(to + 5 + n, 0, inner - n);
    if (type != 0)
        to[5 + n] = type;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, s->cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    tls_sealer_must(ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, s->key, nonce, NULL) == 1 &&
                    EVP_EncryptUpdate(ctx, NULL, &got, to, 5) == 1 &&
                    (inner == 0 || EVP_EncryptUpdate(ctx, to + 5, &got, to + 5, (int)inner) == 1) &&
                    EVP_EncryptFinal_ex(ctx, to + 5 + inner, &got) == 1 &&
                    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, to + 5 + inner) == 1);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return 5 + sealed;
}

#endif
