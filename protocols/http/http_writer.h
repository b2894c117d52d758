/* SPDX-License-Identifier: MIT */
/* A bounded text writer that remembers its first failure, so that what writes pages, heads and log
 * lines is a straight line with one check at the end.
 *
 * Pure: no I/O (but through the caller's sink), no allocation. thread: whichever holds the writer.
 */
#ifndef WF_HTTP_WRITER_H
#define WF_HTTP_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weft/error.h>

/* Takes @n > 0 bytes, which are the callee's to copy before it returns. Any error but WEFT_OK ends
 * the writing and becomes the writer's. */
typedef weft_err wf_http_sink(void *arg, const char *bytes, size_t n);

/* A writer. Made by wf_http_writer_over or wf_http_writer_into; its fields are for reading. */
typedef struct wf_http_writer {
    char *buf;          /* the caller's */
    size_t max;         /* the room in @buf; 0 only counts */
    size_t n;           /* bytes that stand in @buf */
    uint64_t total;     /* bytes put since the start: kept, passed on or lost */
    wf_http_sink *sink; /* where a full buffer goes; NULL has a full buffer be an error */
    void *sink_arg;
    weft_err err; /* WEFT_OK, WEFT_ETOOBIG (no room and no sink), or what the sink said */
} wf_http_writer;

/* A writer over @max bytes at @buf and no more. With @max 0 it only counts, in `total`. */
wf_http_writer wf_http_writer_over(char *buf, size_t max);

/* A writer that hands @buf to @sink each time it is full. @max must be at least 1. The last bytes
 * are handed over by wf_http_writer_flush. */
wf_http_writer wf_http_writer_into(char *buf, size_t max, wf_http_sink *sink, void *arg);

/* Hands what stands in the buffer to the sink, if there are both. Returns the writer's `err`. */
weft_err wf_http_writer_flush(wf_http_writer *w);

/* Puts @n bytes. A piece that does not fit is lost whole when there is no sink. */
void wf_http_put(wf_http_writer *w, const char *bytes, size_t n);

static inline void wf_http_put_str(wf_http_writer *w, const char *str)
{
    wf_http_put(w, str, strlen(str));
}

static inline void wf_http_put_char(wf_http_writer *w, char c)
{
    wf_http_put(w, &c, 1);
}

/* Puts @value in decimal. */
void wf_http_put_u64(wf_http_writer *w, uint64_t value);

/* Puts @value in lower-case hexadecimal, without leading zeros. */
void wf_http_put_hex(wf_http_writer *w, uint64_t value);

/* Puts @bytes as text of an HTML element or of a quoted attribute: & < > " ' become references,
 * and what may not stand in HTML (control bytes other than tab and newline, bytes that are not
 * UTF-8) becomes U+FFFD. */
void wf_http_put_html(wf_http_writer *w, const char *bytes, size_t n);

/* Puts @bytes as a part of a URL path (RFC 3986 3.3): everything that is not unreserved becomes
 * %XX,
 * '/' too unless @keep_slash. A ':' never stays, so the result is never read as a scheme. */
void wf_http_put_percent(wf_http_writer *w, const char *bytes, size_t n, bool keep_slash);

/* The bytes of the UTF-8 sequence at @bytes (1 to 4; @n > 0), or 0 if there is none: overlong
 * forms, surrogates and what lies beyond U+10FFFF are none. */
size_t wf_http_utf8_length(const char *bytes, size_t n);

#endif
