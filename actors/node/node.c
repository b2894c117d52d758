/* SPDX-License-Identifier: MIT */
/* The node: made before start, it has a link for each member, knows who is welcome, and says goodbye. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/net.h>
#include <weft/tls.h>
#include <weft/topic.h>

#include "link.h"
#include "node_report.h"
#include "node_spawn.h"
#include "node_url.h"

node *wf_node_here(void)
{
    return *weft_kept(WEFT_KEPT_NODE);
}

node_link *wf_node_link(const node *n, const char *name)
{
    for (node_link *l = n->links; l != NULL; l = l->next)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}

const char *weft_node_cluster(weft_actor *self)
{
    const node *n = wf_node_here();
    (void)self;
    return n != NULL ? n->me.cluster : NULL;
}

bool weft_node_is_certified(weft_actor *self)
{
    const node *n = wf_node_here(); /* its configuration does not change */
    (void)self;
    return n != NULL && n->config->cert != NULL;
}

const char *weft_node_of(weft_actor *self, weft_ref ref)
{
    const weft_system *sys = weft_system_of(self);
    unsigned number = weft_remote_node_of(ref);
    if (weft_ref_is_nobody(ref))
        return NULL;
    return number != 0 ? weft_remote_node_name(sys, number) : weft_remote_self(sys);
}

/* ---- made before start */

static void node_free(void *kept)
{
    node *n = kept;
    wf_exports_done(n);
    wf_served_done(n);
    wf_map_done(&n->types_known);
    wf_map_done(&n->family);
    weft_arena_free(n->arena);
    for (weft_node_member *m = n->join; m != NULL && m->name != NULL; m++)
        weft_alloc_free((void *)(uintptr_t)m->url);
    weft_alloc_free(n->join);
    weft_alloc_free(n->listen);
    weft_alloc_free(n);
}

static weft_err add_types(node *n, weft_why *why)
{
    weft_err err = wf_node_spawn_types(n, why);
    if (err == WEFT_OK)
        err = wf_node_report_types(n, why);
    if (err == WEFT_OK)
        err = wf_types_add_both(n, &weft_topic_join_type, why);
    for (const weft_node_allow *row = n->config->allow;
         err == WEFT_OK && row != NULL && row->node != NULL; row++)
        if (row->type != NULL && row->type != &weft_opened_type)
            err = wf_types_add_both(n, row->type, why);
    for (const weft_type *const *at = n->config->types; err == WEFT_OK && at != NULL && *at != NULL;
         at++)
        err = wf_types_add_both(n, *at, why);
    return err;
}

static unsigned count_members(const weft_node_member *join)
{
    unsigned count = 0;
    while (join != NULL && join[count].name != NULL)
        count++;
    return count;
}

static weft_err check_member(const weft_node *config, const weft_node_member *m, weft_why *why)
{
    for (const weft_node_member *other = config->join; other != m; other++)
        if (strcmp(m->name, other->name) == 0)
            return weft_because(why, WEFT_EINVAL, "%.64s is a member twice", m->name);
    if (strcmp(m->name, config->name) == 0)
        return weft_because(why, WEFT_EINVAL, "the node %.64s is to join itself", m->name);
    return WEFT_OK;
}

/* A node that only dials would find out with each connection. */
static weft_err check_files(const weft_node *config, weft_why *why)
{
    weft_tls *tls = NULL;
    if (config->cert == NULL && config->ca == NULL)
        return WEFT_OK;
    weft_err err = weft_tls_client(&(weft_tls_config){.certificate_file = config->cert,
                                                      .key_file = config->key,
                                                      .trust_file = config->ca},
                                   &tls, why);
    weft_tls_drop(&tls);
    return err;
}

/* Members, and where the node listens, with URLs that say all that is needed to open them. */
static weft_err complete(node *n, weft_why *why)
{
    weft_err err = check_files(&n->own, why);
    const weft_node_member *given = n->own.join;
    unsigned count = count_members(given);
    if (err != WEFT_OK)
        return err;
    if (n->own.listen != NULL)
        err = wf_node_url(&n->own, n->own.listen, WEFT_URL_LISTEN, NULL, &n->listen, why);
    if (err != WEFT_OK)
        return err;
    n->own.listen = n->listen;
    n->join = weft_alloc_zero((count + 1) * sizeof *n->join);
    if (n->join == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a node");
    for (unsigned i = 0; err == WEFT_OK && i < count; i++) {
        char *url = NULL;
        err = check_member(&n->own, &given[i], why);
        if (err == WEFT_OK && given[i].url != NULL)
            err = wf_node_url(&n->own, given[i].url, WEFT_URL_CONNECT, given[i].name, &url, why);
        n->join[i] = (weft_node_member){.name = given[i].name, .url = url};
    }
    n->own.join = n->join;
    return err;
}

static weft_err node_fill(node *n, weft_system *sys, const weft_node *config, weft_why *why)
{
    n->sys = sys;
    n->own = *config;
    n->config = config = &n->own;
    (void)snprintf(n->me.node, sizeof n->me.node, "%s", config->name);
    (void)snprintf(n->me.cluster, sizeof n->me.cluster, "%s",
                   config->cluster != NULL ? config->cluster : "");
    n->me.features = LINK_FEATURE_STOP | LINK_FEATURE_STREAMS | LINK_FEATURE_UNDELIVERED;
    if (config->cluster != NULL && config->cluster[0] != '\0' && !wf_link_is_name(config->cluster))
        return weft_because(
            why, WEFT_EINVAL,
            "\"%.80s\" is no name of a cluster: expected 1 to %d of A-Z a-z 0-9 . _ - /",
            config->cluster, LINK_NODE_BYTES - 1);
    n->arena = weft_arena_new(NODE_ARENA_BYTES_MAX);
    if (n->arena == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a node");
    weft_err err = complete(n, why);
    return err == WEFT_OK ? add_types(n, why) : err;
}

/* It asks the node's actor to say goodbye before streams are closed, and to wait for what it serves. */
static weft_err node_join(node *n, weft_why *why)
{
    n->ref = weft_system_spawn(n->sys, 0, &wf_node_behaviour, n);
    if (weft_ref_is_nobody(n->ref))
        return weft_because(why, WEFT_ENOMEM, "no memory for a node");
    weft_err made = weft_system_register(n->sys, n->ref, NODE_ACTOR_NAME);
    if (made != WEFT_OK)
        return weft_because(why, made, "the name %s cannot be had", NODE_ACTOR_NAME);
    made = wf_node_add_links(n, why);
    if (made != WEFT_OK)
        return made;
    static const weft_phase asked[] = {WEFT_PHASE_DRAIN, WEFT_PHASE_END};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        weft_err err = weft_on_phase(n->sys, asked[i], n->ref);
        if (err != WEFT_OK)
            return weft_because(why, err, "no room to be asked in the phases of shut-down");
    }
    return WEFT_OK;
}

/* Never what the URL holds besides: the names of files are nobody's business. */
static void say_where(const node *n, const weft_listening *at)
{
    char text[WEFT_NODE_NAME_BYTES + WEFT_URL_BYTES_MAX + 32];
    (void)snprintf(text, sizeof text, "%s listens at %.*s", n->me.node, (int)strcspn(at->url, "?"),
                   at->url);
    weft_system_log(n->sys, WEFT_NOTICE, "weft.node", text);
}

weft_err weft_node_begin(weft_system *sys, const weft_node *config, weft_why *why)
{
    weft_err err = weft_remote_begin(sys, config->name != NULL ? config->name : "", why);
    if (err != WEFT_OK)
        return err;
    node *n = weft_alloc_zero(sizeof *n);
    if (n == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a node");
    weft_system_keep(sys, WEFT_KEPT_NODE, n, node_free);
    err = node_fill(n, sys, config, why);
    if (err == WEFT_OK)
        err = node_join(n, why);
    weft_listening at;
    if (err != WEFT_OK || n->config->listen == NULL)
        return err;
    err = weft_listen_at(sys, n->config->listen, &wf_gate_behaviour, n, &at, why);
    if (err == WEFT_OK)
        err = wf_node_bound(n->config, &at.address, why);
    if (err == WEFT_OK)
        say_where(n, &at);
    return err;
}

/* ---- who is welcome */

static weft_err knock(const node *n, const link_hello *hello, node_link **out, weft_why *why)
{
    *out = wf_node_link(n, hello->node);
    if (strcmp(hello->cluster, n->me.cluster) != 0)
        return weft_because(why, WEFT_EDENIED, "%s is of the cluster \"%s\"; expected \"%s\"",
                            hello->node, hello->cluster, n->me.cluster);
    if (strcmp(hello->node, n->me.node) == 0)
        return weft_because(why, WEFT_EDENIED, "there are two nodes of the name %s", hello->node);
    if (*out == NULL || (*out)->parted)
        return weft_because(why, WEFT_EDENIED, "%s does not know the node %s", n->me.node,
                            hello->node);
    if (n->closing)
        return weft_because(why, WEFT_EDENIED, "%s is shutting down", n->me.node);
    return wf_link_knock(*out, hello, why);
}

static weft_err on_knock(weft_actor *self, weft_msg *msg)
{
    const node *n = wf_node_here();
    weft_why why = {""};
    node_link *l;
    (void)self;
    weft_err err = knock(n, &((const link_knock *)weft_body(msg))->hello, &l, &why);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    link_welcome welcome = {weft_self(l->self)};
    return weft_reply_body(msg, &wf_link_welcome_type, &welcome);
}

static weft_err on_visit(weft_actor *self, weft_msg *msg)
{
    const node *n = wf_node_here();
    (void)self;
    if (n->closing)
        return weft_fail(msg, WEFT_ESTOPPING, "%s is shutting down", n->me.node);
    link_visit_told told = {n->me};
    told.hello.frame_bytes_max = LINK_FRAME_BYTES_MAX;
    told.hello.credit_bytes =
        n->config->credit_bytes != 0 ? n->config->credit_bytes : LINK_CREDIT_BYTES;
    return weft_reply_body(msg, &wf_link_visit_told_type, &told);
}

/* ---- its life */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    node *n = (node *)(uintptr_t)((const weft_started *)weft_body(msg))->config;
    n->self = self;
    n->me.life = weft_wall_ns(self);
    return WEFT_OK;
}

static uint32_t serving(const node *n)
{
    uint32_t sum = 0;
    for (const node_link *l = n->links; l != NULL; l = l->next)
        sum += (uint32_t)l->served.n;
    return sum;
}

static void end_drain(node *n, uint32_t cut)
{
    weft_alarm_clear(&n->drain);
    (void)weft_reply(n->draining, weft_phase_done, .cut = cut);
    weft_drop(&n->draining);
}

void wf_node_drained(node *n)
{
    if (n->draining != NULL && serving(n) == 0)
        end_drain(n, 0);
}

static void drain_is_over(weft_actor *self, void *context)
{
    node *n = context;
    (void)self;
    if (n->draining != NULL)
        end_drain(n, serving(n));
}

static void on_drain(weft_alarm *alarm)
{
    node *n = (node *)(void *)((char *)alarm - offsetof(node, drain));
    weft_enter(n->self, drain_is_over, n);
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    node *n = wf_node_here();
    const weft_phase_begins *begins = weft_body(msg);
    (void)self;
    n->closing = true;
    if (begins->phase == WEFT_PHASE_DRAIN && serving(n) != 0) {
        n->draining = weft_keep(msg);
        /* the rest of the time is for saying goodbye, which tells the others what came of their requests */
        weft_alarm_set(&n->drain, begins->grace_ms / 2, on_drain);
        return WEFT_OK;
    }
    if (begins->phase == WEFT_PHASE_END)
        for (node_link *l = n->links; l != NULL; l = l->next)
            wf_link_leave(l, "this node leaves");
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

/* One that was exported has ended. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)self;
    wf_export_ended(wf_node_here(), ((const weft_down *)weft_body(msg))->who);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &wf_link_knock_type, .fn = on_knock},
    {.type = &wf_link_visit_ask_type, .fn = on_visit},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {.type = &wf_node_spawn_type, .fn = wf_node_on_spawn},
    {.type = &wf_node_join_type, .fn = wf_node_on_join},
    {.type = &wf_node_part_type, .fn = wf_node_on_part},
    {.type = &wf_node_ping_type, .fn = wf_node_on_ping},
    {.type = &weft_node_report_type, .fn = wf_node_on_report},
    {0},
};

static void on_end(weft_actor *self, weft_err reason)
{
    node *n = wf_node_here();
    (void)self, (void)reason;
    if (n == NULL)
        return;
    weft_alarm_clear(&n->drain);
    n->self = NULL;
}

const weft_behaviour wf_node_behaviour = {
    .name = "weft.node", .handlers = handlers, .monitors_max = 1 << 20, .ended = on_end};

weft_err weft_node_adopt(weft_actor *self, const char *name, int fd, bool dials)
{
    weft_system *sys = weft_system_of(self);
    unsigned number = weft_remote_node(sys, name);
    link_adopt adopt = {.fd = fd, .dials = dials};
    weft_ref to = number != 0 ? weft_remote_link_to(sys, number) : WEFT_NOBODY;
    weft_err err =
        weft_ref_is_nobody(to) ? WEFT_ENOTFOUND : weft_event(self, to, &wf_link_adopt_type, &adopt);
    if (err == WEFT_OK)
        weft_remote_takes(sys, number,
                          WEFT_REMOTE_THERE | WEFT_REMOTE_ASKS); /* what is asked now waits */
    else
        (void)close(fd);
    return err;
}

bool weft_link_info_at(weft_actor *self, unsigned index, weft_link_info *out)
{
    const node *n = wf_node_here();
    (void)self;
    const node_link *l = n != NULL ? n->links : NULL;
    for (; l != NULL && (l->parted || index != 0); l = l->next)
        index -= !l->parted;
    if (l == NULL)
        return false;
    *out = (weft_link_info){.name = l->name,
                            .state = l->state,
                            .life = l->peer_life,
                            .ups = l->ups,
                            .round_trip_ms = l->s.round_trip_ms,
                            .asks = (uint32_t)l->asks.n,
                            .serving = (uint32_t)l->served.n,
                            .waiting = l->waiting.n,
                            .credit_bytes = l->s.credit,
                            .records_in = l->s.records_in,
                            .records_out = l->s.records_out,
                            .bytes_in = l->s.bytes_in,
                            .bytes_out = l->s.bytes_out,
                            .lost = l->lost};
    (void)snprintf(out->why, sizeof out->why, "%s", l->why);
    return true;
}
