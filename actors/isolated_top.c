/* SPDX-License-Identifier: MIT */
/* What runs in the process of an isolated child: an actor at the top that begins the child when it is asked to,
 * and has the system end when the child has stopped, is to be, or nobody is there any more who wants it. */
#include <stdio.h>

#include <weft/edge.h>
#include <weft/ward.h>

#include "isolated.h"
#include "isolated_words.h"
#include "listen.h"
#include "node/node.h"
#include "supervisor.h"

const weft_type wf_isolated_begun_type = WEFT_TYPE_PROTO("weft.isolated_begun", wf_isolated_begun,
                                                         &weft__isolated__begun__descriptor, NULL);
const weft_type wf_isolated_over_type = WEFT_TYPE_PROTO("weft.isolated_over", wf_isolated_over,
                                                        &weft__isolated__over__descriptor, NULL);
const weft_type wf_isolated_begin_type =
    WEFT_TYPE_PROTO("weft.isolated_begin", wf_isolated_begin, &weft__isolated__begin__descriptor,
                    &wf_isolated_begun_type);
const weft_type wf_isolated_await_type =
    WEFT_TYPE_PROTO("weft.isolated_await", wf_isolated_await, &weft__isolated__await__descriptor,
                    &wf_isolated_over_type);
const weft_type wf_isolated_halt_type = WEFT_TYPE_PROTO("weft.isolated_halt", wf_isolated_halt,
                                                        &weft__isolated__halt__descriptor, NULL);

weft_err wf_isolated_own_types(weft_system *sys, weft_why *why)
{
    static const weft_type *const own[] = {&wf_isolated_begin_type, &wf_isolated_await_type,
                                           &wf_isolated_halt_type, NULL};
    weft_err err = WEFT_OK;
    for (const weft_type *const *at = own; err == WEFT_OK && *at != NULL; at++)
        err = wf_node_add_type(sys, *at, why);
    return err;
}

/* ---- the actor */

typedef struct top {
    weft_ward child; /* must be first */
    wf_listen_plan plan;
    weft_msg *begins, *awaits, *drains; /* requests that wait */
    bool made, over;
    weft_err reason; /* for which it is over, or was not made */
    weft_why why;
} top;

static const wf_isolated *self_of(const weft_actor *self)
{
    return wf_isolated_self(weft_system_of(self));
}

static void say_over(top *t)
{
    if (t->awaits != NULL)
        (void)weft_reply(t->awaits, wf_isolated_over, .reason = (uint32_t)t->reason,
                         .why = t->why.text);
    weft_drop(&t->awaits);
}

static void child_up(weft_actor *self, weft_ward *ward, weft_err err, const char *why)
{
    top *t = (top *)(void *)ward;
    if (err != WEFT_OK) {
        weft_ward_kill(self, ward, err, why);
        return;
    }
    if (t->begins != NULL)
        (void)weft_reply(t->begins, wf_isolated_begun, .base = {0});
    weft_drop(&t->begins);
}

/* A process has one child, and one life of it. */
static void child_down(weft_actor *self, weft_ward *ward, weft_err reason, const char *why)
{
    top *t = (top *)(void *)ward;
    t->over = true;
    t->reason = reason;
    weft_explain(&t->why, "%s", why);
    if (t->begins != NULL && reason != WEFT_OK) {
        (void)weft_fail(t->begins, reason, "%s", why);
        weft_drop(&t->begins);
    }
    if (t->begins != NULL) /* it has done its work while it started */
        (void)weft_reply(t->begins, wf_isolated_begun, .base = {0});
    weft_drop(&t->begins);
    if (t->drains != NULL)
        (void)weft_reply(t->drains, weft_phase_done, .cut = 0);
    weft_drop(&t->drains);
    if (t->awaits == NULL)
        return; /* it is asked for, or the connection ends */
    say_over(t);
    weft_system_stop(self, WEFT_OK);
}

static const weft_ward_ops child_ops = {.up = child_up, .down = child_down};

/* Before there is a connection: what was asked of it while it was not there waits for it to begin. */
static weft_err make_child(weft_actor *self, top *t, weft_why *why)
{
    const wf_isolated *i = self_of(self);
    const weft_behaviour *behaviour = i->row->behaviour;
    const void *config = i->row->config;
    if (i->row->listen != NULL) {
        t->plan = (wf_listen_plan){.child = i->row};
        behaviour = &wf_listen_keeper_behaviour;
        config = &t->plan;
    }
    weft_err err = weft_ward_new(self, &t->child, behaviour, config, &child_ops, why);
    if (err != WEFT_OK)
        return err;
    t->child.stop_ms = wf_child_stop_ms(i->row);
    err = weft_register(weft_here(t->child.ref), i->name);
    if (err != WEFT_OK)
        return weft_because(why, err, "it cannot be named %s: %s", i->name, weft_err_text(err));
    t->made = true;
    return WEFT_OK;
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    top *t = weft_state(self);
    if (!t->made)
        return weft_fail(msg, t->reason, "%s", t->why.text);
    if (t->child.begun != 0)
        return weft_fail(msg, WEFT_EEXISTS, "it has begun before");
    t->begins = weft_keep(msg);
    if (weft_ward_begin(self, &t->child))
        child_up(self, &t->child, WEFT_OK, "");
    return WEFT_OK;
}

static weft_err on_await(weft_actor *self, weft_msg *msg)
{
    top *t = weft_state(self);
    weft_drop(&t->awaits);
    t->awaits = weft_keep(msg);
    if (!t->over)
        return WEFT_OK;
    say_over(t);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_halt(weft_actor *self, weft_msg *msg)
{
    top *t = weft_state(self);
    const wf_isolated_halt *halt = weft_body(msg);
    if (t->child.begun != 0)
        weft_ward_stop(self, &t->child, (weft_err)halt->reason);
    return WEFT_OK;
}

static weft_err watch_parent(weft_actor *self)
{
    char parent[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES];
    (void)snprintf(parent, sizeof parent, NODE_ACTOR_NAME "@%s", weft_isolated_by(self));
    return weft_monitor(self, weft_named(self, parent));
}

/* Whoever started this process is no more, or takes it for dead. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const top *t = weft_state(self);
    if (weft_config(self) == NULL && t->child.begun == 0)
        return watch_parent(self); /* it could not connect yet */
    if (!t->over)
        weft_log(self, WEFT_NOTICE, "stops: %s", ((const weft_down *)weft_body(msg))->why);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    top *t = weft_state(self);
    const weft_phase_begins *begins = weft_body(msg);
    if (t->child.begun == 0 || t->over || weft_ward_is_down(&t->child))
        return weft_reply(msg, weft_phase_done, .cut = 0);
    t->drains = weft_keep(msg);
    if (t->child.stop_ms > begins->grace_ms)
        t->child.stop_ms = begins->grace_ms;
    weft_ward_stop(self, &t->child, WEFT_ESTOPPING);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    top *t = weft_state(self);
    const int *fd = ((const weft_started *)weft_body(msg))->config;
    t->reason = make_child(self, t, &t->why);
    weft_err err = fd != NULL ? weft_node_adopt(self, weft_isolated_by(self), *fd, true) : WEFT_OK;
    if (err == WEFT_OK)
        err = watch_parent(self);
    if (err != WEFT_OK)
        weft_system_stop(self, err);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_phase_begins_type, .fn = on_phase},
    {.type = &wf_isolated_begin_type, .fn = on_begin},
    {.type = &wf_isolated_await_type, .fn = on_await},
    {.type = &wf_isolated_halt_type, .fn = on_halt},
    {0},
};

static const weft_behaviour top_behaviour = {
    .name = "isolated", .handlers = handlers, .state_bytes = sizeof(top)};

weft_err wf_isolated_top(weft_system *sys, const int *fd, weft_why *why)
{
    weft_ref ref = weft_system_spawn(sys, 0, &top_behaviour, fd);
    if (weft_ref_is_nobody(ref))
        return weft_because(why, WEFT_ENOMEM, "no memory for the actor at the top");
    weft_err err = weft_system_register(sys, ref, WF_ISOLATED_TOP);
    if (err == WEFT_OK)
        err = weft_on_phase(sys, WEFT_PHASE_DRAIN, ref);
    return err == WEFT_OK
               ? err
               : weft_because(why, err, "no room for the actor at the top: %s", weft_err_text(err));
}
