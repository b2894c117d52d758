/* SPDX-License-Identifier: MIT */
/* Answers: text that grows within its limit. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "console.h"

static bool make_room(wf_text *t, size_t n)
{
    size_t room = 2 * (t->n + n) + 1024;
    if (t->n + n > WEFT_CONSOLE_ANSWER_BYTES_MAX)
        return false;
    if (n <= t->room - t->n)
        return true;
    char *at = weft_alloc_again(t->at, room);
    if (at == NULL)
        return false;
    t->at = at;
    t->room = room;
    return true;
}

void wf_text_put(wf_text *t, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t size = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    if (t->cut || !make_room(t, size)) {
        t->cut = true;
        return;
    }
    memcpy(t->at + t->n, text, size);
    t->n += size;
}

void wf_text_put_bytes(wf_text *t, const void *at, size_t n)
{
    if (t->cut || !make_room(t, n)) {
        t->cut = true;
        return;
    }
    if (n != 0)
        memcpy(t->at + t->n, at, n);
    t->n += n;
}

void wf_text_end(wf_text *t)
{
    static const char note[] = "... the answer was cut here\n";
    if (!t->cut || t->n < sizeof note)
        return;
    /* in the place of the last lines, which there is room for */
    t->n -= sizeof note - 1;
    while (t->n > 0 && t->at[t->n - 1] != '\n')
        t->n--;
    memcpy(t->at + t->n, note, sizeof note - 1);
    t->n += sizeof note - 1;
}

void wf_text_free(wf_text *t)
{
    weft_alloc_free(t->at);
    *t = (wf_text){.at = NULL};
}
