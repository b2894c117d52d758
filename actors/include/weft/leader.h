/* SPDX-License-Identifier: MIT */
/** Leader election: of the candidates of a name, in all nodes of a cluster, one at a time leads.
 *
 *     static const weft_leader_config config = {.name = "billing"};
 *     weft_ref candidate = weft_spawn(self, &weft_leader, &config);
 *
 *     static weft_err on_leader(weft_actor *self, weft_msg *msg)
 *     {
 *         const weft_leader_changed *leader = weft_body(msg);
 *         if (leader->mine) ... begin, with leader->term as the fence ...
 *
 * A candidate claims its name (<weft/registry.h>) and tells whoever it is for what becomes of that. It is told
 * no more than once for each change, and first that it does not lead any more, before another node's candidate
 * can. */
#ifndef WEFT_LEADER_H
#define WEFT_LEADER_H

#include <weft/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The config of weft_leader; it must live as long as the candidate. */
typedef struct weft_leader_config {
    const char *name; /**< as names of actors are; one candidate of a name on each node */
    weft_ref tell;    /**< who is told; nobody: the parent */
    uint32_t
        rest_ms; /**< after a loss or a resignation, before it is a candidate again; 0: 1,000 */
} weft_leader_config;

/** Spawn it. What it is told or asked that is not of this header goes on to whom it tells: so NAME@NODE of
 * weft_leader_changed reaches the one who leads. It ends with the registry's error if it cannot claim. */
extern const weft_behaviour weft_leader;

/** Who leads now, as far as is known here. */
typedef struct weft_leader_changed {
    bool mine;                       /**< this candidate */
    char node[WEFT_NODE_NAME_BYTES]; /**< "": nobody is known to */
    weft_ref leader;                 /**< its candidate */
    uint64_t term;                   /**< higher than that of any leader before */
} weft_leader_changed;

/** Told to a candidate: if it leads it does not any more; in any case it rests for so long. */
typedef struct weft_leader_resign {
    uint32_t rest_ms; /**< 0: the config's */
} weft_leader_resign;
extern const weft_type weft_leader_changed_type, weft_leader_resign_type;

#ifdef __cplusplus
}
#endif
#endif
