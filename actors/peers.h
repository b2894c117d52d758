/* SPDX-License-Identifier: MIT */
/* How many connections each peer has: an IPv4 address, or an IPv6 network.
 *
 * Shared by all listeners of a URL, since with a PROXY header the peer is known only on the reactor of the
 * connection: a lock is held for one look at a table, twice a connection. */
#ifndef WF_PEERS_H
#define WF_PEERS_H

#include <weft/address.h>
#include <weft/error.h>

typedef struct wf_peers wf_peers;
/* One peer of a table, as one connection holds it. */
typedef struct wf_peer wf_peer;

/* A table in which each peer may have @max; IPv6 addresses with the same first @v6_bits are one peer.
 * errors: NULL when memory is out. */
WEFT_MUST_USE wf_peers *wf_peers_new(uint32_t max, unsigned v6_bits);
/* No more are counted; freed with the last that is. NULL is taken. thread: any. */
void wf_peers_drop(wf_peers *peers);

/* Counts one more of @address into *@out, which is left NULL for what is no IP address.
 * errors: ELIMIT (it has as many as it may), ENOMEM. thread: any. */
WEFT_MUST_USE weft_err wf_peers_enter(wf_peers *peers, const weft_address *address, wf_peer **out);
/* One less of *@peer, which is set to NULL; NULL is taken. thread: any. */
void wf_peers_leave(wf_peer **peer);

#endif
