/* SPDX-License-Identifier: MIT */
/* Actors: state and config, start and stop, families, becoming another. */
#include "kit.h"

#include <stdlib.h>

#include <weft/edge.h>

/* ---- state and config */

typedef struct odd_state {
    unsigned char bytes[37];
} odd_state;

static weft_err check_zeroed(weft_actor *self, weft_msg *msg)
{
    unsigned char *s = weft_state(self);
    (void)msg;
    CHECK_U64((uintptr_t)s % 8, 0);
    for (size_t i = 0; i < sizeof(odd_state); i++)
        if (s[i] != 0)
            CHECK_U64(s[i], 0);
    memset(s, 0xEE, sizeof(odd_state));
    return weft_stop(self, WEFT_OK);
}
static const weft_behaviour odd = {
    .name = "odd", .otherwise = check_zeroed, .state_bytes = sizeof(odd_state)};

static void a_state_is_zeroed_and_aligned_also_where_one_lived_before(void)
{
    for (int i = 0; i < 10; i++)
        CHECK_OK(weft_sim_tell(sim, weft_sim_spawn(sim, &odd, NULL), num, .n = 1));
}

static const int config = 42;
static const void *config_seen;
static weft_err see_config(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    config_seen = weft_config(self);
    return WEFT_OK;
}
static weft_err do_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_handler act_handlers[] = {{.type = &act_type, .fn = do_act}, {0}};

static void a_config_is_there_for_states_of_any_size(void)
{
    static weft_behaviour sized[70];
    for (uint32_t i = 0; i < 70; i++) {
        sized[i] =
            (weft_behaviour){.name = "sized", .handlers = act_handlers, .state_bytes = i * 7};
        config_seen = NULL;
        weft_ref a = weft_sim_spawn(sim, &sized[i], &config);
        CHECK_OK(weft_sim_tell(sim, a, act, .fn = see_config));
        CHECK(config_seen == &config);
        a = weft_sim_spawn(sim, &sized[i], NULL);
        CHECK_OK(weft_sim_tell(sim, a, act, .fn = see_config));
        CHECK(config_seen == NULL);
    }
}

static void a_state_has_a_limit(void)
{
    static const weft_behaviour largest = {
        .name = "largest", .handlers = act_handlers, .state_bytes = 64 << 10};
    static const weft_behaviour larger = {
        .name = "larger", .handlers = act_handlers, .state_bytes = (64 << 10) + 1};
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &largest, NULL)));
    CHECK(weft_ref_is_nobody(weft_sim_spawn(sim, &larger, NULL)));
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "a state of 65537 bytes, at most 65536"), 1);
}

static weft_err nothing(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static void a_table_with_two_rows_of_a_type_is_refused(void)
{
    static const weft_handler twice[] = {
        {.type = &num_type, .fn = nothing}, {.type = &num_type, .fn = nothing}, {0}};
    static const weft_handler none[] = {{.type = &num_type}, {0}};
    static const weft_behaviour two = {.name = "two", .handlers = twice};
    static const weft_behaviour no_fn = {.name = "no_fn", .handlers = none};
    CHECK(weft_ref_is_nobody(weft_sim_spawn(sim, &two, NULL)));
    CHECK(weft_ref_is_nobody(weft_sim_spawn(sim, &no_fn, NULL)));
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "behaviour two has two rows of type kit.num"), 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "the row of kit.num has no function"), 1);
}

static weft_err see_wrong(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    CHECK(!"the right row");
    return WEFT_OK;
}

static weft_type filled_type[200];

static void a_table_of_many_rows_finds_each(void)
{
    static weft_handler rows[200];
    static const weft_behaviour wide = {.name = "wide", .handlers = rows, .otherwise = see_wrong};
    for (int i = 0; i < 199; i++) {
        filled_type[i] = (weft_type){.name = "test.many", .size = 1};
        rows[i] = (weft_handler){.type = &filled_type[i], .fn = nothing};
    }
    weft_ref a = weft_sim_spawn(sim, &wide, NULL);
    for (int i = 0; i < 199; i++)
        CHECK_OK(weft_sim_tell_body(sim, a, &filled_type[i], "x"));
    CHECK_U64(sim_stats_of(a).handled, 199);
}

/* ---- starting */

typedef struct started_seen {
    unsigned n;
    const void *config;
    uint32_t left;
    bool first;
} started_seen;
static started_seen starts;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    starts.n++;
    starts.config = ((const weft_started *)weft_body(msg))->config;
    starts.left = weft_time_left_ms(msg);
    starts.first = *(uint64_t *)weft_state(self) == 0;
    ++*(uint64_t *)weft_state(self);
    CHECK(weft_ref_is_nobody(weft_sender(msg)));
    return WEFT_OK;
}
static weft_err count_num(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    ++*(uint64_t *)weft_state(self);
    return WEFT_OK;
}
static const weft_handler starting_handlers[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &num_type, .fn = count_num}, {0}};
static const weft_behaviour starting = {
    .name = "starting", .handlers = starting_handlers, .state_bytes = 8};

static weft_err spawn_starting(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    CHECK(weft_time_left_ms(msg) <= 500);
    weft_ref ref = weft_spawn(self, &starting, &config);
    CHECK_OK(weft_tell(self, ref, num, .n = 1));
    return weft_reply(msg, num, .n = 1);
}

static void started_is_the_first_message_and_starts_afresh(void)
{
    starts = (started_seen){0};
    CHECK_OK(weft_sim_ask_body(sim, sim_puppet(NULL), &act_type, &(act){spawn_starting, NULL}, 500)
                 ->err);
    CHECK_U64(starts.n, 1);
    CHECK(starts.config == &config);
    CHECK(starts.first);
    CHECK_U64(starts.left, WEFT_NO_LIMIT); /* spawns inherit no time limit */
}

static void an_actor_without_a_row_for_it_costs_no_turn(void)
{
    CHECK(weft_sim_run(sim)); /* start-up */
    uint64_t before = sim_stats(0).messages;
    (void)sim_puppet(NULL);
    CHECK(weft_sim_run(sim));
    CHECK_U64(sim_stats(0).messages - before, 0);
}

/* ---- ending */

static weft_err stop_with(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_stop_because(self, WEFT_EDENIED, "for %d reasons", 3));
    return weft_stop(self, WEFT_OK); /* the first one stands */
}

static weft_err watch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}

static void an_actor_ends_with_its_reason_and_sentence(void)
{
    record *rec = record_new(), *own = record_new();
    weft_ref a = sim_puppet(own);
    sim_do(sim_puppet(rec), watch, &a);
    sim_do(a, stop_with, NULL);
    CHECK_U64(rec->downs, 1);
    CHECK_ERR(rec->down.reason, WEFT_EDENIED);
    CHECK_STR(rec->why, "for 3 reasons");
    CHECK_U64(own->ends, 1);
    CHECK_ERR(own->ended, WEFT_EDENIED);
    weft_actor_stats s;
    CHECK(!weft_stats_actor(weft_sim_system(sim), a, &s));
}

static weft_err stop_and_go_on(weft_actor *self, weft_msg *msg, void *with)
{
    record *rec = with;
    CHECK_OK(weft_stop(self, WEFT_OK));
    record_add(rec, 1);
    CHECK_ERR(weft_tell(self, weft_self(self), num, .n = 1), WEFT_EGONE);
    return weft_reply(msg, num, .n = 5);
}

static void the_handler_that_stops_is_served_to_its_end(void)
{
    record *rec = record_new();
    const weft_outcome *got = sim_ask(sim_puppet(NULL), stop_and_go_on, rec);
    CHECK_OK(got->err);
    CHECK_U64(rec->n, 1);
}

typedef struct three {
    weft_ref to;
    weft_err err;
} three;

static weft_err stop_other(weft_actor *self, weft_msg *msg, void *with)
{
    three *t = with;
    (void)msg;
    t->err = weft_stop_ref(self, t->to, WEFT_EABORTED);
    return WEFT_OK;
}

static void one_can_be_stopped_by_another(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        record *rec = record_new();
        three t = {.to = sim_puppet_on(there, rec)};
        weft_ref x = sim_puppet(NULL);
        sim_do(x, stop_other, &t);
        CHECK_OK(t.err);
        CHECK_U64(rec->ends, 1);
        CHECK_ERR(rec->ended, WEFT_EABORTED);
        if (there == 0) {
            sim_do(x, stop_other, &t);
            CHECK_ERR(t.err, WEFT_EGONE);
        }
        t.to = WEFT_NOBODY;
        sim_do(x, stop_other, &t);
        CHECK_ERR(t.err, WEFT_EGONE);
        t.to = (weft_ref){.home = 99, .slot = 3, .gen = 1};
        sim_do(x, stop_other, &t);
        CHECK_ERR(t.err, WEFT_EGONE);
    }
}

/* ---- one that wants to be told */

typedef struct polite_seen {
    unsigned told, nums;
    weft_err reason;
    bool obeys;
    uint32_t left;
} polite_seen;
static polite_seen polite;

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    polite.told++;
    polite.reason = ((const weft_stopping *)weft_body(msg))->reason;
    polite.left = weft_time_left_ms(msg);
    return polite.obeys ? weft_stop(self, WEFT_EDONE) : WEFT_OK;
}
static weft_err polite_num(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    polite.nums++;
    return WEFT_OK;
}
static weft_err ends_reason;
static uint32_t ends_at;
static unsigned ends;
static void note_end(weft_actor *self, weft_err reason)
{
    ends++;
    ends_reason = reason;
    ends_at = weft_now_ms(self);
}
static const weft_handler polite_handlers[] = {{.type = &weft_stopping_type, .fn = on_stopping},
                                               {.type = &num_type, .fn = polite_num},
                                               {.type = &act_type, .fn = do_act},
                                               {0}};
static const weft_behaviour polite_one = {
    .name = "polite", .handlers = polite_handlers, .ended = note_end};

static weft_err tell_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    three *t = with;
    for (int i = 0; i < 5; i++)
        CHECK_OK(weft_tell(self, t->to, num, .n = 1));
    CHECK_OK(stop_other(self, msg, with));
    return stop_other(self, msg, with); /* twice is once */
}

static void one_with_a_row_for_it_is_told_before_what_waits(void)
{
    polite = (polite_seen){.obeys = true};
    ends = 0;
    three t = {.to = weft_sim_spawn(sim, &polite_one, NULL)};
    sim_do(sim_puppet(NULL), tell_and_stop, &t);
    CHECK_U64(polite.told, 1);
    CHECK_ERR(polite.reason, WEFT_EABORTED);
    CHECK_U64(polite.nums, 0);
    CHECK_U64(ends, 1);
    CHECK_ERR(ends_reason, WEFT_EDONE);
}

static void one_that_is_told_may_work_on_until_its_grace_is_over(void)
{
    polite = (polite_seen){.obeys = false};
    ends = 0;
    three t = {.to = weft_sim_spawn(sim, &polite_one, NULL)};
    sim_do(sim_puppet(NULL), tell_and_stop, &t);
    CHECK_U64(polite.nums, 5);
    weft_sim_advance(sim, 4999);
    CHECK_U64(ends, 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(ends, 1);
    CHECK_ERR(ends_reason, WEFT_ETIMEDOUT);
    CHECK_U64(polite.told, 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "did not stop in time"), 1);
}

static weft_err stop_self(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_ELOST);
}

static void its_own_stop_asks_nobody(void)
{
    polite = (polite_seen){.obeys = false};
    ends = 0;
    CHECK_OK(weft_sim_tell(sim, weft_sim_spawn(sim, &polite_one, NULL), act, .fn = stop_self));
    CHECK_U64(polite.told, 0);
    CHECK_U64(ends, 1);
    CHECK_ERR(ends_reason, WEFT_ELOST);
}

/* ---- families */

enum { DEPTH = 4 };
static record *ended_order;

static void note_order(weft_actor *self, weft_err reason)
{
    (void)reason;
    record_add(ended_order, *(uint64_t *)weft_state(self));
}
static weft_err spawn_down(weft_actor *self, weft_msg *msg);
static const weft_handler family_handlers[] = {
    {.type = &num_type, .fn = spawn_down}, {.type = &act_type, .fn = do_act}, {0}};
static const weft_behaviour relative = {
    .name = "relative", .handlers = family_handlers, .state_bytes = 8, .ended = note_order};
static weft_ref relatives[16];
static unsigned relatives_used;

/* Two children at each level; the number is the level from below. */
static weft_err spawn_down(weft_actor *self, weft_msg *msg)
{
    uint64_t *level = weft_state(self);
    *level = ((const num *)weft_body(msg))->n;
    for (int i = 0; *level != 0 && i < 2; i++) {
        weft_ref ref = weft_spawn(self, &relative, NULL);
        CHECK(weft_ref_same(weft_parent(self), WEFT_NOBODY) || *level < DEPTH);
        if (relatives_used < 16)
            relatives[relatives_used++] = ref;
        CHECK_OK(weft_tell(self, ref, num, .n = *level - 1));
    }
    return WEFT_OK;
}

static void children_end_before_their_parents(void)
{
    for (uint64_t seed = 1; seed < 10; seed++) {
        sim_with(&(weft_sim_options){.seed = seed});
        ended_order = record_new();
        relatives_used = 0;
        weft_ref top = weft_sim_spawn(sim, &relative, NULL);
        CHECK_OK(weft_sim_tell(sim, top, num, .n = DEPTH));
        uint32_t actors = sim_stats(0).actors;
        CHECK_OK(weft_sim_tell(sim, top, act, .fn = stop_self));
        CHECK_U64(ended_order->n, (1 << (DEPTH + 1)) - 1);
        CHECK_U64(actors - sim_stats(0).actors, ended_order->n);
        unsigned of_level[DEPTH + 1] = {0};
        for (unsigned i = 0; i < ended_order->n; i++) {
            uint64_t level = ended_order->got[i];
            REQUIRE(level <= DEPTH);
            of_level[level]++;
            /* two children ended before each parent did */
            if (level != 0)
                CHECK(of_level[level - 1] >= 2 * of_level[level]);
        }
        CHECK_U64(ended_order->got[ended_order->n - 1], DEPTH);
    }
}

static weft_err tell_parent(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref *parent = with;
    (void)msg;
    *parent = weft_parent(self);
    return WEFT_OK;
}

static void a_child_knows_its_parent(void)
{
    weft_ref parent = WEFT_NOBODY;
    ended_order = record_new();
    relatives_used = 0;
    weft_ref top = weft_sim_spawn(sim, &relative, NULL);
    CHECK_OK(weft_sim_tell(sim, top, num, .n = 1));
    CHECK_OK(weft_sim_tell(sim, relatives[0], act, .fn = tell_parent, .with = &parent));
    CHECK(weft_ref_same(parent, top));
    CHECK_OK(weft_sim_tell(sim, top, act, .fn = tell_parent, .with = &parent));
    CHECK(weft_ref_is_nobody(parent));
}

/* A parent that hears of its children. */
typedef struct heard {
    unsigned n;
    weft_err reason;
    weft_ref who;
    weft_err tell, monitor;
    weft_ref next;
} heard;
static heard hears;
static weft_ref raised;

static weft_err raise_one(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    raised = weft_spawn(self, &puppet, NULL);
    return WEFT_OK;
}
static void on_child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    hears.n++;
    hears.reason = reason;
    hears.who = child;
    hears.tell = weft_tell(self, child, num, .n = 1);
    hears.monitor = weft_monitor(self, child);
    hears.next = weft_spawn(self, &puppet, NULL);
}
static unsigned parent_downs;
static weft_err on_parent_down(weft_actor *self, weft_msg *msg)
{
    const weft_down *down = weft_body(msg);
    (void)self;
    parent_downs++;
    CHECK(weft_ref_same(down->who, raised));
    CHECK_ERR(down->reason, WEFT_EGONE);
    return WEFT_OK;
}
static const weft_handler raising_handlers[] = {{.type = &num_type, .fn = raise_one},
                                                {.type = &weft_down_type, .fn = on_parent_down},
                                                {.type = &act_type, .fn = do_act},
                                                {0}};
static const weft_behaviour raising = {
    .name = "raising", .handlers = raising_handlers, .child_ended = on_child_ended};

static void a_parent_hears_that_a_child_has_ended(void)
{
    hears = (heard){0};
    parent_downs = 0;
    weft_ref top = weft_sim_spawn(sim, &raising, NULL);
    CHECK_OK(weft_sim_tell(sim, top, num, .n = 1));
    sim_do(raised, stop_with, NULL);
    CHECK_U64(hears.n, 1);
    CHECK_ERR(hears.reason, WEFT_EDENIED);
    CHECK(weft_ref_same(hears.who, raised));
    CHECK_ERR(hears.tell, WEFT_EGONE); /* it is gone by then */
    CHECK_OK(hears.monitor);
    CHECK_U64(parent_downs, 1); /* so a monitor fires at once */
    CHECK(!weft_ref_is_nobody(hears.next) && !weft_ref_same(hears.next, raised));
}

static void a_parent_that_ends_hears_no_more(void)
{
    hears = (heard){0};
    weft_ref top = weft_sim_spawn(sim, &raising, NULL);
    CHECK_OK(weft_sim_tell(sim, top, num, .n = 1));
    CHECK_OK(weft_sim_tell(sim, top, act, .fn = stop_self));
    CHECK_U64(hears.n, 0);
}

static weft_err release_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_release_child(self, raised);
    return WEFT_OK;
}

static void a_released_child_outlives_who_spawned_it(void)
{
    weft_actor_stats s;
    hears = (heard){0};
    weft_ref top = weft_sim_spawn(sim, &raising, NULL);
    CHECK_OK(weft_sim_tell(sim, top, num, .n = 1));
    CHECK_OK(weft_sim_tell(sim, top, act, .fn = release_it));
    CHECK_OK(weft_sim_tell(sim, top, act, .fn = stop_self));
    CHECK(weft_stats_actor(weft_sim_system(sim), raised, &s));
    CHECK(weft_ref_is_nobody(s.parent));
    CHECK_U64(hears.n, 0);
}

static weft_err stop_its_children(weft_actor *self, weft_msg *msg, void *with)
{
    bool *any = with;
    (void)msg;
    *any = weft_stop_children(self, WEFT_ESTOPPING);
    return WEFT_OK;
}

static void a_parent_may_stop_its_children_and_live_on(void)
{
    bool any = false;
    hears = (heard){0};
    weft_ref top = weft_sim_spawn(sim, &raising, NULL);
    CHECK_OK(weft_sim_tell(sim, top, act, .fn = stop_its_children, .with = &any));
    CHECK(!any);
    CHECK_OK(weft_sim_tell(sim, top, num, .n = 1));
    CHECK_OK(weft_sim_tell(sim, top, act, .fn = stop_its_children, .with = &any));
    CHECK(any);
    CHECK_U64(hears.n, 1);
    CHECK_ERR(hears.reason, WEFT_ESTOPPING);
    weft_actor_stats s;
    CHECK(weft_stats_actor(weft_sim_system(sim), top, &s));
}

/* ---- actors_max */

static weft_err spawn_till_none(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *n = with;
    (void)msg;
    while (*n < 100 &&
           !weft_ref_is_nobody(weft_spawn(self, &puppet, *n % 2 != 0 ? record_new() : NULL)))
        ++*n;
    return WEFT_OK;
}

static void spawns_beyond_actors_max_are_refused_and_room_comes_back(void)
{
    sim_with(&(weft_sim_options){.system.actors_max = 20});
    weft_ref a = sim_puppet(NULL);
    unsigned n = 0;
    sim_do(a, spawn_till_none, &n);
    CHECK_U64(sim_stats(0).actors, 20);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "actors_max is 20"), 1);
    sim_do(a, stop_self, NULL);
    a = sim_puppet(NULL);
    unsigned again = 0;
    sim_do(a, spawn_till_none, &again);
    CHECK_U64(again, n);
    CHECK_U64(sim_stats(0).actors, 20);
}

/* What a refused spawn gives back is given out again as what it was. */
static void a_refused_spawn_leaves_the_memory_of_others_alone(void)
{
    static const weft_behaviour small = {
        .name = "small", .handlers = act_handlers, .state_bytes = 1};
    static const weft_behaviour large = {
        .name = "large", .otherwise = check_zeroed, .state_bytes = sizeof(odd_state)};
    sim_with(&(weft_sim_options){.system.actors_max = 6});
    weft_ref all[6];
    unsigned n = 0;
    while (n < 6 && !weft_ref_is_nobody(all[n] = weft_sim_spawn(sim, &small, &config)))
        n++;
    for (int i = 0; i < 4; i++) {
        CHECK(weft_ref_is_nobody(weft_sim_spawn(sim, &large, NULL)));
        CHECK(weft_ref_is_nobody(weft_sim_spawn(sim, &small, &config)));
        CHECK(weft_ref_is_nobody(weft_sim_spawn(sim, &small, NULL)));
    }
    while (n-- != 0)
        CHECK_OK(weft_sim_tell(sim, all[n], act, .fn = stop_self));
    for (int i = 0; i < 4; i++) {
        weft_ref a = weft_sim_spawn(sim, i % 2 ? &large : &small, &config);
        config_seen = NULL;
        CHECK_OK(weft_sim_tell(sim, a, act, .fn = see_config));
        CHECK(i % 2 != 0 || config_seen == &config);
    }
}

/* ---- becoming */

static weft_err answer_first(weft_actor *self, weft_msg *msg);
static weft_err answer_second(weft_actor *self, weft_msg *msg);
static void note_second(weft_actor *self, weft_err reason);
static const weft_handler first_handlers[] = {{.type = &num_type, .fn = answer_first}, {0}};
static const weft_handler second_handlers[] = {
    {.type = &num_type, .fn = answer_second}, {.type = &act_type, .fn = do_act}, {0}};
static const weft_behaviour first_self = {
    .name = "first", .handlers = first_handlers, .state_bytes = 100, .ended = note_end};
static const weft_behaviour second_self = {
    .name = "second", .handlers = second_handlers, .state_bytes = 8, .ended = note_second};
static const weft_behaviour too_large = {
    .name = "too_large", .handlers = second_handlers, .state_bytes = 101};
static const weft_handler bad_rows[] = {{.type = &num_type}, {0}};
static const weft_behaviour not_valid = {.name = "not_valid", .handlers = bad_rows};
static unsigned seconds;

static void note_second(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    seconds++;
}

static weft_err answer_first(weft_actor *self, weft_msg *msg)
{
    uint64_t *s = weft_state(self);
    *s = 4711;
    CHECK_ERR(weft_become(self, &too_large), WEFT_EINVAL);
    CHECK_ERR(weft_become(self, &not_valid), WEFT_EINVAL);
    CHECK_OK(weft_become(self, &second_self));
    CHECK(weft_behaviour_of(self) == &second_self);
    return weft_reply(msg, num, .n = 1);
}
static weft_err answer_second(weft_actor *self, weft_msg *msg)
{
    const uint64_t *s = weft_state(self);
    CHECK_U64(*s, 4711);
    return weft_reply(msg, num, .n = 2);
}

static void one_that_becomes_another_keeps_state_and_config_and_reference(void)
{
    ends = seconds = 0;
    weft_ref a = weft_sim_spawn(sim, &first_self, &config);
    const weft_outcome *got = weft_sim_ask(sim, a, num, .n = 0);
    CHECK_U64(((const num *)got->body)->n, 1);
    got = weft_sim_ask(sim, a, num, .n = 0);
    CHECK_U64(((const num *)got->body)->n, 2);
    config_seen = NULL;
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = see_config));
    CHECK(config_seen == &config);
    CHECK_STR(sim_stats_of(a).behaviour, "second");
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = stop_self));
    CHECK_U64(ends, 0);
    CHECK_U64(seconds, 1); /* it ends as what it became */
    /* and its memory is given out again as what it was */
    for (int i = 0; i < 10; i++)
        CHECK_OK(weft_sim_ask(sim, weft_sim_spawn(sim, &first_self, &config), num, .n = 0)->err);
}

/* ---- spawning from outside */

static void spawning_on_a_reactor_that_is_not_there_is_nobody(void)
{
    CHECK(weft_ref_is_nobody(weft_system_spawn(weft_sim_system(sim), 7, &puppet, NULL)));
}

static weft_err where(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *at = with;
    (void)msg;
    *at = weft_reactor_of(self);
    CHECK(weft_system_of(self) == weft_sim_system(sim));
    return WEFT_OK;
}

static void actors_that_block_live_beyond_the_reactors(void)
{
    unsigned at = 0;
    sim_of(2);
    weft_ref a = weft_system_spawn_blocking(weft_sim_system(sim), &puppet, NULL);
    weft_ref b = weft_system_spawn_blocking(weft_sim_system(sim), &puppet, NULL);
    weft_ref c = weft_system_spawn_blocking(weft_sim_system(sim), &puppet, NULL);
    CHECK_U64(weft_system_reactors(weft_sim_system(sim)), 2);
    sim_do(a, where, &at);
    CHECK_U64(at, 2);
    sim_do(b, where, &at);
    CHECK_U64(at, 3);
    sim_do(c, where, &at);
    CHECK_U64(at, 2); /* two threads, in turn */
    CHECK(weft_ref_is_nobody(weft_system_spawn_blocking(weft_sim_system(sim), &puppet, NULL)));
}

static const test_case cases[] = {
    TEST(a_state_is_zeroed_and_aligned_also_where_one_lived_before),
    TEST(a_config_is_there_for_states_of_any_size),
    TEST(a_state_has_a_limit),
    TEST(a_table_with_two_rows_of_a_type_is_refused),
    TEST(a_table_of_many_rows_finds_each),
    TEST(started_is_the_first_message_and_starts_afresh),
    TEST(an_actor_without_a_row_for_it_costs_no_turn),
    TEST(an_actor_ends_with_its_reason_and_sentence),
    TEST(the_handler_that_stops_is_served_to_its_end),
    TEST(one_can_be_stopped_by_another),
    TEST(one_with_a_row_for_it_is_told_before_what_waits),
    TEST(one_that_is_told_may_work_on_until_its_grace_is_over),
    TEST(its_own_stop_asks_nobody),
    TEST(children_end_before_their_parents),
    TEST(a_child_knows_its_parent),
    TEST(a_parent_hears_that_a_child_has_ended),
    TEST(a_parent_that_ends_hears_no_more),
    TEST(a_released_child_outlives_who_spawned_it),
    TEST(a_parent_may_stop_its_children_and_live_on),
    TEST(spawns_beyond_actors_max_are_refused_and_room_comes_back),
    TEST(a_refused_spawn_leaves_the_memory_of_others_alone),
    TEST(one_that_becomes_another_keeps_state_and_config_and_reference),
    TEST(spawning_on_a_reactor_that_is_not_there_is_nobody),
    TEST(actors_that_block_live_beyond_the_reactors),
    {0},
};

const test_suite actors_suite = {
    .name = "runtime/actors", .before = sim_one, .after = sim_done, .cases = cases};
