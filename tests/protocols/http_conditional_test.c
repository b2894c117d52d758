/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_conditional.h"

#define NOW INT64_C(1700000000)
#define MTIME INT64_C(784111777)
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AT "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

/* A file with the tag "abc", modified AT. */
static wf_http_current file(void)
{
    return (wf_http_current){
        .exists = true, .has_mtime = true, .etag = piece("\"abc\""), .mtime_s = MTIME};
}

static wf_http_verdict judge(weft_http_method method, wf_http_conditions c)
{
    wf_http_current current = file();
    return wf_http_judge(&c, method, &current, NOW);
}

#define GET(...) judge(WEFT_HTTP_GET, (wf_http_conditions){__VA_ARGS__})
#define PUT(...) judge(WEFT_HTTP_PUT, (wf_http_conditions){__VA_ARGS__})

static void without_conditions_all_proceeds(void)
{
    wf_http_conditions none = {.if_match = {NULL, 0}};
    CHECK(judge(WEFT_HTTP_GET, none) == WF_HTTP_PROCEED);
    CHECK(judge(WEFT_HTTP_DELETE, none) == WF_HTTP_PROCEED);
}

static void what_the_client_has_is_not_sent_again(void)
{
    CHECK(GET(.if_none_match = piece("\"abc\"")) == WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_none_match = piece("W/\"abc\"")) == WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_none_match = piece("*")) == WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_none_match = piece("\"x\", W/\"y\" ,, \"abc\"")) == WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_none_match = piece("\"a,b\",\"abc\"")) == WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_none_match = piece("\"x\", \"abcd\", \"ABC\"")) == WF_HTTP_PROCEED);
    CHECK(judge(WEFT_HTTP_HEAD, (wf_http_conditions){.if_none_match = piece("\"abc\"")}) ==
          WF_HTTP_NOT_MODIFIED);
}

static void what_is_there_is_not_made_again(void)
{
    CHECK(PUT(.if_none_match = piece("*")) == WF_HTTP_PRECONDITION_FAILED);
    CHECK(PUT(.if_none_match = piece("\"abc\"")) == WF_HTTP_PRECONDITION_FAILED);
    CHECK(PUT(.if_none_match = piece("\"x\"")) == WF_HTTP_PROCEED);
}

static void what_has_changed_is_not_overwritten(void)
{
    CHECK(PUT(.if_match = piece("\"abc\"")) == WF_HTTP_PROCEED);
    CHECK(PUT(.if_match = piece("*")) == WF_HTTP_PROCEED);
    CHECK(PUT(.if_match = piece("\"x\" , \"abc\"")) == WF_HTTP_PROCEED);
    CHECK(PUT(.if_match = piece("\"x\"")) == WF_HTTP_PRECONDITION_FAILED);
    /* strong comparison */
    CHECK(PUT(.if_match = piece("W/\"abc\"")) == WF_HTTP_PRECONDITION_FAILED);
    CHECK(PUT(.if_unmodified_since = piece(BEFORE)) == WF_HTTP_PRECONDITION_FAILED);
    CHECK(PUT(.if_unmodified_since = piece(AT)) == WF_HTTP_PROCEED);
    CHECK(PUT(.if_unmodified_since = piece(AFTER)) == WF_HTTP_PROCEED);
}

static void dates_count_where_tags_do_not(void)
{
    CHECK(GET(.if_modified_since = piece(BEFORE)) == WF_HTTP_PROCEED);
    CHECK(GET(.if_modified_since = piece(AT)) == WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_modified_since = piece(AFTER)) == WF_HTTP_NOT_MODIFIED);
    CHECK(PUT(.if_modified_since = piece(AT)) == WF_HTTP_PROCEED);
}

static void the_order_of_the_standard_is_kept(void)
{
    /* If-Match before If-Unmodified-Since, and instead of it */
    CHECK(GET(.if_match = piece("\"abc\""), .if_unmodified_since = piece(BEFORE)) ==
          WF_HTTP_PROCEED);
    CHECK(GET(.if_match = piece("\"x\""), .if_unmodified_since = piece(AFTER)) ==
          WF_HTTP_PRECONDITION_FAILED);
    /* If-None-Match instead of If-Modified-Since */
    CHECK(GET(.if_none_match = piece("\"x\""), .if_modified_since = piece(AFTER)) ==
          WF_HTTP_PROCEED);
    CHECK(GET(.if_none_match = piece("\"abc\""), .if_modified_since = piece(BEFORE)) ==
          WF_HTTP_NOT_MODIFIED);
    /* 412 before 304, and 304 after a condition that holds */
    CHECK(GET(.if_match = piece("\"x\""), .if_none_match = piece("\"abc\"")) ==
          WF_HTTP_PRECONDITION_FAILED);
    CHECK(GET(.if_match = piece("\"abc\""), .if_none_match = piece("\"abc\"")) ==
          WF_HTTP_NOT_MODIFIED);
    CHECK(GET(.if_unmodified_since = piece(BEFORE), .if_none_match = piece("\"abc\"")) ==
          WF_HTTP_PRECONDITION_FAILED);
    CHECK(GET(.if_unmodified_since = piece(AT), .if_modified_since = piece(AT)) ==
          WF_HTTP_NOT_MODIFIED);
}

static void a_date_that_is_none_is_no_condition(void)
{
    CHECK(GET(.if_modified_since = piece("yesterday")) == WF_HTTP_PROCEED);
    CHECK(GET(.if_modified_since = piece("")) == WF_HTTP_PROCEED);
    CHECK(PUT(.if_unmodified_since = piece("0")) == WF_HTTP_PROCEED);
    wf_http_current current = file();
    current.has_mtime = false;
    wf_http_conditions c = {.if_modified_since = piece(AFTER),
                            .if_unmodified_since = piece(BEFORE)};
    CHECK(wf_http_judge(&c, WEFT_HTTP_GET, &current, NOW) == WF_HTTP_PROCEED);
}

static void a_broken_list_of_tags_takes_the_safe_side(void)
{
    static const char *const rows[] = {
        "",
        " ",
        ",",
        "abc",
        "\"abc",
        "abc\"",
        "\"a\"b\"",
        "\"x\" \"abc\"",
        "* , \"abc\"",
        "**",
        "w/\"abc\"",
        "W\"abc\"",
        "W/abc",
        "W/",
        "W",
        "\"abc\x7f\"",
        "\"a bc\"",
        "'abc'",
        "\"x\";\"abc\"",
        NULL,
    };
    for (size_t i = 0; rows[i] != NULL; i++) {
        if (GET(.if_none_match = piece(rows[i])) != WF_HTTP_PROCEED)
            CHECK_STR(rows[i], "no match");
        if (PUT(.if_match = piece(rows[i])) != WF_HTTP_PRECONDITION_FAILED)
            CHECK_STR(rows[i], "no match");
    }
    /* what stood before the break counts */
    CHECK(GET(.if_none_match = piece("\"abc\", oops")) == WF_HTTP_NOT_MODIFIED);
}

static void what_does_not_exist_matches_nothing(void)
{
    wf_http_current none = {.exists = false};
    CHECK(wf_http_judge(&(wf_http_conditions){.if_match = piece("*")}, WEFT_HTTP_PUT, &none, NOW) ==
          WF_HTTP_PRECONDITION_FAILED);
    CHECK(wf_http_judge(&(wf_http_conditions){.if_none_match = piece("*")}, WEFT_HTTP_PUT, &none,
                        NOW) == WF_HTTP_PROCEED);
    CHECK(wf_http_judge(&(wf_http_conditions){.if_match = piece("\"abc\"")}, WEFT_HTTP_PUT, &none,
                        NOW) == WF_HTTP_PRECONDITION_FAILED);
    CHECK(wf_http_judge(&(wf_http_conditions){.if_unmodified_since = piece(BEFORE)}, WEFT_HTTP_PUT,
                        &none, NOW) == WF_HTTP_PROCEED);
    /* there, but without a tag */
    wf_http_current untagged = {.exists = true};
    CHECK(wf_http_judge(&(wf_http_conditions){.if_match = piece("\"\"")}, WEFT_HTTP_PUT, &untagged,
                        NOW) == WF_HTTP_PRECONDITION_FAILED);
}

static bool ranged(const char *if_range)
{
    wf_http_current current = file();
    return wf_http_if_range(piece(if_range), &current, NOW);
}

static void a_range_is_of_what_the_client_has_or_is_none(void)
{
    CHECK(ranged(NULL));
    CHECK(ranged("\"abc\""));
    CHECK(ranged(AT));
    CHECK(!ranged("\"x\""));
    CHECK(!ranged("W/\"abc\""));
    CHECK(!ranged("\"abc\", \"x\""));
    CHECK(!ranged("*"));
    CHECK(!ranged(BEFORE));
    CHECK(!ranged(AFTER));
    CHECK(!ranged("tomorrow"));
    CHECK(!ranged(""));
}

static void a_date_of_this_second_is_no_strong_validator(void)
{
    wf_http_current current = file();
    CHECK(!wf_http_if_range(piece(AT), &current, MTIME));
    CHECK(wf_http_if_range(piece(AT), &current, MTIME + 1));
    wf_http_current weak = file(), none = {.exists = false};
    CHECK(!wf_http_if_range(piece(AT), &none, NOW));
    weak.etag = piece("W/\"abc\"");
    CHECK(!wf_http_if_range(piece("W/\"abc\""), &weak, NOW));
}

/* The table of RFC 9110 8.8.3.2. */
static void tags_compare_as_the_standard_shows(void)
{
    weft_http_text w1 = piece("W/\"1\""), w2 = piece("W/\"2\""), s1 = piece("\"1\"");
    CHECK(!wf_http_etag_equal_strong(w1, w1) && wf_http_etag_equal_weak(w1, w1));
    CHECK(!wf_http_etag_equal_strong(w1, w2) && !wf_http_etag_equal_weak(w1, w2));
    CHECK(!wf_http_etag_equal_strong(w1, s1) && wf_http_etag_equal_weak(w1, s1));
    CHECK(wf_http_etag_equal_strong(s1, s1) && wf_http_etag_equal_weak(s1, s1));
    CHECK(!wf_http_etag_equal_weak(piece(NULL), piece(NULL)));
}

static void a_files_tag_changes_with_all_that_it_is_made_of(void)
{
    char a[WF_HTTP_ETAG_BYTES_MAX], b[WF_HTTP_ETAG_BYTES_MAX];
    size_t n = wf_http_etag_format(a, 1, 2, 3, false);
    CHECK(a[0] == '"' && a[n - 1] == '"');
    CHECK_U64(wf_http_etag_format(b, 1, 2, 3, false), n);
    CHECK_MEM(a, n, b, n);
    static const uint64_t others[][3] = {{2, 2, 3}, {1, 3, 3}, {1, 2, 4}, {3, 2, 1}, {2, 2, 2}};
    for (size_t i = 0; i < 5; i++) {
        size_t m = wf_http_etag_format(b, others[i][0], others[i][1], others[i][2], false);
        CHECK(!wf_http_etag_equal_weak((weft_http_text){a, (uint32_t)n},
                                       (weft_http_text){b, (uint32_t)m}));
    }
    size_t m = wf_http_etag_format(b, 1, 2, 3, true);
    CHECK(!wf_http_etag_equal_strong((weft_http_text){a, (uint32_t)n},
                                     (weft_http_text){b, (uint32_t)m}));
    CHECK(wf_http_etag_equal_weak((weft_http_text){a, (uint32_t)n},
                                  (weft_http_text){b, (uint32_t)m}));
}

static void the_longest_tag_fits_and_the_shortest_is_one(void)
{
    char tag[WF_HTTP_ETAG_BYTES_MAX];
    CHECK(wf_http_etag_format(tag, UINT64_MAX, UINT64_MAX, UINT64_MAX, true) <=
          WF_HTTP_ETAG_BYTES_MAX);
    size_t n = wf_http_etag_format(tag, 0, 0, 0, false);
    CHECK_MEM(tag, n, "\"0-0\"", 5);
    n = wf_http_etag_format(tag, 0, 0x10, 0, false);
    CHECK_MEM(tag, n, "\"10-0\"", 6);
}

static const test_case cases[] = {
    TEST(without_conditions_all_proceeds),
    TEST(what_the_client_has_is_not_sent_again),
    TEST(what_is_there_is_not_made_again),
    TEST(what_has_changed_is_not_overwritten),
    TEST(dates_count_where_tags_do_not),
    TEST(the_order_of_the_standard_is_kept),
    TEST(a_date_that_is_none_is_no_condition),
    TEST(a_broken_list_of_tags_takes_the_safe_side),
    TEST(what_does_not_exist_matches_nothing),
    TEST(a_range_is_of_what_the_client_has_or_is_none),
    TEST(a_date_of_this_second_is_no_strong_validator),
    TEST(tags_compare_as_the_standard_shows),
    TEST(a_files_tag_changes_with_all_that_it_is_made_of),
    TEST(the_longest_tag_fits_and_the_shortest_is_one),
    {0},
};

const test_suite http_conditional_suite = {.name = "protocols/http_conditional", .cases = cases};
