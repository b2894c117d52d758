/* SPDX-License-Identifier: MIT */
/* Which command is which: a table, and what all of them need looked at first. */
#include "irc_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef void command_fn(wf_irc_turn *t);

typedef struct command {
    const char *name;
    command_fn *fn;
    uint8_t parameters; /* at least */
    bool early;         /* before registration too */
    bool channels;      /* about one channel: served by it */
} command;

static void ping(wf_irc_turn *t)
{
    weft_irc_text what = wf_irc_parameter(t, 0);
    wf_irc_say(t->self, t->net, t->user, "PONG %s :%.*s", t->net->config.server, (int)what.bytes,
               what.at);
}

static void motd(wf_irc_turn *t)
{
    if (wf_irc_is_here(t, 0))
        wf_irc_motd(t);
}

static void lusers(wf_irc_turn *t)
{
    if (wf_irc_is_here(t, 1)) /* behind a mask of servers */
        wf_irc_lusers(t);
}

static void nothing(wf_irc_turn *t)
{
    (void)t;
}

static void quit(wf_irc_turn *t)
{
    char why[IRC_KICK_BYTES] = "Quit: ";
    wf_irc_copy(why + 6, sizeof why - 6, wf_irc_parameter(t, 0));
    wf_irc_quit(t->self, t->net, t->user, why[6] != '\0' ? why : "Client Quit");
}

static void away(wf_irc_turn *t)
{
    weft_irc_text text = wf_irc_parameter(t, 0);
    wf_irc_fan fan;
    if (text.bytes > 0 && wf_irc_rare_of(t->user) == NULL) {
        wf_irc_doom(t->self, t->net, t->user);
        return;
    }
    if (t->user->rare != NULL)
        wf_irc_copy(t->user->rare->away, sizeof t->user->rare->away, text);
    if (text.bytes > 0)
        wf_irc_fan_init(&fan, t->self, t->net, t->user, "AWAY :%s", t->user->rare->away);
    else
        wf_irc_fan_init(&fan, t->self, t->net, t->user, "AWAY");
    wf_irc_fan_neighbours(&fan, t->user, IRC_AWAY_NOTIFY, 0);
    wf_irc_fan_done(&fan);
    if (text.bytes > 0)
        wf_irc_number(t, 306, ":You have been marked as being away");
    else
        wf_irc_number(t, 305, ":You are no longer marked as being away");
}

bool wf_irc_same_secret(weft_irc_text given, const char *secret)
{
    size_t n = strlen(secret);
    uint8_t differs = given.bytes != n;
    for (uint32_t i = 0; i < given.bytes; i++)
        differs |= (uint8_t)((uint8_t)given.at[i] ^ (uint8_t)(n > 0 ? secret[i % n] : 1));
    return differs == 0;
}

static void oper(wf_irc_turn *t)
{
    const weft_irc_config *c = &t->net->config;
    for (uint32_t i = 0; i < c->opers_count; i++) {
        weft_irc_text name = wf_irc_parameter(t, 0), known = weft_irc_text_of(c->opers[i].name);
        if (name.bytes != known.bytes || memcmp(name.at, known.at, known.bytes) != 0 ||
            !wf_irc_same_secret(wf_irc_parameter(t, 1), c->opers[i].password))
            continue;
        if ((t->user->flags & IRC_OPERATOR) == 0)
            t->net->opers++;
        t->user->flags |= IRC_OPERATOR;
        wf_irc_log(t->self, WEFT_NOTICE, t->user, "is an operator, as %s", c->opers[i].name);
        wf_irc_number(t, 381, ":You are now an IRC operator");
        wf_irc_say(t->self, t->net, t->user, "MODE %s +o", t->user->nick);
        return;
    }
    wf_irc_log(t->self, WEFT_NOTICE, t->user, "refused as the operator %.*s",
               (int)wf_irc_parameter(t, 0).bytes, wf_irc_parameter(t, 0).at);
    wf_irc_number(t, 464, ":Password incorrect");
}

static void kill_command(wf_irc_turn *t)
{
    wf_irc_user *whom = wf_irc_find(t->net, wf_irc_parameter(t, 0));
    char why[IRC_KICK_BYTES + 64], text[IRC_KICK_BYTES];
    if ((t->user->flags & IRC_OPERATOR) == 0) {
        wf_irc_number(t, 481, ":Permission Denied- You're not an IRC operator");
        return;
    }
    if (whom == NULL) {
        weft_irc_text nick = wf_irc_parameter(t, 0);
        wf_irc_number(t, 401, "%.*s :No such nick/channel", (int)nick.bytes, nick.at);
        return;
    }
    wf_irc_copy(text, sizeof text, wf_irc_parameter(t, 1));
    (void)snprintf(why, sizeof why, "Killed (%s (%s))", t->user->nick, text);
    wf_irc_log(t->self, WEFT_NOTICE, whom, "killed by %s: %s", t->user->nick, text);
    wf_irc_quit(t->self, t->net, whom, why);
}

/* By name. */
/* clang-format off */
static const command commands[] = {
    {"ADMIN", wf_irc_admin, 0, false, false},
    {"AUTHENTICATE", wf_irc_authenticate, 1, true, false},
    {"AWAY", away, 0, false, false},
    {"CAP", wf_irc_cap, 1, true, false},
    {"ERROR", nothing, 0, true, false},
    {"INFO", wf_irc_info, 0, false, false},
    {"INVITE", wf_irc_invite, 2, false, false},
    {"ISON", wf_irc_ison, 1, false, false},
    {"JOIN", wf_irc_join, 1, false, false},
    {"KICK", wf_irc_kick, 2, false, true},
    {"KILL", kill_command, 2, false, false},
    {"LIST", wf_irc_list_command, 0, false, false},
    {"LUSERS", lusers, 0, false, false},
    {"MODE", wf_irc_mode, 1, false, true},
    {"MOTD", motd, 0, false, false},
    {"NAMES", wf_irc_names, 0, false, true},
    {"NICK", wf_irc_nick, 0, true, false},
    {"NOTICE", wf_irc_message_command, 0, false, true},
    {"OPER", oper, 2, false, false},
    {"PART", wf_irc_part, 1, false, true},
    {"PASS", wf_irc_pass, 1, true, false},
    {"PING", ping, 1, true, false},
    {"PONG", nothing, 0, true, false},
    {"PRIVMSG", wf_irc_message_command, 0, false, true},
    {"QUIT", quit, 0, true, false},
    {"TAGMSG", wf_irc_message_command, 1, false, true},
    {"TIME", wf_irc_time, 0, false, false},
    {"TOPIC", wf_irc_topic, 1, false, true},
    {"USER", wf_irc_user_command, 4, true, false},
    {"USERHOST", wf_irc_userhost, 1, false, false},
    {"VERSION", wf_irc_version, 0, false, false},
    {"WHO", wf_irc_who, 0, false, true},
    {"WHOIS", wf_irc_whois, 0, false, false},
    {"WHOWAS", wf_irc_whowas, 0, false, false},
};
/* clang-format on */

static int compare(const void *key, const void *row)
{
    const weft_irc_text *text = key;
    const char *name = ((const command *)row)->name;
    for (uint32_t i = 0; i < text->bytes; i++) {
        char c = text->at[i];
        c = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        if (c != name[i])
            return c < name[i] ? -1 : 1;
    }
    return name[text->bytes] == '\0' ? 0 : -1;
}

/* A page of a browser can post lines to any address that the browser reaches; its first is a request. */
static bool is_http(weft_irc_text word)
{
    static const char *const methods[] = {"CONNECT", "DELETE", "GET",   "HEAD", "OPTIONS",
                                          "PATCH",   "POST",   "TRACE", "PUT",  NULL};
    for (size_t i = 0; methods[i] != NULL; i++)
        if (strlen(methods[i]) == word.bytes && strncasecmp(methods[i], word.at, word.bytes) == 0)
            return true;
    return false;
}

bool wf_irc_serve(wf_irc_turn *t, wf_irc_channel **channel)
{
    weft_irc_text word = t->message->command;
    const command *c =
        bsearch(&word, commands, sizeof commands / sizeof *commands, sizeof *commands, compare);
    bool is_in = (t->user->flags & IRC_IN) != 0;
    if ((t->user->flags & IRC_OVER) != 0)
        return true;
    if (c == NULL && is_in)
        wf_irc_number(t, 421, "%.*s :Unknown command", (int)word.bytes, word.at);
    else if (!is_in && c == NULL && is_http(word)) {
        wf_irc_log(t->self, WEFT_NOTICE, t->user, "speaks HTTP: let go");
        wf_irc_quit(t->self, t->net, t->user, "This is no web server");
    } else if (!is_in && (c == NULL || !c->early))
        wf_irc_number(t, 451, ":You have not registered");
    else if (t->message->parameters < c->parameters)
        wf_irc_number(t, 461, "%s :Not enough parameters", c->name);
    else if (channel != NULL && c->channels &&
             (*channel = wf_irc_find_channel(t->net, wf_irc_parameter(t, 0))) != NULL)
        return false;
    else
        c->fn(t);
    return true;
}
