/* SPDX-License-Identifier: MIT */
/* Rows that are .serial: until such a message has been finished, other ordinary ones wait in order. */
#include "kit.h"

#include <weft/edge.h>

/* What the actor under test does with a message, and what it saw. */
typedef enum what { PASS, KEEP, WAIT, FAIL } what;
typedef struct job {
    uint64_t id;
    what what;
    weft_ref ask; /* for WAIT */
} job;
typedef struct easy {
    uint64_t id;
    uint64_t spare;
} easy;

static const weft_type job_type = WEFT_TYPE("test.job", job, NULL);
static const weft_type easy_type = WEFT_TYPE("test.easy", easy, NULL);
static const weft_type tick_type = WEFT_TYPE("test.tick", easy, NULL);
static const weft_type serial_tick_type = WEFT_TYPE("test.serial_tick", easy, NULL);

typedef struct one {
    weft_msg *kept;
} one;

static record *seen; /* ids in the order of beginning; 1000 + id: a continuation */

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const job *j = weft_body(msg);
    (void)self, (void)got;
    record_add(seen, 1000 + j->id);
    return weft_is_request(msg) ? weft_reply(msg, num, .n = j->id) : WEFT_OK;
}

static weft_err say(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, num, .n = 1);
}

static weft_err on_job(weft_actor *self, weft_msg *msg)
{
    one *o = weft_state(self);
    const job *j = weft_body(msg);
    record_add(seen, j->id);
    switch (j->what) {
    case KEEP:
        o->kept = weft_keep(msg);
        return WEFT_OK;
    case WAIT:
        return weft_when(msg, weft_ask(self, j->ask, act, .fn = say), on_answered);
    case FAIL:
        return WEFT_EPROTO;
    default:
        return WEFT_OK;
    }
}

static weft_err on_easy(weft_actor *self, weft_msg *msg)
{
    const easy *e = weft_body(msg);
    (void)self;
    record_add(seen, e->id);
    return weft_is_request(msg) ? weft_reply(msg, num, .n = e->id) : WEFT_OK;
}

static weft_err on_serial_tick(weft_actor *self, weft_msg *msg)
{
    record_add(seen, ((const easy *)weft_body(msg))->id);
    (void)self;
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    record_add(seen, 900);
    return WEFT_OK;
}

static void on_ended(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    record_add(seen, 999);
}

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static const weft_handler handlers[] = {
    {.type = &job_type, .fn = on_job, .serial = true},
    {.type = &easy_type, .fn = on_easy},
    {.type = &tick_type, .fn = on_easy},
    {.type = &serial_tick_type, .fn = on_serial_tick, .serial = true},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &act_type, .fn = on_act},
    {0},
};
static const weft_behaviour orderly = {.name = "orderly",
                                       .handlers = handlers,
                                       .state_bytes = sizeof(one),
                                       .ended = on_ended,
                                       .mailbox_max = 50};

static weft_ref it;

static void before(void)
{
    sim_one();
    seen = record_new();
    it = weft_sim_spawn(sim, &orderly, NULL);
}

static void check_seen(const uint64_t *want, unsigned n)
{
    CHECK_U64(seen->n, n);
    for (unsigned i = 0; i < n && i < seen->n; i++)
        CHECK_U64(seen->got[i], want[i]);
}
#define CHECK_SEEN(...)                                             \
    do {                                                            \
        const uint64_t want[] = {__VA_ARGS__};                      \
        check_seen(want, (unsigned)(sizeof want / sizeof want[0])); \
    } while (0)

/* The control that lets go of what is kept overtakes nothing: it is a call, between two turns. */
static void drop_kept(weft_actor *target, const uint64_t word[4])
{
    one *o = weft_state(target);
    (void)word;
    weft_drop(&o->kept);
}

static void call_drop(weft_actor *self, void *context)
{
    uint64_t word[4] = {0};
    (void)self, (void)context;
    CHECK_OK(weft_call(it, drop_kept, word));
}

static weft_err do_call_drop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    call_drop(self, NULL);
    return WEFT_OK;
}

/* ---- order */

static weft_err tell_mixed(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_tell(self, it, easy, .id = 1));
    CHECK_OK(weft_tell(self, it, job, .id = 2));
    CHECK_OK(weft_tell(self, it, job, .id = 3));
    CHECK_OK(weft_tell(self, it, easy, .id = 4));
    return WEFT_OK;
}

static void one_that_ends_with_its_handler_holds_nobody_up(void)
{
    sim_do(sim_puppet(NULL), tell_mixed, NULL);
    CHECK_SEEN(1, 2, 3, 4);
}

static weft_err tell_while_kept(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_tell(self, it, job, .id = 1, .what = KEEP));
    CHECK_OK(weft_tell(self, it, easy, .id = 2));
    CHECK_OK(weft_tell(self, it, job, .id = 3));
    CHECK_OK(weft_tell(self, it, easy, .id = 4));
    return WEFT_OK;
}

static void others_wait_in_order_until_one_that_is_kept_is_dropped(void)
{
    weft_ref x = sim_puppet(NULL);
    sim_do(x, tell_while_kept, NULL);
    CHECK_SEEN(1);
    CHECK_U64(sim_stats_of(it).queued, 3);
    sim_do(x, do_call_drop, NULL);
    CHECK_SEEN(1, 2, 3, 4);
    CHECK_U64(sim_stats_of(it).queued, 0);
}

static weft_err drop_and_tell(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    CHECK_OK(do_call_drop(self, msg, NULL));
    CHECK_OK(weft_tell(self, it, easy, .id = 5));
    return WEFT_OK;
}
static weft_err tell_and_drop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    CHECK_OK(weft_tell(self, it, easy, .id = 5));
    return do_call_drop(self, msg, NULL);
}

static void what_waited_comes_before_what_came_later(void)
{
    for (int first = 0; first < 2; first++) {
        before();
        weft_ref x = sim_puppet(NULL);
        sim_do(x, tell_while_kept, NULL);
        sim_do(x, first ? drop_and_tell : tell_and_drop, NULL);
        CHECK_SEEN(1, 2, 3, 4, 5);
    }
}

static weft_err tell_while_waiting(weft_actor *self, weft_msg *msg, void *with)
{
    const weft_ref *to = with;
    (void)msg;
    CHECK_OK(weft_tell(self, it, job, .id = 1, .what = WAIT, .ask = *to));
    CHECK_OK(weft_tell(self, it, easy, .id = 2));
    CHECK_OK(weft_tell(self, it, job, .id = 3, .what = WAIT, .ask = *to));
    CHECK_OK(weft_tell(self, it, easy, .id = 4));
    CHECK_OK(weft_tell(self, it, job, .id = 5, .what = WAIT, .ask = *to));
    return WEFT_OK;
}

static void others_wait_until_its_continuations_have_run(void)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        sim_with(&(weft_sim_options){.seed = seed, .system.reactors = 2});
        seen = record_new();
        it = weft_sim_spawn(sim, &orderly, NULL);
        weft_ref answerer = sim_puppet_on(seed % 2, NULL);
        sim_do(sim_puppet(NULL), tell_while_waiting, &answerer);
        CHECK_SEEN(1, 1001, 2, 3, 1003, 4, 5, 1005);
    }
}

static void an_error_ends_it_too(void)
{
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = FAIL));
    CHECK_OK(weft_sim_tell(sim, it, easy, .id = 2));
    CHECK_SEEN(1, 2);
}

/* ---- what is delivered meanwhile */

static weft_err start_timers(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK(weft_timer_start(self, 10, 0, &tick_type, &(easy){.id = 500}).slot != 0);
    CHECK(weft_timer_start(self, 20, 0, &serial_tick_type, &(easy){.id = 600}).slot != 0);
    return WEFT_OK;
}

static void its_timers_are_delivered_meanwhile(void)
{
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = start_timers));
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    CHECK_OK(weft_sim_tell(sim, it, easy, .id = 2));
    weft_sim_advance(sim, 15);
    CHECK_SEEN(1, 500);
}

static void a_serial_timer_meanwhile_does_not_let_the_others_go(void)
{
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = start_timers));
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    CHECK_OK(weft_sim_tell(sim, it, easy, .id = 2));
    weft_sim_advance(sim, 30);
    CHECK_SEEN(1, 500, 600);
    CHECK_U64(sim_stats_of(it).queued, 1);
    sim_do(sim_puppet(NULL), do_call_drop, NULL);
    CHECK_SEEN(1, 500, 600, 2);
}

static weft_err watch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}
static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void a_down_is_delivered_meanwhile(void)
{
    weft_ref x = sim_puppet(NULL);
    CHECK_OK(weft_sim_tell(sim, it, act, .fn = watch, .with = &x));
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    sim_do(x, stop_now, NULL);
    CHECK_SEEN(1, 900);
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_ref(self, it, WEFT_OK);
}

static void a_stop_overtakes_what_waits(void)
{
    weft_ref x = sim_puppet(NULL);
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    CHECK_OK(weft_sim_tell(sim, it, easy, .id = 2));
    sim_do(x, stop_it, NULL);
    CHECK_SEEN(1, 999);
}

/* ---- limits and cancelling of what waits */

typedef struct asked {
    weft_err err;
    unsigned fired;
    weft_deferred d;
} asked;

static weft_err on_easy_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asked *a = ((const act *)weft_body(msg))->with;
    (void)self;
    a->fired++;
    a->err = got->err;
    return WEFT_OK;
}
static weft_err ask_easy(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    a->d = weft_ask_within(self, it, 50, easy, .id = 7);
    return weft_when(msg, a->d, on_easy_answer);
}
static weft_err cancel_easy(weft_actor *self, weft_msg *msg, void *with)
{
    const asked *a = with;
    (void)msg;
    return weft_cancel(self, a->d);
}

static void one_that_waits_may_be_cancelled(void)
{
    asked a = {0};
    weft_ref x = sim_puppet(NULL);
    sim_do(x, tell_while_kept, NULL);
    sim_do(x, ask_easy, &a);
    sim_do(x, cancel_easy, &a);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    sim_do(x, do_call_drop, NULL);
    CHECK_SEEN(1, 2, 3, 4);
}

static void one_that_waits_is_not_run_when_its_time_is_over(void)
{
    asked a = {0};
    weft_ref x = sim_puppet(NULL);
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    sim_do(x, ask_easy, &a);
    weft_sim_advance(sim, 50);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    sim_do(x, do_call_drop, NULL);
    CHECK_SEEN(1);
    CHECK_U64(a.fired, 1);
}

static weft_err fill_it(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *n = with;
    (void)msg;
    while (*n < 1000 && weft_tell(self, it, easy, .id = 2) == WEFT_OK)
        ++*n;
    return WEFT_OK;
}

static void what_waits_counts_as_queued(void)
{
    unsigned n = 0;
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    weft_ref x = sim_puppet(NULL);
    sim_do(x, fill_it, &n);
    CHECK_U64(n, 50);
    n = 0;
    sim_do(x, fill_it, &n);
    CHECK_U64(n, 0);
    CHECK_U64(sim_stats_of(it).queued, 50);
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asked *a = ((const act *)weft_body(msg))->with;
    (void)self;
    a->fired++;
    a->err = got->err == WEFT_OK ? weft_tell(self, it, easy, .id = 77) : got->err;
    return WEFT_OK;
}
static weft_err fill_and_want_room(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned n = 0;
    (void)fill_it(self, msg, &n);
    asked *a = with;
    a->d = weft_room(self, it);
    return weft_when(msg, a->d, on_room);
}

static void there_is_no_room_before_what_waits_has_been_served(void)
{
    asked a = {0};
    weft_ref x = sim_puppet(NULL);
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    sim_do(x, fill_and_want_room, &a);
    CHECK_U64(a.fired, 0);
    sim_do(x, do_call_drop, NULL);
    CHECK_U64(a.fired, 1);
    CHECK_OK(a.err);
    CHECK_U64(seen->got[seen->n - 1], 77);
}

static void one_that_ends_takes_what_waits_with_it(void)
{
    asked a = {0};
    weft_ref x = sim_puppet(NULL);
    CHECK_OK(weft_sim_tell(sim, it, job, .id = 1, .what = KEEP));
    sim_do(x, ask_easy, &a);
    sim_do(x, stop_it, NULL);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_EGONE);
}

static const test_case cases[] = {
    TEST(one_that_ends_with_its_handler_holds_nobody_up),
    TEST(others_wait_in_order_until_one_that_is_kept_is_dropped),
    TEST(what_waited_comes_before_what_came_later),
    TEST(others_wait_until_its_continuations_have_run),
    TEST(an_error_ends_it_too),
    TEST(its_timers_are_delivered_meanwhile),
    TEST(a_serial_timer_meanwhile_does_not_let_the_others_go),
    TEST(a_down_is_delivered_meanwhile),
    TEST(a_stop_overtakes_what_waits),
    TEST(one_that_waits_may_be_cancelled),
    TEST(one_that_waits_is_not_run_when_its_time_is_over),
    TEST(what_waits_counts_as_queued),
    TEST(there_is_no_room_before_what_waits_has_been_served),
    TEST(one_that_ends_takes_what_waits_with_it),
    {0},
};

const test_suite serial_suite = {
    .name = "runtime/serial", .before = before, .after = sim_done, .cases = cases};
