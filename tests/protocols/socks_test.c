/* SPDX-License-Identifier: MIT */
/* The codec of a SOCKS server, and its rules: bytes alone. */
#include <stdlib.h>

#include "check.h"
#include "socks_codec.h"
#include "socks_rules.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* The length that is found with every count of bytes there may be, on a block of exactly that size. */
static weft_err length_of(wf_socks_expected expected, const uint8_t *at, size_t n, size_t *out)
{
    weft_err err = WEFT_OK;
    *out = 0;
    for (size_t seen = 0; seen <= n && err == WEFT_OK && *out == 0; seen++) {
        uint8_t *exact = malloc(seen + (seen == 0));
        weft_why why = {""};
        REQUIRE(exact != NULL);
        memcpy(exact, at, seen);
        err = wf_socks_length(expected, exact, seen, out, &why);
        CHECK(*out == 0 || *out == seen);
        CHECK((err != WEFT_OK) == (why.text[0] != '\0'));
        free(exact);
    }
    return err;
}

static void check_length(wf_socks_expected expected, const uint8_t *at, size_t n, size_t want)
{
    size_t got;
    CHECK_OK(length_of(expected, at, n, &got));
    CHECK_U64(got, want);
}

static void a_message_is_found_with_its_last_byte(void)
{
    check_length(WF_SOCKS_GREETING, BYTES("\x05\x02\x00\x02rest"), 4);
    check_length(WF_SOCKS_GREETING, BYTES("\x05\x00rest"), 2);
    check_length(WF_SOCKS_GREETING, BYTES("\x05\x02\x00"), 0);
    check_length(WF_SOCKS_GREETING, BYTES("\x04\x01\x00\x50\x0a\x00\x00\x01me\x00rest"), 11);
    check_length(WF_SOCKS_GREETING, BYTES("\x04\x01\x00\x50\x0a\x00\x00\x01\x00rest"), 9);
    check_length(WF_SOCKS_GREETING, BYTES("\x04\x01\x00\x50\x00\x00\x00\x01me\x00host\x00rest"),
                 16);
    check_length(WF_SOCKS_GREETING, BYTES("\x04\x01\x00\x50\x00\x00\x00\x01me\x00host"), 0);
    check_length(WF_SOCKS_LOGIN, BYTES("\x01\x02me\x06sesamerest"), 11);
    check_length(WF_SOCKS_REQUEST, BYTES("\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50rest"), 10);
    check_length(WF_SOCKS_REQUEST, BYTES("\x05\x01\x00\x03\x01h\x00\x50rest"), 8);
    check_length(
        WF_SOCKS_REQUEST,
        BYTES("\x05\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
              "\x00\x50rest"),
        22);
}

static void what_is_no_socks_is_refused_with_its_first_byte(void)
{
    size_t n;
    CHECK_ERR(length_of(WF_SOCKS_GREETING, BYTES("GET / HTTP/1.1"), &n), WEFT_EPROTO);
    CHECK_ERR(length_of(WF_SOCKS_LOGIN, BYTES("\x05\x01"), &n), WEFT_EPROTO);
    CHECK_ERR(length_of(WF_SOCKS_REQUEST, BYTES("\x04\x01"), &n), WEFT_EPROTO);
}

static void a_user_or_a_name_without_end_is_refused_at_its_limit(void)
{
    uint8_t text[8 + 256 + 256] = {4, 1, 0, 80, 0, 0, 0, 1};
    size_t n;
    memset(text + 8, 'x', sizeof text - 8);
    CHECK_ERR(length_of(WF_SOCKS_GREETING, text, sizeof text, &n), WEFT_ETOOBIG);
    text[8 + 255] = 0;
    CHECK_ERR(length_of(WF_SOCKS_GREETING, text, sizeof text, &n), WEFT_ETOOBIG);
    text[8 + 256 + 255] = 0;
    CHECK_OK(length_of(WF_SOCKS_GREETING, text, sizeof text, &n));
    CHECK_U64(n, WF_SOCKS_MESSAGE_BYTES_MAX);
}

static void methods_are_looked_for_among_those_offered(void)
{
    CHECK(wf_socks_offers((const uint8_t *)"\x05\x02\x01\x02", WF_SOCKS_PASSWORD));
    CHECK(!wf_socks_offers((const uint8_t *)"\x05\x02\x01\x02", WF_SOCKS_NO_LOGIN));
    CHECK(!wf_socks_offers((const uint8_t *)"\x05\x00", WF_SOCKS_NO_LOGIN));
}

static void a_login_has_a_user_and_a_password(void)
{
    char user[256], password[256];
    CHECK_OK(wf_socks_read_login((const uint8_t *)"\x01\x02me\x06sesame", user, password, NULL));
    CHECK_STR(user, "me");
    CHECK_STR(password, "sesame");
    CHECK_ERR(wf_socks_read_login((const uint8_t *)"\x01\x00\x06sesame", user, password, NULL),
              WEFT_EPROTO);
    CHECK_ERR(wf_socks_read_login((const uint8_t *)"\x01\x02m\x00\x01s", user, password, NULL),
              WEFT_EPROTO);
    CHECK_ERR(wf_socks_read_login((const uint8_t *)"\x01\x01m\x02s\x00", user, password, NULL),
              WEFT_EPROTO);
}

static void check_request(const uint8_t *at, size_t n, unsigned version, const char *host,
                          unsigned port)
{
    wf_socks_request r;
    weft_why why = {""};
    CHECK_OK(wf_socks_read_request(at, n, &r, &why));
    CHECK_U64(r.version, version);
    CHECK_U64(r.command, WF_SOCKS_CONNECT);
    CHECK_STR(r.host, host);
    CHECK_U64(r.port, port);
}

static void a_request_names_a_host_and_a_port(void)
{
    check_request(BYTES("\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x90"), 5, "127.0.0.1", 8080);
    check_request(BYTES("\x05\x01\x00\x03\x0b"
                        "example.com\x00\x50"),
                  5, "example.com", 80);
    check_request(BYTES("\x05\x01\x00\x03\x03::1\x00\x50"), 5, "::1", 80);
    check_request(
        BYTES("\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
              "\x01\x01\xbb"),
        5, "2001:db8::1", 443);
    check_request(BYTES("\x04\x01\x00\x50\x0a\x01\x02\x03me\x00"), 4, "10.1.2.3", 80);
    check_request(BYTES("\x04\x01\x00\x50\x00\x00\x00\x07me\x00"
                        "a_b-c.d\x00"),
                  4, "a_b-c.d", 80);
}

static void a_name_that_means_something_to_a_url_is_refused(void)
{
    static const char *const bad[] = {"",    "a?proxy=x", "a&b", "a/b", "a:1",  "[::1]",    "a%20",
                                      "a b", "a#",        "*",   "@",   "\xff", "fe80::1%1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t at[64] = {5, 1, 0, 3, (uint8_t)strlen(bad[i])};
        wf_socks_request r;
        weft_why why = {""};
        memcpy(at + 5, bad[i], strlen(bad[i]));
        CHECK_ERR(wf_socks_read_request(at, 7 + strlen(bad[i]), &r, &why), WEFT_EPROTO);
        CHECK(why.text[0] != '\0');
    }
    wf_socks_request r;
    CHECK_ERR(wf_socks_read_request(BYTES("\x05\x01\x00\x03\x02"
                                          "a\x00\x00\x50"),
                                    &r, NULL),
              WEFT_EPROTO);
    CHECK_ERR(wf_socks_read_request(BYTES("\x05\x01\x00\x02\x00"), &r, NULL), WEFT_EUNSUPPORTED);
}

static void replies_have_the_address_that_was_bound(void)
{
    weft_address v4 = {.family = WEFT_FAMILY_V4, .port = 80, .ip = {10, 0, 0, 1}};
    weft_address v6 = {.family = WEFT_FAMILY_V6, .port = 80, .ip = {[15] = 1}};
    weft_address other = {.family = WEFT_FAMILY_UNIX, .path = "x"};
    uint8_t say[WF_SOCKS_SAY_BYTES];
    CHECK_MEM(say, wf_socks_say_reply(5, WF_SOCKS_SUCCEEDED, &v4, say),
              "\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50", 10);
    CHECK_MEM(
        say, wf_socks_say_reply(5, WF_SOCKS_SUCCEEDED, &v6, say),
        "\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50",
        22);
    CHECK_MEM(say, wf_socks_say_reply(5, WF_SOCKS_REFUSED, &other, say),
              "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10);
    CHECK_MEM(say, wf_socks_say_reply(4, WF_SOCKS_SUCCEEDED, &v4, say),
              "\x00\x5a\x00\x50\x0a\x00\x00\x01", 8);
    CHECK_MEM(say, wf_socks_say_reply(4, WF_SOCKS_REFUSED, &v6, say),
              "\x00\x5b\x00\x00\x00\x00\x00\x00", 8);
    CHECK_MEM(say, wf_socks_say_method(WF_SOCKS_NO_METHOD, say), "\x05\xff", 2);
    CHECK_MEM(say, wf_socks_say_login(true, say), "\x01\x00", 2);
    CHECK_MEM(say, wf_socks_say_login(false, say), "\x01\x01", 2);
}

static void a_datagram_has_a_header_in_front_and_fragments_have_none(void)
{
    wf_socks_request r;
    weft_address v4 = {.family = WEFT_FAMILY_V4, .port = 53, .ip = {10, 0, 0, 1}};
    uint8_t say[WF_SOCKS_SAY_BYTES];
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x00\x01\x0a\x00\x00\x01\x00\x35text"), &r), 10);
    CHECK_STR(r.host, "10.0.0.1");
    CHECK_U64(r.port, 53);
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x00\x03\x01n\x00\x35"), &r), 8);
    CHECK_STR(r.host, "n");
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x01\x01\x0a\x00\x00\x01\x00\x35text"), &r), 0);
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x00\x01\x0a\x00\x00\x01\x00"), &r), 0);
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x00\x02\x0a\x00\x00\x01\x00\x35"), &r), 0);
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x00\x03\x03a?b\x00\x35"), &r), 0);
    CHECK_U64(wf_socks_read_packet(BYTES("\x00\x00\x00"), &r), 0);
    CHECK_MEM(say, wf_socks_say_packet(&v4, say), "\x00\x00\x00\x01\x0a\x00\x00\x01\x00\x35", 10);
}

static void each_reason_has_its_reply(void)
{
    CHECK_U64(wf_socks_reply_of(WEFT_OK), 0);
    CHECK_U64(wf_socks_reply_of(WEFT_ENOMEM), 1);
    CHECK_U64(wf_socks_reply_of(WEFT_EDENIED), 2);
    CHECK_U64(wf_socks_reply_of(WEFT_EUNREACHABLE), 4);
    CHECK_U64(wf_socks_reply_of(WEFT_ENONAME), 4);
    CHECK_U64(wf_socks_reply_of(WEFT_EREFUSED), 5);
    CHECK_U64(wf_socks_reply_of(WEFT_ETIMEDOUT), 6);
}

/* ---- rules */

static bool matches(const char *rule, const char *host, uint16_t port)
{
    const char *const rules[] = {rule, NULL};
    wf_socks_rule parsed;
    weft_why why = {""};
    wf_socks_place place = wf_socks_place_of(host, port);
    CHECK_OK(wf_socks_rule_parse(rule, &parsed, &why));
    return wf_socks_rules_match(rules, &place);
}

static void rules_are_about_hosts_networks_and_ports(void)
{
    CHECK(matches("*", "anything", 1) && matches("*", "10.0.0.1", 1));
    CHECK(matches("*:80", "a", 80) && !matches("*:80", "a", 81));
    CHECK(matches("*:80-90", "a", 85) && !matches("*:80-90", "a", 91) &&
          !matches("*:80-90", "a", 79));
    CHECK(matches("example.com", "EXAMPLE.com", 1) && matches("example.com", "example.com.", 1));
    CHECK(!matches("example.com", "www.example.com", 1) &&
          !matches("example.com", "example.co", 1));
    CHECK(matches(".example.com", "www.example.com", 1) &&
          !matches(".example.com", "example.com", 1));
    CHECK(!matches(".example.com", "badexample.com", 1));
    CHECK(matches("10.1.2.3", "10.1.2.3", 1) && !matches("10.1.2.3", "10.1.2.4", 1));
    CHECK(matches("10.0.0.0/8:22", "10.255.0.1", 22) && !matches("10.0.0.0/8:22", "11.0.0.1", 22));
    CHECK(matches("10.128.0.0/9", "10.129.0.1", 1) && !matches("10.128.0.0/9", "10.127.0.1", 1));
    CHECK(matches("0.0.0.0/0", "1.2.3.4", 1) && !matches("0.0.0.0/0", "::1", 1));
    CHECK(!matches("0.0.0.0/0", "name", 1));
    CHECK(matches("[::1]", "::1", 1) && !matches("[::1]", "::2", 1));
    CHECK(matches("[fc00::]/7:443", "fd00::1", 443) && !matches("[fc00::]/7:443", "fe00::1", 443));
}

static void an_address_of_ipv4_in_one_of_ipv6_is_no_way_round_a_rule(void)
{
    weft_address mapped = {.family = WEFT_FAMILY_V6,
                           .ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    const char *const rules[] = {"127.0.0.0/8", NULL};
    wf_socks_place place = wf_socks_place_at(&mapped);
    CHECK(matches("127.0.0.0/8", "::ffff:127.0.0.1", 1));
    CHECK(wf_socks_rules_match(rules, &place));
}

static void what_is_no_rule_is_refused(void)
{
    static const char *const bad[] = {
        "",    ":80",         "a:",          "a:x",       "a:70000", "a:9-8",     "a:1-",
        "a/8", "*/8",         "10.0.0.0/33", "10.0.0.0/", "[::1",    "[::1]/129", "[x]",
        "a b", "10.0.0.0/8x", "[10.0.0.1]",  "a:1:2",     "::1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wf_socks_rule rule = {.bits = 77};
        weft_why why = {""};
        CHECK_ERR(wf_socks_rule_parse(bad[i], &rule, &why), WEFT_EINVAL);
        CHECK(rule.bits == 77 && why.text[0] != '\0');
    }
}

static const test_case cases[] = {
    TEST(a_message_is_found_with_its_last_byte),
    TEST(what_is_no_socks_is_refused_with_its_first_byte),
    TEST(a_user_or_a_name_without_end_is_refused_at_its_limit),
    TEST(methods_are_looked_for_among_those_offered),
    TEST(a_login_has_a_user_and_a_password),
    TEST(a_request_names_a_host_and_a_port),
    TEST(a_name_that_means_something_to_a_url_is_refused),
    TEST(replies_have_the_address_that_was_bound),
    TEST(a_datagram_has_a_header_in_front_and_fragments_have_none),
    TEST(each_reason_has_its_reply),
    TEST(rules_are_about_hosts_networks_and_ports),
    TEST(an_address_of_ipv4_in_one_of_ipv6_is_no_way_round_a_rule),
    TEST(what_is_no_rule_is_refused),
    {0},
};
const test_suite socks_suite = {.name = "protocols/socks", .cases = cases};
