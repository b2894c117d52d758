/* SPDX-License-Identifier: MIT */
/* WebSocket frames (RFC 6455 section 5): bytes in, events out. Pure: no stream, no clock. The wrapper of
 * wslay, which takes frames apart and puts them together; what may follow what, UTF-8 and limits are here.
 *
 *   idle ── first frame of a message ──▶ in a message ── its last frame ──▶ idle
 *     └──────────── close ──▶ closed: what follows is not looked at
 *
 * Control frames may stand between the frames of a message, and are told between its pieces. */
#ifndef WF_WS_CODEC_H
#define WF_WS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>
#include <weft/websocket.h>

#include "ws_utf8.h"

enum { WF_WS_CONTROL_BYTES_MAX = 125, WF_WS_HEAD_BYTES_MAX = 14 };

/* The close codes that the codec itself gives (RFC 6455 section 7.4.1). */
enum {
    WF_WS_PROTOCOL_ERROR = 1002,
    WF_WS_INVALID_DATA = 1007,
    WF_WS_TOO_BIG = 1009,
};

typedef struct wf_ws_limits {
    uint64_t message_bytes_max; /* as they come, packed or not */
} wf_ws_limits;

typedef enum wf_ws_kind {
    WF_WS_NOTHING, /* more bytes are needed */
    WF_WS_PIECE,   /* bytes of a message, perhaps none; @last: it is whole */
    WF_WS_PING,
    WF_WS_PONG,
    WF_WS_CLOSE, /* @code (1005: none was given) and, as @at, the reason */
} wf_ws_kind;

typedef struct wf_ws_event {
    wf_ws_kind kind;
    bool text;   /* of a piece: its message is text */
    bool packed; /* its message is compressed (RSV1): UTF-8 is then not checked here */
    bool last;   /* with it the message is whole */
    bool ahead;  /* more of this frame is sure to come */
    uint16_t code;
    const uint8_t *at; /* valid until the next call */
    size_t n;
} wf_ws_event;

typedef struct wf_ws_codec {
    struct wslay_frame_context *frames;
    const uint8_t *in; /* while wf_ws_read runs */
    size_t in_n, used;
    wf_ws_limits limits;
    wf_ws_utf8 utf8;
    uint64_t message_bytes;
    uint64_t left;  /* of the frame whose payload is coming */
    uint8_t opcode; /* of that frame */
    bool client;    /* this side is one: it masks, and is sent unmasked */
    bool packs;     /* RSV1 was agreed on */
    bool in_message, text, packed, fin, closed;
    uint8_t control[WF_WS_CONTROL_BYTES_MAX];
    uint8_t control_n;
} wf_ws_codec;

/* errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_ws_init(wf_ws_codec *c, bool client, bool packs,
                                  const wf_ws_limits *limits);
void wf_ws_done(wf_ws_codec *c);

/* Reads of the @n bytes @in, *@used of them, until something is to be told. What was used and is not told yet
 * stands in the codec: it is called again, with what is left or with nothing, until NOTHING: all was told.
 * errors: EPROTO (@code says with what to close: 1002 or 1007), ETOOBIG (1009), with a sentence. */
WEFT_MUST_USE weft_err wf_ws_read(wf_ws_codec *c, const uint8_t *in, size_t n, size_t *used,
                                  wf_ws_event *event, uint16_t *code, weft_why *why);

/* Writes the head of a frame of @n bytes, at most WF_WS_HEAD_BYTES_MAX, to @to and gives its length. @mask:
 * four random bytes for a client, which then has to wf_ws_mask the payload; NULL for a server. */
size_t wf_ws_head(uint8_t *to, weft_ws_opcode opcode, bool packed, uint64_t n, const uint8_t *mask);
/* Masks @n bytes from @from to @to, which may be the same. */
void wf_ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t mask[4]);

/* Whether @code may stand in a close frame (RFC 6455 section 7.4). */
bool wf_ws_code_is_valid(uint16_t code);

#endif
