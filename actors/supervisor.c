/* SPDX-License-Identifier: MIT */
/* The supervisor as an actor: its start, its end, and what it may be asked. */
#include <stdio.h>
#include <string.h>

#include <weft/form.h>

#include "supervisor.h"

const weft_type weft_supervisor_added_type =
    WEFT_TYPE("weft.supervisor_added", weft_supervisor_added, NULL);
const weft_type weft_supervisor_removed_type =
    WEFT_TYPE("weft.supervisor_removed", weft_supervisor_removed, NULL);
/* For a console; the children themselves are for "children" to show. */
static const weft_field list_fields[] = {
    WEFT_FIELD(weft_supervisor_list, first, WEFT_FIELD_UNSIGNED), {0}};
static const weft_field listing_fields[] = {
    WEFT_FIELD(weft_supervisor_listing, all, WEFT_FIELD_UNSIGNED),
    WEFT_FIELD(weft_supervisor_listing, n, WEFT_FIELD_UNSIGNED),
    {0}};
const weft_type weft_supervisor_listing_type =
    WEFT_TYPE_FIELDS("weft.supervisor_listing", weft_supervisor_listing, listing_fields, NULL);
const weft_type weft_supervisor_add_type =
    WEFT_TYPE("weft.supervisor_add", weft_supervisor_add, &weft_supervisor_added_type);
const weft_type weft_supervisor_remove_type =
    WEFT_TYPE("weft.supervisor_remove", weft_supervisor_remove, &weft_supervisor_removed_type);
const weft_type weft_supervisor_list_type = WEFT_TYPE_FIELDS(
    "weft.supervisor_list", weft_supervisor_list, list_fields, &weft_supervisor_listing_type);

/* All are made before the first begins: each may be named, told and monitored from the start. */
static weft_err make_table(weft_actor *self, wf_supervisor *s, weft_why *why)
{
    uint32_t max = wf_supervisor_restarts_max(s->config);
    if (max > WF_RESTARTS_MOST)
        return weft_because(why, WEFT_EINVAL, "restarts_max is %u, at most %d", max,
                            WF_RESTARTS_MOST);
    s->restarts = weft_alloc_zero(max * sizeof *s->restarts);
    if (s->restarts == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a supervisor");
    for (const weft_child *child = s->config->children;
         child != NULL && (child->behaviour != NULL || child->name != NULL); child++) {
        wf_charge *c;
        weft_err err =
            wf_charge_new(self, s, child, child->name != NULL ? child->name : "", child, &c, why);
        if (err != WEFT_OK)
            return err;
        c->wanted = c->ordered = true;
    }
    return WEFT_OK;
}

/* The top of a tree stops it in order before the system ends its actors, each reactor its own. */
static void join_phases(weft_actor *self)
{
    if (!weft_ref_is_nobody(weft_parent(self)) || weft_reactor_of(self) != 0)
        return;
    if (weft_on_phase(weft_system_of(self), WEFT_PHASE_DRAIN, weft_self(self)) != WEFT_OK)
        weft_log(self, WEFT_WARNING, "is not asked to stop its children when the system drains");
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const weft_supervisor empty = {.restarts_max = 0};
    wf_supervisor *s = weft_state(self);
    const weft_started *started = weft_body(msg);
    weft_why why = {""};
    s->config = started->config != NULL ? started->config : &empty;
    s->started = weft_keep(msg);
    join_phases(self);
    weft_err err = make_table(self, s, &why);
    if (err == WEFT_OK)
        wf_supervisor_go_on(self, s);
    else {
        weft_log(self, WEFT_ERROR, "cannot start: %s", why.text);
        wf_supervisor_end(self, s, err, why.text);
    }
    return WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    const weft_stopping *stopping = weft_body(msg);
    wf_supervisor_end(self, weft_state(self), stopping->reason, "");
    return WEFT_OK;
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    wf_supervisor *s = weft_state(self);
    const weft_phase_begins *begins = weft_body(msg);
    if (begins->phase != WEFT_PHASE_DRAIN || s->draining != NULL)
        return weft_reply(msg, weft_phase_done, .cut = 0);
    s->draining = weft_keep(msg);
    wf_supervisor_rest(self, s);
    return WEFT_OK;
}

static void supervisor_ended(weft_actor *self, weft_err reason)
{
    wf_supervisor *s = weft_state(self);
    (void)reason;
    wf_charges_done(self, s);
    weft_alloc_free(s->restarts);
}

/* ---- children added and removed */

/* Text that must end within its array. */
static bool ends(const char name[WEFT_NAME_BYTES])
{
    return memchr(name, '\0', WEFT_NAME_BYTES) != NULL;
}

static bool is_stopping(const wf_supervisor *s)
{
    return s->ending || s->resting;
}

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    wf_supervisor *s = weft_state(self);
    const weft_supervisor_add *add = weft_body(msg);
    weft_why why = {""};
    wf_charge *c;
    if (is_stopping(s))
        return weft_fail(msg, WEFT_ESTOPPING, "the supervisor is stopping");
    if (!ends(add->name))
        return weft_fail(msg, WEFT_EINVAL, "the name of the child has no end");
    weft_err err = wf_charge_new(self, s, &add->child, add->name, NULL, &c, &why);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    c->added = c->wanted = true;
    c->asked = weft_keep(msg);
    wf_supervisor_go_on(self, s);
    return WEFT_OK;
}

static wf_charge *find(const weft_actor *self, const wf_supervisor *s,
                       const weft_supervisor_remove *what)
{
    const char *own = weft_name_of(self);
    size_t n = own != NULL ? strlen(own) + 1 : 0;
    for (wf_charge *c = s->first; c != NULL; c = c->next) {
        if (!weft_ref_is_nobody(what->ref)
                ? weft_ref_same(what->ref, wf_charge_ref(c))
                : c->name[0] != '\0' && strcmp(c->name + n, what->name) == 0)
            return c;
    }
    return NULL;
}

static weft_err on_remove(weft_actor *self, weft_msg *msg)
{
    wf_supervisor *s = weft_state(self);
    const weft_supervisor_remove *remove = weft_body(msg);
    if (is_stopping(s))
        return weft_fail(msg, WEFT_ESTOPPING, "the supervisor is stopping");
    if (!ends(remove->name))
        return weft_fail(msg, WEFT_EINVAL, "the name of the child has no end");
    wf_charge *c = find(self, s, remove);
    if (c == NULL || c->leaving)
        return weft_fail(msg, WEFT_ENOTFOUND, "there is no such child");
    if (c->asked != NULL) { /* it was being added */
        (void)weft_fail(c->asked, WEFT_ECANCELLED, "it was removed before it was up");
        weft_drop(&c->asked);
    }
    c->asked = weft_keep(msg);
    wf_supervisor_remove_one(self, s, c);
    wf_supervisor_go_on(self, s); /* others may have waited for it to be up */
    return WEFT_OK;
}

static weft_err on_list(weft_actor *self, weft_msg *msg)
{
    const wf_supervisor *s = weft_state(self);
    const weft_supervisor_list *list = weft_body(msg);
    weft_supervisor_listing *out = weft_scratch(msg, sizeof *out);
    uint32_t skip = list->first;
    if (out == NULL)
        return WEFT_ENOMEM;
    out->all = s->n;
    for (const wf_charge *c = s->first; c != NULL && out->n < WEFT_SUPERVISOR_LISTED_MAX;
         c = c->next) {
        if (skip != 0) {
            skip--;
            continue;
        }
        memcpy(out->child[out->n].name, c->name, sizeof c->name);
        out->child[out->n].ref = wf_charge_ref(c);
        out->child[out->n].state = c->state;
        out->child[out->n].reason = c->reason;
        out->child[out->n++].restarts = c->ward.begun != 0 ? c->ward.begun - 1 : 0;
    }
    return weft_reply_body(msg, &weft_supervisor_listing_type, out);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {.type = &weft_supervisor_add_type, .fn = on_add},
    {.type = &weft_supervisor_remove_type, .fn = on_remove},
    {.type = &weft_supervisor_list_type, .fn = on_list},
    {0},
};

const weft_behaviour weft_supervisor_behaviour = {.name = "supervisor",
                                                  .handlers = handlers,
                                                  .state_bytes = sizeof(wf_supervisor),
                                                  .ended = supervisor_ended};
