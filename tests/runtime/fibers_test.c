/* SPDX-License-Identifier: MIT */
/* Fibers: what the three waits give, what happens meanwhile, and whose a Deferred is. */
#include "fiber_kit.h"

#include <weft/edge.h>

/* ---- weft_await */

static weft_err await_and_note(weft_actor *self, weft_msg *msg, void *with)
{
    act_fn *fn = *(act_fn *const *)with;
    const weft_outcome *got = weft_await(self, ask_other(self, fn));
    (void)msg;
    record_add(seen, got->err == WEFT_OK ? ((const num *)got->body)->n : 100U + got->err);
    return WEFT_OK;
}

static act_fn *const answering = answer_7, *const keeping = keep_it;

static void an_await_gives_the_reply_where_it_was_asked(void)
{
    sim_do(it, await_and_note, (void *)(uintptr_t)&answering);
    CHECK_SEEN(7);
    CHECK_U64(sim_stats(0).fibers, 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err note_failure(weft_actor *self, weft_msg *msg, void *with)
{
    const weft_outcome *got = weft_await(self, ask_other(self, fail_it));
    (void)msg, (void)with;
    CHECK_ERR(got->err, WEFT_EPROTO);
    CHECK_STR(got->why, "no");
    CHECK(got->body == NULL && got->type == NULL);
    CHECK(weft_ref_same(got->from, other));
    record_add(seen, 1);
    return WEFT_OK;
}

static void an_await_gives_the_failure_and_its_sentence(void)
{
    sim_do(it, note_failure, NULL);
    CHECK_SEEN(1);
}

static weft_err sum_of_three(weft_actor *self, weft_msg *msg, void *with)
{
    uint64_t *scratch = weft_scratch(msg, sizeof *scratch);
    const act *body = weft_body(msg);
    CHECK(scratch != NULL && body->with == with);
    for (int i = 0; i < 3 && scratch != NULL; i++) {
        const weft_outcome *got = weft_await(self, ask_other(self, answer_7));
        CHECK_OK(got->err);
        *scratch += got->err == WEFT_OK ? ((const num *)got->body)->n : 0;
    }
    CHECK(body == weft_body(msg) && body->with == with);
    return weft_reply(msg, num, .n = scratch != NULL ? *scratch : 0);
}

static void a_request_is_answered_after_three_waits(void)
{
    int with;
    const weft_outcome *got = sim_ask(it, sum_of_three, &with);
    CHECK_OK(got->err);
    CHECK_U64(((const num *)got->body)->n, 21);
}

static weft_err wait_and_return(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    CHECK_OK(weft_await(self, ask_other(self, answer_7))->err);
    return *(const weft_err *)with;
}

static void the_error_of_a_fiber_fails_its_request(void)
{
    weft_err err = WEFT_EDENIED;
    CHECK_ERR(sim_ask(it, wait_and_return, &err)->err, WEFT_EDENIED);
    err = WEFT_OK;
    CHECK_ERR(sim_ask(it, wait_and_return, &err)->err, WEFT_ENOANSWER);
}

static void other_messages_are_served_while_a_fiber_waits(void)
{
    sim_do(it, await_and_note, (void *)(uintptr_t)&keeping);
    CHECK_U64(sim_stats(0).fibers, 1);
    tell_num(1);
    tell_num(2);
    sim_do(other, answer_kept, NULL);
    tell_num(3);
    CHECK_SEEN(1, 2, 8, 3);
}

static void other_messages_wait_in_order_for_a_serial_fiber(void)
{
    CHECK_OK(weft_sim_tell(sim, it, serial_act, .fn = await_and_note,
                           .with = (void *)(uintptr_t)&keeping));
    tell_num(1);
    tell_num(2);
    CHECK_U64(seen->n, 0);
    sim_do(other, answer_kept, NULL);
    tell_num(3);
    CHECK_SEEN(8, 1, 2, 3);
}

static weft_err sleep_and_note(weft_actor *self, weft_msg *msg, void *with)
{
    uint32_t ms = (uint32_t)(uintptr_t)with;
    (void)msg;
    CHECK_OK(weft_sleep(self, ms));
    record_add(seen, ms);
    return WEFT_OK;
}

static void fibers_of_one_actor_go_on_each_in_its_own_time(void)
{
    for (uintptr_t i = 3; i != 0; i--)
        sim_do(it, sleep_and_note, (void *)(100 * i));
    CHECK_U64(sim_stats(0).fibers, 3);
    weft_sim_advance(sim, 99);
    CHECK_U64(seen->n, 0);
    weft_sim_advance(sim, 1);
    CHECK_SEEN(100);
    weft_sim_advance(sim, 200);
    CHECK_SEEN(100, 200, 300);
}

static void serial_fibers_follow_each_other(void)
{
    for (uintptr_t i = 3; i != 0; i--)
        CHECK_OK(
            weft_sim_tell(sim, it, serial_act, .fn = sleep_and_note, .with = (void *)(100 * i)));
    CHECK_U64(sim_stats(0).fibers, 1);
    weft_sim_advance(sim, 600);
    CHECK_SEEN(300, 200, 100);
}

static weft_err let_others(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_tell(self, weft_self(self), num, .n = 1));
    CHECK_OK(weft_sleep(self, 0));
    record_add(seen, 2);
    return WEFT_OK;
}

static void a_sleep_of_nothing_lets_others_run(void)
{
    uint32_t now = weft_sim_now(sim);
    sim_do(it, let_others, NULL);
    CHECK_SEEN(1, 2);
    CHECK_U64(weft_sim_now(sim), now);
}

/* ---- Deferreds that are made before a wait and consumed after it */

static uint64_t await_num(weft_actor *self, weft_deferred d)
{
    const weft_outcome *got = weft_await(self, d);
    return got->err == WEFT_OK ? ((const num *)got->body)->n : 100U + got->err;
}

static weft_err two_at_once(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred slow = ask_other(self, keep_it), fast = ask_other(self, answer_7);
    (void)msg;
    /* the reply to one comes while the other is waited for */
    bool slow_first = with != NULL;
    record_add(seen, await_num(self, slow_first ? slow : fast));
    record_add(seen, await_num(self, slow_first ? fast : slow));
    return WEFT_OK;
}

static void a_reply_that_comes_before_its_await_is_kept(void)
{
    sim_do(it, two_at_once, (void *)1);
    CHECK_U64(seen->n, 0);
    sim_do(other, answer_kept, NULL);
    CHECK_SEEN(8, 7);
}

static void a_reply_that_comes_after_another_wait_is_awaited(void)
{
    sim_do(it, two_at_once, NULL);
    CHECK_SEEN(7);
    sim_do(other, answer_kept, NULL);
    CHECK_SEEN(7, 8);
}

static weft_err note_late(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_OK(got->err);
    record_add(seen, 50 + ((const num *)got->body)->n);
    return WEFT_OK;
}

static weft_err fired_then_used_otherwise(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred continued = ask_other(self, answer_7), ignored = ask_other(self, fail_it),
                  cancelled = ask_other(self, answer_7), left = ask_other(self, fail_it);
    (void)with, (void)left;
    CHECK_OK(weft_sleep(self, 1));
    CHECK_ERR(weft_cancel(self, cancelled), WEFT_EUSED); /* it has fired */
    CHECK_OK(weft_when(msg, continued, note_late));
    CHECK_OK(weft_ignore(self, ignored));
    CHECK_ERR(weft_ignore(self, ignored), WEFT_EUSED);
    record_add(seen, await_num(self, cancelled));
    return WEFT_OK; /* what is left is detached */
}

static void what_has_fired_may_be_continued_or_ignored_too(void)
{
    sim_do(it, fired_then_used_otherwise, NULL);
    weft_sim_advance(sim, 1);
    CHECK_SEEN(57, 7);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read a failed answer: no"), 1);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err leave_unanswered(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred d = ask_other(self, keep_it);
    (void)msg, (void)with, (void)d;
    return weft_sleep(self, 1);
}

static void what_a_fiber_never_consumed_is_detached_at_its_end(void)
{
    sim_do(it, leave_unanswered, NULL);
    weft_sim_advance(sim, 1);
    CHECK_U64(sim_stats(0).fibers, 0);
    CHECK_U64(sim_stats(0).asks, 1);
    weft_sim_advance(sim, 30000); /* the system's limit */
    CHECK_U64(sim_stats(0).asks, 0);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read a failed answer"), 1);
}

/* Two fibers that wait with a Deferred each: the end of one must not take the other's. */
static weft_err hold_one_for(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred d = ask_other(self, answer_7);
    (void)msg;
    CHECK_OK(weft_sleep(self, (uint32_t)(uintptr_t)with));
    if ((uintptr_t)with == 10)
        return WEFT_OK; /* leaves it */
    record_add(seen, await_num(self, d));
    return WEFT_OK;
}

static void each_fiber_keeps_its_own_deferreds(void)
{
    sim_do(it, hold_one_for, (void *)10);
    sim_do(it, hold_one_for, (void *)20);
    sim_do(it, hold_one_for, (void *)5);
    weft_sim_advance(sim, 20);
    CHECK_SEEN(7, 7);
}

static weft_err reply_then_wait(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred d = ask_other(self, keep_it); /* guarded by who asked this fiber */
    (void)with;
    CHECK_OK(weft_reply(msg, num, .n = 1));
    CHECK_OK(weft_sleep(self, 1));
    record_add(seen, await_num(self, d)); /* nobody guards it any more */
    return WEFT_OK;
}

static void what_is_asked_before_the_answer_has_a_limit_after_it(void)
{
    CHECK_OK(sim_ask(it, reply_then_wait, NULL)->err);
    weft_sim_advance(sim, 60000);
    CHECK_SEEN(100 + WEFT_ETIMEDOUT);
}

/* ---- uses that are errors */

static weft_err await_twice(weft_actor *self, weft_msg *msg, void *with)
{
    waiter_state *s = weft_state(self);
    weft_deferred d = ask_other(self, keep_it);
    (void)with;
    CHECK_OK(weft_ignore(self, d));
    const weft_outcome *got = weft_await(self, d);
    CHECK_ERR(got->err, WEFT_EUSED);
    CHECK_STR(got->why, "the Deferred was consumed before");
    s->deferred = ask_other(self, answer_7);
    CHECK_OK(weft_await(self, s->deferred)->err);
    CHECK_ERR(weft_await(self, s->deferred)->err, WEFT_EGONE); /* over */
    CHECK_ERR(weft_await(self, (weft_deferred){0, 0})->err, WEFT_ELIMIT);
    return weft_reply(msg, num, .n = 1);
}

static void a_deferred_is_awaited_once(void)
{
    CHECK_OK(sim_ask(it, await_twice, NULL)->err);
}

static weft_err wait_outside(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred d = ask_other(self, answer_7);
    const weft_outcome *got = weft_await(self, d);
    weft_msg *next = msg;
    (void)with;
    CHECK_ERR(got->err, WEFT_EINVAL);
    CHECK_STR(got->why, "only a handler whose row has .fiber may wait, and what it calls itself");
    CHECK_ERR(weft_sleep(self, 1), WEFT_EINVAL);
    CHECK_ERR(weft_next(self, letter, 1, &next), WEFT_EINVAL);
    CHECK(next == msg);
    return weft_when(msg, d, note_late); /* still there to be used */
}

static void a_wait_outside_of_a_fiber_is_an_error_and_changes_nothing(void)
{
    CHECK_OK(weft_sim_tell(sim, it, plain_act, .fn = wait_outside));
    CHECK_SEEN(57);
}

static weft_err continue_outside(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg, (void)got;
    CHECK_ERR(weft_sleep(self, 1), WEFT_EINVAL);
    record_add(seen, 2);
    return WEFT_OK;
}

static weft_err continue_and_wait(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    CHECK_OK(weft_when(msg, ask_other(self, answer_7), continue_outside));
    CHECK_OK(weft_sleep(self, 5));
    record_add(seen, 3);
    return WEFT_OK;
}

static void a_continuation_of_a_fibers_message_runs_outside_of_it(void)
{
    sim_do(it, continue_and_wait, NULL);
    weft_sim_advance(sim, 5);
    CHECK_SEEN(2, 3);
}

static void in_place(weft_actor *self, void *context)
{
    (void)context;
    CHECK_ERR(weft_sleep(self, 1), WEFT_EINVAL);
    record_add(seen, 1);
}

static weft_err go_within(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_enter(self, in_place, NULL);
    CHECK_OK(weft_sleep(self, 1));
    record_add(seen, 2);
    return WEFT_OK;
}

static void what_runs_within_a_fiber_as_another_handler_may_not_wait(void)
{
    sim_do(it, go_within, NULL);
    weft_sim_advance(sim, 1);
    CHECK_SEEN(1, 2);
}

static weft_err wait_on_the_pool(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    const weft_outcome *got = weft_await(self, ask_other(self, answer_7));
    (void)with;
    CHECK_ERR(got->err, WEFT_EUNSUPPORTED);
    CHECK_STR(got->why, "an actor of the blocking pool cannot wait in a fiber");
    CHECK_ERR(weft_sleep(self, 1), WEFT_EUNSUPPORTED);
    CHECK_ERR(weft_next(self, letter, 1, &next), WEFT_EUNSUPPORTED);
    return weft_reply(msg, num, .n = 1);
}

static void a_wait_on_the_blocking_pool_is_refused(void)
{
    sim_one(); /* before start */
    seen = NULL;
    weft_ref blocking = weft_system_spawn_blocking(weft_sim_system(sim), &waiter, NULL);
    other = sim_puppet(NULL);
    CHECK_OK(sim_ask(blocking, wait_on_the_pool, NULL)->err);
}

/* ---- rows of the runtime's own messages, and other rows */

static weft_err start_slowly(weft_actor *self, weft_msg *msg)
{
    const weft_started *started = weft_body(msg);
    CHECK_OK(weft_sleep(self, 10));
    record_add(seen, (uint64_t)(uintptr_t)started->config);
    return WEFT_OK;
}

static weft_err stop_slowly(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_sleep(self, 10));
    record_add(seen, 2);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler slow_handlers[] = {
    {.type = &weft_started_type, .fn = start_slowly, .fiber = true},
    {.type = &weft_stopping_type, .fn = stop_slowly, .fiber = true},
    {0},
};
static const weft_behaviour slow = {.name = "slow", .handlers = slow_handlers};

static weft_err stop_ref(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, *(const weft_ref *)with, WEFT_OK);
}

static void starting_and_stopping_may_be_fibers(void)
{
    weft_ref s = weft_sim_spawn(sim, &slow, (const void *)1);
    weft_sim_advance(sim, 10);
    CHECK_SEEN(1);
    sim_do(other, stop_ref, &s);
    CHECK_U64(sim_stats(0).fibers, 1);
    weft_sim_advance(sim, 10);
    CHECK_SEEN(1, 2);
    weft_actor_stats stats;
    CHECK(!weft_stats_actor(weft_sim_system(sim), s, &stats));
}

static const weft_behaviour bare = {.name = "bare"};

static weft_err become_and_wait(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_become(self, &bare));
    CHECK_OK(weft_await(self, ask_other(self, answer_7))->err);
    record_add(seen, 1);
    return weft_become(self, &waiter);
}

static void a_fiber_goes_on_under_another_behaviour(void)
{
    sim_do(it, become_and_wait, NULL);
    tell_num(2);
    CHECK_SEEN(1, 2);
}

static const test_case cases[] = {
    TEST(an_await_gives_the_reply_where_it_was_asked),
    TEST(an_await_gives_the_failure_and_its_sentence),
    TEST(a_request_is_answered_after_three_waits),
    TEST(the_error_of_a_fiber_fails_its_request),
    TEST(other_messages_are_served_while_a_fiber_waits),
    TEST(other_messages_wait_in_order_for_a_serial_fiber),
    TEST(fibers_of_one_actor_go_on_each_in_its_own_time),
    TEST(serial_fibers_follow_each_other),
    TEST(a_sleep_of_nothing_lets_others_run),
    TEST(a_reply_that_comes_before_its_await_is_kept),
    TEST(a_reply_that_comes_after_another_wait_is_awaited),
    TEST(what_has_fired_may_be_continued_or_ignored_too),
    TEST(what_a_fiber_never_consumed_is_detached_at_its_end),
    TEST(each_fiber_keeps_its_own_deferreds),
    TEST(what_is_asked_before_the_answer_has_a_limit_after_it),
    TEST(a_deferred_is_awaited_once),
    TEST(a_wait_outside_of_a_fiber_is_an_error_and_changes_nothing),
    TEST(a_continuation_of_a_fibers_message_runs_outside_of_it),
    TEST(what_runs_within_a_fiber_as_another_handler_may_not_wait),
    TEST(a_wait_on_the_blocking_pool_is_refused),
    TEST(starting_and_stopping_may_be_fibers),
    TEST(a_fiber_goes_on_under_another_behaviour),
    {0},
};

const test_suite fibers_suite = {
    .name = "runtime/fibers", .before = fibers_before, .after = sim_done, .cases = cases};
