/* SPDX-License-Identifier: MIT */
/* What the parts of an IRC client share: irc_client.c is its life, irc_view.c what it knows of its channels. */
#ifndef WF_IRC_CLIENT_H
#define WF_IRC_CLIENT_H

#include <weft/edge.h>
#include <weft/irc.h>

enum { IRC_VIEW_NICK_BYTES = 64, IRC_VIEW_NAME_BYTES = 64, IRC_VIEW_TOPIC_BYTES = 512 };

typedef struct wf_irc_seen {
    char nick[IRC_VIEW_NICK_BYTES];
    bool op, voice;
} wf_irc_seen;

/* A channel that the client is in. */
typedef struct wf_irc_view {
    char name[IRC_VIEW_NAME_BYTES], topic[IRC_VIEW_TOPIC_BYTES];
    wf_irc_seen *member;
    uint32_t members, room;
} wf_irc_view;

typedef struct wf_irc_views {
    wf_irc_view *view;
    uint32_t n, n_max, members_max;
    char nick[IRC_VIEW_NICK_BYTES]; /* the client's own */
    bool full;                      /* something was not kept for a limit or want of memory */
} wf_irc_views;

wf_irc_view *wf_irc_view_of(const wf_irc_views *v, weft_irc_text channel);
/* Takes notice of a message. */
void wf_irc_views_hear(wf_irc_views *v, const weft_irc_message *m);
void wf_irc_views_clear(wf_irc_views *v);
bool wf_irc_is_command(const weft_irc_message *m, const char *name);
/* Copies @text, cut at @room - 1 bytes. */
void wf_irc_take(char *to, size_t room, weft_irc_text text);

#endif
