/* SPDX-License-Identifier: MIT */
/* Pieces and marks, read and written; pure. */
#include "nng_cut.h"

#include <string.h>

static const uint32_t END = 0, SEEN = UINT32_MAX;

/* ---- read */

static uint32_t read_length(const uint8_t at[WF_CUT_HEAD_BYTES])
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A whole head. */
static wf_cut_kind begin(wf_cut_reader *r)
{
    uint32_t length = read_length(r->head);
    r->head_n = 0;
    if (length == SEEN) {
        r->seen = true;
        return WF_CUT_SEEN;
    }
    if (r->ended || length > WF_CUT_PIECE_BYTES_MAX) {
        r->broken = true;
        return WF_CUT_BROKEN;
    }
    r->left = length;
    if (length != END)
        return WF_CUT_NOTHING;
    r->ended = true;
    return WF_CUT_END;
}

wf_cut_kind wf_cut_read(wf_cut_reader *r, const uint8_t **at, size_t *n, size_t max,
                        const uint8_t **piece, size_t *piece_n)
{
    if (r->broken)
        return WF_CUT_BROKEN;
    while (*n != 0 && r->left == 0) {
        r->head[r->head_n++] = *(*at)++;
        --*n;
        wf_cut_kind kind = r->head_n == WF_CUT_HEAD_BYTES ? begin(r) : WF_CUT_NOTHING;
        if (kind != WF_CUT_NOTHING)
            return kind;
    }
    size_t k = r->left < *n ? r->left : *n;
    k = k < max ? k : max;
    if (k == 0)
        return WF_CUT_NOTHING;
    *piece = *at;
    *piece_n = k;
    *at += k;
    *n -= k;
    r->left -= (uint32_t)k;
    return WF_CUT_BYTES;
}

unsigned wf_cut_where(wf_cut_reader *r, uint8_t *to, size_t max,
                      wf_cut_part parts[WF_CUT_PARTS_MAX])
{
    size_t first = r->left < max ? r->left : max;
    unsigned n = 0;
    if (first != 0)
        parts[n++] = (wf_cut_part){to, first};
    if (first == max)
        return n;
    parts[n++] = (wf_cut_part){r->head + r->head_n, (size_t)WF_CUT_HEAD_BYTES - r->head_n};
    parts[n++] = (wf_cut_part){to + first, max - first};
    return n;
}

/* Takes the heads out from between the @n bytes at @at; returns how many bytes of pieces are left there. */
static size_t close_up(wf_cut_reader *r, uint8_t *at, size_t n)
{
    const uint8_t *from = at, *piece;
    size_t piece_n, out = 0;
    for (wf_cut_kind kind = WF_CUT_SEEN; kind != WF_CUT_NOTHING && kind != WF_CUT_BROKEN;) {
        kind = wf_cut_read(r, &from, &n, SIZE_MAX, &piece, &piece_n);
        if (kind != WF_CUT_BYTES)
            continue;
        if (piece != at + out)
            memmove(at + out, piece, piece_n);
        out += piece_n;
    }
    return out;
}

size_t wf_cut_came(wf_cut_reader *r, uint8_t *to, size_t max, size_t n)
{
    size_t first = r->left < max ? r->left : max;
    if (n <= first) {
        r->left -= (uint32_t)n;
        return n;
    }
    r->left -= (uint32_t)first;
    n -= first;
    size_t head = (size_t)WF_CUT_HEAD_BYTES - r->head_n;
    if (n < head) {
        r->head_n += (uint8_t)n;
        return first;
    }
    r->head_n = WF_CUT_HEAD_BYTES;
    return begin(r) == WF_CUT_BROKEN ? first : first + close_up(r, to + first, n - head);
}

/* ---- written */

static void write_length(uint8_t *to, uint32_t length)
{
    for (int i = 0; i < WF_CUT_HEAD_BYTES; i++)
        to[i] = (uint8_t)(length >> 8 * i);
}

static uint32_t piece_bytes(const wf_cut_buffer *b)
{
    return b->grows != 0 ? b->n - (b->grows - 1) - WF_CUT_HEAD_BYTES : 0;
}

/* What may be put behind the bytes of a piece that stands there, or (@head) behind a new head. */
static size_t room_behind(const wf_cut_buffer *b, size_t head)
{
    size_t used = b->n + head + (size_t)WF_CUT_MARKS_MAX * WF_CUT_HEAD_BYTES;
    return used < sizeof b->data ? sizeof b->data - used : 0;
}

bool wf_cut_has_room(const wf_cut_buffer *b)
{
    return room_behind(b, WF_CUT_HEAD_BYTES) != 0;
}

/* As wf_cut_put, in one piece: the one that stands last, or, when that is full, a new one. */
static size_t put_piece(wf_cut_buffer *b, const uint8_t *from, size_t n)
{
    if (piece_bytes(b) == WF_CUT_PIECE_BYTES_MAX)
        b->grows = 0;
    size_t room = room_behind(b, b->grows == 0 ? WF_CUT_HEAD_BYTES : 0);
    size_t piece = WF_CUT_PIECE_BYTES_MAX - piece_bytes(b);
    size_t k = room < piece ? room : piece;
    k = k < n ? k : n;
    if (k == 0)
        return 0;
    if (b->grows == 0) {
        b->grows = b->n + 1;
        b->n += WF_CUT_HEAD_BYTES;
    }
    memcpy(b->data + b->n, from, k);
    b->n += (uint32_t)k;
    write_length(b->data + b->grows - 1, piece_bytes(b));
    return k;
}

size_t wf_cut_put(wf_cut_buffer *b, const uint8_t *from, size_t n)
{
    size_t put = 0;
    for (size_t k; put < n && (k = put_piece(b, from + put, n - put)) != 0; put += k)
        continue;
    return put;
}

void wf_cut_mark(wf_cut_buffer *b, wf_cut_kind mark)
{
    write_length(b->data + b->n, mark == WF_CUT_END ? END : SEEN);
    b->n += WF_CUT_HEAD_BYTES;
    b->grows = 0;
}

void wf_cut_keep(wf_cut_buffer *b, const wf_cut_part *parts, unsigned n, size_t skip)
{
    for (unsigned i = 0; i < n; i++) {
        size_t past = skip < parts[i].n ? skip : parts[i].n, k = parts[i].n - past;
        skip -= past;
        if (k != 0)
            memcpy(b->data + b->n, parts[i].at + past, k);
        b->n += (uint32_t)k;
    }
    b->grows = 0;
}

/* ---- sent from where it stands */

/* One piece more of what @from, of @n parts, has behind *@skip, which moves on; false: there is no more, or no room. */
static bool gather_piece(wf_cut_gather *g, const wf_cut_part *from, unsigned n, size_t *skip)
{
    enum { RAW_MAX = WF_CUT_BUFFER_BYTES - WF_CUT_MARKS_MAX * WF_CUT_HEAD_BYTES };
    if (g->n + 2 > WF_CUT_GATHER_PARTS_MAX || g->raw + WF_CUT_HEAD_BYTES >= RAW_MAX)
        return false;
    size_t room = RAW_MAX - g->raw - WF_CUT_HEAD_BYTES, piece = 0, past = *skip;
    unsigned head = g->n++;
    room = room < WF_CUT_PIECE_BYTES_MAX ? room : WF_CUT_PIECE_BYTES_MAX;
    for (unsigned i = 0; i < n && piece < room && g->n < WF_CUT_GATHER_PARTS_MAX; i++) {
        size_t over = past < from[i].n ? past : from[i].n, k = from[i].n - over;
        past -= over;
        k = k < room - piece ? k : room - piece;
        if (k != 0)
            g->part[g->n++] = (wf_cut_part){from[i].at + over, k};
        piece += k;
    }
    if (piece == 0) {
        g->n = head;
        return false;
    }
    uint8_t *length = g->head[head / 2];
    write_length(length, (uint32_t)piece);
    g->part[head] = (wf_cut_part){length, WF_CUT_HEAD_BYTES};
    g->raw += WF_CUT_HEAD_BYTES + piece;
    g->bytes += piece;
    *skip += piece;
    return true;
}

void wf_cut_gather_from(wf_cut_gather *g, const wf_cut_part *from, unsigned n, size_t skip)
{
    g->n = 0;
    g->raw = g->bytes = 0;
    while (gather_piece(g, from, n, &skip))
        continue;
}
