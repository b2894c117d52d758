/* SPDX-License-Identifier: MIT */
/* Several systems in one world: they share the clock, the wire and the choices of the first. */
#include "sim.h"

void wf_sim_join(weft_sim *sim, const weft_sim *beside)
{
    sim->root = beside != NULL ? beside->root : sim;
    if (sim->root != sim)
        sim->member = ++sim->root->given;
}

void wf_sim_joined(weft_sim *sim)
{
    weft_sim **at = &sim->root->next;
    if (sim->root == sim)
        return;
    while (*at != NULL)
        at = &(*at)->next;
    *at = sim;
}

weft_sim *wf_sim_member_at(weft_sim *root, unsigned place)
{
    for (weft_sim *sim = root; sim != NULL; sim = sim->next)
        if (sim->member == place >> 8)
            return sim;
    return root;
}

void wf_sim_leave(weft_sim *sim)
{
    if (sim->root == sim) {
        wf_sim_world_done(sim);
        return;
    }
    wf_sim_due_to_root(sim);
    for (weft_sim **at = &sim->root->next; *at != NULL; at = &(*at)->next)
        if (*at == sim) {
            *at = sim->next;
            return;
        }
}
