/* SPDX-License-Identifier: MIT */
/* The leaf of simulated endpoints, and their ends in the simulated world. */
#include <stdlib.h>
#include <string.h>

#include <weft/testing.h>

#include "datagram_world.h"

enum {
    PORT_FIRST = 49152,
    PORTS = 16384,
    RECEIVE_BUFFER = 208 << 10, /* as Linux has it */
};

static endpoint_end *end_of(const wf_endpoint *e)
{
    void *end;
    memcpy(&end, &e->watch, sizeof(void *));
    return end;
}

static void sim_receive(wf_endpoint *e, unsigned max)
{
    endpoint_end *end = end_of(e);
    for (; max != 0 && (e->flags & ENDPOINT_CLOSED) == 0 && end->first != NULL; max--) {
        datagram_flight *f = end->first;
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
        wf_datagram_note(end->in, "fault: lost", &end->address, to, (uint32_t)item->bytes.size);
        return;
    }
    wf_datagram_launch(end->in, &end->address, to, &item->bytes, end->latency_ms);
    if (weft_sim_chance(sim, weft_sim_faults_of(sim)->datagram_doubled)) {
        wf_datagram_note(end->in, "fault: doubled", &end->address, to, (uint32_t)item->bytes.size);
        wf_datagram_launch(end->in, &end->address, to, &item->bytes, end->latency_ms);
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
    wf_datagram_look(end);
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
    if (wf_datagram_hears(end, address))
        return WEFT_EEXISTS;
    datagram_group *g = malloc(sizeof *g);
    if (g == NULL)
        return WEFT_ENOMEM;
    *g = (datagram_group){.next = end->groups, .address = *address};
    end->groups = g;
    return WEFT_OK;
}

static weft_err end_leave(endpoint_end *end, const weft_address *address)
{
    for (datagram_group **at = &end->groups; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->address.path, address->path) == 0) {
            datagram_group *g = *at;
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
    for (datagram_flight *f = end->first, *next; f != NULL; f = next) {
        next = f->next_here;
        free(f);
    }
    for (datagram_group *g = end->groups, *next; g != NULL; g = next) {
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
    datagram_world *w = wf_datagram_world_of(sim);
    endpoint_end *end = w != NULL ? calloc(1, sizeof *end) : NULL;
    *err = wf_wire_address(&address, url->host.name, url->host.port, why);
    if (*err == WEFT_OK && end == NULL)
        *err = weft_because(why, WEFT_ENOMEM, "no memory for a simulated endpoint");
    if (*err == WEFT_OK && which == WEFT_URL_LISTEN && wf_datagram_end_at(w, &address) != NULL)
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
    void *context = end;
    memcpy(&e->watch, &context, sizeof(void *));
    e->leaf = &wf_endpoint_leaf_sim;
    end->e = e;
    end->reactor = weft_sim_place(weft_reactor_of(endpoint_actor(e)));
}
