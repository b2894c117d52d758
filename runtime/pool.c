/* SPDX-License-Identifier: MIT */
/* The pool: which thread is next, when there is another, and functions that run there.
 *
 * Threads are only ever added, behind the reactors: the count is published when one is complete, and
 * whoever reads the count may follow the pointers below it. Choosing takes no lock unless a thread is to
 * be made. */
#include "pool.h"

#include <weft/pool.h>

#include "ask.h"
#include "family.h"
#include "mailbox.h"
#include "reactor.h"

/* ---- functions */

/* Stands at the end of the block of a request, behind its body, until the function runs: the message is
 * then what it would have been without. */
typedef struct job {
    weft_handler_fn *fn;
    const weft_type *type;
    wf_reactor *thread;
    uint32_t plain; /* the flag of the message */
} job;

static void job_release(void *body);

static const weft_type job_type = {.name = "weft.job", .size = 1, .release = job_release};

static job *job_of(weft_msg *m)
{
    return (job *)(void *)((char *)wf_block_start(m) + wf_block_size(m) - sizeof(job));
}

/* It goes unrun: cancelled, late, or there was no way. */
static void job_release(void *body)
{
    const job *j = job_of((weft_msg *)(void *)((char *)body - offsetof(weft_msg, body)));
    wf_body_release(j->type, body);
    wf_pool_done(j->thread, WF_POOL_JOB);
}

static weft_err on_job(weft_actor *self, weft_msg *msg)
{
    wf_reactor *r = WF_R;
    job j = *job_of(msg);
    msg->type = j.type;
    msg->flags |= (uint16_t)j.plain;
    weft_err err = j.fn(self, msg);
    wf_pool_done(r, WF_POOL_JOB);
    if ((self->bits & WF_STOPPING) != 0) {
        /* between messages only the end of the system stops it */
        self->bits &= (uint16_t)~WF_STOPPING;
        weft_log(self, WEFT_WARNING, "a function of the pool called weft_stop: left alone");
    }
    return err;
}

static const weft_handler handlers[] = {{.type = &job_type, .fn = on_job}, {0}};
static const weft_behaviour runner = {
    .name = "weft.pool", .handlers = handlers, .mailbox_max = WEFT_POOL_ASKS_MAX};

/* ---- threads */

static bool take_runner(wf_reactor *r, weft_why *why)
{
    wf_reactor *outer = WF_R;
    WF_R = r;
    const weft_actor *a = wf_spawn(r, NULL, &runner, NULL, why);
    if (a != NULL)
        r->pool_runner = wf_ref_of(r, a);
    WF_R = outer;
    return a != NULL;
}

/* Nobody knows it yet. */
static void unmake(wf_reactor *r)
{
    wf_reactor *outer = WF_R;
    WF_R = r;
    (void)wf_stop_all(r, WEFT_ESTOPPING, true);
    (void)wf_reactor_round(r);
    WF_R = outer;
    wf_reactor_free(r);
}

/* The lock is held. errors: NULL, @err and @why. */
static wf_reactor *make(weft_system *sys, weft_err *err, weft_why *why)
{
    unsigned i = wf_threads(sys);
    *err = WEFT_ENOMEM;
    wf_reactor *r = wf_reactor_new(sys, i, NULL, why);
    if (r == NULL)
        return NULL;
    if (!take_runner(r, why)) {
        wf_reactor_free(r);
        return NULL;
    }
    wf_wheel_run(&r->wheel, wf_tick(sys));
    if (WF_STAT_GET(sys->running) && sys->sim == NULL && !wf_thread_start(sys, r)) {
        *err = weft_because(why, WEFT_ELIMIT, "unable to start thread %u of the pool",
                            i - sys->reactors + 1);
        unmake(r);
        return NULL;
    }
    sys->reactor[i] = r;
    /* release: whoever reads the count sees the reactor; pairs with wf_threads */
    atomic_store_explicit(&sys->threads, i + 1, memory_order_release);
    return r;
}

/* What lives there beside its runner, what is on its way there, and what waits or runs. */
static uint32_t load_of(const wf_reactor *r)
{
    return WF_STAT_GET(r->stat.actors) - 1 + WF_STAT_GET(r->pool_coming) +
           WF_STAT_GET(r->pool_jobs);
}

/* NULL: there is none yet. */
static wf_reactor *least_loaded(const weft_system *sys)
{
    wf_reactor *best = NULL;
    for (unsigned i = sys->reactors; i < wf_threads(sys); i++)
        if (best == NULL || load_of(sys->reactor[i]) < load_of(best))
            best = sys->reactor[i];
    return best;
}

/* The one to be taken, another one if there is none that is idle. */
static wf_reactor *make_if_needed(weft_system *sys, weft_err *err, weft_why *why)
{
    wf_lock_take(sys, &sys->pool_lock);
    /* somebody else may have made one meanwhile */
    wf_reactor *best = least_loaded(sys), *made = NULL;
    bool idle = best != NULL && load_of(best) == 0;
    if (!idle && !sys->pool_closed && wf_threads(sys) - sys->reactors < sys->options.pool)
        made = make(sys, err, why);
    else if (best == NULL)
        *err = weft_because(why, WEFT_ESTOPPING, "the system is shutting down");
    wf_lock_give(sys, &sys->pool_lock);
    return made != NULL ? made : best;
}

wf_reactor *wf_pool_choose(weft_system *sys, wf_pool_use use, weft_err *err, weft_why *why)
{
    wf_reactor *r = least_loaded(sys);
    if (r == NULL || (load_of(r) != 0 && wf_threads(sys) - sys->reactors < sys->options.pool))
        r = make_if_needed(sys, err, why);
    if (r == NULL)
        return NULL;
    if (use == WF_POOL_ACTOR) {
        atomic_fetch_add_explicit(&r->pool_coming, 1, memory_order_relaxed);
        return r;
    }
    if (WF_STAT_GET(r->pool_jobs) >= WEFT_POOL_ASKS_MAX) {
        *err = weft_because(why, WEFT_EFULL, "%u requests wait for each thread of the pool",
                            WEFT_POOL_ASKS_MAX);
        return NULL;
    }
    atomic_fetch_add_explicit(&r->pool_jobs, 1, memory_order_relaxed);
    return r;
}

void wf_pool_done(wf_reactor *r, wf_pool_use use)
{
    atomic_fetch_sub_explicit(use == WF_POOL_ACTOR ? &r->pool_coming : &r->pool_jobs, 1,
                              memory_order_relaxed);
}

void wf_pool_close(weft_system *sys)
{
    wf_lock_take(sys, &sys->pool_lock);
    sys->pool_closed = true;
    wf_lock_give(sys, &sys->pool_lock);
}

/* ---- asking it */

typedef struct asking {
    weft_handler_fn *fn;
    const weft_type *type;
    const void *body;
    wf_reactor *thread; /* NULL: @err and @why say why not */
    weft_err err;
} asking;

static weft_err send_job(weft_actor *self, weft_ref to, uint64_t request, unsigned flags,
                         void *context, weft_why *why)
{
    const asking *a = context;
    weft_msg *m;
    if (a->thread == NULL)
        return a->err;
    weft_err err =
        wf_msg_new_room(WF_R, self, a->type, a->body, request, flags, sizeof(job), &m, why);
    if (err != WEFT_OK) {
        wf_pool_done(a->thread, WF_POOL_JOB);
        return err;
    }
    *job_of(m) = (job){a->fn, a->type, a->thread, m->flags & WF_PLAIN};
    m->type = &job_type;
    m->flags &= (uint16_t)~WF_PLAIN;
    err = wf_put_msg(WF_R, to, m);
    if (err != WEFT_OK)
        wf_msg_free(WF_R, m);
    return err;
}

weft_deferred weft_ask_pool_body(weft_actor *self, weft_handler_fn *fn, const weft_type *type,
                                 const void *body, uint32_t limit_ms)
{
    weft_why why = {""};
    asking a = {.fn = fn, .type = type, .body = body, .err = WEFT_OK};
    a.thread = wf_pool_choose(WF_R->sys, WF_POOL_JOB, &a.err, &why);
    return wf_ask_by(self, a.thread != NULL ? a.thread->pool_runner : WEFT_NOBODY, limit_ms,
                     send_job, &a, &why);
}
