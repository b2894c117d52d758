/* SPDX-License-Identifier: MIT */
/* node_zmq CASE: two processes joined by a pair of ZeroMQ's sockets over TCP, one message for each record.
 * Prints lines "name value unit". */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

enum { TIMES_MAX = 1 << 16, URL_BYTES = 64 };
enum { TELL, ASK };

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
    {"tell64", 2000000, 64, 0}, {"tell4k", 200000, 4096, 0}, {"call1", 20000, 0, 1},
    {"call64", 500000, 0, 64},  {"call256", 500000, 0, 256}, {0},
};

static const struct row *row;
static void *pair;
static uint8_t out[sizeof(record) + 4096], in[sizeof(record) + 4096];
static float us[TIMES_MAX];
static unsigned times;

static void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "node_zmq: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put(uint32_t kind, uint32_t bytes)
{
    record r = {.bytes = bytes, .kind = kind};
    memcpy(out, &r, sizeof r);
    must(zmq_send(pair, out, sizeof r + bytes, 0) >= 0, "zmq_send");
}

static uint32_t take(void)
{
    record r;
    must(zmq_recv(pair, in, sizeof in, 0) >= (int)sizeof r, "zmq_recv");
    memcpy(&r, in, sizeof r);
    return r.kind;
}

static void there(void)
{
    for (;;)
        if (take() == ASK)
            put(ASK, 0);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void here(void)
{
    double begun = now_s(), asked = begun;
    uint64_t sent = 0, done = 0;
    for (uint64_t i = 0; row->at_once == 0 && i < row->n; i++)
        put(TELL, row->bytes);
    for (; sent < (row->at_once != 0 ? row->at_once : 1); sent++)
        put(ASK, 0);
    for (; done < (row->at_once != 0 ? row->n : 1); done++) {
        take();
        double now = row->at_once == 1 ? now_s() : 0;
        if (row->at_once == 1 && times < TIMES_MAX)
            us[times++] = (float)((now - asked) * 1e6);
        asked = now;
        if (row->at_once != 0 && sent < row->n) {
            put(ASK, 0);
            sent++;
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

int main(int argc, char **argv)
{
    char url[URL_BYTES] = "";
    size_t size = sizeof url;
    int ready[2], none = 0;
    for (const struct row *r = rows; argc == 2 && r->name != NULL; r++)
        if (strcmp(r->name, argv[1]) == 0)
            row = r;
    if (row == NULL || pipe(ready) != 0)
        return 64;
    pid_t child = fork(); /* before ZeroMQ has threads */
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    pair = zmq_socket(zmq_ctx_new(), ZMQ_PAIR);
    must(pair != NULL, "zmq_socket");
    (void)zmq_setsockopt(pair, ZMQ_LINGER, &none, sizeof none);
    if (child == 0) {
        must(zmq_bind(pair, "tcp://127.0.0.1:*") == 0, "zmq_bind");
        must(zmq_getsockopt(pair, ZMQ_LAST_ENDPOINT, url, &size) == 0, "its address");
        if (write(ready[1], url, sizeof url) != sizeof url)
            return 1;
        there();
    }
    if (read(ready[0], url, sizeof url) != sizeof url)
        return 1;
    must(zmq_connect(pair, url) == 0, "zmq_connect");
    here();
    fflush(stdout);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    _exit(0);
}
