/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952), a whole body at a time.
 *
 * Pure but for the 270 KiB it takes from the heap while it works. thread: any. */
#ifndef WF_HTTP_GZIP_H
#define WF_HTTP_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

/* Packs @n bytes at @from into @to; the same bytes always give the same bytes. *@packed_n gets
 * their number. errors: ETOOBIG (it does not fit @to_max; give less than @n and it says that
 * packing is not worth it), ENOMEM. */
WEFT_MUST_USE weft_err wf_http_gzip(const void *from, size_t n, uint8_t *to, size_t to_max,
                                    size_t *packed_n);

#endif
