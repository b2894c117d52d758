/* SPDX-License-Identifier: MIT */
/* Simulated datagrams: on their way one by one, lost, doubled and overtaken as the seed has it.
 *
 *     endpoint ── send ──▶ flight, due some time ── arrives ──▶ here, bounded ── receive ──▶ endpoint
 *                             └── nobody there: a report flies back
 *
 * All of it belongs to one thread, whatever reactors the endpoints live on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/testing.h>

#include "endpoint.h"
#include "wire.h"

enum {
    PORT_FIRST = 49152,
    PORTS = 16384,
    RECEIVE_BUFFER = 208 << 10, /* as Linux has it */
    NOTE_BYTES = 160,
};

typedef struct world world;

/* A datagram under way, or here. */
typedef struct flight {
    weft_arrival arrival;
    struct flight *next, **back; /* of those under way */
    struct flight *next_here;
    world *in;
    unsigned reactor;
    bool report; /* nobody was there */
    weft_address from, to;
    uint32_t size;
    uint8_t data[];
} flight;

typedef struct group {
    struct group *next;
    weft_address address;
} group;

struct endpoint_end {
    world *in;
    endpoint_end *next, **back;
    wf_endpoint *e; /* NULL: not attached yet */
    unsigned reactor, want;
    weft_arrival ready;
    weft_address address, peer;
    bool connected, loop;
    flight *first, **tail; /* here */
    uint32_t bytes, max;   /* of them */
    uint32_t lost, lost_told;
    uint32_t latency_ms;
    group *groups;
};

struct world {
    wire_kept kept;
    struct weft_sim *sim;
    endpoint_end *ends;
    flight *flights;
    uint32_t number; /* of connected ends */
};

/* ---- the world */

static void world_free(wire_kept *kept)
{
    world *w = (world *)(void *)kept;
    for (flight *f = w->flights, *next; f != NULL; f = next) {
        next = f->next;
        free(f);
    }
    free(w);
}

/* errors: NULL. */
static world *world_of(struct weft_sim *sim)
{
    void **at = wf_wire_datagrams(sim);
    if (at == NULL || *at != NULL)
        return at != NULL ? *at : NULL;
    world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->kept.free = world_free;
    w->sim = sim;
    if (wf_wire_keep(sim, &w->kept) != WEFT_OK) {
        free(w);
        return NULL;
    }
    *at = w;
    return w;
}

static void note(const world *w, const char *what, const weft_address *from, const weft_address *to,
                 uint32_t size)
{
    char text[NOTE_BYTES];
    (void)snprintf(text, sizeof text, "datagram: %s: %.40s:%u to %.40s:%u, %u bytes", what,
                   from->path, from->port, to->path, to->port, size);
    weft_sim_note(w->sim, text);
}

static bool same(const weft_address *a, const weft_address *b)
{
    return a->port == b->port && strcmp(a->path, b->path) == 0;
}

static endpoint_end *end_at(const world *w, const weft_address *address)
{
    for (endpoint_end *end = w->ends; end != NULL; end = end->next)
        if (same(&end->address, address))
            return end;
    return NULL;
}

static bool hears(const endpoint_end *end, const weft_address *address)
{
    for (const group *g = end->groups; g != NULL; g = g->next)
        if (strcmp(g->address.path, address->path) == 0)
            return true;
    return false;
}

/* ---- readiness */

static unsigned events_of(const endpoint_end *end)
{
    return end->want & (WEFT_WRITABLE | (end->first != NULL ? WEFT_READABLE : 0));
}

static void on_ready(weft_arrival *arrival)
{
    endpoint_end *end = (endpoint_end *)(void *)((char *)arrival - offsetof(endpoint_end, ready));
    unsigned events = events_of(end);
    if (events == 0 || end->e == NULL)
        return;
    /* level triggered: told again, unless it closes or no longer wants it */
    weft_arrive(&end->ready, end->reactor, 0, on_ready);
    wf_endpoint_ready(end->e, events);
}

static void look(endpoint_end *end)
{
    if (end->e != NULL && events_of(end) != 0 && weft_arrive_wait_ms(&end->ready) != 0)
        weft_arrive(&end->ready, end->reactor, 0, on_ready);
}

/* ---- under way */

static void flight_end(flight *f)
{
    *f->back = f->next;
    if (f->next != NULL)
        f->next->back = f->back;
}

static void land(endpoint_end *end, flight *f)
{
    uint32_t cost = f->size + WEFT_ENDPOINT_OVERHEAD_BYTES;
    if (end->connected && !same(&end->peer, &f->from)) {
        free(f);
        return;
    }
    if (cost > end->max - end->bytes) {
        note(end->in, "no room", &f->from, &f->to, f->size);
        end->lost++;
        free(f);
        return;
    }
    note(end->in, "arrived", &f->from, &f->to, f->size);
    end->bytes += cost;
    f->next_here = NULL;
    *end->tail = f;
    end->tail = &f->next_here;
    look(end);
}

static void launch(world *w, const weft_address *from, const weft_address *to,
                   const weft_bytes *bytes, uint32_t latency_ms);

static void on_arrival(weft_arrival *arrival);

static flight *copy_of(const flight *f)
{
    flight *copy = malloc(sizeof *copy + f->size);
    if (copy != NULL)
        memcpy(copy, f, sizeof *copy + f->size);
    return copy;
}

/* To all that hear the group; false: nobody does. */
static bool land_in_group(world *w, const flight *f)
{
    bool any = false;
    for (endpoint_end *end = w->ends; end != NULL; end = end->next) {
        if (!hears(end, &f->to) || (same(&end->address, &f->from) && !end->loop))
            continue;
        flight *copy = copy_of(f);
        if (copy != NULL)
            land(end, copy);
        any = true;
    }
    return any;
}

static uint32_t delay_of(const world *w, const weft_address *at)
{
    const wire_place *place = wf_wire_place(w->sim, at);
    return place != NULL ? place->delay_ms : 0;
}

static bool cut_off(const world *w, const weft_address *at)
{
    const wire_place *place = wf_wire_place(w->sim, at);
    return place != NULL && place->cut_until != 0 &&
           (int32_t)(place->cut_until - weft_sim_now(w->sim)) > 0;
}

static void report(endpoint_end *end, const flight *f)
{
    weft_datagram_failed failed = {.peer = f->from, .reason = WEFT_EREFUSED, .icmp = true};
    /* as ICMP has it: the destination, its port, cannot be reached (RFC 792) */
    failed.type = failed.code = 3;
    if (end->e != NULL && end->reactor == f->reactor)
        wf_endpoint_failed(end->e, &failed);
}

static void on_arrival(weft_arrival *arrival)
{
    flight *f = (flight *)(void *)((char *)arrival - offsetof(flight, arrival));
    world *w = f->in;
    flight_end(f);
    endpoint_end *end = end_at(w, &f->to);
    if (cut_off(w, &f->to) || cut_off(w, &f->from))
        note(w, "fault: cut off", &f->from, &f->to, f->size);
    else if (f->report && end != NULL)
        report(end, f);
    else if (end != NULL) {
        land(end, f);
        return;
    } else if (!land_in_group(w, f) && !f->report) {
        note(w, "nobody there", &f->from, &f->to, f->size);
        launch(w, &f->to, &f->from, NULL, 0);
    }
    free(f);
}

/* No bytes: a report that nobody is at @from. What memory has no room for is lost. */
static void launch(world *w, const weft_address *from, const weft_address *to,
                   const weft_bytes *bytes, uint32_t latency_ms)
{
    uint32_t size = bytes != NULL ? (uint32_t)bytes->size : 0;
    uint32_t max = weft_sim_faults_of(w->sim)->latency_ms_max;
    const endpoint_end *end = end_at(w, to);
    flight *f = malloc(sizeof *f + size);
    if (f == NULL)
        return;
    *f = (flight){.in = w,
                  .report = bytes == NULL,
                  .from = *from,
                  .to = *to,
                  .size = size,
                  .reactor = end != NULL ? end->reactor : 0};
    if (size != 0)
        memcpy(f->data, bytes->at, size);
    f->next = w->flights;
    f->back = &w->flights;
    if (f->next != NULL)
        f->next->back = &f->next;
    w->flights = f;
    latency_ms += delay_of(w, from) + delay_of(w, to) + (end != NULL ? end->latency_ms : 0);
    latency_ms += max != 0 ? weft_sim_below(w->sim, max + 1) : 0;
    weft_arrive(&f->arrival, f->reactor, latency_ms, on_arrival);
}

/* ---- the leaf */

static endpoint_end *end_of(const wf_endpoint *e)
{
    endpoint_end *end;
    memcpy(&end, &e->watch, sizeof end);
    return end;
}

static void sim_receive(wf_endpoint *e, unsigned max)
{
    endpoint_end *end = end_of(e);
    for (; max != 0 && (e->flags & ENDPOINT_CLOSED) == 0 && end->first != NULL; max--) {
        flight *f = end->first;
        if ((end->first = f->next_here) == NULL)
            end->tail = &end->first;
        end->bytes -= f->size + WEFT_ENDPOINT_OVERHEAD_BYTES;
        endpoint_came came = {.at = {f->data, NULL},
                              .size = {f->size < e->size ? f->size : e->size, 0},
                              .whole = f->size,
                              .lost = end->lost - end->lost_told,
                              .truncated = f->size > e->size,
                              .from = f->from,
                              .to = f->to};
        end->lost_told = end->lost;
        wf_endpoint_came(e, &came); /* which may close it, and free the end */
        free(f);
    }
}

static void send_one(endpoint_end *end, const endpoint_item *item)
{
    struct weft_sim *sim = end->in->sim;
    const weft_address *to = item->to.family != WEFT_FAMILY_NONE ? &item->to : &end->peer;
    if (weft_sim_chance(sim, weft_sim_faults_of(sim)->datagram_lost)) {
        note(end->in, "fault: lost", &end->address, to, (uint32_t)item->bytes.size);
        return;
    }
    launch(end->in, &end->address, to, &item->bytes, end->latency_ms);
    if (weft_sim_chance(sim, weft_sim_faults_of(sim)->datagram_doubled)) {
        note(end->in, "fault: doubled", &end->address, to, (uint32_t)item->bytes.size);
        launch(end->in, &end->address, to, &item->bytes, end->latency_ms);
    }
}

static weft_err sim_send(wf_endpoint *e, unsigned *done)
{
    endpoint_end *end = end_of(e);
    struct weft_sim *sim = end->in->sim;
    unsigned n = e->out.n < WEFT_ENDPOINT_BATCH ? e->out.n : WEFT_ENDPOINT_BATCH, all = n;
    if (weft_sim_chance(sim, weft_sim_faults_of(sim)->short_write))
        n = weft_sim_below(sim, n);
    for (unsigned i = 0; i < n; i++) {
        const endpoint_item *item = endpoint_item_at(e, i);
        send_one(end, item);
        e->stats.sent++;
        e->stats.sent_bytes += item->bytes.size;
    }
    *done = n;
    return n < all ? WEFT_EFULL : WEFT_OK;
}

static void sim_want(wf_endpoint *e, unsigned events)
{
    endpoint_end *end = end_of(e);
    end->want = events;
    look(end);
}

static void sim_close(wf_endpoint *e)
{
    wf_endpoint_sim_close(end_of(e));
}

static void sim_addresses(wf_endpoint *e, weft_address *local, weft_address *peer)
{
    const endpoint_end *end = end_of(e);
    *local = end->address;
    if (end->connected)
        *peer = end->peer;
}

static weft_err sim_check(const wf_endpoint *e, const weft_address *to, size_t size)
{
    if (size > WEFT_DATAGRAM_BYTES_MAX)
        return WEFT_ETOOBIG;
    if (to == NULL)
        return end_of(e)->connected ? WEFT_OK : WEFT_EINVAL;
    return to->family == WEFT_FAMILY_SIM ? WEFT_OK : WEFT_EINVAL;
}

static weft_err sim_set(wf_endpoint *e, const weft_endpoint_settings *settings)
{
    if ((settings->given & WEFT_ENDPOINT_LOOP) != 0)
        end_of(e)->loop = settings->loop;
    return WEFT_OK;
}

static weft_err end_join(endpoint_end *end, const weft_address *address)
{
    if (hears(end, address))
        return WEFT_EEXISTS;
    group *g = malloc(sizeof *g);
    if (g == NULL)
        return WEFT_ENOMEM;
    *g = (group){.next = end->groups, .address = *address};
    end->groups = g;
    return WEFT_OK;
}

static weft_err end_leave(endpoint_end *end, const weft_address *address)
{
    for (group **at = &end->groups; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->address.path, address->path) == 0) {
            group *g = *at;
            *at = g->next;
            free(g);
            return WEFT_OK;
        }
    return WEFT_ENOTFOUND;
}

static weft_err sim_join(wf_endpoint *e, const weft_address *address, const char *interface,
                         bool leave)
{
    (void)interface;
    if (address->family != WEFT_FAMILY_SIM)
        return WEFT_EINVAL;
    return leave ? end_leave(end_of(e), address) : end_join(end_of(e), address);
}

static uint64_t sim_lost(wf_endpoint *e)
{
    return end_of(e)->lost;
}

const endpoint_leaf wf_endpoint_leaf_sim = {
    .name = "sim",
    .receive = sim_receive,
    .send = sim_send,
    .want = sim_want,
    .close = sim_close,
    .addresses = sim_addresses,
    .check = sim_check,
    .set = sim_set,
    .join = sim_join,
    .lost = sim_lost,
};

/* ---- its ends */

void wf_endpoint_sim_close(endpoint_end *end)
{
    weft_arrive_cancel(&end->ready);
    *end->back = end->next;
    if (end->next != NULL)
        end->next->back = end->back;
    for (flight *f = end->first, *next; f != NULL; f = next) {
        next = f->next_here;
        free(f);
    }
    for (group *g = end->groups, *next; g != NULL; g = next) {
        next = g->next;
        free(g);
    }
    free(end);
}

static weft_err join_all(endpoint_end *end, const weft_url *url)
{
    const char *text;
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && (text = weft_url_text(url, WEFT_URL_JOIN, i)) != NULL;
         i++) {
        weft_address address;
        err = wf_wire_address(&address, text, 0, NULL);
        if (err == WEFT_OK)
            err = end_join(end, &address);
    }
    return err;
}

endpoint_end *wf_endpoint_sim_open(struct weft_sim *sim, const weft_url *url, weft_url_end which,
                                   weft_address *local, weft_err *err, weft_why *why)
{
    weft_address address;
    world *w = world_of(sim);
    endpoint_end *end = w != NULL ? calloc(1, sizeof *end) : NULL;
    *err = wf_wire_address(&address, url->host.name, url->host.port, why);
    if (*err == WEFT_OK && end == NULL)
        *err = weft_because(why, WEFT_ENOMEM, "no memory for a simulated endpoint");
    if (*err == WEFT_OK && which == WEFT_URL_LISTEN && end_at(w, &address) != NULL)
        *err = weft_because(why, WEFT_EEXISTS, "somebody is bound to sim://%.64s already",
                            url->host.name);
    if (*err != WEFT_OK) {
        free(end);
        return NULL;
    }
    uint64_t max = url->options.receive_buffer_bytes;
    *end = (endpoint_end){.in = w,
                          .next = w->ends,
                          .back = &w->ends,
                          .address = address,
                          .loop = true,
                          .max = max != 0 ? (uint32_t)max : RECEIVE_BUFFER,
                          .latency_ms = url->options.latency_ms};
    end->tail = &end->first;
    if (end->next != NULL)
        end->next->back = &end->next;
    w->ends = end;
    if (which == WEFT_URL_CONNECT) {
        end->connected = true;
        end->peer = address;
        (void)wf_wire_address(&end->address, "client", PORT_FIRST + w->number++ % PORTS, NULL);
    }
    *local = end->address;
    *err = join_all(end, url);
    if (*err == WEFT_OK)
        return end;
    (void)weft_because(why, *err, "the groups of %.64s cannot be joined", url->host.name);
    wf_endpoint_sim_close(end);
    return NULL;
}

void wf_endpoint_sim_attach(wf_endpoint *e, endpoint_end *end)
{
    memcpy(&e->watch, &end, sizeof end);
    e->leaf = &wf_endpoint_leaf_sim;
    end->e = e;
    end->reactor = weft_reactor_of(endpoint_actor(e));
}
