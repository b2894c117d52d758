/* SPDX-License-Identifier: MIT */
/* The line editor's parts.
 *
 *   bytes ──▶ keys ──▶ edits of the line ──▶ one drawing for all that was fed ──▶ bytes
 *                        ▲ history, completions
 *
 * The drawing is what the line takes on the terminal: prompt and line, wrapped where a row is full, and of
 * that the rows around the cursor that fit. Between two drawings the cursor stands where the last left it. */
#ifndef WF_EDITOR_H
#define WF_EDITOR_H

#include <weft/editor.h>

#include "terminal_keys.h"

/* A place in the drawing. */
typedef struct wf_place {
    size_t row, column;
} wf_place;

struct weft_editor {
    weft_editor_options options;
    char prompt[WEFT_PROMPT_BYTES];
    bool active, hidden;
    bool after_cr; /* a "\n" now belongs to the "\r" before it */
    bool pasting;
    bool listed; /* the last key was a Tab that could not go on: the next one lists */
    wf_keys keys;

    char *line; /* line_bytes_max + 1 bytes, as the next two */
    size_t n, at;
    char *killed;
    size_t killed_n;
    bool killing; /* the last key killed: the next one adds to it */

    char *shown; /* the line as it was drawn */
    size_t shown_n, shown_at;
    bool drawn;
    wf_place cursor; /* from the first row that is drawn */
    size_t top;      /* rows above that one, which did not fit */

    char **history;               /* history_max, the oldest first */
    size_t history_n, history_at; /* history_at == history_n: the line that is new */
    char *draft;                  /* that line, while another one is looked at */

    char *out;
    size_t out_n, out_room;
    bool out_given; /* it is thrown away at the next call */
    weft_err err;   /* of the call under way */
};

/* ---- edits (editor_edit.c) */

void wf_editor_insert(weft_editor *e, const char *at, size_t n);
/* Takes the bytes from @from to @to out. */
void wf_editor_cut(weft_editor *e, size_t from, size_t to);
void wf_editor_set(weft_editor *e, const char *line);
/* What @key does to the line. */
void wf_editor_edit(weft_editor *e, uint32_t key);

/* ---- history (editor_history.c) */

/* One back (-1) or on (1). false: there is none. */
bool wf_editor_recall(weft_editor *e, int step);
void wf_editor_history_done(weft_editor *e);

/* ---- completion (editor_complete.c) */

void wf_editor_complete(weft_editor *e);

/* ---- the terminal (editor_draw.c) */

/* Draws the line as it is. */
void wf_editor_draw(weft_editor *e);
/* Takes the drawing off the terminal; the cursor stands where it began. */
void wf_editor_erase(weft_editor *e);
/* Leaves the drawing as it is, with @mark behind it, and goes to the row below it. */
void wf_editor_leave(weft_editor *e, const char *mark);
/* Sends @n bytes; what there is no memory for makes e->err ENOMEM. */
void wf_editor_put(weft_editor *e, const char *at, size_t n);
void wf_editor_put_text(weft_editor *e, const char *text);
/* Text of others: "\n" ends a line, controls are left out. */
void wf_editor_put_safe(weft_editor *e, const char *text, size_t n);

#endif
