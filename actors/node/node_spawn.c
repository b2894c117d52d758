/* SPDX-License-Identifier: MIT */
/* Spawning for other nodes: what is offered, by name, and nothing else. */
#include "node_spawn.h"

#include <stdio.h>
#include <string.h>

#include "weft_link.pb-c.h"

typedef Weft__Link__Spawn wf_node_spawn;
typedef Weft__Link__Spawned wf_node_spawned;

const weft_type wf_node_spawned_type =
    WEFT_TYPE_PROTO("weft.node_spawned", wf_node_spawned, &weft__link__spawned__descriptor, NULL);
const weft_type wf_node_spawn_type = WEFT_TYPE_PROTO(
    "weft.node_spawn", wf_node_spawn, &weft__link__spawn__descriptor, &wf_node_spawned_type);

weft_err wf_node_spawn_types(node *n, weft_why *why)
{
    return wf_types_add_both(n, &wf_node_spawn_type, why);
}

static const weft_node_offer *offer_of(const node *n, const char *name)
{
    for (const weft_node_offer *o = n->config->offers; o != NULL && o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

weft_err wf_node_on_spawn(weft_actor *self, weft_msg *msg)
{
    const node *n = wf_node_here();
    const wf_node_spawn *spawn = weft_body(msg);
    const weft_node_offer *offer = offer_of(n, spawn->behaviour);
    weft_why why = {""};
    if (offer == NULL)
        return weft_fail(msg, WEFT_ENOTFOUND, "%s does not offer %.64s", n->me.node,
                         spawn->behaviour);
    weft_ref made = weft_spawn_apart(offer->behaviour, offer->config, &why);
    if (weft_ref_is_nobody(made))
        return weft_fail(msg, WEFT_ENOMEM, "%s", why.text);
    /* one way: that it ends is for a monitor to say */
    weft_ref owner = weft_ref_of_message(spawn->owner);
    weft_err err = weft_ref_is_nobody(owner) ? WEFT_OK : weft_remote_link(made, owner);
    if (err != WEFT_OK) {
        (void)weft_stop_ref(self, made, err);
        return weft_fail(msg, err, "no memory to link it to who asked for it");
    }
    Weft__Ref ref;
    weft_ref_to_message(&ref, made);
    return weft_reply(msg, wf_node_spawned, .actor = &ref);
}

/* The answer as those of other spawns are. */
static weft_err spawned_here(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const wf_node_spawned *spawned = got->body;
    weft_ref ref = weft_ref_of_message(spawned->actor);
    if (weft_ref_is_nobody(ref))
        return WEFT_EGONE;
    *next = weft_succeed(self, weft_spawned, .ref = ref);
    return WEFT_OK;
}

static weft_deferred spawn_for(weft_actor *self, const char *where, const char *offer,
                               weft_ref owner_ref, uint32_t limit_ms)
{
    char name[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES], text[LINK_NODE_BYTES];
    if (snprintf(name, sizeof name, NODE_ACTOR_NAME "@%s", where) >= (int)sizeof name ||
        snprintf(text, sizeof text, "%s", offer) >= (int)sizeof text)
        return weft_failed(self, WEFT_EINVAL, "a name of a node or an offer is too long");
    Weft__Ref owner;
    weft_ref_to_message(&owner, owner_ref);
    return weft_then(self,
                     weft_ask_within(self, weft_named(self, name), limit_ms, wf_node_spawn,
                                     .behaviour = text, .owner = &owner),
                     spawned_here);
}

weft_deferred weft_node_spawn(weft_actor *self, const char *where, const char *offer)
{
    return spawn_for(self, where, offer, WEFT_NOBODY, WEFT_INHERIT);
}

weft_deferred wf_node_spawn_owned(weft_actor *self, const char *where, const char *offer,
                                  uint32_t limit_ms)
{
    return spawn_for(self, where, offer, weft_self(self), limit_ms);
}
