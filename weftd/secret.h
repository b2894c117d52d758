/* SPDX-License-Identifier: MIT */
/* Where a secret comes from: a file, the environment, the terminal, or, for all to see, the command line. */
#ifndef WEFTD_SECRET_H
#define WEFTD_SECRET_H

#include <weft/options.h>

#define SECRET_BYTES_MAX 1023u

typedef struct secret {
    const char *given, *file;
    bool ask;
    char text[SECRET_BYTES_MAX + 1];
} secret;

/* The rows of the secret @word, for a field `field` of @type; @what says whose or what for. */
#define OPTION_ROWS_SECRET(type, field, word, variable, what)                                  \
    {.name = word,                                                                             \
     .kind = WEFT_OPTION_TEXT,                                                                 \
     .value = "TEXT",                                                                          \
     .at = offsetof(type, field.given),                                                        \
     .help = what ", which others see in the list of processes: better one of the next"},      \
        {.name = word "-file",                                                                 \
         .kind = WEFT_OPTION_TEXT,                                                             \
         .value = "FILE",                                                                      \
         .at = offsetof(type, field.file),                                                     \
         .help = "the file whose first line it is; without any of these $" variable " is it"}, \
    {                                                                                          \
        .name = "ask-" word, .kind = WEFT_OPTION_FLAG, .at = offsetof(type, field.ask),        \
        .help = "ask for it at the terminal"                                                   \
    }

/* Finds the secret out: *@out is it, or NULL if there is none. @word is what its rows are named by; @variable, of the
 * environment, is taken out of it. May wait for who is asked; warns of one on the command line. errors: EINVAL (more
 * than one is said, an empty one, a terminal that is none), ETOOBIG, ECANCELLED, those of a file, with a sentence that
 * names the option. */
WEFT_MUST_USE weft_err secret_read(secret *s, const char *word, const char *variable,
                                   const char **out, weft_why *why);

#endif
