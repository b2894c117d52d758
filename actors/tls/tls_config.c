/* SPDX-License-Identifier: MIT */
/* One side: its config, kept for when files are read again, and what they said last. */
#include "tls_parts.h"

#include <string.h>

/* ---- the config, copied */

typedef struct copier {
    char *to; /* NULL: only counts */
    size_t bytes;
} copier;

static const char *copy_text(copier *c, const char *text)
{
    size_t n = text != NULL ? strlen(text) + 1 : 0;
    char *at = c->to != NULL && text != NULL ? memcpy(c->to + c->bytes, text, n) : NULL;
    c->bytes += n;
    return at;
}

static weft_tls_identity copy_identity(copier *c, const weft_tls_identity *from)
{
    return (weft_tls_identity){
        .certificate_file = copy_text(c, from->certificate_file),
        .certificate_pem = copy_text(c, from->certificate_pem),
        .key_file = copy_text(c, from->key_file),
        .key_pem = copy_text(c, from->key_pem),
        .ocsp_file = copy_text(c, from->ocsp_file),
    };
}

static bool is_given(const weft_tls_identity *id)
{
    return id->certificate_file != NULL || id->certificate_pem != NULL;
}

static weft_tls_identity first_of(const weft_tls_config *from)
{
    return (weft_tls_identity){from->certificate_file, from->certificate_pem, from->key_file,
                               from->key_pem, from->ocsp_file};
}

static weft_err copy_all(copier *c, const weft_tls_config *from, tls_own *out, weft_why *why)
{
    const weft_tls_identity first = first_of(from), *more = from->more;
    out->identities = 0;
    out->config = *from;
    out->config.trust_file = copy_text(c, from->trust_file);
    out->config.trust_pem = copy_text(c, from->trust_pem);
    out->config.plain_http_answer = copy_text(c, from->plain_http_answer);
    if (is_given(&first))
        out->identity[out->identities++] = copy_identity(c, &first);
    for (; more != NULL && is_given(more); more++) {
        if (out->identities == WEFT_TLS_IDENTITIES_MAX)
            return weft_because(why, WEFT_ELIMIT, "TLS: more than %u certificates",
                                WEFT_TLS_IDENTITIES_MAX);
        out->identity[out->identities++] = copy_identity(c, more);
    }
    return WEFT_OK;
}

static weft_err copy_alpn(const char *const *names, tls_own *out, weft_why *why)
{
    for (; names != NULL && *names != NULL; names++) {
        size_t n = strlen(*names);
        if (n == 0 || n > 63 || out->alpn_bytes + 1 + n > TLS_ALPN_BYTES_MAX)
            return weft_because(why, WEFT_EINVAL,
                                "TLS: \"%.70s\" cannot be a protocol: expected 1 to 63 bytes, and "
                                "%d for all",
                                *names, TLS_ALPN_BYTES_MAX);
        out->alpn[out->alpn_bytes++] = (unsigned char)n;
        memcpy(out->alpn + out->alpn_bytes, *names, n);
        out->alpn_bytes += (unsigned)n;
    }
    return WEFT_OK;
}

weft_err wf_tls_own_copy(const weft_tls_config *config, tls_own *out, weft_why *why)
{
    copier c = {NULL, 0};
    weft_err err = copy_all(&c, config, out, why);
    if (err == WEFT_OK)
        err = copy_alpn(config->alpn, out, why);
    if (err != WEFT_OK)
        return err;
    out->room = weft_alloc(c.bytes + 1);
    if (out->room == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    c = (copier){out->room, 0};
    return copy_all(&c, config, out, why);
}

void wf_tls_own_done(tls_own *own)
{
    weft_alloc_free(own->room);
}

/* ---- a side */

static weft_err make_now(weft_tls *tls, weft_why *why)
{
    if (tls->server && tls->own.identities == 0)
        return weft_because(why, WEFT_EINVAL, "TLS: a server needs a certificate and its key");
    weft_err err = wf_tls_kernel_may(tls, why);
    if (err != WEFT_OK)
        return err;
    tls->bio = wf_tls_bio_method();
    if (tls->bio == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    tls->has_files = wf_tls_has_files(tls);
    wf_tls_stamp(tls);
    return wf_tls_setup_make(tls, &tls->now, why);
}

static weft_err make(bool server, const weft_tls_config *config, weft_tls **out, weft_why *why)
{
    static const weft_tls_config nothing;
    weft_tls *tls = weft_alloc_zero(sizeof *tls);
    if (tls == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    atomic_init(&tls->refs, 1);
    tls->server = server;
    (void)pthread_mutex_init(&tls->lock, NULL);
    (void)pthread_mutex_init(&tls->tickets.lock, NULL);
    (void)pthread_mutex_init(&tls->sessions.lock, NULL);
    weft_err err = wf_tls_own_copy(config != NULL ? config : &nothing, &tls->own, why);
    if (err == WEFT_OK)
        err = make_now(tls, why);
    if (err != WEFT_OK)
        weft_tls_drop(&tls);
    else
        *out = tls;
    return err;
}

weft_err weft_tls_server(const weft_tls_config *config, weft_tls **out, weft_why *why)
{
    return make(true, config, out, why);
}

weft_err weft_tls_client(const weft_tls_config *config, weft_tls **out, weft_why *why)
{
    return make(false, config, out, why);
}

weft_tls *weft_tls_share(weft_tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void weft_tls_drop(weft_tls **at)
{
    weft_tls *tls = *at;
    *at = NULL;
    /* acquire and release: whoever used it last did so before it is freed */
    if (tls == NULL || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
        return;
    wf_tls_setup_drop(&tls->now);
    wf_tls_sessions_done(&tls->sessions);
    wf_tls_own_done(&tls->own);
    BIO_meth_free(tls->bio);
    OPENSSL_cleanse(&tls->tickets.key, sizeof tls->tickets.key);
    (void)pthread_mutex_destroy(&tls->lock);
    (void)pthread_mutex_destroy(&tls->tickets.lock);
    (void)pthread_mutex_destroy(&tls->sessions.lock);
    weft_alloc_free(tls);
}

/* ---- what the files said last */

wf_tls_setup *wf_tls_now(weft_tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    wf_tls_setup *now = tls->now;
    atomic_fetch_add_explicit(&now->refs, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&tls->lock);
    return now;
}

weft_err weft_tls_reload(weft_tls *tls, weft_why *why)
{
    wf_tls_setup *next = NULL;
    wf_tls_stamp(tls);
    weft_err err = wf_tls_setup_make(tls, &next, why);
    if (err != WEFT_OK)
        return err;
    (void)pthread_mutex_lock(&tls->lock);
    wf_tls_setup *before = tls->now;
    tls->now = next;
    (void)pthread_mutex_unlock(&tls->lock);
    wf_tls_setup_drop(&before);
    return WEFT_OK;
}
