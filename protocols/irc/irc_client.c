/* SPDX-License-Identifier: MIT */
/* A client of an IRC server.
 *
 *   connecting ──▶ coming in (PASS, SASL, NICK, USER) ──▶ in: joins, hears, says ──▶ lost
 *       ▲                                                                            │
 *       └────────────────────── weft_reconnect pauses ◀──────────────────────────────┘
 *
 * Each line is asked of the parent, so that the next is not read before it was let go of. */
#include "irc_client.h"

#include <stdio.h>
#include <string.h>

#include <weft/framing.h>
#include <weft/hash.h>
#include <weft/stream.h>

enum {
    PING_MS = 120000,
    CHANNELS_MAX = 64,
    MEMBERS_MAX = 10000,
    ANSWERS_MAX = 5, /* of CTCP, within ANSWERS_MS */
    ANSWERS_MS = 10000,
    LINE_BYTES_MAX = WEFT_IRC_TAGS_READ_MAX + 2 + WEFT_IRC_LINE_BYTES_MAX
};

typedef struct irc_client {
    const weft_irc_client_config *config;
    weft_reconnect_config reconnect;
    weft_ref connector, stream; /* nobody: none stands */
    wf_irc_views views;
    weft_timer watch;
    uint32_t ping_ms, answers, answers_ms;
    bool in, heard, pinged; /* @heard: something, since the watch began */
} irc_client;

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

typedef struct watch {
    char nothing;
} watch;
static const weft_type watch_type = WEFT_TYPE("weft.irc_watch", watch, NULL);

const weft_type weft_irc_heard_type = WEFT_TYPE_BYTES("weft.irc_heard", weft_irc_heard, line, NULL);
const weft_type weft_irc_state_type = {
    .name = "weft.irc_state", .size = sizeof(weft_irc_state), .otherwise = ignore};
const weft_type weft_irc_answer_type = WEFT_TYPE("weft.irc_answer", weft_irc_answer, NULL);
const weft_type weft_irc_send_type =
    WEFT_TYPE_BYTES("weft.irc_send", weft_irc_send, line, &weft_irc_answer_type);
const weft_type weft_irc_view_type = WEFT_TYPE_BYTES("weft.irc_view", weft_irc_view, names, NULL);
const weft_type weft_irc_look_type = WEFT_TYPE("weft.irc_look", weft_irc_look, &weft_irc_view_type);

bool weft_irc_ctcp(weft_irc_text text, weft_irc_text *command, weft_irc_text *arguments)
{
    if (text.bytes < 2 || text.at[0] != '\001')
        return false;
    text.at++;
    text.bytes -= text.at[text.bytes - 2] == '\001' ? 2 : 1; /* the last one may be missing */
    const char *blank = memchr(text.at, ' ', text.bytes);
    command->at = text.at;
    command->bytes = blank != NULL ? (uint32_t)(blank - text.at) : text.bytes;
    arguments->at = blank != NULL ? blank + 1 : "";
    arguments->bytes = blank != NULL ? text.bytes - command->bytes - 1 : 0;
    return command->bytes > 0;
}

weft_err weft_irc_say(weft_actor *self, weft_ref client, const char *format, ...)
{
    char text[WEFT_IRC_LINE_BYTES_MAX + 1];
    va_list args;
    uint8_t *to;
    weft_irc_send send = {.line = WEFT_NO_BYTES};
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t n = strlen(text);
    if (n == 0 || strpbrk(text, "\r\n") != NULL)
        return WEFT_EINVAL;
    weft_err err = weft_bytes_new(n, &to, &send.line);
    if (err != WEFT_OK)
        return err;
    memcpy(to, text, n); /* NOLINT(bugprone-not-null-terminated-result): bytes, no text */
    err = weft_tell_body(self, client, &weft_irc_send_type, &send);
    weft_bytes_drop(&send.line);
    return err;
}

/* ---- coming in */

/* A server whose stream takes no more is left: nothing is left out of what is said. */
static void put(weft_actor *self, const irc_client *c, const char *format, ...) WEFT_PRINTF(3, 4);
static void put(weft_actor *self, const irc_client *c, const char *format, ...)
{
    char line[WEFT_IRC_LINE_BYTES_MAX + 3];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, WEFT_IRC_LINE_BYTES_MAX + 1, format, args);
    va_end(args);
    size_t n = strlen(line);
    memcpy(line + n, "\r\n", 3);
    weft_err err = weft_write_copy(self, c->stream, line, n + 2);
    if (err != WEFT_OK && err != WEFT_EGONE)
        (void)weft_abort(self, c->stream, err);
}

static void tell_state(weft_actor *self, const irc_client *c, weft_err reason, const char *why)
{
    weft_irc_state state = {.client = weft_self(self), .in = c->in, .reason = reason};
    (void)snprintf(state.nick, sizeof state.nick, "%s", c->views.nick);
    (void)snprintf(state.why, sizeof state.why, "%s", why);
    if (weft_tell_body(self, weft_parent(self), &weft_irc_state_type, &state) != WEFT_OK)
        weft_log(self, WEFT_WARNING, "an IRC client could not tell that it changed");
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    static const weft_framer lines = {.frame_bytes_max = LINE_BYTES_MAX};
    irc_client *c = weft_state(self);
    const weft_irc_client_config *config = c->config;
    weft_why why = {""};
    char user[160];
    c->stream = ((const weft_opened *)weft_body(msg))->stream;
    weft_err err = weft_frame_by(self, c->stream, &weft_lines, &lines, &why);
    if (err != WEFT_OK)
        return weft_abort(self, c->stream, err);
    wf_irc_support_reset(&c->views.support);
    wf_irc_take(c->views.nick, sizeof c->views.nick, weft_irc_text_of(config->nick));
    if (config->password != NULL)
        put(self, c, "PASS :%s", config->password);
    if (config->account != NULL)
        put(self, c, "CAP REQ :sasl");
    put(self, c, "NICK %s", c->views.nick);
    (void)snprintf(user, sizeof user, "%.31s 0 * :%.100s",
                   config->user != NULL ? config->user : config->nick,
                   config->real != NULL ? config->real : config->nick);
    put(self, c, "USER %s", user);
    c->heard = true;
    c->pinged = false;
    return WEFT_OK;
}

/* RFC 4616: nobody in particular, NUL, the account, NUL, the secret. */
static void put_sasl(weft_actor *self, irc_client *c)
{
    char plain[256], base64[400];
    int n = snprintf(plain, sizeof plain, "%c%s%c%s", '\0', c->config->account, '\0',
                     c->config->secret);
    (void)weft_base64(plain, (size_t)n, base64);
    put(self, c, "AUTHENTICATE %s", base64);
    explicit_bzero(plain, sizeof plain);
    explicit_bzero(base64, sizeof base64);
}

static void on_welcome(weft_actor *self, irc_client *c, const weft_irc_message *m)
{
    if (m->parameters > 0)
        wf_irc_take(c->views.nick, sizeof c->views.nick, m->parameter[0]);
    c->in = true;
    tell_state(self, c, WEFT_OK, "");
    for (const char *const *name = c->config->channels; name != NULL && *name != NULL; name++)
        put(self, c, "JOIN %s", *name);
}

static weft_err denied(weft_actor *self, irc_client *c, const weft_irc_message *m)
{
    weft_irc_text why =
        m->parameters > 0 ? m->parameter[m->parameters - 1] : (weft_irc_text){"", 0};
    (void)weft_close(self, c->stream);
    return weft_stop_because(self, WEFT_EDENIED, "the server said: %.*s",
                             (int)(why.bytes < 100 ? why.bytes : 100), why.at);
}

/* The nick is locked, SASL failed, is too long or was aborted; the password, the nick or a command is none. */
static bool is_refusal(const weft_irc_message *m)
{
    static const char *const numbers[] = {"902", "904", "905", "906", "464", "432", "421"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (wf_irc_is_command(m, numbers[i]))
            return true;
    return false;
}

/* What matters until it is in. */
static weft_err coming_in(weft_actor *self, irc_client *c, const weft_irc_message *m)
{
    size_t n = strlen(c->views.nick);
    if (wf_irc_is_command(m, "001")) {
        on_welcome(self, c, m);
    } else if (wf_irc_is_command(m, "433") || wf_irc_is_command(m, "437")) {
        if (n + 1 == sizeof c->views.nick)
            return denied(self, c, m);
        memcpy(c->views.nick + n, "_", 2);
        put(self, c, "NICK %s", c->views.nick);
    } else if (wf_irc_is_command(m, "CAP") && m->parameters > 1) {
        bool yes = weft_irc_same(WEFT_IRC_ASCII, m->parameter[1], weft_irc_text_of("ACK"));
        if (!yes && c->config->account != NULL)
            return denied(self, c, m);
        put(self, c, "AUTHENTICATE PLAIN");
    } else if (wf_irc_is_command(m, "AUTHENTICATE") && c->config->account != NULL) {
        put_sasl(self, c);
    } else if (wf_irc_is_command(m, "903")) {
        put(self, c, "CAP END");
    } else if (is_refusal(m)) {
        return denied(self, c, m);
    }
    return WEFT_OK;
}

/* ---- lines */

/* false: it is no request, or one that the owner is to hear of. */
static bool answers_ctcp(weft_actor *self, irc_client *c, const weft_irc_message *m)
{
    weft_irc_text command, arguments;
    char text[WEFT_IRC_LINE_BYTES_MAX];
    if (!wf_irc_is_command(m, "PRIVMSG") || m->parameters < 2 || m->prefix.bytes == 0 ||
        !weft_irc_ctcp(m->parameter[1], &command, &arguments))
        return false;
    const char *bang = memchr(m->prefix.at, '!', m->prefix.bytes);
    int nick = (int)(bang != NULL ? bang - m->prefix.at : m->prefix.bytes);
    if (weft_irc_same(WEFT_IRC_ASCII, command, weft_irc_text_of("VERSION")))
        (void)snprintf(text, sizeof text, "%.*s :\001VERSION %.200s\001", nick, m->prefix.at,
                       c->config->version != NULL ? c->config->version : "weft");
    else if (weft_irc_same(WEFT_IRC_ASCII, command, weft_irc_text_of("PING")))
        (void)snprintf(text, sizeof text, "%.*s :\001PING %.*s\001", nick, m->prefix.at,
                       (int)arguments.bytes, arguments.at);
    else
        return false;
    uint32_t now = weft_now_ms(self);
    if (now - c->answers_ms >= ANSWERS_MS) {
        c->answers_ms = now;
        c->answers = 0;
    }
    if (c->answers++ < ANSWERS_MAX)
        put(self, c, "NOTICE %s", text);
    return true;
}

static weft_err on_let_go(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg, (void)got;
    return WEFT_OK;
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    irc_client *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    weft_irc_message m;
    c->heard = true;
    c->pinged = false;
    if (!weft_ref_same(data->stream, c->stream) ||
        weft_irc_parse(data->bytes.at, data->bytes.size, &m, NULL) != WEFT_OK ||
        m.command.bytes == 0)
        return WEFT_OK; /* of one that is over; or what nobody could make sense of */
    if (wf_irc_is_command(&m, "PING")) {
        char text[WEFT_IRC_LINE_BYTES_MAX];
        wf_irc_take(text, sizeof text, m.parameters > 0 ? m.parameter[0] : (weft_irc_text){"", 0});
        put(self, c, "PONG :%s", text);
        return WEFT_OK;
    }
    if (answers_ctcp(self, c, &m))
        return WEFT_OK;
    if (!c->in)
        return coming_in(self, c, &m);
    bool was_full = c->views.full;
    wf_irc_views_hear(&c->views, &m);
    if (c->views.full && !was_full)
        weft_log(self, WEFT_WARNING, "an IRC client does not keep all of its channels' state");
    weft_irc_heard heard = {.line = data->bytes, .client = weft_self(self)};
    return weft_when(
        msg, weft_ask_body(self, weft_parent(self), &weft_irc_heard_type, &heard, WEFT_NO_LIMIT),
        on_let_go);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    irc_client *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (!weft_ref_same(closed->stream, c->stream))
        return WEFT_OK;
    c->stream = WEFT_NOBODY;
    c->in = false;
    wf_irc_views_clear(&c->views);
    tell_state(self, c, closed->reason, closed->why);
    return WEFT_OK;
}

static weft_err on_gave_up(weft_actor *self, weft_msg *msg)
{
    const weft_reconnect_gave_up *up = weft_body(msg);
    return weft_stop_because(self, up->reason, "%s", up->why);
}

static weft_err on_watch(weft_actor *self, weft_msg *msg)
{
    irc_client *c = weft_state(self);
    (void)msg;
    bool silent = !c->heard && !weft_ref_is_nobody(c->stream);
    c->heard = false;
    if (silent && c->pinged)
        return weft_abort(self, c->stream, WEFT_ETIMEDOUT);
    if (silent) {
        c->pinged = true;
        put(self, c, "PING :%s", c->views.nick);
    }
    return WEFT_OK;
}

/* ---- what is asked of it */

static weft_err on_send(weft_actor *self, weft_msg *msg)
{
    const irc_client *c = weft_state(self);
    weft_bytes line = ((const weft_irc_send *)weft_body(msg))->line;
    weft_irc_message m;
    weft_why why = {"it is empty"};
    weft_err err = weft_irc_parse(line.at, line.size, &m, &why);
    if (err == WEFT_EPROTO || (err == WEFT_OK && m.command.bytes == 0))
        return weft_fail(msg, WEFT_EINVAL, "%s", why.text);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    if (!c->in)
        return weft_fail(msg, WEFT_EGONE, "not connected");
    const weft_bytes parts[] = {line, WEFT_BYTES_LITERAL("\r\n")};
    err = weft_write_parts(self, c->stream, parts, 2);
    return err == WEFT_OK ? weft_reply(msg, weft_irc_answer, .nothing = 0) : err;
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const irc_client *c = weft_state(self);
    const weft_irc_look *look = weft_body(msg);
    weft_irc_text name = {look->channel, (uint32_t)strnlen(look->channel, sizeof look->channel)};
    const wf_irc_view *view = wf_irc_view_of(&c->views, name);
    if (view == NULL)
        return weft_fail(msg, WEFT_ENOTFOUND, "not in that channel");
    weft_irc_view answer = {.members = view->members};
    memcpy(answer.topic, view->topic, sizeof answer.topic);
    size_t bytes = 0, n = 0;
    for (uint32_t i = 0; i < view->members; i++)
        bytes += strlen(view->member[i].nick) + 2;
    uint8_t *to;
    weft_err err = weft_bytes_new(bytes + 1, &to, &answer.names);
    if (err != WEFT_OK)
        return err;
    for (uint32_t i = 0; i < view->members; i++) {
        const wf_irc_seen *seen = &view->member[i];
        n += (size_t)snprintf((char *)to + n, bytes + 1 - n, "%s%s%s", i > 0 ? " " : "",
                              seen->op      ? "@"
                              : seen->voice ? "+"
                                            : "",
                              seen->nick);
    }
    answer.names.size = n;
    err = weft_reply_body(msg, &weft_irc_view_type, &answer);
    weft_bytes_drop(&answer.names);
    return err;
}

/* ---- beginning and ending */

static const char *wrong_with(const weft_irc_client_config *c)
{
    if (c == NULL || c->url == NULL || c->nick == NULL)
        return "a client needs a URL and a nick";
    if (strlen(c->nick) >= IRC_VIEW_NICK_BYTES || !weft_irc_is_nick(weft_irc_text_of(c->nick)))
        return "its nick is none";
    if ((c->account == NULL) != (c->secret == NULL))
        return "an account needs a secret, and a secret an account";
    if (c->account != NULL && strlen(c->account) + strlen(c->secret) > 250)
        return "account and secret are longer than 250 bytes";
    return NULL;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    irc_client *c = weft_state(self);
    const weft_irc_client_config *config = weft_config(self);
    const char *wrong = wrong_with(config);
    (void)msg;
    if (wrong != NULL)
        return weft_stop_because(self, WEFT_EINVAL, "%s", wrong);
    c->config = config;
    c->views.n_max = config->channels_max != 0 ? config->channels_max : CHANNELS_MAX;
    c->views.members_max = config->members_max != 0 ? config->members_max : MEMBERS_MAX;
    c->ping_ms = config->ping_ms != 0 ? config->ping_ms : PING_MS;
    c->reconnect = config->reconnect;
    c->reconnect.url = config->url;
    c->reconnect.owner = weft_self(self);
    c->watch = weft_timer_start(self, c->ping_ms, c->ping_ms, &watch_type, &(watch){0});
    c->connector = weft_spawn(self, &weft_reconnect, &c->reconnect);
    if (c->watch.slot == 0 || weft_ref_is_nobody(c->connector))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory for an IRC client");
    return WEFT_OK;
}

/* What connects is out of memory: it has said nothing, and will not try again. */
static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    const irc_client *c = weft_state(self);
    if (weft_ref_same(child, c->connector))
        (void)weft_stop_because(self, reason, "what connects has ended");
}

static void on_ended(weft_actor *self, weft_err reason)
{
    irc_client *c = weft_state(self);
    (void)reason;
    wf_irc_views_clear(&c->views);
    if (!weft_ref_is_nobody(c->stream))
        (void)weft_close(self, c->stream);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_reconnect_gave_up_type, .fn = on_gave_up},
    {.type = &watch_type, .fn = on_watch},
    {.type = &weft_irc_send_type, .fn = on_send},
    {.type = &weft_irc_look_type, .fn = on_look},
    {0},
};
const weft_behaviour weft_irc_client = {.name = "irc.bot",
                                        .handlers = rows,
                                        .state_bytes = sizeof(irc_client),
                                        .child_ended = child_ended,
                                        .ended = on_ended};
