/* SPDX-License-Identifier: MIT */
/* node_nng KIND CASE: two processes joined by NNG over TCP.
 *
 *     stream   an nng_stream, with the records and writes of node_floor: what a link over NNG cannot beat
 *     pair     a message of a pair socket for each record, with asynchronous calls: NNG as it is meant
 *
 * All is done in NNG's callbacks, without a thread of its own. Prints lines "name value unit". */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

enum { OUT_BYTES = 64 << 10, IN_BYTES = 256 << 10, TIMES_MAX = 1 << 16, URL_BYTES = 64 };
enum { TELL, ASK, ANSWER };

typedef struct record {
    uint32_t bytes, kind;
    uint64_t to, from, number;
} record;

static const struct row {
    const char *name;
    uint64_t n, n_pair;
    uint32_t bytes;
    unsigned at_once;
} rows[] = {
    {"tell64", 20000000, 400000, 64, 0},  {"tell4k", 1000000, 100000, 4096, 0},
    {"call1", 20000, 10000, 0, 1},        {"call64", 2000000, 200000, 0, 64},
    {"call256", 5000000, 200000, 0, 256}, {0},
};

static const struct row *row;
static int is_stream;
static uint64_t n;
static nng_stream *stream;
static nng_socket pair;
static nng_aio *out_aio, *in_aio;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t over = PTHREAD_COND_INITIALIZER;
static uint8_t out[2][OUT_BYTES + 16384], in[IN_BYTES], some[4096];
static size_t out_n[2], out_at, in_n;
static unsigned filled; /* the buffer that is written to; the other one is being sent */
static uint64_t due[3], sent, told,
    done; /* @due: messages of a pair that are to be sent, of each kind */
static int sending, begun, finished;
static double asked;
static float us[TIMES_MAX];
static unsigned times;

static void must(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "node_nng: %s: %s\n", what, nng_strerror(error));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- out; all with the lock */

static void put(uint32_t kind, uint32_t bytes)
{
    record r = {.bytes = bytes, .kind = kind, .number = sent};
    if (!is_stream) {
        due[kind]++;
        return;
    }
    uint8_t *to = out[filled] + out_n[filled];
    memcpy(to, &r, sizeof r);
    memcpy(to + sizeof r, some, bytes);
    out_n[filled] += sizeof r + bytes;
}

/* As many tells as fit; behind the last one a request. */
static void pour(void)
{
    if (!begun || row->at_once != 0 || finished)
        return;
    while (sent < n && (is_stream ? out_n[filled] + sizeof(record) + row->bytes <= OUT_BYTES
                                  : due[TELL] == 0)) {
        put(TELL, row->bytes);
        sent++;
    }
    if (sent == n) {
        sent++;
        put(ASK, 0);
    }
}

static void submit_stream(void)
{
    unsigned b = filled ^ 1;
    nng_iov iov = {out[b] + out_at, out_n[b] - out_at};
    nng_aio_set_iov(out_aio, 1, &iov);
    nng_stream_send(stream, out_aio);
}

static void submit_message(void)
{
    uint32_t kind = due[ANSWER] != 0 ? ANSWER : due[TELL] != 0 ? TELL : ASK;
    record r = {.bytes = kind == TELL ? row->bytes : 0, .kind = kind};
    nng_msg *msg;
    due[kind]--;
    must(nng_msg_alloc(&msg, 0), "nng_msg_alloc");
    must(nng_msg_append(msg, &r, sizeof r), "nng_msg_append");
    if (r.bytes != 0)
        must(nng_msg_append(msg, some, r.bytes), "nng_msg_append");
    nng_aio_set_msg(out_aio, msg);
    nng_send_aio(pair, out_aio);
}

static void pump(void)
{
    if (sending)
        return;
    if (is_stream && out_n[filled] != 0) {
        sending = 1;
        filled ^= 1;
        out_n[filled] = out_at = 0;
        submit_stream();
    } else if (!is_stream && (due[TELL] | due[ASK] | due[ANSWER]) != 0) {
        sending = 1;
        submit_message();
    }
}

static void on_sent(void *context)
{
    (void)context;
    if (nng_aio_result(out_aio) != 0)
        return;
    pthread_mutex_lock(&lock);
    out_at += nng_aio_count(out_aio);
    if (is_stream && out_at < out_n[filled ^ 1])
        submit_stream();
    else {
        sending = 0;
        pump(); /* first what stands there, then more is put behind it */
        pour();
        pump();
    }
    pthread_mutex_unlock(&lock);
}

/* ---- in */

static void answered(void)
{
    done++;
    if (row->at_once == 1 && times < TIMES_MAX) {
        double now = now_s();
        us[times++] = (float)((now - asked) * 1e6);
        asked = now;
    }
    if (row->at_once != 0 && sent < n) {
        put(ASK, 0);
        sent++;
    }
    if (done == (row->at_once != 0 ? n : 1)) {
        finished = 1;
        pthread_cond_signal(&over);
    }
}

static void take(const record *r)
{
    if (r->kind == TELL)
        told++;
    else if (r->kind == ASK)
        put(ANSWER, 0);
    else
        answered();
}

static void take_bytes(size_t got)
{
    size_t at = 0;
    in_n += got;
    while (in_n - at >= sizeof(record)) {
        record r;
        memcpy(&r, in + at, sizeof r);
        if (in_n - at < sizeof r + r.bytes)
            break;
        take(&r);
        at += sizeof r + r.bytes;
    }
    memmove(in, in + at, in_n - at);
    in_n -= at;
}

static void receive(void)
{
    if (!is_stream) {
        nng_recv_aio(pair, in_aio);
        return;
    }
    nng_iov iov = {in + in_n, sizeof in - in_n};
    nng_aio_set_iov(in_aio, 1, &iov);
    nng_stream_recv(stream, in_aio);
}

static void on_received(void *context)
{
    (void)context;
    if (nng_aio_result(in_aio) != 0)
        return;
    pthread_mutex_lock(&lock);
    if (is_stream)
        take_bytes(nng_aio_count(in_aio));
    else {
        nng_msg *msg = nng_aio_get_msg(in_aio);
        take(nng_msg_body(msg));
        nng_msg_free(msg);
    }
    pump();
    pthread_mutex_unlock(&lock);
    receive();
}

/* ---- both */

static void join_stream(const char *url, int dials, int ready[2])
{
    nng_aio *aio;
    must(nng_aio_alloc(&aio, NULL, NULL), "nng_aio_alloc");
    if (dials) {
        nng_stream_dialer *dialer;
        char at[URL_BYTES];
        if (read(ready[0], at, sizeof at) != sizeof at)
            exit(1);
        must(nng_stream_dialer_alloc(&dialer, at), "nng_stream_dialer_alloc");
        nng_stream_dialer_dial(dialer, aio);
    } else {
        nng_stream_listener *listener;
        char at[URL_BYTES] = "";
        int port = 0;
        must(nng_stream_listener_alloc(&listener, url), "nng_stream_listener_alloc");
        must(nng_stream_listener_listen(listener), "nng_stream_listener_listen");
        must(nng_stream_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), "its port");
        snprintf(at, sizeof at, "tcp://127.0.0.1:%d", port);
        if (write(ready[1], at, sizeof at) != sizeof at)
            exit(1);
        nng_stream_listener_accept(listener, aio);
    }
    nng_aio_wait(aio);
    must(nng_aio_result(aio), "connecting");
    stream = nng_aio_get_output(aio, 0);
    (void)nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true);
}

static void join_pair(const char *url, int dials, int ready[2])
{
    char at[URL_BYTES] = "";
    nng_listener listener;
    int port = 0;
    must(nng_pair0_open(&pair), "nng_pair0_open");
    if (dials) {
        if (read(ready[0], at, sizeof at) != sizeof at)
            exit(1);
        must(nng_dial(pair, at, NULL, 0), "nng_dial");
        return;
    }
    must(nng_listen(pair, url, &listener, 0), "nng_listen");
    must(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), "its port");
    snprintf(at, sizeof at, "tcp://127.0.0.1:%d", port);
    if (write(ready[1], at, sizeof at) != sizeof at)
        exit(1);
}

static void join(int dials, int ready[2])
{
    (is_stream ? join_stream : join_pair)("tcp://127.0.0.1:0", dials, ready);
    must(nng_aio_alloc(&out_aio, on_sent, NULL), "nng_aio_alloc");
    must(nng_aio_alloc(&in_aio, on_received, NULL), "nng_aio_alloc");
    receive();
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void here(void)
{
    double from = asked = now_s();
    pthread_mutex_lock(&lock);
    begun = 1;
    for (unsigned i = 0; i < row->at_once; i++, sent++)
        put(ASK, 0);
    pour();
    pump();
    while (!finished)
        pthread_cond_wait(&over, &lock);
    double rate = (double)n / (now_s() - from);
    if (row->at_once == 0 && row->bytes > 1000)
        printf("%s %.1f MB/s\n", row->name, rate * row->bytes * 1e-6);
    else
        printf("%s %.0f %s\n", row->name, rate, row->at_once != 0 ? "calls/s" : "msg/s");
    if (row->at_once != 1)
        return;
    qsort(us, times, sizeof *us, by_value);
    printf("%s_p50 %.1f us\n%s_p99 %.1f us\n", row->name, (double)us[times / 2], row->name,
           (double)us[times * 99 / 100]);
}

int main(int argc, char **argv)
{
    int ready[2];
    for (const struct row *r = rows; argc == 3 && r->name != NULL; r++)
        if (strcmp(r->name, argv[2]) == 0)
            row = r;
    if (row == NULL || pipe(ready) != 0)
        return 64;
    is_stream = strcmp(argv[1], "stream") == 0;
    n = is_stream ? row->n : row->n_pair;
    pid_t child = fork(); /* before NNG has threads */
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        join(0, ready);
        for (;;)
            pause();
    }
    join(1, ready);
    here();
    fflush(stdout);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    _exit(0); /* without waiting for what is under way */
}
