/* SPDX-License-Identifier: MIT */
/* Cells: a table that never moves, an id with a generation, so that what is late dies in O(1). */
#include "ask.h"

wf_cell *wf_cell_new(wf_reactor *r, weft_actor *a, unsigned kind)
{
    uint32_t i = r->free_cell;
    wf_cell *cell;
    if (WF_LIKELY(i != 0)) {
        cell = &r->cells[i];
        r->free_cell = cell->next_free;
    } else {
        if (r->cells_used + 1 >= WF_CELLS_MAX)
            return NULL;
        i = ++r->cells_used;
        cell = &r->cells[i];
        cell->gen = 1;
    }
    cell->kind = (uint8_t)kind;
    cell->timer.back = NULL;
    cell->timer.spare = WF_STAT_GET(a->slot);
    cell->prev = 0;
    cell->next = a->cells;
    if (cell->next != 0)
        r->cells[cell->next].prev = i;
    a->cells = i;
    return cell;
}

void wf_cell_free(wf_reactor *r, wf_cell *cell)
{
    uint32_t i = wf_cell_index(r, cell);
    wf_timer_cancel(&r->wheel, &cell->timer);
    if (cell->next != 0)
        r->cells[cell->next].prev = cell->prev;
    if (cell->prev != 0)
        r->cells[cell->prev].next = cell->next;
    else
        r->slots[cell->timer.spare].actor->cells = cell->next;
    cell->gen++;
    cell->kind = WF_CELL_FREE;
    cell->next_free = r->free_cell;
    r->free_cell = i;
}
