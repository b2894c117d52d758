/* SPDX-License-Identifier: MIT */
/* floor CASE [N]: what the hardware and the kernel allow; no checks, no accounting, no limits. */
#define _GNU_SOURCE
#include "floor.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

long rss_kb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long v = 0;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmRSS:", 6))
            v = atol(line + 6);
    if (f)
        fclose(f);
    return v;
}

void pin(int core)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(core, &s);
    sched_setaffinity(0, sizeof s, &s);
}

static const struct {
    const char *name;
    double (*run)(uint64_t n);
    uint64_t n;
} workloads[] = {
    {"pingpong", pingpong, 20000000},
    {"ring", ring, 20000000},
    {"count", count, 20000000},
    {"ask", ask, 5000000},
    {"spawn", spawn, 5000000},
    {"skynet", skynet, 1000000},
    {"count_cross", count_cross, 20000000},
    {"pingpong_cross", pingpong_cross, 2000000},
    {"pingpong_cross_asleep", pingpong_cross_asleep, 20000},
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    pin(0);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        if (strcmp(name, workloads[i].name))
            continue;
        long before = rss_kb();
        printf("%s %.2f ns\n", name, workloads[i].run(n ? n : workloads[i].n));
        if (!strcmp(name, "skynet"))
            printf("skynet_rss %.1f MiB\n", (double)(rss_kb() - before) / 1024);
        return 0;
    }
    fprintf(stderr, "floor: no case %s\n", name);
    return 2;
}
