/* SPDX-License-Identifier: MIT */
/* What a simulated world consists of: who listens, who waits to be accepted, all links, all places. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

struct wire_listener {
    struct wire *world;
    struct weft_sim *sim;
    wire_listener *next;
    weft_address address;
    weft_arrival ready;
    unsigned reactor;
    void (*on_ready)(void *context);
    void *context;
    bool want;
    wire_end *first, *last; /* waiting */
    uint32_t waiting, backlog;
    uint32_t latency_ms, window;
};

/* The one wire of a simulation. */
typedef struct wire {
    wire_listener *listeners;
    wire_link *links;
    wire_place *places;
    wire_island *islands;
    wire_kept *kept;
    wf_wire_names names;
    uint32_t number; /* of the last link */
    void *datagrams;
} wire;

static void wire_free(void *at)
{
    wire *w = at;
    for (wire_listener *l = w->listeners, *next; l != NULL; l = next) {
        next = l->next;
        free(l);
    }
    for (wire_place *p = w->places, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    for (wire_island *i = w->islands, *next; i != NULL; i = next) {
        next = i->next;
        free(i);
    }
    for (wire_kept *k = w->kept, *next; k != NULL; k = next) {
        next = k->next;
        k->free(k);
    }
    free(w);
}

/* errors: NULL. */
static wire *wire_of(struct weft_sim *sim)
{
    void **at = weft_sim_wire(sim, wire_free);
    if (*at == NULL)
        *at = calloc(1, sizeof(wire));
    return *at;
}

wf_wire_names *wf_wire_names_of(struct weft_sim *sim)
{
    wire *w = wire_of(sim);
    return w != NULL ? &w->names : NULL;
}

void **wf_wire_datagrams(struct weft_sim *sim)
{
    wire *w = wire_of(sim);
    return w != NULL ? &w->datagrams : NULL;
}

static bool same_place(const weft_address *a, const weft_address *b)
{
    return a->port == b->port && strcmp(a->path, b->path) == 0;
}

wire_place *wf_wire_place(struct weft_sim *sim, const weft_address *address)
{
    wire *w = wire_of(sim);
    for (wire_place *p = w != NULL ? w->places : NULL; p != NULL; p = p->next)
        if (same_place(&p->address, address))
            return p;
    wire_place *p = w != NULL ? calloc(1, sizeof *p) : NULL;
    if (p == NULL)
        return NULL;
    *p = (wire_place){.next = w->places, .address = *address};
    w->places = p;
    return p;
}

/* NULL: there is none. */
static wire_island *island_at(const wire *w, unsigned member)
{
    for (wire_island *i = w != NULL ? w->islands : NULL; i != NULL; i = i->next)
        if (i->member == member)
            return i;
    return NULL;
}

wire_island *wf_wire_island(struct weft_sim *sim, unsigned member)
{
    wire *w = wire_of(sim);
    wire_island *i = island_at(w, member);
    if (i != NULL || w == NULL)
        return i;
    i = calloc(1, sizeof *i);
    if (i == NULL)
        return NULL;
    *i = (wire_island){.next = w->islands, .member = member};
    w->islands = i;
    return i;
}

uint32_t wf_wire_cut_until(const wire_link *link)
{
    const wire *w = wire_of(link->sim);
    const wire_island *near = island_at(w, link->end[0].reactor >> 8);
    const wire_island *far = island_at(w, link->place->member);
    uint32_t until = link->place->cut_until;
    if (near == far) /* within one, nothing is cut */
        return until;
    if (near != NULL && near->cut_until > until)
        until = near->cut_until;
    if (far != NULL && far->cut_until > until)
        until = far->cut_until;
    return until;
}

weft_err wf_wire_join(wire_link *link, const weft_address *to)
{
    wire *w = wire_of(link->sim);
    link->place = wf_wire_place(link->sim, to);
    if (link->place == NULL)
        return WEFT_ENOMEM;
    link->id = ++w->number;
    link->next = w->links;
    link->back = &w->links;
    if (link->next != NULL)
        link->next->back = &link->next;
    w->links = link;
    return WEFT_OK;
}

void wf_wire_leave(wire_link *link)
{
    *link->back = link->next;
    if (link->next != NULL)
        link->next->back = link->back;
}

wire_link *wf_wire_links(struct weft_sim *sim)
{
    const wire *w = wire_of(sim);
    return w != NULL ? w->links : NULL;
}

weft_err wf_wire_keep(struct weft_sim *sim, wire_kept *kept)
{
    wire *w = wire_of(sim);
    if (w == NULL)
        return WEFT_ENOMEM;
    kept->next = w->kept;
    w->kept = kept;
    return WEFT_OK;
}

wire_listener *wf_wire_listener_at(struct weft_sim *sim, const weft_address *address)
{
    const wire *w = wire_of(sim);
    for (wire_listener *l = w != NULL ? w->listeners : NULL; l != NULL; l = l->next)
        if (same_place(&l->address, address))
            return l;
    return NULL;
}

wire_listener *wf_wire_listen(struct weft_sim *sim, const weft_url *url, weft_address *local,
                              weft_err *err, weft_why *why)
{
    weft_address address;
    *err = wf_wire_address(&address, url->host.name, url->host.port, why);
    if (*err != WEFT_OK)
        return NULL;
    wire *w = wire_of(sim);
    if (w != NULL && wf_wire_listener_at(sim, &address) != NULL) {
        *err = weft_because(why, WEFT_EEXISTS, "somebody listens at sim://%.64s already",
                            url->host.name);
        return NULL;
    }
    wire_listener *l = w != NULL ? calloc(1, sizeof *l) : NULL;
    if (l == NULL) {
        *err = weft_because(why, WEFT_ENOMEM, "no memory for a simulated listener");
        return NULL;
    }
    *l = (wire_listener){.world = w,
                         .sim = weft_sim_world(sim),
                         .next = w->listeners,
                         .address = address,
                         .backlog = url->options.backlog,
                         .latency_ms = url->options.latency_ms,
                         .window = (uint32_t)url->options.window_bytes};
    w->listeners = l;
    *local = address;
    return l;
}

/* ---- readiness */

static void ready(weft_arrival *arrival)
{
    wire_listener *l = (wire_listener *)(void *)((char *)arrival - offsetof(wire_listener, ready));
    if (!l->want || l->first == NULL)
        return;
    weft_arrive(&l->ready, l->reactor, 0, ready); /* level triggered */
    l->on_ready(l->context);
}

static void look(wire_listener *l)
{
    if (l->want && l->first != NULL && weft_arrive_wait_ms(&l->ready) != 0)
        weft_arrive(&l->ready, l->reactor, 0, ready);
}

void wf_wire_listener_watch(wire_listener *l, unsigned reactor, void (*on_ready)(void *context),
                            void *context)
{
    l->reactor = weft_sim_place(reactor);
    wire_place *place = wf_wire_place(l->sim, &l->address);
    if (place != NULL)
        place->member = l->reactor >> 8;
    l->on_ready = on_ready;
    l->context = context;
}

void wf_wire_listener_want(wire_listener *l, bool want)
{
    l->want = want;
    look(l);
}

/* ---- who waits */

bool wf_wire_listener_offer(wire_listener *l, wire_end *e)
{
    if (l->waiting >= l->backlog)
        return false;
    e->window = l->window;
    /* each side may say how far away it is */
    e->link->latency_ms += l->latency_ms;
    e->next_waiting = NULL;
    if (l->last != NULL)
        l->last->next_waiting = e;
    else
        l->first = e;
    l->last = e;
    l->waiting++;
    look(l);
    return true;
}

wire_end *wf_wire_accept(wire_listener *l)
{
    wire_end *e = l->first;
    if (e == NULL)
        return NULL;
    if ((l->first = e->next_waiting) == NULL)
        l->last = NULL;
    l->waiting--;
    return e;
}

void wf_wire_unlisten(wire_listener *l)
{
    weft_arrive_cancel(&l->ready);
    for (wire_end *e; (e = wf_wire_accept(l)) != NULL;)
        wf_wire_refuse(e);
    for (wire_listener **at = &l->world->listeners; *at != NULL; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    free(l);
}
