/* SPDX-License-Identifier: MIT */
/* What a node says of its links, and of itself when it is asked whether it is there. */
#include "node_report.h"

#include <stdio.h>
#include <string.h>

#include "weft_link.pb-c.h"

const weft_type weft_node_report_type =
    WEFT_TYPE("weft.node_report", weft_node_report, &weft_node_reported_type);
const weft_type weft_node_reported_type = WEFT_TYPE("weft.node_reported", weft_node_reported, NULL);

/* ---- pings */

const weft_type weft_node_pinged_type = WEFT_TYPE("weft.node_pinged", weft_node_pinged, NULL);

typedef Weft__Link__Ping wf_node_ping;
const weft_type wf_node_ping_type = WEFT_TYPE_PROTO(
    "weft.node_ping", wf_node_ping, &weft__link__ping__descriptor, &wf_node_ping_type);

weft_err wf_node_report_types(node *n, weft_why *why)
{
    return wf_types_add_both(n, &wf_node_ping_type, why);
}

weft_err wf_node_on_ping(weft_actor *self, weft_msg *msg)
{
    const wf_node_ping *ping = weft_body(msg);
    (void)self;
    return weft_reply(msg, wf_node_ping, .number = ping->number);
}

/* The number was the time of asking. */
static weft_err pinged(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    uint64_t now_ns = weft_clock_ns(), asked_ns = ((const wf_node_ping *)got->body)->number;
    *next = weft_succeed(self, weft_node_pinged, .ns = now_ns > asked_ns ? now_ns - asked_ns : 0);
    return WEFT_OK;
}

weft_deferred weft_node_ping(weft_actor *self, const char *name, uint32_t limit_ms)
{
    char to[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES];
    if (snprintf(to, sizeof to, NODE_ACTOR_NAME "@%s", name) >= (int)sizeof to)
        return weft_failed(self, WEFT_EINVAL, "a name of a node is too long");
    return weft_then(self,
                     weft_ask_within(self, weft_named(self, to), limit_ms, wf_node_ping,
                                     .number = weft_clock_ns()),
                     pinged);
}

/* ---- links */

weft_err wf_node_on_report(weft_actor *self, weft_msg *msg)
{
    const weft_node_report *report = weft_body(msg);
    const node *n = wf_node_here();
    weft_node_reported *r = weft_scratch(msg, sizeof *r);
    if (r == NULL)
        return WEFT_ENOMEM;
    *r = (weft_node_reported){.n = 0};
    (void)snprintf(r->name, sizeof r->name, "%s", n->me.node);
    (void)snprintf(r->cluster, sizeof r->cluster, "%s", n->me.cluster);
    weft_link_info info;
    for (unsigned i = 0; weft_link_info_at(self, i, &info); i++) {
        r->all++;
        if (i >= report->first && r->n < WEFT_NODE_REPORTED_MAX)
            r->link[r->n++] = info;
    }
    return weft_reply_body(msg, &weft_node_reported_type, r);
}
