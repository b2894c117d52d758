/* SPDX-License-Identifier: MIT */
/* A connection: hands its lines to the network, each when the one before has been served. */
#include "irc_server.h"

#include <stdio.h>
#include <string.h>

#include <weft/framing.h>
#include <weft/tls.h>
#include <weft/websocket.h>

enum { LINE_BYTES_MAX = WEFT_IRC_TAGS_READ_MAX + 2 + WEFT_IRC_LINE_BYTES_MAX };

typedef struct connection {
    weft_ref network;
    uint32_t id, gen; /* 0: not known there yet, or no more */
    char why[48];
} connection;

static const char *name_of(const weft_actor *self)
{
    const weft_irc_config *config = weft_config(self);
    return config->actor != NULL ? config->actor : "irc";
}

static weft_err on_known(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    connection *c = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    const wf_irc_known *known = got->body;
    if (got->err != WEFT_OK) {
        (void)weft_write_text(self, opened->stream, "ERROR :Closing Link: %.120s\r\n", got->why);
        return weft_close(self, opened->stream);
    }
    c->id = known->id;
    c->gen = known->gen;
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    static const weft_framer lines = {.frame_bytes_max = LINE_BYTES_MAX, .unended_last = true};
    connection *c = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    weft_why why = {""};
    weft_tls_info tls;
    wf_irc_wire wire = wf_irc_wire_of(self, opened->stream);
    weft_err err = wire != WF_IRC_LINES
                       ? WEFT_OK
                       : weft_frame_by(self, opened->stream, &weft_lines, &lines, &why);
    if (err != WEFT_OK)
        return weft_abort(self, opened->stream, err);
    c->network = weft_lookup(self, name_of(self));
    return weft_when(
        msg,
        weft_ask_within(self, c->network, WEFT_NO_LIMIT, wf_irc_hello, .stream = opened->stream,
                        .wire = wire,
                        .secure = weft_tls_about(self, opened->stream, &tls) == WEFT_OK,
                        .reactor = weft_reactor_of(self), .peer = opened->peer),
        on_known);
}

/* The network is gone, or full of others' lines. */
static weft_err on_served(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_data *data = weft_body(msg);
    return got->err == WEFT_OK ? WEFT_OK : weft_abort(self, data->stream, got->err);
}

static weft_err serve(weft_actor *self, weft_msg *msg, weft_bytes bytes)
{
    const connection *c = weft_state(self);
    return weft_when(msg,
                     weft_ask_within(self, c->network, WEFT_NO_LIMIT, wf_irc_line, .bytes = bytes,
                                     .id = c->id, .gen = c->gen),
                     on_served);
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    return serve(self, msg, ((const weft_data *)weft_body(msg))->bytes);
}

/* "Messages ... MUST be sent ... without trailing CRLF"; who sends it all the same is understood. */
static weft_err on_socket_message(weft_actor *self, weft_msg *msg)
{
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    while (bytes.size > 0 && (bytes.at[bytes.size - 1] == '\n' || bytes.at[bytes.size - 1] == '\r'))
        bytes.size--;
    if (bytes.size > LINE_BYTES_MAX)
        return weft_abort(self, ((const weft_data *)weft_body(msg))->stream, WEFT_ETOOBIG);
    return serve(self, msg, bytes);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    connection *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    (void)snprintf(c->why, sizeof c->why, "%.47s",
                   closed->reason == WEFT_EDONE    ? "Connection closed"
                   : closed->reason == WEFT_ELIMIT ? "SendQ exceeded"
                                                   : weft_err_text(closed->reason));
    return weft_stop(self, WEFT_OK);
}

/* Whatever ended it, the network is told. */
static void on_ended(weft_actor *self, weft_err reason)
{
    connection *c = weft_state(self);
    wf_irc_gone gone = {.id = c->id, .gen = c->gen};
    (void)snprintf(gone.why, sizeof gone.why, "%s",
                   c->why[0] != '\0' ? c->why : weft_err_text(reason));
    weft_err err = c->gen != 0 ? weft_event(self, c->network, &wf_irc_gone_type, &gone) : WEFT_OK;
    if (err != WEFT_OK && err != WEFT_EGONE)
        weft_log(self, WEFT_ERROR, "no memory to tell that a client is gone");
}

static const weft_handler rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {.type = &weft_ws_text_type, .fn = on_socket_message},
    {.type = &weft_ws_binary_type, .fn = on_socket_message},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
const weft_behaviour weft_irc_server = {
    .name = "irc.client", .handlers = rows, .state_bytes = sizeof(connection), .ended = on_ended};
