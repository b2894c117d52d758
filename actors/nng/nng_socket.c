/* SPDX-License-Identifier: MIT */
/* The socket beneath a stream of NNG over TCP, which NNG does not name: it is the one with the stream's two addresses,
 * of which there are no others in a process. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "nng_parts.h"

typedef int name_fn(int fd, struct sockaddr *to, socklen_t *room);

static bool same(const weft_address *a, const weft_address *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, a->family == WEFT_FAMILY_V4 ? 4 : 16) == 0;
}

static bool is_named(int fd, name_fn *name, const weft_address *want)
{
    struct sockaddr_storage at;
    socklen_t room = sizeof at;
    weft_address is;
    if (name(fd, (struct sockaddr *)&at, &room) != 0)
        return false;
    wf_address_from_sockaddr(&is, (struct sockaddr *)&at, room);
    return same(&is, want);
}

static bool is_it(int fd, const weft_address *local, const weft_address *peer)
{
    int type;
    socklen_t room = sizeof type;
    return is_named(fd, getpeername, peer) && is_named(fd, getsockname, local) &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &room) == 0 && type == SOCK_STREAM;
}

static bool addresses(nng_stream *stream, weft_address *local, weft_address *peer)
{
    nng_sockaddr at;
    if (nng_stream_get_addr(stream, NNG_OPT_LOCADDR, &at) != 0)
        return false;
    wf_nng_address(&at, local);
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &at) != 0)
        return false;
    wf_nng_address(&at, peer);
    return local->family == WEFT_FAMILY_V4 || local->family == WEFT_FAMILY_V6;
}

/* A new descriptor has the lowest number that is free, so that what was made last stands next to @near. */
static int find(nng_stream *stream, int near)
{
    weft_address local, peer;
    if (!addresses(stream, &local, &peer))
        return -1;
    for (int i = 0; i < NNG_LOOK_DESCRIPTORS_MAX; i++) {
        int above = near + i, below = near - 1 - i;
        if (is_it(above, &local, &peer))
            return above;
        if (below >= 0 && is_it(below, &local, &peer))
            return below;
    }
    return -1;
}

int wf_nng_look_out(nng_stream *stream, int near)
{
    struct epoll_event in = {.events = EPOLLIN};
    int fd = find(stream, near), poll = fd < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (poll >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, fd, &in) != 0) {
        (void)close(poll);
        return -1;
    }
    return poll;
}
