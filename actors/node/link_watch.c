/* SPDX-License-Identifier: MIT */
/* Monitors and links of actors of the other node: each monitor is told once, by the other node, or when the
 * connection to it is lost. */
#include "link.h"

#include <stdio.h>
#include <string.h>

/* A number for a monitor of an actor of this node: the watcher's reactor is in no id. */
static uint64_t watch_key(weft_ref watcher, uint64_t id)
{
    /* an id is a generation and an index of 22 bits: above it stands the reactor */
    return id ^ watcher.home << 24;
}

static void watch_take(node_link *l, const watch *w)
{
    wf_map_take(&l->watches, w->id);
    wf_map_take(&l->watch_ids, watch_key(w->of.watcher, w->of.id));
}

/* Tells the watcher, now or when there is memory for it. @w is on no table any more. */
static void watch_tell(node_link *l, watch *w, weft_err reason, const char *why)
{
    if (weft_remote_down(&w->of, reason, why) == WEFT_OK) {
        weft_alloc_free(w);
        return;
    }
    w->reason = reason;
    (void)snprintf(w->why, sizeof w->why, "%s", why);
    w->next = l->untold;
    l->untold = w;
    wf_link_again_later(l);
}

static void watch_over(node_link *l, watch *w, weft_err reason, const char *why)
{
    watch_take(l, w);
    watch_tell(l, w, reason, why);
}

static void watch_send(node_link *l, watch *w)
{
    link_record r = {.op = LINK_OP_MONITOR, .req = w->id, .flags = w->of.life ? LINK_LIFE : 0};
    if (l->state != WEFT_LINK_UP)
        return;
    w->sent = true;
    if (!weft_remote_is_current(l->node->sys, w->of.who))
        watch_over(l, w, WEFT_EGONE, "its node began anew");
    else if (wf_link_dst(l, w->of.who, &r) != WEFT_OK)
        wf_link_broken(l);
    else
        wf_link_control(l, &r);
}

static watch *watch_new(node_link *l, const weft_remote_watch *of)
{
    watch *w = NULL;
    if (wf_map_reserve(&l->watches) == WEFT_OK && wf_map_reserve(&l->watch_ids) == WEFT_OK)
        w = weft_alloc_zero(sizeof *w);
    if (w == NULL)
        return NULL;
    do
        l->last_watch++;
    while (l->last_watch == 0 || wf_map_at(&l->watches, l->last_watch) != NULL);
    w->of = *of;
    w->id = l->last_watch;
    wf_map_put(&l->watches, w->id)->pointer = w;
    wf_map_put(&l->watch_ids, watch_key(of->watcher, of->id))->number = w->id;
    return w;
}

/* There is no room for the monitor @msg asks for: told as ended rather than never, and if there is not even memory
 * for that, later. */
static void watch_refuse(node_link *l, weft_msg *msg)
{
    weft_remote_watch *of =
        (weft_remote_watch *)(uintptr_t)weft_body(msg); /* it is this link's own */
    if (weft_remote_down(of, WEFT_ENOMEM, "no memory for a monitor") == WEFT_OK) {
        weft_drop(&msg);
        return;
    }
    of->next = l->unheard;
    l->unheard = weft_keep(msg); /* which takes none */
    wf_link_again_later(l);
}

weft_err wf_link_on_watch(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    char why[96];
    const weft_remote_watch *of = weft_body(msg);
    watch *w = watch_new(l, of);
    if (w == NULL) {
        watch_refuse(l, msg);
        return WEFT_OK;
    }
    if (l->state != WEFT_LINK_DOWN) {
        watch_send(l, w);
        return WEFT_OK;
    }
    (void)snprintf(why, sizeof why, "there is no link to node %s", l->name);
    watch_over(l, w, WEFT_EUNREACHABLE, why);
    return WEFT_OK;
}

weft_err wf_link_on_unwatch(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_remote_unwatch *u = weft_body(msg);
    const link_map_row *row = wf_map_at(&l->watch_ids, watch_key(u->watcher, u->id));
    if (row == NULL)
        return WEFT_OK;
    row = wf_map_at(&l->watches, row->number);
    watch *w = row->pointer;
    if (w->sent)
        wf_link_control(l, &(link_record){.op = LINK_OP_DEMONITOR, .req = w->id});
    watch_take(l, w);
    weft_alloc_free(w);
    return WEFT_OK;
}

weft_err wf_link_on_linked(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_remote_linked *linked = weft_body(msg);
    link_record r = {.op = LINK_OP_LINK};
    if (l->state != WEFT_LINK_UP || !weft_remote_is_current(l->node->sys, linked->who))
        return WEFT_OK; /* its own half is told so */
    r.src = wf_export(l->node, linked->other);
    if (r.src == 0 || wf_link_dst(l, linked->who, &r) != WEFT_OK)
        wf_link_broken(l);
    else
        wf_link_control(l, &r);
    return WEFT_OK;
}

weft_err wf_link_on_stop(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_remote_stop *stop = weft_body(msg);
    if (l->state != WEFT_LINK_UP || !weft_remote_is_current(l->node->sys, stop->who))
        return WEFT_OK; /* who watches it is told so */
    if ((l->s.peer.features & LINK_FEATURE_STOP) == 0) {
        weft_log(self, WEFT_WARNING, "node %s knows no way to stop an actor for another node",
                 l->name);
        return WEFT_OK;
    }
    wf_link_control(l, &(link_record){.op = LINK_OP_STOP,
                                      .dst = weft_remote_token(stop->who),
                                      .code = (uint16_t)stop->reason});
    return WEFT_OK;
}

void wf_link_send_watches(node_link *l)
{
    size_t at = 0;
    for (const link_map_row *row; (row = wf_map_next(&l->watches, &at)) != NULL;) {
        watch *w = row->pointer;
        if (w->sent)
            continue;
        watch_send(l, w);
        at = 0; /* it may be over, and gone from the table */
    }
}

static void tell_all(node_link *l, weft_err err, const char *why)
{
    link_map all = l->watches;
    size_t at = 0;
    l->watches = (link_map){.n = 0};
    wf_map_done(&l->watch_ids);
    for (const link_map_row *row; (row = wf_map_next(&all, &at)) != NULL;)
        watch_tell(l, row->pointer, err, why);
    wf_map_done(&all);
}

void wf_link_tell_again(node_link *l)
{
    watch *w = l->untold;
    char why[sizeof w->why];
    l->untold = NULL;
    for (watch *next; w != NULL; w = next) {
        next = w->next;
        memcpy(why, w->why, sizeof why);
        watch_tell(l, w, w->reason, why);
    }
    weft_msg *msg = l->unheard;
    l->unheard = NULL;
    for (weft_msg *next; msg != NULL; msg = next) {
        next = ((const weft_remote_watch *)weft_body(msg))->next;
        watch_refuse(l, msg);
    }
}

/* ---- records */

static void on_told(node_link *l, const link_record *r)
{
    const link_map_row *row = wf_map_at(&l->watches, r->req);
    link_failure f;
    if (row == NULL)
        return; /* no longer wanted */
    watch *w = row->pointer;
    if (wf_link_failure_of(l, r, &f) != WEFT_OK)
        f.why[0] = '\0';
    f.err = (weft_err)r->code; /* it may have ended in order */
    if (r->op == LINK_OP_DOWN)
        watch_over(l, w, f.err, f.why);
    else
        (void)weft_remote_restarted(&w->of, f.err, f.why, f.count);
}

void wf_link_on_watch_record(node_link *l, const link_record *r)
{
    switch (r->op) {
    case LINK_OP_MONITOR:
        wf_watched_monitor(l, r);
        break;
    case LINK_OP_DEMONITOR:
        wf_watched_demonitor(l, r);
        break;
    case LINK_OP_LINK:
        wf_watched_link(l, r);
        break;
    case LINK_OP_STOP:
        wf_watched_stop(l, r);
        break;
    default:
        on_told(l, r);
        break;
    }
}

/* ---- the end of a connection */

void wf_link_watches_lost(node_link *l, weft_err err, const char *why)
{
    tell_all(l, err, why);
    wf_watched_forget(l);
}

void wf_link_watch_done(node_link *l)
{
    wf_map_done(&l->watches);
    wf_map_done(&l->watch_ids);
    for (watch *w = l->untold, *next; w != NULL; w = next) {
        next = w->next;
        weft_alloc_free(w);
    }
    l->untold = NULL;
}
