/* SPDX-License-Identifier: MIT */
/* Which of several upstreams a forwarded request goes to, and which one gets it next when that fails.
 *
 *   in ── upstream_fails_max failures in a row ──▶ out ── upstream_rest_ms ──▶ one request tries it
 *    ▲                                              ▲                              │
 *    └───────────────────── it answered ────────────┴──────── it failed ───────────┘
 *
 * What counts is what requests meet with: nobody is asked for the sake of asking. When all are out, none is
 * left out: a request that is refused unasked would be lost for certain. */
#include "http_client.h"

#include <stdio.h>
#include <string.h>

struct wf_http_upstreams {
    uint32_t count, next;
    wf_http_upstream of[];
};

/* ---- made */

weft_err wf_http_upstreams_new(const weft_http_client_config *config, wf_http_upstreams **out,
                               weft_why *why)
{
    const char *const one[] = {config->upstream, NULL};
    const char *const *urls = config->upstreams != NULL ? config->upstreams : one;
    uint32_t n = 0;
    while (urls[n] != NULL)
        n++;
    if (config->upstream != NULL && config->upstreams != NULL)
        return weft_because(why, WEFT_EINVAL, "both .upstream and .upstreams, expected one");
    if (n > WEFT_HTTP_UPSTREAMS_MAX)
        return weft_because(why, WEFT_ELIMIT, "%u upstreams, expected at most %d", n,
                            WEFT_HTTP_UPSTREAMS_MAX);
    *out = weft_alloc_zero(sizeof **out + n * sizeof *(*out)->of);
    if (*out == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for %u upstreams", n);
    (*out)->count = n;
    for (uint32_t i = 0; i < n; i++)
        (*out)->of[i].url = urls[i];
    return WEFT_OK;
}

/* ---- chosen */

static bool may_be_tried(const wf_http_upstream *u, uint32_t now)
{
    return !u->out || (int32_t)(now - u->out_until) >= 0;
}

/* The next one that was not @tried, or of those the least busy. */
static wf_http_upstream *best_of(const wf_http_client *c, uint64_t tried, uint32_t now, bool all)
{
    wf_http_upstreams *s = c->upstreams;
    wf_http_upstream *best = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t at = (s->next + i) % s->count;
        wf_http_upstream *u = &s->of[at];
        if ((tried & UINT64_C(1) << at) != 0 || (!all && !may_be_tried(u, now)))
            continue;
        if (best == NULL || u->busy < best->busy)
            best = u;
        if (c->config->balance == WEFT_HTTP_BY_TURNS)
            break;
    }
    return best;
}

const char *wf_http_upstreams_choose(wf_http_client *c, wf_http_job *job, uint32_t now)
{
    wf_http_upstreams *s = c->upstreams;
    wf_http_upstream *u = best_of(c, job->tried, now, false);
    if (u == NULL)
        u = best_of(c, job->tried, now, true);
    if (u == NULL)
        return NULL;
    if (u->out) /* this request tries it; others wait for what comes of that */
        u->out_until = now + c->limits.upstream_rest_ms;
    uint32_t at = (uint32_t)(u - s->of);
    s->next = (at + 1) % s->count;
    wf_http_upstreams_leave(job);
    job->tried |= UINT64_C(1) << at;
    job->upstream = u;
    u->busy++;
    return u->url;
}

void wf_http_upstreams_leave(wf_http_job *job)
{
    if (job->upstream != NULL)
        job->upstream->busy--;
    job->upstream = NULL;
}

/* ---- judged */

/* What is the asker's own doing, or this process's, says nothing of an upstream. */
static bool is_its_fault(weft_err err)
{
    switch (err) {
    case WEFT_ECANCELLED:
    case WEFT_EINVAL:
    case WEFT_ENOMEM:
    case WEFT_EFULL:
    case WEFT_ETOOBIG:
    case WEFT_ESTOPPING:
        return false;
    default:
        return true;
    }
}

void wf_http_upstreams_judge(weft_actor *self, const wf_http_client *c, const wf_http_job *job)
{
    wf_http_upstream *u = job->upstream;
    if (u == NULL || (job->err != WEFT_OK && !is_its_fault(job->err)))
        return;
    if (job->err == WEFT_OK) {
        if (u->out)
            weft_log(self, WEFT_INFO, "the upstream %s answers again", u->url);
        u->fails = 0;
        u->out = false;
        return;
    }
    if (++u->fails < c->limits.upstream_fails_max)
        return;
    if (!u->out)
        weft_log(self, WEFT_WARNING, "the upstream %s is left out for %u ms: %s", u->url,
                 c->limits.upstream_rest_ms, job->why.text);
    u->out = true;
    u->out_until = weft_now_ms(self) + c->limits.upstream_rest_ms;
}

/* ---- the next one */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool wf_http_upstreams_may_follow(weft_actor *self, const wf_http_job *job)
{
    const uint32_t settled = WF_HTTP_JOB_ANSWERED | WF_HTTP_JOB_CANCELLED;
    bool here = (job->flags & WF_HTTP_JOB_UPLOAD) == 0 || (job->flags & WF_HTTP_JOB_HERE) != 0;
    if (job->upstream == NULL || (job->flags & settled) != 0 || !is_its_fault(job->err) || !here ||
        (job->limited && (int32_t)(job->until - weft_now_ms(self)) <= 0))
        return false;
    if (begins(job->why.text, WF_HTTP_NOT_SENT))
        return true;
    /* RFC 9110 section 9.2.2: what is idempotent may be asked again without knowing what came of it */
    return begins(job->why.text, WF_HTTP_NO_ANSWER) && wf_http_job_is_repeatable(job);
}
