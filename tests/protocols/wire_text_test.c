/* SPDX-License-Identifier: MIT */
/* What the wire services say: times, characters, quotes. */
#include "check.h"
#include "wire_text.h"

#include <weft/wire.h>

#define SECOND UINT64_C(1000000000)
#define DAY (86400 * SECOND)

static weft_why why;

static void the_daytime_is_written_as_in_the_rfc(void)
{
    char text[WF_DAYTIME_BYTES];
    size_t n = wf_daytime_text(383333863 * SECOND + 999999999, text);
    CHECK(n < sizeof text);
    text[n] = '\0';
    CHECK_STR(text, "Tuesday, February 23, 1982 17:37:43-UTC\r\n");
    n = wf_daytime_text(UINT64_MAX, text);
    CHECK(n < sizeof text);
    text[n] = '\0';
    CHECK_STR(text, "Sunday, July 21, 2554 23:34:33-UTC\r\n");
}

static void the_time_counts_from_1900_and_begins_anew_in_2036(void)
{
    uint8_t bytes[4];
    wf_time_bytes(0, bytes);
    CHECK_MEM(bytes, 4, "\x83\xaa\x7e\x80", 4); /* RFC 868: 2,208,988,800 is 00:00 1 Jan 1970 GMT */
    wf_time_bytes(2085978495 * SECOND, bytes);
    CHECK_MEM(bytes, 4, "\xff\xff\xff\xff", 4);
    wf_time_bytes(2085978496 * SECOND, bytes);
    CHECK_MEM(bytes, 4, "\0\0\0\0", 4);
}

static void chargen_lines_move_on_by_one_character_and_repeat_without_a_seam(void)
{
    size_t bytes;
    const uint8_t *at = wf_chargen_block(&bytes);
    CHECK(bytes > 0 && bytes % (WF_CHARGEN_LINES * WF_CHARGEN_LINE_BYTES) == 0);
    CHECK_MEM(at, 74,
              " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
              "abcdefg\r\n",
              74);
    for (size_t line = 0; line < bytes / WF_CHARGEN_LINE_BYTES; line++) {
        const uint8_t *text = at + line * WF_CHARGEN_LINE_BYTES;
        CHECK(text[72] == '\r' && text[73] == '\n');
        for (size_t i = 0; i < 72; i++)
            REQUIRE(text[i] == ' ' + (line + i) % 95);
    }
}

/* Checks that the quotes of @text are those, in < >. */
static void quotes_are(const char *text, const char *want)
{
    char got[512] = "";
    size_t n = 0;
    unsigned line = 1;
    wf_quote_place quote;
    while (wf_quote_next(&text, &line, &quote))
        n += (size_t)snprintf(got + n, sizeof got - n, "<%u:%.*s>", quote.line, (int)quote.bytes,
                              quote.at);
    CHECK_STR(got, want);
}

static void quotes_are_parted_by_lines_of_one_percent_sign(void)
{
    quotes_are("", "");
    quotes_are("one", "<1:one>");
    quotes_are("one\n", "<1:one>");
    quotes_are("one\nand a half\n%\ntwo\n", "<1:one\nand a half><4:two>");
    quotes_are("%\n%\r\n\n%\none\r\n%", "<5:one>");
    quotes_are("100 %\n%%\n % \n%x\n", "<1:100 %\n%%\n % \n%x>");
}

static void quotes_are_sent_with_network_line_ends_and_never_beyond_the_limit(void)
{
    char out[16];
    wf_quote_place quote = {.at = "a\nb\r\nc", .bytes = 6};
    memset(out, '#', sizeof out);
    CHECK_U64(wf_quote_text(&quote, out, sizeof out), 9);
    CHECK_MEM(out, 9, "a\r\nb\r\nc\r\n", 9);
    for (size_t max = 0; max < 9; max++) {
        memset(out, '#', sizeof out);
        CHECK_U64(wf_quote_text(&quote, out, max), 9);
        CHECK(out[max] == '#' && memcmp(out, "a\r\nb\r\nc\r\n", max) == 0);
    }
}

static void the_quote_of_the_day_is_the_same_all_day_and_each_has_its_turn(void)
{
    static const char text[] = "zero\n%\none\n%\ntwo\n";
    static const char *const want[] = {"zero", "one", "two"};
    wf_quote_place quote;
    for (unsigned day = 0; day < 9; day++)
        for (unsigned hour = 0; hour < 24; hour += 23) {
            REQUIRE(wf_quote_of_day(text, day * DAY + hour * 3600 * SECOND, &quote));
            CHECK_MEM(quote.at, quote.bytes, want[day % 3], strlen(want[day % 3]));
        }
    CHECK(!wf_quote_of_day("%\n%\n", 0, &quote));
}

static void texts_that_cannot_be_sent_are_refused_with_their_line(void)
{
    char text[700] = "short\n%\n";
    CHECK_OK(weft_wire_quotes_check(wf_quotes_builtin, &why));
    CHECK_OK(weft_wire_quotes_check("na\xc3\xafve\ttabs\n", &why));
    CHECK_ERR(weft_wire_quotes_check("", &why), WEFT_EINVAL);
    CHECK_ERR(weft_wire_quotes_check("fine\n%\nbell\nrings\a\n", &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "line 4 ") != NULL && strstr(why.text, "0x07") != NULL);

    memset(text + 8, 'x', 510);
    CHECK_OK(weft_wire_quotes_check(text, &why));
    text[518] = 'x';
    CHECK_ERR(weft_wire_quotes_check(text, &why), WEFT_ETOOBIG);
    CHECK(strstr(why.text, "line 3 ") != NULL && strstr(why.text, "513") != NULL);
}

static const test_case cases[] = {
    TEST(the_daytime_is_written_as_in_the_rfc),
    TEST(the_time_counts_from_1900_and_begins_anew_in_2036),
    TEST(chargen_lines_move_on_by_one_character_and_repeat_without_a_seam),
    TEST(quotes_are_parted_by_lines_of_one_percent_sign),
    TEST(quotes_are_sent_with_network_line_ends_and_never_beyond_the_limit),
    TEST(the_quote_of_the_day_is_the_same_all_day_and_each_has_its_turn),
    TEST(texts_that_cannot_be_sent_are_refused_with_their_line),
    {0},
};

const test_suite wire_text_suite = {.name = "protocols/wire_text", .cases = cases};
