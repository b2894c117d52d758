/* SPDX-License-Identifier: MIT */
/* Nonces: time, randomness and a seal over both, so that only those in use take memory.
 *
 *   16 hex digits: ms since 1970 | 16: random | 32: HMAC-SHA-256 of the 32 before, its first half */
#include "auth_nonce.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <weft/edge.h>

#include "hashes.h"

enum { WAYS = 8, SEALED = 32, WINDOW = 64 };

typedef struct use {
    uint64_t tag; /* the first bytes of the seal; 0: free */
    uint64_t made_ms;
    uint64_t seen; /* bit i: number top - i was used */
    uint32_t top;
} use;

struct wf_nonce_set {
    uint64_t floor_ms; /* those made up to then may have been used and forgotten */
    use way[WAYS];
};

weft_err wf_nonces_init(wf_nonces *n, uint32_t entries, uint32_t life_ms, const uint8_t secret[32])
{
    n->sets = (entries + WAYS - 1) / WAYS;
    n->life_ms = life_ms;
    memcpy(n->secret, secret, sizeof n->secret);
    n->set = weft_alloc_zero(n->sets * sizeof *n->set);
    return n->set != NULL ? WEFT_OK : WEFT_ENOMEM;
}

void wf_nonces_done(wf_nonces *n)
{
    explicit_bzero(n->secret, sizeof n->secret);
    weft_alloc_free(n->set);
    n->set = NULL;
}

static bool seal(const wf_nonces *n, const char *text, char hex[WF_HASH_HEX_BYTES])
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    if (!wf_hmac_of(WF_SHA256, n->secret, sizeof n->secret, text, SEALED, hash))
        return false;
    wf_hex(hash, SEALED / 2, hex);
    return true;
}

bool wf_nonce_new(const wf_nonces *n, uint64_t wall_ms, const uint8_t random[8],
                  char out[WF_NONCE_BYTES])
{
    char hex[WF_HASH_HEX_BYTES];
    (void)snprintf(out, WF_NONCE_BYTES, "%016" PRIx64, wall_ms);
    wf_hex(random, 8, out + SEALED / 2);
    if (!seal(n, out, hex))
        return false;
    memcpy(out + SEALED, hex, SEALED + 1);
    return true;
}

static bool hex_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = value;
    return true;
}

/* Number @count of one that is there. */
static bool number_is_new(use *u, uint32_t count)
{
    if (count > u->top) {
        uint32_t by = count - u->top;
        u->seen = by < WINDOW ? u->seen << by : 0;
        u->seen |= 1;
        u->top = count;
        return true;
    }
    uint32_t behind = u->top - count;
    if (behind >= WINDOW || (u->seen >> behind & 1) != 0)
        return false;
    u->seen |= UINT64_C(1) << behind;
    return true;
}

/* The oldest of a full set makes room, and all as old as it are over with it. */
static use *room_in(struct wf_nonce_set *s, uint64_t wall_ms, uint64_t life_ms)
{
    use *oldest = &s->way[0];
    for (unsigned i = 0; i < WAYS; i++) {
        use *u = &s->way[i];
        if (u->tag == 0 || wall_ms - u->made_ms >= life_ms)
            return u;
        if (u->made_ms < oldest->made_ms)
            oldest = u;
    }
    if (oldest->made_ms > s->floor_ms)
        s->floor_ms = oldest->made_ms;
    return oldest;
}

bool wf_nonce_use_of(wf_nonces *n, const char *text, uint32_t count, uint64_t wall_ms)
{
    char right[WF_HASH_HEX_BYTES];
    uint64_t made_ms, tag;
    if (strlen(text) != WF_NONCE_BYTES - 1 || !seal(n, text, right) ||
        !wf_same(text + SEALED, right, SEALED) || !hex_number(text, &made_ms) ||
        !hex_number(text + SEALED, &tag))
        return false;
    /* a clock that was set back makes them old, never young */
    if (made_ms > wall_ms || wall_ms - made_ms >= n->life_ms || count == 0)
        return false;
    tag = tag != 0 ? tag : 1;
    struct wf_nonce_set *s = &n->set[tag % n->sets];
    for (unsigned i = 0; i < WAYS; i++)
        if (s->way[i].tag == tag)
            return number_is_new(&s->way[i], count);
    if (made_ms <= s->floor_ms)
        return false;
    use *u = room_in(s, wall_ms, n->life_ms);
    *u = (use){.tag = tag, .made_ms = made_ms, .seen = 1, .top = count};
    return true;
}
