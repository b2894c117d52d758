/* SPDX-License-Identifier: MIT */
/* A candidate for leader.
 *
 *     STANDS ── its claim is granted ──▶ LEADS
 *       ▲                                 │ the name is lost, or it resigns
 *       └────────── rested ── RESTS ◀─────┘
 */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/leader.h>
#include <weft/timer.h>

enum { REST_MS = 1000 };

typedef struct leader_stand {
    char nothing;
} leader_stand;
static const weft_type leader_stand_type = WEFT_TYPE("weft.leader_stand", leader_stand, NULL);
const weft_type weft_leader_changed_type =
    WEFT_TYPE("weft.leader_changed", weft_leader_changed, NULL);
const weft_type weft_leader_resign_type = WEFT_TYPE("weft.leader_resign", weft_leader_resign, NULL);

typedef struct candidate {
    const weft_leader_config *config;
    weft_ref tell;
    weft_deferred claim;
    bool stands;
    weft_leader_changed now; /* as it was told last */
    weft_timer rest;
} candidate;

/* What cannot be told must not be believed: then it ends, and its name with it. */
static void tell(weft_actor *self, const weft_leader_changed *now)
{
    candidate *c = weft_state(self);
    if (c->now.mine == now->mine && strcmp(c->now.node, now->node) == 0 && c->now.term == now->term)
        return;
    c->now = *now;
    if (weft_event(self, c->tell, &weft_leader_changed_type, now) == WEFT_ENOMEM)
        (void)weft_stop_because(self, WEFT_ENOMEM, "no memory to say who leads");
}

static void rest(weft_actor *self, uint32_t ms)
{
    candidate *c = weft_state(self);
    leader_stand nothing = {0};
    if (ms == 0)
        ms = c->config->rest_ms != 0 ? c->config->rest_ms : REST_MS;
    weft_timer_cancel(self, &c->rest);
    c->rest = weft_timer_start(self, ms < WEFT_TIMER_MS_MAX ? ms : WEFT_TIMER_MS_MAX, 0,
                               &leader_stand_type, &nothing);
    if (c->rest.slot == 0 && c->rest.gen == 0)
        (void)weft_stop_because(self, WEFT_ENOMEM, "no memory to be a candidate again");
}

static void leads_no_more(weft_actor *self)
{
    candidate *c = weft_state(self);
    if (c->now.mine)
        tell(self, &(const weft_leader_changed){.term = c->now.term});
}

/* ---- standing */

static weft_err on_claimed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    candidate *c = weft_state(self);
    weft_leader_changed now = {.mine = true, .leader = weft_self(self)};
    (void)msg;
    c->stands = false;
    if (got->err == WEFT_OK) {
        now.term = ((const weft_claimed *)got->body)->term;
        (void)snprintf(now.node, sizeof now.node, "%s", weft_remote_self(weft_system_of(self)));
        tell(self, &now);
        return WEFT_OK;
    }
    if (got->err == WEFT_ECANCELLED || got->err == WEFT_ESTOPPING)
        return WEFT_OK; /* it resigned while it waited, or the node leaves */
    return weft_stop_because(self, got->err, "%s cannot be led: %s", c->config->name, got->why);
}

static weft_err stand(weft_actor *self, weft_msg *msg)
{
    candidate *c = weft_state(self);
    if (c->stands || c->now.mine)
        return WEFT_OK;
    c->stands = true;
    return weft_when(msg, weft_claim(self, c->config->name, WEFT_NO_LIMIT), on_claimed);
}

static weft_err on_following(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_name_owner *owner = got->body;
    const candidate *c = weft_state(self);
    if (got->err != WEFT_OK)
        return weft_stop_because(self, got->err, "%s cannot be followed: %s", c->config->name,
                                 got->why);
    weft_leader_changed now = {.leader = owner->who, .term = owner->term};
    (void)snprintf(now.node, sizeof now.node, "%s", owner->node);
    tell(self, &now);
    return stand(self, msg);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    candidate *c = weft_state(self);
    c->config = ((const weft_started *)weft_body(msg))->config;
    c->tell = weft_ref_is_nobody(c->config->tell) ? weft_parent(self) : c->config->tell;
    return weft_when(msg, weft_follow(self, c->config->name), on_following);
}

/* ---- what changes */

static weft_err on_owner(weft_actor *self, weft_msg *msg)
{
    const candidate *c = weft_state(self);
    const weft_name_owner *owner = weft_body(msg);
    weft_leader_changed now = {.leader = owner->who, .term = owner->term};
    /* of itself it hears by its claim, and by its loss */
    if (c->now.mine || owner->term < c->now.term ||
        strcmp(owner->node, weft_remote_self(weft_system_of(self))) == 0)
        return WEFT_OK;
    (void)snprintf(now.node, sizeof now.node, "%s", owner->node);
    tell(self, &now);
    return WEFT_OK;
}

static weft_err on_lost(weft_actor *self, weft_msg *msg)
{
    const candidate *c = weft_state(self);
    const weft_name_lost *lost = weft_body(msg);
    if (!c->now.mine || lost->term != c->now.term)
        return WEFT_OK;
    leads_no_more(self);
    if (lost->reason != WEFT_ESTOPPING)
        rest(self, 0);
    return WEFT_OK;
}

static weft_err on_resign(weft_actor *self, weft_msg *msg)
{
    const candidate *c = weft_state(self);
    leads_no_more(self);
    (void)weft_unclaim(self, c->config->name);
    rest(self, ((const weft_leader_resign *)weft_body(msg))->rest_ms);
    return WEFT_OK;
}

/* ---- all else */

static weft_err pass_on(weft_actor *self, weft_msg *msg)
{
    const candidate *c = weft_state(self);
    return weft_forward(msg, c->tell);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &leader_stand_type, .fn = stand},
    {.type = &weft_name_owner_type, .fn = on_owner},
    {.type = &weft_name_lost_type, .fn = on_lost},
    {.type = &weft_leader_resign_type, .fn = on_resign},
    {0},
};

const weft_behaviour weft_leader = {.name = "weft.leader",
                                    .handlers = handlers,
                                    .otherwise = pass_on,
                                    .state_bytes = sizeof(candidate)};
