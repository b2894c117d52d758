/* SPDX-License-Identifier: MIT */
/* The types a node knows by their protobuf names, and who may send them to whom. */
#include <string.h>

#include "node_report.h"
#include "node_spawn.h"
#include "weft_ref.pb-c.h"

const weft_type *wf_types_find(const node *n, const char *text, size_t bytes)
{
    for (unsigned i = 0; i < n->types; i++) {
        const char *name = weft_packed_name(n->type[i]);
        if (strlen(name) == bytes && memcmp(name, text, bytes) == 0)
            return n->type[i];
    }
    return NULL;
}

enum { KNOWN = 1, NESTS_REFS = 2 };

static const link_map_row *row_of(const node *n, const weft_type *type)
{
    return wf_map_at(&n->types_known, (uint64_t)(uintptr_t)type);
}

bool wf_types_nest_refs(const node *n, const weft_type *type)
{
    const link_map_row *row = row_of(n, type);
    return row == NULL || (row->number & NESTS_REFS) != 0;
}

static weft_err remember(node *n, const weft_type *type, weft_why *why)
{
    if (n->types == NODE_TYPES_MAX)
        return weft_because(why, WEFT_ELIMIT, "more than %d types go between nodes",
                            NODE_TYPES_MAX);
    if (wf_map_reserve(&n->types_known) != WEFT_OK)
        return weft_because(why, WEFT_ENOMEM, "no memory for the type %s", type->name);
    bool nests = weft_nests(type, &weft__ref__descriptor);
    wf_map_put(&n->types_known, (uint64_t)(uintptr_t)type)->number =
        nests ? KNOWN | NESTS_REFS : KNOWN;
    n->type[n->types++] = type;
    return WEFT_OK;
}

weft_err wf_types_add(node *n, const weft_type *type, weft_why *why)
{
    if (row_of(n, type) != NULL)
        return WEFT_OK;
    weft_err err = weft_pack_check(type, why);
    if (err != WEFT_OK)
        return err;
    const char *name = weft_packed_name(type);
    const weft_type *other = wf_types_find(n, name, strlen(name));
    if (other != NULL)
        return weft_because(why, WEFT_EEXISTS, "%s and %s are both %.80s between nodes",
                            other->name, type->name, name);
    if (strlen(name) > LINK_ATOM_BYTES_MAX)
        return weft_because(why, WEFT_ELIMIT, "%s: its protobuf name has more than %d bytes",
                            type->name, LINK_ATOM_BYTES_MAX);
    return remember(n, type, why);
}

weft_err wf_types_add_both(node *n, const weft_type *type, weft_why *why)
{
    weft_err err = wf_types_add(n, type, why);
    if (err == WEFT_OK && type->reply != NULL && weft_packs(type->reply))
        err = wf_types_add(n, type->reply, why);
    return err;
}

static bool matches(const weft_node_allow *row, const char *peer, const char *actor,
                    const weft_type *type)
{
    return (strcmp(row->node, "*") == 0 || strcmp(row->node, peer) == 0) &&
           strcmp(row->actor, actor) == 0 &&
           (row->type == NULL || type == NULL || row->type == type);
}

bool wf_node_allows(const node *n, const char *peer, const char *actor, const weft_type *type)
{
    if (type == &wf_node_spawn_type && strcmp(actor, NODE_ACTOR_NAME) == 0)
        return n->config->offers != NULL;
    if (type == &wf_node_ping_type && strcmp(actor, NODE_ACTOR_NAME) == 0)
        return true;
    for (const weft_node_allow *row = n->config->allow; row != NULL && row->node != NULL; row++)
        if (matches(row, peer, actor, type))
            return true;
    return false;
}
