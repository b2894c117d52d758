/* SPDX-License-Identifier: MIT */
/* Streams between nodes: bytes both ways, in order and bounded; how they end. */
#include "node_stream_kit.h"

#include <inttypes.h>

#include "node/link_stream.h"

enum { MIB = 1 << 20, TOTAL = 10 * MIB };

static far_end *here(void)
{
    return &side_at[0].end[0];
}

/* Goes on sending on the first stream. */
static weft_err send_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    far_send(self, &side_at[0], &side_at[0].end[0]);
    return WEFT_OK;
}

static far_end *there(void)
{
    return &side_at[1].end[0];
}

/* ---- while it is open */

static void a_stream_opens_at_both_ends_and_carries_bytes_both_ways(void)
{
    stream_world(2, 7, NULL);
    side_at[0].total = 1000;
    side_at[1].answer = 2000;
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 10);
    CHECK_STR(here()->log, "od");
    CHECK_STR(there()->log, "od");
    CHECK_U64(here()->got, 2000);
    CHECK_U64(there()->got, 1000);
    CHECK_U64(here()->wrong + there()->wrong, 0);
    CHECK_U64(here()->opens, 1);
    CHECK_U64(there()->opens, 1);
    CHECK(here()->peer.family == WEFT_FAMILY_NONE);
}

static void ten_mib_arrive_once_and_in_order_in_either_direction(void)
{
    static const weft_sim_faults faults = {
        .short_read = 300000, .short_write = 300000, .latency_ms_max = 3};
    stream_world(2, 11, &faults);
    side_at[0].total = TOTAL;
    side_at[1].answer = TOTAL;
    side_at[0].end_when_sent = side_at[1].end_when_sent = true;
    side_at[0].stays = side_at[1].stays = true;
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 60000);
    CHECK_U64(here()->got, TOTAL);
    CHECK_U64(there()->got, TOTAL);
    CHECK_U64(here()->wrong + there()->wrong, 0);
    CHECK_STR(here()->log, "odec");
    CHECK_STR(there()->log, "odec");
    CHECK_ERR(here()->reason, WEFT_EDONE);
    CHECK_ERR(there()->reason, WEFT_EDONE);
    CHECK_U64(info_of(0, 1).ups, 1);
}

static void a_slow_reader_stops_the_source_and_takes_no_more_than_its_windows(void)
{
    stream_world(2, 7, NULL);
    side_at[0].total = TOTAL;
    side_at[1].hold = true;
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 1000);
    uint64_t sent = here()->sent, got = there()->got;
    CHECK(got != 0 && got <= WEFT_WINDOW_BYTES);
    CHECK(sent <= got + WEFT_NODE_STREAM_BYTES + WEFT_WRITE_QUEUE_BYTES_MAX + (16 << 10));
    weft_sim_advance(world, 10000);
    CHECK_U64(here()->sent, sent);
    CHECK_U64(there()->got, got);
    CHECK(is_up(0, 1));
    let_go(1);
    weft_sim_advance(world, 10000);
    CHECK_U64(there()->got, TOTAL);
    CHECK_U64(there()->wrong, 0);
}

static void a_stream_to_an_actor_of_the_same_node_is_a_pair(void)
{
    stream_world(2, 7, NULL);
    side_at[0].total = 100;
    CHECK_OK(open_stream(0, "counter", 0));
    CHECK_U64(side_at[0].n_made, 1);
    CHECK(weft_remote_node_of(side_at[0].made[0].theirs) == 0);
    weft_sim_advance(world, 10);
    CHECK_STR(here()->log, "o");
    CHECK_ERR(open_stream(0, "nobody", 0), WEFT_EGONE);
}

static uint64_t got_by_three(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 3; i++)
        sum += side_at[1].end[i].got;
    return sum;
}

static void messages_pass_by_what_streams_send(void)
{
    enum { MS = 5 };
    stream_world(2, 7, NULL);
    CHECK_OK(weft_sim_delay(world, "sim://n0", MS));
    CHECK_OK(weft_sim_delay(world, "sim://n1", MS));
    side_at[0].total = TOTAL;
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 20 * MS);
    uint64_t before = got_by_three();
    CHECK(before != 0 && before < TOTAL);
    uint32_t began = weft_sim_now(world);
    for (uint64_t n = 1; n <= 10; n++)
        CHECK_U64(count_of(ask_counter(0, 1, n, 5000)), n + 1);
    /* there and back, behind what the wire's window holds, and no more */
    CHECK(weft_sim_now(world) - began <= 10 * (3 * MS + 2));
    uint64_t meanwhile = got_by_three();
    CHECK(meanwhile > before && meanwhile < 3 * (uint64_t)TOTAL);
    for (unsigned i = 0; i < 3; i++) /* no stream waits for the others */
        CHECK(side_at[1].end[i].got >= meanwhile / 4);
    weft_sim_advance(world, 30000);
    CHECK_U64(got_by_three(), 3 * (uint64_t)TOTAL);
    for (unsigned i = 0; i < 3; i++)
        CHECK_U64(side_at[1].end[i].wrong, 0);
}

/* ---- how it ends */

static void one_side_may_end_and_the_other_answer_and_close(void)
{
    stream_world(2, 7, NULL);
    side_at[0].total = 300000;
    side_at[0].end_when_sent = true;
    side_at[1].answer = 5000;
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 1000);
    CHECK_STR(there()->log, "odec");
    CHECK_STR(here()->log, "odec");
    CHECK_U64(there()->got, 300000);
    CHECK_U64(here()->got, 5000);
    CHECK_ERR(here()->reason, WEFT_EDONE);
    CHECK_ERR(there()->reason, WEFT_EDONE);
}

static void what_was_written_before_closing_arrives_and_then_both_are_closed(void)
{
    stream_world(2, 7, NULL);
    side_at[0].total = 900000;
    side_at[0].close_when_sent = true;
    side_at[1].stays = true;
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 1000);
    CHECK_STR(here()->log, "oc");
    CHECK_STR(there()->log, "odec");
    CHECK_U64(there()->got, 900000);
    CHECK_ERR(here()->reason, WEFT_EDONE);
    CHECK_ERR(there()->reason, WEFT_EDONE);
}

static weft_err abort_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_abort(self, here()->stream, *(const weft_err *)with);
}

static void check_abort(weft_err with, weft_err here_told, weft_err there_told, const char *why)
{
    stream_world(2, 7, NULL);
    side_at[0].total = TOTAL;
    side_at[1].hold = true;
    CHECK_OK(open_stream(0, "worker", 1));
    side_do(0, abort_it, &with);
    weft_sim_advance(world, 10);
    CHECK_ERR(here()->reason, here_told);
    CHECK_STR(there()->log, "od"); /* it keeps one */
    let_go(1);
    weft_sim_advance(world, 10);
    CHECK_STR(there()->log, "odc");
    CHECK_ERR(there()->reason, there_told);
    CHECK_STR(there()->why, why);
    world_done();
}

static void an_aborted_end_is_a_loss_at_the_other_and_a_reason_goes_there(void)
{
    check_abort(WEFT_OK, WEFT_EABORTED, WEFT_ELOST, "the other end was aborted");
    check_abort(WEFT_EDENIED, WEFT_EDENIED, WEFT_EDENIED, weft_err_text(WEFT_EDENIED));
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_EINVAL);
}

static void an_owner_that_ends_ends_the_stream_at_the_other_side(void)
{
    stream_world(2, 7, NULL);
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 10);
    side_do(1, stop_it, NULL);
    weft_sim_advance(world, 10);
    CHECK_STR(here()->log, "oec");
    CHECK_ERR(here()->reason, WEFT_EDONE);
}

static weft_err monitor_theirs(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_monitor(self, side_at[0].made[0].theirs);
}

static weft_err stop_theirs(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_ref(self, side_at[0].made[0].theirs, WEFT_OK);
}

static weft_err write_theirs(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    *(weft_err *)with = weft_write_text(self, side_at[0].made[0].theirs, "no");
    return WEFT_OK;
}

static void its_far_end_can_be_monitored_and_stopped_by_its_reference(void)
{
    weft_err err = WEFT_OK;
    stream_world(2, 7, NULL);
    CHECK_OK(open_stream(0, "worker", 1));
    CHECK(weft_remote_node_of(side_at[0].made[0].theirs) != 0);
    side_do(0, monitor_theirs, NULL);
    side_do(0, write_theirs, &err);
    CHECK_ERR(err, WEFT_ETYPE);
    weft_sim_advance(world, 10);
    CHECK_U64(side_at[0].downs, 0);
    side_do(0, stop_theirs, NULL);
    weft_sim_advance(world, 10);
    CHECK_U64(side_at[0].downs, 1);
    CHECK_STR(here()->log, "oec");
    CHECK_STR(there()->log, "oc");
}

static weft_err introduce_theirs(weft_actor *self, weft_msg *msg, void *with)
{
    Weft__Ref ref;
    (void)msg, (void)with;
    weft_ref_to_message(&ref, side_at[0].made[0].theirs);
    return weft_tell(self, weft_named(self, "worker@n1"), introduce, .whom = &ref);
}

static void its_reference_in_a_message_is_that_of_the_far_end_there(void)
{
    stream_world(2, 7, NULL);
    CHECK_OK(open_stream(0, "worker", 1));
    side_do(0, introduce_theirs, NULL);
    weft_sim_advance(world, 10);
    CHECK(!weft_ref_is_nobody(side_at[1].told));
    CHECK(weft_ref_same(side_at[1].told, there()->stream));
}

static void check_lost(const char *why)
{
    CHECK_U64(here()->closes, 1);
    CHECK_ERR(here()->reason, WEFT_ELOST);
    CHECK(strstr(here()->why, why) != NULL);
}

static void begin_ten(void)
{
    stream_world(2, 7, NULL);
    side_at[0].total = side_at[1].answer = TOTAL;
    side_at[0].hold = side_at[1].hold = true;
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 5);
    side_at[0].hold = side_at[1].hold = false;
    CHECK_STR(here()->log, "od");
}

static void a_lost_connection_ends_it_at_both_ends(void)
{
    begin_ten();
    CHECK_OK(weft_sim_drop(world, "sim://n0", NULL));
    CHECK_OK(weft_sim_drop(world, "sim://n1", NULL));
    weft_sim_advance(world, 1);
    let_go(0);
    let_go(1);
    weft_sim_advance(world, 1000);
    check_lost("node n1 is down: ");
    CHECK_ERR(there()->reason, WEFT_ELOST);
    CHECK_U64(there()->closes, 1);
    CHECK(all_linked());
    CHECK_OK(open_stream(0, "worker", 1)); /* and another one can be had */
    weft_sim_advance(world, 10);
    CHECK_STR(side_at[0].end[1].log, "od");
}

static void a_partition_ends_it_within_the_limit_of_silence(void)
{
    begin_ten();
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 60000));
    let_go(0);
    let_go(1);
    weft_sim_advance(world, 10000);
    check_lost("nothing came for 4000 ms");
    CHECK_ERR(there()->reason, WEFT_ELOST);
}

static void a_crash_of_the_other_node_ends_it(void)
{
    begin_ten();
    memset(&side_at[1], 0, sizeof side_at[1]);
    node_crash(1);
    let_go(0);
    weft_sim_advance(world, 1000);
    check_lost("node n1 is down: ");
}

static void a_node_that_leaves_ends_it(void)
{
    begin_ten();
    let_go(1);
    node_stop(1);
    let_go(0);
    weft_sim_advance(world, 1000);
    check_lost("node n1 is down: ");
}

/* ---- what is refused */

static void check_refused(weft_err err, const char *why)
{
    weft_sim_advance(world, 10);
    far_end *e = &side_at[0].end[side_at[0].n - 1];
    CHECK_STR(e->log, "c");
    CHECK_ERR(e->reason, err);
    CHECK_STR(e->why, why);
}

static void a_name_is_reached_only_by_whom_the_allow_list_lets(void)
{
    static const weft_node_allow allow[] = {
        {.node = "*", .actor = "worker", .type = &weft_opened_type},
        {.node = "*", .actor = "counter", .type = &count_type},
        {0},
    };
    kit_defaults.allow = allow;
    stream_world(2, 7, NULL);
    CHECK_OK(open_stream(0, "counter", 1));
    check_refused(WEFT_EDENIED, "node n1 does not let n0 reach counter");
    CHECK_OK(open_stream(0, "nobody", 1));
    check_refused(WEFT_EDENIED, "node n1 does not let n0 reach nobody");
    CHECK_OK(open_stream(0, "worker", 1));
    weft_sim_advance(world, 10);
    CHECK_STR(side_at[0].end[2].log, "o");
    CHECK_U64(count_of(ask_counter(0, 1, 1, 1000)), 2);
}

static void one_to_nobody_is_refused(void)
{
    stream_world(2, 7, NULL);
    side_do(1, stop_it, NULL);
    CHECK_OK(open_stream(0, "worker", 1));
    check_refused(WEFT_EGONE, "nobody has the name worker on node n1");
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 100000));
    weft_sim_advance(world, 50000);
    CHECK_ERR(open_stream(0, "worker", 1), WEFT_EINTERNAL); /* it waits for a connection */
    weft_sim_advance(world, 10000);
    CHECK_ERR(side_at[0].err, WEFT_EUNREACHABLE);
    CHECK(strstr(side_at[0].why, "node n1 cannot be reached: ") == side_at[0].why);
}

static void one_that_is_asked_for_before_the_connection_waits_for_it(void)
{
    memset(side_at, 0, sizeof side_at);
    kit_more = side_start;
    world_of(2, 7, NULL);
    side_at[0].total = 500;
    (void)open_stream(0, "worker", 1);
    CHECK(all_linked());
    weft_sim_advance(world, 10);
    CHECK_ERR(side_at[0].err, WEFT_OK);
    CHECK_U64(there()->got, 500);
}

/* ---- what a peer must not do */

/* This side's stream, as the link knows it. */
static link_stream *inside(unsigned i)
{
    weft_ref link = weft_remote_link_to(weft_sim_system(node_at[i].sim), 1);
    const node_link *l = weft_sim_state(node_at[i].sim, link);
    size_t at = 0;
    const link_map_row *row = wf_map_next(&l->streams.by_id, &at);
    REQUIRE(row != NULL);
    return row->pointer;
}

static void bytes_beyond_what_there_is_room_for_end_the_stream_and_nothing_else(void)
{
    stream_world(2, 7, NULL);
    side_at[1].hold = true;
    CHECK_OK(open_stream(0, "worker", 1));
    inside(0)->room = TOTAL; /* of its own making */
    side_at[0].total = TOTAL;
    side_do(0, send_now, NULL);
    weft_sim_advance(world, 1000);
    let_go(1);
    weft_sim_advance(world, 10);
    CHECK_ERR(there()->reason, WEFT_EPROTO);
    CHECK_STR(there()->why, "bytes came that there was no room for");
    CHECK_ERR(here()->reason, WEFT_EPROTO);
    CHECK_U64(info_of(0, 1).ups, 1);
    CHECK_U64(count_of(ask_counter(0, 1, 1, 1000)), 2);
}

static void so_does_more_room_than_there_can_be(void)
{
    stream_world(2, 7, NULL);
    CHECK_OK(open_stream(0, "worker", 1));
    inside(0)->room = UINT32_MAX - MIB;
    inside(1)->owed = 1U << 31; /* as if it had read so much */
    side_at[0].total = 10000;
    side_do(0, send_now, NULL);
    weft_sim_advance(world, 10);
    CHECK_ERR(here()->reason, WEFT_EPROTO);
    CHECK_STR(here()->why, "more room was given than there can be");
    CHECK_ERR(there()->reason, WEFT_EPROTO);
    CHECK(is_up(0, 1));
}

static void there_are_only_so_many_streams_between_two_nodes(void)
{
    stream_world(2, 7, NULL);
    for (unsigned i = 0; i < WEFT_NODE_STREAMS_MAX; i++)
        CHECK_OK(open_stream(0, "worker", 1));
    CHECK_ERR(open_stream(0, "worker", 1), WEFT_ELIMIT);
    CHECK_STR(side_at[0].why, "there are 1024 streams between this node and n1");
    CHECK_ERR(open_stream(1, "worker", 0), WEFT_ELIMIT);
}

static void a_node_that_knows_no_streams_is_asked_for_none(void)
{
    stream_world(2, 7, NULL);
    weft_ref link = weft_remote_link_to(weft_sim_system(node_at[0].sim), 1);
    node_link *l = (node_link *)(uintptr_t)weft_sim_state(node_at[0].sim, link);
    l->s.peer.features &= ~(uint64_t)LINK_FEATURE_STREAMS;
    CHECK_ERR(open_stream(0, "worker", 1), WEFT_EUNSUPPORTED);
    CHECK_STR(side_at[0].why, "node n1 knows no streams");
}

/* ---- faults at each place */

/* Two streams, one each way, of which the second answers; all of them must come to an end. */
static void begin_both(void)
{
    side_at[0].total = side_at[1].total = 100000;
    side_at[0].answer = side_at[1].answer = 3000;
    side_at[0].end_when_sent = side_at[1].end_when_sent = true;
    side_at[0].stays = side_at[1].stays = true;
    (void)open_stream(0, "worker", 1);
    (void)open_stream(1, "worker", 0);
}

/* Each end was closed once, and what came was right; @whole: all of it came. */
static void check_ends(const char *what, uint64_t at, bool whole)
{
    unsigned ends = 0;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < side_at[i].n; k++) {
            const far_end *e = &side_at[i].end[k];
            ends++;
            if (e->closes != 1 || e->wrong != 0 || e->opens > 1 ||
                (e->reason == WEFT_EDONE && e->got != 100000 && e->got != 3000) ||
                (whole && e->reason != WEFT_EDONE)) {
                printf("%s at %" PRIu64 ": n%u saw %s, %s, %" PRIu64 " bytes\n", what, at, i,
                       e->log, e->why, e->got);
                CHECK(false);
            }
        }
    CHECK(!whole || ends == 4);
}

static void a_connection_lost_at_any_step_ends_every_stream_once_at_both_ends(void)
{
    for (uint64_t steps = 0; steps < 400; steps += steps < 60 ? 1 : 7) {
        stream_world(2, 7, NULL);
        CHECK_OK(weft_sim_delay(world, "sim://n0", 2));
        CHECK_OK(weft_sim_delay(world, "sim://n1", 2));
        begin_both();
        (void)weft_sim_run_to(world, weft_sim_steps(world) + steps);
        CHECK_OK(weft_sim_drop(world, "sim://n0", NULL));
        CHECK_OK(weft_sim_drop(world, "sim://n1", NULL));
        weft_sim_advance(world, 20000);
        check_ends("a loss", steps, false);
        world_done();
    }
}

static void memory_that_is_out_at_any_place_ends_streams_and_leaks_nothing(void)
{
    bool more = true;
    for (uint64_t n = 1; more; n += n < 200 ? 1 : 11) {
        stream_world(2, 7, NULL);
        weft_sim_fail_allocation(world, n);
        begin_both();
        weft_sim_advance(world, 20000);
        more = weft_sim_allocation_failed(world);
        weft_sim_fail_allocation(world, 0);
        check_ends("memory out", n, false);
        CHECK(all_linked());
        CHECK_U64(count_of(ask_counter(0, 1, 1, 1000)), 2);
        world_done();
    }
}

/* Three nodes, streams from each to each, and whatever a seed does to the wire. */
static void on_any_seed_streams_end_once_and_what_came_is_right(void)
{
    static const weft_sim_faults faults = {
        .lost = 12000, .short_read = 200000, .short_write = 200000, .latency_ms_max = 4};
    unsigned whole = 0, broken = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        stream_world(3, seed, &faults);
        for (unsigned i = 0; i < 3; i++)
            side_at[i] = (far_side){.self = side_at[i].self,
                                    .total = 100000,
                                    .answer = 3000,
                                    .end_when_sent = true,
                                    .stays = true};
        for (unsigned i = 0; i < 3; i++)
            (void)open_stream(i, "worker", (i + 1) % 3);
        weft_sim_advance(world, 100);
        if (seed % 5 == 0)
            CHECK_OK(weft_sim_isolate(node_at[seed % 3].sim, 9000));
        weft_sim_advance(world, 60000);
        for (unsigned i = 0; i < 3; i++)
            for (unsigned k = 0; k < side_at[i].n; k++) {
                whole += side_at[i].end[k].reason == WEFT_EDONE;
                broken += side_at[i].end[k].reason == WEFT_ELOST;
            }
        check_ends("a fault", seed, false);
        world_done();
    }
    CHECK(whole > 100);
    CHECK(broken > 10);
}

static const test_case cases[] = {
    TEST(a_stream_opens_at_both_ends_and_carries_bytes_both_ways),
    TEST(ten_mib_arrive_once_and_in_order_in_either_direction),
    TEST(a_slow_reader_stops_the_source_and_takes_no_more_than_its_windows),
    TEST(a_stream_to_an_actor_of_the_same_node_is_a_pair),
    TEST(messages_pass_by_what_streams_send),
    TEST(one_side_may_end_and_the_other_answer_and_close),
    TEST(what_was_written_before_closing_arrives_and_then_both_are_closed),
    TEST(an_aborted_end_is_a_loss_at_the_other_and_a_reason_goes_there),
    TEST(an_owner_that_ends_ends_the_stream_at_the_other_side),
    TEST(its_far_end_can_be_monitored_and_stopped_by_its_reference),
    TEST(its_reference_in_a_message_is_that_of_the_far_end_there),
    TEST(a_lost_connection_ends_it_at_both_ends),
    TEST(a_partition_ends_it_within_the_limit_of_silence),
    TEST(a_crash_of_the_other_node_ends_it),
    TEST(a_node_that_leaves_ends_it),
    TEST(a_name_is_reached_only_by_whom_the_allow_list_lets),
    TEST(one_to_nobody_is_refused),
    TEST(one_that_is_asked_for_before_the_connection_waits_for_it),
    TEST(bytes_beyond_what_there_is_room_for_end_the_stream_and_nothing_else),
    TEST(so_does_more_room_than_there_can_be),
    TEST(there_are_only_so_many_streams_between_two_nodes),
    TEST(a_node_that_knows_no_streams_is_asked_for_none),
    TEST(a_connection_lost_at_any_step_ends_every_stream_once_at_both_ends),
    TEST(on_any_seed_streams_end_once_and_what_came_is_right),
    TEST(memory_that_is_out_at_any_place_ends_streams_and_leaks_nothing),
    {0},
};
const test_suite node_stream_suite = {
    .name = "actors/node_stream", .after = world_done, .cases = cases};
