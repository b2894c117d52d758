/* SPDX-License-Identifier: MIT */
/* What there is, as lists: actors, their tree, names, reactors. All of it is read from statistics; nobody is asked. */
#include <stdlib.h>

#include "console.h"

enum { ROWS_SHOWN = 40, ROWS_MAX = 4096 };

static weft_err number(const wf_command *c, size_t shown, size_t *out)
{
    char *end;
    *out = shown;
    if (c->n < 2)
        return WEFT_OK;
    unsigned long n = strtoul(c->word[1], &end, 10);
    if (*end != '\0' || n == 0 || n > ROWS_MAX)
        return weft_because(c->why, WEFT_EINVAL, "\"%.40s\" is no number from 1 to %d", c->word[1],
                            ROWS_MAX);
    *out = n;
    return WEFT_OK;
}

static void put_rows(wf_command *c, const wf_actors *a, size_t n)
{
    wf_text_put(c->out, "%-16s %-24s %12s %9s %9s %9s %10s  %s\n", "actor", "behaviour", "handled",
                "waiting", "bytes", "age ms", "busy ms", "name");
    for (size_t i = 0; i < a->n && i < n; i++) {
        const weft_actor_stats *s = &a->row[i].stats;
        char ref[WEFT_REF_TEXT_BYTES];
        wf_text_put(c->out, "%-16s %-24.24s %12llu %9u %9u %9u %10llu  %s%s\n",
                    weft_ref_print(s->ref, ref), s->behaviour, (unsigned long long)s->handled,
                    s->queued, s->queued_bytes + s->held_bytes, s->age_ms,
                    (unsigned long long)(s->busy_us / 1000), a->row[i].name,
                    s->suspended ? " (suspended)" : "");
    }
    if (a->n > n)
        wf_text_put(c->out, "... and %zu more\n", a->n - n);
    if (a->more)
        wf_text_put(c->out, "... of a reactor with more than %u, the first\n",
                    WEFT_CONSOLE_ACTORS_MAX);
}

static weft_err list(wf_command *c, int (*order)(const void *a, const void *b), size_t shown)
{
    wf_actors actors;
    size_t n;
    weft_err err = number(c, shown, &n);
    if (err == WEFT_OK)
        err = wf_actors_look(c->sys, &actors);
    if (err != WEFT_OK)
        return err;
    if (order != NULL && actors.n > 0)
        qsort(actors.row, actors.n, sizeof *actors.row, order);
    put_rows(c, &actors, n);
    wf_actors_free(&actors);
    return WEFT_OK;
}

/* The busiest first, then the longest queue, then who has done most. */
static int by_load(const void *left, const void *right)
{
    const weft_actor_stats *a = &((const wf_actor_row *)left)->stats;
    const weft_actor_stats *b = &((const wf_actor_row *)right)->stats;
    if (a->busy_us != b->busy_us)
        return a->busy_us < b->busy_us ? 1 : -1;
    if (a->queued != b->queued)
        return a->queued < b->queued ? 1 : -1;
    return a->handled < b->handled ? 1 : a->handled > b->handled ? -1 : 0;
}

weft_err wf_console_ps(wf_command *c)
{
    return list(c, NULL, ROWS_MAX);
}

weft_err wf_console_top(wf_command *c)
{
    return list(c, by_load, ROWS_SHOWN / 2);
}

weft_err wf_console_tree(wf_command *c)
{
    wf_actors actors;
    weft_ref who = WEFT_NOBODY;
    weft_err err = c->n > 1 ? wf_actors_named(c->sys, c->word[1], &who, c->why) : WEFT_OK;
    if (err == WEFT_OK)
        err = wf_actors_look(c->sys, &actors);
    if (err != WEFT_OK)
        return err;
    const wf_actor_row *top = c->n > 1 ? wf_actors_find(&actors, who) : NULL;
    if (c->n > 1 && top == NULL)
        err = weft_because(c->why, WEFT_ENOTFOUND, "\"%.60s\" has ended", c->word[1]);
    else
        wf_actors_put_tree(&actors, top != NULL ? (uint32_t)(top - actors.row) + 1 : 0, c->out);
    if (actors.more)
        wf_text_put(c->out, "... of a reactor with more than %u, the first\n",
                    WEFT_CONSOLE_ACTORS_MAX);
    wf_actors_free(&actors);
    return err;
}

weft_err wf_console_names(wf_command *c)
{
    char name[WEFT_NAME_BYTES], ref[WEFT_REF_TEXT_BYTES];
    weft_ref who;
    for (uint32_t cursor = 0; weft_names_next(c->sys, &cursor, name, &who);)
        wf_text_put(c->out, "%-16s %s\n", weft_ref_print(who, ref), name);
    return WEFT_OK;
}

weft_err wf_console_reactors(wf_command *c)
{
    weft_reactor_stats s;
    wf_text_put(c->out, "%-8s %8s %14s %8s %8s %7s %10s %12s %12s %9s %9s %6s\n", "reactor",
                "actors", "messages", "timers", "asks", "fibers", "sleeps", "block bytes",
                "buffers", "refused", "dead", "hogs");
    for (unsigned r = 0; weft_stats_reactor(c->sys, r, &s); r++)
        wf_text_put(c->out, "%-8u %8u %14llu %8u %8u %7u %10llu %12llu %12llu %9llu %9llu %6llu\n",
                    r, s.actors, (unsigned long long)s.messages, s.timers, s.asks, s.fibers,
                    (unsigned long long)s.sleeps, (unsigned long long)s.block_bytes,
                    (unsigned long long)s.buffer_bytes, (unsigned long long)s.refused,
                    (unsigned long long)s.dead_letters, (unsigned long long)s.hogs);
    return WEFT_OK;
}
