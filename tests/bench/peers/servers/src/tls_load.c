/* SPDX-License-Identifier: MIT */
/* tls_load PORT full|resume CONNECTIONS SECONDS [WARM_UP]
 * Handshakes: each of CONNECTIONS connects, shakes hands (with "resume" by the session it was given last), asks
 * GET /hello with "Connection: close", reads to the end, and begins anew; an operation is all of that.
 * Prints "mark" when the warm-up is over, then key=value pairs. An answer without a 200, and a session that is
 * not resumed, are errors. */
#include "tls_context.h"

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

struct end {
    int fd;
    bool up, answered;
    SSL *ssl;
    SSL_SESSION *session; /* to resume with */
    uint64_t began;
};

static struct {
    bool resume, marked;
    int poll, port, place;
    SSL_CTX *ctx;
    uint64_t start, end, operations, errors;
    struct histogram latency;
} load;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct end *e = SSL_get_ex_data(ssl, load.place);
    SSL_SESSION_free(e->session);
    e->session = session;
    return 1;
}

static void begin(struct end *e)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)load.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = e};
    e->began = now_ns();
    e->up = e->answered = false;
    e->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    e->ssl = SSL_new(load.ctx);
    if (e->fd < 0 || e->ssl == NULL)
        die("no socket, or no memory");
    nodelay(e->fd);
    SSL_set_fd(e->ssl, e->fd);
    SSL_set_ex_data(e->ssl, load.place, e);
    SSL_set_connect_state(e->ssl);
    if (load.resume && e->session != NULL) {
        /* a copy: OpenSSL spoils one that was used, and not every server gives the next one each time */
        SSL_SESSION *copy = SSL_SESSION_dup(e->session);
        SSL_set_session(e->ssl, copy);
        SSL_SESSION_free(copy);
    }
    if (connect(e->fd, (struct sockaddr *)&a, sizeof a) != 0 && errno != EINPROGRESS)
        die("connect");
    if (epoll_ctl(load.poll, EPOLL_CTL_ADD, e->fd, &ev) != 0)
        die("epoll_ctl");
}

static void count(const struct end *e, bool good)
{
    uint64_t t = now_ns();
    if (t < load.start)
        return;
    if (!load.marked) {
        load.marked = true;
        puts("mark");
        fflush(stdout);
    }
    load.operations += good;
    load.errors += !good;
    if (good)
        histogram_add(&load.latency, t - e->began);
}

static void again(struct end *e, bool good)
{
    count(e, good);
    SSL_set_shutdown(e->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(e->ssl);
    close(e->fd);
    begin(e);
}

/* 1: up; 0: not yet; -1: it failed, or was not as it should be. */
static int shake(struct end *e)
{
    if (e->up)
        return 1;
    int result = SSL_do_handshake(e->ssl);
    if (result != 1)
        return SSL_get_error(e->ssl, result) == SSL_ERROR_WANT_READ ? 0 : -1;
    if (SSL_session_reused(e->ssl) != (load.resume && e->session != NULL))
        return -1;
    e->up = true;
    return SSL_write(e->ssl, request, sizeof request - 1) > 0 ? 1 : -1;
}

static void go_on(struct end *e)
{
    char in[16384];
    ERR_clear_error();
    int is_up = shake(e), n;
    if (is_up < 0)
        again(e, false);
    if (is_up <= 0)
        return;
    while (ERR_clear_error(), (n = SSL_read(e->ssl, in, sizeof in)) > 0)
        e->answered = e->answered || (n > 12 && memcmp(in + 8, " 200", 4) == 0);
    /* the end comes as close_notify, or, from some, as that of the connection alone */
    if (SSL_get_error(e->ssl, n) != SSL_ERROR_WANT_READ)
        again(e, e->answered);
}

static uint64_t run(void)
{
    struct epoll_event ev[256];
    uint64_t t = now_ns();
    while (t < load.end) {
        int k = epoll_wait(load.poll, ev, 256, 5000);
        if (k <= 0)
            die("stalled");
        for (int i = 0; i < k; i++)
            go_on(ev[i].data.ptr);
        t = now_ns();
        if (load.errors > 100 && load.errors > load.operations)
            die("%llu handshakes failed", (unsigned long long)load.errors);
    }
    return t;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage: tls_load PORT full|resume CONNECTIONS SECONDS [WARM_UP]");
    int connections = atoi(argv[3]);
    double warm_up = argc > 5 ? atof(argv[5]) : 0.5;
    struct end *ends = calloc((size_t)connections, sizeof *ends);
    load.port = atoi(argv[1]);
    load.resume = strcmp(argv[2], "resume") == 0;
    load.ctx = client_context();
    if (load.resume) {
        SSL_CTX_set_session_cache_mode(load.ctx,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(load.ctx, on_session);
    }
    load.place = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    if (ends == NULL || connections <= 0)
        die("no memory, or no connections");
    signal(SIGPIPE, SIG_IGN);
    load.start = now_ns() + (uint64_t)(warm_up * 1e9);
    load.end = load.start + (uint64_t)(atof(argv[4]) * 1e9);
    for (int i = 0; i < connections; i++)
        begin(&ends[i]);
    double took = (double)(run() - load.start) / 1e9;
    printf("rate=%.1f p50_us=%.1f p99_us=%.1f ops=%llu errors=%llu\n",
           (double)load.operations / took, histogram_us(&load.latency, .5),
           histogram_us(&load.latency, .99), (unsigned long long)load.operations,
           (unsigned long long)load.errors);
    return 0;
}
