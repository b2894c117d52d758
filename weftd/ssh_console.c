/* SPDX-License-Identifier: MIT */
/* One actor owns a channel of SSH and a connection to a console, and passes on what either says.
 *
 *   channel opened ──▶ (kept) connecting ── console opened ──▶ joined ── either is over ──▶ the channel is closed
 *                                └── closed: "unable to reach", 69
 *
 * What is passed on is borrowed from where it came, so a slow side holds the other one back. */
#include "ssh_console.h"

#include <string.h>
#include <sysexits.h>

#include <weft/log.h>
#include <weft/net.h>
#include <weft/ssh.h>
#include <weft/telnet.h>

typedef struct gate {
    weft_ref channel, console;
    weft_msg *opening; /* the channel's opened: nothing is read before the console is there */
    bool command, people, begun, reached;
    int code;
    bool leaving;
} gate;

static weft_err leave(weft_actor *self, gate *g)
{
    if (g->leaving)
        return WEFT_OK;
    g->leaving = true;
    (void)weft_ssh_exit(self, g->channel, g->code);
    (void)weft_close(self, g->console);
    return weft_close(self, g->channel);
}

/* ---- the beginning */

static weft_err on_channel(weft_actor *self, gate *g, weft_msg *msg)
{
    const ssh_console_config *config = weft_config(self);
    const weft_ssh_session *session = weft_ssh_session_of(weft_sender(msg));
    if (session == NULL)
        return weft_stop_because(self, WEFT_EINVAL, "no channel of SSH");
    g->channel = weft_sender(msg);
    g->command = session->kind == WEFT_SSH_EXEC;
    g->people = session->terminal && !g->command;
    weft_log(self, WEFT_NOTICE, "console of %s", session->user);
    g->console = weft_connect(self, config->to, weft_self(self));
    if (weft_ref_is_nobody(g->console))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to connect to a console");
    g->opening = weft_keep(msg);
    return WEFT_OK;
}

/* As `weftd console` does it. */
static weft_err begin_people(weft_actor *self, const gate *g, const weft_ssh_session *session)
{
    weft_why why = {""};
    weft_telnet_options options = {.client = true,
                                   .quiet = true,
                                   .columns = session->window.columns,
                                   .rows = session->window.rows};
    if (session->term[0] != '\0' && strlen(session->term) < WEFT_TELNET_TERMINAL_BYTES)
        options.terminal = session->term;
    weft_err err = weft_telnet_speak(self, g->console, &options, &why);
    return err == WEFT_OK ? weft_write_text(self, g->console, "console\n") : err;
}

/* A command is a line; what follows it in one would be another command. */
static weft_err begin_command(weft_actor *self, const gate *g, const weft_ssh_session *session)
{
    size_t n = strcspn(session->command, "\r\n");
    weft_err err = weft_write_copy(self, g->console, session->command, n);
    if (err == WEFT_OK)
        err = weft_write_text(self, g->console, "\n");
    /* a tap would be over with this side's end */
    return err == WEFT_OK && strncmp(session->command, "tap ", 4) != 0 ? weft_end(self, g->console)
                                                                       : err;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    if (weft_ref_is_nobody(g->channel))
        return on_channel(self, g, msg);
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    g->reached = true;
    if (session == NULL)
        return WEFT_OK; /* its end is on the way */
    weft_err err = g->people    ? begin_people(self, g, session)
                   : g->command ? begin_command(self, g, session)
                                : WEFT_OK;
    weft_drop(&g->opening);
    return err == WEFT_OK ? WEFT_OK : leave(self, g);
}

/* ---- joined */

/* What stands beside a command is none: but the key that ends it, in a terminal. */
static weft_err from_channel(weft_actor *self, gate *g, weft_bytes bytes)
{
    if (!g->command)
        return weft_write(self, g->console, bytes);
    return memchr(bytes.at, 3, bytes.size) != NULL ? leave(self, g) : WEFT_OK;
}

/* A terminal of SSH is raw, and a command's answer is text. */
static weft_err put_text(weft_actor *self, const gate *g, weft_bytes bytes)
{
    const char *at = (const char *)bytes.at, *end = at + bytes.size;
    weft_err err = WEFT_OK;
    while (err == WEFT_OK && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        err = weft_write_copy(self, g->channel, at, (size_t)((stop != NULL ? stop : end) - at));
        if (err == WEFT_OK && stop != NULL)
            err = weft_write_text(self, g->channel, "\r\n");
        at = stop != NULL ? stop + 1 : end;
    }
    return err;
}

static weft_err from_console(weft_actor *self, gate *g, weft_bytes bytes)
{
    static const char refused[] = "error: ";
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    bool failed = !g->begun && g->command && bytes.size >= sizeof refused - 1 &&
                  memcmp(bytes.at, refused, sizeof refused - 1) == 0;
    g->begun = true;
    g->code = failed ? EX_DATAERR : g->code;
    weft_err err = g->command && session != NULL && session->terminal
                       ? put_text(self, g, bytes)
                       : weft_write(self, g->channel, bytes);
    if (err == WEFT_OK && failed)
        (void)weft_end(self, g->console); /* a tap that is refused waits for another command */
    return err;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_data *data = weft_body(msg);
    weft_err err = weft_ref_same(data->stream, g->channel) ? from_channel(self, g, data->bytes)
                                                           : from_console(self, g, data->bytes);
    return err == WEFT_OK || err == WEFT_EGONE ? WEFT_OK : leave(self, g);
}

static weft_err on_window(weft_actor *self, weft_msg *msg)
{
    const gate *g = weft_state(self);
    const weft_ssh_window *is = weft_body(msg);
    if (g->people && g->reached)
        (void)!weft_telnet_resize(self, g->console, is->window.columns, is->window.rows);
    return WEFT_OK;
}

/* ---- the end */

static weft_err on_signal(weft_actor *self, weft_msg *msg)
{
    static const uint8_t interrupt[] = {3};
    gate *g = weft_state(self);
    const weft_ssh_signal *signal = weft_body(msg);
    if (g->people && g->reached && strcmp(signal->name, "INT") == 0)
        return weft_write_copy(self, g->console, interrupt, sizeof interrupt);
    return leave(self, g);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    if (weft_ref_same(weft_sender(msg), g->console))
        return leave(self, g);
    /* of lines the last; of a command's input nothing depends on it */
    return g->command ? WEFT_OK : weft_end(self, g->console);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->stream, g->channel))
        return weft_stop(self, WEFT_OK);
    if (g->leaving)
        return WEFT_OK;
    if (!g->reached) {
        weft_log(self, WEFT_WARNING, "unable to reach the console: %s", closed->why);
        g->code = EX_UNAVAILABLE;
        (void)weft_write_text(self, g->channel, "error: unable to reach the console: %s%s",
                              closed->why, g->people ? "\r\n" : "\n");
        weft_drop(&g->opening);
    }
    return leave(self, g);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_ssh_window_type, .fn = on_window},
    {.type = &weft_ssh_signal_type, .fn = on_signal},
    {0},
};
const weft_behaviour ssh_console = {
    .name = "ssh.console", .handlers = handlers, .state_bytes = sizeof(gate)};
