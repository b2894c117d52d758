/* SPDX-License-Identifier: MIT */
/* CGI without its scripts, which only tests/programs/cgi.sh can run: what they say, and what comes before they run. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#include "http_cgi.h"

/* ---- heads */

static const struct {
    const char *text;
    weft_err err;
    int status;
    const char *type, *location;
    uint64_t length;
    uint32_t fields;
    bool local;
} heads[] = {
    {"Content-Type: text/plain\n\n", WEFT_OK, 0, "text/plain", NULL, UINT64_MAX, 0, false},
    {"content-type:text/plain \r\nX: y\r\n\r\n", WEFT_OK, 0, "text/plain", NULL, UINT64_MAX, 1,
     false},
    {"Status: 404\n\n", WEFT_OK, 404, NULL, NULL, UINT64_MAX, 0, false},
    {"Status: 404 Not Found\nContent-Length: 7\n\n", WEFT_OK, 404, NULL, NULL, 7, 0, false},
    {"Location: /x?y\n\n", WEFT_OK, 0, NULL, "/x?y", UINT64_MAX, 0, true},
    {"Location: /\n\n", WEFT_OK, 0, NULL, "/", UINT64_MAX, 0, true},
    {"Location: //evil.org/\n\n", WEFT_OK, 0, NULL, "//evil.org/", UINT64_MAX, 0, false},
    {"Location: /x y\n\n", WEFT_OK, 0, NULL, "/x y", UINT64_MAX, 0, false},
    {"Location: /x#y\n\n", WEFT_OK, 0, NULL, "/x#y", UINT64_MAX, 0, false},
    {"Location: https://x/\n\n", WEFT_OK, 0, NULL, "https://x/", UINT64_MAX, 0, false},
    {"Status: 303\nLocation: /x\n\n", WEFT_OK, 303, NULL, "/x", UINT64_MAX, 0, false},
    {"Content-Type: a/b\nConnection: close\nTransfer-Encoding: chunked\nServer: x\nDate: y\nA: "
     "b\n\n",
     WEFT_OK, 0, "a/b", NULL, UINT64_MAX, 1, false},
    {"\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"X: y\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Content-Type: a/b\nno field\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Content-Type: a/b\n: x\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Content-Type: a/b\nX: \x01\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Content-Type: a/b\nContent-Type: c/d\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Content-Type:\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 20\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 2000\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 200x\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 100\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 600\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: ok\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 200\nStatus: 200\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 200\nContent-Length: -1\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0, false},
    {"Status: 200\nContent-Length: 1\nContent-Length: 1\n\n", WEFT_EPROTO, 0, NULL, NULL, 0, 0,
     false},
};

static bool is_text(weft_http_text text, const char *wanted)
{
    return wanted == NULL
               ? text.at == NULL
               : text.bytes == strlen(wanted) && memcmp(text.at, wanted, text.bytes) == 0;
}

static void a_head_says_what_it_says(void)
{
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        wf_http_cgi_head head;
        weft_why why = {""};
        const char *text = heads[i].text;
        weft_err err = wf_http_cgi_head_read(text, strlen(text), &head, &why);
        CHECK_ERR(err, heads[i].err);
        if (err != WEFT_OK)
            continue;
        CHECK_U64(head.status, heads[i].status);
        CHECK(is_text(head.content_type, heads[i].type));
        CHECK(is_text(head.location, heads[i].location));
        CHECK_U64(head.content_length, heads[i].length);
        CHECK_U64(head.fields_count, heads[i].fields);
        CHECK(wf_http_cgi_is_local(&head) == heads[i].local);
    }
}

static void a_head_has_its_number_of_fields(void)
{
    char text[1024] = "Status: 200\n";
    wf_http_cgi_head head;
    weft_why why;
    size_t n = strlen(text);
    for (unsigned i = 0; i < WF_HTTP_CGI_FIELDS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "X: y\n");
    CHECK_OK(wf_http_cgi_head_read(text, n, &head, &why));
    n += (size_t)snprintf(text + n, sizeof text - n, "X: y\n");
    CHECK_ERR(wf_http_cgi_head_read(text, n, &head, &why), WEFT_ETOOBIG);
}

static void a_head_ends_at_its_empty_line_whatever_pieces_it_comes_in(void)
{
    static const struct {
        const char *text;
        size_t end;
    } rows[] = {
        {"A: b\n\nbody\n\n", 6},
        {"A: b\r\n\r\nbody", 8},
        {"A: b\n\r\nbody", 7},
        {"\nbody", 1},
        {"\r\nbody", 2},
        {"A: b\r\nC: d\n\nbody", 12},
        {"A: b\r\nC: d\r\nno end", 0},
        {"\r\r\n", 0},
        {"A: b\n\r\r\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].text), scanned = 0, end = 0;
        for (size_t k = 1; k <= n && end == 0; k++)
            end = wf_http_cgi_head_end((const uint8_t *)rows[i].text, k, &scanned);
        CHECK_U64(end, rows[i].end);
    }
}

/* ---- before a script runs */

static char folder[64];
static weft_http_cgi_config config;
static weft_sim *sim;
static weft_sim_peer *client;

static const weft_http_route routes[] = {
    {.route = "/cgi/*", .use = &weft_http_cgi, .config = &config, .stream = true},
    {.route = "/whole/*", .use = &weft_http_cgi, .config = &config},
    {0},
};

static void put(const char *name, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL);
    (void)fclose(f);
    REQUIRE(chmod(path, mode) == 0);
}

static void begin(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/weft-cgi-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    put("script", 0700);
    put("text", 0600);
    config = (weft_http_cgi_config){.root = folder};
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_site, routes));
    client = weft_sim_connect(sim, "sim://web");
}

static void finish(void)
{
    static const char *const names[] = {"script", "text", ""};
    char path[128];
    CHECK_U64(weft_sim_free(&sim), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        CHECK(remove(path) == 0);
    }
}

static bool says(const char *request, const char *expected)
{
    char text[256];
    size_t before = client->got_bytes;
    (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: web\r\n\r\n", request);
    weft_sim_peer_say(client, text);
    (void)weft_sim_settle(sim, 1000);
    bool there = strstr(client->got + before, expected) != NULL;
    if (!there)
        (void)fprintf(stderr, "  %s: not \"%s\" in: %s\n", request, expected, client->got + before);
    return there;
}

static void what_is_no_script_is_not_run(void)
{
    begin();
    CHECK(says("GET /cgi/", "HTTP/1.1 404 "));
    CHECK(says("GET /cgi", "HTTP/1.1 404 "));
    CHECK(says("GET /cgi/none", "HTTP/1.1 404 "));
    CHECK(says("GET /cgi/none/script", "HTTP/1.1 404 "));
    CHECK(says("GET /cgi/.script", "HTTP/1.1 404 "));
    CHECK(says("GET /cgi//script", "HTTP/1.1 404 "));
    CHECK(says("GET /cgi/%2e%2e/x", "HTTP/1.1 404 ")); /* it is no path of scripts */
    CHECK(says("GET /cgi/%2e%2e/%2e%2e/x", "HTTP/1.1 400 "));
    CHECK(says("GET /cgi/text", "HTTP/1.1 403 "));
    CHECK(says("GET /cgi/text/info", "HTTP/1.1 403 "));
    config.root = "/nowhere/at/all";
    CHECK(says("GET /cgi/script", "HTTP/1.1 404 "));
    finish();
}

static void a_script_that_cannot_be_run_is_500(void)
{
    begin(); /* a simulation has no processes */
    CHECK(says("GET /cgi/script/info", "HTTP/1.1 500 "));
    CHECK(says("GET /cgi/script", "HTTP/1.1 500 "));
    CHECK(says("GET /whole/script", "HTTP/1.1 500 "));
    finish();
}

static void a_body_of_unknown_length_is_411(void)
{
    begin();
    weft_sim_peer_say(client, "POST /cgi/script HTTP/1.1\r\nHost: web\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    (void)weft_sim_settle(sim, 1000);
    CHECK(strstr(client->got, "HTTP/1.1 411 ") != NULL);
    finish();
}

static void stopped_at_any_step_nothing_is_left(void)
{
    for (unsigned steps = 1; steps < 40; steps++) {
        begin();
        weft_sim_peer_say(client, "POST /cgi/script HTTP/1.1\r\nHost: web\r\n"
                                  "Content-Length: 10\r\n\r\nabc");
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        if (steps % 2 == 0)
            weft_sim_peer_abort(client);
        finish();
    }
}

static void without_memory_it_is_an_error_and_nothing_is_left(void)
{
    for (long nth = 2; nth < 60; nth++) { /* those before are the wire's */
        begin();
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, "POST /cgi/script HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n"
                                  "X-A: b\r\n\r\nabc");
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(-1);
        weft_sim_advance(sim, 61000);
        CHECK(client->closed || strncmp(client->got, "HTTP/1.1 5", 10) == 0 ||
              strncmp(client->got, "HTTP/1.1 404", 12) == 0);
        finish();
    }
}

static const test_case cases[] = {
    TEST(a_head_says_what_it_says),
    TEST(a_head_has_its_number_of_fields),
    TEST(a_head_ends_at_its_empty_line_whatever_pieces_it_comes_in),
    TEST(what_is_no_script_is_not_run),
    TEST(a_script_that_cannot_be_run_is_500),
    TEST(a_body_of_unknown_length_is_411),
    TEST(stopped_at_any_step_nothing_is_left),
    TEST(without_memory_it_is_an_error_and_nothing_is_left),
    {0},
};

const test_suite http_cgi_suite = {.name = "protocols/http_cgi", .cases = cases};
