/* SPDX-License-Identifier: MIT */
/* Faults of a simulation that a test asks for by name, now or at a time. */
#include "alloc.h"
#include "family.h"
#include "mailbox.h"
#include "sim.h"

/* Something to be done at a time: on its way, then due, then gone. */
struct wf_sim_plan {
    wf_timer timer;
    weft_sim *sim;
    wf_sim_plan *next, **back; /* of those that are not due */
    weft_sim_plan_fn *fn;
    void *context;
};

/* ---- plans */

static void put_due(wf_sim_plan *plan)
{
    weft_sim *sim = plan->sim;
    plan->next = NULL;
    *sim->due_tail = plan;
    sim->due_tail = &plan->next;
}

static void unlink_plan(wf_sim_plan *plan)
{
    *plan->back = plan->next;
    if (plan->next != NULL)
        plan->next->back = plan->back;
}

/* Not called from within the wheel: it may change what is under way. */
static void fire(wf_timer *timer)
{
    wf_sim_plan *plan = (wf_sim_plan *)(void *)((char *)timer - offsetof(wf_sim_plan, timer));
    unlink_plan(plan);
    put_due(plan);
}

weft_err weft_sim_at(weft_sim *sim, uint32_t ms, weft_sim_plan_fn *fn, void *context)
{
    wf_sim_plan *plan = wf_alloc_zero(sizeof *plan);
    if (plan == NULL)
        return WEFT_ENOMEM;
    plan->sim = sim;
    plan->fn = fn;
    plan->context = context;
    if (ms == 0) {
        put_due(plan);
        return WEFT_OK;
    }
    plan->next = sim->plans;
    plan->back = &sim->plans;
    if (plan->next != NULL)
        plan->next->back = &plan->next;
    sim->plans = plan;
    wf_timer_arm(&sim->root->under_way, &plan->timer, ms, fire);
    return WEFT_OK;
}

void wf_sim_plans_run(weft_sim *sim)
{
    for (wf_sim_plan *plan; (plan = sim->due_plan) != NULL;) {
        sim->due_plan = plan->next;
        if (plan->next == NULL)
            sim->due_tail = &sim->due_plan;
        WF_R = sim->sys->reactor[0]; /* the one before it may have made or ended a system */
        plan->fn(sim, plan->context);
        wf_free(plan);
    }
}

void wf_sim_faults_init(weft_sim *sim)
{
    sim->due_tail = &sim->due_plan;
}

void wf_sim_faults_done(weft_sim *sim)
{
    for (wf_sim_plan *plan; (plan = sim->plans) != NULL;) {
        wf_timer_cancel(&sim->root->under_way, &plan->timer);
        unlink_plan(plan);
        put_due(plan);
    }
    for (wf_sim_plan *plan = sim->due_plan, *next; plan != NULL; plan = next) {
        next = plan->next;
        wf_free(plan);
    }
    sim->due_plan = NULL;
}

/* ---- actors */

/* The actor @who stands for, and its reactor; NULL: it has ended, or is none. */
static weft_actor *actor_of(weft_sim *sim, weft_ref who, wf_reactor **r)
{
    WF_R = sim->sys->reactor[0];
    who = wf_resolve(WF_R, who);
    unsigned index = wf_home_index(who.home);
    if (who.slot == 0 || index >= wf_threads(sim->sys))
        return NULL;
    *r = sim->sys->reactor[index];
    return wf_actor_at(*r, who.slot, who.gen);
}

const void *weft_sim_state(weft_sim *sim, weft_ref who)
{
    wf_reactor *r;
    const weft_actor *a = actor_of(sim, who, &r);
    return a != NULL ? a->state : NULL;
}

weft_err weft_sim_kill(weft_sim *sim, weft_ref who, weft_err reason)
{
    wf_reactor *r;
    char text[WEFT_REF_TEXT_BYTES];
    weft_actor *a = actor_of(sim, who, &r);
    if (a == NULL)
        return WEFT_EGONE;
    wf_sim_note(sim, "fault: %s %s is killed", weft_ref_print(who, text),
                WF_STAT_GET(a->program)->behaviour->name);
    WF_R = r;
    wf_actor_stop(r, a, reason, "killed by a test", true);
    WF_R = sim->sys->reactor[0];
    return WEFT_OK;
}

/* ---- memory */

void weft_sim_fail_allocation(weft_sim *sim, uint64_t n)
{
    sim->fail_in = n;
    sim->allocation_failed = false;
}

bool weft_sim_allocation_failed(const weft_sim *sim)
{
    return sim->allocation_failed;
}
