/* SPDX-License-Identifier: MIT */
/* The heads of requests. */
#include "http1_write.h"

#include <string.h>

#include "http1_parts.h"
#include "http1_put.h"

#define HOST "Host: "
#define VERSION " HTTP/1.1\r\n"

static weft_http_text method_name(const wf_http1_ask *a)
{
    if (a->method == WEFT_HTTP_OTHER)
        return a->method_name;
    const char *name = weft_http_method_name(a->method);
    return (weft_http_text){name, (uint32_t)strlen(name)};
}

static weft_err check_ask(const wf_http1_ask *a, weft_http_text method, weft_why *why)
{
    size_t n = wf_http_value_span(a->target.at, a->target.bytes);

    if (!wf_http_is_token(method.at, method.bytes))
        return weft_because(why, WEFT_EINVAL, "the method \"%s\", expected a token",
                            wf_http1_show(method).text);
    if (n == 0 || n < a->target.bytes || memchr(a->target.at, ' ', n) != NULL ||
        memchr(a->target.at, '\t', n) != NULL)
        return weft_because(why, WEFT_EINVAL, "the target \"%s\", expected visible characters",
                            wf_http1_show(a->target).text);
    if (a->framing == WF_HTTP1_UNTIL_CLOSE)
        return weft_because(why, WEFT_EINVAL,
                            "a request until the close, expected a length or chunks");
    weft_err err = wf_http1_check_text(a->host, "Host", why);
    return err == WEFT_OK ? wf_http1_check_text(a->upgrade, "Upgrade", why) : err;
}

size_t wf_http1_ask_bound(const wf_http1_ask *a)
{
    return method_name(a).bytes + 1 + a->target.bytes + sizeof VERSION + LINE_BYTES(HOST) +
           a->host.bytes + a->upgrade.bytes + WF_HTTP1_FIXED_BYTES_MAX +
           wf_http1_fields_bound(a->fields, a->fields_count);
}

/* RFC 9110 section 8.6: "A user agent SHOULD send Content-Length in a request when the method
 * defines a meaning for enclosed content", 0 included. */
static bool length_is_due(const wf_http1_ask *a)
{
    return a->framing == WF_HTTP1_NO_BODY &&
           (a->method == WEFT_HTTP_POST || a->method == WEFT_HTTP_PUT ||
            a->method == WEFT_HTTP_PATCH);
}

weft_err wf_http1_write_request(uint8_t *to, size_t room, const wf_http1_ask *a, size_t *written,
                                weft_why *why)
{
    weft_http_text method = method_name(a);
    weft_err err = check_ask(a, method, why);
    size_t bound = wf_http1_ask_bound(a);
    uint8_t *p = to;

    if (err != WEFT_OK)
        return err;
    if (room < bound)
        return wf_http1_no_room(room, bound, why);

    p = put(p, method.at, method.bytes);
    *p++ = ' ';
    p = put(p, a->target.at, a->target.bytes);
    p = PUT(p, VERSION);
    /* RFC 9110 section 7.2: "A user agent that sends Host SHOULD send it as the first field". */
    if (a->host.at != NULL)
        p = PUT_LINE(p, HOST, a->host);
    if (length_is_due(a))
        p = wf_http1_put_framing(p, WF_HTTP1_LENGTH, 0);
    else
        p = wf_http1_put_framing(p, a->framing, a->content_length);
    p = wf_http1_put_connection(p, a->close, false, a->upgrade);
    err = wf_http1_put_fields(&p, a->fields, a->fields_count, true, why);
    p = PUT(p, "\r\n");
    if (err == WEFT_OK)
        *written = (size_t)(p - to);
    return err;
}
