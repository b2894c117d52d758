/* SPDX-License-Identifier: MIT */
/* The wire services in a simulation: what each says, when it closes, and what a bad peer costs. */
#include "check.h"
#include "wire_text.h"
#include <weft/testing_stream.h>

#include <stdlib.h>

#include <weft/net.h>
#include <weft/wire.h>

#define URL "sim://service"

static weft_sim *sim;
static weft_sim_peer *client;

static void serve_at(const char *url, const weft_behaviour *service, const void *config,
                     uint64_t seed, weft_sim_faults faults)
{
    weft_sim_options options = {.seed = seed, .faults = faults};
    sim = weft_sim_new(&options);
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), url, service, config));
}

static void serve(const weft_behaviour *service, const void *config)
{
    serve_at(URL, service, config, 1, (weft_sim_faults){0});
    client = weft_sim_connect(sim, URL);
    CHECK(client->opened);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static uint64_t buffer_bytes(void)
{
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    return stats.buffer_bytes;
}

static uint32_t actors(void)
{
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    return stats.actors;
}

static uint8_t *random_bytes(size_t n)
{
    uint8_t *bytes = malloc(n);
    uint32_t x = 1;
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return bytes;
}

/* ---- echo, discard */

static void echo_sends_back_everything_and_ends_when_the_peer_does(void)
{
    const size_t n = 3000000;
    uint8_t *bytes = random_bytes(n);
    serve(&weft_wire_echo, NULL);
    weft_sim_peer_send(client, bytes, 1);
    CHECK_MEM(client->got, client->got_bytes, bytes, 1);
    weft_sim_peer_send(client, bytes + 1, n - 1);
    weft_sim_peer_end(client);
    CHECK_MEM(client->got, client->got_bytes, bytes, n);
    CHECK(client->ended && client->closed);
    CHECK_ERR(client->reason, WEFT_EDONE);
    finish();
    free(bytes);
}

static void echo_stops_reading_a_peer_that_does_not_read_and_goes_on_when_it_does(void)
{
    const size_t n = 8000000;
    uint8_t *bytes = random_bytes(n);
    serve(&weft_wire_echo, NULL);
    weft_sim_peer_deaf(client, true);
    weft_sim_peer_send(client, bytes, n);
    CHECK(buffer_bytes() < 1500000);
    weft_sim_peer_deaf(client, false);
    weft_sim_peer_end(client);
    CHECK_MEM(client->got, client->got_bytes, bytes, n);
    finish();
    free(bytes);
}

static void echo_under_faults_gives_a_prefix_or_everything(void)
{
    const size_t n = 20000;
    uint8_t *bytes = random_bytes(n);
    for (uint64_t seed = 1; seed <= 150; seed++) {
        serve_at(URL, &weft_wire_echo, NULL, seed,
                 (weft_sim_faults){.lost = 20000,
                                   .short_read = 300000,
                                   .short_write = 300000,
                                   .latency_ms_max = 20,
                                   .allocation = seed % 3 == 0 ? 20000 : 0});
        client = weft_sim_connect(sim, URL);
        weft_sim_peer_send(client, bytes, n);
        weft_sim_peer_end(client);
        (void)weft_sim_settle(sim, 60000);
        CHECK(client->got_bytes <= n && memcmp(client->got, bytes, client->got_bytes) == 0);
        if (client->closed && client->reason == WEFT_EDONE)
            CHECK_U64(client->got_bytes, n);
        finish();
    }
    free(bytes);
}

static void discard_says_nothing_and_holds_nothing(void)
{
    const size_t n = 3000000;
    uint8_t *bytes = random_bytes(n);
    serve(&weft_wire_discard, NULL);
    weft_sim_peer_send(client, bytes, n);
    CHECK_U64(client->got_bytes, 0);
    CHECK(buffer_bytes() < 300000);
    weft_sim_peer_end(client);
    CHECK(client->ended && client->closed);
    CHECK_ERR(client->reason, WEFT_EDONE);
    finish();
    free(bytes);
}

/* ---- chargen */

static bool is_chargen(const uint8_t *at, size_t n)
{
    size_t bytes;
    const uint8_t *block = wf_chargen_block(&bytes);
    for (size_t i = 0; i < n; i++)
        if (at[i] != block[i % (WF_CHARGEN_LINES * WF_CHARGEN_LINE_BYTES)])
            return false;
    return true;
}

static void chargen_sends_as_much_as_is_read_and_holds_no_memory_for_it(void)
{
    serve_at(URL, &weft_wire_chargen, NULL, 1, (weft_sim_faults){0});
    client = weft_sim_connect_deaf(sim, URL);
    uint64_t before = buffer_bytes();
    for (int i = 0; i < 50; i++) {
        size_t had = client->got_bytes;
        weft_sim_peer_hear_once(client);
        CHECK(client->got_bytes > had);
    }
    CHECK(client->got_bytes > 1000000);
    CHECK(buffer_bytes() <= before + 100000);
    CHECK(is_chargen((const uint8_t *)client->got, client->got_bytes));
    weft_sim_peer_send(client, "thrown away", 11);
    weft_sim_peer_end(client);
    weft_sim_peer_hear_once(client);
    CHECK(!client->closed && !client->ended);
    weft_sim_peer_abort(client);
    CHECK(client->closed);
    finish();
}

/* ---- daytime, time, qotd */

static void daytime_says_the_time_and_ends(void)
{
    serve(&weft_wire_daytime, NULL);
    CHECK(client->ended);
    CHECK(client->got_bytes > 30 && strstr(client->got, "-UTC\r\n") != NULL);
    CHECK(!client->closed);
    weft_sim_peer_end(client);
    CHECK(client->closed);
    CHECK_ERR(client->reason, WEFT_EDONE);
    finish();
}

static void time_says_four_bytes_and_ends(void)
{
    serve(&weft_wire_time, NULL);
    CHECK(client->ended);
    CHECK_U64(client->got_bytes, 4);
    finish();
}

static void qotd_says_a_quote_of_its_own_or_of_the_config(void)
{
    const weft_wire_quotes quotes = {.text = "the only\nquote\n%\n"};
    serve(&weft_wire_qotd, &quotes);
    CHECK(client->ended);
    CHECK_STR(client->got, "the only\r\nquote\r\n");
    finish();
    serve(&weft_wire_qotd, NULL);
    CHECK(client->ended && client->got_bytes > 10);
    finish();
}

static void an_answer_is_not_taken_back_by_what_the_peer_says(void)
{
    serve_at(URL, &weft_wire_daytime, NULL, 1, (weft_sim_faults){.latency_ms_max = 10});
    client = weft_sim_connect(sim, URL);
    weft_sim_peer_send(client, "does this matter?\n", 18);
    (void)weft_sim_settle(sim, 100);
    CHECK(client->ended && client->got_bytes > 30);
    CHECK(!client->closed);
    finish();
}

static void a_peer_that_stays_is_closed_after_a_while(void)
{
    serve(&weft_wire_daytime, NULL);
    uint32_t with = actors();
    weft_sim_advance(sim, WEFT_WIRE_LINGER_MS - 1);
    CHECK(actors() == with);
    weft_sim_advance(sim, 1);
    CHECK(actors() < with);
    /* the first word is answered by a reset, which the second one meets */
    weft_sim_peer_send(client, "still there?", 12);
    weft_sim_peer_send(client, "hello?", 6);
    CHECK(client->closed);
    CHECK_ERR(client->reason, WEFT_ELOST);
    finish();
}

static void many_peers_in_a_row_leave_nothing_behind(void)
{
    serve_at(URL, &weft_wire_daytime, NULL, 1, (weft_sim_faults){0});
    uint32_t before = 0;
    for (int i = 0; i < 50; i++) {
        client = weft_sim_connect(sim, URL);
        if (i % 3 == 0)
            weft_sim_peer_abort(client);
        else
            weft_sim_peer_end(client);
        CHECK(client->closed);
        if (i == 0)
            before = actors();
    }
    CHECK_U64(actors(), before);
    finish();
}

static const test_case cases[] = {
    TEST(echo_sends_back_everything_and_ends_when_the_peer_does),
    TEST(echo_stops_reading_a_peer_that_does_not_read_and_goes_on_when_it_does),
    TEST(echo_under_faults_gives_a_prefix_or_everything),
    TEST(discard_says_nothing_and_holds_nothing),
    TEST(chargen_sends_as_much_as_is_read_and_holds_no_memory_for_it),
    TEST(daytime_says_the_time_and_ends),
    TEST(time_says_four_bytes_and_ends),
    TEST(qotd_says_a_quote_of_its_own_or_of_the_config),
    TEST(an_answer_is_not_taken_back_by_what_the_peer_says),
    TEST(a_peer_that_stays_is_closed_after_a_while),
    TEST(many_peers_in_a_row_leave_nothing_behind),
    {0},
};

const test_suite wire_suite = {.name = "protocols/wire", .cases = cases};
