/* SPDX-License-Identifier: MIT */
/* Bodies of requests: gathered into one piece, or passed on to a stream; and what comes behind
 * them. */
#include <string.h>

#include "http_server.h"

/* A length that a head only claims is believed this far; beyond, room grows with what came. */
enum { ROOM_BYTES_MIN = 64 << 10 };

static size_t room_for(const wf_http_exchange *x, size_t size)
{
    size_t room = 2 * size > ROOM_BYTES_MIN ? 2 * size : ROOM_BYTES_MIN;
    if (x->head.framing == WF_HTTP1_LENGTH)
        return x->head.content_length < room ? (size_t)x->head.content_length : room;
    return 2 * size;
}

static weft_err gather(wf_http_exchange *x, weft_bytes bytes)
{
    weft_bytes *body = &wf_http_request_of(x)->body, bigger;
    uint8_t *to;
    if (body->buffer == NULL || weft_bytes_spare(*body) < bytes.size) {
        weft_err err = weft_bytes_new(room_for(x, body->size + bytes.size), &to, &bigger);
        if (err != WEFT_OK)
            return err;
        if (body->size != 0)
            memcpy(to, body->at, body->size);
        bigger.size = body->size;
        weft_bytes_drop(body);
        *body = bigger;
    }
    memcpy((uint8_t *)(uintptr_t)body->at + body->size, bytes.at, bytes.size);
    body->size += bytes.size;
    return WEFT_OK;
}

weft_err wf_http_body_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes)
{
    /* who sends a body without having been told to go on no longer waits for that */
    x->flags &= (uint16_t)~WF_HTTP_X_CONTINUE;
    if (x->row == NULL)
        return WEFT_OK; /* nobody wants it */
    if ((x->flags & WF_HTTP_X_ASKING) != 0 && x->row->stream)
        return WEFT_EFULL; /* until it is known who it is from */
    return x->row->stream ? wf_http_stream_take(self, x, bytes) : gather(x, bytes);
}

weft_err wf_http_trailers_take(wf_http_exchange *x, const weft_http_field *trailers, uint32_t count)
{
    size_t text = 0;
    if (count == 0)
        return WEFT_OK;
    for (uint32_t i = 0; i < count; i++)
        text += trailers[i].name_bytes + trailers[i].value_bytes;
    wf_http_trailers *t = weft_alloc(sizeof *t + count * sizeof *trailers + text);
    if (t == NULL)
        return WEFT_ENOMEM;
    char *to = (char *)&t->fields[count];
    t->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const weft_http_field *f = &trailers[i];
        t->fields[i] = (weft_http_field){to, to + f->name_bytes, f->name_bytes, f->value_bytes};
        memcpy(to, f->name, f->name_bytes);
        if (f->value_bytes != 0)
            memcpy(to + f->name_bytes, f->value, f->value_bytes);
        to += f->name_bytes + f->value_bytes;
    }
    x->trailers = t;
    return WEFT_OK;
}
