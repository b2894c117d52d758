/* SPDX-License-Identifier: MIT */
/* SP sockets over simulated wires: each pattern, between weft's own and against bytes, with peers that vanish. */
#include "sp_world.h"

#include <stdlib.h>

#define HELLO(number) "\0SP\0\0" number "\0\0"

static void before(void)
{
    sp_reset();
    sim_one();
}

/* ---- requests */

static void a_request_is_answered(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server"),
            *req = sp_dial("req", "nng+req+sim://server");
    rep->manner = SP_SIGNS;
    sp_ask(req, "hello", 0);
    CHECK_STR(req->answers, " rep:hello");
    CHECK_STR(rep->got, " hello");
    sp_ask(req, "", 0);
    CHECK_STR(req->answers, " rep:hello rep:");
    CHECK_U64(req->joined, 1);
    CHECK_U64(sp_counts(rep).received, 2);
    CHECK_U64(sp_counts(req).received, 2);
    CHECK_U64(sp_counts(req).outstanding, 0);
}

static void requests_are_answered_in_any_order(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server"),
            *req = sp_dial("req", "nng+req+sim://server");
    rep->manner = SP_KEEPS;
    for (int i = 0; i < 3; i++)
        sp_ask(req, (const char *[]){"a", "b", "c"}[i], 0);
    CHECK_U64(rep->kept_n, 3);
    weft_msg *first = rep->kept[0];
    rep->kept[0] = rep->kept[2];
    rep->kept[2] = first;
    sp_let_go(rep, "C");
    sp_let_go(rep, "B");
    sp_let_go(rep, "A");
    CHECK_STR(req->answers, " C B A");
    CHECK_U64(req->succeeded, 3);
}

static void one_pipe_has_so_many_requests_served_at_a_time(void)
{
    sp_side *rep = sp_side_new("rep", "nng+rep+sim://server", NULL);
    rep->config.pipe_requests_max = 3;
    rep->manner = SP_KEEPS;
    sp_begin(rep);
    sp_side *req = sp_dial("req", "nng+req+sim://server");
    for (int i = 0; i < 10; i++)
        sp_ask(req, "x", 0);
    CHECK_U64(rep->kept_n, 3);
    for (int i = 0; i < 10; i++)
        sp_let_go(rep, "y");
    CHECK_U64(rep->messages, 10);
    CHECK_U64(req->succeeded, 10);
}

static void a_request_waits_for_a_peer_and_goes_to_another_when_one_is_lost(void)
{
    sp_side *req = sp_side_new("req", NULL, "nng+req+sim://one");
    req->dial[1] = "nng+req+sim://two";
    req->config.delay_ms = 10;
    sp_begin(req);
    sp_ask(req, "hello", 60000);
    CHECK_U64(sp_counts(req).waiting, 1);
    sp_side *one = sp_side_new("one", "nng+rep+sim://one", NULL);
    one->manner = SP_KEEPS;
    sp_begin(one);
    weft_sim_advance(sim, 2000);
    CHECK_STR(one->got, " hello");
    CHECK_U64(sp_counts(req).outstanding, 1);
    sp_side *two = sp_side_new("two", "nng+rep+sim://two", NULL);
    two->manner = SP_SIGNS;
    sp_begin(two);
    weft_sim_advance(sim, 2000);
    unsigned dropped = 0;
    CHECK_OK(weft_sim_drop(sim, "sim://one", &dropped));
    CHECK_U64(dropped, 1);
    weft_sim_advance(sim, 10);
    CHECK_STR(req->answers, " two:hello");
    CHECK_U64(sp_counts(req).resent, 1);
    CHECK_U64(req->left, 1);
    /* whoever asked is gone: the owner does not work for nobody */
    CHECK_U64(one->kept_n, 0);
}

static void a_request_that_is_not_to_be_sent_again_fails_with_its_pipe(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server");
    sp_side *req = sp_side_new("req", NULL, "nng+req+sim://server");
    rep->manner = SP_KEEPS;
    req->config.resend_ms = WEFT_NO_LIMIT;
    sp_begin(req);
    sp_ask(req, "once", 0);
    CHECK_OK(weft_sim_drop(sim, "sim://server", NULL));
    weft_sim_advance(sim, 10);
    CHECK_U64(req->fired, 1);
    CHECK_ERR(req->err, WEFT_ELOST);
    weft_sim_advance(sim, 200000);
    CHECK_U64(rep->messages, 1);
}

static void a_request_is_sent_again_after_a_minute(void)
{
    sp_side *rep = sp_side_new("rep", "nng+rep+sim://server", NULL);
    rep->config.reply_ms = 600000;
    rep->manner = SP_KEEPS;
    sp_begin(rep);
    sp_side *req = sp_dial("req", "nng+req+sim://server");
    sp_ask(req, "hello", 600000);
    weft_sim_advance(sim, 59000);
    CHECK_U64(rep->messages, 1);
    weft_sim_advance(sim, 1000);
    CHECK_U64(rep->messages, 2);
    sp_let_go(rep, "first");
    CHECK_STR(req->answers, " first");
    sp_let_go(rep, "second"); /* whose time was over already */
    CHECK_U64(sp_counts(req).late, 1);
    CHECK_STR(req->answers, " first");
}

static void an_owner_that_takes_too_long_is_told(void)
{
    sp_side *rep = sp_side_new("rep", "nng+rep+sim://server", NULL);
    rep->config.reply_ms = 1000;
    rep->manner = SP_KEEPS;
    sp_begin(rep);
    sp_side *req = sp_dial("req", "nng+req+sim://server");
    sp_ask(req, "hello", 10000);
    CHECK_U64(rep->kept_n, 1);
    weft_sim_advance(sim, 1000);
    CHECK_U64(rep->kept_n, 0);
    CHECK_U64(sp_counts(rep).unserved, 1);
}

static void an_ask_that_is_over_frees_its_request(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server"),
            *req = sp_dial("req", "nng+req+sim://server");
    rep->manner = SP_KEEPS;
    sp_ask(req, "slow", 100);
    weft_sim_advance(sim, 200);
    CHECK_ERR(req->err, WEFT_ETIMEDOUT);
    CHECK_U64(sp_counts(req).outstanding, 0);
    sp_let_go(rep, "late");
    CHECK_U64(sp_counts(req).late, 1);
    sp_ask(req, "again", 0);
    sp_cancel(req);
    CHECK_ERR(req->err, WEFT_ECANCELLED);
    CHECK_U64(sp_counts(req).outstanding, 0);
}

static void a_request_is_asked_not_told(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server"),
            *req = sp_dial("req", "nng+req+sim://server");
    sp_tell(req, "hello");
    CHECK_U64(rep->messages, 0);
    CHECK_U64(sp_counts(req).outstanding, 0);
}

/* The bytes of an exchange, as sp-request-reply-01 has them; through two devices. */
static void a_reply_goes_back_the_way_the_request_has_come(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server");
    rep->manner = SP_ECHOES;
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://server");
    CHECK_STR(weft_sim_expect_bytes(peer, HELLO("\x31"), 8), "");
    weft_sim_peer_send_cut(peer, HELLO("\x30"), 8, WEFT_SIM_BYTES);
    static const char request[] = "\0\0\0\0\0\0\0\x0e\0\0\0\5\1\2\3\4\x80\0\0\7hi";
    weft_sim_peer_send_cut(peer, request, sizeof request - 1, WEFT_SIM_BYTES);
    CHECK_STR(weft_sim_expect_bytes(peer, request, sizeof request - 1), "");
    CHECK_STR(rep->got, " hi");
    weft_sim_peer_send_cut(peer, request, sizeof request - 1, WEFT_SIM_WHOLE);
    CHECK_STR(weft_sim_expect_bytes(peer, request, sizeof request - 1), "");
    CHECK(!peer->closed);
}

static void a_request_of_too_many_hops_is_let_go_of(void)
{
    sp_side *rep = sp_side_new("rep", "nng+rep+sim://server", NULL);
    rep->config.hops_max = 2;
    rep->manner = SP_ECHOES;
    sp_begin(rep);
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://server");
    weft_sim_peer_send(peer, HELLO("\x30") "\0\0\0\0\0\0\0\x0e\0\0\0\5\1\2\3\4\x80\0\0\7no",
                       8 + 8 + 14);
    weft_sim_peer_send(peer, "\0\0\0\0\0\0\0\x0a\1\2\3\4\x80\0\0\7ok", 8 + 10);
    CHECK_STR(rep->got, " ok");
    CHECK(!peer->closed);
}

/* ---- what peers may not do */

typedef struct bad_row {
    const char *url;
    const char *bytes;
    size_t n;
    weft_err reason;
} bad_row;

static void a_peer_that_breaks_the_protocol_is_closed_and_others_go_on(void)
{
    static const bad_row bad[] = {
        {"nng+rep+sim://server", "GET / HTTP/1.1\r\n\r\n", 18, WEFT_EPROTO},
        {"nng+rep+sim://server", HELLO("\x31"), 8, WEFT_EPROTO},
        {"nng+rep+sim://server", HELLO("\x30") "\xff\0\0\0\0\0\0\0", 16, WEFT_ETOOBIG},
        {"nng+rep+sim://server", HELLO("\x30") "\0\0\0\0\0\0\0\3abc", 19, WEFT_EPROTO},
        {"nng+rep+sim://server", HELLO("\x30") "\0\0\0\0\0\0\0\4abcd", 20, WEFT_EPROTO},
        {"nng+req+sim://server", HELLO("\x31") "\0\0\0\0\0\0\0\4abcd", 20, WEFT_EPROTO},
        {"nng+pair1+sim://server", HELLO("\x11") "\0\0\0\0\0\0\0\4abcd", 20, WEFT_EPROTO},
        {"nng+pull+ipc+sim://server", HELLO("\x50") "\0\0\0\0\0\0\0\0\1a", 18, WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        before();
        sp_side *side = sp_listen("side", bad[i].url);
        weft_sim_peer *peer = weft_sim_connect(sim, "sim://server");
        weft_sim_peer_send(peer, bad[i].bytes, bad[i].n);
        (void)weft_sim_settle(sim, 100);
        CHECK(peer->closed || peer->ended);
        CHECK_U64(side->messages, 0);
        CHECK_U64(side->downs, 0);
        CHECK_U64(sp_counts(side).pipes, 0);
        sim_done();
    }
    before();
}

static void a_peer_that_says_nothing_is_closed(void)
{
    (void)sp_listen("rep", "nng+rep+sim://server");
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://server");
    weft_sim_advance(sim, WEFT_SP_HELLO_MS - 100);
    CHECK(!peer->closed);
    weft_sim_advance(sim, 200);
    CHECK(peer->closed);
}

static void a_message_beyond_the_limit_closes_its_pipe(void)
{
    sp_side *pull = sp_side_new("pull", "nng+pull+sim://server", NULL);
    pull->config.message_bytes_max = 1000;
    sp_begin(pull);
    sp_side *push = sp_dial("push", "nng+push+sim://server");
    sp_ask_bytes(push, 1000);
    CHECK_STR(pull->got, " 1000");
    sp_ask_bytes(push, 1001);
    CHECK_U64(pull->messages, 1);
    CHECK_U64(pull->left, 1);
}

static void a_socket_has_so_many_pipes(void)
{
    sp_side *pull = sp_side_new("pull", "nng+pull+sim://server", NULL);
    pull->config.pipes_max = 2;
    sp_begin(pull);
    weft_sim_peer *peers[3];
    for (int i = 0; i < 3; i++) {
        peers[i] = weft_sim_connect(sim, "sim://server");
        weft_sim_peer_send(peers[i], HELLO("\x50"), 8);
    }
    CHECK(!peers[0]->closed && !peers[1]->closed && peers[2]->closed);
    CHECK_U64(sp_counts(pull).pipes, 2);
    CHECK_U64(sp_counts(pull).pipes_refused, 1);
    weft_sim_peer_close(peers[0]);
    (void)weft_sim_settle(sim, 5000);
    peers[0] = weft_sim_connect(sim, "sim://server");
    weft_sim_peer_send(peers[0], HELLO("\x50"), 8);
    CHECK(!peers[0]->closed);
}

/* ---- queues */

static void what_is_pushed_goes_round(void)
{
    sp_side *push = sp_listen("push", "nng+push+sim://server");
    sp_side *pulls[3];
    for (int i = 0; i < 3; i++)
        pulls[i] = sp_dial("pull", "nng+pull+sim://server");
    for (int i = 0; i < 9; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        sp_ask(push, text, 0);
    }
    CHECK_U64(push->succeeded, 9);
    for (int i = 0; i < 3; i++)
        CHECK_U64(pulls[i]->messages, 3);
}

static void what_is_pushed_waits_for_a_pipe_up_to_a_limit(void)
{
    sp_side *push = sp_side_new("push", "nng+push+sim://server", NULL);
    push->config.queue_max = 3;
    sp_begin(push);
    for (int i = 0; i < 3; i++)
        sp_tell(push, (const char *[]){"a", "b", "c"}[i]);
    sp_ask(push, "d", 0);
    CHECK_ERR(push->err, WEFT_EFULL);
    CHECK_U64(sp_counts(push).waiting, 3);
    CHECK_U64(sp_counts(push).refused, 1);
    sp_side *pull = sp_dial("pull", "nng+pull+sim://server");
    CHECK_STR(pull->got, " a b c");
    CHECK_U64(sp_counts(push).waiting, 0);
}

static void the_bytes_of_what_waits_have_a_limit_too(void)
{
    sp_side *push = sp_side_new("push", "nng+push+sim://server", NULL);
    push->config.queue_bytes_max = 1000;
    sp_begin(push);
    sp_ask_bytes(push, 2000); /* alone it may be as large as it likes */
    CHECK_U64(push->fired, 0);
    sp_ask_bytes(push, 1);
    CHECK_U64(push->fired, 1);
    CHECK_ERR(push->err, WEFT_EFULL);
}

static void a_slow_owner_slows_who_pushes(void)
{
    sp_side *push = sp_side_new("push", "nng+push+sim://server", NULL);
    push->config.requests_max = 1000;
    push->config.queue_max = 500;
    push->config.queue_bytes_max = 100 << 20;
    sp_begin(push);
    sp_side *pull = sp_side_new("pull", NULL, "nng+pull+sim://server");
    pull->manner = SP_KEEPS;
    sp_begin(pull);
    enum { BYTES = 50000, ALL = 100 };
    for (int i = 0; i < ALL; i++)
        sp_ask_bytes(push, BYTES);
    CHECK_U64(pull->kept_n, 1);
    CHECK(push->succeeded < 40);
    CHECK(sp_counts(push).outstanding + sp_counts(push).waiting > 50);
    for (int i = 0; i < ALL; i++)
        sp_let_go(pull, NULL);
    (void)weft_sim_settle(sim, 10000);
    CHECK_U64(pull->messages, ALL);
    CHECK_U64(pull->bytes, (uint64_t)ALL * BYTES);
    CHECK_U64(push->succeeded, ALL);
}

static void one_slow_pipe_does_not_hold_the_others(void)
{
    sp_side *push = sp_side_new("push", "nng+push+sim://server", NULL);
    push->config.pipe_queue_max = 4;
    push->config.queue_max = 500;
    push->config.queue_bytes_max = 100 << 20;
    sp_begin(push);
    sp_side *slow = sp_side_new("slow", NULL, "nng+pull+sim://server");
    slow->manner = SP_KEEPS;
    sp_begin(slow);
    sp_side *quick = sp_dial("quick", "nng+pull+sim://server");
    for (int i = 0; i < 120; i++)
        sp_ask_bytes(push, 50000);
    CHECK_U64(slow->messages, 1);
    CHECK(quick->messages > 70);
    CHECK_U64(sp_counts(push).waiting, 0);
}

static void what_a_lost_pipe_had_not_taken_goes_to_another(void)
{
    sp_side *push = sp_side_new("push", "nng+push+sim://server", NULL);
    push->config.queue_max = 500;
    push->config.queue_bytes_max = 100 << 20;
    sp_begin(push);
    weft_sim_peer *deaf = weft_sim_connect_deaf(sim, "sim://server");
    weft_sim_peer_send(deaf, HELLO("\x51"), 8);
    for (int i = 0; i < 60; i++)
        sp_ask_bytes(push, 50000);
    uint64_t lost = push->succeeded; /* a pipe had taken them */
    CHECK(lost > 0 && lost < 60);
    weft_sim_peer_abort(deaf);
    sp_side *pull = sp_dial("pull", "nng+pull+sim://server");
    (void)weft_sim_settle(sim, 10000);
    CHECK_U64(pull->messages, 60 - lost);
    CHECK_U64(push->succeeded, 60);
}

static void many_pipes_are_heard_in_turn(void)
{
    sp_side *pull = sp_listen("pull", "nng+pull+sim://server");
    pull->manner = SP_KEEPS;
    sp_side *one = sp_dial("one", "nng+push+sim://server"),
            *two = sp_dial("two", "nng+push+sim://server");
    for (int i = 0; i < 5; i++)
        sp_tell(one, "a");
    for (int i = 0; i < 5; i++)
        sp_tell(two, "b");
    CHECK_U64(pull->kept_n, 2);
    for (int i = 0; i < 10; i++)
        sp_let_go(pull, NULL);
    CHECK_STR(pull->got, " a b a b a b a b a b");
}

static void what_was_sent_before_a_peer_left_is_heard(void)
{
    sp_side *pull = sp_listen("pull", "nng+pull+sim://server");
    pull->manner = SP_KEEPS;
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://server");
    weft_sim_peer_send(peer, HELLO("\x50") "\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\1b", 8 + 18);
    weft_sim_peer_close(peer);
    (void)weft_sim_settle(sim, 100);
    CHECK_U64(pull->kept_n, 1);
    sp_let_go(pull, NULL);
    sp_let_go(pull, NULL);
    CHECK_STR(pull->got, " a b");
    (void)weft_sim_settle(sim, 5000);
    CHECK_U64(pull->left, 1);
}

/* ---- publications */

static void a_subscriber_is_given_its_topics(void)
{
    static const char *const topics[] = {"a", "bc", NULL};
    sp_side *pub = sp_listen("pub", "nng+pub+sim://server");
    sp_side *sub = sp_side_new("sub", NULL, "nng+sub+sim://server");
    sub->config.topics = topics;
    sp_begin(sub);
    sp_side *all = sp_dial("all", "nng+sub+sim://server");
    sp_ask(pub, "a0", 0);
    CHECK_U64(pub->sent.pipes, 2);
    CHECK_U64(all->messages, 0);
    sp_subscribe(all, "", true);
    for (int i = 0; i < 4; i++)
        sp_tell(pub, (const char *[]){"a1", "b1", "bc1", "c"}[i]);
    CHECK_STR(sub->got, " a0 a1 bc1");
    CHECK_STR(all->got, " a1 b1 bc1 c");
    CHECK_U64(sp_counts(sub).filtered, 2);
    sp_subscribe(sub, "a", false);
    sp_tell(pub, "a2");
    CHECK_STR(sub->got, " a0 a1 bc1");
    sp_subscribe(sub, "a", false);
    CHECK_ERR(sub->err, WEFT_ENOTFOUND);
    sp_subscribe(pub, "a", true);
    CHECK_ERR(pub->err, WEFT_EUNSUPPORTED);
}

static void a_socket_has_so_many_topics_of_such_a_length(void)
{
    sp_side *sub = sp_listen("sub", "nng+sub+sim://server");
    char text[WEFT_SP_TOPIC_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    text[WEFT_SP_TOPIC_BYTES_MAX + 1] = '\0';
    sp_subscribe(sub, text, true);
    CHECK_ERR(sub->err, WEFT_ETOOBIG);
    text[WEFT_SP_TOPIC_BYTES_MAX] = '\0';
    sp_subscribe(sub, text, true);
    CHECK_OK(sub->err);
    for (unsigned i = 1; i < WEFT_SP_TOPICS_MAX; i++) {
        (void)snprintf(text, sizeof text, "%u", i);
        sp_subscribe(sub, text, true);
    }
    CHECK_OK(sub->err);
    sp_subscribe(sub, "1", true); /* which it has */
    CHECK_OK(sub->err);
    sp_subscribe(sub, "more", true);
    CHECK_ERR(sub->err, WEFT_ELIMIT);
}

static void a_subscriber_that_does_not_read_misses_what_is_counted(void)
{
    sp_side *pub = sp_side_new("pub", "nng+pub+sim://server", NULL);
    pub->config.pipe_queue_max = 8;
    sp_begin(pub);
    sp_side *sub = sp_dial("sub", "nng+sub+sim://server");
    sp_subscribe(sub, "", true);
    weft_sim_peer *deaf = weft_sim_connect_deaf(sim, "sim://server");
    weft_sim_peer_send(deaf, HELLO("\x21"), 8);
    enum { ALL = 60 };
    for (int i = 0; i < ALL; i++)
        sp_ask_bytes(pub, 50000);
    CHECK_U64(sub->messages, ALL);
    CHECK_U64(pub->sent.pipes, 1);
    CHECK_U64(pub->sent.dropped, 1);
    weft_sp_counts counts = sp_counts(pub);
    CHECK(counts.dropped > 10);
    CHECK_U64(counts.sent + counts.dropped, 2 * ALL - pub->config.pipe_queue_max);
}

/* ---- bus, pair */

static void a_bus_is_heard_by_all_but_who_speaks(void)
{
    sp_side *bus[3];
    bus[0] = sp_listen("a", "nng+bus+sim://a");
    bus[1] = sp_side_new("b", "nng+bus+sim://b", "nng+bus+sim://a");
    sp_begin(bus[1]);
    bus[2] = sp_side_new("c", NULL, "nng+bus+sim://a");
    bus[2]->dial[1] = "nng+bus+sim://b";
    sp_begin(bus[2]);
    for (int i = 0; i < 3; i++)
        CHECK_U64(bus[i]->joined, 2);
    for (int i = 0; i < 3; i++)
        sp_ask(bus[i], bus[i]->name, 0);
    CHECK_STR(bus[0]->got, " b c");
    CHECK_STR(bus[1]->got, " a c");
    CHECK_STR(bus[2]->got, " a b");
    CHECK_U64(bus[2]->sent.pipes, 2);
}

static void a_pair_has_one_peer_at_a_time(const char *listen, const char *dial, const char *hello)
{
    sp_side *one = sp_listen("one", listen);
    weft_sim_peer *first = weft_sim_connect(sim, "sim://server");
    weft_sim_peer_send(first, hello, 8);
    sp_side *other = sp_side_new("other", NULL, dial);
    other->config.delay_ms = 100;
    sp_begin(other);
    CHECK_U64(one->joined, 1);
    CHECK(sp_counts(one).pipes_refused >= 1);
    weft_sim_peer_close(first);
    weft_sim_advance(sim, 20000);
    CHECK_U64(sp_counts(one).pipes, 1);
    other->manner = SP_ECHOES;
    sp_tell(one, "there");
    CHECK_STR(other->got, " there");
    CHECK_STR(one->got, " there");
}

static void pairs_have_one_peer_at_a_time(void)
{
    a_pair_has_one_peer_at_a_time("nng+pair+sim://server", "nng+pair+sim://server", HELLO("\x10"));
    sim_done();
    before();
    a_pair_has_one_peer_at_a_time("nng+pair1+ipc+sim://server", "nng+pair1+ipc+sim://server",
                                  HELLO("\x11"));
}

static void pair1_counts_hops(void)
{
    sp_side *pair = sp_listen("pair", "nng+pair1+sim://server");
    pair->manner = SP_ECHOES;
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://server");
    CHECK_STR(weft_sim_expect_bytes(peer, HELLO("\x11"), 8), "");
    weft_sim_peer_send(peer, HELLO("\x11") "\0\0\0\0\0\0\0\5\0\0\0\2x", 8 + 13);
    CHECK_STR(weft_sim_expect_bytes(peer, "\0\0\0\0\0\0\0\5\0\0\0\1x", 13), "");
    weft_sim_peer_send(peer, "\0\0\0\0\0\0\0\5\0\0\0\x9y", 13);
    sp_tell(pair, "z");
    CHECK_STR(weft_sim_expect_bytes(peer, "\0\0\0\0\0\0\0\5\0\0\0\1z", 13), "");
    CHECK_STR(pair->got, " x");
}

/* ---- devices */

static void two_sockets_are_a_device_and_answers_come_back_through_it(void)
{
    sp_side *pull = sp_listen("pull", "nng+pull+sim://out");
    sp_side *out = sp_dial("out", "nng+push+sim://out");
    sp_side *in = sp_side_new("in", "nng+pull+sim://in", NULL);
    in->config.owner = out->socket;
    sp_begin(in);
    sp_side *push = sp_dial("push", "nng+push+sim://in");
    sp_ask(push, "through", 0);
    CHECK_STR(pull->got, " through");
    CHECK_U64(in->messages, 0);
    CHECK_U64(sp_counts(in).received, 1);
    sp_side *rep = sp_listen("rep", "nng+rep+sim://answers"),
            *req = sp_dial("req", "nng+req+sim://answers");
    rep->manner = SP_SIGNS;
    sp_side *gate = sp_side_new("gate", "nng+rep+sim://gate", NULL);
    gate->config.owner = req->socket;
    sp_begin(gate);
    sp_side *asks = sp_dial("asks", "nng+req+sim://gate");
    sp_ask(asks, "far", 0);
    CHECK_STR(asks->answers, " rep:far");
}

/* ---- surveys */

static void a_survey_ends_with_its_time(void)
{
    sp_side *surveyor = sp_listen("surveyor", "nng+surveyor+sim://server");
    sp_ask(surveyor, "anybody", 0);
    CHECK_U64(surveyor->fired, 1);
    CHECK_U64(surveyor->survey.asked, 0);
    for (int i = 0; i < 3; i++) {
        sp_side *r = sp_dial((const char *[]){"a", "b", "c"}[i], "nng+respondent+sim://server");
        r->manner = i == 1 ? SP_TAKES : SP_SIGNS;
    }
    sp_ask(surveyor, "who", 0);
    CHECK_U64(surveyor->fired, 1);
    weft_sim_advance(sim, 1000);
    CHECK_U64(surveyor->fired, 2);
    CHECK_U64(surveyor->survey.asked, 3);
    CHECK_U64(surveyor->survey.n, 2);
    CHECK(strstr(surveyor->answers, " a:who") != NULL);
    CHECK(strstr(surveyor->answers, " c:who") != NULL);
    CHECK_U64(sp_counts(surveyor).outstanding, 0);
}

static void a_survey_ends_when_enough_have_answered(void)
{
    sp_side *surveyor = sp_side_new("surveyor", "nng+surveyor+sim://server", NULL);
    surveyor->config.answers_max = 2;
    surveyor->config.answers_bytes_max = 100000;
    sp_begin(surveyor);
    for (int i = 0; i < 3; i++)
        sp_dial("r", "nng+respondent+sim://server")->manner = SP_ECHOES;
    sp_ask(surveyor, "who", 0);
    CHECK_U64(surveyor->fired, 1);
    CHECK_U64(surveyor->survey.n, 2);
    CHECK_U64(sp_counts(surveyor).late, 1);
    sp_ask_bytes(surveyor, 60000); /* the second is beyond the bytes */
    CHECK_U64(surveyor->fired, 2);
    CHECK_U64(surveyor->survey.n, 1);
}

static void requests_and_surveys_have_a_limit(void)
{
    sp_side *surveyor = sp_side_new("surveyor", "nng+surveyor+sim://server", NULL);
    surveyor->config.requests_max = 2;
    sp_begin(surveyor);
    (void)sp_dial("r", "nng+respondent+sim://server");
    for (int i = 0; i < 3; i++)
        sp_ask(surveyor, "x", 0);
    CHECK_U64(surveyor->fired, 1);
    CHECK_ERR(surveyor->err, WEFT_EFULL);
    CHECK_U64(sp_counts(surveyor).refused, 1);
    weft_sim_advance(sim, 2000);
    CHECK_U64(surveyor->succeeded, 2);
}

/* ---- the wire below */

static void every_carrier_brings_messages_of_every_size(void)
{
    static const char *const urls[][2] = {
        {"nng+pair+sim://server", "nng+pair+sim://server"},
        {"nng+pair+ipc+sim://server", "nng+pair+ipc+sim://server"},
        {"nng+pair+ws+sim://server/sp", "nng+pair+ws+sim://server/sp"}};
    static const size_t sizes[] = {65, 4096, 65535, 65536, 70000, 262144, 1000000, 1 << 20};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        before();
        sp_side *one = sp_listen("one", urls[i][0]), *two = sp_dial("two", urls[i][1]);
        two->manner = SP_ECHOES;
        char want[SP_TEXT] = "";
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            sp_ask_bytes(one, sizes[k]);
            (void)weft_sim_settle(sim, 10000);
            (void)snprintf(want + strlen(want), sizeof want - strlen(want), " %zu", sizes[k]);
        }
        CHECK_STR(two->got, want);
        CHECK_STR(one->got, want);
        sim_done();
    }
    before();
}

static void a_message_may_come_right_behind_the_handshake(void)
{
    sp_side *push = sp_listen("push", "nng+push+ws+sim://server/");
    sp_tell(push, "at once");
    sp_side *pull = sp_dial("pull", "nng+pull+ws+sim://server/");
    CHECK_STR(pull->got, " at once");
}

static void a_websocket_of_another_kind_is_closed(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+ws+sim://server/"),
            *push = sp_dial("push", "nng+push+ws+sim://server/");
    weft_sim_advance(sim, 5000);
    CHECK_U64(rep->joined + push->joined, 0);
    sp_side *req = sp_dial("req", "nng+req+ws+sim://server/");
    rep->manner = SP_SIGNS;
    sp_ask(req, "hello", 0);
    CHECK_STR(req->answers, " rep:hello");
}

/* ---- its life */

static void what_cannot_be_ends_the_socket_with_a_sentence(void)
{
    static const char *const urls[][2] = {
        {"tcp://server:1", "no URL of an SP socket"},
        {"nng+rep+sim://server?what=1", "what"},
        {NULL, "neither listens nor dials"},
        {"nng+req://127.0.0.1:1", "simulated"},
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        before();
        sp_side *side = sp_listen("side", urls[i][0]);
        CHECK_U64(side->downs, 1);
        CHECK(side->ended != WEFT_OK);
        CHECK(strstr(side->why, urls[i][1]) != NULL);
        sim_done();
    }
    before();
    sp_side *side = sp_side_new("side", "nng+rep+sim://server", "nng+req+sim://other");
    sp_begin(side);
    CHECK_ERR(side->ended, WEFT_EINVAL);
    CHECK(strstr(side->why, "of one kind") != NULL);
}

static void an_address_that_is_taken_ends_the_socket(void)
{
    sp_side *first = sp_listen("first", "nng+rep+sim://server"),
            *second = sp_listen("second", "nng+rep+sim://server");
    CHECK_U64(first->downs, 0);
    CHECK_U64(second->downs, 1);
    CHECK_ERR(second->ended, WEFT_EEXISTS);
}

static void it_listens_and_dials_at_several_places(void)
{
    sp_side *a = sp_side_new("a", "nng+pull+sim://a", NULL);
    a->listen[1] = "nng+pull+ipc+sim://b";
    a->listen[2] = "nng+pull+ws+sim://c/x";
    sp_begin(a);
    CHECK_U64(a->downs, 0);
    sp_side *d = sp_side_new("d", NULL, "nng+push+sim://a");
    d->dial[1] = "nng+push+ipc+sim://b";
    d->dial[2] = "nng+push+ws+sim://c/x";
    sp_begin(d);
    CHECK_U64(a->joined, 3);
    CHECK_U64(d->joined, 3);
    for (int i = 0; i < 6; i++)
        sp_ask(d, "x", 0);
    CHECK_STR(a->got, " x x x x x x");
}

static void a_socket_that_stops_flushes_and_lets_its_peers_go(void)
{
    sp_side *pull = sp_listen("pull", "nng+pull+sim://server?latency=0"), *push;
    pull = pull->downs != 0 ? sp_listen("pull", "nng+pull+sim://server") : pull;
    push = sp_dial("push", "nng+push+sim://server");
    sp_tell(push, "last");
    sp_stop(push);
    CHECK_U64(push->downs, 1);
    CHECK_OK(push->ended);
    CHECK_STR(pull->got, " last");
    CHECK_U64(pull->left, 1);
    sp_stop(pull);
    CHECK_U64(pull->downs, 1);
    CHECK_OK(pull->ended);
}

static void a_system_may_stop_within_a_message(void)
{
    static const char *const urls[][2] = {
        {"nng+pull+sim://server", "nng+push+sim://server"},
        {"nng+rep+sim://server", "nng+req+sim://server"},
        {"nng+pull+ws+sim://server/", "nng+push+ws+sim://server/"}};
    for (size_t i = 0; i < 2 * sizeof urls / sizeof urls[0]; i++) {
        before();
        const char *const *url = urls[i / 2];
        sp_side *hears = i % 2 == 0 ? sp_listen("hears", url[0]) : NULL, *asks;
        asks = i % 2 == 0 ? sp_dial("asks", url[1]) : sp_listen("asks", url[1]);
        hears = hears != NULL ? hears : sp_dial("hears", url[0]);
        hears->manner = SP_STOPS;
        sp_ask(asks, "stop", 0);
        CHECK_U64(hears->messages, 1);
        weft_sim_advance(sim, 60000);
        sim_done();
    }
    before();
}

static void what_waits_fails_when_the_socket_ends(void)
{
    sp_side *push = sp_listen("push", "nng+push+sim://server");
    sp_ask(push, "never", 0);
    CHECK_U64(push->fired, 0);
    sp_stop(push);
    CHECK_U64(push->fired, 1);
    CHECK_ERR(push->err, WEFT_EGONE);
}

static void an_owner_that_fails_costs_nobody_else_anything(void)
{
    sp_side *rep = sp_listen("rep", "nng+rep+sim://server"),
            *req = sp_dial("req", "nng+req+sim://server");
    rep->manner = SP_FAILS;
    sp_ask(req, "x", 1000);
    CHECK_U64(sp_counts(rep).unserved, 1);
    rep->manner = SP_SIGNS;
    sp_ask(req, "y", 1000);
    CHECK_STR(req->answers, " rep:y");
    weft_sim_advance(sim, 2000);
    CHECK_ERR(req->err, WEFT_ETIMEDOUT);
}

static void sending_is_for_those_who_send(void)
{
    static const char *const urls[] = {"nng+rep+sim://server", "nng+pull+sim://server",
                                       "nng+sub+sim://server", "nng+respondent+sim://server"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        before();
        sp_side *side = sp_listen("side", urls[i]);
        sp_ask(side, "x", 0);
        CHECK_ERR(side->err, WEFT_EUNSUPPORTED);
        sim_done();
    }
    before();
}

static const test_case cases[] = {
    TEST(a_request_is_answered),
    TEST(requests_are_answered_in_any_order),
    TEST(one_pipe_has_so_many_requests_served_at_a_time),
    TEST(a_request_waits_for_a_peer_and_goes_to_another_when_one_is_lost),
    TEST(a_request_that_is_not_to_be_sent_again_fails_with_its_pipe),
    TEST(a_request_is_sent_again_after_a_minute),
    TEST(an_owner_that_takes_too_long_is_told),
    TEST(an_ask_that_is_over_frees_its_request),
    TEST(a_request_is_asked_not_told),
    TEST(a_reply_goes_back_the_way_the_request_has_come),
    TEST(a_request_of_too_many_hops_is_let_go_of),
    TEST(a_peer_that_breaks_the_protocol_is_closed_and_others_go_on),
    TEST(a_peer_that_says_nothing_is_closed),
    TEST(a_message_beyond_the_limit_closes_its_pipe),
    TEST(a_socket_has_so_many_pipes),
    TEST(what_is_pushed_goes_round),
    TEST(what_is_pushed_waits_for_a_pipe_up_to_a_limit),
    TEST(the_bytes_of_what_waits_have_a_limit_too),
    TEST(a_slow_owner_slows_who_pushes),
    TEST(one_slow_pipe_does_not_hold_the_others),
    TEST(what_a_lost_pipe_had_not_taken_goes_to_another),
    TEST(many_pipes_are_heard_in_turn),
    TEST(what_was_sent_before_a_peer_left_is_heard),
    TEST(a_subscriber_is_given_its_topics),
    TEST(a_socket_has_so_many_topics_of_such_a_length),
    TEST(a_subscriber_that_does_not_read_misses_what_is_counted),
    TEST(a_bus_is_heard_by_all_but_who_speaks),
    TEST(pairs_have_one_peer_at_a_time),
    TEST(pair1_counts_hops),
    TEST(two_sockets_are_a_device_and_answers_come_back_through_it),
    TEST(a_survey_ends_with_its_time),
    TEST(a_survey_ends_when_enough_have_answered),
    TEST(requests_and_surveys_have_a_limit),
    TEST(every_carrier_brings_messages_of_every_size),
    TEST(a_message_may_come_right_behind_the_handshake),
    TEST(a_websocket_of_another_kind_is_closed),
    TEST(what_cannot_be_ends_the_socket_with_a_sentence),
    TEST(an_address_that_is_taken_ends_the_socket),
    TEST(it_listens_and_dials_at_several_places),
    TEST(a_socket_that_stops_flushes_and_lets_its_peers_go),
    TEST(a_system_may_stop_within_a_message),
    TEST(what_waits_fails_when_the_socket_ends),
    TEST(an_owner_that_fails_costs_nobody_else_anything),
    TEST(sending_is_for_those_who_send),
    {0},
};
const test_suite sp_socket_suite = {
    .name = "protocols/sp_socket", .before = before, .after = sim_done, .cases = cases};
