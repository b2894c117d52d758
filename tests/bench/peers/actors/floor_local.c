/* SPDX-License-Identifier: MIT */
/* The plainest actors on one thread: a FIFO in each, a run queue, free lists, a function pointer.
 */
#define _GNU_SOURCE
#include "floor.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct act act;
typedef struct msg {
    struct msg *next;
    uint32_t type, size;
    uint64_t v;
    act *from;
    uint64_t extra[2];
} msg; /* in blocks of 64 bytes */

typedef void receive_fn(act *, msg *);

struct act {
    _Alignas(64) receive_fn *receive;
    msg *head, **tail;
    act *next;
    uint16_t queued, dead;
    uint32_t waiting;
    uint64_t n;
    act *other;
};
_Static_assert(sizeof(act) == 64, "an actor is one cache line");

enum { BLOCK = 64, SLAB = 1 << 18, PER_TURN = 1000 };

static msg *free_msgs;
static act *free_acts, *arena;
static size_t arena_left;
static act *ready, **ready_tail = &ready;
static bool stop, newest_first;
static uint64_t goal;

static msg *slab(void)
{
    char *p = aligned_alloc(BLOCK, SLAB);
    for (size_t i = 0; i < SLAB / BLOCK; i++) {
        msg *m = (msg *)(void *)(p + i * BLOCK);
        m->next = free_msgs;
        free_msgs = m;
    }
    msg *m = free_msgs;
    free_msgs = m->next;
    return m;
}

static inline msg *take(void)
{
    msg *m = free_msgs;
    if (__builtin_expect(!m, 0))
        return slab();
    free_msgs = m->next;
    return m;
}

static inline void give(msg *m)
{
    m->next = free_msgs;
    free_msgs = m;
}

static act *act_new(receive_fn *receive)
{
    act *a = free_acts;
    if (a) {
        free_acts = a->next;
    } else {
        if (!arena_left) {
            arena = aligned_alloc(BLOCK, SLAB);
            arena_left = SLAB / sizeof(act);
        }
        a = arena++;
        arena_left--;
    }
    memset(a, 0, sizeof *a);
    a->receive = receive;
    a->tail = &a->head;
    return a;
}

static inline void make_ready(act *a)
{
    a->queued = 1;
    if (newest_first) {
        a->next = ready; /* the tail is of no use then */
        ready = a;
        return;
    }
    a->next = NULL;
    *ready_tail = a;
    ready_tail = &a->next;
}

static inline void deliver(act *to, msg *m)
{
    m->next = NULL;
    *to->tail = m;
    to->tail = &m->next;
    if (!to->queued)
        make_ready(to);
}

static __attribute__((noinline)) void send_u64(act *to, uint64_t v)
{
    msg *m = take();
    m->type = 1;
    m->size = 8;
    m->v = v;
    deliver(to, m);
}

/* A turn takes the mailbox as it is now; what arrives meanwhile waits for the next turn. */
static __attribute__((noinline)) void run(void)
{
    while (!stop && ready) {
        act *a = ready;
        ready = a->next;
        if (!ready)
            ready_tail = &ready;
        msg *m = a->head;
        a->head = NULL;
        a->tail = &a->head;
        while (m) {
            msg *n = m->next;
            a->receive(a, m);
            give(m);
            m = n;
            if (stop)
                return;
        }
        if (a->head) {
            make_ready(a);
            continue;
        }
        a->queued = 0;
        if (a->dead) {
            a->next = free_acts;
            free_acts = a;
        }
    }
}

static void restart(bool lifo)
{
    stop = false;
    newest_first = lifo;
    ready = NULL;
    ready_tail = &ready;
}

static double timed(uint64_t n)
{
    double t = now_ns();
    run();
    return (now_ns() - t) / (double)n;
}

static void on_ping(act *a, msg *m)
{
    if (!m->v)
        stop = true;
    else
        send_u64(a->other, m->v - 1);
}

static double circle(int actors, uint64_t n)
{
    act *first = act_new(on_ping), *last = first;
    for (int i = 1; i < actors; i++)
        last = last->other = act_new(on_ping);
    last->other = first;
    restart(false);
    send_u64(first, n);
    return timed(n);
}

double pingpong(uint64_t n)
{
    return circle(2, n);
}

double ring(uint64_t n)
{
    return circle(1000, n);
}

static void on_count(act *a, msg *m)
{
    (void)m;
    if (++a->n == goal)
        stop = true;
}

static void on_go(act *a, msg *m)
{
    (void)m;
    for (int i = 0; i < PER_TURN; i++)
        send_u64(a->other, (uint64_t)i);
    a->n += PER_TURN;
    if (a->n < goal)
        send_u64(a, 0);
}

double count(uint64_t n)
{
    act *producer = act_new(on_go);
    producer->other = act_new(on_count);
    goal = n;
    restart(false);
    send_u64(producer, 0);
    return timed(n);
}

/* Ask: the continuation's place is in the request, with a generation. */
static struct {
    void (*then)(act *, uint64_t);
    uint32_t gen;
} promises[1024];
static uint64_t asked;

static void on_request(act *a, msg *m)
{
    (void)a;
    msg *r = take();
    r->type = 2;
    r->v = m->v + 1;
    r->extra[0] = m->extra[0];
    deliver(m->from, r);
}

static void on_reply(act *a, uint64_t v);

static void ask_one(act *a)
{
    uint32_t s = 7;
    promises[s].then = on_reply;
    promises[s].gen++;
    msg *m = take();
    m->type = 3;
    m->v = asked;
    m->from = a;
    m->extra[0] = (uint64_t)promises[s].gen << 32 | s;
    deliver(a->other, m);
}

static void on_reply(act *a, uint64_t v)
{
    (void)v;
    if (++asked == goal)
        stop = true;
    else
        ask_one(a);
}

static void on_client(act *a, msg *m)
{
    if (m->type != 2) {
        ask_one(a);
        return;
    }
    uint32_t s = (uint32_t)m->extra[0];
    if (promises[s].gen == m->extra[0] >> 32)
        promises[s].then(a, m->v);
}

double ask(uint64_t n)
{
    act *client = act_new(on_client);
    client->other = act_new(on_request);
    goal = n;
    asked = 0;
    restart(false);
    send_u64(client, 0);
    return timed(n);
}

/* Spawn: 1,000 alive. */
static void on_short(act *a, msg *m)
{
    send_u64(a->other, m->v);
    a->dead = 1;
}

static void spawn_one(act *spawner)
{
    act *c = act_new(on_short);
    c->other = spawner;
    send_u64(c, 1);
}

static void on_done(act *a, msg *m)
{
    (void)m;
    if (++a->n == goal)
        stop = true;
    else
        spawn_one(a);
}

double spawn(uint64_t n)
{
    act *spawner = act_new(on_done);
    goal = n;
    restart(false);
    for (int i = 0; i < 1000; i++)
        spawn_one(spawner);
    return timed(n);
}

/* Skynet, newest first. */
static uint64_t sky_sum;

static void on_sky(act *a, msg *m);

static void sky_send(act *to, uint32_t type, uint64_t v, uint64_t size, act *from)
{
    msg *r = take();
    r->type = type;
    r->v = v;
    r->extra[0] = size;
    r->from = from;
    deliver(to, r);
}

static void sky_start(act *a, uint64_t first, uint64_t size)
{
    if (size == 1) {
        sky_send(a->other, 2, first, 0, NULL);
        a->dead = 1;
        return;
    }
    a->waiting = 10;
    for (uint64_t i = 0; i < 10; i++)
        sky_send(act_new(on_sky), 1, first + i * (size / 10), size / 10, a);
}

static void on_sky(act *a, msg *m)
{
    if (m->type == 1) {
        a->other = m->from;
        sky_start(a, m->v, m->extra[0]);
        return;
    }
    a->n += m->v;
    if (--a->waiting)
        return;
    if (!a->other) {
        sky_sum = a->n;
        stop = true;
        return;
    }
    sky_send(a->other, 2, a->n, 0, NULL);
    a->dead = 1;
}

double skynet(uint64_t leaves)
{
    uint64_t nodes = 0;
    for (uint64_t level = 1; level <= leaves; level *= 10)
        nodes += level;
    restart(true);
    sky_send(act_new(on_sky), 1, 0, leaves, NULL);
    double ns = timed(nodes);
    if (sky_sum != leaves * (leaves - 1) / 2) {
        fprintf(stderr, "floor: skynet's sum is wrong\n");
        exit(1);
    }
    return ns;
}
