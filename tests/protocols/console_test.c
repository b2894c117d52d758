/* SPDX-License-Identifier: MIT */
/* The operator's console: what programs say to it and what people do, in a system with a tree to look at. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/console.h>
#include <weft/form.h>
#include <weft/net.h>
#include <weft/remote.h>
#include <weft/supervisor.h>
#include <weft/testing_stream.h>

#include "console.h"
#include "pb_test.pb-c.h"

#define URL "sim://admin"

/* ---- what runs: a supervisor with two workers, which count */

typedef struct shop_add {
    uint32_t amount;
    char name[16];
} shop_add;
typedef struct shop_total {
    uint64_t total;
} shop_total;
static const weft_field add_fields[] = {WEFT_FIELD(shop_add, amount, WEFT_FIELD_UNSIGNED),
                                        WEFT_FIELD(shop_add, name, WEFT_FIELD_TEXT),
                                        {0}};
static const weft_field total_fields[] = {WEFT_FIELD(shop_total, total, WEFT_FIELD_UNSIGNED), {0}};
static const weft_type total_type = WEFT_TYPE_FIELDS("shop.total", shop_total, total_fields, NULL);
static const weft_type shop_add_type =
    WEFT_TYPE_FIELDS("shop.add", shop_add, add_fields, &total_type);
static const weft_type mute_type = WEFT_TYPE("shop.mute", shop_total, NULL);
static const weft_type shop_wave_type =
    WEFT_TYPE_FIELDS("shop.wave", shop_total, total_fields, &mute_type);
static const weft_type shop_paint_type =
    WEFT_TYPE_PROTO("shop.paint", Pbtest__Arrays, &pbtest__arrays__descriptor, &mute_type);

static unsigned begun;

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    shop_total *t = weft_state(self);
    const shop_add *add = weft_body(msg);
    if (add->amount > 1000)
        return weft_fail(msg, WEFT_EINVAL, "that is too much");
    t->total += add->amount;
    return weft_reply_body(msg, &total_type, t);
}

static weft_err on_wave(weft_actor *self, weft_msg *msg)
{
    return weft_reply_body(msg, &mute_type, weft_state(self));
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    begun++;
    return WEFT_OK;
}

static const weft_handler worker_rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &shop_add_type, .fn = on_add},
    {.type = &shop_wave_type, .fn = on_wave},       {.type = &mute_type, .fn = on_wave},
    {.type = &shop_paint_type, .fn = on_wave},      {0},
};
static const weft_behaviour worker = {
    .name = "worker", .handlers = worker_rows, .state_bytes = sizeof(shop_total)};
static const weft_child children[] = {
    {.name = "one", .behaviour = &worker},
    {.name = "two", .behaviour = &worker, .restart = WEFT_RESTART_ON_ERROR},
    {0},
};
static const weft_supervisor tree = {.children = children};
static const weft_child top_rows[] = {
    {.name = "shop", .behaviour = &weft_supervisor_behaviour, .config = &tree}, {0}};
static const weft_supervisor top = {.children = top_rows};

static weft_sim *sim;
static weft_sim_peer *peer;

static void open_with(const weft_console_config *config, uint64_t failing,
                      void (*prepare)(weft_system *sys))
{
    begun = 0;
    sim = weft_sim_new(&(weft_sim_options){.seed = failing + 1, .system = {.reactors = 2}});
    REQUIRE(sim != NULL);
    if (prepare != NULL)
        prepare(weft_sim_system(sim));
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_console, config));
    weft_sim_fail_allocation(sim, failing);
    (void)!weft_ref_is_nobody(
        weft_system_spawn(weft_sim_system(sim), 0, &weft_supervisor_behaviour, &top));
    (void)weft_sim_run(sim);
    peer = weft_sim_connect(sim, URL);
    (void)weft_sim_settle(sim, 1000);
}

static void open_world(const weft_console_config *config, uint64_t failing)
{
    open_with(config, failing, NULL);
}

static void close_world(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* What came since it was asked last, without the zeros that telnet puts behind each "\r". */
static const char *came(void)
{
    static char text[WEFT_CONSOLE_ANSWER_BYTES_MAX + 4096];
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

/* How often @what stands in @text. */
static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

/* ---- for programs */

static void the_tree_shows_who_is_whose_child(void)
{
    open_world(NULL, 0);
    const char *text = ask("tree\n");
    CHECK(strstr(text, " supervisor\n  <0.") != NULL); /* the top, and below it ... */
    CHECK(strstr(text, "> supervisor \"shop\"\n    <0.") != NULL);
    CHECK_U64(count(text, "> worker \""), 2);
    CHECK(strstr(text, "> worker \"shop/one\"\n    <0.") != NULL);
    CHECK_U64(count(text, "> console\n"), 1);
    text = ask("tree shop\n");
    CHECK_U64(count(text, "\n"), 3);
    CHECK(strncmp(text, "<0.", 3) == 0);
    CHECK(strstr(text, "\n  <0.") != NULL);
    close_world();
}

static void actors_are_listed_and_the_busiest_first(void)
{
    open_world(NULL, 0);
    const char *text = ask("ps\n");
    CHECK_U64(count(text, "\n<"), count(text, "\n") - 1); /* a line for each, below their title */
    CHECK(strstr(text, "shop/two\n") != NULL);
    CHECK(strncmp(text, "actor ", 6) == 0);
    text = ask("ps 2\n");
    CHECK_U64(count(text, "\n"), 4);
    CHECK(strstr(text, "\n... and ") != NULL);
    text = ask("top 1\n");
    CHECK_U64(count(text, "\n"), 3);
    CHECK_STR(ask("top 0\n"), "error: \"0\" is no number from 1 to 4096\n");
    CHECK_STR(ask("ps 1x\n"), "error: \"1x\" is no number from 1 to 4096\n");
    text = ask("reactors\n");
    CHECK_U64(count(text, "\n"), 3);
    text = ask("names\n");
    CHECK_U64(count(text, "\n"), 3);
    CHECK(strstr(text, " shop/one\n") != NULL);
    close_world();
}

static void children_of_a_supervisor_can_be_listed_and_begun_again(void)
{
    open_world(NULL, 0);
    CHECK_U64(begun, 2);
    const char *text = ask("children shop\n");
    CHECK_U64(count(text, " up          0 restarts  -"), 2);
    text = ask("restart shop/two\n");
    CHECK(strstr(text, "is asked to fail") != NULL);
    CHECK_U64(begun, 3);
    text = ask("children shop\n");
    CHECK(strstr(text, "1 restarts  ECANCELLED       shop/two\n") != NULL);
    text = ask("stop shop/two\n");
    CHECK(strstr(text, "is asked to stop\n") != NULL);
    text = ask("children shop 1\n");
    CHECK_U64(count(text, " ended "), 1);
    CHECK_U64(begun, 3);
    CHECK_STR(ask("children shop/one\n"), "error: it is no supervisor\n");
    CHECK_STR(ask("children shop x\n"), "error: \"x\" is no number of a child\n");
    close_world();
}

static void an_actor_is_named_as_it_is_listed(void)
{
    char line[64], who[32];
    open_world(NULL, 0);
    const char *text = ask("tree shop/one\n");
    REQUIRE(sscanf(text, "<%31[^>]", who) == 1);
    (void)snprintf(line, sizeof line, "tree %s\n", who);
    CHECK(strstr(ask(line), "worker \"shop/one\"") != NULL);
    (void)snprintf(line, sizeof line, "tree <%s>\n", who);
    CHECK(strstr(ask(line), "worker \"shop/one\"") != NULL);
    CHECK_STR(ask("tree 0.99999.1\n"), "error: there is no actor \"0.99999.1\"\n");
    CHECK_STR(ask("tree 63.1.1\n"), "error: there is no actor \"63.1.1\"\n");
    CHECK_STR(ask("stop shop/three\n"), "error: there is no actor \"shop/three\"\n");
    close_world();
}

static void the_level_of_logs_is_changed(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("log\n"), "debug\n");
    CHECK_STR(ask("log error\n"), "error\n");
    CHECK(weft_system_log_level(weft_sim_system(sim)) == WEFT_ERROR);
    (void)ask("restart shop/two\n");
    CHECK_U64(weft_sim_logged(sim, WEFT_DEBUG, "the operator's wish"), 0);
    CHECK_STR(ask("log notice\n"), "notice\n");
    (void)ask("restart shop/two\n");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "the operator's wish"), 1);
    CHECK(strstr(ask("log loud\n"), "error: \"loud\" is no log level") != NULL);
    close_world();
}

static void what_is_no_command_is_told_why(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("trees\n"), "error: there is no command \"trees\"; help lists those there are\n");
    CHECK_STR(ask("stop\n"), "error: expected: stop WHO\n");
    CHECK_STR(ask("names x\n"), "error: expected: names\n");
    CHECK_STR(ask("a b c d e f g h i\n"), "error: more than 8 words\n");
    CHECK_STR(ask("\n \r\n"), "");
    CHECK_STR(ask("help log\n"), "log       [LEVEL]      says or sets what is logged\n");
    CHECK(strstr(ask("help\n"), "\nshutdown ") != NULL);
    CHECK_STR(ask("help x\n"), "error: there is no command \"x\"\n");
    close_world();
}

static void lines_are_read_however_they_are_cut_and_the_last_needs_no_end(void)
{
    static const char lines[] =
        "log\r\nhelp quit\nchildren shop/one\nlog\nchildren x\nchildren one";
    for (size_t step = 1; step < sizeof lines; step += 1 + step / 2) {
        open_world(NULL, 0);
        weft_sim_peer_send_steps(peer, lines, sizeof lines - 1, step);
        weft_sim_peer_end(peer);
        CHECK_STR(came(), "debug\nquit                   closes this connection\n"
                          "error: it is no supervisor\ndebug\n"
                          "error: there is no actor \"x\"\nerror: there is no actor \"one\"\n");
        CHECK(peer->closed);
        CHECK_ERR(peer->reason, WEFT_EDONE);
        close_world();
    }
    open_world(NULL, 0);
    weft_sim_peer_say(peer, "children shop/one");
    weft_sim_peer_end(peer);
    CHECK_STR(came(), "error: it is no supervisor\n");
    CHECK(peer->closed);
    close_world();
}

static void quit_leaves_the_rest_unread(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("log\nquit\nlog\n"), "debug\n");
    weft_sim_peer_end(peer);
    (void)weft_sim_settle(sim, 5000);
    CHECK(peer->closed);
    close_world();
}

static void a_line_has_a_limit(void)
{
    static char line[WEFT_CONSOLE_LINE_BYTES_MAX + 1];
    memset(line, ' ', sizeof line);
    open_world(NULL, 0);
    weft_sim_peer_send(peer, line, WEFT_CONSOLE_LINE_BYTES_MAX - 3);
    CHECK_STR(ask("log\n"), "debug\n");
    weft_sim_peer_send(peer, line, sizeof line);
    (void)came();
    CHECK(peer->closed);
    close_world();
}

static void who_asks_and_does_not_listen_is_closed(void)
{
    open_world(NULL, 0);
    weft_sim_peer_deaf(peer, true);
    for (unsigned i = 0; i < 3000 && !peer->closed; i++) {
        weft_sim_peer_say(peer, "help\nhelp\nhelp\nhelp\nhelp\nhelp\nhelp\nhelp\n");
        (void)weft_sim_settle(sim, 10);
    }
    weft_sim_peer_deaf(peer, false);
    (void)weft_sim_settle(sim, 1000);
    CHECK(peer->closed);
    close_world();
}

static void a_shutdown_stops_the_system(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("shutdown\n"), "shutting down\n");
    weft_sim_advance(sim, 1000);
    CHECK(peer->ended);
    weft_reactor_stats stats;
    CHECK(!weft_stats_reactor(weft_sim_system(sim), 0, &stats) || stats.actors == 0);
    close_world();
}

static void more_actors_than_there_is_room_for_are_left_out(void)
{
    enum { MORE = 500 };
    open_world(NULL, 0);
    for (unsigned i = 0; i < WEFT_CONSOLE_ACTORS_MAX + MORE; i++)
        (void)!weft_ref_is_nobody(weft_sim_spawn(sim, &worker, NULL));
    (void)weft_sim_run(sim);
    const char *text = ask("ps 3\n");
    CHECK(strstr(text, "... of a reactor with more than 16384, the first\n") != NULL);
    text = ask("tree\n");
    CHECK(strstr(text, "... of a reactor with more than 16384, the first\n") != NULL ||
          strstr(text, "... the answer was cut here\n") != NULL);
    CHECK(strlen(text) <= WEFT_CONSOLE_ANSWER_BYTES_MAX);
    close_world();
}

static void an_answer_has_a_limit_and_says_so(void)
{
    wf_text text = {.at = NULL};
    for (unsigned i = 0; i < WEFT_CONSOLE_ANSWER_BYTES_MAX / 8; i++)
        wf_text_put(&text, "line %03u\n", i % 1000);
    CHECK(text.cut);
    wf_text_end(&text);
    CHECK(text.n <= WEFT_CONSOLE_ANSWER_BYTES_MAX);
    static const char last[] = "\n... the answer was cut here\n";
    CHECK_MEM(text.at + text.n - (sizeof last - 1), sizeof last - 1, last, sizeof last - 1);
    wf_text_free(&text);
}

/* ---- messages */

static void say_add(const char *name, uint32_t amount)
{
    const shop_add body = {.amount = amount, .name = "till"};
    weft_ref who = WEFT_NOBODY, one;
    char named[WEFT_NAME_BYTES];
    for (uint32_t cursor = 0; weft_names_next(weft_sim_system(sim), &cursor, named, &one);)
        if (strcmp(named, name) == 0)
            who = one;
    CHECK_OK(weft_sim_tell_body(sim, who, &shop_add_type, &body));
}

static void an_actor_is_told_and_asked_by_the_types_it_serves(void)
{
    open_world(NULL, 0);
    const char *text = ask("tell shop/one shop.add amount=7 name=\"a b\"\n");
    CHECK(strstr(text, "> is told shop.add\n") != NULL);
    CHECK_STR(ask("ask shop/one add amount=0x10\n"), "shop.total total=23\n");
    CHECK_STR(ask("ask --limit 250ms shop/one shop.add\n"), "shop.total total=23\n");
    CHECK_STR(ask("ask shop/one shop.add amount=1001\n"), "error: that is too much\n");
    CHECK_STR(ask("ask shop/one wave\n"), "shop.mute, which has no text form\n");
    CHECK_STR(ask("ask shop/one shop.add amuont=1\n"),
              "error: shop.add: at byte 7: there is no field amuont; the nearest is amount\n");
    CHECK_STR(ask("tell shop/one mute\n"),
              "error: shop.mute has no text form: its type names no fields\n");
    CHECK_STR(ask("tell shop/one subtract\n"),
              "error: it has no row for \"subtract\"; it serves shop.add, shop.wave, shop.paint\n");
    CHECK_STR(ask("tell shop subtract\n"),
              "error: it has no row for \"subtract\"; it serves weft.supervisor_list\n");
    CHECK_STR(ask("tell shop/six add\n"), "error: there is no actor \"shop/six\"\n");
    CHECK_STR(ask("tell shop/one\n"), "error: expected: tell WHO TYPE [FIELD=VALUE ...]\n");
    CHECK_STR(ask("ask --limit 1s shop/one\n"),
              "error: expected: ask [--limit TIME] WHO TYPE [FIELD=VALUE ...]\n");
    CHECK_STR(ask("ask --limit soon shop/one add\n"),
              "error: \"soon\" is no time from 1ms to 1h, such as 250ms, 10s or 5m\n");
    CHECK(strstr(ask("ask --limit 2h shop/one add\n"), "is no time") != NULL);
    CHECK(strstr(ask("ask --for 2s shop/one add\n"), "no option --for") != NULL);
    CHECK(strstr(ask("tell --now 2s shop/one add\n"), "no option --now") != NULL);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "shop.add: the operator's wish"), 4);
    close_world();
}

static void who_does_not_answer_is_waited_for_so_long(void)
{
    open_world(NULL, 0);
    (void)ask("suspend shop/one\n");
    weft_sim_peer_say(peer, "ask --limit 3s shop/one add\nlog\n");
    weft_sim_advance(sim, 2500);
    CHECK_STR(came(), "");
    weft_sim_advance(sim, 600);
    const char *text = came();
    CHECK(strncmp(text, "error: ", 7) == 0);
    CHECK(strstr(text, "\ndebug\n") != NULL);
    weft_sim_peer_say(peer, "ask shop/one add\n");
    weft_sim_advance(sim, WEFT_CONSOLE_ASK_MS + 100);
    CHECK(strncmp(came(), "error: ", 7) == 0);
    CHECK(strstr(ask("resume shop/one\n"), "> goes on\n") != NULL);
    CHECK_STR(ask("ask shop/one add\n"), "shop.total total=0\n");
    close_world();
}

static void a_suspended_actor_is_seen_and_goes_on(void)
{
    open_world(NULL, 0);
    CHECK(strstr(ask("suspend shop/one\n"), "> serves nothing until it is resumed\n") != NULL);
    CHECK(strstr(ask("ps\n"), "shop/one (suspended)\n") != NULL);
    (void)ask("tell shop/one add amount=1\n");
    CHECK(strstr(ask("tree shop/one\n"), "\"shop/one\", 1 waiting, suspended\n") != NULL);
    (void)ask("resume shop/one\n");
    CHECK(strstr(ask("ps\n"), "suspended") == NULL);
    CHECK_STR(ask("ask shop/one add\n"), "shop.total total=1\n");
    (void)ask("suspend shop/two\n");
    CHECK(strstr(ask("kill shop/two\n"), "> is ended\n") != NULL);
    CHECK_U64(begun, 3); /* and its supervisor begins it again */
    CHECK(strstr(ask("ps\n"), "suspended") == NULL);
    char line[64], who[32];
    const char *row = strstr(ask("tree\n"), "> console\n");
    REQUIRE(row != NULL);
    while (*row != '<')
        row--;
    REQUIRE(sscanf(row, "<%31[^>]", who) == 1);
    (void)snprintf(line, sizeof line, "suspend %s\n", who);
    CHECK(strstr(ask(line), "it is this console\n") != NULL);
    (void)snprintf(line, sizeof line, "tell %s add\n", who);
    CHECK(strstr(ask(line), "it serves nothing that has a text form\n") != NULL);
    close_world();
}

static void who_ends_the_system_in_order_is_left_alone(void)
{
    static const char *const verbs[] = {"stop", "restart", "kill", "suspend"};
    char line[32];
    open_world(NULL, 0);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        (void)snprintf(line, sizeof line, "%s 0.1.1\n", verbs[i]);
        CHECK_STR(ask(line),
                  "error: <0.1.1>: the system ends in order by it; shutdown is what stops "
                  "the system\n");
    }
    (void)ask("suspend shop/one\n");
    CHECK_STR(ask("shutdown\n"), "shutting down\n");
    CHECK(peer->ended);
    close_world();
}

static void a_tap_shows_what_an_actor_is_told(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("tap shop/one 2\n"), "");
    say_add("shop/one", 7);
    const char *text = came();
    CHECK(strstr(text, " tell from ") != NULL);
    CHECK(strstr(text, ": shop.add, 128 bytes: amount=7 name=\"till\"\n") != NULL);
    CHECK(!peer->ended);
    say_add("shop/one", 8);
    text = came();
    CHECK(strstr(text, "amount=8") != NULL);
    CHECK(strstr(text, ": that many were asked for\n") != NULL);
    CHECK(peer->ended); /* the last command of a program */
    say_add("shop/one", 9);
    CHECK_STR(came(), "");
    close_world();

    open_world(NULL, 0);
    CHECK_STR(ask("tap shop/one 0\n"), "error: \"0\" is no number from 1 to 1000000\n");
    CHECK_STR(ask("tap nobody\n"), "error: there is no actor \"nobody\"\n");
    CHECK_STR(ask("tap shop/one\nlog\n"), ""); /* what comes behind it is not looked at */
    weft_sim_peer_end(peer);
    (void)weft_sim_settle(sim, 1000);
    CHECK(peer->closed);
    say_add("shop/one", 9);
    (void)weft_sim_settle(sim, 1000);
    close_world();
}

static void a_tap_is_over_with_its_actor_and_goes_on_over_a_restart(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("tap shop/two\n"), "");
    weft_sim_peer *other = weft_sim_connect(sim, URL);
    weft_sim_peer_say(other, "restart shop/two\n");
    const char *text = came();
    CHECK(strstr(text, " begins again: ") != NULL);
    say_add("shop/two", 1);
    CHECK(strstr(came(), "amount=1 ") != NULL);
    weft_sim_peer_say(other, "stop shop/two\n");
    (void)came();
    weft_sim_peer_say(other, "stop shop\n");
    (void)came();
    CHECK(strstr(peer->got, " has ended: ") != NULL);
    CHECK(peer->ended);
    close_world();
}

static void a_tap_that_is_not_read_loses_messages_and_says_so(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("tap shop/one\n"), "");
    weft_sim_peer_deaf(peer, true);
    for (unsigned i = 0; i < 20000; i++) {
        say_add("shop/one", 1);
        if (i % 64 == 0)
            (void)weft_sim_settle(sim, 10);
    }
    (void)weft_sim_settle(sim, 100);
    weft_sim_peer_deaf(peer, false);
    while (came()[0] != '\0') {
    }
    CHECK(!peer->closed);
    say_add("shop/one", 2);
    const char *text = came();
    CHECK(strstr(text, " were lost\n") != NULL);
    CHECK(strstr(text, "amount=2 ") != NULL);
    close_world();
}

/* ---- for people */

#define ASKED "\xff\xfb\x01\xff\xfb\x03\xff\xfd\x03\xff\xfd\x1f\xff\xfd\x18"
#define BEGIN "\x1b[?2004h"
#define END "\x1b[?2004l"

static void a_connection_becomes_one_for_people(void)
{
    open_world(&(weft_console_config){.prompt = "shop> "}, 0);
    CHECK_STR(ask("console\n"), ASKED BEGIN "shop> ");
    CHECK_STR(ask("\xff\xfd\x01\xff\xfb\x1flo"), "lo");
    weft_sim_peer_send(peer, "\xff\xfa\x1f\0d\0\x28\xff\xf0", 9);
    CHECK_STR(came(), "\r\x1b[Jshop> lo"); /* drawn for another size */
    CHECK_STR(ask("\t"), "g ");
    CHECK_STR(ask("n\t"), "no");
    CHECK_STR(ask("t\t\r"), "tice \r\n" END "notice\r\n" BEGIN "shop> ");
    CHECK_STR(ask("tree s\t/o\t"), "tree shop/one ");
    CHECK(strstr(ask("\r\n"), "worker \"shop/one\"\r\n" BEGIN "shop> ") != NULL);
    CHECK_STR(ask("\x1b[A\x1b[A"), "log notice ");
    CHECK_STR(ask("\x03"), "^C\r\n" END BEGIN "shop> ");
    CHECK_STR(ask("x\xff\xf4"), "x^C\r\n" END BEGIN "shop> ");
    CHECK_STR(ask("console\r"), "console\r\n" END BEGIN "shop> ");
    CHECK(strstr(ask("children shop/one\rlog\r"),
                 "error: it is no supervisor\r\n" BEGIN "shop> log\r\n" END "notice\r\n") != NULL);
    CHECK_STR(ask("\x04"), "\r\n" END);
    weft_sim_peer_end(peer);
    (void)weft_sim_settle(sim, 5000);
    CHECK(peer->closed);
    close_world();
}

static void people_stop_what_they_wait_for(void)
{
    open_world(&(weft_console_config){.prompt = "shop> "}, 0);
    (void)ask("console\n");
    (void)ask("suspend shop/one\r");
    CHECK_STR(ask("ask shop/o\t\tadd\r"), "ask shop/one shop.add\r\n" END);
    CHECK_STR(ask("lo"), ""); /* kept for later */
    CHECK(strncmp(ask("g\r\x03"), "^C\r\nerror: ", 11) == 0);
    (void)ask("x\x03");
    CHECK_STR(ask("tap shop/two\r"), "tap shop/two\r\n" END);
    say_add("shop/two", 7);
    CHECK(strstr(came(), "amount=7 name=\"till\"\r\n") != NULL);
    const char *text = ask("log\xff\xf4"); /* telnet's interrupt */
    CHECK(strstr(text, "^C\r\n... <") != NULL);
    CHECK(strstr(text, ": no more of it\r\n" BEGIN "shop> ") != NULL);
    CHECK(strstr(text, "log") == NULL); /* what was typed before it is gone */
    (void)ask("ask --limit 1s shop/one add\rlog\r");
    weft_sim_advance(sim, 1100);
    CHECK(strstr(peer->got, "shop> log\r\n" END "debug\r\n") != NULL); /* typed ahead */
    close_world();
}

static void what_is_typed_ahead_has_a_limit(void)
{
    static char keys[WEFT_CONSOLE_AHEAD_BYTES_MAX];
    memset(keys, ' ', sizeof keys);
    open_world(NULL, 0);
    (void)ask("console\n");
    CHECK_STR(ask("tap shop/two\r"), "tap shop/two\r\n" END);
    weft_sim_peer_send(peer, keys, sizeof keys);
    CHECK_STR(came(), "");
    CHECK_STR(ask("x"), "\a");
    CHECK(strstr(ask("\x03"), ": no more of it") != NULL);
    close_world();
}

static void types_that_an_actor_serves_are_completed(void)
{
    open_world(NULL, 0);
    (void)ask("console\n");
    CHECK_STR(ask("tell shop/one shop.w\t"), "tell shop/one shop.wave ");
    (void)ask("\x03");
    CHECK_STR(ask("ask --limit 5s shop/two shop.a\t"), "ask --limit 5s shop/two shop.add ");
    (void)ask("\x03");
    CHECK(strstr(ask("ask nobody shop.a\t"), "shop.add") == NULL);
    close_world();
}

static void fields_of_a_message_and_their_values_are_completed(void)
{
    open_world(NULL, 0);
    (void)ask("console\n");
    CHECK_STR(ask("tell shop/one shop.add a\t"), "tell shop/one shop.add amount=");
    CHECK_STR(ask("5 n\t"), "5 name=");
    CHECK_STR(ask("\"a b\" am\t"), "\"a b\" amount=");
    (void)ask("\x03");
    CHECK_STR(ask("ask --limit 5s shop/one add a\t"), "ask --limit 5s shop/one add amount=");
    (void)ask("\x03");
    CHECK_STR(ask("tell shop/one paint col\t"), "tell shop/one paint colours=");
    CHECK_STR(ask("B\t"), "BLUE ");
    CHECK_STR(ask("mes\ta_c\tG\t"), "messages={a_colour=GREEN ");
    CHECK_STR(ask("a_bool=f\t"), "a_bool=false ");
    CHECK(strstr(ask("}\r"), "> is told shop.paint\r\n") != NULL);
    CHECK_STR(ask("tell shop/one nothing a\t"), "\atell shop/one nothing a");
    (void)ask("\x03");
    CHECK_STR(ask("tell nobody shop.add a\t"), "\atell nobody shop.add a");
    (void)ask("\x03");
    CHECK_STR(ask("tell shop/one shop.add amount=\"a\t"), "\atell shop/one shop.add amount=\"a");
    close_world();
}

static void commands_for_another_node_are_completed(void)
{
    open_world(NULL, 0);
    (void)ask("console\n");
    CHECK_STR(ask("at edge-2 re\t"), "at edge-2 reactors ");
    (void)ask("\x03");
    CHECK_STR(ask("at edge-2 su\t"), "\aat edge-2 su"); /* what changes anything is not for it */
    (void)ask("\x03");
    CHECK_STR(ask("at \t"), "\aat ");                     /* this is no node */
    CHECK_STR(ask("edge-2 tree s\t"), "\aedge-2 tree s"); /* whose names only that node knows */
    close_world();
}

/* A node with links to two others, that has heard of a third one. */
static void be_a_node(weft_system *sys)
{
    weft_why why = {""};
    CHECK_OK(weft_remote_begin(sys, "edge-1", &why));
    CHECK(weft_remote_node(sys, "edge-3") != 0);
    weft_remote_attach(sys, weft_remote_node(sys, "edge-2"),
                       weft_system_spawn(sys, 0, &worker, NULL));
    weft_remote_attach(sys, weft_remote_node(sys, "shop"),
                       weft_system_spawn(sys, 0, &worker, NULL));
}

static void nodes_that_there_are_links_to_are_completed_behind_at(void)
{
    open_with(NULL, 0, be_a_node);
    (void)ask("console\n");
    CHECK_STR(ask("at s\t"), "at shop ");
    CHECK_STR(ask("re\t"), "reactors ");
    (void)ask("\x03");
    CHECK_STR(ask("at edge\t"), "at edge-2 "); /* neither itself, nor who was only named */
    (void)ask("\x03");
    CHECK_STR(ask("  at   edge\t"), "  at   edge-2 ");
    (void)ask("\x03");
    CHECK_STR(ask("at x\t"), "\aat x");
    (void)ask("\x03");
    const char *text = ask("at \t\t");
    CHECK(strstr(text, "edge-2") != NULL && strstr(text, "shop") != NULL);
    CHECK(strstr(text, "edge-3") == NULL && strstr(text, "edge-1") == NULL);
    (void)ask("\x03");
    /* what stands behind the cursor does not count */
    CHECK(strstr(ask("at edge-2 tree\x01\x1b[C\x1b[C\x1b[Cs\t"), "shop ") != NULL);
    close_world();
}

/* ---- behind a login */

static weft_auth_source source;
static weft_auth_config auth = {.sources = &source, .count = 1};

static const weft_child auth_rows[] = {{.name = "auth", .behaviour = &weft_auth, .config = &auth},
                                       {0}};
static const weft_supervisor auth_tree = {.children = auth_rows};
static const weft_console_config locked = {.auth = "auth"};

static void open_locked(void)
{
    weft_why why = {""};
    CHECK_OK(weft_auth_source_parse("memory:ada:secret", &source, &why));
    sim = weft_sim_new(&(weft_sim_options){.seed = 3});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_console, &locked));
    CHECK(!weft_ref_is_nobody(
        weft_system_spawn(weft_sim_system(sim), 0, &weft_supervisor_behaviour, &auth_tree)));
    (void)weft_sim_run(sim);
    peer = weft_sim_connect(sim, URL);
    CHECK_STR(came(), ASKED BEGIN "login: ");
}

/* ---- clients */

static void who_says_hello_hears_who_answers_and_where_answers_end(void)
{
    open_world(NULL, 0);
    CHECK_STR(ask("hello\n"), WEFT_CONSOLE_GREETING);
    CHECK_STR(ask("log\n\nfrob\n"),
              "debug\n\x1eok\n\x1eok\n\x1e"
              "error: there is no command \"frob\"; help lists those there are\n");
    CHECK_STR(ask("ask shop/one add amount=1\n"), "shop.total total=1\n\x1eok\n");
    CHECK_STR(ask("ask shop/one add amount=1001\n"), "\x1e"
                                                     "error: that is too much\n");
    CHECK(strstr(ask("console\n"), "\x1e"
                                   "error: a program talks here") != NULL);
    CHECK(strstr(ask("hello nobody\n"), "\x1e"
                                        "error: expected: hello") != NULL);
    CHECK_STR(ask("tap shop/one 1\n"), "");
    say_add("shop/one", 7);
    const char *shown = came();
    CHECK(strstr(shown, "that many were asked for\n\x1eok\n") != NULL);
    CHECK_U64(count(shown, "\x1e"), 1);
    CHECK(peer->closed || peer->ended);
    close_world();
}

static void one_for_people_begins_with_a_greeting_too(void)
{
    open_world(NULL, 0);
    const char *shown = ask(WEFT_CONSOLE_HELLO_PEOPLE);
    CHECK(strncmp(shown, WEFT_CONSOLE_GREETING, sizeof WEFT_CONSOLE_GREETING - 1) == 0);
    CHECK(strstr(shown, "weft> ") != NULL);
    CHECK(strstr(ask("log\r"), "debug") != NULL);
    CHECK(strchr(ask("frob\r"), WEFT_CONSOLE_MARK) == NULL);
    close_world();
}

/* What a reader says of @text, in pieces of @step bytes: a letter an event, texts as they are. */
static const char *heard(const char *text, size_t step)
{
    static char said[512];
    weft_console_reader r = {.greeted = false};
    size_t n = 0, size = strlen(text), used;
    said[0] = '\0';
    for (size_t at = 0; at < size;) {
        size_t piece = size - at < step ? size - at : step;
        weft_console_event event = weft_console_read(&r, text + at, piece, &used);
        CHECK(used <= piece);
        switch (event) {
        case WEFT_CONSOLE_MORE:
            CHECK_U64(used, piece);
            break;
        case WEFT_CONSOLE_TEXT:
            n += (size_t)snprintf(said + n, sizeof said - n, "%.*s", (int)used, text + at);
            break;
        case WEFT_CONSOLE_GREETED:
        case WEFT_CONSOLE_DONE:
            n +=
                (size_t)snprintf(said + n, sizeof said - n, event == WEFT_CONSOLE_DONE ? "D" : "G");
            break;
        case WEFT_CONSOLE_FAILED:
            n += (size_t)snprintf(said + n, sizeof said - n, "F(%s)", r.text);
            break;
        case WEFT_CONSOLE_STRANGER:
            (void)snprintf(said + n, sizeof said - n, "S(%s)", r.text);
            return said;
        }
        at += used;
    }
    return said;
}

static void a_client_knows_a_console_from_a_stranger_however_it_is_cut(void)
{
    for (size_t step = 1; step < 80; step++) {
        CHECK_STR(heard("weft console 1\na\nb\n\x1eok\n\x1e"
                        "error: no\nc\n\x1eok\n",
                        step),
                  "Ga\nb\nDF(no)c\nD");
        CHECK_STR(heard("220 bad name ESMTP\r\n250 more", step), "S(220 bad name ESMTP)");
        CHECK_STR(heard("weft console 2\nmore", step), "S(weft console 2)");
        CHECK_STR(heard("weft console 1\n\x1ewhat\n", step), "GS(what)");
        CHECK_STR(heard("weft console 1\n\x1e\x1b]0;what\a\n", step), "GS(?]0;what?)");
        CHECK_STR(heard("SSH-2.0-a\x01\xff\n", step), "S(SSH-2.0-a?"
                                                      "?)");
    }
    char longer[400];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    CHECK_U64(strlen(heard(longer, 7)), 60 + 3); /* what is shown of a line without an end */
    memcpy(longer,
           "weft console 1\n\x1e"
           "error: ",
           23);
    longer[sizeof longer - 2] = '\n';
    CHECK_U64(strlen(heard(longer, 7)), 1 + 3 + WEFT_WHY_BYTES + 16 - 1 - 7);
}

static void who_is_who_he_says_may_come_in(void)
{
    open_locked();
    CHECK_STR(ask("ada\r"), "ada\r\n" END BEGIN "password: ");
    CHECK_STR(ask("secret\rlog\r"),
              "\r\n" END BEGIN "weft> log\r\n" END "debug\r\n" BEGIN "weft> ");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "sim://client:49153: login of ada"), 1);
    (void)ask("restart auth\r");
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, ": the wish of ada"), 1);
    weft_sim_advance(sim, WEFT_CONSOLE_LOGIN_MS + 1);
    CHECK(!peer->closed);
    close_world();
}

static void who_is_not_is_let_go_after_three_times(void)
{
    open_locked();
    CHECK_STR(ask("ada\rwrong\r"),
              "ada\r\n" END BEGIN "password: \r\n" END "login incorrect\r\n" BEGIN "login: ");
    CHECK_STR(ask("log\r\x03"), "log\r\n" END BEGIN "password: ^C\r\n" END BEGIN "login: ");
    (void)ask("ada\r\rbob\rsecret\r");
    CHECK(strstr(peer->got, "debug") == NULL);
    CHECK(peer->ended || peer->closed);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "sim://client:49153: login of ada refused: "), 2);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "sim://client:49153: login of bob refused: "), 1);
    close_world();
}

static void a_login_does_not_take_for_ever(void)
{
    open_locked();
    (void)ask("ada\r");
    weft_sim_advance(sim, WEFT_CONSOLE_LOGIN_MS + 1);
    CHECK(peer->closed);
    close_world();
}

/* ---- without memory */

static void memory_that_is_out_anywhere_leaks_nothing(void)
{
    for (uint64_t n = 1;; n++) {
        open_world(NULL, n);
        weft_sim_peer_say(peer, "tree\nps\nchildren shop\nask shop/one add amount=1\nconsole\n"
                                "log\r\ttree s\t\rask shop/one add\rtell shop/one add\r"
                                "tap shop/two\rlog\r\x03suspend shop/two\rresume shop/two\r\x04");
        (void)weft_sim_settle(sim, 1000);
        bool met = weft_sim_allocation_failed(sim);
        close_world();
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(the_tree_shows_who_is_whose_child),
    TEST(actors_are_listed_and_the_busiest_first),
    TEST(children_of_a_supervisor_can_be_listed_and_begun_again),
    TEST(an_actor_is_named_as_it_is_listed),
    TEST(the_level_of_logs_is_changed),
    TEST(what_is_no_command_is_told_why),
    TEST(lines_are_read_however_they_are_cut_and_the_last_needs_no_end),
    TEST(quit_leaves_the_rest_unread),
    TEST(a_line_has_a_limit),
    TEST(who_asks_and_does_not_listen_is_closed),
    TEST(a_shutdown_stops_the_system),
    TEST(more_actors_than_there_is_room_for_are_left_out),
    TEST(an_answer_has_a_limit_and_says_so),
    TEST(an_actor_is_told_and_asked_by_the_types_it_serves),
    TEST(who_does_not_answer_is_waited_for_so_long),
    TEST(a_suspended_actor_is_seen_and_goes_on),
    TEST(who_ends_the_system_in_order_is_left_alone),
    TEST(a_tap_shows_what_an_actor_is_told),
    TEST(a_tap_is_over_with_its_actor_and_goes_on_over_a_restart),
    TEST(a_tap_that_is_not_read_loses_messages_and_says_so),
    TEST(a_connection_becomes_one_for_people),
    TEST(people_stop_what_they_wait_for),
    TEST(what_is_typed_ahead_has_a_limit),
    TEST(types_that_an_actor_serves_are_completed),
    TEST(fields_of_a_message_and_their_values_are_completed),
    TEST(commands_for_another_node_are_completed),
    TEST(nodes_that_there_are_links_to_are_completed_behind_at),
    TEST(who_says_hello_hears_who_answers_and_where_answers_end),
    TEST(one_for_people_begins_with_a_greeting_too),
    TEST(a_client_knows_a_console_from_a_stranger_however_it_is_cut),
    TEST(who_is_who_he_says_may_come_in),
    TEST(who_is_not_is_let_go_after_three_times),
    TEST(a_login_does_not_take_for_ever),
    TEST(memory_that_is_out_anywhere_leaks_nothing),
    {0},
};
const test_suite console_suite = {.name = "protocols/console", .cases = cases};
