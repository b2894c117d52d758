/* SPDX-License-Identifier: MIT */
/* Framings: what is one frame, where the limits are, and that it never matters how the bytes were
 * split on their way. */
#include "check.h"
#include "random.h"

#include <stdlib.h>
#include <weft/framing.h>

#define FRAMES_MAX 64
#define INPUT_MAX 256

static weft_why why;

/* What a reader heard: each frame's place in the input, and how it ended. */
typedef struct heard {
    size_t frames;
    struct {
        size_t at, bytes;
    } frame[FRAMES_MAX];
    size_t consumed;
    weft_err err;
} heard;

/* Reads @data as a stream whose first @first bytes arrive at once and the rest by @step. What is
 * shown to the framing is a block of exactly its size, so that a byte too far is found. */
static heard feed(const weft_framing *framing, weft_framer f, const void *data, size_t n,
                  size_t first, size_t step)
{
    heard h = {0};
    size_t seen = first, promised = 0;

    for (;;) {
        weft_frame_place got = {99, 99, 99, 99};
        size_t there = seen - h.consumed;
        uint8_t *block = there > 0 ? malloc(there) : NULL;
        if (there > 0)
            memcpy(block, (const uint8_t *)data + h.consumed, there);
        h.err = framing->next(&f, block, there, &got, &why);
        free(block);

        if (h.err != WEFT_OK) {
            CHECK(got.start == 99 && got.bytes == 99 && got.consumed == 99 && got.need == 99);
            CHECK(why.text[0] != '\0');
            return h;
        }
        if (got.consumed == 0) {
            CHECK(got.need > 0);
            promised = seen + got.need;
            if (seen == n)
                return h;
            seen = n - seen < step ? n : seen + step;
            continue;
        }
        CHECK_U64(got.need, 0);
        CHECK(seen >= promised); /* `need` was not more than it took */
        CHECK(got.start + got.bytes <= got.consumed && got.consumed <= there);
        REQUIRE(h.frames < FRAMES_MAX);
        h.frame[h.frames].at = h.consumed + got.start;
        h.frame[h.frames++].bytes = got.bytes;
        h.consumed += got.consumed;
        CHECK(f.scanned == 0 && f.length == 0);
    }
}

static bool same(const heard *a, const heard *b)
{
    bool same = a->frames == b->frames && a->err == b->err && a->consumed == b->consumed;
    for (size_t i = 0; same && i < a->frames; i++)
        same = a->frame[i].at == b->frame[i].at && a->frame[i].bytes == b->frame[i].bytes;
    return same;
}

/* Reads @data whole, byte by byte and at every split, and checks that all of them hear the same. */
static heard feed_all_ways(const weft_framing *framing, weft_framer f, const void *data, size_t n)
{
    heard whole = feed(framing, f, data, n, n, 1), other = feed(framing, f, data, n, 0, 1);
    CHECK(same(&whole, &other));
    for (size_t split = 0; split < n; split++) {
        other = feed(framing, f, data, n, split, n - split);
        CHECK(same(&whole, &other));
    }
    return whole;
}

/* Checks that @data is read as @want, frames in < >, and what is left behind the last. */
static void reads_n(const weft_framing *framing, weft_framer f, const void *data, size_t n,
                    const char *want, weft_err err)
{
    char text[1024];
    size_t at = 0;
    heard h = feed_all_ways(framing, f, data, n);

    for (size_t i = 0; i < h.frames; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "<%.*s>", (int)h.frame[i].bytes,
                               (const char *)data + h.frame[i].at);
    (void)snprintf(text + at, sizeof text - at, "%.*s", (int)(n - h.consumed),
                   (const char *)data + h.consumed);
    check_str(text, want, framing->name, __FILE__, __LINE__);
    check_err(h.err, err, want, __FILE__, __LINE__);
}

static void reads(const weft_framing *framing, weft_framer f, const char *data, const char *want)
{
    reads_n(framing, f, data, strlen(data), want, WEFT_OK);
}

static void refuses(const weft_framing *framing, weft_framer f, const char *data, const char *want,
                    weft_err err)
{
    reads_n(framing, f, data, strlen(data), want, err);
}

static weft_framer delimited(const char *delimiter, uint32_t max)
{
    weft_framer f = {.frame_bytes_max = max, .delimiter_bytes = (uint8_t)strlen(delimiter)};
    memcpy(f.delimiter, delimiter, strlen(delimiter));
    return f;
}

/* What one call says about the first @n bytes of a frame that goes on. */
static weft_err first_call(const weft_framing *framing, weft_framer f, const void *data, size_t n,
                           weft_frame_place *out)
{
    *out = (weft_frame_place){0};
    return framing->next(&f, data, n, out, &why);
}

static const weft_framer plain;

/* ---- lines ---- */

static void a_line_ends_with_lf_and_perhaps_one_cr(void)
{
    reads(&weft_lines, plain, "a\r\nb\nc", "<a><b>c");
    reads(&weft_lines, plain, "\n\r\n\n", "<><><>");
    reads(&weft_lines, plain, "c\r\r\n", "<c\r>");
    reads(&weft_lines, plain, "\rx\ry\n\r", "<\rx\ry>\r");
    reads(&weft_lines, plain, "", "");
}

static void crlf_alone_ends_a_line_where_it_is_asked_for(void)
{
    weft_framer f = delimited("\r\n", 0);
    reads(&weft_lines, f, "a\nb\rc\r\nd\r\n", "<a\nb\rc><d>");
    reads(&weft_lines, f, "\r\n\r\r\n\n\r\n\r", "<><\r><\n>\r");
}

static void a_delimiter_may_be_anything_up_to_8_bytes(void)
{
    reads(&weft_lines, delimited("aab", 0), "aaab.aaaab.aabaabaa", "<a><.aa><.><>aa");
    reads(&weft_lines, delimited("aa", 0), "baaabaa", "<b><ab>");
    reads(&weft_lines, delimited(";", 0), "x;;y\r\n;", "<x><><y\r\n>");
    reads(&weft_lines, delimited("--8bytes", 0), "x--8byte--8bytes--8byt", "<x--8byte>--8byt");

    weft_framer zeros = {.delimiter = {0, 0}, .delimiter_bytes = 2};
    heard h = feed_all_ways(&weft_lines, zeros, "a\0b\0\0\0\0", 7);
    CHECK_U64(h.frames, 2);
    CHECK_U64(h.frame[0].bytes, 3);
    CHECK_U64(h.frame[1].bytes, 0);
}

static void a_line_may_have_as_many_bytes_as_the_limit(void)
{
    weft_framer f = {.frame_bytes_max = 4};
    reads(&weft_lines, f, "abc\nabcd\nabcd\r\nabc\r\n\rbcd\r\n", "<abc><abcd><abcd><abc><\rbcd>");
    refuses(&weft_lines, f, "abcd\nabcde\n", "<abcd>abcde\n", WEFT_ETOOBIG);
    refuses(&weft_lines, f, "abcde\r\n", "abcde\r\n", WEFT_ETOOBIG);
    refuses(&weft_lines, f, "abcd\r\r\n", "abcd\r\r\n", WEFT_ETOOBIG);
    refuses(&weft_lines, f, "abcd\rx\n", "abcd\rx\n", WEFT_ETOOBIG);

    f = delimited("END", 4);
    reads(&weft_lines, f, "abcdENDabcENDENENENDEEEEEND", "<abcd><abc><ENEN><EEEE>");
    refuses(&weft_lines, f, "abcdeEND", "abcdeEND", WEFT_ETOOBIG);
    refuses(&weft_lines, f, "EEEEEEND", "EEEEEEND", WEFT_ETOOBIG);
}

static void a_line_too_long_is_found_before_its_end(void)
{
    weft_framer f = {.frame_bytes_max = 4};
    weft_frame_place got;
    CHECK_OK(first_call(&weft_lines, f, "abcd", 4, &got));
    CHECK_U64(got.need, 1);
    CHECK_OK(first_call(&weft_lines, f, "abcd\r", 5, &got));
    CHECK_U64(got.need, 1);
    CHECK_ERR(first_call(&weft_lines, f, "abcde", 5, &got), WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_lines, f, "abcd\r\r", 6, &got), WEFT_ETOOBIG);

    f = delimited("END", 4);
    CHECK_OK(first_call(&weft_lines, f, "abcd", 4, &got));
    CHECK_U64(got.need, 3);
    CHECK_OK(first_call(&weft_lines, f, "abcdEN", 6, &got));
    CHECK_U64(got.need, 1);
    CHECK_ERR(first_call(&weft_lines, f, "abcde", 5, &got), WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_lines, f, "abcdEE", 6, &got), WEFT_ETOOBIG);
}

static void a_limit_of_zero_is_64_kib(void)
{
    static uint8_t bytes[WEFT_FRAME_BYTES_MAX + 3];
    weft_frame_place got;

    memset(bytes, 'x', sizeof bytes);
    bytes[WEFT_FRAME_BYTES_MAX] = '\n';
    CHECK_OK(first_call(&weft_lines, plain, bytes, sizeof bytes, &got));
    CHECK_U64(got.bytes, WEFT_FRAME_BYTES_MAX);
    bytes[WEFT_FRAME_BYTES_MAX] = 'x';
    bytes[WEFT_FRAME_BYTES_MAX + 1] = '\n';
    CHECK_ERR(first_call(&weft_lines, plain, bytes, sizeof bytes, &got), WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_netstrings, plain, "65537", 5, &got), WEFT_ETOOBIG);
    CHECK_OK(first_call(&weft_netstrings, plain, "65536", 5, &got));
    CHECK_ERR(first_call(&weft_prefix32, plain, "\0\1\0\1", 4, &got), WEFT_ETOOBIG);
    CHECK_OK(first_call(&weft_prefix32, plain, "\0\1\0\0", 4, &got));
    CHECK_U64(got.need, 65536);
}

/* What was looked at is made a line's end before the next call: nobody may notice. */
static void lines_look_at_no_byte_twice(void)
{
    static const char *const ends[] = {"\r\n", "aab"};
    weft_frame_place got;
    why = (weft_why){""};

    weft_framer f = plain;
    char text[] = "0123456789\r\n";
    CHECK_OK(weft_lines.next(&f, (const uint8_t *)text, 10, &got, &why));
    memset(text, '\n', 9);
    CHECK_OK(weft_lines.next(&f, (const uint8_t *)text, 11, &got, &why));
    CHECK_U64(got.consumed, 0);
    CHECK_OK(weft_lines.next(&f, (const uint8_t *)text, 12, &got, &why));
    CHECK_U64(got.bytes, 10);

    for (size_t i = 0; i < 2; i++) {
        char other[64];
        size_t k = strlen(ends[i]);
        f = delimited(ends[i], 0);
        (void)snprintf(other, sizeof other, "012345678%s", ends[i]);
        CHECK_OK(weft_lines.next(&f, (const uint8_t *)other, 8 + k, &got, &why));
        CHECK_U64(f.scanned, 9);
        CHECK_U64(got.need, 1);
        memcpy(other, ends[i], k);
        CHECK_OK(weft_lines.next(&f, (const uint8_t *)other, 9 + k, &got, &why));
        CHECK_U64(got.bytes, 9);
    }
}

static void what_a_caller_cannot_mean_is_refused(void)
{
    weft_framer f = {.delimiter_bytes = WEFT_DELIMITER_BYTES_MAX + 1};
    weft_frame_ends ends;
    weft_frame_place got;
    CHECK_ERR(weft_lines.next(&f, (const uint8_t *)"a", 1, &got, &why), WEFT_EINVAL);
    CHECK_ERR(weft_lines.wrap(&f, (const uint8_t *)"a", 1, &ends, &why), WEFT_EINVAL);

    f = plain;
    CHECK_OK(weft_lines.next(&f, (const uint8_t *)"abc", 3, &got, &why));
    CHECK_ERR(weft_lines.next(&f, (const uint8_t *)"ab", 2, &got, &why), WEFT_EINVAL);
    weft_framer_forget(&f);
    CHECK_OK(weft_lines.next(&f, (const uint8_t *)"a\n", 2, &got, &why));
    CHECK_U64(got.bytes, 1);

    f = plain;
    CHECK_OK(weft_netstrings.next(&f, (const uint8_t *)"12", 2, &got, &why));
    CHECK_ERR(weft_netstrings.next(&f, (const uint8_t *)"1", 1, &got, NULL), WEFT_EINVAL);
}

static void an_error_is_given_again(void)
{
    static const struct {
        const weft_framing *framing;
        const char *data;
        weft_err err;
    } rows[] = {
        {&weft_lines, "abcdefgh\n", WEFT_ETOOBIG}, {&weft_netstrings, "1x", WEFT_EPROTO},
        {&weft_netstrings, "1:ab", WEFT_EPROTO},   {&weft_netstrings, "99:", WEFT_ETOOBIG},
        {&weft_prefix8, "\x09", WEFT_ETOOBIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_framer f = {.frame_bytes_max = 4};
        weft_frame_place got;
        const uint8_t *at = (const uint8_t *)rows[i].data;
        for (int again = 0; again < 3; again++)
            CHECK_ERR(rows[i].framing->next(&f, at, strlen(rows[i].data), &got, &why), rows[i].err);
    }
}

/* ---- netstrings ---- */

static void a_netstring_is_length_colon_bytes_comma(void)
{
    reads(&weft_netstrings, plain, "12:hello world!,", "<hello world!>");
    reads(&weft_netstrings, plain, "0:,1:,,3:1:,,2:a", "<><,><1:,>2:a");
    reads(&weft_netstrings, plain, "10:0123456789,1", "<0123456789>1");
    reads(&weft_netstrings, plain, "5:ab\r\n,,", "<ab\r\n,>");
    reads(&weft_netstrings, plain, "0", "0");
}

static void a_malformed_netstring_is_a_protocol_error(void)
{
    static const char *const bad[] = {
        ":",      ":,",   "00:,", "01:a,", "x",  "-1:a,", "+1:a,", " 1:a,", "1 :a,",   "1;a,",
        "0x1:a,", "1:ab", "1:a;", "0:;",   "0x", ",",     "\n",    "12a:",  "3:abcd,",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refuses(&weft_netstrings, plain, bad[i], bad[i], WEFT_EPROTO);
        CHECK(strstr(why.text, "netstring") != NULL);
    }
    CHECK_STR(why.text, "a netstring has the byte 0x64 (d), expected a comma behind its last byte");
    refuses(&weft_netstrings, plain, "x", "x", WEFT_EPROTO);
    CHECK_STR(why.text, "a netstring has the byte 0x78 (x), expected a digit");
    refuses(&weft_netstrings, plain, "1 ", "1 ", WEFT_EPROTO);
    CHECK_STR(why.text, "a netstring has the byte 0x20 (?), expected a digit or a colon");
    refuses(&weft_netstrings, plain, "1:a,1:a1:a,", "<a>1:a1:a,", WEFT_EPROTO);
    reads_n(&weft_netstrings, plain, "\xff", 1, "\xff", WEFT_EPROTO);
}

static void a_netstring_too_long_is_found_at_its_digits(void)
{
    weft_framer f = {.frame_bytes_max = 12};
    weft_frame_place got;
    reads(&weft_netstrings, f, "12:hello world!,", "<hello world!>");
    reads(&weft_netstrings, f, "11:hello world,", "<hello world>");
    refuses(&weft_netstrings, f, "13:hello world!!,", "13:hello world!!,", WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_netstrings, f, "13", 2, &got), WEFT_ETOOBIG);
    CHECK_OK(first_call(&weft_netstrings, f, "12", 2, &got));
    CHECK_U64(got.need, 14);
    CHECK_OK(first_call(&weft_netstrings, f, "1", 1, &got));
    CHECK_U64(got.need, 3);
    CHECK_OK(first_call(&weft_netstrings, f, NULL, 0, &got));
    CHECK_U64(got.need, 3);
    CHECK_OK(first_call(&weft_netstrings, f, "2:a", 3, &got));
    CHECK_U64(got.need, 2);
    CHECK_OK(first_call(&weft_netstrings, f, "2:ab", 4, &got));
    CHECK_U64(got.need, 1);

    f.frame_bytes_max = UINT32_MAX;
    CHECK_OK(first_call(&weft_netstrings, f, "4294967295:", 11, &got));
    CHECK_U64(got.need, UINT64_C(4294967296));
    CHECK_ERR(first_call(&weft_netstrings, f, "4294967296", 10, &got), WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_netstrings, f, "99999999999999999999999", 23, &got), WEFT_ETOOBIG);
}

static void digits_of_a_netstring_are_looked_at_once(void)
{
    weft_framer f = plain;
    weft_frame_place got;
    char text[] = "03:abc,";
    text[0] = '1';
    CHECK_OK(weft_netstrings.next(&f, (const uint8_t *)text, 2, &got, &why));
    CHECK_U64(f.length, 13);
    text[0] = text[1] = 'x';
    CHECK_OK(weft_netstrings.next(&f, (const uint8_t *)text, 7, &got, &why));
    CHECK_U64(got.need, 10);
}

/* ---- prefixes ---- */

static void a_prefix_counts_the_bytes_behind_it(void)
{
    heard h;
    reads_n(&weft_prefix8, plain, "\3abc\0\1x\2y", 9, "<abc><><x>\2y", WEFT_OK);
    h = feed_all_ways(&weft_prefix16, plain, "\0\3abc\0\0\0\1x\0", 11);
    CHECK_U64(h.frames, 3);
    CHECK_U64(h.frame[0].at, 2);
    CHECK_U64(h.frame[0].bytes, 3);
    CHECK_U64(h.frame[1].bytes, 0);
    CHECK_U64(h.consumed, 10);
    h = feed_all_ways(&weft_prefix32, plain, "\0\0\0\3abc\0\0\0\0", 11);
    CHECK_U64(h.frames, 2);
    CHECK_U64(h.frame[0].at, 4);
    CHECK_U64(h.consumed, 11);
}

static void a_prefix_may_be_little_endian(void)
{
    weft_framer f = {.little_endian = true};
    heard h = feed_all_ways(&weft_prefix16, f, "\3\0abc", 5);
    CHECK_U64(h.frames, 1);
    CHECK_U64(h.frame[0].bytes, 3);
    h = feed_all_ways(&weft_prefix32, f, "\3\0\0\0abc", 7);
    CHECK_U64(h.frames, 1);
    h = feed_all_ways(&weft_prefix8, f, "\3abc", 4);
    CHECK_U64(h.frames, 1);
    CHECK_ERR(feed_all_ways(&weft_prefix32, f, "\0\0\1\1", 4).err, WEFT_ETOOBIG);
}

static void a_prefix_beyond_the_limit_is_refused_at_once(void)
{
    weft_framer f = {.frame_bytes_max = 4};
    weft_frame_place got;
    CHECK_OK(first_call(&weft_prefix8, f, "\4", 1, &got));
    CHECK_U64(got.need, 4);
    CHECK_OK(first_call(&weft_prefix8, f, "\3", 1, &got));
    CHECK_ERR(first_call(&weft_prefix8, f, "\5", 1, &got), WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_prefix16, f, "\0\5", 2, &got), WEFT_ETOOBIG);
    CHECK_ERR(first_call(&weft_prefix32, f, "\xff\xff\xff\xff", 4, &got), WEFT_ETOOBIG);
    f.frame_bytes_max = UINT32_MAX;
    CHECK_OK(first_call(&weft_prefix32, f, "\xff\xff\xff\xff", 4, &got));
    CHECK_U64(got.need, UINT32_MAX);
    CHECK_OK(first_call(&weft_prefix32, f, NULL, 0, &got));
    CHECK_U64(got.need, 4);
    CHECK_OK(first_call(&weft_prefix32, f, "\0", 1, &got));
    CHECK_U64(got.need, 3);
}

/* ---- sending ---- */

/* Checks what stands around @n bytes of @frame; a NULL @head says that it is refused with @err. */
static void wraps(const weft_framing *framing, weft_framer f, const char *frame, size_t n,
                  const char *head, size_t head_n, const char *tail, weft_err err)
{
    weft_frame_ends ends, before;
    memset(&ends, 0x5a, sizeof ends);
    before = ends;
    check_err(framing->wrap(&f, (const uint8_t *)frame, n, &ends, &why), err, framing->name,
              __FILE__, __LINE__);
    if (err != WEFT_OK) {
        CHECK(memcmp(&ends, &before, sizeof ends) == 0);
        return;
    }
    CHECK_MEM(ends.head, ends.head_bytes, head, head_n);
    CHECK_MEM(ends.tail, ends.tail_bytes, tail, strlen(tail));
}

static void heads_and_tails_are_made_for_sending(void)
{
    weft_framer little = {.little_endian = true};
    wraps(&weft_lines, plain, "abc", 3, "", 0, "\n", WEFT_OK);
    wraps(&weft_lines, delimited("\r\n", 0), "a\nb\r", 4, "", 0, "\r\n", WEFT_OK);
    wraps(&weft_lines, plain, NULL, 0, "", 0, "\n", WEFT_OK);
    wraps(&weft_netstrings, plain, "hello world!", 12, "12:", 3, ",", WEFT_OK);
    wraps(&weft_netstrings, plain, NULL, 0, "0:", 2, ",", WEFT_OK);
    wraps(&weft_prefix8, plain, "abc", 3, "\3", 1, "", WEFT_OK);
    wraps(&weft_prefix16, plain, NULL, 0x102, "\1\2", 2, "", WEFT_OK);
    wraps(&weft_prefix16, little, NULL, 0x102, "\2\1", 2, "", WEFT_OK);
    wraps(&weft_prefix32, plain, NULL, 0x1020304, "\1\2\3\4", 4, "", WEFT_OK);
    wraps(&weft_prefix32, little, NULL, 0x1020304, "\4\3\2\1", 4, "", WEFT_OK);
}

static void a_frame_that_cannot_be_said_is_refused(void)
{
    wraps(&weft_prefix8, plain, NULL, 255, "\xff", 1, "", WEFT_OK);
    wraps(&weft_prefix8, plain, NULL, 256, NULL, 0, NULL, WEFT_ETOOBIG);
    wraps(&weft_prefix8, plain, NULL, 300, NULL, 0, NULL, WEFT_ETOOBIG);
    CHECK_STR(why.text, "a frame of 300 bytes, expected at most what 8 bits can say");
    wraps(&weft_prefix16, plain, NULL, 65535, "\xff\xff", 2, "", WEFT_OK);
    wraps(&weft_prefix16, plain, NULL, 65536, NULL, 0, NULL, WEFT_ETOOBIG);
    wraps(&weft_prefix32, plain, NULL, UINT32_MAX, "\xff\xff\xff\xff", 4, "", WEFT_OK);
    wraps(&weft_prefix32, plain, NULL, (size_t)UINT32_MAX + 1, NULL, 0, NULL, WEFT_ETOOBIG);
    wraps(&weft_netstrings, plain, NULL, 999999999999999, "999999999999999:", 16, ",", WEFT_OK);
    wraps(&weft_netstrings, plain, NULL, 1000000000000000, NULL, 0, NULL, WEFT_ETOOBIG);
    CHECK_STR(why.text, "a netstring of 1000000000000000 bytes, expected at most 15 digits");
    wraps(&weft_netstrings, plain, NULL, SIZE_MAX, NULL, 0, NULL, WEFT_ETOOBIG);
}

static void a_line_with_its_end_inside_is_refused(void)
{
    wraps(&weft_lines, plain, "a\nb", 3, NULL, 0, NULL, WEFT_EINVAL);
    wraps(&weft_lines, plain, "a\r", 2, NULL, 0, NULL, WEFT_EINVAL);
    wraps(&weft_lines, plain, "a\rb", 3, "", 0, "\n", WEFT_OK);
    wraps(&weft_lines, delimited("\r\n", 0), "a\r\nQUIT", 7, NULL, 0, NULL, WEFT_EINVAL);
    wraps(&weft_lines, delimited("aa", 0), "ba", 2, NULL, 0, NULL, WEFT_EINVAL);
    wraps(&weft_lines, delimited("abab", 0), "xab", 3, NULL, 0, NULL, WEFT_EINVAL);
    wraps(&weft_lines, delimited("abab", 0), "xaba", 4, "", 0, "abab", WEFT_OK);
}

/* ---- properties ---- */

/* Framings with few letters, so that delimiters, digits and limits meet often. */
static const weft_framing *pick(test_random *random, weft_framer *f)
{
    static const weft_framing *const all[] = {&weft_lines,   &weft_lines,    &weft_netstrings,
                                              &weft_prefix8, &weft_prefix16, &weft_prefix32};
    size_t i = test_below(random, 6);

    *f = (weft_framer){.frame_bytes_max = 1 + (uint32_t)test_below(random, 30)};
    f->little_endian = test_below(random, 2) != 0;
    if (i == 0) {
        f->delimiter_bytes = (uint8_t)(1 + test_below(random, 5));
        for (size_t k = 0; k < f->delimiter_bytes; k++)
            f->delimiter[k] = (uint8_t) "\r\n"[test_below(random, 2)];
    }
    return all[i];
}

static size_t scribble(test_random *random, uint8_t *out, size_t max)
{
    static const char letters[] = "\r\n\r\n,:012\0\1\2x";
    size_t n = test_below(random, max);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)letters[test_below(random, sizeof letters - 1)];
    return n;
}

static void it_never_matters_how_bytes_are_split(void)
{
    test_random random = {1};
    uint8_t data[40];
    size_t fine = 0;

    for (int round = 0; round < 4000; round++) {
        weft_framer f;
        const weft_framing *framing = pick(&random, &f);
        size_t n = scribble(&random, data, sizeof data);
        fine += feed_all_ways(framing, f, data, n).frames;
    }
    CHECK(fine > 2000);
}

static size_t put_wrapped(uint8_t *out, const weft_frame_ends *ends, const uint8_t *frame, size_t n)
{
    memcpy(out, ends->head, ends->head_bytes);
    memcpy(out + ends->head_bytes, frame, n);
    memcpy(out + ends->head_bytes + n, ends->tail, ends->tail_bytes);
    return ends->head_bytes + n + ends->tail_bytes;
}

/* For lines, where the bytes themselves decide: the refusal is neither too strict nor too mild. */
static void a_frame_is_refused_exactly_if_it_would_not_come_back(void)
{
    test_random random = {2};
    uint8_t frame[12], data[64];
    size_t refusals = 0;

    for (int round = 0; round < 20000; round++) {
        weft_framer f;
        weft_frame_ends ends = {0};
        const weft_framing *framing = pick(&random, &f);
        size_t n = scribble(&random, frame, sizeof frame);

        weft_err err = framing->wrap(&f, frame, n, &ends, &why);
        if (err != WEFT_OK) {
            refusals++;
            CHECK(framing == &weft_lines);
            ends.tail_bytes = f.delimiter_bytes > 0 ? f.delimiter_bytes : 1;
            memcpy(ends.tail, f.delimiter_bytes > 0 ? f.delimiter : (const uint8_t *)"\n",
                   ends.tail_bytes);
        }
        f.frame_bytes_max = 0;
        size_t bytes = put_wrapped(data, &ends, frame, n);
        heard h = feed(framing, f, data, bytes, bytes, 1);
        bool back = h.frames == 1 && h.frame[0].bytes == n && h.consumed == bytes;
        CHECK(back == (err == WEFT_OK));
    }
    CHECK(refusals > 1000);
}

static void many_frames_come_back_as_they_were_sent(void)
{
    test_random random = {3};
    uint8_t frame[20], data[INPUT_MAX];

    for (int round = 0; round < 500; round++) {
        weft_framer f;
        weft_frame_ends ends;
        heard sent = {0};
        const weft_framing *framing = pick(&random, &f);

        f.frame_bytes_max = sizeof frame;
        while (sent.consumed + sizeof frame + 24 < sizeof data && sent.frames < FRAMES_MAX) {
            size_t n = scribble(&random, frame, sizeof frame + 1);
            if (framing->wrap(&f, frame, n, &ends, &why) != WEFT_OK)
                continue;
            sent.frame[sent.frames].at = sent.consumed + ends.head_bytes;
            sent.frame[sent.frames++].bytes = n;
            sent.consumed += put_wrapped(data + sent.consumed, &ends, frame, n);
        }
        size_t first = test_below(&random, sent.consumed), step = 1 + test_below(&random, 30);
        heard h = feed(framing, f, data, sent.consumed, first, step);
        CHECK(same(&sent, &h));
    }
}

static const test_case cases[] = {
    TEST(a_line_ends_with_lf_and_perhaps_one_cr),
    TEST(crlf_alone_ends_a_line_where_it_is_asked_for),
    TEST(a_delimiter_may_be_anything_up_to_8_bytes),
    TEST(a_line_may_have_as_many_bytes_as_the_limit),
    TEST(a_line_too_long_is_found_before_its_end),
    TEST(a_limit_of_zero_is_64_kib),
    TEST(lines_look_at_no_byte_twice),
    TEST(what_a_caller_cannot_mean_is_refused),
    TEST(an_error_is_given_again),
    TEST(a_netstring_is_length_colon_bytes_comma),
    TEST(a_malformed_netstring_is_a_protocol_error),
    TEST(a_netstring_too_long_is_found_at_its_digits),
    TEST(digits_of_a_netstring_are_looked_at_once),
    TEST(a_prefix_counts_the_bytes_behind_it),
    TEST(a_prefix_may_be_little_endian),
    TEST(a_prefix_beyond_the_limit_is_refused_at_once),
    TEST(heads_and_tails_are_made_for_sending),
    TEST(a_frame_that_cannot_be_said_is_refused),
    TEST(a_line_with_its_end_inside_is_refused),
    TEST(it_never_matters_how_bytes_are_split),
    TEST(a_frame_is_refused_exactly_if_it_would_not_come_back),
    TEST(many_frames_come_back_as_they_were_sent),
    {0},
};

const test_suite framing_suite = {.name = "protocols/framing", .cases = cases};
