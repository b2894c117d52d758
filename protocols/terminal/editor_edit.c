/* SPDX-License-Identifier: MIT */
/* What keys do to the line. */
#include "editor.h"

#include <string.h>

#include "terminal_width.h"

#define CTRL(letter) ((letter) - 'A' + 1)

void wf_editor_insert(weft_editor *e, const char *at, size_t n)
{
    if (n > e->options.line_bytes_max - e->n) {
        wf_editor_put(e, "\a", 1);
        return;
    }
    memmove(e->line + e->at + n, e->line + e->at, e->n - e->at + 1);
    memcpy(e->line + e->at, at, n);
    e->n += n;
    e->at += n;
}

void wf_editor_cut(weft_editor *e, size_t from, size_t to)
{
    memmove(e->line + from, e->line + to, e->n - to + 1);
    e->n -= to - from;
    e->at = from;
}

void wf_editor_set(weft_editor *e, const char *line)
{
    size_t n = strlen(line);
    n = n < e->options.line_bytes_max ? n : e->options.line_bytes_max;
    memcpy(e->line, line, n);
    e->line[n] = '\0';
    e->n = e->at = n;
}

/* ---- where to: marks go with the character they stand on */

static size_t next(const weft_editor *e, size_t at)
{
    uint32_t rune;
    if (at < e->n)
        at += wf_rune_read(e->line + at, e->n - at, &rune);
    while (at < e->n) {
        unsigned size = wf_rune_read(e->line + at, e->n - at, &rune);
        if (wf_rune_width(rune) != 0)
            break;
        at += size;
    }
    return at;
}

static size_t previous(const weft_editor *e, size_t at)
{
    uint32_t rune;
    while (at > 0) {
        do
            at--;
        while (at > 0 && ((uint8_t)e->line[at] & 0xc0U) == 0x80);
        (void)wf_rune_read(e->line + at, e->n - at, &rune);
        if (wf_rune_width(rune) != 0)
            break;
    }
    return at;
}

static bool is_word(const weft_editor *e, size_t at)
{
    char c = e->line[at];
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (uint8_t)c >= 0x80;
}

static size_t word_left(const weft_editor *e)
{
    size_t at = e->at;
    while (at > 0 && !is_word(e, previous(e, at)))
        at = previous(e, at);
    while (at > 0 && is_word(e, previous(e, at)))
        at = previous(e, at);
    return at;
}

static size_t word_right(const weft_editor *e)
{
    size_t at = e->at;
    while (at < e->n && !is_word(e, at))
        at = next(e, at);
    while (at < e->n && is_word(e, at))
        at = next(e, at);
    return at;
}

/* To where the blank stands that is before the word. */
static size_t blank_left(const weft_editor *e)
{
    size_t at = e->at;
    while (at > 0 && e->line[at - 1] == ' ')
        at--;
    while (at > 0 && e->line[at - 1] != ' ')
        at--;
    return at;
}

/* ---- killing */

/* What is killed next to what the last key killed goes before or behind it. */
static void kill(weft_editor *e, size_t from, size_t to, bool again)
{
    size_t n = to - from, before = again ? e->killed_n : 0;
    if (before + n > e->options.line_bytes_max)
        before = 0;
    if (from < e->at) { /* backwards */
        memmove(e->killed + n, e->killed, before);
        memcpy(e->killed, e->line + from, n);
    } else
        memcpy(e->killed + before, e->line + from, n);
    e->killed_n = before + n;
    e->killing = true;
    wf_editor_cut(e, from, to);
}

/* The two characters around the cursor change places. */
static void transpose(weft_editor *e)
{
    char first[64];
    size_t middle = e->at == e->n ? previous(e, e->at) : e->at;
    size_t from = previous(e, middle), to = next(e, middle), n = middle - from;
    if (n == 0 || n > sizeof first || to == middle)
        return;
    memcpy(first, e->line + from, n);
    memmove(e->line + from, e->line + middle, to - middle);
    memcpy(e->line + from + (to - middle), first, n);
    e->at = to;
}

static void insert_rune(weft_editor *e, uint32_t rune)
{
    char utf8[4];
    if (wf_rune_prints(rune))
        wf_editor_insert(e, utf8, wf_rune_write(rune, utf8));
}

static void clear(weft_editor *e)
{
    wf_editor_put_text(e, "\x1b[H\x1b[2J");
    e->drawn = false;
}

/* ---- keys */

typedef size_t target_fn(const weft_editor *e);

static size_t line_start(const weft_editor *e)
{
    (void)e;
    return 0;
}

static size_t line_end(const weft_editor *e)
{
    return e->n;
}

static size_t character_left(const weft_editor *e)
{
    return previous(e, e->at);
}

static size_t character_right(const weft_editor *e)
{
    return next(e, e->at);
}

/* What is done with what lies between the cursor and the target. */
enum { MOVE, CUT, KILL };

/* clang-format off */
static const struct {
    uint32_t key;
    int what;
    target_fn *target;
} spans[] = {
    {CTRL('A'), MOVE, line_start},        {WF_KEY_HOME, MOVE, line_start},
    {CTRL('E'), MOVE, line_end},          {WF_KEY_END, MOVE, line_end},
    {CTRL('B'), MOVE, character_left},    {WF_KEY_LEFT, MOVE, character_left},
    {CTRL('F'), MOVE, character_right},   {WF_KEY_RIGHT, MOVE, character_right},
    {WF_KEY_WORD_LEFT, MOVE, word_left},  {WF_KEY_WORD_RIGHT, MOVE, word_right},
    {CTRL('H'), CUT, character_left},     {0x7f, CUT, character_left},
    {CTRL('D'), CUT, character_right},    {WF_KEY_DELETE, CUT, character_right},
    {CTRL('U'), KILL, line_start},        {CTRL('K'), KILL, line_end},
    {CTRL('W'), KILL, blank_left},        {WF_KEY_KILL_WORD_BACK, KILL, word_left},
    {WF_KEY_KILL_WORD, KILL, word_right},
};
/* clang-format on */

static bool edit_span(weft_editor *e, uint32_t key, bool again)
{
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        if (spans[i].key != key)
            continue;
        size_t target = spans[i].target(e);
        size_t from = target < e->at ? target : e->at, to = target < e->at ? e->at : target;
        if (spans[i].what == MOVE)
            e->at = target;
        else if (spans[i].what == CUT || e->hidden) /* secrets are not kept */
            wf_editor_cut(e, from, to);
        else
            kill(e, from, to, again);
        return true;
    }
    return false;
}

void wf_editor_edit(weft_editor *e, uint32_t key)
{
    bool again = e->killing;
    e->killing = false;
    if (edit_span(e, key, again))
        return;
    switch (key) {
    case CTRL('P'):
    case WF_KEY_UP:
        (void)wf_editor_recall(e, -1);
        break;
    case CTRL('N'):
    case WF_KEY_DOWN:
        (void)wf_editor_recall(e, 1);
        break;
    case CTRL('Y'):
        wf_editor_insert(e, e->killed, e->killed_n);
        break;
    case CTRL('T'):
        transpose(e);
        break;
    case CTRL('L'):
        clear(e);
        break;
    default:
        insert_rune(e, key);
    }
}
