/* SPDX-License-Identifier: MIT */
/* Two nodes on real threads and descriptors: over a socket pair, and over a socket that one listens at, whose
 * connections live on any of its reactors. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/node.h>

#include "node_test.pb-c.h"

typedef Weft__Test__Count count;
typedef Weft__Test__Blob blob;
static const weft_type count_type =
    WEFT_TYPE_PROTO("test.count", count, &weft__test__count__descriptor, NULL);
static const weft_type blob_type =
    WEFT_TYPE_PROTO("test.blob", blob, &weft__test__blob__descriptor, NULL);

enum { ASKS = 2000, AT_ONCE = 32, BLOB_BYTES = 200000 };

/* One of the two. */
typedef struct half {
    weft_system *sys;
    weft_node node;
    int fd; /* to be adopted; -1: none */
    bool dials, asks;
    const char *peer; /* "echo@..." */
    pthread_t thread;
    int code;
    struct half *other;
    /* what it saw */
    unsigned asked, answered, failed, wrong;
    uint64_t order;
    weft_err err;
    char why[WEFT_WHY_BYTES];
} half;

static const weft_behaviour asker_behaviour;

/* ---- who answers */

static weft_err echo_started(weft_actor *self, weft_msg *msg)
{
    half *h = (half *)(uintptr_t)weft_config(self);
    (void)msg;
    if (h->fd >= 0)
        CHECK_OK(weft_node_adopt(self, h->other->node.name, h->fd, h->dials));
    if (h->asks)
        CHECK(!weft_ref_is_nobody(weft_spawn(self, &asker_behaviour, h)));
    return weft_register(self, "echo");
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    half *h = (half *)(uintptr_t)weft_config(self);
    const count *c = weft_body(msg);
    h->wrong += c->n != ++h->order;
    return weft_reply(msg, count, .n = c->n + 1);
}

static weft_err on_blob(weft_actor *self, weft_msg *msg)
{
    const blob *b = weft_body(msg);
    (void)self;
    return weft_reply(msg, blob, .n = b->n, .bytes = b->bytes);
}

static const weft_handler echo_rows[] = {{.type = &weft_started_type, .fn = echo_started},
                                         {.type = &count_type, .fn = on_count},
                                         {.type = &blob_type, .fn = on_blob},
                                         {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows};

/* ---- who asks */

typedef struct turn {
    char nothing;
} turn;
static const weft_type turn_type = WEFT_TYPE("test.turn", turn, NULL);

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    half *h = (half *)(uintptr_t)weft_config(self);
    (void)msg;
    if (got->err != WEFT_OK) {
        h->failed++;
        h->err = got->err;
        (void)snprintf(h->why, sizeof h->why, "%s", got->why);
    }
    if (++h->answered == ASKS + 1)
        weft_system_stop(self, WEFT_OK);
    else if (h->asked < ASKS)
        (void)weft_tell(self, weft_self(self), turn, 0);
    return WEFT_OK;
}

static weft_err on_turn(weft_actor *self, weft_msg *msg)
{
    half *h = (half *)(uintptr_t)weft_config(self);
    if (h->asked == ASKS)
        return WEFT_OK;
    return weft_when(
        msg, weft_ask_within(self, weft_named(self, h->peer), 20000, count, .n = ++h->asked),
        on_answer);
}

/* The other one may have no such name yet: its reactors begin by themselves. */
static weft_err ask_blob(weft_actor *self, weft_msg *msg);

static weft_err on_blob_back(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err == WEFT_EGONE)
        return ask_blob(self, msg);
    for (unsigned i = 0; i < AT_ONCE; i++)
        (void)weft_tell(self, weft_self(self), turn, 0);
    return on_answer(self, msg, got);
}

static weft_err ask_blob(weft_actor *self, weft_msg *msg)
{
    half *h = (half *)(uintptr_t)weft_config(self);
    static uint8_t data[BLOB_BYTES];
    return weft_when(msg,
                     weft_ask_within(self, weft_named(self, h->peer), 20000, blob, .n = 1,
                                     .bytes = {sizeof data, data}),
                     on_blob_back);
}

static const weft_handler asker_rows[] = {
    {.type = &weft_started_type, .fn = ask_blob}, {.type = &turn_type, .fn = on_turn}, {0}};
static const weft_behaviour asker_behaviour = {.name = "asker", .handlers = asker_rows};

/* ---- two systems */

static void quiet(void *context, const weft_log_line *line)
{
    (void)context, (void)line;
}

static const weft_node_allow allow[] = {{"*", "echo", NULL}, {0}};
static const weft_type *const types[] = {&count_type, &blob_type, NULL};

static void half_new(half *h, unsigned reactors)
{
    weft_why why = {""};
    h->sys = weft_system_new(&(weft_system_options){
        .reactors = reactors, .no_signals = true, .log_hook = quiet, .stop_grace_ms = 2000});
    REQUIRE(h->sys != NULL);
    h->node.allow = allow;
    h->node.types = types;
    CHECK_OK(weft_node_begin(h->sys, &h->node, &why));
    CHECK_STR(why.text, "");
    CHECK(!weft_ref_is_nobody(weft_system_spawn(h->sys, reactors - 1, &echo, h)));
}

static void *run_half(void *at)
{
    half *h = at;
    h->code = weft_run(&h->sys);
    return NULL;
}

static void run_both(half *a, half *b)
{
    a->other = b;
    b->other = a;
    weft_system *second = b->sys;
    REQUIRE(pthread_create(&b->thread, NULL, run_half, b) == 0);
    (void)run_half(a);
    weft_system_shutdown(second, WEFT_OK);
    REQUIRE(pthread_join(b->thread, NULL) == 0);
    CHECK_U64(a->code, 0);
    CHECK_U64(b->code, 0);
    CHECK_U64(a->answered, ASKS + 1);
    CHECK_U64(a->failed, 0);
    CHECK_STR(a->why, "");
    CHECK_U64(b->wrong, 0);
    CHECK_U64(b->order, ASKS);
}

static void two_nodes_talk_over_a_socket_pair(void)
{
    static const weft_node_member of_a[] = {{"b", NULL}, {0}}, of_b[] = {{"a", NULL}, {0}};
    int fd[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    half a = {.node = {.name = "a", .join = of_a},
              .fd = fd[0],
              .dials = true,
              .asks = true,
              .peer = "echo@b"};
    half b = {.node = {.name = "b", .join = of_b}, .fd = fd[1]};
    a.other = &b;
    b.other = &a;
    half_new(&a, 1);
    half_new(&b, 1);
    run_both(&a, &b);
}

static void over_a_socket_whose_connections_live_on_any_reactor(unsigned reactors)
{
    char folder[] = "/tmp/weft-node-XXXXXX", url[64];
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(url, sizeof url, "unix:%s/b", folder);
    const weft_node_member of_a[] = {{"b", url}, {0}};
    static const weft_node_member of_b[] = {{"a", NULL}, {0}};
    half a = {.node = {.name = "a", .join = of_a}, .fd = -1, .asks = true, .peer = "echo@b"};
    half b = {.node = {.name = "b", .join = of_b, .listen = url}, .fd = -1};
    half_new(&b, reactors);
    half_new(&a, reactors);
    run_both(&a, &b);
    CHECK(rmdir(folder) == 0);
}

static void two_nodes_talk_over_a_unix_socket(void)
{
    over_a_socket_whose_connections_live_on_any_reactor(1);
}

static void so_they_do_with_three_reactors_each(void)
{
    for (unsigned i = 0; i < 4; i++) /* the connection is on another one each time */
        over_a_socket_whose_connections_live_on_any_reactor(3);
}

static const test_case cases[] = {
    TEST(two_nodes_talk_over_a_socket_pair),
    TEST(two_nodes_talk_over_a_unix_socket),
    TEST(so_they_do_with_three_reactors_each),
    {0},
};
const test_suite node_threads_suite = {
    .name = "actors/node_threads", .cases = cases, .threads = true};
