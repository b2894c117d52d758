/* SPDX-License-Identifier: MIT */
/* Standard input and output as a stream.
 *
 * The stream takes them: 0 and 1 are /dev/null from then on, so that closing the stream's own descriptors is
 * an end that the other side sees, and what is printed by accident does not get between its bytes. Pipes
 * and terminals are opened anew where that can be, since whoever shares them (a shell, say) must not find
 * that they no longer wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "local.h"
#include "pipes.h"

static _Atomic bool taken;

/* Our own descriptor for what @fd is, which does not wait. errors: -1. */
static int own(int fd, int access, bool *shares)
{
    struct stat st;
    char path[32];
    *shares = false;
    if (fstat(fd, &st) != 0)
        return -1;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int mine = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)
                   ? open(path, access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
                   : -1;
    if (mine >= 0)
        return mine;
    mine = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int flags = mine >= 0 ? fcntl(mine, F_GETFL) : -1;
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
        *shares = true;
        (void)fcntl(mine, F_SETFL, flags | O_NONBLOCK);
    }
    return mine;
}

static weft_err raw_modes(int fd, wf_terminal_modes **was, weft_why *why)
{
    struct termios modes;
    *was = NULL;
    if (tcgetattr(fd, &modes) != 0)
        return WEFT_OK; /* no terminal: it is as raw as can be */
    *was = wf_terminal_keep(fd);
    if (*was == NULL)
        return weft_because(why, WEFT_ELIMIT, "the modes of %d terminals are changed",
                            WF_TERMINALS_MAX);
    cfmakeraw(&modes);
    if (tcsetattr(fd, TCSANOW, &modes) == 0)
        return WEFT_OK;
    weft_err err = weft_because(why, weft_err_from_errno(errno), "unable to set the terminal: %s",
                                strerror(errno));
    wf_terminal_give_back(*was);
    *was = NULL;
    return err;
}

/* Both directions of one stream over @in and @out. */
static weft_err join(conn *c, const weft_url *url, int in, int out, const bool shares[2],
                     weft_why *why)
{
    wf_terminal_modes *was = NULL;
    weft_err err = url->options.raw ? raw_modes(in, &was, why) : WEFT_OK;
    if (err != WEFT_OK) {
        (void)close(in);
        (void)close(out);
        return err;
    }
    if (wf_pipes_set(c, in, out, PIPES_CLOSE) != WEFT_OK) {
        if (was != NULL)
            wf_terminal_give_back(was);
        return weft_because(why, WEFT_ENOMEM, "no memory for a stream");
    }
    wf_pipes_restore(c, was);
    wf_pipes_share(c, shares[0], shares[1]);
    return WEFT_OK;
}

static void put_null(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    if (null > STDERR_FILENO)
        (void)close(null);
}

weft_err wf_stdio_connect(conn *c, const weft_url *url, weft_why *why)
{
    bool shares[2];
    if (atomic_exchange_explicit(&taken, true, memory_order_relaxed))
        return weft_because(why, WEFT_EEXISTS, "standard input and output are a stream already");
    int in = own(STDIN_FILENO, O_RDONLY, &shares[0]);
    int out = in >= 0 ? own(STDOUT_FILENO, O_WRONLY, &shares[1]) : -1;
    if (out < 0) {
        weft_err err =
            weft_because(why, weft_err_from_errno(errno), "standard %s cannot be had: %s",
                         in < 0 ? "input" : "output", strerror(errno));
        if (in >= 0)
            (void)close(in);
        atomic_store_explicit(&taken, false, memory_order_relaxed);
        return err;
    }
    weft_err err = join(c, url, in, out, shares, why);
    if (err == WEFT_OK)
        put_null();
    else
        atomic_store_explicit(&taken, false, memory_order_relaxed);
    return err;
}

/* ---- as a listener: somebody is there, once */

int wf_stdio_listen(weft_err *err, weft_why *why)
{
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        *err = weft_because(why, weft_err_from_errno(errno), "unable to listen at stdio: %s",
                            strerror(errno));
    return fd;
}

bool wf_stdio_accept(int listening, int *out)
{
    uint64_t once;
    if (read(listening, &once, sizeof once) != (ssize_t)sizeof once)
        return false;
    *out = -1;
    return true;
}

void wf_stdio_attach(conn *c, int accepted, const weft_url *url)
{
    weft_why why = {""};
    (void)accepted;
    c->leaf = &wf_conn_leaf_none;
    weft_err err = wf_stdio_connect(c, url, &why);
    if (err == WEFT_OK)
        return;
    weft_log(conn_actor(c), WEFT_ERROR, "%s", why.text); /* nobody is there yet to be told */
    wf_conn_lost(c, err, why.text);
}
