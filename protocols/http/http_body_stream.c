/* SPDX-License-Identifier: MIT */
/* The stream of a .stream route: what the client sends is its data, what is written to it is the
 * body of the response.
 *
 *   client ── pieces ──▶ queue ── read ──▶ stream ──▶ owner
 *   client ◀── chunks ── connection's output ◀── write ── stream ◀── owner
 *
 * The stream's own calls only note what they want. What follows from it for the connection happens
 * in a hook, between turns, so that neither is worked on from within the other. */
#include <weft/leaf.h>

#include "framing/pieces.h"
#include "http_chunk.h"
#include "http_packing.h"
#include "http_server.h"

typedef struct wf_http_body {
    wf_http_exchange *x; /* NULL: the exchange is over */
    weft_leaf *leaf;     /* NULL: the stream is closed */
    wf_pieces in;
    unsigned want;
    bool none;    /* a GET without a body: there is no end of it to be told */
    bool whole;   /* the request's body is all here */
    bool stalled; /* a piece did not fit: input waits */
    bool begun;
    bool counted;   /* the response has a length, of which @left is still to be written */
    bool out_ended; /* the owner has written all */
    bool cut;       /* it never will */
    uint64_t left;
    weft_bytes end; /* the last chunk, with trailers; none: without */
    weft_hook hook;
} wf_http_body;

static void body_free(wf_http_body *b)
{
    weft_hook_cancel(&b->hook);
    wf_pieces_drop(&b->in);
    weft_bytes_drop(&b->end);
    weft_alloc_free(b);
}

/* ---- what is to be done, and doing it */

static bool my_turn(const wf_http_body *b)
{
    const wf_http_exchange *x = b->x;
    return x->conn->first == x &&
           (x->flags & (WF_HTTP_X_HEAD_SENT | WF_HTTP_X_OVER)) == WF_HTTP_X_HEAD_SENT;
}

static bool has_room(const wf_http_body *b)
{
    return my_turn(b) && !weft_write_full(b->x->site_actor, b->x->conn->stream);
}

static unsigned ready_now(const wf_http_body *b)
{
    unsigned events = 0;
    if (b->leaf == NULL || !b->begun)
        return 0;
    if ((b->want & WEFT_READABLE) != 0 && (b->in.n != 0 || (b->whole && !b->none)))
        events |= WEFT_READABLE;
    if ((b->want & WEFT_WRITABLE) != 0 && has_room(b))
        events |= WEFT_WRITABLE;
    return events;
}

static bool input_may_go_on(const wf_http_body *b)
{
    return b->stalled && (b->in.n < WF_PIECES_MAX || b->leaf == NULL);
}

static bool response_is_over(const wf_http_body *b)
{
    return (b->out_ended || b->cut) && my_turn(b);
}

static void look(wf_http_body *b)
{
    if (b->x != NULL && (input_may_go_on(b) || response_is_over(b) || ready_now(b) != 0))
        weft_hook_queue(&b->hook);
}

static void input_again(weft_actor *self, void *context)
{
    wf_http_input(self, context);
}

/* That its owner ended together with this connection's actor cuts it too. */
static bool is_whole(const wf_http_body *b)
{
    bool site_lives = weft_here(weft_self(b->x->site_actor)) != NULL;
    return site_lives && !b->cut && (!b->counted || b->left == 0);
}

/* A response cut short must not look whole. One with chunks or a length does not when the
 * connection closes in the middle of it; one without would, and is aborted. */
static void cut_response(weft_actor *self, wf_http_body *b)
{
    bool framed = b->counted || (b->x->flags & WF_HTTP_X_CHUNKED) != 0;
    weft_log(self, WEFT_WARNING, "a streamed response was cut short");
    wf_http_close(self, b->x->conn, framed ? WEFT_OK : WEFT_EABORTED);
}

static void end_response(weft_actor *self, void *context)
{
    wf_http_body *b = context;
    wf_http_exchange *x = b->x;
    weft_err err = WEFT_OK;
    if (!is_whole(b)) {
        cut_response(self, b);
        return;
    }
    if (x->packing != NULL)
        err = wf_http_packing_end(x->packing);
    if (err == WEFT_OK && (x->flags & WF_HTTP_X_CHUNKED) != 0)
        err = weft_write(self, x->conn->stream,
                         b->end.size != 0 ? b->end : WEFT_BYTES_LITERAL(WF_HTTP1_CHUNKS_END));
    if (err == WEFT_EFULL)
        return; /* after `drained` */
    if (err != WEFT_OK) {
        wf_http_close(self, x->conn, err);
        return;
    }
    x->flags |= WF_HTTP_X_OVER;
    wf_http_wrote(x->conn);
    wf_http_output(self, x->conn);
}

/* One thing at a time, since each may be the last that happens to @b. */
static void on_hook(weft_hook *hook)
{
    wf_http_body *b = (wf_http_body *)(void *)((char *)hook - offsetof(wf_http_body, hook));
    if (b->x == NULL)
        return;
    if (input_may_go_on(b)) {
        b->stalled = false;
        look(b);
        weft_enter(b->x->site_actor, input_again, b->x->conn);
    } else if (response_is_over(b)) {
        weft_enter(b->x->site_actor, end_response, b);
    } else {
        unsigned events = ready_now(b);
        if (events != 0)
            weft_leaf_ready(b->leaf, events);
    }
}

/* ---- the leaf */

static weft_err body_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    wf_http_body *b = weft_leaf_context(leaf);
    (void)why;
    if (b->in.n == 0)
        return b->whole && !b->none ? WEFT_EDONE : WEFT_EFULL;
    weft_err err = wf_pieces_read(&b->in, leaf, out);
    if (err != WEFT_OK)
        return err;
    /* whoever is waited for next, owner or client, is waited for from now on */
    b->x->at = b->x->conn->read_at = weft_now_ms(NULL);
    look(b);
    return WEFT_OK;
}

static weft_err write_piece(wf_http_body *b, weft_bytes bytes, weft_why *why)
{
    wf_http_exchange *x = b->x;
    weft_ref stream = x->conn->stream;
    if (b->counted && bytes.size > b->left)
        return weft_because(why, WEFT_EINVAL, "the response becomes longer than its stream_bytes");
    weft_err err = (x->flags & WF_HTTP_X_CHUNKED) != 0
                       ? wf_http_chunk_write(x->site_actor, stream, bytes)
                       : weft_write(x->site_actor, stream, bytes);
    if (err != WEFT_OK)
        return err == WEFT_EFULL ? err : weft_because(why, err, "the response cannot be written");
    b->left -= b->counted ? bytes.size : 0;
    x->sent_bytes += bytes.size;
    return WEFT_OK;
}

static size_t items_bytes(const weft_leaf_item *items, unsigned n)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += items[i].file != NULL ? 1 : items[i].bytes.size;
    return bytes;
}

/* A step; what is left has its own, when others have had a turn. */
static weft_err write_packed(wf_http_body *b, const weft_leaf_item *items, unsigned n, size_t *sent,
                             weft_why *why)
{
    if (!has_room(b))
        return WEFT_EFULL;
    if (items[0].file != NULL)
        return weft_because(why, WEFT_EUNSUPPORTED, "bodies take bytes");
    weft_err err = wf_http_packing_write(b->x->packing, items, n, sent);
    if (err != WEFT_OK) {
        *sent = 0;
        return weft_because(why, err, "the response cannot be packed and written");
    }
    if (b->counted && *sent > b->left)
        return weft_because(why, WEFT_EINVAL, "the response becomes longer than its stream_bytes");
    b->left -= b->counted ? *sent : 0;
    return *sent == items_bytes(items, n) ? WEFT_OK : WEFT_EFULL;
}

static weft_err body_write(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                           weft_why *why)
{
    wf_http_body *b = weft_leaf_context(leaf);
    *sent = 0;
    if (b->x->packing != NULL)
        return write_packed(b, items, n, sent, why);
    for (unsigned i = 0; i < n; i++) {
        if (!has_room(b))
            return WEFT_EFULL;
        if (items[i].file != NULL)
            return i != 0 ? WEFT_OK : weft_because(why, WEFT_EUNSUPPORTED, "bodies take bytes");
        weft_err err = write_piece(b, items[i].bytes, why);
        if (err != WEFT_OK)
            return err;
        *sent += items[i].bytes.size;
        wf_http_wrote(b->x->conn);
    }
    return WEFT_OK;
}

static void body_want(weft_leaf *leaf, unsigned events)
{
    wf_http_body *b = weft_leaf_context(leaf);
    b->want = events;
    look(b);
}

static void body_out_ended(weft_leaf *leaf)
{
    wf_http_body *b = weft_leaf_context(leaf);
    b->out_ended = true;
    look(b);
}

static void body_close(weft_leaf *leaf, bool abort)
{
    wf_http_body *b = weft_leaf_context(leaf);
    b->leaf = NULL;
    if (b->x == NULL) {
        body_free(b);
        return;
    }
    if (abort && !b->out_ended)
        b->cut = true;
    b->out_ended = true;
    look(b);
}

static void body_addresses(weft_leaf *leaf, weft_address *local, weft_address *peer)
{
    const wf_http_body *b = weft_leaf_context(leaf);
    if (b->x != NULL)
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
    .end = body_out_ended,
    .close = body_close,
    .addresses = body_addresses,
    .nodelay = body_nodelay,
};

/* ---- from the exchange */

weft_err wf_http_stream_open(weft_actor *self, wf_http_exchange *x, weft_ref owner)
{
    wf_http_body *b = weft_alloc_zero(sizeof *b);
    weft_ref stream;
    if (b == NULL)
        return WEFT_ENOMEM;
    b->hook.run = on_hook;
    b->whole = (x->flags & WF_HTTP_X_BODY_DONE) != 0;
    b->none = b->whole && x->head.method <= WEFT_HTTP_HEAD;
    b->x = x;
    b->leaf = weft_leaf_new(self, &body_leaf, b, owner, &stream);
    if (b->leaf == NULL) {
        body_free(b);
        return WEFT_ENOMEM;
    }
    x->stream = b;
    wf_http_request_of(x)->stream = stream;
    return WEFT_OK;
}

typedef struct late_open {
    wf_http_exchange *x;
    weft_ref owner;
    weft_err err;
} late_open;

static void open_late(weft_actor *self, void *context)
{
    late_open *open = context;
    open->err = wf_http_stream_open(self, open->x, open->owner);
}

weft_err wf_http_stream_open_late(weft_msg *msg, weft_ref owner)
{
    late_open open = {.x = wf_http_exchange_of(msg), .owner = owner, .err = WEFT_EGONE};
    if (open.x->conn == NULL || (open.x->flags & (WF_HTTP_X_ANSWERED | WF_HTTP_X_LOST)) != 0)
        return WEFT_EGONE;
    weft_enter(open.x->site_actor, open_late, &open);
    weft_http_request *request = (weft_http_request *)(uintptr_t)weft_body(msg);
    request->stream = wf_http_request_of(open.x)->stream;
    return open.err;
}

void wf_http_stream_begin(wf_http_exchange *x)
{
    wf_http_body *b = x->stream;
    if (b == NULL || b->leaf == NULL)
        return;
    b->begun = true;
    weft_leaf_begin(b->leaf);
    look(b);
}

weft_err wf_http_stream_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes)
{
    wf_http_body *b = x->stream;
    if (b == NULL || b->leaf == NULL)
        return WEFT_OK; /* nobody reads it: thrown away */
    if (b->in.n == WF_PIECES_MAX) {
        b->stalled = true;
        return WEFT_EFULL;
    }
    weft_bytes kept = weft_bytes_keep(self, bytes);
    if (kept.size == 0)
        return WEFT_ENOMEM;
    wf_pieces_add(&b->in, kept);
    look(b);
    return WEFT_OK;
}

bool wf_http_stream_is_behind(const wf_http_exchange *x)
{
    return x->stream != NULL && x->stream->leaf != NULL && x->stream->in.n != 0;
}

void wf_http_stream_whole(wf_http_exchange *x)
{
    if (x->stream == NULL)
        return;
    x->stream->whole = true;
    look(x->stream);
}

void wf_http_stream_answered(weft_actor *self, wf_http_exchange *x, uint64_t bytes)
{
    if (x->stream == NULL) {
        wf_http_close(self, x->conn, WEFT_EABORTED);
        return;
    }
    x->stream->counted = bytes != 0;
    x->stream->left = bytes;
    look(x->stream);
}

void wf_http_stream_drained(wf_http_exchange *x)
{
    if (x->stream != NULL)
        look(x->stream);
}

void wf_http_stream_cut(wf_http_exchange *x)
{
    wf_http_body *b = x->stream;
    if (b == NULL || b->out_ended)
        return;
    b->cut = true;
    look(b);
}

void wf_http_stream_end(wf_http_exchange *x, weft_err reason)
{
    wf_http_body *b = x->stream;
    if (b == NULL)
        return;
    x->stream = NULL;
    b->x = NULL;
    if (b->leaf == NULL)
        body_free(b);
    else
        weft_leaf_lost(b->leaf, reason,
                       reason == WEFT_EDONE   ? "the exchange is over"
                       : reason == WEFT_ELOST ? "the client has gone"
                                              : "the request could not be read to its end");
}

/* ---- trailers of the response */

weft_err weft_http_trailers(weft_actor *self, weft_ref stream, const weft_http_field *fields,
                            uint32_t count)
{
    weft_leaf *leaf = weft_leaf_of(stream, &body_leaf);
    wf_http_body *b = leaf != NULL ? weft_leaf_context(leaf) : NULL;
    weft_bytes end;
    weft_why why = {""};
    uint8_t *to;
    size_t room = sizeof WF_HTTP1_CHUNKS_END, n;
    if (b == NULL || b->out_ended)
        return WEFT_EGONE;
    for (uint32_t i = 0; i < count; i++)
        room += (size_t)fields[i].name_bytes + fields[i].value_bytes + 4;
    weft_err err = weft_bytes_new(room, &to, &end);
    if (err != WEFT_OK)
        return err;
    err = wf_http1_write_trailers(to, room, fields, count, &n, &why);
    if (err != WEFT_OK) {
        weft_bytes_drop(&end);
        weft_log(self, WEFT_ERROR, "trailers cannot be sent: %s", why.text);
        return err;
    }
    end.size = n;
    weft_bytes_drop(&b->end);
    b->end = end;
    return WEFT_OK;
}
