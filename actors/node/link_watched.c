/* SPDX-License-Identifier: MIT */
/* Actors of this node that the other one watches, links and stops: each is monitored once, for all who want to
 * know there. */
#include "link.h"

static link_map *by_kind(node_link *l, bool life)
{
    return &l->watched_by[life ? 1 : 0];
}

static watched *first_of(node_link *l, weft_ref who, bool life)
{
    const link_map_row *row = wf_map_at(by_kind(l, life), key_of(who));
    return row != NULL ? row->pointer : NULL;
}

static weft_err monitor_one(node_link *l, weft_ref who, bool life)
{
    return life ? weft_monitor_life(l->self, who) : weft_monitor(l->self, who);
}

static void say_down(node_link *l, uint32_t id, weft_err reason, const char *why, weft_ref who)
{
    wf_link_say(l, &(link_record){.op = LINK_OP_DOWN, .req = id, .code = (uint16_t)reason}, why, 0,
                key_of(who), 0);
}

static weft_err watched_new(node_link *l, const link_record *r, weft_ref who, weft_why *why)
{
    bool life = (r->flags & LINK_LIFE) != 0;
    watched *w = NULL;
    if (l->watched_ids.n >= NODE_WATCHED_MAX)
        return weft_because(why, WEFT_ELIMIT, "too much is watched on node %s", l->node->me.node);
    if (wf_map_reserve(&l->watched_ids) == WEFT_OK && wf_map_reserve(by_kind(l, life)) == WEFT_OK)
        w = weft_alloc(sizeof *w);
    if (w == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a monitor");
    *w = (watched){.next = first_of(l, who, life), .id = r->req, .who = who, .life = life};
    weft_err err = w->next == NULL ? monitor_one(l, who, life) : WEFT_OK;
    if (err != WEFT_OK) {
        weft_alloc_free(w);
        return weft_because(why, err, "no room for a monitor");
    }
    wf_map_put(by_kind(l, life), key_of(who))->pointer = w;
    wf_map_put(&l->watched_ids, r->req)->pointer = w;
    return WEFT_OK;
}

void wf_watched_monitor(node_link *l, const link_record *r)
{
    weft_ref who = WEFT_NOBODY;
    weft_why why = {""};
    weft_err err = wf_map_at(&l->watched_ids, r->req) == NULL
                       ? wf_link_dst_in(l, r, NULL, &who, &why)
                       : weft_because(&why, WEFT_EPROTO, "the number of the monitor is in use");
    if (err == WEFT_OK)
        err = watched_new(l, r, who, &why);
    if (err != WEFT_OK)
        say_down(l, r->req, err, why.text, who);
}

static void watched_take(node_link *l, const watched *w)
{
    link_map *map = by_kind(l, w->life);
    link_map_row *row = wf_map_at(map, key_of(w->who));
    watched *before = row->pointer;
    if (before == w) {
        row->pointer = w->next;
    } else {
        while (before->next != w)
            before = before->next;
        before->next = w->next;
    }
    if (row->pointer == NULL)
        wf_map_take(map, key_of(w->who));
    wf_map_take(&l->watched_ids, w->id);
}

void wf_watched_demonitor(node_link *l, const link_record *r)
{
    const link_map_row *row = wf_map_at(&l->watched_ids, r->req);
    if (row == NULL)
        return; /* it has ended meanwhile */
    watched *w = row->pointer;
    weft_ref who = w->who;
    bool other = !w->life;
    watched_take(l, w);
    if (first_of(l, who, w->life) == NULL) {
        weft_demonitor(l->self, who); /* both kinds */
        if (first_of(l, who, other) != NULL && monitor_one(l, who, other) != WEFT_OK)
            wf_link_broken(l);
    }
    weft_alloc_free(w);
}

/* Of a life that is over, or of one that has ended: whose lives are watched are told first, since then two
 * such messages come. */
weft_err wf_link_on_down(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_down *down = weft_body(msg);
    bool life = first_of(l, down->who, true) != NULL;
    for (watched *w; (w = first_of(l, down->who, life)) != NULL;) {
        watched_take(l, w);
        say_down(l, w->id, down->reason, down->why, down->who);
        weft_alloc_free(w);
    }
    return WEFT_OK;
}

weft_err wf_link_on_restarted(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_restarted *restarted = weft_body(msg);
    for (const watched *w = first_of(l, restarted->who, false); w != NULL; w = w->next)
        wf_link_say(l,
                    &(link_record){
                        .op = LINK_OP_RESTARTED, .req = w->id, .code = (uint16_t)restarted->reason},
                    restarted->why, restarted->count, key_of(restarted->who), 0);
    return WEFT_OK;
}

void wf_watched_link(node_link *l, const link_record *r)
{
    weft_ref who;
    weft_why why;
    if (wf_link_dst_in(l, r, NULL, &who, &why) != WEFT_OK)
        return; /* its other half is told so */
    if (weft_remote_link(who, weft_remote_ref(l->node->sys, l->number, r->src)) != WEFT_OK)
        wf_link_broken(l);
}

/* Whoever was given the reference may end it, as within a node. */
void wf_watched_stop(node_link *l, const link_record *r)
{
    weft_ref who;
    weft_why why;
    if (wf_link_dst_in(l, r, NULL, &who, &why) == WEFT_OK &&
        weft_stop_ref(l->self, who, (weft_err)r->code) == WEFT_ENOMEM)
        wf_link_broken(l); /* else it may have ended by itself */
}

void wf_watched_forget(node_link *l)
{
    size_t at = 0;
    for (const link_map_row *row; (row = wf_map_next(&l->watched_ids, &at)) != NULL;) {
        watched *w = row->pointer;
        weft_demonitor(l->self, w->who);
        weft_alloc_free(w);
    }
    wf_map_done(&l->watched_ids);
    wf_map_done(&l->watched_by[0]);
    wf_map_done(&l->watched_by[1]);
}
