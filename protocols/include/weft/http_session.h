/* SPDX-License-Identifier: MIT */
/** Cookies on the server's side (RFC 6265bis), and sessions: what a site remembers of a browser.
 *
 *     static const weft_http_sessions sessions = {.store_name = "sessions"};
 *
 *     static weft_err on_login(weft_actor *self, weft_msg *msg)      // who it is has been checked
 *     {
 *         return weft_when(msg, weft_http_session_begin(self, msg, &sessions, WEFT_BYTES_LITERAL("ann")), on_begun);
 *     }
 *     static weft_err on_begun(weft_actor *self, weft_msg *msg, const weft_outcome *got)
 *     {
 *         weft_http_field cookie;
 *         weft_err err = got->err == WEFT_OK ? weft_http_session_field(msg, &sessions, got->body, &cookie) : got->err;
 *         ...
 *         return weft_http_respond(msg, &(weft_http_answer){.status = 303, .fields = &cookie, .fields_count = 1});
 *     }
 *
 * A session is some bytes in a store, under a name of 256 random bits that the browser brings back. The store is any
 * actor that serves the messages below; weft_session_store is one that keeps them in memory. */
#ifndef WEFT_HTTP_SESSION_H
#define WEFT_HTTP_SESSION_H

#include <weft/deferred.h>
#include <weft/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- cookies */

/** The value of the cookie @name that the browser sent, as it came; NULL: none. Of several the first. Lives as long as
 * the message. */
const char *weft_http_cookie(weft_msg *msg, const char *name);

typedef enum weft_same_site {
    WEFT_SAME_SITE_LAX,    /**< not with requests of other sites, but for links that are followed */
    WEFT_SAME_SITE_STRICT, /**< never from another site */
    WEFT_SAME_SITE_NONE,   /**< always; must be secure */
} weft_same_site;

/** A cookie to be set. Zero is the default. */
typedef struct weft_http_set_cookie {
    const char *name, *value;
    const char *path;   /**< NULL: "/" */
    const char *domain; /**< also the names below it; NULL: this host alone */
    int64_t max_age_s;  /**< 0: until the browser is closed; below: it is removed */
    weft_same_site same_site;
    bool secure;   /**< over TLS alone */
    bool readable; /**< scripts may read it (no HttpOnly) */
} weft_http_set_cookie;

#define WEFT_HTTP_COOKIE_BYTES_MAX 4096u

/** Makes the Set-Cookie field of @cookie for the fields of an answer; it lives as long as the message.
 * errors: EINVAL (a byte that no cookie has, no name, NONE without secure), ETOOBIG (name and value together beyond
 * WEFT_HTTP_COOKIE_BYTES_MAX), ENOMEM. */
weft_err weft_http_cookie_field(weft_msg *msg, const weft_http_set_cookie *cookie,
                                weft_http_field *out);

/* ---- sessions of a site */

/** How a site has its sessions. Zero is the default. */
typedef struct weft_http_sessions {
    const char *store_name; /**< the name of the store; NULL: @store */
    weft_ref store;
    const char *cookie; /**< NULL: "session" */
    const char *path;   /**< NULL: "/" */
    weft_same_site same_site;
    bool
        secure; /**< the cookie goes over TLS alone; always so when the request came over TLS. For a
                      site behind a proxy that has the certificate */
} weft_http_sessions;

/** The session that the browser of @msg has: gives weft_session. errors of the Deferred: ENOTFOUND (none, or it is
 * over), EGONE (no store), and as weft_ask. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_http_session(weft_actor *self, weft_msg *msg,
                                              const weft_http_sessions *sessions);
/** Begins one with @data, under a new name; the one that the browser had is over, so that nobody who knew its name
 * comes in by it. To be done whenever somebody logs in. Gives weft_session. errors of the Deferred: EFULL
 * (sessions_max), ETOOBIG (data_bytes_max), ENOMEM, and as above. */
WEFT_MUST_USE weft_deferred weft_http_session_begin(weft_actor *self, weft_msg *msg,
                                                    const weft_http_sessions *sessions,
                                                    weft_bytes data);
/** Replaces what the session of @msg has. Gives weft_session. errors of the Deferred: as of the two above. */
WEFT_MUST_USE weft_deferred weft_http_session_save(weft_actor *self, weft_msg *msg,
                                                   const weft_http_sessions *sessions,
                                                   weft_bytes data);
/** Ends it. Without a value; one that is over is no error. errors of the Deferred: EGONE, and as weft_ask. */
WEFT_MUST_USE weft_deferred weft_http_session_end(weft_actor *self, weft_msg *msg,
                                                  const weft_http_sessions *sessions);

struct weft_session;
/** The Set-Cookie field that gives @session to the browser, or with NULL takes away what it has: HttpOnly, SameSite,
 * and Secure over TLS. It belongs to every answer behind weft_http_session_begin. errors: as weft_http_cookie_field. */
weft_err weft_http_session_field(weft_msg *msg, const weft_http_sessions *sessions,
                                 const struct weft_session *session, weft_http_field *out);

/* ---- stores */

#define WEFT_SESSION_ID_BYTES 43u /* 256 bits in base64url */

/** A session, as a store gives it. */
typedef struct weft_session {
    char id[WEFT_SESSION_ID_BYTES + 1];
    weft_bytes data;
} weft_session;

/** Is it there? It counts as used. The reply is weft_session; ENOTFOUND. */
typedef struct weft_session_look {
    char id[WEFT_SESSION_ID_BYTES + 1];
} weft_session_look;

/** A new one in the place of @old ("": of none). The reply is weft_session; EFULL, ETOOBIG, ENOMEM. */
typedef struct weft_session_begin {
    char old[WEFT_SESSION_ID_BYTES + 1];
    weft_bytes data;
} weft_session_begin;

/** Other data. The reply is weft_session; ENOTFOUND, ETOOBIG, ENOMEM. */
typedef struct weft_session_save {
    char id[WEFT_SESSION_ID_BYTES + 1];
    weft_bytes data;
} weft_session_save;

/** It is over, if it was not. The reply is weft_session_ended. */
typedef struct weft_session_end {
    char id[WEFT_SESSION_ID_BYTES + 1];
} weft_session_end;
typedef struct weft_session_ended {
    bool was_there;
} weft_session_ended;

extern const weft_type weft_session_type, weft_session_look_type, weft_session_begin_type,
    weft_session_save_type, weft_session_end_type, weft_session_ended_type;

/** The config of weft_session_store; may be NULL. Zero is the default. */
typedef struct weft_session_store_config {
    uint32_t sessions_max;   /**< 65,536; beyond, none begins: those there are stay */
    uint32_t data_bytes_max; /**< of one: 4 KiB */
    uint32_t idle_ms;        /**< one not used for so long is over: 30 minutes */
    uint32_t age_ms;         /**< one is over so long after it began: 12 hours. Both at most
                                  WEFT_TIMER_MS_MAX */
} weft_session_store_config;

/** Keeps sessions in memory: they are over with it. Ends with EINVAL for a config that makes no sense. */
extern const weft_behaviour weft_session_store;

#ifdef __cplusplus
}
#endif
#endif
