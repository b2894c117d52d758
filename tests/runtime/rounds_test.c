/* SPDX-License-Identifier: MIT */
/* Rounds: when output is run, what of it together, and what it brings about. */
#include "kit.h"

#include <weft/edge.h>

#include "core.h"
#include "reactor.h"
#include "sys.h"

static weft_system *sys;
static record *order; /* what was told, in the order it was served in */

static void before(void)
{
    sys = rig_new(1);
    order = record_new();
}

static void after(void)
{
    rig_free(&sys);
}

static weft_err note(weft_actor *self, weft_msg *msg)
{
    (void)self;
    record_add(order, ((const num *)weft_body(msg))->n);
    return WEFT_OK;
}
static const weft_handler noting_handlers[] = {{.type = &num_type, .fn = note}, {0}};
static const weft_behaviour noting = {.name = "noting", .handlers = noting_handlers};

/* ---- output that waits for more */

static weft_hook outputs[64];
static unsigned outputs_run;

static void run_output(weft_hook *hook)
{
    (void)hook;
    outputs_run++;
}

/* @n that are to run, and a round behind a look that reported @events; how many ran. */
static unsigned outputs_of_round(unsigned n, uint32_t events)
{
    outputs_run = 0;
    for (unsigned i = 0; i < n; i++) {
        outputs[i].run = run_output;
        weft_hook_queue(&outputs[i]);
    }
    sys->reactor[0]->events = events;
    CHECK(rig_round(sys, 0) == (outputs_run < n));
    return outputs_run;
}

static void output_to_many_waits_until_nothing_more_has_come(void)
{
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), 0);
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), 0);
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 0), WF_FAN_MIN);
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), 0); /* and begins anew */
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 0), WF_FAN_MIN);
}

static void output_to_few_waits_for_nothing(void)
{
    CHECK_U64(outputs_of_round(WF_FAN_MIN - 1, 1), WF_FAN_MIN - 1);
    weft_hook_queue(&outputs[0]);
    CHECK_U64(outputs_of_round(WF_FAN_MIN, WF_FAN_MIN), WF_FAN_MIN);
    (void)outputs_of_round(WF_FAN_MIN, 1);
    weft_hook_cancel(&outputs[3]); /* one less is few */
    outputs_run = 0;
    CHECK(!rig_round(sys, 0));
    CHECK_U64(outputs_run, WF_FAN_MIN - 1);
}

static void output_waits_for_a_round_that_was_cut_off(void)
{
    weft_ref a = weft_system_spawn(sys, 0, &noting, NULL);
    rig_settle(sys);
    for (unsigned i = 0; i < 3 * WF_BUDGET; i++)
        CHECK_OK(weft_system_tell(sys, a, &num_type, &(num){1}));
    order->n = 0;
    for (unsigned i = 0; i < 2; i++) {
        outputs_run = 0;
        CHECK_U64(outputs_of_round(WF_FAN_MIN, 0), 0);
    }
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 0), WF_FAN_MIN);
    CHECK_U64(order->n, 3 * WF_BUDGET);
}

static void it_does_not_wait_for_ever(void)
{
    for (unsigned i = 0; i < WF_FAN_WAITS; i++)
        CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), 0);
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), WF_FAN_MIN);
    /* nor for long */
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), 0);
    sys->reactor[0]->wheel.now += WF_FAN_WAIT_TICKS;
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), 0);
    sys->reactor[0]->wheel.now += 1;
    CHECK_U64(outputs_of_round(WF_FAN_MIN, 1), WF_FAN_MIN);
}

/* ---- rounds: what output makes ready, and what it queues */

static weft_ref woken;

static void wake(weft_hook *hook)
{
    (void)hook;
    outputs_run++;
    CHECK_OK(weft_event(weft_here(woken), woken, &num_type, &(num){7}));
}

static void what_output_makes_ready_is_served_in_the_same_round(void)
{
    weft_hook hook = {.run = wake};
    woken = weft_system_spawn(sys, 0, &noting, NULL);
    rig_settle(sys);
    order->n = outputs_run = 0;
    weft_hook_queue(&hook);
    CHECK(!rig_round(sys, 0));
    CHECK_U64(outputs_run, 1);
    CHECK_U64(order->n, 1);
}

static void wake_again(weft_hook *hook)
{
    wake(hook);
    weft_hook_queue(hook);
}

static void a_hook_that_queues_itself_runs_once_a_round(void)
{
    weft_hook hook = {.run = wake_again};
    woken = weft_system_spawn(sys, 0, &noting, NULL);
    rig_settle(sys);
    order->n = outputs_run = 0;
    weft_hook_queue(&hook);
    for (unsigned i = 1; i <= 3; i++) {
        CHECK(rig_round(sys, 0)); /* it waits */
        CHECK_U64(outputs_run, i);
        CHECK_U64(order->n, i);
    }
    weft_hook_cancel(&hook);
    CHECK(!rig_round(sys, 0));
    CHECK_U64(outputs_run, 3);
}

static weft_hook soon = {.run = wake, .same_round = true};

static void queue_soon(weft_hook *hook)
{
    (void)hook;
    outputs_run++;
    weft_hook_queue(&soon);
}

static void a_hook_of_the_same_round_is_run_behind_the_one_that_queued_it(void)
{
    weft_hook hook = {.run = queue_soon};
    woken = weft_system_spawn(sys, 0, &noting, NULL);
    rig_settle(sys);
    order->n = outputs_run = 0;
    weft_hook_queue(&hook);
    CHECK(!rig_round(sys, 0));
    CHECK_U64(outputs_run, 2);
    CHECK_U64(order->n, 1);
}

static void wake_soon_again(weft_hook *hook)
{
    outputs_run++;
    weft_hook_queue(hook);
}

static void one_that_never_ends_stops_at_the_budget(void)
{
    weft_hook hook = {.run = wake_soon_again, .same_round = true};
    outputs_run = 0;
    weft_hook_queue(&hook);
    CHECK(rig_round(sys, 0));
    CHECK_U64(outputs_run, WF_BUDGET);
    weft_hook_cancel(&hook);
    CHECK(!rig_round(sys, 0));
}

static weft_hook second = {.run = run_output};

static void queue_the_second(weft_hook *hook)
{
    (void)hook;
    weft_hook_queue(&second);
    weft_hook_queue(&outputs[0]);
    weft_hook_cancel(&second);
}

static void what_a_hook_queues_may_be_cancelled_before_it_runs(void)
{
    weft_hook hook = {.run = queue_the_second};
    outputs[0].run = run_output;
    outputs_run = 0;
    weft_hook_queue(&hook);
    CHECK(rig_round(sys, 0));
    CHECK_U64(outputs_run, 0);
    CHECK(!second.queued && outputs[0].queued);
    CHECK(!rig_round(sys, 0));
    CHECK_U64(outputs_run, 1);
}

/* ---- hooks that are run together */

static unsigned together[8], togethers;

static void run_together(weft_hook **hooks, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        CHECK(!hooks[i]->queued);
    outputs_run += n;
    if (togethers < 8)
        together[togethers++] = n;
}

static void those_of_a_kind_are_run_together_as_far_as_they_stand_together(void)
{
    static weft_hook many[WEFT_HOOKS_MANY + 4];
    weft_hook other = {.run = run_output};
    outputs_run = togethers = 0;
    for (unsigned i = 0; i < WEFT_HOOKS_MANY + 4; i++) {
        many[i] = (weft_hook){.run = run_output, .run_many = run_together};
        weft_hook_queue(&many[i]);
        if (i == WEFT_HOOKS_MANY + 2)
            weft_hook_queue(&other);
    }
    sys->reactor[0]->events = WEFT_HOOKS_MANY;
    (void)rig_round(sys, 0);
    CHECK_U64(outputs_run, WEFT_HOOKS_MANY + 5);
    CHECK_U64(togethers, 2); /* 64, three, and the last by itself */
    CHECK_U64(together[0], WEFT_HOOKS_MANY);
    CHECK_U64(together[1], 3);
}

static const test_case cases[] = {
    TEST(output_to_many_waits_until_nothing_more_has_come),
    TEST(output_to_few_waits_for_nothing),
    TEST(output_waits_for_a_round_that_was_cut_off),
    TEST(it_does_not_wait_for_ever),
    TEST(what_output_makes_ready_is_served_in_the_same_round),
    TEST(a_hook_that_queues_itself_runs_once_a_round),
    TEST(a_hook_of_the_same_round_is_run_behind_the_one_that_queued_it),
    TEST(one_that_never_ends_stops_at_the_budget),
    TEST(what_a_hook_queues_may_be_cancelled_before_it_runs),
    TEST(those_of_a_kind_are_run_together_as_far_as_they_stand_together),
    {0},
};

const test_suite rounds_suite = {
    .name = "runtime/rounds", .before = before, .after = after, .cases = cases};
