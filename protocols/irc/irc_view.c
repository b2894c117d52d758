/* SPDX-License-Identifier: MIT */
/* What an IRC client knows of its channels, from what it hears. */
#include "irc_client.h"

#include <string.h>

void wf_irc_take(char *to, size_t room, weft_irc_text text)
{
    size_t n = text.bytes < room ? text.bytes : room - 1;
    if (n > 0)
        memcpy(to, text.at, n);
    to[n] = '\0';
}

bool wf_irc_is_command(const weft_irc_message *m, const char *name)
{
    return weft_irc_same(WEFT_IRC_ASCII, m->command, weft_irc_text_of(name));
}

static bool same(const wf_irc_views *v, const char *name, weft_irc_text text)
{
    return weft_irc_same(v->support.map, weft_irc_text_of(name), text);
}

static weft_irc_text nick_of(weft_irc_text prefix)
{
    const char *bang = prefix.bytes > 0 ? memchr(prefix.at, '!', prefix.bytes) : NULL;
    return (weft_irc_text){prefix.at, bang != NULL ? (uint32_t)(bang - prefix.at) : prefix.bytes};
}

wf_irc_view *wf_irc_view_of(const wf_irc_views *v, weft_irc_text channel)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (same(v, v->view[i].name, channel))
            return &v->view[i];
    return NULL;
}

static wf_irc_seen *find(const wf_irc_views *v, const wf_irc_view *view, weft_irc_text nick)
{
    for (uint32_t i = 0; i < view->members; i++)
        if (same(v, view->member[i].nick, nick))
            return &view->member[i];
    return NULL;
}

static wf_irc_seen *add(wf_irc_views *v, wf_irc_view *view, weft_irc_text nick)
{
    wf_irc_seen *seen = find(v, view, nick);
    if (seen != NULL || nick.bytes == 0)
        return seen;
    if (view->members == v->members_max || nick.bytes >= sizeof seen->nick) {
        v->full = true;
        return NULL;
    }
    if (view->member == NULL || view->members == view->room) {
        uint32_t room = view->room != 0 ? view->room * 2 : 8;
        wf_irc_seen *grown = weft_alloc_again(view->member, room * sizeof *grown);
        if (grown == NULL) {
            v->full = true;
            return NULL;
        }
        view->member = grown;
        view->room = room;
    }
    seen = &view->member[view->members++];
    *seen = (wf_irc_seen){.op = false};
    wf_irc_take(seen->nick, sizeof seen->nick, nick);
    return seen;
}

static void drop_view(wf_irc_views *v, wf_irc_view *view)
{
    weft_alloc_free(view->member);
    *view = v->view[--v->n];
}

static void leave(wf_irc_views *v, weft_irc_text channel, weft_irc_text nick)
{
    wf_irc_view *view = wf_irc_view_of(v, channel);
    wf_irc_seen *seen = view != NULL ? find(v, view, nick) : NULL;
    if (view != NULL && same(v, v->nick, nick))
        drop_view(v, view);
    else if (seen != NULL)
        *seen = view->member[--view->members];
}

static void join(wf_irc_views *v, weft_irc_text channel, weft_irc_text nick)
{
    wf_irc_view *view = wf_irc_view_of(v, channel);
    if (view == NULL && same(v, v->nick, nick)) {
        wf_irc_view *grown = v->n < v->n_max && channel.bytes < sizeof view->name
                                 ? weft_alloc_again(v->view, (v->n + 1) * sizeof *grown)
                                 : NULL;
        v->full = v->full || grown == NULL;
        if (grown == NULL)
            return;
        v->view = grown;
        view = &grown[v->n++];
        *view = (wf_irc_view){.members = 0};
        wf_irc_take(view->name, sizeof view->name, channel);
    }
    if (view != NULL)
        (void)add(v, view, nick);
}

/* "[prefixes]nick" or, with userhost-in-names, "[prefixes]nick!user@host", blanks between. */
static void names(wf_irc_views *v, const weft_irc_message *m)
{
    wf_irc_view *view = m->parameters > 3 ? wf_irc_view_of(v, m->parameter[2]) : NULL;
    weft_irc_text left = view != NULL ? m->parameter[3] : (weft_irc_text){"", 0};
    while (left.bytes > 0) {
        const char *blank = memchr(left.at, ' ', left.bytes);
        weft_irc_text one = {left.at, blank != NULL ? (uint32_t)(blank - left.at) : left.bytes};
        uint32_t used = one.bytes + (blank != NULL);
        bool op = false, voice = false;
        char mode;
        while (one.bytes > 0 && (mode = wf_irc_support_mode_of(&v->support, one.at[0])) != '\0') {
            op = op || mode == 'o';
            voice = voice || mode == 'v';
            one.at++;
            one.bytes--;
        }
        wf_irc_seen *seen = add(v, view, nick_of(one));
        if (seen != NULL) {
            seen->op = op;
            seen->voice = voice;
        }
        left.at += used;
        left.bytes -= used;
    }
}

static void modes(const wf_irc_views *v, const weft_irc_message *m)
{
    wf_irc_view *view = wf_irc_view_of(v, m->parameter[0]);
    weft_irc_mode_reader reader = {.message = m, .at = 1};
    wf_irc_letters room;
    weft_irc_mode_kinds kinds = wf_irc_support_kinds(&v->support, &room);
    weft_irc_mode mode;
    while (view != NULL && weft_irc_mode_next(&reader, &kinds, &mode)) {
        wf_irc_seen *seen =
            mode.letter == 'o' || mode.letter == 'v' ? find(v, view, mode.parameter) : NULL;
        if (seen != NULL)
            *(mode.letter == 'o' ? &seen->op : &seen->voice) = mode.on;
    }
}

static void rename_everywhere(wf_irc_views *v, weft_irc_text from, weft_irc_text to)
{
    for (uint32_t i = 0; i < v->n; i++) {
        wf_irc_seen *seen = find(v, &v->view[i], from);
        if (seen != NULL)
            wf_irc_take(seen->nick, sizeof seen->nick, to);
    }
    if (same(v, v->nick, from))
        wf_irc_take(v->nick, sizeof v->nick, to);
}

static void topic(const wf_irc_views *v, weft_irc_text channel, weft_irc_text text)
{
    wf_irc_view *view = wf_irc_view_of(v, channel);
    if (view != NULL)
        wf_irc_take(view->topic, sizeof view->topic, text);
}

void wf_irc_views_hear(wf_irc_views *v, const weft_irc_message *m)
{
    weft_irc_text who = nick_of(m->prefix), none = {"", 0};
    uint32_t n = m->parameters;
    const weft_irc_text *p = m->parameter;
    if (wf_irc_is_command(m, "JOIN") && n > 0)
        join(v, p[0], who);
    else if (wf_irc_is_command(m, "PART") && n > 0)
        leave(v, p[0], who);
    else if (wf_irc_is_command(m, "KICK") && n > 1)
        leave(v, p[0], p[1]);
    else if (wf_irc_is_command(m, "QUIT"))
        for (uint32_t i = v->n; i > 0; i--)
            leave(v, weft_irc_text_of(v->view[i - 1].name), who);
    else if (wf_irc_is_command(m, "NICK") && n > 0)
        rename_everywhere(v, who, p[0]);
    else if (wf_irc_is_command(m, "MODE") && n > 1)
        modes(v, m);
    else if (wf_irc_is_command(m, "TOPIC") && n > 0)
        topic(v, p[0], n > 1 ? p[1] : none);
    else if (wf_irc_is_command(m, "332") && n > 2)
        topic(v, p[1], p[2]);
    else if (wf_irc_is_command(m, "353"))
        names(v, m);
    else if (wf_irc_is_command(m, "005"))
        wf_irc_support_hear(&v->support, m);
}

void wf_irc_views_clear(wf_irc_views *v)
{
    while (v->n > 0)
        drop_view(v, &v->view[v->n - 1]);
    weft_alloc_free(v->view);
    v->view = NULL;
}
