/* SPDX-License-Identifier: MIT */
/* Writing: each answer in its turn, and what waits for its turn meanwhile. */
#include <string.h>

#include "http_date.h"
#include "http_packing.h"
#include "http_server.h"

enum { STACK_BYTES = 5120 };

/* ---- heads */

static const char *date_now(weft_actor *self)
{
    wf_http_reactor *h = wf_http_reactor_here();
    int64_t now = (int64_t)(weft_wall_ns(self) / 1000000000U);
    if (now != h->date_s) {
        h->date_s = now;
        wf_http_date_format(h->date, now);
    }
    return h->date;
}

static void set_framing(wf_http_exchange *x, const weft_http_answer *a, wf_http1_answer *w)
{
    if (a->stream && a->stream_bytes == 0) {
        w->framing = x->head.minor >= 1 ? WF_HTTP1_CHUNKED : WF_HTTP1_UNTIL_CLOSE;
        x->flags |= x->head.minor >= 1 ? WF_HTTP_X_CHUNKED : WF_HTTP_X_CLOSE;
        return;
    }
    w->framing = WF_HTTP1_LENGTH;
    w->content_length = a->stream         ? a->stream_bytes
                        : a->file != NULL ? a->file_bytes
                                          : a->body.size;
    /* of a 304 it would be said of the body that GET gets (RFC 9110 section 8.6) */
    if (w->content_length == 0 && (a->status == 204 || a->status == 304))
        w->framing = WF_HTTP1_NO_BODY;
}

/* The head of @a as the codec writes it. What the exchange knows by now decides whether the
 * connection ends behind it: a body that is not read to its end when the response is over ends it
 * too. */
static wf_http1_answer head_of(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    wf_http1_answer w = {
        .status = a->status,
        .minor = x->head.minor,
        .method = x->head.method,
        .date = date_now(self),
        .server = x->site->server,
        .fields = a->fields,
        .fields_count = a->fields_count,
    };
    if (a->content_type != NULL)
        w.content_type = (weft_http_text){a->content_type, (uint32_t)strlen(a->content_type)};
    if (!wf_http1_has_body(a->status, x->head.method))
        x->flags |= WF_HTTP_X_NO_BODY;
    if (a->upgrade != NULL)
        w.upgrade = (weft_http_text){a->upgrade, (uint32_t)strlen(a->upgrade)};
    bool follows = a->stream && (x->flags & WF_HTTP_X_NO_BODY) == 0;
    if (a->close || ((x->flags & WF_HTTP_X_BODY_DONE) == 0 && !follows))
        x->flags |= WF_HTTP_X_CLOSE;
    set_framing(x, a, &w);
    w.close = (x->flags & WF_HTTP_X_CLOSE) != 0;
    return w;
}

/* ---- responses */

/* Head and a small body in the same piece; or the head alone, with @body_bytes 0. */
static weft_err write_together(weft_actor *self, wf_http_exchange *x, const wf_http1_answer *w,
                               const uint8_t *body, size_t body_bytes)
{
    uint8_t stack[STACK_BYTES], *to = stack;
    weft_why why = {""};
    size_t n, bound = wf_http1_answer_bound(w) + body_bytes;
    if (bound > sizeof stack && (to = weft_alloc(bound)) == NULL)
        return WEFT_ENOMEM;
    weft_err err = wf_http1_write_head(to, bound, w, &n, &why);
    if (err != WEFT_OK)
        weft_log(self, WEFT_ERROR, "a response cannot be written: %s", why.text);
    else {
        if (body_bytes != 0)
            memcpy(to + n, body, body_bytes);
        err = weft_write_copy(self, x->conn->stream, to, n + body_bytes);
    }
    if (to != stack)
        weft_alloc_free(to);
    return err;
}

/* Both, or neither. */
static weft_err write_apart(weft_actor *self, wf_http_exchange *x, const wf_http1_answer *w,
                            weft_bytes body)
{
    weft_bytes parts[2] = {WEFT_NO_BYTES, body};
    weft_why why = {""};
    uint8_t *to;
    size_t n, bound = wf_http1_answer_bound(w);
    weft_err err = weft_bytes_new(bound, &to, &parts[0]);
    if (err != WEFT_OK)
        return err;
    err = wf_http1_write_head(to, bound, w, &n, &why);
    if (err != WEFT_OK)
        weft_log(self, WEFT_ERROR, "a response cannot be written: %s", why.text);
    else {
        parts[0].size = n;
        err = weft_write_parts(self, x->conn->stream, parts, 2);
    }
    weft_bytes_drop(&parts[0]);
    return err;
}

static weft_err write_answer(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    wf_http1_answer w = head_of(self, x, a);
    if ((x->flags & WF_HTTP_X_NO_BODY) != 0 || a->stream)
        return write_together(self, x, &w, NULL, 0);
    if (a->file != NULL) {
        x->sent_bytes = a->file_bytes;
        weft_err err = write_together(self, x, &w, NULL, 0);
        return err == WEFT_OK
                   ? weft_write_file(self, x->conn->stream, a->file, a->file_offset, a->file_bytes)
                   : err;
    }
    x->sent_bytes = a->body.size;
    if (a->body.size <= WF_HTTP_SMALL_BODY_BYTES)
        return write_together(self, x, &w, a->body.at, a->body.size);
    return write_apart(self, x, &w, a->body);
}

static void body_follows(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    if (!wf_http_packing_begin(x))
        wf_http_stream_answered(
            self, x, x->packing != NULL ? wf_http_packing_bytes(x->packing) : a->stream_bytes);
}

/* A head that breaks the rules is answered with 500 in its stead, whose head breaks none. */
static void put_plain(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    wf_http_conn *c = x->conn;
    wf_http_page_room room;
    weft_http_answer instead;
    weft_err err = write_answer(self, x, a);
    if (err == WEFT_EINVAL) {
        instead = wf_http_error_answer(NULL, 500, NULL, &room);
        a = &instead;
        wf_http_packing_free(&x->packing);
        x->flags &= (uint16_t) ~(WF_HTTP_X_NO_BODY | WF_HTTP_X_CHUNKED);
        err = write_answer(self, x, a);
    }
    if (err != WEFT_OK) {
        wf_http_close(self, c, err);
        return;
    }
    x->status = (uint16_t)a->status;
    x->flags |= WF_HTTP_X_HEAD_SENT;
    wf_http_wrote(c);
    if (a->stream && (x->flags & WF_HTTP_X_NO_BODY) == 0)
        body_follows(self, x, a);
    else
        x->flags |= WF_HTTP_X_OVER;
}

static void put_packed(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    wf_http_dressed room;
    put_plain(self, x, wf_http_dress(x, a, &room));
    wf_http_dressed_done(&room);
}

static void put_on_wire(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    if (x->row != NULL && x->row->compress != NULL)
        put_packed(self, x, a);
    else
        put_plain(self, x, a);
}

/* ---- what waits for its turn */

void wf_http_stored_free(wf_http_stored *stored)
{
    if (stored == NULL)
        return;
    weft_bytes_drop(&stored->answer.body);
    weft_bytes_drop(&stored->text);
    weft_file_drop(&stored->answer.file);
    weft_alloc_free(stored);
}

static weft_err keep_body(const weft_http_answer *a, bool lent, weft_bytes *out)
{
    uint8_t *to;
    if (!lent || a->body.size == 0) {
        *out = weft_bytes_share(a->body);
        return WEFT_OK;
    }
    weft_err err = weft_bytes_new(a->body.size, &to, out);
    if (err == WEFT_OK)
        memcpy(to, a->body.at, a->body.size);
    return err;
}

/* errors: NULL. */
static wf_http_stored *store(const weft_http_answer *a, bool lent)
{
    wf_http_stored *s = weft_alloc_zero(sizeof *s + a->fields_count * sizeof(weft_http_field));
    if (s == NULL)
        return NULL;
    if (wf_http_answer_pack(a, &s->text) != WEFT_OK ||
        keep_body(a, lent, &s->answer.body) != WEFT_OK) {
        wf_http_stored_free(s);
        return NULL;
    }
    weft_bytes body = s->answer.body;
    s->answer = *a;
    s->answer.body = body;
    s->fields = (weft_http_field *)(void *)(s + 1);
    wf_http_answer_unpack(s->text, &s->answer, s->fields);
    if (a->file != NULL)
        (void)weft_file_share(a->file);
    return s;
}

void wf_http_answered(weft_actor *self, wf_http_exchange *x, const weft_http_answer *answer,
                      bool lent)
{
    wf_http_conn *c = x->conn;
    if ((x->flags & (WF_HTTP_X_ANSWERED | WF_HTTP_X_LOST)) != 0 || (c->flags & WF_HTTP_GONE) != 0)
        return;
    x->flags |= WF_HTTP_X_ANSWERED;
    /* room now is room for all of it; without, it is on the stream to say when */
    if (c->first == x && !weft_write_full(self, c->stream)) {
        put_on_wire(self, x, answer);
        wf_http_output(self, c);
        return;
    }
    x->stored = store(answer, lent);
    if (x->stored == NULL)
        wf_http_close(self, c, WEFT_ENOMEM);
}

/* false: there is no room. */
static bool put_stored(weft_actor *self, wf_http_exchange *x)
{
    wf_http_stored *stored = x->stored;
    if (weft_write_full(self, x->conn->stream))
        return false;
    x->stored = NULL;
    put_on_wire(self, x, &stored->answer);
    wf_http_stored_free(stored);
    return true;
}

/* ---- turns */

/* The first exchange is over: the next has its turn. */
static void next_turn(weft_actor *self, wf_http_conn *c)
{
    wf_http_exchange *x = c->first;
    bool whole = (x->flags & WF_HTTP_X_BODY_DONE) != 0;
    bool close = (x->flags & WF_HTTP_X_CLOSE) != 0 || !whole;
    (void)wf_http_exchange_shift(c);
    wf_http_exchange_leave(self, x, 0, WEFT_EDONE);
    if (close || (c->first == NULL && (c->flags & WF_HTTP_CLOSING) != 0))
        wf_http_finish(self, c, whole);
    else if (c->first != NULL)
        wf_http_continue(self, c->first);
}

void wf_http_output(weft_actor *self, wf_http_conn *c)
{
    while (c->first != NULL && (c->flags & WF_HTTP_GONE) == 0) {
        wf_http_exchange *x = c->first;
        if (x->stored != NULL && !put_stored(self, x))
            break;
        if ((x->flags & WF_HTTP_X_OVER) == 0)
            break;
        next_turn(self, c);
    }
    if ((c->flags & WF_HTTP_RUNNING) != 0)
        return;
    if ((c->flags & WF_HTTP_PAUSED) != 0)
        wf_http_input(self, c);
    else
        wf_http_watch_time(c);
}
