/* SPDX-License-Identifier: MIT */
/* The IRC server on the wire: dialogues of RFC 1459, RFC 2812 and IRCv3, each number that is an answer. */
#include <ctype.h>
#include <stdlib.h>

#include <weft/auth.h>
#include <weft/edge.h>
#include <weft/irc.h>
#include <weft/net.h>
#include <weft/testing_stream.h>

#include "check.h"
#include "wire_player.h"

enum { TEXT_BYTES = 128, STAMP_DIGITS = 9 };

static weft_irc_config config;
static char password[TEXT_BYTES], motd[TEXT_BYTES], account[TEXT_BYTES];
static weft_auth_source source;
static const weft_auth_config auth_config = {.sources = &source, .count = 1};
static const weft_irc_oper opers[] = {{"root", "secret"}};

static void reset(void)
{
    config = (weft_irc_config){.opers = opers, .opers_count = 1};
}

static const char *keep(char *to, const char *text)
{
    (void)snprintf(to, TEXT_BYTES, "%s", text);
    return to;
}

/* password TEXT, motd TEXT (a | ends a line), account memory:USER:PASSWORD, account_required, limit NAME VALUE */
static bool setup(const char *word, char *rest)
{
    const wire_limit limits[] = {
        {"clients_max", &config.clients_max, NULL},
        {"user_channels_max", &config.user_channels_max, NULL},
        {"bans_max", &config.bans_max, NULL},
        {"registration_ms", &config.registration_ms, NULL},
        {"ping_ms", &config.ping_ms, NULL},
        {"flood_lines", &config.flood_lines, NULL},
        {"flood_line_ms", &config.flood_line_ms, NULL},
        {0},
    };
    weft_why why;
    if (strcmp(word, "password") == 0)
        return (config.password = keep(password, rest)) != NULL;
    if (strcmp(word, "motd") == 0) {
        config.motd = keep(motd, rest);
        for (char *at = motd; (at = strchr(at, '|')) != NULL;)
            *at = '\n';
        return true;
    }
    if (strcmp(word, "account") == 0) {
        config.auth = "auth";
        return weft_auth_source_parse(keep(account, rest), &source, &why) == WEFT_OK;
    }
    if (strcmp(word, "account_required") == 0)
        return config.auth_required = true;
    return wire_set_limit(limits, word, rest);
}

static weft_sim *open_world(uint64_t seed)
{
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = seed});
    REQUIRE(sim != NULL);
    weft_system *sys = weft_sim_system(sim);
    if (config.auth != NULL) {
        weft_ref auth = weft_system_spawn(sys, 0, &weft_auth, &auth_config);
        CHECK_OK(weft_system_register(sys, auth, "auth"));
    }
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_irc_network, &config)));
    CHECK_OK(weft_listen(sys, "sim://irc:6667", &weft_irc_server, &config));
    (void)weft_sim_run(sim);
    return sim;
}

static void put_number(wire_text *out, const char *nick, const char *number, const char *text)
{
    char line[512];
    (void)snprintf(line, sizeof line, ":irc.weft %s %s %s\r\n", number, nick, text);
    wire_put(out, line, strlen(line));
}

/* <welcome NICK USERS CHANNELS: all that greets NICK, the last of USERS to come in. */
static bool expand(const char *word, char *rest, wire_text *out)
{
    char text[256];
    if (strcmp(word, "welcome") != 0)
        return false;
    char *nick = rest, *count = rest + strcspn(rest, " ");
    if (*count == '\0')
        return false;
    *count++ = '\0';
    unsigned users = (unsigned)strtoul(count, &count, 10);
    unsigned channels = (unsigned)strtoul(count, NULL, 10);
    (void)snprintf(text, sizeof text, ":Welcome to the weft IRC Network %s!~%s@client", nick, nick);
    put_number(out, nick, "001", text);
    put_number(out, nick, "002", ":Your host is irc.weft, running version weft");
    put_number(out, nick, "003", ":This server was created Tue Nov 14 2023 at 22:13:20 UTC");
    put_number(out, nick, "004", "irc.weft weft io biklmnostv bklov");
    (void)snprintf(text, sizeof text,
                   "AWAYLEN=255 CASEMAPPING=ascii CHANLIMIT=#:%u CHANMODES=b,k,l,imnst "
                   "CHANNELLEN=64 CHANTYPES=# KICKLEN=255 MAXLIST=b:%u MODES=12 NETWORK=weft "
                   "NICKLEN=30 PREFIX=(ov)@+ :are supported by this server",
                   config.user_channels_max != 0 ? config.user_channels_max : 50,
                   config.bans_max != 0 ? config.bans_max : 64);
    put_number(out, nick, "005", text);
    put_number(out, nick, "005",
               "SAFELIST TARGMAX=JOIN:8,KICK:8,NAMES:8,NOTICE:8,PART:8,PRIVMSG:8,WHOIS:1 "
               "TOPICLEN=390 USERLEN=11 :are supported by this server");
    (void)snprintf(text, sizeof text, ":There are %u users and 0 invisible on 1 servers", users);
    put_number(out, nick, "251", text);
    put_number(out, nick, "252", "0 :operator(s) online");
    put_number(out, nick, "253", "0 :unknown connection(s)");
    (void)snprintf(text, sizeof text, "%u :channels formed", channels);
    put_number(out, nick, "254", text);
    (void)snprintf(text, sizeof text, ":I have %u clients and 0 servers", users);
    put_number(out, nick, "255", text);
    (void)snprintf(text, sizeof text, "%u %u :Current local users %u, max %u", users, users, users,
                   users);
    put_number(out, nick, "265", text);
    put_number(out, nick, "422", ":MOTD File is missing");
    return true;
}

/* The server's side is seen by other users alone. */
static bool check(const char *word, const char *rest)
{
    (void)word, (void)rest;
    return false;
}

/* Seconds since 1970 become a 0. */
static size_t strip(char *came, size_t n)
{
    size_t to = 0;
    for (size_t at = 0; at < n;) {
        size_t digits = 0;
        while (at + digits < n && isdigit((unsigned char)came[at + digits]))
            digits++;
        if (digits >= STAMP_DIGITS) {
            at += digits;
            came[to++] = '0';
            continue;
        }
        digits += digits == 0;
        memmove(came + to, came + at, digits);
        to += digits;
        at += digits;
    }
    return to;
}

static const wire_world world = {.url = "sim://irc:6667",
                                 .reset = reset,
                                 .setup = setup,
                                 .open = open_world,
                                 .expand = expand,
                                 .check = check,
                                 .strip = strip};

/* ---- the scripts */

#define SCRIPTS(X)                                              \
    X(the_typical_registration_of_rfc_2812)                     \
    X(a_password_comes_before_all_else)                         \
    X(line_ends_may_be_bare_and_lines_empty)                    \
    X(nicknames_are_refused_by_number)                          \
    X(a_request_of_http_ends_it)                                \
    X(nothing_is_served_before_registration)                    \
    X(who_does_not_come_in_is_let_go)                           \
    X(capabilities_are_agreed_on_before_registration_ends)      \
    X(sasl_plain_proves_who_it_is)                              \
    X(sasl_that_is_wrong_is_904)                                \
    X(nobody_comes_in_without_an_account_where_one_is_required) \
    X(commands_are_refused_by_number)                           \
    X(a_channel_is_joined_left_and_forgotten)                   \
    X(what_is_said_reaches_all_others)                          \
    X(names_of_several_channels_are_told_one_by_one)            \
    X(topics_are_kept_and_told)                                 \
    X(modes_rule_who_comes_in)                                  \
    X(operators_give_modes_and_kick)                            \
    X(several_are_kicked_at_once)                               \
    X(keys_and_limits_that_are_none_are_refused)                \
    X(what_is_asked_of_another_server_is_402)                   \
    X(what_is_asked_about_the_server_is_told)                   \
    X(invitations_are_refused_by_number)                        \
    X(an_invitation_that_lets_in_is_an_operators)               \
    X(who_and_whois_tell_what_may_be_known)                     \
    X(who_takes_masks_and_looks_for_operators)                  \
    X(the_message_of_the_day_is_told)                           \
    X(operators_of_the_network_kill)                            \
    X(tags_go_to_who_asked)                                     \
    X(a_lost_connection_is_a_quit)                              \
    X(a_line_beyond_its_limit_is_417)                           \
    X(what_comes_too_fast_is_read_slowly)                       \
    X(a_silent_client_is_pinged_and_let_go)                     \
    X(a_full_server_says_so)                                    \
    X(limits_of_channels_are_405_and_478)

#define SCRIPT(name)                         \
    static void name(void)                   \
    {                                        \
        wire_play_all("irc/" #name, &world); \
    }
SCRIPTS(SCRIPT)

static const test_case cases[] = {
#define CASE(name) TEST(name),
    SCRIPTS(CASE)
#undef CASE
        {0},
};

const test_suite irc_wire_suite = {"protocols/irc_wire", NULL, NULL, cases, false};
