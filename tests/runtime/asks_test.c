/* SPDX-License-Identifier: MIT */
/* Asks: answers, failures, limits and what they inherit; no ask may hang. */
#include "kit.h"

#include <weft/edge.h>

#include "core.h"
#include "driver_sim.h"
#include "reactor.h"
#include "sys.h"

/* An ask, and what it came to. */
typedef struct asked {
    weft_ref to;
    act inner;      /* what is asked for */
    uint32_t limit; /* as of weft_ask_body */
    weft_deferred deferred;
    unsigned fired;
    weft_err err;
    char why[WEFT_WHY_BYTES];
    const weft_type *type;
    uint64_t n;
    weft_ref from;
    uint32_t at_ms;
    weft_err used;
} asked;

static void fill_in(weft_actor *self, asked *a, const weft_outcome *got)
{
    a->fired++;
    a->err = got->err;
    (void)snprintf(a->why, sizeof a->why, "%s", got->why);
    a->type = got->type;
    a->n = got->type == &num_type ? ((const num *)got->body)->n : 0;
    a->from = got->from;
    a->at_ms = weft_now_ms(self);
}

static asked *asked_of(const weft_msg *msg)
{
    return ((const act *)weft_body(msg))->with;
}

static weft_err on_asked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    fill_in(self, asked_of(msg), got);
    return WEFT_OK;
}

static weft_err ask_it(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, a->limit);
    return weft_when(msg, a->deferred, on_asked);
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
    return weft_fail(msg, WEFT_EDENIED, "not on a %s", "sunday");
}
static weft_err keep_for_ever(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    weft_drop(&s->kept);
    s->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err drop_kept(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    weft_drop(&s->kept);
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
static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static wf_reactor *reactor(unsigned i)
{
    return weft_sim_system(sim)->reactor[i];
}

/* ---- answers */

static void an_answer_comes_with_its_type_and_who_gave_it(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        asked a = {.to = sim_puppet_on(there, NULL), .inner.fn = say_seven};
        sim_do(sim_puppet(NULL), ask_it, &a);
        CHECK_U64(a.fired, 1);
        CHECK_OK(a.err);
        CHECK_STR(a.why, "");
        CHECK(a.type == &num_type);
        CHECK_U64(a.n, 7);
        CHECK(weft_ref_same(a.from, a.to));
        CHECK_U64(sim_stats(0).asks, 0);
    }
}

static void a_failure_comes_with_its_sentence(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        asked a = {.to = sim_puppet_on(there, NULL), .inner.fn = say_no};
        sim_do(sim_puppet(NULL), ask_it, &a);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_EDENIED);
        CHECK_STR(a.why, "not on a sunday");
        CHECK(a.type == NULL);
    }
}

static weft_err say_it_badly(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    return weft_fail(msg, WEFT_EINVAL, "%s", longer);
}

static void a_sentence_that_is_too_long_is_cut(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = say_it_badly};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_ERR(a.err, WEFT_EINVAL);
    CHECK_U64(strlen(a.why), WEFT_WHY_BYTES - 1);
}

static weft_err say_seven_anyhow(weft_actor *self, weft_msg *msg)
{
    (void)self;
    CHECK_ERR(weft_reply(msg, num, .n = 7), WEFT_ETYPE);
    CHECK(!weft_is_request(msg));
    return WEFT_OK;
}
static const weft_type only_act_type = {.name = "test.only", .size = 8, .reply = &act_type};
static const weft_handler wrong_handlers[] = {{.type = &only_act_type, .fn = say_seven_anyhow},
                                              {0}};
static const weft_behaviour wrong = {.name = "wrong", .handlers = wrong_handlers};

static void an_answer_of_the_wrong_type_fails_both_ends(void)
{
    weft_ref to = weft_sim_spawn(sim, &wrong, NULL);
    const weft_outcome *got = weft_sim_ask_body(sim, to, &only_act_type, &(num){1}, WEFT_INHERIT);
    CHECK_ERR(got->err, WEFT_ETYPE);
    CHECK_STR(got->why, "test.only is answered by kit.act, not by kit.num");
}

static weft_err say_it_twice(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    CHECK_OK(weft_reply(msg, num, .n = 1));
    CHECK_ERR(weft_reply(msg, num, .n = 2), WEFT_EUSED);
    CHECK_ERR(weft_fail(msg, WEFT_EINVAL, "late"), WEFT_EUSED);
    return WEFT_EINTERNAL; /* is nobody's any more: logged */
}

static void a_second_answer_is_an_error(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = say_it_twice};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_U64(a.fired, 1);
    CHECK_U64(a.n, 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_INFO, "failed to serve kit.act"), 1);
}

static weft_err answer_a_tell(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    CHECK_OK(weft_reply(msg, num, .n = 1));
    CHECK_OK(weft_fail(msg, WEFT_EINVAL, NULL));
    return WEFT_OK;
}

static void a_tell_has_nobody_to_answer(void)
{
    sim_do(sim_puppet(NULL), answer_a_tell, NULL);
}

static void an_actor_may_ask_itself(void)
{
    weft_ref me = sim_puppet(NULL);
    asked a = {.to = me, .inner.fn = say_seven};
    sim_do(me, ask_it, &a);
    CHECK_OK(a.err);
    CHECK_U64(a.n, 7);
}

static void what_cannot_be_sent_is_a_failed_deferred(void)
{
    weft_ref gone = sim_puppet(NULL);
    sim_do(gone, stop_now, NULL);
    asked a = {.to = gone, .inner.fn = say_seven};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_ERR(a.err, WEFT_EGONE);
    a.to = WEFT_NOBODY;
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_ERR(a.err, WEFT_EGONE);
    CHECK_U64(a.fired, 2);
    CHECK_U64(sim_stats(0).asks, 0);
}

/* ---- waiting */

typedef struct waits {
    asked first, second;
    unsigned step;
} waits;

static weft_err on_second(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    waits *w = ((const act *)weft_body(msg))->with;
    fill_in(self, &w->second, got);
    w->step = w->step * 10 + 2;
    return weft_reply(msg, num, .n = 100);
}

static weft_err on_first(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    waits *w = ((const act *)weft_body(msg))->with;
    fill_in(self, &w->first, got);
    w->step = w->step * 10 + 1;
    return weft_when(msg, weft_ask_body(self, w->second.to, &act_type, &w->second.inner, 0),
                     on_second);
}

static weft_err one_after_the_other(weft_actor *self, weft_msg *msg, void *with)
{
    waits *w = with;
    return weft_when(msg, weft_ask_body(self, w->first.to, &act_type, &w->first.inner, 0),
                     on_first);
}

static void a_message_may_wait_again_and_again(void)
{
    waits w = {.first = {.to = sim_puppet(NULL), .inner.fn = say_seven},
               .second = {.to = sim_puppet(NULL), .inner.fn = say_no}};
    const weft_outcome *got = sim_ask(sim_puppet(NULL), one_after_the_other, &w);
    CHECK_OK(got->err);
    CHECK_U64(w.step, 12);
    CHECK_OK(w.first.err);
    CHECK_ERR(w.second.err, WEFT_EDENIED);
}

static weft_err on_either(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    waits *w = ((const act *)weft_body(msg))->with;
    (void)self, (void)got;
    w->step++;
    return w->step == 2 ? weft_reply(msg, num, .n = w->step) : WEFT_OK;
}

static weft_err both_at_once(weft_actor *self, weft_msg *msg, void *with)
{
    waits *w = with;
    CHECK_OK(
        weft_when(msg, weft_ask_body(self, w->first.to, &act_type, &w->first.inner, 0), on_either));
    return weft_when(msg, weft_ask_body(self, w->second.to, &act_type, &w->second.inner, 0),
                     on_either);
}

static void a_message_may_wait_for_two_things_at_once(void)
{
    waits w = {.first = {.to = sim_puppet(NULL), .inner.fn = say_seven},
               .second = {.to = sim_puppet(NULL), .inner.fn = say_no}};
    const weft_outcome *got = sim_ask(sim_puppet(NULL), both_at_once, &w);
    CHECK_OK(got->err);
    CHECK_U64(((const num *)got->body)->n, 2);
}

static weft_err on_asked_fail(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg, (void)got;
    return WEFT_EPROTO;
}

static weft_err wait_and_fail(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    return weft_when(msg, weft_ask_body(self, a->to, &act_type, &a->inner, 0), on_asked_fail);
}

static void an_error_of_a_continuation_fails_its_request(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = say_seven};
    weft_ref b = sim_puppet(NULL);
    CHECK_ERR(sim_ask(b, wait_and_fail, &a)->err, WEFT_EPROTO);
    sim_do(b, wait_and_fail, &a);
    CHECK_U64(weft_sim_logged(sim, WEFT_INFO, "failed to serve kit.act: protocol error"), 1);
}

static weft_err use_it_twice(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    weft_deferred d = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    CHECK_OK(weft_when(msg, d, on_asked));
    CHECK_ERR(weft_when(msg, d, on_asked), WEFT_EUSED);
    CHECK_ERR(weft_ignore(self, d), WEFT_EUSED);
    a->deferred = d;
    return WEFT_OK;
}

static weft_err use_anothers(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    CHECK_ERR(weft_when(msg, a->deferred, on_asked), WEFT_EGONE);
    CHECK_ERR(weft_ignore(self, a->deferred), WEFT_EGONE);
    CHECK(weft_cancel(self, a->deferred) != WEFT_OK);
    return WEFT_OK;
}

static void a_deferred_is_consumed_once_and_by_its_actor(void)
{
    weft_ref b = sim_puppet(NULL);
    asked a = {.to = b, .inner.fn = keep_for_ever};
    sim_do(sim_puppet(NULL), use_it_twice, &a);
    sim_do(sim_puppet(NULL), use_anothers, &a);
    CHECK_U64(a.fired, 0);
    sim_do(b, answer_kept, NULL);
    CHECK_U64(a.fired, 1);
    CHECK_OK(a.err);
}

static weft_err ask_and_forget(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    (void)msg;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    return WEFT_OK;
}
static weft_err ask_and_ignore(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    (void)msg;
    return weft_ignore(self, weft_ask_body(self, a->to, &act_type, &a->inner, 0));
}

static void a_failure_that_nobody_waits_for_is_logged(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = say_no};
    sim_do(sim_puppet(NULL), ask_and_ignore, &a);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "not on a sunday"), 0);
    sim_do(sim_puppet(NULL), ask_and_forget, &a);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "not on a sunday (EDENIED)"), 1);
}

static void an_answer_that_nobody_waits_for_is_not_logged(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = say_seven};
    sim_do(sim_puppet(NULL), ask_and_forget, &a);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read"), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

/* ---- limits */

static void a_limit_that_is_given_is_exact(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = keep_for_ever, .limit = 250};
    char want[120], ref[WEFT_REF_TEXT_BYTES];
    weft_sim_advance(sim, 40);
    uint32_t begun = weft_sim_now(sim);
    sim_do(sim_puppet(NULL), ask_it, &a);
    weft_sim_advance(sim, 249);
    CHECK_U64(a.fired, 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_sim_now(sim) - begun, 250);
    (void)snprintf(want, sizeof want, "%s did not answer within 250 ms", weft_ref_print(a.to, ref));
    CHECK_STR(a.why, want);
}

static void the_systems_limit_holds_for_asks_without_one(void)
{
    sim_with(&(weft_sim_options){.system.ask_limit_ms = 77});
    asked a = {.to = sim_puppet(NULL), .inner.fn = keep_for_ever};
    sim_do(sim_puppet(NULL), ask_it, &a);
    weft_sim_advance(sim, 76);
    CHECK_U64(a.fired, 0);
    weft_sim_advance(sim, 1);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
}

static void the_default_limit_is_half_a_minute(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = keep_for_ever};
    sim_do(sim_puppet(NULL), ask_it, &a);
    weft_sim_advance(sim, 29999);
    CHECK_U64(a.fired, 0);
    weft_sim_advance(sim, 1);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
}

static void an_ask_may_be_without_a_limit(void)
{
    weft_ref b = sim_puppet(NULL);
    asked a = {.to = b, .inner.fn = keep_for_ever, .limit = WEFT_NO_LIMIT};
    sim_do(sim_puppet(NULL), ask_it, &a);
    weft_sim_advance(sim, 10000000);
    CHECK_U64(a.fired, 0);
    sim_do(b, answer_kept, NULL);
    CHECK_OK(a.err);
}

static weft_err ask_on(weft_actor *self, weft_msg *msg, void *with)
{
    return ask_it(self, msg, with);
}

/* a asks b within 100 ms, b asks c, c keeps. */
static void an_inherited_limit_arms_nothing_and_ends_with_the_one_above(void)
{
    weft_ref b = sim_puppet(NULL), c = sim_puppet(NULL);
    asked inner = {.to = c, .inner.fn = keep_for_ever};
    asked a = {.to = b, .inner = {ask_on, &inner}, .limit = 100};
    uint32_t before = reactor(0)->wheel.armed;
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_U64(reactor(0)->wheel.armed - before, 1);
    CHECK_U64(sim_stats(0).asks, 2);
    weft_sim_advance(sim, 100);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK_U64(inner.fired, 1);
    CHECK_ERR(inner.err, WEFT_ECANCELLED);
    CHECK_U64(sim_stats(0).asks, 0);
    sim_do(c, drop_kept, NULL);
}

static void an_inherited_limit_ends_with_the_one_above_on_other_reactors_too(void)
{
    sim_of(3);
    weft_ref b = sim_puppet_on(1, NULL), c = sim_puppet_on(2, NULL);
    asked inner = {.to = c, .inner.fn = keep_for_ever};
    asked a = {.to = b, .inner = {ask_on, &inner}, .limit = 100};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_U64(reactor(1)->wheel.armed, 0);
    weft_sim_advance(sim, 100);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK_ERR(inner.err, WEFT_ECANCELLED);
    for (unsigned i = 0; i < 3; i++)
        CHECK_U64(sim_stats(i).asks, 0);
    sim_do(c, drop_kept, NULL);
}

static weft_err ask_on_shortly(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    a->limit = 10;
    return ask_it(self, msg, with);
}

static void a_limit_of_its_own_stands_below_an_inherited_one(void)
{
    weft_ref b = sim_puppet(NULL), c = sim_puppet(NULL);
    asked inner = {.to = c, .inner.fn = keep_for_ever};
    asked a = {.to = b, .inner = {ask_on_shortly, &inner}, .limit = 100};
    sim_do(sim_puppet(NULL), ask_it, &a);
    weft_sim_advance(sim, 10);
    CHECK_ERR(inner.err, WEFT_ETIMEDOUT);
    CHECK_ERR(a.err, WEFT_ENOANSWER); /* b's continuation gave none */
}

static weft_err reply_then_ask_on(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(weft_reply(msg, num, .n = 1));
    return ask_it(self, msg, with);
}
static weft_err ask_on_then_reply(weft_actor *self, weft_msg *msg, void *with)
{
    weft_err err = ask_it(self, msg, with);
    CHECK_OK(weft_reply(msg, num, .n = 1));
    return err;
}
static weft_err ask_then_reply_then_wait(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    CHECK_OK(weft_reply(msg, num, .n = 1));
    return weft_when(msg, a->deferred, on_asked);
}
static weft_err ask_on_then_forward(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    if (a->deferred.slot != 0) /* this is where it was forwarded to */
        return weft_reply(msg, num, .n = 1);
    weft_err err = ask_it(self, msg, with);
    CHECK_OK(weft_forward(msg, a->from));
    return err;
}
static weft_err ask_on_and_ignore(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    CHECK_OK(weft_ignore(self, weft_ask_body(self, a->to, &act_type, &a->inner, 0)));
    return weft_reply(msg, num, .n = 1);
}
static weft_err ask_on_and_forget(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    return weft_reply(msg, num, .n = 1);
}

/* Whatever b does with the request that guards what it asks of c, that ends. */
static void check_guard_gone(act_fn *what_b_does)
{
    sim_of(1);
    weft_ref b = sim_puppet(NULL), c = sim_puppet(NULL), d = sim_puppet(NULL);
    asked inner = {.to = c, .inner.fn = keep_for_ever, .from = d};
    asked a = {.to = b, .inner = {what_b_does, &inner}, .limit = 100};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_OK(a.err);
    weft_sim_advance(sim, 31000);
    CHECK_U64(sim_stats(0).asks, 0);
    if (what_b_does != ask_on_and_ignore && what_b_does != ask_on_and_forget) {
        CHECK_U64(inner.fired, 1);
        CHECK_ERR(inner.err, WEFT_ETIMEDOUT);
    }
}

static void an_inherited_ask_ends_though_its_guard_was_answered_before_it(void)
{
    check_guard_gone(reply_then_ask_on);
}
static void an_inherited_ask_ends_though_its_guard_was_answered_after_it(void)
{
    check_guard_gone(ask_on_then_reply);
}
static void an_inherited_ask_ends_though_its_guard_was_answered_before_the_wait(void)
{
    check_guard_gone(ask_then_reply_then_wait);
}
static void an_inherited_ask_ends_though_its_guard_was_forwarded(void)
{
    check_guard_gone(ask_on_then_forward);
}
static void an_inherited_ask_that_is_ignored_ends(void)
{
    check_guard_gone(ask_on_and_ignore);
}
static void an_inherited_ask_that_is_forgotten_ends(void)
{
    check_guard_gone(ask_on_and_forget);
}

typedef struct telling {
    asked inner; /* first: a continuation finds it where the act's own would be */
    weft_ref to;
} telling;

static weft_err tell_on(weft_actor *self, weft_msg *msg, void *with)
{
    telling *t = with;
    CHECK_OK(weft_tell(self, t->to, act, .fn = ask_it, .with = &t->inner));
    return weft_reply(msg, num, .n = 1);
}

static void an_ask_made_by_what_was_told_on_ends_in_the_rest_of_the_time(void)
{
    telling t = {.to = sim_puppet(NULL),
                 .inner = {.to = sim_puppet(NULL), .inner.fn = keep_for_ever}};
    asked a = {.to = sim_puppet(NULL), .inner = {tell_on, &t}, .limit = 100};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_OK(a.err);
    weft_sim_advance(sim, 100);
    CHECK_U64(t.inner.fired, 1);
    CHECK_ERR(t.inner.err, WEFT_ETIMEDOUT);
}

static weft_err forward_on(weft_actor *self, weft_msg *msg, void *with)
{
    telling *t = with;
    if (!weft_ref_same(weft_self(self), t->to))
        return weft_forward(msg, t->to);
    return ask_it(self, msg, &t->inner);
}

static void an_ask_made_by_whom_it_was_forwarded_to_ends(void)
{
    telling t = {.to = sim_puppet(NULL),
                 .inner = {.to = sim_puppet(NULL), .inner.fn = keep_for_ever}};
    asked a = {.to = sim_puppet(NULL), .inner = {forward_on, &t}, .limit = 100};
    sim_do(sim_puppet(NULL), ask_it, &a);
    weft_sim_advance(sim, 31000);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK_U64(t.inner.fired, 1);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err ask_without_limit(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    a->limit = WEFT_NO_LIMIT;
    CHECK(weft_time_left_ms(msg) <= 100);
    return ask_it(self, msg, with);
}
static weft_err note_time_left(weft_actor *self, weft_msg *msg, void *with)
{
    uint32_t *left = with;
    (void)self;
    *left = weft_time_left_ms(msg);
    return weft_reply(msg, num, .n = 1);
}

static void no_limit_can_be_written_below_a_limit(void)
{
    uint32_t left = 0;
    asked inner = {.to = sim_puppet(NULL), .inner = {note_time_left, &left}};
    asked a = {.to = sim_puppet(NULL), .inner = {ask_without_limit, &inner}, .limit = 100};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_U64(left, WEFT_NO_LIMIT);
    CHECK_OK(inner.err);
}

static weft_err fail_it(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *served = with;
    (void)self;
    ++*served;
    return weft_reply(msg, num, .n = 1);
}

/* The request is under way to another reactor when its time passes, and what cancels it comes behind. */
static void a_request_whose_time_is_over_is_failed_and_not_run(void)
{
    weft_system *sys = rig_new(2);
    unsigned served = 0;
    weft_ref x = weft_system_spawn(sys, 0, &puppet, NULL);
    asked a = {
        .to = weft_system_spawn(sys, 1, &puppet, NULL), .inner = {fail_it, &served}, .limit = 20};
    rig_do(sys, x, ask_it, &a);
    (void)rig_round(sys, 0);
    wf_driver_sim_advance(sys->driver, 20 * 1000000);
    wf_reactor_poll(sys->reactor[1], 0);
    (void)rig_round(sys, 1);
    CHECK_U64(served, 0);
    (void)rig_round(sys, 0);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK_STR(a.why, "its time was over before its turn came");
    rig_free(&sys);
}

/* ---- those who answer, and who ask, end */

static void a_request_that_is_let_go_of_fails_at_once(void)
{
    weft_ref b = sim_puppet(NULL);
    asked a = {.to = b, .inner.fn = keep_for_ever};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_U64(a.fired, 0);
    sim_do(b, drop_kept, NULL);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_ENOANSWER);
}

static weft_err do_nothing(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    return WEFT_OK;
}

static void a_handler_that_just_returns_fails_its_request_at_once(void)
{
    asked a = {.to = sim_puppet(NULL), .inner.fn = do_nothing};
    sim_do(sim_puppet(NULL), ask_it, &a);
    CHECK_ERR(a.err, WEFT_ENOANSWER);
    CHECK_STR(a.why, "no answer was given");
}

static void an_answerer_that_ends_fails_what_it_keeps(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref b = sim_puppet_on(there, NULL);
        asked a = {.to = b, .inner.fn = keep_for_ever};
        sim_do(sim_puppet(NULL), ask_it, &a);
        sim_do(b, stop_now, NULL);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_EGONE);
    }
}

static void an_answerer_that_ends_fails_what_waits_at_it(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref b = sim_puppet_on(there, NULL), c = sim_puppet(NULL);
        asked inner = {.to = c, .inner.fn = keep_for_ever};
        asked a = {.to = b, .inner = {ask_on, &inner}};
        sim_do(sim_puppet(NULL), ask_it, &a);
        sim_do(b, stop_now, NULL);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_EGONE);
        CHECK_U64(inner.fired, 0); /* its actor has ended */
        CHECK_U64(sim_stats(there).asks, 0);
        sim_do(c, drop_kept, NULL);
    }
}

typedef struct burst {
    weft_ref to;
    asked a[20];
} burst;

static weft_err on_burst(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    burst *b = ((const act *)weft_body(msg))->with;
    (void)self;
    b->a[0].fired++;
    b->a[0].err = got->err;
    return WEFT_OK;
}

static weft_err ask_many_and_stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    burst *b = with;
    for (int i = 0; i < 20; i++)
        CHECK_OK(weft_when(msg, weft_ask(self, b->to, act, .fn = say_seven), on_burst));
    return weft_stop_ref(self, b->to, WEFT_OK);
}

static void an_answerer_that_ends_fails_what_is_queued(void)
{
    burst b = {.to = sim_puppet(NULL)};
    sim_do(sim_puppet(NULL), ask_many_and_stop_it, &b);
    CHECK_U64(b.a[0].fired, 20);
    CHECK_ERR(b.a[0].err, WEFT_EGONE);
}

static void an_asker_that_ends_cancels_what_it_asked(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref x = sim_puppet(NULL), b = sim_puppet_on(there, NULL), c = sim_puppet(NULL);
        asked inner = {.to = c, .inner.fn = keep_for_ever};
        asked a = {.to = b, .inner = {ask_on, &inner}};
        sim_do(x, ask_it, &a);
        sim_do(x, stop_now, NULL);
        CHECK_U64(a.fired, 0);
        CHECK_U64(inner.fired, 1);
        CHECK_ERR(inner.err, WEFT_ECANCELLED);
        CHECK_U64(sim_stats(0).asks + sim_stats(1).asks, 0);
        sim_do(c, drop_kept, NULL);
    }
}

static void a_late_answer_dies_and_is_counted(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref b = sim_puppet_on(there, NULL);
        asked a = {.to = b, .inner.fn = keep_for_ever, .limit = 10};
        sim_do(sim_puppet(NULL), ask_it, &a);
        weft_sim_advance(sim, 10);
        CHECK_ERR(a.err, WEFT_ETIMEDOUT);
        uint64_t before = sim_stats(0).late_replies;
        sim_do(b, answer_kept, NULL);
        CHECK_U64(sim_stats(0).late_replies - before, 1);
        CHECK_U64(a.fired, 1);
    }
}

/* ---- how many */

static const weft_handler few_handlers[] = {{0}};
static weft_err few_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_behaviour few = {
    .name = "few", .handlers = few_handlers, .otherwise = few_act, .asks_max = 3};

typedef struct counting {
    weft_ref to;
    unsigned ok, limit, other;
} counting;

static weft_err on_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    counting *c = ((const act *)weft_body(msg))->with;
    (void)self;
    ++*(got->err == WEFT_OK ? &c->ok : got->err == WEFT_ELIMIT ? &c->limit : &c->other);
    return WEFT_OK;
}

static weft_err ask_five(weft_actor *self, weft_msg *msg, void *with)
{
    const counting *c = with;
    for (int i = 0; i < 5; i++)
        CHECK_OK(weft_when(msg, weft_ask(self, c->to, act, .fn = say_seven), on_counted));
    return WEFT_OK;
}

static void asks_beyond_asks_max_fail(void)
{
    counting c = {.to = sim_puppet(NULL)};
    weft_ref a = weft_sim_spawn(sim, &few, NULL);
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = ask_five, .with = &c));
    CHECK_U64(c.ok, 3);
    CHECK_U64(c.limit, 2);
    CHECK_U64(c.other, 0);
    CHECK_OK(
        weft_sim_tell(sim, a, act, .fn = ask_five, .with = &c)); /* they have been given back */
    CHECK_U64(c.ok, 6);
}

/* ---- a handler within a handler */

static void ask_within(weft_actor *target, const uint64_t word[4])
{
    weft_ref to;
    memcpy(&to, &word[0], sizeof to);
    weft_deferred forgotten = weft_ask(target, to, act, .fn = say_no);
    (void)forgotten;
}

typedef struct nested {
    weft_ref other, no;
    asked mine;
} nested;

static weft_err on_nested(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    nested *n = ((const act *)weft_body(msg))->with;
    fill_in(self, &n->mine, got);
    return WEFT_OK;
}

static weft_err ask_call_wait(weft_actor *self, weft_msg *msg, void *with)
{
    nested *n = with;
    uint64_t word[4] = {0};
    memcpy(&word[0], &n->no, sizeof n->no);
    weft_deferred mine = weft_ask(self, n->mine.to, act, .fn = say_seven);
    CHECK_OK(weft_call(n->other, ask_within, word));
    return weft_when(msg, mine, on_nested);
}

static weft_err ask_call_forget(weft_actor *self, weft_msg *msg, void *with)
{
    nested *n = with;
    uint64_t word[4] = {0};
    (void)msg;
    memcpy(&word[0], &n->no, sizeof n->no);
    n->mine.deferred = weft_ask(self, n->mine.to, act, .fn = say_no);
    CHECK_OK(weft_call(n->other, ask_within, word));
    return WEFT_OK;
}

static void a_call_within_a_handler_leaves_its_deferreds_alone(void)
{
    nested n = {.other = sim_puppet(NULL), .no = sim_puppet(NULL), .mine.to = sim_puppet(NULL)};
    sim_do(sim_puppet(NULL), ask_call_wait, &n);
    CHECK_U64(n.mine.fired, 1);
    CHECK_OK(n.mine.err);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read"), 1); /* the other's */
    sim_do(sim_puppet(NULL), ask_call_forget, &n);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read"), 3); /* and both */
}

/* ---- on another reactor, at spawning */

static weft_err on_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asked *a = asked_of(msg);
    fill_in(self, a, got);
    if (got->err == WEFT_OK)
        a->from = ((const weft_spawned *)got->body)->ref;
    return WEFT_OK;
}

static weft_err spawn_there(weft_actor *self, weft_msg *msg, void *with)
{
    asked *a = with;
    return weft_when(msg, weft_spawn_on(self, (unsigned)a->n, &puppet, NULL), on_spawned);
}

static void spawning_on_a_reactor_gives_its_reference(void)
{
    sim_of(2);
    for (uint64_t i = 0; i < 2; i++) {
        asked a = {.n = i};
        sim_do(sim_puppet(NULL), spawn_there, &a);
        CHECK_OK(a.err);
        CHECK(a.type == &weft_spawned_type);
        CHECK_U64(a.from.home, i + 1);
        asked b = {.to = a.from, .inner.fn = say_seven};
        sim_do(sim_puppet(NULL), ask_it, &b);
        CHECK_U64(b.n, 7);
    }
}

static void spawning_on_a_reactor_that_is_not_there_fails(void)
{
    for (uint64_t i = 1; i < 5000; i = i * 4 + 1) {
        asked a = {.n = i};
        sim_do(sim_puppet(NULL), spawn_there, &a);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_EINVAL);
        CHECK_STR(a.why, "there is no such reactor");
    }
}

static const test_case cases[] = {
    TEST(an_answer_comes_with_its_type_and_who_gave_it),
    TEST(a_failure_comes_with_its_sentence),
    TEST(a_sentence_that_is_too_long_is_cut),
    TEST(an_answer_of_the_wrong_type_fails_both_ends),
    TEST(a_second_answer_is_an_error),
    TEST(a_tell_has_nobody_to_answer),
    TEST(an_actor_may_ask_itself),
    TEST(what_cannot_be_sent_is_a_failed_deferred),
    TEST(a_message_may_wait_again_and_again),
    TEST(a_message_may_wait_for_two_things_at_once),
    TEST(an_error_of_a_continuation_fails_its_request),
    TEST(a_deferred_is_consumed_once_and_by_its_actor),
    TEST(a_failure_that_nobody_waits_for_is_logged),
    TEST(an_answer_that_nobody_waits_for_is_not_logged),
    TEST(a_limit_that_is_given_is_exact),
    TEST(the_systems_limit_holds_for_asks_without_one),
    TEST(the_default_limit_is_half_a_minute),
    TEST(an_ask_may_be_without_a_limit),
    TEST(an_inherited_limit_arms_nothing_and_ends_with_the_one_above),
    TEST(an_inherited_limit_ends_with_the_one_above_on_other_reactors_too),
    TEST(a_limit_of_its_own_stands_below_an_inherited_one),
    TEST(an_inherited_ask_ends_though_its_guard_was_answered_before_it),
    TEST(an_inherited_ask_ends_though_its_guard_was_answered_after_it),
    TEST(an_inherited_ask_ends_though_its_guard_was_answered_before_the_wait),
    TEST(an_inherited_ask_ends_though_its_guard_was_forwarded),
    TEST(an_inherited_ask_that_is_ignored_ends),
    TEST(an_inherited_ask_that_is_forgotten_ends),
    TEST(an_ask_made_by_what_was_told_on_ends_in_the_rest_of_the_time),
    TEST(an_ask_made_by_whom_it_was_forwarded_to_ends),
    TEST(no_limit_can_be_written_below_a_limit),
    TEST(a_request_whose_time_is_over_is_failed_and_not_run),
    TEST(a_request_that_is_let_go_of_fails_at_once),
    TEST(a_handler_that_just_returns_fails_its_request_at_once),
    TEST(an_answerer_that_ends_fails_what_it_keeps),
    TEST(an_answerer_that_ends_fails_what_waits_at_it),
    TEST(an_answerer_that_ends_fails_what_is_queued),
    TEST(an_asker_that_ends_cancels_what_it_asked),
    TEST(a_late_answer_dies_and_is_counted),
    TEST(asks_beyond_asks_max_fail),
    TEST(a_call_within_a_handler_leaves_its_deferreds_alone),
    TEST(spawning_on_a_reactor_gives_its_reference),
    TEST(spawning_on_a_reactor_that_is_not_there_fails),
    {0},
};

const test_suite asks_suite = {
    .name = "runtime/asks", .before = sim_one, .after = sim_done, .cases = cases};
