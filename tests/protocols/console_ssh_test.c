/* SPDX-License-Identifier: MIT */
/* The operator's console in channels of SSH: a command and its code, lines, a terminal. */
#include <stdlib.h>
#include <unistd.h>

#include <weft/console.h>
#include <weft/form.h>
#include <weft/net.h>

#include "check.h"
#include "ssh_peer.h"

#define URL "sim://ssh"

/* ---- an actor to talk to */

typedef struct till_add {
    uint32_t amount;
} till_add;
typedef struct till_sum {
    uint32_t sum;
} till_sum;
static const weft_field add_fields[] = {WEFT_FIELD(till_add, amount, WEFT_FIELD_UNSIGNED), {0}};
static const weft_field sum_fields[] = {WEFT_FIELD(till_sum, sum, WEFT_FIELD_UNSIGNED), {0}};
static const weft_type sum_type = WEFT_TYPE_FIELDS("till.sum", till_sum, sum_fields, NULL);
static const weft_type add_type = WEFT_TYPE_FIELDS("till.add", till_add, add_fields, &sum_type);

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "till");
}

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    till_sum *t = weft_state(self);
    t->sum += ((const till_add *)weft_body(msg))->amount;
    return weft_reply_body(msg, &sum_type, t);
}

static const weft_handler till_rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &add_type, .fn = on_add}, {0}};
static const weft_behaviour till = {
    .name = "till", .handlers = till_rows, .state_bytes = sizeof(till_sum)};

/* ---- around each test */

static const weft_console_config console = {.prompt = "shop> ", .auth = "nobody", .telnet = true};
static const weft_ssh_service services[] = {
    {.kind = WEFT_SSH_SHELL, .behaviour = &weft_console, .config = &console},
    {.kind = WEFT_SSH_EXEC, .behaviour = &weft_console, .config = &console},
    {0},
};
static weft_ssh_keys *keys;
static char folder[64];
static weft_auth_source source;
static const weft_auth_config auth = {.sources = &source, .count = 1};
static weft_ssh_config config = {.services = services, .password = true};
static weft_sim *sim;
static ssh_peer *peer;

static void before(void)
{
    weft_why why;
    (void)snprintf(folder, sizeof folder, "/tmp/weft-console-test.XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    CHECK_OK(weft_ssh_keys_open(folder, false, &keys, &why));
    CHECK_OK(weft_auth_source_parse("memory:ann:secret", &source, &why));
}

static void after(void)
{
    static const char *const names[] = {"ssh_host_ed25519_key", "ssh_host_ed25519_key.pub",
                                        "ssh_host_ecdsa_key", "ssh_host_ecdsa_key.pub"};
    char path[128];
    weft_ssh_keys_close(&keys);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        CHECK(unlink(path) == 0);
    }
    CHECK(rmdir(folder) == 0);
}

static void begin(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    config.keys = keys;
    config.auth = weft_system_spawn(weft_sim_system(sim), 0, &weft_auth, &auth);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(weft_sim_system(sim), 0, &till, NULL)));
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_ssh_server, &config));
    peer = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
    CHECK(ssh_peer_connect(peer));
    CHECK(ssh_peer_password(peer, "ann", "secret"));
    CHECK(ssh_peer_open(peer));
}

static void end(void)
{
    ssh_peer_free(&peer);
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* What came since it was asked last. */
static const char *came(void)
{
    static char text[16384];
    text[ssh_peer_read(peer, text, sizeof text - 1, false)] = '\0';
    return text;
}

static const char *type(const char *keys_pressed)
{
    CHECK_U64(ssh_peer_write(peer, keys_pressed, strlen(keys_pressed)), strlen(keys_pressed));
    return came();
}

static void check_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        CHECK_STR(text, what);
}

/* ---- one command */

static void check_command(const char *command, const char *answer, int code)
{
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_exec(peer, command));
    check_has(came(), answer);
    CHECK_I64(ssh_peer_exit(peer), code);
    CHECK(ssh_peer_is_closed(peer));
}

static void a_command_is_answered_and_its_channel_ends_with_a_code(void)
{
    begin();
    check_command("names", "till", 0);
    check_command("ask till till.add amount=5", "sum=5", 0);
    check_command("tell till till.add amount=2", "", 0);
    check_command("ask till till.add amount=0", "sum=7", 0);
    check_command("quit", "", 0);
    check_command("", "", 0);
    check_command("frobnicate", "error: ", 65);
    check_command("stop nowhere", "error: ", 65);
    check_command("ask till till.add amount=x", "error: ", 65);
    check_command("console", "error: over SSH, expected a terminal", 65);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "console of ann"), 10);
    end();
}

static void a_command_that_is_too_long_is_refused(void)
{
    static char line[WEFT_CONSOLE_LINE_BYTES_MAX + 2];
    memset(line, 'x', WEFT_CONSOLE_LINE_BYTES_MAX + 1);
    begin();
    check_command(line, "error: a command of 4097 bytes, expected at most 4096", 65);
    line[WEFT_CONSOLE_LINE_BYTES_MAX] = '\0';
    check_command(line, "error: ", 65);
    end();
}

static void what_comes_beside_a_command_is_no_further_one(void)
{
    begin();
    CHECK(ssh_peer_exec(peer, "tap till"));
    (void)type("tell till till.add amount=100\n");
    ssh_peer_end(peer);
    CHECK(!ssh_peer_is_closed(peer)); /* the end of its input is not that of the tap */
    ssh_peer *other = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
    CHECK(ssh_peer_connect(other) && ssh_peer_password(other, "ann", "secret") &&
          ssh_peer_open(other) && ssh_peer_exec(other, "tell till till.add amount=3"));
    ssh_peer_run(other);
    const char *text = came();
    check_has(text, "bytes: amount=3");
    CHECK(strstr(text, "100") == NULL);
    ssh_peer_free(&other);
    end();
}

static void a_tap_in_a_terminal_ends_by_a_key(void)
{
    begin();
    CHECK(ssh_peer_terminal(peer, 100, 30));
    CHECK(ssh_peer_exec(peer, "tap till"));
    check_has(type("\x03"), "^C\r\n");
    CHECK_I64(ssh_peer_exit(peer), 0);
    CHECK(ssh_peer_is_closed(peer));
    end();
}

/* ---- lines, and a terminal */

static void without_a_terminal_it_takes_lines(void)
{
    begin();
    CHECK(ssh_peer_shell(peer));
    check_has(type("ask till till.add amount=1\nask till till.add amount=1\n"), "sum=2");
    check_has(type("console\n"), "error: over SSH");
    (void)type("ask till till.add amount=4"); /* a last line without an end */
    ssh_peer_end(peer);
    check_has(came(), "sum=6");
    CHECK_I64(ssh_peer_exit(peer), 65); /* one was an error */
    CHECK(ssh_peer_is_closed(peer));
    end();
}

static void with_a_terminal_it_is_for_people(void)
{
    begin();
    CHECK(ssh_peer_terminal(peer, 60, 20));
    CHECK(ssh_peer_shell(peer));
    check_has(came(), "shop> ");
    check_has(type("ask till till.a\t"), "till.add ");
    check_has(type("amount=9\r"), "sum=9");
    check_has(type("\x1b[A\r"), "sum=18"); /* the line before it */
    CHECK(ssh_peer_window(peer, 20, 20));
    check_has(type("a line that is longer than a row"), "\r");
    check_has(type("\x03"), "shop> ");
    CHECK(ssh_peer_signal(peer, "INT"));
    check_has(came(), "shop> ");
    (void)type("\x04");
    CHECK_I64(ssh_peer_exit(peer), 0);
    CHECK(ssh_peer_is_closed(peer));
    end();
}

static void what_was_said_before_the_end_is_done_first(void)
{
    begin();
    CHECK(ssh_peer_terminal(peer, 60, 20));
    CHECK(ssh_peer_shell(peer));
    (void)came();
    static const char said[] = "ask till till.add amount=4\rask till till.add amount=5\r";
    CHECK_U64(ssh_peer_write(peer, said, sizeof said - 1), sizeof said - 1);
    ssh_peer_end(peer);
    check_has(came(), "sum=9");
    CHECK_I64(ssh_peer_exit(peer), 0);
    CHECK(ssh_peer_is_closed(peer));
    end();
}

static void a_signal_that_is_no_interrupt_ends_it(void)
{
    begin();
    CHECK(ssh_peer_terminal(peer, 60, 20));
    CHECK(ssh_peer_shell(peer));
    (void)came();
    CHECK(ssh_peer_signal(peer, "HUP"));
    CHECK(ssh_peer_is_closed(peer));
    end();
}

/* ---- without memory */

static void a_session_that_finds_no_memory_harms_nobody(void)
{
    static const char *const commands[] = {"names", "ask till till.add amount=5", "tap till 1"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        for (uint64_t n = 1, met = true; met != 0 && n < 2000; n++) {
            begin();
            bool terminal = n % 2 == 0;
            if (terminal)
                CHECK(ssh_peer_terminal(peer, 60, 20));
            weft_sim_fail_allocation(sim, n);
            (void)ssh_peer_exec(peer, commands[i]);
            (void)came();
            met = weft_sim_allocation_failed(sim);
            weft_sim_fail_allocation(sim, 0);
            end();
        }
}

static const test_case cases[] = {
    TEST(a_command_is_answered_and_its_channel_ends_with_a_code),
    TEST(a_command_that_is_too_long_is_refused),
    TEST(what_comes_beside_a_command_is_no_further_one),
    TEST(a_tap_in_a_terminal_ends_by_a_key),
    TEST(without_a_terminal_it_takes_lines),
    TEST(with_a_terminal_it_is_for_people),
    TEST(what_was_said_before_the_end_is_done_first),
    TEST(a_signal_that_is_no_interrupt_ends_it),
    TEST(a_session_that_finds_no_memory_harms_nobody),
    {0},
};

const test_suite console_ssh_suite = {
    .name = "protocols/console over SSH", .before = before, .after = after, .cases = cases};
