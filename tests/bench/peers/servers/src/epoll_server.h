/* SPDX-License-Identifier: MIT */
/* The plainest level-triggered epoll server; what is done with the bytes is the program's. */
#ifndef EPOLL_SERVER_H
#define EPOLL_SERVER_H

#include "common.h"

static char server_in[65536];

/* Answers @n bytes of server_in. */
static inline void server_answer(int fd, size_t n);

static void server_watch(int poll, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}

__attribute__((noreturn)) static void server_run(int port)
{
    int listener = listen_tcp(port), poll = epoll_create1(0);
    struct epoll_event ev[256];
    server_watch(poll, listener);
    for (;;) {
        int n = epoll_wait(poll, ev, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = ev[i].data.fd;
            if (fd == listener) {
                int c;
                while ((c = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    nodelay(c);
                    server_watch(poll, c);
                }
                continue;
            }
            ssize_t r = read(fd, server_in, sizeof server_in);
            if (r > 0)
                server_answer(fd, (size_t)r);
            else if (r == 0 || errno != EAGAIN)
                close(fd);
        }
    }
}

#endif
