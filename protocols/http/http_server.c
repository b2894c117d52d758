/* SPDX-License-Identifier: MIT */
/* The protocol actor of an HTTP connection: what its stream, its workers and its parent tell it. */
#include "http_server.h"
#include "http_packing.h"

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    c->stream = data->stream;
    if ((c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) != 0)
        return WEFT_OK;
    if (wf_http_take(self, c, data->bytes) != WEFT_OK)
        wf_http_close(self, c, WEFT_ENOMEM);
    else if ((c->flags & WF_HTTP_PAUSED) != 0 && c->held == NULL)
        c->held = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const weft_ended *ended = weft_body(msg);
    wf_http_conn *c = weft_state(self);
    c->stream = ended->stream;
    wf_http_input_ended(self, c);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    (void)msg;
    if (c->first != NULL) {
        wf_http_stream_drained(c->first);
        wf_http_packing_drained(c->first);
        wf_http_continue(self, c->first);
    }
    wf_http_output(self, c);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_http_lost(self, weft_state(self), false);
    return weft_stop(self, WEFT_OK);
}

/* ---- shut-down: an idle connection ends now, a busy one behind its last response */

typedef struct stop_now {
    char nothing;
} stop_now;
static const weft_type stop_now_type = WEFT_TYPE("weft.http_stop", stop_now, NULL);

/* Being told to stop overtakes what has come already: that is served first. */
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (weft_tell(self, weft_self(self), stop_now, .nothing = 0) != WEFT_OK)
        return weft_stop(self, WEFT_ESTOPPING);
    return WEFT_OK;
}

static weft_err on_stop_now(weft_actor *self, weft_msg *msg)
{
    wf_http_conn *c = weft_state(self);
    (void)msg;
    if (c->first == NULL)
        return weft_stop(self, WEFT_OK);
    c->flags |= WF_HTTP_CLOSING;
    c->last->flags |= WF_HTTP_X_CLOSE;
    return WEFT_OK;
}

/* ---- what it is made of */

/* A worker that ends in an error has not said all. */
static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    const wf_http_conn *c = weft_state(self);
    for (wf_http_exchange *x = reason != WEFT_OK ? c->first : NULL; x != NULL; x = x->next)
        if (weft_ref_same(x->worker, child))
            wf_http_stream_cut(x);
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
    wf_http_wrote(c);
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
    wf_http_lost(self, c, true);
    if (c->held != NULL)
        weft_drop(&c->held);
    weft_bytes_drop(&c->pending);
    wf_http_peer_drop(c->peer);
    c->peer = NULL;
}

#define ROWS                                                                              \
    {.type = &weft_data_type, .fn = on_data}, {.type = &weft_ended_type, .fn = on_ended}, \
        {.type = &weft_drained_type, .fn = on_drained},                                   \
        {.type = &weft_closed_type, .fn = on_closed},                                     \
        {.type = &weft_stopping_type, .fn = on_stopping},                                 \
        {.type = &stop_now_type, .fn = on_stop_now},                                      \
    {                                                                                     \
        0                                                                                 \
    }

static const weft_handler site_rows[] = {
    {.type = &weft_started_type, .fn = on_site_started},
    ROWS,
};
static const weft_handler server_rows[] = {
    {.type = &weft_started_type, .fn = on_server_started},
    ROWS,
};

/* RFC 9110 section 15.6.4: for who is not even let in, when a listener says so. */
#define BUSY                                                                      \
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n" \
    "Content-Length: 0\r\n\r\n"

const weft_behaviour weft_http_site = {.name = "http",
                                       .handlers = site_rows,
                                       .state_bytes = sizeof(wf_http_conn),
                                       .ended = ended,
                                       .child_ended = child_ended,
                                       .busy = BUSY};
const weft_behaviour weft_http_server = {.name = "http",
                                         .handlers = server_rows,
                                         .state_bytes = sizeof(wf_http_conn),
                                         .ended = ended,
                                         .child_ended = child_ended,
                                         .busy = BUSY};
