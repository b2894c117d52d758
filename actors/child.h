/* SPDX-License-Identifier: MIT */
/* Children of this process: started by a thread that may block, watched by a reactor, reaped once. */
#ifndef WF_CHILD_H
#define WF_CHILD_H

#include <stdatomic.h>
#include <sys/types.h>

#include <weft/edge.h>
#include <weft/process.h>

/* A descriptor of the child: @from here becomes @to there. */
typedef struct wf_child_fd {
    int from, to;
    int moved; /* in the child: where it stands until it is put in its place */
} wf_child_fd;

/* Who has the child. */
typedef enum wf_plan_state {
    PLAN_WAITS,     /* nobody yet */
    PLAN_RUNS,      /* the plan: pid and pidfd are there */
    PLAN_TAKEN,     /* whoever took it */
    PLAN_ABANDONED, /* nobody wants it any more */
} wf_plan_state;

/* All a child is started with, in one block that both its actor and the pool's thread hold; what it came to
 * is written there. */
typedef struct wf_plan {
    _Atomic uint32_t refs;
    _Atomic uint32_t state; /* wf_plan_state */

    const char *const *paths; /* tried in this order; ends in NULL */
    char *const *argv;
    char *const *env;
    const char *program; /* as it was asked for, for sentences */
    const char *dir;     /* NULL: here */
    wf_child_fd *fds;    /* closed with the plan: each @from is its own */
    unsigned n_fds;
    const weft_process_ids *ids; /* NULL: ours */
    weft_process_group group;
    bool terminal;       /* 0 is the terminal of its session */
    char *terminal_path; /* WF_TERMINAL_PATH_BYTES in @env, to be filled in; NULL: nobody asks */

    weft_process_step step; /* where it failed; STEP_NONE: it runs */
    int sys_errno;
    pid_t pid;
    int pidfd;
} wf_plan;

/* A plan of @options, without descriptors: room for @n_fds of them. errors: NULL, @err and @why: EINVAL,
 * ETOOBIG, ENOMEM. */
wf_plan *wf_plan_new(const weft_process_options *options, unsigned n_fds, weft_err *err,
                     weft_why *why);
/* Adds a descriptor, which is the plan's from now on. */
void wf_plan_fd(wf_plan *plan, int from, int to);
void wf_plan_close_fds(wf_plan *plan);
wf_plan *wf_plan_ref(wf_plan *plan);
void wf_plan_unref(wf_plan **plan);
/* What a failed plan failed with. */
weft_err wf_plan_failure(const wf_plan *plan, weft_why *why);

/* Starts the child, and waits until its program runs or could not. @plan says what came of it.
 * thread: one that may block. */
void wf_child_start(wf_plan *plan);

/* A child that runs, watched on the reactor that made this. */
typedef struct wf_child {
    weft_watch watch;
    pid_t pid;
    int pidfd;
    bool alone; /* its group is not its own: it alone is signalled */
    struct wf_child *next, **back;
    /* It has ended, and was reaped; NULL: nobody wants to know. @status: siginfo's code and status; @known:
     * false when somebody else reaped it. The child is freed after that. */
    void (*over)(void *context, bool known, int code, int status);
    void *context;
    bool stop_group; /* what is left of its group ends with it */
} wf_child;

/* Watches pid and pidfd of @plan, which are taken. errors: NULL when memory is out. */
wf_child *wf_child_watch(wf_plan *plan, void (*over)(void *, bool, int, int), void *context);
/* Sends @signal to it, or to its group. */
void wf_child_signal(const wf_child *child, int signal, bool group);
/* Nobody wants it any more: it is killed, with its group, and reaped when it is dead. */
void wf_child_abandon(wf_child *child);
/* The same for one that is not watched: waits for its end, which is near.
 * thread: any, if its memory is out; else one that may block. */
void wf_child_finish(pid_t pid, int pidfd, bool alone);

#endif
