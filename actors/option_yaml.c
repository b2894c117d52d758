/* SPDX-License-Identifier: MIT */
/* Settings as YAML: one line a setting, texts in double quotes. */
#include <inttypes.h>
#include <string.h>

#include <weft/options.h>

/* Reads one code point of UTF-8; 0 bytes: none begins here. */
static size_t decode(const unsigned char *at, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (n == 0 || at[0] > 0xf4)
        return 0;
    *out = n == 1 ? at[0] : at[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *out = *out << 6 | (at[i] & 0x3f);
    }
    return *out >= least[n] && *out <= 0x10ffff && (*out < 0xd800 || *out > 0xdfff) ? n : 0;
}

/* YAML 1.2 section 5.1, c-printable, less what has a meaning between double quotes. */
static bool is_plain(uint32_t c)
{
    return (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') || (c >= 0xa0 && c < 0xfeff) ||
           (c > 0xfeff && c <= 0xfffd) || c >= 0x10000;
}

void weft_yaml_print_text(const char *text, FILE *to)
{
    (void)putc('"', to);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        uint32_t c;
        size_t n = decode(at, &c);
        if (n == 0)
            c = *at; /* no UTF-8: shown as the character of its number */
        if (c == '"' || c == '\\')
            (void)fprintf(to, "\\%c", (int)c);
        else if (n > 0 && is_plain(c))
            (void)fwrite(at, 1, n, to);
        else if (c <= 0xff)
            (void)fprintf(to, "\\x%02" PRIx32, c);
        else
            (void)fprintf(to, "\\u%04" PRIx32, c);
        at += n > 0 ? n : 1;
    }
    (void)putc('"', to);
}

static void print_ms(uint32_t ms, FILE *to)
{
    if (ms == 0)
        (void)fputs("\"off\"", to); /* bare, it is false */
    else if (ms % 1000 == 0)
        (void)fprintf(to, "%" PRIu32 "s", ms / 1000);
    else
        (void)fprintf(to, "%" PRIu32 "ms", ms);
}

static void print_list(const char *const *at, size_t count, FILE *to)
{
    if (count == 0)
        (void)fputs(" []", to);
    for (size_t i = 0; i < count; i++) {
        (void)fputs("\n  - ", to);
        weft_yaml_print_text(at[i], to);
    }
}

static void print_value(const weft_option *row, const void *field, FILE *to)
{
    const weft_option_urls *urls;
    const weft_option_texts *texts;
    const char *text;
    switch (row->kind) {
    case WEFT_OPTION_FLAG:
        (void)fputs(*(const bool *)field ? " true" : " false", to);
        break;
    case WEFT_OPTION_COUNT:
        (void)fprintf(to, " %" PRIu32, *(const uint32_t *)field);
        break;
    case WEFT_OPTION_MS:
        (void)putc(' ', to);
        print_ms(*(const uint32_t *)field, to);
        break;
    case WEFT_OPTION_CHOICE:
        (void)fprintf(to, " %s", row->words[*(const int *)field]);
        break;
    case WEFT_OPTION_LISTEN:
        urls = field;
        print_list((const char *const *)urls->at, urls->count, to);
        break;
    case WEFT_OPTION_TEXTS:
        texts = field;
        print_list(texts->at, texts->count, to);
        break;
    case WEFT_OPTION_TEXT:
    case WEFT_OPTION_CONNECT:
    case WEFT_OPTION_URL:
        text = *(const char *const *)field;
        (void)putc(' ', to);
        if (text != NULL)
            weft_yaml_print_text(text, to);
        else
            (void)fputs("null", to);
        break;
    case WEFT_OPTION_PORT: /* is part of its WEFT_OPTION_LISTEN row */
    case WEFT_OPTION_KIND_COUNT_:
        break;
    }
}

/* Whether a row before it has the same field: it is another way to give the same. */
static bool is_printed(const weft_option_set *set, const weft_option *row)
{
    for (const weft_option *before = set->rows; before != row; before++)
        if (before->at == row->at && !before->action)
            return true;
    return false;
}

void weft_options_print_yaml(const weft_option_set *set, FILE *to)
{
    for (const weft_option *row = set->rows; row->name != NULL; row++) {
        if (row->action || row->kind == WEFT_OPTION_PORT || is_printed(set, row))
            continue;
        for (const char *c = row->name; *c != '\0'; c++)
            (void)putc(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c, to);
        (void)putc(':', to);
        print_value(row, (const char *)set->to + row->at, to);
        (void)putc('\n', to);
    }
}
