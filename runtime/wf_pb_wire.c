/* SPDX-License-Identifier: MIT */
/* Unpacking bytes that nobody needs to trust: everything is looked at before libprotobuf-c is let
 * loose on it. That one recurses as deep as the bytes say, takes what memory they ask for, lets any
 * bytes pass as a string, and when a nested message comes in two parts it joins them wrongly. */
#include "wf_pb_walk.h"

#include "wf_utf8.h"

typedef struct wire_field {
    uint32_t id;
    unsigned wire; /* ProtobufCWireType */
    const uint8_t *at;
    size_t n;    /* of the payload */
    size_t used; /* of the whole field */
} wire_field;

/* The bytes of the varint at @at, at most @most of them; 0: there is none. */
static size_t varint_read(const uint8_t *at, size_t n, size_t most, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n && i < most; i++) {
        sum |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80) {
            *value = sum;
            return i + 1;
        }
    }
    return 0;
}

/* Reads one field; false: it is malformed. Keys and lengths have 5 bytes at most. */
static bool wire_read(const uint8_t *at, size_t n, wire_field *f)
{
    uint64_t key, length;
    size_t used = varint_read(at, n, 5, &key);
    if (used == 0 || key >> 3 == 0 || key >> 3 > (1U << 29) - 1)
        return false;
    f->id = (uint32_t)(key >> 3);
    f->wire = key & 7;
    at += used;
    n -= used;
    if (f->wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        f->n = varint_read(at, n, 10, &length);
        if (f->n == 0)
            return false;
    } else if (f->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        size_t prefix = varint_read(at, n, 5, &length);
        if (prefix == 0 || length > n - prefix || length > INT32_MAX)
            return false;
        f->n = (size_t)length;
        at += prefix;
        used += prefix;
    } else if (f->wire == PROTOBUF_C_WIRE_TYPE_64BIT || f->wire == PROTOBUF_C_WIRE_TYPE_32BIT) {
        f->n = f->wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
        if (f->n > n)
            return false;
    } else {
        return false;
    }
    f->at = at;
    f->used = used + f->n;
    return true;
}

static unsigned wire_of(const field_type *field)
{
    if (!is_packable(field))
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    switch (field->type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

typedef struct scan {
    walk w;
    const uint8_t *start;
    bool unknown; /* whether there were unknown fields */
} scan;

static weft_err scan_message(scan *s, const frame *up, const message_type *type, const uint8_t *at,
                             size_t n);

static size_t offset_of(const scan *s, const uint8_t *at)
{
    return s->start != NULL ? (size_t)(at - s->start) : 0;
}

/* How many values a packed array holds; false: it is malformed. */
static bool packed_count(const field_type *field, const wire_field *f, size_t *count)
{
    unsigned wire = wire_of(field);
    uint64_t value;
    size_t used;
    if (wire != PROTOBUF_C_WIRE_TYPE_VARINT) {
        size_t size = value_bytes(field);
        *count = f->n / size;
        return f->n % size == 0;
    }
    *count = 0;
    for (size_t i = 0; i < f->n; i += used, ++*count) {
        used = varint_read(f->at + i, f->n - i, 10, &value);
        /* libprotobuf-c has packed bools of one byte, 0 or 1. */
        if (used == 0 || (field->type == PROTOBUF_C_TYPE_BOOL && (used > 1 || value > 1)))
            return false;
    }
    return true;
}

static weft_err scan_array(scan *s, const frame *at, const wire_field *f)
{
    size_t count = 0;
    if (!packed_count(at->field, f, &count))
        return wf_pb_refuse(&s->w, at, WEFT_EPROTO, "at byte %zu is a malformed packed array",
                            offset_of(s, f->at));
    return wf_pb_add_bytes(&s->w, at, count * value_bytes(at->field));
}

static weft_err scan_string(scan *s, const frame *at, const wire_field *f)
{
    const char *text = (const char *)f->at;
    size_t good = wf_utf8_prefix(text, f->n);
    if (good != f->n)
        return wf_pb_refuse(&s->w, at, WEFT_EPROTO, "at byte %zu is not UTF-8",
                            offset_of(s, f->at + good));
    if (f->n > 0 && memchr(text, 0, f->n) != NULL)
        return wf_pb_refuse(&s->w, at, WEFT_EPROTO, "at byte %zu holds a zero byte",
                            offset_of(s, f->at));
    return wf_pb_add_bytes(&s->w, at, f->n + 1);
}

/* @seen: a bit for each place in the struct where a pointer to a message may stand. */
static weft_err scan_nested(scan *s, const frame *at, const wire_field *f, uint64_t *seen)
{
    if (at->field->label != PROTOBUF_C_LABEL_REPEATED) {
        size_t place = at->field->offset / sizeof(void *);
        uint64_t bit = (uint64_t)1 << (place & 63);
        if ((seen[place >> 6] & bit) != 0)
            return wf_pb_refuse(&s->w, at, WEFT_EPROTO, "at byte %zu is a second part of a message",
                                offset_of(s, f->at));
        seen[place >> 6] |= bit;
    }
    return scan_message(s, at, at->field->descriptor, f->at, f->n);
}

static weft_err scan_field(scan *s, const frame *at, const wire_field *f, uint64_t *seen)
{
    const field_type *field = at->field;
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    weft_err err = wf_pb_add_fields(&s->w, at, 1);
    if (err != WEFT_OK)
        return err;
    if (repeated && is_packable(field) && f->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return scan_array(s, at, f);
    if (f->wire != wire_of(field))
        return wf_pb_refuse(&s->w, at, WEFT_EPROTO, "at byte %zu has wire type %u; expected %u",
                            offset_of(s, f->at), f->wire, wire_of(field));
    if (repeated)
        err = wf_pb_add_bytes(&s->w, at, value_bytes(field));
    if (err != WEFT_OK)
        return err;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return scan_string(s, at, f);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return wf_pb_add_bytes(&s->w, at, f->n);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_nested(s, at, f, seen);
    return WEFT_OK;
}

static weft_err scan_message(scan *s, const frame *up, const message_type *type, const uint8_t *at,
                             size_t n)
{
    uint64_t seen[WF_PB_STRUCT_BYTES_MAX / sizeof(void *) / 64] = {0};
    weft_err err = wf_pb_enter(&s->w, up, type);
    if (err != WEFT_OK)
        return err;
    /* Its stand-in fills a oneof with the default of a string, which the next field takes for its
     * own. */
    if (type->message_init == NULL)
        return wf_pb_refuse(&s->w, up, WEFT_EUNSUPPORTED,
                            "is of %.60s, generated without init functions", name_of(type->name));
    err = wf_pb_add_bytes(&s->w, up, aligned(type->sizeof_message));
    while (err == WEFT_OK && n > 0) {
        wire_field f = {0};
        if (!wire_read(at, n, &f))
            return wf_pb_refuse(&s->w, up, WEFT_EPROTO, "is malformed or cut off at byte %zu",
                                offset_of(s, at));
        frame here = {.up = up, .index = NO_INDEX};
        here.field = protobuf_c_message_descriptor_get_field(type, f.id);
        if (here.field != NULL) {
            err = scan_field(s, &here, &f, seen);
        } else {
            s->unknown = true;
            err = wf_pb_add_fields(&s->w, up, 1);
        }
        at += f.used;
        n -= f.used;
    }
    s->w.depth--;
    return err;
}

/* Drops the unknown fields of @m and of all that is nested in it. */
static void forget_unknown(ProtobufCMessage *m)
{
    const message_type *type = m->descriptor;
    char *body = (char *)m;
    m->n_unknown_fields = 0;
    m->unknown_fields = NULL;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const field_type *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        void *one, **all;
        memcpy(&one, body + field->offset, sizeof one);
        memcpy(&all, body + field->offset, sizeof all);
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = load_size(body + field->quantifier_offset);
            for (size_t k = 0; k < n; k++)
                forget_unknown(all[k]);
        } else if (one != NULL &&
                   (!in_oneof(field) || load_u32(body + field->quantifier_offset) == field->id)) {
            forget_unknown(one);
        }
    }
}

static void *arena_take(void *arena, size_t bytes)
{
    return wf_arena_take(arena, bytes);
}

/* Also for what libprotobuf-c frees on its way. That makes one of its faults harmless: it would
 * free whatever an earlier member of a oneof left in the union. */
static void arena_free(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

weft_err wf_pb_unpack(const void *descriptor, const uint8_t *at, size_t n, wf_arena *arena,
                      void **out, weft_why *why)
{
    const message_type *type = descriptor;
    scan s = {.w = {.type = type, .why = why}, .start = at};
    weft_err err = scan_message(&s, NULL, type, at, n);
    if (err != WEFT_OK)
        return err;

    ProtobufCAllocator allocator = {
        .alloc = arena_take, .free = arena_free, .allocator_data = arena};
    arena->err = WEFT_OK;
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &allocator, n, at);
    if (m == NULL && arena->err == WEFT_ELIMIT)
        return wf_pb_refuse(&s.w, NULL, WEFT_ELIMIT, "needs more than the %zu bytes of the arena",
                            arena->bytes_max);
    if (m == NULL && arena->err != WEFT_OK)
        return wf_pb_refuse(&s.w, NULL, arena->err, "cannot be unpacked: memory is out");
    if (m == NULL)
        return wf_pb_refuse(&s.w, NULL, WEFT_EPROTO, "lacks a required field");
    if (s.unknown)
        forget_unknown(m);
    *out = m;
    return WEFT_OK;
}
