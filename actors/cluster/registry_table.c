/* SPDX-License-Identifier: MIT */
/* The names a registry knows, who waits for them, and who follows them. */
#include <stdio.h>
#include <string.h>

#include "registry.h"

/* ---- names */

static registry_name **bucket_of(registry *r, const char *text)
{
    uint32_t h = 2166136261U;
    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * 16777619U;
    return &r->bucket[h % REGISTRY_BUCKETS];
}

registry_name *wf_registry_known(const registry *r, const char *text)
{
    registry_name *n = *bucket_of((registry *)(uintptr_t)r, text);
    while (n != NULL && strcmp(n->text, text) != 0)
        n = n->next;
    return n;
}

registry_name *wf_registry_name(registry *r, const char *text, weft_err *err)
{
    registry_name **bucket = bucket_of(r, text);
    registry_name *n = wf_registry_known(r, text);
    if (n != NULL)
        return n;
    if (r->names == WEFT_REGISTRY_NAMES_MAX) {
        *err = WEFT_ELIMIT;
        return NULL;
    }
    n = weft_alloc_zero(sizeof *n);
    if (n == NULL) {
        *err = WEFT_ENOMEM;
        return NULL;
    }
    (void)snprintf(n->text, sizeof n->text, "%s", text);
    n->next = *bucket;
    *bucket = n;
    r->names++;
    return n;
}

void wf_registry_forget(registry *r, registry_name *n)
{
    registry_name **at = bucket_of(r, n->text);
    if (n->node[0] != '\0' || n->state != NAME_IDLE || n->claims != NULL || n->finds != NULL ||
        n->followers != NULL || !weft_ref_is_nobody(n->owner) || n->retrying)
        return;
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    weft_alloc_free(n);
    r->names--;
}

/* ---- who waits */

static waiter **line_of(waiter *w)
{
    return weft_ref_is_nobody(w->who) ? &w->name->finds : &w->name->claims;
}

weft_err wf_registry_wait(registry *r, registry_name *n, weft_msg *msg, weft_ref who,
                          uint32_t wait_ms)
{
    waiter *w = r->waiting < WEFT_REGISTRY_WAITING_MAX ? weft_scratch(msg, sizeof *w) : NULL;
    if (w == NULL)
        return r->waiting < WEFT_REGISTRY_WAITING_MAX ? WEFT_ENOMEM : WEFT_ELIMIT;
    *w = (waiter){.name = n, .who = who, .id = ++r->last_id, .waits = wait_ms != 0};
    if (wait_ms != 0 && wait_ms != WEFT_NO_LIMIT) {
        registry_late late = {w->id};
        if (wait_ms > WEFT_TIMER_MS_MAX)
            wait_ms = WEFT_TIMER_MS_MAX;
        w->timer = weft_timer_start(r->self, wait_ms, 0, &wf_registry_late_type, &late);
        if (w->timer.slot == 0 && w->timer.gen == 0)
            return WEFT_ENOMEM;
    }
    w->msg = weft_keep(msg);
    w->after = r->waiters;
    if (r->waiters != NULL)
        r->waiters->before = w;
    r->waiters = w;
    r->waiting++;
    waiter **at = line_of(w);
    while (*at != NULL)
        at = &(*at)->next;
    *at = w;
    return WEFT_OK;
}

void wf_registry_served(registry *r, waiter *w)
{
    waiter **at = line_of(w);
    weft_msg *msg = w->msg;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (w->after != NULL)
        w->after->before = w->before;
    if (w->before != NULL)
        w->before->after = w->after;
    else
        r->waiters = w->after;
    r->waiting--;
    weft_timer_cancel(r->self, &w->timer);
    weft_drop(&msg); /* and @w with it */
}

waiter *wf_registry_waiter(const registry *r, uint32_t id)
{
    waiter *w = r->waiters;
    while (w != NULL && w->id != id)
        w = w->after;
    return w;
}

waiter *wf_registry_cancelled(const registry *r, const weft_msg *msg)
{
    waiter *w = r->waiters;
    while (w != NULL && w->msg != msg)
        w = w->after;
    /* another may stand where that one stood */
    return w != NULL && weft_remote_is_cancelled(w->msg) ? w : NULL;
}

/* ---- owners */

weft_name_owner wf_registry_owner(weft_actor *self, const registry *r, const registry_name *n)
{
    weft_name_owner owner = {.term = n->term};
    char text[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES];
    (void)snprintf(owner.name, sizeof owner.name, "%s", n->text);
    (void)snprintf(owner.node, sizeof owner.node, "%s", n->node);
    if (n->node[0] == '\0')
        return owner;
    if (strcmp(n->node, r->node) == 0)
        (void)snprintf(text, sizeof text, "%s", n->text);
    else
        (void)snprintf(text, sizeof text, "%s@%s", n->text, n->node);
    owner.who = weft_named(self, text);
    return owner;
}

/* A follower that there is no memory to tell is stopped rather than left with what is no more so. */
static void tell(registry *r, weft_ref who, const weft_name_owner *owner)
{
    if (weft_event(r->self, who, &weft_name_owner_type, owner) == WEFT_ENOMEM)
        (void)weft_stop_ref(r->self, who, WEFT_ENOMEM);
}

void wf_registry_set_owner(registry *r, registry_name *n, const char *node, uint64_t term)
{
    bool same = strcmp(n->node, node) == 0 && (n->term == term || node[0] == '\0');
    if (term < n->term)
        return; /* of before what is known */
    n->term = term;
    (void)snprintf(n->node, sizeof n->node, "%s", node);
    if (same)
        return;
    weft_name_owner owner = wf_registry_owner(r->self, r, n);
    for (const follower *f = n->followers; f != NULL; f = f->next)
        tell(r, f->who, &owner);
    while (node[0] != '\0' && n->finds != NULL) {
        (void)weft_reply_body(n->finds->msg, &weft_name_owner_type, &owner);
        wf_registry_served(r, n->finds);
    }
}

bool wf_registry_follows(const registry *r, weft_ref who)
{
    for (unsigned i = 0; i < REGISTRY_BUCKETS && r->followers != 0; i++)
        for (const registry_name *n = r->bucket[i]; n != NULL; n = n->next)
            for (const follower *f = n->followers; f != NULL; f = f->next)
                if (weft_ref_same(f->who, who))
                    return true;
    return false;
}

void wf_registry_table_done(registry *r)
{
    for (unsigned i = 0; i < REGISTRY_BUCKETS; i++)
        for (registry_name *n = r->bucket[i], *next; n != NULL; n = next) {
            next = n->next;
            for (follower *f = n->followers, *after; f != NULL; f = after) {
                after = f->next;
                weft_alloc_free(f);
            }
            weft_alloc_free(n);
        }
}
