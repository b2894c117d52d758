/* SPDX-License-Identifier: MIT */
/* The workloads of one reactor; each returns ns for each operation. */
#ifndef PROBE_LOCAL_H
#define PROBE_LOCAL_H

#include "workloads.h"

/* Ping-pong and ring: v > 0 goes on with v - 1. */
static int on_ping(actor *a, msg *m)
{
    int64_t v = body(m);
    if (!v) {
        R->stop = 1;
        return 0;
    }
    v--;
    return tell(a, STATE(peer, a)->to, &PING, &v);
}

static const handler pinger_rows[] = {
    {&OTHER, on_other, 0}, {&GO, on_other, 0}, {&PING, on_ping, 0}, {0}};
static const behaviour PINGER = {"pinger", sizeof(peer), pinger_rows, NULL, NULL};
enum { RING_MAX = 1000 };

static double circle(reactor *r, int n, int64_t hops)
{
    actor *v[RING_MAX];
    for (int i = 0; i < n; i++)
        v[i] = spawn(&PINGER, NULL);
    for (int i = 0; i < n; i++)
        STATE(peer, v[i])->to = ref_of(v[(i + 1) % n]);
    tell(NULL, ref_of(v[0]), &PING, &hops);
    double ns = timed(r, (double)hops);
    for (int i = 0; i < n; i++)
        actor_end(r, v[i]);
    return ns;
}

static double pingpong(reactor *r, int64_t n)
{
    return circle(r, 2, n);
}

static double ring(reactor *r, int64_t n)
{
    return circle(r, RING_MAX, n);
}

static double count(reactor *r, int64_t n)
{
    actor *c = spawn(&COUNTER, NULL), *p = spawn(&PRODUCER, NULL);
    STATE(peer, c)->left = n;
    *STATE(peer, p) = (peer){ref_of(c), n, 0};
    tell(NULL, ref_of(p), &GO, &one);
    double ns = timed(r, (double)n);
    actor_end(r, c);
    actor_end(r, p);
    return ns;
}

/* Ask and reply: each reply asks again. */
typedef struct client {
    ref to;
    int64_t left;
    uint32_t limit;
} client;

static void on_asked(actor *a, msg *m, void *arg)
{
    (void)arg;
    client *s = STATE(client, a);
    if (m->flags & F_FAILED)
        abort();
    if (!--s->left) {
        stop_all();
        return;
    }
    int64_t v = body(m);
    ask(a, s->to, &PING, &v, s->limit, on_asked, NULL);
}

static int on_client_go(actor *a, msg *m)
{
    client *s = STATE(client, a);
    return ask(a, s->to, &PING, m->body, s->limit, on_asked, NULL);
}

static int on_request(actor *a, msg *m)
{
    int64_t v = body(m) + 1;
    return reply(a, m, &ANSWER, &v);
}

static const handler client_rows[] = {{&GO, on_client_go, 0}, {0}};
static const handler server_rows[] = {{&OTHER, on_other, 0}, {&PING, on_request, 0}, {0}};
static const behaviour CLIENT = {"client", sizeof(client), client_rows, NULL, NULL};
static const behaviour SERVER = {"server", 0, server_rows, NULL, NULL};

static double asks(reactor *r, int64_t n, uint32_t limit_ms)
{
    actor *c = spawn(&CLIENT, NULL), *s = spawn(&SERVER, NULL);
    *STATE(client, c) = (client){ref_of(s), n, limit_ms};
    tell(NULL, ref_of(c), &GO, &one);
    double ns = timed(r, (double)n);
    actor_end(r, c);
    actor_end(r, s);
    return ns;
}

static double ask_plain(reactor *r, int64_t n)
{
    return asks(r, n, 0);
}

static double ask_limit(reactor *r, int64_t n)
{
    return asks(r, n, 5000);
}

/* Spawn: 1,000 alive; each gets one message, answers and exits. */
static int on_short(actor *a, msg *m)
{
    int64_t v = body(m);
    put(a, m->from, &ANSWER, &v, 0, 0);
    stop_actor(a);
    return 0;
}

static const handler short_rows[] = {{&PING, on_short, 0}, {0}};
static const behaviour SHORT = {"short", 32, short_rows, NULL, NULL};

static int on_child_done(actor *a, msg *m)
{
    (void)m;
    peer *s = STATE(peer, a);
    if (!--s->left) {
        R->stop = 1;
        return 0;
    }
    if (s->n) {
        s->n--;
        tell(a, ref_of(spawn(&SHORT, a)), &PING, &one);
    }
    return 0;
}

static int on_spawner_go(actor *a, msg *m)
{
    (void)m;
    peer *s = STATE(peer, a);
    s->n = s->left;
    for (int i = 0; i < 1000 && s->n; i++, s->n--)
        tell(a, ref_of(spawn(&SHORT, a)), &PING, &one);
    return 0;
}

static const handler spawner_rows[] = {{&GO, on_spawner_go, 0}, {&ANSWER, on_child_done, 0}, {0}};
static const behaviour SPAWNER = {"spawner", sizeof(peer), spawner_rows, NULL, NULL};

static double spawns(reactor *r, int64_t n)
{
    actor *s = spawn(&SPAWNER, NULL);
    STATE(peer, s)->left = n;
    tell(NULL, ref_of(s), &GO, &one);
    return timed(r, (double)n);
}

#endif
