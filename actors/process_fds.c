/* SPDX-License-Identifier: MIT */
/* The descriptors of a process: what it is given, and the streams at our ends. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipes.h"
#include "process.h"
#include "terminal.h"

enum { STANDARD = 3 };

/* What is under way. */
typedef struct setting_up {
    process *p;
    const weft_process_options *o;
    weft_why *why;
} setting_up;

static weft_err fail(const setting_up *s, const char *what, int number)
{
    int e = errno;
    s->p->end.sys_errno = e;
    return weft_because(s->why, weft_err_from_errno(e), "%s %d of %.60s: %s", what, number,
                        s->p->plan->program, strerror(e));
}

static bool has(const setting_up *s, int number)
{
    for (unsigned i = 0; i < s->p->plan->n_fds; i++)
        if (s->p->plan->fds[i].to == number)
            return true;
    return false;
}

/* A stream over @in and @out, which are taken. */
static weft_err add_stream(const setting_up *s, conn *c, int child, weft_ref owner, int in, int out,
                           wf_pipes_end end)
{
    process *p = s->p;
    weft_ref ref = c != NULL ? weft_self(conn_actor(c)) : WEFT_NOBODY;
    bool is_new = c == NULL;
    if (is_new)
        c = wf_conn_new(weft_actor_of_state(p), &wf_conn_leaf_none, owner, &ref);
    if (c == NULL) {
        (void)(in >= 0 ? close(in) : 0);
        (void)(out >= 0 && out != in ? close(out) : 0);
        return weft_because(s->why, WEFT_ENOMEM, "no memory for a stream");
    }
    p->streams[p->n_streams++] = (process_stream){.child = child, .ref = ref};
    if (wf_pipes_set(c, in, out, end) != WEFT_OK ||
        (is_new && weft_monitor_life(conn_actor(c), owner) != WEFT_OK))
        return weft_because(s->why, WEFT_ENOMEM, "no memory for a stream");
    if (in >= 0 && in != out)
        wf_pipes_grow(c);
    return WEFT_OK;
}

static bool do_not_wait(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* A pipe, or a socket pair: @fd[0] is ours and does not wait, the other one is the child's and does. */
static weft_err pair(const setting_up *s, weft_process_kind kind, int number, int fd[2])
{
    int made = kind == WEFT_PROCESS_BOTH ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd)
                                         : pipe2(fd, O_CLOEXEC);
    if (made != 0)
        return fail(s, "unable to make descriptor", number);
    if (kind == WEFT_PROCESS_TO) {
        int reads = fd[0];
        fd[0] = fd[1];
        fd[1] = reads;
    }
    if (do_not_wait(fd[0]))
        return WEFT_OK;
    weft_err err = fail(s, "unable to make descriptor", number);
    (void)close(fd[0]);
    (void)close(fd[1]);
    return err;
}

static weft_err add_pipe(const setting_up *s, weft_process_kind kind, int number, weft_ref owner)
{
    int fd[2];
    weft_err err = pair(s, kind, number, fd);
    if (err != WEFT_OK)
        return err;
    wf_plan_fd(s->p->plan, fd[1], number);
    bool reads = kind != WEFT_PROCESS_TO, writes = kind != WEFT_PROCESS_FROM;
    return add_stream(s, NULL, number, weft_ref_is_nobody(owner) ? s->p->owner : owner,
                      reads ? fd[0] : -1, writes ? fd[0] : -1,
                      kind == WEFT_PROCESS_BOTH ? PIPES_SHUTDOWN : PIPES_CLOSE);
}

/* A descriptor of ours; the child has its own for the same thing. */
static weft_err add_ours(const setting_up *s, int from, int number)
{
    int fd = fcntl(from, F_DUPFD_CLOEXEC, STANDARD);
    if (fd < 0)
        return fail(s, "unable to give on descriptor", from);
    wf_plan_fd(s->p->plan, fd, number);
    return WEFT_OK;
}

static weft_err add_null(const setting_up *s, int number)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail(s, "unable to open /dev/null as descriptor", number);
    wf_plan_fd(s->p->plan, fd, number);
    return WEFT_OK;
}

static weft_err add_row(const setting_up *s, const weft_process_fd *row)
{
    if (row->child < 0 || has(s, row->child)) {
        s->p->end.step = WEFT_PROCESS_STEP_OPTIONS;
        return weft_because(s->why, WEFT_EINVAL, "descriptor %d of %.60s is not to be had twice",
                            row->child, s->p->plan->program);
    }
    switch (row->kind) {
    case WEFT_PROCESS_TO:
    case WEFT_PROCESS_FROM:
    case WEFT_PROCESS_BOTH:
        return add_pipe(s, row->kind, row->child, row->owner);
    case WEFT_PROCESS_INHERIT:
        return add_ours(s, row->child, row->child);
    case WEFT_PROCESS_GIVEN:
        return add_ours(s, row->given, row->child);
    default:
        return add_null(s, row->child);
    }
}

static weft_err add_rows(const setting_up *s, const weft_process_fd *rows, unsigned n)
{
    weft_err err = WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < n; i++)
        err = add_row(s, &rows[i]);
    return err;
}

/* Of another user it is that user's, who could not open it by its path otherwise. */
static weft_err finish_terminal(const setting_up *s, int ours, int theirs)
{
    const wf_plan *plan = s->p->plan;
    if (plan->ids != NULL && fchown(theirs, plan->ids->uid, (gid_t)-1) != 0)
        return fail(s, "unable to give away the terminal, descriptor", 0);
    if (plan->terminal_path == NULL)
        return WEFT_OK;
    weft_err err = wf_terminal_path(ours, plan->terminal_path);
    return err == WEFT_OK ? err : weft_because(s->why, err, "a terminal without a path");
}

static weft_err add_terminal(const setting_up *s, conn *c)
{
    int ours, theirs;
    weft_err err = wf_terminal_pair(*s->o->terminal, &ours, &theirs, s->why);
    if (err != WEFT_OK)
        return err;
    wf_plan_fd(s->p->plan, theirs, 0);
    err = finish_terminal(s, ours, theirs);
    for (int i = 1; err == WEFT_OK && i < STANDARD; i++)
        err = add_ours(s, theirs, i);
    weft_err made = add_stream(s, c, 0, s->p->owner, ours, ours, PIPES_EOT);
    return err != WEFT_OK ? err : made;
}

static weft_err add_joined(const setting_up *s, conn *c)
{
    int to[2], from[2];
    weft_err err = pair(s, WEFT_PROCESS_TO, 0, to);
    if (err != WEFT_OK)
        return err;
    wf_plan_fd(s->p->plan, to[1], 0);
    err = pair(s, WEFT_PROCESS_FROM, 1, from);
    if (err != WEFT_OK) {
        (void)close(to[0]);
        return err;
    }
    wf_plan_fd(s->p->plan, from[1], 1);
    return add_stream(s, c, 0, s->p->owner, from[0], to[0], PIPES_CLOSE);
}

weft_err wf_process_set_up(process *p, const weft_process_options *o, conn *joined, weft_why *why)
{
    static const weft_process_fd pipes[] = {{.child = 0, .kind = WEFT_PROCESS_TO},
                                            {.child = 1, .kind = WEFT_PROCESS_FROM},
                                            {.child = 2, .kind = WEFT_PROCESS_FROM}};
    setting_up s = {p, o, why};
    weft_err err = WEFT_OK;
    p->end.step = WEFT_PROCESS_STEP_DESCRIPTORS;
    p->streams = weft_alloc_zero((o->n_fds + STANDARD) * sizeof *p->streams);
    if (p->streams == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the streams of a process");
    if (o->terminal != NULL)
        err = add_terminal(&s, joined);
    else if (o->joined)
        err = add_joined(&s, joined);
    else if (o->fds == NULL)
        err = add_rows(&s, pipes, STANDARD);
    if (err == WEFT_OK && o->fds != NULL)
        err = add_rows(&s, o->fds, o->n_fds);
    /* a program that opens a file must not find it at the number of its output; one without a standard
     * error of ours gets none either */
    if (err == WEFT_OK && o->joined && !has(&s, STDERR_FILENO) && fcntl(2, F_GETFD) >= 0)
        err = add_ours(&s, STDERR_FILENO, STDERR_FILENO);
    for (int i = 0; err == WEFT_OK && i < STANDARD; i++)
        if (!has(&s, i))
            err = add_null(&s, i);
    if (err == WEFT_OK)
        p->end.step = WEFT_PROCESS_STEP_NONE;
    return err;
}
