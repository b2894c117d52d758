/* SPDX-License-Identifier: MIT */
/* What runs at the other side of an exec URL in the streams' tests: it joins its standard input and output
 * with a UNIX socket. Nothing of weft is in it. */
#include "actors/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

/* Copies to the end, or ends the program with what cannot be copied. */
static void copy(int from, int to)
{
    static _Thread_local char piece[PIECE];
    ssize_t n;
    while ((n = read(from, piece, sizeof piece)) > 0)
        for (ssize_t at = 0, w; at < n; at += w)
            if ((w = write(to, piece + at, (size_t)(n - at))) <= 0)
                _exit(EXIT_FAILURE);
    if (n < 0)
        _exit(EXIT_FAILURE);
}

static void *inward(void *socket)
{
    copy(STDIN_FILENO, *(int *)socket);
    (void)shutdown(*(int *)socket, SHUT_WR);
    return NULL;
}

int relay_main(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    pthread_t thread;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || strlen(path) >= sizeof un.sun_path)
        return EXIT_FAILURE;
    memcpy(un.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&un, sizeof un) != 0 ||
        pthread_create(&thread, NULL, inward, &fd) != 0)
        return EXIT_FAILURE;
    copy(fd, STDOUT_FILENO);
    (void)close(STDOUT_FILENO);
    return pthread_join(thread, NULL) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
