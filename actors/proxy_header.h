/* SPDX-License-Identifier: MIT */
/* The header of the PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt, 2020/03/05): bytes
 * to addresses and back. Knows no stream. */
#ifndef WF_PROXY_HEADER_H
#define WF_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/address.h>
#include <weft/error.h>

/* Versions, as bits. */
typedef enum wf_proxy_version { WF_PROXY_V1 = 1, WF_PROXY_V2 = 2 } wf_proxy_version;

enum {
    WF_PROXY_V1_BYTES_MAX = 107, /* section 2.1: the longest line, its CRLF included */
    WF_PROXY_V2_BYTES_MAX =
        4096, /* of 65,551 that the length could say: addresses, and TLVs of today */
    WF_PROXY_OUT_BYTES_MAX = 232, /* the longest that is written: version 2, UNIX */
};

/* What a header says. */
typedef struct wf_proxy_header {
    size_t bytes; /* its length: what comes behind is the client's */
    bool local;   /* LOCAL: the proxy speaks for itself (a health check) */
    bool known;   /* there are addresses: @source and @destination are the client's */
    weft_address source, destination;
} wf_proxy_header;

/* Reads the header at the front of the @n bytes @in, of one of @versions (bits). WEFT_OK: it is @out.
 * WEFT_EFULL: so far it is one, more is needed. errors, for ever: EPROTO (no header, or a broken one),
 * ETOOBIG (version 2 with more than WF_PROXY_V2_BYTES_MAX). Never reads what is behind the header. */
WEFT_MUST_USE weft_err wf_proxy_header_read(const uint8_t *in, size_t n, unsigned versions,
                                            wf_proxy_header *out, weft_why *why);

/* Writes the header that says @source and @destination, and returns its length, at most
 * WF_PROXY_OUT_BYTES_MAX. Addresses that the version cannot say, or of two families, are written as unknown
 * ones. */
size_t wf_proxy_header_write(wf_proxy_version version, const weft_address *source,
                             const weft_address *destination, uint8_t to[WF_PROXY_OUT_BYTES_MAX]);

#endif
