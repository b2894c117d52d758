/* SPDX-License-Identifier: MIT */
/* The client asks before a large body goes: Expect: 100-continue, in a simulation. */
#include "alloc.h"
#include "check.h"
#include "script_server.h"

#include <stdlib.h>

static weft_sim *sim;
static script_server server;
static weft_ref client;
static script_asker asker;

enum { LARGE = 1 << 20 };
static char large[LARGE];

static void begin_with(const weft_http_client_config *config, weft_sim_options options)
{
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    server = (script_server){.n = 0};
    script_listen(&server, sim, "sim://server:80");
    client = weft_sim_spawn(sim, &weft_http_caller, config);
    asker = (script_asker){.client = client,
                           .open = true,
                           .upload = "some upload",
                           .upload_n = 11,
                           .call = {.method = WEFT_HTTP_POST, .url = "http://server/"}};
    memset(large, 'x', sizeof large);
}

static void begin(void)
{
    begin_with(NULL, (weft_sim_options){.seed = 1});
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    script_done(&server);
    script_asked(&asker);
}

static const weft_outcome *put_large(void)
{
    const weft_http_call call = {.method = WEFT_HTTP_POST,
                                 .url = "http://server/",
                                 .body = weft_bytes_static(large, sizeof large)};
    return weft_sim_ask_body(sim, client, &weft_http_call_type, &call, WEFT_NO_LIMIT);
}

static int status_of(const weft_outcome *got)
{
    return got->err == WEFT_OK ? ((const weft_http_page *)got->body)->status : 0;
}

static unsigned count(const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(server.got, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

#define GO_ON "HTTP/1.1 100 Continue\r\n\r\n"
#define IN_VAIN "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"
#define NOT_YOU "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define UPLOADED "\r\n\r\nb\r\nsome upload\r\n0\r\n\r\n"

/* ---- it goes */

static void an_upload_of_unknown_length_waits_until_it_is_wanted(void)
{
    begin();
    script_say(&server, "");
    script_ask(&asker, sim);
    (void)weft_sim_run(sim);
    CHECK_U64(count("Expect: 100-continue\r\n"), 1);
    CHECK_U64(count("some upload"), 0);
    finish();

    begin();
    script_say(&server, GO_ON);
    script_say(&server, OK_HELLO);
    script_ask(&asker, sim);
    (void)weft_sim_settle(sim, 500);
    CHECK_U64(count(UPLOADED), 1);
    CHECK_U64(asker.status, 200);
    CHECK_U64(server.open, 1); /* and the connection can be used again */
    finish();
}

static void a_large_body_waits_too(void)
{
    begin();
    script_say(&server, GO_ON OK_HELLO);
    uint32_t before = weft_sim_now(sim);
    CHECK_U64(status_of(put_large()), 200);
    CHECK(weft_sim_now(sim) - before < 500);
    CHECK_U64(count("Expect: 100-continue\r\n"), 1);
    (void)weft_sim_settle(sim, 500);
    CHECK(server.got_n > LARGE / 2); /* which is not all of it that is kept */
    finish();
}

static void who_never_says_it_gets_the_body_after_a_while(void)
{
    static const weft_http_client_config patient = {.limits = {.continue_timeout_ms = 3000}};
    for (int i = 0; i < 2; i++) {
        uint32_t wait = i == 0 ? 1000 : 3000;
        begin_with(i == 0 ? NULL : &patient, (weft_sim_options){.seed = 1});
        script_say(&server, "HTTP/1.1 103 Early Hints\r\n\r\n");
        script_say(&server, OK_HELLO);
        script_ask(&asker, sim);
        weft_sim_advance(sim, wait - 100);
        CHECK_U64(count("some upload"), 0);
        weft_sim_advance(sim, 200);
        CHECK_U64(count(UPLOADED), 1);
        CHECK_U64(asker.status, 200);
        finish();
    }
    begin();
    script_say_bytes(&server, "", 0, SCRIPT_STAY);
    script_say(&server, OK_HELLO);
    script_asker whole = {.client = client,
                          .call = {.method = WEFT_HTTP_POST,
                                   .url = "http://server/",
                                   .body = weft_bytes_static(large, sizeof large)}};
    script_ask(&whole, sim);
    weft_sim_advance(sim, 900);
    CHECK(server.got_n < 500);
    weft_sim_advance(sim, 200);
    CHECK(server.got_n > LARGE / 2);
    finish();
    script_asked(&whole);
}

static void what_is_small_or_told_to_goes_at_once(void)
{
    static const struct {
        uint64_t bytes;
        bool at_once, asks;
    } rows[] = {{11, false, false},   {0, true, false},     {LARGE - 1, false, false},
                {LARGE, false, true}, {LARGE, true, false}, {0, false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        asker.call.upload_bytes = rows[i].bytes;
        asker.call.at_once = rows[i].at_once;
        script_ask(&asker, sim);
        (void)weft_sim_run(sim);
        CHECK_U64(count("Expect: 100-continue\r\n"), rows[i].asks);
        CHECK_U64(count("some upload"), !rows[i].asks);
        finish();
    }
}

/* ---- it does not */

static void who_does_not_know_it_is_asked_again_without(void)
{
    begin();
    script_say(&server, IN_VAIN);
    script_say(&server, OK_HELLO);
    script_ask(&asker, sim);
    (void)weft_sim_settle(sim, 500);
    CHECK_U64(asker.status, 200);
    CHECK_U64(count("POST / HTTP/1.1\r\n"), 2);
    CHECK_U64(count("Expect: 100-continue\r\n"), 1);
    CHECK_U64(count(UPLOADED), 1);
    CHECK_U64(server.conns, 2);
    finish();

    begin();
    script_say(&server, IN_VAIN);
    script_say(&server, IN_VAIN); /* to who did not ask: an answer */
    CHECK_U64(status_of(put_large()), 417);
    CHECK_U64(count("Expect: 100-continue\r\n"), 1);
    CHECK_U64(server.conns, 2);
    finish();
}

static void another_answer_ends_the_upload_in_order(void)
{
    begin();
    script_say(&server, NOT_YOU);
    script_say(&server, OK_HELLO);
    script_ask(&asker, sim);
    (void)weft_sim_settle(sim, 5000);
    CHECK_U64(asker.status, 403);
    CHECK(asker.ended && asker.closed);
    CHECK_ERR(asker.reason, WEFT_EDONE);
    CHECK_STR((const char *)asker.got, "no");
    CHECK_U64(count("some upload"), 0);
    CHECK_U64(server.open, 0); /* what would come next would be taken for the body */
    const weft_http_call call = {.url = "http://server/"};
    CHECK_U64(status_of(weft_sim_ask_body(sim, client, &weft_http_call_type, &call, WEFT_NO_LIMIT)),
              200);
    finish();

    begin();
    script_say(&server, NOT_YOU);
    CHECK_U64(status_of(put_large()), 403);
    (void)weft_sim_settle(sim, 5000);
    CHECK(server.got_n < 500);
    CHECK_U64(server.open, 0);
    finish();
}

/* ---- at any moment */

static void cancelled_at_any_step_nothing_is_left(void)
{
    unsigned cancelled = 0, answered = 0;
    for (unsigned steps = 1; steps < 80; steps++) {
        begin();
        script_say(&server, IN_VAIN);
        script_say(&server, OK_HELLO);
        script_ask(&asker, sim);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        script_cancel(&asker, sim);
        (void)weft_sim_settle(sim, 60000);
        weft_sim_advance(sim, 60000);
        CHECK(asker.answered && asker.closed);
        CHECK_U64(server.open, 0); /* idle for too long, at the latest */
        cancelled += asker.err == WEFT_ECANCELLED;
        answered += asker.err == WEFT_OK;
        finish();
    }
    CHECK(cancelled > 5 && answered > 5);
}

static void stopped_at_any_step_nothing_is_left(void)
{
    for (unsigned steps = 1; steps < 60; steps++) {
        begin();
        script_say(&server, steps % 2 == 0 ? IN_VAIN : GO_ON);
        script_say(&server, OK_HELLO);
        script_ask(&asker, sim);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        finish();
    }
}

static void each_allocation_that_fails_is_told(void)
{
    static const char *const first[] = {IN_VAIN, GO_ON, NOT_YOU};
    unsigned answered = 0, failed = 0;
    for (size_t kind = 0; kind < 3; kind++)
        for (long nth = 0; nth < 120; nth++) {
            begin();
            script_say(&server, first[kind]);
            script_say(&server, OK_HELLO);
            wf_alloc_fail_after(nth);
            script_ask(&asker, sim);
            (void)weft_sim_run(sim);
            wf_alloc_fail_after(-1);
            weft_sim_advance(sim, 200000);
            answered += asker.answered && asker.err == WEFT_OK;
            failed += asker.answered && asker.err != WEFT_OK;
            if (count("\r\n0\r\n\r\n") != 0) /* whole, then */
                CHECK_U64(count(UPLOADED), !asker.not_written);
            finish();
        }
    CHECK(answered > 50 && failed > 10);
}

static void under_faults_it_is_answered_or_told(void)
{
    unsigned answered = 0, failed = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin_with(NULL, (weft_sim_options){.seed = seed,
                                            .faults = {.lost = 20000,
                                                       .short_read = 200000,
                                                       .short_write = 200000,
                                                       .latency_ms_max = 30}});
        script_say(&server, seed % 2 == 0 ? IN_VAIN : GO_ON);
        script_say(&server, OK_HELLO);
        script_ask(&asker, sim);
        (void)weft_sim_settle(sim, 600000);
        weft_sim_advance(sim, 120000);
        CHECK(asker.answered && asker.closed);
        answered += asker.err == WEFT_OK;
        failed += asker.err != WEFT_OK;
        finish();
    }
    CHECK(answered > 50 && failed > 5);
}

static const test_case cases[] = {
    TEST(an_upload_of_unknown_length_waits_until_it_is_wanted),
    TEST(a_large_body_waits_too),
    TEST(who_never_says_it_gets_the_body_after_a_while),
    TEST(what_is_small_or_told_to_goes_at_once),
    TEST(who_does_not_know_it_is_asked_again_without),
    TEST(another_answer_ends_the_upload_in_order),
    TEST(cancelled_at_any_step_nothing_is_left),
    TEST(stopped_at_any_step_nothing_is_left),
    TEST(each_allocation_that_fails_is_told),
    TEST(under_faults_it_is_answered_or_told),
    {0},
};

const test_suite http_continue_suite = {.name = "protocols/http_continue", .cases = cases};
