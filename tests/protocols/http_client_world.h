/* SPDX-License-Identifier: MIT */
/* The client's tests: a simulation (runtime/kit.h's) with two scripted servers, and one client that asks. */
#ifndef WEFT_TESTS_HTTP_CLIENT_WORLD_H
#define WEFT_TESTS_HTTP_CLIENT_WORLD_H

#include "runtime/kit.h"
#include "script_server.h"

/* sim://server:80 and sim://other:8080. */
extern script_server origin, elsewhere;
extern weft_ref client;

void begin_with(const weft_http_client_config *config, weft_sim_options options);
void begin(const weft_http_client_config *config);
/* Nothing may have leaked. */
void finish(void);

/* Runs until it is answered; without a limit of the asker's. */
const weft_outcome *ask(weft_http_call call);
const weft_outcome *get(const char *url);

#endif
