/* SPDX-License-Identifier: MIT */
/* Connecting and accepting: what goes wrong, and the limits. */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/tls.h>

#include "actors/conn.h"
#include "actors/stream_kit.h"

static const kit_transport nothing = {.name = "none"},
                           tcp = {.name = "tcp", .url = "tcp://127.0.0.1:0"};

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

/* ---- connects that fail */

static const char *url;

static void connect_to_url(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->stream = weft_connect(self, url, weft_self(self));
    CHECK(!weft_ref_is_nobody(s->stream));
}

static void check_refused(const char *to, weft_err reason, const char *word)
{
    kit_side a = {.note = connect_to_url}, b = {.count = 0};
    url = to;
    kit_run(&(kit_world){.by = &nothing, .a = &a, .b = &b, .no_connect = true, .closes = 1});
    CHECK_STR(a.log, "c");
    CHECK_ERR(a.reason, reason);
    if (strstr(a.why, word) == NULL)
        CHECK_STR(a.why, word);
}

/* A socket of the loopback that @backlog says listens (or does not: -1). */
static int bound(int backlog, char text[64], const char *options)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&in, n) == 0);
    REQUIRE(backlog < 0 || listen(fd, backlog) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&in, &n) == 0);
    (void)snprintf(text, 64, "tcp://127.0.0.1:%u%s", ntohs(in.sin_port), options);
    return fd;
}

static void a_connect_that_fails_is_closed_with_the_reason(void)
{
    char text[64];
    int fd = bound(-1, text, "");
    check_refused(text, WEFT_EREFUSED, "refused");
    (void)close(fd);
    check_refused("unix:" P_tmpdir "/weft-test-nobody.sock", WEFT_ENOTFOUND, "No such file");
    check_refused("unix:@weft-test-nobody", WEFT_EREFUSED, "refused");
    check_refused("tcp://nowhere.invalid:1", WEFT_ENONAME, "nowhere.invalid");
    check_refused("tcp://127.0.0.1", WEFT_EINVAL, "port");
    check_refused("tcp://127.0.0.1:1?nodely=on", WEFT_EINVAL, "nodelay");
    check_refused("tpc://127.0.0.1:1", WEFT_EUNSUPPORTED, "tcp");
}

/* A socket that listens, whose queue is full: it takes no more, and says nothing. */
typedef struct mute {
    int fd, filler[4];
    char text[64];
} mute;

static void mute_begin(mute *m, const char *options)
{
    struct sockaddr_in in;
    socklen_t n = sizeof in;
    m->fd = bound(0, m->text, options);
    REQUIRE(getsockname(m->fd, (struct sockaddr *)&in, &n) == 0);
    for (int i = 0; i < 4; i++) {
        m->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(m->filler[i], (struct sockaddr *)&in, n);
    }
    url = m->text;
}

static void mute_end(mute *m)
{
    for (int i = 0; i < 4; i++)
        (void)close(m->filler[i]);
    (void)close(m->fd);
}

static void a_connect_without_an_answer_ends_at_its_timeout(void)
{
    mute m;
    mute_begin(&m, "?timeout=150ms");
    check_refused(m.text, WEFT_ETIMEDOUT, "timeout");
    mute_end(&m);
}

static void connect_and_abort(weft_actor *self, kit_side *s, weft_msg *msg)
{
    connect_to_url(self, s, msg);
    CHECK_OK(weft_abort(self, s->stream, WEFT_OK));
}

static void a_connect_can_be_aborted_while_it_is_under_way(void)
{
    mute m;
    kit_side a = {.note = connect_and_abort}, b = {.count = 0};
    mute_begin(&m, "");
    kit_run(&(kit_world){.by = &nothing, .a = &a, .b = &b, .no_connect = true, .closes = 1});
    CHECK_STR(a.log, "c");
    CHECK_ERR(a.reason, WEFT_EABORTED);
    mute_end(&m);
}

static void connect_write_close(weft_actor *self, kit_side *s, weft_msg *msg)
{
    url = s->world->url;
    connect_to_url(self, s, msg);
    s->total = 100000;
    CHECK_OK(kit_send(self, s, 1000));
    CHECK_OK(weft_close(self, s->stream));
}

static void what_is_written_and_closed_before_it_is_open_arrives(void)
{
    kit_side a = {.note = connect_write_close}, b = {.ended = close_it};
    kit_run(&(kit_world){.by = &tcp, .a = &a, .b = &b, .no_connect = true});
    CHECK_U64(b.got, 100000);
    CHECK_ERR(a.reason, WEFT_EDONE);
}

/* A peer of this machine has answered before connecting returns: what is pushed behind it comes first all the same. */
static void connect_and_push(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_why why = {""};
    weft_tls *tls = kit_tls_client();
    url = s->world->url;
    connect_to_url(self, s, msg);
    CHECK_OK(weft_tls_push(self, s->stream, tls, "localhost", &why));
    weft_tls_drop(&tls);
}

static void shaken_hands(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_tls_info info;
    CHECK_OK(weft_tls_about(self, s->stream, &info));
    CHECK(info.version[0] != '\0');
    close_it(self, s, msg);
}

static void what_is_pushed_with_the_connect_is_there_when_it_opens(void)
{
    static const kit_transport with_tls = {.name = "tls", .url = "tcp://127.0.0.1:0", .tls = true};
    kit_side a = {.note = connect_and_push, .opened = shaken_hands, .plain = true},
             b = {.ended = close_it};
    kit_run(&(kit_world){.by = &with_tls, .a = &a, .b = &b, .no_connect = true});
    CHECK_STR(a.log, "oc");
    CHECK_ERR(a.reason, WEFT_EDONE);
}

static void connect_and_stop(weft_actor *self, kit_side *s, weft_msg *msg)
{
    connect_to_url(self, s, msg);
    (void)weft_stop(self, WEFT_OK);
    weft_system_stop(self, WEFT_OK);
}

static void an_owner_that_stops_takes_a_connect_under_way_with_it(void)
{
    mute m;
    kit_side a = {.note = connect_and_stop}, b = {.count = 0};
    mute_begin(&m, "");
    kit_run(&(kit_world){.by = &nothing, .a = &a, .b = &b, .no_connect = true});
    CHECK_STR(a.log, "");
    mute_end(&m);
}

/* ---- as many as a listener takes */

enum { CONNECTS = 4, ALLOWED = 2 };

static weft_ref stream[64];
static unsigned open_now, open_most;

static void connect_all(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    for (unsigned i = 0; i < s->count; i++)
        stream[i] = weft_connect(self, s->world->url, weft_self(self));
}

static void look_after_a_moment(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->opens == s->count)
        (void)weft_after(self, 30, kit_note, .what = 1);
}

static void connect_then_look(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const kit_note *note = weft_body(msg);
    if (note->what == 0) {
        connect_all(self, s, msg);
        return;
    }
    CHECK_U64(s->world->b->opens, ALLOWED);
    for (unsigned i = 0; i < s->count; i++)
        CHECK_OK(weft_end(self, stream[i]));
}

static void count_up(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self, (void)s, (void)msg;
    if (++open_now > open_most)
        open_most = open_now;
}

static void count_down(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self, (void)s, (void)msg;
    open_now--;
}

/* The side's own stream is the last that opened; these are many. */
static void close_this(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)s;
    CHECK_OK(weft_close(self, ((const weft_ended *)weft_body(msg))->stream));
}

static void a_listener_accepts_conns_max_and_the_next_when_one_has_gone(void)
{
    for (unsigned reactors = 1; reactors <= 1; reactors++) {
        kit_side a = {
            .note = connect_then_look, .opened = look_after_a_moment, .ended = close_this};
        kit_side b = {.opened = count_up, .closed = count_down, .ended = close_this};
        a.count = CONNECTS;
        open_now = open_most = 0;
        kit_run(&(kit_world){.by = &tcp,
                             .a = &a,
                             .b = &b,
                             .no_connect = true,
                             .listen_options = "?conns_max=2",
                             .closes = 2 * CONNECTS});
        CHECK_U64(b.opens, CONNECTS);
        CHECK_U64(open_most, ALLOWED);
    }
}

/* ---- policies of a listener, with a kernel in between */

static void over_sockets_lists_are_about_where_it_comes_from(void)
{
    for (int denied = 0; denied < 2; denied++) {
        kit_side a = {.ended = close_it}, b = {.opened = close_it};
        kit_run(&(kit_world){.by = &tcp,
                             .a = &a,
                             .b = &b,
                             .listen_options = "?allow=127.0.0.0/8&deny=127.0.0.2/31",
                             .connect_options = denied ? "?bind=127.0.0.3" : "?bind=127.0.0.4",
                             .closes = denied ? 1 : 2});
        CHECK_U64(a.opens, 1);
        CHECK_U64(a.closes, 1);
        CHECK_U64(b.opens, !denied);
    }
}

static void over_sockets_one_that_is_idle_is_closed(void)
{
    kit_side a = {.ended = close_it}, b = {.count = 0};
    kit_run(&(kit_world){.by = &tcp, .a = &a, .b = &b, .listen_options = "?idle=30ms"});
    CHECK_STR(a.log, "oec");
    CHECK_STR(b.log, "oc");
    CHECK_ERR(b.reason, WEFT_ETIMEDOUT);
    CHECK_STR(b.why, "nothing came or went for 0.030 s");
}

static void send_half_a_mib(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(kit_send(self, s, 16 << 10));
}

static void over_sockets_a_rate_holds_the_source(void)
{
    kit_side a = {.opened = send_half_a_mib, .total = 512 << 10, .end_when_sent = true};
    kit_side b = {.ended = close_it};
    kit_run(&(kit_world){
        .by = &tcp, .a = &a, .b = &b, .listen_options = "?read_rate=4M&rate_burst=64k"});
    CHECK_U64(b.got, 512 << 10);
    CHECK_U64(b.wrong, 0);
}

static uint64_t polls(weft_actor *self)
{
    weft_reactor_stats stats;
    return weft_stats_reactor(weft_system_of(self), 0, &stats) ? stats.polls : 0;
}

/* ---- what is short and then ends */

static void answer_and_close(weft_actor *self, kit_side *s, weft_msg *msg)
{
    CHECK_OK(weft_write_text(self, s->stream, "an answer"));
    CHECK_OK(weft_write_text(self, s->stream, ", and the end"));
    close_it(self, s, msg);
}

/* Segments that have come for the socket of @whose: those of the handshake too. */
static unsigned segments_in(weft_ref whose)
{
    struct tcp_info info = {.tcpi_segs_in = 0};
    socklen_t n = sizeof info;
    const conn *c = wf_conn_here(whose);
    REQUIRE(c != NULL);
    CHECK_I64(getsockopt(weft_watch_fd(&c->watch), IPPROTO_TCP, TCP_INFO, &info, &n), 0);
    return info.tcpi_segs_in;
}

static void note_the_round(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->count = polls(self);
    CHECK_U64(segments_in(s->stream), 2); /* what accepted, and all else */
}

static void close_in_the_same_round(weft_actor *self, kit_side *s, weft_msg *msg)
{
    CHECK_U64(polls(self), s->count);
    close_it(self, s, msg);
}

static void over_sockets_the_end_comes_with_the_last_bytes_and_is_seen_with_the_first(void)
{
    kit_side a = {.data = note_the_round, .ended = close_in_the_same_round, .raw = true};
    kit_side b = {.opened = answer_and_close};
    kit_run(&(kit_world){.by = &tcp, .a = &a, .b = &b});
    CHECK_STR(a.log, "odec");
    CHECK_U64(a.got, strlen("an answer, and the end"));
    CHECK_STR(b.log, "oc");
    CHECK_ERR(b.reason, WEFT_EDONE);
}

static void answer(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_write_text(self, s->stream, "an answer"));
}

/* Looking for an end that is not there loses nothing: what comes later is read as ever. */
static void over_sockets_an_end_that_is_not_there_yet_is_seen_later(void)
{
    kit_side a = {.opened = answer, .raw = true}, b = {.data = answer, .raw = true};
    a.ended = close_it;
    b.ended = close_it;
    a.data = close_it;
    kit_run(&(kit_world){.by = &tcp, .a = &a, .b = &b});
    CHECK_STR(a.log, "odc");
    CHECK_STR(b.log, "odec");
}

/* ---- descriptors run out */

enum { CLIENTS = 20, LEFT_FOR_SERVER = 4, LOOK_MS = 400 };

static void open_too_many(weft_actor *self, kit_side *s, weft_msg *msg)
{
    static uint64_t before;
    const kit_note *note = weft_body(msg);
    switch (note->what) {
    case 0:
        connect_all(self, s, msg);
        (void)weft_after(self, LOOK_MS / 4, kit_note, .what = 1);
        break;
    case 1:
        before = polls(self);
        (void)weft_after(self, LOOK_MS, kit_note, .what = 2);
        break;
    default:
        /* one look for each pause and each that was let go of, not thousands */
        CHECK(polls(self) - before < 100);
        CHECK(s->world->b->opens >= 1);
        CHECK(s->world->b->opens < CLIENTS);
        for (unsigned i = 0; i < s->count; i++)
            (void)weft_end(self, stream[i]);
    }
}

static void stop_with_the_last(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->closes == s->count)
        weft_system_stop(self, WEFT_OK);
}

static void run_out(void)
{
    kit_side a = {.note = open_too_many, .ended = close_this, .closed = stop_with_the_last};
    kit_side b = {.ended = close_this};
    int used = dup(0);
    (void)close(used);
    a.count = CLIENTS;
    /* a poller's two, the listener's and its spare one come first */
    const rlim_t max = (rlim_t)used + 5 + CLIENTS + LEFT_FOR_SERVER;
    CHECK_I64(setrlimit(RLIMIT_NOFILE, &(struct rlimit){max, max}), 0);
    kit_run(&(kit_world){.by = &tcp, .a = &a, .b = &b, .no_connect = true, .closes = 1000});
    CHECK_U64(a.closes, CLIENTS);
}

static void without_descriptors_a_listener_refuses_now_and_then_and_does_not_spin(void)
{
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        unsigned failures = CU_get_number_of_failures(), i = 0;
        run_out();
        for (const CU_FailureRecord *f = CU_get_failure_list(); f != NULL; f = f->pNext)
            if (i++ >= failures)
                (void)fprintf(stderr, "\n    in the child: %s:%u: %s", f->strFileName,
                              f->uiLineNumber, f->strCondition);
        _exit(CU_get_number_of_failures() != failures);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_I64(status, 0);
}

static const test_case cases[] = {
    TEST(a_connect_that_fails_is_closed_with_the_reason),
    TEST(a_connect_without_an_answer_ends_at_its_timeout),
    TEST(a_connect_can_be_aborted_while_it_is_under_way),
    TEST(what_is_written_and_closed_before_it_is_open_arrives),
    TEST(what_is_pushed_with_the_connect_is_there_when_it_opens),
    TEST(an_owner_that_stops_takes_a_connect_under_way_with_it),
    TEST(a_listener_accepts_conns_max_and_the_next_when_one_has_gone),
    TEST(over_sockets_lists_are_about_where_it_comes_from),
    TEST(over_sockets_one_that_is_idle_is_closed),
    TEST(over_sockets_a_rate_holds_the_source),
    TEST(over_sockets_the_end_comes_with_the_last_bytes_and_is_seen_with_the_first),
    TEST(over_sockets_an_end_that_is_not_there_yet_is_seen_later),
    TEST(without_descriptors_a_listener_refuses_now_and_then_and_does_not_spin),
    {0},
};

const test_suite connect_suite = {.name = "actors/connect", .cases = cases};
