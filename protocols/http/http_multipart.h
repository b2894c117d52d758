/* SPDX-License-Identifier: MIT */
/* The texts around the parts of a form: the boundary, and the head of a part (RFC 7578, RFC 2046 section 5.1).
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_MULTIPART_H
#define WF_HTTP_MULTIPART_H

#include <stdbool.h>

#include <weft/error.h>
#include <weft/http_types.h>

/* Whether @content_type is the media type @type, whatever its parameters. @type in lower case. */
bool wf_http_media_type_is(weft_http_text content_type, const char *type);

/* The boundary that a Content-Type of multipart/form-data names. errors: EUNSUPPORTED, EPROTO. */
WEFT_MUST_USE weft_err wf_http_boundary_of(weft_http_text content_type, weft_http_text *out,
                                           weft_why *why);

/* What the head of a part says; slices of it. */
typedef struct wf_http_part_head {
    weft_http_text name;                    /* always there */
    weft_http_text file_name, content_type; /* `at` NULL: none */
} wf_http_part_head;

/* Reads the lines in @head, each with its CRLF, without the empty one behind them; what was escaped in a name is
 * written out in place. errors: EPROTO. */
WEFT_MUST_USE weft_err wf_http_part_head_read(char *head, size_t n, wf_http_part_head *out,
                                              weft_why *why);

#endif
