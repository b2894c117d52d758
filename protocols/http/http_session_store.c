/* SPDX-License-Identifier: MIT */
/* Sessions in memory: found by their name, ended in the order in which they were last used. */
#include <string.h>

#include <weft/edge.h>
#include <weft/http_session.h>
#include <weft/timer.h>

enum {
    SESSIONS_MAX = 65536,
    DATA_BYTES_MAX = 4096,
    IDLE_MS = 30 * 60 * 1000,
    AGE_MS = 12 * 3600 * 1000,
    BUCKETS_MIN = 64,
    ID_RANDOM_BYTES = 32,
};

typedef struct kept {
    struct kept *chain; /* of its bucket */
    struct kept *older, *newer;
    uint32_t begun, used;
    weft_session session;
} kept;

typedef struct store {
    weft_session_store_config limits;
    kept **buckets;
    uint32_t buckets_n, count;
    kept *oldest, *newest; /* by when they were last used */
    weft_timer timer;      /* for the oldest */
} store;

typedef struct look_after {
    char nothing;
} look_after;
static const weft_type look_after_type = WEFT_TYPE("weft.session_look_after", look_after, NULL);

/* ---- names */

static void make_id(weft_actor *self, char id[WEFT_SESSION_ID_BYTES + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t random[ID_RANDOM_BYTES];
    uint32_t held = 0, bits = 0;
    size_t n = 0;
    weft_random(self, random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        held = held << 8 | random[i];
        for (bits += 8; bits >= 6; bits -= 6)
            id[n++] = digits[held >> (bits - 6) & 63];
    }
    id[n++] = digits[held << (6 - bits) & 63];
    id[n] = '\0';
}

/* The names are random: any of their bytes spread well. */
static uint32_t hash_of(const char *id)
{
    uint32_t hash;
    memcpy(&hash, id, sizeof hash);
    return hash * 2654435769U;
}

static kept **bucket_of(const store *s, const char *id)
{
    return &s->buckets[hash_of(id) & (s->buckets_n - 1)];
}

/* In a time that does not tell how much of a guess is right. */
static bool is_same(const char *a, const char *b)
{
    unsigned differs = 0;
    for (size_t i = 0; i < WEFT_SESSION_ID_BYTES; i++)
        differs |= (unsigned)(a[i] ^ b[i]);
    return differs == 0;
}

/* ---- there and gone */

static void unlink_from_age(store *s, kept *k)
{
    *(k->older != NULL ? &k->older->newer : &s->oldest) = k->newer;
    *(k->newer != NULL ? &k->newer->older : &s->newest) = k->older;
}

static void link_as_newest(store *s, kept *k)
{
    k->older = s->newest;
    k->newer = NULL;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = k;
    s->newest = k;
}

static void end(store *s, kept *k)
{
    kept **at = bucket_of(s, k->session.id);
    while (*at != k)
        at = &(*at)->chain;
    *at = k->chain;
    unlink_from_age(s, k);
    s->count--;
    weft_bytes_drop(&k->session.data);
    weft_alloc_free(k);
}

static bool is_over(const store *s, const kept *k, uint32_t now)
{
    return now - k->used >= s->limits.idle_ms || now - k->begun >= s->limits.age_ms;
}

static void end_what_is_over(store *s, uint32_t now)
{
    while (s->oldest != NULL && is_over(s, s->oldest, now))
        end(s, s->oldest);
}

/* Rings when the oldest may be over; one that was used meanwhile is looked at again then. */
static void watch(weft_actor *self, store *s)
{
    if (s->timer.gen != 0 || s->oldest == NULL)
        return;
    uint32_t left = s->limits.idle_ms - (weft_now_ms(self) - s->oldest->used);
    s->timer = weft_after(self, left != 0 ? left : 1, look_after, .nothing = 0);
}

static weft_err on_look_after(weft_actor *self, weft_msg *msg)
{
    store *s = weft_state(self);
    (void)msg;
    s->timer = (weft_timer){0};
    end_what_is_over(s, weft_now_ms(self));
    watch(self, s);
    return WEFT_OK;
}

/* The one of that name, which is used by that; NULL: it is not there, or over. */
static kept *find(store *s, const char *id, uint32_t now)
{
    end_what_is_over(s, now);
    if (memchr(id, 0, WEFT_SESSION_ID_BYTES) != NULL || s->buckets == NULL)
        return NULL;
    kept *k = *bucket_of(s, id);
    while (k != NULL && !is_same(k->session.id, id))
        k = k->chain;
    if (k != NULL && is_over(s, k, now)) {
        end(s, k);
        return NULL;
    }
    return k;
}

static void use(store *s, kept *k, uint32_t now)
{
    k->used = now;
    unlink_from_age(s, k);
    link_as_newest(s, k);
}

/* ---- room */

static weft_err more_buckets(store *s)
{
    uint32_t n = s->buckets_n != 0 ? 2 * s->buckets_n : BUCKETS_MIN;
    if (s->count < s->buckets_n)
        return WEFT_OK;
    kept **buckets = weft_alloc_zero(n * sizeof(kept *));
    if (buckets == NULL)
        return s->buckets_n != 0 ? WEFT_OK : WEFT_ENOMEM; /* they are only longer then */
    weft_alloc_free(s->buckets);
    s->buckets = buckets;
    s->buckets_n = n;
    for (kept *k = s->oldest; k != NULL; k = k->newer) {
        kept **at = bucket_of(s, k->session.id);
        k->chain = *at;
        *at = k;
    }
    return WEFT_OK;
}

/* A copy of its own: what came may be a small part of something large. */
static weft_err copy(const store *s, weft_bytes data, weft_bytes *out)
{
    uint8_t *to;
    if (data.size > s->limits.data_bytes_max)
        return WEFT_ETOOBIG;
    *out = WEFT_NO_BYTES;
    if (data.size == 0)
        return WEFT_OK;
    weft_err err = weft_bytes_new(data.size, &to, out);
    if (err == WEFT_OK)
        memcpy(to, data.at, data.size);
    return err;
}

static weft_err begin(weft_actor *self, store *s, weft_bytes data, uint32_t now, kept **out)
{
    weft_bytes own;
    if (s->count >= s->limits.sessions_max)
        return WEFT_EFULL;
    weft_err err = more_buckets(s);
    if (err == WEFT_OK)
        err = copy(s, data, &own);
    if (err != WEFT_OK)
        return err;
    kept *k = weft_alloc_zero(sizeof *k);
    if (k == NULL) {
        weft_bytes_drop(&own);
        return WEFT_ENOMEM;
    }
    k->begun = k->used = now;
    k->session.data = own;
    make_id(self, k->session.id);
    kept **at = bucket_of(s, k->session.id);
    k->chain = *at;
    *at = k;
    link_as_newest(s, k);
    s->count++;
    *out = k;
    return WEFT_OK;
}

/* ---- messages */

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    store *s = weft_state(self);
    const weft_session_look *look = weft_body(msg);
    uint32_t now = weft_now_ms(self);
    kept *k = find(s, look->id, now);
    if (k == NULL)
        return weft_fail(msg, WEFT_ENOTFOUND, "the session is over");
    use(s, k, now);
    return weft_reply_body(msg, &weft_session_type, &k->session);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    store *s = weft_state(self);
    const weft_session_begin *asked = weft_body(msg);
    uint32_t now = weft_now_ms(self);
    kept *old = find(s, asked->old, now), *k;
    /* it makes room, and is over also if the other cannot begin for want of memory */
    if (old != NULL && asked->data.size <= s->limits.data_bytes_max)
        end(s, old);
    weft_err err = begin(self, s, asked->data, now, &k);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "no session can begin: %s", weft_err_text(err));
    watch(self, s);
    return weft_reply_body(msg, &weft_session_type, &k->session);
}

static weft_err on_save(weft_actor *self, weft_msg *msg)
{
    store *s = weft_state(self);
    const weft_session_save *asked = weft_body(msg);
    uint32_t now = weft_now_ms(self);
    kept *k = find(s, asked->id, now);
    weft_bytes own;
    if (k == NULL)
        return weft_fail(msg, WEFT_ENOTFOUND, "the session is over");
    weft_err err = copy(s, asked->data, &own);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "a session cannot be saved: %s", weft_err_text(err));
    weft_bytes_drop(&k->session.data);
    k->session.data = own;
    use(s, k, now);
    return weft_reply_body(msg, &weft_session_type, &k->session);
}

static weft_err on_end(weft_actor *self, weft_msg *msg)
{
    store *s = weft_state(self);
    const weft_session_end *asked = weft_body(msg);
    kept *k = find(s, asked->id, weft_now_ms(self));
    bool was_there = k != NULL;
    if (was_there)
        end(s, k);
    return weft_reply(msg, weft_session_ended, .was_there = was_there);
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const weft_session_store_config none = {.sessions_max = 0};
    store *s = weft_state(self);
    const weft_started *started = weft_body(msg);
    const weft_session_store_config *c = started->config != NULL ? started->config : &none;
    s->limits = (weft_session_store_config){
        .sessions_max = or_default(c->sessions_max, SESSIONS_MAX),
        .data_bytes_max = or_default(c->data_bytes_max, DATA_BYTES_MAX),
        .idle_ms = or_default(c->idle_ms, IDLE_MS),
        .age_ms = or_default(c->age_ms, AGE_MS),
    };
    if (s->limits.idle_ms > WEFT_TIMER_MS_MAX || s->limits.age_ms > WEFT_TIMER_MS_MAX)
        return weft_stop_because(self, WEFT_EINVAL, "a session may last at most %u ms",
                                 WEFT_TIMER_MS_MAX);
    return WEFT_OK;
}

static void on_over(weft_actor *self, weft_err reason)
{
    store *s = weft_state(self);
    (void)reason;
    while (s->oldest != NULL)
        end(s, s->oldest);
    weft_alloc_free(s->buckets);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_session_look_type, .fn = on_look},
    {.type = &weft_session_begin_type, .fn = on_begin},
    {.type = &weft_session_save_type, .fn = on_save},
    {.type = &weft_session_end_type, .fn = on_end},
    {.type = &look_after_type, .fn = on_look_after},
    {0},
};

const weft_behaviour weft_session_store = {
    .name = "sessions", .handlers = handlers, .state_bytes = sizeof(store), .ended = on_over};
