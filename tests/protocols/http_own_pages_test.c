/* SPDX-License-Identifier: MIT */
/* A site's own error pages: what they take the place of, and what they leave as it is. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/edge.h>
#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

/* ---- a site */

static weft_err fail_it(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_fail(msg, WEFT_EINTERNAL, "broken");
}

static weft_err own_404(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 404, "a handler's own");
}

static weft_err gone(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_error(msg, 410, "moved away");
}

static weft_err refused_by_another(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_error(msg, 409, "elsewhere");
}

static const weft_handler rows[] = {{.type = &weft_http_request_type, .fn = refused_by_another},
                                    {0}};
static const weft_behaviour another = {.name = "test.another", .handlers = rows, .state_bytes = 8};

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "hello");
}

static weft_http_guard guard = {.realm = "shop"};
static const weft_http_route routes[] = {
    {.route = "GET /fail", .handler = fail_it},
    {.route = "GET /own", .handler = own_404},
    {.route = "GET /gone", .handler = gone},
    {.route = "GET /another", .use = &another},
    {.route = "GET /shut", .handler = hello, .guard = &guard},
    {.route = "GET /*", .handler = hello},
    {0},
};

static bool make_fails;
static size_t make_bytes;
static unsigned made, without_request;

static weft_err make(const weft_http_request *request, int status, const char *detail,
                     weft_bytes *out)
{
    uint8_t *to;
    char text[256];
    made++;
    without_request += request == NULL;
    if (make_fails)
        return WEFT_EINTERNAL;
    size_t n = make_bytes;
    if (n == 0)
        n = (size_t)snprintf(text, sizeof text, "made for %d, %.*s: %s", status,
                             request != NULL ? (int)request->path.bytes : 4,
                             request != NULL ? request->path.at : "none",
                             detail != NULL ? detail : "-");
    weft_err err = weft_bytes_new(n, &to, out);
    if (err == WEFT_OK)
        memset(to, 'x', n);
    if (err == WEFT_OK && make_bytes == 0)
        memcpy(to, text, n);
    return err;
}

static char large[WEFT_HTTP_ERROR_PAGE_BYTES_MAX + 1];
static const weft_http_error_page pages[] = {
    {.status = 405, .page = {"no such way", 11}, .content_type = "text/plain"},
    {.status = 401, .page = {"who are you", 11}},
    {.status = 404, .page = {large, WEFT_HTTP_ERROR_PAGE_BYTES_MAX}},
    {.status = 400, .last = 499, .make = make},
    {.status = 500, .page = {"", 0}},
    {0},
};

static weft_sim *sim;
static weft_sim_peer *client;

static void begin(void)
{
    static const weft_auth_source source = {
        .kind = WEFT_AUTH_FROM_MEMORY, .user = "ann", .password = "x"};
    static const weft_auth_config auth = {.sources = &source, .count = 1};
    static const weft_http_site_config site = {.routes = routes, .error_pages = pages};
    made = without_request = 0;
    make_fails = false;
    make_bytes = 0;
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
        (void)fprintf(stderr, "  %s: not \"%s\" in: %.2000s\n", request, expected,
                      client->got + before);
    return there;
}

/* ---- */

static void an_own_page_changes_neither_status_nor_fields(void)
{
    begin();
    CHECK(says("POST /x", "HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(says("POST /x", "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    CHECK(says("POST /x", "\r\nContent-Type: text/plain\r\n"));
    CHECK(says("POST /x", "\r\n\r\nno such way"));
    CHECK(says("GET /shut", "\r\nWWW-Authenticate: Basic "));
    CHECK(says("GET /shut", "\r\n\r\nwho are you"));
    CHECK(says("GET /x", "\r\n\r\nhello"));
    finish();
}

static void a_page_that_is_made_knows_what_for(void)
{
    begin();
    CHECK(says("GET /gone", "HTTP/1.1 410 "));
    CHECK(says("GET /gone", "\r\n\r\nmade for 410, /gone: moved away"));
    CHECK_U64(made, 2);
    CHECK_U64(without_request, 0);
    weft_sim_peer_say(client, "what\r\n\r\n");
    CHECK(strstr(client->got, "made for 400, none: ") != NULL);
    CHECK_U64(without_request, 1);
    finish();
}

static void who_answers_elsewhere_uses_the_page_of_the_site(void)
{
    begin();
    CHECK(says("GET /another", "\r\n\r\nmade for 409, /another: elsewhere"));
    finish();
}

static void an_answer_of_a_handler_is_its_own(void)
{
    begin();
    CHECK(says("GET /own", "\r\n\r\na handler's own"));
    CHECK_U64(made, 0);
    finish();
}

static void a_page_may_be_empty(void)
{
    begin();
    CHECK(says("GET /fail", "HTTP/1.1 500 "));
    CHECK(says("GET /fail", "\r\nContent-Length: 0\r\n"));
    finish();
}

static void a_page_of_the_largest_size_comes_whole(void)
{
    static const weft_http_route few[] = {{.route = "GET /", .handler = hello}, {0}};
    static const weft_http_site_config site = {.routes = few, .error_pages = pages};
    memset(large, 'y', sizeof large);
    begin();
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://few", &weft_http_server, &site));
    client = weft_sim_connect(sim, "sim://few");
    /* the second waits for its turn behind a full queue */
    CHECK(says("GET /x HTTP/1.1\r\nHost: web\r\n\r\nGET /y", "\r\nContent-Length: 65536\r\n"));
    CHECK(client->got_bytes > 2 * WEFT_HTTP_ERROR_PAGE_BYTES_MAX);
    CHECK(client->got[client->got_bytes - 1] == 'y');
    finish();
}

static void what_cannot_be_made_is_the_standard_page(void)
{
    begin();
    make_fails = true;
    CHECK(says("GET /gone", "<h1>410 Gone</h1>"));
    make_fails = false;
    make_bytes = WEFT_HTTP_ERROR_PAGE_BYTES_MAX + 1;
    CHECK(says("GET /gone", "<h1>410 Gone</h1>"));
    make_bytes = WEFT_HTTP_ERROR_PAGE_BYTES_MAX;
    CHECK(says("GET /gone", "\r\nContent-Length: 65536\r\n"));
    finish();
}

static void pages_that_can_be_none_are_refused(void)
{
    const struct {
        weft_http_error_page page;
        weft_err err;
    } bad[] = {
        {{.status = 200, .page = {"x", 1}}, WEFT_EINVAL},
        {{.status = 600, .page = {"x", 1}}, WEFT_EINVAL},
        {{.status = 500, .last = 400, .page = {"x", 1}}, WEFT_EINVAL},
        {{.status = 500, .last = 600, .page = {"x", 1}}, WEFT_EINVAL},
        {{.status = 404}, WEFT_EINVAL},
        {{.status = 404, .page = {"x", 1}, .make = make}, WEFT_EINVAL},
        {{.status = 404, .page = {"x", 1}, .content_type = "a\r\nb"}, WEFT_EINVAL},
        {{.status = 404, .page = {large, sizeof large}}, WEFT_ETOOBIG},
    };
    weft_why why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const weft_http_error_page list[] = {bad[i].page, {0}};
        CHECK_ERR(weft_http_check_site(
                      &(weft_http_site_config){.routes = routes, .error_pages = list}, &why),
                  bad[i].err);
    }
    static weft_http_error_page many[WEFT_HTTP_ERROR_PAGES_MAX + 2];
    for (unsigned i = 0; i <= WEFT_HTTP_ERROR_PAGES_MAX; i++)
        many[i] = (weft_http_error_page){.status = 404, .page = {"x", 1}};
    const weft_http_site_config site = {.routes = routes, .error_pages = many};
    CHECK_ERR(weft_http_check_site(&site, &why), WEFT_ELIMIT);
    many[WEFT_HTTP_ERROR_PAGES_MAX] = (weft_http_error_page){.status = 0};
    CHECK_OK(weft_http_check_site(&site, &why));
}

static void without_memory_the_status_is_the_same(void)
{
    for (long nth = 1; nth < 12; nth++) { /* the first is the client's own */
        begin();
        CHECK(says("GET /x", "HTTP/1.1 200 "));
        size_t before = client->got_bytes;
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, "GET /gone HTTP/1.1\r\nHost: web\r\n\r\n");
        (void)weft_sim_settle(sim, 1000);
        wf_alloc_fail_after(-1);
        CHECK(client->closed || strncmp(client->got + before, "HTTP/1.1 410 ", 13) == 0 ||
              strncmp(client->got + before, "HTTP/1.1 503 ", 13) == 0);
        finish();
    }
}

static const test_case cases[] = {
    TEST(an_own_page_changes_neither_status_nor_fields),
    TEST(a_page_that_is_made_knows_what_for),
    TEST(who_answers_elsewhere_uses_the_page_of_the_site),
    TEST(an_answer_of_a_handler_is_its_own),
    TEST(a_page_may_be_empty),
    TEST(a_page_of_the_largest_size_comes_whole),
    TEST(what_cannot_be_made_is_the_standard_page),
    TEST(pages_that_can_be_none_are_refused),
    TEST(without_memory_the_status_is_the_same),
    {0},
};

const test_suite http_own_pages_suite = {.name = "protocols/http_own_pages", .cases = cases};
