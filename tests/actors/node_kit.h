/* SPDX-License-Identifier: MIT */
/* Nodes for tests: systems in one simulated world, each a node that knows the others, with actors that count
 * what they are told. */
#ifndef WEFT_TESTS_NODE_KIT_H
#define WEFT_TESTS_NODE_KIT_H

#include "check.h"

#include <weft/node.h>
#include <weft/testing_stream.h>

#include "node_test.pb-c.h"

enum { KIT_NODES_MAX = 20, KIT_SEEN_MAX = 4096 };

typedef Weft__Test__Count count;
typedef Weft__Test__Blob blob;
typedef Weft__Test__Introduce introduce;
extern const weft_type count_type, blob_type, introduce_type;
/* Those a node may reach on the others, if the test does not say: "counter" and "worker", with any type. */

/* What an actor was told. It lives until the world is done. */
typedef struct seen {
    unsigned n;
    uint64_t got[KIT_SEEN_MAX];
    uint64_t bytes;
    unsigned asks, cancels, downs, restarts, ends;
    weft_err down, ended;
    char why[128];
    weft_ref from;
    weft_msg *kept;
} seen;

/* Counts; answers a count with the same number plus one, a blob with itself; keeps a count of 0 for ever, and
 * fails one of UINT64_MAX. Its config is a `seen`, its name that of @name, if it has one. */
extern const weft_behaviour counter;
typedef struct counter_config {
    seen *seen;
    const char *name;
} counter_config;

/* ---- the world */

typedef struct kit_node {
    weft_sim *sim;
    weft_node config;
    char name[16], url[24];
    seen counter; /* of its actor "counter" */
    counter_config counter_config;
    weft_ref counter_ref;
} kit_node;

extern weft_sim *world;
extern kit_node node_at[KIT_NODES_MAX];
extern weft_node kit_defaults;       /* limits of nodes made from now on */
extern bool kit_strangers;           /* they know nobody at first */
extern unsigned kit_reactors;        /* of each; 0: one */
extern void (*kit_more)(unsigned i); /* what else a node that is made has; NULL: nothing */

/* A world of @n nodes, n0 to n<n-1>, each with a "counter" that all may reach. Nothing has happened yet. */
void world_of(unsigned n, uint64_t seed, const weft_sim_faults *faults);
/* All again nothing; what leaked fails the test. */
void world_done(void);
/* Makes node @i (again). */
void node_start(unsigned i);
/* Kills it; stops it in order. */
void node_crash(unsigned i);
void node_stop(unsigned i);
/* Runs until all are linked; false: they are not within 20 s. */
bool all_linked(void);
bool is_up(unsigned from, unsigned to);
weft_link_info info_of(unsigned from, unsigned to);

/* ---- doing */

/* Has @fn run as a handler of an actor of node @i that is there for this. */
typedef weft_err kit_fn(weft_actor *self, weft_msg *msg, void *with);
void node_do(unsigned i, kit_fn *fn, void *with);
/* The same as a request, which must come to something; it is good until the next. */
const weft_outcome *node_ask_do(unsigned i, kit_fn *fn, void *with);
/* The name @name of node @to, as node @from sees it. */
weft_ref named_at(unsigned from, const char *name, unsigned to);
/* Tells, or asks, the counter of node @to from node @from. */
weft_err tell_counter(unsigned from, unsigned to, uint64_t n);
const weft_outcome *ask_counter(unsigned from, unsigned to, uint64_t n, uint32_t limit_ms);
/* What is in the outcome of a count. */
uint64_t count_of(const weft_outcome *got);

#endif
