/* SPDX-License-Identifier: MIT */
/* Networks: what is one, and which of a list an address is in. */
#include "actors/networks.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

static weft_why why;

static weft_address address(const char *text)
{
    weft_address a = {.family = strchr(text, ':') != NULL ? WEFT_FAMILY_V6 : WEFT_FAMILY_V4};
    REQUIRE(inet_pton(a.family == WEFT_FAMILY_V6 ? AF_INET6 : AF_INET, text, a.ip) == 1);
    return a;
}

static weft_err list(const char *options, wf_networks *out)
{
    char text[WEFT_URL_BYTES_MAX + 1];
    weft_url url;
    (void)snprintf(text, sizeof text, "tcp://*:1?%s", options);
    CHECK_OK(weft_url_parse(text, &url, &why));
    return wf_networks_read(&url, WEFT_URL_ALLOW, out, &why);
}

static int match(const char *options, const char *of)
{
    wf_networks networks;
    weft_address a = address(of);
    CHECK_OK(list(options, &networks));
    return wf_networks_match(&networks, &a);
}

static void an_address_is_in_the_networks_whose_prefix_it_has(void)
{
    CHECK(match("allow=10.0.0.0/8", "10.255.255.255") == 8);
    CHECK(match("allow=10.0.0.0/8", "11.0.0.0") == -1);
    CHECK(match("allow=192.0.2.7", "192.0.2.7") == 32);
    CHECK(match("allow=192.0.2.7", "192.0.2.6") == -1);
    CHECK(match("allow=192.0.2.4/30", "192.0.2.7") == 30);
    CHECK(match("allow=192.0.2.4/30", "192.0.2.8") == -1);
    CHECK(match("allow=0.0.0.0/0", "255.255.255.255") == 0);
    CHECK(match("allow=2001:db8::/33", "2001:db8:7fff::1") == 33);
    CHECK(match("allow=2001:db8::/33", "2001:db8:8000::1") == -1);
    CHECK(match("allow=::1", "::1") == 128);
}

static void families_are_apart(void)
{
    CHECK(match("allow=::/0", "10.0.0.1") == -1);
    CHECK(match("allow=0.0.0.0/0", "::1") == -1);
    CHECK(match("allow=all", "::1") == 0);
    CHECK(match("allow=all", "10.0.0.1") == 0);
    CHECK(match("allow=::ffff:10.0.0.0/104", "10.1.2.3") == 8);
}

static void the_longest_prefix_counts_whatever_the_order(void)
{
    CHECK(match("allow=10.0.0.0/8,10.1.0.0/16,10.0.0.0/9", "10.1.2.3") == 16);
    CHECK(match("allow=10.1.0.0/16&allow=10.0.0.0/8", "10.1.2.3") == 16);
    CHECK(match("allow=10.1.0.0/16&allow=10.0.0.0/8", "10.2.2.3") == 8);
}

static void what_is_no_ip_address_is_in_no_network(void)
{
    wf_networks networks;
    weft_address unix_one = {.family = WEFT_FAMILY_UNIX};
    CHECK_OK(list("allow=all", &networks));
    CHECK(wf_networks_match(&networks, &unix_one) == -1);
}

static void what_is_no_network_is_refused_with_a_sentence(void)
{
    static const char *const bad[] = {
        "10.0.0.0/33",      "10.0.0/8", "10.0.0.0/",   "10.0.0.0/-1", "10.0.0.0/8x",
        "::/129",           "",         "example.org", "/8",          "10.0.0.0/8,,::1/128",
        "fe80::1%25eth0/64"};
    wf_networks networks;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char option[64];
        (void)snprintf(option, sizeof option, "allow=%s,10.0.0.1", bad[i]);
        CHECK_ERR(list(option, &networks), WEFT_EINVAL);
        CHECK(strstr(why.text, "is no network") != NULL);
    }
    CHECK_ERR(list("allow=10.1.0.0/8", &networks), WEFT_EINVAL);
    CHECK(strstr(why.text, "\"10.1.0.0/8\" has bits set behind its prefix of 8") != NULL);
    CHECK_ERR(list("allow=2001:db8::1/64", &networks), WEFT_EINVAL);
}

static void a_list_has_a_limit(void)
{
    char text[1024] = "allow=";
    wf_networks networks;
    for (int i = 0; i < WF_NETWORKS_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s10.0.0.%d",
                       i == 0 ? "" : ",", i);
    CHECK_OK(list(text, &networks));
    CHECK_U64(networks.n, WF_NETWORKS_MAX);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), ",::1");
    CHECK_ERR(list(text, &networks), WEFT_ELIMIT);
}

static const test_case cases[] = {
    TEST(an_address_is_in_the_networks_whose_prefix_it_has),
    TEST(families_are_apart),
    TEST(the_longest_prefix_counts_whatever_the_order),
    TEST(what_is_no_ip_address_is_in_no_network),
    TEST(what_is_no_network_is_refused_with_a_sentence),
    TEST(a_list_has_a_limit),
    {0},
};
const test_suite networks_suite = {.name = "actors/networks", .cases = cases};
