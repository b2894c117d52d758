/* SPDX-License-Identifier: MIT */
/* Signals through a signalfd on reactor 0. They are blocked in every thread, which is why this begins
 * before the other threads start. */
#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "alloc.h"
#include "family.h"
#include "log.h"
#include "sys.h"

struct wf_signals {
    weft_watch watch;
    weft_system *sys;
    sigset_t before;
    struct sigaction pipe_before;
    int fd;
    unsigned seen;
};

static void on_signal(weft_watch *watch, unsigned events)
{
    struct wf_signals *s = (struct wf_signals *)watch;
    struct signalfd_siginfo info;
    (void)events;
    while (read(s->fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (s->seen++ == 0) {
            wf_log(s->sys, WEFT_NOTICE, "weft", "%s: shutting down",
                   info.ssi_signo == SIGINT ? "interrupted" : "asked to end");
            weft_system_shutdown(s->sys, WEFT_OK);
            continue;
        }
        wf_log(s->sys, WEFT_WARNING, "weft", "a second signal: ending at once");
        wf_system_cut(s->sys);
    }
}

void wf_signals_begin(weft_system *sys)
{
    sigset_t set;
    struct wf_signals *s = wf_alloc_zero(sizeof *s);
    if (s == NULL)
        return;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    s->sys = sys;
    s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->fd < 0) {
        wf_free(s);
        return;
    }
    (void)sigprocmask(SIG_BLOCK, &set, &s->before);
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, &s->pipe_before);
    sys->signals = s;
    wf_reactor *r = sys->reactor[0];
    r->drv->watch_init(r->poller, &s->watch, s->fd, on_signal);
    r->drv->watch_set(r->poller, &s->watch, WEFT_READABLE);
}

void wf_signals_end(weft_system *sys)
{
    struct wf_signals *s = sys->signals;
    if (s == NULL)
        return;
    sys->signals = NULL;
    wf_reactor *r = sys->reactor[0];
    r->drv->watch_set(r->poller, &s->watch, 0);
    (void)close(s->fd);
    (void)sigaction(SIGPIPE, &s->pipe_before, NULL);
    (void)sigprocmask(SIG_SETMASK, &s->before, NULL);
    wf_free(s);
}
