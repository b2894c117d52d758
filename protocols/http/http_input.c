/* SPDX-License-Identifier: MIT */
/* Reading: what came becomes heads, bodies and exchanges, as far as there is room for their
 * answers.
 *
 * The bytes of a data message are read where they are. What is left of them is kept (pending) when
 * it is a part of a head, or when input is paused; then the message itself is kept too, so that
 * nothing more comes. */
#include "http_server.h"

#include <string.h>

/* What is behind the last request may be for whoever gets the stream. */
static bool is_held(const wf_http_conn *c)
{
    return c->last != NULL && (c->last->flags & WF_HTTP_X_HOLDS) != 0;
}

static bool may_read(weft_actor *self, wf_http_conn *c)
{
    if ((c->flags & (WF_HTTP_CLOSING | WF_HTTP_GONE)) != 0) {
        c->flags |= WF_HTTP_SURPLUS;
        return false;
    }
    if (c->open >= c->site->limits.responses_pending_max || weft_write_full(self, c->stream)) {
        c->flags |= WF_HTTP_PAUSED;
        return false;
    }
    return true;
}

/* ---- heads */

static void head_unfinished(weft_actor *self, wf_http_conn *c, const weft_bytes *in)
{
    weft_why why = {""};
    uint16_t status = 400;
    if ((c->flags & WF_HTTP_HEAD_BEGUN) == 0) {
        c->flags |= WF_HTTP_HEAD_BEGUN;
        c->read_at = weft_now_ms(self);
    }
    weft_err err =
        wf_http1_head_unfinished(&c->site->codec_limits, in->at, in->size, &status, &why);
    if (err != WEFT_OK)
        wf_http_refuse(self, c, NULL, status, err, why.text);
}

/* What the head says about the connection and the body. */
static void set_out(weft_actor *self, wf_http_conn *c, wf_http_exchange *x)
{
    const wf_http1_head *head = &x->head;
    c->served++;
    if (!head->keep_alive || c->served >= c->site->limits.requests_max)
        x->flags |= WF_HTTP_X_CLOSE;
    if (head->expect_continue)
        x->flags |= WF_HTTP_X_CONTINUE;
    if (head->framing != WF_HTTP1_NO_BODY) {
        c->reading = x;
        c->read_at = weft_now_ms(self);
        return;
    }
    x->flags |= WF_HTTP_X_BODY_DONE;
    if ((x->flags & WF_HTTP_X_CLOSE) != 0)
        c->flags |= WF_HTTP_CLOSING;
}

/* One head off the front of @in. false: nothing more can be read now. */
static bool read_head(weft_actor *self, wf_http_conn *c, weft_bytes *in)
{
    size_t scanned = c->scanned;
    size_t n = wf_http1_head_end(in->at, in->size, &scanned);
    wf_http_reactor *h = wf_http_reactor_here();
    weft_why why;
    wf_http1_head head;
    wf_http1 parser;
    c->scanned = n == 0 ? (uint32_t)scanned : 0;
    if (n == 0) {
        head_unfinished(self, c, in);
        return false;
    }
    c->flags &= (uint16_t)~WF_HTTP_HEAD_BEGUN;
    wf_http1_init(&parser, &c->site->codec_limits);
    weft_err err = wf_http1_parse_request(&parser, in->at, n, &head, h->fields,
                                          c->site->limits.fields_max, &why);
    if (err != WEFT_OK) {
        wf_http_refuse(self, c, NULL, head.status, err, why.text);
        return false;
    }
    wf_http_exchange *x = wf_http_exchange_new(self, c, &head, h->fields);
    if (x == NULL) {
        wf_http_close(self, c, WEFT_ENOMEM);
        return false;
    }
    x->parser = parser;
    x->head_bytes = weft_bytes_slice(*in, 0, n);
    *in = weft_bytes_slice(*in, n, SIZE_MAX);
    h->rest = *in;
    set_out(self, c, x);
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
    wf_http_dispatch(self, x);
    /* what is not over when its handler returns needs its head beyond these bytes */
    if ((x->flags & WF_HTTP_X_LOST) == 0 && !wf_http_exchange_persist(self, x))
        wf_http_close(self, c, WEFT_ENOMEM);
    wf_http_exchange_drop(x);
    return (c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) == 0;
}

/* ---- bodies */

static void refuse_piece(weft_actor *self, wf_http_conn *c, weft_err err)
{
    if (err == WEFT_ETOOBIG)
        wf_http_refuse(self, c, c->reading, 413, err, "The body is larger than is taken here.");
    else
        wf_http_refuse(self, c, c->reading, 503, err, NULL);
}

/* All of the body was read. */
static weft_err body_complete(weft_actor *self, wf_http_conn *c, const wf_http1_piece *piece)
{
    wf_http_exchange *x = c->reading;
    weft_err err = wf_http_trailers_take(x, piece->trailers, piece->trailers_count);
    if (err != WEFT_OK)
        return err;
    c->reading = NULL;
    if ((x->flags & WF_HTTP_X_CLOSE) != 0)
        c->flags |= WF_HTTP_CLOSING;
    wf_http_body_done(self, x);
    return WEFT_OK;
}

/* One piece of a body off the front of @in. false: nothing more can be read now. */
static bool read_body(weft_actor *self, wf_http_conn *c, weft_bytes *in)
{
    wf_http_exchange *x = c->reading;
    wf_http1_piece piece = {.trailers = wf_http_reactor_here()->fields,
                            .trailers_max = WF_HTTP1_FIELDS_LAST};
    weft_why why = {""};
    wf_http1 before = x->parser;
    weft_err err = wf_http1_body(&x->parser, in->at, in->size, &piece, &why);
    if (err != WEFT_OK) {
        wf_http_refuse(self, c, x, piece.status, err, why.text);
        return false;
    }
    if (piece.data_bytes != 0) {
        weft_bytes data = weft_bytes_slice(*in, (size_t)(piece.data - in->at), piece.data_bytes);
        err = wf_http_body_take(self, x, data);
    }
    if (err == WEFT_EFULL) {
        x->parser = before;
        x->at = weft_now_ms(self); /* from now on its taker is waited for */
        c->flags |= WF_HTTP_PAUSED;
        return false;
    }
    c->read_at = weft_now_ms(self);
    *in = weft_bytes_slice(*in, piece.consumed, SIZE_MAX);
    if (err == WEFT_OK && piece.complete)
        err = body_complete(self, c, &piece);
    if (err != WEFT_OK)
        refuse_piece(self, c, err);
    return piece.consumed != 0 && (c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) == 0;
}

/* ---- all of it */

/* Reads of @in what may be read now; what is to be kept stays in it. */
static void read_all(weft_actor *self, wf_http_conn *c, weft_bytes *in)
{
    bool more = true;
    c->flags |= WF_HTTP_RUNNING;
    c->flags &= (uint16_t)~WF_HTTP_PAUSED;
    while (more && in->size != 0 && !is_held(c)) {
        if (c->reading != NULL)
            more = read_body(self, c, in);
        else
            more = may_read(self, c) && read_head(self, c, in);
    }
    c->flags &= (uint16_t)~WF_HTTP_RUNNING;
    if (is_held(c))
        c->flags |= WF_HTTP_PAUSED; /* also if nothing is behind it: the message is held then */
    if (c->reading == NULL && (c->flags & (WF_HTTP_CLOSING | WF_HTTP_GONE)) != 0)
        *in = WEFT_NO_BYTES;
    if ((c->flags & WF_HTTP_UPGRADED) != 0)
        wf_http_upgraded(self, c);
}

/* Nothing more can come, and nothing that came is left to be read. */
static void check_end(weft_actor *self, wf_http_conn *c)
{
    if ((c->flags & WF_HTTP_ENDED) == 0 || (c->flags & (WF_HTTP_PAUSED | WF_HTTP_GONE)) != 0)
        return;
    if (c->reading != NULL)
        wf_http_refuse(self, c, c->reading, 400, WEFT_ETRUNCATED,
                       "The connection ended before the body did.");
    else if (c->first == NULL || (c->flags & WF_HTTP_LINGERING) != 0)
        wf_http_close(self, c, WEFT_OK);
    else {
        c->flags |= WF_HTTP_CLOSING;
        c->flags &= (uint16_t)~WF_HTTP_HEAD_BEGUN;
    }
}

void wf_http_input_ended(weft_actor *self, wf_http_conn *c)
{
    c->flags |= WF_HTTP_ENDED;
    check_end(self, c);
    wf_http_watch_time(c);
}

void wf_http_input(weft_actor *self, wf_http_conn *c)
{
    if ((c->flags & (WF_HTTP_RUNNING | WF_HTTP_GONE)) != 0)
        return;
    weft_bytes in = c->pending, all = c->pending;
    c->pending = WEFT_NO_BYTES;
    read_all(self, c, &in);
    if (in.size != 0)
        c->pending = weft_bytes_share(in);
    weft_bytes_drop(&all);
    if (c->held != NULL && (c->flags & WF_HTTP_PAUSED) == 0)
        weft_drop(&c->held);
    check_end(self, c);
    wf_http_watch_time(c);
}

weft_err wf_http_input_go_on(weft_actor *self, wf_http_exchange *x,
                             weft_err (*serve)(weft_actor *self, weft_msg *msg,
                                               const weft_outcome *got),
                             const weft_outcome *got)
{
    wf_http_conn *c = x->conn;
    x->flags &= (uint16_t)~WF_HTTP_X_HOLDS;
    if ((c->flags & WF_HTTP_RUNNING) != 0)
        return serve(self, wf_http_message(x), got);
    wf_http_reactor_here()->rest = c->pending;
    c->flags |= WF_HTTP_RUNNING;
    weft_err err = serve(self, wf_http_message(x), got);
    c->flags &= (uint16_t)~WF_HTTP_RUNNING;
    /* what was held goes with this actor: then it is the new owner's turn */
    if ((c->flags & WF_HTTP_UPGRADED) != 0)
        wf_http_upgraded(self, c);
    else
        wf_http_input(self, c);
    return err;
}

/* Puts @in behind what is pending. Room doubles, so that a head that comes byte by byte is copied a
 * few times, not once a byte. */
static weft_err join(wf_http_conn *c, weft_bytes in)
{
    weft_bytes *pending = &c->pending, joined;
    uint8_t *to;
    if (weft_bytes_spare(*pending) < in.size) {
        weft_err err = weft_bytes_new(2 * (pending->size + in.size), &to, &joined);
        if (err != WEFT_OK)
            return err;
        memcpy(to, pending->at, pending->size);
        joined.size = pending->size;
        weft_bytes_drop(pending);
        *pending = joined;
    }
    memcpy((uint8_t *)(uintptr_t)pending->at + pending->size, in.at, in.size);
    pending->size += in.size;
    return WEFT_OK;
}

weft_err wf_http_take(weft_actor *self, wf_http_conn *c, weft_bytes in)
{
    if (c->pending.size != 0) {
        weft_err err = join(c, in);
        if (err == WEFT_OK)
            wf_http_input(self, c);
        return err;
    }
    read_all(self, c, &in);
    if (in.size != 0) {
        c->pending = weft_bytes_keep(self, in);
        if (c->pending.size == 0)
            return WEFT_ENOMEM;
    }
    wf_http_watch_time(c);
    return WEFT_OK;
}
