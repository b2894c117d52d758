/* SPDX-License-Identifier: MIT */
/* A table from numbers other than 0 to pointers, or to other numbers. */
#ifndef WF_LINK_MAP_H
#define WF_LINK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

typedef struct link_map_row {
    uint64_t key; /* 0: none */
    union {
        void *pointer;
        uint64_t number;
    };
} link_map_row;

/* All zero: empty. */
typedef struct link_map {
    link_map_row *rows;
    size_t room; /* a power of two, or 0 */
    size_t n;
} link_map;

/* Makes sure that one more fits. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_map_reserve(link_map *map);
/* The row of @key, made (zeroed) if there is none; there is room, by wf_map_reserve. */
link_map_row *wf_map_put(link_map *map, uint64_t key);
/* The row of @key; NULL: none. Good until the next put or take. */
link_map_row *wf_map_at(const link_map *map, uint64_t key);
/* Takes it out; calm when it is not there. */
void wf_map_take(link_map *map, uint64_t key);
/* The first row from *@at on, which moves on; NULL: no more. What is taken out while going may hide others
 * until the next round. */
link_map_row *wf_map_next(const link_map *map, size_t *at);
/* Puts the rows in order for wf_map_next, the greatest key first; the table is good for nothing else then. */
void wf_map_sort(link_map *map);
void wf_map_done(link_map *map);

#endif
