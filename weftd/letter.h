/* SPDX-License-Identifier: MIT */
/* The message on the standard input, on its way to a server. */
#ifndef WEFTD_LETTER_H
#define WEFTD_LETTER_H

#include <weft/actor.h>

#include "envelope.h"

typedef struct letter {
    const char *server;   /* its URL; NULL: the mail exchangers of the recipients' domain */
    const char *from;     /* NULL: what the envelope comes to */
    bool read_recipients; /* the header says for whom it is, too */
    envelope envelope;
    weft_smtp_client_config client;
    /* how it ended; until then ESTOPPING, for whoever ends the system before */
    weft_err err;
    bool partly; /* some recipients were refused */
    bool later;  /* one of them for now */
} letter;

/* Its config is a letter that outlives it. Reads the standard input, sends it, says on standard error what went wrong,
 * and ends the system. */
extern const weft_behaviour letter_behaviour;

/* Without a server: whose mail exchangers are asked. errors: EINVAL (the recipients are of several domains). */
WEFT_MUST_USE weft_err letter_route(letter *l, weft_why *why);

#endif
