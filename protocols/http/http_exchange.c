/* SPDX-License-Identifier: MIT */
/* Exchanges: a request, the message it is to its handler, and who holds it. */
#include <string.h>

#include <weft/tls.h>

#include "http_packing.h"
#include "http_server.h"

/* ---- the request as a message */

/* A copy of the request goes to somebody else, perhaps on another reactor: nothing it points to may
 * move from now on. Without memory for that the copy is no request any more, which its taker is
 * told. */
static void request_share(void *body)
{
    weft_http_request *request = body;
    wf_http_exchange *x = request->exchange;
    if (x == NULL)
        return;
    if (!x->shared) {
        if (!wf_http_exchange_persist(x->site_actor, x)) {
            request->exchange = NULL;
            return;
        }
        wf_http_note_client(x->site_actor, x);
        x->shared = true;
        *request = *wf_http_request_of(x);
    }
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
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

/* ---- answers that come through the message */

static void log_failure(weft_actor *self, const wf_http_exchange *x, int status, const char *why)
{
    const wf_http1_head *h = &x->head;
    weft_log(self, status >= 500 ? WEFT_WARNING : WEFT_DEBUG, "%.*s %.*s: %s",
             (int)h->method_name.bytes, h->method_name.bytes != 0 ? h->method_name.at : "",
             (int)h->target.bytes, h->target.bytes != 0 ? h->target.at : "", why);
}

/* What went wrong within is for the log; what is wrong with the request is also for who sent it. */
static void on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if ((x->flags & (WF_HTTP_X_LOST | WF_HTTP_X_ANSWERED)) != 0)
        return;
    if (got->err == WEFT_OK && got->type == &weft_http_response_type) {
        wf_http_answered_with(self, x, got->body);
        return;
    }
    int status = got->err != WEFT_OK ? weft_http_status_of(got->err) : 500;
    const char *why =
        got->err != WEFT_OK ? got->why : "answered with something else than a response";
    log_failure(self, x, status, why);
    wf_http_answer_error(self, x, status, status < 500 ? why : NULL, NULL);
}

static void on_done(weft_msg *msg)
{
    wf_http_exchange_drop(wf_http_exchange_of(msg));
}

static const weft_local_ops local_ops = {.answer = on_answer, .done = on_done};

/* ---- made */

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

static void queue(wf_http_conn *c, wf_http_exchange *x)
{
    if (c->last != NULL)
        c->last->next = x;
    else
        c->first = x;
    c->last = x;
    c->open++;
}

wf_http_exchange *wf_http_exchange_new(weft_actor *self, wf_http_conn *c, const wf_http1_head *head,
                                       const weft_http_field *fields)
{
    size_t message = (weft_local_bytes(sizeof(weft_http_request)) + 15) & ~(size_t)15;
    size_t lines = head->fields_count * sizeof *fields;
    wf_http_exchange *x = weft_alloc(sizeof *x + message + lines);
    if (x == NULL)
        return NULL;
    memset(x, 0, offsetof(wf_http_exchange, parser));
    atomic_init(&x->refs, 1);
    x->site_actor = self;
    x->conn = c;
    x->site = c->site;
    x->error_pages = c->site->error_pages;
    x->at = weft_now_ms(self);
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
    /* its time begins when it is served: a body may take as long as it likes to come */
    (void)weft_local_init(x->room, &weft_http_request_type, &local_ops, 0, 0);
    fill_request(x, own);
    queue(c, x);
    return x;
}

/* ---- let go of */

wf_http_exchange *wf_http_exchange_shift(wf_http_conn *c)
{
    wf_http_exchange *x = c->first;
    c->first = x->next;
    if (c->first == NULL)
        c->last = NULL;
    if (c->reading == x)
        c->reading = NULL;
    x->next = NULL;
    c->open--;
    return x;
}

void wf_http_exchange_leave(weft_actor *self, wf_http_exchange *x, int status, weft_err reason)
{
    x->conn = NULL;
    x->flags |= WF_HTTP_X_LOST;
    if (x->site->access_log != NULL && (x->flags & WF_HTTP_X_NOTED_LATER) == 0)
        wf_http_log_access(x, x->status != 0 ? x->status : status);
    wf_http_stream_end(x, reason);
    if (!weft_ref_is_nobody(x->worker))
        (void)weft_stop_ref(self, x->worker, reason == WEFT_EDONE ? WEFT_OK : reason);
    wf_http_packing_free(&x->packing);
    wf_http_stored_free(x->stored);
    x->stored = NULL;
    wf_http_exchange_drop(x);
}

void wf_http_exchange_drop(wf_http_exchange *x)
{
    /* acquire and release: whoever read it last did so before it is freed */
    if (atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1)
        return;
    if ((x->flags & WF_HTTP_X_KEPT) != 0)
        weft_bytes_drop(&x->head_bytes);
    weft_bytes_drop(&wf_http_request_of(x)->body);
    weft_alloc_free(x->trailers);
    wf_http_peer_drop(x->peer);
    weft_alloc_free(x->principal);
    wf_http_rewritten_free(x->rewritten);
    weft_alloc_free(x);
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
}

static void move_request(weft_http_request *r, ptrdiff_t by)
{
    move(&r->method_name, by);
    move(&r->target, by);
    move(&r->host, by);
}

/* Path and query, and what was found in them; those of a rewrite stand elsewhere. */
static void move_path(wf_http_exchange *x, ptrdiff_t by)
{
    weft_http_request *r = wf_http_request_of(x);
    move(&x->head.path, by);
    move(&x->head.query, by);
    move(&r->path, by);
    move(&r->query, by);
    for (uint32_t i = 0; i < x->match.params_n; i++)
        move(&x->match.params[i].value, by);
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
    move_head(&x->head, by);
    move_request(wf_http_request_of(x), by);
    if (x->rewritten == NULL)
        move_path(x, by);
    return true;
}

/* ---- who asks */

void wf_http_peer_drop(wf_http_peer *peer)
{
    if (peer != NULL && atomic_fetch_sub_explicit(&peer->refs, 1, memory_order_acq_rel) == 1)
        weft_alloc_free(peer);
}

/* The kernel is asked once in a connection's life: nothing of it changes behind the first request. errors: NULL. */
static wf_http_peer *peer_of(weft_actor *self, wf_http_conn *c)
{
    weft_address local;
    weft_tls_info tls;
    if (c->peer != NULL || (c->peer = weft_alloc_zero(sizeof *c->peer)) == NULL)
        return c->peer;
    atomic_init(&c->peer->refs, 1);
    c->peer->secure = weft_tls_about(self, c->stream, &tls) == WEFT_OK;
    (void)weft_stream_addresses(self, c->stream, &local, &c->peer->address);
    return c->peer;
}

/* Whoever serves it elsewhere cannot ask the connection. */
void wf_http_note_client(weft_actor *self, wf_http_exchange *x)
{
    if (x->peer != NULL || x->conn == NULL || (x->peer = peer_of(self, x->conn)) == NULL)
        return;
    atomic_fetch_add_explicit(&x->peer->refs, 1, memory_order_relaxed);
}
