/* SPDX-License-Identifier: MIT */
/* One actor owns a connection to a console and, unless it has one command to pass on, the standard input and output.
 *
 *   connecting ──▶ "hello" ── greeting ──▶ COMMAND: its answer ── mark ──────────────▶ closed
 *                     │                    LINES, PEOPLE: joined ── either is over ──▶ closed
 *                     └── anything else, nothing for ten seconds: no console of weft
 *
 * What is said of the end is said when the terminal has its modes back. */
#include "operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <weft/console.h>
#include <weft/net.h>
#include <weft/process.h>
#include <weft/telnet.h>

typedef struct ends {
    weft_ref console, terminal;
    weft_console_reader reader;
    weft_window shown; /* the window the console knows of */
    uint64_t lines, answers;
    bool broken; /* the last line has no end */
    bool leaving;
    weft_why why;
} ends;

typedef struct operator_begin {
    char nothing;
} operator_begin;
typedef struct operator_waited {
    char nothing;
} operator_waited;
static const weft_type operator_begin_type = WEFT_TYPE("weft.console_begin", operator_begin, NULL);
static const weft_type operator_waited_type =
    WEFT_TYPE("weft.console_waited", operator_waited, NULL);

static operator_job *job_of(const weft_actor *self)
{
    return (operator_job *)(uintptr_t)weft_config(self);
}

/* ---- the end */

static weft_err over(weft_actor *self, ends *e)
{
    operator_job *job = job_of(self);
    if (fflush(stdout) != 0 && job->err == WEFT_OK)
        job->err = weft_because(&e->why, WEFT_EIO, "unable to write to the standard output");
    if (job->err != WEFT_OK)
        (void)fprintf(stderr, "weftd %s: %s (%s)\n", job->name, e->why.text,
                      weft_err_name(job->err));
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* What there still is to show comes first. */
static weft_err leave(weft_actor *self, weft_err err)
{
    ends *e = weft_state(self);
    if (e->leaving)
        return WEFT_OK;
    e->leaving = true;
    job_of(self)->err = err;
    (void)weft_close(self, e->console);
    return weft_ref_is_nobody(e->terminal) ? over(self, e) : weft_close(self, e->terminal);
}

static weft_err fail(weft_actor *self, weft_err err, const char *why)
{
    ends *e = weft_state(self);
    return leave(self, e->leaving ? err : weft_because(&e->why, err, "%s", why));
}

static weft_err no_console(weft_actor *self, weft_err err, const char *said)
{
    ends *e = weft_state(self);
    return e->leaving ? WEFT_OK
                      : leave(self, weft_because(&e->why, err,
                                                 "%.80s is no console of weft: %s, expected what "
                                                 "was given as --admin",
                                                 job_of(self)->to, said));
}

/* ---- the beginning */

/* Says that the service is up, which must not take longer than a start may, and begins. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), operator_begin, .nothing = 0);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    const char *to = job_of(self)->to;
    (void)msg;
    if (to == NULL)
        return fail(self, WEFT_EINVAL, "--to says where, such as --to unix:web.admin");
    e->console = weft_connect(self, to, weft_self(self));
    return weft_ref_is_nobody(e->console) ? fail(self, WEFT_ENOMEM, "no memory") : WEFT_OK;
}

static weft_window window(void)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0)
        return (weft_window){.rows = 0};
    return (weft_window){.rows = size.ws_row, .columns = size.ws_col};
}

static weft_err greet_for_people(weft_actor *self, ends *e)
{
    const char *terminal = getenv("TERM");
    weft_why why = {""};
    e->shown = window();
    weft_telnet_options options = {
        .client = true,
        .quiet = true,
        .columns = e->shown.columns,
        .rows = e->shown.rows,
        .terminal =
            terminal != NULL && strlen(terminal) < WEFT_TELNET_TERMINAL_BYTES ? terminal : NULL};
    weft_err err = weft_telnet_speak(self, e->console, &options, &why);
    return err == WEFT_OK ? weft_write_text(self, e->console, WEFT_CONSOLE_HELLO_PEOPLE) : err;
}

/* A tap is over when this end closes, or the other one does. */
static weft_err greet_with_command(weft_actor *self, const ends *e, const operator_job *job)
{
    weft_err err = weft_write_text(self, e->console, WEFT_CONSOLE_HELLO);
    if (err == WEFT_OK)
        err = weft_write_copy(self, e->console, job->line, strlen(job->line));
    return err == WEFT_OK && !job->stays ? weft_end(self, e->console) : err;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    const operator_job *job = job_of(self);
    if (!weft_ref_same(weft_sender(msg), e->console))
        return WEFT_OK;
    (void)weft_after(self, OPERATOR_GREETING_MS, operator_waited, .nothing = 0);
    weft_err err = job->mode == OPERATOR_PEOPLE ? greet_for_people(self, e)
                   : job->mode == OPERATOR_COMMAND
                       ? greet_with_command(self, e, job)
                       : weft_write_text(self, e->console, WEFT_CONSOLE_HELLO);
    return err == WEFT_OK ? WEFT_OK : fail(self, err, "the command cannot be sent");
}

static weft_err on_waited(weft_actor *self, weft_msg *msg)
{
    const ends *e = weft_state(self);
    (void)msg;
    return e->reader.greeted ? WEFT_OK : no_console(self, WEFT_ETIMEDOUT, "it says nothing");
}

static weft_err join(weft_actor *self, ends *e, operator_mode mode)
{
    if (mode == OPERATOR_COMMAND)
        return WEFT_OK;
    e->terminal =
        weft_connect(self, mode == OPERATOR_PEOPLE ? "stdio:?raw=on" : "stdio:", weft_self(self));
    return weft_ref_is_nobody(e->terminal)
               ? fail(self, WEFT_ENOMEM, "the terminal cannot be joined")
               : WEFT_OK;
}

/* ---- answers */

/* A command's goes to the standard output itself, which may be slow: nothing else is to be done. */
static weft_err show(weft_actor *self, const ends *e, weft_bytes text)
{
    const operator_job *job = job_of(self);
    if (!weft_ref_is_nobody(e->terminal))
        return weft_write(self, e->terminal, text);
    if (fwrite(text.at, 1, text.size, stdout) != text.size || (job->stays && fflush(stdout) != 0))
        return fail(self, WEFT_EIO, "unable to write to the standard output");
    return WEFT_OK;
}

/* Among the answers to lines an error has its place; of a command it is the answer. */
static weft_err answered(weft_actor *self, ends *e, bool failed)
{
    operator_job *job = job_of(self);
    weft_err err = WEFT_OK;
    e->answers++;
    job->failed |= failed;
    if (job->mode == OPERATOR_COMMAND) {
        if (failed)
            (void)fprintf(stderr, "error: %s\n", e->reader.text);
        return leave(self, WEFT_OK);
    }
    if (failed)
        err = weft_write_text(self, e->terminal, "error: %s\n", e->reader.text);
    return err;
}

static weft_err hear(weft_actor *self, ends *e, weft_console_event event, weft_bytes piece)
{
    char said[sizeof e->reader.text + 16];
    switch (event) {
    case WEFT_CONSOLE_GREETED:
        return join(self, e, job_of(self)->mode);
    case WEFT_CONSOLE_TEXT:
        return show(self, e, piece);
    case WEFT_CONSOLE_DONE:
        return answered(self, e, false);
    case WEFT_CONSOLE_FAILED:
        return answered(self, e, true);
    case WEFT_CONSOLE_STRANGER:
        (void)snprintf(said, sizeof said, "it says \"%s\"", e->reader.text);
        return no_console(self, WEFT_EPROTO, said);
    case WEFT_CONSOLE_MORE:
        break;
    }
    return WEFT_OK;
}

static weft_err from_console(weft_actor *self, ends *e, weft_bytes bytes)
{
    weft_err err = WEFT_OK;
    for (size_t at = 0, used = 0; err == WEFT_OK && at < bytes.size && !e->leaving; at += used) {
        weft_bytes rest = weft_bytes_slice(bytes, at, bytes.size - at);
        if (e->reader.greeted && job_of(self)->mode == OPERATOR_PEOPLE)
            return weft_write(self, e->terminal, rest);
        weft_console_event event = weft_console_read(&e->reader, rest.at, rest.size, &used);
        err = hear(self, e, event, weft_bytes_slice(rest, 0, used));
    }
    return err;
}

/* ---- what is typed, or stands in a script */

/* Told with the next key: a terminal says nothing by itself when it is made larger. */
static void watch_window(weft_actor *self, ends *e)
{
    weft_window now = window();
    if (now.rows == e->shown.rows && now.columns == e->shown.columns)
        return;
    e->shown = now;
    (void)!weft_telnet_resize(self, e->console, now.columns, now.rows);
}

static void count_lines(ends *e, weft_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        e->lines += bytes.at[i] == '\n';
    e->broken = bytes.at[bytes.size - 1] != '\n';
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    const weft_data *data = weft_body(msg);
    weft_err err;
    if (e->leaving || data->bytes.size == 0)
        return WEFT_OK;
    if (weft_ref_same(data->stream, e->console))
        err = from_console(self, e, data->bytes);
    else {
        if (job_of(self)->mode == OPERATOR_PEOPLE)
            watch_window(self, e);
        else
            count_lines(e, data->bytes);
        err = weft_write(self, e->console, data->bytes);
    }
    return err == WEFT_OK || err == WEFT_EGONE ? WEFT_OK : fail(self, err, weft_err_text(err));
}

/* ---- what ends */

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    if (weft_ref_same(weft_sender(msg), e->console))
        return weft_close(self, e->console);
    if (job_of(self)->mode == OPERATOR_PEOPLE)
        return weft_close(self, e->console);
    e->lines += e->broken;
    return weft_end(self, e->console); /* what was asked is answered first */
}

static weft_err console_closed(weft_actor *self, ends *e, const weft_closed *closed)
{
    const operator_job *job = job_of(self);
    char missing[80];
    if (closed->reason != WEFT_EDONE)
        return fail(self, closed->reason, closed->why);
    if (!e->reader.greeted)
        return no_console(self, WEFT_EPROTO, "it closes the connection");
    if (job->mode == OPERATOR_COMMAND)
        return fail(self, WEFT_ELOST, "the console has gone before its answer was whole");
    if (job->mode == OPERATOR_PEOPLE || e->answers >= e->lines)
        return leave(self, WEFT_OK);
    (void)snprintf(missing, sizeof missing, "the console has gone; %llu lines are not answered",
                   (unsigned long long)(e->lines - e->answers));
    return fail(self, WEFT_ELOST, missing);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    bool console = weft_ref_same(closed->stream, e->console);
    if (console)
        return e->leaving ? WEFT_OK : console_closed(self, e, closed);
    e->terminal = WEFT_NOBODY;
    if (e->leaving)
        return over(self, e);
    return closed->reason == WEFT_EDONE ? leave(self, WEFT_OK)
                                        : fail(self, closed->reason, closed->why);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &operator_begin_type, .fn = on_begin},
    {.type = &operator_waited_type, .fn = on_waited},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
const weft_behaviour operator_behaviour = {
    .name = "operator", .handlers = handlers, .state_bytes = sizeof(ends)};

int operator_exit_code(const operator_job *job)
{
    if (job->err != WEFT_OK)
        return job->err == WEFT_EINVAL ? EX_USAGE : EX_UNAVAILABLE;
    return job->failed ? EX_DATAERR : EX_OK;
}
