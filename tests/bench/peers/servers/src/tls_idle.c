/* SPDX-License-Identifier: MIT */
/* tls_idle HOST PORT N REQUEST: as idle_connections, with TLS. What this side needed for the handshake is
 * given back: the connections are held, and nothing more is said on them. */
#include "tls_context.h"

#include <sys/time.h>

/* Whether it was answered. */
static bool ask(SSL_CTX *ctx, int fd, const char *request, size_t size)
{
    struct timeval patience = {.tv_sec = 5};
    char buffer[8192];
    SSL *ssl = SSL_new(ctx);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL_set_fd(ssl, fd);
    bool good = SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)size) > 0 &&
                SSL_read(ssl, buffer, sizeof buffer) > 0;
    SSL_set_quiet_shutdown(ssl, 1);
    SSL_free(ssl);
    return good;
}

int main(int argc, char **argv)
{
    char byte;
    if (argc < 5)
        die("usage: tls_idle HOST PORT N REQUEST");
    int port = atoi(argv[2]), n = atoi(argv[3]), bad = 0;
    size_t size = unescape(argv[4]);
    SSL_CTX *ctx = client_context();
    raise_nofile();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < n; i++)
        bad += !ask(ctx, dial(argv[1], port), argv[4], size);
    printf("ready %d bad %d\n", n, bad);
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
}
