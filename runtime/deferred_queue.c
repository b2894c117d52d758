/* SPDX-License-Identifier: MIT */
/* Queues: messages that wait for who takes them. They hang on a cell of the actor, which ends with it. */
#define WEFT_MAKES_DEFERREDS
#include "deferreds.h"
#include "mailbox.h"

/* The first message of @queue, which holds some. */
static weft_msg **store_of(wf_reactor *r, const weft_queue *queue)
{
    return &r->more[queue->store.slot].store;
}

/* Before the first item. errors: ENOMEM. */
static weft_err store_begin(wf_reactor *r, weft_actor *self, weft_queue *queue)
{
    uint64_t id;
    wf_cell *cell = wf_cell_new(r, self, WF_CELL_STORE, &id);
    if (cell == NULL)
        return WEFT_ENOMEM;
    cell->state = 0;
    *wf_more_of(r, cell) = (wf_more){.store = NULL};
    queue->store = (weft_promise){(uint32_t)id, (uint32_t)(id >> 32)};
    queue->last = NULL;
    return WEFT_OK;
}

/* Links @m behind the last one, or before the first. errors: ENOMEM. */
static weft_err store_add(wf_reactor *r, weft_actor *self, weft_queue *queue, weft_msg *m,
                          bool first)
{
    weft_err err = queue->items == 0 ? store_begin(r, self, queue) : WEFT_OK;
    if (err != WEFT_OK)
        return err;
    weft_msg **head = store_of(r, queue), *last = queue->last;
    if (last != NULL && !first) {
        m->next = NULL;
        last->next = m;
        queue->last = m;
    } else {
        m->next = *head;
        *head = m;
        if (last == NULL)
            queue->last = m;
    }
    queue->items++;
    return WEFT_OK;
}

static weft_msg *store_next(wf_reactor *r, weft_queue *queue)
{
    weft_msg **head = store_of(r, queue), *m = *head;
    *head = m->next;
    if (--queue->items == 0) {
        wf_cell_free(r, &r->cells[queue->store.slot]);
        queue->store = (weft_promise){0, 0};
        queue->last = NULL;
    }
    return m;
}

void wf_store_free(wf_reactor *r, weft_msg *first)
{
    for (weft_msg *next; first != NULL; first = next) {
        next = first->next;
        wf_msg_free(r, first);
    }
}

/* ---- */

weft_err weft_queue_put_body(weft_actor *self, weft_queue *queue, const weft_type *type,
                             const void *body)
{
    wf_reactor *r = WF_R;
    weft_msg *m;
    if (queue->items >= (queue->items_max != 0 ? queue->items_max : WF_QUEUE_ITEMS_MAX))
        return WEFT_EFULL;
    weft_err err = wf_msg_new(r, self, type, body, 0, 0, &m, NULL);
    if (err != WEFT_OK)
        return err;
    wf_cell *cell = wf_line_next(r, self, &queue->line);
    if (cell != NULL) {
        wf_plain_fire(r, self, cell, m);
        return WEFT_OK;
    }
    err = store_add(r, self, queue, m, false);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

weft_deferred weft_queue_take(weft_actor *self, weft_queue *queue)
{
    wf_reactor *r = WF_R;
    if (queue->items == 0)
        return wf_line_wait(r, self, &queue->line, queue->waiting_max, wf_queue_unwanted, queue);
    wf_cell *cell = wf_plain_new(r, self);
    if (cell == NULL)
        return (weft_deferred){0, 0};
    *wf_more_of(r, cell) = (wf_more){.cancel = wf_queue_unwanted, .context = queue};
    wf_plain_fire(r, self, cell, store_next(r, queue));
    return wf_deferred_of(r, cell);
}

void wf_queue_unwanted(weft_actor *self, weft_promise *promise, void *context)
{
    wf_reactor *r = WF_R;
    weft_queue *queue = context;
    (void)self;
    wf_line_leave(r, &queue->line, &r->cells[promise->slot]);
}

/* It goes to the next one that waits, or stands first again, also in a queue that is full. */
void wf_queue_returned(weft_actor *self, void *at, weft_msg *m)
{
    wf_reactor *r = WF_R;
    weft_queue *queue = at;
    wf_cell *cell = wf_line_next(r, self, &queue->line);
    if (cell != NULL) {
        wf_plain_fire(r, self, cell, m);
    } else if (store_add(r, self, queue, m, true) != WEFT_OK) {
        weft_log(self, WEFT_ERROR, "no memory to take %s back into a queue", m->type->name);
        wf_msg_free(r, m);
    }
}
