/* SPDX-License-Identifier: MIT */
/* Members that join and part while their node runs. */
#include "node_kit.h"

#include <weft/remote.h>

/* ---- asking the node */

typedef struct change {
    const char *name, *url;
    bool parts;
} change;

static weft_err on_changed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply(msg, count, .n = ((const weft_node_changed *)got->body)->members);
}

static weft_err make_change(weft_actor *self, weft_msg *msg, void *with)
{
    const change *c = with;
    return weft_when(
        msg, c->parts ? weft_node_part(self, c->name) : weft_node_join(self, c->name, c->url),
        on_changed);
}

static weft_err join(unsigned at, const char *name, const char *url)
{
    return node_ask_do(at, make_change, &(change){name, url, false})->err;
}

static weft_err part(unsigned at, const char *name)
{
    return node_ask_do(at, make_change, &(change){.name = name, .parts = true})->err;
}

static void strangers(unsigned n)
{
    kit_strangers = true;
    world_of(n, 11, NULL);
    weft_sim_advance(world, 10);
}

/* ---- cases */

static void a_member_that_joins_is_linked_and_reached(void)
{
    strangers(2);
    CHECK_OK(join(1, "n0", NULL));
    CHECK_OK(join(0, "n1", "sim://n1"));
    CHECK_U64(count_of(ask_counter(0, 1, 7, 1000)), 8);
    CHECK_U64(count_of(ask_counter(1, 0, 8, 1000)), 9);
    CHECK(is_up(0, 1) && is_up(1, 0));
}

static void the_answer_says_how_many_there_are(void)
{
    strangers(3);
    CHECK_U64(count_of(node_ask_do(0, make_change, &(change){.name = "n1", .url = "sim://n1"})), 1);
    CHECK_U64(count_of(node_ask_do(0, make_change, &(change){.name = "n2", .url = "sim://n2"})), 2);
    CHECK_U64(count_of(node_ask_do(0, make_change, &(change){.name = "n2", .url = "sim://n2"})), 2);
    CHECK_U64(count_of(node_ask_do(0, make_change, &(change){.name = "n1", .parts = true})), 1);
}

static void one_that_connects_before_it_has_joined_is_taken_when_it_has(void)
{
    strangers(2);
    CHECK_OK(join(0, "n1", "sim://n1"));
    weft_sim_advance(world, 1000);
    CHECK(!is_up(0, 1));
    CHECK(weft_sim_logged(node_at[1].sim, WEFT_NOTICE, "n1 does not know the node n0") > 0);
    CHECK_OK(join(1, "n0", NULL));
    weft_sim_advance(world, 8000);
    CHECK(is_up(0, 1) && is_up(1, 0));
}

static weft_err monitor_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}

static void one_that_parts_is_told_so_refused_and_may_join_again(void)
{
    const seen *s = &node_at[0].counter;
    world_of(2, 3, NULL);
    CHECK(all_linked());
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, monitor_it, &far);
    weft_sim_advance(world, 10);
    CHECK_OK(part(0, "n1"));
    CHECK_U64(s->downs, 1);
    CHECK_ERR(s->down, WEFT_ELOST);
    CHECK_STR(s->why, "node n1 is down: it is a member no more");
    CHECK_ERR(tell_counter(0, 1, 1), WEFT_EUNREACHABLE);
    CHECK_ERR(ask_counter(0, 1, 1, 100)->err, WEFT_EUNREACHABLE);
    weft_sim_advance(world, 20000); /* the other connects again and again */
    CHECK(!is_up(1, 0));
    CHECK_U64(s->downs, 1);
    CHECK_ERR(part(0, "n1"), WEFT_ENOTFOUND);
    CHECK_OK(join(0, "n1", "sim://n1"));
    CHECK_U64(count_of(ask_counter(0, 1, 4, 1000)), 5);
    CHECK(is_up(0, 1));
}

static void what_waited_for_one_that_parts_fails(void)
{
    strangers(2);
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 60000));
    CHECK_OK(join(0, "n1", "sim://n1"));
    weft_ref far = named_at(0, "counter", 1);
    node_do(0, monitor_it, &far);
    CHECK_OK(part(0, "n1"));
    weft_sim_advance(world, 10);
    CHECK_U64(node_at[0].counter.downs, 1);
    CHECK_ERR(node_at[0].counter.down, WEFT_EUNREACHABLE);
    CHECK_ERR(ask_counter(0, 1, 1, 100)->err, WEFT_EUNREACHABLE);
}

static void a_member_may_join_at_another_url(void)
{
    strangers(2);
    CHECK_OK(join(1, "n0", NULL));
    CHECK_OK(join(0, "n1", "sim://nowhere"));
    weft_sim_advance(world, 3000);
    CHECK(!is_up(0, 1));
    CHECK_OK(join(0, "n1", "sim://n1"));
    weft_sim_advance(world, 6000);
    CHECK(is_up(0, 1));
}

static void what_cannot_be_a_member_is_refused_with_the_reason(void)
{
    char long_name[WEFT_NODE_NAME_BYTES + 1], long_url[WEFT_NODE_URL_BYTES + 1];
    strangers(1);
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    memset(long_url, 'u', sizeof long_url - 1);
    long_url[sizeof long_url - 1] = '\0';
    CHECK_ERR(join(0, long_name, NULL), WEFT_EINVAL);
    CHECK_ERR(part(0, long_name), WEFT_EINVAL);
    CHECK_ERR(join(0, "n1", long_url), WEFT_EINVAL);
    CHECK_ERR(join(0, "n1", ""), WEFT_EINVAL);
    CHECK_ERR(join(0, "n0", NULL), WEFT_EINVAL);
    CHECK_ERR(join(0, "n 1", NULL), WEFT_ELIMIT);
    CHECK_ERR(join(0, "n1", "nonsense"), WEFT_EINVAL);
    CHECK_ERR(join(0, "n1", "tcp://192.0.2.1:7"), WEFT_EDENIED);
    CHECK_ERR(join(0, "n1", "http://127.0.0.1:7"), WEFT_EUNSUPPORTED);
    CHECK_ERR(part(0, "n1"), WEFT_ENOTFOUND);
}

static void a_system_that_is_no_node_has_no_members(void)
{
    strangers(1);
    weft_sim *plain = weft_sim_new(&(weft_sim_options){.beside = world});
    REQUIRE(plain != NULL);
    seen s = {0};
    counter_config config = {.seen = &s};
    kit_node kept = node_at[0];
    node_at[0].sim = plain;
    node_at[0].counter_ref = weft_sim_spawn(plain, &counter, &config);
    CHECK_ERR(join(0, "n1", "sim://n1"), WEFT_EGONE);
    node_at[0] = kept;
    CHECK_U64(weft_sim_free(&plain), 0);
}

/* Every taking of memory fails once: what fails says so, and can be asked again. */
static void memory_may_be_out_at_any_moment_of_joining_and_parting(void)
{
    bool met = true;
    for (uint64_t n = 1; met && n < 200; n++) {
        strangers(2);
        CHECK_OK(join(1, "n0", NULL));
        weft_sim_fail_allocation(node_at[0].sim, n);
        weft_err joined = join(0, "n1", "sim://n1");
        weft_err parted = joined == WEFT_OK ? part(0, "n1") : WEFT_ENOMEM;
        met = weft_sim_allocation_failed(node_at[0].sim);
        CHECK(met || (joined == WEFT_OK && parted == WEFT_OK));
        weft_sim_fail_allocation(node_at[0].sim, 0);
        CHECK_OK(join(0, "n1", "sim://n1"));
        weft_sim_advance(world, 8000);
        CHECK(is_up(0, 1));
        world_done();
    }
    CHECK(!met);
}

static const test_case cases[] = {
    TEST(a_member_that_joins_is_linked_and_reached),
    TEST(the_answer_says_how_many_there_are),
    TEST(one_that_connects_before_it_has_joined_is_taken_when_it_has),
    TEST(one_that_parts_is_told_so_refused_and_may_join_again),
    TEST(what_waited_for_one_that_parts_fails),
    TEST(a_member_may_join_at_another_url),
    TEST(what_cannot_be_a_member_is_refused_with_the_reason),
    TEST(a_system_that_is_no_node_has_no_members),
    TEST(memory_may_be_out_at_any_moment_of_joining_and_parting),
    {0},
};
const test_suite node_members_suite = {
    .name = "actors/node_members", .after = world_done, .cases = cases};
