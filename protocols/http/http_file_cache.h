/* SPDX-License-Identifier: MIT */
/* What is known of a root's files: one for each config and reactor, bounded in every direction, and
 * never staler than its config allows.
 *
 *            get                       cache_ms later: get
 *   (none) ───────▶ looked up, kept ─────────────────────▶ looked up again, what is the same kept
 *      │              ▲   │  the oldest beyond a limit, and what nobody asks for: dropped
 *      │ cold         │   ▼
 *      ▼              │ (none)
 *   the pool looks ───┘
 *
 * A hit is a hash and a comparison: no system call, no memory taken. What is not there is kept too,
 * in a list of its own, so that guessed names do not drive files out. What is not in the kernel's
 * memory is looked up by the blocking pool, once for all who ask meanwhile (http_file_work.h); an
 * entry is shared by count, so that whoever waited for it is served by it, whatever becomes of the
 * cache. What users have (http_users.h) is never looked up here: who somebody is may be written down on
 * another machine.
 *
 * thread: in a handler; it belongs to the reactor. */
#ifndef WF_HTTP_FILE_CACHE_H
#define WF_HTTP_FILE_CACHE_H

#include <weft/edge.h>

#include "http_file.h"

/* The limits, unless the config says otherwise. */
#define WF_HTTP_FILE_CACHE_MS_DEFAULT 1000u
#define WF_HTTP_FILE_CACHE_FILES_MAX_DEFAULT 1024u

/* Paths that are known not to be there, not permitted, or to want a '/' at their end. */
#define WF_HTTP_FILE_CACHE_REFUSED_MAX 256u

/* What all files in memory, pages and packed forms add up to. */
#define WF_HTTP_FILE_CACHE_BYTES_MAX (64u << 20)

/* What nobody has asked for in this time is dropped, at the latest after twice as long: a deleted
 * file does not hold its disk space for ever, and an idle process has nothing to wake up for. */
#define WF_HTTP_FILE_CACHE_IDLE_MS 10000u

typedef struct wf_http_file_entry wf_http_file_entry;
typedef struct wf_http_file_cache wf_http_file_cache;

/* In the order in which they were asked for. */
typedef struct wf_http_file_list {
    wf_http_file_entry *newest, *oldest;
    uint32_t n, max;
} wf_http_file_list;

struct wf_http_file_entry {
    wf_http_file_entry *chain; /* in its bucket */
    wf_http_file_entry *newer, *older;
    wf_http_file_list
        *list; /* NULL: in none, since it was never looked up, or is out of the cache */
    wf_http_file_cache *cache; /* NULL: out of it */
    uint32_t refs;             /* the cache's, and those of whoever waited for it */
    uint64_t hash;
    uint32_t checked_ms, used_ms;
    size_t bytes; /* what the cache counts for it */
    uint32_t descriptors;
    uint32_t path_n;
    bool folder;
    weft_ref looking;                         /* who does it; nobody: it is not being done */
    weft_ref packing[WF_HTTP_CODINGS_COUNT_]; /* the same, for each coding */
    wf_http_file file;
    char path[];
};

struct wf_http_file_cache {
    struct wf_http_file_cache *next; /* of the reactor */
    const weft_http_files_config *config;
    wf_http_file_root root;
    uint32_t cache_ms;
    uint64_t seed; /* so that nobody can choose paths that collide */
    wf_http_file_entry **buckets;
    uint32_t mask;
    wf_http_file_list served, refused;
    size_t bytes, bytes_max;
    uint32_t descriptors, descriptors_max;
    uint32_t users_looking, users_looking_max; /* lookups of what users have, under way */
    uint32_t now_ms;                           /* of the call that is under way */
    weft_alarm alarm;
    bool alarmed;
};

/* The cache of @config on this reactor; made by the first call. errors: NULL when memory is out. */
wf_http_file_cache *wf_http_file_cache_here(weft_actor *self, const weft_http_files_config *config);

/* What @ask is served with; borrowed until the next call. errors: COLD (its `looking` does it: ask
 * that), else as wf_http_file_load, and those of the root itself, as EIO with @why. */
WEFT_MUST_USE weft_err wf_http_file_cache_get(wf_http_file_cache *cache, weft_actor *self,
                                              const wf_http_file_ask *ask, wf_http_file_entry **out,
                                              weft_why *why);

/* Whether the page in @file, if it is one, is titled by @title: where it is asked for. */
bool wf_http_file_has_title(const wf_http_file *file, weft_http_text title);

/* A lookup came to @fresh, which @e takes over. */
void wf_http_file_cache_put(wf_http_file_entry *e, weft_actor *self, wf_http_file *fresh);
/* A lookup failed: @e is no longer in its cache. Calm when it is not. */
void wf_http_file_cache_lose(wf_http_file_entry *e);
/* Gives a descriptor back that is held open for others than @spared. false: there is none. */
bool wf_http_file_cache_spare(wf_http_file_cache *cache, const wf_http_file_entry *spared);
/* @e holds more, or less, than it did. */
void wf_http_file_cache_count(wf_http_file_entry *e);

/* Takes a share of @e, and gives it back. */
void wf_http_file_entry_share(wf_http_file_entry *e);
void wf_http_file_entry_drop(wf_http_file_entry *e);

#endif
