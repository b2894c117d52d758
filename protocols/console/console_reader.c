/* SPDX-License-Identifier: MIT */
/* What a console says to a client that has said hello: a greeting, answers, and where each of them ends.
 *
 *   GREETING ── "weft console 1" ──▶ text ◀── mark ──▶ text ...
 *      └── anything else: a stranger */
#include <string.h>

#include <weft/console.h>

static const char greeting[] = WEFT_CONSOLE_GREETING;

/* What a stranger said, for people. */
static weft_console_event strange(weft_console_reader *r)
{
    r->text[r->n] = '\0';
    r->text[strcspn(r->text, "\r\n")] = '\0';
    for (char *at = r->text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
            *at = '?';
    return WEFT_CONSOLE_STRANGER;
}

static weft_console_event greet(weft_console_reader *r, const uint8_t *at, size_t n, size_t *used)
{
    enum { SHOWN = 60 };
    for (*used = 0; *used < n;) {
        char c = (char)at[(*used)++];
        r->text[r->n++] = c;
        if (r->n == sizeof greeting - 1 && memcmp(r->text, greeting, r->n) == 0) {
            r->greeted = true;
            r->n = 0;
            return WEFT_CONSOLE_GREETED;
        }
        if (c == '\n' || r->n == SHOWN)
            return strange(r);
    }
    return WEFT_CONSOLE_MORE;
}

/* "ok", or "error: " and a sentence. */
static weft_console_event ends_with(weft_console_reader *r)
{
    static const char ok[] = "ok", error[] = "error: ";
    r->text[r->n] = '\0';
    r->marking = false;
    bool fails = strncmp(r->text, error, sizeof error - 1) == 0;
    if (!fails && strcmp(r->text, ok) != 0)
        return strange(r);
    r->n = 0;
    if (!fails)
        return WEFT_CONSOLE_DONE;
    memmove(r->text, r->text + sizeof error - 1, strlen(r->text + sizeof error - 1) + 1);
    return WEFT_CONSOLE_FAILED;
}

static weft_console_event mark(weft_console_reader *r, const uint8_t *at, size_t n, size_t *used)
{
    for (*used = 0; *used < n;) {
        char c = (char)at[(*used)++];
        if (c == '\n')
            return ends_with(r);
        if (r->n + 1U < sizeof r->text)
            r->text[r->n++] = c;
    }
    return WEFT_CONSOLE_MORE;
}

weft_console_event weft_console_read(weft_console_reader *r, const void *at, size_t n, size_t *used)
{
    const uint8_t *bytes = at;
    *used = 0;
    if (n == 0)
        return WEFT_CONSOLE_MORE;
    if (!r->greeted)
        return greet(r, bytes, n, used);
    if (r->marking)
        return mark(r, bytes, n, used);
    const uint8_t *stop = memchr(bytes, WEFT_CONSOLE_MARK, n);
    if (stop == bytes) {
        r->marking = true;
        weft_console_event event = mark(r, bytes + 1, n - 1, used);
        ++*used;
        return event;
    }
    *used = stop != NULL ? (size_t)(stop - bytes) : n;
    return WEFT_CONSOLE_TEXT;
}
