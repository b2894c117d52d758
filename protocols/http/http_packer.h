/* SPDX-License-Identifier: MIT */
/* Packing as gzip (RFC 1952) or brotli (RFC 7932): a whole at once, or piece by piece, of which each may be made to
 * come out at once (a flush). The counterpart is http_unpack.h. thread: any, one at a time for each.
 *
 * While it works gzip takes 270 KiB of memory, brotli up to 0.8 MiB with a window of WF_HTTP_PACK_WINDOW_STREAM and
 * up to 14 MiB with the largest that is used. */
#ifndef WF_HTTP_PACKER_H
#define WF_HTTP_PACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#include "http_accept.h"

/* Windows, as powers of two. */
#define WF_HTTP_PACK_WINDOW_STREAM 16u
#define WF_HTTP_PACK_WINDOW_MAX 20u

#define WF_HTTP_PACK_ROOM_MIN 16u

typedef enum wf_http_pack_how {
    WF_HTTP_PACK_MORE,  /* more follows; what was given may wait for it */
    WF_HTTP_PACK_FLUSH, /* more follows, but all that was given comes out */
    WF_HTTP_PACK_END,   /* nothing follows */
} wf_http_pack_how;

typedef struct wf_http_packer {
    void *(*open)(unsigned window); /* errors: NULL */
    /* Takes from *@in, puts to *@out; both move on. *@done: all was taken and, unless it is MORE, has come out;
     * else there was no room for it. A FLUSH wants a room of WF_HTTP_PACK_ROOM_MIN, since with less gzip's marks of a
     * flush have no end. errors: ENOMEM; nothing but close may follow it then. */
    weft_err (*run)(void *state, wf_http_pack_how how, const uint8_t **in, size_t *in_n,
                    uint8_t **out, size_t *out_n, bool *done);
    void (*close)(void *state); /* takes NULL */
} wf_http_packer;

extern const wf_http_packer wf_http_pack_gzip, wf_http_pack_brotli;

/* Who packs @coding; NULL: nobody needs to. */
const wf_http_packer *wf_http_packer_of(wf_http_coding coding);

/* Packs @n bytes at @from into @to; the same bytes always give the same bytes. *@packed_n gets their number.
 * errors: ETOOBIG (it does not fit @to_max; give less than @n and it says that packing is not worth it), ENOMEM. */
WEFT_MUST_USE weft_err wf_http_pack_whole(wf_http_coding coding, const void *from, size_t n,
                                          uint8_t *to, size_t to_max, size_t *packed_n);

#endif
