/* SPDX-License-Identifier: MIT */
/* Spawning for other nodes: what the node's actor serves. */
#ifndef WF_NODE_SPAWN_H
#define WF_NODE_SPAWN_H

#include "node.h"

extern const weft_type wf_node_spawn_type, wf_node_spawned_type;
/* Makes the types known. */
WEFT_MUST_USE weft_err wf_node_spawn_types(node *n, weft_why *why);
weft_err wf_node_on_spawn(weft_actor *self, weft_msg *msg);

/* As weft_node_spawn; what is spawned is stopped when @self ends with an error, and when the link to its node is
 * lost. */
WEFT_MUST_USE weft_deferred wf_node_spawn_owned(weft_actor *self, const char *where,
                                                const char *offer, uint32_t limit_ms);

#endif
