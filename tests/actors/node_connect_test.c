/* SPDX-License-Identifier: MIT */
/* How nodes come to a link, and to none: when they connect again, which life of a node stays, what is read of who has
 * not said who it is, and whose certificate is believed. */
#include "node_kit.h"
#include "test_certificate.h"

#include <stdlib.h>
#include <unistd.h>

#include <weft/net.h>

#include "link_visit.h"
#include "node.h"

enum { SOON_MS = 20, HOUR_MS = 3600 * 1000 };

static weft_sim *node_beside(uint64_t seed, weft_node *config)
{
    weft_why why = {""};
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = seed, .beside = world});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_node_begin(weft_sim_system(sim), config, &why));
    CHECK_STR(why.text, "");
    return sim;
}

/* ---- connecting again */

/* Opens to everybody, and closes at once. */
enum { VISITS_MAX = 64 };
static struct {
    unsigned n;
    uint32_t at_ms[VISITS_MAX];
} visits;

static weft_err on_visited(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (visits.n < VISITS_MAX)
        visits.at_ms[visits.n++] = weft_now_ms(self);
    return weft_stop(self, WEFT_EREFUSED);
}

static const weft_handler door_rows[] = {{.type = &weft_opened_type, .fn = on_visited}, {0}};
static const weft_behaviour door = {.name = "door", .handlers = door_rows};

/* When a node with those limits connects to a member that never says hello. */
static void connect_in_vain(uint32_t first_ms, uint32_t most_ms)
{
    static const weft_node_member to_door[] = {{"b", "sim://door"}, {0}};
    weft_node config = {
        .name = "a", .join = to_door, .redial_ms = first_ms, .redial_ms_max = most_ms};
    memset(&visits, 0, sizeof visits);
    world_of(0, 11, NULL);
    CHECK_OK(weft_listen(weft_sim_system(world), "sim://door", &door, NULL));
    weft_sim_advance(world, 1);
    weft_sim *a = node_beside(12, &config);
    for (uint32_t ms = 0; visits.n < VISITS_MAX && ms < HOUR_MS; ms += 1000)
        weft_sim_advance(world, 1000);
    CHECK_U64(visits.n, VISITS_MAX);
    CHECK_U64(weft_sim_free(&a), 0);
    world_done();
}

/* Each wait is twice the one before, up to @most_ms, give or take a half; and the half is not always the same. */
static void waits_are_doubled(uint32_t first_ms, uint32_t most_ms)
{
    unsigned early = 0, late = 0;
    uint32_t wait = first_ms;
    for (unsigned i = 1; i < VISITS_MAX; i++) {
        uint32_t took = visits.at_ms[i] - visits.at_ms[i - 1];
        CHECK(took >= wait / 2);
        CHECK(took <= wait + wait / 2 + 2);
        early += took < wait - wait / 4;
        late += took > wait + wait / 4;
        wait = 2 * wait < most_ms ? 2 * wait : most_ms;
    }
    CHECK_U64(wait, most_ms);
    CHECK(early >= VISITS_MAX / 8);
    CHECK(late >= VISITS_MAX / 8);
}

static void a_node_waits_twice_as_long_each_time_before_it_connects_again(void)
{
    connect_in_vain(0, 0);
    waits_are_doubled(NODE_REDIAL_MS, NODE_REDIAL_MS_MAX);
    connect_in_vain(200, 1600);
    waits_are_doubled(200, 1600);
}

static weft_err answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    return got->err == WEFT_OK ? weft_reply(msg, count, .n = 1)
                               : weft_fail(msg, got->err, "%s", got->why);
}

static weft_err await_n0(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_node_join(self, "n0", NULL), answered);
}

static void drop_all(void)
{
    CHECK_OK(weft_sim_drop(world, "sim://n0", NULL));
    CHECK_OK(weft_sim_drop(world, "sim://n1", NULL));
    weft_sim_advance(world, 1);
}

static void and_begins_with_the_shortest_when_there_was_a_link(void)
{
    world_of(2, 7, NULL);
    CHECK(all_linked());
    node_crash(1);
    weft_sim_advance(world, 12 * NODE_REDIAL_MS_MAX); /* long enough for the longest wait */
    node_start(1);
    CHECK(all_linked());
    CHECK_OK(node_ask_do(1, await_n0, NULL)->err); /* from now on n0 alone connects */
    drop_all();
    CHECK(!is_up(0, 1));
    weft_sim_advance(world, NODE_REDIAL_MS + NODE_REDIAL_MS / 2 + SOON_MS);
    CHECK(is_up(0, 1));
}

/* ---- lives of one name */

/* Says hello to n1 as that life of n0, and something behind it if it is to be @up. */
static weft_sim_peer *n0_says(uint64_t life, uint64_t attempt, bool up)
{
    const link_hello hello = {.node = "n0",
                              .life = life,
                              .attempt = attempt,
                              .frame_bytes_max = LINK_FRAME_BYTES_MAX,
                              .credit_bytes = LINK_CREDIT_BYTES};
    uint8_t frame[2 * LINK_VISIT_FRAME_MAX];
    link_visit out = {.seq_out = 0};
    weft_sim_peer *p = weft_sim_connect(world, "sim://n1");
    size_t n = wf_visit_hello(&out, frame, &hello);
    if (up)
        n += wf_visit_pair(&out, frame + n, LINK_PING, 0);
    weft_sim_peer_send(p, frame, n);
    weft_sim_advance(world, SOON_MS);
    return p;
}

static void peers_begin(void)
{
    world_of(2, 3, NULL);
    node_crash(0);
    weft_sim_advance(world, 1);
}

/* What has come last is a goodbye. */
static void is_sent_away(const weft_sim_peer *p, link_bye reason, const char *why)
{
    const uint8_t *at = (const uint8_t *)p->got;
    size_t n = p->got_bytes;
    link_visit in = {.seq_in = 0};
    link_frame frame = {.bytes = 0};
    link_goodbye bye = {.reason = 0};
    weft_why because = {""};
    while (n != 0 && frame.kind != LINK_BYE)
        REQUIRE(wf_visit_read(&in, &at, &n, &frame, &because) == WEFT_OK);
    REQUIRE(frame.kind == LINK_BYE);
    CHECK_OK(wf_link_read_goodbye(&frame, &bye, &because));
    CHECK_U64(bye.reason, reason);
    CHECK_STR(bye.why, why);
    CHECK(p->closed || p->ended);
    wf_visit_done(&in);
}

static bool is_open(const weft_sim_peer *p)
{
    return p->opened && !p->closed && !p->ended;
}

static void an_older_life_does_not_take_the_place_of_a_newer_one(void)
{
    for (unsigned up = 0; up < 2; up++) {
        peers_begin();
        const weft_sim_peer *newer = n0_says(9, 1, up != 0);
        CHECK(is_open(newer));
        is_sent_away(n0_says(8, 77, true), LINK_BYE_OLD, "a newer life of n0 is linked");
        CHECK(is_open(newer));
        CHECK(is_up(1, 0) == (up != 0));
        world_done();
    }
}

static weft_err monitor_n0(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_monitor(self, weft_named(self, "counter@n0"));
}

static void a_newer_life_takes_the_place_of_an_older_one_whose_monitors_are_told(void)
{
    peers_begin();
    const weft_sim_peer *older = n0_says(8, 77, true);
    CHECK_U64(info_of(1, 0).life, 8);
    node_do(1, monitor_n0, NULL);
    weft_sim_advance(world, SOON_MS);
    CHECK_U64(node_at[1].counter.downs, 0);
    const weft_sim_peer *newer = n0_says(9, 1, true);
    CHECK(is_open(newer));
    CHECK(!is_open(older));
    CHECK(is_up(1, 0));
    CHECK_U64(info_of(1, 0).life, 9);
    CHECK_U64(info_of(1, 0).ups, 2);
    CHECK_U64(node_at[1].counter.downs, 1);
    CHECK_STR(node_at[1].counter.why, "node n0 is down: it began anew");
    is_sent_away(n0_says(8, 78, true), LINK_BYE_OLD, "a newer life of n0 is linked");
    CHECK(is_open(newer));
}

static void of_one_life_the_later_connection_stays(void)
{
    peers_begin();
    const weft_sim_peer *first = n0_says(9, 2, true);
    is_sent_away(n0_says(9, 1, true), LINK_BYE_TWIN, "there is a later connection");
    is_sent_away(n0_says(9, 2, true), LINK_BYE_TWIN, "there is a later connection");
    CHECK(is_open(first));
    const weft_sim_peer *later = n0_says(9, 3, true);
    CHECK(is_open(later));
    CHECK(!is_open(first));
    CHECK_U64(info_of(1, 0).life, 9);
    CHECK(is_up(1, 0));
}

/* ---- before the hello */

static const char too_long[] = "a hello frame of 4097 bytes; expected 4096 at most";

/* The head alone of a hello that has so many bytes. */
static void say_head(weft_sim_peer *p, uint32_t bytes)
{
    uint8_t head[LINK_HEAD_BYTES];
    wf_link_write_head(head, LINK_HELLO, 1, bytes);
    weft_sim_peer_send(p, head, sizeof head);
    weft_sim_advance(world, SOON_MS);
}

static void a_hello_that_is_too_long_is_refused_before_it_has_come(void)
{
    world_of(1, 3, NULL);
    weft_sim_advance(world, 1);
    weft_sim_peer *p = weft_sim_connect(world, "sim://n0");
    say_head(p, LINK_HELLO_BYTES_MAX);
    CHECK(is_open(p)); /* the rest may come */
    p = weft_sim_connect(world, "sim://n0");
    say_head(p, LINK_HELLO_BYTES_MAX + 1);
    is_sent_away(p, LINK_BYE_PROTOCOL, too_long);
}

static void so_it_is_by_who_connects(void)
{
    static const weft_node_member to_b[] = {{"b", "sim://b"}, {0}};
    for (uint32_t more = 0; more < 2; more++) {
        weft_node config = {.name = "a", .join = to_b};
        world_of(0, 3, NULL);
        weft_sim_peer *b = weft_sim_listen(world, "sim://b");
        weft_sim_advance(world, 1);
        weft_sim *a = node_beside(4, &config);
        weft_sim_advance(world, SOON_MS);
        REQUIRE(is_open(b) && b->got_bytes > LINK_HEAD_BYTES); /* its hello */
        say_head(b, LINK_HELLO_BYTES_MAX + more);
        if (more != 0)
            is_sent_away(b, LINK_BYE_PROTOCOL, too_long);
        else
            CHECK(is_open(b));
        CHECK_U64(weft_sim_free(&a), 0);
        world_done();
    }
}

/* ---- certificates */

typedef struct identity {
    char path[48];
} identity;

static identity write_file(const char *certificate, const char *key)
{
    identity i = {.path = P_tmpdir "/weft-connect-XXXXXX"};
    int fd = mkstemp(i.path);
    REQUIRE(fd >= 0);
    FILE *to = fdopen(fd, "w");
    REQUIRE(to != NULL);
    CHECK(fputs(certificate, to) >= 0 && fputs(key, to) >= 0);
    CHECK(fclose(to) == 0);
    return i;
}

static identity write_identity(const char *names, const test_certificate *authority)
{
    test_certificate made;
    test_certificate_make_by(
        &(test_certificate_plan){.subject = "a node", .names = names, .issuer = authority}, &made);
    return write_file(made.certificate, made.key);
}

/* Whether b, which connects to a by the name "gate.example" of its certificate, is linked to it if that has those
 * names. */
static bool links(const char *names, const char *why)
{
    static const weft_node_member of_a[] = {{"b", NULL}, {0}};
    static const weft_node_member of_b[] = {{"a", "sim://a?tls&host=gate.example"}, {0}};
    test_certificate authority;
    test_certificate_make_by(&(test_certificate_plan){.subject = "authority"}, &authority);
    identity ca = write_file(authority.certificate, "");
    identity mine = write_identity(names, &authority), theirs = write_identity("DNS:b", &authority);
    weft_node config_a = {
        .name = "a", .join = of_a, .listen = "sim://a?tls", .cert = mine.path, .ca = ca.path};
    weft_node config_b = {.name = "b", .join = of_b, .cert = theirs.path, .ca = ca.path};
    world_of(0, 3, NULL);
    weft_sim *a = node_beside(4, &config_a), *b = node_beside(5, &config_b);
    weft_sim_advance(world, 1000);
    bool up = weft_sim_logged(b, WEFT_NOTICE, "is up: node a") != 0;
    if (!up)
        CHECK(weft_sim_logged(b, WEFT_INFO, why) != 0);
    CHECK((weft_sim_logged(a, WEFT_NOTICE, "is up: node b") != 0) == up);
    CHECK_U64(weft_sim_free(&b), 0);
    CHECK_U64(weft_sim_free(&a), 0);
    world_done();
    CHECK(unlink(ca.path) == 0 && unlink(mine.path) == 0 && unlink(theirs.path) == 0);
    return up;
}

static void who_connects_believes_a_hello_whose_name_is_in_the_certificate_alone(void)
{
    const char *why = "it says it is a; its certificate is for gate.example";
    CHECK(links("DNS:gate.example,DNS:a", why));
    CHECK(!links("DNS:gate.example", why));
    why = "it says it is a; its certificate is for gate.example,c";
    CHECK(!links("DNS:gate.example,DNS:c", why));
}

static const test_case cases[] = {
    TEST(a_node_waits_twice_as_long_each_time_before_it_connects_again),
    TEST(and_begins_with_the_shortest_when_there_was_a_link),
    TEST(an_older_life_does_not_take_the_place_of_a_newer_one),
    TEST(a_newer_life_takes_the_place_of_an_older_one_whose_monitors_are_told),
    TEST(of_one_life_the_later_connection_stays),
    TEST(a_hello_that_is_too_long_is_refused_before_it_has_come),
    TEST(so_it_is_by_who_connects),
    TEST(who_connects_believes_a_hello_whose_name_is_in_the_certificate_alone),
    {0},
};
const test_suite node_connect_suite = {
    .name = "actors/node_connect", .after = world_done, .cases = cases};
