/* SPDX-License-Identifier: MIT */
/* A server in a simulation that says who its clients are: what tests of a listener's policies share. */
#ifndef WEFT_TESTS_ACCEPTING_KIT_H
#define WEFT_TESTS_ACCEPTING_KIT_H

#include <weft/net.h>
#include <weft/stats.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>
#include <weft/url.h>

#include "check.h"

/* What the servers' connections saw, all together. */
typedef struct greeted {
    unsigned opens, closes;
    weft_err reason; /* of the last `closed` */
    char why[96];
    weft_address local, peer; /* as weft_stream_addresses says, when there was data last */
    weft_ref stream;          /* of the last that opened */
} greeted;
extern greeted accepting_seen;
#define seen accepting_seen

/* Greets with "PEER at LOCAL\n", echoes what comes, and closes when "q" comes. Its `busy` is "busy\r\n". */
extern const weft_behaviour greeter;

/* The simulation around a test, with a greeter at "sim://g" and @options. */
extern weft_sim *accepting_sim;
#define sim accepting_sim
void accepting_begin(const char *options);
void accepting_begin_on(unsigned reactors, const char *options);
void accepting_end(void);

/* Connects to sim://g as whom the URL's options say. */
weft_sim_peer *accepting_client(const char *options);
/* The counts of all reactors. */
weft_reactor_stats counted(void);

#endif
