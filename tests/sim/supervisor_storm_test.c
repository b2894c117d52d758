/* SPDX-License-Identifier: MIT */
/* Storms over a tree of supervisors: workers crash, stop and are killed at random while others ask them,
 * starts wait and fail, a guest is added and removed. Whatever happens, on every seed:
 *
 * - no ask hangs: each has one outcome
 * - no child is lost or doubled: each lives at most once at any time, and when the storm is over and the
 *   tree has not given up each is up, under its name, with the reference it had at first
 * - the order is kept: what one asks of another arrives, and is answered, in the order of asking
 * - the budget is obeyed: no life of a supervisor has more restarts within its window than it may
 *
 * WEFT_SEEDS says how many; 10,000 are run before a release. */
#include "runtime/kit.h"

#include <stdlib.h>

#include "random.h"

#include <weft/supervisor.h>

enum { SEEDS = 200, STORM_MS = 3000, CALM_MS = 200000, ASK_MS = 2000 };
enum { WORKERS = 9, GUEST = WORKERS, ASKERS = 4, SUPERVISORS = 3 };
enum { RESTARTS = 11, WINDOW_MS = 400 };

static test_random dice;
static bool faults; /* memory runs out now and then */

static unsigned below(unsigned n)
{
    return (unsigned)test_below(&dice, n);
}

/* ---- workers, whatever life they are in */

typedef struct worker {
    const char *name; /* as registered */
    int alive;
    unsigned lives;
    weft_ref first, now;
    uint64_t last[ASKERS]; /* what each asked last */
} worker;
static worker workers[WORKERS + 1];

typedef struct question {
    uint64_t n;
    unsigned asker;
} question;
typedef struct ready {
    char nothing;
} ready;
static const weft_type question_type = WEFT_TYPE("storm.question", question, NULL);
static const weft_type ready_type = WEFT_TYPE("storm.ready", ready, NULL);

typedef struct worker_state {
    worker *w;
    weft_msg *started, *kept;
} worker_state;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    s->w = (worker *)(uintptr_t)((const weft_started *)weft_body(msg))->config;
    CHECK_I64(++s->w->alive, 1);
    s->w->now = weft_self(self);
    if (s->w->lives++ == 0)
        s->w->first = s->w->now;
    if (s->w->lives > 1 && below(12) == 0)
        return weft_fail(msg, WEFT_EIO, "unwell");
    if (below(3) == 0 && weft_after(self, below(40), ready, .nothing = 0).slot != 0)
        s->started = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ready(weft_actor *self, weft_msg *msg)
{
    worker_state *s = weft_state(self);
    (void)msg;
    weft_drop(&s->started);
    return WEFT_OK;
}

static weft_err answer(weft_actor *self, weft_msg *msg, uint64_t n)
{
    worker_state *s = weft_state(self);
    weft_drop(&s->kept); /* that one goes without an answer */
    switch (below(24)) {
    case 0:
        return weft_stop_because(self, WEFT_EIO, "a hard question");
    case 1:
        return weft_stop(self, WEFT_OK);
    case 2:
        s->kept = weft_keep(msg);
        return WEFT_OK;
    case 3:
        return WEFT_EDENIED;
    default:
        return weft_reply(msg, num, .n = n);
    }
}

static weft_err on_question(weft_actor *self, weft_msg *msg)
{
    const worker_state *s = weft_state(self);
    const question *q = weft_body(msg);
    REQUIRE(s->w != NULL); /* `started` comes first */
    CHECK(q->n > s->w->last[q->asker]);
    s->w->last[q->asker] = q->n;
    return answer(self, msg, q->n);
}

static void worker_ended(weft_actor *self, weft_err reason)
{
    const worker_state *s = weft_state(self);
    (void)reason;
    if (s->w != NULL)
        s->w->alive--;
}

static const weft_handler worker_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &ready_type, .fn = on_ready},
    {.type = &question_type, .fn = on_question},
    {0},
};
static const weft_behaviour worker_behaviour = {.name = "storm.worker",
                                                .handlers = worker_rows,
                                                .state_bytes = sizeof(worker_state),
                                                .ended = worker_ended};

/* ---- the tree: a supervisor of each strategy, two of them within the first */

#define WORKER(i)                                                                                \
    {                                                                                            \
        .name = "w" #i, .behaviour = &worker_behaviour, .config = &workers[i], .start_ms = 1000, \
        .stop_ms = 100,                                                                          \
    }
static const weft_child all_children[] = {WORKER(3), WORKER(4), WORKER(5), {0}};
static weft_child rest_children[] = {WORKER(6), WORKER(7), WORKER(8), {0}};
static const weft_supervisor all = {.strategy = WEFT_ONE_FOR_ALL,
                                    .restarts_max = RESTARTS,
                                    .restarts_window_ms = WINDOW_MS,
                                    .children = all_children};
static const weft_supervisor rest = {.strategy = WEFT_REST_FOR_ONE,
                                     .restarts_max = RESTARTS,
                                     .restarts_window_ms = WINDOW_MS,
                                     .backoff_ms = 20,
                                     .backoff_ms_max = 200,
                                     .children = rest_children};
static weft_child top_children[] = {
    WORKER(0), {.name = "all", .behaviour = &weft_supervisor_behaviour, .config = &all},
    WORKER(1), {.name = "rest", .behaviour = &weft_supervisor_behaviour, .config = &rest},
    WORKER(2), {0},
};
static const weft_supervisor tree = {.restarts_max = RESTARTS,
                                     .restarts_window_ms = WINDOW_MS,
                                     .backoff_ms = 5,
                                     .backoff_ms_max = 50,
                                     .children = top_children};
static const char *const names[WORKERS] = {"w0",     "w1",      "w2",      "all/w3", "all/w4",
                                           "all/w5", "rest/w6", "rest/w7", "rest/w8"};
static weft_ref top;

/* ---- budgets, by the lines in which supervisors say that they restart a child */

typedef struct budget {
    char who[WEFT_REF_TEXT_BYTES];
    uint32_t at[RESTARTS];
    unsigned n;
    bool inner;
} budget;
static budget budgets[SUPERVISORS];

static budget *budget_of(const char *who)
{
    for (unsigned i = 0; i < SUPERVISORS; i++) {
        if (budgets[i].who[0] == '\0')
            (void)snprintf(budgets[i].who, sizeof budgets[i].who, "%s", who);
        if (strcmp(budgets[i].who, who) == 0)
            return &budgets[i];
    }
    return NULL;
}

static void on_log(void *context, const weft_log_line *line)
{
    (void)context;
    if (strcmp(line->name, "supervisor") != 0 || strstr(line->text, " is restarted in ") == NULL)
        return;
    if (sim ==
        NULL) { /* the system ends: only if memory was out when the tree asked to hear of that */
        CHECK(faults);
        return;
    }
    budget *b = budget_of(line->who);
    REQUIRE(b != NULL);
    uint32_t now = weft_sim_now(sim), *oldest = &b->at[b->n % RESTARTS];
    CHECK(b->n < RESTARTS || now - *oldest >= WINDOW_MS);
    *oldest = now;
    b->n++;
    /* a supervisor that begins again has its whole budget again */
    if (strncmp(line->text, "child all is", 12) == 0 ||
        strncmp(line->text, "child rest is", 13) == 0)
        for (unsigned i = 0; i < SUPERVISORS; i++)
            if (&budgets[i] != b)
                budgets[i].n = 0;
}

/* ---- those who ask, of anyone, and now and then strike */

typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("storm.go", go, NULL);
static struct {
    unsigned asked, outcomes, answered;
    uint64_t got[ASKERS][WORKERS];
    bool over;
} asks;
static unsigned asker_ids[ASKERS];

typedef struct asker_state {
    uint64_t n;
} asker_state;

/* Whom it was asked of can be seen from the number. */
static weft_err on_outcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    unsigned id = *(const unsigned *)weft_config(self);
    (void)msg;
    asks.outcomes++;
    if (got->err != WEFT_OK)
        return WEFT_OK;
    uint64_t n = ((const num *)got->body)->n;
    CHECK(n > asks.got[id][n % WORKERS]);
    asks.got[id][n % WORKERS] = n;
    asks.answered++;
    return WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    asker_state *s = weft_state(self);
    unsigned id = *(const unsigned *)weft_config(self), w = below(WORKERS);
    weft_ref to = weft_named(self, names[w]);
    if (asks.over)
        return WEFT_OK;
    if (below(40) == 0)
        (void)weft_stop_ref(self, to, below(2) == 0 ? WEFT_EIO : WEFT_OK);
    s->n = (s->n / WORKERS + 1) * WORKERS + w;
    asks.asked++;
    if (weft_when(msg,
                  weft_ask_within(self, to, 1 + below(ASK_MS), question, .n = s->n, .asker = id),
                  on_outcome) != WEFT_OK)
        asks.outcomes++; /* memory was out */
    (void)weft_after(self, below(20), go, .nothing = 0);
    return WEFT_OK;
}

static const weft_handler asker_rows[] = {{.type = &go_type, .fn = on_go}, {0}};
static const weft_behaviour asker = {
    .name = "storm.asker", .handlers = asker_rows, .state_bytes = sizeof(asker_state)};

/* ---- the host of the guest */

static weft_err on_host_outcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg, (void)got;
    asks.outcomes++;
    (void)weft_after(self, below(50), go, .nothing = 0);
    return WEFT_OK;
}

static weft_err on_host_go(weft_actor *self, weft_msg *msg)
{
    weft_deferred d;
    if (asks.over)
        return WEFT_OK;
    if (below(2) == 0)
        d = weft_ask(self, top, weft_supervisor_add,
                     .child = {.behaviour = &worker_behaviour,
                               .config = &workers[GUEST],
                               .restart = (weft_restart)below(3),
                               .stop_ms = 100},
                     .name = "guest");
    else
        d = weft_ask(self, top, weft_supervisor_remove, .name = "guest");
    asks.asked++;
    if (weft_when(msg, d, on_host_outcome) != WEFT_OK)
        asks.outcomes++;
    return WEFT_OK;
}

static const weft_handler host_rows[] = {{.type = &go_type, .fn = on_host_go}, {0}};
static const weft_behaviour host = {.name = "storm.host", .handlers = host_rows};

/* ---- one storm */

static void storm_new(uint64_t seed)
{
    memset(workers, 0, sizeof workers);
    memset(budgets, 0, sizeof budgets);
    memset(&asks, 0, sizeof asks);
    dice.state = seed;
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i].name = names[i];
    /* some live elsewhere, the supervisor of one group among them */
    unsigned reactors = 1 + (unsigned)(seed % 3);
    for (unsigned i = 0; i < 5; i++)
        top_children[i].reactor = i == 1 ? 0 : below(reactors + 1);
    for (unsigned i = 0; i < 3; i++)
        rest_children[i].reactor = below(reactors + 1);
}

static void begin_storm(void)
{
    weft_system *sys = weft_sim_system(sim);
    unsigned reactors = weft_system_reactors(sys);
    top = weft_system_spawn(sys, 0, &weft_supervisor_behaviour, &tree);
    for (unsigned i = 0; i < ASKERS; i++) {
        asker_ids[i] = i;
        weft_ref a = weft_system_spawn(sys, i % reactors, &asker, &asker_ids[i]);
        (void)weft_sim_tell(sim, a, go, .nothing = 0);
    }
    weft_ref h = weft_system_spawn(sys, reactors - 1, &host, NULL);
    (void)weft_sim_tell(sim, h, go, .nothing = 0);
}

typedef struct looked_up {
    weft_ref ref[WORKERS];
} looked_up;
static weft_err look_up_all(weft_actor *self, weft_msg *msg, void *with)
{
    looked_up *l = with;
    (void)msg;
    for (unsigned i = 0; i < WORKERS; i++)
        l->ref[i] = weft_lookup(self, names[i]);
    return WEFT_OK;
}

/* true: the tree outlived the storm. */
static bool check_calm(void)
{
    weft_actor_stats stats;
    looked_up l = {{WEFT_NOBODY}};
    bool there = weft_stats_actor(weft_sim_system(sim), top, &stats);
    CHECK_U64(asks.outcomes, asks.asked);
    CHECK(workers[GUEST].alive == 0 || there);
    if (!faults) /* else there may be no memory for the question */
        sim_do(sim_puppet(NULL), look_up_all, &l);
    for (unsigned i = 0; i < WORKERS; i++) {
        CHECK_I64(workers[i].alive, there);
        if (!there || faults)
            continue;
        CHECK(weft_ref_same(l.ref[i], workers[i].now));
        if (strchr(names[i], '/') == NULL) /* else its supervisor may have begun again */
            CHECK(weft_ref_same(workers[i].first, workers[i].now));
    }
    return there;
}

static bool storm(uint64_t seed)
{
    faults = seed % 4 == 0;
    storm_new(seed);
    CHECK_U64(weft_sim_free(&sim), 0);
    sim = weft_sim_new(&(weft_sim_options){
        .seed = seed,
        .system = {.reactors = 1 + (unsigned)(seed % 3), .log_hook = on_log},
        .faults = {.allocation = faults ? 2000 : 0},
    });
    if (sim == NULL)
        return false;
    begin_storm();
    weft_sim_advance(sim, STORM_MS);
    asks.over = true;
    weft_sim_advance(sim, CALM_MS);
    bool there = check_calm();
    CHECK_U64(weft_sim_free(&sim), 0);
    for (unsigned i = 0; i <= GUEST; i++)
        CHECK_I64(workers[i].alive, 0);
    return there;
}

static unsigned long seeds(void)
{
    const char *text = getenv("WEFT_SEEDS");
    return text != NULL ? strtoul(text, NULL, 10) : SEEDS;
}

static void nothing_hangs_is_lost_doubled_or_out_of_order(void)
{
    unsigned survived = 0, lives = 0, answered = 0;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        survived += storm(seed);
        answered += asks.answered;
        for (unsigned i = 0; i < WORKERS; i++)
            lives += workers[i].lives;
    }
    /* storms that kill every tree, or none, or in which nobody fails, would prove nothing */
    CHECK(survived > seeds() / 10 && survived < seeds());
    CHECK(lives > seeds() * 3 * WORKERS);
    CHECK(answered > seeds() * 50);
}

static void a_storm_repeats(void)
{
    unsigned lives[2] = {0, 0};
    uint64_t got[2];
    for (unsigned k = 0; k < 2; k++) {
        (void)storm(7);
        for (unsigned i = 0; i < WORKERS; i++)
            lives[k] += workers[i].lives;
        got[k] = asks.answered;
    }
    CHECK_U64(lives[0], lives[1]);
    CHECK_U64(got[0], got[1]);
}

static const test_case cases[] = {
    TEST(nothing_hangs_is_lost_doubled_or_out_of_order),
    TEST(a_storm_repeats),
    {0},
};

const test_suite supervisor_storm_suite = {"sim/supervisor_storm", NULL, sim_done, cases, false};
