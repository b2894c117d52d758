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

/* Whoever asked must hear of it: else it would live for nobody. */
static weft_err tell_spawned(weft_msg *msg, weft_ref made)
{
    weft_ref asker = weft_sender(msg);
    bool here = !weft_ref_is_nobody(asker) && weft_remote_node_of(asker) == 0;
    Weft__Ref ref;
    if (!here && wf_export(wf_node_here(), made) == 0)
        return WEFT_ENOMEM;
    weft_ref_to_message(&ref, made);
    return weft_reply(msg, wf_node_spawned, .actor = &ref);
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
    weft_ref owner = weft_ref_of_message(spawn->owner);
    if (spawn->owned && weft_ref_is_nobody(owner))
        return weft_fail(msg, WEFT_EGONE, "who asked for it has no reference here");
    weft_ref made = weft_spawn_apart(offer->behaviour, offer->config, &why);
    if (weft_ref_is_nobody(made))
        return weft_fail(msg, WEFT_ENOMEM, "%s", why.text);
    /* one way: that it ends is for a monitor to say */
    weft_err err = weft_ref_is_nobody(owner) ? WEFT_OK : weft_remote_link(made, owner);
    if (err == WEFT_OK)
        err = tell_spawned(msg, made);
    if (err != WEFT_OK)
        (void)weft_stop_ref(self, made, err); /* of this reactor: it needs no memory */
    return err;
}

weft_ref wf_node_spawned_ref(const weft_type *type, const void *body)
{
    const wf_node_spawned *spawned = body;
    return type == &wf_node_spawned_type ? weft_ref_of_message(spawned->actor) : WEFT_NOBODY;
}

/* ---- the answer, at who asked */

/* One of this node's own answer as those of other spawns are; a link has seen to it already. */
static weft_err spawned_here(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    if (got->type == &weft_spawned_type)
        return WEFT_OK;
    weft_ref ref = wf_node_spawned_ref(got->type, got->body);
    if (weft_ref_is_nobody(ref))
        return WEFT_EGONE;
    *next = weft_succeed(self, weft_spawned, .ref = ref);
    return WEFT_OK;
}

/* The bytes of the number at @at; 0: there is none. */
static size_t number_at(const uint8_t *at, size_t n, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < n && i < 10; i++) {
        *number |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80)
            return i + 1;
    }
    return 0;
}

/* The value of the field at @at, behind its key, and its bytes. NULL: it is malformed. */
static const uint8_t *value_at(const uint8_t *at, size_t n, uint64_t key, size_t *bytes)
{
    uint64_t size = 0;
    size_t used = 0;
    switch (key & 7) {
    case 0:
        size = number_at(at, n, &size);
        break;
    case 1:
        size = 8;
        break;
    case 2:
        used = number_at(at, n, &size);
        size = used != 0 ? size : UINT64_MAX;
        break;
    case 5:
        size = 4;
        break;
    default:
        return NULL;
    }
    *bytes = (size_t)size;
    return size <= n - used && (size != 0 || used != 0) ? at + used : NULL;
}

/* The value of the last field with the key @wanted in a message of @n bytes. NULL: there is none. */
static const uint8_t *field_of(const uint8_t *at, size_t n, uint64_t wanted, size_t *bytes)
{
    const uint8_t *found = NULL, *end = at + n;
    while (at < end) {
        uint64_t key;
        size_t size;
        at += number_at(at, (size_t)(end - at), &key);
        const uint8_t *value = value_at(at, (size_t)(end - at), key, &size);
        if (value == NULL)
            return NULL;
        if (key == wanted) {
            found = value;
            *bytes = size;
        }
        at = value + size;
    }
    return found;
}

uint64_t wf_node_spawned_token(const uint8_t *packed, size_t bytes)
{
    enum { ACTOR_KEY = 1 << 3 | 2, TOKEN_KEY = 6 << 3 | 1 };
    uint64_t token = 0;
    const uint8_t *at = field_of(packed, bytes, ACTOR_KEY, &bytes);
    if (at != NULL)
        at = field_of(at, bytes, TOKEN_KEY, &bytes);
    for (unsigned i = 0; at != NULL && i < 8; i++)
        token |= (uint64_t)at[i] << (8 * i);
    return token;
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
                                     .behaviour = text, .owner = &owner,
                                     .owned = !weft_ref_is_nobody(owner_ref)),
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
