/* SPDX-License-Identifier: MIT */
/* Datagram sockets: opened as URLs ask for them, and what may be changed while they are open. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "address.h"
#include "endpoint.h"

static weft_err fail(const char *what, const char *where, weft_why *why)
{
    int e = errno;
    return weft_because(why, weft_err_from_errno(e), "unable to %s %.100s: %s", what, where,
                        strerror(e));
}

static int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static bool is_unix(const weft_url *url)
{
    return url->scheme == WEFT_SCHEME_UNIXGRAM;
}

static weft_err address_of(const weft_url *url, struct sockaddr_storage *sa, socklen_t *n,
                           weft_why *why)
{
    if (is_unix(url))
        return wf_address_of_path(url, sa, n);
    return wf_address_of_host(&url->host, sa, n, why);
}

weft_err wf_endpoint_socket_address(const weft_url *url, weft_address *out, weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = 0;
    if (!wf_is_datagram(url))
        return weft_because(why, WEFT_EUNSUPPORTED, "expected a udp, unixgram or sim URL");
    weft_err err = address_of(url, &sa, &n, why);
    if (err == WEFT_OK)
        wf_address_from_sockaddr(out, (const struct sockaddr *)&sa, n);
    return err;
}

/* ---- what may be changed */

static weft_err outcome(int rc)
{
    if (rc == 0)
        return WEFT_OK;
    switch (errno) {
    case EADDRINUSE:
        return WEFT_EEXISTS;
    case EADDRNOTAVAIL:
    case ENODEV:
    case ENXIO:
        return WEFT_ENOTFOUND;
    case ENOBUFS:
        return WEFT_ELIMIT;
    case ENOPROTOOPT:
        return WEFT_EUNSUPPORTED;
    default:
        return weft_err_from_errno(errno);
    }
}

/* errors: ENOTFOUND. */
static weft_err interface_of(const char *name, unsigned *out)
{
    *out = name[0] != '\0' ? if_nametoindex(name) : 0;
    return name[0] != '\0' && *out == 0 ? WEFT_ENOTFOUND : WEFT_OK;
}

static weft_err set_interface(int fd, int family, const char *name)
{
    unsigned index;
    weft_err err = interface_of(name, &index);
    if (err != WEFT_OK)
        return err;
    struct ip_mreqn by_index = {.imr_ifindex = (int)index};
    if (family == AF_INET)
        return outcome(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by_index, sizeof by_index));
    return outcome(set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index));
}

static weft_err set_socket(int fd, int family, const weft_endpoint_settings *s)
{
    bool v6 = family == AF_INET6;
    int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    weft_err err = WEFT_OK;
    if (family == AF_UNIX)
        return (s->given & (WEFT_ENDPOINT_TTL | WEFT_ENDPOINT_MULTICAST_TTL | WEFT_ENDPOINT_LOOP |
                            WEFT_ENDPOINT_INTERFACE | WEFT_ENDPOINT_BROADCAST)) != 0
                   ? WEFT_EUNSUPPORTED
                   : WEFT_OK;
    if ((s->given & WEFT_ENDPOINT_BROADCAST) != 0)
        err = outcome(set_int(fd, SOL_SOCKET, SO_BROADCAST, s->broadcast));
    if (err == WEFT_OK && (s->given & WEFT_ENDPOINT_TTL) != 0)
        err = outcome(set_int(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, s->ttl));
    if (err == WEFT_OK && (s->given & WEFT_ENDPOINT_MULTICAST_TTL) != 0)
        err = outcome(
            set_int(fd, level, v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, s->multicast_ttl));
    if (err == WEFT_OK && (s->given & WEFT_ENDPOINT_LOOP) != 0)
        err = outcome(set_int(fd, level, v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, s->loop));
    if (err == WEFT_OK && (s->given & WEFT_ENDPOINT_INTERFACE) != 0)
        err = set_interface(fd, family, s->interface);
    return err;
}

weft_err wf_endpoint_socket_set(wf_endpoint *e, const weft_endpoint_settings *settings)
{
    return set_socket(weft_watch_fd(&e->watch), e->family, settings);
}

/* RFC 3678 section 5.1. A v6 socket that speaks v4 joins v4 groups as a v4 socket does. */
static weft_err join(int fd, int family, const weft_address *group, const char *interface,
                     bool leave)
{
    unsigned index;
    bool v4 = group->family == WEFT_FAMILY_V4;
    weft_err err = interface_of(interface, &index);
    if (err != WEFT_OK)
        return err;
    if (family == AF_UNIX)
        return WEFT_EUNSUPPORTED;
    if (!v4 && (group->family != WEFT_FAMILY_V6 || family != AF_INET6))
        return WEFT_EINVAL;
    struct group_req req = {.gr_interface = index};
    if (v4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)&req.gr_group;
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, group->ip, 4);
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)&req.gr_group;
        in->sin6_family = AF_INET6;
        memcpy(&in->sin6_addr, group->ip, 16);
        if (index == 0)
            req.gr_interface = group->scope;
    }
    return outcome(setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
                              leave ? MCAST_LEAVE_GROUP : MCAST_JOIN_GROUP, &req, sizeof req));
}

weft_err wf_endpoint_socket_join(wf_endpoint *e, const weft_address *group, const char *interface,
                                 bool leave)
{
    return join(weft_watch_fd(&e->watch), e->family, group, interface, leave);
}

/* ---- opening */

/* A literal group of the option join. */
static bool group_of(const char *text, weft_address *out)
{
    *out = (weft_address){.family = WEFT_FAMILY_V4};
    if (inet_pton(AF_INET, text, out->ip) == 1)
        return true;
    out->family = WEFT_FAMILY_V6;
    return inet_pton(AF_INET6, text, out->ip) == 1;
}

static weft_err join_all(int fd, int family, const weft_url *url, weft_why *why)
{
    const char *text, *interface = weft_url_text(url, WEFT_URL_INTERFACE, 0);
    weft_address group;
    for (size_t i = 0; (text = weft_url_text(url, WEFT_URL_JOIN, i)) != NULL; i++) {
        if (!group_of(text, &group))
            return weft_because(why, WEFT_EINVAL,
                                "the option \"join\" is \"%.40s\", expected the address of a group "
                                "such as 239.1.2.3 or ff15::1",
                                text);
        weft_err err = join(fd, family, &group, interface != NULL ? interface : "", false);
        if (err != WEFT_OK)
            return weft_because(why, err, "unable to join %.40s: %s", text, weft_err_text(err));
    }
    return WEFT_OK;
}

/* What of @url may also be changed later. */
static weft_err set_options(int fd, int family, const weft_url *url, weft_why *why)
{
    static const struct {
        weft_url_option_id id;
        unsigned given;
    } rows[] = {
        {WEFT_URL_BROADCAST, WEFT_ENDPOINT_BROADCAST},
        {WEFT_URL_TTL, WEFT_ENDPOINT_TTL},
        {WEFT_URL_LOOP, WEFT_ENDPOINT_LOOP},
        {WEFT_URL_MULTICAST_TTL, WEFT_ENDPOINT_MULTICAST_TTL},
    };
    const weft_url_options *o = &url->options;
    const char *interface = weft_url_text(url, WEFT_URL_INTERFACE, 0);
    weft_endpoint_settings s = {.broadcast = o->broadcast,
                                .ttl = (uint8_t)o->ttl,
                                .multicast_ttl = (uint8_t)o->multicast_ttl,
                                .loop = o->loop};
    unsigned given = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        given |= weft_url_given(url, rows[i].id) ? rows[i].given : 0;
    if (interface != NULL) {
        (void)snprintf(s.interface, sizeof s.interface, "%s", interface);
        given |= WEFT_ENDPOINT_INTERFACE;
    }
    s.given = given;
    weft_err err = set_socket(fd, family, &s);
    if (err == WEFT_ENOTFOUND)
        return weft_because(why, err, "there is no network interface \"%s\"", s.interface);
    return err == WEFT_OK ? WEFT_OK
                          : weft_because(why, err, "the options of the URL cannot be set: %s",
                                         weft_err_text(err));
}

/* Errors on the way are told (IP_RECVERR), for v4 on a v6 socket too; so are datagrams that were lost here. */
static void set_reports(int fd, int family, const weft_url *url)
{
    (void)set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    if (url->options.receive_buffer_bytes != 0)
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)url->options.receive_buffer_bytes);
    if (family == AF_UNIX)
        return;
    (void)set_int(fd, IPPROTO_IP, IP_RECVERR, 1);
    if (url->options.destination && family == AF_INET)
        (void)set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (family != AF_INET6)
        return;
    (void)set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    if (url->options.destination)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* A socket file that nobody is bound to any more is in the way; one of another kind is not ours. */
static void remove_stale(const struct sockaddr_storage *sa, socklen_t n, const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)sa, n) != 0 && errno == ECONNREFUSED)
        (void)unlink(path);
    (void)close(fd);
}

static weft_err bind_it(int fd, const weft_url *url, struct sockaddr_storage *sa, socklen_t n,
                        const char *text, weft_why *why)
{
    bool file = is_unix(url) && !url->abstract;
    if (file)
        remove_stale(sa, n, url->path);
    if (url->options.reuseport)
        (void)set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    /* several may hear one group at one port */
    if (weft_url_text(url, WEFT_URL_JOIN, 0) != NULL)
        (void)set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (sa->ss_family == AF_INET6)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, url->options.v6only);
    if (bind(fd, (struct sockaddr *)sa, n) != 0)
        return fail("bind to", text, why);
    if (file && weft_url_given(url, WEFT_URL_MODE) &&
        chmod(url->path, (mode_t)url->options.mode) != 0) {
        weft_err err = fail("set the mode of", text, why);
        (void)unlink(url->path);
        return err;
    }
    return join_all(fd, sa->ss_family, url, why);
}

static weft_err connect_it(int fd, const weft_url *url, const struct sockaddr_storage *sa,
                           socklen_t n, const char *text, weft_why *why)
{
    struct sockaddr_storage from = {.ss_family = AF_UNIX};
    socklen_t bytes = sizeof(sa_family_t); /* a name of the kernel's choice */
    bool bound = is_unix(url);
    if (weft_url_given(url, WEFT_URL_BIND)) {
        weft_err err = wf_address_of_host(&url->options.bind, &from, &bytes, why);
        if (err != WEFT_OK)
            return err;
        bound = true;
    }
    if (bound && bind(fd, (const struct sockaddr *)&from, bytes) != 0)
        return fail("bind to", url->options.bind.name, why);
    if (connect(fd, (const struct sockaddr *)sa, n) != 0)
        return fail("connect to", text, why);
    return WEFT_OK;
}

static int open_socket(const weft_url *url, struct sockaddr_storage *sa, socklen_t *n)
{
    int fd = socket(sa->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 || sa->ss_family != AF_INET6 || url->host.kind != WEFT_HOST_ANY)
        return fd;
    /* a machine without IPv6 */
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)sa;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(url->host.port)};
    *n = sizeof *in;
    return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int wf_endpoint_socket(const weft_url *url, weft_url_end end, weft_address *local, weft_err *err,
                       weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = 0;
    char text[WEFT_URL_BYTES_MAX + 1];
    (void)weft_url_print(url, text, sizeof text);
    *local = (weft_address){.family = WEFT_FAMILY_NONE};
    *err = address_of(url, &sa, &n, why);
    if (*err != WEFT_OK)
        return -1;
    int fd = open_socket(url, &sa, &n);
    if (fd < 0) {
        *err = fail("open a socket for", text, why);
        return -1;
    }
    set_reports(fd, sa.ss_family, url);
    *err = set_options(fd, sa.ss_family, url, why);
    if (*err == WEFT_OK)
        *err = end == WEFT_URL_LISTEN ? bind_it(fd, url, &sa, n, text, why)
                                      : connect_it(fd, url, &sa, n, text, why);
    if (*err != WEFT_OK) {
        (void)close(fd);
        return -1;
    }
    n = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(local, (const struct sockaddr *)&sa, n);
    return fd;
}

void wf_endpoint_socket_close(int fd, const weft_url *url, bool owns_path)
{
    /* in this order: once nobody is bound to the path, whoever comes next may have bound it anew */
    if (owns_path && is_unix(url) && !url->abstract)
        (void)unlink(url->path);
    (void)close(fd);
}
