/* SPDX-License-Identifier: MIT */
/* The keeper of an isolated child, in the process of its supervisor.
 *
 *   started: pair of sockets, process ──▶ it runs: adopted, asked to begin ──▶ it has begun: up, awaited
 *
 *   it has stopped, and said for what ──▶ the process exits, or is made to ┐
 *   the process ends ──────────────────────────────────────────────────────┼──▶ stopped
 *   it is silent, or its connection is lost ──▶ killed ────────────────────┘
 *   stopping ──▶ told to halt; after its time SIGTERM, SIGKILL ─────────────▶
 *
 * It always stops with the process: when it begins again there is no other. */
#include "isolated.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/process.h>
#include <weft/remote.h>

#include "isolated_sim.h"
#include "isolated_words.h"
#include "supervisor.h"

typedef struct keeper {
    weft_alarm alarm; /* must be first: the time to stop, or to exit, is over */
    weft_msg *starting;
    weft_ref process; /* nobody: it does not run; in a simulation: this */
    int pid;          /* 0: not known yet */
    int ours, theirs; /* the pair of sockets; -1: given away, or closed */
    bool begun;       /* the child is up */
    bool over;        /* it has stopped, and said so */
    bool killed;      /* its process, by this */
    bool stopping;
    weft_err stop_reason;
    weft_err err; /* what it comes to, if that is known; else how its process ended says it */
    weft_why why;
    bool lost; /* known from the connection alone: the process may know better */
} keeper;

static const wf_isolated *config_of(const weft_actor *self)
{
    return weft_config(self);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ---- ending the process */

static wf_isolated_sims *sims_of(const weft_actor *self)
{
    return wf_isolated_sims_of(weft_system_of(self));
}

/* Nothing there needs to be waited for. */
static void end_simulated(weft_actor *self, const keeper *k)
{
    weft_process_ended ended = {.process = k->process, .pid = k->pid, .signal = SIGKILL};
    (void)snprintf(ended.why, sizeof ended.why, "ended by signal %d (Killed)", SIGKILL);
    wf_isolated_sim_end(sims_of(self), k->pid);
    if (weft_event(self, weft_self(self), &weft_process_ended_type, &ended) != WEFT_OK)
        (void)weft_stop(self, WEFT_ENOMEM);
}

static void end_process(weft_actor *self, void *context)
{
    const keeper *k = context;
    if (weft_ref_is_nobody(k->process))
        return;
    if (sims_of(self) != NULL)
        end_simulated(self, k);
    else
        (void)weft_process_stop(self, k->process);
}

static void on_alarm(weft_alarm *alarm)
{
    keeper *k = (keeper *)(void *)alarm;
    weft_enter(weft_actor_of_state(k), end_process, k);
}

static void kill_it(weft_actor *self, keeper *k)
{
    if (weft_ref_is_nobody(k->process))
        return;
    k->killed = true;
    if (sims_of(self) != NULL)
        end_simulated(self, k);
    else if (weft_process_signal(self, k->process, SIGKILL, true) != WEFT_OK)
        (void)weft_process_stop(self, k->process);
}

/* The first that is known stands. */
static void note(keeper *k, weft_err err, const char *why)
{
    if (k->why.text[0] != '\0')
        return;
    k->err = err;
    weft_explain(&k->why, "%s", why[0] != '\0' ? why : weft_err_text(err));
}

/* ---- its beginning */

static weft_err on_over(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    keeper *k = weft_state(self);
    const wf_isolated_over *over = got->body;
    (void)msg;
    if (got->err == WEFT_OK) {
        k->over = true;
        note(k, (weft_err)over->reason, over->why);
        if (!k->stopping || sims_of(self) != NULL)
            weft_alarm_set(&k->alarm,
                           sims_of(self) != NULL ? WF_ISOLATED_SIM_LEAVE_MS : WF_ISOLATED_LEAVE_MS,
                           on_alarm);
        return WEFT_OK;
    }
    k->lost = k->why.text[0] == '\0';
    note(k, got->err, got->why);
    kill_it(self, k);
    return WEFT_OK;
}

static weft_ref top_of(weft_actor *self)
{
    char name[sizeof WF_ISOLATED_TOP + 1 + WEFT_NODE_NAME_BYTES];
    (void)snprintf(name, sizeof name, WF_ISOLATED_TOP "@%s", config_of(self)->node);
    return weft_named(self, name);
}

static weft_err on_begun(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    keeper *k = weft_state(self);
    if (got->err != WEFT_OK) {
        k->lost = got->err == WEFT_ELOST || got->err == WEFT_EUNREACHABLE;
        note(k, got->err, got->why);
        kill_it(self, k);
        return WEFT_OK;
    }
    k->begun = true;
    weft_drop(&k->starting);
    return weft_when(
        msg, weft_ask_within(self, top_of(self), WEFT_NO_LIMIT, wf_isolated_await, .base = {0}),
        on_over);
}

/* The exec has succeeded: what it says within the time for hellos comes from it. */
static weft_err on_process_started(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const wf_isolated *of = config_of(self);
    const weft_process_started *started = weft_body(msg);
    int fd = sims_of(self) != NULL ? WF_ISOLATED_ANEW : k->ours;
    if (k->stopping || weft_ref_is_nobody(k->process) || (k->pid != 0 && k->pid != started->pid))
        return WEFT_OK; /* too late, or of an earlier life */
    k->pid = started->pid;
    close_fd(&k->theirs);
    k->ours = -1;
    weft_log(self, WEFT_INFO, "child %s is process %d", of->name, k->pid);
    weft_err err = weft_node_adopt(self, of->node, fd, false);
    if (err != WEFT_OK) {
        note(k, err, "no memory for its connection");
        kill_it(self, k);
        return WEFT_OK;
    }
    /* how long it may take is its supervisor's to say */
    return weft_when(
        msg, weft_ask_within(self, top_of(self), WEFT_NO_LIMIT, wf_isolated_begin, .base = {0}),
        on_begun);
}

static weft_err start_process(weft_actor *self, keeper *k, weft_why *why)
{
    const wf_isolated *of = config_of(self);
    char text[WF_ISOLATED_TEXT_BYTES], variable[sizeof WF_ISOLATED_VARIABLE + sizeof text];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return weft_because(why, weft_err_from_errno(errno), "no pair of sockets: %s",
                            strerror(errno));
    k->ours = pair[0];
    k->theirs = pair[1];
    wf_isolated_print(weft_system_of(self), of, text);
    (void)snprintf(variable, sizeof variable, WF_ISOLATED_VARIABLE "=%s", text);
    const char *env[] = {variable, NULL};
    const weft_process_fd fds[] = {
        {.child = 1, .kind = WEFT_PROCESS_INHERIT},
        {.child = 2, .kind = WEFT_PROCESS_INHERIT},
        {.child = WF_ISOLATED_FD, .kind = WEFT_PROCESS_GIVEN, .given = k->theirs},
    };
    weft_process_options o = {.argv = (const char *const *)of->argv,
                              .program = "/proc/self/exe",
                              .env = env,
                              .fds = fds,
                              .n_fds = sizeof fds / sizeof *fds,
                              .grace_ms = WF_ISOLATED_TERM_MS};
    k->process = weft_process_start(self, &o, weft_self(self));
    if (weft_ref_is_nobody(k->process))
        return weft_because(why, WEFT_ENOMEM, "no memory for a process");
    return WEFT_OK;
}

static weft_err start_simulated(weft_actor *self, keeper *k, weft_why *why)
{
    k->pid = wf_isolated_sim_start(self, sims_of(self), config_of(self));
    if (k->pid == 0)
        return weft_because(why, WEFT_ENOMEM, "no memory for a process");
    k->process = weft_self(self);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    weft_why why = {""};
    k->ours = k->theirs = -1;
    weft_err err =
        sims_of(self) != NULL ? start_simulated(self, k, &why) : start_process(self, k, &why);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    k->starting = weft_keep(msg);
    return WEFT_OK;
}

/* ---- its end */

/* That it was killed because it was silent says less than why that was done. */
static bool knows_better(const keeper *k, const weft_process_ended *ended)
{
    return k->why.text[0] == '\0' || (k->lost && !(k->killed && ended->signal == SIGKILL));
}

static weft_err on_process_ended(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const weft_process_ended *ended = weft_body(msg);
    if (weft_ref_is_nobody(k->process) || (k->pid != 0 && ended->pid != 0 && ended->pid != k->pid))
        return WEFT_OK; /* of an earlier life */
    weft_alarm_clear(&k->alarm);
    k->process = WEFT_NOBODY;
    if (k->stopping)
        return weft_stop(self, k->over && k->err != WEFT_OK ? k->err : k->stop_reason);
    if (!knows_better(k, ended))
        return weft_stop_because(self, k->err, "%s", k->why.text);
    if (ended->pid == 0)
        return weft_stop_because(self, ended->err != WEFT_OK ? ended->err : WEFT_ELOST, "%s",
                                 ended->why);
    return weft_stop_because(self, WEFT_ELOST, "its process %d %s", ended->pid, ended->why);
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    k->stopping = true;
    k->stop_reason = ((const weft_stopping *)weft_body(msg))->reason;
    if (weft_ref_is_nobody(k->process))
        return weft_stop(self, k->stop_reason);
    if (k->over)
        return WEFT_OK; /* it exits */
    if (!k->begun ||
        weft_tell(self, top_of(self), wf_isolated_halt, .reason = k->stop_reason) != WEFT_OK)
        end_process(self, k);
    else
        weft_alarm_set(&k->alarm, wf_child_stop_ms(config_of(self)->row), on_alarm);
    return WEFT_OK;
}

static void keeper_ended(weft_actor *self, weft_err reason)
{
    keeper *k = weft_state(self);
    (void)reason;
    weft_alarm_clear(&k->alarm);
    if (sims_of(self) != NULL)
        wf_isolated_sim_end(sims_of(self), k->pid);
    weft_drop(&k->starting);
    close_fd(&k->ours);
    close_fd(&k->theirs);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_process_started_type, .fn = on_process_started},
    {.type = &weft_process_ended_type, .fn = on_process_ended},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};

const weft_behaviour wf_isolated_keeper_behaviour = {
    .name = "isolated", .handlers = handlers, .state_bytes = sizeof(keeper), .ended = keeper_ended};

/* ---- names */

static weft_ref elsewhere(weft_actor *self, const char *name, const char *node)
{
    char text[WEFT_NAME_BYTES + 1 + WEFT_NODE_NAME_BYTES];
    (void)snprintf(text, sizeof text, "%s@%s", name, node);
    return weft_named(self, text);
}

typedef struct naming {
    weft_actor *keeper;
    const char *node;
} naming;

static weft_err name_one(const weft_child *row, const char *name, void *context, weft_why *why)
{
    const naming *n = context;
    (void)row, (void)why;
    if (name[0] == '\0')
        return WEFT_OK;
    return weft_remote_register(n->keeper, name, elsewhere(n->keeper, name, n->node));
}

weft_err wf_isolated_register(weft_actor *self, const wf_isolated *of)
{
    weft_why unused;
    naming n = {self, of->node};
    return wf_isolated_each(of->row, of->name, name_one, &n, &unused);
}

weft_ref wf_isolated_ref(weft_actor *self, const wf_isolated *of)
{
    return elsewhere(self, of->name, of->node);
}

void wf_isolated_gone(weft_actor *self, const wf_isolated *of)
{
    (void)!weft_node_adopt(self, of->node, WF_ISOLATED_GONE, false);
}
