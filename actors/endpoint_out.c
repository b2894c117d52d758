/* SPDX-License-Identifier: MIT */
/* The output of an endpoint: gathered, bounded, sent at the end of the round or when a batch is full. */
#include <string.h>

#include "conn.h"
#include "endpoint.h"

enum { ROOM_FIRST = 8, ROOM_KEPT = WEFT_ENDPOINT_BATCH };

/* What it counts for: bytes of a source that stands still while they wait are bounded by that. */
static uint32_t cost_of(weft_bytes bytes)
{
    return wf_conn_is_fresh(bytes) ? (uint32_t)bytes.size + WEFT_ENDPOINT_OVERHEAD_BYTES : 0;
}

static void drop_first(wf_endpoint *e)
{
    endpoint_item *item = &e->out.at[e->out.first];
    e->out.fresh -= cost_of(item->bytes);
    e->out.first = (e->out.first + 1) & (e->out.room - 1);
    e->out.n--;
    weft_bytes_drop(&item->bytes); /* which may let its source read on */
}

void wf_endpoint_drop_queue(wf_endpoint *e)
{
    e->stats.dropped += e->out.n;
    while (e->out.n != 0)
        drop_first(e);
    weft_alloc_free(e->out.at);
    e->out.at = NULL;
    e->out.room = e->out.first = 0;
}

/* Twice the room, the items in order from the beginning on. */
static weft_err grow(endpoint_queue *q)
{
    uint32_t room = q->room != 0 ? q->room * 2 : ROOM_FIRST;
    endpoint_item *at = weft_alloc(room * sizeof *at);
    if (at == NULL)
        return WEFT_ENOMEM;
    for (uint32_t i = 0; i < q->n; i++)
        at[i] = q->at[(q->first + i) & (q->room - 1)];
    weft_alloc_free(q->at);
    q->at = at;
    q->room = room;
    q->first = 0;
    return WEFT_OK;
}

/* Room by what the policy says. errors: EFULL; @dropped: the new one is. */
static weft_err make_room(wf_endpoint *e, uint32_t cost, bool *dropped)
{
    *dropped = false;
    if (cost == 0 || e->out.fresh < e->out.max)
        return WEFT_OK; /* one of any size can leave */
    switch (e->out.policy) {
    case WEFT_SEND_DROP_NEWEST:
        e->stats.dropped++;
        *dropped = true;
        return WEFT_OK;
    case WEFT_SEND_DROP_OLDEST:
        while (e->out.fresh >= e->out.max) {
            e->stats.dropped++;
            drop_first(e);
        }
        return WEFT_OK;
    default:
        e->flags |= ENDPOINT_DRAIN;
        return WEFT_EFULL;
    }
}

/* Whether it can be where a datagram comes from (RFC 1122 section 3.2.1.3): no group, not everybody. */
static bool is_source(const weft_address *from)
{
    switch (from->family) {
    case WEFT_FAMILY_V4:
        return from->ip[0] < 224;
    case WEFT_FAMILY_V6:
        return from->ip[0] != 0xff;
    default:
        return false;
    }
}

weft_err wf_endpoint_queue(wf_endpoint *e, const weft_address *to, const weft_address *from,
                           weft_bytes bytes)
{
    uint32_t cost = cost_of(bytes);
    bool dropped;
    if ((e->flags & (ENDPOINT_OPEN | ENDPOINT_CLOSING | ENDPOINT_CLOSED)) != ENDPOINT_OPEN)
        return WEFT_EGONE;
    weft_err err = e->leaf->check(e, to, bytes.size);
    if (err == WEFT_OK)
        err = make_room(e, cost, &dropped);
    if (err != WEFT_OK || dropped)
        return err;
    if (e->out.n == e->out.room && (err = grow(&e->out)) != WEFT_OK)
        return err;
    endpoint_item *item = &e->out.at[(e->out.first + e->out.n) & (e->out.room - 1)];
    item->bytes = weft_bytes_share(bytes);
    if (to != NULL)
        item->to = *to;
    else
        item->to.family = WEFT_FAMILY_NONE;
    item->from_family = WEFT_FAMILY_NONE;
    if (from != NULL && is_source(from)) {
        item->from_family = from->family;
        memcpy(item->from, from->ip, sizeof item->from);
    }
    e->out.fresh += cost;
    e->out.n++;
    if ((e->flags & ENDPOINT_BLOCKED) != 0)
        return WEFT_OK;
    if (e->out.n >= WEFT_ENDPOINT_BATCH)
        wf_endpoint_flush(e);
    else
        weft_hook_queue(&e->flush);
    return WEFT_OK;
}

/* The room of a burst is not kept. */
static void shrink(wf_endpoint *e)
{
    if (e->out.room <= ROOM_KEPT)
        return;
    weft_alloc_free(e->out.at);
    e->out.at = NULL;
    e->out.room = e->out.first = 0;
}

void wf_endpoint_flush(wf_endpoint *e)
{
    weft_err err = WEFT_OK;
    if ((e->flags & (ENDPOINT_OPEN | ENDPOINT_CLOSED | ENDPOINT_BLOCKED | ENDPOINT_FLUSHING)) !=
        ENDPOINT_OPEN)
        return;
    e->flags |= ENDPOINT_FLUSHING;
    while (err == WEFT_OK && e->out.n != 0) {
        unsigned done = 0;
        err = e->leaf->send(e, &done);
        for (; done != 0; done--)
            drop_first(e);
    }
    e->flags &= ~(uint32_t)ENDPOINT_FLUSHING;
    if (err == WEFT_EFULL) {
        e->flags |= ENDPOINT_BLOCKED;
        wf_endpoint_watch(e);
    }
    (void)wf_endpoint_tell_drained(e);
    if (e->out.n != 0)
        return;
    shrink(e);
    wf_endpoint_sent_all(e);
}
