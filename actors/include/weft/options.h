/* SPDX-License-Identifier: MIT */
/** The command line as tables: one row an option, read into a field of a struct.
 *
 * Each part of a program (a service, the program itself, what all have) has a struct of its settings and
 * a table of rows that say where each value goes; all are read from the same words, in any order. Nothing
 * here opens or ends anything, and only what has a FILE prints. thread: any; nothing is shared. */
#ifndef WEFT_OPTIONS_H
#define WEFT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_OPTION_URLS_MAX 16

/** The URLs of an option that may be given again and again; its own copies. */
typedef struct weft_option_urls {
    char *at[WEFT_OPTION_URLS_MAX];
    size_t count;
} weft_option_urls;

#define WEFT_OPTION_TEXTS_MAX 16

/** The words of an option that may be given again and again. */
typedef struct weft_option_texts {
    const char *at[WEFT_OPTION_TEXTS_MAX];
    size_t count;
} weft_option_texts;

/** What a value looks like, and the type of its field. */
typedef enum weft_option_kind {
    WEFT_OPTION_FLAG = 1, /**< bool: takes no value */
    WEFT_OPTION_TEXT,     /**< const char *, the word itself; NULL: not given */
    WEFT_OPTION_COUNT,    /**< uint32_t: a decimal number, min to max */
    WEFT_OPTION_MS,       /**< uint32_t, milliseconds: 250ms, 10s, 5m, 1h, off for 0; min to max */
    WEFT_OPTION_CHOICE,   /**< int: the place of the word in words */
    WEFT_OPTION_LISTEN,   /**< weft_option_urls: URLs to listen at */
    WEFT_OPTION_CONNECT,  /**< const char *: a URL to connect to */
    WEFT_OPTION_URL,      /**< const char *: one URL to listen at */
    WEFT_OPTION_PORT,     /**< short for http://127.0.0.1:PORT in the LISTEN row of its field */
    WEFT_OPTION_TEXTS,    /**< weft_option_texts: as TEXT, and may be given 16 times */
    WEFT_OPTION_KIND_COUNT_
} weft_option_kind;

/** A row. */
typedef struct weft_option {
    const char *name; /**< "listen" for --listen VALUE or --listen=VALUE; "FROM" if positional */
    weft_option_kind kind;
    const char *value;        /**< what the value is called in the help: "URL"; NULL for flags */
    const char *unset;        /**< what it is if it is not given, as it would be; NULL: zero */
    size_t at;                /**< the offset of its field */
    const char *help;         /**< one line */
    const char *const *words; /**< of a choice; ends in NULL */
    uint32_t min, max;
    bool positional; /**< takes a word that is no option, TEXTS all; others must be given */
    bool action;     /**< asks for something to be done: no setting */
    /** Letters that are written with one dash and do the same, for programs that take the place of one that has them:
     * "t" for -t. Flags may stand in one word (-ti) and come again; a value stands in the same word or in the next.
     * NULL: none, as usual. */
    const char *letters;
} weft_option;

/** A table of rows (64 at most), which ends in {0}, and the zeroed struct their fields are in. */
typedef struct weft_option_set {
    const weft_option *rows;
    void *to;
    uint64_t given; /**< a bit for each row: it was written, not left to `unset` */
} weft_option_set;

/** The words of the command line and how far they were read. */
typedef struct weft_option_words {
    char **at;
    int count, next;
} weft_option_words;

/** Reads words into the @count @sets, and what was not given from `unset`. With @word_ends the first
 * word that is no option is left unread and ends it, as the name of a service does; what follows it
 * is read by another call, which adds to what was given. errors: EINVAL with a sentence that says
 * what was expected and, for an unknown option, the nearest; ENOMEM. The sets are to be given back
 * in any case. */
WEFT_MUST_USE weft_err weft_options_read(weft_option_set *sets, size_t count,
                                         weft_option_words *words, bool word_ends, weft_why *why);

/** Gives back what the fields hold. */
void weft_options_done(const weft_option_set *set);

/** Writes the settings of @set as lines of YAML, "name: value". */
void weft_options_print_yaml(const weft_option_set *set, FILE *to);

/** Writes a part of a help page: @title and a line for each row; nothing without rows. */
void weft_options_print_help(const char *title, const weft_option *rows, FILE *to);

/** Writes @text as a YAML string: in double quotes, printable, one line. */
void weft_yaml_print_text(const char *text, FILE *to);

/** How many insertions, deletions, replacements and swaps of neighbours lead from one word to the
 * other; long words count by their first 31 bytes. */
size_t weft_word_distance(const char *a, const char *b);

/** What every program has: the rows, and the struct of their fields. */
typedef struct weft_common_settings {
    uint32_t threads;
    int log_level, log_format; /**< a weft_level, a weft_log_format */
    bool print_config, help, version;
} weft_common_settings;
extern const weft_option weft_common_options[];

#ifdef __cplusplus
}
#endif
#endif
