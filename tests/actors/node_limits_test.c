/* SPDX-License-Identifier: MIT */
/* What one node takes from another at most: requests that it serves, actors that it watches. */
#include "node_kit.h"

#include "node.h"

enum { AT_ONCE = 8192, SECOND = 1000 };

/* ---- who keeps whatever it is asked, until it is told something */

static unsigned kept, cancelled;
static weft_msg *kept_at[NODE_SERVED_MAX];

static weft_err keeper_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "worker");
}

static weft_err keeper_count(weft_actor *self, weft_msg *msg)
{
    (void)self;
    if (weft_is_request(msg)) {
        REQUIRE(kept < NODE_SERVED_MAX);
        kept_at[kept++] = weft_keep(msg);
        return WEFT_OK;
    }
    while (kept > 0)
        weft_drop(&kept_at[--kept]);
    return WEFT_OK;
}

static weft_err keeper_cancelled(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    cancelled++;
    return WEFT_OK;
}

static const weft_handler keeper_rows[] = {
    {.type = &weft_started_type, .fn = keeper_started},
    {.type = &count_type, .fn = keeper_count},
    {.type = &weft_cancelled_type, .fn = keeper_cancelled},
    {0},
};
static const weft_behaviour keeper = {
    .name = "keeper", .handlers = keeper_rows, .mailbox_max = 2 * NODE_SERVED_MAX};

/* ---- who asks and watches more than others do */

typedef struct order {
    unsigned asks, monitors;
} order;
static const weft_type order_type = WEFT_TYPE("test.order", order, NULL);

static struct {
    unsigned failed, downs;
    weft_err err;
    char why[128];
} greedy_seen;

static void note(weft_err err, const char *why)
{
    greedy_seen.err = err;
    (void)snprintf(greedy_seen.why, sizeof greedy_seen.why, "%s", why);
}

static weft_err on_failed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    greedy_seen.failed++;
    note(got->err, got->why);
    return WEFT_OK;
}

static weft_err on_order(weft_actor *self, weft_msg *msg)
{
    const order *o = weft_body(msg);
    weft_ref there = weft_named(self, "worker@n1");
    for (unsigned i = 0; i < o->asks; i++) {
        weft_err err =
            weft_when(msg, weft_ask_within(self, there, WEFT_NO_LIMIT, count, .n = i), on_failed);
        if (err != WEFT_OK)
            return err;
    }
    for (unsigned i = 0; i < o->monitors; i++) {
        weft_err err = weft_monitor(self, there);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

static weft_err on_greedy_down(weft_actor *self, weft_msg *msg)
{
    const weft_down *down = weft_body(msg);
    (void)self;
    greedy_seen.downs++;
    note(down->reason, down->why);
    return WEFT_OK;
}

static const weft_handler greedy_rows[] = {
    {.type = &order_type, .fn = on_order},
    {.type = &weft_down_type, .fn = on_greedy_down},
    {0},
};
static const weft_behaviour greedy = {.name = "greedy",
                                      .handlers = greedy_rows,
                                      .asks_max = 2 * NODE_SERVED_MAX,
                                      .monitors_max = 2 * NODE_WATCHED_MAX};

static weft_ref greedy_one;

static void begin(void)
{
    memset(&greedy_seen, 0, sizeof greedy_seen);
    kept = cancelled = 0;
    world_of(2, 7, NULL);
    greedy_one = weft_sim_spawn(node_at[0].sim, &greedy, NULL);
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(node_at[1].sim, &keeper, NULL)));
    CHECK(all_linked());
}

static void give(unsigned asks, unsigned monitors)
{
    CHECK_OK(weft_sim_tell(node_at[0].sim, greedy_one, order, .asks = asks, .monitors = monitors));
    weft_sim_advance(world, SECOND);
}

static void a_node_serves_as_many_requests_of_another_as_the_limit_and_no_more(void)
{
    for (unsigned n = 0; n < NODE_SERVED_MAX; n += AT_ONCE)
        give(AT_ONCE, 0);
    CHECK_U64(kept, NODE_SERVED_MAX);
    CHECK_U64(greedy_seen.failed, 0);
    CHECK_U64(info_of(1, 0).serving, NODE_SERVED_MAX);
    give(1, 0);
    CHECK_U64(kept, NODE_SERVED_MAX);
    CHECK_U64(greedy_seen.failed, 1);
    CHECK_ERR(greedy_seen.err, WEFT_ELIMIT);
    CHECK_STR(greedy_seen.why, "node n1 serves too much");
    CHECK_OK(weft_sim_tell(node_at[1].sim, named_at(1, "worker", 1), count, .n = 1));
    weft_sim_advance(world, SECOND);
    CHECK_U64(greedy_seen.failed, NODE_SERVED_MAX + 1);
    CHECK_U64(info_of(1, 0).serving, 0);
    CHECK(is_up(0, 1));
}

/* Were all that are kept looked through for each of them, this would take minutes. */
static void a_lost_link_cancels_all_that_one_actor_keeps_for_it(void)
{
    for (unsigned n = 0; n < NODE_SERVED_MAX; n += AT_ONCE)
        give(AT_ONCE, 0);
    CHECK_U64(kept, NODE_SERVED_MAX);
    node_crash(0);
    weft_sim_advance(world, 10 * SECOND);
    CHECK_U64(cancelled, NODE_SERVED_MAX);
    CHECK_U64(info_of(1, 0).serving, 0);
}

static void a_node_watches_as_much_for_another_as_the_limit_and_no_more(void)
{
    for (unsigned n = 0; n < NODE_WATCHED_MAX; n += AT_ONCE)
        give(0, AT_ONCE);
    CHECK_U64(greedy_seen.downs, 0);
    give(0, 1);
    CHECK_U64(greedy_seen.downs, 1);
    CHECK_ERR(greedy_seen.err, WEFT_ELIMIT);
    CHECK_STR(greedy_seen.why, "too much is watched on node n1");
    CHECK(is_up(0, 1));
}

static const test_case cases[] = {
    TEST(a_node_serves_as_many_requests_of_another_as_the_limit_and_no_more),
    TEST(a_lost_link_cancels_all_that_one_actor_keeps_for_it),
    TEST(a_node_watches_as_much_for_another_as_the_limit_and_no_more),
    {0},
};
const test_suite node_limits_suite = {
    .name = "actors/node_limits", .cases = cases, .before = begin, .after = world_done};
