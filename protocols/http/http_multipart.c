/* SPDX-License-Identifier: MIT */
/* Parts as they come: a body cut at its delimiters, whatever pieces it comes in.
 *
 *   before ── delimiter ──▶ behind it ── CRLF ──▶ head ── empty line ──▶ body ── delimiter ──▶ behind it
 *                               └── "--" ──▶ over
 *
 * A delimiter is CRLF, two dashes and the boundary. No boundary has a CR, so that of what looked like a delimiter and
 * is none, no byte but the one that told so can begin another. */
#include "http_multipart.h"

#include <string.h>

#include <weft/edge.h>
#include <weft/http_form.h>

typedef enum state { BEFORE, BEHIND, HEAD, BODY, OVER } state;

struct weft_multipart {
    state state;
    bool dash, cr;    /* BEHIND: the first of "--", or of CRLF, has come */
    uint32_t matched; /* bytes of the delimiter that the last piece ended with */
    uint32_t before;  /* of these: that stand before the body */
    uint32_t delimiter_bytes, head_bytes;
    char delimiter[WEFT_HTTP_BOUNDARY_BYTES_MAX + 4];
    char head[WEFT_HTTP_PART_HEAD_BYTES_MAX];
};

weft_err weft_multipart_new(weft_http_text content_type, weft_multipart **out, weft_why *why)
{
    weft_http_text boundary;
    weft_err err = wf_http_boundary_of(content_type, &boundary, why);
    if (err != WEFT_OK)
        return err;
    weft_multipart *m = weft_alloc_zero(sizeof *m);
    if (m == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a form");
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.at, boundary.bytes);
    m->delimiter_bytes = boundary.bytes + 4;
    m->matched = m->before = 2; /* the first may stand at the front, with no CRLF before it */
    *out = m;
    return WEFT_OK;
}

void weft_multipart_free(weft_multipart *reader)
{
    weft_alloc_free(reader);
}

bool weft_multipart_is_whole(const weft_multipart *reader)
{
    return reader->state == OVER;
}

/* ---- up to a delimiter */

/* How many bytes at the end of @at may begin a delimiter. */
static size_t tail(const weft_multipart *m, const uint8_t *at, size_t n)
{
    size_t most = n < m->delimiter_bytes ? n : m->delimiter_bytes - 1;
    for (size_t k = most; k > 0; k--)
        if (at[n - k] == '\r' && memcmp(at + n - k, m->delimiter, k) == 0)
            return k;
    return 0;
}

/* Goes on with the delimiter that the last piece ended with. *@data, *@bytes: what it turns out to be if it is none.
 * Returns how much of @at was read for it. */
static size_t match_on(weft_multipart *m, const uint8_t *at, size_t n, bool *found,
                       const uint8_t **data, size_t *bytes)
{
    size_t i = 0;
    while (i < n && m->matched < m->delimiter_bytes && at[i] == (uint8_t)m->delimiter[m->matched]) {
        i++;
        m->matched++;
    }
    if (m->matched == m->delimiter_bytes) {
        *found = true;
    } else if (i < n) {
        *data = (const uint8_t *)m->delimiter + m->before;
        *bytes = m->matched - m->before;
    } else
        return i;
    m->matched = m->before = 0;
    return i;
}

/* Reads up to the delimiter. *@data, *@bytes: what stands before it. Returns how much was read. */
static size_t cut(weft_multipart *m, const uint8_t *at, size_t n, bool *found, const uint8_t **data,
                  size_t *bytes)
{
    if (m->matched != 0)
        return match_on(m, at, n, found, data, bytes);
    const uint8_t *stop = memmem(at, n, m->delimiter, m->delimiter_bytes);
    *data = at;
    if (stop == NULL) {
        m->matched = (uint32_t)tail(m, at, n);
        *bytes = n - m->matched;
        return n;
    }
    *bytes = (size_t)(stop - at);
    *found = *bytes == 0; /* what stands before it is told first */
    return *found ? m->delimiter_bytes : *bytes;
}

/* What stands before the first delimiter is nobody's (RFC 2046 section 5.1.1). */
static void read_before(weft_multipart *m, const uint8_t *at, size_t n, weft_multipart_event *event)
{
    bool found = false;
    const uint8_t *data = NULL;
    size_t bytes = 0;
    while (event->consumed < n && !found)
        event->consumed += cut(m, at + event->consumed, n - event->consumed, &found, &data, &bytes);
    if (found)
        m->state = BEHIND;
}

/* Tells a piece of the part, or its end. false: there is nothing to tell. */
static bool read_body(weft_multipart *m, const uint8_t *at, size_t n, weft_multipart_event *event)
{
    bool found = false;
    const uint8_t *data = NULL;
    size_t bytes = 0;
    event->consumed += cut(m, at + event->consumed, n - event->consumed, &found, &data, &bytes);
    if (found) {
        m->state = BEHIND;
        event->kind = WEFT_MULTIPART_PART_END;
        return true;
    }
    event->kind = bytes != 0 ? WEFT_MULTIPART_DATA : WEFT_MULTIPART_MORE;
    event->data = data;
    event->data_bytes = bytes;
    return bytes != 0;
}

/* ---- behind a delimiter */

/* "--" ends the form; blanks may stand before the CRLF that begins a part. */
static weft_err read_behind(weft_multipart *m, uint8_t c, weft_why *why)
{
    if (m->dash ? c == '-' : m->cr && c == '\n') {
        m->state = m->dash ? OVER : HEAD;
        m->dash = m->cr = false;
        m->head_bytes = 0;
    } else if (!m->dash && !m->cr && (c == '-' || c == '\r')) {
        m->dash = c == '-';
        m->cr = c == '\r';
    } else if (m->dash || m->cr || (c != ' ' && c != '\t'))
        return weft_because(why, WEFT_EPROTO, "behind a boundary: expected a line's end or \"--\"");
    return WEFT_OK;
}

/* Takes one byte of a head. *@whole: the empty line has come. */
static weft_err read_head(weft_multipart *m, uint8_t c, bool *whole, weft_why *why)
{
    if (m->head_bytes == sizeof m->head)
        return weft_because(why, WEFT_ETOOBIG, "the head of a part is larger than %u bytes",
                            WEFT_HTTP_PART_HEAD_BYTES_MAX);
    m->head[m->head_bytes++] = (char)c;
    uint32_t n = m->head_bytes;
    *whole = c == '\n' && ((n == 2 && m->head[0] == '\r') ||
                           (n >= 4 && memcmp(m->head + n - 4, "\r\n\r\n", 4) == 0));
    return WEFT_OK;
}

static weft_err begin_part(weft_multipart *m, weft_multipart_event *event, weft_why *why)
{
    wf_http_part_head head;
    weft_err err = wf_http_part_head_read(m->head, m->head_bytes - 2, &head, why);
    if (err != WEFT_OK)
        return err;
    event->kind = WEFT_MULTIPART_PART;
    event->name = head.name;
    event->file_name = head.file_name;
    event->content_type = head.content_type;
    m->state = BODY;
    /* an empty part may have its delimiter right behind the empty line, whose CRLF is the delimiter's then
     * (RFC 2046 section 5.1.1) */
    m->matched = m->before = 2;
    return WEFT_OK;
}

weft_err weft_multipart_next(weft_multipart *m, const uint8_t *at, size_t n,
                             weft_multipart_event *event, weft_why *why)
{
    weft_err err = WEFT_OK;
    bool whole = false;
    *event = (weft_multipart_event){.kind = WEFT_MULTIPART_MORE};
    while (err == WEFT_OK && event->consumed < n) {
        switch (m->state) {
        case BEFORE:
            read_before(m, at, n, event);
            break;
        case BEHIND:
            err = read_behind(m, at[event->consumed++], why);
            if (m->state == OVER) {
                event->kind = WEFT_MULTIPART_END;
                return WEFT_OK;
            }
            break;
        case HEAD:
            err = read_head(m, at[event->consumed++], &whole, why);
            if (err == WEFT_OK && whole)
                return begin_part(m, event, why);
            break;
        case BODY:
            if (read_body(m, at, n, event))
                return WEFT_OK;
            break;
        case OVER:
            event->consumed = n;
            break;
        }
    }
    return err;
}
