/* SPDX-License-Identifier: MIT */
/* The numbers of PROXY version 2 (section 2.2), for its reader and its writer. */
#ifndef WF_PROXY_PARTS_H
#define WF_PROXY_PARTS_H

#include <stdint.h>

enum {
    WF_PROXY_SIGNATURE_BYTES = 12,
    WF_PROXY_V2_FIXED = 16, /* signature, version and command, family and transport, length */
    WF_PROXY_INET_BYTES = 12,
    WF_PROXY_INET6_BYTES = 36,
    WF_PROXY_UNIX_BYTES = 108, /* of each of the two paths */
    WF_PROXY_STREAM = 1,
    WF_PROXY_TLV_CRC32C = 3,
};

enum { WF_PROXY_UNSPEC, WF_PROXY_INET, WF_PROXY_INET6, WF_PROXY_UNIX };

extern const uint8_t wf_proxy_signature[WF_PROXY_SIGNATURE_BYTES];

#endif
