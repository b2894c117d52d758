/* SPDX-License-Identifier: MIT */
/* Lines: found where they stand, or gathered when they come in pieces. */
#include "smtp_lines.h"

#include <string.h>

#include <weft/edge.h>

bool wf_smtp_line_begun(const wf_smtp_lines *l)
{
    return l->n != 0 || l->skipped;
}

void wf_smtp_lines_done(wf_smtp_lines *l)
{
    if (l->text != NULL)
        explicit_bzero(l->text, l->room);
    weft_alloc_free(l->text);
    l->text = NULL;
    l->n = l->room = 0;
}

/* A whole line, with its CRLF. errors: EPROTO. */
static weft_err finish(const char *at, size_t n, const char **line, size_t *line_n)
{
    if (n < 2 || at[n - 2] != '\r' || memchr(at, '\r', n - 2) != NULL ||
        memchr(at, '\0', n) != NULL)
        return WEFT_EPROTO;
    *line = at;
    *line_n = n - 2;
    return WEFT_OK;
}

static weft_err gather(wf_smtp_lines *l, const char *in, size_t n)
{
    if (l->skipped || l->n + n > l->bytes_max) {
        l->skipped = true;
        l->n = 0;
        return WEFT_OK;
    }
    if (l->n + n > l->room) {
        char *text = weft_alloc_again(l->text, l->bytes_max);
        if (text == NULL)
            return WEFT_ENOMEM;
        l->text = text;
        l->room = l->bytes_max;
    }
    memcpy(l->text + l->n, in, n);
    l->n += (uint32_t)n;
    return WEFT_OK;
}

weft_err wf_smtp_line_next(wf_smtp_lines *l, const char *in, size_t n, size_t *used,
                           const char **line, size_t *line_n)
{
    const char *end = memchr(in, '\n', n);
    size_t size = end != NULL ? (size_t)(end - in) + 1 : n;
    *used = size;
    if (end != NULL && !wf_smtp_line_begun(l))
        return size > l->bytes_max ? WEFT_ETOOBIG : finish(in, size, line, line_n);
    weft_err err = gather(l, in, size);
    if (err != WEFT_OK)
        return err;
    if (end == NULL)
        return WEFT_EFULL;
    size = l->n;
    l->n = 0;
    if (!l->skipped)
        return finish(l->text, size, line, line_n);
    l->skipped = false;
    return WEFT_ETOOBIG;
}
