/* SPDX-License-Identifier: MIT */
/* Clusters whose members and names are in etcd: a few nodes and a server of it in one simulated world. */
#include <stdlib.h>

#include <weft/etcd.h>
#include <weft/leader.h>

#include "actors/node_kit.h"
#include "etcd_peer.h"

enum { TTL_S = 5, SERVERS_MAX = 2, TOLD_MAX = 64 };

static etcd_peer *server[SERVERS_MAX];
static const char *endpoints[SERVERS_MAX + 1];
static weft_etcd etcd_at[KIT_NODES_MAX];

/* ---- an actor that wants a name */

typedef struct claimer {
    weft_ref ref;
    unsigned granted, lost, refused, told;
    uint64_t term;
    weft_err err, reason;
    char why[WEFT_WHY_BYTES];
    weft_name_owner owner[TOLD_MAX]; /* as it was told, the answer to the follow first */
    weft_name_owner found;
} claimer;
static claimer claimer_at[KIT_NODES_MAX];

typedef enum act { CLAIM, UNCLAIM, FIND, FOLLOW, STOP } act;
typedef struct order {
    act what;
    const char *name;
    uint32_t wait_ms;
} order;
static const weft_type order_type = WEFT_TYPE("test.order", order, NULL);

static claimer *claimer_of(const weft_actor *self)
{
    return (claimer *)(uintptr_t)weft_config(self);
}

static void note(claimer *c, const weft_outcome *got)
{
    c->err = got->err;
    c->refused += got->err != WEFT_OK;
    (void)snprintf(c->why, sizeof c->why, "%s", got->why);
}

static weft_err on_claimed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    claimer *c = claimer_of(self);
    (void)msg;
    note(c, got);
    if (got->err == WEFT_OK) {
        c->granted++;
        c->term = ((const weft_claimed *)got->body)->term;
    }
    return WEFT_OK;
}

static weft_err on_found(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    claimer *c = claimer_of(self);
    (void)msg;
    note(c, got);
    if (got->err == WEFT_OK)
        c->found = *(const weft_name_owner *)got->body;
    return WEFT_OK;
}

static weft_err on_following(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    claimer *c = claimer_of(self);
    (void)msg;
    note(c, got);
    if (got->err == WEFT_OK)
        c->owner[c->told++] = *(const weft_name_owner *)got->body;
    return WEFT_OK;
}

static weft_err on_order(weft_actor *self, weft_msg *msg)
{
    const order *o = weft_body(msg);
    switch (o->what) {
    case CLAIM:
        return weft_when(msg, weft_claim(self, o->name, o->wait_ms), on_claimed);
    case UNCLAIM:
        return weft_unclaim(self, o->name);
    case FIND:
        return weft_when(msg, weft_find(self, o->name, o->wait_ms), on_found);
    case FOLLOW:
        return weft_when(msg, weft_follow(self, o->name), on_following);
    default:
        return weft_stop(self, WEFT_OK);
    }
}

static weft_err on_lost(weft_actor *self, weft_msg *msg)
{
    claimer *c = claimer_of(self);
    c->lost++;
    c->reason = ((const weft_name_lost *)weft_body(msg))->reason;
    return WEFT_OK;
}

static weft_err on_owner(weft_actor *self, weft_msg *msg)
{
    claimer *c = claimer_of(self);
    if (c->told < TOLD_MAX)
        c->owner[c->told++] = *(const weft_name_owner *)weft_body(msg);
    return WEFT_OK;
}

static const weft_handler claimer_rows[] = {
    {.type = &order_type, .fn = on_order},
    {.type = &weft_name_lost_type, .fn = on_lost},
    {.type = &weft_name_owner_type, .fn = on_owner},
    {0},
};
static const weft_behaviour claimer_behaviour = {.name = "claimer", .handlers = claimer_rows};

static void have(unsigned i, act what, const char *name, uint32_t wait_ms)
{
    CHECK_OK(weft_sim_tell(node_at[i].sim, claimer_at[i].ref, order, what, name, wait_ms));
}

static void begin_claimer(unsigned i)
{
    claimer_at[i] = (claimer){.told = 0};
    claimer_at[i].ref = kit_reactors == 0
                            ? weft_sim_spawn(node_at[i].sim, &claimer_behaviour, &claimer_at[i])
                            : weft_system_spawn(weft_sim_system(node_at[i].sim), kit_reactors - 1,
                                                &claimer_behaviour, &claimer_at[i]);
}

/* ---- the world */

static void begin_etcd(unsigned i)
{
    weft_why why = {""};
    etcd_at[i] = (weft_etcd){.endpoints = endpoints, .url = node_at[i].url, .ttl_s = TTL_S};
    CHECK_OK(weft_etcd_begin(weft_sim_system(node_at[i].sim), &etcd_at[i], &why));
    CHECK_STR(why.text, "");
    begin_claimer(i);
}

static void cluster_of(unsigned n, unsigned servers)
{
    static const char *const names[] = {"etcd0", "etcd1"};
    memset(endpoints, 0, sizeof endpoints);
    for (unsigned i = 0; i < servers; i++) {
        server[i] = etcd_peer_new(names[i]);
        endpoints[i] = server[i]->endpoint;
    }
    kit_strangers = true;
    kit_more = begin_etcd;
    kit_defaults.cluster = "test";
    world_of(n, 5, NULL);
    for (unsigned i = 0; i < servers; i++)
        etcd_peer_start(server[i], world);
}

static void over(void)
{
    weft_sim *kept = world;
    world = NULL; /* the world goes last */
    world_done();
    for (unsigned i = 0; i < SERVERS_MAX; i++) {
        etcd_peer_free(server[i]);
        server[i] = NULL;
    }
    if (kept != NULL)
        CHECK_U64(weft_sim_free(&kept), 0);
}

static weft_etcd_state state_of(unsigned i)
{
    weft_etcd_state none = {0};
    weft_ref to = named_at(i, WEFT_ETCD_NAME, i);
    const weft_outcome *got = weft_sim_ask(node_at[i].sim, to, weft_etcd_look, 0);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_etcd_state *)got->body : none;
}

/* ---- members */

static void nodes_find_each_other_by_etcd_alone(void)
{
    cluster_of(3, 1);
    CHECK(all_linked());
    CHECK_STR(etcd_peer_at(server[0], "/weft/test/nodes/n1")->value, "sim://n1");
    CHECK_U64(count_of(ask_counter(0, 2, 4, 1000)), 5);
    CHECK_U64(state_of(0).members, 2);
    CHECK(state_of(0).watching && state_of(0).lease != 0);
}

static void a_node_that_dies_is_no_member_when_its_lease_has_ended(void)
{
    cluster_of(3, 1);
    CHECK(all_linked());
    node_crash(1);
    weft_sim_advance(world, 1000);
    CHECK_U64(state_of(0).members, 2);
    weft_sim_advance(world, TTL_S * 1000);
    CHECK_U64(state_of(0).members, 1);
    CHECK_U64(etcd_peer_count(server[0], "/weft/test/nodes/"), 2);
    node_start(1);
    CHECK(all_linked());
}

static void a_node_that_stops_in_order_is_gone_at_once(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    node_stop(1);
    weft_sim_advance(world, 50);
    CHECK_U64(etcd_peer_count(server[0], "/weft/test/nodes/"), 1);
    CHECK_U64(state_of(0).members, 0);
}

static void members_stay_while_etcd_is_away_and_nothing_is_missed_after(void)
{
    cluster_of(3, 1);
    CHECK(all_linked());
    etcd_peer_crash(server[0]);
    weft_sim_advance(world, 20000);
    CHECK(all_linked());
    CHECK_U64(state_of(0).members, 2);
    CHECK_U64(state_of(0).lease, 0);
    etcd_peer_start(server[0], world);
    weft_sim_advance(world, 10000);
    CHECK(state_of(0).lease != 0 && state_of(0).watching);
    CHECK_U64(etcd_peer_count(server[0], "/weft/test/nodes/"), 3);
    node_crash(2);
    weft_sim_advance(world, (TTL_S + 1) * 1000);
    CHECK_U64(state_of(0).members, 1);
}

static void a_watch_that_is_cut_goes_on_where_it_was(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    unsigned calls = server[0]->calls;
    etcd_peer_cut_watches(server[0]);
    etcd_peer_put(server[0], "/weft/test/nodes/n9", "sim://n9");
    weft_sim_advance(world, 1000);
    CHECK_U64(state_of(0).members, 2);
    CHECK(server[0]->calls > calls);
    etcd_peer_delete(server[0], "/weft/test/nodes/n9");
    weft_sim_advance(world, 100);
    CHECK_U64(state_of(0).members, 1);
}

static void what_was_compacted_meanwhile_is_read_anew(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    etcd_peer_put(server[0], "/weft/test/nodes/n9", "sim://n9");
    weft_sim_advance(world, 100);
    CHECK_OK(weft_sim_isolate(node_at[0].sim, 2000));
    etcd_peer_delete(server[0], "/weft/test/nodes/n9");
    etcd_peer_put(server[0], "/weft/test/nodes/n8", "sim://n8");
    etcd_peer_put(server[0], "/weft/test/nodes/n7", "sim://n7");
    etcd_peer_compact(server[0]);
    etcd_peer_cut_watches(server[0]);
    weft_sim_advance(world, 130000);
    CHECK_U64(state_of(0).members, 3);
    CHECK_U64(state_of(1).members, 3);
}

static void the_next_server_is_asked_when_one_fails(void)
{
    cluster_of(2, 2);
    weft_sim_advance(world, 100);
    CHECK(all_linked());
    CHECK_U64(etcd_peer_count(server[0], "/weft/test/nodes/"), 2);
    etcd_peer_crash(server[0]);
    weft_sim_advance(world, 15000);
    CHECK_U64(etcd_peer_count(server[1], "/weft/test/nodes/"), 2);
    CHECK(state_of(0).lease != 0);
}

static void what_etcd_refuses_is_asked_again(void)
{
    cluster_of(2, 1);
    server[0]->errors = 20;
    weft_sim_advance(world, 10000);
    CHECK(all_linked());
    CHECK(state_of(0).failed + state_of(1).failed >= 20);
}

static void a_key_of_this_node_that_somebody_deletes_is_put_again(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    etcd_peer_delete(server[0], "/weft/test/nodes/n0");
    weft_sim_advance(world, 1000);
    CHECK(etcd_peer_at(server[0], "/weft/test/nodes/n0") != NULL);
    CHECK(all_linked());
}

static void a_member_that_cannot_be_one_is_left_out_and_logged(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    etcd_peer_put(server[0], "/weft/test/nodes/far", "tcp://192.0.2.1:7");
    weft_sim_advance(world, 100);
    CHECK(weft_sim_logged(node_at[0].sim, WEFT_WARNING, "does not take what etcd says") > 0);
    CHECK(all_linked());
}

/* ---- names */

static void one_of_two_has_a_name_and_the_other_is_told_who(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].granted, 1);
    have(1, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[1].granted, 0);
    CHECK_ERR(claimer_at[1].err, WEFT_EEXISTS);
    CHECK_STR(claimer_at[1].why, "node n0 has it");
    have(1, FIND, "billing", 0);
    weft_sim_advance(world, 10);
    CHECK_STR(claimer_at[1].found.node, "n0");
    CHECK_U64(claimer_at[1].found.term, claimer_at[0].term);
    have(0, CLAIM, "billing", 0); /* what it has already */
    weft_sim_advance(world, 10);
    CHECK_U64(claimer_at[0].granted, 2);
}

static void one_that_claims_twice_is_granted_twice(void)
{
    cluster_of(1, 1);
    weft_sim_advance(world, 100);
    have(0, CLAIM, "billing", 0);
    have(0, CLAIM, "billing", WEFT_NO_LIMIT);
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].granted, 3);
    CHECK_U64(claimer_at[0].refused, 0);
    have(0, UNCLAIM, "billing", 0);
    weft_sim_advance(world, 2000);
    CHECK_U64(etcd_peer_count(server[0], "/weft/test/names/"), 0);
}

static void who_waits_gets_it_when_the_owner_gives_it_back_or_ends(void)
{
    cluster_of(3, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", WEFT_NO_LIMIT);
    weft_sim_advance(world, 100);
    have(1, CLAIM, "billing", WEFT_NO_LIMIT);
    weft_sim_advance(world, 100);
    have(2, CLAIM, "billing", WEFT_NO_LIMIT);
    weft_sim_advance(world, 5000);
    CHECK_U64(claimer_at[1].granted + claimer_at[2].granted, 0);
    have(0, UNCLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[1].granted + claimer_at[2].granted, 1);
    unsigned second = claimer_at[1].granted != 0 ? 1 : 2, third = 3 - second;
    CHECK(claimer_at[second].term > claimer_at[0].term);
    have(second, STOP, NULL, 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[third].granted, 1);
    CHECK(claimer_at[third].term > claimer_at[second].term);
}

static void a_name_outlives_its_dead_node_for_the_time_of_the_lease(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    have(1, CLAIM, "billing", WEFT_NO_LIMIT);
    node_crash(0);
    weft_sim_advance(world, 2000);
    CHECK_U64(claimer_at[1].granted, 0);
    weft_sim_advance(world, TTL_S * 1000);
    CHECK_U64(claimer_at[1].granted, 1);
}

static void an_owner_that_is_cut_off_is_told_before_another_can_have_the_name(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    have(1, CLAIM, "billing", WEFT_NO_LIMIT);
    CHECK_OK(weft_sim_isolate(node_at[0].sim, 60000));
    for (unsigned ms = 0; ms < 3 * TTL_S * 1000; ms += 10) {
        weft_sim_advance(world, 10);
        CHECK(claimer_at[0].lost == 1 || claimer_at[1].granted == 0);
    }
    CHECK_U64(claimer_at[0].lost, 1);
    CHECK_ERR(claimer_at[0].reason, WEFT_ELOST);
    CHECK_U64(claimer_at[1].granted, 1);
}

static weft_err on_its(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    return got->err == WEFT_OK ? weft_reply(msg, count, .n = 1)
                               : weft_fail(msg, got->err, "%s", got->why);
}

static weft_err claim_as_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_claim(self, "billing", 0), on_its);
}

static void an_owner_that_is_not_prepared_to_lose_a_name_is_stopped(void)
{
    cluster_of(1, 1);
    weft_sim_advance(world, 100);
    CHECK_OK(node_ask_do(0, claim_as_it, NULL)->err);
    etcd_peer_delete(server[0], "/weft/test/names/billing");
    weft_sim_advance(world, 100);
    CHECK_U64(node_at[0].counter.ends, 1);
    CHECK_ERR(node_at[0].counter.ended, WEFT_ELOST);
}

static void a_name_that_is_deleted_in_etcd_is_lost(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    etcd_peer_delete(server[0], "/weft/test/names/billing");
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].lost, 1);
    have(1, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[1].granted, 1);
}

static void an_answer_that_gets_lost_grants_once_or_leaves_nothing_behind(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    server[0]->cut_answers = 1;
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 2000);
    CHECK_U64(claimer_at[0].granted, 1);
    server[0]->cut_answers = 1000;
    have(0, CLAIM, "paying", 0);
    weft_sim_advance(world, 8000);
    CHECK_ERR(claimer_at[0].err, WEFT_ETIMEDOUT);
    server[0]->cut_answers = 0;
    weft_sim_advance(world, 2000);
    CHECK(etcd_peer_at(server[0], "/weft/test/names/paying") == NULL);
    have(1, CLAIM, "paying", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[1].granted, 1);
}

static void who_follows_a_name_is_told_of_each_owner(void)
{
    cluster_of(3, 1);
    CHECK(all_linked());
    const claimer *c = &claimer_at[2];
    have(2, FOLLOW, "billing", 0);
    weft_sim_advance(world, 10);
    CHECK_U64(c->told, 1);
    CHECK_STR(c->owner[0].node, "");
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(c->told, 2);
    CHECK_STR(c->owner[1].node, "n0");
    have(0, STOP, NULL, 0);
    weft_sim_advance(world, 100);
    CHECK_U64(c->told, 3);
    CHECK_STR(c->owner[2].node, "");
    have(1, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(c->told, 4);
    CHECK(c->owner[3].term > c->owner[1].term);
}

static void who_follows_and_loses_a_name_is_still_forgotten_when_it_ends(void)
{
    cluster_of(1, 1);
    weft_sim_advance(world, 100);
    have(0, FOLLOW, "billing", 0);
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].granted, 1);
    have(0, UNCLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    have(0, STOP, NULL, 0);
    weft_sim_advance(world, 100);
    CHECK(etcd_peer_at(server[0], "/weft/test/names/billing") == NULL);
    begin_claimer(0);
    have(0, FIND, "billing", 0);
    weft_sim_advance(world, 10);
    CHECK_ERR(claimer_at[0].err, WEFT_ENOTFOUND);
}

static void a_search_waits_for_an_owner(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(1, FIND, "billing", 0);
    weft_sim_advance(world, 10);
    CHECK_ERR(claimer_at[1].err, WEFT_ENOTFOUND);
    have(1, FIND, "billing", 500);
    weft_sim_advance(world, 1000);
    CHECK_ERR(claimer_at[1].err, WEFT_ETIMEDOUT);
    have(1, FIND, "billing", 5000);
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_OK(claimer_at[1].err);
    CHECK_STR(claimer_at[1].found.node, "n0");
}

static void a_claim_that_waits_ends_with_its_time(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    have(1, CLAIM, "billing", 700);
    weft_sim_advance(world, 1000);
    CHECK_ERR(claimer_at[1].err, WEFT_ETIMEDOUT);
    CHECK_STR(claimer_at[1].why, "node n0 kept the name billing");
    have(0, UNCLAIM, "billing", 0);
    weft_sim_advance(world, 3000);
    CHECK_U64(claimer_at[1].granted, 0);
    CHECK_U64(etcd_peer_count(server[0], "/weft/test/names/"), 0);
}

static void owners_of_a_node_that_stops_are_told_before_others_have_the_name(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    have(1, CLAIM, "billing", WEFT_NO_LIMIT);
    node_stop(0);
    CHECK_U64(claimer_at[0].lost, 1);
    CHECK_ERR(claimer_at[0].reason, WEFT_ESTOPPING);
    weft_sim_advance(world, 1200);
    CHECK_U64(claimer_at[1].granted, 1);
}

static void a_claim_without_etcd_fails_and_one_that_waits_is_granted_later(void)
{
    cluster_of(1, 1);
    etcd_peer_crash(server[0]);
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 6000);
    CHECK_ERR(claimer_at[0].err, WEFT_ETIMEDOUT);
    have(0, CLAIM, "paying", WEFT_NO_LIMIT);
    weft_sim_advance(world, 20000);
    CHECK_U64(claimer_at[0].granted, 0);
    etcd_peer_start(server[0], world);
    weft_sim_advance(world, 5000);
    CHECK_U64(claimer_at[0].granted, 1);
}

static void owners_on_other_reactors_are_granted_told_and_forgotten(void)
{
    kit_reactors = 3;
    cluster_of(2, 1);
    CHECK(all_linked());
    have(1, FOLLOW, "billing", 0);
    have(0, CLAIM, "billing", 0);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].granted, 1);
    CHECK_STR(claimer_at[1].owner[claimer_at[1].told - 1].node, "n0");
    etcd_peer_delete(server[0], "/weft/test/names/billing");
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].lost, 1);
    have(0, CLAIM, "billing", WEFT_NO_LIMIT);
    weft_sim_advance(world, 100);
    CHECK_U64(claimer_at[0].granted, 2);
    have(0, STOP, NULL, 0);
    have(1, CLAIM, "billing", WEFT_NO_LIMIT);
    weft_sim_advance(world, 1500);
    CHECK_U64(claimer_at[1].granted, 1);
}

/* ---- leaders */

typedef struct elector {
    const weft_leader_config config;
    unsigned told, counted;
    weft_leader_changed now;
    weft_ref candidate;
    weft_ref ref;
} elector;
static elector elector_at[3] = {{.config = {.name = "conductor"}},
                                {.config = {.name = "conductor"}},
                                {.config = {.name = "conductor"}}};

static elector *elector_of(const weft_actor *self)
{
    return (elector *)(uintptr_t)weft_config(self);
}

static weft_err on_leader(weft_actor *self, weft_msg *msg)
{
    elector *e = elector_of(self);
    e->told++;
    e->now = *(const weft_leader_changed *)weft_body(msg);
    return WEFT_OK;
}

static weft_err elector_started(weft_actor *self, weft_msg *msg)
{
    elector *e = elector_of(self);
    (void)msg;
    e->candidate = weft_spawn(self, &weft_leader, &e->config);
    return WEFT_OK;
}

static weft_err elector_counts(weft_actor *self, weft_msg *msg)
{
    elector_of(self)->counted++;
    return weft_reply(msg, count, .n = 1);
}

static const weft_handler elector_rows[] = {
    {.type = &weft_started_type, .fn = elector_started},
    {.type = &weft_leader_changed_type, .fn = on_leader},
    {.type = &count_type, .fn = elector_counts},
    {0},
};
static const weft_behaviour elector_behaviour = {.name = "elector", .handlers = elector_rows};

static void elect(unsigned i)
{
    elector *e = &elector_at[i];
    e->told = e->counted = 0;
    e->now = (weft_leader_changed){.mine = false};
    e->ref = weft_sim_spawn(node_at[i].sim, &elector_behaviour, e);
    weft_sim_advance(world, 200);
}

static void one_candidate_leads_and_the_others_hear_who(void)
{
    cluster_of(3, 1);
    CHECK(all_linked());
    for (unsigned i = 0; i < 3; i++)
        elect(i);
    CHECK(elector_at[0].now.mine && !elector_at[1].now.mine && !elector_at[2].now.mine);
    CHECK_STR(elector_at[1].now.node, "n0");
    CHECK_STR(elector_at[2].now.node, "n0");
    CHECK_U64(elector_at[1].now.term, elector_at[0].now.term);
}

static void who_resigns_rests_while_another_leads(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    elect(0);
    elect(1);
    uint64_t term = elector_at[0].now.term;
    CHECK_OK(weft_sim_tell(node_at[0].sim, elector_at[0].candidate, weft_leader_resign, 500));
    CHECK(!elector_at[0].now.mine);
    weft_sim_advance(world, 300);
    CHECK(elector_at[1].now.mine && elector_at[1].now.term > term);
    CHECK_STR(elector_at[0].now.node, "n1");
    weft_sim_advance(world, 5000);
    CHECK(elector_at[1].now.mine && !elector_at[0].now.mine);
    CHECK_OK(weft_sim_tell(node_at[1].sim, elector_at[1].candidate, weft_leader_resign, 0));
    weft_sim_advance(world, 300);
    CHECK(elector_at[0].now.mine);
}

static void a_leader_that_is_cut_off_knows_it_first_and_follows_when_it_is_back(void)
{
    cluster_of(2, 1);
    CHECK(all_linked());
    elect(0);
    elect(1);
    CHECK_OK(weft_sim_isolate(node_at[0].sim, 15000));
    for (unsigned ms = 0; ms < 14000; ms += 10) {
        weft_sim_advance(world, 10);
        CHECK(!elector_at[0].now.mine || !elector_at[1].now.mine);
    }
    CHECK(elector_at[1].now.mine);
    CHECK_STR(elector_at[0].now.node, "");
    weft_sim_advance(world, 15000);
    CHECK(elector_at[1].now.mine);
    CHECK_STR(elector_at[0].now.node, "n1");
}

static void what_the_leader_is_sent_goes_to_whom_its_candidate_is_for(void)
{
    cluster_of(1, 1);
    weft_sim_advance(world, 200);
    elect(0);
    const count body = {.n = 1};
    const weft_outcome *got =
        weft_sim_ask_body(node_at[0].sim, elector_at[0].now.leader, &count_type, &body, 1000);
    CHECK_U64(count_of(got), 1);
    CHECK_U64(elector_at[0].counted, 1);
}

static void a_candidate_without_a_registry_ends_with_the_reason(void)
{
    world_of(1, 1, NULL);
    elect(0);
    CHECK(weft_sim_state(node_at[0].sim, elector_at[0].candidate) == NULL);
    CHECK_U64(elector_at[0].told, 0);
}

/* ---- what cannot be begun */

static void what_makes_no_sense_is_refused_before_the_start(void)
{
    static const char *const good[] = {"http://etcd:2379", NULL},
                             *const odd[] = {"tcp://etcd:1", NULL},
                             *const path[] = {"http://etcd:2379/v3", NULL}, *const none[] = {NULL};
    const weft_etcd wrong[] = {
        {.endpoints = NULL},
        {.endpoints = none},
        {.endpoints = odd},
        {.endpoints = path},
        {.endpoints = good, .ttl_s = WEFT_ETCD_TTL_S_MIN - 1},
        {.endpoints = good, .ttl_s = WEFT_ETCD_TTL_S_MAX + 1},
        {.endpoints = good, .prefix = "/no-slash"},
        {.endpoints = good, .prefix = ""},
        {.endpoints = good, .url = ""},
    };
    weft_why why;
    world_of(1, 1, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        why.text[0] = '\0';
        CHECK_ERR(weft_etcd_begin(weft_sim_system(node_at[0].sim), &wrong[i], &why), WEFT_EINVAL);
        CHECK(why.text[0] != '\0');
    }
    const weft_etcd right = {.endpoints = good};
    CHECK_ERR(weft_etcd_begin(weft_sim_system(world), &right, &why), WEFT_EINVAL);
    CHECK_STR(why.text, "only a node can use etcd for its members");
}

static void names_that_are_none_and_systems_without_registry_are_said_so(void)
{
    world_of(1, 1, NULL);
    begin_claimer(0);
    have(0, CLAIM, "bill ing", 0);
    CHECK_ERR(claimer_at[0].err, WEFT_EINVAL);
    have(0, CLAIM, "billing@n1", 0);
    CHECK_ERR(claimer_at[0].err, WEFT_EINVAL);
    have(0, CLAIM, "counter", 0);
    CHECK_ERR(claimer_at[0].err, WEFT_EEXISTS);
    have(0, CLAIM, "billing", 0);
    CHECK_ERR(claimer_at[0].err, WEFT_ENOTFOUND);
    have(0, FIND, "billing", 0);
    CHECK_ERR(claimer_at[0].err, WEFT_ENOTFOUND);
    have(0, FOLLOW, "billing", 0);
    CHECK_ERR(claimer_at[0].err, WEFT_ENOTFOUND);
}

/* Every taking of memory of a claim, a loss and a release fails once: nothing is left behind, and in the end
 * the name can be had. */
static void memory_may_be_out_at_any_moment_of_a_claim(void)
{
    bool met = true;
    for (uint64_t n = 1; met && n < 400; n += 7) {
        cluster_of(2, 1);
        CHECK(all_linked());
        weft_sim_fail_allocation(node_at[0].sim, n);
        have(0, CLAIM, "billing", 3000);
        weft_sim_advance(world, 300);
        have(0, STOP, NULL, 0);
        weft_sim_advance(world, 300);
        met = weft_sim_allocation_failed(node_at[0].sim);
        weft_sim_fail_allocation(node_at[0].sim, 0);
        have(1, CLAIM, "billing", WEFT_NO_LIMIT);
        weft_sim_advance(world, 3 * TTL_S * 1000);
        CHECK_U64(claimer_at[1].granted, 1);
        over();
    }
    CHECK(!met);
}

static const test_case cases[] = {
    TEST(nodes_find_each_other_by_etcd_alone),
    TEST(a_node_that_dies_is_no_member_when_its_lease_has_ended),
    TEST(a_node_that_stops_in_order_is_gone_at_once),
    TEST(members_stay_while_etcd_is_away_and_nothing_is_missed_after),
    TEST(a_watch_that_is_cut_goes_on_where_it_was),
    TEST(what_was_compacted_meanwhile_is_read_anew),
    TEST(the_next_server_is_asked_when_one_fails),
    TEST(what_etcd_refuses_is_asked_again),
    TEST(a_key_of_this_node_that_somebody_deletes_is_put_again),
    TEST(a_member_that_cannot_be_one_is_left_out_and_logged),
    TEST(one_of_two_has_a_name_and_the_other_is_told_who),
    TEST(one_that_claims_twice_is_granted_twice),
    TEST(who_waits_gets_it_when_the_owner_gives_it_back_or_ends),
    TEST(a_name_outlives_its_dead_node_for_the_time_of_the_lease),
    TEST(an_owner_that_is_cut_off_is_told_before_another_can_have_the_name),
    TEST(an_owner_that_is_not_prepared_to_lose_a_name_is_stopped),
    TEST(a_name_that_is_deleted_in_etcd_is_lost),
    TEST(an_answer_that_gets_lost_grants_once_or_leaves_nothing_behind),
    TEST(who_follows_a_name_is_told_of_each_owner),
    TEST(who_follows_and_loses_a_name_is_still_forgotten_when_it_ends),
    TEST(a_search_waits_for_an_owner),
    TEST(a_claim_that_waits_ends_with_its_time),
    TEST(owners_of_a_node_that_stops_are_told_before_others_have_the_name),
    TEST(a_claim_without_etcd_fails_and_one_that_waits_is_granted_later),
    TEST(owners_on_other_reactors_are_granted_told_and_forgotten),
    TEST(one_candidate_leads_and_the_others_hear_who),
    TEST(who_resigns_rests_while_another_leads),
    TEST(a_leader_that_is_cut_off_knows_it_first_and_follows_when_it_is_back),
    TEST(what_the_leader_is_sent_goes_to_whom_its_candidate_is_for),
    TEST(a_candidate_without_a_registry_ends_with_the_reason),
    TEST(what_makes_no_sense_is_refused_before_the_start),
    TEST(names_that_are_none_and_systems_without_registry_are_said_so),
    TEST(memory_may_be_out_at_any_moment_of_a_claim),
    {0},
};
const test_suite etcd_suite = {.name = "protocols/etcd", .after = over, .cases = cases};
