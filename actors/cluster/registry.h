/* SPDX-License-Identifier: MIT */
/* The registry: what its files share. All of it is one actor's.
 *
 *     claim ──▶ registry ── take, give ──▶ store ┄┄▶ the cluster
 *     find, follow ─▶ │ ◀── owners, lost ──┘
 *
 * A name, as this node has to do with it:
 *
 *     IDLE ── somebody claims it, and nobody is known to have it ──▶ TAKING ── taken ──▶ IDLE, with an owner here
 *      ▲ └── the owner ended, or gave it back; the claim was let go of meanwhile ──▶ GIVING ─┐
 *      └─────────────────────────────── the store says that it is gone ─────────────────────┘
 *
 * A taking may come to the store after it was given back: it is asked for again when an answer is lost, on another
 * connection. So a name that the store says is this node's, by a claim nobody here makes, is given back too. */
#ifndef WF_REGISTRY_H
#define WF_REGISTRY_H

#include <weft/edge.h>
#include <weft/registry.h>
#include <weft/timer.h>

enum {
    REGISTRY_BUCKETS = 4096,
    REGISTRY_TAKE_MS = 5000,  /* what the store may take for one taking */
    REGISTRY_RETRY_MS = 1000, /* a claim that waits is tried again */
};

typedef struct registry_name registry_name;

/* A claim or a search that waits: in the scratch memory of its message. */
typedef struct waiter {
    struct waiter *next;           /* of its name, in the order of coming */
    struct waiter *after, *before; /* of all */
    registry_name *name;
    weft_msg *msg; /* kept */
    weft_timer timer;
    weft_ref who; /* nobody: it is a search */
    uint32_t id;
    bool waits; /* for the name to be free; else it is asked for once */
} waiter;

typedef struct follower {
    struct follower *next; /* of its name */
    weft_ref who;
} follower;

typedef enum name_state { NAME_IDLE, NAME_TAKING, NAME_GIVING } name_state;

struct registry_name {
    registry_name *next;       /* in its bucket */
    registry_name *next_owned; /* of those that an actor of this node has */
    char text[WEFT_NAME_BYTES];
    char node[WEFT_NODE_NAME_BYTES]; /* who has it, as heard last; "": nobody */
    uint64_t term;                   /* of that one, or of the last one */
    bool told;                       /* since the store began to tell all */
    name_state state;
    waiter *claims, *finds;
    const waiter *taking; /* whose claim is being taken; NULL: it was let go of */
    weft_ref owner;       /* of this node; nobody: none */
    uint64_t claim, owned_term, lease;
    uint64_t orphan; /* a claim of this node that came to have it, and that nobody makes; 0: none */
    registry_name *next_retry;
    bool retrying; /* it is on the list of those that the next tick looks at */
    bool asked;    /* the store, who has not answered */
    follower *followers;
};

typedef struct registry {
    weft_actor *self;
    weft_ref store;
    char node[WEFT_NODE_NAME_BYTES];
    registry_name *bucket[REGISTRY_BUCKETS];
    registry_name *owned;
    registry_name *retry;
    waiter *waiters;
    uint32_t names, waiting, followers, last_id;
    uint64_t lost; /* the last lease that is no more */
    bool read;     /* the store has been read once */
    bool closing;
} registry;

/* What is asked of the registry. */
typedef struct registry_claim {
    char name[WEFT_NAME_BYTES];
    uint32_t wait_ms;
} registry_claim;
typedef registry_claim registry_find;
typedef struct registry_named {
    char name[WEFT_NAME_BYTES];
} registry_named;

/* ---- registry_table.c: names, who waits for them, who follows them */

/* The name @text; NULL: nobody has to do with it. */
registry_name *wf_registry_known(const registry *r, const char *text);
/* The same, made if it is new. errors: NULL: ELIMIT, ENOMEM, in *@err. */
registry_name *wf_registry_name(registry *r, const char *text, weft_err *err);
/* Forgets @n if nobody has to do with it any more. */
void wf_registry_forget(registry *r, registry_name *n);
/* Keeps @msg, which wants @n, for @wait_ms, unless that is WEFT_NO_LIMIT. errors: ELIMIT, ENOMEM. */
WEFT_MUST_USE weft_err wf_registry_wait(registry *r, registry_name *n, weft_msg *msg, weft_ref who,
                                        uint32_t wait_ms);
/* Lets go of @w, which was answered. */
void wf_registry_served(registry *r, waiter *w);
waiter *wf_registry_waiter(const registry *r, uint32_t id);
/* The kept message that is no longer wanted; NULL: none of ours. */
waiter *wf_registry_cancelled(const registry *r, const weft_msg *msg);
weft_name_owner wf_registry_owner(weft_actor *self, const registry *r, const registry_name *n);
/* @n has another owner since @term ("": none). Tells who wants to know. */
void wf_registry_set_owner(registry *r, registry_name *n, const char *node, uint64_t term);
/* Whether @who follows any name. */
bool wf_registry_follows(const registry *r, weft_ref who);
void wf_registry_table_done(registry *r);

/* ---- registry_claim.c: claims, and what the store makes of them */

weft_err wf_registry_on_claim(weft_actor *self, weft_msg *msg);
weft_err wf_registry_on_unclaim(weft_actor *self, weft_msg *msg);
/* A while has passed: what was left for later is tried again. */
void wf_registry_retry(registry *r);
/* Asks the store for @n, if somebody wants it who may have it. */
void wf_registry_step(registry *r, registry_name *n);
/* @w is no longer wanted, or its time has passed. It is still to be answered, if so. */
void wf_registry_claim_over(registry_name *n, const waiter *w);
/* The store says that @claim of this node has @n; 0: it is another's, or nobody's. */
void wf_registry_orphan(registry_name *n, uint64_t claim);
/* The owner of @n, of this node, has it no more, and is told so if it has not ended. */
void wf_registry_lose(registry *r, registry_name *n, weft_err reason);
void wf_registry_lose_all(registry *r, uint64_t lease, weft_err reason);
/* An actor of this node has ended. */
void wf_registry_owner_ended(registry *r, weft_ref who);

/* ---- registry.c */

extern const weft_type wf_registry_claim_type, wf_registry_find_type, wf_registry_follow_type,
    wf_registry_unclaim_type, wf_registry_late_type, wf_registry_tick_type;

typedef struct registry_late {
    uint32_t id;
} registry_late;

#endif
