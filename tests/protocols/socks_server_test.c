/* SPDX-License-Identifier: MIT */
/* The SOCKS server: scripts of what a client sends and must see, and weft's own client against it. */
#include <stdlib.h>

#include <weft/auth.h>
#include <weft/net.h>
#include <weft/socks.h>
#include <weft/testing_stream.h>
#include <weft/wire.h>

#include "check.h"
#include "wire_player.h"

#define FRONT "sim://front:1080"

static weft_socks_config config;
static const char *allow[4], *deny[4];
static char texts[4][64];
static unsigned texts_n;
static bool login;
static weft_auth_source sources[1];
static const weft_auth_config auth_config = {.sources = sources, .count = 1};

static void reset(void)
{
    config = (weft_socks_config){.idle_ms = 0};
    memset(allow, 0, sizeof allow);
    memset(deny, 0, sizeof deny);
    texts_n = 0;
    login = false;
}

static const char *keep(const char *text)
{
    REQUIRE(texts_n < 4 && strlen(text) < sizeof texts[0]);
    (void)snprintf(texts[texts_n], sizeof texts[0], "%s", text);
    return texts[texts_n++];
}

/* limit NAME VALUE, login, allow RULE, deny RULE, option TEXT */
static bool setup(const char *word, char *rest)
{
    const wire_limit limits[] = {{"request_timeout_ms", &config.request_timeout_ms, NULL},
                                 {"connect_timeout_ms", &config.connect_timeout_ms, NULL},
                                 {"idle_ms", &config.idle_ms, NULL},
                                 {0}};
    if (strcmp(word, "login") == 0)
        login = true;
    else if (strcmp(word, "allow") == 0)
        allow[0] = keep(rest);
    else if (strcmp(word, "deny") == 0)
        deny[0] = keep(rest);
    else if (strcmp(word, "option") == 0)
        config.connect = keep(rest);
    else
        return wire_set_limit(limits, word, rest);
    return true;
}

static weft_sim *open_with(const weft_sim_options *options)
{
    weft_sim *sim = weft_sim_new(options);
    weft_system *sys = weft_sim_system(sim);
    weft_why why;
    CHECK_OK(weft_auth_source_parse("memory:alice:sesame", &sources[0], &why));
    config.auth = login ? weft_system_spawn(sys, 0, &weft_auth, &auth_config) : WEFT_NOBODY;
    config.allow = allow[0] != NULL ? allow : NULL;
    config.deny = deny[0] != NULL ? deny : NULL;
    CHECK_OK(weft_listen(sys, FRONT, &weft_socks_server, &config));
    CHECK_OK(weft_listen(sys, "sim://echo:7", &weft_wire_echo, NULL));
    return sim;
}

static weft_sim *open_world(uint64_t seed)
{
    return open_with(&(weft_sim_options){.seed = seed});
}

static bool nothing(const char *word, char *rest, wire_text *out)
{
    (void)word, (void)rest, (void)out;
    return false;
}

static bool nothing_checked(const char *word, const char *rest)
{
    (void)word, (void)rest;
    return false;
}

static size_t as_it_is(char *came, size_t n)
{
    (void)came;
    return n;
}

static const wire_world world = {.url = FRONT,
                                 .reset = reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = nothing,
                                 .check = nothing_checked,
                                 .strip = as_it_is};

/* ---- the scripts */

#define SCRIPTS(X)                                                  \
    X(version_5_reaches_its_target)                                 \
    X(what_comes_behind_the_request_is_the_targets)                 \
    X(version_4_reaches_its_target_by_name)                         \
    X(a_half_close_is_passed_on)                                    \
    X(a_client_that_offers_no_method_we_take_is_told_and_closed)    \
    X(a_login_is_asked_for_and_checked)                             \
    X(a_login_may_come_at_once_with_all_else)                       \
    X(a_wrong_login_is_refused_and_closed)                          \
    X(a_login_that_is_no_login_is_refused_and_closed)               \
    X(a_client_that_offers_no_login_is_refused_where_one_is_wanted) \
    X(version_4_is_refused_where_a_login_is_wanted)                 \
    X(bind_is_refused_in_words)                                     \
    X(associate_is_refused_in_words)                                \
    X(bind_of_version_4_is_refused)                                 \
    X(an_unknown_type_of_address_is_reply_8)                        \
    X(a_target_nobody_is_at_is_reply_5)                             \
    X(a_target_that_does_not_answer_is_reply_6)                     \
    X(a_target_that_is_denied_is_reply_2)                           \
    X(a_target_that_is_not_allowed_is_reply_2)                      \
    X(a_target_that_is_allowed_is_reached)                          \
    X(a_name_no_host_has_is_reply_1)                                \
    X(port_0_is_no_port_to_go_to)                                   \
    X(what_is_no_socks_is_closed)                                   \
    X(a_login_of_another_version_is_closed)                         \
    X(a_client_that_says_nothing_is_closed_in_time)                 \
    X(a_client_that_stops_behind_its_greeting_is_closed_in_time)    \
    X(a_client_that_ends_before_its_request_is_closed)              \
    X(the_time_for_a_request_is_over_when_it_came)                  \
    X(a_pair_that_is_idle_is_closed)

#define SCRIPT(name)                           \
    static void name(void)                     \
    {                                          \
        wire_play_all("socks/" #name, &world); \
    }
SCRIPTS(SCRIPT)

/* ---- both ends are weft's */

static weft_sim *sim;
static weft_sim_peer *client, *target;

static void begin(const char *url, weft_sim_options options)
{
    sim = open_with(&options);
    target = weft_sim_listen(sim, "sim://target:80");
    client = weft_sim_connect(sim, url);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static uint8_t *numbered(size_t n)
{
    uint8_t *bytes = malloc(n);
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
    return bytes;
}

static void each_client_of_weft_reaches_a_target_through_it(void)
{
    static const char *const urls[] = {
        "sim://target:80?via=socks5h://front",
        "sim://target:80?via=socks5://front:1080",
        "sim://target:80?via=socks4a://me@front",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        reset();
        begin(urls[i], (weft_sim_options){.seed = 1});
        CHECK(client->opened && target->opened);
        weft_sim_peer_say(client, "there");
        weft_sim_peer_say(target, "back");
        CHECK_STR(target->got, "there");
        CHECK_STR(client->got, "back");
        finish();
    }
}

static void a_login_of_weft_is_accepted_and_a_wrong_one_is_denied(void)
{
    reset();
    login = true;
    begin("sim://target:80?via=socks5h://alice:sesame@front", (weft_sim_options){.seed = 1});
    CHECK(client->opened);
    finish();
    begin("sim://target:80?via=socks5h://alice:open@front", (weft_sim_options){.seed = 1});
    CHECK_ERR(client->reason, WEFT_EDENIED);
    finish();
    begin("sim://target:80?via=socks5h://front", (weft_sim_options){.seed = 1});
    CHECK_ERR(client->reason, WEFT_EDENIED);
    finish();
}

static void servers_may_stand_behind_each_other(void)
{
    reset();
    config.connect = "via=socks5h://front";
    sim = open_with(&(weft_sim_options){.seed = 1});
    static const weft_socks_config first = {.connect = "via=socks5h://front:1081"};
    static const weft_socks_config second = {.idle_ms = 0};
    weft_system *sys = weft_sim_system(sim);
    CHECK_OK(weft_listen(sys, "sim://front:1079", &weft_socks_server, &first));
    CHECK_OK(weft_listen(sys, "sim://front:1081", &weft_socks_server, &second));
    target = weft_sim_listen(sim, "sim://target:80");
    client = weft_sim_connect(sim, "sim://target:80?via=socks5h://front:1079");
    CHECK(client->opened && target->opened);
    weft_sim_peer_say(client, "far");
    CHECK_STR(target->got, "far");
    finish();
}

static void a_target_that_does_not_read_stops_the_client(void)
{
    const size_t n = 12000000;
    uint8_t *bytes = numbered(n);
    reset();
    begin("sim://target:80?via=socks5h://front", (weft_sim_options){.seed = 1});
    weft_sim_peer_deaf(target, true);
    weft_sim_peer_send(client, bytes, n);
    CHECK(target->got_bytes < 300000);
    weft_sim_peer_deaf(target, false);
    weft_sim_peer_end(client);
    CHECK(target->ended);
    CHECK_MEM(target->got, target->got_bytes, bytes, n);
    finish();
    free(bytes);
}

static void an_abort_of_either_side_is_passed_on(void)
{
    reset();
    begin("sim://target:80?via=socks5h://front", (weft_sim_options){.seed = 1});
    weft_sim_peer_abort(client);
    CHECK_ERR(target->reason, WEFT_ELOST);
    finish();
    begin("sim://target:80?via=socks5h://front", (weft_sim_options){.seed = 1});
    weft_sim_peer_abort(target);
    CHECK_ERR(client->reason, WEFT_ELOST);
    finish();
}

static void a_client_that_leaves_while_its_target_is_connected_leaves_nothing(void)
{
    reset();
    config.connect = "latency=1h";
    begin("sim://target:80?via=socks5h://front", (weft_sim_options){.seed = 1});
    CHECK(!client->opened);
    weft_sim_peer_abort(client);
    weft_sim_advance(sim, 20000);
    CHECK(!target->opened);
    finish();
}

/* The talk as a client has it, cut by a reset behind each of its bytes, in both directions. */
static void a_reset_at_any_byte_of_the_talk_ends_both_sides(void)
{
    static const char said[] = "\x05\x01\x02\x01\x05"
                               "alice\x06sesame"
                               "\x05\x01\x00\x03\x06target\x00\x50good day";
    reset();
    login = true;
    for (int back = 0; back < 2; back++)
        for (size_t cut = 1; cut < (back ? 14 : sizeof said - 1); cut++) {
            sim = open_world(cut);
            target = weft_sim_listen(sim, "sim://target:80");
            client = weft_sim_connect(sim, FRONT);
            if (back)
                weft_sim_peer_cut_got(client, cut);
            else
                weft_sim_peer_cut_sent(client, cut);
            weft_sim_peer_send(client, said, sizeof said - 1);
            (void)weft_sim_settle(sim, 60000);
            CHECK(client->closed);
            CHECK(!target->opened || target->closed || target->ended);
            CHECK(target->got_bytes <= 8 &&
                  memcmp(target->got, "good day", target->got_bytes) == 0);
            finish();
        }
}

static void under_faults_every_byte_is_right_or_the_failure_is_seen(void)
{
    const size_t n = 60000;
    uint8_t *bytes = numbered(n);
    unsigned whole = 0, failed = 0;
    reset();
    login = true;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        begin("sim://target:80?via=socks5h://alice:sesame@front",
              (weft_sim_options){.seed = seed,
                                 .system.reactors = (unsigned)(1 + seed % 3),
                                 .faults = {.lost = 4000,
                                            .refused = 50000,
                                            .short_read = 200000,
                                            .short_write = 200000,
                                            .latency_ms_max = 30,
                                            .allocation = seed % 5 == 0 ? 5000 : 0}});
        weft_sim_peer_send(client, bytes, n);
        weft_sim_peer_end(client);
        (void)weft_sim_settle(sim, 600000);
        weft_sim_peer_end(target);
        (void)weft_sim_settle(sim, 600000);
        CHECK(target->got_bytes <= n && memcmp(target->got, bytes, target->got_bytes) == 0);
        if (target->ended)
            CHECK_U64(target->got_bytes, n);
        whole += target->ended && client->closed && client->reason == WEFT_EDONE;
        failed += client->closed && client->reason != WEFT_EDONE;
        finish();
    }
    CHECK(whole > 30 && failed > 20);
    free(bytes);
}

static void memory_that_is_out_anywhere_leaks_nothing_and_is_seen(void)
{
    reset();
    login = true;
    for (uint64_t n = 1;; n++) {
        sim = open_world(n);
        target = weft_sim_listen(sim, "sim://target:80");
        weft_sim_fail_allocation(sim, n);
        client = weft_sim_connect(sim, "sim://target:80?via=socks5h://alice:sesame@front");
        weft_sim_peer_say(client, "hello");
        (void)weft_sim_settle(sim, 60000);
        bool met = weft_sim_allocation_failed(sim);
        CHECK(client->closed || target->got_bytes == 5 || met);
        CHECK(!client->closed || target->closed || !target->opened);
        finish();
        if (!met)
            break;
    }
}

static void a_stop_in_the_middle_leaves_nothing(void)
{
    reset();
    login = true;
    static const char *const said[] = {"", "\x05\x01\x02",
                                       "\x05\x01\x02\x01\x05"
                                       "alice"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        begin(FRONT, (weft_sim_options){.seed = 1});
        weft_sim_peer_say(client, said[i]);
        finish();
    }
    const size_t n = 4000000;
    uint8_t *bytes = numbered(n);
    begin("sim://target:80?via=socks5h://alice:sesame@front", (weft_sim_options){.seed = 1});
    weft_sim_peer_deaf(target, true);
    weft_sim_peer_send(client, bytes, n);
    finish();
    free(bytes);
}

static void a_login_may_be_asked_of_a_named_actor_and_is_refused_while_nobody_has_the_name(void)
{
    reset();
    config.auth_name = "nobody.here";
    begin("sim://target:80?via=socks5h://alice:sesame@front", (weft_sim_options){.seed = 1});
    CHECK_ERR(client->reason, WEFT_EDENIED);
    CHECK(!target->opened);
    finish();
}

static void a_config_that_makes_no_sense_is_refused(void)
{
    static const char *const bad[] = {"10.0.0.0/99", NULL};
    static char long_options[1600];
    weft_why why = {""};
    CHECK_OK(weft_socks_check(&(weft_socks_config){.connect = "keepalive=1m"}, &why));
    CHECK_ERR(weft_socks_check(&(weft_socks_config){.allow = bad}, &why), WEFT_EINVAL);
    CHECK_ERR(weft_socks_check(&(weft_socks_config){.deny = bad}, &why), WEFT_EINVAL);
    CHECK_ERR(weft_socks_check(&(weft_socks_config){.connect = "colour=red"}, &why), WEFT_EINVAL);
    CHECK_ERR(weft_socks_check(&(weft_socks_config){.connect = "backlog=3"}, &why), WEFT_EINVAL);
    CHECK_ERR(weft_socks_check(&(weft_socks_config){.connect = "timeout=3s"}, &why), WEFT_EINVAL);
    memset(long_options, 'x', sizeof long_options - 1);
    CHECK_ERR(weft_socks_check(&(weft_socks_config){.connect = long_options}, &why), WEFT_ETOOBIG);
}

static const test_case cases[] = {
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        TEST(each_client_of_weft_reaches_a_target_through_it),
    TEST(a_login_of_weft_is_accepted_and_a_wrong_one_is_denied),
    TEST(servers_may_stand_behind_each_other),
    TEST(a_target_that_does_not_read_stops_the_client),
    TEST(an_abort_of_either_side_is_passed_on),
    TEST(a_client_that_leaves_while_its_target_is_connected_leaves_nothing),
    TEST(a_reset_at_any_byte_of_the_talk_ends_both_sides),
    TEST(under_faults_every_byte_is_right_or_the_failure_is_seen),
    TEST(memory_that_is_out_anywhere_leaks_nothing_and_is_seen),
    TEST(a_stop_in_the_middle_leaves_nothing),
    TEST(a_login_may_be_asked_of_a_named_actor_and_is_refused_while_nobody_has_the_name),
    TEST(a_config_that_makes_no_sense_is_refused),
    {0},
};

const test_suite socks_server_suite = {.name = "protocols/socks_server", .cases = cases};
