/* SPDX-License-Identifier: MIT */
/* Responses: made by whoever serves the request, written when their turn has come. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_date.h"
#include "http_error_page.h"
#include "http_server.h"

enum { STACK_BYTES = 5120, SMALL_BODY = 4096, FIELDS_MAX = 64, PAGE_BYTES = 2560 };

/* The reply message: what was answered, with its text in one buffer when it travels. */
typedef struct weft_http_response {
    weft_bytes body;
    weft_bytes text; /* packed fields; none: @direct is used */
    const weft_http_answer *direct;
    weft_http_answer answer; /* without its texts, when packed */
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

static weft_err pack(const weft_http_answer *a, weft_bytes *out)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(packed_bytes(a), &to, out);
    if (err != WEFT_OK)
        return err;
    const char *type = a->content_type != NULL ? a->content_type : "";
    uint32_t lengths[2] = {(uint32_t)strlen(type) + 1, a->fields_count};
    memcpy(to, lengths, sizeof lengths);
    to += sizeof lengths;
    for (uint32_t i = 0; i < a->fields_count; i++, to += sizeof lengths) {
        lengths[0] = a->fields[i].name_bytes;
        lengths[1] = a->fields[i].value_bytes;
        memcpy(to, lengths, sizeof lengths);
    }
    memcpy(to, type, strlen(type) + 1);
    to += strlen(type) + 1;
    for (uint32_t i = 0; i < a->fields_count; i++) {
        memcpy(to, a->fields[i].name, a->fields[i].name_bytes);
        to += a->fields[i].name_bytes;
        memcpy(to, a->fields[i].value, a->fields[i].value_bytes);
        to += a->fields[i].value_bytes;
    }
    return WEFT_OK;
}

/* Points @a into @text; @fields has room for FIELDS_MAX. */
static void unpack(weft_bytes text, weft_http_answer *a, weft_http_field *fields)
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

weft_err weft_http_respond(weft_msg *msg, const weft_http_answer *answer)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_http_response response = {.body = answer->body, .direct = answer};
    if (x == NULL || answer->fields_count > FIELDS_MAX)
        return WEFT_EINVAL;
    if (!weft_is_request(msg))
        return WEFT_EUSED;
    if (!weft_is_local(msg)) {
        weft_err err = pack(answer, &response.text);
        if (err != WEFT_OK)
            return err;
        response.answer = *answer;
        response.direct = NULL;
    }
    weft_err err = weft_reply_body(msg, &weft_http_response_type, &response);
    weft_bytes_drop(&response.text);
    return err;
}

void wf_http_answered_with(weft_actor *self, wf_http_exchange *x, const void *body)
{
    const weft_http_response *r = body;
    weft_http_field fields[FIELDS_MAX];
    if (r->direct != NULL) {
        wf_http_answered(self, x, r->direct);
        return;
    }
    weft_http_answer answer = r->answer;
    answer.body = r->body;
    unpack(r->text, &answer, fields);
    wf_http_answered(self, x, &answer);
}

/* ---- writing */

static const char *date_now(weft_actor *self)
{
    wf_http_reactor *h = wf_http_reactor_here();
    int64_t now = (int64_t)(weft_wall_ns(self) / 1000000000U);
    if (now != h->date_s) {
        h->date_s = now;
        wf_http_date_format(h->date, now);
    }
    return h->date;
}

static void set_framing(wf_http_exchange *x, const weft_http_answer *a, wf_http1_answer *w)
{
    if (a->stream && a->stream_bytes == 0) {
        w->framing = x->head.minor >= 1 ? WF_HTTP1_CHUNKED : WF_HTTP1_UNTIL_CLOSE;
        if (x->head.minor >= 1)
            x->flags |= WF_HTTP_X_CHUNKED;
        else
            x->flags |= WF_HTTP_X_CLOSE;
        return;
    }
    w->framing = WF_HTTP1_LENGTH;
    w->content_length = a->stream         ? a->stream_bytes
                        : a->file != NULL ? a->file_bytes
                                          : a->body.size;
    if (a->status < 200 || a->status == 204)
        w->framing = WF_HTTP1_NO_BODY;
}

/* What is asked to end the connection is known by now: a body not read to its end ends it too. */
static bool must_close(const wf_http_exchange *x, const weft_http_answer *a)
{
    return a->close || (x->flags & WF_HTTP_X_CLOSE) != 0 ||
           ((x->flags & WF_HTTP_X_BODY_DONE) == 0 && !a->stream && x->stream == NULL);
}

static weft_err write_body(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    weft_ref stream = x->conn->stream;
    x->sent_bytes = a->file != NULL ? a->file_bytes : a->body.size;
    if (a->file != NULL)
        return weft_write_file(self, stream, a->file, a->file_offset, a->file_bytes);
    return weft_write(self, stream, a->body);
}

/* Head, and a small body in the same piece. */
static weft_err write_answer(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    uint8_t stack[STACK_BYTES], *to = stack;
    weft_why why = {""};
    size_t n;
    wf_http1_answer w = {
        .status = a->status,
        .minor = x->head.minor,
        .method = x->head.method,
        .date = date_now(self),
        .server = x->site->server,
        .fields = a->fields,
        .fields_count = a->fields_count,
    };
    if (a->content_type != NULL)
        w.content_type = (weft_http_text){a->content_type, (uint32_t)strlen(a->content_type)};
    if (must_close(x, a))
        x->flags |= WF_HTTP_X_CLOSE;
    set_framing(x, a, &w);
    w.close = (x->flags & WF_HTTP_X_CLOSE) != 0;
    if (!wf_http1_has_body(a->status, x->head.method))
        x->flags |= WF_HTTP_X_NO_BODY;
    size_t small = a->file == NULL && a->body.size <= SMALL_BODY &&
                           (x->flags & WF_HTTP_X_NO_BODY) == 0
                       ? a->body.size
                       : 0;
    size_t bound = wf_http1_answer_bound(&w) + small;
    if (bound > sizeof stack && (to = malloc(bound)) == NULL)
        return WEFT_ENOMEM;
    weft_err err = wf_http1_write_head(to, bound, &w, &n, &why);
    if (err != WEFT_OK)
        weft_log(self, WEFT_ERROR, "a response cannot be written: %s", why.text);
    else {
        if (small != 0)
            memcpy(to + n, a->body.at, small);
        x->sent_bytes = small;
        err = weft_write_copy(self, x->conn->stream, to, n + small);
    }
    if (to != stack)
        free(to);
    if (err != WEFT_OK || small != 0 || a->stream || (x->flags & WF_HTTP_X_NO_BODY) != 0)
        return err;
    return write_body(self, x, a);
}

/* Takes the front exchange, which is over, out of the queue. */
static void pop(weft_actor *self, wf_http_conn *c)
{
    wf_http_exchange *x = c->first;
    bool close = (x->flags & WF_HTTP_X_CLOSE) != 0, whole = (x->flags & WF_HTTP_X_BODY_DONE) != 0;
    c->first = x->next;
    if (c->first == NULL)
        c->last = NULL;
    x->next = NULL;
    x->conn = NULL;
    x->flags |= WF_HTTP_X_LOST;
    c->open--;
    if (c->reading == x) {
        c->reading = NULL;
        close = true;
    }
    if (x->site->access_log != NULL)
        wf_http_log_access(x);
    wf_http_body_end(x, WEFT_EDONE);
    wf_http_exchange_drop(x);
    if (close)
        wf_http_finish(self, c, whole);
}

static void put_on_wire(weft_actor *self, wf_http_exchange *x, const weft_http_answer *a)
{
    wf_http_conn *c = x->conn;
    weft_err err = write_answer(self, x, a);
    if (err == WEFT_EINVAL && a->status != 500) {
        wf_http_put_error(self, x, 500, NULL);
        return;
    }
    if (err != WEFT_OK) {
        (void)weft_abort(self, c->stream, err);
        return;
    }
    x->status = (uint16_t)a->status;
    x->flags |= WF_HTTP_X_HEAD_SENT;
    if (a->stream && (x->flags & WF_HTTP_X_NO_BODY) == 0)
        wf_http_body_turn(x);
    else
        x->flags |= WF_HTTP_X_OVER;
}

void wf_http_output(weft_actor *self, wf_http_conn *c)
{
    while (c->first != NULL && (c->flags & WF_HTTP_GONE) == 0) {
        wf_http_exchange *x = c->first;
        if (x->stored != NULL) {
            wf_http_stored *stored = x->stored;
            x->stored = NULL;
            put_on_wire(self, x, &stored->answer);
            wf_http_stored_free(stored);
        }
        if ((x->flags & WF_HTTP_X_OVER) == 0)
            break;
        pop(self, c);
    }
    if ((c->flags & WF_HTTP_PAUSED) != 0)
        wf_http_input(self, c);
}

/* ---- what must wait for its turn */

static wf_http_stored *store(const weft_http_answer *a)
{
    wf_http_stored *s = calloc(1, sizeof *s + a->fields_count * sizeof(weft_http_field));
    if (s == NULL || pack(a, &s->text) != WEFT_OK) {
        free(s);
        return NULL;
    }
    s->answer = *a;
    s->fields = (weft_http_field *)(void *)(s + 1);
    unpack(s->text, &s->answer, s->fields);
    s->answer.body = weft_bytes_share(a->body);
    if (a->file != NULL)
        (void)weft_file_share(a->file);
    return s;
}

void wf_http_stored_free(wf_http_stored *stored)
{
    if (stored == NULL)
        return;
    weft_bytes_drop(&stored->answer.body);
    weft_bytes_drop(&stored->text);
    weft_file_drop(&stored->answer.file);
    free(stored);
}

void wf_http_answered(weft_actor *self, wf_http_exchange *x, const weft_http_answer *answer)
{
    if ((x->flags & (WF_HTTP_X_ANSWERED | WF_HTTP_X_LOST)) != 0)
        return;
    x->flags |= WF_HTTP_X_ANSWERED;
    wf_http_conn *c = x->conn;
    if (c->first != x) {
        x->stored = store(answer);
        if (x->stored == NULL)
            (void)weft_abort(self, c->stream, WEFT_ENOMEM);
        return;
    }
    put_on_wire(self, x, answer);
    wf_http_output(self, c);
}

/* ---- pages and shorthands */

static weft_http_answer page(int status, const char *detail, char room[PAGE_BYTES])
{
    weft_http_text text = {detail, detail != NULL ? (uint32_t)strnlen(detail, 200) : 0};
    wf_http_writer w = wf_http_writer_over(room, PAGE_BYTES);
    wf_http_put_error_page(&w, WF_HTTP_PAGE_HTML, status, text);
    return (weft_http_answer){.status = status,
                              .content_type = wf_http_page_type(WF_HTTP_PAGE_HTML),
                              .body = weft_bytes_static(room, w.n)};
}

void wf_http_put_error(weft_actor *self, wf_http_exchange *x, int status, const char *detail)
{
    char room[PAGE_BYTES];
    weft_http_answer a = page(status, detail, room);
    put_on_wire(self, x, &a); /* small: copied, not kept */
}

void wf_http_answer_error(weft_actor *self, wf_http_exchange *x, int status, const char *detail)
{
    char room[PAGE_BYTES];
    weft_http_answer a = page(status, detail, room);
    if (x->conn != NULL && x->conn->first != x) {
        /* it will wait: bytes on this stack may not */
        weft_bytes kept;
        uint8_t *to;
        if (weft_bytes_new(a.body.size, &to, &kept) != WEFT_OK)
            return;
        memcpy(to, a.body.at, a.body.size);
        a.body = kept;
        wf_http_answered(self, x, &a);
        weft_bytes_drop(&kept);
        return;
    }
    wf_http_answered(self, x, &a);
}

weft_err weft_http_error(weft_msg *msg, int status, const char *detail)
{
    char room[PAGE_BYTES];
    weft_http_answer a = page(status, detail, room);
    a.body = weft_bytes_copy(msg, a.body.at, a.body.size);
    return weft_http_respond(msg, &a);
}

weft_err weft_http_bytes(weft_msg *msg, int status, const char *content_type, weft_bytes body)
{
    return weft_http_respond(
        msg, &(weft_http_answer){.status = status, .content_type = content_type, .body = body});
}

weft_err weft_http_text_reply(weft_msg *msg, int status, const char *format, ...)
{
    char text[1024];
    weft_http_answer a = {.status = status, .content_type = "text/plain; charset=utf-8"};
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return WEFT_EINVAL;
    if ((size_t)n >= sizeof text) {
        char *more = weft_scratch(msg, (size_t)n + 1);
        if (more == NULL)
            return WEFT_ENOMEM;
        va_start(args, format);
        (void)vsnprintf(more, (size_t)n + 1, format, args);
        va_end(args);
        a.body = weft_bytes_copy(msg, more, (size_t)n);
        return weft_http_respond(msg, &a);
    }
    /* answered in its turn, a small body is copied into the output: it may stand on this stack */
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    bool now = x != NULL && weft_is_local(msg) && x->conn != NULL && x->conn->first == x;
    a.body = now ? weft_bytes_static(text, (size_t)n) : weft_bytes_copy(msg, text, (size_t)n);
    return weft_http_respond(msg, &a);
}

weft_err weft_http_redirect(weft_msg *msg, int status, const char *location)
{
    const weft_http_field field = {"Location", location, 8, (uint32_t)strlen(location)};
    if (status < 300 || status > 399)
        return WEFT_EINVAL;
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
