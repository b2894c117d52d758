/* SPDX-License-Identifier: MIT */
/* What the terminal is sent so that it shows the line: whole, only what was added, or only the cursor. */
#include "editor.h"

#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "terminal_width.h"

void wf_editor_put(weft_editor *e, const char *at, size_t n)
{
    if (e->out_given) {
        e->out_n = 0;
        e->out_given = false;
    }
    if (n > e->out_room - e->out_n) {
        size_t room = 2 * (e->out_n + n) + 256;
        char *out = weft_alloc_again(e->out, room);
        if (out == NULL) {
            e->err = WEFT_ENOMEM;
            return;
        }
        e->out = out;
        e->out_room = room;
    }
    if (n > 0)
        memcpy(e->out + e->out_n, at, n);
    e->out_n += n;
}

void wf_editor_put_text(weft_editor *e, const char *text)
{
    wf_editor_put(e, text, strlen(text));
}

void wf_editor_put_safe(weft_editor *e, const char *text, size_t n)
{
    wf_keys keys = {0};
    uint32_t rune;
    char utf8[4];
    for (size_t i = 0; i < n;) {
        i += wf_keys_read(&keys, (const uint8_t *)text + i, n - i, &rune);
        if (rune == '\n')
            wf_editor_put(e, "\r\n", 2);
        else if (rune == '\t')
            wf_editor_put(e, "  ", 2);
        else if (wf_rune_prints(rune))
            wf_editor_put(e, utf8, wf_rune_write(rune, utf8));
    }
}

/* ---- where things stand */

static size_t columns_of(const weft_editor *e)
{
    return e->options.columns;
}

/* Puts a character of @width at @p: a row that has no room for it is full. Gives where it stands. */
static wf_place place_put(wf_place *p, unsigned width, size_t columns)
{
    if (p->column + width > columns)
        *p = (wf_place){p->row + 1, 0};
    wf_place at = *p;
    p->column += width;
    return at;
}

static void place_text(wf_place *p, const char *at, size_t n, size_t columns)
{
    uint32_t rune;
    for (size_t i = 0; i < n;) {
        i += wf_rune_read(at + i, n - i, &rune);
        (void)place_put(p, wf_rune_width(rune), columns);
    }
}

/* Where the cursor is before the byte @at of @line. */
static wf_place place_of(const weft_editor *e, const char *line, size_t n, size_t at)
{
    wf_place p = {0, 0};
    uint32_t rune;
    unsigned width = 1;
    place_text(&p, e->prompt, strlen(e->prompt), columns_of(e));
    if (!e->hidden) {
        place_text(&p, line, at, columns_of(e));
        if (at < n) {
            (void)wf_rune_read(line + at, n - at, &rune);
            width = wf_rune_width(rune);
        }
    }
    return place_put(&p, width, columns_of(e));
}

/* ---- drawing */

static void move_rows(weft_editor *e, size_t from, size_t to)
{
    char text[32];
    if (from == to)
        return;
    (void)snprintf(text, sizeof text, "\x1b[%zu%c", from < to ? to - from : from - to,
                   from < to ? 'B' : 'A');
    wf_editor_put_text(e, text);
}

static void move_to(weft_editor *e, wf_place from, wf_place to)
{
    char text[32];
    move_rows(e, from.row, to.row);
    if (from.row == to.row && from.column == to.column)
        return;
    wf_editor_put(e, "\r", 1);
    if (to.column == 0)
        return;
    (void)snprintf(text, sizeof text, "\x1b[%zuC", to.column);
    wf_editor_put_text(e, text);
}

void wf_editor_erase(weft_editor *e)
{
    if (!e->drawn)
        return;
    move_rows(e, e->cursor.row, 0);
    wf_editor_put_text(e, "\r\x1b[J");
    e->drawn = false;
}

/* Sends those characters of a text that stand in the rows from @top on that there are. */
static void put_rows(weft_editor *e, wf_place *p, const char *at, size_t n, size_t top)
{
    uint32_t rune;
    for (size_t i = 0; i < n;) {
        unsigned size = wf_rune_read(at + i, n - i, &rune);
        wf_place next = *p;
        size_t row = place_put(&next, wf_rune_width(rune), columns_of(e)).row;
        if (row >= top + e->options.rows)
            return;
        *p = next;
        if (row >= top)
            wf_editor_put(e, at + i, size);
        i += size;
    }
}

static void draw_whole(weft_editor *e, wf_place cursor)
{
    size_t n = e->hidden ? 0 : e->n;
    size_t top = cursor.row >= e->options.rows ? cursor.row - e->options.rows + 1 : 0;
    wf_place p = {0, 0};
    wf_editor_erase(e);
    put_rows(e, &p, e->prompt, strlen(e->prompt), top);
    put_rows(e, &p, e->line, n, top);
    /* behind a full row terminals differ in where the cursor is: it is sent to the next, if there is one */
    if (p.column == columns_of(e) && p.row + 1 < top + e->options.rows) {
        wf_editor_put(e, "\r\n", 2);
        p = (wf_place){p.row + 1, 0};
    }
    move_to(e, p, cursor);
    e->top = top;
}

/* Characters were added where the cursor was, at the end. */
static bool draw_more(weft_editor *e, wf_place cursor)
{
    uint32_t rune;
    if (e->n <= e->shown_n || e->shown_at != e->shown_n || e->at != e->n || e->top != 0 ||
        cursor.row >= e->options.rows || memcmp(e->line, e->shown, e->shown_n) != 0)
        return false;
    (void)wf_rune_read(e->line + e->shown_n, e->n - e->shown_n, &rune);
    if (wf_rune_width(rune) == 0)
        return false; /* it may have to stand on one in the row above */
    wf_editor_put(e, e->line + e->shown_n, e->n - e->shown_n);
    if (cursor.column == 0)
        wf_editor_put(e, "\r\n", 2);
    return true;
}

/* Only the cursor has moved. */
static bool draw_cursor(weft_editor *e, wf_place cursor)
{
    if (e->n != e->shown_n || memcmp(e->line, e->shown, e->n) != 0 || cursor.row < e->top ||
        cursor.row >= e->top + e->options.rows)
        return false;
    move_to(e, (wf_place){e->cursor.row + e->top, e->cursor.column}, cursor);
    return true;
}

void wf_editor_draw(weft_editor *e)
{
    wf_place cursor = place_of(e, e->line, e->n, e->at);
    if (!e->drawn || (!e->hidden && !draw_cursor(e, cursor) && !draw_more(e, cursor)))
        draw_whole(e, cursor);
    e->cursor = (wf_place){cursor.row - e->top, cursor.column};
    e->drawn = true;
    if (e->hidden)
        return;
    memcpy(e->shown, e->line, e->n);
    e->shown_n = e->n;
    e->shown_at = e->at;
}

void wf_editor_leave(weft_editor *e, const char *mark)
{
    e->at = e->n;
    wf_editor_draw(e);
    wf_editor_put_text(e, mark);
    wf_editor_put(e, "\r\n", 2);
    e->drawn = false;
}

/* ---- what others want shown, and where */

weft_err weft_editor_print(weft_editor *e, const char *text, size_t n)
{
    e->err = WEFT_OK;
    bool drawn = e->drawn;
    wf_editor_erase(e);
    wf_editor_put_safe(e, text, n);
    if (n > 0 && text[n - 1] != '\n' && drawn)
        wf_editor_put(e, "\r\n", 2);
    if (drawn)
        wf_editor_draw(e);
    return e->err;
}

weft_err weft_editor_resize(weft_editor *e, uint16_t columns, uint16_t rows)
{
    enum { COLUMNS_MIN = 8, COLUMNS_MAX = 4096 };
    uint16_t columns_were = e->options.columns, rows_were = e->options.rows;
    e->err = WEFT_OK;
    if (columns != 0)
        e->options.columns = columns < COLUMNS_MIN   ? COLUMNS_MIN
                             : columns > COLUMNS_MAX ? COLUMNS_MAX
                                                     : columns;
    if (rows != 0)
        e->options.rows = rows;
    if (!e->drawn || (e->options.columns == columns_were && e->options.rows == rows_were))
        return e->err;
    /* today's terminals have wrapped what they show anew: the cursor is where it would be drawn now */
    wf_place cursor = place_of(e, e->shown, e->shown_n, e->shown_at);
    e->cursor.row = cursor.row < e->options.rows ? cursor.row : e->options.rows - 1U;
    wf_editor_erase(e);
    wf_editor_draw(e);
    return e->err;
}

const char *weft_editor_output(weft_editor *e, size_t *n)
{
    *n = e->out_given ? 0 : e->out_n;
    e->out_given = true;
    return e->out;
}
