/* SPDX-License-Identifier: MIT */
/* A server that answers what a test says, whatever it is asked: each request, on whichever connection it
 * comes, gets the next answer. And an asker that reads a streamed answer. */
#ifndef WEFT_TESTS_SCRIPT_SERVER_H
#define WEFT_TESTS_SCRIPT_SERVER_H

#include <weft/http_client.h>
#include <weft/net.h>
#include <weft/testing.h>

typedef enum script_then { SCRIPT_STAY, SCRIPT_CLOSE, SCRIPT_ABORT } script_then;

typedef struct script_answer {
    const void *at;
    size_t n;
    script_then then;  /* behind it */
    uint32_t delay_ms; /* before it */
} script_answer;

enum { SCRIPT_MAX = 64, SCRIPT_GOT_MAX = 1 << 20 };

typedef struct script_server {
    script_answer answers[SCRIPT_MAX];
    unsigned n, next; /* how many there are; the next to be given */
    unsigned conns;   /* that were made, and how many are open */
    unsigned open;
    bool deaf; /* takes nothing of what comes */
    char *got; /* all that came, with a zero behind it */
    size_t got_n;
} script_server;

/* Listens at @url (sim://NAME:PORT), before the first step. */
void script_listen(script_server *s, weft_sim *sim, const char *url);
/* The next answer; @text ends in a zero. */
void script_say(script_server *s, const char *text);
void script_say_then(script_server *s, const char *text, script_then then);
void script_say_bytes(script_server *s, const void *at, size_t n, script_then then);
void script_done(script_server *s);

/* An asker: asks what it is configured with, and reads. */
typedef struct script_asker {
    weft_http_call call;
    weft_ref client;    /* nobody: its reactor's */
    bool open;          /* by weft_http_open */
    const char *upload; /* written then, and ended */
    size_t upload_n;
    bool deaf;  /* keeps what comes */
    bool close; /* aborts the stream when it comes */

    bool answered, ended, closed;
    weft_err err, reason;
    char why[WEFT_WHY_BYTES], closed_why[96];
    weft_http_failure failure;
    int status;
    uint64_t body_bytes;
    uint8_t *got;
    size_t got_n;
    weft_ref actor, stream;
    bool before_answer; /* data came before the answer */
    bool not_written;   /* the upload was refused, or memory was out */
} script_asker;

/* Spawns it; the test runs the simulation. */
void script_ask(script_asker *a, weft_sim *sim);
/* Lets go of what a deaf one keeps, and hears. */
void script_hear(script_asker *a, weft_sim *sim);
/* Has it cancel its ask. */
void script_cancel(script_asker *a, weft_sim *sim);
void script_asked(script_asker *a);

#endif
