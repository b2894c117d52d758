/* SPDX-License-Identifier: MIT */
/* An owner of WebSockets that says back what comes, for programs that other people's clients are tried with. */
#ifndef WS_ECHO_H
#define WS_ECHO_H

#include <weft/websocket.h>

static weft_err ws_echo_text(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *text = weft_body(msg);
    return weft_ws_send(self, text->stream, WEFT_WS_TEXT, text->bytes);
}

static weft_err ws_echo_binary(weft_actor *self, weft_msg *msg)
{
    const weft_ws_binary *data = weft_body(msg);
    return weft_ws_send(self, data->stream, WEFT_WS_BINARY, data->bytes);
}

static const weft_handler ws_echo_rows[] = {
    {.type = &weft_ws_text_type, .fn = ws_echo_text},
    {.type = &weft_ws_binary_type, .fn = ws_echo_binary},
    {0},
};
static const weft_behaviour ws_echo = {.name = "echo", .handlers = ws_echo_rows};
/* The subprotocol that is spoken. */
static const char *const ws_echo_protocols[] = {"echo", NULL};

#endif
