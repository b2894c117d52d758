/* SPDX-License-Identifier: MIT */
/* Rows that send elsewhere: the client (a redirect), or the request within its site (a rewrite). */
#include <string.h>

#include "http_dots.h"
#include "http_move.h"
#include "http_path.h"
#include "http_server.h"

#define ROW_SHOWN "route \"%.80s\": "

enum { REDIRECT_STATUS = 302 };

weft_err wf_http_moved_check(const weft_http_route *row, weft_why *why)
{
    if (row->redirect_status != 0 &&
        (row->redirect == NULL || !wf_http_is_redirect_status(row->redirect_status)))
        return weft_because(why, WEFT_EINVAL,
                            ROW_SHOWN "the status %d, expected 301, 302, 303, 307 or 308 and "
                                      "a .redirect",
                            row->route, row->redirect_status);
    if (row->rewrite != NULL && row->guard != NULL)
        return weft_because(why, WEFT_EINVAL,
                            ROW_SHOWN "a guard stands before the row that a rewrite leads to",
                            row->route);
    if (row->redirect != NULL)
        return wf_http_move_check(row->route, row->redirect, false, why);
    return row->rewrite != NULL ? wf_http_move_check(row->route, row->rewrite, true, why) : WEFT_OK;
}

/* How long @target comes out; beyond what a request line may be: ETOOBIG. */
static weft_err measure(const wf_http_exchange *x, const char *target, size_t *bytes)
{
    wf_http_writer counted = wf_http_writer_over(NULL, 0);
    wf_http_put_moved(&counted, target, &x->match, x->head.query);
    if (counted.total > x->site->limits.request_line_bytes_max)
        return WEFT_ETOOBIG;
    *bytes = (size_t)counted.total;
    return WEFT_OK;
}

/* ---- redirects */

weft_err wf_http_redirect_serve(weft_actor *self, weft_msg *msg)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    const weft_http_route *row = x->row;
    size_t bytes;
    (void)self;
    if (measure(x, row->redirect, &bytes) != WEFT_OK)
        return weft_http_error(msg, 414, NULL);
    char *location = weft_scratch(msg, bytes + 1);
    if (location == NULL)
        return WEFT_ENOMEM;
    wf_http_writer w = wf_http_writer_over(location, bytes);
    wf_http_put_moved(&w, row->redirect, &x->match, x->head.query);
    location[w.n] = '\0';
    return weft_http_redirect(
        msg, row->redirect_status != 0 ? row->redirect_status : REDIRECT_STATUS, location);
}

/* ---- rewrites */

static weft_err on_endless(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_fail(msg, WEFT_EINTERNAL, "rewritten more than %d times", WF_HTTP_REWRITES_MAX);
}

static weft_err on_too_long(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_error(msg, 414, NULL);
}

static weft_err on_no_memory(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_fail(msg, WEFT_ENOMEM, "no memory for a rewrite");
}

static weft_err on_astray(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_error(msg, 400,
                           "the path leads above its root, or has dots beside what may separate");
}

static const weft_http_route endless = {.handler = on_endless}, too_long = {.handler = on_too_long},
                             no_memory = {.handler = on_no_memory}, astray = {.handler = on_astray};

/* Room for a target. Those before stay: who has a share of the request may still read them.
 * errors: NULL. */
static wf_http_rewritten *rewritten_new(const wf_http_exchange *x, size_t bytes)
{
    wf_http_rewritten *to = weft_alloc(sizeof *to + bytes);
    if (to != NULL)
        to->before = x->rewritten;
    return to;
}

/* Path and query are from now on those in @to. */
static void use(wf_http_exchange *x, wf_http_rewritten *to, size_t bytes)
{
    weft_http_request *r = wf_http_request_of(x);
    x->rewritten = to;
    r->path = x->head.path =
        wf_http_target_split((weft_http_text){to->text, (uint32_t)bytes}, &x->head.query);
    r->query = x->head.query;
}

void wf_http_rewritten_free(wf_http_rewritten *last)
{
    for (wf_http_rewritten *before; last != NULL; last = before) {
        before = last->before;
        weft_alloc_free(last);
    }
}

/* Path and query become those of @target. */
static weft_err rewrite(wf_http_exchange *x, const char *target)
{
    size_t bytes;
    weft_err err = measure(x, target, &bytes);
    wf_http_rewritten *to = err == WEFT_OK ? rewritten_new(x, bytes) : NULL;
    if (to == NULL)
        return err != WEFT_OK ? err : WEFT_ENOMEM;
    wf_http_writer w = wf_http_writer_over(to->text, bytes);
    wf_http_put_moved(&w, target, &x->match, x->head.query);
    use(x, to, bytes);
    return WEFT_OK;
}

/* The path becomes that without "." and ".."; what stands in for a row if that cannot be. */
static const weft_http_route *resolve(wf_http_exchange *x)
{
    weft_http_text query = x->head.query;
    size_t n, query_n = query.at != NULL ? (size_t)query.bytes + 1 : 0;
    wf_http_rewritten *to = rewritten_new(x, x->head.path.bytes + query_n);
    if (to == NULL)
        return &no_memory;
    if (wf_http_path_undot(x->head.path, to->text, &n) != WEFT_OK) {
        weft_alloc_free(to);
        return &astray;
    }
    if (query_n != 0) {
        to->text[n] = '?';
        memcpy(to->text + n + 1, query.at, query.bytes);
    }
    use(x, to, n + query_n);
    return NULL;
}

const weft_http_route *wf_http_row_find(wf_http_exchange *x, const wf_http_table *table)
{
    for (int tries = 0; tries <= WF_HTTP_REWRITES_MAX; tries++) {
        const weft_http_route *instead = wf_http_path_has_dots(x->head.path) ? resolve(x) : NULL;
        if (instead != NULL) {
            x->match.params_n = 0;
            return instead;
        }
        if (wf_http_route_match(table->routes, x->head.method, x->head.path, &x->match) !=
            WF_HTTP_ROUTE_FOUND)
            return NULL;
        const weft_http_route *row = &table->rows[x->match.row];
        if (row->rewrite == NULL)
            return row;
        weft_err err = rewrite(x, row->rewrite);
        if (err != WEFT_OK) {
            x->match.params_n = 0;
            return err == WEFT_ETOOBIG ? &too_long : &no_memory;
        }
    }
    x->match.params_n = 0;
    return &endless;
}

/* ---- served anew */

/* Nothing is left of what came with it but its head, which asks for something else. */
static void forget_body(weft_actor *self, wf_http_exchange *x)
{
    weft_http_request *r = wf_http_request_of(x);
    wf_http_conn *c = x->conn;
    if ((x->flags & WF_HTTP_X_BODY_DONE) == 0) {
        x->flags |= WF_HTTP_X_CLOSE | WF_HTTP_X_BODY_DONE;
        x->flags &= (uint16_t)~WF_HTTP_X_CONTINUE;
        c->flags |= WF_HTTP_CLOSING | WF_HTTP_SURPLUS;
        c->reading = NULL;
    }
    wf_http_stream_end(x, WEFT_EDONE);
    if (!weft_ref_is_nobody(x->worker))
        (void)weft_stop_ref(self, x->worker, WEFT_OK);
    x->worker = r->stream = WEFT_NOBODY;
    weft_bytes_drop(&r->body);
    if (x->head.method != WEFT_HTTP_HEAD) {
        r->method = x->head.method = WEFT_HTTP_GET;
        r->method_name = x->head.method_name = (weft_http_text){"GET", 3};
    }
    r->body_bytes = x->head.content_length = 0;
    x->head.framing = WF_HTTP1_NO_BODY;
}

weft_err wf_http_serve_again(weft_actor *self, weft_msg *msg, weft_bytes target)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if ((x->flags & (WF_HTTP_X_LOST | WF_HTTP_X_ANSWERED)) != 0)
        return WEFT_OK;
    if (x->again++ == WF_HTTP_REWRITES_MAX)
        return on_endless(self, msg);
    wf_http_rewritten *to = rewritten_new(x, target.size);
    if (to == NULL)
        return on_no_memory(self, msg);
    memcpy(to->text, target.at, target.size);
    use(x, to, target.size);
    forget_body(self, x);
    return wf_http_serve_anew(self, msg);
}
