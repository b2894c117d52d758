/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_accept.h"

#define I WF_HTTP_CODING_BIT(WF_HTTP_IDENTITY)
#define G WF_HTTP_CODING_BIT(WF_HTTP_GZIP)
#define B WF_HTTP_CODING_BIT(WF_HTTP_BROTLI)

/* What is answered to @field when @offered is at hand; "none" if nothing may be. */
static const char *chosen(const char *field, unsigned offered)
{
    wf_http_accept accept = {0};
    if (field != NULL)
        wf_http_accept_add(&accept, piece(field));
    switch (wf_http_accept_best(&accept, offered)) {
    case WF_HTTP_IDENTITY:
        return "identity";
    case WF_HTTP_GZIP:
        return "gzip";
    case WF_HTTP_BROTLI:
        return "br";
    default:
        return "none";
    }
}

static void among_equals_the_best_coding_wins(void)
{
    CHECK_STR(chosen("gzip, deflate, br", I | G | B), "br");
    CHECK_STR(chosen("gzip, deflate, br", I | G), "gzip");
    CHECK_STR(chosen("gzip, deflate, br", I), "identity");
    CHECK_STR(chosen("gzip", I | G | B), "gzip");
    CHECK_STR(chosen("*", I | G | B), "br");
}

static void weights_come_first(void)
{
    CHECK_STR(chosen("br;q=0.5, gzip;q=0.8", I | G | B), "gzip");
    CHECK_STR(chosen("br;q=0.001, gzip;q=0", I | G | B), "br");
    CHECK_STR(chosen("gzip;q=0.5, identity", I | G | B), "identity");
    CHECK_STR(chosen("identity;q=0.5, *;q=0.4", I | G | B), "identity");
    CHECK_STR(chosen("*;q=0.9, gzip;q=1.000", I | G | B), "gzip");
    CHECK_STR(chosen("br;q=0.499, gzip;q=0.50", I | G | B), "gzip");
}

static void identity_is_acceptable_unless_it_is_refused(void)
{
    CHECK_STR(chosen(NULL, I | G | B), "identity");
    CHECK_STR(chosen("", I | G | B), "identity");
    CHECK_STR(chosen("deflate", I | G | B), "identity");
    CHECK_STR(chosen("gzip;q=0", I | G), "identity");
    CHECK_STR(chosen("*;q=0", I | G | B), "none");
    CHECK_STR(chosen("identity;q=0", I | G | B), "none");
    CHECK_STR(chosen("*;q=0, identity", I | G | B), "identity");
    CHECK_STR(chosen("*;q=0, gzip;q=0.1", I | G | B), "gzip");
    CHECK_STR(chosen("identity;q=0, *", I | G | B), "br");
    /* said nothing of, it comes after the least of the others */
    CHECK_STR(chosen("gzip;q=0.001", I | G | B), "gzip");
}

static void names_have_no_case_and_gzip_has_two(void)
{
    CHECK_STR(chosen("GZip;Q=1", I | G), "gzip");
    CHECK_STR(chosen("x-gzip", I | G), "gzip");
    CHECK_STR(chosen("gzipp, xgzip, g", I | G), "identity");
}

static void several_lines_are_one_list(void)
{
    wf_http_accept accept = {0};
    wf_http_accept_add(&accept, piece("gzip;q=0.5"));
    wf_http_accept_add(&accept, piece("br;q=0.2,"));
    CHECK(wf_http_accept_best(&accept, I | G | B) == WF_HTTP_GZIP);
    wf_http_accept_add(&accept, piece("gzip;q=0"));
    CHECK(wf_http_accept_best(&accept, I | G | B) == WF_HTTP_BROTLI);
}

static void white_space_and_empty_elements_are_nothing(void)
{
    CHECK_STR(chosen(" ,, gzip \t; q=1 ,\t, ", I | G), "gzip");
    CHECK_STR(chosen(",", I | G), "identity");
}

static void an_element_that_breaks_the_grammar_is_passed_over(void)
{
    static const char *const rows[] = {
        "gzip;q=2",   "gzip;q=1.001", "gzip;q=",       "gzip;q",   "gzip;",      "gzip;x=1",
        "gzip;q=-1",  "gzip;q=.5",    "gzip;q=0.1234", "gzip q=1", "gzip;q=1;x", "gzip/1",
        "gzip;q =1",  "gzip;q= 1",    "\"gzip\"",      ";q=1",     "gzip;q=1 1", "gzip;q=nan",
        "gzip;q=1e0", "(gzip)",       "gzip;;q=1",     NULL,
    };
    for (size_t i = 0; rows[i] != NULL; i++)
        if (strcmp(chosen(rows[i], I | G), "identity") != 0)
            CHECK_STR(rows[i], "passed over");
    CHECK_STR(chosen("gzip;q=9, br, ;;;, =", I | G | B), "br");
}

static bool compresses(const char *type)
{
    return wf_http_type_compresses(piece(type));
}

static void text_is_worth_packing_and_what_is_packed_is_not(void)
{
    CHECK(compresses("text/html; charset=utf-8"));
    CHECK(compresses("TEXT/CSS"));
    CHECK(compresses("application/json"));
    CHECK(compresses("application/problem+json;x=y"));
    CHECK(compresses("image/svg+xml"));
    CHECK(compresses("font/ttf"));
    CHECK(!compresses("image/png"));
    CHECK(!compresses("font/woff2"));
    CHECK(!compresses("application/octet-stream"));
    CHECK(!compresses("text/event-stream"));
    CHECK(!compresses("text/event-stream; charset=utf-8"));
    CHECK(!compresses("application/jsonx"));
    CHECK(!compresses("application/zip; +xml"));
    CHECK(!compresses("text"));
    CHECK(!compresses(""));
    CHECK(!compresses(NULL));
}

static void only_codings_that_are_written_have_a_name(void)
{
    CHECK_STR(wf_http_coding_name(WF_HTTP_BROTLI), "br");
    CHECK_STR(wf_http_coding_name(WF_HTTP_GZIP), "gzip");
    CHECK_STR(wf_http_coding_name(WF_HTTP_IDENTITY), "");
    CHECK_STR(wf_http_coding_name(WF_HTTP_CODING_NONE), "");
}

static const test_case cases[] = {
    TEST(among_equals_the_best_coding_wins),
    TEST(weights_come_first),
    TEST(identity_is_acceptable_unless_it_is_refused),
    TEST(names_have_no_case_and_gzip_has_two),
    TEST(several_lines_are_one_list),
    TEST(white_space_and_empty_elements_are_nothing),
    TEST(an_element_that_breaks_the_grammar_is_passed_over),
    TEST(text_is_worth_packing_and_what_is_packed_is_not),
    TEST(only_codings_that_are_written_have_a_name),
    {0},
};

const test_suite http_accept_suite = {.name = "protocols/http_accept", .cases = cases};
