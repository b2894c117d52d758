/* SPDX-License-Identifier: MIT */
/* Starting a process: a thread of the pool clones and execs, and the actor takes what runs.
 *
 * What that thread has started belongs to the plan until the actor takes it; whoever comes second, the thread
 * that has started it or the actor that ends, sees that the other was there. */
#include "process.h"

#include <stdio.h>

#include "pipes.h"

typedef struct start_done {
    char nothing;
} start_done;
static const weft_type start_done_type = WEFT_TYPE("weft.process_start_done", start_done, NULL);

typedef struct start {
    wf_plan *plan;
} start;

static void start_share(void *body)
{
    (void)wf_plan_ref(((start *)body)->plan);
}

static void start_release(void *body)
{
    wf_plan_unref(&((start *)body)->plan);
}

static const weft_type start_type = {.name = "weft.process_start",
                                     .size = sizeof(start),
                                     .reply = &start_done_type,
                                     .share = start_share,
                                     .release = start_release};

/* thread: the pool's. */
static weft_err start_there(weft_actor *self, weft_msg *msg)
{
    const start *s = weft_body(msg);
    (void)self;
    wf_child_start(s->plan);
    return weft_reply(msg, start_done, .nothing = 0);
}

static void begin_one(process *p, process_stream *s, conn *c)
{
    (void)p, (void)s;
    if (c->rare != NULL && c->rare->on_ready != NULL)
        c->rare->on_ready(c); /* it was connected to, by URL */
    else
        wf_conn_begin(c, CONN_UNKNOWN);
}

/* The program runs, and is ours. */
static void running(process *p)
{
    weft_actor *self = process_actor(p);
    p->child = wf_child_watch(p->plan, wf_process_over, p);
    if (p->child == NULL) {
        wf_child_finish(p->plan->pid, p->plan->pidfd, p->plan->group == WEFT_PROCESS_OUR_GROUP);
        p->end.step = WEFT_PROCESS_STEP_FORK;
        wf_process_fail(p, WEFT_ENOMEM, "no memory to watch it");
        return;
    }
    p->end.pid = p->plan->pid;
    wf_plan_unref(&p->plan);
    weft_process_started body = {weft_self(self), p->end.pid};
    if (weft_event(self, p->owner, &weft_process_started_type, &body) == WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell that %d runs", body.pid);
    wf_process_for_each(p, begin_one);
    if (p->stop)
        wf_process_ask_to_stop(p);
}

static weft_err on_start_done(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    process *p = weft_state(self);
    weft_why why = {""};
    (void)msg;
    /* acquire: what the thread wrote before it said that it runs; pairs with wf_child_start. What the pool
     * refused, or has not answered, is abandoned: the thread, if there is one, sees it */
    uint32_t was = atomic_exchange_explicit(
        &p->plan->state, got->err == WEFT_OK ? PLAN_TAKEN : PLAN_ABANDONED, memory_order_acq_rel);
    if (was == PLAN_RUNS && p->plan->pid != 0) {
        running(p);
        return WEFT_OK;
    }
    weft_err err = got->err;
    p->end.step = WEFT_PROCESS_STEP_FORK;
    if (err == WEFT_OK) {
        p->end.step = p->plan->step;
        p->end.sys_errno = p->plan->sys_errno;
        err = wf_plan_failure(p->plan, &why);
    } else
        (void)weft_because(&why, err, "%s", got->why);
    wf_process_fail(p, err, why.text);
    return WEFT_OK;
}

weft_err wf_process_on_started(weft_actor *self, weft_msg *msg)
{
    process *p = weft_state(self);
    if (p->end.err != WEFT_OK) {
        char why[sizeof p->end.why];
        (void)snprintf(why, sizeof why, "%s", p->end.why);
        wf_process_fail(p, p->end.err, why);
        return WEFT_OK;
    }
    weft_err err = weft_when(
        msg, weft_ask_pool_body(self, start_there, &start_type, &(start){p->plan}, WEFT_NO_LIMIT),
        on_start_done);
    if (err != WEFT_OK)
        wf_process_fail(p, err, "no memory to start it");
    return WEFT_OK;
}
