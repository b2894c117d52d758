/* SPDX-License-Identifier: MIT */
/* Tab: what all candidates have in common is put in; what is then still open is listed. */
#include "editor.h"

#include <stdlib.h>
#include <string.h>

#include <weft/edge.h>

#include "terminal_width.h"

enum { WORD_BYTES_MAX = 128 };

struct weft_completion {
    weft_editor *editor;
    size_t start;
    unsigned n;
    char word[WEFT_COMPLETIONS_MAX][WORD_BYTES_MAX];
};

void weft_completion_from(weft_completion *to, size_t start)
{
    to->start = start < to->editor->at ? start : to->editor->at;
}

void weft_completion_add(weft_completion *to, const char *word)
{
    const weft_editor *e = to->editor;
    size_t there = e->at - to->start, n = strlen(word);
    if (to->n == WEFT_COMPLETIONS_MAX || n >= WORD_BYTES_MAX || n < there ||
        !wf_text_prints(word) || memcmp(word, e->line + to->start, there) != 0)
        return;
    memcpy(to->word[to->n++], word, n + 1);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(weft_completion *c)
{
    unsigned kept = 0;
    qsort(c->word, c->n, sizeof *c->word, compare);
    for (unsigned i = 0; i < c->n; i++)
        if (i == 0 || strcmp(c->word[i], c->word[kept - 1]) != 0)
            memmove(c->word[kept++], c->word[i], WORD_BYTES_MAX);
    c->n = kept;
}

/* What all words begin with, up to a whole character. */
static size_t common(const weft_completion *c)
{
    const char *first = c->word[0], *last = c->word[c->n - 1];
    size_t n = 0;
    while (first[n] != '\0' && first[n] == last[n])
        n++;
    while (n > 0 && ((uint8_t)first[n] & 0xc0U) == 0x80)
        n--;
    return n;
}

static size_t width_of(const char *word)
{
    size_t width = 0, n = strlen(word);
    uint32_t rune;
    for (size_t i = 0; i < n; width += wf_rune_width(rune))
        i += wf_rune_read(word + i, n - i, &rune);
    return width;
}

static void list(weft_editor *e, const weft_completion *c)
{
    size_t widest = 0, at = e->at;
    for (unsigned i = 0; i < c->n; i++)
        widest = width_of(c->word[i]) > widest ? width_of(c->word[i]) : widest;
    size_t each = widest + 2, columns = e->options.columns / each;
    columns = columns > 0 ? columns : 1;
    size_t rows = (c->n + columns - 1) / columns;
    wf_editor_leave(e, "");
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < c->n; i += rows) {
            wf_editor_put_safe(e, c->word[i], strlen(c->word[i]));
            for (size_t pad = width_of(c->word[i]); i + rows < c->n && pad < each; pad++)
                wf_editor_put(e, " ", 1);
        }
        wf_editor_put(e, "\r\n", 2);
    }
    e->at = at;
}

/* "amount=" and "order={" are not whole: their value comes next. */
static bool is_whole(const char *word)
{
    size_t n = strlen(word);
    return n == 0 || (word[n - 1] != '=' && word[n - 1] != '{');
}

/* The word is replaced by what the first candidate begins with: it may be wanted with a blank behind. */
static bool go_on(weft_editor *e, const weft_completion *c)
{
    size_t there = e->at - c->start, n = common(c);
    size_t before = e->n;
    wf_editor_insert(e, c->word[0] + there, n - there);
    if (c->n == 1 && is_whole(c->word[0]) && (e->at == e->n || e->line[e->at] != ' '))
        wf_editor_insert(e, " ", 1);
    return e->n != before;
}

void wf_editor_complete(weft_editor *e)
{
    bool listing = e->listed;
    e->listed = false;
    weft_completion *c = weft_alloc(sizeof *c);
    if (c == NULL) {
        e->err = WEFT_ENOMEM;
        return;
    }
    c->editor = e;
    c->start = e->at;
    c->n = 0;
    e->options.complete(e->options.context, e->line, e->at, c);
    if (c->n > 0)
        sort(c);
    if (c->n == 0)
        wf_editor_put(e, "\a", 1);
    else if (!go_on(e, c) && c->n > 1) {
        if (listing)
            list(e, c);
        else {
            wf_editor_put(e, "\a", 1);
            e->listed = true;
        }
    }
    weft_alloc_free(c);
}
