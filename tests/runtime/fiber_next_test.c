/* SPDX-License-Identifier: MIT */
/* weft_next: a message goes to a fiber that waits for it, whatever its row is. */
#include "fiber_kit.h"

static weft_err next_num(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    weft_err err = weft_next(self, num, 100, &next);
    (void)msg;
    CHECK((next != NULL) == (err == WEFT_OK));
    uint64_t got = next != NULL ? ((const num *)weft_body(next))->n : 100U + err;
    record_add(seen, (uint64_t)(uintptr_t)with + got);
    return WEFT_OK;
}

static void a_next_message_goes_to_the_fiber_instead_of_its_row(void)
{
    tell_num(1);
    sim_do(it, next_num, (void *)1000);
    tell_num(2);
    tell_num(3);
    CHECK_SEEN(1, 1002, 3);
}

static void what_does_not_come_within_its_limit_is_an_error(void)
{
    sim_do(it, next_num, (void *)1000);
    weft_sim_advance(sim, 99);
    CHECK_U64(seen->n, 0);
    weft_sim_advance(sim, 1);
    tell_num(1);
    CHECK_SEEN(1100 + WEFT_ETIMEDOUT, 1);
    CHECK_U64(sim_stats(0).asks, 0);
}

static void who_has_waited_longest_is_given_the_first(void)
{
    sim_do(it, next_num, (void *)1000);
    weft_sim_advance(sim, 50);
    sim_do(it, next_num, (void *)2000);
    sim_do(it, next_num, (void *)3000);
    tell_num(1);
    tell_num(2);
    weft_sim_advance(sim, 100);
    CHECK_SEEN(1001, 2002, 3100 + WEFT_ETIMEDOUT);
}

static void one_of_several_whose_time_is_over_leaves_the_others_in_order(void)
{
    sim_do(it, next_num, (void *)1000);
    weft_sim_advance(sim, 50);
    sim_do(it, next_num, (void *)2000);
    weft_sim_advance(sim, 50);
    sim_do(it, next_num, (void *)3000);
    tell_num(1);
    tell_num(2);
    CHECK_SEEN(1100 + WEFT_ETIMEDOUT, 2001, 3002);
}

static weft_err next_letter(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    (void)msg, (void)with;
    CHECK_OK(weft_next(self, letter, 100, &next));
    record_add(seen, next != NULL ? ((const num *)weft_body(next))->n : 0);
    return WEFT_OK;
}

static void a_type_without_a_row_may_be_waited_for(void)
{
    sim_do(it, next_letter, NULL);
    tell_num(1);
    CHECK_OK(weft_sim_tell(sim, it, letter, .n = 2));
    CHECK_SEEN(1, 2);
    CHECK_U64(sim_stats(0).unhandled, 0);
}

static void a_serial_fiber_gets_what_already_waits_behind_it(void)
{
    CHECK_OK(weft_sim_tell(sim, it, serial_act, .fn = next_letter));
    CHECK_OK(weft_sim_tell(sim, it, num, .n = 1)); /* waits for the fiber to be over */
    CHECK_OK(weft_sim_tell(sim, it, letter, .n = 2));
    CHECK_SEEN(2, 1);
}

static weft_err sleep_then_next(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(weft_sleep(self, 10));
    CHECK_OK(next_letter(self, msg, with));
    CHECK_OK(next_letter(self, msg, with));
    return next_letter(self, msg, with);
}

static void a_serial_fiber_takes_what_waits_in_the_order_of_its_coming(void)
{
    CHECK_OK(weft_sim_tell(sim, it, serial_act, .fn = sleep_then_next));
    CHECK_OK(weft_sim_tell(sim, it, letter, .n = 2));
    tell_num(1);
    CHECK_OK(weft_sim_tell(sim, it, letter, .n = 3));
    weft_sim_advance(sim, 10);
    CHECK_SEEN(2, 3);
    CHECK_OK(weft_sim_tell(sim, it, letter, .n = 4));
    tell_num(5);
    CHECK_SEEN(2, 3, 4, 1, 5);
}

/* ---- requests */

static weft_err answer_next(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    (void)msg;
    CHECK_OK(weft_next(self, num, 1000, &next));
    if (with == NULL)
        CHECK_OK(weft_reply(next, num, .n = 2 * ((const num *)weft_body(next))->n));
    CHECK_OK(weft_sleep(self, 1)); /* lets go of it */
    record_add(seen, 1);
    return WEFT_OK;
}

static void a_request_given_to_a_fiber_is_answered_by_it(void)
{
    sim_do(it, answer_next, NULL);
    const weft_outcome *got = weft_sim_ask(sim, it, num, .n = 21);
    CHECK_OK(got->err);
    CHECK_U64(((const num *)got->body)->n, 42);
    weft_sim_advance(sim, 1);
    CHECK_SEEN(1);
}

static void a_request_given_to_a_fiber_that_goes_on_without_an_answer_fails(void)
{
    sim_do(it, answer_next, (void *)1);
    CHECK_ERR(weft_sim_ask(sim, it, num, .n = 21)->err, WEFT_ENOANSWER);
    CHECK_U64(seen->n, 0); /* let go of by the wait, not by the end */
    weft_sim_advance(sim, 1);
    CHECK_SEEN(1);
}

static weft_err keep_and_drop_next(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    (void)msg, (void)with;
    CHECK_OK(weft_next(self, num, 1000, &next));
    weft_msg *kept = weft_keep(next);
    uint64_t *scratch = weft_scratch(kept, sizeof *scratch);
    CHECK(scratch != NULL);
    weft_drop(&kept); /* still borrowed */
    record_add(seen, ((const num *)weft_body(next))->n);
    kept = weft_keep(next);
    CHECK_OK(weft_sleep(self, 10));
    record_add(seen, ((const num *)weft_body(kept))->n);
    CHECK_OK(weft_reply(kept, num, .n = 5));
    weft_drop(&kept);
    return WEFT_OK;
}

static void a_request_given_to_a_fiber_may_be_kept_beyond_its_wait(void)
{
    sim_do(it, keep_and_drop_next, NULL);
    const weft_outcome *got = weft_sim_ask(sim, it, num, .n = 4);
    CHECK_OK(got->err);
    CHECK_U64(got->err == WEFT_OK ? ((const num *)got->body)->n : 0, 5);
    CHECK_SEEN(4, 4);
}

static weft_err ask_it_shortly(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_ignore(self, weft_ask_within(self, it, 5, letter, .n = 1)));
    return WEFT_OK;
}

/* The actor is held up by a serial fiber; what was asked meanwhile is over when it looks. */
static weft_err look_too_late(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    (void)msg, (void)with;
    CHECK_OK(weft_sleep(self, 10));
    CHECK_ERR(weft_next(self, letter, 10, &next), WEFT_ETIMEDOUT);
    CHECK(next == NULL);
    record_add(seen, 1);
    return WEFT_OK;
}

static void a_request_whose_time_is_over_is_not_given(void)
{
    CHECK_OK(weft_sim_tell(sim, it, serial_act, .fn = look_too_late));
    sim_do(other, ask_it_shortly, NULL);
    weft_sim_advance(sim, 20);
    CHECK_SEEN(1);
}

/* ---- timers */

static weft_err next_tick(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    weft_timer every = weft_every(self, 10, num, .n = 9);
    (void)msg, (void)with;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(weft_next(self, num, 1000, &next));
        record_add(seen, weft_now_ms(self));
    }
    CHECK_OK(weft_sleep(self, 15)); /* the third goes to the row */
    weft_timer_cancel(self, &every);
    return WEFT_OK;
}

static void ticks_of_a_timer_may_be_waited_for(void)
{
    uint32_t now = weft_sim_now(sim);
    sim_do(it, next_tick, NULL);
    weft_sim_advance(sim, 100);
    CHECK_U64(seen->n, 3);
    CHECK_U64(seen->got[1] - seen->got[0], 10);
    CHECK(seen->got[0] >= now + 10);
    CHECK_U64(seen->got[2], 9);
    CHECK_U64(sim_stats(0).timers, 0);
}

/* ---- the message being served is the context */

static weft_err trace_of_next(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *next = NULL;
    (void)with;
    weft_set_trace(msg, 77);
    CHECK_OK(weft_next(self, num, WEFT_NO_LIMIT, &next));
    CHECK_U64(weft_trace(next), 0);
    CHECK_OK(weft_tell(self, weft_self(self), letter, .n = 1));
    CHECK_OK(weft_next(self, letter, WEFT_NO_LIMIT, &next));
    record_add(seen, weft_trace(next));
    return WEFT_OK;
}

static void what_a_fiber_sends_belongs_to_the_message_it_serves(void)
{
    sim_do(it, trace_of_next, NULL);
    tell_num(1);
    CHECK_SEEN(77);
}

static const test_case cases[] = {
    TEST(a_next_message_goes_to_the_fiber_instead_of_its_row),
    TEST(what_does_not_come_within_its_limit_is_an_error),
    TEST(who_has_waited_longest_is_given_the_first),
    TEST(one_of_several_whose_time_is_over_leaves_the_others_in_order),
    TEST(a_type_without_a_row_may_be_waited_for),
    TEST(a_serial_fiber_gets_what_already_waits_behind_it),
    TEST(a_serial_fiber_takes_what_waits_in_the_order_of_its_coming),
    TEST(a_request_given_to_a_fiber_is_answered_by_it),
    TEST(a_request_given_to_a_fiber_that_goes_on_without_an_answer_fails),
    TEST(a_request_given_to_a_fiber_may_be_kept_beyond_its_wait),
    TEST(a_request_whose_time_is_over_is_not_given),
    TEST(ticks_of_a_timer_may_be_waited_for),
    TEST(what_a_fiber_sends_belongs_to_the_message_it_serves),
    {0},
};

const test_suite fiber_next_suite = {
    .name = "runtime/fiber next", .before = fibers_before, .after = sim_done, .cases = cases};
