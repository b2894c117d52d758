/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include <stdlib.h>

#include "http_route.h"

static const char *const site[] = {
    "GET /",                   /* 0 */
    "GET /hello/:name",        /* 1 */
    "GET /hello/world",        /* 2 */
    "GET /files/*",            /* 3 */
    "POST /upload",            /* 4 */
    "/any-method",             /* 5 */
    "GET /users/:id/posts/:p", /* 6 */
    "POST /hello/:who",        /* 7 */
    "GET /files/index",        /* 8 */
    "PUT /hello/world",        /* 9 */
    "GET /docs/",              /* 10 */
    "DELETE /any-method",      /* 11 */
    "GET /users/:id/*",        /* 12 */
    "GET /a%20b/\xc3\xbc",     /* 13 */
    "POST /upload/:part",      /* 14 */
};

static wf_http_routes *compiled(const char *const *rows, size_t n)
{
    wf_http_routes *routes = NULL;
    weft_why why = {""};
    CHECK_OK(wf_http_routes_compile(rows, n, &routes, &why));
    CHECK_STR(why.text, "");
    return routes;
}

/* Where a request goes, as text: "1 name=you", "404" or "405 GET, HEAD". */
static const char *went(const wf_http_routes *routes, weft_http_method method, const char *path)
{
    static page p;
    wf_http_match m;
    wf_http_writer *w = page_open(&p);
    switch (wf_http_route_match(routes, method, piece(path), &m)) {
    case WF_HTTP_ROUTE_NO_PATH:
        return "404";
    case WF_HTTP_ROUTE_NO_METHOD:
        wf_http_put_str(w, "405 ");
        wf_http_put_allow(w, m.allow);
        return page_text(&p);
    case WF_HTTP_ROUTE_FOUND:
        break;
    }
    wf_http_put_u64(w, m.row);
    for (uint32_t i = 0; i < m.params_n; i++) {
        wf_http_put_char(w, ' ');
        wf_http_put(w, m.params[i].name.at, m.params[i].name.bytes);
        wf_http_put_char(w, '=');
        wf_http_put(w, m.params[i].value.at, m.params[i].value.bytes);
    }
    return page_text(&p);
}

static wf_http_routes *the_site;

static void open_site(void)
{
    the_site = compiled(site, sizeof site / sizeof site[0]);
}

static void close_site(void)
{
    wf_http_routes_free(&the_site);
    CHECK(the_site == NULL);
    wf_http_routes_free(&the_site);
    wf_http_routes_free(NULL);
}

#define GET(path) went(the_site, WEFT_HTTP_GET, path)

static void a_path_finds_its_row_and_its_parameters(void)
{
    CHECK_STR(GET("/"), "0");
    CHECK_STR(GET("/hello/you"), "1 name=you");
    CHECK_STR(GET("/users/7/posts/x%2Fy"), "6 id=7 p=x%2Fy");
    CHECK_STR(GET("/docs/"), "10");
    CHECK_STR(went(the_site, WEFT_HTTP_POST, "/upload"), "4");
    CHECK_STR(went(the_site, WEFT_HTTP_POST, "/upload/2"), "14 part=2");
}

static void the_most_specific_row_wins(void)
{
    CHECK_STR(GET("/hello/world"), "2");
    CHECK_STR(GET("/hello/worlds"), "1 name=worlds");
    CHECK_STR(GET("/files/index"), "8");
    CHECK_STR(GET("/files/index/a"), "3 *=index/a");
    CHECK_STR(GET("/users/7/posts/1"), "6 id=7 p=1");
    CHECK_STR(GET("/users/7/posts/1/2"), "12 id=7 *=posts/1/2");
    CHECK_STR(GET("/users/7/post"), "12 id=7 *=post");
}

static void the_rest_is_all_that_follows_also_nothing(void)
{
    CHECK_STR(GET("/files/a/b//c"), "3 *=a/b//c");
    CHECK_STR(GET("/files/"), "3 *=");
    CHECK_STR(GET("/files"), "3 *=");
    CHECK_STR(GET("/files//etc/passwd"), "3 *=/etc/passwd");
    CHECK_STR(GET("/users/7"), "12 id=7 *=");
    CHECK_STR(GET("/filesystem"), "404");
}

static void a_row_that_lacks_the_method_lets_the_next_one_try(void)
{
    CHECK_STR(went(the_site, WEFT_HTTP_POST, "/hello/world"), "7 who=world");
    CHECK_STR(went(the_site, WEFT_HTTP_PUT, "/hello/world"), "9");
    CHECK_STR(went(the_site, WEFT_HTTP_PUT, "/hello/you"), "405 GET, HEAD, POST");
}

static void any_method_means_any_but_a_named_one_wins(void)
{
    CHECK_STR(GET("/any-method"), "5");
    CHECK_STR(went(the_site, WEFT_HTTP_OTHER, "/any-method"), "5");
    CHECK_STR(went(the_site, WEFT_HTTP_HEAD, "/any-method"), "5");
    CHECK_STR(went(the_site, WEFT_HTTP_DELETE, "/any-method"), "11");
    CHECK_STR(went(the_site, (weft_http_method)77, "/any-method"), "5");
}

static void head_is_served_by_get(void)
{
    static const char *const rows[] = {"GET /a", "/a", "HEAD /b", "GET /b"};
    wf_http_routes *routes = compiled(rows, 4);
    CHECK_STR(went(the_site, WEFT_HTTP_HEAD, "/hello/you"), "1 name=you");
    CHECK_STR(went(the_site, WEFT_HTTP_HEAD, "/upload"), "405 POST");
    CHECK_STR(went(routes, WEFT_HTTP_HEAD, "/a"), "0");
    CHECK_STR(went(routes, WEFT_HTTP_HEAD, "/b"), "2");
    wf_http_routes_free(&routes);
}

static void the_wrong_method_is_told_the_right_ones(void)
{
    CHECK_STR(went(the_site, WEFT_HTTP_POST, "/"), "405 GET, HEAD");
    CHECK_STR(went(the_site, WEFT_HTTP_OTHER, "/upload"), "405 POST");
    CHECK_STR(went(the_site, WEFT_HTTP_DELETE, "/hello/world"), "405 GET, HEAD, POST, PUT");
    page p;
    wf_http_put_allow(page_open(&p), wf_http_route_allow(the_site, piece("/hello/world")));
    CHECK_STR(page_text(&p), "GET, HEAD, POST, PUT");
    wf_http_put_allow(page_open(&p), wf_http_route_allow(the_site, piece("/any-method")));
    CHECK_STR(page_text(&p), "GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH");
    CHECK_U64(wf_http_route_allow(the_site, piece("/nowhere")), 0);
}

static void what_has_no_row_is_not_found(void)
{
    static const char *const rows[] = {
        "",
        "*",
        "hello/you",
        "/hello",
        "/hello/",
        "/hello/you/",
        "/hello/you/x",
        "/HELLO/you",
        "/docs",
        "//",
        "//hello/you",
        "/hello//you",
        "/upload/",
        "/users//posts/1",
        "/./",
        "/%",
        "/hello%2fyou",
        "/%00",
        "/any-method%00",
        NULL,
    };
    for (size_t i = 0; rows[i] != NULL; i++)
        if (strcmp(GET(rows[i]), "404") != 0)
            CHECK_STR(rows[i], "not found");
    CHECK_STR(GET(NULL), "404");
}

/* @start, and @part behind it @times times. */
static void repeat(char *out, const char *start, const char *part, size_t times)
{
    out = stpcpy(out, start);
    for (size_t i = 0; i < times; i++)
        out = stpcpy(out, part);
}

static void an_escaped_literal_is_the_same_literal(void)
{
    CHECK_STR(GET("/%68ello/you"), "1 name=you");
    CHECK_STR(GET("/hello/w%6Frld"), "2");
    CHECK_STR(GET("/hello/w%6rld"), "1 name=w%6rld");
    CHECK_STR(GET("/a%20b/%C3%BC"), "13");
    CHECK_STR(GET("/a%20b/\xc3\xbc"), "13");
    /* what decodes to more than any label can be is no label */
    char path[2000];
    repeat(path, "/hello/", "%61", 300);
    CHECK(strncmp(GET(path), "1 name=%61", 10) == 0);
}

static void a_parameter_is_decoded_on_demand(void)
{
    wf_http_match m;
    char out[16];
    size_t n = 0;
    REQUIRE(wf_http_route_match(the_site, WEFT_HTTP_GET, piece("/users/a%2f%2e%2e+/posts/%00"),
                                &m) == WF_HTTP_ROUTE_FOUND);
    CHECK_OK(wf_http_match_param_decode(&m, "id", out, sizeof out, &n));
    CHECK_STR(out, "a/..+");
    CHECK_U64(n, 5);
    CHECK_ERR(wf_http_match_param_decode(&m, "p", out, sizeof out, &n), WEFT_EINVAL);
    CHECK_ERR(wf_http_match_param_decode(&m, "id", out, 3, &n), WEFT_ETOOBIG);
    CHECK_ERR(wf_http_match_param_decode(&m, "nobody", out, sizeof out, &n), WEFT_ENOTFOUND);
    CHECK(wf_http_match_param(&m, "i").at == NULL);
    CHECK_U64(wf_http_match_param(&m, "id").bytes, 11);
}

static void a_row_that_is_wrong_is_named(void)
{
    static const struct {
        const char *row;
        weft_err err;
        const char *says;
    } rows[] = {
        {"", WEFT_EINVAL, "expected a path"},
        {"GET", WEFT_EINVAL, "expected a path"},
        {"GET ", WEFT_EINVAL, "does not start with '/'"},
        {"GET hello", WEFT_EINVAL, "does not start with '/'"},
        {"hello", WEFT_EINVAL, "expected a path"},
        {"BREW /pot", WEFT_EINVAL, "expected a path, or a method"},
        {"get /x", WEFT_EINVAL, "expected a path, or a method"},
        {" /x", WEFT_EINVAL, "expected a path"},
        {"*", WEFT_EINVAL, "expected a path"},
        {"/a//b", WEFT_EINVAL, "an empty segment"},
        {"/:", WEFT_EINVAL, "a parameter's name"},
        {"/:/a", WEFT_EINVAL, "a parameter's name"},
        {"/:a-b", WEFT_EINVAL, "a parameter's name"},
        {"/:9a", WEFT_EINVAL, "a parameter's name"},
        {"/:a/:a", WEFT_EINVAL, "two parameters are named \"a\""},
        {"/*/a", WEFT_EINVAL, "must be the whole last segment"},
        {"/a*", WEFT_EINVAL, "must be the whole last segment"},
        {"/**", WEFT_EINVAL, "must be the whole last segment"},
        {"/a/*/", WEFT_EINVAL, "must be the whole last segment"},
        {"/a b", WEFT_EINVAL, "the byte 0x20"},
        {"/a?b", WEFT_EINVAL, "the byte 0x3f"},
        {"/a#b", WEFT_EINVAL, "the byte 0x23"},
        {"/a%2fb", WEFT_EINVAL, "the byte 0x2f"},
        {"/a%00", WEFT_EINVAL, "the byte 0x00"},
        {"/a%4", WEFT_EINVAL, "without two digits"},
        {"/a/../b", WEFT_EINVAL, "are no segments"},
        {"/.", WEFT_EINVAL, "are no segments"},
        {"/%2e%2e/b", WEFT_EINVAL, "are no segments"},
        {"/:a/:b/:c/:d/:e/:f/:g/:h/:i", WEFT_ELIMIT, "more than 8 parameters"},
        {"/:a/:b/:c/:d/:e/:f/:g/:h/*", WEFT_ELIMIT, "more than 8 parameters"},
        {NULL, WEFT_OK, NULL},
    };
    for (size_t i = 0; rows[i].row != NULL; i++) {
        const char *const table[] = {"GET /fine", rows[i].row, "GET /also/:fine"};
        wf_http_routes *routes = NULL;
        weft_why why = {""};
        CHECK_ERR(wf_http_routes_compile(table, 3, &routes, &why), rows[i].err);
        CHECK(routes == NULL);
        CHECK(strstr(why.text, rows[i].row) != NULL);
        if (strstr(why.text, rows[i].says) == NULL)
            CHECK_STR(why.text, rows[i].says);
        CHECK_ERR(wf_http_routes_compile(table, 3, &routes, NULL), rows[i].err);
    }
}

static void rows_that_take_the_same_requests_are_named(void)
{
    static const char *const pairs[][2] = {
        {"GET /a", "GET /a"},       {"/a", "/a"},
        {"GET /a/:x", "GET /a/:y"}, {"GET /*", "GET /*"},
        {"GET /ab", "GET /a%62"},   {"PUT /:a/b/:c", "PUT /:c/b/:d"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        wf_http_routes *routes = NULL;
        weft_why why = {""};
        CHECK_ERR(wf_http_routes_compile(pairs[i], 2, &routes, &why), WEFT_EEXISTS);
        char want[WEFT_WHY_BYTES];
        (void)snprintf(want, sizeof want, "route \"%s\": takes the same requests as \"%s\"",
                       pairs[i][1], pairs[i][0]);
        CHECK_STR(why.text, want);
    }
}

static void limits_are_met_and_not_crossed(void)
{
    char row[1024], longer[1024];
    wf_http_routes *routes;
    const char *const rows[] = {row}, *const longer_rows[] = {longer};

    repeat(row, "", "/s", WF_HTTP_ROUTE_SEGMENTS_MAX);
    repeat(longer, "", "/s", WF_HTTP_ROUTE_SEGMENTS_MAX + 1);
    routes = compiled(rows, 1);
    CHECK_STR(went(routes, WEFT_HTTP_GET, row), "0");
    CHECK_STR(went(routes, WEFT_HTTP_GET, longer), "404");
    wf_http_routes_free(&routes);
    CHECK_ERR(wf_http_routes_compile(longer_rows, 1, &routes, NULL), WEFT_ELIMIT);

    repeat(row, "/", "l", WF_HTTP_ROUTE_LITERAL_BYTES_MAX);
    repeat(longer, "/", "l", WF_HTTP_ROUTE_LITERAL_BYTES_MAX + 1);
    routes = compiled(rows, 1);
    CHECK_STR(went(routes, WEFT_HTTP_GET, row), "0");
    CHECK_STR(went(routes, WEFT_HTTP_GET, longer), "404");
    wf_http_routes_free(&routes);
    CHECK_ERR(wf_http_routes_compile(longer_rows, 1, &routes, NULL), WEFT_ELIMIT);
    CHECK_ERR(wf_http_routes_compile(rows, WF_HTTP_ROUTES_MAX + 1, &routes, NULL), WEFT_ELIMIT);
}

static void eight_parameters_are_kept_apart(void)
{
    static const char *const rows[] = {"/:a/:b/:c/:d/:e/:f/:g/*", "/:h/:i/:j/:k/:l/:m/:n/:o"};
    wf_http_routes *routes = compiled(rows, 2);
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/1/2/3/4/5/6/7/8"), "1 h=1 i=2 j=3 k=4 l=5 m=6 n=7 o=8");
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/1/2/3/4/5/6/7/8/9"),
              "0 a=1 b=2 c=3 d=4 e=5 f=6 g=7 *=8/9");
    wf_http_routes_free(&routes);
}

/* Literals that lead astray at every step: each node is still entered once. */
static void going_back_finds_the_parameters_of_the_way_taken(void)
{
    static const char *const rows[] = {"/a/a/a/x", "/a/:p/a/y", "/:p/a/a/z", "/a/a/*",
                                       "/:p/:q/:r/w"};
    wf_http_routes *routes = compiled(rows, 5);
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/a/a/a/x"), "0");
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/a/a/a/y"), "3 *=a/y");
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/a/b/a/y"), "1 p=b");
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/b/a/a/z"), "2 p=b");
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/a/b/a/w"), "4 p=a q=b r=a");
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/a/b/a/v"), "404");
    wf_http_routes_free(&routes);
}

static void a_large_table_finds_every_row(void)
{
    enum { ROWS = 1000 };
    static char text[ROWS][40];
    const char *rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(text[i], sizeof text[i], "GET /api/v%d/thing%d/:id", i % 7, i);
        rows[i] = text[i];
    }
    wf_http_routes *routes = compiled(rows, ROWS);
    for (int i = 0; i < ROWS; i++) {
        char path[40], want[40];
        (void)snprintf(path, sizeof path, "/api/v%d/thing%d/%d", i % 7, i, i);
        (void)snprintf(want, sizeof want, "%d id=%d", i, i);
        CHECK_STR(went(routes, WEFT_HTTP_GET, path), want);
        (void)snprintf(path, sizeof path, "/api/v%d/thing%d/1", (i + 1) % 7, i);
        CHECK_STR(went(routes, WEFT_HTTP_GET, path), "404");
    }
    wf_http_routes_free(&routes);
}

static void a_table_of_nothing_finds_nothing(void)
{
    wf_http_routes *routes = compiled(NULL, 0);
    CHECK_STR(went(routes, WEFT_HTTP_GET, "/"), "404");
    wf_http_routes_free(&routes);
}

static const test_case cases[] = {
    TEST(a_path_finds_its_row_and_its_parameters),
    TEST(the_most_specific_row_wins),
    TEST(the_rest_is_all_that_follows_also_nothing),
    TEST(a_row_that_lacks_the_method_lets_the_next_one_try),
    TEST(any_method_means_any_but_a_named_one_wins),
    TEST(head_is_served_by_get),
    TEST(the_wrong_method_is_told_the_right_ones),
    TEST(what_has_no_row_is_not_found),
    TEST(an_escaped_literal_is_the_same_literal),
    TEST(a_parameter_is_decoded_on_demand),
    TEST(a_row_that_is_wrong_is_named),
    TEST(rows_that_take_the_same_requests_are_named),
    TEST(limits_are_met_and_not_crossed),
    TEST(eight_parameters_are_kept_apart),
    TEST(going_back_finds_the_parameters_of_the_way_taken),
    TEST(a_large_table_finds_every_row),
    TEST(a_table_of_nothing_finds_nothing),
    {0},
};

const test_suite http_route_suite = {
    .name = "protocols/http_route", .before = open_site, .after = close_site, .cases = cases};
