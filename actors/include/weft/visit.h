/* SPDX-License-Identifier: MIT */
/** Visiting a node: who is there, and how long it takes to answer, asked by who is no node of its cluster.
 *
 *     weft_ref visitor = weft_spawn(self, &weft_visitor, &(weft_visit){.url = "nng+tcp://127.0.0.1:7000"});
 *     return weft_when(msg, weft_ask(self, visitor, weft_visit_who, 0), on_visited);
 *
 * A visitor connects as a member would, over the same transports and with the same certificates, and says that it only
 * asks. So no member hears of it: nobody is linked, no membership changes, and no node of a name is taken for another
 * life of it. A node that listens answers any visitor: over TLS, any who shows a certificate of the nodes' authority,
 * whatever name that is for. */
#ifndef WEFT_VISIT_H
#define WEFT_VISIT_H

#include <weft/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The config of weft_visitor; it, and what it points to, must live as long as the visitor. */
typedef struct weft_visit {
    const char *url;  /**< where the node listens */
    const char *name; /**< the node that is expected there; NULL: any */
    /** As of weft_node. Over TLS the node's certificate must be for .name or, without one, for the host of the URL. */
    const char *cert, *key, *ca;
    uint32_t limit_ms; /**< what it may take until the node has said who it is; 0: 5,000 */
} weft_visit;

/** Requests to one visitor that may wait for their answers; more are WEFT_EFULL. */
#define WEFT_VISIT_ASKS_MAX 16U

/** Spawn it with a weft_visit: it connects, once, and serves weft_visit_who and weft_visit_ping. When the visit comes
 * to nothing, or is over, it stays, and fails whatever it is asked with the reason:
 * - EREFUSED, EUNREACHABLE, ENONAME, ELOST, ...: those of connecting; the connection was lost later
 * - EINVAL: a URL that is none, or no node's; TLS without a certificate
 * - ETLS: a certificate is not accepted, by either side
 * - EDENIED: another node is there than the one expected; the node refuses the visit
 * - EPROTO: what answers there is no node
 * - EUNSUPPORTED: a node that knows no visitors, or speaks another version
 * - ETIMEDOUT: it took longer than .limit_ms
 * - ESTOPPING: the node is shutting down */
extern const weft_behaviour weft_visitor;

/** Who is there? The reply is weft_visited. */
typedef struct weft_visit_who {
    char nothing;
} weft_visit_who;
typedef struct weft_visited {
    char node[64], cluster[64]; /**< .cluster "": of none */
    uint64_t life;              /**< grows each time the node begins anew */
    uint32_t version;           /**< of what links say */
    char features[128];         /**< what it can do that not all can, by names, ", " between */
    uint64_t ns;                /**< from connecting until it had said so */
} weft_visited;

/** How long does an answer take? The reply is weft_node_pinged, as soon as the node has answered. Limit it with
 * weft_ask_within. */
typedef struct weft_visit_ping {
    char nothing;
} weft_visit_ping;

extern const weft_type weft_visit_who_type, weft_visited_type, weft_visit_ping_type;

#ifdef __cplusplus
}
#endif
#endif
