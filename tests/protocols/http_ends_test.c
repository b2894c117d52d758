/* SPDX-License-Identifier: MIT */
/* The HTTP server when something ends in the middle: the client, the system, memory. Whatever is under
 * way then, nothing leaks, nobody is left behind, and no answer is wrong. */
#include <stdlib.h>

#include "alloc.h"
#include "check.h"
#include "http_world.h"
#include <weft/testing_stream.h>

enum { SEEDS = 250, SETTLE_MS = 120000 };

/* One of everything, the slow ones in between. */
static const char everything[] =
    "GET /hello HTTP/1.1\r\nHost: web\r\n\r\n"
    "GET /late/20 HTTP/1.1\r\nHost: web\r\n\r\n"
    "POST /echo HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello"
    "GET /other/now HTTP/1.1\r\nHost: web\r\n\r\n"
    "POST /count HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
    "GET /make/3000 HTTP/1.1\r\nHost: web\r\n\r\n"
    "POST /back HTTP/1.1\r\nHost: web\r\nContent-Length: 6\r\n\r\nabcdef"
    "GET /nothing HTTP/1.1\r\nHost: web\r\n\r\n"
    "GET /other/keep HTTP/1.1\r\nHost: web\r\n\r\n"
    "GET /make/2000?end=trailers HTTP/1.1\r\nHost: web\r\n\r\n"
    "GET /forward/now HTTP/1.1\r\nHost: web\r\n\r\n"
    "POST /sum HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n"
    "1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n"
    "GET /big/20000 HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";

enum { EVERYTHING = sizeof everything - 1 };

/* What each of them is answered with, if it is answered: the body, or NULL for so much of the pattern. */
static const struct {
    int status;
    const char *body;
    size_t pattern;
} answers[] = {
    {200, "hello\n", 0},
    {200, "late 20\n", 0},
    {200, "hello", 0},
    {200, "other: /other/now \n", 0},
    {200, "5 bytes, sum 1\n", 0},
    {200, NULL, 3000},
    {200, "abcdef", 0},
    {404, "", 0},
    {200, "kept keep\n", 0},
    {200, NULL, 2000},
    {200, "other: /forward/now \n", 0},
    {200, "1 7\n", 0},
    {200, NULL, 20000},
};

enum { ANSWERS = sizeof answers / sizeof answers[0] };

/* Every whole answer that came is the right one, or one of the errors that may come, at least
 * @may_fail; 0: none may. Returns how many there are. */
static unsigned check_answers(const weft_sim_peer *c, int may_fail)
{
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    unsigned i = 0;
    for (bool more = true; more && i < ANSWERS;) {
        http_reply r = http_take_reply(&at, &n, false);
        more = r.whole;
        if (more && (may_fail == 0 || r.status < may_fail)) {
            CHECK_U64(r.status, answers[i].status);
            if (answers[i].body == NULL)
                CHECK(http_is_pattern(&r, answers[i].pattern));
            else if (answers[i].body[0] != '\0')
                CHECK_MEM(r.body, r.body_bytes, answers[i].body, strlen(answers[i].body));
        }
        i += more;
        free(r.body);
    }
    return i;
}

static void before(void)
{
    http_world_reset();
}

/* How many actors there are. */
static unsigned actors(weft_sim *sim)
{
    unsigned n = 0;
    weft_reactor_stats stats;
    for (unsigned i = 0; weft_stats_reactor(weft_sim_system(sim), i, &stats); i++)
        n += stats.actors;
    return n;
}

/* The client goes, if it has not, and all that was made for it goes with it. */
static void check_all_gone(weft_sim *sim, weft_sim_peer *c, unsigned before_it)
{
    if (!c->closed)
        weft_sim_peer_close(c);
    weft_sim_advance(sim, SETTLE_MS);
    CHECK_U64(http_saw.workers, 0);
    CHECK(actors(sim) == before_it || !c->opened);
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* ---- nothing ends: what the rest is measured by */

static void everything_is_answered(void)
{
    weft_sim *sim = http_world_open(NULL);
    REQUIRE(sim != NULL);
    unsigned none = actors(sim);
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_send(c, everything, EVERYTHING);
    weft_sim_advance(sim, 2000);
    CHECK_U64(check_answers(c, 0), ANSWERS);
    CHECK(c->ended);
    check_all_gone(sim, c, none);
}

/* ---- the client ends */

static void leave_once(size_t sent, uint32_t ms, void (*how)(weft_sim_peer *c))
{
    weft_sim *sim = http_world_open(&(weft_sim_options){.seed = sent + ms});
    REQUIRE(sim != NULL);
    unsigned none = actors(sim);
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_send(c, everything, sent);
    weft_sim_advance(sim, ms);
    how(c);
    weft_sim_advance(sim, 5000);
    (void)check_answers(c, 400); /* of a body that was not whole */
    check_all_gone(sim, c, none);
}

/* Also while input stands still, since an answer is waited for. */
static void leave(size_t sent, uint32_t ms, void (*how)(weft_sim_peer *c))
{
    http_config.limits.responses_pending_max = 0;
    leave_once(sent, ms, how);
    http_config.limits.responses_pending_max = 2;
    leave_once(sent, ms, how);
}

static void the_client_may_be_lost_at_any_byte(void)
{
    for (size_t sent = 0; sent <= EVERYTHING; sent += 3)
        leave(sent, 0, weft_sim_peer_abort);
}

static void the_client_may_close_at_any_byte(void)
{
    for (size_t sent = 1; sent <= EVERYTHING; sent += 3)
        leave(sent, 0, weft_sim_peer_close);
}

static void the_client_may_end_its_side_at_any_byte(void)
{
    for (size_t sent = 2; sent <= EVERYTHING; sent += 3)
        leave(sent, 0, weft_sim_peer_end);
}

static void the_client_may_be_lost_at_any_time(void)
{
    for (uint32_t ms = 1; ms < 1100; ms += ms < 30 ? 1 : 97)
        leave(EVERYTHING, ms, weft_sim_peer_abort);
}

/* ---- the system stops */

/* The client lives in the system that stops: this holds it until everything has come. */
enum { HOLD_MS = 8000 };

typedef struct holder {
    weft_msg *phase;
} holder;
typedef struct holder_tick {
    char nothing;
} holder_tick;
static const weft_type holder_tick_type = WEFT_TYPE("test.holder_tick", holder_tick, NULL);

static weft_err on_holder_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_on_phase(weft_system_of(self), WEFT_PHASE_DRAIN, weft_self(self));
}

static weft_err on_holder_phase(weft_actor *self, weft_msg *msg)
{
    holder *h = weft_state(self);
    h->phase = weft_keep(msg);
    (void)weft_after(self, HOLD_MS, holder_tick, .nothing = 0);
    return WEFT_OK;
}

static weft_err on_holder_tick(weft_actor *self, weft_msg *msg)
{
    holder *h = weft_state(self);
    (void)msg;
    (void)weft_reply(h->phase, weft_phase_done, .cut = 0);
    weft_drop(&h->phase);
    return WEFT_OK;
}

static const weft_handler holder_rows[] = {
    {.type = &weft_started_type, .fn = on_holder_started},
    {.type = &weft_phase_begins_type, .fn = on_holder_phase},
    {.type = &holder_tick_type, .fn = on_holder_tick},
    {0},
};
static const weft_behaviour holder_behaviour = {
    .name = "test.holder", .handlers = holder_rows, .state_bytes = sizeof(holder)};

static weft_sim *world_held(uint64_t seed)
{
    weft_sim *sim = http_world_open(&(weft_sim_options){.seed = seed});
    REQUIRE(sim != NULL);
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &holder_behaviour, NULL)));
    (void)weft_sim_run(sim);
    return sim;
}

static void the_system_may_stop_at_any_byte(void)
{
    for (size_t sent = 0; sent <= EVERYTHING; sent += 5) {
        weft_sim *sim = http_world_open(&(weft_sim_options){.seed = sent + 1});
        REQUIRE(sim != NULL);
        weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
        weft_sim_peer_send(c, everything, sent);
        weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
        weft_sim_advance(sim, SETTLE_MS);
        (void)check_answers(c, 0);
        CHECK_U64(weft_sim_free(&sim), 0);
        CHECK_U64(http_saw.workers, 0);
    }
}

static void a_stop_loses_no_request_that_has_come(void)
{
    for (uint64_t seed = 1; seed < 30; seed++) {
        weft_sim *sim = world_held(seed);
        weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
        weft_sim_peer_send(c, everything, EVERYTHING);
        weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
        weft_sim_advance(sim, 3000);
        CHECK_U64(check_answers(c, 0), ANSWERS);
        CHECK(c->ended || c->closed);
        CHECK_U64(weft_sim_free(&sim), 0);
    }
}

/* The grace is the system's, 10 s, for each connection too. */
static void a_stop_waits_for_a_client_that_is_slow(void)
{
    static const char big[] = "GET /big/2000000 HTTP/1.1\r\nHost: web\r\n\r\n";
    weft_sim *sim = world_held(1);
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_deaf(c, true);
    weft_sim_peer_send(c, big, sizeof big - 1);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    for (int ms = 0; ms < 8000; ms += 200) {
        weft_sim_advance(sim, 200);
        weft_sim_peer_hear_once(c);
    }
    weft_sim_peer_deaf(c, false);
    weft_sim_advance(sim, 1000);
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, false);
    CHECK(r.whole && http_is_pattern(&r, 2000000));
    free(r.body);
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* A streamed response that a stop cuts does not look whole. */
static void a_stop_that_cannot_wait_cuts_what_is_streamed(void)
{
    static const char silent[] = "GET /silent HTTP/1.1\r\nHost: web\r\n\r\n";
    weft_sim *sim = world_held(1);
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_send(c, silent, sizeof silent - 1);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 9900);
    CHECK(!c->ended && !c->closed);
    weft_sim_advance(sim, 1000);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "a streamed response was cut short"), 1);
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, false);
    CHECK_U64(r.status, 200);
    CHECK(!r.whole);
    CHECK_MEM(r.body, r.body_bytes, "begun\n", 6);
    free(r.body);
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* ---- memory ends */

/* Lets the n-th taking of memory fail. false: there were not so many. */
static bool fail_nth(long n)
{
    http_config.limits.responses_pending_max = n % 2 == 0 ? 0 : 2;
    weft_sim *sim = http_world_open(NULL);
    REQUIRE(sim != NULL);
    unsigned none = actors(sim);
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    long failed = wf_alloc_failed();
    wf_alloc_fail_after(n);
    weft_sim_peer_send(c, everything, EVERYTHING);
    weft_sim_advance(sim, 2000);
    wf_alloc_fail_after(-1);
    bool did = wf_alloc_failed() != failed;
    weft_sim_advance(sim, SETTLE_MS);
    unsigned answered = check_answers(c, did ? 500 : 0);
    CHECK(answered == ANSWERS || c->ended || c->closed || !c->opened);
    check_all_gone(sim, c, none);
    return did;
}

static void any_taking_of_memory_may_fail(void)
{
    long n = 0;
    while (fail_nth(n))
        n++;
    CHECK(n > 100);
}

/* ---- all of it at once */

static unsigned long seeds(void)
{
    const char *text = getenv("WEFT_SEEDS");
    return text != NULL ? strtoul(text, NULL, 10) : SEEDS;
}

static void faults_give_right_answers_or_failures(void)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        http_config.limits.responses_pending_max = seed % 3 == 0 ? 2 : 0;
        weft_sim *sim = http_world_open(&(weft_sim_options){
            .seed = seed,
            .faults = {.lost = 1000,
                       .short_read = 200000,
                       .short_write = 200000,
                       .latency_ms_max = 5,
                       .allocation = seed % 2 == 0 ? 3000 : 0},
        });
        if (sim == NULL)
            continue;
        unsigned none = actors(sim);
        weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
        weft_sim_peer_send(c, everything, EVERYTHING);
        weft_sim_advance(sim, SETTLE_MS);
        unsigned answered = check_answers(c, seed % 2 == 0 ? 500 : 0);
        CHECK(answered == ANSWERS || c->ended || c->closed || !c->opened);
        check_all_gone(sim, c, none);
    }
}

static const test_case cases[] = {
    TEST(everything_is_answered),
    TEST(the_client_may_be_lost_at_any_byte),
    TEST(the_client_may_close_at_any_byte),
    TEST(the_client_may_end_its_side_at_any_byte),
    TEST(the_client_may_be_lost_at_any_time),
    TEST(the_system_may_stop_at_any_byte),
    TEST(a_stop_loses_no_request_that_has_come),
    TEST(a_stop_waits_for_a_client_that_is_slow),
    TEST(a_stop_that_cannot_wait_cuts_what_is_streamed),
    TEST(any_taking_of_memory_may_fail),
    TEST(faults_give_right_answers_or_failures),
    {0},
};

const test_suite http_ends_suite = {"protocols/http_ends", before, NULL, cases, false};
