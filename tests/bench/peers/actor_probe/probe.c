/* SPDX-License-Identifier: MIT */
/* probe CASE [N] | echo PORT: runs one workload; prints lines `name value unit`. */
#define _GNU_SOURCE

#include "cross.h"
#include "echo.h"
#include "local.h"
#include "trees.h"

typedef struct workload {
    const char *name;
    double (*run)(reactor *r, int64_t n);
    int64_t n;
    const char *unit;
    int reactors;
} workload;

static const workload workloads[] = {
    {"pingpong", pingpong, 10000000, "ns", 1},
    {"ring", ring, 10000000, "ns", 1},
    {"count", count, 10000000, "ns", 1},
    {"count_cross", count_cross, 10000000, "ns", 2},
    {"fanin", fanin, 10000000, "ns", 2},
    {"pingpong_cross", pingpong_cross, 2000000, "ns", 2},
    {"pingpong_cross_asleep", pingpong_cross_asleep, 20000, "ns", 2},
    {"ask", ask_plain, 3000000, "ns", 1},
    {"ask_cross", ask_cross, 1000000, "ns", 2},
    {"ask_limit", ask_limit, 3000000, "ns", 1},
    {"spawn", spawns, 2000000, "ns", 1},
    {"skynet", skynet, 1000000, "ns", 1},
    {"idle", idle, 1000000, "bytes", 1},
    {"timer", timers, 10000000, "ns", 1},
    {"runaway", count, 10000000, "ns", 1},
    {"producer_thousand", producer_thousand, 1000000, "ns", 1},
    {0},
};

/* What else a workload has to show for itself, once it has run. */
static void print_extras(const workload *w, const reactor *r, long grown_kb, int64_t n)
{
    double grown_mib = (double)grown_kb / 1024;
    if (!strcmp(w->name, "skynet") || !strcmp(w->name, "runaway") ||
        !strcmp(w->name, "producer_thousand"))
        printf("%s_rss %.1f MiB\n", w->name, grown_mib);
    if (!strcmp(w->name, "producer_thousand"))
        printf("producer_thousand_alive %lld actors\n", (long long)crowd_most);
    if (!strcmp(w->name, "pingpong_cross_asleep"))
        printf("pingpong_cross_asleep_wakes %.2f wakes/msg\n",
               (double)(r->wakes + reactors[1]->wakes) / (double)n);
}

static int run(reactor *r, const workload *w, int64_t n)
{
    if (w->reactors == 2) {
        reactor_new(1);
        pin(0);
    }
    long before = rss_kb();
    printf("%s %.2f %s\n", w->name, w->run(r, n), w->unit);
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
    for (const workload *w = workloads; w->name; w++)
        if (!strcmp(argv[1], w->name))
            return run(r, w, n ? n : w->n);
    fprintf(stderr, "probe: no case %s\n", argv[1]);
    return 2;
}
