/* SPDX-License-Identifier: MIT */
/* Agreeing on permessage-deflate (RFC 7692 section 7), in the form that keeps no memory between messages: both
 * sides without context takeover. Pure. thread: any. */
#ifndef WF_WS_EXTENSION_H
#define WF_WS_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>

#include <weft/http_types.h>

enum { WF_WS_WINDOW_BITS_MIN = 9, WF_WS_WINDOW_BITS_MAX = 15, WF_WS_EXTENSION_BYTES = 160 };

typedef struct wf_ws_deflate {
    bool agreed;
    uint8_t window_bits; /* that this side may pack with */
} wf_ws_deflate;

/* What a client asks for. */
#define WF_WS_OFFER "permessage-deflate; client_no_context_takeover; server_no_context_takeover"

/* A server: takes the first offer in @value (Sec-WebSocket-Extensions) that it can meet, and writes what it
 * answers to @answer ("" if it takes none). What cannot be understood is declined, as section 5.1 says. */
wf_ws_deflate wf_ws_extension_accept(weft_http_text value, char answer[WF_WS_EXTENSION_BYTES]);

/* A client: what the server answered to WF_WS_OFFER. false: something that was not offered. */
bool wf_ws_extension_agreed(weft_http_text value, wf_ws_deflate *out);

#endif
