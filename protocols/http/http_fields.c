/* SPDX-License-Identifier: MIT */
/* Which field is it, and is it written as it must be? */
#include "http_fields.h"

#include <string.h>

#define NAME_BYTES_MAX 24
#define DIGITS_MAX 19 /* what is always less than 2^64 */

typedef struct name_row {
    char text[NAME_BYTES_MAX + 1];
    uint8_t bytes;
} name_row;

/* Ends in a row of no length, as does each run of rows of one length. */
static const name_row names[WF_HTTP_NAMES_COUNT_ + 1] = {
#define ROW(number, name) [number] = {name, sizeof(name) - 1},
    WF_HTTP_NAMES(ROW)
#undef ROW
};

/* The first name of each length. */
static const uint8_t first_of[NAME_BYTES_MAX + 1] = {
    [2] = WF_HTTP_TE,
    [3] = WF_HTTP_VIA,
    [4] = WF_HTTP_DATE,
    [5] = WF_HTTP_RANGE,
    [6] = WF_HTTP_ACCEPT,
    [7] = WF_HTTP_REFERER,
    [8] = WF_HTTP_IF_MATCH,
    [9] = WF_HTTP_FORWARDED,
    [10] = WF_HTTP_CONNECTION,
    [12] = WF_HTTP_CONTENT_TYPE,
    [13] = WF_HTTP_AUTHORIZATION,
    [14] = WF_HTTP_CONTENT_LENGTH,
    [15] = WF_HTTP_ACCEPT_ENCODING,
    [16] = WF_HTTP_CONTENT_ENCODING,
    [17] = WF_HTTP_IF_MODIFIED_SINCE,
    [18] = WF_HTTP_PROXY_AUTHENTICATE,
    [19] = WF_HTTP_IF_UNMODIFIED_SINCE,
    [20] = WF_HTTP_SEC_WEBSOCKET_ACCEPT,
    [21] = WF_HTTP_SEC_WEBSOCKET_VERSION,
    [22] = WF_HTTP_SEC_WEBSOCKET_PROTOCOL,
    [24] = WF_HTTP_SEC_WEBSOCKET_EXTENSIONS,
};

/* Setting this bit makes a letter lower and leaves '-' alone; what else it would turn into one of
 * them is no token character. */
#define LOWER32 0x20202020u
#define LOWER64 0x2020202020202020u

static inline uint64_t lower64(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word | LOWER64;
}

static inline uint32_t lower32(const char *text)
{
    uint32_t word;
    memcpy(&word, text, sizeof word);
    return word | LOWER32;
}

/* @word is in lower case, and what stands behind its end is never looked at. */
static inline bool same(const char *text, const char *word, size_t n)
{
    if (n >= 8)
        return lower64(text) == lower64(word) && lower64(text + n - 8) == lower64(word + n - 8) &&
               (n <= 16 || lower64(text + 8) == lower64(word + 8));
    if (n >= 4)
        return lower32(text) == lower32(word) && lower32(text + n - 4) == lower32(word + n - 4);
    for (size_t i = 0; i < n; i++)
        if ((text[i] | 0x20) != (word[i] | 0x20))
            return false;
    return true;
}

wf_http_name wf_http_name_of(const char *name, size_t name_bytes)
{
    if (name_bytes > NAME_BYTES_MAX || name_bytes < 2)
        return WF_HTTP_NAME_OTHER;
    for (unsigned i = first_of[name_bytes]; names[i].bytes == name_bytes; i++)
        if (same(name, names[i].text, name_bytes))
            return (wf_http_name)i;
    return WF_HTTP_NAME_OTHER;
}

#define T WF_HTTP_TOKEN
#define R WF_HTTP_REG
#define H WF_HTTP_HEX
#define V WF_HTTP_VALUE

const uint8_t wf_http_classes[256] = {
    /* RFC 9110 section 5.5: field-vchar = VCHAR / obs-text, with SP and HTAB between them */
    ['\t'] = V,
    [' '] = V,
    ['"'] = V,
    ['/'] = V,
    ['@'] = V,
    ['<'] = V,
    ['>'] = V,
    ['?'] = V,
    [':'] = V,
    ['['] = V,
    ['\\'] = V,
    [']'] = V,
    ['{'] = V,
    ['}'] = V,
    [0x80 ... 0xff] = V,
    /* RFC 9110 section 5.6.2: tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
     * "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA */
    ['#'] = V | T,
    ['%'] = V | T,
    ['^'] = V | T,
    ['`'] = V | T,
    ['|'] = V | T,
    /* RFC 3986 section 3.2.2: reg-name = *( unreserved / pct-encoded / sub-delims ) */
    ['('] = V | R,
    [')'] = V | R,
    [','] = V | R,
    [';'] = V | R,
    ['='] = V | R,
    /* both */
    ['!'] = V | T | R,
    ['$'] = V | T | R,
    ['&'] = V | T | R,
    ['\''] = V | T | R,
    ['*'] = V | T | R,
    ['+'] = V | T | R,
    ['-'] = V | T | R,
    ['.'] = V | T | R,
    ['_'] = V | T | R,
    ['~'] = V | T | R,
    ['0' ... '9'] = V | T | R | H,
    ['A' ... 'F'] = V | T | R | H,
    ['G' ... 'Z'] = V | T | R,
    ['a' ... 'f'] = V | T | R | H,
    ['g' ... 'z'] = V | T | R,
};

size_t wf_http_span(const char *text, size_t bytes, unsigned classes)
{
    size_t i = 0;
    while (i < bytes && wf_http_is(text[i], classes))
        i++;
    return i;
}

size_t wf_http_value_span(const char *text, size_t bytes)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
    size_t i = 0;

    if (bytes == 0) /* then there may be no text at all */
        return 0;

    for (; bytes - i >= 8; i += 8) {
        uint64_t word, is_del;
        memcpy(&word, text + i, sizeof word);
        is_del = word ^ (ones * 0x7f);
        /* A byte's high bit is set in the first term if the byte is below ' ', in the second if it
         * is DEL; a borrow can only add to words that are suspicious already. Tabs are looked at
         * below. */
        if (((((word - ones * ' ') & ~word) | ((is_del - ones) & ~is_del)) & high) != 0)
            break;
    }
    return i + wf_http_span(text + i, bytes - i, WF_HTTP_VALUE);
}

bool wf_http_text_is(weft_http_text text, const char *word)
{
    size_t n = strlen(word);
    if (text.bytes != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = text.at[i];
        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != word[i])
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool wf_http_list_next(weft_http_text *list, weft_http_text *member)
{
    const char *p = list->at, *end = list->at + list->bytes;

    while (p < end && (is_blank(*p) || *p == ','))
        p++;
    if (p == end)
        return false;

    const char *from = p;
    while (p < end && *p != ',')
        p++;
    list->at = p;
    list->bytes = (uint32_t)(end - p);
    while (is_blank(p[-1]))
        p--;
    *member = (weft_http_text){from, (uint32_t)(p - from)};
    return true;
}

bool wf_http_number_read(weft_http_text text, uint64_t *out)
{
    uint64_t value = 0;

    /* Leading zeros are digits too, but nobody needs many of them. */
    if (text.bytes == 0 || text.bytes > DIGITS_MAX)
        return false;
    for (uint32_t i = 0; i < text.bytes; i++) {
        unsigned digit = (unsigned)(uint8_t)text.at[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    if (value > INT64_MAX)
        return false;
    *out = value;
    return true;
}
