/* SPDX-License-Identifier: MIT */
/* Tells to actors of another node that come to nothing: told to who asked for it, and to nobody else. */
#include <weft/remote.h>

#include "node/link.h"
#include "node_kit.h"

enum { TOLD_MAX = 8 };

/* Who tells, and what it was told. */
static struct noter {
    weft_ref self;
    bool wants;
    unsigned n, others;
    weft_undelivered told[TOLD_MAX];
} noter;

typedef struct noter_deed {
    kit_fn *fn;
    void *with;
} noter_deed;
static const weft_type noter_deed_type = WEFT_TYPE("test.noter_deed", noter_deed, NULL);

static weft_err noter_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_report_undelivered(self, noter.wants);
    return WEFT_OK;
}

static weft_err on_undelivered(weft_actor *self, weft_msg *msg)
{
    (void)self;
    if (noter.n < TOLD_MAX)
        noter.told[noter.n] = *(const weft_undelivered *)weft_body(msg);
    noter.n++;
    return WEFT_OK;
}

static weft_err noter_deed_done(weft_actor *self, weft_msg *msg)
{
    const noter_deed *d = weft_body(msg);
    return d->fn(self, msg, d->with);
}

static const weft_handler noter_rows[] = {{.type = &weft_started_type, .fn = noter_started},
                                          {.type = &weft_undelivered_type, .fn = on_undelivered},
                                          {.type = &noter_deed_type, .fn = noter_deed_done},
                                          {0}};
static const weft_behaviour noter_behaviour = {.name = "noter", .handlers = noter_rows};

/* At n1: a count of 0 ends it, behind which others stand in its mailbox. */
static weft_err mortal_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "worker");
}

static weft_err mortal_count(weft_actor *self, weft_msg *msg)
{
    return ((const count *)weft_body(msg))->n == 0 ? weft_stop(self, WEFT_OK) : WEFT_OK;
}

static const weft_handler mortal_rows[] = {{.type = &weft_started_type, .fn = mortal_started},
                                           {.type = &count_type, .fn = mortal_count},
                                           {0}};
static const weft_behaviour mortal = {.name = "mortal", .handlers = mortal_rows};
static bool with_mortal;

static void more(unsigned i)
{
    if (i == 0)
        noter.self = weft_sim_spawn(node_at[0].sim, &noter_behaviour, NULL);
    if (i == 1 && with_mortal)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(weft_sim_system(node_at[1].sim),
                                                    kit_reactors > 1 ? 1 : 0, &mortal, NULL)));
}

static void two_where(bool wants, bool mortal_too, unsigned reactors)
{
    memset(&noter, 0, sizeof noter);
    noter.wants = wants;
    with_mortal = mortal_too;
    kit_more = more;
    kit_reactors = reactors;
    world_of(2, 7, NULL);
    REQUIRE(all_linked());
}

static void noter_do(kit_fn *fn, void *with)
{
    CHECK_OK(weft_sim_tell(node_at[0].sim, noter.self, noter_deed, fn, with));
    weft_sim_advance(world, 10);
}

static weft_err tell_name(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    CHECK_OK(weft_tell(self, weft_named(self, with), count, .n = 1));
    return WEFT_OK;
}

static void check_told(unsigned i, weft_err err, weft_ref to)
{
    REQUIRE(noter.n > i);
    CHECK_ERR(noter.told[i].err, err);
    CHECK(noter.told[i].type == &count_type);
    CHECK(weft_ref_same(noter.told[i].to, to));
}

static void a_tell_that_is_refused_there_is_told_to_who_asked_for_it(void)
{
    two_where(true, false, 1);
    noter_do(tell_name, (char[]){"counter@n1"});
    CHECK_U64(noter.n, 0);
    CHECK_U64(node_at[1].counter.n, 1);
    noter_do(tell_name, (char[]){"worker@n1"});
    CHECK_U64(noter.n, 1);
    check_told(0, WEFT_EGONE, named_at(0, "worker", 1));
    noter_do(tell_name, (char[]){"elsewhere@n1"});
    CHECK_U64(noter.n, 2);
    check_told(1, WEFT_EDENIED, named_at(0, "elsewhere", 1));
}

static void nobody_else_is_told(void)
{
    two_where(false, false, 1);
    noter_do(tell_name, (char[]){"worker@n1"});
    CHECK_U64(noter.n, 0);
    CHECK_U64(info_of(1, 0).lost, 1);
}

static weft_err tell_back(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_tell(self, weft_named(self, "counter@n0"), count, .n = 1);
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static weft_err tell_ref(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_tell(self, *(const weft_ref *)with, count, .n = 1);
}

static void one_to_a_reference_whose_actor_has_ended_too(void)
{
    two_where(true, false, 1);
    node_do(1, tell_back, NULL);
    weft_ref there = node_at[0].counter.from;
    CHECK(weft_remote_node_of(there) != 0);
    node_do(1, stop_it, NULL);
    noter_do(tell_ref, &there);
    CHECK_U64(noter.n, 1);
    check_told(0, WEFT_EGONE, there);
}

static weft_err tell_three(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref there = weft_named(self, "worker@n1");
    (void)msg, (void)with;
    for (uint64_t n = 0; n < 3; n++) /* the first ends it */
        CHECK_OK(weft_tell(self, there, count, .n = n));
    return WEFT_OK;
}

static void what_stands_in_a_mailbox_when_its_actor_ends_is_told(void)
{
    for (unsigned reactors = 1; reactors <= 2; reactors++) {
        two_where(true, true, reactors);
        noter_do(tell_three, NULL);
        CHECK_U64(noter.n, 2);
        for (unsigned i = 0; i < 2; i++) {
            CHECK_ERR(noter.told[i].err, WEFT_EGONE);
            CHECK(noter.told[i].type == &count_type);
        }
        world_done();
    }
}

static weft_err tell_two(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref there = weft_named(self, "counter@n1");
    (void)msg, (void)with;
    CHECK_OK(weft_tell(self, there, count, .n = 1)); /* takes all credit */
    CHECK_OK(weft_tell(self, there, count, .n = 2));
    return WEFT_OK;
}

static void what_was_not_sent_when_the_link_is_lost_is_told_and_what_was_is_not(void)
{
    kit_defaults.credit_bytes = 16;
    two_where(true, false, 1);
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 60000));
    noter_do(tell_two, NULL);
    CHECK_U64(noter.n, 0);
    weft_sim_advance(world, 6000);
    CHECK_U64(noter.n, 1);
    check_told(0, WEFT_ELOST, named_at(0, "counter", 1));
}

static void a_node_that_does_not_say_it_is_not_asked(void)
{
    two_where(true, false, 1);
    weft_ref link = weft_remote_link_to(weft_sim_system(node_at[0].sim), 1);
    node_link *l = (node_link *)(uintptr_t)weft_sim_state(node_at[0].sim, link);
    l->s.peer.features &= ~(uint64_t)LINK_FEATURE_UNDELIVERED;
    noter_do(tell_name, (char[]){"worker@n1"});
    CHECK_U64(noter.n, 0);
    CHECK(is_up(0, 1));
}

static void a_peer_tells_of_no_more_than_it_was_told(void)
{
    two_where(true, false, 1);
    weft_ref link = weft_remote_link_to(weft_sim_system(node_at[0].sim), 1);
    node_link *l = (node_link *)(uintptr_t)weft_sim_state(node_at[0].sim, link);
    noter_do(tell_name, (char[]){"counter@n1"});
    CHECK_U64(l->noted, 1);
    l->noted = 0; /* as if it had told of that */
    noter_do(tell_name, (char[]){"worker@n1"});
    CHECK_U64(noter.n, 1);
    CHECK_U64(l->noted, 0);
}

static void memory_that_is_out_leaks_nothing(void)
{
    bool again = true;
    for (uint64_t n = 1; again; n++) {
        two_where(true, true, 1);
        weft_sim_fail_allocation(world, n);
        CHECK_OK(weft_sim_tell(node_at[0].sim, noter.self, noter_deed, tell_three, NULL));
        weft_sim_advance(world, 20000);
        again = weft_sim_allocation_failed(world);
        weft_sim_fail_allocation(world, 0);
        CHECK(noter.n <= 3);
        CHECK(again || noter.n == 2);
        CHECK(all_linked());
        world_done();
    }
}

static const test_case cases[] = {
    TEST(a_tell_that_is_refused_there_is_told_to_who_asked_for_it),
    TEST(nobody_else_is_told),
    TEST(one_to_a_reference_whose_actor_has_ended_too),
    TEST(what_stands_in_a_mailbox_when_its_actor_ends_is_told),
    TEST(what_was_not_sent_when_the_link_is_lost_is_told_and_what_was_is_not),
    TEST(a_node_that_does_not_say_it_is_not_asked),
    TEST(a_peer_tells_of_no_more_than_it_was_told),
    TEST(memory_that_is_out_leaks_nothing),
    {0},
};
const test_suite node_undelivered_suite = {
    .name = "actors/node_undelivered", .after = world_done, .cases = cases};
