/* SPDX-License-Identifier: MIT */
/* Two nodes: one has a counter, the other adds to it, and is told when it goes away.
 *
 *     22_nodes edge-1 unix:/tmp/edge-1            in one terminal
 *     22_nodes edge-2 unix:/tmp/edge-1 5          in another */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "22_nodes.pb-c.h"

/* [types] */
typedef Counter__Add counter_add;
typedef Counter__Total counter_total;
static const weft_type counter_total_type =
    WEFT_TYPE_PROTO("counter.total", counter_total, &counter__total__descriptor, NULL);
static const weft_type counter_add_type =
    WEFT_TYPE_PROTO("counter.add", counter_add, &counter__add__descriptor, &counter_total_type);
/* [/types] */

/* ---- edge-1 has the counter */

static weft_err counter_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "counter");
}

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    uint64_t *total = weft_state(self);
    const counter_add *add = weft_body(msg);
    *total += add->amount;
    return weft_reply(msg, counter_total, .value = *total);
}

static const weft_handler counter_rows[] = {
    {.type = &weft_started_type, .fn = counter_started},
    {.type = &counter_add_type, .fn = on_add},
    {0},
};
static const weft_behaviour counter = {
    .name = "counter", .handlers = counter_rows, .state_bytes = sizeof(uint64_t)};

/* ---- edge-2 adds */

/* [add] */
static weft_err on_added(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    weft_demonitor(self, weft_named(self, "counter@edge-1")); /* that this node leaves is no news */
    if (got->err == WEFT_OK)
        (void)printf("the total is %llu\n",
                     (unsigned long long)((const counter_total *)got->body)->value);
    else
        (void)printf("unable to add: %s%s\n", got->why,
                     got->delivery == WEFT_NOT_DELIVERED ? " (nothing was added)" : "");
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

static weft_err adder_started(weft_actor *self, weft_msg *msg)
{
    const uint64_t *amount = weft_config(self);
    weft_ref there = weft_named(self, "counter@edge-1");
    (void)weft_monitor(self, there); /* weft_down when it, or its node, goes away */
    return weft_when(msg, weft_ask(self, there, counter_add, .amount = *amount), on_added);
}
/* [/add] */

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const weft_down *down = weft_body(msg);
    (void)self;
    (void)fprintf(stderr, "the counter is gone: %s\n", down->why);
    return WEFT_OK;
}

static const weft_handler adder_rows[] = {
    {.type = &weft_started_type, .fn = adder_started},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};
static const weft_behaviour adder = {.name = "adder", .handlers = adder_rows};

/* ---- both */

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: %s edge-1 URL | edge-2 URL AMOUNT\n", argv[0]);
        return 64;
    }
    bool adds = strcmp(argv[1], "edge-1") != 0;
    uint64_t amount = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    /* [node] */
    const weft_node_member edge_1[] = {{.name = "edge-1", .url = argv[2]}, {0}};
    const weft_node_member edge_2[] = {{.name = "edge-2"}, {0}};
    static const weft_node_allow allow[] = {
        {.node = "*", .actor = "counter", .type = &counter_add_type}, {0}};
    const weft_node node = {.name = argv[1],
                            .listen = adds ? NULL : argv[2],
                            .join = adds ? edge_1 : edge_2,
                            .allow = allow};
    weft_why why;
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_node_begin(sys, &node, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", sys != NULL ? why.text : "memory is out");
        weft_system_free(&sys);
        return 69;
    }
    /* [/node] */
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, adds ? &adder : &counter, &amount)))
        return 71;
    return weft_run(&sys);
}
