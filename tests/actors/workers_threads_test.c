/* SPDX-License-Identifier: MIT */
/* A pool whose workers live on several reactors, in threads: every request is answered once. */
#include <weft/system.h>
#include <weft/workers.h>

#include "check.h"

enum { REACTORS = 3, WORKERS = 6, JOBS = 20000, OUT = 64, END_EVERY = 1000 };

typedef struct job {
    uint64_t number;
} job;
typedef struct job_done {
    uint64_t number;
    uint32_t reactor;
} job_done;
static const weft_type job_done_type = WEFT_TYPE("test.job_done", job_done, NULL);
static const weft_type job_type = WEFT_TYPE("test.job", job, &job_done_type);

static weft_err on_job(weft_actor *self, weft_msg *msg)
{
    const job *j = weft_body(msg);
    weft_err err = weft_reply(msg, job_done, .number = j->number, .reactor = weft_reactor_of(self));
    return j->number % END_EVERY == END_EVERY - 1 ? weft_stop(self, WEFT_EIO) : err;
}

static const weft_handler worker_rows[] = {{.type = &job_type, .fn = on_job}, {0}};
static const weft_behaviour worker = {.name = "worker", .handlers = worker_rows};

/* Touched by the asker's reactor, and by the test when that has ended. */
static struct {
    uint64_t sum, ok, failed, other;
    uint64_t by[REACTORS];
    weft_workers_counts counts;
} seen;

typedef struct asker {
    weft_ref pool;
    uint64_t next, out;
} asker;

static weft_err ask_more(weft_actor *self, weft_msg *msg);

static weft_err on_counts(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err == WEFT_OK)
        seen.counts = *(const weft_workers_counts *)got->body;
    weft_system_stop(self, got->err);
    return WEFT_OK;
}

static weft_err on_done(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asker *a = weft_state(self);
    a->out--;
    if (got->err == WEFT_OK) {
        const job_done *done = got->body;
        seen.ok++;
        seen.sum += done->number;
        seen.by[done->reactor % REACTORS]++;
    } else if (got->err == WEFT_EGONE || got->err == WEFT_EFULL) {
        seen.failed++; /* it stood behind one that ended its worker */
    } else {
        seen.other++;
    }
    return ask_more(self, msg);
}

static weft_err ask_more(weft_actor *self, weft_msg *msg)
{
    asker *a = weft_state(self);
    weft_err err = WEFT_OK;
    while (err == WEFT_OK && a->next < JOBS && a->out < OUT) {
        a->out++;
        err = weft_when(msg, weft_ask(self, a->pool, job, .number = a->next++), on_done);
    }
    if (a->next == JOBS && a->out == 0)
        return weft_when(msg, weft_ask(self, a->pool, weft_workers_look, .nothing = 0), on_counts);
    return err;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    asker *a = weft_state(self);
    a->pool = weft_spawn(self, &weft_workers, weft_config(self));
    return ask_more(self, msg);
}

static const weft_handler asker_rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour asker_behaviour = {
    .name = "asker", .handlers = asker_rows, .state_bytes = sizeof(asker)};

static void run(const weft_workers_config *config)
{
    memset(&seen, 0, sizeof seen);
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = REACTORS, .no_signals = true, .log_level = WEFT_NO_LOG, .log_level_set = true});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &asker_behaviour, config)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(seen.ok + seen.failed, JOBS);
    CHECK_U64(seen.other, 0);
    CHECK(seen.ok > JOBS * 9 / 10);
    CHECK_U64(seen.counts.outstanding, 0);
    CHECK(seen.counts.ended >= 1);
    for (unsigned i = 0; i < REACTORS; i++)
        CHECK(seen.by[i] > 0);
}

static void a_spread_pool_answers_each_request_once_while_workers_end(void)
{
    run(&(weft_workers_config){.worker = &worker,
                               .workers = WORKERS,
                               .spread = true,
                               .policy = WEFT_WORKERS_LEAST_LOADED,
                               .replace_after_ms = 1});
}

static void a_pool_that_forwards_does_so_too(void)
{
    run(&(weft_workers_config){
        .worker = &worker, .workers = WORKERS, .spread = true, .replace_after_ms = 1});
}

static const test_case cases[] = {
    TEST(a_spread_pool_answers_each_request_once_while_workers_end),
    TEST(a_pool_that_forwards_does_so_too),
    {0},
};

const test_suite workers_threads_suite = {
    .name = "actors/workers-threads", .cases = cases, .threads = true};
