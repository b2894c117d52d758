/* SPDX-License-Identifier: MIT */
/* One end of a stream in a simulation: connects or listens, does what a test says, remembers what
 * came. */
#ifndef WEFT_TESTS_SIM_CLIENT_H
#define WEFT_TESTS_SIM_CLIENT_H

#include <weft/stream.h>
#include <weft/testing.h>

typedef struct sim_client {
    weft_sim *sim;
    weft_ref actor;
    const char *url;
    bool listens, opened, ended, closed;
    weft_err reason; /* of closed */
    char why[96];
    uint8_t *got; /* with a zero behind it */
    size_t got_bytes;
    bool deaf; /* keeps what comes, so that nothing more does */
} sim_client;

/* Connects and runs; @c must live as long as @sim. */
void client_connect(sim_client *c, weft_sim *sim, const char *url);
/* The same, keeping the first that comes. */
void client_connect_deaf(sim_client *c, weft_sim *sim, const char *url);
/* Listens, before the first step; @c becomes the end of the one connection that is made there. */
void client_listen(sim_client *c, weft_sim *sim, const char *url);

/* Sends @n bytes, which must live as long as the client, and runs; what is refused for want of room
 * follows when there is some. */
void client_send(sim_client *c, const void *at, size_t n);
/* Sends a text in pieces of @step bytes, one after the other. */
void client_send_split(sim_client *c, const void *at, size_t n, size_t step);

/* Ends its side behind what it sends; closes; aborts. Each runs. */
void client_end(sim_client *c);
void client_close(sim_client *c);
void client_abort(sim_client *c);

/* Keeps what comes from now on, or lets it go again. Runs. */
void client_set_deaf(sim_client *c, bool deaf);
/* Lets go of what is kept, and keeps the next that comes. Runs. */
void client_hear_once(sim_client *c);

/* Frees what came. */
void client_done(sim_client *c);

#endif
