/* SPDX-License-Identifier: MIT */
/* What a test may ask of a simulation: faults by name and time, invariants, a run that is repeated up to a
 * step, leaks by kind. */
#include "check.h"

#include <stdlib.h>

#include <weft/testing.h>

#include "alloc.h"
#include "sim.h"

enum { SEEDS = 30 };

/* ---- a purse that pays, keeps requests, and may hold too much */

typedef struct pay {
    uint32_t amount;
    weft_ref to;
} pay;
typedef struct paid {
    uint32_t left;
} paid;
typedef struct wait {
    char c;
} wait;
typedef struct note {
    weft_bytes bytes;
} note;
typedef struct cling {
    weft_bytes bytes;
} cling;

static const weft_type paid_type = WEFT_TYPE("test.paid", paid, NULL);
static const weft_type pay_type = WEFT_TYPE("test.pay", pay, &paid_type);
static const weft_type wait_type = WEFT_TYPE("test.wait", wait, &paid_type);
static const weft_type note_type = WEFT_TYPE_BYTES("test.note", note, bytes, NULL);
static const weft_type cling_type = WEFT_TYPE_BYTES("test.cling", cling, bytes, NULL);

typedef struct purse {
    uint32_t money;
    weft_msg *kept;
    weft_bytes clung;
} purse;

typedef struct purse_config {
    uint32_t money;
} purse_config;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const purse_config *config = weft_config(self);
    (void)msg;
    ((purse *)weft_state(self))->money = config->money;
    return WEFT_OK;
}

/* Money travels as a payment to nobody: who gets it pays no further. */
static weft_err on_pay(weft_actor *self, weft_msg *msg)
{
    purse *p = weft_state(self);
    const pay *order = weft_body(msg);
    if (weft_ref_is_nobody(order->to)) {
        p->money += order->amount;
        return WEFT_OK;
    }
    p->money -= order->amount;
    return weft_tell(self, order->to, pay, .amount = order->amount);
}

static weft_err on_wait(weft_actor *self, weft_msg *msg)
{
    purse *p = weft_state(self);
    weft_drop(&p->kept);
    p->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_note(weft_actor *self, weft_msg *msg)
{
    const note *n = weft_body(msg);
    weft_bytes copy = weft_bytes_printf(msg, "%.*s", (int)n->bytes.size, (const char *)n->bytes.at);
    (void)self;
    return copy.size == n->bytes.size ? weft_reply(msg, note, .bytes = copy) : WEFT_ENOMEM;
}

/* The mistake: bytes that nobody lets go of. */
static weft_err on_cling(weft_actor *self, weft_msg *msg)
{
    purse *p = weft_state(self);
    p->clung = weft_bytes_keep(self, ((const cling *)weft_body(msg))->bytes);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &pay_type, .fn = on_pay},
    {.type = &wait_type, .fn = on_wait},
    {.type = &note_type, .fn = on_note},
    {.type = &cling_type, .fn = on_cling},
    {0},
};
static const weft_behaviour purse_behaviour = {
    .name = "purse", .handlers = handlers, .state_bytes = sizeof(purse)};

/* ---- around each test */

static const purse_config rich = {.money = 100};
static weft_sim *sim;
static weft_ref a, b;
static char logged[512];

static void hook(void *context, const weft_log_line *line)
{
    (void)context;
    if (line->level == WEFT_ERROR)
        (void)snprintf(logged, sizeof logged, "%s", line->text);
}

static void begin_with(uint64_t seed, uint64_t stop_at)
{
    logged[0] = '\0';
    sim = weft_sim_new(&(weft_sim_options){
        .seed = seed, .stop_at = stop_at, .system = {.reactors = 2, .log_hook = hook}});
    REQUIRE(sim != NULL);
    a = weft_sim_spawn(sim, &purse_behaviour, &rich);
    b = weft_system_spawn(weft_sim_system(sim), 1, &purse_behaviour, &rich);
}

static void begin(void)
{
    begin_with(3, 0);
}

static void end(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static uint32_t money_of(weft_ref who)
{
    const purse *p = weft_sim_state(sim, who);
    return p != NULL ? p->money : UINT32_MAX;
}

/* ---- looking */

static void the_state_of_an_actor_of_any_reactor_can_be_looked_at(void)
{
    CHECK(weft_sim_run(sim));
    CHECK_U64(money_of(a), 100);
    CHECK_U64(money_of(b), 100);
    CHECK_OK(weft_sim_tell(sim, a, pay, .amount = 30, .to = b));
    CHECK_U64(money_of(a), 70);
    CHECK_U64(money_of(b), 130);
    CHECK(weft_sim_state(sim, WEFT_NOBODY) == NULL);
}

/* ---- kills */

static void kill_b(weft_sim *s, void *context)
{
    weft_err *err = context;
    *err = weft_sim_kill(s, b, WEFT_EPROTO);
}

static void a_kill_in_the_middle_fails_what_is_kept(void)
{
    weft_err err = WEFT_EUSED;
    CHECK_OK(weft_sim_at(sim, 50, kill_b, &err));
    CHECK_ERR(weft_sim_ask(sim, b, wait, .c = 0)->err, WEFT_EGONE);
    CHECK_U64(weft_sim_now(sim), 50);
    CHECK_OK(err);
    CHECK(weft_sim_state(sim, b) == NULL);
    CHECK_ERR(weft_sim_kill(sim, b, WEFT_EPROTO), WEFT_EGONE);
    CHECK_ERR(weft_sim_kill(sim, WEFT_NOBODY, WEFT_EPROTO), WEFT_EGONE);
    CHECK(strstr(weft_sim_event_log(sim, NULL), "purse is killed") != NULL);
}

static void a_kill_does_no_step_and_mail_of_the_killed_is_lost(void)
{
    CHECK(weft_sim_run(sim));
    uint64_t steps = weft_sim_steps(sim);
    (void)weft_system_tell(weft_sim_system(sim), a, &pay_type, &(pay){.amount = 1, .to = b});
    CHECK_OK(weft_sim_kill(sim, a, WEFT_OK));
    CHECK_U64(weft_sim_steps(sim), steps);
    CHECK(weft_sim_run(sim));
    CHECK(weft_sim_state(sim, a) == NULL);
    CHECK_U64(money_of(b), 100);
}

/* ---- plans */

static char order[16];

static void happened(char what)
{
    size_t n = strlen(order);
    REQUIRE(n < sizeof order - 1);
    order[n] = what;
    order[n + 1] = '\0';
}

static void plan_a(weft_sim *s, void *context)
{
    (void)s, (void)context;
    happened('a');
}

static void plan_b(weft_sim *s, void *context)
{
    (void)context;
    happened('b');
    CHECK_OK(weft_sim_at(s, 0, plan_a, NULL));
    CHECK_OK(weft_sim_at(s, 5, plan_a, NULL));
}

static void what_is_planned_happens_at_its_time_and_may_plan_more(void)
{
    order[0] = '\0';
    CHECK_OK(weft_sim_at(sim, 20, plan_b, NULL));
    CHECK_OK(weft_sim_at(sim, 10, plan_a, NULL));
    weft_sim_advance(sim, 9);
    CHECK_STR(order, "");
    weft_sim_advance(sim, 1);
    CHECK_STR(order, "a");
    weft_sim_advance(sim, 10);
    CHECK_STR(order, "aba");
    weft_sim_advance(sim, 5);
    CHECK_STR(order, "abaa");
    /* left behind, it is freed with the simulation */
    CHECK_OK(weft_sim_at(sim, 1000, plan_a, NULL));
}

/* ---- memory */

static void the_nth_taking_of_memory_fails_whatever_n_is(void)
{
    unsigned failures = 0;
    for (uint64_t n = 1;; n++) {
        REQUIRE(n < 100);
        weft_sim_fail_allocation(sim, n);
        const weft_outcome *got =
            weft_sim_ask(sim, b, note, .bytes = WEFT_BYTES_LITERAL("some bytes"));
        CHECK(got->err == WEFT_OK || weft_sim_allocation_failed(sim));
        failures += got->err == WEFT_ENOMEM;
        if (!weft_sim_allocation_failed(sim))
            break;
        CHECK(strstr(weft_sim_event_log(sim, NULL), "as asked for") != NULL);
    }
    CHECK(failures > 0);
    weft_sim_fail_allocation(sim, 0);
    CHECK_OK(weft_sim_ask(sim, b, note, .bytes = WEFT_BYTES_LITERAL("some bytes"))->err);
    CHECK(!weft_sim_allocation_failed(sim));
}

/* ---- invariants */

/* Money is neither made nor lost; what is on its way belongs to neither. */
static weft_err no_money_is_made(weft_sim *s, void *context, weft_why *why)
{
    const purse *one = weft_sim_state(s, a), *other = weft_sim_state(s, b);
    uint32_t limit = *(const uint32_t *)context;
    if (one == NULL || other == NULL || one->money + other->money <= limit)
        return WEFT_OK;
    return weft_because(why, WEFT_EINTERNAL, "%u and %u are more than %u", one->money, other->money,
                        limit);
}

static void what_holds_after_every_step_is_nothing_to_tell(void)
{
    static const uint32_t limit = 200; /* looked at until the simulation is over */
    CHECK_OK(weft_sim_always(sim, "no money is made", no_money_is_made, (void *)(uintptr_t)&limit));
    CHECK_OK(weft_sim_tell(sim, a, pay, .amount = 30, .to = b));
    CHECK_OK(weft_sim_tell(sim, b, pay, .amount = 5, .to = a));
    CHECK_STR(weft_sim_failure(sim), "");
}

static void the_first_failure_stops_the_run_and_says_how_to_see_it_again(void)
{
    static const uint32_t limit = 200;
    char want[128];
    CHECK_OK(weft_sim_always(sim, "no money is made", no_money_is_made, (void *)(uintptr_t)&limit));
    CHECK(weft_sim_run(sim));
    (void)weft_sim_tell(sim, a, pay, .amount = 1);
    uint64_t steps = weft_sim_steps(sim);
    (void)snprintf(want, sizeof want,
                   "\"no money is made\" does not hold after step %u of seed 3: 101 and 100 are "
                   "more than 200",
                   (unsigned)steps);
    CHECK_STR(logged, want);
    const char *text = weft_sim_failure(sim);
    CHECK(strncmp(text, want, strlen(want)) == 0);
    CHECK(strstr(text, "purse: test.pay") != NULL);
    (void)snprintf(want, sizeof want, ".seed = 3, .stop_at = %u;", (unsigned)steps);
    CHECK(strstr(text, want) != NULL);
    /* nothing goes on */
    CHECK(!weft_sim_step(sim) && !weft_sim_run(sim));
    weft_sim_advance(sim, 1000);
    CHECK_ERR(weft_sim_ask(sim, b, note, .bytes = WEFT_NO_BYTES)->err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_sim_steps(sim), steps);
    CHECK_U64(weft_sim_now(sim), 0);
    weft_sim_leaks leaks;
    CHECK_U64(weft_sim_free_leaks(&sim, &leaks), 1);
    CHECK_U64(leaks.broken, 1);
    CHECK_U64(leaks.actors + leaks.asks + leaks.timers + leaks.buffers + leaks.messages, 0);
}

static weft_err never(weft_sim *s, void *context, weft_why *why)
{
    (void)s, (void)context, (void)why;
    return WEFT_ELIMIT;
}

static void an_invariant_that_says_no_more_than_its_error_is_told_by_that(void)
{
    CHECK_OK(weft_sim_always(sim, "never", never, NULL));
    CHECK(!weft_sim_run(sim));
    CHECK(strstr(weft_sim_failure(sim), weft_err_text(WEFT_ELIMIT)) != NULL);
    CHECK_U64(weft_sim_steps(sim), 1);
    CHECK_U64(weft_sim_free(&sim), 1);
}

/* What the runtime counts wrongly is found at the next step of that reactor. */
static void broken_by(void (*spoil)(wf_reactor *r, int by), const char *want)
{
    CHECK(weft_sim_run(sim));
    wf_reactor *r = sim->sys->reactor[0];
    spoil(r, 1);
    (void)weft_sim_tell(sim, a, pay, .amount = 1);
    CHECK(strstr(weft_sim_failure(sim), want) != NULL);
    spoil(r, -1);
    CHECK_U64(weft_sim_free(&sim), 1);
}

static void more_asks(wf_reactor *r, int by)
{
    WF_STAT_ADD(r->stat.asks, (unsigned)by);
}

static void more_actors(wf_reactor *r, int by)
{
    WF_STAT_ADD(r->stat.actors, (unsigned)by);
}

static void more_mail(wf_reactor *r, int by)
{
    weft_actor *actor = wf_actor_at(r, sim->outside.slot, sim->outside.gen);
    REQUIRE(actor != NULL);
    WF_STAT_ADD(actor->mail, (uint64_t)by);
}

static void asks_that_are_counted_wrongly_are_found(void)
{
    broken_by(more_asks, "\"asks are counted\" does not hold");
}

static void actors_that_are_counted_wrongly_are_found(void)
{
    broken_by(more_actors, "reactor 0 counts ");
}

static void mail_that_is_counted_wrongly_is_found(void)
{
    broken_by(more_mail, "weft.outside counts 1 messages and has 0");
}

static void a_reactor_of_many_actors_is_looked_at_when_it_comes_to_rest(void)
{
    for (int i = 0; i < 300; i++)
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &purse_behaviour, &rich)));
    CHECK(weft_sim_run(sim));
    more_asks(sim->sys->reactor[0], 1);
    CHECK_OK(weft_system_tell(weft_sim_system(sim), a, &pay_type, &(pay){.amount = 1}));
    CHECK(weft_sim_step(sim));
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK(!weft_sim_run(sim));
    CHECK(strstr(weft_sim_failure(sim), "asks are counted") != NULL);
    more_asks(sim->sys->reactor[0], -1);
    CHECK_U64(weft_sim_free(&sim), 1);
}

typedef struct source {
    weft_account account;
} source;
static const weft_handler source_handlers[] = {{0}};
static const weft_behaviour source_behaviour = {.name = "source",
                                                .handlers = source_handlers,
                                                .state_bytes = sizeof(source),
                                                .account = offsetof(source, account) + 1};

static void a_source_that_gave_out_more_than_is_alive_is_found(void)
{
    weft_ref who = weft_sim_spawn(sim, &source_behaviour, NULL);
    CHECK(weft_sim_run(sim));
    weft_account *account = &((source *)(uintptr_t)weft_sim_state(sim, who))->account;
    WF_STAT_SET(account->held, 1U << 20);
    CHECK(!weft_sim_run(sim));
    CHECK(strstr(weft_sim_failure(sim), "accounts hold 1048576 bytes, and ") != NULL);
    WF_STAT_SET(account->held, 0);
    CHECK_U64(weft_sim_free(&sim), 1);
}

static void what_there_is_no_memory_for_is_not_planned_or_checked(void)
{
    wf_alloc_fail_after(0);
    CHECK_ERR(weft_sim_always(sim, "never", never, NULL), WEFT_ENOMEM);
    wf_alloc_fail_after(0);
    CHECK_ERR(weft_sim_at(sim, 1, plan_a, NULL), WEFT_ENOMEM);
    order[0] = '\0';
    weft_sim_advance(sim, 5);
    CHECK_STR(order, "");
    CHECK_STR(weft_sim_failure(sim), "");
}

/* ---- once more, up to a step */

static void talk(void)
{
    for (uint32_t i = 0; i < 5; i++) {
        (void)weft_sim_tell(sim, a, pay, .amount = i, .to = b);
        (void)weft_sim_ask(sim, b, note, .bytes = WEFT_BYTES_LITERAL("more"));
        weft_sim_advance(sim, 10);
    }
}

static void a_run_can_be_repeated_up_to_a_step_of_it(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        end();
        begin_with(seed, 0);
        talk();
        uint64_t steps = weft_sim_steps(sim), hash = weft_sim_event_hash(sim);
        end();
        begin_with(seed, steps / 2);
        talk();
        CHECK_U64(weft_sim_steps(sim), steps / 2);
        CHECK(!weft_sim_run(sim));
        CHECK(strstr(weft_sim_event_log(sim, NULL), "stopped, as asked for") != NULL);
        end();
        begin_with(seed, 0);
        talk();
        CHECK_U64(weft_sim_steps(sim), steps);
        CHECK_U64(weft_sim_event_hash(sim), hash);
    }
}

static void a_run_goes_to_a_step_and_waits_there(void)
{
    (void)weft_system_tell(weft_sim_system(sim), a, &pay_type, &(pay){.amount = 1, .to = b});
    CHECK(weft_sim_run_to(sim, 2));
    CHECK_U64(weft_sim_steps(sim), 2);
    CHECK(weft_sim_run_to(sim, 2));
    CHECK(!weft_sim_run_to(sim, 1));
    CHECK(!weft_sim_run_to(sim, 1000000));
    CHECK_U64(money_of(b), 101);
}

/* ---- leaks */

static void leaks_are_told_by_kind(void)
{
    weft_sim_leaks leaks;
    weft_bytes bytes;
    uint8_t *to;
    CHECK(weft_sim_run(sim));
    REQUIRE(weft_bytes_new(3, &to, &bytes) == WEFT_OK);
    memset(to, 'x', 3);
    CHECK_OK(weft_sim_tell(sim, a, cling, .bytes = bytes));
    void *leaked = bytes.buffer;
    weft_bytes_drop(&bytes);
    CHECK_U64(weft_sim_free_leaks(&sim, &leaks), 1);
    free(leaked);
    CHECK_U64(leaks.buffers, 1);
    CHECK_U64(leaks.actors + leaks.asks + leaks.timers + leaks.messages + leaks.broken, 0);
    CHECK(strstr(logged, "leaked: 0 actors, 0 asks, 0 timers, 1 buffers") != NULL);
    leaks.buffers = 7;
    CHECK_U64(weft_sim_free_leaks(&sim, &leaks), 0);
    CHECK_U64(leaks.buffers, 0);
}

static void after(void)
{
    if (sim != NULL)
        end();
}

static const test_case cases[] = {
    TEST(the_state_of_an_actor_of_any_reactor_can_be_looked_at),
    TEST(a_kill_in_the_middle_fails_what_is_kept),
    TEST(a_kill_does_no_step_and_mail_of_the_killed_is_lost),
    TEST(what_is_planned_happens_at_its_time_and_may_plan_more),
    TEST(the_nth_taking_of_memory_fails_whatever_n_is),
    TEST(what_holds_after_every_step_is_nothing_to_tell),
    TEST(the_first_failure_stops_the_run_and_says_how_to_see_it_again),
    TEST(an_invariant_that_says_no_more_than_its_error_is_told_by_that),
    TEST(asks_that_are_counted_wrongly_are_found),
    TEST(actors_that_are_counted_wrongly_are_found),
    TEST(mail_that_is_counted_wrongly_is_found),
    TEST(a_reactor_of_many_actors_is_looked_at_when_it_comes_to_rest),
    TEST(a_source_that_gave_out_more_than_is_alive_is_found),
    TEST(what_there_is_no_memory_for_is_not_planned_or_checked),
    TEST(a_run_can_be_repeated_up_to_a_step_of_it),
    TEST(a_run_goes_to_a_step_and_waits_there),
    TEST(leaks_are_told_by_kind),
    {0},
};

const test_suite sim_control_suite = {
    .name = "runtime/sim_control", .before = begin, .after = after, .cases = cases};
