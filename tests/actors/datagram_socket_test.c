/* SPDX-License-Identifier: MIT */
/* Datagram sockets: what URLs ask of the kernel, and what it says. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/datagram_kit.h"
#include "actors/endpoint.h"
#include "actors/wire.h"
#include "alloc.h"

static const gram_transport udp = {.name = "udp", .url = "udp://127.0.0.1:0", .icmp = true};
static const gram_transport any = {.name = "any", .url = "udp://*:0", .reach = "udp://127.0.0.1"};
static const gram_transport path = {
    .name = "path", .url = "unixgram:" P_tmpdir "/weft-test-%d.gram", .local = true};

/* Opens @text, or says why not. */
static int open_url(const char *text, weft_url_end end, weft_address *local, weft_err *err)
{
    weft_url url;
    weft_why why = {""};
    *err = weft_url_parse(text, &url, &why);
    if (*err == WEFT_OK)
        *err = weft_url_check(&url, end, &why);
    return *err == WEFT_OK ? wf_endpoint_socket(&url, end, local, err, &why) : -1;
}

static int bound(const char *text)
{
    weft_address local = {.family = WEFT_FAMILY_NONE};
    weft_err err;
    int fd = open_url(text, WEFT_URL_LISTEN, &local, &err);
    CHECK_OK(err);
    REQUIRE(fd >= 0);
    return fd;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof value;
    CHECK_I64(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static void options_are_what_the_url_says(void)
{
    int v4 = bound("udp://127.0.0.1:0?ttl=7&multicast_ttl=3&loop=off&broadcast&interface=lo");
    CHECK_I64(option(v4, IPPROTO_IP, IP_TTL), 7);
    CHECK_I64(option(v4, IPPROTO_IP, IP_MULTICAST_TTL), 3);
    CHECK_I64(option(v4, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    CHECK_I64(option(v4, SOL_SOCKET, SO_BROADCAST), 1);
    (void)close(v4);
    int v6 = bound("udp://[::1]:0?ttl=9&multicast_ttl=4&loop=off&interface=lo");
    CHECK_I64(option(v6, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9);
    CHECK_I64(option(v6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 4);
    CHECK_I64(option(v6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
    CHECK_I64(option(v6, IPPROTO_IPV6, IPV6_MULTICAST_IF), 1);
    (void)close(v6);
    int both = bound("udp://*:0"), only = bound("udp://*:0?v6only");
    CHECK_I64(option(both, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    CHECK_I64(option(only, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    (void)close(both);
    (void)close(only);
    int small = bound("udp://127.0.0.1:0?receive_buffer=8k");
    CHECK_I64(option(small, SOL_SOCKET, SO_RCVBUF), 16 << 10); /* the kernel doubles it */
    (void)close(small);
}

static void what_cannot_be_opened_says_why(void)
{
    weft_address local = {.family = WEFT_FAMILY_NONE};
    weft_err err;
    char text[WEFT_ADDRESS_TEXT_BYTES], url[WEFT_ADDRESS_TEXT_BYTES + 16];
    int fd = open_url("udp://127.0.0.1:0", WEFT_URL_LISTEN, &local, &err);
    REQUIRE(fd >= 0);
    (void)snprintf(url, sizeof url, "udp://%s", weft_address_print(&local, text));
    CHECK_I64(open_url(url, WEFT_URL_LISTEN, &local, &err), -1);
    CHECK_ERR(err, WEFT_EEXISTS);
    (void)close(fd);
    static const struct {
        const char *url;
        weft_err err;
    } rows[] = {
        {"udp://127.0.0.1:0?interface=nosuchif", WEFT_ENOTFOUND},
        {"udp://127.0.0.1:0?join=10.0.0.1", WEFT_EINVAL},
        {"udp://127.0.0.1:0?join=group", WEFT_EINVAL},
        {"udp://example.org:53", WEFT_ENONAME},
        {"udp://192.0.2.1:0", WEFT_EUNREACHABLE},
        {"unixgram:/nosuchfolder/x", WEFT_ENOTFOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_I64(open_url(rows[i].url, WEFT_URL_LISTEN, &local, &err), -1);
        CHECK_ERR(err, rows[i].err);
    }
}

static void a_port_is_shared_by_those_that_ask_for_it(void)
{
    weft_address local = {.family = WEFT_FAMILY_NONE};
    weft_err err;
    char url[64];
    int one = open_url("udp://127.0.0.1:0?reuseport", WEFT_URL_LISTEN, &local, &err);
    REQUIRE(one >= 0);
    (void)snprintf(url, sizeof url, "udp://127.0.0.1:%u?reuseport", (unsigned)local.port);
    int two = open_url(url, WEFT_URL_LISTEN, &local, &err);
    CHECK(two >= 0);
    (void)close(one);
    if (two >= 0)
        (void)close(two);
}

static void a_connect_comes_from_where_it_is_bound(void)
{
    weft_address local = {.family = WEFT_FAMILY_NONE};
    weft_err err;
    int fd = open_url("udp://127.0.0.1:9?bind=127.0.0.3", WEFT_URL_CONNECT, &local, &err);
    REQUIRE(fd >= 0);
    CHECK_U64(local.ip[3], 3);
    (void)close(fd);
}

/* ---- paths */

static void a_stale_path_is_removed_and_one_in_use_is_not(void)
{
    char url[128], file[96];
    weft_address local = {.family = WEFT_FAMILY_NONE};
    weft_err err;
    struct stat st;
    (void)snprintf(file, sizeof file, P_tmpdir "/weft-test-%d.stale", (int)getpid());
    (void)snprintf(url, sizeof url, "unixgram:%s?mode=0600", file);
    int one = bound(url);
    CHECK_I64(lstat(file, &st), 0);
    CHECK_I64(st.st_mode & 0777, 0600);
    CHECK_I64(open_url(url, WEFT_URL_LISTEN, &local, &err), -1);
    CHECK_ERR(err, WEFT_EEXISTS);
    (void)close(one); /* its file stays, as after a crash */
    one = bound(url);
    weft_url parsed;
    CHECK_OK(weft_url_parse(url, &parsed, NULL));
    wf_endpoint_socket_close(one, &parsed, WEFT_URL_LISTEN);
    CHECK_I64(lstat(file, &st), -1);

    /* a stream's socket is not ours, whether somebody listens or not */
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", file);
    int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_I64(bind(stream, (struct sockaddr *)&un, sizeof un), 0);
    CHECK_I64(listen(stream, 1), 0);
    CHECK_I64(open_url(url, WEFT_URL_LISTEN, &local, &err), -1);
    CHECK_ERR(err, WEFT_EEXISTS);
    (void)close(stream);
    (void)unlink(file);
}

static void closing_removes_the_path(void)
{
    struct stat st;
    char file[96];
    gram_side b = {.opened = gram_close};
    gram_run(&(gram_world){.by = &path, .b = &b, .closes = 1});
    (void)snprintf(file, sizeof file, P_tmpdir "/weft-test-%d.gram", (int)getpid());
    CHECK_STR(b.log, "oc");
    CHECK_I64(lstat(file, &st), -1);
}

static void a_plan_that_never_ran_is_closed(void)
{
    struct stat st;
    char file[96], url[128];
    weft_listening got;
    weft_why why;
    static const gram_world w;
    (void)snprintf(file, sizeof file, P_tmpdir "/weft-test-%d.gram", (int)getpid());
    (void)snprintf(url, sizeof url, "unixgram:%s", file);
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK_OK(weft_bind_at(sys, url, &gram_behaviour, &w, &got, &why));
    CHECK_STR(got.url, url);
    CHECK_I64(lstat(file, &st), 0);
    weft_system_free(&sys);
    CHECK_I64(lstat(file, &st), -1);
}

/* ---- who may be bound */

static weft_err nothing(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static void only_what_serves_datagrams_is_bound(void)
{
    static const weft_handler rows[] = {{.type = &weft_data_type, .fn = nothing}, {0}};
    static const weft_behaviour streams = {.name = "streams", .handlers = rows};
    weft_listening got;
    weft_why why;
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK_ERR(weft_listen_at(sys, "udp://127.0.0.1:0", &streams, NULL, &got, &why),
              WEFT_EUNSUPPORTED);
    CHECK(strstr(why.text, "does not serve datagrams") != NULL);
    CHECK_ERR(weft_bind_at(sys, "tcp://127.0.0.1:0", &gram_behaviour, NULL, &got, &why),
              WEFT_EUNSUPPORTED);
    CHECK_ERR(weft_bind_at(sys, "sim://a:1", &gram_behaviour, NULL, &got, &why), WEFT_EUNSUPPORTED);
    weft_system_free(&sys);
}

static void streams_do_not_run_over_datagrams(void)
{
    static const char *const urls[] = {"udp://127.0.0.1:9", "unixgram:@x"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        weft_url url;
        weft_why why = {""};
        CHECK_OK(weft_url_parse(urls[i], &url, &why));
        CHECK_ERR(wf_wire_check(NULL, &url, &why), WEFT_EUNSUPPORTED);
        CHECK(strstr(why.text, "not streams") != NULL);
    }
}

/* ---- what was lost in the kernel */

enum { BURST = 400 };

/* Kept, the first holds the window: meanwhile the kernel's buffer overflows. */
static void keep_first(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    s->count += d->lost;
    if (s->grams == 1) {
        s->held = weft_keep(msg);
        gram_tell(self, s->world->a, 0);
    }
    /* by then there is room; it comes behind the gap, and says how wide that was */
    if (s->grams == 4) {
        uint32_t last = BURST;
        GRAM_CHECK(s, weft_send_copy(self, s->endpoint, &s->local, &last, sizeof last) == WEFT_OK);
    }
    if (gram_number(d) == BURST)
        gram_count(self, s, msg);
}

static void send_burst(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    for (uint32_t i = 1; i < BURST; i++)
        GRAM_CHECK(s, gram_send(self, s, i, 1000) == WEFT_OK);
    gram_count(self, s, msg);
}

static void send_first(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    GRAM_CHECK(s, gram_send(self, s, 0, 1000) == WEFT_OK);
}

static void tell_b(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    gram_tell(self, s->world->b, 0);
}

static void let_go(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)self, (void)msg;
    gram_let_go(s);
}

static void what_the_kernel_has_no_room_for_is_counted(void)
{
    gram_side a = {.opened = send_first, .note = send_burst, .closed = tell_b};
    gram_side b = {.datagram = keep_first,
                   .note = let_go,
                   .raw = true,
                   .options = "?window=1&receive_buffer=16k"};
    gram_run(&(gram_world){.by = &udp, .a = &a, .b = &b});
    CHECK_U64(a.stats.sent + a.stats.queued, BURST);
    CHECK(b.count > 0);
    /* with what came and what is lost, nothing is unaccounted for */
    CHECK_U64(b.stats.lost + b.grams, BURST + 1);
    CHECK_U64(b.count, b.stats.lost);
}

/* ---- reports */

static void send_to_all(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_address all = {.family = WEFT_FAMILY_V4, .port = 9, .ip = {255, 255, 255, 255}};
    (void)msg;
    GRAM_CHECK(s, weft_send_copy(self, s->endpoint, &all, "x", 1) == WEFT_OK);
}

static void a_broadcast_that_was_not_asked_for_is_told_as_denied(void)
{
    gram_side b = {.opened = send_to_all, .failed = gram_count};
    gram_run(&(gram_world){.by = &udp, .b = &b, .closes = 1});
    CHECK_ERR(b.fail, WEFT_EDENIED);
    CHECK(!b.failure.icmp);
    CHECK_U64(b.failure.peer.port, 9);
    CHECK_U64(b.stats.sent, 0);
}

static void send_to_nobody(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_address nobody = {.family = WEFT_FAMILY_V4, .port = 1, .ip = {127, 0, 0, 1}};
    (void)msg;
    GRAM_CHECK(s, weft_send_copy(self, s->endpoint, &nobody, "x", 1) == WEFT_OK);
}

static void a_dual_stack_endpoint_hears_reports_of_v4(void)
{
    gram_side b = {.opened = send_to_nobody, .failed = gram_count};
    gram_run(&(gram_world){.by = &any, .b = &b, .closes = 1});
    CHECK_ERR(b.fail, WEFT_EREFUSED);
    CHECK(b.failure.icmp);
    CHECK_U64(b.failure.type, 3); /* RFC 792: destination unreachable, port */
    CHECK_U64(b.failure.code, 3);
    CHECK_U64(b.failure.peer.family, WEFT_FAMILY_V4);
    CHECK_U64(b.failure.peer.port, 1);
}

/* ---- where it was sent to */

static void send_to_two(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    weft_address to;
    GRAM_CHECK(s, weft_endpoint_address(s->world->url, &to, NULL) == WEFT_OK);
    to.ip[3] = 5;
    GRAM_CHECK(s, weft_send_copy(self, s->endpoint, &to, "x", 1) == WEFT_OK);
}

static void check_destination(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    GRAM_CHECK(s, d->to.family == WEFT_FAMILY_V4 && d->to.ip[3] == 5 && d->interface == 1);
    gram_close(self, s, msg);
    gram_tell(self, s->world->a, 0);
}

static void a_datagram_says_which_address_it_was_sent_to(void)
{
    gram_side a = {.opened = send_to_two, .note = gram_close};
    gram_side b = {.datagram = check_destination, .options = "?destination"};
    gram_run(&(gram_world){.by = &any, .a = &a, .b = &b});
    CHECK_U64(b.grams, 1);
}

static void answer_from_there(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    weft_address group = {.family = WEFT_FAMILY_V4, .ip = {239, 1, 2, 3}};
    weft_address strange = {.family = WEFT_FAMILY_V4, .ip = {192, 0, 2, 1}};
    GRAM_CHECK(s, weft_send_from(self, d->endpoint, &d->from, &d->to, d->bytes) == WEFT_OK);
    GRAM_CHECK(s, weft_send_from(self, d->endpoint, &d->from, &d->to, d->bytes) == WEFT_OK);
    GRAM_CHECK(s, weft_send_from(self, d->endpoint, &d->from, &group, d->bytes) == WEFT_OK);
    GRAM_CHECK(s, weft_send_from(self, d->endpoint, &d->from, &strange, d->bytes) == WEFT_OK);
}

static void check_source(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    s->count = s->count * 10 + d->from.ip[3];
    if (s->grams == 3)
        gram_close(self, s, msg);
}

static void an_answer_comes_from_where_the_question_went(void)
{
    static const gram_transport rows[] = {
        {.name = "v4 on v6",
         .url = "udp://*:0?destination",
         .reach = "udp://127.0.0.1",
         .other = "udp://127.0.0.1:0"},
        {.name = "v4",
         .url = "udp://0.0.0.0:0?destination",
         .reach = "udp://127.0.0.1",
         .other = "udp://127.0.0.1:0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gram_side a = {.opened = send_to_two, .datagram = check_source};
        gram_side b = {.datagram = answer_from_there, .failed = gram_close};
        gram_run(&(gram_world){.by = &rows[i], .a = &a, .b = &b});
        CHECK_U64(a.count, 551); /* from a group it cannot come: the system chose */
        CHECK_STR(b.log, "odfc");
        CHECK(b.fail == WEFT_EINVAL || b.fail == WEFT_EUNREACHABLE);
    }
}

/* ---- groups, over the loopback */

static const uint8_t v4_group[4] = {239, 255, 77, 1};

static void send_to_group(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_address group = {.family = WEFT_FAMILY_V4, .port = s->world->b->local.port};
    (void)msg;
    memcpy(group.ip, v4_group, 4);
    GRAM_CHECK(s, weft_send_copy(self, s->endpoint, &group, "to all", 6) == WEFT_OK);
}

static void leave_group(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_address group = {.family = WEFT_FAMILY_V4};
    (void)msg;
    memcpy(group.ip, v4_group, 4);
    GRAM_CHECK(s, weft_join(self, s->endpoint, &group, "lo") == WEFT_EEXISTS);
    GRAM_CHECK(s, weft_leave(self, s->endpoint, &group, "lo") == WEFT_OK);
    GRAM_CHECK(s, weft_leave(self, s->endpoint, &group, "lo") == WEFT_ENOTFOUND);
    GRAM_CHECK(s, weft_join(self, s->endpoint, &group, "nosuchif") == WEFT_ENOTFOUND);
    GRAM_CHECK(s, weft_join(self, s->endpoint, &group, "an interface's name") == WEFT_ENOTFOUND);
    gram_close(self, s, msg);
    gram_tell(self, s->world->a, 0);
}

static void a_group_is_joined_heard_and_left(void)
{
    static const gram_transport by = {
        .name = "group", .url = "udp://0.0.0.0:0", .reach = "udp://127.0.0.1"};
    gram_side a = {
        .opened = send_to_group, .note = gram_close, .options = "?interface=lo&multicast_ttl=0"};
    gram_side b = {
        .datagram = leave_group, .raw = true, .options = "?join=239.255.77.1&interface=lo"};
    gram_run(&(gram_world){.by = &by, .a = &a, .b = &b});
    CHECK_U64(b.grams, 1);
    CHECK_U64(b.bytes, 6);
}

static void set_while_open(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_endpoint_settings all = {.given = WEFT_ENDPOINT_TTL | WEFT_ENDPOINT_MULTICAST_TTL |
                                           WEFT_ENDPOINT_LOOP | WEFT_ENDPOINT_INTERFACE |
                                           WEFT_ENDPOINT_BROADCAST,
                                  .ttl = 11,
                                  .multicast_ttl = 12,
                                  .broadcast = true,
                                  .interface = "lo"};
    GRAM_CHECK(s, weft_endpoint_set(self, s->endpoint, &all) == WEFT_OK);
    int fd = weft_watch_fd(&wf_endpoint_here(s->endpoint)->watch);
    GRAM_CHECK(s, option(fd, IPPROTO_IP, IP_TTL) == 11);
    GRAM_CHECK(s, option(fd, IPPROTO_IP, IP_MULTICAST_TTL) == 12);
    GRAM_CHECK(s, option(fd, IPPROTO_IP, IP_MULTICAST_LOOP) == 0);
    GRAM_CHECK(s, option(fd, SOL_SOCKET, SO_BROADCAST) == 1);
    all.interface[0] = 'q';
    GRAM_CHECK(s, weft_endpoint_set(self, s->endpoint, &all) == WEFT_ENOTFOUND);
    gram_close(self, s, msg);
}

static void settings_change_while_it_is_open(void)
{
    gram_side b = {.opened = set_while_open};
    gram_run(&(gram_world){.by = &udp, .b = &b, .closes = 1});
    CHECK_STR(b.log, "oc");
}

/* ---- many to one in one piece */

enum { RUN = 150 };

static void send_runs(weft_actor *self, gram_side *s, weft_msg *msg)
{
    static const uint16_t sizes[] = {700, 700, 700, 300, 700, 1232, 1233, 1, 0, 700};
    for (; s->count < RUN; s->count++) {
        size_t size = s->count % 30 < 10 ? sizes[s->count % 10] : 200;
        GRAM_CHECK(s, gram_send(self, s, (uint32_t)s->count, size) == WEFT_OK);
    }
    gram_count(self, s, msg);
}

static void check_in_order(weft_actor *self, gram_side *s, weft_msg *msg)
{
    uint32_t n = gram_number(weft_body(msg));
    GRAM_CHECK(s, n == UINT32_MAX || n == s->grams - 1);
    if (s->grams == RUN)
        gram_close(self, s, msg);
}

static void what_goes_to_one_address_in_a_row_comes_apart_again(void)
{
    static const gram_transport both[] = {{.name = "v4", .url = "udp://127.0.0.1:0"},
                                          {.name = "v6", .url = "udp://[::1]:0"},
                                          {.name = "merged", .url = "udp://127.0.0.1:0?merge"},
                                          {.name = "v6, merged", .url = "udp://[::1]:0?merge"}};
    for (int i = 0; i < 4; i++) {
        gram_side a = {.opened = send_runs};
        gram_side b = {.datagram = check_in_order};
        gram_run(&(gram_world){.by = &both[i], .a = &a, .b = &b});
        CHECK_U64(b.grams, RUN);
        CHECK_U64(a.stats.sent + a.stats.queued, RUN);
        CHECK_U64(b.bytes, 5 * (5 * 700 + 300 + 1232 + 1233 + 1) + 100 * 200);
    }
}

/* ---- without memory */

typedef struct attempt {
    long n; /* this taking of memory fails */
    bool opened, nobody;
    unsigned closed;
    weft_err reason;
} attempt;

static weft_err try_started(weft_actor *self, weft_msg *msg)
{
    attempt *a = (attempt *)(uintptr_t)((const weft_started *)weft_body(msg))->config;
    wf_alloc_fail_after(a->n);
    weft_ref endpoint = weft_endpoint_bind(self, "udp://127.0.0.1:0", weft_self(self));
    wf_alloc_fail_after(-1);
    a->nobody = weft_ref_is_nobody(endpoint);
    if (a->nobody)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err try_opened(weft_actor *self, weft_msg *msg)
{
    attempt *a = (attempt *)(uintptr_t)weft_config(self);
    a->opened = true;
    return weft_endpoint_close(self, ((const weft_endpoint_opened *)weft_body(msg))->endpoint);
}

static weft_err try_closed(weft_actor *self, weft_msg *msg)
{
    attempt *a = (attempt *)(uintptr_t)weft_config(self);
    a->closed++;
    a->reason = ((const weft_endpoint_closed *)weft_body(msg))->reason;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler try_rows[] = {
    {.type = &weft_started_type, .fn = try_started},
    {.type = &weft_endpoint_opened_type, .fn = try_opened},
    {.type = &weft_endpoint_closed_type, .fn = try_closed},
    {0},
};
static const weft_behaviour tries = {.name = "tries", .handlers = try_rows};

static void say_nothing(void *context, const weft_log_line *line)
{
    (void)context, (void)line;
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void a_bind_without_memory_says_so_and_leaves_no_descriptor(void)
{
    unsigned before = descriptors(), failed = 0;
    attempt a = {.n = 0};
    for (; a.n < 100 && a.reason != WEFT_EDONE; a.n++) {
        attempt next = {.n = a.n};
        weft_system *sys =
            weft_system_new(&(weft_system_options){.no_signals = true, .log_hook = say_nothing});
        REQUIRE(sys != NULL);
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &tries, &next)));
        CHECK_I64(weft_run(&sys), 0);
        CHECK(next.nobody || next.closed == 1);
        CHECK(next.nobody || next.reason == WEFT_EDONE || next.reason == WEFT_ENOMEM);
        failed += next.reason == WEFT_ENOMEM;
        a = next;
    }
    CHECK(a.opened && failed >= 2); /* for what it watches its owner with, and for batches */
    CHECK_U64(descriptors(), before);
}

static const test_case cases[] = {
    TEST(a_bind_without_memory_says_so_and_leaves_no_descriptor),
    TEST(options_are_what_the_url_says),
    TEST(what_cannot_be_opened_says_why),
    TEST(a_port_is_shared_by_those_that_ask_for_it),
    TEST(a_connect_comes_from_where_it_is_bound),
    TEST(a_stale_path_is_removed_and_one_in_use_is_not),
    TEST(closing_removes_the_path),
    TEST(a_plan_that_never_ran_is_closed),
    TEST(only_what_serves_datagrams_is_bound),
    TEST(streams_do_not_run_over_datagrams),
    TEST(what_the_kernel_has_no_room_for_is_counted),
    TEST(a_broadcast_that_was_not_asked_for_is_told_as_denied),
    TEST(a_dual_stack_endpoint_hears_reports_of_v4),
    TEST(a_datagram_says_which_address_it_was_sent_to),
    TEST(an_answer_comes_from_where_the_question_went),
    TEST(a_group_is_joined_heard_and_left),
    TEST(settings_change_while_it_is_open),
    TEST(what_goes_to_one_address_in_a_row_comes_apart_again),
    {0},
};

const test_suite datagram_socket_suite = {.name = "actors/datagram_socket", .cases = cases};
