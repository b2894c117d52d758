/* SPDX-License-Identifier: MIT */
/* The text form of protobuf-c messages, written: what is set, in the order of the descriptor. */
#include <inttypes.h>

#include "form.h"
#include "wf_pb_walk.h"

static void print_message(const message_type *type, const char *body, wf_form_out *out);

static void print_enum(const field_type *field, int32_t value, wf_form_out *out)
{
    const ProtobufCEnumDescriptor *names = field->descriptor;
    const ProtobufCEnumValue *one = protobuf_c_enum_descriptor_get_value(names, value);
    if (one != NULL && one->name != NULL)
        wf_form_put(out, "%.100s", one->name);
    else
        wf_form_put(out, "%" PRId32, value);
}

/* Of what can be seen before it is written: texts, bytes, messages. */
static void print_pointed(const field_type *field, const char *at, wf_form_out *out)
{
    const char *value = load_pointer(at);
    ProtobufCBinaryData bytes;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        wf_form_put_text(out, value != NULL ? value : "", value != NULL ? strlen(value) : 0);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        memcpy(&bytes, at, sizeof bytes);
        wf_form_put_hex(out, bytes.data, bytes.len);
        return;
    default:
        wf_form_put(out, "{");
        print_message(field->descriptor, value, out);
        wf_form_put(out, "}");
        return;
    }
}

static void print_value(const field_type *field, const char *at, wf_form_out *out)
{
    uint64_t wide = 0;
    float real;
    double twice;
    protobuf_c_boolean flag;
    if (!is_packable(field)) {
        print_pointed(field, at, out);
        return;
    }
    memcpy(&wide, at, value_bytes(field) == 8 ? 8 : 0);
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        wf_form_put(out, "%" PRId32, (int32_t)load_u32(at));
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        wf_form_put(out, "%" PRIu32, load_u32(at));
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        wf_form_put(out, "%" PRId64, (int64_t)wide);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        memcpy(&real, at, sizeof real);
        wf_form_put_float(out, real);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(&twice, at, sizeof twice);
        wf_form_put_double(out, twice);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(&flag, at, sizeof flag);
        wf_form_put(out, "%s", flag ? "true" : "false");
        return;
    case PROTOBUF_C_TYPE_ENUM:
        print_enum(field, (int32_t)load_u32(at), out);
        return;
    default:
        wf_form_put(out, "%" PRIu64, wide);
        return;
    }
}

/* Whether a field without a count is there: chosen, marked, or not what it would be anyway. */
static bool is_set(const field_type *field, const char *body)
{
    static const char zeros[sizeof(ProtobufCBinaryData)] = {0};
    const char *at = body + field->offset;
    if (in_oneof(field))
        return load_u32(body + field->quantifier_offset) == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return load_pointer(at) != NULL;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = load_pointer(at);
        return text != NULL && (field->label == PROTOBUF_C_LABEL_OPTIONAL
                                    ? (const void *)text != field->default_value
                                    : text[0] != '\0');
    }
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL) {
        protobuf_c_boolean has;
        memcpy(&has, body + field->quantifier_offset, sizeof has);
        return has;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData bytes;
        memcpy(&bytes, at, sizeof bytes);
        return bytes.len != 0;
    }
    return memcmp(at, zeros, value_bytes(field)) != 0;
}

static void print_message(const message_type *type, const char *body, wf_form_out *out)
{
    for (unsigned i = 0; i < type->n_fields && !out->cut; i++) {
        const field_type *field = &type->fields[i];
        const char *at = body + field->offset;
        size_t n = 1;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            n = load_size(body + field->quantifier_offset);
            at = load_pointer(at);
        } else if (!is_set(field, body)) {
            continue;
        }
        for (size_t k = 0; k < n && !out->cut; k++) {
            wf_form_put_name(out, name_of(field->name));
            print_value(field, at + k * value_bytes(field), out);
        }
    }
}

void wf_pb_print(const void *descriptor, const void *made, struct wf_form_out *out)
{
    print_message(descriptor, made, out);
}

/* ---- what there is */

bool wf_pb_field_at(const void *descriptor, unsigned i, struct wf_form_field *out)
{
    const message_type *type = descriptor;
    if (i >= type->n_fields)
        return false;
    const field_type *field = &type->fields[i];
    *out =
        (wf_form_field){.name = name_of(field->name),
                        .flag = field->type == PROTOBUF_C_TYPE_BOOL,
                        .nested = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL,
                        .names = field->type == PROTOBUF_C_TYPE_ENUM ? field->descriptor : NULL};
    return true;
}

const char *wf_pb_value_at(const void *descriptor, unsigned i)
{
    const ProtobufCEnumDescriptor *type = descriptor;
    return i < type->n_values ? name_of(type->values[i].name) : NULL;
}
