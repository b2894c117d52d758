/* SPDX-License-Identifier: MIT */
/* The opening handshake (RFC 6455 section 4): what stands in the two heads. Pure. thread: any. */
#ifndef WF_WS_HANDSHAKE_H
#define WF_WS_HANDSHAKE_H

#include <stdbool.h>

#include <weft/websocket.h>

enum {
    WF_WS_KEY_BYTES = 24,    /* sixteen random bytes in base64 */
    WF_WS_ACCEPT_BYTES = 28, /* a SHA-1 in base64 */
    WF_WS_PROTOCOL_BYTES_MAX = 63,
};

/* Whether @value is a Sec-WebSocket-Key. */
bool wf_ws_key_is_valid(weft_http_text value);
/* Writes the Sec-WebSocket-Accept that answers @key, and a zero. false: the library has no SHA-1. */
WEFT_MUST_USE bool wf_ws_accept_of(weft_http_text key, char out[WF_WS_ACCEPT_BYTES + 1]);

/* Of @ours, ended by NULL, the first that @offered (Sec-WebSocket-Protocol) has; NULL: none. */
const char *wf_ws_protocol_choose(const char *const *ours, weft_http_text offered);

/* Whether a list of tokens has @word, in lower case. */
bool wf_ws_list_has(weft_http_text list, const char *word);

#endif
