/* SPDX-License-Identifier: MIT */
/* The life of a client's connection: up, in use, kept, ended; what its client and its streams tell. */
#include "http_client_conn.h"

#include <stdio.h>
#include <string.h>

#include <weft/leaf.h>
#include <weft/net.h>

/* A body that may not leave at once: how long that takes has a limit of its own. */
enum { LARGE_BYTES = 64 << 10 };

/* ---- messages of the client and its connections: each holds its job */

static void job_share(void *body)
{
    wf_http_job *job = *(wf_http_job **)body;
    job->refs++;
}

static void job_release(void *body)
{
    wf_http_job_drop(*(wf_http_job **)body);
}

#define JOB_TYPE(text, T)                                                             \
    {                                                                                 \
        .name = (text), .size = sizeof(T), .share = job_share, .release = job_release \
    }

const weft_type wf_http_start_type = JOB_TYPE("weft.http_start", wf_http_start);
const weft_type wf_http_go_on_type = JOB_TYPE("weft.http_go_on", wf_http_start);
const weft_type wf_http_give_up_type = JOB_TYPE("weft.http_give_up", wf_http_start);
const weft_type wf_http_told_type = JOB_TYPE("weft.http_told", wf_http_told);

/* ---- the end of a job, and of the connection */

static void let_go(wf_http_cc *c)
{
    weft_bytes_drop(&c->pending);
    weft_bytes_drop(&c->packed);
    wf_http_unpack_free(c->unpack);
    c->unpack = NULL;
    if (c->held != NULL)
        weft_drop(&c->held);
    if (c->upload != NULL)
        weft_drop(&c->upload);
}

static void end(weft_actor *self, wf_http_cc *c, weft_err reason)
{
    bool up = c->phase != WF_HTTP_OPENING;
    if (c->phase == WF_HTTP_ENDING)
        return;
    c->phase = WF_HTTP_ENDING;
    if (reason != WEFT_OK || !up)
        (void)weft_abort(self, c->stream, reason);
    else
        (void)weft_close(self, c->stream);
    let_go(c);
}

bool wf_http_conn_tell(weft_actor *self, wf_http_cc *c, wf_http_told_what what)
{
    wf_http_told told = {c->job, what};
    if (what != WF_HTTP_TOLD_HEAD)
        c->job->flags |= WF_HTTP_JOB_OVER;
    c->job->refs++; /* an event takes the share that it is given */
    if (weft_event(self, weft_parent(self), &wf_http_told_type, &told) == WEFT_OK)
        return true;
    c->job->flags &= ~(uint32_t)WF_HTTP_JOB_OVER;
    wf_http_job_drop(told.job);
    (void)weft_stop(self, WEFT_ENOMEM); /* which its client is told without any memory */
    return false;
}

/* The job has come to its end: c->job->err says which. The connection is kept, or ends for @reason. */
static void finish(weft_actor *self, wf_http_cc *c, bool keep, weft_err reason)
{
    wf_http_job *job = c->job;
    c->served++;
    c->flags |= WF_HTTP_C_USED;
    if (!wf_http_conn_tell(self, c, keep ? WF_HTTP_TOLD_IDLE : WF_HTTP_TOLD_OVER))
        keep = false;
    c->job = NULL;
    c->body = WEFT_NOBODY;
    wf_http_job_drop(job);
    if (!keep) {
        end(self, c, reason);
        return;
    }
    c->phase = WF_HTTP_IDLE;
    wf_http_unpack_free(c->unpack);
    c->unpack = NULL;
    wf_http_conn_moved(c);
}

void wf_http_conn_over(weft_actor *self, wf_http_cc *c)
{
    bool keep = (c->flags & (WF_HTTP_C_KEEP | WF_HTTP_C_SENT)) == (WF_HTTP_C_KEEP | WF_HTTP_C_SENT);
    if (!weft_ref_is_nobody(c->body) && (c->job->flags & WF_HTTP_JOB_STREAM) != 0)
        (void)weft_close(self, c->body);
    finish(self, c, keep, WEFT_OK);
}

void wf_http_conn_fail(weft_actor *self, wf_http_cc *c, weft_err err, const char *kind,
                       const char *why)
{
    wf_http_job *job = c->job;
    if (job == NULL) {
        end(self, c, err);
        return;
    }
    wf_http_job_fail(job, err, "%s%s", kind, why);
    bool elsewhere = (job->flags & WF_HTTP_JOB_FORWARDED) != 0 && c->phase == WF_HTTP_OPENING &&
                     wf_http_conn_give_back(self, c);
    if (!elsewhere && !weft_ref_is_nobody(c->body))
        (void)weft_pair_fail(self, c->body, err);
    finish(self, c, false, err);
}

/* A connection that was kept may have died meanwhile, which shows when it is used: nothing came. */
static bool may_be_repeated(const wf_http_cc *c)
{
    return (c->flags & (WF_HTTP_C_USED | WF_HTTP_C_TOUCHED)) == WF_HTTP_C_USED &&
           wf_http_job_is_repeatable(c->job);
}

/* How far it came, when its connection is lost with @err. */
static const char *kind_of(const wf_http_cc *c, weft_err err)
{
    bool touched = (c->flags & WF_HTTP_C_TOUCHED) != 0;
    if (c->phase == WF_HTTP_OPENING || c->phase == WF_HTTP_TUNNEL || (err == WEFT_ETLS && !touched))
        return WF_HTTP_NOT_SENT;
    return c->phase >= WF_HTTP_ASKING || touched ? WF_HTTP_PARTIAL : WF_HTTP_NO_ANSWER;
}

void wf_http_conn_lost(weft_actor *self, wf_http_cc *c, weft_err err, const char *why)
{
    weft_why text = {""};
    bool begun = c->phase >= WF_HTTP_ASKING || (c->flags & WF_HTTP_C_TOUCHED) != 0;
    if (c->job == NULL) {
        end(self, c, err);
        return;
    }
    weft_explain(&text, "%s: %s", c->origin->whole, why);
    const char *kind = kind_of(c, err);
    if (c->phase == WF_HTTP_HEAD && err != WEFT_ETIMEDOUT && may_be_repeated(c))
        c->job->flags |= WF_HTTP_JOB_UNTOUCHED;
    if (err == WEFT_EDONE || err == WEFT_ELOST)
        err = begun ? WEFT_ETRUNCATED : WEFT_ELOST;
    wf_http_conn_fail(self, c, err, kind, text.text);
}

bool wf_http_conn_is_given_up(weft_actor *self, wf_http_cc *c)
{
    if ((c->job->flags & WF_HTTP_JOB_CANCELLED) == 0)
        return false;
    wf_http_conn_fail(self, c, WEFT_ECANCELLED, "", "the asker no longer wants it");
    return true;
}

/* ---- up */

void wf_http_conn_begin(weft_actor *self, wf_http_cc *c)
{
    weft_why why = {""};
    wf_http_job *job = c->job;
    bool upload = (job->flags & WF_HTTP_JOB_UPLOAD) != 0;
    bool last = c->served + 1 >= c->client->limits.requests_max;
    if ((job->flags & WF_HTTP_JOB_CANCELLED) != 0) {
        finish(self, c, true, WEFT_OK);
        return;
    }
    c->flags &= (uint32_t)WF_HTTP_C_USED;
    if (wf_http_job_asks_first(job)) {
        job->flags |= WF_HTTP_JOB_ASKED;
        c->flags |= WF_HTTP_C_CONTINUE;
    } else if (!upload)
        c->flags |= WF_HTTP_C_SENT;
    c->phase = WF_HTTP_HEAD;
    c->body_bytes = 0;
    c->upload_left = job->upload_bytes;
    weft_err err = wf_http_job_send(self, c->stream, c->client, job, last, &why);
    if (err == WEFT_OK) {
        job->flags |= WF_HTTP_JOB_BEGUN;
        if ((c->flags & WF_HTTP_C_CONTINUE) == 0)
            wf_http_conn_go_ahead(c);
        bool large = wf_http_job_body(job).size > LARGE_BYTES;
        c->left = large && (c->flags & WF_HTTP_C_CONTINUE) == 0 ? LARGE_BYTES : 0;
        wf_http_conn_moved(c);
        wf_http_conn_upload_again(self, c);
        return;
    }
    /* nothing was written: the connection is as it was */
    wf_http_job_fail(job, err, WF_HTTP_NOT_SENT "%s",
                     why.text[0] != '\0' ? why.text : weft_err_text(err));
    if (!weft_ref_is_nobody(c->body))
        (void)weft_pair_fail(self, c->body, err);
    finish(self, c, err != WEFT_EGONE, err);
}

static void up(weft_actor *self, wf_http_cc *c)
{
    weft_why why = {""};
    if (c->origin->secure) {
        weft_err err = weft_tls_push(self, c->stream, c->client->tls, c->origin->host, &why);
        if (err != WEFT_OK) {
            wf_http_conn_fail(self, c, err, WF_HTTP_NOT_SENT, why.text);
            return;
        }
    }
    c->phase = WF_HTTP_IDLE;
    if (c->job != NULL)
        wf_http_conn_begin(self, c);
    else
        wf_http_conn_moved(c);
}

/* The proxy said yes. */
static void tunnelled(weft_actor *self, wf_http_cc *c, int status)
{
    char text[64];
    if (status / 100 == 2) {
        up(self, c);
        return;
    }
    (void)snprintf(text, sizeof text, "the proxy answered %d to CONNECT", status);
    wf_http_conn_fail(self, c, status == 407 ? WEFT_EDENIED : WEFT_EREFUSED, WF_HTTP_NOT_SENT,
                      text);
}

/* The answer to CONNECT, which comes alone: what stands behind it would be said within. */
static void on_tunnel_data(weft_actor *self, wf_http_cc *c, weft_bytes in)
{
    weft_http_field fields[WF_HTTP1_FIELDS_MAX];
    wf_http1_head head;
    weft_why why = {""};
    size_t scanned = 0, n = wf_http1_head_end(in.at, in.size, &scanned);
    wf_http1_init(&c->parser, &c->client->codec_limits);
    weft_err err =
        n == 0 || (n < in.size)
            ? weft_because(&why, WEFT_EPROTO, "the proxy's answer to CONNECT is no head alone")
            : wf_http1_parse_response(&c->parser, in.at, n, WEFT_HTTP_CONNECT, &head, fields,
                                      WF_HTTP1_FIELDS_MAX, &why);
    if (err != WEFT_OK)
        wf_http_conn_fail(self, c, err, WF_HTTP_NOT_SENT, why.text);
    else if (head.status >= 200)
        tunnelled(self, c, head.status);
}

/* ---- what the client tells */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    (void)msg;
    c->client = weft_state(weft_here(weft_parent(self)));
    c->origin = weft_config(self);
    c->stream = weft_connect(self, c->origin->connect, weft_self(self));
    return weft_ref_is_nobody(c->stream) ? weft_stop(self, WEFT_ENOMEM) : WEFT_OK;
}

static weft_err on_start(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const wf_http_start *start = weft_body(msg);
    c->job = start->job;
    c->job->refs++;
    c->body = (c->job->flags & WF_HTTP_JOB_UPLOAD) != 0 ? c->job->body_stream : WEFT_NOBODY;
    if (c->phase == WF_HTTP_IDLE)
        wf_http_conn_begin(self, c);
    else if (c->phase == WF_HTTP_ENDING) {
        /* it ended while this was on its way: another connection will do */
        wf_http_job_fail(c->job, WEFT_ELOST, WF_HTTP_NOT_SENT "the connection has ended");
        c->job->flags |= WF_HTTP_JOB_UNTOUCHED;
        finish(self, c, false, WEFT_OK);
    }
    return WEFT_OK;
}

static weft_err on_go_on(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const wf_http_start *go = weft_body(msg);
    if (go->job != c->job || c->phase != WF_HTTP_ASKING)
        return WEFT_OK;
    c->body = c->job->body_stream;
    c->phase = WF_HTTP_BODY;
    wf_http_conn_moved(c);
    wf_http_conn_read(self, c);
    return WEFT_OK;
}

static weft_err on_give_up(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const wf_http_start *given = weft_body(msg);
    if (given->job == c->job && c->job != NULL)
        (void)wf_http_conn_is_given_up(self, c);
    return WEFT_OK;
}

/* ---- what the streams tell */

static bool is_body(const wf_http_cc *c, weft_ref stream)
{
    return c->job != NULL && weft_ref_same(c->body, stream);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    weft_why why = {""};
    if (is_body(c, opened->stream))
        wf_http_conn_upload(self, c, msg);
    if (!weft_ref_same(opened->stream, c->stream) || c->phase != WF_HTTP_OPENING)
        return WEFT_OK;
    if (!c->origin->tunnel) {
        up(self, c);
        return WEFT_OK;
    }
    c->phase = WF_HTTP_TUNNEL;
    weft_err err = wf_http_tunnel_send(self, c->stream, c->client, c->origin, &why);
    if (err != WEFT_OK)
        wf_http_conn_fail(self, c, err, WF_HTTP_NOT_SENT, why.text);
    wf_http_conn_moved(c);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (is_body(c, data->stream)) {
        wf_http_conn_upload(self, c, msg);
        return WEFT_OK;
    }
    if (!weft_ref_same(data->stream, c->stream) || c->phase == WF_HTTP_ENDING)
        return WEFT_OK;
    if (c->phase == WF_HTTP_TUNNEL) {
        on_tunnel_data(self, c, data->bytes);
        return WEFT_OK;
    }
    c->window = weft_bytes_account(data->bytes);
    if (wf_http_conn_take(self, c, data->bytes) != WEFT_OK)
        wf_http_conn_fail(self, c, WEFT_ENOMEM, WF_HTTP_PARTIAL, "no memory for what came");
    else if (wf_http_conn_is_held(c) && c->held == NULL)
        c->held = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const weft_ended *ended = weft_body(msg);
    if (is_body(c, ended->stream))
        wf_http_conn_upload_ended(self, c);
    else if (weft_ref_same(ended->stream, c->stream) && c->phase != WF_HTTP_ENDING)
        wf_http_conn_ended(self, c);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const weft_drained *drained = weft_body(msg);
    if (is_body(c, drained->stream))
        wf_http_conn_read(self, c);
    else if (c->phase != WF_HTTP_ENDING)
        wf_http_conn_upload_again(self, c);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_http_cc *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (is_body(c, closed->stream)) {
        c->body = WEFT_NOBODY;
        wf_http_conn_fail(self, c, WEFT_ECANCELLED,
                          c->phase >= WF_HTTP_ASKING ? WF_HTTP_PARTIAL : WF_HTTP_NO_ANSWER,
                          "whoever the body's stream is for has closed it");
    }
    if (!weft_ref_same(closed->stream, c->stream))
        return WEFT_OK;
    if (c->phase != WF_HTTP_ENDING)
        wf_http_conn_lost(self, c, closed->reason, closed->why);
    return weft_stop(self, WEFT_OK);
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_http_cc *c = weft_state(self);
    weft_alarm_clear(&c->alarm.alarm);
    let_go(c);
    if (c->job == NULL)
        return;
    /* what was passed on must not look whole; the rest is its client's to fail */
    if (!weft_ref_is_nobody(c->body))
        (void)weft_pair_fail(self, c->body, reason != WEFT_OK ? reason : WEFT_ESTOPPING);
    wf_http_job_drop(c->job);
    c->job = NULL;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &wf_http_start_type, .fn = on_start},
    {.type = &wf_http_go_on_type, .fn = on_go_on},
    {.type = &wf_http_give_up_type, .fn = on_give_up},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};

const weft_behaviour wf_http_conn_behaviour = {.name = "http client connection",
                                               .handlers = handlers,
                                               .state_bytes = sizeof(wf_http_cc),
                                               .ended = ended};
