/* SPDX-License-Identifier: MIT */
/* URLs of what is no address: how they are written, and what those that were given come to. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <weft/url.h>

#include "actors/process_kit.h"
#include "actors/stream_kit.h"
#include "terminal.h"

/* ---- how they are written */

static weft_url parsed(const char *text)
{
    weft_url url = {0};
    weft_why why = {""};
    weft_err err = weft_url_parse(text, &url, &why);
    if (err != WEFT_OK)
        CHECK_STR(why.text, "");
    return url;
}

static const char *printed(const char *text)
{
    static char form[WEFT_URL_BYTES_MAX + 1];
    weft_url url = parsed(text);
    (void)weft_url_print(&url, form, sizeof form);
    return form;
}

static void refused(const char *text, int end, weft_err want, const char *part)
{
    weft_url url;
    weft_why why = {""};
    weft_err err = weft_url_parse(text, &url, &why);
    if (err == WEFT_OK && end != 0)
        err = weft_url_check(&url, (weft_url_end)end, &why);
    CHECK_ERR(err, want);
    if (strstr(why.text, part) == NULL)
        CHECK_STR(why.text, part);
}

static void programs_have_arguments_as_options(void)
{
    weft_url url = parsed("exec:/usr/bin/env?arg=-i&arg=a%20b%26c&env=A%3D1&dir=/tmp&pty=on");
    CHECK_STR(url.path, "/usr/bin/env");
    CHECK_STR(weft_url_text(&url, WEFT_URL_ARG, 0), "-i");
    CHECK_STR(weft_url_text(&url, WEFT_URL_ARG, 1), "a b&c");
    CHECK(weft_url_text(&url, WEFT_URL_ARG, 2) == NULL);
    CHECK_STR(weft_url_text(&url, WEFT_URL_ENV, 0), "A=1");
    CHECK_STR(weft_url_text(&url, WEFT_URL_DIR, 0), "/tmp");
    CHECK(url.options.pty);
    CHECK_STR(printed("exec:///bin/cat"), "exec:/bin/cat");
    CHECK_STR(printed("exec:my%20program?arg="), "exec:my%20program?arg=");
    refused("exec:", 0, WEFT_EINVAL, "is empty");
    refused("exec://host/cat", 0, WEFT_EINVAL, "has no host");
    refused("exec:cat?dir=/&dir=/", 0, WEFT_EINVAL, "dir");
    refused("exec:cat?nodelay=on", 0, WEFT_EINVAL, "no option");
    refused("exec:cat", WEFT_URL_LISTEN, WEFT_EUNSUPPORTED, "for connecting, not for listening");
}

static void the_others_have_what_they_need(void)
{
    CHECK_STR(printed("stdio:?raw=on"), "stdio:?raw=on");
    CHECK_STR(printed("fd:3"), "fd:3");
    CHECK_STR(printed("systemd:"), "systemd:");
    CHECK_STR(printed("systemd:web?conns_max=3"), "systemd:web?conns_max=3");
    CHECK_STR(printed("serial:/dev/ttyS0?baud=9600&parity=even"),
              "serial:/dev/ttyS0?baud=9600&parity=even");
    weft_url url = parsed("serial:/dev/ttyS0");
    CHECK_U64(url.options.baud, 115200);
    CHECK_U64(url.options.data, 8);
    CHECK_U64(url.options.stop, 1);
    refused("stdio:x", 0, WEFT_EINVAL, "nothing behind it");
    refused("fd:", 0, WEFT_EINVAL, "a number");
    refused("fd:-1", 0, WEFT_EINVAL, "a number");
    refused("fd:2147483648", 0, WEFT_EINVAL, "a number");
    refused("serial:", 0, WEFT_EINVAL, "is empty");
    refused("serial:/dev/ttyS0?data=9", 0, WEFT_EINVAL, "from 5 to 8");
    refused("serial:/dev/ttyS0?parity=some", 0, WEFT_EINVAL, "none, even or odd");
    refused("serial:/dev/ttyS0", WEFT_URL_LISTEN, WEFT_EUNSUPPORTED, "not for listening");
    refused("systemd:web", WEFT_URL_CONNECT, WEFT_EUNSUPPORTED, "not for connecting");
}

static void each_can_have_tls(void)
{
    static const char *const all[] = {"exec:cat?tls=on", "stdio:?tls=on", "fd:3?tls=on",
                                      "systemd:web?tls=on", "serial:/dev/ttyS0?tls=on"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(parsed(all[i]).options.tls);
        CHECK_STR(printed(all[i]), all[i]);
    }
    CHECK_STR(printed("stdio:?tls=on&cert=a.pem&key=a.key"), "stdio:?tls=on&cert=a.pem&key=a.key");
    refused("exec:cat?tls&certificate=a.pem", 0, WEFT_EINVAL, "no option");
}

/* ---- what they come to */

static const kit_transport nothing = {.name = "none"};
static char url[512];

static void connect_to_url(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->stream = weft_connect(self, url, weft_self(self));
    CHECK(!weft_ref_is_nobody(s->stream));
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void say(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_write_text(self, s->stream, "hello\n"));
    if (s->count == 0)
        CHECK_OK(weft_end(self, s->stream));
}

static kit_side run_url(const char *text, kit_side a)
{
    kit_side b = {.count = 0};
    unsigned fds = process_count_fds();
    (void)snprintf(url, sizeof url, "%s", text);
    a.note = connect_to_url;
    a.raw = true;
    kit_run(&(kit_world){.by = &nothing, .a = &a, .b = &b, .no_connect = true, .closes = 1});
    CHECK_U64(a.closes, 1);
    CHECK(process_no_children());
    CHECK(process_count_fds() <= fds);
    return a;
}

static void a_program_is_a_stream_and_says_why_it_is_none(void)
{
    kit_side a = run_url("exec:cat", (kit_side){.opened = say, .ended = close_it});
    CHECK_STR(a.log, "odec");
    CHECK_U64(a.got, 6);
    CHECK_ERR(a.reason, WEFT_EDONE);
    a = run_url("exec:no-such-program", (kit_side){.ended = close_it});
    CHECK_STR(a.log, "c");
    CHECK_ERR(a.reason, WEFT_ENOTFOUND);
    CHECK(strstr(a.why, "unable to run no-such-program") != NULL);
    a = run_url("exec:cat?dir=/no/such", (kit_side){.ended = close_it});
    CHECK_ERR(a.reason, WEFT_ENOTFOUND);
    CHECK(strstr(a.why, "unable to enter") != NULL);
    /* one that goes on when its stream has closed is stopped */
    a = run_url("exec:sleep?arg=1000", (kit_side){.opened = close_it});
    CHECK_STR(a.log, "oc");
    /* whose certificate? and a terminal would change the records */
    a = run_url("exec:cat?tls", (kit_side){.ended = close_it});
    CHECK_ERR(a.reason, WEFT_EINVAL);
    CHECK(strstr(a.why, "host=NAME") != NULL);
    a = run_url("exec:cat?tls&verify=off&pty", (kit_side){.ended = close_it});
    CHECK_ERR(a.reason, WEFT_EINVAL);
    CHECK(strstr(a.why, "only one of the options") != NULL);
    /* what it says is no TLS */
    a = run_url("exec:echo?arg=hello&tls&verify=off", (kit_side){.ended = close_it});
    CHECK_ERR(a.reason, WEFT_ETLS);
    a = run_url("exec:cat?pty=on", (kit_side){.opened = say, .ended = close_it});
    CHECK_ERR(a.reason, WEFT_EDONE);
    CHECK_U64(a.got, 14); /* the echo, and what it read; both with CR */
}

static void a_descriptor_that_was_given_is_a_stream(void)
{
    int fd[2];
    char text[32];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0); /* as one that was inherited */
    CHECK_I64(write(fd[1], "given", 5), 5);
    (void)shutdown(fd[1], SHUT_WR);
    (void)snprintf(text, sizeof text, "fd:%d", fd[0]);
    kit_side a = run_url(text, (kit_side){.opened = say, .ended = close_it});
    CHECK_STR(a.log, "odec");
    CHECK_U64(a.got, 5);
    CHECK_I64(read(fd[1], text, sizeof text), 6);
    (void)close(fd[1]);

    a = run_url("fd:999", (kit_side){.ended = close_it});
    CHECK_ERR(a.reason, WEFT_EINVAL);
    int own = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)snprintf(text, sizeof text, "fd:%d", own);
    a = run_url(text, (kit_side){.ended = close_it});
    CHECK_ERR(a.reason, WEFT_EDENIED);
    (void)close(own);
}

/* A UNIX socket that listens, open as one that was inherited. */
static int listening(const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "%s-%d", name, (int)getpid());
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof un) == 0 && listen(fd, 8) == 0);
    return fd;
}

static weft_err listen_at(const char *text, weft_listening *out, weft_why *why)
{
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    weft_err err = weft_listen_at(sys, text, &kit_bare_behaviour, NULL, out, why);
    weft_system_free(&sys);
    return err;
}

static void a_socket_that_listens_may_be_given_by_number(void)
{
    char text[32];
    weft_why why = {""};
    weft_listening got;
    int fd = listening("weft-test-given");
    (void)snprintf(text, sizeof text, "fd:%d", fd);
    CHECK_OK(listen_at(text, &got, &why));
    CHECK_I64(got.address.family, WEFT_FAMILY_UNIX);
    CHECK(fcntl(fd, F_GETFD) < 0); /* closed with the listener */
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    (void)snprintf(text, sizeof text, "fd:%d", pair[0]);
    CHECK_ERR(listen_at(text, &got, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "no stream socket that listens") != NULL);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* In a process of its own, whose descriptors from 3 on are systemd's. */
static void be_activated(void)
{
    char pid[16];
    weft_why why = {""};
    weft_listening got;
    int first = listening("weft-test-first"), second = listening("weft-test-second");
    REQUIRE(fcntl(first, F_DUPFD, 100) == 100 && fcntl(second, F_DUPFD, 101) == 101);
    CHECK_I64(dup2(100, 3), 3);
    CHECK_I64(dup2(101, 4), 4);
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    CHECK_I64(setenv("LISTEN_PID", pid, 1), 0);
    CHECK_I64(setenv("LISTEN_FDS", "2", 1), 0);
    CHECK_I64(setenv("LISTEN_FDNAMES", "one:two", 1), 0);
    CHECK_ERR(listen_at("systemd:three", &got, &why), WEFT_ENOTFOUND);
    CHECK(strstr(why.text, "there are: one, two") != NULL);
    CHECK(getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL &&
          getenv("LISTEN_FDNAMES") == NULL);
    CHECK((fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_OK(listen_at("systemd:two", &got, &why));
    CHECK(strstr(got.address.path, "weft-test-second") != NULL);
    CHECK_ERR(listen_at("systemd:two", &got, &why), WEFT_ENOTFOUND);
    CHECK_OK(listen_at("systemd:", &got, &why)); /* the next one */
    CHECK(strstr(got.address.path, "weft-test-first") != NULL);
}

static void sockets_of_systemd_are_found_by_name_or_in_order(void)
{
    process_apart(be_activated);
}

static void a_serial_line_has_its_modes_back_when_it_is_over(void)
{
    int ours, theirs;
    char path[64], text[128];
    struct termios before = {0}, after = {0};
    REQUIRE(wf_terminal_pair((weft_window){.rows = 1, .columns = 1}, &ours, &theirs, NULL) ==
            WEFT_OK);
    REQUIRE(ptsname_r(ours, path, sizeof path) == 0 && tcgetattr(theirs, &before) == 0);
    (void)snprintf(text, sizeof text, "serial:%s?baud=9600&flow=software", path);
    CHECK_I64(write(ours, "\n", 1), 1); /* before: not for the stream */
    kit_side a = run_url(text, (kit_side){.opened = close_it});
    CHECK_STR(a.log, "oc");
    CHECK_I64(tcgetattr(theirs, &after), 0);
    CHECK(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag &&
          after.c_cflag == before.c_cflag && after.c_oflag == before.c_oflag);
    (void)snprintf(text, sizeof text, "serial:%s?baud=51", path);
    a = run_url(text, (kit_side){.opened = close_it});
    CHECK_ERR(a.reason, WEFT_EINVAL);
    a = run_url("serial:/dev/null", (kit_side){.opened = close_it});
    CHECK_ERR(a.reason, WEFT_EINVAL);
    a = run_url("serial:/no/such/line", (kit_side){.opened = close_it});
    CHECK_ERR(a.reason, WEFT_ENOTFOUND);
    (void)close(ours);
    (void)close(theirs);
}

static const test_case cases[] = {
    TEST(programs_have_arguments_as_options),
    TEST(the_others_have_what_they_need),
    TEST(each_can_have_tls),
    TEST(a_program_is_a_stream_and_says_why_it_is_none),
    TEST(a_descriptor_that_was_given_is_a_stream),
    TEST(a_socket_that_listens_may_be_given_by_number),
    TEST(sockets_of_systemd_are_found_by_name_or_in_order),
    TEST(a_serial_line_has_its_modes_back_when_it_is_over),
    {0},
};

const test_suite local_url_suite = {.name = "actors/local urls", .cases = cases};
