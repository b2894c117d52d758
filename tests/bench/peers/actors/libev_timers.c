/* SPDX-License-Identifier: MIT */
/* libev_timers timer [N]: stops, sets and starts libev's timers while 100,000 are armed. */
#include <ev.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ARMED = 100000 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)w;
    (void)events;
}

static double rearm(struct ev_loop *loop, ev_timer *timers, uint64_t n)
{
    double start = now_ns();
    for (uint64_t i = 0; i < n; i++) {
        ev_timer *t = &timers[i % ARMED];
        ev_timer_stop(loop, t);
        ev_timer_set(t, 10 + (double)(i % ARMED * 104729 % ARMED) * 1e-4, 0);
        ev_timer_start(loop, t);
    }
    return (now_ns() - start) / (double)n;
}

int main(int argc, char **argv)
{
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    if (argc < 2 || strcmp(argv[1], "timer")) {
        fprintf(stderr, "libev_timers: no case %s\n", argc > 1 ? argv[1] : "");
        return 2;
    }
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL);
    ev_timer *timers = calloc(ARMED, sizeof *timers);
    for (uint64_t i = 0; i < ARMED; i++) {
        ev_timer_init(&timers[i], on_timer, 10 + (double)(i * 7919 % ARMED) * 1e-4, 0);
        ev_timer_start(loop, &timers[i]);
    }
    printf("timer %.2f ns\n", rearm(loop, timers, n));
    return 0;
}
