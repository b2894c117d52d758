/* SPDX-License-Identifier: MIT */
/* The SSH client against weft's own server, in a simulation: commands, channels, and who is believed. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random.h"
#include "ssh_world.h"

static const weft_sim_options plain = {.seed = 1, .system = {.reactors = 1}};
static const weft_ssh_call tell = {.command = "tell"};

static void begin(void)
{
    ssh_world_open(&plain);
}

static ssh_heard *heard(void)
{
    return &ssh_heard_now;
}

/* ---- commands */

static void a_command_is_run_and_what_it_said_is_the_answer(void)
{
    static const char *const env[] = {"LANG=de", NULL};
    begin();
    ssh_run(&(weft_ssh_call){.command = "tell", .env = env});
    CHECK_OK(heard()->err);
    CHECK_STR(heard()->why, "");
    CHECK_STR(heard()->output, "ann LANG=de - 0x0");
    CHECK_STR(heard()->errors, "oops");
    CHECK_I64(heard()->code, 7);
    ssh_world_close();
}

static void what_a_command_is_to_read_is_sent_whole(void)
{
    static char text[300000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    begin();
    ssh_run(&(weft_ssh_call){.command = "cat",
                             .input = {.at = (const uint8_t *)text, .size = sizeof text}});
    CHECK_OK(heard()->err);
    CHECK_I64(heard()->code, 0);
    CHECK_MEM(heard()->output, heard()->output_bytes, text, sizeof text);
    ssh_world_close();
}

static void how_a_command_ended_is_told_whatever_it_was(void)
{
    begin();
    ssh_run(&(weft_ssh_call){.command = "killed"});
    CHECK_OK(heard()->err);
    CHECK_STR(heard()->signal, "TERM");
    CHECK_I64(heard()->code, -1);
    ssh_run(&(weft_ssh_call){.command = "mute"});
    CHECK_OK(heard()->err);
    CHECK_STR(heard()->signal, "");
    CHECK_I64(heard()->code, -1);
    ssh_world_close();
}

static void what_is_no_call_is_refused_before_it_is_sent(void)
{
    static char longer[WEFT_SSH_COMMAND_BYTES_MAX + 1];
    memset(longer, 'x', sizeof longer - 1);
    begin();
    ssh_run(&(weft_ssh_call){.command = NULL});
    CHECK_ERR(heard()->err, WEFT_EINVAL);
    ssh_run(&(weft_ssh_call){.command = longer});
    CHECK_ERR(heard()->err, WEFT_ETOOBIG);
    ssh_open(&(weft_ssh_call){.kind = WEFT_SSH_SUBSYSTEM, .command = "nothing"});
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

static void a_command_that_says_too_much_is_closed(void)
{
    static char text[5000];
    memset(text, 'x', sizeof text);
    ssh.client.output_bytes_max = 4000;
    begin();
    ssh_run(&(weft_ssh_call){.command = "cat",
                             .input = {.at = (const uint8_t *)text, .size = sizeof text}});
    CHECK_ERR(heard()->err, WEFT_ETOOBIG);
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

/* ---- channels */

static void a_channel_is_a_stream_with_a_terminal_behind_it(void)
{
    begin();
    ssh_open(&(weft_ssh_call){
        .kind = WEFT_SSH_SHELL, .terminal = true, .window = {.rows = 24, .columns = 80}});
    CHECK_OK(heard()->err);
    CHECK_U64(heard()->opened, 1);
    ssh_channel_say("hello");
    CHECK_STR(heard()->output, "hello");
    ssh_channel_resize((weft_window){.rows = 50, .columns = 100});
    ssh_channel_signal("INT");
    CHECK_STR(heard()->output, "hello[100x50][INT]");
    ssh_channel_say(NULL);
    CHECK_U64(heard()->ended, 1);
    CHECK_U64(heard()->exited, 1);
    CHECK_I64(heard()->code, 0);
    CHECK_U64(heard()->closed, 1);
    ssh_world_close();
}

static void errors_are_a_stream_of_their_own(void)
{
    begin();
    ssh_open(&(weft_ssh_call){.command = "tell", .errors = true});
    CHECK_OK(heard()->err);
    CHECK_U64(heard()->opened, 2);
    CHECK_STR(heard()->output, "ann - - 0x0");
    CHECK_STR(heard()->errors, "oops");
    CHECK_U64(heard()->closed, 2);
    CHECK_I64(heard()->code, 7);
    ssh_world_close();
}

/* The server here makes none. */
static void a_connection_that_the_host_does_not_make_is_refused(void)
{
    begin();
    ssh_open(&(weft_ssh_call){.kind = WEFT_SSH_FORWARD, .host = "example.org", .port = 80});
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

static void channels_beyond_the_limit_are_refused_and_places_come_back(void)
{
    ssh.client.channels_max = 2;
    begin();
    ssh_open(&(weft_ssh_call){.command = "cat"});
    weft_ref first = heard()->stream;
    ssh_open(&(weft_ssh_call){.command = "cat"});
    CHECK_OK(heard()->err);
    ssh_open(&(weft_ssh_call){.command = "cat"});
    CHECK_ERR(heard()->err, WEFT_EFULL);
    heard()->stream = first;
    ssh_channel_say(NULL);
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

/* ---- who the host is, and who this is */

static void a_host_that_is_not_known_is_refused(void)
{
    ssh_write_file(ssh.known, "", 0);
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    CHECK(strncmp(heard()->why, "host key unknown: ssh (ssh-ed25519, SHA256:", 43) == 0);
    ssh_world_close();
    CHECK(unlink(ssh.known) == 0);
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    ssh_world_close();
}

static void a_new_host_is_taken_and_remembered_if_that_is_wanted(void)
{
    char line[600], want[600];
    static const char before[] = "other.example ssh-ed25519 AAAA";
    ssh_write_file(ssh.known, before, sizeof before - 1);
    ssh.client.trust = WEFT_SSH_TRUST_NEW;
    begin();
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
    size_t n = ssh_read_file(ssh.known, line, sizeof line);
    int m = snprintf(want, sizeof want, "%s\nssh %s\n", before, ssh_world_key());
    CHECK_MEM(line, n, want, (size_t)m);
    ssh.client.trust = WEFT_SSH_TRUST_KNOWN;
    begin();
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

static void a_host_whose_key_has_changed_is_refused_even_then(void)
{
    static const char other[] =
        "# a comment\nssh ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIO8V+TRSFlyiS7i7HMtH0VYPzDG7Pm81b4TXxXGqwH4W\n";
    char after[400];
    ssh_write_file(ssh.known, other, sizeof other - 1);
    ssh.client.trust = WEFT_SSH_TRUST_NEW;
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    CHECK(strncmp(heard()->why, "host key changed: ssh has another one now (SHA256:", 50) == 0);
    CHECK(strstr(heard()->why, "known_hosts:2") != NULL);
    ssh_world_close();
    size_t n = ssh_read_file(ssh.known, after, sizeof after);
    CHECK_MEM(after, n, other, sizeof other - 1);
}

static void a_revoked_key_is_nobodys(void)
{
    char line[1000];
    int n =
        snprintf(line, sizeof line, "ssh %s\n@revoked * %s\n", ssh_world_key(), ssh_world_key());
    ssh_write_file(ssh.known, line, (size_t)n);
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    CHECK(strncmp(heard()->why, "host key revoked", 16) == 0);
    ssh_world_close();
}

static void a_host_of_which_another_kind_of_key_is_known_must_show_that(void)
{
    static const char ecdsa[] = "ssh ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=\n";
    ssh_write_file(ssh.known, ecdsa, sizeof ecdsa - 1);
    ssh.client.trust = WEFT_SSH_TRUST_NEW;
    begin();
    ssh_run(&tell);
    CHECK(heard()->err == WEFT_EPROTO || heard()->err == WEFT_EDENIED);
    ssh_world_close();
}

static void a_key_with_a_passphrase_lets_in(void)
{
    ssh.client.password = NULL;
    ssh.client.key_file = ssh.key_file;
    ssh.client.passphrase = "open";
    begin();
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    CHECK_STR(heard()->why, "");
    ssh_world_close();
    ssh.client.passphrase = "closed";
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EPROTO);
    ssh_world_close();
    ssh.client.passphrase = "open";
    CHECK(chmod(ssh.key_file, 0644) == 0);
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    ssh_world_close();
    ssh.client.key_file = "/nonexistent/key";
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_ENOTFOUND);
    ssh_world_close();
}

static void a_key_that_is_not_known_is_followed_by_the_password(void)
{
    ssh_write_file(ssh_path("authorized"), "", 0);
    ssh.client.key_file = ssh.key_file;
    ssh.client.passphrase = "open";
    begin();
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

static void who_is_not_let_in_hears_so_each_time(void)
{
    ssh.client.password = "wrong";
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EDENIED);
    CHECK_U64(heard()->answers, 2);
    ssh_world_close();
}

static void what_is_no_config_is_told_to_who_asks(void)
{
    ssh.client.user = NULL;
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EINVAL);
    ssh_world_close();
    ssh.client.user = "ann";
    ssh.client.url = "nowhere";
    begin();
    ssh_run(&tell);
    CHECK(heard()->err == WEFT_EINVAL || heard()->err == WEFT_EUNSUPPORTED);
    ssh_world_close();
    ssh.client.url = "sim://elsewhere";
    ssh.client.host = "ssh";
    begin();
    ssh_run(&tell);
    CHECK_ERR(heard()->err, WEFT_EREFUSED);
    ssh_world_close();
}

/* ---- limits, and hosts that are none */

static void those_that_wait_are_at_most_waiting_max(void)
{
    ssh.client.waiting_max = 2;
    begin();
    for (int i = 0; i < 3; i++)
        ssh_ask_run(&tell);
    for (int i = 0; i < 20; i++)
        (void)weft_sim_settle(ssh.sim, 100);
    CHECK_U64(heard()->answers, 3);
    ssh_world_close();
}

/* A host that says @text, and then nothing, or is gone. */
static void host_that_says(const char *text, size_t size, bool closes, weft_err want)
{
    ssh.client.url = "sim://host";
    ssh.client.host = "ssh";
    ssh.client.connect_ms = 5000;
    begin();
    weft_sim_peer *host = weft_sim_listen(ssh.sim, "sim://host");
    ssh_ask_run(&tell);
    (void)weft_sim_settle(ssh.sim, 100);
    weft_sim_peer_send(host, text, size);
    (void)weft_sim_settle(ssh.sim, 100);
    if (closes)
        weft_sim_peer_close(host);
    for (int i = 0; i < 8 && heard()->answers == 0; i++)
        weft_sim_advance(ssh.sim, 1000);
    CHECK_U64(heard()->answers, 1);
    CHECK_ERR(heard()->err, want);
    ssh_world_close();
}

static void a_host_that_says_nothing_is_given_up_in_time(void)
{
    host_that_says("", 0, false, WEFT_ETIMEDOUT);
    host_that_says("SSH-2.0-x\r\n", 11, false, WEFT_ETIMEDOUT);
}

static void a_host_that_is_gone_in_the_middle_is_lost(void)
{
    host_that_says("", 0, true, WEFT_ELOST);
    host_that_says("SSH-2.0-x\r\n", 11, true, WEFT_ELOST);
}

static void garbage_is_no_host(void)
{
    static char text[100000];
    host_that_says("SSH-1.5-x\r\n", 11, false, WEFT_EPROTO);
    memset(text, 'x', sizeof text);
    host_that_says(text, sizeof text, false, WEFT_EPROTO);
    (void)stpcpy(text, "SSH-2.0-x\r\n");
    host_that_says(text, sizeof text, false, WEFT_EPROTO);
    test_random random = {.state = 7};
    for (size_t i = 11; i < sizeof text; i++)
        text[i] = (char)test_below(&random, 256);
    host_that_says(text, sizeof text, false, WEFT_EPROTO);
}

/* No kex that is known here. */
static void a_host_that_agrees_on_nothing_is_no_host(void)
{
    static const uint8_t kexinit[] = "SSH-2.0-x\r\n"
                                     "\0\0\0\x4c\x06\x14" /* length, padding, SSH_MSG_KEXINIT */
                                     "0123456789abcdef"   /* a cookie */
                                     "\0\0\0\1x\0\0\0\1x\0\0\0\1x\0\0\0\1x\0\0\0\1x"
                                     "\0\0\0\1x\0\0\0\1x\0\0\0\1x\0\0\0\0\0\0\0\0"
                                     "\0\0\0\0\0"
                                     "padded";
    host_that_says((const char *)kexinit, sizeof kexinit - 1, false, WEFT_EPROTO);
}

/* ---- losing things */

static void a_time_limit_closes_the_channel(void)
{
    ssh.client.channels_max = 1;
    begin();
    ssh_ask_run(&(weft_ssh_call){.command = "forever"});
    for (int i = 0; i < 100 && heard()->answers == 0; i++)
        weft_sim_advance(ssh.sim, 1000);
    CHECK_ERR(heard()->err, WEFT_ETIMEDOUT);
    ssh_run(&tell);
    CHECK_OK(heard()->err);
    ssh_world_close();
}

static void a_connection_may_be_lost_anywhere(void)
{
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        const weft_sim_options options = {
            .seed = seed,
            .system = {.reactors = 1},
            .faults = {.lost = 60000, .latency_ms_max = 5},
        };
        ssh_world_open(&options);
        for (unsigned i = 1; i <= 3; i++) {
            ssh_run(&tell);
            CHECK_U64(heard()->answers, i);
            CHECK(heard()->err == WEFT_OK || heard()->err == WEFT_ELOST);
            lost += heard()->err == WEFT_ELOST;
        }
        ssh_world_close();
    }
    CHECK(lost > 5 && lost < 85);
}

static void the_client_may_end_in_the_middle(void)
{
    for (unsigned steps = 1; steps < 400; steps += 7) {
        begin();
        ssh_ask_run(&tell);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(ssh.sim);
        CHECK_OK(weft_sim_kill(ssh.sim, ssh.host, WEFT_EABORTED));
        (void)weft_sim_settle(ssh.sim, 5000);
        CHECK_U64(heard()->answers, 1);
        ssh_world_close();
    }
}

static void the_asker_may_end_in_the_middle(void)
{
    for (unsigned steps = 1; steps < 400; steps += 7) {
        begin();
        ssh_ask_run(&tell);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(ssh.sim);
        CHECK_OK(weft_sim_kill(ssh.sim, ssh.asker, WEFT_EABORTED));
        (void)weft_sim_settle(ssh.sim, 5000);
        ssh_world_close();
    }
}

static void what_comes_may_be_cut_and_wait_anywhere(void)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const weft_sim_options options = {
            .seed = seed,
            .system = {.reactors = 1},
            .faults = {.short_read = 500000, .short_write = 500000, .latency_ms_max = 20},
        };
        ssh_world_open(&options);
        ssh_run(&tell);
        CHECK_OK(heard()->err);
        CHECK_STR(heard()->output, "ann - - 0x0");
        CHECK_STR(heard()->errors, "oops");
        ssh_world_close();
    }
}

static void any_allocation_may_fail(void)
{
    uint64_t n = 1;
    for (bool met = true; met && n < 1000; n++) {
        begin();
        weft_sim_fail_allocation(ssh.sim, n);
        ssh_run(&tell);
        met = weft_sim_allocation_failed(ssh.sim);
        weft_sim_fail_allocation(ssh.sim, 0);
        /* it may have been the answer that there was no memory for */
        CHECK(heard()->answers == 1 || met);
        if (met) {
            ssh_run(&tell);
            ssh_run(&tell);
            CHECK_OK(heard()->err);
        }
        ssh_world_close();
    }
    CHECK(n > 20 && n < 1000);
}

static const test_case cases[] = {
    TEST(a_command_is_run_and_what_it_said_is_the_answer),
    TEST(what_a_command_is_to_read_is_sent_whole),
    TEST(how_a_command_ended_is_told_whatever_it_was),
    TEST(what_is_no_call_is_refused_before_it_is_sent),
    TEST(a_command_that_says_too_much_is_closed),
    TEST(a_channel_is_a_stream_with_a_terminal_behind_it),
    TEST(errors_are_a_stream_of_their_own),
    TEST(a_connection_that_the_host_does_not_make_is_refused),
    TEST(channels_beyond_the_limit_are_refused_and_places_come_back),
    TEST(a_host_that_is_not_known_is_refused),
    TEST(a_new_host_is_taken_and_remembered_if_that_is_wanted),
    TEST(a_host_whose_key_has_changed_is_refused_even_then),
    TEST(a_revoked_key_is_nobodys),
    TEST(a_host_of_which_another_kind_of_key_is_known_must_show_that),
    TEST(a_key_with_a_passphrase_lets_in),
    TEST(a_key_that_is_not_known_is_followed_by_the_password),
    TEST(who_is_not_let_in_hears_so_each_time),
    TEST(what_is_no_config_is_told_to_who_asks),
    TEST(those_that_wait_are_at_most_waiting_max),
    TEST(a_host_that_says_nothing_is_given_up_in_time),
    TEST(a_host_that_is_gone_in_the_middle_is_lost),
    TEST(garbage_is_no_host),
    TEST(a_host_that_agrees_on_nothing_is_no_host),
    TEST(a_time_limit_closes_the_channel),
    TEST(a_connection_may_be_lost_anywhere),
    TEST(the_client_may_end_in_the_middle),
    TEST(the_asker_may_end_in_the_middle),
    TEST(what_comes_may_be_cut_and_wait_anywhere),
    TEST(any_allocation_may_fail),
    {0},
};

const test_suite ssh_client_suite = {.name = "protocols/ssh_client",
                                     .before = ssh_world_before,
                                     .after = ssh_world_after,
                                     .cases = cases};
