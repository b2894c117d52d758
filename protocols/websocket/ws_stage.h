/* SPDX-License-Identifier: MIT */
/* A socket as the top stage of its stream: frames below, messages above.
 *
 *   owner ◀── message ── gathered ◀── unpacked ◀── codec ◀── bytes
 *   owner ──── weft_ws_send: one frame each ─────────────────▶ bytes
 *
 * A client's stage first agrees with the server on all that (ws_client.c) and holds `opened` meanwhile. */
#ifndef WF_WS_STAGE_H
#define WF_WS_STAGE_H

#include <weft/edge.h>
#include <weft/stage.h>
#include <weft/websocket.h>

#include "ws_codec.h"
#include "ws_extension.h"
#include "ws_handshake.h"

enum { WF_WS_TARGET_BYTES_MAX = 255, WF_WS_REASON_BYTES_MAX = 123 };

/* What a server agreed to, or a client asks for. Borrowed while it is pushed. */
typedef struct wf_ws_setup {
    const weft_ws_options *options;
    wf_ws_deflate deflate;
    const char *protocol; /* NULL: none */
    weft_http_text target;
    const char *principal;             /* NULL: nobody was asked */
    const struct wf_ws_asking *asking; /* a client's; NULL: a server's */
} wf_ws_setup;

/* What a client says, and then looks for in the answer (ws_client.c). */
typedef struct wf_ws_asking {
    const weft_ws_call *call;
    weft_http_text host, target;
} wf_ws_asking;

typedef struct wf_ws_client wf_ws_client;

typedef struct wf_ws {
    wf_ws_codec codec;
    weft_stage *stage;
    weft_ws_options options;
    wf_ws_deflate deflate;
    wf_ws_client *client; /* until the server has agreed; then, as a server's, NULL */
    void *inflate;        /* of the message that is coming */
    weft_bytes message;   /* as far as it has come */
    wf_ws_utf8 utf8;      /* of an unpacked text */
    weft_alarm alarm;
    uint32_t heard; /* the tick something last came */
    uint32_t pings;
    char *principal; /* NULL: nobody was asked */
    bool pinged, close_sent;
    uint16_t close_code, own_code;
    char close_reason[WF_WS_REASON_BYTES_MAX + 1], own_reason[WF_WS_REASON_BYTES_MAX + 1];
    char protocol[WF_WS_PROTOCOL_BYTES_MAX + 1];
    char target[WF_WS_TARGET_BYTES_MAX + 1];
} wf_ws;

/* Of messages; of bytes. */
extern const weft_stage_ops wf_ws_messages, wf_ws_bytes;

static inline const weft_stage_ops *wf_ws_ops(const weft_ws_options *options)
{
    return options->stream ? &wf_ws_bytes : &wf_ws_messages;
}

/* ---- frames to send (ws_send.c) */

/* One frame of @bytes in fresh bytes, packed if that was agreed on and pays. errors: ENOMEM, ETOOBIG. */
WEFT_MUST_USE weft_err wf_ws_frame(const wf_ws *s, weft_ws_opcode opcode, weft_bytes bytes,
                                   weft_bytes *out);
/* Sends a control frame past what the owner wrote. errors: those of weft_stage_send. */
WEFT_MUST_USE weft_err wf_ws_control(const wf_ws *s, weft_ws_opcode opcode, const uint8_t *at,
                                     size_t n);
/* Says close, once. */
WEFT_MUST_USE weft_err wf_ws_say_close(wf_ws *s, uint16_t code, const char *reason);

/* ---- messages as they come (ws_gather.c) */

/* Puts what @event brought behind the message. errors: EPROTO, ETOOBIG with the code to close with,
 * ENOMEM. */
WEFT_MUST_USE weft_err wf_ws_gather(wf_ws *s, const wf_ws_event *event, uint16_t *code,
                                    weft_why *why);
void wf_ws_gather_done(wf_ws *s);

/* ---- a client's handshake (ws_client.c) */

/* Sends the request. errors: ENOMEM, EINVAL. */
WEFT_MUST_USE weft_err wf_ws_client_open(wf_ws *s, const wf_ws_asking *asking, weft_why *why);
/* Reads the answer off the front of *@in. s->client is NULL when the server has agreed. errors: EPROTO,
 * EDENIED, ETOOBIG. */
WEFT_MUST_USE weft_err wf_ws_client_read(wf_ws *s, weft_bytes *in, weft_why *why);
void wf_ws_client_free(wf_ws_client *client);

#endif
