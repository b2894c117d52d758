/* SPDX-License-Identifier: MIT */
/* Accepting: who waits is taken, let in or turned away, and given to a reactor.
 *
 *   waits ──▶ lists ──▶ limits ──▶ this reactor's connection, or accepted{fd} to another's listener
 *               │          ├──▶ refused: a connection of its own that says the protocol's word and closes
 *               └──────────┴──▶ closed
 *
 * What is turned away costs a look at its address, before anything is allocated for it. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "listener.h"
#include "local.h"
#include "socket.h"
#include "url_parts.h"

enum { ACCEPTS_A_LOOK = 64, EXHAUSTED_PAUSE_MS = 100 };

typedef struct accept_again {
    char nothing;
} accept_again;

/* ---- one that is not let in */

static void close_accepted(wf_accepted *a)
{
    if (a->end != NULL)
        wf_wire_refuse(a->end);
    else if (a->nng != NULL)
        wf_nng_refuse(a->nng);
    else if (a->fd >= 0)
        (void)close(a->fd);
    wf_peers_leave(&a->peer);
}

/* One that is not delivered must not leak its descriptor. */
static void accepted_release(void *body)
{
    close_accepted(body);
}

const weft_type wf_accepted_type = {
    .name = "weft.accepted", .size = sizeof(wf_accepted), .release = accepted_release};
const weft_type wf_accept_again_type = WEFT_TYPE("weft.accept_again", accept_again, NULL);

/* The owner of a connection that is refused: says the protocol's word, and closes. */
static weft_err say_busy(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    const char *text = weft_config(self);
    weft_err err = weft_write(self, opened->stream, weft_bytes_static(text, strlen(text)));
    return err == WEFT_OK ? weft_close(self, opened->stream) : err;
}

/* What the client sends meanwhile nobody reads. */
static weft_err let_it_be(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler refuser_rows[] = {
    {.type = &weft_opened_type, .fn = say_busy}, {.type = &weft_data_type, .fn = let_it_be}, {0}};
static const weft_behaviour refuser = {.name = "refusal", .handlers = refuser_rows};

/* ---- one that is: its connection, here */

static void attach(conn *c, wf_accepted *a, const weft_url *url)
{
    if (a->peer != NULL && wf_conn_rare_of(c) != NULL) {
        c->rare->peer = a->peer;
        a->peer = NULL;
    }
    if (a->end != NULL) {
        wf_wire_attach(c, a->end);
        return;
    }
    if (a->nng != NULL) {
        wf_nng_attach(c, &a->nng);
        return;
    }
    if (url->scheme == WEFT_SCHEME_STDIO) {
        wf_stdio_attach(c, a->fd, url);
        return;
    }
    wf_conn_set_fd(c, a->fd);
    if (wf_scheme_is_local(url->scheme))
        wf_socket_set_up(a->fd, url); /* of ours they have it from who listens */
}

static void set_limits(conn *c, const weft_url_options *o)
{
    c->window.max = (uint32_t)o->window_bytes;
    if (o->write_queue_bytes_max != WEFT_WRITE_QUEUE_BYTES_MAX && wf_conn_rare_of(c) != NULL)
        c->rare->write_queue_max = (uint32_t)o->write_queue_bytes_max;
}

static void begin(conn *c, const wf_listening *shared, const weft_address *peer)
{
    conn_known known = {.peer = peer != NULL && peer->family != WEFT_FAMILY_NONE ? peer : NULL};
    weft_why why = {""};
    weft_err err = wf_pipeline_push(&shared->pipeline, c, &shared->url, &why);
    if (c->rare != NULL)
        c->rare->handshake_ms = shared->url.options.handshake_ms;
    if (err != WEFT_OK) {
        wf_conn_lost(c, err, why.text);
        return;
    }
    if (shared->local.family != WEFT_FAMILY_NONE)
        known.local = &shared->local;
    wf_conn_begin(c, known);
    /* what a client that speaks first has said is there: it need not be waited for */
    if (wf_url_client_speaks_first(&shared->url))
        wf_conn_ready(c, WEFT_READABLE);
}

/* @peer: who it is, or NULL: is asked for. false: memory is out, and it is closed. */
static bool connect_up(weft_actor *self, listener *l, wf_accepted *a, const weft_address *peer,
                       const weft_behaviour *behaviour, const void *config, uint32_t flags)
{
    const wf_listening *shared = l->shared;
    weft_ref ref;
    conn *c = wf_conn_new(self, &wf_conn_leaf_fd, WEFT_NOBODY, &ref);
    if (c == NULL) {
        weft_log(self, WEFT_ERROR, "no memory for a connection: refused");
        close_accepted(a);
        return false;
    }
    attach(c, a, &shared->url);
    c->flags |= CONN_COUNTED | flags;
    l->open++;
    if ((c->flags & CONN_CLOSED) != 0)
        return true; /* it could not be set up */
    set_limits(c, &shared->url.options);
    c->owner = weft_spawn(conn_actor(c), behaviour, config);
    if (weft_ref_is_nobody(c->owner) || a->peer != NULL) {
        wf_peers_leave(&a->peer);
        wf_conn_lost(c, WEFT_ENOMEM, "no memory for its protocol actor");
        return true;
    }
    c->flags |= CONN_CHILD;
    begin(c, shared, peer);
    return true;
}

static void keep(weft_actor *self, listener *l, wf_accepted *a, const weft_address *peer)
{
    if (!connect_up(self, l, a, peer, l->shared->behaviour, l->shared->config, 0))
        (void)wf_listener_tell_left(self, l);
}

weft_err wf_on_accepted(weft_actor *self, weft_msg *msg)
{
    wf_accepted *a = (wf_accepted *)(uintptr_t)weft_body(msg);
    wf_accepted taken = *a;
    *a = (wf_accepted){.fd = -1};
    keep(self, weft_state(self), &taken, NULL);
    return WEFT_OK;
}

/* ---- whether it is */

static bool is_full(const listener *l)
{
    uint32_t max = l->shared->url.options.conns_max;
    return max != 0 && l->all >= max;
}

/* Nobody is taken out of the kernel's queue only to be turned away. */
static bool waits(const listener *l)
{
    return is_full(l) && l->shared->url.options.overflow == WEFT_OVERFLOW_WAIT;
}

static void give(weft_actor *self, listener *l, wf_accepted *a, const weft_address *peer, bool here)
{
    const wf_listening *shared = l->shared;
    unsigned i = shared->n > 1 && !here ? l->next++ % shared->n : 0;
    l->all++;
    l->exhausted = false;
    /* an event: one that cannot be sent is still ours */
    if (i == 0 || weft_event(self, shared->member[i], &wf_accepted_type, a) != WEFT_OK)
        keep(self, l, a, peer);
}

static void turn_away(weft_actor *self, listener *l, wf_accepted *a, const weft_address *peer,
                      weft_err err)
{
    const wf_listening *shared = l->shared;
    const char *busy = shared->behaviour->busy;
    char text[WEFT_ADDRESS_TEXT_BYTES];
    weft_count(err == WEFT_EDENIED ? WEFT_COUNT_CONNS_DENIED : WEFT_COUNT_CONNS_CROWDED);
    weft_log(self, WEFT_INFO, "%s is turned away: %s", weft_address_print(peer, text),
             err == WEFT_EDENIED  ? "its address is not allowed"
             : err == WEFT_ELIMIT ? "too many connections"
                                  : weft_err_text(err));
    if (err != WEFT_ELIMIT || shared->url.options.overflow != WEFT_OVERFLOW_REFUSE ||
        busy == NULL || l->refusing >= WF_REFUSALS_MAX) {
        close_accepted(a);
        return;
    }
    if (connect_up(self, l, a, peer, &refuser, busy, CONN_REFUSED))
        l->refusing++;
}

static void let_in(weft_actor *self, listener *l, wf_accepted *a, const weft_address *peer,
                   bool here)
{
    weft_err err = wf_admission_enter(l->shared->admission, peer, &a->peer);
    if (err == WEFT_OK && is_full(l)) {
        wf_peers_leave(&a->peer);
        err = WEFT_ELIMIT;
    }
    if (err == WEFT_OK)
        give(self, l, a, peer, here);
    else
        turn_away(self, l, a, peer, err);
}

/* ---- who waits */

/* false: nobody waits, or errno says what else. @peer: who it is, as far as that is known. */
static bool accept_one(const wf_listening *shared, wf_accepted *out, weft_address *peer)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    *out = (wf_accepted){.fd = -1};
    *peer = (weft_address){.family = WEFT_FAMILY_NONE};
    if (shared->wire != NULL) {
        errno = EAGAIN;
        out->end = wf_wire_accept(shared->wire);
        if (out->end != NULL)
            *peer = wire_peer(out->end)->address;
        return out->end != NULL;
    }
    if (shared->nng != NULL)
        return (out->nng = wf_nng_accept(shared->nng, peer)) != NULL;
    if (shared->url.scheme == WEFT_SCHEME_STDIO)
        return wf_stdio_accept(shared->fd, &out->fd);
    out->fd = accept4(shared->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (out->fd >= 0)
        wf_address_from_sockaddr(peer, (const struct sockaddr *)&sa, n);
    return out->fd >= 0;
}

void wf_accept_watch(listener *l)
{
    bool want = l->accepts && !l->paused && !waits(l);
    if (l->closed)
        return;
    if (l->shared->wire != NULL)
        wf_wire_listener_want(l->shared->wire, want);
    else
        weft_watch_set(&l->watch, want ? WEFT_READABLE : 0);
}

/* Descriptors are out: the one held in reserve lets the first of those that wait be closed rather than
 * left hanging; then a pause, since level-triggered readiness would spin. */
static void exhausted(weft_actor *self, listener *l, int err)
{
    if (!l->exhausted)
        weft_log(self, WEFT_WARNING, "unable to accept: %s; trying again every %d ms",
                 strerror(err), EXHAUSTED_PAUSE_MS);
    l->exhausted = true;
    if (l->spare_fd >= 0) {
        (void)close(l->spare_fd);
        int fd = accept4(l->shared->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            (void)close(fd);
        l->spare_fd = dup(l->shared->fd);
    }
    l->paused = true;
    wf_accept_watch(l);
    weft_timer t =
        weft_timer_start(self, EXHAUSTED_PAUSE_MS, 0, &wf_accept_again_type, &(accept_again){0});
    if (t.slot == 0) {
        l->paused = false;
        wf_accept_watch(l);
    }
}

weft_err wf_on_accept_again(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    (void)msg;
    l->paused = false;
    if (l->spare_fd < 0 && l->accepts)
        l->spare_fd = dup(l->shared->fd);
    wf_accept_watch(l);
    return WEFT_OK;
}

static void accept_some(weft_actor *self, void *context)
{
    listener *l = context;
    for (int i = 0; i < ACCEPTS_A_LOOK && l->accepts; i++) {
        wf_accepted a;
        weft_address peer;
        if (waits(l)) {
            wf_accept_watch(l);
            return;
        }
        if (accept_one(l->shared, &a, &peer))
            let_in(self, l, &a, &peer, false);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            exhausted(self, l, errno);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_acceptable(weft_watch *watch, unsigned events)
{
    listener *l = (listener *)(void *)watch;
    (void)events;
    weft_enter(weft_actor_of_state(l), accept_some, l);
}

static void on_wire_acceptable(void *context)
{
    weft_enter(weft_actor_of_state(context), accept_some, context);
}

void wf_accept_begin(weft_actor *self, listener *l)
{
    l->accepts = true;
    if (l->shared->wire != NULL) {
        wf_wire_listener_watch(l->shared->wire, weft_reactor_of(self), on_wire_acceptable, l);
    } else {
        if (l->shared->nng != NULL)
            wf_nng_settle_at_end();
        l->spare_fd = dup(l->shared->fd);
        weft_watch_init(&l->watch, l->shared->fd, on_acceptable);
    }
    wf_accept_watch(l);
}

/* Closing the socket would reset those whom the kernel has accepted already: they are kept here, by this
 * reactor, since another may be past its own end. No more than the backlog, as new ones may come for ever. */
void wf_accept_rest(weft_actor *self, listener *l)
{
    wf_accepted a;
    weft_address peer;
    for (uint32_t i = 0; l->accepts && i < l->shared->url.options.backlog && !waits(l); i++) {
        if (!accept_one(l->shared, &a, &peer))
            return;
        let_in(self, l, &a, &peer, true);
    }
}

void wf_accept_end(listener *l)
{
    if (l->accepts && l->shared->wire == NULL) {
        weft_watch_set(&l->watch, 0);
        if (l->spare_fd >= 0)
            (void)close(l->spare_fd);
    }
    l->accepts = false;
}
