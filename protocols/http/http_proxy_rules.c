/* SPDX-License-Identifier: MIT */
/* Which proxy a client goes through to a host, if any: as configured, or as curl reads the environment. */
#include "http_proxy_rules.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- hosts that are reached directly */

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) & (0xff00 >> rest & 0xff)) == 0;
}

/* "192.0.2.0/24", "2001:db8::/32", or without the number. */
static bool is_in_network(const char *entry, size_t n, const wf_http_url *url)
{
    char text[64];
    uint8_t network[16], host[16];
    int family = url->kind == WEFT_HOST_V6 ? AF_INET6 : AF_INET;
    unsigned long bits = family == AF_INET6 ? 128 : 32, most = bits;
    if (n >= 2 && entry[0] == '[' && entry[n - 1] == ']')
        entry++, n -= 2;
    if (n >= sizeof text)
        return false;
    memcpy(text, entry, n);
    text[n] = '\0';
    char *slash = strchr(text, '/'), *end;
    if (slash != NULL) {
        *slash++ = '\0';
        bits = strtoul(slash, &end, 10);
        if (*slash < '0' || *slash > '9' || *end != '\0' || bits > most)
            return false;
    }
    return inet_pton(family, text, network) == 1 && inet_pton(family, url->host, host) == 1 &&
           same_bits(network, host, (unsigned)bits);
}

/* "example.org" and ".example.org" are the name and all that is below it. */
static bool is_below(const char *entry, size_t n, const char *host, size_t host_n)
{
    if (n != 0 && entry[0] == '.')
        entry++, n--;
    if (n != 0 && entry[n - 1] == '.')
        n--;
    if (host_n != 0 && host[host_n - 1] == '.')
        host_n--;
    return n != 0 && n <= host_n && strncasecmp(host + host_n - n, entry, n) == 0 &&
           (n == host_n || host[host_n - n - 1] == '.');
}

bool wf_http_is_direct(const char *list, const wf_http_url *url)
{
    static const char between[] = ", \t";
    bool name = url->kind != WEFT_HOST_V4 && url->kind != WEFT_HOST_V6;
    for (const char *at = list + strspn(list, between); *at != '\0'; at += strspn(at, between)) {
        size_t n = strcspn(at, between);
        if ((n == 1 && at[0] == '*') ||
            (name ? is_below(at, n, url->host, strlen(url->host)) : is_in_network(at, n, url)))
            return true;
        at += n;
    }
    return false;
}

/* ---- which */

static const char *environment(const char *name, const char *other)
{
    const char *value = getenv(name);
    if ((value == NULL || value[0] == '\0') && other != NULL)
        value = getenv(other);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A proxy without a scheme is one of HTTP. */
static weft_err take(char **to, const char *value)
{
    static const char scheme[] = "http://";
    if (value == NULL)
        return WEFT_OK;
    size_t n = strlen(value) + 1, front = strstr(value, "://") == NULL ? sizeof scheme - 1 : 0;
    *to = weft_alloc(front + n);
    if (*to == NULL)
        return WEFT_ENOMEM;
    memcpy(*to, scheme, front);
    memcpy(*to + front, value, n);
    return WEFT_OK;
}

/* HTTP_PROXY does not count: a CGI program has it from a request's Proxy field. */
static weft_err take_environment(wf_http_proxies *p)
{
    const char *all = environment("all_proxy", "ALL_PROXY");
    const char *http = environment("http_proxy", NULL);
    const char *https = environment("https_proxy", "HTTPS_PROXY");
    const char *direct = environment("no_proxy", "NO_PROXY");
    weft_err err = take(&p->http, http != NULL ? http : all);
    if (err == WEFT_OK)
        err = take(&p->https, https != NULL ? https : all);
    if (err == WEFT_OK && direct != NULL) {
        size_t n = strlen(direct) + 1;
        p->direct = weft_alloc(n);
        if (p->direct == NULL)
            return WEFT_ENOMEM;
        memcpy(p->direct, direct, n);
    }
    return err;
}

weft_err wf_http_proxies_read(const weft_http_client_config *config, wf_http_proxies *out)
{
    return config->proxy == NULL && config->proxy_from_environment ? take_environment(out)
                                                                   : WEFT_OK;
}

void wf_http_proxies_done(wf_http_proxies *p)
{
    weft_alloc_free(p->http);
    weft_alloc_free(p->https);
    weft_alloc_free(p->direct);
}

const char *wf_http_proxy_to(const weft_http_client_config *config, const wf_http_proxies *p,
                             const wf_http_url *url)
{
    const char *direct = config->no_proxy != NULL ? config->no_proxy : p->direct;
    const char *proxy = config->proxy;
    if (proxy == NULL)
        proxy = url->secure ? p->https : p->http;
    return proxy == NULL || (direct != NULL && wf_http_is_direct(direct, url)) ? NULL : proxy;
}
