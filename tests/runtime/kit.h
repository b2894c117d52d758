/* SPDX-License-Identifier: MIT */
/* What the tests of the runtime share: an actor that does what a test says, records of what it was told,
 * simulations that must not leak, and reactors that are turned by hand. */
#ifndef WEFT_TESTS_KIT_H
#define WEFT_TESTS_KIT_H

#include "check.h"

#include <weft/testing.h>

enum { RECORD_MAX = 4096, RECORD_WHY = WEFT_WHY_BYTES };

/* A number: the plainest message. */
typedef struct num {
    uint64_t n;
} num;
extern const weft_type num_type;

/* Something an actor is to do: @fn runs in its handler, as the handler. */
typedef weft_err act_fn(weft_actor *self, weft_msg *msg, void *with);
typedef struct act {
    act_fn *fn;
    void *with;
} act;
extern const weft_type act_type;

/* What a puppet was told: numbers, in order; and what it was told of others. */
typedef struct record {
    unsigned n;
    uint64_t got[RECORD_MAX];
    unsigned downs, undelivered;
    weft_down down; /* the last; its sentence stands in @why */
    char why[RECORD_WHY];
    weft_undelivered refused; /* the last */
    weft_err ended;           /* the reason it ended for */
    unsigned ends;
} record;

void record_add(record *r, uint64_t n);
/* An empty one. It lives until the simulation is done: actors write to it when they end. */
record *record_new(void);

/* Does acts; writes numbers, downs and undelivereds into its config, a `record *` or NULL. Its state is
 * for the acts. */
extern const weft_behaviour puppet;
typedef struct puppet_state {
    uint64_t n;
    void *at;
    weft_msg *kept;
    weft_ref ref;
    weft_bytes bytes;
    weft_timer timer;
} puppet_state;

/* ---- the simulation of the test that runs */

extern weft_sim *sim;
void sim_one(void);             /* of one reactor; for a suite's `before` */
void sim_of(unsigned reactors); /* of several; instead of the one there is */
void sim_with(const weft_sim_options *options);
void sim_done(void); /* for a suite's `after`: nothing may have leaked */

weft_ref sim_puppet(record *rec);
weft_ref sim_puppet_on(unsigned reactor, record *rec);
/* Has @who do it, and runs. */
void sim_do(weft_ref who, act_fn *fn, void *with);
/* Has @who do it as a request, whose outcome this is. */
const weft_outcome *sim_ask(weft_ref who, act_fn *fn, void *with);
weft_reactor_stats sim_stats(unsigned reactor);
weft_actor_stats sim_stats_of(weft_ref who);

/* How many cells are taken: Deferreds, timers, monitors. */
uint32_t sim_cells(unsigned reactor);

/* ---- what Deferreds come to */

typedef struct came {
    unsigned fired;
    weft_err err;
    char why[WEFT_WHY_BYTES];
    const weft_type *type;
    const void *body; /* only to be compared: it is gone */
    uint64_t n;       /* of a num */
    size_t index;
    uint32_t at_ms;
} came;
void came_to(weft_actor *self, came *c, const weft_outcome *got);
/* A continuation that writes into the `came` that act.with begins with. */
weft_err on_came(weft_actor *self, weft_msg *msg, const weft_outcome *got);

/* ---- a system turned by hand, on the simulator's driver, without its choices */

struct weft_system *rig_new(unsigned reactors);
void rig_free(struct weft_system **sys);
/* Tells as no actor. */
void rig_do(struct weft_system *sys, weft_ref who, act_fn *fn, void *with);
/* One round of @reactor: its inbox, and turns within one budget. true: work is left. */
bool rig_round(struct weft_system *sys, unsigned reactor);
/* Rounds of all until none has work. */
void rig_settle(struct weft_system *sys);

/* ---- memory */

/* Runs @scenario again and again, with the first taking of memory failing, then the second, ..., until
 * it takes less than that. */
void each_allocation_fails(void (*scenario)(void));

#endif
