/* SPDX-License-Identifier: MIT */
/* The head of what a script says (RFC 3875 section 6.3). */
#include <string.h>

#include "http_cgi.h"
#include "http_fields.h"
#include "http_lex.h"

enum { STATUS_MIN = 200, STATUS_MAX = 599 };

size_t wf_http_cgi_head_end(const uint8_t *at, size_t n, size_t *scanned)
{
    /* lines end in LF, or in CR and LF (section 6: "the server MUST accept both") */
    for (size_t i = *scanned; i < n; i++) {
        if (at[i] != '\n')
            continue;
        if (i == 0 || at[i - 1] == '\n' || (at[i - 1] == '\r' && (i == 1 || at[i - 2] == '\n')))
            return i + 1;
    }
    *scanned = n;
    return 0;
}

bool wf_http_cgi_is_local(const wf_http_cgi_head *head)
{
    /* it becomes the target of a request: what no target has stays a matter of the client */
    for (uint32_t i = 0; i < head->location.bytes; i++)
        if (head->location.at[i] <= ' ' || head->location.at[i] > '~' ||
            head->location.at[i] == '#')
            return false;
    return head->status == 0 && head->location.bytes != 0 && head->location.at[0] == '/' &&
           (head->location.bytes == 1 || head->location.at[1] != '/');
}

/* What is between this server and its client is not the script's to say. */
static bool is_ours(weft_http_text name)
{
    static const char *const ours[] = {"connection", "date", "keep-alive", "proxy-connection",
                                       "server",     "te",   "trailer",    "transfer-encoding",
                                       "upgrade"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (wf_http_text_is(name, ours[i]))
            return true;
    return false;
}

/* "404 Not Found": the number, and perhaps words. */
static weft_err read_status(weft_http_text value, wf_http_cgi_head *out, weft_why *why)
{
    uint64_t status = 0;
    uint32_t digits = 0;
    while (digits < value.bytes && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    if (out->status != 0 || digits != 3 ||
        !wf_http_number_read((weft_http_text){value.at, digits}, &status) ||
        (value.bytes > 3 && value.at[3] != ' ') || status < STATUS_MIN || status > STATUS_MAX)
        return weft_because(why, WEFT_EPROTO, "a Status that is none");
    out->status = (int)status;
    return WEFT_OK;
}

static weft_err read_once(weft_http_text value, weft_http_text *to, weft_why *why)
{
    if (to->at != NULL || value.bytes == 0)
        return weft_because(why, WEFT_EPROTO, "a Content-Type or a Location that is none, or two");
    *to = value;
    return WEFT_OK;
}

static weft_err take(weft_http_text name, weft_http_text value, wf_http_cgi_head *out,
                     weft_why *why)
{
    if (wf_http_text_is(name, "status"))
        return read_status(value, out, why);
    if (wf_http_text_is(name, "content-type"))
        return read_once(value, &out->content_type, why);
    if (wf_http_text_is(name, "location"))
        return read_once(value, &out->location, why);
    if (wf_http_text_is(name, "content-length"))
        return out->content_length == UINT64_MAX && wf_http_number_read(value, &out->content_length)
                   ? WEFT_OK
                   : weft_because(why, WEFT_EPROTO, "a Content-Length that is none");
    if (is_ours(name))
        return WEFT_OK;
    if (out->fields_count == WF_HTTP_CGI_FIELDS_MAX)
        return weft_because(why, WEFT_ETOOBIG, "more than %u fields", WF_HTTP_CGI_FIELDS_MAX);
    out->fields[out->fields_count++] =
        (weft_http_field){name.at, value.at, name.bytes, value.bytes};
    return WEFT_OK;
}

static weft_err read_line(const char *at, const char *end, wf_http_cgi_head *out, weft_why *why)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (colon == NULL || !wf_http_is_token(at, (size_t)(colon - at)))
        return weft_because(why, WEFT_EPROTO, "a line that is no field: \"%.*s\"",
                            (int)(end - at < 40 ? end - at : 40), at);
    const weft_http_text name = {at, (uint32_t)(colon - at)};
    const weft_http_text value =
        wf_http_trimmed((weft_http_text){colon + 1, (uint32_t)(end - colon - 1)});
    if (wf_http_value_span(value.at, value.bytes) != value.bytes)
        return weft_because(why, WEFT_EPROTO, "a field with a control byte");
    return take(name, value, out, why);
}

weft_err wf_http_cgi_head_read(const char *at, size_t n, wf_http_cgi_head *out, weft_why *why)
{
    const char *end = at + n;
    out->status = 0;
    out->fields_count = 0;
    out->content_length = UINT64_MAX;
    out->content_type = out->location = (weft_http_text){NULL, 0};
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at)),
                   *next = stop != NULL ? stop + 1 : end;
        if (stop == NULL)
            stop = end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        if (stop == at)
            break;
        weft_err err = read_line(at, stop, out, why);
        if (err != WEFT_OK)
            return err;
        at = next;
    }
    /* section 6.3: "at least one CGI-Field" */
    if (out->status == 0 && out->content_type.at == NULL && out->location.at == NULL)
        return weft_because(why, WEFT_EPROTO, "neither Content-Type nor Location nor Status");
    return WEFT_OK;
}
