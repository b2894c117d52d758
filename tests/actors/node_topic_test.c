/* SPDX-License-Identifier: MIT */
/* Topics of several nodes: what is published at one is published at all, crosses once for each, in order, at most
 * once; a lost link ends the subscription, and a new one brings it back. */
#include "node_kit.h"

#include <weft/topic.h>

#include "alloc.h"

enum { SEEDS = 40, SUBSCRIBERS = 3 };

static const weft_node_allow allow[] = {
    {.node = "*", .actor = "prices", .type = &count_type},
    {.node = "*", .actor = "prices", .type = &weft_topic_join_type},
    {0},
};
static weft_topic_config source_config, relay_config;
static weft_ref topic_at[KIT_NODES_MAX];
static seen subscriber_seen[KIT_NODES_MAX][SUBSCRIBERS];
static counter_config subscriber_config[KIT_NODES_MAX][SUBSCRIBERS];
static weft_ref subscriber_at[KIT_NODES_MAX][SUBSCRIBERS];

/* Node 0 has the topic, the others have it from there; each has its subscribers. */
static void add_topic(unsigned i)
{
    topic_at[i] =
        weft_sim_spawn(node_at[i].sim, &weft_topic, i == 0 ? &source_config : &relay_config);
    for (unsigned k = 0; k < SUBSCRIBERS; k++) {
        subscriber_config[i][k] = (counter_config){.seen = &subscriber_seen[i][k]};
        subscriber_at[i][k] = weft_sim_spawn(node_at[i].sim, &counter, &subscriber_config[i][k]);
        CHECK_OK(weft_sim_tell(node_at[i].sim, topic_at[i], weft_topic_subscribe,
                               .who = subscriber_at[i][k]));
    }
}

static void topics_of(unsigned n, uint64_t seed, const weft_sim_faults *faults)
{
    memset(subscriber_seen, 0, sizeof subscriber_seen);
    kit_defaults.allow = allow;
    kit_more = add_topic;
    world_of(n, seed, faults);
}

static void begin(void)
{
    source_config = (weft_topic_config){.name = "prices", .queue_max = 1000};
    relay_config = (weft_topic_config){.name = "prices", .queue_max = 1000, .source = "prices@n0"};
}

static weft_topic_counts counts_at(unsigned i)
{
    weft_topic_look look = {0};
    const weft_outcome *got =
        weft_sim_ask_body(node_at[i].sim, topic_at[i], &weft_topic_look_type, &look, 1000);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_topic_counts *)got->body : (weft_topic_counts){0};
}

/* Runs until the topics of all nodes but the first have joined so often, and the first has them. */
static bool all_joined(unsigned n, uint32_t times)
{
    for (unsigned round = 0; round < 2000; round++) {
        bool all = counts_at(0).subscribers == SUBSCRIBERS + n - 1;
        for (unsigned i = 1; i < n; i++)
            all = all && counts_at(i).joined >= times;
        if (all)
            return true;
        weft_sim_advance(world, 20);
    }
    return false;
}

static void publish(unsigned at, uint64_t first, unsigned n)
{
    for (uint64_t i = first; i < first + n; i++)
        CHECK_OK(weft_sim_tell(node_at[at].sim, topic_at[at], count, .n = i));
}

/* What was seen is a part of what was published, each once, in order. */
static void check_order(const seen *s)
{
    for (unsigned i = 1; i < s->n && i < KIT_SEEN_MAX; i++)
        CHECK(s->got[i] > s->got[i - 1]);
}

static void what_is_published_at_the_source_is_published_at_every_node(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        topics_of(2 + (unsigned)seed % 4, seed,
                  &(weft_sim_faults){.latency_ms_max = (uint32_t)seed % 9});
        unsigned n = 2 + (unsigned)seed % 4;
        CHECK(all_joined(n, 1));
        publish(0, 1, 200);
        weft_sim_advance(world, 1000);
        for (unsigned i = 0; i < n; i++)
            for (unsigned k = 0; k < SUBSCRIBERS; k++) {
                CHECK_U64(subscriber_seen[i][k].n, 200);
                check_order(&subscriber_seen[i][k]);
            }
        CHECK_U64(counts_at(0).dropped, 0);
        world_done();
    }
}

static void a_publication_crosses_once_for_each_node(void)
{
    topics_of(2, 7, NULL);
    CHECK(all_joined(2, 1));
    uint64_t before = info_of(0, 1).records_out;
    publish(0, 1, 50);
    weft_sim_advance(world, 500);
    CHECK_U64(info_of(0, 1).records_out - before, 50);
    CHECK_U64(subscriber_seen[1][2].n, 50);
}

static void what_is_published_elsewhere_goes_through_the_source(void)
{
    topics_of(3, 7, NULL);
    CHECK(all_joined(3, 1));
    publish(2, 1, 20);
    weft_sim_advance(world, 500);
    for (unsigned i = 0; i < 3; i++)
        CHECK_U64(subscriber_seen[i][0].n, 20);
    const count body = {.n = 21};
    const weft_outcome *got =
        weft_sim_ask_body(node_at[2].sim, topic_at[2], &count_type, &body, 1000);
    CHECK_OK(got->err);
    node_crash(0);
    weft_sim_advance(world, 100);
    CHECK_ERR(weft_sim_ask_body(node_at[2].sim, topic_at[2], &count_type, &body, 1000)->err,
              WEFT_EUNREACHABLE);
}

static void a_lost_link_ends_a_subscription_and_a_new_one_brings_it_back(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        topics_of(3, seed, &(weft_sim_faults){.latency_ms_max = (uint32_t)seed % 5});
        CHECK(all_joined(3, 1));
        publish(0, 1, 10);
        weft_sim_advance(world, 100);
        CHECK_OK(weft_sim_isolate(node_at[1].sim, 8000));
        weft_sim_advance(world, 6000);
        CHECK_U64(counts_at(0).subscribers, SUBSCRIBERS + 1);
        publish(0, 11, 10);
        weft_sim_advance(world, 100);
        CHECK_U64(subscriber_seen[2][0].n, 20);
        CHECK_U64(subscriber_seen[1][0].n, 10);
        weft_sim_advance(world, 10000);
        CHECK(all_joined(3, 1));
        CHECK(counts_at(1).joined >= 2);
        publish(0, 21, 10);
        weft_sim_advance(world, 200);
        CHECK_U64(subscriber_seen[1][0].n, 20);
        CHECK_U64(subscriber_seen[1][0].got[10], 21);
        check_order(&subscriber_seen[1][1]);
        world_done();
    }
}

static void a_node_that_began_anew_subscribes_anew(void)
{
    topics_of(2, 7, NULL);
    CHECK(all_joined(2, 1));
    node_crash(1);
    weft_sim_advance(world, 100);
    CHECK_U64(counts_at(0).subscribers, SUBSCRIBERS);
    node_start(1);
    CHECK(all_joined(2, 1));
    node_crash(0);
    weft_sim_advance(world, 100);
    node_start(0);
    CHECK(all_joined(2, 2));
    publish(0, 1, 10);
    weft_sim_advance(world, 200);
    CHECK_U64(subscriber_seen[1][0].n, 10);
}

static void the_last_publication_comes_with_the_subscription(void)
{
    source_config.retain = relay_config.retain = true;
    topics_of(2, 7, NULL);
    CHECK(all_joined(2, 1));
    publish(0, 1, 3);
    weft_sim_advance(world, 100);
    node_crash(1);
    weft_sim_advance(world, 100);
    publish(0, 4, 1);
    memset(subscriber_seen[1], 0, sizeof subscriber_seen[1]);
    node_start(1);
    CHECK(all_joined(2, 1));
    weft_sim_advance(world, 100);
    CHECK_U64(subscriber_seen[1][0].n, 1);
    CHECK_U64(subscriber_seen[1][0].got[0], 4);
}

/* A node that is cut off takes nothing: what does not fit its queue at the source goes by its policy. */
static void a_slow_node_gets_what_its_policy_says(void)
{
    static const weft_slow policies[] = {WEFT_SLOW_DROP_OLDEST, WEFT_SLOW_DROP_NEWEST,
                                         WEFT_SLOW_DISCONNECT};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        begin();
        source_config.queue_max = 8;
        relay_config.slow = policies[p];
        topics_of(3, 7, NULL);
        CHECK(all_joined(3, 1));
        CHECK_OK(weft_sim_isolate(node_at[1].sim, 2000));
        for (unsigned i = 0; i < 20; i++) { /* the third node keeps up */
            publish(0, 1 + 8 * i, 8);
            weft_sim_advance(world, 20);
        }
        weft_topic_counts counts = counts_at(0);
        CHECK(policies[p] == WEFT_SLOW_DISCONNECT ? counts.disconnected == 1 : counts.dropped > 0);
        weft_sim_advance(world, 5000);
        CHECK(all_joined(3, 1));
        CHECK_U64(subscriber_seen[2][0].n, 160);
        const seen *slow = &subscriber_seen[1][0];
        check_order(slow);
        CHECK(slow->n < 160 && slow->n >= (policies[p] == WEFT_SLOW_DISCONNECT ? 1 : 64));
        if (policies[p] == WEFT_SLOW_DROP_OLDEST)
            CHECK_U64(slow->got[slow->n - 1], 160);
        if (policies[p] == WEFT_SLOW_DROP_NEWEST)
            CHECK_U64(slow->got[slow->n - 1], 72);
        if (policies[p] == WEFT_SLOW_DISCONNECT)
            CHECK(counts_at(1).joined >= 2);
        world_done();
    }
}

static void a_node_that_waits_loses_nothing(void)
{
    relay_config.slow = WEFT_SLOW_WAIT;
    source_config.queue_max = 4;
    topics_of(2, 7, &(weft_sim_faults){.latency_ms_max = 3});
    CHECK(all_joined(2, 1));
    publish(0, 1, 60);
    weft_sim_advance(world, 5000);
    CHECK_U64(subscriber_seen[1][0].n, 60);
    check_order(&subscriber_seen[1][0]);
}

/* A topic without memory to go on may end; one that lives has its source again. */
static bool has_ended(unsigned i)
{
    weft_topic_look look = {0};
    return weft_sim_ask_body(node_at[i].sim, topic_at[i], &weft_topic_look_type, &look, 1000)
               ->err == WEFT_EGONE;
}

static void memory_may_run_out_wherever_it_is_taken(void)
{
    unsigned joined = 0, rounds = 0;
    long failed = 1;
    for (long n = 0; failed != 0; n += 1 + n / 12, rounds++) {
        topics_of(2, 7, NULL);
        CHECK(all_joined(2, 1));
        CHECK_OK(weft_sim_isolate(node_at[1].sim, 5000));
        weft_sim_advance(world, 4500);
        failed = wf_alloc_failed();
        wf_alloc_fail_after(n);
        weft_sim_advance(world, 4000);
        for (uint64_t i = 1; i <= 5; i++)
            (void)weft_sim_tell(node_at[0].sim, topic_at[0], count, .n = i);
        weft_sim_advance(world, 500);
        wf_alloc_fail_after(-1);
        failed = wf_alloc_failed() - failed;
        weft_sim_advance(world, 20000);
        if (!has_ended(0) && !has_ended(1)) {
            CHECK(all_joined(2, 1));
            publish(0, 100, 1);
            weft_sim_advance(world, 500);
            const seen *s = &subscriber_seen[1][0];
            check_order(s);
            CHECK(s->n > 0 && s->got[s->n - 1] == 100);
            joined++;
        }
        kit_more = NULL;
        world_done();
    }
    CHECK(rounds > 20 && joined > rounds / 2);
}

static void a_topic_whose_source_is_nowhere_ends(void)
{
    static const char *const nowhere[] = {"prices@n0", "prices", "a b@n1"};
    topics_of(2, 7, NULL);
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        weft_topic_config config = {.source = nowhere[i]};
        weft_ref made = weft_sim_spawn(node_at[0].sim, &weft_topic, &config);
        weft_topic_look look = {0};
        CHECK_ERR(weft_sim_ask_body(node_at[0].sim, made, &weft_topic_look_type, &look, 100)->err,
                  WEFT_EGONE);
    }
}

static const test_case cases[] = {
    TEST(what_is_published_at_the_source_is_published_at_every_node),
    TEST(a_publication_crosses_once_for_each_node),
    TEST(what_is_published_elsewhere_goes_through_the_source),
    TEST(a_lost_link_ends_a_subscription_and_a_new_one_brings_it_back),
    TEST(a_node_that_began_anew_subscribes_anew),
    TEST(the_last_publication_comes_with_the_subscription),
    TEST(a_slow_node_gets_what_its_policy_says),
    TEST(a_node_that_waits_loses_nothing),
    TEST(memory_may_run_out_wherever_it_is_taken),
    TEST(a_topic_whose_source_is_nowhere_ends),
    {0},
};
const test_suite node_topic_suite = {
    .name = "actors/node_topic", .cases = cases, .before = begin, .after = world_done};
