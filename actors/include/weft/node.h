/* SPDX-License-Identifier: MIT */
/** Nodes: systems that reach each other's actors.
 *
 *     weft_ref counter = weft_named(self, "counter@edge-1");
 *     return weft_when(msg, weft_ask(self, counter, counter_add, .amount = 1), on_added);
 *
 * A reference does not say where its actor lives. weft_tell, weft_ask, weft_reply, weft_fail, weft_forward,
 * weft_cancel, weft_monitor, weft_link and weft_room work across nodes as they do within one, with these
 * differences:
 * - bodies are protobuf messages (WEFT_TYPE_PROTO); a plain struct is refused with WEFT_ETYPE. References in
 *   bodies are `weft.Ref`
 * - a tell is WEFT_EUNREACHABLE while there is no link to the node, and WEFT_EFULL while too much is on its
 *   way there. An ask waits within its time for room, and for the first connection
 * - when a link is lost, every ask that went over it fails with WEFT_ELOST, and says in weft_outcome.delivery
 *   whether the request surely had arrived, surely not, or may have; every monitor of an actor there is told
 *   weft_down. References are good again when the link is, unless the node began anew (WEFT_EGONE)
 * - a name is reached only by whom the allow-list lets; any other actor only by who was given its reference,
 *   which cannot be guessed
 * - at most once, and in the order of sending for one sender and one receiver, as long as the link lasts
 * - weft_stop_ref wants a reference that was given, not a name (WEFT_EUNSUPPORTED); that it was not reached, a
 * monitor says
 * - streams have an end on each node: weft_node_stream, or weft_hand_over to an actor there
 * - weft_undelivered comes for what was not sent, or was refused there; not for what was on its way when the link
 *   was lost, nor from nodes that do not know it */
#ifndef WEFT_NODE_H
#define WEFT_NODE_H

#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A node this one is linked to. */
typedef struct weft_node_member {
    const char *name;
    const char *url; /**< where it listens; NULL: it connects to us */
} weft_node_member;

/** Who may reach a name of this node. */
typedef struct weft_node_allow {
    const char *node;      /**< "*": any */
    const char *actor;     /**< its name */
    const weft_type *type; /**< NULL: any that this node knows; &weft_opened_type: streams to it */
} weft_node_allow;

/** What others may spawn here, by name, with weft_node_spawn. */
typedef struct weft_node_offer {
    const char *name;
    const weft_behaviour *behaviour;
    const void *config;
} weft_node_offer;

/** The bytes of the URL of a member that joins a running node at most, the final zero included. */
#define WEFT_NODE_URL_BYTES 256

/** A node; zero means the default. What it points to is borrowed until the system is freed. */
typedef struct weft_node {
    const char *name; /**< as names of actors are; unique in its cluster. NULL: this is no node */
    const char *cluster; /**< nodes of another one are refused; NULL: none has a name */
    /** A URL; NULL: nobody connects to us. Between machines: nng+tls+tcp://HOST:PORT. One address may have 32
     * connections (its option peer_conns_max), of all that have not said who they are there may be 64. */
    const char *listen;
    const weft_node_member *join;  /**< ends in { 0 }; others are refused until they join
                                        (weft_node_join). NULL: nobody yet */
    const weft_node_allow *allow;  /**< ends in { 0 }; NULL: no name is reached */
    const weft_node_offer *offers; /**< ends in { 0 }; NULL: nothing */
    /** Of URLs with TLS that do not say so themselves: files (PEM) with this node's certificate, which is for its
     * name, and the key of that; with the authority that the certificates of all nodes are of. */
    const char *cert, *key, *ca;
    bool
        plaintext; /**< TCP without TLS may leave the machine: who can reach the port can say any name */
    const weft_type *const
        *types;                 /**< further types that may come, ends in NULL: those that no row of
                                         allow names, and no type that is sent has as its reply */
    uint64_t credit_bytes;      /**< on their way to this node, for each link; 0: 4 MiB */
    uint32_t message_bytes_max; /**< of one message, packed; 0: 16 MiB */
    uint32_t waiting_bytes_max; /**< of asks that wait for room, for each link; 0: 4 MiB */
    uint32_t exports_max;       /**< actors that other nodes have references of; 0: 65,536 */
    uint32_t ping_ms;           /**< nothing came for so long: a ping; 0: 1,000 */
    uint32_t lost_ms;           /**< nothing came for so long: the link is lost; 0: 4,000 */
    uint32_t redial_ms,
        redial_ms_max; /**< the first wait before connecting again, doubled up to the
                                            second, give or take a half; 0: 50, 5,000 */
} weft_node;

/** Makes @sys a node. errors: EINVAL (a name, a URL, a type that cannot leave), EEXISTS (two types of one
 * name; it is a node already), EDENIED (plain TCP beyond loopback, by a socket that was given or a proxy
 * too; TLS that does not verify both), those of weft_tls_client for its files, those of weft_listen, ENOMEM.
 * Over TLS each node shows a certificate for its name: one of its DNS names or, without any, its common name. Who
 * connects expects the member's name there, unless the URL has another `host`; a hello with another name than
 * that of the certificate is refused.
 * thread: before start. */
WEFT_MUST_USE weft_err weft_node_begin(weft_system *sys, const weft_node *node, weft_why *why);

/** The name of the cluster of this node: "" if it has none; NULL: this system is no node. Static.
 * thread: in a handler of reactor 0. */
const char *weft_node_cluster(weft_actor *self);
/** Whether this node has a certificate to show (weft_node.cert). thread: in a handler. */
bool weft_node_is_certified(weft_actor *self);

/** The name of the node that @ref is of; NULL: this system is no node, or @ref is nobody's. Static.
 * thread: in a handler. */
const char *weft_node_of(weft_actor *self, weft_ref ref);

/** Makes a socket pair's end, or any other stream's descriptor, the connection to the member @name, which has
 * no URL; one side dials. The descriptor is closed when that is over, and may be followed by another one; one
 * for a link that has a connection is closed at once, which is logged. What is asked of the node from now on
 * waits for its hello. errors: ENOTFOUND (no such member), ENOMEM; @fd is closed. thread: in a handler. */
WEFT_MUST_USE weft_err weft_node_adopt(weft_actor *self, const char *name, int fd, bool dials);

/* ---- members that come and go */

/** What the node's members have come to. */
typedef struct weft_node_changed {
    uint32_t members; /**< that this node is linked to, or would be */
} weft_node_changed;
extern const weft_type weft_node_changed_type;

/** Adds the node @name to the members, as a row of .join with @url (NULL: it connects to us, or is given a
 * descriptor by weft_node_adopt). One that is a member already is at @url from now on; a connection to it that
 * there is stays. From the answer on asks of that node wait for its link. The Deferred gives weft_node_changed.
 * errors of the Deferred: EINVAL (a name, a URL, this node itself), EDENIED (TCP beyond loopback), ELIMIT
 * (WEFT_REMOTE_NODES_MAX names since the start), ESTOPPING, ENOMEM, EGONE (this system is no node).
 * thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_node_join(weft_actor *self, const char *name, const char *url);

/** Takes the node @name off the members, a row of .join too: its link says goodbye, what was asked over it
 * fails, monitors are told, and it is refused from now on. It may join again. The Deferred gives
 * weft_node_changed. errors of the Deferred: ENOTFOUND (no such member), ENOMEM, EGONE. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_node_part(weft_actor *self, const char *name);

/** What a link has come to. */
typedef enum weft_link_state {
    WEFT_LINK_DOWN,    /**< waits to connect again, or for the other node to */
    WEFT_LINK_DIALING, /**< connects, or has and waits for the other's hello */
    WEFT_LINK_UP,
} weft_link_state;
typedef struct weft_link_info {
    const char *name; /**< of the node; static */
    weft_link_state state;
    uint64_t life;          /**< of the node, as it said it last; 0: never */
    uint32_t ups;           /**< how often it came up */
    uint32_t round_trip_ms; /**< of the last ping */
    uint32_t asks, serving; /**< of ours, of theirs: outstanding */
    uint32_t waiting;       /**< messages that wait for room */
    int64_t credit_bytes;   /**< left */
    uint64_t records_in, records_out, bytes_in, bytes_out; /**< since it is up */
    uint64_t lost; /**< tells that were lost with the link, or refused on arrival */
    char why
        [96]; /**< it is down, or could not be reached, the last time; "": it is up, or was never tried */
} weft_link_info;
/** The @index-th link, from 0. false: there is none. thread: in a handler of reactor 0. */
bool weft_link_info_at(weft_actor *self, unsigned index, weft_link_info *out);

/** Links in one answer at most. */
#define WEFT_NODE_REPORTED_MAX 8U
/** Asked of the actor "weft.node" of this system, from any reactor: what its links have come to. The reply is
 * weft_node_reported. */
typedef struct weft_node_report {
    uint32_t first; /**< of the links, from 0 */
} weft_node_report;
typedef struct weft_node_reported {
    char name[64], cluster[64]; /**< of this node */
    uint32_t all;               /**< links it has */
    uint32_t n;
    weft_link_info link[WEFT_NODE_REPORTED_MAX];
} weft_node_reported;
extern const weft_type weft_node_report_type, weft_node_reported_type;

/** How long it took to ask a node whether it is there. */
typedef struct weft_node_pinged {
    uint64_t ns;
} weft_node_pinged;
extern const weft_type weft_node_pinged_type;

/** Asks the member @name whether it is there, which any member answers; the Deferred gives weft_node_pinged. errors of
 * the Deferred: those of asks across nodes. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_node_ping(weft_actor *self, const char *name, uint32_t limit_ms);

/* ---- references in messages */

struct Weft__Ref;

/** Fills a `weft.Ref` of a body with @ref, and the other way round; NULL and what is empty are nobody. Only its
 * first fields are set within a process; what it is made of on its way is the links' own. */
void weft_ref_to_message(struct Weft__Ref *to, weft_ref ref);
weft_ref weft_ref_of_message(const struct Weft__Ref *from);

/* ---- streams between nodes */

/** Bytes of a stream that are on their way to one of its ends, or wait there to be read, with 32 for each piece
 * that was sent; what that end has given out is bounded by its window besides. */
#define WEFT_NODE_STREAM_BYTES (256U << 10)
/** Streams between two nodes at a time. */
#define WEFT_NODE_STREAMS_MAX 1024U

/** The two ends of a stream. */
typedef struct weft_node_streamed {
    weft_ref mine;   /**< of this node: written, ended, closed, handed over as any stream */
    weft_ref theirs; /**< where the other one lives: to be sent to who has it, monitored, stopped */
} weft_node_streamed;
extern const weft_type weft_node_streamed_type;

/** Opens a stream between @self and @there, an actor of any node: each of the two owns one end, a stream of its own
 * node, and is told weft_opened, weft_data, weft_ended and weft_closed of it (<weft/stream.h>). The Deferred gives
 * weft_node_streamed as soon as it has been asked for; `opened` follows when it is there, or `closed` with the
 * reason (EDENIED, EGONE, ELIMIT, ESTOPPING). A name is reached by whom a row of the allow-list lets send it
 * anything, or weft_opened.
 * Bytes come once, in order; the sender stands still while the reader has no room, and messages pass them. What one
 * end is aborted with, the other is told; one whose link is lost is closed with ELOST. An end that was closed is,
 * at the other one, ended and then closed.
 * errors of the Deferred: EUNREACHABLE, EUNSUPPORTED (its node knows no streams), EGONE, ELIMIT
 * (WEFT_NODE_STREAMS_MAX), ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_node_stream(weft_actor *self, weft_ref there);

/* ---- spawning on another node */

/** Asks the node @where to spawn what it offers as @offer; the Deferred gives weft_spawned. What is spawned has no parent
 * here: monitor it, or link to it. When the Deferred fails while the link stays up nothing is left of it there; when
 * the link is lost, what was spawned just before may live on. errors of the Deferred: ENOTFOUND, and those of asks across nodes.
 * thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_node_spawn(weft_actor *self, const char *where, const char *offer);

#ifdef __cplusplus
}
#endif
#endif
