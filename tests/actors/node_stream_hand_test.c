/* SPDX-License-Identifier: MIT */
/* Streams of one node that are handed over to an actor of another. */
#include "node_stream_kit.h"

#include <stdlib.h>

#include <weft/framing.h>
#include <weft/net.h>

enum { MIB = 1 << 20 };

/* Who accepts at n0, and hands over. */
typedef struct door {
    const char *to;
    bool uses_some; /* of what comes first, three bytes, itself */
    bool frames;    /* it makes lines of what comes */
    unsigned closes;
    weft_ref stream;
    weft_err err, reason;
    char why[96];
} door;
static door at;
static weft_sim_peer *client;

static weft_err give_away(weft_actor *self, weft_ref stream, weft_bytes unread)
{
    at.stream = stream;
    at.err = weft_hand_over(self, stream, weft_named(self, at.to), unread);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    if (at.frames)
        CHECK_OK(weft_frame_by(self, opened->stream, &weft_lines, NULL, NULL));
    return at.uses_some ? WEFT_OK : give_away(self, opened->stream, WEFT_NO_BYTES);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return give_away(self, data->stream, weft_bytes_slice(data->bytes, 3, SIZE_MAX));
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    at.closes++;
    at.reason = closed->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler rows[] = {{.type = &weft_opened_type, .fn = on_opened},
                                    {.type = &weft_data_type, .fn = on_data},
                                    {.type = &weft_closed_type, .fn = on_closed},
                                    {0}};
static const weft_behaviour doorkeeper = {.name = "doorkeeper", .handlers = rows};

static void more(unsigned i)
{
    side_start(i);
    if (i == 0)
        CHECK_OK(weft_listen(weft_sim_system(node_at[0].sim), "sim://door:80", &doorkeeper, NULL));
}

/* A world whose n0 gives the connection of a client to @to. */
static void hand_world(const door *d)
{
    at = *d;
    memset(side_at, 0, sizeof side_at);
    kit_more = more;
    world_of(3, 7, NULL);
    REQUIRE(all_linked());
}

static void connect_it(void)
{
    client = weft_sim_connect(node_at[2].sim, "sim://door:80");
    weft_sim_advance(world, 10);
}

static far_end *there(void)
{
    return &side_at[1].end[0];
}

static void send_pattern(uint64_t from, size_t n)
{
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = far_byte(from + i);
    weft_sim_peer_send(client, bytes, n);
    free(bytes);
}

static void a_stream_is_given_to_an_actor_of_another_node(void)
{
    hand_world(&(door){.to = "worker@n1"});
    side_at[1].answer = 5000;
    connect_it();
    CHECK_OK(at.err);
    CHECK_STR(there()->log, "o");
    CHECK(there()->peer.family == WEFT_FAMILY_SIM);
    CHECK(there()->local.family == WEFT_FAMILY_SIM);
    CHECK_U64(there()->local.port, 80);
    send_pattern(0, 3 * MIB);
    weft_sim_advance(world, 1000);
    CHECK_U64(there()->got, 3 * MIB);
    CHECK_U64(there()->wrong, 0);
    CHECK_U64(client->got_bytes, 5000);
    weft_sim_peer_end(client);
    weft_sim_advance(world, 100);
    CHECK_STR(there()->log, "odec");
    CHECK_ERR(there()->reason, WEFT_EDONE);
    CHECK(client->closed);
    CHECK_ERR(client->reason, WEFT_EDONE);
    CHECK_U64(at.closes, 0);
}

static void what_the_old_owner_did_not_use_comes_first(void)
{
    hand_world(&(door){.to = "worker@n1", .uses_some = true});
    connect_it();
    weft_sim_peer_say(client, "abc");
    send_pattern(0, 1000);
    weft_sim_advance(world, 100);
    CHECK_U64(there()->got, 1000);
    CHECK_U64(there()->wrong, 0);
}

static void a_new_owner_that_closes_closes_it_even_for_a_peer_that_does_not(void)
{
    hand_world(&(door){.to = "worker@n1"});
    side_at[1].answer = 700;
    side_at[1].close_when_sent = true;
    connect_it();
    weft_sim_advance(world, 100);
    CHECK_U64(client->got_bytes, 700);
    CHECK(client->ended);
    CHECK_STR(there()->log, "oc");
    CHECK(weft_sim_state(node_at[0].sim, at.stream) == NULL);
}

static void a_reader_that_stands_still_stops_the_source(void)
{
    hand_world(&(door){.to = "worker@n1"});
    side_at[1].hold = true;
    connect_it();
    send_pattern(0, 8 * MIB);
    weft_sim_advance(world, 1000);
    CHECK(client->waiting > 4 * MIB);
    let_go(1);
    weft_sim_advance(world, 5000);
    CHECK_U64(client->waiting, 0);
    CHECK_U64(there()->got, 8 * MIB);
    CHECK_U64(there()->wrong, 0);
}

static void what_is_lost_on_one_side_is_lost_on_the_other(void)
{
    hand_world(&(door){.to = "worker@n1"});
    connect_it();
    weft_sim_peer_abort(client);
    weft_sim_advance(world, 100);
    CHECK_STR(there()->log, "oc");
    CHECK_ERR(there()->reason, WEFT_ELOST);
    world_done();
    hand_world(&(door){.to = "worker@n1"});
    connect_it();
    memset(&side_at[1], 0, sizeof side_at[1]);
    node_crash(1);
    weft_sim_advance(world, 100);
    CHECK(client->closed);
    CHECK_ERR(client->reason, WEFT_ELOST);
}

static void one_that_is_refused_there_is_aborted_here(void)
{
    hand_world(&(door){.to = "nobody@n1"});
    connect_it();
    weft_sim_advance(world, 100);
    CHECK(client->closed);
    CHECK_ERR(client->reason, WEFT_ELOST);
    CHECK_U64(weft_sim_logged(node_at[0].sim, WEFT_ERROR, ""), 0);
    world_done();
    hand_world(&(door){.to = "worker@n9"});
    connect_it();
    weft_sim_advance(world, 100);
    CHECK(client->closed);
}

static void frames_of_a_stage_do_not_go_there(void)
{
    hand_world(&(door){.to = "worker@n1", .frames = true});
    connect_it();
    weft_sim_peer_say(client, "a line\r\n");
    weft_sim_advance(world, 100);
    CHECK_STR(there()->log, "oc");
    CHECK_ERR(there()->reason, WEFT_EUNSUPPORTED);
    CHECK(client->closed);
}

static void memory_that_is_out_at_any_place_ends_it_at_both_sides(void)
{
    bool again = true;
    for (uint64_t n = 1; again; n += n < 120 ? 1 : 7) {
        hand_world(&(door){.to = "worker@n1"});
        side_at[1].answer = 500;
        weft_sim_fail_allocation(world, n);
        connect_it();
        send_pattern(0, 1000);
        weft_sim_peer_end(client);
        weft_sim_advance(world, 20000);
        again = weft_sim_allocation_failed(world);
        weft_sim_fail_allocation(world, 0);
        CHECK(client->closed);
        CHECK(side_at[1].n == 0 || there()->closes == 1);
        CHECK_U64(there()->wrong, 0);
        if (client->reason == WEFT_EDONE && side_at[1].n != 0 && there()->reason == WEFT_EDONE)
            CHECK_U64(client->got_bytes, 500);
        world_done();
    }
}

static const test_case cases[] = {
    TEST(a_stream_is_given_to_an_actor_of_another_node),
    TEST(what_the_old_owner_did_not_use_comes_first),
    TEST(a_new_owner_that_closes_closes_it_even_for_a_peer_that_does_not),
    TEST(a_reader_that_stands_still_stops_the_source),
    TEST(what_is_lost_on_one_side_is_lost_on_the_other),
    TEST(one_that_is_refused_there_is_aborted_here),
    TEST(frames_of_a_stage_do_not_go_there),
    TEST(memory_that_is_out_at_any_place_ends_it_at_both_sides),
    {0},
};
const test_suite node_stream_hand_suite = {
    .name = "actors/node_stream_hand", .after = world_done, .cases = cases};
