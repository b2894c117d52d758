/* SPDX-License-Identifier: MIT */
/* Processes of isolated children in the simulated world: systems beside that of their supervisor. They are made and
 * ended between two steps, by plans of the world's first system; keepers only ask for it. */
#include "isolated_sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weft/net.h>
#include <weft/process.h>
#include <weft/testing_isolated.h>

#include "node/node.h"

typedef struct sim_process {
    struct sim_process *next;
    wf_isolated_sims *sims; /* NULL: that of its parent is no more */
    weft_sim *sim;          /* NULL: not made yet, or ended */
    const wf_isolated *of;
    weft_ref keeper;
    int pid;
    bool over; /* a plan to end it is made */
} sim_process;

struct wf_isolated_sims {
    weft_sim *world, *sim; /* of the parent */
    const weft_supervisor *tree;
    weft_isolation how;
    char url[WF_ISOLATED_URL_BYTES];
    sim_process *first;
    int last_pid;
};

/* ---- made and ended */

static void leave(const sim_process *p)
{
    sim_process **at = &p->sims->first;
    while (*at != NULL && *at != p)
        at = &(*at)->next;
    if (*at == p)
        *at = p->next;
}

static void end_it(weft_sim *world, void *context)
{
    sim_process *p = context;
    if (weft_sim_crash(&p->sim) != 0)
        weft_system_log(weft_sim_system(world), WEFT_ERROR, "isolated", "a process has leaked");
    if (p->sims != NULL)
        leave(p);
    weft_alloc_free(p);
}

static weft_err set_up(const sim_process *p, weft_why *why)
{
    const wf_isolated_sims *s = p->sims;
    char text[WF_ISOLATED_TEXT_BYTES];
    wf_isolated_boot boot;
    wf_isolated_print(weft_sim_system(s->sim), p->of, text);
    if (!wf_isolated_read(text, &boot))
        return weft_because(why, WEFT_EINTERNAL, "\"%s\" cannot be read", text);
    memcpy(boot.url, s->url, sizeof boot.url);
    weft_err err = wf_isolated_set_up(weft_sim_system(p->sim), s->tree, &s->how, &boot, why);
    return err == WEFT_OK ? wf_isolated_top(weft_sim_system(p->sim), NULL, why) : err;
}

/* One that comes to nothing is not heard of: its start takes too long. */
static void make_it(weft_sim *world, void *context)
{
    sim_process *p = context;
    weft_why why = {"memory is out"};
    if (p->over || p->sims == NULL)
        return;
    weft_sim_options o = {.seed = (uint64_t)p->pid,
                          .beside = world,
                          .system = {.reactors = p->of->reactors},
                          .faults = *weft_sim_faults_of(p->sims->sim)};
    p->sim = weft_sim_new(&o);
    if (p->sim != NULL && set_up(p, &why) == WEFT_OK)
        return;
    weft_system_log(weft_sim_system(world), WEFT_ERROR, "isolated", why.text);
    (void)weft_sim_cut_off(&p->sim);
}

/* ---- asked for by keepers */

static bool tell_started(weft_actor *self, int pid)
{
    weft_process_started body = {.process = weft_self(self), .pid = pid};
    return weft_event(self, weft_self(self), &weft_process_started_type, &body) == WEFT_OK;
}

int wf_isolated_sim_start(weft_actor *self, wf_isolated_sims *sims, const wf_isolated *of)
{
    sim_process *p = weft_alloc_zero(sizeof *p);
    if (p == NULL)
        return 0;
    *p = (sim_process){.next = sims->first,
                       .sims = sims,
                       .of = of,
                       .keeper = weft_self(self),
                       .pid = ++sims->last_pid};
    if (weft_sim_at(sims->world, 0, make_it, p) != WEFT_OK) {
        weft_alloc_free(p);
        return 0;
    }
    sims->first = p;
    if (tell_started(self, p->pid))
        return p->pid;
    wf_isolated_sim_end(sims, p->pid);
    return 0;
}

static void end_later(sim_process *p)
{
    if (p->over)
        return;
    /* without memory for a plan it is left until its parent ends, or for ever, which the test sees */
    p->over = weft_sim_at(p->sims->world, 0, end_it, p) == WEFT_OK;
}

void wf_isolated_sim_end(wf_isolated_sims *sims, int pid)
{
    for (sim_process *p = sims->first; p != NULL; p = p->next)
        if (p->pid == pid)
            end_later(p);
}

/* ---- the parent's side */

weft_err wf_isolated_sims_new(weft_system *sys, const weft_supervisor *tree,
                              const weft_isolation *how, wf_isolated_sims **out, weft_why *why)
{
    weft_sim *sim = weft_sim_of(sys);
    weft_listening at;
    if (weft_sim_world(sim) == sim)
        return weft_because(why, WEFT_EINVAL,
                            "isolated children of a simulation: expected a system beside another");
    wf_isolated_sims *s = weft_alloc_zero(sizeof *s);
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for isolated children");
    s->world = weft_sim_world(sim);
    s->sim = sim;
    s->tree = tree;
    s->how = *how;
    (void)snprintf(s->url, sizeof s->url, "sim://isolated-%u", weft_sim_member(sim));
    *out = s;
    return weft_listen_at(sys, s->url, &wf_gate_behaviour, weft_system_kept(sys, WEFT_KEPT_NODE),
                          &at, why);
}

void wf_isolated_sims_done(wf_isolated_sims *sims)
{
    for (sim_process *p = sims != NULL ? sims->first : NULL, *next; p != NULL; p = next) {
        next = p->next;
        end_later(p);
        p->sims = NULL;
    }
    weft_alloc_free(sims);
}

/* ---- what tests ask for */

static sim_process *process_of(weft_sim *sim, const char *name)
{
    const wf_isolated_sims *s = wf_isolated_sims_of(weft_sim_system(sim));
    sim_process *p = s != NULL ? s->first : NULL;
    while (p != NULL && (p->over || strcmp(p->of->name, name) != 0))
        p = p->next;
    return p;
}

weft_sim *weft_sim_isolated(weft_sim *sim, const char *name)
{
    const sim_process *p = process_of(sim, name);
    return p != NULL ? p->sim : NULL;
}

bool weft_sim_isolated_kill(weft_sim *sim, const char *name)
{
    sim_process *p = process_of(sim, name);
    if (p == NULL || p->sim == NULL)
        return true;
    bool clean = weft_sim_crash(&p->sim) == 0;
    weft_process_ended body = {.process = p->keeper, .pid = p->pid, .signal = SIGKILL};
    (void)snprintf(body.why, sizeof body.why, "ended by signal %d (Killed)", SIGKILL);
    weft_err err =
        weft_system_tell(weft_sim_system(sim), p->keeper, &weft_process_ended_type, &body);
    end_later(p);
    return clean && err == WEFT_OK;
}
