/* SPDX-License-Identifier: MIT */
/* What the probe is made of: references, messages, actors, timers, the reactor that owns them. */
#ifndef PROBE_H
#define PROBE_H

#include <errno.h>
#include <ev.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define unlikely(x) __builtin_expect(!!(x), 0)
#define likely(x) __builtin_expect(!!(x), 1)

enum {
    BUDGET = 256,     /* messages between two looks at the inbox */
    EVENT_BUDGET = 4, /* and this many more for each event the last look brought */
    FRESH_CAP = 8,    /* new children in a row, then one of the others */
    QUOTA = 256,      /* messages of one turn */
    LIMIT = 4096,     /* messages in one mailbox */
    CLASSES = 4,      /* of message blocks: 64, 128, 192, 256 bytes */
    ACTOR_CLASSES = 16,
    MAX_REACTORS = 4,
    ABROAD_MAX = 16384, /* blocks of one reactor that others hold */
    BATCH_MAX = 63,
    SLOTS = 1 << 22,
    DEFERREDS = 1 << 20,
};
enum { E_OK, E_GONE, E_FULL, E_LATE, E_NO_ANSWER };
enum { F_UNCOUNTED = 1, F_REPLY = 2, F_ANSWERED = 4, F_KEPT = 8, F_FAILED = 16 };

typedef struct actor actor;
typedef struct msg msg;
typedef struct reactor reactor;

/* Node and reactor are one 64-bit word, so that "is it here" is one comparison. */
typedef struct ref {
    uint64_t home;
    uint32_t slot, gen;
} ref;

typedef struct type {
    const char *name;
    uint32_t size;
    void (*share)(void *);
    void (*release)(void *);
} type;

/* 56 bytes: with a body of 8 a message is one cache line. */
struct msg {
    msg *next;
    const type *type;
    ref from;
    uint64_t request; /* generation and slot of the asker's deferred; 0: a tell */
    uint64_t trace;
    uint32_t deadline; /* wheel ticks (1 ms); 0: none */
    uint16_t size;
    uint8_t flags;
    uint8_t block; /* the reactor it belongs to << 4 | its class */
    _Alignas(8) char body[];
};

typedef int handler_fn(actor *self, msg *m);

typedef struct handler {
    const type *type;
    handler_fn *fn;
    int fiber;
} handler;

typedef struct behaviour {
    const char *name;
    uint32_t state_size;
    const handler *handlers;
    void (*after_turn)(actor *);
    void (*ended)(actor *);
} behaviour;

/* 96 bytes and the state. */
struct actor {
    const behaviour *b;
    msg *head, **tail;
    actor *next_ready;
    uint32_t slot, gen;
    uint32_t queued, queued_bytes, limit;
    uint8_t ready, fresh, stopping, spare;
    uint64_t handled;
    uint64_t handled_bytes;
    uint32_t parent, child, sibling, sibling_back;
    void *monitors;
    _Alignas(8) char state[];
};

typedef struct slot {
    actor *a;
    uint32_t gen, next_free;
} slot;

typedef struct timer {
    struct timer *next, **back;
    uint32_t when, spare;
    void (*fire)(struct timer *);
} timer;

typedef void then_fn(actor *self, msg *reply, void *arg);

typedef struct deferred {
    timer limit;
    then_fn *then;
    void *arg;
    uint32_t gen, next_free, slot, slot_gen;
} deferred;

/* What leaves for another reactor: an array, so that the taker can prefetch. */
typedef struct batch {
    struct batch *next;
    uint32_t n, owner;
    struct {
        msg *m;
        uint32_t slot, gen;
    } e[BATCH_MAX];
} batch;

/* What a reactor owns is touched by its thread alone; only the last four fields are shared. */
struct reactor {
    uint64_t home;
    msg *current;
    slot *slots;
    uint32_t nslots, free_slot;
    actor *fresh;
    actor *ready, **ready_tail;
    uint32_t fresh_run, fresh_len, events;
    msg *free[CLASSES];
    actor *free_actor[ACTOR_CLASSES];
    char *arena;
    size_t arena_left;
    deferred *deferreds;
    uint32_t ndeferreds, free_deferred;
    timer *wheel[4][256];
    uint64_t wheel_bits[4][4];
    uint32_t now, armed;
    struct ev_loop *loop;
    ev_io wake;
    ev_timer next_timer;
    int eventfd;
    uint32_t spin;
    _Atomic int stop;
    batch *out[MAX_REACTORS], *free_batch;
    uint32_t out_any, abroad;
    batch *homeward[MAX_REACTORS], *come_home;
    uint64_t messages, turns, sleeps, wakes, refused, dead_letters;
    struct io_state *io;
    _Alignas(64) _Atomic(batch *) inbox;    /* newest first, taken whole */
    _Alignas(64) _Atomic(batch *) batches;  /* our own batches, come home */
    _Alignas(64) _Atomic(batch *) returned; /* batches of our own blocks, come home */
    _Alignas(64) _Atomic int sleeping;
};

static __thread reactor *R;
static reactor *reactors[MAX_REACTORS];
static msg no_message;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline ref ref_of(const actor *a)
{
    return (ref){.home = R->home, .slot = a->slot, .gen = a->gen};
}

#endif
