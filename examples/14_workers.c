/* SPDX-License-Identifier: MIT */
/* Workers: primes are counted, slice by slice, by workers on all reactors. usage: 14_workers [BELOW] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

enum { REACTORS = 2, WORKERS = 4, SLICE = 1000 };

/** How many primes are there from @from up to and without @to? The reply is primes. */
typedef struct slice {
    uint64_t from, to;
} slice;
typedef struct primes {
    uint64_t count;
} primes;
static const weft_type primes_type = WEFT_TYPE("primes", primes, NULL);
static const weft_type slice_type = WEFT_TYPE("slice", slice, &primes_type);

/* [worker] */
static bool is_prime(uint64_t n)
{
    for (uint64_t by = 2; by * by <= n; by++)
        if (n % by == 0)
            return false;
    return n > 1;
}

static weft_err on_slice(weft_actor *self, weft_msg *msg)
{
    const slice *s = weft_body(msg);
    uint64_t count = 0;
    (void)self;

    for (uint64_t n = s->from; n < s->to; n++)
        count += is_prime(n);
    return weft_reply(msg, primes, .count = count);
}

static const weft_handler worker_handlers[] = {{.type = &slice_type, .fn = on_slice}, {0}};
static const weft_behaviour worker = {.name = "worker", .handlers = worker_handlers};

static const weft_workers_config workers = {
    .worker = &worker, .workers = WORKERS, .spread = true, .policy = WEFT_WORKERS_LEAST_LOADED};
/* [/worker] */

/* [counter] */
typedef struct counter {
    weft_ref pool; /* one reference: whoever is free answers */
    uint64_t next, below, count;
    unsigned asked;
} counter;

static weft_err ask_more(weft_actor *self, weft_msg *msg);

static weft_err on_primes(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    counter *c = weft_state(self);

    if (got->err != WEFT_OK) {
        (void)fprintf(stderr, "a slice failed: %s\n", got->why);
        weft_system_stop(self, got->err);
        return WEFT_OK;
    }
    c->asked--;
    c->count += ((const primes *)got->body)->count;
    return ask_more(self, msg);
}

static weft_err ask_more(weft_actor *self, weft_msg *msg)
{
    counter *c = weft_state(self);
    weft_err err = WEFT_OK;

    for (; err == WEFT_OK && c->next < c->below && c->asked < 2 * WORKERS; c->asked++) {
        slice s = {c->next, c->next + SLICE < c->below ? c->next + SLICE : c->below};
        c->next = s.to;
        err = weft_when(msg, weft_ask(self, c->pool, slice, .from = s.from, .to = s.to), on_primes);
    }
    if (err == WEFT_OK && c->asked == 0) {
        (void)printf("%" PRIu64 " primes below %" PRIu64 "\n", c->count, c->below);
        weft_system_stop(self, WEFT_OK);
    }
    return err;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    counter *c = weft_state(self);

    c->below = *(const uint64_t *)weft_config(self);
    c->pool = weft_spawn(self, &weft_workers, &workers);
    return ask_more(self, msg);
}
/* [/counter] */

static const weft_handler handlers[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour counting = {
    .name = "counter", .handlers = handlers, .state_bytes = sizeof(counter)};

int main(int argc, char **argv)
{
    uint64_t below = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = REACTORS});

    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &counting, &below)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}
