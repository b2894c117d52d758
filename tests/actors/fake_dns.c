/* SPDX-License-Identifier: MIT */
/* A name server on the loopback. */
#include "fake_dns.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/edge.h>

#include "check.h"

enum { CONNECTIONS = 16, PORTS_TRIED = 50, PREFIX = 2 };

typedef struct connection {
    struct server *server;
    weft_watch watch;
    int fd; /* -1: none */
} connection;

typedef struct server {
    fake_dns *dns;
    weft_watch udp, tcp;
    connection conns[CONNECTIONS];
} server;

/* ---- answers */

void fake_dns_address(weft_dns_writer *w, const char *name, uint32_t ttl_s, const char *address)
{
    weft_dns_record record = {.class_code = WEFT_DNS_CLASS_IN, .ttl_s = ttl_s};
    bool v6 = strchr(address, ':') != NULL;
    record.type = v6 ? WEFT_DNS_AAAA : WEFT_DNS_A;
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    CHECK(inet_pton(v6 ? AF_INET6 : AF_INET, address, record.of.ip) == 1);
    CHECK_OK(weft_dns_write_record(w, WEFT_DNS_ANSWER, &record, NULL));
}

void fake_dns_text(weft_dns_writer *w, const char *name, size_t bytes)
{
    uint8_t text[4096];
    weft_dns_record record = {
        .type = WEFT_DNS_TXT, .class_code = WEFT_DNS_CLASS_IN, .ttl_s = 60, .data = text};
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    for (size_t left = bytes; left != 0;) {
        size_t part = left < 255 ? left : 255;
        text[record.data_bytes] = (uint8_t)part;
        memset(text + record.data_bytes + 1, 'x', part);
        record.data_bytes = (uint16_t)(record.data_bytes + part + 1);
        left -= part;
    }
    CHECK_OK(weft_dns_write_record(w, WEFT_DNS_ANSWER, &record, NULL));
}

/* The answer to the message @at. Gives its size; 0: none. */
static size_t answer(fake_dns *dns, const uint8_t *at, size_t size, bool tcp, uint8_t *to,
                     fake_dns_how *how)
{
    weft_dns_header asked;
    weft_dns_reader r;
    weft_dns_question q;
    weft_dns_writer w;
    uint8_t rcode = WEFT_DNS_NOERROR;
    if (weft_dns_read_begin(&r, at, size, &asked, NULL) != WEFT_OK ||
        weft_dns_read_question(&r, &q, NULL) != WEFT_OK)
        return 0;
    weft_dns_header header = {.id = asked.id,
                              .response = true,
                              .recursion_desired = asked.recursion_desired,
                              .recursion_available = true};
    CHECK_OK(weft_dns_write_begin(&w, to, FAKE_MESSAGE_BYTES, &header));
    CHECK_OK(weft_dns_write_question(&w, q.name, q.type, NULL));
    size_t bare = w.size;
    *how = dns->answer(&q, tcp, &w, &rcode);
    to[3] = (uint8_t)((to[3] & 0xf0) | rcode);
    if (*how == FAKE_TRUNCATED && !tcp) {
        weft_dns_write_truncated(&w);
        memset(to + 6, 0, 6);
        return bare;
    }
    return *how == FAKE_SILENCE ? 0 : w.size;
}

/* ---- UDP */

/* What comes before the right answer. */
static void send_decoy(int fd, const struct sockaddr_in *to, const uint8_t *message, size_t size,
                       fake_dns_how how)
{
    uint8_t decoy[FAKE_MESSAGE_BYTES];
    memcpy(decoy, message, size);
    switch (how) {
    case FAKE_WRONG_ID:
        decoy[0] ^= 0xff;
        break;
    case FAKE_OTHER_NAME:
        decoy[13] ^= 1; /* the first letter of the question */
        break;
    case FAKE_GARBAGE:
        size = 5;
        break;
    default:
        return;
    }
    (void)sendto(fd, decoy, size, 0, (const struct sockaddr *)to, sizeof *to);
}

static void on_udp(weft_watch *watch, unsigned events)
{
    server *s = (server *)(void *)((char *)watch - offsetof(server, udp));
    uint8_t at[FAKE_MESSAGE_BYTES], to[FAKE_MESSAGE_BYTES];
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    fake_dns_how how = FAKE_SILENCE;
    (void)events;
    ssize_t got = recvfrom(s->dns->udp_fd, at, sizeof at, 0, (struct sockaddr *)&from, &n);
    if (got <= 0)
        return;
    s->dns->udp++;
    size_t size = answer(s->dns, at, (size_t)got, false, to, &how);
    if (size == 0)
        return;
    send_decoy(s->dns->udp_fd, &from, to, size, how);
    (void)sendto(s->dns->udp_fd, to, size, 0, (const struct sockaddr *)&from, n);
}

/* ---- TCP */

static void hang_up(connection *c)
{
    weft_watch_set(&c->watch, 0);
    (void)close(c->fd);
    c->fd = -1;
}

/* A question comes in one piece here, as c-ares sends it. */
static void on_conn(weft_watch *watch, unsigned events)
{
    connection *c = (connection *)(void *)((char *)watch - offsetof(connection, watch));
    uint8_t at[FAKE_MESSAGE_BYTES], to[PREFIX + FAKE_MESSAGE_BYTES];
    fake_dns_how how = FAKE_SILENCE;
    (void)events;
    ssize_t got = read(c->fd, at, sizeof at);
    if (got <= PREFIX) {
        hang_up(c);
        return;
    }
    fake_dns *dns = c->server->dns;
    dns->tcp++;
    size_t size = answer(dns, at + PREFIX, (size_t)got - PREFIX, true, to + PREFIX, &how);
    if (how == FAKE_HANGUP || size == 0) {
        hang_up(c);
        return;
    }
    to[0] = (uint8_t)(size >> 8);
    to[1] = (uint8_t)size;
    CHECK_I64(send(c->fd, to, PREFIX + size, MSG_NOSIGNAL), PREFIX + size);
}

static void on_accept(weft_watch *watch, unsigned events)
{
    server *s = (server *)(void *)((char *)watch - offsetof(server, tcp));
    connection *c = s->conns;
    (void)events;
    int fd = accept4(s->dns->tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    while (c->fd >= 0)
        c++;
    c->fd = fd;
    c->server = s;
    weft_watch_init(&c->watch, fd, on_conn);
    weft_watch_set(&c->watch, WEFT_READABLE);
}

/* ---- its life */

static bool bind_one(fake_dns *dns, unsigned i, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK + i)};
    socklen_t n = sizeof in;
    dns->udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    dns->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool done = bind(dns->udp_fd, (struct sockaddr *)&in, sizeof in) == 0 &&
                getsockname(dns->udp_fd, (struct sockaddr *)&in, &n) == 0 &&
                bind(dns->tcp_fd, (struct sockaddr *)&in, sizeof in) == 0 &&
                listen(dns->tcp_fd, 8) == 0;
    dns->port = ntohs(in.sin_port);
    return done;
}

static void close_one(fake_dns *dns)
{
    (void)close(dns->udp_fd);
    (void)close(dns->tcp_fd);
}

static bool bind_all(fake_dns *dns, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!bind_one(&dns[i], i, i == 0 ? 0 : dns[0].port)) {
            for (unsigned k = 0; k <= i; k++)
                close_one(&dns[k]);
            return false;
        }
    return true;
}

void fake_dns_open(fake_dns *dns, unsigned n)
{
    unsigned tries = 0;
    while (!bind_all(dns, n))
        REQUIRE(++tries < PORTS_TRIED);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    server *s = weft_state(self);
    (void)msg;
    s->dns = (fake_dns *)(uintptr_t)weft_config(self);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        s->conns[i].fd = -1;
    weft_watch_init(&s->udp, s->dns->udp_fd, on_udp);
    weft_watch_set(&s->udp, WEFT_READABLE);
    weft_watch_init(&s->tcp, s->dns->tcp_fd, on_accept);
    weft_watch_set(&s->tcp, WEFT_READABLE);
    return WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    server *s = weft_state(self);
    (void)reason;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (s->conns[i].fd >= 0)
            hang_up(&s->conns[i]);
    weft_watch_set(&s->udp, 0);
    weft_watch_set(&s->tcp, 0);
    close_one(s->dns);
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
const weft_behaviour fake_dns_server = {
    .name = "fake_dns", .handlers = rows, .state_bytes = sizeof(server), .ended = ended};
