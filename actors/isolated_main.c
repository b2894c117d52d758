/* SPDX-License-Identifier: MIT */
/* The main function of the process of an isolated child. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include <weft/edge.h>

#include "isolated.h"

bool weft_is_isolated(void)
{
    return getenv(WF_ISOLATED_VARIABLE) != NULL;
}

/* ---- orphans */

/* What hangs does not see that its connection has ended: a thread of its own waits for the parent's end, and kills
 * what has not stopped in its time. */
static void *watch_parent(void *context)
{
    struct pollfd parent = {.fd = *(const int *)context, .events = POLLIN};
    int over = 0;
    while (over != 1)
        over = poll(&parent, 1, -1);
    (void)close(parent.fd);
    (void)poll(NULL, 0, (int)WEFT_ISOLATED_ORPHAN_MS);
    (void)kill(getpid(), SIGKILL);
    return NULL;
}

/* errors: ELOST (it has ended already), those of the system. */
static weft_err watch_begin(int pid, weft_why *why)
{
    static int fd;
    pthread_t thread;
    sigset_t all, before;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 || getppid() != pid) { /* the number is not another one's since it was opened */
        if (fd >= 0)
            (void)close(fd);
        return weft_because(why, WEFT_ELOST, "process %d, which started this, has ended", pid);
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, watch_parent, &fd);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return weft_because(why, WEFT_ENOMEM, "no thread to watch process %d", pid);
    (void)pthread_detach(thread);
    return WEFT_OK;
}

/* ---- the process */

static weft_err boot(wf_isolated_boot *out, weft_why *why)
{
    const char *text = getenv(WF_ISOLATED_VARIABLE);
    if (text == NULL || !wf_isolated_read(text, out) ||
        fcntl(WF_ISOLATED_FD, F_SETFD, FD_CLOEXEC) != 0)
        return weft_because(why, WEFT_EINVAL, "%s=%.80s: not as a supervisor sets it",
                            WF_ISOLATED_VARIABLE, text != NULL ? text : "");
    (void)unsetenv(WF_ISOLATED_VARIABLE); /* what this one starts is no such process */
    return watch_begin(out->pid, why);
}

static int refuse(const weft_why *why)
{
    (void)fprintf(stderr, "isolated child: %s\n", why->text);
    return EX_SOFTWARE;
}

/* The name that ps and pkill know it by. */
static void name_process(const char *name)
{
    const char *slash = strrchr(name, '/');
    (void)prctl(PR_SET_NAME, slash != NULL ? slash + 1 : name);
}

int weft_isolated_main(const weft_supervisor *tree, const weft_isolation *how,
                       const weft_system_options *options)
{
    static const int fd = WF_ISOLATED_FD;
    weft_system_options o = {.reactors = 0};
    wf_isolated_boot b;
    wf_isolated_list list = {.first = NULL};
    weft_why why = {""};
    if (options != NULL)
        o = *options;
    if (boot(&b, &why) != WEFT_OK || wf_isolated_list_of(tree, b.number, &list, &why) != WEFT_OK)
        return refuse(&why);
    o.reactors = list.self->reactors;
    name_process(list.self->name);
    wf_isolated_list_done(&list);
    weft_system *sys = weft_system_new(&o);
    if (sys == NULL) {
        weft_explain(&why, "memory, threads or descriptors are out");
        return refuse(&why);
    }
    if (wf_isolated_set_up(sys, tree, how, &b, &why) != WEFT_OK ||
        wf_isolated_top(sys, &fd, &why) != WEFT_OK) {
        weft_system_free(&sys);
        return refuse(&why);
    }
    return weft_run(&sys);
}
