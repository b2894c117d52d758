/* SPDX-License-Identifier: MIT */
/* What is sent: one line made once, for each kind of reader and each reactor.
 *
 * Streams of the network's own reactor are written to. What is for another reactor goes to its relay, single lines and
 * closes too, so that all of it stays in order; of a line to many each relay gets one message for each kind of
 * reader it has. */
#include "irc_server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct deliver {
    weft_bytes bytes;
    wf_irc_list *list; /* NULL: @one */
    weft_ref one;      /* or, with a list, who is left out */
    bool close;
} deliver;

static void deliver_share(void *body)
{
    deliver *d = body;
    if (d->list != NULL)
        d->list->holders++;
}

static void list_drop(wf_irc_list *list)
{
    if (list != NULL && --list->holders == 0)
        weft_alloc_free(list);
}

static void deliver_release(void *body)
{
    list_drop(((deliver *)body)->list);
}

static const weft_type deliver_type = {.name = "weft.irc_deliver",
                                       .size = sizeof(deliver),
                                       .bytes = 1 + (uint32_t)offsetof(deliver, bytes),
                                       .share = deliver_share,
                                       .release = deliver_release};

/* ---- the relay of another reactor */

static void relay_one(weft_actor *self, const deliver *d, weft_ref stream)
{
    weft_err err = wf_irc_write(self, stream, wf_irc_wire_of(self, stream), d->bytes);
    if (err != WEFT_OK && err != WEFT_EGONE)
        (void)weft_abort(self, stream, err == WEFT_EFULL ? WEFT_ELIMIT : err);
}

static weft_err on_deliver(weft_actor *self, weft_msg *msg)
{
    const deliver *d = weft_body(msg);
    if (d->close)
        (void)weft_close(self, d->one);
    else if (d->list == NULL)
        relay_one(self, d, d->one);
    for (uint32_t i = 0; d->list != NULL && i < d->list->n; i++)
        if (!weft_ref_same(d->list->stream[i], d->one))
            relay_one(self, d, d->list->stream[i]);
    return WEFT_OK;
}

/* It ends with its network, whose actor it is told of by name. */
static weft_err relay_started(weft_actor *self, weft_msg *msg)
{
    const weft_irc_config *config = weft_config(self);
    (void)msg;
    return weft_monitor(self, weft_lookup(self, config->actor != NULL ? config->actor : "irc"));
}

static weft_err relay_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler relay_rows[] = {
    {.type = &weft_started_type, .fn = relay_started},
    {.type = &deliver_type, .fn = on_deliver},
    {.type = &weft_down_type, .fn = relay_down},
    {0},
};
const weft_behaviour wf_irc_relay = {
    .name = "irc.relay", .handlers = relay_rows, .mailbox_max = 1U << 20};

/* ---- a line */

static void begin(wf_irc_fan *fan, weft_actor *self, wf_irc_net *net, const wf_irc_user *from,
                  const char *text)
{
    memset(fan, 0, offsetof(wf_irc_fan, text));
    memset(fan->made, 0, sizeof fan->made);
    fan->self = self;
    fan->net = net;
    fan->from = from;
    wf_irc_copy(fan->text, WEFT_IRC_LINE_BYTES_MAX + 1, weft_irc_text_of(text));
    fan->bytes = (uint32_t)strlen(fan->text);
    memcpy(fan->text + fan->bytes, "\r\n", 3);
    fan->bytes += 2;
}

void wf_irc_fan_init(wf_irc_fan *fan, weft_actor *self, wf_irc_net *net, const wf_irc_user *from,
                     const char *format, ...)
{
    char text[WEFT_IRC_LINE_BYTES_MAX + 512];
    va_list args;
    int n = from != NULL
                ? snprintf(text, sizeof text, ":%s!%s@%s ", from->nick, from->name, from->host)
                : snprintf(text, sizeof text, ":%s ", net->config.server);
    va_start(args, format);
    (void)vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    begin(fan, self, net, from, text);
}

static size_t put_time(const wf_irc_fan *fan, char *to, size_t room)
{
    uint64_t ns = weft_wall_ns(fan->self);
    time_t s = (time_t)(ns / 1000000000U);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    int n = snprintf(to, room, "time=%04d-%02d-%02dT%02d:%02d:%02d.%03uZ;", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                     (unsigned)(ns / 1000000U % 1000U));
    return (size_t)n;
}

/* "<key> ::= [ <client_prefix> ] [ <vendor> '/' ] <key_name>", of letters, digits and "-", a vendor's of dots too:
 * what is something else would mean something else to who gets it. */
static bool is_client_key(const char *at, size_t n)
{
    const char *slash = n > 1 ? memchr(at, '/', n) : NULL;
    if (n < 2 || at[0] != '+' || at[n - 1] == '/' || slash == at + 1)
        return false;
    for (const char *c = at + 1; c < at + n; c++) {
        bool vendor = slash != NULL && c < slash;
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        bool fits = letter || (*c >= '0' && *c <= '9') || *c == '-' || (vendor && *c == '.');
        if (!fits && c != slash)
            return false;
    }
    return true;
}

/* "Client-only tags are ... prefixed with a plus sign"; others that a client sends go nowhere. */
static size_t put_client_tags(const wf_irc_fan *fan, char *to)
{
    const char *at = fan->tags.at, *end = at + fan->tags.bytes;
    size_t n = 0;
    while (at < end) {
        const char *next = memchr(at, ';', (size_t)(end - at));
        size_t bytes = (size_t)((next != NULL ? next : end) - at);
        const char *equals = memchr(at, '=', bytes);
        if (is_client_key(at, equals != NULL ? (size_t)(equals - at) : bytes)) {
            memcpy(to + n, at, bytes);
            to[n + bytes] = ';';
            n += bytes + 1;
        }
        at += bytes + (next != NULL ? 1 : 0);
    }
    return n;
}

static size_t put_tags(const wf_irc_fan *fan, uint32_t kind, char *to, size_t room)
{
    size_t n = 1;
    to[0] = '@';
    if ((kind & IRC_SERVER_TIME) != 0)
        n += put_time(fan, to + n, room - n);
    if ((kind & IRC_ACCOUNT_TAG) != 0 && fan->from != NULL && fan->from->account != NULL) {
        n += (size_t)snprintf(to + n, room - n, "account=");
        n += weft_irc_tag_escape(fan->from->account, strlen(fan->from->account), to + n, room - n);
        to[n++] = ';';
    }
    if ((kind & IRC_MESSAGE_TAGS) != 0)
        n += put_client_tags(fan, to + n);
    if (n == 1)
        return 0;
    to[n - 1] = ' '; /* instead of the last ";" */
    return n;
}

/* The line as readers with @caps get it; borrowed. No bytes: memory is out. */
static weft_bytes line_for(wf_irc_fan *fan, uint32_t caps)
{
    char tags[WEFT_IRC_TAGS_BYTES_MAX + 1024];
    uint32_t kind = caps & IRC_TAGGED;
    uint8_t *to;
    if (fan->from == NULL || fan->from->account == NULL)
        kind &= ~(uint32_t)IRC_ACCOUNT_TAG;
    if (fan->tags.bytes == 0)
        kind &= ~(uint32_t)IRC_MESSAGE_TAGS;
    weft_bytes *made = &fan->made[kind];
    if (made->size != 0)
        return *made;
    size_t n = kind != 0 ? put_tags(fan, kind, tags, sizeof tags) : 0;
    if (weft_bytes_new(n + fan->bytes, &to, made) != WEFT_OK)
        return WEFT_NO_BYTES;
    if (n > 0)
        memcpy(to, tags, n);
    memcpy(to + n, fan->text, fan->bytes);
    return *made;
}

void wf_irc_fan_done(wf_irc_fan *fan)
{
    for (size_t i = 0; i < sizeof fan->made / sizeof *fan->made; i++)
        weft_bytes_drop(&fan->made[i]);
}

/* ---- to one, to many */

static wf_irc_wire wire_of(const wf_irc_user *user)
{
    return (user->flags & IRC_BINARY) != 0      ? WF_IRC_BINARY
           : (user->flags & IRC_WEBSOCKET) != 0 ? WF_IRC_TEXT
                                                : WF_IRC_LINES;
}

void wf_irc_fan_to(wf_irc_fan *fan, wf_irc_user *to)
{
    if ((to->flags & IRC_OVER) != 0)
        return;
    weft_bytes line = line_for(fan, to->caps);
    weft_err err = line.size == 0 ? WEFT_ENOMEM : WEFT_OK;
    if (err == WEFT_OK && to->reactor != fan->net->home)
        err = weft_tell(fan->self, fan->net->relay[to->reactor], deliver, .bytes = line,
                        .one = to->stream);
    else if (err == WEFT_OK)
        err = wf_irc_write(fan->self, to->stream, wire_of(to), line);
    if (err != WEFT_OK)
        wf_irc_doom(fan->self, fan->net, to);
}

static bool is_among(const wf_irc_user *user, uint32_t need, uint32_t without)
{
    return (user->caps & need) == need && (user->caps & without) == 0;
}

void wf_irc_lists_drop(wf_irc_channel *channel)
{
    for (uint32_t i = 0; channel->list != NULL && i < channel->lists; i++)
        list_drop(channel->list[i]);
    weft_alloc_free((void *)channel->list);
    channel->list = NULL;
    channel->lists = 0;
}

static wf_irc_list *list_of(const wf_irc_channel *channel, const wf_irc_user *user)
{
    for (uint32_t i = 0; channel->list != NULL && i < channel->lists; i++)
        if (channel->list[i]->reactor == user->reactor && channel->list[i]->caps == user->caps)
            return channel->list[i];
    return NULL;
}

/* Room for as many streams as there are members: lists live as long as nobody comes or goes. */
static wf_irc_list *list_new(wf_irc_channel *channel, const wf_irc_user *user)
{
    wf_irc_list **grown =
        weft_alloc_again((void *)channel->list, (channel->lists + 1) * sizeof(wf_irc_list *));
    if (grown == NULL)
        return NULL;
    channel->list = grown;
    wf_irc_list *list = weft_alloc_zero(sizeof *list + channel->members * sizeof(weft_ref));
    if (list == NULL)
        return NULL;
    list->holders = 1;
    list->reactor = user->reactor;
    list->caps = user->caps;
    return grown[channel->lists++] = list;
}

static weft_err make_lists(wf_irc_channel *channel)
{
    for (uint32_t i = 0; i < channel->members; i++) {
        const wf_irc_user *user = channel->member[i].user;
        if (user->reactor == channel->net->home)
            continue;
        wf_irc_list *list = list_of(channel, user);
        if (list == NULL)
            list = list_new(channel, user);
        if (list == NULL) {
            wf_irc_lists_drop(channel);
            return WEFT_ENOMEM;
        }
        list->stream[list->n++] = user->stream;
    }
    return WEFT_OK;
}

static void doom_list(wf_irc_fan *fan, const wf_irc_channel *channel, const wf_irc_list *list)
{
    for (uint32_t i = 0; i < channel->members; i++) {
        wf_irc_user *user = channel->member[i].user;
        if (user->reactor == list->reactor && user->caps == list->caps)
            wf_irc_doom(fan->self, fan->net, user);
    }
}

static void fan_elsewhere(wf_irc_fan *fan, wf_irc_channel *channel, uint32_t need, uint32_t without,
                          const wf_irc_user *except)
{
    weft_ref left_out = except != NULL ? except->stream : WEFT_NOBODY;
    for (uint32_t i = 0; channel->list != NULL && i < channel->lists; i++) {
        wf_irc_list *list = channel->list[i];
        if ((list->caps & need) != need || (list->caps & without) != 0)
            continue;
        weft_bytes line = line_for(fan, list->caps);
        if (line.size == 0 || weft_tell(fan->self, fan->net->relay[list->reactor], deliver,
                                        .bytes = line, .list = list, .one = left_out) != WEFT_OK)
            doom_list(fan, channel, list);
    }
}

void wf_irc_fan_channel(wf_irc_fan *fan, wf_irc_channel *channel, uint32_t need, uint32_t without,
                        const wf_irc_user *except)
{
    bool elsewhere = false;
    for (uint32_t i = 0; i < channel->members; i++) {
        wf_irc_user *user = channel->member[i].user;
        if (user->reactor != fan->net->home)
            elsewhere = true;
        else if (user != except && is_among(user, need, without))
            wf_irc_fan_to(fan, user);
    }
    if (!elsewhere)
        return;
    if (channel->list == NULL && make_lists(channel) != WEFT_OK) {
        /* one by one, then */
        for (uint32_t i = 0; i < channel->members; i++) {
            wf_irc_user *user = channel->member[i].user;
            if (user->reactor != fan->net->home && user != except && is_among(user, need, without))
                wf_irc_fan_to(fan, user);
        }
        return;
    }
    fan_elsewhere(fan, channel, need, without, except);
}

/* Whether @user is in one of the first @n channels of @about: has been told already. */
static bool is_in_earlier(const wf_irc_user *about, uint32_t n, const wf_irc_user *user)
{
    for (uint32_t i = 0; i < n; i++)
        if (wf_irc_member_of(about->place[i].channel, user) != NULL)
            return true;
    return false;
}

void wf_irc_fan_neighbours(wf_irc_fan *fan, const wf_irc_user *about, uint32_t need,
                           uint32_t without)
{
    for (uint32_t i = 0; i < about->places; i++) {
        wf_irc_channel *channel = about->place[i].channel;
        if (i == 0) {
            wf_irc_fan_channel(fan, channel, need, without, about);
            continue;
        }
        for (uint32_t j = 0; j < channel->members; j++) {
            wf_irc_user *user = channel->member[j].user;
            if (user != about && is_among(user, need, without) && !is_in_earlier(about, i, user))
                wf_irc_fan_to(fan, user);
        }
    }
}

/* ---- from the server */

static void say_text(weft_actor *self, wf_irc_net *net, wf_irc_user *to, const char *text)
{
    wf_irc_fan fan;
    wf_irc_fan_init(&fan, self, net, NULL, "%s", text);
    wf_irc_fan_to(&fan, to);
    wf_irc_fan_done(&fan);
}

void wf_irc_say(weft_actor *self, wf_irc_net *net, wf_irc_user *to, const char *format, ...)
{
    char text[WEFT_IRC_LINE_BYTES_MAX + 512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say_text(self, net, to, text);
}

void wf_irc_say_bare(weft_actor *self, wf_irc_net *net, wf_irc_user *to, const char *format, ...)
{
    char text[WEFT_IRC_LINE_BYTES_MAX + 512];
    wf_irc_fan fan;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    begin(&fan, self, net, NULL, text);
    wf_irc_fan_to(&fan, to);
    wf_irc_fan_done(&fan);
}

void wf_irc_number(const wf_irc_turn *t, unsigned number, const char *format, ...)
{
    char text[WEFT_IRC_LINE_BYTES_MAX + 512];
    const char *nick = t->user->nick[0] != '\0' ? t->user->nick : "*";
    int n = snprintf(text, sizeof text, "%03u %s ", number, nick);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    say_text(t->self, t->net, t->user, text);
}

void wf_irc_close(weft_actor *self, wf_irc_net *net, wf_irc_user *user)
{
    weft_err err = user->reactor == net->home ? weft_close(self, user->stream)
                                              : weft_tell(self, net->relay[user->reactor], deliver,
                                                          .one = user->stream, .close = true);
    if (err != WEFT_OK && err != WEFT_EGONE)
        (void)weft_abort(self, user->stream, WEFT_ELIMIT);
}
