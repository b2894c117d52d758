/* SPDX-License-Identifier: MIT */
/* The console's parts: a session (console.c, console_ssh.c, console_wait.c), which commands there are and what they do
 * (console_verbs.c), how actors are looked at (console_list.c, console_actors.c, console_tree.c; of another node
 * console_node.c) and told something (console_messages.c), how an answer is written (console_text.c). */
#ifndef WF_CONSOLE_H
#define WF_CONSOLE_H

#include <weft/auth.h>
#include <weft/console.h>
#include <weft/editor.h>
#include <weft/operate.h>
#include <weft/supervisor.h>

/* ---- an answer */

/* Text that grows up to WEFT_CONSOLE_ANSWER_BYTES_MAX; {0} is none. */
typedef struct wf_text {
    char *at;
    size_t n, room;
    bool cut; /* more was to be said than there is room for */
} wf_text;

void wf_text_put(wf_text *t, const char *format, ...) WEFT_PRINTF(2, 3);
/* Adds @n bytes of text at @at. */
void wf_text_put_bytes(wf_text *t, const void *at, size_t n);
/* Says that it was cut, if it was. */
void wf_text_end(wf_text *t);
void wf_text_free(wf_text *t);

/* ---- actors */

/* Actors as they were a moment ago, those of a reactor next to each other in the order of their slots. */
typedef struct wf_actor_row {
    weft_actor_stats stats;
    char name[WEFT_NAME_BYTES];
    uint32_t child, sibling; /* 1 + a row; 0: none (console_tree.c) */
    bool below;              /* it is somebody's child */
} wf_actor_row;

typedef struct wf_actors {
    wf_actor_row *row;
    size_t n;
    bool more; /* WEFT_CONSOLE_ACTORS_MAX was met */
} wf_actors;

/* errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_actors_look(weft_system *sys, wf_actors *out);
void wf_actors_free(wf_actors *a);
/* The row of @who; NULL: it is not there. */
wf_actor_row *wf_actors_find(const wf_actors *a, weft_ref who);
/* Whoever "name", "<0.1.2>" or "0.1.2" stands for. errors: ENOTFOUND, with a sentence. */
WEFT_MUST_USE weft_err wf_actors_named(weft_system *sys, const char *text, weft_ref *out,
                                       weft_why *why);
/* The tree of all, or of what is below @from (1 + a row). */
void wf_actors_put_tree(wf_actors *a, uint32_t from, wf_text *out);

/* ---- commands */

enum { WF_CONSOLE_WORDS_MAX = 8 };

typedef struct wf_command {
    weft_actor *self;
    weft_system *sys;
    weft_ref stream;                            /* of the session */
    const char *user;                           /* who is there; "" or NULL: it was not asked */
    const char *word[WF_CONSOLE_WORDS_MAX + 1]; /* the verb first; ends in NULL */
    size_t n;
    char *rest; /* of a verb that takes fields or a command: what stands behind its words */
    wf_text *out;
    weft_why *why;
    /* What the session is to do when the answer is out. */
    bool quit, console, hello;
    bool looks; /* only commands that change nothing are run, and answer at once */
    /* The answer comes later: an ask that its owner waits for, and what writes it down. */
    weft_deferred waits;
    bool waiting;
    weft_err (*answered)(const weft_outcome *got, wf_text *out, weft_why *why);
    /* A tap has begun, of @count messages; 0: until it is stopped. */
    weft_tap *tap;
    weft_ref tapped;
    uint32_t count;
} wf_command;

/* What completes the words behind a verb. */
typedef enum wf_console_takes {
    WF_TAKES_NOTHING,
    WF_TAKES_ACTORS,
    WF_TAKES_TYPES,   /* an actor, then a type that it serves */
    WF_TAKES_COMMAND, /* a node, then a command that changes nothing */
    WF_TAKES_LEVELS,
    WF_TAKES_VERBS,
} wf_console_takes;
wf_console_takes wf_console_takes_of(const char *verb);
/* The name of the @i-th verb; NULL: there are no more. */
const char *wf_console_verb(size_t i);
/* Whether the @i-th verb may be run for another node. */
bool wf_console_verb_looks(size_t i);

/* Runs the command that @line is; cuts it into words. errors: those of the command, with a sentence. */
WEFT_MUST_USE weft_err wf_console_run(wf_command *c, char *line);

/* Whose wish a command is, for the log: "the wish of ann", or "the operator's wish". */
enum { WF_CONSOLE_WISH_BYTES = WEFT_AUTH_USER_BYTES + 16 };
const char *wf_console_wish(const wf_command *c, char text[WF_CONSOLE_WISH_BYTES]);

/* Has what stands behind the second word run on the node that is named there. */
weft_err wf_console_look_at(wf_command *c);

/* ---- commands that look (console_list.c): each answers at once and changes nothing */

weft_err wf_console_ps(wf_command *c);
weft_err wf_console_top(wf_command *c);
weft_err wf_console_tree(wf_command *c);
weft_err wf_console_names(wf_command *c);
weft_err wf_console_reactors(wf_command *c);

/* ---- telling actors something (console_messages.c) */

weft_err wf_console_tell(wf_command *c);
weft_err wf_console_ask(wf_command *c);
weft_err wf_console_tap(wf_command *c);
weft_err wf_console_suspend(wf_command *c);
weft_err wf_console_resume(wf_command *c);
weft_err wf_console_kill(wf_command *c);
/* Says why @who could not be had do it; @err, which is none of WEFT_OK. */
weft_err wf_console_not_done(wf_command *c, weft_ref who, weft_err err);
/* Completes the types that actor @who, as it is written, serves. */
void wf_console_complete_types(weft_system *sys, const char *who, weft_completion *to);
/* Completes the fields of the type of that actor that @type stands for, and their values: @n bytes of them are at
 * @text, which begins at byte @from of the line. */
void wf_console_complete_fields(weft_system *sys, const char *who, const char *type,
                                const char *text, size_t n, size_t from, weft_completion *to);

/* What may stand where the cursor is; @context is the weft_system. */
void wf_console_complete(void *context, const char *line, size_t at, weft_completion *to);

#endif
