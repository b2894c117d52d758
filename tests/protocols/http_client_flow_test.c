/* SPDX-License-Identifier: MIT */
/* The client's streams, limits of time, redirects, cancels and faults, in a simulation. */
#include "http_client_world.h"

#include <stdlib.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static uint8_t *numbered(size_t n)
{
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
    return bytes;
}

/* ---- redirects */

static void a_redirect_is_followed(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 302 Found\r\nLocation: ../b?c\r\nContent-Length: 4\r\n\r\nthat");
    script_say(&origin, OK_HELLO);
    const weft_outcome *got = get("http://server/x/y/z");
    CHECK_OK(got->err);
    REQUIRE(got->err == WEFT_OK);
    const weft_http_page *page = got->body;
    CHECK_STR(page->url, "http://server/x/b?c");
    CHECK_U64(page->redirects, 1);
    CHECK_MEM(page->body.at, page->body.size, "hello", 5);
    CHECK_U64(origin.conns, 1);
    finish();
}

static void the_method_and_the_body_follow_the_rules_of_rfc_9110(void)
{
    static const struct {
        int status;
        weft_http_method method;
        const char *then;
        bool body;
    } rows[] = {
        {301, WEFT_HTTP_POST, "GET", false}, {302, WEFT_HTTP_POST, "GET", false},
        {303, WEFT_HTTP_POST, "GET", false}, {307, WEFT_HTTP_POST, "POST", true},
        {308, WEFT_HTTP_POST, "POST", true}, {301, WEFT_HTTP_PUT, "PUT", true},
        {302, WEFT_HTTP_PUT, "PUT", true},   {303, WEFT_HTTP_PUT, "GET", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char answer[128], line[64];
        begin(NULL);
        (void)snprintf(answer, sizeof answer,
                       "HTTP/1.1 %d Go\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
                       rows[i].status);
        (void)snprintf(line, sizeof line, "%s /there HTTP/1.1\r\n", rows[i].then);
        script_say(&origin, answer);
        script_say(&origin, OK_HELLO);
        CHECK_OK(ask((weft_http_call){.method = rows[i].method,
                                      .url = "http://server/here",
                                      .content_type = "text/plain",
                                      .body = WEFT_BYTES_LITERAL("some text")})
                     ->err);
        const char *second = strstr(origin.got, line);
        CHECK(second != NULL);
        CHECK(second != NULL && (strstr(second, "some text") != NULL) == rows[i].body);
        CHECK(second != NULL && (strstr(second, "Content-Type") != NULL) == rows[i].body);
        finish();
    }
}

static void credentials_do_not_go_to_another_origin(void)
{
    const weft_http_field fields[] = {WEFT_HTTP_FIELD("Authorization", "Basic c2VjcmV0"),
                                      WEFT_HTTP_FIELD("Cookie", "a=secret"),
                                      WEFT_HTTP_FIELD("X-Plain", "stays")};
    begin(NULL);
    script_say(&origin, "HTTP/1.1 307 Go\r\nLocation: /same\r\nContent-Length: 0\r\n\r\n");
    script_say(&origin, "HTTP/1.1 307 Go\r\nLocation: //other:8080/\r\nContent-Length: 0\r\n\r\n");
    script_say(&elsewhere,
               "HTTP/1.1 307 Go\r\nLocation: http://server/back\r\nContent-Length: 0\r\n\r\n");
    script_say(&origin, OK_HELLO);
    CHECK_OK(
        ask((weft_http_call){.url = "http://server/", .fields = fields, .fields_count = 3})->err);
    CHECK(strstr(strstr(origin.got, "GET /same"), "c2VjcmV0") != NULL);
    CHECK(strstr(elsewhere.got, "secret") == NULL && strstr(elsewhere.got, "c2VjcmV0") == NULL);
    CHECK(strstr(elsewhere.got, "X-Plain: stays") != NULL);
    CHECK(strstr(strstr(origin.got, "GET /back"), "c2VjcmV0") == NULL);
    finish();
}

static void a_loop_of_redirects_ends_at_its_limit(void)
{
    static const weft_http_client_config three = {.limits = {.redirects_max = 3}};
    begin(&three);
    for (int i = 0; i < 6; i++)
        script_say(&origin, "HTTP/1.1 301 Again\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    const weft_outcome *got = get("http://server/");
    CHECK_ERR(got->err, WEFT_ELIMIT);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_OVER_LIMIT);
    CHECK_U64(origin.next, 4);
    finish();
}

static void a_redirect_nowhere_or_unwanted_is_no_page_or_the_page(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 301 Go\r\nLocation: gopher://x/\r\nContent-Length: 0\r\n\r\n");
    CHECK_ERR(get("http://server/")->err, WEFT_EUNSUPPORTED);
    script_say(&origin, "HTTP/1.1 301 Go\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nit");
    const weft_outcome *got = ask((weft_http_call){.url = "http://server/", .no_redirects = true});
    CHECK_OK(got->err);
    REQUIRE(got->err == WEFT_OK);
    CHECK_U64(((const weft_http_page *)got->body)->status, 301);
    finish();
}

/* ---- streams */

static char *answer_with(size_t n, const uint8_t *bytes, size_t *total)
{
    char *text = malloc(n + 128);
    REQUIRE(text != NULL);
    int head = snprintf(text, 128, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    memcpy(text + head, bytes, n);
    *total = (size_t)head + n;
    return text;
}

static void a_reader_that_does_not_read_holds_the_server_back(void)
{
    const size_t n = 12000000;
    size_t total;
    uint8_t *bytes = numbered(n);
    char *text = answer_with(n, bytes, &total);
    begin(NULL);
    script_asker a = {
        .client = client, .deaf = true, .call = {.url = "http://server/", .stream = true}};
    script_say_bytes(&origin, text, total, SCRIPT_STAY);
    script_ask(&a, sim);
    (void)weft_sim_run(sim);
    CHECK(a.answered && a.got_n < 300000);
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    CHECK(stats.buffer_bytes < 4000000);
    weft_sim_advance(sim, 120000); /* which is nobody's fault but its own */
    CHECK(!a.closed);
    script_hear(&a, sim);
    (void)weft_sim_settle(sim, 60000);
    CHECK(a.ended && a.closed && !a.before_answer);
    CHECK_ERR(a.reason, WEFT_EDONE);
    CHECK_MEM(a.got, a.got_n, bytes, n);
    finish();
    script_asked(&a);
    free(text);
    free(bytes);
}

static void a_stream_ends_behind_its_last_byte(void)
{
    begin(NULL);
    script_asker a = {.client = client, .call = {.url = "http://server/", .stream = true}};
    script_say(&origin, OK_HELLO);
    script_ask(&a, sim);
    (void)weft_sim_settle(sim, 1000);
    CHECK(a.answered && a.ended && a.closed && !a.before_answer);
    CHECK_ERR(a.reason, WEFT_EDONE);
    CHECK_U64(a.body_bytes, 5);
    CHECK_STR((const char *)a.got, "hello");
    CHECK_U64(origin.open, 1);
    finish();
    script_asked(&a);
}

static void a_stream_that_is_cut_says_so(void)
{
    begin(NULL);
    script_asker a = {.client = client, .call = {.url = "http://server/", .stream = true}};
    script_say_then(&origin, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all", SCRIPT_CLOSE);
    script_ask(&a, sim);
    (void)weft_sim_settle(sim, 1000);
    CHECK(a.answered && !a.ended && a.closed);
    CHECK_OK(a.err);
    CHECK_ERR(a.reason, WEFT_ETRUNCATED);
    CHECK(strncmp((const char *)a.got, "not all", a.got_n) == 0);
    finish();
    script_asked(&a);
}

static void bad_chunking_in_a_stream_is_no_end_of_it(void)
{
    begin(NULL);
    script_asker a = {.client = client, .call = {.url = "http://server/", .stream = true}};
    script_say(&origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n");
    script_ask(&a, sim);
    (void)weft_sim_settle(sim, 1000);
    CHECK(a.answered && !a.ended && a.closed);
    CHECK_ERR(a.reason, WEFT_EPROTO);
    CHECK_U64(a.body_bytes, UINT64_MAX);
    finish();
    script_asked(&a);
}

static void an_asker_that_closes_its_stream_ends_the_connection(void)
{
    begin(NULL);
    script_asker a = {
        .client = client, .close = true, .call = {.url = "http://server/", .stream = true}};
    script_say(&origin, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    script_ask(&a, sim);
    (void)weft_sim_settle(sim, 1000);
    CHECK(a.closed);
    CHECK_U64(origin.open, 0);
    finish();
    script_asked(&a);
}

static void an_upload_goes_in_chunks_or_by_its_length(void)
{
    for (int known = 0; known < 2; known++) {
        begin(NULL);
        script_asker a = {.client = client,
                          .open = true,
                          .upload = "some upload",
                          .upload_n = 11,
                          .call = {.method = WEFT_HTTP_PUT,
                                   .url = "http://server/",
                                   .at_once = true,
                                   .upload_bytes = known ? 11 : 0}};
        script_say(&origin, "");
        script_ask(&a, sim);
        (void)weft_sim_settle(sim, 1000);
        CHECK(strstr(origin.got,
                     known ? "Content-Length: 11\r\n" : "Transfer-Encoding: chunked\r\n") != NULL);
        CHECK(strstr(origin.got, known ? "\r\n\r\nsome upload"
                                       : "\r\n\r\nb\r\nsome upload\r\n0\r\n\r\n") != NULL);
        CHECK(!a.answered);
        finish();
        script_asked(&a);
    }
}

static void an_upload_of_another_length_than_was_said_fails(void)
{
    for (uint64_t said = 10; said <= 12; said += 2) {
        begin(NULL);
        script_asker a = {
            .client = client,
            .open = true,
            .upload = "some upload",
            .upload_n = 11,
            .call = {.method = WEFT_HTTP_PUT, .url = "http://server/", .upload_bytes = said}};
        script_ask(&a, sim);
        (void)weft_sim_settle(sim, 1000);
        CHECK(a.answered && a.closed);
        CHECK_ERR(a.err, WEFT_EINVAL);
        CHECK_ERR(a.reason, WEFT_EINVAL);
        finish();
        script_asked(&a);
    }
}

/* ---- limits */

static void a_body_beyond_its_limit_fails_whichever_way_it_is_framed(void)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello world",
    };
    for (size_t i = 0; i < 3; i++) {
        begin(NULL);
        script_say(&origin, answers[i]);
        const weft_outcome *got =
            ask((weft_http_call){.url = "http://server/", .body_bytes_max = 10});
        CHECK_ERR(got->err, WEFT_ETOOBIG);
        CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_OVER_LIMIT);
        finish();
    }
}

static void a_head_beyond_its_limits_fails(void)
{
    static const weft_http_client_config small = {
        .limits = {.head_bytes_max = 128, .fields_max = 2}};
    begin(&small);
    script_say(&origin, "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\nContent-Length: 0\r\n\r\n");
    CHECK_ERR(get("http://server/")->err, WEFT_ETOOBIG);
    script_say(&origin, "HTTP/1.1 200 OK\r\nA: "
                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    CHECK_ERR(get("http://server/")->err, WEFT_ETOOBIG);
    finish();
}

/* ---- time */

static uint32_t time_of(const weft_outcome **got, const char *url)
{
    uint32_t before = weft_sim_now(sim);
    *got = get(url);
    return weft_sim_now(sim) - before;
}

static void each_phase_has_its_limit(void)
{
    static const weft_http_client_config config = {
        .limits = {.connect_timeout_ms = 1000, .answer_timeout_ms = 2000, .body_timeout_ms = 3000}};
    const weft_outcome *got;
    begin(&config);
    uint32_t ms = time_of(&got, "http://server/"); /* says nothing */
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_NO_ANSWER);
    CHECK(ms >= 2000 && ms < 2100);
    script_say(&origin, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nslow");
    ms = time_of(&got, "http://server/");
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_PARTIAL_ANSWER);
    CHECK(ms >= 3000 && ms < 3100);
    const weft_http_call call = {.url = "http://server/", .to = "sim://server:80?latency=1h"};
    uint32_t before = weft_sim_now(sim);
    got = ask(call);
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_NOT_SENT);
    CHECK(weft_sim_now(sim) - before >= 1000 && weft_sim_now(sim) - before < 1100);
    finish();
}

static void a_server_that_takes_nothing_of_a_request_is_given_up(void)
{
    static const weft_http_client_config config = {
        .limits = {.send_timeout_ms = 1000, .answer_timeout_ms = 5000}};
    const size_t n = 6000000;
    uint8_t *bytes = numbered(n);
    begin(&config);
    origin.deaf = true;
    uint32_t before = weft_sim_now(sim);
    const weft_outcome *got = ask((weft_http_call){.method = WEFT_HTTP_PUT,
                                                   .url = "http://server/",
                                                   .at_once = true,
                                                   .body = weft_bytes_static(bytes, n)});
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK(strstr(got->why, "send_timeout_ms") != NULL);
    CHECK(weft_sim_now(sim) - before < 2500);
    finish();
    free(bytes);
}

static void the_askers_limit_and_its_cancel_end_the_exchange(void)
{
    begin(NULL);
    script_asker a = {.client = client, .call = {.url = "http://server/", .limit_ms = 500}};
    script_asker b = {.client = client, .call = {.url = "http://server/"}};
    script_ask(&a, sim);
    script_ask(&b, sim);
    (void)weft_sim_run(sim);
    CHECK_U64(origin.open, 2);
    weft_sim_advance(sim, 600);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK_U64(a.failure, WEFT_HTTP_NO_ANSWER);
    CHECK_U64(origin.open, 1);
    script_cancel(&b, sim);
    (void)weft_sim_run(sim);
    CHECK_ERR(b.err, WEFT_ECANCELLED);
    CHECK_U64(origin.open, 0);
    finish();
    script_asked(&a);
    script_asked(&b);
}

/* ---- cut, faults, memory */

static void an_answer_cut_at_any_byte_is_whole_or_fails(void)
{
    static const char *const answers[] = {
        OK_HELLO,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n"
        "T: railer\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 0; n <= strlen(answers[i]); n++) {
            begin(NULL);
            script_say_bytes(&origin, answers[i], n, SCRIPT_CLOSE);
            const weft_outcome *got = get("http://server/");
            if (n == strlen(answers[i])) {
                CHECK_OK(got->err);
            } else {
                CHECK_ERR(got->err, n == 0 ? WEFT_ELOST : WEFT_ETRUNCATED);
                CHECK_U64(weft_http_failure_of(got),
                          n == 0 ? WEFT_HTTP_NO_ANSWER : WEFT_HTTP_PARTIAL_ANSWER);
            }
            finish();
        }
}

static void under_faults_a_body_is_whole_or_its_failure_is_told(void)
{
    const size_t n = 150000;
    size_t total;
    uint8_t *bytes = numbered(n);
    char *text = answer_with(n, bytes, &total);
    unsigned whole = 0, failed = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        bool stream = seed % 2 == 0;
        begin_with(NULL, (weft_sim_options){.seed = seed,
                                            .faults = {.lost = 4000,
                                                       .refused = 50000,
                                                       .short_read = 200000,
                                                       .short_write = 200000,
                                                       .latency_ms_max = 30,
                                                       .allocation = seed % 5 == 0 ? 3000 : 0}});
        script_asker a = {.client = client, .call = {.url = "http://server/", .stream = stream}};
        for (int i = 0; i < 2; i++)
            script_say_bytes(&origin, text, total, SCRIPT_STAY);
        script_ask(&a, sim);
        (void)weft_sim_settle(sim, 600000);
        weft_sim_advance(sim, 120000);
        if (!weft_ref_is_nobody(a.actor) && a.answered && a.err == WEFT_OK && stream) {
            CHECK(a.got_n <= n && memcmp(a.got, bytes, a.got_n) == 0);
            if (a.ended)
                CHECK_U64(a.got_n, n);
        }
        whole += a.answered && a.err == WEFT_OK && (!stream || a.ended);
        failed += a.answered && (a.err != WEFT_OK || (stream && a.closed && !a.ended));
        finish();
        script_asked(&a);
    }
    CHECK(whole > 100 && failed > 20);
    free(text);
    free(bytes);
}

static void stopping_in_the_middle_leaves_nothing(void)
{
    for (uint64_t steps = 1; steps < 60; steps++) {
        begin(NULL);
        script_asker a = {.client = client, .call = {.url = "http://server/", .stream = true}};
        script_asker b = {.client = client, .call = {.url = "http://server/"}};
        script_say(&origin, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
        script_ask(&a, sim);
        script_ask(&b, sim);
        for (uint64_t i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        finish();
        script_asked(&a);
        script_asked(&b);
    }
}

static const test_case cases[] = {
    TEST(a_redirect_is_followed),
    TEST(the_method_and_the_body_follow_the_rules_of_rfc_9110),
    TEST(credentials_do_not_go_to_another_origin),
    TEST(a_loop_of_redirects_ends_at_its_limit),
    TEST(a_redirect_nowhere_or_unwanted_is_no_page_or_the_page),
    TEST(a_stream_ends_behind_its_last_byte),
    TEST(a_reader_that_does_not_read_holds_the_server_back),
    TEST(a_stream_that_is_cut_says_so),
    TEST(bad_chunking_in_a_stream_is_no_end_of_it),
    TEST(an_asker_that_closes_its_stream_ends_the_connection),
    TEST(an_upload_goes_in_chunks_or_by_its_length),
    TEST(an_upload_of_another_length_than_was_said_fails),
    TEST(a_body_beyond_its_limit_fails_whichever_way_it_is_framed),
    TEST(a_head_beyond_its_limits_fails),
    TEST(each_phase_has_its_limit),
    TEST(a_server_that_takes_nothing_of_a_request_is_given_up),
    TEST(the_askers_limit_and_its_cancel_end_the_exchange),
    TEST(an_answer_cut_at_any_byte_is_whole_or_fails),
    TEST(under_faults_a_body_is_whole_or_its_failure_is_told),
    TEST(stopping_in_the_middle_leaves_nothing),
    {0},
};

const test_suite http_client_flow_suite = {.name = "protocols/http_client_flow", .cases = cases};
