/* SPDX-License-Identifier: MIT */
/* Processes, from outside: spawned, joined to a stream, and what may be asked of them. */
#include "process.h"

#include <signal.h>
#include <stdio.h>

const weft_type wf_process_op_type = WEFT_TYPE("weft.process_op", process_op, NULL);

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
    if (weft_sim_of(weft_system_of(process_actor(p))) != NULL)
        return weft_because(why, WEFT_EUNSUPPORTED, "there are no processes in a simulation");
    if (!weft_ref_is_nobody(p->owner) && weft_monitor_life(process_actor(p), p->owner) != WEFT_OK)
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
    return weft_tell_body(self, who, &wf_process_op_type, &(process_op){.kind = OP_STOP});
}

weft_err weft_process_signal(weft_actor *self, weft_ref who, int signal, bool group)
{
    return weft_tell_body(self, who, &wf_process_op_type,
                          &(process_op){.kind = OP_SIGNAL, .signal = signal, .group = group});
}

weft_err weft_process_resize(weft_actor *self, weft_ref who, weft_window window)
{
    return weft_tell_body(self, who, &wf_process_op_type,
                          &(process_op){.kind = OP_RESIZE, .window = window});
}
