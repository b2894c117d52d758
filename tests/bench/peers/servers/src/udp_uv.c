/* SPDX-License-Identifier: MIT */
/* udp_uv PORT: echo of datagrams on libuv, with the recvmmsg it offers; uv_udp_try_send first, uv_udp_send for
 * what does not go at once. */
#include "common.h"

#include <uv.h>

static char slab[20 * 65536]; /* libuv cuts it in pieces of 64 KiB */

static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b)
{
    (void)h;
    (void)n;
    *b = uv_buf_init(slab, sizeof slab);
}

static void on_sent(uv_udp_send_t *s, int status)
{
    (void)status;
    free(s->data);
    free(s);
}

static void send_later(uv_udp_t *u, const uv_buf_t *b, const struct sockaddr *to)
{
    uv_udp_send_t *s = malloc(sizeof *s);
    s->data = malloc(b->len);
    memcpy(s->data, b->base, b->len);
    uv_buf_t copy = uv_buf_init(s->data, (unsigned)b->len);
    if (uv_udp_send(s, u, &copy, 1, to, on_sent))
        on_sent(s, 0);
}

static void on_datagram(uv_udp_t *u, ssize_t n, const uv_buf_t *b, const struct sockaddr *from,
                        unsigned flags)
{
    (void)flags;
    if (n <= 0 || !from)
        return;
    uv_buf_t all = uv_buf_init(b->base, (unsigned)n);
    if (uv_udp_try_send(u, &all, 1, from) == UV_EAGAIN)
        send_later(u, &all, from);
}

int main(int argc, char **argv)
{
    uv_udp_t u;
    struct sockaddr_in a;
    uv_ip4_addr("127.0.0.1", port_argument(argc, argv), &a);
    if (uv_udp_init_ex(uv_default_loop(), &u, AF_INET | UV_UDP_RECVMMSG) ||
        uv_udp_bind(&u, (struct sockaddr *)&a, 0) || uv_udp_recv_start(&u, on_alloc, on_datagram))
        die("bind");
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
