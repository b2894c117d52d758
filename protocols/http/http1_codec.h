/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 as bytes (RFC 9112): finding and reading heads, and taking bodies apart.
 *
 * Pure: no I/O, no clock, no allocation, no actor. thread: any, one thread at a time for each
 * wf_http1.
 *
 * A head is read in one go, from contiguous bytes:
 *
 *     while ((head_bytes = wf_http1_head_end(at, n, &scanned)) == 0) {
 *         wf_http1_head_unfinished(...)            refuses what can only become too long
 *         more bytes behind the n that are there
 *     }
 *     wf_http1_parse_request(&p, at, head_bytes, &head, fields, fields_max, &why)
 *     do
 *         wf_http1_body(&p, at + ..., ..., &piece, &why)
 *     while (!piece.complete)
 *
 * Everything given out (fields, target, body, trailers) points into the caller's bytes; nothing is
 * copied. What a call did not consume is the caller's to keep and to show again, with more behind
 * it.
 *
 * Strict where leniency has let requests be smuggled: one spelling of a line end (CRLF), no folded
 * lines, no white space before a colon, one Content-Length, no Content-Length beside a
 * Transfer-Encoding, no coding but chunked. Whoever forwards what was read here forwards what every
 * other reader reads too. */
#ifndef WF_HTTP1_CODEC_H
#define WF_HTTP1_CODEC_H

#include <stdbool.h>

#include <weft/error.h>
#include <weft/http_types.h>

#include "http_fields.h"

/* ---- limits ---- */

#define WF_HTTP1_REQUEST_LINE_BYTES_MAX 8192u /* without its CRLF; beyond: 414 */
#define WF_HTTP1_HEAD_BYTES_MAX 32768u        /* beyond: 431 */
#define WF_HTTP1_FIELDS_MAX 100u              /* what a caller's array should hold; beyond: 431 */
#define WF_HTTP1_EMPTY_LINES_MAX 4u           /* before a start line; beyond: 400 */
#define WF_HTTP1_CHUNK_EXCESS_BYTES_MAX 4096u /* of chunk extensions and the like; beyond: 400 */
#define WF_HTTP1_TRAILER_BYTES_MAX 8192u      /* with the empty line; beyond: 431 */
#define WF_HTTP1_TRAILER_FIELDS_MAX 32u       /* beyond: 431 */
#define WF_HTTP1_BODY_BYTES_MAX INT64_MAX     /* beyond: 413 */

/* No array of fields, however large, takes more than this. */
#define WF_HTTP1_FIELDS_LAST 254u

/* What a chunk may cost in framing for nothing, and for each byte of its data; what is beyond this
 * is excess. One honest size line is at most 16 digits and two line ends. */
#define WF_HTTP1_CHUNK_FREE_BYTES 20u
#define WF_HTTP1_CHUNK_FREE_BYTES_PER_BYTE 2u

/* Zero means the default above. */
typedef struct wf_http1_limits {
    uint32_t request_line_bytes_max; /* also of a response's status line */
    uint32_t head_bytes_max;         /* empty lines before it included */
    uint32_t chunk_excess_bytes_max; /* over a whole body */
    uint32_t trailer_bytes_max;
    uint32_t trailer_fields_max;
    uint64_t body_bytes_max;
} wf_http1_limits;

/* @limits with the defaults filled in; NULL gives the defaults. */
wf_http1_limits wf_http1_limits_filled(const wf_http1_limits *limits);

/* ---- heads ---- */

/* How the end of a body is known (RFC 9112 section 6.3). */
typedef enum wf_http1_framing {
    WF_HTTP1_NO_BODY,
    WF_HTTP1_LENGTH,      /* after content_length bytes */
    WF_HTTP1_CHUNKED,     /* after the last chunk and its trailers */
    WF_HTTP1_UNTIL_CLOSE, /* when the connection ends: responses only */
} wf_http1_framing;

/* RFC 9112 section 3.2. */
typedef enum wf_http1_form {
    WF_HTTP1_ORIGIN,    /* /path?query */
    WF_HTTP1_ABSOLUTE,  /* http://host/path?query */
    WF_HTTP1_AUTHORITY, /* host:port, CONNECT alone */
    WF_HTTP1_ASTERISK,  /* *, OPTIONS alone */
} wf_http1_form;

typedef struct wf_http1_head {
    uint64_t content_length; /* of the field; 0 if there is none */
    uint16_t status;         /* a response: its status. A refused request: what to answer with */
    uint16_t port;           /* what stands behind the host's colon; 0 if nothing does */
    uint8_t minor;           /* HTTP/1.minor: 0 or 1 */
    weft_http_method method; /* a response: what was asked */
    wf_http1_framing framing;
    wf_http1_form form;
    bool keep_alive;         /* the connection can serve another exchange after this one */
    bool has_content_length; /* also where it frames nothing (HEAD, 304) */
    bool expect_continue;    /* 100 Continue is waited for: 1.1 only */
    bool upgrade;            /* Upgrade is there and Connection names it: 1.1 only. 101: agreed */

    weft_http_text method_name; /* a request's, all of these; `at` NULL where there is none */
    weft_http_text target;      /* as it came */
    weft_http_text scheme;      /* of the absolute form */
    weft_http_text host;   /* the target's if it has one, else Host's; brackets kept, no port */
    weft_http_text path;   /* origin and absolute form: at least "/" */
    weft_http_text query;  /* behind the '?' */
    weft_http_text reason; /* a response's */

    uint32_t fields_count;
    uint64_t repeated;                   /* bit 1 << name: the line stands there more than once */
    uint8_t known[WF_HTTP_NAMES_COUNT_]; /* 1 + the index of the first line of that name; 0: none */
} wf_http1_head;

/* The value of the first line named @name; `at` is NULL if there is none. */
static inline weft_http_text wf_http1_value(const wf_http1_head *head,
                                            const weft_http_field *fields, wf_http_name name)
{
    if (head->known[name] == 0)
        return (weft_http_text){NULL, 0};
    const weft_http_field *field = &fields[head->known[name] - 1];
    return (weft_http_text){field->value, field->value_bytes};
}

/* The length of the complete head at the start of @at: through its empty line, empty lines before
 * it included (RFC 9112 section 2.2). 0 if it is not complete. @scanned is 0 for a new head and is
 * to be handed back with the same bytes and more behind them, so that none is looked at twice. A
 * head that ends in bare line feeds is found too, to be refused. */
WEFT_MUST_USE size_t wf_http1_head_end(const uint8_t *at, size_t n, size_t *scanned);

/* What there is to say about @n bytes in which wf_http1_head_end found no end: OK, or they can no
 * longer become a head within the limits, or are none to begin with (TLS on a plain port).
 * errors: ETOOBIG (@status 414 or 431), EPROTO (400). */
WEFT_MUST_USE weft_err wf_http1_head_unfinished(const wf_http1_limits *limits, const uint8_t *at,
                                                size_t n, uint16_t *status, weft_why *why);

/* ---- one message ---- */

/* What is kept while the body of one message arrives; no pointers into the bytes. */
typedef struct wf_http1 {
    const wf_http1_limits *limits; /* borrowed */
    uint64_t left;                 /* LENGTH: to come. Otherwise: what the limit leaves */
    uint64_t chunk;                /* of the chunk: its size so far, then its data to come */
    uint32_t excess;               /* framing bytes beyond what chunks may cost */
    uint32_t scanned;              /* of a trailer section */
    uint8_t phase;
} wf_http1;

/* A new state. @limits is filled (wf_http1_limits_filled), outlives @p, and may be NULL: the
 * defaults. One state may serve the messages of a connection in turn. */
void wf_http1_init(wf_http1 *p, const wf_http1_limits *limits);

/* Reads the request head of @head_bytes at @at, as wf_http1_head_end measured it. Up to @fields_max
 * lines are written to @fields. On success @p is ready for wf_http1_body.
 * errors: EPROTO (400), ETOOBIG (413, 414, 431), EUNSUPPORTED (417, 501, 505): out->status is what
 * to answer with before closing the connection; the rest of @out is then not to be used. */
WEFT_MUST_USE weft_err wf_http1_parse_request(wf_http1 *p, const uint8_t *at, size_t head_bytes,
                                              wf_http1_head *out, weft_http_field *fields,
                                              size_t fields_max, weft_why *why);

/* Reads a response head to a request of method @asked. Interim responses (1xx but 101) have no
 * body; the next head follows. errors: EPROTO, ETOOBIG, EUNSUPPORTED (a transfer coding but
 * chunked): the connection is of no use any more, and a gateway answers 502. */
WEFT_MUST_USE weft_err wf_http1_parse_response(wf_http1 *p, const uint8_t *at, size_t head_bytes,
                                               weft_http_method asked, wf_http1_head *out,
                                               weft_http_field *fields, size_t fields_max,
                                               weft_why *why);

/* Lowers the limit of the body to come (a route's own). Before the first wf_http1_body.
 * errors: ETOOBIG: its Content-Length is beyond @bytes_max already; the answer is 413. */
WEFT_MUST_USE weft_err wf_http1_body_limit(wf_http1 *p, uint64_t bytes_max, weft_why *why);

/* ---- bodies ---- */

typedef struct wf_http1_piece {
    /* set by the caller */
    weft_http_field *trailers; /* where trailers go; NULL: they are checked and left out */
    uint32_t trailers_max;     /* how many it holds */

    /* set by wf_http1_body */
    size_t consumed;         /* of the bytes shown; the rest is shown again, with more behind it */
    const uint8_t *data;     /* the next bytes of the body, within what was consumed */
    size_t data_bytes;       /* may be 0 */
    bool complete;           /* this was the last piece, trailers and all */
    uint32_t trailers_count; /* written to @trailers; they point into what was consumed */
    uint16_t status;         /* on failure: what to answer with */
} wf_http1_piece;

/* The next piece of the body that starts, or goes on, at @at. It ends where the body, the chunk or
 * the bytes end, and never reads past the body: what follows is the next message's. Nothing
 * consumed and not complete means that more bytes are needed behind these: none are here, or a
 * trailer section is unfinished (it is read in one go, as heads are, and stays unconsumed until it
 * is all there). errors: EPROTO (400), ETOOBIG (413, 431); the connection is of no use any more. */
WEFT_MUST_USE weft_err wf_http1_body(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                                     weft_why *why);

/* The connection ended: was the message whole? OK if it was complete or ran until the close.
 * errors: ETRUNCATED (RFC 9112 section 8). */
WEFT_MUST_USE weft_err wf_http1_body_ended(const wf_http1 *p, weft_why *why);

#endif
