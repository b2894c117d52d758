/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_path.h"

/* What @raw resolves to, or the name of the error. */
static const char *resolved(const char *raw)
{
    static char out[256];
    wf_http_path path;
    weft_why why = {""};
    weft_err err = wf_http_path_resolve(piece(raw), out, sizeof out, &path, &why);
    if (err != WEFT_OK) {
        CHECK(why.text[0] != '\0');
        return weft_err_name(err);
    }
    CHECK_U64(path.n, strlen(out));
    return out;
}

static wf_http_path facts(const char *raw)
{
    char out[256];
    wf_http_path path = {.n = SIZE_MAX};
    CHECK_OK(wf_http_path_resolve(piece(raw), out, sizeof out, &path, NULL));
    return path;
}

static void every_spelling_of_a_path_is_one_file(void)
{
    CHECK_STR(resolved("/a/b"), "a/b");
    CHECK_STR(resolved("a/b"), "a/b");
    CHECK_STR(resolved("///a///b///"), "a/b");
    CHECK_STR(resolved("/./a/./b/."), "a/b");
    CHECK_STR(resolved("/a/x/../b"), "a/b");
    CHECK_STR(resolved("/a/b/x/.."), "a/b");
    CHECK_STR(resolved("/x/y/../../a/b"), "a/b");
    CHECK_STR(resolved("/%61/%62"), "a/b");
    CHECK_STR(resolved("/a/%2e/x/%2E%2e/b"), "a/b");
    CHECK_STR(resolved("/a/.%2e/a/b"), "a/b");
    CHECK_STR(resolved("/a//../a/b"), "a/b");
}

static void the_root_is_the_empty_path(void)
{
    CHECK_STR(resolved("/"), "");
    CHECK_STR(resolved(""), "");
    CHECK_STR(resolved("//"), "");
    CHECK_STR(resolved("/."), "");
    CHECK_STR(resolved("/a/.."), "");
    CHECK_STR(resolved("/a/b/../.."), "");
    CHECK_STR(resolved("/a/b/../../"), "");
    CHECK_STR(resolved(NULL), "");
    CHECK_U64(facts("/a/..").segments, 0);
}

static void nothing_leads_above_the_root(void)
{
    static const char *const rows[] = {
        "/..",  "..",    "/../etc/passwd", "/a/../../etc", "/%2e%2e/x", "/.%2E/x", "/%2e./x",
        "//..", "/./..", "/a/b/../../..",  "/a//../..",    "/%2e%2e",   NULL,
    };
    for (size_t i = 0; rows[i] != NULL; i++)
        CHECK_STR(resolved(rows[i]), "EDENIED");
}

static void only_dots_alone_are_dots(void)
{
    CHECK_STR(resolved("/..."), "...");
    CHECK_STR(resolved("/..a/a../.b"), "..a/a../.b");
    CHECK_STR(resolved("/.. /x"), ".. /x");
    CHECK_STR(resolved("/%252e%252e/x"), "%2e%2e/x");
    CHECK_STR(resolved("/\xc0\xae\xc0\xae/x"), "\xc0\xae\xc0\xae/x");
    CHECK_STR(resolved("/%c0%ae%c0%ae/x"), "\xc0\xae\xc0\xae/x");
}

static void a_backslash_is_a_byte_of_a_name(void)
{
    CHECK_STR(resolved("/..\\..\\x"), "..\\..\\x");
    CHECK_STR(resolved("/..%5c..%5Cx"), "..\\..\\x");
    CHECK_STR(resolved("/C:/x"), "C:/x");
}

static void an_encoded_slash_is_in_no_file_name(void)
{
    CHECK_STR(resolved("/a%2fb"), "ENOTFOUND");
    CHECK_STR(resolved("/..%2F..%2Fetc"), "ENOTFOUND");
    CHECK_STR(resolved("/%2f"), "ENOTFOUND");
}

static void control_bytes_are_refused_in_any_spelling(void)
{
    CHECK_STR(resolved("/a%00.html"), "EINVAL");
    CHECK_STR(resolved("/a%0d%0aSet-Cookie"), "EINVAL");
    CHECK_STR(resolved("/a\nb"), "EINVAL");
    CHECK_STR(resolved("/a%7f"), "EINVAL");
    CHECK_STR(resolved("/a\x7f"), "EINVAL");
    CHECK_STR(resolved("/%1b"), "EINVAL");
    CHECK_STR(resolved("/a%20b"), "a b");
    char out[8];
    wf_http_path path = {.n = 77};
    CHECK_ERR(wf_http_path_resolve((weft_http_text){"/a\0b", 4}, out, sizeof out, &path, NULL),
              WEFT_EINVAL);
    CHECK_U64(path.n, 77);
}

static void a_percent_needs_two_digits(void)
{
    static const char *const rows[] = {"/%", "/%2", "/%zz", "/%2g", "/%g2", "/a%", "/% 20", NULL};
    for (size_t i = 0; rows[i] != NULL; i++)
        CHECK_STR(resolved(rows[i]), "EINVAL");
    CHECK_STR(resolved("/%25"), "%");
}

static void what_ends_a_path_must_have_been_split_off(void)
{
    CHECK_STR(resolved("/a?b"), "EINVAL");
    CHECK_STR(resolved("/a#b"), "EINVAL");
    CHECK_STR(resolved("/a%3fb%23"), "a?b#");
}

static void a_directory_is_told_by_its_end(void)
{
    CHECK(facts("/").directory);
    CHECK(facts("").directory);
    CHECK(facts("/a/").directory);
    CHECK(facts("/a/.").directory);
    CHECK(facts("/a/b/..").directory);
    CHECK(facts("/a/%2e").directory);
    CHECK(!facts("/a").directory);
    CHECK(!facts("/a/../b").directory);
    CHECK(!facts("/a/...").directory);
    CHECK_U64(facts("/a/b/c/").segments, 3);
    CHECK_U64(facts("/a/b/../c").segments, 2);
}

static void hidden_files_are_told(void)
{
    CHECK(facts("/.git/config").hidden);
    CHECK(facts("/a/.htpasswd").hidden);
    CHECK(facts("/%2egit").hidden);
    CHECK(facts("/.well-known/.git").hidden);
    CHECK(facts("/a/.well-known").hidden);
    CHECK(facts("/.well-known2").hidden);
    CHECK(!facts("/.well-known/acme-challenge/x").hidden);
    CHECK(!facts("/.well-known").hidden);
    CHECK(!facts("/.git/../a").hidden);
    CHECK(!facts("/a.b/c.").hidden);
    CHECK(!facts("/").hidden);
}

static void the_room_is_never_overrun(void)
{
    char out[6];
    wf_http_path path;
    weft_why why;
    /* as much room as bytes and a zero always suffices, and not one less */
    CHECK_OK(wf_http_path_resolve(piece("abcde"), out, 6, &path, &why));
    CHECK_STR(out, "abcde");
    CHECK_ERR(wf_http_path_resolve(piece("abcdef"), out, 6, &path, &why), WEFT_ETOOBIG);
    CHECK_OK(wf_http_path_resolve(piece("ab/c/"), out, 6, &path, &why));
    CHECK_STR(out, "ab/c");
    CHECK_OK(wf_http_path_resolve(piece("//////////"), out, 1, &path, &why));
    CHECK_ERR(wf_http_path_resolve(piece("a"), out, 1, &path, &why), WEFT_ETOOBIG);
    CHECK_ERR(wf_http_path_resolve(piece(""), out, 0, &path, &why), WEFT_ETOOBIG);
}

static void a_target_splits_at_its_first_question_mark(void)
{
    weft_http_text query, path = wf_http_target_split(piece("/a?b=c?d"), &query);
    CHECK_MEM(path.at, path.bytes, "/a", 2);
    CHECK_MEM(query.at, query.bytes, "b=c?d", 5);
    path = wf_http_target_split(piece("/a"), &query);
    CHECK_MEM(path.at, path.bytes, "/a", 2);
    CHECK(query.at == NULL);
    path = wf_http_target_split(piece("/a?"), &query);
    CHECK_U64(path.bytes, 2);
    CHECK(query.at != NULL && query.bytes == 0);
    path = wf_http_target_split(piece(NULL), &query);
    CHECK_U64(path.bytes, 0);
}

static void a_query_is_pairs(void)
{
    weft_http_text query = piece("&&a=1&b&&=2&c=x=y&");
    wf_http_pair pair;
    static const char *const want[][2] = {{"a", "1"}, {"b", ""}, {"", "2"}, {"c", "x=y"}};
    for (size_t i = 0; i < 4; i++) {
        REQUIRE(wf_http_query_next(&query, &pair));
        CHECK_MEM(pair.name.at, pair.name.bytes, want[i][0], strlen(want[i][0]));
        CHECK_MEM(pair.value.at, pair.value.bytes, want[i][1], strlen(want[i][1]));
    }
    CHECK(!wf_http_query_next(&query, &pair));
    CHECK(!wf_http_query_next(&query, &pair));
    query = piece("a=1");
    CHECK(wf_http_query_next(&query, &pair) && pair.value.bytes == 1);
    query = piece(NULL);
    CHECK(!wf_http_query_next(&query, &pair));
}

static void a_value_is_decoded_once_and_whole(void)
{
    char out[16];
    size_t n = 0;
    CHECK_OK(
        wf_http_percent_decode(piece("a+b%2f%2B%25"), WF_HTTP_PLUS_IS_SPACE, out, sizeof out, &n));
    CHECK_STR(out, "a b/+%");
    CHECK_U64(n, 6);
    CHECK_OK(wf_http_percent_decode(piece("a+b"), WF_HTTP_PLUS_IS_PLUS, out, sizeof out, NULL));
    CHECK_STR(out, "a+b");
    CHECK_ERR(wf_http_percent_decode(piece("a%00b"), WF_HTTP_PLUS_IS_PLUS, out, 16, NULL),
              WEFT_EINVAL);
    CHECK_ERR(wf_http_percent_decode(piece("a%4"), WF_HTTP_PLUS_IS_PLUS, out, 16, NULL),
              WEFT_EINVAL);
    CHECK_OK(wf_http_percent_decode(piece("%61%62"), WF_HTTP_PLUS_IS_PLUS, out, 3, NULL));
    CHECK_ERR(wf_http_percent_decode(piece("abc"), WF_HTTP_PLUS_IS_PLUS, out, 3, NULL),
              WEFT_ETOOBIG);
    CHECK_ERR(wf_http_percent_decode(piece(""), WF_HTTP_PLUS_IS_PLUS, out, 0, NULL), WEFT_ETOOBIG);
}

static const test_case cases[] = {
    TEST(every_spelling_of_a_path_is_one_file),
    TEST(the_root_is_the_empty_path),
    TEST(nothing_leads_above_the_root),
    TEST(only_dots_alone_are_dots),
    TEST(a_backslash_is_a_byte_of_a_name),
    TEST(an_encoded_slash_is_in_no_file_name),
    TEST(control_bytes_are_refused_in_any_spelling),
    TEST(a_percent_needs_two_digits),
    TEST(what_ends_a_path_must_have_been_split_off),
    TEST(a_directory_is_told_by_its_end),
    TEST(hidden_files_are_told),
    TEST(the_room_is_never_overrun),
    TEST(a_target_splits_at_its_first_question_mark),
    TEST(a_query_is_pairs),
    TEST(a_value_is_decoded_once_and_whole),
    {0},
};

const test_suite http_path_suite = {.name = "protocols/http_path", .cases = cases};
