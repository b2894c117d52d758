/* SPDX-License-Identifier: MIT */
/* Peers and scripts: behaviours driven by bytes without a wire, and over one. */
#include "check.h"

#include <stdlib.h>

#include <weft/framing.h>
#include <weft/net.h>
#include <weft/testing_stream.h>

enum { KIB = 1024, MIB = 1024 * KIB };

/* ---- a protocol: lines, answered; QUIT closes, BYE is a mistake, FILL n writes n bytes */

typedef struct session {
    weft_ref stream;
    uint32_t refused; /* writes */
} session;

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    const weft_framer lines = {.frame_bytes_max = 512};
    weft_why why;
    s->stream = weft_sender(msg);
    weft_err err = weft_frame_by(self, s->stream, &weft_lines, &lines, &why);
    return err == WEFT_OK ? weft_write_text(self, s->stream, "hello\r\n") : err;
}

static weft_err fill(weft_actor *self, session *s, unsigned long n)
{
    static const char dots[KIB] = "....";
    for (; n >= KIB; n -= KIB)
        if (weft_write_copy(self, s->stream, dots, KIB) == WEFT_EFULL) {
            s->refused++;
            return WEFT_OK;
        }
    return WEFT_OK;
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    weft_bytes line = ((const weft_line *)weft_body(msg))->bytes;
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", (int)line.size, (const char *)line.at);
    if (strcmp(text, "QUIT") == 0) {
        (void)weft_write_text(self, s->stream, "bye\r\n");
        return weft_close(self, s->stream);
    }
    if (strcmp(text, "BYE") == 0)
        return weft_abort(self, s->stream, WEFT_EPROTO);
    if (strcmp(text, "STOP") == 0)
        return weft_stop(self, WEFT_ELIMIT);
    if (strncmp(text, "FILL ", 5) == 0)
        return fill(self, s, strtoul(text + 5, NULL, 10));
    return weft_write_text(self, s->stream, "you said %s\r\n", text);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {0},
};
static const weft_behaviour lines = {
    .name = "test.lines", .handlers = handlers, .state_bytes = sizeof(session)};

static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    return weft_write(self, weft_sender(msg), ((const weft_data *)weft_body(msg))->bytes);
}

static const weft_handler echo_handlers[] = {{.type = &weft_data_type, .fn = echo_data}, {0}};
static const weft_behaviour echo = {.name = "test.echo", .handlers = echo_handlers};

/* ---- around each test */

#define URL "sim://lines"

static weft_sim *sim;
static weft_sim_peer *peer;

static void begin_with(const weft_sim_options *options)
{
    sim = weft_sim_new(options);
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &lines, NULL));
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://echo", &echo, NULL));
}

static void begin(void)
{
    begin_with(&(weft_sim_options){.seed = 11, .system = {.reactors = 2}});
}

static void end(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static uint8_t *numbered(size_t n)
{
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
    return bytes;
}

/* ---- strings */

static void a_behaviour_is_driven_by_bytes_without_a_wire(void)
{
    peer = weft_sim_string(sim, &lines, NULL);
    CHECK(peer->opened);
    CHECK_STR(peer->got, "hello\r\n");
    weft_sim_peer_say(peer, "one\r\ntw");
    weft_sim_peer_say(peer, "o\r\n");
    CHECK_STR(peer->got, "hello\r\nyou said one\r\nyou said two\r\n");
    CHECK_U64(peer->got_bytes, strlen(peer->got));
    CHECK(!peer->ended && !peer->closed && !peer->owner_gone);
    CHECK_U64(weft_sim_now(sim), 0);
}

static void an_end_in_order_is_told_with_its_reason_on_both_sides(void)
{
    peer = weft_sim_string(sim, &lines, NULL);
    weft_sim_peer_say(peer, "QUIT\r\n");
    CHECK_STR(peer->got, "hello\r\nbye\r\n");
    CHECK(peer->ended && !peer->closed && peer->owner_gone);
    CHECK_ERR(peer->owner_reason, WEFT_OK);
    weft_sim_peer_close(peer);
    CHECK(peer->closed);
    CHECK_ERR(peer->reason, WEFT_EDONE);
}

static void an_abort_and_a_stop_are_told_apart_from_an_end(void)
{
    peer = weft_sim_string(sim, &lines, NULL);
    weft_sim_peer_say(peer, "BYE\r\n");
    CHECK(peer->closed && !peer->ended);
    CHECK_ERR(peer->reason, WEFT_ELOST);
    peer = weft_sim_string(sim, &lines, NULL);
    weft_sim_peer_say(peer, "STOP\r\n");
    CHECK(peer->owner_gone && peer->ended);
    CHECK_ERR(peer->owner_reason, WEFT_ELIMIT);
}

static void the_string_may_end_close_and_abort(void)
{
    static void (*const how[])(weft_sim_peer *) = {weft_sim_peer_end, weft_sim_peer_close,
                                                   weft_sim_peer_abort};
    for (unsigned i = 0; i < 3; i++) {
        peer = weft_sim_string(sim, &lines, NULL);
        how[i](peer);
        CHECK(peer->closed && peer->owner_gone);
        CHECK_ERR(peer->reason, i == 2 ? WEFT_EABORTED : WEFT_EDONE);
        /* calm when it is over */
        weft_sim_peer_say(peer, "anybody?\r\n");
        how[i](peer);
    }
}

static void a_string_that_takes_nothing_is_felt_by_who_writes(void)
{
    peer = weft_sim_string(sim, &lines, NULL);
    weft_sim_peer_deaf(peer, true);
    weft_sim_peer_say(peer, "FILL 4194304\r\n");
    CHECK_U64(((const session *)weft_sim_state(sim, peer->owner))->refused, 1);
    size_t got = peer->got_bytes;
    CHECK(got < MIB);
    weft_sim_peer_hear_once(peer);
    CHECK(peer->got_bytes > got && peer->got_bytes < 2 * MIB);
    weft_sim_peer_deaf(peer, false);
    CHECK(peer->got_bytes > MIB);
}

static void what_the_stream_does_not_take_waits_and_is_counted(void)
{
    uint8_t *bytes = numbered(4 * MIB);
    peer = weft_sim_string(sim, &echo, NULL);
    weft_sim_peer_deaf(peer, true);
    weft_sim_peer_send(peer, bytes, 4 * MIB);
    CHECK(peer->waiting > MIB);
    weft_sim_peer_deaf(peer, false);
    CHECK_U64(peer->waiting, 0);
    CHECK_MEM(peer->got, peer->got_bytes, bytes, 4 * MIB);
    free(bytes);
}

static void every_cut_of_what_is_fed_comes_to_the_same(void)
{
    static const char text[] = "a\r\nbb\r\nccc\r\nQUIT\r\n";
    for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
        peer = weft_sim_string(sim, &lines, NULL);
        weft_sim_peer_send_cut(peer, text, sizeof text - 1, (weft_sim_cut)cut);
        CHECK_STR(peer->got, "hello\r\nyou said a\r\nyou said bb\r\nyou said ccc\r\nbye\r\n");
    }
    for (size_t step = 1; step <= sizeof text; step++) {
        peer = weft_sim_string(sim, &lines, NULL);
        weft_sim_peer_send_steps(peer, text, sizeof text - 1, step);
        CHECK(peer->ended);
        CHECK_STR(weft_sim_expect(peer, "hello\r\nyou said a\r\nyou said bb\r\n"), "");
    }
}

static void a_string_without_memory_fails_in_order(void)
{
    unsigned failed = 0;
    for (uint64_t n = 1;; n++) {
        REQUIRE(n < 1000);
        weft_sim_fail_allocation(sim, n);
        peer = weft_sim_string(sim, &lines, NULL);
        weft_sim_peer_say(peer, "one\r\n");
        bool met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        CHECK(met || strcmp(peer->got, "hello\r\nyou said one\r\n") == 0);
        failed += met && strcmp(peer->got, "hello\r\nyou said one\r\n") != 0;
        weft_sim_peer_abort(peer);
        if (!met)
            break;
    }
    CHECK(failed > 0);
}

/* ---- peers on the wire */

static void a_peer_connects_and_says_how_it_ended(void)
{
    peer = weft_sim_connect(sim, URL);
    CHECK(peer->opened && !weft_ref_is_nobody(peer->stream));
    CHECK(weft_ref_is_nobody(peer->owner));
    weft_sim_peer_say(peer, "QUIT\r\n");
    CHECK(peer->ended && !peer->closed);
    weft_sim_peer_end(peer);
    CHECK(peer->closed);
    CHECK_ERR(peer->reason, WEFT_EDONE);
    peer = weft_sim_connect(sim, "sim://nobody");
    CHECK(peer->closed && !peer->opened);
    CHECK_ERR(peer->reason, WEFT_EREFUSED);
}

static weft_err call_back(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_ref stream = weft_connect(self, "sim://back", weft_self(self));
    return weft_ref_is_nobody(stream) ? WEFT_ENOMEM : WEFT_OK;
}

static const weft_handler call_handlers[] = {
    {.type = &weft_started_type, .fn = call_back}, {.type = &weft_data_type, .fn = echo_data}, {0}};
static const weft_behaviour caller = {.name = "test.caller", .handlers = call_handlers};

static void a_peer_listens_for_one_and_sends_others_away(void)
{
    peer = weft_sim_listen(sim, "sim://back");
    CHECK(!peer->closed);
    const weft_sim_peer *twice = weft_sim_listen(sim, "sim://back");
    CHECK(twice->closed);
    CHECK_ERR(twice->reason, WEFT_EEXISTS);
    CHECK(strstr(twice->why, "somebody listens") != NULL);
    weft_ref first = weft_sim_spawn(sim, &caller, NULL);
    CHECK(weft_sim_run(sim));
    CHECK(peer->opened);
    weft_ref second = weft_sim_spawn(sim, &caller, NULL);
    weft_sim_advance(sim, 5000);
    CHECK(weft_sim_state(sim, first) != NULL || !peer->closed);
    CHECK_ERR(weft_sim_kill(sim, second, WEFT_OK), WEFT_EGONE);
    weft_sim_peer_say(peer, "hear, hear");
    CHECK_STR(peer->got, "hear, hear");
}

static void a_connection_is_cut_behind_a_byte_that_was_sent(void)
{
    for (size_t n = 1; n <= 12; n++) {
        char want[32] = "";
        peer = weft_sim_connect(sim, URL);
        weft_sim_peer_cut_sent(peer, n);
        weft_sim_peer_say(peer, "one\r\ntwo\r\nQUIT\r\n");
        CHECK(peer->closed);
        CHECK_ERR(peer->reason, WEFT_EABORTED);
        CHECK_U64(peer->waiting, 0);
        (void)snprintf(want, sizeof want, "%zu bytes for the server", n);
        CHECK(strstr(weft_sim_event_log(sim, NULL), want) != NULL);
    }
    CHECK(strstr(weft_sim_event_log(sim, NULL), "13 bytes for the server") == NULL);
}

static void a_cut_waits_for_who_does_not_read(void)
{
    uint8_t *bytes = numbered(2 * MIB);
    weft_sim_peer *target = weft_sim_listen(sim, "sim://back");
    weft_sim_peer_deaf(target, true);
    peer = weft_sim_connect(sim, "sim://back");
    weft_sim_peer_cut_sent(peer, MIB);
    weft_sim_peer_send(peer, bytes, 2 * MIB);
    weft_sim_advance(sim, 100);
    CHECK(!peer->closed);
    weft_sim_peer_deaf(target, false);
    weft_sim_advance(sim, 100);
    CHECK(peer->closed && target->closed);
    CHECK_ERR(target->reason, WEFT_ELOST);
    CHECK_MEM(target->got, target->got_bytes, bytes, MIB);
    free(bytes);
}

static void a_connection_is_cut_behind_a_byte_that_came(void)
{
    peer = weft_sim_connect(sim, "sim://echo");
    weft_sim_peer_cut_got(peer, 5);
    weft_sim_peer_say(peer, "abc");
    CHECK(!peer->closed);
    weft_sim_peer_say(peer, "defg");
    CHECK(peer->closed);
    CHECK_STR(peer->got, "abcde");
}

/* ---- what must come */

static void what_comes_next_is_expected(void)
{
    peer = weft_sim_string(sim, &lines, NULL);
    CHECK_STR(weft_sim_expect(peer, "hel"), "");
    CHECK_STR(weft_sim_expect_bytes(peer, "lo\r\n", 4), "");
    CHECK_STR(weft_sim_expect(peer, ""), "");
    CHECK_U64(peer->expected, 7);
}

static void what_differs_is_shown_with_its_place(void)
{
    peer = weft_sim_string(sim, &lines, NULL);
    CHECK_STR(weft_sim_expect(peer, "help\r\n"),
              "expected 6 bytes: \"help\\r\\n\"\n"
              "came     7 bytes: \"hello\\r\\n\"\n"
              "byte 3 is the first that differs; the connection is open");
    CHECK_STR(weft_sim_expect(peer, "hello\r\n\x01\"\\"),
              "expected 10 bytes: \"hello\\r\\n\\x01\\\"\\\\\"\n"
              "came     7 bytes: \"hello\\r\\n\"\n"
              "3 are missing; the connection is open");
    CHECK_U64(peer->expected, 0);
    weft_sim_peer_say(peer, "QUIT\r\n");
    CHECK(strstr(weft_sim_expect(peer, "hullo"), "the other side has ended") != NULL);
    weft_sim_peer_close(peer);
    const char *text = weft_sim_expect(peer, "hullo");
    CHECK(strstr(text, "the connection is closed: EDONE, ") != NULL);
}

static void of_long_texts_the_part_that_differs_is_shown(void)
{
    uint8_t *bytes = numbered(MIB);
    peer = weft_sim_string(sim, &echo, NULL);
    weft_sim_peer_send(peer, bytes, MIB);
    bytes[MIB / 2] ^= 1;
    const char *text = weft_sim_expect_bytes(peer, bytes, MIB);
    CHECK(strstr(text, "\nbyte 524288 is the first that differs; the connection is open") != NULL);
    CHECK(strlen(text) < 2000);
    free(bytes);
}

static void an_expectation_waits_for_what_is_on_its_way(void)
{
    peer = weft_sim_connect(sim, URL "?latency=300ms");
    CHECK(!peer->opened);
    CHECK_STR(weft_sim_expect(peer, "hello\r\n"), "");
    CHECK_U64(weft_sim_now(sim), 600);
}

/* ---- scripts */

static const weft_sim_row session_rows[] = {
    {.expect = "hello\r\n"},
    {.send = "one\r\n"},
    {.send = "two\r\n"},
    {.expect = "you said one\r\n"},
    {.expect = "you said two\r\n", .act = WEFT_SIM_OPEN},
    {.wait_ms = 1000},
    {.send = "QUIT\r\n"},
    {.expect = "bye\r\n", .act = WEFT_SIM_ENDED},
    {.act = WEFT_SIM_CLOSE},
    {.act = WEFT_SIM_CLOSED, .reason = WEFT_EDONE},
    {0},
};

static void a_script_plays_with_every_cut_and_with_and_without_a_wire(void)
{
    for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
        CHECK_STR(weft_sim_play(weft_sim_connect(sim, URL), session_rows, (weft_sim_cut)cut), "");
        CHECK_STR(
            weft_sim_play(weft_sim_string(sim, &lines, NULL), session_rows, (weft_sim_cut)cut), "");
    }
    CHECK_U64(weft_sim_now(sim), 6000);
}

static const char *play(const weft_sim_row *rows)
{
    peer = weft_sim_string(sim, &lines, NULL);
    return weft_sim_play(peer, rows, WEFT_SIM_WHOLE);
}

static void a_script_says_which_of_its_rows_is_not_so(void)
{
    CHECK_STR(play((const weft_sim_row[]){
                  {.expect = "hello\r\n"}, {.send = "one\r\n"}, {.expect = "you did\r\n"}, {0}}),
              "row 3: expected 9 bytes: \"you did\\r\\n\"\n"
              "came     14 bytes: \"you said one\\r\\n\"\n"
              "byte 4 is the first that differs; the connection is open");
    CHECK_STR(play((const weft_sim_row[]){{.send = "one\r\n"}, {.act = WEFT_SIM_OPEN}, {0}}),
              "row 2: 21 bytes came that nobody expected: \"hello\\r\\nyou said one\\r\\n\"\n"
              "the connection is open");
    CHECK_STR(play((const weft_sim_row[]){{.wait_ms = 1}, {0}}),
              "7 bytes came that nobody expected: \"hello\\r\\n\"\nthe connection is open");
    CHECK_STR(play((const weft_sim_row[]){{.expect = "hello\r\n", .act = WEFT_SIM_ENDED}, {0}}),
              "row 1: expected: ended by the other side; the connection is open");
    CHECK_STR(play((const weft_sim_row[]){
                  {.expect = "hello\r\n"}, {.act = WEFT_SIM_CLOSED, .reason = WEFT_EPROTO}, {0}}),
              "row 2: expected: closed, for EPROTO; the connection is open");
}

static void a_script_ends_closes_aborts_and_stops_hearing(void)
{
    const weft_sim_row *const scripts[] = {
        (const weft_sim_row[]){{.expect = "hello\r\n"},
                               {.send = "one\r\n", .act = WEFT_SIM_END},
                               {.expect = "you said one\r\n"},
                               {.act = WEFT_SIM_CLOSED, .reason = WEFT_EDONE},
                               {0}},
        (const weft_sim_row[]){{.expect = "hello\r\n", .act = WEFT_SIM_CLOSE},
                               {.act = WEFT_SIM_CLOSED, .reason = WEFT_EDONE},
                               {0}},
        (const weft_sim_row[]){{.expect = "hello\r\n", .act = WEFT_SIM_ABORT},
                               {.act = WEFT_SIM_CLOSED, .reason = WEFT_EABORTED},
                               {0}},
        (const weft_sim_row[]){{.expect = "hello\r\n", .act = WEFT_SIM_DEAF},
                               {.send = "one\r\n"},
                               {.expect = "you said one\r\n", .send = "two\r\n"},
                               {.act = WEFT_SIM_HEAR},
                               {.expect = "you said two\r\n", .act = WEFT_SIM_OPEN},
                               {0}},
    };
    for (unsigned i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        CHECK_STR(play(scripts[i]), "");
}

static const test_case cases[] = {
    TEST(a_behaviour_is_driven_by_bytes_without_a_wire),
    TEST(an_end_in_order_is_told_with_its_reason_on_both_sides),
    TEST(an_abort_and_a_stop_are_told_apart_from_an_end),
    TEST(the_string_may_end_close_and_abort),
    TEST(a_string_that_takes_nothing_is_felt_by_who_writes),
    TEST(what_the_stream_does_not_take_waits_and_is_counted),
    TEST(every_cut_of_what_is_fed_comes_to_the_same),
    TEST(a_string_without_memory_fails_in_order),
    TEST(a_peer_connects_and_says_how_it_ended),
    TEST(a_peer_listens_for_one_and_sends_others_away),
    TEST(a_connection_is_cut_behind_a_byte_that_was_sent),
    TEST(a_cut_waits_for_who_does_not_read),
    TEST(a_connection_is_cut_behind_a_byte_that_came),
    TEST(what_comes_next_is_expected),
    TEST(what_differs_is_shown_with_its_place),
    TEST(of_long_texts_the_part_that_differs_is_shown),
    TEST(an_expectation_waits_for_what_is_on_its_way),
    TEST(a_script_plays_with_every_cut_and_with_and_without_a_wire),
    TEST(a_script_says_which_of_its_rows_is_not_so),
    TEST(a_script_ends_closes_aborts_and_stops_hearing),
    {0},
};

const test_suite peer_suite = {
    .name = "actors/peer", .before = begin, .after = end, .cases = cases};
