/* SPDX-License-Identifier: MIT */
/* The cache of the resolver: answers by name and type, the least used of which goes. */
#include <string.h>

#include "resolver.h"

enum { LOAD = 2, MS = 1000 };

struct wf_cached {
    wf_cached *next;          /* of its bucket */
    wf_cached *newer, *older; /* used */
    wf_answer *answer;
    uint32_t hash, since_ms, ttl_ms;
    uint16_t type;
    char name[];
};

uint32_t wf_resolver_hash(uint32_t seed, const char *name, uint16_t type)
{
    uint32_t hash = seed ^ type;
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 0x01000193U;
    return hash ^ hash >> 15;
}

weft_err wf_cache_init(wf_cache *c, uint32_t max, uint32_t seed)
{
    uint32_t buckets = 1;
    while (buckets < max / LOAD)
        buckets *= 2;
    *c = (wf_cache){.max = max, .mask = buckets - 1, .seed = seed};
    c->buckets = weft_alloc_zero(buckets * sizeof *c->buckets);
    return c->buckets != NULL ? WEFT_OK : WEFT_ENOMEM;
}

static void unlink_used(wf_cache *c, wf_cached *e)
{
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(wf_cache *c, wf_cached *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e;
    c->newest = e;
}

static void forget(wf_cache *c, wf_cached *e)
{
    wf_cached **at = &c->buckets[e->hash & c->mask].first;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    unlink_used(c, e);
    wf_answer_drop(&e->answer);
    weft_alloc_free(e);
    c->n--;
}

void wf_cache_clear(wf_cache *c)
{
    while (c->oldest != NULL)
        forget(c, c->oldest);
}

void wf_cache_done(wf_cache *c)
{
    wf_cache_clear(c);
    weft_alloc_free(c->buckets);
    *c = (wf_cache){.max = 0};
}

static wf_cached *find(const wf_cache *c, uint32_t hash, const char *name, uint16_t type)
{
    wf_cached *e = c->buckets[hash & c->mask].first;
    while (e != NULL && (e->hash != hash || e->type != type || strcmp(e->name, name) != 0))
        e = e->next;
    return e;
}

wf_answer *wf_cache_find(wf_cache *c, const char *name, uint16_t type, uint32_t now_ms,
                         uint32_t *ttl_s)
{
    wf_cached *e = find(c, wf_resolver_hash(c->seed, name, type), name, type);
    if (e == NULL)
        return NULL;
    uint32_t age_ms = now_ms - e->since_ms;
    if (age_ms >= e->ttl_ms) {
        forget(c, e);
        return NULL;
    }
    unlink_used(c, e);
    link_newest(c, e);
    *ttl_s = (e->ttl_ms - age_ms + MS - 1) / MS;
    return e->answer;
}

void wf_cache_put(wf_cache *c, const char *name, uint16_t type, wf_answer *answer, uint32_t now_ms)
{
    uint32_t hash = wf_resolver_hash(c->seed, name, type);
    wf_cached *e = find(c, hash, name, type);
    size_t n = strlen(name) + 1;
    if (e != NULL)
        forget(c, e);
    if (answer->ttl_s == 0)
        return;
    if (c->n == c->max)
        forget(c, c->oldest);
    e = weft_alloc_zero(sizeof *e + n);
    if (e == NULL)
        return;
    e->answer = wf_answer_share(answer);
    e->hash = hash;
    e->type = type;
    e->since_ms = now_ms;
    e->ttl_ms = answer->ttl_s < UINT32_MAX / MS ? answer->ttl_s * MS : UINT32_MAX;
    memcpy(e->name, name, n);
    e->next = c->buckets[hash & c->mask].first;
    c->buckets[hash & c->mask].first = e;
    link_newest(c, e);
    c->n++;
}
