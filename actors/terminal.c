/* SPDX-License-Identifier: MIT */
/* Terminals: pairs of them, their sizes, and modes that are given back whatever ends the program. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS = 24, COLUMNS = 80 };

static weft_err fail(int fd, const char *what, weft_why *why)
{
    int e = errno;
    if (fd >= 0)
        (void)close(fd);
    return weft_because(why, weft_err_from_errno(e), "unable to %s: %s", what, strerror(e));
}

weft_err wf_terminal_resize(int fd, weft_window window)
{
    struct winsize size = {.ws_row = window.rows, .ws_col = window.columns};
    if (window.rows == 0 && window.columns == 0)
        size = (struct winsize){.ws_row = ROWS, .ws_col = COLUMNS};
    return ioctl(fd, TIOCSWINSZ, &size) == 0 ? WEFT_OK : weft_err_from_errno(errno);
}

weft_err wf_terminal_pair(weft_window window, int *ours, int *theirs, weft_why *why)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), off = 0;
    if (master < 0)
        return fail(master, "open a terminal", why);
    if (ioctl(master, TIOCSPTLCK, &off) != 0)
        return fail(master, "unlock a terminal", why);
    /* by its master rather than its path, which another file system may hide */
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return fail(master, "open a terminal's other side", why);
    (void)wf_terminal_resize(slave, window);
    *ours = master;
    *theirs = slave;
    return WEFT_OK;
}

weft_err wf_terminal_path(int ours, char path[WF_TERMINAL_PATH_BYTES])
{
    unsigned number;
    if (ioctl(ours, TIOCGPTN, &number) != 0)
        return weft_err_from_errno(errno);
    (void)snprintf(path, WF_TERMINAL_PATH_BYTES, "/dev/pts/%u", number);
    return WEFT_OK;
}

bool wf_terminal_eot(int fd, char *out)
{
    struct termios modes;
    if (tcgetattr(fd, &modes) != 0 || (modes.c_lflag & ICANON) == 0 ||
        modes.c_cc[VEOF] == _POSIX_VDISABLE)
        return false;
    *out = (char)modes.c_cc[VEOF];
    return true;
}

/* ---- modes that are given back
 *
 * A slot is taken by whoever changes @used from 0 to 1, filled, and set to 2; a signal gives back those that
 * are 2. Nothing here may wait, since the signal may come in the middle of it. */

static struct slot {
    _Atomic int used;
    wf_terminal_modes was;
} slots[WF_TERMINALS_MAX];

static const int ends[] = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS,
                           SIGFPE, SIGILL,  SIGTERM, SIGINT};
enum { ENDS = sizeof ends / sizeof *ends };

static void give_back_all(void)
{
    for (int i = 0; i < WF_TERMINALS_MAX; i++)
        if (atomic_load_explicit(&slots[i].used, memory_order_acquire) == 2)
            (void)tcsetattr(slots[i].was.fd, TCSANOW, &slots[i].was.modes);
}

static void on_end(int signal)
{
    int before = errno;
    give_back_all();
    /* the handler is gone (SA_RESETHAND): the signal does what it would have done */
    (void)raise(signal);
    errno = before;
}

/* Signals that somebody handles, or ignores, are his; those that weft waits for are blocked, and never get
 * as far as this. */
static void watch_signals(void)
{
    static _Atomic int done;
    struct sigaction now, mine = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
    if (atomic_exchange_explicit(&done, 1, memory_order_relaxed) != 0)
        return;
    (void)sigfillset(&mine.sa_mask);
    for (int i = 0; i < ENDS; i++)
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            (void)sigaction(ends[i], &mine, NULL);
    (void)atexit(give_back_all);
}

wf_terminal_modes *wf_terminal_keep(int fd)
{
    struct termios modes;
    if (tcgetattr(fd, &modes) != 0)
        return NULL;
    for (int i = 0; i < WF_TERMINALS_MAX; i++) {
        int unused = 0;
        if (!atomic_compare_exchange_strong_explicit(&slots[i].used, &unused, 1,
                                                     memory_order_acquire, memory_order_relaxed))
            continue;
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (own < 0) {
            atomic_store_explicit(&slots[i].used, 0, memory_order_release);
            return NULL;
        }
        slots[i].was = (wf_terminal_modes){.modes = modes, .fd = own};
        /* release: a signal that sees 2 sees what stands in it */
        atomic_store_explicit(&slots[i].used, 2, memory_order_release);
        watch_signals();
        return &slots[i].was;
    }
    return NULL;
}

void wf_terminal_give_back(wf_terminal_modes *was)
{
    struct slot *s = (struct slot *)(void *)((char *)was - offsetof(struct slot, was));
    (void)tcsetattr(was->fd, TCSANOW, &was->modes);
    int own = was->fd;
    atomic_store_explicit(&s->used, 1, memory_order_release);
    (void)close(own);
    atomic_store_explicit(&s->used, 0, memory_order_release);
}
