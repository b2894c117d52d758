/* SPDX-License-Identifier: MIT */
/* The leaf of pairs in memory: what one writes stands in a queue of the other until that reads it. */
#include <string.h>

#include <weft/leaf.h>
#include <weft/net.h>

#include "conn.h"

enum { PAIR_QUEUE = 64, PAIR_BYTES_MAX = 256 << 10, PAIR_WRITE_MAX = 64 << 10 };

/* One direction; each end has one it reads. Freed with the second end. */
typedef struct pair_end {
    conn *c; /* NULL: closed */
    struct pair *pair;
    weft_hook hook; /* readiness is told after the turn, as a descriptor's is */
    unsigned want;
    weft_bytes queue[PAIR_QUEUE];
    uint32_t first, n;
    size_t bytes;
    bool ended; /* the peer sends no more */
    bool aborted;
    weft_err reason; /* that its peer was failed with; WEFT_OK: an abort is a loss here */
} pair_end;

typedef struct pair {
    pair_end end[2];
    unsigned open;
} pair;

/* The leaf keeps its end where a descriptor's watch would be. */
static pair_end *end_of(const conn *c)
{
    pair_end *e;
    memcpy(&e, &c->watch, sizeof(void *));
    return e;
}

static pair_end *other(pair_end *e)
{
    return e == &e->pair->end[0] ? &e->pair->end[1] : &e->pair->end[0];
}

static bool has_room(const pair_end *peer)
{
    return peer->c == NULL || (peer->n < PAIR_QUEUE && peer->bytes < PAIR_BYTES_MAX);
}

static unsigned ready_events(pair_end *e)
{
    unsigned events = 0;
    if (e->n != 0 || e->ended || e->aborted)
        events |= WEFT_READABLE;
    if (has_room(other(e)))
        events |= WEFT_WRITABLE;
    return events & e->want;
}

static void look(pair_end *e)
{
    if (e->c != NULL && ready_events(e) != 0)
        weft_hook_queue(&e->hook);
}

static void on_hook(weft_hook *hook)
{
    pair_end *e = (pair_end *)(void *)((char *)hook - offsetof(pair_end, hook));
    unsigned events = e->c != NULL ? ready_events(e) : 0;
    if (events != 0)
        wf_conn_ready(e->c, events);
}

static weft_err pair_read(conn *c, weft_bytes *out, weft_why *why)
{
    pair_end *e = end_of(c);
    if (e->n == 0) {
        if (e->aborted)
            return e->reason == WEFT_OK
                       ? weft_because(why, WEFT_ELOST, "the other end was aborted")
                       : weft_because(why, e->reason, "%s", weft_err_text(e->reason));
        return e->ended ? WEFT_EDONE : WEFT_EFULL;
    }
    weft_bytes *from = &e->queue[e->first];
    uint8_t *to;
    /* copied, so that each end's bytes are charged to its own window */
    weft_err err = weft_bytes_charged(from->size, &c->window, &to, out);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from->at, from->size);
    e->bytes -= from->size;
    weft_bytes_drop(from);
    e->first = (e->first + 1) % PAIR_QUEUE;
    e->n--;
    look(other(e));
    look(e);
    return WEFT_OK;
}

static weft_err pair_write(conn *c, const conn_item *items, unsigned n, size_t *sent, weft_why *why)
{
    pair_end *peer = other(end_of(c));
    *sent = 0;
    if (peer->c == NULL)
        return weft_because(why, WEFT_ELOST, "the other end is closed");
    for (unsigned i = 0; i < n; i++) {
        if (items[i].file != NULL)
            return *sent != 0 ? WEFT_OK : WEFT_EUNSUPPORTED; /* then it comes as bytes */
        if (!has_room(peer))
            return WEFT_EFULL;
        size_t size = items[i].bytes.size < PAIR_WRITE_MAX ? items[i].bytes.size : PAIR_WRITE_MAX;
        peer->queue[(peer->first + peer->n) % PAIR_QUEUE] =
            weft_bytes_share(weft_bytes_slice(items[i].bytes, 0, size));
        peer->n++;
        peer->bytes += size;
        *sent += size;
        look(peer);
        if (size < items[i].bytes.size)
            break; /* called again with the rest */
    }
    return WEFT_OK;
}

static void pair_want(conn *c, unsigned events)
{
    pair_end *e = end_of(c);
    e->want = events;
    look(e);
}

static void pair_end_out(conn *c)
{
    pair_end *peer = other(end_of(c));
    peer->ended = true;
    look(peer);
}

static void pair_close(conn *c, bool abort)
{
    pair_end *e = end_of(c), *peer = other(e);
    weft_hook_cancel(&e->hook);
    for (; e->n != 0; e->n--, e->first = (e->first + 1) % PAIR_QUEUE)
        weft_bytes_drop(&e->queue[e->first]);
    e->c = NULL;
    peer->ended = true;
    peer->aborted |= abort;
    look(peer);
    if (--e->pair->open == 0)
        weft_alloc_free(e->pair);
}

static void pair_addresses(conn *c, weft_address *local, weft_address *peer)
{
    (void)c;
    *local = *peer = (weft_address){.family = WEFT_FAMILY_UNIX};
}

static weft_err pair_nodelay(conn *c, bool on)
{
    (void)c, (void)on;
    return WEFT_EUNSUPPORTED;
}

static bool pair_unread(conn *c)
{
    return end_of(c)->n != 0;
}

static const conn_leaf leaf_pair = {
    .name = "pair",
    .read = pair_read,
    .write = pair_write,
    .want = pair_want,
    .end = pair_end_out,
    .close = pair_close,
    .addresses = pair_addresses,
    .nodelay = pair_nodelay,
    .unread = pair_unread,
};

weft_err weft_pair_fail(weft_actor *self, weft_ref stream, weft_err reason)
{
    conn *c = weft_leaf_of(stream, &leaf_pair);
    if (c != NULL)
        other(end_of(c))->reason = reason;
    return weft_abort(self, stream, reason);
}

weft_err weft_pair(weft_actor *self, weft_ref owner_a, weft_ref owner_b, weft_ref out[2])
{
    const weft_ref owner[2] = {owner_a, owner_b};
    conn *c[2];
    pair *p = weft_alloc_zero(sizeof *p);
    if (p == NULL)
        return WEFT_ENOMEM;
    p->open = 2;
    for (int i = 0; i < 2; i++) {
        pair_end *e = &p->end[i];
        e->pair = p;
        e->hook = (weft_hook){.run = on_hook, .same_round = true};
        c[i] = wf_conn_new(self, &leaf_pair, owner[i], &out[i]);
        if (c[i] == NULL) {
            p->open = 1;
            if (i == 1)
                wf_conn_lost(c[0], WEFT_ENOMEM, "no memory for its other end");
            else
                weft_alloc_free(p);
            return WEFT_ENOMEM;
        }
        e->c = c[i];
        memcpy(&c[i]->watch, &e, sizeof(void *));
    }
    for (int i = 0; i < 2; i++) {
        if (weft_monitor_life(conn_actor(c[i]), owner[i]) != WEFT_OK)
            wf_conn_lost(c[i], WEFT_ENOMEM, "no memory to watch its owner");
        else
            wf_conn_begin(c[i], CONN_UNKNOWN);
    }
    return WEFT_OK;
}
