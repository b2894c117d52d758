/* SPDX-License-Identifier: MIT */
/* A server's side: the head of the response, and events as lines. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/sse.h>

weft_err weft_sse_begin(weft_msg *msg)
{
    static const weft_http_field fields[] = {
        {"Cache-Control", "no-store", 13, 8},
        {"X-Accel-Buffering", "no", 17, 2}, /* nginx in between passes each event on at once */
    };
    return weft_http_respond(msg, &(weft_http_answer){.status = 200,
                                                      .content_type = "text/event-stream",
                                                      .fields = fields,
                                                      .fields_count = 2,
                                                      .stream = true});
}

const char *weft_sse_last_id(weft_msg *msg)
{
    weft_http_text id = weft_http_field_of(msg, "last-event-id");
    char *copy = id.bytes != 0 ? weft_scratch(msg, id.bytes + 1) : NULL;
    if (copy == NULL)
        return "";
    memcpy(copy, id.at, id.bytes);
    copy[id.bytes] = '\0';
    return copy;
}

static bool is_one_line(const char *text)
{
    return text == NULL || strpbrk(text, "\r\n") == NULL;
}

/* Puts at @to, or (NULL) only counts. */
typedef struct writer {
    char *to;
    size_t n;
} writer;

static void put(writer *w, const void *at, size_t n)
{
    if (w->to != NULL && n != 0)
        memcpy(w->to + w->n, at, n);
    w->n += n;
}

static void put_field(writer *w, const char *name, const char *value)
{
    if (value == NULL)
        return;
    put(w, name, strlen(name));
    put(w, ": ", 2);
    put(w, value, strlen(value));
    put(w, "\n", 1);
}

/* Each line of the data in a field of its own; CR, LF and CRLF end one. */
static void put_data(writer *w, const char *at, size_t n)
{
    const char *end = at + n;
    for (bool more = true; more;) {
        const char *line = at;
        while (at < end && *at != '\n' && *at != '\r')
            at++;
        put(w, "data: ", 6);
        put(w, line, (size_t)(at - line));
        put(w, "\n", 1);
        more = at < end;
        if (more)
            at += at + 1 < end && at[0] == '\r' && at[1] == '\n' ? 2 : 1;
    }
}

static void put_event(writer *w, const weft_sse *event)
{
    char retry[16];
    put_field(w, "event", event->event);
    put_field(w, "id", event->id);
    (void)snprintf(retry, sizeof retry, "%u", event->retry_ms);
    put_field(w, "retry", event->retry_ms != 0 ? retry : NULL);
    if (event->text != NULL)
        put_data(w, event->text, strlen(event->text));
    else
        put_data(w, (const char *)event->bytes.at, event->bytes.size);
    put(w, "\n", 1);
}

weft_err weft_sse_send(weft_actor *self, weft_ref stream, const weft_sse *event)
{
    writer count = {NULL, 0};
    weft_bytes bytes;
    uint8_t *to;
    if (!is_one_line(event->event) || !is_one_line(event->id))
        return WEFT_EINVAL;
    put_event(&count, event);
    weft_err err = weft_bytes_new(count.n, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    put_event(&(writer){(char *)to, 0}, event);
    err = weft_write(self, stream, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

weft_err weft_sse_comment(weft_actor *self, weft_ref stream, const char *text)
{
    return is_one_line(text) ? weft_write_text(self, stream, ": %s\n\n", text) : WEFT_EINVAL;
}
