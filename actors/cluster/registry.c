/* SPDX-License-Identifier: MIT */
/* The registry as an actor: what it is asked, what the store tells it, its end; and how to ask it. */
#include <stdio.h>
#include <string.h>

#include "registry.h"

typedef struct registry_tick {
    char nothing;
} registry_tick;

static weft_err stop_unprepared(weft_actor *self, weft_msg *msg)
{
    const weft_name_lost *lost = weft_body(msg);
    return weft_stop_because(self, WEFT_ELOST, "it lost the name %s", lost->name);
}

const weft_type weft_name_owner_type = WEFT_TYPE("weft.name_owner", weft_name_owner, NULL);
const weft_type weft_claimed_type = WEFT_TYPE("weft.claimed", weft_claimed, NULL);
const weft_type weft_name_lost_type = {
    .name = "weft.name_lost", .size = sizeof(weft_name_lost), .otherwise = stop_unprepared};
const weft_type weft_store_taken_type = WEFT_TYPE("weft.store_taken", weft_store_taken, NULL);
const weft_type weft_store_take_type =
    WEFT_TYPE("weft.store_take", weft_store_take, &weft_store_taken_type);
const weft_type weft_store_given_type = WEFT_TYPE("weft.store_given", weft_store_given, NULL);
const weft_type weft_store_give_type =
    WEFT_TYPE("weft.store_give", weft_store_give, &weft_store_given_type);
const weft_type weft_store_close_type =
    WEFT_TYPE("weft.store_close", weft_store_close, &weft_store_given_type);
const weft_type weft_store_lost_type = WEFT_TYPE("weft.store_lost", weft_store_lost, NULL);
const weft_type weft_store_owner_type = WEFT_TYPE("weft.store_owner", weft_store_owner, NULL);
const weft_type weft_store_read_type = WEFT_TYPE("weft.store_read", weft_store_read, NULL);
const weft_type wf_registry_claim_type =
    WEFT_TYPE("weft.registry_claim", registry_claim, &weft_claimed_type);
const weft_type wf_registry_find_type =
    WEFT_TYPE("weft.registry_find", registry_find, &weft_name_owner_type);
const weft_type wf_registry_follow_type =
    WEFT_TYPE("weft.registry_follow", registry_named, &weft_name_owner_type);
const weft_type wf_registry_unclaim_type = WEFT_TYPE("weft.registry_unclaim", registry_named, NULL);
const weft_type wf_registry_late_type = WEFT_TYPE("weft.registry_late", registry_late, NULL);
const weft_type wf_registry_tick_type = WEFT_TYPE("weft.registry_tick", registry_tick, NULL);

/* ---- searches and followers */

static weft_err on_find(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    const registry_find *find = weft_body(msg);
    weft_err err = WEFT_OK;
    registry_name *n = wf_registry_known(r, find->name);
    if (n != NULL && n->node[0] != '\0') {
        weft_name_owner owner = wf_registry_owner(self, r, n);
        return weft_reply_body(msg, &weft_name_owner_type, &owner);
    }
    if (find->wait_ms == 0)
        return r->read ? weft_fail(msg, WEFT_ENOTFOUND, "nobody has the name %s", find->name)
                       : weft_fail(msg, WEFT_EUNREACHABLE, "the store has not been read yet");
    n = wf_registry_name(r, find->name, &err);
    if (n == NULL)
        return weft_fail(msg, err, "no room for another name");
    err = wf_registry_wait(r, n, msg, WEFT_NOBODY, find->wait_ms);
    if (err == WEFT_OK)
        return WEFT_OK;
    wf_registry_forget(r, n);
    return weft_fail(msg, err, "no room for another search");
}

static weft_err follow(registry *r, registry_name *n, weft_ref who)
{
    for (const follower *f = n->followers; f != NULL; f = f->next)
        if (weft_ref_same(f->who, who))
            return WEFT_OK;
    if (r->followers == WEFT_REGISTRY_WAITING_MAX)
        return WEFT_ELIMIT;
    follower *f = weft_alloc(sizeof *f);
    weft_err err = f != NULL ? weft_monitor(r->self, who) : WEFT_ENOMEM;
    if (err != WEFT_OK) {
        weft_alloc_free(f);
        return err;
    }
    *f = (follower){.next = n->followers, .who = who};
    n->followers = f;
    r->followers++;
    return WEFT_OK;
}

static weft_err on_follow(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    weft_err err = WEFT_OK;
    registry_name *n = wf_registry_name(r, ((const registry_named *)weft_body(msg))->name, &err);
    if (n == NULL)
        return weft_fail(msg, err, "no room for another name");
    err = follow(r, n, weft_sender(msg));
    if (err != WEFT_OK) {
        wf_registry_forget(r, n);
        return weft_fail(msg, err, "no room for another follower");
    }
    weft_name_owner owner = wf_registry_owner(self, r, n);
    return weft_reply_body(msg, &weft_name_owner_type, &owner);
}

static void unfollow(registry *r, weft_ref who)
{
    for (unsigned i = 0; i < REGISTRY_BUCKETS && r->followers != 0; i++)
        for (registry_name *n = r->bucket[i], *next; n != NULL; n = next) {
            next = n->next;
            follower **at = &n->followers;
            while (*at != NULL && !weft_ref_same((*at)->who, who))
                at = &(*at)->next;
            if (*at == NULL)
                continue;
            follower *f = *at;
            *at = f->next;
            weft_alloc_free(f);
            r->followers--;
            wf_registry_forget(r, n);
        }
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    weft_ref who = ((const weft_down *)weft_body(msg))->who;
    wf_registry_owner_ended(r, who);
    unfollow(r, who);
    return WEFT_OK;
}

/* ---- who no longer waits */

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    waiter *w = wf_registry_cancelled(r, ((const weft_cancelled *)weft_body(msg))->msg);
    if (w == NULL)
        return WEFT_OK;
    registry_name *n = w->name;
    wf_registry_claim_over(n, w);
    wf_registry_served(r, w);
    wf_registry_step(r, n);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    waiter *w = wf_registry_waiter(r, ((const registry_late *)weft_body(msg))->id);
    if (w == NULL)
        return WEFT_OK;
    registry_name *n = w->name;
    wf_registry_claim_over(n, w);
    if (weft_ref_is_nobody(w->who))
        (void)weft_fail(w->msg, WEFT_ETIMEDOUT, "nobody came to have the name %s", n->text);
    else if (n->node[0] != '\0')
        (void)weft_fail(w->msg, WEFT_ETIMEDOUT, "node %s kept the name %s", n->node, n->text);
    else
        (void)weft_fail(w->msg, WEFT_ETIMEDOUT, "the name %s could not be had in time", n->text);
    wf_registry_served(r, w);
    wf_registry_step(r, n);
    return WEFT_OK;
}

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_registry_retry(weft_state(self));
    return WEFT_OK;
}

/* ---- what the store tells */

static void changed(registry *r, registry_name *n, const char *node, uint64_t term)
{
    wf_registry_set_owner(r, n, node, term);
    /* the store no longer has what an actor here believes to have: that is over, whoever took it */
    if (!weft_ref_is_nobody(n->owner) && term >= n->owned_term && strcmp(node, r->node) != 0)
        wf_registry_lose(r, n, WEFT_ELOST);
    wf_registry_step(r, n);
}

static weft_err on_owner(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    const weft_store_owner *owner = weft_body(msg);
    weft_err err = WEFT_OK;
    registry_name *n = owner->node[0] != '\0' ? wf_registry_name(r, owner->name, &err)
                                              : wf_registry_known(r, owner->name);
    if (err != WEFT_OK)
        weft_log(self, WEFT_ERROR, "no room for the name %s of node %s: %s", owner->name,
                 owner->node, weft_err_text(err));
    if (n == NULL)
        return WEFT_OK;
    n->told = true;
    wf_registry_orphan(n, owner->claim);
    changed(r, n, owner->node, owner->term);
    return WEFT_OK;
}

static weft_err on_read(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    const weft_store_read *read = weft_body(msg);
    r->read = r->read || read->whole;
    for (unsigned i = 0; i < REGISTRY_BUCKETS; i++)
        for (registry_name *n = r->bucket[i], *next; n != NULL; n = next) {
            next = n->next;
            if (!read->whole)
                n->told = false;
            else if (!n->told && n->term <= read->term && n->node[0] != '\0')
                changed(r, n, "", read->term);
        }
    return WEFT_OK;
}

static weft_err on_lost(weft_actor *self, weft_msg *msg)
{
    wf_registry_lose_all(weft_state(self), ((const weft_store_lost *)weft_body(msg))->lease,
                         WEFT_ELOST);
    return WEFT_OK;
}

/* ---- its life */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    registry_tick nothing = {0};
    (void)msg;
    weft_timer timer = weft_timer_start(self, REGISTRY_RETRY_MS, REGISTRY_RETRY_MS,
                                        &wf_registry_tick_type, &nothing);
    r->self = self;
    r->store = *(const weft_ref *)weft_config(self);
    (void)snprintf(r->node, sizeof r->node, "%s", weft_remote_self(weft_system_of(self)));
    return timer.slot != 0 || timer.gen != 0 ? WEFT_OK : weft_stop(self, WEFT_ENOMEM);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)got;
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

/* Owners are told before the store gives all back: who is elsewhere must not have a name too early. */
static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    const weft_phase_begins *begins = weft_body(msg);
    r->closing = true;
    wf_registry_lose_all(r, UINT64_MAX, WEFT_ESTOPPING);
    while (r->waiters != NULL) {
        (void)weft_fail(r->waiters->msg, WEFT_ESTOPPING, "this node leaves");
        wf_registry_claim_over(r->waiters->name, r->waiters);
        wf_registry_served(r, r->waiters);
    }
    weft_store_close close = {.grace_ms = begins->grace_ms / 2};
    return weft_when(msg,
                     weft_ask_body(self, r->store, &weft_store_close_type, &close,
                                   close.grace_ms != 0 ? close.grace_ms : 1),
                     on_closed);
}

static void on_end(weft_actor *self, weft_err reason)
{
    registry *r = weft_state(self);
    (void)reason;
    for (waiter *w = r->waiters, *after; w != NULL; w = after) {
        after = w->after;
        weft_msg *msg = w->msg;
        weft_drop(&msg);
    }
    wf_registry_table_done(r);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &wf_registry_claim_type, .fn = wf_registry_on_claim},
    {.type = &wf_registry_unclaim_type, .fn = wf_registry_on_unclaim},
    {.type = &wf_registry_find_type, .fn = on_find},
    {.type = &wf_registry_follow_type, .fn = on_follow},
    {.type = &wf_registry_late_type, .fn = on_late},
    {.type = &wf_registry_tick_type, .fn = on_tick},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_store_owner_type, .fn = on_owner},
    {.type = &weft_store_read_type, .fn = on_read},
    {.type = &weft_store_lost_type, .fn = on_lost},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {0},
};

static const weft_behaviour registry_behaviour = {.name = "weft.registry",
                                                  .handlers = handlers,
                                                  .state_bytes = sizeof(registry),
                                                  .mailbox_max = 1 << 18,
                                                  .asks_max = 2 * WEFT_REGISTRY_NAMES_MAX,
                                                  .monitors_max = 1 << 18,
                                                  .ended = on_end};

weft_err weft_registry_begin(weft_system *sys, weft_ref store, weft_why *why)
{
    if (weft_remote_self(sys) == NULL)
        return weft_because(why, WEFT_EINVAL, "only a node can have cluster-wide names");
    weft_ref *config = weft_alloc(sizeof *config);
    if (config == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a registry");
    *config = store;
    weft_system_keep(sys, WEFT_KEPT_REGISTRY, config, weft_alloc_free);
    weft_ref made = weft_system_spawn(sys, 0, &registry_behaviour, config);
    weft_err err = weft_ref_is_nobody(made) ? WEFT_ENOMEM
                                            : weft_system_register(sys, made, WEFT_REGISTRY_NAME);
    if (err == WEFT_OK)
        err = weft_on_phase(sys, WEFT_PHASE_END, made);
    return err == WEFT_OK ? WEFT_OK : weft_because(why, err, "a registry cannot be had");
}

/* ---- asking it */

static weft_deferred ask_registry(weft_actor *self, const weft_type *type, const char *name,
                                  uint32_t wait_ms)
{
    weft_ref to = weft_lookup(self, WEFT_REGISTRY_NAME);
    registry_claim body = {.wait_ms = wait_ms};
    if (weft_ref_is_nobody(to))
        return weft_failed(self, WEFT_ENOTFOUND, "this system has no registry");
    (void)snprintf(body.name, sizeof body.name, "%s", name);
    return weft_ask_body(self, to, type, &body, WEFT_NO_LIMIT);
}

/* Whether it is one; a name of this node alone is not asked for at the registry. */
static bool is_name(weft_actor *self, const char *name)
{
    return strchr(name, '@') == NULL && !weft_ref_is_nobody(weft_named(self, name));
}

weft_deferred weft_claim(weft_actor *self, const char *name, uint32_t wait_ms)
{
    weft_err err = is_name(self, name) ? weft_register(self, name) : WEFT_EINVAL;
    if (err == WEFT_EEXISTS)
        return weft_failed(self, err, "another actor of this node has the name %s", name);
    if (err != WEFT_OK)
        return weft_failed(self, err, "\"%.64s\" cannot be a name", name);
    return ask_registry(self, &wf_registry_claim_type, name, wait_ms);
}

weft_err weft_unclaim(weft_actor *self, const char *name)
{
    registry_named body;
    weft_ref to = weft_lookup(self, WEFT_REGISTRY_NAME);
    if (snprintf(body.name, sizeof body.name, "%s", name) >= (int)sizeof body.name)
        return WEFT_EINVAL;
    return weft_ref_is_nobody(to) ? WEFT_EGONE
                                  : weft_tell_body(self, to, &wf_registry_unclaim_type, &body);
}

weft_deferred weft_find(weft_actor *self, const char *name, uint32_t wait_ms)
{
    return is_name(self, name) ? ask_registry(self, &wf_registry_find_type, name, wait_ms)
                               : weft_failed(self, WEFT_EINVAL, "\"%.64s\" is no name", name);
}

weft_deferred weft_follow(weft_actor *self, const char *name)
{
    registry_named body;
    weft_ref to = weft_lookup(self, WEFT_REGISTRY_NAME);
    if (!is_name(self, name))
        return weft_failed(self, WEFT_EINVAL, "\"%.64s\" is no name", name);
    if (weft_ref_is_nobody(to))
        return weft_failed(self, WEFT_ENOTFOUND, "this system has no registry");
    (void)snprintf(body.name, sizeof body.name, "%s", name);
    return weft_ask_body(self, to, &wf_registry_follow_type, &body, WEFT_NO_LIMIT);
}
