/* SPDX-License-Identifier: MIT */
/* Range requests (RFC 9110 14) and the answers to them: Content-Range and multipart/byteranges.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_RANGE_H
#define WF_HTTP_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/http_types.h>

#include "http_writer.h"

/* How many ranges a request may ask for before it is given the whole. */
#define WF_HTTP_RANGES_MAX_DEFAULT 16

/* Bytes first to last, both included, within a representation. */
typedef struct wf_http_range {
    uint64_t first, last;
} wf_http_range;

typedef enum wf_http_range_kind {
    WF_HTTP_RANGE_WHOLE,         /* 200: there is no range, or none that is obeyed */
    WF_HTTP_RANGE_PARTIAL,       /* 206: one range as it is, more as multipart/byteranges */
    WF_HTTP_RANGE_UNSATISFIABLE, /* 416, with Content-Range: bytes *\/SIZE */
} wf_http_range_kind;

/* Reads the Range field of a GET for a representation of @size bytes, into the caller's @ranges.
 *
 * WHOLE: there is no field (`at` NULL), it breaks its grammar anywhere, has another unit than bytes
 * (all of which a server must ignore), has more than @ranges_max ranges, or the representation is
 * empty. Some clients send "bytes=0-" with every request, and to answer those with 416 for an empty
 * file helps nobody. UNSATISFIABLE: all is well formed, and no range touches the representation.
 * PARTIAL: @ranges_n from 1 to @ranges_max; each within the representation, no two overlap or
 * touch, in the order in which they were asked for (RFC 9110 15.3.7.2).
 *
 * A few bytes of Range must not make many bytes of answer. Apache bounds how many ranges overlap or
 * run backwards, nginx sends the whole when the ranges add up to more than it; here ranges that
 * overlap or touch become one, in the place of the first of them, so no byte is sent twice, and
 * @ranges_max bounds the parts, each of which costs a head. Ranges are counted as written, before
 * they are joined. */
wf_http_range_kind wf_http_range_parse(weft_http_text field, uint64_t size, wf_http_range *ranges,
                                       unsigned ranges_max, unsigned *ranges_n);

static inline uint64_t wf_http_range_length(wf_http_range range)
{
    return range.last - range.first + 1;
}

/* The longest value of Content-Range. */
#define WF_HTTP_CONTENT_RANGE_BYTES_MAX 68

/* Puts the value of Content-Range: "bytes 0-499/1234". */
void wf_http_put_content_range(wf_http_writer *w, wf_http_range range, uint64_t size);

/* Puts the value that goes with 416: "bytes *\/1234". */
void wf_http_put_content_range_none(wf_http_writer *w, uint64_t size);

#define WF_HTTP_BOUNDARY_BYTES 16

/* The answer with several ranges, while it is written. */
typedef struct wf_http_byteranges {
    char boundary[WF_HTTP_BOUNDARY_BYTES];
    weft_http_text type; /* the media type of the representation; borrowed; may be empty */
    uint64_t size;       /* of the representation */
} wf_http_byteranges;

/* @nonce must be hard to guess for whoever made the representation, so that no content can hold
 * the boundary: 64 random bits. @type is borrowed as long as the result is used. */
wf_http_byteranges wf_http_byteranges_new(uint64_t nonce, weft_http_text type, uint64_t size);

/* The length of the answer's Content-Type. */
#define WF_HTTP_BYTERANGES_TYPE_BYTES (31 + WF_HTTP_BOUNDARY_BYTES)

/* Puts the answer's Content-Type, "multipart/byteranges; boundary=...". */
void wf_http_put_byteranges_type(wf_http_writer *w, const wf_http_byteranges *parts);

/* Puts what stands before the bytes of a part. @first: it is the first part of the answer. */
void wf_http_put_byteranges_head(wf_http_writer *w, const wf_http_byteranges *parts, bool first,
                                 wf_http_range range);

/* Puts what ends the answer. */
void wf_http_put_byteranges_end(wf_http_writer *w, const wf_http_byteranges *parts);

/* The exact length of the answer's body: heads, bytes and end. */
uint64_t wf_http_byteranges_total(const wf_http_byteranges *parts, const wf_http_range *ranges,
                                  unsigned ranges_n);

#endif
