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

static void check_names(const char *names, int line)
{
    const weft_irc_view *view = look();
    bool same = view != NULL && view->names.size == strlen(names) &&
                memcmp(view->names.at, names, strlen(names)) == 0;
    if (!same)
        printf("line %d: expected \"%s\", not \"%.*s\"\n", line, names,
               view != NULL ? (int)view->names.size : 0,
               view != NULL ? (const char *)view->names.at : "");
    CHECK(same);
}
#define NAMES(text) check_names((text), __LINE__)

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

static void names_are_the_same_by_the_servers_casemapping(void)
{
    static const char *const channels[] = {"#c", NULL};
    config.channels = channels;
    serve();
    (void)other("a[x");
    weft_sim_peer *b = other("a{x");
    start();
    const weft_irc_view *view = look();
    REQUIRE(view != NULL);
    CHECK_U64(view->members, 3);
    weft_sim_peer_say(b, "QUIT\r\n");
    weft_sim_advance(sim, 10);
    NAMES("weft @a[x");
}

static void a_channel_with_the_longest_name_is_known(void)
{
    char name[65] = "#";
    const char *channels[] = {name, NULL};
    memset(name + 1, 'x', 63);
    config.channels = channels;
    serve();
    start();
    weft_irc_look asked;
    memcpy(asked.channel, name, sizeof asked.channel);
    const weft_outcome *got =
        weft_sim_ask_body(sim, seen.client, &weft_irc_look_type, &asked, WEFT_INHERIT);
    CHECK_OK(got->err);
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

/* In #c with bob and eve, on a server that said @isupport. */
static weft_sim_peer *scripted_with(const char *isupport)
{
    char text[512];
    weft_sim_peer *peer = scripted();
    (void)snprintf(text, sizeof text,
                   ":s 001 weft :hi\r\n:s 005 weft %s :are supported\r\n:weft!w@h JOIN #c\r\n"
                   ":s 353 weft = #c :weft bob eve\r\n",
                   isupport);
    weft_sim_peer_say(peer, text);
    weft_sim_advance(sim, 10);
    return peer;
}

static void modes_are_read_as_the_server_names_them(void)
{
    weft_sim_peer *peer = scripted_with("CHANMODES=Ibg,k,FLfjl,BCmnt PREFIX=(yov)!@+");
    weft_sim_peer_say(peer, ":s MODE #c +fo 3:5 bob\r\n");
    NAMES("weft @bob eve");
    weft_sim_peer_say(peer, ":s MODE #c -f+vg eve *!*@x\r\n:s MODE #c +yov bob weft weft\r\n");
    NAMES("@weft @bob +eve");
    weft_sim_peer_say(peer, ":s 353 weft = #c :!@dan !joe %ann\r\n");
    NAMES("@weft @bob +eve @dan joe %ann");
}

static void what_a_server_takes_back_is_as_before(void)
{
    weft_sim_peer *peer = scripted_with("CHANMODES=b,,o, PREFIX= CASEMAPPING=ascii");
    weft_sim_peer_say(peer, ":s MODE #c +v eve\r\n:s 353 weft = #c :@dan\r\n:B[!b@h JOIN #c\r\n");
    NAMES("weft bob eve @dan B[");
    weft_sim_peer_say(peer, ":s 005 weft -CHANMODES -PREFIX -CASEMAPPING :are supported\r\n"
                            ":s MODE #c +hv bob eve\r\n:b{!b@h QUIT\r\n");
    NAMES("weft bob +eve @dan");
}

static void what_a_server_says_of_itself_is_bounded(void)
{
    char isupport[400];
    memset(isupport, 'x', sizeof isupport);
    memcpy(isupport, "CHANMODES=", 10);
    memcpy(isupport + 300, " PREFIX=(abcdefghijklmnopq)01234567890123456", 44);
    isupport[344] = '\0';
    weft_sim_peer *peer = scripted_with(isupport);
    weft_sim_peer_say(peer, ":s 005 weft PREFIX=(ov@+ PREFIX=(ov)@ PREFIX=x CASEMAPPING= - = :x\r\n"
                            ":s MODE #c +xo 1 bob\r\n");
    NAMES("weft @bob eve");
}

/* What a server says at once to who comes first, and next. */
static const char *const greetings[] = {
    ":s 001 weft :hi\r\n:s 005 weft CASEMAPPING=ascii PREFIX=(ov)%$ :are supported\r\n"
    ":weft!w@h JOIN #c\r\n:s 353 weft = #c :weft %B[ $dan @joe\r\n:b{!b@h QUIT\r\n",
    ":s 001 weft :hi\r\n:weft!w@h JOIN #c\r\n:s 353 weft = #c :weft @B[ dan\r\n:b{!b@h QUIT\r\n",
};
static uint32_t greeted;

static weft_err greeter_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    return weft_write_text(self, opened->stream, "%s", greetings[greeted++ % 2]);
}

static weft_err greeter_data(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler greeter_rows[] = {
    {.type = &weft_opened_type, .fn = greeter_opened},
    {.type = &weft_data_type, .fn = greeter_data},
    {0},
};
static const weft_behaviour greeter = {.name = "greeter", .handlers = greeter_rows};

static void a_server_that_is_met_anew_begins_with_what_most_have(void)
{
    unsigned dropped;
    greeted = 0;
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &greeter, NULL));
    start();
    NAMES("weft @B[ +dan @joe");
    CHECK_OK(weft_sim_drop(sim, URL, &dropped));
    weft_sim_advance(sim, 5000);
    NAMES("weft dan");
}

static void ping_and_ctcp_are_answered_within_limits(void)
{
    weft_sim_peer *peer = scripted();
    CHECK_STR(weft_sim_expect(peer, "NICK weft\r\nUSER weft 0 * :weft\r\n"), "");
    weft_sim_peer_say(peer, "PING :x y\r\n:s PING z\r\n:s 001 weft :hi\r\n");
    CHECK_STR(weft_sim_expect(peer, "PONG :x y\r\nPONG :z\r\n"), "");
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

/* The nick is locked; it is too long; it was aborted. */
static void sasl_that_comes_to_nothing_ends_it(void)
{
    static const char *const answers[] = {":s 902 weft :no\r\n", ":s 905 * :no\r\n",
                                          ":s 906 * :no\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        after();
        before();
        config.account = "alice";
        config.secret = "sesame";
        weft_sim_peer *peer = scripted();
        weft_sim_peer_say(peer, ":s CAP * ACK :sasl\r\nAUTHENTICATE +\r\n");
        CHECK(!seen.ended);
        weft_sim_peer_say(peer, answers[i]);
        weft_sim_advance(sim, 100);
        CHECK(seen.ended);
        CHECK_ERR(seen.reason, WEFT_EDENIED);
    }
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
    TEST(names_are_the_same_by_the_servers_casemapping),
    TEST(a_channel_with_the_longest_name_is_known),
    TEST(modes_are_read_as_the_server_names_them),
    TEST(what_a_server_takes_back_is_as_before),
    TEST(what_a_server_says_of_itself_is_bounded),
    TEST(a_server_that_is_met_anew_begins_with_what_most_have),
    TEST(a_nick_that_is_taken_gets_a_tail),
    TEST(it_comes_back_when_it_was_lost),
    TEST(ping_and_ctcp_are_answered_within_limits),
    TEST(sasl_is_spoken_and_its_refusal_ends_it),
    TEST(sasl_that_comes_to_nothing_ends_it),
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
