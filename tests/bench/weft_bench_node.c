/* SPDX-License-Identifier: MIT */
/* weft's side of `./weft bench node`: two nodes in two processes, one case a run.
 *
 * weft_bench_node CASE URL [CERT KEY CA] prints lines "name value unit". README.md defines each workload. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/process.h>
#include <weft/weft.h>

#include "bench_clock.h"
#include "bench_node.pb-c.h"

typedef Weft__Bench__Opaque opaque;
typedef Weft__Bench__Order order;
typedef Weft__Bench__Query query;
typedef Weft__Bench__Answer answer;
typedef Weft__Bench__HowMuch how_much;
typedef Weft__Bench__Came came;
static const weft_type opaque_type =
    WEFT_TYPE_PROTO("bench.opaque", opaque, &weft__bench__opaque__descriptor, NULL);
static const weft_type order_type =
    WEFT_TYPE_PROTO("bench.order", order, &weft__bench__order__descriptor, NULL);
static const weft_type answer_type =
    WEFT_TYPE_PROTO("bench.answer", answer, &weft__bench__answer__descriptor, NULL);
static const weft_type query_type =
    WEFT_TYPE_PROTO("bench.query", query, &weft__bench__query__descriptor, &answer_type);
static const weft_type came_type =
    WEFT_TYPE_PROTO("bench.came", came, &weft__bench__came__descriptor, NULL);
static const weft_type how_much_type =
    WEFT_TYPE_PROTO("bench.how_much", how_much, &weft__bench__how_much__descriptor, &came_type);
static const weft_type *const types[] = {&opaque_type, &order_type, &query_type, &how_much_type,
                                         NULL};

enum {
    PARENT_MS = 500,
    AGAIN_MS = 5,
    LIMIT_MS = 60000,
    TELLS_A_TURN = 1000,
    PAYLOAD_BYTES_MAX = 4096,
    TIMES_MAX = 1 << 16,
    /* more than a link's credit brings before the sink has a turn */
    SINK_MAILBOX_MAX = 1 << 20,
    ASKS_MAX = 4096,
};

typedef struct row {
    const char *name;
    const weft_type *type; /* told; NULL: queries are asked */
    unsigned payload_bytes, at_once;
    uint64_t n;
} row;

static const row rows[] = {
    {.name = "tell64", .type = &opaque_type, .payload_bytes = 64, .n = 5000000},
    {.name = "tell_proto4", .type = &order_type, .n = 3000000},
    {.name = "tell4k", .type = &opaque_type, .payload_bytes = 4096, .n = 200000},
    {.name = "call1", .at_once = 1, .n = 20000},
    {.name = "call64", .at_once = 64, .n = 1000000},
    {.name = "call256", .at_once = 256, .n = 2000000},
    {0},
};

/* ---- there */

typedef struct sink {
    uint64_t messages, cpu_us;
} sink;

typedef struct look {
    char nothing;
} look;
static const weft_type look_type = WEFT_TYPE("bench.look", look, NULL);

static weft_err sink_started(weft_actor *self, weft_msg *msg)
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

static weft_err on_told(weft_actor *self, weft_msg *msg)
{
    sink *s = weft_state(self);
    (void)msg;
    s->messages++;
    return WEFT_OK;
}

static weft_err on_query(weft_actor *self, weft_msg *msg)
{
    const query *q = weft_body(msg);
    (void)self;
    return weft_reply(msg, answer, .v = q->v + 1);
}

/* What came since this was asked before. */
static weft_err on_how_much(weft_actor *self, weft_msg *msg)
{
    sink *s = weft_state(self);
    sink before = *s;
    *s = (sink){.cpu_us = cpu_us()};
    return weft_reply(msg, came, .messages = before.messages, .cpu_us = s->cpu_us - before.cpu_us);
}

static const weft_handler sink_rows[] = {{.type = &weft_started_type, .fn = sink_started},
                                         {.type = &look_type, .fn = on_look},
                                         {.type = &opaque_type, .fn = on_told},
                                         {.type = &order_type, .fn = on_told},
                                         {.type = &query_type, .fn = on_query},
                                         {.type = &how_much_type, .fn = on_how_much},
                                         {0}};
static const weft_behaviour sink_behaviour = {.name = "sink",
                                              .handlers = sink_rows,
                                              .state_bytes = sizeof(sink),
                                              .mailbox_max = SINK_MAILBOX_MAX};

/* ---- here */

static struct {
    const row *row;
    char url[256];
    const char *cert, *key, *ca;
    weft_ref process, there;
    uint64_t sent, answered, cpu_us;
    double began, asked;
    float us[TIMES_MAX]; /* of one request at a time */
    uint8_t payload[PAYLOAD_BYTES_MAX];
    char item[16];
} bench;

typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("bench.go", go, NULL);
typedef struct begin {
    char nothing;
} begin;
static const weft_type begin_type = WEFT_TYPE("bench.begin", begin, NULL);

static weft_err end(weft_actor *self, weft_err err)
{
    (void)weft_process_signal(self, bench.process, SIGKILL, false);
    weft_system_stop(self, err);
    return WEFT_OK;
}

static weft_err give_up(weft_actor *self, const char *why)
{
    (void)fprintf(stderr, "weft_bench_node: %s: %s\n", bench.row->name, why);
    return end(self, WEFT_EUNREACHABLE);
}

static weft_err ask_how_much(weft_actor *self, weft_msg *msg, weft_continue_fn *then)
{
    return weft_when(
        msg, weft_ask_body(self, bench.there, &how_much_type, &(how_much){.base = {0}}, LIMIT_MS),
        then);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Everything sent has come, and there was said what it took there. */
static void print(double took, const came *c)
{
    const row *r = bench.row;
    double n = (double)r->n, rate = n / took;
    if (r->payload_bytes > 1000)
        (void)printf("%s %.1f MB/s\n", r->name, rate * r->payload_bytes * 1e-6);
    else
        (void)printf("%s %.0f %s\n", r->name, rate, r->at_once != 0 ? "calls/s" : "msg/s");
    (void)printf("%s_cpu %.4f us\n", r->name, (double)(cpu_us() - bench.cpu_us) / n);
    (void)printf("%s_there_cpu %.4f us\n", r->name, (double)c->cpu_us / n);
    if (r->at_once != 1)
        return;
    size_t times = r->n < TIMES_MAX ? r->n : TIMES_MAX;
    qsort(bench.us, times, sizeof *bench.us, by_value);
    (void)printf("%s_p50 %.1f us\n%s_p99 %.1f us\n", r->name, (double)bench.us[times / 2], r->name,
                 (double)bench.us[times * 99 / 100]);
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err on_came(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    double took = now_s() - bench.began;
    if (got->err == WEFT_EFULL) /* what was told last took all the room */
        return weft_when(msg, weft_room(self, bench.there), on_room);
    if (got->err != WEFT_OK)
        return give_up(self, got->why);
    const came *c = got->body;
    if (bench.row->type != NULL && c->messages != bench.row->n)
        return give_up(self, "messages are missing");
    print(took, c);
    return end(self, WEFT_OK);
}

/* tells: what has been told is before what is asked for last */

static weft_err tell_one(weft_actor *self)
{
    if (bench.row->type == &opaque_type)
        return weft_tell(self, bench.there, opaque,
                         .payload = {.len = bench.row->payload_bytes, .data = bench.payload});
    return weft_tell(self, bench.there, order, .number = bench.sent, .amount = 3,
                     .item = bench.item, .urgent = true);
}

static weft_err tell_some(weft_actor *self, weft_msg *msg)
{
    for (unsigned i = 0; i < TELLS_A_TURN && bench.sent < bench.row->n; i++) {
        weft_err err = tell_one(self);
        if (err == WEFT_EFULL)
            return weft_when(msg, weft_room(self, bench.there), on_room);
        if (err != WEFT_OK)
            return give_up(self, weft_err_text(err));
        bench.sent++;
    }
    return bench.sent < bench.row->n ? weft_tell(self, weft_self(self), go, 0)
                                     : ask_how_much(self, msg, on_came);
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    return got->err == WEFT_OK ? tell_some(self, msg) : give_up(self, got->why);
}

/* calls */

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err ask_one(weft_actor *self, weft_msg *msg)
{
    if (bench.row->at_once == 1)
        bench.asked = now_s();
    bench.sent++;
    return weft_when(msg, weft_ask_within(self, bench.there, LIMIT_MS, query, .v = bench.sent),
                     on_answered);
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK)
        return give_up(self, got->why);
    if (bench.row->at_once == 1 && bench.answered < TIMES_MAX)
        bench.us[bench.answered] = (float)((now_s() - bench.asked) * 1e6);
    bench.answered++;
    if (bench.sent < bench.row->n)
        return ask_one(self, msg);
    return bench.answered == bench.row->n ? ask_how_much(self, msg, on_came) : WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    weft_err err = WEFT_OK;
    if (bench.row->type != NULL)
        return tell_some(self, msg);
    for (unsigned i = 0; err == WEFT_OK && i < bench.row->at_once; i++)
        err = ask_one(self, msg);
    return err;
}

/* it is there when it answers */

static weft_err on_there(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err != WEFT_OK) {
        (void)weft_after(self, AGAIN_MS, begin, 0);
        return WEFT_OK;
    }
    bench.cpu_us = cpu_us();
    bench.began = now_s();
    return weft_tell(self, weft_self(self), go, 0);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    return ask_how_much(self, msg, on_there);
}

static weft_err here_started(weft_actor *self, weft_msg *msg)
{
    char parent[16];
    (void)snprintf(parent, sizeof parent, "%d", (int)getpid());
    const char *const argv[] = {"/proc/self/exe", "peer",    parent,   bench.url,
                                bench.cert,       bench.key, bench.ca, NULL};
    static const weft_process_fd fds[] = {{.child = 2, .kind = WEFT_PROCESS_INHERIT}};
    memset(bench.payload, 'w', sizeof bench.payload);
    (void)snprintf(bench.item, sizeof bench.item, "umbrella");
    bench.there = weft_named(self, "sink@there");
    bench.process = weft_process_start(
        self, &(weft_process_options){.argv = argv, .fds = fds, .n_fds = 1}, weft_self(self));
    return on_begin(self, msg);
}

static const weft_handler here_rows[] = {{.type = &weft_started_type, .fn = here_started},
                                         {.type = &begin_type, .fn = on_begin},
                                         {.type = &go_type, .fn = on_go},
                                         {0}};
static const weft_behaviour here_behaviour = {
    .name = "here", .handlers = here_rows, .asks_max = ASKS_MAX};

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
    weft_why why = {"memory is out"};
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
    return run(&node, &sink_behaviour, &parent);
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
