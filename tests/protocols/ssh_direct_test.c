/* SPDX-License-Identifier: MIT */
/* Two sessions, a server's and a client's, and a socket between them that the server's may write to itself. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "ssh_session.h"

enum {
    KIB = 1024,
    ROUNDS = 2000,
    STEPS = 64,
    BULK = 2000000,
    CHANNELS = 4,
    SMALLEST = 1, /* the kernel makes it the least it gives */
};

/* A session, its end of the socket, and what is on its way. */
typedef struct end {
    wf_ssh *ssh;
    int fd;
    wf_ssh_channel *channel;
    uint8_t in[16 * KIB], out[256 * KIB];
    size_t in_at, in_n, out_at, out_n;
    uint64_t wrote, got, wrong,
        direct; /* bytes of its channel; of the pattern; times that it wrote itself */
    weft_err over;
} end;

static char folder[64];
static weft_ssh_keys *keys;
static wf_ssh_proof *proof;
static end server, client;
static unsigned open_before;

static unsigned open_now(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    REQUIRE(dir != NULL);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 7 + (at >> 11));
}

/* ---- moving bytes */

static bool send_out(end *e)
{
    if (e->out_at == e->out_n) {
        e->out_at = 0;
        e->out_n = wf_ssh_take(e->ssh, e->out, sizeof e->out);
    }
    if (e->out_at == e->out_n)
        return false;
    ssize_t n = send(e->fd, e->out + e->out_at, e->out_n - e->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
    e->out_at += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool feed_in(end *e)
{
    if (e->in_at == e->in_n) {
        ssize_t n = recv(e->fd, e->in, sizeof e->in, MSG_DONTWAIT);
        e->in_at = 0;
        e->in_n = n > 0 ? (size_t)n : 0;
    }
    size_t fed = wf_ssh_feed(e->ssh, e->in + e->in_at, e->in_n - e->in_at);
    e->in_at += fed;
    return fed > 0;
}

static void answer(end *e, const wf_ssh_event *event)
{
    weft_why why;
    weft_err err;
    switch (event->want) {
    case WF_SSH_AUTH:
        wf_ssh_answer_auth(e->ssh, false, event->method == WF_SSH_NONE);
        break;
    case WF_SSH_OPEN:
        e->channel = wf_ssh_answer_open(e->ssh, true);
        break;
    case WF_SSH_HOST:
        wf_ssh_host_known(e->ssh);
        break;
    case WF_SSH_PROVE:
        err = wf_ssh_prove(e->ssh, proof, &why);
        if (err == WEFT_OK) {
            wf_ssh_granted_to_client(e->ssh);
            e->channel = wf_ssh_channel_new(e->ssh, false);
        } else
            CHECK_ERR(err, WEFT_EFULL);
        break;
    default:
        break;
    }
}

static void step(end *e)
{
    wf_ssh_event event;
    weft_why why;
    for (int i = 0; i < STEPS && e->over == WEFT_OK && wf_ssh_is_busy(e->ssh); i++) {
        e->over = wf_ssh_next(e->ssh, &event, &why);
        if (e->over == WEFT_OK)
            answer(e, &event);
    }
}

static void read_channel(end *e)
{
    static uint8_t block[64 * KIB];
    size_t n;
    while (e->channel != NULL && (n = wf_ssh_channel_read(e->channel, block, sizeof block)) > 0)
        for (size_t i = 0; i < n; i++)
            e->wrong += block[i] != pattern(e->got++);
}

static bool move(end *e)
{
    bool moved = feed_in(e);
    step(e);
    read_channel(e);
    while (send_out(e))
        moved = true;
    return moved;
}

static void settle(void)
{
    int idle = 0;
    for (int i = 0; i < ROUNDS && idle < 3; i++) {
        bool moved = move(&server);
        idle = move(&client) || moved ? 0 : idle + 1;
    }
}

/* So many bytes of the pattern, or as many as go; by the socket, if that is to be tried. */
static size_t say(end *e, size_t size, bool try_direct)
{
    static uint8_t block[WF_SSH_WRITTEN_MAX];
    if (size > sizeof block)
        size = sizeof block;
    for (size_t i = 0; i < size; i++)
        block[i] = pattern(e->wrote + i);
    bool direct = try_direct && e->in_at == e->in_n && e->out_at == e->out_n &&
                  wf_ssh_direct_begin(e->ssh, e->fd);
    size_t n = wf_ssh_channel_write(e->channel, block, size, false);
    if (direct)
        (void)wf_ssh_direct_end(e->ssh);
    e->direct += direct;
    e->wrote += n;
    return n;
}

/* ---- around each test */

static void before(void)
{
    int wire[2];
    weft_why why;
    (void)snprintf(folder, sizeof folder, "/tmp/weft-ssh-test.XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    CHECK_OK(weft_ssh_keys_open(folder, false, &keys, &why));
    CHECK_OK(wf_ssh_proof_new(NULL, NULL, false, NULL, &proof, &why));
    open_before = open_now();
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, wire) == 0);
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    server.fd = wire[0];
    client.fd = wire[1];
    CHECK_OK(wf_ssh_new(keys, WF_SSH_NONE, CHANNELS, &server.ssh, &why));
    CHECK_OK(wf_ssh_new_client("ann", 0, CHANNELS, &client.ssh, &why));
}

static void close_end(end *e)
{
    wf_ssh_free(&e->ssh);
    if (e->fd >= 0)
        (void)close(e->fd);
    e->fd = -1;
}

static void after(void)
{
    static const char *const names[] = {"ssh_host_ed25519_key", "ssh_host_ed25519_key.pub",
                                        "ssh_host_ecdsa_key", "ssh_host_ecdsa_key.pub"};
    char path[160];
    close_end(&server);
    close_end(&client);
    CHECK_U64(open_now(), open_before);
    wf_ssh_proof_free(&proof);
    weft_ssh_keys_close(&keys);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    CHECK(rmdir(folder) == 0);
}

/* A channel, open on both sides, through which a window has gone: libssh gives little at first. */
static void open_channel(void)
{
    weft_window none = {0};
    settle();
    REQUIRE(client.channel != NULL);
    for (int i = 0; i < ROUNDS && wf_ssh_channel_ask(client.channel, WF_SSH_ASK_SESSION, NULL, 0,
                                                     none) == WF_SSH_LATER;
         i++)
        settle();
    REQUIRE(server.channel != NULL);
    CHECK(say(&server, 50 * KIB, false) > 0);
    settle();
    CHECK(wf_ssh_channel_room(server.channel) >= WF_SSH_WRITTEN_MAX);
    CHECK_U64(client.got, server.wrote);
}

static void all_has_arrived(void)
{
    CHECK_U64(client.got, server.wrote);
    CHECK_U64(server.got, client.wrote);
    CHECK_U64(client.wrong + server.wrong, 0);
    CHECK_OK(server.over);
    CHECK_OK(client.over);
}

/* ---- the tests */

static void what_is_written_leaves_by_the_socket_without_being_taken(void)
{
    open_channel();
    CHECK(wf_ssh_direct_begin(server.ssh, server.fd));
    CHECK_U64(wf_ssh_channel_write(server.channel, (const uint8_t *)"hello", 5, false), 5);
    CHECK(!wf_ssh_direct_end(server.ssh));
    CHECK_U64(wf_ssh_output(server.ssh), 0);
    (void)move(&client);
    CHECK_U64(client.got, server.wrote + 5);
    /* and the pair is there again */
    CHECK_U64(wf_ssh_channel_write(server.channel, (const uint8_t *)"hello", 5, false), 5);
    step(&server);
    CHECK(wf_ssh_output(server.ssh) > 0);
    settle();
    CHECK_U64(client.got, server.wrote + 10);
}

static void bytes_keep_their_order_whichever_way_they_go(void)
{
    open_channel();
    for (unsigned i = 0; server.wrote < BULK && i < ROUNDS; i++) {
        (void)say(&server, 1 + i * 7919 % WF_SSH_WRITTEN_MAX, i % 3 != 0);
        if (i % 5 == 0)
            (void)say(&client, 3000, false);
        if (i % 2 == 0)
            settle();
        else
            (void)move(&client);
    }
    settle();
    CHECK(server.wrote >= BULK);
    CHECK(server.direct > 5);
    CHECK(client.wrote > 0);
    all_has_arrived();
}

static void a_client_writes_to_the_socket_as_a_server_does(void)
{
    open_channel();
    for (unsigned i = 0; client.wrote < BULK && i < ROUNDS; i++) {
        (void)say(&client, WF_SSH_WRITTEN_MAX, true);
        settle();
    }
    CHECK(client.direct > 5);
    all_has_arrived();
}

static void what_the_socket_does_not_take_is_taken_behind_it(void)
{
    open_channel();
    CHECK(setsockopt(server.fd, SOL_SOCKET, SO_SNDBUF, &(int){SMALLEST}, sizeof(int)) == 0);
    CHECK_U64(say(&server, WF_SSH_WRITTEN_MAX, true), WF_SSH_WRITTEN_MAX);
    CHECK_U64(server.direct, 1);
    CHECK(wf_ssh_output(server.ssh) > WF_SSH_WRITTEN_MAX / 2);
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
    settle();
    all_has_arrived();
    CHECK_U64(say(&server, WF_SSH_WRITTEN_MAX, true), WF_SSH_WRITTEN_MAX);
    CHECK_U64(server.direct, 2);
    settle();
    all_has_arrived();
}

static void what_the_peer_has_sent_is_read_from_the_socket(void)
{
    static const uint8_t zeros[WF_SSH_WRITTEN_MAX];
    open_channel();
    CHECK_U64(say(&client, 100, false), 100);
    step(&client);
    CHECK(send_out(&client));
    CHECK(wf_ssh_direct_begin(server.ssh, server.fd));
    CHECK(wf_ssh_channel_write(server.channel, zeros, sizeof zeros, false) == sizeof zeros);
    CHECK(wf_ssh_direct_end(server.ssh));
    CHECK_U64(wf_ssh_channel_waiting(server.channel), 100);
    CHECK(!feed_in(&server));
    read_channel(&server);
    CHECK_U64(server.got, 100);
    CHECK_U64(server.wrong, 0);
    /* what was read there is not missed in the pair */
    CHECK_U64(say(&client, 100, false), 100);
    settle();
    CHECK_U64(server.got, 200);
    CHECK_U64(server.wrong, 0);
}

static void it_is_not_begun_before_what_stands_in_the_session(void)
{
    open_channel();
    wf_ssh_keep_alive(server.ssh);
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
    settle();
    CHECK(say(&client, 100, false) == 100);
    step(&client);
    CHECK(send_out(&client));
    CHECK(feed_in(&server));
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
    settle();
    CHECK(wf_ssh_direct_begin(server.ssh, server.fd));
    CHECK(!wf_ssh_direct_end(server.ssh));
    wf_ssh_goodbye(server.ssh);
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
}

static void it_is_not_begun_on_a_socket_that_has_no_room_or_an_end_to_tell(void)
{
    static const uint8_t zeros[4 * KIB];
    open_channel();
    CHECK(shutdown(client.fd, SHUT_WR) == 0);
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
    while (send(server.fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    CHECK(errno == EAGAIN);
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
    /* it is as it was: what is written now is taken */
    CHECK(say(&server, KIB, true) == KIB);
    CHECK_U64(server.direct, 0);
    step(&server);
    CHECK(wf_ssh_output(server.ssh) > KIB);
}

static void a_socket_that_breaks_ends_the_session_and_closes_nothing_else(void)
{
    open_channel();
    CHECK(wf_ssh_direct_begin(server.ssh, server.fd));
    (void)close(client.fd);
    client.fd = -1;
    static const uint8_t zeros[WF_SSH_WRITTEN_MAX];
    (void)wf_ssh_channel_write(server.channel, zeros, sizeof zeros, false);
    (void)wf_ssh_direct_end(server.ssh);
    /* a number that libssh may have let go of is somebody else's now */
    int other = dup(server.fd);
    step(&server);
    CHECK_ERR(server.over, WEFT_ELOST);
    CHECK(!wf_ssh_direct_begin(server.ssh, server.fd));
    wf_ssh_free(&server.ssh);
    CHECK(close(other) == 0);
}

static void without_a_descriptor_to_spare_bytes_go_through_the_pair(void)
{
    struct rlimit was, now;
    open_channel();
    int lowest = dup(server.fd);
    (void)close(lowest);
    CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
    now = was;
    now.rlim_cur = (rlim_t)lowest;
    CHECK(setrlimit(RLIMIT_NOFILE, &now) == 0);
    CHECK(say(&server, WF_SSH_WRITTEN_MAX, true) == WF_SSH_WRITTEN_MAX);
    CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
    CHECK_U64(server.direct, 0);
    settle();
    all_has_arrived();
    CHECK(say(&server, WF_SSH_WRITTEN_MAX, true) == WF_SSH_WRITTEN_MAX);
    CHECK_U64(server.direct, 1);
    settle();
    all_has_arrived();
}

static const test_case cases[] = {
    TEST(what_is_written_leaves_by_the_socket_without_being_taken),
    TEST(bytes_keep_their_order_whichever_way_they_go),
    TEST(a_client_writes_to_the_socket_as_a_server_does),
    TEST(what_the_socket_does_not_take_is_taken_behind_it),
    TEST(what_the_peer_has_sent_is_read_from_the_socket),
    TEST(it_is_not_begun_before_what_stands_in_the_session),
    TEST(it_is_not_begun_on_a_socket_that_has_no_room_or_an_end_to_tell),
    TEST(a_socket_that_breaks_ends_the_session_and_closes_nothing_else),
    TEST(without_a_descriptor_to_spare_bytes_go_through_the_pair),
    {0},
};
const test_suite ssh_direct_suite = {
    .name = "protocols/ssh_direct", .before = before, .after = after, .cases = cases};
