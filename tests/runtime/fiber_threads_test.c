/* SPDX-License-Identifier: MIT */
/* Fibers on reactors that are threads: they ask each other, and end with the system. */
#include "fiber_kit.h"

#include <stdlib.h>

enum { REACTORS = 2, PLAYERS = 8, ROUNDS = 300 };

static weft_ref who[PLAYERS];
static _Atomic uint64_t asked, wrong, over;

/* Answers after a moment, in a fiber of its own. */
static weft_err answer_slowly(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    if (weft_sleep(self, 0) != WEFT_OK)
        return WEFT_ESTOPPING;
    return weft_reply(msg, num, .n = 1);
}

static weft_err play(weft_actor *self, weft_msg *msg, void *with)
{
    uintptr_t me = (uintptr_t)with;
    (void)msg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        weft_deferred a = weft_ask(self, who[(me + i) % PLAYERS], act, .fn = answer_slowly);
        weft_deferred b = weft_ask(self, who[(me + 3 * i) % PLAYERS], act, .fn = answer_slowly);
        const weft_outcome *got = weft_await(self, b);
        wrong += got->err != WEFT_OK || ((const num *)got->body)->n != 1;
        got = weft_await(self, a);
        wrong += got->err != WEFT_OK || ((const num *)got->body)->n != 1;
        asked += 2;
    }
    if (++over == PLAYERS)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_system *players(void)
{
    seen = NULL;
    asked = wrong = over = 0;
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = REACTORS, .no_signals = true, .log_level = WEFT_NO_LOG, .log_level_set = true});
    REQUIRE(sys != NULL);
    for (unsigned i = 0; i < PLAYERS; i++)
        who[i] = weft_system_spawn(sys, i % REACTORS, &waiter, NULL);
    return sys;
}

static void start(weft_system *sys, act_fn *fn)
{
    for (uintptr_t i = 0; i < PLAYERS; i++)
        CHECK_OK(weft_system_tell(sys, who[i], &act_type, &(act){fn, (void *)i}));
}

static void fibers_on_two_threads_ask_each_other(void)
{
    weft_system *sys = players();
    start(sys, play);
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(asked, 2 * PLAYERS * ROUNDS);
    CHECK_U64(wrong, 0);
}

static weft_err wait_for_the_end(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    if ((uintptr_t)with == 0)
        weft_system_stop(self, WEFT_OK);
    wrong += weft_sleep(self, 1000000) != WEFT_ESTOPPING;
    over++;
    return WEFT_OK;
}

static void fibers_that_wait_end_with_the_system_on_their_own_threads(void)
{
    weft_system *sys = players();
    start(sys, wait_for_the_end);
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(over, PLAYERS);
    CHECK_U64(wrong, 0);
}

static void fibers_that_never_ran_on_end_with_a_system_that_is_freed(void)
{
    weft_system *sys = players();
    start(sys, wait_for_the_end);
    weft_system_free(&sys);
    CHECK(sys == NULL);
    CHECK_U64(wrong, 0);
}

static const test_case cases[] = {
    TEST(fibers_on_two_threads_ask_each_other),
    TEST(fibers_that_wait_end_with_the_system_on_their_own_threads),
    TEST(fibers_that_never_ran_on_end_with_a_system_that_is_freed),
    {0},
};

const test_suite fiber_threads_suite = {
    .name = "runtime/fiber threads", .cases = cases, .threads = true};
