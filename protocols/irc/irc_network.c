/* SPDX-License-Identifier: MIT */
/* The network: clients come, say lines, fall silent, go.
 *
 *   hello ──▶ connecting ──▶ in (irc_register.c) ──▶ over: told to all, closed ──▶ gone: forgotten
 *                 └───────────── too slow ──────────────▲
 */
#include "irc_server.h"

#include <stdio.h>
#include <string.h>

#include <weft/websocket.h>

enum {
    CLIENTS_MAX = 100000,
    CHANNELS_MAX = 100000,
    USER_CHANNELS_MAX = 50,
    BANS_MAX = 64,
    INVITES_MAX = 16,
    WHOWAS_MAX = 256,
    REGISTRATION_MS = 30000,
    PING_MS = 120000,
    FLOOD_LINES = 20,
    FLOOD_LINE_MS = 500,
    SWEEP_MS_MAX = 15000
};

typedef wf_irc_line due; /* without bytes: of the line that is held */
typedef struct again {
    char nothing;
} again;
static const weft_type due_type = WEFT_TYPE_BYTES("weft.irc_due", due, bytes, NULL);
static const weft_type sweep_type = WEFT_TYPE("weft.irc_sweep", again, NULL);
static const weft_type reap_type = WEFT_TYPE("weft.irc_reap", again, NULL);

const weft_type wf_irc_known_type = WEFT_TYPE("weft.irc_known", wf_irc_known, NULL);
const weft_type wf_irc_hello_type = WEFT_TYPE("weft.irc_hello", wf_irc_hello, &wf_irc_known_type);
const weft_type wf_irc_line_type =
    WEFT_TYPE_BYTES("weft.irc_line", wf_irc_line, bytes, &wf_irc_known_type);
const weft_type wf_irc_gone_type = WEFT_TYPE("weft.irc_gone", wf_irc_gone, NULL);

static bool is_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* ---- going */

void wf_irc_quit(weft_actor *self, wf_irc_net *net, wf_irc_user *user, const char *why)
{
    wf_irc_fan fan;
    if ((user->flags & IRC_OVER) != 0)
        return;
    wf_irc_fan_init(&fan, self, net, user, "QUIT :%s", why);
    wf_irc_fan_neighbours(&fan, user, 0, 0);
    wf_irc_fan_done(&fan);
    wf_irc_log(self, WEFT_INFO, user, "gone: %s", why);
    if ((user->flags & IRC_IN) != 0) {
        wf_irc_remember(net, user);
        net->in--;
        net->opers -= (user->flags & IRC_OPERATOR) != 0;
        net->invisible -= (user->flags & IRC_INVISIBLE) != 0;
    }
    while (user->places > 0)
        wf_irc_leave(self, user->place[user->places - 1].channel, user);
    wf_irc_say_bare(self, net, user, "ERROR :Closing Link: %s (%s)", user->host, why);
    wf_irc_rename(net, user, (weft_irc_text){"", 0});
    user->flags |= IRC_OVER;
    wf_irc_close(self, net, user);
}

/* Later, when nobody is in the middle of a channel's members; a sweep makes good for a tell that failed. */
void wf_irc_doom(weft_actor *self, wf_irc_net *net, wf_irc_user *user)
{
    user->flags |= IRC_DOOMED;
    if (net->reaping)
        return;
    net->reaping = weft_tell_body(self, weft_self(net->self), &reap_type, &(again){0}) == WEFT_OK;
}

static weft_err on_reap(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    (void)msg;
    net->reaping = false;
    for (uint32_t i = 0; i < net->user_room; i++) {
        wf_irc_user *user = net->user[i];
        if (user == NULL || (user->flags & IRC_DOOMED) == 0)
            continue;
        user->flags &= (uint16_t)~IRC_DOOMED;
        bool was_over = (user->flags & IRC_OVER) != 0;
        if (!was_over)
            (void)weft_abort(self, user->stream, WEFT_ELIMIT);
        wf_irc_quit(self, net, user, "SendQ exceeded");
    }
    return WEFT_OK;
}

static weft_err on_gone(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    const wf_irc_gone *gone = weft_body(msg);
    wf_irc_user *user = wf_irc_user_at(net, gone->id, gone->gen);
    if (user == NULL)
        return WEFT_OK;
    wf_irc_quit(self, net, user, gone->why);
    if (user->held != NULL)
        weft_drop(&user->held);
    wf_irc_user_free(net, user);
    if (net->users == 0)
        weft_timer_cancel(self, &net->sweep);
    return WEFT_OK;
}

/* ---- silence */

static uint32_t sweep_ms(const wf_irc_net *net)
{
    uint32_t ms = net->config.registration_ms;
    if (net->config.ping_ms < ms)
        ms = net->config.ping_ms;
    ms = ms / 4 < SWEEP_MS_MAX ? ms / 4 : SWEEP_MS_MAX;
    return ms > 0 ? ms : 1;
}

static void look_after(weft_actor *self, wf_irc_net *net, wf_irc_user *user)
{
    uint32_t now = weft_now_ms(self), ping = net->config.ping_ms;
    if ((user->flags & IRC_OVER) != 0 || user->held != NULL)
        return;
    if ((user->flags & IRC_IN) == 0) {
        if (now - user->since_ms >= net->config.registration_ms)
            wf_irc_quit(self, net, user, "Registration timeout");
        return;
    }
    uint32_t silent = now - user->active_ms;
    if (ping == WEFT_IRC_NEVER || silent < ping)
        return;
    if ((user->flags & IRC_PINGED) == 0) {
        user->flags |= IRC_PINGED;
        user->active_ms = now; /* the answer has as long again */
        wf_irc_say_bare(self, net, user, "PING :%s", net->config.server);
    } else {
        wf_irc_quit(self, net, user, "Ping timeout");
    }
}

static weft_err on_sweep(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    for (uint32_t i = 0; i < net->user_room; i++)
        if (net->user[i] != NULL)
            look_after(self, net, net->user[i]);
    return on_reap(self, msg);
}

/* ---- coming */

static weft_err on_hello(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    const wf_irc_hello *hello = weft_body(msg);
    wf_irc_user *user;
    weft_err err = wf_irc_user_new(net, &user);
    if (err == WEFT_ELIMIT)
        return weft_fail(msg, err, "the server is full");
    if (err != WEFT_OK)
        return err;
    user->stream = hello->stream;
    user->connection = weft_sender(msg);
    user->reactor = hello->reactor;
    user->address = hello->peer;
    user->since_ms = user->active_ms = user->said_ms = user->tokens_ms = weft_now_ms(self);
    if (hello->wire != WF_IRC_LINES)
        user->flags |= IRC_WEBSOCKET;
    if (hello->wire == WF_IRC_BINARY)
        user->flags |= IRC_BINARY;
    if (hello->secure)
        user->flags |= IRC_SECURE;
    char host[WEFT_ADDRESS_TEXT_BYTES];
    wf_irc_copy(user->host, sizeof user->host,
                weft_irc_text_of(weft_address_host(&hello->peer, host)));
    /* a parameter must not begin with a colon, as ::1 does; what is no address is called this */
    if (user->host[0] == ':')
        (void)snprintf(user->host, sizeof user->host, "0%.60s",
                       weft_address_host(&hello->peer, host));
    if (user->host[0] == '\0' || strpbrk(user->host, " @!/") != NULL)
        (void)snprintf(user->host, sizeof user->host, "local");
    if (net->sweep.slot == 0)
        net->sweep = weft_timer_start(self, sweep_ms(net), sweep_ms(net), &sweep_type, &(again){0});
    if (net->sweep.slot == 0) {
        wf_irc_user_free(net, user);
        return WEFT_ENOMEM;
    }
    return weft_reply(msg, wf_irc_known, .id = user->id, .gen = user->gen);
}

/* ---- lines */

/* How long @user's next line has to wait, beyond flood_lines at once. */
static uint32_t flood_wait(const wf_irc_net *net, wf_irc_user *user, uint32_t now)
{
    uint32_t line = net->config.flood_line_ms;
    if (line == WEFT_IRC_NEVER)
        return 0;
    if (!is_after(user->tokens_ms, now))
        user->tokens_ms = now;
    uint32_t ahead = user->tokens_ms + line - now, most = line * net->config.flood_lines;
    user->tokens_ms += line;
    return ahead > most ? ahead - most : 0;
}

static weft_err answer(wf_irc_turn *t)
{
    return weft_reply(t->msg, wf_irc_known, .id = 0);
}

static weft_err serve(weft_actor *self, wf_irc_net *net, wf_irc_user *user, weft_msg *msg,
                      weft_msg *served)
{
    const wf_irc_line *line = weft_body(msg);
    wf_irc_turn t = {.self = self, .net = net, .user = user, .msg = msg, .served = served};
    weft_irc_message message;
    weft_why why;
    wf_irc_channel *channel = NULL;
    weft_err err = weft_irc_parse(line->bytes.at, line->bytes.size, &message, &why);
    t.message = &message;
    if (err == WEFT_OK && message.tags.bytes > WEFT_IRC_TAGS_BYTES_MAX)
        err = WEFT_ETOOBIG;
    if (err == WEFT_ETOOBIG) {
        message.parameters = 0;
        wf_irc_number(&t, 417, ":Input line was too long");
        return answer(&t);
    }
    if (err != WEFT_OK || message.command.bytes == 0)
        return answer(&t); /* "Empty messages are silently ignored"; what is none is no better */
    if (!wf_irc_serve(&t, &channel)) {
        if (weft_forward(msg, channel->actor) == WEFT_OK)
            return WEFT_OK;
        wf_irc_number(&t, 404, "%s :Cannot send to channel, which is too busy", channel->name);
    }
    return answer(&t);
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    const wf_irc_line *line = weft_body(msg);
    wf_irc_user *user = wf_irc_user_at(net, line->id, line->gen);
    if (user == NULL)
        return weft_fail(msg, WEFT_EGONE, "the network has begun anew");
    if ((user->flags & IRC_OVER) != 0)
        return weft_reply(msg, wf_irc_known, .id = 0);
    uint32_t now = weft_now_ms(self);
    user->active_ms = now;
    user->flags &= (uint16_t)~IRC_PINGED;
    if ((user->flags & IRC_BUSY) != 0) {
        user->held = weft_keep(msg);
        return WEFT_OK;
    }
    uint32_t wait = flood_wait(net, user, now);
    if (wait > 0 && weft_after(self, wait, due, .id = user->id, .gen = user->gen).slot != 0) {
        user->held = weft_keep(msg);
        return WEFT_OK;
    }
    return serve(self, net, user, msg, msg);
}

void wf_irc_go_on(weft_actor *self, wf_irc_net *net, wf_irc_user *user)
{
    due d = {.id = user->id, .gen = user->gen};
    if (user->held != NULL && weft_event(self, weft_self(self), &due_type, &d) != WEFT_OK)
        wf_irc_doom(self, net, user);
}

/* A line that was held has its turn. */
static weft_err on_due(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    const due *d = weft_body(msg);
    wf_irc_user *user = wf_irc_user_at(net, d->id, d->gen);
    if (user == NULL || user->held == NULL)
        return WEFT_OK;
    weft_msg *held = user->held;
    user->held = NULL;
    user->active_ms = weft_now_ms(self);
    if ((user->flags & IRC_OVER) == 0)
        (void)serve(self, net, user, held, msg);
    weft_drop(&held);
    return WEFT_OK;
}

/* ---- beginning and ending */

/* The system stops: everybody is told, and closed behind it. */
static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    for (uint32_t i = 0; i < net->user_room; i++)
        if (net->user[i] != NULL)
            wf_irc_quit(self, net, net->user[i], "Server shutting down");
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

static void defaults(weft_irc_config *c)
{
    const struct {
        uint32_t *field, value;
    } rows[] = {
        {&c->clients_max, CLIENTS_MAX},
        {&c->channels_max, CHANNELS_MAX},
        {&c->user_channels_max, USER_CHANNELS_MAX},
        {&c->bans_max, BANS_MAX},
        {&c->invites_max, INVITES_MAX},
        {&c->whowas_max, WHOWAS_MAX},
        {&c->registration_ms, REGISTRATION_MS},
        {&c->ping_ms, PING_MS},
        {&c->flood_lines, FLOOD_LINES},
        {&c->flood_line_ms, FLOOD_LINE_MS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (*rows[i].field == 0)
            *rows[i].field = rows[i].value;
    if (c->server == NULL)
        c->server = "irc.weft";
    if (c->network == NULL)
        c->network = "weft";
}

static weft_err check_names(const weft_irc_config *c, weft_why *why)
{
    if (c->server != NULL && (c->server[0] == '\0' || strpbrk(c->server, " :!@\r\n") != NULL))
        return weft_because(why, WEFT_EINVAL, "\"%.60s\" is no name of a server", c->server);
    if (c->network != NULL && (c->network[0] == '\0' || strpbrk(c->network, " =:\r\n") != NULL))
        return weft_because(why, WEFT_EINVAL, "\"%.60s\" is no name of a network", c->network);
    if (c->password != NULL && c->password[0] == '\0')
        return weft_because(why, WEFT_EINVAL, "the password is empty");
    if (c->auth_required && c->auth == NULL)
        return weft_because(why, WEFT_EINVAL, "auth_required without auth lets nobody in");
    return WEFT_OK;
}

weft_err weft_irc_check(const weft_irc_config *config, weft_why *why)
{
    for (uint32_t i = 0; i < config->opers_count; i++)
        if (config->opers[i].name == NULL || config->opers[i].password == NULL ||
            config->opers[i].password[0] == '\0')
            return weft_because(why, WEFT_EINVAL, "an operator without a name or a password");
    return check_names(config, why);
}

static weft_err spawn_relays(weft_actor *self, weft_msg *msg);

static weft_err on_relay(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_irc_net *net = weft_state(self);
    const weft_spawned *spawned = got->body;
    if (got->err != WEFT_OK)
        return weft_stop_because(self, got->err, "no relay on reactor %u: %s", net->relays,
                                 got->why);
    net->relay[net->relays++] = spawned->ref;
    return spawn_relays(self, msg);
}

/* One on each other reactor, before anybody is let in. */
static weft_err spawn_relays(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    if (net->relays == net->home)
        net->relays++;
    if (net->relays >= weft_system_reactors(weft_system_of(self)))
        return WEFT_OK;
    return weft_when(msg, weft_spawn_on(self, net->relays, &wf_irc_relay, weft_config(self)),
                     on_relay);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_irc_net *net = weft_state(self);
    const weft_irc_config *config = weft_config(self);
    weft_why why = {""};
    weft_err err = config != NULL ? weft_irc_check(config, &why) : WEFT_EINVAL;
    if (err != WEFT_OK)
        return weft_stop_because(self, err, "%s", why.text);
    net->config = *config;
    defaults(&net->config);
    net->self = self;
    net->home = weft_reactor_of(self);
    net->began_s = weft_wall_ns(self) / 1000000000U;
    err = weft_register(self, config->actor != NULL ? config->actor : "irc");
    if (err == WEFT_OK)
        err = wf_irc_tables_init(net);
    if (err == WEFT_OK && net->home == 0)
        err = weft_on_phase(weft_system_of(self), WEFT_PHASE_CLOSE, weft_self(self));
    if (err != WEFT_OK)
        return weft_stop_because(self, err, "unable to begin a network");
    return spawn_relays(self, msg);
}

/* Channels have ended before. */
static void on_ended(weft_actor *self, weft_err reason)
{
    wf_irc_net *net = weft_state(self);
    (void)reason;
    for (uint32_t i = 0; i < net->user_room; i++)
        if (net->user[i] != NULL && net->user[i]->held != NULL)
            weft_drop(&net->user[i]->held);
    wf_irc_tables_done(net);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started, .serial = true},
    {.type = &wf_irc_line_type, .fn = on_line},
    {.type = &wf_irc_hello_type, .fn = on_hello},
    {.type = &wf_irc_gone_type, .fn = on_gone},
    {.type = &due_type, .fn = on_due},
    {.type = &sweep_type, .fn = on_sweep},
    {.type = &reap_type, .fn = on_reap},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {0},
};
const weft_behaviour weft_irc_network = {.name = "irc.network",
                                         .handlers = rows,
                                         .state_bytes = sizeof(wf_irc_net),
                                         .mailbox_max = 1U << 20,
                                         .ended = on_ended};
