/* SPDX-License-Identifier: MIT */
/** Addresses of streams: who is at the other end, and where this end is. */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weft_family {
    WEFT_FAMILY_NONE,
    WEFT_FAMILY_V4,
    WEFT_FAMILY_V6,
    WEFT_FAMILY_UNIX,
    WEFT_FAMILY_SIM,
} weft_family;

/** A value, copied freely. */
typedef struct weft_address {
    uint8_t family; /**< a weft_family */
    uint16_t port;
    uint32_t scope; /**< of a link-local v6 address */
    union {
        uint8_t ip[16]; /**< network order; the first four for v4 */
        char path[108]; /**< unix: the path, "@name" for an abstract one, "" for an unnamed peer */
    };
} weft_address;

/** The bytes weft_address_print needs at most, the final zero included. */
#define WEFT_ADDRESS_TEXT_BYTES 128

/** Writes "127.0.0.1:80", "[::1]:80", "unix:PATH" or "-" and returns @text. thread: any. */
const char *weft_address_print(const weft_address *address, char text[WEFT_ADDRESS_TEXT_BYTES]);

/** The same without the port: "127.0.0.1", "::1", "unix". thread: any. */
const char *weft_address_host(const weft_address *address, char text[WEFT_ADDRESS_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
