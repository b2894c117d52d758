/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_range.h"

/* What @field asks of @size bytes, as text: "whole", "none", or the ranges. */
static const char *asked(const char *field, uint64_t size, unsigned ranges_max)
{
    static page p;
    wf_http_range ranges[64];
    unsigned n = 0;
    wf_http_writer *w = page_open(&p);
    switch (wf_http_range_parse(piece(field), size, ranges, ranges_max, &n)) {
    case WF_HTTP_RANGE_WHOLE:
        return "whole";
    case WF_HTTP_RANGE_UNSATISFIABLE:
        return "none";
    case WF_HTTP_RANGE_PARTIAL:
        break;
    }
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            wf_http_put_char(w, ' ');
        wf_http_put_u64(w, ranges[i].first);
        wf_http_put_char(w, '-');
        wf_http_put_u64(w, ranges[i].last);
    }
    return page_text(&p);
}

static const char *of_1000(const char *field)
{
    return asked(field, 1000, WF_HTTP_RANGES_MAX_DEFAULT);
}

static void one_range_has_three_forms(void)
{
    CHECK_STR(of_1000("bytes=0-499"), "0-499");
    CHECK_STR(of_1000("bytes=500-"), "500-999");
    CHECK_STR(of_1000("bytes=-200"), "800-999");
    CHECK_STR(of_1000("bytes=0-0"), "0-0");
    CHECK_STR(of_1000("bytes=999-999"), "999-999");
    CHECK_STR(of_1000("bytes=0-"), "0-999");
    CHECK_STR(of_1000("bytes=-1"), "999-999");
}

static void what_reaches_beyond_the_end_ends_there(void)
{
    CHECK_STR(of_1000("bytes=900-5000"), "900-999");
    CHECK_STR(of_1000("bytes=-5000"), "0-999");
    CHECK_STR(of_1000("bytes=0-18446744073709551615"), "0-999");
    CHECK_STR(of_1000("bytes=0-99999999999999999999999999"), "0-999");
    CHECK_STR(of_1000("bytes=-99999999999999999999999999"), "0-999");
}

static void the_largest_size_is_no_trap(void)
{
    CHECK_STR(asked("bytes=0-", UINT64_MAX, 4), "0-18446744073709551614");
    CHECK_STR(asked("bytes=18446744073709551614-,0-0", UINT64_MAX, 4),
              "18446744073709551614-18446744073709551614 0-0");
    CHECK_STR(asked("bytes=18446744073709551615-", UINT64_MAX, 4), "none");
    CHECK_STR(asked("bytes=99999999999999999999-99999999999999999998", UINT64_MAX, 4), "none");
}

static void a_range_outside_is_unsatisfiable_only_if_all_are(void)
{
    CHECK_STR(of_1000("bytes=1000-"), "none");
    CHECK_STR(of_1000("bytes=1000-2000"), "none");
    CHECK_STR(of_1000("bytes=-0"), "none");
    CHECK_STR(of_1000("bytes=-0,1000-,5000-6000"), "none");
    CHECK_STR(of_1000("bytes=1000-,1-2"), "1-2");
}

static void several_ranges_keep_their_order(void)
{
    CHECK_STR(of_1000("bytes=500-599,0-99"), "500-599 0-99");
    CHECK_STR(of_1000("bytes= 0-0 , -1"), "0-0 999-999");
    CHECK_STR(of_1000("bytes=,,0-0,\t,5-5,,"), "0-0 5-5");
    CHECK_STR(of_1000("BYTES=0-0"), "0-0");
}

static void ranges_that_meet_become_one(void)
{
    CHECK_STR(of_1000("bytes=0-10,5-20"), "0-20");
    CHECK_STR(of_1000("bytes=0-10,11-20"), "0-20");
    CHECK_STR(of_1000("bytes=0-10,12-20"), "0-10 12-20");
    CHECK_STR(of_1000("bytes=11-20,0-10"), "0-20");
    CHECK_STR(of_1000("bytes=0-,0-,0-,0-"), "0-999");
    /* one that grows meets others; the first place is kept */
    CHECK_STR(of_1000("bytes=50-60,0-10,20-30,5-55"), "0-60");
    CHECK_STR(of_1000("bytes=900-910,50-60,0-10,20-30,5-25,-1"), "900-910 50-60 0-30 999-999");
    CHECK_STR(of_1000("bytes=50-60,100-110,0-49"), "0-60 100-110");
    CHECK_STR(of_1000("bytes=100-110,50-60,0-49"), "100-110 0-60");
}

static void too_many_ranges_are_the_whole(void)
{
    CHECK_STR(asked("bytes=0-0,2-2,4-4", 1000, 3), "0-0 2-2 4-4");
    CHECK_STR(asked("bytes=0-0,2-2,4-4,6-6", 1000, 3), "whole");
    /* as written, also those that would have been joined or dropped */
    CHECK_STR(asked("bytes=0-,0-,0-,0-", 1000, 3), "whole");
    CHECK_STR(asked("bytes=5000-,5000-,5000-,5000-", 1000, 3), "whole");
    CHECK_STR(asked("bytes=0-0", 1000, 0), "whole");
    /* the request that brought Apache down: 0-,5-0,5-1,5-2,... */
    char field[8192] = "bytes=0-";
    size_t n = strlen(field);
    for (int i = 0; i < 1300; i++)
        n += (size_t)snprintf(field + n, sizeof field - n, ",5-%d", i);
    CHECK_STR(of_1000(field), "whole");
}

static void what_breaks_the_grammar_is_ignored(void)
{
    static const char *const rows[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=1-2-3",
        "bytes=5-2",
        "bytes=1 -2",
        "bytes=1- 2",
        "bytes =1-2",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1-2;q=1",
        "bytes=1-2 3-4",
        "bytes=0x1-2",
        "items=0-5",
        "=0-5",
        "bytes:0-5",
        "bytes=0-5,x",
        "bytes=0-5,7-6",
        "bytess=0-5",
        "0-5",
        " bytes=0-5",
        "bytes==0-5",
        NULL,
    };
    for (size_t i = 0; rows[i] != NULL; i++)
        if (strcmp(of_1000(rows[i]), "whole") != 0)
            CHECK_STR(rows[i], "ignored");
    CHECK_STR(of_1000(NULL), "whole");
}

static void nothing_of_an_empty_representation_is_ranged(void)
{
    CHECK_STR(asked("bytes=0-", 0, 16), "whole");
    CHECK_STR(asked("bytes=-1", 0, 16), "whole");
}

static void content_range_is_written_both_ways(void)
{
    page p;
    wf_http_put_content_range(page_open(&p), (wf_http_range){0, 499}, 1234);
    CHECK_STR(page_text(&p), "bytes 0-499/1234");
    wf_http_put_content_range_none(page_open(&p), 1234);
    CHECK_STR(page_text(&p), "bytes */1234");
    wf_http_put_content_range(page_open(&p), (wf_http_range){UINT64_MAX, UINT64_MAX}, UINT64_MAX);
    CHECK_U64(p.w.n, WF_HTTP_CONTENT_RANGE_BYTES_MAX);
}

static void several_parts_are_as_long_as_was_said(void)
{
    static const char content[] = "0123456789";
    static const wf_http_range ranges[] = {{0, 1}, {9, 9}};
    wf_http_byteranges parts = wf_http_byteranges_new(0xfedcba9876543210, piece("text/plain"), 10);
    page p;
    wf_http_writer *w = page_open(&p);

    for (unsigned i = 0; i < 2; i++) {
        wf_http_put_byteranges_head(w, &parts, i == 0, ranges[i]);
        wf_http_put(w, content + ranges[i].first, wf_http_range_length(ranges[i]));
    }
    wf_http_put_byteranges_end(w, &parts);
    CHECK_STR(page_text(&p), "--0123456789abcdef\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Range: bytes 0-1/10\r\n\r\n01"
                             "\r\n--0123456789abcdef\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Range: bytes 9-9/10\r\n\r\n9"
                             "\r\n--0123456789abcdef--\r\n");
    CHECK_U64(wf_http_byteranges_total(&parts, ranges, 2), w->n);

    wf_http_put_byteranges_type(page_open(&p), &parts);
    CHECK_STR(page_text(&p), "multipart/byteranges; boundary=0123456789abcdef");
    CHECK_U64(p.w.n, WF_HTTP_BYTERANGES_TYPE_BYTES);
}

static void a_part_of_no_type_has_no_type(void)
{
    wf_http_byteranges parts = wf_http_byteranges_new(0, piece(NULL), 10);
    page p;
    wf_http_put_byteranges_head(page_open(&p), &parts, true, (wf_http_range){1, 2});
    CHECK_STR(page_text(&p), "--0000000000000000\r\nContent-Range: bytes 1-2/10\r\n\r\n");
}

static const test_case cases[] = {
    TEST(one_range_has_three_forms),
    TEST(what_reaches_beyond_the_end_ends_there),
    TEST(the_largest_size_is_no_trap),
    TEST(a_range_outside_is_unsatisfiable_only_if_all_are),
    TEST(several_ranges_keep_their_order),
    TEST(ranges_that_meet_become_one),
    TEST(too_many_ranges_are_the_whole),
    TEST(what_breaks_the_grammar_is_ignored),
    TEST(nothing_of_an_empty_representation_is_ranged),
    TEST(content_range_is_written_both_ways),
    TEST(several_parts_are_as_long_as_was_said),
    TEST(a_part_of_no_type_has_no_type),
    {0},
};

const test_suite http_range_suite = {.name = "protocols/http_range", .cases = cases};
