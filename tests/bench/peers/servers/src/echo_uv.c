/* SPDX-License-Identifier: MIT */
/* echo_uv PORT: echo on libuv's streams; uv_try_write first, uv_write for what is left. */
#include "common.h"

#include <uv.h>

static char slab[65536];

static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b)
{
    (void)h;
    (void)n;
    *b = uv_buf_init(slab, sizeof slab);
}

static void on_close(uv_handle_t *h)
{
    free(h);
}

static void on_written(uv_write_t *w, int status)
{
    (void)status;
    free(w->data);
    free(w);
}

static void write_rest(uv_stream_t *s, const char *rest, size_t n)
{
    uv_write_t *w = malloc(sizeof *w);
    w->data = malloc(n);
    memcpy(w->data, rest, n);
    uv_buf_t b = uv_buf_init(w->data, (unsigned)n);
    uv_write(w, s, &b, 1, on_written);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    if (n < 0) {
        uv_close((uv_handle_t *)s, on_close);
        return;
    }
    if (n == 0)
        return;
    uv_buf_t all = uv_buf_init(b->base, (unsigned)n);
    int w = uv_try_write(s, &all, 1);
    if (w == n)
        return;
    if (w < 0)
        w = 0;
    write_rest(s, b->base + w, (size_t)(n - w));
}

static void on_connection(uv_stream_t *l, int status)
{
    if (status < 0)
        return;
    uv_tcp_t *c = malloc(sizeof *c);
    uv_tcp_init(l->loop, c);
    if (uv_accept(l, (uv_stream_t *)c)) {
        uv_close((uv_handle_t *)c, on_close);
        return;
    }
    uv_tcp_nodelay(c, 1);
    uv_read_start((uv_stream_t *)c, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    uv_tcp_t l;
    struct sockaddr_in a;
    uv_tcp_init(uv_default_loop(), &l);
    uv_ip4_addr("127.0.0.1", port_argument(argc, argv), &a);
    if (uv_tcp_bind(&l, (struct sockaddr *)&a, 0) ||
        uv_listen((uv_stream_t *)&l, 4096, on_connection))
        die("listen");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
