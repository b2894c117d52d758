/* SPDX-License-Identifier: MIT */
/* What telnet's options mean: who asks for which, and what is said within them. */
#include "telnet_stage.h"

#include <string.h>

/* RFC 1091: "TERMINAL-TYPE IS ...", "TERMINAL-TYPE SEND". */
enum { TTYPE_IS = 0, TTYPE_SEND = 1 };
/* RFC 1184 section 2. */
enum { LINEMODE_MODE = 1, LINEMODE_SLC = 3 };
enum { MODE_EDIT = 1, MODE_TRAPSIG = 2, MODE_ACK = 4 };
enum { SLC_ACK = 128 };

weft_err wf_telnet_put(const wf_telnet *t, const uint8_t *at, size_t n)
{
    weft_bytes bytes;
    uint8_t *to;
    weft_err err = weft_bytes_new(n, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    memcpy(to, at, n);
    err = weft_stage_send(t->stage, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err say(const wf_telnet *t, uint8_t verb, uint8_t option)
{
    return verb == 0 ? WEFT_OK
                     : wf_telnet_put(t, (const uint8_t[]){WF_TELNET_IAC, verb, option}, 3);
}

static weft_err say_sub(const wf_telnet *t, uint8_t option, const uint8_t *at, size_t n)
{
    uint8_t text[2 * WF_TELNET_SUB_BYTES_MAX + 5];
    return wf_telnet_put(t, text, wf_telnet_write_sub(option, at, n, text));
}

/* ---- beginning */

typedef struct plan {
    wf_telnet_side side;
    uint8_t option;
    bool asks; /* it is asked for at once; else agreed to when the peer asks */
} plan;

/* clang-format off */
static const plan characters[] = { /* a server that edits and echoes */
    {WF_TELNET_OURS, WF_TELNET_ECHO, true},
    {WF_TELNET_OURS, WF_TELNET_SGA, true},
    {WF_TELNET_PEERS, WF_TELNET_SGA, true},
    {WF_TELNET_PEERS, WF_TELNET_NAWS, true},
    {WF_TELNET_PEERS, WF_TELNET_TTYPE, true},
    {WF_TELNET_OURS, WF_TELNET_BINARY, false},
    {WF_TELNET_PEERS, WF_TELNET_BINARY, false},
};
static const plan lines[] = { /* a server whose peer does */
    {WF_TELNET_PEERS, WF_TELNET_LINEMODE, true},
    {WF_TELNET_PEERS, WF_TELNET_NAWS, true},
    {WF_TELNET_PEERS, WF_TELNET_TTYPE, true},
    {WF_TELNET_OURS, WF_TELNET_SGA, false},
    {WF_TELNET_PEERS, WF_TELNET_SGA, false},
    {WF_TELNET_OURS, WF_TELNET_BINARY, false},
    {WF_TELNET_PEERS, WF_TELNET_BINARY, false},
};
static const plan client[] = {
    {WF_TELNET_PEERS, WF_TELNET_ECHO, false},
    {WF_TELNET_PEERS, WF_TELNET_SGA, false},
    {WF_TELNET_OURS, WF_TELNET_SGA, false},
    {WF_TELNET_OURS, WF_TELNET_NAWS, false},
    {WF_TELNET_OURS, WF_TELNET_TTYPE, false},
    {WF_TELNET_OURS, WF_TELNET_BINARY, false},
    {WF_TELNET_PEERS, WF_TELNET_BINARY, false},
};
/* clang-format on */
enum { PLAN_ROWS = sizeof client / sizeof *client };
_Static_assert(sizeof characters == sizeof client && sizeof lines == sizeof client,
               "the plans have as many rows");

weft_err wf_telnet_ask(wf_telnet *t, wf_telnet_side side, uint8_t option, bool on)
{
    return say(t, wf_telnet_want(&t->options, side, option, on), option);
}

weft_err wf_telnet_begin(wf_telnet *t)
{
    const plan *rows = t->client ? client : t->line_mode ? lines : characters;
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < PLAN_ROWS; i++) {
        wf_telnet_welcome(&t->options, rows[i].side, rows[i].option);
        if (rows[i].asks)
            err = wf_telnet_ask(t, rows[i].side, rows[i].option, true);
    }
    return err;
}

/* ---- what is agreed on */

weft_err wf_telnet_say_window(const wf_telnet *t)
{
    if (!wf_telnet_is_on(&t->options, WF_TELNET_OURS, WF_TELNET_NAWS))
        return WEFT_OK;
    const uint8_t size[] = {(uint8_t)(t->columns >> 8), (uint8_t)t->columns,
                            (uint8_t)(t->rows >> 8), (uint8_t)t->rows};
    return say_sub(t, WF_TELNET_NAWS, size, sizeof size);
}

static weft_err on_peers(wf_telnet *t, uint8_t option, bool on)
{
    if (option == WF_TELNET_BINARY)
        t->reader.binary = on;
    if (option == WF_TELNET_LINEMODE && !on)
        t->edits = false;
    if (option == WF_TELNET_TTYPE && on)
        return say_sub(t, WF_TELNET_TTYPE, (const uint8_t[]){TTYPE_SEND}, 1);
    if (option == WF_TELNET_LINEMODE && on)
        return say_sub(t, WF_TELNET_LINEMODE,
                       (const uint8_t[]){LINEMODE_MODE, MODE_EDIT | MODE_TRAPSIG}, 2);
    return WEFT_OK;
}

weft_err wf_telnet_on_says(wf_telnet *t, const wf_telnet_event *event, bool *changed)
{
    bool peers = event->verb == WF_TELNET_WILL || event->verb == WF_TELNET_WONT;
    wf_telnet_turn turn = wf_telnet_heard(&t->options, event->verb, event->option);
    weft_err err = say(t, turn.say, event->option);
    *changed = turn.changed;
    if (err != WEFT_OK || !turn.changed)
        return err;
    if (peers)
        return on_peers(t, event->option, turn.on);
    if (event->option == WF_TELNET_BINARY)
        t->writer.binary = turn.on;
    return event->option == WF_TELNET_NAWS && turn.on ? wf_telnet_say_window(t) : WEFT_OK;
}

/* ---- what is said within them */

static void on_window(wf_telnet *t, const wf_telnet_event *event, bool *changed)
{
    if (event->n != 4)
        return;
    t->columns = (uint16_t)(event->at[0] << 8 | event->at[1]);
    t->rows = (uint16_t)(event->at[2] << 8 | event->at[3]);
    *changed = true;
}

/* A name is what can be printed of it, as far as there is room. */
static void on_terminal(wf_telnet *t, const wf_telnet_event *event, bool *changed)
{
    size_t n = 0;
    if (event->n == 0 || event->at[0] != TTYPE_IS)
        return;
    for (size_t i = 1; i < event->n && n + 1 < sizeof t->terminal; i++)
        if (event->at[i] > ' ' && event->at[i] < 0x7f)
            t->terminal[n++] = (char)event->at[i];
    t->terminal[n] = '\0';
    *changed = true;
}

static weft_err say_terminal(const wf_telnet *t)
{
    uint8_t text[WEFT_TELNET_TERMINAL_BYTES] = {TTYPE_IS};
    const char *name = t->terminal[0] != '\0' ? t->terminal : "UNKNOWN";
    size_t n = 1;
    for (; *name != '\0' && n < sizeof text; name++)
        text[n++] = (uint8_t)*name;
    return say_sub(t, WF_TELNET_TTYPE, text, n);
}

/* RFC 1184 section 2.4: what is not acknowledged is agreed to as it is; so both have the same keys. */
static weft_err on_keys(const wf_telnet *t, const uint8_t *at, size_t n)
{
    uint8_t answer[WF_TELNET_SUB_BYTES_MAX] = {LINEMODE_SLC};
    size_t to = 1;
    for (size_t i = 0; i + 3 <= n; i += 3) {
        if (at[i] == 0 || (at[i + 1] & SLC_ACK) != 0)
            continue;
        answer[to++] = at[i];
        answer[to++] = at[i + 1] | SLC_ACK;
        answer[to++] = at[i + 2];
    }
    return to == 1 ? WEFT_OK : say_sub(t, WF_TELNET_LINEMODE, answer, to);
}

static weft_err on_line_mode(wf_telnet *t, const wf_telnet_event *event, bool *changed)
{
    if (event->n >= 2 && event->at[0] == LINEMODE_MODE && (event->at[1] & MODE_ACK) != 0) {
        t->edits = (event->at[1] & MODE_EDIT) != 0;
        *changed = true;
    }
    return event->n >= 1 && event->at[0] == LINEMODE_SLC ? on_keys(t, event->at + 1, event->n - 1)
                                                         : WEFT_OK;
}

weft_err wf_telnet_on_sub(wf_telnet *t, const wf_telnet_event *event, bool *changed)
{
    *changed = false;
    if (t->client)
        return event->option == WF_TELNET_TTYPE && event->n == 1 && event->at[0] == TTYPE_SEND &&
                       wf_telnet_is_on(&t->options, WF_TELNET_OURS, WF_TELNET_TTYPE)
                   ? say_terminal(t)
                   : WEFT_OK;
    if (!wf_telnet_is_on(&t->options, WF_TELNET_PEERS, event->option))
        return WEFT_OK; /* not agreed on: not listened to */
    switch (event->option) {
    case WF_TELNET_NAWS:
        on_window(t, event, changed);
        return WEFT_OK;
    case WF_TELNET_TTYPE:
        on_terminal(t, event, changed);
        return WEFT_OK;
    case WF_TELNET_LINEMODE:
        return on_line_mode(t, event, changed);
    default:
        return WEFT_OK;
    }
}
