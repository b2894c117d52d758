/* SPDX-License-Identifier: MIT */
/* The members of a node: those of its configuration, and those that join and part while it runs. The link of one
 * that parted stays, without a connection, since references hold its number. */
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "node_url.h"

typedef struct wf_node_join {
    char name[WEFT_NODE_NAME_BYTES], url[WEFT_NODE_URL_BYTES]; /* "": none */
} wf_node_join;
typedef struct wf_node_part {
    char name[WEFT_NODE_NAME_BYTES];
} wf_node_part;
const weft_type weft_node_changed_type = WEFT_TYPE("weft.node_changed", weft_node_changed, NULL);
const weft_type wf_node_join_type =
    WEFT_TYPE("weft.node_join", wf_node_join, &weft_node_changed_type);
const weft_type wf_node_part_type =
    WEFT_TYPE("weft.node_part", wf_node_part, &weft_node_changed_type);

/* ---- before start */

/* Its actor, which takes what is asked before it has begun. */
static weft_err add_link(const node *n, const weft_node_member *m, bool asks, weft_why *why)
{
    unsigned number = weft_remote_node(n->sys, m->name);
    if (number == 0)
        return weft_because(
            why, WEFT_EINVAL,
            "\"%.64s\" is no name of a node: expected 1 to %u letters, digits and ._-/", m->name,
            WEFT_NODE_NAME_BYTES - 1);
    if (!weft_ref_is_nobody(weft_remote_link_to(n->sys, number)))
        return weft_because(why, WEFT_EEXISTS, "there is a node %.64s already", m->name);
    weft_ref made = weft_system_spawn(n->sys, 0, &wf_link_behaviour, m);
    if (weft_ref_is_nobody(made))
        return weft_because(why, WEFT_ENOMEM, "no memory for a link to %s", m->name);
    weft_remote_attach(n->sys, number, made);
    if (asks)
        weft_remote_takes(n->sys, number, WEFT_REMOTE_THERE | WEFT_REMOTE_ASKS);
    return WEFT_OK;
}

weft_err wf_node_add_links(node *n, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (const weft_node_member *m = n->config->join;
         err == WEFT_OK && m != NULL && m->name != NULL; m++)
        err = add_link(n, m, m->url != NULL, why);
    return err;
}

weft_err wf_node_add_family(weft_system *sys, const weft_node_member *m, weft_why *why)
{
    node *n = weft_system_kept(sys, WEFT_KEPT_NODE);
    if (wf_map_reserve(&n->family) != WEFT_OK)
        return weft_because(why, WEFT_ENOMEM, "no memory for a link to %s", m->name);
    weft_err err = add_link(n, m, true, why);
    if (err == WEFT_OK)
        wf_map_put(&n->family, weft_remote_node(sys, m->name))->number = 1;
    return err;
}

weft_err wf_node_add_type(weft_system *sys, const weft_type *type, weft_why *why)
{
    return wf_types_add_both(weft_system_kept(sys, WEFT_KEPT_NODE), type, why);
}

/* ---- joining */

static uint32_t members(const node *n)
{
    uint32_t sum = 0;
    for (const node_link *l = n->links; l != NULL; l = l->next)
        sum += !l->parted && !l->family;
    return sum;
}

static weft_err check_join(const node *n, const wf_node_join *join, weft_why *why)
{
    if (n->closing)
        return weft_because(why, WEFT_ESTOPPING, "%s is shutting down", n->me.node);
    if (strcmp(join->name, n->me.node) == 0)
        return weft_because(why, WEFT_EINVAL, "the node %s is to join itself", join->name);
    return WEFT_OK;
}

/* A link to @name, which has none yet. errors: NULL, with @why and @err. */
static node_link *link_new(node *n, const char *name, weft_err *err, weft_why *why)
{
    unsigned number = weft_remote_node(n->sys, name);
    if (number == 0) {
        *err = weft_because(
            why, WEFT_ELIMIT,
            "\"%.64s\" is no name of a node (1 to %u letters, digits and ._-/), or there "
            "were more than %u",
            name, WEFT_NODE_NAME_BYTES - 1, WEFT_REMOTE_NODES_MAX);
        return NULL;
    }
    weft_ref made = weft_spawn_apart(&wf_link_behaviour, NULL, why);
    weft_actor *actor = weft_here(made);
    if (actor == NULL) {
        *err = WEFT_ENOMEM;
        return NULL;
    }
    wf_link_begin(n, actor, name, NULL);
    weft_remote_attach(n->sys, number, made);
    return weft_state(actor);
}

static void join_link(node_link *l, char *url)
{
    weft_alloc_free(l->url_own);
    l->url = l->url_own = url;
    l->leaving = l->parted = false;
    if (url == NULL || l->state != WEFT_LINK_DOWN)
        return;
    l->redial_ms = 0;
    weft_alarm_clear(&l->redial);
    weft_enter(l->self, wf_link_dial, l);
}

weft_err wf_node_on_join(weft_actor *self, weft_msg *msg)
{
    node *n = wf_node_here();
    const wf_node_join *join = weft_body(msg);
    weft_why why = {""};
    char *url = NULL;
    (void)self;
    weft_err err = check_join(n, join, &why);
    if (err == WEFT_OK && join->url[0] != '\0')
        err = wf_node_url(n->config, join->url, WEFT_URL_CONNECT, join->name, &url, &why);
    node_link *l = err == WEFT_OK ? wf_node_link(n, join->name) : NULL;
    if (l != NULL && l->family)
        err = weft_because(&why, WEFT_EEXISTS, "%s is a process of this program", join->name);
    if (err == WEFT_OK && l == NULL)
        l = link_new(n, join->name, &err, &why);
    if (err != WEFT_OK) {
        weft_alloc_free(url);
        return weft_fail(msg, err, "%s", why.text);
    }
    join_link(l, url);
    return weft_reply(msg, weft_node_changed, .members = members(n));
}

weft_err wf_node_on_part(weft_actor *self, weft_msg *msg)
{
    node *n = wf_node_here();
    const wf_node_part *part = weft_body(msg);
    node_link *l = wf_node_link(n, part->name);
    weft_ref handed;
    (void)self;
    if (l == NULL || l->parted || l->family)
        return weft_fail(msg, WEFT_ENOTFOUND, "%s is no member", part->name);
    handed = l->handed.stream;
    l->handed.stream = WEFT_NOBODY;
    l->parted = true;
    wf_link_leave(l, "it is a member no more");
    wf_link_lost(l, WEFT_EUNREACHABLE, "it is a member no more"); /* it waited for a connection */
    wf_link_publish(l);
    if (!weft_ref_is_nobody(handed))
        (void)weft_abort(l->self, handed, WEFT_OK);
    return weft_reply(msg, weft_node_changed, .members = members(n));
}

/* ---- from outside */

static weft_deferred ask_node(weft_actor *self, const weft_type *type, const void *body)
{
    return weft_ask_body(self, weft_named(self, NODE_ACTOR_NAME), type, body, WEFT_INHERIT);
}

weft_deferred weft_node_join(weft_actor *self, const char *name, const char *url)
{
    wf_node_join join = {.url = ""};
    if (snprintf(join.name, sizeof join.name, "%s", name) >= (int)sizeof join.name ||
        (url != NULL && snprintf(join.url, sizeof join.url, "%s", url) >= (int)sizeof join.url) ||
        (url != NULL && url[0] == '\0'))
        return weft_failed(self, WEFT_EINVAL, "a member's name or its URL is empty or too long");
    return ask_node(self, &wf_node_join_type, &join);
}

weft_deferred weft_node_part(weft_actor *self, const char *name)
{
    wf_node_part part;
    if (snprintf(part.name, sizeof part.name, "%s", name) >= (int)sizeof part.name)
        return weft_failed(self, WEFT_EINVAL, "a member's name is too long");
    return ask_node(self, &wf_node_part_type, &part);
}
