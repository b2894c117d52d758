/* SPDX-License-Identifier: MIT */
/* Claims: whose turn it is, what the store says, and how a name is lost. */
#include <stdio.h>
#include <string.h>

#include "registry.h"

/* ---- an owner here */

static void own(registry *r, registry_name *n, weft_ref who, const weft_store_taken *taken)
{
    n->owner = who;
    n->owned_term = taken->term;
    n->lease = taken->lease;
    n->orphan = 0;
    n->next_owned = r->owned;
    r->owned = n;
}

static void disown(registry *r, registry_name *n)
{
    registry_name **at = &r->owned;
    while (*at != n)
        at = &(*at)->next_owned;
    *at = n->next_owned;
    n->owner = WEFT_NOBODY;
}

/* Its end need not be heard of, unless it owns or follows another name. */
static void watch_no_more(const registry *r, weft_ref who)
{
    for (const registry_name *n = r->owned; n != NULL; n = n->next_owned)
        if (weft_ref_same(n->owner, who))
            return;
    if (!wf_registry_follows(r, who))
        weft_demonitor(r->self, who);
}

void wf_registry_lose(registry *r, registry_name *n, weft_err reason)
{
    weft_name_lost lost = {.term = n->owned_term, .reason = reason};
    weft_ref who = n->owner;
    (void)snprintf(lost.name, sizeof lost.name, "%s", n->text);
    disown(r, n);
    watch_no_more(r, who);
    if (weft_event(r->self, who, &weft_name_lost_type, &lost) == WEFT_ENOMEM)
        (void)weft_stop_ref(r->self, who, WEFT_ELOST); /* as one without a row for it */
    if (strcmp(n->node, r->node) == 0 && n->term == lost.term)
        wf_registry_set_owner(r, n, "", n->term);
}

void wf_registry_lose_all(registry *r, uint64_t lease, weft_err reason)
{
    if (lease > r->lost)
        r->lost = lease;
    for (registry_name *n = r->owned, *next; n != NULL; n = next) {
        next = n->next_owned;
        if (n->lease > lease)
            continue;
        wf_registry_lose(r, n, reason);
        wf_registry_step(r, n);
    }
}

/* ---- again, in a while */

/* The tick comes whether there is memory or not. */
static void retry_later(registry *r, registry_name *n)
{
    if (n->retrying)
        return;
    n->retrying = true;
    n->next_retry = r->retry;
    r->retry = n;
}

/* Asks the store; what it says goes to @step. Without memory for that it is asked again later, with the same
 * claim, since it may have been asked all the same. */
static void ask_store(registry *r, registry_name *n, const weft_type *type, const void *body,
                      uint32_t limit_ms, weft_step_fn *step)
{
    weft_deferred asked = weft_ask_body(r->self, r->store, type, body, limit_ms);
    n->asked = weft_ignore(r->self, weft_finally_with(r->self, asked, step, n)) == WEFT_OK;
    if (!n->asked)
        retry_later(r, n);
}

/* ---- giving back */

static weft_err on_given(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    registry *r = weft_state(self);
    registry_name *n = got->context;
    (void)next;
    n->asked = false;
    if (got->err == WEFT_ENOMEM) {
        retry_later(r, n);
        return WEFT_OK;
    }
    n->state = NAME_IDLE;
    if (strcmp(n->node, r->node) == 0 && n->term == n->owned_term)
        wf_registry_set_owner(r, n, "", n->term);
    wf_registry_step(r, n);
    return WEFT_OK;
}

static void give(registry *r, registry_name *n)
{
    weft_store_give body = {.claim = n->claim};
    (void)snprintf(body.name, sizeof body.name, "%s", n->text);
    n->state = NAME_GIVING;
    ask_store(r, n, &weft_store_give_type, &body, WEFT_NO_LIMIT, on_given);
}

void wf_registry_orphan(registry_name *n, uint64_t claim)
{
    bool made = n->claim == claim && (n->state == NAME_TAKING || !weft_ref_is_nobody(n->owner));
    n->orphan = made ? 0 : claim;
}

static void give_orphan(registry *r, registry_name *n)
{
    n->claim = n->orphan;
    n->orphan = 0;
    give(r, n);
}

void wf_registry_owner_ended(registry *r, weft_ref who)
{
    for (registry_name *n = r->owned, *next; n != NULL; n = next) {
        next = n->next_owned;
        if (!weft_ref_same(n->owner, who))
            continue;
        disown(r, n);
        give(r, n);
    }
}

/* ---- taking */

static void refuse(registry *r, waiter *w, weft_err err, const char *why)
{
    (void)weft_fail(w->msg, err, "%s", why);
    wf_registry_served(r, w);
}

/* Whether a claim that waits may wait on. */
static bool may_pass(weft_err err)
{
    return err == WEFT_EEXISTS || err == WEFT_EUNREACHABLE || err == WEFT_ETIMEDOUT ||
           err == WEFT_ENOMEM;
}

static void not_taken(registry *r, registry_name *n, waiter *w, weft_err err, const char *why)
{
    bool stays = w != NULL && w->waits && may_pass(err);
    if (w != NULL && !stays)
        refuse(r, w, err, why);
    if (stays)
        retry_later(r, n);
    else
        wf_registry_step(r, n);
}

static void granted(registry *r, registry_name *n, waiter *w, const weft_store_taken *taken)
{
    if (w == NULL || weft_monitor(r->self, w->who) != WEFT_OK) {
        if (w != NULL)
            refuse(r, w, WEFT_ENOMEM, "no memory to watch who claims it");
        give(r, n);
        return;
    }
    own(r, n, w->who, taken);
    wf_registry_set_owner(r, n, r->node, taken->term);
    (void)weft_reply(w->msg, weft_claimed, .term = taken->term);
    wf_registry_served(r, w);
    wf_registry_step(r, n);
}

static weft_err on_taken(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    registry *r = weft_state(self);
    registry_name *n = got->context;
    const weft_store_taken *taken = got->body;
    waiter *w = n->taking == n->claims ? n->claims : NULL;
    (void)next;
    n->taking = NULL;
    n->asked = false;
    n->state = NAME_IDLE;
    if (got->err != WEFT_OK)
        not_taken(r, n, w, got->err, got->why);
    else if (taken->lease <= r->lost)
        not_taken(r, n, w, WEFT_EUNREACHABLE, "what it was taken with was lost at once");
    else
        granted(r, n, w, taken);
    return WEFT_OK;
}

static void take(registry *r, registry_name *n)
{
    weft_store_take body;
    if (n->state == NAME_IDLE)
        weft_random(r->self, &n->claim, sizeof n->claim);
    body.claim = n->claim;
    (void)snprintf(body.name, sizeof body.name, "%s", n->text);
    n->state = NAME_TAKING;
    n->taking = n->claims;
    ask_store(r, n, &weft_store_take_type, &body, REGISTRY_TAKE_MS, on_taken);
}

void wf_registry_retry(registry *r)
{
    registry_name *n = r->retry;
    r->retry = NULL;
    for (registry_name *next; n != NULL; n = next) {
        next = n->next_retry;
        n->retrying = false;
        if (n->state == NAME_GIVING && !n->asked)
            give(r, n);
        else if (n->state == NAME_TAKING && !n->asked)
            take(r, n);
        else
            wf_registry_step(r, n);
    }
}

/* An actor of this node has it: those who do not wait are told so, and if it has claimed twice, it is. */
static void answer_owned(registry *r, registry_name *n)
{
    for (waiter *w = n->claims, *next; w != NULL; w = next) {
        next = w->next;
        if (weft_ref_same(w->who, n->owner)) {
            (void)weft_reply(w->msg, weft_claimed, .term = n->owned_term);
            wf_registry_served(r, w);
        } else if (!w->waits) {
            refuse(r, w, WEFT_EEXISTS, "another actor of this node has it");
        }
    }
}

void wf_registry_step(registry *r, registry_name *n)
{
    if (n->state != NAME_IDLE)
        return;
    if (!weft_ref_is_nobody(n->owner)) {
        answer_owned(r, n);
        return;
    }
    if (n->orphan != 0 && !r->closing)
        give_orphan(r, n);
    else if (n->claims == NULL || r->closing)
        wf_registry_forget(r, n);
    else if (n->claims->waits && n->node[0] != '\0')
        retry_later(r, n); /* what is told of its end may be lost on the way */
    else
        take(r, n);
}

void wf_registry_claim_over(registry_name *n, const waiter *w)
{
    if (n->taking == w)
        n->taking = NULL;
}

/* ---- what is asked */

weft_err wf_registry_on_claim(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    const registry_claim *claim = weft_body(msg);
    weft_ref who = weft_sender(msg);
    weft_err err = WEFT_OK;
    if (r->closing)
        return weft_fail(msg, WEFT_ESTOPPING, "this node leaves");
    registry_name *n = wf_registry_name(r, claim->name, &err);
    if (n == NULL)
        return weft_fail(msg, err, "no room for another name");
    if (weft_ref_same(n->owner, who))
        return weft_reply(msg, weft_claimed, .term = n->owned_term);
    err = wf_registry_wait(r, n, msg, who, claim->wait_ms);
    if (err != WEFT_OK) {
        wf_registry_forget(r, n);
        return weft_fail(msg, err, "no room for another claim");
    }
    wf_registry_step(r, n);
    return WEFT_OK;
}

weft_err wf_registry_on_unclaim(weft_actor *self, weft_msg *msg)
{
    registry *r = weft_state(self);
    registry_name *n = wf_registry_known(r, ((const registry_named *)weft_body(msg))->name);
    weft_ref who = weft_sender(msg);
    if (n == NULL)
        return WEFT_OK;
    if (weft_ref_same(n->owner, who)) {
        disown(r, n);
        watch_no_more(r, who);
        give(r, n);
        return WEFT_OK;
    }
    for (waiter *w = n->claims, *next; w != NULL; w = next) {
        next = w->next;
        if (!weft_ref_same(w->who, who))
            continue;
        wf_registry_claim_over(n, w);
        refuse(r, w, WEFT_ECANCELLED, "it was taken back");
    }
    wf_registry_step(r, n);
    return WEFT_OK;
}
