/* SPDX-License-Identifier: MIT */
/* Conditional requests (RFC 9110 13) and the entity tags they compare (8.8.3).
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_CONDITIONAL_H
#define WF_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/http_types.h>

/* The longest tag that wf_http_etag_format writes. */
#define WF_HTTP_ETAG_BYTES_MAX 37

/* Writes the tag of a file into @out, without a final zero, and returns its length: `"size-hash"`,
 * the hash made of time and inode so that neither is told, and so that one inode at two times never
 * has the same tag. @weak asks for the W/ form: for content that is encoded on the fly, whose bytes
 * may differ from run to run, and for a file changed so lately that the clock could miss a change.
 */
size_t wf_http_etag_format(char out[WF_HTTP_ETAG_BYTES_MAX], uint64_t mtime_ns, uint64_t size,
                           uint64_t inode, bool weak);

/* RFC 9110 8.8.3.2. Tags are as a field writes them, `"..."` or `W/"..."`. Strong: neither is weak
 * and both are the same. Weak: the same but for W/. No tag (`at` NULL) equals nothing. */
bool wf_http_etag_equal_strong(weft_http_text a, weft_http_text b);
bool wf_http_etag_equal_weak(weft_http_text a, weft_http_text b);

/* The conditions of a request, as received; `at` is NULL where a field is not there. Several lines
 * of one list field are joined with ", " by the caller (RFC 9110 5.3). */
typedef struct wf_http_conditions {
    weft_http_text if_match, if_none_match, if_modified_since, if_unmodified_since;
} wf_http_conditions;

/* What the conditions are judged by: the representation that would be sent now. */
typedef struct wf_http_current {
    bool exists;    /* false: there is none, and what follows is not looked at */
    bool has_mtime; /* false: it has no modification date, and conditions on dates are ignored */
    weft_http_text etag;
    int64_t mtime_s; /* what Last-Modified says, seconds since 1970 */
} wf_http_current;

typedef enum wf_http_verdict {
    WF_HTTP_PROCEED,             /* serve it (and look at Range, if it is a GET) */
    WF_HTTP_NOT_MODIFIED,        /* 304, without a body */
    WF_HTTP_PRECONDITION_FAILED, /* 412 */
} wf_http_verdict;

/* Judges the conditions in the order of RFC 9110 13.2.2. A date that is none is ignored; an
 * If-Match that breaks its grammar matches nothing from there on (so it fails), an If-None-Match
 * likewise (so it proceeds): both are the safe side. Only for requests that would otherwise be
 * answered with 2xx or 412 (13.2.1). */
wf_http_verdict wf_http_judge(const wf_http_conditions *conditions, weft_http_method method,
                              const wf_http_current *current, int64_t now_s);

/* Whether If-Range (13.1.5) lets the Range field be obeyed: a tag that equals @current's strongly,
 * or a date that is exactly its Last-Modified, if that one is strong: at least a second before
 * @now_s (8.8.2.2). Without the field (`at` NULL) it does. False: send the whole, 200. */
bool wf_http_if_range(weft_http_text if_range, const wf_http_current *current, int64_t now_s);

#endif
