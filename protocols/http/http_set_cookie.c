/* SPDX-License-Identifier: MIT */
/* Cookies on the server's side: what a browser sent, and what it is told to keep (RFC 6265bis section 4). */
#include <string.h>
#include <strings.h>

#include <weft/http_session.h>

#include "http_fields.h"
#include "http_lex.h"
#include "http_writer.h"

/* ---- read */

static weft_http_text trimmed(const char *at, const char *end)
{
    return wf_http_trimmed((weft_http_text){at, (uint32_t)(end - at)});
}

/* The value of @name in one Cookie field; `at` NULL: it is not there. */
static weft_http_text find(const char *at, const char *end, const char *name)
{
    size_t n = strlen(name);
    while (at < end) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        weft_http_text own = trimmed(at, equals != NULL ? equals : at);
        if (equals != NULL && own.bytes == n && memcmp(own.at, name, n) == 0)
            return trimmed(equals + 1, stop);
        at = stop < end ? stop + 1 : end;
    }
    return (weft_http_text){NULL, 0};
}

const char *weft_http_cookie(weft_msg *msg, const char *name)
{
    const weft_http_request *r = weft_body(msg);
    weft_http_text value = {NULL, 0};
    if (weft_type_of(msg) != &weft_http_request_type)
        return NULL;
    /* HTTP/2 may split it into several (RFC 9113 section 8.2.3), and so may a proxy */
    for (uint32_t i = 0; i < r->fields_count && value.at == NULL; i++) {
        const weft_http_field *f = &r->fields[i];
        if (f->name_bytes == 6 && strncasecmp(f->name, "cookie", 6) == 0)
            value = find(f->value, f->value + f->value_bytes, name);
    }
    char *copy = value.at != NULL ? weft_scratch(msg, value.bytes + 1) : NULL;
    if (copy == NULL)
        return NULL;
    memcpy(copy, value.at, value.bytes);
    copy[value.bytes] = '\0';
    return copy;
}

/* ---- written */

/* cookie-octet */
static bool is_value(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\",;\\", *text) != NULL)
            return false;
    return true;
}

/* av-octet, for a path or a domain */
static bool is_attribute(const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        if (*text < ' ' || *text > '~' || *text == ';')
            return false;
    return true;
}

static weft_err check(const weft_http_set_cookie *c)
{
    const char *value = c->value != NULL ? c->value : "";
    if (c->name == NULL || !wf_http_is_token(c->name, strlen(c->name)) || !is_value(value) ||
        !is_attribute(c->path) || !is_attribute(c->domain) ||
        (c->same_site == WEFT_SAME_SITE_NONE && !c->secure))
        return WEFT_EINVAL;
    return strlen(c->name) + strlen(value) <= WEFT_HTTP_COOKIE_BYTES_MAX ? WEFT_OK : WEFT_ETOOBIG;
}

static void put(wf_http_writer *w, const weft_http_set_cookie *c)
{
    static const char *const sites[] = {"; SameSite=Lax", "; SameSite=Strict", "; SameSite=None"};
    wf_http_put_str(w, c->name);
    wf_http_put_char(w, '=');
    wf_http_put_str(w, c->value != NULL ? c->value : "");
    wf_http_put_str(w, "; Path=");
    wf_http_put_str(w, c->path != NULL ? c->path : "/");
    if (c->domain != NULL) {
        wf_http_put_str(w, "; Domain=");
        wf_http_put_str(w, c->domain);
    }
    if (c->max_age_s != 0) {
        wf_http_put_str(w, "; Max-Age=");
        wf_http_put_u64(w, c->max_age_s > 0 ? (uint64_t)c->max_age_s : 0);
    }
    wf_http_put_str(w, sites[c->same_site]);
    wf_http_put_str(w, c->secure ? "; Secure" : "");
    wf_http_put_str(w, c->readable ? "" : "; HttpOnly");
}

weft_err weft_http_cookie_field(weft_msg *msg, const weft_http_set_cookie *cookie,
                                weft_http_field *out)
{
    weft_err err = check(cookie);
    if (err != WEFT_OK)
        return err;
    wf_http_writer counted = wf_http_writer_over(NULL, 0);
    put(&counted, cookie);
    size_t n = (size_t)counted.total;
    char *text = weft_scratch(msg, n);
    if (text == NULL)
        return WEFT_ENOMEM;
    wf_http_writer w = wf_http_writer_over(text, n);
    put(&w, cookie);
    *out = (weft_http_field){"Set-Cookie", text, 10, (uint32_t)n};
    return WEFT_OK;
}
