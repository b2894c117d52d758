/* SPDX-License-Identifier: MIT */
/* The leaf of streams between nodes: what is written goes in turns, as far as the other side has room; what comes
 * waits until it is read. */
#include "link_stream.h"

#include <string.h>

#include "conn.h"

/* ---- in line */

static void line_put(node_link *l, link_stream *s)
{
    if (s->in_line)
        return;
    s->in_line = true;
    s->next = NULL;
    *l->streams.line_tail = s;
    l->streams.line_tail = &s->next;
}

static void line_take(node_link *l, const link_stream *s)
{
    link_stream **at = &l->streams.line;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (*at == NULL)
        l->streams.line_tail = at;
}

/* Messages pass by what streams have to send: of that only so much is appended that they still have room. */
static bool link_takes(const node_link *l)
{
    return l->s.state == LINK_UP && !l->stream_full &&
           wf_session_waiting(&l->s) < LINK_STREAM_OUT_MAX &&
           (l->far || !weft_write_full(l->self, l->stream));
}

void wf_streams_pump(node_link *l)
{
    while (l->streams.line != NULL && link_takes(l)) {
        link_stream *s = l->streams.line;
        line_take(l, s);
        s->in_line = false;
        s->turn = true;
        s->sent = 0;
        weft_leaf_ready(s->leaf,
                        WEFT_WRITABLE); /* which may end it, else its turn ends in stream_want */
    }
}

/* ---- reading */

void wf_stream_look(link_stream *s)
{
    if (s->leaf != NULL)
        weft_hook_queue(&s->hook);
}

/* The other side has closed, and the owner was told all there was, and let go of it. */
static bool is_done(const link_stream *s)
{
    return s->left && (s->leaf->flags & (CONN_ENDED_TOLD | CONN_DATA_OUT)) == CONN_ENDED_TOLD;
}

static void on_hook(weft_hook *hook)
{
    link_stream *s = (link_stream *)(void *)((char *)hook - offsetof(link_stream, hook));
    if (is_done(s))
        wf_conn_close(s->leaf);
    else if ((s->want & WEFT_READABLE) != 0 && (s->came != NULL || s->ended))
        weft_leaf_ready(s->leaf, WEFT_READABLE);
}

static link_came *came_take(link_stream *s)
{
    link_came *c = s->came;
    s->came = c->next;
    if (s->came == NULL)
        s->came_tail = &s->came;
    return c;
}

/* What was read gives room again. */
static void give_room(link_stream *s)
{
    if (s->link == NULL || s->owed < LINK_STREAM_ROOM / LINK_STREAM_ROOM_PARTS)
        return;
    wf_link_control(s->link, &(link_record){.op = LINK_OP_ROOM, .req = s->id, .dst = s->owed});
    s->given += s->owed;
    s->owed = 0;
}

/* The bytes of records that are read at once, small ones together. */
static size_t bytes_ready(const link_stream *s)
{
    size_t n = 0;
    for (const link_came *c = s->came; c != NULL; c = c->next) {
        if (n != 0 && n + c->bytes > WEFT_READ_BYTES_MAX / 2)
            break;
        n += c->bytes;
    }
    return n;
}

static weft_err stream_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    link_stream *s = weft_leaf_context(leaf);
    uint8_t *to;
    (void)why;
    if (s->came == NULL)
        return s->ended ? WEFT_EDONE : WEFT_EFULL;
    size_t n = bytes_ready(s);
    wf_stream_look(s); /* for what is left, and if memory is out now */
    weft_err err = weft_bytes_charged(n, weft_leaf_window(leaf), &to, out);
    if (err != WEFT_OK)
        return err;
    for (size_t at = 0; at < n;) {
        link_came *c = came_take(s);
        memcpy(to + at, c->at, c->bytes);
        at += c->bytes;
        s->owed += c->charge;
        weft_alloc_free(c);
    }
    give_room(s);
    return WEFT_OK;
}

/* ---- writing */

/* Bytes of @pieces, up to a file. */
static size_t bytes_of(const weft_leaf_item *pieces, unsigned n)
{
    size_t sum = 0;
    for (unsigned i = 0; i < n && pieces[i].file == NULL; i++)
        sum += pieces[i].bytes.size;
    return sum;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void copy_items(uint8_t *to, const weft_leaf_item *pieces, size_t bytes)
{
    for (size_t part; bytes != 0; bytes -= part, to += part, pieces++) {
        part = least(pieces->bytes.size, bytes);
        memcpy(to, pieces->bytes.at, part);
    }
}

/* What may go now: nothing while others are in line and it is not its turn. */
static size_t may_go(const link_stream *s)
{
    const node_link *l = s->link;
    if (l == NULL || !s->up || s->room <= LINK_RECORD_BYTES + 8 || !link_takes(l) ||
        (!s->turn && l->streams.line != NULL))
        return 0;
    size_t turn = s->turn ? LINK_STREAM_BYTES_MAX - s->sent : LINK_STREAM_BYTES_MAX;
    return least(turn, (size_t)(s->room - LINK_RECORD_BYTES) & ~(size_t)7);
}

static weft_err stream_write(weft_leaf *leaf, const weft_leaf_item *pieces, unsigned n,
                             size_t *sent, weft_why *why)
{
    link_stream *s = weft_leaf_context(leaf);
    uint8_t *payload;
    uint64_t seq;
    *sent = 0;
    if (s->left)
        return weft_because(why, WEFT_ELOST, "the other end is closed");
    if (pieces[0].file != NULL)
        return WEFT_EUNSUPPORTED; /* it comes as bytes */
    size_t bytes = least(bytes_of(pieces, n), may_go(s));
    if (bytes == 0)
        return WEFT_EFULL;
    link_record record = {.op = LINK_OP_BYTES, .req = s->id, .bytes = (uint32_t)bytes};
    weft_err err = wf_session_record(&s->link->s, &record, &payload, &seq);
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory to send it");
    copy_items(payload, pieces, bytes);
    s->room -= wf_link_record_bytes(&record);
    s->sent += (uint32_t)bytes;
    *sent = bytes;
    wf_link_touch(s->link);
    return WEFT_OK;
}

static void stream_want(weft_leaf *leaf, unsigned events)
{
    link_stream *s = weft_leaf_context(leaf);
    s->want = events;
    s->turn = false;
    if ((events & WEFT_READABLE) != 0 || is_done(s))
        wf_stream_look(s);
    if ((events & WEFT_WRITABLE) != 0 && s->link != NULL && s->up &&
        (s->room > LINK_RECORD_BYTES + 8 || s->left)) {
        line_put(s->link, s);
        wf_link_touch(s->link);
    }
}

static void stream_end(weft_leaf *leaf)
{
    link_stream *s = weft_leaf_context(leaf);
    if (s->link != NULL && !s->left)
        wf_link_control(s->link, &(link_record){.op = LINK_OP_ENDED, .req = s->id});
}

/* ---- its life */

static void forget(link_stream *s)
{
    node_link *l = s->link;
    wf_map_take(&l->streams.by_id, s->id);
    if (s->in_line)
        line_take(l, s);
    s->in_line = false;
    s->link = NULL;
}

static void say_why(const link_stream *s, bool abort)
{
    const conn_rare *rare = s->leaf->rare;
    weft_err err = rare != NULL && rare->reason != WEFT_OK ? rare->reason : WEFT_EABORTED;
    if (s->left)
        return;
    if (!abort)
        wf_stream_say_closed(s->link, s->id, WEFT_OK, "");
    else if (err == WEFT_EABORTED || err == WEFT_EDONE)
        wf_stream_say_closed(s->link, s->id, WEFT_ELOST, "the other end was aborted");
    else
        wf_stream_say_closed(s->link, s->id, err, rare->why);
}

static void stream_close(weft_leaf *leaf, bool abort)
{
    link_stream *s = weft_leaf_context(leaf);
    weft_hook_cancel(&s->hook);
    while (s->came != NULL)
        weft_alloc_free(came_take(s));
    if (s->link != NULL) {
        say_why(s, abort);
        forget(s);
    }
    s->leaf = NULL;
    if (!s->making)
        weft_alloc_free(s);
}

static void stream_addresses(weft_leaf *leaf, weft_address *local, weft_address *peer)
{
    const link_stream *s = weft_leaf_context(leaf);
    *local = s->local;
    *peer = s->peer;
}

static weft_err stream_nodelay(weft_leaf *leaf, bool on)
{
    (void)leaf, (void)on;
    return WEFT_EUNSUPPORTED;
}

const weft_leaf_ops wf_link_leaf = {
    .name = "node",
    .read = stream_read,
    .write = stream_write,
    .want = stream_want,
    .end = stream_end,
    .close = stream_close,
    .addresses = stream_addresses,
    .nodelay = stream_nodelay,
};

link_stream *wf_stream_new(node_link *l, uint32_t id)
{
    link_stream *s =
        wf_map_reserve(&l->streams.by_id) == WEFT_OK ? weft_alloc_zero(sizeof *s) : NULL;
    if (s == NULL)
        return NULL;
    s->id = id;
    s->given = LINK_STREAM_ROOM;
    s->came_tail = &s->came;
    s->hook.run = on_hook;
    return s;
}

weft_err wf_stream_make(node_link *l, link_stream *s, weft_ref owner)
{
    s->making = true; /* whose owner has ended closes at once */
    s->leaf = weft_leaf_new(l->self, &wf_link_leaf, s, owner, &s->ref);
    s->making = false;
    if (s->leaf == NULL) {
        weft_alloc_free(s);
        return WEFT_EGONE;
    }
    s->link = l;
    wf_map_put(&l->streams.by_id, s->id)->pointer = s;
    return WEFT_OK;
}

void wf_stream_fail(link_stream *s, weft_err err, const char *why)
{
    weft_leaf_lost(s->leaf, err, why);
}

void wf_streams_lost(node_link *l, weft_err err, const char *why)
{
    link_map all = l->streams.by_id;
    size_t at = 0;
    wf_streams_refuse(l, err, why);
    l->streams.by_id = (link_map){.n = 0};
    l->streams.line = NULL;
    l->streams.line_tail = &l->streams.line;
    l->streams.last = 0;
    for (const link_map_row *row; (row = wf_map_next(&all, &at)) != NULL;) {
        link_stream *s = row->pointer;
        s->link = NULL;
        s->in_line = false;
        weft_leaf_lost(s->leaf, err, why);
    }
    wf_map_done(&all);
}
