/* SPDX-License-Identifier: MIT */
/* Forwarding in a simulation: bytes both ways, ends and aborts passed on, slow sides, faults. */
#include "check.h"
#include <weft/testing_stream.h>

#include <stdlib.h>

#include <weft/net.h>
#include <weft/wire.h>

#define FRONT "sim://front"
#define BACK "sim://back"

static const weft_forward_config to_back = {.to = BACK};

static weft_sim *sim;
static weft_sim_peer *client, *target;

static void begin_with(const weft_forward_config *config, weft_sim_options options)
{
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), FRONT, &weft_forward_service, config));
}

static void begin(void)
{
    begin_with(&to_back, (weft_sim_options){.seed = 1});
    target = weft_sim_listen(sim, BACK);
    client = weft_sim_connect(sim, FRONT);
    CHECK(client->opened && target->opened);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static uint8_t *numbered(size_t n)
{
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
    return bytes;
}

static void bytes_go_both_ways(void)
{
    const size_t n = 2000000;
    uint8_t *bytes = numbered(n);
    begin();
    weft_sim_peer_send(client, bytes, n);
    weft_sim_peer_send(target, bytes + 1000, n - 1000);
    CHECK_MEM(target->got, target->got_bytes, bytes, n);
    CHECK_MEM(client->got, client->got_bytes, bytes + 1000, n - 1000);
    finish();
    free(bytes);
}

static void a_half_close_is_passed_on_behind_the_bytes_and_the_other_way_stays_open(void)
{
    begin();
    weft_sim_peer_send(client, "ask", 3);
    weft_sim_peer_end(client);
    CHECK(target->ended && !target->closed && !client->closed);
    CHECK_STR(target->got, "ask");
    weft_sim_peer_send(target, "answer", 6);
    CHECK_STR(client->got, "answer");
    weft_sim_peer_end(target);
    CHECK(client->ended && client->closed && target->closed);
    CHECK_ERR(client->reason, WEFT_EDONE);
    CHECK_ERR(target->reason, WEFT_EDONE);
    CHECK_U64(weft_sim_logged(sim, WEFT_INFO, "forwarded 3 bytes there and 6 back"), 1);
    finish();
}

static void an_abort_of_either_side_is_passed_on(void)
{
    begin();
    weft_sim_peer_abort(client);
    CHECK(target->closed && !target->ended);
    CHECK_ERR(target->reason, WEFT_ELOST);
    finish();
    begin();
    weft_sim_peer_abort(target);
    CHECK(client->closed && !client->ended);
    CHECK_ERR(client->reason, WEFT_ELOST);
    finish();
}

static void a_target_that_cannot_be_reached_aborts_the_client_and_says_why(void)
{
    begin_with(&to_back, (weft_sim_options){.seed = 1});
    client = weft_sim_connect(sim, FRONT);
    CHECK(client->closed && !client->ended);
    CHECK_ERR(client->reason, WEFT_ELOST);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "unable to reach " BACK), 1);
    finish();
}

static void a_target_that_does_not_answer_is_given_up_after_its_timeout(void)
{
    static const weft_forward_config slow = {.to = BACK "?latency=1h"};
    begin_with(&slow, (weft_sim_options){.seed = 1});
    target = weft_sim_listen(sim, BACK);
    client = weft_sim_connect(sim, FRONT);
    weft_sim_peer_send(client, "hello", 5);
    weft_sim_advance(sim, 9900);
    CHECK(!client->closed);
    weft_sim_advance(sim, 200);
    CHECK(client->closed && !target->opened);
    CHECK_ERR(client->reason, WEFT_ELOST);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "unable to reach"), 1);
    finish();
}

static void nothing_is_read_before_the_target_is_there_and_then_everything(void)
{
    static const weft_forward_config later = {.to = BACK "?latency=500ms"};
    const size_t n = 600000;
    uint8_t *bytes = numbered(n);
    begin_with(&later, (weft_sim_options){.seed = 1});
    target = weft_sim_listen(sim, BACK);
    client = weft_sim_connect(sim, FRONT);
    weft_sim_peer_send(client, bytes, n);
    weft_sim_peer_end(client);
    CHECK(!target->opened);
    (void)weft_sim_settle(sim, 3600000);
    CHECK(target->opened && target->ended);
    CHECK_MEM(target->got, target->got_bytes, bytes, n);
    finish();
    free(bytes);
}

static uint64_t buffer_bytes(void)
{
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    return stats.buffer_bytes;
}

static void a_target_that_does_not_read_stops_the_client_and_nothing_is_lost(void)
{
    const size_t n = 12000000;
    uint8_t *bytes = numbered(n);
    begin();
    weft_sim_peer_deaf(target, true);
    weft_sim_peer_send(client, bytes, n);
    CHECK(target->got_bytes < 300000);
    CHECK(buffer_bytes() < 2500000);
    weft_sim_peer_deaf(target, false);
    weft_sim_peer_end(client);
    CHECK(target->ended);
    CHECK_MEM(target->got, target->got_bytes, bytes, n);
    finish();
    free(bytes);
}

static void a_client_that_does_not_read_does_not_stop_what_it_sends(void)
{
    const size_t n = 3000000;
    uint8_t *bytes = numbered(n);
    begin();
    weft_sim_peer_deaf(client, true);
    weft_sim_peer_send(target, bytes, n);
    weft_sim_peer_send(client, bytes, 1000000);
    CHECK_U64(target->got_bytes, 1000000);
    weft_sim_peer_deaf(client, false);
    CHECK_MEM(client->got, client->got_bytes, bytes, n);
    finish();
    free(bytes);
}

static void pairs_that_are_idle_are_closed_and_those_that_are_not_stay(void)
{
    static const weft_forward_config idle = {.to = BACK, .idle_ms = 1000};
    begin_with(&idle, (weft_sim_options){.seed = 1});
    target = weft_sim_listen(sim, BACK);
    client = weft_sim_connect(sim, FRONT);
    for (int i = 0; i < 5; i++) {
        weft_sim_advance(sim, 700);
        weft_sim_peer_send(i % 2 == 0 ? client : target, "x", 1);
    }
    CHECK(!client->closed && !target->closed && !client->ended);
    weft_sim_advance(sim, 1000);
    CHECK(client->ended && target->ended);
    weft_sim_peer_close(client);
    weft_sim_peer_close(target);
    CHECK(client->closed && target->closed);
    finish();
}

static void a_side_that_takes_nothing_cannot_hold_an_idle_pair(void)
{
    static const weft_forward_config idle = {.to = BACK, .idle_ms = 1000};
    const size_t n = 3000000;
    uint8_t *bytes = numbered(n);
    begin_with(&idle, (weft_sim_options){.seed = 1});
    target = weft_sim_listen(sim, BACK);
    client = weft_sim_connect(sim, FRONT);
    weft_sim_peer_deaf(target, true);
    weft_sim_peer_send(client, bytes, n);
    weft_sim_advance(sim, 2100);
    CHECK(client->ended); /* and not reset, whatever it still had under way */
    weft_sim_peer_close(client);
    CHECK(client->closed);
    weft_sim_peer_deaf(target, false);
    CHECK(target->closed);
    CHECK_ERR(target->reason, WEFT_ELOST);
    finish();
    free(bytes);
}

static void under_faults_every_byte_is_right_or_the_failure_is_seen(void)
{
    const size_t n = 100000;
    uint8_t *bytes = numbered(n);
    unsigned whole = 0, failed = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        begin_with(&to_back,
                   (weft_sim_options){.seed = seed,
                                      .system.reactors = (unsigned)(1 + seed % 3),
                                      .faults = {.lost = 4000,
                                                 .refused = 50000,
                                                 .short_read = 200000,
                                                 .short_write = 200000,
                                                 .latency_ms_max = 30,
                                                 .allocation = seed % 5 == 0 ? 5000 : 0}});
        target = weft_sim_listen(sim, BACK);
        client = weft_sim_connect(sim, FRONT);
        weft_sim_peer_send(client, bytes, n);
        weft_sim_peer_end(client);
        (void)weft_sim_settle(sim, 600000);
        weft_sim_peer_end(target);
        (void)weft_sim_settle(sim, 600000);
        CHECK(target->got_bytes <= n && memcmp(target->got, bytes, target->got_bytes) == 0);
        /* an end in order is only told behind everything */
        if (target->ended)
            CHECK_U64(target->got_bytes, n);
        whole += target->ended && client->closed && client->reason == WEFT_EDONE;
        failed += client->closed && client->reason != WEFT_EDONE;
        finish();
    }
    CHECK(whole > 50 && failed > 20);
    free(bytes);
}

static void shut_down_in_the_middle_leaves_nothing(void)
{
    const size_t n = 4000000;
    uint8_t *bytes = numbered(n);
    begin();
    weft_sim_peer_deaf(target, true);
    weft_sim_peer_send(client, bytes, n);
    finish();
    free(bytes);
}

static const test_case cases[] = {
    TEST(bytes_go_both_ways),
    TEST(a_half_close_is_passed_on_behind_the_bytes_and_the_other_way_stays_open),
    TEST(an_abort_of_either_side_is_passed_on),
    TEST(a_target_that_cannot_be_reached_aborts_the_client_and_says_why),
    TEST(a_target_that_does_not_answer_is_given_up_after_its_timeout),
    TEST(nothing_is_read_before_the_target_is_there_and_then_everything),
    TEST(a_target_that_does_not_read_stops_the_client_and_nothing_is_lost),
    TEST(a_client_that_does_not_read_does_not_stop_what_it_sends),
    TEST(pairs_that_are_idle_are_closed_and_those_that_are_not_stay),
    TEST(a_side_that_takes_nothing_cannot_hold_an_idle_pair),
    TEST(under_faults_every_byte_is_right_or_the_failure_is_seen),
    TEST(shut_down_in_the_middle_leaves_nothing),
    {0},
};

const test_suite forward_suite = {.name = "protocols/forward", .cases = cases};
