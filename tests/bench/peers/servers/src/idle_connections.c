/* SPDX-License-Identifier: MIT */
/* idle_connections HOST PORT N REQUEST: opens N connections; on each sends REQUEST (its \r and \n
 * are understood; "" sends nothing) and reads until something came back. Prints "ready N bad N",
 * then holds them until its input closes. */
#include "common.h"

#include <sys/time.h>

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage: idle_connections HOST PORT N REQUEST");
    int port = atoi(argv[2]), n = atoi(argv[3]), bad = 0;
    size_t size = unescape(argv[4]);
    char buffer[8192];
    raise_nofile();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < n; i++) {
        int fd = dial(argv[1], port);
        if (!size)
            continue;
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        write_all(fd, argv[4], size);
        if (read(fd, buffer, sizeof buffer) <= 0)
            bad++;
    }
    printf("ready %d bad %d\n", n, bad);
    fflush(stdout);
    while (read(0, buffer, sizeof buffer) > 0) {
    }
    return 0;
}
