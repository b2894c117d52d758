/* SPDX-License-Identifier: MIT */
/* Cookies (RFC 6265bis): what a Set-Cookie says, a jar of them, and which go with a request.
 *
 * No I/O; the jar allocates. thread: any, one at a time for each jar. */
#ifndef WF_HTTP_COOKIE_H
#define WF_HTTP_COOKIE_H

#include <stdbool.h>

#include <weft/error.h>
#include <weft/http_types.h>

#include "http_writer.h"

#define WF_HTTP_COOKIE_BYTES_MAX 4096u           /* name and value; beyond: ignored */
#define WF_HTTP_COOKIE_ATTRIBUTE_BYTES_MAX 1024u /* beyond: that attribute is ignored */
#define WF_HTTP_COOKIES_OF_DOMAIN_MAX 50u        /* beyond: the oldest go */
#define WF_HTTP_COOKIE_AGE_MAX_S (400LL * 24 * 3600)
#define WF_HTTP_COOKIE_HEADER_BYTES_MAX 8192u /* what a request sends; beyond: the rest stays */

/* What a Set-Cookie says; slices of it. */
typedef struct wf_http_cookie {
    weft_http_text name, value;
    weft_http_text domain; /* without its leading dot; `at` NULL: the host alone */
    weft_http_text path;   /* `at` NULL: the default */
    bool secure, http_only;
    bool persistent; /* it has an end: expires_s, perhaps in the past */
    int64_t expires_s;
} wf_http_cookie;

/* RFC 6265bis section 5.6. false: it is to be ignored. */
bool wf_http_cookie_parse(weft_http_text field, int64_t now_s, wf_http_cookie *out);

/* RFC 6265bis section 5.1.3: is @host @domain, or below it? Both in lower case. An address is below
 * nothing. */
bool wf_http_cookie_domain_matches(const char *host, weft_http_text domain);
/* RFC 6265bis section 5.1.4. */
bool wf_http_cookie_path_matches(weft_http_text request_path, weft_http_text cookie_path);

typedef struct wf_http_jar wf_http_jar;

/* Where a request goes, or an answer came from. */
typedef struct wf_http_place {
    const char *host; /* in lower case */
    bool secure;
    weft_http_text path; /* without the query; empty is "/" */
} wf_http_place;

/* errors: NULL. */
WEFT_MUST_USE wf_http_jar *wf_http_jar_new(uint32_t cookies_max);
void wf_http_jar_free(wf_http_jar *jar);
/* Stores, replaces or removes what @field says, if @from may set it. errors: ENOMEM. What is refused or
 * ignored is no error. */
weft_err wf_http_jar_set(wf_http_jar *jar, const wf_http_place *from, weft_http_text field,
                         int64_t now_s);
/* Writes what goes with a request to @to: "a=1; b=2", or nothing. */
void wf_http_jar_put(wf_http_jar *jar, const wf_http_place *to, int64_t now_s, wf_http_writer *w);
uint32_t wf_http_jar_count(const wf_http_jar *jar);

/* Whether @domain is one under which others register names (http_psl.c). */
bool wf_http_is_public_suffix(const char *domain);

#endif
