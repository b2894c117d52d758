/* SPDX-License-Identifier: MIT */
/* The bounded text writer, and what HTML and URLs ask to be escaped. */
#include "http_writer.h"

wf_http_writer wf_http_writer_over(char *buf, size_t max)
{
    return (wf_http_writer){.buf = buf, .max = max};
}

wf_http_writer wf_http_writer_into(char *buf, size_t max, wf_http_sink *sink, void *arg)
{
    return (wf_http_writer){.buf = buf, .max = max, .sink = sink, .sink_arg = arg};
}

weft_err wf_http_writer_flush(wf_http_writer *w)
{
    if (w->err == WEFT_OK && w->sink != NULL && w->n > 0) {
        w->err = w->sink(w->sink_arg, w->buf, w->n);
        w->n = 0;
    }
    return w->err;
}

void wf_http_put(wf_http_writer *w, const char *bytes, size_t n)
{
    w->total += n;
    if (w->err != WEFT_OK || n == 0)
        return;
    if (w->sink == NULL && n > w->max - w->n) {
        w->err = WEFT_ETOOBIG;
        return;
    }
    while (n > w->max - w->n) {
        size_t fits = w->max - w->n;
        memcpy(w->buf + w->n, bytes, fits);
        w->n += fits;
        bytes += fits;
        n -= fits;
        if (wf_http_writer_flush(w) != WEFT_OK)
            return;
    }
    memcpy(w->buf + w->n, bytes, n);
    w->n += n;
}

void wf_http_put_u64(wf_http_writer *w, uint64_t value)
{
    char digits[20], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    wf_http_put(w, at, (size_t)(digits + sizeof digits - at));
}

void wf_http_put_hex(wf_http_writer *w, uint64_t value)
{
    char digits[16], *at = digits + sizeof digits;
    do
        *--at = "0123456789abcdef"[value & 15];
    while ((value >>= 4) > 0);
    wf_http_put(w, at, (size_t)(digits + sizeof digits - at));
}

/* The lead byte fixes the length, and what the second byte may be (Unicode 15, table 3-7). */
size_t wf_http_utf8_length(const char *bytes, size_t n)
{
    const unsigned char *b = (const unsigned char *)bytes;
    unsigned low = 0x80, high = 0xbf;
    size_t length;

    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xc2 || b[0] > 0xf4)
        return 0;
    length = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (b[0] == 0xe0)
        low = 0xa0;
    else if (b[0] == 0xed)
        high = 0x9f;
    else if (b[0] == 0xf0)
        low = 0x90;
    else if (b[0] == 0xf4)
        high = 0x8f;
    if (length > n || b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

/* What stands for the character of @length bytes at @at, or NULL if it stands for itself. U+0080 to
 * U+009F are controls too, and start with c2 80 to c2 9f. */
static const char *html_escape(const char *at, size_t length)
{
    unsigned char c = (unsigned char)*at;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
    case '\n':
        return NULL;
    default:
        if (length == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)at[1] < 0xa0))
            return REPLACEMENT;
        return NULL;
    }
}

void wf_http_put_html(wf_http_writer *w, const char *bytes, size_t n)
{
    size_t plain = 0, i = 0; /* bytes[plain..i) need no escape and are put in one piece */

    while (i < n) {
        size_t length = wf_http_utf8_length(bytes + i, n - i);
        const char *escape = html_escape(bytes + i, length);
        size_t step = length > 0 ? length : 1;
        if (escape != NULL) {
            wf_http_put(w, bytes + plain, i - plain);
            wf_http_put_str(w, escape);
            plain = i + step;
        }
        i += step;
    }
    wf_http_put(w, bytes + plain, n - plain);
}

/* RFC 3986 2.3: unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~" */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void wf_http_put_percent(wf_http_writer *w, const char *bytes, size_t n, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t plain = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (is_unreserved(bytes[i]) || (keep_slash && c == '/'))
            continue;
        wf_http_put(w, bytes + plain, i - plain);
        wf_http_put(w, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
        plain = i + 1;
    }
    wf_http_put(w, bytes + plain, n - plain);
}
