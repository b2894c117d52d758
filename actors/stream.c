/* SPDX-License-Identifier: MIT */
/* What may be asked of a stream: done at once when it lives on this reactor, else sent to it. */
#include <weft/stream.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/remote.h>

#include "conn.h"
#include "node/link_stream.h"
#include "stream_relay.h"

enum { TEXT_ON_STACK = 2048 };

typedef enum op_kind {
    OP_WRITE,
    OP_FILE,
    OP_END,
    OP_CLOSE,
    OP_ABORT,
    OP_PRODUCE,
    OP_PRODUCE_END,
    OP_HAND_OVER,
    OP_SET,
} op_kind;

/* One operation, as a message and as the argument of apply. */
typedef struct conn_op {
    weft_bytes bytes; /* to write, or unread */
    op_kind kind;
    weft_err reason;
    weft_file *file;
    uint64_t offset, size;
    weft_ref who;
    weft_stream_settings set;
} conn_op;

static void op_share(void *body)
{
    conn_op *op = body;
    if (op->file != NULL)
        (void)weft_file_share(op->file);
}

static void op_release(void *body)
{
    conn_op *op = body;
    weft_file_drop(&op->file);
}

const weft_type wf_conn_op_type = {.name = "weft.stream_op",
                                   .size = sizeof(conn_op),
                                   .bytes = 1 + offsetof(conn_op, bytes),
                                   .share = op_share,
                                   .release = op_release};

static weft_err write_bytes(conn *c, weft_bytes bytes)
{
    if ((c->flags & (CONN_CLOSING | CONN_CLOSED | CONN_END_OUT)) != 0)
        return WEFT_EGONE;
    if (bytes.size == 0)
        return WEFT_OK;
    return wf_conn_transforms(c) ? wf_conn_down_bytes(c, bytes) : wf_conn_queue_bytes(c, bytes);
}

static weft_err write_file(conn *c, weft_file *file, uint64_t offset, uint64_t size)
{
    if ((c->flags & (CONN_CLOSING | CONN_CLOSED | CONN_END_OUT)) != 0)
        return WEFT_EGONE;
    if (wf_conn_transforms(c))
        return wf_conn_down_file(c, file, offset, size);
    return wf_conn_queue_file(c, file, offset, size);
}

static weft_err end_out(conn *c)
{
    if ((c->flags & (CONN_CLOSING | CONN_CLOSED)) != 0)
        return WEFT_EGONE;
    if ((c->flags & CONN_END_OUT) != 0)
        return WEFT_OK;
    c->flags |= CONN_END_OUT;
    wf_conn_goodbye(c);
    wf_conn_down_end(c);
    wf_conn_flush(c);
    return WEFT_OK;
}

static weft_err produce(conn *c, weft_ref producer)
{
    conn_rare *rare = wf_conn_rare_of(c);
    if (rare == NULL)
        return WEFT_ENOMEM;
    if (!weft_ref_is_nobody(rare->producer) && !weft_ref_same(rare->producer, producer))
        return WEFT_EEXISTS;
    rare->producer = producer;
    wf_conn_pull(c);
    return WEFT_OK;
}

static void produce_end(conn *c, weft_ref producer)
{
    if (c->rare != NULL && weft_ref_same(c->rare->producer, producer))
        c->rare->producer = WEFT_NOBODY;
}

static weft_err hand_over(conn *c, weft_ref owner, weft_bytes unread)
{
    conn_rare *rare = wf_conn_rare_of(c);
    weft_ref whom = wf_stream_whom(conn_actor(c), owner);
    bool far = weft_remote_node_of(whom) != 0;
    if (rare == NULL)
        return WEFT_ENOMEM;
    if (far &&
        weft_ref_is_nobody(owner = wf_relay_to(conn_actor(c), weft_self(conn_actor(c)), whom)))
        return WEFT_ENOMEM;
    rare->relayed = far;
    /* what the old owner did not use stands before what was not told */
    weft_err err = unread.size != 0 ? wf_conn_stages_give_back(c, unread) : WEFT_OK;
    if (err != WEFT_OK)
        wf_conn_lost(c, err, "no memory for what its old owner had not used");
    rare->next_owner = owner;
    c->flags |= CONN_HAND_OVER;
    wf_conn_deliver(c);
    return err;
}

static weft_err set(conn *c, const weft_stream_settings *s)
{
    if ((s->given & WEFT_SET_WINDOW) != 0) {
        c->window.max = s->window_bytes;
        wf_conn_deliver(c);
    }
    if ((s->given & WEFT_SET_WRITE_QUEUE) != 0) {
        conn_rare *rare = wf_conn_rare_of(c);
        if (rare == NULL)
            return WEFT_ENOMEM;
        rare->write_queue_max = s->write_queue_bytes_max;
    }
    if ((s->given & WEFT_SET_NODELAY) != 0 && (c->flags & CONN_CLOSED) == 0)
        return c->leaf->nodelay(c, s->nodelay);
    return WEFT_OK;
}

static weft_err apply(conn *c, const conn_op *op)
{
    switch (op->kind) {
    case OP_WRITE:
        return write_bytes(c, op->bytes);
    case OP_FILE:
        return write_file(c, op->file, op->offset, op->size);
    case OP_END:
        return end_out(c);
    case OP_CLOSE:
        wf_conn_close(c);
        return WEFT_OK;
    case OP_ABORT:
        c->flags &= ~(uint32_t)CONN_DATA_OUT;
        wf_conn_lost(c, op->reason, NULL);
        return WEFT_OK;
    case OP_PRODUCE:
        return produce(c, op->who);
    case OP_PRODUCE_END:
        produce_end(c, op->who);
        return WEFT_OK;
    case OP_HAND_OVER:
        return hand_over(c, op->who, op->bytes);
    default:
        return set(c, &op->set);
    }
}

weft_err wf_conn_on_op(weft_actor *self, weft_msg *msg)
{
    conn *c = weft_state(self);
    const conn_op *op = weft_body(msg);
    weft_err err = (c->flags & CONN_CLOSED) == 0 ? apply(c, op) : WEFT_EGONE;
    /* whoever sent it was told that it is on its way: a stream that has closed says so itself, and one
     * that cannot do it must not go on as if it had */
    if (err != WEFT_OK && err != WEFT_EGONE && op->kind != OP_SET)
        wf_conn_lost(c, err == WEFT_EFULL ? WEFT_ELIMIT : err,
                     "what another reactor asked of it could not be done");
    return WEFT_OK;
}

static weft_err run(weft_actor *self, weft_ref stream, const conn_op *op)
{
    conn *c = wf_conn_here(stream);
    if (c != NULL)
        return (c->flags & CONN_CLOSED) != 0 ? WEFT_EGONE : apply(c, op);
    if (weft_is_here(stream))
        return WEFT_EGONE;
    return weft_tell_body(self, stream, &wf_conn_op_type, op);
}

weft_err weft_write(weft_actor *self, weft_ref stream, weft_bytes bytes)
{
    conn *c = wf_conn_here(stream);
    if (c != NULL)
        return write_bytes(c, bytes);
    return run(self, stream, &(conn_op){.kind = OP_WRITE, .bytes = bytes});
}

static weft_err join(const weft_bytes *parts, unsigned count, weft_bytes *out)
{
    size_t size = 0;
    uint8_t *to;
    for (unsigned i = 0; i < count; i++)
        size += parts[i].size;
    weft_err err = weft_bytes_new(size, &to, out);
    for (unsigned i = 0; err == WEFT_OK && i < count; i++) {
        if (parts[i].size != 0)
            memcpy(to, parts[i].at, parts[i].size);
        to += parts[i].size;
    }
    return err;
}

weft_err weft_write_parts(weft_actor *self, weft_ref stream, const weft_bytes *parts,
                          unsigned count)
{
    conn *c = wf_conn_here(stream);
    weft_bytes joined;
    if (c != NULL && !wf_conn_transforms(c)) {
        if ((c->flags & (CONN_CLOSING | CONN_CLOSED | CONN_END_OUT)) != 0)
            return WEFT_EGONE;
        return wf_conn_queue_parts(c, parts, count);
    }
    weft_err err = join(parts, count, &joined);
    if (err != WEFT_OK)
        return err;
    err = weft_write(self, stream, joined);
    weft_bytes_drop(&joined);
    return err;
}

weft_err weft_write_copy(weft_actor *self, weft_ref stream, const void *from, size_t size)
{
    conn *c = wf_conn_here(stream);
    if (size == 0)
        return WEFT_OK;
    if (c != NULL && !wf_conn_transforms(c)) {
        if ((c->flags & (CONN_CLOSING | CONN_CLOSED | CONN_END_OUT)) != 0)
            return WEFT_EGONE;
        return wf_conn_queue_copy(c, from, size);
    }
    weft_bytes bytes;
    uint8_t *to;
    weft_err err = weft_bytes_new(size, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from, size);
    err = weft_write(self, stream, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

weft_err weft_write_text(weft_actor *self, weft_ref stream, const char *format, ...)
{
    char text[TEXT_ON_STACK];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return WEFT_EINVAL;
    if ((size_t)n < sizeof text)
        return weft_write_copy(self, stream, text, (size_t)n);
    weft_bytes bytes;
    uint8_t *to;
    weft_err err = weft_bytes_new((size_t)n + 1, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    va_start(args, format);
    (void)vsnprintf((char *)to, (size_t)n + 1, format, args);
    va_end(args);
    bytes.size = (size_t)n;
    err = weft_write(self, stream, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

weft_err weft_write_file(weft_actor *self, weft_ref stream, weft_file *file, uint64_t offset,
                         uint64_t size)
{
    return run(self, stream,
               &(conn_op){.kind = OP_FILE, .file = file, .offset = offset, .size = size});
}

weft_err weft_produce(weft_actor *self, weft_ref stream)
{
    return run(self, stream, &(conn_op){.kind = OP_PRODUCE, .who = weft_self(self)});
}

void weft_produce_end(weft_actor *self, weft_ref stream)
{
    (void)run(self, stream, &(conn_op){.kind = OP_PRODUCE_END, .who = weft_self(self)});
}

weft_err weft_end(weft_actor *self, weft_ref stream)
{
    return run(self, stream, &(conn_op){.kind = OP_END});
}

weft_err weft_close(weft_actor *self, weft_ref stream)
{
    return run(self, stream, &(conn_op){.kind = OP_CLOSE});
}

weft_err weft_abort(weft_actor *self, weft_ref stream, weft_err reason)
{
    return run(self, stream,
               &(conn_op){.kind = OP_ABORT, .reason = reason != WEFT_OK ? reason : WEFT_EABORTED});
}

weft_err weft_hand_over(weft_actor *self, weft_ref stream, weft_ref owner, weft_bytes unread)
{
    return run(self, stream, &(conn_op){.kind = OP_HAND_OVER, .who = owner, .bytes = unread});
}

weft_err weft_stream_set(weft_actor *self, weft_ref stream, const weft_stream_settings *settings)
{
    return run(self, stream, &(conn_op){.kind = OP_SET, .set = *settings});
}

size_t weft_write_queued(weft_actor *self, weft_ref stream)
{
    const conn *c = wf_conn_here(stream);
    (void)self;
    return c != NULL ? c->queued : 0;
}

uint64_t weft_write_left(weft_actor *self, weft_ref stream)
{
    const conn *c = wf_conn_here(stream);
    (void)self;
    return c != NULL ? wf_conn_left(c) : 0;
}

bool weft_write_full(weft_actor *self, weft_ref stream)
{
    conn *c = wf_conn_here(stream);
    (void)self;
    return c != NULL && wf_conn_is_full(c);
}

void weft_write_flush(weft_actor *self, weft_ref stream)
{
    conn *c = wf_conn_here(stream);
    (void)self;
    if (c != NULL && (c->flags & CONN_BUSY) == 0)
        wf_conn_flush(c);
}

weft_err weft_stream_addresses(weft_actor *self, weft_ref stream, weft_address *local,
                               weft_address *peer)
{
    conn *c = wf_conn_here(stream);
    (void)self;
    if (c == NULL || (c->flags & CONN_CLOSED) != 0)
        return WEFT_EGONE;
    *local = *peer = (weft_address){.family = WEFT_FAMILY_NONE};
    wf_conn_addresses(c, local, peer);
    return WEFT_OK;
}
