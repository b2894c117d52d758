/* SPDX-License-Identifier: MIT */
/* http_epoll PORT: a canned 200 for each CRLF CRLF seen, with no parsing; the floor of HTTP. */
#include "epoll_server.h"

static const char canned[] = "HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/plain\r\n"
                             "Content-Length: 5\r\n\r\nhello";
static char server_out[1 << 20];

static inline void server_answer(int fd, size_t n)
{
    const char *p = server_in, *end = server_in + n, *q;
    size_t out = 0;
    for (; (q = memmem(p, (size_t)(end - p), "\r\n\r\n", 4)); p = q + 4) {
        memcpy(server_out + out, canned, sizeof canned - 1);
        out += sizeof canned - 1;
    }
    if (out)
        write_all(fd, server_out, out);
}

int main(int argc, char **argv)
{
    server_run(port_argument(argc, argv));
}
