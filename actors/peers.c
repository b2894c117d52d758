/* SPDX-License-Identifier: MIT */
/* The table of peers: chains in an array that grows with them. */
#include "peers.h"

#include <pthread.h>
#include <string.h>

#include <weft/edge.h>

#include "networks.h"

enum { BUCKETS_FIRST = 64, KEY_BYTES = 17 };

struct wf_peer {
    wf_peer *next;
    wf_peers *table;
    uint64_t hash;
    uint32_t count;
    uint8_t key[KEY_BYTES]; /* family, address */
};

/* There are no more peers than connections, which are limited themselves. */
struct wf_peers {
    pthread_mutex_t lock;
    wf_peer **bucket;
    uint32_t buckets, peers;
    uint32_t max;
    unsigned v6_bits;
    bool dropped;
};

wf_peers *wf_peers_new(uint32_t max, unsigned v6_bits)
{
    wf_peers *p = weft_alloc_zero(sizeof *p);
    wf_peer **bucket = weft_alloc_zero(BUCKETS_FIRST * sizeof(wf_peer *));
    if (p == NULL || bucket == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
        weft_alloc_free(bucket);
        weft_alloc_free(p);
        return NULL;
    }
    p->bucket = bucket;
    p->buckets = BUCKETS_FIRST;
    p->max = max;
    p->v6_bits = v6_bits;
    return p;
}

static void table_free(wf_peers *p)
{
    (void)pthread_mutex_destroy(&p->lock);
    weft_alloc_free(p->bucket);
    weft_alloc_free(p);
}

void wf_peers_drop(wf_peers *p)
{
    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->dropped = true;
    bool last = p->peers == 0;
    (void)pthread_mutex_unlock(&p->lock);
    if (last)
        table_free(p);
}

/* false: it is no IP address. */
static bool make_key(const wf_peers *p, const weft_address *address, uint8_t key[KEY_BYTES])
{
    memset(key, 0, KEY_BYTES);
    key[0] = address->family;
    if (address->family == WEFT_FAMILY_V4)
        memcpy(key + 1, address->ip, 4);
    else if (address->family == WEFT_FAMILY_V6) {
        memcpy(key + 1, address->ip, 16);
        wf_network_mask(key + 1, 16, p->v6_bits);
    } else
        return false;
    return true;
}

/* The table's own address, which no peer knows, is part of the hash: nobody can choose addresses that meet. */
static uint64_t hash_of(const wf_peers *p, const uint8_t key[KEY_BYTES])
{
    uint64_t h = (uint64_t)(uintptr_t)p ^ key[0], word[2];
    memcpy(word, key + 1, sizeof word);
    for (int i = 0; i < 2; i++) {
        h = (h ^ word[i]) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    return h * UINT64_C(0xBF58476D1CE4E5B9) >> 16;
}

/* As many chains as peers; without memory for that they get longer. */
static void grow(wf_peers *p)
{
    uint32_t buckets = 2 * p->buckets;
    wf_peer **bucket = p->peers < p->buckets ? NULL : weft_alloc_zero(buckets * sizeof(wf_peer *));
    if (bucket == NULL)
        return;
    for (uint32_t i = 0; i < p->buckets; i++)
        for (wf_peer *peer = p->bucket[i], *next; peer != NULL; peer = next) {
            next = peer->next;
            wf_peer **to = &bucket[peer->hash & (buckets - 1)];
            peer->next = *to;
            *to = peer;
        }
    weft_alloc_free(p->bucket);
    p->bucket = bucket;
    p->buckets = buckets;
}

static wf_peer *find(const wf_peers *p, const uint8_t key[KEY_BYTES], uint64_t hash)
{
    wf_peer *peer = p->bucket[hash & (p->buckets - 1)];
    while (peer != NULL && memcmp(peer->key, key, KEY_BYTES) != 0)
        peer = peer->next;
    return peer;
}

static wf_peer *add(wf_peers *p, const uint8_t key[KEY_BYTES], uint64_t hash)
{
    wf_peer *peer = weft_alloc_zero(sizeof *peer);
    if (peer == NULL)
        return NULL;
    grow(p);
    wf_peer **to = &p->bucket[hash & (p->buckets - 1)];
    *peer = (wf_peer){.next = *to, .table = p, .hash = hash};
    memcpy(peer->key, key, KEY_BYTES);
    *to = peer;
    p->peers++;
    return peer;
}

static weft_err enter(wf_peers *p, const uint8_t key[KEY_BYTES], wf_peer **out)
{
    uint64_t hash = hash_of(p, key);
    wf_peer *peer = find(p, key, hash);
    if (peer != NULL && peer->count >= p->max)
        return WEFT_ELIMIT;
    if (peer == NULL)
        peer = add(p, key, hash);
    if (peer == NULL)
        return WEFT_ENOMEM;
    peer->count++;
    *out = peer;
    return WEFT_OK;
}

weft_err wf_peers_enter(wf_peers *p, const weft_address *address, wf_peer **out)
{
    uint8_t key[KEY_BYTES];
    if (!make_key(p, address, key))
        return WEFT_OK;
    (void)pthread_mutex_lock(&p->lock);
    weft_err err = enter(p, key, out);
    (void)pthread_mutex_unlock(&p->lock);
    return err;
}

static void take_out(wf_peers *p, wf_peer *peer)
{
    wf_peer **at = &p->bucket[peer->hash & (p->buckets - 1)];
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    p->peers--;
    weft_alloc_free(peer);
}

void wf_peers_leave(wf_peer **at)
{
    wf_peer *peer = *at;
    *at = NULL;
    if (peer == NULL)
        return;
    wf_peers *p = peer->table;
    (void)pthread_mutex_lock(&p->lock);
    if (--peer->count == 0)
        take_out(p, peer);
    bool last = p->dropped && p->peers == 0;
    (void)pthread_mutex_unlock(&p->lock);
    if (last)
        table_free(p);
}
