/* SPDX-License-Identifier: MIT */
/* Datagrams in the simulator: lost, doubled, out of order, and a client that gets all answers nevertheless. */
#include "check.h"

#include <weft/datagram.h>
#include <weft/testing_stream.h>
#include <weft/wire.h>

enum { SEEDS = 100, ASKED = 20, AGAIN_MS = 100, TRIES_MAX = 200 };

static const weft_sim_faults bad_day = {.datagram_lost = 200000,
                                        .datagram_doubled = 200000,
                                        .short_write = 200000,
                                        .latency_ms_max = 150};

static weft_sim *sim;

static void make(const weft_sim_options *options)
{
    sim = weft_sim_new(options);
    REQUIRE(sim != NULL);
}

static void ends(void)
{
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* ---- a client: asks number by number, and asks again */

typedef struct client {
    const char *url;
    weft_ref endpoint;
    uint32_t next, tries;
    unsigned opened, closed, came, doubled, failed;
    bool wrong;
    weft_err reason;
} client;

typedef struct again {
    uint32_t next;
} again;
static const weft_type again_type = WEFT_TYPE("client.again", again, NULL);

static client *client_of(weft_actor *self)
{
    return (client *)(uintptr_t)weft_config(self);
}

static weft_err ask(weft_actor *self, client *c)
{
    c->tries++;
    (void)weft_send_copy(self, c->endpoint, NULL, &c->next, sizeof c->next);
    if (weft_after(self, AGAIN_MS, again, .next = c->next).slot == 0)
        return weft_endpoint_close(self, c->endpoint);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    client *c = client_of(self);
    (void)msg;
    c->endpoint = weft_endpoint_connect(self, c->url, weft_self(self));
    if (weft_ref_is_nobody(c->endpoint))
        return weft_stop(self, WEFT_ENOMEM);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    client *c = client_of(self);
    (void)msg;
    c->opened++;
    return ask(self, c);
}

static weft_err on_again(weft_actor *self, weft_msg *msg)
{
    client *c = client_of(self);
    if (((const again *)weft_body(msg))->next != c->next || c->next == ASKED)
        return WEFT_OK;
    return c->tries < TRIES_MAX ? ask(self, c) : weft_endpoint_close(self, c->endpoint);
}

static weft_err on_datagram(weft_actor *self, weft_msg *msg)
{
    client *c = client_of(self);
    const weft_datagram *d = weft_body(msg);
    uint32_t n;
    if (d->bytes.size != sizeof n || d->from.port != 7) {
        c->wrong = true;
        return WEFT_OK;
    }
    memcpy(&n, d->bytes.at, sizeof n);
    c->came++;
    c->doubled += n < c->next;
    c->wrong = c->wrong || n > c->next;
    if (n != c->next)
        return WEFT_OK;
    return ++c->next < ASKED ? ask(self, c) : weft_endpoint_close(self, c->endpoint);
}

static weft_err on_failed(weft_actor *self, weft_msg *msg)
{
    client *c = client_of(self);
    (void)msg;
    c->failed++;
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    client *c = client_of(self);
    c->closed++;
    c->reason = ((const weft_endpoint_closed *)weft_body(msg))->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler client_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_endpoint_opened_type, .fn = on_opened},
    {.type = &again_type, .fn = on_again},
    {.type = &weft_datagram_type, .fn = on_datagram},
    {.type = &weft_datagram_failed_type, .fn = on_failed},
    {.type = &weft_endpoint_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour asks = {.name = "client", .handlers = client_rows};

static void begin(client *c, uint64_t seed, const weft_sim_faults *faults, const char *options)
{
    char url[96];
    *c = (client){.url = "sim://echo:7?latency=1ms"};
    make(&(weft_sim_options){.seed = seed, .faults = *faults});
    (void)snprintf(url, sizeof url, "sim://echo:7%s", options);
    CHECK_OK(weft_bind(weft_sim_system(sim), url, &weft_wire_echo, NULL));
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &asks, c)));
}

static void whatever_is_lost_a_client_that_asks_again_is_answered(void)
{
    unsigned doubled = 0, tries = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        client c;
        begin(&c, seed, &bad_day, "");
        weft_sim_advance(sim, 60000);
        CHECK_U64(c.next, ASKED);
        CHECK_U64(c.closed, 1);
        CHECK_ERR(c.reason, WEFT_EDONE);
        CHECK(!c.wrong);
        doubled += c.doubled;
        tries += c.tries;
        ends();
    }
    CHECK(doubled > SEEDS && tries > SEEDS * ASKED * 5 / 4);
}

static void a_bad_day_repeats_itself(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hash[2];
        for (int k = 0; k < 2; k++) {
            client c;
            begin(&c, seed, &bad_day, "");
            weft_sim_advance(sim, 60000);
            hash[k] = weft_sim_event_hash(sim);
            ends();
        }
        CHECK_U64(hash[0], hash[1]);
    }
}

static void a_stop_in_the_middle_of_everything_leaves_nothing(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        client c;
        begin(&c, seed, &bad_day, "");
        weft_sim_advance(sim, (uint32_t)(seed * 7 % 300));
        for (uint64_t steps = seed * 31 % 100; steps != 0 && weft_sim_step(sim); steps--) {
        }
        if (seed % 2 == 0) {
            weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
            weft_sim_advance(sim, 60000);
            CHECK(c.closed <= c.opened && !c.wrong);
        }
        ends();
    }
}

/* What is asked may be lost with it, and is asked again. */
static void any_one_taking_of_memory_may_fail(void)
{
    bool met = true;
    uint64_t n = 1;
    unsigned answered = 0;
    for (; met && n < 10000; n++) {
        client c = {.url = "sim://echo:7"};
        make(NULL);
        CHECK_OK(weft_bind(weft_sim_system(sim), "sim://echo:7", &weft_wire_echo, NULL));
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &asks, &c)));
        weft_sim_fail_allocation(sim, n);
        weft_sim_advance(sim, 60000);
        met = weft_sim_allocation_failed(sim);
        CHECK(!c.wrong && c.closed <= 1);
        answered += c.next == ASKED;
        ends();
    }
    CHECK(n > 10 && n < 10000);
    CHECK(answered > n / 4);
}

/* ---- faults by name */

static void who_is_cut_off_is_not_heard_until_it_is_over(void)
{
    client c;
    begin(&c, 1, &(weft_sim_faults){.lost = 0}, "");
    CHECK_OK(weft_sim_partition(sim, "sim://echo:7", 950));
    weft_sim_advance(sim, 900);
    CHECK_U64(c.came, 0);
    CHECK(c.tries >= 9);
    weft_sim_advance(sim, 1000);
    CHECK_U64(c.next, ASKED);
    CHECK_U64(c.failed, 0);
    ends();
}

static void a_place_that_is_slow_answers_late(void)
{
    client c;
    begin(&c, 1, &(weft_sim_faults){.lost = 0}, "?latency=3ms");
    CHECK_OK(weft_sim_delay(sim, "sim://echo:7", 20));
    weft_sim_advance(sim, 47);
    CHECK_U64(c.next, 0);
    weft_sim_advance(sim, 1); /* both sides' latency and the delay, there and back */
    CHECK_U64(c.next, 1);
    ends();
}

static void nobody_there_is_told_as_a_failure(void)
{
    client c = {.url = "sim://nobody:9"};
    make(NULL);
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &asks, &c)));
    weft_sim_advance(sim, AGAIN_MS * 3 + AGAIN_MS / 2);
    CHECK_U64(c.tries, 4);
    CHECK_U64(c.failed, 4);
    ends();
}

static void what_cannot_be_bound_is_told_as_closed(void)
{
    static const struct {
        const char *url;
        weft_err reason;
    } rows[] = {{"nonsense", WEFT_EINVAL},
                {"udp://127.0.0.1:9", WEFT_EUNSUPPORTED},
                {"tcp://127.0.0.1:9", WEFT_EUNSUPPORTED},
                {"sim://echo:7?join=x", WEFT_EINVAL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        client c = {.url = rows[i].url};
        make(NULL);
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &asks, &c)));
        weft_sim_advance(sim, 10);
        CHECK_U64(c.opened, 0);
        CHECK_U64(c.closed, 1);
        CHECK_ERR(c.reason, rows[i].reason);
        ends();
    }
    weft_listening got;
    weft_why why;
    make(NULL);
    CHECK_OK(weft_bind(weft_sim_system(sim), "sim://echo:7", &weft_wire_echo, NULL));
    CHECK_ERR(weft_bind_at(weft_sim_system(sim), "sim://echo:7", &weft_wire_echo, NULL, &got, &why),
              WEFT_EEXISTS);
    /* streams and datagrams do not meet */
    CHECK_OK(
        weft_listen_at(weft_sim_system(sim), "sim://echo:7", &weft_wire_echo, NULL, &got, &why));
    ends();
}

/* ---- a member of a group, which keeps what it is told to */

typedef struct member {
    const char *url;
    weft_ref self, endpoint;
    unsigned came, lost, failed, closed;
    weft_err reason;
    bool keeps;
    weft_msg *failures[WEFT_ENDPOINT_FAILURES_MAX + 1];
    weft_bytes kept[8];
    weft_endpoint_stats stats;
} member;

typedef struct order {
    enum { SEND, LEAVE, LET_GO, COUNT, CLOSE } what;
    unsigned n;
} order;
static const weft_type order_type = WEFT_TYPE("member.order", order, NULL);

static weft_err member_started(weft_actor *self, weft_msg *msg)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    (void)msg;
    m->self = weft_self(self);
    if (m->url != NULL) /* else it is bound for it */
        m->endpoint = weft_endpoint_bind(self, m->url, m->self);
    return WEFT_OK;
}

static weft_err member_opened(weft_actor *self, weft_msg *msg)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    m->endpoint = ((const weft_endpoint_opened *)weft_body(msg))->endpoint;
    return WEFT_OK;
}

static weft_err member_failed(weft_actor *self, weft_msg *msg)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    if (m->failed <= WEFT_ENDPOINT_FAILURES_MAX)
        m->failures[m->failed] = weft_keep(msg);
    m->failed++;
    return WEFT_OK;
}

static weft_err member_closed(weft_actor *self, weft_msg *msg)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    m->closed++;
    m->reason = ((const weft_endpoint_closed *)weft_body(msg))->reason;
    return WEFT_OK;
}

static void member_lets_go(member *m)
{
    for (int i = 0; i < 8; i++)
        weft_bytes_drop(&m->kept[i]);
    for (unsigned i = 0; i <= WEFT_ENDPOINT_FAILURES_MAX; i++)
        if (m->failures[i] != NULL)
            weft_drop(&m->failures[i]);
}

static weft_err member_datagram(weft_actor *self, weft_msg *msg)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    const weft_datagram *d = weft_body(msg);
    m->lost += d->lost;
    if (m->keeps && m->came < 8)
        m->kept[m->came] = weft_bytes_keep(self, d->bytes);
    m->came++;
    return WEFT_OK;
}

static weft_err member_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    (void)msg;
    CHECK_OK(got->err);
    m->stats = *(const weft_endpoint_stats *)got->body;
    return WEFT_OK;
}

static weft_err member_order(weft_actor *self, weft_msg *msg)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    const order *o = weft_body(msg);
    weft_address group;
    CHECK_OK(weft_endpoint_address("sim://all:9", &group, NULL));
    switch (o->what) {
    case SEND:
        for (unsigned i = 0; i < o->n; i++)
            CHECK_OK(weft_send_copy(self, m->endpoint, &group, "0123456789", 10));
        break;
    case LEAVE:
        CHECK_ERR(weft_join(self, m->endpoint, &group, NULL), WEFT_EEXISTS);
        CHECK_OK(weft_leave(self, m->endpoint, &group, NULL));
        CHECK_ERR(weft_leave(self, m->endpoint, &group, NULL), WEFT_ENOTFOUND);
        break;
    case LET_GO:
        m->keeps = false;
        member_lets_go(m);
        break;
    case CLOSE:
        CHECK_OK(weft_endpoint_close(self, m->endpoint));
        break;
    default:
        return weft_when(msg, weft_ask(self, m->endpoint, weft_endpoint_count, .nothing = 0),
                         member_counted);
    }
    return WEFT_OK;
}

static void member_ended(weft_actor *self, weft_err reason)
{
    member *m = (member *)(uintptr_t)weft_config(self);
    (void)reason;
    member_lets_go(m);
}

static const weft_handler member_rows[] = {
    {.type = &weft_started_type, .fn = member_started},
    {.type = &weft_endpoint_opened_type, .fn = member_opened},
    {.type = &weft_datagram_failed_type, .fn = member_failed},
    {.type = &weft_endpoint_closed_type, .fn = member_closed},
    {.type = &weft_datagram_type, .fn = member_datagram},
    {.type = &order_type, .fn = member_order},
    {0},
};
static const weft_behaviour is_member = {
    .name = "member", .handlers = member_rows, .ended = member_ended};

static void joins(member *m)
{
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &is_member, m)));
    CHECK(weft_sim_run(sim));
}

static void what_is_sent_to_a_group_is_heard_by_those_who_joined(void)
{
    member one = {.url = "sim://one:1?join=all"}, two = {.url = "sim://two:1?join=all&join=other"},
           three = {.url = "sim://three:1"};
    make(NULL);
    joins(&one);
    joins(&two);
    joins(&three);
    CHECK_OK(weft_sim_tell(sim, one.self, order, .what = SEND, .n = 1));
    CHECK_U64(one.came, 1); /* itself too, as long as ?loop is on */
    CHECK_U64(two.came, 1);
    CHECK_U64(three.came, 0);
    CHECK_OK(weft_sim_tell(sim, two.self, order, .what = LEAVE));
    CHECK_OK(weft_sim_tell(sim, one.self, order, .what = SEND, .n = 1));
    CHECK_U64(one.came, 2);
    CHECK_U64(two.came, 1);
    ends();
}

static void what_finds_no_room_is_counted_where_it_would_have_come(void)
{
    /* each counts 138 here, and a buffer of 128 or more in the window */
    member slow = {.url = "sim://slow:1?join=all&window=300&receive_buffer=1000", .keeps = true};
    member fast = {.url = "sim://fast:1"};
    make(NULL);
    joins(&slow);
    joins(&fast);
    for (unsigned i = 0; i < 30; i++)
        CHECK_OK(weft_sim_tell(sim, fast.self, order, .what = SEND, .n = 1));
    CHECK_U64(slow.came, 3);
    CHECK_OK(weft_sim_tell(sim, slow.self, order, .what = COUNT));
    CHECK_U64(slow.stats.lost, 30 - 3 - 1000 / 138);
    CHECK_U64(slow.stats.received, 3);
    CHECK(slow.stats.held_bytes > 300);
    CHECK_OK(weft_sim_tell(sim, slow.self, order, .what = LET_GO));
    CHECK_U64(slow.came, 3 + 1000 / 138);
    CHECK_U64(slow.lost, slow.stats.lost);
    ends();
}

/* ---- limits */

static void more_failures_than_may_be_out_are_counted(void)
{
    member m = {.url = "sim://m:1"};
    make(NULL);
    joins(&m);
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = SEND, .n = WEFT_ENDPOINT_FAILURES_MAX + 30));
    CHECK_U64(m.failed, WEFT_ENDPOINT_FAILURES_MAX);
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = COUNT));
    CHECK_U64(m.stats.failed, WEFT_ENDPOINT_FAILURES_MAX + 30);
    CHECK_U64(m.stats.failed_quiet, 30);
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = LET_GO));
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = SEND, .n = 1));
    CHECK_U64(m.failed, WEFT_ENDPOINT_FAILURES_MAX + 1);
    ends();
}

static void a_close_does_not_wait_for_ever_for_what_does_not_leave(void)
{
    member m = {.url = "sim://m:1"};
    make(&(weft_sim_options){.faults = {.short_write = 1000000}});
    joins(&m);
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = SEND, .n = 1)); /* never less than none */
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = CLOSE));
    weft_sim_advance(sim, WEFT_ENDPOINT_CLOSE_MS - 1);
    CHECK_U64(m.closed, 0);
    weft_sim_advance(sim, 2);
    CHECK_U64(m.closed, 1);
    CHECK_ERR(m.reason, WEFT_ETIMEDOUT);
    ends();
}

static void shut_down_waits_until_what_came_has_been_let_go_of(void)
{
    member m = {.keeps = true}, other = {.url = "sim://other:1"};
    make(NULL);
    CHECK_OK(weft_bind(weft_sim_system(sim), "sim://m:1?join=all", &is_member, &m));
    joins(&other);
    CHECK_OK(weft_sim_tell(sim, other.self, order, .what = SEND, .n = 1));
    CHECK_U64(m.came, 1);
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 1000);
    /* it is there, and hears nothing new */
    CHECK_OK(weft_sim_tell(sim, other.self, order, .what = SEND, .n = 1));
    CHECK_U64(m.came, 1);
    CHECK_OK(weft_sim_tell(sim, m.self, order, .what = LET_GO));
    weft_sim_advance(sim, 1000);
    CHECK_ERR(weft_sim_tell(sim, m.self, order, .what = LET_GO), WEFT_EGONE);
    ends();
}

static const test_case cases[] = {
    TEST(more_failures_than_may_be_out_are_counted),
    TEST(a_close_does_not_wait_for_ever_for_what_does_not_leave),
    TEST(shut_down_waits_until_what_came_has_been_let_go_of),
    TEST(whatever_is_lost_a_client_that_asks_again_is_answered),
    TEST(a_bad_day_repeats_itself),
    TEST(a_stop_in_the_middle_of_everything_leaves_nothing),
    TEST(any_one_taking_of_memory_may_fail),
    TEST(who_is_cut_off_is_not_heard_until_it_is_over),
    TEST(a_place_that_is_slow_answers_late),
    TEST(nobody_there_is_told_as_a_failure),
    TEST(what_cannot_be_bound_is_told_as_closed),
    TEST(what_is_sent_to_a_group_is_heard_by_those_who_joined),
    TEST(what_finds_no_room_is_counted_where_it_would_have_come),
    {0},
};

const test_suite datagram_sim_suite = {.name = "sim/datagram", .cases = cases};
