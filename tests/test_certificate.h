/* SPDX-License-Identifier: MIT */
/* Certificates for tests: made when they are needed, valid for an hour. */
#ifndef WEFT_TESTS_TEST_CERTIFICATE_H
#define WEFT_TESTS_TEST_CERTIFICATE_H

/* PEM. */
typedef struct test_certificate {
    char certificate[2048];
    char key[1024];
} test_certificate;

/* Makes a certificate of @host, signed by itself. Aborts when that fails. */
void test_certificate_make(const char *host, test_certificate *out);

#endif
