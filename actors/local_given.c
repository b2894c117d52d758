/* SPDX-License-Identifier: MIT */
/* Descriptors that this program was started with: by number, or by systemd's names (sd_listen_fds(3)). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "local.h"
#include "socket.h"

enum { LISTEN_FDS_START = 3, GIVEN_MAX = 64, NAMES_BYTES = 1024 };

/* ---- what systemd gave */

static struct {
    unsigned n;
    char names[NAMES_BYTES]; /* one behind the other, each with a zero */
    const char *name[GIVEN_MAX];
    _Atomic bool taken[GIVEN_MAX];
} given;
static pthread_once_t looked = PTHREAD_ONCE_INIT;

static unsigned number_of(const char *name, unsigned max)
{
    const char *text = getenv(name);
    char *end = NULL;
    unsigned long n = text != NULL ? strtoul(text, &end, 10) : 0;
    return text != NULL && end != text && *end == '\0' && n <= max ? (unsigned)n : 0;
}

/* Names are separated by colons; one that has none is "unknown", as systemd has it. */
static void take_names(const char *names)
{
    (void)snprintf(given.names, sizeof given.names, "%s", names != NULL ? names : "");
    char *at = given.names;
    for (unsigned i = 0; i < given.n; i++) {
        given.name[i] = at != NULL && *at != '\0' ? at : "unknown";
        if (at != NULL && (at = strchr(at, ':')) != NULL)
            *at++ = '\0';
    }
}

/* Once: whoever is started from here must not take them for its own. */
static void look(void)
{
    if (number_of("LISTEN_PID", INT32_MAX) == (unsigned)getpid()) {
        given.n = number_of("LISTEN_FDS", GIVEN_MAX);
        take_names(getenv("LISTEN_FDNAMES"));
        for (unsigned i = 0; i < given.n; i++)
            (void)fcntl(LISTEN_FDS_START + (int)i, F_SETFD, FD_CLOEXEC);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
}

/* Those there are, for a sentence. */
static void list_names(char *to, size_t bytes)
{
    size_t n = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < given.n && n < bytes; i++) {
        int more = snprintf(to + n, bytes - n, "%s%s", i != 0 ? ", " : "", given.name[i]);
        n += more > 0 ? (size_t)more : 0;
    }
}

static int of_systemd(const char *name, weft_err *err, weft_why *why)
{
    char names[96];
    (void)pthread_once(&looked, look);
    for (unsigned i = 0; i < given.n; i++)
        if ((name[0] == '\0' || strcmp(name, given.name[i]) == 0) &&
            !atomic_exchange_explicit(&given.taken[i], true, memory_order_relaxed))
            return LISTEN_FDS_START + (int)i;
    list_names(names, sizeof names);
    *err = given.n == 0
               ? weft_because(why, WEFT_ENOTFOUND,
                              "systemd gave this process no sockets (LISTEN_FDS is for %s)",
                              "another, or not there")
               : weft_because(why, WEFT_ENOTFOUND,
                              "systemd gave no (further) socket \"%.40s\"; there are: %s", name,
                              names);
    return -1;
}

/* ---- by number */

/* One of this program's own making closes when it runs another; one it was given does not. */
static int by_number(const char *text, weft_err *err, weft_why *why)
{
    int fd = (int)strtol(text, NULL, 10);
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0)
        *err = weft_because(why, WEFT_EINVAL, "descriptor %d: %s", fd, strerror(errno));
    else if ((flags & FD_CLOEXEC) != 0)
        *err = weft_because(why, WEFT_EDENIED,
                            "descriptor %d is in use by this program, which was not given it", fd);
    else {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        return fd;
    }
    return -1;
}

static bool listens(int fd)
{
    int value = 0, type = 0;
    socklen_t n = sizeof value, m = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &n) == 0 && value != 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 && type == SOCK_STREAM;
}

int wf_given_listen(const weft_url *url, weft_address *local, weft_err *err, weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    int fd = url->scheme == WEFT_SCHEME_FD ? by_number(url->path, err, why)
                                           : of_systemd(url->path, err, why);
    if (fd < 0)
        return -1;
    int flags = fcntl(fd, F_GETFL);
    if (!listens(fd) || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        *err = weft_because(why, WEFT_EINVAL, "descriptor %d is no stream socket that listens", fd);
        return -1;
    }
    if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(local, (const struct sockaddr *)&sa, n);
    return fd;
}

weft_err wf_given_connect(conn *c, const weft_url *url, weft_why *why)
{
    weft_err err = WEFT_OK;
    int fd = by_number(url->path, &err, why);
    if (fd < 0)
        return err;
    if (listens(fd))
        return weft_because(why, WEFT_EINVAL, "descriptor %d listens: it is no stream", fd);
    err = wf_conn_take_fd(c, fd, why);
    if (err == WEFT_OK)
        wf_socket_set_up(fd, url);
    return err;
}
