/* SPDX-License-Identifier: MIT */
/* Flat messages: another way that must come to the same. */
#include "check.h"

#include <stdlib.h>

#include "pb_random.h"
#include "pb_test.pb-c.h"
#include "runtime/wf_pb.h"

#define TYPE(name) (&pbtest__##name##__descriptor)

enum { ROUNDS = 300 };

static weft_why why;

static void a_flat_message_goes_out_and_comes_in_as_all_do(void)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        pb_random random = {.numbers = {seed}};
        const ProtobufCMessageDescriptor *type = TYPE(scalars);
        ProtobufCMessage *body = pb_random_message(&random, type, 1);
        size_t n = protobuf_c_message_get_packed_size(body), bytes = 0, room = 0;
        uint8_t *want = malloc(n + 1), *got = malloc(n + 1);
        REQUIRE(want != NULL && got != NULL);
        CHECK_U64(protobuf_c_message_pack(body, want), n);
        if (seed % 2 == 0)
            body->descriptor = NULL;
        REQUIRE(wf_pb_flat_bytes(type, body, &bytes));
        CHECK_U64(bytes, n);
        wf_pb_flat_pack(type, body, got);
        CHECK_MEM(got, n, want, n);
        REQUIRE(wf_pb_flat_measure(type, want, n, &room));
        void *block = malloc(room);
        REQUIRE(block != NULL);
        memset(block, 0xaa, room);
        wf_pb_flat_make(type, want, n, block);
        pb_random_done(&random);
        CHECK_U64(wf_pb_packed_bytes(block), n);
        CHECK_U64(wf_pb_pack(block, got), n);
        CHECK_MEM(got, n, want, n);
        CHECK(wf_pb_measure(type, block, &bytes, &why) == WEFT_OK && bytes <= room);
        free(block);
        free(want);
        free(got);
    }
}

static void what_is_not_flat_or_not_sound_is_left_to_others(void)
{
    static const ProtobufCMessageDescriptor *const shapes[] = {TYPE(everything), TYPE(arrays),
                                                               TYPE(checkout), TYPE(tree)};
    size_t bytes = 77;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        pb_random random = {.numbers = {i + 1}};
        CHECK(!wf_pb_flat_bytes(shapes[i], pb_random_message(&random, shapes[i], 2), &bytes));
        pb_random_done(&random);
    }
    char latin[] = {(char)0xe9, '\0'};
    Pbtest__Scalars bad = PBTEST__SCALARS__INIT, other = PBTEST__SCALARS__INIT,
                    none = PBTEST__SCALARS__INIT, big = PBTEST__SCALARS__INIT;
    bad.a_string = latin;
    other.base.descriptor = TYPE(arrays);
    none.a_bytes.len = 1;
    uint8_t *long_one = calloc(1, WF_PB_FLAT_BYTES_MAX + 1);
    REQUIRE(long_one != NULL);
    big.a_bytes = (ProtobufCBinaryData){WF_PB_FLAT_BYTES_MAX - 4, long_one};
    CHECK(!wf_pb_flat_bytes(TYPE(scalars), &bad, &bytes));
    CHECK(!wf_pb_flat_bytes(TYPE(scalars), &other, &bytes));
    CHECK(!wf_pb_flat_bytes(TYPE(scalars), &none, &bytes));
    CHECK(!wf_pb_flat_bytes(TYPE(scalars), &big, &bytes));
    big.a_bytes.len--; /* a key of two bytes, a length of three */
    CHECK(wf_pb_flat_bytes(TYPE(scalars), &big, &bytes));
    CHECK_U64(bytes, WF_PB_FLAT_BYTES_MAX);
    CHECK(!wf_pb_flat_measure(TYPE(scalars), long_one, WF_PB_FLAT_BYTES_MAX + 1, &bytes));
    free(long_one);
}

/* What the walks refuse, or take in a way of their own, no short cut takes. */
static void uncommon_bytes_are_left_to_others(void)
{
    static const struct {
        size_t n;
        uint8_t bytes[12];
    } odd[] = {
        {1, {0x08}},                         /* a key and nothing */
        {2, {0x08, 0x80}},                   /* a number cut off */
        {3, {0x7a, 5, 'a'}},                 /* a text cut off */
        {3, {0x7a, 1, 0xe9}},                /* not UTF-8 */
        {3, {0x7a, 1, 0}},                   /* a zero byte in a text */
        {2, {0x0d, 1}},                      /* another wire type than the field's */
        {5, {0x88, 0x80, 0x80, 0x00, 1}},    /* a key of four bytes */
        {5, {0x7a, 0x81, 0x80, 0x80, 0x00}}, /* a length of four */
        {2, {0x00, 1}},                      /* no field */
        {3, {0xb8, 0x3e, 1}},                /* one that nobody knows */
        {11, {0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}}, /* 65 bits */
    };
    size_t room;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        CHECK(!wf_pb_flat_measure(TYPE(scalars), odd[i].bytes, odd[i].n, &room));
    CHECK(wf_pb_flat_measure(TYPE(scalars), NULL, 0, &room));
    CHECK(wf_pb_flat_measure(TYPE(arrays), NULL, 0, &room)); /* nothing came that is not flat */
    Pbtest__Arrays empty;
    CHECK_U64(room, sizeof empty);
    memset(&empty, 0xaa, sizeof empty);
    wf_pb_flat_make(TYPE(arrays), NULL, 0, &empty);
    CHECK_U64(wf_pb_packed_bytes(&empty), 0);
    CHECK(!wf_pb_flat_measure(TYPE(arrays), (const uint8_t[]){0x0a, 1, 1}, 3, &room));
}

static const test_case cases[] = {
    TEST(a_flat_message_goes_out_and_comes_in_as_all_do),
    TEST(what_is_not_flat_or_not_sound_is_left_to_others),
    TEST(uncommon_bytes_are_left_to_others),
    {0},
};

const test_suite pb_flat_suite = {.name = "runtime/pb_flat", .cases = cases};
