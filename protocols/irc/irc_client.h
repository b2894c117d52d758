/* SPDX-License-Identifier: MIT */
/* What the parts of an IRC client share: irc_client.c is its life, irc_view.c what it knows of its
 * channels, irc_support.c what it knows of its server. */
#ifndef WF_IRC_CLIENT_H
#define WF_IRC_CLIENT_H

#include <weft/edge.h>
#include <weft/irc.h>

enum {
    IRC_VIEW_NICK_BYTES = 64, /* the final zero included, as in all of these */
    IRC_VIEW_NAME_BYTES = 65,
    IRC_VIEW_TOPIC_BYTES = 512,
    IRC_SUPPORT_LETTERS = 64, /* all there are, and some */
    IRC_SUPPORT_PREFIXES = 17
};

/* What a server says of itself (RPL_ISUPPORT; modern.ircdocs.horse, "RPL_ISUPPORT parameters"). */
typedef struct wf_irc_support {
    weft_irc_casemapping map;
    char list[IRC_SUPPORT_LETTERS], always[IRC_SUPPORT_LETTERS];  /* CHANMODES: A, B, */
    char setting[IRC_SUPPORT_LETTERS], flag[IRC_SUPPORT_LETTERS]; /* C, D */
    char prefix[IRC_SUPPORT_PREFIXES], symbol[IRC_SUPPORT_PREFIXES];
} wf_irc_support;

/* Where the letters of B and of the prefixes stand together. */
typedef struct wf_irc_letters {
    char at[IRC_SUPPORT_LETTERS + IRC_SUPPORT_PREFIXES];
} wf_irc_letters;

/* As it is before anything was said. */
void wf_irc_support_reset(wf_irc_support *s);
/* Takes notice of a 005. What is longer than is kept is cut. */
void wf_irc_support_hear(wf_irc_support *s, const weft_irc_message *m);
/* For weft_irc_mode_next; borrows from both. */
weft_irc_mode_kinds wf_irc_support_kinds(const wf_irc_support *s, wf_irc_letters *room);
/* The mode whose sign @symbol is; zero: of none. */
char wf_irc_support_mode_of(const wf_irc_support *s, char symbol);

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
    wf_irc_support support;
    bool full; /* something was not kept for a limit or want of memory */
} wf_irc_views;

wf_irc_view *wf_irc_view_of(const wf_irc_views *v, weft_irc_text channel);
/* Takes notice of a message. */
void wf_irc_views_hear(wf_irc_views *v, const weft_irc_message *m);
void wf_irc_views_clear(wf_irc_views *v);
bool wf_irc_is_command(const weft_irc_message *m, const char *name);
/* Copies @text, cut at @room - 1 bytes. */
void wf_irc_take(char *to, size_t room, weft_irc_text text);

#endif
