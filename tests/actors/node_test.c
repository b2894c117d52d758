/* SPDX-License-Identifier: MIT */
/* Nodes: what is told and asked arrives, in order, once; what cannot is said. */
#include "node_kit.h"

#include <stdlib.h>

static void two(void)
{
    world_of(2, 7, NULL);
    CHECK(all_linked());
}

static seen *at_n1(void)
{
    return &node_at[1].counter;
}

/* ---- tells and asks */

static void two_nodes_that_dial_each_other_are_linked_once(void)
{
    for (uint64_t seed = 1; seed < 40; seed++) {
        world_of(2, seed, &(weft_sim_faults){.latency_ms_max = (uint32_t)(seed % 20)});
        CHECK(all_linked());
        weft_sim_advance(world, 3000);
        CHECK(is_up(0, 1) && is_up(1, 0));
        CHECK(info_of(0, 1).ups <= 2 && info_of(1, 0).ups <= 2);
        world_done();
    }
}

static void an_actor_of_another_node_is_asked_by_name_before_there_is_a_link(void)
{
    world_of(2, 7, NULL);
    CHECK_U64(count_of(ask_counter(0, 1, 41, 1000)), 42);
    CHECK_U64(at_n1()->asks, 1);
    CHECK_U64(node_at[0].counter.asks, 0);
}

static void such_an_ask_waits_whichever_of_two_connections_stays(void)
{
    for (uint64_t seed = 1; seed < 60; seed++) {
        world_of(2, seed, &(weft_sim_faults){.latency_ms_max = (uint32_t)(seed % 12)});
        CHECK_U64(count_of(ask_counter(1, 0, 41, 5000)), 42);
        CHECK_U64(count_of(ask_counter(0, 1, 41, 5000)), 42);
        world_done();
    }
}

static void a_tell_without_a_link_is_refused_at_once(void)
{
    world_of(2, 7, &(weft_sim_faults){.latency_ms_max = 5});
    CHECK_ERR(tell_counter(0, 1, 5), WEFT_EFULL); /* it is being connected to */
    CHECK(all_linked());
    node_crash(1);
    weft_sim_advance(world, 1000);
    CHECK_ERR(tell_counter(0, 1, 5), WEFT_EUNREACHABLE);
    const weft_outcome *got = ask_counter(0, 1, 5, 1000);
    CHECK_ERR(got->err, WEFT_EUNREACHABLE);
    CHECK_STR(got->why, "there is no link to node n1");
    CHECK(got->delivery == WEFT_NOT_DELIVERED);
}

static void a_name_of_this_node_is_a_name_of_this_node(void)
{
    two();
    weft_ref ref = named_at(0, "counter", 0);
    CHECK(weft_ref_kind_of(ref) == WEFT_REF_NAME);
    CHECK_OK(weft_sim_tell(node_at[0].sim, ref, count, .n = 3));
    CHECK_U64(node_at[0].counter.n, 1);
}

static void names_that_cannot_be_are_nobody(void)
{
    two();
    char text[WEFT_REF_TEXT_BYTES];
    CHECK(weft_ref_is_nobody(named_at(0, "", 1)));
    CHECK(weft_ref_is_nobody(named_at(0, "a b", 1)));
    CHECK(weft_ref_kind_of(named_at(0, "a", 1)) == WEFT_REF_NAME);
    CHECK(strstr(weft_ref_print(named_at(0, "a", 1), text), "name:") == text);
    CHECK_ERR(weft_sim_tell(node_at[0].sim, named_at(0, "a", 9), count, .n = 3), WEFT_EUNREACHABLE);
}

static weft_err tell_back(weft_actor *self, weft_msg *msg, void *with)
{
    const weft_ref *to = with;
    char text[WEFT_REF_TEXT_BYTES];
    (void)msg;
    CHECK(strstr(weft_ref_print(*to, text), "<@1.1 ") == text);
    CHECK_STR(weft_node_of(self, *to), "n0");
    return weft_tell(self, *to, count, .n = 77);
}

static weft_err tell_first(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_tell(self, weft_named(self, "counter@n1"), count, .n = 5);
}

static void a_sender_can_be_told_back(void)
{
    two();
    node_do(0, tell_first, NULL);
    weft_sim_advance(world, 10);
    CHECK_U64(at_n1()->n, 1);
    CHECK(weft_ref_kind_of(at_n1()->from) == WEFT_REF_ACTOR);
    node_do(1, tell_back, &at_n1()->from);
    weft_sim_advance(world, 10);
    CHECK_U64(node_at[0].counter.n, 1);
    CHECK_U64(node_at[0].counter.got[0], 77);
}

static weft_err tell_many(weft_actor *self, weft_msg *msg, void *with)
{
    weft_ref to = weft_named(self, "counter@n1");
    (void)msg;
    for (uint64_t i = 1; i <= *(const unsigned *)with; i++)
        CHECK_OK(weft_tell(self, to, count, .n = i));
    return WEFT_OK;
}

static void tells_keep_their_order(void)
{
    unsigned n = 3000;
    two();
    node_do(0, tell_many, &n);
    weft_sim_advance(world, 100);
    CHECK_U64(at_n1()->n, n);
    for (unsigned i = 0; i < n; i++)
        CHECK_U64(at_n1()->got[i], i + 1);
}

static void a_failure_comes_with_its_sentence(void)
{
    two();
    const weft_outcome *got = ask_counter(0, 1, UINT64_MAX, 1000);
    CHECK_ERR(got->err, WEFT_EINVAL);
    CHECK_STR(got->why, "the total would overflow");
    CHECK(got->delivery == WEFT_DELIVERED);
}

/* ---- what does not go */

typedef struct plain {
    uint64_t n;
} plain;
static const weft_type plain_type = WEFT_TYPE("test.plain", plain, NULL);

static void a_plain_struct_does_not_leave_its_node(void)
{
    two();
    weft_ref to = named_at(0, "counter", 1);
    CHECK_ERR(weft_sim_tell(node_at[0].sim, to, plain, .n = 1), WEFT_ETYPE);
    const weft_outcome *got = weft_sim_ask(node_at[0].sim, to, plain, .n = 1);
    CHECK_ERR(got->err, WEFT_ETYPE);
    CHECK_STR(got->why, "test.plain is a plain struct: it cannot go to node n1");
}

static weft_err reply_plainly(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, plain, .n = 1);
}

static const weft_handler plain_rows[] = {{.type = &count_type, .fn = reply_plainly}, {0}};
static const weft_behaviour plain_answerer = {.name = "plain", .handlers = plain_rows};

static weft_err rename_counter(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &plain_answerer);
}

static void nor_as_an_answer(void)
{
    two();
    node_do(1, rename_counter, NULL);
    const weft_outcome *got = ask_counter(0, 1, 1, 1000);
    CHECK_ERR(got->err, WEFT_ETYPE);
    CHECK_STR(got->why,
              "the answer, of type test.plain, is a plain struct: it does not leave its node");
}

static void a_type_that_is_not_known_there_is_named(void)
{
    static const weft_type *const few[] = {&blob_type, NULL};
    kit_defaults.types = few;
    two();
    const weft_outcome *got = ask_counter(0, 1, 1, 1000);
    CHECK_ERR(got->err, WEFT_ETYPE);
    CHECK_STR(got->why, "node n1 knows no type weft.test.Count");
}

static void two_types_of_one_name_are_refused(void)
{
    static const weft_type again =
        WEFT_TYPE_PROTO("test.again", count, &weft__test__count__descriptor, NULL);
    static const weft_type *const both[] = {&count_type, &again, NULL};
    static const weft_type *const a_plain_one[] = {&plain_type, NULL};
    weft_node config = {.name = "x", .types = both};
    weft_why why = {""};
    world_of(0, 1, NULL);
    CHECK_ERR(weft_node_begin(weft_sim_system(world), &config, &why), WEFT_EEXISTS);
    CHECK_STR(why.text, "test.count and test.again are both weft.test.Count between nodes");
    world_done();
    config.types = a_plain_one;
    world_of(0, 1, NULL);
    CHECK_ERR(weft_node_begin(weft_sim_system(world), &config, &why), WEFT_ETYPE);
    CHECK_STR(why.text, "test.plain is a plain struct: it does not leave its node");
}

static void what_is_not_allowed_is_refused_there(void)
{
    static const weft_node_allow some[] = {{.node = "n0", .actor = "counter", .type = &blob_type},
                                           {.node = "n9", .actor = "counter"},
                                           {0}};
    kit_defaults.allow = some;
    two();
    const weft_outcome *got = ask_counter(0, 1, 1, 1000);
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, "node n1 does not let n0 reach counter");
    got = weft_sim_ask(node_at[0].sim, named_at(0, "counter", 1), blob, .n = 1);
    CHECK_OK(got->err);
    got = weft_sim_ask(node_at[0].sim, named_at(0, "weft.node", 1), blob, .n = 1);
    CHECK_ERR(got->err, WEFT_EDENIED);
}

static void a_name_nobody_has_is_gone(void)
{
    static const weft_node_allow more[] = {{.node = "*", .actor = "nobody"}, {0}};
    kit_defaults.allow = more;
    two();
    const weft_outcome *got = weft_sim_ask(node_at[0].sim, named_at(0, "nobody", 1), count, .n = 1);
    CHECK_ERR(got->err, WEFT_EGONE);
    CHECK_STR(got->why, "nobody has the name nobody on node n1");
    CHECK_OK(weft_sim_tell(node_at[0].sim, named_at(0, "nobody", 1), count, .n = 1));
    weft_sim_advance(world, 10);
    CHECK_U64(info_of(1, 0).lost, 1);
}

static void a_reference_that_is_guessed_reaches_nobody(void)
{
    two();
    node_do(0, tell_first, NULL);
    weft_sim_advance(world, 10);
    weft_ref forged = at_n1()->from;
    forged.gen++;
    const weft_outcome *got = weft_sim_ask(node_at[1].sim, forged, count, .n = 1);
    CHECK_ERR(got->err, WEFT_EGONE);
    CHECK_STR(got->why, "it has ended on node n0");
    CHECK_U64(node_at[0].counter.n, 0);
}

static void a_reference_dies_with_its_actor(void)
{
    two();
    node_do(0, tell_first, NULL);
    weft_sim_advance(world, 10);
    CHECK_OK(weft_sim_kill(node_at[0].sim, node_at[0].counter_ref, WEFT_EINTERNAL));
    weft_sim_advance(world, 10);
    CHECK_ERR(weft_sim_ask(node_at[1].sim, at_n1()->from, count, .n = 1)->err, WEFT_EGONE);
}

/* ---- long ones */

typedef struct blobs {
    size_t bytes;
    unsigned n;
    weft_err err;
} blobs;

static weft_err tell_blobs(weft_actor *self, weft_msg *msg, void *with)
{
    blobs *b = with;
    weft_ref to = weft_named(self, "counter@n1");
    uint8_t *data = malloc(b->bytes + 1);
    (void)msg;
    REQUIRE(data != NULL);
    for (unsigned k = 1; k <= b->n; k++) {
        for (size_t i = 0; i < b->bytes; i++)
            data[i] = (uint8_t)(2 * k + i);
        b->err = weft_tell(self, to, blob, .n = 2 * k, .bytes = {b->bytes, data});
        CHECK_OK(weft_tell(self, to, count, .n = 2 * k + 1));
    }
    free(data);
    return WEFT_OK;
}

static void a_long_message_comes_whole_and_what_follows_it_waits(void)
{
    blobs b = {.bytes = 1000000, .n = 3};
    two();
    node_do(0, tell_blobs, &b);
    weft_sim_advance(world, 100);
    CHECK_U64(at_n1()->n, 6);
    CHECK_U64(at_n1()->bytes, 3000000);
    for (unsigned i = 0; i < 6; i++)
        CHECK_U64(at_n1()->got[i], i + 2);
}

static void a_short_message_of_another_sender_does_not_wait_for_it(void)
{
    blobs b = {.bytes = 4000000, .n = 1};
    two();
    CHECK_OK(weft_sim_delay(world, "sim://n0", 20));
    CHECK_OK(weft_sim_delay(world, "sim://n1", 20));
    node_do(0, tell_blobs, &b);
    /* the simulation's own actor is another sender */
    CHECK_OK(tell_counter(0, 1, 9));
    weft_sim_advance(world, 5000);
    CHECK_U64(at_n1()->n, 3);
    CHECK_U64(at_n1()->got[0], 9);
}

static void an_answer_may_be_long(void)
{
    two();
    static uint8_t data[500000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(4 + i);
    const weft_outcome *got = weft_sim_ask(node_at[0].sim, named_at(0, "counter", 1), blob, .n = 4,
                                           .bytes = {sizeof data, data});
    CHECK_OK(got->err);
    REQUIRE(got->type == &blob_type);
    CHECK_MEM(((const blob *)got->body)->bytes.data, ((const blob *)got->body)->bytes.len, data,
              sizeof data);
}

static void a_message_beyond_the_limit_is_refused_here(void)
{
    kit_defaults.message_bytes_max = 100000;
    two();
    static uint8_t data[100000];
    const weft_outcome *got = weft_sim_ask(node_at[0].sim, named_at(0, "counter", 1), blob, .n = 0,
                                           .bytes = {sizeof data, data});
    CHECK_ERR(got->err, WEFT_ETOOBIG);
    CHECK(got->delivery == WEFT_NOT_DELIVERED);
    got = weft_sim_ask(node_at[0].sim, named_at(0, "counter", 1), blob, .n = 0,
                       .bytes = {100000 - 100, data});
    CHECK_ERR(got->err, WEFT_EPROTO); /* it has arrived: its pattern is wrong */
}

/* ---- credit and room */

static weft_err fill(weft_actor *self, weft_msg *msg, void *with)
{
    blobs *b = with;
    weft_ref to = weft_named(self, "counter@n1");
    static uint8_t data[60000];
    (void)msg;
    for (b->n = 0, b->err = WEFT_OK; b->err == WEFT_OK && b->n < 1000; b->n += b->err == WEFT_OK)
        b->err = weft_tell(self, to, blob, .n = 0, .bytes = {sizeof data, data});
    return WEFT_OK;
}

typedef struct room {
    unsigned there;
} room;
static room room_seen;

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    room_seen.there += got->err == WEFT_OK;
    return got->err;
}

static weft_err wait_for_room(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_room(self, weft_named(self, "counter@n1")), on_room);
}

static void without_credit_a_tell_is_refused_and_an_ask_waits(void)
{
    blobs b = {.n = 0};
    kit_defaults.credit_bytes = 200000;
    two();
    room_seen.there = 0;
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 2000));
    while (b.err != WEFT_EFULL) {
        node_do(0, fill, &b);
        REQUIRE(b.err == WEFT_EFULL || b.n == 0);
    }
    CHECK(info_of(0, 1).credit_bytes <= 0);
    CHECK(info_of(0, 1).waiting > 0);
    node_do(0, wait_for_room, NULL);
    CHECK_U64(room_seen.there, 0);
    CHECK_U64(count_of(ask_counter(0, 1, 1, 10000)), 2);
    CHECK_U64(room_seen.there, 1);
    CHECK_U64(info_of(0, 1).waiting, 0);
    CHECK_OK(tell_counter(0, 1, 1));
}

static void what_waits_is_bounded(void)
{
    blobs b = {.n = 0};
    kit_defaults.credit_bytes = 200000;
    kit_defaults.waiting_bytes_max = 300000;
    two();
    CHECK_OK(weft_sim_isolate(node_at[1].sim, 60000));
    while (b.err != WEFT_EFULL)
        node_do(0, fill, &b);
    unsigned full = 0;
    for (unsigned i = 0; i < 20; i++) {
        static uint8_t data[60000];
        const weft_outcome *got =
            weft_sim_ask_body(node_at[0].sim, named_at(0, "counter", 1), &blob_type,
                              &(const blob){.n = 0, .bytes = {sizeof data, data}}, 1);
        full += got->err == WEFT_EFULL;
        CHECK(got->err == WEFT_EFULL || got->err == WEFT_ETIMEDOUT);
    }
    CHECK(info_of(0, 1).waiting < 2000);
}

/* ---- cancels, limits, forwards */

static void an_ask_that_is_late_is_cancelled_where_it_is(void)
{
    two();
    const weft_outcome *got = ask_counter(0, 1, 0, 300);
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_U64(at_n1()->asks, 1);
    weft_sim_advance(world, 50);
    CHECK_U64(at_n1()->cancels, 1);
    CHECK(at_n1()->kept == NULL);
    CHECK_U64(info_of(0, 1).asks, 0);
    CHECK_U64(info_of(1, 0).serving, 0);
}

static weft_err time_left(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, count, .n = weft_time_left_ms(msg), .from = weft_trace(msg));
}

static const weft_handler time_rows[] = {{.type = &count_type, .fn = time_left}, {0}};
static const weft_behaviour time_teller = {.name = "time", .handlers = time_rows};

static weft_err become_time(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &time_teller);
}

static weft_err ask_with_trace(weft_actor *self, weft_msg *msg, void *with);

static weft_err on_traced(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply_body(msg, got->type, got->body);
}

static weft_err ask_with_trace(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    weft_set_trace(msg, 0xabcd);
    return weft_when(msg, weft_ask_within(self, weft_named(self, "counter@n1"), 700, count, .n = 1),
                     on_traced);
}

static void the_time_that_is_left_and_the_trace_travel(void)
{
    two();
    node_do(1, become_time, NULL);
    const weft_outcome *got = node_ask_do(0, ask_with_trace, NULL);
    REQUIRE(got->err == WEFT_OK && got->type == &count_type);
    const count *c = got->body;
    CHECK(c->n > 600 && c->n <= 700);
    CHECK_U64(c->from, 0xabcd);
    /* one without a limit has none there */
    got = ask_counter(0, 1, 1, WEFT_NO_LIMIT);
    CHECK_U64(count_of(got), WEFT_NO_LIMIT);
}

static weft_err forward_it(weft_actor *self, weft_msg *msg)
{
    return weft_forward(msg, weft_named(self, "counter@n2"));
}

static const weft_handler forward_rows[] = {{.type = &count_type, .fn = forward_it}, {0}};
static const weft_behaviour forwarder = {.name = "forwarder", .handlers = forward_rows};

static weft_err become_forwarder(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &forwarder);
}

static void a_request_may_be_forwarded_to_a_third_node(void)
{
    world_of(3, 9, NULL);
    CHECK(all_linked());
    node_do(1, become_forwarder, NULL);
    CHECK_U64(count_of(ask_counter(0, 1, 6, 1000)), 7);
    CHECK_U64(node_at[2].counter.asks, 1);
    CHECK_ERR(ask_counter(0, 1, 0, 200)->err, WEFT_ETIMEDOUT);
    weft_sim_advance(world, 100);
    CHECK_U64(node_at[2].counter.cancels, 1);
}

static const test_case cases[] = {
    TEST(two_nodes_that_dial_each_other_are_linked_once),
    TEST(an_actor_of_another_node_is_asked_by_name_before_there_is_a_link),
    TEST(such_an_ask_waits_whichever_of_two_connections_stays),
    TEST(a_tell_without_a_link_is_refused_at_once),
    TEST(a_name_of_this_node_is_a_name_of_this_node),
    TEST(names_that_cannot_be_are_nobody),
    TEST(a_sender_can_be_told_back),
    TEST(tells_keep_their_order),
    TEST(a_failure_comes_with_its_sentence),
    TEST(a_plain_struct_does_not_leave_its_node),
    TEST(nor_as_an_answer),
    TEST(a_type_that_is_not_known_there_is_named),
    TEST(two_types_of_one_name_are_refused),
    TEST(what_is_not_allowed_is_refused_there),
    TEST(a_name_nobody_has_is_gone),
    TEST(a_reference_that_is_guessed_reaches_nobody),
    TEST(a_reference_dies_with_its_actor),
    TEST(a_long_message_comes_whole_and_what_follows_it_waits),
    TEST(a_short_message_of_another_sender_does_not_wait_for_it),
    TEST(an_answer_may_be_long),
    TEST(a_message_beyond_the_limit_is_refused_here),
    TEST(without_credit_a_tell_is_refused_and_an_ask_waits),
    TEST(what_waits_is_bounded),
    TEST(an_ask_that_is_late_is_cancelled_where_it_is),
    TEST(the_time_that_is_left_and_the_trace_travel),
    TEST(a_request_may_be_forwarded_to_a_third_node),
    {0},
};
const test_suite node_suite = {.name = "actors/node", .after = world_done, .cases = cases};
