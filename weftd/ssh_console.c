/* SPDX-License-Identifier: MIT */
/* One actor owns a channel of SSH and a connection to a console, and passes on what either says.
 *
 *   channel opened ──▶ (kept) connecting ── opened ──▶ "hello" ── greeting ──▶ joined ── either is over ──▶ closed
 *                                └── not to be reached, or no console: the channel is told, 69
 *
 * What is passed on is borrowed from where it came, so a slow side holds the other one back. */
#include "ssh_console.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <weft/console.h>
#include <weft/log.h>
#include <weft/net.h>
#include <weft/ssh.h>
#include <weft/telnet.h>

typedef struct gate {
    weft_ref channel, console;
    weft_msg *
        opening; /* the channel's opened: nothing is read before the console has said that it is one */
    bool command, people;
    bool leaving;
    bool broken; /* the last line is not whole */
    int code;
    uint64_t lines, answers;
    weft_console_reader reader;
} gate;

typedef struct ssh_console_waited {
    char nothing;
} ssh_console_waited;
static const weft_type ssh_console_waited_type =
    WEFT_TYPE("weft.ssh_console_waited", ssh_console_waited, NULL);

static weft_err leave(weft_actor *self, gate *g)
{
    if (g->leaving)
        return WEFT_OK;
    g->leaving = true;
    weft_drop(&g->opening);
    (void)weft_ssh_exit(self, g->channel, g->code);
    (void)weft_close(self, g->console);
    return weft_close(self, g->channel);
}

/* The channel is told, and so is the log. */
static weft_err lose(weft_actor *self, gate *g, const char *what, const char *why)
{
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    if (g->leaving)
        return WEFT_OK;
    g->code = EX_UNAVAILABLE;
    weft_log(self, WEFT_WARNING, "%s: %s", what, why);
    (void)weft_write_text(self, g->channel, "error: %s: %s%s", what, why,
                          session != NULL && session->terminal ? "\r\n" : "\n");
    return leave(self, g);
}

static weft_err refuse(weft_actor *self, gate *g, const char *why)
{
    return lose(self, g, "unable to reach the console", why);
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
static weft_err hello_people(weft_actor *self, const gate *g, const weft_ssh_session *session)
{
    weft_why why = {""};
    weft_telnet_options options = {.client = true,
                                   .quiet = true,
                                   .columns = session->window.columns,
                                   .rows = session->window.rows};
    if (session->term[0] != '\0' && strlen(session->term) < WEFT_TELNET_TERMINAL_BYTES)
        options.terminal = session->term;
    weft_err err = weft_telnet_speak(self, g->console, &options, &why);
    return err == WEFT_OK ? weft_write_text(self, g->console, WEFT_CONSOLE_HELLO_PEOPLE) : err;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    if (weft_ref_is_nobody(g->channel))
        return on_channel(self, g, msg);
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    if (session == NULL)
        return WEFT_OK; /* its end is on the way */
    (void)weft_after(self, WEFT_CONSOLE_JOIN_MS, ssh_console_waited, .nothing = 0);
    weft_err err = g->people ? hello_people(self, g, session)
                             : weft_write_text(self, g->console, WEFT_CONSOLE_HELLO);
    return err == WEFT_OK ? WEFT_OK : refuse(self, g, weft_err_text(err));
}

static weft_err on_waited(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    (void)msg;
    return g->reader.greeted ? WEFT_OK : refuse(self, g, "it says nothing");
}

/* A command is a line; what follows it in one would be another command. */
static weft_err ask(weft_actor *self, const gate *g, const weft_ssh_session *session)
{
    const char *line = session->command + strspn(session->command, " \t");
    weft_err err = weft_write_copy(self, g->console, line, strcspn(line, "\r\n"));
    if (err == WEFT_OK)
        err = weft_write_text(self, g->console, "\n");
    /* a tap would be over with this side's end */
    return err == WEFT_OK && strncmp(line, "tap ", 4) != 0 ? weft_end(self, g->console) : err;
}

static weft_err greeted(weft_actor *self, gate *g)
{
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    weft_err err = WEFT_OK;
    if (session == NULL)
        return WEFT_OK; /* its end is on the way */
    if (g->people)      /* it may have changed meanwhile */
        (void)!weft_telnet_resize(self, g->console, session->window.columns, session->window.rows);
    else if (g->command)
        err = ask(self, g, session);
    weft_drop(&g->opening);
    return err;
}

/* ---- what is typed */

static void count_lines(gate *g, weft_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        g->lines += bytes.at[i] == '\n';
    g->broken = bytes.at[bytes.size - 1] != '\n';
}

/* What stands beside a command is none: but the key that ends it, in a terminal. */
static weft_err from_channel(weft_actor *self, gate *g, weft_bytes bytes)
{
    if (g->command)
        return memchr(bytes.at, 3, bytes.size) != NULL ? leave(self, g) : WEFT_OK;
    if (!g->people)
        count_lines(g, bytes);
    return weft_write(self, g->console, bytes);
}

/* ---- answers */

/* A terminal of SSH is raw, and a command's answer is text. */
static weft_err put_text(weft_actor *self, const gate *g, weft_bytes bytes)
{
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    const char *at = (const char *)bytes.at, *end = at + bytes.size;
    weft_err err = WEFT_OK;
    if (session == NULL || !session->terminal)
        return weft_write(self, g->channel, bytes);
    while (err == WEFT_OK && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        err = weft_write_copy(self, g->channel, at, (size_t)((stop != NULL ? stop : end) - at));
        if (err == WEFT_OK && stop != NULL)
            err = weft_write_text(self, g->channel, "\r\n");
        at = stop != NULL ? stop + 1 : end;
    }
    return err;
}

/* Among the answers to lines an error has its place; it is the exit code too. */
static weft_err answered(weft_actor *self, gate *g, bool failed)
{
    const weft_ssh_session *session = weft_ssh_session_of(g->channel);
    weft_err err = WEFT_OK;
    g->answers++;
    if (failed)
        err = weft_write_text(self, g->channel, "error: %s%s", g->reader.text,
                              session != NULL && session->terminal ? "\r\n" : "\n");
    if (failed)
        g->code = EX_DATAERR;
    return g->command && err == WEFT_OK ? leave(self, g) : err;
}

static weft_err hear(weft_actor *self, gate *g, weft_console_event event, weft_bytes piece)
{
    char said[sizeof g->reader.text + 32];
    switch (event) {
    case WEFT_CONSOLE_GREETED:
        return greeted(self, g);
    case WEFT_CONSOLE_TEXT:
        return put_text(self, g, piece);
    case WEFT_CONSOLE_DONE:
        return answered(self, g, false);
    case WEFT_CONSOLE_FAILED:
        return answered(self, g, true);
    case WEFT_CONSOLE_STRANGER:
        (void)snprintf(said, sizeof said, "it is none: it says \"%s\"", g->reader.text);
        return refuse(self, g, said);
    case WEFT_CONSOLE_MORE:
        break;
    }
    return WEFT_OK;
}

static weft_err from_console(weft_actor *self, gate *g, weft_bytes bytes)
{
    weft_err err = WEFT_OK;
    for (size_t at = 0, used = 0; err == WEFT_OK && at < bytes.size && !g->leaving; at += used) {
        weft_bytes rest = weft_bytes_slice(bytes, at, bytes.size - at);
        if (g->reader.greeted && g->people)
            return weft_write(self, g->channel, rest);
        weft_console_event event = weft_console_read(&g->reader, rest.at, rest.size, &used);
        err = hear(self, g, event, weft_bytes_slice(rest, 0, used));
    }
    return err;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (g->leaving || data->bytes.size == 0)
        return WEFT_OK;
    weft_err err = weft_ref_same(data->stream, g->channel) ? from_channel(self, g, data->bytes)
                                                           : from_console(self, g, data->bytes);
    return err == WEFT_OK || err == WEFT_EGONE ? WEFT_OK : leave(self, g);
}

static weft_err on_window(weft_actor *self, weft_msg *msg)
{
    const gate *g = weft_state(self);
    const weft_ssh_window *is = weft_body(msg);
    if (g->people && g->reader.greeted)
        (void)!weft_telnet_resize(self, g->console, is->window.columns, is->window.rows);
    return WEFT_OK;
}

/* ---- the end */

static weft_err on_signal(weft_actor *self, weft_msg *msg)
{
    static const uint8_t interrupt[] = {3};
    gate *g = weft_state(self);
    const weft_ssh_signal *signal = weft_body(msg);
    if (g->people && g->reader.greeted && strcmp(signal->name, "INT") == 0)
        return weft_write_copy(self, g->console, interrupt, sizeof interrupt);
    return leave(self, g);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    if (weft_ref_same(weft_sender(msg), g->console))
        return weft_close(self, g->console);
    if (g->command)
        return WEFT_OK; /* of its input nothing depends on it */
    g->lines += g->broken;
    g->broken = false;
    return weft_end(self, g->console); /* what was asked is answered first */
}

static weft_err console_closed(weft_actor *self, gate *g, const weft_closed *closed)
{
    bool whole = g->people || (!g->command && g->answers >= g->lines + g->broken);
    g->console = WEFT_NOBODY;
    if (!g->reader.greeted)
        return refuse(self, g,
                      closed->reason == WEFT_EDONE ? "it is none: it says nothing" : closed->why);
    if (closed->reason == WEFT_EDONE && whole)
        return leave(self, g);
    return lose(self, g, "the console has gone",
                closed->reason == WEFT_EDONE ? "not all is answered" : closed->why);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->stream, g->channel)) {
        weft_drop(&g->opening);
        return weft_stop(self, WEFT_OK);
    }
    return g->leaving ? WEFT_OK : console_closed(self, g, closed);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &ssh_console_waited_type, .fn = on_waited},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_ssh_window_type, .fn = on_window},
    {.type = &weft_ssh_signal_type, .fn = on_signal},
    {0},
};
const weft_behaviour ssh_console = {
    .name = "ssh.console", .handlers = handlers, .state_bytes = sizeof(gate)};
