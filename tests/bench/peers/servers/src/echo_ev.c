/* SPDX-License-Identifier: MIT */
/* echo_ev PORT: echo on libev; one ev_io for each connection, read then write straight away. */
#include "common.h"

#include <ev.h>

static char buffer[65536];

static void on_read(struct ev_loop *loop, ev_io *w, int events)
{
    (void)events;
    ssize_t n = read(w->fd, buffer, sizeof buffer);
    if (n > 0) {
        write_all(w->fd, buffer, (size_t)n);
        return;
    }
    if (n < 0 && errno == EAGAIN)
        return;
    ev_io_stop(loop, w);
    close(w->fd);
    free(w);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
    (void)events;
    int c;
    while ((c = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        nodelay(c);
        ev_io *x = malloc(sizeof *x);
        ev_io_init(x, on_read, c, EV_READ);
        ev_io_start(loop, x);
    }
}

int main(int argc, char **argv)
{
    struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL);
    ev_io listener;
    ev_io_init(&listener, on_accept, listen_tcp(port_argument(argc, argv)), EV_READ);
    ev_io_start(loop, &listener);
    return ev_run(loop, 0);
}
