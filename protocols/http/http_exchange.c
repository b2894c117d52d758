/* SPDX-License-Identifier: MIT */
/* Exchanges: a request, the message it is to its handler, the route it takes. */
#include <stdlib.h>
#include <string.h>

#include "http_server.h"

static void request_share(void *body)
{
    const weft_http_request *request = body;
    if (request->exchange != NULL)
        atomic_fetch_add_explicit(&request->exchange->refs, 1, memory_order_relaxed);
}

static void request_release(void *body)
{
    const weft_http_request *request = body;
    if (request->exchange != NULL)
        wf_http_exchange_drop(request->exchange);
}

const weft_type weft_http_request_type = {.name = "weft.http_request",
                                          .size = sizeof(weft_http_request),
                                          .bytes = 1 + offsetof(weft_http_request, body),
                                          .reply = &weft_http_response_type,
                                          .share = request_share,
                                          .release = request_release};

weft_msg *wf_http_message(wf_http_exchange *x)
{
    return (weft_msg *)(void *)x->room;
}

weft_http_request *wf_http_request_of(wf_http_exchange *x)
{
    return (weft_http_request *)(uintptr_t)weft_body(wf_http_message(x));
}

wf_http_exchange *wf_http_exchange_of(const weft_msg *msg)
{
    if (weft_type_of(msg) != &weft_http_request_type)
        return NULL;
    return ((const weft_http_request *)weft_body(msg))->exchange;
}

static void on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got);
static void on_done(weft_msg *msg);
static const weft_local_ops local_ops = {.answer = on_answer, .done = on_done};

static void fill_request(wf_http_exchange *x, const weft_http_field *fields)
{
    const wf_http1_head *h = &x->head;
    weft_http_request *r = wf_http_request_of(x);
    *r = (weft_http_request){
        .method = h->method,
        .minor = h->minor,
        .method_name = h->method_name,
        .target = h->target,
        .path = h->path,
        .query = h->query,
        .host = h->host,
        .fields = fields,
        .fields_count = h->fields_count,
        .body_bytes = h->framing == WF_HTTP1_CHUNKED ? UINT64_MAX : h->content_length,
        .exchange = x,
    };
}

wf_http_exchange *wf_http_exchange_new(weft_actor *self, wf_http_conn *c, const wf_http1_head *head,
                                       const weft_http_field *fields)
{
    size_t message = (weft_local_bytes(sizeof(weft_http_request)) + 15) & ~(size_t)15;
    size_t lines = head->fields_count * sizeof *fields;
    wf_http_exchange *x = malloc(sizeof *x + message + lines);
    if (x == NULL)
        return NULL;
    memset(x, 0, offsetof(wf_http_exchange, parser));
    atomic_init(&x->refs, 1);
    x->site_actor = self;
    x->conn = c;
    x->site = c->site;
    x->room_fields = (uint32_t)message;
    x->head = *head;
    x->match.params_n = 0;
    if (c->site->access_log != NULL) {
        x->begun_ns = weft_wall_ns(self);
        wf_http_note_client(self, x);
    }
    weft_http_field *own = (weft_http_field *)(void *)(x->room + message);
    if (lines != 0)
        memcpy(own, fields, lines);
    (void)weft_local_init(x->room, &weft_http_request_type, &local_ops, 0,
                          c->site->limits.answer_timeout_ms);
    fill_request(x, own);
    if (c->last != NULL)
        c->last->next = x;
    else
        c->first = x;
    c->last = x;
    c->open++;
    return x;
}

void wf_http_exchange_drop(wf_http_exchange *x)
{
    /* acquire and release: whoever read it last did so before it is freed */
    if (atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1)
        return;
    if ((x->flags & WF_HTTP_X_KEPT) != 0)
        weft_bytes_drop(&x->head_bytes);
    weft_bytes_drop(&wf_http_request_of(x)->body);
    wf_http_stored_free(x->stored);
    weft_account_close(&x->account);
    free(x->client);
    free(x);
}

/* ---- moving the slices when the head is copied */

static void move(weft_http_text *text, ptrdiff_t by)
{
    if (text->at != NULL)
        text->at += by;
}

static void move_head(wf_http1_head *h, ptrdiff_t by)
{
    move(&h->method_name, by);
    move(&h->target, by);
    move(&h->scheme, by);
    move(&h->host, by);
    move(&h->path, by);
    move(&h->query, by);
}

bool wf_http_exchange_persist(weft_actor *self, wf_http_exchange *x)
{
    if ((x->flags & WF_HTTP_X_KEPT) != 0 || x->head_bytes.size == 0)
        return true;
    weft_bytes kept = weft_bytes_keep(self, x->head_bytes);
    if (kept.size == 0)
        return false;
    ptrdiff_t by = kept.at - x->head_bytes.at;
    x->head_bytes = kept;
    x->flags |= WF_HTTP_X_KEPT;
    if (by == 0)
        return true;
    weft_http_field *f = (weft_http_field *)(void *)(x->room + x->room_fields);
    for (uint32_t i = 0; i < x->head.fields_count; i++) {
        f[i].name += by;
        f[i].value += by;
    }
    for (uint32_t i = 0; i < x->match.params_n; i++)
        move(&x->match.params[i].value, by);
    move_head(&x->head, by);
    weft_http_request *r = wf_http_request_of(x);
    move(&r->method_name, by);
    move(&r->target, by);
    move(&r->path, by);
    move(&r->query, by);
    move(&r->host, by);
    return true;
}

/* Whoever serves it elsewhere cannot ask the connection. */
void wf_http_note_client(weft_actor *self, wf_http_exchange *x)
{
    weft_address local;
    if (x->client != NULL || x->conn == NULL)
        return;
    x->client = calloc(1, sizeof *x->client);
    if (x->client != NULL)
        (void)weft_stream_addresses(self, x->conn->stream, &local, x->client);
}

/* ---- serving */

static weft_err on_asked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply_body(msg, got->type, got->body);
}

/* A route with .use or .to: the request is sent on, and what comes back is the answer. */
static weft_err ask(weft_actor *self, weft_msg *msg, weft_ref to)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if (!wf_http_exchange_persist(self, x))
        return WEFT_ENOMEM;
    wf_http_note_client(self, x);
    return weft_when(msg,
                     weft_ask_body(self, to, &weft_http_request_type, weft_body(msg), WEFT_INHERIT),
                     on_asked);
}

static weft_err serve_named(weft_actor *self, weft_msg *msg)
{
    return ask(self, msg, weft_named(self, wf_http_exchange_of(msg)->row->to));
}

static weft_err serve_spawned(weft_actor *self, weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_ref actor = weft_spawn(self, x->row->use, x->row->config);
    if (weft_ref_is_nobody(actor))
        return WEFT_ENOMEM;
    if (x->row->stream) {
        weft_err err = wf_http_body_open(self, x, actor);
        if (err != WEFT_OK)
            return err;
    }
    weft_err err = ask(self, msg, actor);
    if (x->row->stream)
        wf_http_body_begin(x);
    return err;
}

/* A behaviour with nothing but a row for requests needs no actor. */
static weft_handler_fn *in_place(const weft_behaviour *use)
{
    const weft_handler *row = use->handlers;
    if (use->state_bytes != 0 || use->otherwise != NULL || row->type != &weft_http_request_type ||
        row[1].type != NULL)
        return NULL;
    return row->fn;
}

static weft_handler_fn *handler_of(const weft_http_route *row)
{
    if (row->handler != NULL)
        return row->handler;
    if (row->to != NULL)
        return serve_named;
    weft_handler_fn *fn = row->stream ? NULL : in_place(row->use);
    return fn != NULL ? fn : serve_spawned;
}

void wf_http_serve(weft_actor *self, wf_http_exchange *x)
{
    x->flags |= WF_HTTP_X_SERVED;
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed); /* the message's, until on_done */
    weft_local_serve(self, wf_http_message(x), handler_of(x->row));
}

static void no_route(weft_actor *self, wf_http_exchange *x, wf_http_route_kind kind)
{
    char allow[128];
    if (kind == WF_HTTP_ROUTE_NO_PATH) {
        wf_http_answer_error(self, x, 404, NULL);
        return;
    }
    wf_http_writer w = wf_http_writer_over(allow, sizeof allow);
    wf_http_put_allow(&w, x->match.allow | WF_HTTP_METHOD_BIT(WEFT_HTTP_OPTIONS));
    const weft_http_field field = {"Allow", allow, 5, (uint32_t)w.n};
    bool options = x->head.method == WEFT_HTTP_OPTIONS;
    wf_http_answered(self, x,
                     &(weft_http_answer){.status = options ? 204 : 405,
                                         .content_type = options ? NULL : "text/plain; charset=utf-8",
                                         .fields = &field,
                                         .fields_count = 1,
                                         .body = options
                                                     ? WEFT_NO_BYTES
                                                     : WEFT_BYTES_LITERAL("405 Method Not Allowed\n")});
}

static void set_limit(weft_actor *self, wf_http_exchange *x)
{
    weft_why why = {""};
    uint64_t max = x->row->body_bytes_max != 0 ? x->row->body_bytes_max
                   : x->row->stream            ? UINT64_MAX / 2
                                               : x->site->limits.body_bytes_max;
    if (x->head.framing != WF_HTTP1_NO_BODY &&
        wf_http1_body_limit(&x->parser, max, &why) != WEFT_OK)
        wf_http_refuse(self, x->conn, x, 413, why.text);
}

void wf_http_dispatch(weft_actor *self, wf_http_exchange *x)
{
    x->match.params_n = 0;
    wf_http_route_kind kind =
        wf_http_route_match(x->site->routes, x->head.method, x->head.path, &x->match);
    if (kind != WF_HTTP_ROUTE_FOUND) {
        x->match.params_n = 0;
        /* a body nobody will read ends the connection behind the answer */
        if ((x->flags & WF_HTTP_X_BODY_DONE) == 0) {
            x->flags |= WF_HTTP_X_CLOSE;
            x->conn->flags |= WF_HTTP_CLOSING;
            x->conn->reading = NULL;
        }
        no_route(self, x, kind);
        return;
    }
    x->row = &x->site->rows[x->match.row];
    set_limit(self, x);
    if ((x->flags & WF_HTTP_X_ANSWERED) != 0)
        return;
    if ((x->flags & WF_HTTP_X_BODY_DONE) != 0 || x->row->stream) {
        wf_http_serve(self, x);
        return;
    }
    if ((x->flags & WF_HTTP_X_CONTINUE) != 0 && x->conn->first == x) {
        x->flags &= (uint16_t)~WF_HTTP_X_CONTINUE;
        (void)weft_write(self, x->conn->stream, WEFT_BYTES_LITERAL(WF_HTTP1_CONTINUE));
    }
}

static void on_done(weft_msg *msg)
{
    wf_http_exchange_drop(wf_http_exchange_of(msg));
}

weft_http_text wf_http_route_rest(const weft_msg *msg, const char *param)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    return x != NULL ? wf_http_match_param(&x->match, param) : (weft_http_text){NULL, 0};
}

/* ---- answers that came through the message */

static void on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if ((x->flags & (WF_HTTP_X_LOST | WF_HTTP_X_ANSWERED)) != 0)
        return;
    if (got->err == WEFT_OK && got->type == &weft_http_response_type)
        wf_http_answered_with(self, x, got->body);
    else {
        int status = got->err == WEFT_OK ? 500 : weft_http_status_of(got->err);
        weft_log(self, status >= 500 ? WEFT_WARNING : WEFT_DEBUG, "%.*s %.*s: %s",
                 (int)x->head.method_name.bytes, x->head.method_name.at,
                 (int)x->head.path.bytes, x->head.path.at, got->why);
        wf_http_answer_error(self, x, status, got->err != WEFT_OK ? got->why : NULL);
    }
}
