/* SPDX-License-Identifier: MIT */
/* Hostile bytes as a packed message: the first byte picks the type, the rest is unpacked. What is
 * let in must measure, copy, pack and unpack again to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pb_test.pb-c.h"
#include "pb_test_old.pb-c.h"
#include "wf_pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &pbtest__everything__descriptor, &pbtest__scalars__descriptor, &pbtest__arrays__descriptor,
    &pbtest__checkout__descriptor,   &pbtest__tree__descriptor,    &pbtest__older__descriptor,
};

static void must(int holds)
{
    if (!holds)
        abort();
}

static uint8_t *packed(const void *made, size_t *n)
{
    *n = wf_pb_packed_bytes(made);
    uint8_t *to = malloc(*n + 1);
    must(to != NULL && wf_pb_pack(made, to) == *n);
    return to;
}

/* Unpacks, copies and packs; NULL if it was refused. @again: it comes from here, so it must be
 * good. */
static uint8_t *through(const void *type, const uint8_t *at, size_t n, int again, size_t *out_n)
{
    wf_arena arena = {.bytes_max = WF_PB_ARENA_BYTES_MAX};
    weft_why why = {.text = ""};
    size_t bytes = 0, first_n;
    void *m = NULL;
    weft_err err = wf_pb_unpack(type, at, n, &arena, &m, &why);
    if (err != WEFT_OK) {
        must(!again && m == NULL && why.text[0] != '\0');
        wf_arena_done(&arena);
        return NULL;
    }
    uint8_t *first = packed(m, &first_n);
    must(wf_pb_measure(type, m, &bytes, &why) == WEFT_OK);
    void *block = malloc(bytes);
    must(block != NULL);
    wf_pb_copy(type, m, block);
    wf_arena_done(&arena);
    uint8_t *second = packed(block, out_n);
    must(first_n == *out_n && memcmp(first, second, first_n) == 0);
    free(block);
    free(first);
    return second;
}

/* The short cut for flat messages takes only what is let in, and comes to the same bytes both ways. */
static void flat(const void *type, const uint8_t *at, size_t n, const uint8_t *want, size_t want_n)
{
    size_t room, bytes, made_n;
    if (!wf_pb_flat_measure(type, at, n, &room))
        return;
    must(want != NULL);
    void *block = malloc(room);
    must(block != NULL);
    wf_pb_flat_make(type, at, n, block);
    uint8_t *made = packed(block, &made_n);
    must(made_n == want_n && memcmp(made, want, made_n) == 0);
    must(wf_pb_measure(type, block, &bytes, NULL) == WEFT_OK && bytes <= room);
    if (wf_pb_flat_bytes(type, block,
                         &bytes)) { /* else only what came is flat, not all of its type */
        must(bytes == want_n);
        wf_pb_flat_pack(type, block, made);
        must(memcmp(made, want, want_n) == 0);
    }
    free(made);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const void *type = types[data[0] % (sizeof types / sizeof types[0])];
    size_t n = 0, again_n;
    uint8_t *once = through(type, data + 1, size - 1, 0, &n);
    flat(type, data + 1, size - 1, once, n);
    if (once == NULL)
        return 0;
    uint8_t *again = through(type, once, n, 1, &again_n);
    must(again_n == n && memcmp(again, once, n) == 0);
    free(again);
    free(once);
    return 0;
}
