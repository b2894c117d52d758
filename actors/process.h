/* SPDX-License-Identifier: MIT */
/* Processes, as the files of this layer share them. */
#ifndef WF_PROCESS_H
#define WF_PROCESS_H

#include "child.h"
#include "conn.h"

/* A stream to or from the child. */
typedef struct process_stream {
    int child; /* its number there */
    weft_ref ref;
    uint64_t got; /* bytes read when it was last looked at */
} process_stream;

/* What its alarm is for. */
typedef enum process_alarm {
    ALARM_LEAVE,  /* to SIGTERM */
    ALARM_GRACE,  /* to SIGKILL */
    ALARM_LINGER, /* to taking pipes as ended */
    ALARM_TELL,   /* to telling its end once more: memory was out */
} process_alarm;

/* The state of a process's actor. */
typedef struct process {
    weft_alarm alarm;
    process_alarm alarm_for;
    wf_plan *plan;   /* until it runs */
    wf_child *child; /* while it runs */
    weft_ref owner;
    weft_process_ended end; /* what it came to so far */
    bool over;              /* it has ended, or never ran */
    bool told;              /* and its owner knows */
    bool stop;              /* it is to stop */
    bool asked;             /* and was asked to */
    bool dying;             /* its actor is to end as soon as may be */
    bool terminal;
    int stop_signal;
    uint32_t grace_ms, leave_ms, linger_ms;
    unsigned n_streams;
    process_stream *streams;
} process;

extern const weft_behaviour wf_process_behaviour;

static inline weft_actor *process_actor(process *p)
{
    return weft_actor_of_state(p);
}

/* ---- its life (process.c) */

/* It never ran: its streams are lost, and its owner is told. */
void wf_process_fail(process *p, weft_err err, const char *why);
/* The child @context is the process of has ended. */
void wf_process_over(void *context, bool known, int code, int status);
/* It is to stop, now or as soon as it runs. */
void wf_process_ask_to_stop(process *p);
void wf_process_for_each(process *p, void (*fn)(process *p, process_stream *s, conn *c));

/* ---- starting it (process_start.c) */

weft_err wf_process_on_started(weft_actor *self, weft_msg *msg);

/* ---- what is asked of it from outside (process_ops.c) */

typedef enum op_kind { OP_STOP, OP_SIGNAL, OP_RESIZE } op_kind;
typedef struct process_op {
    op_kind kind;
    int signal;
    bool group;
    weft_window window;
} process_op;
extern const weft_type wf_process_op_type;

/* Makes the descriptors and streams of @p's plan; @joined: the stream of a joined one, or NULL: a new one.
 * errors: of the system; ENOMEM, EINVAL. What was made is closed with the plan and the streams. */
weft_err wf_process_set_up(process *p, const weft_process_options *options, conn *joined,
                           weft_why *why);

/* Starts a process whose joined pipes are the stream @c, which is opening, as a child of it: it opens, or is
 * lost, as the process does. errors: as wf_process_set_up, with @why. */
weft_err wf_process_join(conn *c, const weft_process_options *options, weft_why *why);

#endif
