/* SPDX-License-Identifier: MIT */
/* UDP ASSOCIATE (RFC 1928 section 7): an actor that relays the datagrams of one client. */
#ifndef WF_SOCKS_ASSOCIATE_H
#define WF_SOCKS_ASSOCIATE_H

#include <weft/actor.h>
#include <weft/address.h>

/* Asked of it first, and answered when its endpoint for the client is up, or not to be had. */
typedef struct wf_socks_associate {
    weft_address client; /* whose datagrams are taken; port 0: that of the first that comes */
    weft_address
        local; /* where the client has connected to: its datagrams go to the same address */
} wf_socks_associate;
typedef struct wf_socks_associated {
    weft_address bound;
} wf_socks_associated;
extern const weft_type wf_socks_associate_type, wf_socks_associated_type;

/* Spawned with the weft_socks_config; it ends when nothing has passed for its idle_ms. */
extern const weft_behaviour wf_socks_association;

#endif
