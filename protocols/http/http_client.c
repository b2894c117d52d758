/* SPDX-License-Identifier: MIT */
/* The client: takes calls, follows redirects, repeats what may be repeated, answers. */
#include <stdio.h>
#include <string.h>

#include <weft/leaf.h>
#include <weft/net.h>

#include "http_client.h"
#include "http_client_answer.h"
#include "http_cookie.h"

/* ---- its jobs */

static void add(wf_http_client *c, wf_http_job *job)
{
    job->next = c->jobs;
    if (c->jobs != NULL)
        c->jobs->back = job;
    c->jobs = job;
}

static void take_out(wf_http_client *c, wf_http_job *job)
{
    if (job->back != NULL)
        job->back->next = job->next;
    else
        c->jobs = job->next;
    if (job->next != NULL)
        job->next->back = job->back;
}

/* Nothing of it is left but what its connection still holds; that is told of when it is over. */
static void let_go(wf_http_client *c, wf_http_job *job)
{
    take_out(c, job);
    wf_http_upstreams_leave(job);
    if (job->opened != NULL)
        weft_drop(&job->opened);
    if (job->msg != NULL)
        weft_drop(&job->msg);
    job->flags |= WF_HTTP_JOB_CANCELLED;
    if (job->link == NULL)
        wf_http_job_drop(job);
}

void wf_http_client_finish(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    if ((job->flags & WF_HTTP_JOB_ANSWERED) == 0)
        wf_http_answer_job(self, job);
    /* nor may what was passed on look whole, should its connection never have heard of it */
    if ((job->flags & (WF_HTTP_JOB_HERE | WF_HTTP_JOB_ANSWERED)) != 0 && job->err != WEFT_OK)
        (void)weft_pair_fail(self, job->body_stream, job->err);
    let_go(c, job);
}

/* ---- those that wait */

static uint32_t due(const wf_http_client *c, const wf_http_job *job)
{
    uint32_t at = job->since + c->limits.wait_timeout_ms;
    return job->limited && (int32_t)(job->until - at) < 0 ? job->until : at;
}

static void on_alarm(weft_alarm *alarm);

static void watch_waiting(wf_http_client *c, const wf_http_job *job)
{
    uint32_t at = due(c, job);
    int32_t left = (int32_t)(at - weft_now_ms(NULL));
    if (c->armed != 0 && (int32_t)(at - c->armed) >= 0)
        return;
    c->armed = at != 0 ? at : 1;
    weft_alarm_set(&c->alarm, left > 0 ? (uint32_t)left : 1, on_alarm);
}

static void waited_too_long(weft_actor *self, void *context)
{
    wf_http_client *c = context;
    for (wf_http_job *job = c->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if ((job->flags & WF_HTTP_JOB_WAITING) == 0)
            continue;
        if ((int32_t)(due(c, job) - weft_now_ms(self)) > 0) {
            watch_waiting(c, job);
            continue;
        }
        wf_http_pool_leave(self, c, job);
        wf_http_job_fail(job, WEFT_ETIMEDOUT,
                         WF_HTTP_NOT_SENT
                         "no connection was free in time (conns_per_origin_max, conns_max)");
        wf_http_client_finish(self, c, job);
    }
}

static void on_alarm(weft_alarm *alarm)
{
    wf_http_client *c = (wf_http_client *)(void *)((char *)alarm - offsetof(wf_http_client, alarm));
    c->armed = 0;
    weft_enter(weft_actor_of_state(c), waited_too_long, c);
}

/* ---- cookies */

static int64_t now_s(weft_actor *self)
{
    return (int64_t)(weft_wall_ns(self) / 1000000000U);
}

static bool place_of(const wf_http_job *job, wf_http_url *url, wf_http_place *place)
{
    if (wf_http_url_parse(job->url, url, NULL) != WEFT_OK)
        return false;
    const char *mark =
        url->target.bytes != 0 ? memchr(url->target.at, '?', url->target.bytes) : NULL;
    *place = (wf_http_place){.host = url->host, .secure = url->secure, .path = url->target};
    if (mark != NULL)
        place->path.bytes = (uint32_t)(mark - url->target.at);
    return true;
}

static void send_cookies(weft_actor *self, const wf_http_client *c, wf_http_job *job)
{
    char text[WF_HTTP_COOKIE_HEADER_BYTES_MAX + 1];
    wf_http_writer w = wf_http_writer_over(text, sizeof text - 1);
    wf_http_url url;
    wf_http_place place;
    weft_alloc_free(job->cookie);
    job->cookie = NULL;
    if (c->jar == NULL || (job->flags & WF_HTTP_JOB_FORWARDED) != 0 || !place_of(job, &url, &place))
        return;
    wf_http_jar_put(c->jar, &place, now_s(self), &w);
    if (w.n == 0 || (job->cookie = weft_alloc(w.n + 1)) == NULL)
        return;
    memcpy(job->cookie, text, w.n);
    job->cookie[w.n] = '\0';
}

static void take_cookies(weft_actor *self, const wf_http_client *c, const wf_http_job *job)
{
    wf_http_url url;
    wf_http_place place;
    if (c->jar == NULL || (job->flags & WF_HTTP_JOB_FORWARDED) != 0 || !place_of(job, &url, &place))
        return;
    for (uint32_t i = 0; i < job->text->fields_count; i++) {
        const weft_http_field *f = &job->text->fields[i];
        weft_http_text value = {f->value, f->value_bytes};
        if (wf_http_find(f, 1, "set-cookie").at != NULL &&
            wf_http_jar_set(c->jar, &place, value, now_s(self)) != WEFT_OK)
            weft_log(self, WEFT_WARNING, "no memory for a cookie");
    }
}

/* ---- on its way */

static void go(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    send_cookies(self, c, job);
    if (wf_http_pool_place(self, c, job) != WEFT_OK)
        wf_http_client_finish(self, c, job);
    else if ((job->flags & WF_HTTP_JOB_WAITING) != 0)
        watch_waiting(c, job);
}

/* To the next upstream, of those that it has not been at. false: nowhere. */
static bool go_to_upstream(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    const char *base = wf_http_upstreams_choose(c, job, weft_now_ms(self));
    if (base == NULL)
        return false;
    wf_http_job_again(job);
    job->flags &= ~(uint32_t)WF_HTTP_JOB_FRESH;
    job->err = wf_http_job_aim(c, job, base, &job->why);
    if (job->err == WEFT_OK)
        go(self, c, job);
    else
        wf_http_client_finish(self, c, job);
    return true;
}

/* Its connection is through with it. */
static void settle(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    const uint32_t untouched = WF_HTTP_JOB_UNTOUCHED, once = WF_HTTP_JOB_FRESH;
    if ((job->flags & (untouched | once | WF_HTTP_JOB_ANSWERED)) == untouched) {
        wf_http_job_again(job);
        job->flags |= once;
        go(self, c, job);
        return;
    }
    if ((job->flags & WF_HTTP_JOB_TURNED_AWAY) != 0) {
        wf_http_job_again(job);
        go(self, c, job);
        return;
    }
    wf_http_upstreams_judge(self, c, job);
    if (job->err != WEFT_OK && wf_http_upstreams_may_follow(self, job) &&
        go_to_upstream(self, c, job))
        return;
    if (job->err == WEFT_OK && (job->flags & WF_HTTP_JOB_ANSWERED) == 0) {
        take_cookies(self, c, job);
        weft_http_text location =
            wf_http_find(job->text->fields, job->text->fields_count, "location");
        if (wf_http_redirect_follows(job, job->status, location)) {
            job->err = wf_http_redirect(c, job, &job->why);
            if (job->err == WEFT_OK) {
                go(self, c, job);
                return;
            }
        }
    }
    wf_http_client_finish(self, c, job);
}

/* The head of a streamed answer is there, and the body waits for where it goes. */
static void on_head(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    take_cookies(self, c, job);
    weft_err err = job->link != NULL ? wf_http_answer_stream(self, job) : WEFT_ELOST;
    if (err == WEFT_OK) {
        job->flags |= WF_HTTP_JOB_ANSWERED;
        job->flags &= ~(uint32_t)WF_HTTP_JOB_HERE;
        if (job->opened != NULL)
            weft_drop(&job->opened);
        wf_http_start body = {job};
        job->refs++;
        err = weft_event(self, job->link->ref, &wf_http_go_on_type, &body);
        if (err == WEFT_OK) {
            wf_http_answer_begin(job);
            weft_drop(&job->msg);
            return;
        }
        wf_http_job_drop(job);
        err = WEFT_ENOMEM;
    }
    wf_http_job_fail(job, err, WF_HTTP_PARTIAL "the answer could not be passed on");
    wf_http_pool_leave(self, c, job);
    wf_http_client_finish(self, c, job);
}

/* ---- what it is told */

static weft_err on_call(weft_actor *self, weft_msg *msg)
{
    wf_http_client *c = weft_state(self);
    weft_why why = {""};
    weft_err err;
    wf_http_job *job = wf_http_job_new(self, c, msg, &err, &why);
    if (job == NULL)
        return wf_http_answer_failure(self, msg, err, why.text);
    job->msg = weft_keep(msg);
    add(c, job);
    if (!weft_ref_is_nobody(job->body_stream))
        job->flags |= WF_HTTP_JOB_HERE;
    if ((job->flags & WF_HTTP_JOB_FORWARDED) == 0)
        go(self, c, job);
    else if (!go_to_upstream(self, c, job)) {
        wf_http_job_fail(job, WEFT_EINVAL, WF_HTTP_NOT_SENT "this client has no upstream");
        wf_http_client_finish(self, c, job);
    }
    return WEFT_OK;
}

static weft_err on_told(weft_actor *self, weft_msg *msg)
{
    wf_http_client *c = weft_state(self);
    const wf_http_told *told = weft_body(msg);
    wf_http_job *job = told->job;
    bool cancelled = (job->flags & WF_HTTP_JOB_CANCELLED) != 0;
    if (told->what == WF_HTTP_TOLD_HEAD) {
        if (!cancelled)
            on_head(self, c, job);
        return WEFT_OK;
    }
    wf_http_link *link = job->link;
    job->link = NULL;
    if (link != NULL)
        wf_http_pool_freed(self, c, link, told->what == WF_HTTP_TOLD_IDLE);
    if (!cancelled) {
        settle(self, c, job);
        return WEFT_OK;
    }
    if ((job->flags & WF_HTTP_JOB_HERE) != 0) /* it was given back for another connection */
        (void)weft_pair_fail(self, job->body_stream, WEFT_ECANCELLED);
    if (link != NULL)
        wf_http_job_drop(job);
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    wf_http_client *c = weft_state(self);
    wf_http_job *job = wf_http_pool_lost(self, c, child);
    if (job == NULL)
        return;
    if ((job->flags & WF_HTTP_JOB_CANCELLED) != 0) {
        wf_http_job_drop(job);
        return;
    }
    if ((job->flags & WF_HTTP_JOB_OVER) != 0)
        return; /* which is in the mailbox */
    bool begun = (job->flags & WF_HTTP_JOB_BEGUN) != 0;
    if (!begun && reason == WEFT_OK)
        job->flags |= WF_HTTP_JOB_UNTOUCHED; /* it ended before it heard of the job */
    wf_http_job_fail(job, reason != WEFT_OK ? reason : WEFT_ELOST, "%sthe connection has ended",
                     begun ? WF_HTTP_NO_ANSWER : WF_HTTP_NOT_SENT);
    settle(self, c, job);
}

/* ---- the askers' side */

static void give_up(weft_actor *self, wf_http_client *c, wf_http_job *job, weft_err err)
{
    if ((job->flags & WF_HTTP_JOB_HERE) != 0)
        (void)weft_pair_fail(self, job->body_stream, err);
    wf_http_pool_leave(self, c, job);
    let_go(c, job);
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_http_client *c = weft_state(self);
    const weft_cancelled *cancelled = weft_body(msg);
    wf_http_job *job = c->jobs;
    while (job != NULL && job->msg != cancelled->msg)
        job = job->next;
    if (job != NULL)
        give_up(self, c, job, WEFT_ECANCELLED);
    return WEFT_OK;
}

static wf_http_job *job_of_stream(const wf_http_client *c, weft_ref stream)
{
    wf_http_job *job = c->jobs;
    while (job != NULL &&
           ((job->flags & WF_HTTP_JOB_HERE) == 0 || !weft_ref_same(job->body_stream, stream)))
        job = job->next;
    return job;
}

/* The stream of a body, until its connection takes it over: nothing of it is read. */
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const wf_http_client *c = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    wf_http_job *job = job_of_stream(c, opened->stream);
    if (job != NULL && job->opened == NULL)
        job->opened = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_http_client *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    wf_http_job *job = job_of_stream(c, closed->stream);
    if (job == NULL)
        return WEFT_OK;
    job->flags &= ~(uint32_t)WF_HTTP_JOB_HERE;
    wf_http_pool_leave(self, c, job);
    wf_http_job_fail(job, WEFT_ECANCELLED,
                     WF_HTTP_NO_ANSWER "whoever the body's stream is for has closed it");
    wf_http_client_finish(self, c, job);
    return WEFT_OK;
}

/* ---- its beginning and its end */

weft_err wf_http_client_prepare(wf_http_client *c, const weft_http_client_config *config,
                                weft_why *why)
{
    static const weft_http_client_config standard = {.upstream = NULL};
    if (c->config != NULL)
        return WEFT_OK;
    c->config = config != NULL ? config : &standard;
    c->limits = wf_http_client_limits_filled(&c->config->limits);
    c->codec_limits = wf_http1_limits_filled(
        &(wf_http1_limits){.head_bytes_max = c->limits.head_bytes_max,
                           .request_line_bytes_max = WF_HTTP1_REQUEST_LINE_BYTES_MAX});
    c->user_agent = c->config->user_agent != NULL ? c->config->user_agent : "weft";
    if (c->config->cookies && (c->jar = wf_http_jar_new(c->limits.cookies_max)) == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for cookies");
    if (wf_http_proxies_read(c->config, &c->proxies) != WEFT_OK)
        return weft_because(why, WEFT_ENOMEM, "no memory for proxies");
    return wf_http_upstreams_new(c->config, &c->upstreams, why);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_why why = {""};
    (void)msg;
    weft_err err = wf_http_client_prepare(weft_state(self), weft_config(self), &why);
    return err == WEFT_OK ? WEFT_OK : weft_stop_because(self, err, "%s", why.text);
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_http_client *c = weft_state(self);
    (void)reason;
    c->ending = true;
    weft_alarm_clear(&c->alarm);
    while (c->jobs != NULL) {
        wf_http_job *job = c->jobs;
        bool begun = (job->flags & WF_HTTP_JOB_BEGUN) != 0;
        job->link = NULL;
        wf_http_job_fail(job, WEFT_ESTOPPING, "%sthe client has ended",
                         begun ? WF_HTTP_NO_ANSWER : WF_HTTP_NOT_SENT);
        wf_http_client_finish(self, c, job);
    }
    wf_http_pool_done(c);
    wf_http_jar_free(c->jar);
    weft_alloc_free(c->upstreams);
    wf_http_proxies_done(&c->proxies);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_http_call_type, .fn = on_call},
    {.type = &weft_http_request_type, .fn = on_call},
    {.type = &wf_http_told_type, .fn = on_told},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};

const weft_behaviour weft_http_caller = {.name = "http client",
                                         .handlers = handlers,
                                         .state_bytes = sizeof(wf_http_client),
                                         .ended = ended,
                                         .child_ended = child_ended};
