/* SPDX-License-Identifier: MIT */
/* The text of messages: dots taken away and put in (RFC 5321, section 4.5.2).
 *
 *                      ┌──────────── CRLF ─────────────┐
 *                      ▼                               │
 *   begin ──▶ LINE_START ── "." ──▶ DOT ── other ──▶ TEXT ◀─┐ other
 *                 │                  │ CR              │ CR │
 *                 │ other            ▼                 ▼    │
 *                 └────▶ TEXT     DOT_CR ── LF ──▶ end CR ──┘ LF: LINE_START
 *
 * "the first character is deleted": so what is told is what came, but for bytes that are left out, and a text
 * without dots at the beginning of its lines is told in one run. */
#include "smtp_lines.h"

#include <string.h>

static void count(wf_smtp_text *t, size_t n)
{
    uint64_t bytes = (uint64_t)t->line_bytes + n;
    t->line_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    if (t->line_bytes > t->line_bytes_max)
        t->too_long = true;
}

/* Goes on to the end of a line, or of @in, within TEXT. *@i is where it is then. errors: EPROTO. */
static weft_err skip_line(wf_smtp_text *t, const char *in, size_t n, size_t *i)
{
    const char *from = in + *i, *end = memchr(from, '\n', n - *i);
    size_t size = end != NULL ? (size_t)(end - from) + 1 : n - *i;
    const char *cr = memchr(from, '\r', size);
    *i += size;
    count(t, size);
    if (cr == NULL) {
        t->place = WF_SMTP_TEXT;
        return end == NULL ? WEFT_OK : WEFT_EPROTO;
    }
    /* the CR must stand right before the LF, or be the last there is */
    if (cr + 1 != (end != NULL ? end : from + size))
        return WEFT_EPROTO;
    t->place = end != NULL ? WF_SMTP_LINE_START : WF_SMTP_CR;
    if (end != NULL)
        t->line_bytes = 0;
    return WEFT_OK;
}

/* Takes the byte behind a CR. */
static weft_err after_cr(wf_smtp_text *t, char c)
{
    if (c != '\n')
        return WEFT_EPROTO;
    count(t, 1);
    t->line_bytes = 0;
    t->place = WF_SMTP_LINE_START;
    return WEFT_OK;
}

/* Whether a dot that may end the text has begun, or is over. */
static bool in_dot(const wf_smtp_text *t)
{
    return t->place == WF_SMTP_DOT || t->place == WF_SMTP_DOT_CR;
}

/* Within a line that began with a dot. *@i is where it is then: unchanged if the line goes on as any other. */
static weft_err read_dot(wf_smtp_text *t, const char *in, size_t *i)
{
    if (t->place == WF_SMTP_DOT_CR) {
        ++*i;
        return in[*i - 1] == '\n' ? WEFT_EDONE : WEFT_EPROTO;
    }
    if (in[*i] == '\r') {
        ++*i;
        t->place = WF_SMTP_DOT_CR;
        return WEFT_OK;
    }
    t->place = WF_SMTP_TEXT;
    return WEFT_OK;
}

weft_err wf_smtp_text_next(wf_smtp_text *t, const char *in, size_t n, size_t *used,
                           const char **run, size_t *run_n)
{
    size_t i = 0;
    weft_err err = WEFT_OK;
    *run_n = 0;
    while (i < n && err == WEFT_OK && in_dot(t))
        err = read_dot(t, in, &i);
    size_t from = i;
    while (i < n && err == WEFT_OK) {
        if (t->dots && t->place == WF_SMTP_LINE_START && in[i] == '.')
            break;
        err = t->place == WF_SMTP_CR ? after_cr(t, in[i++]) : skip_line(t, in, n, &i);
    }
    *run = in + from;
    *run_n = i - from;
    if (i < n && err == WEFT_OK) {
        t->place = WF_SMTP_DOT;
        i++;
    }
    *used = i;
    return err;
}

/* ---- what is sent */

weft_err wf_smtp_stuff(wf_smtp_stuffing *s, const char *in, size_t n, bool *dot, size_t *run_n)
{
    /* to the reader above, what is sent is a text whose dots are not taken away */
    wf_smtp_text t = {.line_bytes_max = UINT32_MAX, .place = s->place};
    size_t i = 0;
    weft_err err = WEFT_OK;
    *dot = n != 0 && s->place == WF_SMTP_LINE_START && in[0] == '.';
    while (i < n && err == WEFT_OK) {
        if (i != 0 && t.place == WF_SMTP_LINE_START && in[i] == '.')
            break;
        err = t.place == WF_SMTP_CR ? after_cr(&t, in[i++]) : skip_line(&t, in, n, &i);
    }
    s->place = t.place;
    *run_n = i;
    return err;
}

const char *wf_smtp_stuffing_end(const wf_smtp_stuffing *s)
{
    if (s->place == WF_SMTP_CR)
        return NULL;
    return s->place == WF_SMTP_LINE_START ? ".\r\n" : "\r\n.\r\n";
}
