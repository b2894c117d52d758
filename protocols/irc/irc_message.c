/* SPDX-License-Identifier: MIT */
/* IRC messages: a line taken apart, and the values of tags.
 *
 *   ['@' tags SPACE] [':' prefix SPACE] command {SPACE parameter} [SPACE ':' last]
 */
#include <weft/irc.h>

#include <stdio.h>
#include <string.h>

typedef struct cursor {
    const char *at, *end;
} cursor;

static weft_irc_text word(cursor *c)
{
    weft_irc_text text = {c->at, 0};
    while (c->at < c->end && *c->at != ' ')
        c->at++;
    text.bytes = (uint32_t)(c->at - text.at);
    return text;
}

static void blanks(cursor *c)
{
    while (c->at < c->end && *c->at == ' ')
        c->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "command = 1*letter / 3digit" (RFC 2812 section 2.3.1) */
static bool is_command(weft_irc_text text)
{
    if (text.bytes == 3 && is_digit(text.at[0]))
        return is_digit(text.at[1]) && is_digit(text.at[2]);
    for (uint32_t i = 0; i < text.bytes; i++)
        if (!is_letter(text.at[i]))
            return false;
    return text.bytes > 0;
}

static weft_err check_bytes(const char *at, size_t bytes, weft_why *why)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] == '\0' || at[i] == '\r' || at[i] == '\n')
            return weft_because(why, WEFT_EPROTO, "byte %zu of a line is %d, which no line has", i,
                                at[i]);
    return WEFT_OK;
}

/* The last parameter that fits takes what is left, ":" or not. */
static void parameters(cursor *c, weft_irc_message *out)
{
    for (blanks(c); c->at < c->end; blanks(c)) {
        weft_irc_text *to = &out->parameter[out->parameters++];
        bool last = *c->at == ':';
        if (last)
            c->at++;
        if (!last && out->parameters < WEFT_IRC_PARAMETERS_MAX) {
            *to = word(c);
            continue;
        }
        *to = (weft_irc_text){c->at, (uint32_t)(c->end - c->at)};
        return;
    }
}

static weft_err tags(cursor *c, weft_irc_message *out, weft_why *why)
{
    c->at++;
    out->tags = word(c);
    if (out->tags.bytes > WEFT_IRC_TAGS_READ_MAX)
        return weft_because(why, WEFT_ETOOBIG, "%u bytes of tags, expected at most %u",
                            out->tags.bytes, WEFT_IRC_TAGS_READ_MAX);
    blanks(c);
    return WEFT_OK;
}

weft_err weft_irc_parse(const void *at, size_t bytes, weft_irc_message *out, weft_why *why)
{
    const char *line = bytes > 0 ? at : "";
    cursor c = {line, line + bytes};
    weft_irc_message m = {.parameters = 0};
    weft_err err = check_bytes(line, bytes, why);
    if (err == WEFT_OK && bytes > 0 && *c.at == '@')
        err = tags(&c, &m, why);
    if (err != WEFT_OK)
        return err;
    if ((size_t)(c.end - c.at) > WEFT_IRC_LINE_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "a message of %zu bytes, expected at most %u",
                            (size_t)(c.end - c.at), WEFT_IRC_LINE_BYTES_MAX);
    blanks(&c);
    bool empty = c.at == c.end;
    if (!empty && *c.at == ':') {
        c.at++;
        m.prefix = word(&c);
        blanks(&c);
    }
    if (!empty || m.tags.bytes > 0) {
        m.command = word(&c);
        if (!is_command(m.command))
            return weft_because(why, WEFT_EPROTO, "a message without a command");
        parameters(&c, &m);
    }
    *out = m;
    return WEFT_OK;
}

/* ---- tags */

static char unescaped(char c)
{
    switch (c) {
    case ':':
        return ';';
    case 's':
        return ' ';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default: /* "the backslash should be dropped"; "\\" is one of these */
        return c;
    }
}

static void unescape(const char *at, const char *end, char *to, size_t room)
{
    size_t n = 0;
    for (; at < end && n + 1 < room; at++) {
        if (*at != '\\')
            to[n++] = *at;
        else if (++at < end)
            to[n++] = unescaped(*at);
        else
            break;
    }
    to[n] = '\0';
}

bool weft_irc_tag(const weft_irc_message *message, const char *name, char *to, size_t room)
{
    const char *at = message->tags.bytes > 0 ? message->tags.at : "";
    const char *end = at + message->tags.bytes;
    size_t n = strlen(name);
    bool found = false;
    to[0] = '\0';
    while (at < end) {
        const char *next = memchr(at, ';', (size_t)(end - at));
        const char *stop = next != NULL ? next : end;
        if ((size_t)(stop - at) >= n && memcmp(at, name, n) == 0 &&
            (at + n == stop || at[n] == '=')) {
            found = true;
            unescape(at + n == stop ? stop : at + n + 1, stop, to, room);
        }
        at = next != NULL ? next + 1 : end;
    }
    return found;
}

size_t weft_irc_tag_escape(const char *value, size_t bytes, char *to, size_t room)
{
    static const char from[] = "; \\\r\n", into[] = ":s\\rn";
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        const char *special = value[i] != '\0' ? strchr(from, value[i]) : NULL;
        char pair[2] = {'\\', special != NULL ? into[special - from] : value[i]};
        for (size_t j = special != NULL ? 0 : 1; j < 2; j++, n++)
            if (n + 1 < room)
                to[n] = pair[j];
    }
    if (room > 0)
        to[n < room ? n : room - 1] = '\0';
    return n;
}
