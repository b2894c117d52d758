/* SPDX-License-Identifier: MIT */
/* Nodes that go away, and what is told of it: connections lost, crashes, silence, goodbyes, new lives; monitors,
 * links and references in messages. */
#include "node_kit.h"

#include <weft/pack.h>

static void two(void)
{
    world_of(2, 7, NULL);
    CHECK(all_linked());
}

static void three(void)
{
    world_of(3, 7, NULL);
    CHECK(all_linked());
}

/* ---- an ask that is under way */

typedef struct pending_ask {
    uint64_t n;
    unsigned fired;
    weft_err err;
    weft_delivery delivery;
    char why[WEFT_WHY_BYTES];
} pending_ask;
static pending_ask asked;
static uint32_t ask_limit_ms = 60000;

static weft_err on_fired(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    asked.fired++;
    asked.err = got->err;
    asked.delivery = got->delivery;
    (void)snprintf(asked.why, sizeof asked.why, "%s", got->why);
    return WEFT_OK;
}

static weft_err ask_n1(weft_actor *self, weft_msg *msg, void *with)
{
    asked = (pending_ask){.n = *(const unsigned *)with};
    return weft_when(
        msg,
        weft_ask_within(self, weft_named(self, "counter@n1"), ask_limit_ms, count, .n = asked.n),
        on_fired);
}

/* Asks what is never answered. */
static void begin_ask(void)
{
    unsigned never = 0;
    node_do(0, ask_n1, &never);
    CHECK_U64(asked.fired, 0);
}

static void drop_all(void)
{
    CHECK_OK(weft_sim_drop(world, "sim://n0", NULL));
    CHECK_OK(weft_sim_drop(world, "sim://n1", NULL));
    weft_sim_advance(world, 1);
}

static void a_lost_connection_fails_what_was_asked_and_says_what_is_known(void)
{
    two();
    begin_ask();
    drop_all();
    CHECK_U64(asked.fired, 1);
    CHECK_ERR(asked.err, WEFT_ELOST);
    CHECK(asked.delivery == WEFT_DELIVERY_UNKNOWN); /* nothing was acknowledged yet */
    CHECK(strstr(asked.why, "node n1 is down: ") == asked.why);
    weft_sim_advance(world, 10);
    CHECK_U64(node_at[1].counter.cancels, 1); /* nobody waits for its answer */
}

static void what_was_acknowledged_surely_arrived(void)
{
    two();
    begin_ask();
    weft_sim_advance(world, 2500); /* pings say what was consumed */
    drop_all();
    CHECK_ERR(asked.err, WEFT_ELOST);
    CHECK(asked.delivery == WEFT_DELIVERED);
}

static void what_was_not_sent_surely_did_not_arrive(void)
{
    world_of(2, 7, NULL);
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 100000));
    begin_ask();
    weft_sim_advance(world, 50000);
    CHECK_U64(asked.fired, 1);
    CHECK_ERR(asked.err, WEFT_EUNREACHABLE);
    CHECK(asked.delivery == WEFT_NOT_DELIVERED);
    CHECK(strstr(asked.why, "node n1 cannot be reached: ") == asked.why);
}

static void a_connection_that_was_lost_comes_back_by_itself(void)
{
    two();
    CHECK_U64(info_of(0, 1).ups, 1);
    drop_all();
    CHECK(all_linked());
    CHECK_U64(info_of(0, 1).ups, 2);
    CHECK_U64(count_of(ask_counter(0, 1, 1, 1000)), 2);
}

static weft_err tell_first(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_tell(self, weft_named(self, "counter@n1"), count, .n = 5);
}

static void references_are_good_again_with_the_same_life_and_stale_with_a_new_one(void)
{
    two();
    node_do(0, tell_first, NULL);
    weft_ref n0 = node_at[1].counter.from;
    CHECK_U64(count_of(weft_sim_ask(node_at[1].sim, n0, count, .n = 1)), 2);
    drop_all();
    CHECK(all_linked());
    CHECK_U64(count_of(weft_sim_ask(node_at[1].sim, n0, count, .n = 1)), 2);
    node_crash(0);
    weft_sim_advance(world, 10);
    node_start(0);
    CHECK(all_linked());
    const weft_outcome *got = weft_sim_ask(node_at[1].sim, n0, count, .n = 1);
    CHECK_ERR(got->err, WEFT_EGONE);
    CHECK_STR(got->why, "node n0 began anew since, or is not known");
    CHECK_ERR(weft_sim_tell(node_at[1].sim, n0, count, .n = 1), WEFT_EGONE);
    CHECK_U64(count_of(ask_counter(1, 0, 1, 1000)), 2); /* names are of any life */
}

static void silence_is_a_loss_within_the_limit(void)
{
    two();
    begin_ask();
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 60000));
    weft_sim_advance(world, 3000);
    CHECK_U64(asked.fired, 0);
    weft_sim_advance(world, 1500);
    CHECK_U64(asked.fired, 1);
    CHECK_ERR(asked.err, WEFT_ELOST);
    CHECK_STR(asked.why, "node n1 is down: nothing came for 4000 ms");
    weft_sim_advance(world, 60000);
    CHECK(all_linked());
}

static void the_limits_of_silence_are_configured(void)
{
    kit_defaults.ping_ms = 80;
    kit_defaults.lost_ms = 300;
    two();
    begin_ask();
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 1000));
    weft_sim_advance(world, 450);
    CHECK_ERR(asked.err, WEFT_ELOST);
}

/* ---- a node that leaves in order */

static void a_node_that_stops_says_goodbye(void)
{
    two();
    begin_ask();
    uint32_t began = weft_sim_now(world);
    node_stop(1);
    weft_sim_advance(world, 1);
    CHECK_U64(asked.fired, 1);
    CHECK(weft_sim_now(world) - began < 61000);
    CHECK(weft_sim_logged(node_at[0].sim, WEFT_NOTICE, "is down: node n1: it leaves") == 1);
    node_start(1);
    CHECK(all_linked());
}

/* ---- who may link */

static weft_err begin_node(weft_sim *sim, weft_node *config)
{
    weft_why why;
    return weft_node_begin(weft_sim_system(sim), config, &why);
}

static void a_node_of_another_cluster_or_an_unknown_one_is_refused(void)
{
    static const weft_node_member to_n0[] = {{"n0", "sim://n0"}, {0}};
    weft_node other = {.name = "n1", .cluster = "blue", .join = to_n0};
    weft_node stranger = {.name = "x", .cluster = "red", .join = to_n0};
    weft_node twin = {.name = "n0", .cluster = "red", .listen = "sim://twin"};
    kit_defaults.cluster = "red";
    world_of(2, 3, NULL);
    node_crash(1);
    weft_sim *sims[3];
    weft_node *configs[3] = {&other, &stranger, &twin};
    for (unsigned i = 0; i < 3; i++) {
        sims[i] = weft_sim_new(&(weft_sim_options){.seed = i + 1, .beside = world});
        REQUIRE(sims[i] != NULL);
        CHECK_OK(begin_node(sims[i], configs[i]));
    }
    weft_sim_advance(world, 100);
    CHECK(weft_sim_logged(sims[0], WEFT_INFO, "n1 is of the cluster \"blue\"; expected \"red\"") >
          0);
    CHECK(weft_sim_logged(sims[1], WEFT_INFO, "n0 does not know the node x") > 0);
    CHECK_U64(info_of(0, 1).ups, 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK_U64(weft_sim_free(&sims[i]), 0);
}

static void another_node_at_an_address_is_refused_by_who_dials(void)
{
    static const weft_node_member wrong[] = {{"n7", "sim://n0"}, {0}};
    weft_node config = {.name = "n1", .join = wrong};
    world_of(2, 3, NULL);
    node_crash(1);
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = 1, .beside = world});
    REQUIRE(sim != NULL);
    CHECK_OK(begin_node(sim, &config));
    weft_sim_advance(world, 20);
    CHECK(weft_sim_logged(sim, WEFT_INFO, "cannot reach node n7: n0 answers there; expected n7") >
          0);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void configurations_that_cannot_be_are_refused(void)
{
    static const weft_node_member itself[] = {{"a", "sim://b"}, {0}};
    static const weft_node_member far[] = {{"b", "tcp://192.0.2.1:7000"}, {0}};
    static const weft_node_member no_url[] = {{"b", "nonsense"}, {0}};
    static const struct {
        weft_node node;
        weft_err err;
    } rows[] = {
        {{.name = "a b"}, WEFT_EINVAL},
        {{.name = "a", .join = itself}, WEFT_EINVAL},
        {{.name = "a", .join = far}, WEFT_EDENIED},
        {{.name = "a", .join = no_url}, WEFT_EINVAL},
        {{.name = "a", .listen = "tcp://0.0.0.0:7000"}, WEFT_EDENIED},
        {{.name = "a", .listen = "http://127.0.0.1:7000"}, WEFT_EUNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_node config = rows[i].node;
        world_of(0, 1, NULL);
        CHECK_ERR(begin_node(world, &config), rows[i].err);
        world_done();
    }
}

/* ---- strangers */

static void a_stranger_is_heard_for_a_hello_and_no_more(void)
{
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: n0\r\n\r\n";
    world_of(1, 3, NULL);
    weft_sim_advance(world, 1);
    weft_sim_peer *p = weft_sim_connect(world, "sim://n0");
    weft_sim_peer_send(p, garbage, sizeof garbage);
    weft_sim_advance(world, 10);
    CHECK(p->closed || p->ended);
    weft_sim_peer *quiet = weft_sim_connect(world, "sim://n0");
    weft_sim_advance(world, 4000);
    CHECK(!quiet->closed && !quiet->ended);
    weft_sim_advance(world, 1500);
    CHECK(quiet->closed || quiet->ended);
}

static void only_so_many_strangers_are_heard_at_once(void)
{
    enum { STRANGERS = 70 };
    weft_sim_peer *p[STRANGERS];
    unsigned gone = 0;
    world_of(1, 3, NULL);
    weft_sim_advance(world, 1);
    for (unsigned i = 0; i < STRANGERS; i++)
        p[i] = weft_sim_connect(world, "sim://n0");
    weft_sim_advance(world, 10);
    for (unsigned i = 0; i < STRANGERS; i++)
        gone += p[i]->closed || p[i]->ended;
    CHECK_U64(gone, STRANGERS - 64);
}

/* ---- monitors */

static weft_err monitored;

static weft_err monitor_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return monitored = weft_monitor(self, *(const weft_ref *)with);
}

static weft_err demonitor_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    weft_demonitor(self, *(const weft_ref *)with);
    return WEFT_OK;
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "the disk is gone");
}

static seen *at_n0(void)
{
    return &node_at[0].counter;
}

static void a_monitor_is_told_when_the_other_ends(void)
{
    two();
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    node_do(1, stop_it, NULL);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n0()->downs, 1);
    CHECK_ERR(at_n0()->down, WEFT_EIO);
    CHECK_STR(at_n0()->why, "the disk is gone");
    node_crash(1);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n0()->downs, 1);
}

static void a_monitor_is_told_once_when_the_node_is_lost_or_crashes(void)
{
    two();
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, monitor_it, &far);
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    drop_all();
    CHECK_U64(at_n0()->downs, 2); /* one for each monitor */
    CHECK_ERR(at_n0()->down, WEFT_ELOST);
    CHECK(all_linked());
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    node_crash(1);
    weft_sim_advance(world, 100);
    CHECK_U64(at_n0()->downs, 3);
    node_start(1);
    CHECK(all_linked());
    weft_sim_advance(world, 5000);
    CHECK_U64(at_n0()->downs, 3);
}

static void a_monitor_of_nobody_is_told_at_once(void)
{
    static const weft_node_allow more[] = {{"*", "nobody", NULL}, {0}};
    kit_defaults.allow = more;
    two();
    weft_ref nobody = named_at(0, "nobody", 1), denied = named_at(0, "counter", 1),
             nowhere = named_at(0, "counter", 8);
    node_do(0, monitor_it, &nobody);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n0()->downs, 1);
    CHECK_ERR(at_n0()->down, WEFT_EGONE);
    node_do(0, monitor_it, &denied);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n0()->downs, 2);
    CHECK_ERR(at_n0()->down, WEFT_EDENIED);
    node_do(0, monitor_it, &nowhere);
    CHECK_U64(at_n0()->downs, 3);
    CHECK_ERR(at_n0()->down, WEFT_EGONE);
}

static void a_monitor_before_the_first_connection_waits_for_it(void)
{
    world_of(2, 7, &(weft_sim_faults){.latency_ms_max = 10});
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, monitor_it, &far);
    CHECK_U64(at_n0()->downs, 0);
    CHECK(all_linked());
    weft_sim_advance(world, 100);
    node_do(1, stop_it, NULL);
    weft_sim_advance(world, 100);
    CHECK_U64(at_n0()->downs, 1);
    CHECK_ERR(at_n0()->down, WEFT_EIO);
}

static void a_monitor_that_was_taken_back_is_not_told(void)
{
    two();
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    node_do(0, demonitor_it, &far);
    weft_sim_advance(world, 10);
    node_do(1, stop_it, NULL);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n0()->downs, 0);
}

/* ---- links */

static weft_err link_to(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_link(self, *(const weft_ref *)with);
}

static void linked_actors_of_two_nodes_end_together(void)
{
    for (unsigned who = 0; who < 2; who++) {
        two();
        weft_ref far = named_at(0, "counter", 1);
        node_do(0, link_to, &far);
        weft_sim_advance(world, 10);
        node_do(who, stop_it, NULL);
        weft_sim_advance(world, 10);
        CHECK_U64(node_at[0].counter.ends, 1);
        CHECK_U64(node_at[1].counter.ends, 1);
        CHECK_ERR(node_at[1 - who].counter.ended, WEFT_EIO);
        world_done();
    }
}

static void a_link_ends_with_the_node(void)
{
    two();
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, link_to, &far);
    weft_sim_advance(world, 10);
    node_crash(1);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n0()->ends, 1);
    CHECK_ERR(at_n0()->ended, WEFT_ELOST);
}

/* ---- references in messages */

typedef struct introduction {
    weft_ref whom, got[4];
    unsigned n;
} introduction;
static introduction intro;

static weft_err tell_introduction(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    Weft__Ref whom, me, name;
    weft_ref_to_message(&whom, intro.whom);
    weft_ref_to_message(&me, weft_self(self));
    weft_ref_to_message(&name, weft_named(self, "counter"));
    Weft__Ref *others[] = {&me, &name};
    return weft_tell(self, weft_named(self, "meeter@n2"), introduce, .whom = &whom, .n_others = 2,
                     .others = others);
}

static weft_err on_introduce(weft_actor *self, weft_msg *msg)
{
    const introduce *i = weft_body(msg);
    intro.got[0] = weft_ref_of_message(i->whom);
    for (size_t k = 0; k < i->n_others && k < 3; k++)
        intro.got[1 + k] = weft_ref_of_message(i->others[k]);
    intro.n = 1 + (unsigned)i->n_others;
    for (unsigned k = 0; k < intro.n; k++)
        (void)weft_tell(self, intro.got[k], count, .n = 100 + k);
    return WEFT_OK;
}

static weft_err meeter_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "meeter");
}

static const weft_handler meeter_rows[] = {{.type = &weft_started_type, .fn = meeter_started},
                                           {.type = &introduce_type, .fn = on_introduce},
                                           {0}};
static const weft_behaviour meeter = {.name = "meeter", .handlers = meeter_rows};

static void references_in_messages_work_from_whoever_gets_them(void)
{
    static const weft_node_allow more[] = {{"*", "counter", NULL}, {"*", "meeter", NULL}, {0}};
    kit_defaults.allow = more;
    three();
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(node_at[2].sim, &meeter, NULL)));
    /* n0 comes to know the actor of n1, and tells n2 of it, of itself, and of a name of its own */
    CHECK_OK(weft_sim_tell(node_at[1].sim, node_at[1].counter_ref, count, .n = 1));
    node_do(1, tell_first, NULL);
    intro = (introduction){.whom = named_at(0, "counter", 1)};
    node_do(0, tell_introduction, NULL);
    weft_sim_advance(world, 50);
    CHECK_U64(intro.n, 3);
    CHECK_U64(node_at[1].counter.got[node_at[1].counter.n - 1], 100);
    CHECK_U64(node_at[0].counter.n, 2);
    CHECK_U64(node_at[0].counter.got[0], 101);
    CHECK_U64(node_at[0].counter.got[1], 102);
}

static weft_err answer_ref(weft_actor *self, weft_msg *msg)
{
    Weft__Ref me;
    weft_ref_to_message(&me, weft_self(self));
    return weft_reply(msg, introduce, .whom = &me);
}

static const weft_handler self_rows[] = {{.type = &count_type, .fn = answer_ref}, {0}};
static const weft_behaviour self_teller = {.name = "self", .handlers = self_rows};

static weft_err become_self_teller(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &self_teller);
}

static void a_reference_of_a_third_node_is_its_own_there(void)
{
    static const weft_node_allow more[] = {{"*", "counter", NULL}, {"*", "meeter", NULL}, {0}};
    kit_defaults.allow = more;
    three();
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(node_at[2].sim, &meeter, NULL)));
    /* n0 asks n2's counter who it is, by a token, and tells n2 of it: there it is an actor of n2's own */
    node_do(2, become_self_teller, NULL);
    const weft_outcome *got = ask_counter(0, 2, 1, 1000);
    REQUIRE(got->err == WEFT_OK && got->type == &introduce_type);
    intro = (introduction){.whom = weft_ref_of_message(((const introduce *)got->body)->whom)};
    CHECK(!weft_ref_same(intro.whom, node_at[2].counter_ref));
    node_do(0, tell_introduction, NULL);
    weft_sim_advance(world, 50);
    CHECK(weft_ref_same(intro.got[0], node_at[2].counter_ref));
}

/* ---- spawning there */

static seen spawned_seen;
static const counter_config spawned_config = {.seen = &spawned_seen};
static const weft_node_offer offers[] = {{"counters", &counter, &spawned_config}, {0}};

static weft_err on_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    weft_ref ref = ((const weft_spawned *)got->body)->ref;
    CHECK_STR(weft_node_of(self, ref), "n1");
    CHECK_OK(weft_tell(self, ref, count, .n = 55));
    return weft_reply(msg, count, .n = 1);
}

static weft_err spawn_there(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(msg, weft_node_spawn(self, "n1", with), on_spawned);
}

static void a_node_spawns_what_it_offers_and_nothing_else(void)
{
    char good[] = "counters", bad[] = "shells";
    memset(&spawned_seen, 0, sizeof spawned_seen);
    kit_defaults.offers = offers;
    two();
    CHECK_OK(node_ask_do(0, spawn_there, good)->err);
    weft_sim_advance(world, 10);
    CHECK_U64(spawned_seen.n, 1);
    CHECK_U64(spawned_seen.got[0], 55);
    const weft_outcome *got = node_ask_do(0, spawn_there, bad);
    CHECK_ERR(got->err, WEFT_ENOTFOUND);
    CHECK_STR(got->why, "n1 does not offer shells");
}

static void who_offers_nothing_is_not_asked(void)
{
    char bad[] = "counters";
    two();
    CHECK_ERR(node_ask_do(0, spawn_there, bad)->err, WEFT_EDENIED);
}

/* ---- versions */

typedef Weft__Test__Offer1 offer1;
typedef Weft__Test__Offer2 offer2;

static void versions_of_a_message_understand_each_other(void)
{
    /* as bytes: what one packs the other unpacks, since only the name goes beside them */
    static const weft_type old_type =
        WEFT_TYPE_PROTO("test.offer", offer1, &weft__test__offer1__descriptor, NULL);
    static const weft_type new_type =
        WEFT_TYPE_PROTO("test.offer", offer2, &weft__test__offer2__descriptor, NULL);
    weft_why why;
    weft_arena *arena = weft_arena_new(1 << 16);
    uint32_t sizes[] = {1, 2, 3};
    char item[] = "lamp", note[] = "dusty";
    uint8_t bytes[128];
    void *out;
    REQUIRE(arena != NULL);
    offer2 new;
    weft__test__offer2__init(&new);
    new.item = item;
    new.cents = 250;
    new.note = note;
    new.sizes = sizes;
    new.n_sizes = 3;
    weft_pack(&new_type, &new, bytes);
    CHECK_OK(weft_unpack(&old_type, bytes, weft_packed_bytes(&new_type, &new), arena, &out, &why));
    CHECK_STR(((const offer1 *)out)->item, "lamp");
    CHECK_U64(((const offer1 *)out)->cents, 250);
    offer1 old;
    weft__test__offer1__init(&old);
    old.item = item;
    old.cents = 99;
    weft_pack(&old_type, &old, bytes);
    CHECK_OK(weft_unpack(&new_type, bytes, weft_packed_bytes(&old_type, &old), arena, &out, &why));
    CHECK_STR(((const offer2 *)out)->item, "lamp");
    CHECK_STR(((const offer2 *)out)->note, "");
    CHECK_U64(((const offer2 *)out)->n_sizes, 0);
    weft_arena_free(arena);
}

/* ---- memory */

/* Each is told once what it was promised, whichever taking of memory fails on which node. */
static void one_memory_failure(unsigned node, uint64_t n)
{
    unsigned one = 1;
    asked = (pending_ask){.n = 0};
    weft_sim_fail_allocation(node_at[node].sim, n);
    weft_ref far = named_at(0, "counter", 1);
    monitored = WEFT_ENOMEM;
    node_do(0, monitor_it, &far);
    node_do(0, ask_n1, &one);
    weft_sim_advance(world, 4500);
    CHECK(asked.fired <= 1);
    if (asked.fired == 0) /* its handler had no memory to wait */
        CHECK(weft_sim_logged(node_at[0].sim, WEFT_INFO, "failed to serve test.deed") > 0);
    node_do(1, stop_it, NULL);
    weft_sim_advance(world, 100);
    CHECK_U64(at_n0()->downs, monitored == WEFT_OK);
}

static void memory_that_is_out_at_any_place_fails_what_needed_it_and_leaks_nothing(void)
{
    ask_limit_ms = 3000;
    for (unsigned node = 0; node < 2; node++) {
        bool met = true;
        for (uint64_t n = 1; met && n < 300; n++) {
            world_of(2, 5, NULL);
            one_memory_failure(node, n);
            met = weft_sim_allocation_failed(node_at[node].sim);
            world_done();
        }
        CHECK(!met);
    }
    ask_limit_ms = 60000;
}

static const test_case cases[] = {
    TEST(a_lost_connection_fails_what_was_asked_and_says_what_is_known),
    TEST(what_was_acknowledged_surely_arrived),
    TEST(what_was_not_sent_surely_did_not_arrive),
    TEST(a_connection_that_was_lost_comes_back_by_itself),
    TEST(references_are_good_again_with_the_same_life_and_stale_with_a_new_one),
    TEST(silence_is_a_loss_within_the_limit),
    TEST(the_limits_of_silence_are_configured),
    TEST(a_node_that_stops_says_goodbye),
    TEST(a_node_of_another_cluster_or_an_unknown_one_is_refused),
    TEST(another_node_at_an_address_is_refused_by_who_dials),
    TEST(configurations_that_cannot_be_are_refused),
    TEST(a_stranger_is_heard_for_a_hello_and_no_more),
    TEST(only_so_many_strangers_are_heard_at_once),
    TEST(a_monitor_is_told_when_the_other_ends),
    TEST(a_monitor_is_told_once_when_the_node_is_lost_or_crashes),
    TEST(a_monitor_of_nobody_is_told_at_once),
    TEST(a_monitor_before_the_first_connection_waits_for_it),
    TEST(a_monitor_that_was_taken_back_is_not_told),
    TEST(linked_actors_of_two_nodes_end_together),
    TEST(a_link_ends_with_the_node),
    TEST(references_in_messages_work_from_whoever_gets_them),
    TEST(a_reference_of_a_third_node_is_its_own_there),
    TEST(a_node_spawns_what_it_offers_and_nothing_else),
    TEST(who_offers_nothing_is_not_asked),
    TEST(versions_of_a_message_understand_each_other),
    TEST(memory_that_is_out_at_any_place_fails_what_needed_it_and_leaks_nothing),
    {0},
};
const test_suite node_loss_suite = {
    .name = "actors/node_loss", .after = world_done, .cases = cases};
