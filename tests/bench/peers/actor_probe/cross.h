/* SPDX-License-Identifier: MIT */
/* The workloads of two reactors, on the first two cores; each returns ns for each message. */
#ifndef PROBE_CROSS_H
#define PROBE_CROSS_H

#include <pthread.h>
#include <sched.h>

#include "local.h"

enum {
    SPIN_SHORT = 500,
    SPIN_LONG = 5000
}; /* looks at the inbox before sleeping: about 20 and 200 us */

static void pin(int core)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(core, &s);
    pthread_setaffinity_np(pthread_self(), sizeof s, &s);
}

static void *second_main(void *x)
{
    pin(1);
    reactor_run(x);
    return NULL;
}

static int on_ping_across(actor *a, msg *m)
{
    int64_t v = body(m);
    if (!v) {
        stop_all();
        return 0;
    }
    v--;
    return tell(a, STATE(peer, a)->to, &PING, &v);
}

static const handler pinger_across_rows[] = {
    {&OTHER, on_other, 0}, {&PING, on_ping_across, 0}, {0}};
static const behaviour PINGER_ACROSS = {"pinger", sizeof(peer), pinger_across_rows, NULL, NULL};

/* Runs both reactors to the stop. */
static double run_both(reactor *a, reactor *b, uint32_t spin, int64_t n)
{
    pthread_t t;
    a->spin = b->spin = spin;
    a->stop = b->stop = 0;
    double s = now_s();
    pthread_create(&t, NULL, second_main, b);
    reactor_run(a);
    pthread_join(t, NULL);
    s = now_s() - s;
    R = b;
    rewind_reactor(b);
    R = a;
    rewind_reactor(a);
    return s * 1e9 / (double)n;
}

static double pingpong_across(reactor *a, uint32_t spin, int64_t n)
{
    reactor *b = reactors[1];
    R = b;
    actor *y = spawn(&PINGER_ACROSS, NULL);
    ref to_y = ref_of(y);
    R = a;
    actor *x = spawn(&PINGER_ACROSS, NULL);
    STATE(peer, y)->to = ref_of(x);
    STATE(peer, x)->to = to_y;
    tell(NULL, ref_of(x), &PING, &n);
    return run_both(a, b, spin, n);
}

/* One producer is on the other reactor; of many every second one is. */
static double count_from(reactor *a, int producers, int64_t n)
{
    reactor *b = reactors[1];
    R = b;
    actor *c = spawn(&COUNTER, NULL);
    STATE(peer, c)->left = n;
    ref to = ref_of(c);
    for (int i = 0; i < producers; i++) {
        R = producers > 1 && i & 1 ? b : a;
        actor *p = spawn(&PRODUCER, NULL);
        *STATE(peer, p) = (peer){to, n / producers, 0};
        tell(NULL, ref_of(p), &GO, &one);
    }
    return run_both(a, b, SPIN_SHORT, n);
}

static double count_cross(reactor *a, int64_t n)
{
    return count_from(a, 1, n);
}

static double fanin(reactor *a, int64_t n)
{
    return count_from(a, 100, n);
}

static double pingpong_cross(reactor *a, int64_t n)
{
    return pingpong_across(a, SPIN_LONG, n);
}

static double ask_cross(reactor *a, int64_t n)
{
    reactor *b = reactors[1];
    R = b;
    ref server = ref_of(spawn(&SERVER, NULL));
    R = a;
    actor *c = spawn(&CLIENT, NULL);
    *STATE(client, c) = (client){server, n, 0};
    tell(NULL, ref_of(c), &GO, &one);
    return run_both(a, b, SPIN_LONG, n);
}

static double pingpong_cross_asleep(reactor *a, int64_t n)
{
    return pingpong_across(a, 0, n);
}

#endif
