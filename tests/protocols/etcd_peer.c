/* SPDX-License-Identifier: MIT */
#include "etcd_peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/hash.h>
#include <weft/net.h>
#include <weft/testing_stream.h>
#include <weft/timer.h>

#include "check.h"

enum { IN_BYTES = 16384, OUT_BYTES = 1 << 18, EXPIRE_MS = 20 };

typedef struct peer_conn {
    struct peer_conn *next;
    etcd_peer *peer;
    weft_actor *self;
    weft_ref stream;
    char in[IN_BYTES];
    size_t n;
    bool watches;
    char from[PEER_TEXT_BYTES], to[PEER_TEXT_BYTES];
} peer_conn;

/* ---- requests, as far as they are looked at */

static bool word(const char *body, const char *name, char *out, size_t room)
{
    char pattern[40];
    (void)snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
    const char *at = strstr(body, pattern);
    if (at == NULL)
        return false;
    at += strlen(pattern);
    size_t n = strcspn(at, "\"");
    if (n >= room)
        return false;
    memcpy(out, at, n);
    out[n] = '\0';
    return true;
}

static uint64_t number(const char *body, const char *name)
{
    char text[32];
    return word(body, name, text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}

static void plain(const char *body, const char *name, char out[PEER_TEXT_BYTES])
{
    char text[2 * PEER_TEXT_BYTES];
    size_t n = 0;
    out[0] = '\0';
    if (word(body, name, text, sizeof text))
        CHECK_OK(weft_unbase64(text, strlen(text), out, PEER_TEXT_BYTES - 1, &n));
    out[n] = '\0';
}

/* ---- what is written */

static void coded(const char *text, char out[2 * PEER_TEXT_BYTES])
{
    (void)weft_base64(text, strlen(text), out);
}

static int print_key(char *out, size_t room, const peer_key *k)
{
    char key[2 * PEER_TEXT_BYTES], value[2 * PEER_TEXT_BYTES];
    coded(k->key, key);
    coded(k->value, value);
    return snprintf(out, room,
                    "{\"key\":\"%s\",\"create_revision\":\"%" PRIu64
                    "\",\"mod_revision\":\"%" PRIu64
                    "\",\"version\":\"1\",\"value\":\"%s\",\"lease\":\"%" PRIu64 "\"}",
                    key, k->created, k->modified, value, k->lease);
}

static void write_text(peer_conn *c, const char *text, size_t n)
{
    (void)weft_write_copy(c->self, c->stream, text, n);
}

static void answer(peer_conn *c, int status, const char *body)
{
    char head[160];
    int n =
        snprintf(head, sizeof head,
                 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 status, strlen(body));
    write_text(c, head, (size_t)n);
    write_text(c, body, strlen(body));
}

static void chunk(peer_conn *c, const char *at, size_t n)
{
    char head[16];
    int k = snprintf(head, sizeof head, "%zx\r\n", n);
    if (n == 0)
        return;
    write_text(c, head, (size_t)k);
    write_text(c, at, n);
    write_text(c, "\r\n", 2);
}

/* A line of a stream, in two chunks: chunks mean nothing. */
static void line(peer_conn *c, const char *text)
{
    size_t n = strlen(text);
    chunk(c, text, n / 2);
    chunk(c, text + n / 2, n - n / 2);
}

/* ---- keys */

static peer_key *find(const etcd_peer *p, const char *key)
{
    for (size_t i = 0; i < PEER_KEYS_MAX; i++)
        if (p->keys[i].created != 0 && strcmp(p->keys[i].key, key) == 0)
            return (peer_key *)(uintptr_t)&p->keys[i];
    return NULL;
}

static bool in_range(const char *key, const char *from, const char *to)
{
    return strcmp(key, from) >= 0 && (to[0] == '\0' ? strcmp(key, from) == 0 : strcmp(key, to) < 0);
}

static void tell_change(peer_conn *c, const peer_change *change)
{
    static char text[OUT_BYTES];
    char key[4 * PEER_TEXT_BYTES], before[4 * PEER_TEXT_BYTES];
    if (!in_range(change->now.key, c->from, c->to))
        return;
    (void)print_key(key, sizeof key, &change->now);
    (void)print_key(before, sizeof before, &change->before);
    if (change->deleted)
        (void)snprintf(text, sizeof text,
                       "{\"result\":{\"header\":{\"revision\":\"%" PRIu64
                       "\"},\"events\":[{\"type\":\"DELETE\",\"kv\":%s,\"prev_kv\":%s}]}}\n",
                       c->peer->revision, key, before);
    else
        (void)snprintf(text, sizeof text,
                       "{\"result\":{\"header\":{\"revision\":\"%" PRIu64
                       "\"},\"events\":[{\"kv\":%s}]}}\n",
                       c->peer->revision, key);
    line(c, text);
}

static void tell_in(weft_actor *self, void *context)
{
    peer_conn *c = context;
    (void)self;
    tell_change(c, &c->peer->changes[c->peer->n_changes - 1]);
}

static void changed(etcd_peer *p, const peer_key *now, const peer_key *before, bool deleted)
{
    REQUIRE(p->n_changes < PEER_CHANGES_MAX);
    p->changes[p->n_changes++] = (peer_change){.now = *now, .before = *before, .deleted = deleted};
    for (peer_conn *c = p->conns; c != NULL; c = c->next)
        if (c->watches)
            weft_enter(c->self, tell_in, c);
}

static void put(etcd_peer *p, const char *key, const char *value, uint64_t lease)
{
    peer_key *k = find(p, key), before = {.created = 0};
    p->revision++;
    for (size_t i = 0; k == NULL && i < PEER_KEYS_MAX; i++)
        if (p->keys[i].created == 0)
            k = &p->keys[i];
    REQUIRE(k != NULL);
    if (k->created != 0)
        before = *k;
    else
        k->created = p->revision;
    k->modified = p->revision;
    k->lease = lease;
    (void)snprintf(k->key, sizeof k->key, "%s", key);
    (void)snprintf(k->value, sizeof k->value, "%s", value);
    changed(p, k, &before, false);
}

static void drop_key(etcd_peer *p, peer_key *k)
{
    peer_key before = *k, now = {.modified = p->revision};
    (void)snprintf(now.key, sizeof now.key, "%s", k->key);
    k->created = 0;
    changed(p, &now, &before, true);
}

/* ---- leases */

static peer_lease *lease_of(etcd_peer *p, uint64_t id)
{
    for (size_t i = 0; id != 0 && i < PEER_LEASES_MAX; i++)
        if (p->leases[i].id == id)
            return &p->leases[i];
    return NULL;
}

static void end_lease(etcd_peer *p, peer_lease *l)
{
    bool first = true;
    for (size_t i = 0; i < PEER_KEYS_MAX; i++)
        if (p->keys[i].created != 0 && p->keys[i].lease == l->id) {
            p->revision += first; /* all of it is one change */
            first = false;
            drop_key(p, &p->keys[i]);
        }
    l->id = 0;
}

typedef struct peer_tick {
    char nothing;
} peer_tick;
static const weft_type peer_tick_type = WEFT_TYPE("test.peer_tick", peer_tick, NULL);

static weft_err keeper_started(weft_actor *self, weft_msg *msg)
{
    etcd_peer *p = (etcd_peer *)(uintptr_t)weft_config(self);
    (void)msg;
    for (size_t i = 0; i < PEER_LEASES_MAX;
         i++) /* a server that comes back gives all their time anew */
        p->leases[i].until = weft_now_ms(self) + p->leases[i].ttl_s * 1000;
    (void)weft_every(self, EXPIRE_MS, peer_tick, 0);
    return WEFT_OK;
}

static weft_err keeper_tick(weft_actor *self, weft_msg *msg)
{
    etcd_peer *p = (etcd_peer *)(uintptr_t)weft_config(self);
    (void)msg;
    for (size_t i = 0; i < PEER_LEASES_MAX; i++)
        if (p->leases[i].id != 0 && (int32_t)(weft_now_ms(self) - p->leases[i].until) >= 0)
            end_lease(p, &p->leases[i]);
    return WEFT_OK;
}

static const weft_handler keeper_rows[] = {
    {.type = &weft_started_type, .fn = keeper_started},
    {.type = &peer_tick_type, .fn = keeper_tick},
    {0},
};
static const weft_behaviour keeper = {.name = "test.etcd_keeper", .handlers = keeper_rows};

/* ---- calls */

static void fail(peer_conn *c, int status, unsigned code, const char *why)
{
    char body[200];
    (void)snprintf(body, sizeof body, "{\"error\":\"%s\",\"message\":\"%s\",\"code\":%u}", why, why,
                   code);
    answer(c, status, body);
}

static void on_grant(peer_conn *c, const char *body)
{
    etcd_peer *p = c->peer;
    char text[200];
    peer_lease *l = p->leases;
    while (l->id != 0)
        REQUIRE(++l < p->leases + PEER_LEASES_MAX);
    *l = (peer_lease){.id = 7587000000000000000U + ++p->last_lease,
                      .ttl_s = (uint32_t)number(body, "TTL")};
    l->until = weft_now_ms(c->self) + l->ttl_s * 1000;
    (void)snprintf(text, sizeof text,
                   "{\"header\":{\"revision\":\"%" PRIu64 "\"},\"ID\":\"%" PRIu64
                   "\",\"TTL\":\"%u\"}",
                   p->revision, l->id, l->ttl_s);
    answer(c, 200, text);
}

static void on_keep_alive(peer_conn *c, const char *body)
{
    char text[200];
    uint64_t id = number(body, "ID");
    peer_lease *l = lease_of(c->peer, id);
    if (l != NULL)
        l->until = weft_now_ms(c->self) + l->ttl_s * 1000;
    int n =
        snprintf(text, sizeof text,
                 "{\"result\":{\"header\":{\"revision\":\"%" PRIu64 "\"},\"ID\":\"%" PRIu64 "\"",
                 c->peer->revision, id);
    if (l != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n, ",\"TTL\":\"%u\"", l->ttl_s);
    (void)snprintf(text + n, sizeof text - (size_t)n, "}}\n");
    static const char head[] = "HTTP/1.1 200 OK\r\nTrailer: Grpc-Trailer-Content-Type\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    static const char end[] = "0\r\nGrpc-Trailer-Content-Type: application/grpc\r\n\r\n";
    write_text(c, head, sizeof head - 1);
    line(c, text);
    write_text(c, end, sizeof end - 1);
}

static void on_revoke(peer_conn *c, const char *body)
{
    peer_lease *l = lease_of(c->peer, number(body, "ID"));
    if (l == NULL) {
        fail(c, 404, 5, "etcdserver: requested lease not found");
        return;
    }
    end_lease(c->peer, l);
    answer(c, 200, "{\"header\":{}}");
}

static void on_put(peer_conn *c, const char *body)
{
    char key[PEER_TEXT_BYTES], value[PEER_TEXT_BYTES];
    uint64_t lease = number(body, "lease");
    plain(body, "key", key);
    plain(body, "value", value);
    if (lease_of(c->peer, lease) == NULL) {
        fail(c, 404, 5, "etcdserver: requested lease not found");
        return;
    }
    put(c->peer, key, value, lease);
    answer(c, 200, "{\"header\":{}}");
}

static void on_range(peer_conn *c, const char *body)
{
    static char text[OUT_BYTES];
    char from[PEER_TEXT_BYTES], to[PEER_TEXT_BYTES];
    const char *comma = "";
    plain(body, "key", from);
    plain(body, "range_end", to);
    int n = snprintf(text, sizeof text, "{\"header\":{\"revision\":\"%" PRIu64 "\"},\"kvs\":[",
                     c->peer->revision);
    for (size_t i = 0; i < PEER_KEYS_MAX; i++) {
        const peer_key *k = &c->peer->keys[i];
        if (k->created == 0 || !in_range(k->key, from, to))
            continue;
        n += snprintf(text + n, sizeof text - (size_t)n, "%s", comma);
        n += print_key(text + n, sizeof text - (size_t)n, k);
        comma = ",";
    }
    (void)snprintf(text + n, sizeof text - (size_t)n, "]}");
    answer(c, 200, text);
}

static void take(peer_conn *c, const char *body, const char *key)
{
    char value[PEER_TEXT_BYTES], text[OUT_BYTES / 64], kv[4 * PEER_TEXT_BYTES];
    const peer_key *k = find(c->peer, key);
    uint64_t lease = number(body, "lease");
    plain(body, "value", value);
    if (k == NULL && lease_of(c->peer, lease) == NULL) {
        fail(c, 404, 5, "etcdserver: requested lease not found");
        return;
    }
    if (k == NULL) {
        put(c->peer, key, value, lease);
        (void)snprintf(text, sizeof text,
                       "{\"header\":{\"revision\":\"%" PRIu64
                       "\"},\"succeeded\":true,\"responses\":[{\"response_put\":{}}]}",
                       c->peer->revision);
    } else {
        (void)print_key(kv, sizeof kv, k);
        (void)snprintf(text, sizeof text,
                       "{\"header\":{\"revision\":\"%" PRIu64
                       "\"},\"responses\":[{\"response_range\":{\"kvs\":[%s],\"count\":\"1\"}}]}",
                       c->peer->revision, kv);
    }
    if (c->peer->cut_answers == 0)
        answer(c, 200, text);
}

static void on_txn(peer_conn *c, const char *body)
{
    etcd_peer *p = c->peer;
    char key[PEER_TEXT_BYTES], value[PEER_TEXT_BYTES];
    plain(body, "key", key);
    if (strstr(body, "\"CREATE\"") != NULL) {
        take(c, body, key);
    } else {
        peer_key *k = find(p, key);
        plain(body, "value", value);
        bool same = k != NULL && strcmp(k->value, value) == 0;
        if (same) {
            p->revision++;
            drop_key(p, k);
        }
        if (p->cut_answers == 0)
            answer(c, 200, same ? "{\"header\":{},\"succeeded\":true}" : "{\"header\":{}}");
    }
    if (p->cut_answers != 0) {
        p->cut_answers--;
        (void)weft_abort(c->self, c->stream, WEFT_OK);
    }
}

static void on_watch(peer_conn *c, const char *body)
{
    etcd_peer *p = c->peer;
    char text[200];
    uint64_t from = number(body, "start_revision");
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    plain(body, "key", c->from);
    plain(body, "range_end", c->to);
    write_text(c, head, sizeof head - 1);
    p->watches++;
    (void)snprintf(text, sizeof text,
                   "{\"result\":{\"header\":{\"revision\":\"%" PRIu64 "\"},\"created\":true}}\n",
                   p->revision);
    line(c, text);
    if (from <= p->compacted) {
        (void)snprintf(text, sizeof text,
                       "{\"result\":{\"header\":{\"revision\":\"%" PRIu64
                       "\"},\"canceled\":true,\"compact_revision\":\"%" PRIu64 "\"}}\n",
                       p->revision, p->compacted);
        line(c, text);
        return;
    }
    c->watches = true;
    for (unsigned i = 0; i < p->n_changes; i++)
        if (p->changes[i].now.modified >= from)
            tell_change(c, &p->changes[i]);
}

static void serve(peer_conn *c, const char *path, const char *body)
{
    static const struct {
        const char *path;
        void (*fn)(peer_conn *c, const char *body);
    } calls[] = {{"/v3/lease/grant ", on_grant},   {"/v3/lease/keepalive ", on_keep_alive},
                 {"/v3/lease/revoke ", on_revoke}, {"/v3/kv/put ", on_put},
                 {"/v3/kv/range ", on_range},      {"/v3/kv/txn ", on_txn},
                 {"/v3/watch ", on_watch}};
    c->peer->calls++;
    if (c->peer->errors != 0) {
        c->peer->errors--;
        fail(c, 503, 14, "etcdserver: no leader");
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strncmp(path, calls[i].path, strlen(calls[i].path)) == 0) {
            calls[i].fn(c, body);
            return;
        }
    answer(c, 404, "Not Found\n");
}

/* ---- connections */

static void serve_all(peer_conn *c)
{
    char *end;
    while (!c->watches && (end = strstr(c->in, "\r\n\r\n")) != NULL) {
        const char *length = strcasestr(c->in, "content-length: ");
        size_t body = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
        size_t head = (size_t)(end + 4 - c->in);
        if (c->n < head + body)
            return;
        char kept = c->in[head + body];
        c->in[head + body] = '\0';
        CHECK(strncmp(c->in, "POST ", 5) == 0);
        serve(c, c->in + 5, c->in + head);
        c->in[head + body] = kept;
        c->n -= head + body;
        memmove(c->in, c->in + head + body, c->n + 1);
    }
}

static weft_err conn_data(weft_actor *self, weft_msg *msg)
{
    peer_conn *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    REQUIRE(c->n + data->bytes.size < IN_BYTES);
    memcpy(c->in + c->n, data->bytes.at, data->bytes.size);
    c->n += data->bytes.size;
    c->in[c->n] = '\0';
    c->stream = data->stream;
    serve_all(c);
    return WEFT_OK;
}

static weft_err conn_started(weft_actor *self, weft_msg *msg)
{
    peer_conn *c = weft_state(self);
    (void)msg;
    c->self = self;
    c->peer = (etcd_peer *)(uintptr_t)weft_config(self);
    c->next = c->peer->conns;
    c->peer->conns = c;
    return WEFT_OK;
}

static void conn_ended(weft_actor *self, weft_err reason)
{
    peer_conn *c = weft_state(self);
    (void)reason;
    if (c->peer == NULL)
        return;
    peer_conn **at = &c->peer->conns;
    while (*at != NULL && *at != c)
        at = &(*at)->next;
    if (*at == c)
        *at = c->next;
}

static const weft_handler conn_rows[] = {
    {.type = &weft_started_type, .fn = conn_started},
    {.type = &weft_data_type, .fn = conn_data},
    {0},
};
static const weft_behaviour conn = {.name = "test.etcd",
                                    .handlers = conn_rows,
                                    .state_bytes = sizeof(peer_conn),
                                    .ended = conn_ended};

/* ---- from outside */

etcd_peer *etcd_peer_new(const char *name)
{
    etcd_peer *p = calloc(1, sizeof *p);
    REQUIRE(p != NULL);
    p->revision = 1;
    (void)snprintf(p->url, sizeof p->url, "sim://%s:2379", name);
    (void)snprintf(p->endpoint, sizeof p->endpoint, "http://%s:2379", name);
    return p;
}

void etcd_peer_start(etcd_peer *p, weft_sim *world)
{
    weft_sim_options options = {.seed = 1, .beside = world};
    p->sim = weft_sim_new(&options);
    REQUIRE(p->sim != NULL);
    p->conns = NULL;
    CHECK(!weft_ref_is_nobody(weft_system_spawn(weft_sim_system(p->sim), 0, &keeper, p)));
    CHECK_OK(weft_listen(weft_sim_system(p->sim), p->url, &conn, p));
}

void etcd_peer_crash(etcd_peer *p)
{
    CHECK_U64(weft_sim_crash(&p->sim), 0);
    p->conns = NULL;
}

void etcd_peer_free(etcd_peer *p)
{
    if (p == NULL)
        return;
    if (p->sim != NULL)
        CHECK_U64(weft_sim_free(&p->sim), 0);
    free(p);
}

const peer_key *etcd_peer_at(const etcd_peer *p, const char *key)
{
    return find(p, key);
}

unsigned etcd_peer_count(const etcd_peer *p, const char *prefix)
{
    unsigned n = 0;
    for (size_t i = 0; i < PEER_KEYS_MAX; i++)
        n += p->keys[i].created != 0 && strncmp(p->keys[i].key, prefix, strlen(prefix)) == 0;
    return n;
}

/* What is done from outside is done by an actor of the server. */
typedef struct peer_deed {
    etcd_peer *peer;
    const char *key, *value; /* value NULL: deleted; key NULL: watches are cut */
} peer_deed;
static const weft_type peer_deed_type = WEFT_TYPE("test.peer_deed", peer_deed, NULL);

static weft_err on_deed(weft_actor *self, weft_msg *msg)
{
    const peer_deed *d = weft_body(msg);
    if (d->key == NULL) {
        for (const peer_conn *c = d->peer->conns; c != NULL; c = c->next)
            if (c->watches)
                (void)weft_abort(self, c->stream, WEFT_OK);
    } else if (d->value != NULL) {
        put(d->peer, d->key, d->value, 0);
    } else if (find(d->peer, d->key) != NULL) {
        d->peer->revision++;
        drop_key(d->peer, find(d->peer, d->key));
    }
    return WEFT_OK;
}

static const weft_handler doer_rows[] = {{.type = &peer_deed_type, .fn = on_deed}, {0}};
static const weft_behaviour doer = {.name = "test.etcd_doer", .handlers = doer_rows};

static void have_done(etcd_peer *p, const char *key, const char *value)
{
    weft_ref who = weft_sim_spawn(p->sim, &doer, NULL);
    CHECK_OK(weft_sim_tell(p->sim, who, peer_deed, p, key, value));
    CHECK_OK(weft_sim_kill(p->sim, who, WEFT_OK));
}

void etcd_peer_delete(etcd_peer *p, const char *key)
{
    have_done(p, key, NULL);
}

void etcd_peer_put(etcd_peer *p, const char *key, const char *value)
{
    have_done(p, key, value);
}

void etcd_peer_cut_watches(etcd_peer *p)
{
    have_done(p, NULL, NULL);
}

void etcd_peer_compact(etcd_peer *p)
{
    p->compacted = p->revision;
    p->n_changes = 0;
}
