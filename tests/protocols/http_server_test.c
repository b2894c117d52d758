/* SPDX-License-Identifier: MIT */
/* The HTTP server where the wire alone does not show it: memory, order under load, logs, misuse. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weft/net.h>

#include "check.h"
#include "http_world.h"
#include <weft/testing_stream.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static weft_sim *sim;

static void before(void)
{
    http_world_reset();
    sim = NULL;
}

static void after(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static weft_sim_peer *begin(void)
{
    if (sim == NULL)
        sim = http_world_open(NULL);
    REQUIRE(sim != NULL);
    return weft_sim_connect(sim, "sim://web");
}

static void send_text(weft_sim_peer *c, const char *text)
{
    weft_sim_peer_send(c, text, strlen(text));
}

static void end(weft_sim_peer *c)
{
    weft_sim_peer_close(c);
    weft_sim_peer_deaf(c, false);
}

/* The bytes of all buffers of the server's reactors. */
static uint64_t buffers(void)
{
    uint64_t bytes = 0;
    weft_reactor_stats stats;
    for (unsigned i = 0; weft_stats_reactor(weft_sim_system(sim), i, &stats); i++)
        bytes += stats.buffer_bytes;
    return bytes;
}

/* ---- a client that is slow */

static void answers_behind_a_slow_one_leave_as_there_is_room(void)
{
    static const char slow[] = "GET /late/100 HTTP/1.1\r\nHost: web\r\n\r\n";
    static const char big[] = "GET /big/100000 HTTP/1.1\r\nHost: web\r\n\r\n";
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    send_text(c, slow);
    for (int i = 0; i < 30; i++)
        send_text(c, big);
    weft_sim_advance(sim, 1000);
    CHECK(!c->closed);
    weft_sim_peer_deaf(c, false);
    weft_sim_advance(sim, 1000);

    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, false);
    CHECK_MEM(r.body, r.body_bytes, "late 100\n", 9);
    free(r.body);
    for (int i = 0; i < 30; i++) {
        r = http_take_reply(&at, &n, false);
        CHECK(r.whole && http_is_pattern(&r, 100000));
        free(r.body);
    }
    CHECK_U64(n, 0);
    CHECK(!c->closed && !c->ended);
    end(c);
}

static void a_client_that_does_not_read_is_not_read_from(void)
{
    static const char big[] = "GET /big/10000 HTTP/1.1\r\nHost: web\r\n\r\n";
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    for (int i = 0; i < 2000; i++)
        send_text(c, big);
    weft_sim_advance(sim, 1000);
    CHECK(buffers() < 3 * MIB);
    weft_sim_peer_deaf(c, false);
    weft_sim_advance(sim, 1000);
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    for (int i = 0; i < 2000; i++) {
        http_reply r = http_take_reply(&at, &n, false);
        CHECK(r.whole && r.body_bytes == 10000);
        free(r.body);
    }
    end(c);
}

static void a_client_that_does_not_read_stops_the_maker(void)
{
    enum { BYTES = 8 * MIB };
    static const char make[] = "GET /make/8388608?piece=4096 HTTP/1.1\r\nHost: web\r\n\r\n";
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    send_text(c, make);
    weft_sim_advance(sim, 100);
    unsigned pulls = http_saw.pulls;
    CHECK(pulls > 10);
    weft_sim_advance(sim, 10000);
    CHECK_U64(http_saw.pulls, pulls);
    CHECK(buffers() < 4 * MIB);
    weft_sim_peer_deaf(c, false);
    weft_sim_advance(sim, 1000);
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, false);
    CHECK(r.whole && http_is_pattern(&r, BYTES));
    free(r.body);
    CHECK_U64(http_saw.workers, 0);
    end(c);
}

static void a_maker_whose_client_goes_is_told(void)
{
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    send_text(c, "GET /make/100000000 HTTP/1.1\r\nHost: web\r\n\r\n");
    CHECK_U64(http_saw.workers, 1);
    weft_sim_peer_abort(c);
    weft_sim_advance(sim, 10);
    CHECK_U64(http_saw.workers, 0);
    CHECK_ERR(http_saw.ended, WEFT_ELOST);
    end(c);
}

static void a_client_that_takes_nothing_is_dropped_after_a_while(void)
{
    http_config.limits.write_timeout_ms = 1000;
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    send_text(c, "GET /big/4000000 HTTP/1.1\r\nHost: web\r\n\r\n");
    weft_sim_advance(sim, 100000);
    weft_sim_peer_deaf(c, false);
    weft_sim_advance(sim, 10);
    CHECK(c->closed);
    CHECK(c->got_bytes < 4000000);
    end(c);
}

static void a_client_that_takes_a_little_now_and_then_gets_all(void)
{
    http_config.limits.write_timeout_ms = 1000;
    http_config.limits.idle_timeout_ms = 1000;
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    send_text(c, "GET /big/4000000 HTTP/1.1\r\nHost: web\r\n\r\n");
    for (int i = 0; i < 2000 && !c->closed && c->got_bytes < 4000000; i++) {
        weft_sim_advance(sim, 900);
        weft_sim_peer_hear_once(c);
    }
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, false);
    CHECK(r.whole && http_is_pattern(&r, 4000000));
    free(r.body);
    end(c);
}

static void who_waits_to_be_told_to_go_on_may_take_its_time_with_the_answer_before(void)
{
    enum { BYTES = 3000000 };
    static const char requests[] = "GET /late/100 HTTP/1.1\r\nHost: web\r\n\r\n"
                                   "GET /big/3000000 HTTP/1.1\r\nHost: web\r\n\r\n"
                                   "POST /echo HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n"
                                   "Expect: 100-continue\r\n\r\n";
    http_config.limits.answer_timeout_ms = 1000;
    http_config.limits.write_timeout_ms = 1000;
    weft_sim_peer *c = begin();
    weft_sim_peer_deaf(c, true);
    send_text(c, requests);
    for (int i = 0; i < 2000 && !c->closed && c->got_bytes < BYTES; i++) {
        weft_sim_advance(sim, 900);
        weft_sim_peer_hear_once(c);
    }
    weft_sim_peer_deaf(c, false);
    send_text(c, "hello");
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, false);
    free(r.body);
    r = http_take_reply(&at, &n, false);
    CHECK(r.whole && http_is_pattern(&r, BYTES));
    free(r.body);
    CHECK(n > 21 && memcmp(at, "HTTP/1.1 100 Continue", 21) == 0);
    r = http_take_reply(&at, &n, false);
    CHECK_U64(r.status, 200);
    CHECK_MEM(r.body, r.body_bytes, "hello", 5);
    free(r.body);
    end(c);
}

/* ---- a handler that is slow */

static void a_reader_that_takes_nothing_holds_its_client(void)
{
    enum { BYTES = 8 * MIB };
    static const char head[] =
        "POST /count?stop=3 HTTP/1.1\r\nHost: web\r\nContent-Length: 8388608\r\n\r\n";
    uint8_t *body = malloc(BYTES);
    REQUIRE(body != NULL);
    for (size_t i = 0; i < BYTES; i++)
        body[i] = http_pattern(i);
    weft_sim_peer *c = begin();
    send_text(c, head);
    weft_sim_peer_send(c, body, BYTES);
    weft_sim_advance(sim, 1000);
    CHECK_U64(http_saw.pieces, 3);
    CHECK(buffers() < 4 * MIB);
    CHECK(!c->closed && c->got_bytes == 0);
    /* nothing is read, so it is not seen that the client goes; but nobody waits for ever */
    weft_sim_peer_abort(c);
    weft_sim_advance(sim, 30000);
    CHECK_U64(http_saw.workers, 0);
    CHECK_ERR(http_saw.ended, WEFT_ETIMEDOUT);
    end(c);
    free(body);
}

/* ---- many at once */

enum { CLIENTS = 40, ROUNDS = 5 };

static void check_round(const weft_sim_peer *c)
{
    static const char *const want[] = {"hello\n", "late 7\n", "other: /other/now 1\n", "abc", NULL};
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 5; i++) {
            http_reply r = http_take_reply(&at, &n, false);
            CHECK(r.whole && r.status == 200);
            if (want[i] != NULL)
                CHECK_MEM(r.body, r.body_bytes, want[i], strlen(want[i]));
            else
                CHECK(http_is_pattern(&r, 3000));
            free(r.body);
        }
    CHECK_U64(n, 0);
}

static void many_clients_on_two_reactors_get_what_is_theirs(void)
{
    static const char round[] = "GET /hello HTTP/1.1\r\nHost: web\r\n\r\n"
                                "GET /late/7 HTTP/1.1\r\nHost: web\r\n\r\n"
                                "GET /other/now?a=1 HTTP/1.1\r\nHost: web\r\n\r\n"
                                "POST /back HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc"
                                "GET /make/3000 HTTP/1.1\r\nHost: web\r\n\r\n";
    static weft_sim_peer *c[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        c[i] = begin();
    for (int k = 0; k < ROUNDS; k++)
        for (int i = 0; i < CLIENTS; i++)
            send_text(c[i], round);
    weft_sim_advance(sim, 1000);
    CHECK_U64(http_saw.workers, 0);
    for (int i = 0; i < CLIENTS; i++) {
        check_round(c[i]);
        end(c[i]);
    }
}

static void a_worker_ends_with_its_exchange(void)
{
    weft_sim_peer *c = begin();
    for (int i = 0; i < 100; i++) {
        send_text(c, "GET /late/0 HTTP/1.1\r\nHost: web\r\n\r\n");
        weft_sim_advance(sim, 5);
    }
    CHECK_U64(http_saw.served, 100);
    CHECK_U64(http_saw.workers, 0);
    end(c);
}

/* ---- what a request tells */

static void the_client_is_known_here_and_elsewhere(void)
{
    weft_sim_peer *c = begin();
    send_text(c, "GET /client HTTP/1.1\r\nHost: web\r\n\r\nGET /other/client HTTP/1.1\r\nHost: "
                 "web\r\n\r\n");
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply here = http_take_reply(&at, &n, false), there = http_take_reply(&at, &n, false);
    CHECK(here.body_bytes > 4 && strncmp((char *)here.body, "sim:", 4) == 0);
    CHECK_STR((char *)here.body, (char *)there.body);
    free(here.body);
    free(there.body);
    end(c);
}

/* ---- the access log */

static void log_to(weft_http_access_log *log, bool json)
{
    static weft_http_access_log kept;
    kept = (weft_http_access_log){.fd = memfd_create("access", 0), .json = json};
    http_config.access_log = &kept;
    *log = kept;
}

static void log_read(const weft_http_access_log *log, char *to, size_t room)
{
    ssize_t n = pread(log->fd, to, room - 1, 0);
    to[n > 0 ? n : 0] = '\0';
    (void)close(log->fd);
}

static void an_access_log_has_a_line_for_each_exchange(void)
{
    weft_http_access_log log;
    char got[4096];
    log_to(&log, false);
    weft_sim_peer *c = begin();
    send_text(c, "GET /hello HTTP/1.1\r\nHost: web\r\nReferer: r\"\r\nUser-Agent: a\r\n\r\n"
                 "HEAD /hello HTTP/1.1\r\nHost: web\r\n\r\n"
                 "GET /make/2000 HTTP/1.1\r\nHost: web\r\n\r\n"
                 "POST /hello HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n"
                 "GET /other/never HTTP/1.1\r\nHost: web\r\n\r\n");
    weft_sim_peer_abort(c);
    send_text(c, "");
    end(c);
    c = begin();
    send_text(c, "nonsense\r\n\r\n");
    end(c);
    weft_sim_advance(sim, 10);
    log_read(&log, got, sizeof got);
    CHECK_STR(
        got,
        "client - - [14/Nov/2023:22:13:20 +0000] \"GET /hello HTTP/1.1\" 200 6 \"r\\x22\" \"a\"\n"
        "client - - [14/Nov/2023:22:13:20 +0000] \"HEAD /hello HTTP/1.1\" 200 0 \"-\" \"-\"\n"
        "client - - [14/Nov/2023:22:13:20 +0000] \"GET /make/2000 HTTP/1.1\" 200 2000 \"-\" \"-\"\n"
        "client - - [14/Nov/2023:22:13:20 +0000] \"POST /hello HTTP/1.1\" 405 509 \"-\" \"-\"\n"
        "client - - [14/Nov/2023:22:13:20 +0000] \"GET /other/never HTTP/1.1\" 499 0 \"-\" \"-\"\n"
        "client - - [14/Nov/2023:22:13:20 +0000] \"-\" 400 564 \"-\" \"-\"\n");
}

static void what_an_access_log_loses_is_said_and_counted(void)
{
    static const char get[] = "GET /hello HTTP/1.1\r\nHost: web\r\n\r\n";
    weft_http_access_log log;
    char got[1024];
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), real;
    REQUIRE(full >= 0);
    log_to(&log, false);
    real = dup(log.fd);
    REQUIRE(real >= 0 && dup2(full, log.fd) == log.fd);
    weft_sim_peer *c = begin();
    for (int i = 0; i < 3; i++) {
        send_text(c, get);
        weft_sim_advance(sim, 10);
    }
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "the access log cannot be written: No space left"),
              1);
    CHECK(dup2(real, log.fd) == log.fd);
    send_text(c, get);
    weft_sim_advance(sim, 10);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "is written again; 3 lines were lost"), 1);
    log_read(&log, got, sizeof got);
    CHECK_STR(
        got, "client - - [14/Nov/2023:22:13:20 +0000] \"GET /hello HTTP/1.1\" 200 6 \"-\" \"-\"\n");
    (void)close(real);
    (void)close(full);
    end(c);
}

static void an_access_log_can_be_json(void)
{
    weft_http_access_log log;
    char got[1024];
    log_to(&log, true);
    weft_sim_peer *c = begin();
    send_text(c, "GET /late/5 HTTP/1.1\r\nHost: web\r\nUser-Agent: a\r\n\r\n");
    weft_sim_advance(sim, 10);
    log_read(&log, got, sizeof got);
    CHECK(strstr(got, "\"target\":\"/late/5\"") != NULL);
    CHECK(strstr(got, "\"status\":200") != NULL);
    CHECK(strstr(got, "\"duration_us\":5000") != NULL);
    end(c);
}

/* ---- misuse */

static void a_site_that_cannot_be_is_found_before(void)
{
    static const weft_http_route none[] = {{0}};
    static const weft_http_route two_ways[] = {{.route = "/", .to = "a", .use = &weft_http_files},
                                               {0}};
    static const weft_http_route no_way[] = {{.route = "/"}, {0}};
    static const weft_http_route no_worker[] = {{.route = "/", .to = "a", .stream = true}, {0}};
    static const weft_http_route twice[] = {
        {.route = "/", .to = "a"}, {.route = "/", .to = "b"}, {0}};
    weft_why why;
    CHECK_OK(weft_http_check(http_routes, &why));
    CHECK_ERR(weft_http_check(NULL, &why), WEFT_EINVAL);
    CHECK_ERR(weft_http_check(none, &why), WEFT_EINVAL);
    CHECK_ERR(weft_http_check(two_ways, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "exactly one") != NULL);
    CHECK_ERR(weft_http_check(no_way, &why), WEFT_EINVAL);
    CHECK_ERR(weft_http_check(no_worker, &why), WEFT_EINVAL);
    CHECK_ERR(weft_http_check(twice, &why), WEFT_EEXISTS);
}

static void a_site_that_cannot_be_closes_its_connections_and_says_why(void)
{
    static const weft_http_route no_way[] = {{.route = "/x"}, {0}};
    http_config.routes = no_way;
    weft_sim_peer *c = begin();
    send_text(c, "GET /x HTTP/1.1\r\nHost: web\r\n\r\n");
    CHECK(c->closed || c->ended);
    CHECK_U64(c->got_bytes, 0);
    CHECK(weft_sim_logged(sim, WEFT_ERROR, "route \"/x\" must have exactly one") != 0);
    end(c);
}

static void every_error_has_a_status(void)
{
    static const struct {
        weft_err err;
        int status;
    } rows[] = {{WEFT_EINVAL, 400},       {WEFT_EPROTO, 400},    {WEFT_EDENIED, 403},
                {WEFT_ENOTFOUND, 404},    {WEFT_EEXISTS, 409},   {WEFT_ETOOBIG, 413},
                {WEFT_EINTERNAL, 500},    {WEFT_ENOANSWER, 500}, {WEFT_EUNHANDLED, 500},
                {WEFT_EUNSUPPORTED, 501}, {WEFT_EREFUSED, 502},  {WEFT_ELOST, 502},
                {WEFT_EFULL, 503},        {WEFT_EGONE, 503},     {WEFT_ENOMEM, 503},
                {WEFT_ETIMEDOUT, 504}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_U64(weft_http_status_of(rows[i].err), rows[i].status);
}

static const test_case cases[] = {
    TEST(answers_behind_a_slow_one_leave_as_there_is_room),
    TEST(a_client_that_does_not_read_is_not_read_from),
    TEST(a_client_that_does_not_read_stops_the_maker),
    TEST(a_maker_whose_client_goes_is_told),
    TEST(a_client_that_takes_nothing_is_dropped_after_a_while),
    TEST(a_client_that_takes_a_little_now_and_then_gets_all),
    TEST(who_waits_to_be_told_to_go_on_may_take_its_time_with_the_answer_before),
    TEST(a_reader_that_takes_nothing_holds_its_client),
    TEST(many_clients_on_two_reactors_get_what_is_theirs),
    TEST(a_worker_ends_with_its_exchange),
    TEST(the_client_is_known_here_and_elsewhere),
    TEST(an_access_log_has_a_line_for_each_exchange),
    TEST(what_an_access_log_loses_is_said_and_counted),
    TEST(an_access_log_can_be_json),
    TEST(a_site_that_cannot_be_is_found_before),
    TEST(a_site_that_cannot_be_closes_its_connections_and_says_why),
    TEST(every_error_has_a_status),
    {0},
};

const test_suite http_server_suite = {"protocols/http_server", before, after, cases, false};
