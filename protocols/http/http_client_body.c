/* SPDX-License-Identifier: MIT */
/* Bodies of a client's exchange: the answer's, gathered or passed on, unpacked on the way; the request's,
 * when it is streamed. */
#include <string.h>

#include "http_chunk.h"
#include "http_client_conn.h"

enum {
    UNPACK_BYTES = 16 << 10, /* that come out at a time */
    DISCARD_BYTES_MAX = 64 << 10,
    ROOM_BYTES_MIN = 64 << 10, /* a length that a head only claims is believed this far */
};

/* ---- the answer's */

bool wf_http_conn_has_room(weft_actor *self, const wf_http_cc *c)
{
    return (c->job->flags & WF_HTTP_JOB_STREAM) == 0 || (c->flags & WF_HTTP_C_DISCARD) != 0 ||
           !weft_write_full(self, c->body);
}

static size_t room_for(const wf_http_job *job, size_t size)
{
    size_t room = 2 * size > ROOM_BYTES_MIN ? 2 * size : ROOM_BYTES_MIN;
    if ((job->flags & WF_HTTP_JOB_UNPACKED) == 0 && job->text->known_bytes != UINT64_MAX)
        return job->text->known_bytes < room ? (size_t)job->text->known_bytes : room;
    return 2 * size;
}

static weft_err gather(wf_http_job *job, const uint8_t *at, size_t n, weft_why *why)
{
    weft_bytes *body = &job->body, bigger;
    uint8_t *to;
    if (n > job->body_bytes_max - body->size)
        return weft_because(why, WEFT_ETOOBIG, "a body of more than %llu bytes (body_bytes_max)",
                            (unsigned long long)job->body_bytes_max);
    if (body->buffer == NULL || weft_bytes_spare(*body) < n) {
        if (weft_bytes_new(room_for(job, body->size + n), &to, &bigger) != WEFT_OK)
            return weft_because(why, WEFT_ENOMEM, "no memory for a body");
        if (body->size != 0)
            memcpy(to, body->at, body->size);
        bigger.size = body->size;
        weft_bytes_drop(body);
        *body = bigger;
    }
    memcpy((uint8_t *)(uintptr_t)body->at + body->size, at, n);
    body->size += n;
    return WEFT_OK;
}

static weft_err passed_on(weft_err err, weft_why *why)
{
    if (err == WEFT_OK)
        return WEFT_OK;
    return weft_because(why, err == WEFT_EGONE ? WEFT_ECANCELLED : err,
                        "the body cannot be passed on: %s", weft_err_text(err));
}

weft_err wf_http_conn_unpack(weft_actor *self, wf_http_cc *c, weft_why *why)
{
    uint8_t out[UNPACK_BYTES];
    size_t used, made;
    if (!wf_http_conn_has_room(self, c))
        return WEFT_EFULL;
    weft_err err = wf_http_unpack_run(c->unpack, c->packed.at, c->packed.size, &used, out,
                                      sizeof out, &made, why);
    if (err == WEFT_OK && used == 0 && made == 0 && c->packed.size != 0)
        err = weft_because(why, WEFT_EPROTO, "the packed body does not go on");
    if (err != WEFT_OK)
        return err;
    weft_bytes rest = weft_bytes_share(weft_bytes_slice(c->packed, used, SIZE_MAX));
    weft_bytes_drop(&c->packed);
    if (rest.size != 0)
        c->packed = rest;
    else
        weft_bytes_drop(&rest);
    c->flags &= ~(uint32_t)WF_HTTP_C_MORE;
    c->flags |= made == sizeof out ? WF_HTTP_C_MORE : 0;
    if (made == 0)
        return WEFT_OK;
    if ((c->job->flags & WF_HTTP_JOB_STREAM) != 0)
        return passed_on(weft_write_copy(self, c->body, out, made), why);
    return gather(c->job, out, made, why);
}

weft_err wf_http_conn_piece(weft_actor *self, wf_http_cc *c, weft_bytes piece, weft_why *why)
{
    c->body_bytes += piece.size;
    if ((c->flags & WF_HTTP_C_DISCARD) != 0)
        return c->body_bytes <= DISCARD_BYTES_MAX ? WEFT_OK : WEFT_EDONE;
    if (c->unpack != NULL) {
        c->packed = weft_bytes_keep(self, piece);
        return c->packed.size != 0 ? WEFT_OK
                                   : weft_because(why, WEFT_ENOMEM, "no memory for a body");
    }
    if ((c->job->flags & WF_HTTP_JOB_STREAM) != 0)
        return passed_on(weft_write(self, c->body, piece), why);
    return gather(c->job, piece.at, piece.size, why);
}

/* ---- the request's */

static void upload_failed(weft_actor *self, wf_http_cc *c, weft_err err, const char *why)
{
    wf_http_conn_fail(self, c, err,
                      c->phase >= WF_HTTP_ASKING ? WF_HTTP_PARTIAL : WF_HTTP_NO_ANSWER, why);
}

static void write_upload(weft_actor *self, wf_http_cc *c, weft_bytes bytes)
{
    bool counted = c->job->upload_bytes != 0;
    if (counted && bytes.size > c->upload_left) {
        upload_failed(self, c, WEFT_EINVAL, "the request's body is longer than was said");
        return;
    }
    weft_err err =
        counted ? weft_write(self, c->stream, bytes) : wf_http_chunk_write(self, c->stream, bytes);
    if (err != WEFT_OK) {
        /* a connection that is over says so itself, perhaps behind an answer that is still unread */
        if (err != WEFT_EGONE)
            upload_failed(self, c, err, "the request's body cannot be sent");
        return;
    }
    c->upload_left -= counted ? bytes.size : 0;
    wf_http_conn_moved(c);
}

/* `opened` has done its work by being let go of. */
static void take_upload(weft_actor *self, wf_http_cc *c, const weft_msg *msg)
{
    if (weft_type_of(msg) == &weft_data_type)
        write_upload(self, c, ((const weft_data *)weft_body(msg))->bytes);
}

void wf_http_conn_upload(weft_actor *self, wf_http_cc *c, weft_msg *msg)
{
    if ((c->flags & WF_HTTP_C_UNWANTED) != 0)
        return;
    if (c->phase == WF_HTTP_OPENING || c->phase == WF_HTTP_TUNNEL || c->phase == WF_HTTP_IDLE ||
        (c->flags & WF_HTTP_C_CONTINUE) != 0 || weft_write_full(self, c->stream)) {
        if (c->upload == NULL)
            c->upload = weft_keep(msg);
        return;
    }
    take_upload(self, c, msg);
}

void wf_http_conn_upload_again(weft_actor *self, wf_http_cc *c)
{
    weft_msg *msg = c->upload;
    if (msg == NULL || c->job == NULL || (c->flags & WF_HTTP_C_CONTINUE) != 0 ||
        weft_write_full(self, c->stream))
        return;
    c->upload = NULL;
    take_upload(self, c, msg);
    weft_drop(&msg);
}

void wf_http_conn_upload_ended(weft_actor *self, wf_http_cc *c)
{
    weft_err err = WEFT_OK;
    if ((c->flags & (WF_HTTP_C_SENT | WF_HTTP_C_UNWANTED)) != 0)
        return;
    c->flags &= ~(uint32_t)WF_HTTP_C_CONTINUE; /* an empty one has nothing to wait with */
    if (c->job->upload_bytes == 0)
        err = weft_write(self, c->stream, WEFT_BYTES_LITERAL(WF_HTTP1_CHUNKS_END));
    else if (c->upload_left != 0) {
        upload_failed(self, c, WEFT_EINVAL, "the request's body is shorter than was said");
        return;
    }
    if (err != WEFT_OK && err != WEFT_EGONE) {
        upload_failed(self, c, err, "the request's body cannot be sent");
        return;
    }
    c->flags |= WF_HTTP_C_SENT;
    wf_http_conn_moved(c);
}
