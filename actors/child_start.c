/* SPDX-License-Identifier: MIT */
/* Starting a child: what happens between clone and exec.
 *
 * The child shares this process's memory until it has a program of its own (CLONE_VM), so that a large
 * process copies no page tables, and the thread that starts it waits for that (CLONE_VFORK). What runs
 * there may therefore do nothing but system calls: no memory is taken, no lock, and the calls that change
 * users go past the C library, which would have every thread of the process join in. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

enum { STACK_BYTES = 64 << 10, NOT_RUN = 127 };

/* It runs on a stack that the sanitizers do not know. */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* The thread sanitizer takes the call for a fork, and stops looking at the thread that made it. */
#ifdef __SANITIZE_THREAD__
int __clone(int (*fn)(void *), void *stack, int flags, void *context, ...);
#define clone __clone
#endif

static IN_CHILD void fail(wf_plan *p, weft_process_step step)
{
    p->step = step;
    p->sys_errno = errno;
    _exit(NOT_RUN);
}

/* Handlers are this program's code, which must not run there; what is ignored stays so, but for SIGPIPE,
 * which weft ignores for itself. All were blocked before, and are let through now. */
static IN_CHILD void reset_signals(void)
{
    struct sigaction now, plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        if (sigaction(s, NULL, &now) == 0 &&
            (s == SIGPIPE || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)))
            (void)sigaction(s, &plain, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static IN_CHILD void set_group(wf_plan *p)
{
    int done = 0;
    if (p->group == WEFT_PROCESS_NEW_SESSION)
        done = setsid();
    else if (p->group == WEFT_PROCESS_NEW_GROUP)
        done = setpgid(0, 0);
    if (done < 0)
        fail(p, WEFT_PROCESS_STEP_SESSION);
}

/* Every descriptor closes at the exec but those that are put in their places now. Those that stand where
 * another is to be put are moved away first. */
static IN_CHILD void set_descriptors(wf_plan *p)
{
    int above = 3;
    for (unsigned i = 0; i < p->n_fds; i++)
        if (p->fds[i].to >= above)
            above = p->fds[i].to + 1;
    for (unsigned i = 0; i < p->n_fds; i++) {
        wf_child_fd *fd = &p->fds[i];
        fd->moved = fd->from < above ? fcntl(fd->from, F_DUPFD_CLOEXEC, above) : fd->from;
        if (fd->moved < 0)
            fail(p, WEFT_PROCESS_STEP_DESCRIPTORS);
    }
    if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        fail(p, WEFT_PROCESS_STEP_DESCRIPTORS);
    for (unsigned i = 0; i < p->n_fds; i++)
        if (dup2(p->fds[i].moved, p->fds[i].to) < 0)
            fail(p, WEFT_PROCESS_STEP_DESCRIPTORS);
    if (p->terminal && ioctl(0, TIOCSCTTY, 0) != 0)
        fail(p, WEFT_PROCESS_STEP_TERMINAL);
}

/* Groups first, since nobody may change them afterwards. */
static IN_CHILD void set_ids(wf_plan *p)
{
    const weft_process_ids *ids = p->ids;
    if (ids == NULL)
        return;
    if (syscall(SYS_setgroups, (size_t)ids->n_groups, ids->groups) != 0 ||
        syscall(SYS_setresgid, ids->gid, ids->gid, ids->gid) != 0 ||
        syscall(SYS_setresuid, ids->uid, ids->uid, ids->uid) != 0)
        fail(p, WEFT_PROCESS_STEP_IDS);
}

/* As execvp: a file that may not be run is said only if there is no other. */
static IN_CHILD void run_program(wf_plan *p)
{
    int denied = 0;
    for (const char *const *path = p->paths; *path != NULL; path++) {
        (void)execve(*path, p->argv, p->env);
        if (errno == EACCES)
            denied = errno;
        else if (errno != ENOENT && errno != ENOTDIR)
            break;
    }
    if (denied != 0 && (errno == ENOENT || errno == ENOTDIR))
        errno = denied;
    fail(p, WEFT_PROCESS_STEP_EXEC);
}

static IN_CHILD int child_main(void *context)
{
    wf_plan *p = context;
    reset_signals();
    set_group(p);
    set_descriptors(p);
    set_ids(p);
    if (p->dir != NULL && chdir(p->dir) != 0)
        fail(p, WEFT_PROCESS_STEP_DIRECTORY);
    run_program(p);
    return NOT_RUN;
}

/* One that failed before its exec has ended already. */
static void reap_failed(wf_plan *p)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)p->pid, &info, WEXITED) != 0 && errno == EINTR) {
    }
    (void)close(p->pidfd);
    p->pidfd = -1;
    p->pid = 0;
}

static void clone_child(wf_plan *p)
{
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    sigset_t all, before;
    p->step = WEFT_PROCESS_STEP_FORK;
    p->sys_errno = errno;
    if (stack == MAP_FAILED)
        return;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    p->step = WEFT_PROCESS_STEP_NONE;
    p->sys_errno = 0;
    p->pid = clone(child_main, (char *)stack + STACK_BYTES,
                   CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, p, &p->pidfd, NULL, NULL);
    if (p->pid < 0) {
        p->step = WEFT_PROCESS_STEP_FORK;
        p->sys_errno = errno;
        p->pid = 0;
        p->pidfd = -1;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)munmap(stack, STACK_BYTES);
}

void wf_child_start(wf_plan *p)
{
    if (atomic_load_explicit(&p->state, memory_order_relaxed) == PLAN_ABANDONED)
        return;
    clone_child(p);
    if (p->step != WEFT_PROCESS_STEP_NONE && p->pid != 0)
        reap_failed(p);
    wf_plan_close_fds(p);
    uint32_t waits = PLAN_WAITS;
    /* release: who takes it sees what it came to; pairs with the acquire of whoever takes or abandons it */
    if (!atomic_compare_exchange_strong_explicit(&p->state, &waits, PLAN_RUNS, memory_order_acq_rel,
                                                 memory_order_acquire) &&
        p->pid != 0)
        wf_child_finish(p->pid, p->pidfd, p->group == WEFT_PROCESS_OUR_GROUP);
}
