/* SPDX-License-Identifier: MIT */
/* Streams between nodes begin, here and there. */
#include "link_stream.h"

#include <stdio.h>
#include <string.h>

#include <weft/net.h>

#include "weft_link.pb-c.h"

static const weft_type said_type =
    WEFT_TYPE_PROTO("weft.link.stream", Weft__Link__Stream, &weft__link__stream__descriptor, NULL);
static const weft_type failure_type = WEFT_TYPE_PROTO("weft.link.failure", Weft__Link__Failure,
                                                      &weft__link__failure__descriptor, NULL);

const weft_type weft_node_streamed_type = WEFT_TYPE("weft.node_streamed", weft_node_streamed, NULL);
const weft_type wf_stream_open_type =
    WEFT_TYPE("weft.link.stream_open", wf_stream_open, &weft_node_streamed_type);

/* Asked for, while there is no connection. */
struct link_opening {
    link_opening *next;
    weft_msg *msg;
};

/* ---- records */

/* Appends @record with @made, at once: in the order in which it is said. errors: ENOMEM. */
static weft_err say(node_link *l, link_record *record, const weft_type *type, void *made)
{
    uint8_t *payload;
    uint64_t seq;
    record->bytes = (uint32_t)weft_packed_bytes(type, made);
    weft_err err = wf_session_record(&l->s, record, &payload, &seq);
    if (err != WEFT_OK)
        return err;
    weft_pack(type, made, payload);
    wf_link_touch(l);
    return WEFT_OK;
}

void wf_stream_say_closed(node_link *l, uint32_t id, weft_err err, const char *why)
{
    char text[WEFT_WHY_BYTES];
    link_record r = {.op = LINK_OP_CLOSED, .req = id, .code = (uint16_t)err};
    Weft__Link__Failure failure;
    if (l->s.state != LINK_UP)
        return;
    weft__link__failure__init(&failure);
    (void)snprintf(text, sizeof text, "%s", why);
    failure.why = text;
    if (say(l, &r, &failure_type, &failure) != WEFT_OK)
        wf_link_broken(l);
}

/* ---- addresses */

/* What is packed, which lives as long as this. */
typedef struct said {
    Weft__Link__Stream stream;
    Weft__Link__Address local, peer;
    weft_address from[2];
} said;

static Weft__Link__Address *address_out(Weft__Link__Address *to, weft_address *from)
{
    if (from->family == WEFT_FAMILY_NONE)
        return NULL;
    weft__link__address__init(to);
    to->family = from->family;
    to->port = from->port;
    to->scope = from->scope;
    to->host.data = from->ip;
    to->host.len = from->family == WEFT_FAMILY_V4   ? 4
                   : from->family == WEFT_FAMILY_V6 ? 16
                                                    : strnlen(from->path, sizeof from->path);
    return to;
}

/* What a stranger says: nothing, if it is no address. */
static weft_address address_in(const Weft__Link__Address *from)
{
    weft_address to = {.family = WEFT_FAMILY_NONE};
    bool path = from != NULL &&
                (from->family == WEFT_FAMILY_UNIX || from->family == WEFT_FAMILY_SIM) &&
                from->host.len < sizeof to.path;
    bool ip = from != NULL && ((from->family == WEFT_FAMILY_V4 && from->host.len == 4) ||
                               (from->family == WEFT_FAMILY_V6 && from->host.len == 16));
    if ((!ip && !path) || from->port > UINT16_MAX)
        return to;
    to.family = (uint8_t)from->family;
    to.port = (uint16_t)from->port;
    to.scope = from->scope;
    if (from->host.len != 0)
        memcpy(path ? (void *)to.path : (void *)to.ip, from->host.data, from->host.len);
    return to;
}

/* ---- from here */

static uint32_t next_id(node_link *l)
{
    uint32_t *last = &l->streams.last;
    if (*last == 0)
        *last = l->s.dialed ? UINT32_MAX : 0;
    do
        *last += 2;
    while (*last == 0 || wf_map_at(&l->streams.by_id, *last) != NULL);
    return *last;
}

static weft_err check(const node_link *l, const wf_stream_open *open, weft_why *why)
{
    if ((l->s.peer.features & LINK_FEATURE_STREAMS) == 0)
        return weft_because(why, WEFT_EUNSUPPORTED, "node %s knows no streams", l->name);
    if (!weft_remote_is_current(l->node->sys, open->there))
        return weft_because(why, WEFT_EGONE, "node %s began anew", l->name);
    if (l->streams.by_id.n >= WEFT_NODE_STREAMS_MAX)
        return weft_because(why, WEFT_ELIMIT, "there are %u streams between this node and %s",
                            WEFT_NODE_STREAMS_MAX, l->name);
    return WEFT_OK;
}

static weft_err say_stream(node_link *l, uint32_t id, const wf_stream_open *open, uint64_t token)
{
    said s = {.from = {open->local, open->peer}};
    link_record r = {.op = LINK_OP_STREAM, .req = id};
    weft_err err = wf_link_dst(l, open->there, &r);
    if (err != WEFT_OK)
        return err;
    weft__link__stream__init(&s.stream);
    s.stream.token = token;
    s.stream.credit = LINK_STREAM_ROOM;
    s.stream.local = address_out(&s.local, &s.from[0]);
    s.stream.peer = address_out(&s.peer, &s.from[1]);
    return say(l, &r, &said_type, &s.stream);
}

/* It is said before it is made: whoever is told of it here can be sure that it was. */
static weft_err open_one(node_link *l, const wf_stream_open *open, weft_node_streamed *out,
                         weft_why *why)
{
    uint64_t token;
    weft_err err = check(l, open, why);
    if (err != WEFT_OK)
        return err;
    uint32_t id = next_id(l);
    link_stream *s = wf_stream_new(l, id);
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a stream");
    do
        weft_random(l->self, &token, sizeof token);
    while ((uint32_t)token == 0);
    err = say_stream(l, id, open, token);
    if (err != WEFT_OK) {
        weft_alloc_free(s);
        return weft_because(why, err, "no memory or number to ask node %s for a stream", l->name);
    }
    err = wf_stream_make(l, s, open->owner);
    if (err != WEFT_OK) {
        wf_stream_say_closed(l, id, WEFT_ELOST, "its owner has ended");
        return weft_because(why, err, "no memory for a stream, or its owner has ended");
    }
    *out = (weft_node_streamed){s->ref, weft_remote_ref(l->node->sys, l->number, token)};
    return WEFT_OK;
}

static weft_err answer(node_link *l, weft_msg *msg)
{
    weft_why why = {""};
    weft_node_streamed made;
    weft_err err = open_one(l, weft_body(msg), &made, &why);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    return weft_reply_body(msg, &weft_node_streamed_type, &made);
}

/* ---- asked for before there is a connection */

static weft_err wait(node_link *l, weft_msg *msg)
{
    if (l->streams.openings >= WEFT_NODE_STREAMS_MAX)
        return weft_fail(msg, WEFT_ELIMIT, "%u streams wait for node %s", WEFT_NODE_STREAMS_MAX,
                         l->name);
    link_opening **at = &l->streams.opening, *o = weft_alloc(sizeof *o);
    if (o == NULL)
        return WEFT_ENOMEM;
    *o = (link_opening){.msg = weft_keep(msg)};
    while (*at != NULL)
        at = &(*at)->next;
    *at = o;
    l->streams.openings++;
    return WEFT_OK;
}

static weft_msg *opening_take(node_link *l, link_opening **at)
{
    link_opening *o = *at;
    weft_msg *msg = o->msg;
    *at = o->next;
    l->streams.openings--;
    weft_alloc_free(o);
    return msg;
}

weft_err wf_streams_on_open(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    if (l->state == WEFT_LINK_DOWN || l->leaving)
        return weft_fail(msg, WEFT_EUNREACHABLE, "there is no link to node %s", l->name);
    return l->state == WEFT_LINK_UP ? answer(l, msg) : wait(l, msg);
}

void wf_streams_up(node_link *l)
{
    while (l->streams.opening != NULL) {
        weft_msg *msg = opening_take(l, &l->streams.opening);
        (void)answer(l, msg);
        weft_drop(&msg);
    }
}

void wf_streams_refuse(node_link *l, weft_err err, const char *why)
{
    while (l->streams.opening != NULL) {
        weft_msg *msg = opening_take(l, &l->streams.opening);
        (void)weft_fail(msg, err, "%s", why);
        weft_drop(&msg);
    }
}

void wf_streams_cancelled(node_link *l, const weft_msg *msg)
{
    for (link_opening **at = &l->streams.opening; *at != NULL; at = &(*at)->next)
        if ((*at)->msg == msg) {
            if (weft_remote_is_cancelled(msg)) { /* else another stands in its place */
                weft_msg *taken = opening_take(l, at);
                weft_drop(&taken);
            }
            return;
        }
}

/* ---- from there */

/* Who it is for, as an actor. errors: those of wf_link_dst_in, EGONE. */
static weft_err owner_in(node_link *l, const link_record *r, weft_ref *out, weft_why *why)
{
    weft_err err = wf_link_dst_in(l, r, &weft_opened_type, out, why);
    if (err != WEFT_OK)
        return err;
    if (weft_ref_kind_of(*out) == WEFT_REF_NAME)
        *out = weft_lookup(l->self, weft_name_text(l->node->sys, *out));
    return weft_ref_is_nobody(*out)
               ? weft_because(why, WEFT_EGONE, "it has ended on node %s", l->node->me.node)
               : WEFT_OK;
}

static weft_err check_in(const node_link *l, const link_record *r, const Weft__Link__Stream *m,
                         weft_why *why)
{
    bool theirs = (r->req % 2 == 1) != l->s.dialed;
    if (!theirs || wf_map_at(&l->streams.by_id, r->req) != NULL)
        return weft_because(why, WEFT_EPROTO, "a stream has number %u, which is not free", r->req);
    if (l->leaving || l->node->closing)
        return weft_because(why, WEFT_ESTOPPING, "node %s is shutting down", l->node->me.node);
    if (l->streams.by_id.n >= WEFT_NODE_STREAMS_MAX)
        return weft_because(why, WEFT_ELIMIT, "there are %u streams between %s and %s",
                            WEFT_NODE_STREAMS_MAX, l->name, l->node->me.node);
    weft_err err = wf_export_check(l->node, m->token);
    return err == WEFT_OK ? err
                          : weft_because(why, err, "no reference for a stream of node %s", l->name);
}

static weft_err accept_one(node_link *l, const link_record *r, weft_why *why)
{
    void *made;
    weft_ref owner;
    weft_err err = weft_unpack(&said_type, r->payload, r->bytes, l->node->arena, &made, why);
    const Weft__Link__Stream *m = made;
    if (err == WEFT_OK)
        err = check_in(l, r, m, why);
    if (err == WEFT_OK)
        err = owner_in(l, r, &owner, why);
    if (err != WEFT_OK)
        return err;
    link_stream *s = wf_stream_new(l, r->req);
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a stream");
    s->room = m->credit;
    s->local = address_in(m->local);
    s->peer = address_in(m->peer);
    err = wf_stream_make(l, s, owner);
    if (err != WEFT_OK)
        return weft_because(why, err, "it has ended on node %s", l->node->me.node);
    if (wf_export_as(l->node, s->ref, m->token) != WEFT_OK) {
        wf_stream_fail(s, WEFT_ENOMEM, "no memory for a reference to a stream");
        return WEFT_OK; /* which has been said */
    }
    s->up = true;
    wf_link_control(l, &(link_record){.op = LINK_OP_ROOM, .req = s->id, .dst = LINK_STREAM_ROOM});
    weft_leaf_begin(s->leaf);
    return WEFT_OK;
}

void wf_stream_on_asked(node_link *l, const link_record *r)
{
    weft_why why = {""};
    weft_err err = accept_one(l, r, &why);
    if (err != WEFT_OK)
        wf_stream_say_closed(l, r->req, err, why.text);
}

/* ---- what programs see */

weft_ref wf_stream_whom(weft_actor *self, weft_ref there)
{
    if (weft_remote_node_of(there) != 0 || weft_ref_is_nobody(there))
        return there;
    if (weft_ref_kind_of(there) != WEFT_REF_NAME)
        return weft_group_member(self, there);
    const char *name = weft_name_text(weft_system_of(self), there);
    return name != NULL ? weft_lookup(self, name) : WEFT_NOBODY;
}

static weft_deferred pair_here(weft_actor *self, weft_ref there)
{
    weft_ref end[2];
    if (weft_ref_is_nobody(there))
        return weft_failed(self, WEFT_EGONE, "nobody is there for a stream");
    weft_err err = weft_pair(self, weft_self(self), there, end);
    if (err != WEFT_OK)
        return weft_failed(self, err, NULL);
    return weft_succeed(self, weft_node_streamed, .mine = end[0], .theirs = end[1]);
}

weft_deferred wf_stream_between(weft_actor *self, const wf_stream_open *open)
{
    weft_system *sys = weft_system_of(self);
    weft_ref link = weft_remote_link_to(sys, weft_remote_node_of(open->there));
    if (weft_ref_is_nobody(link))
        return weft_failed(self, WEFT_EUNREACHABLE, "there is no link to that node");
    return weft_ask_body(self, link, &wf_stream_open_type, open, WEFT_INHERIT);
}

weft_deferred weft_node_stream(weft_actor *self, weft_ref there)
{
    there = wf_stream_whom(self, there);
    if (weft_remote_node_of(there) == 0)
        return pair_here(self, there);
    return wf_stream_between(self, &(wf_stream_open){.there = there, .owner = weft_self(self)});
}
