/* SPDX-License-Identifier: MIT */
/* Supervisors: order, strategies, budgets, back-off, names, children that come and go. */
#include "runtime/kit.h"

#include <stdlib.h>

#include <weft/supervisor.h>

/* ---- workers write down when they begin and end: "+a +b -b -a" */

static char journal[4096];

static void note(char what, char who)
{
    size_t n = strlen(journal);
    if (n + 4 < sizeof journal)
        (void)snprintf(journal + n, sizeof journal - n, "%s%c%c", n != 0 ? " " : "", what, who);
}

typedef struct worker {
    char id;
    unsigned fails;   /* starts that fail, from the first on */
    uint32_t late_ms; /* what a start waits for */
    bool stubborn;    /* does not stop */
    bool one_shot;    /* stops in order as soon as it is there */
} worker;
typedef struct late {
    char nothing;
} late;
static const weft_type late_type = WEFT_TYPE("test.late", late, NULL);

typedef struct worker_state {
    uint64_t n;
    weft_msg *started;
    worker *config;
} worker_state;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    const weft_started *started = weft_body(msg);
    s->config = (worker *)(uintptr_t)started->config;
    note('+', s->config->id);
    if (s->config->fails != 0) {
        s->config->fails--;
        return weft_fail(msg, WEFT_EIO, "worker %c is unwell", s->config->id);
    }
    if (s->config->one_shot)
        return weft_stop(self, WEFT_OK);
    if (s->config->late_ms != 0) {
        s->started = weft_keep(msg);
        (void)weft_after(self, s->config->late_ms, late, .nothing = 0);
    }
    return WEFT_OK;
}
static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    (void)msg;
    note('u', s->config->id);
    weft_drop(&s->started);
    return WEFT_OK;
}
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    const worker_state *s = weft_state(self);
    const weft_stopping *stopping = weft_body(msg);
    return s->config != NULL && s->config->stubborn ? WEFT_OK : weft_stop(self, stopping->reason);
}
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static void on_ended(weft_actor *self, weft_err reason)
{
    const worker_state *s = weft_state(self);
    (void)reason;
    if (s->config != NULL)
        note('-', s->config->id);
}
static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &late_type, .fn = on_late},
    {.type = &act_type, .fn = on_act},
    {0},
};
static const weft_behaviour worker_behaviour = {
    .name = "worker", .handlers = rows, .state_bytes = sizeof(worker_state), .ended = on_ended};

static worker a, b, c;

static void workers_new(void)
{
    a = (worker){.id = 'a'};
    b = (worker){.id = 'b'};
    c = (worker){.id = 'c'};
    journal[0] = '\0';
}

static void before(void)
{
    workers_new();
    sim_one();
}

/* What has been written down since the last look. */
static void check_journal(const char *want)
{
    CHECK_STR(journal, want);
    journal[0] = '\0';
}

#define CHILD(id, ...)                                                            \
    {                                                                             \
        .name = #id, .behaviour = &worker_behaviour, .config = &(id), __VA_ARGS__ \
    }

/* ---- what tests do */

static weft_ref top; /* the supervisor */
static record *watching;

static weft_err watch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}

static weft_ref supervise(const weft_supervisor *tree)
{
    static weft_supervisor kept; /* it lives until the simulation is done */
    if (tree != NULL)
        kept = *tree;
    top = weft_sim_spawn(sim, &weft_supervisor_behaviour, tree != NULL ? &kept : NULL);
    REQUIRE(!weft_ref_is_nobody(top));
    watching = record_new();
    sim_do(sim_puppet(watching), watch, &top);
    return top;
}

typedef struct lookup {
    const char *name;
    weft_ref ref;
} lookup;
static weft_err look_up(weft_actor *self, weft_msg *msg, void *with)
{
    lookup *l = with;
    (void)msg;
    l->ref = weft_lookup(self, l->name);
    return WEFT_OK;
}
static weft_ref named(const char *name)
{
    lookup l = {.name = name};
    sim_do(sim_puppet(NULL), look_up, &l);
    return l.ref;
}
static weft_err crash(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "worn out");
}
static weft_err leave(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}
static weft_err count(weft_actor *self, weft_msg *msg, void *with)
{
    worker_state *s = weft_state(self);
    (void)with;
    return weft_reply(msg, num, .n = ++s->n);
}
static weft_err stop_other(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, *(const weft_ref *)with, WEFT_ESTOPPING);
}
static void crash_it(const char *name)
{
    sim_do(named(name), crash, NULL);
}
static void stop_top(void)
{
    sim_do(sim_puppet(NULL), stop_other, &top);
}
static const weft_supervisor_listing *listing(void)
{
    const weft_outcome *got = weft_sim_ask(sim, top, weft_supervisor_list, .first = 0);
    CHECK_OK(got->err);
    REQUIRE(got->err == WEFT_OK);
    return got->body;
}

/* ---- order */

static const weft_child three[] = {CHILD(a, ), CHILD(b, ), CHILD(c, ), {0}};

static void children_start_in_order_and_stop_in_reverse(void)
{
    supervise(&(weft_supervisor){.children = three});
    check_journal("+a +b +c");
    stop_top();
    check_journal("-c -b -a");
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_ESTOPPING);
}

static void the_next_starts_when_the_one_before_it_is_up(void)
{
    b.late_ms = 100;
    supervise(&(weft_supervisor){.children = three});
    check_journal("+a +b");
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_STARTING);
    CHECK_U64(listing()->child[2].state, WEFT_CHILD_DOWN);
    weft_sim_advance(sim, 100);
    check_journal("ub +c");
    CHECK_U64(listing()->child[2].state, WEFT_CHILD_UP);
}

static void a_stop_in_the_middle_of_the_start_stops_what_had_started(void)
{
    b.late_ms = 100;
    supervise(&(weft_supervisor){.children = three});
    stop_top();
    check_journal("+a +b -b -a");
    CHECK_U64(watching->downs, 1);
}

static void one_that_does_not_stop_is_ended_by_force_and_the_rest_after_it(void)
{
    b.stubborn = true;
    static const weft_child slow[] = {CHILD(a, ), CHILD(b, .stop_ms = 200), CHILD(c, ), {0}};
    supervise(&(weft_supervisor){.children = slow});
    stop_top();
    weft_sim_advance(sim, 190);
    check_journal("+a +b +c -c");
    weft_sim_advance(sim, 20);
    check_journal("-b -a");
}

/* ---- failing */

static void one_that_fails_is_restarted_alone_with_its_reference_and_name(void)
{
    supervise(&(weft_supervisor){.children = three});
    weft_ref ref = named("b");
    CHECK_U64(((const num *)sim_ask(ref, count, NULL)->body)->n, 1);
    crash_it("b");
    check_journal("+a +b +c -b +b");
    CHECK(weft_ref_same(named("b"), ref));
    CHECK_U64(((const num *)sim_ask(ref, count, NULL)->body)->n, 1);
    CHECK_U64(listing()->child[1].restarts, 1);
    CHECK_ERR(listing()->child[1].reason, WEFT_EIO);
    CHECK_U64(sim_stats(0).restarts, 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "child b is restarted in 0 ms: worn out"), 1);
}

static void all_are_restarted_in_order_when_that_is_the_strategy(void)
{
    supervise(&(weft_supervisor){.strategy = WEFT_ONE_FOR_ALL, .children = three});
    crash_it("b");
    check_journal("+a +b +c -b -c -a +a +b +c");
}

static void the_rest_is_restarted_in_order_when_that_is_the_strategy(void)
{
    supervise(&(weft_supervisor){.strategy = WEFT_REST_FOR_ONE, .children = three});
    crash_it("b");
    check_journal("+a +b +c -b -c +b +c");
    crash_it("c");
    check_journal("-c +c");
}

static void others_that_fail_while_a_group_stops_are_part_of_it(void)
{
    supervise(&(weft_supervisor){.strategy = WEFT_ONE_FOR_ALL, .children = three});
    c.stubborn = true;
    crash_it("b");
    CHECK_U64(listing()->child[2].state, WEFT_CHILD_STOPPING);
    crash_it("a");
    crash_it("c");
    check_journal("+a +b +c -b -a -c +a +b +c");
}

static void policies_decide_who_begins_again(void)
{
    static const weft_child mixed[] = {CHILD(a, .restart = WEFT_RESTART_ALWAYS),
                                       CHILD(b, .restart = WEFT_RESTART_ON_ERROR),
                                       CHILD(c, .restart = WEFT_RESTART_NEVER),
                                       {0}};
    supervise(&(weft_supervisor){.children = mixed});
    weft_ref ref = named("c");
    sim_do(named("a"), leave, NULL);
    crash_it("b");
    check_journal("+a +b +c -a +a -b +b");
    sim_do(named("b"), leave, NULL);
    crash_it("c");
    check_journal("-b -c");
    CHECK(weft_ref_is_nobody(named("b")));
    CHECK_ERR(weft_sim_tell(sim, ref, num, .n = 1), WEFT_EGONE);
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_ENDED);
    CHECK_U64(listing()->all, 3);
}

static void one_that_is_never_restarted_ends_when_its_group_stops(void)
{
    static const weft_child mixed[] = {CHILD(a, ), CHILD(b, .restart = WEFT_RESTART_NEVER), {0}};
    supervise(&(weft_supervisor){.strategy = WEFT_ONE_FOR_ALL, .children = mixed});
    crash_it("a");
    check_journal("+a +b -a -b +a");
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_ENDED);
}

static void one_that_has_done_its_work_while_starting_is_no_failure(void)
{
    b.one_shot = true;
    static const weft_child mixed[] = {
        CHILD(a, ), CHILD(b, .restart = WEFT_RESTART_ON_ERROR), CHILD(c, ), {0}};
    supervise(&(weft_supervisor){.children = mixed});
    check_journal("+a +b -b +c");
    CHECK_U64(watching->downs, 0);
}

/* ---- starts that fail */

static void a_first_start_that_fails_ends_the_supervisor_with_its_sentence(void)
{
    b.fails = 1;
    supervise(&(weft_supervisor){.children = three});
    check_journal("+a +b -b -a");
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_EIO);
    CHECK_STR(watching->why, "child b could not start: worker b is unwell");
}

static void a_restart_that_fails_counts_as_another(void)
{
    supervise(&(weft_supervisor){.children = three});
    b.fails = 2;
    crash_it("b");
    check_journal("+a +b +c -b +b -b +b -b +b");
    CHECK_U64(listing()->child[1].restarts, 3);
    CHECK_U64(watching->downs, 0);
}

static void a_start_that_takes_too_long_fails(void)
{
    b.late_ms = 1000;
    static const weft_child slow[] = {CHILD(a, ), CHILD(b, .start_ms = 300), {0}};
    supervise(&(weft_supervisor){.children = slow});
    weft_sim_advance(sim, 310);
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_ETIMEDOUT);
    CHECK_STR(watching->why, "child b could not start: its start took longer than 300 ms");
}

/* ---- the budget and the back-off */

static void too_many_restarts_end_the_supervisor(void)
{
    supervise(&(weft_supervisor){.restarts_max = 2, .restarts_window_ms = 1000, .children = three});
    crash_it("b");
    crash_it("c");
    CHECK_U64(watching->downs, 0);
    crash_it("b");
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_ELIMIT);
    check_journal("+a +b +c -b +b -c +c -b -c -a");
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR,
                              "child b failed once more after 2 restarts within 1000 ms"),
              1);
}

static void restarts_that_are_far_enough_apart_may_go_on(void)
{
    supervise(&(weft_supervisor){.restarts_max = 2, .restarts_window_ms = 1000, .children = three});
    for (int i = 0; i < 10; i++) {
        crash_it("b");
        weft_sim_advance(sim, 501);
    }
    CHECK_U64(watching->downs, 0);
    CHECK_U64(listing()->child[1].restarts, 10);
}

static void a_budget_has_a_limit(void)
{
    supervise(&(weft_supervisor){.restarts_max = 65537, .children = three});
    CHECK_ERR(watching->down.reason, WEFT_EINVAL);
    CHECK_STR(watching->why, "restarts_max is 65537, at most 65536");
}

/* How long @name was down after a crash. */
static uint32_t back_off(const char *name)
{
    crash_it(name);
    uint32_t ms = 0;
    for (; listing()->child[1].state == WEFT_CHILD_DOWN; ms++)
        weft_sim_advance(sim, 1);
    return ms;
}

static void a_back_off_doubles_up_to_its_limit_and_begins_anew(void)
{
    supervise(&(weft_supervisor){.restarts_max = 100,
                                 .restarts_window_ms = 60000,
                                 .backoff_ms = 100,
                                 .backoff_ms_max = 1000,
                                 .children = three});
    uint32_t most[] = {100, 200, 400, 800, 1000, 1000};
    for (unsigned i = 0; i < sizeof most / sizeof *most; i++) {
        uint32_t ms = back_off("b");
        CHECK(ms >= most[i] / 2 && ms <= most[i] + 1);
    }
    weft_sim_advance(sim, 60000);
    CHECK(back_off("b") <= 101);
}

static void what_comes_during_a_back_off_waits_for_it(void)
{
    supervise(&(weft_supervisor){.backoff_ms = 1000, .children = three});
    weft_ref ref = named("b");
    crash_it("b");
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_DOWN);
    const weft_outcome *got = sim_ask(ref, count, NULL);
    CHECK_OK(got->err);
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_UP);
}

static void a_group_backs_off_as_one(void)
{
    supervise(
        &(weft_supervisor){.strategy = WEFT_ONE_FOR_ALL, .backoff_ms = 1000, .children = three});
    crash_it("c");
    check_journal("+a +b +c -c -b -a");
    weft_sim_advance(sim, 400);
    check_journal("");
    weft_sim_advance(sim, 700);
    check_journal("+a +b +c");
}

static void a_supervisor_may_stop_while_a_child_backs_off(void)
{
    supervise(&(weft_supervisor){.backoff_ms = 1000, .children = three});
    crash_it("b");
    stop_top();
    check_journal("+a +b +c -b -c -a");
    CHECK_U64(watching->downs, 1);
    CHECK_U64(sim_stats(0).timers, 0);
}

/* ---- trees */

static const weft_child inner_children[] = {CHILD(b, ), CHILD(c, ), {0}};
static const weft_supervisor inner = {.restarts_max = 1, .children = inner_children};
static const weft_child outer_children[] = {
    CHILD(a, ), {.name = "inner", .behaviour = &weft_supervisor_behaviour, .config = &inner}, {0}};

static void a_supervisor_within_a_tree_is_up_when_its_children_are(void)
{
    b.late_ms = 100;
    supervise(&(weft_supervisor){.children = outer_children});
    check_journal("+a +b");
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_STARTING);
    weft_sim_advance(sim, 100);
    check_journal("ub +c");
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_UP);
    CHECK(!weft_ref_is_nobody(named("inner/c")));
    stop_top();
    check_journal("-c -b -a");
}

static void one_that_gives_up_is_restarted_by_the_one_above(void)
{
    supervise(&(weft_supervisor){.children = outer_children});
    weft_ref inner_ref = named("inner");
    crash_it("inner/b");
    crash_it("inner/b");
    check_journal("+a +b +c -b +b -b -c +b +c");
    CHECK(weft_ref_same(named("inner"), inner_ref));
    CHECK_ERR(listing()->child[1].reason, WEFT_ELIMIT);
    CHECK_U64(watching->downs, 0);
}

static void failure_goes_up_to_the_top(void)
{
    supervise(&(weft_supervisor){.restarts_max = 1, .children = outer_children});
    for (int i = 0; i < 4; i++)
        crash_it("inner/c");
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_ELIMIT);
}

static void a_tree_that_does_not_stop_is_given_the_time_of_all_its_children(void)
{
    b.stubborn = c.stubborn = true;
    supervise(&(weft_supervisor){.children = outer_children});
    journal[0] = '\0';
    const weft_outcome *got = weft_sim_ask_body(sim, top, &weft_supervisor_remove_type,
                                                &(weft_supervisor_remove){.name = "inner"}, 60000);
    CHECK_OK(got->err);
    check_journal("-c -b"); /* 5 s for each, one after the other */
    CHECK(weft_sim_now(sim) >= 10000);
    stop_top();
}

/* ---- children that come and go */

static const weft_outcome *add(worker *w, const char *name, weft_child more)
{
    weft_supervisor_add body = {.child = more};
    body.child.behaviour = &worker_behaviour;
    body.child.config = w;
    (void)snprintf(body.name, sizeof body.name, "%s", name);
    return weft_sim_ask_body(sim, top, &weft_supervisor_add_type, &body, 0);
}

static void children_are_added_and_removed(void)
{
    supervise(NULL);
    c.late_ms = 50;
    const weft_outcome *got = add(&c, "c", (weft_child){.restart = WEFT_RESTART_ALWAYS});
    CHECK_OK(got->err);
    check_journal("+c uc"); /* answered when it is up */
    weft_ref ref = ((const weft_supervisor_added *)got->body)->ref;
    CHECK(weft_ref_same(named("c"), ref));
    CHECK_ERR(add(&a, "c", (weft_child){.name = NULL})->err, WEFT_EEXISTS);
    CHECK_OK(add(&a, "", (weft_child){.name = NULL})->err);
    CHECK_U64(listing()->all, 2);
    got = weft_sim_ask(sim, top, weft_supervisor_remove, .name = "c");
    CHECK_OK(got->err);
    check_journal("+a -c");
    CHECK(weft_ref_is_nobody(named("c")));
    CHECK_ERR(weft_sim_ask(sim, top, weft_supervisor_remove, .name = "c")->err, WEFT_ENOTFOUND);
    ref = listing()->child[0].ref;
    CHECK_OK(weft_sim_ask(sim, top, weft_supervisor_remove, .ref = ref)->err);
    CHECK_U64(listing()->all, 0);
}

static void one_that_cannot_start_is_not_kept(void)
{
    supervise(NULL);
    a.fails = 1;
    const weft_outcome *got = add(&a, "a", (weft_child){.name = NULL});
    CHECK_ERR(got->err, WEFT_EIO);
    CHECK_STR(got->why, "worker a is unwell");
    CHECK_U64(listing()->all, 0);
    CHECK_OK(add(&a, "a", (weft_child){.name = NULL})->err); /* its name is free */
    CHECK_U64(watching->downs, 0);
}

static void one_that_was_added_and_has_ended_is_forgotten(void)
{
    supervise(NULL);
    CHECK_OK(add(&a, "a", (weft_child){.restart = WEFT_RESTART_NEVER})->err);
    crash_it("a");
    CHECK_U64(listing()->all, 0);
}

static void a_removal_takes_the_place_of_an_addition(void)
{
    supervise(NULL);
    c.late_ms = 1000;
    weft_supervisor_add body = {.child = {.behaviour = &worker_behaviour, .config = &c}};
    (void)snprintf(body.name, sizeof body.name, "c");
    CHECK_OK(weft_sim_tell_body(sim, top, &weft_supervisor_add_type, &body));
    CHECK_OK(weft_sim_ask(sim, top, weft_supervisor_remove, .name = "c")->err);
    check_journal("+c -c");
}

static void the_number_of_children_has_a_limit(void)
{
    supervise(&(weft_supervisor){.children_max = 2});
    CHECK_OK(add(&a, "a", (weft_child){.name = NULL})->err);
    CHECK_OK(add(&b, "b", (weft_child){.name = NULL})->err);
    const weft_outcome *got = add(&c, "c", (weft_child){.name = NULL});
    CHECK_ERR(got->err, WEFT_ELIMIT);
    CHECK_STR(got->why, "no child \"c\": children_max is 2");
}

static void a_slow_removal_holds_nobody_up(void)
{
    supervise(&(weft_supervisor){.children = three});
    b.stubborn = true;
    CHECK_OK(weft_sim_tell(sim, top, weft_supervisor_remove, .name = "b"));
    crash_it("c");
    check_journal("+a +b +c -c +c");
    weft_sim_advance(sim, 5001);
    check_journal("-b");
    CHECK_U64(listing()->all, 2);
}

static void listings_come_in_parts(void)
{
    static worker many[20];
    char name[8];
    supervise(NULL);
    for (unsigned i = 0; i < 20; i++) {
        many[i] = (worker){.id = 'm'};
        (void)snprintf(name, sizeof name, "m%u", i);
        CHECK_OK(add(&many[i], name, (weft_child){.name = NULL})->err);
    }
    CHECK_U64(listing()->all, 20);
    CHECK_U64(listing()->n, WEFT_SUPERVISOR_LISTED_MAX);
    const weft_supervisor_listing *rest =
        weft_sim_ask(sim, top, weft_supervisor_list, .first = 16)->body;
    CHECK_U64(rest->n, 4);
    CHECK_STR(rest->child[3].name, "m19");
}

/* ---- tables that cannot be */

static void check_refused(const weft_child *table, weft_err err, const char *why)
{
    supervise(&(weft_supervisor){.children = table});
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, err);
    CHECK(strstr(watching->why, why) != NULL);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, why) >= 1, 1);
}

static void a_table_that_cannot_be_is_refused_in_words(void)
{
    static const weft_child none[] = {{.name = "x"}, {0}};
    check_refused(none, WEFT_EINVAL, "child \"x\" has no behaviour");
    static const weft_child twice[] = {CHILD(a, ), CHILD(a, ), {0}};
    check_refused(twice, WEFT_EEXISTS, "child \"a\": the name a is taken");
    static const weft_child path[] = {{.name = "x/y", .behaviour = &worker_behaviour, .config = &a},
                                      {0}};
    check_refused(path, WEFT_EINVAL, "child \"x/y\": \"/\" stands between names");
    static const weft_child odd[] = {{.name = "x y", .behaviour = &worker_behaviour, .config = &a},
                                     {0}};
    check_refused(odd, WEFT_EINVAL, "child \"x y\" cannot be named x y");
    static const weft_child far[] = {CHILD(a, .reactor = WEFT_ON_REACTOR(1)), {0}};
    check_refused(far, WEFT_EINVAL, "child \"a\": there is no reactor 1, the last is 0");
    static const weft_child two[] = {CHILD(a, .reactor = WEFT_ON_REACTOR(0), .listen = "sim://a"),
                                     {0}};
    check_refused(two, WEFT_EINVAL, "child \"a\" listens: it is on every reactor");
    static const weft_child apart[] = {CHILD(a, .isolated = true), {0}};
    check_refused(apart, WEFT_EUNSUPPORTED,
                  "child \"a\" is isolated, but in no table that weft_isolated_begin was given");
    check_journal("");
}

/* ---- on other reactors */

static const weft_child spread[] = {CHILD(a, ),
                                    CHILD(b, .reactor = WEFT_ON_REACTOR(1), .stop_ms = 300),
                                    CHILD(c, .reactor = WEFT_ON_REACTOR(2)),
                                    {0}};

static void supervise_spread(const weft_supervisor *tree)
{
    sim_of(3);
    supervise(tree);
}

static void children_on_other_reactors_start_and_stop_in_order(void)
{
    b.late_ms = 50;
    supervise_spread(&(weft_supervisor){.children = spread});
    check_journal("+a +b");
    CHECK_U64(sim_stats(1).actors, 2); /* the child and its deputy */
    weft_sim_advance(sim, 50);
    check_journal("ub +c");
    CHECK(weft_ref_same(listing()->child[1].ref, named("b")));
    stop_top();
    check_journal("-c -b -a");
    CHECK_U64(watching->downs, 1);
    CHECK_U64(sim_stats(1).actors, 0);
    CHECK_U64(sim_stats(2).actors, 0);
}

static void a_child_on_another_reactor_is_restarted_with_its_reference(void)
{
    supervise_spread(&(weft_supervisor){.children = spread});
    weft_ref ref = named("b");
    CHECK_U64(((const num *)sim_ask(ref, count, NULL)->body)->n, 1);
    crash_it("b");
    check_journal("+a +b +c -b +b");
    CHECK(weft_ref_same(named("b"), ref));
    CHECK_U64(((const num *)sim_ask(ref, count, NULL)->body)->n, 1);
    CHECK_ERR(listing()->child[1].reason, WEFT_EIO);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "child b is restarted in 0 ms: worn out"), 1);
}

static void a_group_may_be_spread_over_reactors(void)
{
    supervise_spread(&(weft_supervisor){.strategy = WEFT_ONE_FOR_ALL, .children = spread});
    crash_it("b");
    check_journal("+a +b +c -b -c -a +a +b +c");
    crash_it("a");
    check_journal("-a -c -b +a +b +c");
}

static void starts_elsewhere_may_fail(void)
{
    b.fails = 1;
    supervise_spread(&(weft_supervisor){.children = spread});
    check_journal("+a +b -b -a");
    CHECK_ERR(watching->down.reason, WEFT_EIO);
    CHECK_STR(watching->why, "child b could not start: worker b is unwell");
}

static void work_done_elsewhere_while_starting_is_no_failure(void)
{
    b.one_shot = true;
    static const weft_child once[] = {
        CHILD(a, ),
        CHILD(b, .reactor = WEFT_ON_REACTOR(1), .restart = WEFT_RESTART_ON_ERROR),
        CHILD(c, ),
        {0}};
    supervise_spread(&(weft_supervisor){.children = once});
    check_journal("+a +b -b +c");
    CHECK_U64(listing()->child[1].state, WEFT_CHILD_ENDED);
    CHECK_U64(sim_stats(1).actors, 0);
}

static void one_elsewhere_that_does_not_stop_is_ended_by_force(void)
{
    b.stubborn = true;
    supervise_spread(&(weft_supervisor){.children = spread});
    stop_top();
    weft_sim_advance(sim, 290);
    check_journal("+a +b +c -c");
    weft_sim_advance(sim, 20);
    check_journal("-b -a");
    CHECK_U64(watching->downs, 1);
}

static void one_elsewhere_may_be_removed_and_added_under_its_name(void)
{
    supervise_spread(&(weft_supervisor){.children = spread});
    for (int i = 0; i < 3; i++) {
        weft_ref ref = named("c");
        CHECK_OK(weft_sim_ask(sim, top, weft_supervisor_remove, .ref = ref)->err);
        CHECK_ERR(sim_ask(ref, count, NULL)->err, WEFT_EGONE);
        const weft_outcome *got = add(&c, "c", (weft_child){.reactor = WEFT_ON_REACTOR(1)});
        CHECK_OK(got->err);
        CHECK(weft_ref_same(((const weft_supervisor_added *)got->body)->ref, named("c")));
    }
}

static void a_tree_may_be_elsewhere(void)
{
    static const weft_child outer[] = {CHILD(a, ),
                                       {.name = "inner",
                                        .behaviour = &weft_supervisor_behaviour,
                                        .config = &inner,
                                        .reactor = WEFT_ON_REACTOR(1)},
                                       {0}};
    supervise_spread(&(weft_supervisor){.children = outer});
    check_journal("+a +b +c");
    crash_it("inner/b");
    crash_it("inner/b");
    check_journal("-b +b -b -c +b +c");
    stop_top();
    check_journal("-c -b -a");
    CHECK_U64(sim_stats(1).actors, 0);
}

/* ---- the system */

static void a_drain_stops_the_tree_in_reverse_order(void)
{
    supervise(&(weft_supervisor){.children = outer_children});
    check_journal("+a +b +c");
    CHECK_U64(weft_sim_free(&sim), 0);
    check_journal("-c -b -a");
}

/* ---- memory */

static worker d = {.id = 'd'};
static const weft_child scenario_children[] = {
    CHILD(a, ),
    {.name = "inner", .behaviour = &weft_supervisor_behaviour, .config = &inner},
    CHILD(d, .reactor = WEFT_ON_REACTOR(1)),
    {0}};

static void scenario(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    workers_new();
    sim = weft_sim_new(&(weft_sim_options){.system.reactors = 2});
    if (sim == NULL)
        return;
    weft_supervisor tree = {
        .strategy = WEFT_ONE_FOR_ALL, .backoff_ms = 10, .children = scenario_children};
    top = weft_sim_spawn(sim, &weft_supervisor_behaviour, &tree);
    weft_sim_advance(sim, 10);
    weft_supervisor_add body = {.child = {.behaviour = &worker_behaviour, .config = &c}};
    (void)snprintf(body.name, sizeof body.name, "c");
    (void)weft_sim_tell_body(sim, top, &weft_supervisor_add_type, &body);
    (void)weft_sim_tell(sim, top, weft_supervisor_list, .first = 0);
    (void)weft_sim_ask(sim, top, weft_supervisor_remove, .name = "a");
    for (unsigned i = 0; i < 3; i++) {
        lookup l = {.name = i == 0 ? "inner/b" : i == 1 ? "d" : "a"};
        (void)weft_sim_tell(sim, weft_sim_spawn(sim, &puppet, NULL), act, .fn = look_up,
                            .with = &l);
        (void)weft_sim_tell(sim, l.ref, act, .fn = crash);
    }
    weft_sim_advance(sim, 60000);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void nothing_leaks_whichever_taking_of_memory_fails(void)
{
    each_allocation_fails(scenario);
}

static const test_case cases[] = {
    TEST(children_start_in_order_and_stop_in_reverse),
    TEST(the_next_starts_when_the_one_before_it_is_up),
    TEST(a_stop_in_the_middle_of_the_start_stops_what_had_started),
    TEST(one_that_does_not_stop_is_ended_by_force_and_the_rest_after_it),
    TEST(one_that_fails_is_restarted_alone_with_its_reference_and_name),
    TEST(all_are_restarted_in_order_when_that_is_the_strategy),
    TEST(the_rest_is_restarted_in_order_when_that_is_the_strategy),
    TEST(others_that_fail_while_a_group_stops_are_part_of_it),
    TEST(policies_decide_who_begins_again),
    TEST(one_that_is_never_restarted_ends_when_its_group_stops),
    TEST(one_that_has_done_its_work_while_starting_is_no_failure),
    TEST(a_first_start_that_fails_ends_the_supervisor_with_its_sentence),
    TEST(a_restart_that_fails_counts_as_another),
    TEST(a_start_that_takes_too_long_fails),
    TEST(too_many_restarts_end_the_supervisor),
    TEST(restarts_that_are_far_enough_apart_may_go_on),
    TEST(a_budget_has_a_limit),
    TEST(a_back_off_doubles_up_to_its_limit_and_begins_anew),
    TEST(what_comes_during_a_back_off_waits_for_it),
    TEST(a_group_backs_off_as_one),
    TEST(a_supervisor_may_stop_while_a_child_backs_off),
    TEST(a_supervisor_within_a_tree_is_up_when_its_children_are),
    TEST(one_that_gives_up_is_restarted_by_the_one_above),
    TEST(failure_goes_up_to_the_top),
    TEST(a_tree_that_does_not_stop_is_given_the_time_of_all_its_children),
    TEST(children_are_added_and_removed),
    TEST(one_that_cannot_start_is_not_kept),
    TEST(one_that_was_added_and_has_ended_is_forgotten),
    TEST(a_removal_takes_the_place_of_an_addition),
    TEST(the_number_of_children_has_a_limit),
    TEST(a_slow_removal_holds_nobody_up),
    TEST(listings_come_in_parts),
    TEST(a_table_that_cannot_be_is_refused_in_words),
    TEST(children_on_other_reactors_start_and_stop_in_order),
    TEST(a_child_on_another_reactor_is_restarted_with_its_reference),
    TEST(a_group_may_be_spread_over_reactors),
    TEST(starts_elsewhere_may_fail),
    TEST(work_done_elsewhere_while_starting_is_no_failure),
    TEST(one_elsewhere_that_does_not_stop_is_ended_by_force),
    TEST(one_elsewhere_may_be_removed_and_added_under_its_name),
    TEST(a_tree_may_be_elsewhere),
    TEST(a_drain_stops_the_tree_in_reverse_order),
    TEST(nothing_leaks_whichever_taking_of_memory_fails),
    {0},
};

const test_suite supervisor_suite = {"actors/supervisor", before, sim_done, cases, false};
