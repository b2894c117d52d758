/* SPDX-License-Identifier: MIT */
/* text/event-stream as bytes (WHATWG HTML, section 9.2.6): lines in, events out. Pure. */
#ifndef WF_SSE_CODEC_H
#define WF_SSE_CODEC_H

#include <weft/sse.h>

typedef struct wf_sse_codec {
    char *
        text; /* data lines that gathered, each with "\n", and behind them the line that is coming */
    size_t data_n, line_n, room;
    size_t bytes_max;
    char event[WEFT_SSE_NAME_BYTES];
    char id[WEFT_SSE_ID_BYTES];        /* of the last block that was whole: to be asked on from */
    char id_coming[WEFT_SSE_ID_BYTES]; /* as a line of this block has it */
    uint32_t retry_ms;                 /* as the server last said; 0: it did not */
    bool any_data;                     /* a line of data came, even an empty one */
    bool any_id;                       /* id_coming is one */
    bool told;                         /* an event was told: its type is over with the next call */
    bool after_cr;                     /* a "\n" would belong to the "\r" before it */
    uint8_t bom; /* of the mark at the very beginning: bytes seen; 3: past it */
} wf_sse_codec;

/* An event, pointing into the codec until the next call. */
typedef struct wf_sse_piece {
    const char *data;
    size_t n;
    const char *event, *id;
} wf_sse_piece;

void wf_sse_init(wf_sse_codec *c, size_t bytes_max);
void wf_sse_done(wf_sse_codec *c);
/* Reads of the @n bytes @in, *@used of them, up to one event. WEFT_OK: @out is one; EFULL: all were used, and
 * none is whole. errors: ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err wf_sse_read(wf_sse_codec *c, const uint8_t *in, size_t n, size_t *used,
                                   wf_sse_piece *out, weft_why *why);

#endif
