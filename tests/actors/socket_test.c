/* SPDX-License-Identifier: MIT */
/* What URLs ask of the kernel's sockets, seen in the kernel; and descriptors of others. */
#include "actors/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/address.h"
#include "actors/stream_kit.h"

/* ---- listening */

static int listen_at(const char *text, weft_address *at, weft_err want)
{
    weft_url url;
    weft_err err = WEFT_OK;
    weft_why why = {""};
    CHECK_OK(weft_url_parse(text, &url, &why));
    int fd = wf_socket_listen(&url, at, &err, &why);
    CHECK_ERR(err, want);
    return fd;
}

/* Whether 127.0.0.1 or ::1 is answered at @port; the accepted one's address is told as @told. */
static bool answered(int listener, int family, uint16_t port, const char *told)
{
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    bool there = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof v4) == 0
                                   : connect(fd, (struct sockaddr *)&v6, sizeof v6) == 0;
    if (there) {
        struct sockaddr_storage peer;
        socklen_t n = sizeof peer;
        weft_address address;
        char host[WEFT_ADDRESS_TEXT_BYTES];
        int accepted = accept4(listener, (struct sockaddr *)&peer, &n, SOCK_CLOEXEC);
        CHECK(accepted >= 0);
        wf_address_from_sockaddr(&address, (const struct sockaddr *)&peer, n);
        (void)weft_address_host(&address, host);
        CHECK_STR(host, told);
        (void)close(accepted);
    }
    (void)close(fd);
    return there;
}

static void any_address_is_of_both_families(void)
{
    weft_address at;
    int fd = listen_at("tcp://*:0", &at, WEFT_OK);
    CHECK(answered(fd, AF_INET, at.port, "127.0.0.1"));
    CHECK(answered(fd, AF_INET6, at.port, "::1"));
    (void)close(fd);
}

static void an_address_of_v6_alone_can_be_asked_for(void)
{
    weft_address at;
    int fd = listen_at("tcp://[::]:0?v6only=yes", &at, WEFT_OK);
    CHECK(!answered(fd, AF_INET, at.port, ""));
    CHECK(answered(fd, AF_INET6, at.port, "::1"));
    (void)close(fd);
}

/* Clients that try ::1 first are refused there, and go on to 127.0.0.1. */
static void localhost_is_the_loopback_of_v4(void)
{
    weft_address at = {.family = WEFT_FAMILY_NONE};
    char host[WEFT_ADDRESS_TEXT_BYTES];
    int fd = listen_at("tcp://localhost:0", &at, WEFT_OK);
    REQUIRE(fd >= 0);
    CHECK_STR(weft_address_host(&at, host), "127.0.0.1");
    CHECK(answered(fd, AF_INET, at.port, "127.0.0.1"));
    CHECK(!answered(fd, AF_INET6, at.port, ""));
    (void)close(fd);
    CHECK_I64(listen_at("tcp://db.example:0", &at, WEFT_ENONAME), -1);
}

static void an_address_that_is_taken_is_refused(void)
{
    char text[64];
    weft_address at;
    int fd = listen_at("tcp://127.0.0.1:0", &at, WEFT_OK);
    (void)snprintf(text, sizeof text, "tcp://127.0.0.1:%u", at.port);
    CHECK_I64(listen_at(text, &at, WEFT_EEXISTS), -1);
    (void)close(fd);
}

/* ---- options of connections */

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof value;
    CHECK_I64(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static int connect_with(uint16_t port, const char *options)
{
    char text[96];
    weft_url url;
    weft_err err = WEFT_OK;
    weft_why why = {""};
    (void)snprintf(text, sizeof text, "tcp://127.0.0.1:%u%s", port, options);
    CHECK_OK(weft_url_parse(text, &url, &why));
    int fd = wf_socket_connect(&url, &err, &why);
    CHECK_ERR(err, WEFT_OK);
    return fd;
}

static void nodelay_and_keepalive_are_what_the_url_says(void)
{
    static const struct {
        const char *options;
        int nodelay, keepalive, idle_s, interval_s;
    } rows[] = {
        {"", 1, 0, 0, 0},
        {"?nodelay=no", 0, 0, 0, 0},
        {"?keepalive=60s", 1, 1, 60, 20},
        {"?keepalive=1s", 1, 1, 1, 1},
    };
    weft_address at;
    int listener = listen_at("tcp://127.0.0.1:0", &at, WEFT_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = connect_with(at.port, rows[i].options);
        CHECK_I64(option_of(fd, IPPROTO_TCP, TCP_NODELAY) != 0, rows[i].nodelay);
        CHECK_I64(option_of(fd, SOL_SOCKET, SO_KEEPALIVE) != 0, rows[i].keepalive);
        if (rows[i].keepalive != 0) {
            CHECK_I64(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), rows[i].idle_s);
            CHECK_I64(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), rows[i].interval_s);
        }
        (void)close(fd);
    }
    (void)close(listener);
}

static void what_is_accepted_has_what_the_url_of_the_listener_says(void)
{
    weft_address at;
    int listener = listen_at("tcp://127.0.0.1:0?keepalive=60s", &at, WEFT_OK);
    int fd = connect_with(at.port, "");
    struct pollfd p = {.fd = listener, .events = POLLIN};
    CHECK_I64(poll(&p, 1, 5000), 1);
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    REQUIRE(accepted >= 0);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE) != 0);
    CHECK_I64(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    CHECK_I64(option_of(accepted, IPPROTO_TCP, TCP_KEEPINTVL), 20);
    (void)close(accepted);
    (void)close(fd);
    (void)close(listener);
}

static void a_connect_comes_from_where_it_is_bound(void)
{
    weft_address at;
    struct sockaddr_in from = {.sin_port = 0};
    socklen_t n = sizeof from;
    int listener = listen_at("tcp://127.0.0.1:0", &at, WEFT_OK);
    int fd = connect_with(at.port, "?bind=127.0.0.2:0");
    CHECK_I64(getsockname(fd, (struct sockaddr *)&from, &n), 0);
    CHECK_U64(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK + 1);
    (void)close(fd);
    (void)close(listener);
}

/* ---- sockets with a path */

static void path_of(char to[108])
{
    (void)snprintf(to, 108, P_tmpdir "/weft-socket-test-%d.sock", (int)getpid());
    (void)unlink(to);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

static void a_socket_file_has_the_mode_that_is_asked_for(void)
{
    char path[108], text[160];
    weft_address at;
    path_of(path);
    (void)snprintf(text, sizeof text, "unix:%s?mode=0620", path);
    int fd = listen_at(text, &at, WEFT_OK);
    CHECK_U64(mode_of(path), 0620);
    (void)close(fd);
    (void)unlink(path);
}

static void a_socket_file_that_nobody_listens_at_gives_way(void)
{
    char path[108], text[160];
    weft_address at;
    path_of(path);
    (void)snprintf(text, sizeof text, "unix:%s", path);
    (void)close(listen_at(text, &at, WEFT_OK)); /* the file is left behind */
    CHECK(mode_of(path) != 0);
    int fd = listen_at(text, &at, WEFT_OK);
    /* one that somebody listens at does not, and goes on */
    CHECK_I64(listen_at(text, &at, WEFT_EEXISTS), -1);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_I64(connect(client, (struct sockaddr *)&un, sizeof un), 0);
    (void)close(client);
    (void)close(fd);
    (void)unlink(path);
}

static void what_is_no_socket_does_not_give_way(void)
{
    char path[108], text[160];
    weft_address at;
    path_of(path);
    (void)snprintf(text, sizeof text, "unix:%s", path);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    CHECK_I64(listen_at(text, &at, WEFT_EEXISTS), -1);
    CHECK(mode_of(path) != 0);
    (void)close(file);
    (void)unlink(path);
}

static void the_socket_file_goes_with_its_listener(void)
{
    char path[108], text[160];
    weft_why why = {""};
    weft_listening at;
    path_of(path);
    (void)snprintf(text, sizeof text, "unix:%s", path);
    weft_system *sys = weft_system_new(NULL);
    CHECK_OK(weft_listen_at(sys, text, &kit_bare_behaviour, NULL, &at, &why));
    CHECK(mode_of(path) != 0);
    weft_system_free(&sys);
    CHECK_U64(mode_of(path), 0);
}

/* ---- descriptors of others */

static const kit_transport nothing = {.name = "none"};
static int adopted;

static void adopt_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (weft_ref_is_nobody(s->stream))
        s->stream = weft_adopt(self, adopted, weft_self(self));
}

static void echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)s;
    CHECK_OK(weft_write(self, weft_sender(msg), ((const weft_data *)weft_body(msg))->bytes));
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void run_alone(kit_side *a)
{
    kit_side b = {.count = 0};
    kit_run(&(kit_world){.by = &nothing, .a = a, .b = &b, .no_connect = true, .closes = 1});
}

static void a_descriptor_that_is_adopted_is_a_stream_and_closed_with_it(void)
{
    int fd[2];
    char back[16];
    kit_side a = {.note = adopt_it, .data = echo, .ended = close_it, .raw = true};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    adopted = fd[0];
    CHECK(write(fd[1], "hello", 5) == 5);
    CHECK_I64(shutdown(fd[1], SHUT_WR), 0);
    run_alone(&a);
    CHECK_STR(a.log, "odec");
    CHECK_ERR(a.reason, WEFT_EDONE);
    ssize_t n = recv(fd[1], back, sizeof back, MSG_DONTWAIT);
    CHECK_MEM(back, n > 0 ? (size_t)n : 0, "hello", 5);
    CHECK_I64(recv(fd[1], back, sizeof back, MSG_DONTWAIT), 0);
    CHECK_I64(fcntl(fd[0], F_GETFD), -1);
    (void)close(fd[1]);
}

static void a_file_that_is_adopted_is_read_to_its_end(void)
{
    enum { BYTES = 300000 };
    kit_side a = {.note = adopt_it, .ended = close_it};
    adopted = memfd_create("adopted", MFD_CLOEXEC);
    uint8_t *text = malloc(BYTES);
    REQUIRE(adopted >= 0 && text != NULL);
    for (size_t i = 0; i < BYTES; i++)
        text[i] = kit_byte(i);
    CHECK(pwrite(adopted, text, BYTES, 0) == BYTES);
    free(text);
    run_alone(&a);
    CHECK_U64(a.got, BYTES);
    CHECK_U64(a.wrong, 0);
    CHECK_ERR(a.reason, WEFT_EDONE);
}

static int pipe_out;

static void write_all(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 16 << 10);
    kit_tell(self, s, 1);
}

/* What fits the pipe, again and again, by the same thread that fills it. */
static void adopt_then_read_back(weft_actor *self, kit_side *s, weft_msg *msg)
{
    static char room[64 << 10];
    ssize_t n;
    adopt_it(self, s, msg);
    if (((const kit_note *)weft_body(msg))->what == 0)
        return;
    while ((n = read(pipe_out, room, sizeof room)) > 0)
        s->count += (uint64_t)n;
    if (s->count < s->total)
        (void)weft_after(self, 1, kit_note, .what = 1);
    else
        CHECK_OK(weft_close(self, s->stream));
}

static void a_pipe_that_would_block_does_not_hold_its_reactor(void)
{
    int fd[2];
    kit_side a = {.note = adopt_then_read_back, .opened = write_all, .total = 1 << 20};
    REQUIRE(pipe2(fd, O_CLOEXEC) == 0);
    REQUIRE(fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0);
    pipe_out = fd[0];
    adopted = fd[1];
    run_alone(&a);
    CHECK_U64(a.count, 1 << 20);
    CHECK_ERR(a.reason, WEFT_EDONE);
    (void)close(fd[0]);
}

static void what_is_no_descriptor_is_told_as_closed(void)
{
    kit_side a = {.note = adopt_it};
    adopted = -1;
    run_alone(&a);
    CHECK_STR(a.log, "c");
    CHECK_ERR(a.reason, WEFT_EINVAL);
    CHECK_STR(a.why, "descriptor -1: Bad file descriptor");
}

static const test_case cases[] = {
    TEST(any_address_is_of_both_families),
    TEST(an_address_of_v6_alone_can_be_asked_for),
    TEST(localhost_is_the_loopback_of_v4),
    TEST(an_address_that_is_taken_is_refused),
    TEST(nodelay_and_keepalive_are_what_the_url_says),
    TEST(what_is_accepted_has_what_the_url_of_the_listener_says),
    TEST(a_connect_comes_from_where_it_is_bound),
    TEST(a_socket_file_has_the_mode_that_is_asked_for),
    TEST(a_socket_file_that_nobody_listens_at_gives_way),
    TEST(what_is_no_socket_does_not_give_way),
    TEST(the_socket_file_goes_with_its_listener),
    TEST(a_descriptor_that_is_adopted_is_a_stream_and_closed_with_it),
    TEST(a_file_that_is_adopted_is_read_to_its_end),
    TEST(a_pipe_that_would_block_does_not_hold_its_reactor),
    TEST(what_is_no_descriptor_is_told_as_closed),
    {0},
};

const test_suite socket_suite = {.name = "actors/socket", .cases = cases};
