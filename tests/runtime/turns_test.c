/* SPDX-License-Identifier: MIT */
/* Turns: snapshots, the budget, new children first, and nobody starved. */
#include "kit.h"

#include <stdlib.h>
#include <unistd.h>

#include <weft/edge.h>

#include "core.h"
#include "family.h"
#include "reactor.h"
#include "sys.h"

static weft_system *sys;
static record *order; /* who ran when: a number of the actor's own */

static void before(void)
{
    sys = rig_new(1);
    order = record_new();
}

static void after(void)
{
    rig_free(&sys);
}

/* ---- snapshots and the budget */

/* Writes the number it is told; on 1,000 and more tells itself the rest. */
static weft_err note(weft_actor *self, weft_msg *msg)
{
    uint64_t n = ((const num *)weft_body(msg))->n;
    record_add(order, n);
    if (n >= 1000)
        return weft_tell(self, weft_self(self), num, .n = n - 1000);
    return WEFT_OK;
}
static const weft_handler noting_handlers[] = {{.type = &num_type, .fn = note}, {0}};
static const weft_behaviour noting = {.name = "noting", .handlers = noting_handlers};

static void tell_num(weft_ref to, uint64_t n)
{
    CHECK_OK(weft_system_tell(sys, to, &num_type, &(num){n}));
}

static void check_order(const uint64_t *want, unsigned n)
{
    CHECK_U64(order->n, n);
    for (unsigned i = 0; i < n && i < order->n; i++)
        CHECK_U64(order->got[i], want[i]);
}

static void what_comes_during_a_turn_waits_for_the_next(void)
{
    weft_ref a = weft_system_spawn(sys, 0, &noting, NULL);
    weft_ref b = weft_system_spawn(sys, 0, &noting, NULL);
    rig_settle(sys);
    tell_num(a, 1);
    tell_num(b, 2);
    rig_settle(sys); /* no new children any more */
    order->n = 0;
    tell_num(a, 1001);
    tell_num(a, 3);
    tell_num(b, 4);
    rig_settle(sys);
    check_order((uint64_t[]){1001, 3, 4, 1}, 4);
}

static void the_budget_is_the_reactors(void)
{
    weft_ref a = weft_system_spawn(sys, 0, &noting, NULL);
    weft_ref b = weft_system_spawn(sys, 0, &noting, NULL);
    tell_num(a, 1);
    tell_num(b, 1);
    rig_settle(sys);
    order->n = 0;
    for (unsigned i = 0; i < 400; i++)
        tell_num(a, 1);
    tell_num(b, 2);
    CHECK(rig_round(sys, 0));
    CHECK_U64(order->n, WF_BUDGET);
    tell_num(a, 3); /* comes too late for the snapshot */
    CHECK(!rig_round(sys, 0));
    CHECK_U64(order->n, 402);
    CHECK_U64(order->got[399], 1);
    CHECK_U64(order->got[400], 2); /* who was cut off has finished its snapshot first */
    CHECK_U64(order->got[401], 3);
}

static weft_err say_often(weft_actor *self, weft_msg *msg, void *with)
{
    const weft_ref *to = with;
    (void)msg;
    record_add(order, 7);
    for (int i = 0; i < 1000; i++)
        CHECK_OK(weft_tell(self, *to, num, .n = 1));
    return weft_tell(self, weft_self(self), act, .fn = say_often, .with = with);
}

/* The producer's next turn waits for what its last one made: what waits never grows. */
static void a_runaway_producer_is_flat_in_memory(void)
{
    weft_ref consumer = weft_system_spawn(sys, 0, &noting, NULL);
    weft_ref producer = weft_system_spawn(sys, 0, &puppet, NULL);
    weft_actor_stats s;
    uint32_t most = 0;
    uint64_t bytes = 0;
    rig_do(sys, producer, say_often, &consumer);
    for (int i = 0; i < 2000; i++) {
        (void)rig_round(sys, 0);
        CHECK(weft_stats_actor(sys, consumer, &s));
        if (s.queued > most)
            most = s.queued;
        if (i == 100)
            bytes = sys->reactor[0]->stat.block_bytes;
    }
    CHECK(s.handled > 100000);
    CHECK(most <= 1000);
    CHECK_U64(sys->reactor[0]->stat.block_bytes, bytes);
    CHECK_U64(sys->reactor[0]->stat.refused, 0);
}

typedef struct in_turn {
    uint64_t turns[10];
    weft_ref who[10];
} in_turn;
static in_turn rounds;

static weft_err again(weft_actor *self, weft_msg *msg, void *with)
{
    uint64_t *turns = with;
    (void)msg;
    ++*turns;
    return weft_tell(self, weft_self(self), act, .fn = again, .with = with);
}

static void those_who_are_ready_take_turns(void)
{
    for (int i = 0; i < 10; i++) {
        rounds.turns[i] = 0;
        rounds.who[i] = weft_system_spawn(sys, 0, &puppet, NULL);
        rig_do(sys, rounds.who[i], again, &rounds.turns[i]);
    }
    CHECK(rig_round(sys, 0)); /* as new children they come in another order */
    for (int i = 0; i < 10; i++)
        rounds.turns[i] = 0;
    for (int i = 0; i < 50; i++)
        CHECK(rig_round(sys, 0));
    for (int i = 1; i < 10; i++) {
        int64_t off = (int64_t)(rounds.turns[i] - rounds.turns[0]);
        CHECK(off >= -1 && off <= 1);
    }
    CHECK(rounds.turns[0] > 100);
}

static void one_that_stops_in_a_cut_turn_runs_nothing_more(void)
{
    weft_ref a = weft_system_spawn(sys, 0, &noting, NULL);
    tell_num(a, 1);
    rig_settle(sys);
    order->n = 0;
    for (unsigned i = 0; i < 400; i++)
        tell_num(a, 1);
    CHECK(rig_round(sys, 0));
    CHECK_U64(order->n, WF_BUDGET);
    weft_actor *victim = wf_actor_at(sys->reactor[0], a.slot, a.gen);
    WF_R = sys->reactor[0];
    wf_actor_stop(WF_R, victim, WEFT_OK, NULL, true);
    rig_settle(sys);
    CHECK_U64(order->n, WF_BUDGET);
    CHECK_U64(sys->reactor[0]->stat.dead_letters, 400 - WF_BUDGET);
}

/* ---- children */

static unsigned alive, most_alive, children_run;

static weft_err child_runs(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    children_run++;
    return weft_stop(self, WEFT_OK);
}
static void child_ends(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    alive--;
}
static const weft_behaviour child = {.name = "child", .otherwise = child_runs, .ended = child_ends};

enum { A_TURN = 1000, TURNS = 20 };

static weft_err spawn_thousand(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *turn = with;
    (void)msg;
    for (int i = 0; i < A_TURN; i++) {
        weft_ref ref = weft_spawn(self, &child, NULL);
        if (++alive > most_alive)
            most_alive = alive;
        CHECK_OK(weft_tell(self, ref, num, .n = 1));
    }
    if (++*turn == TURNS)
        return WEFT_OK;
    return weft_tell(self, weft_self(self), act, .fn = spawn_thousand, .with = with);
}

static void a_spawner_of_thousands_has_no_backlog(void)
{
    unsigned turn = 0;
    alive = most_alive = children_run = 0;
    rig_do(sys, weft_system_spawn(sys, 0, &puppet, NULL), spawn_thousand, &turn);
    rig_settle(sys);
    CHECK_U64(children_run, A_TURN * TURNS);
    CHECK_U64(alive, 0);
    CHECK_U64(most_alive, A_TURN);
}

/* Four of them at once: none stands in another's way. */
static void spawners_of_thousands_stand_in_nobodys_way(void)
{
    unsigned turn[4] = {0};
    alive = most_alive = children_run = 0;
    for (int i = 0; i < 4; i++)
        rig_do(sys, weft_system_spawn(sys, 0, &puppet, NULL), spawn_thousand, &turn[i]);
    rig_settle(sys);
    CHECK_U64(children_run, 4 * A_TURN * TURNS);
    CHECK(most_alive <= 4 * A_TURN);
}

/* skynet: each of ten children has ten children, ...; the leaves' numbers are added up. */
typedef struct sky {
    uint64_t first, size;
} sky;
typedef struct skynet {
    uint64_t sum;
    unsigned waits;
    weft_ref parent;
} skynet;
static const weft_type sky_type = WEFT_TYPE("test.sky", sky, NULL);
static uint64_t total;
static weft_err on_sky(weft_actor *self, weft_msg *msg);
static weft_err on_sum(weft_actor *self, weft_msg *msg);
static const weft_handler sky_handlers[] = {
    {.type = &sky_type, .fn = on_sky}, {.type = &num_type, .fn = on_sum}, {0}};
static const weft_behaviour skynet_node = {
    .name = "skynet", .handlers = sky_handlers, .state_bytes = sizeof(skynet), .ended = child_ends};

static weft_err skynet_done(weft_actor *self, uint64_t sum)
{
    weft_ref parent = weft_parent(self);
    if (weft_ref_is_nobody(parent))
        total = sum;
    else
        CHECK_OK(weft_tell(self, parent, num, .n = sum));
    return weft_stop(self, WEFT_OK);
}

static weft_err on_sky(weft_actor *self, weft_msg *msg)
{
    skynet *s = weft_state(self);
    const sky *k = weft_body(msg);
    if (k->size == 1)
        return skynet_done(self, k->first);
    for (uint64_t i = 0; i < 10; i++) {
        weft_ref ref = weft_spawn(self, &skynet_node, NULL);
        if (++alive > most_alive)
            most_alive = alive;
        CHECK_OK(weft_tell(self, ref, sky, .first = k->first + i * (k->size / 10),
                           .size = k->size / 10));
    }
    s->waits = 10;
    return WEFT_OK;
}

static weft_err on_sum(weft_actor *self, weft_msg *msg)
{
    skynet *s = weft_state(self);
    s->sum += ((const num *)weft_body(msg))->n;
    return --s->waits == 0 ? skynet_done(self, s->sum) : WEFT_OK;
}

static void a_tree_of_spawns_runs_in_little_memory(void)
{
    enum { LEAVES = 100000 };
    weft_ref top = weft_system_spawn(sys, 0, &skynet_node, NULL);
    alive = most_alive = 1;
    total = 0;
    CHECK_OK(weft_system_tell(sys, top, &sky_type, &(sky){0, LEAVES}));
    rig_settle(sys);
    CHECK_U64(total, (uint64_t)LEAVES * (LEAVES - 1) / 2);
    CHECK_U64(alive, 0);
    CHECK(most_alive < 3000); /* of 111,111 */
}

/* ---- a parent that waits for its new children, and what may happen to them meanwhile */

typedef struct parent {
    weft_ref child[3];
    unsigned turns;
    bool stop_children, release;
} parent;

static weft_err next_turn(weft_actor *self, weft_msg *msg, void *with)
{
    parent *p = with;
    (void)self, (void)msg;
    p->turns++;
    return WEFT_OK;
}

static weft_err spawn_some(weft_actor *self, weft_msg *msg, void *with)
{
    parent *p = with;
    (void)msg;
    for (int i = 0; i < 3; i++) {
        p->child[i] = weft_spawn(self, &child, NULL);
        alive++;
        CHECK_OK(weft_tell(self, p->child[i], num, .n = 1));
        if (p->stop_children)
            CHECK_OK(weft_stop_ref(self, p->child[i], WEFT_OK));
        if (p->release)
            weft_release_child(self, p->child[i]);
    }
    return weft_tell(self, weft_self(self), act, .fn = next_turn, .with = with);
}

static void check_parent(parent p)
{
    alive = children_run = 0;
    rig_do(sys, weft_system_spawn(sys, 0, &puppet, NULL), spawn_some, &p);
    rig_settle(sys);
    CHECK_U64(p.turns, 1);
    CHECK_U64(alive, 0);
    CHECK_U64(children_run, p.stop_children ? 0 : 3);
}

static void a_parent_runs_again_when_its_children_have_run(void)
{
    check_parent((parent){.turns = 0});
}
static void a_parent_runs_again_when_its_children_were_stopped_unrun(void)
{
    check_parent((parent){.stop_children = true});
}
static void a_parent_runs_again_when_its_children_were_released_unrun(void)
{
    check_parent((parent){.release = true});
}

static weft_err spawn_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(spawn_some(self, msg, with));
    return weft_stop(self, WEFT_OK);
}

static void a_parent_that_stops_takes_its_unrun_children_with_it(void)
{
    parent p = {.turns = 0};
    alive = children_run = 0;
    rig_do(sys, weft_system_spawn(sys, 0, &puppet, NULL), spawn_and_stop, &p);
    uint32_t actors = sys->reactor[0]->stat.actors;
    rig_settle(sys);
    CHECK_U64(p.turns, 0);
    CHECK_U64(alive, 0);
    CHECK_U64(sys->reactor[0]->stat.actors, actors - 1);
}

/* ---- the world is not starved: on the real driver */

typedef struct busy {
    weft_ref other;
    unsigned ticks, reads;
    int pipe[2];
    weft_watch watch;
} busy;
static busy *b;

static weft_err play(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    if (b->ticks != 0 && b->reads != 0) {
        weft_system_stop(self, WEFT_OK);
        return WEFT_OK;
    }
    return weft_tell(self, weft_sender(msg), act, .fn = play);
}

static void readable(weft_watch *watch, unsigned events)
{
    char c;
    CHECK(events == WEFT_READABLE);
    if (read(weft_watch_fd(watch), &c, 1) == 1)
        b->reads++;
    weft_watch_set(watch, 0);
}

static weft_err tick(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    b->ticks++;
    if (write(b->pipe[1], "x", 1) != 1)
        CHECK(!"written");
    return WEFT_OK;
}

static weft_err begin(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_watch_init(&b->watch, b->pipe[0], readable);
    weft_watch_set(&b->watch, WEFT_READABLE);
    CHECK(weft_after(self, 3, act, .fn = tick).slot != 0);
    return weft_tell(self, b->other, act, .fn = play);
}

/* A pair that plays for ever, so that the reactor never sleeps: the test ends only if the timer and the
 * descriptor get through. */
static void a_busy_pair_starves_neither_a_timer_nor_a_descriptor(void)
{
    b = calloc(1, sizeof *b);
    REQUIRE(b != NULL);
    REQUIRE(pipe(b->pipe) == 0);
    weft_system *real = weft_system_new(&(weft_system_options){
        .no_signals = true, .log_level = WEFT_NO_LOG, .log_level_set = true});
    REQUIRE(real != NULL);
    b->other = weft_system_spawn(real, 0, &puppet, NULL);
    weft_ref one = weft_system_spawn(real, 0, &puppet, NULL);
    CHECK_OK(weft_system_tell(real, one, &act_type, &(act){begin, NULL}));
    CHECK_I64(weft_run(&real), 0);
    CHECK_U64(b->ticks, 1);
    CHECK_U64(b->reads, 1);
    (void)close(b->pipe[0]);
    (void)close(b->pipe[1]);
    free(b);
}

static const test_case cases[] = {
    TEST(what_comes_during_a_turn_waits_for_the_next),
    TEST(the_budget_is_the_reactors),
    TEST(a_runaway_producer_is_flat_in_memory),
    TEST(those_who_are_ready_take_turns),
    TEST(one_that_stops_in_a_cut_turn_runs_nothing_more),
    TEST(a_spawner_of_thousands_has_no_backlog),
    TEST(spawners_of_thousands_stand_in_nobodys_way),
    TEST(a_tree_of_spawns_runs_in_little_memory),
    TEST(a_parent_runs_again_when_its_children_have_run),
    TEST(a_parent_runs_again_when_its_children_were_stopped_unrun),
    TEST(a_parent_runs_again_when_its_children_were_released_unrun),
    TEST(a_parent_that_stops_takes_its_unrun_children_with_it),
    TEST(a_busy_pair_starves_neither_a_timer_nor_a_descriptor),
    {0},
};

const test_suite turns_suite = {
    .name = "runtime/turns", .before = before, .after = after, .cases = cases};
