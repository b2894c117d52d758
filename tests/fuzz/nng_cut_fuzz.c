/* SPDX-License-Identifier: MIT */
/* Any bytes as what comes on a stream of NNG: whole and cut they give the same bytes, the same marks and the same
 * end, and what is read lies within them. The first 8 bytes choose how they are cut. */
#include <stdlib.h>
#include <string.h>

#include "nng/nng_cut.h"

enum { CHOICE_BYTES = 8, BYTES_MAX = 1 << 17 };

typedef struct heard {
    uint64_t sum, bytes;
    unsigned ends, seens;
    bool broken;
} heard;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void look(wf_cut_reader *r, const uint8_t *at, size_t n, size_t max, heard *out)
{
    const uint8_t *const from = at, *piece;
    const size_t all = n;
    size_t piece_n;
    for (wf_cut_kind kind;
         (kind = wf_cut_read(r, &at, &n, max, &piece, &piece_n)) != WF_CUT_NOTHING;) {
        must(at == from + (all - n));
        if (kind == WF_CUT_BROKEN) {
            out->broken = true;
            return;
        }
        out->ends += kind == WF_CUT_END;
        out->seens += kind == WF_CUT_SEEN;
        if (kind != WF_CUT_BYTES)
            continue;
        must(!r->ended && piece_n != 0 && piece_n <= max && piece >= from && piece + piece_n <= at);
        for (size_t i = 0; i < piece_n; i++)
            out->sum = out->sum * 31 + piece[i];
        out->bytes += piece_n;
    }
    must(n == 0);
}

/* The same, read to where it is to stand. */
static void look_in_place(wf_cut_reader *r, const uint8_t *at, size_t n, size_t max, heard *out)
{
    uint8_t *to = malloc(max);
    while (to != NULL && n != 0 && !r->broken) {
        wf_cut_part parts[WF_CUT_PARTS_MAX];
        unsigned count = wf_cut_where(r, to, max, parts);
        size_t came = 0;
        for (unsigned i = 0; i < count && n != 0; i++) {
            size_t k = parts[i].n < n ? parts[i].n : n;
            memcpy(parts[i].at, at, k);
            at += k;
            n -= k;
            came += k;
        }
        size_t got = wf_cut_came(r, to, max, came);
        must(got <= max);
        for (size_t i = 0; i < got; i++)
            out->sum = out->sum * 31 + to[i];
        out->bytes += got;
    }
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICE_BYTES || size > BYTES_MAX)
        return 0;
    const uint8_t *at = data + CHOICE_BYTES;
    size_t n = size - CHOICE_BYTES;
    wf_cut_reader whole = {0}, cut = {0};
    heard first = {0}, second = {0};
    look(&whole, at, n, SIZE_MAX, &first);
    for (size_t i = 0, k; i < n && !second.broken; i += k) {
        k = 1 + data[i % CHOICE_BYTES] % 9;
        k = k < n - i ? k : n - i;
        uint8_t *alone = malloc(k); /* so that a look beyond it is seen */
        if (alone == NULL)
            return 0;
        memcpy(alone, at + i, k);
        look(&cut, alone, k, 1 + data[(i + 3) % CHOICE_BYTES], &second);
        free(alone);
    }
    must(first.sum == second.sum && first.bytes == second.bytes && first.ends == second.ends);
    wf_cut_reader placed = {0};
    heard third = {0};
    look_in_place(&placed, at, n, 1 + data[0], &third);
    must(third.sum == first.sum && third.bytes == first.bytes && placed.broken == first.broken);
    must(placed.ended == (first.ends != 0) && placed.seen == (first.seens != 0));
    must(first.seens == second.seens && first.broken == second.broken && first.ends <= 1);
    return 0;
}
