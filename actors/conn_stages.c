/* SPDX-License-Identifier: MIT */
/* The stack of stages, upward: pulled one piece at a time; and how it changes. */
#include <string.h>

#include "conn.h"

enum {
    /* a window smaller than a frame, or than a TLS record, must not stop the stream: the stages may
     * always gather this much */
    STAGES_BYTES_MIN = 128 << 10,
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

weft_err wf_conn_stages_give(conn *c, weft_bytes bytes)
{
    weft_stage *bottom = c->rare->bottom;
    if (bottom == NULL)
        return append(c, &c->rare->unread, bytes);
    bottom->starved = false;
    return append(c, &bottom->in, bytes);
}

weft_err wf_conn_stages_give_back(conn *c, weft_bytes bytes)
{
    weft_bytes rest = c->rare->unread;
    c->rare->unread = weft_bytes_share(bytes);
    return rest.size != 0 ? append(c, &c->rare->unread, rest) : WEFT_OK;
}

/* Runs @fn, which makes a piece of what stands below @stage. */
static weft_err make(weft_stage *stage,
                     weft_err (*fn)(weft_stage *stage, weft_bytes in, weft_piece *out,
                                    weft_why *why),
                     weft_piece *piece, weft_why *why)
{
    conn_rare *rare = stage->owner->rare;
    *piece = (weft_piece){.kind = WEFT_PIECE_NONE};
    rare->in_up = true;
    weft_err err = fn(stage, stage->in, piece, why);
    rare->in_up = false;
    stage->not_now = false;
    if (err == WEFT_OK && piece->kind == WEFT_PIECE_FRAME && stage->above != NULL) {
        weft_bytes_drop(&piece->bytes);
        err =
            weft_because(why, WEFT_EINTERNAL,
                         "the %s stage makes messages: nothing can stand on it", stage->ops->name);
    }
    return err;
}

static conn_pulled pull(conn *c, weft_stage *stage, weft_piece *piece, weft_err *err,
                        weft_why *why);

/* Has @stage given more to work on. CONN_PIECE: something was added; CONN_NOTHING: nothing is there now,
 * or nothing will come (@ended). */
static conn_pulled feed(conn *c, weft_stage *stage, bool *ended, weft_err *err, weft_why *why)
{
    weft_piece sub;
    if (stage->below == NULL) {
        *ended = (c->flags & CONN_ENDED_IN) != 0;
        return CONN_NOTHING;
    }
    conn_pulled got = pull(c, stage->below, &sub, err, why);
    *ended = stage->below->ended;
    if (got != CONN_PIECE || sub.kind == WEFT_PIECE_END)
        return got == CONN_BROKEN ? got : CONN_NOTHING;
    stage->starved = false;
    *err = append(c, &stage->in, sub.bytes);
    return *err == WEFT_OK ? CONN_PIECE : CONN_BROKEN;
}

/* One piece out of @stage; its end too is told once. */
static conn_pulled pull(conn *c, weft_stage *stage, weft_piece *piece, weft_err *err, weft_why *why)
{
    bool ended = false;
    conn_pulled got = CONN_PIECE;
    if (stage == NULL || stage->ended)
        return CONN_NOTHING;
    while (got == CONN_PIECE) {
        if (!stage->starved) {
            *err = make(stage, stage->ops->up, piece, why);
            if (*err != WEFT_OK)
                return CONN_BROKEN;
            stage->ended = piece->kind == WEFT_PIECE_END;
            if (piece->kind != WEFT_PIECE_NONE)
                return CONN_PIECE;
            stage->starved = true;
        }
        got = feed(c, stage, &ended, err, why);
    }
    if (got == CONN_BROKEN || !ended)
        return got;
    if (stage->ops->up_end != NULL) {
        *err = make(stage, stage->ops->up_end, piece, why);
        if (*err != WEFT_OK)
            return CONN_BROKEN;
        if (piece->kind != WEFT_PIECE_NONE && piece->kind != WEFT_PIECE_END)
            return CONN_PIECE;
    }
    stage->ended = true;
    *piece = (weft_piece){.kind = WEFT_PIECE_END};
    return CONN_PIECE;
}

/* ---- taking one out */

static void let_open(weft_stage *stage)
{
    if (stage->holding)
        stage->owner->rare->holding--;
    stage->holding = false;
}

static void stage_free(weft_stage *stage)
{
    let_open(stage);
    stage->owner->rare->leaving = (uint8_t)(stage->owner->rare->leaving - stage->leaving);
    if (stage->ops->close != NULL)
        stage->ops->close(stage);
    wf_conn_items_drop(&stage->down);
    weft_bytes_drop(&stage->in);
    weft_alloc_free(stage);
}

static void link_out(conn_rare *rare, weft_stage *s)
{
    if (rare->floor == s)
        rare->floor = s->below;
    if (s->above != NULL)
        s->above->below = s->below;
    else
        rare->top = s->below;
    if (s->below != NULL)
        s->below->above = s->above;
    else
        rare->bottom = s->above;
}

/* Takes out those that have done their work; no function of a stage runs, and nobody holds one. */
static void sweep(conn *c)
{
    conn_rare *rare = c->rare;
    for (weft_stage *s = rare->top, *below; s != NULL; s = below) {
        below = s->below;
        if (!s->leaving || s->in.size != 0 || s->down != NULL || (s->ending && !s->down_ended))
            continue;
        link_out(rare, s);
        stage_free(s);
    }
}

conn_pulled wf_conn_stages_pull(conn *c, weft_piece *piece, weft_err *err, weft_why *why)
{
    conn_rare *rare = c->rare;
    if (rare->leaving != 0)
        sweep(c);
    if (rare->unread.size != 0) {
        *piece = (weft_piece){.kind = WEFT_PIECE_BYTES, .bytes = rare->unread};
        rare->unread = WEFT_NO_BYTES;
        return CONN_PIECE;
    }
    return pull(c, rare->top, piece, err, why);
}

size_t wf_conn_stages_unread(const conn *c)
{
    if (c->rare == NULL)
        return 0;
    size_t n = c->rare->unread.size;
    for (const weft_stage *s = c->rare->top; s != NULL; s = s->below)
        n += s->in.size;
    return n;
}

size_t wf_conn_stages_charge(const conn *c)
{
    size_t n = 0;
    for (const weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        n += weft_bytes_charge(s->in);
    return n;
}

bool wf_conn_stages_hungry(const conn *c)
{
    /* bytes, not what their buffer is charged at: a frame as long as the window must fit, although its
     * buffer grows by doubling */
    size_t max = c->window.max > STAGES_BYTES_MIN ? c->window.max : STAGES_BYTES_MIN;
    return wf_conn_stages_unread(c) < max &&
           c->window.held - wf_conn_stages_charge(c) <= c->window.max;
}

/* ---- what a stage says of itself */

void wf_conn_stages_go_on(conn *c)
{
    for (weft_stage *s = c->rare != NULL ? c->rare->top : NULL; s != NULL; s = s->below)
        s->starved = s->starved && s->in.size == 0;
}

bool weft_stage_is_last(const weft_stage *stage)
{
    const conn *c = stage->owner;
    return (c->flags & (CONN_OPENING | CONN_HELD)) != 0 && c->rare->holding == 0;
}

void weft_stage_ready(weft_stage *stage)
{
    bool held = stage->holding;
    let_open(stage);
    if (held && (stage->owner->flags & CONN_HELD) != 0)
        wf_conn_deliver(stage->owner);
}

void weft_stage_leave(weft_stage *stage)
{
    if (!stage->leaving)
        stage->owner->rare->leaving++;
    stage->leaving = true;
}

void weft_stage_again(weft_stage *stage)
{
    conn *c = stage->owner;
    bool outermost = conn_busy(c);
    stage->starved = false;
    stage->not_now = false;
    c->flags |= CONN_AGAIN;
    wf_conn_down_pump(c);
    wf_conn_idle(c, outermost);
}

void weft_stage_fail(weft_stage *stage, weft_err reason, const char *why)
{
    wf_conn_broken(stage->owner, reason, why);
}

void wf_conn_stages_close(conn *c)
{
    if (c->rare == NULL)
        return;
    for (weft_stage *s = c->rare->top, *below; s != NULL; s = below) {
        below = s->below;
        stage_free(s);
    }
    c->rare->top = c->rare->bottom = c->rare->floor = NULL;
    weft_bytes_drop(&c->rare->unread);
}

/* ---- changing the stack */

/* What its URL put on a stream is of the wire: the owner's lowest stage stands above it. */
static void link_above(conn_rare *rare, weft_stage *s, weft_stage *below)
{
    s->below = below;
    s->above = below->above;
    below->above = s;
    if (s->above != NULL)
        s->above->below = s;
    else
        rare->top = s;
}

static void link_in(conn_rare *rare, weft_stage *s, weft_stage_place place)
{
    if (place == WEFT_STAGE_BOTTOM && rare->floor != NULL) {
        link_above(rare, s, rare->floor);
    } else if (place == WEFT_STAGE_TOP) {
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

static weft_stage *stage_new(conn *c, const weft_stage_ops *ops, weft_stage_place place)
{
    conn_rare *rare = wf_conn_rare_of(c);
    weft_stage *s = rare != NULL ? weft_alloc_zero(sizeof *s + ops->state_bytes) : NULL;
    if (s == NULL)
        return NULL;
    s->ops = ops;
    s->owner = c;
    link_in(rare, s, place);
    if (place == WEFT_STAGE_TOP) {
        s->in = rare->unread;
        rare->unread = WEFT_NO_BYTES;
    }
    s->starved = s->in.size == 0;
    s->holding = ops->holds && (c->flags & (CONN_OPENING | CONN_HELD)) != 0;
    rare->holding = (uint8_t)(rare->holding + s->holding);
    return s;
}

/* Whether what is sent by a stage at the owner's bottom would be taken for what was written above it. */
static bool lets_by_above(const conn *c)
{
    for (const weft_stage *s = c->rare != NULL ? c->rare->top : NULL;
         s != NULL && s != c->rare->floor; s = s->below)
        if (s->lets_by)
            return true;
    return false;
}

/* What a stage at the owner's bottom would have been for, had it been there. */
static size_t unread_above(const conn *c)
{
    if (c->rare == NULL)
        return 0;
    size_t n = c->rare->unread.size;
    for (const weft_stage *s = c->rare->top; s != NULL && s != c->rare->floor; s = s->below)
        n += s->in.size;
    return n;
}

weft_err weft_push(weft_actor *self, weft_ref stream, const weft_stage_ops *ops, const void *config,
                   weft_stage_place place, weft_why *why)
{
    conn *c = wf_conn_here(stream);
    (void)self;
    if (c == NULL || (c->flags & (CONN_CLOSED | CONN_CLOSING | CONN_END_OUT)) != 0)
        return weft_because(why, WEFT_EGONE,
                            "there is no such stream on this reactor, or it has been ended");
    if (place == WEFT_STAGE_BOTTOM && unread_above(c) != 0)
        return weft_because(why, WEFT_EPROTO,
                            "%zu bytes came before the %s stage was there: they cannot count as "
                            "said within it",
                            unread_above(c), ops->name);
    if (place == WEFT_STAGE_BOTTOM && lets_by_above(c))
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "the %s stage cannot stand below TLS whose records the kernel seals",
                            ops->name);
    weft_stage *s = stage_new(c, ops, place);
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the %s stage", ops->name);
    bool outermost = conn_busy(c);
    weft_err err = ops->open != NULL ? ops->open(s, config, why) : WEFT_OK;
    wf_conn_idle(c, outermost);
    if (err != WEFT_OK) {
        c->rare->unread = s->in;
        s->in = WEFT_NO_BYTES;
        link_out(c->rare, s);
        stage_free(s);
    }
    return err;
}

weft_err weft_pop(weft_actor *self, weft_ref stream, const weft_stage_ops *ops)
{
    conn *c = wf_conn_here(stream);
    (void)self;
    if (c == NULL)
        return WEFT_EGONE;
    conn_rare *rare = c->rare;
    weft_stage *s = rare != NULL ? rare->top : NULL;
    if (s == NULL || s->ops != ops)
        return WEFT_ENOTFOUND;
    if (s->down != NULL)
        return WEFT_EFULL;
    weft_bytes rest = s->in;
    weft_err err = WEFT_OK;
    s->in = WEFT_NO_BYTES;
    link_out(rare, s);
    stage_free(s);
    if (rest.size != 0)
        err = append(c, &rare->unread, rest);
    if (err != WEFT_OK)
        wf_conn_lost(c, err, "no memory for what a stage had not used");
    else
        wf_conn_deliver(c);
    return err;
}

size_t weft_unread(weft_actor *self, weft_ref stream)
{
    const conn *c = wf_conn_here(stream);
    (void)self;
    return c != NULL ? wf_conn_stages_unread(c) : 0;
}

weft_stage *weft_stage_of(weft_actor *self, weft_ref stream, const weft_stage_ops *ops)
{
    const conn *c = wf_conn_here(stream);
    weft_stage *s = c != NULL && c->rare != NULL ? c->rare->top : NULL;
    (void)self;
    while (s != NULL && s->ops != ops)
        s = s->below;
    return s;
}
