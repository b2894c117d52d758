/* SPDX-License-Identifier: MIT */
/* The heads of responses, and the frames of chunked bodies. */
#include "http1_write.h"

#include <string.h>

#include "http1_put.h"
#include "http_statuses.h"

#define SERVER "Server: "
#define DATE "Date: "
#define CONTENT_TYPE "Content-Type: "

/* ---- the status line ---- */

#define STATUS_LINE_BYTES_MAX 64u

typedef struct status_line {
    uint8_t bytes;
    char text[STATUS_LINE_BYTES_MAX - 1];
} status_line;

enum {
    ROW_NONE,
#define ROW(code, text) ROW_##code,
    WF_HTTP_STATUSES(ROW)
#undef ROW
};

static const status_line lines[] = {
#define ROW(code, reason)                                            \
    [ROW_##code] = {sizeof("HTTP/1.1 " #code " " reason "\r\n") - 1, \
                    "HTTP/1.1 " #code " " reason "\r\n"},
    WF_HTTP_STATUSES(ROW)
#undef ROW
};

static const uint8_t row_of[WF_HTTP_STATUS_MAX + 1] = {
#define ROW(code, text) [code] = ROW_##code,
    WF_HTTP_STATUSES(ROW)
#undef ROW
};

static uint8_t *put_status_line(uint8_t *p, int status)
{
    const status_line *line = &lines[row_of[status]];

    if (line->bytes > 0)
        return put(p, line->text, line->bytes);
    p = PUT(p, "HTTP/1.1 ");
    p = wf_http1_put_number(p, (uint64_t)status);
    return PUT(p, " \r\n"); /* RFC 9112 section 4: the space stands there without a reason too */
}

/* ---- the head ---- */

/* RFC 9112 section 6.1, 6.2: in these, Content-Length and Transfer-Encoding MUST NOT be sent. */
static bool unframed(int status, weft_http_method method)
{
    return status < 200 || status == 204 || (method == WEFT_HTTP_CONNECT && status / 100 == 2);
}

bool wf_http1_has_body(int status, weft_http_method method)
{
    return !unframed(status, method) && status != 304 && method != WEFT_HTTP_HEAD;
}

static weft_err check_answer(const wf_http1_answer *a, weft_why *why)
{
    bool some =
        a->framing > WF_HTTP1_LENGTH || (a->framing == WF_HTTP1_LENGTH && a->content_length > 0);

    if (a->status < WF_HTTP_STATUS_MIN || a->status > WF_HTTP_STATUS_MAX)
        return weft_because(why, WEFT_EINVAL, "status %d, expected 100 to 599", a->status);
    /* RFC 9110 section 15.3.6: "a server MUST NOT generate content in a 205 response". */
    if (some && (unframed(a->status, a->method) || a->status == 205))
        return weft_because(why, WEFT_EINVAL, "a %d with a body, expected none", a->status);
    if (a->framing == WF_HTTP1_CHUNKED && a->minor == 0)
        return weft_because(why, WEFT_EINVAL,
                            "a chunked body for HTTP/1.0, expected a length or until the close");
    if (a->framing == WF_HTTP1_UNTIL_CLOSE && !a->close)
        return weft_because(why, WEFT_EINVAL, "a body until the close, expected `close`");

    weft_err err = wf_http1_check_text(a->server, "Server", why);
    if (err == WEFT_OK)
        err = wf_http1_check_text(a->content_type, "Content-Type", why);
    return err == WEFT_OK ? wf_http1_check_text(a->upgrade, "Upgrade", why) : err;
}

size_t wf_http1_answer_bound(const wf_http1_answer *a)
{
    return STATUS_LINE_BYTES_MAX + LINE_BYTES(DATE) + WF_HTTP1_DATE_BYTES + LINE_BYTES(SERVER) +
           a->server.bytes + LINE_BYTES(CONTENT_TYPE) + a->content_type.bytes + a->upgrade.bytes +
           WF_HTTP1_FIXED_BYTES_MAX + wf_http1_fields_bound(a->fields, a->fields_count);
}

weft_err wf_http1_write_head(uint8_t *to, size_t room, const wf_http1_answer *a, size_t *written,
                             weft_why *why)
{
    weft_err err = check_answer(a, why);
    size_t bound = wf_http1_answer_bound(a);
    uint8_t *p = to;

    if (err != WEFT_OK)
        return err;
    if (room < bound)
        return wf_http1_no_room(room, bound, why);

    p = put_status_line(p, a->status);
    if (a->date != NULL) {
        p = PUT(p, DATE);
        p = put(p, a->date, WF_HTTP1_DATE_BYTES);
        p = PUT(p, "\r\n");
    }
    if (a->server.bytes > 0)
        p = PUT_LINE(p, SERVER, a->server);
    if (a->content_type.bytes > 0)
        p = PUT_LINE(p, CONTENT_TYPE, a->content_type);
    if (!unframed(a->status, a->method)) {
        /* Without a length the reader would wait for the close. What is left out below would be
         * said about the body of a GET, which nobody has told us. */
        bool none = a->framing == WF_HTTP1_NO_BODY && wf_http1_has_body(a->status, a->method);
        p = wf_http1_put_framing(p, none ? WF_HTTP1_LENGTH : a->framing,
                                 none ? 0 : a->content_length);
    }
    p = wf_http1_put_connection(p, a->close && a->minor > 0, !a->close && a->minor == 0,
                                a->upgrade);
    if (a->fields_count > 0)
        err = wf_http1_put_fields(&p, a->fields, a->fields_count, false, why);
    p = PUT(p, "\r\n");
    if (err == WEFT_OK)
        *written = (size_t)(p - to);
    return err;
}

/* ---- chunks ---- */

size_t wf_http1_chunk_head(uint8_t to[WF_HTTP1_CHUNK_HEAD_BYTES_MAX], uint64_t n)
{
    if (n == 0)
        return 0;
    unsigned digits = (67 - (unsigned)__builtin_clzll(n)) / 4;
    for (unsigned i = digits; i > 0; i--, n >>= 4)
        to[i - 1] = (uint8_t) "0123456789abcdef"[n & 15];
    to[digits] = '\r';
    to[digits + 1] = '\n';
    return digits + 2;
}

weft_err wf_http1_write_trailers(uint8_t *to, size_t room, const weft_http_field *trailers,
                                 uint32_t count, size_t *written, weft_why *why)
{
    size_t bound = wf_http1_fields_bound(trailers, count) + sizeof WF_HTTP1_CHUNKS_END - 1;
    uint8_t *p = to;

    if (room < bound)
        return wf_http1_no_room(room, bound, why);
    p = PUT(p, "0\r\n");
    weft_err err = wf_http1_put_fields(&p, trailers, count, true, why);
    p = PUT(p, "\r\n");
    if (err == WEFT_OK)
        *written = (size_t)(p - to);
    return err;
}
