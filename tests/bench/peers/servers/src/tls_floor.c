/* SPDX-License-Identifier: MIT */
/* tls_floor PORT BACK FOLDER: epoll and OpenSSL, and a canned 200 for each CRLF CRLF seen; the floor of HTTP
 * over TLS. An ECDSA certificate at PORT, an RSA one at BACK: FOLDER's ecdsa.pem and rsa.pem. */
#include "tls_context.h"

static const char canned[] = "HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/plain\r\n"
                             "Content-Length: 5\r\n\r\nhello";
static char in[65536];

struct end {
    int fd;
    SSL_CTX *ctx; /* of a listener */
    SSL *ssl;     /* of a connection */
};

static void watch(int poll, struct end *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};
    epoll_ctl(poll, EPOLL_CTL_ADD, e->fd, &ev);
}

static struct end *end_new(int fd, SSL_CTX *ctx, SSL *ssl)
{
    struct end *e = malloc(sizeof *e);
    if (e == NULL || fd < 0)
        die("no memory, or no descriptor");
    *e = (struct end){fd, ctx, ssl};
    return e;
}

static void accept_all(int poll, const struct end *listener)
{
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        SSL *ssl = SSL_new(listener->ctx);
        nodelay(fd);
        SSL_set_fd(ssl, fd);
        SSL_set_accept_state(ssl);
        watch(poll, end_new(fd, NULL, ssl));
    }
}

/* Answers what came; false: the connection is over. */
static bool answer(struct end *e)
{
    int n;
    while (ERR_clear_error(), (n = SSL_read(e->ssl, in, sizeof in)) > 0) {
        const char *p = in, *end = in + n, *q;
        for (; (q = memmem(p, (size_t)(end - p), "\r\n\r\n", 4)) != NULL; p = q + 4)
            SSL_write(e->ssl, canned, sizeof canned - 1);
        if (memmem(in, (size_t)n, "Connection: close", 17) != NULL) {
            SSL_shutdown(e->ssl);
            return false;
        }
    }
    return SSL_get_error(e->ssl, n) == SSL_ERROR_WANT_READ;
}

int main(int argc, char **argv)
{
    struct epoll_event ev[256];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (argc != 4)
        die("usage: tls_floor PORT BACK FOLDER");
    raise_nofile();
    signal(SIGPIPE, SIG_IGN);
    watch(poll, end_new(listen_tcp(atoi(argv[1])), server_context(argv[3], "ecdsa"), NULL));
    watch(poll, end_new(listen_tcp(atoi(argv[2])), server_context(argv[3], "rsa"), NULL));
    for (;;) {
        int n = epoll_wait(poll, ev, 256, -1);
        for (int i = 0; i < n; i++) {
            struct end *e = ev[i].data.ptr;
            if (e->ctx != NULL) {
                accept_all(poll, e);
            } else if (!answer(e)) {
                close(e->fd);
                SSL_free(e->ssl);
                free(e);
            }
        }
    }
}
