/* SPDX-License-Identifier: MIT */
/* The stack of stages: pulled upward one piece at a time, pushed downward. */
#include <stdlib.h>
#include <string.h>

#include "conn.h"

struct weft_stage {
    const weft_stage_ops *ops;
    conn *owner;
    weft_stage *above, *below;
    weft_bytes in;     /* came from below and was not taken */
    bool below_ended;  /* nothing more comes from below */
    bool ended;        /* and that was passed on */
    bool starved;      /* asked for more since @in last grew */
    _Alignas(16) unsigned char state[];
};

void *weft_stage_state(weft_stage *stage)
{
    return stage->state;
}

void weft_stage_take(weft_stage *stage, size_t size)
{
    stage->in = weft_bytes_slice(stage->in, size, SIZE_MAX);
    if (stage->in.size == 0)
        weft_bytes_drop(&stage->in);
}

weft_err weft_stage_bytes(weft_stage *stage, size_t size, uint8_t **to, weft_bytes *out)
{
    return weft_bytes_charged(size, &stage->owner->window, to, out);
}

/* Puts @more behind @in, in one run; takes its share. Room doubles, so that a frame that comes byte by
 * byte is copied a few times, not once a byte. */
static weft_err append(conn *c, weft_bytes *in, weft_bytes more)
{
    if (in->size == 0) {
        weft_bytes_drop(in);
        *in = more;
        return WEFT_OK;
    }
    if (weft_bytes_spare(*in) < more.size) {
        weft_bytes bigger;
        uint8_t *to;
        size_t room = 2 * (in->size + more.size);
        weft_err err = weft_bytes_charged(room, &c->window, &to, &bigger);
        if (err != WEFT_OK) {
            weft_bytes_drop(&more);
            return err;
        }
        memcpy(to, in->at, in->size);
        bigger.size = in->size;
        weft_bytes_drop(in);
        *in = bigger;
    }
    memcpy((uint8_t *)(uintptr_t)in->at + in->size, more.at, more.size);
    in->size += more.size;
    weft_bytes_drop(&more);
    return WEFT_OK;
}

weft_err conn_stages_give(conn *c, weft_bytes bytes)
{
    weft_stage *bottom = c->rare->bottom;
    if (bottom == NULL)
        return append(c, &c->rare->unread, bytes);
    bottom->starved = false;
    return append(c, &bottom->in, bytes);
}

/* One piece out of @stage. Below the bottom is the leaf, which gives by conn_stages_give. */
static conn_pulled pull(conn *c, weft_stage *stage, weft_piece *piece, weft_err *err, weft_why *why)
{
    if (stage == NULL)
        return CONN_NOTHING;
    for (;;) {
        *piece = (weft_piece){.kind = WEFT_PIECE_NONE};
        if (stage->in.size != 0 && !stage->starved) {
            *err = stage->ops->up(stage, stage->in, piece, why);
            if (*err != WEFT_OK)
                return CONN_BROKEN;
            if (piece->kind != WEFT_PIECE_NONE)
                return CONN_PIECE;
            stage->starved = true;
        }
        weft_piece sub;
        conn_pulled got = pull(c, stage->below, &sub, err, why);
        if (got == CONN_BROKEN)
            return got;
        if (got == CONN_PIECE && sub.kind == WEFT_PIECE_BYTES) {
            stage->starved = false;
            *err = append(c, &stage->in, sub.bytes);
            if (*err != WEFT_OK)
                return CONN_BROKEN;
            continue;
        }
        if (got == CONN_PIECE && sub.kind == WEFT_PIECE_END)
            stage->below_ended = true;
        if (stage->below == NULL && (c->flags & CONN_ENDED_IN) != 0)
            stage->below_ended = true;
        if (!stage->below_ended || stage->ended)
            return CONN_NOTHING;
        *piece = (weft_piece){.kind = WEFT_PIECE_NONE};
        if (stage->ops->up_end != NULL) {
            *err = stage->ops->up_end(stage, stage->in, piece, why);
            if (*err != WEFT_OK)
                return CONN_BROKEN;
            if (piece->kind != WEFT_PIECE_NONE && piece->kind != WEFT_PIECE_END)
                return CONN_PIECE;
        }
        stage->ended = true;
        piece->kind = WEFT_PIECE_END;
        return CONN_PIECE;
    }
}

conn_pulled conn_stages_pull(conn *c, weft_piece *piece, weft_err *err, weft_why *why)
{
    conn_rare *rare = c->rare;
    if (rare->unread.size != 0) {
        *piece = (weft_piece){.kind = WEFT_PIECE_BYTES, .bytes = rare->unread};
        rare->unread = WEFT_NO_BYTES;
        return CONN_PIECE;
    }
    return pull(c, rare->top, piece, err, why);
}

size_t conn_stages_unread(const conn *c)
{
    if (c->rare == NULL)
        return 0;
    size_t n = c->rare->unread.size;
    for (const weft_stage *s = c->rare->top; s != NULL; s = s->below)
        n += s->in.size;
    return n;
}

/* ---- downward */

static weft_err down_from(conn *c, weft_stage *stage, weft_bytes bytes)
{
    weft_why why = {""};
    while (stage != NULL && stage->ops->down == NULL)
        stage = stage->below;
    if (stage == NULL)
        return conn_queue_bytes(c, bytes);
    weft_err err = stage->ops->down(stage, bytes, &why);
    if (err != WEFT_OK && err != WEFT_EFULL)
        conn_lost(c, err, why.text);
    return err;
}

weft_err weft_stage_send(weft_stage *stage, weft_bytes bytes)
{
    return down_from(stage->owner, stage->below, bytes);
}

weft_err conn_stages_down(conn *c, weft_bytes bytes)
{
    return down_from(c, c->rare != NULL ? c->rare->top : NULL, bytes);
}

weft_err conn_stages_end(conn *c)
{
    weft_why why = {""};
    for (weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        if (s->ops->down_end != NULL) {
            weft_err err = s->ops->down_end(s, &why);
            if (err != WEFT_OK)
                return err;
        }
    return WEFT_OK;
}

bool conn_transforms(const conn *c)
{
    for (const weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        if (s->ops->down != NULL)
            return true;
    return false;
}

static void stage_free(weft_stage *stage)
{
    if (stage->ops->close != NULL)
        stage->ops->close(stage);
    weft_bytes_drop(&stage->in);
    free(stage);
}

void conn_stages_close(conn *c)
{
    if (c->rare == NULL)
        return;
    for (weft_stage *s = c->rare->top, *below; s != NULL; s = below) {
        below = s->below;
        stage_free(s);
    }
    c->rare->top = c->rare->bottom = NULL;
    weft_bytes_drop(&c->rare->unread);
}

/* ---- changing the stack */

static void link_in(conn_rare *rare, weft_stage *s, weft_stage_place place)
{
    if (place == WEFT_STAGE_TOP) {
        s->below = rare->top;
        if (s->below != NULL)
            s->below->above = s;
        else
            rare->bottom = s;
        rare->top = s;
    } else {
        s->above = rare->bottom;
        if (s->above != NULL)
            s->above->below = s;
        else
            rare->top = s;
        rare->bottom = s;
    }
}

static void link_out(conn_rare *rare, weft_stage *s)
{
    if (s->above != NULL)
        s->above->below = s->below;
    else
        rare->top = s->below;
    if (s->below != NULL)
        s->below->above = s->above;
    else
        rare->bottom = s->above;
}

weft_err weft_push(weft_actor *self, weft_ref stream, const weft_stage_ops *ops, const void *config,
                   weft_stage_place place, weft_why *why)
{
    conn *c = conn_here(stream);
    (void)self;
    if (c == NULL || (c->flags & CONN_CLOSED) != 0)
        return weft_because(why, WEFT_EGONE, "there is no such stream on this reactor");
    if (place == WEFT_STAGE_BOTTOM && conn_stages_unread(c) != 0)
        return weft_because(why, WEFT_EPROTO,
                            "%zu bytes came before the %s stage was there: they cannot count as "
                            "said within it",
                            conn_stages_unread(c), ops->name);
    conn_rare *rare = conn_rare_of(c);
    weft_stage *s = rare != NULL ? calloc(1, sizeof *s + ops->state_bytes) : NULL;
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the %s stage", ops->name);
    s->ops = ops;
    s->owner = c;
    link_in(rare, s, place);
    if (place == WEFT_STAGE_TOP) {
        s->in = rare->unread;
        rare->unread = WEFT_NO_BYTES;
    }
    weft_err err = ops->open != NULL ? ops->open(s, config, why) : WEFT_OK;
    if (err != WEFT_OK) {
        rare->unread = s->in;
        s->in = WEFT_NO_BYTES;
        link_out(rare, s);
        stage_free(s);
    }
    return err;
}

weft_err weft_pop(weft_actor *self, weft_ref stream, const weft_stage_ops *ops)
{
    conn *c = conn_here(stream);
    (void)self;
    if (c == NULL)
        return WEFT_EGONE;
    conn_rare *rare = c->rare;
    weft_stage *s = rare != NULL ? rare->top : NULL;
    if (s == NULL || s->ops != ops)
        return WEFT_ENOTFOUND;
    weft_bytes rest = s->in;
    weft_err err = WEFT_OK;
    s->in = WEFT_NO_BYTES;
    link_out(rare, s);
    stage_free(s);
    if (rest.size != 0)
        err = append(c, &rare->unread, rest);
    if (err != WEFT_OK)
        conn_lost(c, err, "no memory for what a stage had not used");
    return err;
}

size_t weft_unread(weft_actor *self, weft_ref stream)
{
    const conn *c = conn_here(stream);
    (void)self;
    return c != NULL ? conn_stages_unread(c) : 0;
}
