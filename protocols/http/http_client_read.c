/* SPDX-License-Identifier: MIT */
/* Answers as they are read: heads, and bodies as far as there is room for them.
 *
 * As on the server's side, the bytes of a data message are read where they are; what is left of them is
 * kept, and the message too while reading stands still, so that nothing more comes. */
#include <string.h>

#include "http_client_conn.h"
#include "http_fields.h"

enum { DISCARD_BYTES_MAX = 64 << 10, ONE_BODY = 64 << 10 };

bool wf_http_conn_is_held(const wf_http_cc *c)
{
    return c->phase == WF_HTTP_ASKING || (c->flags & WF_HTTP_C_PAUSED) != 0;
}

/* ---- heads */

/* A redirect's own page: read past if it is short, else not worth the connection. */
static void discard(weft_actor *self, wf_http_cc *c, const wf_http1_head *head)
{
    c->flags |= WF_HTTP_C_DISCARD;
    if (head->framing == WF_HTTP1_UNTIL_CLOSE ||
        (head->framing == WF_HTTP1_LENGTH && head->content_length > DISCARD_BYTES_MAX)) {
        c->flags &= ~(uint32_t)WF_HTTP_C_KEEP;
        wf_http_conn_over(self, c);
    }
}

static weft_err prepare_unpacking(wf_http_cc *c, const wf_http1_head *head,
                                  const weft_http_field *fields)
{
    const weft_http_call *call = wf_http_job_call(c->job);
    if (call == NULL || call->packed || head->framing == WF_HTTP1_NO_BODY)
        return WEFT_OK;
    weft_err err =
        wf_http_unpack_new(wf_http1_value(head, fields, WF_HTTP_CONTENT_ENCODING), &c->unpack);
    if (c->unpack != NULL)
        c->job->flags |= WF_HTTP_JOB_UNPACKED;
    return err;
}

/* A body that is said to be too large is not begun. */
static weft_err check_length(const wf_http_cc *c, const wf_http1_head *head, weft_why *why)
{
    const wf_http_job *job = c->job;
    if ((job->flags & WF_HTTP_JOB_STREAM) != 0 || head->framing != WF_HTTP1_LENGTH ||
        c->unpack != NULL || head->content_length <= job->body_bytes_max)
        return WEFT_OK;
    return weft_because(why, WEFT_ETOOBIG,
                        "a body of %llu bytes, expected at most %llu "
                        "(body_bytes_max)",
                        (unsigned long long)head->content_length,
                        (unsigned long long)job->body_bytes_max);
}

/* An answer that has come whole, of @here bytes, goes on in one piece. Of a HEAD the length is only said. */
static bool needs_stream(const wf_http_job *job, const wf_http1_head *head, size_t here)
{
    if (head->framing == WF_HTTP1_NO_BODY)
        return job->method == WEFT_HTTP_HEAD;
    return head->framing != WF_HTTP1_LENGTH || head->content_length > here;
}

static weft_err on_head(weft_actor *self, wf_http_cc *c, const wf_http1_head *head,
                        const weft_http_field *fields, size_t here, weft_why *why)
{
    wf_http_job *job = c->job;
    job->status = head->status;
    job->minor = head->minor;
    job->text = wf_http_page_text_new(head, fields);
    if (job->text == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a head");
    c->framing = head->framing;
    c->phase = WF_HTTP_BODY;
    if (head->keep_alive && c->served + 1 < c->client->limits.requests_max)
        c->flags |= WF_HTTP_C_KEEP;
    if (head->framing == WF_HTTP1_NO_BODY)
        c->flags |= WF_HTTP_C_LAST;
    if (wf_http_conn_not_wanted(self, c, head->status))
        return WEFT_OK;
    if (wf_http_redirect_follows(job, head->status,
                                 wf_http1_value(head, fields, WF_HTTP_LOCATION))) {
        discard(self, c, head);
        return WEFT_OK;
    }
    if ((job->flags & WF_HTTP_JOB_LATE) != 0 && needs_stream(job, head, here))
        job->flags |= WF_HTTP_JOB_STREAM;
    weft_err err = prepare_unpacking(c, head, fields);
    if (err == WEFT_OK)
        err = check_length(c, head, why);
    if (err == WEFT_OK && (job->flags & WF_HTTP_JOB_STREAM) != 0) {
        c->phase = WF_HTTP_ASKING;
        (void)wf_http_conn_tell(self, c, WF_HTTP_TOLD_HEAD);
    }
    return err;
}

/* One head off the front of @in. false: nothing more can be read now. */
static bool read_head(weft_actor *self, wf_http_cc *c, weft_bytes *in)
{
    weft_http_field fields[WF_HTTP1_FIELDS_LAST];
    weft_why why = {""};
    wf_http1_head head;
    uint16_t status;
    if (wf_http_conn_is_given_up(self, c))
        return false;
    c->flags |= WF_HTTP_C_TOUCHED;
    size_t n = wf_http1_head_end(in->at, in->size, &c->scanned);
    weft_err err;
    if (n == 0) {
        err = wf_http1_head_unfinished(&c->client->codec_limits, in->at, in->size, &status, &why);
        if (err != WEFT_OK)
            wf_http_conn_fail(self, c, err, WF_HTTP_PARTIAL, why.text);
        return false;
    }
    c->scanned = 0;
    wf_http1_init(&c->parser, &c->client->codec_limits);
    err = wf_http1_parse_response(&c->parser, in->at, n, c->job->method, &head, fields,
                                  c->client->limits.fields_max, &why);
    if (err == WEFT_OK && head.status == 101)
        err = weft_because(&why, WEFT_EPROTO, "101 to a request that asked for no upgrade");
    if (err == WEFT_OK && head.status >= 200)
        err = on_head(self, c, &head, fields, in->size - n, &why);
    else if (err == WEFT_OK && head.status == 100 && (c->flags & WF_HTTP_C_CONTINUE) != 0)
        wf_http_conn_continue(self, c);
    if (err != WEFT_OK) {
        wf_http_conn_fail(self, c, err, WF_HTTP_PARTIAL, why.text);
        return false;
    }
    *in = weft_bytes_slice(*in, n, SIZE_MAX);
    wf_http_conn_moved(c);
    return true;
}

/* ---- bodies */

/* All that was read has gone on, and it is the last. */
static void whole(weft_actor *self, wf_http_cc *c)
{
    weft_why why = {""};
    weft_err err = c->unpack != NULL && (c->flags & WF_HTTP_C_DISCARD) == 0
                       ? wf_http_unpack_end(c->unpack, &why)
                       : WEFT_OK;
    if (err != WEFT_OK)
        wf_http_conn_fail(self, c, err, WF_HTTP_PARTIAL, why.text);
    else
        wf_http_conn_over(self, c);
}

/* false: not now, or not at all. */
static bool unpack_on(weft_actor *self, wf_http_cc *c)
{
    weft_why why = {""};
    weft_err err = wf_http_conn_unpack(self, c, &why);
    if (err == WEFT_EFULL)
        c->flags |= WF_HTTP_C_PAUSED;
    else if (err != WEFT_OK)
        wf_http_conn_fail(self, c, err, WF_HTTP_PARTIAL, why.text);
    return err == WEFT_OK;
}

static bool read_piece(weft_actor *self, wf_http_cc *c, weft_bytes *in)
{
    wf_http1_piece piece = {.trailers = NULL};
    weft_why why = {""};
    weft_err err = wf_http1_body(&c->parser, in->at, in->size, &piece, &why);
    if (err == WEFT_OK && piece.data_bytes != 0)
        err = wf_http_conn_piece(
            self, c, weft_bytes_slice(*in, (size_t)(piece.data - in->at), piece.data_bytes), &why);
    if (err == WEFT_EDONE) {
        c->flags &= ~(uint32_t)WF_HTTP_C_KEEP;
        wf_http_conn_over(self, c);
        return false;
    }
    if (err != WEFT_OK) {
        wf_http_conn_fail(self, c, err, WF_HTTP_PARTIAL, why.text);
        return false;
    }
    *in = weft_bytes_slice(*in, piece.consumed, SIZE_MAX);
    if (piece.complete)
        c->flags |= WF_HTTP_C_LAST;
    wf_http_conn_moved(c);
    return piece.consumed != 0 || piece.complete;
}

/* One step. false: nothing more can be read now. */
static bool read_body(weft_actor *self, wf_http_cc *c, weft_bytes *in)
{
    if (c->packed.size != 0 || (c->flags & WF_HTTP_C_MORE) != 0)
        return unpack_on(self, c);
    if ((c->flags & WF_HTTP_C_LAST) != 0) {
        whole(self, c);
        return true;
    }
    if (in->size == 0)
        return false;
    if (!wf_http_conn_has_room(self, c)) {
        c->flags |= WF_HTTP_C_PAUSED;
        return false;
    }
    return read_piece(self, c, in);
}

/* ---- all of it */

/* Reads of @in what may be read now; what is to be kept stays in it. */
static void read_all(weft_actor *self, wf_http_cc *c, weft_bytes *in)
{
    bool more = true;
    c->flags |= WF_HTTP_C_RUNNING;
    c->flags &= ~(uint32_t)WF_HTTP_C_PAUSED;
    while (more) {
        if (c->phase == WF_HTTP_BODY)
            more = read_body(self, c, in);
        else if (c->phase == WF_HTTP_HEAD && in->size != 0)
            more = read_head(self, c, in);
        else
            more = false;
    }
    c->flags &= ~(uint32_t)WF_HTTP_C_RUNNING;
    /* bytes that answer nothing end a connection: what they would answer next is not theirs */
    if (in->size != 0 && c->phase == WF_HTTP_IDLE)
        wf_http_conn_lost(self, c, WEFT_EPROTO, "bytes that no request asked for");
    if (c->phase == WF_HTTP_ENDING)
        *in = WEFT_NO_BYTES;
}

void wf_http_conn_read(weft_actor *self, wf_http_cc *c)
{
    weft_bytes in = c->pending, all = c->pending;
    if ((c->flags & WF_HTTP_C_RUNNING) != 0)
        return;
    c->pending = WEFT_NO_BYTES;
    read_all(self, c, &in);
    if (in.size != 0)
        c->pending = weft_bytes_share(in);
    weft_bytes_drop(&all);
    if (c->held != NULL && !wf_http_conn_is_held(c))
        weft_drop(&c->held);
}

/* Puts @in behind what is pending, in room that doubles. */
static weft_err join(wf_http_cc *c, weft_bytes in)
{
    weft_bytes joined;
    uint8_t *to;
    if (weft_bytes_spare(c->pending) < in.size) {
        weft_err err = weft_bytes_new(2 * (c->pending.size + in.size), &to, &joined);
        if (err != WEFT_OK)
            return err;
        memcpy(to, c->pending.at, c->pending.size);
        joined.size = c->pending.size;
        weft_bytes_drop(&c->pending);
        c->pending = joined;
    }
    memcpy((uint8_t *)(uintptr_t)c->pending.at + c->pending.size, in.at, in.size);
    c->pending.size += in.size;
    return WEFT_OK;
}

weft_err wf_http_conn_take(weft_actor *self, wf_http_cc *c, weft_bytes in)
{
    if (c->pending.size != 0) {
        weft_err err = join(c, in);
        if (err == WEFT_OK)
            wf_http_conn_read(self, c);
        return err;
    }
    read_all(self, c, &in);
    if (in.size == 0)
        return WEFT_OK;
    c->pending = weft_bytes_keep(self, in);
    return c->pending.size != 0 ? WEFT_OK : WEFT_ENOMEM;
}

void wf_http_conn_ended(weft_actor *self, wf_http_cc *c)
{
    weft_why why = {"the server closed the connection"};
    if (c->phase == WF_HTTP_BODY && wf_http1_body_ended(&c->parser, &why) == WEFT_OK) {
        c->flags |= WF_HTTP_C_LAST;
        c->flags &= ~(uint32_t)WF_HTTP_C_KEEP;
        wf_http_conn_read(self, c);
        return;
    }
    wf_http_conn_lost(self, c, WEFT_EDONE, why.text);
}
