/* SPDX-License-Identifier: MIT */
/* Simulated datagrams under way: lost, doubled and overtaken as the seed has it. */
#include "datagram_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/testing.h>

enum { NOTE_BYTES = 160 };

/* ---- the datagram_world */

static void world_free(wire_kept *kept)
{
    datagram_world *w = (datagram_world *)(void *)kept;
    for (datagram_flight *f = w->flights, *next; f != NULL; f = next) {
        next = f->next;
        free(f);
    }
    free(w);
}

datagram_world *wf_datagram_world_of(struct weft_sim *sim)
{
    void **at = wf_wire_datagrams(sim);
    if (at == NULL || *at != NULL)
        return at != NULL ? *at : NULL;
    datagram_world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->kept.free = world_free;
    w->sim = weft_sim_world(sim);
    if (wf_wire_keep(sim, &w->kept) != WEFT_OK) {
        free(w);
        return NULL;
    }
    *at = w;
    return w;
}

void wf_datagram_note(const datagram_world *w, const char *what, const weft_address *from,
                      const weft_address *to, uint32_t size)
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

endpoint_end *wf_datagram_end_at(const datagram_world *w, const weft_address *address)
{
    for (endpoint_end *end = w->ends; end != NULL; end = end->next)
        if (same(&end->address, address))
            return end;
    return NULL;
}

bool wf_datagram_hears(const endpoint_end *end, const weft_address *address)
{
    for (const datagram_group *g = end->groups; g != NULL; g = g->next)
        if (strcmp(g->address.path, address->path) == 0)
            return true;
    return false;
}

/* ---- readiness */

static unsigned events_of(const endpoint_end *end)
{
    return end->want & (WEFT_WRITABLE | (end->first != NULL ? WEFT_READABLE : 0));
}

/* Room to send is found a moment later, so that time goes on where there is none. */
static uint32_t delay_of_ready(unsigned events)
{
    return (events & WEFT_READABLE) != 0 ? 0 : 1;
}

static void on_ready(weft_arrival *arrival)
{
    endpoint_end *end = (endpoint_end *)(void *)((char *)arrival - offsetof(endpoint_end, ready));
    unsigned events = events_of(end);
    if (events == 0 || end->e == NULL)
        return;
    /* level triggered: told again, unless it closes or no longer wants it */
    weft_arrive(&end->ready, end->reactor, delay_of_ready(events), on_ready);
    wf_endpoint_ready(end->e, events);
}

void wf_datagram_look(endpoint_end *end)
{
    unsigned events = events_of(end);
    uint32_t delay_ms = delay_of_ready(events);
    if (end->e != NULL && events != 0 && weft_arrive_wait_ms(&end->ready) > delay_ms)
        weft_arrive(&end->ready, end->reactor, delay_ms, on_ready);
}

/* ---- under way */

static void flight_end(datagram_flight *f)
{
    *f->back = f->next;
    if (f->next != NULL)
        f->next->back = f->back;
}

static void land(endpoint_end *end, datagram_flight *f)
{
    uint32_t cost = f->size + WEFT_ENDPOINT_OVERHEAD_BYTES;
    if (end->connected && !same(&end->peer, &f->from)) {
        free(f);
        return;
    }
    if (cost > end->max - end->bytes) {
        wf_datagram_note(end->in, "no room", &f->from, &f->to, f->size);
        end->lost++;
        free(f);
        return;
    }
    wf_datagram_note(end->in, "arrived", &f->from, &f->to, f->size);
    end->bytes += cost;
    f->next_here = NULL;
    *end->tail = f;
    end->tail = &f->next_here;
    wf_datagram_look(end);
}

static void on_arrival(weft_arrival *arrival);

static datagram_flight *copy_of(const datagram_flight *f)
{
    datagram_flight *copy = malloc(sizeof *copy + f->size);
    if (copy != NULL)
        memcpy(copy, f, sizeof *copy + f->size);
    return copy;
}

/* To all that hear the group; false: nobody does. */
static bool land_in_group(datagram_world *w, const datagram_flight *f)
{
    bool any = false;
    for (endpoint_end *end = w->ends; end != NULL; end = end->next) {
        if (!wf_datagram_hears(end, &f->to) || (same(&end->address, &f->from) && !end->loop))
            continue;
        datagram_flight *copy = copy_of(f);
        if (copy != NULL)
            land(end, copy);
        any = true;
    }
    return any;
}

static uint32_t delay_of(const datagram_world *w, const weft_address *at)
{
    const wire_place *place = wf_wire_place(w->sim, at);
    return place != NULL ? place->delay_ms : 0;
}

static bool cut_off(const datagram_world *w, const weft_address *at)
{
    const wire_place *place = wf_wire_place(w->sim, at);
    return place != NULL && place->cut_until != 0 &&
           (int32_t)(place->cut_until - weft_sim_now(w->sim)) > 0;
}

static void report(endpoint_end *end, const datagram_flight *f)
{
    weft_datagram_failed failed = {.peer = f->from, .reason = WEFT_EREFUSED, .icmp = true};
    /* as ICMP has it: the destination, its port, cannot be reached (RFC 792) */
    failed.type = failed.code = 3;
    if (end->e != NULL && end->reactor == f->reactor)
        wf_endpoint_failed(end->e, &failed);
}

static void on_arrival(weft_arrival *arrival)
{
    datagram_flight *f =
        (datagram_flight *)(void *)((char *)arrival - offsetof(datagram_flight, arrival));
    datagram_world *w = f->in;
    flight_end(f);
    endpoint_end *end = wf_datagram_end_at(w, &f->to);
    if (cut_off(w, &f->to) || cut_off(w, &f->from))
        wf_datagram_note(w, "fault: cut off", &f->from, &f->to, f->size);
    else if (f->report && end != NULL)
        report(end, f);
    else if (end != NULL) {
        land(end, f);
        return;
    } else if (!land_in_group(w, f) && !f->report) {
        wf_datagram_note(w, "nobody there", &f->from, &f->to, f->size);
        wf_datagram_launch(w, &f->to, &f->from, NULL, 0);
    }
    free(f);
}

void wf_datagram_launch(datagram_world *w, const weft_address *from, const weft_address *to,
                        const weft_bytes *bytes, uint32_t latency_ms)
{
    uint32_t size = bytes != NULL ? (uint32_t)bytes->size : 0;
    uint32_t max = weft_sim_faults_of(w->sim)->latency_ms_max;
    const endpoint_end *end = wf_datagram_end_at(w, to);
    datagram_flight *f = malloc(sizeof *f + size);
    if (f == NULL)
        return;
    *f = (datagram_flight){.in = w,
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
