/* SPDX-License-Identifier: MIT */
/* The protocol actor of an HTTP connection: reads requests, keeps the time, ends in order. */
#include "http_server.h"

#include <string.h>

enum { LINGER_MS = 2000 };

/* ---- time: one alarm a connection, set lazily. A deadline that moves on costs a store; the alarm, when
 * it rings too early, is set anew. */

static void on_alarm(weft_alarm *alarm);

static wf_http_conn *conn_of(weft_alarm *alarm)
{
    return (wf_http_conn *)(void *)((char *)alarm - offsetof(wf_http_conn, alarm));
}

static uint32_t timeout_of(const wf_http_conn *c)
{
    const weft_http_limits *l = &c->site->limits;
    if ((c->flags & WF_HTTP_LINGERING) != 0)
        return LINGER_MS;
    if (c->reading != NULL && (c->flags & WF_HTTP_PAUSED) == 0)
        return l->body_timeout_ms;
    if (c->first != NULL)
        return (c->first->flags & WF_HTTP_X_HEAD_SENT) != 0 ? l->write_timeout_ms
                                                            : l->answer_timeout_ms;
    return c->pending.size != 0 ? l->head_timeout_ms : l->idle_timeout_ms;
}

void wf_http_watch_time(wf_http_conn *c)
{
    uint32_t now = weft_now_ms(NULL), timeout = timeout_of(c);
    c->deadline = now + timeout;
    if (c->armed != 0 && (int32_t)(c->deadline - c->armed) >= 0)
        return;
    c->armed = c->deadline != 0 ? c->deadline : 1;
    weft_alarm_set(&c->alarm, timeout, on_alarm);
}

static void timed_out(weft_actor *self, void *context)
{
    wf_http_conn *c = context;
    if ((c->flags & WF_HTTP_LINGERING) != 0) {
        (void)weft_close(self, c->stream);
        return;
    }
    if (c->reading != NULL && (c->flags & WF_HTTP_PAUSED) == 0) {
        wf_http_refuse(self, c, c->reading, 408, "the body came too slowly");
        return;
    }
    wf_http_exchange *x = c->first;
    if (x != NULL && (x->flags & WF_HTTP_X_HEAD_SENT) != 0) {
        /* its client takes nothing any more, or its producer gives nothing */
        (void)weft_abort(self, c->stream, WEFT_ETIMEDOUT);
        return;
    }
    if (x != NULL) {
        weft_local_cancel(self, wf_http_message(x));
        wf_http_answer_error(self, x, 504, "no answer was given in time");
        wf_http_watch_time(c);
        return;
    }
    if (c->pending.size != 0)
        wf_http_refuse(self, c, NULL, 408, "the request came too slowly");
    else
        (void)weft_close(self, c->stream);
}

static void on_alarm(weft_alarm *alarm)
{
    wf_http_conn *c = conn_of(alarm);
    int32_t left = (int32_t)(c->deadline - weft_now_ms(NULL));
    c->armed = 0;
    if (left > 0) {
        c->armed = c->deadline != 0 ? c->deadline : 1;
        weft_alarm_set(&c->alarm, (uint32_t)left, on_alarm);
        return;
    }
    weft_enter(weft_actor_of_state(c), timed_out, c);
}

/* ---- reading */

static void close_when_done(weft_actor *self, wf_http_conn *c)
{
    c->flags |= WF_HTTP_CLOSING;
    if (c->first == NULL)
        (void)weft_close(self, c->stream);
}

/* What comes behind an error is thrown away for a moment: closing with bytes unread would reset the
 * connection, and the client might never see the answer (RFC 9112 section 9.6). */
static void linger(weft_actor *self, wf_http_conn *c)
{
    c->flags |= WF_HTTP_LINGERING | WF_HTTP_CLOSING;
    weft_bytes_drop(&c->pending);
    if ((c->flags & WF_HTTP_ENDED) != 0)
        (void)weft_close(self, c->stream);
    else
        (void)weft_end(self, c->stream);
    wf_http_watch_time(c);
}

void wf_http_finish(weft_actor *self, wf_http_conn *c, bool whole)
{
    if ((c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) != 0)
        return;
    c->flags |= WF_HTTP_CLOSING;
    if (whole && c->pending.size == 0)
        (void)weft_close(self, c->stream);
    else
        linger(self, c);
}

void wf_http_refuse(weft_actor *self, wf_http_conn *c, wf_http_exchange *x, int status,
                    const char *detail)
{
    if ((c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) != 0)
        return;
    c->flags |= WF_HTTP_CLOSING;
    c->reading = NULL;
    weft_bytes_drop(&c->pending);
    if (x == NULL) {
        /* no exchange yet: one is made, so that the answer takes its turn behind those before it */
        static const wf_http1_head none = {.minor = 1, .method = WEFT_HTTP_OTHER};
        x = wf_http_exchange_new(self, c, &none, NULL);
        if (x == NULL) {
            (void)weft_abort(self, c->stream, WEFT_ENOMEM);
            return;
        }
    }
    x->flags |= WF_HTTP_X_CLOSE;
    x->flags &= (uint16_t)~WF_HTTP_X_BODY_DONE;
    if ((x->flags & WF_HTTP_X_ANSWERED) == 0) {
        if ((x->flags & WF_HTTP_X_SERVED) != 0)
            weft_local_cancel(self, wf_http_message(x));
        wf_http_answer_error(self, x, status, detail);
    } else if ((x->flags & WF_HTTP_X_OVER) == 0)
        (void)weft_abort(self, c->stream, WEFT_EPROTO);
}

static bool may_read(weft_actor *self, wf_http_conn *c)
{
    if ((c->flags & (WF_HTTP_CLOSING | WF_HTTP_GONE)) != 0)
        return false;
    if (c->open >= c->site->limits.responses_pending_max || weft_write_full(self, c->stream)) {
        c->flags |= WF_HTTP_PAUSED;
        return false;
    }
    return true;
}

/* One head off the front of @in. false: nothing more can be read now. */
static bool read_head(weft_actor *self, wf_http_conn *c, weft_bytes *in)
{
    size_t scanned = c->scanned;
    size_t n = wf_http1_head_end(in->at, in->size, &scanned);
    weft_why why = {""};
    if (n == 0) {
        uint16_t status = 400;
        c->scanned = (uint32_t)scanned;
        if (wf_http1_head_unfinished(&c->site->codec_limits, in->at, in->size, &status, &why) !=
            WEFT_OK)
            wf_http_refuse(self, c, NULL, status, why.text);
        return false;
    }
    wf_http_reactor *h = wf_http_reactor_here();
    wf_http1_head head;
    wf_http1 parser;
    c->scanned = 0;
    wf_http1_init(&parser, &c->site->codec_limits);
    weft_err err = wf_http1_parse_request(&parser, in->at, n, &head, h->fields,
                                          c->site->limits.fields_max, &why);
    if (err != WEFT_OK) {
        wf_http_refuse(self, c, NULL, head.status, why.text);
        return false;
    }
    wf_http_exchange *x = wf_http_exchange_new(self, c, &head, h->fields);
    if (x == NULL) {
        (void)weft_abort(self, c->stream, WEFT_ENOMEM);
        return false;
    }
    x->parser = parser;
    x->head_bytes = weft_bytes_slice(*in, 0, n);
    *in = weft_bytes_slice(*in, n, SIZE_MAX);
    c->served++;
    if (!head.keep_alive || c->served >= c->site->limits.requests_max) {
        x->flags |= WF_HTTP_X_CLOSE;
        if (head.framing == WF_HTTP1_NO_BODY)
            c->flags |= WF_HTTP_CLOSING;
    }
    if (head.framing == WF_HTTP1_NO_BODY)
        x->flags |= WF_HTTP_X_BODY_DONE;
    else
        c->reading = x;
    if (head.expect_continue)
        x->flags |= WF_HTTP_X_CONTINUE;
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
    wf_http_dispatch(self, x);
    bool goes_on = (c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) == 0;
    /* what is not over when its handler returns needs its head beyond these bytes */
    if (goes_on && (x->flags & (WF_HTTP_X_OVER | WF_HTTP_X_LOST)) == 0 &&
        !wf_http_exchange_persist(self, x)) {
        (void)weft_abort(self, c->stream, WEFT_ENOMEM);
        goes_on = false;
    }
    wf_http_exchange_drop(x);
    return goes_on;
}

/* One piece of a body off the front of @in. false: nothing more can be read now. */
static bool read_body(weft_actor *self, wf_http_conn *c, weft_bytes *in)
{
    wf_http_exchange *x = c->reading;
    wf_http1_piece piece = {.trailers = NULL};
    weft_why why = {""};
    wf_http1 before = x->parser;
    weft_err err = wf_http1_body(&x->parser, in->at, in->size, &piece, &why);
    if (err != WEFT_OK) {
        wf_http_refuse(self, c, x, piece.status, why.text);
        return false;
    }
    if (piece.data_bytes != 0) {
        weft_bytes data = weft_bytes_slice(*in, (size_t)(piece.data - in->at), piece.data_bytes);
        err = wf_http_body_take(self, x, data);
        if (err == WEFT_EFULL) {
            x->parser = before;
            c->flags |= WF_HTTP_PAUSED;
            return false;
        }
        if (err != WEFT_OK) {
            wf_http_refuse(self, c, x, err == WEFT_ETOOBIG ? 413 : 503,
                           err == WEFT_ETOOBIG ? "the body is larger than this route takes" : NULL);
            return false;
        }
    }
    *in = weft_bytes_slice(*in, piece.consumed, SIZE_MAX);
    if (!piece.complete)
        return piece.consumed != 0;
    c->reading = NULL;
    if ((x->flags & WF_HTTP_X_CLOSE) != 0)
        c->flags |= WF_HTTP_CLOSING;
    wf_http_body_done(self, x);
    return (c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) == 0;
}

/* Reads of @in what may be read now; what is left stays in it. */
static void read_all(weft_actor *self, wf_http_conn *c, weft_bytes *in)
{
    bool more = true;
    c->flags |= WF_HTTP_RUNNING;
    c->flags &= (uint16_t)~WF_HTTP_PAUSED;
    while (more && in->size != 0) {
        if (c->reading != NULL)
            more = read_body(self, c, in);
        else
            more = may_read(self, c) && read_head(self, c, in);
    }
    c->flags &= (uint16_t)~WF_HTTP_RUNNING;
}

static void let_go(wf_http_conn *c)
{
    if (c->held != NULL && (c->flags & WF_HTTP_PAUSED) == 0)
        weft_drop(&c->held);
}

/* Nothing more can come, and nothing is under way. */
static void check_end(weft_actor *self, wf_http_conn *c)
{
    if ((c->flags & WF_HTTP_ENDED) == 0 || (c->flags & (WF_HTTP_PAUSED | WF_HTTP_GONE)) != 0)
        return;
    if (c->reading != NULL)
        (void)weft_abort(self, c->stream, WEFT_ETRUNCATED);
    else
        close_when_done(self, c);
}

void wf_http_input(weft_actor *self, wf_http_conn *c)
{
    if ((c->flags & (WF_HTTP_RUNNING | WF_HTTP_GONE)) != 0)
        return;
    if (c->pending.size != 0) {
        weft_bytes in = c->pending, all = c->pending;
        c->pending = WEFT_NO_BYTES;
        read_all(self, c, &in);
        if (in.size != 0 && (c->flags & (WF_HTTP_LINGERING | WF_HTTP_CLOSING)) == 0)
            c->pending = weft_bytes_share(in);
        else if (in.size != 0 && c->reading != NULL)
            c->pending = weft_bytes_share(in);
        weft_bytes_drop(&all);
    } else
        c->flags &= (uint16_t)~WF_HTTP_PAUSED;
    let_go(c);
    check_end(self, c);
    if ((c->flags & WF_HTTP_GONE) == 0)
        wf_http_watch_time(c);
}

/* ---- rows */

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    weft_bytes in = data->bytes;
    c->stream = data->stream;
    if ((c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) != 0)
        return WEFT_OK;
    if (c->pending.size != 0) {
        weft_bytes joined;
        uint8_t *to;
        if (weft_bytes_new(2 * (c->pending.size + in.size), &to, &joined) != WEFT_OK)
            return weft_abort(self, c->stream, WEFT_ENOMEM);
        memcpy(to, c->pending.at, c->pending.size);
        memcpy(to + c->pending.size, in.at, in.size);
        joined.size = c->pending.size + in.size;
        weft_bytes_drop(&c->pending);
        c->pending = joined;
        wf_http_input(self, c);
    } else {
        read_all(self, c, &in);
        if (in.size != 0 && ((c->flags & WF_HTTP_CLOSING) == 0 || c->reading != NULL)) {
            c->pending = weft_bytes_keep(self, in);
            if (c->pending.size == 0)
                return weft_abort(self, c->stream, WEFT_ENOMEM);
        }
        if ((c->flags & WF_HTTP_GONE) == 0)
            wf_http_watch_time(c);
    }
    if ((c->flags & WF_HTTP_PAUSED) != 0 && c->held == NULL)
        c->held = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    (void)msg;
    c->flags |= WF_HTTP_ENDED;
    if ((c->flags & WF_HTTP_LINGERING) != 0)
        return weft_close(self, c->stream);
    check_end(self, c);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    (void)msg;
    if (c->first != NULL)
        wf_http_body_turn(c->first);
    wf_http_input(self, c);
    return WEFT_OK;
}

static void lose_exchanges(weft_actor *self, wf_http_conn *c)
{
    c->flags |= WF_HTTP_GONE;
    c->reading = NULL;
    for (wf_http_exchange *x = c->first, *next; x != NULL; x = next) {
        next = x->next;
        x->next = NULL;
        x->flags |= WF_HTTP_X_LOST;
        x->conn = NULL;
        wf_http_body_end(x, WEFT_ELOST);
        if ((x->flags & WF_HTTP_X_ANSWERED) == 0 && (x->flags & WF_HTTP_X_SERVED) != 0)
            weft_local_cancel(self, wf_http_message(x));
        wf_http_exchange_drop(x);
    }
    c->first = c->last = NULL;
    c->open = 0;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    (void)msg;
    lose_exchanges(self, c);
    return weft_stop(self, WEFT_OK);
}

/* Shut-down: an idle connection ends now, a busy one behind its last response. */
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    (void)msg;
    if (c->first == NULL)
        return weft_stop(self, WEFT_OK);
    c->flags |= WF_HTTP_CLOSING;
    c->last->flags |= WF_HTTP_X_CLOSE;
    return WEFT_OK;
}

static weft_err start(weft_actor *self, weft_msg *msg, bool routes_only)
{
    wf_http_conn *c = weft_state(self);
    const weft_started *started = weft_body(msg);
    weft_why why = {""};
    c->site = wf_http_site_of(started->config, routes_only, &why);
    if (c->site == NULL) {
        weft_log(self, WEFT_ERROR, "%s", why.text);
        return weft_stop_because(self, WEFT_EINVAL, "%s", why.text);
    }
    wf_http_watch_time(c);
    return WEFT_OK;
}

static weft_err on_site_started(weft_actor *self, weft_msg *msg)
{
    return start(self, msg, true);
}

static weft_err on_server_started(weft_actor *self, weft_msg *msg)
{
    return start(self, msg, false);
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_http_conn *c = weft_state(self);
    (void)reason;
    weft_alarm_clear(&c->alarm);
    lose_exchanges(self, c);
    if (c->held != NULL)
        weft_drop(&c->held);
    weft_bytes_drop(&c->pending);
}

#define ROWS                                           \
    {.type = &weft_data_type, .fn = on_data},          \
    {.type = &weft_ended_type, .fn = on_ended},        \
    {.type = &weft_drained_type, .fn = on_drained},    \
    {.type = &weft_closed_type, .fn = on_closed},      \
    {.type = &weft_stopping_type, .fn = on_stopping},  \
    {0}

static const weft_handler site_rows[] = {
    {.type = &weft_started_type, .fn = on_site_started},
    ROWS,
};
static const weft_handler server_rows[] = {
    {.type = &weft_started_type, .fn = on_server_started},
    ROWS,
};

const weft_behaviour weft_http_site = {.name = "http",
                                       .handlers = site_rows,
                                       .state_bytes = sizeof(wf_http_conn),
                                       .ended = ended};
const weft_behaviour weft_http_server = {.name = "http",
                                         .handlers = server_rows,
                                         .state_bytes = sizeof(wf_http_conn),
                                         .ended = ended};
