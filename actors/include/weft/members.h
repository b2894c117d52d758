/* SPDX-License-Identifier: MIT */
/** Who the members of a cluster are, found out while it runs.
 *
 * Whatever finds members tells its node by weft_node_join and weft_node_part (<weft/node.h>): there is no more to
 * it. Here it is names of DNS, looked up again and again; <weft/etcd.h> is another; a fixed list is the node's
 * own .join. */
#ifndef WEFT_MEMBERS_H
#define WEFT_MEMBERS_H

#include <weft/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Members that names can come to at most; what is beyond is left out, and logged. */
#define WEFT_MEMBERS_DNS_MAX 1024U

/** The config of weft_members_dns; it must live as long as that. Zero means the default. */
typedef struct weft_members_dns_config {
    /** An SRV name: each target is a member, at its port (0: none is written), and the first label of its name
     * is the name of the node. So a StatefulSet behind a headless service needs nothing more: "_weft._tcp.weft"
     * comes to weft-0.weft..., weft-1.weft... */
    const char *service;
    /** Or a name with addresses, A and AAAA: the name of a node is its address with '-' for '.' and ':'
     * ("10-0-0-7"), and all listen at @port. */
    const char *host;
    uint16_t port;
    const char *
        scheme; /**< of their URLs; NULL: "nng+tls+tcp" for a node with a certificate, else "tcp" */
    uint32_t again_ms_min,
        again_ms_max; /**< a lookup is made when the TTL of the last has passed, within
                                              these bounds; 0: 1,000 and 30,000 */
} weft_members_dns_config;

/** Spawn it. Who is in an answer joins, who is not in it any more parts; without an answer all stays. It ends with
 * EINVAL for a config that names neither, or both. */
extern const weft_behaviour weft_members_dns;

/** How is it? The reply is weft_members_counts. */
typedef struct weft_members_look {
    char nothing;
} weft_members_look;
typedef struct weft_members_counts {
    uint32_t members; /**< that it has told of, without this node */
    uint64_t lookups, failed;
} weft_members_counts;
extern const weft_type weft_members_look_type, weft_members_counts_type;

#ifdef __cplusplus
}
#endif
#endif
