/* SPDX-License-Identifier: MIT */
/* The life of a process, and what its owner is told.
 *
 *   starting ── the pool's thread: clone, exec ──▶ running ── it exits ──▶ over ── streams closed ──▶ told
 *      └── a step fails ──────────────────────────────────────────────────▲
 *
 *   to stop it:   asked (SIGTERM) ── grace_ms ──▶ forced (SIGKILL)
 *
 * The child is a thing of its own (child.c), so that it is killed and reaped also when its actor is ended by
 * force. */
#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "pipes.h"

enum { TELL_AGAIN_MS = 10, DYING_GRACE_MS = 3000 };

static void maybe_finish(process *p);
static void on_alarm(weft_alarm *alarm);

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

/* ---- its end */

static bool tell_ended(process *p)
{
    weft_process_ended body = p->end;
    body.process = weft_self(process_actor(p));
    p->told =
        weft_event(process_actor(p), p->owner, &weft_process_ended_type, &body) != WEFT_ENOMEM;
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
        (void)weft_stop(process_actor(p), WEFT_OK);
    } else
        set_alarm(p, ALARM_TELL, TELL_AGAIN_MS);
}

void wf_process_for_each(process *p, void (*fn)(process *p, process_stream *s, conn *c))
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
void wf_process_fail(process *p, weft_err err, const char *why)
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

void wf_process_over(void *context, bool known, int code, int status)
{
    process *p = context;
    p->child = NULL;
    p->over = true;
    say_how(&p->end, known, code, status);
    weft_alarm_clear(&p->alarm);
    wf_process_for_each(p, p->dying ? close_one : leave_one);
    if (!p->dying && p->linger_ms != WEFT_NO_LIMIT && streams_open(p)) {
        wf_process_for_each(p, note_got);
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

void wf_process_ask_to_stop(process *p)
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
        wf_process_for_each(p, close_one);
        maybe_finish(p);
    } else
        wf_process_ask_to_stop(p);
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
        wf_process_for_each(p, linger_one);
        maybe_finish(p);
        break;
    default:
        maybe_finish(p);
    }
}

/* ---- the actor */

static weft_err on_op(weft_actor *self, weft_msg *msg)
{
    process *p = weft_state(self);
    const process_op *op = weft_body(msg);
    const conn *c = p->n_streams != 0 ? wf_conn_here(p->streams[0].ref) : NULL;
    if (op->kind == OP_STOP)
        wf_process_ask_to_stop(p);
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
    {.type = &weft_started_type, .fn = wf_process_on_started},
    {.type = &wf_process_op_type, .fn = on_op},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

const weft_behaviour wf_process_behaviour = {.name = "process",
                                             .handlers = handlers,
                                             .state_bytes = sizeof(process),
                                             .ended = process_ended,
                                             .child_ended = child_ended};
