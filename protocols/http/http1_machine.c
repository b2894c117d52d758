/* SPDX-License-Identifier: MIT */
/* llhttp: the only file that knows it. It reads sections of lines, always whole. What it hands out
 * goes to http1_lines.c, which checks what llhttp does not; bodies are http1_body.c's. */
#include "http1_parts.h"

#include <ctype.h>
#include <llhttp.h>

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error \
    "llhttp 8 must be compiled with LLHTTP_STRICT_MODE, or it takes what looks like a line for one"
#endif

/* ---- what llhttp calls ---- */

static int on_url(llhttp_t *m, const char *at, size_t n)
{
    wf_http1_reading *r = m->data;
    return r == NULL || wf_http1_request_line_read(r, at, n) == WEFT_OK ? 0 : -1;
}

static int on_header_field(llhttp_t *m, const char *at, size_t n)
{
    return wf_http1_name_read(m->data, at, n) == WEFT_OK ? 0 : -1;
}

static int on_header_value(llhttp_t *m, const char *at, size_t n)
{
    return wf_http1_value_read(m->data, at, n) == WEFT_OK ? 0 : -1;
}

static int on_pause(llhttp_t *m)
{
    (void)m;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_pause,
};

/* ---- sections ---- */

/* What llhttp has to say against the section that is read at @r. */
static weft_err refuse_section(wf_http1_reading *r, const llhttp_t *m)
{
    const char *at = llhttp_get_error_pos(m), *reason = llhttp_get_error_reason(m);
    size_t byte = at >= r->start && at <= r->end ? (size_t)(at - r->start) : 0;

    if (r->err != WEFT_OK) /* http1_lines.c has said it */
        return r->err;
    if (reason == NULL || reason[0] == '\0')
        reason = "It ends too early";
    return wf_http1_refuse(r, WEFT_EPROTO, 400, "%c%s, at byte %zu of %s", tolower(reason[0]),
                           reason + 1, byte, r->head != NULL ? "a head" : "a trailer section");
}

/* RFC 9110 section 9.1: "An origin server that receives a request method that is unrecognized or
 * not implemented SHOULD respond with the 501 (Not Implemented) status code." */
static weft_err refuse_method(wf_http1_reading *r)
{
    weft_http_text all = {r->start, (uint32_t)(r->end - r->start)}, method = all;
    method.bytes = (uint32_t)wf_http_span(all.at, all.bytes, WF_HTTP_TOKEN);

    if (method.bytes == 0 || all.at[method.bytes] != ' ')
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "a head begins with \"%s\", expected a method and a space",
                               wf_http1_show(all).text);
    return wf_http1_refuse(r, WEFT_EUNSUPPORTED, 501, "the method \"%s\" is not known",
                           wf_http1_show(method).text);
}

/* Runs @m over the section at @r, which is to end where @m says that it ends. */
static weft_err section_run(wf_http1_reading *r, llhttp_t *m)
{
    /* llhttp takes a bare line feed for the empty line. */
    if (r->end - r->start < 2 || r->end[-2] != '\r')
        return wf_http1_refuse(r, WEFT_EPROTO, 400, "a line that does not end in CRLF");

    m->data = r;
    llhttp_errno_t got = llhttp_execute(m, r->start, (size_t)(r->end - r->start));
    m->data = NULL;
    if (got == HPE_PAUSED && llhttp_get_error_pos(m) == r->end)
        return WEFT_OK;
    /* Behind a good request line the wrong constant can only be a method of RTSP. */
    bool line_read = r->head == NULL || r->head->target.at != NULL;
    if (got == (line_read ? HPE_INVALID_CONSTANT : HPE_INVALID_METHOD) && !r->response)
        return refuse_method(r);
    return refuse_section(r, m);
}

static weft_http_method method_of(const llhttp_t *m)
{
    switch ((llhttp_method_t)m->method) {
    case HTTP_GET:
        return WEFT_HTTP_GET;
    case HTTP_HEAD:
        return WEFT_HTTP_HEAD;
    case HTTP_POST:
        return WEFT_HTTP_POST;
    case HTTP_PUT:
        return WEFT_HTTP_PUT;
    case HTTP_DELETE:
        return WEFT_HTTP_DELETE;
    case HTTP_CONNECT:
        return WEFT_HTTP_CONNECT;
    case HTTP_OPTIONS:
        return WEFT_HTTP_OPTIONS;
    case HTTP_TRACE:
        return WEFT_HTTP_TRACE;
    case HTTP_PATCH:
        return WEFT_HTTP_PATCH;
    default:
        return WEFT_HTTP_OTHER;
    }
}

weft_err wf_http1_machine_head(wf_http1_reading *r)
{
    llhttp_t m;

    llhttp_init(&m, r->response ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    weft_err err = section_run(r, &m);
    if (err != WEFT_OK)
        return err;

    if (!r->response)
        r->head->method = method_of(&m);
    r->seen_chunked = (m.flags & F_CHUNKED) != 0;
    r->seen_length = (m.flags & F_CONTENT_LENGTH) != 0 ? m.content_length : 0;
    return WEFT_OK;
}

/* llhttp has no entry for trailers alone. They have the grammar of a head's fields, so they are
 * given a request line to stand behind. */
weft_err wf_http1_machine_trailers(wf_http1_reading *r)
{
    static const char line[] = "GET / HTTP/1.1\r\n";
    llhttp_t m;

    llhttp_init(&m, HTTP_REQUEST, &settings);
    if (llhttp_execute(&m, line, sizeof line - 1) != HPE_OK)
        return wf_http1_refuse(r, WEFT_EINTERNAL, 500, "llhttp refused a request line");
    return section_run(r, &m);
}
