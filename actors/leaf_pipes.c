/* SPDX-License-Identifier: MIT */
/* The leaf of pipes and terminals: up to two descriptors, one that is read and one that is written.
 *
 * A program may end, or close its input, without having read all that was written to it, and what it has
 * said until then is no less true: so the way out may be broken (@deaf) while the way in is read to its end,
 * and only then is the stream lost, if something was. */
#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { GROWN_BYTES = WEFT_WINDOW_BYTES }; /* a pipe that much comes through */

typedef struct pipes {
    weft_watch in, out; /* the same descriptor: @in watches for both */
    conn *c;
    wf_terminal_modes *was; /* given back at the end; NULL: nothing */
    uint64_t got;
    wf_pipes_end end;
    bool shares_in, shares_out; /* they wait again when it is over */
    bool one;                   /* it is the same descriptor */
    bool deaf;                  /* nobody reads what is written */
    bool dropped;               /* and something was */
    bool last;                  /* what is empty has ended */
    bool eot;                   /* the end is still to be written */
    bool may_grow;              /* when a read has found it full */
    bool grown;                 /* it holds GROWN_BYTES */
    char before;                /* the last character written */
} pipes;

static pipes *pipes_of(const conn *c)
{
    return weft_leaf_context(c);
}

static int in_of(const pipes *p)
{
    return weft_watch_fd(&p->in);
}

static int out_of(const pipes *p)
{
    return p->one ? in_of(p) : weft_watch_fd(&p->out);
}

static void write_eot(pipes *p);

static void on_in(weft_watch *watch, unsigned events)
{
    pipes *p = (pipes *)(void *)((char *)watch - offsetof(pipes, in));
    if (p->eot && (events & WEFT_WRITABLE) != 0)
        write_eot(p);
    wf_conn_ready(p->c, events);
}

static void on_out(weft_watch *watch, unsigned events)
{
    wf_conn_ready(((pipes *)(void *)((char *)watch - offsetof(pipes, out)))->c, events);
}

static const char unread[] = "what was written was not read to its end";

/* It ends as every stream does, and says at last that not all arrived. false: memory is out. */
static bool end_short(conn *c)
{
    conn_rare *rare = wf_conn_rare_of(c);
    if (rare != NULL && rare->reason == WEFT_OK) {
        rare->reason = WEFT_ELOST;
        memcpy(rare->why, unread, sizeof unread);
    }
    return rare != NULL;
}

/* No more may be written: who tries is told EGONE. */
static void go_deaf(conn *c, pipes *p, bool dropped)
{
    p->deaf = true;
    p->dropped |= dropped;
    c->flags |= CONN_END_OUT | CONN_END_SENT | CONN_DOWN_ENDED;
}

/* A terminal knows no half close: where nobody writes at its other side, nobody reads either, and what is
 * written would wait for ever. */
static void hang_up(conn *c, pipes *p)
{
    bool left = wf_conn_left(c) != 0;
    if (p->deaf || !p->one || p->end == PIPES_SHUTDOWN)
        return;
    wf_conn_out_drop(c);
    c->flags &= ~(uint32_t)CONN_BLOCKED;
    go_deaf(c, p, left);
}

/* A read of a full pipe wakes who writes to it, which is a switch there and one back: where much comes, fewer are
 * made of what is read. The system may refuse it, and then the pipe stays as it is. */
static void grow(pipes *p)
{
    p->may_grow = false;
    p->grown = fcntl(in_of(p), F_SETPIPE_SZ, GROWN_BYTES) >= GROWN_BYTES;
}

/* errors: EUNSUPPORTED: it is not more than is read as everywhere. */
static weft_err read_grown(conn *c, const pipes *p, weft_bytes *out)
{
    uint32_t held = c->window.held, room = held < GROWN_BYTES ? GROWN_BYTES - held : 0;
    int n = 0;
    uint8_t *to;
    bool slowed = c->rare != NULL && c->rare->read_bytes_max != 0;
    if (slowed || room <= WEFT_READ_BYTES_MAX || ioctl(in_of(p), FIONREAD, &n) != 0 ||
        n <= (int)WEFT_READ_BYTES_MAX)
        return WEFT_EUNSUPPORTED;
    size_t size = (uint32_t)n < room ? (uint32_t)n : room;
    if (weft_bytes_charged(size, &c->window, &to, out) != WEFT_OK)
        return WEFT_EUNSUPPORTED;
    ssize_t got = read(in_of(p), to, size);
    if (got > 0) {
        out->size = (size_t)got;
        return WEFT_OK;
    }
    weft_bytes_drop(out);
    return WEFT_EUNSUPPORTED;
}

static weft_err pipes_read(conn *c, weft_bytes *out, weft_why *why)
{
    pipes *p = pipes_of(c);
    weft_err err = p->grown ? read_grown(c, p, out) : WEFT_EUNSUPPORTED;
    if (err != WEFT_OK)
        err = wf_fd_read(in_of(p), conn_read_max(c), &c->window, out, why);
    if (err == WEFT_OK)
        p->got += out->size;
    if (err == WEFT_OK && p->may_grow && out->size == WEFT_READ_BYTES_MAX)
        grow(p);
    if (err == WEFT_EFULL && p->last)
        err = WEFT_EDONE;
    if (err == WEFT_EDONE)
        hang_up(c, p);
    if (err == WEFT_EDONE && p->dropped && !end_short(c))
        return weft_because(why, WEFT_ELOST, "%s", unread);
    return err;
}

/* The last of the first @n bytes, of which there is one. */
static char last_of(const struct iovec *v, unsigned k, size_t n)
{
    for (unsigned i = 0; i < k; i++) {
        if (n <= v[i].iov_len)
            return ((const char *)v[i].iov_base)[n - 1];
        n -= v[i].iov_len;
    }
    return '\0';
}

static weft_err pipes_write(conn *c, const conn_item *items, unsigned n, size_t *sent,
                            weft_why *why)
{
    pipes *p = pipes_of(c);
    struct iovec v[CONN_WRITE_ITEMS];
    unsigned k = 0;
    size_t total = 0;
    if (items[0].file != NULL && !p->deaf)
        return WEFT_EUNSUPPORTED; /* it comes as bytes */
    for (; k < n && (items[k].file == NULL || p->deaf); k++) {
        v[k] = (struct iovec){(void *)(uintptr_t)items[k].bytes.at, items[k].bytes.size};
        total += items[k].bytes.size;
    }
    *sent = total;
    if (p->deaf) {
        p->dropped = true;
        return WEFT_OK;
    }
    ssize_t w = writev(out_of(p), v, (int)k);
    if (w < 0 && (errno == EPIPE || errno == EIO) && in_of(p) >= 0 &&
        (c->flags & (CONN_ENDED_IN | CONN_CLOSING)) == 0) {
        go_deaf(c, p, true);
        return WEFT_OK;
    }
    *sent = w > 0 ? (size_t)w : 0;
    if (w < 0)
        return errno == EAGAIN || errno == EINTR
                   ? WEFT_EFULL
                   : weft_because(why, errno == EIO ? WEFT_ELOST : weft_err_from_errno(errno),
                                  "write: %s", strerror(errno));
    if (p->end == PIPES_EOT && w > 0)
        p->before = last_of(v, k, (size_t)w);
    return (size_t)w < total ? WEFT_EFULL : WEFT_OK;
}

static void pipes_want(conn *c, unsigned events)
{
    pipes *p = pipes_of(c);
    if (p->one) {
        weft_watch_set(&p->in, events | (p->eot ? WEFT_WRITABLE : 0U));
        return;
    }
    if (in_of(p) >= 0)
        weft_watch_set(&p->in, events & WEFT_READABLE);
    if (out_of(p) >= 0)
        weft_watch_set(&p->out, events & WEFT_WRITABLE);
}

static void close_fd(int fd, bool shared)
{
    int flags = shared ? fcntl(fd, F_GETFL) : -1;
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    (void)close(fd);
}

static void close_out(pipes *p)
{
    int fd = weft_watch_fd(&p->out);
    if (p->one || fd < 0)
        return;
    weft_watch_set(&p->out, 0);
    close_fd(fd, p->shares_out);
    weft_watch_init(&p->out, -1, on_out);
}

/* The character ends a line that has begun, and only an empty one is the end. */
static void write_eot(pipes *p)
{
    char text[2];
    size_t n = p->before == '\n' || p->before == '\0' ? 1 : 2;
    if (!wf_terminal_eot(in_of(p), &text[0])) {
        p->eot = false;
        return;
    }
    text[1] = text[0];
    ssize_t w = write(in_of(p), text, n);
    if (w == 1 && n == 2)
        p->before = '\n';
    p->eot = (w < 0 && errno == EAGAIN) || (size_t)w < n;
}

static void pipes_end_out(conn *c)
{
    pipes *p = pipes_of(c);
    switch (p->deaf ? PIPES_NOTHING : p->end) {
    case PIPES_CLOSE:
        close_out(p);
        break;
    case PIPES_SHUTDOWN:
        (void)shutdown(out_of(p), SHUT_WR);
        break;
    case PIPES_EOT:
        write_eot(p);
        break;
    default:
        break;
    }
}

static void pipes_close(conn *c, bool abort)
{
    pipes *p = pipes_of(c);
    (void)abort;
    close_out(p);
    if (in_of(p) >= 0) {
        weft_watch_set(&p->in, 0);
        if (p->was != NULL)
            wf_terminal_give_back(p->was);
        close_fd(in_of(p), p->shares_in);
    }
    weft_alloc_free(p);
}

static void pipes_addresses(conn *c, weft_address *local, weft_address *peer)
{
    (void)c, (void)local, (void)peer;
}

static weft_err pipes_nodelay(conn *c, bool on)
{
    (void)c, (void)on;
    return WEFT_EUNSUPPORTED;
}

const conn_leaf wf_conn_leaf_pipes = {
    .name = "pipes",
    .read = pipes_read,
    .write = pipes_write,
    .want = pipes_want,
    .end = pipes_end_out,
    .close = pipes_close,
    .addresses = pipes_addresses,
    .nodelay = pipes_nodelay,
};

/* A write to a pipe that nobody reads is an error here, not the end of the program. */
static void ignore_broken_pipes(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

weft_err wf_pipes_set(conn *c, int in, int out, wf_pipes_end end)
{
    pipes *p = weft_alloc_zero(sizeof *p);
    if (p == NULL) {
        if (in >= 0)
            (void)close(in);
        if (out >= 0 && out != in)
            (void)close(out);
        return WEFT_ENOMEM;
    }
    ignore_broken_pipes();
    p->c = c;
    p->end = end;
    p->one = in == out;
    weft_watch_init(&p->in, in, on_in);
    weft_watch_init(&p->out, p->one ? -1 : out, on_out);
    memcpy(&c->watch, &p, sizeof(void *));
    c->leaf = &wf_conn_leaf_pipes;
    if (in < 0)
        c->flags |= CONN_ENDED_IN | CONN_ENDED_TOLD;
    if (out < 0)
        c->flags |= CONN_END_OUT | CONN_END_SENT | CONN_DOWN_ENDED;
    return WEFT_OK;
}

void wf_pipes_restore(conn *c, wf_terminal_modes *was)
{
    pipes_of(c)->was = was;
}

void wf_pipes_share(conn *c, bool in, bool out)
{
    pipes *p = pipes_of(c);
    p->shares_in = in;
    p->shares_out = out;
}

void wf_pipes_grow(conn *c)
{
    pipes_of(c)->may_grow = true;
}

bool wf_pipes_open(const conn *c)
{
    return c->leaf == &wf_conn_leaf_pipes && (c->flags & CONN_CLOSED) == 0;
}

int wf_pipes_fd(const conn *c)
{
    return in_of(pipes_of(c));
}

void wf_pipes_peer_gone(conn *c)
{
    pipes *p = pipes_of(c);
    if (p->deaf || out_of(p) < 0)
        return;
    bool left = wf_conn_left(c) != 0;
    if (in_of(p) < 0) {
        if (left)
            wf_conn_lost(c, WEFT_ELOST, "it ended without reading what was written to it");
        else
            wf_conn_close(c);
        return;
    }
    /* its end may have been read before it was known to be gone: then nothing is read any more that could
     * say so */
    if (left && (c->flags & CONN_ENDED_IN) != 0 && !end_short(c)) {
        wf_conn_lost(c, WEFT_ELOST, unread);
        return;
    }
    wf_conn_out_drop(c);
    go_deaf(c, p, left);
    c->flags &= ~(uint32_t)CONN_BLOCKED;
    wf_conn_deliver(c);
}

uint64_t wf_pipes_got(const conn *c)
{
    return pipes_of(c)->got;
}

void wf_pipes_last(conn *c)
{
    pipes *p = pipes_of(c);
    p->last = true;
    if (in_of(p) >= 0)
        wf_conn_ready(c, WEFT_READABLE);
}
