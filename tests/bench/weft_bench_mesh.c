/* SPDX-License-Identifier: MIT */
/* What a cluster costs as it grows: nodes in processes of their own, each linked with all others by NNG over TCP.
 *
 * weft_bench_mesh NODES prints lines "name value unit" of the first node. README.md defines them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/process.h>
#include <weft/weft.h>

#include "bench_clock.h"
#include "bench_node.pb-c.h"

typedef Weft__Bench__Query query;
typedef Weft__Bench__Answer answer;
static const weft_type answer_type =
    WEFT_TYPE_PROTO("bench.answer", answer, &weft__bench__answer__descriptor, NULL);
static const weft_type query_type =
    WEFT_TYPE_PROTO("bench.query", query, &weft__bench__query__descriptor, &answer_type);
static const weft_type *const types[] = {&query_type, NULL};

enum {
    NODES_MAX = 20,
    PORT = 7600,
    PARENT_MS = 500,
    AGAIN_MS = 20,
    LIMIT_MS = 60000,
    IDLE_MS = 2000,
    CALLS = 300000,
    AT_ONCE = 64,
    TEXT_BYTES = 128,
};

static struct {
    unsigned me, nodes;
    char name[NODES_MAX][8], url[NODES_MAX][TEXT_BYTES];
    weft_node_member join[NODES_MAX + 1];
    weft_node_allow allow[2];
    weft_ref process[NODES_MAX], sink[NODES_MAX];
    unsigned there;
    uint64_t sent, answered, cpu_us;
    double began;
    pid_t parent;
} mesh;

static long resident_kib(void)
{
    long all = 0, pages = 0;
    FILE *from = fopen("/proc/self/statm", "re");
    if (from != NULL && fscanf(from, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (from != NULL)
        (void)fclose(from);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- the others */

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
    (void)msg;
    if (getppid() != mesh.parent)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_query(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, answer, .v = ((const query *)weft_body(msg))->v + 1);
}

static const weft_handler sink_rows[] = {{.type = &weft_started_type, .fn = sink_started},
                                         {.type = &look_type, .fn = on_look},
                                         {.type = &query_type, .fn = on_query},
                                         {0}};
static const weft_behaviour sink_behaviour = {.name = "sink", .handlers = sink_rows};

/* ---- the first: all are there, then nothing happens, then it calls all in turn */

typedef struct step {
    uint32_t to;
} step;
static const weft_type step_type = WEFT_TYPE("bench.step", step, NULL);
static const weft_type idle_type = WEFT_TYPE("bench.idle", step, NULL);
static const weft_type go_type = WEFT_TYPE("bench.go", step, NULL);

static weft_err end(weft_actor *self, weft_err err, const char *why)
{
    for (unsigned i = 1; i < mesh.nodes; i++)
        (void)weft_process_signal(self, mesh.process[i], SIGKILL, false);
    if (err != WEFT_OK)
        (void)fprintf(stderr, "weft_bench_mesh: %s\n", why);
    weft_system_stop(self, err);
    return WEFT_OK;
}

static void begin(void)
{
    mesh.cpu_us = cpu_us();
    mesh.began = now_s();
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err ask_next(weft_actor *self, weft_msg *msg)
{
    weft_ref to = mesh.sink[1 + mesh.sent++ % (mesh.nodes - 1)];
    return weft_when(msg, weft_ask_within(self, to, LIMIT_MS, query, .v = mesh.sent), on_answered);
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK)
        return end(self, got->err, got->why);
    if (mesh.sent < CALLS)
        (void)ask_next(self, msg);
    if (++mesh.answered < CALLS)
        return WEFT_OK;
    double took = now_s() - mesh.began;
    (void)printf("mesh%u_calls %.0f calls/s\n", mesh.nodes, CALLS / took);
    (void)printf("mesh%u_call_cpu %.4f us\n", mesh.nodes, (double)(cpu_us() - mesh.cpu_us) / CALLS);
    (void)printf("mesh%u_memory %ld KiB\n", mesh.nodes, resident_kib());
    return end(self, WEFT_OK, "");
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    weft_err err = WEFT_OK;
    begin();
    for (unsigned i = 0; i < AT_ONCE && err == WEFT_OK; i++)
        err = ask_next(self, msg);
    return err;
}

static weft_err on_idle(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    (void)printf("mesh%u_idle %.1f us/s\n", mesh.nodes,
                 (double)(cpu_us() - mesh.cpu_us) / (now_s() - mesh.began));
    return weft_tell_body(self, weft_self(self), &go_type, &(step){0});
}

static weft_err on_there(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK) {
        (void)weft_timer_start(self, AGAIN_MS, 0, &step_type, weft_body(msg));
        return WEFT_OK;
    }
    if (++mesh.there < mesh.nodes - 1)
        return WEFT_OK;
    (void)printf("mesh%u_up %.1f ms\n", mesh.nodes, (now_s() - mesh.began) * 1e3);
    begin();
    (void)weft_timer_start(self, IDLE_MS, 0, &idle_type, &(step){0});
    return WEFT_OK;
}

static weft_err on_step(weft_actor *self, weft_msg *msg)
{
    const step *s = weft_body(msg);
    return weft_when(msg, weft_ask_within(self, mesh.sink[s->to], LIMIT_MS, query, .v = 0),
                     on_there);
}

static weft_err first_started(weft_actor *self, weft_msg *msg)
{
    char parent[16], number[NODES_MAX][4], nodes[4];
    (void)msg;
    begin();
    (void)snprintf(parent, sizeof parent, "%d", (int)getpid());
    (void)snprintf(nodes, sizeof nodes, "%u", mesh.nodes % 100);
    for (unsigned i = 1; i < mesh.nodes; i++) {
        char name[TEXT_BYTES];
        (void)snprintf(number[i], sizeof number[i], "%u", i % 100);
        const char *const argv[] = {"/proc/self/exe", nodes, number[i], parent, NULL};
        static const weft_process_fd fds[] = {{.child = 2, .kind = WEFT_PROCESS_INHERIT}};
        mesh.process[i] = weft_process_start(
            self, &(weft_process_options){.argv = argv, .fds = fds, .n_fds = 1}, weft_self(self));
        (void)snprintf(name, sizeof name, "sink@%s", mesh.name[i]);
        mesh.sink[i] = weft_named(self, name);
        (void)weft_tell(self, weft_self(self), step, .to = i);
    }
    return WEFT_OK;
}

static const weft_handler first_rows[] = {{.type = &weft_started_type, .fn = first_started},
                                          {.type = &step_type, .fn = on_step},
                                          {.type = &idle_type, .fn = on_idle},
                                          {.type = &go_type, .fn = on_go},
                                          {0}};
static const weft_behaviour first_behaviour = {.name = "first", .handlers = first_rows};

/* ---- each of them */

/* Where node @i listens: at an address of the loopback that is its own, and this run's. */
static void write_url(unsigned i, char *to, size_t room)
{
    unsigned of = (unsigned)(mesh.me == 0 ? getpid() : mesh.parent);
    (void)snprintf(to, room, "nng+tcp://127.%u.%u.%u:%d", 1 + of / 250 % 250, 1 + of % 250,
                   1 + i % 100, PORT);
}

static int run(void)
{
    weft_why why = {"memory is out"};
    unsigned n = 0;
    for (unsigned i = 0; i < mesh.nodes; i++) {
        (void)snprintf(mesh.name[i], sizeof mesh.name[i], "n%u", i % 100);
        write_url(i, mesh.url[i], sizeof mesh.url[i]);
        if (i != mesh.me)
            mesh.join[n++] = (weft_node_member){.name = mesh.name[i], .url = mesh.url[i]};
    }
    mesh.allow[0] = (weft_node_allow){"*", "sink", NULL};
    weft_node node = {.name = mesh.name[mesh.me],
                      .listen = mesh.url[mesh.me],
                      .join = mesh.join,
                      .allow = mesh.allow,
                      .types = types,
                      .redial_ms = 20,
                      .redial_ms_max = 200};
    weft_system *sys = weft_system_new(
        &(weft_system_options){.log_level = WEFT_ERROR, .log_level_set = true, .pool = 1});
    if (sys == NULL || weft_node_begin(sys, &node, &why) != WEFT_OK ||
        weft_ref_is_nobody(
            weft_system_spawn(sys, 0, mesh.me == 0 ? &first_behaviour : &sink_behaviour, NULL))) {
        (void)fprintf(stderr, "weft_bench_mesh: %s\n", why.text);
        weft_system_free(&sys);
        return 69;
    }
    return weft_run(&sys);
}

int main(int argc, char **argv)
{
    mesh.nodes = argc == 2 || argc == 4 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    if (mesh.nodes < 2 || mesh.nodes > NODES_MAX) {
        (void)fprintf(stderr, "usage: %s NODES\n", argv[0]);
        return 64;
    }
    if (argc == 4) {
        mesh.me = (unsigned)strtoul(argv[2], NULL, 10) % NODES_MAX;
        mesh.parent = (pid_t)strtol(argv[3], NULL, 10);
    }
    return run();
}
