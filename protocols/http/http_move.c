/* SPDX-License-Identifier: MIT */
/* Where a row sends: targets checked once, and filled in for each request. */
#include "http_move.h"

#include <string.h>

#define ROW_SHOWN "route \"%.80s\": "

bool wf_http_is_redirect_status(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

/* ---- parameters in a target */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The parameter that may stand at @at: its name without the ':', and how many bytes it takes. */
static weft_http_text param_at(const char *at, size_t *bytes)
{
    size_t n = 1;
    *bytes = 1;
    if (*at == '*')
        return (weft_http_text){at, 1};
    if (*at != ':')
        return (weft_http_text){NULL, 0};
    while (is_name_byte(at[n]))
        n++;
    *bytes = n;
    return n > 1 ? (weft_http_text){at + 1, (uint32_t)n - 1} : (weft_http_text){NULL, 0};
}

/* Whether the row @route has the parameter @name. */
static bool has_param(const char *route, weft_http_text name)
{
    for (const char *at = strchr(route, '/'); at != NULL; at = strchr(at + 1, '/')) {
        size_t bytes;
        weft_http_text own = param_at(at + 1, &bytes);
        if (own.at != NULL && own.bytes == name.bytes && memcmp(own.at, name.at, name.bytes) == 0)
            return true;
    }
    return false;
}

/* ---- checked */

/* Where the path of @target begins; its end if it has none; NULL: it is no target. */
static const char *path_of(const char *target)
{
    const char *host = NULL;
    if (target[0] == '/')
        return target[1] != '/' ? target : NULL;
    if (strncmp(target, "http://", 7) == 0)
        host = target + 7;
    else if (strncmp(target, "https://", 8) == 0)
        host = target + 8;
    if (host == NULL || strcspn(host, "/?#") == 0)
        return NULL;
    return host + strcspn(host, "/?#");
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text) != NULL)
            return false;
    return true;
}

/* A star must be the route's; a name only where it looks like one. */
static weft_err check_params(const char *route, const char *target, const char *path, weft_why *why)
{
    size_t bytes;
    for (const char *at = target; *at != '\0'; at += bytes) {
        weft_http_text name = param_at(at, &bytes);
        if (name.at == NULL)
            continue;
        bool own = has_param(route, name);
        if (own && at < path)
            return weft_because(why, WEFT_EINVAL,
                                ROW_SHOWN "\"%.80s\" has a parameter before its path", route,
                                target);
        if (!own && (*at == '*' || (at > target && at[-1] == '/')))
            return weft_because(why, WEFT_EINVAL,
                                ROW_SHOWN "\"%.80s\" has a parameter the route has not: %.*s",
                                route, target, (int)bytes, at);
        if (!own)
            bytes = 1;
    }
    return WEFT_OK;
}

weft_err wf_http_move_check(const char *route, const char *target, bool rewrite, weft_why *why)
{
    const char *path = path_of(target);
    if (path == NULL || (rewrite && target[0] != '/'))
        return weft_because(why, WEFT_EINVAL, ROW_SHOWN "\"%.80s\", expected %s", route, target,
                            rewrite ? "a path" : "a path, or a URL of http or https");
    if (!is_printable(target))
        return weft_because(why, WEFT_EINVAL,
                            ROW_SHOWN "\"%.80s\" has a byte that no URL has; write it as %%XX",
                            route, target);
    if (rewrite && strchr(target, '#') != NULL)
        return weft_because(why, WEFT_EINVAL, ROW_SHOWN "\"%.80s\" has a fragment", route, target);
    return check_params(route, target, path, why);
}

/* ---- filled in */

/* What separates in a query must not come out of a value. */
static void put_in_query(wf_http_writer *w, weft_http_text value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (uint32_t i = 0; i < value.bytes; i++) {
        char c = value.at[i];
        if (strchr("&=+;", c) == NULL) {
            wf_http_put_char(w, c);
            continue;
        }
        const char escaped[3] = {'%', digits[(unsigned char)c >> 4], digits[(unsigned char)c & 15]};
        wf_http_put(w, escaped, sizeof escaped);
    }
}

/* A value that would be a second separator at the front of a path: browsers take "/\" for "//" too. */
static weft_http_text behind_slashes(weft_http_text value)
{
    while (value.bytes != 0 && (*value.at == '/' || *value.at == '\\')) {
        value.at++;
        value.bytes--;
    }
    return value;
}

static weft_http_text value_of(const wf_http_match *match, weft_http_text name)
{
    for (uint32_t i = 0; i < match->params_n; i++)
        if (match->params[i].name.bytes == name.bytes &&
            memcmp(match->params[i].name.at, name.at, name.bytes) == 0)
            return match->params[i].value;
    return (weft_http_text){NULL, 0};
}

void wf_http_put_moved(wf_http_writer *w, const char *target, const wf_http_match *match,
                       weft_http_text query)
{
    size_t bytes;
    bool in_query = false, own_end = false;
    for (const char *at = target; *at != '\0'; at += bytes) {
        weft_http_text name = param_at(at, &bytes);
        weft_http_text value = name.at != NULL ? value_of(match, name) : name;
        in_query |= *at == '?';
        own_end |= *at == '?' || *at == '#';
        bool at_front = target[0] == '/' && w->total == 1;
        if (value.at == NULL) {
            bytes = 1;
            if (!at_front || *at != '/') /* what stood between was empty */
                wf_http_put_char(w, *at);
            continue;
        }
        if (at_front)
            value = behind_slashes(value);
        if (in_query)
            put_in_query(w, value);
        else
            wf_http_put(w, value.at, value.bytes);
    }
    if (query.at == NULL || own_end)
        return;
    wf_http_put_char(w, '?');
    wf_http_put(w, query.at, query.bytes);
}
