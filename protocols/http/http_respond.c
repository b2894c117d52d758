/* SPDX-License-Identifier: MIT */
/* Responses as their makers give them: a message that goes back to the connection. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http_server.h"

enum { STATUS_MIN = 200, STATUS_MAX = 599, TEXT_ON_STACK = 1024 };

_Static_assert((int)WF_HTTP_PAGE_ROOM <= (int)WF_HTTP_SMALL_BODY_BYTES &&
                   (int)TEXT_ON_STACK <= (int)WF_HTTP_SMALL_BODY_BYTES,
               "what stands on a stack is copied when it is written");

/* The reply: what was answered. Served in place, the answer is read where it stands; else its text
 * travels in one buffer. */
typedef struct weft_http_response {
    weft_bytes body;
    weft_bytes text;
    const weft_http_answer *direct;
    weft_http_answer answer; /* without its texts, when packed */
    bool lent;               /* direct only: the body stands on its maker's stack */
    bool again;              /* the body is where the request is to be sent on to */
} weft_http_response;

static void response_share(void *at)
{
    weft_http_response *r = at;
    (void)weft_bytes_share(r->text);
    if (r->answer.file != NULL)
        (void)weft_file_share(r->answer.file);
}

static void response_release(void *at)
{
    weft_http_response *r = at;
    weft_bytes_drop(&r->text);
    weft_file_drop(&r->answer.file);
}

const weft_type weft_http_response_type = {.name = "weft.http_response",
                                           .size = sizeof(weft_http_response),
                                           .bytes = 1 + offsetof(weft_http_response, body),
                                           .share = response_share,
                                           .release = response_release};

/* ---- packing: lengths, then text; the content type is the first */

static size_t packed_bytes(const weft_http_answer *a)
{
    size_t n = sizeof(uint32_t) * 2 * (a->fields_count + 1);
    n += a->content_type != NULL ? strlen(a->content_type) + 1 : 1;
    for (uint32_t i = 0; i < a->fields_count; i++)
        n += a->fields[i].name_bytes + a->fields[i].value_bytes;
    return n;
}

static uint8_t *put(uint8_t *to, const void *from, size_t n)
{
    if (n != 0)
        memcpy(to, from, n);
    return to + n;
}

weft_err wf_http_answer_pack(const weft_http_answer *a, weft_bytes *out)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(packed_bytes(a), &to, out);
    if (err != WEFT_OK)
        return err;
    const char *type = a->content_type != NULL ? a->content_type : "";
    uint32_t lengths[2] = {(uint32_t)strlen(type) + 1, a->fields_count};
    to = put(to, lengths, sizeof lengths);
    for (uint32_t i = 0; i < a->fields_count; i++) {
        lengths[0] = a->fields[i].name_bytes;
        lengths[1] = a->fields[i].value_bytes;
        to = put(to, lengths, sizeof lengths);
    }
    to = put(to, type, strlen(type) + 1);
    for (uint32_t i = 0; i < a->fields_count; i++) {
        to = put(to, a->fields[i].name, a->fields[i].name_bytes);
        to = put(to, a->fields[i].value, a->fields[i].value_bytes);
    }
    return WEFT_OK;
}

void wf_http_answer_unpack(weft_bytes text, weft_http_answer *a, weft_http_field *fields)
{
    uint32_t lengths[2], type_bytes, n;
    memcpy(lengths, text.at, sizeof lengths);
    type_bytes = lengths[0];
    n = lengths[1];
    const uint8_t *sizes = text.at + sizeof lengths;
    const char *at = (const char *)sizes + n * sizeof lengths;
    a->content_type = type_bytes > 1 ? at : NULL;
    at += type_bytes;
    for (uint32_t i = 0; i < n; i++, sizes += sizeof lengths) {
        memcpy(lengths, sizes, sizeof lengths);
        fields[i] = (weft_http_field){at, at + lengths[0], lengths[0], lengths[1]};
        at += lengths[0] + lengths[1];
    }
    a->fields = fields;
    a->fields_count = n;
}

/* ---- answering */

/* What no response can be; NULL: nothing of it. */
static const char *wrong_with(const weft_msg *msg, const weft_http_answer *answer)
{
    const weft_http_request *request = weft_body(msg);
    if (answer->status < STATUS_MIN || answer->status > STATUS_MAX)
        return "a response whose status is not 200 to 599";
    if (answer->fields_count > WF_HTTP_ANSWER_FIELDS_MAX)
        return "a response of more than 64 fields";
    if (answer->stream && weft_ref_is_nobody(request->stream))
        return "a streamed response to a request that has no stream: its route needs .stream";
    return NULL;
}

/* Answered already; that is calm if it was not by who answers now. */
static weft_err used(const weft_msg *msg)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    return weft_is_local(msg) && (x->flags & WF_HTTP_X_GIVEN_UP) != 0 ? WEFT_OK : WEFT_EUSED;
}

static weft_err respond(weft_msg *msg, const weft_http_answer *answer, bool lent)
{
    weft_http_response response = {.body = answer->body, .direct = answer, .lent = lent};
    if (wf_http_exchange_of(msg) == NULL)
        return WEFT_EINVAL;
    if (!weft_is_request(msg))
        return used(msg);
    const char *wrong = wrong_with(msg, answer);
    if (wrong != NULL)
        return weft_fail(msg, WEFT_EINTERNAL, "%s", wrong);
    if (weft_is_local(msg))
        return weft_reply_body(msg, &weft_http_response_type, &response);
    weft_err err = wf_http_answer_pack(answer, &response.text);
    if (err != WEFT_OK)
        return err;
    response.answer = *answer;
    response.direct = NULL;
    err = weft_reply_body(msg, &weft_http_response_type, &response);
    weft_bytes_drop(&response.text);
    return err;
}

weft_err weft_http_respond(weft_msg *msg, const weft_http_answer *answer)
{
    return respond(msg, answer, false);
}

void wf_http_answered_with(weft_actor *self, wf_http_exchange *x, const void *body)
{
    const weft_http_response *r = body;
    weft_http_field fields[WF_HTTP_ANSWER_FIELDS_MAX];
    if (r->direct != NULL) {
        wf_http_answered(self, x, r->direct, r->lent);
        return;
    }
    weft_http_answer answer = r->answer;
    answer.body = r->body;
    wf_http_answer_unpack(r->text, &answer, fields);
    wf_http_answered(self, x, &answer, false);
}

/* ---- not answered, but sent on */

weft_err wf_http_send_on(weft_msg *msg, weft_http_text target)
{
    const weft_http_response response = {.body = weft_bytes_copy(msg, target.at, target.bytes),
                                         .again = true};
    return response.body.size != 0 ? weft_reply_body(msg, &weft_http_response_type, &response)
                                   : WEFT_ENOMEM;
}

bool wf_http_is_sent_on(const weft_outcome *got, weft_bytes *target)
{
    const weft_http_response *r = got->body;
    if (got->err != WEFT_OK || got->type != &weft_http_response_type || !r->again)
        return false;
    *target = r->body;
    return true;
}

/* ---- shorthands */

/* A body that stands on the caller's stack: read in place, else copied. */
static weft_err respond_small(weft_msg *msg, weft_http_answer *answer, const char *text, size_t n)
{
    bool here = weft_is_local(msg);
    answer->body = here ? weft_bytes_static(text, n) : weft_bytes_copy(msg, text, n);
    if (answer->body.size != n)
        return WEFT_ENOMEM;
    return respond(msg, answer, here);
}

weft_err wf_http_error_with(weft_msg *msg, int status, const char *detail,
                            const weft_http_field *fields, uint32_t count)
{
    wf_http_page_room room;
    weft_http_answer answer = wf_http_error_answer(wf_http_exchange_of(msg), status, detail, &room);
    answer.fields = fields;
    answer.fields_count = count;
    if (wf_http_page_is_lent(&answer, &room))
        return respond_small(msg, &answer, room.text, answer.body.size);
    weft_err err = respond(msg, &answer, false);
    weft_bytes_drop(&room.made);
    return err;
}

weft_err weft_http_bytes(weft_msg *msg, int status, const char *content_type, weft_bytes body)
{
    return respond(
        msg, &(weft_http_answer){.status = status, .content_type = content_type, .body = body},
        false);
}

weft_err weft_http_text_reply(weft_msg *msg, int status, const char *format, ...)
{
    char text[TEXT_ON_STACK];
    weft_http_answer a = {.status = status, .content_type = "text/plain; charset=utf-8"};
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return WEFT_EINVAL;
    if ((size_t)n < sizeof text)
        return respond_small(msg, &a, text, (size_t)n);
    uint8_t *to;
    weft_err err = weft_bytes_new((size_t)n + 1, &to, &a.body);
    if (err != WEFT_OK)
        return err;
    va_start(args, format);
    (void)vsnprintf((char *)to, (size_t)n + 1, format, args);
    va_end(args);
    a.body.size = (size_t)n;
    err = respond(msg, &a, false);
    weft_bytes_drop(&a.body);
    return err;
}

weft_err weft_http_redirect(weft_msg *msg, int status, const char *location)
{
    const weft_http_field field = {"Location", location, 8, (uint32_t)strlen(location)};
    return weft_http_respond(
        msg, &(weft_http_answer){.status = status, .fields = &field, .fields_count = 1});
}

int weft_http_status_of(weft_err err)
{
    switch (err) {
    case WEFT_EINVAL:
    case WEFT_EPROTO:
        return 400;
    case WEFT_EDENIED:
        return 403;
    case WEFT_ENOTFOUND:
        return 404;
    case WEFT_EEXISTS:
        return 409;
    case WEFT_ETOOBIG:
        return 413;
    case WEFT_EUNSUPPORTED:
        return 501;
    case WEFT_EREFUSED:
    case WEFT_ELOST:
    case WEFT_EUNREACHABLE:
    case WEFT_ENONAME:
        return 502;
    case WEFT_EFULL:
    case WEFT_ELIMIT:
    case WEFT_EGONE:
    case WEFT_ESTOPPING:
    case WEFT_ENOMEM:
        return 503;
    case WEFT_ETIMEDOUT:
        return 504;
    default:
        return 500;
    }
}
