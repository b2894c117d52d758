/* SPDX-License-Identifier: MIT */
/* Rows that send elsewhere: the client (a redirect), or the request within its site (a rewrite). */
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

static const weft_http_route endless = {.handler = on_endless}, too_long = {.handler = on_too_long},
                             no_memory = {.handler = on_no_memory};

/* Path and query become those of @target. */
static weft_err rewrite(wf_http_exchange *x, const char *target)
{
    weft_http_request *r = wf_http_request_of(x);
    size_t bytes;
    weft_err err = measure(x, target, &bytes);
    char *to = err == WEFT_OK ? weft_alloc(bytes) : NULL;
    if (to == NULL)
        return err != WEFT_OK ? err : WEFT_ENOMEM;
    wf_http_writer w = wf_http_writer_over(to, bytes);
    wf_http_put_moved(&w, target, &x->match, x->head.query);
    weft_alloc_free(x->rewritten);
    x->rewritten = to;
    r->path = x->head.path =
        wf_http_target_split((weft_http_text){to, (uint32_t)w.n}, &x->head.query);
    r->query = x->head.query;
    return WEFT_OK;
}

const weft_http_route *wf_http_row_find(wf_http_exchange *x, const wf_http_table *table)
{
    for (int tries = 0; tries <= WF_HTTP_REWRITES_MAX; tries++) {
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
