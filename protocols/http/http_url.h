/* SPDX-License-Identifier: MIT */
/* The URLs that a client is given: http and https, with a path and a query that are data, and
 * references to them (RFC 3986, RFC 9110 section 4.2).
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_URL_H
#define WF_HTTP_URL_H

#include <stdbool.h>

#include <weft/http_types.h>
#include <weft/url.h>

#define WF_HTTP_URL_BYTES_MAX 8000u /* a URL; also what a reference comes to */

typedef struct wf_http_url {
    bool secure; /* https */
    uint16_t port;
    weft_host_kind kind;
    char host[WEFT_URL_HOST_BYTES_MAX + 1]; /* lower case; an IPv6 address without brackets */
    weft_http_text authority;               /* as written, into the text */
    weft_http_text target; /* path and query as written, into the text; "" or "?..." lack a "/" */
} wf_http_url;

/* Takes @text apart; what follows a '#' is left out. errors: EUNSUPPORTED (another scheme), ETOOBIG,
 * EINVAL (user information, which belongs into a field; bytes that may not stand in a URL). */
WEFT_MUST_USE weft_err wf_http_url_parse(const char *text, wf_http_url *out, weft_why *why);
/* The same, with the host taken from @known if that has the same scheme and authority; NULL: none. */
WEFT_MUST_USE weft_err wf_http_url_parse_known(const char *text, const wf_http_url *known,
                                               wf_http_url *out, weft_why *why);

/* Whether both have the same origin: scheme, host and port (RFC 9110 section 4.3.1). */
bool wf_http_url_same_origin(const wf_http_url *a, const wf_http_url *b);

/* The bytes of what follows at most. */
#define WF_HTTP_URL_AUTHORITY_BYTES (WEFT_URL_HOST_BYTES_MAX + 9)

/* Writes "host" or "[v6]", and the port behind a colon if it is not the scheme's own or @always.
 * Returns the bytes, without the final zero. */
size_t wf_http_url_authority(const wf_http_url *url, bool always,
                             char out[WF_HTTP_URL_AUTHORITY_BYTES]);

/* Resolves @reference (a Location) against @base, into the @max bytes @out with a final zero:
 * RFC 3986 section 5.2, strict. Bytes that should have been encoded and were not are encoded.
 * errors: EINVAL (control characters, or a result that is no URL), EUNSUPPORTED, ETOOBIG; @out is
 * then undefined. */
WEFT_MUST_USE weft_err wf_http_url_resolve(const char *base, weft_http_text reference, char *out,
                                           size_t max, weft_why *why);

#endif
