/* SPDX-License-Identifier: MIT */
/* PRIVMSG, NOTICE and TAGMSG: to channels and to users. */
#include "irc_server.h"

#include <string.h>

typedef struct speech {
    const char *verb;
    bool silent;     /* NOTICE: nothing is ever answered */
    bool tags_alone; /* TAGMSG */
    weft_irc_text text;
} speech;

static void refuse(wf_irc_turn *t, const speech *s, unsigned number, weft_irc_text target,
                   const char *why)
{
    if (!s->silent)
        wf_irc_number(t, number, "%.*s :%s", (int)target.bytes, target.at, why);
}

static void begin(wf_irc_fan *fan, wf_irc_turn *t, const speech *s, const char *target)
{
    if (s->tags_alone)
        wf_irc_fan_init(fan, t->self, t->net, t->user, "TAGMSG %s", target);
    else
        wf_irc_fan_init(fan, t->self, t->net, t->user, "%s %s :%.*s", s->verb, target,
                        (int)s->text.bytes, s->text.at);
    fan->tags = t->message->tags;
}

static bool may_speak(const wf_irc_channel *channel, const wf_irc_user *user)
{
    const wf_irc_member *m = wf_irc_member_of(channel, user);
    if (m != NULL && m->flags != 0)
        return true;
    if (m == NULL && (channel->flags & IRC_CHANNEL_INSIDE) != 0)
        return false;
    return (channel->flags & IRC_CHANNEL_MODERATED) == 0 && !wf_irc_is_banned(channel, user);
}

static void to_channel(wf_irc_turn *t, const speech *s, wf_irc_channel *channel)
{
    wf_irc_fan fan;
    bool echo = (t->user->caps & IRC_ECHO_MESSAGE) != 0;
    if (!may_speak(channel, t->user)) {
        refuse(t, s, 404, weft_irc_text_of(channel->name), "Cannot send to channel");
        return;
    }
    begin(&fan, t, s, channel->name);
    wf_irc_fan_channel(&fan, channel, s->tags_alone ? IRC_MESSAGE_TAGS : 0, 0, t->user);
    if (echo)
        wf_irc_fan_to(&fan, t->user);
    wf_irc_fan_done(&fan);
}

static void to_user(wf_irc_turn *t, const speech *s, wf_irc_user *to)
{
    wf_irc_fan fan;
    begin(&fan, t, s, to->nick);
    if (!s->tags_alone || (to->caps & IRC_MESSAGE_TAGS) != 0)
        wf_irc_fan_to(&fan, to);
    if ((t->user->caps & IRC_ECHO_MESSAGE) != 0)
        wf_irc_fan_to(&fan, t->user);
    wf_irc_fan_done(&fan);
    if (to->rare != NULL && to->rare->away[0] != '\0' && !s->silent && !s->tags_alone)
        wf_irc_number(t, 301, "%s :%s", to->nick, to->rare->away);
}

static void to_one(wf_irc_turn *t, const speech *s, weft_irc_text target)
{
    wf_irc_channel *channel = wf_irc_find_channel(t->net, target);
    wf_irc_user *user = channel == NULL ? wf_irc_find(t->net, target) : NULL;
    if (channel != NULL)
        to_channel(t, s, channel);
    else if (user != NULL && (user->flags & IRC_IN) != 0)
        to_user(t, s, user);
    else if (target.bytes > 0 && target.at[0] == '#')
        refuse(t, s, 403, target, "No such channel");
    else
        refuse(t, s, 401, target, "No such nick/channel");
}

void wf_irc_message_command(wf_irc_turn *t)
{
    char first = t->message->command.at[0] & ~0x20;
    speech s = {.verb = first == 'P' ? "PRIVMSG" : "NOTICE",
                .silent = first == 'N',
                .tags_alone = first == 'T',
                .text = wf_irc_parameter(t, 1)};
    weft_irc_text targets = wf_irc_parameter(t, 0);
    if (targets.bytes == 0 || (s.text.bytes == 0 && !s.tags_alone)) {
        if (targets.bytes == 0 && !s.silent)
            wf_irc_number(t, 411, ":No recipient given (%s)", s.verb);
        else if (!s.silent)
            wf_irc_number(t, 412, ":No text to send");
        return;
    }
    t->user->said_ms = weft_now_ms(t->self);
    for (int i = 0; targets.bytes > 0; i++) {
        const char *comma = memchr(targets.at, ',', targets.bytes);
        weft_irc_text one = {targets.at,
                             comma != NULL ? (uint32_t)(comma - targets.at) : targets.bytes};
        uint32_t used = one.bytes + (comma != NULL);
        if (i == IRC_TARGETS_MAX) {
            refuse(t, &s, 407, targets, "Too many targets");
            return;
        }
        targets.at += used;
        targets.bytes -= used;
        to_one(t, &s, one);
    }
}
