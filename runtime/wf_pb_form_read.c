/* SPDX-License-Identifier: MIT */
/* The text form of protobuf-c messages, read: it becomes packed bytes, which are then unpacked as those of a
 * stranger. So there is one way to make a body out of something that nobody trusts. */
#include <float.h>

#include "form.h"
#include "wf_pb_walk.h"

typedef struct reader {
    wf_form_in *in;
    uint8_t *at; /* what is packed so far */
    size_t n, room;
    unsigned depth;
} reader;

static weft_err read_message(reader *rd, const message_type *type, bool nested);

/* ---- bytes on the wire */

static weft_err put(reader *rd, const void *at, size_t n)
{
    if (n > rd->room - rd->n)
        return wf_form_refuse(rd->in, WEFT_ELIMIT, "more than fits into %zu bytes", rd->room);
    memcpy(rd->at + rd->n, at, n);
    rd->n += n;
    return WEFT_OK;
}

static size_t varint(uint64_t value, uint8_t to[10])
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

static weft_err put_varint(reader *rd, uint64_t value)
{
    uint8_t bytes[10];
    return put(rd, bytes, varint(value, bytes));
}

static weft_err put_fixed(reader *rd, uint64_t value, size_t n)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return put(rd, bytes, n);
}

static weft_err put_key(reader *rd, const field_type *field, ProtobufCWireType wire)
{
    return put_varint(rd, (uint64_t)field->id << 3 | (unsigned)wire);
}

/* Its length in front of what was packed since @from. */
static weft_err put_length_at(reader *rd, size_t from)
{
    uint8_t bytes[10];
    size_t n = rd->n - from, prefix = varint(n, bytes);
    weft_err err = put(rd, bytes, prefix); /* for the room */
    if (err != WEFT_OK)
        return err;
    memmove(rd->at + from + prefix, rd->at + from, n);
    memcpy(rd->at + from, bytes, prefix);
    return WEFT_OK;
}

/* ---- values */

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static weft_err read_enum(reader *rd, const field_type *field, const wf_form_value *v)
{
    const ProtobufCEnumDescriptor *names = field->descriptor;
    int64_t number = 0;
    weft_err err = WEFT_OK;
    const ProtobufCEnumValue *found = NULL;
    for (unsigned i = 0; v->kind == WF_FORM_WORD && i < names->n_values; i++)
        if (names->values[i].name != NULL && strlen(names->values[i].name) == v->n &&
            memcmp(names->values[i].name, v->at, v->n) == 0)
            found = &names->values[i];
    if (found != NULL)
        number = found->value;
    else if (v->kind == WF_FORM_WORD && v->n > 0 && strchr("+-0123456789", v->at[0]) != NULL)
        err = wf_form_signed(rd->in, field->name, v, INT32_MIN, INT32_MAX, &number);
    else
        err = wf_form_refuse(rd->in, WEFT_EINVAL, "%s: expected a value of %.60s, such as %.40s",
                             field->name, name_of(names->name),
                             names->n_values != 0 ? name_of(names->values[0].name) : "0");
    if (err == WEFT_OK)
        err = put_key(rd, field, PROTOBUF_C_WIRE_TYPE_VARINT);
    return err == WEFT_OK ? put_varint(rd, (uint64_t)number) : err;
}

static weft_err read_signed(reader *rd, const field_type *field, const wf_form_value *v)
{
    int64_t number;
    size_t bytes = value_bytes(field);
    weft_err err = wf_form_signed(rd->in, field->name, v, bytes == 8 ? INT64_MIN : INT32_MIN,
                                  bytes == 8 ? INT64_MAX : INT32_MAX, &number);
    if (err != WEFT_OK)
        return err;
    bool fixed = field->type == PROTOBUF_C_TYPE_SFIXED32 || field->type == PROTOBUF_C_TYPE_SFIXED64;
    bool folded = field->type == PROTOBUF_C_TYPE_SINT32 || field->type == PROTOBUF_C_TYPE_SINT64;
    err = put_key(rd, field,
                  !fixed       ? PROTOBUF_C_WIRE_TYPE_VARINT
                  : bytes == 8 ? PROTOBUF_C_WIRE_TYPE_64BIT
                               : PROTOBUF_C_WIRE_TYPE_32BIT);
    if (err != WEFT_OK)
        return err;
    return fixed ? put_fixed(rd, (uint64_t)number, bytes)
                 : put_varint(rd, folded ? zigzag(number) : (uint64_t)number);
}

static weft_err read_unsigned(reader *rd, const field_type *field, const wf_form_value *v)
{
    uint64_t number;
    size_t bytes = value_bytes(field);
    weft_err err =
        wf_form_unsigned(rd->in, field->name, v, bytes == 8 ? UINT64_MAX : UINT32_MAX, &number);
    bool fixed = field->type == PROTOBUF_C_TYPE_FIXED32 || field->type == PROTOBUF_C_TYPE_FIXED64;
    if (err == WEFT_OK)
        err = put_key(rd, field,
                      !fixed       ? PROTOBUF_C_WIRE_TYPE_VARINT
                      : bytes == 8 ? PROTOBUF_C_WIRE_TYPE_64BIT
                                   : PROTOBUF_C_WIRE_TYPE_32BIT);
    if (err != WEFT_OK)
        return err;
    return fixed ? put_fixed(rd, number, bytes) : put_varint(rd, number);
}

static weft_err read_flag(reader *rd, const field_type *field, const wf_form_value *v)
{
    bool flag;
    weft_err err = wf_form_flag(rd->in, field->name, v, &flag);
    if (err == WEFT_OK)
        err = put_key(rd, field, PROTOBUF_C_WIRE_TYPE_VARINT);
    return err == WEFT_OK ? put_varint(rd, flag) : err;
}

static weft_err read_real(reader *rd, const field_type *field, const wf_form_value *v)
{
    double real;
    bool wide = field->type == PROTOBUF_C_TYPE_DOUBLE;
    uint64_t bits = 0;
    weft_err err = wf_form_real(rd->in, field->name, v, &real);
    if (err == WEFT_OK)
        err = put_key(rd, field, wide ? PROTOBUF_C_WIRE_TYPE_64BIT : PROTOBUF_C_WIRE_TYPE_32BIT);
    if (err != WEFT_OK)
        return err;
    float small = real > (double)FLT_MAX    ? __builtin_inff()
                  : real < (double)-FLT_MAX ? -__builtin_inff()
                                            : (float)real;
    uint32_t few;
    memcpy(&few, &small, sizeof few);
    memcpy(&bits, &real, sizeof bits);
    return put_fixed(rd, wide ? bits : few, wide ? 8 : 4);
}

static weft_err read_text(reader *rd, const field_type *field, wf_form_value *v)
{
    weft_err err = WEFT_OK;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        err = wf_form_bytes(rd->in, field->name, v);
    else if (v->kind == WF_FORM_OPEN)
        err = wf_form_refuse(rd->in, WEFT_EINVAL, "%s: expected a text", field->name);
    if (err == WEFT_OK)
        err = put_key(rd, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    if (err == WEFT_OK)
        err = put_varint(rd, v->n);
    return err == WEFT_OK ? put(rd, v->at, v->n) : err;
}

static weft_err read_nested(reader *rd, const field_type *field, const wf_form_value *v)
{
    if (v->kind != WF_FORM_OPEN)
        return wf_form_refuse(rd->in, WEFT_EINVAL, "%s: expected a message, {...}", field->name);
    if (rd->depth == WF_PB_DEPTH_MAX)
        return wf_form_refuse(rd->in, WEFT_ELIMIT, "%s is nested more than %d messages deep",
                              field->name, WF_PB_DEPTH_MAX);
    weft_err err = put_key(rd, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    size_t from = rd->n;
    if (err == WEFT_OK)
        err = read_message(rd, field->descriptor, true);
    return err == WEFT_OK ? put_length_at(rd, from) : err;
}

static weft_err read_value(reader *rd, const field_type *field)
{
    wf_form_value v;
    weft_err err = wf_form_value_of(rd->in, field->name, &v);
    if (err != WEFT_OK)
        return err;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_signed(rd, field, &v);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(rd, field, &v);
    case PROTOBUF_C_TYPE_BOOL:
        return read_flag(rd, field, &v);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_real(rd, field, &v);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return read_text(rd, field, &v);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_nested(rd, field, &v);
    default:
        return read_unsigned(rd, field, &v);
    }
}

/* ---- messages */

static const char *name_at(const void *of, unsigned i)
{
    const message_type *type = of;
    return i < type->n_fields ? name_of(type->fields[i].name) : NULL;
}

/* The place of field @name; n_fields: it has none. */
static unsigned find(const message_type *type, const char *name)
{
    unsigned i = 0;
    while (i < type->n_fields && strcmp(name_of(type->fields[i].name), name) != 0)
        i++;
    return i;
}

/* A field that is given again, or beside another of its oneof. */
static weft_err check_given(const reader *rd, const message_type *type, unsigned i, uint8_t *given)
{
    const field_type *field = &type->fields[i];
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return WEFT_OK;
    if (given[i] != 0)
        return wf_form_refuse(rd->in, WEFT_EINVAL, "%s is given twice", field->name);
    given[i] = 1;
    for (unsigned k = 0; in_oneof(field) && k < type->n_fields; k++)
        if (k != i && given[k] != 0 && in_oneof(&type->fields[k]) &&
            type->fields[k].quantifier_offset == field->quantifier_offset)
            return wf_form_refuse(rd->in, WEFT_EINVAL, "%s cannot stand beside %s", field->name,
                                  type->fields[k].name);
    return WEFT_OK;
}

static weft_err read_message(reader *rd, const message_type *type, bool nested)
{
    char name[WEFT_FORM_NAME_BYTES];
    uint8_t *given = wf_arena_take(rd->in->arena, (size_t)type->n_fields + 1);
    if (given == NULL)
        return wf_form_refuse(rd->in, rd->in->arena->err, "no memory for it");
    rd->depth++;
    for (;;) {
        wf_form_event what;
        weft_err err = wf_form_next(rd->in, name, &what);
        if (err == WEFT_OK && what != WF_FORM_FIELD) {
            rd->depth--;
            if ((what == WF_FORM_CLOSE) == nested)
                return WEFT_OK;
            return wf_form_refuse(rd->in, WEFT_EINVAL,
                                  nested ? "a brace is not closed" : "a brace that nothing opened");
        }
        unsigned i = err == WEFT_OK ? find(type, name) : 0;
        if (err == WEFT_OK && i == type->n_fields)
            err = wf_form_no_field(rd->in, name, name_at, type);
        if (err == WEFT_OK)
            err = check_given(rd, type, i, given);
        if (err == WEFT_OK)
            err = read_value(rd, &type->fields[i]);
        if (err != WEFT_OK)
            return err;
    }
}

/* The longest that few characters become: "a=1 ", whose key has 5 bytes and whose value has 8 or 10. */
weft_err wf_pb_parse(const void *descriptor, struct wf_form_in *in, void **out)
{
    reader rd = {.in = in, .room = 4 * (size_t)(in->end - in->start) + 64};
    rd.at = wf_arena_take(in->arena, rd.room);
    if (rd.at == NULL)
        return wf_form_refuse(in, in->arena->err, "no memory for it");
    weft_err err = read_message(&rd, descriptor, false);
    if (err != WEFT_OK)
        return err;
    err = wf_pb_unpack(descriptor, rd.at, rd.n, in->arena, out, in->why);
    return err == WEFT_EPROTO ? WEFT_EINVAL : err;
}
