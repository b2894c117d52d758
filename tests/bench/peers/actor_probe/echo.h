/* SPDX-License-Identifier: MIT */
/* Bytes with owners, the TCP transport actor, echo with one protocol actor for each connection. */
#ifndef PROBE_ECHO_H
#define PROBE_ECHO_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "reactor.h"

enum { CHUNK = 64 << 10, MIN_READ = 4 << 10, WINDOW = 256 << 10, OUT_SLICES = 64 };

/* A chunk is what read() fills; a lease is one read out of it, lies before its bytes and knows who
 * lent them. The last holder, on whatever reactor, sends the lease back to the lender's. */
typedef struct chunk {
    uint32_t refs, used;
    struct chunk *next;
    _Alignas(16) uint8_t data[];
} chunk;

typedef struct lease {
    _Atomic uint32_t refs;
    uint32_t len;
    chunk *chunk;
    ref lender;
} lease;

typedef struct bytes {
    lease *l;
    uint32_t off, len;
} bytes;

typedef struct out {
    uint32_t first, n;
    struct out *next;
    bytes v[OUT_SLICES];
} out;

struct io_state {
    chunk *chunk, *spare;
    out *free_out;
};

enum { FLOWS = 0, WAITS_FOR_ROOM = 1, HAS_ROOM = 2 };

typedef struct transport {
    ev_io io;
    ref protocol;
    uint32_t given_out, window;
    out *out, *out_last;
    uint8_t paused, closing, blocked, queued;
    uint64_t pauses;
} transport;

static void bytes_share(void *b)
{
    bytes *x = b;
    if (x->l)
        atomic_fetch_add_explicit(&x->l->refs, 1, memory_order_relaxed);
}
static void bytes_drop(void *b);

static const type READABLE = {.name = "readable"};
static const type OPENED = {.name = "opened", .size = sizeof(ref)};
static const type DATA = {"data", sizeof(bytes), bytes_share, bytes_drop};
static const type WRITE = {"write", sizeof(bytes), bytes_share, bytes_drop};
static const type CLOSE = {.name = "close"};
static const type CLOSED = {.name = "closed"};
static const type CREDIT = {.name = "credit", .size = sizeof(lease *)};

static chunk *chunk_new(struct io_state *s)
{
    chunk *c = s->spare;
    if (c)
        s->spare = c->next;
    else
        c = aligned_alloc(4096, sizeof(chunk) + CHUNK + 4096 - (sizeof(chunk) + CHUNK) % 4096);
    c->refs = 1;
    c->used = 0;
    return c;
}

static void chunk_drop(struct io_state *s, chunk *c)
{
    if (--c->refs)
        return;
    if (s->spare) {
        free(c);
    } else {
        c->next = NULL;
        s->spare = c;
    }
}

static inline actor *actor_of(ev_io *w)
{
    return (actor *)(void *)((char *)w - offsetof(actor, state));
}

/* What the descriptor is watched for: data unless paused, room if a write is blocked. */
static void watch(actor *a)
{
    transport *t = STATE(transport, a);
    int want = (t->paused ? 0 : EV_READ) | (t->blocked ? EV_WRITE : 0);
    int is = ev_is_active(&t->io) ? t->io.events & (EV_READ | EV_WRITE) : 0;
    if (want == is)
        return;
    ev_io_stop(R->loop, &t->io);
    if (want) {
        ev_io_set(&t->io, t->io.fd, want);
        ev_io_start(R->loop, &t->io);
    }
}

/* On the lender's reactor: the bytes are no longer out. */
static void lease_home(reactor *r, lease *l)
{
    slot *s = &r->slots[l->lender.slot];
    if (s->gen == l->lender.gen) {
        transport *t = STATE(transport, s->a);
        t->given_out -= l->len;
        if (unlikely(t->paused) && t->given_out <= t->window / 2) {
            t->paused = 0;
            watch(s->a);
        }
    }
    chunk_drop(r->io, l->chunk);
}

static void bytes_drop(void *b)
{
    lease *l = ((bytes *)b)->l;
    if (!l)
        return;
    ((bytes *)b)->l = NULL;
    if (atomic_load_explicit(&l->refs, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (likely(l->lender.home == R->home))
        lease_home(R, l);
    else
        put(NULL, (ref){.home = l->lender.home, .slot = 1, .gen = 1}, &CREDIT, &l, 0, F_UNCOUNTED);
}

static void transport_close(actor *a)
{
    transport *t = STATE(transport, a);
    if (a->stopping)
        return;
    put(a, t->protocol, &CLOSED, NULL, 0, F_UNCOUNTED);
    stop_actor(a);
}

/* Where the next read goes: if nobody holds any of the chunk, the warm bytes again. */
static lease *lease_next(struct io_state *s)
{
    chunk *c = s->chunk;
    if (c->refs == 1) {
        c->used = 0;
    } else if (c->used + sizeof(lease) + MIN_READ > CHUNK) {
        chunk_drop(s, c);
        c = s->chunk = chunk_new(s);
    }
    return (lease *)(void *)(c->data + c->used);
}

static void transport_read(actor *a)
{
    transport *t = STATE(transport, a);
    struct io_state *s = R->io;
    if (a->stopping || t->paused)
        return;
    lease *l = lease_next(s);
    chunk *c = s->chunk;
    ssize_t n = read(t->io.fd, l + 1, CHUNK - c->used - sizeof(lease));
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            transport_close(a);
        return;
    }
    c->used += (uint32_t)(sizeof(lease) + (size_t)n + 15) & ~15u;
    c->refs++;
    atomic_store_explicit(&l->refs, 0, memory_order_relaxed); /* the message takes the first one */
    l->len = (uint32_t)n;
    l->chunk = c;
    l->lender = ref_of(a);
    t->given_out += (uint32_t)n;
    if (unlikely(t->given_out > t->window)) {
        t->paused = 1;
        t->pauses++;
        watch(a);
    }
    bytes b = {l, 0, (uint32_t)n};
    if (unlikely(put(a, t->protocol, &DATA, &b, 0, F_UNCOUNTED))) {
        atomic_store(&l->refs, 1);
        bytes_drop(&b);
        transport_close(a);
    }
}

static int on_readable(actor *a, msg *m)
{
    (void)m;
    STATE(transport, a)->queued = 0;
    transport_read(a);
    return 0;
}

/* Queued here, written at the end of the turn; the reference moves out of the message. */
static int on_write(actor *a, msg *m)
{
    transport *t = STATE(transport, a);
    out *o = t->out_last;
    if (!o || o->n == OUT_SLICES) {
        if ((o = R->io->free_out))
            R->io->free_out = o->next;
        else
            o = malloc(sizeof *o);
        o->first = o->n = 0;
        o->next = NULL;
        if (t->out_last)
            t->out_last->next = o;
        else
            t->out = o;
        t->out_last = o;
    }
    memcpy(&o->v[o->n++], m->body, sizeof(bytes));
    ((bytes *)(void *)m->body)->l = NULL;
    return 0;
}

static ssize_t out_write(const transport *t, const out *o)
{
    struct iovec v[OUT_SLICES];
    int k = 0;
    for (uint32_t i = o->first; i < o->n; i++, k++)
        v[k] = (struct iovec){(uint8_t *)(o->v[i].l + 1) + o->v[i].off, o->v[i].len};
    if (k == 1)
        return send(t->io.fd, v[0].iov_base, v[0].iov_len, MSG_NOSIGNAL);
    return writev(t->io.fd, v, k);
}

/* Drops what was written; 1: all of it was. */
static int out_written(out *o, size_t w)
{
    for (; o->first < o->n && w >= o->v[o->first].len; o->first++) {
        w -= o->v[o->first].len;
        bytes_drop(&o->v[o->first]);
    }
    if (o->first == o->n)
        return 1;
    o->v[o->first].off += (uint32_t)w;
    o->v[o->first].len -= (uint32_t)w;
    return 0;
}

static void transport_flush(actor *a)
{
    transport *t = STATE(transport, a);
    if (likely(!t->out) || t->blocked == WAITS_FOR_ROOM) {
        if (unlikely(t->closing) && !t->out)
            transport_close(a);
        return;
    }
    t->blocked = FLOWS;
    for (out *o; (o = t->out);) {
        ssize_t w = out_write(t, o);
        if (w < 0 && errno != EAGAIN && errno != EINTR) {
            transport_close(a);
            return;
        }
        if (w < 0 || !out_written(o, (size_t)w)) {
            t->blocked = WAITS_FOR_ROOM;
            break;
        }
        if (!(t->out = o->next))
            t->out_last = NULL;
        o->next = R->io->free_out;
        R->io->free_out = o;
    }
    watch(a);
    if (t->closing && !t->out)
        transport_close(a);
}

/* After what was written. */
static int on_close(actor *a, msg *m)
{
    (void)m;
    STATE(transport, a)->closing = 1;
    return 0;
}

static void transport_ended(actor *a)
{
    transport *t = STATE(transport, a);
    ev_io_stop(R->loop, &t->io);
    close(t->io.fd);
    for (out *o = t->out, *n; o; o = n) {
        n = o->next;
        for (uint32_t i = o->first; i < o->n; i++)
            bytes_drop(&o->v[i]);
        o->next = R->io->free_out;
        R->io->free_out = o;
    }
}

static const handler transport_rows[] = {
    {&READABLE, on_readable, 0}, {&WRITE, on_write, 0}, {&CLOSE, on_close, 0}, {0}};
static const behaviour TRANSPORT = {"tcp", sizeof(transport), transport_rows, transport_flush,
                                    transport_ended};

/* The one callback: readiness becomes a message, once, although epoll is level-triggered. */
static void on_io(struct ev_loop *l, ev_io *w, int e)
{
    (void)l;
    actor *a = actor_of(w);
    if (e & EV_WRITE) {
        STATE(transport, a)->blocked = HAS_ROOM;
        transport_flush(a);
    }
    if (!(e & EV_READ))
        return;
    R->events++;
    if (STATE(transport, a)->queued)
        return;
    STATE(transport, a)->queued = 1;
    put(NULL, ref_of(a), &READABLE, NULL, 0, F_UNCOUNTED);
}

static actor *transport_new(int fd, ref protocol)
{
    actor *a = spawn(&TRANSPORT, NULL);
    transport *t = STATE(transport, a);
    int on = 1;
    a->fresh = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    t->protocol = protocol;
    t->window = WINDOW;
    ev_io_init(&t->io, on_io, fd, EV_READ);
    ev_io_start(R->loop, &t->io);
    return a;
}

/* ---- echo */

typedef struct proto {
    ref to;
} proto;

static int on_echo_opened(actor *a, msg *m)
{
    memcpy(a->state, m->body, sizeof(ref));
    return 0;
}

static int on_echo_data(actor *a, msg *m)
{
    return put(a, STATE(proto, a)->to, &WRITE, m->body, 0, F_UNCOUNTED);
}

static int on_echo_closed(actor *a, msg *m)
{
    (void)m;
    stop_actor(a);
    return 0;
}

static const handler echo_rows[] = {
    {&OPENED, on_echo_opened, 0}, {&DATA, on_echo_data, 0}, {&CLOSED, on_echo_closed, 0}, {0}};
static const behaviour ECHO = {"echo", sizeof(proto), echo_rows, NULL, NULL};

/* The first actor of a reactor: takes leases that ended elsewhere. */
static int on_credit(actor *a, msg *m)
{
    (void)a;
    lease *l;
    memcpy(&l, m->body, sizeof l);
    lease_home(R, l);
    return 0;
}

static const handler clerk_rows[] = {{&CREDIT, on_credit, 0}, {0}};
static const behaviour CLERK = {"clerk", 0, clerk_rows, NULL, NULL};

static void on_accept(struct ev_loop *l, ev_io *w, int e)
{
    (void)l;
    (void)e;
    for (int c; (c = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        actor *p = spawn(&ECHO, NULL);
        ref t = ref_of(transport_new(c, ref_of(p)));
        p->fresh = 0;
        put(NULL, ref_of(p), &OPENED, &t, 0, 0);
    }
}

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static int serve_echo(reactor *r, int port)
{
    struct rlimit n;
    getrlimit(RLIMIT_NOFILE, &n);
    n.rlim_cur = n.rlim_max;
    setrlimit(RLIMIT_NOFILE, &n);
    signal(SIGPIPE, SIG_IGN);
    r->io = calloc(1, sizeof *r->io);
    r->io->chunk = chunk_new(r->io);
    spawn(&CLERK, NULL);
    ev_io acceptor;
    ev_io_init(&acceptor, on_accept, listen_on(port), EV_READ);
    ev_io_start(r->loop, &acceptor);
    reactor_run(r);
    return 0;
}

#endif
