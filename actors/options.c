/* SPDX-License-Identifier: MIT */
/* Reading the words of a command line into the fields that its tables name. */
#include "option_value.h"

#include <stdlib.h>
#include <string.h>

/* A row and the set it belongs to. */
typedef struct place {
    weft_option_set *set;
    const weft_option *row;
} place;

static uint64_t bit_of(place p)
{
    return UINT64_C(1) << (p.row - p.set->rows);
}

static void *field_of(place p)
{
    return (char *)p.set->to + p.row->at;
}

/* An option's name as it stands in a word, up to its "=". */
static bool is_name(const weft_option *row, const char *name, size_t n)
{
    return !row->positional && strlen(row->name) == n && memcmp(row->name, name, n) == 0;
}

static bool find(weft_option_set *sets, size_t count, const char *word, place *out, weft_why *why)
{
    const char *name = word + 2, *nearest = NULL;
    char text[64];
    size_t n = strcspn(name, "="), best = SIZE_MAX;

    (void)snprintf(text, sizeof text, "%.*s", n < sizeof text ? (int)n : (int)sizeof text - 1,
                   name);
    for (size_t i = 0; i < count; i++)
        for (const weft_option *row = sets[i].rows; row->name != NULL; row++) {
            size_t distance = row->positional ? SIZE_MAX : weft_word_distance(text, row->name);
            if (is_name(row, name, n)) {
                *out = (place){&sets[i], row};
                return true;
            }
            if (distance < best) {
                best = distance;
                nearest = row->name;
            }
        }
    (void)weft_because(why, WEFT_EINVAL, "there is no option --%s; the nearest is --%s", text,
                       nearest != NULL ? nearest : "help");
    return false;
}

/* Whether the row's field has a value already: its own, or one by a shorthand for it. */
static bool has_value(place p)
{
    for (const weft_option *row = p.set->rows; row->name != NULL; row++)
        if (row->at == p.row->at && (p.set->given & bit_of((place){p.set, row})) != 0)
            return true;
    return false;
}

static weft_err set_value(place p, const char *value, weft_why *why)
{
    bool again = p.row->kind == WEFT_OPTION_LISTEN || p.row->kind == WEFT_OPTION_PORT ||
                 p.row->kind == WEFT_OPTION_TEXTS;
    if (!again && has_value(p))
        return weft_because(why, WEFT_EINVAL, "--%s is given twice, expected once", p.row->name);
    weft_err err = wf_option_value_read(p.row, value, field_of(p), why);
    if (err == WEFT_OK)
        p.set->given |= bit_of(p);
    return err;
}

/* A word that begins with two dashes, with its value: behind a "=" or in the next word. */
static weft_err read_option(weft_option_set *sets, size_t count, weft_option_words *words,
                            weft_why *why)
{
    const char *word = words->at[words->next++], *value = strchr(word, '=');
    place p;
    if (!find(sets, count, word, &p, why))
        return WEFT_EINVAL;

    if (p.row->kind == WEFT_OPTION_FLAG) {
        if (value != NULL)
            return weft_because(why, WEFT_EINVAL, "--%s takes no value, it was given \"%.60s\"",
                                p.row->name, value + 1);
        return set_value(p, "", why);
    }
    if (value != NULL)
        return set_value(p, value + 1, why);
    if (words->next == words->count || strncmp(words->at[words->next], "--", 2) == 0)
        return weft_because(why, WEFT_EINVAL, "--%s has no value, expected --%s %s", p.row->name,
                            p.row->name, p.row->value);
    return set_value(p, words->at[words->next++], why);
}

static bool find_letter(weft_option_set *sets, size_t count, char letter, place *out)
{
    for (size_t i = 0; i < count; i++)
        for (const weft_option *row = sets[i].rows; row->name != NULL; row++)
            if (row->letters != NULL && strchr(row->letters, letter) != NULL) {
                *out = (place){&sets[i], row};
                return true;
            }
    return false;
}

/* A word of one dash and letters. Who starts a program by letters adds its own to those that are there: a flag may come
 * again. */
static weft_err read_letters(weft_option_set *sets, size_t count, weft_option_words *words,
                             weft_why *why)
{
    const char *word = words->at[words->next++];
    place p;
    for (const char *at = word + 1; *at != '\0'; at++) {
        if (!find_letter(sets, count, *at, &p))
            return weft_because(why, WEFT_EINVAL,
                                "there is no option %.60s; options have two dashes", word);
        if (p.row->kind != WEFT_OPTION_FLAG) {
            if (at[1] != '\0')
                return set_value(p, at + 1, why);
            if (words->next == words->count)
                return weft_because(why, WEFT_EINVAL, "-%c has no value, expected -%c %s", *at, *at,
                                    p.row->value);
            return set_value(p, words->at[words->next++], why);
        }
        weft_err err = has_value(p) ? WEFT_OK : set_value(p, "", why);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

/* A word that is no option goes to the first positional row that has none yet, or takes all there are. */
static weft_err read_word(weft_option_set *sets, size_t count, const char *word, weft_why *why)
{
    for (size_t i = 0; i < count; i++)
        for (const weft_option *row = sets[i].rows; row->name != NULL; row++) {
            place p = {&sets[i], row};
            if (row->positional &&
                ((sets[i].given & bit_of(p)) == 0 || row->kind == WEFT_OPTION_TEXTS))
                return set_value(p, word, why);
        }
    return weft_because(why, WEFT_EINVAL, "\"%.60s\" is a word too many, expected an option", word);
}

static weft_err set_rest(weft_option_set *set, weft_why *why)
{
    for (const weft_option *row = set->rows; row->name != NULL; row++) {
        place p = {set, row};
        if (has_value(p) || row->unset == NULL)
            continue;
        weft_err err = wf_option_value_read(row, row->unset, field_of(p), why);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

static bool asks_action(const weft_option_set *sets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const weft_option *row = sets[i].rows; row->name != NULL; row++)
            if (row->action && row->kind == WEFT_OPTION_FLAG &&
                *(const bool *)(const void *)((const char *)sets[i].to + row->at))
                return true;
    return false;
}

static weft_err check_positional(weft_option_set *sets, size_t count, weft_why *why)
{
    for (size_t i = 0; i < count; i++)
        for (const weft_option *row = sets[i].rows; row->name != NULL; row++)
            if (row->positional && row->kind != WEFT_OPTION_TEXTS &&
                !has_value((place){&sets[i], row}))
                return weft_because(why, WEFT_EINVAL, "%s is missing: %s", row->name, row->help);
    return WEFT_OK;
}

weft_err weft_options_read(weft_option_set *sets, size_t count, weft_option_words *words,
                           bool word_ends, weft_why *why)
{
    weft_err err = WEFT_OK;
    bool only_words = false;

    while (err == WEFT_OK && words->next < words->count) {
        const char *word = words->at[words->next];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
            words->next++;
        } else if (!only_words && strncmp(word, "--", 2) == 0)
            err = read_option(sets, count, words, why);
        else if (!only_words && word[0] == '-' && word[1] != '\0')
            err = read_letters(sets, count, words, why);
        else if (word_ends)
            return WEFT_OK;
        else
            err = read_word(sets, count, words->at[words->next++], why);
    }
    for (size_t i = 0; err == WEFT_OK && i < count; i++)
        err = set_rest(&sets[i], why);
    /* who asks for help need not know what else must be given */
    if (err == WEFT_OK && !asks_action(sets, count))
        err = check_positional(sets, count, why);
    return err;
}

void weft_options_done(const weft_option_set *set)
{
    for (const weft_option *row = set->rows; row->name != NULL; row++) {
        if (row->kind != WEFT_OPTION_LISTEN)
            continue;
        weft_option_urls *urls = (weft_option_urls *)(void *)((char *)set->to + row->at);
        for (size_t i = 0; i < urls->count; i++)
            free(urls->at[i]);
        urls->count = 0;
    }
}
