/* SPDX-License-Identifier: MIT */
/* A session: lines in, answers out; for people with an editor, and behind a login if there is one.
 *
 *   LINES ── "console" ──▶ COMMANDS            telnet: LINES is left out
 *   USER ──▶ PASSWORD ──▶ (auth is asked) ──▶ COMMANDS
 *     ▲─────────────────────────┘ wrong
 *   instead of COMMANDS, if there is a URL: JOINED with the console there (console_join.c)
 *   over SSH, which knows who it is: COMMANDS with a terminal, else LINES, or the one command it was asked for
 *
 * What a program sent and was not used waits in its message while an answer is waited for; what people type then is
 * kept by console_wait.c. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <weft/edge.h>
#include <weft/ssh.h>
#include <weft/telnet.h>

#include "console_session.h"

typedef struct console_login_over {
    char nothing;
} console_login_over;
static const weft_type console_login_over_type =
    WEFT_TYPE("weft.console_login_over", console_login_over, NULL);

static const weft_console_config *config_of(const weft_actor *self)
{
    static const weft_console_config defaults = {.prompt = NULL};
    const weft_console_config *c = weft_config(self);
    return c != NULL ? c : &defaults;
}

/* ---- what is written */

/* A peer that does not read its answers is not worth keeping; what a tap shows may be lost. */
static void put(weft_actor *self, wf_session *s, const char *at, size_t n)
{
    weft_err err = n != 0 ? weft_write_copy(self, s->stream, at, n) : WEFT_OK;
    s->full = err == WEFT_EFULL;
    if (err == WEFT_OK || err == WEFT_EGONE || (s->full && s->busy == WF_TAPPING))
        return;
    s->closing = true;
    (void)weft_abort(self, s->stream, err == WEFT_EFULL ? WEFT_ELIMIT : err);
}

static void flush(weft_actor *self, wf_session *s)
{
    size_t n;
    const char *out = weft_editor_output(s->editor, &n);
    put(self, s, out, n);
}

void wf_console_ring(weft_actor *self, wf_session *s)
{
    put(self, s, "\a", 1);
}

void wf_console_say(weft_actor *self, wf_session *s, const char *at, size_t n)
{
    if (s->editor == NULL)
        put(self, s, at, n);
    else if (weft_editor_print(s->editor, at, n) == WEFT_OK)
        flush(self, s);
    else
        wf_console_ring(self, s);
}

void wf_console_begin(weft_actor *self, wf_session *s)
{
    if (s->once && !s->closing)
        wf_console_leave(self, s);
    if (s->editor == NULL || s->closing)
        return;
    const char *prompt = config_of(self)->prompt;
    weft_editor_begin(s->editor,
                      s->stage == WF_USER       ? "login: "
                      : s->stage == WF_PASSWORD ? "password: "
                      : prompt != NULL          ? prompt
                                                : "weft> ",
                      s->stage == WF_PASSWORD);
    flush(self, s);
}

void wf_console_leave(weft_actor *self, wf_session *s)
{
    weft_tap_end(&s->tap);
    if (s->ssh && !s->closing)
        (void)weft_ssh_exit(self, s->stream,
                            (s->once || s->editor == NULL) && s->failed ? EX_DATAERR : EX_OK);
    if (!weft_ref_is_nobody(s->other))
        (void)weft_close(self, s->other);
    s->closing = true;
    (void)weft_close(self, s->stream);
}

/* ---- for people */

static weft_err give_up(weft_actor *self, wf_session *s, weft_err err)
{
    s->closing = true;
    (void)weft_abort(self, s->stream, err);
    return err;
}

weft_err wf_console_edit(weft_actor *self, wf_session *s, uint16_t columns, uint16_t rows)
{
    weft_editor_options options = {.line_bytes_max = WEFT_CONSOLE_LINE_BYTES_MAX,
                                   .columns = columns,
                                   .rows = rows,
                                   .complete = wf_console_complete,
                                   .context = weft_system_of(self)};
    s->editor = weft_editor_new(&options);
    return s->editor != NULL ? WEFT_OK : give_up(self, s, WEFT_ENOMEM);
}

static weft_err speak(weft_actor *self, wf_session *s)
{
    const weft_console_config *config = config_of(self);
    weft_why why = {""};
    weft_err err = weft_telnet_speak(self, s->stream, NULL, &why);
    if (err != WEFT_OK)
        (void)give_up(self, s, err);
    else if (config->auth == NULL && config->to != NULL) {
        wf_console_join(self, s, config->to);
        return WEFT_OK;
    } else
        err = wf_console_edit(self, s, 0, 0);
    if (err != WEFT_OK)
        return WEFT_OK;
    s->stage = config->auth != NULL ? WF_USER : WF_COMMANDS;
    if (s->stage == WF_USER)
        (void)weft_after(self, WEFT_CONSOLE_LOGIN_MS, console_login_over, .nothing = 0);
    wf_console_begin(self, s);
    return WEFT_OK;
}

/* ---- commands */

static void say_error(weft_actor *self, wf_session *s, const char *before, const char *error)
{
    char text[WEFT_WHY_BYTES + 16];
    int n = snprintf(text, sizeof text, "%serror: %s\n", before, error);
    wf_console_say(self, s, text, (size_t)n);
}

void wf_console_mark(weft_actor *self, wf_session *s, const char *error)
{
    static const char mark[] = {WEFT_CONSOLE_MARK, '\0'},
                      ok[] = {WEFT_CONSOLE_MARK, 'o', 'k', '\n'};
    if (s->marked && error != NULL)
        say_error(self, s, mark, error);
    else if (s->marked)
        wf_console_say(self, s, ok, sizeof ok);
}

void wf_console_answer(weft_actor *self, wf_session *s, weft_err err, wf_text *out,
                       const weft_why *why)
{
    if (out->cut && out->n == 0)
        err = err == WEFT_OK ? WEFT_ENOMEM : err;
    s->failed |= err != WEFT_OK;
    wf_text_end(out);
    wf_console_say(self, s, out->at, out->n);
    wf_text_free(out);
    const char *error = why->text[0] != '\0' ? why->text : weft_err_text(err);
    if (s->marked)
        wf_console_mark(self, s, err == WEFT_OK ? NULL : error);
    else if (err != WEFT_OK)
        say_error(self, s, "", error);
}

static weft_err go_on(weft_actor *self, weft_msg *msg);

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_session *s = weft_state(self);
    wf_text out = {.at = NULL};
    weft_why why = {""};
    weft_err err = s->answered(got, &out, &why);
    wf_console_answer(self, s, err, &out, &why);
    if (s->once)
        wf_console_leave(self, s);
    return go_on(self, msg);
}

/* A channel of SSH is a terminal, or none: it cannot become one. */
static weft_err console_over_ssh(weft_why *why)
{
    return weft_because(why, WEFT_EINVAL, "over SSH, expected a terminal: ssh -t, and no command");
}

/* Whether such a connection may become one for people. */
static weft_err check_people(const wf_session *s, weft_why *why)
{
    if (s->ssh)
        return s->editor != NULL && !s->once ? WEFT_OK : console_over_ssh(why);
    return s->marked ? weft_because(why, WEFT_EINVAL,
                                    "a program talks here: expected a connection "
                                    "that begins with \"hello people\"")
                     : WEFT_OK;
}

bool wf_console_line(weft_actor *self, weft_msg *msg, wf_session *s, char *line)
{
    wf_text out = {.at = NULL};
    weft_why why = {""};
    wf_command c = {.self = self,
                    .sys = weft_system_of(self),
                    .stream = s->stream,
                    .user = s->user,
                    .out = &out,
                    .why = &why};
    weft_err err = wf_console_run(&c, line);
    if (err == WEFT_OK && c.console)
        err = check_people(s, &why);
    if (err == WEFT_OK && c.waiting && s->editor == NULL) {
        s->answered = c.answered;
        if (weft_when(msg, c.waits, on_answered) == WEFT_OK) {
            wf_text_free(&out);
            return true;
        }
        c.waiting = false;
        err = WEFT_ENOMEM;
    }
    if (c.tap == NULL) /* whose answer ends when it is over */
        wf_console_answer(self, s, err, &out, &why);
    s->marked |= err == WEFT_OK && c.hello && !c.console && s->editor == NULL;
    if (err == WEFT_OK && c.waiting)
        wf_console_wait(self, s, &c);
    else if (err == WEFT_OK && c.tap != NULL)
        wf_console_show(self, s, &c);
    else if (c.quit)
        wf_console_leave(self, s);
    else if (err == WEFT_OK && c.console && s->editor == NULL)
        (void)speak(self, s);
    else
        wf_console_begin(self, s);
    return false;
}

/* ---- logging in */

/* Who comes from where; @why: and is refused. */
static void log_login(weft_actor *self, const wf_session *s, const char *why)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    weft_log(self, WEFT_NOTICE, "%s: login of %s%s%s", weft_address_print(&s->peer, text), s->user,
             why != NULL ? " refused: " : "", why != NULL ? why : "");
}

static weft_err on_login(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_session *s = weft_state(self);
    static const char wrong[] = "login incorrect\n";
    if (got->err == WEFT_OK) {
        s->stage = WF_COMMANDS;
        log_login(self, s, NULL);
        if (config_of(self)->to != NULL)
            wf_console_join(self, s, config_of(self)->to);
    } else {
        log_login(self, s, got->why);
        wf_console_say(self, s, wrong, sizeof wrong - 1);
        s->stage = WF_USER;
        if (++s->logins == WEFT_CONSOLE_LOGINS_MAX)
            wf_console_leave(self, s);
    }
    wf_console_begin(self, s);
    return go_on(self, msg);
}

static bool log_in(weft_actor *self, weft_msg *msg, wf_session *s, const char *password)
{
    weft_address local;
    weft_auth_request request = {.kind = WEFT_AUTH_PASSWORD};
    (void)weft_stream_addresses(self, s->stream, &local, &s->peer);
    request.peer = s->peer; /* kept for the log: the stream may be gone by then */
    (void)snprintf(request.user, sizeof request.user, "%s", s->user);
    (void)snprintf(request.password, sizeof request.password, "%s", password);
    weft_deferred asked = weft_ask_body(self, weft_named(self, config_of(self)->auth),
                                        &weft_auth_request_type, &request, WEFT_INHERIT);
    weft_auth_wipe(&request);
    if (weft_when(msg, asked, on_login) == WEFT_OK)
        return true;
    (void)give_up(self, s, WEFT_ENOMEM); /* nobody would ask again */
    return false;
}

/* A line of the editor. true: what comes of it comes later. */
static bool on_edited(weft_actor *self, weft_msg *msg, wf_session *s)
{
    const char *line = weft_editor_line(s->editor);
    switch (s->stage) {
    case WF_USER:
        (void)snprintf(s->user, sizeof s->user, "%s", line);
        s->stage = WF_PASSWORD;
        wf_console_begin(self, s);
        return false;
    case WF_PASSWORD:
        return log_in(self, msg, s, line);
    default:
        (void)snprintf(s->line, sizeof s->line, "%s", line);
        return wf_console_line(self, msg, s, s->line);
    }
}

/* ---- what comes */

/* Both say how many bytes they took; true: what comes of it comes later, and is for @msg to wait for. */
static bool edit(weft_actor *self, weft_msg *msg, wf_session *s, const uint8_t *at, size_t n,
                 size_t *used)
{
    weft_editor_event event;
    weft_err err = weft_editor_feed(s->editor, at, n, used, &event);
    flush(self, s);
    if (err != WEFT_OK) {
        s->closing = true;
        (void)weft_abort(self, s->stream, err);
    } else if (event == WEFT_EDITOR_LINE)
        return on_edited(self, msg, s);
    else if (event == WEFT_EDITOR_END)
        wf_console_leave(self, s);
    else if (event == WEFT_EDITOR_INTERRUPT) {
        s->stage = s->stage == WF_PASSWORD ? WF_USER : s->stage;
        wf_console_begin(self, s);
    }
    return false;
}

/* A line for a program. */
static bool gather(weft_actor *self, weft_msg *msg, wf_session *s, const uint8_t *at, size_t size,
                   size_t *used)
{
    const uint8_t *end = memchr(at, '\n', size);
    size_t n = end != NULL ? (size_t)(end - at) : size;
    *used = n + (end != NULL);
    if (n > WEFT_CONSOLE_LINE_BYTES_MAX - s->n) {
        s->closing = true;
        (void)weft_abort(self, s->stream, WEFT_ETOOBIG);
        return false;
    }
    memcpy(s->line + s->n, at, n);
    s->n += n;
    if (end == NULL)
        return false;
    s->line[s->n] = '\0';
    s->n = 0;
    return wf_console_line(self, msg, s, s->line);
}

static bool take(weft_actor *self, weft_msg *msg, wf_session *s, const uint8_t *at, size_t n,
                 size_t *used)
{
    if (s->once && s->editor == NULL) {
        *used = n; /* the command wants none of it */
        return false;
    }
    if (s->stage == WF_JOINED) {
        *used = n;
        wf_console_join_type(self, s, at, n);
        return false;
    }
    if (s->busy != WF_IDLE) {
        *used = wf_console_ahead(self, s, at, n);
        return false;
    }
    return s->editor != NULL ? edit(self, msg, s, at, n, used) : gather(self, msg, s, at, n, used);
}

void wf_console_feed(weft_actor *self, wf_session *s, const uint8_t *at, size_t n)
{
    for (size_t used = 0; n != 0 && !s->closing; at += used, n -= used)
        (void)take(self, NULL, s, at, n, &used); /* commands of people wait for themselves */
}

static weft_err go_on(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    if (weft_type_of(msg) == &weft_ended_type) /* the last line, which had no end */
        wf_console_leave(self, s);
    if (weft_type_of(msg) != &weft_data_type)
        return WEFT_OK;
    weft_bytes in = ((const weft_data *)weft_body(msg))->bytes;
    bool waits = false;
    while (!s->closing && !waits && s->used < in.size) {
        const uint8_t *at = in.at + s->used;
        size_t left = in.size - s->used, used = 0;
        waits = take(self, msg, s, at, left, &used);
        s->used = in.size - left + used;
    }
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_console_config *config = config_of(self);
    if (s->stage == WF_JOINED)
        return wf_console_join_opened(self, s);
    s->stream = weft_sender(msg);
    if (weft_ssh_session_of(s->stream) != NULL)
        return wf_console_ssh_begin(self, msg, s);
    return config->telnet || config->auth != NULL || config->to != NULL ? speak(self, s) : WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (!weft_ref_same(data->stream, s->stream))
        return wf_console_join_hear(self, s, data->bytes);
    s->used = 0;
    return go_on(self, msg);
}

static weft_err on_event(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_telnet_event *event = weft_body(msg);
    weft_telnet_info info;
    static const uint8_t interrupt[] = {3}, end[] = {4};
    if ((s->editor == NULL && s->stage != WF_JOINED) || s->closing)
        return WEFT_OK;
    switch (event->bytes.at[0]) {
    case WEFT_TELNET_CHANGED:
        if (weft_telnet_about(self, s->stream, &info) != WEFT_OK)
            return WEFT_OK;
        if (s->editor == NULL) {
            wf_console_join_resize(self, s, &info);
            return WEFT_OK;
        }
        (void)!weft_editor_resize(s->editor, info.columns, info.rows);
        flush(self, s);
        return WEFT_OK;
    case WEFT_TELNET_INTERRUPT:
        wf_console_feed(self, s, interrupt, 1);
        return WEFT_OK;
    case WEFT_TELNET_END_OF_FILE:
        wf_console_feed(self, s, end, 1);
        return WEFT_OK;
    default:
        return WEFT_OK;
    }
}

static weft_err on_login_over(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    (void)msg;
    if ((s->stage == WF_USER || s->stage == WF_PASSWORD) && !s->closing) {
        s->closing = true;
        return weft_abort(self, s->stream, WEFT_ETIMEDOUT);
    }
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    bool waits = false;
    if (!weft_ref_same(weft_sender(msg), s->stream))
        return weft_close(self, weft_sender(msg)); /* of a console that it is joined with */
    if (s->stage == WF_JOINED && !s->closing)
        return wf_console_join_ended(self, s);
    if (s->once)
        return WEFT_OK; /* of the input of its command; it leaves when that is done */
    if (s->busy == WF_ASKING) {
        s->over = true;
        return WEFT_OK;
    }
    if (s->editor == NULL && s->n > 0 && !s->closing) {
        s->line[s->n] = '\0';
        s->n = 0;
        waits = wf_console_line(self, msg, s, s->line);
    }
    if (!waits)
        wf_console_leave(self, s);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    return weft_ref_same(closed->stream, s->stream) ? weft_stop(self, WEFT_OK)
                                                    : wf_console_join_closed(self, s, closed);
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_session *s = weft_state(self);
    (void)reason;
    wf_console_wait_done(s);
    weft_editor_free(&s->editor);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_telnet_event_type, .fn = on_event},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &wf_console_join_over_type, .fn = wf_console_on_join_over},
    {.type = &weft_ssh_window_type, .fn = wf_console_on_window},
    {.type = &weft_ssh_signal_type, .fn = wf_console_on_signal},
    {.type = &console_login_over_type, .fn = on_login_over},
    {.type = &weft_tapped_type, .fn = wf_console_on_tapped},
    {.type = &weft_down_type, .fn = wf_console_on_down},
    {.type = &weft_restarted_type, .fn = wf_console_on_restarted},
    {0},
};
const weft_behaviour weft_console = {
    .name = "console", .handlers = handlers, .state_bytes = sizeof(wf_session), .ended = ended};
