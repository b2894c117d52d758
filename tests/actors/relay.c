/* SPDX-License-Identifier: MIT */
/* What runs at the other side of an exec URL in the streams' tests: it joins its standard input and output
 * with a UNIX socket. Nothing of weft is in it. */
#include "actors/relay.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

/* Copies to the end. What @to no longer takes is thrown away, so that the other direction is not cut short; or,
 * if @must, ends the program. */
static void copy(int from, int to, bool must)
{
    bool taken = true;
    static _Thread_local char piece[PIECE];
    ssize_t n;
    while ((n = read(from, piece, sizeof piece)) > 0)
        for (ssize_t at = 0, w; taken && at < n; at += w)
            if ((w = write(to, piece + at, (size_t)(n - at))) <= 0) {
                if (must)
                    _exit(EXIT_FAILURE);
                taken = false;
            }
    if (n < 0)
        _exit(EXIT_FAILURE);
}

static void *inward(void *socket)
{
    copy(STDIN_FILENO, *(int *)socket, true);
    (void)shutdown(*(int *)socket, SHUT_WR);
    return NULL;
}

int relay_main(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    pthread_t thread;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    if (fd < 0 || strlen(path) >= sizeof un.sun_path)
        return EXIT_FAILURE;
    memcpy(un.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&un, sizeof un) != 0 ||
        pthread_create(&thread, NULL, inward, &fd) != 0)
        return EXIT_FAILURE;
    copy(fd, STDOUT_FILENO, false);
    (void)close(STDOUT_FILENO);
    return pthread_join(thread, NULL) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
