/* SPDX-License-Identifier: MIT */
/* Taking the URLs of a client apart, and resolving what a Location says. */
#include "http_url.h"

#include <stdio.h>
#include <string.h>

#include "http_lex.h"
#include "http_writer.h"

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

/* A URL or a reference in its five parts (RFC 3986 section 3); `at` is NULL where one is absent. */
typedef struct parts {
    weft_http_text scheme, authority, path, query;
} parts;

static weft_http_text text_of(const char *at, const char *end)
{
    return (weft_http_text){at, (uint32_t)(end - at)};
}

/* The first of up to three characters; a short list is repeated to its end. */
static const char *find_any(const char *at, const char *end, const char *stops)
{
    char a = stops[0], b = stops[1] != '\0' ? stops[1] : a;
    char c = stops[1] != '\0' && stops[2] != '\0' ? stops[2] : a;
    while (at < end && *at != a && *at != b && *at != c)
        at++;
    return at;
}

/* What may stand in a URL as it is: printable ASCII but for what RFC 3986 leaves out. */
static bool stays(unsigned char c)
{
    switch (c) {
    case '"':
    case '<':
    case '>':
    case '\\':
    case '^':
    case '`':
    case '{':
    case '|':
    case '}':
        return false;
    default:
        return c > ' ' && c < 0x7f;
    }
}

static bool is_scheme(weft_http_text text)
{
    char first = text.bytes != 0 ? wf_http_lower(text.at[0]) : '0';
    if (first < 'a' || first > 'z')
        return false;
    for (uint32_t i = 1; i < text.bytes; i++) {
        char c = wf_http_lower(text.at[i]);
        if ((c < 'a' || c > 'z') && !wf_http_is_digit(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* The regular expression of RFC 3986 appendix B, by hand; the fragment is dropped. */
static parts split(weft_http_text text)
{
    parts p = {.scheme = {NULL, 0}};
    const char *at = text.at, *end = find_any(at, at + text.bytes, "#");
    const char *colon = find_any(at, end, ":/?");
    if (colon < end && *colon == ':' && is_scheme(text_of(at, colon))) {
        p.scheme = text_of(at, colon);
        at = colon + 1;
    }
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        const char *stop = find_any(at + 2, end, "/?");
        p.authority = text_of(at + 2, stop);
        at = stop;
    }
    const char *mark = find_any(at, end, "?");
    p.path = text_of(at, mark);
    if (mark < end)
        p.query = text_of(mark + 1, end);
    return p;
}

static bool scheme_is(weft_http_text scheme, const char *name)
{
    size_t n = strlen(name);
    bool same = scheme.bytes == n;
    for (size_t i = 0; i < n && same; i++)
        same = wf_http_lower(scheme.at[i]) == name[i];
    return same;
}

/* ---- whole URLs */

static weft_err check_bytes(const char *text, size_t n, weft_why *why)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!stays(c))
            return weft_because(why, WEFT_EINVAL,
                                "byte %zu of the URL is 0x%02x, which is written %%%02X there", i,
                                c, c);
    }
    return WEFT_OK;
}

static bool has_port(weft_http_text authority)
{
    uint32_t i = authority.bytes;
    while (i > 0 && wf_http_is_digit(authority.at[i - 1]))
        i--;
    return i > 0 && i < authority.bytes && authority.at[i - 1] == ':';
}

/* The rules of hosts and ports are those of all URLs of weft. */
static weft_err read_host(weft_http_text authority, wf_http_url *url, weft_why *why)
{
    char text[WEFT_URL_HOST_BYTES_MAX + 32];
    weft_url parsed;
    if (authority.bytes > WEFT_URL_HOST_BYTES_MAX + 8)
        return weft_because(why, WEFT_ETOOBIG, "the host of the URL is longer than %d bytes",
                            WEFT_URL_HOST_BYTES_MAX);
    if (memchr(authority.at, '@', authority.bytes) != NULL)
        return weft_because(why, WEFT_EINVAL,
                            "the URL has user information before an @: give an Authorization field "
                            "instead");
    (void)snprintf(text, sizeof text, "http://%.*s", (int)authority.bytes, authority.at);
    weft_err err = weft_url_parse(text, &parsed, why);
    if (err == WEFT_OK)
        err = weft_url_check(&parsed, WEFT_URL_CONNECT, why);
    if (err != WEFT_OK)
        return err;
    url->kind = parsed.host.kind;
    url->port = has_port(authority) ? parsed.host.port : url->secure ? PORT_HTTPS : PORT_HTTP;
    memcpy(url->host, parsed.host.name, sizeof url->host);
    return WEFT_OK;
}

static bool is_known(const wf_http_url *known, const wf_http_url *url)
{
    return known != NULL && known->secure == url->secure &&
           known->authority.bytes == url->authority.bytes && url->authority.bytes != 0 &&
           memcmp(known->authority.at, url->authority.at, url->authority.bytes) == 0;
}

weft_err wf_http_url_parse(const char *text, wf_http_url *out, weft_why *why)
{
    return wf_http_url_parse_known(text, NULL, out, why);
}

weft_err wf_http_url_parse_known(const char *text, const wf_http_url *known, wf_http_url *out,
                                 weft_why *why)
{
    size_t n = strlen(text);
    wf_http_url url = {.secure = false};
    if (n > WF_HTTP_URL_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "the URL is longer than %u bytes",
                            WF_HTTP_URL_BYTES_MAX);
    weft_err err = check_bytes(text, n, why);
    if (err != WEFT_OK)
        return err;
    parts p = split((weft_http_text){text, (uint32_t)n});
    url.secure = scheme_is(p.scheme, "https");
    if (p.scheme.at == NULL)
        return weft_because(why, WEFT_EINVAL, "the URL has no scheme, expected http://HOST/PATH");
    if (!url.secure && !scheme_is(p.scheme, "http"))
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "the URL's scheme is \"%.*s\", expected http or https",
                            p.scheme.bytes < 20 ? (int)p.scheme.bytes : 20, p.scheme.at);
    if (p.authority.at == NULL)
        return weft_because(why, WEFT_EINVAL, "the URL has no // behind its scheme");
    url.authority = p.authority;
    if (is_known(known, &url)) {
        url.kind = known->kind;
        url.port = known->port;
        memcpy(url.host, known->host, sizeof url.host);
    } else
        err = read_host(p.authority, &url, why);
    if (err != WEFT_OK)
        return err;
    url.target = text_of(p.path.at, p.query.at != NULL ? p.query.at + p.query.bytes
                                                       : p.path.at + p.path.bytes);
    *out = url;
    return WEFT_OK;
}

bool wf_http_url_same_origin(const wf_http_url *a, const wf_http_url *b)
{
    return a->secure == b->secure && a->port == b->port && strcmp(a->host, b->host) == 0;
}

size_t wf_http_url_authority(const wf_http_url *url, bool always,
                             char out[WF_HTTP_URL_AUTHORITY_BYTES])
{
    bool v6 = url->kind == WEFT_HOST_V6;
    uint16_t own = url->secure ? PORT_HTTPS : PORT_HTTP;
    /* a zone means something on this machine alone (RFC 6874 section 4) */
    int host_bytes = v6 ? (int)strcspn(url->host, "%") : (int)strlen(url->host);
    int n = snprintf(out, WF_HTTP_URL_AUTHORITY_BYTES, "%s%.*s%s", v6 ? "[" : "", host_bytes,
                     url->host, v6 ? "]" : "");
    if (always || url->port != own)
        n += snprintf(out + n, WF_HTTP_URL_AUTHORITY_BYTES - (size_t)n, ":%u", url->port);
    return (size_t)n;
}

/* ---- references */

static void put_text(wf_http_writer *w, weft_http_text text)
{
    if (text.bytes != 0)
        wf_http_put(w, text.at, text.bytes);
}

/* What a careless server did not encode is encoded for it. */
static void put_encoded(wf_http_writer *w, weft_http_text text)
{
    for (uint32_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        char triple[4];
        if (stays(c)) {
            wf_http_put_char(w, (char)c);
            continue;
        }
        (void)snprintf(triple, sizeof triple, "%%%02X", c);
        wf_http_put(w, triple, 3);
    }
}

static bool starts(weft_http_text text, const char *with)
{
    size_t n = strlen(with);
    return text.bytes >= n && memcmp(text.at, with, n) == 0;
}

static void skip(weft_http_text *text, uint32_t n)
{
    text->at += n;
    text->bytes -= n;
}

static bool is_text(weft_http_text text, const char *what)
{
    return text.bytes == strlen(what) && starts(text, what);
}

/* RFC 3986 section 5.2.4, on what stands in @w from @from on; @path begins with "/". */
static void put_without_dots(wf_http_writer *w, weft_http_text path)
{
    size_t from = w->n;
    while (path.bytes != 0 && w->err == WEFT_OK) {
        bool up = starts(path, "/../") || is_text(path, "/..");
        if (up || starts(path, "/./") || is_text(path, "/.")) {
            bool last = path.bytes <= (up ? 3U : 2U);
            skip(&path, up ? 3 : 2);
            while (up && w->n > from && w->buf[--w->n] != '/')
                ;
            if (last)
                wf_http_put_char(w, '/');
            continue;
        }
        const char *slash = find_any(path.at + 1, path.at + path.bytes, "/");
        put_text(w, text_of(path.at, slash));
        skip(&path, (uint32_t)(slash - path.at));
    }
    if (w->n == from)
        wf_http_put_char(w, '/');
}

/* RFC 3986 section 5.2.3: the base's path up to its last slash, and the reference's behind it. */
static weft_http_text merge(const parts *base, weft_http_text path, char *room, size_t max)
{
    uint32_t keep = base->path.bytes;
    while (keep > 0 && base->path.at[keep - 1] != '/')
        keep--;
    int n = keep != 0 ? snprintf(room, max, "%.*s%.*s", (int)keep, base->path.at, (int)path.bytes,
                                 path.at)
                      : snprintf(room, max, "/%.*s", (int)path.bytes, path.at);
    return n >= 0 && (size_t)n < max ? (weft_http_text){room, (uint32_t)n}
                                     : (weft_http_text){NULL, 0};
}

/* RFC 3986 section 5.2.2 for a reference without an authority of its own. */
static void put_path(wf_http_writer *w, const parts *base, const parts *r)
{
    char merged[2 * WF_HTTP_URL_BYTES_MAX + 2];
    weft_http_text query = r->query;
    if (r->path.bytes == 0 && r->authority.at == NULL) {
        put_text(w, base->path.bytes != 0 ? base->path : (weft_http_text){"/", 1});
        query = r->query.at != NULL ? r->query : base->query;
    } else if (r->path.bytes != 0 && r->path.at[0] == '/') {
        put_without_dots(w, r->path);
    } else {
        const parts none = {.scheme = {NULL, 0}};
        put_without_dots(
            w, merge(r->authority.at != NULL ? &none : base, r->path, merged, sizeof merged));
    }
    if (query.at != NULL) {
        wf_http_put_char(w, '?');
        put_text(w, query);
    }
}

weft_err wf_http_url_resolve(const char *base, weft_http_text reference, char *out, size_t max,
                             weft_why *why)
{
    char encoded[WF_HTTP_URL_BYTES_MAX];
    wf_http_writer e = wf_http_writer_over(encoded, sizeof encoded);
    wf_http_writer w = wf_http_writer_over(out, max - 1);
    wf_http_url checked;
    for (uint32_t i = 0; i < reference.bytes; i++)
        if ((unsigned char)reference.at[i] < ' ' || reference.at[i] == 0x7f)
            return weft_because(why, WEFT_EINVAL, "a Location with byte 0x%02x",
                                (unsigned char)reference.at[i]);
    put_encoded(&e, reference);
    parts b = split((weft_http_text){base, (uint32_t)strlen(base)});
    parts r = split((weft_http_text){encoded, (uint32_t)e.n});
    put_text(&w, r.scheme.at != NULL ? r.scheme : b.scheme);
    wf_http_put_str(&w, "://");
    if (r.scheme.at != NULL && r.authority.at == NULL)
        return weft_because(why, WEFT_EINVAL, "a Location with a scheme and no host");
    put_text(&w, r.authority.at != NULL ? r.authority : b.authority);
    put_path(&w, &b, &r);
    if (e.err != WEFT_OK || w.err != WEFT_OK)
        return weft_because(why, WEFT_ETOOBIG, "a Location longer than %u bytes",
                            WF_HTTP_URL_BYTES_MAX);
    out[w.n] = '\0';
    return wf_http_url_parse(out, &checked, why);
}
