/* SPDX-License-Identifier: MIT */
/* SP sockets in the simulation of the test (kit.h), each with an owner that does as a test says and remembers. */
#ifndef WEFT_TESTS_SP_WORLD_H
#define WEFT_TESTS_SP_WORLD_H

#include <weft/sp.h>
#include <weft/testing_stream.h>

#include "runtime/kit.h"

enum { SP_URLS = 4, SP_TEXT = 8192, SP_KEPT = 128, SP_SIDES = 16 };

/* What an owner does with a message. */
typedef enum sp_manner {
    SP_TAKES,  /* nothing more than to note it */
    SP_ECHOES, /* replies the same bytes */
    SP_SIGNS,  /* replies its name and the same bytes */
    SP_KEEPS,  /* keeps it until sp_let_go */
    SP_FAILS,
    SP_STOPS, /* the whole system */
} sp_manner;

/* A socket and its owner. */
typedef struct sp_side {
    const char *name;
    weft_sp_config config;
    const char *listen[SP_URLS + 1], *dial[SP_URLS + 1];
    sp_manner manner;
    weft_ref owner, socket;
    /* what came: texts, each behind a blank; those of more than 64 bytes as their size */
    char got[SP_TEXT];
    unsigned messages, joined, left;
    uint64_t bytes;
    weft_msg *kept[SP_KEPT];
    unsigned kept_n;
    unsigned downs;
    weft_err ended;
    /* what the last ask came to, and how many have */
    unsigned asked, fired, succeeded;
    weft_err err;
    char why[WEFT_WHY_BYTES];
    char answers[SP_TEXT]; /* of all asks, as in @got */
    weft_sp_sent sent;
    weft_sp_answers survey;
} sp_side;

/* Forgets what was. */
void sp_reset(void);
/* One that listens at, or dials, @url; other fields of @config may be set before sp_begin. */
sp_side *sp_side_new(const char *name, const char *listen, const char *dial);
/* Spawns both, and runs. */
void sp_begin(sp_side *side);
/* Both at once. */
sp_side *sp_listen(const char *name, const char *url);
sp_side *sp_dial(const char *name, const char *url);

/* Asks the socket to send @text, and runs. @limit_ms: 0: the system's. */
void sp_ask(sp_side *side, const char *text, uint32_t limit_ms);
/* The same with @n bytes of a pattern. */
void sp_ask_bytes(sp_side *side, size_t n);
/* Tells it. */
void sp_tell(sp_side *side, const char *text);
/* Cancels the ask that was made last. */
void sp_cancel(sp_side *side);
/* Lets go of the message that was kept first; replies @text if that is not NULL. */
void sp_let_go(sp_side *side, const char *text);
void sp_subscribe(sp_side *side, const char *topic, bool wanted);
weft_sp_counts sp_counts(const sp_side *side);
/* Ends the socket, politely. */
void sp_stop(sp_side *side);

#endif
