/* SPDX-License-Identifier: MIT */
/* Systems with isolated children: the node that each of their processes is, whom it is linked to, and what it is
 * told by its environment. */
#include "isolated.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "isolated_sim.h"
#include "node/node.h"

enum { PINGS = 4 }; /* before one that does not answer is lost */

/* What a system keeps of it. */
typedef struct isolation {
    weft_system *sys;
    weft_isolation how;
    wf_isolated_list list;
    wf_isolated_boot boot;   /* what this process is, if it is not the first */
    weft_node_member parent; /* who started it */
    wf_isolated_sims *sims;  /* in a simulation */
} isolation;

static isolation *isolation_of(const weft_system *sys)
{
    return weft_system_kept(sys, WEFT_KEPT_ISOLATED);
}

const wf_isolated *wf_isolated_self(const weft_system *sys)
{
    const isolation *k = isolation_of(sys);
    return k != NULL ? k->list.self : NULL;
}

const wf_isolated *wf_isolated_of(const weft_system *sys, const weft_child *row)
{
    const isolation *k = isolation_of(sys);
    const wf_isolated *i = k != NULL ? k->list.first : NULL;
    while (i != NULL && i->row != row)
        i = i->next;
    return i;
}

wf_isolated_sims *wf_isolated_sims_of(const weft_system *sys)
{
    const isolation *k = isolation_of(sys);
    return k != NULL ? k->sims : NULL;
}

const char *weft_isolated_by(weft_actor *self)
{
    const isolation *k = isolation_of(weft_system_of(self));
    return k != NULL ? k->parent.name : NULL;
}

/* ---- what the environment says */

void wf_isolated_print(const weft_system *sys, const wf_isolated *of,
                       char out[WF_ISOLATED_TEXT_BYTES])
{
    const node *n = weft_system_kept(sys, WEFT_KEPT_NODE);
    (void)snprintf(out, WF_ISOLATED_TEXT_BYTES, "%u %d %s %s %s", of->number, (int)getpid(),
                   of->node, n->me.node, n->me.cluster);
}

bool wf_isolated_read(const char *text, wf_isolated_boot *out)
{
    int end = 0;
    *out = (wf_isolated_boot){.number = 0};
    if (sscanf(text, "%9u %9d %63[^ ] %63[^ ] %n", &out->number, &out->pid, out->node, out->parent,
               &end) != 4 ||
        end == 0 || out->number == 0 || strlen(text + end) >= sizeof out->cluster)
        return false;
    (void)snprintf(out->cluster, sizeof out->cluster, "%s", text + end);
    return true;
}

/* ---- types */

static weft_err add_rows(weft_system *sys, const weft_behaviour *behaviour, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (const weft_handler *h = behaviour->handlers;
         err == WEFT_OK && h != NULL && h->type != NULL; h++)
        if (weft_packs(h->type))
            err = wf_node_add_type(sys, h->type, why);
    return err;
}

static weft_err add_types(const weft_child *row, const char *name, void *context, weft_why *why)
{
    (void)name;
    return add_rows(context, row->behaviour, why);
}

/* Of what is no isolated child's: of two types of one name, that of whoever comes first is known. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
static weft_err add_others(weft_system *sys, const weft_supervisor *table, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (const weft_child *c = table->children; err == WEFT_OK && c != NULL && c->behaviour != NULL;
         c++) {
        err = add_rows(sys, c->behaviour, why);
        if (err != WEFT_ENOMEM)
            err = WEFT_OK;
        if (err == WEFT_OK && c->listen == NULL && c->config != NULL &&
            c->behaviour == &weft_supervisor_behaviour)
            err = add_others(sys, c->config, why);
    }
    return err;
}

static weft_err types(const isolation *k, const weft_supervisor *tree, weft_why *why)
{
    const wf_isolated *self = k->list.self;
    weft_err err = wf_isolated_own_types(k->sys, why);
    if (err == WEFT_OK && self != NULL)
        err = wf_isolated_each(self->row, self->name, add_types, k->sys, why);
    for (const wf_isolated *i = k->list.first; err == WEFT_OK && i != NULL; i = i->next)
        err = wf_isolated_each(i->row, i->name, add_types, k->sys, why);
    for (const weft_type *const *at = k->how.types; err == WEFT_OK && at != NULL && *at != NULL;
         at++)
        err = wf_node_add_type(k->sys, *at, why);
    weft_why unused;
    return err == WEFT_OK ? add_others(k->sys, tree, &unused) : err;
}

/* ---- the node */

/* One of its own, if the program did not make it one. */
static weft_err be_node(const isolation *k, weft_why *why)
{
    bool first = k->list.self == NULL;
    uint32_t lost_ms = k->how.lost_ms != 0 ? k->how.lost_ms : WEFT_ISOLATED_LOST_MS;
    weft_node own = {.name = first ? WEFT_ISOLATED_MAIN : k->list.self->node,
                     .cluster = first ? NULL : k->boot.cluster,
                     .lost_ms = lost_ms,
                     .ping_ms = lost_ms / PINGS + 1};
    if (weft_remote_self(k->sys) != NULL)
        return first ? WEFT_OK
                     : weft_because(why, WEFT_EEXISTS,
                                    "the process of an isolated child is no other node");
    return weft_node_begin(k->sys, &own, why);
}

static weft_err family(isolation *k, weft_why *why)
{
    weft_err err = WEFT_OK;
    if (k->list.self != NULL) {
        k->parent.name = k->boot.parent;
        k->parent.url = k->boot.url[0] != '\0' ? k->boot.url : NULL;
        err = wf_node_add_family(k->sys, &k->parent, why);
    }
    for (wf_isolated *i = k->list.first; err == WEFT_OK && i != NULL; i = i->next) {
        i->argv = k->how.argv;
        err = wf_node_add_family(k->sys, &i->member, why);
    }
    return err;
}

static void isolation_free(void *kept)
{
    isolation *k = kept;
    wf_isolated_sims_done(k->sims);
    wf_isolated_list_done(&k->list);
    weft_alloc_free(k);
}

static weft_err find(isolation *k, const weft_supervisor *tree, weft_why *why)
{
    weft_err err = wf_isolated_list_of(tree, k->boot.number, &k->list, why);
    if (err == WEFT_OK && k->list.self != NULL && strcmp(k->list.self->node, k->boot.node) != 0)
        err = weft_because(why, WEFT_ENOTFOUND, "child number %u is %s; expected %s",
                           k->boot.number, k->list.self->node, k->boot.node);
    if (err == WEFT_OK && k->list.first != NULL && k->how.argv == NULL &&
        weft_sim_of(k->sys) == NULL)
        err = weft_because(why, WEFT_EINVAL, "with isolated children argv must be given");
    return err;
}

weft_err wf_isolated_set_up(weft_system *sys, const weft_supervisor *tree,
                            const weft_isolation *how, const wf_isolated_boot *boot, weft_why *why)
{
    isolation *k = weft_alloc_zero(sizeof *k);
    if (k == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for isolated children");
    k->sys = sys;
    if (how != NULL)
        k->how = *how;
    if (boot != NULL)
        k->boot = *boot;
    weft_err err = find(k, tree, why);
    if (err != WEFT_OK || (k->list.first == NULL && k->list.self == NULL)) {
        isolation_free(k);
        return err;
    }
    weft_system_keep(sys, WEFT_KEPT_ISOLATED, k, isolation_free);
    err = be_node(k, why);
    if (err == WEFT_OK)
        err = types(k, tree, why);
    if (err == WEFT_OK)
        err = family(k, why);
    if (err == WEFT_OK && k->list.first != NULL && weft_sim_of(sys) != NULL)
        err = wf_isolated_sims_new(sys, tree, &k->how, &k->sims, why);
    return err;
}

weft_err weft_isolated_begin(weft_system *sys, const weft_supervisor *tree,
                             const weft_isolation *how, weft_why *why)
{
    return wf_isolated_set_up(sys, tree, how, NULL, why);
}
