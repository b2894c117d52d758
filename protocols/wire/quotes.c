/* SPDX-License-Identifier: MIT */
/* Texts of quotes: where one ends and the next begins, and which is today's. */
#include "wire_text.h"

#include <string.h>

#include <weft/wire.h>

#define DAY_NS (UINT64_C(86400) * 1000000000)

const char wf_quotes_builtin[] = "Many hands make light work.\n"
                                 "%\n"
                                 "A stitch in time saves nine.\n"
                                 "%\n"
                                 "Measure thrice, cut once.\n"
                                 "%\n"
                                 "Constant dripping wears away the stone.\n"
                                 "%\n"
                                 "A chain is only as strong as its weakest link.\n"
                                 "%\n"
                                 "Festina lente: make haste slowly.\n"
                                 "%\n"
                                 "Look before you leap.\n"
                                 "%\n"
                                 "The cobbler's children go barefoot.\n"
                                 "%\n"
                                 "What is worth doing is worth doing well.\n"
                                 "%\n"
                                 "Every thread counts in the cloth.\n"
                                 "%\n"
                                 "When the well is dry, we know the worth of water.\n"
                                 "%\n"
                                 "Rome was not built in a day.\n"
                                 "%\n"
                                 "He who would climb the ladder must begin at the bottom.\n";

/* The bytes of the line at @at with its end, and whether it is a lone "%". */
static size_t line_bytes(const char *at, bool *parts)
{
    size_t n = strcspn(at, "\n"), text = n > 0 && at[n - 1] == '\r' ? n - 1 : n;
    *parts = text == 1 && at[0] == '%';
    return n + (at[n] == '\n');
}

bool wf_quote_next(const char **at, unsigned *line, wf_quote_place *out)
{
    while (**at != '\0') {
        wf_quote_place quote = {.at = *at, .line = *line};
        bool parts = false;
        while (**at != '\0' && !parts) {
            size_t n = line_bytes(*at, &parts);
            *at += n;
            *line += 1;
            quote.bytes += parts ? 0 : n;
        }
        while (quote.bytes > 0 && strchr("\r\n", quote.at[quote.bytes - 1]) != NULL)
            quote.bytes--;
        if (quote.bytes > 0) {
            *out = quote;
            return true;
        }
    }
    return false;
}

size_t wf_quote_text(const wf_quote_place *quote, char *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i <= quote->bytes; i++) {
        bool end = i == quote->bytes || quote->at[i] == '\n';
        if (!end && quote->at[i] == '\r')
            continue;
        if (end && n++ < max)
            out[n - 1] = '\r';
        if (n++ < max)
            out[n - 1] = end ? '\n' : quote->at[i];
    }
    return n;
}

bool wf_quote_of_day(const char *text, uint64_t wall_ns, wf_quote_place *out)
{
    const char *at = text;
    unsigned line = 1;
    uint64_t count = 0, today;
    while (wf_quote_next(&at, &line, out))
        count++;
    if (count == 0)
        return false;
    today = wall_ns / DAY_NS % count;
    at = text;
    line = 1;
    for (uint64_t i = 0; i <= today; i++)
        (void)wf_quote_next(&at, &line, out);
    return true;
}

static weft_err check_quote(const wf_quote_place *quote, weft_why *why)
{
    unsigned line = quote->line;
    for (size_t i = 0; i < quote->bytes; i++) {
        unsigned char c = (unsigned char)quote->at[i];
        if ((c < ' ' && strchr("\t\r\n", c) == NULL) || c == 0x7f)
            return weft_because(why, WEFT_EINVAL,
                                "line %u has the control character 0x%02x, expected text", line, c);
        line += c == '\n';
    }
    size_t bytes = wf_quote_text(quote, NULL, 0);
    if (bytes > WEFT_WIRE_QUOTE_BYTES_MAX)
        return weft_because(
            why, WEFT_ETOOBIG,
            "the quote at line %u is %zu bytes long as it is sent, expected at most %u",
            quote->line, bytes, WEFT_WIRE_QUOTE_BYTES_MAX);
    return WEFT_OK;
}

weft_err weft_wire_quotes_check(const char *text, weft_why *why)
{
    const char *at = text;
    unsigned line = 1, count = 0;
    wf_quote_place quote;
    for (; wf_quote_next(&at, &line, &quote); count++) {
        weft_err err = check_quote(&quote, why);
        if (err != WEFT_OK)
            return err;
    }
    return count > 0 ? WEFT_OK
                     : weft_because(why, WEFT_EINVAL,
                                    "there is no quote, expected one or more, "
                                    "parted by lines of one \"%%\"");
}
