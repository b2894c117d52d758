/* SPDX-License-Identifier: MIT */
/* Items: the messages that a socket was asked to send, found by id, and the queue of those that wait.
 *
 * The id of a request is its item's place in the table, and a number that changes each time the place is used, so that
 * a late answer finds nothing. The numbers begin anywhere: a socket that begins again is not given its old answers. */
#include <string.h>

#include <weft/edge.h>
#include <weft/timer.h>

#include "sp_socket.h"

enum { ROOM_MIN = 16, PLACE_BITS = 16, GEN_MASK = 0x7fff };

weft_bytes wf_sp_item_bytes(const wf_sp_item *item)
{
    return ((const weft_sp_message *)weft_body(item->msg))->bytes;
}

wf_sp_item *wf_sp_item_of(const wf_sp_socket *s, uint32_t id)
{
    uint32_t at = id & 0xffff;
    wf_sp_item *item = at < s->items_room ? s->items[at] : NULL;
    return item != NULL && item->id == id ? item : NULL;
}

static bool grow(weft_actor *self, wf_sp_socket *s)
{
    uint32_t room = s->items_room != 0 ? 2 * s->items_room : ROOM_MIN;
    wf_sp_item **items = weft_alloc_again(s->items, room * sizeof(wf_sp_item *));
    if (items == NULL)
        return false;
    s->items = items;
    uint16_t *gens = weft_alloc_again(s->item_gens, room * sizeof *gens);
    if (gens == NULL)
        return false;
    s->item_gens = gens;
    memset(items + s->items_room, 0, (room - s->items_room) * sizeof(wf_sp_item *));
    weft_random(self, gens + s->items_room, (room - s->items_room) * sizeof *gens);
    s->items_room = room;
    return true;
}

weft_err wf_sp_item_new(weft_actor *self, wf_sp_socket *s, weft_msg *msg, wf_sp_item **out)
{
    if (s->items_n >= s->config.requests_max)
        return WEFT_EFULL;
    if (s->items_n == s->items_room && !grow(self, s))
        return WEFT_ENOMEM;
    wf_sp_item *item = weft_alloc_zero(sizeof *item);
    if (item == NULL)
        return WEFT_ENOMEM;
    while (s->items[s->next_item % s->items_room] != NULL)
        s->next_item++;
    uint32_t at = s->next_item++ % s->items_room;
    uint32_t gen = ++s->item_gens[at] & GEN_MASK;
    item->id = WF_SP_ID_BIT | gen << PLACE_BITS | at;
    item->order = s->order++;
    item->msg = weft_keep(msg);
    s->items[at] = item;
    s->items_n++;
    *out = item;
    return WEFT_OK;
}

void wf_sp_item_free(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    wf_sp_wait_no_more(s, item);
    weft_timer_cancel(self, &item->timer);
    wf_sp_survey_free(item->survey);
    weft_drop(&item->msg);
    s->items[item->id & 0xffff] = NULL;
    s->items_n--;
    weft_alloc_free(item);
}

/* ---- those that wait for a pipe, in the order they came */

void wf_sp_wait(wf_sp_socket *s, wf_sp_item *item)
{
    wf_sp_item **at = &s->first;
    if (s->last != NULL && s->last->order < item->order)
        at = &s->last->next;
    /* one that comes back from a pipe is before those that came after it */
    while (*at != NULL && (*at)->order < item->order)
        at = &(*at)->next;
    item->next = *at;
    *at = item;
    if (item->next == NULL)
        s->last = item;
    item->waits = true;
    s->waiting++;
    s->waiting_bytes += wf_sp_item_bytes(item).size;
}

void wf_sp_wait_no_more(wf_sp_socket *s, wf_sp_item *item)
{
    wf_sp_item *before = NULL, *at = s->first;
    if (!item->waits)
        return;
    while (at != item) {
        before = at;
        at = at->next;
    }
    *(before != NULL ? &before->next : &s->first) = item->next;
    if (s->last == item)
        s->last = before;
    item->next = NULL;
    item->waits = false;
    s->waiting--;
    s->waiting_bytes -= wf_sp_item_bytes(item).size;
}
