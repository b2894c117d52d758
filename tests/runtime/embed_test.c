/* SPDX-License-Identifier: MIT */
/* A system within a loop that the program runs. The one test that knows libev. */
#include "kit.h"

#include <ev.h>
#include <pthread.h>

typedef struct hosting {
    struct ev_loop *loop;
    weft_system *sys;
    weft_ref here, there;
    unsigned own_timer, ticks, pings, told;
    weft_timer every;
    pthread_t thread;
} hosting;
static hosting h;

static void host(unsigned reactors)
{
    h = (hosting){.loop = ev_loop_new(EVFLAG_AUTO)};
    REQUIRE(h.loop != NULL);
    h.sys = weft_system_new(&(weft_system_options){.reactors = reactors,
                                                   .loop = h.loop,
                                                   .no_signals = true,
                                                   .log_level = WEFT_NO_LOG,
                                                   .log_level_set = true});
    REQUIRE(h.sys != NULL);
    h.here = weft_system_spawn(h.sys, 0, &puppet, NULL);
    h.there = weft_system_spawn(h.sys, reactors - 1, &puppet, NULL);
}

static void start(void)
{
    weft_why why = {""};
    CHECK_OK(weft_start(h.sys, &why));
    CHECK_STR(why.text, "");
}

static void begin(act_fn *fn)
{
    CHECK_OK(weft_system_tell(h.sys, h.here, &act_type, &(act){fn, NULL}));
}

static void finish(int want)
{
    CHECK_I64(weft_finish(&h.sys), want);
    CHECK(h.sys == NULL);
    ev_loop_destroy(h.loop);
}

static void on_own_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)w, (void)revents;
    h.own_timer++;
}

static weft_err on_tick(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    if (++h.ticks >= 3 && h.own_timer != 0) {
        weft_timer_cancel(self, &h.every);
        ev_break(h.loop, EVBREAK_ALL);
    }
    return WEFT_OK;
}
static weft_err start_ticking(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    h.every = weft_timer_start(self, 1, 1, &act_type, &(act){on_tick, NULL});
    return WEFT_OK;
}

static void timers_of_both_come(void)
{
    ev_timer own;
    host(1);
    ev_timer_init(&own, on_own_timer, 0.002, 0);
    ev_timer_start(h.loop, &own);
    start();
    begin(start_ticking);
    (void)ev_run(h.loop, 0);
    CHECK(h.ticks >= 3);
    CHECK_U64(h.own_timer, 1);
    finish(0);
}

enum { PINGS = 300 };
static weft_err ping(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    if (weft_ref_same(weft_self(self), h.here) && ++h.pings == PINGS) {
        ev_break(h.loop, EVBREAK_ALL);
        return WEFT_OK;
    }
    weft_ref to = weft_ref_same(weft_self(self), h.here) ? h.there : h.here;
    (void)msg;
    return weft_tell(self, to, act, .fn = ping);
}

static void messages_of_other_reactors_wake_the_loop(void)
{
    host(2);
    start();
    begin(ping);
    (void)ev_run(h.loop, 0);
    CHECK_U64(h.pings, PINGS);
    finish(0);
}

static weft_err told(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    if (++h.told == 50)
        ev_break(h.loop, EVBREAK_ALL);
    return WEFT_OK;
}
static void *tell_from_a_thread(void *arg)
{
    act body = {told, NULL};
    (void)arg;
    for (int i = 0; i < 50; i++)
        CHECK_OK(weft_system_tell(h.sys, h.here, &act_type, &body));
    return NULL;
}

static void messages_of_other_threads_wake_the_loop(void)
{
    host(1);
    start();
    REQUIRE(pthread_create(&h.thread, NULL, tell_from_a_thread, NULL) == 0);
    (void)ev_run(h.loop, 0);
    (void)pthread_join(h.thread, NULL);
    CHECK_U64(h.told, 50);
    finish(0);
}

static void on_prepare_own(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)w, (void)revents;
    ev_break(loop, EVBREAK_ALL);
}
static weft_err stop_ill(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_system_stop(self, WEFT_EIO);
    return WEFT_OK;
}

static void one_that_stops_by_itself_gives_its_reason_when_it_is_finished(void)
{
    ev_timer own;
    host(2);
    ev_timer_init(&own, on_prepare_own, 0.01, 0);
    ev_timer_start(h.loop, &own);
    start();
    begin(stop_ill);
    (void)ev_run(h.loop, 0); /* the program's loop goes on */
    finish(70);
}

static void one_that_never_turned_can_be_finished(void)
{
    host(3);
    start();
    finish(0);
}

static const test_case cases[] = {
    TEST(timers_of_both_come),
    TEST(messages_of_other_reactors_wake_the_loop),
    TEST(messages_of_other_threads_wake_the_loop),
    TEST(one_that_stops_by_itself_gives_its_reason_when_it_is_finished),
    TEST(one_that_never_turned_can_be_finished),
    {0},
};

const test_suite embed_suite = {.name = "runtime/embed", .cases = cases, .threads = true};
