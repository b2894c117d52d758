/* SPDX-License-Identifier: MIT */
/* Whom a listener lets in: lists, limits, and what those hear who come beyond them. */
#include <stdio.h>
#include <string.h>

#include "actors/accepting_kit.h"
#include "actors/peers.h"

static bool in(const char *options)
{
    const weft_sim_peer *p = accepting_client(options);
    return !p->closed && !p->ended && p->got_bytes != 0;
}

/* ---- lists */

static void the_longest_prefix_decides(void)
{
    accepting_begin("?deny=10.0.0.0/8&allow=10.1.0.0/16,192.0.2.0/24&deny=10.1.1.0/24");
    CHECK(in("?bind=192.0.2.7"));
    CHECK(in("?bind=10.1.2.3"));
    CHECK(!in("?bind=10.1.1.3"));
    CHECK(!in("?bind=10.2.0.1"));
    CHECK(!in("?bind=203.0.113.1")); /* in neither, and there is a list of those allowed */
    CHECK(!in("?bind=[::1]"));
    CHECK_U64(counted().conns_denied, 4);
    CHECK_U64(counted().conns_crowded, 0);
    accepting_end();
}

static void with_a_list_of_those_denied_alone_all_others_are_let_in(void)
{
    accepting_begin("?deny=2001:db8::/32,10.0.0.0/8");
    CHECK(in("?bind=[2001:db9::1]"));
    CHECK(!in("?bind=[2001:db8:1::1]"));
    CHECK(in("?bind=192.0.2.7"));
    CHECK(!in("?bind=10.0.0.1"));
    accepting_end();
}

static void of_two_as_long_the_one_that_denies_counts(void)
{
    accepting_begin("?allow=10.0.0.0/8&deny=10.0.0.0/8");
    CHECK(!in("?bind=10.0.0.1"));
    accepting_end();
}

static void who_has_no_ip_address_is_let_in(void)
{
    accepting_begin("?allow=10.0.0.0/8&deny=all&peer_conns_max=1");
    CHECK(in(""));
    CHECK(in(""));
    accepting_end();
}

static void who_is_denied_costs_no_actor(void)
{
    weft_reactor_stats before, after;
    accepting_begin("?deny=all");
    REQUIRE(weft_stats_reactor(weft_sim_system(sim), 0, &before));
    weft_sim_peer *p = accepting_client("?bind=10.0.0.1");
    CHECK(p->closed);
    CHECK_ERR(p->reason, WEFT_ELOST);
    CHECK_U64(seen.closes, 0);
    REQUIRE(weft_stats_reactor(weft_sim_system(sim), 0, &after));
    CHECK(after.actors <= before.actors + 1); /* the peer's own */
    accepting_end();
}

/* ---- limits of a peer */

static void each_peer_has_its_limit(void)
{
    accepting_begin("?peer_conns_max=2");
    weft_sim_peer *first = accepting_client("?bind=192.0.2.7");
    CHECK(in("?bind=192.0.2.7"));
    CHECK(!in("?bind=192.0.2.7"));
    CHECK(in("?bind=192.0.2.8"));
    CHECK_U64(counted().conns_crowded, 1);
    weft_sim_peer_say(first, "q");
    weft_sim_peer_close(first);
    CHECK(in("?bind=192.0.2.7"));
    CHECK(!in("?bind=192.0.2.7"));
    accepting_end();
}

static void addresses_of_one_ipv6_network_are_one_peer(void)
{
    accepting_begin("?peer_conns_max=1");
    CHECK(in("?bind=[2001:db8:0:1::1]"));
    CHECK(!in("?bind=[2001:db8:0:1:ffff::2]"));
    CHECK(in("?bind=[2001:db8:0:2::1]"));
    accepting_end();
    accepting_begin("?peer_conns_max=1&peer_prefix=48");
    CHECK(in("?bind=[2001:db8:0:1::1]"));
    CHECK(!in("?bind=[2001:db8:0:2::1]"));
    CHECK(in("?bind=[2001:db8:1::1]"));
    accepting_end();
}

static void a_peers_connections_are_counted_over_all_reactors(void)
{
    accepting_begin_on(3, "?peer_conns_max=3");
    weft_sim_peer *p[3];
    for (int i = 0; i < 3; i++)
        p[i] = accepting_client("?bind=192.0.2.7");
    CHECK(!in("?bind=192.0.2.7"));
    for (int i = 0; i < 3; i++)
        weft_sim_peer_abort(p[i]);
    for (int i = 0; i < 3; i++)
        CHECK(in("?bind=192.0.2.7"));
    CHECK(!in("?bind=192.0.2.7"));
    accepting_end();
}

static void many_peers_are_told_apart(void)
{
    enum { PEERS = 5000 };
    static wf_peer *held[PEERS];
    wf_peers *peers = wf_peers_new(1, 64);
    REQUIRE(peers != NULL);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < PEERS; i++) {
            weft_address a = {.family = WEFT_FAMILY_V4,
                              .ip = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
            wf_peer *twice = NULL;
            CHECK_OK(wf_peers_enter(peers, &a, &held[i]));
            CHECK_ERR(wf_peers_enter(peers, &a, &twice), WEFT_ELIMIT);
        }
        for (unsigned i = 0; i + (unsigned)round < PEERS; i++)
            wf_peers_leave(&held[i]);
    }
    /* the table goes with the last of them */
    wf_peers_drop(peers);
    wf_peers_leave(&held[PEERS - 1]);
    wf_peers_drop(NULL);
    wf_peers_leave(&held[0]);
}

/* ---- beyond the limit */

static void by_default_they_wait(void)
{
    accepting_begin("?conns_max=1");
    weft_sim_peer *first = accepting_client(""), *second = accepting_client("");
    CHECK(second->opened && !second->closed);
    CHECK_U64(second->got_bytes, 0);
    CHECK_U64(counted().conns_crowded, 0);
    weft_sim_peer_close(first);
    CHECK(second->got_bytes != 0);
    accepting_end();
}

static void they_may_be_closed(void)
{
    accepting_begin("?conns_max=1&overflow=close");
    weft_sim_peer *first = accepting_client(""), *second = accepting_client("");
    CHECK(second->closed);
    CHECK_U64(second->got_bytes, 0);
    CHECK_U64(counted().conns_crowded, 1);
    weft_sim_peer_close(first);
    CHECK(in(""));
    accepting_end();
}

static void they_may_be_told_so_by_the_protocol(void)
{
    accepting_begin_on(2, "?conns_max=1&overflow=refuse");
    weft_sim_peer *first = accepting_client(""), *second = accepting_client("");
    CHECK_STR(weft_sim_expect(second, "busy\r\n"), "");
    CHECK(second->ended);
    CHECK_U64(seen.opens, 1);
    weft_sim_peer_close(second);
    CHECK(second->closed);
    CHECK_ERR(second->reason, WEFT_EDONE);
    CHECK_U64(counted().conns_crowded, 1);
    weft_sim_peer_close(first);
    CHECK(in(""));
    accepting_end();
}

static void who_speaks_first_still_hears_it(void)
{
    accepting_begin("?conns_max=1&overflow=refuse");
    CHECK(in(""));
    weft_sim_peer *second = accepting_client("?latency=10ms");
    weft_sim_peer_say(second, "GET / HTTP/1.1\r\n\r\n");
    CHECK_STR(weft_sim_expect(second, "busy\r\n"), "");
    weft_sim_peer_close(second);
    CHECK_ERR(second->reason, WEFT_EDONE);
    accepting_end();
}

static void a_peer_beyond_its_own_limit_is_told_too(void)
{
    accepting_begin("?peer_conns_max=1&overflow=refuse");
    CHECK(in("?bind=192.0.2.7"));
    weft_sim_peer *second = accepting_client("?bind=192.0.2.7");
    CHECK_STR(weft_sim_expect(second, "busy\r\n"), "");
    CHECK(second->ended);
    accepting_end();
}

static void no_more_than_so_many_are_told_at_once(void)
{
    enum { TOLD = 64 };
    weft_sim_peer *told[TOLD];
    /* those that are refused say no header either, and so are held */
    accepting_begin("?conns_max=1&overflow=refuse&proxy=v1");
    weft_sim_peer *first = accepting_client("");
    weft_sim_peer_say(first, "PROXY UNKNOWN\r\n");
    CHECK(first->got_bytes != 0);
    for (int i = 0; i < TOLD; i++)
        told[i] = accepting_client("");
    const weft_sim_peer *last = accepting_client("");
    CHECK(last->closed);
    CHECK_STR(last->got, "");
    for (int i = 0; i < TOLD; i++) {
        weft_sim_peer_say(told[i], "PROXY UNKNOWN\r\n");
        CHECK_STR(told[i]->got, "busy\r\n");
    }
    weft_sim_peer *next = accepting_client("");
    CHECK(!next->closed);
    CHECK_U64(counted().conns_crowded, TOLD + 2);
    accepting_end();
}

static void memory_that_is_out_anywhere_lets_the_next_in(void)
{
    static const char *const options[] = {"?peer_conns_max=1&allow=all",
                                          "?conns_max=1&overflow=refuse&peer_conns_max=1"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        for (uint64_t n = 1;; n++) {
            REQUIRE(n < 1000);
            accepting_begin(options[i]);
            weft_sim_peer *held = i == 1 ? accepting_client("?bind=192.0.2.1") : NULL;
            weft_sim_fail_allocation(sim, n);
            weft_sim_peer *p = accepting_client("?bind=192.0.2.7");
            bool met = weft_sim_allocation_failed(sim);
            weft_sim_fail_allocation(sim, 0);
            weft_sim_peer_abort(p);
            if (held != NULL)
                weft_sim_peer_abort(held);
            weft_sim_advance(sim, 40000);
            CHECK(in("?bind=192.0.2.7"));
            accepting_end();
            if (!met)
                break;
        }
}

static const test_case cases[] = {
    TEST(the_longest_prefix_decides),
    TEST(with_a_list_of_those_denied_alone_all_others_are_let_in),
    TEST(of_two_as_long_the_one_that_denies_counts),
    TEST(who_has_no_ip_address_is_let_in),
    TEST(who_is_denied_costs_no_actor),
    TEST(each_peer_has_its_limit),
    TEST(addresses_of_one_ipv6_network_are_one_peer),
    TEST(a_peers_connections_are_counted_over_all_reactors),
    TEST(many_peers_are_told_apart),
    TEST(by_default_they_wait),
    TEST(they_may_be_closed),
    TEST(they_may_be_told_so_by_the_protocol),
    TEST(who_speaks_first_still_hears_it),
    TEST(a_peer_beyond_its_own_limit_is_told_too),
    TEST(no_more_than_so_many_are_told_at_once),
    TEST(memory_that_is_out_anywhere_lets_the_next_in),
    {0},
};
const test_suite admission_suite = {.name = "actors/admission", .cases = cases};
