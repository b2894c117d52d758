/* SPDX-License-Identifier: MIT */
/* Unpacking a body as it comes: gzip (RFC 1952), deflate (RFC 9110 section 8.4.1.2) and brotli (RFC
 * 7932). Whoever unpacks says how much may come out at a time, so that a few bytes that stand for a
 * great many cost no more memory than that. thread: any, one at a time for each. */
#ifndef WF_HTTP_UNPACK_H
#define WF_HTTP_UNPACK_H

#include <stdbool.h>

#include <weft/error.h>
#include <weft/http_types.h>

/* How a coding is taken apart. Each works on a state of its own kind. */
typedef struct wf_http_unpack_ops {
    const char *names[3]; /* that Content-Encoding has for it, in lower case */
    void *(*open)(void);  /* errors: NULL */
    /* Takes from *@in, puts to *@out; both move on. @done: the packed data is whole. Stops when there is
     * no more to take, or no more room. errors: EPROTO, ENOMEM. */
    weft_err (*run)(void *state, const uint8_t **in, size_t *in_n, uint8_t **out, size_t *out_n,
                    bool *done);
    void (*close)(void *state);
    /* Begins anew behind the end of packed data: for codings that may stand one behind the other. NULL:
     * nothing may follow. */
    void (*again)(void *state);
} wf_http_unpack_ops;

extern const wf_http_unpack_ops wf_http_unpack_gzip, wf_http_unpack_deflate, wf_http_unpack_brotli;

typedef struct wf_http_unpack wf_http_unpack;

/* Finds who unpacks what Content-Encoding says. WEFT_OK with *@out NULL: nobody here (none, identity,
 * another coding, or several). errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_http_unpack_new(weft_http_text encoding, wf_http_unpack **out);
/* Unpacks some of the @n bytes @in, *@used of them, into @room bytes at @out, *@made of them. What comes
 * behind the end of the packed data is more of it (gzip: RFC 1952 section 2.2) or an error. Nothing used and nothing made: more is needed.
 * errors: EPROTO, ENOMEM. */
WEFT_MUST_USE weft_err wf_http_unpack_run(wf_http_unpack *u, const uint8_t *in, size_t n,
                                          size_t *used, uint8_t *out, size_t room, size_t *made,
                                          weft_why *why);
/* The body is whole: is the packed data? No bytes at all are an empty body. errors: ETRUNCATED. */
WEFT_MUST_USE weft_err wf_http_unpack_end(const wf_http_unpack *u, weft_why *why);
void wf_http_unpack_free(wf_http_unpack *u);

#endif
