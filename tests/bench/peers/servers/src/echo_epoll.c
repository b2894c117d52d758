/* SPDX-License-Identifier: MIT */
/* echo_epoll PORT: echo on raw epoll; the floor that frameworks are compared with. */
#include "epoll_server.h"

static inline void server_answer(int fd, size_t n)
{
    write_all(fd, server_in, n);
}

int main(int argc, char **argv)
{
    server_run(port_argument(argc, argv));
}
