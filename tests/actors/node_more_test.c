/* SPDX-License-Identifier: MIT */
/* Nodes with supervised actors and several reactors; their limits; their tables; and the world they share in a
 * simulation. */
#include "node_kit.h"

#include <stdlib.h>

#include <weft/supervisor.h>
#include <weft/ward.h>

#include "link_map.h"
#include "link_session.h"
#include "random.h"

/* ---- supervised actors */

static seen supervised_seen;
static const counter_config supervised_config = {.seen = &supervised_seen, .name = NULL};
static const weft_child children[] = {
    {.name = "worker", .behaviour = &counter, .config = &supervised_config}, {0}};
static const weft_supervisor tree = {.children = children, .restarts_max = 1};

static weft_err monitor_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}

static weft_err monitor_life(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor_life(self, *(const weft_ref *)with);
}

static weft_ref worker_here;
static weft_err look_up(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    worker_here = weft_lookup(self, "worker");
    return WEFT_OK;
}

static weft_ref begin_supervised(void)
{
    memset(&supervised_seen, 0, sizeof supervised_seen);
    world_of(2, 7, NULL);
    CHECK(all_linked());
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(node_at[1].sim, &weft_supervisor_behaviour, &tree)));
    weft_sim_advance(world, 10);
    node_do(1, look_up, NULL);
    return named_at(0, "worker", 1);
}

static void kill_worker(void)
{
    CHECK_OK(weft_sim_kill(node_at[1].sim, worker_here, WEFT_EIO));
    weft_sim_advance(world, 50);
}

static void a_monitor_of_a_supervised_actor_is_told_of_its_restarts(void)
{
    weft_ref far = begin_supervised();
    const seen *s = &node_at[0].counter;
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    kill_worker();
    CHECK_U64(s->restarts, 1);
    CHECK_U64(s->downs, 0);
    CHECK_U64(count_of(weft_sim_ask(node_at[0].sim, far, count, .n = 1)), 2);
    kill_worker(); /* once too often */
    CHECK_U64(s->restarts, 1);
    CHECK_U64(s->downs, 1);
}

static void a_monitor_of_a_life_is_told_when_that_is_over(void)
{
    weft_ref far = begin_supervised();
    const seen *s = &node_at[0].counter;
    node_do(0, monitor_life, &far);
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    kill_worker();
    CHECK_U64(s->downs, 1);
    CHECK_U64(s->restarts, 1);
    CHECK_ERR(s->down, WEFT_EIO);
    node_do(0, monitor_life, &far);
    weft_sim_advance(world, 10);
    kill_worker();
    CHECK_U64(s->downs, 3); /* its life, and itself */
}

/* ---- limits */

static weft_err tell_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_tell(self, *(const weft_ref *)with, count, .n = 9);
}

static void an_actor_beyond_exports_max_is_nobody_where_it_sends(void)
{
    kit_defaults.exports_max = 1;
    world_of(2, 7, NULL);
    CHECK(all_linked());
    CHECK_U64(count_of(ask_counter(0, 1, 1, 1000)), 2);
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, tell_it, &far);
    weft_sim_advance(world, 10);
    CHECK_U64(node_at[1].counter.n, 2);
    CHECK(weft_ref_is_nobody(node_at[1].counter.from));
    CHECK_U64(weft_sim_logged(node_at[0].sim, WEFT_WARNING, "no room for a reference"), 1);
}

/* ---- a member that is hostile */

static size_t put_frame(uint8_t *to, link_kind kind, uint64_t seq, const void *body, size_t n)
{
    wf_link_write_head(to, kind, seq, (uint32_t)n);
    memcpy(to + LINK_HEAD_BYTES, body, n);
    return LINK_HEAD_BYTES + n;
}

/* Says hello to n1 as n0 would, whose connects go before n1's, and that @text is the number 1 of types. */
static weft_sim_peer *hostile_member(const char *text)
{
    uint8_t bytes[LINK_HELLO_BYTES_MAX + 256], body[LINK_HELLO_BYTES_MAX];
    link_hello hello = {.node = "n0",
                        .life = 5,
                        .attempt = 1,
                        .frame_bytes_max = LINK_FRAME_TARGET,
                        .credit_bytes = 1 << 20};
    link_atom atom = {LINK_ATOM_TYPE, 1, (uint32_t)strlen(text), text};
    world_of(2, 3, NULL);
    node_crash(0);
    weft_sim_advance(world, 1);
    weft_sim_peer *p = weft_sim_connect(world, "sim://n1");
    size_t n = put_frame(bytes, LINK_HELLO, 1, body, wf_link_write_hello(body, &hello));
    wf_link_write_atom(body, &atom);
    n += put_frame(bytes + n, LINK_ATOMS, 2, body, wf_link_atom_bytes(&atom));
    weft_sim_peer_send(p, bytes, n);
    weft_sim_advance(world, 5);
    return p;
}

static void send_record(weft_sim_peer *p, uint64_t seq, const link_record *r)
{
    uint8_t bytes[512], body[256];
    wf_link_write_record(body, r);
    weft_sim_peer_send(p, bytes, put_frame(bytes, LINK_MAIL, seq, body, wf_link_record_bytes(r)));
    weft_sim_advance(world, 5);
}

static void a_member_that_guesses_reaches_nobody_and_the_node_goes_on(void)
{
    static const uint8_t cut_off[] = {0x09, 1, 2};
    weft_sim_peer *p = hostile_member("weft.test.Count");
    REQUIRE(is_up(1, 0));
    send_record(p, 3, &(link_record){.op = LINK_OP_ASK, .type = 1, .dst = 0x1234567, .req = 1});
    send_record(
        p, 4,
        &(link_record){.op = LINK_OP_TELL, .type = 1, .dst = 77, .payload = cut_off, .bytes = 3});
    send_record(p, 5, &(link_record){.op = LINK_OP_ASK, .type = 9, .dst = 1, .req = 2});
    send_record(p, 6, &(link_record){.op = LINK_OP_REPLY, .type = 1, .req = 99});
    send_record(p, 7, &(link_record){.op = LINK_OP_DOWN, .req = 99});
    CHECK(!p->closed && is_up(1, 0));
    CHECK_U64(node_at[1].counter.n, 0);
    CHECK_U64(info_of(1, 0).serving, 0);
    send_record(p, 9, &(link_record){.op = LINK_OP_CANCEL, .req = 1}); /* a gap */
    weft_sim_advance(world, 10);
    CHECK(p->closed || p->ended);
    CHECK(!is_up(1, 0));
    CHECK_OK(weft_sim_ask(node_at[1].sim, node_at[1].counter_ref, count, .n = 1)->err);
}

/* ---- several reactors */

static seen far_seen[3];
static counter_config far_config[3];

static weft_err tell_twenty(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref to = weft_named(self, "counter@n1");
    (void)msg;
    for (uint64_t i = 1; i <= 20; i++)
        CHECK_OK(weft_tell(self, to, count, .n = i, .from = *(const uint64_t *)with));
    return WEFT_OK;
}

static void senders_on_other_reactors_keep_their_order_and_are_answered(void)
{
    weft_node config = {0};
    weft_sim_options options = {.seed = 3, .system = {.reactors = 3}};
    world_of(2, 7, NULL);
    node_crash(0);
    options.beside = world;
    node_at[0].sim = weft_sim_new(&options);
    REQUIRE(node_at[0].sim != NULL);
    config = node_at[0].config;
    weft_why why;
    CHECK_OK(weft_node_begin(weft_sim_system(node_at[0].sim), &config, &why));
    weft_ref sender[3];
    for (unsigned i = 0; i < 3; i++) {
        memset(&far_seen[i], 0, sizeof far_seen[i]);
        far_config[i] = (counter_config){&far_seen[i], i == 0 ? "counter" : NULL};
        sender[i] = weft_system_spawn(weft_sim_system(node_at[0].sim), i, &counter, &far_config[i]);
    }
    node_at[0].counter_ref = sender[0];
    CHECK(all_linked());
    for (uint64_t i = 0; i < 3; i++) {
        node_at[0].counter_ref = sender[i];
        node_do(0, tell_twenty, &i);
    }
    weft_sim_advance(world, 50);
    CHECK_U64(node_at[1].counter.n, 60);
    /* an answer finds its way to whichever reactor asked */
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(weft_sim_tell(node_at[1].sim, node_at[1].counter.from, count, .n = 1));
        weft_sim_advance(world, 10);
    }
    CHECK_U64(far_seen[2].n, 3); /* it was the last to send */
}

/* ---- the world */

static void systems_of_one_world_share_its_clock(void)
{
    world_of(2, 1, NULL);
    weft_sim_advance(world, 500);
    uint32_t first = weft_sim_now(node_at[0].sim);
    node_crash(1);
    weft_sim_advance(world, 250);
    node_start(1);
    weft_sim_advance(world, 100);
    CHECK_U64(weft_sim_now(node_at[0].sim) - first, 350);
    CHECK_U64(weft_sim_now(node_at[1].sim), 100);
    CHECK_U64(weft_sim_now(world), 850);
}

static uint64_t hash_of_a_run(uint64_t seed)
{
    world_of(3, seed, &(weft_sim_faults){.latency_ms_max = 9, .lost = 2000});
    CHECK(all_linked());
    for (unsigned i = 0; i < 10; i++)
        (void)ask_counter(i % 3, (i + 1) % 3, i + 1, 1000);
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 5000));
    weft_sim_advance(world, 7000);
    uint64_t hash = weft_sim_steps(world);
    for (unsigned i = 0; i < 3; i++)
        hash = hash * 31 + weft_sim_event_hash(node_at[i].sim);
    world_done();
    return hash;
}

static void one_seed_of_a_world_is_one_run(void)
{
    CHECK_U64(hash_of_a_run(5), hash_of_a_run(5));
    CHECK(hash_of_a_run(5) != hash_of_a_run(6));
}

static void an_island_is_cut_off_from_all_and_whole_within(void)
{
    world_of(3, 1, NULL);
    CHECK(all_linked());
    CHECK_OK(weft_sim_isolate(node_at[0].sim, 3000));
    CHECK_U64(count_of(ask_counter(1, 2, 1, 100)), 2);
    CHECK_ERR(ask_counter(0, 1, 1, 100)->err, WEFT_ETIMEDOUT);
    CHECK_ERR(ask_counter(2, 0, 1, 100)->err, WEFT_ETIMEDOUT);
    CHECK_OK(weft_sim_ask(node_at[0].sim, node_at[0].counter_ref, count, .n = 1)->err);
    weft_sim_advance(world, 3000);
    CHECK_U64(count_of(ask_counter(0, 1, 1, 100)), 2);
}

/* ---- the table */

/* Puts and takes @shift-ed keys at random, and compares with a list. */
static void use_table(unsigned shift)
{
    enum { KEYS = 300, ROUNDS = 5000 };
    bool there[KEYS] = {false};
    link_map map = {.n = 0};
    test_random random = {5 + shift};
    size_t n = 0, seen_rows = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t k = test_below(&random, KEYS);
        uint64_t key = (uint64_t)(k + 1) << shift;
        if (!there[k]) {
            REQUIRE(wf_map_reserve(&map) == WEFT_OK);
            wf_map_put(&map, key)->number = k;
        } else {
            wf_map_take(&map, key);
        }
        n += there[k] ? (size_t)-1 : 1;
        there[k] = !there[k];
        CHECK_U64(map.n, n);
        k = test_below(&random, KEYS);
        const link_map_row *row = wf_map_at(&map, (uint64_t)(k + 1) << shift);
        CHECK((row != NULL) == there[k]);
        CHECK(row == NULL || row->number == k);
    }
    for (size_t at = 0; wf_map_next(&map, &at) != NULL; seen_rows++) {
    }
    CHECK_U64(seen_rows, n);
    wf_map_done(&map);
    CHECK(wf_map_at(&map, 1) == NULL);
}

static void a_table_finds_what_is_in_it_and_nothing_else(void)
{
    use_table(0);
    use_table(22);
    use_table(32);
    use_table(54);
}

static const test_case cases[] = {
    TEST(a_monitor_of_a_supervised_actor_is_told_of_its_restarts),
    TEST(a_monitor_of_a_life_is_told_when_that_is_over),
    TEST(a_member_that_guesses_reaches_nobody_and_the_node_goes_on),
    TEST(an_actor_beyond_exports_max_is_nobody_where_it_sends),
    TEST(senders_on_other_reactors_keep_their_order_and_are_answered),
    TEST(systems_of_one_world_share_its_clock),
    TEST(one_seed_of_a_world_is_one_run),
    TEST(an_island_is_cut_off_from_all_and_whole_within),
    TEST(a_table_finds_what_is_in_it_and_nothing_else),
    {0},
};
const test_suite node_more_suite = {
    .name = "actors/node_more", .after = world_done, .cases = cases};
