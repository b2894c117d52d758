/* SPDX-License-Identifier: MIT */
/* Bodies: gathered into one piece, or both ways through a stream of the vocabulary of sockets.
 *
 *   client ── pieces ──▶ queue ── read ──▶ stream ──▶ owner
 *   client ◀── chunks ── connection's output ◀── write ── stream ◀── owner
 */
#include <stdlib.h>
#include <string.h>

#include "http_server.h"

enum { IN_ITEMS = 16 };

typedef struct wf_http_body {
    wf_http_exchange *x;  /* NULL: the exchange is over */
    weft_leaf *leaf;      /* NULL: the stream is closed */
    weft_bytes in[IN_ITEMS];
    unsigned first, n;
    unsigned want;
    bool whole;           /* the request's body is all here */
    bool out_ended;       /* the owner has ended its side */
    bool begun;
    uint64_t sent;
    weft_err lost;
    weft_hook hook;       /* readiness is told between turns, as a descriptor's is */
} wf_http_body;

static void body_free(wf_http_body *b)
{
    if (b->x != NULL || b->leaf != NULL)
        return;
    weft_hook_cancel(&b->hook);
    for (; b->n != 0; b->n--, b->first = (b->first + 1) % IN_ITEMS)
        weft_bytes_drop(&b->in[b->first]);
    free(b);
}

static bool my_turn(const wf_http_body *b)
{
    const wf_http_exchange *x = b->x;
    return x != NULL && x->conn != NULL && x->conn->first == x &&
           (x->flags & WF_HTTP_X_HEAD_SENT) != 0;
}

static unsigned ready_now(const wf_http_body *b)
{
    unsigned events = 0;
    if (b->n != 0 || b->whole || b->lost != WEFT_OK)
        events |= WEFT_READABLE;
    if (b->lost != WEFT_OK || (my_turn(b) && !weft_write_full(NULL, b->x->conn->stream)))
        events |= WEFT_WRITABLE;
    return events & b->want;
}

static void look(wf_http_body *b)
{
    if (b->leaf != NULL && b->begun && ready_now(b) != 0)
        weft_hook_queue(&b->hook);
}

static void on_hook(weft_hook *hook)
{
    wf_http_body *b = (wf_http_body *)(void *)((char *)hook - offsetof(wf_http_body, hook));
    unsigned events = b->leaf != NULL ? ready_now(b) : 0;
    if (events != 0)
        weft_leaf_ready(b->leaf, events);
}

/* ---- the leaf */

static void input_again(weft_actor *self, void *context)
{
    wf_http_input(self, context);
}

static weft_err body_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    wf_http_body *b = weft_leaf_context(leaf);
    uint8_t *to;
    if (b->n == 0) {
        if (b->lost != WEFT_OK)
            return weft_because(why, b->lost, "the client has gone");
        return b->whole ? WEFT_EDONE : WEFT_EFULL;
    }
    weft_bytes *from = &b->in[b->first];
    weft_err err = weft_bytes_charged(from->size, weft_leaf_window(leaf), &to, out);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from->at, from->size);
    weft_bytes_drop(from);
    b->first = (b->first + 1) % IN_ITEMS;
    b->n--;
    if (b->x != NULL && b->x->conn != NULL && (b->x->conn->flags & WF_HTTP_PAUSED) != 0)
        weft_enter(b->x->site_actor, input_again, b->x->conn);
    look(b);
    return WEFT_OK;
}

static weft_err write_piece(wf_http_body *b, weft_bytes bytes)
{
    wf_http_exchange *x = b->x;
    weft_actor *self = x->site_actor;
    weft_ref stream = x->conn->stream;
    weft_err err = WEFT_OK;
    if ((x->flags & WF_HTTP_X_CHUNKED) != 0) {
        uint8_t head[WF_HTTP1_CHUNK_HEAD_BYTES_MAX];
        size_t n = wf_http1_chunk_head(head, bytes.size);
        err = weft_write_copy(self, stream, head, n);
    }
    if (err == WEFT_OK)
        err = weft_write(self, stream, bytes);
    if (err == WEFT_OK && (x->flags & WF_HTTP_X_CHUNKED) != 0)
        err = weft_write(self, stream, WEFT_BYTES_LITERAL(WF_HTTP1_CHUNK_TAIL));
    x->sent_bytes += bytes.size;
    b->sent += bytes.size;
    return err;
}

static weft_err body_write(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                           weft_why *why)
{
    wf_http_body *b = weft_leaf_context(leaf);
    *sent = 0;
    if (b->lost != WEFT_OK || b->x == NULL)
        return weft_because(why, WEFT_ELOST, "the client has gone");
    if (!my_turn(b))
        return WEFT_EFULL;
    for (unsigned i = 0; i < n; i++) {
        if (weft_write_full(b->x->site_actor, b->x->conn->stream))
            return WEFT_EFULL;
        if (items[i].file != NULL)
            return weft_because(why, WEFT_EUNSUPPORTED,
                                "a streamed body takes bytes; a file is an answer's own");
        weft_err err = write_piece(b, items[i].bytes);
        if (err != WEFT_OK)
            return weft_because(why, err, "the response cannot be written");
        *sent += items[i].bytes.size;
    }
    wf_http_watch_time(b->x->conn);
    return WEFT_OK;
}

static void body_want(weft_leaf *leaf, unsigned events)
{
    wf_http_body *b = weft_leaf_context(leaf);
    b->want = events;
    look(b);
}

static void output_again(weft_actor *self, void *context)
{
    wf_http_output(self, context);
}

/* The owner has written all: the response is over. */
static void body_end_out(weft_leaf *leaf)
{
    wf_http_body *b = weft_leaf_context(leaf);
    b->out_ended = true;
    if (!my_turn(b))
        return;
    wf_http_exchange *x = b->x;
    if ((x->flags & WF_HTTP_X_CHUNKED) != 0)
        (void)weft_write(x->site_actor, x->conn->stream, WEFT_BYTES_LITERAL(WF_HTTP1_CHUNKS_END));
    x->flags |= WF_HTTP_X_OVER;
    weft_enter(x->site_actor, output_again, x->conn);
}

static void cut(weft_actor *self, void *context)
{
    wf_http_conn *c = context;
    (void)weft_abort(self, c->stream, WEFT_EABORTED);
}

static void body_close(weft_leaf *leaf, bool abort)
{
    wf_http_body *b = weft_leaf_context(leaf);
    b->leaf = NULL;
    if (!abort && !b->out_ended && my_turn(b) && (b->x->flags & WF_HTTP_X_OVER) == 0)
        body_end_out(leaf);
    else if (my_turn(b) && (b->x->flags & WF_HTTP_X_OVER) == 0)
        /* a response cut short must not look whole */
        weft_enter(b->x->site_actor, cut, b->x->conn);
    body_free(b);
}

static void body_addresses(weft_leaf *leaf, weft_address *local, weft_address *peer)
{
    const wf_http_body *b = weft_leaf_context(leaf);
    if (b->x != NULL && b->x->conn != NULL)
        (void)weft_stream_addresses(b->x->site_actor, b->x->conn->stream, local, peer);
}

static weft_err body_nodelay(weft_leaf *leaf, bool on)
{
    (void)leaf, (void)on;
    return WEFT_EUNSUPPORTED;
}

static const weft_leaf_ops body_leaf = {
    .name = "http body",
    .read = body_read,
    .write = body_write,
    .want = body_want,
    .end = body_end_out,
    .close = body_close,
    .addresses = body_addresses,
    .nodelay = body_nodelay,
};

weft_err wf_http_body_open(weft_actor *self, wf_http_exchange *x, weft_ref owner)
{
    wf_http_body *b = calloc(1, sizeof *b);
    weft_ref stream;
    if (b == NULL)
        return WEFT_ENOMEM;
    b->x = x;
    b->hook.run = on_hook;
    b->whole = (x->flags & WF_HTTP_X_BODY_DONE) != 0;
    b->leaf = weft_leaf_new(self, &body_leaf, b, owner, &stream);
    if (b->leaf == NULL) {
        free(b);
        return WEFT_ENOMEM;
    }
    x->stream = b;
    wf_http_request_of(x)->stream = stream;
    return WEFT_OK;
}

void wf_http_body_begin(wf_http_exchange *x)
{
    wf_http_body *b = x->stream;
    if (b == NULL || b->leaf == NULL)
        return;
    if ((x->flags & WF_HTTP_X_CONTINUE) != 0 && x->conn != NULL && x->conn->first == x) {
        x->flags &= (uint16_t)~WF_HTTP_X_CONTINUE;
        (void)weft_write(x->site_actor, x->conn->stream, WEFT_BYTES_LITERAL(WF_HTTP1_CONTINUE));
    }
    b->begun = true;
    weft_leaf_begin(b->leaf);
    look(b);
}

void wf_http_body_turn(wf_http_exchange *x)
{
    wf_http_body *b = x->stream;
    if (b == NULL)
        return;
    if (b->out_ended && b->leaf == NULL)
        return;
    look(b);
}

void wf_http_body_end(wf_http_exchange *x, weft_err reason)
{
    wf_http_body *b = x->stream;
    if (b == NULL)
        return;
    x->stream = NULL;
    b->x = NULL;
    if (b->leaf == NULL) {
        body_free(b);
        return;
    }
    if (reason == WEFT_EDONE) {
        b->whole = true;
        look(b);
        return;
    }
    b->lost = reason;
    weft_leaf_lost(b->leaf, reason, "the client has gone");
}

/* ---- what comes */

static weft_err stream_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes)
{
    wf_http_body *b = x->stream;
    if (b == NULL || b->leaf == NULL)
        return WEFT_OK; /* nobody reads it: thrown away */
    if (b->n == IN_ITEMS)
        return WEFT_EFULL;
    weft_bytes kept = weft_bytes_keep(self, bytes);
    if (kept.size == 0)
        return WEFT_ENOMEM;
    b->in[(b->first + b->n++) % IN_ITEMS] = kept;
    look(b);
    return WEFT_OK;
}

/* Gathers: a known length is taken at once, an unknown one doubles. */
static weft_err gather(wf_http_exchange *x, weft_bytes bytes)
{
    weft_bytes *body = &wf_http_request_of(x)->body;
    uint64_t limit = x->row->body_bytes_max != 0 ? x->row->body_bytes_max
                                                 : x->site->limits.body_bytes_max;
    if (body->size + bytes.size > limit)
        return WEFT_ETOOBIG;
    if (body->buffer == NULL || weft_bytes_spare(*body) < bytes.size) {
        weft_bytes bigger;
        uint8_t *to;
        size_t room = x->head.framing == WF_HTTP1_LENGTH ? (size_t)x->head.content_length
                                                         : 2 * (body->size + bytes.size);
        weft_err err = weft_bytes_new(room, &to, &bigger);
        if (err != WEFT_OK)
            return err;
        if (body->size != 0)
            memcpy(to, body->at, body->size);
        bigger.size = body->size;
        weft_bytes_drop(body);
        *body = bigger;
    }
    memcpy((uint8_t *)(uintptr_t)body->at + body->size, bytes.at, bytes.size);
    body->size += bytes.size;
    return WEFT_OK;
}

weft_err wf_http_body_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes)
{
    if (x->row == NULL)
        return WEFT_OK;
    return x->row->stream ? stream_take(self, x, bytes) : gather(x, bytes);
}

void wf_http_body_done(weft_actor *self, wf_http_exchange *x)
{
    x->flags |= WF_HTTP_X_BODY_DONE;
    if (x->row == NULL)
        return;
    if (!x->row->stream) {
        wf_http_serve(self, x);
        return;
    }
    if (x->stream != NULL) {
        x->stream->whole = true;
        look(x->stream);
    }
}
