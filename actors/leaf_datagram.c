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
#include "endpoint.h"

enum {
    BATCH = WEFT_ENDPOINT_BATCH,
    SMALL = 2048,
    LARGE = UINT16_MAX + 1 - SMALL,
    STAGGER = 64, /* the first lines of slots do not share one set of the cache */
    ERRORS_A_LOOK = 32,
    MERGED_MAX = 64,         /* UDP_MAX_SEGMENTS of older kernels */
    MERGED_BYTES_MAX = 1232, /* of one of them: IPv6's least MTU, 1280, without headers */
    MERGED_TOTAL_MAX = 64000,
    CONTROL = CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo)) +
              CMSG_SPACE(sizeof(int)),
    V4_BYTES_MAX = WEFT_DATAGRAM_BYTES_MAX,
    V6_BYTES_MAX =
        V4_BYTES_MAX + 20, /* its length does not count its header of 20 more bytes (RFC 8200) */
};

/* What the calls of a reactor use, one after the other. */
typedef struct batch {
    struct mmsghdr head[BATCH];
    struct iovec vector[BATCH][2];
    struct sockaddr_storage name[BATCH];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL];
    uint16_t merged[BATCH];
    uint8_t (*large)[LARGE]; /* NULL until somebody wants datagrams that large */
    uint8_t small[BATCH][SMALL + STAGGER];
} batch;

static void batch_free(void *kept)
{
    batch *b = kept;
    weft_alloc_free(b->large);
    weft_alloc_free(b);
}

/* errors: ENOMEM. */
static weft_err batch_for(uint32_t size)
{
    batch *b = *weft_kept(WEFT_KEPT_DATAGRAMS);
    if (b == NULL) {
        b = *weft_kept(WEFT_KEPT_DATAGRAMS) = weft_alloc(sizeof *b);
        if (b == NULL)
            return WEFT_ENOMEM;
        b->large = NULL;
        weft_kept_set_free(WEFT_KEPT_DATAGRAMS, batch_free);
    }
    if (size > SMALL && b->large == NULL)
        b->large = weft_alloc(sizeof *b->large * BATCH);
    return size > SMALL && b->large == NULL ? WEFT_ENOMEM : WEFT_OK;
}

static int fd_of(const wf_endpoint *e)
{
    return weft_watch_fd(&e->watch);
}

/* ---- what comes */

static weft_err reason_of(int err)
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
    out->reason = reason_of((int)ee.ee_errno);
    if (ee.ee_errno == EMSGSIZE)
        out->mtu = ee.ee_info;
    if ((v4 && ee.ee_type == 11) || (v6 && ee.ee_type == 3))
        out->reason = WEFT_ETIMEDOUT; /* RFC 792, RFC 4443 section 3.3: time exceeded */
    return true;
}

/* Tells what reports there are; how many there were. */
static unsigned take_reports(wf_endpoint *e)
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
static void set_pieces(const batch *b, unsigned i, uint32_t from, uint32_t to, endpoint_came *came)
{
    uint32_t small = to < SMALL ? to : SMALL;
    came->at[0] = b->small[i] + from;
    came->size[0] = from < small ? small - from : 0;
    if (to <= SMALL) {
        came->at[1] = NULL;
        came->size[1] = 0;
        return;
    }
    uint32_t rest = from > SMALL ? from - SMALL : 0;
    came->at[1] = b->large[i] + rest;
    came->size[1] = to - SMALL - rest;
}

static void give(wf_endpoint *e, batch *b, unsigned i)
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

static void prepare(batch *b, const wf_endpoint *e, unsigned max)
{
    for (unsigned i = 0; i < max; i++) {
        b->vector[i][0] = (struct iovec){b->small[i], e->size < SMALL ? e->size : SMALL};
        if (e->size > SMALL)
            b->vector[i][1] = (struct iovec){b->large[i], e->size - SMALL};
        b->name[i].ss_family = AF_UNSPEC; /* a unix sender without a name leaves it alone */
        b->head[i].msg_hdr = (struct msghdr){.msg_name = &b->name[i],
                                             .msg_namelen = sizeof b->name[i],
                                             .msg_iov = b->vector[i],
                                             .msg_iovlen = e->size > SMALL ? 2 : 1,
                                             .msg_control = b->control[i],
                                             .msg_controllen = sizeof b->control[i]};
    }
}

static void fd_receive(wf_endpoint *e, unsigned max)
{
    batch *b = *weft_kept(WEFT_KEPT_DATAGRAMS);
    prepare(b, e, max);
    int n = recvmmsg(fd_of(e), b->head, max, MSG_DONTWAIT | MSG_TRUNC, NULL), err = errno;
    /* a report makes the socket ready, and may be all there is */
    if (n < 0 && take_reports(e) == 0 && err != EAGAIN && err != EINTR)
        wf_endpoint_failed(e, &(weft_datagram_failed){.reason = reason_of(err)});
    for (int i = 0; i < n && (e->flags & ENDPOINT_CLOSED) == 0; i++)
        give(e, b, (unsigned)i);
}

/* ---- what is sent */

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
        if (next->bytes.size > size || next->bytes.size == 0 || !same(&next->to, &first->to))
            break;
        if (next->bytes.size < size)
            return n + 1;
    }
    return n;
}

static void set_segment(struct msghdr *m, uint8_t *control, size_t size)
{
    uint16_t segment = (uint16_t)size;
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(sizeof segment);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
}

/* Describes what waits, at most a batch; gives the number of pieces. */
static unsigned describe(const wf_endpoint *e, batch *b)
{
    struct iovec *v = &b->vector[0][0];
    unsigned left = e->out.n < BATCH ? e->out.n : BATCH, i = 0, k = 0;
    for (; left != 0; k++) {
        const endpoint_item *item = endpoint_item_at(e, i);
        unsigned n = run_of(e, i, left);
        struct msghdr *m = &b->head[k].msg_hdr;
        *m = (struct msghdr){.msg_iov = v, .msg_iovlen = n};
        m->msg_namelen = name_of(e, &item->to, &b->name[k]);
        if (m->msg_namelen != 0)
            m->msg_name = &b->name[k];
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
static weft_err send_failed(wf_endpoint *e, const batch *b, int err, unsigned *done)
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
            (void)take_reports(e);
            return WEFT_OK;
        }
        break;
    default:
        if (take_reports(e) != 0 && err != EMSGSIZE)
            return WEFT_OK;
    }
    fail_first(e, reason_of(err));
    *done = 1;
    return WEFT_OK;
}

static weft_err fd_send(wf_endpoint *e, unsigned *done)
{
    batch *b = *weft_kept(WEFT_KEPT_DATAGRAMS);
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

static weft_err fd_check(const wf_endpoint *e, const weft_address *to, size_t size)
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
    .send = fd_send,
    .want = fd_want,
    .close = fd_close,
    .addresses = fd_addresses,
    .check = fd_check,
    .set = wf_endpoint_socket_set,
    .join = wf_endpoint_socket_join,
    .lost = fd_lost,
};

static void on_ready(weft_watch *watch, unsigned events)
{
    wf_endpoint_ready((wf_endpoint *)(void *)((char *)watch - offsetof(wf_endpoint, watch)),
                      events);
}

weft_err wf_endpoint_attach(wf_endpoint *e, int fd, const weft_url *url, weft_url_end end)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof sa;
    int only = 1;
    weft_err err = batch_for(e->size);
    if (err != WEFT_OK) {
        wf_endpoint_socket_close(fd, url, end);
        return err;
    }
    weft_watch_init(&e->watch, fd, on_ready);
    e->leaf = &wf_endpoint_leaf_socket;
    (void)getsockname(fd, (struct sockaddr *)&sa, &n);
    e->family = (uint8_t)sa.ss_family;
    e->connected = end == WEFT_URL_CONNECT;
    n = sizeof only;
    if (e->family == AF_INET6)
        (void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &n);
    e->v4_too = only == 0;
    if (url->options.merge && e->size == UINT16_MAX) {
        /* what came in a row, in one size, from one address is given in one piece; a smaller slot would cut it */
        int on = 1;
        (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    }
    e->unlink = url->scheme == WEFT_SCHEME_UNIXGRAM && end == WEFT_URL_LISTEN && !url->abstract;
    memcpy(e->path, url->path, sizeof e->path);
    e->path[sizeof e->path - 1] = '\0';
    return WEFT_OK;
}

/* ---- no leaf yet: an endpoint that never got as far as a descriptor */

static void none_receive(wf_endpoint *e, unsigned max)
{
    (void)e, (void)max;
}

static weft_err none_send(wf_endpoint *e, unsigned *done)
{
    (void)e, (void)done;
    return WEFT_EFULL;
}

static void none_want(wf_endpoint *e, unsigned events)
{
    (void)e, (void)events;
}

static void none_close(wf_endpoint *e)
{
    (void)e;
}

static void none_addresses(wf_endpoint *e, weft_address *local, weft_address *peer)
{
    (void)e, (void)local, (void)peer;
}

static weft_err none_check(const wf_endpoint *e, const weft_address *to, size_t size)
{
    (void)e, (void)to, (void)size;
    return WEFT_EGONE;
}

static weft_err none_set(wf_endpoint *e, const weft_endpoint_settings *settings)
{
    (void)e, (void)settings;
    return WEFT_EGONE;
}

static weft_err none_join(wf_endpoint *e, const weft_address *group, const char *interface,
                          bool leave)
{
    (void)e, (void)group, (void)interface, (void)leave;
    return WEFT_EGONE;
}

static uint64_t none_lost(wf_endpoint *e)
{
    (void)e;
    return 0;
}

const endpoint_leaf wf_endpoint_leaf_none = {
    .name = "none",
    .receive = none_receive,
    .send = none_send,
    .want = none_want,
    .close = none_close,
    .addresses = none_addresses,
    .check = none_check,
    .set = none_set,
    .join = none_join,
    .lost = none_lost,
};
