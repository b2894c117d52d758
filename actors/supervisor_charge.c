/* SPDX-License-Identifier: MIT */
/* A supervisor's children as entries: made, named, forgotten; and the numbers that rule them. */
#include <stdio.h>
#include <string.h>

#include "supervisor.h"

static uint32_t or (uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

uint32_t wf_supervisor_restarts_max(const weft_supervisor *config)
{
    return or (config->restarts_max, WF_RESTARTS);
}

uint32_t wf_supervisor_window_ms(const weft_supervisor *config)
{
    return or (config->restarts_window_ms, WF_RESTARTS_WINDOW_MS);
}

static uint32_t add(uint32_t a, uint32_t b)
{
    return a < WEFT_TIMER_MS_MAX - b ? a + b : WEFT_TIMER_MS_MAX;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
uint32_t wf_supervisor_stop_ms(const weft_supervisor *config)
{
    uint32_t ms = WF_STOP_MS; /* for itself, and for children that were added */
    for (const weft_child *c = config->children; c != NULL && c->behaviour != NULL; c++)
        ms = add(ms, wf_child_stop_ms(c));
    return ms;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
uint32_t wf_child_stop_ms(const weft_child *child)
{
    if (child->stop_ms != 0)
        return child->stop_ms < WEFT_TIMER_MS_MAX ? child->stop_ms : WEFT_TIMER_MS_MAX;
    if (child->behaviour == &weft_supervisor_behaviour && child->config != NULL)
        return wf_supervisor_stop_ms(child->config);
    return WF_STOP_MS;
}

bool wf_supervisor_may_restart(wf_supervisor *s, uint32_t now)
{
    uint32_t max = wf_supervisor_restarts_max(s->config);
    if (s->restarts_n == max &&
        now - s->restarts[s->restarts_next] < wf_supervisor_window_ms(s->config))
        return false;
    s->restarts[s->restarts_next] = now;
    s->restarts_next = (s->restarts_next + 1) % max;
    s->restarts_n += s->restarts_n < max;
    return true;
}

uint32_t wf_supervisor_backoff(weft_actor *self, const wf_supervisor *s, wf_charge *c)
{
    uint64_t ms = s->config->backoff_ms, max = or (s->config->backoff_ms_max, WF_BACKOFF_MS_MAX);
    uint32_t random;
    if (c->state == WEFT_CHILD_UP &&
        weft_now_ms(self) - c->up_at >= wf_supervisor_window_ms(s->config))
        c->fails = 0;
    ms <<= c->fails < 31 ? c->fails : 31;
    c->fails++;
    if (ms == 0)
        return 0;
    if (ms > max)
        ms = max;
    weft_random(self, &random, sizeof random);
    return (uint32_t)(ms - random % (ms / 2 + 1));
}

/* ---- made and forgotten */

static weft_err check(const weft_actor *self, const wf_supervisor *s, const weft_child *child,
                      const char *name, const wf_isolated *isolated, weft_why *why)
{
    unsigned reactors = weft_system_reactors(weft_system_of(self));
    if (child->behaviour == NULL)
        return weft_because(why, WEFT_EINVAL, "child \"%s\" has no behaviour", name);
    if (child->isolated && isolated == NULL)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "child \"%s\" is isolated, but in no table that weft_isolated_begin "
                            "was given",
                            name);
    if (child->reactor > reactors)
        return weft_because(why, WEFT_EINVAL,
                            "child \"%s\": there is no reactor %u, the last is %u", name,
                            child->reactor - 1, reactors - 1);
    if (child->reactor != 0 && child->listen != NULL)
        return weft_because(why, WEFT_EINVAL,
                            "child \"%s\" listens: it is on every reactor, not on one", name);
    if (strchr(name, '/') != NULL)
        return weft_because(why, WEFT_EINVAL,
                            "child \"%s\": \"/\" stands between names, not in one", name);
    if (s->n >= or (s->config->children_max, WF_CHILDREN_MAX))
        return weft_because(why, WEFT_ELIMIT, "no child \"%s\": children_max is %u", name, s->n);
    return WEFT_OK;
}

/* "NAME", or "SUPERVISOR/NAME". */
static weft_err write_name(const weft_actor *self, const char *name, wf_charge *c, weft_why *why)
{
    const char *own = weft_name_of(self);
    int n = snprintf(c->name, sizeof c->name, "%s%s%s", own != NULL ? own : "",
                     own != NULL ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof c->name)
        return weft_because(why, WEFT_EINVAL,
                            "child \"%s\": its name with \"%s/\" before it is longer "
                            "than %u bytes",
                            name, own, WEFT_NAME_BYTES - 1);
    return WEFT_OK;
}

static weft_err register_name(const wf_charge *c, const char *name, weft_why *why)
{
    weft_actor *ward = weft_here(c->ward.ref);
    weft_err err = c->isolated != NULL ? wf_isolated_register(ward, c->isolated)
                                       : weft_register(ward, c->name);
    if (err == WEFT_EEXISTS)
        return weft_because(why, err, "child \"%s\": the name %s is taken", name, c->name);
    if (err != WEFT_OK)
        return weft_because(why, err, "child \"%s\" cannot be named %s: %s", name, c->name,
                            weft_err_text(err));
    return WEFT_OK;
}

static void link_last(wf_supervisor *s, wf_charge *c)
{
    c->prev = s->last;
    if (s->last != NULL)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    s->n++;
}

static void unlink_it(wf_supervisor *s, wf_charge *c)
{
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        s->last = c->prev;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->first = c->next;
    s->n--;
}

extern const weft_ward_ops wf_charge_ops;

static weft_err post(weft_actor *self, wf_charge *c, weft_why *why)
{
    wf_posting *p = c->posting = wf_posting_new();
    if (p == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for child %s", c->name);
    p->behaviour = c->child.behaviour;
    p->config = c->child.config;
    p->reactor = c->child.reactor - 1;
    p->stop_ms = wf_child_stop_ms(&c->child);
    p->supervisor = weft_self(self);
    memcpy(p->name, c->name, sizeof p->name);
    /* the deputy ends it by force; its keeper is the last resort */
    c->ward.stop_ms = add(p->stop_ms, WF_POST_MS);
    return WEFT_OK;
}

static bool is_elsewhere(const weft_actor *self, const weft_child *child)
{
    return child->reactor != 0 && child->reactor - 1 != weft_reactor_of(self);
}

/* The child itself, or the keeper of what is no child of this reactor. */
static weft_err make_ward(weft_actor *self, wf_charge *c, weft_why *why)
{
    const weft_behaviour *behaviour = c->child.behaviour;
    const void *config = c->child.config;
    uint32_t stop_ms = wf_child_stop_ms(&c->child);
    if (c->isolated != NULL) {
        behaviour = &wf_isolated_keeper_behaviour;
        config = c->isolated;
        /* it ends its process itself; to be ended by force is the last resort */
        stop_ms = add(stop_ms, WF_POST_MS);
        c->elsewhere = wf_isolated_ref(self, c->isolated);
    } else if (c->child.listen != NULL) {
        behaviour = &wf_listen_keeper_behaviour;
        config = &c->plan;
    } else if (is_elsewhere(self, &c->child)) {
        weft_err err = post(self, c, why);
        if (err != WEFT_OK)
            return err;
        behaviour = &wf_post_keeper_behaviour;
        config = c->posting;
        stop_ms = c->ward.stop_ms;
    }
    weft_err err = weft_ward_new(self, &c->ward, behaviour, config, &wf_charge_ops, why);
    c->ward.stop_ms = stop_ms;
    return err;
}

weft_err wf_charge_new(weft_actor *self, wf_supervisor *s, const weft_child *child,
                       const char *name, const weft_child *row, wf_charge **out, weft_why *why)
{
    const wf_isolated *isolated =
        child->isolated ? wf_isolated_of(weft_system_of(self), row) : NULL;
    weft_err err = check(self, s, child, name, isolated, why);
    if (err != WEFT_OK)
        return err;
    wf_charge *c = weft_alloc_zero(sizeof *c);
    if (c == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for child \"%s\"", name);
    c->supervisor = self;
    c->child = *child;
    c->child.name = NULL; /* that is not ours */
    c->plan = (wf_listen_plan){&c->child, row};
    c->isolated = isolated;
    if (name[0] != '\0')
        err = write_name(self, name, c, why);
    if (err == WEFT_OK)
        err = make_ward(self, c, why);
    if (err != WEFT_OK) {
        wf_posting_leave(c->posting);
        weft_alloc_free(c);
        return err;
    }
    link_last(s, c);
    if (name[0] != '\0' && c->posting == NULL)
        err = register_name(c, name, why);
    if (err != WEFT_OK) {
        wf_charge_drop(self, s, c);
        return err;
    }
    *out = c;
    return WEFT_OK;
}

void wf_charge_end(weft_actor *self, wf_charge *c)
{
    if (c->isolated != NULL)
        wf_isolated_gone(self, c->isolated);
    wf_posting_end(self, c->posting);
    c->posting = NULL;
    weft_ward_end(self, &c->ward, WEFT_OK);
}

void wf_charge_drop(weft_actor *self, wf_supervisor *s, wf_charge *c)
{
    weft_alarm_clear(&c->alarm);
    wf_charge_end(self, c);
    unlink_it(s, c);
    weft_alloc_free(c);
}

void wf_charges_done(weft_actor *self, wf_supervisor *s)
{
    for (wf_charge *c = s->first, *next; c != NULL; c = next) {
        next = c->next;
        weft_alarm_clear(&c->alarm);
        if (c->isolated != NULL)
            wf_isolated_gone(self, c->isolated);
        wf_posting_leave(c->posting); /* its deputy sees the end of the supervisor */
        weft_alloc_free(c);
    }
    s->first = s->last = NULL;
    s->n = 0;
}
