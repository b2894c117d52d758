/* SPDX-License-Identifier: MIT */
/* What the askers of a client get: pages for calls, responses for requests that were forwarded; and how
 * the client of each reactor is asked. */
#include "http_client_answer.h"

#include <string.h>

#include <weft/leaf.h>
#include <weft/net.h>

#include "http_fields.h"
#include "http_server.h"

enum { RESPONSE_FIELDS_MAX = 64 };

/* ---- pages */

static weft_err reply_page(wf_http_job *job, weft_ref stream, uint64_t body_bytes)
{
    wf_http_page_text *text = job->text;
    text->url = job->url;
    job->url = NULL;
    weft_http_page page = {
        .body = job->body,
        .stream = stream,
        .body_bytes = body_bytes,
        .status = job->status,
        .minor = job->minor,
        .unpacked = (job->flags & WF_HTTP_JOB_UNPACKED) != 0,
        .redirects = job->redirects,
        .url = text->url,
        .reason = text->reason,
        .fields = text->fields,
        .fields_count = text->fields_count,
        .own = text,
    };
    weft_err err = weft_reply_body(job->msg, &weft_http_page_type, &page);
    return err == WEFT_EUSED ? WEFT_OK : err;
}

/* ---- responses */

/* @self is the client, whose state has the config that it was forwarded with. */
static void set_location(weft_actor *self, wf_http_job *job, weft_http_field *field)
{
    const wf_http_client *c = weft_state(self);
    weft_http_text ours = wf_http_location_of_ours(
        c->config, job, (weft_http_text){field->value, field->value_bytes});
    field->value = ours.at;
    field->value_bytes = ours.bytes;
}

/* What a server says of itself is said anew; what belongs to the connection stays with it. */
static uint32_t response_fields(weft_actor *self, wf_http_job *job, weft_http_field *to)
{
    const wf_http_page_text *text = job->text;
    weft_http_text connection = wf_http_find(text->fields, text->fields_count, "connection");
    uint32_t n = 0;
    for (uint32_t i = 0; i < text->fields_count && n < RESPONSE_FIELDS_MAX; i++) {
        const weft_http_field *f = &text->fields[i];
        wf_http_name name = wf_http_name_of(f->name, f->name_bytes);
        if (name != WF_HTTP_DATE && name != WF_HTTP_SERVER &&
            !wf_http_field_is_of_hop(f, connection))
            to[n++] = *f;
        if (name == WF_HTTP_LOCATION && n != 0 && to[n - 1].name == f->name)
            set_location(self, job, &to[n - 1]);
    }
    return n;
}

static weft_err respond(weft_actor *self, wf_http_job *job, bool stream)
{
    weft_http_field fields[RESPONSE_FIELDS_MAX];
    weft_http_answer answer = {.status = job->status, .fields = fields, .body = job->body};
    answer.fields_count = response_fields(self, job, fields);
    bool none = job->status == 204 || job->status == 304 || job->text->known_bytes == 0;
    if (stream && !none) {
        answer.stream = true;
        answer.stream_bytes = job->text->known_bytes != UINT64_MAX ? job->text->known_bytes : 0;
    }
    weft_err err = weft_http_respond(job->msg, &answer);
    return err == WEFT_EUSED ? WEFT_OK : err;
}

/* A gateway's own words: the upstream is not to blame for what this client refused to begin. */
static int status_of(weft_err err)
{
    switch (err) {
    case WEFT_ETIMEDOUT:
        return 504;
    case WEFT_EFULL:
    case WEFT_ENOMEM:
    case WEFT_ESTOPPING:
        return 503;
    default:
        return 502;
    }
}

/* What the client is told has no address in it, and nothing else of what lies behind. */
static const char *detail_of(int status, weft_err err)
{
    switch (status) {
    case 504:
        return "the upstream server did not answer in time";
    case 503:
        return NULL;
    default:
        return err == WEFT_EPROTO || err == WEFT_ETOOBIG || err == WEFT_ETRUNCATED
                   ? "no valid answer from the upstream server"
                   : "no answer from the upstream server";
    }
}

weft_err wf_http_answer_upstream_failure(weft_actor *self, weft_msg *msg, weft_err err,
                                         const char *why)
{
    int status = status_of(err);
    weft_log(self, WEFT_WARNING, "a request could not be passed on, %d: %s", status, why);
    return weft_http_error(msg, status, detail_of(status, err));
}

weft_err wf_http_answer_failure(weft_actor *self, weft_msg *msg, weft_err err, const char *why)
{
    if (weft_type_of(msg) == &weft_http_call_type)
        return weft_fail(msg, err, "%s", why);
    weft_err answered = wf_http_answer_upstream_failure(self, msg, err, why);
    return answered == WEFT_OK || answered == WEFT_EUSED ? WEFT_OK : weft_fail(msg, err, "%s", why);
}

/* ---- both */

void wf_http_answer_job(weft_actor *self, wf_http_job *job)
{
    weft_err err = job->err;
    if (err == WEFT_OK) {
        err = (job->flags & WF_HTTP_JOB_FORWARDED) != 0
                  ? respond(self, job, false)
                  : reply_page(job, WEFT_NOBODY, job->body.size);
        if (err != WEFT_OK)
            wf_http_job_fail(job, err, WF_HTTP_PARTIAL "the answer could not be passed on");
    }
    if (err != WEFT_OK)
        (void)wf_http_answer_failure(self, job->msg, err, job->why.text);
}

/* One end for the asker, one for the connection. */
static weft_err make_stream(weft_actor *self, wf_http_job *job)
{
    weft_ref ends[2];
    if (!weft_ref_is_nobody(job->body_stream))
        return WEFT_OK;
    weft_err err = weft_pair(self, weft_sender(job->msg), job->link->ref, ends);
    if (err != WEFT_OK)
        return err;
    job->asker_stream = ends[0];
    job->body_stream = ends[1];
    return WEFT_OK;
}

/* The connection is the owner of a stream that is made now, which it hears of behind `go on`. */
static weft_err open_late(wf_http_job *job)
{
    if ((job->flags & WF_HTTP_JOB_LATE) == 0)
        return WEFT_OK;
    weft_err err = wf_http_stream_open_late(job->msg, job->link->ref);
    job->body_stream = wf_http_job_request(job)->stream;
    return err;
}

void wf_http_answer_begin(const wf_http_job *job)
{
    if ((job->flags & WF_HTTP_JOB_LATE) != 0)
        wf_http_stream_begin(wf_http_exchange_of(job->msg));
}

weft_err wf_http_answer_stream(weft_actor *self, wf_http_job *job)
{
    bool known = (job->flags & WF_HTTP_JOB_UNPACKED) == 0;
    if ((job->flags & WF_HTTP_JOB_FORWARDED) != 0) {
        weft_err err = open_late(job);
        if (err == WEFT_OK)
            err = respond(self, job, true);
        if (err == WEFT_OK && (job->flags & WF_HTTP_JOB_HERE) != 0)
            err = weft_hand_over(self, job->body_stream, job->link->ref, WEFT_NO_BYTES);
        return err == WEFT_EGONE ? WEFT_OK : err;
    }
    weft_err err = make_stream(self, job);
    if (err != WEFT_OK)
        return err;
    err = reply_page(job, job->asker_stream, known ? job->text->known_bytes : UINT64_MAX);
    if (err != WEFT_OK)
        (void)weft_pair_fail(self, job->body_stream, err);
    return err;
}

/* ---- limits */

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

weft_http_client_limits wf_http_client_limits_filled(const weft_http_client_limits *l)
{
    return (weft_http_client_limits){
        .conns_per_origin_max = or_default(l->conns_per_origin_max, 16),
        .conns_max = or_default(l->conns_max, 1024),
        .waiting_max = or_default(l->waiting_max, 4096),
        .wait_timeout_ms = or_default(l->wait_timeout_ms, 30000),
        .connect_timeout_ms = or_default(l->connect_timeout_ms, 10000),
        .send_timeout_ms = or_default(l->send_timeout_ms, 30000),
        .answer_timeout_ms = or_default(l->answer_timeout_ms, 60000),
        .continue_timeout_ms = or_default(l->continue_timeout_ms, 1000),
        .body_timeout_ms = or_default(l->body_timeout_ms, 30000),
        .idle_timeout_ms = or_default(l->idle_timeout_ms, 30000),
        .requests_max = or_default(l->requests_max, UINT32_MAX),
        .head_bytes_max = or_default(l->head_bytes_max, WF_HTTP1_HEAD_BYTES_MAX),
        .fields_max = or_default(l->fields_max, WF_HTTP1_FIELDS_MAX) < WF_HTTP1_FIELDS_LAST
                          ? or_default(l->fields_max, WF_HTTP1_FIELDS_MAX)
                          : WF_HTTP1_FIELDS_LAST,
        .body_bytes_max = l->body_bytes_max != 0 ? l->body_bytes_max : 8U << 20,
        .redirects_max = or_default(l->redirects_max, 20),
        .cookies_max = or_default(l->cookies_max, 3000),
        .upstream_fails_max = or_default(l->upstream_fails_max, 3),
        .upstream_rest_ms = or_default(l->upstream_rest_ms, 10000),
    };
}
