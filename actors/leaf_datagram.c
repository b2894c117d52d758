/* SPDX-License-Identifier: MIT */
/* The leaf of datagram sockets: many are received with one call, and many sent.
 *
 * A datagram lands in a small slot, and what is longer goes on in a large one, of which only those pages are
 * ever touched that a large datagram needed; it is then copied into a buffer that fits. What is sent to one
 * address in a row, in one size, is given to the kernel as one piece that it cuts (UDP_SEGMENT); with ?merge, it is
 * taken so too (UDP_GRO). */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/sock_diag.h>

#include "address.h"
#include "leaf_datagram.h"

enum { ERRORS_A_LOOK = 32 };

static void batch_free(void *kept)
{
    datagram_batch *b = kept;
    weft_alloc_free(b->large);
    weft_alloc_free(b);
}

/* errors: ENOMEM. */
static weft_err batch_for(uint32_t size)
{
    datagram_batch *b = datagram_batch_here();
    if (b == NULL) {
        b = *weft_kept(WEFT_KEPT_DATAGRAMS) = weft_alloc(sizeof *b);
        if (b == NULL)
            return WEFT_ENOMEM;
        b->large = NULL;
        weft_kept_set_free(WEFT_KEPT_DATAGRAMS, batch_free);
    }
    if (size > DATAGRAM_SMALL && b->large == NULL)
        b->large = weft_alloc(sizeof *b->large * DATAGRAM_BATCH);
    return size > DATAGRAM_SMALL && b->large == NULL ? WEFT_ENOMEM : WEFT_OK;
}

static int fd_of(const wf_endpoint *e)
{
    return weft_watch_fd(&e->watch);
}

/* ---- what comes */

weft_err wf_datagram_reason(int err)
{
    return err == EMSGSIZE ? WEFT_ETOOBIG : weft_err_from_errno(err);
}

/* A report of somebody on the way, or of this machine about a datagram it has already said no to. false: it is
 * the latter. */
static bool read_report(const struct cmsghdr *c, weft_datagram_failed *out)
{
    struct sock_extended_err ee;
    memcpy(&ee, CMSG_DATA(c), sizeof ee);
    bool v4 = ee.ee_origin == SO_EE_ORIGIN_ICMP, v6 = ee.ee_origin == SO_EE_ORIGIN_ICMP6;
    if (!v4 && !v6)
        return false;
    out->icmp = true;
    out->type = ee.ee_type;
    out->code = ee.ee_code;
    out->reason = wf_datagram_reason((int)ee.ee_errno);
    if (ee.ee_errno == EMSGSIZE)
        out->mtu = ee.ee_info;
    if ((v4 && ee.ee_type == 11) || (v6 && ee.ee_type == 3))
        out->reason = WEFT_ETIMEDOUT; /* RFC 792, RFC 4443 section 3.3: time exceeded */
    return true;
}

unsigned wf_datagram_reports(wf_endpoint *e)
{
    unsigned n = 0;
    for (; n < ERRORS_A_LOOK && e->family != AF_UNIX && (e->flags & ENDPOINT_CLOSED) == 0; n++) {
        struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
        _Alignas(struct cmsghdr) uint8_t control[512];
        struct msghdr m = {.msg_name = &name,
                           .msg_namelen = sizeof name,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        if (recvmsg(fd_of(e), &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            break;
        weft_datagram_failed failed = {.reason = WEFT_OK};
        wf_address_from_sockaddr(&failed.peer, (const struct sockaddr *)&name, m.msg_namelen);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
            if (((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                 (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) &&
                read_report(c, &failed))
                wf_endpoint_failed(e, &failed);
    }
    return n;
}

/* What the kernel says of one, or of several that it gives in one piece: @segment, then, is the size of each but
 * the last. */
static void read_control(wf_endpoint *e, struct msghdr *m, endpoint_came *came, uint32_t *segment)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t drops;
            memcpy(&drops, CMSG_DATA(c), sizeof drops);
            came->lost = drops - e->drops_seen;
            e->drops_seen = drops;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            *segment = (uint32_t)size;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            came->to.family = WEFT_FAMILY_V4;
            memcpy(came->to.ip, &info.ipi_addr, 4);
            came->interface = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            struct sockaddr_in6 in = {.sin6_family = AF_INET6};
            memcpy(&info, CMSG_DATA(c), sizeof info);
            in.sin6_addr = info.ipi6_addr;
            wf_address_from_sockaddr(&came->to, (const struct sockaddr *)&in, sizeof in);
            came->interface = info.ipi6_ifindex;
        }
    }
}

/* The bytes from @from up to @to of slot @i: out of the small one, the large one, or both. */
static void set_pieces(const datagram_batch *b, unsigned i, uint32_t from, uint32_t to,
                       endpoint_came *came)
{
    uint32_t small = to < DATAGRAM_SMALL ? to : DATAGRAM_SMALL;
    came->at[0] = b->small[i] + from;
    came->size[0] = from < small ? small - from : 0;
    if (to <= DATAGRAM_SMALL) {
        came->at[1] = NULL;
        came->size[1] = 0;
        return;
    }
    uint32_t rest = from > DATAGRAM_SMALL ? from - DATAGRAM_SMALL : 0;
    came->at[1] = b->large[i] + rest;
    came->size[1] = to - DATAGRAM_SMALL - rest;
}

static void give(wf_endpoint *e, datagram_batch *b, unsigned i)
{
    struct msghdr *m = &b->head[i].msg_hdr;
    uint32_t whole = b->head[i].msg_len, size = whole < e->size ? whole : e->size, segment = size;
    uint32_t before = e->window.held, from = 0;
    endpoint_came came = {.truncated = (m->msg_flags & MSG_TRUNC) != 0};
    wf_address_from_sockaddr(&came.from, m->msg_name, m->msg_namelen);
    if (m->msg_controllen != 0)
        read_control(e, m, &came, &segment);
    do {
        uint32_t to = segment < size - from ? from + segment : size;
        set_pieces(b, i, from, to, &came);
        came.whole = segment < size ? to - from : whole;
        wf_endpoint_came(e, &came);
        came.lost = 0;
        from = to;
    } while (from < size && (e->flags & ENDPOINT_CLOSED) == 0);
    if (e->window.held - before > e->largest)
        e->largest = e->window.held - before;
}

static void prepare(datagram_batch *b, const wf_endpoint *e, unsigned max)
{
    for (unsigned i = 0; i < max; i++) {
        b->vector[i][0] =
            (struct iovec){b->small[i], e->size < DATAGRAM_SMALL ? e->size : DATAGRAM_SMALL};
        if (e->size > DATAGRAM_SMALL)
            b->vector[i][1] = (struct iovec){b->large[i], e->size - DATAGRAM_SMALL};
        b->name[i].ss_family = AF_UNSPEC; /* a unix sender without a name leaves it alone */
        b->head[i].msg_hdr = (struct msghdr){.msg_name = &b->name[i],
                                             .msg_namelen = sizeof b->name[i],
                                             .msg_iov = b->vector[i],
                                             .msg_iovlen = e->size > DATAGRAM_SMALL ? 2 : 1,
                                             .msg_control = b->control[i],
                                             .msg_controllen = sizeof b->control[i]};
    }
}

static void fd_receive(wf_endpoint *e, unsigned max)
{
    datagram_batch *b = datagram_batch_here();
    prepare(b, e, max);
    int n = recvmmsg(fd_of(e), b->head, max, MSG_DONTWAIT | MSG_TRUNC, NULL), err = errno;
    /* a report makes the socket ready, and may be all there is */
    if (n < 0 && wf_datagram_reports(e) == 0 && err != EAGAIN && err != EINTR)
        wf_endpoint_failed(e, &(weft_datagram_failed){.reason = wf_datagram_reason(err)});
    for (int i = 0; i < n && (e->flags & ENDPOINT_CLOSED) == 0; i++)
        give(e, b, (unsigned)i);
}

/* ---- the rest */

static void fd_want(wf_endpoint *e, unsigned events)
{
    weft_watch_set(&e->watch, events);
}

static void fd_close(wf_endpoint *e)
{
    weft_watch_set(&e->watch, 0);
    if (e->unlink)
        (void)unlink(e->path);
    (void)close(fd_of(e));
}

static void fd_addresses(wf_endpoint *e, weft_address *local, weft_address *peer)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    if (getsockname(fd_of(e), (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(local, (const struct sockaddr *)&sa, n);
    n = sizeof sa;
    if (e->connected && getpeername(fd_of(e), (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(peer, (const struct sockaddr *)&sa, n);
}

static uint64_t fd_lost(wf_endpoint *e)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t n = sizeof info;
    if (getsockopt(fd_of(e), SOL_SOCKET, SO_MEMINFO, info, &n) != 0)
        return e->drops_seen;
    return info[SK_MEMINFO_DROPS];
}

const endpoint_leaf wf_endpoint_leaf_socket = {
    .name = "socket",
    .receive = fd_receive,
    .send = wf_datagram_send,
    .want = fd_want,
    .close = fd_close,
    .addresses = fd_addresses,
    .check = wf_datagram_check,
    .set = wf_endpoint_socket_set,
    .join = wf_endpoint_socket_join,
    .lost = fd_lost,
};

static void on_ready(weft_watch *watch, unsigned events)
{
    wf_endpoint_ready((wf_endpoint *)(void *)((char *)watch - offsetof(wf_endpoint, watch)),
                      events);
}

weft_err wf_endpoint_attach(wf_endpoint *e, int fd, const weft_url *url, weft_url_end end,
                            bool owns_path)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof sa;
    int only = 1;
    weft_err err = batch_for(e->size);
    if (err != WEFT_OK) {
        wf_endpoint_socket_close(fd, url, owns_path);
        return err;
    }
    weft_watch_init(&e->watch, fd, on_ready);
    e->leaf = &wf_endpoint_leaf_socket;
    (void)getsockname(fd, (struct sockaddr *)&sa, &n);
    e->family = (uint8_t)sa.ss_family;
    e->connected = end == WEFT_URL_CONNECT;
    /* a kernel that does not know it would send what goes together as one */
    int off = 0;
    e->no_merge = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof off) != 0;
    n = sizeof only;
    if (e->family == AF_INET6)
        (void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &n);
    e->v4_too = only == 0;
    if (url->options.merge && e->size == UINT16_MAX) {
        /* what came in a row, in one size, from one address is given in one piece; a smaller slot would cut it */
        int on = 1;
        (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    }
    e->unlink = url->scheme == WEFT_SCHEME_UNIXGRAM && owns_path && !url->abstract;
    memcpy(e->path, url->path, sizeof e->path);
    e->path[sizeof e->path - 1] = '\0';
    return WEFT_OK;
}
