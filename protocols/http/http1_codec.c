/* SPDX-License-Identifier: MIT */
/* The head of a message: its limits, its parts in their order, and what they make of the body. */
#include "http1_codec.h"

#include <string.h>

#include "http1_parts.h"

static const wf_http1_limits limits_default = {
    .request_line_bytes_max = WF_HTTP1_REQUEST_LINE_BYTES_MAX,
    .head_bytes_max = WF_HTTP1_HEAD_BYTES_MAX,
    .chunk_excess_bytes_max = WF_HTTP1_CHUNK_EXCESS_BYTES_MAX,
    .trailer_bytes_max = WF_HTTP1_TRAILER_BYTES_MAX,
    .trailer_fields_max = WF_HTTP1_TRAILER_FIELDS_MAX,
    .body_bytes_max = WF_HTTP1_BODY_BYTES_MAX,
};

wf_http1_limits wf_http1_limits_filled(const wf_http1_limits *limits)
{
    wf_http1_limits all = limits != NULL ? *limits : limits_default;

    if (all.request_line_bytes_max == 0)
        all.request_line_bytes_max = WF_HTTP1_REQUEST_LINE_BYTES_MAX;
    if (all.head_bytes_max == 0)
        all.head_bytes_max = WF_HTTP1_HEAD_BYTES_MAX;
    if (all.chunk_excess_bytes_max == 0)
        all.chunk_excess_bytes_max = WF_HTTP1_CHUNK_EXCESS_BYTES_MAX;
    if (all.trailer_bytes_max == 0)
        all.trailer_bytes_max = WF_HTTP1_TRAILER_BYTES_MAX;
    if (all.trailer_fields_max == 0)
        all.trailer_fields_max = WF_HTTP1_TRAILER_FIELDS_MAX;
    if (all.body_bytes_max == 0 || all.body_bytes_max > WF_HTTP1_BODY_BYTES_MAX)
        all.body_bytes_max = WF_HTTP1_BODY_BYTES_MAX;
    return all;
}

void wf_http1_init(wf_http1 *p, const wf_http1_limits *limits)
{
    p->limits = limits != NULL ? limits : &limits_default;
    p->left = 0;
    p->chunk = 0;
    p->excess = 0;
    p->scanned = 0;
    p->phase = WF_HTTP1_AT_DONE;
}

/* ---- heads ---- */

/* What wf_http1_head_unfinished says of a part of the head, in the same order, so that it makes no
 * difference how the bytes come in. */
static weft_err head_checked(wf_http1_reading *r, size_t empty, size_t head_bytes)
{
    size_t line_max = r->limits->request_line_bytes_max, bytes = (size_t)(r->end - r->start);

    if (empty > WF_HTTP1_EMPTY_LINES_MAX * 2)
        return wf_http1_refuse(r, WEFT_EPROTO, 400, "more than %u empty lines before a head",
                               WF_HTTP1_EMPTY_LINES_MAX);
    if (bytes == 0 || !wf_http_is(r->start[0], WF_HTTP_TOKEN))
        return wf_http1_refuse(r, WEFT_EPROTO, 400, "a head begins with \"%s\", expected a letter",
                               wf_http1_show((weft_http_text){r->start, (uint32_t)bytes}).text);
    if (bytes > line_max + 2 && memchr(r->start, '\n', line_max + 2) == NULL)
        return wf_http1_refuse(r, WEFT_ETOOBIG, 414,
                               "a request line of more than %zu bytes (request_line_bytes_max)",
                               line_max);
    if (head_bytes > r->limits->head_bytes_max)
        return wf_http1_refuse(r, WEFT_ETOOBIG, 431,
                               "a head of more than %u bytes (head_bytes_max)",
                               r->limits->head_bytes_max);
    return WEFT_OK;
}

/* Two readers, llhttp and http1_framing.c, must have read the same framing. */
static weft_err agreed(wf_http1_reading *r)
{
    bool chunked = r->head->known[WF_HTTP_TRANSFER_ENCODING] != 0;

    if (r->seen_chunked == chunked && r->seen_length == r->head->content_length)
        return WEFT_OK;
    return wf_http1_refuse(r, WEFT_EPROTO, 400, "%s can be read in two ways",
                           chunked ? "Transfer-Encoding" : "Content-Length");
}

static void body_begun(wf_http1 *p, const wf_http1_head *head)
{
    static const uint8_t phases[] = {
        [WF_HTTP1_NO_BODY] = WF_HTTP1_AT_DONE,
        [WF_HTTP1_LENGTH] = WF_HTTP1_AT_LENGTH,
        [WF_HTTP1_CHUNKED] = WF_HTTP1_AT_SIZE,
        [WF_HTTP1_UNTIL_CLOSE] = WF_HTTP1_AT_UNTIL_CLOSE,
    };
    p->phase = phases[head->framing];
    p->left = head->framing == WF_HTTP1_LENGTH ? head->content_length : p->limits->body_bytes_max;
    p->excess = 0;
    p->scanned = 0;
}

static weft_err request_read(wf_http1_reading *r)
{
    weft_err err = wf_http1_machine_head(r);

    if (err == WEFT_OK)
        err = wf_http1_request_framed(r);
    if (err == WEFT_OK)
        err = agreed(r);
    return err == WEFT_OK ? wf_http1_target_read(r) : err;
}

static weft_err response_read(wf_http1_reading *r)
{
    weft_err err = wf_http1_status_line_read(r);

    if (err == WEFT_OK)
        err = wf_http1_machine_head(r);
    if (err == WEFT_OK)
        err = wf_http1_response_framed(r);
    return err == WEFT_OK ? agreed(r) : err;
}

/* Reads either kind of head. */
static weft_err head_read(wf_http1 *p, const uint8_t *at, size_t head_bytes, wf_http1_reading *r)
{
    size_t empty = wf_http1_empty_lines(at, head_bytes);

    r->limits = p->limits;
    r->start = (const char *)at + empty;
    r->end = (const char *)at + head_bytes;
    weft_err err = head_checked(r, empty, head_bytes);
    if (err == WEFT_OK)
        err = r->response ? response_read(r) : request_read(r);
    if (err == WEFT_OK) {
        r->head->fields_count = r->fields_count;
        body_begun(p, r->head);
    } else {
        r->head->status = r->status;
        p->phase = WF_HTTP1_AT_FAILED;
    }
    return err;
}

/* In parts that compilers turn into a few stores: one memset of all of it becomes a string
 * instruction, which takes a tenth of the time that a small head does. */
static void head_clear(wf_http1_head *head)
{
    const size_t texts = offsetof(wf_http1_head, method_name);
    const size_t lines = offsetof(wf_http1_head, fields_count);

    memset(head, 0, texts);
    memset((char *)head + texts, 0, 64);
    memset((char *)head + texts + 64, 0, lines - texts - 64);
    memset((char *)head + lines, 0, sizeof *head - lines);
}

static uint32_t fields_room(size_t fields_max)
{
    return fields_max < WF_HTTP1_FIELDS_LAST ? (uint32_t)fields_max : WF_HTTP1_FIELDS_LAST;
}

weft_err wf_http1_parse_request(wf_http1 *p, const uint8_t *at, size_t head_bytes,
                                wf_http1_head *out, weft_http_field *fields, size_t fields_max,
                                weft_why *why)
{
    wf_http1_reading r = {
        .head = out,
        .fields = fields,
        .fields_max = fields_room(fields_max),
        .why = why,
    };
    head_clear(out);
    return head_read(p, at, head_bytes, &r);
}

weft_err wf_http1_parse_response(wf_http1 *p, const uint8_t *at, size_t head_bytes,
                                 weft_http_method asked, wf_http1_head *out,
                                 weft_http_field *fields, size_t fields_max, weft_why *why)
{
    wf_http1_reading r = {
        .head = out,
        .response = true,
        .fields = fields,
        .fields_max = fields_room(fields_max),
        .why = why,
    };
    head_clear(out);
    out->method = asked;
    weft_err err = head_read(p, at, head_bytes, &r);
    /* Whoever asked is told that the other side is to blame, not with which status of its own. */
    if (err != WEFT_OK)
        out->status = 502;
    return err;
}
