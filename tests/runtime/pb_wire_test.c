/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>

#include "pb_random.h"
#include "pb_test.pb-c.h"
#include "pb_test_old.pb-c.h"
#include "runtime/alloc.h"
#include "runtime/wf_pb.h"

#define TYPE(name) (&pbtest__##name##__descriptor)

static wf_arena arena;
static weft_why why;

static void before(void)
{
    arena = (wf_arena){.bytes_max = WF_PB_ARENA_BYTES_MAX};
}

static void after(void)
{
    wf_arena_done(&arena);
    CHECK_U64(arena.bytes, 0);
}

static weft_err unpack(const ProtobufCMessageDescriptor *type, const void *at, size_t n, void **out)
{
    /* A copy of exactly these bytes: reading beyond them is seen. */
    uint8_t *exact = malloc(n + 1);
    REQUIRE(exact != NULL);
    memcpy(exact + 1, at, n);
    *out = &why;
    weft_err err = wf_pb_unpack(type, exact + 1, n, &arena, out, &why);
    CHECK((err == WEFT_OK) == (*out != &why));
    free(exact);
    return err;
}

static void check_refused(const ProtobufCMessageDescriptor *type, const void *at, size_t n,
                          const char *sentence)
{
    void *out;
    CHECK_ERR(unpack(type, at, n, &out), WEFT_EPROTO);
    CHECK_STR(why.text, sentence);
}

#define CHECK_REFUSED(type, sentence, ...)                    \
    check_refused(TYPE(type), (const uint8_t[]){__VA_ARGS__}, \
                  sizeof((const uint8_t[]){__VA_ARGS__}), sentence)

/* Packs what was unpacked, and the copy of it: both must come to @want. */
static void check_packs(const ProtobufCMessageDescriptor *type, void *m, const uint8_t *want,
                        size_t n)
{
    size_t bytes = 0;
    uint8_t *got = malloc(n + 1);
    REQUIRE(got != NULL && wf_pb_packed_bytes(m) == n);
    CHECK_MEM(got, wf_pb_pack(m, got), want, n);
    CHECK_OK(wf_pb_measure(type, m, &bytes, &why));
    void *block = malloc(bytes);
    REQUIRE(block != NULL);
    wf_pb_copy(type, m, block);
    wf_arena_reset(&arena);
    REQUIRE(wf_pb_packed_bytes(block) == n);
    CHECK_MEM(got, wf_pb_pack(block, got), want, n);
    free(block);
    free(got);
}

/* ---- what is good */

static const ProtobufCMessageDescriptor *const types[] = {
    TYPE(everything), TYPE(scalars), TYPE(arrays), TYPE(checkout), TYPE(tree), TYPE(nothing),
};

/* The packed form of the random message of @seed; yours to free. */
static uint8_t *random_packed(uint64_t seed, const ProtobufCMessageDescriptor *type, int depth,
                              size_t *n)
{
    pb_random random = {.numbers = {seed}};
    ProtobufCMessage *body = pb_random_message(&random, type, depth);
    *n = protobuf_c_message_get_packed_size(body);
    uint8_t *packed = malloc(*n + 1);
    REQUIRE(packed != NULL);
    CHECK_U64(protobuf_c_message_pack(body, packed), *n);
    pb_random_done(&random);
    return packed;
}

static void what_is_unpacked_and_copied_packs_to_the_same_bytes(void)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        const ProtobufCMessageDescriptor *type = types[seed % (sizeof types / sizeof types[0])];
        size_t n;
        uint8_t *packed = random_packed(seed, type, 4, &n);
        void *m = NULL;
        CHECK_OK(unpack(type, packed, n, &m));
        check_packs(type, m, packed, n);
        free(packed);
    }
}

static void no_bytes_are_an_empty_message(void)
{
    void *out = NULL;
    REQUIRE(wf_pb_unpack(TYPE(scalars), NULL, 0, &arena, &out, &why) == WEFT_OK);
    const Pbtest__Scalars *m = out;
    CHECK_STR(m->a_string, "");
    CHECK(m->base.descriptor == TYPE(scalars));
}

static void the_last_of_a_plain_field_counts(void)
{
    void *out = NULL;
    const uint8_t bytes[] = {0x08, 1, 0x7a, 1, 'a', 0x08, 2, 0x7a, 1, 'b'};
    REQUIRE(unpack(TYPE(scalars), bytes, sizeof bytes, &out) == WEFT_OK);
    const Pbtest__Scalars *m = out;
    CHECK_I64(m->a_int32, 2);
    CHECK_STR(m->a_string, "b");
}

static void the_last_of_a_oneof_counts(void)
{
    void *out = NULL;
    /* cash, card, credit, token, barter, free, then card again */
    const uint8_t bytes[] = {0x31, 0,   0,    0, 0,    0, 0,   0xf0, 0x3f, 0x12,
                             1,    'x', 0x28, 1, 0x22, 1, 'y', 0x1a, 3,    0x0a,
                             1,    'z', 0x38, 1, 0x12, 2, 'o', 'k'};
    REQUIRE(unpack(TYPE(checkout), bytes, sizeof bytes, &out) == WEFT_OK);
    const Pbtest__Checkout *m = out;
    CHECK_U64(m->payment_case, PBTEST__CHECKOUT__PAYMENT_CARD);
    CHECK_STR(m->card, "ok");
}

static void arrays_come_packed_loose_and_mixed(void)
{
    void *out = NULL;
    /* int32s: 1; packed 2, 3; 4. loose (300): packed 5, 6 */
    const uint8_t bytes[] = {0x08, 1, 0x0a, 2, 2, 3, 0x08, 4, 0xe2, 0x12, 2, 5, 6};
    REQUIRE(unpack(TYPE(arrays), bytes, sizeof bytes, &out) == WEFT_OK);
    const Pbtest__Arrays *m = out;
    CHECK_MEM(m->int32s, m->n_int32s * 4, ((const int32_t[]){1, 2, 3, 4}), 16);
    CHECK_MEM(m->loose, m->n_loose * 4, ((const int32_t[]){5, 6}), 8);
}

static void unknown_fields_are_dropped(void)
{
    void *out = NULL;
    /* 99: varint; order {99: 64 bits; lines {99: bytes}}; 99: 32 bits */
    const uint8_t bytes[] = {0x98, 0x06, 5, 0x0a, 17,   0x99, 0x06, 1,   2,    3,    4, 5, 6, 7,
                             8,    0x0a, 5, 0x9a, 0x06, 2,    'n',  'o', 0x9d, 0x06, 1, 2, 3, 4};
    CHECK_OK(unpack(TYPE(checkout), bytes, sizeof bytes, &out));
    check_packs(TYPE(checkout), out, (const uint8_t[]){0x0a, 2, 0x0a, 0}, 4);
    /* 99: varint; then the card or the barter {99: varint} of the oneof */
    const uint8_t card[] = {0x98, 0x06, 5, 0x12, 1, 'x'};
    CHECK_OK(unpack(TYPE(checkout), card, sizeof card, &out));
    check_packs(TYPE(checkout), out, card + 3, 3);
    const uint8_t barter[] = {0x1a, 3, 0x98, 0x06, 5};
    CHECK_OK(unpack(TYPE(checkout), barter, sizeof barter, &out));
    check_packs(TYPE(checkout), out, (const uint8_t[]){0x1a, 0}, 2);
}

/* ---- what is refused */

static void malformed_bytes_are_refused_where_they_are(void)
{
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 2", 8, 1,
                  8);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x80);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0, 1);
    /* a varint of 11 bytes; a key of 6; a group; wire types 6 and 7 */
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 8, 0xff,
                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x88,
                  0x80, 0x80, 0x80, 0x80, 0, 1);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x0b,
                  0x0c);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x0e);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x0f);
    /* lengths beyond the end, and beyond 32 bits; 64 and 32 bits cut off */
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x7a, 2,
                  'a');
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x7a,
                  0x80, 0x80, 0x80, 0x80, 0x10);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x61, 1,
                  2, 3, 4, 5, 6, 7);
    CHECK_REFUSED(scalars, "pbtest.Scalars: the message is malformed or cut off at byte 0", 0x5d, 1,
                  2, 3);
    CHECK_REFUSED(checkout, "pbtest.Checkout: order.lines is malformed or cut off at byte 4", 0x0a,
                  4, 0x0a, 2, 0x10, 0x80);
}

static void a_field_of_another_wire_type_is_named(void)
{
    CHECK_REFUSED(scalars, "pbtest.Scalars: a_int32 at byte 1 has wire type 5; expected 0", 0x0d, 1,
                  2, 3, 4);
    CHECK_REFUSED(scalars, "pbtest.Scalars: a_bool at byte 2 has wire type 2; expected 0", 0x6a, 1,
                  1);
    CHECK_REFUSED(scalars, "pbtest.Scalars: a_string at byte 1 has wire type 0; expected 2", 0x78,
                  1);
    CHECK_REFUSED(arrays, "pbtest.Arrays: doubles at byte 1 has wire type 0; expected 1", 0x60, 1);
}

static void a_malformed_packed_array_is_named(void)
{
    CHECK_REFUSED(arrays, "pbtest.Arrays: int32s at byte 2 is a malformed packed array", 0x0a, 2, 1,
                  0x80);
    CHECK_REFUSED(arrays, "pbtest.Arrays: floats at byte 2 is a malformed packed array", 0x5a, 3, 1,
                  2, 3);
    CHECK_REFUSED(arrays, "pbtest.Arrays: doubles at byte 2 is a malformed packed array", 0x62, 4,
                  1, 2, 3, 4);
    CHECK_REFUSED(arrays, "pbtest.Arrays: bools at byte 2 is a malformed packed array", 0x6a, 1, 2);
    CHECK_REFUSED(arrays, "pbtest.Arrays: bools at byte 2 is a malformed packed array", 0x6a, 2,
                  0x81, 0);
}

static void a_string_that_c_or_utf8_cannot_hold_is_named(void)
{
    CHECK_REFUSED(scalars, "pbtest.Scalars: a_string at byte 3 is not UTF-8", 0x7a, 3, 'a', 0xff,
                  'b');
    CHECK_REFUSED(scalars, "pbtest.Scalars: a_string at byte 2 holds a zero byte", 0x7a, 3, 'a', 0,
                  'b');
    CHECK_REFUSED(checkout, "pbtest.Checkout: order.gift.sku at byte 6 is not UTF-8", 0x0a, 5, 0x12,
                  3, 0x0a, 1, 0xc3);
    CHECK_REFUSED(arrays, "pbtest.Arrays: strings at byte 3 is not UTF-8", 0x7a, 2, 'a', 0x80);
}

static void a_message_in_two_parts_is_named(void)
{
    CHECK_REFUSED(checkout, "pbtest.Checkout: order at byte 4 is a second part of a message", 0x0a,
                  0, 0x0a, 0);
    CHECK_REFUSED(checkout, "pbtest.Checkout: barter at byte 4 is a second part of a message", 0x1a,
                  0, 0x1a, 0);
}

static void a_message_without_its_required_field_is_refused(void)
{
    arena.err = WEFT_ELIMIT; /* of an earlier use */
    CHECK_REFUSED(older, "pbtest.Older: the message lacks a required field", 0x0a, 3, 0x12, 1, 'x');
}

static void every_beginning_of_a_message_is_taken_or_refused(void)
{
    size_t n;
    uint8_t *packed = random_packed(7, TYPE(everything), 3, &n);
    for (size_t cut = 0; cut < n; cut++) {
        void *out;
        weft_err err = unpack(TYPE(everything), packed, cut, &out);
        CHECK(err == WEFT_OK || err == WEFT_EPROTO);
        wf_arena_reset(&arena);
    }
    free(packed);
}

static void a_type_without_init_functions_is_refused(void)
{
    ProtobufCMessageDescriptor type = *TYPE(checkout);
    void *out;
    type.message_init = NULL;
    CHECK_ERR(unpack(&type, "", 0, &out), WEFT_EUNSUPPORTED);
}

/* ---- limits */

static void messages_nest_as_deep_as_the_limit_and_no_deeper(void)
{
    /* Each level: field 1 or 2, a length of one byte (the inner ones take at most 2 * 32). */
    uint8_t bytes[2 * WF_PB_DEPTH_MAX];
    for (size_t i = 0; i < WF_PB_DEPTH_MAX; i++) {
        bytes[2 * i] = i % 2 != 0 ? 0x0a : 0x12;
        bytes[2 * i + 1] = (uint8_t)(sizeof bytes - 2 * i - 2);
    }
    void *out;
    CHECK_ERR(unpack(TYPE(tree), bytes, sizeof bytes, &out), WEFT_ELIMIT);
    CHECK(strstr(why.text, "children.left is nested more than 32 messages deep") != NULL);
    CHECK_U64(arena.bytes, 0);
    uint8_t *inner = bytes + 2;
    for (size_t i = 0; i < WF_PB_DEPTH_MAX - 1; i++)
        CHECK_U64(inner[2 * i + 1], sizeof bytes - 2 * i - 4);
    CHECK_OK(unpack(TYPE(tree), inner, sizeof bytes - 2, &out));
}

static void what_would_grow_too_large_is_refused_before_it_is_made(void)
{
    /* Two bytes of an empty message become 168 and a pointer. */
    size_t n = (WF_PB_BYTES_MAX / (sizeof(Pbtest__Scalars) + 8) + 1) * 3;
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i += 3)
        memcpy(bytes + i, (const uint8_t[]){0x8a, 0x01, 0}, 3);
    void *out;
    CHECK_ERR(unpack(TYPE(arrays), bytes, n, &out), WEFT_ELIMIT);
    CHECK_STR(why.text, "pbtest.Arrays: messages makes it larger than 16777216 bytes");
    CHECK_U64(arena.bytes, 0);
    free(bytes);
}

/* A field of @n bytes, all @byte, behind the key @key. */
static weft_err unpack_long(uint8_t key, uint8_t byte, size_t n)
{
    uint8_t *bytes = malloc(n + 5);
    void *out;
    REQUIRE(bytes != NULL && n < (size_t)1 << 28);
    bytes[0] = key;
    for (size_t i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)((n >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0));
    memset(bytes + 5, byte, n);
    weft_err err = unpack(TYPE(arrays), bytes, n + 5, &out);
    CHECK(err == WEFT_OK || arena.bytes == 0);
    wf_arena_done(&arena);
    free(bytes);
    return err;
}

static void long_strings_and_arrays_are_refused_before_they_are_made(void)
{
    size_t most = WF_PB_BYTES_MAX - sizeof(Pbtest__Arrays);
    CHECK_OK(unpack_long(0x7a, 'a', most - sizeof(char *) - 1));
    CHECK_ERR(unpack_long(0x7a, 'a', most - sizeof(char *)), WEFT_ELIMIT);
    /* bools: a byte becomes four */
    CHECK_OK(unpack_long(0x6a, 1, most / 4));
    CHECK_ERR(unpack_long(0x6a, 1, most / 4 + 1), WEFT_ELIMIT);
}

static void fields_are_as_many_as_the_limit_and_no_more(void)
{
    size_t n = 2 * (WF_PB_FIELDS_MAX + 1);
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i += 2)
        memcpy(bytes + i, (const uint8_t[]){0x08, 1}, 2);
    void *out;
    CHECK_ERR(unpack(TYPE(arrays), bytes, n, &out), WEFT_ELIMIT);
    CHECK_U64(arena.bytes, 0);
    CHECK_OK(unpack(TYPE(arrays), bytes, n - 2, &out));
    CHECK_U64(((const Pbtest__Arrays *)out)->n_int32s, WF_PB_FIELDS_MAX);
    wf_arena_reset(&arena);
    /* Unknown ones count too. */
    for (size_t i = 0; i < n; i += 2)
        bytes[i] = 0x78;
    CHECK_ERR(unpack(TYPE(tree), bytes, n, &out), WEFT_ELIMIT);
    free(bytes);
}

/* Whatever may be sent to a neighbour may be sent to another node: at the limits, too. */
static void the_largest_that_can_be_copied_can_be_unpacked(void)
{
    static char text[] = "0123456789abcdef0123456789abcdef";
    size_t n = WF_PB_FIELDS_MAX, bytes = 0;
    char **strings = malloc(n * sizeof *strings);
    REQUIRE(strings != NULL);
    for (size_t i = 0; i < n; i++)
        strings[i] = text;
    Pbtest__Arrays body = {.n_strings = n, .strings = strings};
    REQUIRE(wf_pb_measure(TYPE(arrays), &body, &bytes, &why) == WEFT_OK);
    void *block = malloc(bytes), *out;
    REQUIRE(block != NULL);
    wf_pb_copy(TYPE(arrays), &body, block);
    size_t packed_n = wf_pb_packed_bytes(block);
    uint8_t *packed = malloc(packed_n);
    REQUIRE(packed != NULL);
    CHECK_U64(wf_pb_pack(block, packed), packed_n);
    CHECK_OK(unpack(TYPE(arrays), packed, packed_n, &out));
    free(packed);
    free(block);
    free(strings);
}

static void an_arena_that_is_too_small_is_a_limit(void)
{
    size_t n;
    uint8_t *packed = random_packed(3, TYPE(everything), 4, &n);
    void *out;
    weft_err err = WEFT_ELIMIT;
    for (arena.bytes_max = 0; err != WEFT_OK; arena.bytes_max += 512) {
        REQUIRE(arena.bytes_max < (size_t)1 << 20);
        err = unpack(TYPE(everything), packed, n, &out);
        CHECK(err == WEFT_OK || err == WEFT_ELIMIT);
        CHECK(arena.bytes <= arena.bytes_max);
        wf_arena_done(&arena);
    }
    free(packed);
}

static void memory_may_run_out_at_each_taking(void)
{
    size_t n;
    uint8_t *packed = random_packed(3, TYPE(everything), 4, &n);
    weft_err err = WEFT_ENOMEM;
    void *out;
    for (long k = 0; err != WEFT_OK; k++) {
        wf_alloc_fail_after(k);
        err = unpack(TYPE(everything), packed, n, &out);
        CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
        wf_alloc_fail_after(-1);
        wf_arena_done(&arena);
    }
    free(packed);
}

static const test_case cases[] = {
    TEST(what_is_unpacked_and_copied_packs_to_the_same_bytes),
    TEST(no_bytes_are_an_empty_message),
    TEST(the_last_of_a_plain_field_counts),
    TEST(the_last_of_a_oneof_counts),
    TEST(arrays_come_packed_loose_and_mixed),
    TEST(unknown_fields_are_dropped),
    TEST(malformed_bytes_are_refused_where_they_are),
    TEST(a_field_of_another_wire_type_is_named),
    TEST(a_malformed_packed_array_is_named),
    TEST(a_string_that_c_or_utf8_cannot_hold_is_named),
    TEST(a_message_in_two_parts_is_named),
    TEST(a_message_without_its_required_field_is_refused),
    TEST(every_beginning_of_a_message_is_taken_or_refused),
    TEST(a_type_without_init_functions_is_refused),
    TEST(messages_nest_as_deep_as_the_limit_and_no_deeper),
    TEST(what_would_grow_too_large_is_refused_before_it_is_made),
    TEST(long_strings_and_arrays_are_refused_before_they_are_made),
    TEST(fields_are_as_many_as_the_limit_and_no_more),
    TEST(the_largest_that_can_be_copied_can_be_unpacked),
    TEST(an_arena_that_is_too_small_is_a_limit),
    TEST(memory_may_run_out_at_each_taking),
    {0},
};

const test_suite pb_wire_suite = {
    .name = "runtime/pb_wire", .before = before, .after = after, .cases = cases};
