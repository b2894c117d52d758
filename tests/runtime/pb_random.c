/* SPDX-License-Identifier: MIT */
/* Making random messages by walking over the descriptor. */
#include "pb_random.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Texts of 1, 2, 3 and 4 bytes a character. */
static const char *const characters[] = {
    "a", "Z", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa7\xb5"};

static size_t below(pb_random *random, size_t n)
{
    return test_below(&random->numbers, n);
}

static void *piece(pb_random *random, size_t bytes)
{
    if (random->n == random->room) {
        random->room = random->room * 2 + 16;
        random->pieces = realloc(random->pieces, random->room * sizeof *random->pieces);
        if (random->pieces == NULL)
            abort();
    }
    void *made = malloc(bytes);
    if (made == NULL)
        abort();
    return random->pieces[random->n++] = made;
}

void pb_random_done(pb_random *random)
{
    for (size_t i = 0; i < random->n; i++) {
        memset(random->pieces[i], 0xdd, malloc_usable_size(random->pieces[i]));
        free(random->pieces[i]);
    }
    free(random->pieces);
    *random = (pb_random){.numbers = random->numbers};
}

static char *text(pb_random *random)
{
    size_t n = below(random, 8) == 0 ? 60 : below(random, 12);
    char *made = piece(random, n * 4 + 1), *at = made;
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, characters[below(random, 6)]);
    *at = '\0';
    return made;
}

static ProtobufCBinaryData blob(pb_random *random)
{
    ProtobufCBinaryData made = {.len = below(random, 30)};
    made.data = piece(random, made.len + 1);
    for (size_t i = 0; i < made.len; i++)
        made.data[i] = (uint8_t)test_next(&random->numbers);
    return made;
}

static size_t bytes_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static void fill(pb_random *random, const ProtobufCFieldDescriptor *field, char *value, int depth)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *s = text(random);
        memcpy(value, &s, sizeof s);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData b = blob(random);
        memcpy(value, &b, sizeof b);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        void *m = pb_random_message(random, field->descriptor, depth - 1);
        memcpy(value, &m, sizeof m);
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        protobuf_c_boolean b = below(random, 2) == 0;
        memcpy(value, &b, sizeof b);
    } else {
        /* Small ones, and such that need all their bytes. */
        uint64_t v = test_next(&random->numbers) >> (8 * below(random, 8));
        memcpy(value, &v, bytes_of(field->type));
    }
}

static void fill_array(pb_random *random, const ProtobufCFieldDescriptor *field, char *body,
                       int depth)
{
    size_t n = below(random, 5), size = bytes_of(field->type);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth <= 1)
        n = 0;
    char *array = n > 0 ? piece(random, n * size) : (char *)(uintptr_t)8;
    for (size_t i = 0; i < n; i++)
        fill(random, field, array + i * size, depth);
    memcpy(body + field->quantifier_offset, &n, sizeof n);
    memcpy(body + field->offset, &array, sizeof array);
}

/* Chooses at the first field of a oneof: @chosen is one of its fields, or none. */
static void fill_oneof(pb_random *random, const ProtobufCMessageDescriptor *type, unsigned i,
                       char *body, int depth)
{
    const ProtobufCFieldDescriptor *field = &type->fields[i];
    if (i > 0 && field[-1].quantifier_offset == field->quantifier_offset)
        return;
    unsigned n = 1;
    while (i + n < type->n_fields && field[n].quantifier_offset == field->quantifier_offset)
        n++;
    size_t pick = below(random, n + 1);
    uint32_t chosen = 0;
    uintptr_t nowhere = 8;
    memcpy(body + field->offset, &nowhere, sizeof nowhere);
    if (pick < n && (field[pick].type != PROTOBUF_C_TYPE_MESSAGE || depth > 1)) {
        chosen = field[pick].id;
        fill(random, &field[pick], body + field->offset, depth);
    }
    memcpy(body + field->quantifier_offset, &chosen, sizeof chosen);
}

void *pb_random_message(pb_random *random, const ProtobufCMessageDescriptor *type, int depth)
{
    char *body = piece(random, type->sizeof_message);
    protobuf_c_message_init(type, body);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            fill_array(random, field, body, depth);
        else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            fill_oneof(random, type, i, body, depth);
        else if (below(random, 3) == 0)
            continue;
        else if (field->type != PROTOBUF_C_TYPE_MESSAGE || depth > 1)
            fill(random, field, body + field->offset, depth);
    }
    return body;
}
