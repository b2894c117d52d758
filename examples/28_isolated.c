/* SPDX-License-Identifier: MIT */
/* A counter in a process of its own, and a web site that asks it. GET /add/5 adds; GET /add/0 crashes the
 * counter's process: whoever asks it just then is told so, and it begins again. */
#include <inttypes.h>
#include <stdlib.h>
#include <weft/weft.h>

#include "22_nodes.pb-c.h"

/* [counter] */
typedef Counter__Add counter_add;
typedef Counter__Total counter_total;
static const weft_type counter_total_type =
    WEFT_TYPE_PROTO("counter.total", counter_total, &counter__total__descriptor, NULL);
static const weft_type counter_add_type =
    WEFT_TYPE_PROTO("counter.add", counter_add, &counter__add__descriptor, &counter_total_type);

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    uint64_t *total = weft_state(self);
    const counter_add *add = weft_body(msg);
    if (add->amount == 0)
        abort(); /* stands for a bug */
    *total += add->amount;
    return weft_reply(msg, counter_total, .value = *total);
}

static const weft_handler counter_rows[] = {{.type = &counter_add_type, .fn = on_add}, {0}};
static const weft_behaviour counter = {
    .name = "counter", .handlers = counter_rows, .state_bytes = sizeof(uint64_t)};
/* [/counter] */

/* [site] */
static weft_err on_added(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_http_text(msg, 503, "%s%s\n", weft_err_name(got->err),
                              got->delivery == WEFT_NOT_DELIVERED ? ": nothing was added" : "");
    return weft_http_text(msg, 200, "%" PRIu64 "\n", ((const counter_total *)got->body)->value);
}

static weft_err add(weft_actor *self, weft_msg *msg)
{
    uint64_t amount = strtoull(weft_http_param(msg, "amount"), NULL, 10);
    weft_ref there = weft_named(self, "counter");
    return weft_when(msg, weft_ask(self, there, counter_add, .amount = amount), on_added);
}

static const weft_http_route routes[] = {{.route = "GET /add/:amount", .handler = add}, {0}};
/* [/site] */

/* [tree] */
static const weft_child children[] = {
    {.name = "counter", .behaviour = &counter, .isolated = true},
    {.name = "web", .behaviour = &weft_http_site, .config = routes, .listen = "http://127.0.0.1:0"},
    {0},
};
static const weft_supervisor tree = {.restarts_max = 1000, .children = children};

int main(int argc, char **argv)
{
    return weft_main(&(weft_app){.name = "28_isolated", .tree = &tree}, argc, argv);
}
/* [/tree] */
