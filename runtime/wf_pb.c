/* SPDX-License-Identifier: MIT */
/* Bodies made by protoc-c: one walk that measures, the same walk copying, and packing. */
#include "wf_pb_walk.h"

#include "wf_utf8.h"

static ProtobufCBinaryData load_bytes(const void *from)
{
    ProtobufCBinaryData value;
    memcpy(&value, from, sizeof value);
    return value;
}

static void store_pointer(void *to, const void *value)
{
    memcpy(to, &value, sizeof value);
}

/* Whether the string @s of @field takes no room in a copy: the pointer says all there is to say. In
 * a oneof it never does: libprotobuf-c takes the pointer to the default for "not there" and would
 * lose which member is chosen. */
static bool string_stays(const field_type *field, const char *s)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED || in_oneof(field))
        return false;
    if (s == NULL)
        return field->label != PROTOBUF_C_LABEL_REQUIRED;
    return s == (const char *)field->default_value ||
           (field->label == PROTOBUF_C_LABEL_NONE && *s == '\0');
}

/* Whether @field, neither repeated nor in a oneof, says nothing: it is not packed, and holds
 * nothing to check. */
static bool is_absent(const field_type *field, const char *body)
{
    const char *value = body + field->offset;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return string_stays(field, load_pointer(value));
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return load_pointer(value) == NULL;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
        return load_u32(body + field->quantifier_offset) == 0;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return load_bytes(value).len == 0;
    return value_bytes(field) == 8 ? load_size(value) == 0 : load_u32(value) == 0;
}

/* ---- measuring */

static weft_err measure_message(walk *w, const frame *up, const message_type *type,
                                const char *body);

static weft_err measure_string(walk *w, const frame *at, const char *s)
{
    if (s == NULL && in_oneof(at->field))
        return wf_pb_add_bytes(w, at, 1);
    if (s == NULL)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "is NULL; expected a string");
    size_t n = strlen(s), good = wf_utf8_prefix(s, n);
    if (good != n)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "is not UTF-8 at byte %zu", good);
    return wf_pb_add_bytes(w, at, n + 1);
}

static weft_err measure_bytes(walk *w, const frame *at, const ProtobufCBinaryData *bytes)
{
    if (bytes->len == 0)
        return WEFT_OK;
    if (bytes->data == NULL)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "has %zu bytes but data is NULL", bytes->len);
    return wf_pb_add_bytes(w, at, bytes->len);
}

static weft_err measure_nested(walk *w, const frame *at, const char *nested)
{
    const message_type *type = at->field->descriptor;
    if (nested == NULL)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "is NULL; expected a %.60s", name_of(type->name));
    /* What stands there may be anything, so it is compared and not looked into. */
    const char *given = load_pointer(nested + offsetof(ProtobufCMessage, descriptor));
    if (given == NULL)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "has no descriptor; begin it with its __INIT");
    if (given != (const char *)type)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "has a descriptor that is not %.60s's",
                            name_of(type->name));
    return measure_message(w, at, type, nested);
}

static weft_err measure_value(walk *w, const frame *at, const char *value)
{
    if (at->field->type == PROTOBUF_C_TYPE_STRING)
        return measure_string(w, at, load_pointer(value));
    if (at->field->type == PROTOBUF_C_TYPE_MESSAGE)
        return measure_nested(w, at, load_pointer(value));
    if (at->field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData bytes = load_bytes(value);
        return measure_bytes(w, at, &bytes);
    }
    return WEFT_OK;
}

static weft_err measure_array(walk *w, frame *at, const char *body)
{
    const field_type *field = at->field;
    size_t n = load_size(body + field->quantifier_offset), size = value_bytes(field);
    const char *array = load_pointer(body + field->offset);
    bool packed = (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;

    if (n == 0)
        return WEFT_OK;
    if (array == NULL)
        return wf_pb_refuse(w, at, WEFT_EINVAL, "has %zu elements but is NULL", n);
    weft_err err = wf_pb_add_aligned(w, at, n > WF_PB_BYTES_MAX / size ? SIZE_MAX : n * size);
    if (err == WEFT_OK)
        err = wf_pb_add_fields(w, at, packed ? 1 : n);
    if (is_packable(field))
        return err;
    for (at->index = 0; err == WEFT_OK && at->index < n; at->index++)
        err = measure_value(w, at, array + at->index * size);
    return err;
}

/* The case of a oneof is looked at once, at the first of its fields. */
static weft_err check_case(const walk *w, const frame *at, const message_type *type,
                           uint32_t chosen)
{
    const field_type *field = at->field;
    if (chosen == 0 ||
        (field > type->fields && field[-1].quantifier_offset == field->quantifier_offset))
        return WEFT_OK;
    const field_type *other = protobuf_c_message_descriptor_get_field(type, chosen);
    if (other != NULL && other->quantifier_offset == field->quantifier_offset)
        return WEFT_OK;
    return wf_pb_refuse(w, at, WEFT_EINVAL,
                        "is in a oneof whose case is %u, which is none of its fields", chosen);
}

static weft_err measure_field(walk *w, const frame *up, const message_type *type, const char *body,
                              const field_type *field)
{
    frame at = {.up = up, .field = field, .index = NO_INDEX};

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return measure_array(w, &at, body);
    if (in_oneof(field)) {
        uint32_t chosen = load_u32(body + field->quantifier_offset);
        if (chosen != field->id)
            return check_case(w, &at, type, chosen);
    } else if (is_absent(field, body)) {
        return WEFT_OK;
    }
    weft_err err = wf_pb_add_fields(w, &at, 1);
    return err == WEFT_OK ? measure_value(w, &at, body + field->offset) : err;
}

static weft_err measure_message(walk *w, const frame *up, const message_type *type,
                                const char *body)
{
    weft_err err = wf_pb_enter(w, up, type);
    if (err != WEFT_OK)
        return err;
    err = wf_pb_add_aligned(w, up, type->sizeof_message);
    for (unsigned i = 0; err == WEFT_OK && i < type->n_fields; i++)
        err = measure_field(w, up, type, body, &type->fields[i]);
    w->depth--;
    return err;
}

weft_err wf_pb_measure(const void *descriptor, const void *body, size_t *bytes, weft_why *why)
{
    walk w = {.type = descriptor, .why = why};
    const char *given = load_pointer((const char *)body + offsetof(ProtobufCMessage, descriptor));
    if (given != NULL && given != (const char *)descriptor)
        return wf_pb_refuse(&w, NULL, WEFT_EINVAL, "has the descriptor of another type");
    weft_err err = measure_message(&w, NULL, descriptor, body);
    if (err == WEFT_OK)
        *bytes = w.bytes;
    return err;
}

/* ---- copying: the same walk in the same order, so that the sizes come out the same */

typedef struct room {
    char *start;
    size_t used;
} room;

static char *room_take(room *r, size_t bytes)
{
    char *given = r->start + r->used;
    r->used += bytes;
    return given;
}

static char *room_take_aligned(room *r, size_t bytes)
{
    r->used = aligned(r->used);
    return room_take(r, bytes);
}

static char *copy_message(room *r, const message_type *type, const char *body);

static void copy_string(room *r, const field_type *field, char *value)
{
    const char *s = load_pointer(value);
    if (string_stays(field, s)) {
        const char *ours = field->default_value;
        if (field->label == PROTOBUF_C_LABEL_NONE)
            store_pointer(value, ours != NULL ? ours : protobuf_c_empty_string);
        return;
    }
    size_t n = s != NULL ? strlen(s) : 0;
    char *copy = room_take(r, n + 1);
    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    store_pointer(value, copy);
}

static void copy_bytes(room *r, char *value)
{
    ProtobufCBinaryData bytes = load_bytes(value);
    if (bytes.len == 0) {
        bytes.data = NULL;
    } else {
        uint8_t *copy = (uint8_t *)room_take(r, bytes.len);
        memcpy(copy, bytes.data, bytes.len);
        bytes.data = copy;
    }
    memcpy(value, &bytes, sizeof bytes);
}

/* @value is already a bitwise copy in the block: what it points to is copied too. */
static void copy_value(room *r, const field_type *field, char *value)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        copy_string(r, field, value);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        copy_bytes(r, value);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const char *nested = load_pointer(value);
        if (nested != NULL)
            store_pointer(value, copy_message(r, field->descriptor, nested));
    }
}

static void copy_array(room *r, const field_type *field, char *to)
{
    size_t n = load_size(to + field->quantifier_offset), size = value_bytes(field);
    if (n == 0) {
        store_pointer(to + field->offset, NULL);
        return;
    }
    char *array = room_take_aligned(r, n * size);
    memcpy(array, load_pointer(to + field->offset), n * size);
    store_pointer(to + field->offset, array);
    if (is_packable(field))
        return;
    for (size_t i = 0; i < n; i++)
        copy_value(r, field, array + i * size);
}

/* An optional field that is not there shows its default. */
static void copy_absent_bytes(const field_type *field, char *value)
{
    ProtobufCBinaryData none = {0};
    const void *ours = field->default_value;
    memcpy(value, ours != NULL ? ours : &none, sizeof none);
}

static void copy_field(room *r, const field_type *field, char *to)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        copy_array(r, field, to);
        return;
    }
    if (in_oneof(field)) {
        uint32_t chosen = load_u32(to + field->quantifier_offset);
        /* With none chosen the union may hold a stale pointer of the sender's. */
        if (chosen == 0)
            memset(to + field->offset, 0, value_bytes(field));
        if (chosen != field->id)
            return;
    } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type == PROTOBUF_C_TYPE_BYTES &&
               load_u32(to + field->quantifier_offset) == 0) {
        copy_absent_bytes(field, to + field->offset);
        return;
    }
    copy_value(r, field, to + field->offset);
}

static char *copy_message(room *r, const message_type *type, const char *body)
{
    char *to = room_take_aligned(r, type->sizeof_message);
    ProtobufCMessage base = {.descriptor = type};
    memcpy(to, body, type->sizeof_message);
    memcpy(to, &base, sizeof base);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const field_type *field = &type->fields[i];
        /* Most fields are plain values, and they are there already. */
        if (field->label != PROTOBUF_C_LABEL_NONE || in_oneof(field) || !is_packable(field))
            copy_field(r, field, to);
    }
    return to;
}

void wf_pb_copy(const void *descriptor, const void *body, void *block)
{
    room r = {.start = block};
    (void)copy_message(&r, descriptor, body);
}

/* ---- packing */

size_t wf_pb_packed_bytes(const void *made)
{
    return protobuf_c_message_get_packed_size(made);
}

size_t wf_pb_pack(const void *made, uint8_t *to)
{
    return protobuf_c_message_pack(made, to);
}

/* ---- checking a type */

enum { TYPES_MAX = 256 };

typedef struct type_list {
    const message_type *types[TYPES_MAX];
    size_t n;
} type_list;

static weft_err add_type(type_list *list, const message_type *type, weft_why *why)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->types[i] == type)
            return WEFT_OK;
    if (list->n == TYPES_MAX)
        return weft_because(why, WEFT_ELIMIT, "%.60s: more than %d types of messages are nested",
                            name_of(list->types[0]->name), TYPES_MAX);
    if (type->magic != PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC)
        return weft_because(why, WEFT_EINVAL, "this is no descriptor of a protobuf-c message");
    if (type->sizeof_message > WF_PB_STRUCT_BYTES_MAX)
        return weft_because(why, WEFT_ELIMIT, "%.60s: a struct of %zu bytes, more than %zu",
                            name_of(type->name), type->sizeof_message, WF_PB_STRUCT_BYTES_MAX);
    if (type->message_init == NULL)
        return weft_because(why, WEFT_EUNSUPPORTED, "%.60s: generated without init functions",
                            name_of(type->name));
    list->types[list->n++] = type;
    return WEFT_OK;
}

weft_err wf_pb_check(const void *descriptor, size_t struct_bytes, weft_why *why)
{
    const message_type *outer = descriptor;
    type_list list = {.n = 0};
    if (outer == NULL)
        return weft_because(why, WEFT_EINVAL, "a type of protobuf-c messages without descriptor");
    weft_err err = add_type(&list, outer, why);
    if (err == WEFT_OK && outer->sizeof_message != struct_bytes)
        return weft_because(why, WEFT_EINVAL, "%.60s: its struct has %zu bytes, the type's %zu",
                            name_of(outer->name), outer->sizeof_message, struct_bytes);
    for (size_t i = 0; err == WEFT_OK && i < list.n; i++) {
        for (unsigned k = 0; err == WEFT_OK && k < list.types[i]->n_fields; k++) {
            const field_type *field = &list.types[i]->fields[k];
            if (field->label == PROTOBUF_C_LABEL_REQUIRED)
                return weft_because(why, WEFT_EUNSUPPORTED, "%.60s.%s is required; use proto3",
                                    name_of(list.types[i]->name), name_of(field->name));
            if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                err = add_type(&list, field->descriptor, why);
        }
    }
    return err;
}
