/* SPDX-License-Identifier: MIT */
/* Responses packed as they are sent: whether one is, how its head then reads, and its body, a step at a time.
 *
 * A small body is packed at once. A large one, and one that is streamed, is packed in steps of
 * WF_HTTP_PACK_STEP_BYTES, each of which leaves as a chunk that can be unpacked when it comes; between two steps
 * everybody else on the reactor has a turn, and there is none while the client takes nothing.
 * thread: of the connection. */
#ifndef WF_HTTP_PACKING_H
#define WF_HTTP_PACKING_H

#include <weft/leaf.h>

#include "http_accept.h"
#include "http_server.h"

/* Half a millisecond of work at most. */
#define WF_HTTP_PACK_STEP_BYTES (16u << 10)

/* weft_http_compress, unless it says otherwise. */
#define WF_HTTP_PACKINGS_MAX_DEFAULT 64u

#define WF_HTTP_PACK_ETAG_BYTES_MAX 256u

typedef struct wf_http_packing wf_http_packing;

/* An answer whose head was changed; what it needs beyond the answer it was made of. */
typedef struct wf_http_dressed {
    weft_http_answer answer;
    weft_bytes packed;
    weft_http_field fields[WF_HTTP_ANSWER_FIELDS_MAX + 2];
    char etag[WF_HTTP_PACK_ETAG_BYTES_MAX];
} wf_http_dressed;

/* What @a, the answer to @x, whose route packs, is to be sent as: itself, or room->answer, which lives as long as @room
 * and what @a points to. With x->packing set, its body goes through that. */
const weft_http_answer *wf_http_dress(wf_http_exchange *x, const weft_http_answer *a,
                                      wf_http_dressed *room);
void wf_http_dressed_done(wf_http_dressed *room);

/* The head is sent: what follows is the body that the answer has, if it has one. false: the exchange's stream writes
 * it. */
bool wf_http_packing_begin(wf_http_exchange *x);
/* The length of the body before it is packed; 0: unknown. */
uint64_t wf_http_packing_bytes(const wf_http_packing *p);
/* There is room again. */
void wf_http_packing_drained(wf_http_exchange *x);

/* Packs a step of what is written to the stream, *@used bytes of @items, and sends it. There must be room.
 * errors: ENOMEM, those of weft_write; the response is then lost. */
WEFT_MUST_USE weft_err wf_http_packing_write(wf_http_packing *p, const weft_leaf_item *items,
                                             unsigned n, size_t *used);
/* Sends what ends the packed body, once. There must be room. errors: as above. */
WEFT_MUST_USE weft_err wf_http_packing_end(wf_http_packing *p);

/* Has the body of @a packed as @coding: sets x->packing. false: too many are, or there is no memory. */
bool wf_http_packing_open(wf_http_exchange *x, wf_http_coding coding, const weft_http_answer *a);
/* Takes NULL, and sets *@at to it. */
void wf_http_packing_free(wf_http_packing **at);

#endif
