/* SPDX-License-Identifier: MIT */
/* What an operator does to actors: suspended, resumed, killed; looked at. */
#include "kit.h"

#include <weft/form.h>
#include <weft/operate.h>
#include <weft/ward.h>

/* A message that people can read, and its answer. */
typedef struct word {
    uint64_t n;
    char text[16];
} word;
static const weft_field word_fields[] = {
    WEFT_FIELD(word, n, WEFT_FIELD_UNSIGNED), WEFT_FIELD(word, text, WEFT_FIELD_TEXT), {0}};
static const weft_type word_type = WEFT_TYPE_FIELDS("test.word", word, word_fields, NULL);

/* What a watcher, an actor, was told of the actor it taps. */
static struct {
    weft_tap *tap;
    weft_why why;
    bool greedy; /* takes nothing */
    unsigned n;
    weft_tapped last;
    unsigned kinds[WEFT_TAPPED_TIMER + 1];
} seen;

static weft_err on_watcher_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_tapped(weft_actor *self, weft_msg *msg)
{
    (void)self;
    seen.last = *(const weft_tapped *)weft_body(msg);
    seen.n++;
    seen.kinds[seen.last.kind]++;
    if (!seen.greedy && seen.tap != NULL)
        weft_tap_taken(seen.tap);
    return WEFT_OK;
}

static void watcher_ended(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    weft_tap_end(&seen.tap);
}

static const weft_handler watcher_rows[] = {
    {.type = &act_type, .fn = on_watcher_act}, {.type = &weft_tapped_type, .fn = on_tapped}, {0}};
static const weft_behaviour watcher = {
    .name = "watcher", .handlers = watcher_rows, .ended = watcher_ended};

/* ---- who is operated on: counts words, is told that it is to stop, asks */

static struct {
    unsigned words, asked_to_stop, ends, whole;
    uint64_t last;
    bool polite; /* stops when it is asked to */
} worked;

static weft_err on_word(weft_actor *self, weft_msg *msg)
{
    (void)self;
    worked.words++;
    worked.last = ((const word *)weft_body(msg))->n;
    return weft_is_request(msg) ? weft_reply(msg, word, .n = worked.last + 1) : WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    worked.asked_to_stop++;
    return weft_stop(self, WEFT_OK);
}

static void worker_ended(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    worked.ends++;
}

static const weft_handler worker_rows[] = {
    {.type = &word_type, .fn = on_word},
    {.type = &act_type, .fn = on_watcher_act},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};
static const weft_behaviour worker = {
    .name = "worker", .handlers = worker_rows, .mailbox_max = 64, .ended = worker_ended};

static const weft_handler serial_rows[] = {
    {.type = &word_type, .fn = on_word, .serial = true},
    {.type = &act_type, .fn = on_watcher_act, .serial = true},
    {0},
};
static const weft_behaviour serial_worker = {.name = "serial", .handlers = serial_rows};

static void before(void)
{
    memset(&seen, 0, sizeof seen);
    memset(&worked, 0, sizeof worked);
    sim_of(2);
}

static weft_ref new_worker(void)
{
    weft_ref who = weft_system_spawn(weft_sim_system(sim), 0, &worker, NULL);
    (void)weft_sim_run(sim);
    return who;
}

/* An operator on reactor @reactor. */
static weft_ref new_watcher(unsigned reactor)
{
    weft_ref who = weft_system_spawn(weft_sim_system(sim), reactor, &watcher, NULL);
    (void)weft_sim_run(sim);
    return who;
}

static void say(weft_ref who, uint64_t n)
{
    const word body = {.n = n, .text = "hello"};
    (void)weft_sim_tell_body(sim, who, &word_type, &body);
    (void)weft_sim_run(sim);
}

typedef struct target {
    weft_ref who;
    weft_err err;
} target;

static weft_err do_suspend(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    (void)msg;
    t->err = weft_suspend(self, t->who);
    return WEFT_OK;
}
static weft_err do_resume(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    (void)msg;
    t->err = weft_resume(self, t->who);
    return WEFT_OK;
}
static weft_err do_kill(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    (void)msg;
    t->err = weft_kill(self, t->who, WEFT_ECANCELLED);
    return WEFT_OK;
}
static weft_err do_stop(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    (void)msg;
    t->err = weft_stop_ref(self, t->who, WEFT_OK);
    return WEFT_OK;
}
static weft_err do_tap(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    (void)msg;
    seen.tap = weft_tap_begin(self, t->who, &seen.why);
    t->err = seen.tap != NULL ? WEFT_OK : WEFT_EINVAL;
    return WEFT_OK;
}
static weft_err do_untap(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    weft_tap_end(&seen.tap);
    return WEFT_OK;
}
static weft_err do_end(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static weft_err operate(weft_ref operator, act_fn * fn, weft_ref who)
{
    target t = {.who = who};
    sim_do(operator, fn, &t);
    return t.err;
}

/* ---- suspended */

static void a_suspended_actor_serves_nothing_until_it_is_resumed(void)
{
    for (unsigned reactor = 0; reactor < 2; reactor++) {
        before();
        weft_ref who = new_worker(), operator= new_watcher(reactor);
        say(who, 1);
        CHECK_OK(operate(operator, do_suspend, who));
        CHECK(sim_stats_of(who).suspended);
        for (unsigned i = 2; i < 10; i++)
            say(who, i);
        CHECK_U64(worked.words, 1);
        CHECK_U64(sim_stats_of(who).queued, 8);
        CHECK_U64(sim_stats_of(who).handled, 1);
        weft_sim_advance(sim, 500);
        CHECK(sim_stats_of(who).age_ms >= 500);
        CHECK_OK(operate(operator, do_suspend, who)); /* calm */
        CHECK_OK(operate(operator, do_resume, who));
        CHECK(!sim_stats_of(who).suspended);
        CHECK_U64(worked.words, 9);
        CHECK_U64(worked.last, 9);
        CHECK_U64(sim_stats_of(who).queued, 0);
        CHECK_U64(sim_stats_of(who).handled, 9);
        CHECK_OK(operate(operator, do_resume, who));
        say(who, 10);
        CHECK_U64(worked.words, 10);
        sim_done();
    }
}

static weft_err tell_many(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    (void)msg;
    for (unsigned i = 0; i < 100 && t->err == WEFT_OK; i++)
        t->err = weft_tell(self, t->who, word, .n = i);
    return WEFT_OK;
}

static void its_mailbox_has_the_limit_it_always_had(void)
{
    weft_ref who = new_worker(), operator= new_watcher(0);
    CHECK_OK(operate(operator, do_suspend, who));
    CHECK_ERR(operate(operator, tell_many, who), WEFT_EFULL);
    CHECK_U64(sim_stats_of(who).queued, 64);
    CHECK_OK(operate(operator, do_resume, who));
    CHECK_U64(worked.words, 64);
}

static void one_that_is_suspended_with_mail_keeps_its_order(void)
{
    weft_system *sys = rig_new(1);
    weft_ref who = weft_system_spawn(sys, 0, &worker, NULL), operator= weft_system_spawn(
                                                                 sys, 0, &watcher, NULL);
    target t = {.who = who};
    rig_settle(sys);
    rig_do(sys, operator, tell_many,
           &t); /* a turn with all of it comes after the one that suspends it */
    rig_do(sys, operator, do_suspend, &t);
    rig_settle(sys);
    CHECK_U64(worked.words, 0);
    rig_do(sys, operator, do_resume, &t);
    rig_settle(sys);
    CHECK_U64(worked.words, 64);
    CHECK_U64(worked.last, 63);
    rig_free(&sys);
}

static void nobody_suspends_itself_or_who_has_ended(void)
{
    weft_ref who = new_worker(), operator= new_watcher(0), far = new_watcher(1);
    CHECK_ERR(operate(operator, do_suspend, operator), WEFT_EINVAL);
    CHECK_OK(operate(operator, do_kill, who));
    CHECK_U64(worked.ends, 1);
    CHECK_U64(worked.asked_to_stop, 0);
    CHECK_ERR(operate(operator, do_suspend, who), WEFT_EGONE);
    CHECK_ERR(operate(operator, do_resume, who), WEFT_EGONE);
    CHECK_ERR(operate(operator, do_kill, who), WEFT_EGONE);
    CHECK_OK(operate(far, do_suspend, who)); /* known there only: nothing happens */
    CHECK_OK(operate(far, do_resume, who));
    CHECK_OK(operate(far, do_kill, who));
}

/* The first actor of a system is the one that ends it in order. */
static void who_ends_the_system_in_order_is_left_alone(void)
{
    for (unsigned reactor = 0; reactor < 2; reactor++) {
        weft_ref operator= new_watcher(reactor), who = {.slot = 1, .gen = 1};
        weft_actor_stats stats;
        who.home = new_worker().home;
        CHECK(weft_stats_actor(weft_sim_system(sim), who, &stats));
        CHECK_STR(stats.behaviour, "weft.system");
        CHECK_ERR(operate(operator, do_suspend, who), WEFT_EDENIED);
        CHECK_ERR(operate(operator, do_kill, who), WEFT_EDENIED);
        CHECK_ERR(operate(operator, do_stop, who), WEFT_EDENIED);
    }
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    CHECK(weft_sim_run(sim));
    CHECK(worked.asked_to_stop != 0);
}

static void a_suspended_actor_that_is_asked_to_stop_ends_as_ever(void)
{
    for (unsigned killed = 0; killed < 2; killed++) {
        before();
        weft_ref who = new_worker(), operator= new_watcher(1);
        CHECK_OK(operate(operator, do_suspend, who));
        say(who, 1);
        say(who, 2);
        CHECK_OK(operate(operator, killed ? do_kill : do_stop, who));
        CHECK_U64(worked.ends, 1);
        CHECK_U64(worked.asked_to_stop, killed ? 0 : 1);
        CHECK_U64(worked.words, 0);
        sim_done();
    }
}

static void a_system_ends_with_suspended_and_tapped_actors(void)
{
    weft_ref who = new_worker(), operator= new_watcher(1);
    CHECK_OK(operate(operator, do_tap, who));
    CHECK_OK(operate(operator, do_suspend, who));
    say(who, 1);
}

static weft_err ask_word(weft_actor *self, weft_msg *msg, void *with)
{
    came *c = with;
    weft_ref to;
    memcpy(&to, c->why, sizeof to);
    return weft_when(msg, weft_ask_within(self, to, 1000, word, .n = 5), on_came);
}

static void who_asks_a_suspended_actor_waits_until_its_limit(void)
{
    weft_ref who = new_worker(), operator= new_watcher(1);
    came c = {0};
    CHECK_OK(operate(operator, do_suspend, who));
    memcpy(c.why, &who, sizeof who);
    sim_do(operator, ask_word, &c);
    weft_sim_advance(sim, 1100);
    CHECK_U64(c.fired, 1);
    CHECK_ERR(c.err, WEFT_ETIMEDOUT);
    CHECK_OK(operate(operator, do_resume, who));
    CHECK_U64(worked.words, 0); /* cancelled */
    CHECK_U64(sim_stats_of(who).queued, 0);
}

static void a_serial_actor_goes_on_where_it_was(void)
{
    weft_ref who = weft_system_spawn(weft_sim_system(sim), 0, &serial_worker, NULL),
             other = new_worker(), operator= new_watcher(1);
    came c = {0};
    CHECK_OK(operate(operator, do_suspend, other));
    memcpy(c.why, &other, sizeof other);
    sim_do(who, ask_word, &c); /* it waits for one that is suspended */
    say(who, 1);
    CHECK_OK(operate(operator, do_suspend, who));
    say(who, 2);
    CHECK_OK(operate(operator, do_resume, other));
    CHECK_U64(worked.words, 1);
    CHECK_U64(c.fired, 0); /* what continues it waits too */
    CHECK_OK(operate(operator, do_resume, who));
    CHECK_U64(c.fired, 1);
    CHECK_OK(c.err);
    CHECK_U64(worked.words, 3);
    CHECK_U64(worked.last, 2);
}

/* ---- a ward */

static weft_ward ward;
static unsigned downs;

static void ward_up(weft_actor *self, weft_ward *w, weft_err err, const char *why)
{
    (void)self, (void)w, (void)err, (void)why;
}
static void ward_down(weft_actor *self, weft_ward *w, weft_err reason, const char *why)
{
    (void)reason, (void)why;
    downs++;
    (void)weft_ward_begin(self, w);
}
static const weft_ward_ops ward_ops = {.up = ward_up, .down = ward_down};

static weft_err keep_ward(weft_actor *self, weft_msg *msg, void *with)
{
    weft_why why;
    (void)msg, (void)with;
    CHECK_OK(weft_ward_new(self, &ward, &worker, NULL, &ward_ops, &why));
    (void)weft_ward_begin(self, &ward);
    return WEFT_OK;
}

static void a_restart_resumes_and_keeps_its_taps(void)
{
    downs = 0;
    weft_ref keeper = sim_puppet(NULL), operator= new_watcher(1);
    sim_do(keeper, keep_ward, NULL);
    weft_ref who = ward.ref;
    CHECK_OK(operate(operator, do_tap, who));
    CHECK_OK(operate(operator, do_suspend, who));
    say(who, 1);
    CHECK_U64(seen.n, 0);
    CHECK_OK(operate(operator, do_kill, who));
    CHECK_U64(downs, 1);
    CHECK(!sim_stats_of(who).suspended);
    say(who, 2);
    CHECK_U64(worked.last, 2);
    CHECK(seen.n > 0);
    CHECK_STR(seen.last.text, "n=2 text=\"hello\"");
    sim_do(keeper, do_end, NULL);
    CHECK_ERR(operate(operator, do_resume, who), WEFT_OK); /* of another reactor: accepted */
}

/* ---- taps */

static void a_tap_shows_what_an_actor_is_told_as_text(void)
{
    for (unsigned reactor = 0; reactor < 2; reactor++) {
        before();
        weft_ref who = new_worker(), operator= new_watcher(reactor);
        say(who, 1);
        CHECK_OK(operate(operator, do_tap, who));
        say(who, 2);
        CHECK_U64(seen.n, 1);
        CHECK_U64(seen.last.number, 1);
        CHECK(seen.last.type == &word_type);
        CHECK(weft_ref_same(seen.last.who, who));
        CHECK(seen.last.bytes >= 64 && seen.last.wall_ns != 0);
        CHECK(seen.last.kind == WEFT_TAPPED_TELL);
        CHECK_STR(seen.last.text, "n=2 text=\"hello\"");
        sim_do(operator, do_untap, NULL);
        say(who, 3);
        say(who, 4);
        CHECK_U64(seen.n, 1);
        CHECK_U64(worked.words, 4);
        sim_done();
    }
}

static void requests_replies_failures_and_timers_are_told_apart(void)
{
    weft_ref who = new_worker(), other = new_worker(), operator= new_watcher(1);
    came c = {0};
    CHECK_OK(operate(operator, do_tap, who));
    memcpy(c.why, &other, sizeof other);
    sim_do(who, ask_word, &c);
    CHECK_U64(seen.kinds[WEFT_TAPPED_TELL], 1); /* the act */
    CHECK_U64(seen.kinds[WEFT_TAPPED_REPLY], 1);
    CHECK_STR(seen.last.text, "n=6 text=\"\"");
    CHECK_OK(operate(operator, do_suspend, other));
    c = (came){0};
    memcpy(c.why, &other, sizeof other);
    sim_do(who, ask_word, &c);
    weft_sim_advance(sim, 1100);
    CHECK_U64(seen.kinds[WEFT_TAPPED_FAILURE], 1);
    CHECK(strncmp(seen.last.text, "ETIMEDOUT: ", 11) == 0);
    c = (came){0};
    memcpy(c.why, &who, sizeof who);
    sim_do(sim_puppet(NULL), ask_word, &c);
    CHECK_U64(seen.kinds[WEFT_TAPPED_REQUEST], 1);
    CHECK_OK(c.err);
}

static void what_is_not_taken_is_lost_and_counted(void)
{
    weft_ref who = new_worker(), operator= new_watcher(1);
    seen.greedy = true;
    CHECK_OK(operate(operator, do_tap, who));
    for (unsigned i = 0; i < WEFT_TAP_WINDOW + 10; i++)
        say(who, i);
    CHECK_U64(seen.n, WEFT_TAP_WINDOW);
    CHECK_U64(worked.words, WEFT_TAP_WINDOW + 10);
    weft_tap_taken(seen.tap);
    say(who, 1);
    CHECK_U64(seen.n, WEFT_TAP_WINDOW + 1);
    CHECK_U64(seen.last.number, WEFT_TAP_WINDOW + 11);
}

static void a_tap_goes_when_either_end_does(void)
{
    weft_ref who = new_worker(), operator= new_watcher(1);
    CHECK_OK(operate(operator, do_tap, who));
    sim_do(operator, do_end, NULL);
    CHECK(seen.tap == NULL);
    say(who, 1);
    say(who, 2);
    CHECK_U64(worked.words, 2);
    operator= new_watcher(0);
    CHECK_OK(operate(operator, do_tap, who));
    CHECK_OK(operate(operator, do_kill, who));
    sim_do(operator, do_untap, NULL);
    CHECK_ERR(operate(operator, do_tap, operator), WEFT_EINVAL);
    CHECK(strstr(seen.why.text, "it is who would be told") != NULL);
}

static weft_err tap_often(weft_actor *self, weft_msg *msg, void *with)
{
    target *t = with;
    weft_tap *tap[WEFT_TAPS_MAX + 1];
    (void)msg;
    for (unsigned i = 0; i <= WEFT_TAPS_MAX; i++)
        tap[i] = weft_tap_begin(self, t->who, &seen.why);
    for (unsigned i = 0; i <= WEFT_TAPS_MAX; i++)
        weft_tap_end(&tap[i]);
    return WEFT_OK;
}

static void an_actor_has_so_many_taps_and_no_more(void)
{
    weft_ref who = new_worker(), operator= new_watcher(0);
    (void)operate(operator, tap_often, who);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "cannot be tapped: it has as many taps"), 1);
    say(who, 1);
    CHECK_U64(seen.n, 0);
    CHECK_OK(operate(operator, do_tap, who)); /* those that are over make room */
    say(who, 2);
    CHECK_U64(seen.n, 1);
}

/* As far as memory goes. */
static void try_to(weft_ref operator, act_fn * fn, target *t)
{
    const act body = {.fn = fn, .with = t};
    (void)weft_sim_tell_body(sim, operator, & act_type, &body);
    (void)weft_sim_run(sim);
}

static void memory_that_is_out_leaks_nothing(void)
{
    for (uint64_t n = 1;; n++) {
        before();
        target t = {.who = new_worker()};
        weft_ref operator= new_watcher(1);
        weft_sim_fail_allocation(sim, n);
        try_to(operator, do_tap, &t);
        try_to(operator, do_suspend, &t);
        say(t.who, 1);
        try_to(operator, do_resume, &t);
        say(t.who, 2);
        try_to(operator, do_kill, &t);
        bool met = weft_sim_allocation_failed(sim);
        sim_done();
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(a_suspended_actor_serves_nothing_until_it_is_resumed),
    TEST(its_mailbox_has_the_limit_it_always_had),
    TEST(one_that_is_suspended_with_mail_keeps_its_order),
    TEST(nobody_suspends_itself_or_who_has_ended),
    TEST(who_ends_the_system_in_order_is_left_alone),
    TEST(a_suspended_actor_that_is_asked_to_stop_ends_as_ever),
    TEST(a_system_ends_with_suspended_and_tapped_actors),
    TEST(who_asks_a_suspended_actor_waits_until_its_limit),
    TEST(a_serial_actor_goes_on_where_it_was),
    TEST(a_restart_resumes_and_keeps_its_taps),
    TEST(a_tap_shows_what_an_actor_is_told_as_text),
    TEST(requests_replies_failures_and_timers_are_told_apart),
    TEST(what_is_not_taken_is_lost_and_counted),
    TEST(a_tap_goes_when_either_end_does),
    TEST(an_actor_has_so_many_taps_and_no_more),
    TEST(memory_that_is_out_leaks_nothing),
    {0},
};
const test_suite operate_suite = {
    .name = "runtime/operate", .cases = cases, .before = before, .after = sim_done};
