/* SPDX-License-Identifier: MIT */
/* Request paths: taken apart, percent-decoded, and resolved into file paths that stay below a
 * root.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_PATH_H
#define WF_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include <weft/error.h>
#include <weft/http_types.h>

/* A buffer of this size takes every path that Linux would (PATH_MAX, the final zero included). */
#define WF_HTTP_PATH_BYTES_MAX 4096

/* What wf_http_path_resolve found out beside the path. */
typedef struct wf_http_path {
    size_t n; /* bytes of the file path, the final zero not counted; 0 is the root itself */
    unsigned segments; /* 0 is the root itself */
    bool directory;    /* it ended in "/", "." or "..", so only a directory can be meant */
    bool hidden; /* a segment starts with '.', but for ".well-known" as the first (RFC 8615) */
} wf_http_path;

/* Turns the path of a request, or the rest that a route's '*' took, into a relative file path in
 * @out: "/a//b/./c/../d%20e/" becomes "a/b/d e". What @out holds is the same whichever way it was
 * spelled, and can be given to openat() below a root: it has no empty, "." or ".." segment, no '/'
 * at either end, and no control byte. It ends in a zero and is "" for the root.
 *
 * Each byte is decoded once and only then looked at, so %2e is a dot and %252e is the text "%2e".
 * '/' runs collapse; "." and ".." are resolved. A backslash and bytes above 0x7f are ordinary bytes
 * of a name, and names are not checked for UTF-8: to Linux they are bytes.
 *
 * @out_max is the room in @out, the final zero included; raw.bytes + 1 always suffices. On failure
 * @out's bytes are undefined and @path is untouched.
 *
 * errors, and the status they are answered with:
 *   WEFT_EINVAL   400: a '%' without two digits, a control byte (NUL, 0x01-0x1f, 0x7f) spelled in
 *                 either way, or a raw '?' or '#', which end a path and so were to be split off
 *   WEFT_EDENIED  400: ".." leads above the root
 *   WEFT_ENOTFOUND 404: an encoded '/', valid in a URL but in no file's name
 *   WEFT_ETOOBIG  414: does not fit @out */
WEFT_MUST_USE weft_err wf_http_path_resolve(weft_http_text raw, char *out, size_t out_max,
                                            wf_http_path *path, weft_why *why);

/* Splits a request target at its first '?': returns the path, and sets @query to what stands
 * behind the '?', with `at` NULL if there is none (an empty query is not none). */
weft_http_text wf_http_target_split(weft_http_text target, weft_http_text *query);

/* One name=value of a query or of an urlencoded form, still encoded; borrowed from it. */
typedef struct wf_http_pair {
    weft_http_text name, value; /* a name without '=' has an empty value */
} wf_http_pair;

/* Takes the next pair off the front of @query; false when there is none left. Empty pairs ("a&&b")
 * are passed over. */
bool wf_http_query_next(weft_http_text *query, wf_http_pair *pair);

/* How wf_http_percent_decode reads a '+'. */
typedef enum wf_http_plus {
    WF_HTTP_PLUS_IS_PLUS,  /* in a path */
    WF_HTTP_PLUS_IS_SPACE, /* in a query or a form (application/x-www-form-urlencoded) */
} wf_http_plus;

/* Decodes %XX once, into @out with a final zero; @out_n (may be NULL) gets its length. @out may be
 * @raw.at. The result may hold '/', dots and control bytes: it is a value, not a path to open.
 * errors: WEFT_EINVAL (a '%' without two digits, or a NUL, which would hide what follows it);
 * WEFT_ETOOBIG (raw.bytes + 1 always suffices). */
WEFT_MUST_USE weft_err wf_http_percent_decode(weft_http_text raw, wf_http_plus plus, char *out,
                                              size_t out_max, size_t *out_n);

/* As many bytes of @raw as one byte is spelled with (1 or 3) and its value in @byte; 0 if it is a
 * '%' without two digits. @raw_n is at least 1. */
size_t wf_http_percent_next(const char *raw, size_t raw_n, unsigned char *byte);

#endif
