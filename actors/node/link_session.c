/* SPDX-License-Identifier: MIT */
/* The session: its states, what came, and the time. */
#include "link_session.h"

#include <inttypes.h>
#include <string.h>

#include <weft/edge.h>

#include "link_out.h"
#include "link_visit.h"

enum { CREDIT_PARTS = 8, PARTIAL_ROOM_FIRST = 64 << 10 };

static uint32_t or_else(uint32_t value, uint32_t by_default)
{
    return value != 0 ? value : by_default;
}

void wf_session_init(link_session *s, const link_session_ops *ops, void *context,
                     const link_limits *limits, const link_hello *mine, bool dialed,
                     uint32_t now_ms)
{
    *s = (link_session){.ops = ops, .context = context, .dialed = dialed, .mine = *mine};
    s->limits.credit_bytes = limits->credit_bytes != 0 ? limits->credit_bytes : LINK_CREDIT_BYTES;
    s->limits.message_bytes_max = or_else(limits->message_bytes_max, LINK_MESSAGE_BYTES_MAX);
    s->limits.ping_ms = or_else(limits->ping_ms, LINK_PING_MS);
    s->limits.lost_ms = or_else(limits->lost_ms, LINK_LOST_MS);
    s->limits.hello_ms = or_else(limits->hello_ms, LINK_HELLO_MS);
    s->mine.frame_bytes_max = LINK_FRAME_BYTES_MAX;
    s->mine.credit_bytes = s->limits.credit_bytes;
    s->reader.bytes_max = LINK_HELLO_BYTES_MAX;
    s->began_ms = s->heard_ms = s->pinged_ms = now_ms;
}

void wf_session_done(link_session *s)
{
    wf_link_reader_done(&s->reader);
    for (unsigned i = 0; i < LINK_PARTIAL_MAX; i++)
        weft_alloc_free(s->partial[i].bytes);
    memset(s->partial, 0, sizeof s->partial);
    s->partial_bytes = 0;
    wf_out_done(s);
    s->state = LINK_OVER;
}

/* ---- states */

static weft_err over(link_session *s, weft_err err)
{
    s->err = err;
    s->state = LINK_OVER;
    return err;
}

/* Something that cannot be came: the other side is told so. */
static weft_err refuse(link_session *s, weft_err err, link_bye bye)
{
    if (err != WEFT_ENOMEM)
        wf_session_leave(s, bye, s->why.text);
    return over(s, err);
}

static void go_up(link_session *s)
{
    s->state = LINK_UP;
    s->credit_max =
        s->peer.credit_bytes < INT64_MAX / 4 ? (int64_t)s->peer.credit_bytes : INT64_MAX / 4;
    s->credit = s->credit_max;
    s->reader.bytes_max = LINK_FRAME_BYTES_MAX;
    s->ops->up(s);
}

static weft_err say_hello(link_session *s)
{
    uint8_t body[LINK_HELLO_BYTES_MAX];
    return wf_out_frame(s, LINK_HELLO, body, wf_link_write_hello(body, &s->mine));
}

weft_err wf_session_greet(link_session *s)
{
    s->state = LINK_GREETED;
    return say_hello(s);
}

static weft_err welcome(link_session *s, const link_hello *hello)
{
    s->peer = *hello;
    s->state = LINK_GREETED;
    s->reader.bytes_max = LINK_FRAME_BYTES_MAX;
    return say_hello(s);
}

weft_err wf_session_accept(link_session *s, const link_hello *hello)
{
    s->seq_in = 1;
    return welcome(s, hello);
}

static weft_err on_hello(link_session *s, const link_frame *frame)
{
    link_hello hello;
    link_bye bye = LINK_BYE_PROTOCOL;
    weft_err err = wf_link_read_hello(frame, &hello, &s->why);
    if (err == WEFT_OK && wf_is_visit(&hello))
        err = weft_because(&s->why, WEFT_EPROTO, "a visitor says hello; expected a node");
    if (err == WEFT_OK) {
        bye = LINK_BYE_REFUSED;
        err = s->ops->hello(s, &hello, &bye, &s->why);
    }
    if (err != WEFT_OK)
        return refuse(s, err, bye);
    if (!s->dialed)
        return welcome(s, &hello);
    s->peer = hello;
    /* the other side is up when it has something behind the hello */
    err = wf_out_pair(s, LINK_PING, s->heard_ms);
    if (err != WEFT_OK)
        return over(s, err);
    go_up(s);
    return WEFT_OK;
}

/* ---- what came */

static weft_err taken(link_session *s, uint64_t bytes)
{
    s->taken += bytes;
    s->owed += bytes;
    if (s->taken > s->limits.credit_bytes + s->limits.message_bytes_max)
        return weft_because(&s->why, WEFT_EPROTO,
                            "%" PRIu64 " bytes came; expected no more than the credit of %" PRIu64,
                            s->taken, s->limits.credit_bytes);
    return WEFT_OK;
}

static weft_err on_mail(link_session *s, const link_frame *frame)
{
    const uint8_t *at = frame->body;
    size_t n = frame->bytes;
    link_record r;
    weft_err err;
    while ((err = wf_link_read_record(&at, &n, &r, &s->why)) == WEFT_OK) {
        s->records_in++;
        if (link_op_counts(r.op) && (err = taken(s, wf_link_record_bytes(&r))) != WEFT_OK)
            return err;
        s->ops->record(s, &r);
        if (s->state == LINK_OVER)
            return s->err;
    }
    return err == WEFT_EDONE ? WEFT_OK : err;
}

static weft_err on_atoms(link_session *s, const link_frame *frame)
{
    const uint8_t *at = frame->body;
    size_t n = frame->bytes;
    link_atom a;
    weft_err err;
    while ((err = wf_link_read_atom(&at, &n, &a, &s->why)) == WEFT_OK)
        if (a.id > LINK_ATOMS_MAX)
            return weft_because(&s->why, WEFT_EPROTO, "an atom with number %u; expected %d at most",
                                a.id, LINK_ATOMS_MAX);
        else if ((err = s->ops->atom(s, &a, &s->why)) != WEFT_OK)
            return err;
    return err == WEFT_EDONE ? WEFT_OK : err;
}

/* ---- chunks */

static link_partial *partial_at(link_session *s, uint32_t id)
{
    for (unsigned i = 0; i < LINK_PARTIAL_MAX; i++)
        if (s->partial[i].id == id)
            return &s->partial[i];
    return NULL;
}

static weft_err partial_begin(link_session *s, const link_chunk *c, link_partial **out)
{
    link_partial *p = partial_at(s, 0);
    if (c->offset != 0 || c->bytes < LINK_RECORD_BYTES)
        return weft_because(&s->why, WEFT_EPROTO, "a chunk of %u bytes at %u of nothing", c->bytes,
                            c->offset);
    if (c->total > s->limits.message_bytes_max)
        return weft_because(&s->why, WEFT_EPROTO, "a record of %u bytes; expected %u at most",
                            c->total, s->limits.message_bytes_max);
    if (p == NULL || s->partial_bytes + c->total > LINK_PARTIAL_BYTES_MAX)
        return weft_because(&s->why, WEFT_EPROTO, "more than %d records or %d bytes in chunks",
                            LINK_PARTIAL_MAX, LINK_PARTIAL_BYTES_MAX);
    *p = (link_partial){.id = c->id, .total = c->total};
    p->counted = link_op_counts((link_op)c->at[LINK_OP_OFFSET]);
    s->partial_bytes += c->total;
    *out = p;
    return WEFT_OK;
}

/* Room is taken as bytes come, so that what is only promised costs nothing. */
static weft_err partial_add(link_partial *p, const link_chunk *c)
{
    if (p->got + c->bytes > p->room) {
        uint64_t room = p->room != 0 ? 2 * (uint64_t)p->room : PARTIAL_ROOM_FIRST;
        room = room < p->total ? room : p->total;
        uint8_t *bytes = weft_alloc_again(p->bytes, (size_t)room);
        if (bytes == NULL)
            return WEFT_ENOMEM;
        p->bytes = bytes;
        p->room = (uint32_t)room;
    }
    memcpy(p->bytes + p->got, c->at, c->bytes);
    p->got += c->bytes;
    return WEFT_OK;
}

static weft_err partial_whole(link_session *s, link_partial *p)
{
    const uint8_t *at = p->bytes;
    size_t n = p->total;
    link_record r;
    weft_err err = wf_link_read_record(&at, &n, &r, &s->why);
    if (err == WEFT_OK && n != 0)
        err = weft_because(&s->why, WEFT_EPROTO, "%zu bytes behind a record in chunks", n);
    if (err == WEFT_OK) {
        s->records_in++;
        s->ops->record(s, &r);
        err = s->state == LINK_OVER ? s->err : WEFT_OK;
    }
    s->partial_bytes -= p->total;
    weft_alloc_free(p->bytes);
    *p = (link_partial){.id = 0};
    return err == WEFT_EDONE ? WEFT_EPROTO : err;
}

static weft_err on_chunk(link_session *s, const link_frame *frame)
{
    link_chunk c;
    weft_err err = wf_link_read_chunk(frame, &c, &s->why);
    if (err == WEFT_OK && c.id == 0)
        err = weft_because(&s->why, WEFT_EPROTO, "a chunk without a number");
    if (err != WEFT_OK)
        return err;
    link_partial *p = partial_at(s, c.id);
    if (p == NULL && (err = partial_begin(s, &c, &p)) != WEFT_OK)
        return err;
    if (c.total != p->total || c.offset != p->got)
        return weft_because(&s->why, WEFT_EPROTO, "a chunk at %u of %u; expected %u of %u",
                            c.offset, c.total, p->got, p->total);
    if (p->counted && (err = taken(s, c.bytes)) != WEFT_OK)
        return err;
    err = partial_add(p, &c);
    return err == WEFT_OK && p->got == p->total ? partial_whole(s, p) : err;
}

/* ---- the small ones */

static weft_err acknowledge(link_session *s, uint64_t consumed)
{
    if (consumed > s->seq_out)
        return weft_because(&s->why, WEFT_EPROTO,
                            "frame %" PRIu64 " was consumed; sent were %" PRIu64, consumed,
                            s->seq_out);
    if (consumed > s->acknowledged)
        s->acknowledged = consumed;
    return WEFT_OK;
}

static weft_err on_pair(link_session *s, const link_frame *frame, uint32_t now_ms)
{
    link_pair pair;
    weft_err err = wf_link_read_pair(frame, &pair, &s->why);
    if (err == WEFT_OK)
        err = acknowledge(s, pair.consumed);
    if (err != WEFT_OK)
        return err;
    switch (frame->kind) {
    case LINK_PING:
        return wf_out_pair(s, LINK_PONG, pair.value);
    case LINK_PONG:
        s->round_trip_ms = now_ms - (uint32_t)pair.value;
        s->ops->credit(s);
        return WEFT_OK;
    default:
        if (pair.value > (uint64_t)(s->credit_max - s->credit))
            return weft_because(&s->why, WEFT_EPROTO, "more credit came back than was taken");
        s->credit += (int64_t)pair.value;
        s->ops->credit(s);
        return WEFT_OK;
    }
}

static weft_err on_goodbye(link_session *s, const link_frame *frame)
{
    link_goodbye g;
    weft_err err = wf_link_read_goodbye(frame, &g, &s->why);
    if (err == WEFT_OK)
        err = acknowledge(s, g.consumed);
    if (err != WEFT_OK)
        return err;
    s->bye = g.reason;
    weft_explain(&s->why, "%s", g.why);
    return over(s, g.reason == LINK_BYE_DONE       ? WEFT_EDONE
                   : g.reason == LINK_BYE_PROTOCOL ? WEFT_EPROTO
                                                   : WEFT_EREFUSED);
}

static weft_err on_frame(link_session *s, const link_frame *frame, uint32_t now_ms)
{
    if (frame->kind == LINK_BYE) /* also instead of a hello */
        return on_goodbye(s, frame);
    if (s->seq_in == 0)
        return on_hello(s, frame);
    if (s->state == LINK_GREETED)
        go_up(s);
    switch (frame->kind) {
    case LINK_MAIL:
        return on_mail(s, frame);
    case LINK_CHUNK:
        return on_chunk(s, frame);
    case LINK_ATOMS:
        return on_atoms(s, frame);
    case LINK_HELLO:
        return weft_because(&s->why, WEFT_EPROTO, "a second hello");
    default:
        return on_pair(s, frame, now_ms);
    }
}

/* What was consumed goes back in steps, so that it costs little. */
static weft_err give_credit_back(link_session *s)
{
    if (s->owed * CREDIT_PARTS < s->limits.credit_bytes || s->state != LINK_UP)
        return WEFT_OK;
    weft_err err = wf_out_pair(s, LINK_CREDIT, s->owed);
    if (err == WEFT_OK) {
        s->taken -= s->owed;
        s->owed = 0;
    }
    return err;
}

static weft_err next_frame(link_session *s, const link_frame *frame, uint32_t now_ms)
{
    weft_err err = WEFT_OK;
    bool said_hello = s->seq_in == 0;
    if (frame->seq != s->seq_in + 1)
        err = weft_because(&s->why, WEFT_EPROTO, "frame %" PRIu64 " came; expected %" PRIu64,
                           frame->seq, s->seq_in + 1);
    else
        err = on_frame(s, frame, now_ms);
    if (err == WEFT_OK) {
        s->seq_in++;
        err = give_credit_back(s);
    }
    if (err == WEFT_OK || s->state == LINK_OVER)
        return err;
    return said_hello ? over(s, err) : refuse(s, err, LINK_BYE_PROTOCOL);
}

weft_err wf_session_data(link_session *s, const uint8_t *at, size_t n, uint32_t now_ms)
{
    s->heard_ms = now_ms;
    s->bytes_in += n;
    while (s->state != LINK_OVER) {
        link_frame frame;
        weft_err err = wf_link_read(&s->reader, &at, &n, &frame, &s->why);
        if (err == WEFT_EFULL)
            return WEFT_OK;
        if (err != WEFT_OK)
            return refuse(s, err, LINK_BYE_PROTOCOL);
        err = next_frame(s, &frame, now_ms);
        if (err != WEFT_OK)
            return err;
    }
    return s->err;
}

/* ---- time */

weft_err wf_session_tick(link_session *s, uint32_t now_ms, uint32_t *next_ms)
{
    uint32_t limit = s->state < LINK_UP ? s->limits.hello_ms : s->limits.lost_ms;
    uint32_t silent = now_ms - (s->state < LINK_UP ? s->began_ms : s->heard_ms);
    if (s->state == LINK_OVER)
        return s->err;
    if (silent >= limit) {
        weft_explain(&s->why,
                     s->state < LINK_UP ? "no hello came within %u ms" : "nothing came for %u ms",
                     limit);
        return over(s, WEFT_ETIMEDOUT);
    }
    uint32_t left = limit - silent;
    if (s->state == LINK_UP) {
        uint32_t quiet = now_ms - s->heard_ms, asked = now_ms - s->pinged_ms;
        uint32_t since = quiet < asked ? quiet : asked;
        if (since >= s->limits.ping_ms) {
            weft_err err = wf_out_pair(s, LINK_PING, now_ms);
            if (err != WEFT_OK)
                return over(s, err);
            s->pinged_ms = now_ms;
            since = 0;
        }
        left = left < s->limits.ping_ms - since ? left : s->limits.ping_ms - since;
    }
    *next_ms = left;
    return WEFT_OK;
}
