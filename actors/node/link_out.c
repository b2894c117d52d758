/* SPDX-License-Identifier: MIT */
/* What is to be sent: records gather in one open frame, which is closed when it is full, when something else
 * comes behind it, or when all is taken. */
#include "link_out.h"

#include <string.h>

#include <weft/edge.h>

/* ROOM_KEPT: what a link appends before it writes (OUT_BYTES_MAX of link_line.c) and one record more, so that one
 * that is busy does not grow anew each time */
enum { ROOM_FIRST = 4 << 10, ROOM_KEPT = 512 << 10 };

/* @n more bytes at the end, not counted yet. errors: NULL. */
static uint8_t *room_for(link_session *s, size_t n)
{
    if (s->out_n + n > s->out_room) {
        size_t room = s->out_room != 0 ? 2 * s->out_room : ROOM_FIRST;
        while (room < s->out_n + n)
            room *= 2;
        uint8_t *out = weft_alloc_again(s->out, room);
        if (out == NULL)
            return NULL;
        s->out = out;
        s->out_room = room;
    }
    return s->out + s->out_n;
}

static void close_mail(link_session *s)
{
    if (!s->mail_open)
        return;
    uint8_t *head = s->out + s->mail_at;
    wf_link_write_head(head, LINK_MAIL, s->seq_out,
                       (uint32_t)(s->out_n - s->mail_at - LINK_HEAD_BYTES));
    s->mail_open = false;
}

weft_err wf_out_frame(link_session *s, link_kind kind, const uint8_t *body, size_t n)
{
    close_mail(s);
    uint8_t *to = room_for(s, LINK_HEAD_BYTES + n);
    if (to == NULL)
        return WEFT_ENOMEM;
    wf_link_write_head(to, kind, ++s->seq_out, (uint32_t)n);
    if (n != 0)
        memcpy(to + LINK_HEAD_BYTES, body, n);
    s->out_n += LINK_HEAD_BYTES + n;
    return WEFT_OK;
}

weft_err wf_out_pair(link_session *s, link_kind kind, uint64_t value)
{
    uint8_t body[LINK_PAIR_BYTES];
    wf_link_write_pair(body, (link_pair){value, s->seq_in});
    return wf_out_frame(s, kind, body, sizeof body);
}

/* Opens a frame of records if none is open with room for @n bytes. */
static weft_err open_mail(link_session *s, size_t n)
{
    if (s->mail_open && s->out_n - s->mail_at - LINK_HEAD_BYTES + n > LINK_FRAME_TARGET)
        close_mail(s);
    uint8_t *to = room_for(s, n + LINK_HEAD_BYTES);
    if (to == NULL)
        return WEFT_ENOMEM;
    if (s->mail_open)
        return WEFT_OK;
    s->mail_open = true;
    s->mail_at = s->out_n;
    s->out_n += LINK_HEAD_BYTES;
    s->seq_out++;
    return WEFT_OK;
}

weft_err wf_session_record(link_session *s, const link_record *record, uint8_t **payload,
                           uint64_t *seq)
{
    size_t n = wf_link_record_bytes(record);
    weft_err err = open_mail(s, n);
    if (err != WEFT_OK)
        return err;
    uint8_t *to = s->out + s->out_n;
    memset(to + n - 8, 0, 8); /* the padding */
    size_t head = wf_link_write_record_head(to, record);
    *payload = to + head;
    *seq = s->seq_out;
    s->out_n += n;
    s->records_out++;
    if (link_op_counts(record->op))
        s->credit -= (int64_t)n;
    return WEFT_OK;
}

weft_err wf_session_chunk(link_session *s, uint32_t id, const uint8_t *from, uint32_t total,
                          uint32_t *offset, bool counted, uint64_t *seq)
{
    uint32_t part = total - *offset;
    part = part < LINK_CHUNK_BYTES_MAX ? part : LINK_CHUNK_BYTES_MAX;
    close_mail(s);
    uint8_t *to = room_for(s, LINK_HEAD_BYTES + LINK_CHUNK_HEAD_BYTES + part);
    if (to == NULL)
        return WEFT_ENOMEM;
    wf_link_write_head(to, LINK_CHUNK, ++s->seq_out, LINK_CHUNK_HEAD_BYTES + part);
    wf_link_write_chunk_head(
        to + LINK_HEAD_BYTES,
        &(link_chunk){.id = id, .total = total, .offset = *offset, .bytes = part});
    memcpy(to + LINK_HEAD_BYTES + LINK_CHUNK_HEAD_BYTES, from + *offset, part);
    s->out_n += LINK_HEAD_BYTES + LINK_CHUNK_HEAD_BYTES + part;
    *offset += part;
    *seq = s->seq_out;
    if (*offset == total)
        s->records_out++;
    if (counted)
        s->credit -= part;
    return WEFT_OK;
}

weft_err wf_session_atom(link_session *s, const link_atom *atom)
{
    uint8_t body[8 + LINK_ATOM_BYTES_MAX + 8];
    wf_link_write_atom(body, atom);
    return wf_out_frame(s, LINK_ATOMS, body, wf_link_atom_bytes(atom));
}

void wf_session_leave(link_session *s, link_bye reason, const char *why)
{
    uint8_t body[LINK_GOODBYE_BYTES_MAX];
    link_goodbye g = {.reason = reason, .consumed = s->seq_in};
    if (s->state == LINK_OVER || s->state == LINK_LEAVING)
        return;
    strncpy(g.why, why, sizeof g.why - 1);
    s->state = LINK_LEAVING;
    /* without memory for it the connection just ends */
    (void)!wf_out_frame(s, LINK_BYE, body, wf_link_write_goodbye(body, &g));
}

size_t wf_session_flush(link_session *s, const uint8_t **at)
{
    close_mail(s);
    *at = s->out;
    return s->out_n;
}

void wf_session_flushed(link_session *s)
{
    s->bytes_out += s->out_n;
    s->out_n = 0;
    if (s->out_room > ROOM_KEPT)
        wf_out_done(s); /* a burst is over */
}

void wf_out_done(link_session *s)
{
    weft_alloc_free(s->out);
    s->out = NULL;
    s->out_n = s->out_room = 0;
    s->mail_open = false;
}
