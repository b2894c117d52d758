/* SPDX-License-Identifier: MIT */
/* The parts of the resolver.
 *
 *   request ──▶ its candidates (search domains), one after the other ──▶ hosts? cache? ── yes ──▶ reply
 *                                                                          │ no
 *                     question ◀── joined, or new ─────────────────────────┘
 *                        │ asked of what sends it (c-ares; the table of a simulation)
 *                        ▼
 *                     answer ──▶ cache ──▶ each request that waits: reply, or its next candidate
 */
#ifndef WF_RESOLVER_H
#define WF_RESOLVER_H

#include <weft/edge.h>
#include <weft/resolver.h>

/* ---- answers (resolver_answer.c): shared between messages, the cache and threads */

typedef struct wf_answer wf_answer;

struct wf_answer {
    _Atomic uint32_t shares;
    bool none; /* the name, or the type, is not there */
    uint32_t ttl_s, n;
    const char *name;
    weft_resolver_record record[]; /* behind them what they point to */
};

/* What the answer to a question comes to, within these limits. */
typedef struct wf_answer_limits {
    uint32_t ttl_min_s, ttl_max_s, negative_max_s;
} wf_answer_limits;

/* The records of @type of @name (in its normal form) in the message, aliases followed. One share is the
 * caller's. errors: EPROTO, ETRUNCATED, EUNREACHABLE (SERVFAIL and the like), ENOMEM. */
WEFT_MUST_USE weft_err wf_answer_read(const uint8_t *message, size_t size, const char *name,
                                      uint16_t type, const wf_answer_limits *limits,
                                      wf_answer **out, weft_why *why);
/* An answer of @n addresses that hold for @ttl_s; 0 of them: none. errors: NULL. */
wf_answer *wf_answer_of_addresses(const char *name, const weft_address *addresses, uint32_t n,
                                  uint32_t ttl_s);
/* An answer of one name (PTR). errors: NULL. */
wf_answer *wf_answer_of_host(const char *name, const char *host, uint32_t ttl_s);
wf_answer *wf_answer_share(wf_answer *answer);
void wf_answer_drop(wf_answer **answer);
/* The body of a message: it takes a share when it is copied. */
weft_resolver_answer wf_answer_body(wf_answer *answer, uint32_t ttl_s);

/* ---- names that are known without asking (resolver_special.c) */

/* The answer to what needs no server: an address, localhost, names that cannot exist; *@out is NULL if it
 * is none of these. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_resolver_special(const char *name, uint16_t type, wf_answer **out);
/* The address @text is; false: none. */
bool wf_address_of_text(const char *text, weft_address *out);

/* ---- the hosts file (resolver_hosts.c) */

typedef struct wf_hosts wf_hosts;

enum { WF_HOSTS_BYTES_MAX = 4 << 20 }; /* of the file; what is behind it is not read */

/* Lines of an address and names; what is neither is passed over. errors: NULL when memory is out. */
wf_hosts *wf_hosts_read(const char *text, size_t size);
void wf_hosts_free(wf_hosts **hosts);
/* The answer for @name (in its normal form); *@out is NULL if it is not there. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_hosts_find(const wf_hosts *hosts, const char *name, uint16_t type,
                                     wf_answer **out);

/* ---- the cache (resolver_cache.c) */

typedef struct wf_cached wf_cached;

typedef struct wf_cache_bucket {
    wf_cached *first;
} wf_cache_bucket;

/* All zero at first. */
typedef struct wf_cache {
    wf_cache_bucket *buckets;
    wf_cached *newest, *oldest;
    uint32_t n, max, mask;
    uint32_t seed;
} wf_cache;

/* errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_cache_init(wf_cache *c, uint32_t max, uint32_t seed);
void wf_cache_done(wf_cache *c);
/* The answer, which the cache owns, and how long it still holds; NULL: none. */
wf_answer *wf_cache_find(wf_cache *c, const char *name, uint16_t type, uint32_t now_ms,
                         uint32_t *ttl_s);
/* Keeps a share of @answer for its TTL; one that holds no time at all is not kept. Memory that is out is
 * no loss. */
void wf_cache_put(wf_cache *c, const char *name, uint16_t type, wf_answer *answer, uint32_t now_ms);
void wf_cache_clear(wf_cache *c);
uint32_t wf_resolver_hash(uint32_t seed, const char *name, uint16_t type);

/* ---- questions, and what sends them */

typedef struct wf_resolver wf_resolver;
typedef struct wf_question wf_question;
typedef struct wf_waiter wf_waiter;

struct wf_question {
    wf_resolver *resolver;
    wf_question *next, *next_done; /* of its bucket; of those that are done */
    wf_waiter *first, *last;       /* requests that wait for it */
    bool done;
    weft_err err; /* what it came to, with @answer or @why */
    wf_answer *answer;
    weft_why why;
    weft_arrival arrival; /* of what sends it in a simulation */
    uint16_t type;
    char name[];
};

enum { WF_SEARCH_MAX = 8, WF_NDOTS_MAX = 15 };

/* What a sender knows of searching. */
typedef struct wf_search {
    unsigned ndots, n;
    char domain[WF_SEARCH_MAX][WEFT_RESOLVER_NAME_BYTES];
} wf_search;

/* What sends questions: c-ares (resolver_ares.c), or a simulation (resolver_sim.c). */
typedef struct wf_sender_ops {
    /* errors: any, with @why: nothing can be asked. */
    weft_err (*start)(wf_resolver *r, const weft_resolver_options *options, wf_search *search,
                      void **sender, weft_why *why);
    /* Sends it; wf_question_answered or _failed follows, perhaps at once. */
    void (*ask)(void *sender, wf_question *q);
    /* @q, which was sent and has no answer, goes away; NULL: stop sees to that. */
    void (*forget)(wf_question *q);
    /* Ends it; no question that is under way is heard of again. */
    void (*stop)(void *sender);
} wf_sender_ops;

extern const wf_sender_ops wf_sender_ares, wf_sender_sim;

/* The message that came for @q. */
void wf_question_answered(wf_question *q, const uint8_t *message, size_t size);
void wf_question_failed(wf_question *q, weft_err err, const char *why);
/* The actor of the resolver. */
weft_actor *wf_resolver_actor(const wf_resolver *r);

/* The @i-th name that a request for @name is tried as; false: there are no more, or it has no room. */
bool wf_search_name(const wf_search *search, const char *name, bool absolute, unsigned i,
                    char out[WEFT_DNS_NAME_BYTES]);

#endif
