/* SPDX-License-Identifier: MIT */
/* Members: what etcd says of nodes, told to this one. */
#include <stdio.h>
#include <string.h>

#include "etcd.h"

static weft_err on_refused(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)next;
    if (got->err == WEFT_ENOTFOUND) /* it has parted already */
        return WEFT_OK;
    weft_log(self, WEFT_WARNING, "the node does not take what etcd says of its members: %s",
             got->why);
    if (got->err == WEFT_ENOMEM || got->err == WEFT_ETIMEDOUT)
        wf_etcd_read_again(weft_state(self));
    wf_etcd_go(weft_state(self));
    return WEFT_OK;
}

static void tell_node(etcd *e, weft_deferred told)
{
    if (weft_ignore(e->self, weft_catch(e->self, told, on_refused)) != WEFT_OK)
        wf_etcd_read_again(e);
}

static void part(etcd *e, etcd_member **at)
{
    etcd_member *m = *at;
    *at = m->next;
    e->n_members--;
    tell_node(e, weft_node_part(e->self, m->name));
    weft_alloc_free(m);
}

/* Somebody deleted this node's own key, or put it. */
static void own_key(etcd *e, const char *url, uint64_t lease)
{
    e->own_told = url != NULL;
    if (url == NULL)
        e->registered = false;
    else if (e->registered && lease != e->lease)
        weft_log(e->self, WEFT_ERROR, "there is another node of the name %s, at \"%.128s\"",
                 e->node, url);
}

/* Is told the node also if nothing seems to have changed: what it was told before may not have been done. */
void wf_etcd_member(etcd *e, const char *name, const char *url, uint64_t lease)
{
    etcd_member **at = &e->members;
    if (e->config->names_only)
        return;
    if (strcmp(name, e->node) == 0) {
        own_key(e, url, lease);
        return;
    }
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (url == NULL) {
        if (*at != NULL)
            part(e, at);
        return;
    }
    if (strlen(name) >= sizeof(*at)->name || strlen(url) >= sizeof(*at)->url) {
        weft_log(e->self, WEFT_WARNING, "leaves out the member %.64s: too long", name);
        return;
    }
    etcd_member *m = *at;
    if (m == NULL) {
        if (e->n_members == ETCD_MEMBERS_MAX || (m = weft_alloc_zero(sizeof *m)) == NULL) {
            weft_log(e->self, WEFT_ERROR, "no room for the member %s", name);
            return;
        }
        m->next = e->members;
        e->members = m;
        e->n_members++;
        (void)snprintf(m->name, sizeof m->name, "%s", name);
    }
    m->told = true;
    (void)snprintf(m->url, sizeof m->url, "%s", url);
    tell_node(e, weft_node_join(e->self, m->name, url[0] != '\0' ? m->url : NULL));
}

void wf_etcd_members_begin(etcd *e)
{
    e->own_told = false;
    for (etcd_member *m = e->members; m != NULL; m = m->next)
        m->told = false;
}

void wf_etcd_members_end(etcd *e)
{
    e->registered = e->registered && e->own_told;
    for (etcd_member **at = &e->members; *at != NULL;)
        if ((*at)->told)
            at = &(*at)->next;
        else
            part(e, at);
}

void wf_etcd_members_done(etcd *e)
{
    for (etcd_member *m = e->members, *next; m != NULL; m = next) {
        next = m->next;
        weft_alloc_free(m);
    }
}
