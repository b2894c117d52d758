/* SPDX-License-Identifier: MIT */
/* Spawning for other nodes: what the node's actor serves. */
#ifndef WF_NODE_SPAWN_H
#define WF_NODE_SPAWN_H

#include "node.h"

extern const weft_type wf_node_spawn_type, wf_node_spawned_type;
/* Makes the types known. */
WEFT_MUST_USE weft_err wf_node_spawn_types(node *n, weft_why *why);
/* Spawns what @msg asks for. Of what could not be told to who asked, nothing is left. */
weft_err wf_node_on_spawn(weft_actor *self, weft_msg *msg);

/* Who was spawned, as @body, of @type, says, before it goes over a link or when it has come; nobody: it is no
 * answer to a spawn. */
weft_ref wf_node_spawned_ref(const weft_type *type, const void *body);
/* The token in an answer to a spawn that has come, of @bytes, without memory to unpack it. 0: there is none. */
uint64_t wf_node_spawned_token(const uint8_t *packed, size_t bytes);

/* As weft_node_spawn; what is spawned is stopped when @self ends with an error, and when the link to its node is
 * lost. */
WEFT_MUST_USE weft_deferred wf_node_spawn_owned(weft_actor *self, const char *where,
                                                const char *offer, uint32_t limit_ms);

#endif
