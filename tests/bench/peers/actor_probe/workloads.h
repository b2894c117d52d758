/* SPDX-License-Identifier: MIT */
/* What the workloads share: the message types, the pingers and counters, and the stopwatch. */
#ifndef PROBE_WORKLOADS_H
#define PROBE_WORKLOADS_H

#include "reactor.h"

static const type PING = {.name = "ping", .size = 8};
static const type OTHER = {.name = "other", .size = 8};
static const type GO = {.name = "go", .size = 8};
static const type ANSWER = {.name = "answer", .size = 8};
static const int64_t one = 1;

typedef struct peer {
    ref to;
    int64_t left, n;
} peer;

static int64_t body(const msg *m)
{
    int64_t v;
    memcpy(&v, m->body, 8);
    return v;
}

/* Rows that no message hits: a table of one row would be dispatched too cheaply. */
static int on_other(actor *a, msg *m)
{
    (void)a;
    (void)m;
    return 0;
}

static long rss_kb(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Forgets what a finished workload left running. */
static void rewind_reactor(reactor *r)
{
    for (actor *a; (a = next_ready(r));) {
        for (msg *m = a->head, *n; m; m = n) {
            n = m->next;
            msg_free(r, m);
        }
        a->head = NULL;
        a->tail = &a->head;
        a->ready = 0;
        a->queued = a->queued_bytes = 0;
    }
    r->stop = 0;
}

/* ns for each of @per, from the first message to the stop. */
static double timed(reactor *r, double per)
{
    double t = now_s();
    reactor_run(r);
    t = now_s() - t;
    rewind_reactor(r);
    return t * 1e9 / per;
}

/* Ends every reactor's run; the other one may be asleep. */
static void stop_all(void)
{
    for (int i = 0; i < 2; i++) {
        if (!reactors[i])
            continue;
        reactors[i]->stop = 1;
        uint64_t v = 1;
        if (reactors[i] != R && write(reactors[i]->eventfd, &v, 8) < 0)
            abort();
    }
}

/* Count: 1,000 a turn, then "go" to itself; a full mailbox or too much abroad ends the turn. */
static int on_count(actor *a, msg *m)
{
    (void)m;
    peer *s = STATE(peer, a);
    if (++s->n == s->left)
        stop_all();
    return 0;
}

static int on_go(actor *a, msg *m)
{
    (void)m;
    peer *s = STATE(peer, a);
    for (int i = 0; i < 1000 && s->left; i++, s->left--)
        if (tell(a, s->to, &PING, &one))
            break;
    return s->left ? put(a, ref_of(a), &GO, &one, 0, F_UNCOUNTED) : 0;
}

static const handler counter_rows[] = {{&OTHER, on_other, 0}, {&PING, on_count, 0}, {0}};
static const handler producer_rows[] = {{&OTHER, on_other, 0}, {&GO, on_go, 0}, {0}};
static const behaviour COUNTER = {"counter", sizeof(peer), counter_rows, NULL, NULL};
static const behaviour PRODUCER = {"producer", sizeof(peer), producer_rows, NULL, NULL};

#endif
