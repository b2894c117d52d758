/* SPDX-License-Identifier: MIT */
/** Names that at most one actor of a whole cluster has at a time.
 *
 *     weft_when(msg, weft_claim(self, "billing", WEFT_NO_LIMIT), on_billing);      one of many becomes it
 *     weft_when(msg, weft_find(self, "billing", 5000), on_found);                   the others look it up
 *
 * An actor that claims a name gets it in its own node too (weft_register), and is reached as NAME@NODE by whom
 * the node's allow-list lets. It has the name until it gives it back, ends, or its node can no longer be sure
 * of it: then it is told weft_name_lost, before anybody else can have the name. An actor without a row for that
 * is stopped with WEFT_ELOST. What was under way when a message takes its time is fenced by the term: a number
 * that is higher for each owner of a name than for the one before, so that whoever is written to can refuse
 * what comes with a lower one than it has seen.
 *
 * Who has which name is kept in a store, an actor that speaks the last part of this header: etcd's is
 * <weft/etcd.h>. Where there is no store there are no such names (ENOTFOUND): nodes that merely know each other
 * cannot tell a node that is down from one they cannot reach. */
#ifndef WEFT_REGISTRY_H
#define WEFT_REGISTRY_H

#include <weft/remote.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The name of the registry's actor. */
#define WEFT_REGISTRY_NAME "weft.registry"
/** Names that it knows at most: those that have an owner, or that somebody here claims, seeks or follows. */
#define WEFT_REGISTRY_NAMES_MAX 65536U
/** Claims and searches that wait here, and followers, at most each. */
#define WEFT_REGISTRY_WAITING_MAX 65536U

/** Who has a name. */
typedef struct weft_name_owner {
    char name[WEFT_NAME_BYTES];
    char node[WEFT_NODE_NAME_BYTES]; /**< "": nobody has it */
    weft_ref who;                    /**< NAME@NODE, or the name here */
    uint64_t term;                   /**< of the owner; of nobody: that of the last one known */
} weft_name_owner;

/** The answer of a claim. */
typedef struct weft_claimed {
    uint64_t term; /**< higher than that of each owner before */
} weft_claimed;

/** Told to who had a name and has it no more, though it did not give it back. */
typedef struct weft_name_lost {
    char name[WEFT_NAME_BYTES];
    uint64_t term;
    weft_err
        reason; /**< ELOST: the store could not be asked in time, or took it; ESTOPPING: shut-down */
} weft_name_lost;
extern const weft_type weft_name_owner_type, weft_claimed_type, weft_name_lost_type;

/** Claims the name @name for @self: the Deferred gives weft_claimed. To claim what it has already is no error.
 * @wait_ms: waits that long for it to be free and for the store to be there; 0: asks once; WEFT_NO_LIMIT.
 * A claim that is cancelled may have been granted: weft_unclaim then.
 * errors of the Deferred: EEXISTS (another has it, here or elsewhere: the sentence says where), ETIMEDOUT (it
 * waited), EUNREACHABLE (the store cannot be asked), ENOTFOUND (no registry), EINVAL (no name), ELIMIT,
 * ESTOPPING, ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_claim(weft_actor *self, const char *name, uint32_t wait_ms);

/** Gives it back, or takes back a claim that waits. The name of this node stays until @self ends.
 * errors: as weft_tell_body, EINVAL. thread: in a handler. */
weft_err weft_unclaim(weft_actor *self, const char *name);

/** Who has @name: the Deferred gives weft_name_owner. @wait_ms: waits that long for there to be one; 0: does
 * not wait. It is what this node has heard last: whoever it is may have lost it since.
 * errors of the Deferred: ENOTFOUND (nobody has it, or there is no registry), ETIMEDOUT (it waited),
 * EUNREACHABLE (the store has not been read yet), EINVAL, ELIMIT, ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_find(weft_actor *self, const char *name, uint32_t wait_ms);

/** The Deferred gives weft_name_owner as it is now; each change is told as one, until @self ends.
 * errors of the Deferred: ENOTFOUND (no registry), EINVAL, ELIMIT, ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_follow(weft_actor *self, const char *name);

/* ---- for writers of stores */

/** Makes the registry of @sys, which is a node, with the store @store. It lives on reactor 0.
 * errors: EINVAL (no node), EEXISTS (it has one), ELIMIT, ENOMEM. thread: before start. */
WEFT_MUST_USE weft_err weft_registry_begin(weft_system *sys, weft_ref store, weft_why *why);

/** Asked of a store: let this node have @name, if nobody has it. It is answered within the time that the
 * request has; failed, it was not taken or is given back, whenever that can be.
 * errors: EEXISTS (the sentence says who has it), EUNREACHABLE, ELIMIT, ENOMEM. */
typedef struct weft_store_take {
    char name[WEFT_NAME_BYTES];
    uint64_t claim; /**< random: tells this taking from any other */
} weft_store_take;
typedef struct weft_store_taken {
    uint64_t term;
    uint64_t lease; /**< what it hangs on: see weft_store_lost. Grows */
} weft_store_taken;
/** Asked of a store: @name, taken as @claim, is no longer wanted. Answered when it is gone for certain. */
typedef struct weft_store_give {
    char name[WEFT_NAME_BYTES];
    uint64_t claim;
} weft_store_give;
typedef struct weft_store_given {
    char nothing;
} weft_store_given;
/** Asked of a store at the end: all is given back, nothing more will be taken. */
typedef struct weft_store_close {
    uint32_t grace_ms;
} weft_store_close;
extern const weft_type weft_store_take_type, weft_store_taken_type, weft_store_give_type,
    weft_store_given_type, weft_store_close_type;

/** Told by a store: what hangs on @lease, or on one before it, is lost. It must be told while the store is
 * still certain that nobody else can have it, as long before as owners may take to hear of it. */
typedef struct weft_store_lost {
    uint64_t lease;
} weft_store_lost;
/** Told by a store: @name is @node's since @term; or (@node is "") that of @term and all before are over. */
typedef struct weft_store_owner {
    char name[WEFT_NAME_BYTES];
    char node[WEFT_NODE_NAME_BYTES];
    uint64_t term;
    uint64_t
        claim; /**< of what this store took, and holds: the one of its weft_store_take; else 0 */
} weft_store_owner;
/** Told by a store before and behind all owners there are: of a name that was not told between, what was up to
 * @term is over. */
typedef struct weft_store_read {
    bool whole; /**< behind */
    uint64_t term;
} weft_store_read;
extern const weft_type weft_store_lost_type, weft_store_owner_type, weft_store_read_type;

#ifdef __cplusplus
}
#endif
#endif
