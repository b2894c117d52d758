/* SPDX-License-Identifier: MIT */
/* MODE, of users and of channels: what is asked, and what really changed, told in one line. */
#include "irc_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const weft_irc_mode_kinds channel_kinds = {
    .list = "b", .always = "kov", .setting = "l", .flag = "imnst"};
static const weft_irc_mode_kinds user_kinds = {.flag = "io"};

/* The changes made so far, as they are told. */
typedef struct changes {
    char letters[64], parameters[400];
    size_t n, p;
    char sign;
    int count; /* with a parameter */
} changes;

static bool has_room(const changes *c, weft_irc_text parameter)
{
    return c->n + 3 < sizeof c->letters && c->p + parameter.bytes + 2 < sizeof c->parameters;
}

static void note(changes *c, const weft_irc_mode *mode, const char *parameter)
{
    char sign = mode->on ? '+' : '-';
    if (sign != c->sign)
        c->letters[c->n++] = c->sign = sign;
    c->letters[c->n++] = mode->letter;
    c->letters[c->n] = '\0';
    if (parameter != NULL)
        c->p +=
            (size_t)snprintf(c->parameters + c->p, sizeof c->parameters - c->p, " %s", parameter);
}

/* ---- of channels */

static uint32_t flag_of(char letter)
{
    switch (letter) {
    case 'i':
        return IRC_CHANNEL_INVITE;
    case 'm':
        return IRC_CHANNEL_MODERATED;
    case 'n':
        return IRC_CHANNEL_INSIDE;
    case 's':
        return IRC_CHANNEL_SECRET;
    default:
        return IRC_CHANNEL_TOPIC;
    }
}

static void change_flag(wf_irc_channel *channel, const weft_irc_mode *mode, changes *c)
{
    uint32_t flag = flag_of(mode->letter);
    if (((channel->flags & flag) != 0) == mode->on)
        return;
    channel->flags ^= flag;
    note(c, mode, NULL);
}

static void change_member(wf_irc_turn *t, wf_irc_channel *channel, const weft_irc_mode *mode,
                          changes *c)
{
    uint32_t flag = mode->letter == 'o' ? IRC_MEMBER_OP : IRC_MEMBER_VOICE;
    weft_irc_text nick = mode->parameter;
    const wf_irc_user *user = wf_irc_find(t->net, nick);
    wf_irc_member *member = user != NULL ? wf_irc_member_of(channel, user) : NULL;
    if (user == NULL)
        wf_irc_number(t, 401, "%.*s :No such nick/channel", (int)nick.bytes, nick.at);
    else if (member == NULL)
        wf_irc_number(t, 441, "%s %s :They aren't on that channel", user->nick, channel->name);
    if (member == NULL || ((member->flags & flag) != 0) == mode->on)
        return;
    member->flags ^= flag;
    note(c, mode, user->nick);
}

static void refuse(wf_irc_turn *t, const wf_irc_channel *channel, const weft_irc_mode *mode,
                   const char *why)
{
    int n = mode->parameter.bytes > 0 ? (int)mode->parameter.bytes : 1;
    wf_irc_number(t, 696, "%s %c %.*s :%s", channel->name, mode->letter, n,
                  mode->parameter.bytes > 0 ? mode->parameter.at : "*", why);
}

static bool is_key(weft_irc_text key)
{
    return key.bytes > 0 && key.bytes < IRC_KEY_BYTES && key.at[0] != ':' &&
           memchr(key.at, ' ', key.bytes) == NULL && memchr(key.at, ',', key.bytes) == NULL;
}

static void change_key(wf_irc_turn *t, wf_irc_channel *channel, const weft_irc_mode *mode,
                       changes *c)
{
    weft_irc_text key = mode->parameter;
    if (!mode->on && channel->key[0] != '\0') {
        note(c, mode, channel->key);
        channel->key[0] = '\0';
    } else if (mode->on && !is_key(key)) {
        wf_irc_number(t, 525, "%s :Key is not well-formed", channel->name);
    } else if (mode->on) {
        wf_irc_copy(channel->key, sizeof channel->key, key);
        note(c, mode, channel->key);
    }
}

static void change_limit(wf_irc_turn *t, wf_irc_channel *channel, const weft_irc_mode *mode,
                         changes *c)
{
    char text[16];
    if (!mode->on) {
        if (channel->limit != 0)
            note(c, mode, NULL);
        channel->limit = 0;
        return;
    }
    wf_irc_copy(text, sizeof text, mode->parameter);
    unsigned long limit = strtoul(text, NULL, 10);
    if (text[0] < '0' || text[0] > '9' || limit == 0 || limit > UINT32_MAX) {
        refuse(t, channel, mode, "It is no number of members");
        return;
    }
    if (limit == channel->limit)
        return;
    channel->limit = (uint32_t)limit;
    (void)snprintf(text, sizeof text, "%lu", limit);
    note(c, mode, text);
}

/* "nick", "user@host" and "nick!user" are completed. */
static void complete_mask(weft_irc_text given, char to[IRC_MASK_BYTES])
{
    const char *bang = memchr(given.at, '!', given.bytes);
    const char *at = memchr(given.at, '@', given.bytes);
    int n = (int)given.bytes;
    if (bang == NULL && at == NULL)
        (void)snprintf(to, IRC_MASK_BYTES, "%.*s!*@*", n, given.at);
    else if (bang == NULL)
        (void)snprintf(to, IRC_MASK_BYTES, "*!%.*s", n, given.at);
    else if (at == NULL)
        (void)snprintf(to, IRC_MASK_BYTES, "%.*s@*", n, given.at);
    else
        (void)snprintf(to, IRC_MASK_BYTES, "%.*s", n, given.at);
}

static void list_bans(wf_irc_turn *t, const wf_irc_channel *channel)
{
    for (uint32_t i = 0; i < channel->bans; i++)
        wf_irc_number(t, 367, "%s %s %s %llu", channel->name, channel->ban[i].mask,
                      channel->ban[i].by, (unsigned long long)channel->ban[i].set_s);
    wf_irc_number(t, 368, "%s :End of channel ban list", channel->name);
}

static void add_ban(wf_irc_turn *t, wf_irc_channel *channel, const weft_irc_mode *mode,
                    const char mask[IRC_MASK_BYTES], changes *c)
{
    wf_irc_ban *grown = channel->bans < t->net->config.bans_max
                            ? weft_alloc_again(channel->ban, (channel->bans + 1) * sizeof *grown)
                            : NULL;
    if (grown == NULL) {
        wf_irc_number(t, 478, "%s b :Channel ban list is full", channel->name);
        return;
    }
    channel->ban = grown;
    wf_irc_ban *ban = &grown[channel->bans++];
    ban->set_s = weft_wall_ns(t->self) / 1000000000U;
    memcpy(ban->mask, mask, sizeof ban->mask);
    memcpy(ban->by, t->user->nick, sizeof ban->by);
    note(c, mode, mask);
}

static void change_ban(wf_irc_turn *t, wf_irc_channel *channel, const weft_irc_mode *mode,
                       changes *c)
{
    char mask[IRC_MASK_BYTES];
    uint32_t i = 0;
    if (mode->parameter.bytes == 0 || mode->parameter.bytes + 5 > sizeof mask ||
        mode->parameter.at[0] == ':' ||
        memchr(mode->parameter.at, ' ', mode->parameter.bytes) != NULL)
        return;
    complete_mask(mode->parameter, mask);
    while (i < channel->bans &&
           !weft_irc_same(WEFT_IRC_ASCII, weft_irc_text_of(channel->ban[i].mask),
                          weft_irc_text_of(mask)))
        i++;
    if ((i < channel->bans) == mode->on)
        return;
    if (mode->on) {
        add_ban(t, channel, mode, mask, c);
    } else if (channel->ban != NULL) {
        wf_irc_ban *ban = &channel->ban[i];
        note(c, mode, ban->mask);
        memmove(ban, ban + 1, (--channel->bans - i) * sizeof *ban);
    }
}

static void change(wf_irc_turn *t, wf_irc_channel *channel, const weft_irc_mode *mode, changes *c)
{
    /* a key that is taken away need not be known */
    bool given = mode->parameter.bytes > 0 || !mode->wants || (mode->letter == 'k' && !mode->on);
    if (mode->wants && ++c->count > IRC_MODES_MAX)
        return;
    if (!has_room(c, mode->parameter))
        return;
    if (!given) {
        refuse(t, channel, mode, "A parameter is missing");
        return;
    }
    switch (mode->letter) {
    case 'o':
    case 'v':
        change_member(t, channel, mode, c);
        break;
    case 'k':
        change_key(t, channel, mode, c);
        break;
    case 'l':
        change_limit(t, channel, mode, c);
        break;
    case 'b':
        change_ban(t, channel, mode, c);
        break;
    default:
        change_flag(channel, mode, c);
    }
}

static bool is_op(const wf_irc_channel *channel, const wf_irc_user *user)
{
    const wf_irc_member *m = wf_irc_member_of(channel, user);
    return m != NULL && (m->flags & IRC_MEMBER_OP) != 0;
}

void wf_irc_channel_modes(wf_irc_turn *t, wf_irc_channel *channel)
{
    char letters[16] = "+", parameters[64] = "";
    size_t n = 1;
    bool inside = wf_irc_member_of(channel, t->user) != NULL;
    for (const char *f = channel_kinds.flag; *f != '\0'; f++)
        if ((channel->flags & flag_of(*f)) != 0)
            letters[n++] = *f;
    if (channel->key[0] != '\0')
        letters[n++] = 'k';
    if (channel->limit != 0)
        letters[n++] = 'l';
    letters[n] = '\0';
    if (channel->key[0] != '\0')
        (void)snprintf(parameters, sizeof parameters, " %s", inside ? channel->key : "*");
    n = strlen(parameters);
    if (channel->limit != 0)
        (void)snprintf(parameters + n, sizeof parameters - n, " %u", channel->limit);
    wf_irc_number(t, 324, "%s %s%s", channel->name, letters, parameters);
    wf_irc_number(t, 329, "%s %llu", channel->name, (unsigned long long)channel->made_s);
}

static void mode_of_channel(wf_irc_turn *t, wf_irc_channel *channel)
{
    weft_irc_mode_reader reader = {.message = t->message, .at = 1};
    weft_irc_mode mode;
    changes c = {.n = 0};
    bool op = is_op(channel, t->user), refused = false, listed = false;
    if (t->message->parameters < 2) {
        wf_irc_channel_modes(t, channel);
        return;
    }
    while (weft_irc_mode_next(&reader, &channel_kinds, &mode)) {
        if (!mode.known)
            wf_irc_number(t, 472, "%c :is unknown mode char to me", mode.letter);
        else if (mode.letter == 'b' && mode.parameter.bytes == 0) {
            if (!listed)
                list_bans(t, channel);
            listed = true;
        } else if (op)
            change(t, channel, &mode, &c);
        else if (!refused) {
            refused = true;
            wf_irc_number(t, 482, "%s :You're not channel operator", channel->name);
        }
    }
    if (c.n == 0)
        return;
    wf_irc_fan fan;
    wf_irc_fan_init(&fan, t->self, t->net, t->user, "MODE %s %s%s", channel->name, c.letters,
                    c.parameters);
    wf_irc_fan_channel(&fan, channel, 0, 0, NULL);
    wf_irc_fan_done(&fan);
}

/* ---- of users */

static void change_user(wf_irc_turn *t, const weft_irc_mode *mode, changes *c)
{
    uint16_t flag = mode->letter == 'o' ? IRC_OPERATOR : IRC_INVISIBLE;
    if (((t->user->flags & flag) != 0) == mode->on || (flag == IRC_OPERATOR && mode->on) ||
        !has_room(c, mode->parameter))
        return; /* "+o" is OPER's to give */
    t->user->flags ^= flag;
    uint32_t *count = flag == IRC_OPERATOR ? &t->net->opers : &t->net->invisible;
    *count += mode->on ? 1U : UINT32_MAX;
    note(c, mode, NULL);
}

static void mode_of_user(wf_irc_turn *t, const wf_irc_user *user)
{
    weft_irc_mode_reader reader = {.message = t->message, .at = 1};
    weft_irc_mode mode;
    changes c = {.n = 0};
    if (user != t->user) {
        wf_irc_number(t, 502, ":Cant change mode for other users");
        return;
    }
    if (t->message->parameters < 2)
        wf_irc_number(t, 221, "+%s%s", (user->flags & IRC_INVISIBLE) != 0 ? "i" : "",
                      (user->flags & IRC_OPERATOR) != 0 ? "o" : "");
    while (weft_irc_mode_next(&reader, &user_kinds, &mode)) {
        if (mode.known)
            change_user(t, &mode, &c);
        else
            wf_irc_number(t, 501, ":Unknown MODE flag");
    }
    if (c.n > 0)
        wf_irc_say(t->self, t->net, t->user, "MODE %s %s", user->nick, c.letters);
}

void wf_irc_mode(wf_irc_turn *t)
{
    weft_irc_text name = wf_irc_parameter(t, 0);
    wf_irc_channel *channel = wf_irc_find_channel(t->net, name);
    const wf_irc_user *user = channel == NULL ? wf_irc_find(t->net, name) : NULL;
    if (channel != NULL)
        mode_of_channel(t, channel);
    else if (user != NULL)
        mode_of_user(t, user);
    else if (name.bytes > 0 && name.at[0] == '#')
        wf_irc_number(t, 403, "%.*s :No such channel", (int)name.bytes, name.at);
    else
        wf_irc_number(t, 401, "%.*s :No such nick/channel", (int)name.bytes, name.at);
}
