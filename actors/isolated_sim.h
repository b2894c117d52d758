/* SPDX-License-Identifier: MIT */
/* Processes of isolated children in the simulated world. */
#ifndef WF_ISOLATED_SIM_H
#define WF_ISOLATED_SIM_H

#include "isolated.h"

enum { WF_ISOLATED_SIM_LEAVE_MS = 10 }; /* as WF_ISOLATED_LEAVE_MS, there */

struct weft_sim;

/* Those that a system starts. @sim, of @sys, is not the first of its world. errors: EINVAL, ENOMEM, those of
 * weft_listen. thread: before start. */
WEFT_MUST_USE weft_err wf_isolated_sims_new(weft_system *sys, const weft_supervisor *tree,
                                            const weft_isolation *how, wf_isolated_sims **out,
                                            weft_why *why);
/* What there is ends before the world's next step; NULL is calm. */
void wf_isolated_sims_done(wf_isolated_sims *sims);

/* Has the process of @of begin before the next step; @self, its keeper, is told weft_process_started with its
 * number. Gives that; 0: no memory. */
int wf_isolated_sim_start(weft_actor *self, wf_isolated_sims *sims, const wf_isolated *of);
/* Has it end before the next step; calm when it has. */
void wf_isolated_sim_end(wf_isolated_sims *sims, int pid);

#endif
