/* SPDX-License-Identifier: MIT */
/* Flat messages, which most small ones are: every field is one value, with no presence of its own. They are
 * packed from the body as it was given, and made where they are to stand, in one pass each over a field. What
 * is in any way uncommon, and whatever is to be refused, is left to the walks that see to everything. */
#include "wf_pb_walk.h"

#include "wf_utf8.h"

/* Into both walks over what came: a call for each field costs as much as the field. */
#define FAST static inline __attribute__((always_inline))

enum { KEY_ONE_BYTE = 16, KEY_TWO_BYTES = 2048 };

static bool is_flat(const field_type *field)
{
    return field->label == PROTOBUF_C_LABEL_NONE && field->type != PROTOBUF_C_TYPE_MESSAGE &&
           (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 && field->id < KEY_TWO_BYTES;
}

static uint64_t load_u64(const void *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static size_t varint_bytes(uint64_t value)
{
    return (70 - (size_t)__builtin_clzll(value | 1)) / 7;
}

static uint8_t *varint_write(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

/* How a number stands on the wire. */
typedef enum number { VARINT, FOUR_BYTES, EIGHT_BYTES } number;

/* The number in a struct as it goes out; 0: it is not sent. */
static uint64_t number_of(const field_type *field, const char *at, number *as)
{
    uint64_t value;
    double real;
    float small;
    *as = VARINT;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t)(int64_t)(int32_t)load_u32(at);
    case PROTOBUF_C_TYPE_SINT32:
        value = load_u32(at);
        return (uint32_t)(value << 1) ^ (uint32_t) - (int32_t)(value >> 31);
    case PROTOBUF_C_TYPE_SINT64:
        value = load_u64(at);
        return value << 1 ^ (uint64_t) - (int64_t)(value >> 63);
    case PROTOBUF_C_TYPE_BOOL:
        return load_u32(at) != 0;
    case PROTOBUF_C_TYPE_UINT32:
        return load_u32(at);
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *as = FOUR_BYTES;
        return load_u32(at);
    case PROTOBUF_C_TYPE_FLOAT:
        *as = FOUR_BYTES;
        memcpy(&small, at, sizeof small);
        return small == 0 ? 0 : load_u32(at); /* -0.0 is not sent */
    case PROTOBUF_C_TYPE_DOUBLE:
        *as = EIGHT_BYTES;
        memcpy(&real, at, sizeof real);
        return real == 0 ? 0 : load_u64(at);
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        *as = EIGHT_BYTES;
        return load_u64(at);
    default:
        return load_u64(at);
    }
}

/* ---- out */

/* What a field of text or bytes holds; false: it is not sound. */
static bool text_of(const field_type *field, const char *at, const char **text, size_t *n)
{
    ProtobufCBinaryData bytes;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        *text = load_pointer(at);
        *n = *text != NULL ? strlen(*text) : 0;
        return *n == 0 || wf_utf8_prefix(*text, *n) == *n;
    }
    memcpy(&bytes, at, sizeof bytes);
    *text = (const char *)bytes.data;
    *n = bytes.len;
    return bytes.len == 0 || bytes.data != NULL;
}

static bool is_number(const field_type *field)
{
    return field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES;
}

bool wf_pb_flat_bytes(const void *descriptor, const void *body, size_t *bytes)
{
    const message_type *type = descriptor;
    const char *given = load_pointer((const char *)body + offsetof(ProtobufCMessage, descriptor));
    size_t sum = 0, n;
    if (given != NULL && given != (const char *)type)
        return false;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const field_type *field = &type->fields[i];
        const char *at = (const char *)body + field->offset, *text;
        size_t key = field->id < KEY_ONE_BYTE ? 1 : 2;
        number as;
        if (!is_flat(field))
            return false;
        if (is_number(field)) {
            uint64_t value = number_of(field, at, &as);
            if (value != 0)
                sum += key + (as == VARINT ? varint_bytes(value) : as == FOUR_BYTES ? 4 : 8);
        } else if (!text_of(field, at, &text, &n) || n > WF_PB_FLAT_BYTES_MAX) {
            return false;
        } else if (n != 0) {
            sum += key + varint_bytes(n) + n;
        }
    }
    *bytes = sum;
    return sum <= WF_PB_FLAT_BYTES_MAX && type->sizeof_message <= WF_PB_STRUCT_BYTES_MAX;
}

static uint8_t *write_number(uint8_t *to, uint64_t value, number as)
{
    if (as == VARINT)
        return varint_write(to, value);
    for (unsigned i = 0; i < (as == FOUR_BYTES ? 4U : 8U); i++) /* little endian everywhere */
        *to++ = (uint8_t)(value >> 8 * i);
    return to;
}

void wf_pb_flat_pack(const void *descriptor, const void *body, uint8_t *to)
{
    const message_type *type = descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const field_type *field = &type->fields[i];
        const char *at = (const char *)body + field->offset, *text;
        uint64_t key = (uint64_t)field->id << 3, value;
        size_t n;
        number as;
        if (is_number(field)) {
            value = number_of(field, at, &as);
            if (value == 0)
                continue;
            key |= as == VARINT       ? PROTOBUF_C_WIRE_TYPE_VARINT
                   : as == FOUR_BYTES ? PROTOBUF_C_WIRE_TYPE_32BIT
                                      : PROTOBUF_C_WIRE_TYPE_64BIT;
            to = write_number(varint_write(to, key), value, as);
        } else if (text_of(field, at, &text, &n) && n != 0) {
            to = varint_write(varint_write(to, key | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED), n);
            memcpy(to, text, n);
            to += n;
        }
    }
}

/* ---- in */

typedef struct reading {
    const message_type *type;
    const uint8_t *at, *end;
    unsigned next; /* fields mostly come in their order */
    const field_type *field;
    uint64_t value;       /* of a number, as it stands there */
    const uint8_t *bytes; /* of text and bytes: so many */
    size_t n;
} reading;

FAST bool varint_read(reading *r, uint64_t *out)
{
    uint64_t sum = 0;
    if (r->at < r->end && *r->at < 0x80) {
        *out = *r->at++;
        return true;
    }
    for (unsigned shift = 0; r->at < r->end && shift < 63; shift += 7) {
        uint8_t byte = *r->at++;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = sum;
            return true;
        }
    }
    if (r->at == r->end || *r->at > 1)
        return false; /* of ten bytes one that fits */
    *out = sum | (uint64_t)*r->at++ << 63;
    return true;
}

FAST bool fixed_read(reading *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n)
        return false;
    r->value = 0;
    for (size_t i = 0; i < n; i++)
        r->value |= (uint64_t)r->at[i] << 8 * i;
    r->at += n;
    return true;
}

/* Does not know of the reading, which so stays in registers. */
static const field_type *field_of_any(const message_type *type, uint32_t id)
{
    return id != 0 && id < KEY_TWO_BYTES ? protobuf_c_message_descriptor_get_field(type, id) : NULL;
}

FAST const field_type *field_of(reading *r, uint32_t id)
{
    if (r->next < r->type->n_fields && r->type->fields[r->next].id == id)
        return &r->type->fields[r->next++];
    const field_type *field = field_of_any(r->type, id);
    if (field != NULL)
        r->next = (unsigned)(field - r->type->fields) + 1;
    return field;
}

static unsigned wire_of(const field_type *field)
{
    static const uint8_t wire[] = {
        [PROTOBUF_C_TYPE_INT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SINT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SFIXED32] = PROTOBUF_C_WIRE_TYPE_32BIT,
        [PROTOBUF_C_TYPE_INT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SINT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SFIXED64] = PROTOBUF_C_WIRE_TYPE_64BIT,
        [PROTOBUF_C_TYPE_UINT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_FIXED32] = PROTOBUF_C_WIRE_TYPE_32BIT,
        [PROTOBUF_C_TYPE_UINT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_FIXED64] = PROTOBUF_C_WIRE_TYPE_64BIT,
        [PROTOBUF_C_TYPE_FLOAT] = PROTOBUF_C_WIRE_TYPE_32BIT,
        [PROTOBUF_C_TYPE_DOUBLE] = PROTOBUF_C_WIRE_TYPE_64BIT,
        [PROTOBUF_C_TYPE_BOOL] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_ENUM] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_STRING] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
        [PROTOBUF_C_TYPE_BYTES] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
    };
    return wire[field->type];
}

/* A key or a length, of one byte mostly, or of two or three; longer ones are uncommon. */
FAST bool short_read(reading *r, uint32_t *out)
{
    uint32_t sum = 0;
    if (r->at < r->end && *r->at < 0x80) {
        *out = *r->at++;
        return true;
    }
    for (unsigned shift = 0; r->at < r->end && shift <= 14; shift += 7) {
        uint8_t byte = *r->at++;
        sum |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = sum;
            return true;
        }
    }
    return false;
}

/* The next field; false: there is none that is flat. */
FAST bool read_field(reading *r)
{
    uint32_t key, n;
    if (!short_read(r, &key))
        return false;
    r->field = field_of(r, key >> 3);
    if (r->field == NULL || !is_flat(r->field) || (key & 7) != wire_of(r->field))
        return false;
    switch (key & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return varint_read(r, &r->value);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return fixed_read(r, 4);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return fixed_read(r, 8);
    default:
        if (!short_read(r, &n) || n > (size_t)(r->end - r->at))
            return false;
        r->bytes = r->at;
        r->n = n;
        r->at += n;
        return true;
    }
}

bool wf_pb_flat_measure(const void *descriptor, const uint8_t *at, size_t n, size_t *room)
{
    const message_type *type = descriptor;
    reading r = {.type = type, .at = at, .end = at + n};
    size_t sum = aligned(type->sizeof_message);
    if (n > WF_PB_FLAT_BYTES_MAX || sum > WF_PB_STRUCT_BYTES_MAX || type->message_init == NULL)
        return false;
    while (r.at < r.end) {
        if (!read_field(&r))
            return false;
        if (is_number(r.field))
            continue;
        sum += r.n;
        if (r.field->type == PROTOBUF_C_TYPE_BYTES)
            continue;
        const char *text = (const char *)r.bytes;
        if (r.n != 0 && (wf_utf8_prefix(text, r.n) != r.n || memchr(text, 0, r.n) != NULL))
            return false;
        sum++;
    }
    *room = sum;
    return true;
}

static void put_number(const field_type *field, uint64_t value, char *to)
{
    uint32_t half = (uint32_t)value;
    switch (field->type) {
    case PROTOBUF_C_TYPE_SINT32:
        half = half >> 1 ^ (uint32_t) - (int32_t)(half & 1);
        break;
    case PROTOBUF_C_TYPE_SINT64:
        value = value >> 1 ^ (uint64_t) - (int64_t)(value & 1);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        half = value != 0;
        break;
    default:
        break;
    }
    if (value_bytes(field) == 8)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &half, sizeof half);
}

/* Returns where what follows goes. */
FAST char *put_bytes(const reading *r, char *to, char *tail)
{
    bool string = r->field->type == PROTOBUF_C_TYPE_STRING;
    ProtobufCBinaryData bytes = {.len = r->n, .data = r->n != 0 ? (uint8_t *)tail : NULL};
    const char *text = string && r->n == 0 ? protobuf_c_empty_string : tail;
    if (r->n != 0)
        memcpy(tail, r->bytes, r->n);
    if (!string) {
        memcpy(to, &bytes, sizeof bytes);
        return tail + r->n;
    }
    tail[r->n] = '\0';
    memcpy(to, &text, sizeof text);
    return tail + r->n + 1;
}

void wf_pb_flat_make(const void *descriptor, const uint8_t *at, size_t n, void *block)
{
    const message_type *type = descriptor;
    reading r = {.type = type, .at = at, .end = at + n};
    char *body = block, *tail = body + aligned(type->sizeof_message);
    type->message_init(block);
    while (r.at < r.end && read_field(&r)) { /* as it did before */
        char *to = body + r.field->offset;
        if (is_number(r.field))
            put_number(r.field, r.value, to);
        else
            tail = put_bytes(&r, to, tail);
    }
}
