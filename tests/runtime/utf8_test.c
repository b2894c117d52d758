/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>

#include "runtime/wf_utf8.h"

/* The UTF-8 of any number up to 21 bits, whether it may be written or not. */
static size_t encode(uint32_t c, char *to, size_t bytes)
{
    static const uint32_t lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = bytes; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(lead[bytes] | c);
    return bytes;
}

static size_t bytes_for(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static void every_code_point_is_taken_in_its_one_form(void)
{
    for (uint32_t c = 0; c < 0x120000; c++) {
        bool good = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        char text[4];
        size_t n = encode(c, text, bytes_for(c));
        if ((wf_utf8_prefix(text, n) == n) != good)
            CHECK_U64(c, 0);
        /* Every longer form is refused. */
        for (size_t more = n + 1; more <= 4; more++)
            if (wf_utf8_prefix(text, encode(c, text, more)) != 0)
                CHECK_U64(c, 0);
    }
}

static void every_pair_of_bytes_is_judged_as_the_grammar_does(void)
{
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char text[2] = {(char)a, (char)b};
            size_t want = a < 0x80                                           ? (b < 0x80 ? 2 : 1)
                          : a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf ? 2
                                                                             : 0;
            if (wf_utf8_prefix(text, 2) != want)
                CHECK_U64(a << 8 | b, 0);
        }
    }
    CHECK_U64(wf_utf8_prefix(NULL, 0), 0);
    CHECK_U64(wf_utf8_prefix("\xf8\x88\x80\x80\x80", 5), 0);
}

static void the_first_bad_byte_is_found_at_any_offset(void)
{
    /* Exactly as many bytes as there are: reading beyond them is seen. */
    for (size_t n = 1; n < 40; n++) {
        char *text = malloc(n);
        REQUIRE(text != NULL);
        for (size_t i = 0; i < n; i++) {
            memset(text, 'a', n);
            text[i] = (char)0xe2;
            CHECK_U64(wf_utf8_prefix(text, n), i);
            if (i + 3 <= n) {
                text[i + 1] = (char)0x82;
                CHECK_U64(wf_utf8_prefix(text, n), i);
                text[i + 2] = (char)0xac;
                CHECK_U64(wf_utf8_prefix(text, n), n);
            }
        }
        free(text);
    }
}

static const test_case cases[] = {
    TEST(every_code_point_is_taken_in_its_one_form),
    TEST(every_pair_of_bytes_is_judged_as_the_grammar_does),
    TEST(the_first_bad_byte_is_found_at_any_offset),
    {0},
};

const test_suite utf8_suite = {.name = "runtime/utf8", .cases = cases};
