/* SPDX-License-Identifier: MIT */
/* The command line as tables: one row an option, read into a field of a struct.
 *
 * A service has a struct of its settings and a table of rows that say where each value goes; what
 * all services share is a second such pair. Both are read from the same words, in any order.
 * Nothing here prints, opens or ends anything. */
#ifndef WEFTD_OPTIONS_H
#define WEFTD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/error.h>

enum { OPTION_URLS_MAX = 16 };

/* The URLs of an option that may be given again and again; its own copies. */
typedef struct option_urls {
    char *at[OPTION_URLS_MAX];
    size_t count;
} option_urls;

/* What a value looks like, and the type of its field. */
typedef enum option_kind {
    OPTION_FLAG = 1, /* bool: takes no value */
    OPTION_TEXT,     /* const char *, the word itself; NULL: not given */
    OPTION_COUNT,    /* uint32_t: a decimal number, min to max */
    OPTION_MS,       /* uint32_t, milliseconds: 250ms, 10s, 5m, 1h, or off for 0; min to max */
    OPTION_CHOICE,   /* int: the place of the word in words */
    OPTION_LISTEN,   /* option_urls: URLs to listen at */
    OPTION_CONNECT,  /* const char *: a URL to connect to */
    OPTION_PORT,     /* short for http://127.0.0.1:PORT in the OPTION_LISTEN row of its field */
} option_kind;

typedef struct option {
    const char *name; /* "listen" for --listen VALUE or --listen=VALUE; "FROM" if positional */
    option_kind kind;
    const char *value;        /* what the value is called in the help: "URL"; NULL for flags */
    const char *unset;        /* what it is if it is not given, as it would be; NULL: zero */
    size_t at;                /* the offset of its field */
    const char *help;         /* one line */
    const char *const *words; /* of a choice; ends in NULL */
    uint32_t min, max;
    bool positional; /* takes a word that is no option; must be given */
    bool action;     /* asks for something to be done: no setting */
} option;

/* A table of rows, which ends in {0}, and the zeroed struct their fields are in. */
typedef struct option_set {
    const option *rows;
    void *to;
    uint64_t given; /* a bit for each row: it was written, not left to `unset` */
} option_set;

/* The words of the command line and how far they were read. */
typedef struct option_words {
    char **at;
    int count, next;
} option_words;

/* Reads words into the @count @sets, and what was not given from `unset`. With @word_ends the first
 * word that is no option is left unread and ends it, as the name of a service does; what follows it
 * is read by another call, which adds to what was given. errors: EINVAL with a sentence that says
 * what was expected and, for an unknown option, the nearest; ENOMEM. The sets are to be given back
 * in any case. */
WEFT_MUST_USE weft_err options_read(option_set *sets, size_t count, option_words *words,
                                    bool word_ends, weft_why *why);

/* Gives back what the fields hold. */
void options_done(const option_set *set);

/* Reads one value. errors: EINVAL naming the option and what was expected; ENOMEM. */
WEFT_MUST_USE weft_err option_value_read(const option *row, const char *text, void *to,
                                         weft_why *why);

/* Writes the settings of @set as lines of YAML, "name: value". */
void options_print_yaml(const option_set *set, FILE *to);

/* Writes @text as a YAML string: in double quotes, printable, one line. */
void yaml_print_text(const char *text, FILE *to);

/* How many insertions, deletions, replacements and swaps of neighbours lead from one word to the
 * other; long words count by their first 31 bytes. */
size_t word_distance(const char *a, const char *b);

#endif
