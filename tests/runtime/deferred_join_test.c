/* SPDX-License-Identifier: MIT */
/* Joins: which member it was, what happens to the rest, what they cost. */
#include "kit.h"

#include <stdlib.h>

#include "core.h"
#include "sys.h"

enum { MEMBERS = 3, MANY = 20000 };

typedef struct joined {
    came came; /* must be first: where on_came writes */
    weft_ref to[MEMBERS];
    weft_deferred (*join)(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest);
    weft_rest rest;
    weft_promise promise[MEMBERS];
    weft_deferred top, member[MEMBERS];
    unsigned cut, told, steps;
    weft_err errs[MEMBERS];
    uint64_t got[MEMBERS];
    char why[WEFT_WHY_BYTES];
    weft_err used;
} joined;

static void cut(weft_actor *self, weft_promise *promise, void *context)
{
    (void)self, (void)promise;
    ((joined *)context)->cut++;
}

static weft_err on_joined(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    joined *j = ((const act *)weft_body(msg))->with;
    const weft_outcomes *all = got->body;
    came_to(self, &j->came, got);
    if (got->type != &weft_outcomes_type)
        return WEFT_OK;
    for (size_t i = 0; i < all->n && i < MEMBERS; i++) {
        j->errs[i] = all->at[i].err;
        j->got[i] = all->at[i].type == &num_type ? ((const num *)all->at[i].body)->n : 0;
        if (all->at[i].err != WEFT_OK)
            (void)snprintf(j->why, sizeof j->why, "%s", all->at[i].why);
    }
    return WEFT_OK;
}

static weft_deferred settled(weft_actor *self, const weft_deferred *members, size_t n,
                             weft_rest rest)
{
    (void)rest;
    return weft_settled(self, members, n);
}
static weft_deferred all(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest)
{
    return weft_all(self, members, n, rest);
}
static weft_deferred any(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest)
{
    return weft_any(self, members, n, rest);
}
static weft_deferred race(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest)
{
    return weft_race(self, members, n, rest);
}

static weft_err join_promises(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    for (unsigned i = 0; i < MEMBERS; i++)
        j->member[i] = weft_promise_new(self, &j->promise[i], cut, j);
    j->top = j->join(self, j->member, MEMBERS, j->rest);
    return weft_when(msg, j->top, on_joined);
}

/* Fires the promise it is for. */
typedef struct firing {
    joined *j;
    unsigned which;
    weft_err err; /* OK: with 10 more than its number */
} firing;
static weft_err fire(weft_actor *self, weft_msg *msg, void *with)
{
    const firing *f = with;
    weft_promise *p = &f->j->promise[f->which];
    (void)msg;
    f->j->used = f->err == WEFT_OK ? weft_resolve(self, p, num, .n = f->which + 10)
                                   : weft_reject(self, p, f->err, "number %u failed", f->which);
    return WEFT_OK;
}
static void fire_one(weft_ref who, joined *j, unsigned which, weft_err err)
{
    firing f = {j, which, err};
    sim_do(who, fire, &f);
}

/* ---- which one */

static void all_fails_with_the_first_error_and_says_which(void)
{
    joined j = {.join = all, .rest = WEFT_CANCEL_REST};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, join_promises, &j);
    fire_one(a, &j, 0, WEFT_OK);
    fire_one(a, &j, 2, WEFT_EIO);
    CHECK_U64(j.came.fired, 1);
    CHECK_ERR(j.came.err, WEFT_EIO);
    CHECK_STR(j.came.why, "number 2 failed");
    CHECK_U64(j.came.index, 2);
    CHECK_U64(j.cut, 1); /* the one that was outstanding */
    CHECK_U64(sim_cells(0), 0);
}

static void settled_has_every_outcome_in_the_order_given(void)
{
    joined j = {.join = settled};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, join_promises, &j);
    fire_one(a, &j, 2, WEFT_OK);
    fire_one(a, &j, 1, WEFT_EDENIED);
    CHECK_U64(j.came.fired, 0);
    fire_one(a, &j, 0, WEFT_OK);
    CHECK_U64(j.came.fired, 1);
    CHECK(j.came.type == &weft_outcomes_type);
    CHECK_U64(j.got[0], 10);
    CHECK_ERR(j.errs[1], WEFT_EDENIED);
    CHECK_STR(j.why, "number 1 failed");
    CHECK_U64(j.got[2], 12);
}

static void any_is_the_first_success_and_else_the_last_failure(void)
{
    joined j = {.join = any, .rest = WEFT_CANCEL_REST}, k = {.join = any};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, join_promises, &j);
    fire_one(a, &j, 0, WEFT_EIO);
    fire_one(a, &j, 1, WEFT_OK);
    CHECK_U64(j.came.n, 11);
    CHECK_U64(j.came.index, 1);
    CHECK_U64(j.cut, 1);
    sim_do(a, join_promises, &k);
    fire_one(a, &k, 1, WEFT_EIO);
    fire_one(a, &k, 2, WEFT_EIO);
    CHECK_U64(k.came.fired, 0);
    fire_one(a, &k, 0, WEFT_EDENIED);
    CHECK_ERR(k.came.err, WEFT_EDENIED);
    CHECK_U64(k.came.index, 0);
    CHECK_U64(sim_cells(0), 0);
}

static void race_is_whatever_comes_first(void)
{
    for (unsigned err = 0; err < 2; err++) {
        joined j = {.join = race, .rest = WEFT_CANCEL_REST};
        weft_ref a = sim_puppet(NULL);
        sim_do(a, join_promises, &j);
        fire_one(a, &j, 1, err == 0 ? WEFT_OK : WEFT_EIO);
        CHECK_U64(j.came.fired, 1);
        CHECK_ERR(j.came.err, err == 0 ? WEFT_OK : WEFT_EIO);
        CHECK_U64(j.came.index, 1);
        CHECK_U64(j.cut, 2);
        CHECK_U64(sim_cells(0), 0);
    }
}

static weft_err join_none(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    return weft_when(msg, j->join(self, NULL, 0, WEFT_CANCEL_REST), on_joined);
}

static void of_none_there_is_no_first(void)
{
    weft_ref a = sim_puppet(NULL);
    joined j[4] = {{.join = all}, {.join = settled}, {.join = any}, {.join = race}};
    for (unsigned i = 0; i < 4; i++) {
        sim_do(a, join_none, &j[i]);
        CHECK_U64(j[i].came.fired, 1);
        CHECK_ERR(j[i].came.err, i < 2 ? WEFT_OK : WEFT_EINVAL);
    }
    CHECK_STR(j[2].came.why, "there is no first of none");
    CHECK_U64(sim_cells(0), 0);
}

static weft_err join_used(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    weft_deferred d = weft_succeed(self, num, .n = 1);
    weft_deferred member[] = {d, d, {1, 77}};
    return weft_when(msg, weft_settled(self, member, 3), on_joined);
}

static void a_member_that_cannot_be_consumed_has_failed(void)
{
    joined j = {.join = settled};
    sim_do(sim_puppet(NULL), join_used, &j);
    CHECK_U64(j.came.fired, 1);
    CHECK_U64(j.got[0], 1);
    CHECK_ERR(j.errs[1], WEFT_EUSED);
    CHECK_ERR(j.errs[2], WEFT_EGONE);
}

/* ---- the rest */

static weft_err keep_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    s->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err say_no(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_fail(msg, WEFT_EDENIED, "no");
}
static weft_err fail_kept(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    CHECK_OK(weft_fail(s->kept, WEFT_EIO, "much later"));
    weft_drop(&s->kept);
    return WEFT_OK;
}
/* Waits in a continuation, which hears when nobody wants it. */
static weft_err on_unwanted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    joined *j = ((const act *)weft_body(msg))->with;
    (void)self;
    j->told += got->err == WEFT_ECANCELLED;
    return weft_fail(msg, got->err, NULL);
}
static weft_err wait_long(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    return weft_when(msg, weft_ask(self, j->to[0], act, .fn = keep_it), on_unwanted);
}
static weft_err join_asks(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    j->member[0] = weft_ask(self, j->to[1], act, .fn = wait_long, .with = j);
    j->member[1] = weft_ask(self, j->to[2], act, .fn = say_no);
    j->top = weft_all(self, j->member, 2, j->rest);
    return weft_when(msg, j->top, on_joined);
}

static weft_err join_ask_and_promise(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    j->member[0] = weft_ask(self, j->to[1], act, .fn = wait_long, .with = j);
    j->member[1] = weft_promise_new(self, &j->promise[1], cut, j);
    j->top = weft_all(self, j->member, 2, j->rest);
    return weft_when(msg, j->top, on_joined);
}

static void the_rest_is_cancelled_where_it_is_across_reactors(void)
{
    for (unsigned i = 0; i < 4; i++) {
        sim_of(2);
        joined j = {.rest = WEFT_CANCEL_REST,
                    .to = {sim_puppet_on(i & 1, NULL), sim_puppet_on(i >> 1, NULL)}};
        weft_ref a = sim_puppet(NULL);
        sim_do(a, join_ask_and_promise, &j);
        fire_one(a, &j, 1, WEFT_EDENIED);
        CHECK_ERR(j.came.err, WEFT_EDENIED);
        CHECK_U64(j.came.index, 1);
        CHECK_U64(j.told, 1);
        CHECK_U64(sim_cells(0), 0);
        CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read"), 0);
        sim_do(j.to[0], fail_kept, NULL);
    }
}

static void the_rest_is_left_and_what_it_fails_with_is_logged(void)
{
    joined j = {.rest = WEFT_LEAVE_REST,
                .to = {sim_puppet(NULL), sim_puppet(NULL), sim_puppet(NULL)}};
    sim_do(sim_puppet(NULL), join_asks, &j);
    CHECK_ERR(j.came.err, WEFT_EDENIED);
    CHECK_U64(j.told, 0);
    CHECK_U64(sim_cells(0), 2);
    sim_do(j.to[0], fail_kept, NULL);
    CHECK_U64(j.came.fired, 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read a failed answer"), 1);
    CHECK_U64(sim_cells(0), 0);
}

static void the_rest_that_is_left_ends_though_it_inherited_its_limit(void)
{
    joined j = {.rest = WEFT_LEAVE_REST,
                .to = {sim_puppet(NULL), sim_puppet(NULL), sim_puppet(NULL)}};
    CHECK_ERR(sim_ask(sim_puppet(NULL), join_asks, &j)->err, WEFT_ENOANSWER);
    CHECK_U64(sim_cells(0), 2);
    weft_sim_advance(sim, 30000);
    CHECK_U64(sim_cells(0), 0);
    sim_do(j.to[0], fail_kept, NULL);
}

static weft_err cancel_top(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    (void)msg;
    j->used = weft_cancel(self, j->top);
    return WEFT_OK;
}

static void a_join_is_cancelled_as_a_whole(void)
{
    joined j[4] = {{.join = all}, {.join = settled}, {.join = any}, {.join = race}};
    for (unsigned i = 0; i < 4; i++) {
        weft_ref a = sim_puppet(NULL);
        sim_do(a, join_promises, &j[i]);
        sim_do(a, cancel_top, &j[i]);
        CHECK_OK(j[i].used);
        CHECK_U64(j[i].cut, MEMBERS);
        CHECK_U64(j[i].came.fired, 1);
        CHECK_ERR(i == 1 ? j[i].errs[2] : j[i].came.err, WEFT_ECANCELLED);
        CHECK_U64(sim_cells(0), 0);
    }
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void an_actor_that_ends_ends_its_joins_with_what_they_have(void)
{
    joined j = {.join = settled};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, join_promises, &j);
    fire_one(a, &j, 1, WEFT_OK);
    sim_do(a, stop_it, NULL);
    CHECK_U64(j.cut, 2);
    CHECK_U64(j.came.fired, 0);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

/* ---- joins of joins */

static weft_err join_joins(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    for (unsigned i = 0; i < MEMBERS; i++)
        j->member[i] = weft_promise_new(self, &j->promise[i], cut, j);
    weft_deferred top[] = {
        weft_race(self, j->member, 2, WEFT_CANCEL_REST),
        weft_within(self, weft_any(self, &j->member[2], 1, WEFT_LEAVE_REST), 50)};
    j->top = weft_all(self, top, 2, WEFT_CANCEL_REST);
    return weft_when(msg, j->top, on_joined);
}

static void joins_of_joins_settle_and_are_cancelled(void)
{
    joined j = {.cut = 0}, k = {.cut = 0}, l = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, join_joins, &j);
    fire_one(a, &j, 1, WEFT_OK);
    fire_one(a, &j, 2, WEFT_OK);
    CHECK_U64(j.got[0], 11);
    CHECK_U64(j.got[1], 12);
    CHECK_U64(j.cut, 1);
    sim_do(a, join_joins, &k);
    sim_do(a, cancel_top, &k);
    CHECK_ERR(k.came.err, WEFT_ECANCELLED);
    CHECK_U64(k.cut, 3);
    sim_do(a, join_joins, &l);
    weft_sim_advance(sim, 50);
    CHECK_ERR(l.came.err, WEFT_ETIMEDOUT);
    CHECK_U64(l.came.index, 1);
    CHECK_U64(l.cut, 3);
    CHECK_U64(sim_cells(0), 0);
}

static weft_err send_outcomes(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    CHECK_OK(got->err);
    return weft_reply_body(msg, got->type, got->body);
}
static weft_err join_and_send(weft_actor *self, weft_msg *msg, void *with)
{
    weft_deferred one = weft_succeed(self, num, .n = 1);
    (void)with;
    return weft_when(msg, weft_all(self, &one, 1, WEFT_CANCEL_REST), send_outcomes);
}

static void outcomes_do_not_leave_their_actor(void)
{
    CHECK_ERR(sim_ask(sim_puppet(NULL), join_and_send, NULL)->err, WEFT_EINVAL);
}

/* ---- many */

typedef struct letter {
    weft_bytes bytes;
} letter;
static const weft_type letter_type = WEFT_TYPE_BYTES("test.letter", letter, bytes, NULL);

static weft_err join_many(weft_actor *self, weft_msg *msg, void *with)
{
    joined *j = with;
    weft_deferred *d = calloc(MANY, sizeof *d);
    REQUIRE(d != NULL);
    letter l = {weft_bytes_copy(msg, "shared by all", 14)};
    for (unsigned i = 0; i < MANY; i++)
        d[i] = weft_succeed_body(self, &letter_type, &l);
    j->top = weft_settled(self, d, MANY);
    free(d);
    return weft_when(msg, j->top, on_joined);
}

static void a_join_of_many_keeps_their_values_and_lets_go_of_them(void)
{
    joined j = {.cut = 0};
    sim_do(sim_puppet(NULL), join_many, &j);
    CHECK_U64(j.came.fired, 1);
    CHECK_OK(j.errs[2]);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(WF_STAT_GET(weft_sim_system(sim)->reactor[0]->stat.buffers), 0);
}

static const test_case cases[] = {
    TEST(all_fails_with_the_first_error_and_says_which),
    TEST(settled_has_every_outcome_in_the_order_given),
    TEST(any_is_the_first_success_and_else_the_last_failure),
    TEST(race_is_whatever_comes_first),
    TEST(of_none_there_is_no_first),
    TEST(a_member_that_cannot_be_consumed_has_failed),
    TEST(the_rest_is_cancelled_where_it_is_across_reactors),
    TEST(the_rest_is_left_and_what_it_fails_with_is_logged),
    TEST(the_rest_that_is_left_ends_though_it_inherited_its_limit),
    TEST(a_join_is_cancelled_as_a_whole),
    TEST(an_actor_that_ends_ends_its_joins_with_what_they_have),
    TEST(joins_of_joins_settle_and_are_cancelled),
    TEST(outcomes_do_not_leave_their_actor),
    TEST(a_join_of_many_keeps_their_values_and_lets_go_of_them),
    {0},
};

const test_suite deferred_join_suite = {
    .name = "runtime/deferred_join", .before = sim_one, .after = sim_done, .cases = cases};
