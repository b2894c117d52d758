/* SPDX-License-Identifier: MIT */
/* Certificates for tests, signed by themselves. */
#include "test_certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int good)
{
    if (good)
        return;
    (void)fputs("unable to make a certificate\n", stderr);
    abort();
}

static void take(BIO *bio, char *to, size_t room)
{
    int n = BIO_read(bio, to, (int)room - 1);
    must(n > 0);
    to[n] = '\0';
    BIO_free(bio);
}

static void extend(X509 *x, int what, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, what, value);
    must(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

void test_certificate_make(const char *host, test_certificate *out)
{
    static long serial;
    char text[128];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    must(key != NULL && x != NULL);
    (void)snprintf(text, sizeof text, "DNS:%s", host);
    X509_NAME *name = X509_get_subject_name(x);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1,
                                    0) == 1);
    must(X509_set_version(x, X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL);
    must(X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1);
    extend(x, NID_subject_alt_name, text);
    extend(x, NID_basic_constraints, "critical,CA:TRUE");
    must(X509_sign(x, key, EVP_sha256()) > 0);

    BIO *bio = BIO_new(BIO_s_mem());
    must(bio != NULL && PEM_write_bio_X509(bio, x) == 1);
    take(bio, out->certificate, sizeof out->certificate);
    bio = BIO_new(BIO_s_mem());
    must(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    take(bio, out->key, sizeof out->key);
    X509_free(x);
    EVP_PKEY_free(key);
}
