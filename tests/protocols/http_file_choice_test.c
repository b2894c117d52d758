/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_fields.h"
#include "http_file_choice.h"

#define IDENTITY WF_HTTP_CODING_BIT(WF_HTTP_IDENTITY)
#define GZIP WF_HTTP_CODING_BIT(WF_HTTP_GZIP)
#define BROTLI WF_HTTP_CODING_BIT(WF_HTTP_BROTLI)

#define NOW_S 1700000000
#define MTIME_S 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define TAG "\"abc\""

enum { FIELDS_MAX = 8, SIZE = 1000 };

/* Reads the wish of a request whose fields are "name: value" each, up to a NULL. */
static wf_http_wish wish_of(weft_http_method method, const char *const *lines)
{
    weft_http_field fields[FIELDS_MAX];
    uint32_t n = 0;
    wf_http_wish wish;

    for (; lines[n] != NULL && n < FIELDS_MAX; n++) {
        const char *colon = strchr(lines[n], ':');
        fields[n] = (weft_http_field){.name = lines[n],
                                      .value = colon + 2,
                                      .name_bytes = (uint32_t)(colon - lines[n]),
                                      .value_bytes = (uint32_t)strlen(colon + 2)};
    }
    wf_http_wish_read(&wish, method, fields, n);
    return wish;
}

#define LINES(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define GET(...) wish_of(WEFT_HTTP_GET, LINES(__VA_ARGS__))

/* What @wish comes to for a file of SIZE bytes. */
static wf_http_choice chosen(wf_http_wish wish)
{
    const wf_http_current current = {
        .exists = true, .has_mtime = true, .etag = piece(TAG), .mtime_s = MTIME_S};
    wf_http_choice choice = {.ranges_n = 0};

    wf_http_choose(&wish, &current, SIZE, true, NOW_S, &choice);
    return choice;
}

static void check_range(wf_http_choice choice, unsigned i, uint64_t first, uint64_t last)
{
    CHECK(choice.ranges_n > i);
    CHECK_U64(choice.ranges[i].first, first);
    CHECK_U64(choice.ranges[i].last, last);
}

static void a_request_without_conditions_asks_for_the_whole(void)
{
    CHECK(!GET().conditional);
    CHECK(!GET("Host: a", "Accept: */*", "Accept-Encoding: gzip").conditional);
    CHECK_U64(chosen(GET()).kind, WF_HTTP_ANSWER_WHOLE);
}

static void a_range_is_a_part_and_several_are_parts(void)
{
    wf_http_choice choice = chosen(GET("Range: bytes=10-19"));
    CHECK_U64(choice.kind, WF_HTTP_ANSWER_PART);
    CHECK_U64(choice.ranges_n, 1);
    check_range(choice, 0, 10, 19);

    choice = chosen(GET("range: bytes=0-0,-1"));
    CHECK_U64(choice.kind, WF_HTTP_ANSWER_PARTS);
    CHECK_U64(choice.ranges_n, 2);
    check_range(choice, 0, 0, 0);
    check_range(choice, 1, 999, 999);

    CHECK_U64(chosen(GET("Range: bytes=1000-")).kind, WF_HTTP_ANSWER_UNSATISFIABLE);
    CHECK_U64(chosen(GET("Range: lines=1-2")).kind, WF_HTTP_ANSWER_WHOLE);
}

static void a_range_is_for_get_alone(void)
{
    wf_http_wish head = wish_of(WEFT_HTTP_HEAD, LINES("Range: bytes=10-19"));
    CHECK_U64(chosen(head).kind, WF_HTTP_ANSWER_WHOLE);
}

static void what_has_no_parts_is_given_whole(void)
{
    wf_http_wish wish = GET("Range: bytes=10-19");
    const wf_http_current current = {.exists = true};
    wf_http_choice choice;
    wf_http_choose(&wish, &current, SIZE, false, NOW_S, &choice);
    CHECK_U64(choice.kind, WF_HTTP_ANSWER_WHOLE);
}

static void conditions_come_before_ranges(void)
{
    CHECK_U64(chosen(GET("If-None-Match: " TAG, "Range: bytes=0-1")).kind,
              WF_HTTP_ANSWER_NOT_MODIFIED);
    CHECK_U64(chosen(GET("If-Modified-Since: " DATE)).kind, WF_HTTP_ANSWER_NOT_MODIFIED);
    CHECK_U64(chosen(GET("If-Match: \"other\"", "Range: bytes=0-1")).kind, WF_HTTP_ANSWER_FAILED);
    CHECK_U64(chosen(GET("If-Match: " TAG, "Range: bytes=0-1")).kind, WF_HTTP_ANSWER_PART);
}

static void a_range_of_another_version_is_not_obeyed(void)
{
    CHECK_U64(chosen(GET("Range: bytes=0-1", "If-Range: " TAG)).kind, WF_HTTP_ANSWER_PART);
    CHECK_U64(chosen(GET("Range: bytes=0-1", "If-Range: " DATE)).kind, WF_HTTP_ANSWER_PART);
    CHECK_U64(chosen(GET("Range: bytes=0-1", "If-Range: \"old\"")).kind, WF_HTTP_ANSWER_WHOLE);
    CHECK_U64(chosen(GET("Range: bytes=0-1", "If-Range: W/" TAG)).kind, WF_HTTP_ANSWER_WHOLE);
}

static void what_stands_there_twice_is_not_obeyed(void)
{
    CHECK_U64(chosen(GET("Range: bytes=0-1", "Range: bytes=2-3")).kind, WF_HTTP_ANSWER_WHOLE);
    CHECK_U64(chosen(GET("Range: bytes=0-1", "If-Range: " TAG, "If-Range: \"old\"")).kind,
              WF_HTTP_ANSWER_WHOLE);
    CHECK_U64(chosen(GET("If-Modified-Since: " DATE, "If-Modified-Since: " DATE)).kind,
              WF_HTTP_ANSWER_WHOLE);
    CHECK_U64(chosen(GET("If-Unmodified-Since: " DATE, "If-Unmodified-Since: " DATE)).kind,
              WF_HTTP_ANSWER_WHOLE);
}

static void lists_on_two_lines_are_told(void)
{
    wf_http_wish wish = GET("If-None-Match: \"x\"", "If-None-Match: " TAG);
    CHECK_U64(wish.repeated, UINT64_C(1) << WF_HTTP_IF_NONE_MATCH);
    wish.conditions.if_none_match = piece("\"x\", " TAG);
    CHECK_U64(chosen(wish).kind, WF_HTTP_ANSWER_NOT_MODIFIED);
}

static wf_http_coding coding_of(wf_http_wish wish, unsigned offered, unsigned on_the_fly)
{
    return wf_http_wish_coding(&wish, offered, on_the_fly);
}

static void the_best_coding_on_offer_is_taken(void)
{
    const unsigned all = IDENTITY | GZIP | BROTLI;
    CHECK_U64(coding_of(GET(), all, 0), WF_HTTP_IDENTITY);
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip"), all, 0), WF_HTTP_GZIP);
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip, br"), all, 0), WF_HTTP_BROTLI);
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip", "Accept-Encoding: br"), all, 0),
              WF_HTTP_BROTLI);
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip, br"), IDENTITY, 0), WF_HTTP_IDENTITY);
    CHECK_U64(coding_of(GET("Accept-Encoding: identity;q=0, zstd"), all, 0), WF_HTTP_IDENTITY);
}

static void parts_are_not_taken_of_what_is_packed_on_the_fly(void)
{
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip", "Range: bytes=0-1"), IDENTITY | GZIP, GZIP),
              WF_HTTP_IDENTITY);
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip", "Range: bytes=0-1"), IDENTITY | GZIP, 0),
              WF_HTTP_GZIP);
    CHECK_U64(coding_of(GET("Accept-Encoding: gzip"), IDENTITY | GZIP, GZIP), WF_HTTP_GZIP);
}

static const test_case cases[] = {
    TEST(a_request_without_conditions_asks_for_the_whole),
    TEST(a_range_is_a_part_and_several_are_parts),
    TEST(a_range_is_for_get_alone),
    TEST(what_has_no_parts_is_given_whole),
    TEST(conditions_come_before_ranges),
    TEST(a_range_of_another_version_is_not_obeyed),
    TEST(what_stands_there_twice_is_not_obeyed),
    TEST(lists_on_two_lines_are_told),
    TEST(the_best_coding_on_offer_is_taken),
    TEST(parts_are_not_taken_of_what_is_packed_on_the_fly),
    {0},
};

const test_suite http_file_choice_suite = {.name = "protocols/http_file_choice", .cases = cases};
