/* SPDX-License-Identifier: MIT */
/* What a client remembers of hosts, to resume with: a bounded table, the least used goes. */
#include "tls_parts.h"

#include <string.h>

static tls_session *find(const tls_sessions *all, const char *host)
{
    for (unsigned i = 0; i < all->count; i++)
        if (strcmp(all->kept[i].host, host) == 0)
            return &all->kept[i];
    return NULL;
}

static void forget(tls_session *kept)
{
    weft_alloc_free(kept->host);
    SSL_SESSION_free(kept->session);
    *kept = (tls_session){.host = NULL};
}

/* A free place, if need be that of the one not used for longest. errors: NULL. */
static tls_session *place(tls_sessions *all)
{
    if (all->kept == NULL)
        all->kept = weft_alloc_zero(WEFT_TLS_SESSIONS_MAX * sizeof *all->kept);
    if (all->kept == NULL)
        return NULL;
    if (all->count < WEFT_TLS_SESSIONS_MAX)
        return &all->kept[all->count++];
    tls_session *oldest = &all->kept[0];
    for (unsigned i = 1; i < all->count; i++)
        if (all->kept[i].used < oldest->used)
            oldest = &all->kept[i];
    forget(oldest);
    return oldest;
}

static bool keep(tls_sessions *all, const char *host, SSL_SESSION *session)
{
    tls_session *kept = find(all, host);
    if (kept != NULL) {
        SSL_SESSION_free(kept->session);
    } else {
        size_t n = strlen(host) + 1;
        char *copy = weft_alloc(n);
        kept = copy != NULL ? place(all) : NULL;
        if (kept == NULL) {
            weft_alloc_free(copy);
            return false;
        }
        kept->host = memcpy(copy, host, n);
    }
    kept->session = session;
    kept->used = ++all->uses;
    return true;
}

/* 1: the session is ours now. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const tls_state *s = tls_state_of(ssl);
    if (s->host == NULL)
        return 0;
    tls_sessions *all = &s->tls->sessions;
    (void)pthread_mutex_lock(&all->lock);
    bool kept = keep(all, s->host, session);
    (void)pthread_mutex_unlock(&all->lock);
    return kept;
}

void wf_tls_sessions_use(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
}

/* RFC 8446 appendix C.4: a ticket of TLS 1.3 is used once, so that nobody sees two connections belong
 * together; a session of TLS 1.2 stays. */
static SSL_SESSION *take(tls_sessions *all, const char *host)
{
    tls_session *kept = find(all, host);
    if (kept == NULL)
        return NULL;
    SSL_SESSION *session = kept->session;
    if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
        kept->used = ++all->uses;
        return SSL_SESSION_up_ref(session) == 1 ? session : NULL;
    }
    kept->session = NULL;
    forget(kept);
    *kept = all->kept[--all->count];
    return session;
}

void wf_tls_sessions_resume(weft_tls *tls, SSL *ssl, const char *host)
{
    tls_sessions *all = &tls->sessions;
    (void)pthread_mutex_lock(&all->lock);
    SSL_SESSION *session = take(all, host);
    (void)pthread_mutex_unlock(&all->lock);
    /* one that cannot be used is a full handshake */
    if (session != NULL && SSL_SESSION_is_resumable(session))
        (void)SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

void wf_tls_sessions_done(tls_sessions *all)
{
    for (unsigned i = 0; i < all->count; i++)
        forget(&all->kept[i]);
    weft_alloc_free(all->kept);
    all->kept = NULL;
    all->count = 0;
}
