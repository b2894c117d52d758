/* SPDX-License-Identifier: MIT */
/* Promises: who may fire them, when nobody waits any more, and who is told; what asks and answers cost. */
#include "kit.h"

#include <stdlib.h>

#include "alloc.h"
#include "core.h"
#include "sys.h"

typedef struct promised {
    came came; /* must be first: where on_came writes */
    weft_promise promise, copy;
    weft_deferred d;
    unsigned cut;
    weft_err used, again, in_cut;
    bool ended_first;
    record *rec;
} promised;

static void cut(weft_actor *self, weft_promise *promise, void *context)
{
    promised *p = context;
    (void)self, (void)promise;
    p->cut++;
    p->ended_first = p->rec != NULL && p->rec->ends != 0;
}

static weft_err make(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    p->d = weft_promise_new(self, &p->promise, cut, p);
    p->copy = p->promise;
    return weft_when(msg, p->d, on_came);
}
static weft_err resolve(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    p->used = weft_resolve(self, &p->promise, num, .n = 5);
    p->again = weft_resolve(self, &p->promise, num, .n = 6);
    return WEFT_OK;
}
static weft_err reject(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    p->used = weft_reject(self, &p->promise, WEFT_EIO, "disk %d is full", 3);
    p->again = weft_reject(self, &p->promise, WEFT_EIO, NULL);
    return WEFT_OK;
}
static weft_err resolve_copy(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    p->again = weft_resolve(self, &p->copy, num, .n = 6);
    return WEFT_OK;
}
static weft_err cancel(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    p->used = weft_cancel(self, p->d);
    return WEFT_OK;
}
static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

/* ---- firing */

static void a_promise_is_fired_once_with_a_value(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    CHECK_U64(p.came.fired, 0);
    sim_do(a, resolve, &p);
    CHECK_OK(p.used);
    CHECK_ERR(p.again, WEFT_EUSED);
    CHECK_U64(p.came.fired, 1);
    CHECK_U64(p.came.n, 5);
    CHECK_U64(p.cut, 0);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
    CHECK_U64(sim_stats(0).late_replies, 0);
}

static void a_promise_is_fired_once_with_an_error(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    sim_do(a, reject, &p);
    CHECK_OK(p.used);
    CHECK_ERR(p.again, WEFT_EUSED);
    CHECK_ERR(p.came.err, WEFT_EIO);
    CHECK_STR(p.came.why, "disk 3 is full");
}

static weft_err make_and_resolve(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    p->d = weft_promise_new(self, &p->promise, cut, p);
    p->copy = p->promise;
    CHECK_OK(weft_resolve_body(self, &p->promise, NULL, NULL));
    p->again = weft_resolve(self, &p->copy, num, .n = 6);
    CHECK_U64(p->came.fired, 0);
    return weft_when(msg, p->d, on_came);
}

static void one_that_has_fired_before_it_is_waited_for_comes_from_the_mailbox(void)
{
    promised p = {.cut = 0};
    sim_do(sim_puppet(NULL), make_and_resolve, &p);
    CHECK_ERR(p.again, WEFT_EUSED);
    CHECK_U64(p.came.fired, 1);
    CHECK_OK(p.came.err);
    CHECK(p.came.type == NULL);
}

static void a_copy_of_a_promise_fires_nothing_once_it_is_over(void)
{
    promised p = {.cut = 0}, q = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    sim_do(a, resolve, &p);
    sim_do(a, make, &q); /* in the same cell */
    CHECK_U64(q.copy.slot, p.copy.slot);
    sim_do(a, resolve_copy, &p);
    CHECK_ERR(p.again, WEFT_EGONE);
    CHECK_U64(q.came.fired, 0);
    sim_do(a, resolve, &q);
    CHECK_U64(q.came.n, 5);
}

static void a_promise_is_fired_by_its_own_actor_only(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    sim_do(sim_puppet(NULL), resolve_copy, &p);
    CHECK_ERR(p.again, WEFT_EGONE);
    CHECK_U64(p.came.fired, 0);
    sim_do(a, resolve, &p);
    CHECK_U64(p.came.fired, 1);
}

static const weft_type empty_type = {.name = "test.empty"};
static weft_err resolve_badly(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    CHECK_ERR(weft_resolve_body(self, &p->promise, &empty_type, ""), WEFT_EINVAL);
    wf_alloc_fail_after(0);
    weft_err err = weft_resolve(self, &p->promise, num, .n = 5);
    wf_alloc_fail_after(-1);
#ifdef WEFT_DEV /* each message is an allocation */
    CHECK_ERR(err, WEFT_ENOMEM);
    err = weft_resolve(self, &p->promise, num, .n = 5);
#endif
    p->used = err;
    return WEFT_OK;
}
static weft_err succeed_badly(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_succeed_body(self, &empty_type, ""), on_came);
}

static void a_value_that_cannot_be_copied_leaves_the_promise_as_it_is(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    sim_do(a, resolve_badly, &p);
    CHECK_OK(p.used);
    CHECK_U64(p.came.n, 5);
    sim_do(a, succeed_badly, &p);
    CHECK_ERR(p.came.err, WEFT_EINVAL);
    CHECK_STR(p.came.why, "type test.empty has no size: it needs at least one byte");
}

/* ---- nobody waits */

static void one_that_was_cancelled_is_gone_and_its_maker_told_once(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    sim_do(a, cancel, &p);
    CHECK_OK(p.used);
    CHECK_U64(p.cut, 1);
    CHECK_ERR(p.came.err, WEFT_ECANCELLED);
    sim_do(a, cancel, &p);
    CHECK_ERR(p.used, WEFT_EUSED);
    sim_do(a, resolve, &p);
    CHECK_ERR(p.used, WEFT_EGONE);
    CHECK_ERR(p.again, WEFT_EUSED); /* the promise knows by then */
    CHECK_U64(p.cut, 1);
    CHECK_U64(p.came.fired, 1);
}

static weft_err cancel_and_resolve(weft_actor *self, weft_msg *msg, void *with)
{
    (void)cancel(self, msg, with);
    return resolve(self, msg, with);
}

static void whoever_knows_that_it_is_gone_is_not_told_again(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, make, &p);
    sim_do(a, cancel_and_resolve, &p);
    CHECK_ERR(p.used, WEFT_EGONE);
    CHECK_U64(p.cut, 0); /* its context may be gone already */
    CHECK_ERR(p.came.err, WEFT_ECANCELLED);
    CHECK_U64(p.came.fired, 1);
}

static weft_err make_and_forget(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    p->d = weft_promise_new(self, &p->promise, cut, p);
    return WEFT_OK;
}
static weft_err make_and_ignore(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    (void)msg;
    p->d = weft_promise_new(self, &p->promise, cut, p);
    return weft_ignore(self, p->d);
}

static void one_that_nobody_waits_for_is_gone_when_it_is_fired(void)
{
    promised p = {.cut = 0};
    weft_ref a = sim_puppet(NULL);
    act_fn *makes[] = {make_and_forget, make_and_ignore};
    for (unsigned i = 0; i < 2; i++) {
        sim_do(a, makes[i], &p);
        CHECK_U64(sim_stats(0).asks, 1);
        sim_do(a, resolve, &p);
        CHECK_ERR(p.used, WEFT_EGONE);
        sim_do(a, makes[i], &p);
        sim_do(a, reject, &p);
        CHECK_ERR(p.used, WEFT_EGONE);
        CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "disk 3 is full (EIO)"), 1); /* forgotten */
        CHECK_U64(sim_cells(0), 0);
        CHECK_U64(sim_stats(0).asks, 0);
    }
    CHECK_U64(p.cut, 0);
}

static weft_err fail_and_forget(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_deferred d = weft_failed(self, WEFT_EDENIED, "number %d", 4);
    (void)d;
    return WEFT_OK;
}

static void a_failed_one_that_nobody_reads_is_logged_with_its_place(void)
{
    sim_do(sim_puppet(NULL), fail_and_forget, NULL);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "nobody read a failed answer: number 4"), 1);
#ifdef WEFT_DEV
    char place[64];
    (void)snprintf(place, sizeof place, "deferred_plain_test.c:%d", __LINE__ - 11);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, place), 1);
#endif
}

static void the_end_of_the_actor_tells_before_its_state_goes(void)
{
    promised p = {.rec = record_new()};
    weft_ref a = sim_puppet(p.rec);
    sim_do(a, make, &p);
    sim_do(a, stop_it, NULL);
    CHECK_U64(p.cut, 1);
    CHECK(!p.ended_first);
    CHECK_U64(p.rec->ends, 1);
    CHECK_U64(p.came.fired, 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

static void fire_at_the_end(weft_actor *self, weft_promise *promise, void *context)
{
    promised *p = context;
    p->cut++;
    p->in_cut = p->cut == 1 ? weft_resolve(self, promise, num, .n = 9)
                            : weft_reject(self, promise, WEFT_EIO, "too late");
}
static weft_err make_three_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    promised *p = with;
    for (unsigned i = 0; i < 3; i++) {
        p->d = weft_promise_new(self, &p->promise, fire_at_the_end, p);
        CHECK_OK(i == 1 ? weft_ignore(self, p->d) : weft_when(msg, p->d, on_came));
    }
    CHECK_OK(weft_cancel(self, p->d)); /* the last: told at the end, though what says so is lost */
    return weft_stop(self, WEFT_OK);
}

static void what_is_fired_at_the_end_reaches_nobody_and_leaks_nothing(void)
{
    promised p = {.cut = 0};
    sim_do(sim_puppet(NULL), make_three_and_stop, &p);
    CHECK_U64(p.cut, 3);
    CHECK_ERR(p.in_cut, WEFT_EGONE);
    CHECK_U64(p.came.fired, 0);
    CHECK_U64(sim_cells(0), 0);
    CHECK_U64(sim_stats(0).asks, 0);
}

/* ---- limits, costs */

typedef struct many {
    came came;
    unsigned n, fired, failed;
    weft_ref to;
    weft_promise *promise;
    weft_msg **kept;
} many;

static weft_err on_one_of_many(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    many *m = ((const act *)weft_body(msg))->with;
    (void)self;
    m->fired++;
    m->failed += got->err != WEFT_OK;
    return WEFT_OK;
}
static weft_err promise_many(weft_actor *self, weft_msg *msg, void *with)
{
    many *m = with;
    for (unsigned i = 0; i < m->n; i++)
        CHECK_OK(
            weft_when(msg, weft_promise_new(self, &m->promise[i], NULL, NULL), on_one_of_many));
    return WEFT_OK;
}
static weft_err resolve_many(weft_actor *self, weft_msg *msg, void *with)
{
    many *m = with;
    (void)msg;
    for (unsigned i = 0; i < m->n; i++)
        CHECK_ERR(weft_resolve(self, &m->promise[i], num, .n = i), i < 3 ? WEFT_OK : WEFT_EGONE);
    return WEFT_OK;
}
static weft_err run_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

/* A request of one word, which is kept. */
typedef struct one_word {
    many *m;
} one_word;
static const weft_type one_word_type = WEFT_TYPE("test.one_word", one_word, NULL);
static weft_err on_one_word(weft_actor *self, weft_msg *msg)
{
    many *m = ((const one_word *)weft_body(msg))->m;
    (void)self;
    m->kept[m->came.fired++] = weft_keep(msg);
    return WEFT_OK;
}

static const weft_handler act_handlers[] = {
    {.type = &act_type, .fn = run_act}, {.type = &one_word_type, .fn = on_one_word}, {0}};
static const weft_behaviour few = {.name = "few", .handlers = act_handlers, .asks_max = 3};

static void promises_beyond_asks_max_fail(void)
{
    weft_promise promise[5];
    many m = {.n = 5, .promise = promise};
    weft_ref a = weft_sim_spawn(sim, &few, NULL);
    sim_do(a, promise_many, &m);
    CHECK_U64(m.fired, 2);
    CHECK_U64(m.failed, 2);
    sim_do(a, resolve_many, &m);
    CHECK_U64(m.fired, 5);
    CHECK_U64(m.failed, 2);
}

enum { ASKS = 100000, ROUNDS = 5 };
static const weft_behaviour much = {.name = "much",
                                    .handlers = act_handlers,
                                    .asks_max = ASKS,
                                    .mailbox_max = ASKS,
                                    .state_bytes = 8};

static weft_err answer_all(weft_actor *self, weft_msg *msg, void *with)
{
    many *m = with;
    (void)self, (void)msg;
    for (unsigned i = 0; i < m->n; i++) {
        CHECK_OK(weft_reply(m->kept[i], num, .n = i));
        weft_drop(&m->kept[i]);
    }
    m->came.fired = 0;
    return WEFT_OK;
}
static weft_err ask_many(weft_actor *self, weft_msg *msg, void *with)
{
    many *m = with;
    for (unsigned i = 0; i < m->n; i++)
        CHECK_OK(weft_when(msg, weft_ask(self, m->to, one_word, .m = m), on_one_of_many));
    return WEFT_OK;
}

/* What an ask takes while it is outstanding, at both ends: its cell, its request, and what keeps that. */
static void an_outstanding_ask_takes_at_most_256_bytes_and_a_finished_one_nothing(void)
{
    wf_reactor *r = weft_sim_system(sim)->reactor[0];
    many m = {.n = ASKS, .kept = calloc(ASKS, sizeof(weft_msg *))};
    REQUIRE(m.kept != NULL);
    weft_ref a = weft_sim_spawn(sim, &much, NULL);
    m.to = weft_sim_spawn(sim, &much, NULL);
    uint32_t used = 0;
    uint64_t bytes = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t blocks = WF_STAT_GET(r->stat.blocks);
        sim_do(a, ask_many, &m);
        CHECK_U64(m.came.fired, ASKS);
        CHECK_U64(sim_stats(0).asks, ASKS);
        /* every block of it is of 64 bytes; where they are counted one by one, that is exact */
#ifdef WEFT_DEV
        bytes = (WF_STAT_GET(r->stat.blocks) - blocks) * 64ULL;
        CHECK(bytes >= 2 * 64ULL * ASKS);
#else
        (void)blocks;
        bytes = WF_STAT_GET(r->stat.block_bytes);
#endif
        bytes += r->cells_used * sizeof(wf_cell);
        CHECK(bytes / ASKS <= 256);
        sim_do(m.to, answer_all, &m);
        CHECK_U64(sim_cells(0), 0);
        CHECK_U64(sim_stats(0).asks, 0);
        if (round == 0)
            used = r->cells_used;
        CHECK_U64(r->cells_used, used); /* 500,000 in all */
    }
    CHECK_U64(m.fired, ROUNDS * ASKS);
    CHECK_U64(m.failed, 0);
    free(m.kept);
}

static const test_case cases[] = {
    TEST(a_promise_is_fired_once_with_a_value),
    TEST(a_promise_is_fired_once_with_an_error),
    TEST(one_that_has_fired_before_it_is_waited_for_comes_from_the_mailbox),
    TEST(a_copy_of_a_promise_fires_nothing_once_it_is_over),
    TEST(a_promise_is_fired_by_its_own_actor_only),
    TEST(a_value_that_cannot_be_copied_leaves_the_promise_as_it_is),
    TEST(one_that_was_cancelled_is_gone_and_its_maker_told_once),
    TEST(whoever_knows_that_it_is_gone_is_not_told_again),
    TEST(one_that_nobody_waits_for_is_gone_when_it_is_fired),
    TEST(a_failed_one_that_nobody_reads_is_logged_with_its_place),
    TEST(the_end_of_the_actor_tells_before_its_state_goes),
    TEST(what_is_fired_at_the_end_reaches_nobody_and_leaks_nothing),
    TEST(promises_beyond_asks_max_fail),
    TEST(an_outstanding_ask_takes_at_most_256_bytes_and_a_finished_one_nothing),
    {0},
};

const test_suite deferred_plain_suite = {
    .name = "runtime/deferred_plain", .before = sim_one, .after = sim_done, .cases = cases};
