/* SPDX-License-Identifier: MIT */
/* echo_load HOST PORT CONNECTIONS SIZE DEPTH SECONDS [WARM_UP]
 * Each connection keeps DEPTH messages of SIZE bytes in flight: when a read completes k of them, k
 * new ones leave in one write. Prints "mark" when the warm-up is over, then key=value pairs;
 * latency is for each message, from its write to its last byte back. */
#include "common.h"

struct connection {
    int fd;
    unsigned head;
    size_t got;
    uint64_t *sent; /* a ring of DEPTH times */
};

struct load {
    size_t size, chunk, room;
    unsigned depth;
    char *out, *in;
    uint64_t start, end; /* of what is counted, in ns */
    uint64_t messages;
    int marked;
    struct histogram latency;
};

static struct load load;

static void open_connection(struct connection *c, int poll, const char *host, int port)
{
    c->fd = dial(host, port);
    c->sent = calloc(load.depth, sizeof *c->sent);
    nonblock(c->fd);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e);
}

static void first_messages(struct connection *c)
{
    uint64_t t = now_ns();
    for (unsigned d = 0; d < load.depth; d++)
        c->sent[d] = t;
    write_all(c->fd, load.out, load.chunk);
}

static void count_messages(struct connection *c, unsigned done, uint64_t t)
{
    for (unsigned d = 0; d < done; d++) {
        uint64_t *sent = &c->sent[c->head];
        if (t >= load.start) {
            load.messages++;
            histogram_add(&load.latency, t - *sent);
        }
        *sent = t;
        if (++c->head == load.depth)
            c->head = 0;
    }
}

/* Returns the time of the read; 0: there was nothing. */
static uint64_t on_readable(struct connection *c)
{
    ssize_t r = read(c->fd, load.in, load.room);
    if (r < 0 && errno == EAGAIN)
        return 0;
    if (r <= 0)
        die("connection lost");
    uint64_t t = now_ns();
    if (!load.marked && t >= load.start) {
        load.marked = 1;
        puts("mark");
        fflush(stdout);
    }
    c->got += (size_t)r;
    unsigned done = (unsigned)(c->got / load.size);
    if (!done)
        return t;
    c->got -= done * load.size;
    count_messages(c, done, t);
    write_all(c->fd, load.out, done * load.size);
    return t;
}

static uint64_t run(int poll)
{
    struct epoll_event ev[256];
    uint64_t t = now_ns();
    while (t < load.end) {
        int k = epoll_wait(poll, ev, 256, 1000);
        if (k <= 0 && now_ns() - t > 5000000000ull)
            die("stalled");
        for (int i = 0; i < k; i++) {
            uint64_t read_at = on_readable(ev[i].data.ptr);
            if (read_at)
                t = read_at;
        }
    }
    return t;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        die("usage: echo_load HOST PORT CONNECTIONS SIZE DEPTH SECONDS [WARM_UP]");
    int n = atoi(argv[3]), poll = epoll_create1(0);
    double seconds = atof(argv[6]), warm_up = argc > 7 ? atof(argv[7]) : 0.5;
    signal(SIGPIPE, SIG_IGN);
    raise_nofile();
    load.size = (size_t)atol(argv[4]);
    load.depth = (unsigned)atoi(argv[5]);
    load.chunk = load.size * load.depth;
    load.room = load.chunk < 65536 ? 65536 : load.chunk;
    load.out = malloc(load.chunk);
    load.in = malloc(load.room);
    memset(load.out, 'x', load.chunk);

    struct connection *c = calloc((size_t)n, sizeof *c);
    for (int i = 0; i < n; i++)
        open_connection(&c[i], poll, argv[1], atoi(argv[2]));
    for (int i = 0; i < n; i++)
        first_messages(&c[i]);

    load.start = now_ns() + (uint64_t)(warm_up * 1e9);
    load.end = load.start + (uint64_t)(seconds * 1e9);
    double took = (double)(run(poll) - load.start) / 1e9;
    printf("rate=%.0f p50_us=%.1f p99_us=%.1f ops=%llu\n", (double)load.messages / took,
           histogram_us(&load.latency, .5), histogram_us(&load.latency, .99),
           (unsigned long long)load.messages);
    return 0;
}
