/* SPDX-License-Identifier: MIT */
/* Looking for messages of one type within others. */
#include "wf_pb_walk.h"

enum { NESTED_TYPES_MAX = 256 }; /* as wf_pb_check has it */

const char *wf_pb_name(const void *descriptor)
{
    return ((const message_type *)descriptor)->name;
}

static bool add(const message_type **list, size_t *n, const message_type *type)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == type)
            return true;
    if (*n == NESTED_TYPES_MAX)
        return false;
    list[(*n)++] = type;
    return true;
}

bool wf_pb_nests(const void *descriptor, const void *wanted)
{
    const message_type *list[NESTED_TYPES_MAX];
    size_t n = 0;
    (void)add(list, &n, descriptor);
    for (size_t i = 0; i < n; i++) {
        if (list[i] == wanted)
            return true;
        for (unsigned k = 0; k < list[i]->n_fields; k++)
            if (list[i]->fields[k].type == PROTOBUF_C_TYPE_MESSAGE &&
                !add(list, &n, list[i]->fields[k].descriptor))
                return true; /* too many to look at: looked for in each body then */
    }
    return false;
}

static weft_err each(ProtobufCMessage *m, const void *wanted, wf_pb_nested_fn *fn, void *context);

static weft_err each_field(char *body, const field_type *field, const void *wanted,
                           wf_pb_nested_fn *fn, void *context)
{
    weft_err err = WEFT_OK;
    void *one, **all;
    memcpy(&one, body + field->offset, sizeof one);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        bool there = one != NULL &&
                     (!in_oneof(field) || load_u32(body + field->quantifier_offset) == field->id);
        return there ? each(one, wanted, fn, context) : WEFT_OK;
    }
    memcpy(&all, body + field->offset, sizeof all);
    size_t n = load_size(body + field->quantifier_offset);
    for (size_t k = 0; err == WEFT_OK && k < n; k++)
        err = each(all[k], wanted, fn, context);
    return err;
}

static weft_err each(ProtobufCMessage *m, const void *wanted, wf_pb_nested_fn *fn, void *context)
{
    const message_type *type = m->descriptor;
    weft_err err = type == wanted ? fn(m, context) : WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            err = each_field((char *)m, &type->fields[i], wanted, fn, context);
    return err;
}

weft_err wf_pb_each(void *made, const void *wanted, wf_pb_nested_fn *fn, void *context)
{
    return each(made, wanted, fn, context);
}
