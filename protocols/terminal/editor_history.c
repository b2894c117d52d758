/* SPDX-License-Identifier: MIT */
/* Lines that were, and going back to them. */
#include "editor.h"

#include <string.h>

#include <weft/edge.h>

#include "terminal_width.h"

static char *copy(const char *line)
{
    size_t n = strlen(line) + 1;
    char *text = weft_alloc(n);
    if (text != NULL)
        memcpy(text, line, n);
    return text;
}

weft_err weft_editor_remember(weft_editor *e, const char *line)
{
    if (line[0] == '\0' || (e->history_n > 0 && strcmp(e->history[e->history_n - 1], line) == 0))
        return WEFT_OK;
    if (!wf_text_prints(line) || strlen(line) > e->options.line_bytes_max)
        return WEFT_EINVAL;
    char *text = copy(line);
    if (text == NULL)
        return WEFT_ENOMEM;
    if (e->history_n == e->options.history_max) {
        weft_alloc_free(e->history[0]);
        memmove(e->history, e->history + 1, --e->history_n * sizeof *e->history);
    }
    e->history[e->history_n++] = text;
    e->history_at = e->history_n;
    return WEFT_OK;
}

bool wf_editor_recall(weft_editor *e, int step)
{
    if (e->hidden || (step < 0 ? e->history_at == 0 : e->history_at == e->history_n))
        return false;
    if (e->history_at == e->history_n) { /* the new line is left: it is there when one comes back */
        char *draft = copy(e->line);
        if (draft == NULL) {
            e->err = WEFT_ENOMEM;
            return false;
        }
        weft_alloc_free(e->draft);
        e->draft = draft;
    }
    e->history_at = step < 0 ? e->history_at - 1 : e->history_at + 1;
    wf_editor_set(e, e->history_at < e->history_n ? e->history[e->history_at] : e->draft);
    return true;
}

void wf_editor_history_done(weft_editor *e)
{
    for (size_t i = 0; i < e->history_n; i++)
        weft_alloc_free(e->history[i]);
    weft_alloc_free(e->history);
    weft_alloc_free(e->draft);
}
