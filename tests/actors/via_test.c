/* SPDX-License-Identifier: MIT */
/* Connecting through proxies: how they are written, what is said to them, what their answers come to. */
#include <stdlib.h>

#include <weft/net.h>
#include <weft/testing_stream.h>
#include <weft/wire.h>

#include "check.h"
#include "via.h"

/* ---- how it is written */

static wf_via parsed(const char *text)
{
    wf_via proxy = {.kind = WF_VIA_HTTP};
    weft_why why = {""};
    CHECK_OK(wf_via_parse(text, false, &proxy, &why));
    CHECK_STR(why.text, "");
    return proxy;
}

static void a_proxy_is_a_kind_a_user_a_host_and_a_port(void)
{
    wf_via p = parsed("socks5h://me:pass:w@rd@proxy.example:1081");
    CHECK_U64(p.kind, WF_VIA_SOCKS5);
    CHECK_STR(p.user, "me");
    CHECK_STR(p.password, "pass:w@rd");
    CHECK_STR(p.host.name, "proxy.example");
    CHECK_U64(p.host.port, 1081);
    p = parsed("socks4a://me@[::1]");
    CHECK_U64(p.kind, WF_VIA_SOCKS4);
    CHECK_STR(p.user, "me");
    CHECK_STR(p.host.name, "::1");
    CHECK_U64(p.host.port, 1080);
    p = parsed("http://127.0.0.1:3128/");
    CHECK_U64(p.kind, WF_VIA_HTTP);
    CHECK_U64(p.host.port, 3128);
    CHECK_STR(p.user, "");
}

static void what_is_no_proxy_is_refused_and_no_password_is_quoted(void)
{
    char longest[400], password[257] = "";
    memset(password, 's', 256);
    (void)snprintf(longest, sizeof longest, "socks5://u:%s@h", password);
    const struct {
        const char *text;
        weft_err err;
    } bad[] = {
        {"", WEFT_EINVAL},
        {"socks5", WEFT_EINVAL},
        {"socks5:host", WEFT_EINVAL},
        {"socks6://secret:secret@h", WEFT_EUNSUPPORTED},
        {"socks5://", WEFT_EINVAL},
        {"socks5://@h", WEFT_EINVAL},
        {"socks5://secret@h", WEFT_EINVAL},
        {"socks5://:secret@h", WEFT_EINVAL},
        {"socks5://secret:@h", WEFT_EINVAL},
        {"socks4://u:secret@h", WEFT_EINVAL},
        {"socks5://u:secret@*:1", WEFT_EINVAL},
        {"socks5://u:secret@h:0", WEFT_EINVAL},
        {"socks5://u:secret@h:x", WEFT_EINVAL},
        {"http://u:secret@h", WEFT_EINVAL},
        {longest, WEFT_EINVAL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wf_via proxy = {.user = "untouched"};
        weft_why why = {""};
        CHECK_ERR(wf_via_parse(bad[i].text, false, &proxy, &why), bad[i].err);
        CHECK(why.text[0] != '\0' && strstr(why.text, "secret") == NULL);
        CHECK_STR(proxy.user, "untouched");
    }
}

static void a_target_that_cannot_be_said_is_refused(void)
{
    weft_url_host v6 = {.kind = WEFT_HOST_V6, .port = 1, .name = "fe80::1%eth0"};
    wf_via p = parsed("socks5://h");
    CHECK_ERR(wf_via_check(&p, &v6, NULL), WEFT_EINVAL);
    (void)snprintf(v6.name, sizeof v6.name, "::1");
    CHECK_OK(wf_via_check(&p, &v6, NULL));
    p = parsed("socks4a://h");
    CHECK_ERR(wf_via_check(&p, &v6, NULL), WEFT_EINVAL);
}

/* ---- the talk: rows of what is said and heard */

#define SAID(text) text, sizeof(text) - 1

typedef struct talk_row {
    const char *say;
    size_t say_n;
    const char *hear;
    size_t hear_n;
} talk_row;

static weft_url_host host_of(weft_host_kind kind, const char *name)
{
    weft_url_host host = {.kind = kind, .port = 0x1234};
    (void)snprintf(host.name, sizeof host.name, "%s", name);
    return host;
}

/* Hears @row byte by byte: it is whole with its last byte and not before. */
static weft_err hear(wf_via_talk *t, const talk_row *row, uint8_t *say, size_t *said)
{
    weft_why why = {""};
    weft_err err = WEFT_OK;
    size_t taken = 0;
    for (size_t n = 0; n <= row->hear_n && err == WEFT_OK && taken == 0; n++) {
        uint8_t *exact = malloc(n + (n == 0));
        REQUIRE(exact != NULL);
        memcpy(exact, row->hear, n);
        err = wf_via_hear(t, exact, n, &taken, say, said, &why);
        CHECK(taken == 0 || taken == n);
        CHECK(n < row->hear_n || taken == n || err != WEFT_OK);
        free(exact);
    }
    CHECK(err == WEFT_OK || why.text[0] != '\0');
    return err;
}

static weft_err talk(const char *proxy, weft_url_host target, const talk_row *rows)
{
    wf_via p = parsed(proxy);
    wf_via_talk t;
    uint8_t say[WF_VIA_SAY_BYTES];
    size_t said = wf_via_begin(&t, &p, &target, say);
    weft_err err = WEFT_OK;
    for (; err == WEFT_OK && rows->say != NULL; rows++) {
        CHECK_MEM(say, said, rows->say, rows->say_n);
        err = hear(&t, rows, say, &said);
    }
    CHECK((err == WEFT_OK) == t.done);
    return err;
}

static void socks5_sends_a_name_to_the_proxy(void)
{
    const talk_row rows[] = {
        {SAID("\x05\x01\x00"), SAID("\x05\x00")},
        {SAID("\x05\x01\x00\x03\x04name\x12\x34"),
         SAID("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")},
        {0},
    };
    CHECK_OK(talk("socks5h://h", host_of(WEFT_HOST_NAME, "name"), rows));
}

static void socks5_logs_in_if_the_proxy_wants_it(void)
{
    const talk_row rows[] = {
        {SAID("\x05\x02\x00\x02"), SAID("\x05\x02")},
        {SAID("\x01\x02me\x06sesame"), SAID("\x01\x00")},
        {SAID("\x05\x01\x00\x01\x0a\x00\x00\x01\x12\x34"),
         SAID("\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00"
              "\x50")},
        {0},
    };
    CHECK_OK(talk("socks5://me:sesame@h", host_of(WEFT_HOST_V4, "10.0.0.1"), rows));
    const talk_row free[] = {
        {SAID("\x05\x02\x00\x02"), SAID("\x05\x00")},
        {SAID("\x05\x01\x00\x03\x01n\x12\x34"), SAID("\x05\x00\x00\x03\x02hi\x00\x50")},
        {0},
    };
    CHECK_OK(talk("socks5://me:sesame@h", host_of(WEFT_HOST_NAME, "n"), free));
}

static void socks4_sends_an_address_or_a_name_behind_the_user(void)
{
    const talk_row address[] = {
        {SAID("\x04\x01\x12\x34\x0a\x00\x00\x01me\x00"), SAID("\x00\x5a\x00\x00\x00\x00\x00\x00")},
        {0},
    };
    CHECK_OK(talk("socks4://me@h", host_of(WEFT_HOST_V4, "10.0.0.1"), address));
    const talk_row name[] = {
        {SAID("\x04\x01\x12\x34\x00\x00\x00\x01\x00name\x00"), SAID("\x00\x5a______")},
        {0},
    };
    CHECK_OK(talk("socks4a://h", host_of(WEFT_HOST_NAME, "name"), name));
}

static void http_is_asked_to_connect_and_its_interim_answers_are_passed_over(void)
{
    wf_via p = parsed("http://me:open sesame@h:1");
    weft_url_host target = host_of(WEFT_HOST_V6, "::1");
    wf_via_talk t;
    uint8_t say[WF_VIA_SAY_BYTES];
    size_t said = wf_via_begin(&t, &p, &target, say), taken;
    static const char asked[] = "CONNECT [::1]:4660 HTTP/1.1\r\nHost: [::1]:4660\r\n"
                                "Proxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n\r\n";
    CHECK_MEM(say, said, asked, sizeof asked - 1);
    const talk_row rows[] = {{"", 0, SAID("HTTP/1.1 100 Continue\r\n\r\n")},
                             {"", 0, SAID("HTTP/1.0 200 yes\nVia: me\n\n")}};
    CHECK_OK(hear(&t, &rows[0], say, &said));
    CHECK(!t.done);
    CHECK_OK(hear(&t, &rows[1], say, &said));
    CHECK(t.done && said == 0);
    said = wf_via_begin(&t, &p, &target, say);
    static const char more[] = "HTTP/1.1 200 ok\r\n\r\nbytes";
    CHECK_OK(wf_via_hear(&t, (const uint8_t *)more, sizeof more - 1, &taken, say, &said, NULL));
    CHECK(t.done && taken == sizeof more - 1 - 5);
}

static void base64_pads_what_is_left(void)
{
    static const char *const pairs[][2] = {
        {"a:b", "YTpi"}, {"a:bc", "YTpiYw=="}, {"a:bcd", "YTpiY2Q="}};
    for (size_t i = 0; i < 3; i++) {
        char url[64];
        uint8_t say[WF_VIA_SAY_BYTES + 1];
        wf_via_talk t;
        weft_url_host target = host_of(WEFT_HOST_NAME, "n");
        (void)snprintf(url, sizeof url, "http://%s@h:1", pairs[i][0]);
        wf_via p = parsed(url);
        say[wf_via_begin(&t, &p, &target, say)] = '\0';
        const char *at = strstr((char *)say, "Basic ");
        REQUIRE(at != NULL);
        CHECK(strncmp(at + 6, pairs[i][1], strlen(pairs[i][1])) == 0);
        CHECK_STR(at + 6 + strlen(pairs[i][1]), "\r\n\r\n");
    }
}

static void what_is_longest_fits(void)
{
    wf_via p = {.kind = WF_VIA_HTTP};
    weft_url_host target = {.kind = WEFT_HOST_NAME, .port = 65535};
    wf_via_talk t;
    uint8_t say[WF_VIA_SAY_BYTES];
    memset(p.user, 'u', 255);
    memset(p.password, 'p', 255);
    memset(target.name, 'n', 255);
    for (int kind = WF_VIA_SOCKS5; kind <= WF_VIA_HTTP; kind++) {
        p.kind = (wf_via_kind)kind;
        CHECK(wf_via_begin(&t, &p, &target, say) <= sizeof say);
    }
}

static void each_answer_has_its_code(void)
{
    static const talk_row greet5 = {SAID("\x05\x01\x00"), SAID("\x05\x00")};
#define ASK5 SAID("\x05\x01\x00\x03\x01n\x12\x34")
    const struct {
        const char *hear;
        size_t n;
        weft_err err;
    } replies[] = {
        {SAID("\x05\x01"), WEFT_EUNREACHABLE}, {SAID("\x05\x02"), WEFT_EDENIED},
        {SAID("\x05\x03"), WEFT_EUNREACHABLE}, {SAID("\x05\x04"), WEFT_EUNREACHABLE},
        {SAID("\x05\x05"), WEFT_EREFUSED},     {SAID("\x05\x06"), WEFT_ETIMEDOUT},
        {SAID("\x05\x07"), WEFT_EUNSUPPORTED}, {SAID("\x05\x08"), WEFT_EUNSUPPORTED},
        {SAID("\x05\x09"), WEFT_EPROTO},       {SAID("\x05\xff"), WEFT_EPROTO},
        {SAID("\x04"), WEFT_EPROTO},           {SAID("\x05\x00\x00\x02\x00"), WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        const talk_row rows[] = {greet5, {ASK5, replies[i].hear, replies[i].n}, {0}};
        CHECK_ERR(talk("socks5h://h", host_of(WEFT_HOST_NAME, "n"), rows), replies[i].err);
    }
    const struct {
        const char *proxy, *say;
        size_t say_n;
        const char *hear;
        size_t hear_n;
        weft_err err;
    } firsts[] = {
        {"socks5://h", SAID("\x05\x01\x00"), SAID("\x05\xff"), WEFT_EDENIED},
        {"socks5://h", SAID("\x05\x01\x00"), SAID("\x05\x02"), WEFT_EPROTO},
        {"socks5://h", SAID("\x05\x01\x00"), SAID("HTTP"), WEFT_EPROTO},
        {"socks5://u:p@h", SAID("\x05\x02\x00\x02"), SAID("\x05\xff"), WEFT_EDENIED},
        {"socks4://h", SAID("\x04\x01\x12\x34\x00\x00\x00\x01\x00n\x00"), SAID("\x00\x5b"),
         WEFT_EREFUSED},
        {"socks4://h", SAID("\x04\x01\x12\x34\x00\x00\x00\x01\x00n\x00"), SAID("\x00\x5c"),
         WEFT_EDENIED},
        {"socks4://h", SAID("\x04\x01\x12\x34\x00\x00\x00\x01\x00n\x00"), SAID("\x00\x5d"),
         WEFT_EDENIED},
        {"socks4://h", SAID("\x04\x01\x12\x34\x00\x00\x00\x01\x00n\x00"), SAID("\x00\x00"),
         WEFT_EPROTO},
        {"socks4://h", SAID("\x04\x01\x12\x34\x00\x00\x00\x01\x00n\x00"), SAID("\x05"),
         WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        const talk_row rows[] = {{firsts[i].say, firsts[i].say_n, firsts[i].hear, firsts[i].hear_n},
                                 {0}};
        CHECK_ERR(talk(firsts[i].proxy, host_of(WEFT_HOST_NAME, "n"), rows), firsts[i].err);
    }
}

static void a_login_that_is_refused_says_so(void)
{
    const talk_row rows[] = {{SAID("\x05\x02\x00\x02"), SAID("\x05\x02")},
                             {SAID("\x01\x01u\x01p"), SAID("\x01\x01")},
                             {0}};
    CHECK_ERR(talk("socks5://u:p@h", host_of(WEFT_HOST_NAME, "n"), rows), WEFT_EDENIED);
}

static weft_err http_answer(const char *text, size_t n)
{
    wf_via p = parsed("http://h:1");
    weft_url_host target = host_of(WEFT_HOST_NAME, "n");
    wf_via_talk t;
    uint8_t say[WF_VIA_SAY_BYTES];
    size_t said, taken;
    weft_why why = {""};
    (void)wf_via_begin(&t, &p, &target, say);
    return wf_via_hear(&t, (const uint8_t *)text, n, &taken, say, &said, &why);
}

static void an_http_proxy_that_refuses_gives_its_status(void)
{
    CHECK_ERR(http_answer(SAID("HTTP/1.1 407 no\r\n\r\n")), WEFT_EDENIED);
    CHECK_ERR(http_answer(SAID("HTTP/1.1 403 no\r\n\r\n")), WEFT_EDENIED);
    CHECK_ERR(http_answer(SAID("HTTP/1.1 502 no\r\n\r\n")), WEFT_EUNREACHABLE);
    CHECK_ERR(http_answer(SAID("HTTP/1.1 504 no\r\n\r\n")), WEFT_ETIMEDOUT);
    CHECK_ERR(http_answer(SAID("HTTP/1.1 404\r\n\r\n")), WEFT_EREFUSED);
    CHECK_ERR(http_answer(SAID("HTTP/1.1 2x0 no\r\n\r\n")), WEFT_EPROTO);
    CHECK_ERR(http_answer(SAID("HTTP/1.1\n\n")), WEFT_EPROTO);
    CHECK_ERR(http_answer(SAID("HTTP/2")), WEFT_EPROTO);
    CHECK_ERR(http_answer(SAID("\x05")), WEFT_EPROTO);
}

static void an_answer_beyond_its_limit_is_refused(void)
{
    static char head[WF_VIA_HEAD_BYTES_MAX + 1];
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 ok\r\nx: %0*d\r\n\r\n",
                   WF_VIA_HEAD_BYTES_MAX - 24, 0);
    CHECK_U64(strlen(head), WF_VIA_HEAD_BYTES_MAX);
    CHECK_OK(http_answer(head, WF_VIA_HEAD_BYTES_MAX - 1));
    CHECK_OK(http_answer(head, WF_VIA_HEAD_BYTES_MAX));
    head[WF_VIA_HEAD_BYTES_MAX - 2] = 'y';
    CHECK_ERR(http_answer(head, WF_VIA_HEAD_BYTES_MAX), WEFT_ETOOBIG);
}

/* ---- connecting, in a simulation */

static weft_sim *sim;
static weft_sim_peer *proxy, *client;

static void begin(const char *url)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    proxy = weft_sim_listen(sim, "sim://proxy:1080");
    client = weft_sim_connect(sim, url);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

#define EXPECT(peer, text) CHECK_STR(weft_sim_expect_bytes((peer), (text), sizeof(text) - 1), "")
#define SEND(peer, text) weft_sim_peer_send((peer), (text), sizeof(text) - 1)

static void opened_is_told_when_the_proxy_says_yes_and_bytes_behind_it_are_the_targets(void)
{
    begin("sim://target:80?via=socks5h://proxy");
    EXPECT(proxy, "\x05\x01\x00");
    SEND(proxy, "\x05\x00");
    EXPECT(proxy, "\x05\x01\x00\x03\x06target\x00\x50");
    CHECK(!client->opened);
    SEND(proxy, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00hello");
    CHECK(client->opened);
    CHECK_STR(client->got, "hello");
    weft_sim_peer_say(client, "good day");
    EXPECT(proxy, "good day");
    weft_sim_peer_say(proxy, ", you");
    CHECK_STR(client->got, "hello, you");
    weft_sim_peer_end(client);
    CHECK(proxy->ended);
    weft_sim_peer_say(proxy, "!");
    CHECK_STR(client->got, "hello, you!");
    weft_sim_peer_end(proxy);
    CHECK(client->closed && client->reason == WEFT_EDONE);
    finish();
}

static void it_may_come_byte_by_byte(void)
{
    begin("sim://target:80?via=socks5h://proxy");
    weft_sim_peer_send_cut(proxy, "\x05\x00", 2, WEFT_SIM_BYTES);
    weft_sim_peer_send_cut(proxy, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00x", 11, WEFT_SIM_BYTES);
    CHECK(client->opened);
    CHECK_STR(client->got, "x");
    finish();
}

static void a_refusal_closes_it_with_the_proxys_reason(void)
{
    begin("sim://target:80?via=socks5h://proxy");
    SEND(proxy, "\x05\x00");
    SEND(proxy, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00");
    CHECK(!client->opened && client->closed);
    CHECK_ERR(client->reason, WEFT_EREFUSED);
    CHECK_STR(client->why, "the proxy says: connection refused (reply 5)");
    finish();
}

static void a_proxy_that_ends_or_says_nothing_is_a_failure_in_time(void)
{
    begin("sim://target:80?via=socks5h://proxy");
    weft_sim_peer_end(proxy);
    CHECK(client->closed && !client->opened);
    CHECK_ERR(client->reason, WEFT_ELOST);
    finish();
    begin("sim://target:80?via=socks5h://proxy&timeout=2s");
    weft_sim_advance(sim, 1999);
    CHECK(!client->closed);
    weft_sim_advance(sim, 2);
    CHECK_ERR(client->reason, WEFT_ETIMEDOUT);
    finish();
}

static void a_proxy_nobody_is_at_is_refused(void)
{
    begin("sim://target:80?via=socks5h://elsewhere");
    CHECK_ERR(client->reason, WEFT_EREFUSED);
    finish();
    begin("sim://target:80?via=socks7://proxy");
    CHECK_ERR(client->reason, WEFT_EUNSUPPORTED);
    finish();
}

static void a_service_has_no_proxy(void)
{
    begin("sim://target:80?srv=mail&via=socks5h://proxy");
    CHECK_ERR(client->reason, WEFT_EINVAL);
    CHECK(strstr(client->why, "exclude each other") != NULL);
    finish();
}

static void an_owner_that_leaves_in_the_middle_leaves_nothing(void)
{
    begin("sim://target:80?via=socks5h://u:p@proxy");
    SEND(proxy, "\x05\x02");
    weft_sim_peer_abort(client);
    CHECK(proxy->closed);
    finish();
    begin("sim://target:80?via=http://proxy:1080");
    finish();
}

static void much_goes_through_when_the_talk_is_over(void)
{
    const size_t n = 3000000;
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    begin("sim://target:80?via=http://proxy:1080");
    EXPECT(proxy, "CONNECT target:80 HTTP/1.1\r\nHost: target:80\r\n\r\n");
    SEND(proxy, "HTTP/1.1 200 ok\r\n\r\n");
    CHECK(client->opened);
    weft_sim_peer_send(client, bytes, n);
    CHECK(proxy->got_bytes == n + proxy->expected &&
          memcmp(proxy->got + proxy->expected, bytes, n) == 0);
    weft_sim_peer_send(proxy, bytes, n);
    CHECK_MEM(client->got, client->got_bytes, bytes, n);
    finish();
    free(bytes);
}

static void memory_that_is_out_anywhere_closes_it_and_leaks_nothing(void)
{
    for (uint64_t n = 1;; n++) {
        sim = weft_sim_new(&(weft_sim_options){.seed = 1});
        proxy = weft_sim_listen(sim, "sim://proxy:1080");
        weft_sim_fail_allocation(sim, n);
        client = weft_sim_connect(sim, "sim://target:80?via=socks5h://u:p@proxy");
        SEND(proxy, "\x05\x02");
        SEND(proxy, "\x01\x00");
        SEND(proxy, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00hello");
        bool met = weft_sim_allocation_failed(sim);
        CHECK(met ? client->opened || client->closed || proxy->closed : client->opened);
        finish();
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(a_proxy_is_a_kind_a_user_a_host_and_a_port),
    TEST(what_is_no_proxy_is_refused_and_no_password_is_quoted),
    TEST(a_target_that_cannot_be_said_is_refused),
    TEST(socks5_sends_a_name_to_the_proxy),
    TEST(socks5_logs_in_if_the_proxy_wants_it),
    TEST(socks4_sends_an_address_or_a_name_behind_the_user),
    TEST(http_is_asked_to_connect_and_its_interim_answers_are_passed_over),
    TEST(base64_pads_what_is_left),
    TEST(what_is_longest_fits),
    TEST(each_answer_has_its_code),
    TEST(a_login_that_is_refused_says_so),
    TEST(an_http_proxy_that_refuses_gives_its_status),
    TEST(an_answer_beyond_its_limit_is_refused),
    TEST(opened_is_told_when_the_proxy_says_yes_and_bytes_behind_it_are_the_targets),
    TEST(it_may_come_byte_by_byte),
    TEST(a_refusal_closes_it_with_the_proxys_reason),
    TEST(a_proxy_that_ends_or_says_nothing_is_a_failure_in_time),
    TEST(a_proxy_nobody_is_at_is_refused),
    TEST(a_service_has_no_proxy),
    TEST(an_owner_that_leaves_in_the_middle_leaves_nothing),
    TEST(much_goes_through_when_the_talk_is_over),
    TEST(memory_that_is_out_anywhere_closes_it_and_leaks_nothing),
    {0},
};
const test_suite via_suite = {.name = "actors/via", .cases = cases};
