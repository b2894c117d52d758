/* SPDX-License-Identifier: MIT */
/* Cancelling: the outcome here at once, the request wherever it is now. */
#include "kit.h"

#include <stdlib.h>

#include "ask.h"
#include "driver_sim.h"
#include "mailbox.h"
#include "post.h"
#include "reactor.h"
#include "sys.h"

/* One that asks, one that answers, and what becomes of it. */
typedef struct asking {
    weft_ref to;
    act inner;
    weft_deferred deferred;
    weft_err cancelled; /* what weft_cancel said */
    unsigned fired, served;
    weft_err err;
    char why[64];
    const weft_msg *told; /* of a weft_cancelled */
} asking;

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asking *a = ((const act *)weft_body(msg))->with;
    (void)self;
    a->fired++;
    a->err = got->err;
    (void)snprintf(a->why, sizeof a->why, "%s", got->why);
    return WEFT_OK;
}

static weft_err ask_it(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    return weft_when(msg, a->deferred, on_answer);
}

static weft_err cancel_it(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    (void)msg;
    a->cancelled = weft_cancel(self, a->deferred);
    return WEFT_OK;
}

static weft_err ask_and_cancel(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(ask_it(self, msg, with));
    return cancel_it(self, msg, with);
}

static weft_err serve_it(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    (void)self;
    a->served++;
    return weft_reply(msg, num, .n = 1);
}

static weft_err keep_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    asking *a = with;
    a->served++;
    s->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err drop_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    weft_drop(&s->kept);
    return WEFT_OK;
}

static weft_err reply_kept(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    CHECK_OK(weft_reply(s->kept, num, .n = 5));
    weft_drop(&s->kept);
    return WEFT_OK;
}

static void a_request_that_is_still_queued_is_removed_unrun(void)
{
    asking a = {.to = sim_puppet(NULL), .inner = {serve_it, &a}};
    uint64_t late = sim_stats(0).late_replies;
    sim_do(sim_puppet(NULL), ask_and_cancel, &a);
    CHECK_OK(a.cancelled);
    CHECK_U64(a.served, 0);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    CHECK_STR(a.why, "cancelled");
    CHECK_U64(sim_stats(0).late_replies - late, 0);
    CHECK_U64(sim_stats_of(a.to).queued, 0);
    CHECK_U64(sim_stats_of(a.to).queued_bytes, 0);
}

static void a_request_under_way_to_another_reactor_is_removed_unrun(void)
{
    sim_of(2);
    asking a = {.to = sim_puppet_on(1, NULL), .inner = {serve_it, &a}};
    sim_do(sim_puppet(NULL), ask_and_cancel, &a);
    CHECK_U64(a.served, 0);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
}

/* The mailbox was cut by the budget, and the request is anywhere in the rest. */
typedef struct cut {
    asking a[40];
    weft_ref to;
    unsigned which;
} cut;

static weft_err on_cut(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    cut *c = ((const act *)weft_body(msg))->with;
    (void)self;
    ++*(got->err == WEFT_ECANCELLED ? &c->a[c->which].fired : &c->a[0].served);
    return WEFT_OK;
}

static weft_err answer_cut(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, num, .n = 1);
}

static weft_err ask_forty(weft_actor *self, weft_msg *msg, void *with)
{
    cut *c = with;
    for (int i = 0; i < 40; i++) {
        c->a[i].deferred = weft_ask(self, c->to, act, .fn = answer_cut);
        CHECK_OK(weft_when(msg, c->a[i].deferred, on_cut));
    }
    return WEFT_OK;
}

static weft_err cancel_one(weft_actor *self, weft_msg *msg, void *with)
{
    cut *c = with;
    (void)msg;
    return weft_cancel(self, c->a[c->which].deferred);
}

static void a_request_in_the_rest_of_a_turn_is_removed_unrun(void)
{
    for (unsigned which = 5; which < 40; which += 1) {
        weft_system *sys = rig_new(1);
        cut *c = calloc(1, sizeof *c);
        REQUIRE(c != NULL);
        c->which = which;
        c->to = weft_system_spawn(sys, 0, &puppet, NULL);
        weft_ref x = weft_system_spawn(sys, 0, &puppet, NULL);
        wf_reactor *r = sys->reactor[0];
        act ask = {ask_forty, c}, cancel = {cancel_one, c};
        CHECK_OK(weft_system_tell(sys, x, &act_type, &ask));
        (void)wf_take_inbox(r);
        (void)wf_turn(r, wf_next_ready(r), 100);
        (void)wf_turn(r, wf_next_ready(r), 5); /* cut off after five */
        CHECK(r->rest_actor != NULL);
        CHECK_OK(weft_system_tell(sys, x, &act_type, &cancel));
        (void)wf_take_inbox(r);
        weft_actor *asker = wf_next_ready(r);
        (void)wf_turn(r, asker, 100);
        rig_settle(sys);
        CHECK_U64(c->a[which].fired, 1);
        CHECK_U64(c->a[0].served, 39);
        rig_free(&sys);
        free(c);
    }
}

static weft_err wait_on(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    a->served++;
    return ask_it(self, msg, with);
}

static void one_being_served_is_told_through_its_continuation(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref c = sim_puppet(NULL), x = sim_puppet(NULL);
        asking inner = {.to = c, .inner = {keep_it, &inner}};
        asking a = {.to = sim_puppet_on(there, NULL), .inner = {wait_on, &inner}};
        sim_do(x, ask_it, &a);
        CHECK_U64(inner.served, 2); /* b began, c keeps */
        sim_do(x, cancel_it, &a);
        CHECK_OK(a.cancelled);
        CHECK_ERR(a.err, WEFT_ECANCELLED);
        CHECK_U64(inner.fired, 1);
        CHECK_ERR(inner.err, WEFT_ECANCELLED);
        CHECK_STR(inner.why, "the asker no longer wants it");
        CHECK_U64(a.fired, 1);
        sim_do(c, drop_it, NULL);
    }
}

/* ---- one that keeps */

typedef struct keeper {
    weft_msg *kept;
    asking *a;
} keeper;

static weft_err keeper_act(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    k->a = ((const act *)weft_body(msg))->with;
    k->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err keeper_cancelled(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const weft_cancelled *c = weft_body(msg);
    k->a->told = c->msg;
    CHECK(c->msg == k->kept);
    CHECK_OK(weft_reply(k->kept, num, .n = 1)); /* too late, and that is all right */
    weft_drop(&k->kept);
    return WEFT_OK;
}
static const weft_handler keeper_handlers[] = {
    {.type = &act_type, .fn = keeper_act},
    {.type = &weft_cancelled_type, .fn = keeper_cancelled},
    {0}};
static const weft_behaviour keeping = {
    .name = "keeping", .handlers = keeper_handlers, .state_bytes = sizeof(keeper)};

static void one_that_keeps_it_is_told(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref x = sim_puppet(NULL);
        asking a = {.to = weft_system_spawn(weft_sim_system(sim), there, &keeping, NULL),
                    .inner = {serve_it, &a}};
        sim_do(x, ask_it, &a);
        sim_do(x, cancel_it, &a);
        CHECK(a.told != NULL);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_ECANCELLED);
        CHECK_U64(sim_stats(0).late_replies, 1);
    }
}

static void one_that_keeps_it_is_told_when_its_time_is_over(void)
{
    weft_ref x = sim_puppet(NULL);
    asking a = {.to = weft_sim_spawn(sim, &keeping, NULL), .inner = {serve_it, &a}};
    sim_do(x, ask_it, &a);
    weft_sim_advance(sim, 30000);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK(a.told != NULL);
}

static void one_that_keeps_it_without_a_row_is_left_alone(void)
{
    weft_ref x = sim_puppet(NULL), b = sim_puppet(NULL);
    asking a = {.to = b, .inner = {keep_it, &a}};
    sim_do(x, ask_it, &a);
    uint64_t before = sim_stats(0).unhandled;
    sim_do(x, cancel_it, &a);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    CHECK_U64(sim_stats(0).unhandled - before, 0);
    sim_do(b, drop_it, NULL);
    CHECK_U64(a.fired, 1);
}

/* ---- what is over */

static void one_that_has_fired_cannot_be_cancelled(void)
{
    weft_ref x = sim_puppet(NULL);
    asking a = {.to = sim_puppet(NULL), .inner = {serve_it, &a}};
    sim_do(x, ask_it, &a);
    CHECK_OK(a.err);
    sim_do(x, cancel_it, &a);
    CHECK_ERR(a.cancelled, WEFT_EUSED);
    CHECK_U64(a.fired, 1);
}

static weft_err ignore_and_cancel(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    (void)msg;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    CHECK_OK(weft_ignore(self, a->deferred));
    a->cancelled = weft_cancel(self, a->deferred);
    return WEFT_OK;
}

static void one_that_is_ignored_cannot_be_cancelled(void)
{
    asking a = {.to = sim_puppet(NULL), .inner = {serve_it, &a}};
    sim_do(sim_puppet(NULL), ignore_and_cancel, &a);
    CHECK_ERR(a.cancelled, WEFT_EUSED);
    CHECK_U64(a.served, 1);
}

static weft_err cancel_twice(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(ask_it(self, msg, with));
    CHECK_OK(cancel_it(self, msg, with));
    return cancel_it(self, msg, with);
}

static void cancelling_twice_fires_once(void)
{
    asking a = {.to = sim_puppet(NULL), .inner = {serve_it, &a}};
    sim_do(sim_puppet(NULL), cancel_twice, &a);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    CHECK_U64(sim_stats(0).asks, 0);
}

static weft_err forget_and_cancel(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    (void)msg;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, 0);
    a->cancelled = weft_cancel(self, a->deferred);
    return WEFT_OK;
}

static void one_that_is_cancelled_and_forgotten_is_not_logged(void)
{
    asking a = {.to = sim_puppet(NULL), .inner = {serve_it, &a}};
    sim_do(sim_puppet(NULL), forget_and_cancel, &a);
    CHECK_OK(a.cancelled);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read"), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static void an_answer_after_a_cancel_is_late(void)
{
    weft_ref x = sim_puppet(NULL), b = sim_puppet(NULL);
    asking a = {.to = b, .inner = {keep_it, &a}};
    sim_do(x, ask_it, &a);
    sim_do(x, cancel_it, &a);
    sim_do(b, reply_kept, NULL);
    CHECK_U64(a.fired, 1);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    CHECK_U64(sim_stats(0).late_replies, 1);
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static weft_err stop_other(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, *(const weft_ref *)with, WEFT_OK);
}

/* ---- forwarded: two pass it on, the last one keeps it */

enum { SEEDS = 300, PLACES = 4, AWAY_MS = 20 };

typedef struct way {
    asking last; /* what the one that keeps it serves and is told */
    weft_ref stop[3];
} way;

static weft_err pass_on(weft_actor *self, weft_msg *msg)
{
    const weft_ref *next = weft_config(self);
    return weft_forward(msg, *next);
}
static const weft_handler passing_handlers[] = {{.type = &act_type, .fn = pass_on}, {0}};
static const weft_behaviour passing = {.name = "passing", .handlers = passing_handlers};

static weft_err last_act(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    k->a = ((const act *)weft_body(msg))->with;
    k->a->served++;
    k->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err last_cancelled(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const weft_cancelled *c = weft_body(msg);
    CHECK(c->msg == k->kept);
    k->a->told = c->msg;
    weft_drop(&k->kept);
    return WEFT_OK;
}
static const weft_handler last_handlers[] = {
    {.type = &act_type, .fn = last_act}, {.type = &weft_cancelled_type, .fn = last_cancelled}, {0}};
static const weft_behaviour last_one = {
    .name = "last", .handlers = last_handlers, .state_bytes = sizeof(keeper)};

/* The places are the reactors of the two that pass on and of the last. */
static asking way_of(way *w, const unsigned place[3])
{
    weft_system *sys = weft_sim_system(sim);
    w->stop[2] = weft_system_spawn(sys, place[2], &last_one, NULL);
    w->stop[1] = weft_system_spawn(sys, place[1], &passing, &w->stop[2]);
    w->stop[0] = weft_system_spawn(sys, place[0], &passing, &w->stop[1]);
    return (asking){.to = w->stop[0], .inner = {serve_it, &w->last}};
}

static void one_that_was_forwarded_is_found_wherever_it_went(void)
{
    for (unsigned n = 0; n < PLACES * PLACES * PLACES; n++) {
        way w = {.last = {.served = 0}};
        sim_of(PLACES);
        weft_ref x = sim_puppet(NULL);
        asking a = way_of(&w, (unsigned[]){n % 4, n / 4 % 4, n / 16});
        sim_do(x, ask_it, &a);
        CHECK_U64(w.last.served, 1);
        sim_do(x, cancel_it, &a);
        CHECK(w.last.told != NULL);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_ECANCELLED);
    }
}

/* A cancel meets the request at any step of its way: it is either never served, or whoever keeps it is
 * told; it never stays. */
static void a_cancel_that_meets_a_forward_loses_nothing(void)
{
    unsigned unserved = 0, told = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        way w = {.last = {.served = 0}};
        sim_with(&(weft_sim_options){.seed = seed, .system.reactors = PLACES});
        weft_ref x = sim_puppet(NULL);
        asking a = way_of(&w, (unsigned[]){seed % 4, seed / 4 % 4, seed / 16 % 4});
        weft_system *sys = weft_sim_system(sim);
        CHECK_OK(weft_system_tell(sys, x, &act_type, &(act){ask_it, &a}));
        for (unsigned steps = seed % 37; steps != 0; steps--)
            (void)weft_sim_step(sim);
        CHECK_OK(weft_system_tell(sys, x, &act_type, &(act){cancel_it, &a}));
        CHECK(weft_sim_run(sim));
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_ECANCELLED);
        CHECK_U64(w.last.served, w.last.told != NULL ? 1 : 0);
        ++*(w.last.told != NULL ? &told : &unserved);
    }
    CHECK(unserved > SEEDS / 10);
    CHECK(told > SEEDS / 10);
}

static weft_err ask_briefly(weft_actor *self, weft_msg *msg, void *with)
{
    asking *a = with;
    a->deferred = weft_ask_body(self, a->to, &act_type, &a->inner, AWAY_MS);
    return weft_when(msg, a->deferred, on_answer);
}

static void a_limit_ends_one_that_was_forwarded_where_it_is(void)
{
    way w = {.last = {.served = 0}};
    sim_of(PLACES);
    asking a = way_of(&w, (unsigned[]){1, 2, 3});
    sim_do(sim_puppet(NULL), ask_briefly, &a);
    CHECK_U64(w.last.served, 1);
    weft_sim_advance(sim, AWAY_MS);
    CHECK_ERR(a.err, WEFT_ETIMEDOUT);
    CHECK(strncmp(a.why, "<3.", 3) == 0); /* who had it last */
    CHECK(w.last.told != NULL);
}

static void the_end_of_its_asker_ends_one_that_was_forwarded(void)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        way w = {.last = {.served = 0}};
        sim_with(&(weft_sim_options){.seed = seed, .system.reactors = PLACES});
        weft_ref x = sim_puppet(NULL);
        asking a = way_of(&w, (unsigned[]){seed % 4, seed / 4 % 4, seed / 16 % 4});
        weft_system *sys = weft_sim_system(sim);
        CHECK_OK(weft_system_tell(sys, x, &act_type, &(act){ask_it, &a}));
        for (unsigned steps = 2 + seed % 37; steps != 0; steps--)
            (void)weft_sim_step(sim);
        CHECK_OK(weft_system_tell(sys, x, &act_type, &(act){stop_it, NULL}));
        CHECK(weft_sim_run(sim));
        CHECK_U64(a.fired, 0);
        CHECK_U64(w.last.served, w.last.told != NULL ? 1 : 0);
    }
}

static void one_that_was_forwarded_to_one_that_ends_fails_its_asker_once(void)
{
    for (unsigned n = 0; n < 2 * PLACES; n++) {
        way w = {.last = {.served = 0}};
        sim_of(PLACES);
        weft_ref x = sim_puppet(NULL);
        asking a = way_of(&w, (unsigned[]){1, n % 4, n / 2 % 4});
        bool before = n < PLACES;
        if (before)
            sim_do(x, stop_other, &w.stop[2]);
        sim_do(x, ask_it, &a);
        if (!before)
            sim_do(x, stop_other, &w.stop[2]);
        CHECK_U64(a.fired, 1);
        CHECK_ERR(a.err, WEFT_EGONE);
        CHECK_U64(w.last.served, before ? 0 : 1);
        sim_do(x, cancel_it, &a);
        CHECK_ERR(a.cancelled, WEFT_EUSED);
        CHECK_U64(a.fired, 1);
    }
}

static void one_that_is_forwarded_in_a_circle_is_refused_in_the_end(void)
{
    for (unsigned there = 0; there < 2; there++) {
        weft_ref round[2];
        sim_of(2);
        weft_system *sys = weft_sim_system(sim);
        round[0] = weft_system_spawn(sys, 0, &passing, &round[1]);
        round[1] = weft_system_spawn(sys, there, &passing, &round[0]);
        asking a = {.to = round[0], .inner = {serve_it, &a}};
        sim_do(sim_puppet(NULL), ask_it, &a);
        CHECK_ERR(a.err, WEFT_ELIMIT);
        CHECK_U64(a.fired, 1);
        weft_reactor_stats here = sim_stats(0), other = sim_stats(1);
        CHECK(here.messages + other.messages >= WF_FORWARDS_MAX);
    }
}

static void forwarding_without_memory_still_ends(void)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        way w = {.last = {.served = 0}};
        sim_with(
            &(weft_sim_options){.seed = seed, .system.reactors = 3, .faults.allocation = 50000});
        weft_ref x = sim_puppet(NULL);
        asking a = way_of(&w, (unsigned[]){1, 2, 0});
        bool asked = weft_sim_tell(sim, x, act, .fn = ask_it, .with = &a) == WEFT_OK;
        (void)weft_sim_tell(sim, x, act, .fn = cancel_it, .with = &a);
        weft_sim_advance(sim, 40000);
        CHECK(a.fired <= (asked ? 1U : 0U));
    }
}

/* ---- batches that are full leave before the others do, so that what was said first arrives last */

typedef struct crowded {
    weft_ref next, crowd;
} crowded;

static weft_err pass_on_and_crowd(weft_actor *self, weft_msg *msg)
{
    const crowded *c = weft_config(self);
    weft_err err = weft_forward(msg, c->next);
    for (unsigned i = 0; i < WF_BATCH; i++)
        CHECK_OK(weft_tell(self, c->crowd, num, .n = i));
    return err;
}
static const weft_handler crowding_handlers[] = {{.type = &act_type, .fn = pass_on_and_crowd}, {0}};
static const weft_behaviour crowding = {.name = "crowding", .handlers = crowding_handlers};

/* Its inbox and one turn; the batches that are not full stay. */
static void rig_turn(weft_system *sys, unsigned reactor)
{
    WF_R = sys->reactor[reactor];
    (void)wf_take_inbox(WF_R);
    (void)wf_turn(WF_R, wf_next_ready(WF_R), 100);
    WF_R = sys->reactor[0];
}

static void a_cancel_does_not_overtake_what_was_forwarded(void)
{
    weft_system *sys = rig_new(3);
    asking last = {.served = 0};
    weft_ref x = weft_system_spawn(sys, 0, &puppet, NULL);
    crowded c = {weft_system_spawn(sys, 2, &last_one, NULL), x};
    asking a = {.to = weft_system_spawn(sys, 1, &crowding, &c), .inner = {serve_it, &last}};
    rig_do(sys, x, ask_it, &a);
    (void)rig_round(sys, 0);
    rig_turn(sys, 1); /* the crowd is under way, the request is not */
    rig_do(sys, x, cancel_it, &a);
    (void)rig_round(sys, 0);
    (void)rig_round(sys, 2);
    CHECK_U64(last.served, 0);
    rig_settle(sys);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    CHECK_U64(last.served, last.told != NULL ? 1 : 0);
    rig_free(&sys);
}

static void the_latest_of_several_forwards_is_where_a_cancel_goes(void)
{
    weft_system *sys = rig_new(4);
    asking last = {.served = 0};
    weft_ref x = weft_system_spawn(sys, 0, &puppet, NULL);
    crowded c = {weft_system_spawn(sys, 3, &last_one, NULL),
                 weft_system_spawn(sys, 3, &puppet, NULL)};
    weft_ref second = weft_system_spawn(sys, 2, &crowding, &c);
    asking a = {.to = weft_system_spawn(sys, 1, &passing, &second), .inner = {serve_it, &last}};
    rig_do(sys, x, ask_it, &a);
    (void)rig_round(sys, 0);
    (void)rig_round(sys, 1);
    rig_turn(sys, 2); /* what it says of the first forward is still here */
    (void)rig_round(sys, 3);
    CHECK_U64(last.served, 1);
    (void)rig_round(sys, 0);
    (void)rig_round(sys, 2);
    (void)rig_round(sys, 0);
    rig_do(sys, x, cancel_it, &a);
    rig_settle(sys);
    CHECK_ERR(a.err, WEFT_ECANCELLED);
    CHECK(last.told != NULL);
    rig_free(&sys);
}

/* ---- a long chain: each asks the next, the last one keeps */

typedef struct link {
    weft_ref *all;
    unsigned n, i;
    unsigned *ended;
} link;

static weft_err on_link(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    link *l = ((const act *)weft_body(msg))->with;
    (void)self;
    if (got->err == WEFT_ECANCELLED)
        ++*l->ended;
    return WEFT_OK;
}

static weft_err ask_next(weft_actor *self, weft_msg *msg, void *with)
{
    link *l = with;
    if (l->i + 1 == l->n)
        return keep_it(self, msg, &(asking){.served = 0});
    return weft_when(msg, weft_ask(self, l->all[l->i + 1], act, .fn = ask_next, .with = l + 1),
                     on_link);
}

static void check_long_chain(bool by_end)
{
    enum { N = 20000 };
    unsigned ended = 0;
    weft_system *sys = rig_new(1);
    weft_ref *all = calloc(N, sizeof *all);
    link *links = calloc(N, sizeof *links);
    REQUIRE(all != NULL && links != NULL);
    for (unsigned i = 0; i < N; i++) {
        all[i] = weft_system_spawn(sys, 0, &puppet, NULL);
        links[i] = (link){all, N, i, &ended};
    }
    rig_do(sys, all[0], ask_next, links);
    rig_settle(sys);
    CHECK_U64(sys->reactor[0]->stat.asks, N - 1);
    weft_ref x = all[0];
    if (by_end)
        rig_do(sys, x, stop_it, NULL);
    else {
        wf_driver_sim_advance(sys->driver, 30000ULL * 1000000);
        wf_reactor_poll(sys->reactor[0], 0);
    }
    rig_settle(sys);
    CHECK_U64(sys->reactor[0]->stat.asks, 0);
    CHECK_U64(ended, N - 2); /* the first has ended, or timed out; the last asks nobody */
    rig_free(&sys);
    free(all);
    free(links);
}

static void a_chain_of_many_thousand_asks_is_cancelled_by_its_end(void)
{
    check_long_chain(true);
}
static void a_chain_of_many_thousand_asks_is_cancelled_by_its_limit(void)
{
    check_long_chain(false);
}

/* What it cancels is told to itself, who is no more. */
typedef struct end_of_it {
    asking a;
    unsigned ends;
} end_of_it;

static weft_err ask_at_once(weft_actor *self, weft_msg *msg)
{
    end_of_it *l = (end_of_it *)(uintptr_t)weft_config(self);
    (void)msg;
    l->a.deferred = weft_ask_body(self, l->a.to, &act_type, &l->a.inner, 0);
    return WEFT_OK;
}

static void cancel_at_the_end(weft_actor *self, weft_err reason)
{
    end_of_it *l = (end_of_it *)(uintptr_t)weft_config(self);
    (void)reason;
    if (l->ends++ == 0)
        l->a.cancelled = weft_cancel(self, l->a.deferred);
}

static const weft_handler last_rows[] = {{.type = &weft_started_type, .fn = ask_at_once}, {0}};
static const weft_behaviour last_behaviour = {
    .name = "last", .handlers = last_rows, .ended = cancel_at_the_end};

static void one_that_cancels_as_the_last_thing_it_does_ends_once(void)
{
    end_of_it l = {.a = {.to = sim_puppet(NULL), .inner = {keep_it, &l.a}}};
    weft_ref who = weft_sim_spawn(sim, &last_behaviour, &l);
    (void)weft_sim_run(sim);
    CHECK_U64(l.a.served, 1);
    CHECK_OK(weft_sim_kill(sim, who, WEFT_EABORTED));
    (void)weft_sim_run(sim);
    CHECK_OK(l.a.cancelled);
    CHECK_U64(l.ends, 1);
}

static const test_case cases[] = {
    TEST(a_request_that_is_still_queued_is_removed_unrun),
    TEST(a_request_under_way_to_another_reactor_is_removed_unrun),
    TEST(a_request_in_the_rest_of_a_turn_is_removed_unrun),
    TEST(one_being_served_is_told_through_its_continuation),
    TEST(one_that_keeps_it_is_told),
    TEST(one_that_keeps_it_is_told_when_its_time_is_over),
    TEST(one_that_keeps_it_without_a_row_is_left_alone),
    TEST(one_that_has_fired_cannot_be_cancelled),
    TEST(one_that_is_ignored_cannot_be_cancelled),
    TEST(cancelling_twice_fires_once),
    TEST(one_that_cancels_as_the_last_thing_it_does_ends_once),
    TEST(one_that_is_cancelled_and_forgotten_is_not_logged),
    TEST(an_answer_after_a_cancel_is_late),
    TEST(one_that_was_forwarded_is_found_wherever_it_went),
    TEST(a_cancel_that_meets_a_forward_loses_nothing),
    TEST(a_cancel_does_not_overtake_what_was_forwarded),
    TEST(the_latest_of_several_forwards_is_where_a_cancel_goes),
    TEST(a_limit_ends_one_that_was_forwarded_where_it_is),
    TEST(the_end_of_its_asker_ends_one_that_was_forwarded),
    TEST(one_that_was_forwarded_to_one_that_ends_fails_its_asker_once),
    TEST(one_that_is_forwarded_in_a_circle_is_refused_in_the_end),
    TEST(forwarding_without_memory_still_ends),
    TEST(a_chain_of_many_thousand_asks_is_cancelled_by_its_end),
    TEST(a_chain_of_many_thousand_asks_is_cancelled_by_its_limit),
    {0},
};

const test_suite cancel_suite = {
    .name = "runtime/cancel", .before = sim_one, .after = sim_done, .cases = cases};
