/* SPDX-License-Identifier: MIT */
/* The fields of a message's header. */
#include <string.h>
#include <strings.h>

#include "mail_header.h"

const char *wf_mail_excerpt(const char *at, const char *end, char out[WF_MAIL_EXCERPT_BYTES])
{
    size_t n = 0;
    for (; at < end && *at != '\r' && *at != '\n' && n < WF_MAIL_EXCERPT_BYTES - 1; at++)
        out[n++] = *at >= 32 && *at <= 126 ? *at : '?';
    out[n] = '\0';
    return out;
}

/* The end of the line at @at, behind its line feed. */
static const char *line_end(const char *at, const char *end)
{
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed != NULL ? feed + 1 : end;
}

/* "Lines of header fields are folded": one that begins with a blank belongs to the one before (RFC 5322, 2.2.3). */
static const char *field_end(const char *at, const char *end, uint32_t *lines)
{
    do {
        at = line_end(at, end);
        ++*lines;
    } while (at < end && (*at == ' ' || *at == '\t'));
    return at;
}

static bool is_empty_line(const weft_mail_header *h)
{
    const char *at = h->at;
    return *at == '\n' || (*at == '\r' && h->end - at > 1 && at[1] == '\n');
}

/* "field-name = 1*ftext" (3.6.8); blanks behind it are obsolete (4.5). NULL: there is none. */
static const char *read_name(const weft_mail_header *h, size_t *name_n)
{
    const char *at = h->at;
    while (at < h->end && *at >= 33 && *at <= 126 && *at != ':')
        at++;
    *name_n = (size_t)(at - h->at);
    while (at < h->end && (*at == ' ' || *at == '\t'))
        at++;
    return *name_n != 0 && at < h->end && *at == ':' ? at : NULL;
}

weft_err weft_mail_field_next(weft_mail_header *header, weft_mail_field *out, weft_why *why)
{
    char text[WF_MAIL_EXCERPT_BYTES];
    weft_mail_field f = {.name = header->at, .whole = header->at, .line = header->line};
    if (header->at == header->end)
        return WEFT_EDONE;
    if (is_empty_line(header)) {
        header->at = line_end(header->at, header->end);
        header->line++;
        return WEFT_EDONE;
    }
    const char *colon = read_name(header, &f.name_n);
    if (colon == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "line %u: \"%s\": expected a field such as Subject: TEXT, or an empty "
                            "line behind the header",
                            f.line, wf_mail_excerpt(header->at, header->end, text));
    f.body = colon + 1;
    header->at = field_end(f.body, header->end, &header->line);
    f.whole_n = (size_t)(header->at - f.whole);
    f.body_n = (size_t)(header->at - f.body);
    if (f.body_n != 0 && f.body[f.body_n - 1] == '\n')
        f.body_n--;
    if (f.body_n != 0 && f.body[f.body_n - 1] == '\r')
        f.body_n--;
    *out = f;
    return WEFT_OK;
}

bool weft_mail_field_is(const weft_mail_field *field, const char *name)
{
    return strlen(name) == field->name_n && strncasecmp(field->name, name, field->name_n) == 0;
}
