/* SPDX-License-Identifier: MIT */
/* Sources as words of a command line: TYPE or TYPE:ARGUMENT. */
#include <string.h>

#include "auth_text.h"

static const struct type {
    const char *name;
    weft_auth_source_kind kind;
    const char *argument; /* what stands behind the colon; NULL: nothing may */
} types[] = {
    {"anonymous", WEFT_AUTH_FROM_ANONYMOUS, NULL},
    {"memory", WEFT_AUTH_FROM_MEMORY, "USER:PASSWORD"},
    {"file", WEFT_AUTH_FROM_FILE, "PATH"},
    {"unix", WEFT_AUTH_FROM_UNIX, NULL},
    {"sshkey", WEFT_AUTH_FROM_SSHKEY, "PATH"},
};

static const struct type *nearest(wf_piece name)
{
    const struct type *best = &types[0];
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t distance = wf_edit_distance(name, types[i].name, least);
        if (distance < least) {
            least = distance;
            best = &types[i];
        }
    }
    return best;
}

static weft_err unknown(wf_piece name, weft_why *why)
{
    const struct type *t = nearest(name);
    return weft_because(why, WEFT_EINVAL, "there is no auth \"%s\"; the nearest is %s%s%s",
                        wf_quote_of(name).text, t->name, t->argument != NULL ? ":" : "",
                        t->argument != NULL ? t->argument : "");
}

static weft_err copy(wf_piece from, const char *what, size_t max, char *out, weft_why *why)
{
    if (from.n >= max)
        return weft_because(why, WEFT_ETOOBIG,
                            "the %s of an auth has %zu bytes, expected at most %zu", what, from.n,
                            max - 1);
    memcpy(out, from.at, from.n);
    return WEFT_OK;
}

static weft_err read_memory(wf_piece argument, weft_auth_source *out, weft_why *why)
{
    wf_piece password, user = wf_piece_until(argument, ':', &password);
    if (user.n == 0 || password.at == NULL || password.n == 0)
        return weft_because(why, WEFT_EINVAL,
                            "the auth memory needs a user and a password, expected "
                            "memory:USER:PASSWORD");
    weft_err err = copy(user, "user", sizeof out->user, out->user, why);
    return err != WEFT_OK ? err
                          : copy(password, "password", sizeof out->password, out->password, why);
}

weft_err weft_auth_source_parse(const char *word, weft_auth_source *out, weft_why *why)
{
    weft_auth_source made = {.kind = WEFT_AUTH_FROM_ANONYMOUS};
    wf_piece argument, name = wf_piece_until((wf_piece){word, strlen(word)}, ':', &argument);
    const struct type *t = NULL;
    weft_err err = WEFT_OK;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (wf_piece_is(name, types[i].name))
            t = &types[i];
    if (t == NULL)
        return unknown(name, why);
    if (t->argument == NULL && argument.at != NULL)
        return weft_because(why, WEFT_EINVAL, "the auth %s takes nothing behind a colon", t->name);
    if (t->argument != NULL && argument.n == 0)
        return weft_because(why, WEFT_EINVAL, "the auth %s needs more, expected %s:%s", t->name,
                            t->name, t->argument);
    made.kind = t->kind;
    if (t->kind == WEFT_AUTH_FROM_MEMORY)
        err = read_memory(argument, &made, why);
    else if (t->argument != NULL)
        err = copy(argument, "path", sizeof made.path, made.path, why);
    if (err == WEFT_OK)
        *out = made;
    explicit_bzero(&made, sizeof made);
    return err;
}
