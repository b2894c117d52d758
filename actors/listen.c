/* SPDX-License-Identifier: MIT */
/* Listeners: one on each reactor keeps the connections there; the first of them also accepts.
 *
 *   listener 0 accepts ──┬──▶ its own stream ──▶ protocol actor
 *                        └── accepted{fd} ──▶ listener 1 ──▶ stream ──▶ protocol actor
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "conn.h"
#include "endpoint.h"
#include "listen.h"
#include "socket.h"

enum { ACCEPTS_A_LOOK = 64, EXHAUSTED_PAUSE_MS = 100 };

typedef struct listener {
    weft_watch watch;
    wf_listening *shared;
    weft_msg *draining; /* the phase that waits until the last connection is over */
    uint32_t open;      /* connections here */
    uint32_t all;       /* everywhere; counted by the one that accepts */
    unsigned next;      /* which reactor is given the next one */
    int spare_fd;       /* given up to refuse politely when descriptors are out */
    bool accepts, paused;
    bool exhausted; /* descriptors are out, and that was said */
    bool closed;    /* what is listened at is */
} listener;

/* A descriptor, or the end of a simulated link. */
typedef struct accepted {
    int fd;
    wire_end *end;
} accepted;
typedef struct left {
    char nothing;
} left;
typedef struct accept_again {
    char nothing;
} accept_again;

static void refuse(const accepted *a)
{
    if (a->end != NULL)
        wf_wire_refuse(a->end);
    else if (a->fd >= 0)
        (void)close(a->fd);
}

/* One that is not delivered must not leak its descriptor. */
static void accepted_release(void *body)
{
    refuse(body);
}

static const weft_type accepted_type = {
    .name = "weft.accepted", .size = sizeof(accepted), .release = accepted_release};
static const weft_type left_type = WEFT_TYPE("weft.connection_left", left, NULL);
static const weft_type accept_again_type = WEFT_TYPE("weft.accept_again", accept_again, NULL);

static void set_up(conn *c, const accepted *a, const weft_url *url)
{
    if (a->end != NULL) {
        wf_wire_attach(c, a->end);
        return;
    }
    wf_conn_set_fd(c, a->fd);
    wf_socket_set_up(a->fd, url);
}

static void watch_accepts(listener *l)
{
    uint32_t max = l->shared->url.options.conns_max;
    bool want = l->accepts && !l->paused && (max == 0 || l->all < max);
    if (l->closed)
        return;
    if (l->shared->wire != NULL)
        wf_wire_listener_want(l->shared->wire, want);
    else
        weft_watch_set(&l->watch, want ? WEFT_READABLE : 0);
}

/* ---- connections begin and end */

static void left_one(listener *l)
{
    l->all--;
    watch_accepts(l);
}

static weft_err on_left(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    left_one(weft_state(self));
    return WEFT_OK;
}

/* The first counts those of all reactors. */
static weft_err tell_left(weft_actor *self, listener *l)
{
    weft_ref first = l->shared->member[0];
    if (!weft_ref_same(first, weft_self(self)))
        return weft_event(self, first, &left_type, &(left){0});
    left_one(l);
    return WEFT_OK;
}

static void keep_connection(weft_actor *self, listener *l, const accepted *a)
{
    const wf_listening *shared = l->shared;
    const weft_url_options *o = &shared->url.options;
    weft_ref ref;
    conn *c = wf_conn_new(self, &wf_conn_leaf_fd, WEFT_NOBODY, &ref);
    if (c == NULL) {
        weft_log(self, WEFT_ERROR, "no memory for a connection: refused");
        refuse(a);
        (void)tell_left(self, l);
        return;
    }
    set_up(c, a, &shared->url);
    c->flags |= CONN_COUNTED;
    l->open++;
    c->window.max = (uint32_t)o->window_bytes;
    if (o->write_queue_bytes_max != WEFT_WRITE_QUEUE_BYTES_MAX && wf_conn_rare_of(c) != NULL)
        c->rare->write_queue_max = (uint32_t)o->write_queue_bytes_max;
    c->owner = weft_spawn(conn_actor(c), shared->behaviour, shared->config);
    if (weft_ref_is_nobody(c->owner)) {
        wf_conn_lost(c, WEFT_ENOMEM, "no memory for its protocol actor");
        return;
    }
    c->flags |= CONN_CHILD;
    weft_why why = {""};
    weft_err err = wf_pipeline_push(&shared->pipeline, c, &shared->url, &why);
    if (c->rare != NULL)
        c->rare->handshake_ms = o->handshake_ms;
    if (err != WEFT_OK) {
        wf_conn_lost(c, err, why.text);
        return;
    }
    wf_conn_begin(c);
    /* what a client that speaks first has said is there: it need not be waited for */
    if (shared->url.scheme == WEFT_SCHEME_HTTP)
        wf_conn_ready(c, WEFT_READABLE);
}

static weft_err on_accepted(weft_actor *self, weft_msg *msg)
{
    accepted *a = (accepted *)(uintptr_t)weft_body(msg);
    accepted taken = *a;
    *a = (accepted){.fd = -1};
    keep_connection(self, weft_state(self), &taken);
    return WEFT_OK;
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
    watch_accepts(l);
    weft_timer t = weft_after(self, EXHAUSTED_PAUSE_MS, accept_again, .nothing = 0);
    if (t.slot == 0) {
        l->paused = false;
        watch_accepts(l);
    }
}

static void give(weft_actor *self, listener *l, const accepted *a)
{
    const wf_listening *shared = l->shared;
    unsigned i = shared->n > 1 ? l->next++ % shared->n : 0;
    l->all++;
    l->exhausted = false;
    /* an event: one that cannot be sent is still ours */
    if (i == 0 || weft_event(self, shared->member[i], &accepted_type, a) != WEFT_OK)
        keep_connection(self, l, a);
}

/* false: nobody waits, or errno says what else. */
static bool accept_one(const wf_listening *shared, accepted *out)
{
    *out = (accepted){.fd = -1};
    if (shared->wire != NULL) {
        errno = EAGAIN;
        out->end = wf_wire_accept(shared->wire);
        return out->end != NULL;
    }
    out->fd = accept4(shared->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return out->fd >= 0;
}

static void accept_some(weft_actor *self, void *context)
{
    listener *l = context;
    for (int i = 0; i < ACCEPTS_A_LOOK && l->accepts; i++) {
        uint32_t max = l->shared->url.options.conns_max;
        if (max != 0 && l->all >= max) {
            watch_accepts(l);
            return;
        }
        accepted a;
        if (accept_one(l->shared, &a))
            give(self, l, &a);
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

static weft_err on_again(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    (void)msg;
    l->paused = false;
    if (l->spare_fd < 0 && l->accepts)
        l->spare_fd = dup(l->shared->fd);
    watch_accepts(l);
    return WEFT_OK;
}

/* ---- the end of connections, and of the listener */

/* Closing the socket would reset those whom the kernel has accepted already: they are kept here, by this
 * reactor, since another may be past its own end. No more than the backlog, as new ones may come for ever. */
static void accept_rest(weft_actor *self, listener *l)
{
    accepted a;
    if (!l->accepts)
        return;
    const weft_url_options *o = &l->shared->url.options;
    for (uint32_t i = 0; i < o->backlog && (o->conns_max == 0 || l->all < o->conns_max); i++) {
        if (!accept_one(l->shared, &a))
            return;
        l->all++;
        keep_connection(self, l, &a);
    }
}

static void drained(listener *l)
{
    if (l->open != 0 || l->draining == NULL)
        return;
    (void)weft_reply(l->draining, weft_phase_done, .cut = 0);
    weft_drop(&l->draining);
}

static weft_err on_over(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    (void)msg;
    l->open--;
    drained(l);
    return tell_left(self, l);
}

static bool is_first(const weft_actor *self)
{
    return weft_reactor_of(self) == 0;
}

static void close_it(wf_listening *shared)
{
    if (shared->wire != NULL)
        wf_wire_unlisten(shared->wire);
    shared->wire = NULL;
    if (shared->fd < 0)
        return;
    /* in this order: once nobody listens at the path, whoever comes next may have bound it anew */
    if (shared->url.scheme == WEFT_SCHEME_UNIX && !shared->url.abstract && !shared->lent)
        (void)unlink(shared->url.path);
    (void)close(shared->fd);
    shared->fd = -1;
}

/* Of the first alone, also when it never came to accept. */
static void close_listener(weft_actor *self, listener *l, wf_listening *shared)
{
    if (l->closed || !is_first(self))
        return;
    l->closed = true;
    if (l->accepts && shared->wire == NULL) {
        weft_watch_set(&l->watch, 0);
        if (l->spare_fd >= 0)
            (void)close(l->spare_fd);
    }
    l->accepts = false;
    close_it(shared);
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    const weft_phase_begins *begins = weft_body(msg);
    if (begins->phase == WEFT_PHASE_CLOSE) {
        accept_rest(self, l);
        close_listener(self, l, l->shared);
    }
    if (begins->phase == WEFT_PHASE_DRAIN && l->open != 0 &&
        weft_stop_children(self, WEFT_ESTOPPING)) {
        l->draining = weft_keep(msg);
        return WEFT_OK;
    }
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

static void listener_ended(weft_actor *self, weft_err reason)
{
    /* from the config, since it may end before it began */
    wf_listening *shared = (wf_listening *)(uintptr_t)weft_config(self);
    (void)reason;
    close_listener(self, weft_state(self), shared);
    wf_listening_leave(shared);
}

/* Asked to end: nothing new is accepted while those that are open, its children, finish. */
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_listening *shared = (wf_listening *)(uintptr_t)weft_config(self);
    const weft_stopping *stopping = weft_body(msg);
    accept_rest(self, weft_state(self));
    close_listener(self, weft_state(self), shared);
    for (unsigned i = 1; is_first(self) && i < shared->n; i++)
        (void)weft_stop_ref(self, shared->member[i], stopping->reason);
    return weft_stop(self, stopping->reason);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    listener *l = weft_state(self);
    const weft_started *started = weft_body(msg);
    l->shared = (wf_listening *)(uintptr_t)started->config;
    if (!weft_ref_is_nobody(l->shared->keeper) &&
        weft_monitor_life(self, l->shared->keeper) != WEFT_OK)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to watch who keeps it");
    if (!is_first(self) || l->closed)
        return WEFT_OK;
    /* the others learn of it with what they are given */
    l->shared->member[0] = weft_self(self);
    l->accepts = true;
    if (l->shared->wire != NULL) {
        wf_wire_listener_watch(l->shared->wire, weft_reactor_of(self), on_wire_acceptable, l);
    } else {
        l->spare_fd = dup(l->shared->fd);
        weft_watch_init(&l->watch, l->shared->fd, on_acceptable);
    }
    watch_accepts(l);
    return WEFT_OK;
}

/* Who keeps it has ended without waiting for it. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_ESTOPPING);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &accepted_type, .fn = on_accepted},
    {.type = &wf_conn_over_type, .fn = on_over},
    {.type = &left_type, .fn = on_left},
    {.type = &accept_again_type, .fn = on_again},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};

const weft_behaviour wf_listener_behaviour = {.name = "listener",
                                              .handlers = handlers,
                                              .state_bytes = sizeof(listener),
                                              .mailbox_max = 65536,
                                              .ended = listener_ended};

/* ---- from outside */

wf_listening *wf_listening_open(weft_system *sys, const char *text, const weft_behaviour *behaviour,
                                const void *config, int lent, weft_listening *out, weft_err *err,
                                weft_why *why)
{
    weft_url url;
    struct weft_sim *sim = weft_sim_of(sys);
    *err = weft_url_parse(text, &url, why);
    if (*err == WEFT_OK)
        *err = weft_url_check(&url, WEFT_URL_LISTEN, why);
    if (*err == WEFT_OK)
        *err = wf_wire_check(sim, &url, why);
    wf_pipeline pipeline = {.any = false};
    if (*err == WEFT_OK)
        *err = wf_pipeline_open(&url, WEFT_URL_LISTEN, &pipeline, why);
    wf_listening *shared = *err == WEFT_OK ? weft_alloc_zero(sizeof *shared) : NULL;
    if (shared == NULL) {
        wf_pipeline_drop(&pipeline);
        if (*err == WEFT_OK)
            *err = weft_because(why, WEFT_ENOMEM, "no memory for a listener");
        if (lent >= 0)
            (void)close(lent);
        return NULL;
    }
    *shared = (wf_listening){.url = url,
                             .pipeline = pipeline,
                             .behaviour = behaviour,
                             .config = config,
                             .fd = lent,
                             .lent = lent >= 0};
    shared->n = weft_system_reactors(sys);
    atomic_store_explicit(&shared->users, 1, memory_order_relaxed);
    out->listener = WEFT_NOBODY;
    if (lent >= 0)
        *err = WEFT_OK;
    else if (sim != NULL)
        shared->wire = wf_wire_listen(sim, &url, &out->address, err, why);
    else
        shared->fd = wf_socket_listen(&url, &out->address, err, why);
    if (shared->fd < 0 && shared->wire == NULL) {
        wf_pipeline_drop(&shared->pipeline);
        weft_alloc_free(shared);
        return NULL;
    }
    wf_address_url(&out->address, url.scheme == WEFT_SCHEME_HTTP ? "http" : "tcp", out->url,
                   sizeof out->url);
    return shared;
}

void wf_listening_use(wf_listening *shared)
{
    atomic_fetch_add_explicit(&shared->users, 1, memory_order_relaxed);
}

void wf_listening_leave(wf_listening *shared)
{
    /* the last of them frees what they share; release: its uses come before that */
    if (atomic_fetch_sub_explicit(&shared->users, 1, memory_order_acq_rel) != 1)
        return;
    close_it(shared);
    wf_pipeline_drop(&shared->pipeline);
    weft_alloc_free(shared);
}

static weft_err spawn_members(weft_system *sys, wf_listening *shared, weft_why *why)
{
    for (unsigned i = 0; i < shared->n; i++) {
        shared->member[i] = weft_system_spawn(sys, i, &wf_listener_behaviour, shared);
        if (weft_ref_is_nobody(shared->member[i]))
            return weft_because(why, WEFT_ENOMEM, "no memory for a listener");
        wf_listening_use(shared);
        if (weft_on_phase(sys, WEFT_PHASE_CLOSE, shared->member[i]) != WEFT_OK ||
            weft_on_phase(sys, WEFT_PHASE_DRAIN, shared->member[i]) != WEFT_OK)
            return weft_because(why, WEFT_ELIMIT, "too many listeners");
    }
    return WEFT_OK;
}

weft_err weft_listen_at(weft_system *sys, const char *text, const weft_behaviour *behaviour,
                        const void *config, weft_listening *out, weft_why *why)
{
    weft_err err;
    weft_url url;
    if (weft_url_parse(text, &url, NULL) == WEFT_OK && wf_is_datagram(&url))
        return weft_bind_at(sys, text, behaviour, config, out, why);
    weft_listening got = {.listener = WEFT_NOBODY};
    wf_listening *shared = wf_listening_open(sys, text, behaviour, config, -1, &got, &err, why);
    if (shared == NULL)
        return err;
    /* what was spawned when the rest could not be ends with the system, and closes what it holds */
    err = spawn_members(sys, shared, why);
    got.listener = shared->member[0];
    wf_listening_leave(shared);
    if (err == WEFT_OK)
        *out = got;
    return err;
}

weft_err weft_listen(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                     const void *config)
{
    weft_listening got;
    weft_why why = {""};
    weft_err err = weft_listen_at(sys, url, behaviour, config, &got, &why);
    if (err != WEFT_OK) {
        weft_system_log(sys, WEFT_ERROR, "weft", why.text);
        weft_system_refuse(sys, err);
        return err;
    }
    char text[sizeof got.url + 32];
    (void)snprintf(text, sizeof text, "listening at %s", got.url);
    weft_system_log(sys, WEFT_NOTICE, behaviour->name, text);
    return WEFT_OK;
}

int weft_serve(const char *url, const weft_behaviour *behaviour, const void *config)
{
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71; /* EX_OSERR */
    (void)weft_listen(sys, url, behaviour, config);
    return weft_run(&sys);
}
