/* SPDX-License-Identifier: MIT */
/* The workloads about many actors: skynet, a spawner of thousands, idle ones; and the timers. */
#ifndef PROBE_TREES_H
#define PROBE_TREES_H

#include "workloads.h"

/* Skynet: a node of size > 1 spawns ten of a tenth; a leaf sends its number to its parent. */
typedef struct sky {
    ref parent;
    int64_t sum;
    int32_t waiting;
} sky;
typedef struct sky_range {
    int64_t first, size, spare;
} sky_range;

static const type START = {.name = "start", .size = sizeof(sky_range)};
static const behaviour SKY;
static int64_t sky_result;

static int on_sky_start(actor *a, msg *m)
{
    sky_range v;
    memcpy(&v, m->body, sizeof v);
    sky *s = STATE(sky, a);
    s->parent = m->from;
    if (v.size == 1) {
        put(a, s->parent, &ANSWER, &v.first, 0, F_UNCOUNTED);
        stop_actor(a);
        return 0;
    }
    s->waiting = 10;
    for (int i = 0; i < 10; i++) {
        sky_range c = {.first = v.first + i * (v.size / 10), .size = v.size / 10};
        tell(a, ref_of(spawn(&SKY, a)), &START, &c);
    }
    return 0;
}

static int on_sky_answer(actor *a, msg *m)
{
    sky *s = STATE(sky, a);
    s->sum += body(m);
    if (--s->waiting)
        return 0;
    if (!s->parent.gen) {
        sky_result = s->sum;
        R->stop = 1;
        return 0;
    }
    put(a, s->parent, &ANSWER, &s->sum, 0, F_UNCOUNTED);
    stop_actor(a);
    return 0;
}

static const handler sky_rows[] = {{&START, on_sky_start, 0}, {&ANSWER, on_sky_answer, 0}, {0}};
static const behaviour SKY = {"skynet", sizeof(sky), sky_rows, NULL, NULL};

/* @leaves is a power of ten. */
static double skynet(reactor *r, int64_t leaves)
{
    sky_range v = {.first = 0, .size = leaves};
    int64_t nodes = 0;
    for (int64_t level = 1; level <= leaves; level *= 10)
        nodes += level;
    actor *root = spawn(&SKY, NULL);
    tell(NULL, ref_of(root), &START, &v);
    double ns = timed(r, (double)nodes);
    actor_end(r, root);
    if (sky_result != leaves * (leaves - 1) / 2) {
        fprintf(stderr, "skynet: wrong sum %lld\n", (long long)sky_result);
        exit(1);
    }
    return ns;
}

/* A spawner that makes 1,000 short-lived children a turn and never waits for them. */
typedef struct crowd {
    int64_t left, alive, most;
} crowd;

static int64_t crowd_most;

static int on_crowd_child(actor *a, msg *m)
{
    int64_t v = body(m);
    put(a, m->from, &ANSWER, &v, 0, F_UNCOUNTED);
    stop_actor(a);
    return 0;
}

static const handler crowd_child_rows[] = {{&PING, on_crowd_child, 0}, {0}};
static const behaviour CROWD_CHILD = {"crowd child", 32, crowd_child_rows, NULL, NULL};

static int on_crowd_go(actor *a, msg *m)
{
    (void)m;
    crowd *s = STATE(crowd, a);
    for (int i = 0; i < 1000 && s->left; i++, s->left--, s->alive++)
        tell(a, ref_of(spawn(&CROWD_CHILD, a)), &PING, &one);
    if (s->alive > s->most)
        s->most = s->alive;
    return s->left ? put(a, ref_of(a), &GO, &one, 0, F_UNCOUNTED) : 0;
}

static int on_crowd_answer(actor *a, msg *m)
{
    (void)m;
    crowd *s = STATE(crowd, a);
    if (!--s->alive && !s->left) {
        crowd_most = s->most;
        R->stop = 1;
    }
    return 0;
}

static const handler crowd_rows[] = {{&GO, on_crowd_go, 0}, {&ANSWER, on_crowd_answer, 0}, {0}};
static const behaviour CROWD = {"crowd", sizeof(crowd), crowd_rows, NULL, NULL};

static double producer_thousand(reactor *r, int64_t n)
{
    actor *s = spawn(&CROWD, NULL);
    STATE(crowd, s)->left = n;
    tell(NULL, ref_of(s), &GO, &one);
    double ns = timed(r, (double)n);
    actor_end(r, s);
    return ns;
}

/* Idle: each was sent one message, added it to its state and answered. */
static int on_idle_ping(actor *a, msg *m)
{
    peer *s = STATE(peer, a);
    s->n += body(m);
    return tell(a, m->from, &ANSWER, &s->n);
}

static int on_quiet_answer(actor *a, msg *m)
{
    (void)a;
    (void)m;
    return 0;
}

static const handler idle_rows[] = {{&PING, on_idle_ping, 0}, {0}};
static const behaviour IDLE = {"idle", 32, idle_rows, NULL, NULL};

static int on_root_go(actor *a, msg *m)
{
    (void)m;
    peer *s = STATE(peer, a);
    for (int i = 0; i < 1000; i++, s->left--)
        tell(a, ref_of(spawn(&IDLE, NULL)), &PING, &one);
    if (s->left > 0)
        tell(a, ref_of(a), &GO, &one);
    else
        R->stop = 1;
    return 0;
}

static const handler root_rows[] = {{&GO, on_root_go, 0}, {&ANSWER, on_quiet_answer, 0}, {0}};
static const behaviour ROOT = {"root", sizeof(peer), root_rows, NULL, NULL};

/* Bytes of resident memory for each actor. */
static double idle(reactor *r, int64_t n)
{
    actor *root = spawn(&ROOT, NULL);
    STATE(peer, root)->left = n;
    long before = rss_kb();
    tell(NULL, ref_of(root), &GO, &one);
    timed(r, 1);
    return (double)(rss_kb() - before) * 1024 / (double)n;
}

static void on_armed(timer *t)
{
    (void)t;
}

/* Armed and cancelled while 100,000 others stand in the wheel. */
static double timers(reactor *r, int64_t n)
{
    enum { STANDING = 100000 };
    timer *t = calloc(STANDING + 1, sizeof *t);
    r->now = 1000;
    for (uint32_t i = 0; i < STANDING; i++)
        timer_arm(&t[i], 1000 + i, on_armed);
    double start = now_s();
    for (uint32_t j = 0; j < n; j++) {
        timer_arm(&t[STANDING], 5000 + (j & 4095), on_armed);
        timer_cancel(&t[STANDING]);
    }
    double ns = (now_s() - start) * 1e9 / (double)n;
    for (int i = 0; i < STANDING; i++)
        timer_cancel(&t[i]);
    free(t);
    return ns;
}

#endif
