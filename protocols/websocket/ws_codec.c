/* SPDX-License-Identifier: MIT */
/* The wrapper of wslay: frames are its own, messages and their rules are ours. */
#include "ws_codec.h"

#include <string.h>
#include <wslay/wslay.h>

/* ---- what wslay asks for */

static ssize_t give(uint8_t *to, size_t max, int flags, void *context)
{
    wf_ws_codec *c = context;
    size_t left = c->in_n - c->used, n = left < max ? left : max;
    (void)flags;
    if (n == 0)
        return -1;
    memcpy(to, c->in + c->used, n);
    c->used += n;
    return (ssize_t)n;
}

weft_err wf_ws_init(wf_ws_codec *c, bool client, bool packs, const wf_ws_limits *limits)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = give};
    *c = (wf_ws_codec){.limits = *limits, .client = client, .packs = packs};
    return wslay_frame_context_init(&c->frames, &callbacks, c) == 0 ? WEFT_OK : WEFT_ENOMEM;
}

void wf_ws_done(wf_ws_codec *c)
{
    wslay_frame_context_free(c->frames);
    c->frames = NULL;
}

/* ---- what may come */

bool wf_ws_code_is_valid(uint16_t code)
{
    if (code >= 3000 && code <= 4999)
        return true;
    /* RFC 6455 section 7.4.1: 1004, 1005, 1006 and 1015 never stand in a frame */
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static weft_err protocol_error(uint16_t *code, weft_why *why, const char *what)
{
    *code = WF_WS_PROTOCOL_ERROR;
    return weft_because(why, WEFT_EPROTO, "WebSocket: %s", what);
}

static weft_err check_data(wf_ws_codec *c, const struct wslay_frame_iocb *f, uint16_t *code,
                           weft_why *why)
{
    bool first = f->opcode != WSLAY_CONTINUATION_FRAME;
    if (first && c->in_message)
        return protocol_error(code, why, "a message began within another");
    if (!first && !c->in_message)
        return protocol_error(code, why, "a message goes on that has not begun");
    /* RFC 7692 section 6: RSV1 is set in the first frame of a message, and only there */
    if (wslay_get_rsv1(f->rsv) && (!first || !c->packs))
        return protocol_error(code, why,
                              "a frame is marked as compressed, which was not agreed on");
    if (first) {
        c->text = f->opcode == WSLAY_TEXT_FRAME;
        c->packed = wslay_get_rsv1(f->rsv) != 0;
        c->utf8 = (wf_ws_utf8){0};
        c->message_bytes = 0;
        c->in_message = true;
    }
    if (f->payload_length > c->limits.message_bytes_max - c->message_bytes) {
        *code = WF_WS_TOO_BIG;
        return weft_because(why, WEFT_ETOOBIG,
                            "WebSocket: a message of more than %llu bytes (message_bytes_max)",
                            (unsigned long long)c->limits.message_bytes_max);
    }
    c->message_bytes += f->payload_length;
    return WEFT_OK;
}

static weft_err check_control(const struct wslay_frame_iocb *f, uint16_t *code, weft_why *why)
{
    /* RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT
     * be fragmented." */
    if (!f->fin || f->payload_length > WF_WS_CONTROL_BYTES_MAX)
        return protocol_error(code, why, "a control frame in parts, or of more than 125 bytes");
    if (f->rsv != 0)
        return protocol_error(code, why, "a control frame has reserved bits set");
    return WEFT_OK;
}

static weft_err check_frame(wf_ws_codec *c, const struct wslay_frame_iocb *f, uint16_t *code,
                            weft_why *why)
{
    if ((f->rsv & ~WSLAY_RSV1_BIT) != 0)
        return protocol_error(code, why, "a frame has reserved bits set");
    /* RFC 6455 section 5.1 */
    if (f->mask == (c->client ? 1 : 0))
        return protocol_error(
            code, why, c->client ? "a server's frame is masked" : "a client's frame is not masked");
    c->opcode = f->opcode;
    c->fin = f->fin != 0;
    c->left = f->payload_length;
    c->control_n = 0;
    switch (f->opcode) {
    case WSLAY_CONTINUATION_FRAME:
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return check_data(c, f, code, why);
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return check_control(f, code, why);
    default:
        return protocol_error(code, why, "a frame of a kind that there is not");
    }
}

/* ---- what is told */

static weft_err tell_piece(wf_ws_codec *c, const struct wslay_frame_iocb *f, wf_ws_event *event,
                           uint16_t *code, weft_why *why)
{
    bool last = c->fin && c->left == 0;
    if (c->text && !c->packed &&
        (!wf_ws_utf8_add(&c->utf8, f->data, f->data_length) ||
         (last && !wf_ws_utf8_whole(&c->utf8)))) {
        *code = WF_WS_INVALID_DATA;
        return weft_because(why, WEFT_EPROTO, "WebSocket: a text that is not UTF-8");
    }
    *event = (wf_ws_event){.kind = WF_WS_PIECE,
                           .text = c->text,
                           .packed = c->packed,
                           .last = last,
                           .ahead = c->left != 0,
                           .at = f->data,
                           .n = f->data_length};
    c->in_message = !last;
    return WEFT_OK;
}

static weft_err tell_close(wf_ws_codec *c, wf_ws_event *event, uint16_t *code, weft_why *why)
{
    wf_ws_utf8 utf8 = {0};
    uint16_t given = 1005;
    size_t n = c->control_n;
    if (n == 1)
        return protocol_error(code, why, "a close frame of one byte");
    if (n >= 2) {
        given = (uint16_t)(c->control[0] << 8 | c->control[1]);
        if (!wf_ws_code_is_valid(given))
            return protocol_error(code, why, "a close code that may not be sent");
        if (!wf_ws_utf8_add(&utf8, c->control + 2, n - 2) || !wf_ws_utf8_whole(&utf8)) {
            *code = WF_WS_INVALID_DATA;
            return weft_because(why, WEFT_EPROTO, "WebSocket: a close reason that is not UTF-8");
        }
    }
    c->closed = true;
    *event = (wf_ws_event){
        .kind = WF_WS_CLOSE, .code = given, .at = c->control + 2, .n = n >= 2 ? n - 2 : 0};
    return WEFT_OK;
}

/* A control frame is told when it is whole. */
static weft_err take_control(wf_ws_codec *c, const struct wslay_frame_iocb *f, wf_ws_event *event,
                             uint16_t *code, weft_why *why)
{
    memcpy(c->control + c->control_n, f->data, f->data_length);
    c->control_n = (uint8_t)(c->control_n + f->data_length);
    if (c->left != 0)
        return WEFT_OK;
    if (c->opcode == WSLAY_CONNECTION_CLOSE)
        return tell_close(c, event, code, why);
    *event = (wf_ws_event){.kind = c->opcode == WSLAY_PING ? WF_WS_PING : WF_WS_PONG,
                           .at = c->control,
                           .n = c->control_n};
    return WEFT_OK;
}

/* One piece of a frame, as wslay gives it. */
static weft_err take(wf_ws_codec *c, const struct wslay_frame_iocb *f, bool begins,
                     wf_ws_event *event, uint16_t *code, weft_why *why)
{
    weft_err err = begins ? check_frame(c, f, code, why) : WEFT_OK;
    if (err != WEFT_OK)
        return err;
    c->left -= f->data_length;
    if (wslay_is_ctrl_frame(f->opcode))
        return take_control(c, f, event, code, why);
    if (f->data_length == 0 && !(c->fin && c->left == 0))
        return WEFT_OK; /* a head alone */
    return tell_piece(c, f, event, code, why);
}

weft_err wf_ws_read(wf_ws_codec *c, const uint8_t *in, size_t n, size_t *used, wf_ws_event *event,
                    uint16_t *code, weft_why *why)
{
    weft_err err = WEFT_OK;
    *event = (wf_ws_event){.kind = WF_WS_NOTHING};
    *code = 0;
    c->in = in;
    c->in_n = n;
    c->used = 0;
    while (err == WEFT_OK && event->kind == WF_WS_NOTHING && !c->closed) {
        struct wslay_frame_iocb f = {0};
        bool begins = c->left == 0;
        ssize_t got = wslay_frame_recv(c->frames, &f);
        if (got == WSLAY_ERR_WANT_READ)
            break;
        err = got < 0 ? protocol_error(code, why, "a frame that is not well-formed")
                      : take(c, &f, begins, event, code, why);
    }
    if (c->closed)
        c->used = n;
    *used = c->used;
    c->in = NULL;
    return err;
}

/* ---- frames to send */

size_t wf_ws_head(uint8_t *to, weft_ws_opcode opcode, bool packed, uint64_t n, const uint8_t *mask)
{
    size_t at = 2, length_bytes = n < 126 ? 0 : n <= 0xffff ? 2 : 8;
    uint8_t masked = mask != NULL ? 0x80 : 0;
    to[0] = (uint8_t)(0x80 | (packed ? 0x40 : 0) | (uint8_t)opcode);
    to[1] = (uint8_t)(masked | (length_bytes == 0 ? n : length_bytes == 2 ? 126 : 127));
    for (size_t i = 0; i < length_bytes; i++)
        to[at++] = (uint8_t)(n >> (8 * (length_bytes - 1 - i)));
    if (mask != NULL) {
        memcpy(to + at, mask, 4);
        at += 4;
    }
    return at;
}

void wf_ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t mask[4])
{
    size_t i = 0;
    uint64_t word, key;
    uint8_t twice[8];
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    memcpy(&key, twice, sizeof key);
    for (; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        word ^= key;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < n; i++)
        to[i] = from[i] ^ mask[i & 3];
}
