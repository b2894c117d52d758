/* SPDX-License-Identifier: MIT */
/* SMTP as bytes: lines of commands and answers, and messages within dots or chunks. Pure: no actor, no clock.
 *
 * "the appearance of <CR> or <LF> characters in text has a long history of causing problems in mail
 * implementations": neither of these readers takes one without the other (RFC 5321, 2.3.8). */
#ifndef WF_SMTP_LINES_H
#define WF_SMTP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

/* ---- lines */

/* What gathers a line that comes in pieces. Zeroed but for bytes_max it is ready. */
typedef struct wf_smtp_lines {
    uint32_t bytes_max; /* of a line, CRLF included */
    uint32_t n, room;
    char *text;   /* what came of a line so far */
    bool skipped; /* the line is too long: it is thrown away up to its end */
} wf_smtp_lines;

/* Reads of the @n bytes @in, *@used of them, up to the end of one line, which is *@line of *@line_n bytes
 * without its CRLF, valid until the next call or as long as @in.
 * errors: EFULL (all were used, and it is not over), ETOOBIG (a line was, and is over: the next may be read),
 * EPROTO (a CR or LF alone, or a zero), ENOMEM. */
WEFT_MUST_USE weft_err wf_smtp_line_next(wf_smtp_lines *l, const char *in, size_t n, size_t *used,
                                         const char **line, size_t *line_n);
/* Whether a line has begun. */
bool wf_smtp_line_begun(const wf_smtp_lines *l);
/* Wipes and frees. */
void wf_smtp_lines_done(wf_smtp_lines *l);

/* ---- messages that come */

typedef enum wf_smtp_place {
    WF_SMTP_LINE_START, /* what comes begins a line */
    WF_SMTP_DOT,        /* the line began with a dot, which is not told */
    WF_SMTP_DOT_CR,
    WF_SMTP_TEXT,
    WF_SMTP_CR,
} wf_smtp_place;

/* Where in a message it is. Zeroed but for line_bytes_max and dots it stands at the beginning of one. */
typedef struct wf_smtp_text {
    uint32_t line_bytes_max; /* CRLF included */
    uint32_t line_bytes;
    uint8_t place; /* a wf_smtp_place */
    bool dots;     /* DATA: dots are stuffed, and one alone ends it; else a chunk's text (BDAT) */
    bool too_long; /* a line was beyond line_bytes_max; the text goes on */
} wf_smtp_text;

/* Reads of the @n bytes @in, *@used of them; *@run of *@run_n bytes within @in belongs to the message.
 * WEFT_OK: more may follow. EDONE: the line of the dot was read. errors: EPROTO (a CR or LF alone). */
WEFT_MUST_USE weft_err wf_smtp_text_next(wf_smtp_text *t, const char *in, size_t n, size_t *used,
                                         const char **run, size_t *run_n);

/* ---- messages that go */

/* Where in a message that is sent by DATA it is: zeroed, at its beginning. */
typedef struct wf_smtp_stuffing {
    uint8_t place; /* a wf_smtp_place: LINE_START, TEXT or CR */
} wf_smtp_stuffing;

/* The first part of the @n bytes @in that goes as it is is *@run_n bytes; *@dot: a dot goes before it.
 * errors: EPROTO (a CR or LF alone). */
WEFT_MUST_USE weft_err wf_smtp_stuff(wf_smtp_stuffing *s, const char *in, size_t n, bool *dot,
                                     size_t *run_n);
/* What goes behind a message: "\r\n.\r\n", or ".\r\n" if it ended with a line's end. NULL: it ended with a CR. */
const char *wf_smtp_stuffing_end(const wf_smtp_stuffing *s);

#endif
