/* SPDX-License-Identifier: MIT */
/* Small tells of the links' reactor: packed where they leave from, and in no other order for that. */
#include "node_kit.h"

#include <weft/operate.h>
#include <weft/remote.h>

static uint64_t records_out(weft_actor *self)
{
    weft_link_info info;
    CHECK(weft_link_info_at(self, 0, &info));
    return info.records_out;
}

static weft_err tell_one(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_tell(self, weft_named(self, "counter@n1"), count, .n = *(const uint64_t *)with);
}

/* Two nodes, and a tell that went the way of all: numbers for the type and the name are said. */
static void begin(void)
{
    uint64_t one = 1;
    world_of(2, 1, NULL);
    REQUIRE(all_linked());
    node_do(0, tell_one, &one);
    weft_sim_advance(world, 10);
    REQUIRE(node_at[1].counter.n == 1);
}

static void came(const uint64_t *wanted, unsigned n)
{
    weft_sim_advance(world, 50);
    CHECK_U64(node_at[1].counter.n, n);
    for (unsigned i = 0; i < n; i++)
        CHECK_U64(node_at[1].counter.got[i], wanted[i]);
}

static weft_err tell_and_look(weft_actor *self, weft_msg *msg, void *with)
{
    uint64_t before = records_out(self);
    weft_err err = tell_one(self, msg, with);
    CHECK_U64(records_out(self), before + 1);
    return err;
}

static void a_small_tell_stands_in_its_frame_when_the_call_returns(void)
{
    uint64_t two = 2;
    node_do(0, tell_and_look, &two);
    came((const uint64_t[]){1, 2}, 2);
}

/* ---- what stands before it */

static weft_err answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_ERR(got->err, WEFT_OK);
    return WEFT_OK;
}

static weft_err ask_then_tell(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref to = weft_named(self, "counter@n1");
    uint64_t before = records_out(self);
    (void)with;
    CHECK_OK(weft_when(msg, weft_ask(self, to, count, .n = 2), answered));
    CHECK_OK(weft_tell(self, to, count, .n = 3));
    CHECK_U64(records_out(self), before); /* the request waits for the link, so this does */
    return weft_tell(self, to, count, .n = 4);
}

static void it_does_not_pass_a_request(void)
{
    node_do(0, ask_then_tell, NULL);
    came((const uint64_t[]){1, 2, 3, 4}, 4);
}

/* Answers with n + 1, and tells n + 2 behind it. */
static weft_err answer_and_tell(weft_actor *self, weft_msg *msg)
{
    const count *c = weft_body(msg);
    CHECK_OK(weft_reply(msg, count, .n = c->n + 1));
    return weft_tell(self, weft_sender(msg), count, .n = c->n + 2);
}

static const weft_handler answer_rows[] = {{.type = &count_type, .fn = answer_and_tell}, {0}};
static const weft_behaviour answers = {.name = "answers", .handlers = answer_rows};

static weft_err become_answers(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &answers);
}

enum { ROUNDS = 20 };
static uint64_t heard[2 * ROUNDS + 2];
static unsigned heard_n;

static void hear(uint64_t n)
{
    if (heard_n < sizeof heard / sizeof *heard)
        heard[heard_n++] = n;
}

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_ERR(got->err, WEFT_OK);
    hear(count_of(got));
    return WEFT_OK;
}

static weft_err ask_one(weft_actor *self, weft_msg *msg, uint64_t n)
{
    return weft_when(msg, weft_ask(self, weft_named(self, "counter@n1"), count, .n = n), on_answer);
}

static weft_err on_told(weft_actor *self, weft_msg *msg)
{
    const count *c = weft_body(msg);
    hear(c->n);
    return c->n < 3 * ROUNDS ? ask_one(self, msg, c->n) : WEFT_OK;
}

static weft_err hearer_started(weft_actor *self, weft_msg *msg)
{
    return ask_one(self, msg, 0);
}

static const weft_handler hearer_rows[] = {
    {.type = &weft_started_type, .fn = hearer_started}, {.type = &count_type, .fn = on_told}, {0}};
static const weft_behaviour hearer = {.name = "hearer", .handlers = hearer_rows};

static weft_err spawn_hearer(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK(!weft_ref_is_nobody(weft_spawn(self, &hearer, NULL)));
    return WEFT_OK;
}

static void nor_an_answer_of_the_same_actor(void)
{
    heard_n = 0;
    node_do(1, become_answers, NULL);
    node_do(0, spawn_hearer, NULL);
    weft_sim_advance(world, 5000);
    CHECK(heard_n >= 2 * ROUNDS);
    for (unsigned i = 0; i < heard_n; i++)
        CHECK_U64(heard[i], i / 2 * 2 + 1 + i % 2);
}

static weft_err suspend_link(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    weft_ref link = weft_remote_link_to(weft_sim_system(node_at[0].sim), 1);
    return *(const bool *)with ? weft_suspend(self, link) : weft_resume(self, link);
}

static weft_err tell_and_look_that_it_waits(weft_actor *self, weft_msg *msg, void *with)
{
    uint64_t before = records_out(self);
    weft_err err = tell_one(self, msg, with);
    CHECK_U64(records_out(self), before);
    return err;
}

static void a_link_that_serves_nothing_gets_a_message(void)
{
    uint64_t n[] = {2, 3};
    bool on = true, off = false;
    node_do(0, suspend_link, &on);
    node_do(0, tell_and_look_that_it_waits, &n[0]);
    node_do(0, tell_and_look_that_it_waits, &n[1]);
    CHECK_U64(node_at[1].counter.n, 1);
    node_do(0, suspend_link, &off);
    came((const uint64_t[]){1, 2, 3}, 3);
}

/* ---- what goes with it */

static weft_err note_context(weft_actor *self, weft_msg *msg)
{
    (void)self;
    hear(weft_trace(msg));
    hear(weft_time_left_ms(msg));
    return WEFT_OK;
}

static const weft_handler context_rows[] = {{.type = &count_type, .fn = note_context}, {0}};
static const weft_behaviour context = {.name = "context", .handlers = context_rows};

static weft_err become_context(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &context);
}

/* It is not answered. */
static weft_err fails(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_ERR(got->err, WEFT_ENOANSWER);
    return WEFT_OK;
}

static weft_err tell_with_context(weft_actor *self, weft_msg *msg)
{
    uint64_t n = 2;
    weft_set_trace(msg, 0xabcd);
    return tell_and_look(self, msg, &n);
}

/* The first tell of an actor is a message, which gives its reference out. */
static weft_err teller_started(weft_actor *self, weft_msg *msg)
{
    uint64_t n = 2;
    return tell_one(self, msg, &n);
}

static const weft_handler teller_rows[] = {{.type = &weft_started_type, .fn = teller_started},
                                           {.type = &count_type, .fn = tell_with_context},
                                           {0}};
static const weft_behaviour teller = {.name = "teller", .handlers = teller_rows};

static weft_err spawn_teller(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    weft_ref *made = with;
    *made = weft_spawn(self, &teller, NULL);
    return WEFT_OK;
}

static weft_err ask_teller(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(msg, weft_ask_within(self, *(const weft_ref *)with, 700, count, .n = 1),
                     fails);
}

static void the_trace_and_the_time_that_is_left_go_with_it(void)
{
    weft_ref made = WEFT_NOBODY;
    heard_n = 0;
    node_do(0, spawn_teller, &made);
    weft_sim_advance(world, 50);
    node_do(1, become_context, NULL);
    node_do(0, ask_teller, &made);
    weft_sim_advance(world, 50);
    REQUIRE(heard_n == 2);
    CHECK_U64(heard[0], 0xabcd);
    CHECK(heard[1] > 600 && heard[1] <= 700);
}

/* ---- bounds */

enum { MANY = 20000 };
static uint64_t taken;

static weft_err tell_until_full(weft_actor *self, weft_msg *msg, void *with)
{
    weft_err err = WEFT_OK;
    (void)msg, (void)with;
    weft_ref to = weft_named(self, "counter@n1");
    for (taken = 0; err == WEFT_OK && taken < MANY; taken += err == WEFT_OK)
        err = weft_tell(self, to, count, .n = 2 + taken);
    CHECK(err == WEFT_OK || err == WEFT_EFULL);
    return WEFT_OK;
}

static void many_in_one_turn_keep_their_order_whichever_way_they_go(void)
{
    node_do(0, tell_until_full, NULL);
    weft_sim_advance(world, 1000);
    CHECK(taken > KIT_SEEN_MAX);
    CHECK_U64(node_at[1].counter.n, taken + 1);
    for (unsigned i = 0; i < KIT_SEEN_MAX; i++)
        CHECK_U64(node_at[1].counter.got[i], i + 1);
}

static weft_err tell_three(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_ref to = weft_named(self, "counter@n1");
    for (uint64_t i = 0; i < 3; i++)
        taken += weft_tell(self, to, count, .n = 10 + i) == WEFT_OK;
    return WEFT_OK;
}

static void memory_that_is_out_loses_none_that_was_taken(void)
{
    bool again = true;
    for (uint64_t n = 1; again; n++) {
        world_done();
        begin();
        taken = 0;
        weft_sim_fail_allocation(world, n);
        node_do(0, tell_three, NULL);
        weft_sim_advance(world, 200);
        again = weft_sim_allocation_failed(world);
        weft_sim_fail_allocation(world, 0);
        if (info_of(0, 1).ups == 1 && info_of(0, 1).lost == 0)
            CHECK_U64(node_at[1].counter.n, taken + 1);
        CHECK(again || taken == 3);
    }
}

/* A node that begins anew has other numbers for types and names. */
static void the_next_life_of_a_node_is_told_everything_again(void)
{
    uint64_t n[] = {2, 3, 4};
    node_do(0, tell_and_look, &n[0]);
    weft_sim_advance(world, 10);
    node_crash(1);
    weft_sim_advance(world, 100);
    node_start(1);
    REQUIRE(all_linked());
    node_do(0, tell_one, &n[1]);
    weft_sim_advance(world, 10);
    node_do(0, tell_and_look, &n[2]);
    came((const uint64_t[]){1, 2, 3, 4}, 4);
}

static const test_case cases[] = {
    TEST(a_small_tell_stands_in_its_frame_when_the_call_returns),
    TEST(it_does_not_pass_a_request),
    TEST(nor_an_answer_of_the_same_actor),
    TEST(a_link_that_serves_nothing_gets_a_message),
    TEST(the_trace_and_the_time_that_is_left_go_with_it),
    TEST(many_in_one_turn_keep_their_order_whichever_way_they_go),
    TEST(memory_that_is_out_loses_none_that_was_taken),
    TEST(the_next_life_of_a_node_is_told_everything_again),
    {0},
};
const test_suite node_direct_suite = {
    .name = "actors/node_direct", .before = begin, .after = world_done, .cases = cases};
