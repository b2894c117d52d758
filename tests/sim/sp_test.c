/* SPDX-License-Identifier: MIT */
/* SP sockets on many seeds: wires that are lost, short and late, peers that vanish, memory that is out. What was asked is
 * answered once or fails, nothing hangs, nothing is made up, and nothing leaks. */
#include "protocols/sp_world.h"

#include <stdlib.h>

enum { SEEDS = 150, ROUNDS = 40 };

static const weft_sim_faults rough = {.lost = 20000,
                                      .short_read = 200000,
                                      .short_write = 200000,
                                      .refused = 100000,
                                      .latency_ms_max = 40};

static void begin(uint64_t seed, const weft_sim_faults *faults)
{
    sp_reset();
    sim_with(&(weft_sim_options){
        .seed = seed, .faults = *faults, .system = {.reactors = 1 + (unsigned)(seed % 3)}});
}

static sp_side *dial(const char *name, const char *url)
{
    sp_side *s = sp_side_new(name, NULL, url);
    s->config.delay_ms = 10;
    s->config.delay_max_ms = 100;
    s->config.resend_ms = 500;
    sp_begin(s);
    return s;
}

static unsigned words(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++)
        n += *text == ' ';
    return n;
}

static void requests(const char *listen, const char *to)
{
    sp_side *rep = sp_listen("r", listen), *req[2] = {dial("a", to), dial("b", to)};
    rep->manner = SP_SIGNS;
    for (int i = 0; i < ROUNDS; i++)
        sp_ask(req[i % 2], "x", 20000);
    weft_sim_advance(sim, 30000);
    for (int i = 0; i < 2; i++) {
        CHECK_U64(req[i]->fired, ROUNDS / 2);
        CHECK_U64(req[i]->succeeded, words(req[i]->answers));
        CHECK_U64(req[i]->succeeded, ROUNDS / 2); /* it comes again for as long as it takes */
        CHECK_U64(sp_counts(req[i]).outstanding + sp_counts(req[i]).waiting, 0);
    }
    CHECK(rep->messages >= ROUNDS);
}

static void requests_are_answered_over_the_worst_of_wires(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, &rough);
        requests("nng+rep+sim://server", "nng+req+sim://server");
        sim_done();
    }
    sim_one();
}

static void websockets_are_no_worse(void)
{
    for (uint64_t seed = 1; seed <= SEEDS / 5; seed++) {
        begin(seed, &rough);
        requests("nng+rep+ws+sim://server/x", "nng+req+ws+sim://server/x");
        sim_done();
    }
    sim_one();
}

/* What arrives came in the order of one pipe, and no more often than it was sent. */
static void what_is_pushed_arrives_at_most_once(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, &rough);
        sp_side *pull = sp_listen("pull", "nng+pull+ipc+sim://server"),
                *push = dial("push", "nng+push+ipc+sim://server");
        for (int i = 0; i < ROUNDS; i++) {
            char text[16];
            (void)snprintf(text, sizeof text, "%d", i);
            sp_ask(push, text, 60000);
        }
        weft_sim_advance(sim, 60000);
        CHECK_U64(push->fired, ROUNDS);
        CHECK_U64(push->succeeded, ROUNDS);
        CHECK(pull->messages <= ROUNDS);
        bool seen[ROUNDS] = {false};
        for (char *at = pull->got; *at != '\0';) {
            unsigned long n = strtoul(at, &at, 10);
            REQUIRE(n < ROUNDS);
            CHECK(!seen[n]);
            seen[n] = true;
        }
        sim_done();
    }
    sim_one();
}

static void surveys_end_in_time_whoever_vanishes(void)
{
    for (uint64_t seed = 1; seed <= SEEDS / 3; seed++) {
        begin(seed, &rough);
        sp_side *surveyor = sp_listen("s", "nng+surveyor+sim://server");
        for (int i = 0; i < 3; i++)
            dial("r", "nng+respondent+sim://server")->manner = SP_ECHOES;
        for (int i = 0; i < 10; i++) {
            sp_ask(surveyor, "who", 0);
            weft_sim_advance(sim, 1100);
            CHECK_U64(surveyor->fired, (unsigned)i + 1);
            CHECK(surveyor->survey.n <= 3);
        }
        CHECK_U64(surveyor->succeeded, 10);
        sim_done();
    }
    sim_one();
}

static void each_pattern_lives_with_peers_that_vanish(void)
{
    static const char *const kinds[][2] = {
        {"nng+pub+sim://server", "nng+sub+sim://server"},
        {"nng+sub+sim://server", "nng+pub+sim://server"},
        {"nng+bus+sim://server", "nng+bus+sim://server"},
        {"nng+pair+sim://server", "nng+pair+sim://server"},
        {"nng+pair1+sim://server", "nng+pair1+sim://server"},
        {"nng+push+sim://server", "nng+pull+sim://server"},
    };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const char *const *urls = kinds[seed % (sizeof kinds / sizeof kinds[0])];
        begin(seed, &rough);
        sp_side *one = sp_listen("one", urls[0]), *two = dial("two", urls[1]);
        for (int i = 0; i < ROUNDS; i++) {
            sp_tell(i % 2 == 0 ? one : two, "x");
            if (i % 8 == 7)
                CHECK_OK(weft_sim_drop(sim, "sim://server", NULL));
        }
        weft_sim_advance(sim, 10000);
        CHECK(one->messages + two->messages <= ROUNDS);
        CHECK_U64(one->downs + two->downs, 0);
        CHECK_U64(sp_counts(one).pipes, 1);
        sp_stop(two);
        sp_stop(one);
        CHECK_U64(one->downs + two->downs, 2);
        sim_done();
    }
    sim_one();
}

/* ---- memory */

static void use_them(const char *listen, const char *to)
{
    sp_reset();
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    sp_side *one = sp_listen("one", listen), *two = dial("two", to);
    one->manner = SP_ECHOES; /* both would go on for ever, of a pair */
    sp_ask(two, "x", 1000);
    sp_ask(one, "y", 1000);
    weft_sim_advance(sim, 3000);
    sp_stop(two);
    weft_sim_advance(sim, 100);
    CHECK_U64(two->fired, two->asked);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void use_requests(void)
{
    use_them("nng+rep+sim://server", "nng+req+sim://server");
}

static void use_surveys(void)
{
    use_them("nng+respondent+sim://server", "nng+surveyor+sim://server");
}

static void use_queues(void)
{
    use_them("nng+pull+ipc+sim://server", "nng+push+ipc+sim://server");
}

static void use_publications(void)
{
    use_them("nng+pub+ws+sim://server/", "nng+sub+ws+sim://server/");
}

static void use_pairs(void)
{
    use_them("nng+pair1+sim://server", "nng+pair1+sim://server");
}

static void whatever_memory_fails_nothing_hangs_or_leaks(void)
{
    sim_done();
    each_allocation_fails(use_requests);
    each_allocation_fails(use_surveys);
    each_allocation_fails(use_queues);
    each_allocation_fails(use_pairs);
    each_allocation_fails(use_publications);
    sim_one();
}

static const test_case cases[] = {
    TEST(requests_are_answered_over_the_worst_of_wires),
    TEST(websockets_are_no_worse),
    TEST(what_is_pushed_arrives_at_most_once),
    TEST(surveys_end_in_time_whoever_vanishes),
    TEST(each_pattern_lives_with_peers_that_vanish),
    TEST(whatever_memory_fails_nothing_hangs_or_leaks),
    {0},
};
const test_suite sp_seeds_suite = {
    .name = "sim/sp", .before = sim_one, .after = sim_done, .cases = cases};
