/* SPDX-License-Identifier: MIT */
/* The SSH server in a simulation: what it serves, and what slow and hostile peers come to. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/net.h>
#include <weft/wire.h>

#include "check.h"
#include "ssh_peer.h"

#define URL "sim://ssh"

enum { KIB = 1024, AUTH_MS = 5000 };

static weft_ssh_keys *keys;
static char folder[64], key_path[96];
static weft_sim *sim;
static ssh_peer *peer;
static weft_auth_source sources[2];
static weft_auth_config auth;
static weft_ssh_config config;

/* ---- a service that tells what it was asked for */

static weft_err tell_opened(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_opened *)weft_body(msg))->stream;
    const weft_ssh_session *s = weft_ssh_session_of(stream);
    if (s == NULL)
        return WEFT_OK; /* the stream of errors */
    weft_ref error = weft_ssh_stderr(self, stream);
    (void)weft_write_text(self, stream, "%s|%s|%s|%s|%ux%u;", s->user, s->command,
                          s->env[0] != NULL ? s->env[0] : "-", s->term, s->window.columns,
                          s->window.rows);
    (void)weft_write_text(self, error, "oops");
    return WEFT_OK;
}

static weft_err tell_window(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_window *w = weft_body(msg);
    return weft_write_text(self, w->stream, "window %ux%u;", w->window.columns, w->window.rows);
}

static weft_err tell_signal(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_signal *s = weft_body(msg);
    return weft_write_text(self, s->stream, "signal %s;", s->name);
}

static weft_err tell_ended(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_ended *)weft_body(msg))->stream;
    if (weft_ssh_session_of(stream) == NULL)
        return WEFT_OK;
    (void)weft_ssh_exit(self, stream, 7);
    return weft_close(self, stream);
}

static const weft_handler tell_handlers[] = {
    {.type = &weft_opened_type, .fn = tell_opened},
    {.type = &weft_ssh_window_type, .fn = tell_window},
    {.type = &weft_ssh_signal_type, .fn = tell_signal},
    {.type = &weft_ended_type, .fn = tell_ended},
    {0},
};
static const weft_behaviour tell = {.name = "test.tell", .handlers = tell_handlers};

static weft_ssh_sftp_config sftp = {.root = folder};
static const weft_ssh_service services[] = {
    {.kind = WEFT_SSH_EXEC, .behaviour = &weft_wire_echo},
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "tell", .behaviour = &tell},
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "chargen", .behaviour = &weft_wire_chargen},
    {.kind = WEFT_SSH_SUBSYSTEM, .subsystem = "sftp", .behaviour = &weft_ssh_sftp, .config = &sftp},
    {0},
};

/* ---- around each test */

static void begin_seeded(uint64_t seed)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = seed, .system = {.reactors = 1}});
    REQUIRE(sim != NULL);
    config.auth = weft_system_spawn(weft_sim_system(sim), 0, &weft_auth, &auth);
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_ssh_server, &config));
}

static void before(void)
{
    weft_why why;
    (void)snprintf(folder, sizeof folder, "/tmp/weft-ssh-test.XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    CHECK_OK(weft_ssh_keys_open(folder, false, &keys, &why));
    (void)snprintf(key_path, sizeof key_path, "%s/authorized", folder);
    CHECK_OK(weft_auth_source_parse("memory:ann:secret", &sources[0], &why));
    auth = (weft_auth_config){.sources = sources, .count = 1};
    config =
        (weft_ssh_config){.keys = keys, .services = services, .password = true, .auth_ms = AUTH_MS};
}

static void remove_file(const char *name)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static void end(void)
{
    ssh_peer_free(&peer);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void after(void)
{
    weft_ssh_keys_close(&keys);
    remove_file("ssh_host_ed25519_key");
    remove_file("ssh_host_ecdsa_key");
    remove_file("ssh_host_ed25519_key.pub");
    remove_file("ssh_host_ecdsa_key.pub");
    remove_file("authorized");
    CHECK(rmdir(folder) == 0);
}

static void enter(weft_sim_cut cut)
{
    peer = ssh_peer_new(sim, URL, cut);
    CHECK(ssh_peer_connect(peer));
    CHECK(ssh_peer_password(peer, "ann", "secret"));
}

/* ---- what is served */

static void echo_over(weft_sim_cut cut)
{
    const size_t n = 300000;
    uint8_t *sent = malloc(n), *got = malloc(n);
    REQUIRE(sent != NULL && got != NULL);
    for (size_t i = 0; i < n; i++)
        sent[i] = (uint8_t)(i * 7 + (i >> 9));
    enter(cut);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_exec(peer, "echo"));
    CHECK_U64(ssh_peer_write(peer, sent, n), n);
    ssh_peer_end(peer);
    CHECK_MEM(got, ssh_peer_read(peer, got, n, false), sent, n);
    CHECK(ssh_peer_is_closed(peer));
    free(sent);
    free(got);
}

static void any_protocol_may_sit_behind_a_channel(void)
{
    begin_seeded(3);
    echo_over(WEFT_SIM_WHOLE);
    end();
}

static void what_comes_may_be_cut_anywhere(void)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        begin_seeded(seed);
        echo_over(WEFT_SIM_SPLIT);
        end();
    }
}

static void a_service_knows_what_was_asked_for_and_says_how_it_ended(void)
{
    char text[256] = "";
    begin_seeded(5);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_env(peer, "LANG", "C.UTF-8"));
    CHECK(ssh_peer_terminal(peer, 100, 30));
    CHECK(ssh_peer_subsystem(peer, "tell"));
    CHECK(ssh_peer_window(peer, 120, 40));
    CHECK(ssh_peer_signal(peer, "INT"));
    (void)ssh_peer_read(peer, text, sizeof text - 1, false);
    CHECK_STR(text, "ann|tell|LANG=C.UTF-8|xterm|100x30;window 120x40;signal INT;");
    memset(text, 0, sizeof text);
    (void)ssh_peer_read(peer, text, sizeof text - 1, true);
    CHECK_STR(text, "oops");
    ssh_peer_end(peer);
    CHECK_I64(ssh_peer_exit(peer), 7);
    CHECK(ssh_peer_is_closed(peer));
    end();
}

static void a_key_that_is_known_is_let_in_and_no_other(void)
{
    weft_why why;
    char word[128];
    begin_seeded(1);
    peer = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
    const char *line = ssh_peer_key(peer);
    FILE *file = fopen(key_path, "w");
    REQUIRE(file != NULL);
    CHECK(fputs(line, file) >= 0 && fclose(file) == 0);
    (void)snprintf(word, sizeof word, "sshkey:%s", key_path);
    CHECK_OK(weft_auth_source_parse(word, &sources[1], &why));
    auth.count = 2;
    config.public_key = true;
    CHECK(ssh_peer_connect(peer));
    CHECK(ssh_peer_prove(peer, "ann"));
    CHECK(ssh_peer_open(peer));
    ssh_peer *other = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
    (void)ssh_peer_key(other);
    CHECK(ssh_peer_connect(other));
    CHECK(!ssh_peer_prove(other, "ann"));
    ssh_peer_free(&other);
    end();
}

static void what_no_service_has_is_refused_and_the_channel_lives_on(void)
{
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(!ssh_peer_subsystem(peer, "nothing"));
    CHECK(ssh_peer_exec(peer, "echo"));
    CHECK(!ssh_peer_exec(peer, "again"));
    CHECK(!ssh_peer_env(peer, "LANG", "late"));
    end();
}

static void what_is_asked_of_a_channel_that_is_closed_at_once_harms_nobody(void)
{
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    for (int i = 0; i < 30; i++) {
        CHECK(ssh_peer_open(peer));
        if (i % 3 == 1)
            CHECK(ssh_peer_exec(peer, "echo"));
        ssh_peer_ask_and_close(peer);
    }
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_exec(peer, "echo"));
    end();
}

static void sftp_answers_behind_its_subsystem(void)
{
    static const uint8_t init[] = {0, 0, 0, 5, 1, 0, 0, 0, 3};
    static const uint8_t version[] = {2, 0, 0, 0, 3};
    uint8_t got[9] = {0};
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_subsystem(peer, "sftp"));
    CHECK_U64(ssh_peer_write(peer, init, sizeof init), sizeof init);
    CHECK_U64(ssh_peer_read(peer, got, sizeof got, false), sizeof got);
    CHECK_MEM(got + 4, 5, version, 5);
    ssh_peer_end(peer);
    CHECK_I64(ssh_peer_exit(peer), 0);
    end();
}

static void a_packet_of_sftp_that_is_too_long_ends_its_channel_alone(void)
{
    static const uint8_t liar[] = {0x7f, 0, 0, 0, 1, 0, 0, 0, 3};
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_subsystem(peer, "sftp"));
    CHECK_U64(ssh_peer_write(peer, liar, sizeof liar), sizeof liar);
    CHECK(ssh_peer_is_closed(peer));
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_exec(peer, "echo"));
    end();
}

static void connections_from_here_are_made_only_if_that_is_allowed(void)
{
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(!ssh_peer_open_forward(peer, "127.0.0.1", 80));
    end();
    config.forward = true;
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(!ssh_peer_open_forward(peer, "127.0.0.1:1?x=", 80));
    CHECK(!ssh_peer_open_forward(peer, "", 80));
    CHECK(!ssh_peer_open_forward(peer, "127.0.0.1", 0));
    /* there is nobody: it is closed again */
    (void)ssh_peer_open_forward(peer, "127.0.0.1", 80);
    CHECK(ssh_peer_is_closed(peer));
    CHECK(weft_sim_logged(sim, WEFT_WARNING, "unable to reach tcp://127.0.0.1:80") == 1);
    end();
}

/* ---- limits */

static void who_guesses_is_shown_out_after_tries_max(void)
{
    config.tries_max = 3;
    begin_seeded(1);
    peer = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
    CHECK(ssh_peer_connect(peer));
    CHECK(!ssh_peer_password(peer, "ann", "wrong"));
    CHECK(!ssh_peer_password(peer, "bob", "secret"));
    CHECK(!ssh_peer_wire(peer)->closed);
    CHECK(!ssh_peer_password(peer, "ann", ""));
    CHECK(!ssh_peer_password(peer, "ann", "secret"));
    (void)weft_sim_settle(sim, 100);
    CHECK(ssh_peer_wire(peer)->ended || ssh_peer_wire(peer)->closed);
    CHECK(weft_sim_logged(sim, WEFT_NOTICE, "too many tries") == 1);
    end();
}

static void channels_max_is_the_most_that_are_open_at_once(void)
{
    config.channels_max = 2;
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_open_more(peer));
    CHECK(!ssh_peer_open_more(peer));
    /* the first is closed, and there is room again */
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_exec(peer, "echo"));
    end();
}

static void variables_and_commands_have_limits(void)
{
    enum { COMMAND = WEFT_SSH_COMMAND_BYTES_MAX };
    static char text[COMMAND + 1];
    config.env_max = 2;
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    memset(text, 'x', WEFT_SSH_VARIABLE_BYTES_MAX - 3);
    CHECK(!ssh_peer_env(peer, "AA", text)); /* one too many, with "AA=" and the end */
    CHECK(ssh_peer_env(peer, "A", text + 1));
    CHECK(!ssh_peer_env(peer, "B=C", "d"));
    CHECK(!ssh_peer_env(peer, "", "d"));
    CHECK(ssh_peer_env(peer, "B", ""));
    CHECK(!ssh_peer_env(peer, "C", ""));
    memset(text, 'x', COMMAND);
    CHECK(!ssh_peer_exec(peer, text));
    CHECK(ssh_peer_exec(peer, text + 1));
    end();
}

static void of_unknown_peers_there_are_unknown_max_at_most(void)
{
    weft_sim_peer *idle[3];
    config.unknown_max = 3;
    begin_seeded(1);
    for (int i = 0; i < 3; i++) {
        idle[i] = weft_sim_connect(sim, URL);
        CHECK_STR(idle[i]->got, "SSH-2.0-weft\r\n");
    }
    const weft_sim_peer *more = weft_sim_connect(sim, URL);
    (void)weft_sim_settle(sim, 10);
    CHECK(more->closed);
    CHECK_STR(more->got, "");
    /* their time is over, and there is room again */
    weft_sim_advance(sim, AUTH_MS + 1000);
    CHECK(idle[0]->ended || idle[0]->closed);
    enter(WEFT_SIM_WHOLE);
    end();
}

static void a_peer_that_does_not_answer_any_more_is_given_up(void)
{
    config.keepalive_ms = 1000;
    config.keepalive_max = 3;
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    size_t before_bytes = ssh_peer_wire(peer)->got_bytes;
    weft_sim_advance(sim, 2500);
    CHECK(ssh_peer_wire(peer)->got_bytes > before_bytes); /* it was asked */
    CHECK(!ssh_peer_wire(peer)->closed);
    ssh_peer_run(peer); /* and answers */
    CHECK(!ssh_peer_wire(peer)->closed);
    CHECK(ssh_peer_exec(peer, "echo"));
    weft_sim_advance(sim, 10000);
    CHECK(ssh_peer_wire(peer)->ended || ssh_peer_wire(peer)->closed);
    CHECK(weft_sim_logged(sim, WEFT_NOTICE, "does not answer") == 1);
    end();
}

/* ---- slow and hostile peers. Another one is served meanwhile: that is what "no reactor is blocked" means
 * in a simulation, where a handler that waits would hang the test */

static void other_is_served(void)
{
    ssh_peer *other = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
    char text[6] = "";
    CHECK(ssh_peer_connect(other));
    CHECK(ssh_peer_password(other, "ann", "secret"));
    CHECK(ssh_peer_open(other));
    CHECK(ssh_peer_exec(other, "echo"));
    CHECK_U64(ssh_peer_write(other, "hello", 5), 5);
    CHECK_U64(ssh_peer_read(other, text, 5, false), 5);
    CHECK_STR(text, "hello");
    ssh_peer_free(&other);
}

static void a_peer_may_stall_at_every_step(void)
{
    for (unsigned stall = 0; stall < 9; stall++) {
        begin_seeded(stall + 1);
        peer = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
        ssh_peer_stall_after(peer, stall);
        bool in = ssh_peer_connect(peer) && ssh_peer_password(peer, "ann", "secret");
        (void)(in && ssh_peer_open(peer) && ssh_peer_exec(peer, "echo"));
        CHECK(stall >= 5 || !in);
        other_is_served();
        weft_sim_advance(sim, AUTH_MS + 100);
        (void)weft_sim_settle(sim, 100);
        CHECK(in || ssh_peer_wire(peer)->ended || ssh_peer_wire(peer)->closed);
        end();
    }
}

static void a_peer_may_come_byte_by_byte(void)
{
    begin_seeded(9);
    peer = ssh_peer_new(sim, URL, WEFT_SIM_BYTES);
    CHECK(ssh_peer_connect(peer));
    other_is_served();
    CHECK(ssh_peer_password(peer, "ann", "secret"));
    end();
}

static void garbage_ends_its_connection_alone(void)
{
    enum { SIZE = 40000 };
    static const uint8_t banner[] = {'S', 'S', 'H', '-', '2', '.', '0', '-', 'x', '\r', '\n'};
    static const uint8_t packet[] = {0, 0, 1, 12, 4, 20}; /* the beginning of a KEXINIT */
    uint8_t *bytes = malloc(SIZE);
    REQUIRE(bytes != NULL);
    for (uint32_t seed = 1; seed < 40; seed++) {
        uint32_t x = seed;
        for (size_t i = 0; i < SIZE; i++) {
            x = x * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(x >> 24);
        }
        /* from the first byte; behind a banner; behind one, with a length that may be true */
        if (seed % 3 != 0)
            memcpy(bytes, banner, sizeof banner);
        if (seed % 3 == 2)
            memcpy(bytes + sizeof banner, packet, sizeof packet);
        begin_seeded(seed);
        weft_sim_peer *bad = weft_sim_connect(sim, URL);
        weft_sim_peer_send_cut(bad, bytes, SIZE, seed % 2 != 0 ? WEFT_SIM_WHOLE : WEFT_SIM_SPLIT);
        other_is_served();
        weft_sim_advance(sim, AUTH_MS + 5000);
        CHECK(bad->ended || bad->closed);
        end();
    }
    free(bytes);
}

static uint64_t buffer_bytes(void)
{
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    return stats.buffer_bytes;
}

static void a_banner_without_an_end_is_not_gathered(void)
{
    enum { SIZE = 4 << 20 };
    char *bytes = malloc(SIZE);
    REQUIRE(bytes != NULL);
    memset(bytes, 'A', SIZE);
    begin_seeded(1);
    weft_sim_peer *bad = weft_sim_connect(sim, URL);
    weft_sim_peer_send(bad, bytes, SIZE);
    (void)weft_sim_settle(sim, 100);
    CHECK(bad->closed || bad->ended);
    other_is_served();
    free(bytes);
    end();
}

static void a_peer_that_does_not_read_holds_its_service_and_no_memory(void)
{
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_subsystem(peer, "chargen"));
    weft_sim_peer_deaf(ssh_peer_wire(peer), true);
    weft_sim_advance(sim, 1000);
    uint64_t held = buffer_bytes();
    CHECK(held < 8 * 1024 * KIB);
    weft_sim_advance(sim, 10000);
    CHECK(buffer_bytes() <= held + 64 * KIB);
    other_is_served();
    end();
}

/* ---- ends */

static void the_system_may_stop_in_the_middle(void)
{
    for (unsigned stop = 0; stop < 6; stop++) {
        begin_seeded(stop + 1);
        peer = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
        bool in = stop > 0 && ssh_peer_connect(peer);
        in = in && stop > 1 && ssh_peer_password(peer, "ann", "secret");
        in = in && stop > 2 && ssh_peer_open(peer);
        if (in && stop > 3)
            CHECK(ssh_peer_subsystem(peer, stop > 4 ? "chargen" : "sftp"));
        end();
    }
}

static void a_lost_connection_ends_everything_of_it(void)
{
    begin_seeded(1);
    enter(WEFT_SIM_WHOLE);
    CHECK(ssh_peer_open(peer));
    CHECK(ssh_peer_subsystem(peer, "tell"));
    weft_sim_peer_abort(ssh_peer_wire(peer));
    weft_sim_advance(sim, 100);
    CHECK(weft_ref_is_nobody(weft_ssh_stderr(NULL, WEFT_NOBODY)));
    other_is_served();
    end();
}

static void any_allocation_may_fail(void)
{
    uint64_t n = 1;
    for (bool met = true; met && n < 400; n++) {
        begin_seeded(7);
        (void)weft_sim_run(sim);
        weft_sim_fail_allocation(sim, n);
        peer = ssh_peer_new(sim, URL, WEFT_SIM_WHOLE);
        bool in = ssh_peer_connect(peer) && ssh_peer_password(peer, "ann", "secret") &&
                  ssh_peer_open(peer) && ssh_peer_env(peer, "LANG", "C") &&
                  ssh_peer_terminal(peer, 80, 24) && ssh_peer_subsystem(peer, "sftp");
        (void)in;
        met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        other_is_served();
        end();
    }
    CHECK(n > 10 && n < 400);
}

/* ---- keys */

/* Also of a key that somebody else made; one that is there stays as it is. */
static void the_public_half_is_kept_beside_it(void)
{
    weft_ssh_keys *again = NULL;
    weft_why why;
    char path[160], line[400] = "", second[400] = "";
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/ssh_host_ed25519_key.pub", folder);
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    CHECK(fgets(line, sizeof line, file) != NULL && fclose(file) == 0);
    CHECK(strncmp(line, "ssh-ed25519 AAAA", 16) == 0 && strchr(line, '\n') != NULL);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644);
    CHECK(unlink(path) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(weft_ssh_keys_open(folder, false, &again, &why));
        weft_ssh_keys_close(&again);
        file = fopen(path, "r");
        REQUIRE(file != NULL);
        CHECK(fgets(second, sizeof second, file) != NULL && fclose(file) == 0);
        CHECK_STR(second, i == 0 ? line : "mine\n");
        file = fopen(path, "w");
        REQUIRE(file != NULL);
        CHECK(fputs("mine\n", file) >= 0 && fclose(file) == 0);
    }
}

static void host_keys_are_made_once_and_kept(void)
{
    weft_ssh_keys *again = NULL;
    weft_why why;
    char path[160];
    CHECK_OK(weft_ssh_keys_open(folder, true, &again, &why));
    CHECK_STR(weft_ssh_keys_fingerprint(again), weft_ssh_keys_fingerprint(keys));
    CHECK(strncmp(weft_ssh_keys_fingerprint(again), "SHA256:", 7) == 0);
    weft_ssh_keys_close(&again);
    the_public_half_is_kept_beside_it();
    (void)snprintf(path, sizeof path, "%s/ssh_host_ed25519_key", folder);
    CHECK(chmod(path, 0640) == 0);
    CHECK_ERR(weft_ssh_keys_open(folder, false, &again, &why), WEFT_EDENIED);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    CHECK(fputs("no key\n", file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
    CHECK_ERR(weft_ssh_keys_open(folder, false, &again, &why), WEFT_EPROTO);
    CHECK(again == NULL);
}

static const test_case cases[] = {
    TEST(any_protocol_may_sit_behind_a_channel),
    TEST(what_comes_may_be_cut_anywhere),
    TEST(a_service_knows_what_was_asked_for_and_says_how_it_ended),
    TEST(a_key_that_is_known_is_let_in_and_no_other),
    TEST(what_no_service_has_is_refused_and_the_channel_lives_on),
    TEST(what_is_asked_of_a_channel_that_is_closed_at_once_harms_nobody),
    TEST(sftp_answers_behind_its_subsystem),
    TEST(a_packet_of_sftp_that_is_too_long_ends_its_channel_alone),
    TEST(connections_from_here_are_made_only_if_that_is_allowed),
    TEST(who_guesses_is_shown_out_after_tries_max),
    TEST(channels_max_is_the_most_that_are_open_at_once),
    TEST(variables_and_commands_have_limits),
    TEST(of_unknown_peers_there_are_unknown_max_at_most),
    TEST(a_peer_that_does_not_answer_any_more_is_given_up),
    TEST(a_peer_may_stall_at_every_step),
    TEST(a_peer_may_come_byte_by_byte),
    TEST(garbage_ends_its_connection_alone),
    TEST(a_banner_without_an_end_is_not_gathered),
    TEST(a_peer_that_does_not_read_holds_its_service_and_no_memory),
    TEST(the_system_may_stop_in_the_middle),
    TEST(a_lost_connection_ends_everything_of_it),
    TEST(any_allocation_may_fail),
    TEST(host_keys_are_made_once_and_kept),
    {0},
};

const test_suite ssh_server_suite = {
    .name = "protocols/ssh_server", .before = before, .after = after, .cases = cases};
