/* SPDX-License-Identifier: MIT */
/* What is known of a root's files: one for each config and reactor, bounded in every direction, and
 * never staler than its config allows.
 *
 *            get                       cache_ms later: get
 *   (none) ───────▶ looked up, kept ─────────────────────▶ looked up again, what is the same kept
 *                     │  the oldest beyond a limit, and what nobody asks for: dropped
 *                     ▼
 *                   (none)
 *
 * A hit is a hash and a comparison: no system call, no memory taken. What is not there is kept too,
 * in a list of its own, so that guessed names do not drive files out.
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

/* In the order in which they were asked for. */
typedef struct wf_http_file_list {
    wf_http_file_entry *newest, *oldest;
    uint32_t n, max;
} wf_http_file_list;

typedef struct wf_http_file_cache {
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
    uint32_t now_ms; /* of the call that is under way */
    weft_alarm alarm;
    bool alarmed;
} wf_http_file_cache;

/* The cache of @config on this reactor; made by the first call. errors: NULL when memory is out. */
wf_http_file_cache *wf_http_file_cache_here(weft_actor *self, const weft_http_files_config *config);

/* What @ask is served with; valid until the next call. errors: as wf_http_file_load, and those of
 * the root itself, as EIO with @why. */
WEFT_MUST_USE weft_err wf_http_file_cache_get(wf_http_file_cache *cache, weft_actor *self,
                                              const wf_http_file_ask *ask, wf_http_file **out,
                                              weft_why *why);

/* Makes what is unmade of the gzip form of @file, which the cache gave out. false: there is none
 * then; as wf_http_file_pack. */
bool wf_http_file_cache_pack(wf_http_file_cache *cache, wf_http_file *file);

#endif
