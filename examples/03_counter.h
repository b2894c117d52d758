/* SPDX-License-Identifier: MIT */
/* What others must know of the counter: its messages, and the behaviour to spawn it with. */
#ifndef EXAMPLE_COUNTER_H
#define EXAMPLE_COUNTER_H

/* [messages] */
#include <weft/weft.h>

/** Adds @amount to the running total. The reply is counter_total. */
typedef struct counter_add {
    uint64_t amount;
} counter_add;

/** The total, after what was asked for. */
typedef struct counter_total {
    uint64_t value;
} counter_total;

extern const weft_type counter_add_type, counter_total_type;
extern const weft_behaviour counter_behaviour;
/* [/messages] */

#endif
