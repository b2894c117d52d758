/* SPDX-License-Identifier: MIT */
/* The world of simulated datagrams, all of which belongs to one thread, whatever reactors endpoints live on.
 *
 *     endpoint ── send ──▶ flight, due some time ── arrives ──▶ here, bounded ── receive ──▶ endpoint
 *                             └── nobody there: a report flies back
 */
#ifndef WF_DATAGRAM_WORLD_H
#define WF_DATAGRAM_WORLD_H

#include "endpoint.h"
#include "wire.h"

typedef struct datagram_world datagram_world;

/* A datagram under way, or here. */
typedef struct datagram_flight {
    weft_arrival arrival;
    struct datagram_flight *next, **back; /* of those under way */
    struct datagram_flight *next_here;
    datagram_world *in;
    unsigned reactor;
    bool report; /* nobody was there */
    weft_address from, to;
    uint32_t size;
    uint8_t data[];
} datagram_flight;

typedef struct datagram_group {
    struct datagram_group *next;
    weft_address address;
} datagram_group;

struct endpoint_end {
    datagram_world *in;
    endpoint_end *next, **back;
    wf_endpoint *e; /* NULL: not attached yet */
    unsigned reactor, want;
    weft_arrival ready;
    weft_address address, peer;
    bool connected, loop;
    datagram_flight *first, **tail; /* here */
    uint32_t bytes, max;            /* of them */
    uint32_t lost, lost_told;
    uint32_t latency_ms;
    datagram_group *groups;
};

struct datagram_world {
    wire_kept kept;
    struct weft_sim *sim;
    endpoint_end *ends;
    datagram_flight *flights;
    uint32_t number; /* of connected ends */
};

/* errors: NULL. */
datagram_world *wf_datagram_world_of(struct weft_sim *sim);
/* Who is bound there; NULL: nobody. */
endpoint_end *wf_datagram_end_at(const datagram_world *w, const weft_address *address);
/* Whether @end has joined the group. */
bool wf_datagram_hears(const endpoint_end *end, const weft_address *address);
/* Has @end tell its endpoint what it wants to know. */
void wf_datagram_look(endpoint_end *end);
/* Sends a copy of @bytes on its way; NULL: a report that nobody is at @from. What memory has no room for is
 * lost. */
void wf_datagram_launch(datagram_world *w, const weft_address *from, const weft_address *to,
                        const weft_bytes *bytes, uint32_t latency_ms);
/* A line in the event log. */
void wf_datagram_note(const datagram_world *w, const char *what, const weft_address *from,
                      const weft_address *to, uint32_t size);

#endif
