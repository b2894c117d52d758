/* SPDX-License-Identifier: MIT */
/* What weft's streams say on a stream of NNG, which can only be closed as a whole: pieces, and marks between them.
 *
 *     u32 length, little endian, 1 to 65,536 ┊ so many bytes      a piece
 *     u32 0                                                       this side has ended: no piece follows
 *     u32 0xffffffff                                              the end of your side has been read
 *
 * So a half close can be told, an end differs from a loss, and whoever closes in order knows when nothing of
 * what it wrote can be lost any more. Pure: bytes, and no stream. */
#ifndef WF_NNG_CUT_H
#define WF_NNG_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WF_CUT_HEAD_BYTES = 4,
    WF_CUT_PIECE_BYTES_MAX = 64 << 10,
    WF_CUT_MARKS_MAX = 2,            /* one of each */
    WF_CUT_BUFFER_BYTES = 256 << 10, /* what gathers while NNG sends, and leaves at once */
};

typedef enum wf_cut_kind {
    WF_CUT_NOTHING, /* all was looked at */
    WF_CUT_BYTES,
    WF_CUT_END,  /* the other side has ended */
    WF_CUT_SEEN, /* and has read that this one has */
    WF_CUT_BROKEN,
} wf_cut_kind;

/* Bytes that stand somewhere. */
typedef struct wf_cut_part {
    uint8_t *at;
    size_t n;
} wf_cut_part;

/* What comes; zeroed at first. */
typedef struct wf_cut_reader {
    uint32_t left; /* of the piece */
    uint8_t head[WF_CUT_HEAD_BYTES];
    uint8_t head_n;
    bool ended, seen, broken;
} wf_cut_reader;

/* The next of the @n bytes at @at, both of which it moves on. BYTES: @piece points at @piece_n of them, at most
 * @max. BROKEN: a length beyond the limit, or anything but SEEN behind END; so it stays. */
wf_cut_kind wf_cut_read(wf_cut_reader *r, const uint8_t **at, size_t *n, size_t max,
                        const uint8_t **piece, size_t *piece_n);

/* Where what comes next is to be read to, so that the bytes of pieces come to stand in the @max bytes at @to: parts
 * to be filled one after the other, of which it returns the number. Not to be asked once it is broken. */
enum { WF_CUT_PARTS_MAX = 3 };
unsigned wf_cut_where(wf_cut_reader *r, uint8_t *to, size_t max,
                      wf_cut_part parts[WF_CUT_PARTS_MAX]);
/* @n bytes came to what wf_cut_where said of the same @to and @max. Returns how many bytes of pieces stand at @to now;
 * the reader says which marks were among them. */
size_t wf_cut_came(wf_cut_reader *r, uint8_t *to, size_t max, size_t n);

/* What is to be sent; zeroed but for @data at first, and when it has been. */
typedef struct wf_cut_buffer {
    uint32_t n;     /* bytes in it */
    uint32_t grows; /* 1 + where the head of the piece stands that more can be added to; 0: none */
    uint8_t data[WF_CUT_BUFFER_BYTES];
} wf_cut_buffer;

/* Whether wf_cut_put takes something. */
bool wf_cut_has_room(const wf_cut_buffer *b);
/* Puts what fits of the @n bytes at @from, in as many pieces as it takes; returns how many. */
size_t wf_cut_put(wf_cut_buffer *b, const uint8_t *from, size_t n);
/* Puts what of the @n raw @parts, heads and all, is left behind the first @skip bytes of them into @b, which is empty
 * and has room for it. */
void wf_cut_keep(wf_cut_buffer *b, const wf_cut_part *parts, unsigned n, size_t skip);
/* Puts a mark, WF_CUT_END or WF_CUT_SEEN, for which there is always room: each is put once. */
void wf_cut_mark(wf_cut_buffer *b, wf_cut_kind mark);

/* Bytes that are sent from where they stand, heads between them. */
enum { WF_CUT_GATHER_PARTS_MAX = 8 }; /* that NNG takes */
typedef struct wf_cut_gather {
    wf_cut_part part[WF_CUT_GATHER_PARTS_MAX];
    unsigned n;
    size_t raw;   /* bytes of all parts, no more than wf_cut_keep has room for */
    size_t bytes; /* of those, what is not heads */
    uint8_t head[WF_CUT_GATHER_PARTS_MAX / 2][WF_CUT_HEAD_BYTES];
} wf_cut_gather;
/* Gathers as many of the bytes of the @n parts at @from, but the first @skip of them, as can leave at once. */
void wf_cut_gather_from(wf_cut_gather *g, const wf_cut_part *from, unsigned n, size_t skip);

#endif
