/* SPDX-License-Identifier: MIT */
/* The life of a process, and what its owner is told.
 *
 *   starting ── the pool's thread: clone, exec ──▶ running ── it exits ──▶ over ── streams closed ──▶ told
 *      └── a step fails ──────────────────────────────────────────────────▲
 *
 *   to stop it:   asked (SIGTERM) ── grace_ms ──▶ forced (SIGKILL)
 *
 * The child is a thing of its own (child.c), so that it is killed and reaped also when its actor is ended by
 * force. What the pool's thread has started belongs to the plan until the actor takes it; whoever comes
 * second, the thread that has started it or the actor that ends, sees that the other was there. */
#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "pipes.h"

enum { TELL_AGAIN_MS = 10, DYING_GRACE_MS = 3000 };

static void maybe_finish(process *p);
static void on_alarm(weft_alarm *alarm);

static weft_actor *actor_of(process *p)
{
    return weft_actor_of_state(p);
}

static void set_alarm(process *p, process_alarm what, uint32_t ms)
{
    p->alarm_for = what;
    weft_alarm_set(&p->alarm, ms, on_alarm);
}

/* ---- types */

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_process_started_type = {
    .name = "weft.process_started", .size = sizeof(weft_process_started), .otherwise = ignore};
const weft_type weft_process_ended_type = {
    .name = "weft.process_ended", .size = sizeof(weft_process_ended), .otherwise = ignore};

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

typedef enum op_kind { OP_STOP, OP_SIGNAL, OP_RESIZE } op_kind;
typedef struct process_op {
    op_kind kind;
    int signal;
    bool group;
    weft_window window;
} process_op;
static const weft_type process_op_type = WEFT_TYPE("weft.process_op", process_op, NULL);

/* ---- its end */

static bool tell_ended(process *p)
{
    weft_process_ended body = p->end;
    body.process = weft_self(actor_of(p));
    p->told = weft_event(actor_of(p), p->owner, &weft_process_ended_type, &body) != WEFT_ENOMEM;
    return p->told;
}

static bool streams_open(const process *p)
{
    for (unsigned i = 0; i < p->n_streams; i++)
        if (wf_conn_here(p->streams[i].ref) != NULL)
            return true;
    return false;
}

static void maybe_finish(process *p)
{
    if (!p->over || p->told || streams_open(p))
        return;
    if (tell_ended(p)) {
        weft_alarm_clear(&p->alarm);
        (void)weft_stop(actor_of(p), WEFT_OK);
    } else
        set_alarm(p, ALARM_TELL, TELL_AGAIN_MS);
}

static void for_each_stream(process *p, void (*fn)(process *p, process_stream *s, conn *c))
{
    for (unsigned i = 0; i < p->n_streams; i++) {
        conn *c = wf_conn_here(p->streams[i].ref);
        if (c != NULL && wf_pipes_open(c))
            fn(p, &p->streams[i], c);
    }
}

static void close_one(process *p, process_stream *s, conn *c)
{
    (void)p, (void)s;
    wf_conn_close(c);
}

static void leave_one(process *p, process_stream *s, conn *c)
{
    (void)p, (void)s;
    wf_pipes_peer_gone(c);
}

/* What the owner holds back is not looked at; nor what comes. */
static void linger_one(process *p, process_stream *s, conn *c)
{
    uint64_t got = wf_pipes_got(c);
    (void)p;
    bool waits = (c->flags & (CONN_PAUSED | CONN_DATA_OUT | CONN_ENDED_IN)) == 0;
    if (waits && s->got == got)
        wf_pipes_last(c);
    else
        s->got = got;
}

static void note_got(process *p, process_stream *s, conn *c)
{
    (void)p;
    s->got = wf_pipes_got(c);
}

/* It never ran. */
static void fail_start(process *p, weft_err err, const char *why)
{
    p->over = true;
    p->end.err = err;
    (void)snprintf(p->end.why, sizeof p->end.why, "%.*s", (int)sizeof p->end.why - 1, why);
    for (unsigned i = 0; i < p->n_streams; i++) {
        /* one whose descriptors never came to be has another leaf */
        conn *c = wf_conn_here(p->streams[i].ref);
        if (c != NULL)
            wf_conn_lost(c, err, p->end.why);
    }
    maybe_finish(p);
}

static void say_how(weft_process_ended *e, bool known, int code, int status)
{
    if (!known) {
        e->err = WEFT_ELOST;
        (void)snprintf(e->why, sizeof e->why, "ended, and somebody else took its status");
    } else if (code == CLD_EXITED) {
        e->code = status;
        (void)snprintf(e->why, sizeof e->why, "exited with %d", status);
    } else {
        e->signal = status;
        e->core = code == CLD_DUMPED;
        (void)snprintf(e->why, sizeof e->why, "ended by signal %d (%s)%s", status,
                       strsignal(status), e->core ? ", with a core" : "");
    }
}

static void on_over(void *context, bool known, int code, int status)
{
    process *p = context;
    p->child = NULL;
    p->over = true;
    say_how(&p->end, known, code, status);
    weft_alarm_clear(&p->alarm);
    for_each_stream(p, p->dying ? close_one : leave_one);
    if (!p->dying && p->linger_ms != WEFT_NO_LIMIT && streams_open(p)) {
        for_each_stream(p, note_got);
        set_alarm(p, ALARM_LINGER, p->linger_ms);
    }
    maybe_finish(p);
}

/* ---- stopping it */

static void ask_to_stop(process *p)
{
    uint32_t grace_ms = p->grace_ms;
    if (p->dying && grace_ms > DYING_GRACE_MS)
        grace_ms = DYING_GRACE_MS;
    p->asked = true;
    p->child->stop_group = !p->child->alone;
    wf_child_signal(p->child, p->stop_signal, true);
    wf_child_signal(p->child, SIGCONT, true); /* one that stands still hears nothing */
    set_alarm(p, ALARM_GRACE, grace_ms);
}

static void stop(process *p)
{
    p->stop = true;
    if (p->child == NULL || p->asked)
        return;
    if (p->leave_ms != 0)
        set_alarm(p, ALARM_LEAVE, p->leave_ms);
    else
        ask_to_stop(p);
}

static void die(process *p)
{
    if (p->dying)
        return;
    p->dying = true;
    if (p->over && !p->told) {
        for_each_stream(p, close_one);
        maybe_finish(p);
    } else
        stop(p);
}

static void on_alarm(weft_alarm *alarm)
{
    process *p = (process *)(void *)alarm;
    switch (p->alarm_for) {
    case ALARM_LEAVE:
        ask_to_stop(p);
        break;
    case ALARM_GRACE:
        p->end.forced = true;
        wf_child_signal(p->child, SIGKILL, true);
        break;
    case ALARM_LINGER:
        set_alarm(p, ALARM_LINGER, p->linger_ms);
        for_each_stream(p, linger_one);
        maybe_finish(p);
        break;
    default:
        maybe_finish(p);
    }
}

/* ---- starting it */

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
        wf_conn_begin(c);
}

/* The program runs, and is ours. */
static void running(process *p)
{
    weft_actor *self = actor_of(p);
    p->child = wf_child_watch(p->plan, on_over, p);
    if (p->child == NULL) {
        wf_child_finish(p->plan->pid, p->plan->pidfd, p->plan->group == WEFT_PROCESS_OUR_GROUP);
        p->end.step = WEFT_PROCESS_STEP_FORK;
        fail_start(p, WEFT_ENOMEM, "no memory to watch it");
        return;
    }
    p->end.pid = p->plan->pid;
    wf_plan_unref(&p->plan);
    weft_process_started body = {weft_self(self), p->end.pid};
    if (weft_event(self, p->owner, &weft_process_started_type, &body) == WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell that %d runs", body.pid);
    for_each_stream(p, begin_one);
    if (p->stop)
        stop(p);
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
    fail_start(p, err, why.text);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    process *p = weft_state(self);
    if (p->end.err != WEFT_OK) {
        char why[sizeof p->end.why];
        (void)snprintf(why, sizeof why, "%s", p->end.why);
        fail_start(p, p->end.err, why);
        return WEFT_OK;
    }
    weft_err err = weft_when(
        msg, weft_ask_pool_body(self, start_there, &start_type, &(start){p->plan}, WEFT_NO_LIMIT),
        on_start_done);
    if (err != WEFT_OK)
        fail_start(p, err, "no memory to start it");
    return WEFT_OK;
}

/* ---- the actor */

static weft_err on_op(weft_actor *self, weft_msg *msg)
{
    process *p = weft_state(self);
    const process_op *op = weft_body(msg);
    const conn *c = p->n_streams != 0 ? wf_conn_here(p->streams[0].ref) : NULL;
    if (op->kind == OP_STOP)
        stop(p);
    else if (op->kind == OP_SIGNAL && p->child != NULL)
        wf_child_signal(p->child, op->signal, op->group);
    else if (op->kind == OP_RESIZE && p->terminal && c != NULL && wf_pipes_open(c))
        (void)wf_terminal_resize(wf_pipes_fd(c), op->window);
    return WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    die(weft_state(self));
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    process *p = weft_state(self);
    (void)msg;
    p->owner = WEFT_NOBODY;
    die(p);
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    (void)child, (void)reason;
    maybe_finish(weft_state(self));
}

/* The last thing, also when it is ended by force. */
static void process_ended(weft_actor *self, weft_err reason)
{
    process *p = weft_state(self);
    (void)reason;
    weft_alarm_clear(&p->alarm);
    /* acquire and release: as in on_start_done */
    if (p->plan != NULL && atomic_exchange_explicit(&p->plan->state, PLAN_ABANDONED,
                                                    memory_order_acq_rel) == PLAN_RUNS)
        if (p->plan->pid != 0 && (p->child = wf_child_watch(p->plan, NULL, NULL)) == NULL)
            wf_child_finish(p->plan->pid, p->plan->pidfd, p->plan->group == WEFT_PROCESS_OUR_GROUP);
    if (p->child != NULL)
        wf_child_abandon(p->child);
    if (!p->told && !weft_ref_is_nobody(p->owner)) {
        if (!p->over) {
            p->end.err = WEFT_EABORTED;
            (void)snprintf(p->end.why, sizeof p->end.why, "its actor was ended by force");
        }
        if (!tell_ended(p))
            weft_log(self, WEFT_ERROR, "no memory to tell the owner of a process that it is over");
    }
    weft_alloc_free(p->streams);
    wf_plan_unref(&p->plan);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &process_op_type, .fn = on_op},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

const weft_behaviour wf_process_behaviour = {.name = "process",
                                             .handlers = handlers,
                                             .state_bytes = sizeof(process),
                                             .ended = process_ended,
                                             .child_ended = child_ended};

/* ---- from outside */

static void take_times(process *p, const weft_process_options *o)
{
    p->terminal = o->terminal != NULL;
    p->stop_signal = o->stop_signal != 0 ? o->stop_signal : p->terminal ? SIGHUP : SIGTERM;
    p->grace_ms = o->grace_ms != 0 ? o->grace_ms : WEFT_PROCESS_GRACE_MS;
    p->leave_ms = o->leave_ms;
    p->linger_ms = o->linger_ms != 0 ? o->linger_ms : WEFT_PROCESS_LINGER_MS;
}

static weft_err begin(process *p, const weft_process_options *o, conn *joined, weft_why *why)
{
    weft_err err = WEFT_OK;
    take_times(p, o);
    p->end.step = WEFT_PROCESS_STEP_OPTIONS;
    if (weft_sim_of(weft_system_of(actor_of(p))) != NULL)
        return weft_because(why, WEFT_EUNSUPPORTED, "there are no processes in a simulation");
    if (!weft_ref_is_nobody(p->owner) && weft_monitor_life(actor_of(p), p->owner) != WEFT_OK)
        return weft_because(why, WEFT_ENOMEM, "no memory to watch its owner");
    p->plan = wf_plan_new(o, o->n_fds + 3, &err, why);
    return p->plan != NULL ? wf_process_set_up(p, o, joined, why) : err;
}

static weft_ref spawn(weft_actor *parent, const weft_process_options *o, weft_ref owner,
                      conn *joined)
{
    weft_why why = {""};
    weft_ref ref = weft_spawn(parent, &wf_process_behaviour, NULL);
    weft_actor *a = weft_here(ref);
    if (a == NULL)
        return WEFT_NOBODY;
    process *p = weft_state(a);
    p->owner = owner;
    /* what went wrong is told when it begins */
    p->end.err = begin(p, o, joined, &why);
    (void)snprintf(p->end.why, sizeof p->end.why, "%.*s", (int)sizeof p->end.why - 1, why.text);
    return ref;
}

weft_ref weft_process_start(weft_actor *self, const weft_process_options *options, weft_ref owner)
{
    return spawn(self, options, owner, NULL);
}

weft_err wf_process_join(conn *c, const weft_process_options *options, weft_why *why)
{
    weft_actor *a = weft_here(spawn(conn_actor(c), options, WEFT_NOBODY, c));
    if (a == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a process");
    const process *p = weft_state(a);
    return p->end.err == WEFT_OK ? WEFT_OK : weft_because(why, p->end.err, "%s", p->end.why);
}

weft_ref weft_process_stream(weft_actor *self, weft_ref who, int child)
{
    weft_actor *a = weft_here(who);
    (void)self;
    if (a == NULL || weft_behaviour_of(a) != &wf_process_behaviour)
        return WEFT_NOBODY;
    const process *p = weft_state(a);
    for (unsigned i = 0; i < p->n_streams; i++)
        if (p->streams[i].child == child)
            return p->streams[i].ref;
    return WEFT_NOBODY;
}

weft_err weft_process_stop(weft_actor *self, weft_ref who)
{
    return weft_tell_body(self, who, &process_op_type, &(process_op){.kind = OP_STOP});
}

weft_err weft_process_signal(weft_actor *self, weft_ref who, int signal, bool group)
{
    return weft_tell_body(self, who, &process_op_type,
                          &(process_op){.kind = OP_SIGNAL, .signal = signal, .group = group});
}

weft_err weft_process_resize(weft_actor *self, weft_ref who, weft_window window)
{
    return weft_tell_body(self, who, &process_op_type,
                          &(process_op){.kind = OP_RESIZE, .window = window});
}
