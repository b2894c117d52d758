/* SPDX-License-Identifier: MIT */
/* What tests say to a simulated system: an actor of the simulation's own says it for them. */
#include <stdio.h>

#include "alloc.h"
#include "ask.h"
#include "family.h"
#include "mailbox.h"
#include "sim.h"

/* An ask under way: the request it is asked for is served in place, and continued by the answer. */
typedef struct asking {
    weft_sim *sim;
    weft_ref to;
    const weft_type *type;
    const void *body;
    uint32_t limit_ms;
    weft_deferred deferred;
    weft_msg *msg;
} asking;

typedef struct telling {
    weft_ref to;
    const weft_type *type;
    const void *body;
    weft_err err;
} telling;

/* What stands in the message that is served in place. */
typedef struct context {
    asking *ask; /* NULL: nobody waits any more */
    weft_sim *sim;
} context;

static const weft_type context_type = WEFT_TYPE("weft.sim_ask", context, NULL);

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler handlers[] = {{0}};

/* What it is told is an answer nobody asked for. */
static const weft_behaviour outside_behaviour = {
    .name = "weft.outside", .handlers = handlers, .otherwise = ignore};

bool wf_sim_outside_init(weft_sim *sim)
{
    weft_why why;
    wf_reactor *r = sim->sys->reactor[0];
    const weft_actor *a = wf_spawn(r, NULL, &outside_behaviour, NULL, &why);
    if (a != NULL)
        sim->outside = wf_ref_of(r, a);
    return a != NULL;
}

/* NULL: it has ended with the system. */
static weft_actor *outside(const weft_sim *sim)
{
    wf_reactor *r = sim->sys->reactor[0];
    weft_actor *a = wf_actor_at(r, sim->outside.slot, sim->outside.gen);
    return a != NULL && (a->bits & WF_STOPPING) == 0 ? a : NULL;
}

static void tell(weft_actor *self, void *at)
{
    telling *t = at;
    t->err = weft_tell_body(self, t->to, t->type, t->body);
}

weft_err weft_sim_tell_body(weft_sim *sim, weft_ref to, const weft_type *type, const void *body)
{
    telling t = {.to = to, .type = type, .body = body};
    wf_sim_start(sim);
    weft_actor *self = outside(sim);
    if (self == NULL)
        return WEFT_EGONE;
    wf_sim_note(sim, "told from outside: %s", type->name);
    weft_enter(self, tell, &t);
    (void)weft_sim_run(sim);
    return t.err;
}

/* ---- asks */

void wf_sim_outside_done(weft_sim *sim)
{
    wf_sim_outcome *o = &sim->outcome;
    if (o->copy != NULL)
        wf_msg_free(WF_R, o->copy);
    *o = (wf_sim_outcome){.got = {.why = ""}};
}

static const weft_outcome *came_to(weft_sim *sim, weft_err err, const char *why)
{
    wf_sim_outcome *o = &sim->outcome;
    o->there = true;
    (void)snprintf(o->why.text, sizeof o->why.text, "%s", why);
    o->got = (weft_outcome){.err = err, .why = o->why.text};
    return &o->got;
}

/* The reply dies with its continuation: what outlives it is a copy as deep as a send's. */
static void keep_reply(weft_sim *sim, const weft_outcome *got)
{
    wf_sim_outcome *o = &sim->outcome;
    weft_why why;
    weft_err err = wf_msg_new(WF_R, NULL, got->type, got->body, 0, 0, &o->copy, &why);
    if (err != WEFT_OK) {
        (void)came_to(sim, err, why.text);
        return;
    }
    (void)came_to(sim, WEFT_OK, "");
    o->got.type = got->type;
    o->got.body = o->copy->body;
    o->got.from = got->from;
}

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const context *c = weft_body(msg);
    (void)self;
    msg->flags |= WF_ANSWERED;
    if (c->ask == NULL)
        return WEFT_OK;
    if (got->err == WEFT_OK) {
        keep_reply(c->sim, got);
        return WEFT_OK;
    }
    (void)came_to(c->sim, got->err, got->why);
    c->sim->outcome.got.delivery = got->delivery;
    return WEFT_OK;
}

/* The ask could not even be waited for. */
static void failed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const context *c = weft_body(msg);
    (void)self;
    (void)came_to(c->sim, got->err, got->why);
}

static void done(weft_msg *msg)
{
    context *c = (context *)(void *)msg->body;
    if (c->ask != NULL)
        c->ask->msg = NULL;
    wf_free(msg);
}

static const weft_local_ops ops = {.answer = failed, .done = done};

static weft_err on_ask(weft_actor *self, weft_msg *msg)
{
    asking *ask = ((const context *)weft_body(msg))->ask;
    ask->deferred = weft_ask_body(self, ask->to, ask->type, ask->body, ask->limit_ms);
    return weft_when(msg, ask->deferred, on_answer);
}

static void begin(weft_actor *self, void *at)
{
    asking *ask = at;
    context c = {ask, ask->sim};
    ask->msg = wf_alloc_zero(weft_local_bytes(sizeof c));
    if (ask->msg == NULL) {
        (void)came_to(ask->sim, WEFT_ENOMEM, weft_err_text(WEFT_ENOMEM));
        return;
    }
    (void)weft_local_init(ask->msg, &context_type, &ops, 0, 0);
    memcpy(ask->msg->body, &c, sizeof c);
    weft_local_serve(self, ask->msg, on_ask);
}

static void give_up(weft_actor *self, void *at)
{
    const asking *ask = at;
    (void)weft_cancel(self, ask->deferred);
}

const weft_outcome *weft_sim_ask_body(weft_sim *sim, weft_ref to, const weft_type *type,
                                      const void *body, uint32_t limit_ms)
{
    asking ask = {.sim = sim, .to = to, .type = type, .body = body, .limit_ms = limit_ms};
    wf_sim_start(sim);
    wf_sim_outside_done(sim);
    weft_actor *self = outside(sim);
    if (self == NULL)
        return came_to(sim, WEFT_EGONE, "the system has ended");
    wf_sim_note(sim, "asked from outside: %s", type->name);
    weft_enter(self, begin, &ask);
    uint32_t until = wf_sim_ms(sim) + WF_SIM_NO_LIMIT_MS;
    while (weft_sim_run(sim) && !sim->outcome.there && wf_sim_ms(sim) < until &&
           wf_sim_move(sim, UINT32_MAX)) {
    }
    if (sim->outcome.there)
        return &sim->outcome.got;
    if (ask.msg != NULL)
        ((context *)(void *)ask.msg->body)->ask = NULL;
    self = outside(sim);
    if (self != NULL)
        weft_enter(self, give_up, &ask);
    (void)weft_sim_run(sim);
    return came_to(sim, WEFT_ETIMEDOUT, "nobody answered, and nothing is left that could");
}
