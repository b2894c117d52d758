/* SPDX-License-Identifier: MIT */
/* Whom a side trusts, whom a client expects, and why a certificate is not accepted. */
#include "tls_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ---- trust */

/* A server names those it trusts when it asks a client for its certificate. */
static bool add_root(SSL_CTX *ctx, bool server, X509 *x)
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1 &&
           (!server || SSL_CTX_add_client_CA(ctx, x) == 1);
}

static weft_err use_roots(const tls_own *own, bool server, SSL_CTX *ctx, weft_why *why)
{
    tls_text text;
    STACK_OF(X509) *roots = NULL;
    weft_err err = wf_tls_text_open(own->config.trust_file, own->config.trust_pem,
                                    "trusted certificates", &text, why);
    if (err != WEFT_OK)
        return err;
    err = wf_tls_certificates(&text, &roots, why);
    for (int i = 0; err == WEFT_OK && i < sk_X509_num(roots); i++)
        if (!add_root(ctx, server, sk_X509_value(roots, i)))
            err = wf_tls_refuse(why, WEFT_EINVAL, text.name, wf_tls_last_reason());
    sk_X509_pop_free(roots, X509_free);
    wf_tls_text_close(&text);
    return err;
}

static int mode_of(const tls_own *own, bool server)
{
    const weft_tls_config *c = &own->config;
    if (!server)
        return c->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    switch (c->clients) {
    case WEFT_TLS_CLIENTS_REQUIRED:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case WEFT_TLS_CLIENTS_ASKED:
        return SSL_VERIFY_PEER;
    default:
        return SSL_VERIFY_NONE;
    }
}

weft_err wf_tls_trust(const tls_own *own, bool server, SSL_CTX *ctx, weft_why *why)
{
    const weft_tls_config *c = &own->config;
    bool given = c->trust_file != NULL || c->trust_pem != NULL;
    weft_err err = WEFT_OK;
    SSL_CTX_set_verify(ctx, mode_of(own, server), NULL);
    if (server && c->clients != WEFT_TLS_CLIENTS_IGNORED && !given)
        return weft_because(why, WEFT_EINVAL,
                            "TLS: a server that asks clients for certificates has to say whose it "
                            "trusts");
    if (given)
        err = use_roots(own, server, ctx, why);
    else if (!server && SSL_CTX_set_default_verify_paths(ctx) != 1)
        err = wf_tls_refuse(why, WEFT_EINVAL, "the roots of the system", wf_tls_last_reason());
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(ctx);
    /* whoever trusts an intermediate, or one certificate alone, need not trust its issuer */
    (void)X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    if (c->judged_at_s != 0)
        X509_VERIFY_PARAM_set_time(rules, (time_t)c->judged_at_s);
    return err;
}

/* ---- whom a client expects */

bool wf_tls_expect(SSL *ssl, const char *host)
{
    unsigned char ip[16];
    if (inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    /* RFC 9525: a subject is not a name, and a wildcard stands for one whole label */
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* what the macro of SSL_set_tlsext_host_name does, without its cast that drops const */
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)host) == 1 &&
           SSL_set1_host(ssl, host) == 1;
}

/* ---- why not */

void wf_tls_verdict(long verdict, char *to, size_t room)
{
    (void)snprintf(to, room, "%s",
                   verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : "");
}
