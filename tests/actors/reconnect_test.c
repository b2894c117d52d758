/* SPDX-License-Identifier: MIT */
/* Reconnecting clients in virtual time: pauses, streams that are handed over, giving up. */
#include "runtime/kit.h"

#include <weft/reconnect.h>
#include <weft/testing_stream.h>

enum { LOG = 64 };

static struct {
    char log[1024];
    unsigned opens, closes, waits, gave_up;
    uint32_t delay[LOG], failures[LOG], at_ms[LOG]; /* of each pause */
    weft_err reason;
    char why[96];
    weft_ref client, stream;
    weft_down down;
    unsigned downs;
} seen;

static weft_reconnect_config config;

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    seen.opens++;
    seen.stream = ((const weft_opened *)weft_body(msg))->stream;
    return weft_write_text(self, seen.stream, "hello");
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    seen.closes++;
    return WEFT_OK;
}

static weft_err on_waiting(weft_actor *self, weft_msg *msg)
{
    const weft_reconnect_waiting *waiting = weft_body(msg);
    CHECK(weft_ref_same(waiting->client, seen.client));
    if (seen.waits < LOG) {
        seen.delay[seen.waits] = waiting->delay_ms;
        seen.failures[seen.waits] = waiting->failures;
        seen.at_ms[seen.waits] = weft_now_ms(self) - 1;
    }
    seen.waits++;
    seen.reason = waiting->reason;
    return WEFT_OK;
}

static weft_err on_gave_up(weft_actor *self, weft_msg *msg)
{
    const weft_reconnect_gave_up *up = weft_body(msg);
    (void)self;
    seen.gave_up++;
    seen.reason = up->reason;
    seen.failures[0] = up->failures;
    (void)snprintf(seen.why, sizeof seen.why, "%s", up->why);
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)self;
    seen.downs++;
    seen.down = *(const weft_down *)weft_body(msg);
    return WEFT_OK;
}

static const weft_handler rows[] = {
    {.type = &act_type, .fn = on_act},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_reconnect_waiting_type, .fn = on_waiting},
    {.type = &weft_reconnect_gave_up_type, .fn = on_gave_up},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};
static const weft_behaviour owner = {.name = "owner", .handlers = rows};

static weft_err start(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    seen.client = weft_spawn(self, &weft_reconnect, &config);
    return weft_monitor(self, seen.client);
}

static weft_ref who;

static void begin(weft_reconnect_config with)
{
    memset(&seen, 0, sizeof seen);
    config = with;
    if (config.url == NULL)
        config.url = "sim://server:1";
    who = weft_sim_spawn(sim, &owner, NULL);
    sim_do(who, start, NULL);
}

/* ---- pauses */

static void pauses_double_up_to_their_limit(void)
{
    begin((weft_reconnect_config){
        .delay_ms = 100, .delay_max_ms = 1000, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 100 + 200 + 400 + 800 + 1000 + 1000);
    CHECK_U64(seen.waits, 7);
    for (unsigned i = 0; i < 7; i++) {
        CHECK_U64(seen.delay[i], i < 4 ? 100U << i : 1000);
        CHECK_U64(seen.failures[i], i + 1);
        CHECK_U64(seen.at_ms[i], i == 0 ? 0 : seen.at_ms[i - 1] + seen.delay[i - 1]);
    }
    CHECK_ERR(seen.reason, WEFT_EREFUSED);
    CHECK_U64(seen.opens + seen.closes, 0);
}

static void the_defaults_are_as_the_header_says(void)
{
    begin((weft_reconnect_config){.jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 300000);
    CHECK_U64(seen.delay[0], 500);
    CHECK_U64(seen.delay[1], 1000);
    CHECK_U64(seen.delay[9], 60000);
    sim_one();
    begin((weft_reconnect_config){.delay_ms = 1000});
    weft_sim_advance(sim, 1000);
    CHECK(seen.delay[0] > 500 && seen.delay[0] <= 1000);
}

static void chance_takes_a_part_that_the_seed_decides(void)
{
    uint32_t first[8];
    bool differs = false;
    for (unsigned round = 0; round < 3; round++) {
        sim_with(&(weft_sim_options){.seed = round == 2 ? 7 : 5});
        begin(
            (weft_reconnect_config){.delay_ms = 1000, .delay_max_ms = 1000, .jitter_percent = 20});
        weft_sim_advance(sim, 8000);
        REQUIRE(seen.waits >= 8);
        for (unsigned i = 0; i < 8; i++) {
            CHECK(seen.delay[i] > 800 && seen.delay[i] <= 1000);
            if (round == 0)
                first[i] = seen.delay[i];
            else if (round == 1)
                CHECK_U64(seen.delay[i], first[i]);
            else
                differs |= seen.delay[i] != first[i];
        }
    }
    CHECK(differs);
}

static void pauses_may_grow_slower_or_not_at_all(void)
{
    begin((weft_reconnect_config){
        .delay_ms = 100, .factor_percent = 150, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 100 + 150 + 225);
    CHECK_U64(seen.delay[2], 225);
    sim_one();
    begin((weft_reconnect_config){
        .delay_ms = 100, .factor_percent = 50, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 1000);
    CHECK_U64(seen.delay[9], 100);
}

static void a_pause_can_be_cut_short(void)
{
    begin((weft_reconnect_config){.delay_ms = 5000, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 10);
    CHECK_OK(weft_sim_tell(sim, seen.client, weft_reconnect_now, .nothing = 0));
    CHECK_U64(seen.waits, 2);
    CHECK_U64(seen.at_ms[1], 10);
    weft_sim_advance(sim, 9999);
    CHECK_U64(seen.waits, 2); /* the first pause is off */
    weft_sim_advance(sim, 1);
    CHECK_U64(seen.waits, 3);
}

/* ---- streams */

static weft_err close_stream(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_abort(self, seen.stream, WEFT_OK);
}

static void each_stream_that_stands_is_the_owner_s(void)
{
    weft_sim_peer *server = weft_sim_listen(sim, "sim://server:1");
    begin((weft_reconnect_config){.delay_ms = 100, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 50);
    CHECK_U64(seen.opens, 1);
    CHECK_STR(weft_sim_expect(server, "hello"), "");
    weft_sim_peer_abort(server);
    weft_sim_advance(sim, 10);
    CHECK_U64(seen.closes, 1);
    CHECK_U64(seen.waits, 1);
    CHECK_ERR(seen.reason, WEFT_EDONE);
    CHECK_U64(seen.failures[0], 1); /* it did not last */
    weft_sim_advance(sim, 100);
    CHECK_U64(seen.opens, 2);
}

static void a_stream_that_was_stable_ends_the_row_of_failures(void)
{
    weft_ref first;
    (void)weft_sim_listen(sim, "sim://server:1");
    begin((weft_reconnect_config){
        .delay_ms = 100, .stable_ms = 2000, .jitter_percent = WEFT_NO_JITTER});
    for (unsigned i = 0; i < 3; i++) { /* the listener closes all but its first */
        weft_sim_advance(sim, 1000);
        first = seen.stream;
        sim_do(who, close_stream, NULL);
        CHECK_U64(seen.failures[seen.waits - 1], seen.waits);
        CHECK(!weft_ref_is_nobody(first));
    }
    CHECK(seen.waits >= 3);
    sim_one();
    (void)weft_sim_listen(sim, "sim://server:1");
    begin((weft_reconnect_config){
        .delay_ms = 100, .stable_ms = 2000, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 1999);
    CHECK_U64(seen.waits, 0);
    weft_sim_advance(sim, 1);
    sim_do(who, close_stream, NULL);
    CHECK_U64(seen.waits, 1);
    CHECK_U64(seen.failures[0], 0);
    CHECK_U64(seen.delay[0], 100);
}

static weft_err stop_client(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_ref(self, seen.client, WEFT_OK);
}

static void stopping_it_leaves_the_stream_to_its_owner(void)
{
    weft_sim_peer *server = weft_sim_listen(sim, "sim://server:1");
    begin((weft_reconnect_config){.delay_ms = 100});
    weft_sim_advance(sim, 10);
    sim_do(who, stop_client, NULL);
    weft_sim_advance(sim, 10);
    CHECK_U64(seen.downs, 1);
    CHECK_U64(seen.closes, 0);
    CHECK(server->opened && !server->closed);
    sim_do(who, close_stream, NULL);
    weft_sim_advance(sim, 60000);
    CHECK_U64(seen.closes, 1);
    CHECK_U64(seen.opens, 1);
}

static void stopping_it_while_it_connects_or_waits_ends_it(void)
{
    begin((weft_reconnect_config){.delay_ms = 100, .url = "sim://server:1?latency=50"});
    weft_sim_advance(sim, 10);
    sim_do(who, stop_client, NULL);
    weft_sim_advance(sim, 60000);
    CHECK_U64(seen.downs, 1);
    CHECK_U64(seen.opens + seen.waits, 0);
    begin((weft_reconnect_config){.delay_ms = 100});
    weft_sim_advance(sim, 10);
    CHECK_U64(seen.waits, 1);
    sim_do(who, stop_client, NULL);
    weft_sim_advance(sim, 60000);
    CHECK_U64(seen.downs, 1);
    CHECK_U64(seen.waits, 1);
}

static weft_err stop_owner(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void it_ends_with_its_owner(void)
{
    weft_sim_peer *server = weft_sim_listen(sim, "sim://server:1");
    begin((weft_reconnect_config){.delay_ms = 100});
    weft_sim_advance(sim, 10);
    sim_do(who, stop_owner, NULL);
    weft_sim_advance(sim, 60000);
    CHECK(server->ended);
    CHECK(weft_sim_state(sim, seen.client) == NULL);
}

/* ---- giving up */

static void after_so_many_failures_it_gives_up(void)
{
    begin((weft_reconnect_config){
        .delay_ms = 100, .failures_max = 3, .jitter_percent = WEFT_NO_JITTER});
    weft_sim_advance(sim, 60000);
    CHECK_U64(seen.waits, 2);
    CHECK_U64(seen.gave_up, 1);
    CHECK_U64(seen.failures[0], 3);
    CHECK_ERR(seen.reason, WEFT_EREFUSED);
    CHECK(strstr(seen.why, "refused") != NULL);
    CHECK_U64(seen.downs, 1);
    CHECK_ERR(seen.down.reason, WEFT_EREFUSED);
}

static void what_can_never_work_is_given_up_at_once(void)
{
    begin((weft_reconnect_config){.url = "sim://server:1?nothing=1"});
    weft_sim_advance(sim, 60000);
    CHECK_U64(seen.waits, 0);
    CHECK_U64(seen.gave_up, 1);
    CHECK_ERR(seen.reason, WEFT_EINVAL);
    begin((weft_reconnect_config){.url = "tcp://127.0.0.1:1"});
    weft_sim_advance(sim, 60000);
    CHECK_ERR(seen.reason, WEFT_EUNSUPPORTED);
    CHECK_U64(seen.gave_up, 1);
}

static weft_ref connect_elsewhere(weft_actor *self, const weft_reconnect_config *with)
{
    CHECK(with == &config);
    return weft_connect(self, with->context, weft_self(self));
}

static void it_connects_by_a_function_of_its_own(void)
{
    weft_sim_peer *server = weft_sim_listen(sim, "sim://elsewhere:1");
    begin((weft_reconnect_config){.connect = connect_elsewhere, .context = "sim://elsewhere:1"});
    (void)weft_sim_settle(sim, 1000);
    CHECK_U64(seen.opens, 1);
    CHECK_STR(weft_sim_expect(server, "hello"), "");
}

/* ---- memory */

static void reconnect_for_a_while(void)
{
    memset(&seen, 0, sizeof seen);
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    config = (weft_reconnect_config){.url = "sim://server:1", .delay_ms = 100, .failures_max = 3};
    who = weft_sim_spawn(sim, &owner, NULL);
    (void)weft_sim_tell(sim, who, act, .fn = start);
    weft_sim_advance(sim, 60000);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void whatever_memory_fails_it_ends_or_goes_on(void)
{
    sim_done();
    reconnect_for_a_while();
    CHECK_U64(seen.gave_up, 1);
    each_allocation_fails(reconnect_for_a_while);
    sim_one();
}

static const test_case cases[] = {
    TEST(pauses_double_up_to_their_limit),
    TEST(the_defaults_are_as_the_header_says),
    TEST(chance_takes_a_part_that_the_seed_decides),
    TEST(pauses_may_grow_slower_or_not_at_all),
    TEST(a_pause_can_be_cut_short),
    TEST(each_stream_that_stands_is_the_owner_s),
    TEST(a_stream_that_was_stable_ends_the_row_of_failures),
    TEST(stopping_it_leaves_the_stream_to_its_owner),
    TEST(stopping_it_while_it_connects_or_waits_ends_it),
    TEST(it_ends_with_its_owner),
    TEST(after_so_many_failures_it_gives_up),
    TEST(it_connects_by_a_function_of_its_own),
    TEST(what_can_never_work_is_given_up_at_once),
    TEST(whatever_memory_fails_it_ends_or_goes_on),
    {0},
};

const test_suite reconnect_suite = {
    .name = "actors/reconnect", .before = sim_one, .after = sim_done, .cases = cases};
