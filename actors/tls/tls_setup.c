/* SPDX-License-Identifier: MIT */
/* The contexts of one side: rules, certificates, which of them a name gets, ALPN, stapled answers. */
#include "tls_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Forward secrecy and authenticated encryption alone; TLS 1.3 has nothing else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
#define GROUPS "X25519:P-256:P-384"

/* ---- certificates */

static weft_err refuse_date(const tls_text *text, const ASN1_TIME *at, const char *what,
                            weft_why *why)
{
    struct tm tm;
    char when[32] = "?", sentence[120];
    if (ASN1_TIME_to_tm(at, &tm) == 1)
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &tm);
    (void)snprintf(sentence, sizeof sentence, "the certificate %s %s, expected one valid now", what,
                   when);
    return wf_tls_refuse(why, WEFT_EINVAL, text->name, sentence);
}

static weft_err check_dates(const tls_own *own, const tls_text *text, const X509 *leaf,
                            weft_why *why)
{
    time_t at = (time_t)own->config.judged_at_s, *now = at != 0 ? &at : NULL;
    if (X509_cmp_time(X509_get0_notAfter(leaf), now) < 0)
        return refuse_date(text, X509_get0_notAfter(leaf), "expired on", why);
    if (X509_cmp_time(X509_get0_notBefore(leaf), now) > 0)
        return refuse_date(text, X509_get0_notBefore(leaf), "is not valid before", why);
    return WEFT_OK;
}

/* Whether both are for the same names, so that the kind of their keys decides which is used. */
static bool same_names(const X509 *a, const X509 *b)
{
    int i = X509_get_ext_by_NID(a, NID_subject_alt_name, -1);
    int j = X509_get_ext_by_NID(b, NID_subject_alt_name, -1);
    if (i < 0 || j < 0)
        return i == j && X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0;
    return ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(a, i)),
                                 X509_EXTENSION_get_data(X509_get_ext(b, j))) == 0;
}

/* The group @leaf belongs to; the next one if it is the first of its names. */
static unsigned group_of(const wf_tls_setup *setup, const X509 *leaf, int key)
{
    for (unsigned g = 0; g < setup->groups; g++) {
        bool fits = false;
        for (unsigned i = 0; i < setup->identities; i++)
            if (setup->identity[i].group == g) {
                if (setup->identity[i].key == key) {
                    fits = false;
                    break;
                }
                fits = same_names(setup->identity[i].leaf, leaf);
            }
        if (fits)
            return g;
    }
    return setup->groups;
}

/* ---- callbacks of OpenSSL: they find what they need by their stream */

static int on_name(SSL *ssl, int *alert, void *context)
{
    const wf_tls_setup *setup = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    for (unsigned i = 0; i < setup->identities; i++) {
        const tls_identity *id = &setup->identity[i];
        if (X509_check_host(id->leaf, name, strlen(name), 0, NULL) != 1)
            continue;
        if (id->group != 0 && SSL_set_SSL_CTX(ssl, setup->ctx[id->group]) == NULL)
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* What stands for the certificate that was chosen, while it may be used. */
static int on_status(SSL *ssl, void *context)
{
    const wf_tls_setup *setup = context;
    const X509 *leaf = SSL_get_certificate(ssl);
    const weft_actor *self = conn_actor(tls_state_of(ssl)->stage->owner);
    int64_t now_s = (int64_t)(weft_wall_ns(self) / 1000000000U);
    for (unsigned i = 0; i < setup->identities; i++) {
        const tls_identity *id = &setup->identity[i];
        if (id->leaf != leaf || id->ocsp.der == NULL || id->ocsp.until_s < now_s)
            continue;
        unsigned char *copy = OPENSSL_memdup(id->ocsp.der, id->ocsp.size);
        if (copy == NULL)
            return SSL_TLSEXT_ERR_NOACK;
        (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)id->ocsp.size);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                   const unsigned char *in, unsigned in_bytes, void *context)
{
    const tls_own *own = context;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_bytes, own->alpn, own->alpn_bytes, in, in_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 section 3.2: no_application_protocol */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

#ifdef WEFT_DEV
/* For Wireshark, in builds that nobody runs in earnest. */
static void log_keys(const char *line)
{
    const char *name = secure_getenv("SSLKEYLOGFILE");
    FILE *to = name != NULL ? fopen(name, "ae") : NULL;
    if (to == NULL)
        return;
    (void)fprintf(to, "%s\n", line);
    (void)fclose(to);
}
#endif

static void on_secret(const SSL *ssl, const char *line)
{
#ifdef WEFT_DEV
    log_keys(line);
#endif
    if (SSL_is_server(ssl))
        wf_tls_records_hear(ssl, line);
}

/* ---- a context */

static bool set_rules(const tls_own *own, SSL_CTX *ctx)
{
    const uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
    (void)SSL_CTX_set_options(ctx, options);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_keylog_callback(ctx, on_secret);
    int floor = own->config.tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION;
    return SSL_CTX_set_min_proto_version(ctx, floor) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS) ==
               1 && /* what the macro of SSL_CTX_set1_groups_list does, without its cast that drops const */
           SSL_CTX_ctrl(ctx, SSL_CTRL_SET_GROUPS_LIST, 0, (void *)(uintptr_t)GROUPS) == 1;
}

static bool set_resuming(const weft_tls *tls, SSL_CTX *ctx)
{
    static const unsigned char context[] = "weft";
    if (!tls->server) {
        if (!tls->own.config.no_resuming)
            wf_tls_sessions_use(ctx);
        return true;
    }
    if (tls->own.config.no_resuming) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ctx, 0) == 1;
    }
    return SSL_CTX_set_session_id_context(ctx, context, sizeof context - 1) == 1 &&
           wf_tls_tickets_use(ctx);
}

static bool set_callbacks(wf_tls_setup *setup, SSL_CTX *ctx)
{
    weft_tls *tls = setup->tls;
    if (tls->server) {
        SSL_CTX_set_msg_callback(ctx, wf_tls_records_count);
        (void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
        (void)SSL_CTX_set_tlsext_servername_arg(ctx, setup);
        (void)SSL_CTX_set_tlsext_status_cb(ctx, on_status);
        (void)SSL_CTX_set_tlsext_status_arg(ctx, setup);
    }
    if (tls->own.alpn_bytes == 0)
        return true;
    if (tls->server)
        SSL_CTX_set_alpn_select_cb(ctx, on_alpn, &tls->own);
    return tls->server || SSL_CTX_set_alpn_protos(ctx, tls->own.alpn, tls->own.alpn_bytes) == 0;
}

static weft_err add_context(wf_tls_setup *setup, weft_why *why)
{
    weft_tls *tls = setup->tls;
    SSL_CTX *ctx = SSL_CTX_new(tls->server ? TLS_server_method() : TLS_client_method());
    if (ctx == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    setup->ctx[setup->groups++] = ctx;
    if (!set_rules(&tls->own, ctx) || !set_resuming(tls, ctx) || !set_callbacks(setup, ctx))
        return wf_tls_refuse(why, WEFT_EINVAL, "unable to set its rules", wf_tls_last_reason());
    return wf_tls_trust(&tls->own, tls->server, ctx, why);
}

/* ---- identities */

static weft_err mismatch(const weft_tls_identity *from, weft_why *why)
{
    if (wf_tls_memory_was_out())
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    const char *cert = from->certificate_file, *key = from->key_file;
    return weft_because(why, WEFT_EINVAL,
                        "TLS: the key in %.60s is not that of the certificate in %.60s",
                        key != NULL ? key : "the text", cert != NULL ? cert : "the text");
}

static weft_err use_identity(wf_tls_setup *setup, const weft_tls_identity *from,
                             const tls_text *text, STACK_OF(X509) * chain, EVP_PKEY *key,
                             weft_why *why)
{
    X509 *leaf = sk_X509_value(chain, 0);
    tls_identity *id = &setup->identity[setup->identities];
    weft_err err = check_dates(&setup->tls->own, text, leaf, why);
    if (err != WEFT_OK)
        return err;
    *id = (tls_identity){.leaf = leaf, .key = EVP_PKEY_get_base_id(key)};
    id->group = group_of(setup, leaf, id->key);
    if (id->group == setup->groups && (err = add_context(setup, why)) != WEFT_OK)
        return err;
    (void)sk_X509_shift(chain);
    bool good = SSL_CTX_use_cert_and_key(setup->ctx[id->group], leaf, key, chain, 1) == 1;
    X509_free(leaf); /* the context has its share, if it took it */
    if (!good && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_PRIVATE_KEY_MISMATCH)
        return mismatch(from, why);
    if (!good)
        return wf_tls_refuse(why, WEFT_EINVAL, text->name, wf_tls_last_reason());
    setup->identities++;
    return wf_tls_ocsp_read(from->ocsp_file, &id->ocsp, why);
}

static weft_err read_key(const weft_tls_identity *from, const tls_text *certificate, EVP_PKEY **out,
                         weft_why *why)
{
    tls_text text;
    if (from->key_file == NULL && from->key_pem == NULL)
        return wf_tls_key(certificate, out, why);
    weft_err err = wf_tls_text_open(from->key_file, from->key_pem, "a key", &text, why);
    if (err != WEFT_OK)
        return err;
    err = wf_tls_key(&text, out, why);
    wf_tls_text_close(&text);
    return err;
}

static weft_err add_identity(wf_tls_setup *setup, const weft_tls_identity *from, weft_why *why)
{
    tls_text text;
    STACK_OF(X509) *chain = NULL;
    EVP_PKEY *key = NULL;
    weft_err err = wf_tls_text_open(from->certificate_file, from->certificate_pem, "a certificate",
                                    &text, why);
    if (err != WEFT_OK)
        return err;
    err = wf_tls_certificates(&text, &chain, why);
    if (err == WEFT_OK)
        err = read_key(from, &text, &key, why);
    if (err == WEFT_OK)
        err = use_identity(setup, from, &text, chain, key, why);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    wf_tls_text_close(&text);
    return err;
}

/* ---- all of it */

static weft_err fill(wf_tls_setup *setup, weft_why *why)
{
    const tls_own *own = &setup->tls->own;
    weft_err err = WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < own->identities; i++)
        err = add_identity(setup, &own->identity[i], why);
    /* a client without any */
    if (err == WEFT_OK && setup->groups == 0)
        err = add_context(setup, why);
    return err;
}

weft_err wf_tls_setup_make(weft_tls *tls, wf_tls_setup **out, weft_why *why)
{
    wf_tls_setup *setup = weft_alloc_zero(sizeof *setup);
    if (setup == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    atomic_init(&setup->refs, 1);
    setup->tls = tls;
    ERR_clear_error();
    weft_err err = fill(setup, why);
    ERR_clear_error();
    if (err != WEFT_OK)
        wf_tls_setup_drop(&setup);
    else
        *out = setup;
    return err;
}

void wf_tls_setup_drop(wf_tls_setup **at)
{
    wf_tls_setup *setup = *at;
    *at = NULL;
    /* acquire and release: whoever used it last did so before it is freed */
    if (setup == NULL || atomic_fetch_sub_explicit(&setup->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < setup->groups; i++)
        SSL_CTX_free(setup->ctx[i]);
    for (unsigned i = 0; i < WEFT_TLS_IDENTITIES_MAX; i++)
        weft_alloc_free(setup->identity[i].ocsp.der);
    weft_alloc_free(setup);
}
