/* SPDX-License-Identifier: MIT */
/* Who is there: users by id and by nick, channels by name, nicks that were. */
#include "irc_server.h"

#include <string.h>

enum { FIRST_SIZE = 64 };

static uint32_t hash_of(weft_irc_text text)
{
    uint32_t h = 2166136261U;
    for (uint32_t i = 0; i < text.bytes; i++)
        h = (h ^ (uint8_t)weft_irc_fold(WEFT_IRC_ASCII, text.at[i])) * 16777619U;
    return h;
}

weft_err wf_irc_tables_init(wf_irc_net *net)
{
    net->nicks_size = net->table_size = FIRST_SIZE;
    net->nick = weft_alloc_zero(FIRST_SIZE * sizeof(wf_irc_user *));
    net->table = weft_alloc_zero(FIRST_SIZE * sizeof(wf_irc_channel *));
    net->was = weft_alloc_zero(net->config.whowas_max * sizeof(wf_irc_was));
    return net->nick != NULL && net->table != NULL && net->was != NULL ? WEFT_OK : WEFT_ENOMEM;
}

void wf_irc_tables_done(wf_irc_net *net)
{
    for (uint32_t i = 0; i < net->user_room; i++)
        if (net->user[i] != NULL)
            wf_irc_user_free(net, net->user[i]);
    weft_alloc_free((void *)net->user);
    weft_alloc_free(net->gen);
    weft_alloc_free(net->idle);
    weft_alloc_free((void *)net->nick);
    weft_alloc_free((void *)net->table);
    weft_alloc_free(net->was);
}

/* ---- users by id */

static weft_err grow_users(wf_irc_net *net)
{
    uint32_t room = net->user_room != 0 ? net->user_room * 2 : FIRST_SIZE;
    wf_irc_user **user = weft_alloc_again((void *)net->user, room * sizeof(wf_irc_user *));
    if (user == NULL)
        return WEFT_ENOMEM;
    net->user = user;
    uint32_t *gen = weft_alloc_again(net->gen, room * sizeof *gen);
    if (gen == NULL)
        return WEFT_ENOMEM;
    net->gen = gen;
    uint32_t *idle = weft_alloc_again(net->idle, room * sizeof *idle);
    if (idle == NULL)
        return WEFT_ENOMEM;
    net->idle = idle;
    for (uint32_t i = net->user_room; i < room; i++) {
        user[i] = NULL;
        weft_random(net->self, &gen[i],
                    sizeof gen[i]); /* another network's ids mean nothing here */
        idle[net->idles++] = room - 1 - (i - net->user_room);
    }
    net->user_room = room;
    return WEFT_OK;
}

weft_err wf_irc_user_new(wf_irc_net *net, wf_irc_user **out)
{
    if (net->users >= net->config.clients_max)
        return WEFT_ELIMIT;
    weft_err err = net->idles == 0 ? grow_users(net) : WEFT_OK;
    if (err != WEFT_OK)
        return err;
    wf_irc_user *user = weft_alloc_zero(sizeof *user);
    if (user == NULL)
        return WEFT_ENOMEM;
    user->id = net->idle[--net->idles];
    if (++net->gen[user->id] == 0)
        net->gen[user->id] = 1; /* 0 is nobody */
    user->gen = net->gen[user->id];
    net->user[user->id] = user;
    net->users++;
    *out = user;
    return WEFT_OK;
}

wf_irc_user *wf_irc_user_at(const wf_irc_net *net, uint32_t id, uint32_t gen)
{
    wf_irc_user *user = id < net->user_room ? net->user[id] : NULL;
    return user != NULL && user->gen == gen ? user : NULL;
}

static void unlink_nick(wf_irc_net *net, const wf_irc_user *user)
{
    if (user->nick[0] == '\0')
        return;
    wf_irc_user **at = &net->nick[hash_of(weft_irc_text_of(user->nick)) & (net->nicks_size - 1)];
    while (*at != NULL && *at != user)
        at = &(*at)->next;
    if (*at != NULL)
        *at = user->next;
}

void wf_irc_user_free(wf_irc_net *net, wf_irc_user *user)
{
    unlink_nick(net, user);
    if (user->rare != NULL)
        weft_alloc_free(user->rare->invited);
    weft_alloc_free(user->rare);
    weft_alloc_free(user->account);
    weft_alloc_free(user->real);
    weft_alloc_free(user->place);
    net->user[user->id] = NULL;
    net->idle[net->idles++] = user->id;
    net->users--;
    weft_alloc_free(user);
}

wf_irc_rare *wf_irc_rare_of(wf_irc_user *user)
{
    if (user->rare == NULL)
        user->rare = weft_alloc_zero(sizeof *user->rare);
    return user->rare;
}

/* ---- by name */

wf_irc_user *wf_irc_find(const wf_irc_net *net, weft_irc_text nick)
{
    wf_irc_user *user = net->nick[hash_of(nick) & (net->nicks_size - 1)];
    while (user != NULL && !weft_irc_same(WEFT_IRC_ASCII, weft_irc_text_of(user->nick), nick))
        user = user->next;
    return user;
}

/* A table that cannot grow is only slower. */
static void grow_nicks(wf_irc_net *net)
{
    uint32_t size = net->nicks_size * 2;
    wf_irc_user **table = weft_alloc_zero(size * sizeof(wf_irc_user *));
    if (table == NULL)
        return;
    for (uint32_t i = 0; i < net->nicks_size; i++) {
        for (wf_irc_user *user = net->nick[i], *next; user != NULL; user = next) {
            next = user->next;
            wf_irc_user **to = &table[hash_of(weft_irc_text_of(user->nick)) & (size - 1)];
            user->next = *to;
            *to = user;
        }
    }
    weft_alloc_free((void *)net->nick);
    net->nick = table;
    net->nicks_size = size;
}

void wf_irc_rename(wf_irc_net *net, wf_irc_user *user, weft_irc_text nick)
{
    unlink_nick(net, user);
    user->next = NULL;
    wf_irc_copy(user->nick, sizeof user->nick, nick);
    if (user->nick[0] == '\0')
        return;
    if (net->users > net->nicks_size)
        grow_nicks(net);
    wf_irc_user **to = &net->nick[hash_of(weft_irc_text_of(user->nick)) & (net->nicks_size - 1)];
    user->next = *to;
    *to = user;
}

wf_irc_channel *wf_irc_find_channel(const wf_irc_net *net, weft_irc_text name)
{
    wf_irc_channel *channel = net->table[hash_of(name) & (net->table_size - 1)];
    while (channel != NULL && !weft_irc_same(WEFT_IRC_ASCII, weft_irc_text_of(channel->name), name))
        channel = channel->next;
    return channel;
}

static void grow_table(wf_irc_net *net)
{
    uint32_t size = net->table_size * 2;
    wf_irc_channel **table = weft_alloc_zero(size * sizeof(wf_irc_channel *));
    if (table == NULL)
        return;
    for (uint32_t i = 0; i < net->table_size; i++) {
        for (wf_irc_channel *channel = net->table[i], *next; channel != NULL; channel = next) {
            next = channel->next;
            wf_irc_channel **to = &table[hash_of(weft_irc_text_of(channel->name)) & (size - 1)];
            channel->next = *to;
            *to = channel;
        }
    }
    weft_alloc_free((void *)net->table);
    net->table = table;
    net->table_size = size;
}

void wf_irc_channel_put(wf_irc_net *net, wf_irc_channel *channel)
{
    if (net->channels++ >= net->table_size)
        grow_table(net);
    wf_irc_channel **to =
        &net->table[hash_of(weft_irc_text_of(channel->name)) & (net->table_size - 1)];
    channel->next = *to;
    *to = channel;
}

void wf_irc_channel_take(wf_irc_net *net, wf_irc_channel *channel)
{
    wf_irc_channel **at =
        &net->table[hash_of(weft_irc_text_of(channel->name)) & (net->table_size - 1)];
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    net->channels--;
    channel->off_table = true;
}

/* ---- what was, and texts */

void wf_irc_remember(wf_irc_net *net, const wf_irc_user *user)
{
    wf_irc_was *was = &net->was[net->was_at];
    memcpy(was->nick, user->nick, sizeof was->nick);
    memcpy(was->name, user->name, sizeof was->name);
    memcpy(was->host, user->host, sizeof was->host);
    wf_irc_copy(was->real, sizeof was->real, weft_irc_text_of(user->real));
    net->was_at = (net->was_at + 1) % net->config.whowas_max;
    if (net->was_n < net->config.whowas_max)
        net->was_n++;
}

void wf_irc_copy(char *to, size_t room, weft_irc_text text)
{
    size_t n = text.bytes < room ? text.bytes : room - 1;
    while (n > 0 && n < text.bytes && ((uint8_t)text.at[n] & 0xc0) == 0x80)
        n--;
    if (n > 0)
        memcpy(to, text.at, n);
    to[n] = '\0';
}
