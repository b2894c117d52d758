/* SPDX-License-Identifier: MIT */
/* Bodies whose struct protoc-c made: checked, copied into one block, packed, unpacked.
 *
 * The one wrapper of libprotobuf-c. A descriptor is a `const ProtobufCMessageDescriptor *`, a body
 * is the struct it describes; both travel as `const void *`, so that nobody else needs its header.
 *
 * The outer struct of a body may have its `base` empty (a compound literal has): the descriptor
 * that is passed stands in for it. A nested message must carry its own descriptor, as its __INIT
 * sets it.
 *
 * A message arrives the same whether it was copied to a neighbour or packed for another node.
 * Therefore:
 *   - what would be refused there is refused here: strings that are not UTF-8, more than the limits
 *   - a string without presence that is NULL arrives as ""
 *   - a string chosen in a oneof stays chosen, also when it is NULL or ""
 *   - what stands in the union of a oneof with none chosen is cleared
 *   - unknown fields are dropped, by the copy as by wf_pb_unpack
 * One difference is left: a field without presence that is -0.0 comes out of a pack as 0.0.
 *
 * thread: any; nothing here has state. Stack: wf_pb_unpack takes about 1 KiB a level. */
#ifndef WF_PB_H
#define WF_PB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#include "wf_arena.h"

struct wf_form_field;
struct wf_form_in;
struct wf_form_out;

/* Messages within each other, the outer one included. */
#define WF_PB_DEPTH_MAX 32
/* The block that a deep copy takes. */
#define WF_PB_BYTES_MAX ((size_t)16 << 20)
/* The struct of one message, without what it points to. */
#define WF_PB_STRUCT_BYTES_MAX ((size_t)8192)
/* Fields on the wire, those of nested messages included; a packed array is one. */
#define WF_PB_FIELDS_MAX ((size_t)1 << 18)
/* For the arena of wf_pb_unpack: enough for whatever wf_pb_measure lets through. */
#define WF_PB_ARENA_BYTES_MAX ((size_t)64 << 20)
/* Of a flat message, packed: a longer one is none. */
#define WF_PB_FLAT_BYTES_MAX ((size_t)64 << 10)
/* The block of a copy is aligned to this. */
#define WF_PB_ALIGN 8

/* Whether @descriptor can be a type's: it is one, its structs have @struct_bytes bytes, and so on,
 * for each message that can be reached from it. For the start of a program, not for each message.
 * errors: EINVAL (no descriptor, another size), EUNSUPPORTED (proto2's required fields;
 * generated without init functions), ELIMIT (STRUCT_BYTES_MAX; more than 256 message types). */
WEFT_MUST_USE weft_err wf_pb_check(const void *descriptor, size_t struct_bytes, weft_why *why);

/* Checks @body and gives the bytes of the block that a deep copy of it takes.
 *
 * errors:
 *   EINVAL  names the field, "shop.Checkout: order.lines[2].item has no descriptor; ...": a nested
 *           message without its descriptor or with another one; NULL where something must be (an
 *           array with a count, an element, a chosen message of a oneof, bytes with a length); a
 *           string that is not UTF-8; a oneof whose case is none of its fields
 *   ELIMIT  DEPTH_MAX, BYTES_MAX, STRUCT_BYTES_MAX, FIELDS_MAX */
WEFT_MUST_USE weft_err wf_pb_measure(const void *descriptor, const void *body, size_t *bytes,
                                     weft_why *why);

/* Copies @body, which wf_pb_measure found good and which did not change since, into @block of as
 * many bytes as it said, aligned to WF_PB_ALIGN. The outer struct stands first, with
 * base.descriptor set. Every pointer points into the block; empty strings and default values may
 * stay the descriptor's own. */
void wf_pb_copy(const void *descriptor, const void *body, void *block);

/* The bytes of @made packed. @made is what wf_pb_copy or wf_pb_unpack made: never a body as the
 * user gave it, which may lack its descriptor and in which libprotobuf-c trips over NULL. */
size_t wf_pb_packed_bytes(const void *made);

/* Packs @made (as above) into @to, which has room for wf_pb_packed_bytes; returns their number. */
size_t wf_pb_pack(const void *made, uint8_t *to);

/* Makes the message whose packed form is the @n bytes at @at, which nobody needs to trust: they are
 * checked whole before libprotobuf-c sees them. *@out is given to you, made of pieces of @arena: it
 * lives until that is reset. Measure and copy it to have it in one block. What a failed one took
 * stays in the arena until then, too. @at may be NULL if @n is 0.
 *
 * errors:
 *   EPROTO        names the field and the byte: malformed or cut off; a group; not the field's wire
 *                 type; a string that is not UTF-8 or holds a zero byte, which C could not show; a
 *                 packed bool that is neither 0 nor 1; a nested message given in two parts
 *                 (libprotobuf-c 1.4 loses fields or fails when it joins them, and encoders do not
 *                 make such parts)
 *   ELIMIT        DEPTH_MAX, BYTES_MAX, FIELDS_MAX, STRUCT_BYTES_MAX, or the arena's limit
 *   EUNSUPPORTED  a type generated without init functions
 *   ENOMEM */
WEFT_MUST_USE weft_err wf_pb_unpack(const void *descriptor, const uint8_t *at, size_t n,
                                    wf_arena *arena, void **out, weft_why *why);

/* ---- flat messages: each field is one value without presence, and none is a message (wf_pb_flat.c)
 *
 * A short cut that comes to the same. Each says whether it can be taken; if not, whatever the message is, or
 * is refused for, is found out by what stands above. */

/* The bytes of the flat message @body, as a program gave it, packed. false: it is not flat, or not sound. */
bool wf_pb_flat_bytes(const void *descriptor, const void *body, size_t *bytes);
/* Packs one for which that said yes, into as many bytes. */
void wf_pb_flat_pack(const void *descriptor, const void *body, uint8_t *to);

/* The bytes of the block for what the @n bytes at @at, of a stranger, are. false: not flat, or not sound. Only the
 * fields that came are looked at: a type may have others. */
bool wf_pb_flat_measure(const void *descriptor, const uint8_t *at, size_t n, size_t *room);
/* Makes it, after a yes, in @block of as many bytes, aligned to WF_PB_ALIGN: as wf_pb_copy makes one. */
void wf_pb_flat_make(const void *descriptor, const uint8_t *at, size_t n, void *block);

/* The full name of the type @descriptor describes; NULL: it was generated without names. */
const char *wf_pb_name(const void *descriptor);

/* Whether messages of the type @wanted can be within one of @descriptor, itself included. */
bool wf_pb_nests(const void *descriptor, const void *wanted);

/* Calls @fn for each message of the type @wanted within @made (as wf_pb_packed_bytes), itself included, until
 * it fails. Recurses as deep as @made does: WF_PB_DEPTH_MAX. errors: those of @fn. */
typedef weft_err wf_pb_nested_fn(void *nested, void *context);
WEFT_MUST_USE weft_err wf_pb_each(void *made, const void *wanted, wf_pb_nested_fn *fn,
                                  void *context);

/* Writes the text form (<weft/form.h>) of @made (as wf_pb_packed_bytes). Recurses as deep as @made does. */
void wf_pb_print(const void *descriptor, const void *made, struct wf_form_out *out);

/* What there is to know of the @i-th field of @descriptor, which has names. false: there are no more. */
bool wf_pb_field_at(const void *descriptor, unsigned i, struct wf_form_field *out);
/* The name of the @i-th value of the enum @descriptor; NULL: there are no more. */
const char *wf_pb_value_at(const void *descriptor, unsigned i);

/* The message that the text in @in is, made of pieces of its arena. errors: EINVAL, ELIMIT, EUNSUPPORTED,
 * ENOMEM. */
WEFT_MUST_USE weft_err wf_pb_parse(const void *descriptor, struct wf_form_in *in, void **out);

#endif
