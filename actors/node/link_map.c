/* SPDX-License-Identifier: MIT */
/* The table: open addressing, half full at most, what is taken out closes its gap. */
#include "link_map.h"

#include <stdlib.h>

#include <weft/edge.h>

enum { ROOM_FIRST = 16 };

static size_t place(const link_map *map, uint64_t key)
{
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (map->room - 1);
}

static void put_row(link_map *map, link_map_row row)
{
    size_t i = place(map, row.key);
    while (map->rows[i].key != 0)
        i = (i + 1) & (map->room - 1);
    map->rows[i] = row;
}

weft_err wf_map_reserve(link_map *map)
{
    if (map->n * 2 < map->room)
        return WEFT_OK;
    size_t room = map->room != 0 ? map->room * 2 : ROOM_FIRST;
    link_map bigger = {
        .rows = weft_alloc_zero(room * sizeof(link_map_row)), .room = room, .n = map->n};
    if (bigger.rows == NULL)
        return WEFT_ENOMEM;
    for (size_t i = 0; i < map->room; i++)
        if (map->rows[i].key != 0)
            put_row(&bigger, map->rows[i]);
    weft_alloc_free(map->rows);
    *map = bigger;
    return WEFT_OK;
}

link_map_row *wf_map_at(const link_map *map, uint64_t key)
{
    if (map->room == 0 || key == 0)
        return NULL;
    for (size_t i = place(map, key); map->rows[i].key != 0; i = (i + 1) & (map->room - 1))
        if (map->rows[i].key == key)
            return &map->rows[i];
    return NULL;
}

link_map_row *wf_map_put(link_map *map, uint64_t key)
{
    size_t i = place(map, key);
    for (; map->rows[i].key != 0; i = (i + 1) & (map->room - 1))
        if (map->rows[i].key == key)
            return &map->rows[i];
    map->rows[i] = (link_map_row){.key = key};
    map->n++;
    return &map->rows[i];
}

void wf_map_take(link_map *map, uint64_t key)
{
    link_map_row *row = wf_map_at(map, key);
    if (row == NULL)
        return;
    size_t mask = map->room - 1, gap = (size_t)(row - map->rows);
    row->key = 0;
    map->n--;
    for (size_t i = (gap + 1) & mask; map->rows[i].key != 0; i = (i + 1) & mask) {
        size_t home = place(map, map->rows[i].key);
        if (((i - home) & mask) < ((i - gap) & mask))
            continue; /* it would not be found before its own place */
        map->rows[gap] = map->rows[i];
        map->rows[i].key = 0;
        gap = i;
    }
}

link_map_row *wf_map_next(const link_map *map, size_t *at)
{
    for (; *at < map->room; ++*at)
        if (map->rows[*at].key != 0)
            return &map->rows[(*at)++];
    return NULL;
}

static int greater_first(const void *a, const void *b)
{
    uint64_t x = ((const link_map_row *)a)->key, y = ((const link_map_row *)b)->key;
    return (x < y) - (x > y);
}

void wf_map_sort(link_map *map)
{
    if (map->n != 0)
        qsort(map->rows, map->room, sizeof *map->rows, greater_first);
}

void wf_map_done(link_map *map)
{
    weft_alloc_free(map->rows);
    *map = (link_map){.n = 0};
}
