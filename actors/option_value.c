/* SPDX-License-Identifier: MIT */
/* The values of options: one reader a kind, and how far apart two words are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weft/url.h>

#include "option_value.h"

enum { WORD_BYTES_MAX = 31 };

/* The name as it is written in the command line. */
static const char *shown(const weft_option *row, char text[64])
{
    (void)snprintf(text, 64, "%s%s", row->positional ? "" : "--", row->name);
    return text;
}

static weft_err refuse(const weft_option *row, const char *text, const char *expected,
                       weft_why *why)
{
    char name[64];
    return weft_because(why, WEFT_EINVAL, "%s is \"%.40s\", expected %s", shown(row, name), text,
                        expected);
}

/* Decimal digits up to @end; what is beyond 32 bits is read as more than 32 bits. */
static bool read_digits(const char *text, size_t n, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (*out <= UINT32_MAX)
            *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return n > 0;
}

static weft_err read_count(const weft_option *row, const char *text, uint32_t *to, weft_why *why)
{
    char expected[64];
    uint64_t value;
    if (read_digits(text, strlen(text), &value) && value >= row->min && value <= row->max) {
        *to = (uint32_t)value;
        return WEFT_OK;
    }
    (void)snprintf(expected, sizeof expected, "a number from %" PRIu32 " to %" PRIu32, row->min,
                   row->max);
    return refuse(row, text, expected, why);
}

static weft_err read_ms(const weft_option *row, const char *text, uint32_t *to, weft_why *why)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    uint64_t value;

    if (row->min == 0 && strcmp(text, "off") == 0) {
        *to = 0;
        return WEFT_OK;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + digits, units[i].name) != 0 || !read_digits(text, digits, &value) ||
            value > UINT32_MAX)
            continue;
        value *= units[i].ms;
        if (value < row->min || value > row->max)
            break;
        *to = (uint32_t)value;
        return WEFT_OK;
    }
    return refuse(row, text,
                  row->min == 0 ? "a time such as 250ms, 10s, 5m or 1h, or off"
                                : "a time such as 250ms, 10s, 5m or 1h",
                  why);
}

static weft_err read_choice(const weft_option *row, const char *text, int *to, weft_why *why)
{
    char expected[128];
    size_t n = 0;
    for (int i = 0; row->words[i] != NULL; i++) {
        if (strcmp(text, row->words[i]) == 0) {
            *to = i;
            return WEFT_OK;
        }
        int more = snprintf(expected + n, sizeof expected - n, "%s%s",
                            i == 0                      ? ""
                            : row->words[i + 1] == NULL ? " or "
                                                        : ", ",
                            row->words[i]);
        n = more > 0 && n + (size_t)more < sizeof expected ? n + (size_t)more : n;
    }
    return refuse(row, text, expected, why);
}

static weft_err check_url(const weft_option *row, const char *text, weft_url_end end, weft_why *why)
{
    char name[64];
    weft_why url_why = {""};
    weft_url url;
    weft_err err = weft_url_parse(text, &url, &url_why);
    if (err == WEFT_OK)
        err = weft_url_check(&url, end, &url_why);
    if (err == WEFT_OK && url.scheme == WEFT_SCHEME_SIM)
        err = weft_because(&url_why, WEFT_EINVAL,
                           "simulated wires exist in tests only, expected tcp://, tls://, unix:, "
                           "http:// or https://");
    if (err == WEFT_OK)
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL, "%s: %s", shown(row, name), url_why.text);
}

static weft_err add_url(const weft_option *row, const char *text, weft_option_urls *to,
                        weft_why *why)
{
    weft_err err = check_url(row, text, WEFT_URL_LISTEN, why);
    if (err != WEFT_OK)
        return err;
    if (to->count == WEFT_OPTION_URLS_MAX)
        return weft_because(why, WEFT_EINVAL, "--%s is given too often, expected at most %d times",
                            row->name, WEFT_OPTION_URLS_MAX);
    char *copy = strdup(text);
    if (copy == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the command line");
    to->at[to->count++] = copy;
    return WEFT_OK;
}

static weft_err add_text(const weft_option *row, const char *text, weft_option_texts *to,
                         weft_why *why)
{
    char name[64];
    if (to->count == WEFT_OPTION_TEXTS_MAX)
        return weft_because(why, WEFT_EINVAL, "%s is given too often, expected at most %d times",
                            shown(row, name), WEFT_OPTION_TEXTS_MAX);
    to->at[to->count++] = text;
    return WEFT_OK;
}

static weft_err add_port(const weft_option *row, const char *text, weft_option_urls *to,
                         weft_why *why)
{
    char url[64];
    uint32_t port = 0;
    const weft_option as_count = {.name = row->name, .min = 0, .max = 65535};
    weft_err err = read_count(&as_count, text, &port, why);
    if (err != WEFT_OK)
        return err;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%" PRIu32, port);
    return add_url(row, url, to, why);
}

weft_err wf_option_value_read(const weft_option *row, const char *text, void *to, weft_why *why)
{
    weft_err err = WEFT_OK;
    switch (row->kind) {
    case WEFT_OPTION_FLAG:
        *(bool *)to = true;
        break;
    case WEFT_OPTION_COUNT:
        return read_count(row, text, to, why);
    case WEFT_OPTION_MS:
        return read_ms(row, text, to, why);
    case WEFT_OPTION_CHOICE:
        return read_choice(row, text, to, why);
    case WEFT_OPTION_LISTEN:
        return add_url(row, text, to, why);
    case WEFT_OPTION_PORT:
        return add_port(row, text, to, why);
    case WEFT_OPTION_CONNECT:
    case WEFT_OPTION_URL:
        err = check_url(row, text,
                        row->kind == WEFT_OPTION_URL ? WEFT_URL_LISTEN : WEFT_URL_CONNECT, why);
        if (err == WEFT_OK)
            *(const char **)to = text;
        break;
    case WEFT_OPTION_TEXT:
        *(const char **)to = text;
        break;
    case WEFT_OPTION_TEXTS:
        return add_text(row, text, to, why);
    case WEFT_OPTION_KIND_COUNT_:
        break;
    }
    return err;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t weft_word_distance(const char *a, const char *b)
{
    /* rows of Damerau's distance; two rows back is what a swap of neighbours needs */
    size_t rows[3][WORD_BYTES_MAX + 1];
    size_t n = strnlen(a, WORD_BYTES_MAX), m = strnlen(b, WORD_BYTES_MAX);

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(row[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}
