/* SPDX-License-Identifier: MIT */
/* The output of a connection: gathered, and sent once a round or at 64 KiB. */
#include <string.h>

#include "conn.h"

enum {
    FLUSH_BYTES = 64 << 10,
    LOW_DIVISOR = 2,
    COALESCE_MAX = 4096,
    COPY_ROOM_MIN = 960,
    COPY_ROOM_MAX = 8000
};

static void flush_hook(weft_hook *hook)
{
    wf_conn_flush(((conn_out *)(void *)hook)->owner);
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
        weft_alloc_free(o);
    }
    weft_alloc_free(spare);
}

static conn_out *out_new(conn *c)
{
    spare_outs *spare = *weft_kept(WEFT_KEPT_STREAMS);
    conn_out *o;
    if (spare != NULL && (o = spare->first) != NULL) {
        spare->first = o->next;
        spare->n--;
    } else if ((o = weft_alloc(sizeof *o)) == NULL)
        return NULL;
    o->hook = (weft_hook){.run = flush_hook, .run_many = wf_conn_flush_many, .same_round = true};
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
        spare = *weft_kept(WEFT_KEPT_STREAMS) = weft_alloc_zero(sizeof *spare);
        weft_kept_set_free(WEFT_KEPT_STREAMS, spare_free);
    }
    if (spare == NULL || spare->n == SPARE_OUTS_MAX) {
        weft_alloc_free(o);
        return;
    }
    o->next = spare->first;
    spare->first = o;
    spare->n++;
}

/* ---- lists of items: the queue of the wire, and what waits above a stage */

conn_item *wf_conn_item_new(conn *c, conn_out **queue)
{
    conn_out *first = *queue, *last = first != NULL ? first->last : NULL, *o = last;
    if (last == NULL || last->n == CONN_OUT_ITEMS) {
        o = out_new(c);
        if (o == NULL)
            return NULL;
        if (last != NULL)
            last->next = o;
        else
            *queue = first = o;
        first->last = o;
    }
    return &o->item[o->n++];
}

bool wf_conn_is_fresh(weft_bytes bytes)
{
    const weft_account *account = weft_bytes_account(bytes);
    return account == NULL || account->ops->state_offset == 0;
}

/* @fresh: the bytes of it that are. */
static weft_err put(conn *c, conn_out **queue, weft_bytes bytes, size_t fresh)
{
    conn_item *item = wf_conn_item_new(c, queue);
    if (item == NULL)
        return WEFT_ENOMEM;
    item->bytes = weft_bytes_share(bytes);
    item->file = NULL;
    item->offset = 0;
    c->queued += (uint32_t)fresh;
    return WEFT_OK;
}

static size_t fresh_of(weft_bytes bytes)
{
    return wf_conn_is_fresh(bytes) ? bytes.size : 0;
}

weft_err wf_conn_item_put(conn *c, conn_out **queue, weft_bytes bytes)
{
    return put(c, queue, bytes, fresh_of(bytes));
}

static void item_done(conn_item *item)
{
    if (item->file != NULL)
        weft_file_drop(&item->file);
    else
        weft_bytes_drop(&item->bytes); /* which may let its source read on */
}

void wf_conn_items_drop(conn_out **queue)
{
    for (conn_out *o = *queue, *next; o != NULL; o = next) {
        next = o->next;
        for (uint32_t i = o->first; i < o->n; i++)
            item_done(&o->item[i]);
        out_free(o);
    }
    *queue = NULL;
}

void wf_conn_items_take(conn *c, conn_out **queue, size_t size)
{
    conn_out *o;
    while ((o = *queue) != NULL) {
        while (o->first < o->n) {
            conn_item *item = &o->item[o->first];
            size_t part = size < item->bytes.size ? size : item->bytes.size;
            if (item->file == NULL && wf_conn_is_fresh(item->bytes))
                c->queued -= (uint32_t)part;
            if (part < item->bytes.size) {
                if (item->file == NULL)
                    item->bytes.at += part;
                else
                    item->offset += part;
                item->bytes.size -= part;
                return;
            }
            size -= part;
            item_done(item);
            o->first++;
        }
        conn_out *next = *queue = o->next;
        if (next != NULL) {
            next->last = o->last;
            if (o->hook.queued)
                weft_hook_queue(&next->hook);
        }
        out_free(o);
    }
}

void wf_conn_out_drop(conn *c)
{
    wf_conn_items_drop(&c->out);
    c->queued = 0;
    if (c->rare != NULL)
        c->rare->above = 0;
}

/* ---- writing */

void wf_conn_schedule(conn *c)
{
    if ((c->flags & (CONN_BLOCKED | CONN_OPENING)) != 0)
        return;
    if (c->queued >= FLUSH_BYTES && (c->flags & CONN_BUSY) == 0)
        wf_conn_flush(c);
    else
        weft_hook_queue(&c->out->hook);
}

static uint32_t queue_max(const conn *c)
{
    return c->rare != NULL ? c->rare->write_queue_max : WEFT_WRITE_QUEUE_BYTES_MAX;
}

/* A write is taken whole while the queue is below its limit, so that one of any size can leave. */
static weft_err check_room(conn *c, size_t size)
{
    if (c->queued < queue_max(c) && size <= UINT32_MAX - c->queued)
        return WEFT_OK;
    if (size > UINT32_MAX)
        return WEFT_ETOOBIG; /* however much drains */
    c->flags |= CONN_DRAIN;
    return WEFT_EFULL;
}

static uint64_t items_left(const conn_out *o)
{
    uint64_t n = 0;
    for (; o != NULL; o = o->next)
        for (uint32_t i = o->first; i < o->n; i++)
            n += o->item[i].bytes.size;
    return n;
}

uint64_t wf_conn_left(const conn *c)
{
    uint64_t n = items_left(c->out);
    for (const weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        n += items_left(s->down);
    return n;
}

bool wf_conn_is_full(conn *c)
{
    if (c->queued <= queue_max(c) / LOW_DIVISOR)
        return false;
    c->flags |= CONN_DRAIN;
    return true;
}

weft_err wf_conn_check_room(conn *c, weft_bytes bytes)
{
    return wf_conn_is_fresh(bytes) ? check_room(c, bytes.size) : WEFT_OK;
}

weft_err wf_conn_queue_bytes(conn *c, weft_bytes bytes)
{
    size_t fresh = fresh_of(bytes);
    weft_err err = fresh != 0 ? check_room(c, fresh) : WEFT_OK;
    if (err == WEFT_OK)
        err = put(c, &c->out, bytes, fresh);
    if (err == WEFT_OK)
        wf_conn_schedule(c);
    return err;
}

weft_err wf_conn_queue_parts(conn *c, const weft_bytes *parts, unsigned count)
{
    size_t fresh = 0, total = 0;
    for (unsigned i = 0; i < count; i++) {
        total += parts[i].size;
        fresh += wf_conn_is_fresh(parts[i]) ? parts[i].size : 0;
    }
    if (total == 0)
        return WEFT_OK;
    weft_err room = fresh != 0 ? check_room(c, fresh) : WEFT_OK;
    if (room != WEFT_OK)
        return room;
    for (unsigned i = 0; i < count; i++) {
        weft_err err = parts[i].size != 0 ? wf_conn_item_put(c, &c->out, parts[i]) : WEFT_OK;
        if (err != WEFT_OK) {
            wf_conn_lost(c, err, "no memory for the rest of what was being written");
            return err;
        }
    }
    wf_conn_schedule(c);
    return WEFT_OK;
}

/* Small texts written one after the other share a buffer. */
static bool coalesce(conn *c, const void *from, size_t size)
{
    const conn_out *first = c->out;
    conn_out *o = first != NULL ? first->last : NULL;
    if (o == NULL || o->n == o->first || size > COALESCE_MAX)
        return false;
    conn_item *last = &o->item[o->n - 1];
    if (last->file != NULL || !wf_conn_is_fresh(last->bytes) ||
        weft_bytes_spare(last->bytes) < size)
        return false;
    /* the buffer is this queue's alone, so what follows its bytes is free */
    memcpy((uint8_t *)(uintptr_t)last->bytes.at + last->bytes.size, from, size);
    last->bytes.size += size;
    c->queued += (uint32_t)size;
    wf_conn_schedule(c);
    return true;
}

/* Much that would leave at once anyway leaves from where it is, if the leaf allows that. */
static bool may_write_through(const conn *c, size_t size)
{
    return size >= FLUSH_BYTES && c->out == NULL && c->leaf->copies && !wf_conn_transforms(c) &&
           (c->flags & (CONN_BLOCKED | CONN_OPENING | CONN_BUSY | CONN_FLUSHING | CONN_CLOSED)) ==
               0;
}

/* What of a borrowed item has not left is copied. */
static weft_err keep_rest(conn_item *item)
{
    weft_bytes rest;
    uint8_t *to;
    weft_err err = weft_bytes_new(item->bytes.size, &to, &rest);
    if (err != WEFT_OK)
        return err;
    memcpy(to, item->bytes.at, item->bytes.size);
    item->bytes = rest;
    return WEFT_OK;
}

static weft_err write_through(conn *c, const void *from, size_t size)
{
    weft_err err = wf_conn_item_put(c, &c->out, (weft_bytes){from, size, NULL});
    if (err != WEFT_OK)
        return err;
    bool outermost = conn_busy(c); /* it is there until this is done with it */
    wf_conn_flush(c);
    if (c->out != NULL && (err = keep_rest(&c->out->item[c->out->first])) != WEFT_OK)
        wf_conn_lost(c, err, "no memory for the rest of what was being written");
    wf_conn_idle(c, outermost);
    return err;
}

weft_err wf_conn_queue_copy(conn *c, const void *from, size_t size)
{
    weft_bytes bytes;
    uint8_t *to;
    if (size == 0)
        return WEFT_OK;
    weft_err err = check_room(c, size);
    if (err != WEFT_OK)
        return err;
    if (may_write_through(c, size))
        return write_through(c, from, size);
    if (coalesce(c, from, size))
        return WEFT_OK;
    /* the more stands before it, the more will likely follow: answers of a pipeline gather in one */
    size_t room = c->out == NULL ? COPY_ROOM_MIN : COPY_ROOM_MAX;
    err = weft_bytes_new(size < room ? room : size, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from, size);
    bytes.size = size;
    err = wf_conn_queue_bytes(c, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

weft_err wf_conn_queue_file(conn *c, weft_file *file, uint64_t offset, uint64_t size)
{
    if (size == 0)
        return WEFT_OK;
    conn_item *item = wf_conn_item_new(c, &c->out);
    if (item == NULL)
        return WEFT_ENOMEM;
    *item = (conn_item){.bytes = {.size = size}, .file = weft_file_share(file), .offset = offset};
    wf_conn_schedule(c);
    return WEFT_OK;
}

/* ---- sending */

static void drained(conn *c)
{
    if ((c->flags & CONN_DRAIN) != 0 && c->queued <= queue_max(c) / LOW_DIVISOR) {
        weft_drained body = {weft_self(conn_actor(c))};
        c->flags &= ~(uint32_t)CONN_DRAIN;
        if (weft_event(conn_actor(c), c->owner, &weft_drained_type, &body) == WEFT_ENOMEM) {
            /* whoever waits for it would wait for ever */
            wf_conn_lost(c, WEFT_ENOMEM, "no memory to tell its owner of room");
            return;
        }
    }
    wf_conn_pull(c);
}

void wf_conn_pull(conn *c)
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
    else
        wf_conn_lost(c, err, "no memory to ask its producer for more");
}

/* Everything has left: half close, or the end. */
static void flushed(conn *c)
{
    if (!conn_down_done(c))
        return;
    if ((c->flags & (CONN_END_OUT | CONN_END_SENT)) == CONN_END_OUT &&
        (c->flags & CONN_CLOSING) == 0) {
        c->flags |= CONN_END_SENT;
        /* where the peer has ended too, closing, which follows, says the same */
        if ((c->flags & (CONN_ENDED_TOLD | CONN_DATA_OUT)) != CONN_ENDED_TOLD)
            c->leaf->end(c);
    }
    if ((c->flags & (CONN_CLOSING | CONN_END_SENT)) != 0) {
        /* a message that is out no longer holds back a stream that closes */
        if ((c->flags & CONN_CLOSING) != 0)
            c->flags &= ~(uint32_t)CONN_DATA_OUT;
        wf_conn_deliver(c);
    }
}

/* A leaf that sends no files is given their bytes. */
static weft_err send_file_piece(conn *c, const conn_item *item, size_t *sent, weft_why *why)
{
    conn_item piece = {.file = NULL};
    weft_err err = wf_conn_file_piece(item, FLUSH_BYTES, &piece.bytes, why);
    if (err != WEFT_OK)
        return err;
    err = c->leaf->write(c, &piece, 1, sent, why);
    weft_bytes_drop(&piece.bytes);
    return err;
}

/* What stands in several pieces of the queue leaves with one call, which costs more than many small items do. */
static weft_err send_pieces(conn *c, size_t *sent, weft_why *why)
{
    conn_item many[CONN_WRITE_ITEMS];
    unsigned n = 0;
    for (const conn_out *o = c->out; o != NULL && n < CONN_WRITE_ITEMS; o = o->next)
        for (uint32_t i = o->first; i < o->n && n < CONN_WRITE_ITEMS; i++)
            many[n++] = o->item[i];
    return c->leaf->write(c, many, n, sent, why);
}

static void took(conn *c, size_t sent)
{
    if (sent == 0)
        return;
    wf_conn_items_take(c, &c->out, sent);
    if (c->rare != NULL)
        c->rare->moved = true;
}

static weft_err send_some(conn *c, weft_why *why)
{
    const conn_out *o = c->out;
    const conn_item *item = &o->item[o->first];
    size_t sent = 0;
    weft_err err = o->next != NULL ? send_pieces(c, &sent, why)
                                   : c->leaf->write(c, item, o->n - o->first, &sent, why);
    if (err == WEFT_EUNSUPPORTED && item->file != NULL)
        err = send_file_piece(c, item, &sent, why);
    took(c, sent);
    return err;
}

/* What is queued, then what stages make of what waits above them, until nothing is left or goes. */
static weft_err send_all(conn *c, weft_why *why)
{
    weft_err err = WEFT_OK;
    do {
        while (c->out != NULL && err == WEFT_OK)
            err = send_some(c, why);
        if (err == WEFT_OK && wf_conn_transforms(c))
            err = wf_conn_down_move(c, why);
    } while (err == WEFT_OK && c->out != NULL);
    return err;
}

/* What sending has come to. */
static void sending_done(conn *c, weft_err err, weft_why *why)
{
    c->flags &= ~(uint32_t)CONN_FLUSHING;
    if (err == WEFT_ELOST && (c->flags & CONN_GOODBYE) != 0) {
        wf_conn_out_drop(c);
        err = WEFT_OK;
    }
    if (err == WEFT_EFULL) {
        c->flags |= CONN_BLOCKED;
        wf_conn_watch(c);
    } else if (err != WEFT_OK)
        wf_conn_lost(c, err, why->text);
    if ((c->flags & CONN_CLOSED) == 0)
        drained(c);
    if ((c->flags & CONN_CLOSED) == 0 && c->out == NULL)
        flushed(c);
}

void wf_conn_flush(conn *c)
{
    weft_why why = {""};
    if ((c->flags & (CONN_CLOSED | CONN_OPENING | CONN_BLOCKED | CONN_FLUSHING)) != 0)
        return;
    bool outermost = conn_busy(c);
    c->flags |= CONN_FLUSHING;
    sending_done(c, send_all(c, &why), &why);
    wf_conn_idle(c, outermost);
}

void wf_conn_flush_on(conn *c, weft_err err, size_t sent, weft_why *why)
{
    if ((c->flags & CONN_CLOSED) != 0) {
        c->flags &= ~(uint32_t)CONN_FLUSHING;
        return;
    }
    took(c, sent);
    sending_done(c, err == WEFT_OK ? send_all(c, why) : err, why);
}
