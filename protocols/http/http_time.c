/* SPDX-License-Identifier: MIT */
/* How long does a connection wait, and for what? */
#include "http_server.h"

enum { LINGER_MS = 2000 };

/* What is waited for. */
typedef enum waiting {
    NOTHING,
    TO_LINGER,
    FOR_HEAD,
    FOR_BODY,
    FOR_ANSWER,
    FOR_CLIENT,
    FOR_REQUEST
} waiting;

static void sooner(wf_http_limit *best, waiting what, uint32_t since, uint32_t timeout)
{
    wf_http_limit_sooner(best, what, since + timeout);
}

/* A client that was not told to go on need not. While input is paused, or what came is not taken,
 * the client is not to blame. */
static void limit_input(const wf_http_conn *c, wf_http_limit *best)
{
    const weft_http_limits *l = &c->site->limits;
    if ((c->flags & WF_HTTP_PAUSED) != 0)
        return;
    if (c->reading != NULL) {
        if ((c->reading->flags & WF_HTTP_X_CONTINUE) == 0 && !wf_http_stream_is_behind(c->reading))
            sooner(best, FOR_BODY, c->read_at, l->body_timeout_ms);
    } else if ((c->flags & WF_HTTP_HEAD_BEGUN) != 0)
        sooner(best, FOR_HEAD, c->read_at, l->head_timeout_ms);
}

static void limit_output(const wf_http_conn *c, wf_http_limit *best)
{
    const weft_http_limits *l = &c->site->limits;
    const wf_http_exchange *x = c->first;
    if (x == NULL) {
        if ((c->flags & WF_HTTP_DRAINED) == 0)
            sooner(best, FOR_CLIENT, c->write_at, l->write_timeout_ms);
        if (best->what == NOTHING || best->what == FOR_CLIENT)
            sooner(best, FOR_REQUEST, c->write_at, l->idle_timeout_ms);
    } else if ((x->flags & WF_HTTP_X_ANSWERED) != 0 ||
               (x->flags & (WF_HTTP_X_CONTINUE | WF_HTTP_X_AWAITS)) == WF_HTTP_X_CONTINUE)
        /* who has its turn and was not told to go on waits for room behind the answer before */
        sooner(best, FOR_CLIENT, c->write_at, l->write_timeout_ms);
    else if (best->what != FOR_BODY || x != c->reading)
        /* an answer may wait for the body, but not for a handler that does not take it */
        sooner(best, FOR_ANSWER, x->at, l->answer_timeout_ms);
}

static wf_http_limit limit_of(const wf_http_conn *c)
{
    wf_http_limit best = {NOTHING, 0};
    if ((c->flags & WF_HTTP_GONE) != 0)
        return best;
    if ((c->flags & WF_HTTP_LINGERING) != 0) {
        sooner(&best, TO_LINGER, c->read_at, LINGER_MS);
        return best;
    }
    limit_input(c, &best);
    limit_output(c, &best);
    return best;
}

static wf_http_conn *conn_of(weft_alarm *alarm)
{
    return (wf_http_conn *)(void *)((char *)alarm - offsetof(wf_http_conn, alarm));
}

static void on_alarm(weft_alarm *alarm);

void wf_http_watch_time(wf_http_conn *c)
{
    wf_http_alarm_watch(&c->alarm, limit_of(c), on_alarm);
}

void wf_http_wrote(wf_http_conn *c)
{
    c->write_at = weft_now_ms(NULL);
    c->flags &= (uint16_t) ~(WF_HTTP_LOOKED | WF_HTTP_DRAINED);
}

static void give_up_on(weft_actor *self, wf_http_conn *c, const char *who)
{
    weft_log(self, WEFT_INFO, "%s for write_timeout_ms: aborted", who);
    wf_http_close(self, c, WEFT_ETIMEDOUT);
}

/* Nothing was written for the whole time. Between two looks the queue can only have become shorter,
 * so that one of the same length has not moved. */
static void look_after_client(weft_actor *self, wf_http_conn *c)
{
    uint64_t left = weft_write_left(self, c->stream);
    if (left == 0 && c->first == NULL)
        c->flags |= WF_HTTP_DRAINED;
    else if (left == 0)
        give_up_on(self, c, "a streamed response was not gone on with");
    else if ((c->flags & WF_HTTP_LOOKED) != 0 && (uint32_t)left == c->left)
        give_up_on(self, c, "a client took nothing");
    else {
        wf_http_wrote(c);
        c->flags |= WF_HTTP_LOOKED;
        c->left = (uint32_t)left;
    }
}

static void idle(weft_actor *self, wf_http_conn *c)
{
    if (weft_write_left(self, c->stream) != 0)
        look_after_client(self, c);
    else
        wf_http_close(self, c, WEFT_OK);
}

static void timed_out(weft_actor *self, void *context)
{
    wf_http_conn *c = context;
    switch ((waiting)limit_of(c).what) {
    case NOTHING:
        break;
    case TO_LINGER:
        wf_http_close(self, c, WEFT_OK);
        break;
    case FOR_HEAD:
        wf_http_refuse(self, c, NULL, 408, WEFT_ETIMEDOUT, "The head came too slowly.");
        break;
    case FOR_BODY:
        wf_http_refuse(self, c, c->reading, 408, WEFT_ETIMEDOUT, "The body came too slowly.");
        break;
    case FOR_ANSWER:
        wf_http_give_up(self, c->first, WEFT_ETIMEDOUT);
        wf_http_answer_error(self, c->first, 504, NULL, NULL);
        break;
    case FOR_CLIENT:
        look_after_client(self, c);
        break;
    case FOR_REQUEST:
        idle(self, c);
        break;
    }
    wf_http_watch_time(c);
}

static void on_alarm(weft_alarm *alarm)
{
    wf_http_conn *c = conn_of(alarm);
    if (wf_http_alarm_is_over(&c->alarm, limit_of(c), on_alarm))
        weft_enter(weft_actor_of_state(c), timed_out, c);
}
