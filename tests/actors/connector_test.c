/* SPDX-License-Identifier: MIT */
/* Connecting to names in virtual time: who is tried when, who wins, what is told when nobody does. */
#include "runtime/kit.h"

#include <weft/net.h>
#include <weft/testing_names.h>
#include <weft/testing_stream.h>

#define V6 "2001:db8::1"
#define V4 "192.0.2.1"

static struct {
    unsigned opened, closed;
    uint32_t began_ms, opened_ms, closed_ms;
    weft_err reason;
    char why[96], peer[WEFT_ADDRESS_TEXT_BYTES];
    weft_ref stream;
} seen;

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    seen.opened++;
    seen.opened_ms = weft_now_ms(self) - seen.began_ms;
    (void)weft_address_print(&opened->peer, seen.peer);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    seen.closed++;
    seen.closed_ms = weft_now_ms(self) - seen.began_ms;
    seen.reason = closed->reason;
    (void)snprintf(seen.why, sizeof seen.why, "%s", closed->why);
    return WEFT_OK;
}

static const weft_handler rows[] = {
    {.type = &act_type, .fn = on_act},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour owner = {.name = "owner", .handlers = rows};

static weft_err begin(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    seen.began_ms = weft_now_ms(self);
    seen.stream = weft_connect(self, with, weft_self(self));
    return WEFT_OK;
}

static weft_ref who;

static void world(const weft_sim_name *names)
{
    sim_of(1);
    memset(&seen, 0, sizeof seen);
    CHECK_OK(weft_sim_names(sim, names));
}

static void connect_to(const char *to)
{

    who = weft_sim_spawn(sim, &owner, NULL);
    sim_do(who, begin, (void *)(uintptr_t)to);
}

static weft_sim_peer *listen_at(const char *where)
{
    return weft_sim_listen(sim, where);
}

static void check_opened(uint32_t at_ms, const char *peer)
{
    CHECK_U64(seen.opened, 1);
    CHECK_U64(seen.opened_ms, at_ms);
    CHECK_STR(seen.peer, peer);
    CHECK_U64(seen.closed, 0);
}

static void check_closed(uint32_t at_ms, weft_err reason, const char *word)
{
    CHECK_U64(seen.opened, 0);
    CHECK_U64(seen.closed, 1);
    CHECK_U64(seen.closed_ms, at_ms);
    CHECK_ERR(seen.reason, reason);
    if (strstr(seen.why, word) == NULL)
        CHECK_STR(seen.why, word);
}

/* ---- one that answers */

static const weft_sim_name both[] = {
    {"db.example", WEFT_DNS_AAAA, V6, .ttl_s = 60, .delay_ms = 20},
    {"db.example", WEFT_DNS_A, V4, .ttl_s = 60, .delay_ms = 10},
    {0},
};

static void the_sixth_wins_when_both_answer(void)
{
    world(both);
    weft_sim_peer *v6 = listen_at("sim://[" V6 "]:5432"), *v4 = listen_at("sim://" V4 ":5432");
    connect_to("sim://db.example:5432?latency=30");
    weft_sim_advance(sim, 1000);
    check_opened(20 + 60, "sim://[" V6 "]:5432");
    CHECK(v6->opened);
    CHECK(!v4->opened);
}

static void an_address_that_does_not_answer_costs_a_quarter_of_a_second(void)
{
    world(both);
    (void)listen_at("sim://[" V6 "]:5432");
    weft_sim_peer *v4 = listen_at("sim://" V4 ":5432");
    CHECK_OK(weft_sim_partition(sim, "sim://[" V6 "]:5432", 5000));
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 1000);
    check_opened(20 + 250, "sim://" V4 ":5432");
    CHECK(v4->opened);
}

static void the_loser_is_closed_and_nobody_notices_its_answer(void)
{
    world(both);
    weft_sim_peer *v6 = listen_at("sim://[" V6 "]:5432");
    (void)listen_at("sim://" V4 ":5432");
    CHECK_OK(weft_sim_delay(sim, "sim://[" V6 "]:5432", 200));
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 10000);
    /* the outcome of the sixth would be there at 420 */
    check_opened(20 + 250, "sim://" V4 ":5432");
    CHECK(v6->opened);
    CHECK(v6->closed);
    CHECK_ERR(v6->reason, WEFT_ELOST);
}

static void an_address_that_refuses_brings_the_next_at_once(void)
{
    world(both);
    (void)listen_at("sim://" V4 ":5432");
    connect_to("sim://db.example:5432?latency=5");
    weft_sim_advance(sim, 1000);
    check_opened(20 + 10 + 10, "sim://" V4 ":5432");
}

static void the_fourth_waits_for_the_sixth_s_answer_a_moment_only(void)
{
    static const weft_sim_name names[] = {
        {"db.example", WEFT_DNS_AAAA, V6, .ttl_s = 60, .delay_ms = 300},
        {"db.example", WEFT_DNS_A, V4, .ttl_s = 60, .delay_ms = 10},
        {0},
    };
    world(names);
    (void)listen_at("sim://[" V6 "]:5432");
    (void)listen_at("sim://" V4 ":5432");
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 1000);
    check_opened(10 + 50, "sim://" V4 ":5432");
}

static void that_there_is_no_sixth_ends_the_wait(void)
{
    static const weft_sim_name names[] = {
        {"db.example", WEFT_DNS_AAAA, .delay_ms = 30, .failure = WEFT_ENONAME},
        {"db.example", WEFT_DNS_A, V4, .ttl_s = 60, .delay_ms = 10},
        {0},
    };
    world(names);
    (void)listen_at("sim://" V4 ":5432");
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 1000);
    check_opened(30, "sim://" V4 ":5432");
}

static void attempts_go_on_side_by_side_by_turns_of_the_families(void)
{
    static const weft_sim_name names[] = {
        {"db.example", WEFT_DNS_AAAA, "2001:db8::1", .ttl_s = 60},
        {"db.example", WEFT_DNS_AAAA, "2001:db8::2", .ttl_s = 60},
        {"db.example", WEFT_DNS_A, "192.0.2.1", .ttl_s = 60},
        {"db.example", WEFT_DNS_A, "192.0.2.2", .ttl_s = 60},
        {0},
    };
    world(names);
    (void)listen_at("sim://192.0.2.2:1");
    CHECK_OK(weft_sim_partition(sim, "sim://[2001:db8::1]:1", 60000));
    CHECK_OK(weft_sim_partition(sim, "sim://[2001:db8::2]:1", 60000));
    CHECK_OK(weft_sim_partition(sim, "sim://192.0.2.1:1", 60000));
    connect_to("sim://db.example:1");
    weft_sim_advance(sim, 2000);
    check_opened(3 * 250, "sim://192.0.2.2:1");
}

static void the_stream_works_once_it_is_won(void)
{
    world(both);
    weft_sim_peer *v6 = listen_at("sim://[" V6 "]:5432");
    weft_sim_peer *client = weft_sim_connect(sim, "sim://db.example:5432");
    weft_sim_advance(sim, 100);
    weft_sim_peer_say(client, "hello");
    CHECK_STR(weft_sim_expect(v6, "hello"), "");
    weft_sim_peer_say(v6, "you too");
    CHECK_STR(weft_sim_expect(client, "you too"), "");
}

/* ---- nobody answers */

static void what_every_address_said_is_told(void)
{
    world(both);
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 1000);
    check_closed(20, WEFT_EREFUSED, "[" V6 "]:5432: refused; " V4 ":5432: refused");
}

static void a_name_without_an_address_is_told_as_that(void)
{
    static const weft_sim_name names[] = {{"db.example", WEFT_DNS_MX, "1 a", .ttl_s = 1}, {0}};
    world(names);
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 1000);
    check_closed(0, WEFT_ENONAME, "db.example: the name has no address");
}

static void a_name_server_that_fails_is_told_as_that(void)
{
    static const weft_sim_name names[] = {{"db.example", WEFT_DNS_A, .failure = WEFT_EUNREACHABLE},
                                          {0}};
    world(names);
    connect_to("sim://db.example:5432");
    weft_sim_advance(sim, 1000);
    check_closed(0, WEFT_EUNREACHABLE, "no name server could answer");
}

static void one_deadline_spans_the_name_and_the_connect(void)
{
    static const weft_sim_name names[] = {
        {"db.example", WEFT_DNS_A, V4, .ttl_s = 60, .delay_ms = 1000},
        {"mute.example", WEFT_DNS_A, V4, .ttl_s = 60, .delay_ms = 5000},
        {0},
    };
    world(names);
    CHECK_OK(weft_sim_partition(sim, "sim://" V4 ":1", 60000));
    connect_to("sim://db.example:1?timeout=3s");
    weft_sim_advance(sim, 10000);
    check_closed(3000, WEFT_ETIMEDOUT, "no answer to the connect");
    world(names);
    connect_to("sim://mute.example:1?timeout=3s");
    weft_sim_advance(sim, 10000);
    check_closed(3000, WEFT_ETIMEDOUT, "its name was not found");
}

static weft_err abort_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_abort(self, seen.stream, WEFT_OK);
}

static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void a_connect_can_be_given_up_at_every_moment(void)
{
    for (uint32_t at = 0; at < 400; at += 10)
        for (int stops = 0; stops < 2; stops++) {
            world(both);
            (void)listen_at("sim://[" V6 "]:5432");
            CHECK_OK(weft_sim_partition(sim, "sim://[" V6 "]:5432", 500));
            CHECK_OK(weft_sim_partition(sim, "sim://" V4 ":5432", 500));
            connect_to("sim://db.example:5432?latency=5");
            weft_sim_advance(sim, at);
            sim_do(who, stops != 0 ? stop_it : abort_it, NULL);
            weft_sim_advance(sim, 2000);
            CHECK_U64(seen.opened, 0);
            CHECK_U64(seen.closed, stops != 0 ? 0 : 1);
            if (stops == 0)
                CHECK_ERR(seen.reason, WEFT_EABORTED);
        }
}

/* ---- services */

static const weft_sim_name service[] = {
    {"_x._tcp.example", WEFT_DNS_SRV, "10 0 1000 far.example", .ttl_s = 60, .delay_ms = 5},
    {"_x._tcp.example", WEFT_DNS_SRV, "1 0 2000 near.example", .ttl_s = 60},
    {"near.example", WEFT_DNS_A, "192.0.2.1", .ttl_s = 60},
    {"far.example", WEFT_DNS_A, "192.0.2.2", .ttl_s = 60},
    {"example", WEFT_DNS_A, "192.0.2.3", .ttl_s = 60},
    {"_not._tcp.example", WEFT_DNS_SRV, "0 0 0 .", .ttl_s = 60},
    {0},
};

static void a_service_is_where_its_records_say(void)
{
    world(service);
    (void)listen_at("sim://192.0.2.1:2000");
    (void)listen_at("sim://192.0.2.2:1000");
    connect_to("sim://example?srv=x");
    weft_sim_advance(sim, 1000);
    check_opened(5, "sim://192.0.2.1:2000");
}

static void the_next_target_is_tried_when_one_has_no_address_that_answers(void)
{
    world(service);
    (void)listen_at("sim://192.0.2.2:1000");
    connect_to("sim://example?srv=x");
    weft_sim_advance(sim, 1000);
    check_opened(5, "sim://192.0.2.2:1000");
    world(service);
    connect_to("sim://example?srv=x");
    weft_sim_advance(sim, 1000);
    check_closed(5, WEFT_EREFUSED, "192.0.2.1:2000: refused; 192.0.2.2:1000: refused");
}

static void without_records_the_host_itself_is_tried_at_its_port(void)
{
    world(service);
    (void)listen_at("sim://192.0.2.3:77");
    connect_to("sim://example:77?srv=none");
    weft_sim_advance(sim, 1000);
    check_opened(0, "sim://192.0.2.3:77");
    world(service);
    connect_to("sim://example?srv=none");
    weft_sim_advance(sim, 1000);
    check_closed(0, WEFT_ENONAME, "\"_none._tcp.example\" has no SRV record");
    world(service);
    connect_to("sim://example:77?srv=not");
    weft_sim_advance(sim, 1000);
    check_closed(0, WEFT_ENONAME, "not offered");
}

/* ---- memory */

static void connect_somewhere(void)
{
    memset(&seen, 0, sizeof seen);
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    if (weft_sim_names(sim, service) == WEFT_OK) {
        who = weft_sim_spawn(sim, &owner, NULL);
        (void)weft_sim_tell(sim, who, act, .fn = begin,
                            .with = (void *)(uintptr_t) "sim://example?srv=x&timeout=5s");
        weft_sim_advance(sim, 40000);
        if (!weft_ref_is_nobody(seen.stream))
            CHECK_U64(seen.closed, 1);
    }
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void whatever_memory_fails_the_owner_is_told(void)
{
    sim_done();
    connect_somewhere();
    CHECK_ERR(seen.reason, WEFT_EREFUSED);
    each_allocation_fails(connect_somewhere);
    sim_one();
}

static const test_case cases[] = {
    TEST(the_sixth_wins_when_both_answer),
    TEST(an_address_that_does_not_answer_costs_a_quarter_of_a_second),
    TEST(the_loser_is_closed_and_nobody_notices_its_answer),
    TEST(an_address_that_refuses_brings_the_next_at_once),
    TEST(the_fourth_waits_for_the_sixth_s_answer_a_moment_only),
    TEST(that_there_is_no_sixth_ends_the_wait),
    TEST(attempts_go_on_side_by_side_by_turns_of_the_families),
    TEST(the_stream_works_once_it_is_won),
    TEST(what_every_address_said_is_told),
    TEST(a_name_without_an_address_is_told_as_that),
    TEST(a_name_server_that_fails_is_told_as_that),
    TEST(one_deadline_spans_the_name_and_the_connect),
    TEST(a_connect_can_be_given_up_at_every_moment),
    TEST(a_service_is_where_its_records_say),
    TEST(the_next_target_is_tried_when_one_has_no_address_that_answers),
    TEST(without_records_the_host_itself_is_tried_at_its_port),
    TEST(whatever_memory_fails_the_owner_is_told),
    {0},
};

const test_suite connector_suite = {
    .name = "actors/connector", .before = sim_one, .after = sim_done, .cases = cases};
