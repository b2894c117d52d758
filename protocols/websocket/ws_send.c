/* SPDX-License-Identifier: MIT */
/* Frames to send: packed where it pays, masked by a client. */
#include <string.h>

#include <weft/timer.h>

#include "http/http_gzip.h"
#include "ws_stage.h"

/* Packs @bytes into fresh bytes with room for a head before them; @at: where. errors: ETOOBIG (it does not
 * pay), ENOMEM. */
static weft_err pack(const wf_ws *s, weft_bytes bytes, weft_bytes *out, size_t *n)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(WF_WS_HEAD_BYTES_MAX + bytes.size, &to, out);
    if (err != WEFT_OK)
        return err;
    err = wf_deflate_message(s->deflate.window_bits, bytes.at, bytes.size,
                             to + WF_WS_HEAD_BYTES_MAX, bytes.size, n);
    if (err != WEFT_OK)
        weft_bytes_drop(out);
    return err;
}

/* Head and payload, one behind the other: the head is put before the payload once its length is known. */
static weft_bytes put_head(const wf_ws *s, weft_ws_opcode opcode, bool packed, weft_bytes room,
                           size_t n)
{
    uint8_t head[WF_WS_HEAD_BYTES_MAX], mask[4];
    uint8_t *payload = (uint8_t *)(uintptr_t)room.at + WF_WS_HEAD_BYTES_MAX;
    if (s->codec.client)
        weft_random(NULL, mask, sizeof mask);
    size_t head_n = wf_ws_head(head, opcode, packed, n, s->codec.client ? mask : NULL);
    if (s->codec.client)
        wf_ws_mask(payload, payload, n, mask);
    memcpy(payload - head_n, head, head_n);
    return weft_bytes_slice(room, WF_WS_HEAD_BYTES_MAX - head_n, head_n + n);
}

weft_err wf_ws_frame(const wf_ws *s, weft_ws_opcode opcode, weft_bytes bytes, weft_bytes *out)
{
    weft_bytes room;
    uint8_t *to;
    size_t n = bytes.size;
    weft_err err = WEFT_ETOOBIG;
    bool packed = s->deflate.agreed && n >= s->options.deflate_bytes_min;
    if (packed)
        err = pack(s, bytes, &room, &n);
    if (err == WEFT_ETOOBIG) {
        packed = false;
        n = bytes.size;
        err = weft_bytes_new(WF_WS_HEAD_BYTES_MAX + n, &to, &room);
        if (err == WEFT_OK && n != 0)
            memcpy(to + WF_WS_HEAD_BYTES_MAX, bytes.at, n);
    }
    if (err == WEFT_OK)
        *out = put_head(s, opcode, packed, room, n);
    return err;
}

weft_err wf_ws_control(const wf_ws *s, weft_ws_opcode opcode, const uint8_t *at, size_t n)
{
    weft_bytes room, frame;
    uint8_t *to;
    weft_err err = weft_bytes_new(WF_WS_HEAD_BYTES_MAX + n, &to, &room);
    if (err != WEFT_OK)
        return err;
    if (n != 0)
        memcpy(to + WF_WS_HEAD_BYTES_MAX, at, n);
    frame = put_head(s, opcode, false, room, n);
    err = weft_stage_send(s->stage, frame);
    weft_bytes_drop(&frame);
    return err;
}

weft_err wf_ws_say_close(wf_ws *s, uint16_t code, const char *reason)
{
    enum { NO_CODE = 1005 };
    uint8_t body[2 + WF_WS_REASON_BYTES_MAX];
    size_t n = strnlen(reason, WF_WS_REASON_BYTES_MAX);
    if (s->close_sent)
        return WEFT_OK;
    s->close_sent = true;
    if (code == NO_CODE)
        return wf_ws_control(s, WEFT_WS_CLOSE, NULL, 0);
    /* a character that is cut is left out whole */
    while (n != 0 && ((uint8_t)reason[n] & 0xc0) == 0x80)
        n--;
    body[0] = (uint8_t)(code >> 8);
    body[1] = (uint8_t)code;
    memcpy(body + 2, reason, n);
    return wf_ws_control(s, WEFT_WS_CLOSE, body, 2 + n);
}
