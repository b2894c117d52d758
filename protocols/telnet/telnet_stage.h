/* SPDX-License-Identifier: MIT */
/* A stream that speaks telnet: what the stage knows.
 *
 *   owner ◀── data, weft_telnet_event ── text, commands ◀── reader ◀── bytes
 *                          options, windows, terminals ◀──┘   └─▶ answers ──▶ bytes
 *   owner ───────────────────── text ──────────────────────▶ writer ─────────▶ bytes
 */
#ifndef WF_TELNET_STAGE_H
#define WF_TELNET_STAGE_H

#include <weft/stage.h>
#include <weft/telnet.h>

#include "telnet_codec.h"
#include "telnet_options.h"

typedef struct wf_telnet {
    weft_stage *stage;
    bool client, quiet, line_mode;
    bool edits; /* the client has acknowledged that it does */
    uint16_t columns, rows;
    char terminal[WEFT_TELNET_TERMINAL_BYTES];
    wf_telnet_reader reader;
    wf_telnet_writer writer;
    wf_telnet_options options;
} wf_telnet;

/* ---- what options mean (telnet_session.c) */

/* Begins: a server asks for what it wants. errors: ENOMEM, ELIMIT. */
WEFT_MUST_USE weft_err wf_telnet_begin(wf_telnet *t);

/* The peer said something that is no text. *@changed: the owner is to hear of it. errors: ENOMEM, ELIMIT (it
 * is answered faster than it reads). */
WEFT_MUST_USE weft_err wf_telnet_on_says(wf_telnet *t, const wf_telnet_event *event, bool *changed);
WEFT_MUST_USE weft_err wf_telnet_on_sub(wf_telnet *t, const wf_telnet_event *event, bool *changed);

/* We want an option on or off. */
WEFT_MUST_USE weft_err wf_telnet_ask(wf_telnet *t, wf_telnet_side side, uint8_t option, bool on);

/* Tells the server how large the window is, if that was agreed on. */
WEFT_MUST_USE weft_err wf_telnet_say_window(const wf_telnet *t);

/* Sends a copy of @n bytes as they are. */
WEFT_MUST_USE weft_err wf_telnet_put(const wf_telnet *t, const uint8_t *at, size_t n);

#endif
