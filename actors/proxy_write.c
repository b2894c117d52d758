/* SPDX-License-Identifier: MIT */
/* PROXY headers written. */
#include <stdio.h>
#include <string.h>

#include "proxy_header.h"
#include "proxy_parts.h"

static size_t write_v1(const weft_address *source, const weft_address *destination, bool same,
                       uint8_t *to)
{
    char text[WF_PROXY_OUT_BYTES_MAX], from[WEFT_ADDRESS_TEXT_BYTES], at[WEFT_ADDRESS_TEXT_BYTES];
    bool v4 = same && source->family == WEFT_FAMILY_V4,
         v6 = same && source->family == WEFT_FAMILY_V6;
    int n = v4 || v6 ? snprintf(text, sizeof text, "PROXY %s %.45s %.45s %u %u\r\n",
                                v4 ? "TCP4" : "TCP6", weft_address_host(source, from),
                                weft_address_host(destination, at), source->port, destination->port)
                     : snprintf(text, sizeof text, "PROXY UNKNOWN\r\n");
    memcpy(to, text, (size_t)n);
    return (size_t)n;
}

static void put_port(uint8_t *to, uint16_t port)
{
    to[0] = (uint8_t)(port >> 8);
    to[1] = (uint8_t)port;
}

/* An abstract name begins with a zero byte on the wire, as in sun_path. */
static void put_path(uint8_t *to, const weft_address *address)
{
    size_t n = strnlen(address->path, sizeof address->path - 1);
    memset(to, 0, WF_PROXY_UNIX_BYTES);
    memcpy(to, address->path, n);
    if (to[0] == '@' && n > 1)
        to[0] = 0;
}

static unsigned put_ip(uint8_t *to, unsigned ip_bytes, const weft_address *source,
                       const weft_address *destination)
{
    memcpy(to, source->ip, ip_bytes);
    memcpy(to + ip_bytes, destination->ip, ip_bytes);
    put_port(to + 2 * ip_bytes, source->port);
    put_port(to + 2 * ip_bytes + 2, destination->port);
    return 2 * ip_bytes + 4;
}

static size_t write_v2(const weft_address *source, const weft_address *destination, bool same,
                       uint8_t *to)
{
    unsigned family = WF_PROXY_UNSPEC, size = 0;
    uint8_t *at = to + WF_PROXY_V2_FIXED;
    if (same && source->family == WEFT_FAMILY_V4) {
        family = WF_PROXY_INET;
        size = put_ip(at, 4, source, destination);
    } else if (same && source->family == WEFT_FAMILY_V6) {
        family = WF_PROXY_INET6;
        size = put_ip(at, 16, source, destination);
    } else if (same && source->family == WEFT_FAMILY_UNIX) {
        family = WF_PROXY_UNIX;
        size = 2 * WF_PROXY_UNIX_BYTES;
        put_path(at, source);
        put_path(at + WF_PROXY_UNIX_BYTES, destination);
    }
    memcpy(to, wf_proxy_signature, WF_PROXY_SIGNATURE_BYTES);
    to[12] = 2 << 4 | 1;
    to[13] = (uint8_t)(family == WF_PROXY_UNSPEC ? 0 : family << 4 | WF_PROXY_STREAM);
    to[14] = (uint8_t)(size >> 8);
    to[15] = (uint8_t)size;
    return WF_PROXY_V2_FIXED + size;
}

size_t wf_proxy_header_write(wf_proxy_version version, const weft_address *source,
                             const weft_address *destination, uint8_t to[WF_PROXY_OUT_BYTES_MAX])
{
    bool same = source->family == destination->family;
    return version == WF_PROXY_V1 ? write_v1(source, destination, same, to)
                                  : write_v2(source, destination, same, to);
}
