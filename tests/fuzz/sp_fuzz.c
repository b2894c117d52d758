/* SPDX-License-Identifier: MIT */
/* Any bytes as what an SP peer says, and as a URL of a socket: whole and split they come to the same, nothing beyond
 * them is read, and nothing is more than its limit. The first byte says what they are. */
#include <stdlib.h>
#include <string.h>

#include "sp_codec.h"

enum { MESSAGE_BYTES_MAX = 1 << 16 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* A block of exactly @n bytes, so that reading too far is found. */
static uint8_t *exact(const uint8_t *at, size_t n)
{
    uint8_t *block = malloc(n + (n == 0));
    must(block != NULL);
    memcpy(block, at, n);
    return block;
}

/* What came of the bytes: enough to tell two readings apart. */
typedef struct outcome {
    weft_err err;
    uint64_t messages, sum;
} outcome;

static void look_at_message(const wf_sp_kind_row *kind, const uint8_t *at, size_t n, outcome *o)
{
    uint8_t *message = exact(at, n);
    weft_why why = {""};
    size_t used = 0;
    uint32_t id = 0;
    weft_err err = WEFT_OK;
    if (kind->stack)
        err = wf_sp_read_stack(message, n, WF_SP_HOPS_MAX, &used, &why);
    else if (kind->asks)
        err = wf_sp_read_id(message, n, &id, &why);
    else if (kind->hops)
        err = wf_sp_read_hops(message, n, WF_SP_HOPS_MAX, &used, &why);
    must(used <= n && used <= WF_SP_TRACE_BYTES_MAX && used % WF_SP_WORD_BYTES == 0);
    must((err == WEFT_OK) == (why.text[0] == '\0'));
    must(!kind->asks || (err == WEFT_OK) == ((id & WF_SP_ID_BIT) != 0));
    o->err = err;
    o->messages++;
    o->sum = (o->sum * 31 + n) * 31 + used + id;
    free(message);
}

/* As a stream is read whose first @seen bytes have come, then one more, and so on. */
static outcome read_stream(const wf_sp_kind_row *kind, bool ipc, const uint8_t *at, size_t n,
                           size_t step)
{
    outcome o = {.err = WEFT_OK};
    size_t taken = 0;
    bool greeted = false;
    for (size_t seen = step < n ? step : n; o.err == WEFT_OK;
         seen = seen + step < n ? seen + step : n) {
        uint8_t *come = exact(at + taken, seen - taken);
        size_t left = seen - taken, used = 1;
        weft_why why = {""};
        const uint8_t *next = come;
        while (o.err == WEFT_OK && used != 0) {
            uint64_t size = 0;
            if (!greeted) {
                o.err = wf_sp_read_hello(kind, next, left, &greeted, &why);
                used = greeted && o.err == WEFT_OK ? WF_SP_HELLO_BYTES : 0;
            } else {
                o.err = wf_sp_read_frame(ipc, MESSAGE_BYTES_MAX, next, left, &used, &size, &why);
                must(used <= left && size <= MESSAGE_BYTES_MAX);
                if (o.err != WEFT_OK || used == 0 || left - used < size)
                    break;
                look_at_message(kind, next + used, (size_t)size, &o);
                used += (size_t)size;
            }
            next += used;
            left -= used;
            taken += used;
        }
        free(come);
        if (seen == n)
            break;
    }
    return o;
}

static void look_at_url(const uint8_t *at, size_t n)
{
    char text[4096];
    n = n < sizeof text - 1 ? n : sizeof text - 1;
    memcpy(text, at, n);
    text[n] = '\0';
    for (int listens = 0; listens < 2; listens++) {
        weft_sp_url url;
        weft_why why = {""};
        weft_err err = weft_sp_url_parse(text, listens != 0, &url, &why);
        must((err == WEFT_OK) == (why.text[0] == '\0'));
        if (err == WEFT_OK)
            must(weft_sp_kind_name(url.kind) != NULL && url.stream[0] != '\0' &&
                 url.web == (url.path[0] == '/'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static const weft_sp_kind kinds[] = {WEFT_SP_PAIR, WEFT_SP_PAIR1,    WEFT_SP_SUB, WEFT_SP_REQ,
                                         WEFT_SP_REP,  WEFT_SP_SURVEYOR, WEFT_SP_BUS};
    if (n == 0)
        return 0;
    if (at[0] == 'n') {
        look_at_url(at, n);
        return 0;
    }
    const wf_sp_kind_row *kind =
        wf_sp_kind_of(kinds[(at[0] >> 1) % (sizeof kinds / sizeof kinds[0])]);
    outcome whole = read_stream(kind, (at[0] & 1) != 0, at + 1, n - 1, n);
    for (size_t step = 1; step < 16; step += 6) {
        outcome split = read_stream(kind, (at[0] & 1) != 0, at + 1, n - 1, step);
        must(split.err == whole.err && split.messages == whole.messages && split.sum == whole.sum);
    }
    return 0;
}
