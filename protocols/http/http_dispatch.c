/* SPDX-License-Identifier: MIT */
/* Who serves a request: a handler here, an actor of that name, an actor made for it; or nobody. */
#include "http_server.h"

enum {
    /* a body nobody wants is read to its end if it is no longer than this, so that the connection
     * can live on; else the connection ends behind the answer */
    UNWANTED_BODY_BYTES_MAX = 64 << 10,
    NO_SHORTER_LIMIT = 0,
};

/* ---- by others */

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply_body(msg, got->type, got->body);
}

/* What is made for a request and ends without an answer is no service that is out, but a fault. */
static weft_err on_worker_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    weft_bytes target;
    if (got->err == WEFT_EGONE)
        return weft_fail(msg, WEFT_EINTERNAL, "%s",
                         "the actor made for it ended without an answer");
    if (wf_http_is_sent_on(got, &target))
        return wf_http_serve_again(self, msg, target);
    return on_answered(self, msg, got);
}

static weft_err on_named_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err == WEFT_EGONE)
        return weft_fail(msg, WEFT_EGONE, "the actor \"%.60s\" is not there",
                         wf_http_exchange_of(msg)->row->to);
    return on_answered(self, msg, got);
}

static weft_err serve_named(weft_actor *self, weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    const char *name = x->row->to;
    if (!wf_http_exchange_persist(self, x))
        return WEFT_ENOMEM;
    return weft_when(msg,
                     weft_ask_body(self, weft_named(self, name), &weft_http_request_type,
                                   weft_body(msg), WEFT_INHERIT),
                     on_named_answered);
}

weft_err wf_http_ask_worker(weft_actor *self, weft_msg *msg, weft_ref owner)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_err err = WEFT_OK;
    if (x->row->stream && !x->late)
        err = wf_http_stream_open(self, x, owner);
    if (err != WEFT_OK)
        return err;
    /* a streamed body takes its time; how long its answer may take, the connection knows */
    err = weft_when(msg,
                    weft_ask_body(self, owner, &weft_http_request_type, weft_body(msg),
                                  x->row->stream ? WEFT_NO_LIMIT : WEFT_INHERIT),
                    on_worker_answered);
    /* who did not get the request, for want of memory, must not hear of its stream either */
    if (x->shared)
        wf_http_stream_begin(x);
    return err;
}

static weft_err serve_spawned(weft_actor *self, weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if (!wf_http_exchange_persist(self, x))
        return WEFT_ENOMEM;
    x->worker = weft_spawn(self, x->row->use, x->row->config);
    return weft_ref_is_nobody(x->worker) ? WEFT_ENOMEM : wf_http_ask_worker(self, msg, x->worker);
}

/* ---- here */

/* A behaviour with nothing but a row for requests needs no actor. */
static weft_handler_fn *in_place(const weft_behaviour *use)
{
    const weft_handler *row = use->handlers;
    if (use->state_bytes != 0 || use->otherwise != NULL || use->ended != NULL ||
        row->type != &weft_http_request_type || row->serial || row[1].type != NULL)
        return NULL;
    return row->fn;
}

static weft_handler_fn *handler_of(const weft_http_route *row)
{
    if (row->handler != NULL)
        return row->handler;
    if (row->to != NULL)
        return serve_named;
    if (row->redirect != NULL)
        return wf_http_redirect_serve;
    if (row->use == &weft_http_proxy)
        return wf_http_proxy_serve;
    weft_handler_fn *fn = row->stream ? NULL : in_place(row->use);
    return fn != NULL ? fn : serve_spawned;
}

weft_err wf_http_serve_row(weft_actor *self, weft_msg *msg)
{
    return handler_of(wf_http_exchange_of(msg)->row)(self, msg);
}

static weft_handler_fn *first_handler_of(const weft_http_route *row)
{
    return row->guard != NULL ? wf_http_guard_serve : handler_of(row);
}

static void serve(weft_actor *self, wf_http_exchange *x)
{
    x->flags |= WF_HTTP_X_SERVED;
    x->at = weft_now_ms(self);
    if (!x->row->stream)
        weft_local_limit(wf_http_message(x), x->site->limits.answer_timeout_ms);
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed); /* the message's, until on_done */
    weft_local_serve(self, wf_http_message(x), first_handler_of(x->row));
}

/* ---- by nobody */

/* The routes of the host it is for; NULL: there are none. */
static const wf_http_table *table_of(const wf_http_exchange *x)
{
    const wf_http_site *site = x->site;
    const wf_http_table *own =
        site->hosts != NULL ? wf_http_hosts_find(site->hosts, x->head.host) : NULL;
    if (own != NULL)
        return own;
    return site->table.routes != NULL ? &site->table : NULL;
}

static void answer_allowed(weft_actor *self, wf_http_exchange *x, uint32_t allow)
{
    char text[128];
    wf_http_writer w = wf_http_writer_over(text, sizeof text);
    /* a row without a method takes any, but a CONNECT has no path and thereby no row */
    allow &= ~WF_HTTP_METHOD_BIT(WEFT_HTTP_CONNECT);
    wf_http_put_allow(&w, allow | WF_HTTP_METHOD_BIT(WEFT_HTTP_OPTIONS));
    const weft_http_field field = {"Allow", text, 5, (uint32_t)w.n};
    if (x->head.method == WEFT_HTTP_OPTIONS)
        wf_http_answered(
            self, x, &(weft_http_answer){.status = 204, .fields = &field, .fields_count = 1}, true);
    else
        wf_http_answer_error(self, x, 405, NULL, &field);
}

static void answer_unserved(weft_actor *self, wf_http_exchange *x)
{
    const wf_http_table *table = table_of(x);
    /* RFC 9110 section 9.3.7: an asterisk applies to the server in general; a CONNECT has no path
     * either */
    if (x->head.path.at == NULL)
        answer_allowed(self, x, x->site->table.methods);
    else if (table == NULL)
        wf_http_answer_error(self, x, 421, NULL, NULL);
    else if (wf_http_route_match(table->routes, x->head.method, x->head.path, &x->match) ==
             WF_HTTP_ROUTE_NO_METHOD)
        answer_allowed(self, x, x->match.allow);
    else
        wf_http_answer_error(self, x, 404, NULL, NULL);
}

static void unserved(weft_actor *self, wf_http_exchange *x)
{
    wf_http_conn *c = x->conn;
    bool whole = (x->flags & WF_HTTP_X_BODY_DONE) != 0;
    if (!whole && x->head.framing == WF_HTTP1_LENGTH &&
        x->head.content_length <= UNWANTED_BODY_BYTES_MAX && (x->flags & WF_HTTP_X_CONTINUE) == 0)
        return; /* when it has come */
    if (!whole) {
        x->flags |= WF_HTTP_X_CLOSE;
        x->flags &= (uint16_t)~WF_HTTP_X_CONTINUE;
        c->flags |= WF_HTTP_CLOSING | WF_HTTP_SURPLUS;
        c->reading = NULL;
    }
    answer_unserved(self, x);
}

/* ---- finding out which */

/* false: refused, since the body will be too large. */
static bool set_limit(weft_actor *self, wf_http_exchange *x)
{
    weft_why why = {""};
    uint64_t max = x->row->body_bytes_max;
    if (max == NO_SHORTER_LIMIT)
        max = x->row->stream ? UINT64_MAX : x->site->limits.body_bytes_max;
    if (x->head.framing == WF_HTTP1_NO_BODY)
        return true;
    weft_err err = wf_http1_body_limit(&x->parser, max, &why);
    if (err == WEFT_OK)
        return true;
    wf_http_refuse(self, x->conn, x, 413, err, why.text);
    return false;
}

void wf_http_continue(weft_actor *self, wf_http_exchange *x)
{
    if ((x->flags & WF_HTTP_X_CONTINUE) == 0 || x->conn->first != x || x->row == NULL ||
        (x->flags & (WF_HTTP_X_ANSWERED | WF_HTTP_X_AWAITS)) != 0)
        return;
    /* behind an answer that fills the queue it waits for room, as `drained` tells */
    if (weft_write(self, x->conn->stream, WEFT_BYTES_LITERAL(WF_HTTP1_CONTINUE)) == WEFT_EFULL)
        return;
    x->flags &= (uint16_t)~WF_HTTP_X_CONTINUE;
    x->conn->read_at = weft_now_ms(self);
}

static void enter_continue(weft_actor *self, void *context)
{
    wf_http_continue(self, context);
}

void wf_http_continue_now(weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if (x == NULL || (x->flags & WF_HTTP_X_AWAITS) == 0)
        return;
    x->flags &= (uint16_t)~WF_HTTP_X_AWAITS;
    if (x->conn != NULL && (x->flags & WF_HTTP_X_LOST) == 0)
        weft_enter(x->site_actor, enter_continue, x);
}

/* RFC 9110 section 10.1.1: a proxy that knows an HTTP/1.1 upstream "MUST ... forward the request with the received
 * Expect", and what the upstream says to it is what the client is told. */
static bool is_for_an_upstream(const wf_http_exchange *x)
{
    return x->row->use == &weft_http_proxy && x->row->stream &&
           (x->flags & WF_HTTP_X_CONTINUE) != 0;
}

void wf_http_dispatch(weft_actor *self, wf_http_exchange *x)
{
    const wf_http_table *table = table_of(x);
    x->row = table != NULL ? wf_http_row_find(x, table) : NULL;
    if (x->row == NULL) {
        x->match.params_n = 0;
        unserved(self, x);
        return;
    }
    if (!set_limit(self, x))
        return;
    if (is_for_an_upstream(x))
        x->flags |= WF_HTTP_X_AWAITS;
    wf_http_continue(self, x);
    if ((x->flags & WF_HTTP_X_BODY_DONE) != 0 || x->row->stream)
        serve(self, x);
}

void wf_http_body_done(weft_actor *self, wf_http_exchange *x)
{
    x->flags |= WF_HTTP_X_BODY_DONE;
    x->at = weft_now_ms(self);
    if (x->row == NULL)
        answer_unserved(self, x);
    else if (x->row->stream)
        wf_http_stream_whole(x);
    else
        serve(self, x);
}

weft_err wf_http_serve_anew(weft_actor *self, weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    x->row = wf_http_row_find(x, table_of(x)); /* it was found there before: there is a table */
    if (x->row == NULL) {
        x->match.params_n = 0;
        return weft_http_error(msg, x->match.allow != 0 ? 405 : 404, NULL);
    }
    x->at = weft_now_ms(self);
    if (!x->row->stream)
        weft_local_limit(msg, x->site->limits.answer_timeout_ms);
    return first_handler_of(x->row)(self, msg);
}
