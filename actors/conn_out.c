/* SPDX-License-Identifier: MIT */
/* The output of a connection: gathered, and sent once a round or at 64 KiB. */
#include <stdlib.h>
#include <string.h>

#include "conn.h"

enum { FLUSH_BYTES = 64 << 10, LOW_DIVISOR = 2, COALESCE_MAX = 4096, COPY_ROOM_MIN = 960, COPY_ROOM_MAX = 8000 };

static void flush_hook(weft_hook *hook)
{
    conn_flush(((conn_out *)(void *)hook)->owner);
}

/* Pieces of queues that are not in use, kept for each reactor. */
typedef struct spare_outs {
    conn_out *first;
    unsigned n;
} spare_outs;

enum { SPARE_OUTS_MAX = 1024 };

static void spare_free(void *kept)
{
    spare_outs *spare = kept;
    for (conn_out *o = spare->first, *next; o != NULL; o = next) {
        next = o->next;
        free(o);
    }
    free(spare);
}

static conn_out *out_new(conn *c)
{
    spare_outs *spare = *weft_kept(WEFT_KEPT_STREAMS);
    conn_out *o;
    if (spare != NULL && (o = spare->first) != NULL) {
        spare->first = o->next;
        spare->n--;
    } else if ((o = malloc(sizeof *o)) == NULL)
        return NULL;
    o->hook = (weft_hook){.run = flush_hook};
    o->owner = c;
    o->next = NULL;
    o->first = o->n = 0;
    return o;
}

static void out_free(conn_out *o)
{
    spare_outs *spare = *weft_kept(WEFT_KEPT_STREAMS);
    weft_hook_cancel(&o->hook);
    if (spare == NULL) {
        spare = *weft_kept(WEFT_KEPT_STREAMS) = calloc(1, sizeof *spare);
        weft_kept_set_free(WEFT_KEPT_STREAMS, spare_free);
    }
    if (spare == NULL || spare->n == SPARE_OUTS_MAX) {
        free(o);
        return;
    }
    o->next = spare->first;
    spare->first = o;
    spare->n++;
}

static conn_item *item_new(conn *c)
{
    conn_out *o = c->out_last;
    if (o == NULL || o->n == CONN_OUT_ITEMS) {
        o = out_new(c);
        if (o == NULL)
            return NULL;
        if (c->out_last != NULL)
            c->out_last->next = o;
        else
            c->out = o;
        c->out_last = o;
    }
    return &o->item[o->n++];
}

/* Output leaves at the end of the round, or now if much has gathered. */
static void schedule(conn *c)
{
    if ((c->flags & (CONN_BLOCKED | CONN_OPENING)) != 0)
        return;
    if (c->queued >= FLUSH_BYTES)
        conn_flush(c);
    else
        weft_hook_queue(&c->out->hook);
}

static bool is_fresh(weft_bytes bytes)
{
    return weft_bytes_account(bytes) == NULL;
}

static uint32_t queue_max(const conn *c)
{
    return c->rare != NULL ? c->rare->write_queue_max : WEFT_WRITE_QUEUE_BYTES_MAX;
}

/* A write is taken whole while the queue is below its limit, so that one of any size can leave. */
static weft_err check_room(conn *c)
{
    if (c->queued < queue_max(c))
        return WEFT_OK;
    c->flags |= CONN_DRAIN;
    return WEFT_EFULL;
}

bool conn_is_full(conn *c)
{
    if (c->queued <= queue_max(c) / LOW_DIVISOR)
        return false;
    c->flags |= CONN_DRAIN;
    return true;
}

static weft_err put(conn *c, weft_bytes bytes)
{
    conn_item *item = item_new(c);
    if (item == NULL)
        return WEFT_ENOMEM;
    item->bytes = weft_bytes_share(bytes);
    item->file = NULL;
    if (is_fresh(bytes))
        c->queued += (uint32_t)bytes.size;
    return WEFT_OK;
}

weft_err conn_queue_bytes(conn *c, weft_bytes bytes)
{
    if (is_fresh(bytes) && check_room(c) != WEFT_OK)
        return WEFT_EFULL;
    weft_err err = put(c, bytes);
    if (err == WEFT_OK)
        schedule(c);
    return err;
}

weft_err conn_queue_parts(conn *c, const weft_bytes *parts, unsigned count)
{
    size_t fresh = 0, total = 0;
    for (unsigned i = 0; i < count; i++) {
        total += parts[i].size;
        fresh += is_fresh(parts[i]) ? parts[i].size : 0;
    }
    if (total == 0)
        return WEFT_OK;
    if (fresh != 0 && check_room(c) != WEFT_OK)
        return WEFT_EFULL;
    for (unsigned i = 0; i < count; i++) {
        weft_err err = parts[i].size != 0 ? put(c, parts[i]) : WEFT_OK;
        if (err != WEFT_OK) {
            conn_lost(c, err, "no memory for the rest of what was being written");
            return err;
        }
    }
    schedule(c);
    return WEFT_OK;
}

/* Small texts written one after the other share a buffer. */
static bool coalesce(conn *c, const void *from, size_t size)
{
    conn_out *o = c->out_last;
    if (o == NULL || o->n == o->first || size > COALESCE_MAX)
        return false;
    conn_item *last = &o->item[o->n - 1];
    if (last->file != NULL || !is_fresh(last->bytes) || weft_bytes_spare(last->bytes) < size)
        return false;
    /* the buffer is this queue's alone, so what follows its bytes is free */
    memcpy((uint8_t *)(uintptr_t)last->bytes.at + last->bytes.size, from, size);
    last->bytes.size += size;
    c->queued += (uint32_t)size;
    schedule(c);
    return true;
}

weft_err conn_queue_copy(conn *c, const void *from, size_t size)
{
    weft_bytes bytes;
    uint8_t *to;
    if (check_room(c) != WEFT_OK)
        return WEFT_EFULL;
    if (coalesce(c, from, size))
        return WEFT_OK;
    /* the more stands before it, the more will likely follow: answers of a pipeline gather in one */
    size_t room = c->out_last == NULL ? COPY_ROOM_MIN : COPY_ROOM_MAX;
    weft_err err = weft_bytes_new(size < room ? room : size, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from, size);
    bytes.size = size;
    err = conn_queue_bytes(c, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

weft_err conn_queue_file(conn *c, weft_file *file, uint64_t offset, uint64_t size)
{
    if (size == 0)
        return WEFT_OK;
    conn_item *item = item_new(c);
    if (item == NULL)
        return WEFT_ENOMEM;
    *item = (conn_item){.bytes = {.size = size}, .file = weft_file_share(file), .offset = offset};
    schedule(c);
    return WEFT_OK;
}

static void item_done(conn *c, conn_item *item)
{
    if (item->file != NULL) {
        weft_file_drop(&item->file);
        return;
    }
    /* after its end the share is dropped, which may let the source read on */
    weft_bytes_drop(&item->bytes);
    (void)c;
}

void conn_out_drop(conn *c)
{
    for (conn_out *o = c->out, *next; o != NULL; o = next) {
        next = o->next;
        for (uint32_t i = o->first; i < o->n; i++)
            item_done(c, &o->item[i]);
        out_free(o);
    }
    c->out = c->out_last = NULL;
    c->queued = 0;
}

/* Takes @sent bytes off the front of the queue. */
static void take(conn *c, size_t sent)
{
    conn_out *o;
    while ((o = c->out) != NULL) {
        while (o->first < o->n) {
            conn_item *item = &o->item[o->first];
            size_t part = sent < item->bytes.size ? sent : item->bytes.size;
            if (item->file == NULL && is_fresh(item->bytes))
                c->queued -= (uint32_t)part;
            if (part < item->bytes.size) {
                if (item->file == NULL)
                    item->bytes.at += part;
                item->offset += part;
                item->bytes.size -= part;
                return;
            }
            sent -= part;
            item_done(c, item);
            o->first++;
        }
        c->out = o->next;
        if (c->out == NULL)
            c->out_last = NULL;
        else if (o->hook.queued)
            weft_hook_queue(&c->out->hook);
        out_free(o);
    }
}

static void drained(conn *c)
{
    if ((c->flags & CONN_DRAIN) != 0 && c->queued <= queue_max(c) / LOW_DIVISOR) {
        weft_drained body = {weft_self(conn_actor(c))};
        if (weft_event(conn_actor(c), c->owner, &weft_drained_type, &body) == WEFT_OK)
            c->flags &= ~(uint32_t)CONN_DRAIN;
    }
    conn_pull(c);
}

void conn_pull(conn *c)
{
    conn_rare *rare = c->rare;
    if (rare == NULL || rare->pull_out || weft_ref_is_nobody(rare->producer) ||
        (c->flags & (CONN_CLOSED | CONN_CLOSING | CONN_OPENING)) != 0 ||
        c->queued > rare->write_queue_max / LOW_DIVISOR)
        return;
    weft_pull body = {weft_self(conn_actor(c)), rare->write_queue_max - c->queued};
    weft_err err = weft_event(conn_actor(c), rare->producer, &weft_pull_type, &body);
    if (err == WEFT_OK)
        rare->pull_out = true;
    else if (err == WEFT_EGONE)
        rare->producer = WEFT_NOBODY;
}

/* Everything has left: half close, or the end. */
static void flushed(conn *c)
{
    if ((c->flags & (CONN_END_OUT | CONN_END_SENT)) == CONN_END_OUT &&
        (c->flags & CONN_CLOSING) == 0) {
        c->flags |= CONN_END_SENT;
        c->leaf->end(c);
    }
    if ((c->flags & (CONN_CLOSING | CONN_END_SENT)) != 0) {
        /* a message that is out no longer holds back a stream that closes */
        if ((c->flags & CONN_CLOSING) != 0)
            c->flags &= ~(uint32_t)CONN_DATA_OUT;
        conn_deliver(c);
    }
}

void conn_flush(conn *c)
{
    weft_why why = {""};
    weft_err err = WEFT_OK;
    if ((c->flags & (CONN_CLOSED | CONN_OPENING | CONN_BLOCKED)) != 0)
        return;
    while (c->out != NULL && err == WEFT_OK) {
        size_t sent = 0;
        conn_out *o = c->out;
        err = c->leaf->write(c, &o->item[o->first], o->n - o->first, &sent, &why);
        take(c, sent);
        if ((c->flags & CONN_CLOSED) != 0)
            return; /* letting go of bytes has led to its end */
    }
    if (err == WEFT_EFULL) {
        c->flags |= CONN_BLOCKED;
        conn_watch(c);
    } else if (err != WEFT_OK) {
        conn_lost(c, err, why.text);
        return;
    }
    drained(c);
    if (c->out == NULL)
        flushed(c);
}
