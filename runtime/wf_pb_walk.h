/* SPDX-License-Identifier: MIT */
/* What the walks over protobuf-c messages share: where a walk stands, what it has counted, and how
 * it says no. Private to wf_pb.c and wf_pb_wire.c; includes libprotobuf-c's header for both. */
#ifndef WF_PB_WALK_H
#define WF_PB_WALK_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <string.h>

#include "wf_pb.h"

typedef ProtobufCMessageDescriptor message_type;
typedef ProtobufCFieldDescriptor field_type;

#define NO_INDEX SIZE_MAX

/* The chain of frames is the path from the outer message to a field. It is only spelled out when
 * something is refused. */
typedef struct frame {
    const struct frame *up;
    const field_type *field;
    size_t index; /* of the element; NO_INDEX: the field itself */
} frame;

typedef struct walk {
    const message_type *type; /* of the outer message */
    size_t bytes;             /* of the block a copy takes, so far */
    size_t fields;            /* on the wire, so far */
    int depth;
    weft_why *why;
} walk;

/* Returns @err with the sentence "TYPE: PATH FORMAT"; @at NULL is the outer message. */
weft_err wf_pb_refuse(const walk *w, const frame *at, weft_err err, const char *format, ...)
    WEFT_PRINTF(4, 5);

/* Each counts and refuses what is beyond its limit: bytes of the copy; the same beginning aligned,
 * as structs and arrays do; fields on the wire; one message deeper (take the step back with
 * w->depth--). */
weft_err wf_pb_add_bytes(walk *w, const frame *at, size_t bytes);
weft_err wf_pb_add_aligned(walk *w, const frame *at, size_t bytes);
weft_err wf_pb_add_fields(walk *w, const frame *at, size_t fields);
weft_err wf_pb_enter(walk *w, const frame *at, const message_type *type);

/* The bytes of one value of @field in a struct or an array. */
static inline size_t value_bytes(const field_type *field)
{
    static const uint8_t bytes[] = {
        [PROTOBUF_C_TYPE_INT32] = 4,
        [PROTOBUF_C_TYPE_SINT32] = 4,
        [PROTOBUF_C_TYPE_SFIXED32] = 4,
        [PROTOBUF_C_TYPE_INT64] = 8,
        [PROTOBUF_C_TYPE_SINT64] = 8,
        [PROTOBUF_C_TYPE_SFIXED64] = 8,
        [PROTOBUF_C_TYPE_UINT32] = 4,
        [PROTOBUF_C_TYPE_FIXED32] = 4,
        [PROTOBUF_C_TYPE_UINT64] = 8,
        [PROTOBUF_C_TYPE_FIXED64] = 8,
        [PROTOBUF_C_TYPE_FLOAT] = 4,
        [PROTOBUF_C_TYPE_DOUBLE] = 8,
        [PROTOBUF_C_TYPE_BOOL] = sizeof(protobuf_c_boolean),
        [PROTOBUF_C_TYPE_ENUM] = 4,
        [PROTOBUF_C_TYPE_STRING] = sizeof(char *),
        [PROTOBUF_C_TYPE_BYTES] = sizeof(ProtobufCBinaryData),
        [PROTOBUF_C_TYPE_MESSAGE] = sizeof(void *),
    };
    return bytes[field->type];
}

static inline size_t aligned(size_t bytes)
{
    return (bytes + WF_PB_ALIGN - 1) & ~(size_t)(WF_PB_ALIGN - 1);
}

/* Members are read and written by memcpy: the descriptor knows their place but not their C type,
 * and a pointer to the wrong type would break the rules of aliasing that link-time optimisation
 * builds on. */
static inline const char *load_pointer(const void *from)
{
    const char *value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline size_t load_size(const void *from)
{
    size_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint32_t load_u32(const void *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline bool in_oneof(const field_type *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* Whether arrays of @field may be packed on the wire. */
static inline bool is_packable(const field_type *field)
{
    return field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES &&
           field->type != PROTOBUF_C_TYPE_MESSAGE;
}

/* Types made with optimize_for = CODE_SIZE have no names. */
static inline const char *name_of(const char *name)
{
    return name != NULL ? name : "(no name)";
}

#endif
