/* SPDX-License-Identifier: MIT */
/* Answering, and what a handler may know about the message it serves. */
#include <stdarg.h>
#include <stdio.h>

#include "ask.h"
#include "mailbox.h"
#include "sys.h"

/* Whether there is somebody to answer; EUSED for a second answer. */
static inline bool may_answer(const weft_msg *msg, weft_err *err)
{
    *err = WEFT_OK;
    if (msg->request == 0 || (msg->flags & (WF_TIMER | WF_REPLY)) != 0)
        return false;
    if ((msg->flags & WF_ANSWERED) != 0) {
        *err = WEFT_EUSED;
        return false;
    }
    return true;
}

weft_err weft_reply_body(weft_msg *msg, const weft_type *type, const void *body)
{
    wf_reactor *r = WF_R;
    weft_err err;
    if (!may_answer(msg, &err))
        return err;
    if (WF_UNLIKELY(msg->type->reply != NULL && msg->type->reply != type))
        return weft_fail(msg, WEFT_ETYPE, "%s is answered by %s, not by %s", msg->type->name,
                         msg->type->reply->name, type->name),
               WEFT_ETYPE;
    weft_actor *self = WF_STAT_GET(r->running);
    if (WF_UNLIKELY((msg->flags & WF_LOCAL) != 0)) {
        weft_outcome got = {.why = "", .type = type, .body = body};
        msg->flags |= WF_ANSWERED;
        ((const weft_local_ops *)(uintptr_t)msg->request)->answer(self, msg, &got);
        if ((msg->flags & WF_WAITS) != 0)
            wf_arm_waiting(r, self, msg);
        return WEFT_OK;
    }
    err = wf_put_reply(self, msg->from, type, body, msg->request);
    if (WF_UNLIKELY(err == WEFT_ENOMEM || err == WEFT_EINVAL)) {
        if (err == WEFT_ENOMEM)
            msg->flags |= WF_OWED;
        return err;
    }
    if (WF_UNLIKELY(err == WEFT_ETYPE))
        return weft_fail(msg, WEFT_ETYPE,
                         "the answer, of type %s, is a plain struct: it does not leave its node",
                         type->name),
               WEFT_ETYPE;
    msg->flags |= WF_ANSWERED;
    if (WF_UNLIKELY((msg->flags & WF_WAITS) != 0))
        wf_arm_waiting(r, self, msg);
    return WEFT_OK;
}

weft_err weft_fail(weft_msg *msg, weft_err err, const char *format, ...)
{
    wf_reactor *r = WF_R;
    weft_err used;
    weft_why why = {""};
    if (!may_answer(msg, &used))
        return used;
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        weft_because_v(&why, err, format, args);
        va_end(args);
    }
    weft_actor *self = WF_STAT_GET(r->running);
    used = wf_fail_request(r, self, msg, err, why.text);
    if ((msg->flags & WF_WAITS) != 0)
        wf_arm_waiting(r, self, msg);
    return used;
}

const void *weft_body(const weft_msg *msg)
{
    return msg->body;
}

weft_ref weft_sender(const weft_msg *msg)
{
    return msg->from;
}

const weft_type *weft_type_of(const weft_msg *msg)
{
    return msg->type;
}

bool weft_is_request(const weft_msg *msg)
{
    return msg->request != 0 && (msg->flags & (WF_TIMER | WF_ANSWERED | WF_REPLY)) == 0;
}

uint32_t weft_time_left_ms(const weft_msg *msg)
{
    if (msg->deadline == 0)
        return WEFT_NO_LIMIT;
    int32_t left = (int32_t)(msg->deadline - WF_R->wheel.now);
    return left > 0 ? (uint32_t)left : 0;
}

uint64_t weft_trace(const weft_msg *msg)
{
    return msg->trace;
}

void weft_set_trace(weft_msg *msg, uint64_t trace)
{
    if ((msg->flags & (WF_KEPT | WF_HELD)) != WF_KEPT) /* else who keeps it stands there */
        msg->trace = trace;
}
