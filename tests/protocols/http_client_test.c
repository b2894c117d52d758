/* SPDX-License-Identifier: MIT */
/* The client against a scripted server, in a simulation: answers, connections, redirects, streams. */
#include "http_client_world.h"

#include <stdlib.h>
#include <weft/testing_names.h>

static const weft_http_page *page_of(const weft_outcome *got)
{
    CHECK_OK(got->err);
    if (got->err != WEFT_OK)
        (void)fprintf(stderr, "  %s\n", got->why);
    REQUIRE(got->err == WEFT_OK);
    return got->body;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Some: thing\r\n\r\nhello"

/* ---- answers */

static void a_page_is_got(void)
{
    begin(NULL);
    script_say(&origin, OK_HELLO);
    const weft_http_page *page = page_of(get("http://server/some/where?x=1#there"));
    CHECK_U64(page->status, 200);
    CHECK_MEM(page->body.at, page->body.size, "hello", 5);
    CHECK_STR(page->url, "http://server/some/where?x=1#there");
    CHECK_MEM(page->reason.at, page->reason.bytes, "OK", 2);
    weft_http_text field = weft_http_page_field(page, "x-some");
    CHECK_MEM(field.at, field.bytes, "thing", 5);
    CHECK_STR(origin.got, "GET /some/where?x=1 HTTP/1.1\r\nHost: server\r\nUser-Agent: weft\r\n"
                          "Accept: */*\r\nAccept-Encoding: gzip, br\r\n\r\n");
    finish();
}

static void any_status_is_an_answer(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh No\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n3\r\nsor\r\n2\r\nry\r\n0\r\n\r\n");
    const weft_http_page *page = page_of(get("http://server"));
    CHECK_U64(page->status, 500);
    CHECK_MEM(page->body.at, page->body.size, "sorry", 5);
    finish();
}

static void a_body_may_run_until_the_close(void)
{
    begin(NULL);
    script_say_then(&origin, "HTTP/1.0 200 OK\r\n\r\nall of it", SCRIPT_CLOSE);
    const weft_http_page *page = page_of(get("http://server/"));
    CHECK_MEM(page->body.at, page->body.size, "all of it", 9);
    CHECK_U64(page->minor, 0);
    finish();
}

static void head_and_204_have_no_body(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    script_say(&origin, "HTTP/1.1 204 No Content\r\n\r\n");
    const weft_http_page *page =
        page_of(ask((weft_http_call){.method = WEFT_HTTP_HEAD, .url = "http://server/"}));
    CHECK_U64(page->body.size, 0);
    page = page_of(get("http://server/"));
    CHECK_U64(page->status, 204);
    CHECK_U64(origin.conns, 1);
    finish();
}

static void a_body_is_sent_with_its_type(void)
{
    const weft_http_field field = WEFT_HTTP_FIELD("X-Mine", "yes");
    begin(NULL);
    script_say(&origin, OK_HELLO);
    (void)page_of(ask((weft_http_call){.method = WEFT_HTTP_POST,
                                       .url = "http://server/form",
                                       .fields = &field,
                                       .fields_count = 1,
                                       .content_type = "text/plain",
                                       .body = WEFT_BYTES_LITERAL("some text")}));
    CHECK(strstr(origin.got, "POST /form HTTP/1.1\r\n") == origin.got);
    CHECK(strstr(origin.got, "\r\nContent-Length: 9\r\n") != NULL);
    CHECK(strstr(origin.got, "\r\nContent-Type: text/plain\r\n") != NULL);
    CHECK(strstr(origin.got, "\r\nX-Mine: yes\r\n") != NULL);
    CHECK(strstr(origin.got, "\r\n\r\nsome text") != NULL);
    finish();
}

static void a_call_that_cannot_be_sent_says_why(void)
{
    const weft_http_field bad = WEFT_HTTP_FIELD("X-Mine", "a\r\nb"),
                          length = WEFT_HTTP_FIELD("Content-Length", "5");
    const struct {
        weft_http_call call;
        weft_err err;
    } rows[] = {
        {{.url = NULL}, WEFT_EINVAL},
        {{.url = "server"}, WEFT_EINVAL},
        {{.url = "ftp://server/"}, WEFT_EUNSUPPORTED},
        {{.url = "http://me:secret@server/"}, WEFT_EINVAL},
        {{.url = "http://server/a b"}, WEFT_EINVAL},
        {{.url = "http://server/", .method = WEFT_HTTP_CONNECT}, WEFT_EINVAL},
        {{.url = "http://server/", .method = WEFT_HTTP_OTHER}, WEFT_EINVAL},
        {{.url = "http://server/", .fields = &bad, .fields_count = 1}, WEFT_EINVAL},
        {{.url = "http://server/", .fields = &length, .fields_count = 1}, WEFT_EINVAL},
    };
    begin(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const weft_outcome *got = ask(rows[i].call);
        CHECK_ERR(got->err, rows[i].err);
        CHECK(strncmp(got->why, "not sent: ", 10) == 0);
        CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_NOT_SENT);
        CHECK(strstr(got->why, "secret") == NULL);
    }
    CHECK_U64(origin.got_n, 0);
    finish();
}

static void nobody_there_is_refused(void)
{
    begin(NULL);
    const weft_outcome *got = get("http://server:81/");
    CHECK_ERR(got->err, WEFT_EREFUSED);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_REFUSED);
    finish();
}

/* ---- connections */

static void a_connection_is_used_again(void)
{
    begin(NULL);
    for (int i = 0; i < 3; i++)
        script_say(&origin, OK_HELLO);
    for (int i = 0; i < 3; i++)
        (void)page_of(get("http://server/"));
    CHECK_U64(origin.conns, 1);
    CHECK_U64(origin.open, 1);
    weft_sim_advance(sim, 30100);
    CHECK_U64(origin.open, 0); /* idle_timeout_ms */
    finish();
}

static void one_that_the_server_closes_is_not(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    script_say(&origin, OK_HELLO);
    (void)page_of(get("http://server/"));
    (void)page_of(get("http://server/"));
    CHECK_U64(origin.conns, 2);
    finish();
}

static void a_request_on_a_connection_that_died_is_sent_again_once(void)
{
    begin(NULL);
    script_say(&origin, OK_HELLO);
    script_say_then(&origin, "", SCRIPT_ABORT);
    script_say(&origin, OK_HELLO);
    (void)page_of(get("http://server/"));
    const weft_http_page *page = page_of(get("http://server/"));
    CHECK_U64(page->status, 200);
    CHECK_U64(origin.conns, 2);
    CHECK_U64(origin.next, 3);
    /* once */
    script_say_then(&origin, "", SCRIPT_ABORT);
    script_say_then(&origin, "", SCRIPT_ABORT);
    script_say(&origin, OK_HELLO);
    const weft_outcome *got = get("http://server/");
    CHECK_ERR(got->err, WEFT_ELOST);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_NO_ANSWER);
    CHECK_U64(origin.next, 5);
    finish();
}

static void a_post_is_not_sent_again(void)
{
    begin(NULL);
    script_say(&origin, OK_HELLO);
    script_say_then(&origin, "", SCRIPT_ABORT);
    script_say(&origin, OK_HELLO);
    (void)page_of(get("http://server/"));
    const weft_outcome *got =
        ask((weft_http_call){.method = WEFT_HTTP_POST, .url = "http://server/"});
    CHECK_ERR(got->err, WEFT_ELOST);
    CHECK_U64(origin.next, 2);
    finish();
}

static void an_answer_that_has_begun_is_not_asked_for_again(void)
{
    begin(NULL);
    script_say(&origin, OK_HELLO);
    script_say_then(&origin, "HTTP/1.1 200 OK\r\nContent-Le", SCRIPT_ABORT);
    (void)page_of(get("http://server/"));
    const weft_outcome *got = get("http://server/");
    CHECK_ERR(got->err, WEFT_ETRUNCATED);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_PARTIAL_ANSWER);
    CHECK_U64(origin.next, 2);
    finish();
}

static void calls_beyond_the_limit_of_connections_wait_their_turn(void)
{
    static const weft_http_client_config two = {.limits = {.conns_per_origin_max = 2}};
    script_asker a[6] = {{.client = WEFT_NOBODY}};
    begin(&two);
    for (int i = 0; i < 6; i++) {
        script_say(&origin, OK_HELLO);
        origin.answers[i].delay_ms = 100;
        a[i] = (script_asker){.client = client, .call = {.url = "http://server/"}};
        script_ask(&a[i], sim);
    }
    (void)weft_sim_run(sim);
    CHECK_U64(origin.conns, 2);
    CHECK_U64(origin.next, 2);
    weft_sim_advance(sim, 150);
    CHECK_U64(origin.next, 4);
    weft_sim_advance(sim, 250);
    CHECK_U64(origin.conns, 2);
    for (int i = 0; i < 6; i++) {
        CHECK(a[i].answered);
        CHECK_OK(a[i].err);
        script_asked(&a[i]);
    }
    finish();
}

static void who_waits_too_long_or_behind_too_many_is_told_that_nothing_was_sent(void)
{
    static const weft_http_client_config one = {
        .limits = {.conns_per_origin_max = 1, .waiting_max = 1, .wait_timeout_ms = 500}};
    script_asker a[3] = {{.client = WEFT_NOBODY}};
    begin(&one);
    for (int i = 0; i < 3; i++) {
        a[i] = (script_asker){.client = client, .call = {.url = "http://server/"}};
        script_ask(&a[i], sim);
        (void)weft_sim_run(sim);
    }
    CHECK(a[2].answered);
    CHECK_ERR(a[2].err, WEFT_EFULL);
    CHECK_U64(a[2].failure, WEFT_HTTP_NOT_SENT);
    weft_sim_advance(sim, 501);
    CHECK_ERR(a[1].err, WEFT_ETIMEDOUT);
    CHECK_U64(a[1].failure, WEFT_HTTP_NOT_SENT);
    CHECK(!a[0].answered);
    for (int i = 0; i < 3; i++)
        script_asked(&a[i]);
    finish();
}

static void conns_max_counts_all_origins_and_an_idle_one_makes_place(void)
{
    static const weft_http_client_config one = {.limits = {.conns_max = 1}};
    begin(&one);
    script_say(&origin, OK_HELLO);
    script_say(&elsewhere, OK_HELLO);
    (void)page_of(get("http://server/"));
    (void)page_of(get("http://other:8080/"));
    CHECK_U64(origin.open, 0);
    CHECK_U64(elsewhere.open, 1);
    finish();
}

static void requests_max_ends_a_connection(void)
{
    static const weft_http_client_config two = {.limits = {.requests_max = 2}};
    begin(&two);
    for (int i = 0; i < 3; i++)
        script_say(&origin, OK_HELLO);
    for (int i = 0; i < 3; i++)
        (void)page_of(get("http://server/"));
    CHECK_U64(origin.conns, 2);
    CHECK_U64(count_of(origin.got, "Connection: close"), 1);
    finish();
}

static void what_nobody_asked_for_ends_the_connection(void)
{
    begin(NULL);
    script_say(&origin, OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    script_say(&origin, OK_HELLO);
    (void)page_of(get("http://server/"));
    const weft_http_page *page = page_of(get("http://server/"));
    CHECK_MEM(page->body.at, page->body.size, "hello", 5);
    CHECK_U64(origin.conns, 2);
    finish();
}

static void a_call_may_go_elsewhere_than_its_url_says(void)
{
    begin(NULL);
    script_say(&elsewhere, OK_HELLO);
    (void)page_of(ask((weft_http_call){.url = "http://name.example/x", .to = "sim://other:8080"}));
    CHECK(strstr(elsewhere.got, "Host: name.example\r\n") != NULL);
    finish();
}

static void in_a_simulation_the_wire_knows_names(void)
{
    begin(NULL);
    CHECK_ERR(get("http://nowhere/")->err, WEFT_EREFUSED);
    finish();
}

/* ---- names */

static void a_host_is_looked_up_and_its_addresses_are_raced(void)
{
    static const weft_sim_name names[] = {
        {"www.example", WEFT_DNS_AAAA, "2001:db8::1", .ttl_s = 60}, /* where nobody listens */
        {"www.example", WEFT_DNS_A, "192.0.2.1", .ttl_s = 60},
        {"mail.example", WEFT_DNS_MX, "10 www.example", .ttl_s = 60},
        {0},
    };
    script_server web = {.n = 0};
    begin(NULL);
    CHECK_OK(weft_sim_names(sim, names));
    script_listen(&web, sim, "sim://192.0.2.1:80");
    script_say(&web, OK_HELLO);
    const weft_http_page *page = page_of(get("http://www.example/"));
    CHECK_MEM(page->body.at, page->body.size, "hello", 5);
    const weft_outcome *got = get("http://mail.example/");
    CHECK_ERR(got->err, WEFT_ENONAME);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_NO_NAME);
    finish();
    script_done(&web);
}

static const test_case cases[] = {
    TEST(a_page_is_got),
    TEST(a_host_is_looked_up_and_its_addresses_are_raced),
    TEST(any_status_is_an_answer),
    TEST(a_body_may_run_until_the_close),
    TEST(head_and_204_have_no_body),
    TEST(a_body_is_sent_with_its_type),
    TEST(a_call_that_cannot_be_sent_says_why),
    TEST(nobody_there_is_refused),
    TEST(a_connection_is_used_again),
    TEST(one_that_the_server_closes_is_not),
    TEST(a_request_on_a_connection_that_died_is_sent_again_once),
    TEST(a_post_is_not_sent_again),
    TEST(an_answer_that_has_begun_is_not_asked_for_again),
    TEST(calls_beyond_the_limit_of_connections_wait_their_turn),
    TEST(who_waits_too_long_or_behind_too_many_is_told_that_nothing_was_sent),
    TEST(conns_max_counts_all_origins_and_an_idle_one_makes_place),
    TEST(requests_max_ends_a_connection),
    TEST(what_nobody_asked_for_ends_the_connection),
    TEST(a_call_may_go_elsewhere_than_its_url_says),
    TEST(in_a_simulation_the_wire_knows_names),
    {0},
};

const test_suite http_client_suite = {.name = "protocols/http_client", .cases = cases};
