/* SPDX-License-Identifier: MIT */
/* --auth as the sources of an auth actor. */
#include "service_auth.h"

#include <stdio.h>
#include <string.h>

static const struct type_row {
    const char *word;
    weft_auth_source_kind kind;
} types[] = {
    {"anonymous", WEFT_AUTH_FROM_ANONYMOUS}, {"memory", WEFT_AUTH_FROM_MEMORY},
    {"file", WEFT_AUTH_FROM_FILE},           {"unix", WEFT_AUTH_FROM_UNIX},
    {"sshkey", WEFT_AUTH_FROM_SSHKEY},       {NULL, (weft_auth_source_kind)0},
};

bool service_auth_has(const service_auth *who, weft_auth_source_kind kind)
{
    for (uint32_t i = 0; i < who->config.count; i++)
        if (who->sources[i].kind == kind)
            return true;
    return false;
}

/* The words of the types in @takes: "memory, file, unix". */
static const char *words_of(unsigned takes, char *to, size_t bytes)
{
    size_t n = 0;
    to[0] = '\0';
    for (const struct type_row *t = types; t->word != NULL; t++)
        if ((takes & 1U << t->kind) != 0)
            n += (size_t)snprintf(to + n, bytes - n, "%s%s", n != 0 ? ", " : "", t->word);
    return to;
}

static weft_err refuse(weft_auth_source_kind kind, unsigned takes, weft_why *why)
{
    char words[64];
    const struct type_row *t = types;
    while (t->kind != kind)
        t++;
    return weft_because(why, WEFT_EINVAL,
                        "--auth %s lets nobody in here, since no client can show it; expected one "
                        "of %s",
                        t->word, words_of(takes, words, sizeof words));
}

weft_err service_auth_read(const weft_option_texts *texts, unsigned takes, service_auth *out,
                           weft_why *why)
{
    for (size_t i = 0; i < texts->count; i++) {
        weft_err err = weft_auth_source_parse(texts->at[i], &out->sources[i], why);
        if (err != WEFT_OK)
            return err;
        weft_auth_source_kind kind = out->sources[i].kind;
        if ((takes & 1U << kind) == 0)
            return refuse(kind, takes, why);
        out->anonymous |= kind == WEFT_AUTH_FROM_ANONYMOUS;
        out->asks |= kind != WEFT_AUTH_FROM_ANONYMOUS;
    }
    /* the realm is the service's to say */
    out->config.sources = out->sources;
    out->config.count = (uint32_t)texts->count;
    return texts->count != 0 ? weft_auth_check(&out->config, why) : WEFT_OK;
}

weft_err service_auth_read_alone(const weft_option_texts *texts, unsigned takes, service_auth *out,
                                 weft_why *why)
{
    weft_err err = service_auth_read(texts, takes, out, why);
    if (err == WEFT_OK && out->anonymous && out->asks)
        return weft_because(
            why, WEFT_EINVAL,
            "--auth anonymous lets everybody in, expected no other --auth beside it");
    return err;
}

weft_err service_auth_settled(const service_auth *who, weft_why *why)
{
    return who->config.count != 0 ? weft_auth_check(&who->config, why) : WEFT_OK;
}
