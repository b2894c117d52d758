/* SPDX-License-Identifier: MIT */
/* Chains, combinators, promises and locks in fibers: awaited, looked at only after other waits, or never. */
#include "kit.h"

#include <weft/fiber.h>
#include <weft/sync.h>

#include "core.h"
#include "sys.h"

typedef struct waiting {
    weft_promise promise[2];
    weft_lock lock;
    weft_err err, used;
    uint64_t n;
    size_t index, outcomes;
    unsigned cut, steps, done;
} waiting;

static void cut(weft_actor *self, weft_promise *promise, void *context)
{
    (void)self, (void)promise;
    ((waiting *)context)->cut++;
}
static weft_err count(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    waiting *w = got->context;
    (void)self, (void)next;
    w->steps++;
    return WEFT_OK;
}
static weft_deferred promised(weft_actor *self, waiting *w, unsigned i)
{
    return weft_promise_new(self, &w->promise[i], cut, w);
}
static void look(waiting *w, const weft_outcome *got)
{
    const weft_outcomes *all = got->body;
    w->err = got->err;
    w->index = got->index;
    w->n = got->type == &num_type ? ((const num *)got->body)->n : 0;
    w->outcomes = got->type == &weft_outcomes_type ? all->n : 0;
    w->done++;
}

/* An actor with acts in fibers, and numbers outside of them that fire its promises. */
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
typedef struct firing {
    waiting *w;
    unsigned i;
} firing;
static const weft_type firing_type = WEFT_TYPE("test.firing", firing, NULL);
static weft_err on_firing(weft_actor *self, weft_msg *msg)
{
    const firing *f = weft_body(msg);
    f->w->used = weft_resolve(self, &f->w->promise[f->i], num, .n = 10 + f->i);
    return WEFT_OK;
}
static const weft_handler handlers[] = {
    {.type = &act_type, .fn = on_act, .fiber = true},
    {.type = &firing_type, .fn = on_firing},
    {0},
};
static const weft_behaviour fibrous = {.name = "fibrous", .handlers = handlers};

static weft_ref fibrous_new(void)
{
    return weft_sim_spawn(sim, &fibrous, NULL);
}

static weft_err await_chain(weft_actor *self, weft_msg *msg, void *with)
{
    waiting *w = with;
    (void)msg;
    look(w, weft_await(self, weft_then_with(self, promised(self, w, 0), count, w)));
    return WEFT_OK;
}

static void a_fiber_awaits_a_chain(void)
{
    waiting w = {.n = 0};
    weft_ref a = fibrous_new();
    sim_do(a, await_chain, &w);
    CHECK_U64(w.done, 0);
    CHECK_OK(weft_sim_tell(sim, a, firing, .w = &w, .i = 0));
    CHECK_U64(w.steps, 1);
    CHECK_U64(w.n, 10);
    CHECK_U64(sim_cells(0), 0);
}

static weft_err race_later(weft_actor *self, weft_msg *msg, void *with)
{
    waiting *w = with;
    (void)msg;
    weft_deferred d[] = {promised(self, w, 0), promised(self, w, 1)};
    weft_deferred race = weft_then_with(self, weft_race(self, d, 2, WEFT_CANCEL_REST), count, w);
    CHECK_OK(weft_sleep(self, 100));
    look(w, weft_await(self, race));
    return WEFT_OK;
}
static weft_err all_later(weft_actor *self, weft_msg *msg, void *with)
{
    waiting *w = with;
    (void)msg;
    weft_deferred d[] = {promised(self, w, 0), promised(self, w, 1)};
    weft_deferred all = weft_all(self, d, 2, WEFT_CANCEL_REST);
    CHECK_OK(weft_sleep(self, 100));
    weft_deferred next[] = {all, weft_succeed(self, num, .n = 1)};
    look(w, weft_await(self, weft_any(self, next, 1, WEFT_LEAVE_REST)));
    return weft_ignore(self, next[1]);
}

static void what_came_during_another_wait_is_there_afterwards(void)
{
    waiting w = {.n = 0}, v = {.n = 0};
    weft_ref a = fibrous_new();
    sim_do(a, race_later, &w);
    CHECK_OK(weft_sim_tell(sim, a, firing, .w = &w, .i = 1));
    CHECK_OK(w.used);
    CHECK_U64(w.cut, 1);
    CHECK_U64(w.steps, 1);
    CHECK_U64(w.done, 0);
    weft_sim_advance(sim, 100);
    CHECK_U64(w.done, 1);
    CHECK_U64(w.n, 11);
    CHECK_U64(w.index, 1);
    sim_do(a, all_later, &v);
    CHECK_OK(weft_sim_tell(sim, a, firing, .w = &v, .i = 1));
    CHECK_OK(weft_sim_tell(sim, a, firing, .w = &v, .i = 0));
    weft_sim_advance(sim, 100);
    CHECK_U64(v.outcomes, 2);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err never_look(weft_actor *self, weft_msg *msg, void *with)
{
    waiting *w = with;
    (void)msg;
    weft_deferred lock = weft_within(self, weft_lock_take(self, &w->lock), 500);
    weft_deferred bad = weft_failed(self, WEFT_EDENIED, "never looked at");
    (void)lock, (void)bad;
    CHECK_OK(weft_sleep(self, 100));
    CHECK_U64(w->lock.one.held, 1);
    w->done++;
    return WEFT_OK;
}

static void what_came_and_is_never_looked_at_is_logged_or_goes_back(void)
{
    waiting w = {.n = 0};
    sim_do(fibrous_new(), never_look, &w);
    weft_sim_advance(sim, 100);
    CHECK_U64(w.done, 1);
    CHECK_U64(w.lock.one.held, 0);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "never looked at (EDENIED)"), 1);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err await_all(weft_actor *self, weft_msg *msg, void *with)
{
    waiting *w = with;
    (void)msg;
    weft_deferred d[] = {promised(self, w, 0), weft_succeed(self, num, .n = 1)};
    weft_deferred kept =
        weft_any(self, (weft_deferred[]){weft_succeed(self, num, .n = 2)}, 1, WEFT_LEAVE_REST);
    look(w, weft_await(self, weft_within(self, weft_all(self, d, 2, WEFT_CANCEL_REST), 1000)));
    (void)weft_ignore(self, kept);
    return WEFT_OK;
}

static void an_actor_that_ends_ends_what_its_fiber_awaits(void)
{
    waiting w = {.n = 0};
    weft_ref a = fibrous_new();
    sim_do(a, await_all, &w);
    CHECK_U64(w.done, 0);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 1);
    CHECK_U64(w.done, 1);
    CHECK_ERR(w.err, WEFT_ESTOPPING);
    CHECK_U64(w.cut, 1);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err step_that_waits(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    waiting *w = got->context;
    (void)next;
    w->used = weft_sleep(self, 10);
    return WEFT_OK;
}
static weft_err await_waiting_step(weft_actor *self, weft_msg *msg, void *with)
{
    waiting *w = with;
    (void)msg;
    look(w, weft_await(self,
                       weft_then_with(self, weft_succeed(self, num, .n = 3), step_that_waits, w)));
    return WEFT_OK;
}

static void a_step_is_no_fiber_and_cannot_wait(void)
{
    waiting w = {.n = 0};
    sim_do(fibrous_new(), await_waiting_step, &w);
    CHECK_U64(w.done, 1);
    CHECK_U64(w.n, 3);
    CHECK_ERR(w.used, WEFT_EINVAL);
}

static const test_case cases[] = {
    TEST(a_fiber_awaits_a_chain),
    TEST(what_came_during_another_wait_is_there_afterwards),
    TEST(what_came_and_is_never_looked_at_is_logged_or_goes_back),
    TEST(an_actor_that_ends_ends_what_its_fiber_awaits),
    TEST(a_step_is_no_fiber_and_cannot_wait),
    {0},
};

const test_suite deferred_fiber_suite = {
    .name = "runtime/deferred_fiber", .before = sim_one, .after = sim_done, .cases = cases};
