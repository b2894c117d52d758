/* SPDX-License-Identifier: MIT */
/* Coming in: PASS, NICK, USER, capabilities, and the welcome; SASL is irc_sasl.c.
 *
 *   CAP LS ──▶ CAP REQ ──▶ AUTHENTICATE ──▶ CAP END ─┐
 *   PASS, NICK, USER ────────────────────────────────┴──▶ in: 001 to 005, LUSERS, MOTD
 */
#include "irc_server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define VERSION "weft"

typedef struct capability {
    const char *name;
    uint32_t bit;
} capability;

static const capability capabilities[] = {
    {"account-tag", IRC_ACCOUNT_TAG},     {"away-notify", IRC_AWAY_NOTIFY},
    {"cap-notify", IRC_CAP_NOTIFY},       {"echo-message", IRC_ECHO_MESSAGE},
    {"extended-join", IRC_EXTENDED_JOIN}, {"message-tags", IRC_MESSAGE_TAGS},
    {"multi-prefix", IRC_MULTI_PREFIX},   {"sasl", IRC_SASL},
    {"server-time", IRC_SERVER_TIME},     {NULL, 0},
};

/* ---- capabilities */

static bool is_word(weft_irc_text text, const char *word)
{
    return weft_irc_same(WEFT_IRC_ASCII, text, weft_irc_text_of(word));
}

static const char *nick_of(const wf_irc_turn *t)
{
    return t->user->nick[0] != '\0' ? t->user->nick : "*";
}

static bool is_offered(const wf_irc_turn *t, const capability *c)
{
    return c->bit != IRC_SASL || t->net->config.auth != NULL;
}

static void say_capabilities(wf_irc_turn *t, const char *verb, uint32_t bits, bool values)
{
    char text[256] = "";
    size_t n = 0;
    for (const capability *c = capabilities; c->name != NULL; c++)
        if ((bits & c->bit) != 0 && is_offered(t, c))
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s", n > 0 ? " " : "", c->name,
                                  values && c->bit == IRC_SASL ? "=PLAIN" : "");
    wf_irc_say(t->self, t->net, t->user, "CAP %s %s :%s", nick_of(t), verb, text);
}

static uint32_t capability_of(const wf_irc_turn *t, const char *at, size_t n)
{
    for (const capability *c = capabilities; c->name != NULL; c++)
        if (strlen(c->name) == n && memcmp(c->name, at, n) == 0 && is_offered(t, c))
            return c->bit;
    return 0;
}

/* All of what is asked for, or none. */
static bool read_request(const wf_irc_turn *t, weft_irc_text text, uint32_t *on, uint32_t *off)
{
    const char *at = text.at, *end = at + text.bytes;
    while (at < end) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        bool minus = *at == '-';
        if (stop > at + minus) {
            uint32_t bit = capability_of(t, at + minus, (size_t)(stop - at - minus));
            if (bit == 0)
                return false;
            *(minus ? on : off) &= ~bit;
            *(minus ? off : on) |= bit;
        }
        at = stop < end ? stop + 1 : end;
    }
    return true;
}

static void request(wf_irc_turn *t)
{
    uint32_t on = 0, off = 0;
    weft_irc_text text = wf_irc_parameter(t, 1);
    bool all = read_request(t, text, &on, &off);
    wf_irc_say(t->self, t->net, t->user, "CAP %s %s :%.*s", nick_of(t), all ? "ACK" : "NAK",
               (int)text.bytes, text.at);
    if (!all)
        return;
    t->user->caps = (uint16_t)((t->user->caps & ~off) | on);
    for (uint32_t i = 0; i < t->user->places; i++)
        wf_irc_lists_drop(t->user->place[i].channel);
}

void wf_irc_cap(wf_irc_turn *t)
{
    weft_irc_text verb = wf_irc_parameter(t, 0), version = wf_irc_parameter(t, 1);
    bool is_302 = version.bytes >= 3 && memcmp(version.at, "302", 3) >= 0;
    if (is_word(verb, "END")) {
        t->user->flags &= (uint16_t)~IRC_CAP_BEGUN;
        wf_irc_register_if_ready(t);
        return;
    }
    if ((is_word(verb, "LS") || is_word(verb, "REQ")) && (t->user->flags & IRC_IN) == 0)
        t->user->flags |= IRC_CAP_BEGUN;
    if (is_word(verb, "LS")) {
        /* "cap-notify ... MUST be implicitly enabled" for those who speak 302 */
        if (is_302)
            t->user->caps |= IRC_CAP_NOTIFY;
        say_capabilities(t, "LS", UINT32_MAX, is_302);
    } else if (is_word(verb, "LIST")) {
        say_capabilities(t, "LIST", t->user->caps, false);
    } else if (is_word(verb, "REQ")) {
        request(t);
    } else {
        wf_irc_number(t, 410, "%.*s :Invalid CAP command", (int)verb.bytes, verb.at);
    }
}

/* ---- PASS, NICK, USER */

void wf_irc_pass(wf_irc_turn *t)
{
    const char *password = t->net->config.password;
    weft_irc_text given = wf_irc_parameter(t, 0);
    if ((t->user->flags & IRC_IN) != 0) {
        wf_irc_number(t, 462, ":You may not reregister");
        return;
    }
    t->user->flags &= (uint16_t)~IRC_PASS_RIGHT;
    if (password == NULL || wf_irc_same_secret(given, password))
        t->user->flags |= IRC_PASS_RIGHT;
}

static void change_nick(wf_irc_turn *t, weft_irc_text nick)
{
    wf_irc_fan fan;
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "NICK :%.*s", (int)nick.bytes, nick.at);
    wf_irc_fan_to(&fan, t->user);
    wf_irc_fan_neighbours(&fan, t->user, 0, 0);
    wf_irc_fan_done(&fan);
    wf_irc_remember(t->net, t->user);
    wf_irc_rename(t->net, t->user, nick);
}

void wf_irc_nick(wf_irc_turn *t)
{
    weft_irc_text nick = wf_irc_parameter(t, 0);
    if (nick.bytes == 0) {
        wf_irc_number(t, 431, ":No nickname given");
        return;
    }
    if (nick.bytes >= IRC_NICK_BYTES || !weft_irc_is_nick(nick)) {
        wf_irc_number(t, 432, "%.*s :Erroneous nickname", (int)nick.bytes, nick.at);
        return;
    }
    const wf_irc_user *taken = wf_irc_find(t->net, nick);
    if (taken != NULL && taken != t->user) {
        wf_irc_number(t, 433, "%.*s :Nickname is already in use", (int)nick.bytes, nick.at);
        return;
    }
    if ((t->user->flags & IRC_IN) == 0) {
        wf_irc_rename(t->net, t->user, nick);
        wf_irc_register_if_ready(t);
    } else if (strlen(t->user->nick) != nick.bytes ||
               memcmp(t->user->nick, nick.at, nick.bytes) != 0) {
        change_nick(t, nick);
    }
}

static bool is_in_user_names(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
}

/* "~" says that nobody vouches for it. */
void wf_irc_user_command(wf_irc_turn *t)
{
    weft_irc_text name = wf_irc_parameter(t, 0), real = wf_irc_parameter(t, 3);
    size_t n = 1;
    if ((t->user->flags & IRC_IN) != 0 || t->user->real != NULL) {
        wf_irc_number(t, 462, ":You may not reregister");
        return;
    }
    size_t room = (real.bytes < IRC_REAL_BYTES ? real.bytes : IRC_REAL_BYTES - 1) + 1;
    t->user->real = weft_alloc(room);
    if (t->user->real == NULL) {
        wf_irc_doom(t->self, t->net, t->user);
        return;
    }
    wf_irc_copy(t->user->real, room, real);
    t->user->name[0] = '~';
    for (uint32_t i = 0; i < name.bytes && n + 1 < sizeof t->user->name; i++)
        if (is_in_user_names(name.at[i]))
            t->user->name[n++] = name.at[i];
    if (n == 1)
        t->user->name[n++] = 'u';
    t->user->name[n] = '\0';
    wf_irc_register_if_ready(t);
}

/* ---- the welcome */

void wf_irc_isupport(const wf_irc_turn *t)
{
    const weft_irc_config *c = &t->net->config;
    wf_irc_number(t, 5,
                  "AWAYLEN=%d CASEMAPPING=ascii CHANLIMIT=#:%u CHANMODES=b,k,l,imnst "
                  "CHANNELLEN=%d CHANTYPES=# KICKLEN=%d MAXLIST=b:%u MODES=%d NETWORK=%s "
                  "NICKLEN=%d PREFIX=(ov)@+ :are supported by this server",
                  IRC_AWAY_BYTES - 1, c->user_channels_max, IRC_CHANNEL_BYTES - 1,
                  IRC_KICK_BYTES - 1, c->bans_max, IRC_MODES_MAX, c->network, IRC_NICK_BYTES - 1);
    wf_irc_number(t, 5,
                  "SAFELIST TARGMAX=JOIN:%d,KICK:%d,NAMES:%d,NOTICE:%d,PART:%d,PRIVMSG:%d,WHOIS:1 "
                  "TOPICLEN=%d USERLEN=%d :are supported by this server",
                  IRC_TARGETS_MAX, IRC_TARGETS_MAX, IRC_TARGETS_MAX, IRC_TARGETS_MAX,
                  IRC_TARGETS_MAX, IRC_TARGETS_MAX, IRC_TOPIC_BYTES - 1, IRC_USER_BYTES - 1);
}

static void welcome(wf_irc_turn *t)
{
    const wf_irc_user *u = t->user;
    const weft_irc_config *c = &t->net->config;
    wf_irc_number(t, 1, ":Welcome to the %s IRC Network %s!%s@%s", c->network, u->nick, u->name,
                  u->host);
    wf_irc_number(t, 2, ":Your host is %s, running version %s", c->server, VERSION);
    char began[32];
    time_t s = (time_t)t->net->began_s;
    struct tm tm;
    (void)strftime(began, sizeof began, "%a %b %e %Y at %H:%M:%S UTC", gmtime_r(&s, &tm));
    wf_irc_number(t, 3, ":This server was created %s", began);
    wf_irc_number(t, 4, "%s %s io biklmnostv bklov", c->server, VERSION);
    wf_irc_isupport(t);
    wf_irc_lusers(t);
    wf_irc_motd(t);
}

void wf_irc_register_if_ready(wf_irc_turn *t)
{
    wf_irc_user *u = t->user;
    const weft_irc_config *c = &t->net->config;
    if ((u->flags & (IRC_IN | IRC_CAP_BEGUN)) != 0 || u->nick[0] == '\0' || u->real == NULL)
        return;
    if (c->password != NULL && (u->flags & IRC_PASS_RIGHT) == 0) {
        wf_irc_log(t->self, WEFT_NOTICE, u, "refused: the password is wrong");
        wf_irc_number(t, 464, ":Password incorrect");
        wf_irc_quit(t->self, t->net, u, "Bad password");
        return;
    }
    if (c->auth_required && u->account == NULL) {
        wf_irc_log(t->self, WEFT_NOTICE, u, "refused: without an account");
        wf_irc_quit(t->self, t->net, u, "SASL authentication is required");
        return;
    }
    u->flags |= IRC_IN;
    u->since_s = weft_wall_ns(t->self) / 1000000000U;
    if (++t->net->in > t->net->users_most)
        t->net->users_most = t->net->in;
    wf_irc_log(t->self, WEFT_NOTICE, u, "comes in as %s: %s", u->name, u->real);
    welcome(t);
}

void wf_irc_version(wf_irc_turn *t)
{
    if (!wf_irc_is_here(t, 0))
        return;
    wf_irc_number(t, 351, VERSION " %s :", t->net->config.server);
    wf_irc_isupport(t);
}
