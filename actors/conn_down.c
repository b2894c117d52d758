/* SPDX-License-Identifier: MIT */
/* What is written, on its way down through the stages.
 *
 *     weft_write ──▶ [waits] stage [waits] stage ──▶ queue ──▶ wire
 *
 * What is written stands above a stage until that takes it and there is room below, so that a transformer
 * keeps its input, whole and counted as the owner's, rather than output that nobody has room for. A stage
 * is never called from within itself: what it sends is put in front of the next one, which is called
 * later. The owner's end follows behind, stage by stage.
 *
 * The lowest of them may let everything by, when what is below does its work: then what stands above it is
 * put on the wire's queue as it is, files as files, and only the end is still the stage's. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"

enum {
    WIRE_LOW = 64 << 10,  /* stages work while the queue of the wire is below this */
    PIECE_MAX = 64 << 10, /* of a file read at a time */
};

weft_stage *wf_conn_taker(weft_stage *stage)
{
    while (stage != NULL && stage->ops->down == NULL && stage->ops->down_end == NULL)
        stage = stage->below;
    return stage;
}

bool wf_conn_transforms(const conn *c)
{
    return c->rare != NULL && wf_conn_taker(c->rare->top) != NULL;
}

/* Puts a share of @bytes in front of @to, or of the wire. */
static weft_err put(conn *c, weft_stage *to, weft_bytes bytes)
{
    if (bytes.size == 0)
        return WEFT_OK;
    if (to == NULL) {
        weft_err err = wf_conn_item_put(c, &c->out, bytes);
        if (err == WEFT_OK)
            wf_conn_schedule(c);
        return err;
    }
    weft_err err = wf_conn_item_put(c, &to->down, bytes);
    if (err == WEFT_OK && wf_conn_is_fresh(bytes))
        c->rare->above += (uint32_t)bytes.size;
    return err;
}

weft_err weft_stage_send(weft_stage *stage, weft_bytes bytes)
{
    conn *c = stage->owner;
    const conn_rare *rare = c->rare;
    if ((c->flags & (CONN_CLOSED | CONN_END_SENT)) != 0)
        return WEFT_EGONE;
    if (rare->in_up && c->queued - rare->above >= rare->write_queue_max)
        return WEFT_ELIMIT;
    return put(c, wf_conn_taker(stage->below), bytes);
}

weft_err wf_conn_send_record(weft_stage *stage, uint8_t type, weft_bytes bytes)
{
    conn *c = stage->owner;
    weft_err err = weft_stage_send(stage, bytes);
    if (err != WEFT_OK)
        return err;
    /* it stands there: nothing is flushed while a stage works */
    conn_out *last = c->out->last;
    last->item[last->n - 1].offset = type;
    return WEFT_OK;
}

void wf_conn_written_drop(conn *c)
{
    for (weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        wf_conn_items_drop(&s->down);
    wf_conn_out_drop(c);
}

weft_err wf_conn_down_bytes(conn *c, weft_bytes bytes)
{
    weft_err err = wf_conn_check_room(c, bytes);
    if (err != WEFT_OK)
        return err;
    err = put(c, wf_conn_taker(c->rare->top), bytes);
    if (err == WEFT_OK)
        wf_conn_down_pump(c);
    return err;
}

weft_err wf_conn_down_file(conn *c, weft_file *file, uint64_t offset, uint64_t size)
{
    weft_stage *to = wf_conn_taker(c->rare->top);
    if (to->ops->down == NULL || to->ops->down_bytes_max == 0)
        return WEFT_EUNSUPPORTED;
    if (size == 0)
        return WEFT_OK;
    conn_item *item = wf_conn_item_new(c, &to->down);
    if (item == NULL)
        return WEFT_ENOMEM;
    *item = (conn_item){.bytes = {.size = size}, .file = weft_file_share(file), .offset = offset};
    wf_conn_down_pump(c);
    return WEFT_OK;
}

weft_err wf_conn_file_piece(const conn_item *item, size_t max, weft_bytes *out, weft_why *why)
{
    uint8_t *to;
    size_t size = item->bytes.size < max ? item->bytes.size : max;
    weft_err err = weft_bytes_new(size, &to, out);
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory for a piece of a file");
    ssize_t n = pread(weft_file_fd(item->file), to, size, (off_t)item->offset);
    if (n > 0) {
        out->size = (size_t)n;
        return WEFT_OK;
    }
    weft_bytes_drop(out);
    if (n < 0)
        return weft_because(why, WEFT_EIO, "pread: %s", strerror(errno));
    return weft_because(why, WEFT_ETRUNCATED, "the file being sent became %zu bytes shorter",
                        item->bytes.size);
}

/* ---- moving on */

static bool room_below(const conn *c, const weft_stage *s)
{
    const weft_stage *next = wf_conn_taker(s->below);
    return next != NULL ? next->down == NULL : c->queued - c->rare->above < WIRE_LOW;
}

/* Whether what is next goes by @s, or is given to it. errors: EFULL: neither, before the wire is empty. */
static weft_err ask(conn *c, weft_stage *s)
{
    const conn_item *item = &s->down->item[s->down->first];
    if (s->lets_by || s->ops->lets_by == NULL || wf_conn_taker(s->below) != NULL)
        return WEFT_OK;
    weft_err err = s->ops->lets_by(s, item->file != NULL, item->bytes.size);
    s->lets_by = err == WEFT_OK;
    /* what is on the wire leaves at the end of the round, or when there is room, and then this goes on */
    return err == WEFT_EFULL && conn_has_output(c) ? err : WEFT_OK;
}

/* The front of what waits above @s goes by. */
static weft_err pass(conn *c, weft_stage *s, weft_why *why)
{
    const conn_item *item = &s->down->item[s->down->first];
    size_t size = item->bytes.size;
    weft_err err;
    if (item->file != NULL)
        err = wf_conn_queue_file(c, item->file, item->offset, size);
    else
        err = put(c, NULL, item->bytes);
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory for what was written");
    if (item->file == NULL && wf_conn_is_fresh(item->bytes))
        c->rare->above -= (uint32_t)size;
    wf_conn_items_take(c, &s->down, size);
    return WEFT_OK;
}

/* One piece off the front of what waits above @s. */
static weft_err one_piece(conn *c, weft_stage *s, weft_why *why)
{
    const conn_item *item = &s->down->item[s->down->first];
    size_t max = s->ops->down_bytes_max != 0 ? s->ops->down_bytes_max : SIZE_MAX;
    weft_bytes piece = weft_bytes_slice(item->bytes, 0, max), read = WEFT_NO_BYTES;
    weft_err err = WEFT_OK;
    if (item->file != NULL) {
        err = wf_conn_file_piece(item, max < PIECE_MAX ? max : PIECE_MAX, &read, why);
        piece = read;
    }
    if (err == WEFT_OK)
        err = s->ops->down != NULL ? s->ops->down(s, piece, why)
                                   : put(c, wf_conn_taker(s->below), piece);
    if (err == WEFT_OK) {
        if (item->file == NULL && wf_conn_is_fresh(item->bytes))
            c->rare->above -= (uint32_t)piece.size;
        wf_conn_items_take(c, &s->down, piece.size);
    }
    weft_bytes_drop(&read);
    return err;
}

/* The end goes on below @s. */
static void end_below(conn *c, weft_stage *s)
{
    weft_stage *next = wf_conn_taker(s);
    if (next != NULL)
        next->ending = true;
    else
        c->flags |= CONN_DOWN_ENDED;
}

/* What waits above @s goes through it, as far as it goes. @moved: something did. */
static weft_err through(conn *c, weft_stage *s, bool *moved, weft_why *why)
{
    weft_err err = WEFT_OK;
    while (s->down != NULL && !s->not_now && room_below(c, s)) {
        if (ask(c, s) != WEFT_OK)
            break;
        err = s->lets_by ? pass(c, s, why) : one_piece(c, s, why);
        if (err != WEFT_OK)
            break;
        *moved = true;
    }
    if (err == WEFT_OK && s->down == NULL && s->ending && !s->down_ended && !s->not_now) {
        err = s->ops->down_end != NULL ? s->ops->down_end(s, why) : WEFT_OK;
        if (err == WEFT_OK) {
            s->down_ended = *moved = true;
            end_below(c, s->below);
        }
    }
    if (err == WEFT_EFULL) {
        s->not_now = true;
        return WEFT_OK;
    }
    return err;
}

weft_err wf_conn_down_move(conn *c, weft_why *why)
{
    weft_err err = WEFT_OK;
    bool moved = true, outermost = conn_busy(c);
    while (moved && err == WEFT_OK) {
        moved = false;
        for (weft_stage *s = c->rare->bottom; s != NULL && err == WEFT_OK; s = s->above)
            if (s->down != NULL || s->ending)
                err = through(c, s, &moved, why);
    }
    wf_conn_idle(c, outermost);
    return err;
}

void wf_conn_down_pump(conn *c)
{
    weft_why why = {""};
    if ((c->flags & CONN_CLOSED) != 0 || !wf_conn_transforms(c))
        return;
    weft_err err = wf_conn_down_move(c, &why);
    if (err != WEFT_OK)
        wf_conn_broken(c, err, why.text);
}

void wf_conn_down_end(conn *c)
{
    if (!wf_conn_transforms(c))
        return;
    end_below(c, c->rare->top);
    wf_conn_down_pump(c);
}

conn_out *wf_conn_early_take(conn *c)
{
    conn_out *early = c->out;
    c->out = NULL;
    return early;
}

static uint64_t fresh_bytes(const conn_out *o)
{
    uint64_t n = 0;
    for (; o != NULL; o = o->next)
        for (uint32_t i = o->first; i < o->n; i++)
            if (o->item[i].file == NULL && wf_conn_is_fresh(o->item[i].bytes))
                n += o->item[i].bytes.size;
    return n;
}

void wf_conn_early_give(conn *c, conn_out *early)
{
    weft_stage *to = c->rare != NULL ? wf_conn_taker(c->rare->top) : NULL;
    conn_out **queue = to != NULL ? &to->down : &c->out;
    if (early == NULL)
        return;
    if (to != NULL)
        c->rare->above += (uint32_t)fresh_bytes(early);
    if (*queue == NULL) {
        *queue = early;
        return;
    }
    /* what a part has said by itself, a header, stands before it */
    (*queue)->last->next = early;
    (*queue)->last = early->last;
}

bool wf_conn_down_waits(const conn *c)
{
    for (const weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        if (s->not_now && (s->down != NULL || (s->ending && !s->down_ended)))
            return true;
    return false;
}
