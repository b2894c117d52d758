/* SPDX-License-Identifier: MIT */
/* The life of a line: begun, fed with keys, ended. */
#include "editor.h"

#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "terminal_width.h"

enum { LINE_BYTES_MAX = 4096, HISTORY_MAX = 200, COLUMNS = 80, ROWS = 24 };
enum { CTRL_C = 3, CTRL_D = 4 };

static void wipe(void *at, size_t n)
{
    explicit_bzero(at, n);
}

weft_editor *weft_editor_new(const weft_editor_options *options)
{
    static const weft_editor_options defaults = {0};
    weft_editor *e = weft_alloc_zero(sizeof *e);
    if (e == NULL)
        return NULL;
    e->options = options != NULL ? *options : defaults;
    if (e->options.line_bytes_max == 0)
        e->options.line_bytes_max = LINE_BYTES_MAX;
    if (e->options.history_max == 0)
        e->options.history_max = HISTORY_MAX;
    uint16_t columns = e->options.columns, rows = e->options.rows;
    (void)!weft_editor_resize(e, columns != 0 ? columns : COLUMNS, rows != 0 ? rows : ROWS);
    e->line = weft_alloc_zero(e->options.line_bytes_max + 1U);
    e->killed = weft_alloc_zero(e->options.line_bytes_max + 1U);
    e->shown = weft_alloc_zero(e->options.line_bytes_max + 1U);
    e->history = weft_alloc_zero(e->options.history_max * sizeof *e->history);
    if (e->line == NULL || e->killed == NULL || e->shown == NULL || e->history == NULL)
        weft_editor_free(&e);
    return e;
}

void weft_editor_free(weft_editor **editor)
{
    weft_editor *e = *editor;
    *editor = NULL;
    if (e == NULL)
        return;
    if (e->line != NULL)
        wipe(e->line, e->options.line_bytes_max);
    if (e->history != NULL)
        wf_editor_history_done(e);
    weft_alloc_free(e->line);
    weft_alloc_free(e->killed);
    weft_alloc_free(e->shown);
    weft_alloc_free(e->out);
    weft_alloc_free(e);
}

/* A prompt is shown as it is: nothing in it may move the cursor, and it ends with a whole character. */
static void set_prompt(weft_editor *e, const char *prompt)
{
    wf_keys keys = {0};
    size_t n = 0;
    uint32_t rune;
    for (size_t i = 0, end = strlen(prompt); i < end && n + 4 < sizeof e->prompt;) {
        i += wf_keys_read(&keys, (const uint8_t *)prompt + i, end - i, &rune);
        if (wf_rune_prints(rune))
            n += wf_rune_write(rune, e->prompt + n);
    }
    e->prompt[n] = '\0';
}

void weft_editor_begin(weft_editor *e, const char *prompt, bool hidden)
{
    wipe(e->line, e->options.line_bytes_max);
    e->n = e->at = e->shown_n = e->shown_at = 0;
    e->history_at = e->history_n;
    e->hidden = hidden;
    e->active = true;
    e->listed = e->killing = e->drawn = e->pasting = false;
    set_prompt(e, prompt);
    e->err = WEFT_OK;
    wf_editor_put_text(e, "\x1b[?2004h");
    wf_editor_draw(e);
}

const char *weft_editor_line(const weft_editor *e)
{
    return e->line;
}

/* ---- keys */

static weft_editor_event end_with(weft_editor *e, weft_editor_event event, const char *mark)
{
    wf_editor_leave(e, mark);
    wf_editor_put_text(e, "\x1b[?2004l");
    e->active = false;
    return event;
}

static weft_editor_event on_enter(weft_editor *e)
{
    weft_editor_event event = end_with(e, WEFT_EDITOR_LINE, "");
    if (!e->hidden) {
        weft_err err = weft_editor_remember(e, e->line);
        e->err = e->err == WEFT_OK ? err : e->err;
    }
    return event;
}

/* What is pasted is text, whatever it looks like. */
static void on_pasted(weft_editor *e, uint32_t key)
{
    char utf8[4];
    if (key == WF_KEY_PASTE_END)
        e->pasting = false;
    else if (key == '\r' || key == '\n' || key == '\t')
        wf_editor_insert(e, " ", 1);
    else if (wf_rune_prints(key))
        wf_editor_insert(e, utf8, wf_rune_write(key, utf8));
}

static weft_editor_event on_key(weft_editor *e, uint32_t key)
{
    bool after_cr = e->after_cr;
    e->after_cr = key == '\r';
    if (key == '\n' && after_cr)
        return WEFT_EDITOR_NOTHING;
    if (e->pasting) {
        on_pasted(e, key);
        return WEFT_EDITOR_NOTHING;
    }
    if (key != '\t')
        e->listed = false;
    switch (key) {
    case '\r':
    case '\n':
        return on_enter(e);
    case CTRL_C:
        return end_with(e, WEFT_EDITOR_INTERRUPT, "^C");
    case CTRL_D:
        if (e->n == 0)
            return end_with(e, WEFT_EDITOR_END, "");
        break;
    case '\t':
        if (e->hidden)
            return WEFT_EDITOR_NOTHING;
        e->killing = false;
        if (e->options.complete != NULL)
            wf_editor_complete(e);
        else
            wf_editor_insert(e, " ", 1);
        return WEFT_EDITOR_NOTHING;
    case WF_KEY_PASTE:
        e->pasting = true;
        return WEFT_EDITOR_NOTHING;
    default:
        break;
    }
    wf_editor_edit(e, key);
    return WEFT_EDITOR_NOTHING;
}

weft_err weft_editor_feed(weft_editor *e, const uint8_t *at, size_t n, size_t *used,
                          weft_editor_event *event)
{
    size_t i = 0;
    *event = WEFT_EDITOR_NOTHING;
    e->err = WEFT_OK;
    while (e->active && i < n && *event == WEFT_EDITOR_NOTHING) {
        uint32_t key;
        i += wf_keys_read(&e->keys, at + i, n - i, &key);
        if (key != WF_KEY_NONE)
            *event = on_key(e, key);
    }
    if (e->active)
        wf_editor_draw(e);
    *used = i;
    return e->err;
}
