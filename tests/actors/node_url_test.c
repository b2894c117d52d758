/* SPDX-License-Identifier: MIT */
/* Where nodes may listen and connect: what is plain stays on the machine, what is not says who is there. */
#include <weft/node.h>
#include <weft/system.h>

#include "check.h"

static void quiet(void *context, const weft_log_line *line)
{
    (void)context, (void)line;
}

/* What beginning a node comes to. */
static weft_err begin(const weft_node *node, weft_why *why)
{
    weft_system *sys =
        weft_system_new(&(weft_system_options){.no_signals = true, .log_hook = quiet});
    REQUIRE(sys != NULL);
    *why = (weft_why){""};
    weft_err err = weft_node_begin(sys, node, why);
    weft_system_free(&sys);
    return err;
}

static weft_err listen_at(const char *url, weft_why *why)
{
    return begin(&(weft_node){.name = "a", .listen = url}, why);
}

static weft_err join_at(const char *url, weft_why *why)
{
    const weft_node_member join[] = {{"b", url}, {0}};
    return begin(&(weft_node){.name = "a", .join = join}, why);
}

static void plain_tcp_stays_on_the_machine(void)
{
    static const char *const far[] = {"tcp://192.0.2.1:7000", "nng+tcp://192.0.2.1:7000",
                                      "nng+tcp://b.example:7000", "tcp://[2001:db8::1]:7000"};
    static const char *const near[] = {"tcp://127.0.0.1:7000", "nng+tcp://localhost:7000",
                                       "nng+tcp://[::1]:7000", "nng+ipc:/nowhere/b",
                                       "unix:/nowhere/b"};
    weft_why why;
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        CHECK_ERR(join_at(far[i], &why), WEFT_EDENIED);
        CHECK(strstr(why.text, "loopback alone") != NULL);
    }
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        CHECK_OK(join_at(near[i], &why));
    CHECK_ERR(listen_at("nng+tcp://*:0", &why), WEFT_EDENIED);
    CHECK_ERR(listen_at("nng+tcp://0.0.0.0:0", &why), WEFT_EDENIED);
}

static void nor_does_a_proxy_carry_it_away(void)
{
    weft_why why;
    CHECK_ERR(join_at("tcp://127.0.0.1:7000?via=socks5://192.0.2.2:1080", &why), WEFT_EDENIED);
    CHECK_ERR(join_at("tcp://localhost:7000?via=http://b.example:1", &why), WEFT_EDENIED);
    CHECK_OK(join_at("tcp://127.0.0.1:7000?via=socks5://127.0.0.1:1080", &why));
    CHECK(strstr(why.text, "loopback alone") == NULL);
}

static void a_cluster_has_a_name_that_others_take(void)
{
    static const char *const odd[] = {
        "my cluster",
        "gr\xc3\xb6\xc3\x9f"
        "e",
        "a@b",
        "x123456789x123456789x123456789x123456789x123456789x123456789x123"
        "456789"};
    weft_why why;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        CHECK_ERR(begin(&(weft_node){.name = "a", .cluster = odd[i]}, &why), WEFT_EINVAL);
        CHECK(strstr(why.text, "expected 1 to 63") != NULL);
    }
    CHECK_OK(begin(&(weft_node){.name = "a", .cluster = ""}, &why));
    CHECK_OK(begin(&(weft_node){.name = "a", .cluster = "shop.eu-1/x_y"}, &why));
}

static void unless_it_is_asked_for_in_words(void)
{
    const weft_node_member join[] = {{"b", "nng+tcp://192.0.2.1:7000"}, {0}};
    weft_why why;
    CHECK_OK(begin(&(weft_node){.name = "a", .join = join, .plaintext = true}, &why));
    CHECK_OK(begin(&(weft_node){.name = "a", .listen = "nng+tcp://*:0", .plaintext = true}, &why));
}

static void a_node_shows_its_certificate(void)
{
    weft_why why;
    CHECK_ERR(join_at("nng+tls+tcp://b.example:7000", &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "shows its certificate") != NULL);
    CHECK_ERR(listen_at("nng+tls+tcp://*:0", &why), WEFT_EINVAL);
    CHECK_ERR(listen_at("tls://*:0", &why), WEFT_EINVAL);
    CHECK_ERR(join_at("tcp://b.example:7000?tls", &why), WEFT_EINVAL);
    const weft_node_member join[] = {{"b", "nng+tls+tcp://b.example:7000"}, {0}};
    CHECK_ERR(begin(&(weft_node){.name = "a", .join = join, .cert = "/no/such.pem"}, &why),
              WEFT_ENOTFOUND);
    CHECK(strstr(why.text, "/no/such.pem") != NULL);
}

static void and_wants_to_see_that_of_others(void)
{
    weft_why why;
    CHECK_ERR(listen_at("nng+tls+tcp://*:0?cert=/no/such.pem&clients=asked", &why), WEFT_EDENIED);
    CHECK_ERR(join_at("nng+tls+tcp://b.example:7000?cert=/no/such.pem&verify=off", &why),
              WEFT_EDENIED);
    CHECK(strstr(why.text, "verify each other") != NULL);
}

static void links_do_not_go_over_http(void)
{
    weft_why why;
    CHECK_ERR(join_at("http://127.0.0.1:7000", &why), WEFT_EUNSUPPORTED);
    CHECK_ERR(listen_at("https://127.0.0.1:0", &why), WEFT_EUNSUPPORTED);
}

static const test_case cases[] = {
    TEST(plain_tcp_stays_on_the_machine),
    TEST(nor_does_a_proxy_carry_it_away),
    TEST(a_cluster_has_a_name_that_others_take),
    TEST(unless_it_is_asked_for_in_words),
    TEST(a_node_shows_its_certificate),
    TEST(and_wants_to_see_that_of_others),
    TEST(links_do_not_go_over_http),
    {0},
};

const test_suite node_url_suite = {.name = "actors/node_url", .cases = cases};
