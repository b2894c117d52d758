/* SPDX-License-Identifier: MIT */
/* Event streams as they come: the same events however they are cut, within the limit. */
#include <stdlib.h>
#include <string.h>

#include "sse_codec.h"

enum { EVENT_BYTES_MAX = 4096 };

typedef struct outcome {
    weft_err err;
    uint64_t events, hash;
    uint32_t retry_ms;
    char id[WEFT_SSE_ID_BYTES];
} outcome;

static void add(outcome *o, const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        o->hash = o->hash * 31 + (uint8_t)at[i];
    o->hash = o->hash * 31 + n;
}

static outcome read_steps(const uint8_t *at, size_t n, size_t step)
{
    wf_sse_codec c;
    wf_sse_piece piece;
    weft_why why = {""};
    outcome o = {.err = WEFT_EFULL};
    wf_sse_init(&c, EVENT_BYTES_MAX);
    for (size_t i = 0; i < n && (o.err == WEFT_EFULL || o.err == WEFT_OK);) {
        size_t size = n - i < step ? n - i : step, used = 0;
        o.err = wf_sse_read(&c, at + i, size, &used, &piece, &why);
        if (used == 0 || used > size)
            abort();
        i += used;
        if (o.err != WEFT_OK)
            continue;
        if (piece.n >= EVENT_BYTES_MAX)
            abort();
        o.events++;
        add(&o, piece.data, piece.n);
        add(&o, piece.event, strlen(piece.event));
        add(&o, piece.id, strlen(piece.id));
    }
    o.err = o.err == WEFT_OK ? WEFT_EFULL : o.err;
    o.retry_ms = c.retry_ms;
    memcpy(o.id, c.id, sizeof o.id);
    wf_sse_done(&c);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    outcome whole = read_steps(data + 1, size - 1, size);
    outcome cut = read_steps(data + 1, size - 1, 1 + data[0] % 32);
    if (whole.err != cut.err || whole.events != cut.events || whole.hash != cut.hash ||
        whole.retry_ms != cut.retry_ms || strcmp(whole.id, cut.id) != 0)
        abort();
    return 0;
}
