/* SPDX-License-Identifier: MIT */
/* Chains: what steps may do, however long; what they inherit; limits of a Deferred's own. */
#include "kit.h"

#include "core.h"
#include "sys.h"

enum { MANY = 100000 };

typedef struct chained {
    came came; /* must be first: where on_came writes */
    weft_ref to;
    act inner; /* what is asked for */
    weft_deferred top, lower;
    weft_promise promise;
    unsigned steps, depth, cut, told;
    const void *body;
    void *context;
    uint32_t left_ms, armed;
    weft_err used;
} chained;

/* Steps that know where to write: the context of each is a chained. */

static weft_err count(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    (void)self, (void)next;
    c->steps++;
    c->body = got->body;
    return WEFT_OK;
}

static weft_err fail(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    (void)self, (void)next;
    c->steps++;
    return WEFT_EPROTO;
}

static weft_err ask_on(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    c->steps++;
    c->armed = WF_R->wheel.armed;
    *next = weft_ask_body(self, c->to, &act_type, &c->inner, WEFT_INHERIT);
    c->armed = WF_R->wheel.armed - c->armed;
    return WEFT_OK;
}

static void cut(weft_actor *self, weft_promise *promise, void *context)
{
    (void)self, (void)promise;
    ((chained *)context)->cut++;
}

static weft_deferred promise_of(weft_actor *self, chained *c)
{
    return weft_promise_new(self, &c->promise, cut, c);
}

/* What may be asked for. */

static weft_err say_seven(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, num, .n = 7);
}
static weft_err say_no(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_fail(msg, WEFT_EDENIED, "not today");
}
static weft_err say_time_left(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self;
    ((chained *)with)->left_ms = weft_time_left_ms(msg);
    return weft_reply(msg, num, .n = 8);
}
static weft_err keep_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    s->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err answer_kept(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    CHECK_OK(weft_reply(s->kept, num, .n = 8));
    weft_drop(&s->kept);
    return WEFT_OK;
}

/* What is done to one that was made. */

static weft_err cancel_top(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    (void)msg;
    c->used = weft_cancel(self, c->top);
    return WEFT_OK;
}
static weft_err resolve_it(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    (void)msg;
    c->used = weft_resolve(self, &c->promise, num, .n = 5);
    return WEFT_OK;
}

/* ---- however long */

static weft_err make_long(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    weft_deferred d = promise_of(self, c);
    for (unsigned i = 0; i < MANY; i++)
        d = weft_then_with(self, d, count, c);
    c->top = d;
    return weft_when(msg, d, on_came);
}

static void a_chain_of_100000_steps_runs_and_leaves_nothing_behind(void)
{
    chained c = {.steps = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make_long, &c);
    CHECK_U64(c.came.fired, 0);
    CHECK_U64(sim_cells(0), MANY + 1);
    sim_do(a, resolve_it, &c);
    CHECK_U64(c.steps, MANY);
    CHECK_U64(c.came.fired, 1);
    CHECK_U64(c.came.n, 5);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static void a_chain_of_100000_steps_is_cancelled_at_its_beginning(void)
{
    chained c = {.steps = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make_long, &c);
    sim_do(a, cancel_top, &c);
    CHECK_OK(c.used);
    CHECK_U64(c.cut, 1);
    CHECK_U64(c.steps, 0);
    CHECK_U64(c.came.fired, 1);
    CHECK_ERR(c.came.err, WEFT_ECANCELLED);
    CHECK_U64(sim_cells(0), 0);
}

static weft_err give_deeper(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    c->steps++;
    if (c->steps == MANY)
        *next = weft_succeed(self, num, .n = 3);
    else if (c->steps % 2 == 0)
        *next = weft_then_with(self, weft_succeed_body(self, NULL, NULL), give_deeper, c);
    else
        *next = weft_then_with(self, weft_ask_body(self, c->to, &act_type, &c->inner, 0),
                               give_deeper, c);
    c->depth = weft_sim_system(sim)->reactor[0]->cells_used;
    return WEFT_OK;
}
static weft_err begin_deeper(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(
        msg, weft_then_with(self, weft_succeed_body(self, NULL, NULL), give_deeper, with), on_came);
}

static void a_step_may_give_one_that_gives_one_100000_deep_in_constant_memory(void)
{
    chained c = {.to = sim_puppet(NULL), .inner.fn = say_seven};
    sim_do(sim_puppet(NULL), begin_deeper, &c);
    CHECK_U64(c.steps, MANY);
    CHECK_U64(c.came.fired, 1);
    CHECK_U64(c.came.n, 3);
    CHECK(c.depth < 10);
    CHECK_U64(sim_cells(0), 0);
}

static weft_err give_limited(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    c->steps++;
    *next = promise_of(self, c);
    if (c->steps < MANY)
        *next = weft_within(self, weft_then_with(self, *next, give_limited, c), 1000);
    return weft_resolve(self, &c->promise, num, .n = c->steps);
}
static weft_err begin_limited(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(msg,
                     weft_then_with(self, weft_succeed_body(self, NULL, NULL), give_limited, with),
                     on_came);
}

static void a_limit_at_each_of_100000_depths_takes_no_stack(void)
{
    chained c = {.steps = 0};
    sim_do(sim_puppet(NULL), begin_limited, &c);
    CHECK_U64(c.steps, MANY);
    CHECK_U64(c.came.fired, 1);
    CHECK_U64(c.came.n, MANY);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).timers, 0);
}

static weft_err give_lower(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    (void)self;
    *next = c->lower;
    return WEFT_OK;
}
static weft_err make_lower(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->lower = promise_of(self, c);
    return weft_when(msg, weft_then_with(self, weft_succeed_body(self, NULL, NULL), give_lower, c),
                     on_came);
}

static void one_that_was_detached_cannot_be_given(void)
{
    chained c = {.steps = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make_lower, &c);
    CHECK_U64(c.came.fired, 1);
    CHECK_ERR(c.came.err, WEFT_EUSED);
    sim_do(a, resolve_it, &c);
    CHECK_ERR(c.used, WEFT_EGONE);
    CHECK_U64(c.cut, 0);
}

/* ---- what a step may do */

static weft_err ask_count_count(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_ask_body(self, c->to, &act_type, &c->inner, WEFT_INHERIT);
    c->top = weft_then_with(self, c->top, count, c);
    c->top = weft_finally_with(self, c->top, count, c);
    return weft_when(msg, c->top, on_came);
}

static void what_passes_through_is_the_reply_itself_and_not_a_copy(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        chained c = {.to = sim_puppet_on(there, NULL), .inner.fn = say_seven};
        sim_do(sim_puppet(NULL), ask_count_count, &c);
        CHECK_U64(c.steps, 2);
        CHECK_U64(c.came.n, 7);
        CHECK(c.came.body == c.body && c.body != NULL);
    }
}

static void a_failure_passes_with_its_sentence(void)
{
    chained c = {.to = sim_puppet(NULL), .inner.fn = say_no};
    sim_do(sim_puppet(NULL), ask_count_count, &c);
    CHECK_U64(c.steps, 1);
    CHECK_ERR(c.came.err, WEFT_EDENIED);
    CHECK_STR(c.came.why, "not today");
}

static weft_err same_error(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    return got->err;
}
static weft_err another_error(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    CHECK(got->context == NULL);
    return WEFT_EIO;
}
static weft_err catch_same(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_catch(self, weft_failed(self, WEFT_EDENIED, "no"), same_error),
                     on_came);
}
static weft_err catch_other(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_catch(self, weft_failed(self, WEFT_EDENIED, "no"), another_error),
                     on_came);
}

static void a_step_that_returns_its_error_keeps_the_sentence(void)
{
    chained c = {.steps = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, catch_same, &c);
    CHECK_ERR(c.came.err, WEFT_EDENIED);
    CHECK_STR(c.came.why, "no");
    sim_do(a, catch_other, &c);
    CHECK_ERR(c.came.err, WEFT_EIO);
    CHECK_STR(c.came.why, weft_err_text(WEFT_EIO));
}

typedef struct letter {
    weft_bytes bytes;
} letter;
static const weft_type letter_type = WEFT_TYPE_BYTES("test.letter", letter, bytes, NULL);

static weft_err then_fail(weft_actor *self, weft_msg *msg, void *with)
{
    letter l = {weft_bytes_copy(msg, "a share of these is given back", 30)};
    return weft_when(
        msg, weft_then_with(self, weft_succeed_body(self, &letter_type, &l), fail, with), on_came);
}
static weft_err fail_then_nothing(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(
        msg, weft_catch_with(self, weft_failed(self, WEFT_EIO, "%s", "no"), count, with), on_came);
}

static void an_error_of_a_step_fails_the_chain_and_lets_go_of_the_value(void)
{
    chained c = {.steps = 0};
    sim_do(sim_puppet(NULL), then_fail, &c);
    CHECK_ERR(c.came.err, WEFT_EPROTO);
    CHECK_STR(c.came.why, weft_err_text(WEFT_EPROTO));
    CHECK_U64(WF_STAT_GET(weft_sim_system(sim)->reactor[0]->stat.buffers), 0);
}

static void a_catch_that_says_nothing_has_recovered_without_a_value(void)
{
    chained c = {.steps = 0};
    sim_do(sim_puppet(NULL), fail_then_nothing, &c);
    CHECK_U64(c.came.fired, 1);
    CHECK_OK(c.came.err);
    CHECK(c.came.type == NULL && c.came.body == NULL);
}

static weft_err use_twice(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    weft_deferred d = weft_succeed(self, num, .n = 1);
    CHECK_OK(weft_ignore(self, d));
    return weft_when(msg, weft_catch_with(self, weft_then(self, d, another_error), count, c),
                     on_came);
}
static weft_err use_anothers(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    return weft_when(msg, weft_then(self, c->top, another_error), on_came);
}
static weft_err make_top(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_then_with(self, promise_of(self, c), count, c);
    return weft_when(msg, c->top, on_came);
}

static void one_that_cannot_be_consumed_is_a_failure_like_any_other(void)
{
    chained c = {.steps = 0}, d = {.steps = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, use_twice, &c);
    CHECK_U64(c.steps, 1); /* the catch was given EUSED, and recovered */
    CHECK_OK(c.came.err);
    sim_do(a, make_top, &c);
    d.top = c.top;
    sim_do(sim_puppet(NULL), use_anothers, &d);
    CHECK_ERR(d.came.err, WEFT_EGONE);
    sim_do(a, use_anothers, &d);
    CHECK_ERR(d.came.err, WEFT_EUSED);
    sim_do(a, resolve_it, &c);
    CHECK_U64(c.came.n, 5);
}

static weft_err give_itself(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    c->used = weft_cancel(self, c->top);
    *next = c->top;
    return WEFT_OK;
}
static weft_err make_circle(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_then_with(self, weft_succeed(self, num, .n = 1), give_itself, c);
    return weft_when(msg, c->top, on_came);
}

static void a_step_can_neither_wait_for_its_own_chain_nor_cancel_it(void)
{
    chained c = {.steps = 0};
    sim_do(sim_puppet(NULL), make_circle, &c);
    CHECK_ERR(c.used, WEFT_EUSED);
    CHECK_U64(c.came.fired, 1);
    CHECK_ERR(c.came.err, WEFT_EUSED);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).late_replies, 0);
}

static weft_err fail_and_give(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)got;
    *next = weft_failed(self, WEFT_EDENIED, "given in vain");
    return WEFT_EIO;
}
static weft_err make_vain(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_then(self, weft_succeed_body(self, NULL, NULL), fail_and_give),
                     on_came);
}

static void what_a_failing_step_gives_is_detached(void)
{
    chained c = {.steps = 0};
    sim_do(sim_puppet(NULL), make_vain, &c);
    CHECK_ERR(c.came.err, WEFT_EIO);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "given in vain (EDENIED)"), 1);
}

/* ---- what it inherits */

static weft_err promise_then_ask(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_then_with(self, promise_of(self, c), ask_on, c);
    return weft_when(msg, c->top, on_came);
}
/* Asks @c->lower_to to do the above, within a limit. */
typedef struct outer {
    came came;
    weft_ref to;
    chained *inner;
    weft_deferred d;
} outer;
static weft_err ask_outer(weft_actor *self, weft_msg *msg, void *with)
{
    outer *o = with;
    o->d = weft_ask_within(self, o->to, 1000, act, .fn = promise_then_ask, .with = o->inner);
    return weft_when(msg, o->d, on_came);
}
static weft_err cancel_outer(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_cancel(self, ((outer *)with)->d);
}

static void a_step_inherits_the_rest_of_the_time_of_the_message_that_waits(void)
{
    chained c = {.to = sim_puppet(NULL), .inner = {say_time_left, &c}};
    weft_ref b = sim_puppet(NULL);
    outer o = {.to = b, .inner = &c};
    sim_do(sim_puppet(NULL), ask_outer, &o);
    weft_sim_advance(sim, 400);
    sim_do(b, resolve_it, &c);
    CHECK_U64(c.steps, 1);
    CHECK_U64(c.left_ms, 600);
    CHECK_U64(c.armed, 0); /* guarded by the one above */
    CHECK_U64(c.came.n, 8);
}

static void a_cancel_reaches_what_a_step_has_asked_across_reactors(void)
{
    for (unsigned i = 0; i < 4; i++) {
        sim_of(2);
        chained c = {.to = sim_puppet_on(i & 1, NULL), .inner = {keep_it, &c}};
        weft_ref b = sim_puppet_on(i >> 1, NULL), x = sim_puppet(NULL);
        outer o = {.to = b, .inner = &c};
        sim_do(x, ask_outer, &o);
        sim_do(b, resolve_it, &c);
        CHECK_U64(c.steps, 1);
        CHECK_U64(c.came.fired, 0);
        sim_do(x, cancel_outer, &o);
        CHECK_ERR(o.came.err, WEFT_ECANCELLED);
        CHECK_ERR(c.came.err, WEFT_ECANCELLED);
        CHECK_STR(c.came.why, "the asker no longer wants it");
        uint64_t late = sim_stats(i >> 1).late_replies;
        sim_do(c.to, answer_kept, NULL);
        CHECK_U64(c.came.fired, 1);
        CHECK_U64(sim_stats(i >> 1).late_replies - late, 1);
    }
}

static void what_a_step_has_asked_ends_with_the_limit_above(void)
{
    chained c = {.to = sim_puppet(NULL), .inner = {keep_it, &c}};
    weft_ref b = sim_puppet(NULL);
    outer o = {.to = b, .inner = &c};
    sim_do(sim_puppet(NULL), ask_outer, &o);
    sim_do(b, resolve_it, &c);
    weft_sim_advance(sim, 1000);
    CHECK_ERR(o.came.err, WEFT_ETIMEDOUT);
    CHECK_ERR(c.came.err, WEFT_ECANCELLED);
}

static weft_err answer_and_wait(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_ask_body(self, c->to, &act_type, &c->inner, WEFT_INHERIT);
    c->top = weft_then_with(self, c->top, count, c);
    CHECK_OK(weft_when(msg, c->top, on_came));
    return weft_reply(msg, num, .n = 1);
}
static weft_err ask_answered(weft_actor *self, weft_msg *msg, void *with)
{
    outer *o = with;
    o->d = weft_ask_within(self, o->to, 1000, act, .fn = answer_and_wait, .with = o->inner);
    return weft_when(msg, o->d, on_came);
}

static void what_a_chain_waits_for_gets_a_limit_when_its_guard_goes(void)
{
    chained c = {.to = sim_puppet(NULL), .inner = {keep_it, &c}};
    outer o = {.to = sim_puppet(NULL), .inner = &c};
    sim_do(sim_puppet(NULL), ask_answered, &o);
    CHECK_U64(o.came.n, 1);
    weft_sim_advance(sim, 29999);
    CHECK_U64(c.came.fired, 0);
    weft_sim_advance(sim, 1);
    CHECK_ERR(c.came.err, WEFT_ETIMEDOUT);
}

/* ---- nobody reads it */

static weft_err forget(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    (void)msg;
    c->top = weft_ask_body(self, c->to, &act_type, &c->inner, WEFT_INHERIT);
    c->top = weft_then_with(self, c->top, count, c);
    return WEFT_OK;
}

static void a_chain_that_nobody_waits_for_runs_and_logs_its_failure(void)
{
    chained c = {.to = sim_puppet(NULL), .inner.fn = say_seven};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, forget, &c);
    CHECK_U64(c.steps, 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read"), 0);
    c.inner.fn = say_no;
    sim_do(a, forget, &c);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read a failed answer: not today"), 1);
#ifdef WEFT_DEV
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "deferred_chain_test.c:"), 1);
#endif
    CHECK_U64(sim_cells(0), 0);
}

static weft_err forget_plain(weft_actor *self, weft_msg *msg, void *with)
{
    const chained *c = with;
    (void)msg;
    weft_deferred d = weft_ask(self, c->to, act, .fn = say_no);
    (void)d;
    return WEFT_OK;
}

static void an_unread_failure_says_whom_it_was_asked_of(void)
{
    chained c = {.to = sim_puppet(NULL)};
    char want[96], who[WEFT_REF_TEXT_BYTES];
    (void)snprintf(want, sizeof want, "; asked of %s", weft_ref_print(c.to, who));
    sim_do(sim_puppet(NULL), forget_plain, &c);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, want), 1);
}

/* ---- it ends in the middle */

static weft_err stop_here(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    chained *c = got->context;
    (void)next;
    c->steps++;
    return weft_stop(self, WEFT_OK);
}
static weft_err stop_in_a_step(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    weft_deferred d = weft_then_with(self, weft_succeed_body(self, NULL, NULL), stop_here, c);
    d = weft_then_with(self, d, ask_on, c);
    CHECK_OK(weft_ignore(self, promise_of(self, c)));
    return weft_when(msg, d, on_came);
}

static void an_actor_may_stop_within_a_step_and_all_of_it_ends(void)
{
    record *rec = record_new();
    chained c = {.to = sim_puppet(NULL), .inner = {keep_it, &c}};
    sim_do(sim_puppet(rec), stop_in_a_step, &c);
    CHECK_U64(rec->ends, 1);
    CHECK_U64(c.steps, 2);
    CHECK_U64(c.came.fired, 0);
    CHECK_U64(c.cut, 1);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_EIO);
}

static void an_asker_that_ends_cancels_what_its_chains_wait_for(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        chained c = {.to = sim_puppet_on(there, NULL), .inner.fn = keep_it};
        weft_ref a = sim_puppet(NULL);
        sim_do(a, ask_count_count, &c);
        sim_do(a, stop_it, NULL);
        CHECK_U64(c.steps, 0);
        CHECK_U64(sim_cells(0), 0);
        uint64_t late = sim_stats(0).late_replies;
        sim_do(c.to, answer_kept, NULL);
        CHECK_U64(sim_stats(0).late_replies + sim_stats(there).dead_letters, late + 1);
    }
}

/* ---- limits of its own */

static weft_err limit_chain(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->lower = weft_ask_body(self, c->to, &act_type, &c->inner, WEFT_NO_LIMIT);
    c->top = weft_within(self, weft_then_with(self, c->lower, count, c), 70);
    return weft_when(msg, c->top, on_came);
}

static void a_limit_says_who_and_how_long_and_cancels_there(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        chained c = {.to = sim_puppet_on(there, NULL), .inner.fn = keep_it};
        char want[96], who[WEFT_REF_TEXT_BYTES];
        sim_do(sim_puppet(NULL), limit_chain, &c);
        weft_sim_advance(sim, 69);
        CHECK_U64(c.came.fired, 0);
        weft_sim_advance(sim, 1);
        CHECK_ERR(c.came.err, WEFT_ETIMEDOUT);
        (void)snprintf(want, sizeof want, "%s did not answer within 70 ms",
                       weft_ref_print(c.to, who));
        CHECK_STR(c.came.why, want);
        CHECK_U64(c.steps, 0);
        CHECK_U64(sim_cells(0), 0);
        CHECK_U64(sim_stats(0).timers, 0);
        sim_do(c.to, answer_kept, NULL);
        CHECK_U64(c.came.fired, 1);
    }
}

static weft_err limit_promise(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_within(self, promise_of(self, c), 70);
    return weft_when(msg, c->top, on_came);
}

static void a_limit_over_a_promise_says_whose_it_was(void)
{
    chained c = {.steps = 0};
    weft_ref a = sim_puppet(NULL);
    char want[96], who[WEFT_REF_TEXT_BYTES];
    sim_do(a, limit_promise, &c);
    weft_sim_advance(sim, 70);
    CHECK_ERR(c.came.err, WEFT_ETIMEDOUT);
    (void)snprintf(want, sizeof want, "nothing came in %s within 70 ms", weft_ref_print(a, who));
    CHECK_STR(c.came.why, want);
    CHECK_U64(c.cut, 1);
}

static weft_err catch_asks(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    c->top = weft_within(self, weft_catch_with(self, promise_of(self, c), ask_on, c), 70);
    return weft_when(msg, c->top, on_came);
}

static void a_limit_does_not_wait_for_a_chain_that_waits_again(void)
{
    chained c = {.to = sim_puppet(NULL), .inner.fn = keep_it};
    sim_do(sim_puppet(NULL), catch_asks, &c);
    weft_sim_advance(sim, 70);
    CHECK_U64(c.cut, 1);
    CHECK_U64(c.steps, 1);
    CHECK_U64(c.came.fired, 1);
    CHECK_ERR(c.came.err, WEFT_ETIMEDOUT);
    CHECK_U64(sim_cells(0), 0); /* what it asked meanwhile is cancelled */
}

static weft_err limit_none(weft_actor *self, weft_msg *msg, void *with)
{
    chained *c = with;
    weft_deferred d = promise_of(self, c);
    c->top = weft_within(self, d, WEFT_NO_LIMIT);
    CHECK(c->top.slot == d.slot && c->top.gen == d.gen);
    c->top = weft_within(self, c->top, WEFT_INHERIT);
    return weft_when(msg, c->top, on_came);
}

static void an_inherited_limit_is_the_systems_where_there_is_none(void)
{
    chained c = {.steps = 0};
    sim_do(sim_puppet(NULL), limit_none, &c);
    weft_sim_advance(sim, 29999);
    CHECK_U64(c.came.fired, 0);
    weft_sim_advance(sim, 1);
    CHECK_ERR(c.came.err, WEFT_ETIMEDOUT);
}

static const test_case cases[] = {
    TEST(a_chain_of_100000_steps_runs_and_leaves_nothing_behind),
    TEST(a_chain_of_100000_steps_is_cancelled_at_its_beginning),
    TEST(a_step_may_give_one_that_gives_one_100000_deep_in_constant_memory),
    TEST(a_limit_at_each_of_100000_depths_takes_no_stack),
    TEST(one_that_was_detached_cannot_be_given),
    TEST(what_passes_through_is_the_reply_itself_and_not_a_copy),
    TEST(a_failure_passes_with_its_sentence),
    TEST(a_step_that_returns_its_error_keeps_the_sentence),
    TEST(an_error_of_a_step_fails_the_chain_and_lets_go_of_the_value),
    TEST(a_catch_that_says_nothing_has_recovered_without_a_value),
    TEST(one_that_cannot_be_consumed_is_a_failure_like_any_other),
    TEST(a_step_can_neither_wait_for_its_own_chain_nor_cancel_it),
    TEST(what_a_failing_step_gives_is_detached),
    TEST(a_step_inherits_the_rest_of_the_time_of_the_message_that_waits),
    TEST(a_cancel_reaches_what_a_step_has_asked_across_reactors),
    TEST(what_a_step_has_asked_ends_with_the_limit_above),
    TEST(what_a_chain_waits_for_gets_a_limit_when_its_guard_goes),
    TEST(a_chain_that_nobody_waits_for_runs_and_logs_its_failure),
    TEST(an_unread_failure_says_whom_it_was_asked_of),
    TEST(an_actor_may_stop_within_a_step_and_all_of_it_ends),
    TEST(an_asker_that_ends_cancels_what_its_chains_wait_for),
    TEST(a_limit_says_who_and_how_long_and_cancels_there),
    TEST(a_limit_over_a_promise_says_whose_it_was),
    TEST(a_limit_does_not_wait_for_a_chain_that_waits_again),
    TEST(an_inherited_limit_is_the_systems_where_there_is_none),
    {0},
};

const test_suite deferred_chain_suite = {
    .name = "runtime/deferred_chain", .before = sim_one, .after = sim_done, .cases = cases};
