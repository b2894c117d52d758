/* SPDX-License-Identifier: MIT */
/* How does a connection end, so that the client sees every answer it is owed?
 *
 *   open ──▶ closing ──▶ all written ──▶ closed, if nothing unread can be on its way
 *                              └──▶ lingering: half closed, throws away what comes ──▶ closed
 */
#include "http_server.h"

/* Nothing of what came is read any more. */
static void let_go(wf_http_conn *c)
{
    c->flags &= (uint16_t)~WF_HTTP_PAUSED;
    weft_bytes_drop(&c->pending);
    if (c->held != NULL)
        weft_drop(&c->held);
}

void wf_http_close(weft_actor *self, wf_http_conn *c, weft_err reason)
{
    if ((c->flags & WF_HTTP_GONE) != 0)
        return;
    c->flags |= WF_HTTP_CLOSING | WF_HTTP_GONE;
    if (weft_ref_is_nobody(c->stream))
        (void)weft_stop(self,
                        reason); /* it has not said anything yet; without its owner it closes */
    else if (reason == WEFT_OK)
        (void)weft_close(self, c->stream);
    else
        (void)weft_abort(self, c->stream, reason);
    /* a stream that is lost already tells so when what is held is let go of */
    let_go(c);
}

void wf_http_give_up(weft_actor *self, wf_http_exchange *x, weft_err reason)
{
    if ((x->flags & (WF_HTTP_X_SERVED | WF_HTTP_X_ANSWERED)) == WF_HTTP_X_SERVED)
        weft_local_cancel(self, wf_http_message(x));
    x->flags |= WF_HTTP_X_GIVEN_UP;
    wf_http_stream_end(x, reason);
    if (!weft_ref_is_nobody(x->worker))
        (void)weft_stop_ref(self, x->worker, reason);
}

/* What is still open will not be answered any more. */
static void abandon(weft_actor *self, wf_http_conn *c, bool ending)
{
    c->reading = NULL;
    while (c->first != NULL) {
        wf_http_exchange *x = wf_http_exchange_shift(c);
        if (!ending)
            wf_http_give_up(self, x, WEFT_ELOST);
        x->flags |= WF_HTTP_X_GIVEN_UP;
        wf_http_exchange_leave(self, x, 499, WEFT_ELOST);
    }
}

void wf_http_lost(weft_actor *self, wf_http_conn *c, bool ending)
{
    c->flags |= WF_HTTP_GONE | WF_HTTP_CLOSING;
    weft_alarm_clear(&c->alarm.alarm);
    abandon(self, c, ending);
}

/* What comes behind the last answer is thrown away for a moment: closing with bytes unread would
 * reset the connection, and the client might never see that answer (RFC 9112 section 9.6). */
static void linger(weft_actor *self, wf_http_conn *c)
{
    c->flags |= WF_HTTP_LINGERING;
    c->read_at = weft_now_ms(self);
    if ((c->flags & WF_HTTP_ENDED) != 0)
        wf_http_close(self, c, WEFT_OK);
    else
        (void)weft_end(self, c->stream);
    let_go(c);
}

void wf_http_finish(weft_actor *self, wf_http_conn *c, bool whole)
{
    if ((c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) != 0)
        return;
    c->flags |= WF_HTTP_CLOSING;
    abandon(self, c, false);
    if (whole && c->pending.size == 0 && (c->flags & WF_HTTP_SURPLUS) == 0)
        wf_http_close(self, c, WEFT_OK);
    else
        linger(self, c);
}

/* The exchange whose body, or whose head, is refused. errors: NULL. */
static wf_http_exchange *refused(weft_actor *self, wf_http_conn *c, wf_http_exchange *x)
{
    static const wf_http1_head none = {.minor = 1, .method = WEFT_HTTP_OTHER};
    /* one is made for a head, so that the answer takes its turn behind those before it */
    if (x == NULL)
        x = wf_http_exchange_new(self, c, &none, NULL);
    if (x == NULL)
        return NULL;
    x->flags |= WF_HTTP_X_CLOSE;
    x->flags &= (uint16_t) ~(WF_HTTP_X_BODY_DONE | WF_HTTP_X_CONTINUE);
    return x;
}

void wf_http_refuse(weft_actor *self, wf_http_conn *c, wf_http_exchange *x, int status,
                    weft_err reason, const char *detail)
{
    if ((c->flags & (WF_HTTP_LINGERING | WF_HTTP_GONE)) != 0)
        return;
    c->flags |= WF_HTTP_CLOSING | WF_HTTP_SURPLUS;
    c->flags &= (uint16_t)~WF_HTTP_HEAD_BEGUN;
    c->reading = NULL;
    weft_bytes_drop(&c->pending);
    x = refused(self, c, x);
    if (x == NULL) {
        wf_http_close(self, c, WEFT_ENOMEM);
        return;
    }
    wf_http_give_up(self, x, reason);
    if ((x->flags & WF_HTTP_X_HEAD_SENT) != 0) {
        /* in the middle of a response nothing can be said any more */
        wf_http_close(self, c, reason);
        return;
    }
    if (x->stored != NULL && x->stored->answer.stream) {
        wf_http_stored_free(x->stored);
        x->stored = NULL;
        x->flags &= (uint16_t)~WF_HTTP_X_ANSWERED;
    }
    if ((x->flags & WF_HTTP_X_ANSWERED) == 0)
        wf_http_answer_error(self, x, status, detail, NULL);
}
