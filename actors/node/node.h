/* SPDX-License-Identifier: MIT */
/* A node, and its links: what they share. All of it lives on reactor 0.
 *
 *    node ──┬── link edge-1 ◀── stream ◀── gate, which has heard a hello, or a connect
 *           ├── link edge-2
 *           └── tables: exports, types */
#ifndef WF_NODE_H
#define WF_NODE_H

#include <weft/edge.h>
#include <weft/node.h>
#include <weft/pack.h>
#include <weft/remote.h>
#include <weft/stream.h>
#include <weft/url.h>
#include <weft/ward.h>

#include <stdatomic.h>

#include "link_map.h"
#include "link_session.h"

enum {
    NODE_EXPORTS_MAX = 65536,
    NODE_TYPES_MAX = 4096,
    NODE_WAITING_BYTES_MAX = 4 << 20,
    NODE_GATES_MAX = 64, /* connections whose hello has not come */
    NODE_VISITS_MAX = 16,
    NODE_REDIAL_MS = 50,
    NODE_REDIAL_MS_MAX = 5000,
    NODE_ARENA_BYTES_MAX = 64 << 20,
    NODE_WATCHED_MAX = 65536, /* monitors of one other node */
    NODE_SERVED_MAX = 65536,  /* requests of one other node */
};

#define NODE_ACTOR_NAME "weft.node"
/* Connections of one address, if the URL does not say: so that no stranger takes all of NODE_GATES_MAX. */
#define NODE_PEER_CONNS_TEXT "32"

typedef struct node_link node_link;
typedef struct served served;
typedef struct watched watched;

typedef struct node {
    weft_actor *self;
    weft_ref ref;
    weft_system *sys;
    weft_node own; /* its configuration; @config is this */
    const weft_node *config;
    link_hello me; /* without its attempt */
    node_link *links;
    link_map tokens;  /* token to its export */
    link_map exports; /* key_of a reference to its export */
    unsigned exported;
    uint64_t exports_ended; /* counts: a token that was good may be no more */
    const weft_type *type[NODE_TYPES_MAX];
    unsigned types;
    link_map family;      /* numbers of nodes that are processes of this program */
    link_map types_known; /* by address: 1, or 3 if references can be nested in it */
    weft_arena *arena;
    weft_node_member *join; /* of @own, as it was completed */
    char *listen;           /* the same */
    served *spare;          /* memory for requests of others, kept */
    unsigned spare_n;
    _Atomic unsigned gates;         /* connections whose hello has not come; of any reactor */
    _Atomic unsigned visits;        /* connections of visitors; of any reactor */
    _Atomic uint64_t full_again_ms; /* when a gate says again that there are too many */
    bool closing;                   /* shut-down: nothing new is asked for */
    weft_msg *draining;             /* the phase that waits for what is served */
    weft_alarm drain;
} node;

/* A number for a reference of this node. */
static inline uint64_t key_of(weft_ref ref)
{
    return ref.home << 54 | (uint64_t)ref.slot << 32 | ref.gen;
}

/* ---- node.c */

extern const weft_behaviour wf_node_behaviour;
/* The node that @sys is; NULL: none. thread: reactor 0's. */
node *wf_node_here(void);
node_link *wf_node_link(const node *n, const char *name);
/* One of the requests that were being served is over. */
void wf_node_drained(node *n);

/* ---- node_members.c */

/* Makes the links to the members of the configuration. errors: EINVAL, ENOMEM. */
WEFT_MUST_USE weft_err wf_node_add_links(node *n, weft_why *why);
weft_err wf_node_on_join(weft_actor *self, weft_msg *msg);
weft_err wf_node_on_part(weft_actor *self, weft_msg *msg);
extern const weft_type wf_node_join_type, wf_node_part_type;

/* Links the node @sys to another process of the same program: what is sent there waits between its lives, and it
 * may reach every name. @m is borrowed until the system is freed. errors: EINVAL, EEXISTS, ENOMEM.
 * thread: before start. */
WEFT_MUST_USE weft_err wf_node_add_family(weft_system *sys, const weft_node_member *m,
                                          weft_why *why);
/* @type, and what answers it, may come. errors: as wf_types_add. thread: before start. */
WEFT_MUST_USE weft_err wf_node_add_type(weft_system *sys, const weft_type *type, weft_why *why);

/* ---- node_types.c */

/* errors: EEXISTS (another type has its name), ELIMIT, and those of weft_pack_check. */
WEFT_MUST_USE weft_err wf_types_add(node *n, const weft_type *type, weft_why *why);
/* Whether references can be nested in bodies of @type, which is known. */
bool wf_types_nest_refs(const node *n, const weft_type *type);
/* With what answers it. */
WEFT_MUST_USE weft_err wf_types_add_both(node *n, const weft_type *type, weft_why *why);
/* The type whose protobuf name is @text[@bytes]; NULL: none is known. */
const weft_type *wf_types_find(const node *n, const char *text, size_t bytes);
/* Whether @peer may send @type (NULL: may watch, as who may send anything) to the name @actor. */
bool wf_node_allows(const node *n, const char *peer, const char *actor, const weft_type *type);

/* ---- node_refs.c */

/* The token that stands for @ref, of this node, at others. 0: nobody, or there is no more room. */
uint64_t wf_export(node *n, weft_ref ref);
/* The same of one that has left before; 0: it has not. */
uint64_t wf_export_known(const node *n, weft_ref ref);
/* Who a token of this node stands for; nobody: it has ended, or there never was one. */
weft_ref wf_exported(const node *n, uint64_t token);
/* Whether @ref, of a stream, can be known by @token, which another node made up. errors: EEXISTS, ELIMIT. */
WEFT_MUST_USE weft_err wf_export_check(const node *n, uint64_t token);
/* From now on it is. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_export_as(node *n, weft_ref ref, uint64_t token);
/* Replaces the references in @body, which is to go to the node of @l, by what can go there.
 * errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_refs_out(node *n, const weft_type *type, void *body, weft_why *why);
/* Replaces those in @body, which came over @l, by what stands for them here. */
void wf_refs_in(const node_link *l, const weft_type *type, void *body);
void wf_exports_done(node *n);
/* An exported actor has ended. */
void wf_export_ended(node *n, weft_ref who);

/* ---- gate.c */

/* Its config is the node. */
extern const weft_behaviour wf_gate_behaviour;
/* Asked of the node: whether a connection that begins with @hello is welcome, and at which link.
 * errors: EDENIED, EEXISTS (there is a better one), EGONE (a newer life of that node is linked). */
typedef struct link_knock {
    link_hello hello;
} link_knock;
typedef struct link_welcome {
    weft_ref link;
} link_welcome;
extern const weft_type wf_link_knock_type, wf_link_welcome_type;
/* Asked of the node by a gate: what it says to a visitor. errors: ESTOPPING. */
typedef struct link_visit_ask {
    char nothing;
} link_visit_ask;
typedef struct link_visit_told {
    link_hello hello;
} link_visit_told;
extern const weft_type wf_link_visit_ask_type, wf_link_visit_told_type;
/* Told to a link by a gate: @stream, which begins with @hello, is about to be handed over to it. */
typedef struct link_handed {
    weft_ref stream;
    link_hello hello;
} link_handed;
extern const weft_type wf_link_handed_type;

#endif
