/* SPDX-License-Identifier: MIT */
/* `weftd urls`, from the tables of the URL parsers. */
#include <weft/sp.h>
#include <weft/url.h>

#include "services.h"

static const char *ends_of(const weft_url_option *o)
{
    switch (o->ends) {
    case WEFT_URL_LISTEN:
        return "listen";
    case WEFT_URL_CONNECT:
        return "connect";
    default:
        return "listen and connect";
    }
}

/* "tcp unix": the schemes that have it. */
static void schemes_of(const weft_url_option *o, char *text, size_t bytes)
{
    size_t n = 0;
    const weft_url_scheme *scheme;
    text[0] = '\0';
    for (size_t i = 0; (scheme = weft_url_scheme_at(i)) != NULL; i++) {
        if ((o->schemes & (1U << scheme->scheme)) == 0 || n + 1 >= bytes)
            continue;
        int more = snprintf(text + n, bytes - n, "%s%s", n > 0 ? " " : "", scheme->name);
        n += more > 0 ? (size_t)more : 0;
    }
}

/* "wait, close or refuse", or what values of its kind look like. */
static void kind_of(const weft_url_option *o, char *text, size_t bytes)
{
    const char *word;
    size_t n = (size_t)snprintf(text, bytes, "%s",
                                weft_url_word(o, 0) == NULL ? weft_url_kind_text(o->kind) : "");
    for (size_t i = 0; (word = weft_url_word(o, i)) != NULL && n + 1 < bytes; i++) {
        const char *between = i == 0 ? "" : weft_url_word(o, i + 1) == NULL ? " or " : ", ";
        int more = snprintf(text + n, bytes - n, "%s%s", between, word);
        n += more > 0 ? (size_t)more : 0;
    }
}

void print_urls(FILE *to)
{
    const weft_url_scheme *scheme;
    const weft_url_option *o;
    const weft_sp_form *form;
    char value[32], schemes[64], kind[96];

    (void)fputs("schemes:\n", to);
    for (size_t i = 0; (scheme = weft_url_scheme_at(i)) != NULL; i++)
        (void)fprintf(to, "  %-26s %s\n", scheme->form, scheme->help);

    (void)fputs("\nSP sockets (nanomsg, NNG), of weftd sp and programs:\n", to);
    for (size_t i = 0; (form = weft_sp_form_at(i)) != NULL; i++)
        (void)fprintf(to, "  %-30s %s\n", form->form, form->help);

    (void)fputs("\noptions, written behind the URL as ?NAME=VALUE&NAME=VALUE:\n", to);
    for (size_t i = 0; (o = weft_url_option_at(i)) != NULL; i++) {
        (void)weft_url_default_print(o, value, sizeof value);
        schemes_of(o, schemes, sizeof schemes);
        kind_of(o, kind, sizeof kind);
        (void)fprintf(to, "  %-14s %s [%s]\n", o->name, o->help, value);
        (void)fprintf(to, "  %-14s %s; to %s; %s\n", "", kind, ends_of(o), schemes);
    }
}
