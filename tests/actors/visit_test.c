/* SPDX-License-Identifier: MIT */
/* Visits: a node says who is there to whoever only asks, no member hears of it, and what is there instead of a node is
 * told as what it is. */
#include <weft/visit.h>

#include "link_visit.h"
#include "node.h"
#include "node_kit.h"

enum { SOON_MS = 500 };

/* ---- a visitor, in a system that is no node */

static weft_ref visit(const weft_visit *config)
{
    return weft_sim_spawn(world, &weft_visitor, config);
}

static const weft_outcome *who(weft_ref visitor)
{
    return weft_sim_ask_body(world, visitor, &weft_visit_who_type, &(weft_visit_who){0},
                             WEFT_NO_LIMIT);
}

static const weft_outcome *ping(weft_ref visitor, uint32_t limit_ms)
{
    return weft_sim_ask_body(world, visitor, &weft_visit_ping_type, &(weft_visit_ping){0},
                             limit_ms);
}

static void leave(weft_ref visitor)
{
    CHECK_OK(weft_sim_kill(world, visitor, WEFT_EDONE));
    CHECK(weft_sim_settle(world, SOON_MS));
}

static const weft_visit at_n0 = {.url = "sim://n0"};

static void a_visitor_hears_who_is_there(void)
{
    kit_defaults.cluster = "test";
    world_of(2, 1, NULL);
    CHECK(all_linked());
    const weft_outcome *got = who(visit(&at_n0));
    CHECK_OK(got->err);
    const weft_visited *v = got->body;
    CHECK_STR(v->node, "n0");
    CHECK_STR(v->cluster, "test");
    CHECK_U64(v->version, LINK_VERSION);
    CHECK_STR(v->features, "stop, streams, undelivered");
    CHECK_U64(v->life, info_of(1, 0).life);
    world_done();
}

static void and_how_long_an_answer_takes(void)
{
    world_of(1, 1, NULL);
    weft_ref visitor = visit(&at_n0);
    CHECK_OK(who(visitor)->err);
    CHECK_OK(weft_sim_delay(world, "sim://n0", 20));
    for (int i = 0; i < 3; i++) {
        const weft_outcome *got = ping(visitor, SOON_MS);
        CHECK_OK(got->err);
        uint64_t ns = ((const weft_node_pinged *)got->body)->ns;
        CHECK(ns >= 40 * 1000000ULL && ns < 60 * 1000000ULL);
    }
    world_done();
}

static void a_ping_may_be_asked_for_before_it_is_there(void)
{
    world_of(1, 1, NULL);
    CHECK_OK(ping(visit(&at_n0), SOON_MS)->err);
    world_done();
}

static void no_member_hears_of_it(void)
{
    world_of(3, 1, NULL);
    CHECK(all_linked());
    weft_link_info before = info_of(1, 0);
    weft_ref visitor = visit(&at_n0);
    CHECK_OK(ping(visitor, SOON_MS)->err);
    leave(visitor);
    weft_sim_advance(world, 10000);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_U64(node_at[i].counter.downs, 0);
        for (unsigned k = 0; k < 3; k++)
            if (i != k) {
                CHECK(is_up(i, k));
                CHECK_U64(info_of(i, k).ups, 1);
            }
    }
    CHECK_U64(info_of(1, 0).life, before.life);
    CHECK_U64(weft_sim_logged(node_at[0].sim, WEFT_NOTICE, "refuses"), 0);
    world_done();
}

/* One that says it is a member is none for that. */
static void a_visitor_that_says_a_members_name_takes_nobodys_place(void)
{
    const link_hello hello = {.node = "n1"};
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    link_visit v = {.seq_out = 0};
    world_of(2, 1, NULL);
    CHECK(all_linked());
    weft_sim_peer *peer = weft_sim_connect(world, "sim://n0");
    weft_sim_peer_send(peer, frame, wf_visit_hello(&v, frame, &hello));
    weft_sim_advance(world, 1000);
    CHECK(peer->got_bytes > LINK_HEAD_BYTES && peer->got[4] == LINK_HELLO);
    CHECK(is_up(0, 1) && is_up(1, 0));
    CHECK_U64(info_of(0, 1).ups, 1);
    world_done();
}

static void another_node_than_the_one_expected_is_told(void)
{
    world_of(1, 1, NULL);
    const weft_visit expecting = {.url = "sim://n0", .name = "n7"};
    const weft_outcome *got = who(visit(&expecting));
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, "n0 answers there; expected n7");
    world_done();
}

/* ---- what a visitor may not do */

/* What a node says to who sends the frame @kind behind a visitor's hello. */
static void is_refused(link_kind kind, const void *body, uint32_t bytes)
{
    const link_hello hello = {.life = 0};
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    link_visit out = {.seq_out = 0}, in = {.seq_in = 0};
    link_frame got;
    link_goodbye bye;
    weft_why why = {""};
    weft_sim_peer *peer = weft_sim_connect(world, "sim://n0");
    weft_sim_peer_send(peer, frame, wf_visit_hello(&out, frame, &hello));
    weft_sim_advance(world, SOON_MS);
    wf_link_write_head(frame, kind, 2, bytes);
    memcpy(frame + LINK_HEAD_BYTES, body, bytes);
    weft_sim_peer_send(peer, frame, LINK_HEAD_BYTES + bytes);
    weft_sim_advance(world, SOON_MS);
    const uint8_t *at = (const uint8_t *)peer->got;
    size_t n = peer->got_bytes;
    CHECK_OK(wf_visit_read(&in, &at, &n, &got, &why));
    CHECK_U64(got.kind, LINK_HELLO);
    CHECK_OK(wf_visit_read(&in, &at, &n, &got, &why));
    CHECK_U64(got.kind, LINK_BYE);
    CHECK_OK(wf_link_read_goodbye(&got, &bye, &why));
    CHECK_U64(bye.reason, LINK_BYE_PROTOCOL);
    CHECK(peer->ended || peer->closed);
    wf_visit_done(&in);
}

static void a_visitor_reaches_no_actor(void)
{
    uint8_t record[64];
    const link_record tell = {.dst = 1, .src = 1, .op = LINK_OP_TELL, .flags = LINK_NAMED};
    const uint8_t garbage[8] = {1, 2, 3};
    world_of(1, 1, NULL);
    wf_link_write_record(record, &tell);
    is_refused(LINK_MAIL, record, (uint32_t)wf_link_record_bytes(&tell));
    is_refused(LINK_HELLO, garbage, sizeof garbage);
    is_refused(LINK_ATOMS, garbage, sizeof garbage);
    is_refused(LINK_PING, garbage, sizeof garbage);
    is_refused(LINK_PONG, record, LINK_PAIR_BYTES);
    CHECK_OK(ping(visit(&at_n0), SOON_MS)->err);
    world_done();
}

static void so_many_visitors_and_no_more(void)
{
    weft_ref visitor[NODE_VISITS_MAX];
    world_of(2, 1, NULL);
    for (unsigned i = 0; i < NODE_VISITS_MAX; i++) {
        visitor[i] = visit(&at_n0);
        CHECK_OK(who(visitor[i])->err);
    }
    const weft_outcome *got = who(visit(&at_n0));
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, "there are 16 visitors already");
    CHECK(all_linked()); /* members come in all the same */
    leave(visitor[3]);
    CHECK_OK(who(visit(&at_n0))->err);
    world_done();
}

static void a_visitor_that_says_nothing_any_more_is_closed(void)
{
    world_of(1, 1, NULL);
    weft_ref one = visit(&at_n0), other = visit(&at_n0);
    CHECK_OK(who(one)->err);
    CHECK_OK(who(other)->err);
    weft_sim_advance(world, LINK_VISIT_SILENT_MS - 1000);
    CHECK_OK(ping(one, SOON_MS)->err);
    weft_sim_advance(world, 2000);
    CHECK_OK(ping(one, SOON_MS)->err);
    CHECK_ERR(ping(other, SOON_MS)->err, WEFT_ELOST);
    world_done();
}

/* ---- what fails */

static void nobody_is_there(void)
{
    world_of(0, 1, NULL);
    const weft_outcome *got = who(visit(&at_n0));
    CHECK_ERR(got->err, WEFT_EREFUSED);
    world_done();
}

static void a_url_that_is_none_is_told(void)
{
    static const weft_visit http = {.url = "http://127.0.0.1:80"},
                            word = {.url = "sim://n0?no=such"},
                            bare = {.url = "nng+tls+tcp://127.0.0.1:1"};
    world_of(0, 1, NULL);
    CHECK_ERR(who(visit(&http))->err, WEFT_EUNSUPPORTED);
    CHECK_ERR(who(visit(&word))->err, WEFT_EINVAL);
    weft_ref visitor = visit(&bare);
    CHECK_ERR(ping(visitor, SOON_MS)->err, WEFT_EINVAL);
    const weft_outcome *got = who(visitor); /* again */
    CHECK_ERR(got->err, WEFT_EINVAL);
    CHECK(strstr(got->why, "shows its certificate") != NULL);
    world_done();
}

/* What @fn makes of the visitor's connection, once its hello has come. */
typedef void play_fn(weft_sim_peer *peer);

static const weft_outcome *visited_by(play_fn *fn, char why[WEFT_WHY_BYTES])
{
    world_of(0, 1, NULL);
    weft_sim_peer *peer = weft_sim_listen(world, "sim://n0");
    weft_ref visitor = visit(&at_n0);
    weft_sim_advance(world, 100);
    CHECK(peer->got_bytes > LINK_HEAD_BYTES);
    fn(peer);
    weft_sim_advance(world, 100);
    const weft_outcome *got = who(visitor);
    (void)snprintf(why, WEFT_WHY_BYTES, "%s", got->why);
    return got;
}

static void play_http(weft_sim_peer *peer)
{
    weft_sim_peer_say(peer, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}
static void play_echo(weft_sim_peer *peer)
{
    weft_sim_peer_send(peer, peer->got, peer->got_bytes);
}
static void play_nothing(weft_sim_peer *peer)
{
    (void)peer;
}
static void play_older(weft_sim_peer *peer)
{
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    link_visit v = {.seq_out = 0};
    weft_sim_peer_send(
        peer, frame,
        wf_visit_bye(&v, frame, LINK_BYE_PROTOCOL, "the peer's name is no name of a node"));
    weft_sim_peer_close(peer);
}
static void play_newer(weft_sim_peer *peer)
{
    static const uint8_t version_2[] = {8, 2}; /* as protobuf has it */
    uint8_t frame[LINK_HEAD_BYTES + sizeof version_2];
    wf_link_write_head(frame, LINK_HELLO, 1, sizeof version_2);
    memcpy(frame + LINK_HEAD_BYTES, version_2, sizeof version_2);
    weft_sim_peer_send(peer, frame, sizeof frame);
}
static void play_leaving(weft_sim_peer *peer)
{
    uint8_t frame[LINK_VISIT_FRAME_MAX];
    link_visit v = {.seq_out = 0};
    weft_sim_peer_send(peer, frame, wf_visit_bye(&v, frame, LINK_BYE_DONE, "n0 is shutting down"));
}

static void what_is_no_node_is_told_so(void)
{
    static const struct {
        play_fn *fn;
        weft_err err;
        const char *why;
    } rows[] = {
        {play_http, WEFT_EPROTO, "no node answers there: a frame of kind 47; expected 1 to 8"},
        {play_echo, WEFT_EPROTO, "no node answers there: it says back what it is told"},
        {weft_sim_peer_close, WEFT_EPROTO,
         "it closes without saying who it is: no node answers there"},
        {weft_sim_peer_end, WEFT_EPROTO,
         "it closes without saying who it is: no node answers there"},
        {weft_sim_peer_abort, WEFT_ELOST, NULL},
        {play_nothing, WEFT_ETIMEDOUT, "no hello came within 5000 ms"},
        {play_older, WEFT_EUNSUPPORTED,
         "a node that knows no visitors (the peer's name is no name of a node)"},
        {play_newer, WEFT_EUNSUPPORTED, "the peer speaks version 2; expected 1"},
        {play_leaving, WEFT_ESTOPPING, "n0 is shutting down"},
    };
    char why[WEFT_WHY_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_ERR(visited_by(rows[i].fn, why)->err, rows[i].err);
        if (rows[i].why != NULL)
            CHECK_STR(why, rows[i].why);
        world_done();
    }
}

static void time_is_up_when_its_limit_says(void)
{
    static const weft_visit brief = {.url = "sim://n0", .limit_ms = 50};
    world_of(1, 1, NULL);
    CHECK_OK(weft_sim_partition(world, "sim://n0", 1000));
    const weft_outcome *got = who(visit(&brief));
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_STR(got->why, "no connection within 50 ms");
    world_done();
}

static void a_ping_without_an_answer_is_given_up_and_others_follow(void)
{
    world_of(1, 1, NULL);
    weft_ref visitor = visit(&at_n0);
    CHECK_OK(who(visitor)->err);
    CHECK_OK(weft_sim_partition(world, "sim://n0", 1000));
    for (unsigned i = 0; i < 2 * WEFT_VISIT_ASKS_MAX; i++)
        CHECK_ERR(ping(visitor, 10)->err, WEFT_ETIMEDOUT);
    weft_sim_advance(world, 1000);
    CHECK_OK(ping(visitor, 10)->err);
    world_done();
}

/* An actor that asks a visitor more at once than that takes. */
typedef struct crowd {
    weft_ref visitor;
    unsigned full, ok;
} crowd;

static weft_err on_one(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    crowd *c = *(crowd *const *)weft_config(self);
    (void)msg;
    c->full += got->err == WEFT_EFULL;
    c->ok += got->err == WEFT_OK;
    return WEFT_OK;
}
static weft_err on_crowd_started(weft_actor *self, weft_msg *msg)
{
    const crowd *c = *(crowd *const *)weft_config(self);
    weft_err err = WEFT_OK;
    for (unsigned i = 0; i < WEFT_VISIT_ASKS_MAX + 3; i++)
        err = weft_when(msg, weft_ask(self, c->visitor, weft_visit_ping, 0), on_one);
    return err;
}

static void what_it_is_asked_at_once_has_a_limit(void)
{
    static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_crowd_started}, {0}};
    static const weft_behaviour asker = {.name = "asker", .handlers = rows};
    crowd c = {.full = 0}, *config = &c;
    world_of(1, 1, NULL);
    c.visitor = visit(&at_n0);
    CHECK_OK(who(c.visitor)->err);
    (void)!weft_sim_spawn(world, &asker, &config).slot;
    weft_sim_advance(world, SOON_MS);
    CHECK_U64(c.ok, WEFT_VISIT_ASKS_MAX);
    CHECK_U64(c.full, 3);
    world_done();
}

static void a_node_that_ends_is_told_to_who_visits_it(void)
{
    world_of(1, 1, NULL);
    weft_ref stopped = visit(&at_n0);
    CHECK_OK(who(stopped)->err);
    node_stop(0);
    weft_sim_advance(world, SOON_MS);
    weft_err err = ping(stopped, SOON_MS)->err;
    CHECK(err == WEFT_ELOST || err == WEFT_ESTOPPING);
    node_start(0);
    weft_ref crashed = visit(&at_n0);
    CHECK_OK(who(crashed)->err);
    node_crash(0);
    weft_sim_advance(world, SOON_MS);
    CHECK_ERR(ping(crashed, SOON_MS)->err, WEFT_ELOST);
    world_done();
}

static void bytes_may_come_in_any_pieces(void)
{
    uint8_t frames[2 * LINK_VISIT_FRAME_MAX];
    const link_hello hello = {
        .node = "n9", .life = 7, .frame_bytes_max = LINK_FRAME_TARGET, .credit_bytes = 1};
    link_visit v = {.seq_out = 0};
    world_of(0, 1, NULL);
    weft_sim_peer *peer = weft_sim_listen(world, "sim://n0");
    weft_ref visitor = visit(&at_n0);
    weft_sim_advance(world, 100);
    weft_sim_peer_send_cut(peer, frames, wf_visit_hello(&v, frames, &hello), WEFT_SIM_BYTES);
    const weft_outcome *got = who(visitor);
    CHECK_OK(got->err);
    CHECK_STR(((const weft_visited *)got->body)->node, "n9");
    CHECK_STR(((const weft_visited *)got->body)->features, "");
    /* the answer to a ping that was never sent */
    weft_sim_peer_send_cut(peer, frames, wf_visit_pair(&v, frames, LINK_PONG, 1), WEFT_SIM_BYTES);
    weft_sim_advance(world, 100);
    got = ping(visitor, SOON_MS);
    CHECK_ERR(got->err, WEFT_EPROTO);
    CHECK_STR(got->why, "it answers a ping that was not sent");
    world_done();
}

static void whatever_memory_fails_a_visit_comes_to_something(void)
{
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        world_of(1, n, NULL);
        weft_sim_fail_allocation(world, n);
        weft_ref visitor = visit(&at_n0);
        weft_err err = weft_ref_is_nobody(visitor) ? WEFT_ENOMEM : ping(visitor, 6000)->err;
        failed = weft_sim_allocation_failed(world);
        if (!failed)
            CHECK_OK(err);
        weft_sim_fail_allocation(world, 0);
        if (!weft_ref_is_nobody(visitor))
            CHECK_OK(weft_sim_kill(world, visitor, WEFT_EDONE));
        weft_sim_advance(world, SOON_MS);
        weft_ref again = visit(&at_n0);
        CHECK_OK(ping(again, SOON_MS)->err);
        world_done();
    }
}

static const test_case cases[] = {
    TEST(a_visitor_hears_who_is_there),
    TEST(and_how_long_an_answer_takes),
    TEST(a_ping_may_be_asked_for_before_it_is_there),
    TEST(no_member_hears_of_it),
    TEST(a_visitor_that_says_a_members_name_takes_nobodys_place),
    TEST(another_node_than_the_one_expected_is_told),
    TEST(a_visitor_reaches_no_actor),
    TEST(so_many_visitors_and_no_more),
    TEST(a_visitor_that_says_nothing_any_more_is_closed),
    TEST(nobody_is_there),
    TEST(a_url_that_is_none_is_told),
    TEST(what_is_no_node_is_told_so),
    TEST(time_is_up_when_its_limit_says),
    TEST(a_ping_without_an_answer_is_given_up_and_others_follow),
    TEST(what_it_is_asked_at_once_has_a_limit),
    TEST(a_node_that_ends_is_told_to_who_visits_it),
    TEST(bytes_may_come_in_any_pieces),
    TEST(whatever_memory_fails_a_visit_comes_to_something),
    {0},
};

const test_suite visit_suite = {.name = "actors/visit", .cases = cases};
