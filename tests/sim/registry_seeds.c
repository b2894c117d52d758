/* SPDX-License-Identifier: MIT */
/* The worker of each node, the faults, and what must hold. */
#include "registry_seeds.h"

#include <stdlib.h>

#include <weft/etcd.h>

#include "actors/node_kit.h"
#include "protocols/etcd_peer.h"
#include "random.h"

enum {
    NAMES = 3,
    TICK_MS = 120,
    ROUNDS = 14,
    ROUND_MS_MAX = 1800,
    ISLAND_MS_MAX = 9000,
    ASK_MS = 400,
    TTL_S = 5,
    WAIT_MS_MAX = 6000,
    LIVES_MAX = 12,
    SLACK_MS = 20000, /* for all to be well again */
};

static const char *const name_of[NAMES] = {"red", "green", "blue"};

typedef struct worker {
    unsigned node;
    bool alive; /* its node is */
    unsigned asking;
    unsigned claiming[NAMES];
    bool has[NAMES]; /* as it believes */
    unsigned watching[KIT_NODES_MAX];
} worker;

static struct {
    uint64_t seed;
    unsigned nodes;
    bool quiet; /* nothing new is begun, and what is had is given back */
    etcd_peer *etcd;
    unsigned lives[KIT_NODES_MAX];
    worker of[KIT_NODES_MAX];
    uint64_t term[NAMES]; /* of the last owner */
    registry_sums *sums;
    unsigned faults;
} run;
static const char *endpoints[2];
static weft_etcd etcd_config[KIT_NODES_MAX];

static void fault(const char *what, unsigned node, unsigned other, uint64_t n)
{
    if (run.faults++ == 0)
        printf("seed %" PRIu64 " of %u nodes: %s: n%u, n%u, %" PRIu64 "\n", run.seed, run.nodes,
               what, node, other, n);
}

static unsigned pick(weft_actor *self, unsigned n)
{
    uint32_t random;
    weft_random(self, &random, sizeof random);
    return random % n;
}

static worker *worker_of(const weft_actor *self)
{
    return (worker *)(uintptr_t)weft_config(self);
}

/* ---- names */

static void has_now(worker *w, unsigned name, uint64_t term)
{
    for (unsigned i = 0; i < run.nodes; i++)
        if (i != w->node && run.of[i].alive && run.of[i].has[name])
            fault("two have one name", w->node, i, name);
    if (!w->has[name] && term <= run.term[name])
        fault("an owner's term is not higher than that of the one before", w->node, 0, term);
    w->has[name] = true;
    run.term[name] = term;
}

static void give(weft_actor *self, worker *w, unsigned name)
{
    run.sums->given++;
    w->has[name] = false; /* from now on it does nothing in that name */
    CHECK_OK(weft_unclaim(self, name_of[name]));
}

static weft_err on_claimed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    worker *w = worker_of(self);
    unsigned name = (unsigned)*(const uint64_t *)weft_scratch_last(msg);
    w->claiming[name]--;
    run.sums->granted += got->err == WEFT_OK;
    run.sums->refused += got->err != WEFT_OK;
    if (got->err != WEFT_OK)
        return WEFT_OK;
    has_now(w, name, ((const weft_claimed *)got->body)->term);
    if (run.quiet)
        give(self, w, name);
    return WEFT_OK;
}

static weft_err claim(weft_actor *self, worker *w, weft_msg *msg)
{
    unsigned name = pick(self, NAMES), how = pick(self, 4);
    uint64_t *what = weft_scratch(msg, sizeof *what);
    uint32_t wait_ms = how == 0 ? 0 : how == 1 ? WEFT_NO_LIMIT : 1 + pick(self, WAIT_MS_MAX);
    if (what == NULL || w->claiming[name] != 0 || w->has[name])
        return WEFT_OK;
    *what = name;
    w->claiming[name]++;
    run.sums->claims++;
    return weft_when(msg, weft_claim(self, name_of[name], wait_ms), on_claimed);
}

static weft_err on_lost(weft_actor *self, weft_msg *msg)
{
    worker *w = worker_of(self);
    const weft_name_lost *lost = weft_body(msg);
    for (unsigned i = 0; i < NAMES; i++)
        if (strcmp(name_of[i], lost->name) == 0)
            w->has[i] = false;
    run.sums->lost++;
    return WEFT_OK;
}

/* ---- asks and monitors of others */

static weft_ref other_of(weft_actor *self, const worker *w, unsigned *to)
{
    char name[32];
    *to = pick(self, run.nodes - 1);
    *to += *to >= w->node;
    (void)snprintf(name, sizeof name, "worker@n%u", *to);
    return weft_named(self, name);
}

static weft_err on_outcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    worker_of(self)->asking--;
    run.sums->answered += got->err == WEFT_OK;
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, worker *w, weft_msg *msg)
{
    unsigned to;
    weft_ref other = other_of(self, w, &to);
    w->asking++;
    run.sums->asks++;
    return weft_when(msg, weft_ask_within(self, other, ASK_MS, count, .n = 1), on_outcome);
}

static void watch(weft_actor *self, worker *w)
{
    unsigned to;
    weft_ref other = other_of(self, w, &to);
    if (w->watching[to] != 0 || weft_monitor(self, other) != WEFT_OK)
        return;
    w->watching[to] = 1;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    worker *w = worker_of(self);
    const char *node = weft_node_of(self, ((const weft_down *)weft_body(msg))->who);
    unsigned which = node != NULL ? (unsigned)strtoul(node + 1, NULL, 10) : KIT_NODES_MAX;
    run.sums->downs++;
    if (which >= run.nodes || w->watching[which] == 0)
        fault("down of nobody who is watched", w->node, which, 0);
    else
        w->watching[which] = 0;
    return WEFT_OK;
}

/* ---- its life */

typedef struct tick {
    unsigned what;
} tick;
static const weft_type timer_type = WEFT_TYPE("test.timer", tick, NULL);
static const weft_type tick_type = WEFT_TYPE("test.tick", tick, NULL);

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    worker *w = worker_of(self);
    unsigned name = pick(self, NAMES);
    if (run.quiet) {
        for (unsigned i = 0; i < NAMES; i++)
            if (w->has[i])
                give(self, w, i);
        return WEFT_OK;
    }
    switch (pick(self, 6)) {
    case 0:
    case 1:
        return claim(self, w, msg);
    case 2:
        if (w->has[name] && pick(self, 3) == 0)
            give(self, w, name);
        return WEFT_OK;
    case 3:
        watch(self, w);
        return WEFT_OK;
    default:
        return ask(self, w, msg);
    }
}

static weft_err on_timer(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), tick, 0); /* may wait as long as it takes */
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    tick nothing = {0};
    (void)msg;
    (void)weft_timer_start(self, TICK_MS, TICK_MS, &timer_type, &nothing);
    return weft_register(self, "worker");
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, count, .n = 2);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &timer_type, .fn = on_timer},
    {.type = &tick_type, .fn = on_tick},
    {.type = &count_type, .fn = on_count},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_name_lost_type, .fn = on_lost},
    {0},
};

/* From now on it does nothing in any name. */
static void worker_ended(weft_actor *self, weft_err reason)
{
    worker *w = worker_of(self);
    (void)reason;
    memset(w->has, 0, sizeof w->has);
}

static const weft_behaviour worker_behaviour = {
    .name = "worker", .handlers = handlers, .ended = worker_ended};

/* Ends, and leaves what it has to whoever is next: the registry is to see to it. */
static weft_ref workers[KIT_NODES_MAX];

static void begin_worker(unsigned i, unsigned reactor)
{
    run.of[i] = (worker){.node = i, .alive = true};
    workers[i] =
        weft_system_spawn(weft_sim_system(node_at[i].sim), reactor, &worker_behaviour, &run.of[i]);
    CHECK(!weft_ref_is_nobody(workers[i]));
}

static void begin_node(unsigned i)
{
    weft_why why = {""};
    etcd_config[i] = (weft_etcd){.endpoints = endpoints, .url = node_at[i].url, .ttl_s = TTL_S};
    CHECK_OK(weft_etcd_begin(weft_sim_system(node_at[i].sim), &etcd_config[i], &why));
    begin_worker(i, kit_reactors - 1);
}

static void end_worker(unsigned i)
{
    CHECK_OK(weft_sim_kill(node_at[i].sim, workers[i], WEFT_OK));
    weft_sim_run(world); /* its asks and claims are over with it */
    run.sums->ended++;
    begin_worker(i, 0);
}

/* ---- faults */

static void crash(unsigned i)
{
    node_crash(i);
    run.of[i].alive = false;
    run.sums->crashes++;
}

static void fault_of_etcd(test_random *random)
{
    etcd_peer *p = run.etcd;
    switch (test_below(random, 5)) {
    case 0:
        if (p->sim != NULL) {
            etcd_peer_crash(p);
            run.sums->etcd_crashes++;
        }
        break;
    case 1:
        if (p->sim == NULL)
            etcd_peer_start(p, world);
        break;
    case 2:
        p->cut_answers = 1 + (unsigned)test_below(random, 4);
        run.sums->cut_answers++;
        break;
    case 3:
        etcd_peer_compact(p);
        run.sums->compactions++;
        break;
    default:
        if (p->sim != NULL)
            etcd_peer_cut_watches(p);
        break;
    }
}

static void one_fault(test_random *random)
{
    unsigned i = (unsigned)test_below(random, run.nodes), dropped = 0;
    switch (test_below(random, 8)) {
    case 0:
        if (run.of[i].alive)
            crash(i);
        break;
    case 1:
        if (!run.of[i].alive && run.lives[i] + 1 < LIVES_MAX) {
            run.lives[i]++;
            node_start(i);
        }
        break;
    case 2:
    case 3:
        if (run.of[i].alive) {
            CHECK_OK(weft_sim_isolate(node_at[i].sim, (uint32_t)test_below(random, ISLAND_MS_MAX)));
            run.sums->islands++;
        }
        break;
    case 4:
        if (run.of[i].alive)
            end_worker(i);
        break;
    case 5:
        CHECK_OK(weft_sim_drop(world, node_at[i].url, &dropped));
        break;
    default:
        fault_of_etcd(random);
        break;
    }
}

/* ---- what must hold at the end */

static void check_end(void)
{
    run.etcd->cut_answers = 0;
    if (run.etcd->sim == NULL)
        etcd_peer_start(run.etcd, world);
    run.quiet = true;
    weft_sim_advance(world, SLACK_MS);
    if (!all_linked())
        fault("not all are linked", 0, 0, 0);
    for (unsigned i = 0; i < run.nodes; i++) {
        const worker *w = &run.of[i];
        if (w->asking != 0)
            fault("asks hang", i, i, w->asking);
        for (unsigned k = 0; k < NAMES; k++)
            if (w->claiming[k] != 0)
                fault("a claim hangs", i, i, k);
    }
    for (unsigned k = 0; k < NAMES; k++) {
        char key[64];
        (void)snprintf(key, sizeof key, "/weft/test/names/%s", name_of[k]);
        if (etcd_peer_at(run.etcd, key) != NULL)
            fault("a name is left behind in etcd", k, 0, 0);
    }
    if (etcd_peer_count(run.etcd, "/weft/test/nodes/") != run.nodes)
        fault("members in etcd", 0, 0, etcd_peer_count(run.etcd, "/weft/test/nodes/"));
}

void registry_seed(uint64_t seed, unsigned nodes, registry_sums *sums)
{
    test_random random = {seed};
    weft_sim_faults faults = {.latency_ms_max = (uint32_t)test_below(&random, 25),
                              .lost = test_below(&random, 3) == 0 ? 2000 : 0,
                              .short_read = 50000,
                              .short_write = 50000,
                              .refused = 30000};
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.nodes = nodes;
    run.sums = sums;
    run.etcd = etcd_peer_new("etcd0");
    endpoints[0] = run.etcd->endpoint;
    kit_strangers = true;
    kit_reactors = 1 + (unsigned)(seed / 4 % 2);
    kit_defaults.cluster = "test";
    kit_defaults.ping_ms = 150;
    kit_defaults.lost_ms = 500;
    kit_defaults.redial_ms_max = 400;
    kit_more = begin_node;
    world_of(nodes, seed, &faults);
    etcd_peer_start(run.etcd, world);
    for (unsigned i = 0; i < ROUNDS && run.faults == 0; i++) {
        weft_sim_advance(world, 1 + (uint32_t)test_below(&random, ROUND_MS_MAX));
        if (test_below(&random, 4) != 0)
            one_fault(&random);
    }
    for (unsigned i = 0; i < nodes; i++)
        if (!run.of[i].alive)
            node_start(i);
    if (run.faults == 0)
        check_end();
    CHECK_U64(run.faults, 0);
    weft_sim *kept = world;
    world = NULL; /* which is to go last */
    world_done();
    etcd_peer_free(run.etcd);
    CHECK_U64(weft_sim_free(&kept), 0);
}
