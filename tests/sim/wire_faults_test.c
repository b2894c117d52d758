/* SPDX-License-Identifier: MIT */
/* Faults of the wire that a test asks for: drops, delays, places that are cut off. */
#include "check.h"

#include <weft/net.h>
#include <weft/testing_stream.h>

#define ECHO "sim://echo:7"
#define OTHER "sim://other"

static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    return weft_write(self, weft_sender(msg), ((const weft_data *)weft_body(msg))->bytes);
}

static const weft_handler echo_handlers[] = {{.type = &weft_data_type, .fn = echo_data}, {0}};
static const weft_behaviour echo = {.name = "test.echo", .handlers = echo_handlers};

static weft_sim *sim;

static void begin(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 5, .system = {.reactors = 2}});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), ECHO, &echo, NULL));
    CHECK_OK(weft_listen(weft_sim_system(sim), OTHER, &echo, NULL));
}

static void end(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* The virtual time until @text is back; UINT32_MAX: it is not after a second. */
static uint32_t round_trip(weft_sim_peer *peer, const char *text)
{
    size_t want = peer->got_bytes + strlen(text);
    uint32_t began = weft_sim_now(sim);
    weft_sim_peer_say(peer, text);
    for (int i = 0; i < 1000 && peer->got_bytes < want; i++)
        weft_sim_advance(sim, 1);
    return peer->got_bytes == want ? weft_sim_now(sim) - began : UINT32_MAX;
}

/* ---- drops */

static void all_connections_of_a_place_are_dropped_and_no_others(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO), *b = weft_sim_connect(sim, ECHO),
                  *c = weft_sim_connect(sim, OTHER);
    unsigned dropped = 0;
    CHECK_OK(weft_sim_drop(sim, ECHO, &dropped));
    CHECK_U64(dropped, 2);
    CHECK(!a->closed);
    CHECK(weft_sim_run(sim));
    CHECK(a->closed && b->closed && !c->closed);
    CHECK_ERR(a->reason, WEFT_ELOST);
    CHECK_OK(weft_sim_drop(sim, ECHO, &dropped));
    CHECK_U64(dropped, 0);
    CHECK_U64(round_trip(c, "still there"), 0);
    CHECK_U64(round_trip(weft_sim_connect(sim, ECHO), "again"), 0);
}

static void one_connection_is_dropped_at_either_end(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO), *b = weft_sim_connect(sim, ECHO);
    CHECK_OK(weft_sim_drop_stream(sim, a->stream));
    CHECK(weft_sim_run(sim));
    CHECK(a->closed && !b->closed);
    CHECK_ERR(weft_sim_drop_stream(sim, a->stream), WEFT_EGONE);
    CHECK_ERR(weft_sim_drop_stream(sim, b->actor), WEFT_EGONE);
    CHECK_ERR(weft_sim_drop_stream(sim, WEFT_NOBODY), WEFT_EGONE);
}

static void what_is_under_way_is_lost_with_its_connection(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO "?latency=10ms");
    CHECK_ERR(weft_sim_drop_stream(sim, a->stream), WEFT_EGONE); /* it is not up yet */
    weft_sim_advance(sim, 100);
    REQUIRE(a->opened);
    weft_sim_peer_say(a, "never seen");
    weft_sim_advance(sim, 15); /* there, and on its way back */
    CHECK_OK(weft_sim_drop_stream(sim, a->stream));
    weft_sim_advance(sim, 100);
    CHECK(a->closed);
    CHECK_U64(a->got_bytes, 0);
}

/* ---- delays */

static void a_delay_is_of_all_connections_of_a_place_until_it_is_taken_back(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO), *c = weft_sim_connect(sim, OTHER);
    CHECK_OK(weft_sim_delay(sim, ECHO, 20));
    CHECK_U64(round_trip(a, "x"), 40);
    CHECK_U64(round_trip(c, "x"), 0);
    weft_sim_peer *b = weft_sim_connect(sim, ECHO);
    CHECK(!b->opened);
    weft_sim_advance(sim, 40);
    CHECK(b->opened);
    CHECK_U64(round_trip(b, "x"), 40);
    CHECK_OK(weft_sim_delay(sim, ECHO, 0));
    CHECK_U64(round_trip(a, "x"), 0);
}

static void a_delay_of_one_connection_comes_on_top(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO), *b = weft_sim_connect(sim, ECHO);
    CHECK_OK(weft_sim_delay(sim, ECHO, 20));
    CHECK_OK(weft_sim_delay_stream(sim, a->stream, 5));
    CHECK_U64(round_trip(a, "x"), 50);
    CHECK_U64(round_trip(b, "x"), 40);
    CHECK_ERR(weft_sim_delay_stream(sim, WEFT_NOBODY, 5), WEFT_EGONE);
}

static void nothing_overtakes_when_a_delay_ends(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO);
    CHECK_OK(weft_sim_delay(sim, ECHO, 30));
    weft_sim_peer_say(a, "slow ");
    CHECK_OK(weft_sim_delay(sim, ECHO, 0));
    weft_sim_peer_say(a, "fast");
    CHECK_STR(weft_sim_expect(a, "slow fast"), "");
}

/* ---- places that are cut off */

static void nothing_arrives_at_a_place_that_is_cut_off_before_it_is_over(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO), *c = weft_sim_connect(sim, OTHER);
    CHECK_OK(weft_sim_partition(sim, ECHO, 500));
    weft_sim_peer_say(a, "late");
    CHECK_U64(round_trip(c, "x"), 0);
    weft_sim_peer *b = weft_sim_connect(sim, ECHO);
    weft_sim_advance(sim, 499);
    CHECK_U64(a->got_bytes, 0);
    CHECK(!b->opened && !b->closed);
    weft_sim_advance(sim, 1);
    CHECK_STR(a->got, "late");
    CHECK(b->opened);
    CHECK_U64(round_trip(a, "x"), 0);
}

static void what_is_under_way_is_held_and_so_is_the_answer_to_a_connect(void)
{
    weft_sim_peer *a = weft_sim_connect(sim, ECHO "?latency=10ms");
    weft_sim_advance(sim, 100);
    REQUIRE(a->opened);
    weft_sim_peer *b = weft_sim_connect(sim, ECHO "?latency=10ms");
    weft_sim_peer_say(a, "one");
    weft_sim_advance(sim, 12); /* back on its way, as the outcome of the connect is */
    weft_sim_peer_say(a, "two");
    CHECK_OK(weft_sim_partition(sim, ECHO, 300));
    weft_sim_advance(sim, 299);
    CHECK(a->got_bytes == 0 && !b->opened);
    weft_sim_advance(sim, 1);
    CHECK_STR(a->got, "one");
    CHECK(b->opened);
    CHECK_STR(weft_sim_expect(a, "onetwo"), "");
}

static void a_connect_that_is_cut_off_too_long_times_out(void)
{
    CHECK_OK(weft_sim_partition(sim, ECHO, 60000));
    weft_sim_peer *a = weft_sim_connect(sim, ECHO "?timeout=100ms");
    weft_sim_advance(sim, 100);
    CHECK(a->closed);
    CHECK_ERR(a->reason, WEFT_ETIMEDOUT);
    weft_sim_advance(sim, 60000);
}

static void cut_off(weft_sim *s, void *context)
{
    (void)context;
    CHECK_OK(weft_sim_partition(s, ECHO, 100));
}

static void drop_all(weft_sim *s, void *context)
{
    CHECK_OK(weft_sim_drop(s, ECHO, context));
}

static void faults_of_the_wire_can_be_planned(void)
{
    unsigned dropped = 0;
    weft_sim_peer *a = weft_sim_connect(sim, ECHO);
    CHECK_OK(weft_sim_at(sim, 50, cut_off, NULL));
    CHECK_OK(weft_sim_at(sim, 200, drop_all, &dropped));
    weft_sim_advance(sim, 50);
    CHECK_U64(round_trip(a, "x"), 100);
    weft_sim_advance(sim, 100);
    CHECK(a->closed);
    CHECK_U64(dropped, 1);
}

static void what_is_no_simulated_place_is_an_error(void)
{
    CHECK_ERR(weft_sim_drop(sim, "tcp://127.0.0.1:80", NULL), WEFT_EINVAL);
    CHECK_ERR(weft_sim_delay(sim, "nonsense", 1), WEFT_EINVAL);
    CHECK_ERR(weft_sim_partition(sim, "", 1), WEFT_EINVAL);
    CHECK_OK(weft_sim_delay(sim, "sim://nobody", 1));
}

/* Any moment of a busy connection is a good one for a fault, and nothing is left behind. */
static void faults_at_any_step_leave_nothing(void)
{
    end();
    for (uint32_t step = 1; step < 150; step++) {
        begin();
        weft_sim_peer *a = weft_sim_connect(sim, ECHO "?latency=3ms");
        (void)weft_sim_run_to(sim, 1 + step / 2);
        if (step % 3 == 0)
            CHECK_OK(weft_sim_drop(sim, ECHO, NULL));
        if (step % 3 == 1)
            CHECK_OK(weft_sim_partition(sim, ECHO, 40));
        if (step % 3 == 2)
            CHECK(a->closed || weft_sim_kill(sim, a->stream, WEFT_EABORTED) == WEFT_OK);
        weft_sim_peer_say(a, "text");
        (void)weft_sim_run_to(sim, step);
        weft_sim_peer_say(a, "more");
        weft_sim_advance(sim, step % 50);
        CHECK_STR(weft_sim_failure(sim), "");
        end();
    }
    begin();
}

static const test_case cases[] = {
    TEST(all_connections_of_a_place_are_dropped_and_no_others),
    TEST(one_connection_is_dropped_at_either_end),
    TEST(what_is_under_way_is_lost_with_its_connection),
    TEST(a_delay_is_of_all_connections_of_a_place_until_it_is_taken_back),
    TEST(a_delay_of_one_connection_comes_on_top),
    TEST(nothing_overtakes_when_a_delay_ends),
    TEST(nothing_arrives_at_a_place_that_is_cut_off_before_it_is_over),
    TEST(what_is_under_way_is_held_and_so_is_the_answer_to_a_connect),
    TEST(a_connect_that_is_cut_off_too_long_times_out),
    TEST(faults_of_the_wire_can_be_planned),
    TEST(what_is_no_simulated_place_is_an_error),
    TEST(faults_at_any_step_leave_nothing),
    {0},
};

const test_suite wire_faults_suite = {
    .name = "sim/wire_faults", .before = begin, .after = end, .cases = cases};
