/* SPDX-License-Identifier: MIT */
/* weft's side of `./weft bench node`: two nodes in two processes, one case a run.
 *
 * weft_bench_node CASE URL [CERT KEY CA] prints lines "name value unit". README.md defines each workload. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft/process.h>
#include <weft/weft.h>

#include "node_test.pb-c.h"

typedef Weft__Test__Count count;
typedef Weft__Test__Blob blob;
static const weft_type count_type =
    WEFT_TYPE_PROTO("bench.count", count, &weft__test__count__descriptor, &count_type);
static const weft_type blob_type =
    WEFT_TYPE_PROTO("bench.blob", blob, &weft__test__blob__descriptor, NULL);
static const weft_type *const types[] = {&count_type, &blob_type, NULL};

enum { PARENT_MS = 500, AGAIN_MS = 5, A_TURN = 500, LIMIT_MS = 60000, CALLS_MAX = 1 << 16 };

typedef struct row {
    const char *name;
    uint64_t n;
    unsigned bytes;   /* of a tell */
    unsigned at_once; /* calls; 0: tells */
} row;

static const row rows[] = {
    {"tell64", 2000000, 64, 0}, {"tell4k", 100000, 4096, 0},  {"call1", 20000, 0, 1},
    {"call64", 500000, 0, 64},  {"call256", 1000000, 0, 256}, {0},
};

static struct {
    const row *row;
    char url[256];
    const char *cert, *key, *ca;
    weft_ref process, there;
    uint64_t sent, done, began_ns, asked_ns[CALLS_MAX];
    unsigned times;
    float us[CALLS_MAX];
    uint8_t data[4096];
} bench;

/* ---- there */

typedef struct look {
    char nothing;
} look;
static const weft_type look_type = WEFT_TYPE("bench.look", look, NULL);

static weft_err peer_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    (void)weft_timer_start(self, PARENT_MS, PARENT_MS, &look_type, &(look){0});
    return weft_register(self, "sink");
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const pid_t *parent = weft_config(self);
    (void)msg;
    if (getppid() != *parent)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, count, .n = bench.done);
}

static weft_err on_blob(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    bench.done++;
    return WEFT_OK;
}

static const weft_handler peer_rows[] = {{.type = &weft_started_type, .fn = peer_started},
                                         {.type = &look_type, .fn = on_look},
                                         {.type = &count_type, .fn = on_count},
                                         {.type = &blob_type, .fn = on_blob},
                                         {0}};
static const weft_behaviour peer_behaviour = {
    .name = "peer", .handlers = peer_rows, .mailbox_max = 1 << 20};

/* ---- here */

typedef struct turn {
    char nothing;
} turn;
static const weft_type turn_type = WEFT_TYPE("bench.turn", turn, NULL);
typedef struct begin {
    char nothing;
} begin;
static const weft_type begin_type = WEFT_TYPE("bench.begin", begin, NULL);

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static weft_err finish(weft_actor *self)
{
    const row *r = bench.row;
    double s = (double)(now_ns() - bench.began_ns) * 1e-9, rate = (double)r->n / s;
    if (r->at_once == 0 && r->bytes > 1000)
        printf("%s %.1f MB/s\n", r->name, rate * r->bytes * 1e-6);
    else
        printf("%s %.0f %s\n", r->name, rate, r->at_once != 0 ? "calls/s" : "msg/s");
    if (r->at_once == 1) {
        qsort(bench.us, bench.times, sizeof *bench.us, by_value);
        printf("%s_p50 %.1f us\n%s_p99 %.1f us\n", r->name, (double)bench.us[bench.times / 2],
               r->name, (double)bench.us[bench.times * 99 / 100]);
    }
    (void)weft_process_signal(self, bench.process, SIGKILL, false);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err failed(weft_actor *self, const weft_outcome *got)
{
    fprintf(stderr, "weft_bench_node: %s\n", got->why);
    (void)weft_process_signal(self, bench.process, SIGKILL, false);
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

/* calls */

static weft_err call(weft_actor *self, weft_msg *msg);

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK)
        return failed(self, got);
    if (bench.row->at_once == 1 && bench.times < CALLS_MAX)
        bench.us[bench.times++] = (float)(now_ns() - bench.asked_ns[0]) * 1e-3F;
    if (++bench.done == bench.row->n)
        return finish(self);
    return bench.sent < bench.row->n ? call(self, msg) : WEFT_OK;
}

static weft_err call(weft_actor *self, weft_msg *msg)
{
    bench.sent++;
    if (bench.row->at_once == 1)
        bench.asked_ns[0] = now_ns();
    return weft_when(msg, weft_ask_within(self, bench.there, LIMIT_MS, count, .n = bench.sent),
                     on_answer);
}

/* tells: what has been told is behind what is asked for last */

static weft_err on_all(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err != WEFT_OK)
        return failed(self, got);
    if (((const count *)got->body)->n != bench.row->n)
        return failed(self, &(weft_outcome){.err = WEFT_ELOST, .why = "some were lost"});
    return finish(self);
}

static weft_err on_turn(weft_actor *self, weft_msg *msg);

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    return got->err == WEFT_OK ? on_turn(self, msg) : failed(self, got);
}

static weft_err on_turn(weft_actor *self, weft_msg *msg)
{
    const row *r = bench.row;
    if (r->at_once != 0)
        return call(self, msg);
    for (int i = 0; i < A_TURN && bench.sent < r->n; i++) {
        if (weft_tell(self, bench.there, blob, .n = bench.sent, .bytes = {r->bytes, bench.data}) !=
            WEFT_OK)
            return weft_when(msg, weft_room(self, bench.there), on_room);
        bench.sent++;
    }
    if (bench.sent < r->n)
        return weft_tell(self, weft_self(self), turn, 0);
    return weft_when(msg, weft_ask_within(self, bench.there, LIMIT_MS, count, .n = 0), on_all);
}

/* It is there when it answers. */
static weft_err on_there(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err != WEFT_OK)
        return weft_after(self, AGAIN_MS, begin, 0).slot != 0 ? WEFT_OK : failed(self, got);
    bench.began_ns = now_ns();
    for (unsigned i = 0; i == 0 || i < bench.row->at_once; i++)
        (void)weft_tell(self, weft_self(self), turn, 0);
    return WEFT_OK;
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_ask_within(self, bench.there, LIMIT_MS, count, .n = 0), on_there);
}

static weft_err here_started(weft_actor *self, weft_msg *msg)
{
    char parent[16];
    (void)snprintf(parent, sizeof parent, "%d", (int)getpid());
    const char *const argv[] = {"/proc/self/exe", "peer",    parent,   bench.url,
                                bench.cert,       bench.key, bench.ca, NULL};
    static const weft_process_fd fds[] = {{.child = 2, .kind = WEFT_PROCESS_INHERIT}};
    bench.there = weft_named(self, "sink@there");
    bench.process = weft_process_start(
        self, &(weft_process_options){.argv = argv, .fds = fds, .n_fds = 1}, weft_self(self));
    return on_begin(self, msg);
}

static const weft_handler here_rows[] = {{.type = &weft_started_type, .fn = here_started},
                                         {.type = &begin_type, .fn = on_begin},
                                         {.type = &turn_type, .fn = on_turn},
                                         {0}};
static const weft_behaviour here_behaviour = {
    .name = "here", .handlers = here_rows, .asks_max = 1 << 16, .mailbox_max = 1 << 16};

/* ---- both */

static void see_where(void *context, const weft_log_line *line)
{
    const char *at = strstr(line->text, " listens at ");
    (void)context;
    if (at != NULL)
        (void)snprintf(bench.url, sizeof bench.url, "%s", at + sizeof " listens at " - 1);
    if (line->level >= WEFT_WARNING)
        (void)fprintf(stderr, "%s: %s\n", line->name, line->text);
}

static int run(const weft_node *node, const weft_behaviour *behaviour, const void *config)
{
    weft_why why = {""};
    weft_system *sys = weft_system_new(&(weft_system_options){.log_hook = see_where, .pool = 1});
    if (sys == NULL || weft_node_begin(sys, node, &why) != WEFT_OK ||
        weft_ref_is_nobody(weft_system_spawn(sys, 0, behaviour, config))) {
        (void)fprintf(stderr, "weft_bench_node: %s\n", why.text);
        weft_system_free(&sys);
        return 69;
    }
    return weft_run(&sys);
}

static int run_peer(int argc, char **argv)
{
    const pid_t parent = (pid_t)strtol(argv[2], NULL, 10);
    const weft_node_member join[] = {{.name = "here", .url = argv[3]}, {0}};
    static const weft_node_allow allow[] = {{"here", "sink", NULL}, {0}};
    weft_node node = {.name = "there", .join = join, .allow = allow, .types = types};
    if (argc == 7) {
        node.cert = argv[4];
        node.key = argv[5];
        node.ca = argv[6];
    }
    return run(&node, &peer_behaviour, &parent);
}

int main(int argc, char **argv)
{
    static const weft_node_member join[] = {{.name = "there"}, {0}};
    if ((argc == 4 || argc == 7) && strcmp(argv[1], "peer") == 0)
        return run_peer(argc, argv);
    for (const row *r = rows; argc > 1 && r->name != NULL; r++)
        if (strcmp(argv[1], r->name) == 0)
            bench.row = r;
    if (bench.row == NULL || (argc != 3 && argc != 6)) {
        (void)fprintf(stderr, "usage: %s CASE URL [CERT KEY CA]\n", argv[0]);
        return 64;
    }
    weft_node node = {.name = "here", .listen = argv[2], .join = join, .types = types};
    if (argc == 6) {
        node.cert = bench.cert = argv[3];
        node.key = bench.key = argv[4];
        node.ca = bench.ca = argv[5];
    }
    return run(&node, &here_behaviour, NULL);
}
