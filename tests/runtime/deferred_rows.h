/* SPDX-License-Identifier: MIT */
/* What Deferreds do, a row a behaviour: each is run here, and the same table is printed by Twisted. */
#ifndef WEFT_TESTS_DEFERRED_ROWS_H
#define WEFT_TESTS_DEFERRED_ROWS_H

#include <weft/weft.h>

enum { ROW_STAGES = 4 };

typedef struct deferred_row {
    const char *name;
    /* What the row is about, made in a handler. What it comes to is written down. */
    weft_deferred (*make)(weft_actor *self);
    /* What happens then, each in a handler of its own. */
    void (*stage[ROW_STAGES])(weft_actor *self);
    uint32_t advance_ms; /* how far the clock goes at the end */
    const char *saw;     /* what is written down in all */
} deferred_row;

/* Ends in { 0 }. */
extern const deferred_row deferred_rows[];

/* Runs @row in a simulation of its own; what was written down, valid until the next. NULL: it leaked. */
const char *deferred_row_run(const deferred_row *row);

#endif
