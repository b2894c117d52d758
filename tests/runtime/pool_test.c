/* SPDX-License-Identifier: MIT */
/* The blocking pool, simulated: functions and actors on its threads, which thread, limits, ends. */
#include "kit.h"

#include <stdlib.h>

#include <weft/pool.h>

#include "alloc.h"
#include "sys.h"

enum { ASKS = 6, SEEDS = 30 };

/* ---- what is asked of the pool, and what it came to */

typedef struct work {
    weft_handler_fn *fn;
    uint64_t n;
    weft_deferred deferred;
    weft_err cancelled;
    unsigned fired;
    weft_err err;
    char why[96];
    uint64_t got;
    weft_ref ref; /* of a spawned one */
} work;

typedef struct task {
    uint64_t n;
    weft_ref to;
    unsigned char room[64];
} task;
static const weft_type task_type = WEFT_TYPE("test.task", task, &num_type);

static unsigned served[8]; /* by thread of the pool */

static void count_served(weft_actor *self)
{
    unsigned at = weft_reactor_of(self) - weft_system_reactors(weft_system_of(self));
    CHECK(at < 8);
    served[at]++;
}

static weft_err on_work(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    work *w = ((const act *)weft_body(msg))->with;
    (void)self;
    w->fired++;
    w->err = got->err;
    (void)snprintf(w->why, sizeof w->why, "%s", got->why);
    if (got->err == WEFT_OK && got->type == &num_type)
        w->got = ((const num *)got->body)->n;
    if (got->err == WEFT_OK && got->type == &weft_spawned_type)
        w->ref = ((const weft_spawned *)got->body)->ref;
    return WEFT_OK;
}

static weft_err ask_pool(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    w->deferred = weft_ask_pool(self, w->fn, task, .n = w->n, .to = weft_self(self));
    return weft_when(msg, w->deferred, on_work);
}

static weft_err ask_and_cancel(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    weft_err err = ask_pool(self, msg, with);
    w->cancelled = weft_cancel(self, w->deferred);
    return err;
}

static weft_err twice(weft_actor *self, weft_msg *msg)
{
    const task *t = weft_body(msg);
    count_served(self);
    CHECK(weft_type_of(msg) == &task_type);
    CHECK(weft_ref_same(weft_sender(msg), t->to));
    return weft_reply(msg, num, .n = 2 * t->n);
}

static weft_system *system_here(void)
{
    return weft_sim_system(sim);
}

static void check_idle(void)
{
    const weft_system *sys = system_here();
    for (unsigned i = sys->reactors; i < wf_threads(sys); i++) {
        CHECK_U64(sys->reactor[i]->pool_jobs, 0);
        CHECK_U64(sys->reactor[i]->pool_coming, 0);
    }
}

static void before(void)
{
    memset(served, 0, sizeof served);
    sim_one();
}

/* ---- functions */

static void a_function_is_asked_and_answers(void)
{
    work w = {.fn = twice, .n = 21};
    CHECK_U64(wf_threads(system_here()), 1); /* no thread before the first is needed */
    sim_do(sim_puppet(NULL), ask_pool, &w);
    CHECK_OK(w.err);
    CHECK_U64(w.got, 42);
    CHECK_U64(w.fired, 1);
    CHECK_U64(served[0], 1);
    CHECK_U64(wf_threads(system_here()), 2);
    check_idle();
}

static weft_err refuse(weft_actor *self, weft_msg *msg)
{
    count_served(self);
    return weft_fail(msg, WEFT_EDENIED, "not for %u", 7U);
}
static weft_err fail_plainly(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_EIO;
}
static weft_err say_nothing(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}
static weft_err answer_wrongly(weft_actor *self, weft_msg *msg)
{
    (void)self;
    CHECK_ERR(weft_reply(msg, act, .fn = NULL), WEFT_ETYPE);
    return WEFT_OK;
}

static void a_function_fails_as_a_handler_does(void)
{
    const struct {
        weft_handler_fn *fn;
        weft_err err;
    } rows[] = {{refuse, WEFT_EDENIED},
                {fail_plainly, WEFT_EIO},
                {say_nothing, WEFT_ENOANSWER},
                {answer_wrongly, WEFT_ETYPE}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        work w = {.fn = rows[i].fn};
        sim_do(sim_puppet(NULL), ask_pool, &w);
        CHECK_ERR(w.err, rows[i].err);
        CHECK_U64(w.fired, 1);
        if (i == 0)
            CHECK_STR(w.why, "not for 7");
    }
    check_idle();
}

/* ---- bodies: bytes that are shared, and more than a block holds */

typedef struct big_task {
    weft_bytes bytes;
    unsigned char room[4000];
} big_task;
static const weft_type big_task_type =
    WEFT_TYPE_BYTES("test.big_task", big_task, bytes, &big_task_type);

static weft_err turn_round(weft_actor *self, weft_msg *msg)
{
    big_task t = *(const big_task *)weft_body(msg);
    uint8_t *to;
    weft_bytes bytes;
    (void)self;
    for (unsigned i = 0; i < sizeof t.room / 2; i++) {
        unsigned char c = t.room[i];
        t.room[i] = t.room[sizeof t.room - 1 - i];
        t.room[sizeof t.room - 1 - i] = c;
    }
    weft_err err = weft_bytes_new(t.bytes.size, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    for (size_t i = 0; i < bytes.size; i++)
        to[i] = t.bytes.at[bytes.size - 1 - i];
    t.bytes = bytes;
    err = weft_reply_body(msg, &big_task_type, &t);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err on_turned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const big_task *t = got->body;
    (void)self;
    REQUIRE(got->err == WEFT_OK);
    CHECK_MEM(t->bytes.at, t->bytes.size, "olleh", 5);
    CHECK_U64(t->room[0], 9);
    CHECK_U64(t->room[sizeof t->room - 1], 1);
    ++*(unsigned *)((const act *)weft_body(msg))->with;
    return WEFT_OK;
}

static weft_err ask_to_turn(weft_actor *self, weft_msg *msg, void *with)
{
    big_task t = {.bytes = weft_bytes_copy(msg, "hello", 5)};
    (void)with;
    t.room[0] = 1;
    t.room[sizeof t.room - 1] = 9;
    return weft_when(msg, weft_ask_pool_body(self, turn_round, &big_task_type, &t, WEFT_INHERIT),
                     on_turned);
}

static weft_err ignore_turning(weft_actor *self, weft_msg *msg, void *with)
{
    big_task t = {.bytes = weft_bytes_copy(msg, "hello", 5)};
    (void)with;
    weft_deferred d = weft_ask_pool_body(self, turn_round, &big_task_type, &t, WEFT_INHERIT);
    return weft_cancel(self, d);
}

static void bodies_of_any_kind_go_there_and_back(void)
{
    unsigned turned = 0;
    sim_do(sim_puppet(NULL), ask_to_turn, &turned);
    CHECK_U64(turned, 1);
    sim_do(sim_puppet(NULL), ignore_turning, NULL); /* its bytes are given back unrun */
    check_idle();
}

/* ---- a function is a handler: it may ask and go on */

static weft_err on_asked_on(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return got->err;
    return weft_reply(msg, num, .n = ((const num *)got->body)->n + 1);
}
static weft_err give_ten(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, num, .n = 10);
}
static weft_err ask_on(weft_actor *self, weft_msg *msg)
{
    const task *t = weft_body(msg);
    return weft_when(msg, weft_ask(self, t->to, act, .fn = give_ten), on_asked_on);
}

static void a_function_may_ask_others_and_go_on(void)
{
    work w = {.fn = ask_on};
    sim_do(sim_puppet(NULL), ask_pool, &w);
    CHECK_OK(w.err);
    CHECK_U64(w.got, 11);
    check_idle();
}

static weft_err stop_here(weft_actor *self, weft_msg *msg)
{
    (void)weft_stop(self, WEFT_EINTERNAL);
    return weft_reply(msg, num, .n = 1);
}

static void a_function_that_stops_its_actor_stops_nothing(void)
{
    work first = {.fn = stop_here}, next = {.fn = twice, .n = 4};
    weft_ref x = sim_puppet(NULL);
    sim_do(x, ask_pool, &first);
    CHECK_OK(first.err);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "called weft_stop"), 1);
    sim_do(x, ask_pool, &next);
    CHECK_U64(next.got, 8);
}

/* ---- which thread */

static weft_err ask_many(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    for (unsigned i = 0; i < ASKS; i++)
        CHECK_OK(ask_pool(self, msg, &w[i]));
    return WEFT_OK;
}
static void what_is_asked_at_once_is_spread_over_as_many_threads_as_there_may_be(void)
{
    static const unsigned pools[] = {1, 2, 3, 8};
    for (unsigned k = 0; k < 4; k++) {
        work w[ASKS];
        memset(served, 0, sizeof served);
        memset(w, 0, sizeof w);
        for (unsigned i = 0; i < ASKS; i++)
            w[i] = (work){.fn = twice, .n = i};
        sim_with(&(weft_sim_options){.seed = 1, .system.pool = pools[k]});
        sim_do(sim_puppet(NULL), ask_many, w);
        unsigned threads = pools[k] < ASKS ? pools[k] : ASKS;
        CHECK_U64(wf_threads(system_here()), 1 + threads);
        for (unsigned i = 0; i < threads; i++)
            CHECK_U64(served[i], ASKS / threads);
        check_idle();
    }
}

static void what_is_asked_one_after_the_other_needs_one_thread(void)
{
    weft_ref x = sim_puppet(NULL);
    for (unsigned i = 0; i < ASKS; i++) {
        work w = {.fn = twice, .n = i};
        sim_do(x, ask_pool, &w);
        CHECK_U64(w.got, 2 * i);
    }
    CHECK_U64(wf_threads(system_here()), 2);
    CHECK_U64(served[0], ASKS);
}

/* ---- actors that block */

static weft_err spawn_one(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    w->deferred = weft_spawn_blocking(self, &puppet, NULL);
    return weft_when(msg, w->deferred, on_work);
}
static weft_err spawn_three(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(spawn_one(self, msg, &w[i]));
    return WEFT_OK;
}
static weft_err where(weft_actor *self, weft_msg *msg, void *with)
{
    *(unsigned *)with = weft_reactor_of(self);
    return weft_reply(msg, num, .n = 3);
}

static void actors_that_block_are_spawned_from_handlers_where_the_least_lives(void)
{
    work w[3] = {{.fn = NULL}};
    unsigned at[3] = {0};
    sim_of(2);
    sim_do(sim_puppet_on(1, NULL), spawn_three, w);
    /* on_work writes to what its act names: the first record has the last outcome */
    CHECK_OK(w[0].err);
    CHECK_U64(w[0].fired, 3);
    CHECK_U64(wf_threads(system_here()), 4);
    CHECK_OK(sim_ask(w[0].ref, where, &at[0])->err);
    CHECK(at[0] == 2 || at[0] == 3);
    CHECK_U64(system_here()->reactor[2]->stat.actors + system_here()->reactor[3]->stat.actors,
              2 + 3);
    check_idle();
    /* what lives there counts: one more goes to the other */
    bool two_on_2 = system_here()->reactor[2]->stat.actors == 3;
    work next = {.fn = NULL};
    sim_do(sim_puppet(NULL), spawn_one, &next);
    CHECK_OK(sim_ask(next.ref, where, &at[1])->err);
    CHECK_U64(at[1], two_on_2 ? 3 : 2);
}

static const weft_behaviour too_large = {.name = "too_large", .state_bytes = 1U << 20};

static weft_err spawn_too_large(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    w->deferred = weft_spawn_blocking(self, &too_large, NULL);
    return weft_when(msg, w->deferred, on_work);
}

static void one_that_cannot_be_spawned_is_a_failure_with_its_sentence(void)
{
    work w = {.fn = NULL};
    sim_do(sim_puppet(NULL), spawn_too_large, &w);
    CHECK_ERR(w.err, WEFT_ELIMIT);
    CHECK(strstr(w.why, "too_large") != NULL);
    check_idle();
}

/* ---- cancel and limits */

static void a_request_that_waits_is_removed_unrun(void)
{
    work w = {.fn = twice};
    sim_do(sim_puppet(NULL), ask_and_cancel, &w);
    CHECK_OK(w.cancelled);
    CHECK_ERR(w.err, WEFT_ECANCELLED);
    CHECK_U64(w.fired, 1);
    CHECK_U64(served[0], 0);
    check_idle();
}

static weft_err on_flood(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    unsigned *counts = ((const act *)weft_body(msg))->with;
    (void)self;
    counts[got->err == WEFT_OK ? 0 : got->err == WEFT_EFULL ? 1 : 2]++;
    return WEFT_OK;
}
static weft_err flood(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    for (unsigned i = 0; i < WEFT_POOL_ASKS_MAX + 5; i++)
        CHECK_OK(weft_when(msg, weft_ask_pool(self, twice, task, .n = i, .to = weft_self(self)),
                           on_flood));
    return WEFT_OK;
}

static void requests_that_wait_have_a_limit(void)
{
    unsigned counts[3] = {0};
    sim_with(&(weft_sim_options){.seed = 1, .system.pool = 1});
    sim_do(sim_puppet(NULL), flood, counts);
    CHECK_U64(counts[0], WEFT_POOL_ASKS_MAX);
    CHECK_U64(counts[1], 5);
    CHECK_U64(counts[2], 0);
    check_idle();
}

/* Never answers, and its message is let go of when the one it waits for gives up. */
static weft_err on_nothing(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    return got->err;
}
static weft_err keep_quiet(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    s->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err wait_long(weft_actor *self, weft_msg *msg)
{
    const task *t = weft_body(msg);
    return weft_when(msg, weft_ask(self, t->to, act, .fn = keep_quiet), on_nothing);
}

static weft_err ask_late(weft_actor *self, weft_msg *msg, void *with)
{
    work *w = with;
    w->deferred =
        weft_ask_pool_body(self, wait_long, &task_type, &(task){.n = 1, .to = weft_self(self)}, 50);
    return weft_when(msg, w->deferred, on_work);
}

static void a_limit_passes_while_the_function_waits(void)
{
    work w = {.fn = NULL};
    sim_do(sim_puppet(NULL), ask_late, &w);
    CHECK_U64(w.fired, 0);
    weft_sim_advance(sim, 50);
    CHECK_ERR(w.err, WEFT_ETIMEDOUT);
    weft_sim_advance(sim, 1000);
    CHECK_U64(w.fired, 1);
    check_idle();
}

/* ---- ends */

static void the_end_of_the_system_fails_what_waits(void)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        work w[ASKS];
        memset(w, 0, sizeof w);
        for (unsigned i = 0; i < ASKS; i++)
            w[i] = (work){.fn = twice, .n = i};
        sim_with(&(weft_sim_options){.seed = seed, .system.reactors = 2});
        act ask = {ask_many, w};
        CHECK_OK(weft_system_tell(system_here(), sim_puppet_on(1, NULL), &act_type, &ask));
        for (unsigned steps = seed; steps != 0; steps--)
            (void)weft_sim_step(sim);
        weft_system_shutdown(system_here(), WEFT_OK);
        CHECK(weft_sim_run(sim));
        sim_done(); /* nothing has leaked */
    }
}

typedef struct last_wish {
    weft_err err;
    unsigned fired;
} last_wish;
static last_wish wish;

static weft_err on_wish(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    wish.err = got->err;
    wish.fired++;
    return weft_stop(self, WEFT_OK);
}
static weft_err wish_stopping(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_ask_pool(self, twice, task, .n = 1), on_wish);
}
static const weft_handler wish_handlers[] = {{.type = &weft_stopping_type, .fn = wish_stopping},
                                             {0}};
static const weft_behaviour wishing = {.name = "wishing", .handlers = wish_handlers};

static void no_thread_is_made_when_the_system_ends(void)
{
    wish = (last_wish){WEFT_OK, 0};
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &wishing, NULL)));
    CHECK(weft_sim_run(sim));
    weft_system_shutdown(system_here(), WEFT_OK);
    CHECK(weft_sim_run(sim));
    CHECK_U64(wish.fired, 1);
    CHECK_ERR(wish.err, WEFT_ESTOPPING);
    CHECK_U64(wf_threads(system_here()), 1);
}

/* ---- without memory */

static void ask_and_spawn(void)
{
    work w = {.fn = twice, .n = 5}, s = {.fn = NULL};
    long failed = wf_alloc_failed();
    sim_done();
    sim = weft_sim_new(&(weft_sim_options){.seed = 1, .system.ask_limit_ms = 500});
    if (sim == NULL) {
        CHECK(wf_alloc_failed() != failed);
        return;
    }
    weft_ref x = weft_system_spawn(system_here(), 0, &puppet, NULL);
    (void)weft_sim_tell(sim, x, act, .fn = ask_pool, .with = &w);
    (void)weft_sim_tell(sim, x, act, .fn = spawn_one, .with = &s);
    weft_sim_advance(sim, 2000);
    CHECK(w.fired <= 1 && s.fired <= 1);
    CHECK(w.fired == 0 || w.err != WEFT_OK || w.got == 10);
    if (wf_alloc_failed() == failed) {
        CHECK_OK(w.err);
        CHECK_OK(s.err);
        CHECK_U64(w.fired + s.fired, 2);
    }
    check_idle();
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void without_memory_it_fails_or_is_done(void)
{
    each_allocation_fails(ask_and_spawn);
}

static void one_seed_is_one_history(void)
{
    uint64_t hash[2];
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        for (unsigned k = 0; k < 2; k++) {
            work w[ASKS];
            memset(w, 0, sizeof w);
            for (unsigned i = 0; i < ASKS; i++)
                w[i] = (work){.fn = twice, .n = i};
            sim_with(&(weft_sim_options){.seed = seed, .system = {.reactors = 2, .pool = 3}});
            sim_do(sim_puppet_on(1, NULL), ask_many, w);
            hash[k] = weft_sim_event_hash(sim);
        }
        CHECK_U64(hash[0], hash[1]);
    }
}

static const test_case cases[] = {
    TEST(a_function_is_asked_and_answers),
    TEST(a_function_fails_as_a_handler_does),
    TEST(bodies_of_any_kind_go_there_and_back),
    TEST(a_function_may_ask_others_and_go_on),
    TEST(a_function_that_stops_its_actor_stops_nothing),
    TEST(what_is_asked_at_once_is_spread_over_as_many_threads_as_there_may_be),
    TEST(what_is_asked_one_after_the_other_needs_one_thread),
    TEST(actors_that_block_are_spawned_from_handlers_where_the_least_lives),
    TEST(one_that_cannot_be_spawned_is_a_failure_with_its_sentence),
    TEST(a_request_that_waits_is_removed_unrun),
    TEST(requests_that_wait_have_a_limit),
    TEST(a_limit_passes_while_the_function_waits),
    TEST(the_end_of_the_system_fails_what_waits),
    TEST(no_thread_is_made_when_the_system_ends),
    TEST(without_memory_it_fails_or_is_done),
    TEST(one_seed_is_one_history),
    {0},
};

const test_suite pool_suite = {
    .name = "runtime/pool", .before = before, .after = sim_done, .cases = cases};
