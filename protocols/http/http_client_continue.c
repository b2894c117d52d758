/* SPDX-License-Identifier: MIT */
/* Asking before a large body goes, or because a client that is served here asks: Expect: 100-continue (RFC 9110
 * section 10.1.1).
 *
 *   head ──▶ 100, or continue_timeout_ms ──▶ the body goes
 *    ├─────▶ 417 ──▶ asked again on another connection, without asking first
 *    └─────▶ another answer ──▶ the body stays here
 *
 * What is streamed is held back by the message that it would begin with: `opened`, or its first data. That
 * message is also what makes it right to give the stream back for another connection. */
#include "http_client_conn.h"
#include "http_server.h"

enum {
    ASK_BYTES_MIN = 1 << 20, /* a shorter body costs less than asking */
    LARGE_BYTES = 64 << 10,  /* as in http_client_conn.c */
};

bool wf_http_job_asks_first(const wf_http_job *job)
{
    const weft_http_call *call = wf_http_job_call(job);
    if ((job->flags & WF_HTTP_JOB_EXPECTS) != 0)
        return (job->flags & WF_HTTP_JOB_INSISTS) == 0;
    if (call == NULL || call->at_once || (job->flags & WF_HTTP_JOB_INSISTS) != 0 ||
        wf_http_find(call->fields, call->fields_count, "expect").at != NULL)
        return false;
    if ((job->flags & WF_HTTP_JOB_UPLOAD) != 0)
        return job->upload_bytes == 0 || job->upload_bytes >= ASK_BYTES_MIN;
    return wf_http_job_body(job).size >= ASK_BYTES_MIN;
}

void wf_http_conn_go_ahead(const wf_http_cc *c)
{
    if ((c->job->flags & WF_HTTP_JOB_EXPECTS) != 0)
        wf_http_continue_now(c->job->msg);
}

void wf_http_conn_continue(weft_actor *self, wf_http_cc *c)
{
    if (wf_http_conn_is_given_up(self, c))
        return;
    c->flags &= ~(uint32_t)WF_HTTP_C_CONTINUE;
    wf_http_conn_go_ahead(c);
    wf_http_conn_moved(c);
    if ((c->job->flags & WF_HTTP_JOB_UPLOAD) != 0) {
        wf_http_conn_upload_again(self, c);
        return;
    }
    weft_err err = weft_write(self, c->stream, wf_http_job_body(c->job));
    if (err == WEFT_OK) {
        c->flags |= WF_HTTP_C_SENT;
        c->left = LARGE_BYTES;
        wf_http_conn_watch(c);
    } else if (err != WEFT_EGONE) { /* which says so itself */
        wf_http_conn_fail(self, c, err, WF_HTTP_NO_ANSWER, "the request's body cannot be sent");
    }
}

bool wf_http_conn_give_back(weft_actor *self, wf_http_cc *c)
{
    weft_bytes unread = WEFT_NO_BYTES;
    if (c->upload == NULL || weft_ref_is_nobody(c->body))
        return false;
    if (weft_type_of(c->upload) == &weft_data_type)
        unread = ((const weft_data *)weft_body(c->upload))->bytes;
    if (weft_hand_over(self, c->body, weft_parent(self), unread) != WEFT_OK)
        return false;
    c->body = WEFT_NOBODY;
    c->job->flags |= WF_HTTP_JOB_HERE;
    weft_drop(&c->upload);
    return true;
}

bool wf_http_conn_not_wanted(weft_actor *self, wf_http_cc *c, int status)
{
    bool streamed = (c->job->flags & WF_HTTP_JOB_UPLOAD) != 0;
    if ((c->flags & WF_HTTP_C_CONTINUE) == 0)
        return false;
    c->flags &= ~(uint32_t)(WF_HTTP_C_CONTINUE | WF_HTTP_C_KEEP);
    c->flags |= WF_HTTP_C_UNWANTED;
    /* "A client that receives a 417 (Expectation Failed) status code in response to a request containing a
     * 100-continue expectation SHOULD repeat that request without a 100-continue expectation" */
    if (status == 417 && (!streamed || wf_http_conn_give_back(self, c))) {
        c->job->flags |= WF_HTTP_JOB_INSISTS | WF_HTTP_JOB_TURNED_AWAY;
        wf_http_conn_over(self, c);
        return true;
    }
    if (c->upload != NULL)
        weft_drop(&c->upload);
    return false;
}
