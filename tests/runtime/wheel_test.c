/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>

#include "random.h"
#include "runtime/wf_wheel.h"

/* ---- a wheel beside a model of it: a plain list that is searched from end to end */

enum { TIMERS = 150 };

typedef struct probe {
    wf_timer timer; /* first: a timer is its probe */
    bool armed;
    uint64_t when;  /* in a time that does not wrap */
    uint64_t order; /* of arming */
} probe;

static wf_wheel wheel;
static probe probes[TIMERS];
static test_random numbers;
static uint64_t model_now, order, fired;
static bool agreed;

static uint32_t below(uint32_t n)
{
    return (uint32_t)test_below(&numbers, n);
}

static void begin(uint64_t seed, uint32_t now)
{
    memset(&wheel, 0, sizeof wheel);
    memset(probes, 0, sizeof probes);
    wheel.now = now;
    model_now = now;
    numbers.state = seed;
    order = fired = 0;
    agreed = true;
}

static probe *model_first(void)
{
    probe *first = NULL;
    for (probe *p = probes; p < probes + TIMERS; p++)
        if (p->armed && (first == NULL || p->when < first->when ||
                         (p->when == first->when && p->order < first->order)))
            first = p;
    return first;
}

/* Delays of every level, and often the edges between them. */
static uint32_t delay(void)
{
    static const uint32_t edges[] = {
        0,     1,     255,    256,    257,     511,           512,           65535,
        65536, 65537, 131071, 131072, 1 << 24, (1 << 24) - 1, (1 << 24) + 1, INT32_MAX};
    switch (below(8)) {
    case 0:
        return edges[below(sizeof edges / sizeof edges[0])];
    case 1:
        return below(1U << 31);
    case 2:
        return below(1U << 25);
    case 3:
        return below(1U << 17);
    case 4:
    case 5:
        return below(600);
    default:
        return below(5);
    }
}

static void on_fire(wf_timer *timer);

static void arm(probe *p, uint32_t ms)
{
    wf_timer_arm(&wheel, &p->timer, ms, on_fire);
    p->armed = true;
    p->when = model_now + (ms == 0 ? 1 : ms);
    p->order = order++;
}

static void cancel(probe *p)
{
    wf_timer_cancel(&wheel, &p->timer);
    p->armed = false;
}

static void some_changes(uint32_t most)
{
    for (uint32_t n = below(most + 1); n > 0; n--) {
        probe *p = &probes[below(TIMERS)];
        if (p->armed)
            cancel(p);
        if (below(3) != 0)
            arm(p, delay());
    }
}

static void on_fire(wf_timer *timer)
{
    probe *p = (probe *)timer, *want = model_first();
    fired++;
    agreed = agreed && p == want && p->armed && !wf_timer_armed(timer) &&
             wheel.now == (uint32_t)p->when && p->when >= model_now;
    model_now = p->when;
    p->armed = false;
    /* Often the next one: it may stand in the same slot. */
    probe *next = model_first();
    if (next != NULL && below(4) == 0)
        cancel(next);
    some_changes(2);
}

static void run(uint64_t to)
{
    wf_wheel_run(&wheel, (uint32_t)to);
    probe *first = model_first();
    agreed = agreed && wheel.now == (uint32_t)to && (first == NULL || first->when > to);
    model_now = to;
}

static void check_next(void)
{
    const probe *first = model_first();
    uint32_t next = wf_wheel_next(&wheel), armed = 0;
    for (const probe *p = probes; p < probes + TIMERS; p++)
        armed += p->armed;
    agreed = agreed && wheel.armed == armed;
    if (first == NULL) {
        agreed = agreed && next == WF_WHEEL_NEVER;
        return;
    }
    uint64_t due = first->when - model_now;
    agreed = agreed && next > 0 && next <= due;
    /* Exact in the lowest level, unless an upper slot that may hold an earlier one begins first. */
    if (due < 256 && next != due)
        agreed = agreed && ((model_now + next) & 255) == 0;
    if (armed <= 8)
        agreed = agreed && next == (due < 1U << 30 ? due : 1U << 30);
}

/* How far the clock goes: often to the next thing to do, or a bit before or beyond it. */
static uint64_t advance(void)
{
    uint32_t next = wf_wheel_next(&wheel);
    if (next == WF_WHEEL_NEVER)
        next = below(1000) + 1;
    switch (below(8)) {
    case 0:
        return below(1U << 27);
    case 1:
        return below(70000);
    case 2:
        return next + below(300);
    case 3:
        return next - 1;
    case 4:
        return below(300);
    default:
        return next;
    }
}

static void wheel_and_model_agree(uint32_t start)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        begin(seed * 77 + start, start);
        /* Busy ones and ones that hold little. */
        uint32_t most = seed % 2 == 0 ? 12 : 1;
        for (int step = 0; step < 700 && agreed; step++) {
            some_changes(most);
            check_next();
            run(model_now + advance());
        }
        CHECK(agreed);
        CHECK(fired > 300);
    }
}

static void what_fires_is_what_a_sorted_list_says(void)
{
    wheel_and_model_agree(0);
    wheel_and_model_agree(123456789);
}

static void ticks_wrap_around(void)
{
    wheel_and_model_agree(UINT32_MAX);
    wheel_and_model_agree(UINT32_MAX - 70000);
    wheel_and_model_agree(INT32_MAX);
}

/* ---- one thing at a time */

static wf_timer a, b, c;
static char log_text[16];

static void note(wf_timer *timer)
{
    size_t n = strlen(log_text);
    if (n + 1 == sizeof log_text)
        return;
    log_text[n] = timer == &a ? 'a' : timer == &b ? 'b' : 'c';
    log_text[n + 1] = '\0';
}

static void before(void)
{
    memset(&wheel, 0, sizeof wheel);
    a = b = c = (wf_timer){0};
    log_text[0] = '\0';
}

static void within_a_tick_timers_fire_in_the_order_they_were_armed(void)
{
    /* For tick 70,000: one from level 2, one from level 1, one from level 0. */
    wf_timer_arm(&wheel, &a, 70000, note);
    wf_wheel_run(&wheel, 60000);
    wf_timer_arm(&wheel, &b, 10000, note);
    wf_wheel_run(&wheel, 69900);
    wf_timer_arm(&wheel, &c, 100, note);
    wf_wheel_run(&wheel, 69999);
    CHECK_STR(log_text, "");
    wf_wheel_run(&wheel, 70000);
    CHECK_STR(log_text, "abc");
    CHECK_U64(wheel.armed, 0);
}

static void all_levels_may_fall_in_the_tick_they_fire_in(void)
{
    wheel.now = 0xffffff - 300;
    wf_timer_arm(&wheel, &a, 301, note);
    wf_wheel_run(&wheel, 0xffffff - 100);
    wf_timer_arm(&wheel, &b, 101, note);
    wf_wheel_run(&wheel, 0x1000000);
    CHECK_STR(log_text, "ab");
}

static wf_timer *victim;

static void cancel_victim(wf_timer *timer)
{
    note(timer);
    wf_timer_cancel(&wheel, victim);
    wf_timer_cancel(&wheel, timer);
}

static void a_timer_may_cancel_the_next_or_the_last_of_its_tick(void)
{
    victim = &b;
    wf_timer_arm(&wheel, &a, 5, cancel_victim);
    wf_timer_arm(&wheel, &b, 5, note);
    wf_timer_arm(&wheel, &c, 5, note);
    wf_wheel_run(&wheel, 10);
    CHECK_STR(log_text, "ac");
    log_text[0] = '\0';
    victim = &c;
    wf_timer_arm(&wheel, &a, 5, cancel_victim);
    wf_timer_arm(&wheel, &b, 5, note);
    wf_timer_arm(&wheel, &c, 5, note);
    wf_wheel_run(&wheel, 20);
    CHECK_STR(log_text, "ab");
    CHECK_U64(wheel.armed, 0);
}

static void again(wf_timer *timer)
{
    note(timer);
    wf_timer_arm(&wheel, timer, 0, again);
}

static void a_timer_that_arms_itself_fires_once_a_tick(void)
{
    wf_timer_arm(&wheel, &a, 0, again);
    wf_wheel_run(&wheel, 5);
    CHECK_STR(log_text, "aaaaa");
    CHECK_U64(wf_wheel_next(&wheel), 1);
    wf_timer_cancel(&wheel, &a);
    CHECK(!wf_timer_armed(&a));
    wf_wheel_run(&wheel, 9);
    CHECK_STR(log_text, "aaaaa");
}

static void again_in_a_turn(wf_timer *timer)
{
    note(timer);
    wf_timer_arm(&wheel, timer, 256, again_in_a_turn);
}

static void a_timer_may_arm_itself_a_whole_turn_ahead(void)
{
    wf_timer_arm(&wheel, &a, 256, again_in_a_turn);
    wf_wheel_run(&wheel, 1023);
    CHECK_STR(log_text, "aaa");
    CHECK_U64(wf_wheel_next(&wheel), 1);
    wf_timer_cancel(&wheel, &a);
}

/* How often a process sleeps and wakes until the wheel has nothing left. */
static int wakes(void)
{
    int n = 0;
    for (uint32_t next; (next = wf_wheel_next(&wheel)) != WF_WHEEL_NEVER; n++)
        wf_wheel_run(&wheel, wheel.now + next);
    return n;
}

static void who_sleeps_for_one_timer_wakes_once(void)
{
    wheel.now = 1234567;
    wf_timer_arm(&wheel, &a, 10000, note);
    CHECK_U64(wf_wheel_next(&wheel), 10000);
    CHECK_I64(wakes(), 1);
    wf_timer_arm(&wheel, &a, 20000000, note);
    CHECK_I64(wakes(), 1);
    /* The wheel is never left alone for so long that it could not tell ahead from behind. */
    wf_timer_arm(&wheel, &a, UINT32_MAX, note);
    CHECK_U64(a.when - wheel.now, WF_TIMER_MS_MAX);
    CHECK_I64(wakes(), 2);
    CHECK_STR(log_text, "aaa");
}

static void who_sleeps_for_many_timers_wakes_once_more(void)
{
    static wf_timer many[100];
    for (size_t i = 0; i < 100; i++)
        wf_timer_arm(&wheel, &many[i], 10000 + (uint32_t)(i % 4), note);
    /* Once when their slot falls, and for each of their ticks. */
    CHECK_U64(wf_wheel_next(&wheel), 10000 / 256 * 256);
    CHECK_I64(wakes(), 1 + 4);
}

static void what_was_cancelled_wakes_nobody(void)
{
    wf_timer_arm(&wheel, &a, 50, note);
    wf_timer_arm(&wheel, &b, 5000, note);
    wf_timer_arm(&wheel, &c, 500000, note);
    wf_timer_cancel(&wheel, &a);
    wf_timer_cancel(&wheel, &b);
    CHECK_U64(wf_wheel_next(&wheel), 500000);
    wf_timer_cancel(&wheel, &c);
    wf_timer_cancel(&wheel, &c);
    CHECK_U64(wf_wheel_next(&wheel), WF_WHEEL_NEVER);
}

static void a_late_run_fires_each_timer_at_its_own_tick(void)
{
    wf_timer_arm(&wheel, &a, 100, again_in_a_turn);
    wf_wheel_run(&wheel, 100 + 3 * 256 + 10);
    CHECK_STR(log_text, "aaaa");
    CHECK_U64(a.when, 100 + 4 * 256);
    CHECK_U64(wheel.now, 100 + 3 * 256 + 10);
    wf_timer_cancel(&wheel, &a);
}

static void an_empty_wheel_goes_along_with_any_clock(void)
{
    wheel.now = 1;
    wf_wheel_run(&wheel, 0);
    CHECK_U64(wheel.now, 1);
    wf_wheel_run(&wheel, UINT32_MAX - 70000);
    CHECK_U64(wheel.now, UINT32_MAX - 70000);
    wf_timer_arm(&wheel, &a, 100000, note);
    wf_wheel_run(&wheel, wheel.now - 5);
    CHECK_U64(wheel.now, UINT32_MAX - 70000);
    wf_wheel_run(&wheel, UINT32_MAX - 70000 + 100000U);
    CHECK_STR(log_text, "a");
}

static void count(wf_timer *timer)
{
    agreed = agreed && wheel.now == timer->when && timer->spare == 1;
    fired++;
}

static void a_hundred_thousand_come_and_go(void)
{
    enum { MANY = 100000 };
    wf_timer *many = calloc(MANY, sizeof *many);
    REQUIRE(many != NULL);
    begin(5, 99);
    for (size_t i = 0; i < MANY; i++) {
        many[i].spare = i % 2;
        wf_timer_arm(&wheel, &many[i], 1 + below(100000), count);
    }
    CHECK_U64(wheel.armed, MANY);
    for (size_t i = 0; i < MANY; i += 2)
        wf_timer_cancel(&wheel, &many[i]);
    CHECK_U64(wheel.armed, MANY / 2);
    wf_wheel_run(&wheel, 99 + 100000);
    CHECK(agreed);
    CHECK_U64(fired, MANY / 2);
    CHECK_U64(wheel.armed, 0);
    free(many);
}

static const test_case cases[] = {
    TEST(what_fires_is_what_a_sorted_list_says),
    TEST(ticks_wrap_around),
    TEST(within_a_tick_timers_fire_in_the_order_they_were_armed),
    TEST(all_levels_may_fall_in_the_tick_they_fire_in),
    TEST(a_timer_may_cancel_the_next_or_the_last_of_its_tick),
    TEST(a_timer_that_arms_itself_fires_once_a_tick),
    TEST(a_timer_may_arm_itself_a_whole_turn_ahead),
    TEST(who_sleeps_for_one_timer_wakes_once),
    TEST(who_sleeps_for_many_timers_wakes_once_more),
    TEST(what_was_cancelled_wakes_nobody),
    TEST(a_late_run_fires_each_timer_at_its_own_tick),
    TEST(an_empty_wheel_goes_along_with_any_clock),
    TEST(a_hundred_thousand_come_and_go),
    {0},
};

const test_suite wheel_suite = {.name = "runtime/wheel", .before = before, .cases = cases};
