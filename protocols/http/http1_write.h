/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 as bytes (RFC 9112): writing heads and the frames of chunked bodies.
 *
 * Pure: no I/O, no clock, no allocation, no actor. thread: any. What is written can be read by
 * http1_codec.h and by every strict reader: framing fields are written here and nowhere else, and
 * text that would break a line is refused. */
#ifndef WF_HTTP1_WRITE_H
#define WF_HTTP1_WRITE_H

#include <stdbool.h>

#include <weft/error.h>
#include <weft/http_types.h>

#include "http1_codec.h"

#define WF_HTTP1_DATE_BYTES 29u /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* The answer to an Expect: 100-continue. */
#define WF_HTTP1_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* The head of a response. What is zero is left out. */
typedef struct wf_http1_answer {
    int status;               /* 100 to 599 */
    uint8_t minor;            /* of the request: 0 or 1 */
    weft_http_method method;  /* of the request */
    wf_http1_framing framing; /* of the body; of the one GET would get, for HEAD */
    uint64_t content_length;  /* LENGTH only */
    bool close;               /* the connection closes behind this response */

    const char *date;            /* WF_HTTP1_DATE_BYTES, RFC 9110 section 5.6.7 */
    weft_http_text server;       /* Server */
    weft_http_text content_type; /* Content-Type */
    weft_http_text upgrade;      /* Upgrade, and the Connection option with it */
    const weft_http_field *fields;
    uint32_t fields_count;
} wf_http1_answer;

/* The head of a request. What is zero is left out. */
typedef struct wf_http1_ask {
    weft_http_method method;
    weft_http_text method_name; /* OTHER only */
    weft_http_text target;
    weft_http_text host;      /* Host, empty too */
    wf_http1_framing framing; /* not UNTIL_CLOSE */
    uint64_t content_length;  /* LENGTH only */
    bool close;               /* the connection closes behind the response */

    weft_http_text upgrade; /* Upgrade, and the Connection option with it */
    const weft_http_field *fields;
    uint32_t fields_count;
} wf_http1_ask;

/* True if a response of @status to @method has a body that is sent, however it is framed: not 1xx,
 * 204 and 304, not to HEAD, not 2xx to CONNECT (RFC 9112 section 6.3). */
bool wf_http1_has_body(int status, weft_http_method method);

/* The room that the head needs at most. */
size_t wf_http1_answer_bound(const wf_http1_answer *a);
size_t wf_http1_ask_bound(const wf_http1_ask *a);

/* Writes the head with its empty line; *written gets its bytes. Framing and Connection fields come
 * from `framing`, `close`, `minor` and `upgrade`, and only if they must be said. errors: EINVAL: a
 * name or a value that would break its line, a field that is written here already, or a framing
 * that the status, the method or HTTP/1.0 does not allow. ETOOBIG: @room is less than the bound
 * above. Nothing is then written that may be sent. */
WEFT_MUST_USE weft_err wf_http1_write_head(uint8_t *to, size_t room, const wf_http1_answer *a,
                                           size_t *written, weft_why *why);
WEFT_MUST_USE weft_err wf_http1_write_request(uint8_t *to, size_t room, const wf_http1_ask *a,
                                              size_t *written, weft_why *why);

/* What stands before the data of a chunk is at most this long, and what stands behind it. */
#define WF_HTTP1_CHUNK_HEAD_BYTES_MAX 18u
#define WF_HTTP1_CHUNK_TAIL "\r\n"

/* Writes the line before @n bytes of chunk data and returns its bytes. Nothing for no data: an
 * empty chunk would end the body. */
size_t wf_http1_chunk_head(uint8_t to[WF_HTTP1_CHUNK_HEAD_BYTES_MAX], uint64_t n);

/* The end of a chunked body without trailers. */
#define WF_HTTP1_CHUNKS_END "0\r\n\r\n"

/* Writes the end of a chunked body with @trailers. @room is at least 5 and what the fields need:
 * their names, values and 4 bytes each. errors: EINVAL, ETOOBIG. */
WEFT_MUST_USE weft_err wf_http1_write_trailers(uint8_t *to, size_t room,
                                               const weft_http_field *trailers, uint32_t count,
                                               size_t *written, weft_why *why);

#endif
