/* SPDX-License-Identifier: MIT */
/* Outcomes that memory had no room for when they were due: they come later, also where nothing else would end
 * the wait. Each case is run with the n-th taking of memory failing, and with so many behind it. */
#include "kit.h"

#include "runtime/alloc.h"

enum { FIRST_MAX = 12, WITHOUT_MS = 100 };

static const long runs[] = {1, 2, 3, 1000};
static long first, run;

typedef struct question {
    weft_ref to;
    act_fn *answer;
} question;

static weft_err ask_without_limit(weft_actor *self, weft_msg *msg, const question *q)
{
    return weft_when(
        msg, weft_ask_within(self, q->to, WEFT_NO_LIMIT, act, .fn = q->answer, .with = NULL),
        on_came);
}

/* From here on memory is out for a while. */
static void memory_goes(void)
{
    wf_alloc_fail_run(first, run);
}

static weft_err fails_with_a_sentence(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    memory_goes();
    return weft_fail(msg, WEFT_EDENIED, "no %s", "entry");
}
static weft_err returns_an_error(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    memory_goes();
    return WEFT_EDENIED;
}
static weft_err forgets_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    memory_goes();
    return WEFT_OK;
}
static weft_err answers(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    memory_goes();
    return weft_reply(msg, num, .n = 7);
}
static weft_err stops_while_it_serves(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    (void)weft_keep(msg);
    memory_goes();
    return weft_stop(self, WEFT_OK);
}

/* What on_came writes to: act.with of the asker's own message. */
typedef struct asking {
    came came; /* must be first */
    question q;
} asking;

static weft_err ask_it(weft_actor *self, weft_msg *msg, void *with)
{
    return ask_without_limit(self, msg, &((asking *)with)->q);
}

/* Asks one on reactor @where, for all kinds of shortage. */
static void each_shortage(unsigned where, act_fn *answer, weft_err wanted)
{
    unsigned late = 0;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (first = 0; first < FIRST_MAX; first++) {
            static asking a;
            run = runs[i];
            sim_of(2);
            weft_ref asker = sim_puppet(NULL);
            a = (asking){.q = {.to = sim_puppet_on(where, NULL), .answer = answer}};
            sim_do(asker, ask_it, &a);
            late += a.came.fired == 0;
            wf_alloc_fail_after(-1);
            weft_sim_advance(sim, WITHOUT_MS);
            CHECK_U64(a.came.fired, 1);
            CHECK(a.came.err == wanted || a.came.err == WEFT_ENOMEM);
            sim_done();
        }
    CHECK(late > 0); /* else no shortage was one that matters */
    sim_one();
}

static void a_failure_comes_later(void)
{
    each_shortage(0, fails_with_a_sentence, WEFT_EDENIED);
}
static void a_failure_for_another_reactor_comes_later(void)
{
    each_shortage(1, fails_with_a_sentence, WEFT_EDENIED);
}
static void an_error_of_a_handler_comes_later(void)
{
    each_shortage(0, returns_an_error, WEFT_EDENIED);
    each_shortage(1, returns_an_error, WEFT_EDENIED);
}
static void that_a_request_was_forgotten_comes_later(void)
{
    each_shortage(0, forgets_it, WEFT_ENOANSWER);
    each_shortage(1, forgets_it, WEFT_ENOANSWER);
}
static void an_answer_that_cannot_be_made_is_a_failure_later(void)
{
    each_shortage(0, answers, WEFT_OK);
    each_shortage(1, answers, WEFT_OK);
}
static void that_who_was_asked_has_ended_comes_later(void)
{
    each_shortage(1, stops_while_it_serves, WEFT_EGONE);
}

/* ---- refused where it arrives */

static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}
static weft_err ask_and_go(weft_actor *self, weft_msg *msg, void *with)
{
    weft_err err = ask_it(self, msg, with);
    memory_goes();
    return err;
}

static void a_refusal_at_another_reactor_comes_later(void)
{
    unsigned late = 0;
    for (first = 0; first < FIRST_MAX; first++) {
        static asking a;
        run = 1000;
        sim_of(2);
        weft_ref asker = sim_puppet(NULL), gone = sim_puppet_on(1, NULL);
        sim_do(gone, stop_now, NULL);
        a = (asking){.q = {.to = gone, .answer = forgets_it}};
        sim_do(asker, ask_and_go, &a);
        late += a.came.fired == 0;
        wf_alloc_fail_after(-1);
        weft_sim_advance(sim, WITHOUT_MS);
        CHECK_U64(a.came.fired, 1);
        CHECK(a.came.err == WEFT_EGONE || a.came.err == WEFT_ENOMEM);
        sim_done();
    }
    CHECK(late > 0);
    sim_one();
}

/* A system that ends meanwhile leaves nothing behind. */
static void what_is_owed_when_the_system_ends_is_forgotten(void)
{
    static asking a;
    first = 0;
    run = 1000;
    sim_of(2);
    a = (asking){.q = {.to = sim_puppet_on(1, NULL), .answer = forgets_it}};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_U64(a.came.fired, 0);
    wf_alloc_fail_after(-1);
}

/* ---- spawns that fail half-way */

static unsigned began, over, children_over;
static weft_err on_began(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    began++;
    return WEFT_OK;
}
static void on_over(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    over++;
}
static void on_child_over(weft_actor *self, weft_ref child, weft_err reason)
{
    (void)self, (void)child, (void)reason;
    children_over++;
}
static const weft_handler lives_rows[] = {{.type = &weft_started_type, .fn = on_began}, {0}};
static const weft_behaviour lives = {
    .name = "lives", .handlers = lives_rows, .state_bytes = 8, .ended = on_over};

static weft_ref spawned;
static weft_err spawn_one(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    memory_goes();
    spawned = weft_spawn(self, &lives, NULL);
    wf_alloc_fail_after(-1);
    return WEFT_OK;
}
static const weft_handler parent_rows[] = {{.type = &act_type, .fn = spawn_one}, {0}};
static const weft_behaviour parent = {
    .name = "parent", .handlers = parent_rows, .child_ended = on_child_over};

static void one_that_could_not_be_spawned_never_was(void)
{
    unsigned nobody = 0;
    run = 1;
    for (first = 0; first < FIRST_MAX; first++) {
        sim_one();
        began = over = children_over = 0;
        weft_ref p = weft_system_spawn(weft_sim_system(sim), 0, &parent, NULL);
        sim_do(p, stop_now, NULL); /* whatever it is: it spawns */
        weft_sim_advance(sim, WITHOUT_MS);
        bool none = weft_ref_is_nobody(spawned);
        CHECK_U64(began, !none);
        CHECK_U64(over, 0);
        CHECK_U64(children_over, 0);
        nobody += none;
        memory_goes();
        weft_ref ref = weft_system_spawn(weft_sim_system(sim), 0, &lives, NULL);
        wf_alloc_fail_after(-1);
        weft_sim_advance(sim, WITHOUT_MS);
        CHECK_U64(began, (unsigned)!none + (unsigned)!weft_ref_is_nobody(ref));
        CHECK_U64(over, 0);
        sim_done();
    }
    CHECK(nobody > 0);
    sim_one();
}

static const test_case cases[] = {
    TEST(a_failure_comes_later),
    TEST(a_failure_for_another_reactor_comes_later),
    TEST(an_error_of_a_handler_comes_later),
    TEST(that_a_request_was_forgotten_comes_later),
    TEST(an_answer_that_cannot_be_made_is_a_failure_later),
    TEST(that_who_was_asked_has_ended_comes_later),
    TEST(a_refusal_at_another_reactor_comes_later),
    TEST(what_is_owed_when_the_system_ends_is_forgotten),
    TEST(one_that_could_not_be_spawned_never_was),
    {0},
};

const test_suite owed_suite = {"runtime/owed", sim_one, sim_done, cases, false};
