/* SPDX-License-Identifier: MIT */
/* What is asked about users and channels: NAMES, LIST, WHO, WHOIS, WHOWAS, ISON, USERHOST. */
#include "irc_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words of one answer, sent in as many lines as it takes. */
typedef struct words {
    char text[400];
    size_t n;
} words;

/* false: it is full, and @word was not added. */
static bool add_word(words *w, const char *word)
{
    size_t n = strlen(word);
    if (w->n + n + 1 >= sizeof w->text)
        return false;
    w->n +=
        (size_t)snprintf(w->text + w->n, sizeof w->text - w->n, "%s%s", w->n > 0 ? " " : "", word);
    return true;
}

static const char *prefix_of(const wf_irc_turn *t, uint32_t flags)
{
    bool op = (flags & IRC_MEMBER_OP) != 0, voice = (flags & IRC_MEMBER_VOICE) != 0;
    if (op && voice && (t->user->caps & IRC_MULTI_PREFIX) != 0)
        return "@+";
    return op ? "@" : voice ? "+" : "";
}

static bool is_hidden(const wf_irc_turn *t, const wf_irc_channel *channel)
{
    return (channel->flags & IRC_CHANNEL_SECRET) != 0 && wf_irc_member_of(channel, t->user) == NULL;
}

/* ---- NAMES, LIST */

static void say_names(wf_irc_turn *t, const wf_irc_channel *channel, words *w)
{
    char sign = (channel->flags & IRC_CHANNEL_SECRET) != 0 ? '@' : '=';
    wf_irc_number(t, 353, "%c %s :%s", sign, channel->name, w->text);
    w->n = 0;
}

void wf_irc_channel_names(wf_irc_turn *t, const wf_irc_channel *channel)
{
    words w = {.n = 0};
    bool inside = wf_irc_member_of(channel, t->user) != NULL;
    for (uint32_t i = 0; i < channel->members; i++) {
        const wf_irc_member *m = &channel->member[i];
        char word[IRC_NICK_BYTES + 3];
        if (!inside && (m->user->flags & IRC_INVISIBLE) != 0)
            continue;
        (void)snprintf(word, sizeof word, "%s%s", prefix_of(t, m->flags), m->user->nick);
        if (add_word(&w, word))
            continue;
        say_names(t, channel, &w);
        (void)add_word(&w, word);
    }
    if (w.n > 0)
        say_names(t, channel, &w);
    wf_irc_number(t, 366, "%s :End of /NAMES list", channel->name);
}

static void names_of(wf_irc_turn *t, weft_irc_text name)
{
    const wf_irc_channel *channel = wf_irc_find_channel(t->net, name);
    if (channel != NULL && !is_hidden(t, channel))
        wf_irc_channel_names(t, channel);
    else
        wf_irc_number(t, 366, "%.*s :End of /NAMES list", name.bytes > 0 ? (int)name.bytes : 1,
                      name.bytes > 0 ? name.at : "*");
}

void wf_irc_names(wf_irc_turn *t)
{
    weft_irc_text names = wf_irc_parameter(t, 0);
    if (names.bytes == 0)
        names_of(t, names);
    for (int i = 0; names.bytes > 0 && i < IRC_TARGETS_MAX; i++)
        names_of(t, wf_irc_next_of(&names));
    if (names.bytes > 0)
        wf_irc_number(t, 407, "%.*s :Too many targets", (int)names.bytes, names.at);
}

static void list_one(wf_irc_turn *t, const wf_irc_channel *channel)
{
    if (!is_hidden(t, channel))
        wf_irc_number(t, 322, "%s %u :%s", channel->name, channel->members, channel->topic);
}

/* All of them, or those that a list of masks names. */
void wf_irc_list_command(wf_irc_turn *t)
{
    weft_irc_text masks = wf_irc_parameter(t, 0);
    wf_irc_number(t, 321, "Channel :Users  Name");
    for (uint32_t i = 0; i < t->net->table_size; i++) {
        for (const wf_irc_channel *c = t->net->table[i]; c != NULL; c = c->next) {
            bool wanted = masks.bytes == 0;
            for (uint32_t at = 0; at < masks.bytes && !wanted;) {
                const char *comma = memchr(masks.at + at, ',', masks.bytes - at);
                uint32_t n = comma != NULL ? (uint32_t)(comma - masks.at) - at : masks.bytes - at;
                wanted = weft_irc_mask_matches(WEFT_IRC_ASCII, (weft_irc_text){masks.at + at, n},
                                               weft_irc_text_of(c->name));
                at += n + 1;
            }
            if (wanted)
                list_one(t, c);
        }
    }
    wf_irc_number(t, 323, ":End of /LIST");
}

/* ---- WHO, WHOIS, WHOWAS */

static bool is_away(const wf_irc_user *user)
{
    return user->rare != NULL && user->rare->away[0] != '\0';
}

static void who_one(wf_irc_turn *t, const char *channel, const wf_irc_user *user, uint32_t flags)
{
    wf_irc_number(t, 352, "%s %s %s %s %s %c%s%s :0 %s", channel, user->name, user->host,
                  t->net->config.server, user->nick, is_away(user) ? 'G' : 'H',
                  (user->flags & IRC_OPERATOR) != 0 ? "*" : "", prefix_of(t, flags), user->real);
}

static void who_channel(wf_irc_turn *t, const wf_irc_channel *channel, uint16_t flags)
{
    bool inside = wf_irc_member_of(channel, t->user) != NULL;
    for (uint32_t i = 0; !is_hidden(t, channel) && i < channel->members; i++) {
        const wf_irc_member *m = &channel->member[i];
        if ((inside || (m->user->flags & IRC_INVISIBLE) == 0) && (m->user->flags & flags) == flags)
            who_one(t, channel->name, m->user, m->flags);
    }
}

static bool is_visible(const wf_irc_turn *t, const wf_irc_user *user)
{
    if ((user->flags & IRC_INVISIBLE) == 0 || user == t->user)
        return true;
    for (uint32_t i = 0; i < user->places; i++)
        if (wf_irc_member_of(user->place[i].channel, t->user) != NULL)
            return true;
    return false;
}

/* "matched against users' host, server, real name and nickname" (RFC 1459 section 4.5.1) */
static bool is_meant(const wf_irc_turn *t, const wf_irc_user *user, weft_irc_text mask)
{
    const char *const texts[] = {user->nick, user->host, t->net->config.server, user->real};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (weft_irc_mask_matches(WEFT_IRC_ASCII, mask, weft_irc_text_of(texts[i])))
            return true;
    return false;
}

static void who_mask(wf_irc_turn *t, weft_irc_text mask, uint16_t flags)
{
    for (uint32_t i = 0; i < t->net->user_room; i++) {
        const wf_irc_user *user = t->net->user[i];
        if (user != NULL && (user->flags & (flags | IRC_IN | IRC_OVER)) == (flags | IRC_IN) &&
            is_visible(t, user) && is_meant(t, user, mask))
            who_one(t, "*", user, 0);
    }
}

/* "If the "o" parameter is passed only operators are returned"; "0" is everybody (RFC 2812 section 3.6.1). */
void wf_irc_who(wf_irc_turn *t)
{
    weft_irc_text mask = wf_irc_parameter(t, 0), o = wf_irc_parameter(t, 1);
    uint16_t flags = o.bytes == 1 && (o.at[0] | 0x20) == 'o' ? IRC_OPERATOR : 0;
    const wf_irc_channel *channel = wf_irc_find_channel(t->net, mask);
    const wf_irc_user *user = channel == NULL ? wf_irc_find(t->net, mask) : NULL;
    if (mask.bytes == 0)
        mask = weft_irc_text_of("*");
    if (channel != NULL)
        who_channel(t, channel, flags);
    else if (user != NULL && (user->flags & IRC_IN) != 0) {
        if ((user->flags & flags) == flags)
            who_one(t, "*", user, 0);
    } else
        who_mask(t, mask.bytes == 1 && mask.at[0] == '0' ? weft_irc_text_of("*") : mask, flags);
    wf_irc_number(t, 315, "%.*s :End of WHO list", (int)mask.bytes, mask.at);
}

static void whois_channels(wf_irc_turn *t, const wf_irc_user *user)
{
    words w = {.n = 0};
    for (uint32_t i = 0; i < user->places; i++) {
        const wf_irc_channel *c = user->place[i].channel;
        char word[IRC_CHANNEL_BYTES + 3];
        if (wf_irc_member_of(c, t->user) == NULL &&
            ((c->flags & IRC_CHANNEL_SECRET) != 0 || (user->flags & IRC_INVISIBLE) != 0))
            continue;
        (void)snprintf(word, sizeof word, "%s%s", prefix_of(t, c->member[user->place[i].at].flags),
                       c->name);
        if (add_word(&w, word))
            continue;
        wf_irc_number(t, 319, "%s :%s", user->nick, w.text);
        w.n = 0;
        (void)add_word(&w, word);
    }
    if (w.n > 0)
        wf_irc_number(t, 319, "%s :%s", user->nick, w.text);
}

static void whois_one(wf_irc_turn *t, const wf_irc_user *user)
{
    uint32_t now = weft_now_ms(t->self);
    wf_irc_number(t, 311, "%s %s %s * :%s", user->nick, user->name, user->host, user->real);
    wf_irc_number(t, 312, "%s %s :%s", user->nick, t->net->config.server, t->net->config.network);
    if ((user->flags & IRC_OPERATOR) != 0)
        wf_irc_number(t, 313, "%s :is an IRC operator", user->nick);
    whois_channels(t, user);
    if (is_away(user))
        wf_irc_number(t, 301, "%s :%s", user->nick, user->rare->away);
    if (user->account != NULL)
        wf_irc_number(t, 330, "%s %s :is logged in as", user->nick, user->account);
    if ((user->flags & IRC_SECURE) != 0)
        wf_irc_number(t, 671, "%s :is using a secure connection", user->nick);
    wf_irc_number(t, 317, "%s %u %llu :seconds idle, signon time", user->nick,
                  (now - user->said_ms) / 1000, (unsigned long long)user->since_s);
}

/* Whether a nick was given; else says that none was. */
static bool is_given(wf_irc_turn *t, weft_irc_text nick)
{
    if (nick.bytes == 0)
        wf_irc_number(t, 431, ":No nickname given");
    return nick.bytes > 0;
}

/* "WHOIS server nick" asks the same. */
void wf_irc_whois(wf_irc_turn *t)
{
    bool of_server = t->message->parameters > 1;
    weft_irc_text nick = wf_irc_parameter(t, of_server ? 1 : 0);
    if (!is_given(t, nick) || (of_server && !wf_irc_is_here(t, 0)))
        return;
    const wf_irc_user *user = wf_irc_find(t->net, nick);
    if (user != NULL && (user->flags & IRC_IN) != 0)
        whois_one(t, user);
    else
        wf_irc_number(t, 401, "%.*s :No such nick/channel", (int)nick.bytes, nick.at);
    wf_irc_number(t, 318, "%.*s :End of /WHOIS list", (int)nick.bytes, nick.at);
}

/* "<count>": so many replies, all if it is none or no number above zero (RFC 2812 section 3.6.3) */
static uint32_t count_of(weft_irc_text text)
{
    char number[12];
    wf_irc_copy(number, sizeof number, text);
    long n = strtol(number, NULL, 10);
    return n > 0 && n < INT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* The latest first. */
void wf_irc_whowas(wf_irc_turn *t)
{
    weft_irc_text nick = wf_irc_parameter(t, 0);
    const wf_irc_net *net = t->net;
    uint32_t found = 0, most = net->config.whowas_max, wanted = count_of(wf_irc_parameter(t, 1));
    if (!is_given(t, nick) || !wf_irc_is_here(t, 2))
        return;
    for (uint32_t i = 1; i <= net->was_n && found < wanted; i++) {
        const wf_irc_was *was = &net->was[(net->was_at + most - i) % most];
        if (!weft_irc_same(WEFT_IRC_ASCII, weft_irc_text_of(was->nick), nick))
            continue;
        wf_irc_number(t, 314, "%s %s %s * :%s", was->nick, was->name, was->host, was->real);
        wf_irc_number(t, 312, "%s %s :%s", was->nick, net->config.server, net->config.network);
        found++;
    }
    if (found == 0)
        wf_irc_number(t, 406, "%.*s :There was no such nickname", (int)nick.bytes, nick.at);
    wf_irc_number(t, 369, "%.*s :End of WHOWAS", (int)nick.bytes, nick.at);
}

/* ---- ISON, USERHOST */

void wf_irc_ison(wf_irc_turn *t)
{
    words w = {.n = 0};
    for (uint32_t i = 0; i < t->message->parameters; i++) {
        weft_irc_text left = t->message->parameter[i];
        while (left.bytes > 0) {
            const char *blank = memchr(left.at, ' ', left.bytes);
            weft_irc_text one = {left.at, blank != NULL ? (uint32_t)(blank - left.at) : left.bytes};
            const wf_irc_user *user = one.bytes > 0 ? wf_irc_find(t->net, one) : NULL;
            if (user != NULL && (user->flags & IRC_IN) != 0)
                (void)add_word(&w, user->nick);
            left.at += one.bytes + (blank != NULL);
            left.bytes -= one.bytes + (blank != NULL);
        }
    }
    wf_irc_number(t, 303, ":%s", w.text);
}

void wf_irc_userhost(wf_irc_turn *t)
{
    words w = {.n = 0};
    for (uint32_t i = 0; i < t->message->parameters && i < 5; i++) {
        const wf_irc_user *user = wf_irc_find(t->net, t->message->parameter[i]);
        char word[IRC_NICK_BYTES + IRC_USER_BYTES + IRC_HOST_BYTES + 4];
        if (user == NULL || (user->flags & IRC_IN) == 0)
            continue;
        (void)snprintf(word, sizeof word, "%s%s=%c%s@%s", user->nick,
                       (user->flags & IRC_OPERATOR) != 0 ? "*" : "", is_away(user) ? '-' : '+',
                       user->name, user->host);
        (void)add_word(&w, word);
    }
    wf_irc_number(t, 302, ":%s", w.text);
}
