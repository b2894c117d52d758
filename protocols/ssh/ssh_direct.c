/* SPDX-License-Identifier: MIT */
/* Bulk without a way through the pair: libssh's end of it is the peer's socket, for the time of a write.
 *
 *     libssh ──▶ theirs ═══ pair ═══ ours ──▶ wf_ssh_take        always, but
 *     libssh ──▶ theirs ═══ the peer's socket                    between begin and end
 *
 * libssh knows a number; what that stands for is changed under it, while nothing stands in the pair either way, nor
 * in libssh itself, so that the order of bytes is that of the calls. libssh takes a socket that has no room for one
 * that is broken, unless poll says so first; it may have asked the pair. So the socket is asked here. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "ssh_lib.h"

/* One that has an end to tell, or an error, is not for libssh either: the stream tells both in its own words. */
static bool takes_more(int socket)
{
    struct pollfd p = {.fd = socket, .events = POLLOUT | POLLRDHUP};
    return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

static bool is_empty(const wf_ssh *s)
{
    return wf_ssh_output(s) == 0 && s->fed == s->counts.in_bytes &&
           (ssh_get_status(s->session) & SSH_WRITE_PENDING) == 0;
}

/* libssh closes its descriptor when that fails. */
static bool is_open(const wf_ssh *s)
{
    return ssh_get_fd(s->session) == s->theirs;
}

static bool stand_for(int theirs, int fd)
{
    while (dup3(fd, theirs, O_CLOEXEC) < 0)
        if (errno != EINTR && errno != EBUSY)
            return false;
    return true;
}

bool wf_ssh_direct_begin(wf_ssh *s, int socket)
{
    if (s->finished || !is_open(s) || !is_empty(s) || !takes_more(socket))
        return false;
    if (s->held < 0)
        s->held = fcntl(s->theirs, F_DUPFD_CLOEXEC, 0);
    return s->held >= 0 && stand_for(s->theirs, socket);
}

bool wf_ssh_direct_end(wf_ssh *s)
{
    bool read = s->counts.in_bytes != s->fed;
    s->fed = s->counts.in_bytes;
    s->taken = s->counts.out_bytes;
    s->lost = !is_open(s) || !stand_for(s->theirs, s->held);
    if (s->lost && is_open(s))
        wf_ssh_finish(s); /* it must write no more to where the stream writes */
    else if ((ssh_get_status(s->session) & SSH_WRITE_PENDING) != 0)
        (void)ssh_blocking_flush(s->session, 0);
    return read;
}
