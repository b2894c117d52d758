/* SPDX-License-Identifier: MIT */
/* Reading: all there is at one revision, and then each change from the next one on. */
#include <stdio.h>
#include <string.h>

#include "etcd.h"

enum { LINE_BYTES = 4096 };

static void apply(etcd *e, const etcd_event *event)
{
    size_t n = strlen(e->prefix);
    const char *key = event->key;
    if (strncmp(key, e->prefix, n) != 0)
        return;
    key += n;
    if (strncmp(key, "nodes/", 6) == 0)
        wf_etcd_member(e, key + 6, event->deleted ? NULL : event->value, event->lease);
    else if (strncmp(key, "names/", 6) == 0 && event->deleted)
        wf_etcd_name(e, key + 6, event, event->created != 0 ? event->created : event->modified - 1);
    else if (strncmp(key, "names/", 6) == 0)
        wf_etcd_name(e, key + 6, event, event->created);
}

/* ---- all there is */

void wf_etcd_read_again(etcd *e)
{
    wf_etcd_watch_stop(e);
    e->revision = 0;
    if (e->range.again == 0)
        wf_etcd_call_failed(e, &e->range);
}

static void tell_read(etcd *e, bool whole)
{
    weft_store_read read = {.whole = whole, .term = e->revision};
    if (weft_event(e->self, e->registry, &weft_store_read_type, &read) == WEFT_ENOMEM)
        wf_etcd_read_again(e);
}

static void take_all(etcd *e, const etcd_answer *a)
{
    e->revision = a->revision;
    tell_read(e, false);
    wf_etcd_members_begin(e);
    for (size_t i = 0; i < a->n && e->revision != 0; i++)
        apply(e, &a->events[i]);
    if (e->revision == 0)
        return;
    wf_etcd_members_end(e);
    if (e->revision != 0)
        tell_read(e, true);
}

static weft_err on_range(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    etcd_answer a;
    weft_why why = {""};
    (void)next;
    if (wf_etcd_called(e, &e->range, got, &a, &why) != WEFT_OK || a.failed)
        weft_log(self, WEFT_INFO, "could not read what is there: %s", why.text);
    else if (a.revision == 0)
        wf_etcd_call_failed(e, &e->range);
    else
        take_all(e, &a);
    if (a.left_out != 0)
        weft_log(self, WEFT_WARNING, "leaves out %zu keys that are too long or no text",
                 a.left_out);
    wf_etcd_answer_done(&a);
    wf_etcd_go(e);
    return WEFT_OK;
}

/* ---- changes */

void wf_etcd_watch_stop(etcd *e)
{
    weft_ref stream = e->stream;
    e->stream = WEFT_NOBODY;
    e->line_n = 0;
    if (!weft_ref_is_nobody(stream))
        (void)weft_abort(e->self, stream, WEFT_OK);
}

static void take_changes(etcd *e, const etcd_answer *a)
{
    if (a->failed || a->cancelled) {
        weft_log(e->self, WEFT_INFO, "is no longer told of changes: %s",
                 a->failed ? a->why : "the watch was cancelled");
        wf_etcd_watch_stop(e);
        if (a->failed)
            wf_etcd_call_failed(e, &e->watch);
        else /* what it was to begin with is gone */
            wf_etcd_read_again(e);
        return;
    }
    if (a->created && a->revision < e->revision) {
        weft_log(e->self, WEFT_WARNING, "etcd was set back; all is read again");
        wf_etcd_read_again(e);
        return;
    }
    for (size_t i = 0; i < a->n && e->revision != 0; i++)
        apply(e, &a->events[i]);
    for (size_t i = 0; i < a->n && e->revision != 0; i++)
        if (a->events[i].modified > e->revision)
            e->revision = a->events[i].modified;
}

static void read_line(etcd *e)
{
    etcd_answer a;
    weft_why why = {""};
    weft_err err = wf_etcd_read(e->line, e->line_n, &a, &why);
    e->line_n = 0;
    if (err == WEFT_OK) {
        take_changes(e, &a);
    } else {
        weft_log(e->self, WEFT_WARNING, "cannot read a change: %s", why.text);
        wf_etcd_read_again(e);
    }
    wf_etcd_answer_done(&a);
}

static weft_err line_room(etcd *e, size_t n)
{
    size_t room = e->line_room != 0 ? e->line_room : LINE_BYTES;
    if (n > ETCD_ANSWER_BYTES_MAX - e->line_n)
        return WEFT_ETOOBIG;
    while (room < e->line_n + n)
        room *= 2;
    if (room == e->line_room)
        return WEFT_OK;
    char *more = weft_alloc_again(e->line, room);
    if (more == NULL)
        return WEFT_ENOMEM;
    e->line = more;
    e->line_room = room;
    return WEFT_OK;
}

/* The gateway ends each answer with a line feed; its chunks mean nothing. */
static void take_bytes(etcd *e, const uint8_t *at, size_t n)
{
    while (n != 0 && !weft_ref_is_nobody(e->stream)) {
        const uint8_t *end = memchr(at, '\n', n);
        size_t piece = end != NULL ? (size_t)(end - at) : n;
        weft_err err = line_room(e, piece);
        if (err != WEFT_OK) {
            weft_log(e->self, WEFT_WARNING, "cannot read a change: %s", weft_err_text(err));
            wf_etcd_read_again(e);
            return;
        }
        if (piece != 0)
            memcpy(e->line + e->line_n, at, piece);
        e->line_n += piece;
        if (end == NULL)
            return;
        if (e->line_n != 0)
            read_line(e);
        at += piece + 1;
        n -= piece + 1;
    }
}

weft_err wf_etcd_on_data(weft_actor *self, weft_msg *msg)
{
    etcd *e = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (!weft_ref_same(data->stream, e->stream))
        return WEFT_OK;
    e->heard = weft_now_ms(self);
    take_bytes(e, data->bytes.at, data->bytes.size);
    wf_etcd_go(e);
    return WEFT_OK;
}

static void over(etcd *e, weft_ref stream)
{
    if (!weft_ref_same(stream, e->stream))
        return;
    wf_etcd_watch_stop(e);
    wf_etcd_call_failed(e, &e->watch);
    wf_etcd_go(e);
}

weft_err wf_etcd_on_ended(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_ended *)weft_body(msg))->stream;
    over(weft_state(self), stream);
    (void)weft_close(self, stream);
    return WEFT_OK;
}

weft_err wf_etcd_on_closed(weft_actor *self, weft_msg *msg)
{
    over(weft_state(self), ((const weft_closed *)weft_body(msg))->stream);
    return WEFT_OK;
}

static weft_err on_watch(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    const weft_http_page *page = got->body;
    (void)next;
    e->watch.asked = false;
    e->watch.again = 0;
    if (got->err != WEFT_OK) {
        weft_log(self, WEFT_INFO, "cannot be told of changes: %s", got->why);
        wf_etcd_call_failed(e, &e->watch);
    } else if (page->status != 200 || e->revision == 0 || e->closing != NULL) {
        (void)weft_abort(self, page->stream, WEFT_OK);
        wf_etcd_call_failed(e, &e->watch);
    } else {
        e->stream = page->stream;
        e->heard = weft_now_ms(self);
        e->line_n = 0;
    }
    wf_etcd_go(e);
    return WEFT_OK;
}

void wf_etcd_watch_go(etcd *e, uint32_t *next)
{
    char body[ETCD_REQUEST_BYTES];
    uint32_t silent_at = e->heard + ETCD_WATCH_MS;
    if (!weft_ref_is_nobody(e->stream)) {
        if ((int32_t)(weft_now_ms(e->self) - silent_at) < 0) {
            if ((int32_t)(silent_at - *next) < 0)
                *next = silent_at;
            return;
        }
        wf_etcd_watch_stop(e); /* it may be dead; from the next revision nothing is missed */
    }
    if (e->revision == 0) {
        if (wf_etcd_may_call(e, &e->range, next)) {
            wf_etcd_write_range(body, e->prefix);
            (void)wf_etcd_call(e, &e->range, "kv/range", body, false, on_range, NULL);
        }
    } else if (wf_etcd_may_call(e, &e->watch, next)) {
        wf_etcd_write_watch(body, e->prefix, e->revision + 1);
        (void)wf_etcd_call(e, &e->watch, "watch", body, true, on_watch, NULL);
    }
}
