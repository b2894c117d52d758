/* SPDX-License-Identifier: MIT */
/* Is each line of a head or a trailer section written as it must be?
 *
 * llhttp has read the line already, and took it. It is more lenient than we are, also when told to
 * be strict: folded lines, several spaces in the request line, empty names, HTTP/0.9 and RTSP pass
 * it. As a section is one piece of memory, each of these shows in the bytes around what llhttp
 * gives out. */
#include "http1_parts.h"

#include <stdarg.h>
#include <string.h>

/* ---- sentences ---- */

weft_err wf_http1_refuse(wf_http1_reading *r, weft_err err, uint16_t status, const char *format,
                         ...)
{
    va_list args;
    va_start(args, format);
    (void)weft_because_v(r->why, err, format, args);
    va_end(args);
    r->err = err;
    r->status = status;
    return err;
}

wf_http1_shown wf_http1_show(weft_http_text text)
{
    wf_http1_shown shown;
    size_t room = sizeof shown.text - 1, n = text.bytes < room ? text.bytes : room;

    for (size_t i = 0; i < n; i++)
        shown.text[i] = text.at[i] >= ' ' && text.at[i] <= '~' ? text.at[i] : '?';
    if (text.bytes > n)
        memcpy(&shown.text[n - 3], "...", 3);
    shown.text[n] = '\0';
    return shown;
}

/* ---- the start line ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* True if what stands at @at begins with HTTP/digit.digit and a line end. */
static bool is_version(const char *at, const char *end)
{
    return end - at >= 10 && memcmp(at, "HTTP/", 5) == 0 && at[5] >= '0' && at[5] <= '9' &&
           at[6] == '.' && at[7] >= '0' && at[7] <= '9' && at[8] == '\r' && at[9] == '\n';
}

/* What stands behind the request target is not " HTTP/1.0" or " HTTP/1.1". */
static weft_err refuse_version(wf_http1_reading *r, const char *at)
{
    if (at[0] == ' ' && is_version(at + 1, r->end))
        return wf_http1_refuse(r, WEFT_EUNSUPPORTED, 505,
                               "HTTP/%c.%c is not known, expected HTTP/1.1", at[6], at[8]);
    return wf_http1_refuse(
        r, WEFT_EPROTO, 400,
        "behind the request target stands \"%s\", expected one space, HTTP/1.1 and CRLF",
        wf_http1_show((weft_http_text){at, (uint32_t)(r->end - at)}).text);
}

weft_err wf_http1_request_line_read(wf_http1_reading *r, const char *at, size_t n)
{
    const char *behind = at + n; /* " HTTP/1.1\r\n", and more lines or an empty one */

    /* RFC 9112 section 3: request-line = method SP request-target SP HTTP-version: single spaces.
     */
    if (at - r->start < 2 || is_blank(at[-2]) || n == 0)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "the request line has no single space behind its method");
    if (r->end - behind < 13 || memcmp(behind, " HTTP/1.", 8) != 0 ||
        (behind[8] != '0' && behind[8] != '1') || behind[9] != '\r' || behind[10] != '\n')
        return refuse_version(r, behind);

    r->head->method_name = (weft_http_text){r->start, (uint32_t)(at - r->start - 1)};
    r->head->target = (weft_http_text){at, (uint32_t)n};
    r->head->minor = (uint8_t)(behind[8] - '0');
    return WEFT_OK;
}

/* RFC 9112 section 4: status-line = HTTP-version SP status-code SP [ reason-phrase ]. The last
 * space is often left out with the phrase. */
weft_err wf_http1_status_line_read(wf_http1_reading *r)
{
    const char *s = r->start;
    const char *line_end = memchr(s, '\r', (size_t)(r->end - s));
    wf_http1_head *head = r->head;
    uint64_t status = 0;

    if (line_end == NULL || line_end - s < 12 || line_end[1] != '\n' ||
        memcmp(s, "HTTP/1.", 7) != 0 || (s[7] != '0' && s[7] != '1') || s[8] != ' ' ||
        !wf_http_number_read((weft_http_text){s + 9, 3}, &status) || status < 100 || status > 599 ||
        (line_end - s > 12 && s[12] != ' '))
        return wf_http1_refuse(r, WEFT_EPROTO, 502,
                               "a status line is \"%s\", expected HTTP/1.1 and a status",
                               wf_http1_show((weft_http_text){s, (uint32_t)(r->end - s)}).text);

    head->minor = (uint8_t)(s[7] - '0');
    head->status = (uint16_t)status;
    head->reason = (weft_http_text){line_end, 0};
    if (line_end - s > 12)
        head->reason = (weft_http_text){s + 13, (uint32_t)(line_end - s - 13)};
    if (wf_http_value_span(head->reason.at, head->reason.bytes) != head->reason.bytes)
        return wf_http1_refuse(r, WEFT_EPROTO, 502, "a reason phrase with control characters");
    return WEFT_OK;
}

/* ---- field lines ---- */

weft_err wf_http1_name_read(wf_http1_reading *r, const char *at, size_t n)
{
    /* RFC 9110 section 5.1: field-name = token, of at least one character. */
    if (n == 0)
        return wf_http1_refuse(r, WEFT_EPROTO, 400, "field line %u has no name",
                               r->fields_count + 1);
    r->name = (weft_http_text){at, (uint32_t)n};
    return WEFT_OK;
}

/* Notes in the head which line it is. */
static void field_noted(wf_http1_reading *r, const weft_http_field *field)
{
    wf_http1_head *head = r->head;
    wf_http_name name = wf_http_name_of(field->name, field->name_bytes);

    if (name == WF_HTTP_NAME_OTHER)
        return;
    if (head->known[name] == 0)
        head->known[name] = (uint8_t)r->fields_count;
    else
        head->repeated |= UINT64_C(1) << name;
    if (name == WF_HTTP_CONNECTION)
        wf_http1_connection_noted(r, (weft_http_text){field->value, field->value_bytes});
}

/* RFC 9110 section 6.5.1: what frames or routes a message is no use behind it, and dangerous to
 * whoever merges it into the head. */
static bool may_trail(const weft_http_field *field)
{
    switch (wf_http_name_of(field->name, field->name_bytes)) {
    case WF_HTTP_CONTENT_LENGTH:
    case WF_HTTP_TRANSFER_ENCODING:
    case WF_HTTP_CONNECTION:
    case WF_HTTP_TRAILER:
    case WF_HTTP_HOST:
        return false;
    default:
        return true;
    }
}

static weft_err refuse_line(wf_http1_reading *r, const char *problem)
{
    return wf_http1_refuse(r, WEFT_EPROTO, 400, "field line %u, \"%s\", %s", r->fields_count + 1,
                           wf_http1_show(r->name).text, problem);
}

static weft_err refuse_fields(wf_http1_reading *r)
{
    return wf_http1_refuse(r, WEFT_ETOOBIG, 431, "more field lines than the %u expected",
                           r->fields_max);
}

weft_err wf_http1_value_read(wf_http1_reading *r, const char *at, size_t n)
{
    const char *from = r->name.at + r->name.bytes + 1; /* behind the colon */

    while (from < r->end && is_blank(*from))
        from++;
    /* RFC 9112 section 5.2: "A server that receives an obs-fold in a request message [...] MUST
     * either reject the message by sending a 400 (Bad Request) [...] or replace". llhttp skips what
     * stands between the lines, so that the value does not start where this line's does. */
    if (n > 0 && at != from)
        return refuse_line(r, "is folded, expected one line");
    const char *line_end = from + n;
    if (r->end - line_end < 4 || line_end[0] != '\r' || line_end[1] != '\n')
        return refuse_line(r, "has a control character, or does not end in CRLF");
    if (is_blank(line_end[2]))
        return refuse_line(r, "is folded, expected one line");
    if (r->fields_count == r->fields_max)
        return refuse_fields(r);

    const char *to = line_end;
    while (to > from && is_blank(to[-1]))
        to--;
    weft_http_field field = {r->name.at, from, r->name.bytes, (uint32_t)(to - from)};
    if (r->head == NULL && !may_trail(&field))
        return refuse_line(r, "has no place in a trailer section");
    if (r->fields != NULL)
        r->fields[r->fields_count] = field;
    r->fields_count++;
    if (r->head != NULL)
        field_noted(r, &field);
    return WEFT_OK;
}
