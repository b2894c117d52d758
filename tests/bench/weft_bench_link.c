/* SPDX-License-Identifier: MIT */
/* What goes from one process to another over a link.
 *
 *     weft_bench_link serve URL       prints "ready" when it listens; SIGTERM ends it
 *     weft_bench_link CASE URL [N]    prints lines "name value unit". README.md defines each workload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <weft/node.h>
#include <weft/system.h>

#include "bench_link.pb-c.h"

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

enum {
    TELLS_A_TURN = 1000,
    PAYLOAD_BYTES_MAX = 4096,
    LATENCIES_MAX = 1 << 20,
    /* more than a link's credit brings before the server has a turn */
    SERVER_MAILBOX_MAX = 1 << 20,
    ASKS_MAX = 4096,
};

static uint64_t cpu_us(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the server */

typedef struct server {
    uint64_t messages, cpu_us;
} server;

static weft_err server_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    (void)printf("ready\n");
    (void)fflush(stdout);
    return weft_register(self, "server");
}

static weft_err on_told(weft_actor *self, weft_msg *msg)
{
    server *s = weft_state(self);
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
    server *s = weft_state(self);
    server before = *s;
    *s = (server){.cpu_us = cpu_us()};
    return weft_reply(msg, came, .messages = before.messages, .cpu_us = s->cpu_us - before.cpu_us);
}

static const weft_handler server_rows[] = {
    {.type = &weft_started_type, .fn = server_started},
    {.type = &opaque_type, .fn = on_told},
    {.type = &order_type, .fn = on_told},
    {.type = &query_type, .fn = on_query},
    {.type = &how_much_type, .fn = on_how_much},
    {0},
};
static const weft_behaviour server_behaviour = {.name = "server",
                                                .handlers = server_rows,
                                                .state_bytes = sizeof(server),
                                                .mailbox_max = SERVER_MAILBOX_MAX};

/* ---- the client */

typedef struct bench_case {
    const char *name;
    const weft_type *type; /* told; NULL: queries are asked */
    unsigned payload_bytes, outstanding;
    uint64_t n;
} bench_case;

static const bench_case cases[] = {
    {.name = "tell64", .type = &opaque_type, .payload_bytes = 64, .n = 5000000},
    {.name = "tell_proto4", .type = &order_type, .n = 3000000},
    {.name = "bytes4k", .type = &opaque_type, .payload_bytes = 4096, .n = 500000},
    {.name = "ask1", .outstanding = 1, .n = 30000},
    {.name = "ask64", .outstanding = 64, .n = 1000000},
    {.name = "ask256", .outstanding = 256, .n = 2000000},
    {.name = "ask1024", .outstanding = 1024, .n = 2000000},
    {0},
};

typedef struct run {
    bench_case what;
    weft_ref server;
    uint64_t sent, answered, cpu_us;
    double began, asked;
    float *latency; /* of one request at a time */
    uint8_t payload[PAYLOAD_BYTES_MAX];
    char item[16];
} run;

typedef struct go {
    char unused;
} go;
static const weft_type go_type = WEFT_TYPE("bench.go", go, NULL);

static weft_err give_up(weft_actor *self, const char *what, const char *why)
{
    (void)fprintf(stderr, "weft_bench_link: %s: %s\n", what, why);
    weft_system_stop(self, WEFT_EUNREACHABLE);
    return WEFT_OK;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_latencies(run *r, uint64_t n)
{
    qsort(r->latency, n, sizeof *r->latency, by_value);
    (void)printf("%s_p50 %.1f us\n", r->what.name, (double)r->latency[n / 2]);
    (void)printf("%s_p99 %.1f us\n", r->what.name, (double)r->latency[n * 99 / 100]);
}

/* Everything sent has come: the server says what it took there. */
static weft_err on_came(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    run *r = weft_state(self);
    double took = now_s() - r->began, n = (double)r->what.n;
    const char *name = r->what.name;
    (void)msg;
    if (got->err != WEFT_OK)
        return give_up(self, "the end", got->why);
    const came *c = got->body;
    if (r->what.type != NULL && c->messages != r->what.n)
        return give_up(self, name, "messages are missing");
    (void)printf("%s %.0f %s\n", name, n / took, r->what.type != NULL ? "msg/s" : "ask/s");
    if (r->what.payload_bytes > 1000)
        (void)printf("%s_bytes %.3f GB/s\n", name, n * r->what.payload_bytes / took * 1e-9);
    (void)printf("%s_cpu %.4f us\n", name, (double)(cpu_us() - r->cpu_us) / n);
    (void)printf("%s_server_cpu %.4f us\n", name, (double)c->cpu_us / n);
    if (r->latency != NULL)
        print_latencies(r, r->answered < LATENCIES_MAX ? r->answered : LATENCIES_MAX);
    (void)fflush(stdout);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err ask_end(weft_actor *self, weft_msg *msg)
{
    const run *r = weft_state(self);
    return weft_when(
        msg, weft_ask_body(self, r->server, &how_much_type, &(how_much){.base = {0}}, WEFT_INHERIT),
        on_came);
}

/* ---- tells */

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err tell_one(weft_actor *self, run *r)
{
    if (r->what.type == &opaque_type)
        return weft_tell(self, r->server, opaque,
                         .payload = {.len = r->what.payload_bytes, .data = r->payload});
    return weft_tell(self, r->server, order, .number = r->sent, .amount = 3, .item = r->item,
                     .urgent = true);
}

static weft_err on_go_tell(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    for (unsigned i = 0; i < TELLS_A_TURN && r->sent < r->what.n; i++) {
        weft_err err = tell_one(self, r);
        if (err == WEFT_EFULL)
            return weft_when(msg, weft_room(self, r->server), on_room);
        if (err != WEFT_OK)
            return give_up(self, "a tell", weft_err_text(err));
        r->sent++;
    }
    return r->sent < r->what.n ? weft_tell(self, weft_self(self), go, 0) : ask_end(self, msg);
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    return got->err == WEFT_OK ? on_go_tell(self, msg) : give_up(self, "room", got->why);
}

/* ---- asks */

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err ask_one(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    if (r->latency != NULL)
        r->asked = now_s();
    r->sent++;
    return weft_when(msg, weft_ask(self, r->server, query, .v = r->sent), on_answered);
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    run *r = weft_state(self);
    if (got->err != WEFT_OK)
        return give_up(self, "an ask", got->why);
    if (r->latency != NULL && r->answered < LATENCIES_MAX)
        r->latency[r->answered] = (float)((now_s() - r->asked) * 1e6);
    r->answered++;
    if (r->sent < r->what.n)
        return ask_one(self, msg);
    return r->answered == r->what.n ? ask_end(self, msg) : WEFT_OK;
}

static weft_err on_go_ask(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    weft_err err = WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < r->what.outstanding && r->sent < r->what.n; i++)
        err = ask_one(self, msg);
    return err;
}

/* ---- both */

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    const run *r = weft_state(self);
    return r->what.type != NULL ? on_go_tell(self, msg) : on_go_ask(self, msg);
}

/* The link is up, and the server begins to count. */
static weft_err on_there(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    run *r = weft_state(self);
    (void)msg;
    if (got->err != WEFT_OK)
        return give_up(self, "the server", got->why);
    r->cpu_us = cpu_us();
    r->began = now_s();
    return weft_tell(self, weft_self(self), go, 0);
}

static weft_err client_started(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    const bench_case *what = weft_config(self);
    r->what = *what;
    memset(r->payload, 'w', sizeof r->payload);
    (void)snprintf(r->item, sizeof r->item, "umbrella");
    if (what->outstanding == 1 && (r->latency = calloc(LATENCIES_MAX, sizeof(float))) == NULL)
        return give_up(self, what->name, "memory is out");
    r->server = weft_named(self, "server@bench-server");
    return weft_when(
        msg, weft_ask_body(self, r->server, &how_much_type, &(how_much){.base = {0}}, WEFT_INHERIT),
        on_there);
}

static void client_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    free(((run *)weft_state(self))->latency);
}

static const weft_handler client_rows[] = {
    {.type = &weft_started_type, .fn = client_started},
    {.type = &go_type, .fn = on_go},
    {0},
};
static const weft_behaviour client_behaviour = {.name = "client",
                                                .handlers = client_rows,
                                                .state_bytes = sizeof(run),
                                                .asks_max = ASKS_MAX,
                                                .ended = client_ended};

static const bench_case *case_of(const char *name)
{
    for (const bench_case *c = cases; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int begin(const weft_node *node, const weft_behaviour *behaviour, const void *config)
{
    weft_why why = {"memory is out"};
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_node_begin(sys, node, &why) != WEFT_OK ||
        weft_ref_is_nobody(weft_system_spawn(sys, 0, behaviour, config))) {
        (void)fprintf(stderr, "weft_bench_link: %s\n", why.text);
        weft_system_free(&sys);
        return 69;
    }
    return weft_run(&sys);
}

static int serve(const char *url)
{
    static const weft_node_allow allow[] = {{.node = "*", .actor = "server"}, {0}};
    static const weft_node_member join[] = {{.name = "bench-client"}, {0}};
    static const weft_type *const types[] = {&opaque_type, &order_type, &query_type, &how_much_type,
                                             NULL};
    const weft_node node = {
        .name = "bench-server", .listen = url, .join = join, .allow = allow, .types = types};
    return begin(&node, &server_behaviour, NULL);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    const bench_case *known = argc >= 3 ? case_of(argv[1]) : NULL;
    if (known == NULL) {
        (void)fprintf(stderr, "usage: %s serve URL | CASE URL [N]\n", argv[0]);
        return 64;
    }
    bench_case what = *known;
    if (argc > 3)
        what.n = strtoull(argv[3], NULL, 10);
    const weft_node_member join[] = {{.name = "bench-server", .url = argv[2]}, {0}};
    const weft_node node = {.name = "bench-client", .join = join};
    return begin(&node, &client_behaviour, &what);
}
