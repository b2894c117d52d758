/* SPDX-License-Identifier: MIT */
/* Messages of several pieces: unpacked, looked at and put one behind the other, up to message_bytes_max.
 *
 * What gathers is charged to nobody, since it may be more than the stream's window; at most one such message
 * is there, as the next is read when the one before was let go of. */
#include <string.h>

#include "http/http_gzip.h"
#include "ws_stage.h"

enum { ROOM_BYTES_MIN = 4096 };

static weft_err too_big(const wf_ws *s, uint16_t *code, weft_why *why)
{
    *code = WF_WS_TOO_BIG;
    return weft_because(why, WEFT_ETOOBIG,
                        "WebSocket: a message of more than %llu bytes (message_bytes_max)",
                        (unsigned long long)s->options.message_bytes_max);
}

/* Room for @n bytes more behind the message. Room doubles. */
static weft_err make_room(wf_ws *s, size_t n)
{
    weft_bytes *m = &s->message, bigger;
    uint8_t *to;
    if (m->buffer != NULL && weft_bytes_spare(*m) >= n)
        return WEFT_OK;
    size_t size = 2 * (m->size + n);
    weft_err err = weft_bytes_new(size > ROOM_BYTES_MIN ? size : ROOM_BYTES_MIN, &to, &bigger);
    if (err != WEFT_OK)
        return err;
    if (m->size != 0)
        memcpy(to, m->at, m->size);
    bigger.size = m->size;
    weft_bytes_drop(m);
    *m = bigger;
    return WEFT_OK;
}

static uint8_t *end_of(const wf_ws *s)
{
    return (uint8_t *)(uintptr_t)s->message.at + s->message.size;
}

static weft_err add_plain(wf_ws *s, const uint8_t *at, size_t n)
{
    weft_err err = make_room(s, n);
    if (err != WEFT_OK || n == 0)
        return err;
    memcpy(end_of(s), at, n);
    s->message.size += n;
    return WEFT_OK;
}

static weft_err not_packed(uint16_t *code, weft_why *why)
{
    *code = WF_WS_INVALID_DATA;
    return weft_because(why, WEFT_EPROTO, "WebSocket: a message that is not packed as it says");
}

/* Unpacks @n bytes. Of a stream the limit holds for what one piece comes to. */
static weft_err inflate_some(wf_ws *s, const uint8_t *at, size_t n, uint16_t *code, weft_why *why)
{
    for (;;) {
        weft_err err = make_room(s, ROOM_BYTES_MIN);
        if (err != WEFT_OK)
            return err;
        size_t room = weft_bytes_spare(s->message), left = room, in_left = n;
        uint64_t most = s->options.message_bytes_max - s->message.size + 1;
        if (left > most)
            left = room = (size_t)most;
        uint8_t *to = end_of(s);
        err = wf_inflate_run(s->inflate, &at, &n, &to, &left);
        if (err != WEFT_OK)
            return err == WEFT_ENOMEM ? err : not_packed(code, why);
        s->message.size += room - left;
        if (s->message.size > s->options.message_bytes_max)
            return too_big(s, code, why);
        if (left != 0 && (n == 0 || in_left == n))
            return n == 0 ? WEFT_OK : not_packed(code, why);
    }
}

static weft_err add_packed(wf_ws *s, const wf_ws_event *event, uint16_t *code, weft_why *why)
{
    /* RFC 7692 section 7.2.2: what the sender took off the end is put there again */
    static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
    size_t before = s->message.size;
    if (s->inflate == NULL && (s->inflate = wf_inflate_open()) == NULL)
        return WEFT_ENOMEM;
    weft_err err = inflate_some(s, event->at, event->n, code, why);
    if (err == WEFT_OK && event->last)
        err = inflate_some(s, tail, sizeof tail, code, why);
    if (err != WEFT_OK || !event->text)
        return err;
    if (!wf_ws_utf8_add(&s->utf8, s->message.at + before, s->message.size - before) ||
        (event->last && !wf_ws_utf8_whole(&s->utf8))) {
        *code = WF_WS_INVALID_DATA;
        return weft_because(why, WEFT_EPROTO, "WebSocket: a text that is not UTF-8");
    }
    return WEFT_OK;
}

weft_err wf_ws_gather(wf_ws *s, const wf_ws_event *event, uint16_t *code, weft_why *why)
{
    weft_err err =
        event->packed ? add_packed(s, event, code, why) : add_plain(s, event->at, event->n);
    if (err == WEFT_ENOMEM)
        return weft_because(why, err, "no memory for a WebSocket message");
    if (event->last) {
        wf_inflate_close(s->inflate);
        s->inflate = NULL;
        s->utf8 = (wf_ws_utf8){0};
    }
    return err;
}

void wf_ws_gather_done(wf_ws *s)
{
    wf_inflate_close(s->inflate);
    s->inflate = NULL;
    weft_bytes_drop(&s->message);
}
