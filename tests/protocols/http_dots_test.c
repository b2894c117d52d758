/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_dots.h"

/* What @raw becomes, itself if there is nothing to do, or the name of the error. */
static const char *undotted(const char *raw)
{
    static char out[256];
    size_t n = 0;
    if (!wf_http_path_has_dots(piece(raw)))
        return raw;
    REQUIRE(strlen(raw) < sizeof out);
    weft_err err = wf_http_path_undot(piece(raw), out, &n);
    if (err != WEFT_OK)
        return weft_err_name(err);
    CHECK(n >= 1 && n <= strlen(raw));
    out[n] = '\0';
    CHECK(!wf_http_path_has_dots((weft_http_text){out, (uint32_t)n}));
    return out;
}

static void dot_segments_are_taken_out_in_every_spelling(void)
{
    static const char *const rows[][2] = {
        {"/a/./b", "/a/b"},      {"/a/../b", "/b"},     {"/a/%2e%2e/b", "/b"},
        {"/a/.%2E/b", "/b"},     {"/a/%2e./b", "/b"},   {"/a/%2E/b", "/a/b"},
        {"/a/b/../../c", "/c"},  {"/a/b/..", "/a/"},    {"/a/b/.", "/a/b/"},
        {"/a/..", "/"},          {"/.", "/"},           {"/./", "/"},
        {"/a//../b", "/a/b"},    {"/a%2fb/../c", "/c"}, {"/%61/../%62%20", "/%62%20"},
        {"/a/b/../c/", "/a/c/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(undotted(rows[i][0]), rows[i][1]);
}

static void what_has_none_stays_as_it_is(void)
{
    static const char *const rows[] = {
        "/",      "/a.b/c", "/.git/x", "/..a/a..", "/.../x",       "/%252e%252e/x",
        "/a%2fb", "/a\\b",  "/a%",     "/%zz/.a",  "/a;b=../c;..", "/a//b",
        "",       "*"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(undotted(rows[i]), rows[i]);
}

static void what_leads_above_the_root_is_refused(void)
{
    static const char *const rows[] = {"/..",       "/../a", "/a/../../b",
                                       "/%2e%2e/a", "/./..", "/a/%2E%2E/.%2e/"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(undotted(rows[i]), "EINVAL");
}

/* An upstream may decode "%2f", take '\' for '/', or cut "..;x" at the ';'. */
static void dots_that_only_some_would_see_are_refused(void)
{
    static const char *const rows[] = {
        "/a/..%2fb",      "/a/%2e%2e%2Fb", "/a%2f../b",    "/a%2f..",    "/a/..\\b",
        "/a/%2e%2e%5cb",  "/a\\..\\b",     "/a%5C..",      "/a/..;/b",   "/a/..;x=y/b",
        "/a/%2e%2e%3b/b", "/a/.%2fb",      "/a%2f.%2f..b", "/a\\..;x/b",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(undotted(rows[i]), "EINVAL");
}

static const test_case cases[] = {
    TEST(dot_segments_are_taken_out_in_every_spelling),
    TEST(what_has_none_stays_as_it_is),
    TEST(what_leads_above_the_root_is_refused),
    TEST(dots_that_only_some_would_see_are_refused),
    {0},
};
const test_suite http_dots_suite = {.name = "protocols/http_dots", .cases = cases};
