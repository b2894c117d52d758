/* SPDX-License-Identifier: MIT */
/* udp_floor PORT: echo of datagrams with nothing but epoll, recvmmsg and sendmmsg: 64 at a time. */
#include "common.h"

enum { BATCH = 64, SLOT = 2048 + 64 };

static char slots[BATCH][SLOT];
static struct sockaddr_in names[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr heads[BATCH];

static void prepare(void)
{
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){slots[i], SLOT};
        heads[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                           .msg_namelen = sizeof names[i],
                                           .msg_iov = &vectors[i],
                                           .msg_iovlen = 1};
    }
}

static void echo(int fd)
{
    prepare();
    int n = recvmmsg(fd, heads, BATCH, 0, NULL);
    for (int i = 0; i < n; i++)
        vectors[i].iov_len = heads[i].msg_len;
    for (int sent = 0; sent < n;) {
        int k = sendmmsg(fd, heads + sent, (unsigned)(n - sent), 0);
        sent += k > 0 ? k : 1; /* one that cannot be sent is lost */
    }
}

int main(int argc, char **argv)
{
    int fd = bind_udp(port_argument(argc, argv)), poll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
    for (;;)
        if (epoll_wait(poll, &e, 1, -1) > 0)
            echo(fd);
}
