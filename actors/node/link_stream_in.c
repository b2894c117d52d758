/* SPDX-License-Identifier: MIT */
/* What records say of a stream between nodes: bytes, room, its end. */
#include "link_stream.h"

#include <stdio.h>
#include <string.h>

static void on_room(link_stream *s, const link_record *r)
{
    if (r->dst > UINT32_MAX || s->room + r->dst > UINT32_MAX) {
        wf_stream_fail(s, WEFT_EPROTO, "more room was given than there can be");
        return;
    }
    s->room += r->dst;
    if (!s->up) {
        s->up = true;
        weft_leaf_begin(s->leaf);
    } else if ((s->want & WEFT_WRITABLE) != 0)
        wf_link_leaf.want(s->leaf, s->want);
}

static void on_bytes(link_stream *s, const link_record *r)
{
    size_t charge = wf_link_record_bytes(r);
    if (charge > s->given || s->ended || !s->up) {
        wf_stream_fail(s, WEFT_EPROTO, "bytes came that there was no room for");
        return;
    }
    s->given -= (uint32_t)charge;
    if (r->bytes == 0) {
        s->owed += (uint32_t)charge;
        return;
    }
    link_came *c = weft_alloc(sizeof *c + r->bytes);
    if (c == NULL) {
        wf_stream_fail(s, WEFT_ENOMEM, "no memory for what came");
        return;
    }
    *c = (link_came){.bytes = r->bytes, .charge = (uint32_t)charge};
    memcpy(c->at, r->payload, r->bytes);
    *s->came_tail = c;
    s->came_tail = &c->next;
    wf_stream_look(s);
}

static void on_closed(node_link *l, link_stream *s, const link_record *r)
{
    link_failure f;
    s->left = true;
    if (r->code == WEFT_OK && s->up) {
        s->ended = true;
        wf_stream_look(s);
        if ((s->want & WEFT_WRITABLE) != 0)
            wf_link_leaf.want(s->leaf, s->want); /* what waits is told that it is lost */
        return;
    }
    if (wf_link_failure_of(l, r, &f) != WEFT_OK)
        (void)snprintf(f.why, sizeof f.why, "it failed on node %s", l->name);
    weft_leaf_lost(s->leaf, f.err, f.why);
}

void wf_streams_on_record(node_link *l, const link_record *r)
{
    if (r->op == LINK_OP_STREAM) {
        wf_stream_on_asked(l, r);
        return;
    }
    const link_map_row *row = wf_map_at(&l->streams.by_id, r->req);
    link_stream *s = row != NULL ? row->pointer : NULL;
    if (s == NULL)
        return; /* closed here, which is on its way there */
    switch (r->op) {
    case LINK_OP_ROOM:
        on_room(s, r);
        break;
    case LINK_OP_BYTES:
        on_bytes(s, r);
        break;
    case LINK_OP_ENDED:
        s->ended = true;
        wf_stream_look(s);
        break;
    default:
        on_closed(l, s, r);
        break;
    }
}
