/* SPDX-License-Identifier: MIT */
/* A crowd on a telnet server, over a wire with faults: hundreds who agree on options, write lines, resize
 * their windows, and are lost.
 *
 * - each line is answered once, in its order, whatever was agreed on in its middle
 * - what nobody asked for is not said: no answer to an answer, whatever comes (RFC 1143)
 * - none is left */
#include "check.h"

#include <string.h>

#include <weft/framing.h>
#include <weft/net.h>
#include <weft/telnet.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#include "random.h"

#define URL "sim://server"

enum { PEOPLE = 300, ROUNDS = 3000, ANSWERS_MAX = 16, TRICKS = 9 };

typedef struct person {
    weft_sim_peer *peer;
    unsigned said;
} person;

static unsigned served, gone;

/* ---- the server */

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    weft_why why = {""};
    weft_err err = weft_telnet_speak(
        self, weft_sender(msg), &(weft_telnet_options){.line_mode = true, .quiet = true}, &why);
    served++;
    return err == WEFT_OK ? weft_frame_by(self, weft_sender(msg), &weft_lines, NULL, &why) : err;
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    const weft_line *line = weft_body(msg);
    (void)weft_write_text(self, line->stream, "(%.*s)\n", (int)line->bytes.size,
                          (const char *)line->bytes.at);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    gone++;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour server = {.name = "telnet lines", .handlers = rows};

/* ---- what one does */

static const struct {
    const char *at;
    size_t n;
} tricks[TRICKS] = {
    {"\xff\xfb\x1f", 3},                              /* WILL NAWS */
    {"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0", 9},      /* 80 columns, 24 rows */
    {"\xff\xfa\x1f\x01\x00\xff\xff\x00\xff\xf0", 10}, /* a column of 255 is doubled */
    {"\xff\xfd\x03", 3},                              /* DO SGA */
    {"\xff\xfb\x18", 3},                              /* WILL TTYPE */
    {"\xff\xfa\x18\x00vt100\xff\xf0", 11},            /* TTYPE IS vt100 */
    {"\xff\xfd\x63", 3},                              /* DO an option that nobody has */
    {"\xff\xfc\x63", 3},                              /* WONT of the same */
    {"\xff\xf1", 2},                                  /* NOP */
};

static void say_line(person *p, uint32_t i, test_random *r)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%u of %u\r\n", p->said++, i);
    if (test_below(r, 4) == 0) { /* something is agreed on in the middle of it */
        size_t cut = 1 + test_below(r, (size_t)n - 1), t = test_below(r, TRICKS);
        weft_sim_peer_send(p->peer, line, cut);
        weft_sim_peer_send(p->peer, tricks[t].at, tricks[t].n);
        weft_sim_peer_send(p->peer, line + cut, (size_t)n - cut);
    } else
        weft_sim_peer_send_steps(p->peer, line, (size_t)n, 1 + test_below(r, 20));
}

static void act(weft_sim *sim, person *p, uint32_t i, test_random *r)
{
    if (p->peer == NULL)
        p->peer = weft_sim_connect(sim, URL);
    else if (p->peer->closed || p->peer->ended)
        return;
    else if (test_below(r, 200) == 0)
        weft_sim_peer_abort(p->peer);
    else
        say_line(p, i, r);
}

/* ---- what must be true */

/* What came without what is agreed on: its lines; *@answers: how often something was said of options. */
static size_t lines_of(const weft_sim_peer *peer, char *to, size_t room, unsigned *answers)
{
    size_t n = 0;
    const unsigned char *got = (const unsigned char *)peer->got;
    for (size_t i = 0; i < peer->got_bytes && n + 1 < room; i++) {
        if (got[i] != 0xff) {
            to[n++] = (char)got[i];
            continue;
        }
        if (++i >= peer->got_bytes)
            break;
        if (got[i] == 0xfa) /* SB up to IAC SE */
            while (i < peer->got_bytes && !(got[i - 1] == 0xff && got[i] == 0xf0))
                i++;
        else
            i += got[i] >= 0xfb ? 1 : 0;
        ++*answers;
    }
    to[n] = '\0';
    return n;
}

/* Gives how many of its lines were answered. */
static unsigned check_person(const person *p, uint32_t i)
{
    static char got[65536], expected[64];
    unsigned answers = 0, k = 0;
    size_t n = lines_of(p->peer, got, sizeof got, &answers), at = 0;
    for (; at < n && k <= p->said; k++) {
        size_t line = (size_t)snprintf(expected, sizeof expected, "(%u of %u)\r\n", k, i);
        size_t left = n - at < line ? n - at : line;
        CHECK(memcmp(got + at, expected, left) == 0);
        at += left;
    }
    CHECK(k <= p->said);
    if (!p->peer->closed)
        CHECK_U64(k, p->said);
    /* beside its own wishes and the one option that it refuses */
    CHECK(answers <= ANSWERS_MAX + p->said);
    return k;
}

static unsigned crowd(uint64_t seed, weft_sim_faults faults)
{
    static person people[PEOPLE];
    test_random random = {.state = seed};
    unsigned answered = 0, there = 0;
    memset(people, 0, sizeof people);
    served = gone = 0;
    weft_sim *sim =
        weft_sim_new(&(weft_sim_options){.seed = seed, .system.reactors = 3, .faults = faults});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &server, NULL));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t i = round < PEOPLE ? round : (uint32_t)test_below(&random, PEOPLE);
        act(sim, &people[i], i, &random);
        if (round % 16 == 0)
            weft_sim_advance(sim, 5);
    }
    weft_sim_advance(sim, 5000);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        answered += check_person(&people[i], i);
        there += !people[i].peer->closed;
    }
    CHECK(answered > ROUNDS / 3);
    CHECK_U64(served - gone, there);
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
    return there;
}

static void a_crowd_on_a_good_wire(void)
{
    CHECK(crowd(1, (weft_sim_faults){.latency_ms_max = 20}) > PEOPLE * 3 / 4);
}

static void a_crowd_on_a_wire_that_cuts_what_is_sent(void)
{
    CHECK(crowd(2, (weft_sim_faults){.latency_ms_max = 50,
                                     .short_read = 300000,
                                     .short_write = 300000}) > PEOPLE * 3 / 4);
}

static void a_crowd_whose_connections_are_lost(void)
{
    for (uint64_t seed = 3; seed <= 6; seed++) {
        unsigned there = crowd(
            seed, (weft_sim_faults){.latency_ms_max = 30, .lost = 5000, .short_read = 100000});
        CHECK(there > 0 && there < PEOPLE);
    }
}

static const test_case cases[] = {
    TEST(a_crowd_on_a_good_wire),
    TEST(a_crowd_on_a_wire_that_cuts_what_is_sent),
    TEST(a_crowd_whose_connections_are_lost),
    {0},
};
const test_suite telnet_crowd_suite = {.name = "sim/telnet_crowd", .cases = cases};
