/* SPDX-License-Identifier: MIT */
/* Timers: once, again and again, cancelled and reset, exact in virtual time and never early in real time. */
#include "kit.h"

#include "core.h"
#include "driver_sim.h"
#include "reactor.h"
#include "sys.h"

/* A tick says which it is; what was seen of each is written down. */
typedef struct tick {
    uint64_t id;
} tick;
static const weft_type tick_type = WEFT_TYPE("test.tick", tick, NULL);
static const weft_type other_type = WEFT_TYPE("test.other", tick, NULL);

typedef struct seen {
    uint64_t id;
    uint32_t at_ms;
    uint64_t skipped;
} seen;
static seen log_of[300];
static unsigned logged;

typedef struct holder {
    weft_timer timer[8];
    weft_msg *kept;
    bool keep;
} holder;

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    holder *h = weft_state(self);
    CHECK(weft_ref_is_nobody(weft_sender(msg)));
    CHECK(!weft_is_request(msg));
    CHECK_OK(weft_reply(msg, num, .n = 1)); /* nobody to answer */
    if (logged < sizeof log_of / sizeof log_of[0])
        log_of[logged++] =
            (seen){((const tick *)weft_body(msg))->id, weft_now_ms(self), weft_skipped(msg)};
    if (h->keep && h->kept == NULL)
        h->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_handler handlers[] = {{.type = &tick_type, .fn = on_tick},
                                        {.type = &other_type, .fn = on_tick},
                                        {.type = &act_type, .fn = on_act},
                                        {0}};
static const weft_behaviour ticking = {
    .name = "ticking", .handlers = handlers, .state_bytes = sizeof(holder)};

static weft_ref it;

static void before(void)
{
    sim_one();
    logged = 0;
    it = weft_sim_spawn(sim, &ticking, NULL);
    weft_sim_advance(sim, 100);
}

static void do_it(act_fn *fn, void *with)
{
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = fn, .with = with));
}

typedef struct arm {
    unsigned slot;
    uint32_t delay, period;
    uint64_t id;
    weft_err err;
} arm;

static weft_err start(weft_actor *self, weft_msg *msg, void *with)
{
    holder *h = weft_state(self);
    const arm *a = with;
    (void)msg;
    h->timer[a->slot] =
        weft_timer_start(self, a->delay, a->period, &tick_type, &(tick){.id = a->id});
    CHECK(h->timer[a->slot].slot != 0);
    return WEFT_OK;
}
static weft_err cancel(weft_actor *self, weft_msg *msg, void *with)
{
    holder *h = weft_state(self);
    const arm *a = with;
    (void)msg;
    weft_timer_cancel(self, &h->timer[a->slot]);
    CHECK_U64(h->timer[a->slot].slot, 0);
    weft_timer_cancel(self, &h->timer[a->slot]); /* calm */
    return WEFT_OK;
}
static weft_err reset(weft_actor *self, weft_msg *msg, void *with)
{
    holder *h = weft_state(self);
    arm *a = with;
    (void)msg;
    a->err = weft_timer_reset(self, h->timer[a->slot], a->delay);
    return WEFT_OK;
}

static void check_log(const seen *want, unsigned n, uint32_t since)
{
    CHECK_U64(logged, n);
    for (unsigned i = 0; i < n && i < logged; i++) {
        CHECK_U64(log_of[i].id, want[i].id);
        CHECK_U64(log_of[i].at_ms - since, want[i].at_ms);
        CHECK_U64(log_of[i].skipped, want[i].skipped);
    }
}
#define CHECK_LOG(since, ...)                                               \
    do {                                                                    \
        const seen want[] = {__VA_ARGS__};                                  \
        check_log(want, (unsigned)(sizeof want / sizeof want[0]), (since)); \
    } while (0)

static uint32_t ticks_armed(void)
{
    return sim_stats(0).timers;
}

static uint32_t now_seen;
static weft_err see_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    now_seen = weft_now_ms(self);
    return WEFT_OK;
}
static uint32_t now_of_it(void)
{
    do_it(see_now, NULL);
    return now_seen;
}

/* ---- once */

static void one_comes_once_and_when_it_is_due(void)
{
    uint32_t since = now_of_it();
    do_it(start, &(arm){.delay = 250, .id = 1});
    CHECK_U64(ticks_armed(), 1);
    weft_sim_advance(sim, 249);
    CHECK_U64(logged, 0);
    weft_sim_advance(sim, 10000);
    CHECK_LOG(since, {1, 250, 0});
    CHECK_U64(ticks_armed(), 0);
}

static void they_come_in_the_order_of_their_times(void)
{
    uint32_t since = now_of_it();
    static const uint32_t delays[] = {70000, 3, 255, 256, 257, 1, 65536, 3};
    for (unsigned i = 0; i < 8; i++)
        do_it(start, &(arm){.slot = i, .delay = delays[i], .id = i});
    weft_sim_advance(sim, 100000);
    CHECK_LOG(since, {5, 1, 0}, {1, 3, 0}, {7, 3, 0}, {2, 255, 0}, {3, 256, 0}, {4, 257, 0},
              {6, 65536, 0}, {0, 70000, 0});
}

static void no_delay_is_the_next_millisecond(void)
{
    uint32_t since = now_of_it();
    do_it(start, &(arm){.delay = 0, .id = 1});
    CHECK_U64(logged, 0);
    weft_sim_advance(sim, 1);
    CHECK_LOG(since, {1, 1, 0});
}

static void the_longest_delay_is_24_days(void)
{
    do_it(start, &(arm){.delay = UINT32_MAX, .id = 1});
    weft_sim_advance(sim, WEFT_TIMER_MS_MAX - 1);
    CHECK_U64(logged, 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(logged, 1);
}

static weft_err use_macros(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK(weft_after(self, 5, tick, .id = 5).slot != 0);
    CHECK(weft_every(self, 10, tick, .id = 10).slot != 0);
    return WEFT_OK;
}

static void after_is_once_and_every_begins_with_its_period(void)
{
    uint32_t since = now_of_it();
    do_it(use_macros, NULL);
    weft_sim_advance(sim, 30);
    CHECK_LOG(since, {5, 5, 0}, {10, 10, 0}, {10, 20, 0}, {10, 30, 0});
}

/* ---- again and again */

static void a_repeating_one_comes_again_and_again(void)
{
    uint32_t since = now_of_it();
    do_it(start, &(arm){.delay = 5, .period = 20, .id = 1});
    weft_sim_advance(sim, 50);
    CHECK_LOG(since, {1, 5, 0}, {1, 25, 0}, {1, 45, 0});
    CHECK_U64(ticks_armed(), 1);
    do_it(cancel, &(arm){.slot = 0});
    weft_sim_advance(sim, 500);
    CHECK_U64(logged, 3);
    CHECK_U64(ticks_armed(), 0);
}

static weft_err keep_next(weft_actor *self, weft_msg *msg, void *with)
{
    holder *h = weft_state(self);
    (void)msg, (void)with;
    h->keep = true;
    return WEFT_OK;
}
static weft_err drop_kept(weft_actor *self, weft_msg *msg, void *with)
{
    holder *h = weft_state(self);
    (void)msg, (void)with;
    h->keep = false;
    weft_drop(&h->kept);
    return WEFT_OK;
}

static void ticks_that_find_the_last_one_unserved_are_left_out_and_counted(void)
{
    uint32_t since = now_of_it();
    do_it(keep_next, NULL);
    do_it(start, &(arm){.delay = 10, .period = 10, .id = 1});
    weft_sim_advance(sim, 45); /* the one at 10 is kept: those at 20, 30 and 40 are left out */
    do_it(drop_kept, NULL);
    weft_sim_advance(sim, 20);
    CHECK_LOG(since, {1, 10, 0}, {1, 50, 3}, {1, 60, 0});
}

static void a_late_reactor_leaves_out_what_it_missed(void)
{
    weft_system *sys = weft_sim_system(sim);
    uint32_t since = now_of_it();
    do_it(start, &(arm){.delay = 10, .period = 10, .id = 1});
    /* the clock jumps: the wheel runs through all of it before anybody has a turn */
    wf_driver_sim_advance(sys->driver, 35 * 1000000);
    CHECK(weft_sim_run(sim));
    CHECK_U64(logged, 1);
    CHECK_U64(log_of[0].skipped, 0);
    weft_sim_advance(sim, 5);
    CHECK_U64(logged, 2);
    CHECK_U64(log_of[1].at_ms - since, 40);
    CHECK_U64(log_of[1].skipped, 2);
}

/* ---- cancelling and resetting */

static void one_that_was_cancelled_does_not_come(void)
{
    do_it(start, &(arm){.delay = 10, .id = 1});
    do_it(cancel, &(arm){.slot = 0});
    CHECK_U64(ticks_armed(), 0);
    weft_sim_advance(sim, 100);
    CHECK_U64(logged, 0);
}

/* Both are due at the same time: the first to be served does something to the second, which is queued. */
typedef struct deed {
    act_fn *fn;
    void *with;
} deed;
static deed todo;
static weft_err on_deed(weft_actor *self, weft_msg *msg)
{
    return todo.fn(self, msg, todo.with);
}
static const weft_handler doing_handlers[] = {{.type = &other_type, .fn = on_deed},
                                              {.type = &tick_type, .fn = on_tick},
                                              {.type = &act_type, .fn = on_act},
                                              {0}};
static const weft_behaviour doing = {
    .name = "doing", .handlers = doing_handlers, .state_bytes = sizeof(holder)};

static weft_err start_two(weft_actor *self, weft_msg *msg, void *with)
{
    const arm *a = with;
    CHECK(weft_timer_start(self, a->delay, 0, &other_type, &(tick){.id = 99}).slot != 0);
    return start(self, msg, with);
}

static void one_that_is_queued_can_still_be_cancelled(void)
{
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){cancel, &(arm){.slot = 0}};
    do_it(start_two, &(arm){.delay = 10, .id = 1});
    weft_sim_advance(sim, 100);
    CHECK_U64(logged, 0);
    CHECK_U64(ticks_armed(), 0);
}

static void a_repeating_one_that_is_queued_can_still_be_cancelled(void)
{
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){cancel, &(arm){.slot = 0}};
    do_it(start_two, &(arm){.delay = 10, .period = 5, .id = 1});
    weft_sim_advance(sim, 100);
    CHECK_U64(logged, 0);
    CHECK_U64(ticks_armed(), 0);
}

static void a_reset_starts_the_delay_anew(void)
{
    uint32_t since = now_of_it();
    arm a = {.delay = 10, .id = 1};
    do_it(start, &a);
    weft_sim_advance(sim, 9);
    a.delay = 30;
    do_it(reset, &a);
    CHECK_OK(a.err);
    weft_sim_advance(sim, 100);
    CHECK_LOG(since, {1, 39, 0});
    do_it(reset, &a);
    CHECK_ERR(a.err, WEFT_EGONE);
}

static void a_reset_leaves_the_period_as_it_is(void)
{
    uint32_t since = now_of_it();
    arm a = {.delay = 10, .period = 10, .id = 1};
    do_it(start, &a);
    weft_sim_advance(sim, 9);
    a.delay = 3;
    do_it(reset, &a);
    weft_sim_advance(sim, 25);
    CHECK_LOG(since, {1, 12, 0}, {1, 22, 0}, {1, 32, 0});
}

/* An idle timer that is pushed on must not fire because it was queued behind what pushed it on. */
static void one_that_is_queued_can_still_be_reset(void)
{
    arm push = {.slot = 0, .delay = 40};
    uint32_t since = now_of_it();
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){reset, &push};
    do_it(start_two, &(arm){.delay = 10, .id = 1});
    weft_sim_advance(sim, 49);
    CHECK_U64(logged, 0);
    weft_sim_advance(sim, 100);
    CHECK_OK(push.err);
    CHECK_LOG(since, {1, 50, 0});
    CHECK_U64(ticks_armed(), 0);
}

static void a_repeating_one_that_is_queued_can_still_be_reset(void)
{
    arm push = {.slot = 0, .delay = 40};
    uint32_t since = now_of_it();
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){reset, &push};
    do_it(start_two, &(arm){.delay = 10, .period = 100, .id = 1});
    weft_sim_advance(sim, 160);
    CHECK_LOG(since, {1, 50, 0}, {1, 150, 0});
}

static weft_err reset_and_stall(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(reset(self, msg, with));
    /* the time passes before the message that was withdrawn comes to be looked at */
    wf_driver_sim_advance(weft_sim_system(sim)->driver, 50 * 1000000);
    wf_wheel_run(&WF_R->wheel, wf_tick(WF_R->sys));
    return WEFT_OK;
}

static void one_that_was_reset_and_is_due_again_comes(void)
{
    arm push = {.slot = 0, .delay = 40};
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){reset_and_stall, &push};
    do_it(start_two, &(arm){.delay = 10, .id = 1});
    weft_sim_advance(sim, 60); /* of which the stall takes 50 */
    CHECK_U64(logged, 1);
    weft_sim_advance(sim, 200);
    CHECK_U64(logged, 1);
    CHECK_U64(ticks_armed(), 0);
}

static weft_err on_self_reset(weft_actor *self, weft_msg *msg)
{
    holder *h = weft_state(self);
    (void)on_tick(self, msg);
    CHECK_ERR(weft_timer_reset(self, h->timer[0], 10), WEFT_EGONE); /* once is over by then */
    CHECK_OK(weft_timer_reset(self, h->timer[1], 5));
    if (logged > 5)
        weft_timer_cancel(self, &h->timer[1]);
    return WEFT_OK;
}
static const weft_handler self_handlers[] = {
    {.type = &tick_type, .fn = on_self_reset}, {.type = &act_type, .fn = on_act}, {0}};
static const weft_behaviour self_resetting = {
    .name = "self_resetting", .handlers = self_handlers, .state_bytes = sizeof(holder)};

static void a_tick_may_reset_and_cancel_its_own_timer(void)
{
    uint32_t since = now_of_it();
    it = weft_sim_spawn(sim, &self_resetting, NULL);
    do_it(start, &(arm){.slot = 1, .delay = 10, .period = 100, .id = 1});
    weft_sim_advance(sim, 1000);
    CHECK_LOG(since, {1, 10, 0}, {1, 15, 0}, {1, 20, 0}, {1, 25, 0}, {1, 30, 0}, {1, 35, 0});
}

/* ---- of whom */

static weft_err misuse(weft_actor *self, weft_msg *msg, void *with)
{
    weft_timer *t = with;
    (void)msg;
    CHECK_ERR(weft_timer_reset(self, *t, 1), WEFT_EGONE);
    weft_timer copy = *t;
    weft_timer_cancel(self, &copy);
    return WEFT_OK;
}
static weft_err show(weft_actor *self, weft_msg *msg, void *with)
{
    const holder *h = weft_state(self);
    (void)msg;
    *(weft_timer *)with = h->timer[0];
    return WEFT_OK;
}

static void a_timer_is_its_actors_alone(void)
{
    weft_timer t;
    do_it(start, &(arm){.delay = 10, .id = 1});
    do_it(show, &t);
    sim_do(sim_puppet(NULL), misuse, &t);
    weft_sim_advance(sim, 10);
    CHECK_U64(logged, 1);
    do_it(misuse, &(weft_timer){0, 0});
}

static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void the_timers_of_an_actor_go_with_it(void)
{
    do_it(start, &(arm){.slot = 0, .delay = 10, .id = 1});
    do_it(start, &(arm){.slot = 1, .delay = 10, .period = 1, .id = 2});
    do_it(stop_now, NULL);
    CHECK_U64(ticks_armed(), 0);
    CHECK_U64(weft_sim_system(sim)->reactor[0]->wheel.armed, 0);
    weft_sim_advance(sim, 100);
    CHECK_U64(logged, 0);
}

static void a_tick_that_is_queued_at_the_end_goes_with_it(void)
{
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){stop_now, NULL};
    do_it(start_two, &(arm){.delay = 10, .period = 10, .id = 1});
    weft_sim_advance(sim, 100);
    CHECK_U64(logged, 0);
    CHECK_U64(ticks_armed(), 0);
}

static weft_err keep_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    (void)weft_keep(msg);
    return weft_stop(self, WEFT_OK);
}

static void a_tick_that_is_kept_at_the_end_goes_with_it(void)
{
    it = weft_sim_spawn(sim, &doing, NULL);
    todo = (deed){keep_and_stop, NULL};
    do_it(start_two, &(arm){.delay = 10, .period = 10, .id = 1});
    weft_sim_advance(sim, 100);
    CHECK_U64(ticks_armed(), 0);
}

/* ---- clocks and chance */

typedef struct clocks {
    uint32_t now;
    uint64_t wall;
    unsigned char random[40];
} clocks;

static weft_err read_clocks(weft_actor *self, weft_msg *msg, void *with)
{
    clocks *c = with;
    (void)msg;
    c->now = weft_now_ms(self);
    c->wall = weft_wall_ns(self);
    weft_random(self, c->random, sizeof c->random);
    return WEFT_OK;
}

static void both_clocks_move_with_virtual_time(void)
{
    clocks one, two;
    do_it(read_clocks, &one);
    weft_sim_advance(sim, 1234);
    do_it(read_clocks, &two);
    CHECK_U64(two.now - one.now, 1234);
    CHECK_U64(two.wall - one.wall, 1234ULL * 1000000);
    CHECK(memcmp(one.random, two.random, sizeof one.random) != 0);
    sim_one();
    it = weft_sim_spawn(sim, &ticking, NULL);
    do_it(read_clocks, &two);
    CHECK_MEM(two.random, sizeof two.random, one.random, sizeof one.random); /* the same seed */
}

/* ---- on the real driver */

typedef struct early {
    uint64_t armed_ns[20];
    unsigned fired;
    unsigned before_its_time;
    uint32_t delay_ms[20];
    weft_timer reset;
} early;
static early e;

static uint64_t real_ns(const weft_actor *self)
{
    const weft_system *sys = weft_system_of(self);
    return sys->drv->now_ns(sys->driver);
}

static weft_err check_fired(weft_actor *self, weft_msg *msg, void *with)
{
    const uint64_t *armed = with;
    uint64_t passed = real_ns(self) - *armed;
    (void)msg;
    if (passed < e.delay_ms[armed - e.armed_ns] * 1000000ULL)
        e.before_its_time++;
    if (++e.fired == 20)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* The handler takes its time, so that the reactor's idea of now is an old one. */
static weft_err arm_late(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    for (int i = 0; i < 20; i++) {
        uint64_t until = real_ns(self) + 1300000;
        while (real_ns(self) < until) {
        }
        e.delay_ms[i] = (uint32_t)(i % 4);
        e.armed_ns[i] = real_ns(self);
        act body = {check_fired, &e.armed_ns[i]};
        if (i % 2 != 0) {
            CHECK(weft_timer_start(self, e.delay_ms[i], 0, &act_type, &body).slot != 0);
            continue;
        }
        weft_timer t = weft_timer_start(self, 10000, 0, &act_type, &body);
        CHECK_OK(weft_timer_reset(self, t, e.delay_ms[i]));
    }
    return WEFT_OK;
}

static void none_is_early_in_real_time(void)
{
    memset(&e, 0, sizeof e);
    weft_system *sys = weft_system_new(&(weft_system_options){
        .no_signals = true, .log_level = WEFT_NO_LOG, .log_level_set = true});
    REQUIRE(sys != NULL);
    weft_ref a = weft_system_spawn(sys, 0, &puppet, NULL);
    CHECK_OK(weft_system_tell(sys, a, &act_type, &(act){arm_late, NULL}));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(e.fired, 20);
    CHECK_U64(e.before_its_time, 0);
}

/* ---- alarms */

static unsigned alarms;
static void on_alarm(weft_alarm *alarm)
{
    (void)alarm;
    alarms++;
}

static void pass(weft_system *sys, uint64_t ms)
{
    wf_driver_sim_advance(sys->driver, ms * 1000000);
    wf_reactor_clock(WF_R);
}

/* As when a descriptor is ready: what it is ready for runs before the reactor has looked at the clock. */
static void an_alarm_that_is_set_after_a_long_sleep_is_not_due_at_once(void)
{
    weft_alarm alarm = {{0}};
    weft_system *sys = rig_new(1);
    alarms = 0;
    WF_R->wheel.exact = false; /* its clock goes on while it works, as the real one does */
    pass(sys, 1);
    wf_driver_sim_advance(sys->driver, UINT64_C(60000) * 1000000);
    weft_alarm_set(&alarm, 1000, on_alarm);
    pass(sys, 0);
    CHECK_U64(alarms, 0);
    pass(sys, 1000);
    CHECK_U64(alarms, 0);
    pass(sys, 1);
    CHECK_U64(alarms, 1);
    weft_alarm_set(&alarm, 1000, on_alarm);
    weft_alarm_clear(&alarm);
    pass(sys, 5000);
    CHECK_U64(alarms, 1);
    rig_free(&sys);
}

static const test_case cases[] = {
    TEST(one_comes_once_and_when_it_is_due),
    TEST(they_come_in_the_order_of_their_times),
    TEST(no_delay_is_the_next_millisecond),
    TEST(the_longest_delay_is_24_days),
    TEST(after_is_once_and_every_begins_with_its_period),
    TEST(a_repeating_one_comes_again_and_again),
    TEST(ticks_that_find_the_last_one_unserved_are_left_out_and_counted),
    TEST(a_late_reactor_leaves_out_what_it_missed),
    TEST(one_that_was_cancelled_does_not_come),
    TEST(one_that_is_queued_can_still_be_cancelled),
    TEST(a_repeating_one_that_is_queued_can_still_be_cancelled),
    TEST(a_reset_starts_the_delay_anew),
    TEST(a_reset_leaves_the_period_as_it_is),
    TEST(one_that_is_queued_can_still_be_reset),
    TEST(a_repeating_one_that_is_queued_can_still_be_reset),
    TEST(one_that_was_reset_and_is_due_again_comes),
    TEST(a_tick_may_reset_and_cancel_its_own_timer),
    TEST(a_timer_is_its_actors_alone),
    TEST(the_timers_of_an_actor_go_with_it),
    TEST(a_tick_that_is_queued_at_the_end_goes_with_it),
    TEST(a_tick_that_is_kept_at_the_end_goes_with_it),
    TEST(both_clocks_move_with_virtual_time),
    TEST(none_is_early_in_real_time),
    TEST(an_alarm_that_is_set_after_a_long_sleep_is_not_due_at_once),
    {0},
};

const test_suite timers_suite = {
    .name = "runtime/timers", .before = before, .after = sim_done, .cases = cases};
