/* SPDX-License-Identifier: MIT */
/* Certificates for tests, signed by themselves. */
#include "test_certificate.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/alloc.h"

static _Atomic bool tapped;

static void *take_memory(size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return tapped ? wf_alloc(bytes) : malloc(bytes);
}

static void *take_again(void *block, size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return tapped ? wf_realloc(block, bytes) : realloc(block, bytes);
}

static void give_back(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(block);
}

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

static void name_it(X509_NAME *name, const char *subject)
{
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1,
                                    -1, 0) == 1);
}

/* Signs @x by @plan's issuer. */
static void sign(X509 *x, const test_certificate_plan *plan, EVP_PKEY *own)
{
    EVP_PKEY *key = own;
    if (plan->issuer != NULL) {
        BIO *bio = BIO_new_mem_buf(plan->issuer->certificate, -1);
        X509 *issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        must(issuer != NULL && X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1);
        X509_free(issuer);
        BIO_free(bio);
        bio = BIO_new_mem_buf(plan->issuer->key, -1);
        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
    } else
        must(X509_set_issuer_name(x, X509_get_subject_name(x)) == 1);
    must(key != NULL && X509_sign(x, key, EVP_sha256()) > 0);
    if (key != own)
        EVP_PKEY_free(key);
}

void test_certificate_make_by(const test_certificate_plan *plan, test_certificate *out)
{
    static long serial;
    bool dated = plan->from_s != 0 || plan->until_s != 0;
    EVP_PKEY *key = plan->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *x = X509_new();
    must(key != NULL && x != NULL);
    name_it(X509_get_subject_name(x), plan->subject);
    must(X509_set_version(x, X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(x), dated ? plan->from_s : -60) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(x), dated ? plan->until_s : 3600) != NULL);
    must(X509_set_pubkey(x, key) == 1);
    if (plan->names != NULL)
        extend(x, NID_subject_alt_name, plan->names);
    if (plan->issuer == NULL)
        extend(x, NID_basic_constraints, "critical,CA:TRUE");
    sign(x, plan, key);

    BIO *bio = BIO_new(BIO_s_mem());
    must(bio != NULL && PEM_write_bio_X509(bio, x) == 1);
    take(bio, out->certificate, sizeof out->certificate);
    bio = BIO_new(BIO_s_mem());
    must(bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    take(bio, out->key, sizeof out->key);
    X509_free(x);
    EVP_PKEY_free(key);
}

void test_certificate_make(const char *host, test_certificate *out)
{
    char names[128];
    (void)snprintf(names, sizeof names, "DNS:%s", host);
    test_certificate_make_by(&(test_certificate_plan){.subject = host, .names = names}, out);
}

/* libssh uses OpenSSL as soon as it is loaded, and then it is too late: so this comes before what is loaded
 * begins, the sanitizers too. */
static int early;

__attribute__((no_sanitize("address", "undefined", "thread"))) static void begin_early(void)
{
    early = CRYPTO_set_mem_functions(take_memory, take_again, give_back);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_all)(void) = begin_early;

void test_openssl_memory(void)
{
    must(early);
}

void test_openssl_memory_fails(bool on)
{
    tapped = on;
}
