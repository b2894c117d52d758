/* SPDX-License-Identifier: MIT */
/* deflate (RFC 1951) without anything around it, as the messages of WebSocket have it. gzip is in http_packer.h
 * and http_unpack.h.
 *
 * Pure but for the 270 KiB that packing takes from the heap while it works. thread: any. */
#ifndef WF_HTTP_GZIP_H
#define WF_HTTP_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

/* Packs @n bytes as deflate that ends at a byte (Z_SYNC_FLUSH), without the four bytes 00 00 ff ff that this
 * ends with (RFC 7692 section 7.2.1). @window_bits: 9 to 15. errors: ETOOBIG (it does not fit @to_max), ENOMEM. */
WEFT_MUST_USE weft_err wf_deflate_message(int window_bits, const void *from, size_t n, uint8_t *to,
                                          size_t to_max, size_t *packed_n);
/* Room that always suffices for @n bytes. */
size_t wf_deflate_bound(size_t n);

/* Unpacking the same, as it comes. errors: NULL. */
void *wf_inflate_open(void);
/* Takes from *@in, puts to *@out; both move on. A block that says it is the last ends nothing: what stands behind it
 * is unpacked as if it were the first. errors: EPROTO, ENOMEM. */
WEFT_MUST_USE weft_err wf_inflate_run(void *state, const uint8_t **in, size_t *in_n, uint8_t **out,
                                      size_t *out_n);
void wf_inflate_close(void *state);

#endif
