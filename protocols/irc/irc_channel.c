/* SPDX-License-Identifier: MIT */
/* Channels: an actor of each serves what is about it alone; members come, go, and are told of. */
#include "irc_server.h"

#include <stdio.h>
#include <string.h>

typedef struct over {
    char nothing;
} over;
static const weft_type over_type = WEFT_TYPE("weft.irc_channel_over", over, NULL);

/* ---- members */

wf_irc_member *wf_irc_member_of(const wf_irc_channel *channel, const wf_irc_user *user)
{
    for (uint32_t i = 0; i < user->places; i++)
        if (user->place[i].channel == channel)
            return &channel->member[user->place[i].at];
    return NULL;
}

static wf_irc_place *place_of(const wf_irc_user *user, const wf_irc_channel *channel)
{
    wf_irc_place *place = user->place;
    while (place->channel != channel)
        place++;
    return place;
}

static weft_err add(wf_irc_channel *channel, wf_irc_user *user, uint32_t flags)
{
    if (channel->member == NULL || channel->members == channel->room) {
        uint32_t room = channel->room != 0 ? channel->room * 2 : 4;
        wf_irc_member *grown = weft_alloc_again(channel->member, room * sizeof *grown);
        if (grown == NULL)
            return WEFT_ENOMEM;
        channel->member = grown;
        channel->room = room;
    }
    if (user->places == user->place_room) {
        uint32_t room = user->place_room != 0 ? user->place_room * 2 : 2;
        wf_irc_place *grown = weft_alloc_again(user->place, room * sizeof *grown);
        if (grown == NULL)
            return WEFT_ENOMEM;
        user->place = grown;
        user->place_room = room;
    }
    user->place[user->places++] = (wf_irc_place){channel, channel->members};
    channel->member[channel->members++] = (wf_irc_member){user, flags};
    wf_irc_lists_drop(channel);
    return WEFT_OK;
}

static void take(wf_irc_channel *channel, wf_irc_user *user)
{
    wf_irc_place *place = place_of(user, channel);
    uint32_t at = place->at;
    *place = user->place[--user->places];
    channel->member[at] = channel->member[--channel->members];
    if (at < channel->members)
        place_of(channel->member[at].user, channel)->at = at;
    wf_irc_lists_drop(channel);
}

/* What others have asked of it by then is still served. */
static void end_channel(weft_actor *self, wf_irc_channel *channel)
{
    wf_irc_channel_take(channel->net, channel);
    if (weft_event(self, channel->actor, &over_type, &(over){0}) != WEFT_OK)
        (void)weft_stop_ref(self, channel->actor, WEFT_OK);
}

void wf_irc_leave(weft_actor *self, wf_irc_channel *channel, wf_irc_user *user)
{
    take(channel, user);
    if (channel->members == 0 && !channel->off_table)
        end_channel(self, channel);
}

/* ---- the actor */

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    const wf_irc_channel *channel = weft_config(self);
    const wf_irc_line *line = weft_body(msg);
    wf_irc_user *user = wf_irc_user_at(channel->net, line->id, line->gen);
    weft_irc_message message;
    wf_irc_turn t = {.self = self,
                     .net = channel->net,
                     .user = user,
                     .message = &message,
                     .msg = msg,
                     .served = msg};
    if (user != NULL && weft_irc_parse(line->bytes.at, line->bytes.size, &message, NULL) == WEFT_OK)
        (void)wf_irc_serve(&t, NULL);
    return weft_reply(msg, wf_irc_known, .id = 0);
}

static weft_err on_over(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

/* One that is ended by force takes its members out. */
static void on_ended(weft_actor *self, weft_err reason)
{
    wf_irc_channel *channel = (wf_irc_channel *)(uintptr_t)weft_config(self);
    (void)reason;
    if (!channel->off_table)
        wf_irc_channel_take(channel->net, channel);
    while (channel->members > 0) {
        wf_irc_user *user = channel->member[channel->members - 1].user;
        wf_irc_fan fan;
        wf_irc_fan_init(&fan, self, channel->net, user, "PART %s :The channel has ended",
                        channel->name);
        wf_irc_fan_to(&fan, user);
        wf_irc_fan_done(&fan);
        take(channel, user);
    }
    wf_irc_lists_drop(channel);
    weft_alloc_free(channel->member);
    weft_alloc_free(channel->ban);
    weft_alloc_free(channel);
}

static const weft_handler rows[] = {
    {.type = &wf_irc_line_type, .fn = on_line},
    {.type = &over_type, .fn = on_over},
    {0},
};
const weft_behaviour wf_irc_channel_behaviour = {
    .name = "irc.channel", .handlers = rows, .mailbox_max = 1U << 17, .ended = on_ended};

static weft_err channel_new(wf_irc_turn *t, weft_irc_text name, wf_irc_channel **out)
{
    if (t->net->channels >= t->net->config.channels_max)
        return WEFT_ELIMIT;
    wf_irc_channel *channel = weft_alloc_zero(sizeof *channel);
    if (channel == NULL)
        return WEFT_ENOMEM;
    channel->net = t->net;
    channel->flags = IRC_CHANNEL_INSIDE | IRC_CHANNEL_TOPIC;
    channel->made_s = weft_wall_ns(t->self) / 1000000000U;
    wf_irc_copy(channel->name, sizeof channel->name, name);
    channel->actor = weft_spawn(t->self, &wf_irc_channel_behaviour, channel);
    if (weft_ref_is_nobody(channel->actor)) {
        weft_alloc_free(channel);
        return WEFT_ENOMEM;
    }
    wf_irc_channel_put(t->net, channel);
    *out = channel;
    return WEFT_OK;
}

/* ---- JOIN */

bool wf_irc_is_banned(const wf_irc_channel *channel, const wf_irc_user *user)
{
    char mask[IRC_NICK_BYTES + IRC_USER_BYTES + IRC_HOST_BYTES];
    if (channel->bans == 0)
        return false;
    (void)snprintf(mask, sizeof mask, "%s!%s@%s", user->nick, user->name, user->host);
    for (uint32_t i = 0; i < channel->bans; i++)
        if (weft_irc_mask_matches(WEFT_IRC_ASCII, weft_irc_text_of(channel->ban[i].mask),
                                  weft_irc_text_of(mask)))
            return true;
    return false;
}

/* An invitation is good once. */
static bool take_invitation(wf_irc_user *user, const wf_irc_channel *channel)
{
    wf_irc_rare *rare = user->rare;
    for (uint32_t i = 0; rare != NULL && i < rare->invites; i++) {
        if (!weft_irc_same(WEFT_IRC_ASCII, weft_irc_text_of(rare->invited[i]),
                           weft_irc_text_of(channel->name)))
            continue;
        rare->invites--;
        memmove(rare->invited[i], rare->invited[i + 1],
                (rare->invites - i) * sizeof *rare->invited);
        return true;
    }
    return false;
}

static bool may_join(wf_irc_turn *t, const wf_irc_channel *channel, weft_irc_text key)
{
    const char *name = channel->name;
    if (take_invitation(t->user, channel))
        return true;
    if (channel->key[0] != '\0' && !wf_irc_same_secret(key, channel->key))
        wf_irc_number(t, 475, "%s :Cannot join channel (+k)", name);
    else if ((channel->flags & IRC_CHANNEL_INVITE) != 0)
        wf_irc_number(t, 473, "%s :Cannot join channel (+i)", name);
    else if (channel->limit != 0 && channel->members >= channel->limit)
        wf_irc_number(t, 471, "%s :Cannot join channel (+l)", name);
    else if (wf_irc_is_banned(channel, t->user))
        wf_irc_number(t, 474, "%s :Cannot join channel (+b)", name);
    else
        return true;
    return false;
}

static void say_joined(wf_irc_turn *t, wf_irc_channel *channel)
{
    wf_irc_fan fan;
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "JOIN %s", channel->name);
    wf_irc_fan_channel(&fan, channel, 0, IRC_EXTENDED_JOIN, NULL);
    wf_irc_fan_done(&fan);
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "JOIN %s %s :%s", channel->name,
                    t->user->account != NULL ? t->user->account : "*", t->user->real);
    wf_irc_fan_channel(&fan, channel, IRC_EXTENDED_JOIN, 0, NULL);
    wf_irc_fan_done(&fan);
    if (t->user->rare == NULL || t->user->rare->away[0] == '\0')
        return;
    /* "also sent when a user joins and has an away message set" */
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "AWAY :%s", t->user->rare->away);
    wf_irc_fan_channel(&fan, channel, IRC_AWAY_NOTIFY, 0, t->user);
    wf_irc_fan_done(&fan);
}

static void join_one(wf_irc_turn *t, weft_irc_text name, weft_irc_text key)
{
    if (name.bytes >= IRC_CHANNEL_BYTES || !weft_irc_is_channel(name)) {
        wf_irc_number(t, 403, "%.*s :No such channel", (int)name.bytes, name.at);
        return;
    }
    wf_irc_channel *channel = wf_irc_find_channel(t->net, name);
    if (channel != NULL && wf_irc_member_of(channel, t->user) != NULL)
        return;
    if (t->user->places >= t->net->config.user_channels_max) {
        wf_irc_number(t, 405, "%.*s :You have joined too many channels", (int)name.bytes, name.at);
        return;
    }
    if (channel != NULL && !may_join(t, channel, key))
        return;
    bool is_new = channel == NULL;
    weft_err err = is_new ? channel_new(t, name, &channel) : WEFT_OK;
    if (err == WEFT_OK)
        err = add(channel, t->user, is_new ? IRC_MEMBER_OP : 0);
    if (err != WEFT_OK) {
        if (is_new && channel != NULL)
            end_channel(t->self, channel);
        wf_irc_number(t, 437, "%.*s :Channel is temporarily unavailable", (int)name.bytes, name.at);
        return;
    }
    say_joined(t, channel);
    if (channel->topic[0] != '\0')
        wf_irc_channel_topic(t, channel);
    wf_irc_channel_names(t, channel);
}

weft_irc_text wf_irc_next_of(weft_irc_text *list)
{
    const char *comma = list->bytes > 0 ? memchr(list->at, ',', list->bytes) : NULL;
    weft_irc_text one = {list->at, comma != NULL ? (uint32_t)(comma - list->at) : list->bytes};
    uint32_t used = one.bytes + (comma != NULL);
    list->at += used;
    list->bytes -= used;
    return one;
}

static void part_one(wf_irc_turn *t, weft_irc_text name, weft_irc_text why)
{
    wf_irc_channel *channel = wf_irc_find_channel(t->net, name);
    wf_irc_fan fan;
    if (channel == NULL) {
        wf_irc_number(t, 403, "%.*s :No such channel", (int)name.bytes, name.at);
        return;
    }
    if (wf_irc_member_of(channel, t->user) == NULL) {
        wf_irc_number(t, 442, "%s :You're not on that channel", channel->name);
        return;
    }
    if (why.bytes > 0)
        wf_irc_fan_init(&fan, t->self, t->net, t->user, "PART %s :%.*s", channel->name,
                        (int)why.bytes, why.at);
    else
        wf_irc_fan_init(&fan, t->self, t->net, t->user, "PART %s", channel->name);
    wf_irc_fan_channel(&fan, channel, 0, 0, NULL);
    wf_irc_fan_done(&fan);
    wf_irc_leave(t->self, channel, t->user);
}

void wf_irc_part(wf_irc_turn *t)
{
    weft_irc_text names = wf_irc_parameter(t, 0);
    for (int i = 0; names.bytes > 0 && i < IRC_TARGETS_MAX; i++)
        part_one(t, wf_irc_next_of(&names), wf_irc_parameter(t, 1));
    if (names.bytes > 0)
        wf_irc_number(t, 407, "%.*s :Too many targets", (int)names.bytes, names.at);
}

void wf_irc_join(wf_irc_turn *t)
{
    weft_irc_text names = wf_irc_parameter(t, 0), keys = wf_irc_parameter(t, 1);
    if (names.bytes == 1 && names.at[0] == '0') {
        while (t->user->places > 0) {
            weft_irc_text name =
                weft_irc_text_of(t->user->place[t->user->places - 1].channel->name);
            part_one(t, name, (weft_irc_text){"", 0});
        }
        return;
    }
    for (int i = 0; names.bytes > 0 && i < IRC_TARGETS_MAX; i++) {
        weft_irc_text name = wf_irc_next_of(&names);
        join_one(t, name, wf_irc_next_of(&keys));
    }
    if (names.bytes > 0)
        wf_irc_number(t, 407, "%.*s :Too many targets", (int)names.bytes, names.at);
}
