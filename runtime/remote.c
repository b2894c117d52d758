/* SPDX-License-Identifier: MIT */
/* Other nodes: a table of their names, their links and their lives, and references that stand for their actors.
 * See weft/remote.h for who does what. */
#include "remote_table.h"

#include <stdio.h>

#include "alloc.h"
#include "name.h"

/* ---- nodes */

weft_err weft_remote_begin(weft_system *sys, const char *name, weft_why *why)
{
    if (!wf_name_valid(name))
        return weft_because(
            why, WEFT_EINVAL,
            "\"%.64s\" is no name of a node: expected 1 to %u letters, digits and ._-/", name,
            WEFT_NODE_NAME_BYTES - 1);
    if (sys->remotes != NULL)
        return weft_because(why, WEFT_EEXISTS, "this system is the node %s already",
                            sys->remotes->self);
    struct wf_remotes *remotes = wf_reserve(sizeof *remotes);
    if (remotes == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the table of nodes");
    (void)snprintf(remotes->self, sizeof remotes->self, "%s", name);
    sys->remotes = remotes;
    return WEFT_OK;
}

void wf_remotes_free(weft_system *sys)
{
    if (sys->remotes != NULL)
        wf_unreserve(sys->remotes, sizeof *sys->remotes);
    sys->remotes = NULL;
}

const char *weft_remote_self(const weft_system *sys)
{
    return sys->remotes != NULL ? sys->remotes->self : NULL;
}

static unsigned count(const struct wf_remotes *remotes)
{
    return atomic_load_explicit(&remotes->n, memory_order_acquire);
}

static unsigned known(const struct wf_remotes *remotes, const char *name)
{
    for (unsigned i = 1; i <= count(remotes); i++)
        if (strcmp(remotes->node[i].name, name) == 0)
            return i;
    return 0;
}

unsigned weft_remote_node(weft_system *sys, const char *name)
{
    struct wf_remotes *remotes = sys->remotes;
    if (remotes == NULL || !wf_name_valid(name))
        return 0;
    wf_lock_take(sys, &sys->lock);
    unsigned i = known(remotes, name);
    if (i == 0 && count(remotes) < WEFT_REMOTE_NODES_MAX) {
        i = count(remotes) + 1;
        remote_node *n = &remotes->node[i];
        (void)snprintf(n->name, sizeof n->name, "%s", name);
        atomic_store_explicit(&n->life, 1, memory_order_relaxed);
        atomic_store_explicit(&remotes->n, i, memory_order_release);
    }
    wf_lock_give(sys, &sys->lock);
    return i;
}

const char *weft_remote_node_name(const weft_system *sys, unsigned node)
{
    const remote_node *n = wf_remote_at(sys, node);
    return n != NULL ? n->name : NULL;
}

void weft_remote_attach(weft_system *sys, unsigned node, weft_ref link)
{
    remote_node *n = wf_remote_at(sys, node);
    n->link = link;
    atomic_store_explicit(&n->linked, true, memory_order_release);
}

void weft_remote_takes(weft_system *sys, unsigned node, unsigned takes)
{
    atomic_store_explicit(&wf_remote_at(sys, node)->takes, takes, memory_order_release);
}

void weft_remote_direct(weft_system *sys, unsigned node, weft_remote_room_fn *fn, void *link)
{
    remote_node *n = wf_remote_at(sys, node);
    n->room = fn;
    n->room_link = link;
}

void weft_remote_anew(weft_system *sys, unsigned node)
{
    remote_node *n = wf_remote_at(sys, node);
    uint32_t life = atomic_load_explicit(&n->life, memory_order_relaxed);
    atomic_store_explicit(&n->life, life % LIFE_MAX + 1, memory_order_relaxed);
}

/* ---- references */

unsigned weft_remote_node_of(weft_ref ref)
{
    return wf_is_remote(ref.home) && ref.slot != 0 ? (unsigned)(ref.home >> (32 + LIFE_BITS)) : 0;
}

static bool is_name(weft_ref ref)
{
    return (uint32_t)ref.home == WF_HOME_REMOTE_NAME;
}

static uint64_t home_of(unsigned node, uint32_t life, uint32_t kind)
{
    return (uint64_t)((uint32_t)node << LIFE_BITS | life) << 32 | kind;
}

weft_ref weft_remote_ref(const weft_system *sys, unsigned node, uint64_t token)
{
    const remote_node *n = wf_remote_at(sys, node);
    if (n == NULL || (uint32_t)token == 0)
        return WEFT_NOBODY;
    uint32_t life = atomic_load_explicit(&n->life, memory_order_relaxed);
    return (weft_ref){.home = home_of(node, life, WF_HOME_REMOTE),
                      .slot = (uint32_t)token,
                      .gen = (uint32_t)(token >> 32)};
}

bool weft_remote_is_current(const weft_system *sys, weft_ref ref)
{
    const remote_node *n = wf_remote_at(sys, weft_remote_node_of(ref));
    return n != NULL && (is_name(ref) || ((ref.home >> 32) & LIFE_MAX) ==
                                             atomic_load_explicit(&n->life, memory_order_relaxed));
}

const char *weft_remote_name(const weft_system *sys, weft_ref ref)
{
    return is_name(ref) && ref.slot != 0 ? wf_name_text(sys, ref.slot) : NULL;
}

uint64_t weft_remote_token(weft_ref ref)
{
    return (uint64_t)ref.gen << 32 | ref.slot;
}

weft_ref wf_remote_named(weft_system *sys, uint32_t slot, const char *node)
{
    if (sys->remotes != NULL && strcmp(node, sys->remotes->self) == 0)
        return (weft_ref){.home = WF_HOME_NAME, .slot = slot};
    unsigned number = weft_remote_node(sys, node);
    return number != 0 ? (weft_ref){.home = home_of(number, 0, WF_HOME_REMOTE_NAME), .slot = slot}
                       : WEFT_NOBODY;
}

const char *wf_remote_print(weft_ref ref, char text[WEFT_REF_TEXT_BYTES])
{
    if (is_name(ref))
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "name:%u@%u", ref.slot, weft_remote_node_of(ref));
    else
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "<@%u.%u %08x%08x>", weft_remote_node_of(ref),
                       (unsigned)(ref.home >> 32) & LIFE_MAX, ref.gen, ref.slot);
    return text;
}

weft_ref weft_remote_link_to(const weft_system *sys, unsigned node)
{
    const remote_node *n = wf_remote_at(sys, node);
    return wf_remote_has_link(n) ? n->link : WEFT_NOBODY;
}

weft_ref wf_remote_link(const weft_system *sys, weft_ref ref)
{
    const remote_node *n = wf_remote_at(sys, weft_remote_node_of(ref));
    return wf_remote_has_link(n) && weft_remote_is_current(sys, ref) ? n->link : WEFT_NOBODY;
}
