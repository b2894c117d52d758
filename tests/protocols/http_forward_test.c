/* SPDX-License-Identifier: MIT */
/* A server whose requests are forwarded to a client: a gateway, in a simulation. */
#include "check.h"
#include "script_server.h"

#include <stdlib.h>

#include <weft/testing_stream.h>

#define FRONT "sim://front"

static weft_sim *sim;
static script_server server;
static weft_sim_peer *client;
static weft_ref upstream;

/* ---- the gateway: as examples/10_proxy.c has it */

typedef struct passing {
    weft_msg *request;
} passing;

static weft_err pass_request(weft_actor *self, weft_msg *msg)
{
    passing *p = weft_state(self);
    p->request = weft_keep(msg);
    return WEFT_OK;
}

static weft_err pass_opened(weft_actor *self, weft_msg *msg)
{
    passing *p = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    weft_err err = weft_hand_over(self, opened->stream, upstream, WEFT_NO_BYTES);
    if (err == WEFT_OK)
        err = weft_forward(p->request, upstream);
    if (err != WEFT_OK)
        err = weft_fail(p->request, err, NULL);
    weft_drop(&p->request);
    return err;
}

static weft_err pass_whole(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_forward(msg, upstream);
}

static void pass_over(weft_actor *self, weft_err reason)
{
    passing *p = weft_state(self);
    (void)reason;
    weft_drop(&p->request);
}

static const weft_handler rows[] = {
    {.type = &weft_http_request_type, .fn = pass_request},
    {.type = &weft_opened_type, .fn = pass_opened},
    {0},
};
static const weft_behaviour passer = {
    .name = "passer", .handlers = rows, .state_bytes = sizeof(passing), .ended = pass_over};

static const weft_http_route routes[] = {
    {.route = "/whole/*", .handler = pass_whole},
    {.route = "/*", .use = &passer, .stream = true},
    {0},
};

static const weft_http_client_config to_server = {.upstream = "http://server/base/",
                                                  .limits = {.answer_timeout_ms = 5000}};

static void begin_with(weft_sim_options options)
{
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    server = (script_server){.n = 0};
    script_listen(&server, sim, "sim://server:80");
    CHECK_OK(weft_listen(weft_sim_system(sim), FRONT, &weft_http_site, routes));
    upstream = weft_system_spawn_each(weft_sim_system(sim), &weft_http_caller, &to_server);
}

static void begin(void)
{
    begin_with((weft_sim_options){.seed = 1, .system.reactors = 2});
    client = weft_sim_connect(sim, FRONT);
}

static void say(const char *text)
{
    weft_sim_peer_say(client, text);
    (void)weft_sim_settle(sim, 60000);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    script_done(&server);
}

static bool got(const char *what)
{
    bool there = strstr(client->got, what) != NULL;
    if (!there)
        (void)fprintf(stderr, "  got: %s\n", client->got);
    return there;
}

static bool asked(const char *what)
{
    bool there = strstr(server.got, what) != NULL;
    if (!there)
        (void)fprintf(stderr, "  asked: %s\n", server.got);
    return there;
}

#define ANSWER                                                                  \
    "HTTP/1.1 201 Made\r\nContent-Length: 5\r\nDate: then\r\nServer: other\r\n" \
    "Connection: x-hop\r\nX-Hop: 1\r\nX-Stays: 2\r\n\r\nhello"

/* ---- */

static void a_request_is_passed_on_without_what_belongs_to_its_connection(void)
{
    begin();
    script_say(&server, ANSWER);
    say("GET /a/b?c=d HTTP/1.1\r\nHost: front\r\nConnection: x-mine\r\nX-Mine: 1\r\nX-Two: 2\r\n"
        "TE: trailers\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
    CHECK(asked("GET /base/a/b?c=d HTTP/1.1\r\nHost: server\r\n"));
    CHECK(asked("X-Two: 2\r\n") && asked("X-Forwarded-For: 10.0.0.1, ") &&
          asked("X-Forwarded-Host: front\r\n") && asked("Via: 1.1 weft\r\n"));
    CHECK(strstr(server.got, "X-Mine") == NULL && strstr(server.got, "TE:") == NULL);
    CHECK(got("HTTP/1.1 201 Created\r\n") && got("X-Stays: 2\r\n") && got("\r\n\r\nhello"));
    CHECK(strstr(client->got, "X-Hop") == NULL && strstr(client->got, "Server: other") == NULL);
    finish();
}

static void both_bodies_stream(void)
{
    begin();
    script_say(&server,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n");
    say("POST /up HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n");
    CHECK(asked("Transfer-Encoding: chunked\r\n") && asked("\r\n\r\n4\r\nsome\r\n"));
    CHECK(got("\r\n\r\n5\r\nfirst\r\n")); /* before the request was whole */
    finish();
}

static void an_upload_of_a_known_length_keeps_it(void)
{
    begin();
    say("PUT /up HTTP/1.1\r\nHost: front\r\nContent-Length: 8\r\n\r\nsome");
    say("more");
    CHECK(asked("Content-Length: 8\r\n") && asked("\r\n\r\nsomemore"));
    finish();
}

static void a_connection_serves_one_request_after_the_other(void)
{
    begin();
    for (int i = 0; i < 3; i++) {
        script_say(&server, ANSWER);
        say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    }
    CHECK(!client->closed);
    CHECK_U64(server.conns, 1);
    CHECK_U64(server.next, 3);
    finish();
}

static void gathered_requests_are_passed_on_too(void)
{
    begin();
    script_say(&server, ANSWER);
    say("POST /whole/x HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\n\r\nsome");
    CHECK(asked("POST /base/whole/x HTTP/1.1\r\n") && asked("\r\n\r\nsome"));
    CHECK(got("HTTP/1.1 201 Created\r\n") && got("\r\n\r\nhello"));
    finish();
}

static void answers_without_a_body_have_none(void)
{
    begin();
    script_say(&server, "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n");
    say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    CHECK(got("HTTP/1.1 304 Not Modified\r\n"));
    script_say(&server, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
    say("HEAD /a HTTP/1.1\r\nHost: front\r\n\r\n");
    CHECK(got("Content-Length: 77\r\n"));
    script_say(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    say("GET /last HTTP/1.1\r\nHost: front\r\n\r\n");
    CHECK(got("Content-Length: 0\r\n"));
    CHECK_U64(server.next, 3);
    finish();
}

/* The reason has addresses in it, which are the log's. */
static void a_dead_upstream_is_502_and_the_log_knows_why(void)
{
    begin();
    script_say_then(&server, "", SCRIPT_CLOSE);
    say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    CHECK(got("HTTP/1.1 502 Bad Gateway\r\n"));
    CHECK(got("no answer from the upstream server"));
    CHECK(strstr(client->got, "server:80") == NULL);
    CHECK(weft_sim_logged(sim, WEFT_WARNING,
                          "no answer: server:80: the server closed the connection") != 0);
    finish();
}

static void a_slow_upstream_is_504(void)
{
    begin();
    say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    weft_sim_advance(sim, 5100);
    CHECK(got("HTTP/1.1 504 Gateway Timeout\r\n"));
    finish();
}

static void an_answer_that_is_cut_does_not_look_whole(void)
{
    begin();
    script_say_then(&server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
                    SCRIPT_CLOSE);
    say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    weft_sim_advance(sim, 5000);
    CHECK(client->closed || client->ended);
    CHECK(strstr(client->got, "\r\n0\r\n") == NULL);
    finish();
}

static void a_client_that_leaves_ends_the_exchange_with_the_upstream(void)
{
    begin();
    script_say(&server, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    CHECK_U64(server.open, 1);
    weft_sim_peer_abort(client);
    (void)weft_sim_settle(sim, 5000);
    CHECK_U64(server.open, 0);
    finish();
}

static void also_when_the_request_was_forwarded_whole(void)
{
    begin();
    say("POST /whole/x HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\n\r\nsome");
    CHECK(asked("POST /base/whole/x HTTP/1.1\r\n"));
    CHECK_U64(server.open, 1);
    weft_sim_peer_abort(client);
    (void)weft_sim_settle(sim, 1000);
    CHECK_U64(server.open, 0);
    finish();
}

static void a_slow_client_slows_the_upstream(void)
{
    const size_t n = 12000000;
    char *text = malloc(n + 100);
    REQUIRE(text != NULL);
    int head = snprintf(text, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    memset(text + head, 'x', n);
    begin();
    script_say_bytes(&server, text, (size_t)head + n, SCRIPT_STAY);
    weft_sim_peer_deaf(client, true);
    say("GET /a HTTP/1.1\r\nHost: front\r\n\r\n");
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    CHECK(client->got_bytes < 300000 && stats.buffer_bytes < 4000000);
    weft_sim_peer_deaf(client, false);
    (void)weft_sim_settle(sim, 60000);
    CHECK(client->got_bytes > n);
    finish();
    free(text);
}

static void under_faults_nothing_hangs_and_nothing_leaks(void)
{
    unsigned answered = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin_with((weft_sim_options){.seed = seed,
                                      .system.reactors = (unsigned)(1 + seed % 3),
                                      .faults = {.lost = 4000,
                                                 .refused = 50000,
                                                 .short_read = 200000,
                                                 .short_write = 200000,
                                                 .latency_ms_max = 30,
                                                 .allocation = seed % 5 == 0 ? 3000 : 0}});
        for (int i = 0; i < 4; i++)
            script_say(&server, ANSWER);
        client = weft_sim_connect(sim, FRONT);
        say("POST /a HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\n\r\nsome"
            "GET /b HTTP/1.1\r\nHost: front\r\n\r\n");
        weft_sim_advance(sim, 120000);
        answered += strstr(client->got, "\r\n\r\nhello") != NULL;
        CHECK(client->closed || client->got_bytes != 0);
        finish();
    }
    CHECK(answered > 100);
}

static const test_case cases[] = {
    TEST(a_request_is_passed_on_without_what_belongs_to_its_connection),
    TEST(both_bodies_stream),
    TEST(an_upload_of_a_known_length_keeps_it),
    TEST(a_connection_serves_one_request_after_the_other),
    TEST(gathered_requests_are_passed_on_too),
    TEST(answers_without_a_body_have_none),
    TEST(a_dead_upstream_is_502_and_the_log_knows_why),
    TEST(a_slow_upstream_is_504),
    TEST(an_answer_that_is_cut_does_not_look_whole),
    TEST(a_client_that_leaves_ends_the_exchange_with_the_upstream),
    TEST(also_when_the_request_was_forwarded_whole),
    TEST(a_slow_client_slows_the_upstream),
    TEST(under_faults_nothing_hangs_and_nothing_leaks),
    {0},
};

const test_suite http_forward_suite = {.name = "protocols/http_forward", .cases = cases};
