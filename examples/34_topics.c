/* SPDX-License-Identifier: MIT */
/* A topic of two nodes: prices come to edge-1, and are shown on both.
 *
 *     34_topics edge-1 unix:/tmp/edge-1            in one terminal
 *     34_topics edge-2 unix:/tmp/edge-1            in another */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

#include "34_topics.pb-c.h"

typedef Market__Price price;
static const weft_type price_type =
    WEFT_TYPE_PROTO("market.price", price, &market__price__descriptor, NULL);

/* [topic] */
static const weft_topic_config here = {.name = "prices", .retain = true};
static const weft_topic_config there = {
    .name = "prices", .retain = true, .source = "prices@edge-1"};

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const weft_topic_config *config = weft_config(self);
    weft_ref prices = weft_spawn(self, &weft_topic, config);
    char item[] = "umbrella";
    (void)msg;
    if (config == &here)
        (void)weft_tell(self, prices, price, .item = item, .cents = 250);
    return weft_tell(self, prices, weft_topic_subscribe, .slow = WEFT_SLOW_DROP_OLDEST);
}
/* [/topic] */

static weft_err on_price(weft_actor *self, weft_msg *msg)
{
    const price *p = weft_body(msg);
    (void)printf("%s: %u cents\n", p->item, p->cents);
    (void)fflush(stdout);
    (void)self;
    return WEFT_OK;
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &price_type, .fn = on_price}, {0}};
static const weft_behaviour watcher = {.name = "watcher", .handlers = rows};

int main(int argc, char **argv)
{
    bool first = argc == 3 && strcmp(argv[1], "edge-1") == 0;
    const weft_node_member edge_1[] = {{.name = "edge-1", .url = argv[2]}, {0}};
    const weft_node_member edge_2[] = {{.name = "edge-2"}, {0}};
    /* [allow] */
    static const weft_node_allow allow[] = {
        {.node = "*", .actor = "prices", .type = &weft_topic_join_type},
        {.node = "*", .actor = "prices", .type = &price_type},
        {0},
    };
    /* [/allow] */
    const weft_node node = {.name = first ? "edge-1" : "edge-2",
                            .listen = first ? argv[2] : NULL,
                            .join = first ? edge_2 : edge_1,
                            .allow = allow};
    weft_why why = {"usage: 34_topics edge-1 URL | edge-2 URL"};
    weft_system *sys = argc == 3 ? weft_system_new(NULL) : NULL;
    if (sys == NULL || weft_node_begin(sys, &node, &why) != WEFT_OK ||
        weft_ref_is_nobody(weft_system_spawn(sys, 0, &watcher, first ? &here : &there))) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 64;
    }
    return weft_run(&sys);
}
