/* SPDX-License-Identifier: MIT */
/* Sockets as URLs ask for them. */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "local.h"

enum { DEFER_ACCEPT_S = 1 };

static int fail(int fd, const char *what, const char *where, weft_err *err, weft_why *why)
{
    int e = errno;
    *err = weft_because(why, weft_err_from_errno(e), "unable to %s %.100s: %s", what, where,
                        strerror(e));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void set_int(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static weft_err address_of(const weft_url *url, struct sockaddr_storage *sa, socklen_t *n,
                           weft_why *why)
{
    if (url->scheme == WEFT_SCHEME_UNIX)
        return wf_address_of_path(url, sa, n);
    return wf_address_of_host(&url->host, sa, n, why);
}

/* A socket file that nobody listens at any more is in the way; one that somebody does is not ours. */
static void remove_stale(const struct sockaddr_storage *sa, socklen_t n, const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)sa, n) != 0 && errno == ECONNREFUSED)
        (void)unlink(path);
    (void)close(fd);
}

int wf_socket_listen(const weft_url *url, weft_address *local, weft_err *err, weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = 0;
    char text[WEFT_URL_BYTES_MAX + 1];
    if (wf_scheme_is_local(url->scheme))
        return wf_local_listen(url, local, err, why);
    (void)weft_url_print(url, text, sizeof text);
    *err = address_of(url, &sa, &n, why);
    if (*err != WEFT_OK)
        return -1;
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && sa.ss_family == AF_INET6 && url->host.kind == WEFT_HOST_ANY) {
        /* a machine without IPv6 */
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)&sa;
        uint16_t port = url->host.port;
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        n = sizeof *in;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd < 0)
        return fail(fd, "open a socket for", text, err, why);
    bool is_unix = url->scheme == WEFT_SCHEME_UNIX;
    if (is_unix && !url->abstract)
        remove_stale(&sa, n, url->path);
    if (!is_unix)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (url->options.reuseport)
        set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (sa.ss_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, url->options.v6only);
    if (bind(fd, (struct sockaddr *)&sa, n) != 0)
        return fail(fd, "bind to", text, err, why);
    if (is_unix && weft_url_given(url, WEFT_URL_MODE) && !url->abstract &&
        chmod(url->path, (mode_t)url->options.mode) != 0)
        return fail(fd, "set the mode of", text, err, why);
    wf_socket_set_up(fd, url); /* which all that it accepts have from it, without a call for each */
    /* a client that speaks first is accepted when what it says is there, and read at once */
    if (wf_url_client_speaks_first(url))
        set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_ACCEPT_S);
    if (listen(fd, (int)url->options.backlog) != 0)
        return fail(fd, "listen at", text, err, why);
    n = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0)
        wf_address_from_sockaddr(local, (const struct sockaddr *)&sa, n);
    return fd;
}

/* The address to connect from to a peer of @family. @none: it has options to bind, but none for these. */
static const weft_url_host *local_of(const weft_url *url, int family, bool *none)
{
    const weft_url_host *given[] = {&url->options.bind, &url->options.bind6};
    *none = false;
    for (unsigned i = 0; i < 2; i++) {
        weft_host_kind kind = given[i]->kind;
        if (kind == WEFT_HOST_NONE)
            continue;
        if (kind != (family == AF_INET ? WEFT_HOST_V6 : WEFT_HOST_V4))
            return given[i];
        *none = true;
    }
    return NULL;
}

/* What stands for both families, as the one of the socket. */
static void set_family(struct sockaddr_storage *sa, socklen_t *n, int family,
                       const weft_url_host *host)
{
    in_port_t port = htons(host->port);
    if (sa->ss_family == family)
        return;
    bool any = host->kind == WEFT_HOST_ANY;
    memset(sa, 0, sizeof *sa);
    if (family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)sa;
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        in->sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
        *n = sizeof *in;
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)sa;
        *in = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        in->sin6_addr = any ? in6addr_any : in6addr_loopback;
        *n = sizeof *in;
    }
}

static int bind_first(int fd, const weft_url *url, int family, weft_err *err, weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = 0;
    bool none;
    const weft_url_host *local = local_of(url, family, &none);
    if (local == NULL && !none)
        return 0;
    *err = none && local == NULL
               ? weft_because(why, WEFT_EUNREACHABLE, "no local IPv%d address to connect from",
                              family == AF_INET ? 4 : 6)
               : wf_address_of_host(local, &sa, &n, why);
    if (*err != WEFT_OK) {
        (void)close(fd);
        return -1;
    }
    set_family(&sa, &n, family, local);
    if (bind(fd, (struct sockaddr *)&sa, n) != 0)
        return fail(fd, "bind to", local->name, err, why);
    return 0;
}

/* Fails at @to, one of the addresses of @url; NULL: at @url itself. */
static int fail_at(int fd, const char *what, const weft_url *url, const weft_address *to,
                   weft_err *err, weft_why *why)
{
    char text[WEFT_URL_BYTES_MAX + 1];
    int e = errno;
    if (to != NULL)
        (void)weft_address_print(to, text);
    else
        (void)weft_url_print(url, text, sizeof text);
    errno = e;
    return fail(fd, what, text, err, why);
}

static int begin(const weft_url *url, const weft_address *to, const struct sockaddr_storage *sa,
                 socklen_t n, weft_err *err, weft_why *why)
{
    int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_at(fd, "open a socket for", url, to, err, why);
    if (url->scheme != WEFT_SCHEME_UNIX && bind_first(fd, url, sa->ss_family, err, why) != 0)
        return -1;
    wf_socket_set_up(fd, url);
    if (connect(fd, (const struct sockaddr *)sa, n) != 0 && errno != EINPROGRESS)
        return fail_at(fd, "connect to", url, to, err, why);
    return fd;
}

int wf_socket_connect(const weft_url *url, weft_err *err, weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = 0;
    *err = address_of(url, &sa, &n, why);
    return *err == WEFT_OK ? begin(url, NULL, &sa, n, err, why) : -1;
}

int wf_socket_connect_to(const weft_url *url, const weft_address *to, weft_err *err, weft_why *why)
{
    struct sockaddr_storage sa;
    socklen_t n = wf_address_to_sockaddr(to, &sa);
    return begin(url, to, &sa, n, err, why);
}

bool wf_url_client_speaks_first(const weft_url *url)
{
    return url->scheme == WEFT_SCHEME_HTTP || url->scheme == WEFT_SCHEME_HTTPS ||
           url->scheme == WEFT_SCHEME_TLS;
}

void wf_socket_set_up(int fd, const weft_url *url)
{
    if (url->scheme == WEFT_SCHEME_UNIX)
        return;
    if (url->options.nodelay)
        set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (url->options.keepalive_ms != 0) {
        int seconds = (int)((url->options.keepalive_ms + 999) / 1000);
        set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
        set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds / 3 > 0 ? seconds / 3 : 1);
    }
}
