/* SPDX-License-Identifier: MIT */
/* The PROXY protocol on connections: whom an owner is told of, what is refused, what is sent. */
#include <stdio.h>
#include <string.h>

#include "actors/accepting_kit.h"

static const char v1[] = "PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n";
static const char greeting[] = "192.0.2.7:5555 at 198.51.100.1:443\n";

static void the_owner_is_told_of_the_client_not_of_the_proxy(void)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    accepting_begin("?proxy=v1");
    weft_sim_peer *p = accepting_client("");
    CHECK_U64(seen.opens, 0);
    weft_sim_peer_say(p, v1);
    CHECK_STR(weft_sim_expect(p, greeting), "");
    weft_sim_peer_say(p, "hello");
    CHECK_STR(weft_sim_expect(p, "hello"), "");
    CHECK_STR(weft_address_print(&seen.peer, text), "192.0.2.7:5555");
    CHECK_STR(weft_address_print(&seen.local, text), "198.51.100.1:443");
    weft_sim_peer_say(p, "q");
    CHECK(p->ended);
    accepting_end();
}

static void what_stands_behind_the_header_is_the_clients_however_it_is_cut(void)
{
    accepting_begin("?proxy=any");
    for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
        char all[128];
        weft_sim_peer *p = accepting_client("");
        (void)snprintf(all, sizeof all, "%shello", v1);
        weft_sim_peer_send_cut(p, all, strlen(all), (weft_sim_cut)cut);
        CHECK_STR(weft_sim_expect(p, greeting), "");
        CHECK_STR(weft_sim_expect(p, "hello"), "");
    }
    accepting_end();
}

static void a_client_may_end_right_behind_its_header(void)
{
    accepting_begin("?proxy=v1");
    weft_sim_peer *p = accepting_client("");
    weft_sim_peer_say(p, v1);
    weft_sim_peer_end(p);
    CHECK_STR(weft_sim_expect(p, greeting), "");
    CHECK(p->closed);
    CHECK_ERR(seen.reason, WEFT_EDONE);
    accepting_end();
}

static void for_local_and_unknown_it_is_the_connection_itself(void)
{
    static const uint8_t local[16] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0";
    accepting_begin("?proxy=any");
    weft_sim_peer *p = accepting_client("?bind=203.0.113.9:77");
    weft_sim_peer_send(p, local, sizeof local);
    CHECK_STR(weft_sim_expect(p, "203.0.113.9:77 at sim://g\n"), "");
    p = accepting_client("?bind=203.0.113.9:78");
    weft_sim_peer_say(p, "PROXY UNKNOWN\r\n");
    CHECK_STR(weft_sim_expect(p, "203.0.113.9:78 at sim://g\n"), "");
    accepting_end();
}

static void a_missing_or_broken_header_closes_with_the_reason(void)
{
    static const struct {
        const char *options, *said, *why;
        weft_err reason;
    } rows[] = {
        {"?proxy=v1", "GET / HTTP/1.1\r\n\r\n", "does not begin with a PROXY header", WEFT_EPROTO},
        {"?proxy=v2", v1, "PROXY header of version 2", WEFT_EPROTO},
        {"?proxy=v1", "PROXY TCP4 1.2.3.4\r\n", "two addresses and two ports", WEFT_EPROTO},
        {"?proxy=any", "\r\n\r\n\r\n", "does not begin with a PROXY header", WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        accepting_begin(rows[i].options);
        weft_sim_peer *p = accepting_client("");
        weft_sim_peer_say(p, rows[i].said);
        CHECK(p->ended || p->closed);
        CHECK_U64(p->got_bytes, 0);
        CHECK_U64(seen.opens, 0);
        CHECK_U64(seen.closes, 1);
        CHECK_ERR(seen.reason, rows[i].reason);
        if (strstr(seen.why, rows[i].why) == NULL)
            CHECK_STR(seen.why, rows[i].why);
        accepting_end();
    }
}

static void a_header_that_never_comes_is_given_up_in_time(void)
{
    accepting_begin("?proxy=v1&handshake=3s");
    weft_sim_peer *p = accepting_client("");
    weft_sim_peer_say(p, "PROXY TCP4 ");
    weft_sim_advance(sim, 2999);
    CHECK(!p->closed);
    weft_sim_advance(sim, 1);
    CHECK(p->closed);
    CHECK_ERR(seen.reason, WEFT_ETIMEDOUT);
    accepting_end();
}

static void a_header_that_ends_early_closes(void)
{
    accepting_begin("?proxy=v1");
    weft_sim_peer *p = accepting_client("");
    weft_sim_peer_send(p, v1, 20);
    weft_sim_peer_end(p);
    CHECK(p->closed);
    CHECK_U64(seen.opens, 0);
    CHECK_ERR(seen.reason, WEFT_ELOST);
    accepting_end();
}

static void proxies_that_are_not_trusted_are_not_heard(void)
{
    accepting_begin("?proxy=v1&proxy_from=203.0.113.0/24,2001:db8::/32");
    weft_sim_peer *p = accepting_client("?bind=203.0.113.9");
    weft_sim_peer_say(p, v1);
    CHECK_STR(weft_sim_expect(p, greeting), "");
    p = accepting_client("?bind=[2001:db8::1]");
    weft_sim_peer_say(p, v1);
    CHECK_STR(weft_sim_expect(p, greeting), "");
    p = accepting_client("?bind=192.0.2.7");
    weft_sim_peer_say(p, v1);
    CHECK(p->closed);
    CHECK_U64(p->got_bytes, 0);
    CHECK_U64(seen.opens, 2);
    CHECK_U64(counted().conns_denied, 1);
    accepting_end();
}

static void lists_and_limits_are_about_the_client_of_the_header(void)
{
    accepting_begin("?proxy=v1&allow=192.0.2.0/24&peer_conns_max=1");
    weft_sim_peer *first = accepting_client("?bind=203.0.113.9");
    weft_sim_peer_say(first, v1);
    CHECK_STR(weft_sim_expect(first, greeting), "");
    weft_sim_peer *second = accepting_client("?bind=203.0.113.9");
    weft_sim_peer_say(second, v1);
    CHECK(second->ended || second->closed);
    CHECK_ERR(seen.reason, WEFT_ELIMIT);
    CHECK_STR(seen.why, "192.0.2.7 has as many connections as it may");
    weft_sim_peer *other = accepting_client("?bind=192.0.2.7");
    weft_sim_peer_say(other, "PROXY TCP4 203.0.113.7 198.51.100.1 5555 443\r\n");
    CHECK(other->ended || other->closed);
    CHECK_ERR(seen.reason, WEFT_EDENIED);
    CHECK_STR(seen.why, "203.0.113.7 is not allowed here");
    CHECK_U64(counted().conns_denied, 1);
    CHECK_U64(counted().conns_crowded, 1);
    /* one that has gone makes room */
    weft_sim_peer_close(first);
    weft_sim_peer *third = accepting_client("?bind=203.0.113.9");
    weft_sim_peer_say(third, v1);
    CHECK_STR(weft_sim_expect(third, greeting), "");
    accepting_end();
}

/* ---- the other side */

static const char *target;
static weft_address for_local, for_peer;
static bool on_behalf, early;

static weft_err go(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_ref stream = on_behalf
                          ? weft_connect_for(self, target, weft_self(self), &for_local, &for_peer)
                          : weft_connect(self, target, weft_self(self));
    if (weft_ref_is_nobody(stream))
        return weft_stop(self, WEFT_ENOMEM);
    return early ? weft_write_text(self, stream, "early") : WEFT_OK;
}

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    return weft_write_text(self, ((const weft_opened *)weft_body(msg))->stream, "hello");
}

static const weft_handler connector_rows[] = {
    {.type = &weft_started_type, .fn = go}, {.type = &weft_opened_type, .fn = hello}, {0}};
static const weft_behaviour connector = {.name = "test.connector", .handlers = connector_rows};

static void connects(const char *url, const char *want)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 5});
    weft_sim_peer *p = weft_sim_listen(sim, "sim://t");
    target = url;
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &connector, NULL)));
    CHECK(weft_sim_run(sim));
    CHECK_STR(weft_sim_expect(p, want), "");
    CHECK_STR(weft_sim_expect(p, early ? "earlyhello" : "hello"), "");
    accepting_end();
}

static void the_header_is_sent_first_also_before_what_was_written_early(void)
{
    on_behalf = false;
    for (int i = 0; i < 2; i++) {
        early = i == 1;
        connects("sim://t?proxy=v1&bind=192.0.2.1:9&tap=/dev/null", "PROXY UNKNOWN\r\n");
    }
    early = false;
}

static void a_connection_for_another_speaks_of_that(void)
{
    on_behalf = true;
    for_peer = (weft_address){.family = WEFT_FAMILY_V4, .port = 5555, .ip = {192, 0, 2, 7}};
    for_local = (weft_address){.family = WEFT_FAMILY_V4, .port = 443, .ip = {198, 51, 100, 1}};
    connects("sim://t?proxy=v1", v1);
    on_behalf = false;
}

static void what_one_end_sends_the_other_reads(void)
{
    for (int v = 1; v <= 2; v++) {
        accepting_begin(v == 1 ? "?proxy=v1" : "?proxy=v2");
        on_behalf = true;
        target = v == 1 ? "sim://g?proxy=v1" : "sim://g?proxy=v2";
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &connector, NULL)));
        CHECK(weft_sim_run(sim));
        char text[WEFT_ADDRESS_TEXT_BYTES];
        CHECK_STR(weft_address_print(&seen.peer, text), "192.0.2.7:5555");
        CHECK_STR(weft_address_print(&seen.local, text), "198.51.100.1:443");
        accepting_end();
    }
    on_behalf = false;
}

static void memory_that_is_out_anywhere_ends_it_in_order(void)
{
    for (int behalf = 0; behalf < 2; behalf++)
        for (uint64_t n = 1;; n++) {
            REQUIRE(n < 1000);
            accepting_begin("?proxy=v2&peer_conns_max=3&allow=all");
            on_behalf = behalf == 1;
            target = "sim://g?proxy=v2";
            weft_sim_fail_allocation(sim, n);
            (void)!weft_ref_is_nobody(weft_sim_spawn(sim, &connector, NULL));
            (void)weft_sim_run(sim);
            bool met = weft_sim_allocation_failed(sim);
            CHECK(met || seen.opens == 1);
            accepting_end();
            if (!met)
                break;
        }
    on_behalf = false;
}

static void urls_that_contradict_themselves_are_refused(void)
{
    weft_listening got;
    weft_why why = {""};
    sim = weft_sim_new(&(weft_sim_options){.seed = 5});
    weft_system *sys = weft_sim_system(sim);
    CHECK_ERR(weft_listen_at(sys, "sim://g?proxy_from=all", &greeter, NULL, &got, &why),
              WEFT_EINVAL);
    CHECK(strstr(why.text, "expected proxy=v1, v2 or any") != NULL);
    CHECK_ERR(weft_listen_at(sys, "sim://g?proxy=v3", &greeter, NULL, &got, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "expected off, v1, v2 or any") != NULL);
    CHECK_ERR(weft_listen_at(sys, "sim://g?proxy=v1&allow=nobody", &greeter, NULL, &got, &why),
              WEFT_EINVAL);
    CHECK_ERR(weft_listen_at(sys, "sim://g?deny=10.0.0.1/8", &greeter, NULL, &got, &why),
              WEFT_EINVAL);
    const weft_sim_peer *p = weft_sim_connect(sim, "sim://g?proxy=any");
    CHECK(p->closed);
    CHECK_ERR(p->reason, WEFT_EINVAL);
    accepting_end();
}

static const test_case cases[] = {
    TEST(the_owner_is_told_of_the_client_not_of_the_proxy),
    TEST(what_stands_behind_the_header_is_the_clients_however_it_is_cut),
    TEST(a_client_may_end_right_behind_its_header),
    TEST(for_local_and_unknown_it_is_the_connection_itself),
    TEST(a_missing_or_broken_header_closes_with_the_reason),
    TEST(a_header_that_never_comes_is_given_up_in_time),
    TEST(a_header_that_ends_early_closes),
    TEST(proxies_that_are_not_trusted_are_not_heard),
    TEST(lists_and_limits_are_about_the_client_of_the_header),
    TEST(the_header_is_sent_first_also_before_what_was_written_early),
    TEST(a_connection_for_another_speaks_of_that),
    TEST(what_one_end_sends_the_other_reads),
    TEST(memory_that_is_out_anywhere_ends_it_in_order),
    TEST(urls_that_contradict_themselves_are_refused),
    {0},
};
const test_suite proxy_suite = {.name = "actors/proxy", .cases = cases};
