/* SPDX-License-Identifier: MIT */
/* What links use of the packing of bodies. */
#include "pack.h"

#include "alloc.h"
#include "wf_pb.h"

bool weft_packs(const weft_type *type)
{
    return type->descriptor != NULL;
}

const char *weft_packed_name(const weft_type *type)
{
    if (type->descriptor == NULL)
        return NULL;
    return type->method != NULL ? type->method : wf_pb_name(type->descriptor);
}

weft_err weft_pack_check(const weft_type *type, weft_why *why)
{
    if (type->descriptor == NULL)
        return weft_because(why, WEFT_ETYPE, "%s is a plain struct: it does not leave its node",
                            type->name);
    weft_err err = wf_pb_check(type->descriptor, type->size, why);
    if (err == WEFT_OK && weft_packed_name(type) == NULL)
        return weft_because(why, WEFT_EUNSUPPORTED, "%s: its descriptor has no name", type->name);
    return err;
}

size_t weft_packed_bytes(const weft_type *type, const void *made)
{
    (void)type;
    return wf_pb_packed_bytes(made);
}

void weft_pack(const weft_type *type, const void *made, uint8_t *to)
{
    (void)type;
    (void)wf_pb_pack(made, to);
}

/* ---- unpacking */

weft_arena *weft_arena_new(size_t bytes_max)
{
    weft_arena *arena = wf_alloc_zero(sizeof *arena);
    if (arena != NULL)
        arena->arena.bytes_max = bytes_max;
    return arena;
}

void weft_arena_reset(weft_arena *arena)
{
    wf_arena_reset(&arena->arena);
}

void weft_arena_free(weft_arena *arena)
{
    if (arena != NULL)
        wf_arena_done(&arena->arena);
    wf_free(arena);
}

weft_err weft_unpack(const weft_type *type, const uint8_t *at, size_t n, weft_arena *arena,
                     void **out, weft_why *why)
{
    if (type->descriptor == NULL)
        return weft_because(why, WEFT_ETYPE, "%s is a plain struct: it does not come from a node",
                            type->name);
    return wf_pb_unpack(type->descriptor, at, n, &arena->arena, out, why);
}

bool weft_nests(const weft_type *type, const void *descriptor)
{
    return type->descriptor != NULL && wf_pb_nests(type->descriptor, descriptor);
}

weft_err weft_each_nested(const weft_type *type, void *made, const void *descriptor,
                          weft_nested_fn *fn, void *context)
{
    if (type->descriptor == NULL)
        return WEFT_OK;
    return wf_pb_each(made, descriptor, fn, context);
}
