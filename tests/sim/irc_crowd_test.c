/* SPDX-License-Identifier: MIT */
/* A crowd on an IRC server, over a wire with faults: hundreds come, join, talk, part, are lost.
 *
 * Each client believes what it is told. By that:
 * - nobody hears what is said in a channel it is not in
 * - what one says in a channel comes in its order, and nothing is missing while both stay
 * - in the end the server's members are those that believe they are */
#include "check.h"

#include <stdlib.h>
#include <weft/edge.h>
#include <weft/irc.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#include "random.h"

#define URL "sim://irc:6667"

enum { PEOPLE = 240, CHANNELS = 8, ROUNDS = 1500 };

typedef struct person {
    weft_sim_peer *peer;
    size_t read;
    bool registered, asked[CHANNELS], in[CHANNELS];
    uint32_t said[CHANNELS];
    uint32_t heard[CHANNELS][PEOPLE]; /* 0: nothing since either came */
} person;

static weft_sim *sim;
static weft_irc_config config;
static person *people;
static uint32_t deliveries;

static void begin(uint64_t seed, weft_sim_faults faults)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = seed, .system.reactors = 3, .faults = faults});
    REQUIRE(sim != NULL);
    config = (weft_irc_config){.flood_line_ms = WEFT_IRC_NEVER, .registration_ms = 600000};
    CHECK(!weft_ref_is_nobody(
        weft_system_spawn(weft_sim_system(sim), 0, &weft_irc_network, &config)));
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_irc_server, &config));
    people = calloc(PEOPLE, sizeof *people);
    REQUIRE(people != NULL);
    deliveries = 0;
}

static bool is_there(const person *p)
{
    return p->peer != NULL && !p->peer->closed && !p->peer->ended;
}

static void say(person *p, const char *before, uint32_t number, const char *behind)
{
    char line[128];
    (void)snprintf(line, sizeof line, "%s%u%s\r\n", before, number, behind);
    weft_sim_peer_say(p->peer, line);
}

/* ---- what it hears */

static void on_privmsg(person *p, uint32_t from, const weft_irc_message *m)
{
    uint32_t c = (uint32_t)strtoul(m->parameter[0].at + 2, NULL, 10);
    uint32_t number = (uint32_t)strtoul(m->parameter[1].at, NULL, 10);
    REQUIRE(c < CHANNELS && from < PEOPLE);
    CHECK(p->in[c]);
    CHECK(p->heard[c][from] == 0 || number == p->heard[c][from] + 1);
    p->heard[c][from] = number;
    deliveries++;
}

static void on_member(person *p, uint32_t from, const weft_irc_message *m, bool comes)
{
    uint32_t c = (uint32_t)strtoul(m->parameter[0].at + 2, NULL, 10);
    REQUIRE(c < CHANNELS && from < PEOPLE);
    p->heard[c][from] = 0;
    if (from != (uint32_t)(p - people))
        return;
    CHECK(p->in[c] != comes);
    p->in[c] = comes;
    memset(p->heard[c], 0, sizeof p->heard[c]);
}

static bool is_command(const weft_irc_message *m, const char *name)
{
    return weft_irc_same(WEFT_IRC_ASCII, m->command, weft_irc_text_of(name));
}

static void hear(person *p)
{
    const char *end;
    while (p->read < p->peer->got_bytes && (end = strstr(p->peer->got + p->read, "\r\n")) != NULL) {
        weft_irc_message m;
        const char *at = p->peer->got + p->read;
        CHECK_OK(weft_irc_parse(at, (size_t)(end - at), &m, NULL));
        p->read += (size_t)(end - at) + 2;
        uint32_t from = m.prefix.bytes > 1 ? (uint32_t)strtoul(m.prefix.at + 1, NULL, 10) : 0;
        if (is_command(&m, "001"))
            p->registered = true;
        else if (is_command(&m, "PRIVMSG"))
            on_privmsg(p, from, &m);
        else if (is_command(&m, "JOIN") || is_command(&m, "PART"))
            on_member(p, from, &m, is_command(&m, "JOIN"));
        else if (is_command(&m, "QUIT"))
            for (uint32_t c = 0; c < CHANNELS; c++)
                p->heard[c][from] = 0;
        CHECK(!is_command(&m, "404") && !is_command(&m, "442"));
    }
}

/* ---- what it does */

static void act(uint32_t i, test_random *r)
{
    person *p = &people[i];
    uint32_t c = (uint32_t)test_below(r, CHANNELS), what = (uint32_t)test_below(r, 100);
    if (p->peer == NULL) {
        p->peer = weft_sim_connect(sim, URL);
        say(p, "NICK p", i, "\r\nUSER p 0 * :p");
        return;
    }
    hear(p);
    if (!is_there(p) || !p->registered)
        return;
    if (!p->asked[c]) {
        p->asked[c] = true;
        say(p, "JOIN #c", c, "");
    } else if (p->in[c] && what < 80) {
        char text[16];
        (void)snprintf(text, sizeof text, " :%u", ++p->said[c]);
        say(p, "PRIVMSG #c", c, text);
    } else if (p->in[c] && what < 90) {
        p->asked[c] = false;
        say(p, "PART #c", c, "");
        weft_sim_advance(sim, 200); /* until it believes that it is out */
        hear(p);
    } else if (what == 99) {
        weft_sim_peer_abort(p->peer);
    }
}

/* ---- what must be true */

static bool is_listed(const char *got, uint32_t i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "p%u", i);
    size_t n = strlen(name);
    for (const char *at = got; (at = strstr(at, name)) != NULL; at += n)
        if ((at[-1] == ' ' || at[-1] == ':' || at[-1] == '@') && (at[n] == ' ' || at[n] == '\r'))
            return true;
    return false;
}

static void check_members(void)
{
    weft_sim_peer *watcher = weft_sim_connect(sim, URL);
    weft_sim_peer_say(watcher, "NICK watcher\r\nUSER w 0 * :w\r\n");
    weft_sim_advance(sim, 1000);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        size_t from = watcher->got_bytes;
        char line[32];
        (void)snprintf(line, sizeof line, "NAMES #c%u\r\n", c);
        weft_sim_peer_say(watcher, line);
        weft_sim_advance(sim, 1000);
        for (uint32_t i = 0; i < PEOPLE; i++)
            CHECK(is_listed(watcher->got + from, i) == (is_there(&people[i]) && people[i].in[c]));
    }
}

/* Gives how many are still there. */
static uint32_t crowd(uint64_t seed, weft_sim_faults faults)
{
    test_random random = {.state = seed};
    begin(seed, faults);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        act(round < PEOPLE ? round : (uint32_t)test_below(&random, PEOPLE), &random);
        if (round % 16 == 0)
            weft_sim_advance(sim, 5);
    }
    weft_sim_advance(sim, 5000);
    uint32_t there = 0;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        hear(&people[i]);
        there += is_there(&people[i]);
    }
    check_members();
    CHECK(deliveries > 1000);
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
    free(people);
    return there;
}

static void a_crowd_on_a_good_wire(void)
{
    CHECK(crowd(1, (weft_sim_faults){.latency_ms_max = 20}) > PEOPLE / 2);
}

static void a_crowd_on_a_wire_that_cuts_what_is_sent(void)
{
    (void)crowd(
        2, (weft_sim_faults){.latency_ms_max = 50, .short_read = 200000, .short_write = 200000});
}

static void a_crowd_whose_connections_are_lost(void)
{
    uint32_t there =
        crowd(3, (weft_sim_faults){.latency_ms_max = 30, .lost = 2000, .short_read = 100000});
    CHECK(there > 0 && there < PEOPLE * 3 / 4);
}

static const test_case cases[] = {
    TEST(a_crowd_on_a_good_wire),
    TEST(a_crowd_on_a_wire_that_cuts_what_is_sent),
    TEST(a_crowd_whose_connections_are_lost),
    {0},
};

const test_suite irc_crowd_suite = {.name = "sim/irc_crowd", .cases = cases};
