/* SPDX-License-Identifier: MIT */
/* Isolated rows of a program's tables: numbered and named in the order of the tables, so that each process, which
 * has the same tables, finds the one it was started for. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "isolated.h"

#define NODE_PREFIX "isolated/"

typedef struct walk {
    wf_isolated_list *list;
    wf_isolated **last;
    unsigned of;     /* the process that is listed */
    unsigned number; /* rows so far */
    unsigned inside; /* the process that runs what is looked at */
    weft_why *why;
} walk;

static const weft_supervisor *table_of(const weft_child *row)
{
    return row->listen == NULL && row->behaviour == &weft_supervisor_behaviour ? row->config : NULL;
}

/* As supervisors name their children. */
static weft_err write_name(char out[WEFT_NAME_BYTES], const char *own, const weft_child *row,
                           weft_why *why)
{
    const char *name = row->name != NULL ? row->name : "";
    int n = snprintf(out, WEFT_NAME_BYTES, "%s%s%s", name[0] != '\0' ? own : "",
                     name[0] != '\0' && own[0] != '\0' ? "/" : "", name);
    if (n >= WEFT_NAME_BYTES)
        return weft_because(why, WEFT_EINVAL,
                            "child \"%s\": its name with \"%s/\" before it is longer than %u bytes",
                            name, own, WEFT_NAME_BYTES - 1);
    return WEFT_OK;
}

/* ---- what is at and below a row */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
weft_err wf_isolated_each(const weft_child *row, const char *name, wf_isolated_fn *fn,
                          void *context, weft_why *why)
{
    char below[WEFT_NAME_BYTES];
    const weft_supervisor *table = table_of(row);
    weft_err err = WEFT_OK;
    for (const weft_child *c = table != NULL ? table->children : NULL;
         err == WEFT_OK && c != NULL && c->behaviour != NULL; c++) {
        err = write_name(below, name, c, why);
        if (err == WEFT_OK)
            err = c->isolated ? fn(c, below, context, why)
                              : wf_isolated_each(c, below, fn, context, why);
    }
    return err == WEFT_OK ? fn(row, name, context, why) : err;
}

static weft_err count_reactors(const weft_child *row, const char *name, void *context,
                               weft_why *why)
{
    unsigned *most = context;
    (void)name, (void)why;
    if (!row->isolated && row->reactor > *most)
        *most = row->reactor;
    return WEFT_OK;
}

/* ---- the rows */

static weft_err check(const weft_child *row, const char *name, weft_why *why)
{
    if (name[0] == '\0')
        return weft_because(why, WEFT_EINVAL,
                            "an isolated child (%s) has no name, by which it is reached",
                            row->behaviour->name != NULL ? row->behaviour->name : "");
    if (row->reactor != 0)
        return weft_because(why, WEFT_EINVAL,
                            "child \"%s\" is isolated: it is on no reactor of this process", name);
    return WEFT_OK;
}

static weft_err new_row(const walk *w, const weft_child *row, const char *name, wf_isolated **out)
{
    wf_isolated *i = weft_alloc_zero(sizeof *i);
    if (i == NULL)
        return weft_because(w->why, WEFT_ENOMEM, "no memory for child \"%s\"", name);
    i->row = row;
    i->number = w->number;
    i->reactors = 1;
    (void)snprintf(i->name, sizeof i->name, "%s", name);
    int n = snprintf(i->node, sizeof i->node, NODE_PREFIX "%s", name);
    if (n < 0 || (size_t)n >= sizeof i->node) /* no other name ends so */
        (void)snprintf(i->node, sizeof i->node, NODE_PREFIX "%u/", w->number);
    i->member = (weft_node_member){.name = i->node};
    *out = i;
    return wf_isolated_each(row, name, count_reactors, &i->reactors, w->why);
}

static weft_err walk_table(walk *w, const weft_supervisor *table, const char *own);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
static weft_err walk_isolated(walk *w, const weft_child *row, const char *name)
{
    unsigned outer = w->inside;
    weft_err err = check(row, name, w->why);
    if (err != WEFT_OK)
        return err;
    if (w->number == WEFT_ISOLATED_MAX)
        return weft_because(w->why, WEFT_ELIMIT, "there are more than %u isolated children",
                            WEFT_ISOLATED_MAX);
    w->number++;
    if (outer == w->of) {
        err = new_row(w, row, name, w->last);
        if (*w->last != NULL)
            w->last = &(*w->last)->next;
    } else if (w->number == w->of)
        err = new_row(w, row, name, &w->list->self);
    w->inside = w->number;
    if (err == WEFT_OK && table_of(row) != NULL)
        err = walk_table(w, table_of(row), name);
    w->inside = outer;
    return err;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static weft_err walk_table(walk *w, const weft_supervisor *table, const char *own)
{
    char name[WEFT_NAME_BYTES];
    weft_err err = WEFT_OK;
    for (const weft_child *c = table->children; err == WEFT_OK && c != NULL && c->behaviour != NULL;
         c++) {
        err = write_name(name, own, c, w->why);
        if (err == WEFT_OK && c->isolated)
            err = walk_isolated(w, c, name);
        else if (err == WEFT_OK && table_of(c) != NULL)
            err = walk_table(w, table_of(c), name);
    }
    return err;
}

weft_err wf_isolated_list_of(const weft_supervisor *tree, unsigned of, wf_isolated_list *out,
                             weft_why *why)
{
    walk w = {.list = out, .last = &out->first, .of = of, .why = why};
    *out = (wf_isolated_list){.first = NULL};
    weft_err err = walk_table(&w, tree, "");
    if (err == WEFT_OK && of != 0 && out->self == NULL)
        err = weft_because(why, WEFT_ENOTFOUND, "there is no isolated child number %u", of);
    if (err != WEFT_OK)
        wf_isolated_list_done(out);
    return err;
}

void wf_isolated_list_done(wf_isolated_list *list)
{
    for (wf_isolated *i = list->first, *next; i != NULL; i = next) {
        next = i->next;
        weft_alloc_free(i);
    }
    weft_alloc_free(list->self);
    *list = (wf_isolated_list){.first = NULL};
}
