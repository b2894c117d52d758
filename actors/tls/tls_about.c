/* SPDX-License-Identifier: MIT */
/* What was agreed on, and who the peer is. */
#include "tls_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t seconds_of(const ASN1_TIME *at)
{
    struct tm tm;
    return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void tell_subject(const X509 *x, weft_tls_peer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(bio, out->subject, sizeof out->subject - 1);
        out->subject[n > 0 ? n : 0] = '\0';
    }
    BIO_free(bio);
}

/* A name of the certificate as text; 0 bytes: it is of a kind that is not told, or no name. */
static size_t name_of(const GENERAL_NAME *name, char *to, size_t room)
{
    const ASN1_STRING *text = name->d.ia5;
    if (name->type == GEN_DNS) {
        size_t n = (size_t)ASN1_STRING_length(text);
        const unsigned char *at = ASN1_STRING_get0_data(text);
        /* a zero byte, or a comma, within would make two names of one */
        if (n == 0 || n >= room || memchr(at, 0, n) != NULL || memchr(at, ',', n) != NULL)
            return 0;
        memcpy(to, at, n);
        return n;
    }
    if (name->type != GEN_IPADD)
        return 0;
    text = name->d.iPAddress;
    int family = ASN1_STRING_length(text) == 4 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && ASN1_STRING_length(text) != 16)
        return 0;
    return inet_ntop(family, ASN1_STRING_get0_data(text), to, (socklen_t)room) != NULL ? strlen(to)
                                                                                       : 0;
}

static void tell_names(const X509 *x, weft_tls_peer *out)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    char one[256];
    size_t used = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        size_t n = name_of(sk_GENERAL_NAME_value(all, i), one, sizeof one);
        size_t comma = used != 0;
        if (n == 0 || used + comma + n >= sizeof out->names)
            continue;
        if (comma != 0)
            out->names[used++] = ',';
        memcpy(out->names + used, one, n);
        used += n;
    }
    out->names[used] = '\0';
    GENERAL_NAMES_free(all);
}

static void tell_fingerprint(const X509 *x, weft_tls_peer *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (X509_digest(x, EVP_sha256(), digest, &n) != 1)
        return;
    for (unsigned i = 0; i < n && 2 * i + 2 < sizeof out->fingerprint; i++)
        (void)snprintf(out->fingerprint + (size_t)2 * i, 3, "%02x", digest[i]);
}

static void tell_peer(const X509 *x, long verdict, weft_tls_peer *out)
{
    if (x == NULL)
        return;
    out->given = true;
    out->verified = verdict == X509_V_OK;
    wf_tls_verdict(verdict, out->problem, sizeof out->problem);
    out->not_before_s = seconds_of(X509_get0_notBefore(x));
    out->not_after_s = seconds_of(X509_get0_notAfter(x));
    tell_subject(x, out);
    tell_names(x, out);
    tell_fingerprint(x, out);
    ERR_clear_error();
}

/* ---- what is remembered of SSL */

bool wf_tls_know(const SSL *ssl, tls_known *out)
{
    const unsigned char *alpn = NULL;
    unsigned n = 0;
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    size_t host_bytes = host != NULL ? strlen(host) + 1 : 1;
    SSL_get0_alpn_selected(ssl, &alpn, &n);
    if ((host != NULL || n != 0) && (out->texts = weft_alloc(host_bytes + n)) == NULL)
        return false;
    if (out->texts != NULL) {
        memcpy(out->texts, host != NULL ? host : "", host_bytes);
        memcpy(out->texts + host_bytes, n != 0 ? (const char *)alpn : "", n);
    }
    out->alpn_bytes = (uint8_t)n; /* RFC 7301: at most 255 */
    out->version = SSL_get_version(ssl);
    out->cipher = SSL_get_cipher_name(ssl);
    out->resumed = SSL_session_reused(ssl) == 1;
    out->peer = SSL_get1_peer_certificate(ssl);
    out->verdict = SSL_get_verify_result(ssl);
    return true;
}

void wf_tls_known_done(tls_known *known)
{
    X509_free(known->peer);
    weft_alloc_free(known->texts);
}

static void tell_known(const tls_known *k, weft_tls_info *out)
{
    const char *host = k->texts != NULL ? k->texts : "";
    out->resumed = k->resumed;
    out->version = k->version;
    out->cipher = k->cipher;
    if (k->alpn_bytes != 0 && k->alpn_bytes < sizeof out->alpn)
        memcpy(out->alpn, host + strlen(host) + 1, k->alpn_bytes);
    (void)snprintf(out->host, sizeof out->host, "%s", host);
    tell_peer(k->peer, k->verdict, &out->peer);
}

static void tell_ssl(const SSL *ssl, bool up, weft_tls_info *out)
{
    const unsigned char *alpn = NULL;
    unsigned n = 0;
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    out->resumed = SSL_session_reused(ssl) == 1;
    out->version = SSL_get_version(ssl);
    out->cipher = SSL_get_cipher_name(ssl);
    SSL_get0_alpn_selected(ssl, &alpn, &n);
    if (n != 0 && n < sizeof out->alpn)
        memcpy(out->alpn, alpn, n);
    if (host != NULL)
        (void)snprintf(out->host, sizeof out->host, "%s", host);
    if (up)
        tell_peer(SSL_get0_peer_certificate(ssl), SSL_get_verify_result(ssl), &out->peer);
}

static void tell(const tls_state *s, weft_tls_info *out)
{
    out->up = s->up;
    out->server = s->tls->server;
    out->kernel = s->kernel == TLS_KERNEL_SEALS;
    if (s->ssl != NULL)
        tell_ssl(s->ssl, s->up, out);
    else
        tell_known(&s->known, out);
}

weft_err weft_tls_about(weft_actor *self, weft_ref stream, weft_tls_info *out)
{
    weft_stage *stage = weft_stage_of(self, stream, &wf_tls_ops);
    if (stage == NULL)
        return wf_conn_here(stream) != NULL ? WEFT_ENOTFOUND : WEFT_EGONE;
    *out = (weft_tls_info){.up = false};
    tell(weft_stage_state(stage), out);
    return WEFT_OK;
}
