/* SPDX-License-Identifier: MIT */
/* Plain Deferreds: no message stands behind them, whoever has the promise fires them. */
#define WEFT_MAKES_DEFERREDS
#include <stdarg.h>

#include "deferreds.h"
#include "mailbox.h"

weft_actor *weft_made_at(weft_actor *self, const char *file, int line)
{
#ifdef WEFT_DEV
    WF_R->made_now = (wf_made){file, line};
#else
    (void)file, (void)line;
#endif
    return self;
}

/* ---- making */

wf_cell *wf_derived_new(wf_reactor *r, weft_actor *self, unsigned kind)
{
    uint64_t id;
    wf_cell *cell = wf_cell_new(r, self, kind, &id);
    if (cell == NULL)
        return NULL;
    cell->state = WF_FRESH | WF_DERIVED;
    cell->then = NULL;
    cell->msg = NULL;
    cell->limit_ms = 0;
    cell->target_home = 0;
    cell->source = cell->mode = 0;
    *wf_more_of(r, cell) = (wf_more){.context = NULL};
    r->unconsumed++;
    return cell;
}

wf_cell *wf_plain_new(wf_reactor *r, weft_actor *self)
{
    wf_cell *cell = wf_derived_new(r, self, WF_CELL_PLAIN);
    if (cell == NULL)
        return NULL;
    self->asks++;
    WF_STAT_ADD(r->stat.asks, 1);
    return cell;
}

weft_msg *wf_nothing_new(wf_reactor *r)
{
    weft_msg *m = wf_block_take(r, wf_nothing_type.size);
    if (m == NULL)
        return NULL;
    wf_fill(r, m, NULL, &wf_nothing_type, 0, WF_PLAIN);
    m->body[0] = 0;
    return m;
}

/* A message with a copy of @body. errors: EINVAL, ENOMEM and @why. */
static weft_err value_new(wf_reactor *r, weft_actor *self, const weft_type *type, const void *body,
                          weft_msg **out, weft_why *why)
{
    if (type != NULL)
        return wf_msg_new(r, self, type, body, 0, 0, out, why);
    *out = wf_nothing_new(r);
    return *out != NULL ? WEFT_OK : weft_because(why, WEFT_ENOMEM, "no memory for an outcome");
}

void wf_plain_fire(wf_reactor *r, weft_actor *self, wf_cell *cell, weft_msg *m)
{
    m->request = wf_cell_id(r, cell);
    m->flags |= WF_REPLY | WF_UNCOUNTED;
    cell->state |= WF_FIRED;
    wf_deliver(r, self, m);
}

weft_deferred weft_succeed_body(weft_actor *self, const weft_type *type, const void *body)
{
    wf_reactor *r = WF_R;
    weft_why why = {""};
    weft_msg *m;
    wf_cell *cell = wf_plain_new(r, self);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    weft_err err = value_new(r, self, type, body, &m, &why);
    if (err == WEFT_OK)
        wf_plain_fire(r, self, cell, m);
    else
        wf_fail_cell(r, cell, err, why.text);
    return wf_deferred_of(r, cell);
}

weft_deferred weft_failed(weft_actor *self, weft_err err, const char *format, ...)
{
    wf_reactor *r = WF_R;
    weft_why why = {""};
    wf_cell *cell = wf_plain_new(r, self);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        weft_because_v(&why, err, format, args);
        va_end(args);
    }
    wf_fail_cell(r, cell, err, why.text);
    return wf_deferred_of(r, cell);
}

wf_cell *wf_take(wf_reactor *r, weft_actor *self, weft_deferred deferred, const wf_cell *up,
                 uint32_t at)
{
    weft_err err;
    wf_cell *cell = wf_consume(self, deferred, WF_CHAINED, &err);
    if (cell == NULL)
        cell = wf_consume(self, weft_failed(self, err, NULL), WF_CHAINED, &err);
    if (cell == NULL)
        return NULL;
    cell->up = wf_cell_index(r, up);
    cell->at = at;
    return cell;
}

/* ---- promises */

weft_deferred weft_promise_new(weft_actor *self, weft_promise *out, weft_unwanted_fn *unwanted,
                               void *context)
{
    wf_reactor *r = WF_R;
    wf_cell *cell = wf_plain_new(r, self);
    *out = (weft_promise){0, 1}; /* of no cell: nobody waits for it */
    if (cell == NULL)
        return (weft_deferred){0, 0};
    if (self->asks > WF_STAT_GET(self->program)->asks_max) {
        wf_fail_cell(r, cell, WEFT_ELIMIT, "asks_max is reached");
        return wf_deferred_of(r, cell);
    }
    *wf_more_of(r, cell) = (wf_more){.cancel = unwanted, .context = context};
    *out = (weft_promise){wf_cell_index(r, cell), cell->gen};
    return wf_deferred_of(r, cell);
}

/* Nobody waits for it and nobody ever will. An actor that ends frees its cells itself. */
static void forsake(wf_reactor *r, weft_actor *self, wf_cell *cell, const weft_outcome *got)
{
    if ((cell->state & WF_CONSUMER) == WF_DETACHED)
        wf_log_unread(r, self, cell, got);
    if ((self->bits & WF_STOPPING) == 0)
        wf_deferred_over(r, self, cell);
}

wf_cell *wf_promise_begin(weft_actor *self, weft_promise *promise, const weft_outcome *got,
                          weft_err *err)
{
    wf_reactor *r = WF_R;
    weft_promise p = *promise;
    wf_cell *cell = wf_cell_at(r, (uint64_t)p.gen << 32 | p.slot);
    *promise = (weft_promise){0, 0};
    *err = p.gen == 0 ? WEFT_EUSED : WEFT_EGONE;
    if (p.slot == 0 || cell == NULL || cell->kind != WF_CELL_PLAIN ||
        cell->timer.spare != WF_STAT_GET(self->slot))
        return NULL;
    if ((cell->state & (WF_FIRED | WF_CUT)) == WF_FIRED) {
        *err = WEFT_EUSED;
        return NULL;
    }
    wf_more_of(r, cell)->cancel = NULL;
    if ((cell->state & WF_CUT) != 0)
        return NULL;
    unsigned consumer = cell->state & WF_CONSUMER;
    if (consumer == WF_DETACHED || consumer == WF_IGNORED) {
        forsake(r, self, cell, got);
        return NULL;
    }
    return (self->bits & WF_STOPPING) == 0 ? cell : NULL;
}

weft_err weft_resolve_body(weft_actor *self, weft_promise *promise, const weft_type *type,
                           const void *body)
{
    wf_reactor *r = WF_R;
    weft_msg *m;
    weft_err err = WEFT_EUSED;
    if (promise->slot == 0 && promise->gen == 0)
        return err;
    err = value_new(r, self, type, body, &m, NULL);
    if (err != WEFT_OK)
        return err;
    wf_cell *cell = wf_promise_begin(self, promise, &(weft_outcome){.why = ""}, &err);
    if (cell == NULL) {
        wf_msg_free(r, m);
        return err;
    }
    wf_plain_fire(r, self, cell, m);
    return WEFT_OK;
}

weft_err weft_reject(weft_actor *self, weft_promise *promise, weft_err err, const char *format, ...)
{
    weft_why why = {""};
    weft_err used;
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        weft_because_v(&why, err, format, args);
        va_end(args);
    }
    weft_outcome got = {.err = err, .why = why.text[0] != '\0' ? why.text : weft_err_text(err)};
    wf_cell *cell = wf_promise_begin(self, promise, &got, &used);
    if (cell == NULL)
        return used;
    wf_fail_cell(WF_R, cell, err, why.text);
    return WEFT_OK;
}
