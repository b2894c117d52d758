/* SPDX-License-Identifier: MIT */
/* Two threads on the first two cores: a queue of many producers, spinning, and waking a sleeper. */
#define _GNU_SOURCE
#include "floor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BLOCK = 64, BLOCKS_MAX = 65536, SLAB_BLOCKS = 1024, BATCH = 256 };

typedef struct msg {
    struct msg *_Atomic next;
    uint64_t v;
} msg;

/* Vyukov's queue: one exchange for a chain, any number of producers, one consumer. */
typedef struct queue {
    _Alignas(64) _Atomic(msg *) head;
    _Alignas(64) msg *tail;
    msg stub;
} queue;

static void queue_init(queue *q)
{
    atomic_store(&q->stub.next, NULL);
    atomic_store(&q->head, &q->stub);
    q->tail = &q->stub;
}

static void queue_push(queue *q, msg *first, msg *last)
{
    atomic_store_explicit(&last->next, NULL, memory_order_relaxed);
    msg *before = atomic_exchange_explicit(&q->head, last, memory_order_acq_rel);
    atomic_store_explicit(&before->next, first, memory_order_release);
}

static msg *queue_pop(queue *q)
{
    msg *t = q->tail, *n = atomic_load_explicit(&t->next, memory_order_acquire);
    if (t == &q->stub) {
        if (!n)
            return NULL;
        q->tail = t = n;
        n = atomic_load_explicit(&t->next, memory_order_acquire);
    }
    if (!n) {
        if (t != atomic_load_explicit(&q->head, memory_order_acquire))
            return NULL;
        queue_push(q, &q->stub, &q->stub);
        n = atomic_load_explicit(&t->next, memory_order_acquire);
        if (!n)
            return NULL;
    }
    q->tail = n;
    return t;
}

static msg *queue_wait(queue *q)
{
    for (;;) {
        msg *m = queue_pop(q);
        if (m)
            return m;
        __builtin_ia32_pause();
    }
}

static msg *next_of(const msg *m)
{
    return atomic_load_explicit(&m->next, memory_order_relaxed);
}

static void set_next(msg *m, msg *next)
{
    atomic_store_explicit(&m->next, next, memory_order_relaxed);
}

/* Count across: batches of 256 go over, and come home in batches of 256. */
static queue inbox;
static _Alignas(64) _Atomic(msg *) returned;

static msg *slab(void)
{
    char *p = aligned_alloc(BLOCK, BLOCK * SLAB_BLOCKS);
    msg *list = NULL;
    for (size_t i = 0; i < SLAB_BLOCKS; i++) {
        msg *m = (msg *)(void *)(p + i * BLOCK);
        set_next(m, list);
        list = m;
    }
    return list;
}

static void *producer_main(void *x)
{
    uint64_t n = *(uint64_t *)x, sent = 0, made = 0;
    msg *own = NULL, *first = NULL, *last = NULL;
    int batched = 0;
    pin(1);
    while (sent < n) {
        msg *m = own;
        if (!m) {
            if (made < BLOCKS_MAX) {
                own = slab();
                made += SLAB_BLOCKS;
            } else if (!(own = atomic_exchange_explicit(&returned, NULL, memory_order_acquire))) {
                __builtin_ia32_pause();
            }
            continue;
        }
        own = next_of(m);
        m->v = sent++;
        set_next(m, NULL);
        if (first)
            set_next(last, m);
        else
            first = m;
        last = m;
        if (++batched < BATCH && sent < n)
            continue;
        queue_push(&inbox, first, last);
        first = NULL;
        batched = 0;
    }
    return NULL;
}

static void give_back(msg *first, msg *last)
{
    msg *head = atomic_load_explicit(&returned, memory_order_relaxed);
    do
        set_next(last, head);
    while (!atomic_compare_exchange_weak_explicit(&returned, &head, first, memory_order_release,
                                                  memory_order_relaxed));
}

double count_cross(uint64_t n)
{
    pthread_t t;
    msg *first = NULL, *last = NULL;
    int held = 0;
    queue_init(&inbox);
    atomic_store(&returned, NULL);
    double start = now_ns();
    pthread_create(&t, NULL, producer_main, &n);
    for (uint64_t got = 0; got < n; got++) {
        msg *m = queue_wait(&inbox);
        set_next(m, first);
        if (!first)
            last = m;
        first = m;
        if (++held == BATCH) {
            give_back(first, last);
            first = NULL;
            held = 0;
        }
    }
    double ns = (now_ns() - start) / (double)n;
    pthread_join(t, NULL);
    return ns;
}

/* Ping-pong across: both spin on their queues. */
static queue queue_a, queue_b;

static void *pong_main(void *x)
{
    (void)x;
    pin(1);
    for (;;) {
        msg *m = queue_wait(&queue_b);
        uint64_t v = m->v;
        m->v = v - 1;
        queue_push(&queue_a, m, m);
        if (v <= 2)
            return NULL;
    }
}

double pingpong_cross(uint64_t n)
{
    pthread_t t;
    msg *m = aligned_alloc(BLOCK, BLOCK);
    queue_init(&queue_a);
    queue_init(&queue_b);
    m->v = n;
    pthread_create(&t, NULL, pong_main, NULL);
    usleep(10000);
    double start = now_ns();
    queue_push(&queue_b, m, m);
    for (;;) {
        msg *got = queue_wait(&queue_a);
        if (got->v <= 1)
            break;
        got->v--;
        queue_push(&queue_b, got, got);
    }
    double ns = (now_ns() - start) / (double)n;
    pthread_join(t, NULL);
    return ns;
}

/* Asleep: each write to an eventfd wakes the other thread from its epoll_wait. */
typedef struct sleeper {
    int wake, poll, other;
    uint64_t n;
} sleeper;

static void sleeper_init(sleeper *s, uint64_t n)
{
    struct epoll_event e = {.events = EPOLLIN};
    s->wake = eventfd(0, 0);
    s->poll = epoll_create1(0);
    s->n = n;
    epoll_ctl(s->poll, EPOLL_CTL_ADD, s->wake, &e);
}

static void sleep_until_woken(const sleeper *s)
{
    struct epoll_event e;
    uint64_t v;
    epoll_wait(s->poll, &e, 1, -1);
    if (read(s->wake, &v, sizeof v) < 0)
        abort();
}

static void wake_other(const sleeper *s)
{
    uint64_t v = 1;
    if (write(s->other, &v, sizeof v) < 0)
        abort();
}

static void *sleeper_main(void *x)
{
    const sleeper *s = x;
    pin(1);
    for (uint64_t i = 0; i < s->n; i++) {
        sleep_until_woken(s);
        wake_other(s);
    }
    return NULL;
}

double pingpong_cross_asleep(uint64_t n)
{
    pthread_t t;
    sleeper a, b;
    sleeper_init(&a, n / 2);
    sleeper_init(&b, n / 2);
    a.other = b.wake;
    b.other = a.wake;
    pthread_create(&t, NULL, sleeper_main, &b);
    usleep(10000);
    double start = now_ns();
    for (uint64_t i = 0; i < a.n; i++) {
        wake_other(&a);
        sleep_until_woken(&a);
    }
    double ns = (now_ns() - start) / (double)(a.n * 2);
    pthread_join(t, NULL);
    close(a.wake);
    close(a.poll);
    close(b.wake);
    close(b.poll);
    return ns;
}
