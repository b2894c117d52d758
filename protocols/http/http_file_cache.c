/* SPDX-License-Identifier: MIT */
/* The cache of files: a hash table whose entries also stand in the order of their use. */
#include "http_file_cache.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include <weft/edge.h>

#include "http_file_work.h"
#include "http_users.h"

enum {
    BUCKETS_MIN = 64,
    BUCKETS_MAX = 1 << 16,
    DESCRIPTORS_SHARE = 4, /* of the process's: the rest is for connections */
    DESCRIPTORS_MIN = 8,
};

/* ---- keys */

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const char *at, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, at, n);
    return word;
}

/* Eight bytes a step, each multiplied with the seed's secret. */
static uint64_t hash_of(const wf_http_file_cache *cache, const wf_http_file_ask *ask)
{
    uint64_t h = cache->seed ^ (ask->path_n << 1 | ask->folder);
    const char *at = ask->path;
    size_t n = ask->path_n;

    for (; n > sizeof(uint64_t); at += sizeof(uint64_t), n -= sizeof(uint64_t))
        h = mix(h ^ word_at(at, sizeof(uint64_t)), cache->seed | 1);
    return mix(h ^ word_at(at, n), UINT64_C(0x9e3779b97f4a7c15) ^ cache->seed);
}

static bool is_asked(const wf_http_file_entry *e, uint64_t hash, const wf_http_file_ask *ask)
{
    return e->hash == hash && e->path_n == ask->path_n && e->folder == ask->folder &&
           memcmp(e->path, ask->path, ask->path_n) == 0;
}

static wf_http_file_entry *find(const wf_http_file_cache *cache, uint64_t hash,
                                const wf_http_file_ask *ask)
{
    wf_http_file_entry *e = cache->buckets[hash & cache->mask];
    while (e != NULL && !is_asked(e, hash, ask))
        e = e->chain;
    return e;
}

/* ---- entries in their list */

static void list_add(wf_http_file_list *list, wf_http_file_entry *e)
{
    e->list = list;
    e->newer = NULL;
    e->older = list->newest;
    if (list->newest != NULL)
        list->newest->newer = e;
    else
        list->oldest = e;
    list->newest = e;
    list->n++;
}

static void list_remove(wf_http_file_entry *e)
{
    wf_http_file_list *list = e->list;

    if (list == NULL)
        return;
    *(e->newer != NULL ? &e->newer->older : &list->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &list->oldest) = e->newer;
    list->n--;
    e->list = NULL;
}

void wf_http_file_entry_share(wf_http_file_entry *e)
{
    e->refs++;
}

void wf_http_file_entry_drop(wf_http_file_entry *e)
{
    if (--e->refs != 0)
        return;
    wf_http_file_done(&e->file);
    weft_alloc_free(e);
}

static void drop(wf_http_file_cache *cache, wf_http_file_entry *e)
{
    wf_http_file_entry **at = &cache->buckets[e->hash & cache->mask];

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    list_remove(e);
    cache->bytes -= e->bytes;
    cache->descriptors -= e->descriptors;
    e->cache = NULL;
    wf_http_file_entry_drop(e);
}

void wf_http_file_cache_lose(wf_http_file_entry *e)
{
    if (e->cache != NULL)
        drop(e->cache, e);
}

/* Counts again what @e holds. */
static void recount(wf_http_file_cache *cache, wf_http_file_entry *e)
{
    cache->bytes -= e->bytes;
    cache->descriptors -= e->descriptors;
    e->bytes = sizeof *e + e->path_n + wf_http_file_bytes(&e->file);
    e->descriptors = wf_http_file_descriptors(&e->file);
    cache->bytes += e->bytes;
    cache->descriptors += e->descriptors;
}

static bool is_beyond(const wf_http_file_cache *cache, const wf_http_file_list *list)
{
    return list->n > list->max ||
           (list == &cache->served &&
            (cache->bytes > cache->bytes_max || cache->descriptors > cache->descriptors_max));
}

/* Drops the oldest beyond the limits, but never @spared. */
static void trim(wf_http_file_cache *cache, wf_http_file_list *list,
                 const wf_http_file_entry *spared)
{
    for (wf_http_file_entry *e = list->oldest, *newer; e != NULL && is_beyond(cache, list);
         e = newer) {
        newer = e->newer;
        if (e != spared)
            drop(cache, e);
    }
}

/* ---- what nobody asks for */

/* Drops what was not asked for in @idle_ms. */
static void drop_idle(wf_http_file_cache *cache, wf_http_file_list *list, uint32_t now_ms,
                      uint32_t idle_ms)
{
    for (wf_http_file_entry *e = list->oldest, *newer; e != NULL && now_ms - e->used_ms >= idle_ms;
         e = newer) {
        newer = e->newer;
        drop(cache, e);
    }
}

static void on_alarm(weft_alarm *alarm)
{
    wf_http_file_cache *cache =
        (wf_http_file_cache *)(void *)((char *)alarm - offsetof(wf_http_file_cache, alarm));
    uint32_t now_ms = weft_now_ms(NULL);

    drop_idle(cache, &cache->served, now_ms, WF_HTTP_FILE_CACHE_IDLE_MS);
    drop_idle(cache, &cache->refused, now_ms, WF_HTTP_FILE_CACHE_IDLE_MS);
    cache->alarmed = cache->served.n + cache->refused.n > 0;
    if (cache->alarmed)
        weft_alarm_set(&cache->alarm, WF_HTTP_FILE_CACHE_IDLE_MS, on_alarm);
}

static void touch(wf_http_file_cache *cache, wf_http_file_entry *e, wf_http_file_list *list)
{
    /* within a tick, the order does not matter enough to be kept */
    if (e->list == list && e->used_ms == cache->now_ms)
        return;
    e->used_ms = cache->now_ms;
    list_remove(e);
    list_add(list, e);
    if (!cache->alarmed) {
        cache->alarmed = true;
        weft_alarm_set(&cache->alarm, WF_HTTP_FILE_CACHE_IDLE_MS, on_alarm);
    }
}

/* ---- looking up */

static weft_err refresh_root(wf_http_file_cache *cache, weft_why *why)
{
    weft_err err = wf_http_file_root_refresh(&cache->root, why);

    /* a root that is not there is the server's fault, not the client's */
    if (err == WEFT_ENOTFOUND || err == WEFT_EDENIED)
        err = WEFT_EIO;
    return err;
}

bool wf_http_file_cache_spare(wf_http_file_cache *cache, const wf_http_file_entry *spared)
{
    uint32_t before = cache->descriptors;
    wf_http_file_entry *e = cache->served.oldest;

    while (e != NULL && cache->descriptors == before) {
        wf_http_file_entry *newer = e->newer;
        if (e != spared)
            drop(cache, e);
        e = newer;
    }
    return cache->descriptors < before;
}

/* As wf_http_file_load; if there is no descriptor left, what is held open gives one back first. */
static weft_err load(wf_http_file_cache *cache, weft_actor *self, const wf_http_file_ask *ask,
                     wf_http_file_entry *e, wf_http_file *out, weft_why *why)
{
    int64_t now_ns = (int64_t)weft_wall_ns(self);
    wf_http_file *old = e != NULL ? &e->file : NULL;
    weft_err err;

    do {
        err = refresh_root(cache, why);
        if (err == WEFT_OK)
            err = wf_http_file_load(&cache->root, cache->config, ask, now_ns, old, out, why);
    } while (err == WEFT_ELIMIT && wf_http_file_cache_spare(cache, e));
    return err;
}

/* A new one was never looked up: it is as stale as can be. */
static wf_http_file_entry *entry_new(wf_http_file_cache *cache, uint64_t hash,
                                     const wf_http_file_ask *ask)
{
    wf_http_file_entry *e = weft_alloc_zero(sizeof *e + ask->path_n + 1);

    if (e == NULL)
        return NULL;
    e->hash = hash;
    e->path_n = (uint32_t)ask->path_n;
    e->folder = ask->folder;
    e->refs = 1;
    e->cache = cache;
    e->checked_ms = cache->now_ms - cache->cache_ms;
    memcpy(e->path, ask->path, ask->path_n);
    e->chain = cache->buckets[hash & cache->mask];
    cache->buckets[hash & cache->mask] = e;
    return e;
}

static void install(wf_http_file_cache *cache, wf_http_file_entry *e, const wf_http_file *fresh)
{
    bool served = fresh->kind == WF_HTTP_FILE_SERVED || fresh->kind == WF_HTTP_FILE_LISTING;

    wf_http_file_done(&e->file);
    e->file = *fresh;
    e->checked_ms = cache->now_ms;
    touch(cache, e, served ? &cache->served : &cache->refused);
    recount(cache, e);
    trim(cache, e->list, e);
}

void wf_http_file_cache_put(wf_http_file_entry *e, weft_actor *self, wf_http_file *fresh)
{
    wf_http_file_cache *cache = e->cache;

    if (cache == NULL) {
        wf_http_file_done(&e->file);
        e->file = *fresh;
        return;
    }
    cache->now_ms = weft_now_ms(self);
    wf_http_file_keep(cache->config, fresh, &e->file);
    install(cache, e, fresh);
}

void wf_http_file_cache_count(wf_http_file_entry *e)
{
    if (e->cache == NULL || e->list == NULL)
        return;
    recount(e->cache, e);
    trim(e->cache, e->list, e);
}

/* Has the pool look. errors: COLD, when it does; ENOMEM. */
static weft_err look_there(weft_actor *self, wf_http_file_entry *e, const wf_http_file_ask *ask,
                           weft_why *why)
{
    weft_err err = wf_http_work_look(self, e, ask, why);

    if (err == WEFT_OK)
        return WF_HTTP_FILE_COLD;
    wf_http_file_cache_lose(e);
    return err;
}

/* Here, if all that is needed is in the kernel's memory; else there. */
static weft_err look_up(wf_http_file_cache *cache, weft_actor *self, uint64_t hash,
                        const wf_http_file_ask *ask, wf_http_file_entry **out, weft_why *why)
{
    wf_http_file_entry *e = *out;
    wf_http_file fresh = {.kind = WF_HTTP_FILE_NONE};

    if (e != NULL && !weft_ref_is_nobody(e->looking))
        return WF_HTTP_FILE_COLD;
    if (ask->user_n != 0 && cache->users_looking >= cache->users_looking_max)
        return weft_because(why, WEFT_ELIMIT, "%" PRIu32 " lookups of users' files are under way",
                            cache->users_looking);
    weft_err err = ask->user_n != 0 ? WF_HTTP_FILE_COLD : load(cache, self, ask, e, &fresh, why);
    if ((err == WEFT_OK || err == WF_HTTP_FILE_COLD) && e == NULL &&
        (e = entry_new(cache, hash, ask)) == NULL) {
        wf_http_file_done(&fresh);
        return WEFT_ENOMEM;
    }
    *out = e;
    if (err == WF_HTTP_FILE_COLD)
        return look_there(self, e, ask, why);
    if (err != WEFT_OK) {
        if (e != NULL)
            drop(cache, e);
        return err;
    }
    install(cache, e, &fresh);
    return WEFT_OK;
}

bool wf_http_file_has_title(const wf_http_file *file, weft_http_text title)
{
    return file->kind != WF_HTTP_FILE_LISTING ||
           (strncmp(file->title, title.bytes > 0 ? title.at : "", title.bytes) == 0 &&
            file->title[title.bytes] == '\0');
}

weft_err wf_http_file_cache_get(wf_http_file_cache *cache, weft_actor *self,
                                const wf_http_file_ask *ask, wf_http_file_entry **out,
                                weft_why *why)
{
    uint64_t hash = hash_of(cache, ask);
    wf_http_file_entry *e = *out = find(cache, hash, ask);

    cache->now_ms = weft_now_ms(self);
    if (e == NULL || cache->now_ms - e->checked_ms >= cache->cache_ms ||
        !wf_http_file_has_title(&e->file, ask->title))
        return look_up(cache, self, hash, ask, out, why);
    touch(cache, e, e->list);
    return WEFT_OK;
}

/* ---- one for each config and reactor */

/* Those that are being looked up for the first time stand in no list. */
static void drop_unlooked(wf_http_file_cache *cache)
{
    for (uint32_t i = 0; i <= cache->mask; i++)
        while (cache->buckets[i] != NULL)
            drop(cache, cache->buckets[i]);
}

static void caches_free(void *kept)
{
    for (wf_http_file_cache *cache = kept, *next; cache != NULL; cache = next) {
        next = cache->next;
        drop_idle(cache, &cache->served, 0, 0);
        drop_idle(cache, &cache->refused, 0, 0);
        drop_unlooked(cache);
        weft_alarm_clear(&cache->alarm);
        wf_http_file_root_done(&cache->root);
        weft_alloc_free(cache->buckets);
        weft_alloc_free(cache);
    }
}

static uint32_t descriptors_max(weft_actor *self, uint32_t files_max)
{
    unsigned reactors = weft_system_reactors(weft_system_of(self));
    struct rlimit limit;
    rlim_t share;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return files_max;
    share = limit.rlim_cur / DESCRIPTORS_SHARE / (reactors != 0 ? reactors : 1);
    if (share < DESCRIPTORS_MIN)
        share = DESCRIPTORS_MIN;
    return share < files_max ? (uint32_t)share : files_max;
}

static bool make_buckets(wf_http_file_cache *cache, uint32_t entries_max)
{
    uint32_t n = BUCKETS_MIN;

    while (n < entries_max && n < BUCKETS_MAX)
        n *= 2;
    cache->mask = n - 1;
    cache->buckets = weft_alloc_zero(n * sizeof(wf_http_file_entry *));
    return cache->buckets != NULL;
}

static wf_http_file_cache *cache_new(weft_actor *self, const weft_http_files_config *config)
{
    wf_http_file_cache *cache = weft_alloc_zero(sizeof *cache);
    uint32_t files_max = config->cache_files_max != 0 ? config->cache_files_max
                                                      : WF_HTTP_FILE_CACHE_FILES_MAX_DEFAULT;

    if (cache == NULL || !make_buckets(cache, files_max)) {
        weft_alloc_free(cache);
        return NULL;
    }
    cache->config = config;
    cache->root = (wf_http_file_root){.path = config->root != NULL ? config->root : ".",
                                      .follow = config->follow_symlinks,
                                      .hasty = true,
                                      .sim = weft_sim_of(weft_system_of(self)),
                                      .cwd = -1,
                                      .fd = -1};
    cache->cache_ms = config->cache_ms != 0 ? config->cache_ms : WF_HTTP_FILE_CACHE_MS_DEFAULT;
    cache->served.max = files_max;
    cache->refused.max = WF_HTTP_FILE_CACHE_REFUSED_MAX;
    cache->bytes_max = WF_HTTP_FILE_CACHE_BYTES_MAX;
    cache->descriptors_max = descriptors_max(self, files_max);
    cache->users_looking_max = config->users != NULL && config->users->lookups_max != 0
                                   ? config->users->lookups_max
                                   : WF_HTTP_USERS_LOOKUPS_MAX_DEFAULT;
    weft_random(self, &cache->seed, sizeof cache->seed);
    return cache;
}

wf_http_file_cache *wf_http_file_cache_here(weft_actor *self, const weft_http_files_config *config)
{
    void **kept = weft_kept(WEFT_KEPT_FILES);
    wf_http_file_cache *cache = *kept;

    while (cache != NULL && cache->config != config)
        cache = cache->next;
    if (cache != NULL)
        return cache;
    cache = cache_new(self, config);
    if (cache == NULL)
        return NULL;
    cache->next = *kept;
    *kept = cache;
    weft_kept_set_free(WEFT_KEPT_FILES, caches_free);
    return cache;
}
