/* SPDX-License-Identifier: MIT */
/* The text form of messages: of protobuf's and of plain structs, there and back, and what is none. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/form.h>
#include <weft/ref.h>

#include "pb_random.h"
#include "pb_test.pb-c.h"
#include "runtime/alloc.h"
#include "runtime/wf_pb.h"

#define PB(name, T, descriptor) \
    static const weft_type name = WEFT_TYPE_PROTO(#name, T, descriptor, NULL)
PB(scalars, Pbtest__Scalars, &pbtest__scalars__descriptor);
PB(arrays, Pbtest__Arrays, &pbtest__arrays__descriptor);
PB(checkout, Pbtest__Checkout, &pbtest__checkout__descriptor);
PB(everything, Pbtest__Everything, &pbtest__everything__descriptor);
PB(tree, Pbtest__Tree, &pbtest__tree__descriptor);
PB(nothing, Pbtest__Nothing, &pbtest__nothing__descriptor);

typedef struct plain {
    int8_t small;
    int64_t large;
    uint16_t count;
    uint64_t most;
    float rough;
    double fine;
    bool yes;
    char name[8];
    weft_ref who;
    uint32_t secret; /* without a row */
} plain;
static const weft_field plain_fields[] = {
    WEFT_FIELD(plain, small, WEFT_FIELD_SIGNED),   WEFT_FIELD(plain, large, WEFT_FIELD_SIGNED),
    WEFT_FIELD(plain, count, WEFT_FIELD_UNSIGNED), WEFT_FIELD(plain, most, WEFT_FIELD_UNSIGNED),
    WEFT_FIELD(plain, rough, WEFT_FIELD_REAL),     WEFT_FIELD(plain, fine, WEFT_FIELD_REAL),
    WEFT_FIELD(plain, yes, WEFT_FIELD_FLAG),       WEFT_FIELD(plain, name, WEFT_FIELD_TEXT),
    WEFT_FIELD(plain, who, WEFT_FIELD_REF),        {0},
};
static const weft_type plain_type = WEFT_TYPE_FIELDS("test.plain", plain, plain_fields, NULL);
static const weft_type mute_type = WEFT_TYPE("test.mute", plain, NULL);
static const weft_field wrong_fields[] = {WEFT_FIELD(plain, who, WEFT_FIELD_SIGNED), {0}};
static const weft_type wrong_type = WEFT_TYPE_FIELDS("test.wrong", plain, wrong_fields, NULL);
static const weft_field no_fields[] = {{0}};
static const weft_type empty_type = WEFT_TYPE_FIELDS("test.empty", plain, no_fields, NULL);

static weft_arena *arena;
static weft_why why;

static void before(void)
{
    arena = weft_arena_new(16 << 20);
    REQUIRE(arena != NULL);
}

static void after(void)
{
    weft_arena_free(arena);
}

/* @text behind one byte, to be freed: reading beyond it is seen. */
static char *exact_copy(const char *text, size_t n)
{
    char *exact = malloc(n + 1);
    REQUIRE(exact != NULL);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
    memcpy(exact + 1, text, n);
    return exact;
}

static weft_err parse(const weft_type *type, const char *text, void **out)
{
    size_t n = strlen(text);
    char *exact = exact_copy(text, n);
    why.text[0] = '\0';
    weft_err err = weft_form_parse(type, exact + 1, n, arena, out, &why);
    free(exact);
    return err;
}

/* What @text is when it is read and written again. */
static const char *again(const weft_type *type, const char *text)
{
    static char shown[8192];
    void *body = NULL;
    weft_err err = parse(type, text, &body);
    if (err != WEFT_OK)
        return why.text;
    CHECK(weft_form_print(type, body, shown, sizeof shown));
    return shown;
}

static const char *said(const weft_type *type, const char *text)
{
    void *body = NULL;
    CHECK(parse(type, text, &body) != WEFT_OK);
    CHECK(body == NULL);
    return why.text;
}

/* ---- protobuf */

static void every_kind_of_field_is_read_and_shown(void)
{
    static const char whole[] =
        "a_int32=-2147483648 a_sint32=-1 a_sfixed32=7 a_int64=-9223372036854775808 a_sint64=-2 "
        "a_sfixed64=9 a_uint32=4294967295 a_fixed32=3 a_uint64=18446744073709551615 a_fixed64=4 "
        "a_float=0.1 a_double=-1e+300 a_bool=true a_colour=BLUE a_string=\"a \\\"b\\\" \\\\ \\n\" "
        "a_bytes=00ff10";
    CHECK_STR(again(&scalars, whole), whole);
    CHECK_STR(again(&scalars, ""), "");
    CHECK_STR(again(&scalars, "  a_colour=-3\t a_int32=0x10 a_bool=0 a_string=word "),
              "a_int32=16 a_colour=INFRARED a_string=\"word\"");
    CHECK_STR(again(&scalars, "a_colour=5 a_bytes=\"hi\\x00\""), "a_colour=5 a_bytes=686900");
    CHECK_STR(again(&scalars, "a_uint32=010 a_string=\"\" a_bytes=\"\""), "a_uint32=10");
    CHECK_STR(again(&nothing, " "), "");
}

static void what_repeats_is_given_again_and_messages_nest(void)
{
    static const char text[] = "order={lines={item={sku=\"tea\" weight=1.5} count=2} "
                               "lines={count=1} gift={}} card=\"4242\" note=\"}{\"";
    CHECK_STR(again(&checkout, text), text);
    CHECK_STR(
        again(&arrays, "loose=1 int32s=-1 strings=b loose=2 strings=\"\" bools=true bools=false"),
        "int32s=-1 bools=true bools=false strings=\"b\" strings=\"\" loose=1 loose=2");
    CHECK_STR(again(&arrays, "floats=1 doubles=2 fixed32s=3 sfixed64s=-4 blobs=00 colours=RED "
                             "messages={a_int32=1} messages={}"),
              "sfixed64s=-4 fixed32s=3 floats=1 doubles=2 colours=RED blobs=00 "
              "messages={a_int32=1} messages={}");
    CHECK_STR(again(&everything, "items={key=a value={sku=x}} one_int32=0 between=true"),
              "items={key=\"a\" value={sku=\"x\"}} one_int32=0 between=true");
    CHECK_STR(again(&tree, "left={left={name=a}children={}children={}}"),
              "left={left={name=\"a\"} children={} children={}}");
}

static void whatever_is_shown_can_be_read_again(void)
{
    pb_random random = {0};
    static char first[1 << 16], second[1 << 16];
    unsigned whole = 0;
    for (unsigned i = 0; i < 200; i++) {
        size_t bytes;
        void *body = NULL, *m = pb_random_message(&random, &pbtest__everything__descriptor, 3);
        REQUIRE(wf_pb_measure(&pbtest__everything__descriptor, m, &bytes, &why) == WEFT_OK);
        void *made = malloc(bytes);
        REQUIRE(made != NULL);
        wf_pb_copy(&pbtest__everything__descriptor, m, made);
        if (weft_form_print(&everything, made, first, sizeof first)) {
            whole++;
            CHECK_OK(parse(&everything, first, &body));
            if (body != NULL)
                CHECK(weft_form_print(&everything, body, second, sizeof second));
            CHECK_STR(second, first);
        }
        free(made);
        weft_arena_reset(arena);
    }
    pb_random_done(&random);
    CHECK(whole > 100);
}

static void what_is_wrong_is_told_with_its_place(void)
{
    CHECK_STR(said(&scalars, "a_in32=1"),
              "scalars: at byte 7: there is no field a_in32; the nearest is a_int32");
    CHECK_STR(said(&nothing, "x=1"), "nothing: at byte 2: there is no field x, nor any other");
    CHECK_STR(said(&scalars, "a_int32"), "scalars: at byte 0: expected a field, NAME=VALUE");
    CHECK_STR(said(&scalars, "a_int32=1 =2"), "scalars: at byte 10: expected a field, NAME=VALUE");
    CHECK_STR(said(&scalars, "a_int32="), "scalars: at byte 8: a_int32 has no value");
    CHECK(strstr(said(&scalars, "a_int32=2147483648"),
                 "a_int32: expected a number from -2147483648 to 2147483647") != NULL);
    CHECK(strstr(said(&scalars, "a_uint32=-1"), "expected a number from 0 to 4294967295") != NULL);
    CHECK(strstr(said(&scalars, "a_uint64=18446744073709551616"), "expected a number") != NULL);
    CHECK(strstr(said(&scalars, "a_int32=1x"), "expected a number") != NULL);
    CHECK(strstr(said(&scalars, "a_int32={}"), "expected a number") != NULL);
    CHECK(strstr(said(&scalars, "a_bool=yes"), "a_bool: expected true or false") != NULL);
    CHECK(strstr(said(&scalars, "a_double=pi"), "a_double: expected a real number") != NULL);
    CHECK(strstr(said(&scalars, "a_colour=PINK"),
                 "a_colour: expected a value of pbtest.Colour, such as INFRARED") != NULL);
    CHECK(strstr(said(&scalars, "a_bytes=0"), "expected bytes as hex digits") != NULL);
    CHECK(strstr(said(&scalars, "a_bytes=zz"), "expected bytes as hex digits") != NULL);
    CHECK(strstr(said(&scalars, "a_string=\"a"), "a text is not closed") != NULL);
    CHECK(strstr(said(&scalars, "a_string=\"a\\q\""), "behind a backslash") != NULL);
    CHECK(strstr(said(&scalars, "a_string=\"a\\"), "behind a backslash") != NULL);
    CHECK(strstr(said(&scalars, "a_string=\"a\"b"), "expected a space behind a text") != NULL);
    CHECK(strstr(said(&scalars, "a_string=\"\\xff\""), "UTF-8") != NULL);
    CHECK(strstr(said(&scalars, "a_string=\"\\x00\""), "zero") != NULL);
    CHECK(strstr(said(&scalars, "a_int32=1 a_int32=2"), "a_int32 is given twice") != NULL);
    CHECK(strstr(said(&checkout, "card=1 free=true"), "free cannot stand beside card") != NULL);
    CHECK(strstr(said(&checkout, "order=1"), "order: expected a message, {...}") != NULL);
    CHECK(strstr(said(&checkout, "order={"), "a brace is not closed") != NULL);
    CHECK(strstr(said(&checkout, "}"), "a brace that nothing opened") != NULL);
    CHECK(strstr(said(&checkout, "order={lines={itme={}}}"), "the nearest is item") != NULL);
}

static void a_text_has_limits(void)
{
    char deep[33 * 6 + 40], *at = deep;
    void *body;
    for (unsigned i = 0; i < 31; i++)
        at += sprintf(at, "left={");
    memset(at, '}', 31);
    at[31] = '\0';
    CHECK_OK(parse(&tree, deep, &body));
    at += sprintf(at, "left={");
    memset(at, '}', 32);
    at[32] = '\0';
    CHECK_ERR(parse(&tree, deep, &body), WEFT_ELIMIT);
    CHECK(strstr(why.text, "nested more than 32 messages deep") != NULL);

    char *large = malloc(WEFT_FORM_BYTES_MAX + 2);
    REQUIRE(large != NULL);
    memset(large, ' ', WEFT_FORM_BYTES_MAX + 1);
    large[WEFT_FORM_BYTES_MAX] = '\0';
    CHECK_OK(parse(&tree, large, &body));
    large[WEFT_FORM_BYTES_MAX] = ' ';
    large[WEFT_FORM_BYTES_MAX + 1] = '\0';
    CHECK_ERR(parse(&tree, large, &body), WEFT_ELIMIT);
    free(large);

    char name[WEFT_FORM_NAME_BYTES + 2];
    memset(name, 'a', sizeof name);
    memcpy(name + WEFT_FORM_NAME_BYTES, "=", 2);
    CHECK(strstr(said(&tree, name), "a name of more than 63 bytes") != NULL);
}

static void what_does_not_fit_ends_in_dots(void)
{
    void *body = NULL;
    char shown[12];
    CHECK_OK(parse(&scalars, "a_string=\"\xc3\xa4\xc3\xa4\xc3\xa4\"", &body));
    for (size_t room = 1; room <= sizeof shown; room++) {
        memset(shown, 'x', sizeof shown);
        CHECK(!weft_form_print(&scalars, body, shown, room));
        CHECK(strlen(shown) < room);
        if (room > 3)
            CHECK_STR(shown + strlen(shown) - 3, "...");
    }
    CHECK(!weft_form_print(&scalars, body, shown, 0));
}

static void nothing_that_a_terminal_obeys_is_shown(void)
{
    CHECK_STR(again(&scalars, "a_string=\"\\x1b[2J\x1b\xc2\x9b\\x7f\xc3\xa4\""),
              "a_string=\"\\x1b[2J\\x1b\\xc2\\x9b\\x7f\xc3\xa4\"");
    plain p = {.name = "\xff\x1b"};
    char shown[256];
    CHECK(weft_form_print(&plain_type, &p, shown, sizeof shown));
    CHECK(strstr(shown, "name=\"\\xff\\x1b\"") != NULL);
}

/* ---- plain structs */

static void a_plain_struct_has_the_fields_its_type_names(void)
{
    static const char text[] = "small=-128 large=9223372036854775807 count=65535 most=7 rough=0.25 "
                               "fine=0.1 yes=true name=\"a b\" who=<0.5.1>";
    CHECK_STR(again(&plain_type, text), text);
    CHECK_STR(again(&plain_type, "who=1.2.3"),
              "small=0 large=0 count=0 most=0 rough=0 fine=0 yes=false name=\"\" who=<1.2.3>");
    CHECK(strstr(said(&plain_type, "small=128"), "from -128 to 127") != NULL);
    CHECK(strstr(said(&plain_type, "count=65536"), "from 0 to 65535") != NULL);
    CHECK(strstr(said(&plain_type, "name=12345678"), "a text of more than 7 bytes") != NULL);
    CHECK(strstr(said(&plain_type, "name={"), "expected a text") != NULL);
    CHECK(strstr(said(&plain_type, "who=1.2"), "expected an actor such as 0.1.2") != NULL);
    CHECK(strstr(said(&plain_type, "who=<1.2.3"), "expected an actor") != NULL);
    CHECK(strstr(said(&plain_type, "who=65533.2.3"), "expected an actor") != NULL);
    CHECK(strstr(said(&plain_type, "secret=1"), "there is no field secret") != NULL);
    CHECK(strstr(said(&plain_type, "yes=true yes=true"), "yes is given twice") != NULL);
    CHECK(strstr(said(&plain_type, "}"), "a brace that nothing opened") != NULL);
    CHECK(strstr(again(&plain_type, ""), " who=nobody") != NULL);
    CHECK(strstr(again(&plain_type, again(&plain_type, "")), " who=nobody") != NULL);
    CHECK_STR(again(&empty_type, ""), "");
}

static void a_type_without_fields_has_no_text_form(void)
{
    plain p = {.secret = 7};
    char shown[64];
    void *body;
    CHECK(!weft_has_form(&mute_type));
    CHECK(weft_has_form(&plain_type) && weft_has_form(&scalars) && weft_has_form(&empty_type));
    CHECK(weft_form_print(&mute_type, &p, shown, sizeof shown));
    CHECK_STR(shown, "");
    CHECK_ERR(parse(&mute_type, "", &body), WEFT_EUNSUPPORTED);
    CHECK_STR(why.text, "test.mute has no text form: its type names no fields");
    CHECK(weft_form_print(&wrong_type, &p, shown, sizeof shown));
    CHECK_STR(shown, "who=?");
    CHECK_ERR(parse(&wrong_type, "who=1", &body), WEFT_EUNSUPPORTED);
}

static void a_text_without_memory_for_it_is_refused(void)
{
    static const char text[] = "order={lines={item={sku=tea}} gift={image=00}} card=\"1\"";
    for (long n = 0;; n++) {
        long failed = wf_alloc_failed();
        void *body = NULL;
        weft_arena *fresh = weft_arena_new(1 << 20);
        REQUIRE(fresh != NULL);
        wf_alloc_fail_after(n);
        weft_err err = weft_form_parse(&checkout, text, sizeof text - 1, fresh, &body, &why);
        wf_alloc_fail_after(-1);
        CHECK((err == WEFT_OK) == (body != NULL));
        CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
        weft_arena_free(fresh);
        if (wf_alloc_failed() == failed)
            break;
    }
    weft_arena *small = weft_arena_new(200);
    void *body;
    REQUIRE(small != NULL);
    CHECK_ERR(weft_form_parse(&checkout, text, sizeof text - 1, small, &body, &why), WEFT_ELIMIT);
    weft_arena_free(small);
}

/* ---- what may come next */

typedef struct words {
    size_t from;
    char text[400];
} words;

static void add_word(void *context, size_t from, const char *word)
{
    words *w = context;
    size_t n = strlen(w->text);
    CHECK(n == 0 || w->from == from);
    w->from = from;
    (void)snprintf(w->text + n, sizeof w->text - n, "%s%s", n != 0 ? " " : "", word);
}

/* What may stand behind @text, and where it begins in @from. */
static const char *next_words(const weft_type *type, const char *text, size_t *from)
{
    static words w;
    size_t n = strlen(text);
    char *exact = exact_copy(text, n);
    w = (words){.from = SIZE_MAX};
    weft_form_complete(type, exact + 1, n, add_word, &w);
    free(exact);
    *from = w.from;
    return w.text;
}

#define OF_CHECKOUT "order={ card= barter={ token= credit= cash= free= note="
#define OF_LINE "item={ count="

static void names_of_fields_complete_a_text(void)
{
    size_t from;
    CHECK_STR(next_words(&checkout, "", &from), OF_CHECKOUT);
    CHECK_U64(from, 0);
    CHECK_STR(next_words(&checkout, "note=x  ca", &from), OF_CHECKOUT);
    CHECK_U64(from, 8);
    CHECK_STR(next_words(&checkout, "order={", &from), "lines={ gift={");
    CHECK_U64(from, 7);
    CHECK_STR(next_words(&checkout, "order={lines={count=7} lines={item={sku=x} c", &from),
              OF_LINE);
    CHECK_U64(from, 43);
    CHECK_STR(next_words(&checkout, "order={lines={}} ", &from), OF_CHECKOUT);
    CHECK_STR(next_words(&checkout, "note=\"a} \\\" b\" ", &from), OF_CHECKOUT);
    CHECK_STR(next_words(&plain_type, "count=1 sm", &from),
              "small= large= count= most= rough= fine= yes= name= who=");
    CHECK_U64(from, 8);
}

static void values_of_flags_and_enums_complete_a_text(void)
{
    size_t from;
    CHECK_STR(next_words(&checkout, "note=x free=t", &from), "true false");
    CHECK_U64(from, 12);
    CHECK_STR(next_words(&plain_type, "yes=", &from), "true false");
    CHECK_STR(next_words(&scalars, "a_bool=true a_colour=", &from), "INFRARED RED GREEN BLUE");
    CHECK_U64(from, 21);
    CHECK_STR(next_words(&everything, "scalars={a_int32=1} arrays={colours=RED colours=B", &from),
              "INFRARED RED GREEN BLUE");
    CHECK_U64(from, 48);
}

static void nothing_completes_what_is_free_or_wrong(void)
{
    static const char *const texts[] = {
        "note=",    "note=x",     "note=\"a ", "note=\"a\\", "note=\"a\"", "order={}",       "} ",
        "nothing=", "nothing=1 ", "note={",    "=",          "a b",        "order={lines=x",
    };
    size_t from;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_STR(next_words(&checkout, texts[i], &from), "");
    CHECK_STR(next_words(&nothing, "", &from), "");
    CHECK_STR(next_words(&empty_type, "", &from), "");
    CHECK_STR(next_words(&mute_type, "", &from), "");
    CHECK_STR(next_words(&plain_type, "who={", &from), "");
}

static void a_text_is_completed_as_deep_as_it_may_nest(void)
{
    char text[6 * WF_PB_DEPTH_MAX + 16] = "";
    size_t from;
    for (unsigned i = 1; i < WF_PB_DEPTH_MAX; i++)
        memcpy(text + strlen(text), "left={", 7);
    CHECK(next_words(&tree, text, &from)[0] != '\0');
    CHECK_U64(from, strlen(text));
    memcpy(text + strlen(text), "left={", 7);
    CHECK_STR(next_words(&tree, text, &from), "");
}

static const test_case cases[] = {
    TEST(every_kind_of_field_is_read_and_shown),
    TEST(what_repeats_is_given_again_and_messages_nest),
    TEST(whatever_is_shown_can_be_read_again),
    TEST(what_is_wrong_is_told_with_its_place),
    TEST(a_text_has_limits),
    TEST(what_does_not_fit_ends_in_dots),
    TEST(nothing_that_a_terminal_obeys_is_shown),
    TEST(a_plain_struct_has_the_fields_its_type_names),
    TEST(a_type_without_fields_has_no_text_form),
    TEST(a_text_without_memory_for_it_is_refused),
    TEST(names_of_fields_complete_a_text),
    TEST(values_of_flags_and_enums_complete_a_text),
    TEST(nothing_completes_what_is_free_or_wrong),
    TEST(a_text_is_completed_as_deep_as_it_may_nest),
    {0},
};
const test_suite form_suite = {
    .name = "runtime/form", .cases = cases, .before = before, .after = after};
