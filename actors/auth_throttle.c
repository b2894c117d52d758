/* SPDX-License-Identifier: MIT */
/* Failures, counted: sets of eight entries, of which the least important one makes room. */
#include "auth_throttle.h"

#include <string.h>
#include <weft/edge.h>

#include "hashes.h"

enum { WAYS = 8 };

struct wf_strike {
    uint64_t key; /* 0: free */
    uint32_t failures;
    uint32_t since_ms; /* when the window began */
};

weft_err wf_throttle_init(wf_throttle *t, uint32_t entries, uint32_t window_ms,
                          const uint8_t seed[16])
{
    t->sets = (entries + WAYS - 1) / WAYS;
    t->window_ms = window_ms;
    memcpy(t->seed, seed, sizeof t->seed);
    t->entry = weft_alloc_zero((size_t)t->sets * WAYS * sizeof *t->entry);
    return t->entry != NULL ? WEFT_OK : WEFT_ENOMEM;
}

void wf_throttle_done(wf_throttle *t)
{
    weft_alloc_free(t->entry);
    t->entry = NULL;
}

/* A user's name may be a password that was typed a field too early: only its hash is kept. */
static uint64_t key_of(const wf_throttle *t, char kind, const void *at, size_t n)
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    uint8_t text[1 + WEFT_AUTH_USER_BYTES] = {(uint8_t)kind};
    uint64_t key;
    if (n > sizeof text - 1)
        n = sizeof text - 1;
    memcpy(text + 1, at, n);
    bool ok = wf_hmac_of(WF_SHA256, t->seed, sizeof t->seed, text, n + 1, hash);
    explicit_bzero(text, sizeof text);
    if (!ok)
        return 1; /* no memory for a hash: everybody is counted as one */
    memcpy(&key, hash, sizeof key);
    return key != 0 ? key : 1;
}

uint64_t wf_throttle_user(const wf_throttle *t, const char *user)
{
    return user[0] != '\0' ? key_of(t, 'u', user, strlen(user)) : 0;
}

uint64_t wf_throttle_peer(const wf_throttle *t, const weft_address *peer)
{
    switch (peer->family) {
    case WEFT_FAMILY_V4:
        return key_of(t, '4', peer->ip, 4);
    case WEFT_FAMILY_V6:
        return key_of(t, '6', peer->ip, 8); /* whoever has one address there has them all */
    case WEFT_FAMILY_SIM:
        return key_of(t, 's', peer->path, strcspn(peer->path, ":"));
    default:
        return 0;
    }
}

static wf_strike *set_of(const wf_throttle *t, uint64_t key)
{
    return &t->entry[(key % t->sets) * WAYS];
}

static bool is_over(const wf_throttle *t, const wf_strike *s, uint32_t now_ms)
{
    return s->key == 0 || now_ms - s->since_ms >= t->window_ms;
}

static wf_strike *find(const wf_throttle *t, uint64_t key)
{
    wf_strike *set = set_of(t, key);
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

uint32_t wf_throttle_wait_ms(const wf_throttle *t, uint64_t key, uint32_t max, uint32_t now_ms)
{
    const wf_strike *s = key != 0 ? find(t, key) : NULL;
    if (s == NULL || is_over(t, s, now_ms) || s->failures < max)
        return 0;
    return t->window_ms - (now_ms - s->since_ms);
}

/* Who makes room: one whose window is over, else the one with the fewest failures, so that whoever
 * comes with many names does not wash away the one that is being guessed at. */
static wf_strike *room_for(const wf_throttle *t, uint64_t key, uint32_t now_ms)
{
    wf_strike *set = set_of(t, key), *best = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (is_over(t, &set[i], now_ms))
            return &set[i];
        if (set[i].failures < best->failures)
            best = &set[i];
    }
    return best;
}

void wf_throttle_charge(wf_throttle *t, uint64_t key, uint32_t now_ms)
{
    if (key == 0)
        return;
    wf_strike *s = find(t, key);
    if (s == NULL)
        s = room_for(t, key, now_ms);
    if (s->key != key || is_over(t, s, now_ms))
        *s = (wf_strike){.key = key, .since_ms = now_ms};
    s->failures++;
}

void wf_throttle_forgive(wf_throttle *t, uint64_t key)
{
    wf_strike *s = key != 0 ? find(t, key) : NULL;
    if (s != NULL && s->failures > 0)
        s->failures--;
}
