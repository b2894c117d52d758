/* SPDX-License-Identifier: MIT */
/* Clock, latency histogram and sockets for the load generators and the plain servers. */
#ifndef COMMON_H
#define COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

UNUSED static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

UNUSED __attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, " (%s)\n", strerror(errno));
    exit(1);
}

/* Log-linear histogram of nanoseconds: 64 buckets for each power of two (an error below 1.6 %). */
enum { HISTOGRAM_SUB = 64, HISTOGRAM_N = 60 * HISTOGRAM_SUB };
struct histogram {
    uint64_t n, max, b[HISTOGRAM_N];
};

UNUSED static unsigned histogram_index(uint64_t v)
{
    if (v < HISTOGRAM_SUB)
        return (unsigned)v;
    unsigned e = 63u - (unsigned)__builtin_clzll(v); /* at least 6 */
    unsigned i = (e - 5) * HISTOGRAM_SUB + (unsigned)((v >> (e - 6)) & (HISTOGRAM_SUB - 1));
    return i < HISTOGRAM_N ? i : HISTOGRAM_N - 1;
}

UNUSED static uint64_t histogram_value(unsigned i)
{
    if (i < HISTOGRAM_SUB)
        return i;
    unsigned e = i / HISTOGRAM_SUB + 5;
    return (uint64_t)(HISTOGRAM_SUB + i % HISTOGRAM_SUB) << (e - 6);
}

UNUSED static void histogram_add(struct histogram *h, uint64_t v)
{
    h->n++;
    if (v > h->max)
        h->max = v;
    h->b[histogram_index(v)]++;
}

UNUSED static double histogram_us(const struct histogram *h, double share)
{
    uint64_t want = (uint64_t)(share * (double)h->n), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_N; i++)
        if ((seen += h->b[i]) > want)
            return (double)histogram_value(i) / 1e3;
    return (double)h->max / 1e3;
}

UNUSED static void raise_nofile(void)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

UNUSED static void nonblock(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

UNUSED static void nodelay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* Blocking; retried for two seconds. */
UNUSED static int dial(const char *host, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
        die("bad address %s", host);
    for (int i = 0; connect(fd, (struct sockaddr *)&a, sizeof a); i++) {
        if (i > 200)
            die("connect %s:%d", host, port);
        usleep(10000);
    }
    nodelay(fd);
    return fd;
}

UNUSED static int listen_tcp(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096))
        die("listen %d", port);
    return fd;
}

UNUSED static int bind_udp(int port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&a, sizeof a))
        die("bind %d", port);
    return fd;
}

/* Spins on EAGAIN: the clients here never stop reading. */
UNUSED static void write_all(int fd, const void *p, size_t n)
{
    const char *c = p;
    while (n) {
        ssize_t w = write(fd, c, n);
        if (w < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            die("write");
        }
        c += w;
        n -= (size_t)w;
    }
}

/* Makes "\\r" and "\\n" of a command line what they mean; gives the size. */
UNUSED static size_t unescape(char *s)
{
    char *to = s;
    for (const char *p = s; *p; p++) {
        if (p[0] == '\\' && (p[1] == 'r' || p[1] == 'n'))
            *to++ = *++p == 'r' ? '\r' : '\n';
        else
            *to++ = *p;
    }
    return (size_t)(to - s);
}

/* The port of a server's command line: `program PORT`. */
UNUSED static int port_argument(int argc, char **argv)
{
    if (argc != 2)
        die("usage: %s PORT", argv[0]);
    raise_nofile();
    signal(SIGPIPE, SIG_IGN);
    return atoi(argv[1]);
}

#endif
