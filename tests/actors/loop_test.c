/* SPDX-License-Identifier: MIT */
/* Looping calls in virtual time: when they begin, that they wait, how they end. */
#include "runtime/kit.h"

#include <weft/loop.h>

typedef struct chore {
    uint64_t n;
} chore;
static const weft_type chore_type = WEFT_TYPE("test.chore", chore, NULL);

static struct {
    unsigned rounds, ended;
    uint32_t began, at[32]; /* ms; of each round, since then */
    bool hold, fail, answer;
    weft_msg *held;
    weft_ref loop, owner;
    weft_down down;
    char why[RECORD_WHY];
    weft_loop_stopped stopped;
    weft_err stop_err;
} seen;

static weft_err on_chore(weft_actor *self, weft_msg *msg)
{
    CHECK_U64(((const chore *)weft_body(msg))->n, 7);
    CHECK(seen.held == NULL); /* never two rounds at once */
    if (seen.rounds < 32)
        seen.at[seen.rounds] = weft_now_ms(self) - seen.began;
    seen.rounds++;
    if (seen.hold)
        seen.held = weft_keep(msg);
    else if (seen.fail)
        return weft_fail(msg, WEFT_EIO, "the broom is broken");
    else if (seen.answer)
        return weft_reply(msg, num, .n = 1);
    return WEFT_OK;
}

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)self;
    seen.ended++;
    seen.down = *(const weft_down *)weft_body(msg);
    (void)snprintf(seen.why, sizeof seen.why, "%s", seen.down.why);
    return WEFT_OK;
}

static const weft_handler owner_rows[] = {
    {.type = &chore_type, .fn = on_chore},
    {.type = &act_type, .fn = on_act},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};
static const weft_behaviour owner = {.name = "owner", .handlers = owner_rows};

static weft_loop_config config;

static weft_err start(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    seen.began = weft_now_ms(self);
    seen.loop = weft_spawn(self, &weft_loop, &config);
    CHECK_OK(weft_monitor(self, seen.loop));
    return weft_tell(self, seen.loop, chore, .n = 7);
}

static weft_err let_go(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    weft_drop(&seen.held);
    return WEFT_OK;
}

static weft_err on_stopped(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    seen.stop_err = got->err;
    if (got->err == WEFT_OK)
        seen.stopped = *(const weft_loop_stopped *)got->body;
    return WEFT_OK;
}

static weft_err stop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_ask(self, seen.loop, weft_loop_stop, .nothing = 0), on_stopped);
}

static void begin(weft_loop_config with)
{
    memset(&seen, 0, sizeof seen);
    sim_of(1);
    config = with;
    seen.owner = weft_sim_spawn(sim, &owner, NULL);
    weft_sim_advance(sim, 10);
    sim_do(seen.owner, start, NULL);
}

static void a_loop_begins_after_a_period_or_at_once(void)
{
    begin((weft_loop_config){.period_ms = 100});
    CHECK_U64(seen.rounds, 0);
    weft_sim_advance(sim, 350);
    CHECK_U64(seen.rounds, 3);
    CHECK_U64(seen.at[0], 100);
    CHECK_U64(seen.at[2], 300);
    begin((weft_loop_config){.period_ms = 100, .now = true});
    CHECK_U64(seen.rounds, 1);
    seen.answer = true;
    weft_sim_advance(sim, 350);
    CHECK_U64(seen.rounds, 4);
    CHECK_U64(seen.at[3], 300);
}

static weft_err wall_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    *(uint64_t *)with = weft_wall_ns(self);
    return WEFT_OK;
}

static void a_loop_may_begin_at_a_time_of_the_clock(void)
{
    uint64_t now = 0;
    begin((weft_loop_config){.period_ms = 100});
    sim_do(seen.owner, wall_now, &now);
    config.at_wall_ns = now + 1234 * UINT64_C(1000000);
    seen.rounds = 0;
    sim_do(seen.owner, stop, NULL);
    sim_do(seen.owner, start, NULL);
    weft_sim_advance(sim, 1233);
    CHECK_U64(seen.rounds, 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(seen.rounds, 1);
    sim_do(seen.owner, stop, NULL);
    config.at_wall_ns = 1; /* long ago */
    sim_do(seen.owner, start, NULL);
    CHECK_U64(seen.rounds, 2);
}

static void a_round_is_waited_for_and_the_beat_is_kept(void)
{
    begin((weft_loop_config){.period_ms = 100, .now = true});
    seen.hold = true;
    weft_sim_advance(sim, 100);
    CHECK_U64(seen.rounds, 2);
    weft_sim_advance(sim, 350); /* it takes that long */
    CHECK_U64(seen.rounds, 2);
    seen.hold = false;
    sim_do(seen.owner, let_go, NULL);
    CHECK_U64(seen.rounds, 2);
    weft_sim_advance(sim, 50);
    CHECK_U64(seen.rounds, 3);
    CHECK_U64(seen.at[2], 500); /* on the beat */
    sim_do(seen.owner, stop, NULL);
    CHECK_OK(seen.stop_err);
    CHECK_U64(seen.stopped.rounds, 3);
    CHECK_U64(seen.stopped.skipped, 3);
}

static void a_stop_is_answered_when_the_round_is_over(void)
{
    begin((weft_loop_config){.period_ms = 100, .now = true});
    seen.hold = true;
    weft_sim_advance(sim, 100);
    seen.stop_err = WEFT_EINTERNAL;
    sim_do(seen.owner, stop, NULL);
    CHECK_ERR(seen.stop_err, WEFT_EINTERNAL); /* not yet */
    CHECK_ERR(weft_sim_ask(sim, seen.loop, weft_loop_stop, .nothing = 0)->err, WEFT_EUSED);
    sim_do(seen.owner, let_go, NULL);
    CHECK_OK(seen.stop_err);
    CHECK_U64(seen.ended, 1);
    CHECK_OK(seen.down.reason);
    weft_sim_advance(sim, 1000);
    CHECK_U64(seen.rounds, 2);
}

static void a_round_that_fails_ends_it_with_its_reason(void)
{
    begin((weft_loop_config){.period_ms = 100, .now = true});
    seen.fail = true;
    weft_sim_advance(sim, 1000);
    CHECK_U64(seen.rounds, 2);
    CHECK_U64(seen.ended, 1);
    CHECK_ERR(seen.down.reason, WEFT_EIO);
    CHECK_STR(seen.why, "the broom is broken");
    begin((weft_loop_config){.period_ms = 100, .go_on = true});
    seen.fail = true;
    weft_sim_advance(sim, 1000);
    CHECK_U64(seen.rounds, 10);
    CHECK_U64(seen.ended, 0);
    CHECK(weft_sim_logged(sim, WEFT_WARNING, "a round failed: the broom is broken") > 0);
}

static void a_round_has_a_limit(void)
{
    begin((weft_loop_config){.period_ms = 100, .now = true, .round_ms = 250});
    seen.hold = true;
    weft_sim_advance(sim, 349);
    CHECK_U64(seen.ended, 0);
    weft_sim_advance(sim, 10);
    CHECK_U64(seen.ended, 1);
    CHECK_ERR(seen.down.reason, WEFT_ETIMEDOUT);
    sim_do(seen.owner, let_go, NULL);
}

static void a_loop_that_makes_no_sense_ends(void)
{
    begin((weft_loop_config){.period_ms = 0});
    CHECK_ERR(seen.down.reason, WEFT_EINVAL);
    begin((weft_loop_config){.period_ms = 100, .at_wall_ns = UINT64_MAX});
    CHECK_ERR(seen.down.reason, WEFT_EINVAL);
    begin((weft_loop_config){.period_ms = 100});
    CHECK_OK(weft_sim_tell(sim, seen.loop, chore, .n = 8));
    CHECK_ERR(seen.down.reason, WEFT_EINVAL);
    CHECK_STR(seen.why, "a loop that is told twice what to ask");
}

static weft_err ring_at(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    weft_timer t = weft_at(self, *(const uint64_t *)with, chore, .n = 7);
    seen.stop_err = t.slot != 0 ? WEFT_OK : WEFT_ELIMIT;
    return WEFT_OK;
}

static void a_timer_may_be_set_for_a_time_of_the_clock(void)
{
    uint64_t now = 0, when;
    begin((weft_loop_config){.period_ms = 100000});
    sim_do(seen.owner, wall_now, &now);
    when = now + 500 * UINT64_C(1000000) + 1; /* never early: the next millisecond */
    sim_do(seen.owner, ring_at, &when);
    weft_sim_advance(sim, 500);
    CHECK_U64(seen.rounds, 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(seen.rounds, 1);
    sim_do(seen.owner, ring_at, &now); /* passed */
    weft_sim_advance(sim, 1);
    CHECK_U64(seen.rounds, 2);
    when = UINT64_MAX;
    sim_do(seen.owner, ring_at, &when);
    CHECK_ERR(seen.stop_err, WEFT_ELIMIT);
}

static void use_a_loop(void)
{
    memset(&seen, 0, sizeof seen);
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    config = (weft_loop_config){.period_ms = 100, .now = true};
    weft_ref loop = weft_sim_spawn(sim, &weft_loop, &config);
    weft_ref who = weft_sim_spawn(sim, &owner, NULL);
    config.to = who;
    (void)weft_sim_tell(sim, loop, chore, .n = 7);
    weft_sim_advance(sim, 1000);
    (void)weft_sim_ask(sim, loop, weft_loop_stop, .nothing = 0);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void memory_that_is_out_ends_a_loop(void)
{
    use_a_loop();
    CHECK(seen.rounds >= 10);
    each_allocation_fails(use_a_loop);
}

static const test_case cases[] = {
    TEST(a_loop_begins_after_a_period_or_at_once),
    TEST(a_loop_may_begin_at_a_time_of_the_clock),
    TEST(a_round_is_waited_for_and_the_beat_is_kept),
    TEST(a_stop_is_answered_when_the_round_is_over),
    TEST(a_round_that_fails_ends_it_with_its_reason),
    TEST(a_round_has_a_limit),
    TEST(a_loop_that_makes_no_sense_ends),
    TEST(a_timer_may_be_set_for_a_time_of_the_clock),
    TEST(memory_that_is_out_ends_a_loop),
    {0},
};

const test_suite loop_suite = {.name = "actors/loop", .after = sim_done, .cases = cases};
