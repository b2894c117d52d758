/* SPDX-License-Identifier: MIT */
/* What waits to be sent: in line, while there is no credit or no room; what is long, in chunks, in turn. What one
 * actor sends to another keeps its order: nothing passes by what waits, and nothing of a pair by a long one of
 * that pair that is under way. */
#include "link_line.h"

#include <stdio.h>
#include <string.h>

enum {
    ITEM_BYTES = 256,              /* what a message that waits takes beside its body */
    OUT_BYTES_MAX = 256 << 10,     /* appended and not written: more waits */
    OUT_LONG_BYTES_MAX = 64 << 10, /* the same of long ones, so that short ones pass them */
    BIGS_MAX = 16,                 /* long records of ours that are under way */
    CHUNKS_IN_TURN = 2,            /* of one long record, before the next has its turn */
};

/* ---- lines */

void wf_line_put(items *line, item *it)
{
    it->next = NULL;
    *line->tail = it;
    line->tail = &it->next;
    line->n++;
    line->bytes += it->charge;
}

static item *line_take(items *line)
{
    item *it = line->first;
    if (it == NULL)
        return NULL;
    line->first = it->next;
    if (line->first == NULL)
        line->tail = &line->first;
    line->n--;
    line->bytes -= it->charge;
    return it;
}

void wf_item_free(item *it)
{
    weft_alloc_free(it->bytes);
    weft_alloc_free(it);
}

/* ---- what is kept */

uint64_t wf_kept_key(const weft_msg *msg)
{
    return (uint64_t)(uintptr_t)msg;
}

/* Lets go of one that waited, or was answered. */
void wf_link_let_go(node_link *l, weft_msg *msg)
{
    wf_map_take(&l->kept, wf_kept_key(msg));
    weft_drop(&msg);
}

/* ---- long ones */

item *wf_big_of_pair(const node_link *l, uint64_t src, uint64_t dst)
{
    for (item *b = l->bigs; b != NULL; b = b->next)
        if (b->src == src && (dst == 0 || b->dst == dst || b->dst == 0))
            return b;
    return NULL;
}

void wf_big_begin(node_link *l, item *it)
{
    it->next = NULL;
    it->behind_tail = &it->behind;
    it->id = ++l->s.chunk_id != 0 ? l->s.chunk_id : ++l->s.chunk_id;
    *l->bigs_tail = it;
    l->bigs_tail = &it->next;
    l->n_bigs++;
}

static void send_item(node_link *l, item *it);

/* Its last chunk was appended: what waited behind it goes on, in its order. */
static void big_done(node_link *l, item *b)
{
    item *it = b->behind;
    if (b->pending != NULL)
        b->pending->item = NULL;
    if (b->cancel != 0)
        wf_link_control(l, &(link_record){.op = LINK_OP_CANCEL, .req = b->cancel});
    wf_item_free(b);
    for (item *next; it != NULL; it = next) {
        next = it->next;
        l->behind_bytes -= it->charge;
        send_item(l, it);
    }
}

bool wf_link_may_send(const node_link *l, bool counted)
{
    return l->s.state == LINK_UP && (!counted || l->s.credit > 0) && !l->stream_full &&
           wf_session_waiting(&l->s) < OUT_BYTES_MAX;
}

/* Some chunks of the first; then it is the others' turn. false: none may be sent. */
static bool big_turn(node_link *l)
{
    item *b = l->bigs;
    uint64_t seq = 0;
    if (b == NULL || !wf_link_may_send(l, b->counted) ||
        wf_session_waiting(&l->s) >= OUT_LONG_BYTES_MAX ||
        (!l->far && weft_write_full(l->self, l->stream))) /* short ones still have room then */
        return false;
    for (unsigned i = 0; i < CHUNKS_IN_TURN && b->offset < b->total; i++)
        if (wf_session_chunk(&l->s, b->id, b->bytes, b->total, &b->offset, b->counted, &seq) !=
            WEFT_OK) {
            wf_link_broken(l);
            return false;
        }
    if (b->pending != NULL)
        b->pending->seq = seq;
    l->bigs = b->next;
    if (l->bigs == NULL)
        l->bigs_tail = &l->bigs;
    b->next = NULL;
    if (b->offset < b->total) {
        *l->bigs_tail = b;
        l->bigs_tail = &b->next;
        return true;
    }
    l->n_bigs--;
    big_done(l, b);
    return true;
}

/* Its turn has come: it goes now, or behind a long one of its pair. */
static void send_item(node_link *l, item *it)
{
    if (it->msg == NULL && it->bytes == NULL) { /* cancelled meanwhile */
        wf_item_free(it);
        return;
    }
    item *b = wf_big_of_pair(l, it->src, it->dst);
    if (b != NULL) {
        it->next = NULL;
        *b->behind_tail = it;
        b->behind_tail = &it->next;
        l->behind_bytes += it->charge;
    } else if (it->msg != NULL)
        wf_send_kept(l, it);
    else
        wf_send_packed(l, it);
}

/* ---- in line */

static bool is_long(const item *it)
{
    return it->msg == NULL ? it->total > LINK_RECORD_WHOLE_MAX
                           : weft_remote_mail_bytes(it->msg) > LINK_RECORD_WHOLE_MAX / 2;
}

static void answer_rooms(node_link *l)
{
    if (!wf_link_has_room(l))
        return;
    for (item *it; (it = line_take(&l->rooms)) != NULL; wf_item_free(it))
        if (it->msg != NULL) {
            (void)weft_remote_room_there(it->msg);
            wf_link_let_go(l, it->msg);
        }
}

/* Too many long ones are under way for one more, or too much waits behind one. */
static bool must_stay(const node_link *l, const item *first)
{
    if (first->msg == NULL && first->bytes == NULL)
        return false;
    if (wf_big_of_pair(l, first->src, first->dst) != NULL)
        return l->behind_bytes >= wf_link_waiting_max(l);
    return l->n_bigs >= BIGS_MAX && is_long(first);
}

void wf_link_pump(node_link *l)
{
    bool any = true;
    if (l->state != WEFT_LINK_UP)
        return;
    while (any) {
        any = big_turn(l);
        const item *first = l->waiting.first;
        if (first == NULL || !wf_link_may_send(l, first->msg != NULL || first->counted))
            continue;
        if (must_stay(l, first))
            continue;
        send_item(l, line_take(&l->waiting));
        any = true;
    }
    wf_link_publish(l);
    answer_rooms(l);
}

/* Keeps @msg in line. errors: ENOMEM. */
static weft_err wait_in_line(node_link *l, weft_msg *msg, items *line)
{
    item *it = weft_alloc_zero(sizeof *it);
    pending *p = NULL;
    bool mail = weft_type_of(msg) == &weft_remote_mail_type;
    if (it != NULL && weft_is_request(msg))
        p = mail ? weft_remote_mail_room(msg) : weft_scratch(msg, sizeof *p);
    if (it == NULL || (weft_is_request(msg) && p == NULL) || wf_map_reserve(&l->kept) != WEFT_OK) {
        weft_alloc_free(it);
        return WEFT_ENOMEM;
    }
    it->msg = weft_keep(msg);
    it->pending = p;
    it->charge = ITEM_BYTES;
    if (mail) {
        it->charge += (uint32_t)weft_remote_mail_bytes(msg);
        it->src = key_of(weft_sender(msg));
        it->dst = wf_dst_key(weft_remote_mail_of(msg)->to);
        it->counted = true;
    }
    if (p != NULL) {
        *p = (pending){.msg = msg, .item = it};
        wf_map_put(&l->kept, wf_kept_key(msg))->pointer = p;
    }
    wf_line_put(line, it);
    wf_link_publish(l);
    return WEFT_OK;
}

static void refuse_unreachable(node_link *l, weft_msg *msg)
{
    char why[WEFT_WHY_BYTES];
    (void)snprintf(why, sizeof why, "there is no link to node %s", l->name);
    wf_link_refuse(l, msg, WEFT_EUNREACHABLE, why);
}

weft_err wf_link_on_mail(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_remote_mail *mail = weft_remote_mail_of(msg);
    weft_remote_taken(msg);
    if (l->state == WEFT_LINK_DOWN || l->leaving ||
        (l->state == WEFT_LINK_DIALING && !weft_is_request(msg))) {
        refuse_unreachable(l, msg);
        return WEFT_OK;
    }
    if (!weft_remote_is_current(l->node->sys, mail->to)) {
        wf_link_refuse(l, msg, WEFT_EGONE, "its node began anew");
        return WEFT_OK;
    }
    if (l->waiting.n == 0 && wf_link_may_send(l, true) &&
        (l->bigs == NULL ||
         (l->n_bigs < BIGS_MAX &&
          wf_big_of_pair(l, key_of(weft_sender(msg)), wf_dst_key(mail->to)) == NULL))) {
        if (!wf_send_message(l, msg))
            wf_link_let_go(l, msg); /* what kept it is over: it ends with its handler */
        wf_link_touch(l);
        return WEFT_OK;
    }
    if (wait_in_line(l, msg, &l->waiting) != WEFT_OK)
        wf_link_refuse(l, msg, WEFT_ENOMEM, "no memory to wait for room");
    wf_link_touch(l);
    return WEFT_OK;
}

weft_err wf_link_on_room(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    if (l->state == WEFT_LINK_DOWN)
        return weft_fail(msg, WEFT_EUNREACHABLE, "there is no link to node %s", l->name);
    if (wf_link_has_room(l))
        return weft_remote_room_there(msg);
    return wait_in_line(l, msg, &l->rooms);
}

/* It may be gone, and another message stand where it stood: one that nobody cancelled. */
weft_err wf_link_on_cancelled(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const link_map_row *row =
        wf_map_at(&l->kept, wf_kept_key(((const weft_cancelled *)weft_body(msg))->msg));
    if (row == NULL) {
        wf_streams_cancelled(l, ((const weft_cancelled *)weft_body(msg))->msg);
        return WEFT_OK;
    }
    pending *p = row->pointer;
    if (!weft_remote_is_cancelled(p->msg))
        return WEFT_OK;
    if (p->req != 0)
        wf_map_take(&l->asks, p->req);
    if (p->item == NULL) {
        wf_link_control(l, &(link_record){.op = LINK_OP_CANCEL, .req = p->req});
    } else {
        p->item->cancel = p->req;
        p->item->msg = NULL;
        p->item->pending = NULL;
    }
    wf_link_let_go(l, p->msg);
    return WEFT_OK;
}

weft_msg *wf_link_take_ask(node_link *l, uint32_t req)
{
    const link_map_row *row = wf_map_at(&l->asks, req);
    pending *p = row != NULL ? row->pointer : NULL;
    if (p == NULL)
        return NULL;
    wf_map_take(&l->asks, req);
    if (p->item != NULL)
        p->item->pending = NULL;
    wf_map_take(&l->kept, wf_kept_key(p->msg));
    return p->msg;
}

/* ---- when the connection is lost */

static void drop_item(node_link *l, item *it, weft_err err, const char *why)
{
    if (it->msg != NULL && it->counted)
        wf_link_refuse(l, it->msg, err, why);
    else if (it->msg != NULL)
        (void)weft_fail(it->msg, err, "%s", why);
    if (it->msg != NULL)
        wf_link_let_go(l, it->msg);
    wf_item_free(it);
}

static void fail_asked(node_link *l, const pending *p, weft_err err, const char *why)
{
    weft_msg *msg = p->msg;
    weft_delivery delivery = WEFT_DELIVERY_UNKNOWN;
    if (p->item != NULL)
        delivery = WEFT_NOT_DELIVERED; /* only some of it was sent */
    else if (p->seq <= l->s.acknowledged)
        delivery = WEFT_DELIVERED;
    (void)!weft_remote_fail(l->self, msg, err, delivery, why);
    wf_link_let_go(l, msg);
}

void wf_link_fail_all(node_link *l, weft_err err, const char *why)
{
    size_t at = 0;
    for (const link_map_row *row; (row = wf_map_next(&l->asks, &at)) != NULL;)
        fail_asked(l, row->pointer, err, why);
    wf_map_done(&l->asks);
    for (item *b = l->bigs, *next; b != NULL; b = next) {
        next = b->next;
        for (item *it = b->behind, *after; it != NULL; it = after) {
            after = it->next;
            drop_item(l, it, err, why);
        }
        wf_item_free(b);
    }
    l->bigs = NULL;
    l->bigs_tail = &l->bigs;
    l->n_bigs = 0;
    l->behind_bytes = 0;
    for (item *it; (it = line_take(&l->waiting)) != NULL;)
        drop_item(l, it, err, why);
    for (item *it; (it = line_take(&l->rooms)) != NULL;)
        drop_item(l, it, err, why);
    wf_map_done(&l->types_out);
    wf_map_done(&l->names_out);
    l->last_type = l->last_name = 0;
    l->direct.type = NULL;
}
