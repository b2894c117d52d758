/* SPDX-License-Identifier: MIT */
/* The order in which the addresses of a name are tried. */
#ifndef WF_ADDRESS_ORDER_H
#define WF_ADDRESS_ORDER_H

#include <weft/address.h>

/* The precedence of RFC 6724 2.1: the higher, the sooner. */
unsigned wf_address_precedence(const weft_address *address);

/* Sorts by precedence; those of the same one keep their order, which is the name server's to choose. Whether an
 * address can be used from here is left to trying it: an attempt without a route fails at once. Then the
 * families take turns, beginning with the first one's (RFC 8305 4). */
void wf_addresses_order(weft_address *addresses, uint32_t n);

#endif
