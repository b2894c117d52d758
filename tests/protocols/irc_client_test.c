/* SPDX-License-Identifier: MIT */
/* An IRC client, against weft's own server and against a peer that says what a server might. */
#include "check.h"

#include <weft/irc.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#define URL "sim://irc:6667"

static weft_sim *sim;
static weft_irc_config server;
static weft_irc_client_config config;
static weft_ref owner;

static struct seen {
    weft_ref client;
    char log[4096];
    bool keep, ended;
    weft_msg *kept;
    weft_err reason;
} seen;

static void note(const char *text, size_t n)
{
    size_t at = strlen(seen.log);
    (void)snprintf(seen.log + at, sizeof seen.log - at, "%.*s\n", (int)n, text);
}

static weft_err owner_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    seen.client = weft_spawn(self, &weft_irc_client, &config);
    return weft_ref_is_nobody(seen.client) ? WEFT_ENOMEM : WEFT_OK;
}

static weft_err on_heard(weft_actor *self, weft_msg *msg)
{
    const weft_irc_heard *heard = weft_body(msg);
    (void)self;
    note((const char *)heard->line.at, heard->line.size);
    if (seen.keep)
        seen.kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_state(weft_actor *self, weft_msg *msg)
{
    const weft_irc_state *state = weft_body(msg);
    char text[128];
    (void)self;
    int n = snprintf(text, sizeof text, "<%s %s>", state->in ? "in" : "out", state->nick);
    note(text, (size_t)n);
    return WEFT_OK;
}

typedef struct let_go {
    char nothing;
} let_go;
static const weft_type let_go_type = WEFT_TYPE("test.let_go", let_go, NULL);

static weft_err on_let_go(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    seen.keep = false;
    weft_drop(&seen.kept);
    return WEFT_OK;
}

typedef struct speak {
    char nothing;
} speak;
static const weft_type speak_type = WEFT_TYPE("test.speak", speak, NULL);

static weft_err on_speak(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    CHECK_ERR(weft_irc_say(self, seen.client, "PRIVMSG #c :a\r\nQUIT"), WEFT_EINVAL);
    return weft_irc_say(self, seen.client, "PRIVMSG %s :%s", "#c", "hello");
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    (void)self, (void)child;
    seen.ended = true;
    seen.reason = reason;
}

static const weft_handler owner_rows[] = {
    {.type = &weft_started_type, .fn = owner_started},
    {.type = &weft_irc_heard_type, .fn = on_heard},
    {.type = &weft_irc_state_type, .fn = on_state},
    {.type = &let_go_type, .fn = on_let_go},
    {.type = &speak_type, .fn = on_speak},
    {0},
};
static const weft_behaviour owner_behaviour = {
    .name = "owner", .handlers = owner_rows, .child_ended = child_ended};

static void before(void)
{
    memset(&seen, 0, sizeof seen);
    server = (weft_irc_config){.flood_line_ms = WEFT_IRC_NEVER};
    config = (weft_irc_client_config){.url = URL, .nick = "weft"};
    sim = weft_sim_new(&(weft_sim_options){.seed = 5});
    REQUIRE(sim != NULL);
}

static void after(void)
{
    if (seen.kept != NULL)
        CHECK_OK(weft_sim_tell(sim, owner, let_go, .nothing = 0));
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void serve(void)
{
    CHECK(!weft_ref_is_nobody(
        weft_system_spawn(weft_sim_system(sim), 0, &weft_irc_network, &server)));
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_irc_server, &server));
    (void)weft_sim_run(sim);
}

static void start(void)
{
    owner = weft_sim_spawn(sim, &owner_behaviour, NULL);
    weft_sim_advance(sim, 10);
}

static weft_sim_peer *other(const char *nick)
{
    char line[128];
    weft_sim_peer *peer = weft_sim_connect(sim, URL);
    (void)snprintf(line, sizeof line, "NICK %s\r\nUSER x 0 * :x\r\nJOIN #c\r\n", nick);
    weft_sim_peer_say(peer, line);
    weft_sim_advance(sim, 10);
    return peer;
}

static bool has(const char *text)
{
    return strstr(seen.log, text) != NULL;
}

static void it_comes_in_joins_and_talks(void)
{
    static const char *const channels[] = {"#c", NULL};
    config.channels = channels;
    serve();
    start();
    CHECK(strncmp(seen.log, "<in weft>\n", 10) == 0);
    CHECK(has(" JOIN #c\n"));
    weft_sim_peer *bob = other("bob");
    CHECK_OK(weft_sim_tell(sim, owner, speak, .nothing = 0));
    CHECK(strstr(bob->got, " PRIVMSG #c :hello\r\n") != NULL);
    weft_sim_peer_say(bob, "PRIVMSG #c :and you\r\n");
    CHECK(has(" PRIVMSG #c :and you\n"));
}

static const weft_irc_view *look(void)
{
    const weft_outcome *got = weft_sim_ask(sim, seen.client, weft_irc_look, .channel = "#C");
    return got->err == WEFT_OK ? got->body : NULL;
}

static void it_knows_who_is_in_its_channels(void)
{
    static const char *const channels[] = {"#c", NULL};
    config.channels = channels;
    serve();
    weft_sim_peer *bob = other("bob"), *eve = other("eve");
    start();
    weft_sim_peer_say(bob, "TOPIC #c :news\r\nMODE #c +v weft\r\n");
    const weft_irc_view *view = look();
    REQUIRE(view != NULL);
    CHECK_MEM(view->names.at, view->names.size, "+weft @bob eve", 14);
    CHECK_STR(view->topic, "news");
    weft_sim_peer_say(bob, "NICK bobby\r\nKICK #c eve\r\nMODE #c +o-v weft weft\r\n");
    view = look();
    REQUIRE(view != NULL);
    CHECK_MEM(view->names.at, view->names.size, "@weft @bobby", 12);
    weft_sim_peer_say(eve, "QUIT\r\n");
    weft_sim_peer_say(bob, "KICK #c weft\r\n");
    CHECK(look() == NULL);
}

static void a_nick_that_is_taken_gets_a_tail(void)
{
    serve();
    (void)other("weft");
    (void)other("weft_");
    start();
    CHECK(has("<in weft__>\n"));
}

static void it_comes_back_when_it_was_lost(void)
{
    static const char *const channels[] = {"#c", NULL};
    unsigned dropped;
    config.channels = channels;
    serve();
    start();
    CHECK_OK(weft_sim_drop(sim, URL, &dropped));
    CHECK_U64(dropped, 1);
    weft_sim_advance(sim, 10);
    CHECK(has("<out weft>\n"));
    CHECK_ERR(
        weft_sim_ask(sim, seen.client, weft_irc_send, .line = WEFT_BYTES_LITERAL("PING x"))->err,
        WEFT_EGONE);
    seen.log[0] = '\0';
    weft_sim_advance(sim, 5000);
    CHECK(strncmp(seen.log, "<in weft>\n", 10) == 0 && has(" JOIN #c\n"));
}

static weft_sim_peer *scripted(void)
{
    weft_sim_peer *peer = weft_sim_listen(sim, URL);
    start();
    return peer;
}

static void ping_and_ctcp_are_answered_within_limits(void)
{
    weft_sim_peer *peer = scripted();
    CHECK_STR(weft_sim_expect(peer, "NICK weft\r\nUSER weft 0 * :weft\r\n"), "");
    weft_sim_peer_say(peer, "PING :x y\r\n:s 001 weft :hi\r\n");
    CHECK_STR(weft_sim_expect(peer, "PONG :x y\r\n"), "");
    weft_sim_peer_say(peer, ":a!b@c PRIVMSG weft :\001VERSION\001\r\n");
    CHECK_STR(weft_sim_expect(peer, "NOTICE a :\001VERSION weft\001\r\n"), "");
    for (int i = 0; i < 6; i++)
        weft_sim_peer_say(peer, ":a!b@c PRIVMSG weft :\001PING 1 2\001\r\n");
    for (int i = 0; i < 4; i++)
        CHECK_STR(weft_sim_expect(peer, "NOTICE a :\001PING 1 2\001\r\n"), "");
    weft_sim_advance(sim, 100);
    CHECK_U64(peer->expected, peer->got_bytes);
    weft_sim_peer_say(peer, ":a!b@c PRIVMSG weft :\001ACTION waves\001\r\n");
    CHECK(has(":a!b@c PRIVMSG weft :\001ACTION waves\001\n") && !has("VERSION"));
}

static void sasl_is_spoken_and_its_refusal_ends_it(void)
{
    config.account = "alice";
    config.secret = "sesame";
    weft_sim_peer *peer = scripted();
    CHECK_STR(weft_sim_expect(peer, "CAP REQ :sasl\r\nNICK weft\r\nUSER weft 0 * :weft\r\n"), "");
    weft_sim_peer_say(peer, ":s CAP * ACK :sasl\r\n");
    CHECK_STR(weft_sim_expect(peer, "AUTHENTICATE PLAIN\r\n"), "");
    weft_sim_peer_say(peer, "AUTHENTICATE +\r\n");
    CHECK_STR(weft_sim_expect(peer, "AUTHENTICATE AGFsaWNlAHNlc2FtZQ==\r\n"), "");
    weft_sim_peer_say(peer, ":s 904 * :no\r\n");
    weft_sim_advance(sim, 100);
    CHECK(seen.ended);
    CHECK_ERR(seen.reason, WEFT_EDENIED);
}

static void a_silent_server_is_pinged_and_left(void)
{
    config.ping_ms = 1000;
    weft_sim_peer *peer = scripted();
    weft_sim_peer_say(peer, ":s 001 weft :hi\r\n");
    weft_sim_advance(sim, 2500);
    CHECK(strstr(peer->got, "PING :weft\r\n") != NULL && !peer->closed);
    weft_sim_advance(sim, 1000);
    CHECK(peer->closed);
    CHECK(has("<out weft>\n"));
}

static void the_next_line_is_read_when_the_last_was_let_go_of(void)
{
    weft_sim_peer *peer = scripted();
    seen.keep = true;
    weft_sim_peer_say(peer, ":s 001 weft :hi\r\n:s NOTICE weft :1\r\n:s NOTICE weft :2\r\n");
    CHECK(has(" :1\n") && !has(" :2\n"));
    CHECK_OK(weft_sim_tell(sim, owner, let_go, .nothing = 0));
    CHECK(has(" :2\n"));
}

static void what_is_no_line_is_not_sent(void)
{
    char line[WEFT_IRC_LINE_BYTES_MAX + 1];
    serve();
    start();
    CHECK_ERR(
        weft_sim_ask(sim, seen.client, weft_irc_send, .line = WEFT_BYTES_LITERAL("A\r\nB"))->err,
        WEFT_EINVAL);
    CHECK_ERR(weft_sim_ask(sim, seen.client, weft_irc_send, .line = WEFT_BYTES_LITERAL(""))->err,
              WEFT_EINVAL);
    memset(line, 'a', sizeof line);
    CHECK_ERR(
        weft_sim_ask(sim, seen.client, weft_irc_send, .line = weft_bytes_static(line, sizeof line))
            ->err,
        WEFT_ETOOBIG);
    CHECK_OK(
        weft_sim_ask(sim, seen.client, weft_irc_send, .line = WEFT_BYTES_LITERAL("MOTD"))->err);
    CHECK(has(" 422 weft "));
}

static void a_config_that_makes_no_sense_ends_it(void)
{
    config.nick = "9";
    start();
    CHECK(seen.ended);
    CHECK_ERR(seen.reason, WEFT_EINVAL);
}

static void members_and_channels_beyond_the_limits_are_not_kept(void)
{
    static const char *const channels[] = {"#c", "#d", NULL};
    config.channels = channels;
    config.channels_max = 1;
    config.members_max = 1;
    serve();
    start();
    (void)other("bob");
    const weft_irc_view *view = look();
    REQUIRE(view != NULL);
    CHECK_U64(view->members, 1);
    CHECK_ERR(weft_sim_ask(sim, seen.client, weft_irc_look, .channel = "#d")->err, WEFT_ENOTFOUND);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "does not keep all"), 1);
}

static void memory_that_runs_out_is_survived_or_ends_it(void)
{
    static const char *const channels[] = {"#c", NULL};
    bool met = true;
    after();
    for (uint64_t n = 1; met && n < 1000; n++) {
        before();
        config.channels = channels;
        serve();
        owner = weft_sim_spawn(sim, &owner_behaviour, NULL);
        weft_sim_fail_allocation(sim, n);
        weft_sim_advance(sim, 10);
        met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        weft_sim_advance(sim, 200000);
        bool is_in =
            !seen.ended && !weft_ref_is_nobody(seen.client) &&
            weft_sim_ask(sim, seen.client, weft_irc_send, .line = WEFT_BYTES_LITERAL("MOTD"))
                    ->err == WEFT_OK;
        CHECK(seen.ended || weft_ref_is_nobody(seen.client) || is_in);
        after();
    }
    CHECK(!met);
    before();
}

static const test_case cases[] = {
    TEST(it_comes_in_joins_and_talks),
    TEST(it_knows_who_is_in_its_channels),
    TEST(a_nick_that_is_taken_gets_a_tail),
    TEST(it_comes_back_when_it_was_lost),
    TEST(ping_and_ctcp_are_answered_within_limits),
    TEST(sasl_is_spoken_and_its_refusal_ends_it),
    TEST(a_silent_server_is_pinged_and_left),
    TEST(the_next_line_is_read_when_the_last_was_let_go_of),
    TEST(what_is_no_line_is_not_sent),
    TEST(a_config_that_makes_no_sense_ends_it),
    TEST(memory_that_runs_out_is_survived_or_ends_it),
    TEST(members_and_channels_beyond_the_limits_are_not_kept),
    {0},
};

const test_suite irc_client_suite = {
    .name = "protocols/irc_client", .before = before, .after = after, .cases = cases};
