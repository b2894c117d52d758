/* SPDX-License-Identifier: MIT */
/* Nodes on several machines, over TLS: each shows a certificate for its name, from the folder it runs in.
 *
 *     40_machines edge-1                       on 10.0.0.1, with ca.pem, edge-1.pem and edge-1.key
 *     40_machines edge-2 --amount 5            on another machine, with ca.pem, edge-2.pem and edge-2.key
 *     40_machines pod --name weft-0            in a cluster whose DNS knows the others */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#include "22_nodes.pb-c.h"

typedef Counter__Add counter_add;
typedef Counter__Total counter_total;
static const weft_type counter_total_type =
    WEFT_TYPE_PROTO("counter.total", counter_total, &counter__total__descriptor, NULL);
static const weft_type counter_add_type =
    WEFT_TYPE_PROTO("counter.add", counter_add, &counter__add__descriptor, &counter_total_type);

/* ---- edge-1 has the counter */

static weft_err counter_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "counter"); /* in its tree it is edge-1/counter */
}

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    uint64_t *total = weft_state(self);
    *total += ((const counter_add *)weft_body(msg))->amount;
    return weft_reply(msg, counter_total, .value = *total);
}

static const weft_handler counter_rows[] = {
    {.type = &weft_started_type, .fn = counter_started},
    {.type = &counter_add_type, .fn = on_add},
    {0},
};
static const weft_behaviour counter_behaviour = {
    .name = "counter", .handlers = counter_rows, .state_bytes = sizeof(uint64_t)};

/* [edge-1] */
static const weft_node_member edge_2_alone[] = {{.name = "edge-2"}, {0}};
static const weft_node_allow may_add[] = {
    {.node = "edge-2", .actor = "counter", .type = &counter_add_type}, {0}};
static const weft_node edge_1 = {.name = "edge-1",
                                 .listen = "nng+tls+tcp://0.0.0.0:7000",
                                 .join = edge_2_alone,
                                 .allow = may_add,
                                 .cert = "edge-1.pem",
                                 .key = "edge-1.key",
                                 .ca = "ca.pem"};
/* [/edge-1] */

static weft_err counter_children(void *settings, weft_children *to, weft_why *why)
{
    static const weft_child counter = {.name = "counter", .behaviour = &counter_behaviour};
    (void)settings;
    return weft_children_add(to, &counter, why);
}

/* ---- edge-2 adds to it */

/* [edge-2] */
static const weft_node_member edge_1_there[] = {
    {.name = "edge-1", .url = "nng+tls+tcp://10.0.0.1:7000"}, {0}};
static const weft_node edge_2 = {.name = "edge-2",
                                 .join = edge_1_there,
                                 .cert = "edge-2.pem",
                                 .key = "edge-2.key",
                                 .ca = "ca.pem"};
/* [/edge-2] */

typedef struct adding {
    uint32_t amount;
} adding;
static adding adding_settings;

static weft_err on_added(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err == WEFT_OK)
        (void)printf("the total is %llu\n",
                     (unsigned long long)((const counter_total *)got->body)->value);
    else
        (void)printf("unable to add: %s\n", got->why);
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

static weft_err adder_started(weft_actor *self, weft_msg *msg)
{
    weft_ref counter = weft_named(self, "counter@edge-1");
    return weft_when(msg, weft_ask(self, counter, counter_add, .amount = adding_settings.amount),
                     on_added);
}

static const weft_handler adder_rows[] = {{.type = &weft_started_type, .fn = adder_started}, {0}};
static const weft_behaviour adder_behaviour = {.name = "adder", .handlers = adder_rows};

static weft_err adder_children(void *settings, weft_children *to, weft_why *why)
{
    static const weft_child adder = {
        .name = "adder", .behaviour = &adder_behaviour, .restart = WEFT_RESTART_NEVER};
    (void)settings;
    return weft_children_add(to, &adder, why);
}

static const weft_option adder_options[] = {
    {.name = "amount",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "1",
     .at = offsetof(adding, amount),
     .max = UINT32_MAX,
     .help = "is added"},
    {0},
};

/* ---- a pod is one of as many as there are */

typedef struct pod_settings {
    const char *name, *listen;
    char cert[80], key[80];
} pod_settings;
static pod_settings pod_words;
static weft_node pod;

static const weft_option pod_options[] = {
    {.name = "name",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(pod_settings, name),
     .help = "the host name of the pod"},
    {.name = "listen",
     .kind = WEFT_OPTION_URL,
     .value = "URL",
     .unset = "nng+tls+tcp://0.0.0.0:7000",
     .at = offsetof(pod_settings, listen),
     .help = "where the others connect"},
    {0},
};

static weft_err pod_check(void *settings, weft_why *why)
{
    pod_settings *s = settings;
    if (s->name == NULL)
        return weft_because(why, WEFT_EINVAL, "expected --name NAME");
    (void)snprintf(s->cert, sizeof s->cert, "%.63s.pem", s->name);
    (void)snprintf(s->key, sizeof s->key, "%.63s.key", s->name);
    pod = (weft_node){.name = s->name,
                      .cluster = "orchestra",
                      .listen = s->listen,
                      .cert = s->cert,
                      .key = s->key,
                      .ca = "ca.pem"};
    return WEFT_OK;
}

/* [dns] */
static const weft_members_dns_config dns = {.service = "_weft._tcp.weft.default.svc.cluster.local"};
static const weft_child members = {
    .name = "members", .behaviour = &weft_members_dns, .config = &dns};
/* [/dns] */

static weft_err pod_children(void *settings, weft_children *to, weft_why *why)
{
    (void)settings;
    return weft_children_add(to, &members, why);
}

/* [app] */
int main(int argc, char **argv)
{
    static const weft_service services[] = {
        {.name = "edge-1", .node = &edge_1, .children = counter_children},
        {.name = "edge-2",
         .node = &edge_2,
         .children = adder_children,
         .options = adder_options,
         .settings = &adding_settings},
        {.name = "pod",
         .node = &pod,
         .children = pod_children,
         .options = pod_options,
         .settings = &pod_words,
         .check = pod_check},
        {0},
    };
    return weft_main(
        &(weft_app){
            .name = "40_machines", .choose = true, .services = services, .admin = &weft_console},
        argc, argv);
}
/* [/app] */
