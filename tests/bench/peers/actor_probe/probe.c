/* SPDX-License-Identifier: MIT */
/* probe CASE [N] | echo PORT: runs one workload and prints a line `name value unit` for each run. */
#define _GNU_SOURCE

#include "cross.h"
#include "echo.h"
#include "local.h"
#include "trees.h"

typedef struct workload {
    const char *name;
    double (*run)(reactor *r, int64_t n);
    int64_t n;
    int runs;
    const char *unit;
    int reactors;
} workload;

static const workload workloads[] = {
    {"pingpong", pingpong, 10000000, 3, "ns", 1},
    {"ring", ring, 10000000, 3, "ns", 1},
    {"count", count, 10000000, 3, "ns", 1},
    {"count_cross", count_cross, 10000000, 3, "ns", 2},
    {"fanin", fanin, 10000000, 3, "ns", 2},
    {"pingpong_cross", pingpong_cross, 2000000, 3, "ns", 2},
    {"pingpong_cross_asleep", pingpong_cross_asleep, 20000, 1, "ns", 2},
    {"ask", ask_plain, 3000000, 3, "ns", 1},
    {"ask_limit", ask_limit, 3000000, 3, "ns", 1},
    {"spawn", spawns, 2000000, 3, "ns", 1},
    {"skynet", skynet, 1000000, 3, "ns", 1},
    {"idle", idle, 1000000, 1, "bytes", 1},
    {"timer", timers, 10000000, 3, "ns", 1},
    {"producer_thousand", producer_thousand, 1000000, 3, "ns", 1},
    {0},
};

static double mib(long kib)
{
    return (double)kib / 1024;
}

/* What else a workload has to show for itself, once its runs are over. */
static void print_extras(const workload *w, const reactor *r, long grown_kb, int64_t n)
{
    if (!strcmp(w->name, "skynet") || !strcmp(w->name, "producer_thousand"))
        printf("%s_rss %.1f MiB\n", w->name, mib(grown_kb));
    if (!strcmp(w->name, "producer_thousand"))
        printf("producer_thousand_backlog %lld actors\n", (long long)crowd_most);
    if (!strcmp(w->name, "pingpong_cross_asleep"))
        printf("pingpong_cross_asleep_wakes %.2f wakes/msg\n",
               (double)(r->wakes + reactors[1]->wakes) / (double)(n * w->runs));
}

/* A producer that never waits: what matters is what it makes the process hold. */
static int runaway(reactor *r, int64_t n)
{
    long before = rss_kb();
    count(r, n);
    printf("runaway %.1f MiB\n", mib(rss_kb() - before));
    return 0;
}

static int run(reactor *r, const workload *w, int64_t n)
{
    if (w->reactors == 2) {
        reactor_new(1);
        pin(0);
    }
    long before = rss_kb();
    for (int i = 0; i < w->runs; i++) {
        printf("%s %.2f %s\n", w->name, w->run(r, n), w->unit);
        fflush(stdout);
    }
    print_extras(w, r, rss_kb() - before, n);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: probe CASE [N] | probe echo PORT\n");
        return 2;
    }
    int64_t n = argc > 2 ? atoll(argv[2]) : 0;
    reactor *r = R = reactor_new(0);
    if (!strcmp(argv[1], "echo"))
        return serve_echo(r, (int)n);
    if (!strcmp(argv[1], "runaway"))
        return runaway(r, n ? n : 10000000);
    for (const workload *w = workloads; w->name; w++)
        if (!strcmp(argv[1], w->name))
            return run(r, w, n ? n : w->n);
    fprintf(stderr, "probe: no case %s\n", argv[1]);
    return 2;
}
