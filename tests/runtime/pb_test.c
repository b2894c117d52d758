/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>

#include "pb_random.h"
#include "pb_test.pb-c.h"
#include "pb_test_old.pb-c.h"
#include "runtime/wf_pb.h"

#define TYPE(name) (&pbtest__##name##__descriptor)

static weft_why why;

/* A copy in a block of exactly as many bytes as were measured, NULL if that refused. */
static void *copied(const ProtobufCMessageDescriptor *type, const void *body, size_t *bytes)
{
    size_t n = 0;
    if (wf_pb_measure(type, body, &n, &why) != WEFT_OK)
        return NULL;
    void *block = malloc(n);
    if (block != NULL) {
        memset(block, 0xaa, n);
        wf_pb_copy(type, body, block);
    }
    if (bytes != NULL)
        *bytes = n;
    return block;
}

static void check_refused(const ProtobufCMessageDescriptor *type, const void *body, weft_err err,
                          const char *sentence)
{
    size_t bytes = 77;
    CHECK_ERR(wf_pb_measure(type, body, &bytes, &why), err);
    CHECK_STR(why.text, sentence);
    CHECK_U64(bytes, 77);
    CHECK_ERR(wf_pb_measure(type, body, &bytes, NULL), err);
}

/* ---- random messages of every shape */

enum { ROUNDS = 300 };

static const ProtobufCMessageDescriptor *const types[] = {
    TYPE(everything), TYPE(scalars), TYPE(arrays), TYPE(checkout), TYPE(tree), TYPE(nothing),
};

static void a_copy_packs_to_the_same_bytes(void)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        pb_random random = {.numbers = {seed}};
        const ProtobufCMessageDescriptor *type = types[seed % (sizeof types / sizeof types[0])];
        ProtobufCMessage *body = pb_random_message(&random, type, 4);
        size_t n = protobuf_c_message_get_packed_size(body), bytes = 0;
        uint8_t *want = malloc(n + 1), *got = malloc(n + 1);
        REQUIRE(want != NULL && got != NULL);
        CHECK_U64(protobuf_c_message_pack(body, want), n);

        if (seed % 2 == 0)
            body->descriptor = NULL;
        void *block = copied(type, body, &bytes);
        REQUIRE(block != NULL);
        /* Nothing of the copy may still be in the original. */
        pb_random_done(&random);
        CHECK_U64(wf_pb_packed_bytes(block), n);
        CHECK_U64(wf_pb_pack(block, got), n);
        CHECK_MEM(got, n, want, n);
        free(block);
        free(want);
        free(got);
    }
}

/* A span that must lie in the block; what is empty has no place. */
static void check_within(const void *at, size_t n, const char *block, size_t bytes)
{
    const char *from = at;
    CHECK(n == 0 || (from >= block && from + n <= block + bytes));
}

static void check_pointers(const ProtobufCMessage *m, const char *block, size_t bytes);

static void check_value(const ProtobufCFieldDescriptor *field, const char *value, const char *block,
                        size_t bytes)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *s;
        memcpy(&s, value, sizeof s);
        CHECK(s != NULL);
        if (s != field->default_value)
            check_within(s, strlen(s) + 1, block, bytes);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData b;
        memcpy(&b, value, sizeof b);
        CHECK((b.len == 0) == (b.data == NULL));
        check_within(b.data, b.len, block, bytes);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const void *nested;
        memcpy(&nested, value, sizeof nested);
        const ProtobufCMessage *m = nested;
        if (m != NULL) {
            CHECK(m->descriptor == field->descriptor);
            check_pointers(m, block, bytes);
        }
    }
}

static void check_pointers(const ProtobufCMessage *m, const char *block, size_t bytes)
{
    const ProtobufCMessageDescriptor *type = m->descriptor;
    const char *body = (const char *)m;
    check_within(m, type->sizeof_message, block, bytes);
    CHECK_U64((uintptr_t)m % WF_PB_ALIGN, 0);
    CHECK(m->n_unknown_fields == 0 && m->unknown_fields == NULL);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        uint32_t chosen;
        size_t n;
        const char *array;
        memcpy(&chosen, body + field->quantifier_offset, sizeof chosen);
        memcpy(&n, body + field->quantifier_offset, sizeof n);
        memcpy(&array, body + field->offset, sizeof array);
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            bool fat = field->type == PROTOBUF_C_TYPE_BYTES;
            size_t size = fat ? sizeof(ProtobufCBinaryData) : sizeof(void *);
            CHECK((n == 0) == (array == NULL));
            CHECK_U64((uintptr_t)array % WF_PB_ALIGN, 0);
            check_within(array, n, block, bytes);
            for (size_t k = 0; field->type >= PROTOBUF_C_TYPE_STRING && k < n; k++)
                check_value(field, array + k * size, block, bytes);
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 || chosen == field->id) {
            check_value(field, body + field->offset, block, bytes);
        } else if (chosen == 0) {
            CHECK(array == NULL);
        }
    }
}

static void every_pointer_of_a_copy_points_into_its_block(void)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        pb_random random = {.numbers = {seed ^ 0xabcdef}};
        size_t bytes = 0;
        void *body = pb_random_message(&random, TYPE(everything), 4);
        char *block = copied(TYPE(everything), body, &bytes);
        REQUIRE(block != NULL);
        check_pointers((const ProtobufCMessage *)(void *)block, block, bytes);
        free(block);
        pb_random_done(&random);
    }
}

/* ---- what stands for nothing */

static void a_body_without_base_is_copied(void)
{
    const Pbtest__Scalars body = {.a_int32 = -5, .a_string = (char *)(uintptr_t) "hello"};
    Pbtest__Scalars *copy = copied(TYPE(scalars), &body, NULL);
    REQUIRE(copy != NULL);
    CHECK(copy->base.descriptor == TYPE(scalars));
    CHECK_I64(copy->a_int32, -5);
    CHECK_STR(copy->a_string, "hello");
    CHECK(copy->a_string != body.a_string);
    CHECK(copy->a_bytes.data == NULL);
    free(copy);
}

static void a_string_that_is_null_or_empty_arrives_empty(void)
{
    char none[] = "";
    Pbtest__Scalars body = {.a_string = NULL};
    for (int i = 0; i < 3; i++) {
        size_t bytes = 0;
        body.a_string = i == 0 ? NULL : i == 1 ? none : (char *)(uintptr_t)protobuf_c_empty_string;
        Pbtest__Scalars *copy = copied(TYPE(scalars), &body, &bytes);
        REQUIRE(copy != NULL);
        CHECK_STR(copy->a_string, "");
        CHECK(copy->a_string != none);
        CHECK_U64(bytes, sizeof body);
        CHECK_U64(wf_pb_packed_bytes(copy), 0);
        free(copy);
    }
}

static void a_chosen_empty_string_stays_chosen_also_when_packed(void)
{
    char none[] = "";
    Pbtest__Checkout body = {.payment_case = PBTEST__CHECKOUT__PAYMENT_CARD};
    for (int i = 0; i < 3; i++) {
        body.card = i == 0 ? NULL : i == 1 ? none : (char *)(uintptr_t)protobuf_c_empty_string;
        Pbtest__Checkout *copy = copied(TYPE(checkout), &body, NULL);
        REQUIRE(copy != NULL);
        CHECK_U64(copy->payment_case, PBTEST__CHECKOUT__PAYMENT_CARD);
        CHECK_STR(copy->card, "");
        uint8_t packed[2] = {0};
        CHECK_U64(wf_pb_packed_bytes(copy), 2);
        CHECK_U64(wf_pb_pack(copy, packed), 2);
        CHECK_MEM(packed, 2, ((const uint8_t[]){0x12, 0}), 2);
        free(copy);
    }
}

static void a_oneof_that_is_not_set_holds_no_pointer(void)
{
    Pbtest__Checkout body = {.token = {.len = 9, .data = (uint8_t *)(uintptr_t)8}};
    Pbtest__Checkout *copy = copied(TYPE(checkout), &body, NULL);
    REQUIRE(copy != NULL);
    CHECK_U64(copy->payment_case, 0);
    CHECK(copy->token.len == 0 && copy->token.data == NULL);
    free(copy);
}

static void unknown_fields_are_not_copied(void)
{
    Pbtest__Item item;
    Pbtest__Line body = {.item = &item};
    uint8_t data[] = {1};
    pbtest__item__init(&item);
    ProtobufCMessageUnknownField unknown = {.tag = 9, .len = 1, .data = data};
    item.base.n_unknown_fields = body.base.n_unknown_fields = 1;
    item.base.unknown_fields = body.base.unknown_fields = &unknown;
    Pbtest__Line *copy = copied(TYPE(line), &body, NULL);
    REQUIRE(copy != NULL);
    CHECK(copy->base.n_unknown_fields == 0 && copy->base.unknown_fields == NULL);
    CHECK(copy->item->base.n_unknown_fields == 0 && copy->item->base.unknown_fields == NULL);
    free(copy);
}

static void presence_and_defaults_of_proto2_are_kept(void)
{
    Pbtest__Old next = PBTEST__OLD__INIT, body = PBTEST__OLD__INIT;
    char empty[] = "", name[] = "n", blob[] = "b";
    next.name = name;
    body.name = name;
    body.title = empty;
    body.has_blob = 1;
    body.blob = (ProtobufCBinaryData){.len = 1, .data = (uint8_t *)blob};
    body.next = &next;
    Pbtest__Old *copy = copied(TYPE(old), &body, NULL);
    REQUIRE(copy != NULL && copy->next != NULL);
    CHECK_STR(copy->title, "");
    CHECK(copy->title != empty);
    CHECK(copy->next->title == next.title);
    CHECK(copy->next->blob.data == next.blob.data);
    CHECK_MEM(copy->blob.data, copy->blob.len, "b", 1);
    CHECK_U64(wf_pb_packed_bytes(copy), protobuf_c_message_get_packed_size(&body.base));
    free(copy);

    /* What is said not to be there is not copied: it may have gone. */
    body.has_blob = 0;
    body.blob.data = (uint8_t *)(uintptr_t)8;
    copy = copied(TYPE(old), &body, NULL);
    REQUIRE(copy != NULL);
    CHECK_MEM(copy->blob.data, copy->blob.len, "xyz", 3);
    free(copy);

    next.name = NULL;
    check_refused(TYPE(old), &body, WEFT_EINVAL,
                  "pbtest.Old: next.name is NULL; expected a string");
}

/* ---- what is refused names the field */

static void a_nested_message_without_descriptor_is_named(void)
{
    Pbtest__Item item = {.weight = 1.5}, good;
    Pbtest__Line lines[3] = {PBTEST__LINE__INIT, PBTEST__LINE__INIT, PBTEST__LINE__INIT};
    Pbtest__Line *all[3] = {&lines[0], &lines[1], &lines[2]};
    Pbtest__Order order = PBTEST__ORDER__INIT;
    Pbtest__Checkout body = {.order = &order};
    pbtest__item__init(&good);
    order.n_lines = 3;
    order.lines = all;
    lines[0].item = &good;
    lines[2].item = &item;
    check_refused(TYPE(checkout), &body, WEFT_EINVAL,
                  "pbtest.Checkout: order.lines[2].item has no descriptor; "
                  "begin it with its __INIT");
    lines[2].item = &good;
    order.base.descriptor = TYPE(line);
    check_refused(TYPE(checkout), &body, WEFT_EINVAL,
                  "pbtest.Checkout: order has a descriptor that is not pbtest.Order's");
    order.base.descriptor = TYPE(order);
    body.base.descriptor = TYPE(order);
    check_refused(TYPE(checkout), &body, WEFT_EINVAL,
                  "pbtest.Checkout: the message has the descriptor of another type");
}

static void null_where_something_must_be_is_named(void)
{
    char one[] = "one";
    char *strings[2] = {one, NULL};
    Pbtest__Item *items[1] = {NULL};
    ProtobufCBinaryData blobs[2] = {{0, NULL}, {3, NULL}};
    Pbtest__Arrays body = {.n_strings = 2, .strings = strings};
    check_refused(TYPE(arrays), &body, WEFT_EINVAL,
                  "pbtest.Arrays: strings[1] is NULL; expected a string");
    body = (Pbtest__Arrays){.n_blobs = 2, .blobs = blobs};
    check_refused(TYPE(arrays), &body, WEFT_EINVAL,
                  "pbtest.Arrays: blobs[1] has 3 bytes but data is NULL");
    body = (Pbtest__Arrays){.n_bools = 4};
    check_refused(TYPE(arrays), &body, WEFT_EINVAL,
                  "pbtest.Arrays: bools has 4 elements but is NULL");
    body = (Pbtest__Arrays){.n_messages = 1, .messages = (Pbtest__Scalars **)(void *)items};
    check_refused(TYPE(arrays), &body, WEFT_EINVAL,
                  "pbtest.Arrays: messages[0] is NULL; expected a pbtest.Scalars");
    Pbtest__Checkout checkout = {.payment_case = PBTEST__CHECKOUT__PAYMENT_BARTER};
    check_refused(TYPE(checkout), &checkout, WEFT_EINVAL,
                  "pbtest.Checkout: barter is NULL; expected a pbtest.Item");
    checkout.payment_case = (Pbtest__Checkout__PaymentCase)8;
    check_refused(TYPE(checkout), &checkout, WEFT_EINVAL,
                  "pbtest.Checkout: card is in a oneof whose case is 8, which is none of its "
                  "fields");
}

static void a_string_that_is_not_utf8_is_named(void)
{
    char bad[] = "caf\xe9", good[] = "caf\xc3\xa9";
    Pbtest__Scalars body = {.a_string = bad};
    check_refused(TYPE(scalars), &body, WEFT_EINVAL,
                  "pbtest.Scalars: a_string is not UTF-8 at byte 3");
    size_t bytes;
    body.a_string = good;
    CHECK_OK(wf_pb_measure(TYPE(scalars), &body, &bytes, NULL));
}

/* ---- limits */

static void messages_nest_as_deep_as_the_limit_and_no_deeper(void)
{
    Pbtest__Tree trees[WF_PB_DEPTH_MAX + 1];
    Pbtest__Tree *children[WF_PB_DEPTH_MAX + 1];
    size_t bytes = 0;
    for (int i = WF_PB_DEPTH_MAX; i >= 0; i--) {
        pbtest__tree__init(&trees[i]);
        children[i] = &trees[i];
        if (i == WF_PB_DEPTH_MAX)
            continue;
        if (i % 2 == 0) {
            trees[i].left = &trees[i + 1];
        } else {
            trees[i].n_children = 1;
            trees[i].children = &children[i + 1];
        }
    }
    CHECK_OK(wf_pb_measure(TYPE(tree), &trees[1], &bytes, &why));
    CHECK_ERR(wf_pb_measure(TYPE(tree), &trees[0], &bytes, &why), WEFT_ELIMIT);
    /* The front of so long a path is left out. */
    CHECK(strstr(why.text, "pbtest.Tree: ...") == why.text);
    CHECK(strstr(why.text, ".left.children[0] is nested more than 32 messages deep") != NULL);

    trees[1].left = &trees[0];
    trees[1].n_children = 0;
    CHECK_ERR(wf_pb_measure(TYPE(tree), &trees[1], &bytes, &why), WEFT_ELIMIT);
}

static void a_copy_is_as_large_as_the_limit_and_no_larger(void)
{
    size_t left = WF_PB_BYTES_MAX - sizeof(Pbtest__Scalars), bytes = 0;
    uint8_t *data = calloc(1, left + 1);
    REQUIRE(data != NULL);
    Pbtest__Scalars body = {.a_bytes = {.len = left, .data = data}};
    CHECK_OK(wf_pb_measure(TYPE(scalars), &body, &bytes, &why));
    CHECK_U64(bytes, WF_PB_BYTES_MAX);
    body.a_bytes.len++;
    check_refused(TYPE(scalars), &body, WEFT_ELIMIT,
                  "pbtest.Scalars: a_bytes makes it larger than 16777216 bytes");
    free(data);

    double one = 1;
    Pbtest__Arrays arrays = {.n_doubles = SIZE_MAX / 8 + 2, .doubles = &one};
    check_refused(TYPE(arrays), &arrays, WEFT_ELIMIT,
                  "pbtest.Arrays: doubles makes it larger than 16777216 bytes");
}

static void fields_are_as_many_as_the_limit_and_no_more(void)
{
    int32_t *loose = calloc(WF_PB_FIELDS_MAX + 1, sizeof *loose);
    size_t bytes = 0;
    REQUIRE(loose != NULL);
    Pbtest__Arrays body = {.n_loose = WF_PB_FIELDS_MAX, .loose = loose};
    CHECK_OK(wf_pb_measure(TYPE(arrays), &body, &bytes, &why));
    body.n_loose++;
    check_refused(TYPE(arrays), &body, WEFT_ELIMIT,
                  "pbtest.Arrays: loose is more than the 262144 fields that a message may have");
    body = (Pbtest__Arrays){.n_int32s = WF_PB_FIELDS_MAX + 1, .int32s = loose};
    CHECK_OK(wf_pb_measure(TYPE(arrays), &body, &bytes, &why));
    free(loose);
}

static void a_type_is_checked_with_all_that_it_nests(void)
{
    ProtobufCMessageDescriptor type = *TYPE(everything);
    CHECK_OK(wf_pb_check(TYPE(everything), sizeof(Pbtest__Everything), &why));
    CHECK_OK(wf_pb_check(TYPE(tree), sizeof(Pbtest__Tree), &why));
    CHECK_ERR(wf_pb_check(TYPE(tree), sizeof(Pbtest__Tree) - 1, &why), WEFT_EINVAL);
    CHECK_ERR(wf_pb_check(TYPE(older), sizeof(Pbtest__Older), &why), WEFT_EUNSUPPORTED);
    CHECK_STR(why.text, "pbtest.Old.name is required; use proto3");
    type.sizeof_message = WF_PB_STRUCT_BYTES_MAX + 1;
    CHECK_ERR(wf_pb_check(&type, type.sizeof_message, &why), WEFT_ELIMIT);
    type = *TYPE(everything);
    type.message_init = NULL;
    CHECK_ERR(wf_pb_check(&type, type.sizeof_message, &why), WEFT_EUNSUPPORTED);
    type.magic++;
    CHECK_ERR(wf_pb_check(&type, type.sizeof_message, &why), WEFT_EINVAL);
    CHECK_ERR(wf_pb_check(NULL, 8, &why), WEFT_EINVAL);
}

static const test_case cases[] = {
    TEST(a_copy_packs_to_the_same_bytes),
    TEST(every_pointer_of_a_copy_points_into_its_block),
    TEST(a_body_without_base_is_copied),
    TEST(a_string_that_is_null_or_empty_arrives_empty),
    TEST(a_chosen_empty_string_stays_chosen_also_when_packed),
    TEST(a_oneof_that_is_not_set_holds_no_pointer),
    TEST(unknown_fields_are_not_copied),
    TEST(presence_and_defaults_of_proto2_are_kept),
    TEST(a_nested_message_without_descriptor_is_named),
    TEST(null_where_something_must_be_is_named),
    TEST(a_string_that_is_not_utf8_is_named),
    TEST(messages_nest_as_deep_as_the_limit_and_no_deeper),
    TEST(a_copy_is_as_large_as_the_limit_and_no_larger),
    TEST(fields_are_as_many_as_the_limit_and_no_more),
    TEST(a_type_is_checked_with_all_that_it_nests),
    {0},
};

const test_suite pb_suite = {.name = "runtime/pb", .cases = cases};
