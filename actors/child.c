/* SPDX-License-Identifier: MIT */
/* Children that run: watched by their descriptor, signalled, reaped once, also when their actor has gone. */
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINISH_MS = 2000 };

/* Those of one reactor; what is left of them ends with it. */
typedef struct children {
    wf_child *first;
} children;

static void kill_child(pid_t pid, int signal, bool group)
{
    /* until it is reaped nobody else can have its number, nor its group's */
    (void)kill(group ? -pid : pid, signal);
}

void wf_child_finish(pid_t pid, int pidfd, bool alone)
{
    struct pollfd dead = {.fd = pidfd, .events = POLLIN};
    siginfo_t info;
    kill_child(pid, SIGKILL, !alone);
    /* one that the kernel does not let go (a disk that hangs) is left to whoever comes after us */
    while (poll(&dead, 1, FINISH_MS) < 0 && errno == EINTR) {
    }
    (void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
    (void)close(pidfd);
}

static void unlist(wf_child *c)
{
    *c->back = c->next;
    if (c->next != NULL)
        c->next->back = c->back;
}

static void on_over(weft_watch *watch, unsigned events)
{
    wf_child *c = (wf_child *)(void *)watch;
    siginfo_t info = {.si_pid = 0};
    (void)events;
    if (c->stop_group) /* it is a zombie still, which has the group's number for itself */
        kill_child(c->pid, SIGKILL, true);
    int got;
    while ((got = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG)) != 0 && errno == EINTR) {
    }
    if (got == 0 && info.si_pid == 0)
        return; /* not yet: reported again */
    weft_watch_set(&c->watch, 0);
    (void)close(c->pidfd);
    unlist(c);
    if (c->over != NULL)
        c->over(c->context, got == 0, info.si_code, info.si_status);
    weft_alloc_free(c);
}

static void children_free(void *kept)
{
    children *all = kept;
    for (wf_child *c = all->first, *next; c != NULL; c = next) {
        next = c->next;
        weft_watch_set(&c->watch, 0);
        wf_child_finish(c->pid, c->pidfd, c->alone);
        weft_alloc_free(c);
    }
    weft_alloc_free(all);
}

static children *children_here(void)
{
    children *all = *weft_kept(WEFT_KEPT_CHILDREN);
    if (all == NULL && (all = weft_alloc_zero(sizeof *all)) != NULL) {
        *weft_kept(WEFT_KEPT_CHILDREN) = all;
        weft_kept_set_free(WEFT_KEPT_CHILDREN, children_free);
    }
    return all;
}

wf_child *wf_child_watch(wf_plan *plan, void (*over)(void *, bool, int, int), void *context)
{
    children *all = children_here();
    wf_child *c = all != NULL ? weft_alloc_zero(sizeof *c) : NULL;
    if (c == NULL)
        return NULL;
    c->pid = plan->pid;
    c->pidfd = plan->pidfd;
    c->alone = plan->group == WEFT_PROCESS_OUR_GROUP;
    c->over = over;
    c->context = context;
    c->next = all->first;
    c->back = &all->first;
    if (c->next != NULL)
        c->next->back = &c->next;
    all->first = c;
    weft_watch_init(&c->watch, c->pidfd, on_over);
    weft_watch_set(&c->watch, WEFT_READABLE);
    return c;
}

void wf_child_signal(const wf_child *c, int signal, bool group)
{
    kill_child(c->pid, signal, group && !c->alone);
}

void wf_child_abandon(wf_child *c)
{
    c->over = NULL;
    c->stop_group = !c->alone;
    wf_child_signal(c, SIGKILL, true);
}
