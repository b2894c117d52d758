/* SPDX-License-Identifier: MIT */
/* How long does a client's connection wait, and for what? */
#include "http_client_conn.h"

typedef enum waiting {
    NOTHING,
    TO_SEND,
    FOR_CONTINUE,
    FOR_ANSWER,
    FOR_BODY,
    FOR_JOB,
    FOR_DEADLINE
} waiting;

/* While its own asker sends, or does not take, the server is not to blame. */
static wf_http_limit limit_of(const wf_http_cc *c)
{
    const weft_http_client_limits *l = &c->client->limits;
    wf_http_limit best = {NOTHING, 0};
    switch (c->phase) {
    case WF_HTTP_TUNNEL:
    case WF_HTTP_HEAD:
        if (c->left != 0)
            wf_http_limit_sooner(&best, TO_SEND, c->since + l->send_timeout_ms);
        else if ((c->flags & WF_HTTP_C_CONTINUE) != 0)
            wf_http_limit_sooner(&best, FOR_CONTINUE, c->since + l->continue_timeout_ms);
        else if (c->phase == WF_HTTP_TUNNEL || (c->flags & WF_HTTP_C_SENT) != 0)
            wf_http_limit_sooner(&best, FOR_ANSWER, c->since + l->answer_timeout_ms);
        break;
    case WF_HTTP_BODY:
        if ((c->flags & WF_HTTP_C_PAUSED) == 0)
            wf_http_limit_sooner(&best, FOR_BODY, c->since + l->body_timeout_ms);
        break;
    case WF_HTTP_IDLE:
        wf_http_limit_sooner(&best, FOR_JOB, c->since + l->idle_timeout_ms);
        break;
    default:
        break;
    }
    if (c->job != NULL && c->job->limited && (c->job->flags & WF_HTTP_JOB_ANSWERED) == 0 &&
        c->phase != WF_HTTP_ENDING)
        wf_http_limit_sooner(&best, FOR_DEADLINE, c->job->until);
    return best;
}

static void on_alarm(weft_alarm *alarm);

void wf_http_conn_watch(wf_http_cc *c)
{
    wf_http_alarm_watch(&c->alarm, limit_of(c), on_alarm);
}

void wf_http_conn_moved(wf_http_cc *c)
{
    c->since = weft_now_ms(NULL);
    wf_http_conn_watch(c);
}

/* What waits to be sent can only have become less between two looks. */
static void look_at_queue(weft_actor *self, wf_http_cc *c)
{
    uint64_t left = weft_write_left(self, c->stream);
    uint32_t seen = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
    if (seen == c->left && seen != 0) {
        wf_http_conn_lost(self, c, WEFT_ETIMEDOUT,
                          "the server took nothing of the request for send_timeout_ms");
        return;
    }
    if (seen == 0 && c->left == 0) {
        wf_http_conn_lost(self, c, WEFT_ETIMEDOUT, "no answer within answer_timeout_ms");
        return;
    }
    c->left = seen;
    if (seen != 0)
        c->since = weft_now_ms(self);
}

/* What was passed on and is not taken yet: nothing more comes because of that. */
static bool reader_is_behind(const wf_http_cc *c)
{
    return c->job != NULL && (c->job->flags & WF_HTTP_JOB_STREAM) != 0 && c->window != NULL &&
           c->window->held > weft_bytes_charge(c->pending);
}

static void timed_out(weft_actor *self, void *context)
{
    wf_http_cc *c = context;
    switch ((waiting)limit_of(c).what) {
    case NOTHING:
        break;
    case TO_SEND:
    case FOR_ANSWER:
        look_at_queue(self, c);
        break;
    case FOR_CONTINUE: /* some servers never say it */
        wf_http_conn_continue(self, c);
        break;
    case FOR_BODY:
        if (reader_is_behind(c))
            c->since = weft_now_ms(self);
        else
            wf_http_conn_lost(self, c, WEFT_ETIMEDOUT,
                              "nothing more of the body in body_timeout_ms");
        break;
    case FOR_JOB:
        wf_http_conn_lost(self, c, WEFT_EDONE, "idle");
        break;
    case FOR_DEADLINE:
        wf_http_conn_lost(self, c, WEFT_ETIMEDOUT, "the request's time is over");
        break;
    }
    wf_http_conn_watch(c);
}

static void on_alarm(weft_alarm *alarm)
{
    wf_http_cc *c = (wf_http_cc *)(void *)((char *)alarm - offsetof(wf_http_cc, alarm));
    if (wf_http_alarm_is_over(&c->alarm, limit_of(c), on_alarm))
        weft_enter(weft_actor_of_state(c), timed_out, c);
}
