/* SPDX-License-Identifier: MIT */
/* Virtual hosts: which routes are those of the host that a request names. */
#include <stdlib.h>
#include <string.h>

#include "http_hosts.h"

#define DIGITS_AND_SUCH "abcdefghijklmnopqrstuvwxyz0123456789-_.:"

/* ---- compiled */

static int compare(const void *a, const void *b)
{
    return strcmp(((const wf_http_host *)a)->name, ((const wf_http_host *)b)->name);
}

static void lower(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] | 0x20 : from[i]);
    to[n] = '\0';
}

/* A name, or "*." and a name. An IPv6 address stands as requests have it, in brackets. */
static weft_err take_name(wf_http_host *host, const char *name, weft_why *why)
{
    size_t n = strlen(name);
    bool fits = n != 0 && n < sizeof host->name;
    lower(host->name, name, fits ? n : 0);
    const char *rest = host->name + (strncmp(host->name, "*.", 2) == 0 ? 2 : 0);
    rest += rest == host->name && *rest == '[';
    size_t body = strspn(rest, DIGITS_AND_SUCH);
    bool ends = rest[body] == '\0' || strcmp(rest + body, "]") == 0;
    if (fits && body != 0 && ends && rest[body - 1] != '.')
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL,
                        "the host \"%.80s\", expected a name such as example.org or *.example.org",
                        name);
}

static weft_err check_order(const wf_http_hosts *hosts, weft_why *why)
{
    for (uint32_t i = 1; i < hosts->count; i++)
        if (strcmp(hosts->of[i - 1].name, hosts->of[i].name) == 0)
            return weft_because(why, WEFT_EEXISTS, "the host \"%.80s\" stands there twice",
                                hosts->of[i].name);
    return WEFT_OK;
}

weft_err wf_http_hosts_compile(const weft_http_host *rows, wf_http_hosts **out, weft_why *why)
{
    uint32_t n = 0;
    while (rows[n].name != NULL)
        if (++n > WEFT_HTTP_HOSTS_MAX)
            return weft_because(why, WEFT_ELIMIT, "more than %d hosts", WEFT_HTTP_HOSTS_MAX);
    wf_http_hosts *hosts = weft_alloc_zero(sizeof *hosts + n * sizeof *hosts->of);
    if (hosts == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for %u hosts", n);
    weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < n && err == WEFT_OK; i++) {
        wf_http_host *host = &hosts->of[hosts->count++];
        err = take_name(host, rows[i].name, why);
        if (err == WEFT_OK)
            err = wf_http_table_compile(rows[i].routes, &host->table, why);
    }
    qsort(hosts->of, hosts->count, sizeof *hosts->of, compare);
    if (err == WEFT_OK)
        err = check_order(hosts, why);
    if (err == WEFT_OK)
        *out = hosts;
    else
        wf_http_hosts_free(hosts);
    return err;
}

void wf_http_hosts_free(wf_http_hosts *hosts)
{
    if (hosts == NULL)
        return;
    for (uint32_t i = 0; i < hosts->count; i++)
        wf_http_routes_free(&hosts->of[i].table.routes);
    weft_alloc_free(hosts);
}

/* ---- looked up */

static const wf_http_table *find(const wf_http_hosts *hosts, const wf_http_host *key)
{
    const wf_http_host *found = bsearch(key, hosts->of, hosts->count, sizeof *hosts->of, compare);
    return found != NULL ? &found->table : NULL;
}

/* The name itself, or the nearest wildcard above it. */
const wf_http_table *wf_http_hosts_find(const wf_http_hosts *hosts, weft_http_text name)
{
    wf_http_host key;
    /* RFC 3986 section 3.2.2: the dot at the end says that the name is whole */
    if (name.bytes != 0 && name.at[name.bytes - 1] == '.')
        name.bytes--;
    if (name.bytes == 0 || name.bytes >= sizeof key.name)
        return NULL;
    lower(key.name, name.at, name.bytes);
    if (strlen(key.name) != name.bytes)
        return NULL;
    const wf_http_table *found = find(hosts, &key);
    char *dot = key.name[0] != '[' ? strchr(key.name, '.') : NULL;
    while (found == NULL && dot != NULL && dot != key.name) {
        memmove(key.name + 1, dot, strlen(dot) + 1);
        key.name[0] = '*';
        found = find(hosts, &key);
        dot = strchr(key.name + 2, '.');
    }
    return found;
}
