/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP/1.1 codec share: a section of field lines while it is being read. */
#ifndef WF_HTTP1_PARTS_H
#define WF_HTTP1_PARTS_H

#include "http1_codec.h"

/* A head, or a trailer section, while it is being read. */
typedef struct wf_http1_reading {
    const char *start, *end; /* without the empty lines before it, with the one after it */
    const wf_http1_limits *limits;
    wf_http1_head *head; /* NULL: a trailer section */
    bool response;

    weft_http_field *fields;
    uint32_t fields_max, fields_count;
    weft_http_text name; /* of the line that is being read */

    /* what the Connection lines named, RFC 9110 section 7.6.1 */
    bool close, keep_alive, upgrade;

    /* how llhttp understood the framing */
    bool seen_chunked;
    uint64_t seen_length;

    /* why it is refused */
    weft_err err;
    uint16_t status;
    weft_why *why;
} wf_http1_reading;

/* Where a message stands.
 *
 *     head --> DONE, LENGTH, UNTIL_CLOSE or SIZE;  LENGTH --> DONE;  any --> FAILED
 *
 *     .-> SIZE -> DIGITS -> BLANK -> EXTENSION -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -.
 *     |                     (or none of the two)     |                                   |
 *     |                                              '-> TRAILERS -> DONE                |
 *     '----------------------------------------------------------------------------------'
 */
typedef enum wf_http1_phase {
    WF_HTTP1_AT_DONE,
    WF_HTTP1_AT_LENGTH,
    WF_HTTP1_AT_UNTIL_CLOSE,
    WF_HTTP1_AT_SIZE,      /* the first digit of a chunk's size comes next */
    WF_HTTP1_AT_DIGITS,    /* more of them, or what stands behind them */
    WF_HTTP1_AT_BLANK,     /* white space behind the size: an extension must follow */
    WF_HTTP1_AT_EXTENSION, /* anything up to the end of the line */
    WF_HTTP1_AT_SIZE_LF,
    WF_HTTP1_AT_DATA,
    WF_HTTP1_AT_DATA_CR, /* the line end behind the data */
    WF_HTTP1_AT_DATA_LF,
    WF_HTTP1_AT_TRAILERS,
    WF_HTTP1_AT_FAILED,
} wf_http1_phase;

/* Refuses what is being read: notes the code and the status to answer with, and writes the
 * sentence. Returns @err, which is never OK. */
weft_err wf_http1_refuse(wf_http1_reading *r, weft_err err, uint16_t status, const char *format,
                         ...) WEFT_PRINTF(4, 5);

/* Untrusted text for a sentence: printable and short. */
typedef struct wf_http1_shown {
    char text[48];
} wf_http1_shown;

wf_http1_shown wf_http1_show(weft_http_text text);

/* ---- http1_scan.c ---- */

/* As wf_http1_head_end, for lines that start at @at: no empty lines are skipped, so that a section
 * of no lines is its empty line alone. */
size_t wf_http1_section_end(const uint8_t *at, size_t n, size_t *scanned);

/* The bytes of the empty lines before a start line: at most one more than is tolerated. */
size_t wf_http1_empty_lines(const uint8_t *at, size_t n);

/* ---- http1_machine.c ---- */

/* Reads the whole head, or the whole trailer section, at @r. */
weft_err wf_http1_machine_head(wf_http1_reading *r);
weft_err wf_http1_machine_trailers(wf_http1_reading *r);

/* ---- http1_lines.c ---- */

/* The request line, when its target has been found: all of it is checked here. */
weft_err wf_http1_request_line_read(wf_http1_reading *r, const char *target, size_t n);

/* The status line, before anything else is read. */
weft_err wf_http1_status_line_read(wf_http1_reading *r);

/* A field name, and then its value, when they have been found. */
weft_err wf_http1_name_read(wf_http1_reading *r, const char *name, size_t n);
weft_err wf_http1_value_read(wf_http1_reading *r, const char *value, size_t n);

/* ---- http1_target.c ---- */

/* Takes head->target apart by its form. head->method is set, and head->host to what Host says,
 * which an absolute target replaces. */
weft_err wf_http1_target_read(wf_http1_reading *r);

/* Reads uri-host [ ":" port ] into head->host and head->port. @what names it in sentences. */
weft_err wf_http1_host_read(wf_http1_reading *r, weft_http_text text, const char *what);

/* ---- http1_framing.c ---- */

/* Notes what one Connection line asks for. */
void wf_http1_connection_noted(wf_http1_reading *r, weft_http_text value);

/* When all lines have been read: what they mean together for the body and the connection. */
weft_err wf_http1_request_framed(wf_http1_reading *r);
weft_err wf_http1_response_framed(wf_http1_reading *r);

#endif
