/* SPDX-License-Identifier: MIT */
/* An IRC server as its clients see it. */
#include "check.h"

#include <stdlib.h>
#include <weft/auth.h>
#include <weft/edge.h>
#include <weft/irc.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#include "irc_server.h"

#define URL "sim://irc:6667"

typedef struct person {
    weft_sim_peer *peer;
    size_t seen;
} person;

static weft_sim *sim;
static weft_irc_config config;
static weft_ref network;
static const weft_irc_oper opers[] = {{"root", "secret"}};
static weft_auth_source source;
static weft_auth_config auth_config = {.sources = &source, .count = 1};
static weft_auth_config *with_auth;

static void begin_with(const char *url, unsigned reactors)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 7, .system.reactors = reactors});
    REQUIRE(sim != NULL);
    weft_system *sys = weft_sim_system(sim);
    config.opers = opers;
    config.opers_count = 1;
    if (with_auth != NULL) {
        weft_ref auth = weft_system_spawn(sys, 0, &weft_auth, with_auth);
        CHECK_OK(weft_system_register(sys, auth, "auth"));
    }
    network = weft_system_spawn(sys, 0, &weft_irc_network, &config);
    CHECK(!weft_ref_is_nobody(network));
    CHECK_OK(weft_listen(sys, url, &weft_irc_server, &config));
    (void)weft_sim_run(sim);
}

static void begin(void)
{
    begin_with(URL, 1);
}

static void after(void)
{
    if (sim == NULL)
        return;
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
    memset(&config, 0, sizeof config);
    with_auth = NULL;
}

static person come(void)
{
    person p = {.peer = weft_sim_connect(sim, URL)};
    return p;
}

static void say(person *p, const char *line)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s\r\n", line);
    weft_sim_peer_say(p->peer, text);
    (void)weft_sim_run(sim);
}

/* What has come since the last look. */
static const char *heard(person *p)
{
    const char *at = p->peer->got_bytes > p->seen ? p->peer->got + p->seen : "";
    p->seen = p->peer->got_bytes;
    return at;
}

static void check_heard(person *p, const char *text, int line)
{
    const char *got = heard(p);
    if (strstr(got, text) == NULL)
        printf("line %d: expected \"%s\" in \"%s\"\n", line, text, got);
    CHECK(strstr(got, text) != NULL);
}
#define HEARD(p, text) check_heard((p), (text), __LINE__)
#define HEARD_NOTHING(p) CHECK_STR(heard(p), "")

static person come_as(const char *nick)
{
    char line[128];
    person p = come();
    (void)snprintf(line, sizeof line, "NICK %s\r\nUSER %s 0 * :Real %s", nick, nick, nick);
    say(&p, line);
    return p;
}

/* In, with nothing left to be heard. */
static person come_in(const char *nick, const char *caps, const char *channel)
{
    char line[256];
    person p = come_as(nick);
    if (caps != NULL) {
        (void)snprintf(line, sizeof line, "CAP REQ :%s", caps);
        say(&p, line);
    }
    if (channel != NULL) {
        (void)snprintf(line, sizeof line, "JOIN %s", channel);
        say(&p, line);
    }
    (void)heard(&p);
    return p;
}

/* ---- registration */

static void nick_and_user_let_a_client_in(void)
{
    begin();
    person a = come_as("alice");
    const char *got = heard(&a);
    CHECK(strstr(got, ":irc.weft 001 alice :Welcome to the weft IRC Network alice!~alice@") !=
          NULL);
    CHECK(strstr(got, " 005 alice AWAYLEN=255 CASEMAPPING=ascii CHANLIMIT=#:50") != NULL);
    CHECK(strstr(got, " 251 alice :There are 1 users and 0 invisible") != NULL);
    CHECK(strstr(got, " 422 alice :MOTD File is missing\r\n") != NULL);
}

static void nothing_is_served_before(void)
{
    begin();
    person a = come();
    say(&a, "JOIN #a");
    HEARD(&a, ":irc.weft 451 * :You have not registered\r\n");
    say(&a, "PING x");
    HEARD(&a, ":irc.weft PONG irc.weft :x\r\n");
}

static void a_nick_is_had_once_and_must_be_one(void)
{
    begin();
    person a = come_in("alice", NULL, NULL), b = come();
    say(&b, "NICK ALICE");
    HEARD(&b, ":irc.weft 433 * ALICE :Nickname is already in use\r\n");
    say(&b, "NICK 9x");
    HEARD(&b, " 432 * 9x :");
    say(&b, "NICK");
    HEARD(&b, " 431 * :");
    say(&b, "NICK abcdefghijklmnopqrstuvwxyz12345");
    HEARD(&b, " 432 ");
    say(&a, "QUIT");
    say(&b, "NICK alice\r\nUSER b 0 * :b");
    HEARD(&b, " 001 alice ");
}

static void a_password_must_be_right(void)
{
    config.password = "sesame";
    begin();
    person a = come(), b = come(), c = come();
    say(&a, "PASS sesame\r\nNICK a\r\nUSER a 0 * :a");
    HEARD(&a, " 001 a ");
    say(&b, "PASS wrong!\r\nNICK b\r\nUSER b 0 * :b");
    HEARD(&b, "ERROR :Closing Link");
    say(&c, "NICK c\r\nUSER c 0 * :c");
    HEARD(&c, " 464 c :Password incorrect\r\n");
    (void)weft_sim_settle(sim, 100);
    CHECK(b.peer->closed || b.peer->ended);
}

static void capabilities_hold_registration_until_their_end(void)
{
    begin();
    person a = come();
    say(&a, "CAP LS 302\r\nNICK a\r\nUSER a 0 * :a");
    HEARD(&a,
          "CAP * LS :account-tag away-notify cap-notify echo-message extended-join message-tags "
          "multi-prefix server-time\r\n");
    say(&a, "CAP REQ :echo-message nonsense");
    HEARD(&a, "CAP a NAK :echo-message nonsense\r\n");
    say(&a, "CAP REQ :echo-message server-time");
    HEARD(&a, "CAP a ACK :echo-message server-time\r\n");
    say(&a, "CAP REQ -server-time");
    HEARD(&a, "CAP a ACK :-server-time\r\n");
    say(&a, "CAP LIST");
    HEARD(&a, "CAP a LIST :cap-notify echo-message\r\n");
    say(&a, "CAP END");
    HEARD(&a, " 001 a ");
}

static void a_client_that_does_not_come_in_is_closed(void)
{
    config.registration_ms = 1000;
    begin();
    person a = come();
    weft_sim_advance(sim, 1500);
    HEARD(&a, "ERROR :Closing Link: ");
    CHECK(a.peer->ended || a.peer->closed);
}

static void sasl_plain_asks_the_auth_actor(void)
{
    weft_why why;
    CHECK_OK(weft_auth_source_parse("memory:alice:sesame", &source, &why));
    with_auth = &auth_config;
    config.auth = "auth";
    begin();
    person a = come();
    say(&a, "CAP LS 302\r\nNICK a\r\nUSER a 0 * :a\r\nCAP REQ sasl\r\nAUTHENTICATE PLAIN");
    HEARD(&a, "AUTHENTICATE +\r\n");
    /* alice NUL alice NUL open: wrong; the line behind it waits for what comes of it */
    say(&a, "AUTHENTICATE YWxpY2UAYWxpY2UAb3Blbg==\r\nPING behind");
    (void)weft_sim_settle(sim, 5000);
    HEARD(&a, " 904 a :SASL authentication failed\r\n:irc.weft PONG irc.weft :behind\r\n");
    say(&a, "AUTHENTICATE PLAIN\r\nAUTHENTICATE AGFsaWNlAHNlc2FtZQ==\r\nCAP END");
    (void)weft_sim_settle(sim, 5000);
    const char *got = heard(&a);
    const char *in = strstr(got, " 903 a ");
    CHECK(strstr(got, " 900 a a!~a@") != NULL && in != NULL);
    CHECK(in != NULL && strstr(in, " 001 a ") != NULL);
    say(&a, "WHOIS a");
    HEARD(&a, " 330 a a alice :is logged in as\r\n");
}

static void sasl_that_is_no_base64_or_too_long_is_refused(void)
{
    char line[512] = "AUTHENTICATE ";
    with_auth = &auth_config;
    config.auth = "auth";
    begin();
    person a = come();
    say(&a, "CAP REQ sasl\r\nAUTHENTICATE EXTERNAL");
    HEARD(&a, " 908 * PLAIN :");
    say(&a, "AUTHENTICATE PLAIN\r\nAUTHENTICATE ***");
    HEARD(&a, " 904 ");
    memset(line + 13, 'A', 400);
    say(&a, "AUTHENTICATE PLAIN");
    say(&a, line);
    say(&a, line);
    (void)heard(&a);
    say(&a, line);
    HEARD(&a, " 905 * :SASL message too long\r\n");
    say(&a, "AUTHENTICATE PLAIN\r\nAUTHENTICATE *");
    HEARD(&a, " 906 ");
}

/* ---- channels */

static void a_channel_begins_with_who_joins_it_first(void)
{
    begin();
    person a = come_in("alice", NULL, NULL), b = come_in("bob", NULL, NULL);
    say(&a, "JOIN #Weft");
    const char *got = heard(&a);
    CHECK(strstr(got, ":alice!~alice@") != NULL && strstr(got, " JOIN #Weft\r\n") != NULL);
    CHECK(strstr(got, " 353 alice = #Weft :@alice\r\n") != NULL);
    CHECK(strstr(got, " 366 alice #Weft :End of /NAMES list\r\n") != NULL);
    say(&b, "JOIN #weft");
    HEARD(&b, " 353 bob = #Weft :@alice bob\r\n");
    HEARD(&a, " JOIN #Weft\r\n");
    say(&b, "JOIN #weft");
    HEARD_NOTHING(&b);
}

static void what_is_said_reaches_all_others_once(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, "#c"), c = come_in("c", NULL, "#d");
    (void)heard(&a);
    say(&a, "PRIVMSG #c :hello  there");
    HEARD(&b, " PRIVMSG #c :hello  there\r\n");
    HEARD_NOTHING(&a);
    HEARD_NOTHING(&c);
    say(&a, "NOTICE b,c :two");
    HEARD(&b, " NOTICE b :two\r\n");
    HEARD(&c, " NOTICE c :two\r\n");
}

static void who_is_not_inside_is_not_heard(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, NULL);
    say(&b, "PRIVMSG #c :x");
    HEARD(&b, " 404 b #c :Cannot send to channel\r\n");
    say(&b, "NOTICE #c :x");
    HEARD_NOTHING(&b);
    HEARD_NOTHING(&a);
    say(&b, "PRIVMSG #none :x\r\nPRIVMSG nobody :x\r\nPRIVMSG\r\nPRIVMSG #c");
    const char *got = heard(&b);
    CHECK(strstr(got, " 403 b #none :") != NULL && strstr(got, " 401 b nobody :") != NULL);
    CHECK(strstr(got, " 411 b :") != NULL && strstr(got, " 412 b :") != NULL);
}

static void part_and_quit_are_told_once_to_who_shares_channels(void)
{
    begin();
    person a = come_in("a", NULL, "#x,#y"), b = come_in("b", NULL, "#x,#y"),
           c = come_in("c", NULL, "#z");
    (void)heard(&a);
    say(&b, "NICK bb");
    CHECK(strstr(heard(&b), " NICK :bb\r\n") != NULL);
    const char *got = heard(&a);
    CHECK(strncmp(got, ":b!~b@", 6) == 0 && strchr(got, '\n') == got + strlen(got) - 1);
    say(&b, "PART #x :enough");
    HEARD(&a, " PART #x :enough\r\n");
    say(&b, "JOIN #x");
    (void)heard(&a);
    say(&b, "QUIT :bye");
    got = heard(&a);
    CHECK(strstr(got, " QUIT :Quit: bye\r\n") != NULL &&
          strchr(got, '\n') == got + strlen(got) - 1);
    HEARD(&b, "ERROR :Closing Link");
    HEARD_NOTHING(&c);
    say(&a, "WHOWAS bb");
    HEARD(&a, " 314 a bb ~b ");
}

static void a_lost_connection_is_a_quit(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, "#c");
    (void)heard(&a);
    weft_sim_peer_abort(b.peer);
    (void)weft_sim_settle(sim, 100);
    HEARD(&a, ":b!~b@");
    say(&a, "NAMES #c");
    HEARD(&a, " 353 a = #c :@a\r\n");
}

static void an_empty_channel_is_forgotten_with_its_modes(void)
{
    begin();
    person a = come_in("a", NULL, "#c");
    say(&a, "MODE #c +k key\r\nPART #c\r\nLIST");
    CHECK(strstr(heard(&a), " 322 ") == NULL);
    say(&a, "JOIN #c");
    HEARD(&a, " 353 a = #c :@a\r\n");
}

static void topics_are_kept_and_told(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, "#c");
    (void)heard(&a);
    say(&b, "TOPIC #c :mine");
    HEARD(&b, " 482 b #c :");
    say(&b, "TOPIC #c");
    HEARD(&b, " 331 b #c :");
    say(&a, "TOPIC #c :ours");
    HEARD(&b, " TOPIC #c :ours\r\n");
    person c = come_as("c");
    say(&c, "JOIN #c");
    const char *got = heard(&c);
    CHECK(strstr(got, " 332 c #c :ours\r\n") != NULL && strstr(got, " 333 c #c a ") != NULL);
}

static void modes_rule_who_comes_in(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, NULL);
    say(&a, "MODE #c +k key\r\nMODE #c +l 1");
    HEARD(&a, " MODE #c +l 1\r\n");
    say(&b, "JOIN #c\r\nJOIN #c key");
    const char *got = heard(&b);
    CHECK(strstr(got, " 475 b #c ") != NULL && strstr(got, " 471 b #c ") != NULL);
    say(&a, "MODE #c -lk *\r\nMODE #c +b b!*@*");
    HEARD(&a, " MODE #c +b b!*@*\r\n");
    say(&b, "JOIN #c");
    HEARD(&b, " 474 b #c ");
    say(&a, "MODE #c +b\r\nMODE #c -b+i b!*@*");
    got = heard(&a);
    CHECK(strstr(got, " 367 a #c b!*@* a 17") != NULL && strstr(got, " 368 a #c ") != NULL);
    say(&b, "JOIN #c");
    HEARD(&b, " 473 b #c ");
    say(&a, "INVITE b #c");
    HEARD(&a, " 341 a b #c\r\n");
    HEARD(&b, " INVITE b #c\r\n");
    say(&b, "JOIN #c\r\nPART #c\r\nJOIN #c");
    got = heard(&b);
    CHECK(strstr(got, " PART #c") != NULL && strstr(got, " 473 b #c ") != NULL);
}

static void operators_give_modes_and_kick(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, "#c");
    say(&b, "MODE #c +m\r\nKICK #c a");
    const char *got = heard(&b);
    CHECK(strstr(got, " 482 b #c ") != NULL);
    say(&a, "MODE #c +m");
    say(&b, "PRIVMSG #c :x");
    HEARD(&b, " 404 b #c ");
    say(&a, "MODE #c +vz b");
    HEARD(&a, " MODE #c +v b\r\n");
    say(&b, "PRIVMSG #c :y");
    HEARD(&a, " PRIVMSG #c :y\r\n");
    say(&a, "MODE #c +o b");
    say(&a, "MODE #c");
    HEARD(&a, " 324 a #c +mnt\r\n");
    say(&b, "KICK #c a :out");
    HEARD(&a, " KICK #c a :out\r\n");
    say(&a, "PART #c");
    HEARD(&a, " 442 a #c ");
}

static void bans_are_limited_by_bans_max(void)
{
    config.bans_max = 2;
    begin();
    person a = come_in("a", NULL, "#c");
    say(&a, "MODE #c +bbb one two three");
    const char *got = heard(&a);
    CHECK(strstr(got, " 478 a #c b :") != NULL);
    CHECK(strstr(got, " MODE #c +bb one!*@* two!*@*\r\n") != NULL);
}

static void channels_are_limited_by_user_channels_max(void)
{
    config.user_channels_max = 2;
    begin();
    person a = come_in("a", NULL, "#1,#2");
    say(&a, "JOIN #3");
    HEARD(&a, " 405 a #3 ");
    say(&a, "JOIN 0");
    HEARD(&a, " PART #1\r\n");
    say(&a, "JOIN #1,#2,#3,#4,#5,#6,#7,#8,#9");
    HEARD(&a, " 407 a #9 :Too many targets\r\n");
}

/* ---- what is known of others */

static void who_whois_and_names_tell_what_may_be_known(void)
{
    begin();
    person a = come_in("a", "multi-prefix", "#c"), b = come_in("b", NULL, "#s");
    say(&a, "MODE #c +v a\r\nNAMES #c");
    HEARD(&a, " 353 a = #c :@+a\r\n");
    say(&b, "MODE #s +s\r\nAWAY :gone fishing");
    HEARD(&b, " 306 b ");
    say(&a, "WHOIS b");
    const char *got = heard(&a);
    CHECK(strstr(got, " 311 a b ~b ") != NULL && strstr(got, " * :Real b\r\n") != NULL);
    CHECK(strstr(got, " 301 a b :gone fishing\r\n") != NULL && strstr(got, " 319 ") == NULL);
    CHECK(strstr(got, " 318 a b ") != NULL);
    say(&a, "WHO #c\r\nWHO b\r\nNAMES #s\r\nLIST");
    got = heard(&a);
    CHECK(strstr(got, " 352 a #c ~a ") != NULL && strstr(got, " a H@+ :0 Real a\r\n") != NULL);
    CHECK(strstr(got, " b G :0 Real b\r\n") != NULL && strstr(got, " 353 a @ #s") == NULL);
    CHECK(strstr(got, " 322 a #c 1 :\r\n") != NULL && strstr(got, "#s 1") == NULL);
    say(&a, "PRIVMSG b :there?\r\nISON b nobody\r\nUSERHOST a b");
    got = heard(&a);
    CHECK(strstr(got, " 301 a b :gone fishing\r\n") != NULL);
    CHECK(strstr(got, " 303 a :b\r\n") != NULL && strstr(got, " b=-~b@") != NULL);
}

static void operators_of_the_network_may_kill(void)
{
    begin();
    person a = come_in("a", NULL, NULL), b = come_in("b", NULL, NULL);
    say(&a, "KILL b :x\r\nOPER root wrong");
    const char *got = heard(&a);
    CHECK(strstr(got, " 481 a ") != NULL && strstr(got, " 464 a ") != NULL);
    say(&a, "OPER root secret");
    HEARD(&a, " 381 a ");
    say(&a, "LUSERS\r\nKILL b :enough");
    HEARD(&a, " 252 a 1 :operator(s) online\r\n");
    HEARD(&b, "ERROR :Closing Link: ");
    say(&a, "MODE a -o+i");
    HEARD(&a, " MODE a -o+i\r\n");
    say(&a, "MODE b +i\r\nMODE a");
    HEARD(&a, " 221 a +i\r\n");
}

static void the_message_of_the_day_is_told_line_by_line(void)
{
    config.motd = "one\r\n\nthree";
    begin();
    person a = come_in("a", NULL, NULL);
    say(&a, "MOTD");
    CHECK_STR(heard(&a), ":irc.weft 375 a :- irc.weft Message of the day -\r\n"
                         ":irc.weft 372 a :- one\r\n:irc.weft 372 a :- \r\n"
                         ":irc.weft 372 a :- three\r\n:irc.weft 376 a :End of /MOTD command.\r\n");
    say(&a, "VERSION\r\nNONSENSE\r\nJOIN");
    const char *got = heard(&a);
    CHECK(strstr(got, " 351 a weft irc.weft :\r\n") != NULL);
    CHECK(strstr(got, " 421 a NONSENSE :") != NULL && strstr(got, " 461 a JOIN :") != NULL);
}

/* ---- capabilities at work */

static void each_reader_gets_a_line_as_it_asked_for_it(void)
{
    begin();
    person a = come_in("a", "message-tags", "#c"),
           b = come_in("b", "server-time message-tags", "#c"), c = come_in("c", NULL, "#c");
    say(&a, "@+x=1;y=2 PRIVMSG #c :hi");
    const char *got = heard(&b);
    CHECK(strncmp(got, "@time=", 6) == 0 && strstr(got, "Z;+x=1 :a!~a@") != NULL);
    CHECK(strstr(got, "y=2") == NULL);
    got = heard(&c);
    CHECK(strncmp(got, ":a!~a@", 6) == 0);
    say(&a, "@+typing=active TAGMSG #c");
    CHECK(strstr(heard(&b), ";+typing=active :a!~a@") != NULL);
    HEARD_NOTHING(&c);
}

static void echo_away_and_extended_join_are_told_to_who_asked(void)
{
    begin();
    person a = come_in("a", "echo-message away-notify extended-join", "#c"),
           b = come_in("b", NULL, "#c");
    HEARD(&a, " JOIN #c * :Real b\r\n");
    say(&a, "PRIVMSG #c :echo");
    HEARD(&a, " PRIVMSG #c :echo\r\n");
    HEARD(&b, " PRIVMSG #c :echo\r\n");
    say(&b, "AWAY :x");
    HEARD(&a, " AWAY :x\r\n");
    say(&b, "AWAY");
    HEARD(&a, " AWAY\r\n");
    say(&a, "AWAY :y");
    CHECK(strstr(heard(&b), " AWAY") == NULL);
}

static void when_somebody_came_in_stays_the_same(void)
{
    begin();
    weft_sim_advance(sim, 500);
    person a = come_in("a", NULL, NULL);
    char first[256] = "";
    for (int i = 0; i < 20; i++) {
        say(&a, "WHOIS a");
        const char *line = strstr(heard(&a), " 317 a a "), *at = line;
        REQUIRE(at != NULL);
        at = strchr(at + 9, ' '); /* behind the seconds of silence */
        REQUIRE(at != NULL);
        if (first[0] == '\0')
            (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(at, "\r"), at);
        CHECK(strncmp(at, first, strlen(first)) == 0);
        weft_sim_advance(sim, 130);
    }
}

/* ---- limits */

static void a_silent_client_is_pinged_and_then_closed(void)
{
    config.ping_ms = 1000;
    begin();
    person a = come_in("a", NULL, NULL), b = come_in("b", NULL, NULL);
    weft_sim_advance(sim, 1300);
    CHECK_STR(heard(&a), "PING :irc.weft\r\n");
    say(&a, "PONG :irc.weft");
    weft_sim_advance(sim, 900);
    HEARD(&b, "ERROR :Closing Link: ");
    say(&a, "PING x");
    HEARD(&a, "PONG irc.weft :x\r\n");
}

static void a_flood_is_read_slowly_and_in_order(void)
{
    config.flood_lines = 4;
    config.flood_line_ms = 100;
    begin();
    person a = come_in("a", NULL, NULL);
    weft_sim_advance(sim, 1000);
    say(&a, "PING 1\r\nPING 2\r\nPING 3\r\nPING 4\r\nPING 5\r\nPING 6");
    CHECK(strstr(heard(&a), ":4\r\n") != NULL);
    weft_sim_advance(sim, 99);
    HEARD_NOTHING(&a);
    weft_sim_advance(sim, 1);
    HEARD(&a, ":5\r\n");
    weft_sim_advance(sim, 100);
    HEARD(&a, ":6\r\n");
}

static void a_line_that_is_too_long_is_answered_so(void)
{
    char line[700];
    begin();
    person a = come_in("a", NULL, NULL);
    memset(line, 'x', sizeof line);
    line[600] = '\0';
    say(&a, line);
    HEARD(&a, " 417 a :Input line was too long\r\n");
}

static void a_full_server_says_so(void)
{
    config.clients_max = 1;
    begin();
    person a = come_in("a", NULL, NULL), b = come();
    (void)weft_sim_settle(sim, 100);
    HEARD(&b, "ERROR :Closing Link: the server is full\r\n");
    say(&a, "QUIT");
    (void)weft_sim_settle(sim, 3000);
    weft_sim_peer_close(a.peer);
    (void)weft_sim_settle(sim, 3000);
    person c = come_as("c");
    HEARD(&c, " 001 c ");
}

static void who_reads_nothing_is_closed_and_holds_nobody(void)
{
    config.flood_line_ms = WEFT_IRC_NEVER;
    begin_with(URL "?write_queue=16k", 1);
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, "#c"), c = come_in("c", NULL, "#c");
    (void)heard(&a);
    char line[500] = "PRIVMSG #c :";
    memset(line + 12, 'x', 400);
    weft_sim_peer_deaf(b.peer, true);
    for (int i = 0; i < 3000 && strstr(heard(&a), "SendQ exceeded") == NULL; i++)
        say(&a, line);
    say(&a, "NAMES #c");
    HEARD(&a, " 353 a = #c :@a c\r\n");
    weft_sim_peer_deaf(b.peer, false);
    say(&a, "PRIVMSG #c :still");
    HEARD(&c, "PRIVMSG #c :still\r\n");
}

/* ---- reactors, ends, faults */

static void clients_of_other_reactors_are_members_like_any(void)
{
    begin_with(URL, 3);
    static const char *const nicks[] = {"a", "b", "c", "d", "e", "f"};
    person p[6];
    for (int i = 0; i < 6; i++)
        p[i] = come_in(nicks[i], i % 2 == 0 ? "server-time" : NULL, "#c");
    for (int i = 0; i < 6; i++)
        (void)heard(&p[i]);
    for (int i = 0; i < 6; i++) {
        say(&p[i], "PRIVMSG #c :one\r\nPRIVMSG #c :two");
        HEARD_NOTHING(&p[i]);
        for (int j = 0; j < 6; j++) {
            const char *got = j != i ? heard(&p[j]) : "";
            const char *one = j != i ? strstr(got, "PRIVMSG #c :one\r\n") : NULL;
            CHECK(j == i || (one != NULL && strstr(one, "PRIVMSG #c :two\r\n") != NULL));
        }
    }
    say(&p[0], "KICK #c b");
    HEARD(&p[1], " KICK #c b :a\r\n");
    say(&p[2], "QUIT");
    HEARD(&p[3], ":c!~c@");
}

static void a_channel_ended_by_force_lets_its_members_go(void)
{
    begin();
    person a = come_in("a", NULL, "#c"), b = come_in("b", NULL, "#c");
    (void)heard(&a);
    const wf_irc_net *net = weft_sim_state(sim, network);
    const wf_irc_channel *channel = wf_irc_find_channel(net, weft_irc_text_of("#c"));
    REQUIRE(channel != NULL);
    CHECK_OK(weft_sim_kill(sim, channel->actor, WEFT_EINTERNAL));
    (void)weft_sim_settle(sim, 100);
    HEARD(&a, " PART #c :The channel has ended\r\n");
    HEARD(&b, " PART #c :The channel has ended\r\n");
    say(&b, "JOIN #c");
    HEARD(&b, " 353 b = #c :@b\r\n");
}

static void a_network_that_ends_closes_its_clients(void)
{
    begin();
    person a = come_in("a", NULL, "#c");
    CHECK_OK(weft_sim_kill(sim, network, WEFT_EINTERNAL));
    (void)weft_sim_settle(sim, 100);
    say(&a, "PING x");
    (void)weft_sim_settle(sim, 100);
    CHECK(a.peer->closed);
}

static void clients_are_told_that_the_server_stops(void)
{
    begin();
    person a = come_in("a", NULL, "#c");
    weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
    weft_sim_advance(sim, 100);
    HEARD(&a, "(Server shutting down)\r\n");
}

static void talk_a_while(void)
{
    person a = come_in("a", "server-time", "#c"), b = come_in("b", NULL, "#c");
    say(&a, "MODE #c +b x\r\nTOPIC #c :t\r\nPRIVMSG #c :x\r\nAWAY :y\r\nNICK aa\r\nINVITE b #c");
    say(&b, "PRIVMSG #c :x\r\nJOIN #d\r\nWHO #c\r\nWHOIS aa\r\nPART #c\r\nQUIT");
    weft_sim_peer_close(a.peer);
    weft_sim_peer_close(b.peer);
    (void)weft_sim_settle(sim, 5000);
}

static void memory_that_runs_out_loses_a_client_at_most(void)
{
    bool met = true;
    for (uint64_t n = 1; met && n < 2000; n++) {
        begin();
        person c = come_in("c", NULL, NULL);
        weft_sim_fail_allocation(sim, n);
        talk_a_while();
        met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        weft_sim_advance(sim, 20000);
        if (!c.peer->closed && !c.peer->ended) {
            say(&c, "JOIN #after");
            (void)weft_sim_settle(sim, 1000);
            HEARD(&c, " JOIN #after\r\n");
        }
        after();
    }
    CHECK(!met);
}

/* ---- what an operator reads */

static void who_comes_in_and_what_operators_do_has_a_line_in_the_log(void)
{
    begin();
    person root = come_in("root", NULL, NULL), bob = come_in("bob", NULL, NULL);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " bob: comes in as ~bob: Real bob"), 1);
    say(&root, "OPER root wrong");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " root: refused as the operator root"), 1);
    say(&root, "OPER root secret");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " root: is an operator, as root"), 1);
    say(&root, "KILL bob :enough");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " bob: killed by root: enough"), 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "wrong"), 0);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "secret"), 0);
    HEARD(&bob, "Killed (root (enough))");
}

static void who_is_refused_has_a_line_in_the_log(void)
{
    config.password = "sesame";
    begin();
    person p = come_as("alice");
    HEARD(&p, " 464 ");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " alice: refused: the password is wrong"), 1);
}

static void logins_by_sasl_have_lines_in_the_log(void)
{
    source = (weft_auth_source){
        .kind = WEFT_AUTH_FROM_MEMORY, .user = "alice", .password = "wonderland"};
    config.auth = "auth";
    config.auth_required = true;
    with_auth = &auth_config;
    begin();
    person p = come(), q = come_as("carol");
    HEARD(&q, "SASL authentication is required");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " carol: refused: without an account"), 1);
    say(&p, "CAP REQ :sasl\r\nNICK al\r\nUSER al 0 * :Al\r\nAUTHENTICATE PLAIN");
    say(&p, "AUTHENTICATE AGFsaWNlAHdyb25n"); /* \0alice\0wrong */
    HEARD(&p, " 904 ");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE,
                              " al: refused as alice by SASL PLAIN: the credentials are not valid"),
              1);
    say(&p, "AUTHENTICATE PLAIN\r\nAUTHENTICATE AGFsaWNlAHdvbmRlcmxhbmQ=");
    HEARD(&p, " 903 ");
    say(&p, "CAP END");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, " al (alice): comes in as ~al: Al"), 1);
}

static const test_case cases[] = {
    TEST(nick_and_user_let_a_client_in),
    TEST(nothing_is_served_before),
    TEST(a_nick_is_had_once_and_must_be_one),
    TEST(a_password_must_be_right),
    TEST(capabilities_hold_registration_until_their_end),
    TEST(a_client_that_does_not_come_in_is_closed),
    TEST(sasl_plain_asks_the_auth_actor),
    TEST(sasl_that_is_no_base64_or_too_long_is_refused),
    TEST(a_channel_begins_with_who_joins_it_first),
    TEST(what_is_said_reaches_all_others_once),
    TEST(who_is_not_inside_is_not_heard),
    TEST(part_and_quit_are_told_once_to_who_shares_channels),
    TEST(a_lost_connection_is_a_quit),
    TEST(an_empty_channel_is_forgotten_with_its_modes),
    TEST(topics_are_kept_and_told),
    TEST(modes_rule_who_comes_in),
    TEST(operators_give_modes_and_kick),
    TEST(bans_are_limited_by_bans_max),
    TEST(channels_are_limited_by_user_channels_max),
    TEST(who_whois_and_names_tell_what_may_be_known),
    TEST(operators_of_the_network_may_kill),
    TEST(the_message_of_the_day_is_told_line_by_line),
    TEST(each_reader_gets_a_line_as_it_asked_for_it),
    TEST(echo_away_and_extended_join_are_told_to_who_asked),
    TEST(when_somebody_came_in_stays_the_same),
    TEST(a_silent_client_is_pinged_and_then_closed),
    TEST(a_flood_is_read_slowly_and_in_order),
    TEST(a_line_that_is_too_long_is_answered_so),
    TEST(a_full_server_says_so),
    TEST(who_reads_nothing_is_closed_and_holds_nobody),
    TEST(clients_of_other_reactors_are_members_like_any),
    TEST(a_channel_ended_by_force_lets_its_members_go),
    TEST(a_network_that_ends_closes_its_clients),
    TEST(clients_are_told_that_the_server_stops),
    TEST(memory_that_runs_out_loses_a_client_at_most),
    TEST(who_comes_in_and_what_operators_do_has_a_line_in_the_log),
    TEST(who_is_refused_has_a_line_in_the_log),
    TEST(logins_by_sasl_have_lines_in_the_log),
    {0},
};

const test_suite irc_server_suite = {
    .name = "protocols/irc_server", .after = after, .cases = cases};
