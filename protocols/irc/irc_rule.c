/* SPDX-License-Identifier: MIT */
/* What members do about a channel besides its modes: TOPIC, KICK, INVITE. */
#include "irc_server.h"

#include <stdio.h>
#include <string.h>

/* The channel of the parameter @i, if the user is in it; else says why not. */
static wf_irc_channel *mine(wf_irc_turn *t, uint32_t i)
{
    weft_irc_text name = wf_irc_parameter(t, i);
    wf_irc_channel *channel = wf_irc_find_channel(t->net, name);
    if (channel == NULL)
        wf_irc_number(t, 403, "%.*s :No such channel", (int)name.bytes, name.at);
    else if (wf_irc_member_of(channel, t->user) == NULL)
        wf_irc_number(t, 442, "%s :You're not on that channel", channel->name);
    else
        return channel;
    return NULL;
}

/* Whether the user is operator there; else says so. */
static bool rules(wf_irc_turn *t, const wf_irc_channel *channel)
{
    if ((wf_irc_member_of(channel, t->user)->flags & IRC_MEMBER_OP) != 0)
        return true;
    wf_irc_number(t, 482, "%s :You're not channel operator", channel->name);
    return false;
}

void wf_irc_channel_topic(wf_irc_turn *t, const wf_irc_channel *channel)
{
    if (channel->topic[0] == '\0') {
        wf_irc_number(t, 331, "%s :No topic is set", channel->name);
        return;
    }
    wf_irc_number(t, 332, "%s :%s", channel->name, channel->topic);
    wf_irc_number(t, 333, "%s %s %llu", channel->name, channel->topic_by,
                  (unsigned long long)channel->topic_s);
}

void wf_irc_topic(wf_irc_turn *t)
{
    wf_irc_channel *channel = mine(t, 0);
    wf_irc_fan fan;
    if (channel == NULL)
        return;
    if (t->message->parameters < 2) {
        wf_irc_channel_topic(t, channel);
        return;
    }
    if ((channel->flags & IRC_CHANNEL_TOPIC) != 0 && !rules(t, channel))
        return;
    wf_irc_copy(channel->topic, sizeof channel->topic, wf_irc_parameter(t, 1));
    memcpy(channel->topic_by, t->user->nick, sizeof channel->topic_by);
    channel->topic_s = weft_wall_ns(t->self) / 1000000000U;
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "TOPIC %s :%s", channel->name, channel->topic);
    wf_irc_fan_channel(&fan, channel, 0, 0, NULL);
    wf_irc_fan_done(&fan);
}

static void kick_one(wf_irc_turn *t, wf_irc_channel *channel, weft_irc_text nick)
{
    char why[IRC_KICK_BYTES];
    wf_irc_user *user = wf_irc_find(t->net, nick);
    if (user == NULL) {
        wf_irc_number(t, 401, "%.*s :No such nick/channel", (int)nick.bytes, nick.at);
        return;
    }
    if (wf_irc_member_of(channel, user) == NULL) {
        wf_irc_number(t, 441, "%s %s :They aren't on that channel", user->nick, channel->name);
        return;
    }
    wf_irc_copy(why, sizeof why, wf_irc_parameter(t, 2));
    wf_irc_fan fan;
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "KICK %s %s :%s", channel->name, user->nick,
                    why[0] != '\0' ? why : t->user->nick);
    wf_irc_fan_channel(&fan, channel, 0, 0, NULL);
    wf_irc_fan_done(&fan);
    wf_irc_leave(t->self, channel, user);
}

/* "Servers MAY limit the number of target users ... and silently drop targets": as TARGMAX says. */
void wf_irc_kick(wf_irc_turn *t)
{
    wf_irc_channel *channel = mine(t, 0);
    weft_irc_text nicks = wf_irc_parameter(t, 1);
    if (channel == NULL || !rules(t, channel))
        return;
    /* who is among them has gone from there */
    for (int i = 0; nicks.bytes > 0 && i < IRC_TARGETS_MAX; i++)
        if (wf_irc_member_of(channel, t->user) != NULL)
            kick_one(t, channel, wf_irc_next_of(&nicks));
}

static bool invite(const wf_irc_turn *t, wf_irc_user *user, const wf_irc_channel *channel)
{
    wf_irc_rare *rare = wf_irc_rare_of(user);
    uint32_t most = t->net->config.invites_max;
    if (rare == NULL)
        return false;
    if (rare->invited == NULL)
        rare->invited = weft_alloc(most * sizeof *rare->invited);
    if (rare->invited == NULL)
        return false;
    if (rare->invites == most)
        memmove(rare->invited[0], rare->invited[1], --rare->invites * sizeof *rare->invited);
    memcpy(rare->invited[rare->invites++], channel->name, sizeof *rare->invited);
    return true;
}

void wf_irc_invite(wf_irc_turn *t)
{
    weft_irc_text nick = wf_irc_parameter(t, 0);
    wf_irc_user *user = wf_irc_find(t->net, nick);
    wf_irc_channel *channel = mine(t, 1);
    if (channel == NULL)
        return;
    if (user == NULL || (user->flags & IRC_IN) == 0) {
        wf_irc_number(t, 401, "%.*s :No such nick/channel", (int)nick.bytes, nick.at);
        return;
    }
    if (wf_irc_member_of(channel, user) != NULL) {
        wf_irc_number(t, 443, "%s %s :is already on channel", user->nick, channel->name);
        return;
    }
    if ((channel->flags & IRC_CHANNEL_INVITE) != 0 && !rules(t, channel))
        return;
    /* what an operator keeps out (+b, +k, +l), only an operator lets in: others only tell of the channel */
    if ((wf_irc_member_of(channel, t->user)->flags & IRC_MEMBER_OP) != 0 &&
        !invite(t, user, channel)) {
        wf_irc_number(t, 437, "%s :Channel is temporarily unavailable", channel->name);
        return;
    }
    wf_irc_number(t, 341, "%s %s", user->nick, channel->name);
    wf_irc_fan fan;
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "INVITE %s %s", user->nick, channel->name);
    wf_irc_fan_to(&fan, user);
    wf_irc_fan_done(&fan);
    if (user->rare != NULL && user->rare->away[0] != '\0')
        wf_irc_number(t, 301, "%s :%s", user->nick, user->rare->away);
}
