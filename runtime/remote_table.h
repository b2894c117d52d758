/* SPDX-License-Identifier: MIT */
/* The table of other nodes, for the two files that know it. */
#ifndef WF_REMOTE_TABLE_H
#define WF_REMOTE_TABLE_H

#include "remote.h"
#include "sys.h"

/* The upper half of a home: which node, and which life of it. */
enum { LIFE_BITS = 20, LIFE_MAX = (1 << LIFE_BITS) - 1 };
_Static_assert(WEFT_REMOTE_NODES_MAX < 1U << (32 - LIFE_BITS), "a node's number fits a home");

typedef struct remote_node {
    char name[WEFT_NODE_NAME_BYTES]; /* written before its number is given out */
    weft_ref link;                   /* written once, before `takes` is other than 0 */
    _Atomic bool linked;
    _Atomic uint32_t life;     /* 1 to LIFE_MAX, and around */
    _Atomic uint32_t takes;    /* release: whoever reads it sees the link */
    weft_remote_room_fn *room; /* the link's reactor's, as the next */
    void *room_link;
    _Atomic uint64_t queued; /* bytes of messages on their way to the link; of all reactors */
} remote_node;

struct wf_remotes {
    char self[WEFT_NODE_NAME_BYTES];
    _Atomic unsigned n; /* release: names below it are written */
    remote_node node[WEFT_REMOTE_NODES_MAX + 1];
};

/* The row of @node; NULL: it has none. */
static inline remote_node *wf_remote_at(const weft_system *sys, unsigned node)
{
    struct wf_remotes *remotes = sys->remotes;
    return remotes != NULL && node != 0 &&
                   node <= atomic_load_explicit(&remotes->n, memory_order_acquire)
               ? &remotes->node[node]
               : NULL;
}

static inline bool wf_remote_has_link(const remote_node *n)
{
    return n != NULL && atomic_load_explicit(&n->linked, memory_order_acquire);
}

#endif
