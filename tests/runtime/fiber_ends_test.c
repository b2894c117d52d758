/* SPDX-License-Identifier: MIT */
/* How waits end early: the asker's limit, a cancel, the stop of the actor; at each kind of wait. */
#include "fiber_kit.h"

#include <weft/edge.h>

typedef enum wait { AWAIT, SLEEP, NEXT, WAITS } wait;

static weft_err wait_by(weft_actor *self, wait how)
{
    weft_msg *next = NULL;
    switch (how) {
    case AWAIT:
        return weft_await(self, ask_other(self, keep_it))->err;
    case SLEEP:
        return weft_sleep(self, 100000);
    default:
        return weft_next(self, letter, 100000, &next);
    }
}

/* What a fiber saw of its early end. */
static struct {
    wait how;
    weft_err first, then;
    bool again; /* waits once more, for something that works */
} end;

static weft_err wait_and_clean_up(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    end.first = wait_by(self, end.how);
    record_add(seen, 1);
    end.then = end.again ? weft_sleep(self, 1) : wait_by(self, end.how);
    record_add(seen, 2);
    return end.first;
}

static void begin(wait how, bool again)
{
    fibers_before();
    end.how = how;
    end.again = again;
    end.first = end.then = WEFT_OK;
}

/* ---- the asker no longer wants it */

static struct {
    weft_deferred deferred;
    weft_err err;
} asker;

static weft_err on_over(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    asker.err = got->err;
    return WEFT_OK;
}

static weft_err ask_for_50_ms(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    asker.err = WEFT_OK;
    asker.deferred = weft_ask_within(self, it, 50, act, .fn = wait_and_clean_up);
    return weft_when(msg, asker.deferred, on_over);
}

static weft_err cancel_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_cancel(self, asker.deferred);
}

static void a_cancel_ends_each_kind_of_wait(void)
{
    for (wait how = AWAIT; how < WAITS; how++) {
        begin(how, true);
        weft_ref a = sim_puppet(NULL);
        sim_do(a, ask_for_50_ms, NULL);
        CHECK_U64(sim_stats(0).fibers, 1);
        sim_do(a, cancel_now, NULL);
        CHECK_ERR(end.first, WEFT_ECANCELLED);
        weft_sim_advance(sim, 1);
        CHECK_OK(end.then); /* once only: the clean-up may wait */
        CHECK_SEEN(1, 2);
        CHECK_ERR(asker.err, WEFT_ECANCELLED);
        CHECK_U64(sim_stats(0).fibers, 0);
    }
}

static void the_limit_of_the_asker_ends_each_kind_of_wait(void)
{
    for (wait how = AWAIT; how < WAITS; how++) {
        begin(how, true);
        sim_do(sim_puppet(NULL), ask_for_50_ms, NULL);
        weft_sim_advance(sim, 49);
        CHECK_U64(seen->n, 0);
        weft_sim_advance(sim, 2);
        CHECK_ERR(end.first, WEFT_ECANCELLED);
        CHECK_OK(end.then);
        CHECK_ERR(asker.err, WEFT_ETIMEDOUT);
        CHECK_U64(sim_stats(0).asks, 0);
    }
}

/* The reply to its own ask is in the mailbox when the cancel comes: the next wait says so. */
static weft_err answered_and_cancelled(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    end.first = weft_await(self, ask_other(self, keep_it))->err;
    end.then = wait_by(self, end.how);
    record_add(seen, end.how == AWAIT ? 1 : 2);
    CHECK_OK(weft_sleep(self, 1));
    record_add(seen, 3);
    return WEFT_OK;
}

static weft_err ask_it_so(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    asker.deferred = weft_ask(self, it, act, .fn = answered_and_cancelled);
    return weft_when(msg, asker.deferred, on_over);
}

static void cancel_in_a_call(weft_actor *target, const uint64_t word[4])
{
    (void)word;
    CHECK_OK(weft_cancel(target, asker.deferred));
}

static weft_err answer_then_call(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(answer_kept(self, msg, NULL));
    return weft_call(*(const weft_ref *)with, cancel_in_a_call, (const uint64_t[4]){0});
}

static void a_cancel_that_finds_no_wait_ends_the_next_one(void)
{
    for (wait how = AWAIT; how < WAITS; how++) {
        begin(how, true);
        weft_ref a = sim_puppet(NULL);
        sim_do(a, ask_it_so, NULL);
        sim_do(other, answer_then_call, &a);
        weft_sim_advance(sim, 1);
        CHECK_OK(end.first);
        CHECK_ERR(end.then, WEFT_ECANCELLED);
        CHECK_SEEN(how == AWAIT ? 1 : 2, 3);
    }
}

static weft_err later_and_cancelled(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred d = ask_other(self, keep_it);
    (void)msg, (void)with;
    end.first = weft_sleep(self, 100000);
    end.then = weft_await(self, d)->err;
    record_add(seen, 1);
    return WEFT_OK;
}

static weft_err ask_later(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    asker.deferred = weft_ask(self, it, act, .fn = later_and_cancelled);
    return weft_when(msg, asker.deferred, on_over);
}

static void a_cancel_reaches_deferreds_that_the_fiber_has_not_awaited_yet(void)
{
    begin(SLEEP, true);
    weft_ref a = sim_puppet(NULL);
    sim_do(a, ask_later, NULL);
    sim_do(a, cancel_now, NULL);
    CHECK_ERR(end.first, WEFT_ECANCELLED);
    CHECK_ERR(end.then, WEFT_ECANCELLED);
    CHECK_SEEN(1);
}

/* After a cancel nobody upstream guards what the clean-up asks: it has a limit of its own. */
static weft_err clean_up_with_an_ask(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    end.first = weft_sleep(self, 100000);
    end.then = weft_await(self, ask_other(self, keep_it))->err;
    record_add(seen, 1);
    return WEFT_OK;
}

static weft_err ask_clean(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    asker.deferred = weft_ask(self, it, act, .fn = clean_up_with_an_ask);
    return weft_when(msg, asker.deferred, on_over);
}

static void what_a_clean_up_asks_after_a_cancel_cannot_hang(void)
{
    begin(SLEEP, true);
    weft_ref a = sim_puppet(NULL);
    sim_do(a, ask_clean, NULL);
    sim_do(a, cancel_now, NULL);
    CHECK_ERR(end.first, WEFT_ECANCELLED);
    weft_sim_advance(sim, 30000);
    CHECK_ERR(end.then, WEFT_ETIMEDOUT);
    CHECK_SEEN(1);
}

/* ---- the stop of the actor */

static void a_stop_ends_each_kind_of_wait_and_refuses_further_ones(void)
{
    for (wait how = AWAIT; how < WAITS; how++) {
        begin(how, false);
        sim_do(sim_puppet(NULL), ask_for_50_ms, NULL);
        CHECK_OK(weft_sim_tell(sim, it, plain_act, .fn = stop_it));
        CHECK_ERR(end.first, WEFT_ESTOPPING);
        CHECK_ERR(end.then, WEFT_ESTOPPING);
        CHECK_SEEN(1, 2, 999); /* before the actor's own end */
        CHECK_ERR(asker.err, WEFT_ESTOPPING);
        CHECK_U64(sim_stats(0).fibers, 0);
        CHECK_U64(sim_stats(0).asks, 0);
    }
}

static weft_err stop_and_wait(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_stop(self, WEFT_OK));
    for (wait how = AWAIT; how < WAITS; how++)
        CHECK_ERR(wait_by(self, how), WEFT_ESTOPPING);
    record_add(seen, 1);
    return WEFT_OK;
}

static void a_fiber_that_stops_its_own_actor_cannot_wait_any_more(void)
{
    begin(SLEEP, false);
    sim_do(it, stop_and_wait, NULL);
    CHECK_SEEN(1, 999);
}

static weft_err reply_when_stopped(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    weft_deferred d = ask_other(self, answer_7);
    CHECK_OK(weft_sleep(self, 1)); /* its reply is there */
    CHECK_ERR(weft_sleep(self, 100000), WEFT_ESTOPPING);
    CHECK_ERR(weft_await(self, d)->err, WEFT_ESTOPPING);
    CHECK_OK(weft_tell(self, other, num, .n = 5));
    return weft_reply(msg, num, .n = 3);
}

static weft_err on_three(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_OK(got->err);
    record_add(seen, got->err == WEFT_OK ? ((const num *)got->body)->n : 0);
    return WEFT_OK;
}

static weft_err ask_three(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_ask(self, it, act, .fn = reply_when_stopped), on_three);
}

static void a_clean_up_may_still_answer_and_tell(void)
{
    begin(SLEEP, false);
    sim_do(sim_puppet(NULL), ask_three, NULL);
    weft_sim_advance(sim, 1);
    CHECK_OK(weft_sim_tell(sim, it, plain_act, .fn = stop_it));
    CHECK_SEEN(999, 3);
}

static weft_err wait_for_ever(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *waits = with;
    (void)msg;
    weft_err err = WEFT_OK;
    for (; *waits < 1000000; ++*waits)
        err = weft_sleep(self, 1000);
    return err;
}

static void a_fiber_that_does_not_take_a_stop_for_an_answer_is_abandoned(void)
{
    unsigned waits = 0;
    begin(SLEEP, false);
    sim_do(it, wait_for_ever, &waits);
    sim_do(it, wait_for_ever, &waits);
    CHECK_OK(weft_sim_tell(sim, it, plain_act, .fn = stop_it));
    CHECK_U64(waits, 2 * 1001); /* the one it stood in, and 1,000 more */
    CHECK_SEEN(999);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "went on waiting, 1000 times, after its actor"), 2);
    CHECK_U64(sim_stats(0).fibers, 0);
}

static weft_err wait_with_a_child(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref child = weft_spawn(self, &puppet, with);
    (void)msg;
    CHECK_ERR(weft_sleep(self, 100000), WEFT_ESTOPPING);
    CHECK_U64(((const record *)with)->ends, 0); /* children end after it */
    CHECK_OK(weft_tell(self, child, num, .n = 4));
    CHECK_OK(weft_ignore(self, weft_ask(self, child, act, .fn = answer_7)));
    weft_ref another = weft_spawn(self, &puppet, NULL);
    CHECK(!weft_ref_is_nobody(another));
    record_add(seen, 1);
    return WEFT_OK;
}

static void children_are_there_while_fibers_clean_up(void)
{
    begin(SLEEP, false);
    record *child = record_new();
    sim_do(it, wait_with_a_child, child);
    CHECK_OK(weft_sim_tell(sim, it, plain_act, .fn = stop_it));
    CHECK_SEEN(1, 999);
    CHECK_U64(child->ends, 1);
}

static void a_serial_fiber_ends_with_its_actor_and_what_waited_fails(void)
{
    begin(AWAIT, false);
    CHECK_OK(weft_sim_tell(sim, it, serial_act, .fn = wait_and_clean_up));
    tell_num(5);
    CHECK_OK(weft_stop_ref(NULL, it, WEFT_OK));
    CHECK(weft_sim_run(sim));
    CHECK_SEEN(1, 2, 999);
    CHECK_U64(sim_stats(0).dead_letters, 1);
}

static void the_end_of_the_system_ends_fibers_in_order(void)
{
    begin(NEXT, false);
    record *kept = seen;
    sim_do(it, wait_and_clean_up, NULL);
    CHECK_U64(kept->n, 0);
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK_SEEN(1, 2, 999);
}

static const test_case cases[] = {
    TEST(a_cancel_ends_each_kind_of_wait),
    TEST(the_limit_of_the_asker_ends_each_kind_of_wait),
    TEST(a_cancel_that_finds_no_wait_ends_the_next_one),
    TEST(a_cancel_reaches_deferreds_that_the_fiber_has_not_awaited_yet),
    TEST(what_a_clean_up_asks_after_a_cancel_cannot_hang),
    TEST(a_stop_ends_each_kind_of_wait_and_refuses_further_ones),
    TEST(a_fiber_that_stops_its_own_actor_cannot_wait_any_more),
    TEST(a_clean_up_may_still_answer_and_tell),
    TEST(a_fiber_that_does_not_take_a_stop_for_an_answer_is_abandoned),
    TEST(children_are_there_while_fibers_clean_up),
    TEST(a_serial_fiber_ends_with_its_actor_and_what_waited_fails),
    TEST(the_end_of_the_system_ends_fibers_in_order),
    {0},
};

const test_suite fiber_ends_suite = {
    .name = "runtime/fiber ends", .after = sim_done, .cases = cases};
