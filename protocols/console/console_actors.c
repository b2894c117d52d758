/* SPDX-License-Identifier: MIT */
/* Actors as they are, from statistics that any thread may read: nobody is asked, and nobody waits. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "console.h"

static weft_err add(wf_actors *a, size_t *room, const weft_actor_stats *stats)
{
    if (a->n == *room) {
        size_t more = *room * 2 + 64;
        wf_actor_row *row = weft_alloc_again(a->row, more * sizeof *row);
        if (row == NULL)
            return WEFT_ENOMEM;
        a->row = row;
        *room = more;
    }
    memset(&a->row[a->n], 0, sizeof *a->row);
    a->row[a->n++].stats = *stats;
    return WEFT_OK;
}

static void add_names(weft_system *sys, const wf_actors *a)
{
    char name[WEFT_NAME_BYTES];
    weft_ref who;
    for (uint32_t cursor = 0; weft_names_next(sys, &cursor, name, &who);) {
        wf_actor_row *row = wf_actors_find(a, who);
        if (row != NULL)
            memcpy(row->name, name, sizeof name);
    }
}

weft_err wf_actors_look(weft_system *sys, wf_actors *out)
{
    weft_err err = WEFT_OK;
    size_t room = 0;
    *out = (wf_actors){.n = 0};
    weft_reactor_stats reactor;
    for (unsigned r = 0; err == WEFT_OK && weft_stats_reactor(sys, r, &reactor); r++) {
        weft_actor_stats stats;
        size_t seen = 0;
        for (uint32_t cursor = 0; err == WEFT_OK && weft_stats_next(sys, r, &cursor, &stats);
             seen++) {
            if (seen == WEFT_CONSOLE_ACTORS_MAX) {
                out->more = true;
                break;
            }
            err = add(out, &room, &stats);
        }
    }
    if (err == WEFT_OK)
        add_names(sys, out);
    else
        wf_actors_free(out);
    return err;
}

void wf_actors_free(wf_actors *a)
{
    weft_alloc_free(a->row);
    *a = (wf_actors){.n = 0};
}

/* Homes grow with the reactors, and slots within one. */
wf_actor_row *wf_actors_find(const wf_actors *a, weft_ref who)
{
    size_t low = 0, high = a->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        weft_ref ref = a->row[middle].stats.ref;
        if (ref.home < who.home || (ref.home == who.home && ref.slot < who.slot))
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->n && weft_ref_same(a->row[low].stats.ref, who) ? &a->row[low] : NULL;
}

weft_err wf_actors_named(weft_system *sys, const char *text, weft_ref *out, weft_why *why)
{
    unsigned reactor;
    uint32_t slot, gen;
    char name[WEFT_NAME_BYTES];
    weft_ref who;
    for (uint32_t cursor = 0; weft_names_next(sys, &cursor, name, &who);)
        if (strcmp(name, text) == 0) {
            *out = who;
            return WEFT_OK;
        }
    if (sscanf(text + (text[0] == '<'), "%u.%u.%u", &reactor, &slot, &gen) == 3 && slot > 0) {
        weft_actor_stats stats;
        uint32_t cursor = slot - 1;
        if (weft_stats_next(sys, reactor, &cursor, &stats) && stats.ref.slot == slot &&
            stats.ref.gen == gen) {
            *out = stats.ref;
            return WEFT_OK;
        }
    }
    return weft_because(why, WEFT_ENOTFOUND, "there is no actor \"%.60s\"", text);
}
