/* SPDX-License-Identifier: MIT */
/* Lists of networks (RFC 4632, RFC 4291 section 2.3), and which of them an address is in. */
#ifndef WF_NETWORKS_H
#define WF_NETWORKS_H

#include <weft/address.h>
#include <weft/url.h>

/* A network of one family; the bits behind the prefix are zero. */
typedef struct wf_network {
    uint8_t family; /* WEFT_FAMILY_V4, WEFT_FAMILY_V6 */
    uint8_t bits;
    uint8_t ip[16];
} wf_network;

enum { WF_NETWORKS_MAX = 64, WF_NETWORK_TEXT_BYTES_MAX = 64 };

/* A list; a zeroed one is empty. */
typedef struct wf_networks {
    uint32_t n;
    wf_network at[WF_NETWORKS_MAX];
} wf_networks;

/* Reads one of the @n bytes @text: "10.0.0.0/8", "2001:db8::/32", an address alone, which is a network
 * of one. IPv4 networks written as IPv6 (::ffff:10.0.0.0/104) are IPv4 ones.
 * errors: EINVAL for what is none, also for bits set behind the prefix. */
WEFT_MUST_USE weft_err wf_network_read(const char *text, size_t n, wf_network *out, weft_why *why);

/* Reads what the option @id of @url, given any number of times, each a list with commas, comes to. The
 * word "all" is every address of both families. errors: EINVAL; ELIMIT beyond WF_NETWORKS_MAX. */
WEFT_MUST_USE weft_err wf_networks_read(const weft_url *url, weft_url_option_id id,
                                        wf_networks *out, weft_why *why);

/* The bits of the longest prefix in @list that @address is in; -1: it is in none, or is no IP address. */
int wf_networks_match(const wf_networks *list, const weft_address *address);

/* Sets the bits of the @ip_bytes bytes @ip behind the first @bits to zero. */
void wf_network_mask(uint8_t *ip, unsigned ip_bytes, unsigned bits);

#endif
