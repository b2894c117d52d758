/* SPDX-License-Identifier: MIT */
/* Jobs: what is to be sent, for a call or for a server's request that was forwarded. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http_client.h"
#include "http_server.h"

static char *copy_of(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = weft_alloc(n);
    return copy != NULL ? memcpy(copy, text, n) : NULL;
}

const weft_http_call *wf_http_job_call(const wf_http_job *job)
{
    return (job->flags & WF_HTTP_JOB_FORWARDED) == 0 ? weft_body(job->msg) : NULL;
}

const weft_http_request *wf_http_job_request(const wf_http_job *job)
{
    return (job->flags & WF_HTTP_JOB_FORWARDED) != 0 ? weft_body(job->msg) : NULL;
}

weft_bytes wf_http_job_body(const wf_http_job *job)
{
    if ((job->flags & (WF_HTTP_JOB_UPLOAD | WF_HTTP_JOB_REPEATED)) != 0)
        return WEFT_NO_BYTES;
    const weft_http_call *call = wf_http_job_call(job);
    return call != NULL ? call->body : wf_http_job_request(job)->body;
}

bool wf_http_job_is_repeatable(const wf_http_job *job)
{
    if ((job->flags & WF_HTTP_JOB_UPLOAD) != 0)
        return false;
    switch (job->method) {
    case WEFT_HTTP_GET:
    case WEFT_HTTP_HEAD:
    case WEFT_HTTP_PUT:
    case WEFT_HTTP_DELETE:
    case WEFT_HTTP_OPTIONS:
    case WEFT_HTTP_TRACE:
        return true;
    default:
        return false;
    }
}

void wf_http_job_fail(wf_http_job *job, weft_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    job->err = weft_because_v(&job->why, err, format, args);
    va_end(args);
}

/* ---- made */

static weft_err check_call(const weft_http_call *call, weft_why *why)
{
    if (call->own == NULL || (call->own->open && weft_ref_is_nobody(call->own->upload)))
        return weft_because(why, WEFT_ENOMEM, WF_HTTP_NOT_SENT "no memory for the call");
    if (call->url == NULL)
        return weft_because(why, WEFT_EINVAL, WF_HTTP_NOT_SENT "the call has no url");
    if (call->method == WEFT_HTTP_CONNECT)
        return weft_because(why, WEFT_EINVAL,
                            WF_HTTP_NOT_SENT "CONNECT is asked by the client itself, for .proxy");
    if (call->method == WEFT_HTTP_OTHER && call->method_name == NULL)
        return weft_because(why, WEFT_EINVAL,
                            WF_HTTP_NOT_SENT "a method beyond the known ones has a method_name");
    return WEFT_OK;
}

static weft_err fill_from_call(const wf_http_client *c, wf_http_job *job,
                               const weft_http_call *call, weft_why *why)
{
    weft_err err = check_call(call, why);
    if (err != WEFT_OK)
        return err;
    job->method = call->method;
    if (call->method_name != NULL)
        job->method_name = (weft_http_text){call->method_name, (uint32_t)strlen(call->method_name)};
    job->to = call->to != NULL ? call->to : c->config->to;
    job->body_bytes_max =
        call->body_bytes_max != 0 ? call->body_bytes_max : c->limits.body_bytes_max;
    job->upload_bytes = call->upload_bytes;
    job->body_stream = call->own->upload;
    job->asker_stream = call->own->download;
    if (call->stream)
        job->flags |= WF_HTTP_JOB_STREAM;
    if (call->own->open)
        job->flags |= WF_HTTP_JOB_UPLOAD | WF_HTTP_JOB_STREAM;
    job->url = copy_of(call->url);
    return job->url != NULL ? WEFT_OK
                            : weft_because(why, WEFT_ENOMEM, WF_HTTP_NOT_SENT "no memory");
}

/* What stands behind .strip, of a path that begins with it, up to a slash. */
static weft_http_text stripped(weft_http_text path, const char *strip)
{
    size_t n = strip != NULL ? strlen(strip) : 0;
    while (n > 0 && strip[n - 1] == '/')
        n--;
    if (n == 0 || path.bytes < n || memcmp(path.at, strip, n) != 0 ||
        (path.bytes > n && path.at[n] != '/'))
        return path;
    return path.bytes > n ? (weft_http_text){path.at + n, path.bytes - (uint32_t)n}
                          : (weft_http_text){"/", 1};
}

/* Where the upstream has what was asked for: "*" is the server itself. */
static char *upstream_url(const char *base, size_t n, const char *strip,
                          const weft_http_request *request)
{
    weft_http_text target =
        request->path.at != NULL ? stripped(request->path, strip) : (weft_http_text){"/", 1};
    size_t room = n + target.bytes + request->query.bytes + 2;
    char *url = weft_alloc(room), *to = url;
    if (url == NULL)
        return NULL;
    memcpy(to, base, n);
    to += n;
    memcpy(to, target.at, target.bytes);
    to += target.bytes;
    if (request->query.at != NULL) {
        *to++ = '?';
        memcpy(to, request->query.at, request->query.bytes);
        to += request->query.bytes;
    }
    *to = '\0';
    return url;
}

weft_err wf_http_job_aim(const wf_http_client *c, wf_http_job *job, const char *base, weft_why *why)
{
    size_t n = strlen(base);
    while (n > 0 && base[n - 1] == '/')
        n--;
    char *url = upstream_url(base, n, c->config->strip, wf_http_job_request(job));
    if (url == NULL)
        return weft_because(why, WEFT_ENOMEM, WF_HTTP_NOT_SENT "no memory");
    weft_alloc_free(job->url);
    job->url = url;
    job->base_bytes = (uint32_t)n;
    return WEFT_OK;
}

static weft_err fill_from_request(const wf_http_client *c, wf_http_job *job,
                                  const weft_http_request *request, weft_why *why)
{
    if (request->exchange == NULL)
        return weft_because(why, WEFT_ENOMEM, WF_HTTP_NOT_SENT "no memory for the request");
    if (c->config->upstream == NULL && c->config->upstreams == NULL)
        return weft_because(why, WEFT_EINVAL,
                            WF_HTTP_NOT_SENT "this client has no .upstream to forward to");
    job->flags |= WF_HTTP_JOB_FORWARDED;
    job->method = request->method;
    job->method_name = request->method_name;
    job->to = c->config->to;
    job->body_bytes_max = c->limits.body_bytes_max;
    job->body_stream = request->stream;
    if (request->exchange->late) { /* what is passed on has no limit, in one piece or in many */
        job->flags |= WF_HTTP_JOB_LATE;
        job->body_bytes_max = UINT64_MAX;
    }
    if (!weft_ref_is_nobody(request->stream))
        job->flags |= WF_HTTP_JOB_STREAM;
    if (!weft_ref_is_nobody(request->stream) && request->body_bytes != 0) {
        job->flags |= WF_HTTP_JOB_UPLOAD;
        job->upload_bytes = request->body_bytes != UINT64_MAX ? request->body_bytes : 0;
        if ((request->exchange->flags & WF_HTTP_X_AWAITS) != 0)
            job->flags |= WF_HTTP_JOB_EXPECTS;
    }
    return WEFT_OK;
}

wf_http_job *wf_http_job_new(weft_actor *self, const wf_http_client *c, weft_msg *msg,
                             weft_err *err, weft_why *why)
{
    wf_http_job *job = weft_alloc_zero(sizeof *job);
    if (job == NULL) {
        *err = weft_because(why, WEFT_ENOMEM, WF_HTTP_NOT_SENT "no memory");
        return NULL;
    }
    job->refs = 1;
    *err = weft_type_of(msg) == &weft_http_call_type
               ? fill_from_call(c, job, weft_body(msg), why)
               : fill_from_request(c, job, weft_body(msg), why);
    if (*err != WEFT_OK) {
        wf_http_job_drop(job);
        return NULL;
    }
    uint32_t left = weft_time_left_ms(msg);
    job->limited = left != WEFT_NO_LIMIT;
    job->until = weft_now_ms(self) + left;
    return job;
}

void wf_http_job_again(wf_http_job *job)
{
    wf_http_page_text_drop(job->text);
    job->text = NULL;
    weft_bytes_drop(&job->body);
    job->err = WEFT_OK;
    job->flags &= ~(uint32_t)(WF_HTTP_JOB_OVER | WF_HTTP_JOB_UNTOUCHED | WF_HTTP_JOB_UNPACKED |
                              WF_HTTP_JOB_BEGUN | WF_HTTP_JOB_ASKED | WF_HTTP_JOB_TURNED_AWAY);
    if ((job->flags & WF_HTTP_JOB_LATE) != 0)
        job->flags &= ~(uint32_t)WF_HTTP_JOB_STREAM;
}

void wf_http_job_drop(wf_http_job *job)
{
    if (--job->refs != 0)
        return;
    wf_http_job_again(job);
    weft_alloc_free(job->url);
    weft_alloc_free(job->cookie);
    weft_alloc_free(job);
}
