/* SPDX-License-Identifier: MIT */
/* Phases: start-up and shut-down in steps that may wait, within a time, and saying what was cut. */
#include "kit.h"

#include <weft/operate.h>

#include "sys.h"

/* What each was asked, in order: 10 * who + phase. */
static record *asked;
static uint32_t last_grace;

typedef struct helper {
    unsigned who;
    uint32_t after_ms[WEFT_PHASE_COUNT_]; /* answers so late; UINT32_MAX: never */
    weft_err fails[WEFT_PHASE_COUNT_];
    uint32_t cut;
} helper;

typedef struct helping {
    weft_msg *kept;
} helping;

static const helper *helper_of(const weft_actor *self)
{
    return weft_config(self);
}

static weft_err answer(weft_actor *self, weft_msg *request)
{
    const helper *h = helper_of(self);
    weft_phase phase = ((const weft_phase_begins *)weft_body(request))->phase;
    if (h->fails[phase] != WEFT_OK)
        return weft_fail(request, h->fails[phase], "no can do");
    return weft_reply(request, weft_phase_done, .cut = h->cut);
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    helping *s = weft_state(self);
    const helper *h = helper_of(self);
    const weft_phase_begins *begins = weft_body(msg);
    record_add(asked, 10 * h->who + begins->phase);
    last_grace = begins->grace_ms;
    uint32_t ms = h->after_ms[begins->phase];
    if (ms == 0)
        return answer(self, msg);
    weft_drop(&s->kept);
    s->kept = weft_keep(msg);
    if (ms != UINT32_MAX)
        CHECK(weft_after(self, ms, num, .n = 1).slot != 0);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    helping *s = weft_state(self);
    (void)msg;
    (void)answer(self, s->kept);
    weft_drop(&s->kept);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_phase_begins_type, .fn = on_phase}, {.type = &num_type, .fn = on_late}, {0}};
static const weft_behaviour helpful = {
    .name = "helpful", .handlers = handlers, .state_bytes = sizeof(helping)};

static void before(void)
{
    sim_with(&(weft_sim_options){.system = {.stop_grace_ms = 1000, .reactors = 2}});
    asked = record_new();
}

/* For each of the phases in @phases, a bit each. */
static weft_ref help(unsigned reactor, const helper *h, unsigned phases)
{
    weft_ref ref = weft_system_spawn(weft_sim_system(sim), reactor, &helpful, h);
    for (int p = 0; p < WEFT_PHASE_COUNT_; p++)
        if ((phases & (1U << p)) != 0)
            CHECK_OK(weft_on_phase(weft_sim_system(sim), (weft_phase)p, ref));
    return ref;
}
enum { ALL = (1 << WEFT_PHASE_COUNT_) - 1 };

static void check_asked(const uint64_t *want, unsigned n)
{
    CHECK_U64(asked->n, n);
    for (unsigned i = 0; i < n && i < asked->n; i++)
        CHECK_U64(asked->got[i], want[i]);
}
#define CHECK_ASKED(...)                                             \
    do {                                                             \
        const uint64_t want[] = {__VA_ARGS__};                       \
        check_asked(want, (unsigned)(sizeof want / sizeof want[0])); \
    } while (0)

static void end_it(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void they_come_in_order(void)
{
    static const helper one = {.who = 1};
    help(0, &one, ALL);
    CHECK(weft_sim_run(sim));
    CHECK_ASKED(10, 11);
    CHECK_U64(last_grace, 30000);
    end_it();
    CHECK_ASKED(10, 11, 12, 13, 14);
    CHECK_U64(last_grace, 1000);
}

static void the_next_one_waits_for_every_answer_of_the_last(void)
{
    static const helper slow = {.who = 1, .after_ms = {50, 0, 30, 20, 10}};
    static const helper fast = {.who = 2};
    help(1, &slow, ALL);
    help(0, &fast, ALL);
    CHECK(weft_sim_run(sim));
    CHECK_U64(asked->n, 2);
    weft_sim_advance(sim, 49);
    CHECK_U64(asked->n, 2);
    weft_sim_advance(sim, 1);
    CHECK_U64(asked->n, 4);
    CHECK_U64(asked->got[2] % 10, 1);
    CHECK_U64(asked->got[3] % 10, 1);
    end_it();
    CHECK_U64(asked->n, 10);
    for (unsigned i = 0; i < 10; i++)
        CHECK_U64(asked->got[i] % 10, i / 2);
}

static void those_without_a_row_and_those_who_have_ended_are_not_waited_for(void)
{
    weft_system *sys = weft_sim_system(sim);
    weft_ref gone = WEFT_NOBODY;
    static const helper one = {.who = 1};
    help(0, &one, 1U << WEFT_PHASE_START | 1U << WEFT_PHASE_END);
    for (int p = 0; p < WEFT_PHASE_COUNT_; p++) {
        CHECK_OK(weft_on_phase(sys, (weft_phase)p, sim_puppet_on(1, NULL)));
        CHECK_OK(weft_on_phase(sys, (weft_phase)p, gone));
    }
    CHECK(weft_sim_run(sim));
    CHECK_ASKED(11);
    uint32_t begun = weft_sim_now(sim);
    CHECK_U64(begun, 0);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "phase"), 0);
    end_it();
    CHECK_ASKED(11, 14);
}

static void a_failure_in_start_up_stops_the_system_with_it(void)
{
    static const helper bad = {.who = 1, .fails = {[WEFT_PHASE_BIND] = WEFT_EDENIED}};
    static const helper other = {.who = 2};
    help(0, &other, ALL);
    help(0, &bad, ALL);
    weft_system *sys = weft_sim_system(sim);
    CHECK(weft_sim_run(sim));
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "phase bind failed: no can do"), 1);
    CHECK_ERR(sys->reason, WEFT_EDENIED);
    for (unsigned i = 0; i < asked->n; i++)
        CHECK(asked->got[i] % 10 != WEFT_PHASE_START);
    CHECK_U64(asked->n, 8); /* bind, close, drain and end, for both */
}

static void a_start_up_that_takes_too_long_fails(void)
{
    static const helper stuck = {.who = 1, .after_ms = {[WEFT_PHASE_START] = UINT32_MAX}};
    help(1, &stuck, ALL);
    weft_system *sys = weft_sim_system(sim);
    weft_sim_advance(sim, 30000);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "phase start failed: "), 1);
    CHECK_ERR(sys->reason, WEFT_ETIMEDOUT);
}

static void a_shut_down_during_start_up_skips_the_rest_of_it(void)
{
    static const helper slow = {.who = 1, .after_ms = {[WEFT_PHASE_BIND] = 500}};
    help(0, &slow, ALL);
    CHECK(weft_sim_run(sim));
    CHECK_ASKED(10);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    CHECK(weft_sim_run(sim));
    CHECK_ASKED(10, 12, 13, 14);
}

static char cut_line[128];
static void on_log(void *context, const weft_log_line *line)
{
    (void)context;
    if (strstr(line->text, "cut off") != NULL)
        (void)snprintf(cut_line, sizeof cut_line, "%s", line->text);
}

static void what_the_grace_cut_off_is_said(void)
{
    static const helper stuck = {.who = 1, .after_ms = {[WEFT_PHASE_DRAIN] = UINT32_MAX}};
    static const helper cutter = {.who = 2, .cut = 5};
    sim_with(&(weft_sim_options){.system = {.stop_grace_ms = 1000, .log_hook = on_log}});
    asked = record_new();
    cut_line[0] = '\0';
    help(0, &stuck, ALL);
    help(0, &cutter, 1U << WEFT_PHASE_DRAIN);
    CHECK(weft_sim_run(sim));
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 999);
    CHECK_U64(asked->n, 5);
    CHECK_STR(cut_line, "");
    weft_sim_advance(sim, 1);
    CHECK_U64(asked->n, 6); /* goodbyes are said all the same */
    CHECK_STR(cut_line, "shut-down cut off 6 pieces of accepted work");
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "phase drain failed: "), 1);
}

static weft_err stop_system(weft_actor *self, weft_msg *msg, void *with)
{
    const weft_err *reason = with;
    (void)msg;
    weft_system_stop(self, *reason);
    return WEFT_OK;
}

static void the_first_reason_to_stop_stands(void)
{
    weft_err one = WEFT_EIO, two = WEFT_ENOMEM;
    static const helper slow = {.who = 1, .after_ms = {[WEFT_PHASE_CLOSE] = 100}};
    help(0, &slow, ALL);
    weft_system *sys = weft_sim_system(sim);
    weft_ref a = sim_puppet_on(1, NULL);
    sim_do(a, stop_system, &one);
    sim_do(a, stop_system, &two);
    weft_system_shutdown(sys, WEFT_OK);
    weft_sim_advance(sim, 200);
    CHECK_ERR(sys->reason, WEFT_EIO);
}

/* ---- actors that do not want to end */

static unsigned stubborn_ends;
static weft_err stay(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}
static void note_end(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    stubborn_ends++;
}
static const weft_handler stubborn_handlers[] = {{.type = &weft_stopping_type, .fn = stay}, {0}};
static const weft_behaviour stubborn = {
    .name = "stubborn", .handlers = stubborn_handlers, .ended = note_end};

static void those_who_do_not_end_are_ended(void)
{
    stubborn_ends = 0;
    weft_system *sys = weft_sim_system(sim);
    for (unsigned i = 0; i < 2; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i, &stubborn, NULL)));
    CHECK(weft_sim_run(sim));
    weft_system_shutdown(sys, WEFT_OK);
    weft_sim_advance(sim, 999);
    CHECK_U64(stubborn_ends, 0);
    weft_sim_advance(sim, 2);
    CHECK_U64(stubborn_ends, 2);
}

static void those_who_are_asked_to_end_have_the_grace_of_the_system(void)
{
    stubborn_ends = 0;
    sim_with(&(weft_sim_options){.system = {.reactors = 2, .stop_grace_ms = 20000}});
    weft_system *sys = weft_sim_system(sim);
    for (unsigned i = 0; i < 2; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i, &stubborn, NULL)));
    CHECK(weft_sim_run(sim));
    weft_system_shutdown(sys, WEFT_OK);
    weft_sim_advance(sim, 19999);
    CHECK_U64(stubborn_ends, 0);
    weft_sim_advance(sim, 2);
    CHECK_U64(stubborn_ends, 2);
}

static weft_err suspend_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    CHECK_OK(weft_suspend(self, *(const weft_ref *)with));
    return WEFT_OK;
}

static void a_shut_down_does_not_wait_for_who_is_suspended(void)
{
    static const helper one = {.who = 1};
    weft_ref who = help(1, &one, ALL);
    CHECK(weft_sim_run(sim));
    sim_do(sim_puppet(NULL), suspend_it, &who);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    CHECK(weft_sim_run(sim)); /* no time passes */
    CHECK_ASKED(10, 11, 12, 13, 14);
}

static void there_is_a_limit_to_those_who_are_asked(void)
{
    weft_system *sys = weft_sim_system(sim);
    weft_ref a = sim_puppet(NULL);
    weft_err err = WEFT_OK;
    unsigned n = 0;
    while (n < 10000 && (err = weft_on_phase(sys, WEFT_PHASE_DRAIN, a)) == WEFT_OK)
        n++;
    CHECK_U64(n, 4096);
    CHECK_ERR(err, WEFT_ELIMIT);
    CHECK_OK(weft_on_phase(sys, WEFT_PHASE_END, a));
}

static void a_system_that_has_ended_answers_nothing(void)
{
    weft_ref a = sim_puppet(NULL);
    weft_system *sys = weft_sim_system(sim);
    CHECK(weft_sim_run(sim));
    weft_system_shutdown(sys, WEFT_OK);
    CHECK(weft_sim_run(sim));
    CHECK_ERR(weft_sim_tell(sim, a, num, .n = 1), WEFT_EGONE);
    CHECK_ERR(weft_sim_ask(sim, a, num, .n = 1)->err, WEFT_EGONE);
    CHECK_OK(weft_system_tell(sys, a, &num_type, &(num){1}));
    weft_system_shutdown(sys, WEFT_EIO); /* calm */
    CHECK_OK(sys->reason);
}

static const test_case cases[] = {
    TEST(they_come_in_order),
    TEST(the_next_one_waits_for_every_answer_of_the_last),
    TEST(those_without_a_row_and_those_who_have_ended_are_not_waited_for),
    TEST(a_failure_in_start_up_stops_the_system_with_it),
    TEST(a_start_up_that_takes_too_long_fails),
    TEST(a_shut_down_during_start_up_skips_the_rest_of_it),
    TEST(what_the_grace_cut_off_is_said),
    TEST(the_first_reason_to_stop_stands),
    TEST(those_who_do_not_end_are_ended),
    TEST(those_who_are_asked_to_end_have_the_grace_of_the_system),
    TEST(a_shut_down_does_not_wait_for_who_is_suspended),
    TEST(there_is_a_limit_to_those_who_are_asked),
    TEST(a_system_that_has_ended_answers_nothing),
    {0},
};

const test_suite phases_suite = {
    .name = "runtime/phases", .before = before, .after = sim_done, .cases = cases};
