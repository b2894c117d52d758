/* SPDX-License-Identifier: MIT */
/* The leaf of UNIX sockets that pass descriptors: that of all descriptors, which it takes the place of when
 * the first is written or wanted.
 *
 * The queue of output knows nothing of it: a descriptor is noted with the place of its byte in all that is
 * written from then on, and what is sent is cut there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/descriptors.h>

#include "conn.h"

enum { AT_ONCE_MAX = 253 }; /* of one message, SCM_MAX_FD */

/* One that waits to be sent. */
typedef struct leaving {
    uint64_t at; /* the place of its byte */
    int fd;
} leaving;

struct conn_rights {
    uint64_t sent; /* bytes, since this leaf took over */
    unsigned out_n, in_n, in_max;
    leaving out[WEFT_FDS_QUEUED_MAX];
    int in[WEFT_FDS_QUEUED_MAX];
};

typedef union ancillary {
    struct cmsghdr head; /* for its alignment */
    char room[CMSG_SPACE(AT_ONCE_MAX * sizeof(int))];
} ancillary;

static struct conn_rights *rights_of(const conn *c)
{
    return c->rare->rights;
}

/* ---- receiving */

/* Queues what came beside the bytes. false: there is no room for all, or some were lost. */
static bool take_in(struct conn_rights *r, struct msghdr *m)
{
    bool whole = (m->msg_flags & MSG_CTRUNC) == 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
            if (r->in_n < r->in_max)
                r->in[r->in_n++] = fd;
            else {
                (void)close(fd);
                whole = false;
            }
        }
    }
    return whole;
}

static weft_err rights_read(conn *c, weft_bytes *out, weft_why *why)
{
    struct conn_rights *r = rights_of(c);
    ancillary control;
    uint8_t *block = weft_read_block();
    if (block == NULL)
        return WEFT_ENOMEM;
    if (r->in_max == 0) /* none are wanted: those that come are closed */
        return wf_conn_leaf_fd.read(c, out, why);
    struct iovec v = {block, WEFT_READ_BYTES_MAX};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(weft_watch_fd(&c->watch), &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR
                   ? WEFT_EFULL
                   : weft_because(why, weft_err_from_errno(errno), "read: %s", strerror(errno));
    if (!take_in(r, &m))
        return weft_because(why, WEFT_ELIMIT,
                            "more descriptors came than may wait to be taken (%u), or be had",
                            r->in_max);
    if (n == 0)
        return WEFT_EDONE;
    weft_err err = weft_read_bytes((size_t)n, &c->window, out);
    return err == WEFT_ENOMEM ? weft_because(why, WEFT_ELOST, "no memory for what was read") : err;
}

/* ---- sending */

static void sent_one(struct conn_rights *r)
{
    (void)close(r->out[0].fd);
    r->out_n--;
    memmove(&r->out[0], &r->out[1], r->out_n * sizeof r->out[0]);
}

/* The items up to @bytes of them, the last one cut. */
static unsigned cut(const conn_item *items, unsigned n, uint64_t bytes, conn_item *to)
{
    unsigned k = 0;
    for (; k < n && bytes != 0; k++) {
        to[k] = items[k];
        if (to[k].bytes.size > bytes)
            to[k].bytes.size = (size_t)bytes;
        bytes -= to[k].bytes.size;
    }
    return k;
}

static weft_err send_beside(conn *c, const conn_item *item, size_t *sent, weft_why *why)
{
    struct conn_rights *r = rights_of(c);
    ancillary control = {.room = {0}};
    uint64_t until = r->out_n > 1 ? r->out[1].at - r->sent : UINT64_MAX;
    size_t size = item->bytes.size < until ? item->bytes.size : (size_t)until;
    struct iovec v = {(void *)(uintptr_t)item->bytes.at, size};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = CMSG_SPACE(sizeof(int))};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &r->out[0].fd, sizeof(int));
    ssize_t n = sendmsg(weft_watch_fd(&c->watch), &m, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR
                   ? WEFT_EFULL
                   : weft_because(why,
                                  errno == ETOOMANYREFS ? WEFT_ELIMIT : weft_err_from_errno(errno),
                                  "write of a descriptor: %s", strerror(errno));
    sent_one(r);
    *sent = (size_t)n;
    return (size_t)n < size ? WEFT_EFULL : WEFT_OK;
}

static weft_err rights_write(conn *c, const conn_item *items, unsigned n, size_t *sent,
                             weft_why *why)
{
    struct conn_rights *r = rights_of(c);
    conn_item some[CONN_WRITE_ITEMS];
    weft_err err;
    if (r->out_n == 0)
        err = wf_conn_leaf_fd.write(c, items, n, sent, why);
    else if (r->out[0].at == r->sent)
        err = send_beside(c, items, sent, why);
    else
        err =
            wf_conn_leaf_fd.write(c, some, cut(items, n, r->out[0].at - r->sent, some), sent, why);
    r->sent += *sent;
    return err;
}

/* ---- the rest is that of all descriptors */

static void rights_want(conn *c, unsigned events)
{
    wf_conn_leaf_fd.want(c, events);
}

static void rights_end(conn *c)
{
    wf_conn_leaf_fd.end(c);
}

static void rights_close(conn *c, bool abort)
{
    struct conn_rights *r = rights_of(c);
    while (r->out_n != 0)
        sent_one(r);
    while (r->in_n != 0)
        (void)close(r->in[--r->in_n]);
    c->rare->rights = NULL;
    weft_alloc_free(r);
    wf_conn_leaf_fd.close(c, abort);
}

static void rights_addresses(conn *c, weft_address *local, weft_address *peer)
{
    wf_conn_leaf_fd.addresses(c, local, peer);
}

static weft_err rights_nodelay(conn *c, bool on)
{
    (void)c, (void)on;
    return WEFT_EUNSUPPORTED;
}

static bool rights_unread(conn *c)
{
    return wf_conn_leaf_fd.unread(c);
}

static const conn_leaf leaf_rights = {
    .name = "unix",
    .read = rights_read,
    .write = rights_write,
    .want = rights_want,
    .end = rights_end,
    .close = rights_close,
    .addresses = rights_addresses,
    .nodelay = rights_nodelay,
    .unread = rights_unread,
};

/* ---- asked for */

static bool is_unix_stream(int fd)
{
    int domain = 0, type = 0;
    socklen_t n = sizeof domain, m = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 && type == SOCK_STREAM;
}

/* The stream, with this leaf. errors: NULL and @err. */
static conn *passing(weft_ref stream, weft_err *err)
{
    conn *c = wf_conn_here(stream);
    *err = c == NULL && !weft_is_here(stream) ? WEFT_EUNSUPPORTED : WEFT_EGONE;
    if (c == NULL || (c->flags & CONN_CLOSED) != 0)
        return NULL;
    if (c->leaf == &leaf_rights)
        return c;
    *err = WEFT_EUNSUPPORTED;
    if (c->leaf != &wf_conn_leaf_fd || !is_unix_stream(weft_watch_fd(&c->watch)))
        return NULL;
    conn_rare *rare = wf_conn_rare_of(c);
    struct conn_rights *r = rare != NULL ? weft_alloc_zero(sizeof *r) : NULL;
    *err = WEFT_ENOMEM;
    if (r == NULL)
        return NULL;
    rare->rights = r;
    c->leaf = &leaf_rights;
    return c;
}

weft_err weft_write_fd(weft_actor *self, weft_ref stream, weft_bytes bytes, int fd)
{
    weft_err err;
    conn *c = passing(stream, &err);
    if (c == NULL)
        return err;
    struct conn_rights *r = rights_of(c);
    if (wf_conn_transforms(c))
        return WEFT_EUNSUPPORTED;
    if (bytes.size == 0 || fcntl(fd, F_GETFD) < 0)
        return WEFT_EINVAL;
    if (r->out_n == WEFT_FDS_QUEUED_MAX)
        return WEFT_EFULL;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return WEFT_ELIMIT;
    /* noted first: the write may send at once */
    r->out[r->out_n++] = (leaving){.at = r->sent + wf_conn_left(c), .fd = own};
    err = weft_write(self, stream, bytes);
    if (err != WEFT_OK && c->leaf == &leaf_rights && rights_of(c) == r) {
        (void)close(own);
        r->out_n--;
    }
    return err;
}

weft_err weft_receive_fds(weft_actor *self, weft_ref stream, unsigned max)
{
    weft_err err;
    conn *c = passing(stream, &err);
    (void)self;
    if (c == NULL)
        return err;
    rights_of(c)->in_max = max == 0 || max > WEFT_FDS_QUEUED_MAX ? WEFT_FDS_QUEUED_MAX : max;
    return WEFT_OK;
}

int weft_take_fd(weft_actor *self, weft_ref stream)
{
    conn *c = wf_conn_here(stream);
    (void)self;
    if (c == NULL || c->leaf != &leaf_rights || (c->flags & CONN_CLOSED) != 0)
        return -1;
    struct conn_rights *r = rights_of(c);
    if (r->in_n == 0)
        return -1;
    int fd = r->in[0];
    r->in_n--;
    memmove(&r->in[0], &r->in[1], r->in_n * sizeof r->in[0]);
    return fd;
}
