/* SPDX-License-Identifier: MIT */
/* Rows that send elsewhere: redirects and rewrites, their targets, their limits. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#include "http_move.h"

/* ---- targets */

static const struct {
    const char *route, *target;
    bool rewrite;
    weft_err err;
} targets[] = {
    {"/old", "/new", false, WEFT_OK},
    {"/old/*", "/new/*", true, WEFT_OK},
    {"/u/:id/x", "https://example.org/:id?x=:id#top", false, WEFT_OK},
    {"/u/:id", "https://example.org:8080/u/:id", false, WEFT_OK},
    {"/u/:id", "http://example.org", false, WEFT_OK},
    {"/u/:id", "/a:b/c", false, WEFT_OK},
    {"/u/:id", "new", false, WEFT_EINVAL},
    {"/u/:id", "", false, WEFT_EINVAL},
    {"/u/:id", "//example.org/", false, WEFT_EINVAL},
    {"/u/:id", "ftp://example.org/", false, WEFT_EINVAL},
    {"/u/:id", "https://", false, WEFT_EINVAL},
    {"/u/:id", "https:///:id", false, WEFT_EINVAL},
    {"/u/:id", "https://:id/", false, WEFT_EINVAL},
    {"/u/*", "https://example.org*", false, WEFT_EINVAL},
    {"/u/:id", "/x/:other", false, WEFT_EINVAL},
    {"/u/:id", "/x/*", false, WEFT_EINVAL},
    {"/u/:id", "/a b", false, WEFT_EINVAL},
    {"/u/:id", "/a\r\nX: y", false, WEFT_EINVAL},
    {"/u/:id", "/\\example.org", false, WEFT_EINVAL},
    {"/u/:id", "/\xc3\xa4", false, WEFT_EINVAL},
    {"/u/:id", "https://example.org/", true, WEFT_EINVAL},
    {"/u/:id", "/x#top", true, WEFT_EINVAL},
};

static void a_target_that_cannot_be_one_is_refused(void)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        weft_why why = {""};
        weft_err err =
            wf_http_move_check(targets[i].route, targets[i].target, targets[i].rewrite, &why);
        CHECK_ERR(err, targets[i].err);
        CHECK(err == WEFT_OK || strstr(why.text, targets[i].route) != NULL);
    }
}

static const struct {
    const char *route, *path, *query, *target, *expected;
} filled[] = {
    {"/old", "/old", NULL, "/new", "/new"},
    {"/old", "/old", "a=b", "/new", "/new?a=b"},
    {"/old", "/old", "", "/new", "/new?"},
    {"/old", "/old", "a=b", "/new?x", "/new?x"},
    {"/old", "/old", "a=b", "/new#x", "/new#x"},
    {"/old/*", "/old/a/b%20c", NULL, "/new/*", "/new/a/b%20c"},
    {"/old/*", "/old", NULL, "/new/*", "/new/"},
    {"/:a/:b", "/1/2", NULL, "/:b/:a/:a", "/2/1/1"},
    {"/:id", "/7", NULL, "https://x:80/:id/:80", "https://x:80/7/:80"},
    {"/:id", "/a&b=c+d;e%26", NULL, "/find?q=:id", "/find?q=a%26b%3Dc%2Bd%3Be%26"},
    /* nothing that is asked for names a host */
    {"/*", "//evil.org", NULL, "/*", "/evil.org"},
    {"/*", "///\\evil.org", NULL, "/*", "/evil.org"},
    {"/go/*", "/go", NULL, "/*/evil.org", "/evil.org"},
    {"/go/*", "/go//", NULL, "/*/evil.org", "/evil.org"},
};

static void a_target_is_filled_in_from_the_route(void)
{
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++) {
        char text[128];
        wf_http_match match;
        wf_http_routes *routes = NULL;
        weft_why why = {""};
        const char *query = filled[i].query;
        weft_http_text q = {query, query != NULL ? (uint32_t)strlen(query) : 0};
        REQUIRE(wf_http_routes_compile(&filled[i].route, 1, &routes, &why) == WEFT_OK);
        weft_http_text path = {filled[i].path, (uint32_t)strlen(filled[i].path)};
        REQUIRE(wf_http_route_match(routes, WEFT_HTTP_GET, path, &match) == WF_HTTP_ROUTE_FOUND);
        wf_http_writer w = wf_http_writer_over(text, sizeof text - 1);
        wf_http_put_moved(&w, filled[i].target, &match, q);
        text[w.n] = '\0';
        CHECK_OK(w.err);
        CHECK_STR(text, filled[i].expected);
        wf_http_routes_free(&routes);
    }
}

static void a_row_that_moves_is_checked_whole(void)
{
    static const weft_http_guard guard = {.auth_name = "a"};
    const weft_http_route bad[] = {
        {.route = "/a", .redirect = "/b", .rewrite = "/b"},
        {.route = "/a", .redirect = "/b", .redirect_status = 200},
        {.route = "/a", .redirect = "/b", .redirect_status = 304},
        {.route = "/a", .rewrite = "/b", .redirect_status = 301},
        {.route = "/a", .rewrite = "/b", .guard = &guard},
        {.route = "/a", .redirect = "/b", .stream = true},
        {.route = "/a", .rewrite = "b"},
    };
    weft_why why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERR(weft_http_check((const weft_http_route[]){bad[i], {0}}, &why), WEFT_EINVAL);
    static const int good[] = {0, 301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_OK(weft_http_check(
            (const weft_http_route[]){
                {.route = "/a", .redirect = "/b", .redirect_status = good[i], .guard = &guard},
                {0}},
            &why));
}

/* ---- a site */

static weft_err tell(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    const char *a = weft_http_query(msg, "a");
    (void)self;
    return weft_http_text(msg, 200, "%.*s of %.*s page=%s a=%s body=%zu", (int)r->path.bytes,
                          r->path.at, (int)r->target.bytes, r->target.at,
                          weft_http_param(msg, "page"), a != NULL ? a : "(none)", r->body.size);
}

static weft_msg *kept;

static weft_err keep(weft_actor *self, weft_msg *msg)
{
    (void)self;
    kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err release(weft_actor *self, weft_msg *msg)
{
    CHECK_OK(tell(self, kept));
    weft_drop(&kept);
    return weft_http_text(msg, 200, "released");
}

static weft_http_guard guard = {.realm = "shop"};
static const weft_http_route routes[] = {
    {.route = "GET /old/*", .redirect = "/new/*", .redirect_status = 301},
    {.route = "/away", .redirect = "https://example.org/"},
    {.route = "/pages/:page", .handler = tell},
    {.route = "/blog/:page", .rewrite = "/pages/:page"},
    {.route = "/b/*", .rewrite = "/blog/*?a=b"},
    {.route = "/circle/*", .rewrite = "/circle/*"},
    {.route = "/grow/*", .rewrite = "/grow/aaaaaaaaaa/*"},
    {.route = "/nowhere", .rewrite = "/neither"},
    {.route = "/open", .rewrite = "/shut"},
    {.route = "/shut", .handler = tell, .guard = &guard},
    {.route = "/guarded", .redirect = "/secret", .guard = &guard},
    {.route = "/kept/:page", .handler = keep},
    {.route = "/release", .handler = release},
    {.route = "/later/:page", .rewrite = "/kept/:page?a=later"},
    {0},
};

static weft_sim *sim;
static weft_sim_peer *client;

static void begin(const weft_http_limits *limits)
{
    static weft_http_site_config site;
    static const weft_auth_source source = {
        .kind = WEFT_AUTH_FROM_MEMORY, .user = "ann", .password = "x"};
    static const weft_auth_config auth = {.sources = &source, .count = 1};
    site = (weft_http_site_config){.routes = routes};
    if (limits != NULL)
        site.limits = *limits;
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    guard.auth = weft_sim_spawn(sim, &weft_auth, &auth);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_server, &site));
    client = weft_sim_connect(sim, "sim://web");
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static bool says(const char *request, const char *expected)
{
    char text[512];
    size_t before = client->got_bytes;
    (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: web\r\n\r\n", request);
    weft_sim_peer_say(client, text);
    (void)weft_sim_settle(sim, 1000);
    bool there = strstr(client->got + before, expected) != NULL;
    if (!there)
        (void)fprintf(stderr, "  %s: not \"%s\" in: %s\n", request, expected, client->got + before);
    return there;
}

static void a_redirect_says_where_it_has_gone(void)
{
    begin(NULL);
    CHECK(says("GET /old/a/b?x=y", "HTTP/1.1 301 "));
    CHECK(says("GET /old/a/b?x=y", "\r\nLocation: /new/a/b?x=y\r\n"));
    CHECK(says("HEAD /old/a", "\r\nLocation: /new/a\r\n"));
    CHECK(says("POST /old/a", "HTTP/1.1 405 "));
    CHECK(says("DELETE /away", "HTTP/1.1 302 "));
    CHECK(says("DELETE /away", "\r\nLocation: https://example.org/\r\n"));
    finish();
}

static void a_rewrite_is_served_as_another_path(void)
{
    begin(NULL);
    CHECK(says("GET /blog/one?a=1", "\r\n\r\n/pages/one of /blog/one?a=1 page=one a=1 body=0"));
    CHECK(says("GET /b/two?a=1", "\r\n\r\n/pages/two of /b/two?a=1 page=two a=b body=0"));
    CHECK(says("GET /nowhere", "HTTP/1.1 404 "));
    finish();
}

static void a_rewrite_without_end_ends_at_its_limit(void)
{
    begin(NULL);
    CHECK(says("GET /circle/x", "HTTP/1.1 500 "));
    CHECK(says("GET /pages/still", "\r\n\r\n/pages/still of "));
    finish();
}

static void what_comes_out_too_long_is_414(void)
{
    begin(&(weft_http_limits){.request_line_bytes_max = 64});
    CHECK(says("GET /grow/x", "HTTP/1.1 414 "));
    CHECK(says("GET /old/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "HTTP/1.1 301 "));
    finish();
}

static void the_guard_of_the_other_row_stands_before_a_rewrite(void)
{
    begin(NULL);
    CHECK(says("GET /open", "HTTP/1.1 401 "));
    CHECK(says("GET /guarded", "HTTP/1.1 401 "));
    CHECK(strstr(client->got, "secret") == NULL);
    finish();
}

/* The head's bytes move then, but not the path that was written for it. */
static void a_guard_and_a_rewrite_see_a_path_without_dots(void)
{
    begin(NULL);
    CHECK(says("GET /pages/../guarded", "HTTP/1.1 401 "));
    CHECK(says("GET /pages/%2e%2e/guarded", "HTTP/1.1 401 "));
    CHECK(says("GET /x/../blog/./one?a=1",
               "\r\n\r\n/pages/one of /x/../blog/./one?a=1 page=one a=1 body=0"));
    CHECK(says("GET /blog/..?a=1", "HTTP/1.1 404 "));
    CHECK(says("GET /blog/%2e%2e/%2e%2e/x", "HTTP/1.1 400 "));
    CHECK(says("GET /blog/..%2fx", "HTTP/1.1 400 "));
    CHECK(strstr(client->got, "secret") == NULL);
    finish();
}

static void a_rewritten_request_that_is_kept_has_its_path_still(void)
{
    begin(NULL);
    weft_sim_peer_say(client, "GET /later/p HTTP/1.1\r\nHost: web\r\n\r\n");
    REQUIRE(kept != NULL);
    weft_sim_peer_say(client, "GET /release HTTP/1.1\r\nHost: web\r\n\r\n");
    CHECK(strstr(client->got, "\r\n\r\n/kept/p of /later/p page=p a=later body=0") != NULL);
    finish();
}

static void a_rewritten_request_may_have_a_body(void)
{
    begin(NULL);
    weft_sim_peer_say(client, "POST /blog/x HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\n");
    weft_sim_peer_say(client, "abc");
    CHECK(strstr(client->got, "/pages/x of /blog/x page=x a=(none) body=3") != NULL);
    finish();
}

static void without_memory_a_move_is_503_or_the_connection_ends(void)
{
    unsigned refused = 0;
    for (long i = 2; i < 24; i++) {
        static const char *const requests[] = {"GET /blog/one HTTP/1.1\r\nHost: web\r\n\r\n",
                                               "GET /pages/./x HTTP/1.1\r\nHost: web\r\n\r\n"};
        long nth = i / 2; /* the first is the client's own */
        begin(NULL);
        CHECK(says("GET /pages/first", "HTTP/1.1 200 "));
        size_t before = client->got_bytes;
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, requests[i % 2]);
        (void)weft_sim_settle(sim, 1000);
        wf_alloc_fail_after(-1);
        refused += strncmp(client->got + before, "HTTP/1.1 503 ", 13) == 0;
        CHECK(client->closed || strncmp(client->got + before, "HTTP/1.1 503 ", 13) == 0 ||
              strncmp(client->got + before, "HTTP/1.1 200 ", 13) == 0);
        finish();
    }
    CHECK(refused != 0);
}

static const test_case cases[] = {
    TEST(a_target_that_cannot_be_one_is_refused),
    TEST(a_target_is_filled_in_from_the_route),
    TEST(a_row_that_moves_is_checked_whole),
    TEST(a_redirect_says_where_it_has_gone),
    TEST(a_rewrite_is_served_as_another_path),
    TEST(a_rewrite_without_end_ends_at_its_limit),
    TEST(what_comes_out_too_long_is_414),
    TEST(the_guard_of_the_other_row_stands_before_a_rewrite),
    TEST(a_guard_and_a_rewrite_see_a_path_without_dots),
    TEST(a_rewritten_request_that_is_kept_has_its_path_still),
    TEST(a_rewritten_request_may_have_a_body),
    TEST(without_memory_a_move_is_503_or_the_connection_ends),
    {0},
};
const test_suite http_move_suite = {.name = "protocols/http_move", .cases = cases};
