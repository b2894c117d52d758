/* SPDX-License-Identifier: MIT */
/* Simulated links: connecting, what is under way, what arrives, what is lost. */
#include "wire.h"
#include "endpoint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/testing.h>

#include "address.h"

enum { PORT_FIRST = 49152, PORTS = 16384, NOTE_BYTES = 160, CONNECT_AGAIN_MS = 1000 };

void wf_wire_note(const wire_link *link, const char *format, ...)
{
    char text[NOTE_BYTES];
    int n = snprintf(text, sizeof text, "wire %u: ", link->id);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    weft_sim_note(link->sim, text);
}

static const char *side(const wire_end *e)
{
    return e == &e->link->end[0] ? "client" : "server";
}

/* ---- chunks */

wire_chunk *wf_wire_chunk_new(wire_kind kind, size_t size)
{
    wire_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk != NULL)
        *chunk = (wire_chunk){.kind = kind, .size = (uint32_t)size};
    return chunk;
}

void wf_wire_chunk_free(wire_chunk *chunk)
{
    free(chunk);
}

static void queue_put(wire_queue *q, wire_chunk *chunk)
{
    chunk->next = NULL;
    if (q->last != NULL)
        q->last->next = chunk;
    else
        q->first = chunk;
    q->last = chunk;
}

static wire_chunk *queue_take(wire_queue *q)
{
    wire_chunk *chunk = q->first;
    if (chunk != NULL && (q->first = chunk->next) == NULL)
        q->last = NULL;
    return chunk;
}

static void queue_drop(wire_queue *q)
{
    for (wire_chunk *chunk; (chunk = queue_take(q)) != NULL;)
        free(chunk);
}

void wf_wire_took(wire_end *e, size_t size)
{
    e->bytes -= (uint32_t)size;
    for (wire_chunk *chunk; size != 0; free(chunk)) {
        chunk = e->here.first;
        size_t left = chunk->size - chunk->at;
        if (size < left) {
            chunk->at += (uint32_t)size;
            return;
        }
        size -= left;
        (void)queue_take(&e->here);
    }
}

/* ---- readiness */

uint32_t wf_wire_room(const wire_end *e)
{
    uint32_t window = e->c != NULL ? weft_leaf_window(e->c)->max : e->window;
    return window > e->bytes ? window - e->bytes : 0;
}

static unsigned events_of(wire_end *e)
{
    unsigned events = 0;
    if (e->here.first != NULL || e->ended || e->lost)
        events |= WEFT_READABLE;
    if (e->lost || wf_wire_room(wire_peer(e)) != 0)
        events |= WEFT_WRITABLE;
    return events & e->want;
}

static void on_ready(weft_arrival *arrival)
{
    wire_end *e = (wire_end *)(void *)((char *)arrival - offsetof(wire_end, ready));
    unsigned events = e->c != NULL ? events_of(e) : 0;
    if (events == 0)
        return;
    /* level triggered: told again, unless it closes or no longer wants it */
    weft_arrive(&e->ready, e->reactor, 0, on_ready);
    wf_conn_ready(e->c, events);
}

void wf_wire_look(wire_end *e, uint32_t delay_ms)
{
    if (e->c != NULL && events_of(e) != 0 && weft_arrive_wait_ms(&e->ready) > delay_ms)
        weft_arrive(&e->ready, e->reactor, delay_ms, on_ready);
}

/* ---- what is under way */

static uint32_t latency(const wire_link *link)
{
    uint32_t max = weft_sim_faults_of(link->sim)->latency_ms_max;
    return link->latency_ms + link->delay_ms + link->place->delay_ms +
           (max != 0 ? weft_sim_below(link->sim, max + 1) : 0);
}

/* The first moment at which something that is due at @due arrives: a place that is cut off holds it. */
static uint32_t not_before_cut(const wire_link *link, uint32_t due)
{
    uint32_t until = wf_wire_cut_until(link);
    return until != 0 && (int32_t)(until - due) > 0 ? until : due;
}

/* What has arrived may still be read. */
void wf_wire_lose(wire_end *e)
{
    weft_arrive_cancel(&e->coming);
    for (wire_chunk *chunk; (chunk = queue_take(&e->way)) != NULL;) {
        e->bytes -= chunk->size;
        free(chunk);
    }
    e->lost = true;
    wf_wire_look(e, 0);
}

/* Bytes for an end that was closed: its peer wrote into nothing, and is told so. */
static void came_too_late(wire_end *e, const wire_chunk *chunk)
{
    e->bytes -= chunk->size;
    if (chunk->kind == WIRE_BYTES && !wire_peer(e)->closed)
        wf_wire_send_kind(wire_peer(e), WIRE_RESET);
}

static void arrived(wire_end *e, wire_chunk *chunk)
{
    if (e->lost) {
        e->bytes -= chunk->size;
        free(chunk);
        return;
    }
    switch (chunk->kind) {
    case WIRE_BYTES:
        if (weft_sim_chance(e->link->sim, weft_sim_faults_of(e->link->sim)->lost)) {
            wf_wire_note(e->link, "fault: lost at %u bytes for the %s", chunk->size, side(e));
            e->bytes -= chunk->size;
            free(chunk);
            wf_wire_lose(e);
            wf_wire_send_kind(wire_peer(e), WIRE_RESET);
            return;
        }
        wf_wire_note(e->link, "%u bytes for the %s", chunk->size, side(e));
        queue_put(&e->here, chunk);
        break;
    case WIRE_END:
        wf_wire_note(e->link, "the end for the %s", side(e));
        e->ended = true;
        free(chunk);
        break;
    default:
        wf_wire_note(e->link, "a reset for the %s", side(e));
        free(chunk);
        wf_wire_lose(e);
        return;
    }
    wf_wire_look(e, 0);
}

static void on_coming(weft_arrival *arrival)
{
    wire_end *e = (wire_end *)(void *)((char *)arrival - offsetof(wire_end, coming));
    uint32_t now = weft_sim_now(e->link->sim);
    wire_chunk *chunk = queue_take(&e->way);
    if (e->way.first != NULL)
        weft_arrive(&e->coming, e->reactor, e->way.first->due - now, on_coming);
    if (!e->closed) {
        arrived(e, chunk);
        return;
    }
    came_too_late(e, chunk);
    free(chunk);
}

void wf_wire_send(wire_end *to, wire_chunk *chunk)
{
    uint32_t now = weft_sim_now(to->link->sim);
    uint32_t due = not_before_cut(to->link, now + latency(to->link));
    if (to->way.first != NULL && (int32_t)(due - to->due_last) < 0)
        due = to->due_last; /* nothing overtakes within a connection */
    chunk->due = to->due_last = due;
    to->bytes += chunk->size;
    bool first = to->way.first == NULL;
    queue_put(&to->way, chunk);
    if (first)
        weft_arrive(&to->coming, to->reactor, due - now, on_coming);
}

void wf_wire_send_kind(wire_end *to, wire_kind kind)
{
    wire_chunk *chunk = to->closed ? NULL : wf_wire_chunk_new(kind, 0);
    if (chunk != NULL)
        wf_wire_send(to, chunk);
    else if (!to->closed)
        wf_wire_lose(to);
}

static void hold_end(wire_end *e, uint32_t now, uint32_t until)
{
    for (wire_chunk *chunk = e->way.first; chunk != NULL; chunk = chunk->next)
        chunk->due = not_before_cut(e->link, chunk->due);
    if (e->way.first == NULL)
        return;
    e->due_last = e->way.last->due;
    if (weft_arrive_wait_ms(&e->coming) < until - now)
        weft_arrive(&e->coming, e->reactor, until - now, on_coming);
}

/* ---- connecting */

weft_err wf_wire_check(const struct weft_sim *sim, const weft_url *url, weft_why *why)
{
    if (wf_is_datagram(url))
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "udp and unixgram are datagrams, not streams: they are bound, or "
                            "connected, as endpoints");
    if (sim == NULL && url->scheme == WEFT_SCHEME_SIM)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "sim://%.60s: simulated wires exist in a simulated system only",
                            url->host.name);
    if (sim != NULL && url->scheme != WEFT_SCHEME_SIM)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "a simulated system has simulated wires only: sim://NAME[:PORT]");
    return WEFT_OK;
}

wire_end *wf_wire_end_of(const conn *c)
{
    return weft_leaf_context(c);
}

static void set_conn(conn *c, wire_end *e)
{
    void *context = e;
    e->c = c;
    e->stream = weft_self(conn_actor(c));
    e->reactor = weft_sim_place(weft_reactor_of(conn_actor(c)));
    memcpy(&c->watch, &context, sizeof context);
    c->leaf = &wf_conn_leaf_sim;
}

void wf_wire_attach(conn *c, wire_end *e)
{
    set_conn(c, e);
}

static wire_link *link_of(weft_arrival *arrival)
{
    return (wire_link *)(void *)((char *)arrival - offsetof(wire_link, opening));
}

static void on_outcome(weft_arrival *arrival)
{
    wire_link *link = link_of(arrival);
    wire_end *client = &link->end[0];
    if (client->c != NULL)
        wf_conn_ready(client->c, WEFT_WRITABLE);
    else if (link->outcome != NULL)
        link->outcome(link->context);
}

/* As with TCP, a listener whose queue is full does not answer, and the connect tries again. */
static void on_connect(weft_arrival *arrival)
{
    wire_link *link = link_of(arrival);
    wire_end *client = &link->end[0], *server = &link->end[1];
    uint32_t now = weft_sim_now(link->sim), from = not_before_cut(link, now);
    if (from != now) {
        wf_wire_note(link, "no answer: the place is cut off");
        weft_arrive(&link->opening, 0, from - now, on_connect);
        return;
    }
    wire_listener *l = wf_wire_listener_at(link->sim, &server->address);
    if (l == NULL || weft_sim_chance(link->sim, weft_sim_faults_of(link->sim)->refused)) {
        link->refused = true;
    } else if (wf_wire_listener_offer(l, server)) {
        link->open++;
        server->closed = false;
    } else {
        wf_wire_note(link, "no answer: too many wait there");
        weft_arrive(&link->opening, 0, CONNECT_AGAIN_MS, on_connect);
        return;
    }
    link->answered = true;
    wf_wire_note(link, "%s", link->refused ? "refused" : "connected");
    weft_arrive(&link->opening, client->reactor, latency(link), on_outcome);
}

void wf_wire_hold(wire_link *link, uint32_t until)
{
    uint32_t now = weft_sim_now(link->sim), opening = weft_arrive_wait_ms(&link->opening);
    hold_end(&link->end[0], now, until);
    hold_end(&link->end[1], now, until);
    /* a connect on its way there is held by its arrival; its outcome is on its way back */
    if (opening < until - now && link->answered)
        weft_arrive(&link->opening, link->end[0].reactor, until - now, on_outcome);
}

weft_err wf_wire_address(weft_address *to, const char *name, unsigned port, weft_why *why)
{
    *to = (weft_address){.family = WEFT_FAMILY_SIM, .port = (uint16_t)port};
    size_t n = strlen(name);
    if (n >= sizeof to->path)
        return weft_because(why, WEFT_EINVAL,
                            "the name of a simulated address has %zu bytes: at most %zu", n,
                            sizeof to->path - 1);
    memcpy(to->path, name, n + 1);
    return WEFT_OK;
}

/* A client without a name; or the address that the URL binds it to, which need not exist. */
static void set_client_address(wire_link *link, const weft_url *url)
{
    weft_address *from = &link->end[0].address;
    struct sockaddr_storage sa;
    socklen_t n = 0;
    unsigned port = PORT_FIRST + link->id % PORTS;
    (void)wf_wire_address(from, "client", port, NULL);
    if (!weft_url_given(url, WEFT_URL_BIND) ||
        wf_address_of_host(&url->options.bind, &sa, &n, NULL) != WEFT_OK)
        return;
    wf_address_from_sockaddr(from, (const struct sockaddr *)&sa, n);
    if (from->port == 0)
        from->port = (uint16_t)port;
}

wire_end *wf_wire_begin(struct weft_sim *sim, const weft_url *url, const weft_address *to,
                        unsigned reactor, void (*outcome)(void *context), void *context)
{
    wire_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return NULL;
    *link = (wire_link){.sim = weft_sim_world(sim),
                        .latency_ms = url->options.latency_ms,
                        .open = 1,
                        .outcome = outcome,
                        .context = context};
    if (wf_wire_join(link, to) != WEFT_OK) {
        free(link);
        return NULL;
    }
    for (int i = 0; i < 2; i++)
        link->end[i].link = link;
    link->end[1].closed = true; /* until somebody listens */
    link->end[0].window = (uint32_t)url->options.window_bytes;
    link->end[0].reactor = weft_sim_place(reactor);
    set_client_address(link, url);
    link->end[1].address = *to;
    wf_wire_note(link, "connects to %s", to->path);
    /* on the way it belongs to nobody: any reactor will do */
    weft_arrive(&link->opening, 0, latency(link), on_connect);
    return &link->end[0];
}

weft_err wf_wire_connect(conn *c, struct weft_sim *sim, const weft_url *url, weft_why *why)
{
    weft_address to;
    weft_err err = wf_wire_address(&to, url->host.name, url->host.port, why);
    if (err != WEFT_OK)
        return err;
    wire_end *e = wf_wire_begin(sim, url, &to, weft_reactor_of(conn_actor(c)), NULL, NULL);
    if (e == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a simulated link");
    set_conn(c, e);
    return WEFT_OK;
}

weft_err wf_wire_outcome(const wire_end *e)
{
    return e->link->refused ? WEFT_EREFUSED : WEFT_OK;
}

weft_err wf_wire_connected(const conn *c)
{
    return wf_wire_outcome(wf_wire_end_of(c));
}

/* ---- the end */

void wf_wire_refuse(wire_end *e)
{
    wf_wire_send_kind(wire_peer(e), WIRE_RESET);
    wf_wire_close(e);
}

void wf_wire_close(wire_end *e)
{
    wire_link *link = e->link;
    weft_arrive_cancel(&e->ready);
    for (const wire_chunk *chunk = e->here.first; chunk != NULL; chunk = chunk->next)
        e->bytes -= chunk->size - chunk->at;
    queue_drop(&e->here);
    e->c = NULL;
    e->closed = true;
    if (e == &link->end[0])
        link->outcome = NULL;
    if (--link->open != 0)
        return;
    weft_arrive_cancel(&link->opening);
    for (int i = 0; i < 2; i++) {
        weft_arrive_cancel(&link->end[i].coming);
        queue_drop(&link->end[i].way);
    }
    wf_wire_leave(link);
    free(link);
}
