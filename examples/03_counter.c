/* SPDX-License-Identifier: MIT */
/* A message, a behaviour, a state: an actor that counts. */
/* [counter] */
#include "03_counter.h"

const weft_type counter_total_type = WEFT_TYPE("counter.total", counter_total, NULL);
const weft_type counter_add_type = WEFT_TYPE("counter.add", counter_add, &counter_total_type);

typedef struct counter {
    uint64_t total;
} counter;

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    counter *c = weft_state(self);
    const counter_add *add = weft_body(msg);

    if (add->amount > UINT64_MAX - c->total)
        return weft_fail(msg, WEFT_EINVAL, "the total would overflow");

    c->total += add->amount;
    return weft_reply(msg, counter_total, .value = c->total);
}

static const weft_handler handlers[] = {
    {.type = &counter_add_type, .fn = on_add},
    {0},
};

const weft_behaviour counter_behaviour = {
    .name = "counter", .handlers = handlers, .state_bytes = sizeof(counter)};
/* [/counter] */
