/* SPDX-License-Identifier: MIT */
/* node_floor CASE: two processes joined by TCP, each a loop of epoll, with records of 32 bytes before what they carry
 * and writes of 64 KiB: what no link between nodes can beat. Prints lines "name value unit". */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUT_BYTES = 64 << 10, IN_BYTES = 256 << 10, TIMES_MAX = 1 << 16 };
enum { TELL, ASK, ANSWER };

typedef struct record {
    uint32_t bytes, kind;
    uint64_t to, from, number;
} record;

static const struct row {
    const char *name;
    uint64_t n;
    uint32_t bytes;
    unsigned at_once;
} rows[] = {
    {"tell64", 20000000, 64, 0}, {"tell4k", 1000000, 4096, 0},  {"call1", 50000, 0, 1},
    {"call64", 5000000, 0, 64},  {"call256", 10000000, 0, 256}, {0},
};

static const struct row *row;
static int fd, poller;
static uint8_t out[OUT_BYTES + 8192], in[IN_BYTES], some[4096];
static size_t out_n, out_at, in_n;
static uint64_t sent, done;
static float us[TIMES_MAX];
static unsigned times;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void put(uint32_t kind, uint32_t bytes, uint64_t number)
{
    record r = {.bytes = bytes, .kind = kind, .number = number};
    memcpy(out + out_n, &r, sizeof r);
    memcpy(out + out_n + sizeof r, some, bytes);
    out_n += sizeof r + bytes;
}

static void flush(void)
{
    while (out_at < out_n) {
        ssize_t k = write(fd, out + out_at, out_n - out_at);
        if (k < 0 && errno == EAGAIN)
            return;
        if (k < 0)
            die("write");
        out_at += (size_t)k;
    }
    out_at = out_n = 0;
}

/* Waits for what may be read, or written if something is left. */
static void wait_for(int reads)
{
    struct epoll_event e = {.events = (reads ? EPOLLIN : 0) | (out_n != 0 ? EPOLLOUT : 0)};
    static uint32_t watched = EPOLLIN;
    if (e.events != watched && epoll_ctl(poller, EPOLL_CTL_MOD, fd, &e) != 0)
        die("epoll_ctl");
    watched = e.events;
    if (epoll_wait(poller, &e, 1, -1) < 0 && errno != EINTR)
        die("epoll_wait");
}

static int take(void (*each)(const record *r))
{
    ssize_t k = read(fd, in + in_n, sizeof in - in_n);
    size_t at = 0;
    if (k < 0 && errno == EAGAIN)
        return 1;
    if (k <= 0)
        return 0;
    in_n += (size_t)k;
    while (in_n - at >= sizeof(record)) {
        record r;
        memcpy(&r, in + at, sizeof r);
        if (in_n - at < sizeof r + r.bytes)
            break;
        each(&r);
        at += sizeof r + r.bytes;
    }
    memmove(in, in + at, in_n - at);
    in_n -= at;
    return 1;
}

static void serve(const record *r)
{
    if (r->kind == TELL)
        done++;
    else
        put(ANSWER, 0, done);
}

static void answered(const record *r)
{
    (void)r;
    done++;
    if (row->at_once != 0 && sent < row->n) {
        put(ASK, 0, sent);
        sent++;
    }
}

static void there(void)
{
    for (;;) {
        wait_for(1);
        if (!take(serve))
            exit(0);
        flush();
    }
}

static void pour(void)
{
    while (sent < row->n) {
        while (sent < row->n && out_n + sizeof(record) + row->bytes <= OUT_BYTES) {
            put(TELL, row->bytes, sent);
            sent++;
        }
        flush();
        if (out_n != 0)
            wait_for(0);
    }
    while (out_n != 0) {
        wait_for(0);
        flush();
    }
    put(ASK, 0, 0);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void here(void)
{
    double begun = now_s(), asked = begun;
    uint64_t wanted = row->at_once != 0 ? row->n : 1;
    if (row->at_once == 0)
        pour();
    for (unsigned i = 0; i < row->at_once; i++, sent++)
        put(ASK, 0, i);
    while (done < wanted) {
        flush();
        wait_for(1);
        if (!take(answered))
            die("read");
        if (row->at_once == 1 && times < TIMES_MAX) {
            double now = now_s();
            us[times++] = (float)((now - asked) * 1e6);
            asked = now;
        }
    }
    double rate = (double)row->n / (now_s() - begun);
    if (row->at_once == 0 && row->bytes > 1000)
        printf("%s %.1f MB/s\n", row->name, rate * row->bytes * 1e-6);
    else
        printf("%s %.0f %s\n", row->name, rate, row->at_once != 0 ? "calls/s" : "msg/s");
    if (row->at_once == 1) {
        qsort(us, times, sizeof *us, by_value);
        printf("%s_p50 %.1f us\n%s_p99 %.1f us\n", row->name, (double)us[times / 2], row->name,
               (double)us[times * 99 / 100]);
    }
}

static void join(int listener, int connects, const struct sockaddr_in *at)
{
    int one = 1;
    fd = connects ? socket(AF_INET, SOCK_STREAM, 0) : accept(listener, NULL, NULL);
    if (fd < 0 || (connects && connect(fd, (const void *)at, sizeof *at) != 0))
        die("join");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN};
    poller = epoll_create1(0);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || poller < 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) != 0)
        die("epoll");
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    for (const struct row *r = rows; argc == 2 && r->name != NULL; r++)
        if (strcmp(r->name, argv[1]) == 0)
            row = r;
    if (row == NULL)
        return 64;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (void *)&at, n) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (void *)&at, &n) != 0)
        die("listen");
    pid_t child = fork();
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    join(listener, child != 0, &at);
    if (child == 0)
        there();
    here();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
