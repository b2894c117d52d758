/* SPDX-License-Identifier: MIT */
/* Connecting: a stream that is opening until it is known how that went.
 *
 * Two steps that know nothing of each other: where it really connects (reach: an address as it is, a name by a
 * connector), and what is put on the stream before it is open (connected: the pipeline of its URL). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/net.h>
#include <weft/url.h>

#include "address.h"
#include "conn.h"
#include "connector.h"
#include "local.h"
#include "meter.h"
#include "nng/nng_stream.h"
#include "pipeline.h"
#include "socket.h"
#include "via.h"
#include "wire.h"

/* What the URL asks for beyond a connection to an address; read when connecting begins, pushed when it
 * stands. */
typedef struct connecting {
    weft_url url; /* as it was given */
    weft_url to;  /* where it really connects: the same, or a proxy */
    wf_pipeline pipeline;
    wf_connector *connector; /* NULL: the host is an address, or it has connected */
} connecting;

void wf_connecting_drop(conn *c)
{
    connecting *kept = c->rare->connecting;
    c->rare->connecting = NULL;
    if (kept == NULL)
        return;
    if (kept->connector != NULL)
        wf_connector_end(kept->connector);
    wf_pipeline_drop(&kept->pipeline);
    weft_alloc_free(kept);
}

static void connected_to(conn *c, conn_known known)
{
    weft_why why = {""};
    weft_err err = WEFT_OK;
    c->rare->on_ready = NULL;
    c->rare->fresh = true;
    const connecting *kept = c->rare->connecting;
    if (kept != NULL) {
        err = wf_pipeline_push(&kept->pipeline, c, &kept->url, &why);
        wf_connecting_drop(c);
    }
    if (err == WEFT_OK)
        wf_conn_begin(c, known);
    else
        wf_conn_lost(c, err, why.text);
}

static void connected(conn *c)
{
    connected_to(c, CONN_UNKNOWN);
}

/* Who has a peer is connected, and who it is will be asked for: one call says both. */
static bool stands(conn *c)
{
    weft_address peer = {.family = WEFT_FAMILY_NONE};
    wf_fd_addresses(c, NULL, &peer);
    if (peer.family == WEFT_FAMILY_NONE)
        return false;
    connected_to(c, (conn_known){.peer = &peer});
    return true;
}

static void on_outcome(conn *c)
{
    int fd = weft_watch_fd(&c->watch), failed = 0;
    socklen_t n = sizeof failed;
    if (stands(c))
        return;
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n);
    if (failed == 0) {
        connected(c);
        return;
    }
    wf_conn_lost(c, weft_err_from_errno(failed), strerror(failed));
}

static void on_wire_outcome(conn *c)
{
    weft_err err = wf_wire_connected(c);
    if (err == WEFT_OK)
        connected(c);
    else
        wf_conn_lost(c, err, "the simulated connect was refused");
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    conn *c = weft_state(self);
    const connecting *kept = c->rare->connecting;
    (void)msg;
    if ((c->flags & CONN_OPENING) != 0 && kept != NULL && kept->connector != NULL &&
        wf_connector_resolves(kept->connector))
        wf_conn_lost(c, WEFT_ETIMEDOUT, "its name was not found within the connect's timeout");
    else if ((c->flags & CONN_OPENING) != 0)
        wf_conn_lost(c, WEFT_ETIMEDOUT, "no answer to the connect within its timeout");
    else if ((c->flags & CONN_HELD) != 0)
        wf_conn_lost(c, WEFT_ETIMEDOUT, "the peer did not finish the handshake in time");
    return WEFT_OK;
}

static const weft_type conn_late_type = {
    .name = "weft.connect_late", .size = 1, .otherwise = on_late};

/* The owner is not a child of the stream: it is watched. */
static void own(conn *c)
{
    if (weft_monitor_life(conn_actor(c), c->owner) != WEFT_OK)
        wf_conn_lost(c, WEFT_ENOMEM, "no memory to watch its owner");
}

static void set_limits(conn *c, const weft_url *url)
{
    conn_rare *rare = wf_conn_rare_of(c);
    c->window.max = (uint32_t)url->options.window_bytes;
    if (rare != NULL)
        rare->write_queue_max = (uint32_t)url->options.write_queue_bytes_max;
}

/* A peer of this machine has answered by the end of the round, nearly always. Not sooner: who connects may push
 * stages meanwhile, and they are to be there when it is up. */
static void look_at_outcome(weft_hook *hook)
{
    conn *c = ((conn_rare *)(void *)((char *)hook - offsetof(conn_rare, hook)))->owner;
    if (!stands(c))
        weft_watch_set(&c->watch, WEFT_WRITABLE);
}

static weft_err begin_socket(conn *c, const weft_url *url, weft_why *why)
{
    weft_err err;
    int fd = wf_socket_connect(url, &err, why);
    if (fd < 0)
        return err;
    wf_conn_set_fd(c, fd);
    c->leaf = &wf_conn_leaf_fd;
    c->rare->on_ready = on_outcome;
    c->rare->hook = (weft_hook){.run = look_at_outcome};
    weft_hook_queue(&c->rare->hook);
    return WEFT_OK;
}

static weft_err begin_wire(conn *c, struct weft_sim *sim, const weft_url *url, weft_why *why)
{
    c->rare->on_ready = on_wire_outcome;
    return wf_wire_connect(c, sim, url, why);
}

static void on_nng_outcome(conn *c)
{
    weft_why why = {""};
    weft_err err = wf_nng_connected(c, &why);
    if (err == WEFT_OK)
        connected(c);
    else if (err != WEFT_EFULL)
        wf_conn_lost(c, err, why.text);
}

/* NNG looks names up itself. */
static weft_err begin_nng(conn *c, const weft_url *url, weft_why *why)
{
    c->rare->on_ready = on_nng_outcome;
    return wf_nng_connect(c, url, why);
}

/* A program says when it runs; all else stands at once. */
static weft_err begin_local(conn *c, const weft_url *url, weft_why *why)
{
    c->rare->on_ready = connected;
    return wf_local_connect(c, url, why);
}

/* ---- where it connects */

static void won(conn *c, const wf_connector_won *by)
{
    connecting *kept = c->rare->connecting;
    wf_connector *k = kept->connector;
    kept->connector = NULL;
    if (by->end != NULL)
        wf_wire_attach(c, by->end);
    else {
        wf_conn_set_fd(c, by->fd);
        c->leaf = &wf_conn_leaf_fd;
    }
    wf_connector_end(k);
    connected(c);
}

static void lost(conn *c, weft_err err, const char *why)
{
    wf_conn_lost(c, err, why);
}

/* Whether the host has to be looked up. The names of a simulation are those a test has given; localhost may
 * be two addresses, the first of which is tried without further ado. */
static bool is_name(const weft_url *url, struct weft_sim *sim)
{
    if (weft_url_given(url, WEFT_URL_SRV))
        return true;
    if (wf_scheme_is_nng(url->scheme))
        return false;
    if (sim != NULL)
        return url->host.kind == WEFT_HOST_NAME && wf_wire_is_name(sim, url->host.name);
    return url->host.kind == WEFT_HOST_NAME || url->host.kind == WEFT_HOST_LOCALHOST;
}

static weft_err reach(conn *c, struct weft_sim *sim, const weft_url *url, weft_why *why)
{
    connecting *kept = c->rare->connecting;
    if (is_name(url, sim))
        return wf_connector_begin(c, &kept->to, won, lost, &kept->connector, why);
    if (sim != NULL)
        return begin_wire(c, sim, url, why);
    if (wf_scheme_is_nng(url->scheme))
        return begin_nng(c, url, why);
    return wf_scheme_is_local(url->scheme) ? begin_local(c, url, why) : begin_socket(c, url, why);
}

/* Kept while it connects, if the URL asks for more than an address; @url becomes where it really connects. */
static weft_err prepare(conn *c, struct weft_sim *sim, weft_url *url, weft_why *why)
{
    wf_pipeline pipeline;
    const weft_url given = *url;
    weft_err err = wf_pipeline_open(url, WEFT_URL_CONNECT, &pipeline, why);
    if (err != WEFT_OK)
        return err;
    err = wf_via_redirect(url, why);
    if (err != WEFT_OK) {
        wf_pipeline_drop(&pipeline);
        return err;
    }
    if (!pipeline.any && !is_name(url, sim))
        return WEFT_OK;
    connecting *kept = weft_alloc(sizeof *kept);
    if (kept == NULL) {
        wf_pipeline_drop(&pipeline);
        return weft_because(why, WEFT_ENOMEM, "no memory to connect");
    }
    *kept = (connecting){.url = given, .to = *url, .pipeline = pipeline};
    c->rare->connecting = kept;
    return WEFT_OK;
}

static weft_err begin(conn *c, const char *text, weft_why *why)
{
    weft_url url;
    struct weft_sim *sim = weft_sim_of(weft_system_of(conn_actor(c)));
    weft_err err = weft_url_parse(text, &url, why);
    if (err == WEFT_OK)
        err = weft_url_check(&url, WEFT_URL_CONNECT, why);
    if (err != WEFT_OK)
        return err;
    err = wf_wire_check(sim, &url, why);
    if (err != WEFT_OK)
        return err;
    set_limits(c, &url);
    c->rare->handshake_ms = 0;
    err = prepare(c, sim, &url, why);
    if (err == WEFT_OK)
        err = reach(c, sim, &url, why);
    if (err != WEFT_OK)
        return err;
    char late = 0;
    if (url.options.timeout_ms != 0)
        c->rare->timer =
            weft_timer_start(conn_actor(c), url.options.timeout_ms, 0, &conn_late_type, &late);
    if (wf_local_stands(url.scheme))
        connected(c);
    return WEFT_OK;
}

weft_ref weft_connect(weft_actor *self, const char *url, weft_ref owner)
{
    weft_ref ref;
    weft_why why = {""};
    conn *c = wf_conn_new(self, &wf_conn_leaf_none, owner, &ref);
    if (c == NULL)
        return WEFT_NOBODY;
    own(c);
    if ((c->flags & CONN_CLOSED) != 0)
        return ref;
    weft_err err = wf_conn_rare_of(c) != NULL
                       ? begin(c, url, &why)
                       : weft_because(&why, WEFT_ENOMEM, "no memory to connect");
    if (err != WEFT_OK)
        wf_conn_lost(c, err, why.text);
    return ref;
}

weft_err wf_conn_take_fd(conn *c, int fd, weft_why *why)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return weft_because(why, WEFT_EINVAL, "descriptor %d: %s", fd, strerror(errno));
    wf_conn_set_fd(c, fd);
    c->leaf = &wf_conn_leaf_fd;
    if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return weft_because(why, weft_err_from_errno(errno), "descriptor %d cannot wait: %s", fd,
                            strerror(errno));
    return WEFT_OK;
}

weft_ref weft_adopt(weft_actor *self, int fd, weft_ref owner)
{
    weft_ref ref;
    weft_why why = {""};
    conn *c = wf_conn_new(self, &wf_conn_leaf_none, owner, &ref);
    if (c == NULL) {
        (void)close(fd);
        return WEFT_NOBODY;
    }
    weft_err err = wf_conn_take_fd(c, fd, &why);
    own(c);
    if (err != WEFT_OK)
        wf_conn_lost(c, err, why.text);
    else if ((c->flags & CONN_CLOSED) == 0)
        wf_conn_begin(c, CONN_UNKNOWN);
    return ref;
}

/* ---- leaves of others' making */

weft_leaf *weft_leaf_new(weft_actor *self, const weft_leaf_ops *ops, void *context, weft_ref owner,
                         weft_ref *stream)
{
    conn *c = wf_conn_new(self, ops, owner, stream);
    if (c == NULL)
        return NULL;
    memcpy(&c->watch, &context, sizeof context);
    own(c);
    return (c->flags & CONN_CLOSED) == 0 ? c : NULL;
}

weft_ref weft_leaf_none(weft_actor *self, weft_ref owner, weft_err reason, const char *why)
{
    weft_ref ref;
    conn *c = wf_conn_new(self, &wf_conn_leaf_none, owner, &ref);
    if (c == NULL)
        return WEFT_NOBODY;
    own(c);
    wf_conn_lost(c, reason, why);
    return ref;
}

void weft_leaf_begin(weft_leaf *leaf)
{
    wf_conn_begin(leaf, CONN_UNKNOWN);
}

void *weft_leaf_context(const weft_leaf *leaf)
{
    void *context;
    memcpy(&context, &leaf->watch, sizeof context);
    return context;
}

weft_leaf *weft_leaf_of(weft_ref stream, const weft_leaf_ops *ops)
{
    conn *c = wf_conn_here(stream);
    return c != NULL && (c->flags & CONN_CLOSED) == 0 && wf_meter_inner(c) == ops ? c : NULL;
}

weft_account *weft_leaf_window(weft_leaf *leaf)
{
    return &leaf->window;
}

void weft_leaf_ready(weft_leaf *leaf, unsigned events)
{
    if ((leaf->flags & CONN_OPENING) == 0)
        wf_conn_ready(leaf, events);
}

void weft_leaf_lost(weft_leaf *leaf, weft_err reason, const char *why)
{
    wf_conn_lost(leaf, reason, why);
}

/* ---- no leaf yet: a stream that never got as far as a descriptor */

static weft_err none_read(conn *c, weft_bytes *out, weft_why *why)
{
    (void)c, (void)out, (void)why;
    return WEFT_EFULL;
}

static weft_err none_write(conn *c, const conn_item *items, unsigned n, size_t *sent, weft_why *why)
{
    (void)c, (void)items, (void)n, (void)sent, (void)why;
    return WEFT_EFULL;
}

static void none_want(conn *c, unsigned events)
{
    (void)c, (void)events;
}

static void none_end(conn *c)
{
    (void)c;
}

static void none_close(conn *c, bool abort)
{
    (void)c, (void)abort;
}

static void none_addresses(conn *c, weft_address *local, weft_address *peer)
{
    (void)c, (void)local, (void)peer;
}

static weft_err none_nodelay(conn *c, bool on)
{
    (void)c, (void)on;
    return WEFT_EUNSUPPORTED;
}

const conn_leaf wf_conn_leaf_none = {
    .name = "none",
    .read = none_read,
    .write = none_write,
    .want = none_want,
    .end = none_end,
    .close = none_close,
    .addresses = none_addresses,
    .nodelay = none_nodelay,
};
