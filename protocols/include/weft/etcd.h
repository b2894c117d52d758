/* SPDX-License-Identifier: MIT */
/** etcd: who the members of a cluster are, and who has its names, from a cluster of etcd servers (version 3.3
 * or later, through the JSON gateway they all have).
 *
 *     static const char *const endpoints[] = {"http://10.0.0.1:2379", "http://10.0.0.2:2379", NULL};
 *     static const weft_etcd etcd = {.endpoints = endpoints, .url = "unix:/run/edge-1"};
 *     if (weft_node_begin(sys, &node, &why) == WEFT_OK && weft_etcd_begin(sys, &etcd, &why) == WEFT_OK)
 *
 * Each node has a lease of some seconds, which it renews. With it stand PREFIXnodes/NODE, whose value is the
 * URL others connect to, and PREFIXnames/NAME for each name that an actor of it has (<weft/registry.h>), made
 * only where nobody has it. A node that dies, or cannot reach etcd, loses all of that when its lease ends. What
 * is there is read once, and watched from the next revision on, so that nothing is missed.
 *
 * A renewal counts from before it was sent, and what hangs on a lease is given up when three quarters of its time
 * have passed: a node tells the owners of its names well before etcd lets anybody else have them, also when
 * a server that is no longer the leader was the one to renew.
 *
 * While no server answers, members stay as they are, and names are lost when the lease is. A node that gets its
 * lease back joins again. The data of etcd must not be set back (restored from a backup) while nodes run: terms
 * of owners are its revisions. */
#ifndef WEFT_ETCD_H
#define WEFT_ETCD_H

#include <weft/http_client.h>
#include <weft/node.h>
#include <weft/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ETCD_NAME "weft.etcd"  /**< the name of its actor */
#define WEFT_ETCD_ENDPOINTS_MAX 16U /**< servers */
#define WEFT_ETCD_PREFIX_BYTES 96U  /**< of a prefix, the final zero included */
#define WEFT_ETCD_TTL_S_MIN 5U /**< a quarter of it is more than an election among servers takes */
#define WEFT_ETCD_TTL_S_MAX 3600U

/** How a node uses etcd; zero means the default. All of it is borrowed until the system is freed. */
typedef struct weft_etcd {
    const char *const
        *endpoints;     /**< "http://HOST:PORT", "https://...", "unix:PATH"; ends in NULL. One is
                                       used until it fails, then the next */
    const char *prefix; /**< of all keys; ends in '/'. NULL: "/weft/CLUSTER/" */
    const char
        *url; /**< where this node listens, as others connect to it; NULL: it connects to them */
    uint32_t
        ttl_s; /**< of the lease; 0: 10. A node that is gone is a member for so long, and its names
                             are nobody's */
    bool names_only;                   /**< who the members are is known from elsewhere */
    const struct weft_tls_config *tls; /**< of https; NULL: the system's roots */
} weft_etcd;

/** Has @sys, which is a node, use etcd, and gives it a registry. errors: EINVAL (no node, no endpoint, a prefix,
 * a URL, a ttl), EEXISTS, ELIMIT, ENOMEM. thread: before start. */
WEFT_MUST_USE weft_err weft_etcd_begin(weft_system *sys, const weft_etcd *etcd, weft_why *why);

/** What has come of it. */
typedef struct weft_etcd_look {
    char nothing;
} weft_etcd_look;
typedef struct weft_etcd_state {
    uint64_t lease;    /**< 0: none */
    uint32_t left_ms;  /**< until what hangs on it is given up */
    uint32_t leases;   /**< that it was granted so far */
    uint64_t revision; /**< that was read last */
    bool watching;
    uint32_t members; /**< besides this node */
    uint64_t failed;  /**< calls that got no answer, or an error */
} weft_etcd_state;
/** Asked of the actor WEFT_ETCD_NAME. */
extern const weft_type weft_etcd_look_type, weft_etcd_state_type;

#ifdef __cplusplus
}
#endif
#endif
