/* SPDX-License-Identifier: MIT */
/* The operator's end of a console: one command and its answer, lines of the standard input and theirs, or a terminal. */
#ifndef WEFTD_OPERATOR_H
#define WEFTD_OPERATOR_H

#include <weft/actor.h>

typedef enum operator_mode { OPERATOR_COMMAND, OPERATOR_LINES, OPERATOR_PEOPLE } operator_mode;

/* What it is spawned with, and what it says of its end. Lives as long as the system. */
typedef struct operator_job {
    operator_mode mode;
    const char *name; /* for messages: "tree" */
    const char *to;   /* a URL; NULL is refused with the sentence that says so */
    const char *line; /* of COMMAND: with its end */
    bool stays;       /* it is answered as long as this side has not ended: a tap */
    /* what comes of it */
    bool failed; /* an answer is an error */
    weft_err err;
} operator_job;

/* Logged at the start by services that let operators in unasked. */
#define OPERATOR_ANYBODY                                                                          \
    "--auth anonymous: whoever comes is an operator, who may look into what runs, change it and " \
    "stop it"

/* How long whoever is at that URL may take to say that it is a console. */
#define OPERATOR_GREETING_MS 10000U

/* Stops the system when it is done. */
extern const weft_behaviour operator_behaviour;

/* 0, 65 (an answer that is an error), 64 (no URL), 69. */
int operator_exit_code(const operator_job *job);

#endif
