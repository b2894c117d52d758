/* SPDX-License-Identifier: MIT */
/* A reverse proxy in a simulation: one upstream and several, their health, and WebSockets through it. */
#include "alloc.h"
#include "check.h"
#include "script_server.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/auth.h>
#include <weft/testing_stream.h>

#define FRONT "sim://front"

static weft_sim *sim;
static script_server a, b;
static weft_sim_peer *client;
static weft_http_client_config config;

static weft_http_guard guard = {.auth_name = "nobody", .realm = "front"};
static const weft_http_route routes[] = {
    {.route = "/guarded/*",
     .use = &weft_http_proxy,
     .config = &config,
     .stream = true,
     .guard = &guard},
    {.route = "/whole/*", .use = &weft_http_proxy, .config = &config},
    {.route = "/*", .use = &weft_http_proxy, .config = &config, .stream = true},
    {0},
};

static weft_http_access_log access_log;
static const weft_http_site_config site = {.routes = routes, .access_log = &access_log};

static const char *const both[] = {"http://a/base/", "http://b", NULL};
static const char *const dead_and_b[] = {"http://dead", "http://b", NULL};

static void begin_with(weft_http_client_config c, weft_sim_options options)
{
    config = c;
    if (config.limits.answer_timeout_ms == 0)
        config.limits.answer_timeout_ms = 5000;
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    a = b = (script_server){.n = 0};
    script_listen(&a, sim, "sim://a:80");
    script_listen(&b, sim, "sim://b:80");
    access_log.fd = memfd_create("access", MFD_CLOEXEC);
    REQUIRE(access_log.fd >= 0);
    CHECK_OK(weft_listen(weft_sim_system(sim), FRONT, &weft_http_server, &site));
    client = weft_sim_connect(sim, FRONT);
}

static void begin(weft_http_client_config c)
{
    begin_with(c, (weft_sim_options){.seed = 1});
}

static void begin_both(void)
{
    begin((weft_http_client_config){.upstreams = both});
}

static void say(const char *text)
{
    weft_sim_peer_say(client, text);
    (void)weft_sim_settle(sim, 3000);
}

/* A request on a connection of its own; what came. */
static const char *get(const char *method)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s /x HTTP/1.1\r\nHost: front\r\n\r\n", method);
    client = weft_sim_connect(sim, FRONT);
    say(text);
    return client->got;
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    (void)close(access_log.fd);
    script_done(&a);
    script_done(&b);
}

static bool has(const char *text, const char *what)
{
    bool there = strstr(text, what) != NULL;
    if (!there)
        (void)fprintf(stderr, "  not \"%s\" in: %s\n", what, text);
    return there;
}

/* Whether the access log has one line, which says that. */
static bool logged(const char *text)
{
    char line[1024];
    weft_sim_advance(sim, 10);
    ssize_t n = pread(access_log.fd, line, sizeof line - 1, 0);
    line[n > 0 ? n : 0] = '\0';
    return has(line, text) && strchr(line, '\n') == line + n - 1;
}

#define ANSWER(text) "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" text

/* ---- one */

static void both_bodies_stream_through_a_route(void)
{
    begin((weft_http_client_config){.upstream = "http://a/base"});
    script_say(&a, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    say("POST /up?q HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n");
    CHECK(has(a.got, "POST /base/up?q HTTP/1.1\r\nHost: a\r\n"));
    CHECK(has(a.got, "\r\n\r\n4\r\nsome\r\n"));
    CHECK(has(client->got, "\r\n\r\n5\r\nfirst\r\n"));
    weft_sim_peer_abort(client);
    (void)weft_sim_settle(sim, 1000);
    CHECK_U64(a.open, 0);
    finish();
}

static void gathered_ones_go_through_too(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, ANSWER("1"));
    say("PUT /whole/x HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\n\r\nsome");
    CHECK(has(a.got, "PUT /whole/x HTTP/1.1\r\n") && has(a.got, "\r\n\r\nsome"));
    CHECK(has(client->got, "\r\n\r\n1"));
    finish();
}

static void the_upstream_is_told_who_asked_and_nobody_else_says_so(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, ANSWER("1"));
    say("GET / HTTP/1.1\r\nHost: front:8\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: gopher\r\n"
        "Forwarded: for=_x\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
    CHECK(has(a.got, "X-Forwarded-For: 10.0.0.1, ") && has(a.got, "X-Forwarded-Host: front:8\r\n"));
    CHECK(has(a.got, "X-Forwarded-Proto: http\r\n"));
    CHECK(has(a.got, "Forwarded: for=_x, for=") && has(a.got, ";host=\"front:8\";proto=http\r\n"));
    CHECK(strstr(a.got, "evil") == NULL && strstr(a.got, "gopher") == NULL);
    finish();
}

static void also_not_by_a_name_that_is_taken_for_the_same(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, ANSWER("1"));
    say("GET / HTTP/1.1\r\nHost: front\r\nX_Forwarded_For: evil\r\nx-forwarded_proto: evil\r\n"
        "X_FORWARDED-HOST: evil\r\nX_Forwarded_Fort: kept\r\nmy_own: kept too\r\n\r\n");
    CHECK(strstr(a.got, "evil") == NULL);
    CHECK(has(a.got, "X_Forwarded_Fort: kept\r\n") && has(a.got, "my_own: kept too\r\n"));
    finish();
}

/* A row without a method takes any that has a path. */
static void connect_is_no_method_that_a_route_allows(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    say("CONNECT far:1 HTTP/1.1\r\nHost: far:1\r\n\r\n");
    CHECK(has(client->got, "HTTP/1.1 405 "));
    CHECK(has(client->got, "\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n"));
    CHECK_U64(a.conns, 0);
    finish();
}

static void an_upstream_that_sends_on_to_itself_means_the_proxy(void)
{
    static const struct {
        const char *upstream, *strip, *location, *passed;
    } rows[] = {
        {"http://a", NULL, "http://a/x?y#z", "/x?y#z"},
        {"http://a", NULL, "HTTP://A:80/x", "/x"},
        {"http://a", NULL, "http://a", "/"},
        {"http://a", NULL, "http://a?q", "/?q"},
        {"http://a/base/", NULL, "http://a/base/x", "/x"},
        {"http://a/base", NULL, "http://a/base", "/"},
        {"http://a/base", "/api", "http://a/base/x", "/api/x"},
        {"http://a/base", "/api/", "http://a/base", "/api"},
        {"http://a", "/api", "http://a/x", "/api/x"},
        /* not its own, or not below what it is asked for, or what no path could be */
        {"http://a/base", NULL, "http://a/other", "http://a/other"},
        {"http://a/base", NULL, "http://a/basement", "http://a/basement"},
        {"http://a", NULL, "https://a/x", "https://a/x"},
        {"http://a", NULL, "http://a:81/x", "http://a:81/x"},
        {"http://a", NULL, "http://a.org/x", "http://a.org/x"},
        {"http://a", NULL, "http://me@a/x", "http://me@a/x"},
        {"http://a", NULL, "http://a//evil.org", "http://a//evil.org"},
        {"http://a", "/api", "/x", "/x"},
        {"http://a", NULL, "x", "x"},
        {"http://a", NULL, "//a/x", "//a/x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char answer[256], line[128];
        begin((weft_http_client_config){.upstream = rows[i].upstream, .strip = rows[i].strip});
        (void)snprintf(answer, sizeof answer,
                       "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                       rows[i].location);
        (void)snprintf(line, sizeof line, "\r\nLocation: %s\r\n", rows[i].passed);
        script_say(&a, answer);
        CHECK(has(get("GET"), line));
        finish();
    }
}

/* ---- who asks whether the body is wanted */

#define GO_ON "HTTP/1.1 100 Continue\r\n\r\n"
#define ASKS(path) \
    "PUT " path " HTTP/1.1\r\nHost: front\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n"

static void the_upstream_says_whether_a_body_is_wanted(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    say(ASKS("/x"));
    CHECK(has(a.got, "Expect: 100-continue\r\n"));
    CHECK(strncmp(client->got, "HTTP/1.1 413 ", 13) == 0 && has(client->got, "\r\n\r\nno"));
    CHECK(client->ended); /* whether the body still comes is not known */
    finish();

    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, GO_ON);
    script_say(&a, ANSWER("1"));
    say(ASKS("/x"));
    CHECK_STR(client->got, GO_ON);
    say("some\r\n\r\n");
    CHECK(has(a.got, "\r\n\r\nsome") && has(client->got, "\r\n\r\n1"));
    CHECK(strstr(client->got + 1, GO_ON) == NULL);
    finish();
}

static void or_keeps_silent_or_does_not_know_it(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, "");
    script_say(&a, ANSWER("1"));
    weft_sim_peer_say(client, ASKS("/x"));
    weft_sim_advance(sim, 900);
    CHECK_U64(client->got_bytes, 0);
    weft_sim_advance(sim, 200);
    CHECK_STR(client->got, GO_ON);
    say("some\r\n\r\n");
    CHECK(has(a.got, "\r\n\r\nsome") && has(client->got, "\r\n\r\n1"));
    finish();

    begin((weft_http_client_config){.upstream = "http://a"});
    script_say_then(&a, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", SCRIPT_CLOSE);
    script_say(&a, "");
    script_say(&a, ANSWER("1"));
    say(ASKS("/x"));
    CHECK_STR(client->got, GO_ON);
    say("some\r\n\r\n");
    CHECK_U64(a.conns, 2);
    CHECK(has(a.got, "\r\n\r\nsome") && has(client->got, "\r\n\r\n1"));
    finish();
}

static void who_does_not_wait_or_cannot_be_passed_on_is_answered_all_the_same(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, GO_ON);
    script_say(&a, ANSWER("1"));
    say(ASKS("/x") "some\r\n\r\n");
    CHECK(has(a.got, "\r\n\r\nsome") && has(client->got, "\r\n\r\n1"));
    finish();

    begin((weft_http_client_config){.upstream = "http://dead"});
    say(ASKS("/x"));
    CHECK(strncmp(client->got, "HTTP/1.1 502 ", 13) == 0);
    finish();

    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, ANSWER("1"));
    say(ASKS("/whole/x"));
    CHECK_STR(client->got, GO_ON);
    say("some\r\n\r\n");
    CHECK(has(a.got, "\r\n\r\nsome") && has(client->got, "\r\n\r\n1"));
    finish();

    begin((weft_http_client_config){.upstreams = dead_and_b});
    script_say(&b, GO_ON);
    script_say(&b, ANSWER("1"));
    say(ASKS("/x"));
    CHECK_STR(client->got, GO_ON);
    say("some\r\n\r\n");
    CHECK(has(b.got, "\r\n\r\nsome") && has(client->got, "\r\n\r\n1"));
    finish();
}

static void what_is_forwarded_may_keep_its_host_and_lose_its_front(void)
{
    static const struct {
        const char *strip, *path, *target;
    } rows[] = {{"/api", "/api/x?y", "/x?y"}, {"/api/", "/api", "/"}, {"/api", "/apix", "/apix"},
                {NULL, "/api/x", "/api/x"},   {"/", "/x", "/x"},      {"/api", "/api/", "/"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128], line[128];
        begin((weft_http_client_config){
            .upstream = "http://a", .strip = rows[i].strip, .keep_host = true});
        script_say(&a, ANSWER("1"));
        (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: front\r\n\r\n", rows[i].path);
        (void)snprintf(line, sizeof line, "GET %s HTTP/1.1\r\nHost: front\r\n", rows[i].target);
        say(text);
        CHECK(has(a.got, line));
        finish();
    }
}

/* What is passed on stays below what the front was given of the upstream. */
static void dots_in_a_path_never_lead_out_of_what_is_proxied(void)
{
    static const struct {
        const char *path, *target; /* NULL: refused */
    } rows[] = {
        {"/api/../secret", "/public/secret"},
        {"/api/%2e%2e/%2e%2e/secret", NULL},
        {"/api/x/../y?q=..", "/public/y?q=.."},
        {"/api/..%2fsecret", NULL},
        {"/api/..%5csecret", NULL},
        {"/api/..\\secret", NULL},
        {"/api/.%2e/../secret", NULL},
        {"/../secret", NULL},
        {"/api/..;/secret", NULL},
        {"/api/./x", "/public/x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int websocket = 0; websocket < 2; websocket++) {
            char text[256], line[128];
            begin((weft_http_client_config){.upstream = "http://a/public", .strip = "/api"});
            script_say(&a, ANSWER("1"));
            (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: front\r\n%s\r\n",
                           rows[i].path,
                           websocket ? "Connection: upgrade\r\nUpgrade: websocket\r\n" : "");
            say(text);
            if (rows[i].target != NULL) {
                (void)snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", rows[i].target);
                CHECK(has(a.got, line));
            } else {
                CHECK(has(client->got, "HTTP/1.1 400 "));
                CHECK_U64(a.conns, 0);
            }
            finish();
        }
    }
}

static void answers_to_a_get_pass_whole_in_pieces_and_without_a_body(void)
{
    static const struct {
        const char *method, *answer, *got;
    } rows[] = {
        {"GET", ANSWER("1"), "Content-Length: 1\r\n\r\n1"},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha", "Content-Length: 4\r\n\r\nha"},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nha\r\n0\r\n\r\n",
         "\r\n\r\n2\r\nha\r\n0\r\n\r\n"},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Content-Length: 0\r\n\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n", "ETag: \"1\"\r\n\r\n"},
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "Content-Length: 7\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin((weft_http_client_config){.upstream = "http://a"});
        script_say(&a, rows[i].answer);
        script_say(&a, ANSWER("2"));
        CHECK(has(get(rows[i].method), rows[i].got));
        if (i != 1) {
            say("GET / HTTP/1.1\r\nHost: front\r\n\r\n");
            CHECK(has(client->got, "\r\n\r\n2"));
            CHECK_U64(a.conns, 1); /* which was left as it must be */
        }
        finish();
    }
}

static void who_leaves_in_the_middle_ends_what_was_asked_for_it(void)
{
    for (unsigned steps = 1; steps < 40; steps++) {
        begin((weft_http_client_config){.upstream = "http://a"});
        script_say(&a, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        weft_sim_peer_say(client, "GET / HTTP/1.1\r\nHost: front\r\n\r\n");
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        weft_sim_peer_abort(client);
        (void)weft_sim_settle(sim, 1000);
        CHECK_U64(a.open, 0);
        finish();
    }
}

static void a_proxy_without_an_upstream_says_so(void)
{
    begin((weft_http_client_config){.upstream = NULL});
    CHECK(has(get("GET"), "HTTP/1.1 502 "));
    finish();
}

/* ---- several */

static void requests_go_by_turns(void)
{
    begin_both();
    for (int i = 0; i < 2; i++) {
        script_say(&a, ANSWER("a"));
        script_say(&b, ANSWER("b"));
    }
    CHECK(has(get("GET"), "\r\n\r\na"));
    CHECK(has(get("GET"), "\r\n\r\nb"));
    CHECK(has(get("GET"), "\r\n\r\na"));
    CHECK(has(get("POST"), "\r\n\r\nb"));
    CHECK_U64(a.conns, 1); /* which are kept */
    CHECK_U64(b.conns, 1);
    finish();
}

static void or_to_the_least_busy(void)
{
    begin((weft_http_client_config){.upstreams = both, .balance = WEFT_HTTP_LEAST_BUSY});
    script_say(&a, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"); /* which goes on */
    for (int i = 0; i < 3; i++)
        script_say(&b, ANSWER("b"));
    CHECK(has(get("GET"), "Content-Length: 9"));
    for (int i = 0; i < 3; i++)
        CHECK(has(get("GET"), "\r\n\r\nb"));
    CHECK_U64(a.next, 1);
    finish();
}

static void who_cannot_be_reached_is_passed_over(void)
{
    begin((weft_http_client_config){.upstreams = dead_and_b});
    script_say(&b, ANSWER("b"));
    CHECK(has(get("POST"), "\r\n\r\nb"));
    finish();
    /* also with a body that streams: nothing of it was taken */
    begin((weft_http_client_config){.upstreams = dead_and_b});
    script_say(&b, "");
    script_say(&b, ANSWER("b")); /* behind the second empty line */
    say("POST /up HTTP/1.1\r\nHost: front\r\nContent-Length: 8\r\n\r\nsome");
    say("\r\n\r\n");
    CHECK(has(b.got, "\r\n\r\nsome\r\n\r\n"));
    CHECK(has(client->got, "\r\n\r\nb"));
    finish();
}

static void what_is_idempotent_is_asked_again_elsewhere(void)
{
    begin_both();
    script_say_then(&a, "", SCRIPT_CLOSE);
    script_say(&b, ANSWER("b"));
    CHECK(has(get("GET"), "\r\n\r\nb"));
    finish();

    begin_both();
    script_say_then(&a, "", SCRIPT_CLOSE);
    script_say(&b, ANSWER("b"));
    CHECK(has(get("POST"), "HTTP/1.1 502 "));
    CHECK_U64(b.conns, 0);
    finish();

    begin_both(); /* what has begun to be answered is not asked again */
    script_say_then(&a, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha", SCRIPT_CLOSE);
    CHECK(has(get("GET"), "HTTP/1.1 200 "));
    CHECK_U64(b.conns, 0);
    finish();
}

static void when_all_fail_the_last_reason_is_told(void)
{
    begin_both();
    script_say_then(&a, "", SCRIPT_CLOSE);
    script_say_then(&b, "", SCRIPT_CLOSE);
    CHECK(has(get("GET"), "HTTP/1.1 502 "));
    CHECK_U64(a.next + b.next, 2);
    finish();
}

static void who_fails_too_often_rests(void)
{
    begin((weft_http_client_config){.upstreams = both,
                                    .limits = {.upstream_fails_max = 2, .upstream_rest_ms = 8000}});
    for (int i = 0; i < 3; i++)
        script_say_then(&a, "", SCRIPT_CLOSE);
    for (int i = 0; i < 9; i++)
        script_say(&b, ANSWER("b"));
    for (int i = 0; i < 6; i++)
        CHECK(has(get("GET"), "\r\n\r\nb"));
    CHECK_U64(a.next, 2); /* and was not asked any more */
    weft_sim_advance(sim, 8000);
    CHECK(has(get("GET"), "\r\n\r\nb"));
    CHECK(has(get("GET"), "\r\n\r\nb"));
    CHECK_U64(a.next, 3); /* one tried it */
    script_say(&a, ANSWER("a"));
    weft_sim_advance(sim, 8000);
    CHECK(has(get("GET"), "\r\n\r\na"));
    script_say(&a, ANSWER("a"));
    CHECK(has(get("GET"), "\r\n\r\nb") && has(get("GET"), "\r\n\r\na"));
    finish();
}

static void too_many_upstreams_or_two_ways_to_name_them_are_refused(void)
{
    static const char *many[WEFT_HTTP_UPSTREAMS_MAX + 2];
    for (size_t i = 0; i <= WEFT_HTTP_UPSTREAMS_MAX; i++)
        many[i] = "http://a";
    begin((weft_http_client_config){.upstreams = many});
    CHECK(has(get("GET"), "HTTP/1.1 500 "));
    finish();
    begin((weft_http_client_config){.upstreams = both, .upstream = "http://a"});
    CHECK(has(get("GET"), "HTTP/1.1 500 "));
    finish();
}

/* ---- WebSockets */

#define UPGRADE                                                                           \
    "GET /chat HTTP/1.1\r\nHost: front\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "   \
    "websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: " \
    "13\r\n\r\n"
#define AGREED                                                                          \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static void a_websocket_goes_through(void)
{
    begin((weft_http_client_config){.upstream = "http://a/base"});
    script_say(&a, AGREED "\x81\x02hi");
    weft_sim_peer_say(client, UPGRADE "early");
    (void)weft_sim_settle(sim, 1000);
    CHECK(has(a.got, "GET /base/chat HTTP/1.1\r\nHost: a\r\n"));
    CHECK(has(a.got, "Upgrade: websocket\r\n") && has(a.got, "Connection: upgrade\r\n"));
    CHECK(has(a.got, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    CHECK(has(a.got, "X-Forwarded-Host: front\r\n") && has(a.got, "\r\n\r\nearly"));
    CHECK_STR(client->got, AGREED "\x81\x02hi");
    CHECK(logged("\"GET /chat HTTP/1.1\" 101 0 "));
    say("more");
    CHECK(has(a.got, "earlymore"));
    weft_sim_peer_abort(client);
    (void)weft_sim_settle(sim, 1000);
    CHECK_U64(a.open, 0);
    finish();
}

static void a_websocket_goes_through_behind_a_guard(void)
{
    static const weft_auth_source source = {
        .kind = WEFT_AUTH_FROM_MEMORY, .user = "ann", .password = "se:cret"};
    static const weft_auth_config auth = {.sources = &source, .count = 1};
    begin((weft_http_client_config){.upstream = "http://a"});
    guard.auth_name = NULL;
    guard.auth = weft_sim_spawn(sim, &weft_auth, &auth);
    script_say(&a, AGREED "\x81\x02hi");
    weft_sim_peer_say(client, "GET /guarded/chat HTTP/1.1\r\nHost: front\r\nConnection: Upgrade\r\n"
                              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Authorization: Basic YW5uOnNlOmNyZXQ=\r\n\r\nearly");
    (void)weft_sim_settle(sim, 1000);
    CHECK(has(a.got, "GET /guarded/chat HTTP/1.1\r\n") && has(a.got, "\r\n\r\nearly"));
    CHECK_STR(client->got, AGREED "\x81\x02hi");
    weft_sim_peer_abort(client);
    (void)weft_sim_settle(sim, 1000);
    CHECK_U64(a.open, 0);
    finish();
}

static void what_is_said_in_advance_waits_until_they_are_joined(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, "");
    weft_sim_peer_say(client, UPGRADE "GET /secret HTTP/1.1\r\nHost: front\r\n\r\n");
    (void)weft_sim_settle(sim, 1000);
    CHECK(strstr(a.got, "secret") == NULL);
    weft_sim_advance(sim, 6000); /* answer_timeout_ms */
    CHECK(has(client->got, "HTTP/1.1 504 ") && has(client->got, "Connection: close\r\n"));
    CHECK(logged("\"GET /chat HTTP/1.1\" 504 0 "));
    CHECK(client->closed || client->ended);
    CHECK(strstr(a.got, "secret") == NULL);
    CHECK_U64(a.open, 0);
    finish();
}

static void an_upstream_that_declines_is_heard_and_gets_nothing_more(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
    weft_sim_peer_say(client, UPGRADE "GET /secret HTTP/1.1\r\nHost: front\r\n\r\n");
    (void)weft_sim_settle(sim, 6000);
    CHECK(has(client->got, "HTTP/1.1 401 Unauthorized\r\n"));
    CHECK(has(client->got, "WWW-Authenticate: Basic\r\n") && has(client->got, "Connection: close"));
    CHECK(has(client->got, "\r\n\r\nno") && strstr(client->got, "Content-Length") == NULL);
    CHECK(client->closed || client->ended);
    CHECK(strstr(a.got, "secret") == NULL);
    CHECK_U64(a.open, 0);
    CHECK(logged("\"GET /chat HTTP/1.1\" 401 2 "));
    finish();
}

static void what_it_says_instead_comes_whole_and_no_faster_than_it_is_taken(void)
{
    enum { BODY = 4 << 20 };
    char *answer = malloc(BODY + 100);
    REQUIRE(answer != NULL);
    int n = snprintf(answer, 100, "HTTP/1.1 404 No\r\nContent-Length: %d\r\n\r\n", BODY);
    memset(answer + n, 'x', BODY);
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say_bytes(&a, answer, (size_t)n + BODY, SCRIPT_STAY);
    weft_sim_peer_deaf(client, true);
    weft_sim_peer_say(client, UPGRADE);
    weft_sim_advance(sim, 1000);
    CHECK(client->got_bytes < BODY / 2);
    weft_sim_peer_deaf(client, false);
    (void)weft_sim_settle(sim, 3000);
    const char *body = strstr(client->got, "\r\n\r\n");
    CHECK(has(client->got, "Content-Length: 4194304\r\n") && body != NULL);
    CHECK_U64(client->got_bytes - (size_t)(body + 4 - client->got), BODY);
    CHECK(client->closed || client->ended);
    CHECK_U64(a.open, 0);
    CHECK(logged("\"GET /chat HTTP/1.1\" 404 4194304 "));
    finish();
    free(answer);
}

static void what_it_says_instead_may_end_with_its_connection(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say_then(&a, "HTTP/1.1 403 No\r\n\r\nnot here", SCRIPT_CLOSE);
    say(UPGRADE);
    CHECK(has(client->got, "HTTP/1.1 403 Forbidden\r\n") && has(client->got, "\r\n\r\nnot here"));
    CHECK(client->ended || client->reason == WEFT_EDONE);
    CHECK(logged("\"GET /chat HTTP/1.1\" 403 8 "));
    finish();
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, "HTTP/1.1 204 None\r\n\r\n");
    say(UPGRADE);
    CHECK(has(client->got, "HTTP/1.1 204 No Content\r\n") && client->ended);
    CHECK(logged("\"GET /chat HTTP/1.1\" 204 0 "));
    finish();
}

static void what_it_says_instead_is_not_taken_for_whole_if_it_breaks_off(void)
{
    static const struct {
        const char *answer;
        script_then then;
    } rows[] = {
        {"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nhalf", SCRIPT_CLOSE},
        {"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nhalf", SCRIPT_ABORT},
        {"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\nhalf", SCRIPT_STAY},
        {"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nx", SCRIPT_CLOSE},
        {"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", SCRIPT_STAY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin((weft_http_client_config){.upstream = "http://a"});
        script_say_then(&a, rows[i].answer, rows[i].then);
        say(UPGRADE);
        weft_sim_advance(sim, 6000); /* answer_timeout_ms */
        CHECK(client->closed && client->reason == WEFT_ELOST);
        CHECK_U64(a.open, 0);
        CHECK(logged("\"GET /chat HTTP/1.1\" 404 4 "));
        finish();
    }
}

static void an_upstream_that_is_not_there_or_no_http_is_502(void)
{
    begin((weft_http_client_config){.upstream = "http://dead"});
    say(UPGRADE);
    CHECK(has(client->got, "HTTP/1.1 502 ") && strstr(client->got, "dead") == NULL);
    CHECK(logged("\"GET /chat HTTP/1.1\" 502 0 "));
    finish();
    static const char *const bad[] = {"no HTTP\r\n\r\n", "", "HTTP/1.1 200"};
    for (size_t i = 0; i < 3; i++) {
        begin((weft_http_client_config){.upstream = "http://a"});
        script_say_then(&a, bad[i], SCRIPT_CLOSE);
        say(UPGRADE);
        CHECK(has(client->got, "HTTP/1.1 502 "));
        finish();
    }
}

static void another_upgrade_is_left_out(void)
{
    begin((weft_http_client_config){.upstream = "http://a"});
    script_say(&a, ANSWER("1"));
    say("GET / HTTP/1.1\r\nHost: front\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: x\r\n\r\n");
    CHECK(strstr(a.got, "h2c") == NULL && strstr(a.got, "HTTP2") == NULL);
    CHECK(has(client->got, "\r\n\r\n1"));
    finish();
}

/* ---- at any moment */

static void stopped_at_any_step_nothing_is_left(void)
{
    for (unsigned steps = 1; steps < 60; steps++) {
        begin((weft_http_client_config){.upstreams = dead_and_b});
        script_say(&b, steps % 2 == 0 ? AGREED : ANSWER("b"));
        script_say(&b, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        weft_sim_peer *third = weft_sim_connect(sim, FRONT);
        weft_sim_peer_say(third, "GET / HTTP/1.1\r\nHost: front\r\n\r\n");
        weft_sim_peer *other = weft_sim_connect(sim, FRONT);
        weft_sim_peer_say(other, "POST /up HTTP/1.1\r\nHost: front\r\nContent-Length: 8\r\n\r\nso");
        weft_sim_peer *asking = weft_sim_connect(sim, FRONT);
        weft_sim_peer_say(asking, ASKS("/up"));
        weft_sim_peer_say(client, UPGRADE);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        finish();
    }
}

static void under_faults_nothing_hangs_and_nothing_leaks(void)
{
    unsigned answered = 0, joined = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin_with((weft_http_client_config){.upstream = "http://b"},
                   (weft_sim_options){.seed = seed,
                                      .system.reactors = (unsigned)(1 + seed % 3),
                                      .faults = {.lost = 4000,
                                                 .refused = 50000,
                                                 .short_read = 200000,
                                                 .short_write = 200000,
                                                 .latency_ms_max = 30,
                                                 .allocation = seed % 5 == 0 ? 3000 : 0}});
        script_say(&b, ANSWER("b"));
        script_say(&b, AGREED);
        say("POST /up HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\n\r\nsome");
        weft_sim_peer *other = weft_sim_connect(sim, FRONT);
        weft_sim_peer_say(other, UPGRADE);
        weft_sim_advance(sim, 120000);
        answered += strstr(client->got, "\r\n\r\nb") != NULL;
        joined += strstr(other->got, "HTTP/1.1 101 ") != NULL;
        CHECK(client->closed || client->got_bytes != 0);
        CHECK(other->closed || other->got_bytes != 0);
        finish();
    }
    CHECK(answered > 100 && joined > 50);
}

static void each_allocation_that_fails_is_told(void)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {UPGRADE, AGREED},
        {UPGRADE, "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone"},
        {"PUT /up HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\n\r\nsome", ANSWER("b")},
        {"GET /x HTTP/1.1\r\nHost: front\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"},
        {ASKS("/x"), GO_ON ANSWER("b")},
    };
    unsigned answered = 0;
    enum { ROWS = sizeof rows / sizeof *rows };
    for (long nth = 2L * ROWS; nth < 75L * ROWS; nth++) { /* before that the peer itself has none */
        begin((weft_http_client_config){.upstreams = dead_and_b});
        script_say(&b, rows[nth % ROWS].answer);
        wf_alloc_fail_after(nth / ROWS);
        weft_sim_peer_say(client, rows[nth % ROWS].request);
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(-1);
        weft_sim_advance(sim, 60000);
        CHECK(client->closed || client->ended || client->got_bytes != 0);
        answered += client->got_bytes != 0;
        finish();
    }
    CHECK(answered > 75);
}

static const test_case cases[] = {
    TEST(both_bodies_stream_through_a_route),
    TEST(gathered_ones_go_through_too),
    TEST(the_upstream_is_told_who_asked_and_nobody_else_says_so),
    TEST(also_not_by_a_name_that_is_taken_for_the_same),
    TEST(connect_is_no_method_that_a_route_allows),
    TEST(an_upstream_that_sends_on_to_itself_means_the_proxy),
    TEST(the_upstream_says_whether_a_body_is_wanted),
    TEST(or_keeps_silent_or_does_not_know_it),
    TEST(who_does_not_wait_or_cannot_be_passed_on_is_answered_all_the_same),
    TEST(what_is_forwarded_may_keep_its_host_and_lose_its_front),
    TEST(dots_in_a_path_never_lead_out_of_what_is_proxied),
    TEST(answers_to_a_get_pass_whole_in_pieces_and_without_a_body),
    TEST(who_leaves_in_the_middle_ends_what_was_asked_for_it),
    TEST(a_proxy_without_an_upstream_says_so),
    TEST(requests_go_by_turns),
    TEST(or_to_the_least_busy),
    TEST(who_cannot_be_reached_is_passed_over),
    TEST(what_is_idempotent_is_asked_again_elsewhere),
    TEST(when_all_fail_the_last_reason_is_told),
    TEST(who_fails_too_often_rests),
    TEST(too_many_upstreams_or_two_ways_to_name_them_are_refused),
    TEST(a_websocket_goes_through),
    TEST(a_websocket_goes_through_behind_a_guard),
    TEST(what_is_said_in_advance_waits_until_they_are_joined),
    TEST(an_upstream_that_declines_is_heard_and_gets_nothing_more),
    TEST(what_it_says_instead_comes_whole_and_no_faster_than_it_is_taken),
    TEST(what_it_says_instead_may_end_with_its_connection),
    TEST(what_it_says_instead_is_not_taken_for_whole_if_it_breaks_off),
    TEST(an_upstream_that_is_not_there_or_no_http_is_502),
    TEST(another_upgrade_is_left_out),
    TEST(stopped_at_any_step_nothing_is_left),
    TEST(under_faults_nothing_hangs_and_nothing_leaks),
    TEST(each_allocation_that_fails_is_told),
    {0},
};

const test_suite http_proxy_suite = {.name = "protocols/http_proxy", .cases = cases};
