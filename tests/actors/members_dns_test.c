/* SPDX-License-Identifier: MIT */
/* Members by DNS: nodes that know each other by SRV records, and by addresses. */
#include <weft/members.h>
#include <weft/testing_names.h>

#include "node_kit.h"

static weft_members_dns_config config = {.service = "_weft._tcp.weft.example", .scheme = "sim"};
static weft_ref dns_at[KIT_NODES_MAX];

static const weft_sim_name three[] = {
    {.name = "_weft._tcp.weft.example", .type = WEFT_DNS_SRV, .value = "0 0 0 n0", .ttl_s = 5},
    {.name = "_weft._tcp.weft.example", .type = WEFT_DNS_SRV, .value = "0 0 0 n1", .ttl_s = 5},
    {.name = "_weft._tcp.weft.example", .type = WEFT_DNS_SRV, .value = "0 0 0 n2", .ttl_s = 5},
    {0},
};
static const weft_sim_name two[] = {
    {.name = "_weft._tcp.weft.example", .type = WEFT_DNS_SRV, .value = "0 0 0 n0", .ttl_s = 5},
    {.name = "_weft._tcp.weft.example", .type = WEFT_DNS_SRV, .value = "0 0 0 n2", .ttl_s = 5},
    {0},
};
static const weft_sim_name down[] = {
    {.name = "_weft._tcp.weft.example", .type = WEFT_DNS_SRV, .failure = WEFT_EUNREACHABLE},
    {0},
};
static const weft_sim_name addresses[] = {
    {.name = "weft.example", .type = WEFT_DNS_A, .value = "192.0.2.1", .ttl_s = 600},
    {.name = "weft.example", .type = WEFT_DNS_AAAA, .value = "2001:db8::1", .ttl_s = 600},
    {0},
};

static void begin_dns(unsigned i)
{
    CHECK_OK(weft_sim_names(node_at[i].sim, three));
    dns_at[i] = weft_sim_spawn(node_at[i].sim, &weft_members_dns, &config);
}

static void cluster_of(unsigned n)
{
    kit_strangers = true;
    kit_more = begin_dns;
    world_of(n, 9, NULL);
}

static void names_are(unsigned n, const weft_sim_name *rows)
{
    for (unsigned i = 0; i < n; i++)
        CHECK_OK(weft_sim_names(node_at[i].sim, rows));
}

static weft_members_counts counts_of(unsigned i)
{
    const weft_outcome *got = weft_sim_ask(node_at[i].sim, dns_at[i], weft_members_look, 0);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_members_counts *)got->body
                               : (weft_members_counts){.members = UINT32_MAX};
}

static void targets_of_a_service_are_linked(void)
{
    cluster_of(3);
    CHECK(all_linked());
    CHECK_U64(count_of(ask_counter(0, 2, 4, 1000)), 5);
    CHECK_U64(counts_of(0).members, 2);
}

static void who_is_no_longer_named_parts_and_may_come_back(void)
{
    cluster_of(3);
    CHECK(all_linked());
    names_are(3, two);
    weft_sim_advance(world, 7000);
    CHECK_U64(counts_of(0).members, 1);
    CHECK(!is_up(0, 1) && is_up(0, 2));
    CHECK_ERR(tell_counter(0, 1, 1), WEFT_EUNREACHABLE);
    names_are(3, three);
    weft_sim_advance(world, 20000);
    CHECK(all_linked());
}

static void without_an_answer_all_stays(void)
{
    cluster_of(3);
    CHECK(all_linked());
    names_are(3, down);
    weft_sim_advance(world, 60000);
    CHECK(counts_of(0).failed > 0);
    CHECK_U64(counts_of(0).members, 2);
    CHECK(all_linked());
}

static void a_lookup_is_made_when_the_last_has_expired_and_not_before(void)
{
    cluster_of(2);
    weft_sim_advance(world, 4900);
    CHECK_U64(counts_of(0).lookups, 1);
    weft_sim_advance(world, 200);
    CHECK_U64(counts_of(0).lookups, 2);
}

static weft_members_dns_config by_host = {.host = "weft.example", .port = 7, .scheme = "sim"};

static void addresses_of_a_host_are_named_after_themselves(void)
{
    weft_link_info info;
    world_of(1, 9, NULL);
    CHECK_OK(weft_sim_names(node_at[0].sim, addresses));
    dns_at[0] = weft_sim_spawn(node_at[0].sim, &weft_members_dns, &by_host);
    weft_sim_advance(world, 100);
    CHECK_U64(counts_of(0).members, 2);
    (void)snprintf(node_at[1].name, sizeof node_at[1].name, "192-0-2-1");
    info = info_of(0, 1);
    CHECK_STR(info.name, "192-0-2-1");
    (void)snprintf(node_at[1].name, sizeof node_at[1].name, "2001-db8--1");
    info = info_of(0, 1);
    CHECK_STR(info.name, "2001-db8--1");
    weft_sim_advance(world, 29000);
    CHECK_U64(counts_of(0).lookups, 1);
    weft_sim_advance(world, 1000); /* its TTL is longer than what is believed here */
    CHECK_U64(counts_of(0).lookups, 2);
}

static void a_config_that_names_neither_or_both_ends_it(void)
{
    static const weft_members_dns_config wrong[] = {
        {.scheme = "sim"}, {.service = "_weft._tcp.weft.example", .host = "weft.example"}};
    world_of(1, 9, NULL);
    for (size_t i = 0; i < 2; i++) {
        weft_ref made = weft_sim_spawn(node_at[0].sim, &weft_members_dns, &wrong[i]);
        weft_sim_advance(world, 10);
        CHECK(weft_sim_state(node_at[0].sim, made) == NULL);
    }
}

static const test_case cases[] = {
    TEST(targets_of_a_service_are_linked),
    TEST(who_is_no_longer_named_parts_and_may_come_back),
    TEST(without_an_answer_all_stays),
    TEST(a_lookup_is_made_when_the_last_has_expired_and_not_before),
    TEST(addresses_of_a_host_are_named_after_themselves),
    TEST(a_config_that_names_neither_or_both_ends_it),
    {0},
};
const test_suite members_dns_suite = {
    .name = "actors/members_dns", .after = world_done, .cases = cases};
