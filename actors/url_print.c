/* SPDX-License-Identifier: MIT */
/* The canonical form of a URL, and whether two URLs say the same. */
#include "url_parts.h"

#include <stdio.h>
#include <string.h>

/* Counts what is written beyond the end too, so that the caller learns how much room it takes. */
typedef struct writer {
    char *buf;
    size_t n, length;
} writer;

static void put(writer *w, const char *text)
{
    for (; *text != '\0'; text++, w->length++)
        if (w->length + 1 < w->n)
            w->buf[w->length] = *text;
}

static size_t finish(writer *w)
{
    if (w->n > 0)
        w->buf[w->length < w->n ? w->length : w->n - 1] = '\0';
    return w->length;
}

static void put_byte(writer *w, char c, bool encoded)
{
    char text[4] = {c, '\0'};
    if (encoded)
        (void)snprintf(text, sizeof text, "%%%02X", (unsigned char)c);
    put(w, text);
}

static void put_host(writer *w, const weft_url_host *host, bool with_port)
{
    char port[8];

    put(w, host->kind == WEFT_HOST_V6 ? "[" : host->kind == WEFT_HOST_ANY ? "*" : "");
    for (const char *c = host->name; *c != '\0'; c++)
        put_byte(w, *c, *c == '%'); /* RFC 6874: a zone stands behind "%25" */
    put(w, host->kind == WEFT_HOST_V6 ? "]" : "");

    if (with_port) {
        (void)snprintf(port, sizeof port, ":%u", host->port);
        put(w, port);
    }
}

static void put_unix(writer *w, const weft_url *url)
{
    const char *path = url->path;

    if (url->abstract)
        put(w, "@");
    else if (path[0] == '/' && path[1] == '/')
        put(w, "//"); /* otherwise its second part would be read as a host */

    for (const char *c = path; *c != '\0'; c++) {
        bool marks_abstract = *c == '@' && c == path && !url->abstract;
        put_byte(w, *c, marks_abstract || (!wf_is_pchar(*c) && *c != '/'));
    }
}

static void put_name(writer *w, const weft_url_option *option, bool *first)
{
    put(w, *first ? "?" : "&");
    put(w, option->name);
    put(w, "=");
    *first = false;
}

/* Only what must be, so that no URL gets longer by being printed. */
static bool stands_escaped(unsigned char c)
{
    return c <= ' ' || c == 0x7f || c == '%' || c == '&' || c == '#';
}

static void put_texts(writer *w, const weft_url *url, const weft_url_option *option, bool *first)
{
    const char *text;
    for (size_t i = 0; (text = weft_url_text(url, option->id, i)) != NULL; i++) {
        put_name(w, option, first);
        for (const char *c = text; *c != '\0'; c++)
            put_byte(w, *c, stands_escaped((unsigned char)*c));
    }
}

static void put_value(writer *w, const weft_url *url, const weft_url_option *option)
{
    char value[32];
    if (option->kind == WEFT_URL_ADDRESS) {
        const weft_url_host *host = wf_option_host(option, &url->options);
        put_host(w, host, host->port != 0);
    } else if (option->kind == WEFT_URL_WORD) {
        put(w, weft_url_word(option, wf_option_value(option, &url->options)));
    } else {
        wf_value_print(option->kind, wf_option_value(option, &url->options), value, sizeof value);
        put(w, value);
    }
}

static void put_options(writer *w, const weft_url *url)
{
    const weft_url_option *option;
    bool first = true;

    for (size_t i = 0; (option = weft_url_option_at(i)) != NULL; i++) {
        if (!weft_url_given(url, option->id))
            continue;
        if (wf_option_is_text(option)) {
            put_texts(w, url, option, &first);
            continue;
        }
        put_name(w, option, &first);
        put_value(w, url, option);
    }
}

size_t weft_url_print(const weft_url *url, char *buf, size_t n)
{
    writer w = {buf, n, 0};
    const weft_url_scheme *row = wf_scheme_row(url->scheme);

    if (row == NULL)
        return finish(&w);

    put(&w, row->name);
    if (url->scheme == WEFT_SCHEME_UNIX || url->scheme == WEFT_SCHEME_UNIXGRAM ||
        url->scheme == WEFT_SCHEME_NNG_IPC || wf_scheme_is_local(url->scheme)) {
        put(&w, ":");
        put_unix(&w, url);
    } else {
        put(&w, "://");
        put_host(&w, &url->host, url->host.port != row->port_default);
        put(&w, url->path);
    }
    put_options(&w, url);
    return finish(&w);
}

size_t weft_url_default_print(const weft_url_option *option, char *buf, size_t n)
{
    if (option->kind == WEFT_URL_ADDRESS || option->kind == WEFT_URL_OCTAL ||
        wf_option_is_text(option))
        return (size_t)snprintf(buf, n, "-");
    if (option->kind == WEFT_URL_WORD)
        return (size_t)snprintf(buf, n, "%s", weft_url_word(option, option->value));
    return wf_value_print(option->kind, option->value, buf, n);
}

static bool same_host(const weft_url_host *a, const weft_url_host *b)
{
    return a->kind == b->kind && a->port == b->port && strcmp(a->name, b->name) == 0;
}

static bool same_texts(const weft_url_option *option, const weft_url *a, const weft_url *b)
{
    for (size_t i = 0;; i++) {
        const char *x = weft_url_text(a, option->id, i), *y = weft_url_text(b, option->id, i);
        if (x == NULL || y == NULL)
            return x == y;
        if (strcmp(x, y) != 0)
            return false;
    }
}

static bool same_value(const weft_url_option *option, const weft_url *a, const weft_url *b)
{
    if (option->kind == WEFT_URL_ADDRESS)
        return same_host(wf_option_host(option, &a->options), wf_option_host(option, &b->options));
    if (wf_option_is_text(option))
        return same_texts(option, a, b);
    return wf_option_value(option, &a->options) == wf_option_value(option, &b->options);
}

bool weft_url_equal(const weft_url *a, const weft_url *b)
{
    const weft_url_option *option;

    if (a->scheme != b->scheme || a->abstract != b->abstract || !same_host(&a->host, &b->host) ||
        strcmp(a->path, b->path) != 0 ||
        memcmp(a->options.given, b->options.given, sizeof a->options.given) != 0)
        return false;

    for (size_t i = 0; (option = weft_url_option_at(i)) != NULL; i++)
        if (!same_value(option, a, b))
            return false;
    return true;
}
