/* SPDX-License-Identifier: MIT */
/* Lines of an event stream, a byte at a time: a line may end in CR, LF or both, and pieces anywhere. */
#include "sse_codec.h"

#include <string.h>

#include <weft/edge.h>

static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};

void wf_sse_init(wf_sse_codec *c, size_t bytes_max)
{
    *c = (wf_sse_codec){.bytes_max = bytes_max};
}

void wf_sse_done(wf_sse_codec *c)
{
    weft_alloc_free(c->text);
    c->text = NULL;
}

static weft_err add(wf_sse_codec *c, char byte, weft_why *why)
{
    size_t n = c->data_n + c->line_n;
    if (n == c->bytes_max)
        return weft_because(why, WEFT_ETOOBIG, "an event of more than %zu bytes (event_bytes_max)",
                            c->bytes_max);
    if (n == c->room) {
        size_t room = c->room != 0 ? 2 * c->room : 256;
        char *text = weft_alloc_again(c->text, room);
        if (text == NULL)
            return weft_because(why, WEFT_ENOMEM, "no memory for an event");
        c->text = text;
        c->room = room;
    }
    c->text[n] = byte;
    c->line_n++;
    return WEFT_OK;
}

/* ---- fields */

static bool is(const char *at, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(at, word, n) == 0;
}

static void set_event(wf_sse_codec *c, const char *at, size_t n)
{
    n = n < sizeof c->event - 1 ? n : sizeof c->event - 1;
    memcpy(c->event, at, n);
    c->event[n] = '\0';
}

/* "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value." */
static void set_id(wf_sse_codec *c, const char *at, size_t n)
{
    if (n >= sizeof c->id_coming || memchr(at, '\0', n) != NULL)
        return;
    memcpy(c->id_coming, at, n);
    c->id_coming[n] = '\0';
    c->any_id = true;
}

/* "If the field value consists of only ASCII digits, then interpret the field value as an integer in base ten" */
static void set_retry(wf_sse_codec *c, const char *at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9')
            return;
        value = value * 10 + (uint64_t)(at[i] - '0');
        value = value < UINT32_MAX ? value : UINT32_MAX;
    }
    if (n != 0)
        c->retry_ms = (uint32_t)value;
}

/* What a line says. Data stays where it stands, moved over its name. */
static void take_line(wf_sse_codec *c)
{
    char *line = c->text + c->data_n, *colon = memchr(line, ':', c->line_n);
    size_t name_n = colon != NULL ? (size_t)(colon - line) : c->line_n;
    const char *value = colon != NULL ? colon + 1 : line + c->line_n;
    size_t value_n = (size_t)(line + c->line_n - value);
    if (value_n != 0 && value[0] == ' ') {
        value++;
        value_n--;
    }
    c->line_n = 0;
    if (is(line, name_n, "data")) {
        /* the name was longer than what is put behind the value */
        memmove(line, value, value_n);
        line[value_n] = '\n';
        c->data_n += value_n + 1;
        c->any_data = true;
    } else if (is(line, name_n, "event"))
        set_event(c, value, value_n);
    else if (is(line, name_n, "id"))
        set_id(c, value, value_n);
    else if (is(line, name_n, "retry"))
        set_retry(c, value, value_n);
}

/* An empty line: the event is whole, if it has data. "Set the last event ID string of the event source to the value of
 * the last event ID buffer" stands here, before it is looked whether there is data: what breaks off in the middle of
 * a block is asked for again. */
static bool dispatch(wf_sse_codec *c, wf_sse_piece *out)
{
    bool whole = c->any_data;
    if (c->any_id)
        memcpy(c->id, c->id_coming, sizeof c->id);
    c->any_id = false;
    if (whole)
        *out = (wf_sse_piece){.data = c->text,
                              .n = c->data_n - 1,
                              .event = c->event[0] != '\0' ? c->event : "message",
                              .id = c->id};
    c->data_n = 0;
    c->any_data = false;
    return whole;
}

static bool end_line(wf_sse_codec *c, wf_sse_piece *out)
{
    if (c->line_n != 0) {
        take_line(c);
        return false;
    }
    bool whole = dispatch(c, out);
    if (!whole)
        c->event[0] = '\0';
    return whole;
}

/* "Strip one leading U+FEFF BYTE ORDER MARK (BOM), if any are present." true: @byte was of it. */
static bool skip_mark(wf_sse_codec *c, uint8_t byte)
{
    if (c->bom == sizeof mark || byte != mark[c->bom]) {
        c->bom = sizeof mark;
        return false;
    }
    c->bom++;
    return true;
}

weft_err wf_sse_read(wf_sse_codec *c, const uint8_t *in, size_t n, size_t *used, wf_sse_piece *out,
                     weft_why *why)
{
    weft_err err = WEFT_OK;
    /* the type of the event that was told at the last call */
    if (!c->any_data && c->line_n == 0 && c->data_n == 0 && c->told) {
        c->event[0] = '\0';
        c->told = false;
    }
    for (size_t i = 0; i < n && err == WEFT_OK; i++) {
        bool line_feed_of_cr = c->after_cr && in[i] == '\n';
        *used = i + 1;
        c->after_cr = false;
        if (line_feed_of_cr || skip_mark(c, in[i]))
            continue;
        if (in[i] != '\n' && in[i] != '\r') {
            err = add(c, (char)in[i], why);
            continue;
        }
        c->after_cr = in[i] == '\r';
        if (end_line(c, out)) {
            c->told = true;
            return WEFT_OK;
        }
    }
    *used = n;
    return err == WEFT_OK ? WEFT_EFULL : err;
}
