/* SPDX-License-Identifier: MIT */
/* The worker of each node, the faults, and what must hold. */
#include "node_seeds.h"

#include <stdlib.h>

#include "actors/node_kit.h"
#include "random.h"

enum {
    TICK_MS = 22,
    ROUNDS = 13,
    ROUND_MS_MAX = 60,
    ASK_MS = 400,
    LIVES_MAX = 12,
    ANY_LIFE = 1000,
    NUMBERS_MAX = 1024, /* messages of one life to one other node */
};

/* What one node, in one life, sent to another, by number. */
typedef struct sent {
    uint16_t last;                      /* number */
    uint16_t seen;                      /* the highest that arrived */
    uint64_t arrived[NUMBERS_MAX / 64]; /* a bit for each */
    uint64_t not_delivered[NUMBERS_MAX / 64];
} sent;

typedef struct worker {
    unsigned node, life;
    bool alive;
    unsigned outstanding;
    unsigned watching[KIT_NODES_MAX]; /* 1 + the life of the watched when it was begun; 0: not */
} worker;

static struct {
    uint64_t seed;
    unsigned nodes;
    bool quiet; /* nothing new is begun */
    unsigned lives[KIT_NODES_MAX];
    worker of[KIT_NODES_MAX];
    sent *sent[KIT_NODES_MAX][KIT_NODES_MAX]; /* from, to: an array by life of the sender */
    seed_sums *sums;
    unsigned faults;
} run;

static void fault(const char *what, unsigned from, unsigned to, uint64_t n)
{
    if (run.faults++ == 0)
        printf("seed %" PRIu64 " of %u nodes: %s: n%u to n%u, %" PRIu64 "\n", run.seed, run.nodes,
               what, from, to, n);
}

static bool bit(const uint64_t *bits, unsigned n)
{
    return (bits[n / 64] >> (n % 64) & 1) != 0;
}

static void set_bit(uint64_t *bits, unsigned n)
{
    bits[n / 64] |= UINT64_C(1) << (n % 64);
}

/* ---- the worker */

static unsigned pick(weft_actor *self, unsigned n)
{
    uint32_t random;
    weft_random(self, &random, sizeof random);
    return random % n;
}

static unsigned pick_other(weft_actor *self, const worker *w)
{
    unsigned other = pick(self, run.nodes - 1);
    return other >= w->node ? other + 1 : other;
}

static weft_ref worker_at(weft_actor *self, unsigned node)
{
    char name[32];
    (void)snprintf(name, sizeof name, "worker@n%u", node);
    return weft_named(self, name);
}

/* 0: enough was sent there. */
static unsigned next_number(const worker *w, unsigned to)
{
    sent *s = &run.sent[w->node][to][w->life];
    return s->last + 1U < NUMBERS_MAX ? ++s->last : 0;
}

static uint64_t origin(const worker *w, unsigned n)
{
    return (uint64_t)w->node << 48 | (uint64_t)w->life << 32 | n;
}

static void tell(weft_actor *self, worker *w)
{
    unsigned to = pick_other(self, w), n = next_number(w, to);
    if (n == 0)
        return;
    weft_err err = weft_tell(self, worker_at(self, to), count, .n = origin(w, n));
    run.sums->tells += err == WEFT_OK;
    run.sums->refused += err != WEFT_OK;
    if (err != WEFT_OK)
        set_bit(run.sent[w->node][to][w->life].not_delivered, n);
}

static weft_err on_outcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    worker *w = (worker *)(uintptr_t)weft_config(self);
    const uint64_t *what = weft_scratch_last(msg);
    unsigned to = (unsigned)what[0], n = (unsigned)what[1];
    w->outstanding--;
    if (got->err == WEFT_OK) {
        run.sums->answered++;
        if (got->type != &count_type || ((const count *)got->body)->n != origin(w, n) + 1)
            fault("another answer", w->node, to, n);
        return WEFT_OK;
    }
    run.sums->failed++;
    run.sums->lost += got->err == WEFT_ELOST;
    run.sums->timed_out += got->err == WEFT_ETIMEDOUT;
    if (got->delivery == WEFT_NOT_DELIVERED) {
        run.sums->not_delivered++;
        set_bit(run.sent[w->node][to][w->life].not_delivered, n);
    }
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, worker *w, weft_msg *msg)
{
    unsigned to = pick_other(self, w), n = next_number(w, to);
    uint64_t *what = n != 0 ? weft_scratch(msg, 2 * sizeof *what) : NULL;
    if (what == NULL)
        return WEFT_OK;
    what[0] = to;
    what[1] = n;
    w->outstanding++;
    run.sums->asks++;
    return weft_when(msg,
                     weft_ask_within(self, worker_at(self, to), ASK_MS, count, .n = origin(w, n)),
                     on_outcome);
}

/* One that is asked for before there is a link is of the life that the link comes to. */
static bool linked(weft_actor *self, unsigned to)
{
    weft_link_info info;
    for (unsigned i = 0; weft_link_info_at(self, i, &info); i++)
        if (strcmp(info.name, node_at[to].name) == 0)
            return info.state == WEFT_LINK_UP;
    return false;
}

static void watch(weft_actor *self, worker *w)
{
    unsigned to = pick_other(self, w);
    if (w->watching[to] != 0)
        return;
    w->watching[to] = linked(self, to) ? 1 + run.lives[to] : ANY_LIFE;
    if (weft_monitor(self, worker_at(self, to)) != WEFT_OK)
        w->watching[to] = 0;
}

typedef struct tick {
    char nothing;
} tick;
static const weft_type tick_type = WEFT_TYPE("test.tick", tick, NULL);

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    worker *w = (worker *)(uintptr_t)weft_config(self);
    (void)msg;
    if (run.quiet)
        return WEFT_OK;
    for (unsigned k = pick(self, 4); k != 0; k--)
        tell(self, w);
    if (pick(self, 4) == 0)
        watch(self, w);
    return WEFT_OK;
}

/* Another message, which may wait for an answer as long as that takes. */
static const weft_type tock_type = WEFT_TYPE("test.tock", tick, NULL);

static weft_err on_tock(weft_actor *self, weft_msg *msg)
{
    worker *w = (worker *)(uintptr_t)weft_config(self);
    return run.quiet ? WEFT_OK : ask(self, w, msg);
}

static weft_err on_timer(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    (void)weft_tell(self, weft_self(self), tick, 0);
    for (unsigned k = pick(self, 3); k != 0; k--)
        (void)weft_tell_body(self, weft_self(self), &tock_type, &(const tick){0});
    return WEFT_OK;
}

static const weft_type timer_type = WEFT_TYPE("test.timer", tick, NULL);

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    tick nothing = {0};
    (void)msg;
    (void)weft_timer_start(self, TICK_MS, TICK_MS, &timer_type, &nothing);
    return weft_register(self, "worker");
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    const worker *w = weft_config(self);
    uint64_t what = ((const count *)weft_body(msg))->n;
    unsigned from = (unsigned)(what >> 48), life = (unsigned)(what >> 32) & 0xffff,
             n = (unsigned)what & 0xffff;
    if (from >= run.nodes || life > run.lives[from] || n == 0 || n >= NUMBERS_MAX) {
        fault("something that nobody sent", from, w->node, what);
        return WEFT_OK;
    }
    sent *s = &run.sent[from][w->node][life];
    if (bit(s->arrived, n))
        fault("twice", from, w->node, n);
    if (n < s->seen)
        fault("out of order", from, w->node, n);
    set_bit(s->arrived, n);
    s->seen = (uint16_t)n;
    return weft_is_request(msg) ? weft_reply(msg, count, .n = what + 1) : WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    worker *w = (worker *)(uintptr_t)weft_config(self);
    const weft_down *down = weft_body(msg);
    const char *node = weft_node_of(self, down->who);
    unsigned which = node != NULL ? (unsigned)strtoul(node + 1, NULL, 10) : KIT_NODES_MAX;
    run.sums->downs++;
    if (which >= run.nodes || w->watching[which] == 0)
        fault("down of nobody who is watched", w->node, which, 0);
    else
        w->watching[which] = 0;
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &timer_type, .fn = on_timer},
    {.type = &tick_type, .fn = on_tick},
    {.type = &tock_type, .fn = on_tock},
    {.type = &count_type, .fn = on_count},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};
static const weft_behaviour worker_behaviour = {.name = "worker", .handlers = handlers};

/* ---- faults */

static void begin_worker(unsigned i)
{
    run.of[i] = (worker){.node = i, .life = run.lives[i], .alive = true};
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(node_at[i].sim, &worker_behaviour, &run.of[i])));
}

static void crash(unsigned i)
{
    node_crash(i);
    run.of[i].alive = false;
    run.sums->crashes++;
}

static void restart(unsigned i)
{
    run.lives[i]++;
    node_start(i);
}

static void one_fault(test_random *random)
{
    unsigned i = (unsigned)test_below(random, run.nodes);
    switch (test_below(random, 6)) {
    case 0:
        if (run.of[i].alive)
            crash(i);
        break;
    case 1:
    case 2:
        if (!run.of[i].alive && run.lives[i] + 1 < LIVES_MAX)
            restart(i);
        break;
    case 3:
        if (run.of[i].alive) {
            CHECK_OK(weft_sim_isolate(node_at[i].sim, (uint32_t)test_below(random, 700)));
            run.sums->islands++;
        }
        break;
    case 4: {
        unsigned dropped = 0;
        CHECK_OK(weft_sim_drop(world, node_at[i].url, &dropped));
        run.sums->drops += dropped;
        break;
    }
    default:
        CHECK_OK(weft_sim_delay(world, node_at[i].url, (uint32_t)test_below(random, 30)));
        break;
    }
}

/* ---- what must hold at the end */

static void check_end(void)
{
    CHECK(all_linked());
    weft_sim_advance(world, ASK_MS + 200);
    for (unsigned i = 0; i < run.nodes; i++) {
        const worker *w = &run.of[i];
        if (w->outstanding != 0)
            fault("asks hang", i, i, w->outstanding);
        for (unsigned k = 0; k < run.nodes; k++)
            if (w->watching[k] != 0 && w->watching[k] != ANY_LIFE &&
                w->watching[k] != 1 + run.lives[k])
                fault("a monitor of an earlier life was not told", i, k, w->watching[k]);
    }
    for (unsigned i = 0; i < run.nodes; i++)
        for (unsigned k = 0; k < run.nodes; k++)
            for (unsigned life = 0; i != k && life <= run.lives[i]; life++)
                for (unsigned n = 1; n <= run.sent[i][k][life].last; n++)
                    if (bit(run.sent[i][k][life].arrived, n) &&
                        bit(run.sent[i][k][life].not_delivered, n))
                        fault("arrived, though it surely had not", i, k, n);
}

static void tables(bool make)
{
    for (unsigned i = 0; i < run.nodes; i++)
        for (unsigned k = 0; k < run.nodes; k++) {
            if (!make)
                free(run.sent[i][k]);
            run.sent[i][k] = make ? calloc(LIVES_MAX, sizeof(sent)) : NULL;
            REQUIRE(!make || run.sent[i][k] != NULL);
        }
}

void node_seed(uint64_t seed, unsigned nodes, seed_sums *sums)
{
    test_random random = {seed};
    weft_sim_faults faults = {.latency_ms_max = (uint32_t)test_below(&random, 25),
                              .lost = test_below(&random, 3) == 0 ? 3000 : 0,
                              .short_read = 100000,
                              .short_write = 100000,
                              .refused = 50000};
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.nodes = nodes;
    run.sums = sums;
    tables(true);
    kit_defaults.ping_ms = 60;
    kit_defaults.lost_ms = 250;
    kit_defaults.redial_ms_max = 300;
    if (test_below(&random, 3) == 0)
        kit_defaults.credit_bytes = 600; /* some dozen messages */
    kit_more = begin_worker;
    world_of(nodes, seed, &faults);
    for (unsigned i = 0; i < ROUNDS && run.faults == 0; i++) {
        weft_sim_advance(world, 1 + (uint32_t)test_below(&random, ROUND_MS_MAX));
        if (test_below(&random, 3) != 0)
            one_fault(&random);
    }
    for (unsigned i = 0; i < nodes; i++)
        if (!run.of[i].alive)
            restart(i);
    run.quiet = true;
    if (run.faults == 0)
        check_end();
    CHECK_U64(run.faults, 0);
    world_done();
    tables(false);
}
