/* SPDX-License-Identifier: MIT */
/* The one thread that may wait for NNG: it closes, stops and frees what is over, and sees to it that what leaves
 * does not do so for ever. It is there from the first stream on, as NNG's own threads are. */
#include "nng_parts.h"

#include <signal.h>
#include <time.h>

enum { LOOK_MS = 250 }; /* at what leaves */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, settled;
    bool runs;
    unsigned count; /* streams and listeners that were made and not freed */
    wf_nng *over;
    wf_nng_listener *over_listeners;
    wf_nng *leaving;
    unsigned closing; /* of @count: nobody has them any more */
} all = {.lock = PTHREAD_MUTEX_INITIALIZER,
         .work = PTHREAD_COND_INITIALIZER,
         .settled = PTHREAD_COND_INITIALIZER};

static void add_ms(struct timespec *at, long ms)
{
    at->tv_nsec += ms * 1000000L;
    at->tv_sec += at->tv_nsec / 1000000000L;
    at->tv_nsec %= 1000000000L;
}

/* With the lock, as all below. */
static void stop_leaving(wf_nng *n)
{
    if (n->leaving_back == NULL)
        return;
    *n->leaving_back = n->leaving_next;
    if (n->leaving_next != NULL)
        n->leaving_next->leaving_back = n->leaving_back;
    n->leaving_back = NULL;
}

static void put_over(wf_nng *n)
{
    stop_leaving(n);
    n->next = all.over;
    all.over = n;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t wf_nng_leave_by(void)
{
    return now_ns() + NNG_LEAVE_MS * UINT64_C(1000000);
}

static void look_at_leaving(void)
{
    uint64_t now = now_ns();
    for (wf_nng *n = all.leaving, *next; n != NULL; n = next) {
        next = n->leaving_next;
        if (wf_nng_expire(n, now))
            put_over(n);
    }
}

static void bury_all(void)
{
    while (all.over != NULL || all.over_listeners != NULL) {
        wf_nng *n = all.over;
        wf_nng_listener *l = n == NULL ? all.over_listeners : NULL;
        if (n != NULL)
            all.over = n->next;
        else
            all.over_listeners = l->next;
        (void)pthread_mutex_unlock(&all.lock);
        if (n != NULL)
            wf_nng_bury(n);
        else
            wf_nng_listener_bury(l);
        (void)pthread_mutex_lock(&all.lock);
    }
}

static void *run(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&all.lock);
    for (;;) {
        bury_all();
        struct timespec at;
        (void)clock_gettime(CLOCK_MONOTONIC, &at);
        add_ms(&at, LOOK_MS);
        if (all.leaving != NULL)
            (void)pthread_cond_clockwait(&all.work, &all.lock, CLOCK_MONOTONIC, &at);
        else
            (void)pthread_cond_wait(&all.work, &all.lock);
        look_at_leaving();
    }
    return NULL;
}

/* NNG's threads begin with the first that is asked of it, and have the signals of whoever asked. */
static bool start_nng(void)
{
    nng_aio *aio;
    if (nng_aio_alloc(&aio, NULL, NULL) != 0)
        return false;
    nng_aio_free(aio);
    return true;
}

/* Signals are for others: one that a thread takes which does not wait for it would end the program. */
static bool start(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t every, before;
    (void)sigfillset(&every);
    if (pthread_attr_init(&attr) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_BLOCK, &every, &before);
    bool started = start_nng() && pthread_create(&thread, &attr, run, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return started;
}

weft_err wf_nng_counted(void)
{
    (void)pthread_mutex_lock(&all.lock);
    if (!all.runs)
        all.runs = start();
    bool runs = all.runs;
    all.count += runs;
    (void)pthread_mutex_unlock(&all.lock);
    return runs ? WEFT_OK : WEFT_ENOMEM;
}

void wf_nng_uncounted(bool closing)
{
    (void)pthread_mutex_lock(&all.lock);
    all.count--;
    all.closing -= closing;
    if (all.closing == 0)
        (void)pthread_cond_broadcast(&all.settled);
    (void)pthread_mutex_unlock(&all.lock);
}

unsigned wf_nng_count(void)
{
    (void)pthread_mutex_lock(&all.lock);
    unsigned count = all.count;
    (void)pthread_mutex_unlock(&all.lock);
    return count;
}

void wf_nng_is_over(wf_nng *n)
{
    (void)pthread_mutex_lock(&all.lock);
    put_over(n);
    (void)pthread_cond_signal(&all.work);
    (void)pthread_mutex_unlock(&all.lock);
}

void wf_nng_listener_is_over(wf_nng_listener *l)
{
    (void)pthread_mutex_lock(&all.lock);
    l->next = all.over_listeners;
    all.over_listeners = l;
    (void)pthread_cond_signal(&all.work);
    (void)pthread_mutex_unlock(&all.lock);
}

void wf_nng_closing(wf_nng *leaves)
{
    (void)pthread_mutex_lock(&all.lock);
    all.closing++;
    if (leaves != NULL) {
        leaves->leaving_next = all.leaving;
        leaves->leaving_back = &all.leaving;
        if (all.leaving != NULL)
            all.leaving->leaving_back = &leaves->leaving_next;
        all.leaving = leaves;
        (void)pthread_cond_signal(&all.work);
    }
    (void)pthread_mutex_unlock(&all.lock);
}

void wf_nng_settle(void)
{
    (void)pthread_mutex_lock(&all.lock);
    while (all.closing != 0)
        (void)pthread_cond_wait(&all.settled, &all.lock);
    (void)pthread_mutex_unlock(&all.lock);
}
