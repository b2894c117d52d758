/* SPDX-License-Identifier: MIT */
/* A console that joins whoever comes with the console of another system, behind a login or without one. */
#include "check.h"

#include <string.h>

#include <weft/auth.h>
#include <weft/console.h>
#include <weft/net.h>
#include <weft/supervisor.h>
#include <weft/testing_stream.h>

#define ADMIN "sim://admin"
#define GATE "sim://gate"
#define WEFT "weft> "

static weft_auth_source source;
static const weft_auth_config auth = {.sources = &source, .count = 1};
static const weft_child rows[] = {{.name = "auth", .behaviour = &weft_auth, .config = &auth}, {0}};
static const weft_supervisor tree = {.children = rows};
static const weft_console_config open_gate = {.to = ADMIN};
static const weft_console_config locked_gate = {.to = ADMIN, .auth = "auth"};

static weft_sim *sim;
static weft_sim_peer *peer;

/* Without @console nobody listens there. */
static void open_world(const weft_console_config *gate, bool console, uint64_t failing)
{
    weft_why why = {""};
    CHECK_OK(weft_auth_source_parse("memory:ada:secret", &source, &why));
    sim = weft_sim_new(&(weft_sim_options){.seed = failing + 1, .system = {.reactors = 2}});
    REQUIRE(sim != NULL);
    if (console)
        CHECK_OK(weft_listen(weft_sim_system(sim), ADMIN, &weft_console, NULL));
    CHECK_OK(weft_listen(weft_sim_system(sim), GATE, &weft_console, gate));
    CHECK(!weft_ref_is_nobody(
        weft_system_spawn(weft_sim_system(sim), 0, &weft_supervisor_behaviour, &tree)));
    (void)weft_sim_run(sim);
    weft_sim_fail_allocation(sim, failing);
    peer = weft_sim_connect(sim, GATE);
    (void)weft_sim_settle(sim, 1000);
}

static void close_world(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* What came since it was asked last, without the zeros that telnet puts behind each "\r". */
static const char *came(void)
{
    static char text[65536];
    size_t n = 0;
    (void)weft_sim_settle(sim, 1000);
    for (; peer->expected < peer->got_bytes && n + 1 < sizeof text; peer->expected++)
        if (peer->got[peer->expected] != '\0')
            text[n++] = peer->got[peer->expected];
    text[n] = '\0';
    return text;
}

static const char *ask(const char *line)
{
    (void)came();
    weft_sim_peer_say(peer, line);
    return came();
}

static bool says(const char *text, const char *what)
{
    bool said = strstr(text, what) != NULL;
    CHECK(said);
    return said;
}

static void who_comes_is_joined_with_the_console_there(void)
{
    open_world(&open_gate, true, 0);
    const char *shown = came();
    says(shown, WEFT);
    CHECK(strstr(shown, "weft console") == NULL);
    says(ask("na\t"), "mes ");
    says(ask("\r"), "auth\r\n");
    says(ask("log\r\n"), "debug\r\n");
    CHECK(strstr(came(), "\r\r") == NULL);
    says(ask("x\xff\xf4"), "^C\r\n"); /* a command of telnet */
    (void)ask("quit\r");
    CHECK(peer->ended);
    close_world();
}

static void the_window_is_that_of_the_peer(void)
{
    open_world(&open_gate, true, 0);
    (void)ask("\xff\xfd\x01\xff\xfb\x1flo");
    weft_sim_peer_send(peer, "\xff\xfa\x1f\0d\0\x28\xff\xf0", 9);
    says(came(), "weft> lo"); /* drawn for another size */
    close_world();
}

static void a_login_comes_first(void)
{
    open_world(&locked_gate, true, 0);
    says(came(), "login: ");
    says(ask("tree\r"), "password: ");
    says(ask("wrong\r"), "login incorrect");
    says(ask("ada\r"), "password: ");
    const char *shown = ask("secret\rlog\r"); /* typed before they are joined */
    says(shown, WEFT);
    says(shown, "debug\r\n");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "sim://client:49153: login of tree refused: "), 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "sim://client:49153: login of ada"), 1);
    weft_sim_peer_end(peer);
    (void)weft_sim_settle(sim, 5000);
    CHECK(peer->closed);
    close_world();
}

static void what_was_typed_before_an_end_is_done(void)
{
    open_world(&locked_gate, true, 0);
    (void)came();
    weft_sim_peer_say(peer, "ada\rsecret\rlog\r");
    weft_sim_peer_end(peer);
    says(came(), "debug\r\n");
    CHECK(peer->closed);
    close_world();
}

static void three_wrong_logins_are_the_last(void)
{
    open_world(&locked_gate, true, 0);
    (void)ask("ada\ra\rada\rb\rada\rc\r");
    CHECK(peer->ended);
    close_world();
}

static void a_console_that_is_not_there_is_said_to_be_so(void)
{
    open_world(&open_gate, false, 0);
    says(came(), "error: unable to reach the console: ");
    CHECK(peer->ended);
    close_world();
}

static void who_is_no_console_is_not_joined(void)
{
    for (unsigned i = 0; i < 3; i++) {
        open_world(&open_gate, false, 0);
        weft_sim_peer *other = weft_sim_listen(sim, ADMIN);
        peer = weft_sim_connect(sim, GATE);
        (void)weft_sim_settle(sim, 1000);
        if (i == 0)
            weft_sim_peer_say(other, "220 mail.example ESMTP\r\n");
        else if (i == 1)
            weft_sim_peer_end(other);
        else
            weft_sim_advance(sim, WEFT_CONSOLE_JOIN_MS);
        says(came(), i == 0 ? "error: unable to reach the console: it is none: it says \"220 "
                              "mail.example ESMTP\"\r\n"
                            : "it says nothing\r\n");
        CHECK(peer->ended);
        close_world();
    }
}

static void what_is_typed_before_has_a_limit(void)
{
    open_world(&open_gate, false, 0);
    weft_sim_peer *other = weft_sim_listen(sim, ADMIN);
    peer = weft_sim_connect(sim, GATE);
    (void)weft_sim_settle(sim, 1000);
    (void)came();
    for (unsigned i = 0; i < WEFT_CONSOLE_AHEAD_BYTES_MAX / 64; i++)
        weft_sim_peer_send(peer, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                           64);
    CHECK_STR(came(), "");
    CHECK_STR(ask("x"), "\a");
    weft_sim_peer_say(other, WEFT_CONSOLE_GREETING);
    (void)weft_sim_settle(sim, 1000);
    CHECK(other->got_bytes > WEFT_CONSOLE_AHEAD_BYTES_MAX);
    CHECK(other->got[other->got_bytes - 1] == 'f');
    close_world();
}

static void a_console_that_goes_takes_its_peers_along(void)
{
    open_world(&open_gate, true, 0);
    says(ask("shutdown\r"), "shutting down\r\n");
    CHECK(peer->ended || peer->closed);
    close_world();
}

static void memory_that_is_out_anywhere_leaks_nothing(void)
{
    for (uint64_t n = 1;; n++) {
        open_world(&locked_gate, true, n);
        weft_sim_peer_say(peer, "ada\rsecret\rlog\r\ttree\rquit\r");
        (void)weft_sim_settle(sim, 1000);
        bool met = weft_sim_allocation_failed(sim);
        close_world();
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(who_comes_is_joined_with_the_console_there),
    TEST(the_window_is_that_of_the_peer),
    TEST(a_login_comes_first),
    TEST(what_was_typed_before_an_end_is_done),
    TEST(three_wrong_logins_are_the_last),
    TEST(a_console_that_is_not_there_is_said_to_be_so),
    TEST(who_is_no_console_is_not_joined),
    TEST(what_is_typed_before_has_a_limit),
    TEST(a_console_that_goes_takes_its_peers_along),
    TEST(memory_that_is_out_anywhere_leaks_nothing),
    {0},
};
const test_suite console_join_suite = {.name = "protocols/console_join", .cases = cases};
