/* SPDX-License-Identifier: MIT */
/* The leaf of datagram sockets, its output: what waits is described to the kernel, many with one call, and what goes
 * to one address in a row, in one size, as one piece that it cuts (UDP_SEGMENT). */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "leaf_datagram.h"

enum {
    MERGED_MAX = 64,         /* UDP_MAX_SEGMENTS of older kernels */
    MERGED_BYTES_MAX = 1232, /* of one of them: IPv6's least MTU, 1280, without headers */
    MERGED_TOTAL_MAX = 64000,
    V4_BYTES_MAX = WEFT_DATAGRAM_BYTES_MAX,
    V6_BYTES_MAX =
        V4_BYTES_MAX + 20, /* its length does not count its header of 20 more bytes (RFC 8200) */
};

static int fd_of(const wf_endpoint *e)
{
    return weft_watch_fd(&e->watch);
}

static socklen_t v4_of(const wf_endpoint *e, const weft_address *to, struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    if (e->family == AF_INET) {
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(to->port)};
        memcpy(&in->sin_addr, to->ip, 4);
        return sizeof *in;
    }
    *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(to->port)};
    in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
    memcpy(&in6->sin6_addr.s6_addr[12], to->ip, 4);
    return sizeof *in6;
}

static socklen_t unix_of(const weft_address *to, struct sockaddr_storage *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)out;
    size_t n = strnlen(to->path, sizeof un->sun_path - 1);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, to->path, n);
    un->sun_path[n] = '\0';
    if (un->sun_path[0] != '@')
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    un->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

/* 0: to its peer. */
static socklen_t name_of(const wf_endpoint *e, const weft_address *to, struct sockaddr_storage *out)
{
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    switch (to->family) {
    case WEFT_FAMILY_V4:
        return v4_of(e, to, out);
    case WEFT_FAMILY_V6:
        *in6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = htons(to->port), .sin6_scope_id = to->scope};
        memcpy(&in6->sin6_addr, to->ip, 16);
        return sizeof *in6;
    case WEFT_FAMILY_UNIX:
        return unix_of(to, out);
    default:
        return 0;
    }
}

static bool same(const weft_address *a, const weft_address *b)
{
    return a->family == b->family &&
           (a->family == WEFT_FAMILY_NONE ||
            (a->port == b->port && a->scope == b->scope && memcmp(a->ip, b->ip, 16) == 0));
}

static bool same_source(const endpoint_item *a, const endpoint_item *b)
{
    return a->from_family == b->from_family &&
           (a->from_family == WEFT_FAMILY_NONE || memcmp(a->from, b->from, sizeof a->from) == 0);
}

/* How many from number @i on go as one: all of one size, but the last, which may be shorter. */
static unsigned run_of(const wf_endpoint *e, unsigned i, unsigned max)
{
    const endpoint_item *first = endpoint_item_at(e, i);
    size_t size = first->bytes.size;
    unsigned n = 1;
    if (e->no_merge || e->family == AF_UNIX || size == 0 || size > MERGED_BYTES_MAX)
        return 1;
    for (; n < max && n < MERGED_MAX && (n + 1) * size <= MERGED_TOTAL_MAX; n++) {
        const endpoint_item *next = endpoint_item_at(e, i + n);
        if (next->bytes.size > size || next->bytes.size == 0 || !same(&next->to, &first->to) ||
            !same_source(next, first))
            break;
        if (next->bytes.size < size)
            return n + 1;
    }
    return n;
}

/* Adds @bytes at @data to what goes beside @m, whose room is one of a batch's. */
static void add_control(struct msghdr *m, uint8_t *room, int level, int type, const void *data,
                        size_t bytes)
{
    struct cmsghdr head = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(bytes)};
    uint8_t *at = room + m->msg_controllen;
    memset(at, 0, CMSG_SPACE(bytes));
    memcpy(at, &head, sizeof head);
    memcpy(at + CMSG_LEN(0), data, bytes);
    m->msg_control = room;
    m->msg_controllen += CMSG_SPACE(bytes);
}

static void set_segment(struct msghdr *m, uint8_t *room, size_t size)
{
    uint16_t segment = (uint16_t)size;
    add_control(m, room, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
}

static void set_source(const wf_endpoint *e, struct msghdr *m, uint8_t *room,
                       const endpoint_item *item)
{
    struct in_pktinfo v4 = {.ipi_ifindex = 0};
    struct in6_pktinfo v6 = {.ipi6_ifindex = 0};
    if (e->family == AF_INET) {
        memcpy(&v4.ipi_spec_dst, item->from, 4);
        add_control(m, room, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
        return;
    }
    if (item->from_family == WEFT_FAMILY_V4) {
        v6.ipi6_addr.s6_addr[10] = v6.ipi6_addr.s6_addr[11] = 0xff;
        memcpy(&v6.ipi6_addr.s6_addr[12], item->from, 4);
    } else
        memcpy(&v6.ipi6_addr, item->from, 16);
    add_control(m, room, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
}

/* Describes what waits, at most a batch; gives the number of pieces. */
static unsigned describe(const wf_endpoint *e, datagram_batch *b)
{
    struct iovec *v = &b->vector[0][0];
    unsigned left = e->out.n < DATAGRAM_BATCH ? e->out.n : DATAGRAM_BATCH, i = 0, k = 0;
    for (; left != 0; k++) {
        const endpoint_item *item = endpoint_item_at(e, i);
        unsigned n = run_of(e, i, left);
        struct msghdr *m = &b->head[k].msg_hdr;
        *m = (struct msghdr){.msg_iov = v, .msg_iovlen = n};
        m->msg_namelen = name_of(e, &item->to, &b->name[k]);
        if (m->msg_namelen != 0)
            m->msg_name = &b->name[k];
        if (item->from_family != WEFT_FAMILY_NONE && e->family != AF_UNIX)
            set_source(e, m, b->control[k], item);
        if (n > 1)
            set_segment(m, b->control[k], item->bytes.size);
        for (unsigned j = 0; j < n; j++, v++) {
            const weft_bytes bytes = endpoint_item_at(e, i + j)->bytes;
            *v = (struct iovec){(void *)(uintptr_t)bytes.at, bytes.size};
        }
        b->merged[k] = (uint16_t)n;
        i += n;
        left -= n;
    }
    return k;
}

/* The first of those that wait cannot be sent. */
static void fail_first(wf_endpoint *e, weft_err reason)
{
    const endpoint_item *item = endpoint_item_at(e, 0);
    wf_endpoint_failed(e, &(weft_datagram_failed){.peer = item->to, .reason = reason});
}

/* An error of a call is about its first piece, or a report about one that left before. */
static weft_err send_failed(wf_endpoint *e, const datagram_batch *b, int err, unsigned *done)
{
    bool connected_unix = e->family == AF_UNIX && e->connected;
    switch (err) {
    case EINTR:
        return WEFT_OK;
    case EAGAIN:
        if (e->family != AF_UNIX || connected_unix)
            return WEFT_EFULL;
        /* who does not read must not hold the others, and nobody says when there is room */
        fail_first(e, WEFT_EFULL);
        *done = 1;
        return WEFT_OK;
    case EIO:
    case EINVAL:
        if (b->merged[0] > 1) {
            e->no_merge = true;
            return WEFT_OK;
        }
        break;
    case ECONNREFUSED:
        if (e->family != AF_UNIX) {
            (void)wf_datagram_reports(e);
            return WEFT_OK;
        }
        break;
    default:
        if (wf_datagram_reports(e) != 0 && err != EMSGSIZE)
            return WEFT_OK;
    }
    fail_first(e, wf_datagram_reason(err));
    *done = 1;
    return WEFT_OK;
}

weft_err wf_datagram_send(wf_endpoint *e, unsigned *done)
{
    datagram_batch *b = datagram_batch_here();
    unsigned k = describe(e, b), n = 0;
    int sent = sendmmsg(fd_of(e), b->head, k, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return send_failed(e, b, errno, done);
    for (int i = 0; i < sent; i++)
        n += b->merged[i];
    for (unsigned i = 0; i < n; i++)
        e->stats.sent_bytes += endpoint_item_at(e, i)->bytes.size;
    e->stats.sent += n;
    *done = n;
    return WEFT_OK;
}

weft_err wf_datagram_check(const wf_endpoint *e, const weft_address *to, size_t size)
{
    bool v4 = e->family == AF_INET || (to != NULL && to->family == WEFT_FAMILY_V4);
    if (size > (v4 ? V4_BYTES_MAX : V6_BYTES_MAX) && e->family != AF_UNIX)
        return WEFT_ETOOBIG;
    if (to == NULL)
        return e->connected ? WEFT_OK : WEFT_EINVAL;
    switch (to->family) {
    case WEFT_FAMILY_V4:
        return e->family == AF_INET || e->v4_too ? WEFT_OK : WEFT_EINVAL;
    case WEFT_FAMILY_V6:
        return e->family == AF_INET6 ? WEFT_OK : WEFT_EINVAL;
    case WEFT_FAMILY_UNIX:
        return e->family == AF_UNIX && to->path[0] != '\0' ? WEFT_OK : WEFT_EINVAL;
    default:
        return WEFT_EINVAL;
    }
}
