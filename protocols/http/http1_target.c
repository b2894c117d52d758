/* SPDX-License-Identifier: MIT */
/* What does the request ask for: the request target and the host (RFC 9112 section 3.2). */
#include "http1_parts.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_BYTES_MAX 255u /* RFC 1035 section 3.1 */
#define PORT_DIGITS_MAX 5u

static weft_err bad_host(wf_http1_reading *r, weft_http_text text, const char *what)
{
    return wf_http1_refuse(r, WEFT_EPROTO, 400, "%s is \"%s\", expected a host and perhaps a port",
                           what, wf_http1_show(text).text);
}

/* The bytes of an IPv6 literal with its brackets; 0 if it is none. */
static size_t v6_bytes(weft_http_text text)
{
    struct in6_addr address;
    char literal[INET6_ADDRSTRLEN];
    const char *close = memchr(text.at, ']', text.bytes);

    if (close == NULL || (size_t)(close - text.at - 1) >= sizeof literal)
        return 0;
    size_t n = (size_t)(close - text.at - 1);
    memcpy(literal, text.at + 1, n);
    literal[n] = '\0';
    return inet_pton(AF_INET6, literal, &address) == 1 ? n + 2 : 0;
}

/* The bytes of the reg-name or IPv4 address that @text begins with, and whether it is well-formed.
 */
static bool name_bytes(weft_http_text text, size_t *out)
{
    size_t n = wf_http_span(text.at, text.bytes, WF_HTTP_REG);

    while (n < text.bytes && text.at[n] == '%') {
        if (text.bytes - n < 3 || wf_http_span(text.at + n + 1, 2, WF_HTTP_HEX) != 2)
            return false;
        n += 3;
        n += wf_http_span(text.at + n, text.bytes - n, WF_HTTP_REG);
    }
    *out = n;
    return n <= HOST_BYTES_MAX;
}

weft_err wf_http1_host_read(wf_http1_reading *r, weft_http_text text, const char *what)
{
    uint64_t port = 0;
    size_t n = 0;

    if (text.bytes > 0 && text.at[0] == '[') {
        n = v6_bytes(text);
        if (n == 0)
            return bad_host(r, text, what);
    } else if (!name_bytes(text, &n)) {
        return bad_host(r, text, what);
    }

    weft_http_text digits = {text.at + n + 1, text.bytes - (uint32_t)n - 1};
    if (n < text.bytes) {
        if (text.at[n] != ':' || digits.bytes > PORT_DIGITS_MAX)
            return bad_host(r, text, what);
        /* RFC 3986 section 3.2.3: port = *DIGIT, so that nothing behind the colon is a port too */
        if (digits.bytes > 0 && (!wf_http_number_read(digits, &port) || port > UINT16_MAX))
            return bad_host(r, text, what);
    }
    r->head->host = (weft_http_text){text.at, (uint32_t)n};
    r->head->port = (uint16_t)port;
    return WEFT_OK;
}

/* Splits what begins with a path, or is empty, at its '?'. */
static weft_err path_read(wf_http1_reading *r, weft_http_text text)
{
    wf_http1_head *head = r->head;
    const char *query = text.bytes > 0 ? memchr(text.at, '?', text.bytes) : NULL;

    /* RFC 9112 section 3.2.1: origin-form = absolute-path [ "?" query ]: a fragment is never sent.
     */
    if (text.bytes > 0 && memchr(text.at, '#', text.bytes) != NULL)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "the request target \"%s\" has a '#', expected no fragment",
                               wf_http1_show(head->target).text);
    head->path = text;
    if (query != NULL) {
        head->path.bytes = (uint32_t)(query - text.at);
        head->query = (weft_http_text){query + 1, text.bytes - head->path.bytes - 1};
    }
    /* RFC 9110 section 4.2.3: an empty path is the same as "/". */
    if (head->path.bytes == 0)
        head->path = (weft_http_text){"/", 1};
    return WEFT_OK;
}

static weft_err absolute_read(wf_http1_reading *r)
{
    wf_http1_head *head = r->head;
    weft_http_text target = head->target;
    const char *end = target.at + target.bytes, *colon = memchr(target.at, ':', target.bytes);

    if (colon == NULL || end - colon < 3 || memcmp(colon, "://", 3) != 0)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "the request target \"%s\" is neither a path nor a URL",
                               wf_http1_show(target).text);
    head->scheme = (weft_http_text){target.at, (uint32_t)(colon - target.at)};
    if (!wf_http_text_is(head->scheme, "http") && !wf_http_text_is(head->scheme, "https"))
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "the request target \"%s\" has a scheme that is not http or https",
                               wf_http1_show(target).text);

    const char *from = colon + 3, *p = from;
    while (p < end && *p != '/' && *p != '?' && *p != '#')
        p++;
    /* RFC 9110 section 4.2.1: "A recipient that processes such a URI reference MUST reject it as
     * invalid": one with an empty host. User information has no '@' that the host would allow. */
    if (p == from || *from == ':')
        return wf_http1_refuse(r, WEFT_EPROTO, 400, "the request target \"%s\" has no host",
                               wf_http1_show(target).text);

    /* RFC 9112 section 3.2.2: "the origin server MUST ignore the received Host header field (if
     * any) and instead use the host information of the request-target." */
    weft_err err = wf_http1_host_read(r, (weft_http_text){from, (uint32_t)(p - from)},
                                      "the host of the request target");
    if (err != WEFT_OK)
        return err;
    head->form = WF_HTTP1_ABSOLUTE;
    return path_read(r, (weft_http_text){p, (uint32_t)(end - p)});
}

static weft_err authority_read(wf_http1_reading *r)
{
    weft_http_text target = r->head->target;
    weft_err err = wf_http1_host_read(r, target, "the request target of CONNECT");

    if (err != WEFT_OK)
        return err;
    /* RFC 9112 section 3.2.3: authority-form = uri-host ":" port; RFC 9110 section 9.3.6: "A server
     * MUST reject a CONNECT request that targets an empty or invalid port number". */
    if (r->head->host.bytes == 0 || r->head->port == 0)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "the request target of CONNECT is \"%s\", expected host:port",
                               wf_http1_show(target).text);
    r->head->form = WF_HTTP1_AUTHORITY;
    return WEFT_OK;
}

weft_err wf_http1_target_read(wf_http1_reading *r)
{
    wf_http1_head *head = r->head;

    if (head->method == WEFT_HTTP_CONNECT)
        return authority_read(r);
    if (head->target.at[0] == '/') {
        head->form = WF_HTTP1_ORIGIN;
        return path_read(r, head->target);
    }
    if (head->target.at[0] != '*')
        return absolute_read(r);

    /* RFC 9112 section 3.2.4: "The asterisk-form of request-target is only used for a server-wide
     * OPTIONS request". */
    if (head->method != WEFT_HTTP_OPTIONS || head->target.bytes != 1)
        return wf_http1_refuse(r, WEFT_EPROTO, 400,
                               "the request target \"%s\" begins with '*', expected it for "
                               "OPTIONS and alone",
                               wf_http1_show(head->target).text);
    head->form = WF_HTTP1_ASTERISK;
    return WEFT_OK;
}
