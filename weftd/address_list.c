/* SPDX-License-Identifier: MIT */
/* Lists of addresses: canonical words, sorted. */
#include "address_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/smtp.h>

enum { WORD_BYTES = WEFT_SMTP_ADDRESS_BYTES + 2 };

/* ---- words */

/* As it is compared: small letters, no quotes around what stands before the @. */
static void canonical(const char *address, char to[WORD_BYTES])
{
    const char *host = strrchr(address, '@');
    const char *end = host != NULL ? host : address + strlen(address);
    bool quoted = address[0] == '"';
    size_t n = 0;
    for (const char *at = address; *at != '\0' && n < WORD_BYTES - 1; at++) {
        if (quoted && at < end && *at == '"')
            continue;
        if (quoted && at + 1 < end && *at == '\\')
            at++;
        to[n++] = *at >= 'A' && *at <= 'Z' ? (char)(*at + ('a' - 'A')) : *at;
    }
    to[n] = '\0';
}

static weft_err put(address_words *words, const char *text)
{
    if (words->count == ADDRESSES_MAX)
        return WEFT_ETOOBIG;
    if (words->count == words->room) {
        size_t room = words->room != 0 ? 2 * words->room : 16;
        char **at = realloc((void *)words->at, room * sizeof *at);
        if (at == NULL)
            return WEFT_ENOMEM;
        words->at = at;
        words->room = room;
    }
    char *word = strdup(text);
    if (word == NULL)
        return WEFT_ENOMEM;
    words->at[words->count++] = word;
    return WEFT_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has(const address_words *words, const char *text)
{
    return words->count != 0 && bsearch((const void *)&text, (const void *)words->at, words->count,
                                        sizeof *words->at, compare) != NULL;
}

/* Sorted, each once. */
static void settle(address_words *words)
{
    size_t kept = 0;
    if (words->count == 0)
        return;
    qsort((void *)words->at, words->count, sizeof *words->at, compare);
    for (size_t i = 1; i < words->count; i++) {
        if (strcmp(words->at[kept], words->at[i]) == 0)
            free(words->at[i]);
        else
            words->at[++kept] = words->at[i];
    }
    words->count = kept + 1;
}

static void drop(address_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->at[i]);
    free((void *)words->at);
    *words = (address_words){.count = 0};
}

/* ---- filling one */

/* errors: EINVAL (no address), ETOOBIG, ENOMEM. */
static weft_err add(address_list *list, const char *text)
{
    char checked[WORD_BYTES], word[WORD_BYTES];
    weft_why why;
    int n = snprintf(checked, sizeof checked, "%s%s", text[0] == '@' ? "x" : "", text);
    if ((size_t)n >= sizeof checked || weft_smtp_address_check(checked, true, &why) != WEFT_OK)
        return WEFT_EINVAL;
    canonical(text, word);
    weft_err err = put(&list->words, word);
    const char *host = strrchr(word, '@');
    const address_words *hosts = &list->hosts;
    /* those of one host often stand together */
    if (err == WEFT_OK && (hosts->count == 0 || strcmp(hosts->at[hosts->count - 1], host) != 0))
        err = put(&list->hosts, host);
    return err;
}

static weft_err refused(weft_err err, const char *where, weft_why *why)
{
    if (err == WEFT_EINVAL)
        return weft_because(why, err, "%s: expected USER@HOST or @HOST", where);
    return weft_because(why, err, "%s: %s, expected at most %d addresses", where,
                        weft_err_text(err), ADDRESSES_MAX);
}

static char *trimmed(char *line)
{
    char *at = line + strspn(line, " \t"), *end = at + strlen(at);
    while (end > at && strchr(" \t\r\n", end[-1]) != NULL)
        *--end = '\0';
    return at;
}

/* @place: the option, the file and the number of the line. */
static weft_err add_line(address_list *list, char *line, size_t n, const char *place, weft_why *why)
{
    char where[256];
    bool broken = strlen(line) != n;
    const char *text = trimmed(line);
    weft_err err = broken                              ? WEFT_EINVAL
                   : text[0] == '\0' || text[0] == '#' ? WEFT_OK
                                                       : add(list, text);
    if (err == WEFT_OK)
        return WEFT_OK;
    (void)snprintf(where, sizeof where, "%s: %.80s", place, text);
    return refused(err, where, why);
}

static weft_err add_file(address_list *list, const char *option, const char *path, weft_why *why)
{
    char place[160], *line = NULL;
    size_t room = 0;
    unsigned long number = 0;
    weft_err err = WEFT_OK;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return weft_because(why, weft_err_from_errno(errno), "--%s-file %.100s: %s", option, path,
                            strerror(errno));
    errno = 0;
    for (ssize_t n; err == WEFT_OK && (n = getline(&line, &room, file)) > 0;) {
        (void)snprintf(place, sizeof place, "--%s-file %.100s, line %lu", option, path, ++number);
        err = add_line(list, line, (size_t)n, place, why);
    }
    if (err == WEFT_OK && feof(file) == 0)
        err =
            weft_because(why, errno != 0 ? weft_err_from_errno(errno) : WEFT_EIO,
                         "--%s-file %.100s: %s", option, path, strerror(errno != 0 ? errno : EIO));
    free(line);
    (void)fclose(file);
    return err;
}

weft_err address_list_fill(address_list *list, const char *option, const weft_option_texts *words,
                           const weft_option_texts *files, weft_why *why)
{
    char where[128];
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < words->count; i++) {
        (void)snprintf(where, sizeof where, "--%s %.80s", option, words->at[i]);
        err = add(list, words->at[i]);
        if (err != WEFT_OK)
            return refused(err, where, why);
    }
    for (size_t i = 0; err == WEFT_OK && i < files->count; i++)
        err = add_file(list, option, files->at[i], why);
    settle(&list->words);
    settle(&list->hosts);
    return err;
}

/* ---- looking */

bool address_list_has(const address_list *list, const char *address)
{
    char word[WORD_BYTES];
    canonical(address, word);
    const char *host = strrchr(word, '@');
    return has(&list->words, word) || (host != NULL && has(&list->words, host));
}

bool address_list_has_host(const address_list *list, const char *address)
{
    char word[WORD_BYTES];
    canonical(address, word);
    const char *host = strrchr(word, '@');
    return host != NULL && has(&list->hosts, host);
}

void address_list_done(address_list *list)
{
    drop(&list->words);
    drop(&list->hosts);
}
