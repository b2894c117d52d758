/* SPDX-License-Identifier: MIT */
/* Tests of two protocols by bytes: the echo, and the lines of 11_starttls.c. No port, no thread. */
#include <stdio.h>
#include <stdlib.h>

#include <weft/testing_stream.h>

#include "11_starttls.h"

/* The behaviour of 01_echo.c, which keeps it to itself. */
static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, weft_sender(msg), data->bytes);
}

static const weft_handler handlers[] = {
    {.type = &weft_data_type, .fn = echo_data},
    {0},
};

static const weft_behaviour echo = {.name = "echo", .handlers = handlers};

static unsigned failures;

/* [check] */
static void check(const char *wrong, const char *test, uint64_t seed)
{
    if (wrong[0] == '\0')
        return;
    failures++;
    (void)fprintf(stderr, "%s, seed %llu: %s\n", test, (unsigned long long)seed, wrong);
}
/* [/check] */

/* [string] */
static void what_is_said_comes_back(weft_sim *sim, uint64_t seed)
{
    weft_sim_peer *peer = weft_sim_string(sim, &echo, NULL);
    weft_sim_peer_say(peer, "hello, ");
    weft_sim_peer_say(peer, "world");
    check(weft_sim_expect(peer, "hello, world"), __func__, seed);
    weft_sim_peer_end(peer);
    check(peer->closed && peer->reason == WEFT_EDONE ? "" : "it does not close", __func__, seed);
}

static void who_does_not_read_is_not_read_from(weft_sim *sim, uint64_t seed)
{
    static const char dots[4 << 20] = "...";
    weft_sim_peer *peer = weft_sim_string(sim, &echo, NULL);
    weft_sim_peer_deaf(peer, true); /* keeps the first that comes back */
    weft_sim_peer_send(peer, dots, sizeof dots);
    check(peer->waiting > 1 << 20 ? "" : "4 MiB went into the echo", __func__, seed);
    weft_sim_peer_deaf(peer, false);
    check(weft_sim_expect_bytes(peer, dots, sizeof dots), __func__, seed);
}
/* [/string] */

/* [script] */
static const weft_sim_row session_rows[] = {
    {.expect = "220 weft\r\n"},
    {.send = "EHLO me\r\n"},
    {.expect = "250-hello\r\n250 STARTTLS\r\n"},
    {.send = "ECHO one\r\nWHAT\r\n"},
    {.expect = "250 ECHO one\r\n500 what?\r\n", .act = WEFT_SIM_OPEN},
    {.send = "QUIT\r\n"},
    {.expect = "221 bye\r\n", .act = WEFT_SIM_ENDED},
    {0},
};

static void a_session_is_the_same_however_its_bytes_are_cut(weft_sim *sim, uint64_t seed)
{
    for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
        weft_sim_peer *peer = weft_sim_string(sim, &starttls_behaviour, NULL);
        check(weft_sim_play(peer, session_rows, (weft_sim_cut)cut), __func__, seed);
    }
}
/* [/script] */

static void nothing_in_the_clear_may_follow_starttls(weft_sim *sim, uint64_t seed)
{
    static const weft_sim_row rows[] = {
        {.expect = "220 weft\r\n"},
        {.send = "STARTTLS\r\nECHO injected\r\n"},
        {.expect = "554 there was something behind STARTTLS\r\n", .act = WEFT_SIM_ENDED},
        {0},
    };
    weft_sim_peer *peer = weft_sim_string(sim, &starttls_behaviour, NULL);
    check(weft_sim_play(peer, rows, WEFT_SIM_WHOLE), __func__, seed);
}

/* [wire] */
static void a_session_outlives_a_wire_that_is_cut_off_but_not_one_that_is_lost(weft_sim *sim,
                                                                               uint64_t seed)
{
    static const weft_sim_row rows[] = {
        {.expect = "220 weft\r\n", .send = "ECHO late\r\n"},
        {.wait_ms = 4999, .act = WEFT_SIM_OPEN},
        {.wait_ms = 1, .expect = "250 ECHO late\r\n"},
        {0},
    };
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://lines?latency=10ms");
    weft_err err = weft_sim_settle(sim, 1000) ? weft_sim_partition(sim, "sim://lines", 5000) : 0;
    check(err == WEFT_OK ? "" : weft_err_text(err), __func__, seed);
    check(weft_sim_play(peer, rows, WEFT_SIM_WHOLE), __func__, seed);
    err = weft_sim_drop(sim, "sim://lines", NULL);
    (void)weft_sim_run(sim);
    check(err == WEFT_OK && peer->reason == WEFT_ELOST ? "" : "it is not lost", __func__, seed);
}
/* [/wire] */

typedef void test(weft_sim *sim, uint64_t seed);

static void run(test *one, uint64_t seed)
{
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    if (sim == NULL ||
        weft_listen(weft_sim_system(sim), "sim://lines", &starttls_behaviour, NULL) != WEFT_OK)
        exit(EXIT_FAILURE);
    one(sim, seed);
    check(weft_sim_failure(sim), "always", seed);
    check(weft_sim_free(&sim) == 0 ? "" : "something leaked", "free", seed);
}

int main(void)
{
    static test *const all[] = {
        what_is_said_comes_back,
        who_does_not_read_is_not_read_from,
        a_session_is_the_same_however_its_bytes_are_cut,
        nothing_in_the_clear_may_follow_starttls,
        a_session_outlives_a_wire_that_is_cut_off_but_not_one_that_is_lost,
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (uint64_t seed = 1; seed <= 10; seed++)
            run(all[i], seed);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
