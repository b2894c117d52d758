/* SPDX-License-Identifier: MIT */
/* udp_load HOST PORT SOCKETS SIZE DEPTH SECONDS [merged]
 * Each socket keeps DEPTH datagrams of SIZE bytes in flight: as many as come back are sent anew, with one call.
 * What has not come back when nothing did for a while is lost, and sent anew too. Prints "mark" when
 * the warm-up is over, then key=value pairs; a latency is that of one in flight. `merged`: what is sent anew is
 * given to the kernel as one piece that it cuts (UDP_SEGMENT), as QUIC stacks do. */
#include "common.h"

#include <netinet/udp.h>

enum { DEPTH_MAX = 64, SIZE_MAX_ = 2048, LOST_AFTER_MS = 100 };

struct client {
    int fd;
    unsigned flying; /* of DEPTH */
};

static struct load {
    size_t size;
    unsigned depth;
    uint64_t start, end; /* of what is counted, in ns */
    uint64_t messages, lost;
    int marked, merged;
    struct histogram latency;
} load;

static char in[DEPTH_MAX][SIZE_MAX_], out[DEPTH_MAX][SIZE_MAX_];
static struct iovec in_vector[DEPTH_MAX], out_vector[DEPTH_MAX];
static struct mmsghdr in_head[DEPTH_MAX], out_head[DEPTH_MAX];

static void open_client(struct client *c, int poll, const char *host, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
        connect(c->fd, (struct sockaddr *)&a, sizeof a))
        die("connect %s:%d", host, port);
    int segment = (int)load.size;
    if (load.merged && setsockopt(c->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment))
        die("UDP_SEGMENT");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e);
}

/* When it left stands in each. */
static void fill(struct client *c)
{
    unsigned want = load.depth - c->flying;
    uint64_t t = now_ns();
    for (unsigned i = 0; i < want; i++)
        memcpy(out[i], &t, sizeof t);
    if (load.merged && want) {
        struct msghdr m = {.msg_iov = out_vector, .msg_iovlen = want};
        c->flying += sendmsg(c->fd, &m, 0) > 0 ? want : 0;
        return;
    }
    int n = want ? sendmmsg(c->fd, out_head, want, 0) : 0;
    c->flying += n > 0 ? (unsigned)n : 0;
}

/* Returns the time of the read; 0: there was nothing. */
static uint64_t on_readable(struct client *c)
{
    int n = recvmmsg(c->fd, in_head, load.depth, 0, NULL);
    if (n <= 0)
        return 0;
    uint64_t t = now_ns();
    if (!load.marked && t >= load.start) {
        load.marked = 1;
        puts("mark");
        fflush(stdout);
    }
    for (int i = 0; i < n && t >= load.start; i++) {
        uint64_t sent;
        memcpy(&sent, in[i], sizeof sent);
        load.messages++;
        histogram_add(&load.latency, t - sent);
    }
    c->flying -= c->flying < (unsigned)n ? c->flying : (unsigned)n;
    fill(c);
    return t;
}

static uint64_t run(int poll, struct client *c, int n)
{
    struct epoll_event ev[256];
    uint64_t t = now_ns(), looked = t;
    while (t < load.end) {
        int k = epoll_wait(poll, ev, 256, LOST_AFTER_MS);
        for (int i = 0; i < k; i++) {
            uint64_t read_at = on_readable(ev[i].data.ptr);
            if (read_at)
                t = read_at;
        }
        if (k > 0 && t - looked < LOST_AFTER_MS * 10000000ull)
            continue;
        if (now_ns() - t > 5000000000ull)
            die("stalled");
        for (int i = 0; i < n && k <= 0; i++) {
            load.lost += c[i].flying;
            c[i].flying = 0;
            fill(&c[i]);
        }
        looked = t;
    }
    return t;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        die("usage: udp_load HOST PORT SOCKETS SIZE DEPTH SECONDS [merged]");
    int n = atoi(argv[3]), poll = epoll_create1(0);
    double seconds = atof(argv[6]), warm_up = 0.5;
    raise_nofile();
    load.size = (size_t)atol(argv[4]);
    load.depth = (unsigned)atoi(argv[5]);
    load.merged = argc > 7 && !strcmp(argv[7], "merged");
    if (load.depth < 1 || load.depth > DEPTH_MAX || load.size < 8 || load.size > SIZE_MAX_)
        die("DEPTH is 1 to %d, SIZE 8 to %d", DEPTH_MAX, SIZE_MAX_);
    for (int i = 0; i < DEPTH_MAX; i++) {
        in_vector[i] = (struct iovec){in[i], SIZE_MAX_};
        out_vector[i] = (struct iovec){out[i], load.size};
        in_head[i].msg_hdr = (struct msghdr){.msg_iov = &in_vector[i], .msg_iovlen = 1};
        out_head[i].msg_hdr = (struct msghdr){.msg_iov = &out_vector[i], .msg_iovlen = 1};
    }
    struct client *c = calloc((size_t)n, sizeof *c);
    for (int i = 0; i < n; i++)
        open_client(&c[i], poll, argv[1], atoi(argv[2]));
    for (int i = 0; i < n; i++)
        fill(&c[i]);
    load.start = now_ns() + (uint64_t)(warm_up * 1e9);
    load.end = load.start + (uint64_t)(seconds * 1e9);
    double took = (double)(run(poll, c, n) - load.start) / 1e9;
    printf("rate=%.0f p50_us=%.1f p99_us=%.1f ops=%llu lost=%llu\n", (double)load.messages / took,
           histogram_us(&load.latency, .5), histogram_us(&load.latency, .99),
           (unsigned long long)load.messages, (unsigned long long)load.lost);
    return 0;
}
