/* SPDX-License-Identifier: MIT */
/* Content negotiation by coding: what Accept-Encoding allows (RFC 9110 12.5.3), and which content
 * is worth encoding.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_ACCEPT_H
#define WF_HTTP_ACCEPT_H

#include <stdbool.h>

#include <weft/http_types.h>

/* The codings that weft can send; the later, the sooner it is chosen among equals. */
typedef enum wf_http_coding {
    WF_HTTP_IDENTITY,
    WF_HTTP_GZIP, /* also asked for as x-gzip (8.4.1.3) */
    WF_HTTP_BROTLI,
    WF_HTTP_CODINGS_COUNT_,
    WF_HTTP_CODING_NONE = WF_HTTP_CODINGS_COUNT_, /* no coding offered is acceptable */
} wf_http_coding;

/* A coding in a set of codings. */
#define WF_HTTP_CODING_BIT(coding) (1u << (coding))

/* The name of @coding in Content-Encoding: "br"; "" for identity, which is never written there. */
const char *wf_http_coding_name(wf_http_coding coding);

/* What a request accepts, gathered line by line. {0} is a request without the field. */
typedef struct wf_http_accept {
    bool given;                              /* there was a line */
    bool star_named;                         /* "*" was there */
    uint16_t star;                           /* its weight, in thousandths */
    uint16_t named;                          /* a set: the codings that were there by name */
    uint16_t weight[WF_HTTP_CODINGS_COUNT_]; /* theirs, in thousandths */
} wf_http_accept;

/* Takes in one line of Accept-Encoding. An element that breaks the grammar is passed over, as are
 * codings weft does not know; of two elements for one coding the last counts. */
void wf_http_accept_add(wf_http_accept *accept, weft_http_text line);

/* The coding of @offered (a set) to answer with: the one of the highest weight, and among equals
 * brotli, gzip, identity. Identity that is not named comes last, at any weight the others have, but
 * is acceptable unless "identity;q=0", or "*;q=0" without it, says otherwise. Without the field
 * only identity is chosen: anything would be acceptable, but a client that can decode says so.
 * WF_HTTP_CODING_NONE: none is acceptable. The answer is then 406 or, which RFC 9110 prefers and
 * clients live with, the identity all the same. */
wf_http_coding wf_http_accept_best(const wf_http_accept *accept, unsigned offered);

/* Content shorter than this is not worth a coding: what is saved fits into the same packet. */
#define WF_HTTP_COMPRESS_BYTES_MIN 1024

/* Whether content of the media type @type (parameters may follow) is worth compressing: text of any
 * kind, and the few binary types that are not compressed already. Not text/event-stream, whose
 * events a coder would hold back. */
bool wf_http_type_compresses(weft_http_text type);

#endif
