/* SPDX-License-Identifier: MIT */
/* CGI (RFC 3875): the texts on both sides of a script, and the script itself.
 *
 * The head of what a script says is pure: no I/O, no allocation. */
#ifndef WF_HTTP_CGI_H
#define WF_HTTP_CGI_H

#include <weft/deferred.h>
#include <weft/http.h>

/* ---- what a script says (http_cgi_head.c) */

#define WF_HTTP_CGI_HEAD_BYTES_MAX 16384u /* beyond: 502 */
#define WF_HTTP_CGI_FIELDS_MAX 48u        /* beyond: 502 */

typedef struct wf_http_cgi_head {
    int status;                  /* 0: it names none */
    weft_http_text content_type; /* `at` NULL: none */
    weft_http_text location;     /* `at` NULL: none */
    uint64_t content_length;     /* UINT64_MAX: none */
    uint32_t fields_count;
    weft_http_field fields[WF_HTTP_CGI_FIELDS_MAX]; /* the others that may be passed on */
} wf_http_cgi_head;

/* The bytes of the head at the front of @at, its empty line included; 0: that has not come yet. @scanned: how far
 * that was looked for before, and is now. */
size_t wf_http_cgi_head_end(const uint8_t *at, size_t n, size_t *scanned);
/* Reads it. Slices of @at. errors: EPROTO, ETOOBIG. */
WEFT_MUST_USE weft_err wf_http_cgi_head_read(const char *at, size_t n, wf_http_cgi_head *out,
                                             weft_why *why);
/* Whether it sends the request elsewhere within the site (section 6.2.2). */
bool wf_http_cgi_is_local(const wf_http_cgi_head *head);

/* ---- the script (http_cgi_script.c) */

/* Which file a path names, and what is left of the path. */
typedef struct wf_http_cgi_script {
    size_t path_bytes; /* of the path that was asked for: the script's */
    weft_bytes file;   /* where it really is, with a zero */
} wf_http_cgi_script;
extern const weft_type wf_http_cgi_script_type;

/* Looks for the script that @path (as wf_http_path_resolve gives it) names, or begins with: gives wf_http_cgi_script.
 * errors of the Deferred: ENOTFOUND, EDENIED (no program, or not for us), EIO, and those of weft_ask_pool_body. */
WEFT_MUST_USE weft_deferred wf_http_cgi_find(weft_actor *self, const weft_http_cgi_config *config,
                                             const char *path);

/* ---- what a script is told (http_cgi_env.c) */

/* Its environment, in memory of @msg; ends in NULL. @path: the resolved path. errors: NULL: no memory. */
const char *const *wf_http_cgi_env(weft_msg *msg, const weft_http_cgi_config *config,
                                   const wf_http_cgi_script *script, const char *path,
                                   bool directory);

#endif
