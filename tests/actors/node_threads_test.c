/* SPDX-License-Identifier: MIT */
/* Two nodes on real threads and descriptors: over a socket pair, and over a socket that one listens at, of ours or
 * of NNG, whose connections live on any of its reactors. */
#include "check.h"
#include "test_certificate.h"

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
    char listens[128]; /* where */
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
    half *h = context;
    const char *at = strstr(line->text, " listens at ");
    if (at != NULL)
        (void)snprintf(h->listens, sizeof h->listens, "%s", at + sizeof " listens at " - 1);
}

static const weft_node_allow allow[] = {{"*", "echo", NULL}, {0}};
static const weft_type *const types[] = {&count_type, &blob_type, NULL};

static void half_new(half *h, unsigned reactors)
{
    weft_why why = {""};
    h->sys = weft_system_new(&(weft_system_options){.reactors = reactors,
                                                    .no_signals = true,
                                                    .log_hook = quiet,
                                                    .log_context = h,
                                                    .stop_grace_ms = 2000});
    REQUIRE(h->sys != NULL);
    h->node.allow = allow;
    h->node.types = types;
    weft_err err = weft_node_begin(h->sys, &h->node, &why);
    CHECK_STR(err != WEFT_OK ? why.text : "", "");
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

/* ---- by NNG */

static void both_run(half *a, half *b, unsigned reactors)
{
    half_new(b, reactors);
    const weft_node_member of_a[] = {{"b", b->listens}, {0}};
    a->node.join = of_a;
    half_new(a, reactors);
    run_both(a, b);
}

static void over_nng_at(const char *url, unsigned reactors)
{
    static const weft_node_member of_b[] = {{"a", NULL}, {0}};
    half a = {.node = {.name = "a"}, .fd = -1, .asks = true, .peer = "echo@b"};
    half b = {.node = {.name = "b", .join = of_b, .listen = url}, .fd = -1};
    both_run(&a, &b, reactors);
}

static void two_nodes_talk_over_nng(void)
{
    char folder[] = "/tmp/weft-node-XXXXXX", url[64];
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(url, sizeof url, "nng+ipc:%s/b", folder);
    for (unsigned reactors = 1; reactors <= 3; reactors += 2) {
        over_nng_at("nng+tcp://127.0.0.1:0", reactors);
        over_nng_at(url, reactors);
    }
    CHECK(rmdir(folder) == 0);
}

/* A certificate and its key in one file; those of both nodes are of the same authority. */
static void write_identity(const char *path, const char *name, const test_certificate *authority)
{
    test_certificate made;
    char names[64];
    (void)snprintf(names, sizeof names, "DNS:%s", name);
    test_certificate_make_by(
        &(test_certificate_plan){.subject = name, .names = names, .issuer = authority}, &made);
    FILE *to = fopen(path, "we");
    REQUIRE(to != NULL);
    CHECK(fputs(made.certificate, to) >= 0 && fputs(made.key, to) >= 0);
    CHECK(fclose(to) == 0);
}

typedef struct identities {
    char folder[32], a[48], b[48], ca[48];
} identities;

static void identities_make(identities *i, const char *name_of_a)
{
    test_certificate authority;
    (void)snprintf(i->folder, sizeof i->folder, "/tmp/weft-node-XXXXXX");
    REQUIRE(mkdtemp(i->folder) != NULL);
    (void)snprintf(i->a, sizeof i->a, "%s/a.pem", i->folder);
    (void)snprintf(i->b, sizeof i->b, "%s/b.pem", i->folder);
    (void)snprintf(i->ca, sizeof i->ca, "%s/ca.pem", i->folder);
    test_certificate_make_by(&(test_certificate_plan){.subject = "authority"}, &authority);
    write_identity(i->a, name_of_a, &authority);
    write_identity(i->b, "b", &authority);
    FILE *to = fopen(i->ca, "we");
    REQUIRE(to != NULL);
    CHECK(fputs(authority.certificate, to) >= 0);
    CHECK(fclose(to) == 0);
}

static void identities_remove(const identities *i)
{
    CHECK(unlink(i->a) == 0 && unlink(i->b) == 0 && unlink(i->ca) == 0 && rmdir(i->folder) == 0);
}

static void two_nodes_talk_over_tls_whose_certificates_are_for_their_names(void)
{
    static const weft_node_member of_b[] = {{"a", NULL}, {0}};
    static const char *const urls[] = {"nng+tls+tcp://127.0.0.1:0", "tls://127.0.0.1:0"};
    identities i;
    identities_make(&i, "a");
    for (size_t k = 0; k < sizeof urls / sizeof *urls; k++) {
        half a = {.node = {.name = "a", .cert = i.a, .ca = i.ca},
                  .fd = -1,
                  .asks = true,
                  .peer = "echo@b"};
        half b = {.node = {.name = "b", .join = of_b, .listen = urls[k], .cert = i.b, .ca = i.ca},
                  .fd = -1};
        both_run(&a, &b, 1);
    }
    identities_remove(&i);
}

/* Asks once, and is told why not. */
static weft_err refused(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    half *h = (half *)(uintptr_t)weft_config(self);
    (void)msg;
    h->err = got->err;
    (void)snprintf(h->why, sizeof h->why, "%s", got->why);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err ask_once(weft_actor *self, weft_msg *msg)
{
    const half *h = weft_config(self);
    return weft_when(msg, weft_ask_within(self, weft_named(self, h->peer), 20000, count, .n = 1),
                     refused);
}

static const weft_handler once_rows[] = {{.type = &weft_started_type, .fn = ask_once}, {0}};
static const weft_behaviour once = {.name = "once", .handlers = once_rows};

static void a_node_with_the_certificate_of_another_is_refused(void)
{
    static const weft_node_member of_b[] = {{"a", NULL}, {0}};
    identities i;
    identities_make(&i, "another");
    half a = {.node = {.name = "a", .cert = i.a, .ca = i.ca}, .fd = -1, .peer = "echo@b"};
    half b = {.node = {.name = "b",
                       .join = of_b,
                       .listen = "nng+tls+tcp://127.0.0.1:0",
                       .cert = i.b,
                       .ca = i.ca},
              .fd = -1};
    a.other = &b;
    b.other = &a;
    half_new(&b, 1);
    const weft_node_member of_a[] = {{"b", b.listens}, {0}};
    a.node.join = of_a;
    half_new(&a, 1);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(a.sys, 0, &once, &a)));
    weft_system *second = b.sys;
    REQUIRE(pthread_create(&b.thread, NULL, run_half, &b) == 0);
    (void)run_half(&a);
    weft_system_shutdown(second, WEFT_OK);
    REQUIRE(pthread_join(b.thread, NULL) == 0);
    CHECK_ERR(a.err, WEFT_EUNREACHABLE);
    CHECK(strstr(a.why, "its certificate is for another") != NULL);
    CHECK_U64(b.order, 0);
    identities_remove(&i);
}

static const test_case cases[] = {
    TEST(two_nodes_talk_over_a_socket_pair),
    TEST(two_nodes_talk_over_a_unix_socket),
    TEST(so_they_do_with_three_reactors_each),
    TEST(two_nodes_talk_over_nng),
    TEST(two_nodes_talk_over_tls_whose_certificates_are_for_their_names),
    TEST(a_node_with_the_certificate_of_another_is_refused),
    {0},
};
const test_suite node_threads_suite = {
    .name = "actors/node_threads", .cases = cases, .threads = true};
