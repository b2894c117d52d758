/* SPDX-License-Identifier: MIT */
/* An SMTP server in a simulation, whose judge and actors of messages do as a test says, and remember. */
#ifndef WEFT_TESTS_SMTP_WORLD_H
#define WEFT_TESTS_SMTP_WORLD_H

#include <weft/smtp.h>
#include <weft/testing_stream.h>

#include "check.h"

enum { SMTP_TEXT_MAX = 1 << 20 };

/* What happened. The last message's, where there are several. */
typedef struct smtp_seen {
    unsigned letters, replied,
        judged;       /* actors of messages that ran; replies; requests of the judge */
    unsigned workers; /* that run now */
    char from[WEFT_SMTP_ADDRESS_BYTES], to[4][WEFT_SMTP_ADDRESS_BYTES], user[WEFT_SMTP_USER_BYTES];
    char helo[WEFT_SMTP_DOMAIN_BYTES];
    uint32_t recipients;
    bool eight_bit, utf8, secure;
    uint64_t bytes; /* of all messages */
    size_t n;
    char text[SMTP_TEXT_MAX]; /* with a zero behind it */
    weft_err closed;          /* what its stream was closed for before it was whole */
} smtp_seen;
extern smtp_seen smtp_saw;

/* How the actor of a message behaves. */
typedef enum smtp_manner {
    SMTP_TAKES,    /* answers when it is whole */
    SMTP_AT_ONCE,  /* before that, with 554 */
    SMTP_NEVER,    /* does not answer */
    SMTP_DEAF,     /* keeps the first piece for good */
    SMTP_GIVES_UP, /* stops in the middle */
    SMTP_BY_EACH,  /* tells of each recipient: the second is refused */
} smtp_manner;
extern smtp_manner smtp_does;
extern bool smtp_knows_nobody; /* there are no users */
extern weft_smtp_config smtp_config;

/* Defaults: a Received line is left out, so that texts are what was sent. */
void smtp_reset(void);
/* Listens at sim://mail. The judge knows no "nobody@", has no room for "full@", is silent for "slow@", refuses the
 * sender "bad@" in its own words. */
weft_sim *smtp_open(const weft_sim_options *options);
/* Takes the ids of messages out of answers; gives the new length. */
size_t smtp_strip(char *came, size_t n);

#endif
