/* SPDX-License-Identifier: MIT */
/* forward_load PORT BACK echo|bulk|conns CONNECTIONS SECONDS [WARM_UP]
 * Both ends of what a forwarder joins: connects to PORT, where the forwarder listens, and listens at BACK, where
 * it connects to.
 *   echo   64 bytes to and fro on each connection; an operation is one message
 *   bulk   BACK sends as fast as it can; an operation is 1 MB that came
 *   conns  connects, sends 64 bytes, gets 64 back and the end, closes; an operation is one connection
 * Prints "mark" when the warm-up is over, then key=value pairs; latency is for each message, or connection. */
#include "common.h"

enum { SIZE = 64, CHUNK = 256 << 10, MB = 1000000 };
enum mode { ECHO, BULK, CONNS };
enum kind { LISTENER, BACK, FRONT };

struct end {
    int fd;
    enum kind kind;
    size_t got;
    uint64_t sent;
};

static struct {
    enum mode mode;
    int poll, port;
    uint64_t start, end, operations, bytes;
    int marked;
    struct histogram latency;
    char out[CHUNK];
} load;

static void watch(struct end *e, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = e};
    if (epoll_ctl(load.poll, EPOLL_CTL_ADD, e->fd, &ev) != 0)
        die("epoll_ctl");
}

static struct end *end_new(int fd, enum kind kind)
{
    struct end *e = calloc(1, sizeof *e);
    if (e == NULL)
        die("memory");
    e->fd = fd;
    e->kind = kind;
    return e;
}

/* ---- the clock of what counts */

static int counts(uint64_t t)
{
    if (t < load.start)
        return 0;
    if (!load.marked) {
        load.marked = 1;
        puts("mark");
        fflush(stdout);
    }
    return 1;
}

static void count(struct end *e)
{
    uint64_t t = now_ns();
    if (counts(t)) {
        load.operations++;
        histogram_add(&load.latency, t - e->sent);
    }
    e->sent = t;
    e->got = 0;
}

/* ---- the side that connects */

static void dial_again(struct end *e)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)load.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    e->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    e->sent = now_ns();
    e->got = 0;
    if (e->fd < 0)
        die("socket");
    nodelay(e->fd);
    if (connect(e->fd, (struct sockaddr *)&a, sizeof a) != 0 && errno != EINPROGRESS)
        die("connect");
    watch(e, EPOLLOUT);
}

static void connected(struct end *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};
    int failed = 0;
    socklen_t n = sizeof failed;
    getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &failed, &n);
    if (failed != 0) {
        errno = failed;
        die("connect");
    }
    epoll_ctl(load.poll, EPOLL_CTL_MOD, e->fd, &ev);
    write_all(e->fd, load.out, SIZE);
}

static void front(struct end *e, uint32_t events)
{
    static char in[CHUNK];
    if (load.mode == CONNS && (events & EPOLLOUT) != 0) {
        connected(e);
        return;
    }
    /* what is only counted need not be copied */
    ssize_t n = recv(e->fd, in, sizeof in, load.mode == BULK ? MSG_TRUNC : 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0 || (n == 0 && (load.mode != CONNS || e->got != SIZE)))
        die("connection lost");
    e->got += (size_t)n;
    if (load.mode == BULK) {
        if (counts(now_ns()))
            load.bytes += (uint64_t)n;
    } else if (load.mode == ECHO && e->got == SIZE) {
        count(e);
        write_all(e->fd, load.out, SIZE);
    } else if (load.mode == CONNS && n == 0) {
        count(e);
        close(e->fd);
        dial_again(e);
    }
}

/* ---- the side that is connected to */

static void back(struct end *e, uint32_t events)
{
    char in[4 * SIZE];
    if (load.mode == BULK) {
        while ((events & EPOLLOUT) != 0 && write(e->fd, load.out, CHUNK) == CHUNK)
            continue;
        return;
    }
    ssize_t n = read(e->fd, in, sizeof in);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0) {
        write_all(e->fd, in, (size_t)n);
        e->got += (size_t)n;
    }
    if (n <= 0 || (load.mode == CONNS && e->got >= SIZE)) {
        close(e->fd);
        free(e);
    }
}

static void accept_all(const struct end *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        nodelay(fd);
        watch(end_new(fd, BACK), load.mode == BULK ? EPOLLOUT : EPOLLIN);
    }
}

/* ---- the whole */

static void begin(int connections)
{
    for (int i = 0; i < connections; i++) {
        struct end *e = end_new(-1, FRONT);
        if (load.mode == CONNS) {
            dial_again(e);
            continue;
        }
        e->fd = dial("127.0.0.1", load.port);
        e->sent = now_ns();
        nonblock(e->fd);
        watch(e, EPOLLIN);
        if (load.mode == ECHO)
            write_all(e->fd, load.out, SIZE);
    }
}

static uint64_t run(void)
{
    struct epoll_event ev[256];
    uint64_t t = now_ns();
    while (t < load.end) {
        int k = epoll_wait(load.poll, ev, 256, 1000);
        uint64_t now = now_ns();
        if (k <= 0 && now - t > 5000000000ull)
            die("stalled");
        if (k > 0)
            t = now;
        for (int i = 0; i < k; i++) {
            struct end *e = ev[i].data.ptr;
            if (e->kind == LISTENER)
                accept_all(e);
            else if (e->kind == BACK)
                back(e, ev[i].events);
            else
                front(e, ev[i].events);
        }
    }
    return t;
}

int main(int argc, char **argv)
{
    static const char *const modes[] = {"echo", "bulk", "conns"};
    if (argc < 6)
        die("usage: forward_load PORT BACK echo|bulk|conns CONNECTIONS SECONDS [WARM_UP]");
    while (load.mode < CONNS && strcmp(argv[3], modes[load.mode]) != 0)
        load.mode++;
    signal(SIGPIPE, SIG_IGN);
    raise_nofile();
    memset(load.out, 'x', sizeof load.out);
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    load.port = atoi(argv[1]);
    watch(end_new(listen_tcp(atoi(argv[2])), LISTENER), EPOLLIN);
    double warm_up = argc > 6 ? atof(argv[6]) : 0.5;
    load.start = now_ns() + (uint64_t)(warm_up * 1e9);
    load.end = load.start + (uint64_t)(atof(argv[5]) * 1e9);
    begin(atoi(argv[4]));
    double took = (double)(run() - load.start) / 1e9;
    uint64_t operations = load.mode == BULK ? load.bytes / MB : load.operations;
    printf("rate=%.1f p50_us=%.1f p99_us=%.1f ops=%llu\n", (double)operations / took,
           histogram_us(&load.latency, .5), histogram_us(&load.latency, .99),
           (unsigned long long)operations);
    return 0;
}
