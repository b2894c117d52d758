/* SPDX-License-Identifier: MIT */
/* A client's side: an actor that keeps asking for the same stream of events.
 *
 *   asking ──▶ open: events are told ──▶ broken ──▶ waiting ──▶ asking, with the last id
 *      └──────────────────────────────────▲   └──▶ over: the source ends
 *
 * Each event is asked of the parent, so that the next is not told before it was let go of. Meanwhile the data
 * message it came in is not let go of either, and the stream stands still. */
#include <stdio.h>
#include <string.h>

#include <weft/stream.h>
#include <weft/timer.h>

#include "sse_codec.h"

enum { RETRY_MS = 3000, RETRY_MS_MAX = 60000, EVENT_BYTES_MAX = 1 << 20, FIELDS_MAX = 32 };

typedef struct source {
    const weft_sse_source_config *config;
    wf_sse_codec codec;
    weft_ref stream; /* of the answer; nobody: there is none */
    size_t at;       /* of the data message that is being told: what was read */
    uint32_t failures;
    char id[WEFT_SSE_ID_BYTES];
} source;

typedef struct sse_again {
    char nothing;
} sse_again;
static const weft_type sse_again_type = WEFT_TYPE("weft.sse_again", sse_again, NULL);

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_sse_event_type = WEFT_TYPE_BYTES("weft.sse_event", weft_sse_event, data, NULL);
const weft_type weft_sse_state_type = {
    .name = "weft.sse_state", .size = sizeof(weft_sse_state), .otherwise = ignore};

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* ---- what it tells */

static void tell_state(weft_actor *self, weft_sse_change change, weft_err reason, uint32_t retry_ms,
                       const char *why)
{
    weft_sse_state state = {
        .source = weft_self(self), .change = change, .reason = reason, .retry_ms = retry_ms};
    (void)snprintf(state.why, sizeof state.why, "%s", why);
    if (weft_tell_body(self, weft_parent(self), &weft_sse_state_type, &state) != WEFT_OK)
        weft_log(self, WEFT_WARNING, "a source of events could not tell that it changed: %s", why);
}

static void forget(source *s)
{
    memcpy(s->id, s->codec.id, sizeof s->id);
    wf_sse_done(&s->codec);
    s->stream = WEFT_NOBODY;
}

static weft_err over(weft_actor *self, weft_err reason, const char *why)
{
    forget(weft_state(self));
    tell_state(self, WEFT_SSE_OVER, reason, 0, why);
    return weft_stop_because(self, reason, "%s", why);
}

/* Doubled at each failure in a row. */
static uint32_t wait_ms(const source *s)
{
    uint64_t ms = or_default(s->codec.retry_ms, or_default(s->config->retry_ms, RETRY_MS));
    uint64_t most = or_default(s->config->retry_ms_max, RETRY_MS_MAX);
    ms <<= s->failures < 16 ? s->failures : 16;
    return (uint32_t)(ms < most ? ms : most);
}

static weft_err broken(weft_actor *self, weft_err reason, const char *why)
{
    source *s = weft_state(self);
    uint32_t ms = wait_ms(s);
    forget(s);
    s->failures++;
    tell_state(self, WEFT_SSE_BROKEN, reason, ms, why);
    if (weft_after(self, ms, sse_again, .nothing = 0).slot == 0)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to try again");
    return WEFT_OK;
}

/* ---- asking */

static weft_http_field field(const char *name, const char *value)
{
    return (weft_http_field){name, value, (uint32_t)strlen(name), (uint32_t)strlen(value)};
}

static bool is_event_stream(weft_http_text type)
{
    static const char wanted[] = "text/event-stream";
    size_t n = sizeof wanted - 1;
    return type.bytes >= n && strncasecmp(type.at, wanted, n) == 0 &&
           (type.bytes == n || type.at[n] == ';' || type.at[n] == ' ');
}

static weft_err refused(weft_actor *self, const weft_http_page *page)
{
    char why[96];
    if (!weft_ref_is_nobody(page->stream))
        (void)weft_close(self, page->stream);
    (void)snprintf(why, sizeof why, "the server answered %u%s", page->status,
                   page->status == 200 ? " with something else than text/event-stream" : "");
    /* "HTTP 204 No Content ... prevents the connection from being reestablished"; what a server could not do
     * now it may do later */
    if (page->status >= 500)
        return broken(self, WEFT_EPROTO, why);
    return over(self, page->status == 204 ? WEFT_EDONE : WEFT_EPROTO, why);
}

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    source *s = weft_state(self);
    const weft_http_page *page = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        return broken(self, got->err, got->why);
    if (page->status != 200 || !is_event_stream(weft_http_page_field(page, "content-type")))
        return refused(self, page);
    uint32_t retry_ms = s->codec.retry_ms;
    wf_sse_init(&s->codec, or_default(s->config->event_bytes_max, EVENT_BYTES_MAX));
    memcpy(s->codec.id, s->id, sizeof s->id);
    s->codec.retry_ms = retry_ms;
    s->stream = page->stream;
    s->failures = 0;
    tell_state(self, WEFT_SSE_OPEN, WEFT_OK, 0, "");
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, weft_msg *msg)
{
    const source *s = weft_state(self);
    const weft_sse_source_config *c = s->config;
    weft_http_field fields[FIELDS_MAX + 3];
    uint32_t n = 0;
    if (c->fields_count > FIELDS_MAX)
        return over(self, WEFT_EINVAL, "more than 32 fields of its own");
    for (; n < c->fields_count; n++)
        fields[n] = c->fields[n];
    fields[n++] = field("Accept", "text/event-stream");
    fields[n++] = field("Cache-Control", "no-store");
    if (s->id[0] != '\0')
        fields[n++] = field("Last-Event-ID", s->id);
    return weft_when(msg,
                     weft_http_ask(self, &(weft_http_call){.url = c->url,
                                                           .to = c->to,
                                                           .fields = fields,
                                                           .fields_count = n,
                                                           .stream = true}),
                     on_answer);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    source *s = weft_state(self);
    const weft_started *started = weft_body(msg);
    s->config = started->config;
    return ask(self, msg);
}

/* ---- events */

static weft_err on_told(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err tell_next(weft_actor *self, weft_msg *msg)
{
    source *s = weft_state(self);
    const weft_data *data = weft_body(msg);
    wf_sse_piece piece;
    weft_why why = {""};
    size_t used;
    if (!weft_ref_same(data->stream, s->stream))
        return WEFT_OK; /* of one that is over */
    weft_err err = wf_sse_read(&s->codec, data->bytes.at + s->at, data->bytes.size - s->at, &used,
                               &piece, &why);
    s->at += used;
    if (err == WEFT_EFULL)
        return WEFT_OK;
    if (err != WEFT_OK) {
        (void)weft_abort(self, s->stream, err);
        return broken(self, err, why.text);
    }
    weft_sse_event event = {.source = weft_self(self),
                            .data = weft_bytes_copy(msg, piece.data, piece.n)};
    (void)snprintf(event.event, sizeof event.event, "%s", piece.event);
    memcpy(event.id, s->codec.id, sizeof event.id);
    if (piece.n != 0 && event.data.size == 0) {
        (void)weft_abort(self, s->stream, WEFT_ENOMEM);
        return broken(self, WEFT_ENOMEM, "no memory for an event");
    }
    return weft_when(
        msg, weft_ask_body(self, weft_parent(self), &weft_sse_event_type, &event, WEFT_NO_LIMIT),
        on_told);
}

/* Whatever came of it, it was let go of. */
static weft_err on_told(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)got;
    return tell_next(self, msg);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    source *s = weft_state(self);
    s->at = 0;
    return tell_next(self, msg);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const source *s = weft_state(self);
    (void)weft_close(self, weft_sender(msg));
    return weft_ref_same(weft_sender(msg), s->stream)
               ? broken(self, WEFT_EDONE, "the server ended the stream")
               : WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const source *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    return weft_ref_same(closed->stream, s->stream) ? broken(self, closed->reason, closed->why)
                                                    : WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    source *s = weft_state(self);
    (void)reason;
    wf_sse_done(&s->codec);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &sse_again_type, .fn = ask},
    {.type = &weft_data_type, .fn = on_data},       {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},   {0},
};

const weft_behaviour weft_sse_source = {
    .name = "event source", .handlers = handlers, .state_bytes = sizeof(source), .ended = ended};
