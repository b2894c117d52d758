/* SPDX-License-Identifier: MIT */
/* The client's stream and the upstream's, joined once the upstream has agreed to a WebSocket.
 *
 *   connecting ──▶ asked ── 101 ──▶ joined ── both closed ──▶ ended
 *       │              ├── another answer ──▶ passing ── its body is whole ──▶ over
 *       └──────────────┴── none: that is said to the client, and closed ──▶ over ──▶ ended
 *
 * The client's `opened` is kept until they are joined: nothing that it sends is read before. An upstream that
 * declines gets none of it either, since the client would take what the upstream says to that for the answer to
 * something that this proxy never looked at. */
#include "http_proxy_join.h"

#include <string.h>

#include <weft/leaf.h>
#include <weft/net.h>
#include <weft/timer.h>

#include "http1_write.h"
#include "http_client.h"
#include "http_server.h"
#include "wire/forward.h"

enum { ERROR_BYTES = 512 };

typedef enum phase { CONNECTING, ASKED, PASSING, JOINED, OVER } phase;

typedef struct joining {
    wf_forward forward; /* the two sides; goes on without the rest when they are joined */
    weft_timer late;
    weft_bytes pending; /* of the answer's head */
    size_t scanned;
    phase phase;
} joining;

typedef struct join_late {
    char nothing;
} join_late;
static const weft_type join_late_type = WEFT_TYPE("weft.http_join_late", join_late, NULL);

void wf_http_join_free(wf_http_join *plan)
{
    if (plan == NULL)
        return;
    weft_bytes_drop(&plan->head);
    if (plan->told != NULL)
        wf_http_exchange_drop(plan->told);
    weft_tls_drop(&plan->tls);
    weft_alloc_free(plan);
}

static wf_http_join *plan_of(const weft_actor *self)
{
    return (wf_http_join *)(uintptr_t)weft_config(self);
}

/* ---- not joined */

static void leave_upstream(weft_actor *self, joining *j)
{
    j->phase = OVER;
    if (!j->forward.target.closed)
        (void)weft_abort(self, j->forward.target.stream, WEFT_OK);
    weft_bytes_drop(&j->pending);
}

/* Closes behind what was said. What the client sent is thrown away by the closing stream. */
static void leave_client(weft_actor *self, joining *j)
{
    (void)weft_close(self, j->forward.client.stream);
    weft_drop(&j->forward.opening);
}

static void refuse(weft_actor *self, joining *j, int status, const char *why)
{
    const wf_http1_answer answer = {.status = status,
                                    .minor = 1,
                                    .method = WEFT_HTTP_GET,
                                    .framing = WF_HTTP1_LENGTH,
                                    .close = true};
    uint8_t room[ERROR_BYTES];
    weft_why inner;
    size_t n;
    weft_log(self, WEFT_WARNING, "a WebSocket could not be passed on: %s", why);
    leave_upstream(self, j);
    if (wf_http1_write_head(room, sizeof room, &answer, &n, &inner) == WEFT_OK)
        (void)weft_write_copy(self, j->forward.client.stream, room, n);
    leave_client(self, j);
    wf_http_join_note(plan_of(self), status);
}

/* The body breaks off: the client must not take it for whole. */
static void break_off(weft_actor *self, joining *j)
{
    leave_upstream(self, j);
    (void)weft_abort(self, j->forward.client.stream, WEFT_EABORTED);
    weft_drop(&j->forward.opening);
    wf_http_join_note(plan_of(self), plan_of(self)->status);
}

/* What the upstream said instead of 101 has been passed on. */
static void passed(weft_actor *self, joining *j)
{
    leave_upstream(self, j);
    leave_client(self, j);
    wf_http_join_note(plan_of(self), plan_of(self)->status);
}

/* Its body, as far as it has come. What has to be seen again with more behind it stays. */
static void pass_body(weft_actor *self, joining *j, weft_bytes *in)
{
    wf_http_join *plan = plan_of(self);
    size_t used;
    weft_err err = wf_http_decline_body(self, j->forward.client.stream, plan, *in, &used);
    *in = weft_bytes_slice(*in, used, SIZE_MAX);
    (void)weft_timer_reset(self, j->late, plan->answer_timeout_ms);
    if (err == WEFT_EDONE)
        passed(self, j);
    else if (err != WEFT_OK)
        break_off(self, j);
}

static void pass_refusal(weft_actor *self, joining *j, const wf_http1_head *head,
                         const weft_http_field *fields)
{
    weft_why why = {""};
    weft_err err =
        wf_http_decline_head(self, j->forward.client.stream, plan_of(self), head, fields, &why);
    if (err == WEFT_OK)
        j->phase = PASSING;
    else
        refuse(self, j, err == WEFT_ENOMEM ? 503 : 502, why.text);
}

/* ---- the answer */

/* From now on it is a forwarder, which needs no plan any more. What came behind the answer is the socket's. */
static void join(weft_actor *self, joining *j, weft_bytes all)
{
    wf_http_join *plan = plan_of(self);
    weft_err err = weft_write(self, j->forward.client.stream, all);
    if (err == WEFT_OK)
        err = wf_forward_join(self, 0);
    if (err != WEFT_OK) {
        leave_upstream(self, j);
        (void)weft_abort(self, j->forward.client.stream, WEFT_EABORTED);
    } else {
        j->phase = JOINED;
        weft_timer_cancel(self, &j->late);
        wf_http_join_note(plan, 101);
        wf_http_join_free(plan);
    }
    weft_drop(&j->forward.opening);
}

/* One head off the front of @in. false: there is none yet, or it was the last word. */
static bool read_answer(weft_actor *self, joining *j, weft_bytes *in)
{
    weft_http_field fields[WF_HTTP1_FIELDS_LAST];
    const wf_http1_limits *limits = &plan_of(self)->codec_limits;
    wf_http1_head head;
    wf_http1 *parser = &plan_of(self)->parser;
    uint16_t status;
    weft_why why = {""};
    size_t n = wf_http1_head_end(in->at, in->size, &j->scanned);
    wf_http1_init(parser, limits);
    weft_err err = n == 0 ? wf_http1_head_unfinished(limits, in->at, in->size, &status, &why)
                          : wf_http1_parse_response(parser, in->at, n, WEFT_HTTP_GET, &head, fields,
                                                    WF_HTTP1_FIELDS_LAST, &why);
    if (err != WEFT_OK)
        refuse(self, j, 502, why.text);
    if (err != WEFT_OK || n == 0)
        return false;
    j->scanned = 0;
    if (head.status == 101 && head.upgrade)
        join(self, j, *in);
    else if (head.status >= 200 || head.status == 101)
        pass_refusal(self, j, &head, fields);
    *in = weft_bytes_slice(*in, n, SIZE_MAX);
    return j->phase == ASKED;
}

static weft_err gather(joining *j, weft_bytes in)
{
    weft_bytes all;
    uint8_t *to;
    weft_err err = weft_bytes_new(j->pending.size + in.size, &to, &all);
    if (err != WEFT_OK)
        return err;
    if (j->pending.size != 0)
        memcpy(to, j->pending.at, j->pending.size);
    memcpy(to + j->pending.size, in.at, in.size);
    weft_bytes_drop(&j->pending);
    j->pending = all;
    return WEFT_OK;
}

static void on_answer(weft_actor *self, joining *j, weft_bytes in)
{
    if (gather(j, in) != WEFT_OK) {
        refuse(self, j, 503, "no memory");
        return;
    }
    weft_bytes all = j->pending, left = all;
    j->pending = WEFT_NO_BYTES;
    while (j->phase == ASKED && read_answer(self, j, &left))
        ;
    if (j->phase == PASSING)
        pass_body(self, j, &left);
    if ((j->phase == ASKED || j->phase == PASSING) && left.size != 0)
        j->pending = weft_bytes_share(left);
    weft_bytes_drop(&all);
}

/* Pieces of a body go on as they are: the upstream sends no faster than the client takes them. */
static void pass_on(weft_actor *self, joining *j, weft_bytes in)
{
    pass_body(self, j, &in);
    if (j->phase == PASSING && in.size != 0 && gather(j, in) != WEFT_OK)
        break_off(self, j);
}

/* The upstream says no more. */
static void on_silence(weft_actor *self, joining *j, int status, const char *why)
{
    weft_why inner;
    if (j->phase != PASSING)
        refuse(self, j, status, why);
    else if (wf_http1_body_ended(&plan_of(self)->parser, &inner) == WEFT_OK)
        passed(self, j);
    else
        break_off(self, j);
}

/* ---- what the streams tell */

static bool is_client(const joining *j, weft_ref stream)
{
    return weft_ref_same(stream, j->forward.client.stream);
}

static weft_err on_client_opened(weft_actor *self, weft_msg *msg, weft_ref stream)
{
    joining *j = weft_state(self);
    const wf_http_join *plan = plan_of(self);
    j->forward.client.stream = stream;
    j->forward.target.stream = weft_connect(self, plan->connect, weft_self(self));
    j->late = weft_after(self, plan->answer_timeout_ms, join_late, .nothing = 0);
    if (weft_ref_is_nobody(j->forward.target.stream) || j->late.slot == 0)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to pass a WebSocket on");
    j->forward.opening = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    joining *j = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    const wf_http_join *plan = plan_of(self);
    weft_why why = {"no memory"};
    if (weft_ref_is_nobody(j->forward.client.stream))
        return on_client_opened(self, msg, opened->stream);
    if (j->phase != CONNECTING)
        return WEFT_OK;
    weft_err err = WEFT_OK;
    if (plan->tls != NULL)
        err = weft_tls_push(self, j->forward.target.stream, plan->tls, plan->host, &why);
    if (err == WEFT_OK)
        err = weft_write(self, j->forward.target.stream, plan->head);
    if (err == WEFT_OK)
        j->phase = ASKED;
    else
        refuse(self, j, 502, why.text);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    joining *j = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (is_client(j, data->stream))
        return WEFT_OK;
    if (j->phase == PASSING && j->pending.size == 0)
        pass_on(self, j, data->bytes);
    else if (j->phase == ASKED || j->phase == PASSING)
        on_answer(self, j, data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    joining *j = weft_state(self);
    const weft_ended *ended = weft_body(msg);
    if (j->phase != OVER && !is_client(j, ended->stream))
        on_silence(self, j, 502, "the upstream closed the connection");
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    joining *j = weft_state(self);
    (void)msg;
    if (j->phase == PASSING)
        break_off(self, j);
    else if (j->phase != OVER)
        refuse(self, j, 504, "no answer within answer_timeout_ms");
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    joining *j = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    const wf_forward *f = &j->forward;
    bool of_client = is_client(j, closed->stream);
    *(of_client ? &j->forward.client.closed : &j->forward.target.closed) = true;
    if (f->client.closed && (f->target.closed || weft_ref_is_nobody(f->target.stream)))
        return weft_stop(self, WEFT_OK);
    if (j->phase == OVER) /* what was said is on its way to the client */
        return WEFT_OK;
    if (of_client) {
        wf_http_join_note(plan_of(self), j->phase == PASSING ? plan_of(self)->status : 499);
        leave_upstream(self, j);
    } else if (closed->reason == WEFT_EDONE || j->phase != PASSING)
        on_silence(self, j, closed->reason == WEFT_ETIMEDOUT ? 504 : 502, closed->why);
    else
        break_off(self, j);
    return WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    joining *j = weft_state(self);
    (void)reason;
    weft_drop(&j->forward.opening);
    weft_bytes_drop(&j->pending);
    wf_http_join_note(plan_of(self), 499);
    wf_http_join_free(plan_of(self));
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened}, {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},   {.type = &weft_closed_type, .fn = on_closed},
    {.type = &join_late_type, .fn = on_late},     {0},
};

const weft_behaviour wf_http_join_behaviour = {.name = "http websocket through",
                                               .handlers = handlers,
                                               .state_bytes = sizeof(joining),
                                               .ended = ended};
