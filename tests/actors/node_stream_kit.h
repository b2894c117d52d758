/* SPDX-License-Identifier: MIT */
/* Actors that own ends of streams between nodes, for tests: each node of the kit has one, with the name "worker". */
#ifndef WEFT_TESTS_NODE_STREAM_KIT_H
#define WEFT_TESTS_NODE_STREAM_KIT_H

#include "node_kit.h"

#include <weft/stream.h>

#include "weft_ref.pb-c.h"

enum { ENDS_MAX = 4 };

/* One end, and what was seen there. */
typedef struct far_end {
    weft_ref stream;
    char log[32]; /* o(pened) d(ata) e(nded) c(losed): runs of one kind as one letter */
    unsigned opens, datas, closes;
    uint64_t got, wrong, sent;
    weft_err reason;
    char why[96];
    weft_address local, peer;
    weft_msg *held;
} far_end;

/* What it does, and has. */
typedef struct far_side {
    /* to do */
    uint64_t total;     /* bytes of the pattern to be sent on what it opens, */
    uint64_t answer;    /* on what is opened to it */
    bool end_when_sent; /* and then ends its side */
    bool close_when_sent;
    bool hold;  /* keeps what comes until let_go */
    bool stays; /* when the other side has ended it does nothing */
    /* seen */
    far_end end[ENDS_MAX]; /* by the order in which they opened, or closed */
    unsigned n;
    weft_node_streamed made[ENDS_MAX]; /* what it asked for */
    unsigned n_made;
    weft_err err; /* or why not */
    char why[WEFT_WHY_BYTES];
    weft_ref self;
    unsigned downs;
    weft_ref told; /* of an introduction */
} far_side;

extern far_side side_at[KIT_NODES_MAX];

/* As world_of, with such an actor on each node; all are linked. */
void stream_world(unsigned n, uint64_t seed, const weft_sim_faults *faults);
/* Makes one (again), with the name @name, on node @i. */
void side_start(unsigned i);
/* A stream from the worker of node @from to the name @name of node @to; what comes of asking for it. */
weft_err open_stream(unsigned from, const char *name, unsigned to);
/* Has @fn run as the worker of node @i. */
void side_do(unsigned i, kit_fn *fn, void *with);
/* Sends what is to be sent on @e, as far as its stream takes it. thread: in a handler of that worker. */
void far_send(weft_actor *self, far_side *s, far_end *e);
/* What it holds back goes on; and is not held back any more. */
void let_go(unsigned i);
/* The byte of the pattern at @at. */
uint8_t far_byte(uint64_t at);

#endif
