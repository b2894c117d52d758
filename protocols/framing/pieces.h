/* SPDX-License-Identifier: MIT */
/* Pieces of a body that came, within the leaf of the stream that has it: in order, until its owner reads them. */
#ifndef WF_PIECES_H
#define WF_PIECES_H

#include <string.h>

#include <weft/leaf.h>

enum {
    WF_PIECES_MAX = 16,                 /* that hold anything of who sent them */
    WF_PIECES_ROOM = WF_PIECES_MAX + 1, /* one more that is static, for a last line's end */
};

/* A ring; {0} is empty. */
typedef struct wf_pieces {
    weft_bytes at[WF_PIECES_ROOM];
    unsigned first, n;
} wf_pieces;

/* Adds @piece behind the others, its own from now on: there must be room. */
static inline void wf_pieces_add(wf_pieces *p, weft_bytes piece)
{
    p->at[(p->first + p->n++) % WF_PIECES_ROOM] = piece;
}

static inline void wf_pieces_drop_first(wf_pieces *p)
{
    weft_bytes_drop(&p->at[p->first]);
    p->first = (p->first + 1) % WF_PIECES_ROOM;
    p->n--;
}

static inline void wf_pieces_drop(wf_pieces *p)
{
    while (p->n != 0)
        wf_pieces_drop_first(p);
}

/* Gives the first, which there must be, to whoever reads @leaf: a copy that is charged to that stream's window, so
 * that who sent it is charged no longer. errors: those of weft_bytes_charged; it stays. */
WEFT_MUST_USE static inline weft_err wf_pieces_read(wf_pieces *p, weft_leaf *leaf, weft_bytes *out)
{
    const weft_bytes *from = &p->at[p->first];
    uint8_t *to;
    weft_err err = weft_bytes_charged(from->size, weft_leaf_window(leaf), &to, out);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from->at, from->size);
    wf_pieces_drop_first(p);
    return WEFT_OK;
}

#endif
