/* SPDX-License-Identifier: MIT */
/** For writers of links: bodies as bytes, and bytes of strangers as bodies.
 *
 * A body crosses as the protobuf message its type's descriptor describes. A plain struct does not cross. */
#ifndef WEFT_PACK_H
#define WEFT_PACK_H

#include <stdbool.h>

#include <weft/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether bodies of @type can leave the process. */
bool weft_packs(const weft_type *type);

/** What @type is called between nodes: the full name of its message ("shop.Counter.Add"), or of its method
 * ("shop.Calculator/Add"); NULL: it does not leave. Static. */
const char *weft_packed_name(const weft_type *type);

/** Whether @type could be one that leaves: its descriptor is sound, and of its struct.
 * errors: EINVAL, EUNSUPPORTED, ELIMIT, as its first send would have. thread: any. */
WEFT_MUST_USE weft_err weft_pack_check(const weft_type *type, weft_why *why);

/** The bytes of @made packed. @made is the body of a message, or came from weft_unpack: never a body as a
 * program gave it. */
size_t weft_packed_bytes(const weft_type *type, const void *made);
/** Packs @made (as above) into @to, which has room for that many. */
void weft_pack(const weft_type *type, const void *made, uint8_t *to);

/** Memory that is taken piece by piece and given back at once. thread: one at a time. */
typedef struct weft_arena weft_arena;
/** An arena of at most @bytes_max bytes. errors: NULL. */
WEFT_MUST_USE weft_arena *weft_arena_new(size_t bytes_max);
/** Gives back what was taken, but for one block. */
void weft_arena_reset(weft_arena *arena);
void weft_arena_free(weft_arena *arena);

/** The body that the @n bytes at @at, of a stranger, are: made of pieces of @arena, and good until that is
 * reset. errors: EPROTO (malformed; not UTF-8; ...), ELIMIT (nesting, fields, bytes), ENOMEM; @why names the
 * field and the byte. */
WEFT_MUST_USE weft_err weft_unpack(const weft_type *type, const uint8_t *at, size_t n,
                                   weft_arena *arena, void **out, weft_why *why);

/** Whether messages of @descriptor may be nested in bodies of @type. */
bool weft_nests(const weft_type *type, const void *descriptor);
/** Calls @fn for each message of @descriptor within @made (as above), which it may change; until it fails.
 * errors: those of @fn. */
typedef weft_err weft_nested_fn(void *nested, void *context);
WEFT_MUST_USE weft_err weft_each_nested(const weft_type *type, void *made, const void *descriptor,
                                        weft_nested_fn *fn, void *context);

#ifdef __cplusplus
}
#endif
#endif
