/* SPDX-License-Identifier: MIT */
/* echo_load HOST PORT CONNECTIONS SIZE DEPTH SECONDS [plain|websocket]
 * Each connection keeps DEPTH messages of SIZE bytes in flight: when a read completes k of them, k
 * new ones leave in one write. As a WebSocket, each is one masked binary message, and must come back
 * as one unmasked. Prints "mark" when the warm-up is over, then key=value pairs; latency is for each
 * message, from its write to its last byte back. */
#include "common.h"

/* Bytes of a frame's parts; one that is longer than SMALL has more of them. */
enum { HEAD = 2, MASK = 4, SMALL = 125 };

struct connection {
    int fd;
    unsigned head;
    size_t got;
    uint64_t *sent; /* a ring of DEPTH times */
};

struct load {
    size_t size, back; /* of a message as it goes, and as it comes */
    size_t chunk, room;
    unsigned depth;
    int websocket;
    char *out, *in, *expected;
    uint64_t start, end; /* of what is counted, in ns */
    uint64_t messages;
    int marked;
    struct histogram latency;
};

static struct load load;

/* RFC 6455, 5.2: final and binary, masked with a key of its own. */
static void make_frame(char *to, size_t payload)
{
    to[0] = (char)0x82;
    to[1] = (char)(0x80 | payload);
    for (size_t i = 0; i < MASK; i++)
        to[HEAD + i] = (char)rand();
    for (size_t i = 0; i < payload; i++)
        to[HEAD + MASK + i] = (char)('x' ^ to[HEAD + i % MASK]);
}

static void make_messages(size_t payload)
{
    load.size = payload + (load.websocket ? HEAD + MASK : 0);
    load.back = payload + (load.websocket ? HEAD : 0);
    load.chunk = load.size * load.depth;
    load.room = load.chunk < 65536 ? 65536 : load.chunk;
    load.out = malloc(load.chunk);
    load.in = malloc(load.room);
    load.expected = malloc(load.back);
    memset(load.out, 'x', load.chunk);
    for (unsigned d = 0; load.websocket && d < load.depth; d++)
        make_frame(load.out + d * load.size, payload);
    memset(load.expected, 'x', load.back);
    if (load.websocket) {
        load.expected[0] = (char)0x82;
        load.expected[1] = (char)payload;
    }
}

/* Asks for the upgrade and waits for it; not a byte comes behind it by itself. */
static void upgrade(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char answer[4096];
    size_t n = 0;
    write_all(fd, request, sizeof request - 1);
    do {
        ssize_t r = read(fd, answer + n, sizeof answer - 1 - n);
        if (r <= 0)
            die("no answer to the upgrade");
        n += (size_t)r;
        answer[n] = 0;
    } while (!strstr(answer, "\r\n\r\n"));
    if (strncmp(answer, "HTTP/1.1 101 ", 13))
        die("the upgrade is refused with %.40s", answer);
}

static void open_connection(struct connection *c, int poll, const char *host, int port)
{
    c->fd = dial(host, port);
    if (load.websocket)
        upgrade(c->fd);
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

/* Whether the @n bytes of load.in are those that must come next. */
static void check(const struct connection *c, size_t n)
{
    for (size_t at = 0, from = c->got; at < n; from = 0) {
        size_t part = load.back - from < n - at ? load.back - from : n - at;
        if (memcmp(load.in + at, load.expected + from, part))
            die("something else came back");
        at += part;
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
    check(c, (size_t)r);
    c->got += (size_t)r;
    unsigned done = (unsigned)(c->got / load.back);
    if (!done)
        return t;
    c->got -= done * load.back;
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
        die("usage: echo_load HOST PORT CONNECTIONS SIZE DEPTH SECONDS [plain|websocket]");
    int n = atoi(argv[3]), poll = epoll_create1(0);
    double seconds = atof(argv[6]), warm_up = 0.5;
    signal(SIGPIPE, SIG_IGN);
    raise_nofile();
    load.depth = (unsigned)atoi(argv[5]);
    load.websocket = argc > 7 && !strcmp(argv[7], "websocket");
    if (load.websocket && atol(argv[4]) > SMALL)
        die("messages of a WebSocket are of at most %d bytes here", SMALL);
    make_messages((size_t)atol(argv[4]));

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
