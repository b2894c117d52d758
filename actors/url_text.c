/* SPDX-License-Identifier: MIT */
/* Pieces of a URL's text: cutting, decoding, numbers, and how far apart two words are. */
#include "url_parts.h"

#include <string.h>
#include <strings.h>

wf_quote wf_quote_of(wf_piece text)
{
    wf_quote quote;
    size_t max = sizeof quote.text - 1, cut = max - 3;
    size_t n = text.n <= max ? text.n : cut;

    for (size_t i = 0; i < n; i++) {
        char c = text.at[i];
        quote.text[i] = c > ' ' && c < 0x7f ? c : '?';
    }
    memcpy(quote.text + n, n < text.n ? "..." : "", n < text.n ? 4 : 1);
    return quote;
}

wf_piece wf_piece_until(wf_piece text, char c, wf_piece *rest)
{
    const char *found = text.n > 0 ? memchr(text.at, c, text.n) : NULL;
    if (found == NULL) {
        *rest = (wf_piece){NULL, 0};
        return text;
    }

    size_t n = (size_t)(found - text.at);
    *rest = (wf_piece){found + 1, text.n - n - 1};
    return (wf_piece){text.at, n};
}

bool wf_piece_is(wf_piece text, const char *word)
{
    return strlen(word) == text.n && strncasecmp(text.at, word, text.n) == 0;
}

bool wf_number_read(wf_piece text, unsigned base, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(unsigned char)text.at[i] - '0';
        if (digit >= base)
            return false;
        value = value > (UINT64_MAX - digit) / base ? UINT64_MAX : value * base + digit;
    }
    *out = value;
    return text.n > 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

weft_err wf_percent_decode(wf_piece text, const char *what, char *out, size_t max, weft_why *why)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++, n++) {
        int c = (unsigned char)text.at[i];
        if (c == '%') {
            int high = i + 1 < text.n ? hex_digit(text.at[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_digit(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return weft_because(why, WEFT_EINVAL,
                                    "%s has a %% without two hex digits behind it "
                                    "(a %% itself is written %%25): \"%s\"",
                                    what, wf_quote_of(text).text);
            c = high << 4 | low;
            i += 2;
        }
        if (c == 0)
            return weft_because(why, WEFT_EINVAL, "%s has a zero byte (%%00), which no name may",
                                what);
        if (n == max)
            return weft_because(why, WEFT_ETOOBIG, "%s is longer than %zu bytes", what, max);
        out[n] = (char)c;
    }
    out[n] = '\0';
    return WEFT_OK;
}

bool wf_is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

bool wf_is_pchar(char c)
{
    return wf_is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@", c) != NULL);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#define WORD_BYTES_MAX 32 /* no scheme and no option is that long */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t wf_edit_distance(wf_piece text, const char *word, size_t most)
{
    /* Damerau's distance by rows: two rows back is what a swap of neighbours needs. */
    size_t rows[3][WORD_BYTES_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t n = least(text.n, WORD_BYTES_MAX), m = least(strlen(word), WORD_BYTES_MAX);

    if ((n > m ? n - m : m - n) + (text.n - n) >= most)
        return most; /* so many are missing in any case */
    for (size_t j = 0; j <= m; j++)
        last[j] = before[j] = j;

    for (size_t i = 1; i <= n; i++) {
        char c = lower(text.at[i - 1]);
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(row[j - 1], last[j]) + 1, last[j - 1] + (c != word[j - 1]));
            if (i > 1 && j > 1 && c == word[j - 2] && lower(text.at[i - 2]) == word[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return least(last[m] + (text.n - n), most);
}
