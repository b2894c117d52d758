/* SPDX-License-Identifier: MIT */
/* A jar of cookies: who may put one in, and which ones go with a request (RFC 6265bis 5.7, 5.8). */
#include <string.h>

#include <weft/edge.h>

#include "http_cookie.h"
#include "http_lex.h"

/* A cookie that was kept; its texts stand behind it. */
typedef struct kept {
    struct kept *next; /* the oldest last */
    weft_http_text name, value, path;
    const char *domain; /* or host */
    bool host_only, secure, persistent;
    int64_t expires_s;
} kept;

struct wf_http_jar {
    kept *first;
    uint32_t count, max;
};

wf_http_jar *wf_http_jar_new(uint32_t cookies_max)
{
    wf_http_jar *jar = weft_alloc_zero(sizeof *jar);
    if (jar != NULL)
        jar->max = cookies_max;
    return jar;
}

static void take_out(wf_http_jar *jar, kept **at)
{
    kept *k = *at;
    *at = k->next;
    jar->count--;
    weft_alloc_free(k);
}

void wf_http_jar_free(wf_http_jar *jar)
{
    if (jar == NULL)
        return;
    while (jar->first != NULL)
        take_out(jar, &jar->first);
    weft_alloc_free(jar);
}

uint32_t wf_http_jar_count(const wf_http_jar *jar)
{
    return jar->count;
}

static void expire(wf_http_jar *jar, int64_t now_s)
{
    for (kept **at = &jar->first; *at != NULL;)
        if ((*at)->persistent && (*at)->expires_s <= now_s)
            take_out(jar, at);
        else
            at = &(*at)->next;
}

/* ---- who may put what in */

static bool begins(weft_http_text text, const char *prefix)
{
    size_t n = strlen(prefix);
    if (text.bytes < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (wf_http_lower(text.at[i]) != prefix[i])
            return false;
    return true;
}

/* Section 5.7, steps 8 to 24: the name's own promises hold, and nobody sets what others would send. */
static bool may_set(const wf_http_place *from, wf_http_cookie *c)
{
    char domain[256];
    weft_http_text named = c->name.bytes != 0 ? c->name : c->value;
    if ((c->secure || begins(named, "__secure-")) && !from->secure)
        return false;
    if (begins(named, "__secure-") && !c->secure)
        return false;
    if (begins(named, "__host-") && (!c->secure || !from->secure || c->domain.at != NULL ||
                                     c->path.bytes != 1 || c->path.at[0] != '/'))
        return false;
    if (c->domain.at == NULL)
        return true;
    if (c->domain.bytes >= sizeof domain || !wf_http_cookie_domain_matches(from->host, c->domain))
        return false;
    for (uint32_t i = 0; i < c->domain.bytes; i++)
        domain[i] = wf_http_lower(c->domain.at[i]);
    domain[c->domain.bytes] = '\0';
    if (!wf_http_is_public_suffix(domain))
        return true;
    /* a host that is a suffix itself may have cookies of its own */
    if (strcmp(domain, from->host) != 0)
        return false;
    c->domain.at = NULL;
    return true;
}

/* Section 5.1.4. */
static weft_http_text default_path(weft_http_text path)
{
    uint32_t n = path.bytes;
    while (n > 0 && path.at[n - 1] != '/')
        n--;
    return n > 1 ? (weft_http_text){path.at, n - 1} : (weft_http_text){"/", 1};
}

static weft_http_text copy_text(char **to, weft_http_text from)
{
    weft_http_text copy = {*to, from.bytes};
    if (from.bytes != 0)
        memcpy(*to, from.at, from.bytes);
    *to += from.bytes;
    return copy;
}

static kept *keep(const wf_http_place *from, const wf_http_cookie *c)
{
    weft_http_text path = c->path.at != NULL ? c->path : default_path(from->path);
    bool host_only = c->domain.at == NULL;
    weft_http_text domain =
        host_only ? (weft_http_text){from->host, (uint32_t)strlen(from->host)} : c->domain;
    kept *k =
        weft_alloc_zero(sizeof *k + c->name.bytes + c->value.bytes + path.bytes + domain.bytes + 1);
    if (k == NULL)
        return NULL;
    char *to = (char *)(k + 1);
    k->name = copy_text(&to, c->name);
    k->value = copy_text(&to, c->value);
    k->path = copy_text(&to, path);
    k->domain = to;
    for (uint32_t i = 0; i < domain.bytes; i++)
        *to++ = wf_http_lower(domain.at[i]);
    k->host_only = host_only;
    k->secure = c->secure;
    k->persistent = c->persistent;
    k->expires_s = c->expires_s;
    return k;
}

static bool same_text(weft_http_text a, weft_http_text b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

static bool same(const kept *a, const kept *b)
{
    return a->host_only == b->host_only && strcmp(a->domain, b->domain) == 0 &&
           same_text(a->name, b->name) && same_text(a->path, b->path);
}

/* A Secure cookie is not overlaid by who came without (section 5.7, step 16). */
static bool is_overlaid(const wf_http_jar *jar, const wf_http_place *from, const kept *k)
{
    for (const kept *o = jar->first; o != NULL && !from->secure; o = o->next) {
        weft_http_text domain = {o->domain, (uint32_t)strlen(o->domain)};
        weft_http_text own = {k->domain, (uint32_t)strlen(k->domain)};
        if (o->secure && same_text(o->name, k->name) &&
            (wf_http_cookie_domain_matches(k->domain, domain) ||
             wf_http_cookie_domain_matches(o->domain, own)) &&
            wf_http_cookie_path_matches(k->path, o->path))
            return true;
    }
    return false;
}

/* Makes room: the oldest of the domain, or of all, goes. */
static void evict(wf_http_jar *jar, const char *domain)
{
    uint32_t of_domain = 0;
    kept **last = NULL, **oldest = NULL;
    for (kept **at = &jar->first; *at != NULL; at = &(*at)->next) {
        oldest = at;
        if (strcmp((*at)->domain, domain) == 0) {
            of_domain++;
            last = at;
        }
    }
    if (of_domain >= WF_HTTP_COOKIES_OF_DOMAIN_MAX)
        take_out(jar, last);
    else if (jar->count >= jar->max && oldest != NULL)
        take_out(jar, oldest);
}

weft_err wf_http_jar_set(wf_http_jar *jar, const wf_http_place *from, weft_http_text field,
                         int64_t now_s)
{
    wf_http_cookie cookie;
    if (jar->max == 0 || !wf_http_cookie_parse(field, now_s, &cookie) || !may_set(from, &cookie))
        return WEFT_OK;
    kept *k = keep(from, &cookie);
    if (k == NULL)
        return WEFT_ENOMEM;
    if (is_overlaid(jar, from, k)) {
        weft_alloc_free(k);
        return WEFT_OK;
    }
    for (kept **at = &jar->first; *at != NULL; at = &(*at)->next)
        if (same(*at, k)) {
            take_out(jar, at);
            break;
        }
    if (k->persistent && k->expires_s <= now_s) {
        weft_alloc_free(k); /* that was how it is removed */
        return WEFT_OK;
    }
    expire(jar, now_s);
    evict(jar, k->domain);
    k->next = jar->first;
    jar->first = k;
    jar->count++;
    return WEFT_OK;
}

/* ---- which go */

static bool goes(const kept *k, const wf_http_place *to)
{
    weft_http_text domain = {k->domain, (uint32_t)strlen(k->domain)};
    bool here = k->host_only ? strcmp(k->domain, to->host) == 0
                             : wf_http_cookie_domain_matches(to->host, domain);
    return here && (!k->secure || to->secure) && wf_http_cookie_path_matches(to->path, k->path);
}

static void put_one(wf_http_writer *w, const kept *k)
{
    if (w->n + k->name.bytes + k->value.bytes + 3 > WF_HTTP_COOKIE_HEADER_BYTES_MAX)
        return;
    if (w->n != 0)
        wf_http_put(w, "; ", 2);
    if (k->name.bytes != 0) {
        wf_http_put(w, k->name.at, k->name.bytes);
        wf_http_put_char(w, '=');
    }
    if (k->value.bytes != 0)
        wf_http_put(w, k->value.at, k->value.bytes);
}

/* Section 5.8.3: longer paths first. Among those of one length the oldest come first, and the list has
 * the youngest first. */
static void put_of_length(const kept *k, const wf_http_place *to, uint32_t path_bytes,
                          wf_http_writer *w)
{
    const kept *chosen[WF_HTTP_COOKIES_OF_DOMAIN_MAX];
    unsigned n = 0;
    for (; k != NULL && n < WF_HTTP_COOKIES_OF_DOMAIN_MAX; k = k->next)
        if (k->path.bytes == path_bytes && goes(k, to))
            chosen[n++] = k;
    while (n > 0)
        put_one(w, chosen[--n]);
}

void wf_http_jar_put(wf_http_jar *jar, const wf_http_place *to, int64_t now_s, wf_http_writer *w)
{
    uint32_t below = UINT32_MAX, longest;
    expire(jar, now_s);
    do {
        longest = 0;
        for (const kept *k = jar->first; k != NULL; k = k->next)
            if (k->path.bytes < below && k->path.bytes > longest && goes(k, to))
                longest = k->path.bytes;
        if (longest != 0)
            put_of_length(jar->first, to, longest, w);
        below = longest;
    } while (longest != 0);
}
