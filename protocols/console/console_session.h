/* SPDX-License-Identifier: MIT */
/* A session, as its files share it: what comes and what is said (console.c), what it waits for (console_wait.c), and
 * what is different over SSH (console_ssh.c). */
#ifndef WF_CONSOLE_SESSION_H
#define WF_CONSOLE_SESSION_H

#include <weft/telnet.h>

#include "console.h"

typedef enum wf_session_stage {
    WF_LINES,
    WF_USER,
    WF_PASSWORD,
    WF_COMMANDS,
    WF_JOINED, /* with a console elsewhere, or about to be */
} wf_session_stage;
/* What the last command still does, while no other one is begun. Lines of programs that wait for an answer are held
 * by their message instead. */
typedef enum wf_session_busy { WF_IDLE, WF_ASKING, WF_TAPPING } wf_session_busy;

typedef struct wf_session {
    weft_ref stream;
    wf_session_stage stage;
    wf_session_busy busy;
    weft_editor *editor; /* NULL: LINES */
    bool closing;
    bool ssh;    /* it is a channel, whose peer is known and which ends with a code */
    bool once;   /* and was asked for one command */
    bool failed; /* an answer was an error */
    bool marked; /* it has said hello: answers end with a mark */
    bool over;   /* its peer says no more: it leaves when what it said is done */
    bool full;   /* what was to be shown last found no room */
    unsigned logins;
    size_t used; /* of the message being served */
    weft_err (*answered)(const weft_outcome *got, wf_text *out, weft_why *why);
    weft_deferred waits; /* ASKING */
    weft_tap *tap;       /* TAPPING */
    weft_ref tapped;
    uint64_t seen;  /* of its messages, those lost included */
    uint32_t left;  /* to be shown; 0: until it is stopped */
    uint8_t *ahead; /* typed while it was busy; NULL: nothing */
    size_t ahead_n;
    weft_ref other; /* JOINED: the stream there */
    weft_console_reader reader;
    char user[WEFT_AUTH_USER_BYTES];
    weft_address peer; /* who logs in */
    size_t n;
    char line[WEFT_CONSOLE_LINE_BYTES_MAX + 1];
} wf_session;

/* ---- console.c */

void wf_console_say(weft_actor *self, wf_session *s, const char *at, size_t n);
/* The bell. */
void wf_console_ring(weft_actor *self, wf_session *s);
void wf_console_answer(weft_actor *self, wf_session *s, weft_err err, wf_text *out,
                       const weft_why *why);
/* An answer ends, if that is to be said: with @error, or NULL. */
void wf_console_mark(weft_actor *self, wf_session *s, const char *error);
/* A prompt, if there are people. */
void wf_console_begin(weft_actor *self, wf_session *s);
void wf_console_leave(weft_actor *self, wf_session *s);
/* It is for people from now on, whose terminal is so large; 0: not known. errors: ENOMEM, and it is lost. */
weft_err wf_console_edit(weft_actor *self, wf_session *s, uint16_t columns, uint16_t rows);
/* Runs a line. true: the answer comes later, and is for @msg to wait for. */
bool wf_console_line(weft_actor *self, weft_msg *msg, wf_session *s, char *line);
/* What a terminal sent, none of it part of a message that waits. */
void wf_console_feed(weft_actor *self, wf_session *s, const uint8_t *at, size_t n);

/* ---- console_ssh.c */

/* Begins as the channel was asked to. */
weft_err wf_console_ssh_begin(weft_actor *self, weft_msg *msg, wf_session *s);
weft_err wf_console_on_window(weft_actor *self, weft_msg *msg);
weft_err wf_console_on_signal(weft_actor *self, weft_msg *msg);

/* ---- console_join.c */

typedef struct wf_console_join_over {
    char nothing;
} wf_console_join_over;
extern const weft_type wf_console_join_over_type;

/* From now on it is for the console at the URL @to. */
void wf_console_join(weft_actor *self, wf_session *s, const char *to);
weft_err wf_console_join_opened(weft_actor *self, wf_session *s);
weft_err wf_console_on_join_over(weft_actor *self, weft_msg *msg);
/* What is typed here; what is said there; the window here. */
void wf_console_join_type(weft_actor *self, wf_session *s, const uint8_t *at, size_t n);
weft_err wf_console_join_hear(weft_actor *self, wf_session *s, weft_bytes bytes);
void wf_console_join_resize(weft_actor *self, wf_session *s, const weft_telnet_info *is);
/* The peer says no more: what it has said is done first, and what that shows is shown. */
weft_err wf_console_join_ended(weft_actor *self, wf_session *s);
weft_err wf_console_join_closed(weft_actor *self, wf_session *s, const weft_closed *closed);

/* ---- console_wait.c */

/* Keeps what is typed for later, as far as there is room: the bell rings. */
void wf_console_keep(weft_actor *self, wf_session *s, const uint8_t *at, size_t n);

/* The command @c goes on by itself, for people: an ask. */
void wf_console_wait(weft_actor *self, wf_session *s, const wf_command *c);
/* A tap has begun. */
void wf_console_show(weft_actor *self, wf_session *s, const wf_command *c);
weft_err wf_console_on_tapped(weft_actor *self, weft_msg *msg);
weft_err wf_console_on_down(weft_actor *self, weft_msg *msg);
weft_err wf_console_on_restarted(weft_actor *self, weft_msg *msg);
/* What comes while it is busy: Ctrl-C ends that, everything else waits. Returns how many bytes it took. */
size_t wf_console_ahead(weft_actor *self, wf_session *s, const uint8_t *at, size_t n);
void wf_console_wait_done(wf_session *s);

#endif
