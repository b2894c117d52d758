/* SPDX-License-Identifier: MIT */
/* The stage: bytes up and down, and what its owner may ask of it. */
#include "telnet_stage.h"

#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_telnet_event_type = {
    .name = "weft.telnet_event",
    .size = sizeof(weft_telnet_event),
    .bytes = 1 + (uint32_t)offsetof(weft_telnet_event, bytes),
    .release = weft_data_release,
    .otherwise = ignore,
};

/* What is told, by its only byte. */
static const uint8_t events[] = {
    WEFT_TELNET_CHANGED,      WEFT_TELNET_BREAK,      WEFT_TELNET_INTERRUPT,
    WEFT_TELNET_ABORT_OUTPUT, WEFT_TELNET_ERASE_LINE, WEFT_TELNET_ERASE_CHARACTER,
    WEFT_TELNET_END_OF_FILE,  WEFT_TELNET_SUSPEND,    WEFT_TELNET_ABORT,
};

static void tell(const wf_telnet *t, uint8_t event, weft_piece *out)
{
    const uint8_t *at = memchr(events, event, sizeof events);
    if (t->quiet || at == NULL)
        return;
    *out = (weft_piece){.kind = WEFT_PIECE_FRAME,
                        .bytes = weft_bytes_static(at, 1),
                        .type = &weft_telnet_event_type};
}

/* ---- up */

static weft_err on_command(const wf_telnet *t, uint8_t command, weft_piece *out)
{
    static const char yes[] = "\r\n[yes]\r\n";
    if (command == WF_TELNET_AYT)
        return weft_stage_send(t->stage, weft_bytes_static(yes, sizeof yes - 1));
    if (command != WEFT_TELNET_CHANGED)
        tell(t, command, out);
    return WEFT_OK;
}

static weft_err on_event(wf_telnet *t, const wf_telnet_event *event, weft_bytes in, weft_piece *out)
{
    bool changed = false;
    weft_err err = WEFT_OK;
    switch (event->kind) {
    case WF_TELNET_TEXT:
        /* the byte 255 stands elsewhere, for good */
        *out = (weft_piece){.kind = WEFT_PIECE_BYTES,
                            .bytes = event->at >= in.at && event->at < in.at + in.size
                                         ? weft_bytes_share(weft_bytes_slice(
                                               in, (size_t)(event->at - in.at), event->n))
                                         : weft_bytes_static(event->at, event->n)};
        return WEFT_OK;
    case WF_TELNET_COMMAND:
        return on_command(t, event->verb, out);
    case WF_TELNET_SAYS:
        err = wf_telnet_on_says(t, event, &changed);
        break;
    case WF_TELNET_SUB:
        err = wf_telnet_on_sub(t, event, &changed);
        break;
    default:
        break;
    }
    if (err == WEFT_OK && changed)
        tell(t, WEFT_TELNET_CHANGED, out);
    return err;
}

static weft_err telnet_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    wf_telnet *t = weft_stage_state(stage);
    weft_err err = WEFT_OK;
    size_t done = 0;
    while (err == WEFT_OK && done < in.size && out->kind == WEFT_PIECE_NONE) {
        wf_telnet_event event;
        size_t used;
        err = wf_telnet_read(&t->reader, in.at + done, in.size - done, &used, &event, why);
        done += used;
        if (err != WEFT_OK)
            break;
        err = on_event(t, &event, in, out);
        if (err == WEFT_EGONE)
            err = WEFT_OK; /* our side has ended: nothing is answered any more */
        if (err != WEFT_OK)
            weft_explain(why, "telnet: what the peer asked for cannot be answered: %s",
                         weft_err_text(err));
    }
    weft_stage_take(stage, done);
    return err;
}

static weft_err telnet_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    (void)stage, (void)in, (void)out, (void)why;
    return WEFT_OK; /* text may end anywhere */
}

/* ---- down */

static bool is_plain(const wf_telnet *t, weft_bytes bytes)
{
    return !t->writer.after_cr && memchr(bytes.at, WF_TELNET_IAC, bytes.size) == NULL &&
           (t->writer.binary || (memchr(bytes.at, '\n', bytes.size) == NULL &&
                                 memchr(bytes.at, '\r', bytes.size) == NULL));
}

static weft_err telnet_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    wf_telnet *t = weft_stage_state(stage);
    weft_bytes written;
    uint8_t *to;
    weft_err err;
    if (bytes.size == 0)
        return WEFT_OK;
    if (is_plain(t, bytes))
        return weft_stage_send(stage, bytes);
    err = weft_bytes_new(WF_TELNET_WRITTEN_BYTES(bytes.size), &to, &written);
    if (err == WEFT_OK) {
        size_t n = wf_telnet_write(&t->writer, bytes.at, bytes.size, to);
        err = weft_stage_send(stage, weft_bytes_slice(written, 0, n));
        weft_bytes_drop(&written);
    }
    return err == WEFT_OK ? err : weft_because(why, err, "telnet: text cannot be sent");
}

/* ---- its life */

static weft_err telnet_open(weft_stage *stage, const void *config, weft_why *why)
{
    static const weft_telnet_options defaults;
    wf_telnet *t = weft_stage_state(stage);
    const weft_telnet_options *o = config != NULL ? config : &defaults;
    t->stage = stage;
    t->client = o->client;
    t->quiet = o->quiet;
    t->line_mode = o->line_mode;
    if (o->client) {
        const char *terminal = o->terminal != NULL ? o->terminal : "";
        if (strlen(terminal) >= sizeof t->terminal)
            return weft_because(why, WEFT_EINVAL,
                                "telnet: a terminal's name of %zu bytes, expected at most %d",
                                strlen(terminal), WEFT_TELNET_TERMINAL_BYTES - 1);
        (void)snprintf(t->terminal, sizeof t->terminal, "%s", terminal);
        t->columns = o->columns;
        t->rows = o->rows;
    }
    weft_err err = wf_telnet_begin(t);
    return err == WEFT_OK ? err : weft_because(why, err, "telnet: options cannot be asked for");
}

static const weft_stage_ops telnet_ops = {
    .name = "telnet",
    .state_bytes = sizeof(wf_telnet),
    .open = telnet_open,
    .up = telnet_up,
    .up_end = telnet_up_end,
    .down = telnet_down,
    .down_bytes_max = 16 << 10,
};

weft_err weft_telnet_speak(weft_actor *self, weft_ref stream, const weft_telnet_options *options,
                           weft_why *why)
{
    return weft_push(self, stream, &telnet_ops, options, WEFT_STAGE_TOP, why);
}

/* ---- what may be asked */

static weft_err find(weft_actor *self, weft_ref stream, wf_telnet **out)
{
    weft_address local, peer;
    weft_stage *stage = weft_stage_of(self, stream, &telnet_ops);
    if (stage == NULL)
        return weft_stream_addresses(self, stream, &local, &peer) == WEFT_OK ? WEFT_ENOTFOUND
                                                                             : WEFT_EGONE;
    *out = weft_stage_state(stage);
    return WEFT_OK;
}

weft_err weft_telnet_about(weft_actor *self, weft_ref stream, weft_telnet_info *out)
{
    wf_telnet *t;
    weft_err err = find(self, stream, &t);
    if (err != WEFT_OK)
        return err;
    wf_telnet_side server = t->client ? WF_TELNET_PEERS : WF_TELNET_OURS;
    *out = (weft_telnet_info){
        .echo = wf_telnet_is_on(&t->options, server, WF_TELNET_ECHO),
        .no_ga = wf_telnet_is_on(&t->options, WF_TELNET_OURS, WF_TELNET_SGA) &&
                 wf_telnet_is_on(&t->options, WF_TELNET_PEERS, WF_TELNET_SGA),
        .line_mode = t->edits,
        .binary_in = t->reader.binary,
        .binary_out = t->writer.binary,
        .columns = t->columns,
        .rows = t->rows,
    };
    memcpy(out->terminal, t->terminal, sizeof out->terminal);
    return WEFT_OK;
}

weft_err weft_telnet_echo(weft_actor *self, weft_ref stream, bool on)
{
    wf_telnet *t;
    weft_err err = find(self, stream, &t);
    if (err != WEFT_OK)
        return err;
    return t->client ? WEFT_EINVAL : wf_telnet_ask(t, WF_TELNET_OURS, WF_TELNET_ECHO, on);
}

weft_err weft_telnet_resize(weft_actor *self, weft_ref stream, uint16_t columns, uint16_t rows)
{
    wf_telnet *t;
    weft_err err = find(self, stream, &t);
    if (err != WEFT_OK)
        return err;
    if (!t->client)
        return WEFT_EINVAL;
    t->columns = columns;
    t->rows = rows;
    return wf_telnet_say_window(t);
}

weft_err weft_telnet_send(weft_actor *self, weft_ref stream, weft_telnet_command command)
{
    wf_telnet *t;
    weft_err err = find(self, stream, &t);
    if (err != WEFT_OK)
        return err;
    if ((command < WEFT_TELNET_END_OF_FILE || command > WEFT_TELNET_ABORT) &&
        (command < WEFT_TELNET_NOP || command > WEFT_TELNET_ERASE_LINE))
        return WEFT_EINVAL;
    return wf_telnet_put(t, (const uint8_t[]){WF_TELNET_IAC, (uint8_t)command}, 2);
}
