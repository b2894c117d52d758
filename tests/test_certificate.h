/* SPDX-License-Identifier: MIT */
/* Certificates for tests: made when they are needed, valid for an hour. */
#ifndef WEFT_TESTS_TEST_CERTIFICATE_H
#define WEFT_TESTS_TEST_CERTIFICATE_H

#include <stdbool.h>

/* PEM. */
typedef struct test_certificate {
    char certificate[2048];
    char key[2048];
} test_certificate;

/* What a certificate is to be. */
typedef struct test_certificate_plan {
    const char *subject;            /* its CN */
    const char *names;              /* "DNS:a.example,IP:127.0.0.1"; NULL: none */
    bool rsa;                       /* its key; otherwise ECDSA */
    const test_certificate *issuer; /* NULL: itself */
    long from_s, until_s;           /* from now on; 0 and 0: valid for an hour */
} test_certificate_plan;

/* Aborts when that fails. */
void test_certificate_make_by(const test_certificate_plan *plan, test_certificate *out);

/* Lets OpenSSL's memory be taken through the tap of runtime/alloc.h. To be called first of all. */
void test_openssl_memory(void);
/* Whether it is, from now on: not before OpenSSL has made what it makes but once, since a failure there
 * lasts. */
void test_openssl_memory_fails(bool on);

/* Makes a certificate of @host, signed by itself. Aborts when that fails. */
void test_certificate_make(const char *host, test_certificate *out);

#endif
