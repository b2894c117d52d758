/* SPDX-License-Identifier: MIT */
/* Supervision across real threads: children of one tree on three reactors, and a listener on all, crash
 * again and again while they are asked from each of them. */
#include "check.h"

#include <stdatomic.h>

#include <weft/net.h>
#include <weft/supervisor.h>
#include <weft/system.h>

enum { REACTORS = 3, ROUNDS = 200 };

typedef struct number {
    uint64_t n;
} number;
static const weft_type number_type = WEFT_TYPE("test.number", number, NULL);

static _Atomic int alive[REACTORS + 1];
static _Atomic unsigned lives, faults; /* a thread that is not the test's cannot fail it */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const _Atomic int *mine = weft_config(self);
    _Atomic int *count = &alive[mine - alive];
    (void)msg;
    *(uint64_t *)weft_state(self) = 1;
    if (atomic_fetch_add(count, 1) != 0)
        atomic_fetch_add(&faults, 1);
    atomic_fetch_add(&lives, 1);
    return WEFT_OK;
}
static weft_err on_number(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, number, .n = ((const number *)weft_body(msg))->n + 1);
}
static void worker_ended(weft_actor *self, weft_err reason)
{
    const _Atomic int *mine = weft_config(self);
    (void)reason;
    if (*(uint64_t *)weft_state(self) != 0)
        atomic_fetch_sub(&alive[mine - alive], 1);
}
static const weft_handler worker_rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &number_type, .fn = on_number}, {0}};
static const weft_behaviour worker = {
    .name = "worker", .handlers = worker_rows, .state_bytes = 8, .ended = worker_ended};

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, weft_sender(msg), data->bytes);
}
static const weft_handler echo_rows[] = {{.type = &weft_data_type, .fn = on_data}, {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows};

static const weft_child inner_children[] = {
    {.name = "here", .behaviour = &worker, .config = &alive[3]}, {0}};
static const weft_supervisor inner = {.restarts_max = 65536, .children = inner_children};
static const weft_child children[] = {
    {.name = "w0", .behaviour = &worker, .config = &alive[0]},
    {.name = "w1", .behaviour = &worker, .config = &alive[1], .reactor = WEFT_ON_REACTOR(1)},
    {.name = "web", .behaviour = &echo, .listen = "tcp://127.0.0.1:0"},
    {.name = "w2", .behaviour = &worker, .config = &alive[2], .reactor = WEFT_ON_REACTOR(2)},
    {.name = "tree",
     .behaviour = &weft_supervisor_behaviour,
     .config = &inner,
     .reactor = WEFT_ON_REACTOR(1)},
    {0},
};
static const char *const names[] = {"w0", "w1", "w2", "tree/here", "web"};

/* ---- each driver asks everyone in turn, and strikes now and then; the last of them stops the system */

typedef struct driver {
    unsigned round;  /* of questions that were answered */
    unsigned struck; /* the last in which it struck, if it was to */
} driver;
typedef struct next {
    char nothing;
} next;
static const weft_type next_type = WEFT_TYPE("test.next", next, NULL);
static _Atomic unsigned drivers, answers;

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    driver *d = weft_state(self);
    (void)msg;
    if (got->err == WEFT_OK) {
        atomic_fetch_add(&answers, 1);
        d->round++;
        return weft_tell(self, weft_self(self), next, .nothing = 0);
    }
    /* it is down, or has not begun */
    return weft_after(self, 1, next, .nothing = 0).slot != 0 ? WEFT_OK : WEFT_ENOMEM;
}

static weft_err on_next(weft_actor *self, weft_msg *msg)
{
    driver *d = weft_state(self);
    unsigned who = d->round % 5;
    weft_ref to = weft_named(self, names[who]);
    if (d->round == ROUNDS) {
        if (atomic_fetch_sub(&drivers, 1) == 1)
            weft_system_stop(self, WEFT_OK);
        return WEFT_OK;
    }
    if (d->round % 7 == 6 && d->struck != d->round)
        (void)weft_stop_ref(self, to, WEFT_EIO);
    d->struck = d->round;
    return weft_when(msg, weft_ask(self, weft_named(self, names[who % 4]), number, .n = 1),
                     on_answer);
}
static const weft_handler driver_rows[] = {
    {.type = &weft_started_type, .fn = on_next}, {.type = &next_type, .fn = on_next}, {0}};
static const weft_behaviour driver_behaviour = {
    .name = "driver", .handlers = driver_rows, .state_bytes = sizeof(driver)};

static void run_tree(weft_strategy strategy)
{
    weft_supervisor tree = {.strategy = strategy, .restarts_max = 65536, .children = children};
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = REACTORS, .log_level = WEFT_NO_LOG, .log_level_set = true, .no_signals = true});
    REQUIRE(sys != NULL);
    atomic_store(&drivers, REACTORS);
    atomic_store(&answers, 0);
    atomic_store(&lives, 0);
    atomic_store(&faults, 0);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_supervisor_behaviour, &tree)));
    for (unsigned i = 0; i < REACTORS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i, &driver_behaviour, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(atomic_load(&faults), 0);
    CHECK_U64(atomic_load(&answers), REACTORS * ROUNDS);
    CHECK(atomic_load(&lives) > 4 + ROUNDS / 7);
    for (unsigned i = 0; i <= REACTORS; i++)
        CHECK_I64(atomic_load(&alive[i]), 0);
}

static void children_of_every_reactor_are_restarted_alone(void)
{
    run_tree(WEFT_ONE_FOR_ONE);
}

static void children_of_every_reactor_are_restarted_together(void)
{
    run_tree(WEFT_ONE_FOR_ALL);
}

static const test_case cases[] = {
    TEST(children_of_every_reactor_are_restarted_alone),
    TEST(children_of_every_reactor_are_restarted_together),
    {0},
};

const test_suite supervision_threads_suite = {"actors/supervision_threads", NULL, NULL, cases,
                                              true};
