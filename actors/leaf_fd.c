/* SPDX-License-Identifier: MIT */
/* The leaf of descriptors: sockets, pipes, terminals. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "address.h"
#include "conn.h"
#include "sends.h"

enum { SENDFILE_MAX = 1 << 30 };

static int fd_of(const conn *c)
{
    return weft_watch_fd(&c->watch);
}

static weft_err failed(int err, const char *what, weft_why *why)
{
    if (err == EAGAIN || err == EINTR)
        return WEFT_EFULL;
    return weft_because(why, weft_err_from_errno(err), "%s: %s", what, strerror(err));
}

weft_err wf_fd_read(int fd, size_t max, weft_account *window, weft_bytes *out, weft_why *why)
{
    uint8_t *block = weft_read_block();
    if (block == NULL)
        return WEFT_ENOMEM;
    ssize_t n = read(fd, block, max);
    if (n == 0)
        return WEFT_EDONE;
    if (n < 0)
        /* a terminal whose other side closed says EIO: the end, not a failure */
        return errno == EIO ? WEFT_EDONE : failed(errno, "read", why);
    weft_err err = weft_read_bytes((size_t)n, window, out);
    /* these bytes have left the kernel: without memory for them the stream is lost, not a part of it */
    return err == WEFT_ENOMEM ? weft_because(why, WEFT_ELOST, "no memory for what was read") : err;
}

static weft_err fd_read(conn *c, weft_bytes *out, weft_why *why)
{
    return wf_fd_read(fd_of(c), conn_read_max(c), &c->window, out, why);
}

static ssize_t send_vector(conn *c, struct iovec *v, unsigned k, int more)
{
    int fd = fd_of(c);
    if ((c->flags & CONN_NO_SOCKET) == 0) {
        struct msghdr m = {.msg_iov = v, .msg_iovlen = k};
        ssize_t n = k == 1 ? send(fd, v->iov_base, v->iov_len, MSG_NOSIGNAL | more)
                           : sendmsg(fd, &m, MSG_NOSIGNAL | more);
        if (n >= 0 || errno != ENOTSOCK)
            return n;
        c->flags |= CONN_NO_SOCKET;
    }
    return writev(fd, v, (int)k);
}

/* One write, of the first @n of a vector. */
typedef struct fd_write_plan {
    unsigned n;
    int flags;
    size_t total;
} fd_write_plan;

static weft_err send_file(conn *c, const conn_item *item, size_t *sent, weft_why *why)
{
    off_t at = (off_t)item->offset;
    size_t size = item->bytes.size < SENDFILE_MAX ? item->bytes.size : SENDFILE_MAX;
    ssize_t n = sendfile(fd_of(c), weft_file_fd(item->file), &at, size);
    if (n < 0)
        return failed(errno, "sendfile", why);
    if (n == 0)
        return weft_because(why, WEFT_ETRUNCATED, "the file being sent became %zu bytes shorter",
                            item->bytes.size);
    *sent = (size_t)n;
    return (size_t)n < item->bytes.size ? WEFT_EFULL : WEFT_OK;
}

/* Whether the end follows as soon as what is queued has left. A meter may let only a part leave for now, and
 * the kernel closes a record that it seals with its last bytes. */
static bool ends_behind(const conn *c)
{
    return (c->flags & (CONN_END_OUT | CONN_CLOSING)) != 0 && c->leaf == &wf_conn_leaf_fd &&
           conn_down_done(c);
}

/* Describes what of @n items, of which the first is no file, one write takes. */
static fd_write_plan plan(const conn *c, const conn_item *items, unsigned n, struct iovec *v)
{
    fd_write_plan p = {0};
    for (; p.n < n && items[p.n].file == NULL; p.n++) {
        const weft_bytes *is = &items[p.n].bytes;
        v[p.n] = (struct iovec){(void *)(uintptr_t)is->at, is->size};
        p.total += is->size;
    }
    /* a head leaves together with the file behind it, the last bytes in one segment with the end */
    p.flags = p.n < n || ends_behind(c) ? MSG_MORE : 0;
    return p;
}

/* What a write of @total bytes has come to: so many, or an errno. */
static weft_err written(ssize_t n, int err, size_t total, size_t *sent, weft_why *why)
{
    if (n < 0)
        return failed(err, "write", why);
    *sent = (size_t)n;
    return (size_t)n < total ? WEFT_EFULL : WEFT_OK;
}

static weft_err fd_write(conn *c, const conn_item *items, unsigned n, size_t *sent, weft_why *why)
{
    struct iovec v[CONN_WRITE_ITEMS];
    if (items[0].file != NULL)
        return send_file(c, &items[0], sent, why);
    fd_write_plan p = plan(c, items, n, v);
    ssize_t w = send_vector(c, v, p.n, p.flags);
    return written(w, errno, p.total, sent, why);
}

bool wf_fd_join(const conn *c, struct iovec *v, wf_send *send)
{
    const uint32_t never =
        CONN_NO_SOCKET | CONN_CLOSED | CONN_OPENING | CONN_BLOCKED | CONN_FLUSHING;
    const conn_out *o = c->out;
    if (c->leaf != &wf_conn_leaf_fd || (c->flags & never) != 0 || o == NULL || o->next != NULL ||
        o->item[o->first].file != NULL)
        return false;
    fd_write_plan p = plan(c, &o->item[o->first], o->n - o->first, v);
    *send = (wf_send){fd_of(c), p.flags, {.msg_iov = v, .msg_iovlen = p.n}, 0};
    return true;
}

weft_err wf_fd_joined(const wf_send *send, size_t *sent, weft_why *why)
{
    size_t total = 0;
    if (send->sent == -ENOTSOCK) /* is tried again, alone, which finds it out */
        return WEFT_OK;
    for (size_t i = 0; i < send->is.msg_iovlen; i++)
        total += send->is.msg_iov[i].iov_len;
    return written(send->sent, (int)-send->sent, total, sent, why);
}

static void fd_want(conn *c, unsigned events)
{
    weft_watch_set(&c->watch, events);
}

static void fd_end(conn *c)
{
    (void)shutdown(fd_of(c), SHUT_WR);
}

static void fd_close(conn *c, bool abort)
{
    int fd = fd_of(c);
    weft_watch_set(&c->watch, 0);
    if (abort) {
        struct linger now = {1, 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    (void)close(fd);
}

void wf_fd_addresses(const conn *c, weft_address *local, weft_address *peer)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    if (local != NULL && getsockname(fd_of(c), (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(local, (const struct sockaddr *)&sa, n);
    n = sizeof sa;
    if (peer != NULL && getpeername(fd_of(c), (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(peer, (const struct sockaddr *)&sa, n);
}

static void fd_addresses(conn *c, weft_address *local, weft_address *peer)
{
    wf_fd_addresses(c, local, peer);
}

static weft_err fd_nodelay(conn *c, bool on)
{
    int value = on;
    if (setsockopt(fd_of(c), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0)
        return WEFT_OK;
    return errno == EOPNOTSUPP || errno == ENOTSOCK ? WEFT_EUNSUPPORTED
                                                    : weft_err_from_errno(errno);
}

static bool fd_unread(conn *c)
{
    char byte;
    return recv(fd_of(c), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

const conn_leaf wf_conn_leaf_fd = {
    .name = "fd",
    .read = fd_read,
    .write = fd_write,
    .want = fd_want,
    .end = fd_end,
    .close = fd_close,
    .addresses = fd_addresses,
    .nodelay = fd_nodelay,
    .unread = fd_unread,
    .copies = true,
};

/* A pipe has this leaf, too, and so has what was given to the program, of any kind. */
static bool is_stream_socket(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

int weft_stream_socket(weft_actor *self, weft_ref stream)
{
    const uint32_t not_now = CONN_OPENING | CONN_HELD | CONN_DATA_OUT | CONN_BLOCKED | CONN_BUSY |
                             CONN_HAND_OVER | CONN_ENDED_IN | CONN_END_OUT | CONN_CLOSING |
                             CONN_CLOSED;
    const conn *c = wf_conn_here(stream);
    (void)self;
    if (c == NULL || c->leaf != &wf_conn_leaf_fd || (c->flags & not_now) != 0 ||
        conn_has_output(c) || conn_staged(c) || !is_stream_socket(fd_of(c)))
        return -1;
    return fd_of(c);
}

static void on_ready(weft_watch *watch, unsigned events)
{
    wf_conn_ready((conn *)(void *)((char *)watch - offsetof(conn, watch)), events);
}

void wf_conn_set_fd(conn *c, int fd)
{
    weft_watch_init(&c->watch, fd, on_ready);
}
