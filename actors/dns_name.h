/* SPDX-License-Identifier: MIT */
/* Names of DNS between text and a message. */
#ifndef WF_DNS_NAME_H
#define WF_DNS_NAME_H

#include <weft/dns.h>

/* Writes the name that stands at *@next of the message into @out and moves *@next behind it. errors:
 * ETRUNCATED, EPROTO. */
WEFT_MUST_USE weft_err wf_dns_name_read(const uint8_t *at, size_t size, size_t *next,
                                        char out[WEFT_DNS_NAME_BYTES], weft_why *why);

/* A name as it stands in a message, uncompressed. */
typedef struct wf_dns_wire_name {
    uint8_t size; /* the root's zero included */
    uint8_t at[WEFT_DNS_WIRE_NAME_BYTES_MAX];
} wf_dns_wire_name;

/* errors: EINVAL. */
WEFT_MUST_USE weft_err wf_dns_name_encode(const char *text, wf_dns_wire_name *out, weft_why *why);

#endif
