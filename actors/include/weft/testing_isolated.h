/* SPDX-License-Identifier: MIT */
/** Isolated children in simulations: each of their processes is a system of its own in the simulated world.
 *
 *     weft_sim *world = weft_sim_new(NULL), *sim = weft_sim_new(&(weft_sim_options){.beside = world});
 *     weft_isolated_begin(weft_sim_system(sim), &tree, NULL, &why);
 *     weft_sim_spawn(sim, &weft_supervisor_behaviour, &tree);
 *
 * They are made, linked over the simulated wire, begun again and ended as processes are. @sim is not the first system
 * of its world; what is left of them when it was freed is, before the world's next step. What a process leaks is
 * logged there as an error. Everything here is called as <weft/testing.h> says. */
#ifndef WEFT_TESTING_ISOLATED_H
#define WEFT_TESTING_ISOLATED_H

#include <weft/isolated.h>
#include <weft/testing_stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The system that is the process of the child @name of @sim now; NULL: there is none. It is not to be freed. */
weft_sim *weft_sim_isolated(weft_sim *sim, const char *name);

/** Ends it as a signal would (weft_sim_crash); calm when there is none. false: something has leaked there. */
bool weft_sim_isolated_kill(weft_sim *sim, const char *name);

#ifdef __cplusplus
}
#endif
#endif
